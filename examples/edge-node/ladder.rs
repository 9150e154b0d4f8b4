//! Which sizes and bit rates a publisher should send, from what the way to the audience can carry.
//!
//! A viewer gets `uplink x 4/5 / audience`: a fifth stays for playlists, requests and what is sent twice. A rung is
//! offered when picture and sound together are within that, so that the whole audience can be on it at once, and when
//! it is not larger than the publisher's picture. Of those, as many as the publisher will encode, the largest and the
//! smallest first. What the publisher will send in all then takes rungs away from the top. One rung is always left:
//! where even the smallest does not fit, the ladder says so.

/// Bit rate of the sound, in kb/s.
pub(crate) const SOUND_KBPS: u64 = 128;
/// Rungs, unless the publisher wants fewer: each costs it an encoder.
const RUNGS: usize = 3;

/// Lines of a rung, and its bit rate in kb/s at 30 frames a second with x264 in a hurry; half as much again beyond
/// that.
const TABLE: [(u64, u64); 6] = [
    (1080, 4_500),
    (720, 2_500),
    (540, 1_600),
    (480, 1_200),
    (360, 700),
    (240, LEAST_KBPS),
];
const LEAST_KBPS: u64 = 350;

/// What the way to the audience can carry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct House {
    /// In kb/s, for all viewers together.
    pub(crate) uplink_kbps: u64,
    /// Viewers at a time.
    pub(crate) audience: u64,
}

/// What a publisher has and wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Of the picture that is to be scaled.
    pub(crate) width: u64,
    pub(crate) height: u64,
    /// Frames a second, as a fraction.
    pub(crate) rate: (u64, u64),
    pub(crate) rungs_max: Option<u64>,
    /// Kb/s of all rungs and sound together.
    pub(crate) total_kbps_max: Option<u64>,
}

/// One size of the picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rung {
    pub(crate) width: u64,
    pub(crate) height: u64,
    /// Of the picture alone.
    pub(crate) kbps: u64,
}

/// What to encode, largest first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ladder {
    pub(crate) rungs: Vec<Rung>,
    /// Whether the whole audience can be on any of them.
    pub(crate) fits: bool,
}

/// Kb/s that each viewer can have.
pub(crate) fn share_kbps(house: House) -> u64 {
    house.uplink_kbps * 4 / 5 / house.audience.max(1)
}

/// Chooses the rungs.
pub(crate) fn ladder(house: House, wish: Wish) -> Ladder {
    let share = share_kbps(house);
    let short = wish.width.min(wish.height).max(2);
    let (numerator, denominator) = wish.rate;
    let fast = numerator > 30 * denominator.max(1);
    let rung = |lines: u64, kbps: u64| Rung {
        width: even(wish.width * lines / short),
        height: even(wish.height * lines / short),
        kbps: if fast { kbps * 3 / 2 } else { kbps },
    };
    let mut rungs: Vec<Rung> = TABLE
        .iter()
        .filter(|(lines, _)| *lines <= short)
        .map(|(lines, kbps)| rung(*lines, *kbps))
        .collect();
    if rungs.is_empty() {
        rungs.push(rung(short, LEAST_KBPS));
    }
    let least = rungs.last().copied();
    rungs.retain(|rung| rung.kbps + SOUND_KBPS <= share);
    let fits = !rungs.is_empty();
    if !fits {
        rungs.extend(least);
    }
    let most = wish
        .rungs_max
        .map_or(RUNGS, |most| usize::try_from(most).unwrap_or(RUNGS));
    let mut rungs = spread(&rungs, most.clamp(1, RUNGS));
    if let Some(most) = wish.total_kbps_max {
        let most = most.saturating_sub(SOUND_KBPS);
        while rungs.len() > 1 && rungs.iter().map(|rung| rung.kbps).sum::<u64>() > most {
            rungs.remove(0);
        }
        if let Some(first) = rungs.first_mut() {
            first.kbps = first.kbps.min(most.max(100));
        }
    }
    Ladder { rungs, fits }
}

/// `count` of them, as far apart as can be; the first one always.
fn spread(rungs: &[Rung], count: usize) -> Vec<Rung> {
    let last = rungs.len().saturating_sub(1);
    if count > last {
        return rungs.to_vec();
    }
    (0..count)
        .filter_map(|index| rungs.get(index * last / (count - 1).max(1)).copied())
        .collect()
}

/// Encoders take even sizes alone.
const fn even(size: u64) -> u64 {
    let size = size - size % 2;
    if size < 2 { 2 } else { size }
}

#[cfg(test)]
mod tests;
