//! What begins a discontinuity: returns, takeovers, changed configurations, jumps.

use std::time::Duration;

use backline_hls::codec::Codec;
use backline_hls::{
    Event, Layout, Numbering, ObjectId, ObjectKind, Output, RenditionId, TrackId, Warning,
};

use crate::studio::{A0, AAC_48, AVC_360, AVC_720, M0, Script, Studio, V0, hex, muxed, separate};

#[test]
fn seg_10_numbers_start_where_they_are_told() {
    let mut config = separate();
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
fn quirk_23_a_returning_publisher_never_takes_numbers_back() {
    for config in [separate(), muxed()] {
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
    let mut studio = Studio::started(separate(), Some(AAC_48));
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

/// Chromium that finds a hole in the sound behind a key frame takes no picture until the next key frame.
#[test]
fn quirk_35_sound_begins_no_later_than_the_picture_of_a_returning_publisher() {
    // Publishers write both in the order of their times, so sound comes before the key frame too.
    for offset_ms in -70..-40 {
        let mut studio = Studio::started(muxed(), Some(AAC_48));
        studio.play(
            &Script {
                length_ms: 4_990,
                ..Script::default()
            },
            0,
        );
        studio.event(Event::Stop);
        studio.at_ms(7_000);
        studio.start(Some(AAC_48));
        studio.play(
            &Script {
                first_ms: 1_000,
                length_ms: 3_000,
                sound_offset_ms: offset_ms,
                ..Script::default()
            },
            7_000,
        );
        let segments = &studio.playlists[&M0].segments;
        let fresh = segments.iter().find(|segment| segment.discontinuity);
        let uri = &fresh.unwrap().parts[0].uri;
        let number = uri[1..].strip_suffix(".m4s").unwrap().parse().unwrap();
        let object = ObjectId {
            rendition: M0,
            kind: ObjectKind::Part,
            number,
        };
        let runs = &studio.parts[&object].0;
        let begins_us = |track: u32, scale: u64| {
            let run = runs.iter().find(|run| run.track == track);
            run.map(|run| run.tfdt * 1_000_000 / scale)
        };
        let (picture, sound) = (begins_us(1, 90_000), begins_us(2, 48_000));
        let (picture, sound) = (picture.unwrap(), sound.expect("sound in the first part"));
        assert!(
            sound <= picture && picture - sound < 22_000,
            "{offset_ms} ms: sound at {sound} us, the picture at {picture} us"
        );
    }
}

#[test]
fn mux_7_a_changed_config_is_a_new_generation_behind_a_discontinuity() {
    for config in [separate(), muxed()] {
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
        studio.video_config(AVC_360);
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
fn limits_a_step_beyond_them_is_a_discontinuity() {
    for step_ms in [-1_500, 4_000, 3_600_000, -3_000_000_000] {
        let mut studio = Studio::started(separate(), Some(AAC_48));
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
fn mv_4_sound_that_never_comes_back_is_listed_as_absent() {
    let mut config = separate();
    config.window = Duration::from_secs(8);
    let mut studio = Studio::started(config, Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 10_000,
            ..Script::default()
        },
        0,
    );
    // The publisher comes back with a sound record for which there is neither a last frame nor silence, and no sound.
    studio.event(Event::Stop);
    studio.at_ms(12_000);
    studio.start(None);
    studio.event(Event::Config {
        track: TrackId::AUDIO,
        codec: Codec::Ac3,
        record: hex("101140"),
    });
    studio.play(
        &Script {
            length_ms: 30_000,
            ..Script::silent()
        },
        12_000,
    );
    let listed = &studio.playlists[&A0].segments;
    let units: u64 = listed.iter().filter_map(|segment| segment.units).sum();
    assert!(units >= 600_000, "three Target Durations stay: {units}");
    // Segments and discontinuities stay in step with the picture's, which the studio has checked.
    assert!(listed.iter().all(|segment| segment.gap));
    assert_eq!(studio.points[&A0].1, studio.points[&V0].1);
    assert!(studio.points[&V0].1.msn >= 19);
}

#[test]
fn mux_7_a_generation_that_was_never_used_expires_once() {
    let mut config = separate();
    config.window = Duration::from_secs(8);
    let mut studio = Studio::started(config, None);
    let play = |studio: &mut Studio, first_ms: i64, length_ms| {
        let script = Script {
            first_ms,
            length_ms,
            ..Script::silent()
        };
        studio.play(&script, first_ms.unsigned_abs());
    };
    play(&mut studio, 0, 4_000);
    // Announced, and replaced before its first picture.
    studio.video_config(AVC_720);
    studio.video_config(AVC_360);
    studio.video_config(AVC_720);
    play(&mut studio, 4_000, 20_000);
    let expired: Vec<u64> = studio
        .expired
        .keys()
        .filter(|object| object.kind == ObjectKind::Init)
        .map(|object| object.number)
        .collect();
    assert_eq!(expired, [0, 1, 2], "the studio saw each of them once");
    assert!(studio.texts[&V0].contains("i3.mp4") && studio.inits.len() == 4);
}

#[test]
fn mv_1_a_new_publishers_resolution_is_in_the_multivariant_at_once() {
    let mut studio = Studio::started(separate(), None);
    let script = Script {
        length_ms: 3_000,
        ..Script::silent()
    };
    studio.play(&script, 0);
    studio.start(None);
    studio.video_config(AVC_720);
    let advances = |studio: &Studio| {
        let multivariant = RenditionId::MULTIVARIANT;
        let advanced = studio.outputs.iter().filter(
            |output| matches!(output, Output::Advanced { rendition, .. } if *rendition == multivariant),
        );
        advanced.count()
    };
    let before = advances(&studio);
    assert!(studio.multivariant().unwrap().contains("640x360"));
    studio.at_ms(3_100);
    studio.video(0, 0, true);
    assert_eq!(advances(&studio), before + 1, "stored text is outdated");
    assert!(studio.multivariant().unwrap().contains("1280x720"));
}
