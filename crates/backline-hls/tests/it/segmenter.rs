//! Rows SEG-1 to SEG-11: where parts and segments end.

use std::time::Duration;

use backline_hls::{Event, ObjectId, ObjectKind, Output, Warning};

use crate::studio::{A0, AAC_48, Script, Studio, V0, separate};

fn parts_of(studio: &Studio) -> Vec<u64> {
    let segments = &studio.playlists[&V0].segments;
    segments
        .iter()
        .flat_map(|segment| &segment.parts)
        .map(|part| part.units)
        .collect()
}

#[test]
fn seg_2_constant_rates_make_parts_of_whole_frames() {
    let rows = [
        ((30, 1), 20_100, 20_000),
        ((25, 1), 20_100, 20_000),
        ((50, 1), 20_100, 20_000),
        ((60, 1), 20_100, 20_000),
        ((24, 1), 20_934, 20_833),
        ((15, 1), 20_100, 20_000),
        ((30_000, 1_001), 20_100, 20_020),
        ((60_000, 1_001), 20_100, 20_020),
        ((24_000, 1_001), 20_934, 20_854),
    ];
    for (rate, part_target, part) in rows {
        let mut studio = Studio::started(separate(), None);
        let gop = rate.0 / rate.1 * 2;
        studio.play(
            &Script {
                rate,
                gop,
                length_ms: 20_000,
                ..Script::silent()
            },
            0,
        );
        assert_eq!(studio.playlists[&V0].part_target, part_target, "{rate:?}");
        let parts = parts_of(&studio);
        let odd = parts
            .iter()
            .filter(|units| units.abs_diff(part) > 60)
            .count();
        // The last part of a segment may be short: 2 s of 23.976 frames/s are not a whole number of parts.
        assert!(
            odd <= studio.playlists[&V0].segments.len(),
            "{rate:?}: {parts:?}"
        );
    }
}

#[test]
fn seg_2_b_frames_are_cut_in_decode_order() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    studio.play(
        &Script {
            b_frames: 2,
            gop: 61,
            ..Script::default()
        },
        0,
    );
    let mut shown = Vec::new();
    for run in studio.runs(V0, 1) {
        let mut at = i64::try_from(run.tfdt).unwrap();
        for (duration, composition) in run.durations.iter().zip(&run.compositions) {
            assert_eq!(*duration, 3_000);
            assert_eq!(
                composition % 3_000,
                0,
                "composition offsets are whole frames"
            );
            shown.push(at + i64::from(*composition));
            at += i64::from(*duration);
        }
    }
    shown.sort_unstable();
    // The last group of pictures is not complete.
    shown.truncate(shown.len() - 4);
    assert!(
        shown.windows(2).all(|pair| pair[1] - pair[0] == 3_000),
        "{shown:?}"
    );
}

#[test]
fn latency_a_part_goes_out_with_its_last_frame() {
    let mut studio = Studio::started(separate(), None);
    studio.play(
        &Script {
            length_ms: 5_000,
            ..Script::silent()
        },
        0,
    );
    // Part 20 holds frames 120 to 125; the last one comes at 4.167 s, the next one at 4.2 s.
    let came = studio.came[&ObjectId {
        rendition: V0,
        kind: ObjectKind::Part,
        number: 20,
    }];
    assert_eq!(
        came.duration_since(studio.origin),
        Duration::from_millis(4_167)
    );
}

#[test]
fn seg_1_short_groups_are_gathered_up_to_the_target() {
    let rows = [
        (10, 200_000),
        (15, 200_000),
        (24, 240_000),
        (27, 180_000),
        (45, 150_000),
        (60, 200_000),
    ];
    for (gop, units) in rows {
        let mut studio = Studio::started(separate(), None);
        studio.play(
            &Script {
                gop,
                length_ms: 20_000,
                ..Script::silent()
            },
            0,
        );
        let segments = &studio.playlists[&V0].segments;
        let closed: Vec<u64> = segments
            .iter()
            .skip(1)
            .filter_map(|segment| segment.units)
            .collect();
        assert!(
            closed.iter().all(|closed| *closed == units),
            "gop {gop}: {closed:?}"
        );
        assert!(
            segments
                .iter()
                .all(|segment| segment.parts.is_empty() || segment.parts[0].independent)
        );
        assert_eq!(studio.warnings, []);
    }
}

#[test]
fn seg_4_a_long_group_is_cut_and_reported_once() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    studio.play(
        &Script {
            gop: 250,
            length_ms: 30_000,
            ..Script::default()
        },
        0,
    );
    let segments = &studio.playlists[&V0].segments;
    assert!(
        segments
            .iter()
            .filter_map(|segment| segment.units)
            .all(|units| units <= 250_000)
    );
    assert!(
        matches!(
            studio.warnings[..],
            [Warning::LongGop {
                target_s: 2,
                gop_ms: 2_000
            }]
        ),
        "{:?}",
        studio.warnings
    );
}

#[test]
fn seg_8_dates_move_with_media_and_not_with_the_clock() {
    let mut studio = Studio::started(separate(), None);
    studio.at_ms(70);
    studio.play(
        &Script {
            length_ms: 9_000,
            ..Script::silent()
        },
        70,
    );
    let dates: Vec<&str> = studio.playlists[&V0]
        .segments
        .iter()
        .map(|segment| &*segment.date)
        .collect();
    let expected = ["00.070", "02.070", "04.070", "06.070", "08.070"]
        .map(|s| format!("2026-11-23T20:00:{s}Z"));
    assert_eq!(dates, expected);
}

#[test]
fn seg_11_the_end_closes_everything() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 5_100,
            ..Script::default()
        },
        0,
    );
    studio.event(Event::End);
    assert!(studio.ended);
    // The parts that were promised are those that the end has closed: none is taken back.
    assert_eq!(retractions(&studio), 0);
    for id in [V0, A0] {
        let media = &studio.playlists[&id];
        assert!(media.ended && media.hint.is_none() && media.reports.is_empty());
        assert!(media.segments.iter().all(|segment| segment.units.is_some()));
    }
    assert_eq!(
        studio.try_event(Event::Stop),
        Err(backline_hls::Error::Ended)
    );
}

#[test]
fn seg_11_an_end_after_a_stop_takes_the_hints_back() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 5_100,
            ..Script::default()
        },
        0,
    );
    studio.event(Event::Stop);
    studio.event(Event::End);
    assert_eq!(retractions(&studio), 2);
    assert!(studio.promised.is_empty());
}

fn retractions(studio: &Studio) -> usize {
    studio
        .outputs
        .iter()
        .filter(|output| matches!(output, Output::Retracted { .. }))
        .count()
}

#[test]
fn seg_3_dropped_frames_keep_presentation_exact() {
    for gap_ms in [33, 66, 100, 500, 900] {
        let mut studio = Studio::started(separate(), None);
        let script = Script {
            length_ms: 12_000,
            ..Script::silent()
        };
        let samples: Vec<_> = script
            .samples()
            .into_iter()
            .filter(|(at, ..)| !(5_010..5_010 + gap_ms).contains(at))
            .collect();
        for (at, _, composition, sync) in &samples {
            studio.at_ms(u64::try_from(*at).unwrap());
            studio.video(*at, *composition, *sync);
        }
        let mut shown = Vec::new();
        for run in studio.runs(V0, 1) {
            let mut at = i64::try_from(run.tfdt).unwrap();
            for (duration, composition) in run.durations.iter().zip(&run.compositions) {
                shown.push((at + i64::from(*composition) - 90_000) as f64 / 90.0);
                at += i64::from(*duration);
            }
        }
        for (shown, (at, ..)) in shown.iter().zip(&samples) {
            assert!(
                (shown - *at as f64).abs() < 1.6,
                "gap {gap_ms}: shown at {shown}, due at {at}"
            );
        }
        assert_eq!(studio.hls.stats().discontinuities, 0);
    }
}

#[test]
fn quirk_29_negative_first_times() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    studio.play(
        &Script {
            first_ms: -80,
            b_frames: 2,
            gop: 61,
            ..Script::default()
        },
        0,
    );
    assert_eq!(studio.hls.stats().samples_dropped, 0);
    let first = &studio.runs(V0, 1)[0];
    assert_eq!((first.tfdt, first.compositions[0]), (90_000, 3_000));
    let mut studio = Studio::started(separate(), None);
    for index in 0..60 {
        studio.video(index * 1_000 / 30, -67, index == 0);
    }
    assert_eq!(
        studio.runs(V0, 1)[0].compositions[0],
        -6_000,
        "a negative offset stays negative"
    );
}

#[test]
fn seg_1_frames_longer_than_half_a_segment_stay_within_the_target() {
    for gop in [1, 2, 100] {
        let mut config = separate();
        config.segment_target = Duration::from_millis(2_500);
        let mut studio = Studio::started(config, None);
        let script = Script {
            length_ms: 60_000,
            rate: (10, 23),
            gop,
            ..Script::silent()
        };
        studio.play(&script, 0);
        let stats = studio.hls.stats();
        assert_eq!(stats.part_target_us, Some(2_301_000));
        assert_eq!(stats.target_duration_s, Some(3));
        // Two frames would round to 5 s; the studio has checked every playlist against the target.
        assert!(studio.points[&V0].1.msn >= 20, "{stats:?}");
        assert!(parts_of(&studio).iter().all(|units| *units <= 230_100));
    }
}
