//! Box headers, and the bytes that go into an exactly sized buffer.

use bytes::Bytes;

/// Size and type.
pub(super) const BOX: usize = 8;
/// Size, type, version and flags.
pub(super) const FULL_BOX: usize = 12;
/// The largest size in a box's 32 bits; here also the largest init segment and `moof`, so that no size wraps.
pub(super) const SIZE_MAX: usize = 0x7fff_ffff;

/// Appends to a buffer that was allocated once, at its final size.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn with_capacity(size: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(size),
        }
    }

    /// Hands over the bytes. The buffer is full, so that this moves and does not copy.
    pub(super) fn finish(self) -> Bytes {
        debug_assert_eq!(
            self.bytes.len(),
            self.bytes.capacity(),
            "the size was computed before"
        );
        Bytes::from(self.bytes)
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn zeros<const N: usize>(&mut self) {
        self.put(&[0; N]);
    }

    /// Opens a box of `size` bytes, its header included.
    pub(super) fn boxed(&mut self, kind: [u8; 4], size: usize) {
        self.u32(size_field(size));
        self.put(&kind);
    }

    /// Opens a box with version and flags.
    pub(super) fn full(&mut self, kind: [u8; 4], size: usize, version: u8, flags: u32) {
        self.boxed(kind, size);
        self.u32(u32::from(version) << 24 | flags);
    }
}

/// A size that is known to be at most [`SIZE_MAX`].
pub(super) fn size_field(size: usize) -> u32 {
    debug_assert!(
        size <= SIZE_MAX,
        "sizes are checked before anything is written"
    );
    u32::try_from(size).unwrap_or(u32::MAX)
}
