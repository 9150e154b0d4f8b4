//! HLS: parts out of samples, a crowd that waits for one playlist, a publisher that returns.

use crate::peers::fragments::Frame;
use crate::wire::Noise;

/// A part of `count` samples of 4 Mb/s at 30 a second, B-frames among them.
#[must_use]
pub fn frames(count: usize) -> Vec<Frame> {
    let mut noise = Noise::new(count as u64);
    (0..count)
        .map(|index| Frame {
            composition: [3000, 6000, 0][index % 3],
            data: noise.bytes(16_000 + 100 * index).into(),
            sync: index == 0,
        })
        .collect()
}

#[cfg(test)]
mod tests;
