//! How many watch. A low-latency player holds one playlist request of its rendition at almost any time;
//! an older one comes back every few seconds. Nobody is tracked: only numbers and addresses in memory.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Players hold no request for a moment between two: the most within this time counts.
const WINDOW: Duration = Duration::from_secs(3);
/// A polling player comes back within this time.
const POLL_WINDOW: Duration = Duration::from_secs(10);
/// Addresses remembered at most; beyond that polling players are not told apart.
const POLLERS_MAX: usize = 4_096;

/// The viewers of one stage.
#[derive(Debug, Default)]
pub struct Audience(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    renditions: BTreeMap<String, Holds>,
    polled: BTreeMap<IpAddr, Instant>,
}

#[derive(Debug, Default)]
struct Holds {
    now: usize,
    /// The most held in the current window and in the one before it.
    most: [usize; 2],
    since: Option<Instant>,
}

/// One held playlist request; dropping it ends the hold.
#[derive(Debug)]
pub struct Hold<'a> {
    audience: &'a Audience,
    rendition: String,
}

impl Audience {
    /// An empty house.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A playlist request of `rendition` is held. Only names of renditions that exist get here, so the
    /// map stays small.
    pub fn hold(&self, rendition: &str, now: Instant) -> Hold<'_> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = inner.renditions.entry(rendition.to_owned()).or_default();
        holds.now += 1;
        holds.roll(now);
        Hold {
            audience: self,
            rendition: rendition.to_owned(),
        }
    }

    /// A playlist was fetched without waiting.
    pub fn polled(&self, address: IpAddr, now: Instant) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.polled.len() >= POLLERS_MAX {
            inner
                .polled
                .retain(|_, last| now.duration_since(*last) < POLL_WINDOW);
        }
        if inner.polled.len() < POLLERS_MAX {
            inner.polled.insert(address, now);
        }
    }

    /// Viewers now.
    pub fn count(&self, now: Instant) -> usize {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holding = inner
            .renditions
            .values_mut()
            .map(|holds| holds.roll(now))
            .max()
            .unwrap_or(0);
        inner
            .polled
            .retain(|_, last| now.duration_since(*last) < POLL_WINDOW);
        // Every low-latency player fetches its first playlist without waiting: what polls is only
        // counted where nobody holds.
        holding.max(inner.polled.len())
    }
}

impl Holds {
    fn roll(&mut self, now: Instant) -> usize {
        let passed = self
            .since
            .map_or(WINDOW * 2, |since| now.saturating_duration_since(since));
        if passed >= WINDOW {
            let [current, _] = self.most;
            self.most = [0, if passed >= WINDOW * 2 { 0 } else { current }];
            self.since = Some(now);
        }
        let [current, before] = &mut self.most;
        *current = self.now.max(*current);
        (*current).max(*before)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut inner = self
            .audience
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(holds) = inner.renditions.get_mut(&self.rendition) {
            holds.now = holds.now.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;
