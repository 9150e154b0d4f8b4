//! PL-16: playlists of others are read, kept and joined.

#![expect(clippy::panic, reason = "helpers of tests fail by panicking")]

use std::fmt::Write as _;
use std::time::Duration;

use backline_hls::m3u8::{
    Define, DeltaProblem, HintKind, Media, MediaKind, Multivariant, Playlist, PlaylistProblem,
    PlaylistType,
};
use backline_hls::{Error, Limits};
use proptest::prelude::*;

fn media(text: &str) -> Media {
    match Playlist::parse(text.as_bytes(), &Limits::default()) {
        Ok(Playlist::Media(media)) => media,
        other => panic!("{other:?}\n{text}"),
    }
}

fn multivariant(text: &str) -> Multivariant {
    match Playlist::parse(text.as_bytes(), &Limits::default()) {
        Ok(Playlist::Multivariant(multivariant)) => multivariant,
        other => panic!("{other:?}\n{text}"),
    }
}

fn refused(text: &[u8], limits: &Limits) -> (usize, usize, PlaylistProblem) {
    match Playlist::parse(text, limits) {
        Err(Error::Playlist { line, at, problem }) => (line, at, problem),
        other => panic!("{other:?}"),
    }
}

const LIVE: &str = "#EXTM3U
#EXT-X-VERSION:10
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-START:TIME-OFFSET=-1.5,PRECISE=YES
#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b,c\"
#EXT-X-DEFINE:QUERYPARAM=\"token\"
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.60000,CAN-SKIP-UNTIL=12.00000,CAN-SKIP-DATERANGES=YES,HOLD-BACK=6.00000,X-NEW=\"1,2\"
#EXT-X-PART-INF:PART-TARGET=0.20000
#EXT-X-MEDIA-SEQUENCE:812
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-DATERANGE:ID=\"poll\",CLASS=\"vote\",START-DATE=\"2026-11-24T12:00:00Z\",DURATION=4.5,X-TITLE=\"Encore?\"
#EXT-X-MAP:URI=\"i4.mp4\",BYTERANGE=\"800@0\"
#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"com.x\"
#EXT-X-PROGRAM-DATE-TIME:2026-11-24T12:00:00.000Z
#EXT-X-BITRATE:4000
#EXTINF:2.00000,the first
s812.m4s
# a comment
#EXT-X-FROM-THE-FUTURE:WHATEVER it \"says\"

#EXT-X-DISCONTINUITY
#EXT-X-GAP
#EXT-X-BYTERANGE:1000@5
#EXTINF:2,
s813.m4s
#EXT-X-MAP:URI=\"i5.mp4\"
#EXT-X-PART:DURATION=0.20000,URI=\"p8240.m4s\",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.10000,URI=\"all.m4s\",BYTERANGE=\"10@20\",GAP=YES
#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"i6.mp4\"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"all.m4s\",BYTERANGE-START=30
#EXT-X-RENDITION-REPORT:URI=\"../a0/index.m3u8\",LAST-MSN=814,LAST-PART=1
";

#[test]
fn pl_16_every_tag_of_a_media_playlist_is_read() {
    let media = media(LIVE);
    assert_eq!((media.version, media.target_duration_s), (10, 2));
    assert!(media.independent_segments && !media.end_list && media.skip.is_none());
    let start = media.start.unwrap();
    assert_eq!(
        (start.time_offset_ns, start.precise),
        (-1_500_000_000, true)
    );
    let value = Define::Value {
        name: "a".into(),
        value: "b,c".into(),
    };
    assert_eq!(media.defines, [value, Define::QueryParam("token".into())]);
    let control = media.server_control.unwrap();
    assert!(control.can_block_reload && control.can_skip_date_ranges);
    assert_eq!(control.part_hold_back, Some(Duration::from_millis(600)));
    assert_eq!(control.can_skip_until, Some(Duration::from_secs(12)));
    assert_eq!(control.hold_back, Some(Duration::from_secs(6)));
    assert_eq!(media.part_target, Some(Duration::from_millis(200)));
    assert_eq!(media.discontinuity_sequence, Some(3));
    let range = &media.date_ranges[0];
    assert_eq!(
        (range.id.as_str(), range.class.as_deref()),
        ("poll", Some("vote"))
    );
    assert_eq!(range.start_date_us, Some(1_795_521_600_000_000));
    assert_eq!(range.attributes().text("X-TITLE"), Some("Encore?"));
    let [first, second] = &media.segments[..] else {
        panic!("{media:?}")
    };
    assert_eq!((first.msn, second.msn, media.open.msn), (812, 813, 814));
    assert_eq!(
        (first.title.as_str(), first.bitrate_kbps),
        ("the first", Some(4_000))
    );
    assert_eq!(first.keys[0].attributes().text("KEYFORMAT"), Some("com.x"));
    assert_eq!(first.program_date_time_us, Some(1_795_521_600_000_000));
    assert_eq!(first.map.as_ref().unwrap().byte_range.unwrap().length, 800);
    assert!(second.discontinuity && second.gap && !first.gap);
    assert_eq!(second.byte_range.unwrap().offset, Some(5));
    assert_eq!(second.map, first.map, "a MAP holds until the next one");
    let parts = &media.open.parts;
    assert!(parts[0].independent && parts[1].gap && !parts[1].independent);
    assert_eq!(parts[1].byte_range.unwrap().offset, Some(20));
    assert_eq!(media.open.map.as_ref().unwrap().uri, "i5.mp4");
    let hints: Vec<_> = media
        .preload_hints
        .iter()
        .map(|hint| (hint.kind, hint.start))
        .collect();
    assert_eq!(hints, [(HintKind::Map, 0), (HintKind::Part, 30)]);
    let report = &media.rendition_reports[0];
    assert_eq!((report.last_msn, report.last_part), (Some(814), Some(1)));
    assert_eq!(media.next(), Some((814, 2)));
    assert_eq!(media.listed(), Duration::from_millis(4_300));
}

#[test]
fn pl_16_what_is_written_again_has_the_same_lines() {
    assert_eq!(media(LIVE).to_string(), LIVE);
    let crlf = LIVE.replace('\n', "\r\n");
    assert_eq!(media(&crlf).to_string(), LIVE, "line ends are not lines");
    assert_eq!(media(&crlf), media(LIVE));
    assert_eq!(multivariant(LADDER).to_string(), LADDER);
}

/// Section 6.3.1: a client ignores tags and attributes that it does not know.
#[test]
fn pl_16_unknown_tags_and_attributes_are_ignored_and_kept() {
    let known = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n";
    let unknown = known
        .replace("#EXTINF", "#EXT-X-NEWS:A=1,\"\n#EXTINF")
        .replace(
            "#EXT-X-ENDLIST",
            "#EXT-X-PART-INF:NEW=\"x\",PART-TARGET=1,OLD=@\n#EXT-X-ENDLIST",
        );
    let (plain, with) = (media(known), media(&unknown));
    assert_eq!(plain.segments[0].uri, with.segments[0].uri);
    assert_eq!(with.part_target, Some(Duration::from_secs(1)));
    assert!(with.end_list && with.to_string() == unknown);
}

#[test]
fn pl_16_spaces_and_missing_quotes_are_read_as_they_are_meant() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION: 4\n#EXT-X-MAP:URI=i.mp4 , BYTERANGE=\"1@2\"\n#EXTINF:4\na b.m4s \n";
    let media = media(text);
    assert_eq!(media.segments[0].map.as_ref().unwrap().uri, "i.mp4");
    assert_eq!(media.segments[0].uri, "a b.m4s");
    assert_eq!(media.to_string(), text);
}

const LADDER: &str = "#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-DEFINE:NAME=\"x\",VALUE=\"y\"
#EXT-X-SESSION-DATA:DATA-ID=\"title\",VALUE=\"Live\"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a0/index.m3u8\"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"CC\",INSTREAM-ID=\"CC1\"
#EXT-X-STREAM-INF:BANDWIDTH=2500000,AVERAGE-BANDWIDTH=2000000,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=29.970,\
VIDEO-RANGE=SDR,AUDIO=\"a\",CLOSED-CAPTIONS=\"c\",STABLE-VARIANT-ID=\"v0\"

v0/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"a\"
v1/index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100000,URI=\"i/index.m3u8\"
";

#[test]
fn pl_16_every_tag_of_a_multivariant_playlist_is_read() {
    let playlist = multivariant(LADDER);
    let first = &playlist.variants[0];
    assert_eq!(
        (first.bandwidth, first.average_bandwidth),
        (Some(2_500_000), Some(2_000_000))
    );
    assert_eq!(
        (first.resolution, first.frame_rate_milli),
        (Some((1_280, 720)), Some(29_970))
    );
    assert_eq!(first.codecs.as_deref(), Some("avc1.64001f,mp4a.40.2"));
    assert_eq!(first.stable_variant_id.as_deref(), Some("v0"));
    let sound = &playlist.renditions[0];
    assert_eq!(
        (sound.kind, sound.channels.as_deref()),
        (MediaKind::Audio, Some("2"))
    );
    assert!(sound.default && sound.autoselect && !sound.forced);
    assert_eq!(playlist.renditions[1].kind, MediaKind::ClosedCaptions);
    assert_eq!(playlist.i_frame_variants[0].uri, "i/index.m3u8");
    let uris = ["v0/index.m3u8", "v1/index.m3u8", "a0/index.m3u8"];
    assert_eq!(playlist.media_uris(), uris);
    assert!(playlist.independent_segments && playlist.version == 7);
}

#[test]
fn pl_16_recordings_are_of_a_type() {
    for (name, kind) in [
        ("VOD", PlaylistType::Vod),
        ("EVENT", PlaylistType::Event),
        ("DRAFT", PlaylistType::Other),
    ] {
        let text = format!("#EXTM3U\n#EXT-X-PLAYLIST-TYPE:{name}\n#EXT-X-TARGETDURATION:1\n");
        assert_eq!(media(&text).playlist_type, Some(kind));
    }
}

#[test]
fn pl_16_each_fault_has_its_place() {
    let limits = Limits::default();
    let at = |text: &str| refused(text.as_bytes(), &limits);
    assert_eq!(at(""), (1, 0, PlaylistProblem::Header));
    assert_eq!(at("\u{feff}#EXTM3U\n"), (1, 0, PlaylistProblem::Header));
    let (line, byte, problem) = refused(b"#EXTM3U\n#\xff\n", &limits);
    assert_eq!((line, byte, problem), (2, 9, PlaylistProblem::Encoding));
    let missing = |tag, attribute| PlaylistProblem::Missing { tag, attribute };
    assert_eq!(
        at("#EXTM3U\n"),
        (1, 0, missing("EXT-X-TARGETDURATION", "duration"))
    );
    let head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n";
    let behind = |rest: &str| at(&format!("{head}{rest}"));
    assert_eq!(behind("a.ts\n"), (3, 32, missing("EXTINF", "duration")));
    assert_eq!(behind("#EXTINF:1,\n"), (3, 32, missing("EXTINF", "URI")));
    assert_eq!(
        behind("\n#EXT-X-MAP:A=1"),
        (4, 33, missing("EXT-X-MAP", "URI"))
    );
    let skip = "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n";
    let tag = "EXT-X-SKIP";
    assert_eq!(
        behind(&format!("{skip}{skip}")),
        (4, 63, PlaylistProblem::Misplaced { tag })
    );
    let tag = "EXT-X-PART";
    assert_eq!(
        behind("#EXT-X-PART:DURATION=\"1"),
        (3, 32, PlaylistProblem::Attributes { tag })
    );
    let (_, _, problem) = behind("#EXT-X-PART:URI=\"a\",DURATION=-1");
    assert!(matches!(
        problem,
        PlaylistProblem::Value {
            tag: "EXT-X-PART",
            attribute: "DURATION",
            ..
        }
    ));
    let (line, _, problem) = behind("#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n");
    assert_eq!((line, problem), (2, PlaylistProblem::Mixed));
    let told = Error::Playlist {
        line: 3,
        at: 32,
        problem: PlaylistProblem::Encoding,
    }
    .to_string();
    assert_eq!(told, "playlist line 3 (byte 32): not UTF-8 (section 4.1)");
}

#[test]
fn pl_16_each_cap_is_reached() {
    let mut limits = Limits::default();
    limits.playlist_bytes = LIVE.len() - 1;
    let (size, limit) = (LIVE.len(), LIVE.len() - 1);
    let problem = PlaylistProblem::TooLarge { size, limit };
    assert_eq!(refused(LIVE.as_bytes(), &limits), (1, limit, problem));
    limits = Limits::default();
    limits.playlist_line_bytes = 20;
    let problem = PlaylistProblem::LineTooLong {
        size: 27,
        limit: 20,
    };
    assert_eq!(refused(LIVE.as_bytes(), &limits), (3, 26, problem));
    limits = Limits::default();
    limits.playlist_lines = 5;
    assert_eq!(
        refused(LIVE.as_bytes(), &limits).2,
        PlaylistProblem::Lines { limit: 5 }
    );
    limits = Limits::default();
    limits.playlist_segments = 1;
    let problem = PlaylistProblem::Segments { count: 2, limit: 1 };
    assert_eq!(refused(LIVE.as_bytes(), &limits).2, problem);
}

/// `count` closed segments from `first` on, the open one with two parts, date ranges with their first segments.
fn show(first: u64, count: u64, ranges: &[(u64, &str)]) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-MAP:URI=\"i{}.mp4\"\n",
        first / 10
    );
    for msn in first..first + count {
        push_segment(&mut text, first, msn, ranges);
    }
    text.push_str("#EXT-X-PART:DURATION=1,URI=\"p\"\n");
    text
}

fn push_segment(text: &mut String, first: u64, msn: u64, ranges: &[(u64, &str)]) {
    for (_, id) in ranges.iter().filter(|(at, _)| *at == msn) {
        writeln!(
            text,
            "#EXT-X-DATERANGE:ID=\"{id}\",START-DATE=\"2026-11-24T12:00:00Z\""
        )
        .unwrap();
    }
    if msn.is_multiple_of(10) && msn > first {
        writeln!(
            text,
            "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"i{}.mp4\"",
            msn / 10
        )
        .unwrap();
    }
    writeln!(text, "#EXTINF:2,\ns{msn}").unwrap();
}

/// The delta update for [`show`]: the first `skipped` segments are one tag.
fn update(
    first: u64,
    count: u64,
    skipped: u64,
    ranges: &[(u64, &str)],
    removed: Option<&str>,
) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}"
    );
    if let Some(removed) = removed {
        write!(text, ",RECENTLY-REMOVED-DATERANGES=\"{removed}\"").unwrap();
    }
    text.push('\n');
    for msn in first + skipped..first + count {
        push_segment(&mut text, first, msn, ranges);
    }
    text.push_str("#EXT-X-PART:DURATION=1,URI=\"p\"\n");
    text
}

fn ids(media: &Media) -> Vec<&str> {
    media
        .date_ranges
        .iter()
        .map(|range| range.id.as_str())
        .collect()
}

#[test]
fn pl_10_a_delta_update_is_joined_to_the_playlist_before_it() {
    let limits = Limits::default();
    let before = media(&show(5, 20, &[]));
    let delta = media(&update(8, 18, 12, &[], None));
    assert_eq!(delta.segments[0].msn, 20);
    let joined = delta.merge(&before, &limits).unwrap();
    let whole = media(&show(8, 18, &[]));
    assert_eq!(joined.open.map.as_ref().unwrap().uri, "i2.mp4");
    let shape = |media: &Media| -> Vec<_> {
        media
            .all()
            .map(|segment| {
                (
                    segment.msn,
                    segment.uri.clone(),
                    segment.map.clone(),
                    segment.discontinuity,
                )
            })
            .collect()
    };
    assert_eq!(shape(&joined), shape(&whole));
    assert_eq!(joined.to_string(), show(8, 18, &[]));
    assert!(joined.skip.is_none());
    let again = joined.clone().merge(&before, &limits).unwrap();
    assert_eq!(again, joined, "what is whole stays as it is");
}

#[test]
fn pl_10_date_ranges_stay_unless_they_are_listed_as_removed() {
    let limits = Limits::default();
    let before = media(&show(5, 20, &[(6, "gone"), (9, "kept"), (24, "moved")]));
    assert_eq!(ids(&before), ["gone", "kept", "moved"]);
    let v2 = media(&update(8, 18, 12, &[(25, "new")], Some("gone\told")));
    let joined = v2.merge(&before, &limits).unwrap();
    assert_eq!(ids(&joined), ["kept", "moved", "new"]);
    assert_eq!(
        ids(&media(&joined.to_string())),
        ["moved", "kept", "new"],
        "and in the text"
    );
    // Version 1 does not skip date ranges: what it does not name is gone.
    let v1 = media(&update(8, 18, 12, &[(24, "moved"), (25, "new")], None));
    let joined = v1.merge(&before, &limits).unwrap();
    assert_eq!(ids(&joined), ["moved", "new"]);
    assert_eq!(ids(&media(&joined.to_string())), ["moved", "new"]);
}

#[test]
fn pl_10_an_update_that_does_not_fit_is_refused() {
    let limits = Limits::default();
    let before = media(&show(5, 20, &[]));
    let fails =
        |text: &str, before: &Media, limits: &Limits| match media(text).merge(before, limits) {
            Err(Error::Delta { problem }) => problem,
            other => panic!("{other:?}"),
        };
    let segments = |first, count| DeltaProblem::Segments {
        first,
        count,
        have_first: 5,
        have_count: 20,
    };
    assert_eq!(
        fails(&update(4, 20, 12, &[], None), &before, &limits),
        segments(4, 12)
    );
    assert_eq!(
        fails(&update(20, 20, 12, &[], None), &before, &limits),
        segments(20, 12)
    );
    let huge = update(5, 20, 12, &[], None).replace("=12", &format!("={}", u64::MAX));
    let other = huge.replace("#EXTINF", "#EXT-X-X\n#EXTINF");
    assert_eq!(fails(&other, &before, &limits), segments(5, u64::MAX));
    let delta = media(&update(5, 20, 12, &[], None));
    assert_eq!(
        fails(&update(5, 20, 12, &[], None), &delta, &limits),
        DeltaProblem::BaseIsDelta
    );
    let longer = update(5, 20, 12, &[], None).replace("DURATION:2", "DURATION:4");
    let problem = DeltaProblem::TargetDuration {
        before: 2,
        after: 4,
    };
    assert_eq!(fails(&longer, &before, &limits), problem);
    let mut tight = Limits::default();
    tight.playlist_segments = 20;
    let problem = DeltaProblem::TooManySegments {
        count: 21,
        limit: 20,
    };
    let more = update(5, 21, 12, &[], None);
    assert_eq!(fails(&more, &before, &tight), problem);
}

/// What each update adds is small, and the joined playlist is the next one's base: without a cap on the whole it grows
/// for as long as the server likes, although no text that is read does.
#[test]
fn limits_of_joined_playlists_are_those_of_whole_ones() {
    let joined = |limits: &Limits| {
        let mut whole = media(&show(5, 20, &[]));
        for round in 0..100 {
            let range = format!("range-{round}");
            let delta = update(5, 20, 12, &[(24, range.as_str())], Some(""));
            assert!(delta.len() < 2_500 && delta.lines().count() < 60);
            match media(&delta).merge(&whole, limits) {
                Ok(merged) => whole = merged,
                Err(Error::Delta { problem }) => return (whole.to_string(), problem),
                other => panic!("{other:?}"),
            }
        }
        unreachable!()
    };
    let mut limits = Limits::default();
    limits.playlist_bytes = 5_000;
    let (text, problem) = joined(&limits);
    assert!((4_800..=5_000).contains(&text.len()), "{}", text.len());
    assert!(
        matches!(problem, DeltaProblem::TooLarge { size, limit: 5_000 } if size > 5_000),
        "{problem:?}"
    );
    let mut limits = Limits::default();
    limits.playlist_lines = 80;
    let (text, problem) = joined(&limits);
    assert_eq!(text.lines().count(), 80);
    let (count, limit) = (81, 80);
    assert_eq!(problem, DeltaProblem::TooManyLines { count, limit });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever parses is written with the same lines and reads the same again.
    #[test]
    fn pl_16_round_trip_of_any_lines(lines in prop::collection::vec(line(), 0..40), crlf: bool) {
        let end = if crlf { "\r\n" } else { "\n" };
        let text = format!("#EXTM3U{end}{}{end}", lines.join(end));
        if let Ok(playlist) = Playlist::parse(text.as_bytes(), &Limits::default()) {
            let written = playlist.to_string();
            prop_assert!(written.lines().eq(text.lines()), "{written}\n{text}");
            let again = Playlist::parse(written.as_bytes(), &Limits::default());
            prop_assert_eq!(again.unwrap(), playlist);
        }
    }

    /// A playlist torn at any byte is read or refused, and joined or refused.
    #[test]
    fn pl_16_a_torn_playlist_is_no_panic(to in 0..LIVE.len()) {
        if let Ok(Playlist::Media(torn)) = Playlist::parse(&LIVE.as_bytes()[..to], &Limits::default()) {
            prop_assert!(torn.segments.len() <= 2);
            drop(torn.merge(&media(&show(5, 20, &[])), &Limits::default()));
        }
    }

    /// Any update joined to the playlist before it gives the segments of the whole one.
    #[test]
    fn pl_10_joined_is_whole(
        (first, count) in (0u64..40, 1u64..30),
        (moved, more) in (0u64..10, 0u64..10),
        skipped in 1u64..40,
    ) {
        let before = media(&show(first, count, &[]));
        let (first, count) = (first + moved, count + more);
        let skipped = skipped.min(count);
        let joined = media(&update(first, count, skipped, &[], None)).merge(&before, &Limits::default());
        if moved + skipped <= count - more {
            let (joined, whole) = (joined.unwrap(), media(&show(first, count, &[])));
            let uris = |media: &Media| -> Vec<_> {
                let all = media.all();
                all.map(|one| (one.msn, one.uri.clone(), one.discontinuity)).collect()
            };
            let (mut left, mut right) = (uris(&joined), uris(&whole));
            // The first segment has no DISCONTINUITY in a playlist that begins with it.
            left[0].2 = false;
            right[0].2 = false;
            prop_assert_eq!(left, right);
        } else {
            prop_assert!(joined.is_err());
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    let lines: Vec<String> = LIVE
        .lines()
        .chain(LADDER.lines())
        .map(str::to_owned)
        .collect();
    prop_oneof![
        4 => prop::sample::select(lines),
        1 => "[ -~]{0,20}",
        1 => "#EXT-X-[A-Z]{1,9}:[A-Z]{1,4}=[ -~]{0,9}",
        1 => Just("#EXTINF:1,\nx".to_owned()),
        1 => Just("#EXT-X-TARGETDURATION:2".to_owned()),
    ]
}
