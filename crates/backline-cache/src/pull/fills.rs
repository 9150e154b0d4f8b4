//! What happens to fetches.

use std::time::Instant;

use bytes::Bytes;

use super::list::{Linked, Links, List};
use super::shelf::head_bytes;
use super::stats::count;
use super::{Failure, Head, Pull, PullAnswer, Taken, Unit};
use crate::rules::Treatment;
use crate::store::NONE;
use crate::{Error, FillId};

/// A fetch.
#[derive(Debug)]
pub(super) struct Fill {
    /// Nobody has to wait for it: it goes on without viewers.
    pub(super) background: bool,
    /// What is stored and may still hold, or [`NONE`].
    pub(super) base: u32,
    pub(super) declared: Option<u64>,
    pub(super) entry: u32,
    /// Gives it up when nobody has come back.
    pub(super) grace: u32,
    /// What it makes, from its head on.
    pub(super) item: u32,
    /// Who caused it, while he waits.
    pub(super) leader: u32,
    pub(super) links: Links,
    /// What was stored was purged since: what it brings is not kept.
    pub(super) purged: bool,
    /// Bytes announced that have not come.
    pub(super) reserved: usize,
    pub(super) serial: u32,
    pub(super) stage: Stage,
    pub(super) treatment: Treatment,
    pub(super) waiting: List,
}

/// How far a fetch is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
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
    /// [`Error::UnknownFill`] where it is not under way (any more), [`Error::FillOrder`] where its head
    /// has come already.
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
    /// [`Error::UnknownFill`]; [`Error::FillOrder`] before the head; [`Error::TooLargeFill`] over the cap of its class
    /// or beyond the declared length, [`Error::Budget`] without room: then the fetch is over, whoever reads is told
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
    /// [`Error::UnknownFill`]; [`Error::FillOrder`] before the head; [`Error::ShortFill`] where it has less than it
    /// declared, which counts as a failure; [`Error::Budget`] without room, which does too.
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
}
