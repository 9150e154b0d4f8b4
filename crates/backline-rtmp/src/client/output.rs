//! What a client tells the caller.

use super::Config;
use crate::chunk::{self, Message};
use crate::command::Command;
use crate::control::UserControl;
use crate::flv::Packet;
use crate::shared_object::SharedObject;
use crate::{Error, amf0::Value};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use bytes::Bytes;

/// What a client tells the caller.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// A command of the server that is not one of this session.
    Call(Command),
    /// The session is over: write what [`Client::poll_transmit`](super::Client::poll_transmit) still has, then close
    /// the socket.
    Close,
    /// The server has ended the stream in order; [`Output::Close`] follows.
    Ended(Status),
    /// Time ran out; [`Output::Close`] follows.
    Failed(Error),
    /// A body that could not be read. The session goes on.
    Malformed {
        /// Message type id.
        kind: u8,
        /// Decoding time in milliseconds, unwrapped.
        timestamp_ms: u64,
        /// The body as it came.
        raw: Bytes,
        /// What is wrong with it.
        error: Error,
    },
    /// A piece of the stream that is played.
    Media(Packet),
    /// A message of a type that is not known here.
    Other(Message),
    /// The stream has begun: publish with [`Client::send`](super::Client::send), or expect media.
    Ready,
    /// Connect anew with this configuration: to another place, or with a login. Where [`Redial::goes_on`] is set the
    /// stream goes on here until the caller ends it, at a key frame if it can; elsewhere [`Output::Close`] follows.
    Redial(Box<Redial>),
    /// The server refuses; [`Output::Close`] follows.
    Refused(Status),
    /// News of a shared object.
    SharedObject(SharedObject),
    /// Something that the server says of the stream, such as that a player's seek is done.
    Status(Status),
    /// What the server says of the connection.
    UserControl(UserControl),
    /// Something is odd, and was tolerated.
    Warning(Warning),
}

/// Another connection to make.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Redial {
    /// The configuration of the next client; give it a seed of its own.
    pub config: Config,
    /// Whether this connection goes on until the caller closes it.
    pub goes_on: bool,
    /// Why.
    pub status: Status,
}

/// What a server says about how something went.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// `status`, `warning` or `error`.
    pub level: String,
    /// The code, such as `NetStream.Publish.BadName`.
    pub code: String,
    /// One line for people; may be empty.
    pub description: String,
}

impl Status {
    pub(super) fn read(information: &Value) -> Self {
        let text = |name| {
            let value = information.get(name).and_then(Value::as_str);
            value.unwrap_or_default().to_string()
        };
        Self {
            level: text("level"),
            code: text("code"),
            description: text("description"),
        }
    }
}

/// Something odd that was tolerated.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// The server did not say that the stream has begun; it counts as begun.
    Assumed,
    /// The chunk layer is odd: a message was abandoned, or a header refers to nothing.
    Chunk(chunk::Event),
    /// The server's last handshake packet is not right.
    Echo,
}
