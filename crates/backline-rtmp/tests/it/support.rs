//! A peer made by hand.

use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::{Chunks, Demuxer, Event, Message, Muxer};
use backline_rtmp::server::{Config, Output, PublishRequest, Server};
use backline_rtmp::{Error, Limits, Transmit};
use bytes::{Buf, Bytes};
use std::time::{Duration, Instant};

/// Reads hexadecimal digits; blanks only help the reader.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let value = |digit: u8| (digit as char).to_digit(16).unwrap() as u8;
    digits
        .chunks(2)
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect()
}

/// Chunk bytes that carry a body: the header in hexadecimal, then so many bytes of the counting pattern.
pub(crate) fn chunk(header: &str, body: &[u8]) -> Vec<u8> {
    [hex(header), body.to_vec()].concat()
}

/// Bytes that count, so that a lost or doubled one shows.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

pub(crate) fn flat(transmits: impl IntoIterator<Item = Transmit>) -> Vec<u8> {
    let mut out = Vec::new();
    for transmit in transmits {
        out.extend_from_slice(transmit.head());
        out.extend_from_slice(transmit.payload());
    }
    out
}

/// The length of each chunk.
pub(crate) fn lengths(chunks: Chunks) -> Vec<usize> {
    chunks.map(|transmit| transmit.remaining()).collect()
}

/// What a demuxer makes of bytes that come in one piece.
pub(crate) fn events(input: &[u8]) -> (Vec<Event>, Option<Error>) {
    events_in_pieces(&[input], Limits::default())
}

pub(crate) fn events_in_pieces(pieces: &[&[u8]], limits: Limits) -> (Vec<Event>, Option<Error>) {
    let mut demuxer = Demuxer::new(limits);
    let mut events = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        loop {
            match demuxer.next_event(&mut rest) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
        assert!(rest.is_empty());
    }
    (events, None)
}

/// The messages alone, of bytes without a fault.
pub(crate) fn messages(input: &[u8]) -> Vec<Message> {
    let (events, error) = events(input);
    assert_eq!(error, None);
    let message = |event| match event {
        Event::Message(message) => Some(message),
        _ => None,
    };
    events.into_iter().filter_map(message).collect()
}

pub(crate) fn times(input: &[u8]) -> Vec<u64> {
    messages(input)
        .iter()
        .map(|message| message.timestamp_ms)
        .collect()
}

pub(crate) fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

pub(crate) fn object(properties: &[(&str, Value)]) -> Value {
    Value::Object(
        properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    )
}

/// A publisher with a server before it, on virtual time.
pub(crate) struct Peer {
    pub(crate) server: Server,
    pub(crate) now: Instant,
    pub(crate) muxer: Muxer,
    demuxer: Demuxer,
    /// Bytes of S0, S1 and S2 that are still to come.
    handshake_left: usize,
    pub(crate) outputs: Vec<Output>,
    /// What the server said.
    pub(crate) heard: Vec<Message>,
    pub(crate) error: Option<Error>,
}

impl Peer {
    pub(crate) fn new(config: Config) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs some instant to count from"
        )]
        let now = Instant::now();
        Self {
            server: Server::new(config, now),
            now,
            muxer: Muxer::new(),
            demuxer: Demuxer::new(Limits::default()),
            handshake_left: 3073,
            outputs: Vec::new(),
            heard: Vec::new(),
            error: None,
        }
    }

    pub(crate) fn after_handshake(config: Config) -> Self {
        let mut peer = Self::new(config);
        peer.send_raw(&simple_handshake());
        peer
    }

    /// A peer that has connected to `live`.
    pub(crate) fn connected(config: Config) -> Self {
        let mut peer = Self::after_handshake(config);
        peer.command(0, "connect", 1.0, &[object(&[("app", text("live"))])]);
        peer
    }

    /// A peer whose publication was asked for.
    pub(crate) fn requested(config: Config) -> Self {
        let mut peer = Self::connected(config);
        peer.command(0, "createStream", 2.0, &[Value::Null]);
        peer.command(1, "publish", 3.0, &[Value::Null, text("key"), text("live")]);
        peer
    }

    /// A peer that publishes.
    pub(crate) fn publishing(config: Config) -> Self {
        let mut peer = Self::requested(config);
        peer.accept();
        peer
    }

    /// A peer whose player asked for a stream.
    pub(crate) fn play_requested(config: Config) -> Self {
        let mut peer = Self::connected(config);
        peer.command(0, "createStream", 2.0, &[Value::Null]);
        peer.command(1, "play", 3.0, &[Value::Null, text("key")]);
        peer
    }

    /// A peer that plays.
    pub(crate) fn playing(config: Config) -> Self {
        let mut peer = Self::play_requested(config);
        peer.accept();
        peer
    }

    pub(crate) fn accept(&mut self) {
        let request = self.outputs.iter().rev().find_map(|output| match output {
            Output::Play(request) => Some(request.id),
            Output::Publish(request) => Some(request.id),
            _ => None,
        });
        let id = request.unwrap();
        self.server.accept(self.now, id).unwrap();
        self.drain();
        self.outputs.clear();
        self.heard.clear();
    }

    pub(crate) fn request(&self) -> PublishRequest {
        let request = self.outputs.iter().rev().find_map(|output| match output {
            Output::Publish(request) => Some(request.clone()),
            _ => None,
        });
        request.unwrap()
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.server.handle_timeout(self.now);
        self.drain();
    }

    /// Gives bytes to the server and drains it whenever it takes no more; returns what it left.
    pub(crate) fn send_raw<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        loop {
            match self.server.handle_input(self.now, bytes) {
                Ok(taken) => {
                    bytes = &bytes[taken..];
                    let drained = self.drain();
                    if bytes.is_empty() || (taken == 0 && drained == 0) {
                        return bytes;
                    }
                }
                Err(error) => {
                    self.error = Some(error);
                    self.drain();
                    return bytes;
                }
            }
        }
    }

    pub(crate) fn send(
        &mut self,
        chunk_stream: u32,
        stream: u32,
        kind: u8,
        time: u64,
        body: &[u8],
    ) {
        let body = Bytes::copy_from_slice(body);
        let message = Message::new(chunk_stream, stream, kind, time, body);
        let bytes = flat(self.muxer.write(&message));
        self.send_raw(&bytes);
    }

    pub(crate) fn command(&mut self, stream: u32, name: &str, transaction: f64, values: &[Value]) {
        let front = [text(name), Value::Number(transaction)];
        let body = amf0::encode(front.iter().chain(values));
        self.send(3, stream, Message::COMMAND, 0, &body);
    }

    pub(crate) fn data(&mut self, values: &[Value]) {
        self.send(4, 1, Message::DATA, 0, &amf0::encode(values));
    }

    /// Takes all outputs and transmits; returns how many there were.
    pub(crate) fn drain(&mut self) -> usize {
        let mut count = 0;
        while let Some(transmit) = self.server.poll_transmit() {
            count += 1;
            let mut bytes = &flat([transmit])[..];
            let skipped = self.handshake_left.min(bytes.len());
            self.handshake_left -= skipped;
            bytes = &bytes[skipped..];
            while let Some(message) = self.demuxer.next_message(&mut bytes).unwrap() {
                self.heard.push(message);
            }
        }
        while let Some(output) = self.server.poll_output() {
            count += 1;
            self.outputs.push(output);
        }
        count
    }

    /// The commands that the server sent, as values.
    pub(crate) fn heard_commands(&self) -> Vec<Vec<Value>> {
        let commands = self
            .heard
            .iter()
            .filter(|message| message.kind == Message::COMMAND);
        commands
            .map(|message| amf0::decode(&message.payload, &Limits::default()).unwrap())
            .collect()
    }

    /// The bodies that the server sent, but for acknowledgements, which depend on how bytes arrive.
    pub(crate) fn heard_commands_bytes(&self) -> Vec<Bytes> {
        let said = self
            .heard
            .iter()
            .filter(|message| message.kind != Message::ACKNOWLEDGEMENT);
        said.map(|message| message.payload.clone()).collect()
    }

    /// The `code` of the last command that had one.
    pub(crate) fn heard_code(&self) -> String {
        let commands = self.heard_commands();
        let mut codes = commands
            .iter()
            .flatten()
            .filter_map(|value| value.get("code"));
        codes
            .next_back()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }
}

/// C0, C1 and C2 of a client that does not sign.
pub(crate) fn simple_handshake() -> Vec<u8> {
    let mut bytes = vec![0; 1 + 2 * 1536];
    bytes[0] = 3;
    bytes[9..1537].copy_from_slice(&pattern(1528));
    bytes
}
