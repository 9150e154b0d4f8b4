//! Counters.

use crate::rules::Class;

/// What the store did and holds. Counters start at construction and never go back.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PullStats {
    /// Bytes held: bodies, index, names, waiters, and what is set aside for bodies under way.
    pub bytes_held: u64,
    /// Times the clock went backwards and was held.
    pub clock_clamped: u64,
    /// Objects and marks known.
    pub entries: u64,
    /// Fetches under way.
    pub fills: u64,
    /// Bytes pinned.
    pub pinned_bytes: u64,
    /// Requests that wait or read a growing body now.
    pub waiters: u64,
    pub(super) classes: [ClassStats; Class::ALL.len()],
}

impl PullStats {
    /// The counters of one class.
    #[must_use]
    pub fn class(&self, class: Class) -> &ClassStats {
        let [first, ..] = &self.classes;
        Class::ALL
            .iter()
            .position(|&other| other == class)
            .and_then(|index| self.classes.get(index))
            .unwrap_or(first)
    }

    /// Each class and its counters.
    pub fn classes(&self) -> impl Iterator<Item = (Class, &ClassStats)> {
        Class::ALL.into_iter().zip(&self.classes)
    }

    pub(super) fn class_mut(&mut self, class: Class) -> Option<&mut ClassStats> {
        let index = Class::ALL.iter().position(|&other| other == class)?;
        self.classes.get_mut(index)
    }
}

/// What the store did for objects of one class.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub struct ClassStats {
    /// Fetches that were given up because nobody waited any more.
    pub abandoned: u64,
    /// Objects that were evicted.
    pub evicted: u64,
    /// Waiting requests whose deadline passed.
    pub expired: u64,
    /// Fetches that failed.
    pub failed: u64,
    /// Fetches handed out.
    pub fetched: u64,
    /// Bytes that fetches brought.
    pub fetched_bytes: u64,
    /// Requests answered from the store while fresh, errors included.
    pub hits: u64,
    /// Requests held, those that caused a fetch included.
    pub held: u64,
    /// Requests that joined a fetch which another had caused.
    pub joined: u64,
    /// Requests answered with a remembered error.
    pub negative: u64,
    /// Requests that went to the origin alone.
    pub passed: u64,
    /// Requests refused by a cap.
    pub refused: u64,
    /// Fetches that ended with the origin's word that nothing has changed.
    pub revalidated: u64,
    /// Requests answered stale.
    pub stale: u64,
    /// Objects stored.
    pub stored: u64,
}

/// One more.
pub(super) const fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
