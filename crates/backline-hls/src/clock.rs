//! The caller's clock as nanoseconds since construction, so that a run replays byte for byte.

use core::time::Duration;
use std::time::Instant;

/// Turns `Instant`s into nanoseconds that never go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    last_ns: u64,
    clamped: u64,
}

impl Clock {
    pub(crate) fn new(origin: Instant) -> Self {
        Self {
            origin,
            last_ns: 0,
            clamped: 0,
        }
    }

    /// Moves to `now`. A time before the last one counts as the last one.
    pub(crate) fn advance(&mut self, now: Instant) -> u64 {
        let now_ns = self.ns(now);
        if now_ns < self.last_ns || now < self.origin {
            self.clamped = self.clamped.saturating_add(1);
        } else {
            self.last_ns = now_ns;
        }
        self.last_ns
    }

    /// The time of the last move.
    pub(crate) fn last_ns(&self) -> u64 {
        self.last_ns
    }

    /// Nanoseconds of `now` without moving.
    pub(crate) fn ns(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.origin);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The instant of a number of nanoseconds.
    pub(crate) fn instant(&self, ns: u64) -> Instant {
        self.origin
            .checked_add(Duration::from_nanos(ns))
            .unwrap_or(self.origin)
    }

    /// Times that went back.
    pub(crate) fn clamped(&self) -> u64 {
        self.clamped
    }
}
