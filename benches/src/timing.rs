//! Races: the contestants take turns, so that a busy moment of the machine hits all of them.

use std::time::{Duration, Instant};

/// One who is timed.
pub struct Contestant<'a> {
    /// Name and version.
    pub who: &'static str,
    /// One repetition; whatever it computes goes through `black_box`.
    pub run: Box<dyn FnMut() + 'a>,
}

impl<'a> Contestant<'a> {
    /// Names what is run.
    pub fn new(who: &'static str, run: impl FnMut() + 'a) -> Self {
        Self {
            who,
            run: Box::new(run),
        }
    }
}

impl std::fmt::Debug for Contestant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contestant")
            .field("who", &self.who)
            .finish_non_exhaustive()
    }
}

/// What a contestant needed.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The shortest repetition: the one that the rest of the machine disturbed least.
    pub best: Duration,
    /// The repetition in the middle.
    pub median: Duration,
    /// Name and version.
    pub who: &'static str,
}

/// Lets each contestant run once for warmth and then in turns until `budget` is spent, at least three times.
///
/// A contestant who used up its share of the budget sits out, so that a slow peer does not cost the others their
/// repetitions.
#[must_use]
pub fn race(contestants: &mut [Contestant<'_>], budget: Duration) -> Vec<Timing> {
    const REPETITIONS_MIN: usize = 3;
    let share = budget / u32::try_from(contestants.len()).unwrap_or(u32::MAX).max(1);
    let mut took: Vec<Vec<Duration>> = contestants.iter().map(|_| Vec::new()).collect();
    for contestant in contestants.iter_mut() {
        (contestant.run)();
    }
    let began = Instant::now();
    loop {
        let mut any = false;
        for (contestant, took) in contestants.iter_mut().zip(&mut took) {
            let spent: Duration = took.iter().sum();
            if took.len() >= REPETITIONS_MIN && (spent >= share || began.elapsed() >= budget) {
                continue;
            }
            any = true;
            let start = Instant::now();
            (contestant.run)();
            took.push(start.elapsed());
        }
        if !any {
            break;
        }
    }
    contestants
        .iter()
        .zip(took)
        .map(|(contestant, mut took)| {
            took.sort();
            Timing {
                best: took[0],
                median: took[took.len() / 2],
                who: contestant.who,
            }
        })
        .collect()
}

/// The value below which `share` of the sorted values lie (nearest rank).
#[must_use]
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank among a few thousand values"
    )]
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::{Contestant, quantile, race};
    use std::time::Duration;

    #[test]
    fn contestants_take_turns_at_least_three_times() {
        let order = std::cell::RefCell::new(String::new());
        let timings = race(
            &mut [
                Contestant::new("a", || order.borrow_mut().push('a')),
                Contestant::new("b", || order.borrow_mut().push('b')),
            ],
            Duration::ZERO,
        );
        assert_eq!(*order.borrow(), "abababab");
        assert_eq!(timings[1].who, "b");
        assert!(timings[0].best <= timings[0].median);
    }

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let values: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(quantile(&values, 0.99), Duration::from_millis(198));
        assert_eq!(quantile(&values, 0.5), Duration::from_millis(100));
        assert_eq!(quantile(&values[..1], 0.99), Duration::from_millis(1));
    }
}
