//! Sound: beside the picture, alone, late, gone.

use backline_hls::codec::{Codec, TrackKind};
use backline_hls::{Event, Layout, TrackId, Warning};

use crate::boxes::Run;
use crate::studio::{A0, AAC_44, AAC_48, M0, Script, Studio, V0, hex, muxed, separate};

#[test]
fn seg_9_sound_and_picture_advance_together() {
    for record in [AAC_48, AAC_44] {
        let scale = if record == AAC_48 { 48_000 } else { 44_100 };
        for config in [separate(), muxed()] {
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
    let mut studio = Studio::started(separate(), Some(AAC_48));
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
fn mux_7_a_changed_sound_config_waits_for_the_next_key_frame() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
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
fn audio_alone_is_a_presentation() {
    let mut studio = Studio::new(separate());
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
    let mut studio = Studio::started(separate(), None);
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

    let mut studio = Studio::started(separate(), None);
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
    for config in [separate(), muxed()] {
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
        whole_frames(&sound);
    }
}

/// Players play sound back to back: a frame that is declared longer than it sounds is a drift.
fn whole_frames(runs: &[Run]) {
    for duration in runs.iter().flat_map(|run| &run.durations) {
        assert!(duration.abs_diff(1_024) <= 48, "{duration} ticks");
    }
}

#[test]
fn a_hole_in_the_sound_is_filled_with_silent_frames() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    let script = Script {
        length_ms: 8_000,
        ..Script::default()
    };
    for (at, kind, composition, sync) in script.samples() {
        studio.at_ms(u64::try_from(at).unwrap());
        match kind {
            TrackKind::Audio if (3_000..3_400).contains(&at) => {}
            TrackKind::Audio => studio.audio(at),
            TrackKind::Text => {}
            TrackKind::Video => studio.video(at, composition, sync),
        }
    }
    studio.event(Event::Stop);
    assert!(studio.warnings.is_empty(), "{:?}", studio.warnings);
    let sound = studio.runs(A0, 1);
    whole_frames(&sound);
    let bodies = studio.parts.iter().filter(|(part, _)| part.rendition == A0);
    let silent = bodies
        .flat_map(|(_, (_, body))| &body[1..])
        .filter(|data| data.len() == 9)
        .count();
    assert_eq!(silent, 19, "400 ms are 18.75 frames");
    let ticks: u64 = sound.iter().map(|run| run.ticks()).sum();
    assert!(ticks.abs_diff(8 * 48_000) < 2_400, "{ticks}");
}

/// Section 6.2.1: no moment between two listed ones is listed nowhere. Sound that was there before the picture's cut
/// and begins behind it leaves a hole in front, which neither silence nor the absent segment before it fills.
#[test]
fn seg_9_sound_that_begins_behind_the_pictures_cut_leaves_no_hole() {
    for begins_ms in (1_900..2_700).step_by(30) {
        let mut studio = Studio::started(separate(), Some(AAC_48));
        let script = |length_ms| Script {
            length_ms,
            ..Script::default()
        };
        studio.play(&script(4_000), 0);
        studio.event(Event::Stop);
        studio.at_ms(6_000);
        studio.start(Some(AAC_48));
        for (at, kind, composition, sync) in script(8_000).samples() {
            // Its encoder sends sound 1.9 s before its time.
            let at_ms = u64::try_from(at).unwrap();
            studio.at_ms(6_000 + at_ms);
            match kind {
                TrackKind::Audio if at + 1_900 < begins_ms => {}
                TrackKind::Audio => studio.audio(at + 1_900),
                TrackKind::Text => {}
                TrackKind::Video => studio.video(at, composition, sync),
            }
        }
        // The studio has looked at all dates.
        let [picture, sound] = [V0, A0].map(|id| &studio.playlists[&id]);
        assert_eq!(studio.points[&V0].1, studio.points[&A0].1);
        assert!((picture.end_ms() - sound.end_ms()).abs() < 300);
        let absent = sound.segments.iter().filter(|segment| segment.gap).count();
        assert!(absent <= 1, "{begins_ms}: {absent} absent segments");
    }
}

#[test]
fn a_picture_that_stops_is_reported_once_and_comes_back() {
    for config in [separate(), muxed()] {
        let mut studio = Studio::started(config, Some(AAC_48));
        let with = |first_ms, length_ms| Script {
            first_ms,
            length_ms,
            ..Script::default()
        };
        studio.play(&with(0, 4_000), 0);
        let parts = studio.hls.stats().parts;
        let silent_camera = Script {
            rate: (0, 1),
            ..with(4_000, 60_000)
        };
        studio.play(&silent_camera, 4_000);
        assert!(
            matches!(
                studio.warnings[..],
                [Warning::VideoMissing {
                    behind_ms: 3_000..3_100
                }]
            ),
            "{:?}",
            studio.warnings
        );
        let stats = studio.hls.stats();
        // Three seconds wait for the picture; the rest of a minute is counted, not kept.
        assert!((2_600..2_700).contains(&stats.samples_dropped), "{stats:?}");
        assert!(stats.parts <= parts + 2);
        studio.play(&with(64_000, 6_000), 64_000);
        let stats = studio.hls.stats();
        assert_eq!(stats.discontinuities, 1);
        assert!(stats.parts >= parts + 29);
        assert!(
            matches!(studio.warnings[1..], [Warning::Jump { track: TrackId::VIDEO, by_ms }] if by_ms > 60_000),
            "{:?}",
            studio.warnings
        );
    }
}

#[test]
fn a_picture_that_pauses_goes_on_without_a_cut() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    let script = Script {
        length_ms: 12_000,
        ..Script::default()
    };
    for (at, kind, composition, sync) in script.samples() {
        studio.at_ms(u64::try_from(at).unwrap());
        match kind {
            TrackKind::Video if (4_010..6_500).contains(&at) => {}
            TrackKind::Text => {}
            TrackKind::Video => studio.video(at, composition, sync),
            TrackKind::Audio => studio.audio(at),
        }
    }
    let stats = studio.hls.stats();
    assert_eq!((stats.samples_dropped, stats.discontinuities), (0, 0));
    assert!(
        matches!(studio.warnings[..], [] | [Warning::LongGop { .. }]),
        "{:?}",
        studio.warnings
    );
    assert!(studio.points[&V0].1.msn >= 4);
}

#[test]
fn a_picture_that_never_comes_is_reported_once() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    let sound = Script {
        rate: (0, 1),
        length_ms: 20_000,
        ..Script::default()
    };
    studio.play(&sound, 0);
    assert!(
        matches!(
            studio.warnings[..],
            [Warning::VideoMissing {
                behind_ms: 3_000..3_100
            }]
        ),
        "{:?}",
        studio.warnings
    );
    assert!(!studio.hls.stats().playable);
    studio.play(
        &Script {
            first_ms: 20_000,
            ..Script::default()
        },
        20_000,
    );
    assert!(studio.points[&V0].1.msn >= 4 && studio.points[&A0].1.msn >= 4);
    assert_eq!(studio.warnings.len(), 1);
}

#[test]
fn a_rate_that_falls_below_a_frame_a_part_stays_near_its_sound() {
    for config in [separate(), muxed()] {
        let id = if config.layout == Layout::Muxed {
            M0
        } else {
            V0
        };
        let mut studio = Studio::started(config, Some(AAC_48));
        let first = Script {
            length_ms: 4_000,
            ..Script::default()
        };
        studio.play(&first, 0);
        // A part of 200 ms can hold only as much of a frame that lasts 500 ms.
        let slow = Script {
            first_ms: 4_000,
            length_ms: 60_000,
            rate: (2, 1),
            gop: 4,
            ..Script::default()
        };
        studio.play(&slow, 4_000);
        let stats = studio.hls.stats();
        assert!((5..15).contains(&stats.discontinuities), "{stats:?}");
        let jumped = |warning: &Warning| {
            matches!(
                warning,
                Warning::Jump {
                    track: TrackId::VIDEO,
                    by_ms: 3_000..3_600
                }
            )
        };
        let unfit = Warning::RateUnfit {
            track: TrackId::VIDEO,
            milli_fps: 2_000,
        };
        let (others, said): (Vec<_>, Vec<_>) = studio
            .warnings
            .iter()
            .partition(|warning| **warning != unfit);
        assert!(others.into_iter().all(jumped), "{:?}", studio.warnings);
        assert_eq!(said.len(), 1);
        let mut furthest = 0;
        for run in studio.runs(id, 1) {
            furthest = furthest.max(*run.compositions.iter().max().unwrap());
        }
        assert!(furthest <= 3 * 90_000, "picture {furthest} ticks late");
        // Sound is left out between a cut and the next key frame only: up to 2 s in 6.
        let taken = stats.tracks[1].samples;
        assert!(
            taken * 1_024 > 64 * 48_000 * 6 / 10,
            "{taken} frames of sound"
        );
    }
}
