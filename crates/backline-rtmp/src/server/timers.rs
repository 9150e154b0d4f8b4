//! When a session runs out of time, and when it asks for a sign of life.

use super::Server;
use super::state::State;
use crate::Error;
use crate::session::{milliseconds, nanoseconds};
use std::time::Instant;

impl Server {
    /// Lets time pass; what expired comes as [`Output::Failed`](super::Output::Failed).
    pub fn handle_timeout(&mut self, now: Instant) {
        let now_ns = self.link.clock.advance(now);
        if let Some((deadline_ns, error)) = self.deadline()
            && now_ns >= deadline_ns
        {
            self.fail(error);
        } else if self.ping_due_ns().is_some_and(|due_ns| now_ns >= due_ns) {
            self.link.ping();
        }
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadline_ns = self.deadline().map(|(deadline_ns, _)| deadline_ns);
        let first_ns = deadline_ns.into_iter().chain(self.ping_due_ns()).min()?;
        self.link.clock.instant(first_ns)
    }

    /// Notes that the peer owes a command to publish or play from now on.
    pub(super) fn begin_waiting(&mut self) {
        self.waiting_since_ns = self.link.clock.now_ns();
        self.waiting_from = self.link.demuxer.offset();
    }

    /// Returns when a silent peer is to be asked for a sign of life.
    fn ping_due_ns(&self) -> Option<u64> {
        match self.state {
            State::Publishing | State::Playing => self.link.ping_due_ns(self.config.ping_interval),
            _ => None,
        }
    }

    /// Returns when time runs out, and what that means.
    fn deadline(&self) -> Option<(u64, Error)> {
        let config = &self.config;
        let (since_ns, after) = match self.state {
            State::Handshake => (0, config.handshake_timeout),
            State::Unconnected | State::Connected => {
                (self.waiting_since_ns, config.pre_publish_timeout)
            }
            State::Publishing => (self.link.last_input_ns, config.idle_timeout),
            State::Playing => (self.link.alive_ns(), config.idle_timeout),
            State::PublishRequested | State::PlayRequested | State::Closed => return None,
        };
        let after_ms = milliseconds(after);
        let error = match self.state {
            State::Handshake => Error::HandshakeTimeout { after_ms },
            State::Publishing | State::Playing => Error::IdleTimeout { after_ms },
            _ => Error::PublishTimeout { after_ms },
        };
        Some((since_ns.saturating_add(nanoseconds(after)), error))
    }
}
