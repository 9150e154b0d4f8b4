//! Every cap is reached once, and a refused event changes nothing.

use backline_hls::codec::Codec;
use backline_hls::{Config, Error, Event, Output, TrackId};

use crate::studio::{AAC_48, AVC_360, AVC_720, Script, Studio, V0, WALL, hex, sample, separate};

fn with(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = separate();
    change(&mut config);
    config
}

#[test]
fn outputs_push_back_and_lose_nothing() {
    let now = std::time::Instant::now();
    let mut hls =
        backline_hls::Presentation::new(with(|config| config.limits.outputs = 1), now).unwrap();
    let mut events = vec![Event::Start { wall: WALL }];
    events.push(Event::Config {
        track: TrackId::VIDEO,
        codec: Codec::Avc,
        record: hex(AVC_360),
    });
    events.extend(
        Script::silent()
            .samples()
            .iter()
            .map(|(at, _, _, sync)| sample(TrackId::VIDEO, *at, 0, *sync, 9)),
    );
    let (mut parts, mut refused) = (0, 0);
    for event in events {
        while let Err(error) = hls.handle_event(now, event.clone()) {
            assert!(matches!(error, Error::QueueFull { limit: 1, .. }));
            refused += 1;
            parts += usize::from(matches!(hls.poll_output(), Some(Output::Part { .. })));
        }
    }
    parts += std::iter::from_fn(|| hls.poll_output())
        .filter(|output| matches!(output, Output::Part { .. }))
        .count();
    assert!(refused > 50);
    assert_eq!(parts, 50);
}

#[test]
fn a_sample_too_large_empty_or_out_of_time() {
    let mut studio = Studio::started(
        with(|config| config.limits.sample_bytes = 5_000),
        Some(AAC_48),
    );
    studio.play(
        &Script {
            length_ms: 1_000,
            ..Script::default()
        },
        0,
    );
    let before = studio.hls.stats();
    let video = TrackId::VIDEO;
    let too_large = studio.try_event(sample(video, 1_000, 0, false, 5_001));
    assert_eq!(
        too_large,
        Err(Error::SampleTooLarge {
            track: video,
            size: 5_001,
            limit: 5_000
        })
    );
    assert_eq!(
        studio.try_event(sample(video, 1_000, 0, false, 0)),
        Err(Error::SampleEmpty {
            track: video,
            dts_ns: 1_000_000_000
        })
    );
    let late = studio.try_event(sample(video, 1_000, 16_001, false, 9));
    assert!(matches!(
        late,
        Err(Error::SampleTime {
            composition_ns: 16_001_000_000,
            ..
        })
    ));
    let far = studio.try_event(sample(video, i64::MAX / 1_500_000, 0, false, 9));
    assert!(matches!(far, Err(Error::SampleTime { .. })));
    assert_eq!(studio.hls.stats(), before, "nothing has changed");
}

#[test]
fn a_part_has_a_cap_on_bytes_and_on_samples() {
    let mut studio = Studio::started(with(|config| config.limits.part_bytes = 7_000), None);
    let script = Script {
        length_ms: 1_000,
        ..Script::silent()
    };
    let results: Vec<_> = script
        .samples()
        .iter()
        .map(|(at, _, _, sync)| studio.try_event(sample(TrackId::VIDEO, *at, 0, *sync, 2_000)))
        .collect();
    let expected = Error::PartTooLarge {
        track: TrackId::VIDEO,
        what: "bytes",
        value: 8_000,
        limit: 7_000,
    };
    assert!(results.contains(&Err(expected)));

    let mut studio = Studio::started(with(|config| config.limits.part_samples = 20), Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 1_000,
            ..Script::default()
        },
        0,
    );
    let flood = (0..40)
        .map(|index| studio.try_event(sample(TrackId::AUDIO, 1_000 + index * 21, 0, true, 9)));
    let flood: Vec<_> = flood.collect();
    assert!(
        matches!(
            flood[39],
            Err(Error::PartTooLarge {
                what: "samples",
                limit: 20,
                ..
            })
        ),
        "{:?}",
        flood[39]
    );
}

#[test]
fn a_part_that_a_flood_has_filled_ends_with_the_next_time() {
    let mut studio = Studio::started(with(|config| config.limits.part_samples = 20), None);
    let video = TrackId::VIDEO;
    let feed = |studio: &mut Studio, at| studio.try_event(sample(video, at, 0, at == 0, 9));
    for frame in 0..31 {
        feed(&mut studio, frame * 100 / 3).unwrap();
    }
    let refused = (0..40).filter(|_| feed(&mut studio, 1_000).is_err());
    assert!(refused.count() > 10, "a flood is refused");
    for frame in 60..90 {
        assert_eq!(feed(&mut studio, frame * 100 / 3), Ok(()));
    }
}

#[test]
fn sound_before_the_first_picture_is_bounded() {
    let mut studio = Studio::started(
        with(|config| config.limits.part_bytes = 5_000),
        Some(AAC_48),
    );
    for frame in 0..100 {
        studio.event(sample(TrackId::AUDIO, frame * 21, 0, true, 1_000));
    }
    // Five frames are within the cap of a part.
    assert_eq!(studio.hls.stats().samples_dropped, 95);
}

#[test]
fn seg_10_numbers_that_leave_no_room_are_refused() {
    let config = with(|config| config.numbering.part = u64::MAX);
    let made = backline_hls::Presentation::new(config, std::time::Instant::now());
    assert!(matches!(
        made.err(),
        Some(Error::NumberRange {
            field: "numbering.part",
            value: u64::MAX,
            ..
        })
    ));
}

#[test]
fn configs_that_flap_and_codecs_of_the_wrong_kind() {
    let mut studio = Studio::started(with(|config| config.limits.init_generations = 4), None);
    studio.play(
        &Script {
            length_ms: 1_000,
            ..Script::silent()
        },
        0,
    );
    let flap = |studio: &mut Studio, record: &str| {
        studio.try_event(Event::Config {
            track: TrackId::VIDEO,
            codec: Codec::Avc,
            record: hex(record),
        })
    };
    for _ in 0..20 {
        assert_eq!(
            flap(&mut studio, AVC_720),
            Ok(()),
            "what was never used is not kept"
        );
        assert_eq!(flap(&mut studio, AVC_360), Ok(()));
    }
    let mut at = 1_000;
    for record in [AVC_720, AVC_360, AVC_720, AVC_360] {
        let result = flap(&mut studio, record);
        if result.is_err() {
            break;
        }
        studio.play(
            &Script {
                first_ms: at,
                length_ms: 500,
                ..Script::silent()
            },
            at.unsigned_abs(),
        );
        at += 500;
    }
    let refused = Error::ConfigFlapping {
        track: TrackId::VIDEO,
        alive: 4,
        limit: 4,
    };
    assert_eq!(
        flap(&mut studio, AVC_720)
            .err()
            .or_else(|| flap(&mut studio, AVC_360).err()),
        Some(refused)
    );
    let wrong = studio.try_event(Event::Config {
        track: TrackId::AUDIO,
        codec: Codec::Avc,
        record: hex(AVC_360),
    });
    assert_eq!(
        wrong,
        Err(Error::CodecKind {
            track: TrackId::AUDIO,
            codec: Codec::Avc
        })
    );
}

#[test]
fn a_segment_has_a_cap_on_parts_and_a_window_on_segments() {
    // Never a key frame, and nothing else.
    capped_segments(10_000);
    capped_segments(1);
}

fn capped_segments(gop: i64) {
    let config = with(|config| {
        config.limits.segment_parts = 5;
        config.limits.window_segments = 6;
    });
    let mut studio = Studio::started(config, None);
    studio.play(
        &Script {
            gop,
            length_ms: 20_000,
            ..Script::silent()
        },
        0,
    );
    let media = &studio.playlists[&V0];
    assert!(
        media
            .segments
            .iter()
            .all(|segment| segment.parts.len() <= 5)
    );
    assert!(media.segments.len() <= 7);
    let listed = media.segments[0].parts[0].uri.clone();
    let forgotten = studio.parts.keys().filter(|part| {
        format!("p{}.m4s", part.number) != listed && !studio.expired.contains_key(part)
    });
    let kept = media.segments.iter().map(|segment| segment.parts.len());
    assert_eq!(
        forgotten.count() + 1,
        kept.sum::<usize>(),
        "every part of a segment that has left has expired (PL-7)"
    );
}

#[test]
fn events_out_of_place_are_refused() {
    let mut studio = Studio::new(separate());
    let config = Event::Config {
        track: TrackId::VIDEO,
        codec: Codec::Avc,
        record: hex(AVC_360),
    };
    let track = TrackId::VIDEO;
    assert_eq!(studio.try_event(config), Err(Error::NotStarted { track }));
    assert_eq!(
        studio.try_event(sample(track, 0, 0, true, 9)),
        Err(Error::NotStarted { track })
    );
    studio.event(Event::Start { wall: WALL });
    assert_eq!(
        studio.try_event(sample(track, 0, 0, true, 9)),
        Err(Error::SampleBeforeConfig { track })
    );
}

#[test]
fn configuration_bounds_are_named() {
    let refuse = |change: fn(&mut Config)| match backline_hls::Presentation::new(
        with(change),
        std::time::Instant::now(),
    ) {
        Err(Error::ConfigRange { field, .. }) => field,
        other => unreachable!("{other:?}"),
    };
    assert_eq!(
        refuse(|config| config.part_target = std::time::Duration::from_millis(10)),
        "part_target"
    );
    assert_eq!(
        refuse(|config| config.part_target = std::time::Duration::from_millis(1_500)),
        "part_target"
    );
    assert_eq!(
        refuse(|config| config.window = std::time::Duration::from_secs(5)),
        "window"
    );
    assert_eq!(
        refuse(|config| config.segment_target = std::time::Duration::ZERO),
        "segment_target"
    );
    assert!(
        backline_hls::Presentation::new(
            with(|config| config.window = 6 * std::time::Duration::from_secs(1)),
            std::time::Instant::now()
        )
        .is_ok()
    );
}

#[test]
fn instants_that_go_back_are_clamped_and_counted() {
    let mut studio = Studio::started(separate(), None);
    studio.play(
        &Script {
            length_ms: 1_000,
            ..Script::silent()
        },
        0,
    );
    studio.hls.handle_timeout(studio.origin);
    assert_eq!(studio.hls.stats().clock_clamped, 1);
    assert_eq!(studio.hls.poll_timeout(), None);
}
