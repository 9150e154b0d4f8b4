//! Those who wait. Everyone who waits for the same thing is in one group, a linked list through a slab; answering a
//! group is one step however many are in it, and the answers are taken out of it one by one.

use std::mem::size_of;

use crate::family::Wait;
use crate::ledger::Entry;
use crate::store::{NONE, Slab, Table, Wheel};
use crate::{Answer, Cap, Client, Kind, Limits, Token, Via};

/// Where a group hangs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Home {
    /// In the list of answered groups.
    Answered,
    Document {
        family: u32,
        form: u8,
    },
    Object {
        family: u32,
        kind: Kind,
        seq: u64,
    },
}

#[derive(Debug)]
struct Waiter {
    client: u64,
    group: u32,
    next: u32,
    prev: u32,
    timer: u32,
    token: u64,
}

#[derive(Debug)]
struct Group {
    answer: Answer,
    /// The body of the answer, held until the last has taken it, or [`NONE`].
    entry: Entry,
    head: u32,
    home: Home,
    len: u32,
    /// The next answered group.
    next: u32,
    tail: u32,
    via: Via,
}

impl Group {
    const fn new(home: Home, answer: Answer) -> Self {
        Self {
            answer,
            entry: NONE,
            head: NONE,
            home,
            len: 0,
            next: NONE,
            tail: NONE,
            via: Via::Held,
        }
    }
}

/// An answer on its way out.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) token: Token,
    pub(crate) answer: Answer,
    pub(crate) via: Via,
    /// A body to let go of, or [`NONE`].
    pub(crate) release: Entry,
}

/// Someone left without an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) group: u32,
    pub(crate) home: Home,
    /// Nobody is left in the group.
    pub(crate) emptied: bool,
    /// A body to let go of, or [`NONE`].
    pub(crate) release: Entry,
}

#[derive(Debug)]
pub(crate) struct Lobby {
    /// How many of each client wait.
    clients: Table,
    groups: Slab<Group>,
    /// The answered groups, in order.
    head: u32,
    tail: u32,
    /// The group of those whose deadline passed. It is there from the start, so that nobody's being late allocates.
    late: u32,
    timers: Wheel<u32>,
    tokens: Table,
    waiters: Slab<Waiter>,
    /// Bytes of the lists of waits, which hang in the documents.
    waits_bytes: usize,
    bytes_max: usize,
    limits: Limits,
}

impl Lobby {
    pub(crate) fn new(limits: Limits, seed: u64, bytes_max: usize) -> Self {
        let mut groups = Slab::new();
        let late = groups.insert(Group::new(Home::Answered, Answer::Expired));
        Self {
            clients: Table::new(seed),
            groups,
            head: NONE,
            tail: NONE,
            late,
            timers: Wheel::new(),
            tokens: Table::new(seed.rotate_left(32)),
            waiters: Slab::new(),
            waits_bytes: 0,
            bytes_max,
            limits,
        }
    }

    /// Bytes that waiters of these limits allocate at most.
    pub(crate) fn bytes_for(limits: &Limits) -> usize {
        let waiters = limits.waiters as usize;
        let tables = Table::bytes_for(waiters).saturating_mul(2);
        let slabs =
            Slab::<Waiter>::bytes_for(waiters).saturating_add(Slab::<Group>::bytes_for(waiters));
        let timers = Wheel::<u32>::bytes_for(waiters);
        let waits = waiters.saturating_mul(size_of::<Wait>());
        tables
            .saturating_add(slabs)
            .saturating_add(timers)
            .saturating_add(waits)
    }

    /// Asks whether one more may wait, in a group that has `ahead` waiters beside it.
    pub(crate) fn admit(
        &self,
        token: Token,
        client: Client,
        ahead: u32,
        waits_growth: usize,
    ) -> Result<(), Cap> {
        let of_client = self.clients.get(client.0).unwrap_or(0);
        let tables = self.clients.growth().saturating_add(self.tokens.growth());
        let slabs = self.waiters.growth().saturating_add(self.groups.growth());
        let growth = tables
            .saturating_add(slabs)
            .saturating_add(self.timers.growth())
            .saturating_add(waits_growth);
        if self.tokens.get(token.0).is_some() {
            Err(Cap::TokenInUse)
        } else if self.waiters.len() >= self.limits.waiters {
            Err(Cap::Waiters)
        } else if of_client >= self.limits.client_waiters {
            Err(Cap::ClientWaiters)
        } else if ahead >= self.limits.key_waiters {
            Err(Cap::KeyWaiters)
        } else if self.bytes().saturating_add(growth) > self.bytes_max {
            Err(Cap::Budget)
        } else {
            Ok(())
        }
    }

    /// Opens a group.
    pub(crate) fn open(&mut self, home: Home) -> u32 {
        self.groups.insert(Group::new(home, Answer::Held))
    }

    /// Lets someone wait who was admitted.
    pub(crate) fn wait(&mut self, group: u32, token: Token, client: Client, deadline_ns: u64) {
        let waiter = Waiter {
            client: client.0,
            group,
            next: NONE,
            prev: NONE,
            timer: NONE,
            token: token.0,
        };
        let index = self.waiters.insert(waiter);
        let timer = self.timers.insert(deadline_ns, index);
        if let Some(waiter) = self.waiters.get_mut(index) {
            waiter.timer = timer;
        }
        self.tokens.insert(token.0, index);
        let of_client = self.clients.get(client.0).unwrap_or(0);
        self.clients.insert(client.0, of_client.saturating_add(1));
        self.link(index, group);
    }

    /// Gives a group its answer. A group of nobody is closed, and its body comes back to be let go of.
    pub(crate) fn answer(&mut self, group: u32, answer: Answer, via: Via, entry: Entry) -> Entry {
        let Some(old) = self.groups.get_mut(group) else {
            return entry;
        };
        if old.len == 0 {
            self.groups.remove(group);
            return entry;
        }
        (old.answer, old.via, old.entry, old.home, old.next) =
            (answer, via, entry, Home::Answered, NONE);
        match self.groups.get_mut(self.tail) {
            Some(tail) => tail.next = group,
            None => self.head = group,
        }
        self.tail = group;
        NONE
    }

    /// Takes out the next answer.
    pub(crate) fn poll(&mut self) -> Option<Ready> {
        // The groups of which everyone has cancelled since they were answered.
        while self
            .groups
            .get(self.head)
            .is_some_and(|group| group.len == 0)
        {
            self.close_answered();
        }
        let from = if self.head == NONE {
            self.late
        } else {
            self.head
        };
        let group = self.groups.get_mut(from)?;
        let (waiter, via) = (group.head, group.via);
        if via == Via::Fetched {
            group.via = Via::Collapsed;
        }
        // The last one takes the answer itself, the others a handle of it.
        let last = group.len == 1 && from != self.late;
        let answer = if last {
            std::mem::replace(&mut group.answer, Answer::Held)
        } else {
            group.answer.clone()
        };
        let (token, _) = self.leave(waiter)?;
        let release = if last { self.close_answered() } else { NONE };
        Some(Ready {
            token,
            answer,
            via,
            release,
        })
    }

    /// Takes out whoever waits under `token`.
    pub(crate) fn cancel(&mut self, token: Token) -> Option<Left> {
        let waiter = self.tokens.get(token.0)?;
        let (_, mut left) = self.leave(waiter)?;
        if left.emptied && left.home == Home::Answered && left.group != self.late {
            // The empty group stays in its list until its turn; its body need not wait for that.
            if let Some(group) = self.groups.get_mut(left.group) {
                left.release = std::mem::replace(&mut group.entry, NONE);
                group.answer = Answer::Held;
            }
        }
        Some(left)
    }

    /// Answers one whose deadline is over at `now_ns` that he is late, and says where he left.
    pub(crate) fn expire(&mut self, now_ns: u64) -> Option<Left> {
        while let Some(index) = self.timers.pop(now_ns) {
            let Some(waiter) = self.waiters.get_mut(index) else {
                continue;
            };
            waiter.timer = NONE;
            let group = waiter.group;
            let Some(&Group { home, len, .. }) = self.groups.get(group) else {
                continue;
            };
            // One who has his answer keeps it.
            if home != Home::Answered {
                self.unlink(index);
                self.link(index, self.late);
                return Some(Left {
                    group,
                    home,
                    emptied: len == 1,
                    release: NONE,
                });
            }
        }
        None
    }

    /// Moves all of `from` into `to`.
    pub(crate) fn merge(&mut self, from: u32, to: u32) {
        while let Some(index) = self
            .groups
            .get(from)
            .map(|group| group.head)
            .filter(|&head| head != NONE)
        {
            self.unlink(index);
            self.link(index, to);
        }
        self.groups.remove(from);
    }

    /// Closes a group of nobody that has no answer.
    pub(crate) fn close(&mut self, group: u32) {
        self.groups.remove(group);
    }

    pub(crate) fn set_home(&mut self, group: u32, home: Home) {
        if let Some(group) = self.groups.get_mut(group) {
            group.home = home;
        }
    }

    pub(crate) const fn add_waits_bytes(&mut self, bytes: usize) {
        self.waits_bytes = self.waits_bytes.saturating_add(bytes);
    }

    pub(crate) const fn sub_waits_bytes(&mut self, bytes: usize) {
        self.waits_bytes = self.waits_bytes.saturating_sub(bytes);
    }

    /// How many are in a group.
    pub(crate) fn len(&self, group: u32) -> u32 {
        self.groups.get(group).map_or(0, |group| group.len)
    }

    /// How many wait, or have not taken their answer.
    pub(crate) const fn waiters(&self) -> u32 {
        self.waiters.len()
    }

    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.timers.next_ns()
    }

    /// Bytes allocated.
    pub(crate) const fn bytes(&self) -> usize {
        let tables = self.clients.bytes().saturating_add(self.tokens.bytes());
        let slabs = self.waiters.bytes().saturating_add(self.groups.bytes());
        tables
            .saturating_add(slabs)
            .saturating_add(self.timers.bytes())
            .saturating_add(self.waits_bytes)
    }

    /// Removes a waiter from everything.
    fn leave(&mut self, index: u32) -> Option<(Token, Left)> {
        let group = self.unlink(index);
        let waiter = self.waiters.remove(index)?;
        self.timers.remove(waiter.timer);
        self.tokens.remove(waiter.token);
        match self.clients.get(waiter.client) {
            Some(count) if count > 1 => self.clients.insert(waiter.client, count.saturating_sub(1)),
            _ => {
                self.clients.remove(waiter.client);
            }
        }
        let (home, len) = self
            .groups
            .get(group)
            .map_or((Home::Answered, 0), |group| (group.home, group.len));
        Some((
            Token(waiter.token),
            Left {
                group,
                home,
                emptied: len == 0,
                release: NONE,
            },
        ))
    }

    /// Closes the first of the answered groups and gives back its body.
    fn close_answered(&mut self) -> Entry {
        let Some(group) = self.groups.remove(self.head) else {
            return NONE;
        };
        self.head = group.next;
        if self.head == NONE {
            self.tail = NONE;
        }
        group.entry
    }

    fn link(&mut self, index: u32, to: u32) {
        let Some(group) = self.groups.get_mut(to) else {
            return;
        };
        let tail = std::mem::replace(&mut group.tail, index);
        group.len = group.len.saturating_add(1);
        if tail == NONE {
            group.head = index;
        }
        if let Some(waiter) = self.waiters.get_mut(index) {
            (waiter.group, waiter.prev, waiter.next) = (to, tail, NONE);
        }
        if let Some(tail) = self.waiters.get_mut(tail) {
            tail.next = index;
        }
    }

    fn unlink(&mut self, index: u32) -> u32 {
        let Some(waiter) = self.waiters.get(index) else {
            return NONE;
        };
        let (of, prev, next) = (waiter.group, waiter.prev, waiter.next);
        if let Some(prev) = self.waiters.get_mut(prev) {
            prev.next = next;
        }
        if let Some(next) = self.waiters.get_mut(next) {
            next.prev = prev;
        }
        if let Some(group) = self.groups.get_mut(of) {
            group.len = group.len.saturating_sub(1);
            if group.head == index {
                group.head = next;
            }
            if group.tail == index {
                group.tail = prev;
            }
        }
        of
    }
}
