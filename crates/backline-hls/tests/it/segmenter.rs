//! Rows SEG-1 to SEG-11, MUX-3 to MUX-8.

use std::time::Duration;

use backline_hls::codec::Codec;
use backline_hls::{
    Config, Event, Layout, Numbering, ObjectId, ObjectKind, Output, TrackId, Warning,
};

use crate::studio::{A0, AAC_44, AAC_48, AVC_720, M0, Script, Studio, V0, hex};

pub fn muxed() -> Config {
    let mut config = Config::default();
    config.layout = Layout::Muxed;
    config
}

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
        let mut studio = Studio::started(Config::default(), None);
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
    let mut studio = Studio::started(Config::default(), Some(AAC_48));
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
    let mut studio = Studio::started(Config::default(), None);
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
fn seg_9_sound_and_picture_advance_together() {
    for record in [AAC_48, AAC_44] {
        let scale = if record == AAC_48 { 48_000 } else { 44_100 };
        for config in [Config::default(), muxed()] {
            let layout = config.layout;
            let mut studio = Studio::started(config, Some(record));
            studio.play(
                &Script {
                    sound: (scale, 1_024),
                    ..Script::default()
                },
                0,
            );
            let lead = if layout == Layout::Muxed { M0 } else { V0 };
            assert_eq!(studio.points[&lead].1.msn, 4);
            let sound = if layout == Layout::Muxed {
                studio.runs(M0, 2)
            } else {
                studio.runs(A0, 1)
            };
            let frames: usize = sound.iter().map(|run| run.durations.len()).sum();
            assert!(
                sound
                    .iter()
                    .all(|run| run.durations.iter().all(|ticks| *ticks == 1_024))
            );
            let seconds = i64::try_from(frames).unwrap() * 1_024 / scale;
            assert!(seconds >= 9, "{layout:?} {scale}: {frames} frames of sound");
            if layout == Layout::Separate {
                assert_eq!(
                    studio.points[&V0].1, studio.points[&A0].1,
                    "segments close together"
                );
            }
            assert_eq!(studio.warnings, []);
            assert_eq!(studio.hls.stats().samples_dropped, 0);
        }
    }
}

#[test]
fn quirk_32_sound_frames_that_do_not_divide_the_part() {
    let mut studio = Studio::started(Config::default(), Some(AAC_48));
    studio.play(&Script::default(), 0);
    let (picture, sound) = (&studio.playlists[&V0], &studio.playlists[&A0]);
    for (picture, sound) in picture.segments.iter().zip(&sound.segments) {
        let (Some(picture), Some(sound)) = (picture.units, sound.units) else {
            continue;
        };
        assert!(
            picture.abs_diff(sound) <= 2 * 2_134,
            "{picture} and {sound}"
        );
    }
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
        let mut studio = Studio::started(Config::default(), None);
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
    let mut studio = Studio::started(Config::default(), Some(AAC_48));
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
    let mut studio = Studio::started(Config::default(), None);
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
fn seg_10_numbers_start_where_they_are_told() {
    let mut config = Config::default();
    config.numbering = Numbering::new(812, 3, 8_240, 4);
    let mut studio = Studio::started(config, None);
    studio.play(
        &Script {
            length_ms: 5_000,
            ..Script::silent()
        },
        0,
    );
    let media = &studio.playlists[&V0];
    assert_eq!((media.msn, media.discontinuity), (812, 3));
    assert_eq!(
        (&*media.segments[0].map, &*media.segments[0].parts[0].uri),
        ("i4.mp4", "p8240.m4s")
    );
    let numbering = studio.hls.numbering();
    assert_eq!(numbering, Numbering::new(815, 4, 8_240 + 25, 5));
}

#[test]
fn seg_11_the_end_closes_everything() {
    let mut studio = Studio::started(Config::default(), Some(AAC_48));
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
    let mut studio = Studio::started(Config::default(), Some(AAC_48));
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
fn quirk_23_a_returning_publisher_never_takes_numbers_back() {
    for config in [Config::default(), muxed()] {
        let lead = if config.layout == Layout::Muxed {
            M0
        } else {
            V0
        };
        let mut studio = Studio::started(config, Some(AAC_48));
        studio.play(
            &Script {
                length_ms: 5_000,
                ..Script::default()
            },
            0,
        );
        studio.event(Event::Stop);
        let before = studio.playlists[&lead].clone();
        assert!(
            before
                .segments
                .iter()
                .all(|segment| segment.units.is_some()),
            "parents are closed"
        );
        studio.at_ms(7_000);
        studio.start(Some(AAC_48));
        // The publisher's clock starts again from nothing.
        studio.play(
            &Script {
                length_ms: 100,
                ..Script::default()
            },
            7_000,
        );
        let media = &studio.playlists[&lead];
        let last = media.segments.last().unwrap();
        assert!(last.discontinuity && last.parts[0].independent);
        assert_eq!(last.msn, before.segments.last().unwrap().msn + 1);
        assert_eq!(last.date, "2026-11-23T20:00:07.000Z");
        assert_eq!(last.parts.len(), 1, "the key frame alone, at once");
        studio.play(
            &Script {
                first_ms: 100,
                length_ms: 4_000,
                gop: 60,
                ..Script::default()
            },
            7_100,
        );
        assert_eq!(studio.hls.stats().discontinuities, 1);
    }
}

#[test]
fn quirk_23_a_takeover_without_a_stop_is_a_return() {
    let mut studio = Studio::started(Config::default(), Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 5_000,
            ..Script::default()
        },
        0,
    );
    studio.start(Some(AAC_48));
    let came = studio.now;
    studio.play(
        &Script {
            length_ms: 3_000,
            ..Script::default()
        },
        5_000,
    );
    let media = &studio.playlists[&V0];
    let fresh = media
        .segments
        .iter()
        .find(|segment| segment.discontinuity)
        .unwrap();
    let number = fresh.parts[0].uri[1..]
        .strip_suffix(".m4s")
        .unwrap()
        .parse()
        .unwrap();
    let object = ObjectId {
        rendition: V0,
        kind: ObjectKind::Part,
        number,
    };
    assert!(
        studio.came[&object].duration_since(came) <= Duration::from_millis(50),
        "new parts within 50 ms"
    );
    assert_eq!(
        studio.playlists[&A0]
            .segments
            .iter()
            .filter(|segment| segment.discontinuity)
            .count(),
        1
    );
}

#[test]
fn mux_7_a_changed_config_is_a_new_generation_behind_a_discontinuity() {
    for config in [Config::default(), muxed()] {
        let layout = config.layout;
        let lead = if layout == Layout::Muxed { M0 } else { V0 };
        let mut studio = Studio::started(config, Some(AAC_48));
        studio.play(
            &Script {
                length_ms: 4_000,
                ..Script::default()
            },
            0,
        );
        studio.video_config(crate::studio::AVC_360);
        assert_eq!(
            studio.inits.len(),
            if layout == Layout::Muxed { 1 } else { 2 },
            "a repeat is nothing"
        );
        studio.video_config(AVC_720);
        assert_eq!(
            studio.playlists[&lead].map_hint.as_deref(),
            Some("i1.mp4"),
            "PL-8: the map is hinted"
        );
        studio.play(
            &Script {
                first_ms: 4_000,
                length_ms: 4_000,
                ..Script::default()
            },
            4_000,
        );
        let media = &studio.playlists[&lead];
        let changed = media
            .segments
            .iter()
            .find(|segment| segment.map == "i1.mp4")
            .unwrap();
        assert!(changed.discontinuity);
        assert_eq!(media.map_hint, None);
        assert!(
            studio
                .multivariant()
                .unwrap()
                .contains("RESOLUTION=1280x720")
        );
        if layout == Layout::Separate {
            let sound = &studio.playlists[&A0];
            assert!(sound.segments.iter().all(|segment| segment.map == "i0.mp4"));
            let cuts = sound
                .segments
                .iter()
                .filter(|segment| segment.discontinuity)
                .map(|segment| segment.msn);
            assert_eq!(
                cuts.collect::<Vec<_>>(),
                [changed.msn],
                "MV-4: discontinuities in step"
            );
        }
    }
}

#[test]
fn mux_7_a_changed_sound_config_waits_for_the_next_key_frame() {
    let mut studio = Studio::started(Config::default(), Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 3_000,
            ..Script::default()
        },
        0,
    );
    let record = hex(AAC_44);
    studio.event(Event::Config {
        track: TrackId::AUDIO,
        codec: Codec::Aac,
        record,
    });
    let script = Script {
        first_ms: 3_000,
        length_ms: 4_000,
        gop: 30,
        sound: (44_100, 1_024),
        ..Script::default()
    };
    studio.lenient = true;
    studio.play(&script, 3_000);
    let sound = &studio.playlists[&A0];
    assert_eq!(sound.segments.last().unwrap().map, "i1.mp4");
    assert_eq!(
        studio.playlists[&V0]
            .segments
            .iter()
            .filter(|segment| segment.discontinuity)
            .count(),
        1
    );
}

#[test]
fn seg_3_dropped_frames_keep_presentation_exact() {
    for gap_ms in [33, 66, 100, 500, 900] {
        let mut studio = Studio::started(Config::default(), None);
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
fn limits_a_step_beyond_them_is_a_discontinuity() {
    for step_ms in [-1_500, 4_000, 3_600_000, -3_000_000_000] {
        let mut studio = Studio::started(Config::default(), Some(AAC_48));
        studio.play(
            &Script {
                length_ms: 4_000,
                ..Script::default()
            },
            0,
        );
        let first_ms = 4_000 + step_ms;
        studio.play(
            &Script {
                first_ms,
                length_ms: 4_000,
                ..Script::default()
            },
            4_000,
        );
        assert_eq!(studio.hls.stats().discontinuities, 1, "{step_ms}");
        assert!(
            studio
                .warnings
                .iter()
                .any(|warning| matches!(warning, Warning::Jump { .. }))
        );
        assert!(studio.points[&V0].1.msn >= 3);
    }
}

#[test]
fn quirk_29_negative_first_times() {
    let mut studio = Studio::started(Config::default(), Some(AAC_48));
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
    let mut studio = Studio::started(Config::default(), None);
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
fn audio_alone_is_a_presentation() {
    let mut studio = Studio::new(Config::default());
    studio.event(Event::Start {
        wall: crate::studio::WALL,
    });
    studio.event(Event::Config {
        track: TrackId::AUDIO,
        codec: Codec::Aac,
        record: hex(AAC_48),
    });
    studio.play(
        &Script {
            rate: (0, 1),
            ..Script::default()
        },
        0,
    );
    let media = &studio.playlists[&A0];
    assert_eq!(media.part_target, 19_200);
    assert!(
        media
            .segments
            .iter()
            .flat_map(|segment| &segment.parts)
            .all(|part| part.units <= 19_200)
    );
    let multivariant = studio.multivariant().unwrap();
    assert!(
        multivariant.contains("CODECS=\"mp4a.40.2\"")
            && multivariant.ends_with("\na0/index.m3u8\n")
    );
}

#[test]
fn a_late_second_track_is_waited_for_and_a_very_late_one_ignored() {
    let mut studio = Studio::started(Config::default(), None);
    studio.play(
        &Script {
            length_ms: 300,
            ..Script::silent()
        },
        0,
    );
    studio.event(Event::Config {
        track: TrackId::AUDIO,
        codec: Codec::Aac,
        record: hex(AAC_48),
    });
    studio.play(
        &Script {
            first_ms: 300,
            length_ms: 4_000,
            gop: 1_000,
            ..Script::default()
        },
        300,
    );
    assert!(
        studio.playlists.contains_key(&A0),
        "DJI's order: sound comes after the picture"
    );

    let mut studio = Studio::started(Config::default(), None);
    studio.play(
        &Script {
            length_ms: 2_000,
            ..Script::silent()
        },
        0,
    );
    studio.event(Event::Config {
        track: TrackId::AUDIO,
        codec: Codec::Aac,
        record: hex(AAC_48),
    });
    assert_eq!(
        studio.warnings,
        [Warning::TrackIgnored {
            track: TrackId::AUDIO
        }]
    );
    studio.play(
        &Script {
            first_ms: 2_000,
            length_ms: 2_000,
            ..Script::default()
        },
        2_000,
    );
    assert!(!studio.playlists.contains_key(&A0));
}

#[test]
fn sound_that_stops_does_not_stop_the_picture() {
    for config in [Config::default(), muxed()] {
        let layout = config.layout;
        let mut studio = Studio::started(config, Some(AAC_48));
        studio.play(
            &Script {
                length_ms: 4_000,
                ..Script::default()
            },
            0,
        );
        studio.play(
            &Script {
                first_ms: 4_000,
                length_ms: 6_000,
                ..Script::silent()
            },
            4_000,
        );
        assert!(
            matches!(studio.warnings[..], [Warning::AudioMissing { .. }]),
            "{:?}",
            studio.warnings
        );
        studio.play(
            &Script {
                first_ms: 10_000,
                length_ms: 6_000,
                ..Script::default()
            },
            10_000,
        );
        let id = if layout == Layout::Muxed { M0 } else { A0 };
        assert_eq!(studio.points[&id].1.msn, 7);
        let sound = studio.runs(id, if layout == Layout::Muxed { 2 } else { 1 });
        let ticks: u64 = sound.iter().map(|run| run.ticks()).sum();
        assert!(
            ticks.abs_diff(16 * 48_000) < 48_000 / 4,
            "the hole is filled: {ticks}"
        );
    }
}
