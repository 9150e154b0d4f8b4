//! Time as the caller gives it.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// How often it went backwards.
    pub(crate) clamped: u64,
    pub(crate) epoch: Instant,
    /// The time last taken, ns since the epoch.
    pub(crate) ns: u64,
}

impl Clock {
    pub(crate) const fn new(epoch: Instant) -> Self {
        Self {
            clamped: 0,
            epoch,
            ns: 0,
        }
    }

    /// Takes the time given by the caller; going back is counted and held.
    pub(crate) fn tick(&mut self, now: Instant) -> u64 {
        let ns = self.ns_of(now);
        if ns < self.ns {
            self.clamped = self.clamped.saturating_add(1);
        } else {
            self.ns = ns;
        }
        self.ns
    }

    #[inline]
    pub(crate) fn ns_of(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.epoch);
        since
            .as_secs()
            .saturating_mul(1_000_000_000)
            .saturating_add(since.subsec_nanos().into())
    }

    /// The time last taken.
    pub(crate) fn now(&self) -> Instant {
        self.epoch
            .checked_add(Duration::from_nanos(self.ns))
            .unwrap_or(self.epoch)
    }
}
