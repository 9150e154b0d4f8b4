//! Doubly linked queues over one array of nodes: a node is in one queue at most and leaves it in O(1).

use std::mem::size_of;

use crate::store::NONE;

/// What is known of one object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) hash: u64,
    pub(super) bytes: u64,
    next: u32,
    previous: u32,
    /// Hits since it came, capped.
    pub(super) hits: u8,
    pub(super) place: Place,
}

/// Which queue a node is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Absent,
    Main,
    Small,
}

const ABSENT: Node = Node {
    hash: 0,
    bytes: 0,
    next: NONE,
    previous: NONE,
    hits: 0,
    place: Place::Absent,
};

/// The nodes, by id.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
}

impl Nodes {
    pub(super) const fn new() -> Self {
        Self { nodes: Vec::new() }
    }

    pub(super) fn get(&self, id: u32) -> Option<&Node> {
        self.nodes
            .get(id as usize)
            .filter(|node| node.place != Place::Absent)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Node> {
        self.nodes
            .get_mut(id as usize)
            .filter(|node| node.place != Place::Absent)
    }

    /// Sets what is known of an id, which is in no queue. Its place is that of the queue it is
    /// pushed to next.
    pub(super) fn set(&mut self, id: u32, hash: u64, bytes: u64) {
        let len = (id as usize).saturating_add(1);
        if len > self.nodes.len() {
            if len > self.nodes.capacity() {
                let more = self.capacity_for(len).saturating_sub(self.nodes.len());
                self.nodes.reserve_exact(more);
            }
            self.nodes.resize(len, ABSENT);
        }
        if let Some(node) = self.nodes.get_mut(id as usize) {
            *node = Node {
                hash,
                bytes,
                ..ABSENT
            };
        }
    }

    pub(super) fn clear(&mut self, id: u32) {
        if let Some(node) = self.nodes.get_mut(id as usize) {
            *node = ABSENT;
        }
    }

    pub(super) const fn allocated(&self) -> usize {
        self.nodes.capacity().saturating_mul(size_of::<Node>())
    }

    /// Bytes that setting `id` allocates on top.
    pub(super) fn growth(&self, id: u32) -> usize {
        let len = (id as usize).saturating_add(1);
        if len <= self.nodes.capacity() {
            return 0;
        }
        let more = self.capacity_for(len).saturating_sub(self.nodes.capacity());
        more.saturating_mul(size_of::<Node>())
    }

    fn capacity_for(&self, len: usize) -> usize {
        let half_more = self
            .nodes
            .capacity()
            .saturating_add(self.nodes.capacity() / 2);
        len.max(half_more).max(NODES_MIN)
    }

    fn links(&mut self, id: u32) -> Option<&mut Node> {
        self.nodes.get_mut(id as usize)
    }
}

/// A queue: ids that come in at the back and go out at the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    place: Place,
    front: u32,
    back: u32,
    pub(super) bytes: u64,
    pub(super) len: u32,
}

impl Queue {
    pub(super) const fn new(place: Place) -> Self {
        Self {
            place,
            front: NONE,
            back: NONE,
            bytes: 0,
            len: 0,
        }
    }

    pub(super) const fn front(&self) -> Option<u32> {
        if self.front == NONE {
            None
        } else {
            Some(self.front)
        }
    }

    pub(super) fn push(&mut self, nodes: &mut Nodes, id: u32) {
        let (place, back) = (self.place, self.back);
        let Some(node) = nodes.links(id) else { return };
        (node.place, node.previous, node.next) = (place, back, NONE);
        self.bytes = self.bytes.saturating_add(node.bytes);
        self.len = self.len.saturating_add(1);
        match nodes.links(back) {
            Some(last) => last.next = id,
            None => self.front = id,
        }
        self.back = id;
    }

    /// Takes an id that is in this queue out of it; its node stays as it is.
    pub(super) fn unlink(&mut self, nodes: &mut Nodes, id: u32) {
        let Some(&mut Node {
            next,
            previous,
            bytes,
            ..
        }) = nodes.links(id)
        else {
            return;
        };
        match nodes.links(previous) {
            Some(node) => node.next = next,
            None => self.front = next,
        }
        match nodes.links(next) {
            Some(node) => node.previous = previous,
            None => self.back = previous,
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        self.len = self.len.saturating_sub(1);
    }
}

/// Nodes that are allocated at first.
const NODES_MIN: usize = 16;
