//! The caller's instants as nanoseconds since construction.

use std::time::{Duration, Instant};

/// Turns instants into nanoseconds that never go back.
#[derive(Debug)]
pub(crate) struct Clock {
    epoch: Instant,
    now_ns: u64,
    pub(crate) reversals: u64,
}

impl Clock {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            now_ns: 0,
            reversals: 0,
        }
    }

    /// Takes an instant in; an earlier one than before is taken as the latest.
    pub(crate) fn advance(&mut self, now: Instant) -> u64 {
        let since = now.checked_duration_since(self.epoch).map(nanoseconds);
        match since {
            Some(ns) if ns >= self.now_ns => self.now_ns = ns,
            _ => self.reversals = self.reversals.saturating_add(1),
        }
        self.now_ns
    }

    pub(crate) const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Returns the instant of a time; none if the platform cannot say it.
    pub(crate) fn instant(&self, ns: u64) -> Option<Instant> {
        self.epoch.checked_add(Duration::from_nanos(ns))
    }
}

/// Returns a duration in nanoseconds, at most 584 years.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns a duration in milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
