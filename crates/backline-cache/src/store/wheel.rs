//! Timers on a hierarchical wheel: setting and unsetting one is O(1), the next is found by a bitmap a level.
//!
//! A timer sits on the level of the highest six-bit digit in which its tick differs from the wheel's own; when the
//! wheel comes to its slot it moves down, until level 0 fires it. Seven levels of milliseconds are 139 years.

use std::mem::size_of;

use super::{NONE, Slab};

/// Nanoseconds of a tick.
pub(crate) const TICK_NS: u64 = 1_000_000;

const LEVELS: usize = 7;
const SLOTS: usize = 64;
const DIGIT_BITS: u32 = 6;
const DIGIT_MASK: u64 = SLOTS as u64 - 1;
const TICK_MAX: u64 = (1 << (DIGIT_BITS as u64 * LEVELS as u64)) - 1;

#[derive(Debug)]
pub(crate) struct Wheel<T> {
    nodes: Slab<Node<T>>,
    heads: Box<[[u32; SLOTS]; LEVELS]>,
    occupied: [u64; LEVELS],
    /// The tick up to which everything has fired.
    tick: u64,
}

#[derive(Debug)]
struct Node<T> {
    at: u64,
    level: u8,
    next: u32,
    prev: u32,
    slot: u8,
    what: T,
}

impl<T: Copy> Wheel<T> {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Slab::new(),
            heads: Box::new([[NONE; SLOTS]; LEVELS]),
            occupied: [0; LEVELS],
            tick: 0,
        }
    }

    /// Sets a timer for `at_ns`, rounded up to a tick; what is over already fires at the next tick.
    pub(crate) fn insert(&mut self, at_ns: u64, what: T) -> u32 {
        let at = at_ns
            .div_ceil(TICK_NS)
            .clamp(self.tick.saturating_add(1), TICK_MAX);
        let index = self.nodes.insert(Node {
            at,
            level: 0,
            next: NONE,
            prev: NONE,
            slot: 0,
            what,
        });
        self.link(index, at);
        index
    }

    /// Unsets a timer; [`NONE`] and one that has fired are no timers.
    pub(crate) fn remove(&mut self, index: u32) {
        self.unlink(index);
        self.nodes.remove(index);
    }

    /// The earliest time at which there may be something to do. Never later than the next timer; earlier when
    /// that one has still to move down.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.next().map(|(_, _, at)| at.saturating_mul(TICK_NS))
    }

    /// Takes out one timer that is over at `now_ns`, if any.
    pub(crate) fn pop(&mut self, now_ns: u64) -> Option<T> {
        let now = now_ns / TICK_NS;
        while let Some((level, slot, at)) = self.next().filter(|&(_, _, at)| at <= now) {
            self.tick = at;
            if level == 0 {
                let head = self.head(level, slot);
                self.unlink(head);
                return self.nodes.remove(head).map(|node| node.what);
            }
            // All of them move down at once: a slot at the wheel's own digit holds nothing.
            while let Some(node) = self.nodes.get(self.head(level, slot)) {
                let (head, at) = (self.head(level, slot), node.at);
                self.unlink(head);
                self.link(head, at);
            }
        }
        self.tick = self.tick.max(now.min(TICK_MAX));
        None
    }

    /// Bytes allocated.
    pub(crate) const fn bytes(&self) -> usize {
        self.nodes
            .bytes()
            .saturating_add(size_of::<[[u32; SLOTS]; LEVELS]>())
    }

    /// Bytes that the next timer allocates on top.
    pub(crate) const fn growth(&self) -> usize {
        self.nodes.growth()
    }

    /// Bytes that room for `len` timers in all allocates on top.
    pub(crate) fn growth_to(&self, len: usize) -> usize {
        self.nodes.growth_to(len)
    }

    /// Makes room for `len` timers in all.
    pub(crate) fn reserve_to(&mut self, len: usize) {
        self.nodes.reserve_to(len);
    }

    /// Bytes that `len` timers allocate, at most.
    pub(crate) const fn bytes_for(len: usize) -> usize {
        Slab::<Node<T>>::bytes_for(len).saturating_add(size_of::<[[u32; SLOTS]; LEVELS]>())
    }

    /// Level, slot and first tick of the next occupied slot. Lower levels always come first, and no slot behind
    /// the wheel's own digit is occupied.
    fn next(&self) -> Option<(usize, usize, u64)> {
        let (level, bits) = self
            .occupied
            .iter()
            .enumerate()
            .find(|(_, bits)| **bits != 0)?;
        let slot = bits.trailing_zeros() as usize;
        let shift = shift(level);
        let above = self
            .tick
            .checked_shr(shift.saturating_add(DIGIT_BITS))
            .unwrap_or(0);
        let at = ((above << DIGIT_BITS) | slot as u64) << shift;
        Some((level, slot, at.max(self.tick)))
    }

    fn link(&mut self, index: u32, at: u64) {
        let differing = (self.tick ^ at) | 1;
        let level = ((63_u32.saturating_sub(differing.leading_zeros()) / DIGIT_BITS) as usize)
            .min(LEVELS - 1);
        let slot = usize::try_from((at >> shift(level)) & DIGIT_MASK).unwrap_or(0);
        let head = self.head(level, slot);
        if let Some(old) = self.nodes.get_mut(head) {
            old.prev = index;
        }
        if let Some(node) = self.nodes.get_mut(index) {
            (node.prev, node.next) = (NONE, head);
            (node.level, node.slot) = (
                u8::try_from(level).unwrap_or(0),
                u8::try_from(slot).unwrap_or(0),
            );
        }
        self.set_head(level, slot, index);
    }

    fn unlink(&mut self, index: u32) {
        let Some(node) = self.nodes.get(index) else {
            return;
        };
        let (prev, next) = (node.prev, node.next);
        let (level, slot) = (usize::from(node.level), usize::from(node.slot));
        if let Some(next) = self.nodes.get_mut(next) {
            next.prev = prev;
        }
        match self.nodes.get_mut(prev) {
            Some(prev) => prev.next = next,
            None => self.set_head(level, slot, next),
        }
    }

    fn head(&self, level: usize, slot: usize) -> u32 {
        self.heads
            .get(level)
            .and_then(|slots| slots.get(slot))
            .copied()
            .unwrap_or(NONE)
    }

    fn set_head(&mut self, level: usize, slot: usize, index: u32) {
        if let Some(head) = self
            .heads
            .get_mut(level)
            .and_then(|slots| slots.get_mut(slot))
        {
            *head = index;
        }
        if let Some(bits) = self.occupied.get_mut(level) {
            let bit = 1_u64 << slot;
            *bits = if index == NONE {
                *bits & !bit
            } else {
                *bits | bit
            };
        }
    }
}

/// How far a level's digit is shifted.
fn shift(level: usize) -> u32 {
    u32::try_from(level).unwrap_or(0).saturating_mul(DIGIT_BITS)
}

#[cfg(test)]
mod tests;
