//! Commands and control messages, read and written.

use crate::amf0::{self, Decoder, Value};
use crate::chunk::{CONTROL_CHUNK_STREAM, Message};
use crate::read::Reader;
use crate::{Error, Limits};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Chunk stream of commands about the connection; some encoders insist on it.
const CONNECTION_CHUNK_STREAM: u32 = 3;
/// Chunk stream of commands about a message stream.
const STREAM_CHUNK_STREAM: u32 = 5;
/// Stands before the values of a body in AMF3 form and says that they are AMF0.
const AMF0_SELECTOR: u8 = 0x00;

/// User control events (RTMP 1.0, 7.1.7).
const STREAM_BEGIN: u16 = 0;
pub(super) const PING: u16 = 6;
const PONG: u16 = 7;

/// How a limit of `SetPeerBandwidth` is meant (RTMP 1.0, 5.4.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LimitKind {
    Hard,
    Soft,
    Dynamic,
}

/// A command: a name, a transaction that an answer refers to, and values.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) name: String,
    pub(super) transaction: f64,
    /// The command object and what follows it.
    pub(super) values: Vec<Value>,
    pub(super) message_stream: u32,
}

impl Command {
    pub(super) fn read(message: &Message, limits: &Limits) -> Result<Self, Error> {
        let kind = message.kind;
        let mut values = Decoder::new(amf0_part(message), limits);
        let Some(Value::String(name)) = values.next().transpose()? else {
            return Err(Error::Nameless { kind });
        };
        let transaction = values
            .next()
            .transpose()?
            .and_then(|value| value.as_number())
            .unwrap_or(0.0);
        let values = values.collect::<Result<_, _>>()?;
        Ok(Self {
            name,
            transaction,
            values,
            message_stream: message.message_stream,
        })
    }

    /// Returns the command object.
    pub(super) fn object(&self) -> &Value {
        self.values.first().unwrap_or(&Value::Null)
    }

    /// Returns the first argument after the command object.
    pub(super) fn argument(&self) -> &Value {
        self.values.get(1).unwrap_or(&Value::Null)
    }

    /// Returns whether the peer waits for an answer.
    pub(super) fn wants_result(&self) -> bool {
        self.transaction != 0.0
    }
}

/// Returns the AMF0 values of a command or data body: all of it, or what follows the selector.
pub(super) fn amf0_part(message: &Message) -> &[u8] {
    match (message.kind, message.payload.split_first()) {
        (Message::COMMAND_AMF3 | Message::DATA_AMF3, Some((&AMF0_SELECTOR, rest))) => rest,
        _ => &message.payload,
    }
}

/// Reads a control message of one number.
pub(super) fn read_u32(body: &[u8]) -> Result<u32, Error> {
    Reader::new(body).u32()
}

/// Reads `SetPeerBandwidth`.
pub(super) fn read_bandwidth(body: &[u8]) -> Result<(u32, LimitKind), Error> {
    let mut reader = Reader::new(body);
    let window = reader.u32()?;
    let kind = match reader.u8()? {
        0 => LimitKind::Hard,
        1 => LimitKind::Soft,
        _ => LimitKind::Dynamic,
    };
    Ok((window, kind))
}

/// Reads the event of a user control message, and what follows it.
pub(super) fn read_user_control(body: &[u8]) -> Result<(u16, &[u8]), Error> {
    let mut reader = Reader::new(body);
    let event = reader.u16()?;
    Ok((event, reader.rest()))
}

pub(super) fn control(kind: u8, body: &[u8]) -> Message {
    Message::new(
        CONTROL_CHUNK_STREAM,
        0,
        kind,
        0,
        Bytes::copy_from_slice(body),
    )
}

pub(super) fn pong(body: &[u8]) -> Message {
    let mut out = PONG.to_be_bytes().to_vec();
    out.extend_from_slice(body.get(..4).unwrap_or(body));
    control(Message::USER_CONTROL, &out)
}

pub(super) fn stream_begin(message_stream: u32) -> Message {
    let mut out = STREAM_BEGIN.to_be_bytes().to_vec();
    out.extend_from_slice(&message_stream.to_be_bytes());
    control(Message::USER_CONTROL, &out)
}

/// A command about the connection.
pub(super) fn connection_command(name: &str, transaction: f64, values: &[Value]) -> Message {
    command(CONNECTION_CHUNK_STREAM, 0, name, transaction, values)
}

/// The status of a message stream.
pub(super) fn status(message_stream: u32, level: &str, code: &str, description: &str) -> Message {
    let values = [Value::Null, information(level, code, description)];
    command(
        STREAM_CHUNK_STREAM,
        message_stream,
        "onStatus",
        0.0,
        &values,
    )
}

/// The object that says how something went.
pub(super) fn information(level: &str, code: &str, description: &str) -> Value {
    Value::Object(alloc::vec![
        ("level".into(), Value::String(level.into())),
        ("code".into(), Value::String(code.into())),
        ("description".into(), Value::String(description.into())),
    ])
}

fn command(
    chunk_stream: u32,
    message_stream: u32,
    name: &str,
    transaction: f64,
    values: &[Value],
) -> Message {
    let front = [Value::String(name.into()), Value::Number(transaction)];
    let body = amf0::encode(front.iter().chain(values));
    Message::new(chunk_stream, message_stream, Message::COMMAND, 0, body)
}
