use super::*;

fn cutter() -> Cutter {
    let targets = Targets {
        part_units: 20_100,
        target_s: 2,
    };
    Cutter::new(&targets, 90_000)
}

#[test]
fn seg_2_whole_frames_and_a_millisecond() {
    let solve = |frame, timescale, exact| {
        let want = Duration::from_millis(200);
        let rate = Rate {
            frame,
            timescale,
            exact,
        };
        Targets::solve(want, Duration::from_secs(2), &[rate]).part_units
    };
    assert_eq!(solve(3_000, 90_000, false), 20_100);
    assert_eq!(solve(3_754, 90_000, false), 20_956);
    assert_eq!(solve(1_024, 44_100, true), 20_898);
    assert_eq!(solve(1_024, 48_000, true), 19_200);
    // One frame every two seconds: the part is that frame.
    assert_eq!(solve(180_000, 90_000, false), 200_100);
}

#[test]
fn seg_2_one_part_target_for_pictures_of_different_rates() {
    let solve = |frames: &[i64]| {
        let rate = |frame: &i64| Rate {
            frame: *frame,
            timescale: 90_000,
            exact: false,
        };
        let rates: Vec<Rate> = frames.iter().map(rate).collect();
        let (want, segment) = (Duration::from_millis(200), Duration::from_secs(2));
        Targets::solve(want, segment, &rates).part_units
    };
    assert_eq!(solve(&[1_500, 3_000]), 20_100);
    assert_eq!(solve(&[3_000, 1_500, 6_000]), 20_100);
    // Four frames of 24 a second are 83 % of six of 30; six of 30 are 96 % of five of 24.
    assert_eq!(solve(&[3_000, 3_750]), 20_934);
    // What cannot be had is not looked for at any price: 2 frames a second beside 30.
    assert_eq!(solve(&[3_000, 45_000]), 20_100);
}

#[test]
fn seg_3_closes_before_the_sample_that_would_pass() {
    let cutter = cutter();
    assert_eq!((cutter.cap, cutter.floor), (18_090, 15_377));
    let fit = cutter.fit(12_000, 3_000, 3_000);
    assert!(!fit.close, "a sixth frame fits");
    assert!(cutter.fit(15_000, 3_000, 3_000).close);
}

#[test]
fn seg_3_squeezes_or_stretches_when_frames_do_not_divide_the_target() {
    let cutter = cutter();
    // Four frames of 41.7 ms are 83 %: a fifth goes in, squeezed.
    let fit = cutter.fit(11_250, 3_750, 3_750);
    assert_eq!((fit.duration, fit.close), (3_750, false));
    let fit = cutter.fit(15_000, 3_750, 3_750);
    assert_eq!((fit.duration, fit.close), (3_090, true));
    // Frames of 110 ms: one is too little, two are too much; the one is stretched.
    let fit = cutter.fit(0, 9_900, 19_000);
    assert_eq!((fit.duration, fit.close), (cutter.floor, true));
}

#[test]
fn del_6_advance_part_limit() {
    let limit = |part_units| {
        let targets = Targets {
            part_units,
            target_s: 2,
        };
        (0..99).take_while(|n| !targets.beyond_advance(*n)).last()
    };
    assert_eq!(limit(20_000), Some(15));
    assert_eq!(limit(33_300), Some(9));
    assert_eq!(limit(50_000), Some(6));
    assert_eq!(limit(100_000), Some(3));
    assert_eq!(limit(200_000), Some(3));
}
