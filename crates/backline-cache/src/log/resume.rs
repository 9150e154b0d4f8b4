//! Where a stream goes on after an outage.

use std::time::Duration;

use super::{Mark, Record};

/// How a rendition goes on: what its playlist lists behind what was found, before anything new.
///
/// Media sequence numbers are positions, so that a number that was given out and whose media is lost has to be
/// listed as a gap, or everything before it has to go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Resume {
    /// Whether what was found is not listed any more: more numbers are lost than gaps may be listed.
    pub afresh: bool,
    /// The discontinuity sequence of the first new segment.
    pub discontinuity: u64,
    /// Duration of one gap, 0.1 s up to the target duration; zero where there is none.
    pub gap: Duration,
    /// How many gap segments there are, numbered from the one behind the last that was found.
    pub gaps: u64,
    /// What of the outage the gaps do not cover: a jump of the wall clock behind the discontinuity.
    pub jump: Duration,
    /// The number of the first new segment.
    pub next: u64,
}

impl Resume {
    /// Calculates it from the last segment of the rendition that was found, the highest mark, the wall
    /// clock (milliseconds since the Unix epoch) and the target duration. A clock that went back is an
    /// outage of nothing. At most `most` gaps are listed.
    #[must_use]
    pub fn new(
        last: Option<&Record>,
        mark: Mark,
        wall_ms: i64,
        target: Duration,
        most: u32,
    ) -> Self {
        let Some(last) = last else {
            return Self::afresh(mark.seq, mark.discontinuity);
        };
        let discontinuity = last.discontinuity.max(mark.discontinuity);
        let target = target.max(GAP_MIN);
        let seq = last.key.seq;
        let end_ms = i128::from(last.wall_ms)
            .saturating_add(i128::try_from(last.duration.as_millis()).unwrap_or(i128::MAX));
        let outage_ms = i128::from(wall_ms).saturating_sub(end_ms).max(0);
        let outage = Duration::from_millis(u64::try_from(outage_ms).unwrap_or(u64::MAX));
        let lost = mark.seq.saturating_sub(seq);
        if lost > u64::from(most) {
            return Self::afresh(mark.seq, discontinuity);
        }
        let missing = outage.as_nanos().div_ceil(target.as_nanos());
        let missing = u64::try_from(missing)
            .unwrap_or(u64::MAX)
            .min(u64::from(most));
        let gaps = lost.max(missing);
        let nanos = outage.as_nanos().checked_div(u128::from(gaps)).unwrap_or(0);
        let gap = if gaps == 0 {
            Duration::ZERO
        } else {
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).clamp(GAP_MIN, target)
        };
        let covered = gap.saturating_mul(u32::try_from(gaps).unwrap_or(u32::MAX));
        Self {
            afresh: false,
            discontinuity: discontinuity.saturating_add(1),
            gap,
            gaps,
            jump: outage.saturating_sub(covered),
            next: seq.saturating_add(gaps).saturating_add(1),
        }
    }

    /// Nothing before is listed; the numbers go on behind the mark all the same.
    const fn afresh(seq: u64, discontinuity: u64) -> Self {
        Self {
            afresh: true,
            discontinuity: discontinuity.saturating_add(1),
            gap: Duration::ZERO,
            gaps: 0,
            jump: Duration::ZERO,
            next: seq.saturating_add(1),
        }
    }
}

/// The shortest gap that is listed.
const GAP_MIN: Duration = Duration::from_millis(100);
