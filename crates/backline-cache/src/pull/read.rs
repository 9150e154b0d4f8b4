//! Readers of growing bodies, and how requests leave.

use std::time::Instant;

use super::guests::Place;
use super::{Pull, PullAnswer, PullOutput, Read, Reader};
use crate::Token;
use crate::store::NONE;

impl Pull {
    /// Reads on, no further than byte `range_end` of the body (not included; 2^53 - 1 and above read to the
    /// end, RFC 8673). What is given out follows the unit of the request. On [`Read::Wait`] a
    /// [`PullOutput::Readable`] says when there is more. [`Read::End`] for a reader that left.
    pub fn read(&mut self, now: Instant, reader: Reader, range_end: u64) -> Read {
        self.clock.tick(now);
        let Some(at) = self.guests.reader(reader) else {
            return Read::End;
        };
        let Some(guest) = self.guests.slab.get_mut(at) else {
            return Read::End;
        };
        let end = if range_end >= OPEN_END {
            u64::MAX
        } else {
            range_end
        };
        let item = guest.item;
        if guest.ahead {
            match self.shelf.seek(item, guest.position) {
                Some(cursor) => (guest.cursor, guest.ahead) = (cursor, false),
                None if self.shelf.grows(item) => {}
                // An aborted body has no bytes to look for; it is told below.
                None => guest.cursor = (usize::MAX, 0),
            }
        }
        let (position, unit) = (guest.position, guest.unit);
        let mut read = self
            .shelf
            .read(item, &mut guest.cursor, position, end, unit);
        match &mut read {
            Read::Aborted { sent } => *sent = guest.sent,
            Read::Bytes(bytes) => {
                let len = bytes.len() as u64;
                guest.position = position.saturating_add(len);
                guest.sent = guest.sent.saturating_add(len);
            }
            Read::Wait => self.park(at, item),
            Read::End => {}
        }
        read
    }

    /// Places a reader at byte `position` of the body, for a range. One that lies beyond what is there
    /// waits for it; behind the end there is nothing to read.
    pub fn seek(&mut self, reader: Reader, position: u64) {
        let guest = self
            .guests
            .reader(reader)
            .and_then(|at| self.guests.slab.get_mut(at));
        if let Some(guest) = guest {
            (guest.position, guest.ahead) = (position, true);
        }
    }

    /// Length of the body that is read, when it is whole.
    #[must_use]
    pub fn length(&self, reader: Reader) -> Option<u64> {
        let guest = self.guests.slab.get(self.guests.reader(reader)?)?;
        let stored = self.shelf.stored(guest.item)?;
        (!self.shelf.grows(guest.item))
            .then_some(stored.length)
            .flatten()
    }

    /// A reader has all it wants; its token is free again. As [`cancel`](Self::cancel).
    pub fn leave(&mut self, now: Instant, reader: Reader) {
        self.clock.tick(now);
        if let Some(at) = self.guests.reader(reader) {
            self.show_out(at);
        }
    }

    /// The next of those with something on their way out.
    pub(super) fn poll_guest(&mut self) -> Option<PullOutput> {
        let at = self.guests.out.head();
        let guest = self.guests.slab.get_mut(at)?;
        guest.place = Place::Free;
        let (token, answer, reads) = (Token(guest.token), guest.pending.take(), guest.reads);
        self.guests.out.unlink(&mut self.guests.slab, at);
        let Some(answer) = answer else {
            return Some(PullOutput::Readable { token });
        };
        if !reads {
            self.show_out(at);
        }
        Some(PullOutput::Ready { token, answer })
    }

    /// Takes one out of those who wait for a fetch: he has his answer.
    pub(super) fn stand_up(&mut self, at: u32) {
        self.guests.clear_deadline(at);
        let Some(guest) = self.guests.slab.get_mut(at) else {
            return;
        };
        if let Place::Waits(fill) = std::mem::replace(&mut guest.place, Place::Free)
            && let Some(fill) = self.fills.get_mut(fill)
        {
            fill.waiting.unlink(&mut self.guests.slab, at);
            if fill.leader == at {
                fill.leader = NONE;
            }
        }
    }

    /// Sends an answer to one who is in no list.
    pub(super) fn send_out(&mut self, at: u32, answer: PullAnswer) {
        if let Some(guest) = self.guests.slab.get_mut(at) {
            guest.pending = Some(answer);
            guest.place = Place::Out;
            self.guests.out.push(&mut self.guests.slab, at);
        }
    }

    /// Wakes the readers of an item who wait and can go on.
    pub(super) fn wake_readers(&mut self, item: u32) {
        let mut next = self
            .shelf
            .items
            .get(item)
            .map_or(NONE, |item| item.parked.head());
        let grows = self.shelf.grows(item);
        while let Some(guest) = self.guests.slab.get_mut(next) {
            let at = next;
            next = guest.next();
            if grows && self.shelf.released(item, guest.unit) <= guest.position {
                continue;
            }
            guest.place = Place::Out;
            if let Some(item) = self.shelf.items.get_mut(item) {
                item.parked.unlink(&mut self.guests.slab, at);
            }
            self.guests.out.push(&mut self.guests.slab, at);
        }
    }

    /// Removes one who waits, reads, or has an answer on its way.
    pub(super) fn show_out(&mut self, at: u32) {
        let Some(guest) = self.guests.slab.get(at) else {
            return;
        };
        let (place, item, reads) = (guest.place, guest.item, guest.reads);
        let mut fill = NONE;
        match place {
            Place::Free => {}
            Place::Out => self.guests.out.unlink(&mut self.guests.slab, at),
            Place::Parked(item) => {
                if let Some(item) = self.shelf.items.get_mut(item) {
                    item.parked.unlink(&mut self.guests.slab, at);
                }
            }
            Place::Waits(of) => {
                fill = of;
                self.stand_up(at);
            }
        }
        self.guests.remove(at);
        if reads && let Some(item) = self.shelf.items.get_mut(item) {
            item.readers = item.readers.saturating_sub(1);
            fill = item.fill;
        }
        self.shelf.release(item);
        self.check_viewers(fill);
    }

    fn park(&mut self, at: u32, item: u32) {
        let Some(guest) = self.guests.slab.get_mut(at) else {
            return;
        };
        // One who was told that he can read and did not comes back to the same list.
        match std::mem::replace(&mut guest.place, Place::Parked(item)) {
            Place::Parked(_) => return,
            Place::Out => self.guests.out.unlink(&mut self.guests.slab, at),
            Place::Free | Place::Waits(_) => {}
        }
        if let Some(item) = self.shelf.items.get_mut(item) {
            item.parked.push(&mut self.guests.slab, at);
        }
    }
}

/// A last byte of which no body comes near: the range is open (RFC 8673).
const OPEN_END: u64 = (1 << 53) - 1;
