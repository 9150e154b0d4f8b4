//! The session of a server that is published to.

mod config;
mod output;

pub use config::Config;
pub use output::{Output, PublishRequest, Rejection, RequestId, Stats, Warning};

use crate::{Error, Transmit};
use std::time::Instant;

/// A server's session with one publisher.
#[derive(Debug)]
pub struct Server {
    config: Config,
}

impl Server {
    /// Makes a session for a connection that was accepted at `now`.
    #[must_use]
    pub const fn new(config: Config, now: Instant) -> Self {
        let _ = now;
        Self { config }
    }

    /// Takes bytes from the peer and returns how many it took.
    ///
    /// It takes fewer while outputs or transmits wait, or while a publication waits for its answer: drain, answer, and call
    /// again with the rest.
    ///
    /// # Errors
    /// The peer broke the protocol or a cap: flush what there is to send and drop the connection.
    pub fn handle_input(&mut self, now: Instant, input: &[u8]) -> Result<usize, Error> {
        let _ = (now, &self.config);
        Ok(input.len())
    }

    /// Lets time pass; what expired comes as `Output::Failed`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = (now, &mut self.config);
    }

    /// Accepts a publication: the peer begins to send.
    ///
    /// # Errors
    /// [`Error::UnknownRequest`] if it was answered or has gone.
    pub fn accept(&mut self, now: Instant, request: RequestId) -> Result<(), Error> {
        let _ = (now, request, &mut self.config);
        Ok(())
    }

    /// Refuses a publication, tells the peer why and ends the session.
    ///
    /// # Errors
    /// [`Error::UnknownRequest`] if it was answered or has gone.
    pub fn reject(
        &mut self,
        now: Instant,
        request: RequestId,
        rejection: Rejection,
    ) -> Result<(), Error> {
        let _ = (now, request, rejection, &mut self.config);
        Ok(())
    }

    /// Ends the session and tells the peer why, if it still listens.
    pub fn close(&mut self, now: Instant, why: Rejection) {
        let _ = (now, why, &mut self.config);
    }

    /// Returns the next bytes for the peer.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let _ = &mut self.config;
        None
    }

    /// Returns the next thing that became known.
    pub fn poll_output(&mut self) -> Option<Output> {
        let _ = &mut self.config;
        None
    }

    /// Returns when `handle_timeout` wants to be called.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Returns the counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::default()
    }
}
