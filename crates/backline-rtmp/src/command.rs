//! Commands: calls of a name with values, answered or not (RTMP 1.0, 7.1.1, 7.2).

use crate::amf0::{self, Decoder, Value};
use crate::chunk::Message;
use crate::{Error, Limits};
use alloc::string::String;
use alloc::vec::Vec;

/// Chunk stream of commands about the connection; some encoders insist on it.
pub(crate) const CONNECTION_CHUNK_STREAM: u32 = 3;
/// Chunk stream of commands about a message stream, and of its data.
pub(crate) const STREAM_CHUNK_STREAM: u32 = 5;
/// Stands before the values of a body in AMF3 form and says that they are AMF0.
pub(crate) const AMF0_SELECTOR: u8 = 0x00;

/// A command: a name, a transaction that an answer refers to, and values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Command {
    /// What is called.
    pub name: String,
    /// What the answer refers to; 0 asks for none.
    pub transaction: f64,
    /// The command object and what follows it.
    pub values: Vec<Value>,
    /// The message stream that it is about; 0 is the connection itself.
    pub message_stream: u32,
}

impl Command {
    /// Makes a command.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        transaction: f64,
        values: Vec<Value>,
        message_stream: u32,
    ) -> Self {
        Self {
            name: name.into(),
            transaction,
            values,
            message_stream,
        }
    }

    /// Reads a message of type 17 or 20.
    ///
    /// # Errors
    /// A body that is no command, or a breached cap.
    pub fn decode(message: &Message, limits: &Limits) -> Result<Self, Error> {
        let kind = message.kind;
        let mut values = Decoder::new(amf0_part(kind, &message.payload), limits);
        let name = values.next().transpose()?.and_then(Value::into_text);
        let name = name.ok_or(Error::Nameless { kind })?;
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

    /// Writes the message, of type 20: on chunk stream 3 if it is about the connection, on 5 otherwise.
    #[must_use]
    pub fn to_message(&self) -> Message {
        let chunk_stream = match self.message_stream {
            0 => CONNECTION_CHUNK_STREAM,
            _ => STREAM_CHUNK_STREAM,
        };
        let Self { name, values, .. } = self;
        write(
            chunk_stream,
            self.message_stream,
            name,
            self.transaction,
            values,
        )
    }

    /// Returns the command object.
    pub(crate) fn object(&self) -> &Value {
        self.values.first().unwrap_or(&Value::Null)
    }

    /// Returns the first argument after the command object.
    pub(crate) fn argument(&self) -> &Value {
        self.values.get(1).unwrap_or(&Value::Null)
    }

    /// Returns whether the peer waits for an answer.
    pub(crate) fn wants_result(&self) -> bool {
        self.transaction != 0.0
    }
}

/// Returns the AMF0 values of a command or data body: all of it, or what follows the selector.
pub(crate) fn amf0_part(kind: u8, body: &[u8]) -> &[u8] {
    match (kind, body.split_first()) {
        (Message::COMMAND_AMF3 | Message::DATA_AMF3, Some((&AMF0_SELECTOR, rest))) => rest,
        _ => body,
    }
}

/// Returns a command of type 20 as one of type 17, with the same AMF0 values behind the selector: for a peer that sends
/// its own in this form.
pub(crate) fn to_amf3_form(message: Message) -> Message {
    let payload = [&[AMF0_SELECTOR], &message.payload[..]].concat();
    Message {
        kind: Message::COMMAND_AMF3,
        payload: payload.into(),
        ..message
    }
}

/// A command about the connection.
pub(crate) fn connection_command(name: &str, transaction: f64, values: &[Value]) -> Message {
    write(CONNECTION_CHUNK_STREAM, 0, name, transaction, values)
}

/// The status of a message stream.
pub(crate) fn status(message_stream: u32, level: &str, code: &str, description: &str) -> Message {
    let values = [Value::Null, information(level, code, description)];
    write(
        STREAM_CHUNK_STREAM,
        message_stream,
        "onStatus",
        0.0,
        &values,
    )
}

/// The object that says how something went.
pub(crate) fn information(level: &str, code: &str, description: &str) -> Value {
    Value::Object(alloc::vec![
        ("level".into(), Value::String(level.into())),
        ("code".into(), Value::String(code.into())),
        ("description".into(), Value::String(description.into())),
    ])
}

fn write(
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
