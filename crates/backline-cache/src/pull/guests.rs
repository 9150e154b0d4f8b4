//! Those who wait for an answer or read a growing body.

use super::PullLimits;
use super::list::{Linked, Links, List};
use super::types::{PullAnswer, Reader, Unit};
use crate::store::{NONE, Slab, Table, Wheel};
use crate::{Cap, Client, Token};

#[derive(Debug)]
pub(super) struct Guest {
    pub(super) client: u64,
    /// Where in the pieces of the body the next byte is: piece and byte within.
    pub(super) cursor: (usize, usize),
    /// The body that it reads or whose answer it has, held on the shelf, or [`NONE`].
    pub(super) item: u32,
    links: Links,
    pub(super) place: Place,
    /// The answer on its way out.
    pub(super) pending: Option<PullAnswer>,
    /// It was placed where nothing has come to yet: the cursor is still to be found.
    pub(super) ahead: bool,
    /// Place of the next byte in the body.
    pub(super) position: u64,
    /// It reads, or will when it has its answer.
    pub(super) reads: bool,
    /// Index of the rule that decided about the request.
    pub(super) rule: u16,
    pub(super) sent: u64,
    pub(super) serial: u32,
    timer: u32,
    pub(super) token: u64,
    pub(super) unit: Unit,
}

impl Guest {
    /// The next of the list that it is in.
    pub(super) const fn next(&self) -> u32 {
        self.links.next()
    }
}

impl Linked for Guest {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

/// In which list a guest is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// In none: it reads and has something to read.
    Free,
    /// Among those with something on its way out.
    Out,
    /// Among the readers of an item that wait for more.
    Parked(u32),
    /// Among those who wait for a fetch.
    Waits(u32),
}

#[derive(Debug)]
pub(super) struct Guests {
    bytes_max: usize,
    clients: Table,
    limits: PullLimits,
    /// Those with something on its way out, in order.
    pub(super) out: List,
    serial: u32,
    pub(super) slab: Slab<Guest>,
    timers: Wheel<u32>,
    tokens: Table,
}

impl Guests {
    pub(super) fn new(limits: PullLimits, seed: u64, bytes_max: usize) -> Self {
        Self {
            bytes_max,
            clients: Table::new(seed),
            limits,
            out: List::NEW,
            serial: 0,
            slab: Slab::new(),
            timers: Wheel::new(),
            tokens: Table::new(seed.rotate_left(32)),
        }
    }

    /// Bytes that guests of these limits allocate at most.
    pub(super) fn bytes_for(limits: &PullLimits) -> usize {
        let most = limits.waiters as usize;
        Table::bytes_for(most)
            .saturating_mul(2)
            .saturating_add(Slab::<Guest>::bytes_for(most))
            .saturating_add(Wheel::<u32>::bytes_for(most))
    }

    /// Asks whether one more may come.
    pub(super) fn admit(&self, token: Token, client: Client) -> Result<(), Cap> {
        let of_client = self.clients.get(client.0).unwrap_or(0);
        let growth = self
            .clients
            .growth()
            .saturating_add(self.tokens.growth())
            .saturating_add(self.slab.growth())
            .saturating_add(self.timers.growth());
        if self.tokens.get(token.0).is_some() {
            Err(Cap::TokenInUse)
        } else if self.slab.len() >= self.limits.waiters {
            Err(Cap::Waiters)
        } else if of_client >= self.limits.client_waiters {
            Err(Cap::ClientWaiters)
        } else if self.bytes().saturating_add(growth) > self.bytes_max {
            Err(Cap::Budget)
        } else {
            Ok(())
        }
    }

    /// Lets one in who was admitted.
    pub(super) fn enter(&mut self, token: Token, client: Client, unit: Unit, rule: u16) -> u32 {
        self.serial = self.serial.wrapping_add(1);
        let index = self.slab.insert(Guest {
            ahead: false,
            client: client.0,
            cursor: (0, 0),
            item: NONE,
            links: Links::NEW,
            place: Place::Free,
            pending: None,
            position: 0,
            reads: false,
            rule,
            sent: 0,
            serial: self.serial,
            timer: NONE,
            token: token.0,
            unit,
        });
        self.tokens.insert(token.0, index);
        let of_client = self.clients.get(client.0).unwrap_or(0);
        self.clients.insert(client.0, of_client.saturating_add(1));
        index
    }

    /// Removes one from everything but the list that it is in.
    pub(super) fn remove(&mut self, index: u32) -> Option<Guest> {
        let guest = self.slab.remove(index)?;
        self.timers.remove(guest.timer);
        self.tokens.remove(guest.token);
        match self.clients.get(guest.client) {
            Some(count) if count > 1 => self.clients.insert(guest.client, count.saturating_sub(1)),
            _ => {
                self.clients.remove(guest.client);
            }
        }
        Some(guest)
    }

    /// Sets until when one waits.
    pub(super) fn set_deadline(&mut self, index: u32, deadline_ns: u64) {
        let timer = self.timers.insert(deadline_ns, index);
        if let Some(guest) = self.slab.get_mut(index) {
            guest.timer = timer;
        }
    }

    /// One who has an answer waits no longer.
    pub(super) fn clear_deadline(&mut self, index: u32) {
        if let Some(guest) = self.slab.get_mut(index) {
            let timer = std::mem::replace(&mut guest.timer, NONE);
            self.timers.remove(timer);
        }
    }

    /// Takes out one whose deadline is over.
    pub(super) fn expire(&mut self, now_ns: u64) -> Option<u32> {
        let index = self.timers.pop(now_ns)?;
        if let Some(guest) = self.slab.get_mut(index) {
            guest.timer = NONE;
        }
        Some(index)
    }

    pub(super) fn next_ns(&self) -> Option<u64> {
        self.timers.next_ns()
    }

    pub(super) fn find(&self, token: Token) -> Option<u32> {
        self.tokens.get(token.0)
    }

    /// The guest that a reader names.
    pub(super) fn reader(&self, reader: Reader) -> Option<u32> {
        #[expect(clippy::cast_possible_truncation, reason = "the low half is the index")]
        let index = reader.0 as u32;
        let guest = self.slab.get(index)?;
        (u64::from(guest.serial) == reader.0 >> 32 && guest.reads).then_some(index)
    }

    pub(super) fn reader_of(&self, index: u32) -> Option<Reader> {
        let guest = self.slab.get(index)?;
        Some(Reader(u64::from(guest.serial) << 32 | u64::from(index)))
    }

    /// Bytes allocated.
    pub(super) const fn bytes(&self) -> usize {
        self.clients
            .bytes()
            .saturating_add(self.tokens.bytes())
            .saturating_add(self.slab.bytes())
            .saturating_add(self.timers.bytes())
    }
}
