use super::*;

const FRAME: i64 = 3_000;

fn picture() -> Timeline {
    let times: Vec<i64> = (0..15).map(|index| index * FRAME).collect();
    Timeline::new(TrackKind::Video, 90_000, Pace::learn(90_000, &times, FRAME))
}

/// Runs samples through a timeline without open parts: presentation times of all of them.
fn shown(timeline: &mut Timeline, due: &[i64]) -> Vec<i64> {
    let mut shown = Vec::new();
    for due in due {
        let place = timeline
            .place(*due, None)
            .expect("a picture is never dropped");
        shown.push(timeline.next() + place.late);
        timeline.extend(place.want.max(1));
    }
    shown
}

#[test]
fn mux_5_constant_rate_keeps_the_grid_over_rounded_times() {
    let mut timeline = picture();
    let due: Vec<i64> = (0..300)
        .map(|index| (index * 1_000 + 15) / 30 * 90)
        .collect();
    let expected: Vec<i64> = (0..300).map(|index| index * FRAME).collect();
    assert_eq!(shown(&mut timeline, &due), expected);
}

#[test]
fn mux_5_a_dropped_frame_moves_presentation_not_decoding() {
    let mut timeline = picture();
    let due: Vec<i64> = (0..30)
        .filter(|index| *index != 10)
        .map(|index| index * FRAME)
        .collect();
    assert_eq!(
        shown(&mut timeline, &due),
        due,
        "presentation times are exact"
    );
}

#[test]
fn mux_5_a_camera_that_jitters_is_shown_exactly() {
    let mut timeline = picture();
    let jitter = [0, 5, -7, 9, 3, -4, 12, 0];
    let due: Vec<i64> = (0..80)
        .zip(jitter.iter().cycle())
        .map(|(index, ms)| index * FRAME + ms * 90 + 900)
        .collect();
    for (shown, due) in shown(&mut timeline, &due).iter().zip(&due) {
        assert!((shown - due).abs() <= 135, "{shown} for {due}");
    }
}

#[test]
fn a_clock_that_runs_fast_is_followed() {
    let mut timeline = picture();
    // 0.1 % faster than the rate says: a second of drift in 17 minutes.
    let due: Vec<i64> = (0..2_000)
        .map(|index| (index * FRAME * 999 / 1_000) / 90 * 90)
        .collect();
    for (shown, due) in shown(&mut timeline, &due).iter().zip(&due) {
        assert!((shown - due).abs() <= 150, "{shown} for {due}");
    }
}

#[test]
fn sound_keeps_its_frames_and_fills_a_hole_with_a_longer_one() {
    let mut timeline = Timeline::new(TrackKind::Audio, 48_000, Pace::new(48_000, 1_024));
    for index in 0..10 {
        let due = (index * 1_024 * 1_000 / 48_000) * 48;
        let place = timeline.place(due, None).expect("in time");
        assert_eq!(place.want, 1_024);
        timeline.extend(1_024);
    }
    // 100 ms are missing; the sample before is still open and takes as much of it as fits.
    let last = Last {
        duration: 1_024,
        room: 3_000,
    };
    let place = timeline
        .place(10 * 1_024 + 4_800, Some(last))
        .expect("in time");
    assert_eq!((place.grow, place.want), (3_000, 1_024 + 1_800));
    assert_eq!(
        timeline.place(0, None),
        None,
        "what is long over is not shown"
    );
}

#[test]
fn epochs_join_three_clocks() {
    let epoch = Epoch {
        in_ns: -80_000_000,
        out_ns: 1_000_000_000,
        wall_ms: 1_700_000_000_000,
    };
    assert_eq!(epoch.ticks(-80_000_000, 90_000), 90_000);
    assert_eq!(epoch.ticks(-47_000_000, 90_000), 90_000 + 33 * 90);
    assert_eq!(epoch.date_ms(90_000 + 45_000, 90_000), 1_700_000_000_500);
    assert_eq!(to_ns(ticks(123_456_789, 44_100), 44_100) / 100_000, 1_234);
}
