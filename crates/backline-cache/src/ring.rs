//! The window of one kind of one rendition: an array of slots, a sequence number's place being its low bits.

use std::mem::size_of;

use crate::ledger::Entry;
use crate::store::NONE;
use crate::{Body, Reason, State};

#[derive(Debug)]
pub(crate) struct Ring {
    /// No number below it holds anything.
    first: u64,
    /// Lower numbers are passed over for good.
    floor: u64,
    /// One past the highest number that is promised or published.
    end: u64,
    /// How many slots hold something.
    held: u32,
    /// One past the highest number that was published.
    next: u64,
    /// A power of two of slots, or none.
    slots: Vec<Slot>,
    /// Timer of the head's `keep_until`.
    pub(crate) timer: u32,
    /// Evictions to be reported, by [`Reason`].
    notices: [Option<Notice>; REASONS],
}

/// Evictions that make up one report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) objects: u64,
}

/// How many reasons there are.
pub(crate) const REASONS: usize = 2;

#[derive(Debug)]
struct Slot {
    seq: u64,
    content: Content,
}

/// What a slot holds.
#[derive(Debug)]
pub(crate) enum Content {
    Empty,
    Promised(Promise),
    Stored(Stored),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    /// When it lapses, ns.
    pub(crate) by: u64,
    /// Who waits for it, or [`NONE`].
    pub(crate) group: u32,
    pub(crate) timer: u32,
}

#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) body: Body,
    pub(crate) entry: Entry,
    /// Until when it stays, ns; `u64::MAX` while it is listed.
    pub(crate) keep_until: u64,
    /// Order of publication over all windows.
    pub(crate) serial: u64,
}

impl Ring {
    pub(crate) const fn new() -> Self {
        Self {
            first: 0,
            floor: 0,
            end: 0,
            held: 0,
            next: 0,
            slots: Vec::new(),
            timer: NONE,
            notices: [None; REASONS],
        }
    }

    /// The content of `seq`, if the window has any.
    #[inline]
    pub(crate) fn get(&self, seq: u64) -> Option<&Content> {
        let slot = self
            .slots
            .get(self.place(seq))
            .filter(|slot| slot.seq == seq)?;
        (!matches!(slot.content, Content::Empty)).then_some(&slot.content)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, seq: u64) -> Option<&mut Content> {
        let place = self.place(seq);
        let slot = self.slots.get_mut(place).filter(|slot| slot.seq == seq)?;
        (!matches!(slot.content, Content::Empty)).then_some(&mut slot.content)
    }

    pub(crate) fn promise_mut(&mut self, seq: u64) -> Option<&mut Promise> {
        match self.get_mut(seq) {
            Some(Content::Promised(promise)) => Some(promise),
            _ => None,
        }
    }

    pub(crate) fn state(&self, seq: u64) -> State {
        match self.get(seq) {
            Some(Content::Stored(_)) => State::Ready,
            Some(Content::Promised(_)) => State::Promised,
            _ if self.slots.is_empty() => State::Unknown,
            _ if seq < self.floor.max(self.next) => State::Gone,
            _ => State::TooFar,
        }
    }

    /// The lowest number that was not passed over for good.
    pub(crate) const fn floor(&self) -> u64 {
        self.floor
    }

    /// The number where the window begins.
    pub(crate) const fn first(&self) -> u64 {
        self.first
    }

    /// One past the highest number that was published.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// The lowest number that holds something, and what.
    pub(crate) fn head(&self) -> Option<(u64, &Content)> {
        self.iter().next()
    }

    /// The contents of the window in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Content)> {
        (self.first..self.end).filter_map(|seq| self.get(seq).map(|content| (seq, content)))
    }

    /// Tells whether `seq` has a place in `slots_max` slots without an eviction.
    pub(crate) fn has_place(&self, seq: u64, slots_max: usize) -> bool {
        self.span(seq) <= slots_max
    }

    /// Tells whether `seq` is passed over, or too far behind what is held to find a place beside it.
    pub(crate) fn is_behind(&self, seq: u64, slots_max: usize) -> bool {
        seq < self.floor || (seq < self.first && !self.has_place(seq, slots_max))
    }

    /// Bytes that making a place for `seq` allocates on top.
    pub(crate) fn growth(&self, seq: u64, slots_max: usize) -> usize {
        self.size_for(seq, slots_max)
            .saturating_sub(self.slots.len())
            .saturating_mul(size_of::<Slot>())
    }

    /// Bytes allocated.
    pub(crate) const fn bytes(&self) -> usize {
        self.slots.capacity().saturating_mul(size_of::<Slot>())
    }

    /// Makes the window wide enough for `seq`, for which [`has_place`](Self::has_place) holds.
    pub(crate) fn make_place(&mut self, seq: u64, slots_max: usize) {
        if self.is_vacant() {
            (self.first, self.end) = (seq, seq);
        }
        self.first = self.first.min(seq);
        let size = self.size_for(seq, slots_max);
        if size > self.slots.len() {
            let mut slots = Vec::with_capacity(size);
            slots.resize_with(size, || Slot {
                seq: 0,
                content: Content::Empty,
            });
            let old = std::mem::replace(&mut self.slots, slots);
            for slot in old
                .into_iter()
                .filter(|slot| !matches!(slot.content, Content::Empty))
            {
                let place = self.place(slot.seq);
                if let Some(new) = self.slots.get_mut(place) {
                    *new = slot;
                }
            }
        }
    }

    /// Puts content at `seq`, which has a place, and returns what was there.
    pub(crate) fn put(&mut self, seq: u64, content: Content) -> Content {
        if matches!(content, Content::Stored(_)) {
            if self.next <= self.first {
                // The first of all, or the first after a gap.
                self.floor = self.first;
            }
            self.next = self.next.max(seq.saturating_add(1));
        }
        let old = self.take(seq);
        self.end = self.end.max(seq.saturating_add(1));
        let place = self.place(seq);
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = Slot { seq, content };
            self.held = self.held.saturating_add(1);
        }
        old
    }

    /// Takes out what is at `seq`.
    pub(crate) fn take(&mut self, seq: u64) -> Content {
        let Some(content) = self.get_mut(seq) else {
            return Content::Empty;
        };
        let old = std::mem::replace(content, Content::Empty);
        self.held = self.held.saturating_sub(1);
        old
    }

    /// Passes over the numbers up to `seq`, and over those behind it that came to nothing.
    pub(crate) fn pass(&mut self, seq: u64) {
        self.first = self.first.max(seq.saturating_add(1));
        while self.first < self.next.min(self.end) && self.get(self.first).is_none() {
            self.first = self.first.saturating_add(1);
        }
        self.end = self.end.max(self.first);
        self.floor = self.first;
    }

    /// Joins an eviction to the report of its reason; tells whether that is a new report.
    pub(crate) fn notice(&mut self, seq: u64, reason: Reason) -> bool {
        let Some(notice) = self.notices.get_mut(reason as usize) else {
            return false;
        };
        match notice {
            Some(notice) => {
                notice.last = seq;
                notice.objects = notice.objects.saturating_add(1);
                false
            }
            None => {
                *notice = Some(Notice {
                    first: seq,
                    last: seq,
                    objects: 1,
                });
                true
            }
        }
    }

    /// Takes out the report of evictions for `reason`.
    pub(crate) fn take_notice(&mut self, reason: Reason) -> Option<Notice> {
        self.notices.get_mut(reason as usize)?.take()
    }

    /// Tells whether nothing is held.
    const fn is_vacant(&self) -> bool {
        self.held == 0
    }

    #[inline]
    fn place(&self, seq: u64) -> usize {
        // Truncation is the point: the place is the low bits.
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
        let low = seq as usize;
        low & self.slots.len().wrapping_sub(1)
    }

    /// How many slots lie between the outermost numbers when `seq` is held too.
    fn span(&self, seq: u64) -> usize {
        let (first, last) = if self.is_vacant() {
            (seq, seq)
        } else {
            (self.first, self.end.saturating_sub(1))
        };
        let span = seq.max(last).saturating_sub(seq.min(first));
        usize::try_from(span)
            .unwrap_or(usize::MAX)
            .saturating_add(1)
    }

    fn size_for(&self, seq: u64, slots_max: usize) -> usize {
        let size = self
            .span(seq)
            .checked_next_power_of_two()
            .unwrap_or(slots_max);
        size.clamp(SLOTS_MIN.min(slots_max), slots_max)
    }
}

/// Slots that a window begins with.
const SLOTS_MIN: usize = 16;
