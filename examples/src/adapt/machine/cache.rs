//! `backline-cache` as a [`Machine`] that answers by token.

use std::convert::Infallible;
use std::time::Instant;

use backline_cache::{Answer, Cache, Error, Output, Token, Via};
use bytes::Bytes;

use super::{Desk, Machine};

impl Machine for Cache {
    /// What happens to it comes through its verbs.
    type Event = Infallible;
    type Output = Output;
    type Transmit = Bytes;
    type Error = Error;

    fn handle_event(&mut self, _now: Instant, event: Infallible) -> Result<(), Error> {
        match event {}
    }

    fn handle_timeout(&mut self, now: Instant) {
        Self::handle_timeout(self, now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        Self::poll_output(self)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Self::poll_timeout(self)
    }
}

impl Desk for Cache {
    type Answer = (Answer, Via);

    fn told(output: Output) -> Result<(u64, Self::Answer), Output> {
        match output {
            Output::Ready {
                token, answer, via, ..
            } => Ok((token.0, (answer, via))),
            other => Err(other),
        }
    }

    fn cancel(&mut self, now: Instant, token: u64) {
        Self::cancel(self, now, Token(token));
    }
}
