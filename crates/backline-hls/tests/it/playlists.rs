//! Rows PL-1 to PL-15, MV-1 to MV-4 and section 4 of draft-pantos-hls-rfc8216bis.

use std::io::Read;
use std::time::Duration;

use backline_hls::{Event, Form, ObjectId, ObjectKind, Output, Playlist, RenditionId};

use crate::playlist::{Media, attribute};
use crate::studio::{A0, AAC_48, M0, Script, Studio, V0, muxed, separate};

#[test]
fn rfc8216bis_4_layout_of_a_media_playlist() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 12_500,
            ..Script::default()
        },
        0,
    );
    let golden = include_str!("../data/live.m3u8");
    let text = &studio.texts[&V0];
    assert_eq!(text, golden, "a change of the layout shows here");
}

#[test]
fn rfc8216bis_4_layout_of_a_multivariant_playlist() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    studio.play(&Script::default(), 0);
    let text = studio.multivariant().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["#EXTM3U", "#EXT-X-VERSION:6"]);
    assert!(
        lines[2].starts_with("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Audio\",DEFAULT=YES"),
        "MV-2"
    );
    assert_eq!(attribute(lines[2], "CHANNELS"), Some("2"));
    assert_eq!(attribute(lines[2], "URI"), Some("a0/index.m3u8"));
    let (bandwidth, average) = (
        attribute(lines[3], "BANDWIDTH"),
        attribute(lines[3], "AVERAGE-BANDWIDTH"),
    );
    let number = |text: Option<&str>| text.unwrap().parse::<u64>().unwrap();
    // 30 pictures of 1,000 bytes and 47 frames of sound of 200 bytes a second, and their headers.
    assert!(
        (315_000..335_000).contains(&number(bandwidth)),
        "MV-1: {bandwidth:?}"
    );
    assert!(number(average) <= number(bandwidth));
    assert_eq!(attribute(lines[3], "RESOLUTION"), Some("640x360"));
    assert_eq!(attribute(lines[3], "FRAME-RATE"), Some("30.000"));
    assert_eq!(attribute(lines[3], ",AUDIO"), Some("a"));
    assert!(
        attribute(lines[3], "CODECS")
            .unwrap()
            .ends_with(",mp4a.40.2")
    );
    assert_eq!(lines[4], "v0/index.m3u8");
    assert!(!text.contains("INDEPENDENT"), "MV-3: not promised");

    let mut config = muxed();
    config.independent_segments = true;
    let mut studio = Studio::started(config, Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 2_500,
            ..Script::default()
        },
        0,
    );
    let text = studio.multivariant().unwrap();
    assert!(text.contains("#EXT-X-INDEPENDENT-SEGMENTS\n") && text.ends_with("\nm0/index.m3u8\n"));
    assert!(!text.contains("TYPE=AUDIO"));
}

#[test]
fn pl_5_part_tags_last_three_target_durations_and_their_bodies_longer() {
    let mut studio = Studio::started(separate(), None);
    studio.play(
        &Script {
            length_ms: 30_000,
            ..Script::silent()
        },
        0,
    );
    let media = &studio.playlists[&V0];
    let with_parts: Vec<u64> = media
        .segments
        .iter()
        .filter(|segment| !segment.parts.is_empty())
        .map(|segment| segment.msn)
        .collect();
    // The open segment has ten parts; 12 to 14 end within 6 s of the end.
    assert_eq!(with_parts, [12, 13, 14, 15]);
    for (object, until) in &studio.expired {
        if object.kind == ObjectKind::Part {
            let gone = until.duration_since(studio.came[object]);
            assert!(
                gone >= Duration::from_secs(6 + 6),
                "{object:?} lives {gone:?}"
            );
        }
    }
}

#[test]
fn pl_6_the_window_slides_and_counts_discontinuities() {
    let mut config = separate();
    config.window = Duration::from_secs(8);
    let mut studio = Studio::started(config, Some(AAC_48));
    for round in 0..4u64 {
        let from = round * 12_000;
        studio.play(
            &Script {
                length_ms: 10_000,
                ..Script::default()
            },
            from,
        );
        studio.event(Event::Stop);
        studio.at_ms(from + 12_000);
        studio.start(Some(AAC_48));
    }
    let media = &studio.playlists[&V0];
    assert_eq!(media.discontinuity, 3, "three returns have left the window");
    let total: u64 = media
        .segments
        .iter()
        .filter_map(|segment| segment.units)
        .sum();
    assert!((800_000..=1_000_000).contains(&total), "{total}");
    assert_eq!(
        media.discontinuity, studio.playlists[&A0].discontinuity,
        "MV-4"
    );
    assert_eq!(media.msn, studio.playlists[&A0].msn);
}

#[test]
fn pl_7_a_segment_is_kept_as_long_as_a_player_may_ask_for_it() {
    let mut studio = Studio::started(separate(), None);
    studio.play(
        &Script {
            length_ms: 60_000,
            ..Script::silent()
        },
        0,
    );
    let mut segments = 0;
    for (object, until) in studio
        .expired
        .iter()
        .filter(|(object, _)| object.kind == ObjectKind::Segment)
    {
        // First appearance, plus its 2 s, plus the longest playlist of about 30 s.
        let appeared = Duration::from_secs(2 * (object.number - 1));
        let kept = until.duration_since(studio.origin).saturating_sub(appeared);
        assert!(
            kept >= Duration::from_secs(32) && kept <= Duration::from_secs(35),
            "{object:?}: {kept:?}"
        );
        segments += 1;
    }
    assert!(segments >= 10);
}

#[test]
fn mux_7_an_old_init_leaves_with_its_last_segment() {
    let mut config = separate();
    config.window = Duration::from_secs(8);
    let mut studio = Studio::started(config, None);
    studio.play(
        &Script {
            length_ms: 4_000,
            ..Script::silent()
        },
        0,
    );
    studio.video_config(crate::studio::AVC_720);
    studio.play(
        &Script {
            first_ms: 4_000,
            length_ms: 20_000,
            ..Script::silent()
        },
        4_000,
    );
    let init = ObjectId {
        rendition: V0,
        kind: ObjectKind::Init,
        number: 0,
    };
    let last = ObjectId {
        rendition: V0,
        kind: ObjectKind::Segment,
        number: 2,
    };
    assert_eq!(studio.expired[&init], studio.expired[&last]);
    assert!(!studio.texts[&V0].contains("i0.mp4"));
}

#[test]
fn pl_9_one_report_for_every_other_rendition() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    studio.play(&Script::default(), 0);
    for (own, other) in [(V0, A0), (A0, V0)] {
        let reports = &studio.playlists[&own].reports;
        let last = studio.points[&other].0;
        let name = if other == V0 { "v0" } else { "a0" };
        let expected = format!(
            "URI=\"../{name}/index.m3u8\",LAST-MSN={},LAST-PART={}",
            last.msn, last.part
        );
        assert_eq!(*reports, [expected]);
    }
    let mut studio = Studio::started(muxed(), Some(AAC_48));
    studio.play(&Script::default(), 0);
    assert!(studio.playlists[&M0].reports.is_empty());
}

#[test]
fn pl_10_rfc8216bis_6_2_5_1_a_delta_leaves_out_what_is_beyond_the_skip_boundary() {
    // Section 6.2.5.1: what is further from the end than the Skip Boundary is replaced, with its tags, by EXT-X-SKIP.
    let mut studio = Studio::started(separate(), None);
    studio.play(
        &Script {
            length_ms: 10_000,
            ..Script::silent()
        },
        0,
    );
    assert_eq!(
        studio.render(V0, Form::Skip),
        studio.render(V0, Form::Full),
        "PL-10: nothing is old enough"
    );
    studio.event(Event::Stop);
    studio.start(None);
    studio.play(
        &Script {
            length_ms: 20_000,
            ..Script::silent()
        },
        10_000,
    );
    let full = Media::parse(&studio.render(V0, Form::Full).unwrap());
    let delta = Media::parse(&studio.render(V0, Form::Skip).unwrap());
    assert_eq!((full.version, delta.version), (6, 9), "PL-12");
    assert_eq!(
        (delta.msn, delta.discontinuity),
        (full.msn, full.discontinuity)
    );
    let skipped = usize::try_from(delta.skipped).unwrap();
    assert!(skipped > 0);
    // Skipped are the segments that end more than 12 s before the end, with their tags.
    let units = |segment: &crate::playlist::Segment| {
        segment
            .units
            .unwrap_or_else(|| segment.parts.iter().map(|part| part.units).sum())
    };
    let rest: u64 = full.segments[skipped..].iter().map(units).sum();
    assert!(
        rest > 1_200_000 && rest - units(&full.segments[skipped]) <= 1_200_000,
        "{rest}"
    );
    assert_eq!(full.segments.len(), skipped + delta.segments.len());
    for (full, delta) in full.segments[skipped..].iter().zip(&delta.segments) {
        assert_eq!(
            (full.msn, &full.date, &full.parts, full.units),
            (delta.msn, &delta.date, &delta.parts, delta.units)
        );
    }
}

#[test]
fn pl_10_a_delta_repeats_the_map_at_a_discontinuity_only() {
    let mut studio = Studio::started(separate(), None);
    studio.play(
        &Script {
            length_ms: 20_000,
            ..Script::silent()
        },
        0,
    );
    let delta = studio.render(V0, Form::Skip).unwrap();
    assert!(
        delta.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=") && !delta.contains("#EXT-X-MAP"),
        "{delta}"
    );
    studio.video_config(crate::studio::AVC_720);
    studio.play(
        &Script {
            first_ms: 20_000,
            length_ms: 4_000,
            ..Script::silent()
        },
        20_000,
    );
    let delta = studio.render(V0, Form::Skip).unwrap();
    assert!(
        delta.contains("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"i1.mp4\"\n#EXT-X-PROGRAM-DATE-TIME"),
        "PL-11, quirk 16"
    );
}

#[test]
#[cfg(feature = "gzip")]
fn pl_15_one_gzip_a_version() {
    let mut studio = Studio::started(separate(), None);
    studio.play(
        &Script {
            length_ms: 30_000,
            ..Script::silent()
        },
        0,
    );
    let rendered = studio
        .hls
        .render(Playlist {
            rendition: Some(V0),
            form: Form::Full,
        })
        .unwrap();
    let gzip = rendered.gzip.unwrap();
    assert_eq!(gzip[..4], [0x1f, 0x8b, 0x08, 0x00]);
    let inflated = miniz_oxide::inflate::decompress_to_vec(&gzip[10..gzip.len() - 8]).unwrap();
    assert_eq!(inflated, rendered.text);
    assert!(
        gzip.len() * 3 < rendered.text.len(),
        "{} of {}",
        gzip.len(),
        rendered.text.len()
    );
    // The peer that everybody has.
    let child = std::process::Command::new("gzip")
        .args(["-dc"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &gzip).unwrap();
    let mut text = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(text, rendered.text);
}

#[test]
fn pl_15_versions_grow_with_every_change() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 4_000,
            ..Script::default()
        },
        0,
    );
    let version = |studio: &Studio| {
        studio
            .hls
            .render(Playlist {
                rendition: Some(A0),
                form: Form::Full,
            })
            .unwrap()
            .version
    };
    let before = version(&studio);
    studio.play(
        &Script {
            first_ms: 4_000,
            length_ms: 200,
            ..Script::default()
        },
        4_000,
    );
    let advanced =
        |output: &&Output| matches!(output, Output::Advanced { rendition, .. } if *rendition == A0);
    let all = studio.outputs.iter().filter(advanced).count();
    assert_eq!(version(&studio), u64::try_from(all).unwrap());
    assert!(version(&studio) > before);
    assert_eq!(
        studio.hls.render(Playlist {
            rendition: Some(RenditionId::video(9)),
            form: Form::Full
        }),
        None
    );
}
