//! S3-FIFO, weighted by bytes.

use super::ghosts::Ghosts;
use super::queue::{Node, Nodes, Place, Queue};

/// The order of S3-FIFO (Yang et al., SOSP 2023) by bytes: a small queue of a tenth of the
/// capacity, a main one, and the names of those that left the small one without a second hit.
///
/// It holds no more than the caller lets in: before [`Self::insert`], call [`Self::evict`] until
/// `bytes() + new <= capacity`. Every operation is O(1), evicting amortised.
#[derive(Clone, Debug)]
pub struct S3Fifo {
    capacity: u64,
    nodes: Nodes,
    small: Queue,
    main: Queue,
    ghosts: Ghosts,
    /// Something was evicted before.
    warm: bool,
}

impl S3Fifo {
    /// An empty order for `capacity` bytes, which remembers up to [`Self::GHOSTS`] names.
    #[must_use]
    pub const fn new(capacity: u64) -> Self {
        Self::with_ghosts(capacity, Self::GHOSTS)
    }

    /// The same, which remembers up to `ghosts` names of objects that were evicted, 28 to 36 bytes each. Fewer names
    /// than 90 % of the capacity holds objects cost hits, none makes it a plain queue with second chances.
    #[must_use]
    pub const fn with_ghosts(capacity: u64, ghosts: usize) -> Self {
        Self {
            capacity,
            nodes: Nodes::new(),
            small: Queue::new(Place::Small),
            main: Queue::new(Place::Main),
            ghosts: Ghosts::new(capacity.saturating_sub(capacity / 10), ghosts),
            warm: false,
        }
    }

    /// Takes in an object that was hit for the first time. An `id` that is in already is taken in anew.
    pub fn insert(&mut self, id: u32, hash: u64, bytes: u64) {
        self.remove(id);
        self.nodes.set(id, hash, bytes);
        // Whoever comes back after it was evicted has shown that it is wanted. Until the first eviction nobody
        // could show that, and a small queue that is full would be the only one in use.
        let returns = self.ghosts.remove(hash);
        let queue = if returns || (!self.warm && self.small.bytes >= self.small_capacity()) {
            &mut self.main
        } else {
            &mut self.small
        };
        queue.push(&mut self.nodes, id);
        self.ghosts.reserve(self.ghosts_to_come());
    }

    /// Counts a hit. One of an object that is not in changes nothing.
    pub fn touch(&mut self, id: u32) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.hits = node.hits.saturating_add(1).min(HITS_MAX);
        }
    }

    /// Takes an object out, not to be remembered: it expired, was purged or pinned. `false` if it was not in.
    pub fn remove(&mut self, id: u32) -> bool {
        let Some(place) = self.nodes.get(id).map(|node| node.place) else {
            return false;
        };
        match place {
            Place::Main => self.main.unlink(&mut self.nodes, id),
            Place::Small => self.small.unlink(&mut self.nodes, id),
            Place::Absent => {}
        }
        self.nodes.clear(id);
        true
    }

    /// Takes out whoever is to go next. `None` when nothing is in.
    pub fn evict(&mut self) -> Option<u32> {
        self.warm = true;
        loop {
            let id = if self.main.bytes > self.main_capacity() || self.small.len == 0 {
                self.pop_main()?
            } else {
                self.pop_small()?
            };
            if let Some(id) = id {
                return Some(id);
            }
        }
    }

    /// Sets what [`Self::new`] set.
    pub const fn set_capacity(&mut self, capacity: u64) {
        self.capacity = capacity;
        self.ghosts.capacity = capacity.saturating_sub(capacity / 10);
    }

    /// Tells whether an object of this size is worth taking in: one that is larger than the small
    /// queue would drive out all that is on trial.
    #[must_use]
    pub const fn admits(&self, bytes: u64) -> bool {
        bytes <= self.small_capacity()
    }

    /// Sum of the sizes of the objects that are in.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.small.bytes.saturating_add(self.main.bytes)
    }

    /// The capacity that was set.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// How many objects are in.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.small.len.saturating_add(self.main.len)
    }

    /// Tells whether nothing is in.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the order itself has allocated.
    #[must_use]
    pub const fn allocated(&self) -> usize {
        self.nodes
            .allocated()
            .saturating_add(self.ghosts.allocated())
    }

    /// Bytes that inserting `id` allocates on top, at most. No other call allocates.
    #[must_use]
    pub fn growth(&self, id: u32) -> usize {
        let ghosts = self.ghosts.growth(self.ghosts_to_come().saturating_add(1));
        self.nodes.growth(id).saturating_add(ghosts)
    }

    /// The most names that are remembered unless the caller says otherwise: a million, which a
    /// capacity of small objects alone reaches.
    pub const GHOSTS: usize = 1 << 20;

    /// The oldest of the main queue, unless it was hit: then it goes to the back, one hit poorer.
    fn pop_main(&mut self) -> Option<Option<u32>> {
        let id = self.main.front()?;
        self.main.unlink(&mut self.nodes, id);
        if let Some(node) = self.nodes.get_mut(id).filter(|node| node.hits > 0) {
            node.hits = node.hits.saturating_sub(1);
            self.main.push(&mut self.nodes, id);
            return Some(None);
        }
        self.nodes.clear(id);
        Some(Some(id))
    }

    /// The oldest of the small queue, unless it was hit twice: then it goes to the main one.
    fn pop_small(&mut self) -> Option<Option<u32>> {
        let id = self.small.front()?;
        self.small.unlink(&mut self.nodes, id);
        let &mut Node {
            hash,
            bytes,
            ref mut hits,
            ..
        } = self.nodes.get_mut(id)?;
        if *hits >= PROMOTED_AT {
            *hits = 0;
            self.main.push(&mut self.nodes, id);
            return Some(None);
        }
        self.nodes.clear(id);
        self.ghosts.insert(hash, bytes);
        Some(Some(id))
    }

    /// Names there can be without another insertion.
    const fn ghosts_to_come(&self) -> usize {
        self.ghosts.len().saturating_add(self.small.len as usize)
    }

    const fn small_capacity(&self) -> u64 {
        self.capacity / 10
    }

    const fn main_capacity(&self) -> u64 {
        self.capacity.saturating_sub(self.small_capacity())
    }
}

/// Hits beyond this one do not count.
const HITS_MAX: u8 = 3;
/// Hits on trial that lead to the main queue.
const PROMOTED_AT: u8 = 2;
