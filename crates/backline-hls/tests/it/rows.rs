//! Rows of the reference that no other test is named after.

use std::time::Duration;

use backline_hls::{Config, Decision, Event, Form, Output};

use crate::playlist::{Media, attribute, units};
use crate::studio::{A0, AAC_48, AVC_720, Script, Studio, V0, muxed, separate};

fn live(config: Config, length_ms: i64) -> Studio {
    let mut studio = Studio::started(config, Some(AAC_48));
    let script = Script {
        length_ms,
        ..Script::default()
    };
    studio.play(&script, 0);
    studio
}

#[test]
fn pl_2_rfc8216bis_4_4_3_8_part_hold_back_is_three_of_the_longest_parts() {
    // Section 4.4.3.8: at least two Part Target Durations, and it should be three of the longest of all renditions.
    for part_ms in [100, 200, 333, 500] {
        let mut config = separate();
        config.part_target = Duration::from_millis(part_ms);
        let studio = live(config, 5_000);
        let longest = [V0, A0].map(|id| studio.playlists[&id].part_target);
        let longest = *longest.iter().max().unwrap();
        for id in [V0, A0] {
            let control = &studio.playlists[&id].control;
            let hold_back = units(attribute(control, "PART-HOLD-BACK").unwrap());
            assert_eq!(hold_back, 3 * longest);
        }
    }
}

#[test]
fn pl_3_rfc8216bis_4_4_3_8_hold_back_and_skip_boundary() {
    // Section 4.4.3.8: HOLD-BACK is at least three Target Durations, the Skip Boundary at least six, and
    // CAN-SKIP-DATERANGES stands only beside it.
    for segment_ms in [1_000, 2_000, 3_500] {
        let mut config = separate();
        config.segment_target = Duration::from_millis(segment_ms);
        let studio = live(config, 10_000);
        let media = &studio.playlists[&V0];
        let control = |name| units(attribute(&media.control, name).unwrap());
        assert!(control(",HOLD-BACK") >= media.target * 300_000);
        assert!(control("CAN-SKIP-UNTIL") >= media.target * 600_000);
        assert!(media.control.contains("CAN-SKIP-DATERANGES=YES"));
    }
}

#[test]
fn pl_4_rfc8216bis_6_2_4_what_all_playlists_share() {
    // Section 6.2.4: EXT-X-SERVER-CONTROL has the same attributes and values, and the Target Duration is the same, in
    // all playlists of a presentation.
    let studio = live(separate(), 10_000);
    let [video, sound] = [V0, A0].map(|id| &studio.playlists[&id]);
    assert_eq!(
        (&video.control, video.target),
        (&sound.control, sound.target)
    );
}

#[test]
fn pl_8_rfc8216bis_6_2_6_one_hint_of_each_kind() {
    // Section 6.2.6: what is hinted can be asked for from that instant, and there is one hint of a kind.
    let mut studio = live(separate(), 4_000);
    let hints = |studio: &Studio| studio.texts[&V0].matches("#EXT-X-PRELOAD-HINT").count();
    assert_eq!(hints(&studio), 1, "the next part has the same map");
    studio.video_config(AVC_720);
    assert_eq!(hints(&studio), 2);
    let media = studio.playlists[&V0].clone();
    for hint in [media.hint, media.map_hint] {
        let path = format!("v0/{}", hint.unwrap());
        let asked = studio.hls.decide(studio.now, &path, None);
        assert!(matches!(asked, Decision::Object { .. }), "{path}");
    }
    studio.event(Event::End);
    assert_eq!(hints(&studio), 0, "an ended playlist must not have one");
}

#[test]
fn pl_11_rfc8216bis_4_4_4_9_a_segments_tags_come_before_its_first_part() {
    // Section 4.4.4.9: discontinuity, map and date apply to the first part too, so they stand before it.
    let mut studio = live(separate(), 4_000);
    studio.video_config(AVC_720);
    let script = Script {
        first_ms: 4_000,
        length_ms: 3_000,
        ..Script::default()
    };
    studio.play(&script, 4_000);
    let mut first = true;
    for line in studio.texts[&V0].lines() {
        let tag = line.split(':').next().unwrap();
        match tag {
            "#EXT-X-DISCONTINUITY" | "#EXT-X-MAP" | "#EXT-X-PROGRAM-DATE-TIME" => {
                assert!(first, "{line} stands behind a part of its segment");
            }
            "#EXT-X-PART" => first = false,
            uri if !uri.starts_with('#') => first = true,
            _ => {}
        }
    }
}

#[test]
fn pl_12_rfc8216bis_8_no_version_is_higher_than_needed() {
    // Section 8: EXT-X-MAP needs 6, EXT-X-SKIP 9, one that stands for date ranges 10.
    let studio = live(separate(), 30_000);
    let version = |form| Media::parse(&studio.render(V0, form).unwrap()).version;
    assert_eq!(
        [Form::Full, Form::Skip, Form::SkipV2].map(version),
        [6, 9, 9]
    );
    assert!(
        studio
            .multivariant()
            .unwrap()
            .contains("#EXT-X-VERSION:6\n")
    );
}

#[test]
fn pl_13_rfc8216bis_4_1_playlists_are_plain_text() {
    // Section 4.1: UTF-8 without a byte order mark, no control characters but line ends.
    let studio = live(separate(), 10_000);
    for text in studio
        .texts
        .values()
        .chain([&studio.multivariant().unwrap()])
    {
        assert!(text.starts_with("#EXTM3U\n") && text.ends_with('\n'));
        assert!(
            text.lines()
                .all(|line| line.chars().all(|c| !c.is_control() && c.is_ascii()))
        );
        assert!(
            text.lines().all(|line| !line.contains(", ")),
            "attribute lists have no spaces"
        );
    }
}

#[test]
fn del_8_rfc8216bis_6_2_6_a_part_leaves_whole() {
    // Section 6.2.6: no byte of a part may be sent before all of it can be. A part comes out whole, and no name stands
    // for something that still grows: the open segment is not there before it is closed.
    let mut studio = Studio::started(separate(), None);
    for (at, _, composition, sync) in Script::silent().samples() {
        studio.at_ms(u64::try_from(at).unwrap());
        studio.video(at, composition, sync);
        let Some((listed, closed)) = studio.points.get(&V0).copied() else {
            continue;
        };
        if listed.msn > closed.msn {
            let path = format!("v0/s{}.m4s", listed.msn);
            let asked = studio.hls.decide(studio.now, &path, None);
            assert!(matches!(asked, Decision::Refuse { status: 404, .. }));
        }
    }
    let bodies = studio.outputs.iter().filter_map(|output| match output {
        Output::Part { object, .. } => Some(object),
        _ => None,
    });
    assert_eq!(
        bodies.count(),
        studio.parts.len(),
        "once each, and complete"
    );
}

#[test]
fn del_10_no_byte_ranges_are_written() {
    // Nothing is a range of another resource, so ranges of requests are between the store and the player.
    let studio = live(separate(), 20_000);
    for text in studio.texts.values() {
        assert!(!text.contains("BYTERANGE"));
    }
}

/// Plays a script a sample at a time and hands each new version of a playlist to `look`.
fn versions(script: &Script, mut look: impl FnMut(&Studio, &str)) -> Studio {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    let mut last = String::new();
    for (at, kind, composition, sync) in script.samples() {
        studio.at_ms(u64::try_from(at).unwrap());
        match kind {
            backline_hls::codec::TrackKind::Audio => studio.audio(at),
            _ => studio.video(at, composition, sync),
        }
        if let Some(text) = studio.texts.get(&V0).filter(|text| **text != last) {
            last.clone_from(text);
            look(&studio, &last);
        }
    }
    studio
}

#[test]
fn pl_1_rfc8216bis_6_2_1_a_playlist_grows_at_its_end_and_shrinks_at_its_start() {
    // Section 6.2.1: lines are appended; segments, parts and their tags are removed in the order in which they came;
    // EXT-X-ENDLIST is added once. Nothing else changes.
    let script = Script {
        length_ms: 60_000,
        ..Script::default()
    };
    let mut before: Vec<String> = Vec::new();
    let mut count = 0;
    let mut follows = |text: &str| {
        let is_media = |line: &&str| {
            let tag = line.split(':').next().unwrap_or_default();
            !line.starts_with('#') || matches!(tag, "#EXTINF" | "#EXT-X-PROGRAM-DATE-TIME")
        };
        let lines: Vec<String> = text.lines().filter(is_media).map(str::to_owned).collect();
        let gone = before.iter().position(|line| Some(line) == lines.first());
        let kept = &before[gone.unwrap_or(0)..];
        assert_eq!(kept, &lines[..kept.len().min(lines.len())], "{text}");
        before = lines;
        count += 1;
    };
    let mut studio = versions(&script, |_, text| follows(text));
    studio.event(Event::End);
    follows(&studio.texts[&V0]);
    assert!(count > 250, "{count} versions");
    assert!(studio.texts[&V0].ends_with("#EXT-X-ENDLIST\n"));
}

#[test]
fn seg_5_rfc8216bis_4_4_4_9_every_part_with_an_independent_frame_says_so() {
    // Section 4.4.4.9: INDEPENDENT=YES should stand on every part that holds an independent frame: each part of sound,
    // and of a picture those with a key frame, where it begins the part and where it does not. No other has it.
    for (config, sound) in [(separate(), true), (muxed(), false)] {
        let mut studio = Studio::started(config, Some(AAC_48));
        let script = Script {
            // A key frame each 0.8 s: in the first, in the middle and in the last part of a segment.
            gop: 24,
            ..Script::default()
        };
        studio.play(&script, 0);
        let lead = if sound { V0 } else { crate::studio::M0 };
        let parts: Vec<_> = studio.playlists[&lead]
            .segments
            .iter()
            .flat_map(|segment| &segment.parts)
            .collect();
        let independent = parts.iter().filter(|part| part.independent).count();
        assert!((5..parts.len() / 2).contains(&independent), "{independent}");
        for (object, (runs, _)) in &studio.parts {
            let name = format!("p{}.m4s", object.number);
            let media = &studio.playlists[&object.rendition];
            let mut listed = media.segments.iter().flat_map(|segment| &segment.parts);
            let Some(part) = listed.find(|part| part.uri == name) else {
                continue;
            };
            // The picture is the first track where there is one.
            let key = (0..runs[0].flags.len()).any(|at| runs[0].sync(at));
            assert_eq!(part.independent, key, "{object:?}");
            assert!(part.independent || object.rendition != A0);
        }
    }
}

#[test]
fn seg_6_rfc8216bis_6_2_1_parts_and_segments_come_in_time() {
    // Section 6.2.1: the next part is there within one Part Target Duration of the last one, the next segment within
    // one and a half Target Durations.
    let script = Script {
        length_ms: 20_000,
        ..Script::default()
    };
    let (mut part, mut segment) = (None, None);
    let studio = versions(&script, |studio, _| {
        let media = &studio.playlists[&V0];
        let most = Duration::from_micros(media.part_target * 10);
        if let Some(before) = part.replace(studio.now) {
            assert!(studio.now - before <= most, "{:?}", studio.now - before);
        }
        let closed = studio.points[&V0].1.msn;
        let (msn, at) = *segment.get_or_insert((closed, studio.now));
        if msn != closed {
            let most = Duration::from_millis(media.target * 1_500);
            assert!(studio.now - at <= most, "{:?}", studio.now - at);
            segment = Some((closed, studio.now));
        }
    });
    assert!(studio.points[&V0].1.msn >= 8);
}

#[test]
fn new_1_an_early_key_frame_leaves_the_hint_right() {
    // Section 4.4.5.3 allows for a hinted part that turns out to be the first of the next segment: its name says
    // nothing of where it stands.
    let mut studio = live(separate(), 3_100);
    let before = studio.playlists[&V0].clone();
    let hint = before.hint.unwrap();
    let open = before.segments.last().unwrap().msn;
    // A key frame half a group early.
    for frame in 0..12 {
        let at = 3_100 + frame * 33;
        studio.at_ms(u64::try_from(at).unwrap());
        studio.video(at, 0, frame % 6 == 0);
    }
    let media = &studio.playlists[&V0];
    let holder = media
        .segments
        .iter()
        .find(|segment| segment.parts.iter().any(|part| part.uri == hint));
    assert!(holder.is_some_and(|segment| segment.msn >= open), "{hint}");
}
