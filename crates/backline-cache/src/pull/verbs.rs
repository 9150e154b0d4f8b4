//! What viewers and the operator ask for.

use std::time::Instant;

use bytes::Bytes;

use super::fills::Fill;
use super::guests::Place as Seat;
use super::index::{Place, Terms, vary_bytes};
use super::shelf::head_bytes;
use super::stats::count;
use super::{
    Ask, Copy, Failure, Freshness, Head, How, NEWCOMERS, Pull, PullAnswer, Purge, Unit, Why,
};
use crate::rules::Treatment;
use crate::store::NONE;
use crate::{Cap, Client, Error, Name, Token};

/// Who asks, and until when he waits.
#[derive(Clone, Copy, Debug)]
struct Asker {
    client: Client,
    token: Token,
    until_ns: u64,
}

impl Pull {
    /// Fetches `name` before anybody asks for it; nothing happens if it is stored and fresh or under way. Until
    /// somebody has asked for it, it is among the first to be shed.
    ///
    /// # Errors
    /// [`Error::Fills`] when `PullLimits::fills` are under way, [`Error::Budget`] without room for it.
    pub fn prefetch(
        &mut self,
        now: Instant,
        name: &Name,
        variant: u64,
        treatment: &Treatment,
    ) -> Result<(), Error> {
        self.clock.tick(now);
        let ask = Ask {
            variant,
            ..Ask::new(name, treatment)
        };
        if let Some(at) = self.index.entry(name, variant) {
            let under_way = self
                .index
                .entries
                .get(at)
                .is_some_and(|entry| entry.fill != NONE);
            if under_way || self.serve(at, &ask).is_some() {
                return Ok(());
            }
        }
        if self.fills.len() >= self.config.limits.fills {
            return Err(Error::Fills {
                most: self.config.limits.fills,
            });
        }
        let at = self.entry_for(&ask)?;
        if let Some(entry) = self.index.entries.get_mut(at) {
            entry.prefetched = entry.item == NONE;
        }
        self.start_fill(at, treatment, true);
        Ok(())
    }

    /// Stores an answer that was not fetched: one that is recovered from disk, or was made here. Who waits for it
    /// is answered with it, and a fetch of it that is under way is ended.
    ///
    /// # Errors
    /// [`Error::NameTooLarge`] over the cap of its class or of its head, [`Error::Budget`] without room.
    pub fn insert(
        &mut self,
        now: Instant,
        name: &Name,
        head: &Head,
        body: &Bytes,
        treatment: &Treatment,
    ) -> Result<(), Error> {
        self.clock.tick(now);
        let most = self.body_max(treatment, head.status);
        if body.len() > most || head.meta.len() > self.config.limits.meta_bytes {
            return Err(Error::NameTooLarge {
                bytes: body.len(),
                most,
            });
        }
        let needed = head_bytes(head.meta.len())
            .saturating_add(body.len())
            .saturating_add(self.shelf.items.growth())
            .saturating_add(vary_bytes(head.vary.as_ref()))
            .saturating_add(WHOLE_BYTES);
        let ask = Ask {
            variant: head.variant,
            ..Ask::new(name, treatment)
        };
        let at = self.entry_for(&ask)?;
        // The entry is in no order meanwhile, so it does not have to go for itself.
        self.displace(at);
        if let Err(error) = self.make_room(needed) {
            self.settle(at);
            return Err(error);
        }
        self.set_vary(at, head.vary.as_ref());
        let item = self.shelf.open(self.stored(head));
        self.shelf.append(item, body);
        self.shelf.close(item);
        let fill = match self.index.entries.get_mut(at) {
            Some(entry) => {
                entry.treatment = *treatment;
                entry.prefetched = treatment.prefetch;
                entry.fill
            }
            None => NONE,
        };
        self.hand_to_waiting(fill, item, Unit::Whole);
        self.store(at, item);
        self.drop_fill(fill);
        Ok(())
    }

    /// Forgets what is stored, pinned or not, and what is known to fail or not to be shared. A
    /// fetch under way goes on for those who wait for it, and what it brings is not kept. Returns how
    /// many objects went.
    pub fn purge(&mut self, now: Instant, what: Purge<'_>) -> usize {
        self.clock.tick(now);
        let sites: Vec<u32> = match what {
            Purge::Name(name) => self.index.site(name).into_iter().collect(),
            Purge::All => self.index.sites.iter().map(|(at, _)| at).collect(),
            Purge::Prefix(start) => self
                .index
                .sites
                .iter()
                .filter(|(_, site)| site.name.as_str().starts_with(start))
                .map(|(at, _)| at)
                .collect(),
        };
        let mut purged = 0_usize;
        for site in sites {
            let entries: Vec<u32> = self.index.entries_of(site).collect();
            for at in entries {
                let Some(entry) = self.index.entries.get(at) else {
                    continue;
                };
                if let Some(fill) = self.fills.get_mut(entry.fill) {
                    fill.purged = true;
                }
                purged = purged.saturating_add(usize::from(entry.item != NONE));
                self.forget(at);
            }
        }
        purged
    }

    /// Pins what is stored under `name`, in all variants: it is not shed.
    ///
    /// # Errors
    /// [`Error::NotStored`] where nothing is, [`Error::PinShare`] when more would be pinned than allowed.
    pub fn pin(&mut self, now: Instant, name: &Name) -> Result<(), Error> {
        self.clock.tick(now);
        let stored = self.stored_under(name);
        if stored.is_empty() {
            return Err(Error::NotStored);
        }
        stored.into_iter().try_for_each(|at| self.pin_entry(at))
    }

    /// Unpins what is stored under `name`; tells whether anything was pinned.
    pub fn unpin(&mut self, now: Instant, name: &Name) -> bool {
        self.clock.tick(now);
        let mut any = false;
        for at in self.stored_under(name) {
            if self.unpin_entry(at) {
                any = true;
                self.settle(at);
            }
        }
        any
    }

    pub(super) fn answer(
        &mut self,
        ask: &Ask<'_>,
        token: Token,
        client: Client,
        deadline: Instant,
    ) -> PullAnswer {
        if ask.treatment.bypass {
            return PullAnswer::Pass;
        }
        let hold = u64::try_from(self.config.limits.hold.as_nanos()).unwrap_or(u64::MAX);
        let until_ns = self
            .clock
            .ns_of(deadline)
            .min(self.clock.ns.saturating_add(hold));
        let asker = Asker {
            client,
            token,
            until_ns,
        };
        let Some(at) = self.index.entry(ask.name, ask.variant) else {
            return self.lead(ask, asker);
        };
        if let Some(how) = self.serve(at, ask) {
            return self.hit(at, ask, how);
        }
        let Some(entry) = self.index.entries.get(at) else {
            return PullAnswer::Absent;
        };
        let failing = entry
            .failing
            .filter(|failing| failing.until_ns > self.clock.ns);
        if entry.pass_until_ns > self.clock.ns {
            PullAnswer::Pass
        } else if ask.fresh == Freshness::OnlyIfCached {
            PullAnswer::Absent
        } else if entry.fill != NONE {
            self.join(entry.fill, ask, asker)
        } else if let Some(failing) = failing {
            PullAnswer::Failed(failing.failure)
        } else {
            self.lead(ask, asker)
        }
    }

    /// How what is stored may answer, if it may.
    fn serve(&self, at: u32, ask: &Ask<'_>) -> Option<How> {
        let entry = self.index.entries.get(at)?;
        let stored = self.shelf.stored(entry.item)?;
        let terms = Terms::new(stored, ask.treatment);
        let age = stored.age(self.clock.now());
        if age < terms.fresh_for && (ask.fresh != Freshness::Revalidate || !self.uplink) {
            return Some(if stored.is_error() {
                How::Negative
            } else {
                How::Fresh
            });
        }
        if ask.fresh == Freshness::OnlyIfCached {
            return None;
        }
        let past = age.saturating_sub(terms.fresh_for);
        let failing = entry
            .failing
            .is_some_and(|failing| failing.until_ns > self.clock.ns);
        if !self.uplink && past < terms.failing.max(terms.refreshing) {
            return Some(How::Stale(Why::Uplink));
        }
        if failing && past < terms.failing {
            return Some(How::Stale(Why::Failing));
        }
        (ask.fresh == Freshness::Any && past < terms.refreshing)
            .then_some(How::Stale(Why::Refreshing))
    }

    /// Answers from the store, and has it fetched anew where it is time for that.
    fn hit(&mut self, at: u32, ask: &Ask<'_>, how: How) -> PullAnswer {
        let Some(entry) = self.index.entries.get_mut(at) else {
            return PullAnswer::Absent;
        };
        entry.hits = entry.hits.saturating_add(1);
        let Some(stored) = self.shelf.stored(entry.item) else {
            return PullAnswer::Absent;
        };
        let copy = Copy {
            how,
            reader: None,
            rule: ask.treatment.rule,
            stored: stored.clone(),
        };
        let moves =
            entry.prefetched || (entry.place == Place::Spent && !matches!(how, How::Stale(_)));
        entry.prefetched = false;
        match entry.place {
            Place::Order(evictor) => self.orders.touch(at, evictor),
            _ if moves => {
                entry.treatment = *ask.treatment;
                self.settle(at);
            }
            _ => {}
        }
        if how == How::Stale(Why::Refreshing) {
            self.refresh(ask);
        }
        PullAnswer::Hit(copy)
    }

    /// Fetches anew what was just served stale, once; the next who asks tries again if that cannot be now.
    fn refresh(&mut self, ask: &Ask<'_>) {
        let idle = self.index.entry(ask.name, ask.variant).is_some_and(|at| {
            self.index
                .entries
                .get(at)
                .is_some_and(|entry| entry.fill == NONE)
        });
        if idle
            && self.fills.len() < self.config.limits.fills
            && let Ok(at) = self.entry_for(ask)
        {
            self.start_fill(at, ask.treatment, true);
        }
    }

    /// Joins a fetch that is under way.
    fn join(&mut self, fill: u32, ask: &Ask<'_>, asker: Asker) -> PullAnswer {
        let Some(&Fill {
            entry,
            item,
            waiting,
            ..
        }) = self.fills.get(fill)
        else {
            return PullAnswer::Absent;
        };
        if waiting.len() >= self.config.limits.key_waiters {
            return PullAnswer::Refused(Cap::KeyWaiters);
        }
        if let Some(counters) = self.counters.class_mut(ask.treatment.class) {
            count(&mut counters.joined);
        }
        if let Some(entry) = self.index.entries.get_mut(entry) {
            (entry.prefetched, entry.treatment) = (false, *ask.treatment);
        }
        let reads = self.shelf.grows(item) && ask.unit != Unit::Whole;
        match self.seat(fill, ask, asker) {
            Err(answer) => answer,
            Ok(guest) if reads => {
                self.stand_up(guest);
                let copy = self.copy_for(guest, item, How::Collapsed);
                copy.map_or(PullAnswer::Absent, PullAnswer::Hit)
            }
            Ok(_) => PullAnswer::Held,
        }
    }

    /// Causes a fetch.
    fn lead(&mut self, ask: &Ask<'_>, asker: Asker) -> PullAnswer {
        if ask.fresh == Freshness::OnlyIfCached {
            return PullAnswer::Absent;
        }
        if !self.uplink {
            return PullAnswer::Failed(Failure::Unreachable);
        }
        if self.fills.len() >= self.config.limits.fills {
            return PullAnswer::Refused(Cap::Fills);
        }
        if let Err(cap) = self.guests.admit(asker.token, asker.client) {
            return PullAnswer::Refused(cap);
        }
        if asker.until_ns <= self.clock.ns {
            return PullAnswer::Expired;
        }
        if !self.admit_newcomer(asker.client) {
            return PullAnswer::Refused(Cap::NewNames);
        }
        let at = match self.entry_for(ask) {
            Ok(at) => at,
            Err(Error::Variants { .. }) => return PullAnswer::Refused(Cap::Variants),
            Err(_) => return PullAnswer::Refused(Cap::Budget),
        };
        let fill = self.start_fill(at, ask.treatment, false);
        match self.seat(fill, ask, asker) {
            Ok(guest) => {
                if let Some(fill) = self.fills.get_mut(fill) {
                    fill.leader = guest;
                }
                PullAnswer::Held
            }
            Err(answer) => answer,
        }
    }

    /// Lets one wait for a fetch.
    fn seat(&mut self, fill: u32, ask: &Ask<'_>, asker: Asker) -> Result<u32, PullAnswer> {
        self.guests
            .admit(asker.token, asker.client)
            .map_err(PullAnswer::Refused)?;
        if asker.until_ns <= self.clock.ns {
            return Err(PullAnswer::Expired);
        }
        let guest = self
            .guests
            .enter(asker.token, asker.client, ask.unit, ask.treatment.rule);
        self.guests.set_deadline(guest, asker.until_ns);
        if let Some(fill) = self.fills.get_mut(fill) {
            fill.waiting.push(&mut self.guests.slab, guest);
            let timer = std::mem::replace(&mut fill.grace, NONE);
            self.timers.remove(timer);
        }
        if let Some(guest) = self.guests.slab.get_mut(guest) {
            guest.place = Seat::Waits(fill);
        }
        Ok(guest)
    }

    /// The entry that a request is for, added with room for it, for a fetch and for their timers.
    pub(super) fn entry_for(&mut self, ask: &Ask<'_>) -> Result<u32, Error> {
        let timers = (self.index.entries.len() as usize)
            .saturating_add(self.fills.len() as usize)
            .saturating_add(2);
        let needed = self
            .index
            .growth(ask.name)
            .saturating_add(self.fills.growth())
            .saturating_add(self.timers.growth_to(timers));
        // Whoever is shed for it may be this very entry: it is looked for afterwards.
        self.make_room(needed)?;
        self.timers.reserve_to(timers);
        if let Some(at) = self.index.entry(ask.name, ask.variant) {
            return Ok(at);
        }
        if let Some(site) = self.index.site(ask.name) {
            self.admit_variant(site)?;
        }
        Ok(self.index.add(ask.name, ask.variant, *ask.treatment))
    }

    /// Makes room for one more variant by letting the oldest go that nobody fetches.
    fn admit_variant(&mut self, site: u32) -> Result<(), Error> {
        let most = self.config.limits.variants;
        if self.index.entries_of(site).count() < most as usize {
            return Ok(());
        }
        let oldest = self
            .index
            .entries_of(site)
            .filter(|&at| {
                self.index
                    .entries
                    .get(at)
                    .is_some_and(|entry| entry.fill == NONE && !entry.pinned)
            })
            .last();
        let Some(oldest) = oldest else {
            return Err(Error::Variants { most });
        };
        self.forget(oldest);
        Ok(())
    }

    /// Counts a fetch that a client causes; `false` over its cap.
    fn admit_newcomer(&mut self, client: Client) -> bool {
        if self.clock.ns.saturating_sub(self.newcomers_since_ns) >= MINUTE_NS {
            self.newcomers.fill(0);
            self.newcomers_since_ns = self.clock.ns;
        }
        let mixed = (client.0 ^ self.config.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let counter = usize::try_from(mixed)
            .ok()
            .and_then(|mixed| self.newcomers.get_mut(mixed % NEWCOMERS));
        counter.is_some_and(|counter| {
            *counter = counter.saturating_add(1);
            *counter <= self.config.limits.new_names
        })
    }

    fn stored_under(&self, name: &Name) -> Vec<u32> {
        let Some(site) = self.index.site(name) else {
            return Vec::new();
        };
        self.index
            .entries_of(site)
            .filter(|&at| {
                self.index
                    .entries
                    .get(at)
                    .is_some_and(|entry| entry.item != NONE)
            })
            .collect()
    }

    /// The copy of an item for one who is in no list; if it still grows, he reads it from now on.
    pub(super) fn copy_for(&mut self, guest: u32, item: u32, how: How) -> Option<Copy> {
        let grows = self.shelf.grows(item);
        let reader = self.guests.reader_of(guest).filter(|_| grows);
        let stored = self.shelf.stored(item)?.clone();
        let guest = self.guests.slab.get_mut(guest)?;
        (guest.item, guest.reads) = (item, grows);
        self.shelf.hold(item);
        if grows && let Some(item) = self.shelf.items.get_mut(item) {
            item.readers = item.readers.saturating_add(1);
        }
        Some(Copy {
            how,
            reader,
            rule: guest.rule,
            stored,
        })
    }
}

const MINUTE_NS: u64 = 60_000_000_000;
/// What a whole body allocates beside its bytes while it is put together.
const WHOLE_BYTES: usize = 1 << 10;
