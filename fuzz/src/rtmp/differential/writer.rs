//! A writer that uses all that the rules allow and every reader understands: each format wherever it may stand, chunks
//! of several messages in turn, chunk sizes that change in mid-message, extended timestamps, aborts.

use super::{Found, KINDS};
use crate::Source;
use backline_rtmp::chunk::Message;
use std::collections::BTreeMap;

/// Chunk stream of the messages of the chunk layer itself.
const CONTROL: u32 = 2;
/// A timestamp or difference of this or more has its extended form.
const EXTENDED: u32 = 0x00FF_FFFF;
const MESSAGES_MAX: usize = 24;

#[derive(Debug)]
pub(super) struct Writer {
    chunk_size: usize,
    /// Messages of which a part was sent.
    open: Vec<(Found, usize)>,
    sent: BTreeMap<u32, Sent>,
    wire: Vec<u8>,
    written: Vec<Found>,
}

/// The last header of a chunk stream.
#[derive(Clone, Copy, Debug)]
struct Sent {
    /// Whether its message was aborted: readers differ about what they remember of it.
    aborted: bool,
    /// What a header of format 3 adds.
    delta: u32,
    kind: u8,
    length: usize,
    message_stream: u32,
    timestamp: u32,
}

impl Writer {
    /// Writes a stream; returns its bytes, and its messages in the order in which they end.
    pub(super) fn write(source: &mut Source<'_>) -> (Vec<u8>, Vec<Found>) {
        let mut writer = Self {
            chunk_size: 128,
            open: Vec::new(),
            sent: BTreeMap::new(),
            wire: Vec::new(),
            written: Vec::new(),
        };
        while !source.is_empty() && writer.written.len() + writer.open.len() < MESSAGES_MAX {
            match source.below(8) {
                0 => {
                    let size = 128 + u32::from(source.u16()) % 65_409;
                    writer.control(Message::SET_CHUNK_SIZE, size);
                    writer.chunk_size = size as usize;
                }
                1 if !writer.open.is_empty() => {
                    let turn = usize::from(source.u8()) % writer.open.len();
                    let (message, _) = writer.open.remove(turn);
                    writer.control(Message::ABORT, message.chunk_stream);
                    if let Some(sent) = writer.sent.get_mut(&message.chunk_stream) {
                        sent.aborted = true;
                    }
                }
                2 | 3 => writer.go_on(usize::from(source.u8())),
                _ => writer.begin(source),
            }
        }
        while !writer.open.is_empty() {
            writer.go_on(usize::from(source.u8()));
        }
        (writer.wire, writer.written)
    }

    fn control(&mut self, kind: u8, value: u32) {
        self.first(
            0,
            0,
            Found {
                chunk_stream: CONTROL,
                message_stream: 0,
                kind,
                timestamp: 0,
                payload: value.to_be_bytes().to_vec(),
            },
        );
    }

    /// Writes the first chunk of a message.
    fn begin(&mut self, source: &mut Source<'_>) {
        let chunk_stream = match source.below(4) {
            0 => 64 + u32::from(source.u8()),
            1 => 320 + u32::from(source.u16()) % 65_280,
            _ => 3 + u32::from(source.below(5)),
        };
        if self
            .open
            .iter()
            .any(|(message, _)| message.chunk_stream == chunk_stream)
        {
            return;
        }
        let sent = self.sent.get(&chunk_stream).filter(|sent| !sent.aborted);
        let choice = source.u8();
        let (message_stream, kind, length, delta) = match sent {
            // Bits of the choice say what stays as it was.
            Some(sent) => (
                if choice & 1 == 0 {
                    sent.message_stream
                } else {
                    source.u32()
                },
                if choice & 2 == 0 {
                    sent.kind
                } else {
                    kind(source)
                },
                if choice & 4 == 0 {
                    sent.length
                } else {
                    length(source)
                },
                if choice & 8 == 0 {
                    sent.delta
                } else {
                    time(source)
                },
            ),
            None => (source.u32(), kind(source), length(source), time(source)),
        };
        let shortest = match sent {
            Some(sent) if sent.message_stream == message_stream => {
                match (
                    (sent.length, sent.kind) == (length, kind),
                    sent.delta == delta,
                ) {
                    (true, true) => 3,
                    (true, false) => 2,
                    (false, _) => 1,
                }
            }
            _ => 0,
        };
        let format = (choice >> 4 & 3).min(shortest);
        let base = sent.map_or(0, |sent| sent.timestamp);
        let timestamp = base.wrapping_add(delta);
        let first = source.u8();
        let payload = (0..length).map(|index| first.wrapping_add((index * 7) as u8));
        let message = Found {
            chunk_stream,
            message_stream,
            kind,
            timestamp,
            payload: payload.collect(),
        };
        self.first(format, delta, message);
    }

    fn first(&mut self, format: u8, delta: u32, message: Found) {
        self.basic(format, message.chunk_stream);
        let time = if format == 0 {
            message.timestamp
        } else {
            delta
        };
        if format < 3 {
            self.wire.extend(&time.min(EXTENDED).to_be_bytes()[1..]);
        }
        if format < 2 {
            let length = message.payload.len() as u32;
            self.wire.extend(&length.to_be_bytes()[1..]);
            self.wire.push(message.kind);
        }
        if format == 0 {
            self.wire.extend(message.message_stream.to_le_bytes());
        }
        if time >= EXTENDED {
            self.wire.extend(time.to_be_bytes());
        }
        let sent = Sent {
            aborted: false,
            delta: time,
            kind: message.kind,
            length: message.payload.len(),
            message_stream: message.message_stream,
            timestamp: message.timestamp,
        };
        self.sent.insert(message.chunk_stream, sent);
        self.payload(message, 0);
    }

    /// Writes the next chunk of a message in progress.
    fn go_on(&mut self, turn: usize) {
        if self.open.is_empty() {
            return;
        }
        let (message, at) = self.open.remove(turn % self.open.len());
        self.basic(3, message.chunk_stream);
        if let Some(sent) = self.sent.get(&message.chunk_stream)
            && sent.delta >= EXTENDED
        {
            self.wire.extend(sent.delta.to_be_bytes());
        }
        self.payload(message, at);
    }

    fn payload(&mut self, message: Found, at: usize) {
        let end = message.payload.len().min(at + self.chunk_size);
        self.wire.extend(&message.payload[at..end]);
        if end == message.payload.len() {
            self.written.push(message);
        } else {
            self.open.push((message, end));
        }
    }

    fn basic(&mut self, format: u8, chunk_stream: u32) {
        let format = format << 6;
        let [low, high, ..] = chunk_stream.wrapping_sub(64).to_le_bytes();
        match chunk_stream {
            ..64 => self.wire.push(format | chunk_stream as u8),
            64..320 => self.wire.extend([format, low]),
            _ => self.wire.extend([format | 1, low, high]),
        }
    }
}

fn kind(source: &mut Source<'_>) -> u8 {
    KINDS[usize::from(source.u8()) % KINDS.len()]
}

fn length(source: &mut Source<'_>) -> usize {
    match source.below(4) {
        0 => 0,
        1 => usize::from(source.u8()),
        2 => usize::from(source.u16()) % 1000,
        _ => usize::from(source.u16()) % 3000,
    }
}

fn time(source: &mut Source<'_>) -> u32 {
    match source.below(4) {
        0 => u32::from(source.u8()),
        1 => 0x00FF_FFF0 + u32::from(source.u8()),
        2 => 0xFFFF_FF00 + u32::from(source.u8()),
        _ => source.u32(),
    }
}
