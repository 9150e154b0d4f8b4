//! The machine.

mod documents;
mod objects;
mod room;

use std::collections::VecDeque;
use std::mem::size_of;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::family::Families;
use crate::ledger::Ledger;
use crate::lobby::{Home, Left, Lobby};
use crate::ring::Content;
use crate::store::{NONE, Slab, Wheel};
use crate::{
    Answer, Body, Client, Config, Document, Error, FillId, Key, Kind, Output, Reason, Stats, Token,
    Want,
};

/// The smallest budget, in bytes, that a cache works with.
pub const BUDGET_MIN: usize = 1 << 20;

/// State of a key.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum State {
    /// Was there or was passed over, and will not come back.
    Gone,
    /// Requests for it are held.
    Promised,
    /// Stored.
    Ready,
    /// Ahead of everything that is promised.
    TooFar,
    /// Nothing of its kind and rendition is known.
    Unknown,
}

/// A cache of live windows and documents, whose requests may wait for what does not exist yet.
///
/// There are four kinds of method. *Verbs* say what the application knows or wants: objects are
/// [promised](Self::promise), [published](Self::publish), [retracted](Self::retract); edges
/// [advance](Self::advance); viewers [request](Self::request) and [cancel](Self::cancel).
/// [`handle_timeout`](Self::handle_timeout) lets time pass. [`poll_output`](Self::poll_output) says
/// what to do and what became known: call it after everything else until it is empty.
/// [`poll_timeout`](Self::poll_timeout) and the other *nouns* are pure getters.
///
/// Every verb takes the time. A time before one that was given already counts as that one.
#[derive(Debug)]
pub struct Cache {
    clock: Clock,
    config: Config,
    counters: Stats,
    families: Families,
    /// Fetches to hand out, in order.
    fetches: VecDeque<u32>,
    fills: Slab<Fill>,
    ledger: Ledger,
    lobby: Lobby,
    /// Bytes that everything but waiting may take.
    media_max: usize,
    /// Evictions to report; what is to be said of them stands in the window.
    notices: VecDeque<(u32, Kind, Reason)>,
    promises: usize,
    /// Counts publications and fetches.
    serial: u64,
    slots_max: usize,
    timers: Wheel<Due>,
}

/// What a timer of the windows is for.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// The head of a window need not be kept longer.
    Head { family: u32, kind: Kind },
    /// A promise lapses.
    Promise { family: u32, kind: Kind, seq: u64 },
}

/// A fetch under way.
#[derive(Clone, Copy, Debug)]
struct Fill {
    family: u32,
    form: u8,
    /// It was handed out.
    handed_out: bool,
    /// When it was handed out no edge could move any more.
    last: bool,
    serial: u32,
    /// The rendition's version when it was handed out.
    version: u64,
}

impl Cache {
    /// Builds an empty cache.
    ///
    /// # Errors
    /// [`Error::Limit`] when the budget is below [`BUDGET_MIN`] or a cap is zero.
    pub fn new(config: Config, now: Instant) -> Result<Self, Error> {
        let limits = &config.limits;
        let hold_ms = u64::try_from(limits.hold.as_millis()).unwrap_or(u64::MAX);
        let checks: [(&'static str, u64, u64); 12] = [
            ("budget", config.budget as u64, BUDGET_MIN as u64),
            ("client_waiters", limits.client_waiters.into(), 1),
            ("document_bytes", limits.document_bytes as u64, 1),
            ("forms", limits.forms.into(), 1),
            ("hold (ms)", hold_ms, 1),
            ("key_waiters", limits.key_waiters.into(), 1),
            ("part_bytes", limits.part_bytes as u64, 1),
            ("points", limits.points.into(), 1),
            ("renditions", limits.renditions.into(), 1),
            ("segment_bytes", limits.segment_bytes as u64, 1),
            ("slots", limits.slots.into(), 2),
            ("waiters", limits.waiters.into(), 1),
        ];
        for (limit, value, least) in checks {
            if value < least {
                return Err(Error::Limit {
                    limit,
                    value,
                    least,
                });
            }
        }
        // What waits has a share of its own, so that a full window turns nobody away and a crowd evicts nothing.
        let waiting_max = Lobby::bytes_for(limits).min(config.budget / 4);
        let slots = limits.slots.min(1 << 24).next_power_of_two();
        Ok(Self {
            clock: Clock::new(now),
            counters: Stats::default(),
            families: Families::new(limits.renditions, limits.forms),
            fetches: VecDeque::new(),
            fills: Slab::new(),
            ledger: Ledger::new(),
            lobby: Lobby::new(limits.clone(), config.seed, waiting_max),
            media_max: config.budget.saturating_sub(waiting_max),
            notices: VecDeque::new(),
            promises: 0,
            serial: 0,
            slots_max: usize::try_from(slots).unwrap_or(usize::MAX),
            timers: Wheel::new(),
            config,
        })
    }

    /// Asks for an object or a document.
    ///
    /// What is there is answered at once. What is promised, and a document that must be made or has
    /// not reached the point asked for, is [`Answer::Held`]: `token` comes back in exactly one
    /// [`Output::Ready`], at `deadline` at the latest, unless it is [cancelled](Self::cancel). Any other
    /// answer is final and the token is free again.
    pub fn request(
        &mut self,
        now: Instant,
        want: Want,
        token: Token,
        client: Client,
        deadline: Instant,
    ) -> Answer {
        self.clock.tick(now);
        let asker = Asker {
            client,
            deadline,
            token,
        };
        let answer = match want {
            Want::Object(key) => self.request_object(key, asker),
            Want::Document { document, after } => self.request_document(document, after, asker),
        };
        let counter = match answer {
            Answer::Hit(_) => &mut self.counters.hits,
            Answer::Held => &mut self.counters.held,
            Answer::Refused(_) => &mut self.counters.refused,
            Answer::Expired => &mut self.counters.expired,
            _ => &mut self.counters.misses,
        };
        *counter = counter.saturating_add(1);
        answer
    }

    /// Cancels a held request: its token will not come back. Does nothing if it is not held, so that
    /// it may be called twice and after the answer was taken.
    pub fn cancel(&mut self, now: Instant, token: Token) {
        self.clock.tick(now);
        if let Some(left) = self.lobby.cancel(token) {
            self.counters.cancelled = self.counters.cancelled.saturating_add(1);
            self.after_leaving(left);
        }
    }

    /// Drops a stream: everything that is kept of it, promised or under way. Whoever waits for it is
    /// answered [`Answer::Gone`].
    pub fn forget(&mut self, now: Instant, stream: u32) {
        self.clock.tick(now);
        while let Some(at) = self.families.at(self.families.of_stream(stream).start)
            && self
                .families
                .get(at)
                .is_some_and(|family| family.stream == stream)
        {
            let Some(family) = self.families.remove(at) else {
                return;
            };
            self.fetches
                .retain(|&fill| self.fills.get(fill).is_none_or(|fill| fill.family != at));
            self.notices.retain(|&(family, ..)| family != at);
            self.drop_windows(&family);
            self.drop_documents(family);
        }
    }

    /// Lets time pass: answers those whose deadline is over, lets promises lapse, and retires what
    /// need not be kept longer.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now_ns = self.clock.tick(now);
        // What retires and lapses first: a promise that lapses with its waiters' deadline answers them once.
        while let Some(due) = self.timers.pop(now_ns) {
            match due {
                Due::Head { family, kind } => {
                    if let Some(family) = self.families.get_mut(family) {
                        family.ring_mut(kind).timer = NONE;
                    }
                    self.retire(family, kind);
                }
                Due::Promise { family, kind, seq } => self.lapse(family, kind, seq),
            }
        }
        while let Some(left) = self.lobby.expire(now_ns) {
            self.counters.expired = self.counters.expired.saturating_add(1);
            self.after_leaving(left);
        }
    }

    /// Takes out what to do or what became known: fetches first, then answers, then reports.
    ///
    /// The queue is bounded by what waits: an answer is made as it is taken, and there is one fetch
    /// a document and one report a window and reason.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(fetch) = self.poll_fetch() {
            return Some(fetch);
        }
        if let Some(ready) = self.lobby.poll() {
            self.ledger.release(ready.release);
            self.counters.woken = self.counters.woken.saturating_add(1);
            if ready.via == crate::Via::Collapsed {
                self.counters.collapsed = self.counters.collapsed.saturating_add(1);
            }
            return Some(Output::Ready {
                token: ready.token,
                answer: ready.answer,
                via: ready.via,
            });
        }
        self.poll_notice()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next. Never later than the next deadline,
    /// which is kept to the millisecond, and now and then earlier.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let next = match (self.lobby.next_ns(), self.timers.next_ns()) {
            (Some(waiter), Some(window)) => waiter.min(window),
            (waiter, window) => waiter.or(window)?,
        };
        self.clock.epoch.checked_add(Duration::from_nanos(next))
    }

    /// The body of `key` if it is stored, borrowed. Counts as no request.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Body> {
        match self
            .families
            .lookup(key.stream, key.rendition)?
            .ring(key.kind)
            .get(key.seq)?
        {
            Content::Stored(stored) => Some(&stored.body),
            _ => None,
        }
    }

    /// The body of `document` if it is stored and nothing has changed since it was made, borrowed.
    #[must_use]
    pub fn get_document(&self, document: &Document) -> Option<&Body> {
        let family = self.families.lookup(document.stream, document.rendition)?;
        family.current(document.form).map(|stored| &stored.body)
    }

    /// State of a key.
    #[must_use]
    pub fn state(&self, key: &Key) -> State {
        let family = self.families.lookup(key.stream, key.rendition);
        family.map_or(State::Unknown, |family| {
            family.ring(key.kind).state(key.seq)
        })
    }

    /// Counters, and what is held.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            bytes_held: self.media_bytes().saturating_add(self.lobby.bytes()) as u64,
            clock_clamped: self.clock.clamped,
            waiters: self.lobby.waiters().into(),
            ..self.counters
        }
    }

    /// Until when one who asks is held at most, ns; `None` when that is over already.
    fn hold_until(&self, deadline: Instant) -> Option<u64> {
        let hold = u64::try_from(self.config.limits.hold.as_nanos()).unwrap_or(u64::MAX);
        let until = self
            .clock
            .ns_of(deadline)
            .min(self.clock.ns.saturating_add(hold));
        (until > self.clock.ns).then_some(until)
    }

    /// Puts things right where someone has left.
    fn after_leaving(&mut self, left: Left) {
        self.ledger.release(left.release);
        match left.home {
            Home::Answered => {}
            Home::Object { family, kind, seq } => {
                if left.emptied {
                    let ring = self
                        .families
                        .get_mut(family)
                        .map(|family| family.ring_mut(kind));
                    if let Some(promise) = ring.and_then(|ring| ring.promise_mut(seq)) {
                        promise.group = NONE;
                    }
                    self.lobby.close(left.group);
                }
            }
            Home::Document { family, form } => {
                let doc = self
                    .families
                    .get_mut(family)
                    .and_then(|family| family.document_mut(form));
                if let Some(doc) = doc {
                    doc.waiting = doc.waiting.saturating_sub(1);
                    if left.emptied {
                        doc.waits.retain(|wait| wait.group != left.group);
                        self.lobby.close(left.group);
                    }
                }
            }
        }
    }
}

/// Who asks, and until when he waits.
#[derive(Clone, Copy, Debug)]
struct Asker {
    client: Client,
    deadline: Instant,
    token: Token,
}

impl FillId {
    pub(crate) fn new(index: u32, serial: u32) -> Self {
        Self((u64::from(serial) << 32) | u64::from(index))
    }

    pub(crate) const fn index(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "the low half is the index")]
        let index = self.0 as u32;
        index
    }

    pub(crate) const fn serial(self) -> u32 {
        (self.0 >> 32) as u32
    }
}
