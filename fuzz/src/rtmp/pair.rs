//! Our client and our server, joined by a wire, under any order of calls.

use super::client;
use super::handshake::form;
use super::packets::{Packets, assert_same, is_own};
use crate::Source;
use backline_rtmp::Error;
use backline_rtmp::client::{Client, Config, Output as ClientOutput};
use backline_rtmp::flv::Packet;
use backline_rtmp::handshake::EchoPolicy;
use backline_rtmp::server::{self, Ending, Output as ServerOutput, Rejection, RequestId, Server};
use bytes::Buf as _;
use std::time::{Duration, Instant};

/// What one side sends arrives, all of it and in order, however calls are mixed; in the end both sides agree about how
/// it ended.
///
/// Input: a byte of modes, a byte of the handshake's form, calls of a byte and what they need.
pub fn session_pair(data: &[u8]) {
    let mut source = Source::new(data);
    let (mode, form_choice) = (source.u8(), source.u8());
    let plays = mode & 1 != 0;
    let mut config = client::config(plays);
    let mut server_config = server::Config::default();
    (config.handshake, config.echo) = (form(form_choice), EchoPolicy::Strict);
    server_config.echo = EchoPolicy::Strict;
    if mode & 2 != 0 {
        // Each side has room for one thing at a time.
        (config.limits.outputs, config.limits.transmits) = (1, 1);
        (server_config.limits.outputs, server_config.limits.transmits) = (1, 1);
    }
    if mode & 4 != 0 {
        config.fourccs = vec!["*".to_owned()];
    }
    config.chunk_size = 128 << (mode >> 4 & 7);
    server_config.chunk_size = config.chunk_size;
    config.window_ack_size = 1000 << (mode >> 6);
    let mut pair = Pair::new(config, server_config);
    pair.accepts = mode & 8 == 0;
    if form_choice & 0x80 == 0 {
        pair.settle();
    }
    pair.packets = Packets::new(form_choice >> 4);
    while !source.is_empty() {
        pair.step(&mut source, plays);
    }
    pair.settle();
    pair.finish(plays);
}

/// Both ends of a connection.
#[derive(Debug)]
pub(super) struct Pair {
    accepts: bool,
    client: Client,
    client_closed: bool,
    /// All that the server sent.
    pub(super) down_all: Vec<u8>,
    /// Whether one side ended it, or time ran out: not all that was sent need arrive.
    ended: bool,
    /// Whether the client has ended in order: all that it published before must arrive.
    left: bool,
    came: Vec<Packet>,
    now: Instant,
    packets: Packets,
    ready: bool,
    request: Option<RequestId>,
    sent: Vec<Packet>,
    server: Server,
    server_closed: bool,
    /// Bytes on their way: to the server, to the client.
    wires: [Vec<u8>; 2],
    /// Bytes that went over each wire.
    moved: [u64; 2],
    polled: [u64; 2],
}

impl Pair {
    pub(super) fn new(config: Config, server_config: server::Config) -> Self {
        let now = Instant::now();
        Self {
            accepts: true,
            client: Client::new(config, now),
            client_closed: false,
            down_all: Vec::new(),
            ended: false,
            left: false,
            came: Vec::new(),
            now,
            packets: Packets::new(0),
            ready: false,
            request: None,
            sent: Vec::new(),
            server: Server::new(server_config, now),
            server_closed: false,
            wires: [Vec::new(), Vec::new()],
            moved: [0; 2],
            polled: [0; 2],
        }
    }

    /// Whether the client's stream has begun.
    pub(super) const fn is_ready(&self) -> bool {
        self.ready
    }

    fn step(&mut self, source: &mut Source<'_>, plays: bool) {
        match source.below(16) {
            0 | 1 => self.up(usize::from(source.u16()) % 3000),
            2 | 3 => self.down(usize::from(source.u16()) % 3000),
            4 => self.poll_client(usize::from(source.below(4))),
            5 => self.poll_server(usize::from(source.below(4))),
            6 => self.drain(usize::from(source.below(4))),
            7 => self.settle(),
            8 => self.now += Duration::from_millis(u64::from(source.u16()) / 16),
            9 => self.due(),
            10 if source.u8() == 7 => self.end(source.u8(), plays),
            _ => self.send(source, plays),
        }
    }

    fn up(&mut self, count: usize) {
        let wire = &mut self.wires[0];
        let count = count.min(wire.len());
        let taken = match self.server.handle_input(self.now, &wire[..count]) {
            Ok(taken) => taken,
            Err(error) => {
                assert_eq!(error, Error::Closed, "our own client is in order");
                self.ended = true;
                return wire.clear();
            }
        };
        wire.drain(..taken);
        self.moved[0] += taken as u64;
    }

    fn down(&mut self, count: usize) {
        let wire = &mut self.wires[1];
        let count = count.min(wire.len());
        let taken = match self.client.handle_input(self.now, &wire[..count]) {
            Ok(taken) => taken,
            Err(error) => {
                assert_eq!(error, Error::Closed, "our own server is in order");
                self.ended = true;
                return wire.clear();
            }
        };
        wire.drain(..taken);
        self.moved[1] += taken as u64;
    }

    fn poll_client(&mut self, count: usize) {
        for _ in 0..count {
            let Some(mut transmit) = self.client.poll_transmit() else {
                return;
            };
            self.polled[0] += transmit.remaining() as u64;
            self.wires[0].extend(transmit.copy_to_bytes(transmit.remaining()));
        }
    }

    fn poll_server(&mut self, count: usize) {
        for _ in 0..count {
            let Some(mut transmit) = self.server.poll_transmit() else {
                return;
            };
            self.polled[1] += transmit.remaining() as u64;
            let bytes = transmit.copy_to_bytes(transmit.remaining());
            self.down_all.extend(&bytes);
            self.wires[1].extend(bytes);
        }
    }

    /// Takes outputs of both sides, and answers.
    fn drain(&mut self, count: usize) {
        for _ in 0..count {
            if let Some(output) = self.server.poll_output() {
                assert!(!self.server_closed, "{output:?} after the end");
                match output {
                    ServerOutput::Publish(request) => self.request = Some(request.id),
                    ServerOutput::Play(request) => self.request = Some(request.id),
                    ServerOutput::Media(packet) => self.came.push(packet),
                    ServerOutput::Close => self.server_closed = true,
                    ServerOutput::Failed(_) => self.ended = true,
                    ServerOutput::Malformed { .. } => panic!("{output:?}"),
                    _ => {}
                }
            }
            if let Some(output) = self.client.poll_output() {
                assert!(!self.client_closed, "{output:?} after the end");
                match output {
                    ClientOutput::Media(packet) if is_own(&packet) => {}
                    ClientOutput::Media(packet) => self.came.push(packet),
                    ClientOutput::Ready => self.ready = true,
                    ClientOutput::Failed(_) => self.ended = true,
                    ClientOutput::Malformed { .. } => panic!("{output:?}"),
                    output => self.client_closed |= client::ends(&output),
                }
            }
        }
        if let Some(id) = self.request.take() {
            let result = if self.accepts {
                self.server.accept(self.now, id)
            } else {
                self.ended = true;
                self.server.reject(self.now, id, Rejection::bad_name("no"))
            };
            assert!(
                result.is_ok() || self.ended,
                "a request that waits: {result:?}"
            );
        }
    }

    fn send(&mut self, source: &mut Source<'_>, plays: bool) {
        let packet = self.packets.next(source);
        let ready = if plays {
            self.server.is_ready()
        } else {
            self.client.is_ready()
        };
        let result = if plays {
            self.server.send(self.now, &packet)
        } else {
            self.client.send(self.now, &packet).map(|()| true)
        };
        assert_eq!(result.is_ok(), ready, "{result:?}");
        if let Ok(wanted) = result {
            assert!(wanted, "the player wants everything");
            self.sent.push(packet);
        }
    }

    /// Lets the next deadline come, of whichever side.
    fn due(&mut self) {
        let due = [self.client.poll_timeout(), self.server.poll_timeout()];
        let Some(first) = due.into_iter().flatten().min() else {
            return;
        };
        self.now = self.now.max(first);
        self.client.handle_timeout(self.now);
        self.server.handle_timeout(self.now);
        for due in [self.client.poll_timeout(), self.server.poll_timeout()] {
            // One thing is done at a time, so another one may be due already.
            assert!(due.is_none_or(|due| due >= first), "time goes back");
        }
    }

    fn end(&mut self, how: u8, plays: bool) {
        match how % 4 {
            0 => {
                self.client.close(self.now);
                // A player's packets may still be on their way; a publisher's must all arrive.
                self.left = true;
                self.ended |= plays;
            }
            1 => {
                self.server.close(self.now, Rejection::ended("over"));
                self.ended = true;
            }
            2 => {
                let ending = [Ending::Complete, Ending::Stopped, Ending::Unpublished];
                let ending = ending[usize::from(how >> 2) % 3];
                self.left |= self.server.end(self.now, ending).is_ok();
            }
            _ => drop(
                self.server
                    .reconnect(self.now, Some("/next"), "maintenance"),
            ),
        }
    }

    /// Moves everything until nothing moves.
    pub(super) fn settle(&mut self) {
        loop {
            let before = (self.moved, self.polled);
            self.poll_client(usize::MAX);
            self.poll_server(usize::MAX);
            self.up(usize::MAX);
            self.drain(1000);
            self.down(usize::MAX);
            self.drain(1000);
            if before == (self.moved, self.polled) {
                return;
            }
        }
    }

    fn finish(self, plays: bool) {
        let (client, server) = (self.client.stats(), self.server.stats());
        assert_eq!(client.bytes_out, self.polled[0]);
        assert_eq!(server.bytes_out, self.polled[1]);
        assert_eq!(server.bytes_in, self.moved[0]);
        assert_eq!(client.bytes_in, self.moved[1]);
        assert_eq!((client.malformed, server.malformed), (0, 0));
        assert_eq!(self.client.waiting_bytes() + self.server.waiting_bytes(), 0);
        if self.ended {
            let came = self.came.len().min(self.sent.len());
            assert_same(&self.came, &self.sent[..came]);
            return;
        }
        assert_eq!(self.wires, [Vec::<u8>::new(), Vec::new()], "bytes are left");
        assert_same(&self.came, &self.sent);
        // Both sides agree that there is a stream, or that there is none.
        let (up, down) = (self.client.is_ready(), self.server.is_ready());
        if self.left {
            assert!(!up && !down);
        } else {
            assert!(self.ready && up != plays && down == plays);
        }
    }
}
