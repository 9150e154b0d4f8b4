//! Doubly linked lists through slabs: joining and leaving are O(1) and allocate nothing.

use crate::store::{NONE, Slab};

/// What can be in a list.
pub(super) trait Linked {
    fn links(&mut self) -> &mut Links;
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    prev: u32,
    next: u32,
}

impl Links {
    pub(super) const NEW: Self = Self {
        prev: NONE,
        next: NONE,
    };

    pub(super) const fn next(&self) -> u32 {
        self.next
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    head: u32,
    tail: u32,
    len: u32,
}

impl List {
    pub(super) const NEW: Self = Self {
        head: NONE,
        tail: NONE,
        len: 0,
    };

    pub(super) const fn head(&self) -> u32 {
        self.head
    }

    pub(super) const fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn push<T: Linked>(&mut self, slab: &mut Slab<T>, index: u32) {
        let tail = self.tail;
        let Some(node) = slab.get_mut(index) else {
            return;
        };
        *node.links() = Links {
            prev: tail,
            next: NONE,
        };
        match slab.get_mut(tail) {
            Some(tail) => tail.links().next = index,
            None => self.head = index,
        }
        self.tail = index;
        self.len = self.len.saturating_add(1);
    }

    /// Takes `index` out, which must be in this list.
    pub(super) fn unlink<T: Linked>(&mut self, slab: &mut Slab<T>, index: u32) {
        let Some(node) = slab.get_mut(index) else {
            return;
        };
        let Links { prev, next } = std::mem::replace(node.links(), Links::NEW);
        match slab.get_mut(prev) {
            Some(prev) => prev.links().next = next,
            None => self.head = next,
        }
        match slab.get_mut(next) {
            Some(next) => next.links().prev = prev,
            None => self.tail = prev,
        }
        self.len = self.len.saturating_sub(1);
    }
}
