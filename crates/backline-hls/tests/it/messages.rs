//! Row MUX-2: event messages and the producer's reference time, as mp4-atom reads them.

use std::time::Duration;

use backline_hls::{Config, Emsg, Error, Event, MessageProblem, ObjectId, TrackId};
use bytes::Bytes;
use mp4_atom::{Any, Decode as _, EmsgTimestamp, ReferenceTime};

use crate::studio::{A0, AAC_48, M0, Script, Studio, V0, WALL, muxed, sample, separate};

fn message(time_ms: i64, text: &'static str) -> Emsg {
    let mut message = Emsg::new(
        "urn:example:score",
        time_ms * 1_000_000,
        Bytes::from_static(text.as_bytes()),
    );
    message.value = "1".into();
    message.id = 7;
    message
}

fn play(studio: &mut Studio, first_ms: i64, length_ms: i64) {
    let script = Script {
        first_ms,
        length_ms,
        ..Script::default()
    };
    studio.play(&script, first_ms.unsigned_abs());
}

/// What mp4-atom finds in the header of a part, up to `moof`.
fn boxes(studio: &Studio, part: &ObjectId) -> Vec<Any> {
    let mut header = &studio.parts[part].1[0][..];
    let mut found = Vec::new();
    loop {
        let read = Any::decode(&mut header).unwrap();
        let last = matches!(read, Any::Moof(_));
        found.push(read);
        if last {
            return found;
        }
    }
}

fn problem(studio: &mut Studio, message: Emsg) -> MessageProblem {
    match studio.try_event(Event::Message(message)) {
        Err(Error::Message { problem }) => problem,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn mux_2_messages_stand_before_the_moof_of_the_next_part() {
    for (config, id) in [(separate(), V0), (muxed(), M0)] {
        let mut studio = Studio::started(config, Some(AAC_48));
        play(&mut studio, 0, 4_100);
        let before = studio
            .parts
            .keys()
            .filter(|part| part.rendition == id)
            .count();
        let mut long = message(4_250, "2:1");
        long.duration = Some(Duration::from_millis(1_500));
        studio.event(Event::Message(message(4_000, "kick-off")));
        studio.event(Event::Message(long));
        play(&mut studio, 4_100, 1_000);
        let parts: Vec<ObjectId> = studio
            .parts
            .keys()
            .filter(|part| part.rendition == id)
            .copied()
            .collect();
        let carrier = parts[before];
        let found = boxes(&studio, &carrier);
        let [
            Any::Styp(_),
            Any::Emsg(first),
            Any::Emsg(second),
            Any::Moof(_),
        ] = &found[..]
        else {
            unreachable!("{found:?}")
        };
        assert_eq!(
            (&*first.scheme_id_uri, &*first.value, first.id),
            ("urn:example:score", "1", 7)
        );
        assert_eq!(
            (&*first.message_data, &*second.message_data),
            (&b"kick-off"[..], &b"2:1"[..])
        );
        // The file's clock begins at one second.
        assert_eq!(first.timescale, 90_000);
        assert_eq!(first.presentation_time, EmsgTimestamp::Absolute(5 * 90_000));
        assert_eq!(
            second.presentation_time,
            EmsgTimestamp::Absolute(5_250 * 90)
        );
        assert_eq!(
            (first.event_duration, second.event_duration),
            (u32::MAX, 1_500 * 90)
        );
        let others = studio.parts.keys().filter(|part| **part != carrier);
        for other in others {
            let found = boxes(&studio, other);
            assert!(
                found.iter().all(|read| !matches!(read, Any::Emsg(_))),
                "once"
            );
        }
    }
}

#[test]
fn mux_2_sound_alone_carries_messages_too() {
    let mut studio = Studio::new(separate());
    studio.event(Event::Start { wall: WALL });
    studio.event(Event::Config {
        track: TrackId::AUDIO,
        codec: backline_hls::codec::Codec::Aac,
        record: crate::studio::hex(AAC_48),
    });
    let frame = |index: i64| sample(TrackId::AUDIO, index * 1_024 / 48, 0, true, 200);
    for index in 0..60 {
        studio.event(frame(index));
    }
    studio.event(Event::Message(message(1_000, "a")));
    for index in 60..80 {
        studio.event(frame(index));
    }
    let carriers = studio.parts.keys().filter(|part| {
        let found = boxes(&studio, part);
        part.rendition == A0 && found.iter().any(|read| matches!(read, Any::Emsg(_)))
    });
    assert_eq!(carriers.count(), 1);
}

#[test]
fn mux_2_a_part_says_the_wall_clock_where_that_is_wanted() {
    let mut config = separate();
    config.producer_reference_time = true;
    let mut studio = Studio::started(config, Some(AAC_48));
    play(&mut studio, 0, 4_100);
    studio.event(Event::Message(message(4_000, "x")));
    play(&mut studio, 4_100, 1_000);
    studio.event(Event::Stop);
    studio.at_ms(60_250);
    studio.start(Some(AAC_48));
    let script = Script {
        length_ms: 1_000,
        ..Script::default()
    };
    studio.play(&script, 60_250);
    let mut expected = [0u64, 60_250].into_iter();
    for (part, (runs, _)) in &studio.parts {
        let found = boxes(&studio, part);
        let times: Vec<_> = found
            .iter()
            .filter_map(|read| match read {
                Any::Prft(time) => Some(time),
                _ => None,
            })
            .collect();
        if part.rendition == A0 {
            assert!(times.is_empty(), "only the leading rendition says it");
            continue;
        }
        let [time] = times[..] else {
            unreachable!("{found:?}")
        };
        assert!(matches!(found[1], Any::Prft(_)), "before messages");
        assert_eq!(
            (time.reference_track_id, &time.utc_time_semantics),
            (1, &ReferenceTime::RealTime)
        );
        assert_eq!(time.media_time, runs[0].tfdt);
        let ntp_ms = (u128::from(time.ntp_timestamp) * 1_000) >> 32;
        let unix_ms = u64::try_from(ntp_ms).unwrap() - 2_208_988_800_000;
        let since_ms = unix_ms + 1 - WALL.0;
        if part.number == 0 || since_ms >= 60_000 && expected.len() == 1 {
            assert!(
                since_ms.abs_diff(expected.next().unwrap()) <= 1,
                "{since_ms}"
            );
        }
        if since_ms < 60_000 {
            let media_ms = runs[0].tfdt / 90 - 1_000;
            assert!(since_ms.abs_diff(media_ms) <= 2, "{since_ms} at {media_ms}");
        }
    }
    assert_eq!(expected.len(), 0);
}

#[test]
fn mux_2_a_message_for_media_that_did_not_come_is_dropped() {
    let mut studio = Studio::started(separate(), None);
    let script = Script {
        length_ms: 4_200,
        ..Script::silent()
    };
    studio.play(&script, 0);
    studio.event(Event::Message(message(4_300, "x")));
    studio.event(Event::Stop);
    assert_eq!(
        problem(&mut studio, message(4_400, "y")),
        MessageProblem::NoMedia
    );
    studio.at_ms(9_000);
    studio.start(None);
    studio.play(&script, 9_000);
    let late = studio.parts.keys().filter(|part| part.number >= 21);
    for part in late {
        assert!(
            boxes(&studio, part)
                .iter()
                .all(|read| !matches!(read, Any::Emsg(_)))
        );
    }
}

#[test]
fn limits_of_messages() {
    let mut config = Config::default();
    config.limits.message_bytes = 100;
    config.limits.part_messages = 2;
    let mut studio = Studio::started(config, Some(AAC_48));
    assert_eq!(
        problem(&mut studio, message(0, "x")),
        MessageProblem::NoMedia
    );
    play(&mut studio, 0, 2_010);
    let mut nameless = message(2_000, "x");
    nameless.scheme_id_uri.clear();
    let mut zero = message(2_000, "x");
    zero.value = "a\0b".into();
    let large = Emsg::new("urn:x", 0, Bytes::from(vec![0; 100]));
    let rows = [
        (nameless, MessageProblem::SchemeMissing),
        (zero, MessageProblem::Text { field: "value" }),
        (
            large,
            MessageProblem::TooLarge {
                size: 139,
                limit: 100,
            },
        ),
        (
            message(-2_000, "x"),
            MessageProblem::Time {
                time_ns: -2_000_000_000,
            },
        ),
    ];
    for (message, expected) in rows {
        assert_eq!(problem(&mut studio, message), expected);
    }
    studio.event(Event::Message(message(2_000, "a")));
    studio.event(Event::Message(message(2_000, "b")));
    assert_eq!(
        problem(&mut studio, message(2_000, "c")),
        MessageProblem::TooMany { limit: 2 }
    );
    play(&mut studio, 2_010, 400);
    studio.event(Event::Message(message(2_000, "c")));
}
