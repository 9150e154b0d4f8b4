//! What happens to fetches.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::guests::Place as Seat;
use super::index::{Failing, Terms, vary_bytes};
use super::list::{Linked, Links, List};
use super::shelf::head_bytes;
use super::stats::count;
use super::types::Stored;
use super::{
    Due, Failure, Head, How, Pull, PullAnswer, PullOutput, REPORTS, Report, Taken, Unit, Why,
};
use crate::rules::Treatment;
use crate::store::NONE;
use crate::{Error, FillId, Token};

/// A fetch.
#[derive(Debug)]
pub(super) struct Fill {
    /// Nobody has to wait for it: it goes on without viewers.
    background: bool,
    /// What is stored and may still hold, or [`NONE`].
    base: u32,
    declared: Option<u64>,
    entry: u32,
    /// Gives it up when nobody has come back.
    pub(super) grace: u32,
    /// What it makes, from its head on.
    pub(super) item: u32,
    /// Who caused it, while he waits.
    pub(super) leader: u32,
    links: Links,
    /// What was stored was purged since: what it brings is not kept.
    pub(super) purged: bool,
    /// Bytes announced that have not come.
    reserved: usize,
    serial: u32,
    stage: Stage,
    treatment: Treatment,
    pub(super) waiting: List,
}

/// How far a fetch is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// To be ended.
    Abandoned,
    /// Handed out.
    Asked,
    /// Its head has come.
    Body,
    /// To be handed out.
    Wanted,
}

impl Linked for Fill {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

impl Pull {
    /// Says that the head of a fetch has come.
    ///
    /// # Errors
    /// [`Error::UnknownFill`] where it is not under way (any more), [`Error::FillOrder`] where its head has come already.
    pub fn fill_head(&mut self, now: Instant, fill: FillId, head: &Head) -> Result<Taken, Error> {
        self.clock.tick(now);
        let at = self.fill_at(fill, Stage::Asked)?;
        let Some(&Fill {
            entry, treatment, ..
        }) = self.fills.get(at)
        else {
            return Err(Error::UnknownFill { fill });
        };
        if head.status >= 500 {
            self.note_failure(entry, Failure::Status(head.status));
            if self.serves_failing(entry) {
                self.fail_waiting(at, Failure::Status(head.status));
                self.end_fill(at);
                return Ok(Taken::Discard);
            }
        }
        let most = self.body_max(&treatment, head.status) as u64;
        let fits = head.length.is_none_or(|length| length <= most)
            && head.meta.len() <= self.config.limits.meta_bytes;
        if !head.lifetime.store || !fits {
            return Ok(self.pass(at, entry, head.status));
        }
        if !self.select(at, entry, head) {
            return Ok(self.own(at, |_| PullAnswer::Again));
        }
        let reserved = usize::try_from(head.length.unwrap_or(0)).unwrap_or(usize::MAX);
        let needed = head_bytes(head.meta.len())
            .saturating_add(self.shelf.items.growth())
            .saturating_add(reserved);
        // What is announced may press out half of what is there, not all of it.
        let announced = self.reserved.saturating_add(reserved);
        if announced > self.media_max / 2 || self.make_room(needed).is_err() {
            return Ok(self.pass(at, entry, head.status));
        }
        let item = self.shelf.open(self.stored(head));
        if let Some(item) = self.shelf.items.get_mut(item) {
            item.fill = at;
        }
        self.reserved = announced;
        if let Some(fill) = self.fills.get_mut(at) {
            (fill.item, fill.stage) = (item, Stage::Body);
            (fill.declared, fill.reserved) = (head.length, reserved);
        }
        self.hand_to_waiting(at, item, Unit::Any);
        Ok(Taken::Store)
    }

    /// Says that bytes of the body have come. They are copied.
    ///
    /// # Errors
    /// [`Error::UnknownFill`]; [`Error::FillOrder`] before the head; [`Error::TooLargeFill`] over the cap of its class or
    /// beyond the declared length, [`Error::Budget`] without room: then the fetch is over, whoever reads is told
    /// [`Read::Aborted`](super::Read::Aborted), and the next ones go to the origin alone for a while.
    pub fn fill_bytes(&mut self, now: Instant, fill: FillId, bytes: &Bytes) -> Result<(), Error> {
        self.clock.tick(now);
        let at = self.fill_at(fill, Stage::Body)?;
        let Some(&Fill {
            declared,
            entry,
            item,
            reserved,
            ref treatment,
            ..
        }) = self.fills.get(at)
        else {
            return Err(Error::UnknownFill { fill });
        };
        let status = self.shelf.stored(item).map_or(0, |stored| stored.status);
        let most = self.body_max(treatment, status) as u64;
        let most = declared.unwrap_or(most).min(most);
        let len = self.shelf.len(item).saturating_add(bytes.len() as u64);
        let class = treatment.class;
        let result = if len > most {
            Err(Error::TooLargeFill {
                fill,
                bytes: usize::try_from(len).unwrap_or(usize::MAX),
                most: usize::try_from(most).unwrap_or(usize::MAX),
            })
        } else {
            // What was set aside for these bytes is used now.
            let taken = reserved.min(bytes.len());
            self.reserved = self.reserved.saturating_sub(taken);
            if let Some(fill) = self.fills.get_mut(at) {
                fill.reserved = reserved.saturating_sub(taken);
            }
            self.make_room(self.shelf.growth_by(item, bytes.len()))
        };
        if let Err(error) = result {
            self.fail(at, Failure::Protocol);
            if let Some(entry) = self.index.entries.get_mut(entry) {
                entry.failing = None;
            }
            self.note_pass(entry);
            return Err(error);
        }
        self.shelf.append(item, bytes);
        if let Some(counters) = self.counters.class_mut(class) {
            counters.fetched_bytes = counters.fetched_bytes.saturating_add(bytes.len() as u64);
        }
        self.wake_readers(item);
        Ok(())
    }

    /// Says that the body has ended as it should.
    ///
    /// # Errors
    /// [`Error::UnknownFill`]; [`Error::FillOrder`] before the head; [`Error::ShortFill`] where it has less than it declared, which counts as a
    /// failure; [`Error::Budget`] without room, which does too.
    pub fn fill_end(&mut self, now: Instant, fill: FillId) -> Result<(), Error> {
        self.clock.tick(now);
        let at = self.fill_at(fill, Stage::Body)?;
        let Some(&Fill {
            declared,
            entry,
            item,
            purged,
            ..
        }) = self.fills.get(at)
        else {
            return Err(Error::UnknownFill { fill });
        };
        let bytes = self.shelf.len(item);
        let result = match declared {
            Some(declared) if bytes < declared => Err(Error::ShortFill {
                fill,
                bytes,
                declared,
            }),
            _ => self.make_room(self.shelf.growth_to_close(item)),
        };
        if let Err(error) = result {
            self.fail(at, Failure::Protocol);
            return Err(error);
        }
        self.shelf.close(item);
        self.wake_readers(item);
        self.hand_to_waiting(at, item, Unit::Whole);
        if !purged {
            self.shelf.hold(item);
            self.store(entry, item);
        }
        self.end_fill(at);
        Ok(())
    }

    /// Says that the origin answered that what is stored still holds (304): `head` has its new
    /// lifetime and the merged encoded head.
    ///
    /// # Errors
    /// [`Error::UnknownFill`]; [`Error::Unconditional`] where the fetch was not conditional, which
    /// counts as a failure; [`Error::Budget`] without room for the head, which does too.
    pub fn fill_fresh(&mut self, now: Instant, fill: FillId, head: &Head) -> Result<(), Error> {
        self.clock.tick(now);
        let at = self.fill_at(fill, Stage::Asked)?;
        let Some(&Fill {
            base,
            entry,
            purged,
            ref treatment,
            ..
        }) = self.fills.get(at)
        else {
            return Err(Error::UnknownFill { fill });
        };
        let class = treatment.class;
        let result = if base == NONE {
            Err(Error::Unconditional { fill })
        } else if head.meta.len() > self.config.limits.meta_bytes {
            Err(Error::TooLargeFill {
                fill,
                bytes: head.meta.len(),
                most: self.config.limits.meta_bytes,
            })
        } else {
            self.make_room(head_bytes(head.meta.len()))
        };
        if let Err(error) = result {
            self.fail(at, Failure::Protocol);
            return Err(error);
        }
        // Its charge changes: it may be in no order meanwhile.
        self.displace(entry);
        let pinned = self.unpin_entry(entry);
        self.shelf.renew(base, self.stored(head));
        if let Some(counters) = self.counters.class_mut(class) {
            count(&mut counters.revalidated);
        }
        self.hand_to_waiting(at, base, Unit::Whole);
        if purged || !head.lifetime.store {
            self.forget(entry);
        } else {
            if let Some(entry) = self.index.entries.get_mut(entry) {
                entry.pinned = false;
            }
            self.shelf.hold(base);
            self.store(entry, base);
            if pinned {
                // It was pinned before and has hardly grown: where that is too much it stays, unpinned.
                let _fits: Result<(), Error> = self.pin_entry(entry);
            }
        }
        self.end_fill(at);
        Ok(())
    }

    /// Says that a fetch failed: all who wait for it are told at once, with what is stored where
    /// that may be served stale, and it is not tried again for a while.
    ///
    /// # Errors
    /// [`Error::UnknownFill`] where it is not under way (any more).
    pub fn fill_fail(&mut self, now: Instant, fill: FillId, failure: Failure) -> Result<(), Error> {
        self.clock.tick(now);
        let at = match self.fill_at(fill, Stage::Asked) {
            Err(Error::FillOrder { .. }) => self.fill_at(fill, Stage::Body)?,
            other => other?,
        };
        self.fail(at, failure);
        Ok(())
    }

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
            copy: super::Copy {
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
        let error = self
            .shelf
            .stored(item)
            .is_some_and(|stored| stored.is_error());
        let Some(entry) = self.index.entries.get_mut(at) else {
            self.shelf.release(item);
            return;
        };
        let old = std::mem::replace(&mut entry.item, item);
        (entry.failing, entry.pass_until_ns) = (None, 0);
        let treatment = entry.treatment;
        let report = self.index.sites.get(entry.site).map(|site| Report {
            item,
            name: site.name.clone(),
            rule: treatment.rule,
            variant: entry.variant,
        });
        self.shelf.release(old);
        if let Some(counters) = self.counters.class_mut(treatment.class) {
            count(&mut counters.stored);
        }
        if treatment.disk
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

    /// Answers one whose deadline has passed: stale if he may be.
    pub(super) fn expire(&mut self, guest: u32) {
        let Some(Seat::Waits(fill)) = self.guests.slab.get(guest).map(|guest| guest.place) else {
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

    /// Puts the entry of a fetch where its answer belongs; whoever waits for another variant is told so. `false` where another
    /// fetch makes that variant.
    fn select(&mut self, at: u32, entry: u32, head: &Head) -> bool {
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
    fn pass(&mut self, at: u32, entry: u32, status: u16) -> Taken {
        if status >= 500 {
            return self.own(at, |_| PullAnswer::Failed(Failure::Status(status)));
        }
        let taken = self.own(at, |_| PullAnswer::Pass);
        self.note_pass(entry);
        taken
    }

    /// Ends a fetch for the store: its leader, if there, gets what it brings, the others `answer`.
    fn own(&mut self, at: u32, answer: impl Fn(u32) -> PullAnswer) -> Taken {
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
    fn note_pass(&mut self, at: u32) {
        let pass = u64::try_from(self.config.limits.pass.as_nanos()).unwrap_or(u64::MAX);
        let variant = self.clock.ns.saturating_add(pass);
        if let Some(entry) = self.index.entries.get_mut(at) {
            entry.pass_until_ns = variant;
            let item = std::mem::replace(&mut entry.item, NONE);
            self.shelf.release(item);
            self.settle(at);
        }
    }

    fn fail(&mut self, at: u32, failure: Failure) {
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

    /// Remembers a failure, and that it is not tried again before a pause that doubles with each.
    fn note_failure(&mut self, at: u32, failure: Failure) {
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
    fn serves_failing(&self, at: u32) -> bool {
        let Some(entry) = self.index.entries.get(at) else {
            return false;
        };
        self.shelf.stored(entry.item).is_some_and(|stored| {
            let terms = Terms::new(stored, &entry.treatment);
            stored.age(self.clock.now()) < terms.fresh_for.saturating_add(terms.failing)
        })
    }

    fn fail_waiting(&mut self, at: u32, failure: Failure) {
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

    /// Answers all who wait for a fetch but `left_out`.
    fn answer_waiting(&mut self, at: u32, left_out: u32, answer: impl Fn(u32) -> PullAnswer) {
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

    fn first_waiting(&self, at: u32) -> Option<u32> {
        let head = self.fills.get(at)?.waiting.head();
        (head != NONE).then_some(head)
    }

    /// Removes a fetch that is over, and settles its entry.
    fn end_fill(&mut self, at: u32) {
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
    fn fill_at(&self, id: FillId, stage: Stage) -> Result<u32, Error> {
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

    /// The next of a row of numbers that nobody has to guess (Steele, Lea, Flood: SplitMix64).
    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
