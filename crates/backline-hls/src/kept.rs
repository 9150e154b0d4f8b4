//! Which numbers of a series can still be had: the difference between 404 and 410.

use std::collections::VecDeque;

/// Steps that are told apart: a publisher that sends faster than time passes would make any number of them.
const LEAVING_MAX: usize = 1_024;

/// A growing series of objects whose oldest leave after a while.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// The first number that was ever given out.
    first: u64,
    /// The lowest number that is kept.
    from: u64,
    /// Numbers up to the first value leave at the second, in ns. Both grow.
    leaving: VecDeque<(u64, u64)>,
}

impl Kept {
    pub(crate) fn new(first: u64) -> Self {
        Self {
            first,
            from: first,
            leaving: VecDeque::new(),
        }
    }

    /// Numbers up to `last` leave at `until_ns`, or later: never before those that came before them.
    pub(crate) fn leave(&mut self, last: u64, until_ns: u64) {
        let full = self.leaving.len() >= LEAVING_MAX;
        let until_ns = match self.leaving.back_mut() {
            Some(newest) if full => {
                *newest = (last, until_ns.max(newest.1));
                return;
            }
            Some(newest) => until_ns.max(newest.1),
            None => until_ns,
        };
        self.leaving.push_back((last, until_ns));
    }

    /// Forgets what has left.
    pub(crate) fn forget(&mut self, now_ns: u64) {
        while let Some((last, until_ns)) = self.leaving.front().copied() {
            if until_ns > now_ns {
                break;
            }
            self.from = self.from.max(last.saturating_add(1));
            self.leaving.pop_front();
        }
    }

    /// Whether the number existed and has left by `now_ns`.
    pub(crate) fn gone(&self, number: u64, now_ns: u64) -> bool {
        let left = |(last, until_ns): &(u64, u64)| number <= *last && *until_ns <= now_ns;
        number >= self.first && (number < self.from || self.leaving.iter().any(left))
    }

    /// Whether the number is before everything that was ever given out.
    pub(crate) fn before(&self, number: u64) -> bool {
        number < self.first
    }
}

#[cfg(test)]
mod tests;
