//! How fetches begin and end, and what becomes of those who wait for them.

use bytes::Bytes;

use super::fills::{Fill, Stage};
use super::index::vary_bytes;
use super::list::{Links, List};
use super::stats::count;
use super::types::Stored;
use super::{
    Copy, Due, Failure, Head, How, Pull, PullAnswer, PullOutput, REPORTS, Report, Taken, Unit,
};
use crate::rules::Treatment;
use crate::store::NONE;
use crate::{Error, FillId, Token};

impl Pull {
    /// Starts a fetch for an entry that has none.
    pub(super) fn start_fill(&mut self, at: u32, treatment: &Treatment, background: bool) -> u32 {
        self.serial = self.serial.wrapping_add(1);
        let base = match self.index.entries.get_mut(at) {
            Some(entry) => {
                entry.treatment = *treatment;
                entry.item
            }
            None => NONE,
        };
        self.shelf.hold(base);
        let fill = self.fills.insert(Fill {
            background,
            base,
            declared: None,
            entry: at,
            grace: NONE,
            item: NONE,
            leader: NONE,
            links: Links::NEW,
            purged: false,
            reserved: 0,
            serial: self.serial,
            stage: Stage::Wanted,
            treatment: *treatment,
            waiting: List::NEW,
        });
        if let Some(entry) = self.index.entries.get_mut(at) {
            entry.fill = fill;
        }
        if base == NONE {
            // What is remembered of an entry without a body must not go while it is fetched.
            self.displace(at);
        }
        self.wanted.push(&mut self.fills, fill);
        fill
    }

    pub(super) fn poll_abandoned(&mut self) -> Option<PullOutput> {
        let at = self.abandoned.head();
        let serial = self.fills.get(at)?.serial;
        self.abandoned.unlink(&mut self.fills, at);
        self.fills.remove(at);
        Some(PullOutput::Abandon {
            fill: FillId::new(at, serial),
        })
    }

    pub(super) fn poll_wanted(&mut self) -> Option<PullOutput> {
        loop {
            let at = self.wanted.head();
            let fill = self.fills.get_mut(at)?;
            if !fill.background && fill.waiting.len() == 0 {
                // They left before it was begun.
                self.drop_fill(at);
                continue;
            }
            fill.stage = Stage::Asked;
            self.wanted.unlink(&mut self.fills, at);
            let fill = self.fills.get(at)?;
            let entry = self.index.entries.get(fill.entry)?;
            let site = self.index.sites.get(entry.site)?;
            let leader = self.guests.slab.get(fill.leader);
            if let Some(counters) = self.counters.class_mut(fill.treatment.class) {
                count(&mut counters.fetched);
            }
            return Some(PullOutput::Fetch {
                fill: FillId::new(at, fill.serial),
                name: site.name.clone(),
                leader: leader.map(|leader| Token(leader.token)),
                revalidate: self.shelf.stored(fill.base).map(|base| base.meta.clone()),
                treatment: fill.treatment,
            });
        }
    }

    pub(super) fn poll_report(&mut self) -> Option<PullOutput> {
        let report = self.reports.pop_front()?;
        let stored = self.shelf.stored(report.item)?.clone();
        self.shelf.release(report.item);
        Some(PullOutput::Stored {
            name: report.name,
            copy: Copy {
                how: How::Fetched,
                reader: None,
                rule: report.rule,
                stored,
            },
            variant: report.variant,
        })
    }

    /// What is kept of a head that came now.
    pub(super) fn stored(&self, head: &Head) -> Stored {
        Stored {
            body: None,
            length: head.length,
            lifetime: head.lifetime,
            meta: Bytes::from_owner(head.meta.to_vec()),
            received: self.clock.now(),
            status: head.status,
        }
    }

    /// Stores a whole item, held once for it, under an entry.
    pub(super) fn store(&mut self, at: u32, item: u32) {
        self.displace(at);
        let was_pinned = self.unpin_entry(at);
        let status = self.shelf.stored(item).map_or(0, |stored| stored.status);
        let error = status >= 400;
        let Some(entry) = self.index.entries.get_mut(at) else {
            self.shelf.release(item);
            return;
        };
        let old = std::mem::replace(&mut entry.item, item);
        entry.pass_until_ns = 0;
        if status < 500 {
            entry.failing = None;
        }
        let new = old != item;
        let treatment = entry.treatment;
        let report = self.index.sites.get(entry.site).map(|site| Report {
            item,
            name: site.name.clone(),
            rule: treatment.rule,
            variant: entry.variant,
        });
        self.shelf.release(old);
        if new && let Some(counters) = self.counters.class_mut(treatment.class) {
            count(&mut counters.stored);
        }
        if new
            && treatment.disk
            && !error
            && self.reports.len() < REPORTS
            && let Some(report) = report
        {
            self.shelf.hold(item);
            self.reports.push_back(report);
        }
        let pins = (treatment.pin || was_pinned) && !error;
        // What does not fit among the pinned is stored as any other.
        if !pins || self.pin_entry(at).is_err() {
            self.settle(at);
        }
    }

    /// Answers those who wait for a fetch with an item: all of them when it is whole, otherwise
    /// those who take less.
    pub(super) fn hand_to_waiting(&mut self, fill: u32, item: u32, unit: Unit) {
        let Some(&Fill {
            base,
            leader,
            waiting,
            ..
        }) = self.fills.get(fill)
        else {
            return;
        };
        let mut next = waiting.head();
        while let Some(guest) = self.guests.slab.get(next) {
            let (at, waits) = (next, guest.unit == Unit::Whole && unit != Unit::Whole);
            next = guest.next();
            if waits {
                continue;
            }
            let how = match (at == leader, item == base) {
                (_, true) => How::Revalidated,
                (true, false) => How::Fetched,
                (false, false) => How::Collapsed,
            };
            self.stand_up(at);
            let copy = self.copy_for(at, item, how);
            self.send_out(at, copy.map_or(PullAnswer::Absent, PullAnswer::Hit));
        }
    }

    /// Gives up a fetch that nobody has come back for.
    pub(super) fn abandon(&mut self, at: u32) {
        if self.viewers(at) == 0
            && let Some(fill) = self.fills.get(at)
            && !fill.background
        {
            let class = fill.treatment.class;
            if let Some(counters) = self.counters.class_mut(class) {
                count(&mut counters.abandoned);
            }
            self.drop_fill(at);
        }
    }

    /// Ends a fetch from this side. Whoever reads what it makes is told.
    pub(super) fn drop_fill(&mut self, at: u32) {
        let Some(fill) = self.fills.get_mut(at) else {
            return;
        };
        let stage = std::mem::replace(&mut fill.stage, Stage::Abandoned);
        let item = fill.item;
        self.shelf.abort(item);
        self.wake_readers(item);
        if stage == Stage::Wanted {
            self.wanted.unlink(&mut self.fills, at);
            self.end_fill(at);
        } else if stage != Stage::Abandoned {
            self.leave_entry(at);
            self.abandoned.push(&mut self.fills, at);
        }
    }

    /// Starts the grace of a fetch whose last viewer may have left.
    pub(super) fn check_viewers(&mut self, at: u32) {
        if self.viewers(at) > 0 {
            return;
        }
        let grace = u64::try_from(self.config.grace.as_nanos()).unwrap_or(u64::MAX);
        let until = self.clock.ns.saturating_add(grace);
        if let Some(fill) = self.fills.get_mut(at)
            && !fill.background
            && fill.grace == NONE
            && fill.stage != Stage::Abandoned
        {
            fill.grace = self.timers.insert(until, Due::Grace(at));
        }
    }

    /// Sets what selects among the variants of a name; those selected otherwise are of no use any more.
    pub(super) fn set_vary(&mut self, entry: u32, vary: Option<&Bytes>) {
        let Some(site) = self.index.entries.get(entry).map(|entry| entry.site) else {
            return;
        };
        if self.index.sites.get(site).map(|site| site.vary.as_ref()) == Some(vary) {
            return;
        }
        self.index.set_vary(site, vary);
        let others: Vec<u32> = self.index.entries_of(site).collect();
        for other in others {
            let idle = self
                .index
                .entries
                .get(other)
                .is_some_and(|entry| entry.fill == NONE);
            if other != entry && idle {
                self.forget(other);
            }
        }
    }

    /// Puts the entry of a fetch where its answer belongs; whoever waits for another variant is told so. `false` where
    /// another fetch makes that variant.
    pub(super) fn select(&mut self, at: u32, entry: u32, head: &Head) -> bool {
        let vary = head.vary.as_ref();
        if self.make_room(vary_bytes(vary)).is_err() {
            return false;
        }
        self.set_vary(entry, vary);
        let Some((site, variant)) = self
            .index
            .entries
            .get(entry)
            .map(|entry| (entry.site, entry.variant))
        else {
            return false;
        };
        if variant == head.variant {
            return true;
        }
        if let Some(other) = self.index.variant_of(site, head.variant) {
            let busy = self
                .index
                .entries
                .get(other)
                .is_some_and(|other| other.fill != NONE);
            if busy {
                return false;
            }
            self.forget(other);
        }
        if let Some(entry) = self.index.entries.get_mut(entry) {
            entry.variant = head.variant;
        }
        let leader = self.fills.get(at).map_or(NONE, |fill| fill.leader);
        self.answer_waiting(at, leader, |_| PullAnswer::Again);
        true
    }

    /// The answer is for the leader alone; the others go to the origin, alone too and from now on
    /// without waiting. An error fans out instead: who fails has enough to do.
    pub(super) fn pass(&mut self, at: u32, entry: u32, status: u16) -> Taken {
        if status >= 500 {
            return self.own(at, |_| PullAnswer::Failed(Failure::Status(status)));
        }
        // Before the fetch ends: what nothing is known of goes with its fetch.
        self.note_pass(entry);
        self.own(at, |_| PullAnswer::Pass)
    }

    /// Ends a fetch for the store: its leader, if there, gets what it brings, the others `answer`.
    pub(super) fn own(&mut self, at: u32, answer: impl Fn(u32) -> PullAnswer) -> Taken {
        let Some(&Fill { leader, serial, .. }) = self.fills.get(at) else {
            return Taken::Discard;
        };
        self.answer_waiting(at, leader, answer);
        let taken = if leader == NONE {
            Taken::Discard
        } else {
            self.stand_up(leader);
            self.send_out(leader, PullAnswer::Own(FillId::new(at, serial)));
            Taken::Pass
        };
        self.end_fill(at);
        taken
    }

    /// Remembers for a while that answers are not to be shared.
    pub(super) fn note_pass(&mut self, at: u32) {
        let pass = u64::try_from(self.config.limits.pass.as_nanos()).unwrap_or(u64::MAX);
        let until_ns = self.clock.ns.saturating_add(pass);
        self.displace(at);
        self.unpin_entry(at);
        if let Some(entry) = self.index.entries.get_mut(at) {
            entry.pass_until_ns = until_ns;
            let item = std::mem::replace(&mut entry.item, NONE);
            self.shelf.release(item);
            self.settle(at);
        }
    }

    /// Answers all who wait for a fetch but `left_out`.
    pub(super) fn answer_waiting(
        &mut self,
        at: u32,
        left_out: u32,
        answer: impl Fn(u32) -> PullAnswer,
    ) {
        let mut next = self.fills.get(at).map_or(NONE, |fill| fill.waiting.head());
        while let Some(guest) = self.guests.slab.get(next) {
            let guest_at = next;
            next = guest.next();
            if guest_at != left_out {
                self.stand_up(guest_at);
                self.send_out(guest_at, answer(guest_at));
            }
        }
    }

    pub(super) fn first_waiting(&self, at: u32) -> Option<u32> {
        let head = self.fills.get(at)?.waiting.head();
        (head != NONE).then_some(head)
    }

    /// Removes a fetch that is over, and settles its entry.
    pub(super) fn end_fill(&mut self, at: u32) {
        self.leave_entry(at);
        self.fills.remove(at);
    }

    /// Takes a fetch off its entry, with all that it held.
    fn leave_entry(&mut self, at: u32) {
        let Some(fill) = self.fills.get_mut(at) else {
            return;
        };
        let (base, entry, grace, item) = (fill.base, fill.entry, fill.grace, fill.item);
        (fill.base, fill.entry, fill.grace, fill.item) = (NONE, NONE, NONE, NONE);
        self.reserved = self
            .reserved
            .saturating_sub(std::mem::replace(&mut fill.reserved, 0));
        self.timers.remove(grace);
        if let Some(item) = self.shelf.items.get_mut(item) {
            item.fill = NONE;
        }
        self.shelf.release(base);
        self.shelf.release(item);
        if let Some(entry) = self.index.entries.get_mut(entry) {
            entry.fill = NONE;
        }
        self.settle(entry);
    }

    fn viewers(&self, at: u32) -> u32 {
        self.fills.get(at).map_or(0, |fill| {
            let readers = self
                .shelf
                .items
                .get(fill.item)
                .map_or(0, |item| item.readers);
            fill.waiting.len().saturating_add(readers)
        })
    }

    /// The fetch that is under way and so far.
    pub(super) fn fill_at(&self, id: FillId, stage: Stage) -> Result<u32, Error> {
        let fill = self
            .fills
            .get(id.index())
            .filter(|fill| fill.serial == id.serial())
            .filter(|fill| matches!(fill.stage, Stage::Asked | Stage::Body))
            .ok_or(Error::UnknownFill { fill: id })?;
        if fill.stage == stage {
            Ok(id.index())
        } else {
            Err(Error::FillOrder { fill: id })
        }
    }
}
