//! Fetches that fail or are late: who is told what, and when the next try may be.

use super::fills::Fill;
use super::guests::Place;
use super::index::{Failing, Terms};
use super::stats::count;
use super::{Failure, How, Pull, PullAnswer, Why};
use crate::store::NONE;

impl Pull {
    pub(super) fn fail(&mut self, at: u32, failure: Failure) {
        let Some(&Fill {
            entry,
            item,
            ref treatment,
            ..
        }) = self.fills.get(at)
        else {
            return;
        };
        if let Some(counters) = self.counters.class_mut(treatment.class) {
            count(&mut counters.failed);
        }
        self.note_failure(entry, failure);
        self.shelf.abort(item);
        self.wake_readers(item);
        self.fail_waiting(at, failure);
        self.end_fill(at);
    }

    /// Answers one whose deadline has passed: stale if he may be.
    pub(super) fn expire(&mut self, guest: u32) {
        let Some(Place::Waits(fill)) = self.guests.slab.get(guest).map(|guest| guest.place) else {
            return;
        };
        let entry = self.fills.get(fill).map_or(NONE, |fill| fill.entry);
        let class = self.fills.get(fill).map(|fill| fill.treatment.class);
        self.stand_up(guest);
        let answer = if self.serves_failing(entry) {
            self.stale_copy(guest, entry, Why::Slow)
        } else {
            PullAnswer::Expired
        };
        if let Some(counters) = class.and_then(|class| self.counters.class_mut(class)) {
            count(&mut counters.expired);
        }
        self.send_out(guest, answer);
        self.check_viewers(fill);
    }

    /// Remembers a failure, and that it is not tried again before a pause that doubles with each.
    pub(super) fn note_failure(&mut self, at: u32, failure: Failure) {
        let quarter = self.roll() % 513;
        let Some(entry) = self.index.entries.get_mut(at) else {
            return;
        };
        let times = entry
            .failing
            .map_or(0, |failing| failing.times)
            .saturating_add(1);
        let doubled = 1_u32 << u32::from(times.saturating_sub(1)).min(16);
        let pause = self
            .config
            .retry_min
            .saturating_mul(doubled)
            .min(self.config.retry_max);
        // From three to five quarters of it, in steps of a 1,024th.
        let pause = u64::try_from(pause.as_nanos())
            .unwrap_or(u64::MAX / 2_048)
            .saturating_mul(768_u64.saturating_add(quarter))
            / 1_024;
        entry.failing = Some(Failing {
            failure,
            times,
            until_ns: self.clock.ns.saturating_add(pause),
        });
    }

    /// Tells whether what is stored may answer while the origin fails.
    pub(super) fn serves_failing(&self, at: u32) -> bool {
        let Some(entry) = self.index.entries.get(at) else {
            return false;
        };
        self.shelf.stored(entry.item).is_some_and(|stored| {
            let terms = Terms::new(stored, &entry.treatment);
            stored.age(self.clock.now()) < terms.fresh_for.saturating_add(terms.failing)
        })
    }

    pub(super) fn fail_waiting(&mut self, at: u32, failure: Failure) {
        let entry = self.fills.get(at).map_or(NONE, |fill| fill.entry);
        if !self.serves_failing(entry) {
            self.answer_waiting(at, NONE, |_| PullAnswer::Failed(failure));
            return;
        }
        while let Some(guest) = self.first_waiting(at) {
            self.stand_up(guest);
            let answer = self.stale_copy(guest, entry, Why::Failing);
            self.send_out(guest, answer);
        }
    }

    fn stale_copy(&mut self, guest: u32, entry: u32, why: Why) -> PullAnswer {
        let Some(entry) = self.index.entries.get(entry) else {
            return PullAnswer::Absent;
        };
        let class = entry.treatment.class;
        if let Some(counters) = self.counters.class_mut(class) {
            count(&mut counters.stale);
        }
        let copy = self.copy_for(guest, entry.item, How::Stale(why));
        copy.map_or(PullAnswer::Absent, PullAnswer::Hit)
    }

    /// The next of a row of numbers that nobody has to guess (Steele, Lea, Flood: SplitMix64).
    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
