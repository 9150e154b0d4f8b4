//! Bytes for the peer.

use bytes::{Buf, Bytes};
use std::io::IoSlice;

/// Longest chunk header: three bytes of basic header, eleven of message header, four of extended
/// timestamp.
pub(crate) const HEAD_MAX: usize = 18;
/// What may stand between the header and the payload: the longest head of a media body.
pub(crate) const PREFIX_MAX: usize = 16;
/// Bytes that a piece carries beside its payload.
pub(crate) const INLINE_MAX: usize = HEAD_MAX + PREFIX_MAX;

/// A piece of the byte stream to the peer: a short head and a shared payload, to be written in this
/// order.
///
/// It is a [`Buf`], so `write_all_buf` of an async runtime takes it as it is and writes both in one
/// vectored call; with `std`, write [`head`](Self::head) and then [`payload`](Self::payload).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transmit {
    head: [u8; INLINE_MAX],
    head_at: u8,
    head_end: u8,
    payload: Bytes,
}

impl Transmit {
    /// Makes a piece with the first `head_len` bytes of `head`.
    #[inline]
    pub(crate) const fn new(head: [u8; INLINE_MAX], head_len: u8, payload: Bytes) -> Self {
        Self {
            head,
            head_at: 0,
            head_end: head_len,
            payload,
        }
    }

    /// Returns what is left of the head.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.head
            .get(usize::from(self.head_at)..usize::from(self.head_end))
            .unwrap_or(&[])
    }

    /// Returns what is left of the payload.
    #[must_use]
    pub const fn payload(&self) -> &Bytes {
        &self.payload
    }
}

impl Buf for Transmit {
    fn remaining(&self) -> usize {
        self.head().len().saturating_add(self.payload.len())
    }

    fn chunk(&self) -> &[u8] {
        if self.head().is_empty() {
            &self.payload
        } else {
            self.head()
        }
    }

    fn advance(&mut self, count: usize) {
        let from_head = count.min(self.head().len());
        // At most 34, so the sum stays below 68.
        self.head_at = self
            .head_at
            .saturating_add(u8::try_from(from_head).unwrap_or(u8::MAX));
        self.payload.advance(count.saturating_sub(from_head));
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let parts = [self.head(), self.payload.as_ref()]
            .into_iter()
            .filter(|part| !part.is_empty());
        let mut count = 0_usize;
        for (slot, part) in slices.iter_mut().zip(parts) {
            *slot = IoSlice::new(part);
            count = count.saturating_add(1);
        }
        count
    }
}
