//! What holds for every publisher. The studio checks each playlist and each part against the draft.

use backline_hls::{Decision, Error, Event, Form, Layout, TrackId, Warning};
use proptest::prelude::*;

use crate::ladder::{audio, video};
use crate::studio::{A0, AAC_44, AAC_48, AVC_360, AVC_720, M0, Script, Studio, V0, separate};

/// Times of pictures: a frame length with jitter, drops and sometimes a pause.
fn pictures() -> impl Strategy<Value = Vec<(i64, i64)>> {
    let frame = prop_oneof![
        Just(16i64),
        Just(20),
        Just(33),
        Just(40),
        Just(42),
        Just(67),
        8i64..300
    ];
    let jitter = prop_oneof![3 => Just(0i64), 2 => 0i64..3, 1 => 0i64..40];
    (frame, jitter).prop_flat_map(|(frame, jitter)| {
        let step = prop_oneof![
            40 => Just(1i64), 3 => 2i64..4, 1 => 4i64..12,
        ];
        prop::collection::vec((step, -jitter..=jitter, 0i64..3), 60..400).prop_map(move |steps| {
            let mut at = 0;
            let mut last = -1;
            let mut times = Vec::new();
            for (frames, jitter, reorder) in steps {
                at += frame * frames;
                last = (at + jitter).max(last + 1);
                times.push((last, reorder * frame));
            }
            times
        })
    })
}

fn publish(studio: &mut Studio, times: &[(i64, i64)], gop: usize, sound: bool) {
    let mut sound_at = 0;
    for (index, (at, composition)) in times.iter().enumerate() {
        while sound && sound_at <= *at {
            studio.at_ms(u64::try_from(sound_at).unwrap());
            studio.audio(sound_at);
            sound_at = (sound_at * 48 + 1_024 + 47) / 48;
        }
        studio.at_ms(u64::try_from(*at).unwrap());
        studio.video(*at, *composition, index % gop == 0);
    }
}

/// A publisher of three pictures and two sounds does anything in any order. The studio checks what comes out.
fn many_tracks(seeds: &[(u8, i64, bool)], promised: bool, absence: bool) {
    let mut config = separate();
    config.limits.outputs = 1;
    config.limits.init_generations = 1_000;
    config.independent_segments = promised;
    if absence {
        config.absence = backline_hls::Absence::Gap;
    }
    let mut studio = Studio::started(config, Some(AAC_48));
    let join = |studio: &mut Studio| {
        for id in 1..3 {
            studio.event(crate::ladder::config(video(id), AVC_360));
        }
        studio.event(crate::ladder::config(audio(1), AAC_48));
    };
    join(&mut studio);
    studio.lenient = true;
    let mut at = 0;
    for &(kind, step, sync) in seeds {
        at += match kind {
            0 => step,
            3..=5 => 0,
            _ => 33,
        };
        studio.wait_until_ms(u64::try_from(at).unwrap_or(0));
        let picture = |id| crate::studio::sample(video(id), at, 0, sync, 10);
        let result = match kind {
            1 if sync => studio.try_event(Event::Stop),
            2 if sync => {
                studio.start(Some(AAC_48));
                join(&mut studio);
                Ok(())
            }
            3 => studio.try_event(crate::studio::sample(audio(0), at, 0, true, 10)),
            4 => studio.try_event(crate::studio::sample(audio(1), at, 0, true, 10)),
            5 => studio.try_event(crate::ladder::config(
                video(1),
                if sync { AVC_360 } else { AVC_720 },
            )),
            6..=8 => studio.try_event(picture(1)),
            9 => studio.try_event(picture(2)),
            _ => studio.try_event(picture(0)),
        };
        let legal = matches!(result, Ok(()) | Err(Error::NotStarted { .. }))
            || (promised && matches!(result, Err(Error::KeyFrameLate { .. })));
        assert!(legal, "{result:?}");
    }
    studio.event(Event::End);
    assert!(studio.ended);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        max_shrink_iters: 60,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_publisher_makes_legal_playlists(
        times in pictures(),
        gop in prop_oneof![Just(1usize), 5usize..70, Just(1_000)],
        sound: bool,
        muxed: bool,
        part_ms in prop_oneof![Just(100u64), Just(200), Just(333), Just(500)],
    ) {
        let mut config = separate();
        config.layout = if muxed { Layout::Muxed } else { Layout::Separate };
        config.part_target = std::time::Duration::from_millis(part_ms);
        config.window = std::time::Duration::from_secs(10);
        let mut studio = Studio::started(config, sound.then_some(AAC_48));
        publish(&mut studio, &times, gop, sound);
        studio.event(Event::Stop);
        studio.event(Event::End);
        prop_assert!(studio.ended);
        let id = if muxed { M0 } else { V0 };
        let shown: usize = studio.runs(id, 1).iter().map(|run| run.durations.len()).sum();
        // After a jump the pictures up to the next key frame cannot be decoded.
        let jumped = studio.warnings.iter().any(|warning| matches!(warning, Warning::Jump { .. }));
        prop_assert!(jumped || shown + 40 >= times.len() || studio.playlists.is_empty(), "{shown} shown");
    }

    #[test]
    fn presentation_times_are_exact(times in pictures(), gop in 5usize..70) {
        let mut studio = Studio::started(separate(), None);
        publish(&mut studio, &times, gop, false);
        studio.event(Event::Stop);
        prop_assume!(studio.hls.stats().discontinuities == 0);
        let mut index = 0;
        for run in studio.runs(V0, 1) {
            let mut at = i64::try_from(run.tfdt).unwrap() - 90_000;
            for (duration, composition) in run.durations.iter().zip(&run.compositions) {
                let (due, offset) = times[index];
                let shown = at + i64::from(*composition);
                let wanted = (due - times[0].0 + offset) * 90;
                prop_assert!((shown - wanted).abs() <= 280, "picture {index}: {shown} for {wanted}");
                at += i64::from(*duration);
                index += 1;
            }
        }
    }

    #[test]
    fn mv_4_several_pictures_make_legal_playlists(
        tracks in prop::collection::vec((pictures(), prop_oneof![5usize..70, Just(60)], 0i64..300), 2..4),
        sounds in 0u8..3,
        window in 6u64..12,
    ) {
        let mut config = separate();
        config.window = std::time::Duration::from_secs(window);
        let mut studio = Studio::started(config, None);
        let mut samples = Vec::new();
        for (id, (times, gop, late)) in (0u8..).zip(tracks) {
            if id > 0 {
                studio.event(crate::ladder::config(video(id), AVC_360));
            }
            let own = times.into_iter().enumerate();
            samples.extend(own.map(|(at, (dts, composition))| {
                (dts + late, video(id), dts, composition, at % gop == 0)
            }));
        }
        let length = samples.iter().map(|row| row.2).max().unwrap_or(0);
        for id in 0..sounds {
            studio.event(crate::ladder::config(audio(id), AAC_48));
            let times = (0..).map(|frame: i64| (frame * 1_024 + 24) / 48).take_while(|at| *at < length);
            samples.extend(times.map(|at| (at, audio(id), at, 0, true)));
        }
        samples.sort_by_key(|row| (row.0, row.2));
        for (at, track, dts, composition, sync) in samples {
            studio.at_ms(u64::try_from(at).unwrap_or(0));
            studio.event(crate::studio::sample(track, dts, composition, sync, 40));
        }
        studio.event(Event::Stop);
        studio.event(Event::End);
        prop_assert!(studio.ended);
        // Nobody may be short of a segment: numbers stay in step.
        let last = |media: &crate::playlist::Media| media.segments.last().map(|segment| segment.msn);
        let lead = studio.playlists.get(&V0).map(last);
        for media in studio.playlists.values() {
            prop_assert!(media.ended);
            prop_assert_eq!(Some(last(media)), lead);
        }
    }

    #[test]
    fn any_order_of_events_of_many_tracks_is_survived(
        seeds in prop::collection::vec((0u8..14, -2_000i64..4_000, any::<bool>()), 1..400),
        promised: bool,
        absence: bool,
    ) {
        many_tracks(&seeds, promised, absence);
    }

    #[test]
    fn any_order_of_events_is_survived(
        seeds in prop::collection::vec((0u8..9, -2_000i64..4_000, any::<bool>()), 1..300),
        muxed: bool,
    ) {
        let mut config = separate();
        config.layout = if muxed { Layout::Muxed } else { Layout::Separate };
        config.limits.outputs = 1;
        config.limits.init_generations = 1_000;
        let mut studio = Studio::started(config, Some(AAC_48));
        studio.lenient = true;
        let mut at = 0;
        for (kind, step, sync) in seeds {
            at += match kind { 0 => step, _ => 33 };
            studio.at_ms(u64::try_from(at).unwrap_or(0));
            let result = match kind {
                1 => studio.try_event(Event::Stop),
                2 => { studio.start(Some(if sync { AAC_48 } else { AAC_44 })); Ok(()) }
                3 => studio.try_event(crate::studio::sample(TrackId::AUDIO, at, 0, true, 10)),
                _ => studio.try_event(crate::studio::sample(TrackId::VIDEO, at, 0, sync, 10)),
            };
            prop_assert!(matches!(result, Ok(()) | Err(Error::NotStarted { .. })), "{result:?}");
        }
        studio.event(Event::End);
        prop_assert!(studio.ended);
    }

    #[test]
    fn no_request_panics(path in ".{0,40}", file in "(v0|a0|m0)/[psi][0-9]{0,22}\\.(m4s|mp4)", query in ".{0,60}",
        msn: u64, part: u64) {
        let mut studio = Studio::started(separate(), Some(AAC_48));
        studio.play(&Script { length_ms: 3_000, ..Script::default() }, 0);
        let now = studio.now;
        let exact = format!("_HLS_msn={msn}&_HLS_part={part}");
        for path in [&*path, &*file, "v0/index.m3u8"] {
            for query in [None, Some(&*query), Some(&*exact)] {
                let decision = studio.hls.decide(now, path, query);
                prop_assert_eq!(decision, studio.hls.decide(now, path, query));
                if let Decision::Playlist { hold: Some(hold), .. } = decision {
                    prop_assert!(hold.deadline > now);
                }
            }
        }
        prop_assert!(studio.render(A0, Form::Skip).is_some());
    }
}

/// A picture that does not lead goes on while the leading one makes no cut: its segment once lasted 3.907 s.
#[test]
fn seg_1_a_follower_that_goes_on_alone_keeps_to_the_target_duration() {
    let seeds = [
        (0, 0, false),
        (2, 0, false),
        (2, 0, false),
        (3, 0, false),
        (0, 0, false),
        (10, 0, true),
        (0, 1721, false),
        (0, 2581, false),
        (13, 3576, true),
        (2, -325, true),
        (10, 3076, true),
        (7, 142, false),
        (2, 1035, false),
        (9, 781, false),
        (11, 714, true),
        (11, 3913, false),
        (11, -1441, false),
        (1, -221, false),
        (6, 3718, false),
        (8, -755, true),
        (12, -40, true),
        (8, 2344, false),
        (13, -907, false),
        (0, 177, false),
        (12, 2475, true),
        (6, 2042, true),
        (11, 99, true),
        (10, 3534, false),
        (7, -1465, false),
        (6, -1951, false),
        (0, 1724, true),
        (8, 2612, true),
        (0, 2387, false),
        (9, 3524, false),
        (12, 1313, false),
        (2, -105, true),
    ];
    many_tracks(&seeds, false, false);
}
