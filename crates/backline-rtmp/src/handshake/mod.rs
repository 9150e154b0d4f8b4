//! The server's side of the handshake (RTMP 1.0, 5.2).

use crate::Error;
use bytes::Bytes;

/// What to think of a peer whose last handshake packet does not echo ours.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum EchoPolicy {
    /// It is no matter; many encoders do not echo.
    #[default]
    Ignore,
    /// It is an error.
    Strict,
    /// It is worth a warning.
    Warn,
}

/// The server's side of the handshake.
#[derive(Debug)]
pub struct ServerHandshake {}

impl ServerHandshake {
    /// Makes a handshake; `seed` gives the random bytes.
    #[must_use]
    pub const fn new(seed: u64, echo: EchoPolicy) -> Self {
        let _ = (seed, echo);
        Self {}
    }

    /// Takes from the front of `input` and returns the bytes to send, once.
    ///
    /// # Errors
    /// A first byte that is not RTMP's, or an echo that the policy refuses.
    pub fn handle_input(&mut self, input: &mut &[u8]) -> Result<Option<Bytes>, Error> {
        *input = &[];
        Ok(None)
    }

    /// Returns whether the handshake is over: what is left of the input belongs to the chunk layer.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        false
    }
}
