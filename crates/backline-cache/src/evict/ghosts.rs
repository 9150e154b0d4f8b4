//! The names of those that were evicted lately, oldest dropped: a queue and a chained hash table over one array.

use std::mem::size_of;

use crate::store::NONE;

#[derive(Clone, Debug)]
pub(super) struct Ghosts {
    /// Sizes that may be remembered in all.
    pub(super) capacity: u64,
    /// Names that may be remembered.
    most: usize,
    nodes: Vec<Ghost>,
    /// A power of two of chains, or none; at least as many as there is room for nodes.
    chains: Vec<u32>,
    free: u32,
    front: u32,
    back: u32,
    bytes: u64,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Ghost {
    hash: u64,
    bytes: u64,
    next: u32,
    previous: u32,
    /// The next one of the same chain, or of the free list.
    link: u32,
}

impl Ghosts {
    pub(super) const fn new(capacity: u64, most: usize) -> Self {
        Self {
            capacity,
            most,
            nodes: Vec::new(),
            chains: Vec::new(),
            free: NONE,
            front: NONE,
            back: NONE,
            bytes: 0,
            len: 0,
        }
    }

    /// Remembers a name; forgets the oldest ones where there is no room.
    pub(super) fn insert(&mut self, hash: u64, bytes: u64) {
        if self.most == 0 || bytes > self.capacity || self.find(hash).is_some() {
            return;
        }
        while self.len >= self.most || self.bytes.saturating_add(bytes) > self.capacity {
            let Some(oldest) = self.nodes.get(self.front as usize) else {
                return;
            };
            let hash = oldest.hash;
            self.remove(hash);
        }
        self.reserve(self.len.saturating_add(1));
        let id = self.take_slot();
        let chain = self.chain(hash);
        let link = self.chains.get(chain).copied().unwrap_or(NONE);
        let previous = self.back;
        if let Some(node) = self.nodes.get_mut(id as usize) {
            *node = Ghost {
                hash,
                bytes,
                next: NONE,
                previous,
                link,
            };
        }
        if let Some(first) = self.chains.get_mut(chain) {
            *first = id;
        }
        match self.nodes.get_mut(previous as usize) {
            Some(last) => last.next = id,
            None => self.front = id,
        }
        self.back = id;
        self.bytes = self.bytes.saturating_add(bytes);
        self.len = self.len.saturating_add(1);
    }

    /// Forgets a name and tells whether it was known.
    pub(super) fn remove(&mut self, hash: u64) -> bool {
        let Some((before, id)) = self.find(hash) else {
            return false;
        };
        let Some(&ghost) = self.nodes.get(id as usize) else {
            return false;
        };
        let chain = self.chain(hash);
        match self.nodes.get_mut(before as usize) {
            Some(node) => node.link = ghost.link,
            None => {
                if let Some(first) = self.chains.get_mut(chain) {
                    *first = ghost.link;
                }
            }
        }
        match self.nodes.get_mut(ghost.previous as usize) {
            Some(node) => node.next = ghost.next,
            None => self.front = ghost.next,
        }
        match self.nodes.get_mut(ghost.next as usize) {
            Some(node) => node.previous = ghost.previous,
            None => self.back = ghost.previous,
        }
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.link = self.free;
        }
        self.free = id;
        self.bytes = self.bytes.saturating_sub(ghost.bytes);
        self.len = self.len.saturating_sub(1);
        true
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Makes room for `len` names in all, as far as so many may be remembered, so that
    /// remembering them allocates nothing.
    pub(super) fn reserve(&mut self, len: usize) {
        let (nodes, chains) = self.sizes_for(len);
        if nodes > self.nodes.capacity() {
            self.nodes
                .reserve_exact(nodes.saturating_sub(self.nodes.len()));
        }
        if chains > self.chains.len() {
            self.chains = vec![NONE; chains];
            let mut at = self.front;
            while let Some(&Ghost { hash, next, .. }) = self.nodes.get(at as usize) {
                let chain = self.chain(hash);
                if let (Some(first), Some(node)) =
                    (self.chains.get_mut(chain), self.nodes.get_mut(at as usize))
                {
                    (node.link, *first) = (*first, at);
                }
                at = next;
            }
        }
    }

    pub(super) const fn allocated(&self) -> usize {
        Self::size(self.nodes.capacity(), self.chains.capacity())
    }

    /// Bytes that [`Self::reserve`] allocates on top.
    pub(super) fn growth(&self, len: usize) -> usize {
        let (nodes, chains) = self.sizes_for(len);
        Self::size(
            nodes.saturating_sub(self.nodes.capacity()),
            chains.saturating_sub(self.chains.capacity()),
        )
    }

    fn sizes_for(&self, len: usize) -> (usize, usize) {
        let len = len.min(self.most);
        if len <= self.nodes.capacity() {
            return (self.nodes.capacity(), self.chains.len());
        }
        let half_more = self
            .nodes
            .capacity()
            .saturating_add(self.nodes.capacity() / 2);
        let nodes = len.max(half_more).max(NODES_MIN).min(self.most);
        (nodes, nodes.next_power_of_two().max(self.chains.len()))
    }

    const fn size(nodes: usize, chains: usize) -> usize {
        nodes
            .saturating_mul(size_of::<Ghost>())
            .saturating_add(chains.saturating_mul(size_of::<u32>()))
    }

    /// The node of a name, and the one before it in its chain.
    fn find(&self, hash: u64) -> Option<(u32, u32)> {
        let mut before = NONE;
        let mut at = self.chains.get(self.chain(hash)).copied()?;
        loop {
            let node = self.nodes.get(at as usize)?;
            if node.hash == hash {
                return Some((before, at));
            }
            (before, at) = (at, node.link);
        }
    }

    fn take_slot(&mut self) -> u32 {
        let id = self.free;
        if let Some(node) = self.nodes.get(id as usize) {
            self.free = node.link;
            return id;
        }
        self.nodes.push(Ghost {
            hash: 0,
            bytes: 0,
            next: NONE,
            previous: NONE,
            link: NONE,
        });
        u32::try_from(self.nodes.len().saturating_sub(1)).unwrap_or(NONE)
    }

    fn chain(&self, hash: u64) -> usize {
        // Whatever the caller's hash is worth: 2^64 divided by the golden ratio spreads neighbours.
        let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(mixed >> 32).unwrap_or(0) & self.chains.len().saturating_sub(1)
    }
}

/// Names that room is made for at first.
const NODES_MIN: usize = 16;
