//! Every state by every event, as a table that a review can read.

use std::fmt::Write;

use backline_hls::codec::Codec;
use backline_hls::{Absence, Error, Event, TrackId};

use crate::studio::{AAC_48, AVC_720, Script, Studio, WALL, hex, sample, separate};

/// How a studio gets into a state.
type Reach = fn(&mut Studio);

fn states() -> [(&'static str, Reach); 9] {
    [
        ("Idle", |_| {}),
        ("Gathering", |studio| {
            studio.start(Some(AAC_48));
            studio.play(
                &Script {
                    length_ms: 200,
                    ..Script::default()
                },
                0,
            );
        }),
        ("Live", |studio| {
            studio.start(Some(AAC_48));
            studio.play(
                &Script {
                    length_ms: 1_010,
                    ..Script::default()
                },
                0,
            );
        }),
        ("Waiting", |studio| {
            studio.start(Some(AAC_48));
            studio.play(
                &Script {
                    length_ms: 1_010,
                    ..Script::default()
                },
                0,
            );
            studio.start(Some(AAC_48));
        }),
        ("Stopped", |studio| {
            studio.start(Some(AAC_48));
            studio.play(
                &Script {
                    length_ms: 1_010,
                    ..Script::default()
                },
                0,
            );
            studio.event(Event::Stop);
        }),
        ("Playing", playing),
        // The publisher's absence is being filled: while it is there, and after it has gone.
        ("Waiting*", |studio| {
            playing(studio);
            studio.wait_until_ms(5_000);
        }),
        ("Stopped*", |studio| {
            playing(studio);
            studio.event(Event::Stop);
            studio.wait_until_ms(5_000);
        }),
        ("Ended", |studio| studio.event(Event::End)),
    ]
}

/// Live, with a playlist.
fn playing(studio: &mut Studio) {
    studio.start(Some(AAC_48));
    studio.play(
        &Script {
            length_ms: 2_500,
            ..Script::default()
        },
        0,
    );
}

fn events() -> [(&'static str, Event); 9] {
    let config = |track, codec, record| Event::Config {
        track,
        codec,
        record: hex(record),
    };
    let second = TrackId {
        id: 1,
        ..TrackId::VIDEO
    };
    [
        ("Start", Event::Start { wall: WALL }),
        ("same config", config(TrackId::AUDIO, Codec::Aac, AAC_48)),
        ("new config", config(TrackId::VIDEO, Codec::Avc, AVC_720)),
        ("second track", config(second, Codec::Avc, AVC_720)),
        ("key frame", sample(TrackId::VIDEO, 1_033, 0, true, 100)),
        ("other frame", sample(TrackId::VIDEO, 1_033, 0, false, 100)),
        ("sound", sample(TrackId::AUDIO, 1_024, 0, true, 100)),
        ("Stop", Event::Stop),
        ("End", Event::End),
    ]
}

/// The state that a debugger shows, with a star while an absence is filled; the public interface has only `live`,
/// `playable` and `absent`.
fn state(studio: &Studio) -> String {
    let text = format!("{:?}", studio.hls);
    let at = text.find("phase: ").unwrap();
    let mut state = text[at + 7..].split([',', ' ']).next().unwrap().to_owned();
    if studio.hls.stats().absent {
        state.push('*');
    }
    state
}

#[test]
fn every_state_by_every_event() {
    let mut table = String::from("state     event        next       result\n");
    let mut config = separate();
    config.absence = Absence::Gap;
    for (name, reach) in states() {
        let reached = || {
            let mut studio = Studio::new(config.clone());
            reach(&mut studio);
            let live = name == "Playing" && state(&studio) == "Live";
            assert!(live || state(&studio) == name);
            studio
        };
        for (label, event) in events() {
            let mut studio = reached();
            let before = studio.outputs.len();
            let result = match studio.try_event(event) {
                Ok(()) => kinds(&studio, before),
                Err(Error::Ended) => "refused: ended".to_owned(),
                Err(Error::NotStarted { .. }) => "refused: not started".to_owned(),
                Err(Error::SampleBeforeConfig { .. }) => "refused: no config".to_owned(),
                Err(error) => format!("refused: {error}"),
            };
            writeln!(table, "{name:9} {label:12} {:10} {result}", state(&studio)).unwrap();
        }
        let mut studio = reached();
        let before = studio.outputs.len();
        if let Some(due) = studio.hls.poll_timeout() {
            let since = due.duration_since(studio.origin).as_millis();
            studio.wait_until_ms(u64::try_from(since).unwrap() + 1);
        }
        let result = kinds(&studio, before);
        writeln!(
            table,
            "{name:9} {:12} {:10} {result}",
            "timeout",
            state(&studio)
        )
        .unwrap();
    }
    let expected = include_str!("../data/states.txt");
    assert_eq!(table, expected, "the table of states has changed");
}

/// The kinds of outputs in their order, repeats left out.
fn kinds(studio: &Studio, from: usize) -> String {
    if studio.outputs.len() == from {
        return "nothing to do".to_owned();
    }
    let mut kinds: Vec<String> = Vec::new();
    for output in &studio.outputs[from..] {
        let text = format!("{output:?}");
        let kind = text.split([' ', '(']).next().unwrap().to_owned();
        if kinds.last() != Some(&kind) {
            kinds.push(kind);
        }
    }
    kinds.join(" ")
}
