//! The budget: what is held, and who makes room.

use std::mem::size_of;
use std::time::Duration;

use super::index::{Entry, Place, Terms};
use super::list::List;
use super::stats::count;
use super::{Due, NEWCOMERS, Pull, REPORTS, Report};
use crate::Error;
use crate::evict::{Gdsf, S3Fifo};
use crate::rules::{Class, Evictor, Treatment};
use crate::store::{NONE, Slab};

/// The orders in which entries are shed.
#[derive(Debug)]
pub(super) struct Orders {
    gdsf: Gdsf,
    /// Errors and marks, the oldest first.
    negative: List,
    negative_bytes: usize,
    pub(super) pinned_bytes: usize,
    prefetched: List,
    s3fifo: S3Fifo,
    spent: List,
}

impl Orders {
    pub(super) fn new(capacity: usize) -> Self {
        // Names of what was evicted are worth remembering for about as many objects as there can be.
        let ghosts = capacity / GHOST_OBJECT_BYTES;
        Self {
            gdsf: Gdsf::new(capacity as u64),
            negative: List::NEW,
            negative_bytes: 0,
            pinned_bytes: 0,
            prefetched: List::NEW,
            s3fifo: S3Fifo::with_ghosts(capacity as u64, ghosts),
            spent: List::NEW,
        }
    }

    const fn allocated(&self) -> usize {
        self.gdsf
            .allocated()
            .saturating_add(self.s3fifo.allocated())
    }

    /// A hit.
    pub(super) fn touch(&mut self, at: u32, evictor: Evictor) {
        match evictor {
            Evictor::S3Fifo => self.s3fifo.touch(at),
            _ => self.gdsf.touch(at),
        }
    }

    fn growth(&self, at: u32, evictor: Evictor) -> usize {
        match evictor {
            Evictor::S3Fifo => self.s3fifo.growth(at),
            _ => self.gdsf.growth(at),
        }
    }

    fn put(&mut self, entries: &mut Slab<Entry>, at: u32, place: Place, bytes: usize) {
        let Some(hash) = entries.get_mut(at).map(|entry| {
            entry.place = place;
            entry.hash
        }) else {
            return;
        };
        match place {
            Place::Negative => {
                self.negative_bytes = self.negative_bytes.saturating_add(bytes);
                self.negative.push(entries, at);
            }
            Place::Nowhere => {}
            Place::Order(Evictor::S3Fifo) => self.s3fifo.insert(at, hash, bytes as u64),
            Place::Order(_) => self.gdsf.insert(at, hash, bytes as u64),
            Place::Prefetched => self.prefetched.push(entries, at),
            Place::Spent => self.spent.push(entries, at),
        }
    }

    fn take(&mut self, entries: &mut Slab<Entry>, at: u32, bytes: usize) {
        let Some(entry) = entries.get_mut(at) else {
            return;
        };
        match std::mem::replace(&mut entry.place, Place::Nowhere) {
            Place::Negative => {
                self.negative_bytes = self.negative_bytes.saturating_sub(bytes);
                self.negative.unlink(entries, at);
            }
            Place::Nowhere => {}
            Place::Order(Evictor::S3Fifo) => {
                self.s3fifo.remove(at);
            }
            Place::Order(_) => {
                self.gdsf.remove(at);
            }
            Place::Prefetched => self.prefetched.unlink(entries, at),
            Place::Spent => self.spent.unlink(entries, at),
        }
    }

    /// Who goes next: what is good for nobody; what nobody has asked for; small objects down to their
    /// share; media; the rest of the small ones; errors. Pinned ones never.
    fn victim(&mut self, small_min: u64) -> Option<u32> {
        let first = |list: &List| Some(list.head()).filter(|&at| at != NONE);
        if let Some(at) = first(&self.spent).or_else(|| first(&self.prefetched)) {
            return Some(at);
        }
        let small = self.gdsf.bytes() > small_min;
        small
            .then(|| self.gdsf.evict())
            .flatten()
            .or_else(|| self.s3fifo.evict())
            .or_else(|| self.gdsf.evict())
            .or_else(|| first(&self.negative))
    }
}

/// What an object is taken to have, to bound the names that are remembered.
const GHOST_OBJECT_BYTES: usize = 16 << 10;

impl Pull {
    /// Bytes allocated and set aside, all together.
    pub(super) fn bytes(&self) -> usize {
        let fixed = REPORTS
            .saturating_mul(size_of::<Report>())
            .saturating_add(NEWCOMERS.saturating_mul(size_of::<u32>()));
        self.media_bytes()
            .saturating_add(self.guests.bytes())
            .saturating_add(fixed)
    }

    fn media_bytes(&self) -> usize {
        self.index
            .bytes()
            .saturating_add(self.fills.bytes())
            .saturating_add(self.timers.bytes())
            .saturating_add(self.shelf.bytes())
            .saturating_add(self.orders.allocated())
            .saturating_add(self.reserved)
    }

    /// Makes room for `needed` bytes more, by shedding what may go.
    pub(super) fn make_room(&mut self, needed: usize) -> Result<(), Error> {
        let small_min = self.share(self.config.small_percent) as u64;
        while self.media_bytes().saturating_add(needed) > self.media_max {
            let Some(victim) = self.orders.victim(small_min) else {
                return Err(Error::Budget {
                    needed,
                    held: self.media_bytes(),
                    budget: self.media_max,
                });
            };
            self.evict(victim);
        }
        Ok(())
    }

    /// So many percent of the budget.
    pub(super) const fn share(&self, percent: u8) -> usize {
        (self.config.budget / 100).saturating_mul(percent as usize)
    }

    /// Bytes of a body of this class, at most.
    pub(super) const fn body_max(&self, treatment: &Treatment, status: u16) -> usize {
        let limits = &self.config.limits;
        if status >= 400 {
            return limits.negative_bytes;
        }
        match treatment.class {
            Class::Part => limits.part_bytes,
            Class::Playlist => limits.playlist_bytes,
            Class::Segment | Class::Slate => limits.segment_bytes,
            _ => limits.other_bytes,
        }
    }

    /// Puts an entry in its place by what is known of it now, and removes it where nothing is.
    pub(super) fn settle(&mut self, at: u32) {
        self.displace(at);
        let now = self.clock.now();
        let Some(entry) = self.index.entries.get(at) else {
            return;
        };
        let Some(stored) = self.shelf.stored(entry.item) else {
            self.settle_mark(at);
            return;
        };
        if entry.pinned {
            return;
        }
        let terms = Terms::new(stored, &entry.treatment);
        let left = terms.over().saturating_sub(stored.age(now));
        let evictor = entry.treatment.evictor;
        let place = if left.is_zero() {
            Place::Spent
        } else if stored.is_error() {
            Place::Negative
        } else if entry.prefetched {
            Place::Prefetched
        } else {
            Place::Order(evictor)
        };
        let growth = match place {
            Place::Order(evictor) => self.orders.growth(at, evictor),
            _ => 0,
        };
        // Without room for its place in the order it is the first to go; that needs none.
        let place = if self.make_room(growth).is_ok() {
            place
        } else {
            Place::Spent
        };
        if !left.is_zero() {
            self.set_timer(at, left);
        }
        let bytes = self.item_bytes(at);
        self.orders.put(&mut self.index.entries, at, place, bytes);
        if place == Place::Negative {
            self.shed_negatives();
        }
    }

    /// Takes an entry out of whatever order it is in.
    pub(super) fn displace(&mut self, at: u32) {
        let bytes = self.item_bytes(at);
        self.orders.take(&mut self.index.entries, at, bytes);
        if let Some(entry) = self.index.entries.get_mut(at) {
            let timer = std::mem::replace(&mut entry.timer, NONE);
            self.timers.remove(timer);
        }
    }

    /// Drops what is stored under an entry, which is in no order any more, and the entry unless a fetch needs it.
    pub(super) fn forget(&mut self, at: u32) {
        self.displace(at);
        self.unpin_entry(at);
        let Some(entry) = self.index.entries.get_mut(at) else {
            return;
        };
        let item = std::mem::replace(&mut entry.item, NONE);
        (entry.failing, entry.pass_until_ns) = (None, 0);
        let filling = entry.fill != NONE;
        self.shelf.release(item);
        if !filling {
            self.index.remove(at);
        }
    }

    /// Pins an entry if the share of what is pinned allows.
    pub(super) fn pin_entry(&mut self, at: u32) -> Result<(), Error> {
        let bytes = self.item_bytes(at);
        let most = self.share(self.config.pinned_percent);
        let needed = self.orders.pinned_bytes.saturating_add(bytes);
        let Some(entry) = self.index.entries.get_mut(at) else {
            return Ok(());
        };
        if entry.pinned {
            return Ok(());
        }
        if needed > most {
            return Err(Error::PinShare { needed, most });
        }
        entry.pinned = true;
        self.orders.pinned_bytes = needed;
        self.settle(at);
        Ok(())
    }

    /// Unpins an entry, which is to be settled then.
    pub(super) fn unpin_entry(&mut self, at: u32) -> bool {
        let bytes = self.item_bytes(at);
        let Some(entry) = self.index.entries.get_mut(at) else {
            return false;
        };
        let was = std::mem::replace(&mut entry.pinned, false);
        if was {
            self.orders.pinned_bytes = self.orders.pinned_bytes.saturating_sub(bytes);
        }
        was
    }

    fn item_bytes(&self, at: u32) -> usize {
        let item = self.index.entries.get(at).map_or(NONE, |entry| entry.item);
        self.shelf.items.get(item).map_or(0, |item| item.bytes)
    }

    fn evict(&mut self, at: u32) {
        // The order that named it has let go of it already, if it was one that does.
        if let Some(entry) = self.index.entries.get(at)
            && let Some(counters) = self.counters.class_mut(entry.treatment.class)
        {
            count(&mut counters.evicted);
        }
        self.forget(at);
    }

    /// Errors and marks have a small share of their own, so that scans for what does not exist evict nothing else.
    fn shed_negatives(&mut self) {
        let most = self.config.limits.negatives;
        let bytes_max = self.config.budget / NEGATIVE_SHARE;
        while (self.orders.negative.len() > most || self.orders.negative_bytes > bytes_max)
            && self.orders.negative.head() != NONE
        {
            self.evict(self.orders.negative.head());
        }
    }

    /// Nothing is stored: what else is known has its time, and then the entry goes.
    fn settle_mark(&mut self, at: u32) {
        let Some(entry) = self.index.entries.get(at) else {
            return;
        };
        if entry.fill != NONE {
            return;
        }
        // How often it failed is remembered beyond the pause: the next failure has a longer one.
        let remembered = u64::try_from(self.config.retry_max.as_nanos()).unwrap_or(u64::MAX);
        let failing = entry
            .failing
            .map_or(0, |failing| failing.until_ns.saturating_add(remembered));
        let left = entry
            .pass_until_ns
            .max(failing)
            .saturating_sub(self.clock.ns);
        if left == 0 {
            self.index.remove(at);
            return;
        }
        self.set_timer(at, Duration::from_nanos(left));
        self.orders
            .put(&mut self.index.entries, at, Place::Negative, 0);
        self.shed_negatives();
    }

    fn set_timer(&mut self, at: u32, left: Duration) {
        let left = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
        let timer = self
            .timers
            .insert(self.clock.ns.saturating_add(left), Due::Entry(at));
        if let Some(entry) = self.index.entries.get_mut(at) {
            entry.timer = timer;
        }
    }
}

/// Errors and marks may take this part of the budget.
const NEGATIVE_SHARE: usize = 16;
