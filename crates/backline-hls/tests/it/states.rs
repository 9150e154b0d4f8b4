//! Every state by every event, as a table that a review can read.

use std::fmt::Write;

use backline_hls::codec::Codec;
use backline_hls::{Error, Event, TrackId};

use crate::studio::{AAC_48, AVC_720, Script, Studio, WALL, hex, sample, separate};

/// How a studio gets into a state.
type Reach = fn(&mut Studio);

fn states() -> [(&'static str, Reach); 6] {
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
        ("Ended", |studio| studio.event(Event::End)),
    ]
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

/// The state that a debugger shows; the public interface has only `live` and `playable`.
fn state(studio: &Studio) -> String {
    let text = format!("{:?}", studio.hls);
    let at = text.find("phase: ").unwrap();
    text[at + 7..].split([',', ' ']).next().unwrap().to_owned()
}

#[test]
fn every_state_by_every_event() {
    let mut table = String::from("state     event        next       result\n");
    for (name, reach) in states() {
        for (label, event) in events() {
            let mut studio = Studio::new(separate());
            reach(&mut studio);
            assert_eq!(state(&studio), name);
            let before = studio.outputs.len();
            let result = match studio.try_event(event) {
                Ok(()) => match studio.outputs.len() - before {
                    0 => "nothing to do".to_owned(),
                    _ => kinds(&studio, before),
                },
                Err(Error::Ended) => "refused: ended".to_owned(),
                Err(Error::NotStarted { .. }) => "refused: not started".to_owned(),
                Err(Error::SampleBeforeConfig { .. }) => "refused: no config".to_owned(),
                Err(error) => format!("refused: {error}"),
            };
            writeln!(table, "{name:9} {label:12} {:10} {result}", state(&studio)).unwrap();
        }
    }
    let expected = include_str!("../data/states.txt");
    assert_eq!(table, expected, "the table of states has changed");
}

/// The kinds of outputs in their order, repeats left out.
fn kinds(studio: &Studio, from: usize) -> String {
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
