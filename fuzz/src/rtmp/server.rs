//! The server's session.

use super::limits;
use crate::{Source, pieces};
use backline_rtmp::Error;
use backline_rtmp::server::{Config, Output, Rejection, RequestId, Server};
use bytes::Buf as _;
use std::time::{Duration, Instant};

/// C0, C1 and a C2 that echoes nothing; S0, S1 and S2 may look the same.
pub(super) fn greeting() -> Vec<u8> {
    let mut bytes = vec![0; 1 + 1536 + 1536];
    bytes[0] = 3;
    bytes
}

/// connect, createStream and publish as an encoder sends them, each in one chunk.
#[must_use]
pub fn publish_commands() -> Vec<u8> {
    commands(&["publish", "key", "live"])
}

/// The same of a player.
#[must_use]
pub fn play_commands() -> Vec<u8> {
    commands(&["play", "key"])
}

fn commands(last: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    let string = |text: &str| {
        let mut bytes = vec![0x02, 0, text.len() as u8];
        bytes.extend(text.as_bytes());
        bytes
    };
    let number = |value: f64| {
        let mut bytes = vec![0x00];
        bytes.extend(value.to_be_bytes());
        bytes
    };
    let mut app = vec![0x03, 0, 3];
    app.extend(b"app");
    app.extend(string("live"));
    app.extend([0, 0, 9]);
    command(&mut out, 0, &[string("connect"), number(1.0), app].concat());
    command(
        &mut out,
        0,
        &[string("createStream"), number(2.0), vec![0x05]].concat(),
    );
    let [name, arguments @ ..] = last else {
        panic!("a command has a name")
    };
    let mut body = [string(name), number(3.0), vec![0x05]].concat();
    for argument in arguments {
        body.extend(string(argument));
    }
    command(&mut out, 1, &body);
    out
}

fn command(out: &mut Vec<u8>, message_stream: u8, body: &[u8]) {
    assert!(body.len() <= 128, "one chunk of the first size");
    out.extend([
        0x03,
        0,
        0,
        0,
        0,
        0,
        body.len() as u8,
        20,
        message_stream,
        0,
        0,
        0,
    ]);
    out.extend(body);
}

#[derive(Debug, PartialEq)]
struct Outcome {
    outputs: Vec<String>,
    error: Option<Error>,
    taken: u64,
}

/// Any partition of the input gives the same outputs and the same error; every byte is taken or an error says why not.
///
/// Input: a byte of modes, a byte that seeds the partition, chunks after the handshake and perhaps after publish.
pub fn server_session(data: &[u8]) {
    let mut source = Source::new(data);
    let (mode, seed) = (source.u8(), source.u8());
    let mut wire = greeting();
    if mode & 4 != 0 {
        wire.extend(publish_commands());
    }
    wire.extend(source.rest());
    let whole = outcome(mode, std::iter::once(wire.as_slice()));
    let split = outcome(mode, pieces(&wire, seed.max(1)));
    assert_eq!(whole, split, "mode {mode}, seed {seed}");
    if whole.error.is_none() && !whole.outputs.iter().any(|output| output == "Close") {
        assert_eq!(
            whole.taken,
            wire.len() as u64,
            "bytes were neither taken nor refused"
        );
    }
    if mode & 4 != 0 && mode & 1 == 0 {
        assert!(
            whole
                .outputs
                .first()
                .is_some_and(|output| output.starts_with("Publish(")),
            "{:?}",
            whole.outputs
        );
    }
}

/// Modes: 1 low caps, 2 reject every other publication, 4 begin with a publication.
fn outcome<'a>(mode: u8, input: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let now = Instant::now();
    let mut config = Config::default();
    config.limits = limits(mode & 1 != 0);
    let caps = config.limits.clone();
    let mut server = Server::new(config, now);
    let mut outcome = Outcome {
        outputs: Vec::new(),
        error: None,
        taken: 0,
    };
    let mut requests = 0;
    'input: for mut piece in input {
        // An empty call must be harmless too.
        loop {
            let taken = match server.handle_input(now, piece) {
                Ok(taken) => taken,
                Err(error) => {
                    outcome.error = Some(error);
                    // What came before the error is there all the same.
                    while let Some(output) = server.poll_output() {
                        outcome.outputs.push(format!("{output:?}"));
                    }
                    break 'input;
                }
            };
            assert!(taken <= piece.len());
            outcome.taken += taken as u64;
            piece = &piece[taken..];
            let (mut drained, mut progress) = (0_usize, taken > 0);
            while let Some(output) = server.poll_output() {
                drained += 1;
                progress = true;
                if let Some(id) = asked(&output) {
                    requests += 1;
                    let answer = if mode & 2 != 0 && requests % 2 == 0 {
                        server.reject(now, id, Rejection::bad_name("no"))
                    } else {
                        server.accept(now, id)
                    };
                    answer.expect("it waits");
                }
                outcome.outputs.push(format!("{output:?}"));
            }
            // One message may exceed the cap by a constant.
            assert!(
                drained <= caps.outputs + usize::from(caps.tracks) + 8,
                "{drained} outputs waited"
            );
            while server.poll_transmit().is_some() {
                progress = true;
            }
            if piece.is_empty() && !progress {
                break;
            }
            if outcome
                .outputs
                .last()
                .is_some_and(|output| output == "Close")
            {
                break 'input;
            }
            assert!(progress, "{} bytes wait and nothing happens", piece.len());
        }
    }
    if outcome.error.is_some() {
        // How many bytes an error took is no matter: the connection ends.
        outcome.taken = 0;
    } else {
        assert_eq!(server.stats().bytes_in, outcome.taken);
    }
    outcome
}

/// The request that an output is.
fn asked(output: &Output) -> Option<RequestId> {
    match output {
        Output::Play(request) => Some(request.id),
        Output::Publish(request) => Some(request.id),
        _ => None,
    }
}

/// Any order of calls: no panic, no answer twice, nothing after the end, bounded queues, a timeout that moves on.
///
/// Input: a byte of modes, then calls of two bytes and what they need.
pub fn server_ops(data: &[u8]) {
    let mut source = Source::new(data);
    let mode = source.u8();
    let mut config = Config::default();
    config.limits = limits(mode & 1 != 0);
    let epoch = Instant::now() + Duration::from_secs(3600);
    let mut run = Run {
        caps: config.limits.outputs + usize::from(config.limits.tracks),
        ..Run::new(Server::new(config, epoch), epoch)
    };
    if mode & 4 != 0 {
        run.input(&greeting());
        run.drain(usize::MAX);
        run.input(&publish_commands());
    }
    while !source.is_empty() {
        run.step(&mut source);
    }
    run.finish();
}

struct Run {
    server: Server,
    now: Instant,
    waiting: Vec<RequestId>,
    answered: Vec<RequestId>,
    caps: usize,
    fed: u64,
    sent: u64,
    over: bool,
    closed: bool,
}

impl Run {
    fn new(server: Server, now: Instant) -> Self {
        Self {
            server,
            now,
            waiting: Vec::new(),
            answered: Vec::new(),
            caps: 0,
            fed: 0,
            sent: 0,
            over: false,
            closed: false,
        }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(10) {
            0 | 1 => {
                let count = usize::from(source.u8());
                self.input(source.take(count));
            }
            2 => self.input(&publish_commands()),
            3 => self.drain(usize::from(source.below(4))),
            4 => {
                for _ in 0..source.below(4) {
                    if let Some(mut transmit) = self.server.poll_transmit() {
                        self.sent += transmit.remaining() as u64;
                        transmit.advance(transmit.remaining());
                    }
                }
            }
            5 => self.answer(source.u8()),
            6 => {
                self.server.close(self.now, Rejection::ended("over"));
                self.over = true;
            }
            7 => self.now += Duration::from_millis(u64::from(source.u16())),
            // Clocks go backwards; it counts and goes on.
            8 => {
                self.now = self
                    .now
                    .checked_sub(Duration::from_millis(source.u8().into()))
                    .unwrap_or(self.now)
            }
            _ => {
                self.now = self
                    .server
                    .poll_timeout()
                    .map_or(self.now, |due| due.max(self.now));
                self.server.handle_timeout(self.now);
                // What was due is done: it does not ask for the same moment again.
                assert!(
                    self.server.poll_timeout().is_none_or(|due| due > self.now),
                    "a timeout that does not end"
                );
            }
        }
    }

    fn input(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.server.handle_input(self.now, bytes) {
                Ok(taken) => {
                    assert!(taken <= bytes.len());
                    self.fed += taken as u64;
                    bytes = &bytes[taken..];
                    if taken == 0 {
                        return;
                    }
                }
                Err(_) => {
                    self.over = true;
                    return;
                }
            }
        }
    }

    fn drain(&mut self, count: usize) {
        for drained in 0..count {
            let Some(output) = self.server.poll_output() else {
                return;
            };
            assert!(!self.closed, "{output:?} after the end");
            assert!(drained <= self.caps + 8, "more outputs than the cap");
            if let Some(id) = asked(&output) {
                assert!(!self.answered.contains(&id), "an id comes twice");
                self.waiting.push(id);
            }
            self.closed |= output == Output::Close;
        }
    }

    fn answer(&mut self, how: u8) {
        let Some(id) = self
            .waiting
            .pop()
            .or_else(|| self.answered.first().copied())
        else {
            return;
        };
        let again = self.answered.contains(&id);
        let result = if how & 1 == 0 {
            self.server.accept(self.now, id)
        } else {
            self.server.reject(self.now, id, Rejection::denied("no"))
        };
        assert!(!again || result.is_err(), "a request was answered twice");
        self.answered.push(id);
    }

    fn finish(mut self) {
        self.drain(usize::MAX);
        while let Some(transmit) = self.server.poll_transmit() {
            self.sent += transmit.remaining() as u64;
        }
        let stats = self.server.stats();
        assert!(
            self.over || stats.bytes_in == self.fed,
            "{} bytes in, {} taken",
            stats.bytes_in,
            self.fed
        );
        assert_eq!(stats.bytes_out, self.sent);
        assert!(stats.messages >= stats.audio_messages + stats.video_messages);
    }
}
