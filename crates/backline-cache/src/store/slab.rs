//! A slab: values at stable indices, freed slots used again.

use std::mem::size_of;

/// The index of nothing.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: u32,
    len: u32,
}

#[derive(Debug)]
enum Slot<T> {
    Free(u32),
    Full(T),
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            len: 0,
        }
    }

    pub(crate) fn insert(&mut self, value: T) -> u32 {
        self.len = self.len.saturating_add(1);
        let index = self.free;
        if let Some(slot) = usize::try_from(index)
            .ok()
            .and_then(|index| self.slots.get_mut(index))
        {
            if let Slot::Free(next) = slot {
                self.free = *next;
            }
            *slot = Slot::Full(value);
            return index;
        }
        if self.slots.len() == self.slots.capacity() {
            self.slots.reserve_exact(self.step());
        }
        self.slots.push(Slot::Full(value));
        u32::try_from(self.slots.len().saturating_sub(1)).unwrap_or(NONE)
    }

    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let slot = self.slots.get_mut(index as usize)?;
        if matches!(slot, Slot::Free(_)) {
            return None;
        }
        let old = std::mem::replace(slot, Slot::Free(self.free));
        self.free = index;
        self.len = self.len.saturating_sub(1);
        match old {
            Slot::Full(value) => Some(value),
            Slot::Free(_) => None,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        match self.slots.get_mut(index as usize) {
            Some(Slot::Full(value)) => Some(value),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        match self.slots.get(index as usize) {
            Some(Slot::Full(value)) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..)
            .zip(&self.slots)
            .filter_map(|(index, slot)| match slot {
                Slot::Full(value) => Some((index, value)),
                Slot::Free(_) => None,
            })
    }

    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    /// Bytes allocated.
    pub(crate) const fn bytes(&self) -> usize {
        self.slots.capacity().saturating_mul(size_of::<Slot<T>>())
    }

    /// Bytes that the next insertion allocates on top.
    pub(crate) const fn growth(&self) -> usize {
        if self.free == NONE && self.slots.len() == self.slots.capacity() {
            self.step().saturating_mul(size_of::<Slot<T>>())
        } else {
            0
        }
    }

    /// Bytes that room for `len` values in all allocates on top.
    pub(crate) fn growth_to(&self, len: usize) -> usize {
        if len > self.slots.capacity() {
            let more = len.saturating_sub(self.slots.capacity()).max(self.step());
            more.saturating_mul(size_of::<Slot<T>>())
        } else {
            0
        }
    }

    /// Makes room for `len` values in all: while there are no more, insertion allocates nothing.
    pub(crate) fn reserve_to(&mut self, len: usize) {
        if len > self.slots.capacity() {
            let capacity = len.max(self.slots.capacity().saturating_add(self.step()));
            self.slots
                .reserve_exact(capacity.saturating_sub(self.slots.len()));
        }
    }

    /// Bytes that `len` values allocate when they are inserted one by one, at most.
    pub(crate) const fn bytes_for(len: usize) -> usize {
        let most = if len < STEP_MIN {
            STEP_MIN
        } else {
            len.saturating_add(len / 2)
        };
        most.saturating_mul(size_of::<Slot<T>>())
    }

    const fn step(&self) -> usize {
        let half = self.slots.capacity() / 2;
        if half < STEP_MIN { STEP_MIN } else { half }
    }
}

/// Slots that a slab grows by at least.
const STEP_MIN: usize = 16;
