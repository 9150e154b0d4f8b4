//! A presentation of `backline-hls` as a [`Machine`].

use std::time::Instant;

use backline_hls::{Error, Event, Output, Presentation};
use bytes::Bytes;

use super::Machine;

impl Machine for Presentation {
    type Event = Event;
    type Output = Output;
    type Transmit = Bytes;
    type Error = Error;

    fn handle_event(&mut self, now: Instant, event: Event) -> Result<(), Error> {
        Self::handle_event(self, now, event)
    }

    fn is_full(error: &Error) -> bool {
        matches!(error, Error::QueueFull { .. })
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
