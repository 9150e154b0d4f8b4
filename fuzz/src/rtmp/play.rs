//! The server's session with a player.

use super::packets::{Packets, assert_same, is_own};
use super::server::greeting;
use crate::Source;
use backline_rtmp::Limits;
use backline_rtmp::amf0::Value;
use backline_rtmp::chunk::{Demuxer, Message, Muxer};
use backline_rtmp::command::Command;
use backline_rtmp::flv::Packet;
use backline_rtmp::server::{Config, Ending, Output, Rejection, RequestId, Server};
use bytes::Buf as _;
use std::time::{Duration, Instant};

/// What a player may say, with the number that it begins with.
const CALLS: [&str; 14] = [
    "pause",
    "pauseRaw",
    "seek",
    "receiveAudio",
    "receiveVideo",
    "play",
    "play2",
    "closeStream",
    "deleteStream",
    "createStream",
    "getStreamLength",
    "FCSubscribe",
    "whatever",
    "publish",
];

/// Any order of calls: what the server says it sends is what a reader finds on the wire, all of it and in order; no
/// answer twice, nothing after the end, bounded queues, a timeout that moves on.
///
/// Input: a byte of modes, then calls of a byte and what they need.
pub fn play_ops(data: &[u8]) {
    let mut source = Source::new(data);
    let mode = source.u8();
    let mut config = Config::default();
    if mode & 1 != 0 {
        (config.limits.outputs, config.limits.transmits) = (1, 2);
    }
    config.chunk_size = 64 << (mode >> 4 & 7);
    let now = Instant::now() + Duration::from_secs(3600);
    let mut run = Run {
        server: Server::new(config.clone(), now),
        caps: config.limits,
        muxer: Muxer::new(),
        now,
        // What the server says at the end of a recording has the time 0.
        packets: Packets::new(mode >> 2 & 1),
        pending: Vec::new(),
        request: None,
        answered: Vec::new(),
        sent: Vec::new(),
        wire: Vec::new(),
        over: false,
        closed: false,
    };
    run.pending = greeting();
    for (name, transaction, value, stream) in [
        ("connect", 1.0, Value::Object(Vec::new()), 0),
        ("createStream", 2.0, Value::Null, 0),
        ("play", 0.0, Value::Null, 1),
    ] {
        let values = vec![value, Value::String("key".to_owned())];
        run.call(Command::new(name, transaction, values, stream));
    }
    while !source.is_empty() {
        run.step(&mut source);
    }
    run.finish();
}

struct Run {
    server: Server,
    caps: Limits,
    muxer: Muxer,
    now: Instant,
    packets: Packets,
    /// Bytes of the player that the server has not taken yet.
    pending: Vec<u8>,
    request: Option<RequestId>,
    answered: Vec<RequestId>,
    sent: Vec<Packet>,
    wire: Vec<u8>,
    over: bool,
    closed: bool,
}

impl Run {
    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(16) {
            0 => {
                let count = usize::from(source.u8());
                self.pending.extend(source.take(count));
                self.input();
            }
            1 | 2 => {
                let name = CALLS[usize::from(source.u8()) % CALLS.len()];
                let argument = match source.below(4) {
                    0 => Value::Boolean(false),
                    1 => Value::Boolean(true),
                    2 => Value::Number(f64::from(source.u16()) - 2.0),
                    _ => Value::String(source.text(4)),
                };
                let stream = u32::from(source.below(3));
                let transaction = f64::from(source.below(3));
                let values = vec![Value::Null, argument];
                self.call(Command::new(name, transaction, values, stream));
            }
            3 => self.drain(usize::from(source.below(4))),
            4 => self.poll(usize::from(source.below(8))),
            5 => self.answer(source.u8()),
            6 => drop(self.server.reconnect(self.now, None, "later")),
            7 => {
                let ending = [Ending::Complete, Ending::Stopped, Ending::Unpublished];
                let ending = ending[usize::from(source.below(3))];
                let ready = self.server.is_ready();
                let ended = self.server.end(self.now, ending).is_ok();
                assert!(ended || !ready, "what plays can be ended");
                assert!(self.server.end(self.now, ending).is_err(), "ended twice");
            }
            8 => {
                self.now += Duration::from_millis(u64::from(source.u16()) / 8);
                self.server.handle_timeout(self.now);
            }
            9 => {
                let due = self.server.poll_timeout();
                self.now = due.map_or(self.now, |due| due.max(self.now));
                self.server.handle_timeout(self.now);
            }
            10 if source.u8() == 1 => {
                self.server.close(self.now, Rejection::ended("over"));
                self.over = true;
            }
            11 => self.input(),
            _ => self.send(source),
        }
    }

    fn send(&mut self, source: &mut Source<'_>) {
        let packet = self.packets.next(source);
        let ready = self.server.is_ready();
        let before = self.server.waiting_bytes();
        match self.server.send(self.now, &packet) {
            Ok(true) => self.sent.push(packet),
            Ok(false) => assert_eq!(self.server.waiting_bytes(), before, "it was sent"),
            Err(_) => {
                assert!(!ready);
                assert_eq!(self.server.waiting_bytes(), before, "it was sent");
            }
        }
    }

    fn call(&mut self, command: Command) {
        for mut transmit in self.muxer.write(&command.to_message()) {
            let bytes = transmit.copy_to_bytes(transmit.remaining());
            self.pending.extend(bytes);
        }
        self.input();
    }

    fn input(&mut self) {
        while !self.pending.is_empty() && !self.over {
            match self.server.handle_input(self.now, &self.pending) {
                Ok(0) => return,
                Ok(taken) => drop(self.pending.drain(..taken)),
                Err(_) => self.over = true,
            }
            // Each side reads what the other one writes, or the session would rightly wait.
            if self.caps.outputs > 1 {
                self.drain(2);
            }
        }
    }

    fn drain(&mut self, count: usize) {
        for _ in 0..count {
            let Some(output) = self.server.poll_output() else {
                return;
            };
            assert!(!self.closed, "{output:?} after the end");
            match output {
                Output::Play(request) => self.request = Some(request.id),
                Output::Publish(request) => self.request = Some(request.id),
                Output::Call(call) => {
                    let answer = if call.transaction > 1.0 {
                        Err(Value::Null)
                    } else {
                        Ok(Value::Null)
                    };
                    self.server.respond(self.now, &call, answer);
                }
                Output::Close => self.closed = true,
                _ => {}
            }
        }
    }

    fn answer(&mut self, how: u8) {
        let Some(id) = self
            .request
            .take()
            .or_else(|| self.answered.last().copied())
        else {
            return;
        };
        let again = self.answered.contains(&id);
        let result = if how.is_multiple_of(8) {
            self.server.reject(self.now, id, Rejection::denied("no"))
        } else {
            self.server.accept(self.now, id)
        };
        assert!(!again || result.is_err(), "a request was answered twice");
        self.answered.push(id);
    }

    fn poll(&mut self, count: usize) {
        for _ in 0..count {
            let Some(mut transmit) = self.server.poll_transmit() else {
                return;
            };
            let bytes = transmit.copy_to_bytes(transmit.remaining());
            self.wire.extend(bytes);
        }
    }

    /// Reads what was written.
    fn finish(mut self) {
        self.drain(usize::MAX);
        self.poll(usize::MAX);
        assert_eq!(self.server.waiting_bytes(), 0);
        let stats = self.server.stats();
        assert_eq!(stats.bytes_out, self.wire.len() as u64);
        assert_eq!(stats.packets_sent, self.sent.len() as u64);
        let mut input = self.wire.get(greeting().len()..).unwrap_or(&[]);
        let mut open = Limits::default();
        open.chunk_size_min = 1;
        let mut demuxer = Demuxer::new(open.clone());
        let mut came = Vec::new();
        while let Some(message) = demuxer
            .next_message(&mut input)
            .expect("what is written can be read")
        {
            if !matches!(
                message.kind,
                Message::AUDIO | Message::VIDEO | Message::DATA
            ) {
                continue;
            }
            let packets = Packet::decode(message, &open).expect("a packet");
            came.extend(packets.filter(|packet| !is_own(packet)));
        }
        assert_same(&came, &self.sent);
    }
}
