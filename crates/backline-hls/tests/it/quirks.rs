//! Section 4 of the reference: what went wrong elsewhere, one test each. The others are in `absence`, `dates`,
//! `delivery`, `returns`, `segmenter`, `slate` and `sound`.

use std::time::{Duration, Instant};

use backline_hls::codec::Codec;
use backline_hls::{
    Config, Decision, Event, Form, Hold, ObjectKind, Output, Point, Presentation, Refusal, TrackId,
};
use bytes::Bytes;

use crate::playlist::{Media, attribute, units};
use crate::studio::{A0, AAC_44, AAC_48, AVC_360, Script, Studio, V0, WALL, hex, sample, separate};

fn played(config: Config, script: &Script) -> Studio {
    let sound = if script.sound.0 == 44_100 {
        AAC_44
    } else {
        AAC_48
    };
    let mut studio = Studio::started(config, (script.sound.0 > 0).then_some(sound));
    studio.play(script, 0);
    studio
}

fn with_parts(part_ms: u64) -> Config {
    let mut config = separate();
    config.part_target = Duration::from_millis(part_ms);
    config.segment_target = Duration::from_secs(6);
    config
}

fn parts(media: &Media) -> Vec<u64> {
    let parts = media.segments.iter().flat_map(|segment| &segment.parts);
    parts.map(|part| part.units).collect()
}

#[test]
fn quirk_01_no_part_is_longer_than_the_target() {
    for rate in [(30, 1), (24, 1), (24_000, 1_001), (25, 1), (60, 1)] {
        let script = Script {
            rate,
            ..Script::silent()
        };
        for part_ms in [100, 200, 333, 500, 1_000] {
            let studio = played(with_parts(part_ms), &script);
            let media = &studio.playlists[&V0];
            let longest = parts(media).into_iter().max().unwrap();
            assert!(
                longest <= media.part_target,
                "{longest} of {}",
                media.part_target
            );
        }
    }
}

#[test]
fn quirk_02_the_part_target_is_a_maximum_no_average() {
    // Frames come unevenly: the longest part of the whole show is still below what was said before the first.
    let mut studio = Studio::started(separate(), None);
    let mut longest = 0;
    for index in 0..600i64 {
        let uneven = [0, 9, -7, 12, 3, -11][usize::try_from(index % 6).unwrap()];
        let at = (index * 1_000 + 15) / 30 + uneven + 20;
        studio.at_ms(u64::try_from(at).unwrap());
        studio.video(at, 0, index % 60 == 0);
        if let Some(media) = studio.playlists.get(&V0) {
            longest = longest.max(parts(media).into_iter().max().unwrap());
            assert!(longest <= media.part_target);
        }
    }
    assert!(longest > 0);
}

#[test]
fn quirk_03_sound_has_parts_where_it_says_so() {
    let studio = played(separate(), &Script::default());
    let text = &studio.texts[&A0];
    assert!(text.contains("#EXT-X-PART-INF:") && text.contains("#EXT-X-PART:DURATION="));
}

#[test]
fn quirk_04_reloads_block_and_are_not_polled() {
    let studio = played(separate(), &Script::default());
    assert!(
        studio.playlists[&V0]
            .control
            .contains("CAN-BLOCK-RELOAD=YES")
    );
    let Point { msn, part } = studio.points[&V0].0;
    let query = format!("_HLS_msn={msn}&_HLS_part={}", part + 1);
    let asked = studio.hls.decide(studio.now, "v0/index.m3u8", Some(&query));
    assert!(matches!(asked, Decision::Playlist { hold: Some(_), .. }));
}

#[test]
fn quirk_05_the_part_target_never_changes() {
    let script = Script {
        rate: (30_000, 1_001),
        length_ms: 40_000,
        ..Script::silent()
    };
    let mut studio = played(separate(), &script);
    let first = studio.playlists[&V0].part_target;
    // Whole milliseconds of 29.97 frames a second, and then another rate: the studio compares every version.
    studio.start(None);
    let slower = Script {
        rate: (24, 1),
        ..Script::silent()
    };
    studio.play(&slower, 40_000);
    assert_eq!(studio.playlists[&V0].part_target, first);
}

#[test]
fn quirk_06_no_number_has_more_than_five_decimals() {
    let script = Script {
        rate: (24_000, 1_001),
        sound: (44_100, 1_024),
        ..Script::default()
    };
    let studio = played(separate(), &script);
    for text in studio.texts.values() {
        for line in text.lines().filter(|line| !line.contains("DATE-TIME")) {
            for (at, _) in line.match_indices('.') {
                let decimals = line[at + 1..]
                    .chars()
                    .take_while(char::is_ascii_digit)
                    .count();
                assert!(
                    decimals == 5
                        || !line[..at].ends_with(|c: char| c.is_ascii_digit())
                        || line[at..].starts_with(".m"),
                    "{line}"
                );
            }
        }
    }
}

#[test]
fn quirk_07_every_answer_says_what_it_is() {
    let studio = played(separate(), &Script::default());
    let kind = |path: &str| match studio.hls.decide(studio.now, path, None) {
        Decision::Playlist { headers, .. } | Decision::Object { headers, .. } => {
            headers.content_type
        }
        Decision::Refuse { .. } => "",
    };
    let playlist = "application/vnd.apple.mpegurl";
    for path in ["index.m3u8", "v0/index.m3u8", "a0/index.m3u8"] {
        assert_eq!(kind(path), playlist);
    }
    for (path, expected) in [
        ("v0/p1.m4s", "video/mp4"),
        ("v0/s1.m4s", "video/mp4"),
        ("a0/p1.m4s", "audio/mp4"),
    ] {
        assert_eq!(kind(path), expected, "{path}");
    }
}

#[test]
fn quirk_08_no_part_is_a_single_short_frame() {
    // 20.8 ms parts came of a minimum that was rounded up: here a second has about as many parts as it should.
    for rate in [(48, 1), (24, 1), (50, 1)] {
        let script = Script {
            rate,
            gop: 96,
            ..Script::default()
        };
        let studio = played(separate(), &script);
        let made = studio
            .parts
            .keys()
            .filter(|part| part.rendition == V0)
            .count();
        assert!(made <= 60, "{made} parts in ten seconds");
    }
}

#[test]
fn quirk_09_a_playlist_lists_only_what_came_before_it() {
    let studio = played(separate(), &Script::default());
    let mut there = std::collections::BTreeMap::new();
    for output in &studio.outputs {
        match output {
            Output::Part { object, .. } => *there.entry(object.rendition).or_insert(0u64) += 1,
            Output::Advanced {
                rendition, listed, ..
            } if there.contains_key(rendition) => {
                assert!(there[rendition] > listed.part, "{listed:?}");
            }
            _ => {}
        }
    }
    // That each part of each version exists is checked by the studio whenever something advances.
    assert!(there[&V0] > 40 && there[&A0] > 40);
}

#[test]
fn quirk_11_long_segments_do_not_move_viewers_back() {
    let studio = played(
        with_parts(1_000),
        &Script {
            length_ms: 14_000,
            ..Script::default()
        },
    );
    let control = &studio.playlists[&V0].control;
    let hold_back = units(attribute(control, "PART-HOLD-BACK").unwrap());
    assert!(
        hold_back <= 310_000,
        "three parts, whatever a segment lasts: {hold_back}"
    );
}

#[test]
fn quirk_12_the_first_request_is_answered_with_the_first_segment() {
    let mut studio = Studio::new(separate());
    studio.start(Some(AAC_48));
    let asked = studio.hls.decide(studio.now, "v0/index.m3u8", None);
    let Decision::Playlist {
        hold: Some(hold), ..
    } = asked
    else {
        unreachable!("{asked:?}")
    };
    assert!(hold.deadline - studio.now <= Duration::from_secs(9));
    studio.play(
        &Script {
            length_ms: 2_050,
            ..Script::default()
        },
        0,
    );
    assert!(studio.points[&V0].0 >= hold.point, "due after two seconds");
}

#[test]
fn quirk_13_three_hours_later_it_is_as_it_was() {
    let origin = Instant::now();
    let mut hls = Presentation::new(separate(), origin).unwrap();
    let event = |hls: &mut Presentation, ms: u64, event| {
        let mut parts = 0u64;
        hls.handle_event(origin + Duration::from_millis(ms), event)
            .unwrap();
        while let Some(output) = hls.poll_output() {
            parts += u64::from(matches!(output, Output::Part { .. }));
        }
        parts
    };
    event(&mut hls, 0, Event::Start { wall: WALL });
    let record = hex(AVC_360);
    event(
        &mut hls,
        0,
        Event::Config {
            track: TrackId::VIDEO,
            codec: Codec::Avc,
            record,
        },
    );
    let (mut parts, mut sizes) = (0, Vec::new());
    for index in 0..3 * 3_600 * 10 + 600u64 {
        let at = i64::try_from(index * 100).unwrap();
        parts += event(
            &mut hls,
            index * 100,
            sample(TrackId::VIDEO, at, 0, index % 20 == 0, 100),
        );
        if index % 6_000 == 5_999 {
            let which = backline_hls::Playlist {
                rendition: Some(V0),
                form: Form::Full,
            };
            sizes.push(hls.render(which).unwrap().text.len());
        }
    }
    assert_eq!(hls.numbering().part, parts);
    assert_eq!(hls.stats().discontinuities, 0);
    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(most - least < 200, "{sizes:?}");
}

#[test]
fn quirk_15_parts_are_listed_in_every_version() {
    let mut studio = Studio::started(separate(), None);
    for round in 0..3u64 {
        let from = round * 12_000;
        if round > 0 {
            studio.at_ms(from);
            studio.start(None);
        }
        for (at, _, composition, sync) in Script::silent().samples() {
            studio.at_ms(from + u64::try_from(at).unwrap());
            studio.video(at, composition, sync);
            if let Some(text) = studio.texts.get(&V0) {
                assert!(text.contains("#EXT-X-PART-INF:") && text.contains("#EXT-X-PART:"));
            }
        }
        studio.event(Event::Stop);
        assert!(studio.texts[&V0].contains("#EXT-X-PART:"), "in a pause too");
    }
}

#[test]
fn quirk_16_a_delta_keeps_discontinuities_in_step() {
    let mut studio = Studio::started(separate(), None);
    for round in 0..4u64 {
        let script = Script {
            length_ms: 8_000,
            ..Script::silent()
        };
        studio.play(&script, round * 8_000);
        let [full, delta] =
            [Form::Full, Form::Skip].map(|form| Media::parse(&studio.render(V0, form).unwrap()));
        assert_eq!(
            (full.discontinuity, full.msn),
            (delta.discontinuity, delta.msn)
        );
        let skipped = usize::try_from(delta.skipped).unwrap();
        let cuts = |segments: &[crate::playlist::Segment]| -> Vec<u64> {
            segments
                .iter()
                .filter(|segment| segment.discontinuity)
                .map(|segment| segment.msn)
                .collect()
        };
        assert_eq!(cuts(&full.segments[skipped..]), cuts(&delta.segments));
        studio.start(None);
    }
}

#[test]
fn quirk_18_the_first_playlist_holds_more_than_viewers_hold_back() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    for (at, kind, composition, sync) in Script::default().samples() {
        studio.at_ms(u64::try_from(at).unwrap());
        match kind {
            backline_hls::codec::TrackKind::Audio => studio.audio(at),
            backline_hls::codec::TrackKind::Text => {}
            backline_hls::codec::TrackKind::Video => studio.video(at, composition, sync),
        }
        if let Some(media) = studio.playlists.get(&V0) {
            let hold_back = units(attribute(&media.control, "PART-HOLD-BACK").unwrap());
            let listed: u64 = media
                .segments
                .iter()
                .filter_map(|segment| segment.units)
                .sum();
            assert!(listed >= hold_back && media.segments[0].units.is_some());
            return;
        }
    }
    unreachable!("a playlist comes");
}

#[test]
fn quirk_19_every_listed_part_can_be_had() {
    // One part that cannot be loaded ends the low-latency mode of a player for good.
    let mut studio = Studio::started(separate(), None);
    for (at, _, composition, sync) in (Script {
        length_ms: 30_000,
        ..Script::silent()
    })
    .samples()
    {
        studio.at_ms(u64::try_from(at).unwrap());
        studio.video(at, composition, sync);
        let Some(media) = studio.playlists.get(&V0) else {
            continue;
        };
        for part in media.segments.iter().flat_map(|segment| &segment.parts) {
            let asked = studio
                .hls
                .decide(studio.now, &format!("v0/{}", part.uri), None);
            assert!(matches!(asked, Decision::Object { .. }), "{}", part.uri);
        }
    }
}

#[test]
fn quirk_20_who_asks_too_far_ahead_is_told_at_once() {
    let studio = played(separate(), &Script::default());
    let Point { msn, part } = studio.points[&V0].0;
    for query in [
        format!("_HLS_msn={}", msn + 2),
        format!("_HLS_msn={msn}&_HLS_part={}", part + 16),
    ] {
        let asked = studio.hls.decide(studio.now, "v0/index.m3u8", Some(&query));
        let Decision::Refuse { status, reason, .. } = asked else {
            unreachable!("{query}: {asked:?}")
        };
        assert_eq!((status, reason), (400, Refusal::TooFarAhead));
    }
}

#[test]
fn quirk_22_a_blocked_reload_is_not_answered_early() {
    let before = Script {
        length_ms: 9_000,
        ..Script::silent()
    };
    let mut studio = played(separate(), &before);
    let Point { msn, part } = studio.points[&V0].0;
    for ahead in 1..=3 {
        let query = format!("_HLS_msn={msn}&_HLS_part={}", part + ahead);
        let asked = studio.hls.decide(studio.now, "v0/index.m3u8", Some(&query));
        let Decision::Playlist {
            hold: Some(Hold { point, .. }),
            ..
        } = asked
        else {
            unreachable!("{asked:?}")
        };
        assert!(studio.points[&V0].0 < point);
    }
    let script = Script {
        first_ms: 9_000,
        length_ms: 234,
        gop: 999,
        ..Script::silent()
    };
    for (at, ..) in script.samples() {
        studio.video(at, 0, false);
    }
    let query = format!("_HLS_msn={msn}&_HLS_part={}", part + 2);
    let asked = studio.hls.decide(studio.now, "v0/index.m3u8", Some(&query));
    assert!(
        matches!(asked, Decision::Playlist { hold: Some(_), .. }),
        "one part is not two"
    );
}

#[test]
fn quirk_24_a_segment_is_the_bytes_of_its_parts() {
    // A cache that has the parts has the segment; players that have them need not load it.
    let studio = played(separate(), &Script::default());
    let media = &studio.playlists[&V0];
    let segment = media
        .segments
        .iter()
        .find(|segment| segment.units.is_some() && !segment.parts.is_empty())
        .unwrap();
    let listed: Vec<String> = segment.parts.iter().map(|part| part.uri.clone()).collect();
    let made = studio.outputs.iter().find_map(|output| match output {
        Output::Segment { object, parts }
            if object.rendition == V0 && object.number == segment.msn =>
        {
            Some(parts)
        }
        _ => None,
    });
    let made: Vec<String> = made
        .unwrap()
        .iter()
        .map(|part| format!("p{}.m4s", part.number))
        .collect();
    assert_eq!(listed, made);
}

#[test]
fn quirk_25_one_track_is_one_track_to_old_readers() {
    // A publisher with one picture and one sound has one variant, and no rendition has a second track of a kind.
    let studio = played(separate(), &Script::default());
    assert_eq!(
        studio
            .multivariant()
            .unwrap()
            .matches("#EXT-X-STREAM-INF")
            .count(),
        1
    );
    assert!(studio.parts.values().all(|(runs, _)| runs.len() == 1));
    let tracks = |body: &Bytes| body.windows(4).filter(|name| name == b"trak").count();
    assert!(studio.inits.values().all(|body| tracks(body) == 1));
}

#[test]
fn quirk_26_dates_follow_the_media_not_the_clock() {
    // The wall clock is read once, at the start. What the machine sees of time later may be late or early.
    let mut studio = Studio::started(separate(), None);
    for (index, (at, _, composition, sync)) in Script::silent().samples().into_iter().enumerate() {
        let late = if index % 50 < 25 { 0 } else { 700 };
        studio.at_ms(u64::try_from(at).unwrap() + late);
        studio.video(at, composition, sync);
    }
    let dates: Vec<&str> = studio.playlists[&V0]
        .segments
        .iter()
        .map(|segment| &segment.date[17..23])
        .collect();
    assert_eq!(dates, ["00.000", "02.000", "04.000", "06.000", "08.000"]);
}

#[test]
fn quirk_27_a_part_has_the_name_that_was_hinted() {
    // Also where an early key frame closes the segment: the counter knows no segments.
    let mut studio = Studio::started(separate(), None);
    let mut hint: Option<String> = None;
    for index in 0..400i64 {
        let at = index * 1_000 / 30;
        studio.at_ms(u64::try_from(at).unwrap());
        studio.video(at, 0, index % 60 == 0 || index % 77 == 0);
        let Some(media) = studio.playlists.get(&V0) else {
            continue;
        };
        if let Some(hinted) = hint
            .take()
            .filter(|hinted| Some(hinted) != media.hint.as_ref())
        {
            let named = media
                .segments
                .iter()
                .flat_map(|segment| &segment.parts)
                .any(|part| part.uri == hinted);
            assert!(named, "{hinted}");
        }
        hint.clone_from(&media.hint);
    }
}

#[test]
fn quirk_28_there_is_a_hint_between_segments() {
    let mut studio = Studio::started(separate(), None);
    let mut seen = 0;
    for (at, _, composition, sync) in Script::silent().samples() {
        studio.at_ms(u64::try_from(at).unwrap());
        studio.video(at, composition, sync);
        let Some(media) = studio.playlists.get(&V0) else {
            continue;
        };
        if media.segments.last().unwrap().units.is_some() {
            assert!(media.hint.is_some(), "no segment is open");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn quirk_30_times_beyond_32_bits_are_times() {
    // The ingest unrolls the wrap of RTMP's 32 bits; here milliseconds and ticks go past them without a step.
    let script = Script {
        first_ms: (1 << 32) - 5_000,
        ..Script::default()
    };
    let mut studio = Studio::started(separate(), Some(AAC_48));
    for (at, kind, composition, sync) in script.samples() {
        studio.at_ms(u64::try_from(at - script.first_ms).unwrap());
        match kind {
            backline_hls::codec::TrackKind::Audio => studio.audio(at),
            backline_hls::codec::TrackKind::Text => {}
            backline_hls::codec::TrackKind::Video => studio.video(at, composition, sync),
        }
    }
    assert_eq!(studio.hls.stats().discontinuities, 0);
    assert!(studio.points[&V0].1.msn >= 4);
    // Times in the file have 64 bits: 14 hours at 90 kHz pass 32.
    let mut studio = Studio::started(separate(), None);
    let mut last = 0;
    for at in (0..50_000).map(|second| second * 1_000) {
        studio.at_ms(u64::try_from(at).unwrap());
        let event = sample(TrackId::VIDEO, at, 0, at % 2_000 == 0, 10);
        studio.hls.handle_event(studio.now, event).unwrap();
        while let Some(output) = studio.hls.poll_output() {
            if let Output::Part { body, .. } = output {
                let (runs, _) = crate::boxes::fragment(&body[0]);
                assert!(runs[0].tfdt > last || last == 0);
                last = runs[0].tfdt;
            }
        }
    }
    assert!(last > 1 << 32 && studio.hls.stats().discontinuities == 0);
}

#[test]
fn quirk_31_a_recovery_point_is_not_independent() {
    // An I picture of an open group is followed by pictures that need what came before: the caller says `sync: false`.
    let mut studio = Studio::started(separate(), None);
    for index in 0..300i64 {
        let at = index * 1_000 / 30;
        studio.at_ms(u64::try_from(at).unwrap());
        studio.video(at, 0, index == 0);
    }
    let media = &studio.playlists[&V0];
    let marked = media
        .segments
        .iter()
        .flat_map(|segment| &segment.parts)
        .filter(|part| part.independent);
    assert!(marked.count() <= 1, "only the first picture ever can begin");
}

#[test]
fn quirk_33_a_delta_pays_with_the_default_window() {
    let studio = played(
        separate(),
        &Script {
            length_ms: 60_000,
            ..Script::default()
        },
    );
    let [full, delta] = [Form::Full, Form::Skip].map(|form| studio.render(V0, form).unwrap().len());
    assert!(delta + 300 < full, "{delta} of {full}");
    let mut short = separate();
    short.window = Duration::from_secs(8);
    let studio = played(
        short,
        &Script {
            length_ms: 30_000,
            ..Script::default()
        },
    );
    assert_eq!(
        studio.render(V0, Form::Skip),
        studio.render(V0, Form::Full),
        "nothing to skip"
    );
}

#[test]
fn quirk_34_parts_for_a_remote_audience() {
    for (part_ms, most) in [(333, 4), (500, 3)] {
        let mut config = separate();
        config.part_target = Duration::from_millis(part_ms);
        let studio = played(
            config,
            &Script {
                length_ms: 20_000,
                ..Script::default()
            },
        );
        let made = studio
            .parts
            .keys()
            .filter(|part| part.rendition == V0 && part.kind == ObjectKind::Part);
        assert!(made.count() <= most * 20, "requests a second and rendition");
    }
}
