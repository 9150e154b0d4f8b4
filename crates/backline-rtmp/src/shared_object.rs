//! Shared objects: sets of values that several peers see alike (RTMP 1.0, 7.1.3; message types 16 and 19).
//!
//! ```text
//! name u16 + bytes | version u32 | persistence u32 | 0 u32 | events: type u8 | length u32 | data
//! ```

use crate::amf0::{self, Decoder, Properties, Value};
use crate::chunk::Message;
use crate::command::{AMF0_SELECTOR, CONNECTION_CHUNK_STREAM};
use crate::{Error, Limits};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::mem;

/// What happens to one shared object.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SharedObject {
    /// Its name.
    pub name: String,
    /// Its version, which grows with each change.
    pub version: u32,
    /// Whether it outlives its users.
    pub persistent: bool,
    /// What happens to it, in order.
    pub events: Vec<Event>,
}

/// What happens to a shared object.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Values have changed; said by the server (4).
    Change(Properties),
    /// All values are gone; said by the server (8).
    Clear,
    /// An event that is not known here.
    Other {
        /// Its number.
        kind: u8,
        /// Its data.
        data: Bytes,
    },
    /// The peer uses the object no more (2).
    Release,
    /// A value is gone; said by the server (9).
    Remove(String),
    /// The peer wants values to change (3).
    RequestChange(Properties),
    /// The peer wants a value to go (10).
    RequestRemove(String),
    /// A message for all who use the object: the name of a handler and its arguments (6).
    SendMessage(Vec<Value>),
    /// Something is wrong; said by the server (7).
    Status {
        /// What, such as `SharedObject.NoWriteAccess`.
        code: String,
        /// How bad it is, such as `error`.
        level: String,
    },
    /// The change of a value that the peer wanted is done; said by the server (5).
    Success(String),
    /// The peer begins to use the object (1).
    Use,
    /// It may; said by the server (11).
    UseSuccess,
}

/// Numbers of events.
const USE: u8 = 1;
const RELEASE: u8 = 2;
const REQUEST_CHANGE: u8 = 3;
const CHANGE: u8 = 4;
const SUCCESS: u8 = 5;
const SEND_MESSAGE: u8 = 6;
const STATUS: u8 = 7;
const CLEAR: u8 = 8;
const REMOVE: u8 = 9;
const REQUEST_REMOVE: u8 = 10;
const USE_SUCCESS: u8 = 11;
/// The persistence of an object that outlives its users.
const PERSISTENT: u32 = 2;

impl SharedObject {
    /// Makes the news of a shared object.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        version: u32,
        persistent: bool,
        events: Vec<Event>,
    ) -> Self {
        Self {
            name: name.into(),
            version,
            persistent,
            events,
        }
    }

    /// Reads a message of type 16 or 19. The caps on AMF0 values hold for the whole of it, and each event counts as
    /// one.
    ///
    /// # Errors
    /// A body that is cut off or too long, a value that cannot be read, or a breached cap.
    pub fn decode(message: &Message, limits: &Limits) -> Result<Self, Error> {
        let (kind, body) = (message.kind, &message.payload);
        let (length, limit) = (body.len(), limits.command_bytes);
        if u64::try_from(length).unwrap_or(u64::MAX) > u64::from(limit) {
            return Err(Error::BodyLength {
                kind,
                length,
                limit,
            });
        }
        let mut decoder = Decoder::new(body, limits);
        if kind == Message::SHARED_OBJECT_AMF3 && body.first() == Some(&AMF0_SELECTOR) {
            decoder.reader.u8()?;
        }
        let name = decoder.short_string()?;
        let version = decoder.reader.u32()?;
        let persistent = decoder.reader.u32()? == PERSISTENT;
        decoder.reader.u32()?;
        let mut events = Vec::new();
        while !decoder.reader.is_empty() {
            events.push(Event::read(&mut decoder, body)?);
        }
        Ok(Self {
            name,
            version,
            persistent,
            events,
        })
    }

    /// Writes the message, of type 19.
    #[must_use]
    pub fn to_message(&self) -> Message {
        self.message(Message::SHARED_OBJECT, Vec::new())
    }

    /// Writes the message, of type 16, for a peer that speaks AMF3: the same behind a selector, so that its values are
    /// AMF3 only where they are an [`amf0::Value::Amf3`] (RTMP 1.0, 7.1.3, and its errata and addenda).
    #[must_use]
    pub fn to_amf3_message(&self) -> Message {
        self.message(Message::SHARED_OBJECT_AMF3, alloc::vec![AMF0_SELECTOR])
    }

    fn message(&self, kind: u8, mut out: Vec<u8>) -> Message {
        write_string(&mut out, &self.name);
        out.extend_from_slice(&self.version.to_be_bytes());
        let persistence = if self.persistent { PERSISTENT } else { 0 };
        out.extend_from_slice(&persistence.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        for event in &self.events {
            event.write(&mut out);
        }
        Message::new(CONNECTION_CHUNK_STREAM, 0, kind, 0, out.into())
    }
}

impl Event {
    fn read(decoder: &mut Decoder<'_>, body: &Bytes) -> Result<Self, Error> {
        decoder.budget.count(decoder.reader.at())?;
        let kind = decoder.reader.u8()?;
        let length = usize::try_from(decoder.reader.u32()?).unwrap_or(usize::MAX);
        let start = decoder.reader.at();
        // Nothing is read beyond the data, and what is left of it is skipped.
        let data = decoder.reader.part(length)?;
        let end = decoder.reader.at();
        let behind = mem::replace(&mut decoder.reader, data);
        let event = match kind {
            USE => Self::Use,
            RELEASE => Self::Release,
            REQUEST_CHANGE => Self::RequestChange(read_values(decoder)?),
            CHANGE => Self::Change(read_values(decoder)?),
            SUCCESS => Self::Success(decoder.short_string()?),
            SEND_MESSAGE => Self::SendMessage(decoder.collect::<Result<_, _>>()?),
            STATUS => Self::Status {
                code: decoder.short_string()?,
                level: decoder.short_string()?,
            },
            CLEAR => Self::Clear,
            REMOVE => Self::Remove(decoder.short_string()?),
            REQUEST_REMOVE => Self::RequestRemove(decoder.short_string()?),
            USE_SUCCESS => Self::UseSuccess,
            kind => Self::Other {
                kind,
                data: body.slice(start..end),
            },
        };
        decoder.reader = behind;
        Ok(event)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut data = Vec::new();
        let kind = match self {
            Self::Change(values) => {
                write_values(&mut data, values);
                CHANGE
            }
            Self::Clear => CLEAR,
            Self::Other { kind, data: raw } => {
                data.extend_from_slice(raw);
                *kind
            }
            Self::Release => RELEASE,
            Self::Remove(name) => {
                write_string(&mut data, name);
                REMOVE
            }
            Self::RequestChange(values) => {
                write_values(&mut data, values);
                REQUEST_CHANGE
            }
            Self::RequestRemove(name) => {
                write_string(&mut data, name);
                REQUEST_REMOVE
            }
            Self::SendMessage(values) => {
                data.extend_from_slice(&amf0::encode(values));
                SEND_MESSAGE
            }
            Self::Status { code, level } => {
                write_string(&mut data, code);
                write_string(&mut data, level);
                STATUS
            }
            Self::Success(name) => {
                write_string(&mut data, name);
                SUCCESS
            }
            Self::Use => USE,
            Self::UseSuccess => USE_SUCCESS,
        };
        out.push(kind);
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&data);
    }
}

fn read_values(decoder: &mut Decoder<'_>) -> Result<Properties, Error> {
    let mut values = Properties::new();
    while !decoder.reader.is_empty() {
        let name = decoder.short_string()?;
        let (at, needed) = (decoder.reader.at(), 1);
        let value = decoder.next().ok_or(Error::Truncated { at, needed })??;
        values.push((name, value));
    }
    Ok(values)
}

fn write_values(out: &mut Vec<u8>, values: &Properties) {
    for (name, value) in values {
        write_string(out, name);
        out.extend_from_slice(&amf0::encode([value]));
    }
}

/// Writes a name; what is longer than 65 535 bytes is cut.
fn write_string(out: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let length = u16::try_from(end).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.get(..end).unwrap_or_default().as_bytes());
}
