//! Row SEG-7 and the rules of draft-pantos-hls-rfc8216bis on absent media; quirks 10, 14 and 17.

use std::time::Duration;

use backline_hls::codec::{Codec, TrackKind};
use backline_hls::{
    Absence, Config, DateRange, DateRangeEnd, Decision, Emsg, Error, Event, Layout, Numbering,
    Point, Presentation, Refusal, RenditionId, TrackId, UnixMillis, Warning,
};
use proptest::prelude::*;

use crate::studio::{
    A0, AAC_48, AVC_360, AVC_720, M0, Script, Studio, V0, WALL, hex, muxed, sample, separate,
};

fn gaps() -> Config {
    let mut config = separate();
    config.absence = Absence::Gap;
    config
}

/// Five seconds of picture and sound, then nothing.
fn silent(config: Config) -> Studio {
    let mut studio = Studio::started(config, Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 5_000,
            ..Script::default()
        },
        0,
    );
    studio
}

fn status(studio: &Studio, path: &str) -> (u16, bool) {
    match studio.hls.decide(studio.now, path, None) {
        Decision::Refuse { status, reason, .. } => (status, reason == Refusal::Absent),
        _ => (200, false),
    }
}

#[test]
fn rfc8216bis_6_2_1_absent_media_is_listed_as_gaps_that_add_up_to_its_time() {
    // Section 6.2.1: media that is absent should be stood in for by segments with EXT-X-GAP and parts with GAP=YES
    // whose durations add up to what is missing. Here for all renditions at once, and before 1.5 TD have passed.
    let mut muxed = muxed();
    muxed.absence = Absence::Gap;
    for config in [gaps(), muxed] {
        let ids = match config.layout {
            Layout::Muxed => vec![M0],
            _ => vec![V0, A0],
        };
        let mut studio = silent(config);
        studio.wait_until_ms(6_900);
        assert!(
            !studio.hls.stats().absent,
            "patience is 2 s, or 1.5 TD after the segment"
        );
        studio.wait_until_ms(20_000);
        assert!(studio.hls.stats().absent);
        for id in &ids {
            let media = &studio.playlists[id];
            let absent: u64 = media
                .segments
                .iter()
                .flat_map(|segment| &segment.parts)
                .filter(|part| part.gap)
                .map(|part| part.units)
                .sum();
            let whole: u64 = media
                .segments
                .iter()
                .filter(|segment| segment.gap && segment.parts.is_empty())
                .filter_map(|segment| segment.units)
                .sum();
            let missing = 1_500_000 - 20_100;
            assert!(
                (missing..=1_500_000).contains(&(absent + whole)),
                "SEG-7: {absent} and {whole} of 15 s"
            );
            assert_eq!(media.discontinuity, 0);
            assert!(media.segments.iter().all(|segment| !segment.discontinuity));
        }
        let ends = ids.iter().map(|id| studio.points[id]);
        let ends: Vec<(Point, Point)> = ends.collect();
        assert!(ends.iter().all(|end| *end == ends[0]), "SEG-9: {ends:?}");
    }
}

#[test]
fn seg_6_absent_parts_come_one_part_target_apart_and_segments_in_time() {
    let mut studio = silent(gaps());
    let mut listed = Vec::new();
    let mut closed = Vec::new();
    let mut points = studio.points[&V0];
    for ms in (5_000..15_000).step_by(5) {
        studio.wait_until_ms(ms);
        let now = studio.points[&V0];
        if now.0 != points.0 {
            listed.push(ms);
        }
        if now.1 != points.1 {
            closed.push(ms);
        }
        points = now;
    }
    let step = |times: &[u64]| times.windows(2).map(|two| two[1] - two[0]).max();
    assert_eq!(listed[0], 6_970, "1.97 s after the last frame");
    assert!(
        step(&listed) <= Some(205),
        "within one part target: {listed:?}"
    );
    // The segment before was closed at 4 s.
    assert!(
        closed[0] <= 7_000 && step(&closed) <= Some(3_000),
        "{closed:?}"
    );
    // A segment that was almost full when the silence began cannot wait for the whole patience.
    let mut studio = Studio::started(gaps(), None);
    let script = Script {
        length_ms: 5_950,
        ..Script::silent()
    };
    studio.play(&script, 0);
    studio.wait_until_ms(7_000);
    assert_eq!(studio.points[&V0].1.msn, 3, "1.5 TD after segment 2");
}

#[test]
fn seg_7_a_longer_patience_is_the_callers_choice() {
    let mut config = gaps();
    config.absence_patience = Duration::from_secs(4);
    let mut studio = silent(config);
    studio.wait_until_ms(8_950);
    assert!(!studio.hls.stats().absent);
    studio.wait_until_ms(9_000);
    assert!(studio.hls.stats().absent);
}

#[test]
fn seg_9_a_ladder_is_filled_in_step() {
    // Two pictures and a sound: the absence is listed for all of them, and they come back behind one discontinuity.
    let mut studio = Studio::new(gaps());
    let second = TrackId {
        id: 1,
        ..TrackId::VIDEO
    };
    let start = |studio: &mut Studio| {
        studio.start(Some(AAC_48));
        studio.event(Event::Config {
            track: second,
            codec: Codec::Avc,
            record: hex(AVC_720),
        });
    };
    let play = |studio: &mut Studio, from_ms: u64| {
        let script = Script {
            length_ms: 5_000,
            ..Script::default()
        };
        for (at, kind, composition_ms, sync) in script.samples() {
            studio.at_ms(from_ms + u64::try_from(at).unwrap());
            if kind == TrackKind::Audio {
                studio.audio(at);
            } else {
                studio.video(at, composition_ms, sync);
                studio.event(sample(second, at, composition_ms, sync, 500));
            }
        }
    };
    start(&mut studio);
    play(&mut studio, 0);
    studio.wait_until_ms(14_000);
    let ids = [
        RenditionId::video(0),
        RenditionId::video(1),
        RenditionId::audio(0),
    ];
    let points = ids.map(|id| studio.points[&id]);
    assert!(points.iter().all(|point| *point == points[0]), "{points:?}");
    let gaps = |studio: &Studio, id| {
        let segments = &studio.playlists[&id].segments;
        segments
            .iter()
            .filter(|segment| segment.gap)
            .map(|segment| segment.msn)
            .collect::<Vec<_>>()
    };
    assert!(gaps(&studio, ids[0]).len() >= 3);
    start(&mut studio);
    play(&mut studio, 14_000);
    for id in ids {
        assert_eq!(gaps(&studio, id), gaps(&studio, ids[0]));
        let cuts = studio.playlists[&id]
            .segments
            .iter()
            .filter(|segment| segment.discontinuity);
        assert_eq!(cuts.count(), 1, "MV-4");
    }
}

#[test]
fn seg_7_a_publisher_that_left_is_filled_too() {
    let mut studio = silent(gaps());
    studio.event(Event::Stop);
    studio.wait_until_ms(12_000);
    let media = &studio.playlists[&V0];
    assert!(media.segments.iter().any(|segment| segment.gap));
    assert!(studio.warnings.iter().any(
        |warning| matches!(warning, Warning::PublisherAbsent { silent_ms } if *silent_ms >= 1_900)
    ));
    // Numbers to persist count what was listed as absent.
    let open = studio.points[&V0].0.msn;
    assert_eq!(studio.hls.numbering().msn, open + 1);
}

#[test]
fn seg_7_wait_lists_nothing() {
    let mut studio = silent(separate());
    let before = studio.texts[&V0].clone();
    assert_eq!(studio.hls.poll_timeout(), None);
    studio.wait_until_ms(60_000);
    assert_eq!(studio.texts[&V0], before);
}

#[test]
fn quirk_14_what_fills_in_ends_with_the_publishers_first_picture() {
    for stop in [false, true] {
        let mut studio = silent(gaps());
        if stop {
            studio.event(Event::Stop);
        }
        studio.wait_until_ms(9_730);
        let hint = studio.playlists[&V0].hint.clone().unwrap();
        if stop {
            studio.start(Some(AAC_48));
        }
        // A picture that cannot begin anything changes nothing.
        studio.video(9_700, 0, false);
        assert!(studio.hls.stats().absent);
        studio.wait_until_ms(9_800);
        studio.video(9_800, 0, true);
        assert!(!studio.hls.stats().absent);
        let media = studio.playlists[&V0].clone();
        let [.., gap, back] = &*media.segments else {
            unreachable!("both are listed")
        };
        assert!(
            gap.gap && gap.units.is_some(),
            "the gap's segment is closed"
        );
        assert!(back.discontinuity && back.parts.len() == 1 && back.parts[0].independent);
        assert_eq!(back.parts[0].uri, hint, "the hint held all the while");
        assert!(
            back.date.starts_with("2026-11-23T20:00:09.80"),
            "{}",
            back.date
        );
        studio.play(
            &Script {
                first_ms: 9_834,
                length_ms: 6_000,
                ..Script::default()
            },
            9_834,
        );
        studio.wait_until_ms(16_000);
        let media = &studio.playlists[&V0];
        let after = media
            .segments
            .iter()
            .filter(|segment| segment.msn > back.msn);
        assert!(
            after
                .flat_map(|segment| &segment.parts)
                .all(|part| !part.gap)
        );
        assert_eq!(studio.hls.stats().discontinuities, 1);
        assert_eq!(
            studio.playlists[&A0]
                .segments
                .iter()
                .filter(|s| s.discontinuity)
                .count(),
            1,
            "MV-4"
        );
    }
}

#[test]
fn del_9_what_is_absent_is_not_found_at_once() {
    let mut studio = silent(gaps());
    studio.wait_until_ms(14_000);
    let media = studio.playlists[&V0].clone();
    let gap = media.segments.iter().rfind(|segment| segment.gap).unwrap();
    assert_eq!(status(&studio, &format!("v0/{}", gap.uri)), (404, true));
    let part = media.segments.last().unwrap().parts.last().unwrap();
    assert!(part.gap && part.uri.starts_with('g'));
    assert_eq!(status(&studio, &format!("v0/{}", part.uri)), (404, true));
    assert_eq!(
        status(&studio, "v0/g99-99.m4s"),
        (404, true),
        "no name of a gap is waited for"
    );
    for bad in [
        "v0/g.m4s",
        "v0/g1.m4s",
        "v0/g01-1.m4s",
        "v0/g1-.m4s",
        "v0/g1-1-1.m4s",
    ] {
        assert_eq!(status(&studio, bad), (404, false), "{bad}");
    }
    assert_eq!(
        status(&studio, &format!("v0/{}", media.hint.unwrap())),
        (200, false)
    );
    // A playlist request waits for absent parts as for others.
    let Point { msn, part } = studio.points[&V0].0;
    let query = format!("_HLS_msn={msn}&_HLS_part={}", part + 1);
    let asked = studio.hls.decide(studio.now, "v0/index.m3u8", Some(&query));
    assert!(matches!(asked, Decision::Playlist { hold: Some(_), .. }));
    studio.wait_until_ms(14_250);
    let asked = studio.hls.decide(studio.now, "v0/index.m3u8", Some(&query));
    assert!(matches!(asked, Decision::Playlist { hold: None, .. }));
}

#[test]
fn quirk_17_gaps_leave_the_playlists_time_whole() {
    // A player that seeks into a gap needs to find where it ends: durations and dates agree all the way.
    let mut studio = silent(gaps());
    studio.wait_until_ms(11_000);
    studio.event(Event::Start { wall: WALL });
    studio.now += Duration::from_millis(100);
    let script = Script {
        length_ms: 4_000,
        ..Script::default()
    };
    studio.play(&script, 11_100);
    let media = &studio.playlists[&V0];
    let second = |date: &str| date[17..23].parse::<f64>().unwrap();
    for two in media.segments.windows(2) {
        let (Some(units), false) = (two[0].units, two[1].discontinuity) else {
            continue;
        };
        let by_date = second(&two[1].date) - second(&two[0].date);
        let by_length = f64::from(u32::try_from(units).unwrap()) / 100_000.0;
        assert!((by_date - by_length).abs() < 0.002, "{two:?}");
    }
}

#[test]
fn seg_11_the_end_of_the_show_closes_a_gap() {
    let mut studio = silent(gaps());
    studio.wait_until_ms(8_300);
    studio.event(Event::End);
    let media = &studio.playlists[&V0];
    assert!(media.ended && media.segments.iter().all(|segment| segment.units.is_some()));
    assert!(studio.promised.is_empty() && studio.hls.poll_timeout().is_none());
}

#[test]
fn quirk_10_nothing_is_filled_before_the_first_playlist() {
    let mut studio = Studio::started(gaps(), Some(AAC_48));
    let script = Script {
        length_ms: 900,
        ..Script::default()
    };
    studio.play(&script, 0);
    studio.wait_until_ms(30_000);
    assert!(studio.playlists.is_empty(), "no playlist begins with a gap");
    assert_eq!(studio.hls.poll_timeout(), None);
}

#[test]
fn pl_6_a_long_absence_slides_the_window() {
    let mut config = gaps();
    config.window = Duration::from_secs(8);
    let mut studio = silent(config);
    studio.wait_until_ms(120_000);
    let media = &studio.playlists[&V0];
    assert!(
        media.segments.len() < 10
            && media
                .segments
                .iter()
                .all(|segment| segment.parts.iter().all(|part| part.gap))
    );
    // Everything that existed has expired, and nothing that did not.
    let expired = studio
        .expired
        .keys()
        .filter(|object| object.rendition == V0);
    assert_eq!(
        expired.count(),
        3 + studio
            .parts
            .keys()
            .filter(|object| object.rendition == V0)
            .count()
    );
    assert_eq!(status(&studio, "v0/s1.m4s"), (410, false));
}

#[test]
fn limits_an_absence_that_nobody_was_awake_for_costs_a_window() {
    let mut studio = silent(gaps());
    studio.now += Duration::from_secs(86_400);
    let before = studio.points[&V0].0.msn;
    studio.wait_until_ms(86_405_001);
    let made = studio.points[&V0].0.msn - before;
    assert!(made <= 40, "{made} segments for a day");
    let start = studio.now.duration_since(studio.origin).as_millis();
    studio.start(Some(AAC_48));
    let script = Script {
        length_ms: 4_000,
        ..Script::default()
    };
    studio.play(&script, u64::try_from(start).unwrap());
    assert!(
        studio.playlists[&V0]
            .segments
            .last()
            .unwrap()
            .date
            .starts_with("2026-11-24T20:")
    );
}

#[test]
fn seg_10_numbers_lost_in_a_crash_are_gaps_before_the_first_media() {
    let mut config = separate();
    config.numbering = Numbering::new(812, 3, 8_240, 4).with_lost(5);
    let mut studio = Studio::new(config);
    studio.start(Some(AAC_48));
    for (at, kind, composition, sync) in Script::default().samples() {
        studio.at_ms(u64::try_from(at).unwrap());
        match kind {
            TrackKind::Audio => studio.audio(at),
            TrackKind::Text => {}
            TrackKind::Video => studio.video(at, composition, sync),
        }
        if at < 1_990 {
            assert!(studio.playlists.is_empty(), "quirk 10: gaps are no media");
        }
    }
    for id in [V0, A0] {
        let media = &studio.playlists[&id];
        assert_eq!((media.msn, media.discontinuity), (812, 7));
        let gaps: Vec<u64> = media
            .segments
            .iter()
            .filter(|s| s.gap)
            .map(|s| s.msn)
            .collect();
        assert_eq!(gaps, [812, 813, 814, 815, 816]);
        let first = &media.segments[5];
        assert!(first.discontinuity && !first.gap);
        assert_eq!((first.msn, &*first.map), (817, "i9.mp4"));
        assert_eq!(media.segments[4].date, "2026-11-23T19:59:58.000Z");
    }
    // A name that the former life may have used is not used again.
    assert!(
        studio
            .parts
            .keys()
            .all(|part| part.number >= 8_240 + 5 * 256)
    );
    assert_eq!(status(&studio, "v0/s813.m4s").0, 404);
    let next = studio.hls.numbering();
    assert!(next.discontinuity_sequence > 8 && next.lost == 0 && next.msn > 821);
}

#[test]
fn seg_10_more_is_lost_than_the_window_holds() {
    let mut config = separate();
    config.numbering = Numbering::new(1, 0, 0, 0).with_lost(4_096);
    let mut studio = Studio::started(config.clone(), None);
    studio.play(&Script::silent(), 0);
    let media = &studio.playlists[&V0];
    let gaps = media.segments.iter().filter(|segment| segment.gap).count();
    assert!(gaps <= 15 && media.msn > 4_080, "{gaps} from {}", media.msn);
    config.numbering.lost = 4_097;
    let refused = Presentation::new(config, studio.now).unwrap_err();
    assert!(matches!(
        refused,
        Error::NumberRange {
            field: "numbering.lost",
            ..
        }
    ));
}

/// What may happen to a stage, in any order.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Config(bool),
    Message,
    Play(u16),
    Range(u16),
    Start,
    Stop,
    Wait(u16),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        any::<bool>().prop_map(Happening::Config),
        Just(Happening::Message),
        (20u16..4_000).prop_map(Happening::Play),
        (0u16..9_000).prop_map(Happening::Range),
        Just(Happening::Start),
        Just(Happening::Stop),
        (10u16..9_000).prop_map(Happening::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happens, the studio finds nothing wrong with any version of any playlist, and where the policy is to
    /// fill, no more than one and a half Target Durations pass between two segments.
    #[test]
    fn seg_7_any_order_of_events(
        together in any::<bool>(),
        happenings in proptest::collection::vec(happening(), 1..24),
    ) {
        let mut config = if together { muxed() } else { separate() };
        config.absence = Absence::Gap;
        config.window = Duration::from_secs(10);
        let lead = if together { M0 } else { V0 };
        let mut studio = Studio::started(config, Some(AAC_48));
        let (mut closed, mut closed_ms) = (Point::default(), 0);
        for (index, happening) in happenings.into_iter().enumerate() {
            let now_ms = u64::try_from(studio.now.duration_since(studio.origin).as_millis()).unwrap();
            match happening {
                Happening::Config(large) => {
                    let record = if large { AVC_720 } else { AVC_360 };
                    let event = Event::Config {
                        track: TrackId::VIDEO,
                        codec: Codec::Avc,
                        record: hex(record),
                    };
                    let _ = studio.try_event(event);
                }
                Happening::Message => {
                    let time_ns = i64::try_from(now_ms * 1_000_000).unwrap();
                    let message = Emsg::new("urn:x", time_ns, hex("00"));
                    let _ = studio.try_event(Event::Message(message));
                }
                Happening::Play(length_ms) => {
                    let first_ms = i64::try_from(now_ms).unwrap();
                    let script = Script { first_ms, length_ms: i64::from(length_ms), ..Script::default() };
                    for (at, kind, composition_ms, sync) in script.samples() {
                        studio.wait_until_ms(u64::try_from(at).unwrap());
                        let track = match kind {
                            TrackKind::Video => TrackId::VIDEO,
                            _ => TrackId::AUDIO,
                        };
                        let _ = studio.try_event(sample(track, at, composition_ms, sync, 100));
                    }
                }
                Happening::Range(length_ms) => {
                    let start = UnixMillis(WALL.0 + now_ms);
                    let mut range = DateRange::new(format!("r{index}"), start);
                    let length = Duration::from_millis(u64::from(length_ms));
                    range.end = Some(DateRangeEnd::After(length));
                    let _ = studio.try_event(Event::DateRange(range));
                }
                Happening::Start => studio.start(Some(AAC_48)),
                Happening::Stop => studio.event(Event::Stop),
                Happening::Wait(ms) => {
                    for at in (now_ms..now_ms + u64::from(ms)).step_by(100) {
                        studio.wait_until_ms(at);
                        let Some((_, now)) = studio.points.get(&lead) else { continue };
                        if *now != closed || closed_ms == 0 {
                            (closed, closed_ms) = (*now, at);
                        }
                        prop_assert!(at - closed_ms <= 3_200, "SEG-6: {} ms after {closed:?}", at - closed_ms);
                    }
                }
            }
            if let Some((_, now)) = studio.points.get(&lead) {
                let at = studio.now.duration_since(studio.origin).as_millis();
                if *now != closed {
                    (closed, closed_ms) = (*now, u64::try_from(at).unwrap());
                }
            }
        }
        studio.event(Event::End);
    }
}
