//! The answers themselves, whole or growing. Each is held by the entry that it is stored under, by the fetch that makes
//! it and by those who read it or have it on its way out; it is charged until the last has let go.

use std::mem::size_of;
use std::sync::Arc;

use bytes::Bytes;

use super::list::List;
use super::types::{Read, Stored, Unit};
use crate::Body;
use crate::body::{ARC_BYTES, OWNER_BYTES};
use crate::store::{NONE, Slab};

/// Pieces of at least so many bytes are kept as they come; smaller ones are gathered.
pub(super) const PIECE_MIN: usize = 4 << 10;

#[derive(Debug)]
pub(super) struct Item {
    /// Bytes allocated for it.
    pub(super) bytes: usize,
    /// The fetch that makes it, while it does.
    pub(super) fill: u32,
    growing: Vec<Bytes>,
    holders: u32,
    len: u64,
    /// Those who wait for more.
    pub(super) parked: List,
    phase: Phase,
    /// Those who read it.
    pub(super) readers: u32,
    pub(super) stored: Arc<Stored>,
    tail: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Aborted,
    Grows,
    Whole,
}

#[derive(Debug)]
pub(super) struct Shelf {
    bytes: usize,
    pub(super) items: Slab<Item>,
}

impl Shelf {
    pub(super) const fn new() -> Self {
        Self {
            bytes: 0,
            items: Slab::new(),
        }
    }

    /// Puts an answer there whose body is still to come, held once.
    pub(super) fn open(&mut self, stored: Stored) -> u32 {
        let bytes = head_bytes(stored.meta.len());
        self.bytes = self.bytes.saturating_add(bytes);
        self.items.insert(Item {
            bytes,
            fill: NONE,
            growing: Vec::new(),
            holders: 1,
            len: 0,
            parked: List::NEW,
            phase: Phase::Grows,
            readers: 0,
            stored: Arc::new(stored),
            tail: Vec::new(),
        })
    }

    /// Replaces the head of a whole answer, as the origin says that the body still holds.
    pub(super) fn renew(&mut self, id: u32, head: Stored) {
        let Some(item) = self.items.get_mut(id) else {
            return;
        };
        let (old, new) = (
            head_bytes(item.stored.meta.len()),
            head_bytes(head.meta.len()),
        );
        item.stored = Arc::new(Stored {
            body: item.stored.body.clone(),
            length: item.stored.length,
            status: item.stored.status,
            ..head
        });
        item.bytes = item.bytes.saturating_add(new).saturating_sub(old);
        self.bytes = self.bytes.saturating_add(new).saturating_sub(old);
    }

    pub(super) fn hold(&mut self, id: u32) {
        if let Some(item) = self.items.get_mut(id) {
            item.holders = item.holders.saturating_add(1);
        }
    }

    pub(super) fn release(&mut self, id: u32) {
        let Some(item) = self.items.get_mut(id) else {
            return;
        };
        item.holders = item.holders.saturating_sub(1);
        if item.holders == 0
            && let Some(item) = self.items.remove(id)
        {
            self.bytes = self.bytes.saturating_sub(item.bytes);
        }
    }

    pub(super) fn stored(&self, id: u32) -> Option<&Arc<Stored>> {
        self.items.get(id).map(|item| &item.stored)
    }

    pub(super) fn grows(&self, id: u32) -> bool {
        self.items
            .get(id)
            .is_some_and(|item| item.phase == Phase::Grows)
    }

    /// Bytes of the body that are there.
    pub(super) fn len(&self, id: u32) -> u64 {
        self.items.get(id).map_or(0, |item| item.len)
    }

    /// Bytes that appending `more` allocates on top, at most.
    pub(super) fn growth_by(&self, id: u32, more: usize) -> usize {
        let Some(item) = self.items.get(id) else {
            return 0;
        };
        // A larger list is made beside the old one.
        let (pieces, most) = (
            item.growing.len().saturating_add(2),
            item.growing.capacity(),
        );
        let list = if most >= pieces {
            0
        } else {
            pieces.max(most.saturating_mul(2)).max(4)
        }
        .saturating_mul(size_of::<Bytes>());
        more.saturating_add(list)
            .saturating_add(PIECE_MIN)
            .saturating_add(OWNER_BYTES.saturating_mul(2))
    }

    /// Bytes that closing allocates on top, at most.
    pub(super) fn growth_to_close(&self, id: u32) -> usize {
        self.items.get(id).map_or(0, |item| {
            Body::rope_bytes(item.growing.len().saturating_add(1)).saturating_add(OWNER_BYTES)
        })
    }

    /// Adds bytes to the body; the charge follows what is allocated.
    pub(super) fn append(&mut self, id: u32, bytes: &[u8]) {
        let Some(item) = self.items.get_mut(id) else {
            return;
        };
        let before = item.allocated();
        item.len = item.len.saturating_add(bytes.len() as u64);
        if item.tail.len().saturating_add(bytes.len()) > PIECE_MIN && !item.tail.is_empty() {
            let tail = std::mem::take(&mut item.tail);
            item.push(tail);
        }
        if bytes.len() >= PIECE_MIN {
            item.push(bytes.to_vec());
        } else {
            if item.tail.capacity() == 0 {
                item.tail.reserve_exact(PIECE_MIN);
            }
            item.tail.extend_from_slice(bytes);
        }
        let after = item.allocated();
        item.bytes = item.bytes.saturating_add(after).saturating_sub(before);
        self.bytes = self.bytes.saturating_add(after).saturating_sub(before);
    }

    /// The body is whole.
    pub(super) fn close(&mut self, id: u32) {
        let Some(item) = self.items.get_mut(id) else {
            return;
        };
        let before = item.allocated();
        let tail = std::mem::take(&mut item.tail);
        if !tail.is_empty() {
            item.push(tail);
        }
        let old = &item.stored;
        let pieces = std::mem::take(&mut item.growing);
        let (body, body_bytes) = if pieces.is_empty() {
            (None, 0)
        } else {
            let charged = Body::assembled(pieces, old.received);
            (Some(charged.body), charged.bytes)
        };
        item.stored = Arc::new(Stored {
            body,
            length: Some(item.len),
            lifetime: old.lifetime,
            meta: old.meta.clone(),
            received: old.received,
            status: old.status,
        });
        item.phase = Phase::Whole;
        item.bytes = item.bytes.saturating_add(body_bytes).saturating_sub(before);
        self.bytes = self.bytes.saturating_add(body_bytes).saturating_sub(before);
    }

    /// The body will never be whole.
    pub(super) fn abort(&mut self, id: u32) {
        if let Some(item) = self.items.get_mut(id) {
            let freed = item.allocated();
            (item.growing, item.tail) = (Vec::new(), Vec::new());
            item.phase = Phase::Aborted;
            item.bytes = item.bytes.saturating_sub(freed);
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }

    /// How far one may read who gets so much at once: to the end when all is there.
    pub(super) fn released(&self, id: u32, unit: Unit) -> u64 {
        self.items.get(id).map_or(0, |item| match item.phase {
            Phase::Grows => unit.released(item.len),
            Phase::Aborted | Phase::Whole => item.len,
        })
    }

    /// Reads at `cursor`, which is byte `position`, no further than `end`.
    pub(super) fn read(
        &self,
        id: u32,
        cursor: &mut (usize, usize),
        position: u64,
        end: u64,
        unit: Unit,
    ) -> Read {
        let Some(item) = self.items.get(id) else {
            return Read::End;
        };
        if position >= end {
            return Read::End;
        }
        if item.phase == Phase::Aborted {
            return Read::Aborted { sent: 0 };
        }
        let limit = self.released(id, unit).min(end);
        if position >= limit {
            return if item.phase == Phase::Whole {
                Read::End
            } else {
                Read::Wait
            };
        }
        let room = usize::try_from(limit.saturating_sub(position)).unwrap_or(usize::MAX);
        loop {
            let (piece, at) = *cursor;
            let Some(bytes) = item.pieces().get(piece) else {
                let rest = item.tail.get(at..).unwrap_or_default();
                let taken = rest.get(..room).unwrap_or(rest);
                cursor.1 = at.saturating_add(taken.len());
                return Read::Bytes(Bytes::copy_from_slice(taken));
            };
            if at < bytes.len() {
                let to = at.saturating_add(room).min(bytes.len());
                cursor.1 = to;
                return Read::Bytes(bytes.slice(at..to));
            }
            *cursor = (piece.saturating_add(1), 0);
        }
    }

    /// Where byte `position` is; behind what is there, `None`.
    pub(super) fn seek(&self, id: u32, position: u64) -> Option<(usize, usize)> {
        let item = self.items.get(id)?;
        let mut rest = usize::try_from(position).ok()?;
        for (index, piece) in item.pieces().iter().enumerate() {
            if rest < piece.len() {
                return Some((index, rest));
            }
            rest = rest.saturating_sub(piece.len());
        }
        (rest <= item.tail.len()).then_some((item.pieces().len(), rest))
    }

    /// Bytes allocated.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes.saturating_add(self.items.bytes())
    }
}

impl Item {
    fn pieces(&self) -> &[Bytes] {
        self.stored
            .body
            .as_ref()
            .map_or(self.growing.as_slice(), Body::pieces)
    }

    fn push(&mut self, mut piece: Vec<u8>) {
        piece.shrink_to_fit();
        self.growing.push(Bytes::from_owner(piece));
    }

    /// Bytes allocated for the body while it grows.
    fn allocated(&self) -> usize {
        let pieces: usize = self
            .growing
            .len()
            .saturating_mul(OWNER_BYTES)
            .saturating_add(self.growing.capacity().saturating_mul(size_of::<Bytes>()));
        let bytes = usize::try_from(self.len)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.tail.len());
        match self.phase {
            Phase::Grows => pieces
                .saturating_add(bytes)
                .saturating_add(self.tail.capacity()),
            Phase::Aborted | Phase::Whole => 0,
        }
    }
}

/// What a head allocates.
pub(super) const fn head_bytes(meta: usize) -> usize {
    ARC_BYTES
        .saturating_add(size_of::<Stored>())
        .saturating_add(meta)
        .saturating_add(OWNER_BYTES)
}
