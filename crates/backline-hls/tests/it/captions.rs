//! Captions: text renditions beside the picture (MV-2, MV-4, PL-4, PL-9, SEG-7, quirk 3).

use backline_hls::codec::TrackKind;
use backline_hls::{
    About, AboutProblem, Config, Cue, Decision, Error, Event, Form, ObjectId, ObjectKind, Point,
    Refusal, RenditionId, Series, TrackId, Warning,
};

use crate::playlist::attribute;
use crate::studio::{A0, AAC_48, M0, Script, Studio, V0, muxed, separate};
use crate::webvtt::VttCue;

pub const T0: RenditionId = RenditionId::text(0);
/// Where the first picture is in the file.
const ORIGIN_MS: u64 = 1_000;

pub fn text(id: u8) -> TrackId {
    TrackId {
        id,
        ..TrackId::TEXT
    }
}

pub fn announce(track: TrackId, about: About) -> Event {
    Event::Announce { track, about }
}

pub fn cue(start_ms: i64, end_ms: i64, words: &str) -> Event {
    let cue = Cue::plain(start_ms * 1_000_000, end_ms * 1_000_000, words);
    Event::Cue {
        track: TrackId::TEXT,
        cue,
    }
}

/// A studio with picture, sound and captions in English.
pub fn captioned(config: Config) -> Studio {
    let mut studio = Studio::started(config, Some(AAC_48));
    studio.event(announce(TrackId::TEXT, About::named("English", "en")));
    studio
}

/// Plays ten seconds with cues, each given some time before it begins.
pub fn play(studio: &mut Studio, script: Script, cues: &[(i64, i64, &str)], ahead_ms: i64) {
    play_from(studio, script, cues, ahead_ms, 0);
}

pub fn play_from(
    studio: &mut Studio,
    script: Script,
    cues: &[(i64, i64, &str)],
    ahead_ms: i64,
    from_ms: u64,
) {
    let mut cues = cues.iter().peekable();
    for (at_ms, kind, composition_ms, sync) in script.samples() {
        studio.at_ms(from_ms + u64::try_from(at_ms - script.first_ms).unwrap_or(0));
        while let Some((start, end, words)) = cues.next_if(|(start, ..)| *start - ahead_ms <= at_ms)
        {
            studio.event(cue(*start, *end, words));
        }
        match kind {
            TrackKind::Audio => studio.audio(at_ms),
            TrackKind::Text => {}
            TrackKind::Video => studio.video(at_ms, composition_ms, sync),
        }
    }
}

/// Where each cue text stands: media sequence numbers.
pub fn places(studio: &Studio, id: RenditionId, words: &str) -> Vec<u64> {
    let own = studio
        .pages
        .iter()
        .filter(|(object, _)| object.rendition == id);
    let with = own.filter(|(_, page)| page.cues.iter().any(|cue| cue.text == words));
    with.map(|(object, _)| object.number).collect()
}

pub fn find(studio: &Studio, words: &str) -> VttCue {
    let mut cues = studio.pages.values().flat_map(|page| &page.cues);
    cues.find(|cue| cue.text == words).unwrap().clone()
}

#[test]
fn mv_4_captions_have_the_segments_of_the_picture() {
    // Section 6.2.4: the same Target Duration, matching timestamps and matching Discontinuity Sequence Numbers; the
    // studio compares number, date, duration and discontinuity of every segment in every version.
    for (config, lead) in [(separate(), V0), (muxed(), M0)] {
        let mut studio = captioned(config);
        let cues = [
            (500, 1_500, "first"),
            (1_900, 2_100, "over the edge"),
            (3_000, 9_000, "long"),
            (8_000, 8_500, "last"),
        ];
        play(&mut studio, Script::default(), &cues, 1_000);
        studio.event(Event::End);
        assert_eq!(studio.warnings, []);
        assert_eq!(studio.points[&T0], (Point::END, Point::END));
        let media = &studio.playlists[&T0];
        assert_eq!(media.segments.len(), 5);
        assert!(media.ended && studio.ended, "SEG-11");
        assert_eq!(studio.playlists[&lead].segments.len(), 5);
        for (words, segments) in [
            ("first", vec![1]),
            ("over the edge", vec![1, 2]),
            ("long", vec![2, 3, 4, 5]),
            ("last", vec![5]),
        ] {
            assert_eq!(places(&studio, T0, words), segments, "{words}");
        }
        // Section 3.1.4: a cue's times are its whole time in every segment that it stands in.
        for (start, end, words) in cues {
            for page in studio.pages.values() {
                for cue in page.cues.iter().filter(|cue| cue.text == words) {
                    let expected = (
                        start.unsigned_abs() + ORIGIN_MS,
                        end.unsigned_abs() + ORIGIN_MS,
                    );
                    assert_eq!((cue.start_ms, cue.end_ms), expected);
                    assert_eq!(page.shown_ms(cue.start_ms), expected.0);
                }
            }
        }
    }
}

#[test]
fn q_3_captions_say_nothing_of_parts() {
    // Section 4.4.3.7: EXT-X-PART-INF belongs to playlists with parts. Section 6.2.4: EXT-X-SERVER-CONTROL is the
    // same in all. Every segment exists, those without a cue are a header.
    let mut studio = captioned(separate());
    play(
        &mut studio,
        Script::default(),
        &[(500, 1_500, "first")],
        1_000,
    );
    let text = &studio.texts[&T0];
    assert!(
        !text.contains("PART-INF") && !text.contains("EXT-X-PART:"),
        "{text}"
    );
    assert!(
        !text.contains("PRELOAD-HINT") && !text.contains("EXT-X-MAP"),
        "{text}"
    );
    assert!(text.contains(",\ns1.vtt\n"), "{text}");
    let listed = studio.playlists[&T0].segments.iter();
    for segment in listed {
        let object = ObjectId {
            rendition: T0,
            kind: ObjectKind::Segment,
            number: segment.msn,
        };
        let page = &studio.pages[&object];
        assert_eq!(page.cues.len(), usize::from(segment.msn == 1));
    }
}

#[test]
fn pl_9_captions_are_reported_without_a_part() {
    // Section 4.4.5.4: LAST-PART is for renditions with partial segments; LAST-MSN is the last segment's.
    let mut studio = captioned(separate());
    play(&mut studio, Script::default(), &[], 0);
    let reports = |id: RenditionId| &studio.playlists[&id].reports;
    let own = r#"URI="../t0/index.m3u8",LAST-MSN=4"#;
    assert!(
        reports(V0).iter().any(|report| report == own),
        "{:?}",
        reports(V0)
    );
    assert!(reports(A0).iter().any(|report| report == own));
    let others = reports(T0);
    assert_eq!(others.len(), 2);
    assert!(others[0].starts_with(r#"URI="../v0/index.m3u8",LAST-MSN=5,LAST-PART="#));
    assert!(others[1].starts_with(r#"URI="../a0/index.m3u8",LAST-MSN=5,LAST-PART="#));
}

#[test]
fn mv_2_captions_are_a_group_of_every_variant() {
    // Section 4.4.6.1: NAMEs differ in a group, one DEFAULT at most, FORCED is for subtitles.
    let mut studio = Studio::started(separate(), Some(AAC_48));
    let mut spanish = About::named("Espa\u{f1}ol", "es");
    spanish.default = true;
    for (id, about) in [
        (3, About::default()),
        (1, spanish),
        (0, About::named("English", "en")),
        (2, About::named("English, easy", "en")),
    ] {
        studio.event(announce(text(id), about));
    }
    play(&mut studio, Script::default(), &[], 0);
    let multivariant = studio.multivariant().unwrap();
    let media = multivariant
        .lines()
        .filter(|line| line.contains("TYPE=SUBTITLES"));
    let lines: Vec<&str> = media.collect();
    assert_eq!(
        lines,
        [
            r#"#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="t",NAME="English",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="t0/index.m3u8""#,
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"Espa\u{f1}ol\",LANGUAGE=\"es\",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI=\"t1/index.m3u8\"",
            r#"#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="t",NAME="English, easy",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=NO,FORCED=NO,URI="t2/index.m3u8""#,
            r#"#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="t",NAME="Captions",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="t3/index.m3u8""#,
        ]
    );
    for line in multivariant
        .lines()
        .filter(|line| line.starts_with("#EXT-X-STREAM-INF"))
    {
        assert_eq!(attribute(line, "SUBTITLES"), Some("t"));
        let codecs = attribute(line, "CODECS").unwrap();
        assert_eq!(codecs.split(',').count(), 2, "text has no codec: {codecs}");
    }
    // What is said of captions may change, and their names differ.
    let taken = AboutProblem::Taken { other: text(0) };
    let refused = studio.try_event(announce(text(1), About::named("English", "")));
    let field = "name";
    assert_eq!(
        refused,
        Err(Error::About {
            track: text(1),
            field,
            problem: taken
        })
    );
    studio.event(announce(text(3), About::named("Deutsch", "de")));
    assert!(
        studio
            .multivariant()
            .unwrap()
            .contains("NAME=\"Deutsch\",LANGUAGE=\"de\"")
    );
}

#[test]
fn mv_6_captions_that_are_announced_too_late_are_left_out() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    play(&mut studio, Script::default(), &[], 0);
    studio.event(announce(TrackId::TEXT, About::default()));
    assert_eq!(
        studio.warnings,
        [Warning::TrackIgnored {
            track: TrackId::TEXT
        }]
    );
    studio.event(cue(0, 1_000, "nobody reads it"));
    assert!(!studio.playlists.contains_key(&T0));
    assert!(!studio.multivariant().unwrap().contains("SUBTITLES"));
}

#[test]
fn mv_6_captions_without_a_cue_are_not_waited_for() {
    let mut with = captioned(separate());
    let mut without = Studio::started(separate(), Some(AAC_48));
    for studio in [&mut with, &mut without] {
        play(
            studio,
            Script {
                length_ms: 3_000,
                ..Script::default()
            },
            &[],
            0,
        );
    }
    let first = |studio: &Studio| {
        let parts = studio
            .came
            .iter()
            .filter(|(object, _)| object.rendition == V0);
        parts.map(|(_, came)| *came - studio.origin).min()
    };
    assert_eq!(first(&with), first(&without));
    assert!(with.playlists.contains_key(&T0));
}

#[test]
fn seg_10_captions_of_a_former_life_are_absent() {
    let mut config = separate();
    config.numbering = backline_hls::Numbering::new(40, 2, 400, 3).with_lost(4);
    let mut studio = captioned(config);
    play(
        &mut studio,
        Script::default(),
        &[(500, 1_500, "first")],
        1_000,
    );
    let media = &studio.playlists[&T0];
    let gaps: Vec<u64> = media
        .segments
        .iter()
        .filter(|s| s.gap)
        .map(|s| s.msn)
        .collect();
    assert_eq!(gaps, [40, 41, 42, 43]);
    assert_eq!(places(&studio, T0, "first"), [44]);
    let decision = studio.hls.decide(studio.now, "t0/s41.vtt", None);
    let absent = Refusal::Absent;
    assert!(matches!(decision, Decision::Refuse { status: 404, reason, .. } if reason == absent));
}

#[test]
fn del_3_and_del_6_hold_for_captions() {
    // Section 6.2.5.2: a request for a segment waits until it is listed. A playlist without partial segments has
    // nothing that a part could wait for but its segment.
    let mut studio = captioned(separate());
    play(
        &mut studio,
        Script {
            length_ms: 8_500,
            ..Script::default()
        },
        &[],
        0,
    );
    let decide = |path: &str, query: &str| studio.hls.decide(studio.now, path, Some(query));
    let held = |query: &str| match decide("t0/index.m3u8", query) {
        Decision::Playlist { hold, .. } => hold.map(|hold| (hold.series, hold.point.msn)),
        other => panic!("{query}: {other:?}"),
    };
    let Point { msn, .. } = studio.points[&T0].1;
    assert_eq!(msn, 4);
    for query in [
        "",
        "_HLS_msn=1",
        "_HLS_msn=4",
        "_HLS_msn=4&_HLS_part=0",
        "_HLS_msn=3&_HLS_part=99",
    ] {
        assert_eq!(held(query), None, "{query}");
    }
    for (query, msn) in [
        ("_HLS_msn=5", 5),
        ("_HLS_msn=6", 6),
        ("_HLS_msn=5&_HLS_part=0", 5),
        ("_HLS_msn=5&_HLS_part=99", 5),
    ] {
        assert_eq!(held(query), Some((Series::Closed, msn)), "{query}");
    }
    let far = decide("t0/index.m3u8", "_HLS_msn=7");
    assert!(matches!(far, Decision::Refuse { status: 400, .. }));
    let status = |path: &str| match decide(path, "") {
        Decision::Refuse { status, .. } => status,
        Decision::Object { headers, .. } => {
            assert_eq!(headers.content_type, "text/vtt");
            200
        }
        Decision::Playlist { .. } => 0,
    };
    for (path, answer) in [
        ("t0/s1.vtt", 200),
        ("t0/s4.vtt", 200),
        ("t0/s5.vtt", 404),
        ("t0/s1.m4s", 404),
        ("t0/p1.m4s", 404),
        ("t0/i0.mp4", 404),
        ("t0/s01.vtt", 404),
        ("v0/s1.vtt", 404),
        ("t1/index.m3u8", 404),
        ("t1/s1.vtt", 404),
    ] {
        assert_eq!(status(path), answer, "{path}");
    }
}

#[test]
fn pl_7_and_pl_10_hold_for_captions() {
    let mut config = separate();
    config.window = std::time::Duration::from_secs(24);
    let mut studio = captioned(config);
    play(
        &mut studio,
        Script {
            length_ms: 60_000,
            ..Script::default()
        },
        &[],
        0,
    );
    let first = studio.playlists[&T0].segments[0].msn;
    assert_eq!(first, studio.playlists[&V0].segments[0].msn);
    assert!(first > 10);
    for number in 1..first {
        let object = |rendition| ObjectId {
            rendition,
            kind: ObjectKind::Segment,
            number,
        };
        let (own, lead) = (studio.expired[&object(T0)], studio.expired[&object(V0)]);
        assert!(own >= lead, "PL-7: kept as long as the picture");
    }
    let gone = studio.hls.decide(studio.now, "t0/s1.vtt", None);
    assert!(matches!(gone, Decision::Refuse { status: 410, .. }));
    let full = studio.render(T0, Form::Full).unwrap();
    for form in [Form::Skip, Form::SkipV2] {
        // Section 6.2.5.1: what is further than the Skip Boundary from the end is left out, all else stays.
        let delta = studio.render(T0, form).unwrap();
        let skipped = delta
            .lines()
            .find(|line| line.starts_with("#EXT-X-SKIP:"))
            .unwrap();
        let count: usize = attribute(skipped, "SKIPPED-SEGMENTS")
            .unwrap()
            .parse()
            .unwrap();
        assert!(count > 0 && delta.contains("#EXT-X-VERSION:9\n"));
        assert_eq!(
            attribute(skipped, "RECENTLY-REMOVED-DATERANGES").is_some(),
            form == Form::SkipV2
        );
        let kept: Vec<&str> = full.split_inclusive(".vtt\n").skip(count).collect();
        assert!(delta.ends_with(&kept.concat()));
        let boundary = full.matches(".vtt\n").count() - count;
        assert_eq!(
            boundary, 7,
            "what ends 6 Target Durations of 2 s from the end stays"
        );
    }
}
