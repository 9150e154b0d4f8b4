use super::*;

/// Times in ticks of frames whose times are rounded to whole milliseconds.
fn rounded(rate: (i64, i64), count: i64) -> Vec<i64> {
    let (frames, seconds) = rate;
    let ms = |index| (index * 1_000 * seconds + frames / 2) / frames;
    (0..count).map(|index| ms(index) * 90).collect()
}

#[test]
fn learns_rates_from_half_a_second() {
    for rate in [(30, 1), (25, 1), (60, 1), (50, 1), (24, 1), (15, 1)] {
        let pace = Pace::learn(90_000, &rounded(rate, rate.0 / 2 + 1), 3_000);
        let frame = 90_000 * rate.1 / rate.0;
        assert_eq!((pace.frame(), pace.steady()), (frame, true), "{rate:?}");
    }
}

#[test]
fn seg_2_tells_29_97_from_30_over_time() {
    let rows = [
        (30_000, 1_001, 29_970),
        (60_000, 1_001, 59_940),
        (24_000, 1_001, 23_976),
    ];
    for (frames, seconds, milli_fps) in rows {
        let times = rounded((frames, seconds), 2_000);
        let mut pace = Pace::learn(90_000, &times[..15], 3_000);
        for time in times {
            pace.observe(time);
        }
        assert_eq!(pace.milli_fps(), milli_fps);
        assert!(pace.steady());
    }
}

#[test]
fn the_fraction_is_paid_over_time() {
    let mut pace = Pace::new(90_000, 1_501);
    pace.frame = (3_003 << FRACTION) / 2;
    let sum: i64 = (0..1_000).map(|_| pace.step()).sum();
    assert_eq!(sum, 1_501_500);
}

#[test]
fn a_changed_rate_is_adopted_and_a_dropped_frame_is_not() {
    let mut pace = Pace::learn(90_000, &rounded((30, 1), 15), 3_000);
    let mut now = 0;
    for index in 0..100 {
        now += if index % 10 == 9 { 6_000 } else { 3_000 };
        pace.observe(now);
        assert_eq!(pace.frame(), 3_000);
    }
    for _ in 0..20 {
        now += 6_000;
        pace.observe(now);
    }
    assert_eq!(pace.frame(), 6_000);
    assert!(pace.steady());
}

#[test]
fn composition_offsets_snap_to_frames() {
    let pace = Pace::new(90_000, 3_000);
    assert_eq!(pace.on_grid(67 * 90), 6_000);
    assert_eq!(pace.on_grid(-33 * 90), -3_000);
    assert_eq!(pace.on_grid(0), 0);
    assert_eq!(pace.on_grid(50 * 90), 50 * 90);
}
