//! Counts of values in bins whose width grows with the value.

/// Values below this have a bin each; from there on each doubling has as many bins.
const STEPS: u32 = 8;
/// Doublings of `STEPS` that 32 bits hold, and the values below.
const BINS: usize = 8 * 30;

/// A bin is at most an eighth of its least value wide, so what is read from it is at most 12.5 % too high. 968 bytes.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    bins: [u32; BINS],
    max: u32,
    total: u32,
}

impl Histogram {
    pub(super) const fn new() -> Self {
        Self {
            bins: [0; BINS],
            max: 0,
            total: 0,
        }
    }

    pub(super) fn add(&mut self, value: u32) {
        self.max = self.max.max(value);
        if let Some(bin) = self.bins.get_mut(place(value)) {
            *bin = bin.saturating_add(1);
            self.total = self.total.saturating_add(1);
        }
    }

    pub(super) const fn max(&self) -> u32 {
        self.max
    }

    /// Returns what 95 % of the values do not pass: the end of a bin, or the most that was seen.
    pub(super) fn p95(&self) -> Option<u32> {
        let rank = u64::from(self.total).saturating_mul(95).div_ceil(100);
        let mut seen = 0_u64;
        for (place, count) in self.bins.iter().enumerate() {
            seen = seen.saturating_add(u64::from(*count));
            if seen >= rank && seen > 0 {
                return Some(end(place).min(self.max));
            }
        }
        None
    }
}

fn place(value: u32) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let doublings = value.ilog2().saturating_sub(STEPS.ilog2());
    let step = value.wrapping_shr(doublings) & (STEPS.wrapping_sub(1));
    let first = doublings.saturating_add(1).saturating_mul(STEPS);
    first.saturating_add(step) as usize
}

/// Returns the greatest value of a bin.
fn end(place: usize) -> u32 {
    let place = u32::try_from(place).unwrap_or(u32::MAX);
    if place < STEPS {
        return place;
    }
    let doublings = (place / STEPS).saturating_sub(1);
    let next = u64::from((place % STEPS).saturating_add(STEPS).saturating_add(1));
    let end = next.wrapping_shl(doublings).saturating_sub(1);
    u32::try_from(end).unwrap_or(u32::MAX)
}
