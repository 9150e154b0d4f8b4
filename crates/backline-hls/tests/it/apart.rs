//! Pictures that leave the step: absent, changed, or promised and not kept: rows MV-3, MV-4, MV-6, MUX-7 and SEG-1.

use backline_hls::{Config, Error, Event, Warning};

use crate::ladder::{
    A1, Row, V1, V2, audio, config, five, ladder, length, obs, play, play_rows, rows, video,
};
use crate::studio::{A0, AAC_48, AVC_360, AVC_720, Script, V0, WALL, sample};

#[test]
fn mv_6_a_picture_that_vanishes_keeps_its_rendition_and_comes_back() {
    let mut studio = obs(Config::default());
    let gone = 6_010..14_500;
    let all = rows(&five(length(24_000)));
    let all: Vec<Row> = all
        .into_iter()
        .filter(|row| row.track != video(1) || !gone.contains(&row.at_ms))
        .collect();
    let at = all.iter().position(|row| row.at_ms >= 6_010).unwrap();
    let back = all.iter().position(|row| row.at_ms >= 14_500).unwrap();
    play_rows(&mut studio, &all[..at], 0);
    studio.in_step = false;
    play_rows(&mut studio, &all[at..back], 0);
    assert!(
        matches!(studio.warnings[..], [Warning::TrackMissing { track, behind_ms: 1_000..=1_200 }] if track == video(1)),
        "{:?}",
        studio.warnings
    );
    let media = &studio.playlists[&V1];
    let absent = media.segments.iter().filter(|segment| segment.gap).count();
    assert!(absent >= 3, "whole segments are absent: {absent}");
    assert!(
        media
            .segments
            .last()
            .unwrap()
            .parts
            .iter()
            .all(|part| part.gap)
    );
    assert!(media.hint.is_some(), "the promise holds");
    play_rows(&mut studio, &all[back..], 0);
    // Its next key frame is at 16 s.
    studio.in_step = true;
    let media = &studio.playlists[&V1];
    let back = media
        .segments
        .iter()
        .find(|segment| segment.date.ends_with("20:00:16.000Z"))
        .unwrap();
    assert!(back.parts.is_empty() || back.parts[0].independent);
    assert!(!back.gap && !back.discontinuity);
    assert_eq!(studio.warnings.len(), 1);
    assert_eq!(studio.points[&V1].1, studio.points[&V0].1);
    assert_eq!(studio.hls.stats().discontinuities, 0);
    // What came between its return and its key frame could not be decoded.
    assert!(
        (44..=46).contains(&studio.hls.stats().samples_dropped),
        "{:?}",
        studio.hls.stats().samples_dropped
    );
    studio.event(Event::End);
    assert!(studio.playlists[&V1].ended);
}

#[test]
fn mv_6_a_picture_that_a_returning_publisher_lacks_is_absent_behind_the_same_discontinuity() {
    let mut studio = obs(Config::default());
    play(&mut studio, &five(length(5_000)));
    studio.event(Event::Stop);
    studio.at_ms(8_000);
    studio.event(Event::Start { wall: WALL });
    studio.event(config(video(0), AVC_720));
    studio.in_step = false;
    let without: Vec<Row> = rows(&five(length(9_000)))
        .into_iter()
        .filter(|row| row.track != video(2) && row.track != audio(1))
        .collect();
    play_rows(&mut studio, &without, 8_000);
    // The studio compares the discontinuity sequence numbers of all renditions.
    for id in [V1, V2, A0, A1] {
        let cuts = studio.playlists[&id]
            .segments
            .iter()
            .filter(|segment| segment.discontinuity);
        assert_eq!(cuts.count(), 1, "{id}");
        assert_eq!(studio.points[&id].1, studio.points[&V0].1, "{id}");
    }
    let last = studio.playlists[&V2].segments.last().unwrap();
    assert!(last.parts.iter().all(|part| part.gap));
    assert!(
        studio.playlists[&V1]
            .segments
            .iter()
            .all(|segment| !segment.gap)
    );
}

#[test]
fn quirk_10_a_follower_that_begins_late_does_not_begin_with_absent_media() {
    for late_ms in [700, 2_500] {
        let mut studio = ladder(
            Config::default(),
            &[(video(0), AVC_720), (video(1), AVC_360)],
        );
        studio.in_step = false;
        let mut all = rows(&[(video(0), length(14_000)), (video(1), length(14_000))]);
        // The first key frame of the second picture is the first that comes; a frame without is heard before it.
        all.retain(|row| row.track == video(0) || row.at_ms >= late_ms || row.at_ms == 33);
        for row in &mut all {
            let first = row.track == video(1) && (late_ms..late_ms + 34).contains(&row.at_ms);
            row.sync |= first;
        }
        play_rows(&mut studio, &all, 0);
        let media = &studio.playlists[&V1];
        let first = media.segments.first().unwrap();
        if late_ms < 1_000 {
            assert!(!first.gap && first.parts.first().is_none_or(|part| !part.gap));
        }
        let listed = media.segments.iter().find(|segment| !segment.gap).unwrap();
        assert_eq!(listed.msn, if late_ms < 2_000 { 1 } else { 2 });
        assert_eq!(studio.points[&V1].1, studio.points[&V0].1);
    }
}

#[test]
fn mux_7_a_followers_new_configuration_waits_for_the_leading_key_frame() {
    // Whichever of the two key frames comes first.
    for order in [[0, 1], [1, 0]] {
        let mut studio = ladder(
            Config::default(),
            &[(video(0), AVC_720), (video(1), AVC_360)],
        );
        let both = |first_ms, length_ms| {
            let script = Script {
                first_ms,
                length_ms,
                ..Script::default()
            };
            let tracks = [(video(0), script), (video(1), script)];
            rows(&order.map(|at| tracks[at]))
        };
        play_rows(&mut studio, &both(0, 4_000), 0);
        studio.event(config(video(1), AVC_720));
        assert_eq!(
            studio.playlists[&V1].map_hint.as_deref(),
            Some("i1.mp4"),
            "PL-8"
        );
        play_rows(&mut studio, &both(4_000, 8_000), 0);
        let media = &studio.playlists[&V1];
        let changed = media
            .segments
            .iter()
            .find(|segment| segment.map == "i1.mp4")
            .unwrap();
        assert!(changed.discontinuity && !changed.gap);
        assert!(
            changed.date.ends_with("20:00:04.000Z") || changed.date.ends_with("20:00:04.001Z"),
            "{}",
            changed.date
        );
        assert!(
            studio.playlists[&V0]
                .segments
                .iter()
                .all(|segment| segment.map == "i0.mp4")
        );
        assert_eq!(studio.hls.stats().samples_dropped, 0, "{order:?}");
        assert_eq!(studio.warnings, []);
        let text = studio.multivariant().unwrap();
        assert_eq!(text.matches("RESOLUTION=1280x720").count(), 2);
    }
}

#[test]
fn mv_4_all_clocks_jump_together() {
    for order in [[0, 1, 2], [2, 1, 0]] {
        for by_ms in [3_600_000, -3_600_000] {
            let tracks = [(video(0), AVC_720), (video(1), AVC_360), (audio(0), AAC_48)];
            let mut studio = ladder(Config::default(), &tracks);
            let all = |first_ms, length_ms| {
                let script = Script {
                    first_ms,
                    length_ms,
                    ..Script::default()
                };
                let tracks = [(video(0), script), (video(1), script), (audio(0), script)];
                rows(&order.map(|at| tracks[at]))
            };
            play_rows(&mut studio, &all(0, 6_000), 0);
            play_rows(&mut studio, &all(6_000 + by_ms, 8_000), -by_ms);
            let stats = studio.hls.stats();
            assert_eq!(stats.discontinuities, 1);
            // A frame or two of sound that came before the picture had jumped.
            assert!(
                stats.samples_dropped <= 2,
                "{order:?} {by_ms}: {}",
                stats.samples_dropped
            );
            let jumps = studio
                .warnings
                .iter()
                .filter(|warning| matches!(warning, Warning::Jump { .. }));
            assert_eq!(
                jumps.count(),
                studio.warnings.len(),
                "{:?}",
                studio.warnings
            );
            for id in [V1, A0] {
                assert_eq!(studio.points[&id].1, studio.points[&V0].1, "{id}");
                assert!(
                    studio.playlists[&id]
                        .segments
                        .iter()
                        .all(|segment| !segment.gap)
                );
            }
        }
    }
}

#[test]
fn seg_1_variable_frame_rates_stay_within_the_target() {
    // From 15 to 60 frames a second and back every four seconds, alone and beside a steady picture.
    for variable in [0, 1] {
        let mut studio = ladder(
            Config::default(),
            &[(video(0), AVC_720), (video(1), AVC_360)],
        );
        let mut all = Vec::new();
        for block in 0..6 {
            let rate = if block % 2 == 0 { 15 } else { 60 };
            let part = |rate: i64| Script {
                first_ms: block * 4_000,
                length_ms: 4_000,
                rate: (rate, 1),
                gop: rate * 2,
                ..Script::silent()
            };
            all.extend(rows(&[
                (video(variable), part(rate)),
                (video(1 - variable), part(30)),
            ]));
        }
        all.sort_by_key(|row| row.at_ms);
        play_rows(&mut studio, &all, 0);
        assert_eq!(studio.warnings, [], "{variable}");
        assert_eq!(studio.hls.stats().samples_dropped, 0);
        assert_eq!(studio.points[&V1].1.msn, 11);
        assert_eq!(studio.points[&V0].1.msn, 11);
    }
}

#[test]
fn mv_3_a_promise_of_key_frames_is_kept_or_an_error() {
    let mut config = Config::default();
    config.independent_segments = true;
    let mut studio = ladder(config, &[(video(0), AVC_720), (video(1), AVC_360)]);
    studio.in_step = false;
    let broken = |at: i64| (6_001..9_000).contains(&at);
    let mut refused = 0;
    for mut row in rows(&[(video(0), length(16_000)), (video(1), length(16_000))]) {
        row.sync &= !broken(row.at_ms) && (row.track == video(0) || row.at_ms != 12_000);
        studio.at_ms(u64::try_from(row.at_ms).unwrap());
        match studio.try_event(sample(row.track, row.at_ms, 0, row.sync, 500)) {
            Ok(()) => {}
            Err(Error::KeyFrameLate {
                track,
                since_ms,
                target_s: 2,
            }) => {
                assert!(track == video(0) && since_ms >= 2_000, "{track} {since_ms}");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    // From 8.0 s, where the segment had to end, to the key frame at 10 s.
    assert!((58..=61).contains(&refused), "{refused}");
    for id in [V0, V1] {
        let media = &studio.playlists[&id];
        assert!(studio.texts[&id].contains("#EXT-X-INDEPENDENT-SEGMENTS\n"));
        for segment in media
            .segments
            .iter()
            .filter(|segment| !segment.parts.is_empty())
        {
            assert!(
                segment.parts[0].independent || segment.parts[0].gap,
                "{id} {segment:?}"
            );
        }
    }
    assert!(
        studio
            .warnings
            .iter()
            .all(|warning| !matches!(warning, Warning::LongGop { .. }))
    );
}
