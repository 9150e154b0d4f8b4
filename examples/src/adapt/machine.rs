//! The contract of every machine as a trait, so that one adapter drives, and one test judges, them all.

use std::error::Error;
use std::time::Instant;

use bytes::Buf;

mod cache;
mod hls;
mod rtmp;

/// A sans-IO machine: input comes through `handle_*`, output leaves through `poll_*`, time is an
/// argument.
///
/// A machine that has no use for a method keeps its default: it takes no bytes, or sends none.
pub trait Machine {
    /// What can happen to it, apart from bytes and time.
    type Event;
    /// What it wants done, or has learnt.
    type Output;
    /// A piece of the byte stream to the peer; `Bytes` where there is none.
    type Transmit: Buf;
    /// Why it refuses an input.
    type Error: Error;

    /// Offers `input` and returns how many bytes of it were taken. Fewer than offered means that the
    /// queue of outputs is full: drain it and offer the rest.
    ///
    /// # Errors
    ///
    /// The peer broke the protocol or a limit; the machine is of no further use.
    fn handle_input(&mut self, now: Instant, input: &[u8]) -> Result<usize, Self::Error> {
        let _ = (now, input);
        Ok(0)
    }

    /// Tells what happened.
    ///
    /// # Errors
    ///
    /// The event is refused and nothing has changed. [`Machine::is_full`] tells whether it is worth
    /// offering again after draining the outputs.
    fn handle_event(&mut self, now: Instant, event: Self::Event) -> Result<(), Self::Error>;

    /// Tells whether `error` only asks for the outputs to be drained first.
    fn is_full(error: &Self::Error) -> bool {
        let _ = error;
        false
    }

    /// Tells that the instant of [`Machine::poll_timeout`] has come. Harmless when called early.
    fn handle_timeout(&mut self, now: Instant);

    /// Returns the next piece for the peer.
    fn poll_transmit(&mut self) -> Option<Self::Transmit> {
        None
    }

    /// Returns the next thing to do or to know.
    fn poll_output(&mut self) -> Option<Self::Output>;

    /// Returns when [`Machine::handle_timeout`] wants to be called; a pure getter.
    fn poll_timeout(&self) -> Option<Instant>;
}

/// A machine that answers some callers later, by the token that they chose.
pub trait Desk: Machine {
    /// What a token gets.
    type Answer;

    /// Splits an output into an answer and its token, or gives back any other output.
    ///
    /// # Errors
    ///
    /// The output is not an answer and is returned untouched.
    fn told(output: Self::Output) -> Result<(u64, Self::Answer), Self::Output>;

    /// Forgets `token`: its caller has left. Idempotent.
    fn cancel(&mut self, now: Instant, token: u64);
}
