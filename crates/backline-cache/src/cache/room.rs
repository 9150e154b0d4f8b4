//! The budget: what is held, and who makes room.

use super::{Cache, Fill, Kind, Output, Reason, size_of};
use crate::family::{Family, KINDS};
use crate::ring::{Content, REASONS};
use crate::store::NONE;
use crate::{Answer, Error, Key, Via};

/// What may go, the first in this order first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Rank {
    /// Its time is over, or something newer is wanted in its place.
    Over,
    /// No longer listed, kept for those who are late.
    Kept(u64),
    /// Listed still.
    Listed(u64),
}

#[derive(Clone, Copy, Debug)]
enum Victim {
    Document { family: u32, form: u8 },
    Head { family: u32, kind: Kind },
}

impl Cache {
    /// Bytes allocated by everything but waiting.
    pub(super) fn media_bytes(&self) -> usize {
        let queues = self.fetches.capacity().saturating_mul(size_of::<u32>());
        let notices = self
            .notices
            .capacity()
            .saturating_mul(size_of::<(u32, Kind, Reason)>());
        let index = self
            .families
            .bytes()
            .saturating_add(self.timers.bytes())
            .saturating_add(self.fills.bytes());
        self.ledger
            .bytes()
            .saturating_add(index)
            .saturating_add(queues)
            .saturating_add(notices)
    }

    /// Makes room for `needed` bytes more, by evicting what may go.
    pub(super) fn make_room(&mut self, needed: usize) -> Result<(), Error> {
        while self.media_bytes().saturating_add(needed) > self.media_max {
            let Some(victim) = self.victim() else {
                return Err(Error::Budget {
                    needed,
                    held: self.media_bytes(),
                    budget: self.media_max,
                });
            };
            match victim {
                Victim::Document { family, form } => self.drop_document(family, form),
                Victim::Head { family, kind } => self.evict_head(family, kind, Reason::Budget),
            }
        }
        Ok(())
    }

    /// The rendition, which is added when it is not there: with room for its fetches, timers and reports.
    pub(super) fn family_entry(&mut self, stream: u32, rendition: u32) -> Result<u32, Error> {
        if let Some(at) = self.families.find(stream, rendition) {
            return Ok(at);
        }
        let families = self.families.len().saturating_add(1);
        let forms = families.saturating_mul(usize::from(self.config.limits.forms));
        let reports = families.saturating_mul(KINDS.len()).saturating_mul(REASONS);
        let timers = self.timers_for(self.promises, families);
        if self.families.len() < self.config.limits.renditions as usize {
            let fetches = grown(self.fetches.capacity(), forms).saturating_mul(size_of::<u32>());
            let notices = grown(self.notices.capacity(), reports).saturating_mul(size_of::<(
                u32,
                Kind,
                Reason,
            )>());
            let slabs = self
                .fills
                .growth_to(forms)
                .saturating_add(self.timers.growth_to(timers));
            let needed = self
                .families
                .growth()
                .saturating_add(slabs)
                .saturating_add(fetches)
                .saturating_add(notices);
            self.make_room(needed)?;
        }
        let at = self.families.add(stream, rendition)?;
        self.fills.reserve_to(forms);
        self.timers.reserve_to(timers);
        self.fetches
            .reserve_exact(forms.saturating_sub(self.fetches.len()));
        self.notices
            .reserve_exact(reports.saturating_sub(self.notices.len()));
        Ok(at)
    }

    /// How many timers so many promises and renditions may set: one a promise, one a window.
    pub(super) const fn timers_for(&self, promises: usize, families: usize) -> usize {
        promises.saturating_add(families.saturating_mul(KINDS.len()))
    }

    /// Evicts what is at the head of a window.
    pub(super) fn evict_head(&mut self, at: u32, kind: Kind, reason: Reason) {
        let Some(family) = self.families.get_mut(at) else {
            return;
        };
        let ring = family.ring_mut(kind);
        let Some(seq) = ring.head().map(|(seq, _)| seq) else {
            return;
        };
        let content = ring.take(seq);
        ring.pass(seq);
        match content {
            Content::Stored(stored) => {
                if ring.notice(seq, reason) {
                    self.notices.push_back((at, kind, reason));
                }
                self.ledger.release(stored.entry);
                self.counters.evicted = self.counters.evicted.saturating_add(1);
                self.counters.objects = self.counters.objects.saturating_sub(1);
            }
            Content::Promised(promise) => self.end_promise(promise, Answer::Gone),
            Content::Empty => {}
        }
        self.rearm(at, kind);
    }

    pub(super) fn poll_notice(&mut self) -> Option<Output> {
        while let Some((at, kind, reason)) = self.notices.pop_front() {
            let Some(family) = self.families.get_mut(at) else {
                continue;
            };
            let (stream, rendition) = (family.stream, family.rendition);
            if let Some(notice) = family.ring_mut(kind).take_notice(reason) {
                let key = Key {
                    stream,
                    rendition,
                    kind,
                    seq: notice.first,
                };
                return Some(Output::Evicted {
                    key,
                    through: notice.last,
                    objects: notice.objects,
                    reason,
                });
            }
        }
        None
    }

    /// Lets go of all that the windows of a removed rendition hold.
    pub(super) fn drop_windows(&mut self, family: &Family) {
        for kind in KINDS {
            let ring = family.ring(kind);
            self.timers.remove(ring.timer);
            for (_, content) in ring.iter() {
                match content {
                    Content::Stored(stored) => {
                        self.ledger.release(stored.entry);
                        self.counters.objects = self.counters.objects.saturating_sub(1);
                    }
                    Content::Promised(promise) => self.end_promise(*promise, Answer::Gone),
                    Content::Empty => {}
                }
            }
        }
    }

    /// Lets go of all that the documents of a removed rendition hold.
    pub(super) fn drop_documents(&mut self, family: Family) {
        for doc in family.documents {
            let _: Option<Fill> = self.fills.remove(doc.fill);
            if let Some(stored) = doc.stored {
                self.ledger.release(stored.entry);
                self.counters.documents = self.counters.documents.saturating_sub(1);
            }
            self.lobby
                .sub_waits_bytes(super::documents::waits_bytes(&doc.waits));
            for wait in doc.waits {
                self.lobby.answer(wait.group, Answer::Gone, Via::Held, NONE);
            }
        }
    }

    /// What goes first. There are few windows, and this is asked about once a publication.
    fn victim(&self) -> Option<Victim> {
        let mut best: Option<(Rank, Victim)> = None;
        let mut offer = |rank, victim| {
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, victim));
            }
        };
        for (at, family) in self.families.iter() {
            for doc in &family.documents {
                // The last documents of a show stay for those who come late.
                let outdated = doc
                    .stored
                    .as_ref()
                    .is_some_and(|stored| stored.version != family.version);
                if outdated && !family.finished {
                    offer(
                        Rank::Over,
                        Victim::Document {
                            family: at,
                            form: doc.form,
                        },
                    );
                }
            }
            for kind in KINDS {
                let ring = family.ring(kind);
                let rank = match ring.head() {
                    // Without the init in use nothing of the rendition plays.
                    Some((seq, Content::Stored(_)))
                        if kind == Kind::Init && seq.saturating_add(1) == ring.next() =>
                    {
                        continue;
                    }
                    Some((_, Content::Stored(stored))) if stored.keep_until <= self.clock.ns => {
                        Rank::Over
                    }
                    Some((_, Content::Stored(stored))) if stored.keep_until == u64::MAX => {
                        Rank::Listed(stored.serial)
                    }
                    Some((_, Content::Stored(stored))) => Rank::Kept(stored.serial),
                    // A promise that was passed over stands in the way of what is behind it.
                    Some((seq, Content::Promised(_))) if seq < ring.next() => Rank::Over,
                    _ => continue,
                };
                offer(rank, Victim::Head { family: at, kind });
            }
        }
        best.map(|(_, victim)| victim)
    }

    fn drop_document(&mut self, at: u32, form: u8) {
        let doc = self
            .families
            .get_mut(at)
            .and_then(|family| family.document_mut(form));
        if let Some(stored) = doc.and_then(|doc| doc.stored.take()) {
            self.ledger.release(stored.entry);
            self.counters.documents = self.counters.documents.saturating_sub(1);
        }
    }
}

/// How many places a queue of `capacity` gains when it is made to hold `len`.
const fn grown(capacity: usize, len: usize) -> usize {
    len.saturating_sub(capacity)
}
