//! The windows: promise, publish, retract, keep, retire.

use std::time::Instant;

use bytes::Bytes;

use super::{Asker, Cache, Due};
use crate::body::{BODY_BYTES, Charged};
use crate::ledger::Entry;
use crate::lobby::Home;
use crate::ring::{Content, Promise, Stored};
use crate::store::NONE;
use crate::{Answer, Body, Error, Key, Kind, Reason, State, Via};

impl Cache {
    /// Promises that `key` will be published by `by`: requests for it are held from now on. When that
    /// time comes without it the promise lapses and those who wait are answered [`Answer::Expired`].
    /// A promise that stands takes the new time.
    ///
    /// # Errors
    /// [`Error::Behind`], [`Error::Published`], [`Error::Renditions`], [`Error::Budget`].
    pub fn promise(&mut self, now: Instant, key: Key, by: Instant) -> Result<(), Error> {
        self.clock.tick(now);
        let by = self.clock.ns_of(by);
        self.promise_at(key, by)
    }

    /// Publishes an object. Its bytes are copied once into a buffer of exactly their size; all who
    /// wait for it are answered with a handle of that one body.
    ///
    /// Room is made from the heads of the windows, which is reported in [`Output::Evicted`](crate::Output::Evicted).
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::TooLarge`], [`Error::Behind`], [`Error::Published`],
    /// [`Error::Renditions`], [`Error::Budget`]. A promise of the key stands as it was.
    pub fn publish(&mut self, now: Instant, key: Key, body: &[Bytes]) -> Result<(), Error> {
        self.clock.tick(now);
        let len = body
            .iter()
            .map(Bytes::len)
            .fold(0_usize, usize::saturating_add);
        self.check_size(key, len)?;
        let at = self.place_for(key, BODY_BYTES.saturating_add(len))?;
        let charged = Body::flatten(body, len, self.clock.now());
        self.store(at, key, charged, Box::default());
        Ok(())
    }

    /// Publishes an object that consists of stored ones: their bytes are shared and stay charged once,
    /// for as long as either is kept.
    ///
    /// # Errors
    /// [`Error::MissingPart`], and those of [`publish`](Self::publish).
    pub fn publish_rope(&mut self, now: Instant, key: Key, parts: &[Key]) -> Result<(), Error> {
        self.clock.tick(now);
        let mut bodies = Vec::with_capacity(parts.len());
        let mut entries = Vec::with_capacity(parts.len());
        for part in parts {
            let family = self.families.lookup(part.stream, part.rendition);
            match family.and_then(|family| family.ring(part.kind).get(part.seq)) {
                Some(Content::Stored(stored)) => {
                    bodies.push(stored.body.clone());
                    entries.push(stored.entry);
                }
                _ => {
                    return Err(Error::MissingPart {
                        rope: key,
                        part: *part,
                    });
                }
            }
        }
        let len = bodies
            .iter()
            .map(Body::len)
            .fold(0_u64, u64::saturating_add);
        self.check_size(key, usize::try_from(len).unwrap_or(usize::MAX))?;
        let pieces = bodies.iter().map(|body| body.pieces().len()).sum::<usize>();
        let needed = Body::rope_bytes(pieces).saturating_add(size_of_val(entries.as_slice()));
        // Room may be made at the cost of a part itself; its bytes are held until the rope does.
        for &entry in &entries {
            self.ledger.hold(entry);
        }
        let place = self.place_for(key, needed);
        if let Ok(at) = place {
            let charged = Body::rope(&bodies, self.clock.now());
            self.store(at, key, charged, entries.clone().into_boxed_slice());
        }
        for entry in entries {
            self.ledger.release(entry);
        }
        place.map(|_| ())
    }

    /// Takes a promise back: those who wait for it are answered [`Answer::Retracted`] with `status`.
    /// Nothing is remembered of it. Does nothing if it is not promised.
    pub fn retract(&mut self, now: Instant, key: Key, status: u16) {
        self.clock.tick(now);
        if let Some(at) = self.families.find(key.stream, key.rendition) {
            self.drop_promise(at, key.kind, key.seq, Answer::Retracted(status));
        }
    }

    /// Moves a promise and all who wait for it to another key, as when a part that was hinted becomes the
    /// first of the next segment. If that one is published they are answered with it.
    ///
    /// # Errors
    /// [`Error::NotPromised`] for `from`; [`Error::Behind`], [`Error::Renditions`], [`Error::Budget`] for `to`,
    /// and the promise stands.
    pub fn move_promise(&mut self, now: Instant, from: Key, to: Key) -> Result<(), Error> {
        self.clock.tick(now);
        let promise = self
            .promise_of(from)
            .ok_or(Error::NotPromised { key: from })?;
        if from == to {
            return Ok(());
        }
        if self.state(&to) != State::Ready {
            let by = self
                .promise_of(to)
                .map_or(promise.by, |other| other.by.max(promise.by));
            self.promise_at(to, by)?;
        }
        // Making a place may have evicted the old one, and answered those who waited.
        let Some(at) = self.families.find(from.stream, from.rendition) else {
            return Ok(());
        };
        let Some(promise) = self.take_promise(at, from.kind, from.seq) else {
            return Ok(());
        };
        if promise.group == NONE {
            return Ok(());
        }
        let Some(target) = self.families.find(to.stream, to.rendition) else {
            return Ok(());
        };
        let ring = self
            .families
            .get_mut(target)
            .map(|family| family.ring_mut(to.kind));
        match ring.and_then(|ring| ring.get_mut(to.seq)) {
            Some(Content::Stored(stored)) => {
                let (body, entry) = (stored.body.clone(), stored.entry);
                self.answer_with(promise.group, body, entry);
            }
            Some(Content::Promised(other)) if other.group == NONE => {
                other.group = promise.group;
                self.lobby.set_home(
                    promise.group,
                    Home::Object {
                        family: target,
                        kind: to.kind,
                        seq: to.seq,
                    },
                );
            }
            Some(Content::Promised(other)) => self.lobby.merge(promise.group, other.group),
            _ => {
                self.lobby
                    .answer(promise.group, Answer::Gone, Via::Held, NONE);
            }
        }
        Ok(())
    }

    /// Says until when an object is kept that is no longer listed. It leaves then, and when all before it in its
    /// window have left. Without this it stays. Does nothing if it is not stored.
    pub fn keep_until(&mut self, now: Instant, key: Key, until: Instant) {
        self.clock.tick(now);
        // The far end of time means "listed", so that a time however late is one before it.
        let until = self.clock.ns_of(until).min(u64::MAX - 1);
        let Some(at) = self.families.find(key.stream, key.rendition) else {
            return;
        };
        let ring = self
            .families
            .get_mut(at)
            .map(|family| family.ring_mut(key.kind));
        if let Some(Content::Stored(stored)) = ring.and_then(|ring| ring.get_mut(key.seq)) {
            stored.keep_until = until;
            self.retire(at, key.kind);
        }
    }

    pub(super) fn request_object(&mut self, key: Key, asker: Asker) -> Answer {
        let Some(at) = self.families.find(key.stream, key.rendition) else {
            return Answer::Unknown;
        };
        let Some(family) = self.families.get_mut(at) else {
            return Answer::Unknown;
        };
        let ring = family.ring_mut(key.kind);
        match ring.get(key.seq) {
            Some(Content::Stored(stored)) => return Answer::Hit(stored.body.clone()),
            Some(Content::Promised(_)) => {}
            _ => {
                return match ring.state(key.seq) {
                    State::Gone => Answer::Gone,
                    State::TooFar => Answer::TooFar,
                    _ => Answer::Unknown,
                };
            }
        }
        let Some(until) = self.hold_until(asker.deadline) else {
            return Answer::Expired;
        };
        let family = self.families.get_mut(at);
        let Some(promise) =
            family.and_then(|family| family.ring_mut(key.kind).promise_mut(key.seq))
        else {
            return Answer::Unknown;
        };
        let ahead = self.lobby.len(promise.group);
        if let Err(cap) = self.lobby.admit(asker.token, asker.client, ahead, 0) {
            return Answer::Refused(cap);
        }
        if promise.group == NONE {
            promise.group = self.lobby.open(Home::Object {
                family: at,
                kind: key.kind,
                seq: key.seq,
            });
        }
        self.lobby
            .wait(promise.group, asker.token, asker.client, until);
        Answer::Held
    }

    /// Lets what is at the head of a window go when its time is over.
    pub(super) fn retire(&mut self, at: u32, kind: Kind) {
        let now = self.clock.ns;
        while let Some(family) = self.families.get_mut(at) {
            let ring = family.ring_mut(kind);
            let Some((seq, Content::Stored(stored))) = ring.head() else {
                break;
            };
            if stored.keep_until > now {
                break;
            }
            let entry = stored.entry;
            ring.take(seq);
            ring.pass(seq);
            self.ledger.release(entry);
            self.counters.retired = self.counters.retired.saturating_add(1);
            self.counters.objects = self.counters.objects.saturating_sub(1);
        }
        self.rearm(at, kind);
    }

    /// Lets a promise lapse.
    pub(super) fn lapse(&mut self, at: u32, kind: Kind, seq: u64) {
        if let Some(promise) = self
            .families
            .get_mut(at)
            .and_then(|family| family.ring_mut(kind).promise_mut(seq))
        {
            // Its timer has fired.
            promise.timer = NONE;
        }
        self.drop_promise(at, kind, seq, Answer::Expired);
    }

    /// Sets the timer of a window to the time until which its head is kept.
    pub(super) fn rearm(&mut self, at: u32, kind: Kind) {
        let Some(ring) = self
            .families
            .get_mut(at)
            .map(|family| family.ring_mut(kind))
        else {
            return;
        };
        self.timers.remove(ring.timer);
        ring.timer = match ring.head() {
            Some((_, Content::Stored(stored))) if stored.keep_until < u64::MAX => self
                .timers
                .insert(stored.keep_until, Due::Head { family: at, kind }),
            _ => NONE,
        };
    }

    /// Ends a promise that was taken out of its window.
    pub(super) fn end_promise(&mut self, promise: Promise, answer: Answer) {
        self.timers.remove(promise.timer);
        self.promises = self.promises.saturating_sub(1);
        if promise.group != NONE {
            self.lobby.answer(promise.group, answer, Via::Held, NONE);
        }
    }

    fn drop_promise(&mut self, at: u32, kind: Kind, seq: u64, answer: Answer) {
        if let Some(promise) = self.take_promise(at, kind, seq)
            && promise.group != NONE
        {
            self.lobby.answer(promise.group, answer, Via::Held, NONE);
        }
    }

    /// Takes a promise out of its window; those who wait for it are the caller's to answer.
    fn take_promise(&mut self, at: u32, kind: Kind, seq: u64) -> Option<Promise> {
        let ring = self.families.get_mut(at)?.ring_mut(kind);
        let promise = *ring.promise_mut(seq)?;
        ring.take(seq);
        if seq == ring.first() && seq < ring.next() {
            ring.pass(seq);
        }
        self.end_promise(
            Promise {
                group: NONE,
                ..promise
            },
            Answer::Gone,
        );
        self.rearm(at, kind);
        Some(promise)
    }

    fn promise_of(&self, key: Key) -> Option<Promise> {
        match self
            .families
            .lookup(key.stream, key.rendition)?
            .ring(key.kind)
            .get(key.seq)?
        {
            Content::Promised(promise) => Some(*promise),
            _ => None,
        }
    }

    fn promise_at(&mut self, key: Key, by: u64) -> Result<(), Error> {
        let timers = self.timers_for(
            self.promises.saturating_add(1),
            self.families.len().saturating_add(1),
        );
        let at = self.place_for(key, self.timers.growth_to(timers))?;
        self.timers.reserve_to(timers);
        let due = Due::Promise {
            family: at,
            kind: key.kind,
            seq: key.seq,
        };
        let Some(family) = self.families.get_mut(at) else {
            return Ok(());
        };
        let ring = family.ring_mut(key.kind);
        if let Some(promise) = ring.promise_mut(key.seq) {
            self.timers.remove(promise.timer);
            promise.by = by;
            promise.timer = self.timers.insert(by, due);
        } else {
            let timer = self.timers.insert(by, due);
            ring.put(
                key.seq,
                Content::Promised(Promise {
                    by,
                    group: NONE,
                    timer,
                }),
            );
            self.promises = self.promises.saturating_add(1);
        }
        Ok(())
    }

    fn check_size(&self, key: Key, bytes: usize) -> Result<(), Error> {
        let limits = &self.config.limits;
        let most = match key.kind {
            Kind::Init | Kind::Part => limits.part_bytes,
            Kind::Segment => limits.segment_bytes,
        };
        if bytes == 0 {
            Err(Error::Empty { key })
        } else if bytes > most {
            Err(Error::TooLarge { key, bytes, most })
        } else {
            Ok(())
        }
    }

    /// Makes a place for `key` in its window and room for `needed` bytes beside it.
    fn place_for(&mut self, key: Key, needed: usize) -> Result<u32, Error> {
        let at = self.family_entry(key.stream, key.rendition)?;
        self.check_place(at, key)?;
        let growth = |cache: &Self| {
            let ring = cache.families.get(at).map(|family| family.ring(key.kind));
            ring.map_or(0, |ring| ring.growth(key.seq, cache.slots_max))
        };
        let needed = needed
            .saturating_add(growth(self))
            .saturating_add(self.ledger.growth());
        self.make_room(needed)?;
        // Making room may have passed over the key itself.
        self.check_place(at, key)?;
        let slots_max = self.slots_max;
        while self
            .families
            .get(at)
            .is_some_and(|family| !family.ring(key.kind).has_place(key.seq, slots_max))
        {
            self.evict_head(at, key.kind, Reason::Slots);
        }
        if let Some(family) = self.families.get_mut(at) {
            let ring = family.ring_mut(key.kind);
            let before = ring.bytes();
            ring.make_place(key.seq, slots_max);
            let grown = ring.bytes().saturating_sub(before);
            self.families.inner_bytes = self.families.inner_bytes.saturating_add(grown);
        }
        Ok(at)
    }

    fn check_place(&self, at: u32, key: Key) -> Result<(), Error> {
        let Some(ring) = self.families.get(at).map(|family| family.ring(key.kind)) else {
            return Ok(());
        };
        match ring.state(key.seq) {
            State::Ready => Err(Error::Published { key }),
            _ if ring.is_behind(key.seq, self.slots_max) => Err(Error::Behind {
                key,
                first: ring.floor(),
            }),
            _ => Ok(()),
        }
    }

    /// Stores a body for which there is a place and room, and answers those who wait for it.
    fn store(&mut self, at: u32, key: Key, charged: Charged, parts: Box<[Entry]>) {
        let (body, entry) = self.ledger.charge(charged, parts);
        self.serial = self.serial.wrapping_add(1);
        let stored = Stored {
            body: body.clone(),
            entry,
            keep_until: u64::MAX,
            serial: self.serial,
        };
        let Some(family) = self.families.get_mut(at) else {
            return;
        };
        let old = family
            .ring_mut(key.kind)
            .put(key.seq, Content::Stored(stored));
        self.counters.objects = self.counters.objects.saturating_add(1);
        self.counters.published = self.counters.published.saturating_add(1);
        if let Content::Promised(promise) = old {
            self.end_promise(
                Promise {
                    group: NONE,
                    ..promise
                },
                Answer::Gone,
            );
            if promise.group != NONE {
                self.answer_with(promise.group, body, entry);
            }
        }
        self.rearm(at, key.kind);
    }

    fn answer_with(&mut self, group: u32, body: Body, entry: Entry) {
        self.ledger.hold(entry);
        let unused = self
            .lobby
            .answer(group, Answer::Hit(body), Via::Held, entry);
        self.ledger.release(unused);
    }
}
