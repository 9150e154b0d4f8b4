//! Cues: where each one is shown, what is refused, and what is said (MV-4, SEG-7).

use backline_hls::{
    About, Absence, Cue, CueProblem, Error, Event, Output, RenditionId, TrackId, UnixMillis,
    Warning,
};
use proptest::prelude::*;

use crate::captions::{T0, announce, captioned, cue, find, places, play, play_from, text};
use crate::studio::{AAC_48, Script, Studio, V0, WALL, separate};

const T1: RenditionId = RenditionId::text(1);

#[test]
fn cues_that_are_late_go_into_the_next_segment() {
    let mut studio = captioned(separate());
    let cues = [
        (2_500, 2_900, "in time"),
        (1_500, 1_900, "over"),
        (1_500, 4_500, "still shown"),
        (3_500, 3_900, "in time again"),
    ];
    for (at, row) in cues.iter().enumerate() {
        // The segment of the first two seconds is closed.
        let script = Script {
            length_ms: 2_400,
            ..Script::default()
        };
        if at == 0 {
            play(&mut studio, script, &[], 0);
        }
        studio.event(cue(row.0, row.1, row.2));
    }
    let late = Warning::CueLate {
        track: TrackId::TEXT,
        late_ms: 500,
    };
    assert_eq!(studio.warnings, [late], "said once");
    let rest = Script {
        first_ms: 2_400,
        length_ms: 4_000,
        gop: 48,
        ..Script::default()
    };
    play_from(&mut studio, rest, &[(5_500, 5_600, "later")], 0, 2_400);
    assert_eq!(places(&studio, T0, "over"), [2]);
    let over = find(&studio, "over");
    assert_eq!(
        (over.start_ms, over.end_ms),
        (3_000, 3_400),
        "as long as it was to be"
    );
    let still = find(&studio, "still shown");
    assert_eq!(
        (still.start_ms, still.end_ms),
        (2_500, 5_500),
        "it is not over yet"
    );
    assert_eq!(places(&studio, T0, "still shown")[0], 2);
}

#[test]
fn captions_wait_for_the_first_picture() {
    let mut studio = Studio::new(separate());
    let refused = studio.try_event(cue(0, 1_000, "x"));
    assert_eq!(
        refused,
        Err(Error::NotStarted {
            track: TrackId::TEXT
        })
    );
    studio.start(Some(AAC_48));
    let refused = studio.try_event(cue(0, 1_000, "x"));
    let problem = CueProblem::Unannounced;
    let track = TrackId::TEXT;
    assert_eq!(refused, Err(Error::Cue { track, problem }));
    studio.event(announce(TrackId::TEXT, About::default()));
    // Before any sample: times are known when the picture is.
    studio.event(cue(4_000, 5_000, "before"));
    studio.event(cue(4_500, 5_500, "begins before"));
    studio.event(cue(5_500, 6_000, "first"));
    studio.event(cue(90_000, 91_000, "of another clock"));
    let script = Script {
        first_ms: 5_000,
        ..Script::default()
    };
    play(&mut studio, script, &[], 0);
    assert_eq!(studio.hls.stats().samples_dropped, 2);
    let begun = find(&studio, "begins before");
    assert_eq!((begun.start_ms, begun.end_ms), (1_000, 1_500));
    assert_eq!(find(&studio, "first").start_ms, 1_500);
}

#[test]
fn mv_4_cues_end_with_their_publishers_clock() {
    // A jump and a return: media of another clock begins behind a discontinuity, and cues of the old one are not shown
    // there.
    let mut studio = captioned(separate());
    let early = [
        (3_000, 30_000, "too long"),
        (9_500, 9_900, "last"),
        (11_000, 12_000, "never"),
    ];
    play(&mut studio, Script::default(), &early, 2_000);
    let jumped = Script {
        first_ms: 500_000,
        ..Script::default()
    };
    play_from(
        &mut studio,
        jumped,
        &[(501_000, 502_000, "jumped")],
        0,
        10_000,
    );
    studio.event(Event::Stop);
    let refused = studio.try_event(cue(0, 1, "nobody speaks"));
    assert_eq!(
        refused,
        Err(Error::NotStarted {
            track: TrackId::TEXT
        })
    );
    studio.event(Event::Start {
        wall: UnixMillis(WALL.0 + 30_000),
    });
    studio.event(cue(77_000, 78_000, "back"));
    let back = Script {
        first_ms: 76_000,
        ..Script::default()
    };
    play_from(&mut studio, back, &[], 0, 30_000);
    studio.event(Event::End);
    let cuts: Vec<u64> = studio.playlists[&T0]
        .segments
        .iter()
        .filter(|segment| segment.discontinuity)
        .map(|segment| segment.msn)
        .collect();
    assert_eq!(cuts.len(), 2);
    assert!(
        places(&studio, T0, "too long")
            .iter()
            .all(|msn| *msn < cuts[0])
    );
    assert!(places(&studio, T0, "never").is_empty());
    assert_eq!(places(&studio, T0, "jumped"), [cuts[0]]);
    assert_eq!(places(&studio, T0, "back"), [cuts[1]]);
    // A second after its epoch's first picture.
    let first = studio
        .runs(V0, 1)
        .iter()
        .map(|run| run.tfdt / 90)
        .collect::<Vec<_>>();
    assert!(first.contains(&(find(&studio, "back").start_ms - 1_000)));
    assert!(first.contains(&(find(&studio, "jumped").start_ms - 1_000)));
}

#[test]
fn seg_7_captions_go_on_over_gaps_and_slates() {
    let mut config = separate();
    config.absence = Absence::Gap;
    let mut studio = captioned(config);
    play(
        &mut studio,
        Script::default(),
        &[(9_000, 13_000, "over the gap")],
        1_000,
    );
    studio.wait_until_ms(16_000);
    let back = Script {
        first_ms: 16_000,
        ..Script::default()
    };
    play_from(&mut studio, back, &[(17_000, 18_000, "back")], 0, 16_000);
    let lead = &studio.playlists[&V0];
    assert!(lead.segments.iter().any(|segment| segment.gap));
    assert!(
        studio.playlists[&T0]
            .segments
            .iter()
            .all(|segment| !segment.gap)
    );
    assert!(places(&studio, T0, "over the gap").len() >= 2);
    assert_eq!(places(&studio, T0, "back").len(), 1);
}

#[test]
fn limits_of_cues() {
    let mut config = separate();
    config.limits.cues = 3;
    let mut studio = captioned(config);
    let refused = |problem| {
        let track = TrackId::TEXT;
        Err(Error::Cue { track, problem })
    };
    let many = refused(CueProblem::TooMany { limit: 3 });
    for words in ["a", "b", "c"] {
        studio.event(cue(500, 1_500, words));
    }
    assert_eq!(studio.try_event(cue(500, 1_500, "d")), many);
    play(
        &mut studio,
        Script {
            length_ms: 2_500,
            ..Script::default()
        },
        &[],
        0,
    );
    for at in [2_500, 3_000, 3_500] {
        studio.event(cue(at, at + 100, "e"));
    }
    assert_eq!(studio.try_event(cue(2_500, 3_500, "f")), many);
    let mut studio = captioned(separate());
    play(
        &mut studio,
        Script {
            length_ms: 2_500,
            ..Script::default()
        },
        &[],
        0,
    );
    let far = |by_ms| {
        refused(CueProblem::TooFar {
            by_ms,
            limit_ms: 60_000,
        })
    };
    assert_eq!(
        studio.try_event(cue(70_000, 70_500, "x")),
        far(70_000 - 2_467)
    );
    assert_eq!(
        studio.try_event(cue(-60_000, -59_000, "x")),
        far(-60_000 - 2_467)
    );
    let none = studio
        .outputs
        .iter()
        .filter(|output| matches!(output, Output::Warning(_)))
        .count();
    assert_eq!(none, 0);
}

#[test]
fn limits_of_captions() {
    let studio = Studio::new(separate());
    let span = std::time::Duration::from_millis(999);
    let mut config = separate();
    config.limits.cue_span = span;
    let refused = backline_hls::Presentation::new(config, studio.now).map(|_| ());
    assert!(
        matches!(refused, Err(Error::ConfigRange { field: "limits.cue_span", value, .. }) if value == span)
    );
    let mut config = separate();
    config.limits.renditions = 3;
    let mut studio = Studio::started(config, Some(AAC_48));
    for id in 0..3 {
        studio.event(announce(text(id), About::default()));
    }
    let refused = studio.try_event(announce(text(3), About::default()));
    assert_eq!(
        refused,
        Err(Error::TooManyTracks {
            track: text(3),
            limit: 3
        })
    );
}

#[test]
fn two_captions_are_numbered_by_their_ids() {
    let mut studio = Studio::started(separate(), Some(AAC_48));
    for id in [9, 4] {
        studio.event(announce(text(id), About::default()));
    }
    let cue = Cue::plain(500_000_000, 900_000_000, "nine");
    studio.event(Event::Cue {
        track: text(9),
        cue,
    });
    play(&mut studio, Script::default(), &[], 0);
    assert!(places(&studio, T0, "nine").is_empty());
    assert_eq!(places(&studio, T1, "nine"), [1]);
}

/// Text that is likely to be cue text, and likely not to be.
fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z\u{e9}]{1,6}",
        Just("\n".to_owned()),
        Just("&amp;".to_owned()),
        Just("<i>x</i>".to_owned()),
        Just("<v Bob>".to_owned()),
        Just("-->".to_owned()),
        "[&<>\\-; \t\r/]{1,3}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn settings() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "(line|size|position):[0-9]{1,3}%",
        "line:-?[0-9]{1,2}(,start|,end)?",
        "align:(start|center|left)",
        "[a-z]{1,4}:?[0-9%]{0,3}",
    ];
    proptest::collection::vec(piece, 0..3).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_taken_stands_in_the_file_as_it_was_given(
        given in proptest::collection::vec((0i64..3_000, 1i64..3_000, "[a-z0-9 \n>-]{0,6}", settings(), words()), 1..12)
    ) {
        let mut studio = captioned(separate());
        let mut taken = Vec::new();
        for (start_ms, length_ms, id, settings, text) in given {
            let (start_ns, end_ns) = (start_ms * 1_000_000, (start_ms + length_ms) * 1_000_000);
            let cue = Cue { start_ns, end_ns, id, settings, text };
            let row = (start_ms, length_ms, cue.id.clone(), cue.settings.clone(), cue.text.clone());
            match studio.try_event(Event::Cue { track: TrackId::TEXT, cue }) {
                Ok(()) => taken.push(row),
                Err(Error::Cue { .. }) => {}
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
        // The studio reads every file as a strict player does.
        play(&mut studio, Script { length_ms: 6_500, ..Script::default() }, &[], 0);
        for (object, page) in &studio.pages {
            let (from, to) = ((object.number - 1) * 2_000, object.number * 2_000);
            let mut expected: Vec<_> = taken
                .iter()
                .map(|(start, length, id, settings, text)| {
                    let start = start.unsigned_abs();
                    (start, start + length.unsigned_abs(), id, settings, text)
                })
                .filter(|(start, end, ..)| *start < to && *end > from)
                .collect();
            expected.sort_by_key(|row| row.0);
            let found: Vec<_> = page
                .cues
                .iter()
                .map(|cue| (cue.start_ms - 1_000, cue.end_ms - 1_000, &cue.id, &cue.settings, &cue.text))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn plain_text_is_always_taken(text in ".{0,40}|[\\x00-\\x7f]{0,40}|[&<>\r\n-]{0,12}") {
        let cue = Cue::plain(500_000_000, 900_000_000, &text);
        let empty = cue.text.trim().is_empty();
        let mut studio = captioned(separate());
        let taken = studio.try_event(Event::Cue { track: TrackId::TEXT, cue });
        let track = TrackId::TEXT;
        let problem = CueProblem::Empty;
        let expected = if empty { Err(Error::Cue { track, problem }) } else { Ok(()) };
        prop_assert_eq!(taken, expected);
    }
}
