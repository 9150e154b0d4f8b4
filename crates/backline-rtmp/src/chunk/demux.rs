//! Bytes to messages.

use super::Message;
use crate::{Error, Limits};

/// Turns bytes into messages.
#[derive(Debug)]
pub struct Demuxer {
    limits: Limits,
}

/// What the demuxer found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A message that was in progress was dropped: the peer aborted it, or began another one.
    Abandoned {
        /// Its chunk stream.
        chunk_stream: u32,
        /// Its bytes that had come.
        received: u32,
    },
    /// A chunk stream began with a header that leaves out what no earlier header said; the missing
    /// fields are 0.
    FreshHeader {
        /// The chunk stream.
        chunk_stream: u32,
        /// The format of the header: 1, 2 or 3.
        format: u8,
    },
    /// A message is complete.
    Message(Message),
}

impl Demuxer {
    /// Makes a demuxer for the bytes that follow the handshake.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// Takes from the front of `input` until something is found or `input` is empty.
    ///
    /// # Errors
    /// A broken chunk layer or a breached cap; the connection cannot go on.
    pub fn next_event(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        let _ = (&self.limits, &input);
        *input = &[];
        Ok(None)
    }

    /// Takes from the front of `input` until a message is complete or `input` is empty, and leaves
    /// out all other events.
    ///
    /// # Errors
    /// A broken chunk layer or a breached cap; the connection cannot go on.
    pub fn next_message(&mut self, input: &mut &[u8]) -> Result<Option<Message>, Error> {
        loop {
            match self.next_event(input)? {
                Some(Event::Message(message)) => return Ok(Some(message)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }
}
