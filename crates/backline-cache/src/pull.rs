//! A pull-through store over names: answers of an origin, each fetched once for however many ask for it.
//!
//! [`Pull`] holds whole answers and such as still grow, weighs who is to go when the budget is full, keeps what is
//! no longer fresh for the time that the origin fails, and lets many wait for one fetch. It knows HTTP's rules for
//! caches as [`Lifetime`]s, and neither headers nor sockets: the caller fetches, and encodes the heads.

mod config;
mod failures;
mod fates;
mod fills;
mod guests;
mod index;
mod list;
mod read;
mod room;
mod shelf;
mod stats;
mod types;
mod verbs;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::fills::Fill;
use self::guests::Guests;
use self::index::{Index, Terms};
use self::list::List;
use self::room::Orders;
use self::shelf::Shelf;
use self::stats::count;
use crate::cache::BUDGET_MIN;
use crate::clock::Clock;
use crate::store::{NONE, Slab, Wheel};
use crate::{Cap, Client, Error, Name, Token};

pub use self::config::{PullConfig, PullLimits};
pub use self::stats::{ClassStats, PullStats};
pub use self::types::{
    Ask, Copy, Failure, Freshness, Head, How, Kept, Lifetime, PullAnswer, PullOutput, PullState,
    Purge, Read, Reader, Taken, Unit, Why,
};

/// A pull-through store.
///
/// There are four kinds of method. *Verbs* say what viewers and the operator want:
/// [`request`](Self::request), [`cancel`](Self::cancel), [`read`](Self::read), [`purge`](Self::purge).
/// The *`fill_*`* verbs say what happens to a fetch that was handed out, in this order: one head or an
/// end, then bytes, then an end. [`handle_timeout`](Self::handle_timeout) lets time pass.
/// [`poll_output`](Self::poll_output) says what to do: call it after everything else until it is
/// empty. The other *nouns* are pure getters.
///
/// Every verb takes the time. A time before one that was given already counts as that one.
#[derive(Debug)]
pub struct Pull {
    clock: Clock,
    config: PullConfig,
    counters: PullStats,
    /// State of the dice for pauses.
    dice: u64,
    fills: Slab<Fill>,
    guests: Guests,
    index: Index,
    /// Bytes that everything but waiting may take.
    media_max: usize,
    /// Fetches that each 4,096th of the clients has caused since `newcomers_since_ns`.
    newcomers: Box<[u32]>,
    newcomers_since_ns: u64,
    orders: Orders,
    /// What was stored and is to be told.
    reports: VecDeque<Report>,
    /// Bytes announced for bodies under way that have not come yet.
    reserved: usize,
    serial: u32,
    shelf: Shelf,
    timers: Wheel<Due>,
    uplink: bool,
    /// Fetches that were handed out and are to be ended.
    abandoned: List,
    /// Fetches to hand out, in order.
    wanted: List,
}

/// What a timer is for.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// What is known of an entry changes with time.
    Entry(u32),
    /// Nobody has come back for a fetch.
    Grace(u32),
}

/// An object that was stored.
#[derive(Clone, Debug)]
struct Report {
    item: u32,
    name: Name,
    rule: u16,
    variant: u64,
}

/// Reports that wait to be taken, at most; what is stored beyond them is not told.
const REPORTS: usize = 256;
/// Clients share so many counters of the names that are new.
const NEWCOMERS: usize = 4_096;

impl Pull {
    /// Builds an empty store.
    ///
    /// # Errors
    /// [`Error::Limit`] when the budget is below [`BUDGET_MIN`], a cap is zero or a share too large.
    pub fn new(config: PullConfig, now: Instant) -> Result<Self, Error> {
        check(&config)?;
        let waiting_max = Guests::bytes_for(&config.limits).min(config.budget / 4);
        let fixed = REPORTS
            .saturating_mul(size_of::<Report>())
            .saturating_add(NEWCOMERS.saturating_mul(size_of::<u32>()));
        let media_max = config
            .budget
            .saturating_sub(waiting_max)
            .saturating_sub(fixed);
        Ok(Self {
            clock: Clock::new(now),
            counters: PullStats::default(),
            dice: config.seed,
            fills: Slab::new(),
            guests: Guests::new(config.limits.clone(), config.seed, waiting_max),
            index: Index::new(config.seed),
            media_max,
            newcomers: vec![0; NEWCOMERS].into_boxed_slice(),
            newcomers_since_ns: 0,
            orders: Orders::new(media_max),
            reports: VecDeque::with_capacity(REPORTS),
            reserved: 0,
            serial: 0,
            shelf: Shelf::new(),
            timers: Wheel::new(),
            uplink: true,
            abandoned: List::NEW,
            wanted: List::NEW,
            config,
        })
    }

    /// Asks for an object.
    ///
    /// What is stored and fresh is answered at once, and what may be served stale. What must be
    /// fetched is [`PullAnswer::Held`]: `token` comes back in exactly one [`PullOutput::Ready`], at
    /// `deadline` at the latest, unless it is [cancelled](Self::cancel). A copy that has a
    /// [`reader`](Copy::reader) keeps its token until it is cancelled or [leaves](Self::leave). Any other
    /// answer is final and the token is free again.
    pub fn request(
        &mut self,
        now: Instant,
        ask: &Ask<'_>,
        token: Token,
        client: Client,
        deadline: Instant,
    ) -> PullAnswer {
        self.clock.tick(now);
        let answer = match self.guests.find(token) {
            Some(_) => PullAnswer::Refused(Cap::TokenInUse),
            None => self.answer(ask, token, client, deadline),
        };
        if let Some(counters) = self.counters.class_mut(ask.treatment.class) {
            match &answer {
                PullAnswer::Held => count(&mut counters.held),
                PullAnswer::Hit(copy) => match copy.how {
                    How::Stale(_) => count(&mut counters.stale),
                    How::Collapsed => count(&mut counters.joined),
                    How::Negative => {
                        count(&mut counters.hits);
                        count(&mut counters.negative);
                    }
                    _ => count(&mut counters.hits),
                },
                PullAnswer::Pass => count(&mut counters.passed),
                PullAnswer::Refused(_) => count(&mut counters.refused),
                _ => {}
            }
        }
        answer
    }

    /// Cancels a request that is held or reads: nothing more comes back for its token. Does nothing
    /// if it is neither, so that it may be called twice and after the answer was taken.
    ///
    /// The fetch belongs to the store: it goes on for the others, and for `PullConfig::grace` without any.
    pub fn cancel(&mut self, now: Instant, token: Token) {
        self.clock.tick(now);
        if let Some(guest) = self.guests.find(token) {
            self.show_out(guest);
        }
    }

    /// Says whether there is a way to the origin. Without one nothing is fetched: who asks gets what is
    /// stored, or [`Failure::Unreachable`] at once. When it is back, what failed is tried again at once.
    pub fn set_uplink(&mut self, now: Instant, up: bool) {
        self.clock.tick(now);
        if up && !self.uplink {
            let failing: Vec<u32> = self
                .index
                .entries
                .iter()
                .filter(|(_, entry)| entry.failing.is_some())
                .map(|(at, _)| at)
                .collect();
            for at in failing {
                if let Some(entry) = self.index.entries.get_mut(at) {
                    entry.failing = None;
                }
                self.settle(at);
            }
        }
        self.uplink = up;
    }

    /// Lets time pass: answers those whose deadline is over, gives up fetches that nobody came back for, and
    /// sorts out what is good for nobody any more.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now_ns = self.clock.tick(now);
        while let Some(due) = self.timers.pop(now_ns) {
            match due {
                Due::Entry(at) => {
                    if let Some(entry) = self.index.entries.get_mut(at) {
                        entry.timer = NONE;
                    }
                    self.settle(at);
                }
                Due::Grace(fill) => {
                    if let Some(fill) = self.fills.get_mut(fill) {
                        fill.grace = NONE;
                    }
                    self.abandon(fill);
                }
            }
        }
        while let Some(guest) = self.guests.expire(now_ns) {
            self.expire(guest);
        }
    }

    /// Takes out what to do or what became known: fetches to end and to begin first, then answers, then
    /// reports. The queue is bounded by what waits.
    pub fn poll_output(&mut self) -> Option<PullOutput> {
        self.poll_abandoned()
            .or_else(|| self.poll_wanted())
            .or_else(|| self.poll_guest())
            .or_else(|| self.poll_report())
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next. Never later than the next deadline,
    /// which is kept to the millisecond, and now and then earlier.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = match (self.guests.next_ns(), self.timers.next_ns()) {
            (Some(guest), Some(entry)) => guest.min(entry),
            (guest, entry) => guest.or(entry)?,
        };
        self.clock.epoch.checked_add(Duration::from_nanos(next))
    }

    /// What selects among the stored answers of `name`, as [`Head::vary`] said: the hash of the
    /// request's values of these fields is [`Ask::variant`].
    #[must_use]
    pub fn vary(&self, name: &Name) -> Option<&Bytes> {
        let site = self.index.sites.get(self.index.site(name)?)?;
        site.vary.as_ref()
    }

    /// Counters, and what is held.
    #[must_use]
    pub fn stats(&self) -> PullStats {
        PullStats {
            bytes_held: self.bytes() as u64,
            clock_clamped: self.clock.clamped,
            entries: self.index.entries.len().into(),
            fills: self.fills.len().into(),
            pinned_bytes: self.orders.pinned_bytes as u64,
            waiters: self.guests.slab.len().into(),
            ..self.counters.clone()
        }
    }

    /// State of a name and variant at the time last given.
    #[must_use]
    pub fn state(&self, name: &Name, variant: u64) -> PullState {
        self.index
            .entry(name, variant)
            .map_or(PullState::Absent, |at| self.state_of(at))
    }

    /// What is known, in no order that means anything.
    pub fn contents(&self) -> impl Iterator<Item = Kept<'_>> {
        let now = self.clock.now();
        self.index.entries.iter().filter_map(move |(at, entry)| {
            let stored = self.shelf.stored(entry.item);
            let ttl_left = stored.map_or(Duration::ZERO, |stored| {
                let terms = Terms::new(stored, &entry.treatment);
                terms.fresh_for.saturating_sub(stored.age(now))
            });
            Some(Kept {
                age: stored.map(|stored| stored.age(now)),
                bytes: self
                    .shelf
                    .items
                    .get(entry.item)
                    .map_or(0, |item| item.bytes) as u64,
                class: entry.treatment.class,
                filling: entry.fill != NONE,
                hits: entry.hits,
                name: &self.index.sites.get(entry.site)?.name,
                pinned: entry.pinned,
                rule: entry.treatment.rule,
                state: self.state_of(at),
                status: stored.map(|stored| stored.status),
                ttl_left,
                variant: entry.variant,
            })
        })
    }

    fn state_of(&self, at: u32) -> PullState {
        let Some(entry) = self.index.entries.get(at) else {
            return PullState::Absent;
        };
        if let Some(stored) = self.shelf.stored(entry.item) {
            let terms = Terms::new(stored, &entry.treatment);
            return match (
                stored.age(self.clock.now()) < terms.fresh_for,
                stored.is_error(),
            ) {
                (true, true) => PullState::Negative,
                (true, false) => PullState::Fresh,
                (false, _) => PullState::Stale,
            };
        }
        let grows = self
            .fills
            .get(entry.fill)
            .map(|fill| self.shelf.grows(fill.item));
        let failing = entry
            .failing
            .is_some_and(|failing| failing.until_ns > self.clock.ns);
        match grows {
            Some(true) => PullState::Growing,
            Some(false) => PullState::Fetching,
            None if entry.pass_until_ns > self.clock.ns => PullState::Pass,
            None if failing => PullState::Failing,
            None => PullState::Absent,
        }
    }
}

fn check(config: &PullConfig) -> Result<(), Error> {
    let limits = &config.limits;
    let hold_ms = u64::try_from(limits.hold.as_millis()).unwrap_or(u64::MAX);
    let retry_ms = u64::try_from(config.retry_min.as_millis()).unwrap_or(u64::MAX);
    let least = [
        ("budget", config.budget as u64, BUDGET_MIN as u64),
        ("client_waiters", limits.client_waiters.into(), 1),
        ("fills", limits.fills.into(), 1),
        ("hold (ms)", hold_ms, 1),
        ("key_waiters", limits.key_waiters.into(), 1),
        ("meta_bytes", limits.meta_bytes as u64, 1),
        ("name_bytes", limits.name_bytes as u64, 1),
        ("negatives", limits.negatives.into(), 1),
        ("new_names", limits.new_names.into(), 1),
        ("other_bytes", limits.other_bytes as u64, 1),
        ("part_bytes", limits.part_bytes as u64, 1),
        ("playlist_bytes", limits.playlist_bytes as u64, 1),
        ("query_pairs", limits.query_pairs as u64, 1),
        ("retry_min (ms)", retry_ms, 1),
        ("segment_bytes", limits.segment_bytes as u64, 1),
        ("variants", limits.variants.into(), 1),
        ("waiters", limits.waiters.into(), 1),
        // Shares are capped from above: what is left counts from below.
        (
            "100 - pinned_percent",
            100_u64.saturating_sub(config.pinned_percent.into()),
            75,
        ),
        (
            "100 - small_percent",
            100_u64.saturating_sub(config.small_percent.into()),
            50,
        ),
    ];
    for (limit, value, least) in least {
        if value < least {
            return Err(Error::Limit {
                limit,
                value,
                least,
            });
        }
    }
    Ok(())
}
