//! A table from outside numbers to small ones: open addressing, linear probing, deletion by
//! shifting back, so that it holds no tombstones and its speed does not depend on its past.

use std::mem::size_of;

use super::NONE;

#[derive(Debug)]
pub(crate) struct Table {
    /// A power of two of cells, or none. `value` [`NONE`] marks an empty cell.
    cells: Vec<Cell>,
    len: usize,
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    key: u64,
    value: u32,
}

const EMPTY: Cell = Cell {
    key: 0,
    value: NONE,
};
const CELLS_MIN: usize = 16;
/// 2^64 divided by the golden ratio: multiplying by it spreads neighbours (Knuth, 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Table {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            cells: Vec::new(),
            len: 0,
            seed,
        }
    }

    pub(crate) fn get(&self, key: u64) -> Option<u32> {
        self.find(key).map(|(_, value)| value)
    }

    /// Sets the value of `key`, which must not be [`NONE`].
    pub(crate) fn insert(&mut self, key: u64, value: u32) {
        if let Some((at, _)) = self.find(key) {
            self.set(at, Cell { key, value });
            return;
        }
        if self.is_full() {
            let cells = vec![EMPTY; self.next_size()];
            let old = std::mem::replace(&mut self.cells, cells);
            for cell in old.into_iter().filter(|cell| cell.value != NONE) {
                self.place(cell);
            }
        }
        self.len = self.len.saturating_add(1);
        self.place(Cell { key, value });
    }

    pub(crate) fn remove(&mut self, key: u64) -> Option<u32> {
        let (mut hole, value) = self.find(key)?;
        self.len = self.len.saturating_sub(1);
        let mut at = hole;
        loop {
            at = self.after(at);
            let Some(cell) = self
                .cells
                .get(at)
                .copied()
                .filter(|cell| cell.value != NONE)
            else {
                break;
            };
            // A cell may move back into the hole unless its home lies cyclically in (hole, at].
            let home = self.home(cell.key);
            let from_home = at.wrapping_sub(home) & self.mask();
            let from_hole = at.wrapping_sub(hole) & self.mask();
            if from_home >= from_hole {
                self.set(hole, cell);
                hole = at;
            }
        }
        self.set(hole, EMPTY);
        Some(value)
    }

    /// Bytes allocated.
    pub(crate) const fn bytes(&self) -> usize {
        self.cells.capacity().saturating_mul(size_of::<Cell>())
    }

    /// Bytes that the next insertion allocates on top.
    pub(crate) const fn growth(&self) -> usize {
        if self.is_full() {
            self.next_size()
                .saturating_sub(self.cells.len())
                .saturating_mul(size_of::<Cell>())
        } else {
            0
        }
    }

    /// Bytes that `len` values allocate.
    pub(crate) const fn bytes_for(len: usize) -> usize {
        // At most three quarters full, and a power of two: less than 8/3 of the values.
        let most = len.saturating_mul(8) / 3;
        (if most < CELLS_MIN { CELLS_MIN } else { most }).saturating_mul(size_of::<Cell>())
    }

    fn find(&self, key: u64) -> Option<(usize, u32)> {
        let mut at = self.home(key);
        loop {
            let cell = self.cells.get(at).filter(|cell| cell.value != NONE)?;
            if cell.key == key {
                return Some((at, cell.value));
            }
            at = self.after(at);
        }
    }

    fn place(&mut self, cell: Cell) {
        let mut at = self.home(cell.key);
        while self.cells.get(at).is_some_and(|cell| cell.value != NONE) {
            at = self.after(at);
        }
        self.set(at, cell);
    }

    fn set(&mut self, at: usize, cell: Cell) {
        if let Some(place) = self.cells.get_mut(at) {
            *place = cell;
        }
    }

    const fn is_full(&self) -> bool {
        self.len.saturating_add(1).saturating_mul(4) > self.cells.len().saturating_mul(3)
    }

    const fn next_size(&self) -> usize {
        let double = self.cells.len().saturating_mul(2);
        if double < CELLS_MIN {
            CELLS_MIN
        } else {
            double
        }
    }

    const fn mask(&self) -> usize {
        self.cells.len().saturating_sub(1)
    }

    const fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.mask()
    }

    fn home(&self, key: u64) -> usize {
        let mixed = (key ^ self.seed).wrapping_mul(SPREAD);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(SPREAD);
        usize::try_from(mixed >> 33).unwrap_or(0) & self.mask()
    }
}

#[cfg(test)]
mod tests;
