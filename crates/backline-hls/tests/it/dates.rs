//! Rows PL-10, PL-12 and PL-14, and section 4.4.5.1 of draft-pantos-hls-rfc8216bis; quirk 21.

use std::time::Duration;

use backline_hls::{
    Config, DateRange, DateRangeEnd, DateRangeProblem, DateRangeValue, Error, Event, Form,
    UnixMillis,
};
use bytes::Bytes;

use crate::playlist::{Media, attribute};
use crate::studio::{A0, AAC_48, AVC_720, Script, Studio, V0, WALL, separate};

fn studio(window_s: u64) -> Studio {
    let mut config = separate();
    config.window = Duration::from_secs(window_s);
    Studio::started(config, Some(AAC_48))
}

fn play(studio: &mut Studio, first_ms: i64, length_ms: i64) {
    let script = Script {
        first_ms,
        length_ms,
        ..Script::default()
    };
    studio.play(&script, first_ms.unsigned_abs());
}

/// A range of `length_ms` from `at_ms` after the publisher's start.
fn range(id: &str, at_ms: u64, length_ms: u64) -> DateRange {
    let mut range = DateRange::new(id, UnixMillis(WALL.0 + at_ms));
    range.end = Some(DateRangeEnd::After(Duration::from_millis(length_ms)));
    range
}

fn add(studio: &mut Studio, range: DateRange) {
    studio.event(Event::DateRange(range));
}

fn problem(studio: &mut Studio, range: DateRange) -> DateRangeProblem {
    match studio.try_event(Event::DateRange(range)) {
        Err(Error::DateRange { problem }) => problem,
        other => unreachable!("{other:?}"),
    }
}

fn ids(media: &Media) -> Vec<&str> {
    media
        .dates
        .iter()
        .map(|date| attribute(date, "ID").unwrap())
        .collect()
}

#[test]
fn pl_14_a_range_is_listed_at_once_the_same_everywhere() {
    // Section 6.2.4: playlists that have date ranges have the same set of them, with the same attributes.
    let mut studio = studio(30);
    play(&mut studio, 0, 4_500);
    let mut goal = range("goal", 4_000, 0);
    goal.class = Some("com.example.match".into());
    goal.scte35_cmd = Some(Bytes::from_static(&[0xfc, 0x00]));
    let score = DateRangeValue::Text("2:1".into());
    goal.attributes.push(("X-COM-EXAMPLE-SCORE".into(), score));
    add(&mut studio, goal);
    let expected = "ID=\"goal\",CLASS=\"com.example.match\",START-DATE=\"2026-11-23T20:00:04.000Z\",\
                    DURATION=0.00000,SCTE35-CMD=0xFC00,X-COM-EXAMPLE-SCORE=\"2:1\"";
    for id in [V0, A0] {
        assert_eq!(studio.playlists[&id].dates, [expected]);
        assert_eq!(
            studio.playlists[&id].version, 6,
            "PL-12: no floor of its own"
        );
    }
}

#[test]
fn rfc8216bis_6_2_1_a_range_stays_while_a_listed_segment_has_one_of_its_dates() {
    let mut studio = studio(8);
    play(&mut studio, 0, 4_500);
    add(&mut studio, range("short", 1_000, 500));
    add(&mut studio, range("long", 1_000, 9_000));
    add(
        &mut studio,
        DateRange::new("open", UnixMillis(WALL.0 + 1_000)),
    );
    add(&mut studio, range("future", 60_000, 1_000));
    let mut left = Vec::new();
    for step in 0..20 {
        play(&mut studio, 4_500 + step * 1_000, 1_000);
        let [video, sound] = [V0, A0].map(|id| studio.playlists[&id].clone());
        assert_eq!(video.dates, sound.dates, "PL-14: the same set");
        let first = &video.segments[0].date;
        for (id, end) in [
            ("short", "2026-11-23T20:00:01.500Z"),
            ("long", "2026-11-23T20:00:10.000Z"),
        ] {
            let listed = ids(&video).contains(&id);
            // The playlist with which its last segment goes may still list it.
            assert!(listed || end < &**first, "{id} has gone before {first}");
            if !listed && !left.contains(&id) {
                left.push(id);
            }
        }
    }
    assert_eq!(left, ["short", "long"]);
    assert_eq!(ids(&studio.playlists[&V0]), ["open", "future"]);
    // Section 6.2.1: its name cannot be another range's.
    assert_eq!(
        problem(&mut studio, range("short", 20_000, 0)),
        DateRangeProblem::Reused
    );
    assert_eq!(
        problem(&mut studio, range("late", 2_000, 0)),
        DateRangeProblem::Past
    );
}

#[test]
fn rfc8216bis_4_4_5_1_more_of_a_range_is_a_line_of_its_own() {
    let mut studio = studio(30);
    play(&mut studio, 0, 4_500);
    let mut out = DateRange::new("splice", UnixMillis(WALL.0 + 5_000));
    out.planned = Some(Duration::from_secs(30));
    out.scte35_out = Some(Bytes::from_static(&[1]));
    add(&mut studio, out.clone());
    let first = studio.playlists[&V0].dates.clone();
    add(&mut studio, out.clone());
    assert_eq!(studio.playlists[&V0].dates, first, "nothing new is said");
    play(&mut studio, 4_500, 2_500);
    let mut end = DateRange::new("splice", UnixMillis(WALL.0 + 5_000));
    end.end = Some(DateRangeEnd::At(UnixMillis(WALL.0 + 7_000)));
    end.scte35_in = Some(Bytes::from_static(&[2]));
    add(&mut studio, end);
    let dates = &studio.playlists[&V0].dates;
    assert_eq!(dates[0], first[0], "PL-1: what is listed stays as it is");
    assert_eq!(
        dates[1],
        "ID=\"splice\",START-DATE=\"2026-11-23T20:00:05.000Z\",END-DATE=\"2026-11-23T20:00:07.000Z\",SCTE35-IN=0x02"
    );
    // The same end in other words is the same end; another one is not.
    add(&mut studio, range("splice", 5_000, 2_000));
    assert_eq!(studio.playlists[&V0].dates.len(), 2);
    let changed = |attribute| DateRangeProblem::Changed { attribute };
    assert_eq!(
        problem(&mut studio, range("splice", 5_000, 2_001)),
        changed("END-DATE")
    );
    assert_eq!(
        problem(&mut studio, range("splice", 5_001, 2_000)),
        changed("START-DATE")
    );
    out.planned = Some(Duration::from_secs(31));
    assert_eq!(problem(&mut studio, out), changed("PLANNED-DURATION"));
}

#[test]
fn rfc8216bis_4_4_5_1_end_on_next() {
    let mut studio = studio(8);
    play(&mut studio, 0, 4_500);
    let act = |id: &str, at_ms| {
        let mut act = DateRange::new(id, UnixMillis(WALL.0 + at_ms));
        act.class = Some("acts".into());
        act.end = Some(DateRangeEnd::OnNext);
        act
    };
    let mut nameless = act("one", 1_000);
    nameless.class = None;
    assert_eq!(
        problem(&mut studio, nameless),
        DateRangeProblem::ClassMissing
    );
    add(&mut studio, act("one", 1_000));
    add(&mut studio, act("two", 4_000));
    // Once the following range is there, nothing of the class may come between.
    assert_eq!(
        problem(&mut studio, act("between", 2_000)),
        DateRangeProblem::Overlap
    );
    assert_eq!(
        problem(&mut studio, act("same", 4_000)),
        DateRangeProblem::Overlap
    );
    let mut over = range("over", 500, 1_000);
    over.class = Some("acts".into());
    assert_eq!(problem(&mut studio, over), DateRangeProblem::Overlap);
    play(&mut studio, 4_500, 20_000);
    assert_eq!(
        ids(&studio.playlists[&V0]),
        ["two"],
        "the first ended where the second began"
    );
}

#[test]
fn rfc8216bis_4_4_5_1_an_end_on_next_that_is_said_later_repeats_the_class() {
    // Section 4.4.5.1: a tag with END-ON-NEXT=YES must have a CLASS, whatever the tags before it say.
    let mut studio = studio(30);
    play(&mut studio, 0, 4_500);
    let act = |id: &str| DateRange::new(id, UnixMillis(WALL.0 + 4_000));
    for (id, repeated) in [("one", true), ("two", false)] {
        let class = ["acts-", id].concat();
        let mut first = act(id);
        first.class = Some(class.clone());
        add(&mut studio, first);
        let mut end = act(id);
        end.class = Some(class.clone()).filter(|_| repeated);
        end.end = Some(DateRangeEnd::OnNext);
        add(&mut studio, end.clone());
        let dates = studio.playlists[&V0].dates.clone();
        let last = dates.last().unwrap();
        assert_eq!(attribute(last, "END-ON-NEXT"), Some("YES"));
        assert_eq!(attribute(last, "CLASS"), Some(class.as_str()));
        add(&mut studio, end.clone());
        assert_eq!(
            studio.playlists[&V0].dates, dates,
            "{id}: nothing new is said"
        );
        end.class = Some("others".into());
        let attribute = "CLASS";
        assert_eq!(
            problem(&mut studio, end),
            DateRangeProblem::Changed { attribute }
        );
    }
    // A range that has no class so far needs one to end on the next.
    add(&mut studio, act("three"));
    let mut end = act("three");
    end.end = Some(DateRangeEnd::OnNext);
    assert_eq!(
        problem(&mut studio, end.clone()),
        DateRangeProblem::ClassMissing
    );
    end.class = Some("acts-three".into());
    add(&mut studio, end);
}

#[test]
fn rfc8216bis_6_2_5_1_v2_leaves_out_old_ranges_and_names_removed_ones() {
    let mut studio = studio(30);
    play(&mut studio, 0, 2_500);
    add(&mut studio, range("gone", 0, 100));
    add(&mut studio, range("old", 1_000, 60_000));
    play(&mut studio, 2_500, 24_000);
    add(&mut studio, range("new", 25_000, 60_000));
    let forms = |studio: &Studio| {
        [Form::Full, Form::Skip, Form::SkipV2]
            .map(|form| Media::parse(&studio.render(V0, form).unwrap()))
    };
    let [full, skip, v2] = forms(&studio);
    assert_eq!(ids(&full), ["gone", "old", "new"]);
    assert_eq!(
        full.dates, skip.dates,
        "PL-10: YES leaves out segments only"
    );
    assert_eq!(ids(&v2), ["new"], "added more than CAN-SKIP-UNTIL ago");
    assert_eq!((skip.removed, v2.removed.as_deref()), (None, Some("")));
    assert_eq!(
        (full.version, skip.version, v2.version),
        (6, 9, 10),
        "PL-12"
    );
    assert_eq!(skip.skipped, v2.skipped);
    // The first range leaves with the first segment.
    play(&mut studio, 26_500, 9_000);
    let [full, skip, v2] = forms(&studio);
    assert_eq!(ids(&full), ["old", "new"]);
    assert_eq!((skip.removed, v2.removed.as_deref()), (None, Some("gone")));
    play(&mut studio, 35_500, 14_000);
    let [.., v2] = forms(&studio);
    assert_eq!(v2.removed.as_deref(), Some(""), "that is no news any more");
    studio.event(Event::End);
    assert_eq!(
        studio.render(V0, Form::SkipV2),
        studio.render(V0, Form::Full),
        "DEL-1"
    );
}

#[test]
fn pl_10_v2_without_any_range_says_so() {
    let mut studio = studio(30);
    play(&mut studio, 0, 20_000);
    let text = studio.render(V0, Form::SkipV2).unwrap();
    assert!(
        text.contains(",RECENTLY-REMOVED-DATERANGES=\"\"\n") && text.contains("#EXT-X-VERSION:9\n")
    );
    assert!(
        text.contains("CAN-SKIP-UNTIL=12.00000,CAN-SKIP-DATERANGES=YES"),
        "PL-3"
    );
}

#[test]
fn pl_1_ranges_keep_their_place_among_the_segments() {
    let mut studio = studio(8);
    play(&mut studio, 0, 4_500);
    add(&mut studio, range("a", 4_000, 60_000));
    play(&mut studio, 4_500, 3_000);
    add(&mut studio, range("b", 7_000, 60_000));
    let place = |studio: &Studio, id: &str| {
        let text = &studio.texts[&V0];
        let at = text.find(&format!("ID=\"{id}\"")).unwrap();
        let before = text[..at].lines().rev().nth(1).unwrap();
        (before.to_owned(), text[..at].matches("#EXTINF").count())
    };
    let part = |uri: &str| format!("#EXT-X-PART:DURATION=0.20000,URI=\"{uri}\"");
    // Lines are only appended: each stands behind the part that was last when it came.
    assert_eq!(place(&studio, "a"), (part("p21.m4s"), 2));
    assert_eq!(place(&studio, "b").1, 3);
    let (before, _) = place(&studio, "b");
    play(&mut studio, 7_500, 3_500);
    assert_eq!(place(&studio, "b").0, before);
    play(&mut studio, 11_000, 20_000);
    let text = &studio.texts[&V0];
    let first = text.find("#EXT-X-MAP").unwrap();
    assert!(text.find("ID=\"a\"").unwrap() < text.find("ID=\"b\"").unwrap());
    assert!(
        text.find("ID=\"b\"").unwrap() < first,
        "their segments have gone"
    );
}

#[test]
fn quirk_21_dates_hold_over_discontinuities() {
    // A player places a range by the dates of segments: they are the wall's after every discontinuity.
    let mut studio = studio(30);
    play(&mut studio, 0, 4_500);
    for round in 1..5u64 {
        let from = round * 6_300;
        studio.at_ms(from);
        studio.start(Some(AAC_48));
        if round % 2 == 0 {
            studio.video_config(AVC_720);
        }
        let script = Script {
            length_ms: 4_000,
            ..Script::default()
        };
        studio.play(&script, from);
        add(&mut studio, range(&format!("r{round}"), from + 1_000, 100));
    }
    let media = &studio.playlists[&V0];
    let cuts = media
        .segments
        .iter()
        .filter(|segment| segment.discontinuity);
    let dates: Vec<&str> = cuts.map(|segment| &segment.date[17..23]).collect();
    assert_eq!(dates, ["06.300", "12.600", "18.900", "25.200"]);
    assert_eq!(ids(media), ["r1", "r2", "r3", "r4"]);
}

#[test]
fn limits_of_date_ranges() {
    let mut config = Config::default();
    config.limits.date_ranges = 3;
    config.limits.date_range_bytes = 200;
    let mut studio = Studio::new(config);
    for id in ["a", "b", "c"] {
        add(&mut studio, range(id, 0, 1));
    }
    assert_eq!(
        problem(&mut studio, range("d", 0, 1)),
        DateRangeProblem::TooMany { limit: 3 }
    );
    let long = problem(&mut studio, range(&"x".repeat(200), 0, 1));
    assert!(matches!(long, DateRangeProblem::TooLong { limit: 200, .. }));
    let own = |name: &str, value| {
        let mut range = range("own", 0, 1);
        range.attributes.push((name.into(), value));
        range
    };
    let text = |text: &str| DateRangeValue::Text(text.into());
    let mut twice = own("X-A", text("1"));
    twice.attributes.push(("X-A".into(), text("1")));
    let mut early = range("early", 10, 0);
    early.end = Some(DateRangeEnd::At(UnixMillis(WALL.0)));
    let mut hollow = range("hollow", 0, 0);
    hollow.scte35_in = Some(Bytes::new());
    let rows = [
        (range("", 0, 0), DateRangeProblem::Empty { attribute: "ID" }),
        (
            range("a\"b", 0, 0),
            DateRangeProblem::Text { attribute: "ID" },
        ),
        (
            range("a\tb", 0, 0),
            DateRangeProblem::Text { attribute: "ID" },
        ),
        (own("Y-A", text("1")), DateRangeProblem::Name),
        (own("X-a", text("1")), DateRangeProblem::Name),
        (own("X-", text("1")), DateRangeProblem::Name),
        (
            own("X-A", text("a\nb")),
            DateRangeProblem::Text { attribute: "X-" },
        ),
        (
            own("X-A", DateRangeValue::Hex(Bytes::new())),
            DateRangeProblem::Empty { attribute: "X-" },
        ),
        (twice, DateRangeProblem::Repeated),
        (early, DateRangeProblem::EndBeforeStart),
        (
            hollow,
            DateRangeProblem::Empty {
                attribute: "SCTE35-IN",
            },
        ),
        (range("far", u64::MAX / 2, 0), DateRangeProblem::Date),
    ];
    for (range, expected) in rows {
        assert_eq!(problem(&mut studio, range), expected);
    }
}
