#![expect(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::{TICK_NS, Wheel};

proptest! {
    #[test]
    fn fires_each_once_at_its_tick(
        steps in prop::collection::vec((0_u64..3, 0_u64..400_000, 0_u64..9_000, any::<prop::sample::Index>()), 1..200),
    ) {
        let mut wheel = Wheel::new();
        let mut model: Vec<(u64, u32, u32)> = Vec::new();
        let (mut now, mut serial) = (0_u64, 0_u32);
        for (kind, ahead, step, which) in steps {
            match kind {
                0 => {
                    let index = wheel.insert((now + ahead) * TICK_NS, serial);
                    model.push((now + ahead.max(1), serial, index));
                    serial += 1;
                }
                1 if !model.is_empty() => {
                    let (_, _, index) = model.swap_remove(which.index(model.len()));
                    wheel.remove(index);
                }
                _ => {
                    now += step;
                    let mut fired = Vec::new();
                    while let Some(what) = wheel.pop(now * TICK_NS) {
                        fired.push(what);
                    }
                    let mut due: Vec<u32> =
                        model.iter().filter(|(at, ..)| *at <= now).map(|(_, what, _)| *what).collect();
                    model.retain(|(at, ..)| *at > now);
                    fired.sort_unstable();
                    due.sort_unstable();
                    prop_assert_eq!(fired, due);
                }
            }
            let next = model.iter().map(|(at, ..)| at * TICK_NS).min();
            prop_assert_eq!(wheel.next_ns().is_some(), next.is_some());
            prop_assert!(wheel.next_ns() <= next);
        }
    }
}

#[test]
fn all_timers_of_a_slot_move_down_together() {
    // The wheel comes to a digit boundary exactly, with several timers behind it on two levels.
    let boundary = 64 * 64 * 64;
    let mut wheel = Wheel::new();
    for ahead in [1, 70, 5_000] {
        wheel.insert((boundary + ahead) * TICK_NS, ahead);
    }
    assert_eq!(wheel.pop(boundary * TICK_NS), None);
    assert_eq!(wheel.next_ns(), Some((boundary + 1) * TICK_NS));
    assert_eq!(wheel.pop((boundary + 1) * TICK_NS), Some(1));
    assert_eq!(wheel.pop((boundary + 70) * TICK_NS), Some(70));
}

#[test]
fn what_is_over_fires_at_the_next_tick() {
    let mut wheel = Wheel::new();
    assert_eq!(wheel.pop(10 * TICK_NS), None);
    wheel.insert(3 * TICK_NS, 1);
    wheel.insert(u64::MAX, 2);
    assert_eq!(wheel.next_ns(), Some(11 * TICK_NS));
    assert_eq!(wheel.pop(11 * TICK_NS), Some(1));
    assert_eq!(wheel.pop(11 * TICK_NS), None);
}
