//! Aggregate messages: several messages in one (RTMP 1.0, 7.1.6).
//!
//! ```text
//! type u8 | length u24 | time u24 | time, upper byte u8 | message stream u24 | body | 11 + length u32
//! ```

use crate::chunk::Message;
use crate::read::{Reader, share};
use crate::{Error, Limits};
use alloc::vec::Vec;
use bytes::{Buf, Bytes};

/// Bytes before the body of an item.
const HEADER_LEN: u32 = 11;
/// Bytes behind it, which say where it began; some writers get them wrong, and a reader from the front has no use for
/// them.
const BACK_POINTER_LEN: usize = 4;
/// The longest message that the wire can say.
const LENGTH_MAX: usize = 0x00FF_FFFF;

/// The messages of an aggregate, in order.
///
/// They share its bytes, those that are less than a quarter of it apart: who keeps one of these does not hold all. They
/// belong to its message stream and come on its chunk stream. Their times stand as far apart as in the aggregate, and
/// the first one has its time. What cannot be read ends them. An aggregate among them is given as it is, of type 22: it
/// has no place there, and who splits it again has to count how deep.
#[derive(Clone, Debug)]
pub struct Items {
    chunk_stream: u32,
    message_stream: u32,
    timestamp_ms: u64,
    rest: Bytes,
    /// Whether the rest cannot be read.
    broken: bool,
    /// Bytes before the rest.
    at: usize,
    /// The time that the first item has in the aggregate.
    first: Option<u32>,
    /// How many more may come.
    left: u16,
    limit: u16,
}

/// Reads an aggregate message.
#[must_use]
pub fn split(message: Message, limits: &Limits) -> Items {
    Items {
        chunk_stream: message.chunk_stream,
        message_stream: message.message_stream,
        timestamp_ms: message.timestamp_ms,
        rest: message.payload,
        broken: false,
        at: 0,
        first: None,
        left: limits.aggregate_items,
        limit: limits.aggregate_items,
    }
}

/// Writes messages into one: it goes out on the chunk stream of the first one, for its message stream and at its time.
/// Returns none if there is no message, or if they are more than the 16 777 215 bytes that the wire can say.
#[must_use]
pub fn join(messages: &[Message]) -> Option<Message> {
    let &Message {
        chunk_stream,
        message_stream,
        timestamp_ms,
        ..
    } = messages.first()?;
    let mut out = Vec::new();
    for message in messages {
        let length = u32::try_from(message.payload.len()).unwrap_or(u32::MAX);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the wire carries the low 32 bits"
        )]
        let [upper, time @ ..] = (message.timestamp_ms as u32).to_be_bytes();
        let [_, stream @ ..] = message.message_stream.to_be_bytes();
        let [_, size @ ..] = length.to_be_bytes();
        out.push(message.kind);
        for three in [size, time] {
            out.extend_from_slice(&three);
        }
        out.push(upper);
        out.extend_from_slice(&stream);
        if out.len().saturating_add(message.payload.len()) > LENGTH_MAX {
            return None;
        }
        out.extend_from_slice(&message.payload);
        out.extend_from_slice(&length.saturating_add(HEADER_LEN).to_be_bytes());
    }
    if out.len() > LENGTH_MAX {
        return None;
    }
    let kind = Message::AGGREGATE;
    Some(Message::new(
        chunk_stream,
        message_stream,
        kind,
        timestamp_ms,
        out.into(),
    ))
}

impl Iterator for Items {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.broken {
            return None;
        }
        let item = self.item();
        self.broken = item.is_err();
        Some(item)
    }
}

impl Items {
    /// Returns what was not read, as the message that it stands in: after an error, what is wrong and all behind it.
    pub(crate) fn into_rest(self) -> Message {
        let (chunk_stream, message_stream) = (self.chunk_stream, self.message_stream);
        let (kind, timestamp_ms) = (Message::AGGREGATE, self.timestamp_ms);
        Message::new(chunk_stream, message_stream, kind, timestamp_ms, self.rest)
    }

    fn item(&mut self) -> Result<Message, Error> {
        self.left = self.left.checked_sub(1).ok_or(Error::AggregateItems {
            at: self.at,
            limit: self.limit,
        })?;
        let mut reader = Reader::new(&self.rest);
        let head = read_head(&mut reader).map_err(|error| self.located(&error))?;
        let start = reader.at();
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        reader.take(length).map_err(|error| self.located(&error))?;
        let end = reader.at();
        let whole = self.at.saturating_add(self.rest.len());
        let payload = share(&self.rest, start..end, whole);
        let behind = end.saturating_add(BACK_POINTER_LEN).min(self.rest.len());
        self.rest.advance(behind);
        self.at = self.at.saturating_add(behind);
        let first = *self.first.get_or_insert(head.time);
        // Items may stand before the first one, and their time wraps.
        let since = head.time.wrapping_sub(first).cast_signed();
        let timestamp_ms = self.timestamp_ms.saturating_add_signed(since.into());
        let (chunk_stream, message_stream) = (self.chunk_stream, self.message_stream);
        Ok(Message::new(
            chunk_stream,
            message_stream,
            head.kind,
            timestamp_ms,
            payload,
        ))
    }

    /// Counts the place of an error from the start of the body.
    fn located(&self, error: &Error) -> Error {
        match *error {
            Error::Truncated { at, needed } => Error::Truncated {
                at: self.at.saturating_add(at),
                needed,
            },
            ref other => other.clone(),
        }
    }
}

struct Head {
    kind: u8,
    length: u32,
    time: u32,
}

fn read_head(reader: &mut Reader<'_>) -> Result<Head, Error> {
    let kind = reader.u8()?;
    let length = reader.u24()?;
    let time = reader.u24()?;
    let upper = u32::from(reader.u8()?);
    // The message stream is the aggregate's.
    reader.u24()?;
    Ok(Head {
        kind,
        length,
        time: upper << 24 | time,
    })
}
