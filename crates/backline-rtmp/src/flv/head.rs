//! What stands before the payload of a media body.

use core::ops::Deref;

/// First byte, ModEx layer, multitrack wrapper, FourCC, track and composition time make 15 bytes at most.
const HEAD_LEN_MAX: usize = 16;

/// The bytes that stand before the payload of a media body; at most 16, held without an allocation.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Head {
    bytes: [u8; HEAD_LEN_MAX],
    len: usize,
}

impl Head {
    pub(super) fn push(&mut self, byte: u8) {
        if let Some(free) = self.bytes.get_mut(self.len) {
            *free = byte;
            self.len = self.len.saturating_add(1);
        }
    }

    pub(super) fn extend_from_slice(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.push(byte);
        }
    }
}

impl Deref for Head {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }
}
