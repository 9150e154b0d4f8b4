//! Turns a fuzzer's bytes into numbers, slices and partitions.

/// Reads from the front of the bytes; an exhausted source gives zeros, so that every input means something.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    /// Reads from `data`.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Up to `count` bytes.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// One byte.
    pub fn u8(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// Two bytes, the least significant one first.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.u8(), self.u8()])
    }

    /// Four bytes, the least significant one first.
    pub fn u32(&mut self) -> u32 {
        u32::from(self.u16()) | u32::from(self.u16()) << 16
    }

    /// Eight bytes, the least significant one first.
    pub fn u64(&mut self) -> u64 {
        u64::from(self.u32()) | u64::from(self.u32()) << 32
    }

    /// One of `0..count`, from one byte.
    pub fn below(&mut self, count: u8) -> u8 {
        self.u8() % count.max(1)
    }

    /// Text of up to `count` bytes; what is no UTF-8 is replaced.
    pub fn text(&mut self, count: usize) -> String {
        String::from_utf8_lossy(self.take(count)).into_owned()
    }
}

/// Cuts `data` into pieces whose sizes follow from `seed`: single bytes with seed 0, otherwise a mixture of tiny, small
/// and large ones, empty ones among them.
pub fn pieces(data: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let mut state = u32::from(seed).wrapping_mul(0x9E37_79B9);
    let mut rest = data;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = match (seed, state >> 28) {
            (0, _) => 1,
            (_, 0..=7) => (state >> 20 & 0x3) as usize,
            (_, 8..=13) => (state >> 16 & 0x7F) as usize,
            _ => (state >> 12 & 0xFFF) as usize,
        };
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        rest = behind;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::{Source, pieces};

    #[test]
    fn an_exhausted_source_gives_zeros() {
        let mut source = Source::new(&[1, 2, 3]);
        assert_eq!((source.u16(), source.u32(), source.u8()), (0x0201, 3, 0));
        assert!(source.is_empty());
    }

    #[test]
    fn pieces_are_all_of_it_whatever_the_seed() {
        let data: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        for seed in 0..=255 {
            assert_eq!(pieces(&data, seed).collect::<Vec<_>>().concat(), data);
        }
        assert_eq!(pieces(&data, 0).count(), data.len());
    }
}
