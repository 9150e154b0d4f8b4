//! Greedy-dual with sizes and frequencies.

use std::cmp::Ordering;
use std::mem::size_of;

use crate::store::NONE;

/// The order of GDSF (Cherkasova, HPL-98-69): an object is worth its hits a byte on top of what
/// the last one that was evicted was worth, and the least worthy goes first. Large objects that are asked for
/// seldom leave early, and everybody leaves in the end.
///
/// It holds no more than the caller lets in: before [`Self::insert`], call [`Self::evict`] until
/// `bytes() + new <= capacity`. Inserting, touching and evicting are O(log n).
#[derive(Clone, Debug)]
pub struct Gdsf {
    capacity: u64,
    nodes: Vec<Node>,
    /// Ids as a heap of [`WIDTH`] children a node, the least worthy first.
    heap: Vec<u32>,
    /// What the last one that was evicted was worth.
    floor: f64,
    requests: u64,
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    worth: f64,
    /// Number of the last request for it: of equals the one that was asked for longest ago goes first.
    last: u64,
    bytes: u64,
    hits: u32,
    /// Place in the heap, or [`NONE`].
    at: u32,
}

const ABSENT: Node = Node {
    worth: 0.0,
    last: 0,
    bytes: 0,
    hits: 0,
    at: NONE,
};

impl Gdsf {
    /// An empty order for `capacity` bytes.
    #[must_use]
    pub const fn new(capacity: u64) -> Self {
        Self {
            capacity,
            nodes: Vec::new(),
            heap: Vec::new(),
            floor: 0.0,
            requests: 0,
            bytes: 0,
        }
    }

    /// Takes in an object that was hit for the first time. An `id` that is in already is taken in anew. The
    /// `hash` is not needed here; it is an argument so that both orders are used alike.
    pub fn insert(&mut self, id: u32, _hash: u64, bytes: u64) {
        self.remove(id);
        self.reserve(id);
        let at = u32::try_from(self.heap.len()).unwrap_or(NONE);
        self.requests = self.requests.saturating_add(1);
        let worth = self.worth(1, bytes);
        let Some(node) = self.nodes.get_mut(id as usize) else {
            return;
        };
        *node = Node {
            worth,
            last: self.requests,
            bytes,
            hits: 1,
            at,
        };
        self.bytes = self.bytes.saturating_add(bytes);
        self.heap.push(id);
        self.rise(at as usize);
    }

    /// Counts a hit. One of an object that is not in changes nothing.
    pub fn touch(&mut self, id: u32) {
        let Some(&Node {
            hits, bytes, at, ..
        }) = self.get(id)
        else {
            return;
        };
        self.requests = self.requests.saturating_add(1);
        let hits = hits.saturating_add(1);
        let worth = self.worth(hits, bytes);
        let last = self.requests;
        if let Some(node) = self.nodes.get_mut(id as usize) {
            (node.hits, node.worth, node.last) = (hits, worth, last);
        }
        // It is worth more than before, and was asked for later than all the others.
        self.sink(at as usize);
    }

    /// Takes an object out: it expired, was purged or pinned. `false` if it was not in.
    pub fn remove(&mut self, id: u32) -> bool {
        let Some(&Node { bytes, at, .. }) = self.get(id) else {
            return false;
        };
        if let Some(node) = self.nodes.get_mut(id as usize) {
            *node = ABSENT;
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        let at = at as usize;
        if let Some(last) = self.heap.pop()
            && at < self.heap.len()
        {
            self.put(at, last);
            self.sink(at);
            self.rise(at);
        }
        true
    }

    /// Takes out whoever is to go next. `None` when nothing is in.
    pub fn evict(&mut self) -> Option<u32> {
        let id = self.heap.first().copied()?;
        if let Some(node) = self.get(id) {
            self.floor = node.worth;
        }
        self.remove(id);
        if self.floor > FLOOR_MAX {
            self.lower();
        }
        Some(id)
    }

    /// Sets what [`Self::new`] set.
    pub const fn set_capacity(&mut self, capacity: u64) {
        self.capacity = capacity;
    }

    /// Tells whether an object of this size can be taken in.
    #[must_use]
    pub const fn admits(&self, bytes: u64) -> bool {
        bytes <= self.capacity
    }

    /// Sum of the sizes of the objects that are in.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The capacity that was set.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// How many objects are in.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.heap.len()).unwrap_or(u32::MAX)
    }

    /// Tells whether nothing is in.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Bytes that the order itself has allocated.
    #[must_use]
    pub const fn allocated(&self) -> usize {
        Self::size(self.nodes.capacity(), self.heap.capacity())
    }

    /// Bytes that inserting `id` allocates on top. No other call allocates.
    #[must_use]
    pub fn growth(&self, id: u32) -> usize {
        Self::size(
            grown(self.nodes.capacity(), (id as usize).saturating_add(1))
                .saturating_sub(self.nodes.capacity()),
            grown(self.heap.capacity(), self.heap.len().saturating_add(1))
                .saturating_sub(self.heap.capacity()),
        )
    }

    fn reserve(&mut self, id: u32) {
        let len = (id as usize).saturating_add(1);
        if len > self.nodes.len() {
            let nodes = grown(self.nodes.capacity(), len);
            self.nodes
                .reserve_exact(nodes.saturating_sub(self.nodes.len()));
            self.nodes.resize(len, ABSENT);
        }
        let heap = grown(self.heap.capacity(), self.heap.len().saturating_add(1));
        self.heap
            .reserve_exact(heap.saturating_sub(self.heap.len()));
    }

    /// Takes the floor off all that is in, long before a hit is too small to be seen beside it.
    fn lower(&mut self) {
        for &id in &self.heap {
            if let Some(node) = self.nodes.get_mut(id as usize) {
                node.worth -= self.floor;
            }
        }
        self.floor = 0.0;
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes beyond 2^53 bytes are not kept in memory"
    )]
    fn worth(&self, hits: u32, bytes: u64) -> f64 {
        self.floor + f64::from(hits) * SCALE / bytes.max(1) as f64
    }

    fn get(&self, id: u32) -> Option<&Node> {
        self.nodes.get(id as usize).filter(|node| node.at != NONE)
    }

    /// Moves the id at a place towards the top while it is less worthy than what is above it.
    fn rise(&mut self, mut at: usize) {
        let Some(id) = self.heap.get(at).copied() else {
            return;
        };
        while let Some(above) = at.checked_sub(1).map(|at| at / WIDTH)
            && let Some(parent) = self.heap.get(above).copied()
            && self.order(id, parent) == Ordering::Less
        {
            self.put(at, parent);
            at = above;
        }
        self.put(at, id);
    }

    /// Moves the id at a place away from the top while something below it is less worthy.
    fn sink(&mut self, mut at: usize) {
        let Some(id) = self.heap.get(at).copied() else {
            return;
        };
        loop {
            let first = at.saturating_mul(WIDTH).saturating_add(1);
            let Some((below, least)) = (first..first.saturating_add(WIDTH))
                .zip(self.heap.iter().skip(first).copied())
                .min_by(|(_, a), (_, b)| self.order(*a, *b))
            else {
                break;
            };
            if self.order(least, id) != Ordering::Less {
                break;
            }
            self.put(at, least);
            at = below;
        }
        self.put(at, id);
    }

    fn put(&mut self, at: usize, id: u32) {
        if let Some(place) = self.heap.get_mut(at) {
            *place = id;
        }
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.at = u32::try_from(at).unwrap_or(NONE);
        }
    }

    fn order(&self, a: u32, b: u32) -> Ordering {
        match (self.nodes.get(a as usize), self.nodes.get(b as usize)) {
            (Some(a), Some(b)) => a.worth.total_cmp(&b.worth).then(a.last.cmp(&b.last)),
            _ => Ordering::Equal,
        }
    }

    const fn size(nodes: usize, heap: usize) -> usize {
        nodes
            .saturating_mul(size_of::<Node>())
            .saturating_add(heap.saturating_mul(size_of::<u32>()))
    }
}

/// The capacity that room for `len` values takes: half more than before, so that growing is amortised.
const fn grown(capacity: usize, len: usize) -> usize {
    if len <= capacity {
        return capacity;
    }
    let half_more = capacity.saturating_add(capacity / 2);
    let more = if half_more < CAPACITY_MIN {
        CAPACITY_MIN
    } else {
        half_more
    };
    if more < len { len } else { more }
}

/// Children of a node of the heap: four lie in one cache line.
const WIDTH: usize = 4;
/// What a hit is worth for an object of one byte.
const SCALE: f64 = 1e6;
/// Beside a floor of 2^36 a hit of a 64 MiB object, 2^-6, still counts with 10 bits to spare.
const FLOOR_MAX: f64 = (1_u64 << 36) as f64;
/// Values that are allocated at first.
const CAPACITY_MIN: usize = 16;
