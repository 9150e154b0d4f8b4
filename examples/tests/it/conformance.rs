//! Every machine of the house keeps the one contract: with a queue of one it loses no byte, no event and no token.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use backline_cache::{Cache, Client, Key, Kind, Token, Want};
use backline_examples::adapt::machine::{Desk, Machine};
use backline_hls::codec::Codec;
use backline_hls::{Event, Presentation, Sample, TrackId, UnixMillis};
use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::{Message, Muxer};
use backline_rtmp::server::{Output, Server};
use bytes::{BufMut, Bytes};

/// What happens to a machine.
enum Input<E> {
    Bytes(Vec<u8>),
    Event(E),
}

/// What came out of a machine.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    outputs: Vec<String>,
    sent: Vec<u8>,
}

/// Runs a machine as an adapter does: when it takes no more, drain it and offer the rest again.
fn drive<M: Machine<Event: Clone, Output: Debug>>(
    machine: &mut M,
    inputs: &[(Instant, Input<M::Event>)],
    mut answer: impl FnMut(&mut M, Instant, &M::Output),
) -> Heard {
    let mut heard = Heard::default();
    for (now, input) in inputs {
        while machine.poll_timeout().is_some_and(|due| due <= *now) {
            machine.handle_timeout(*now);
            drain(machine, *now, &mut heard, &mut answer);
        }
        match input {
            Input::Bytes(bytes) => {
                let mut rest = bytes.as_slice();
                let mut turns = 0;
                while !rest.is_empty() {
                    let taken = machine
                        .handle_input(*now, rest)
                        .expect("the bytes are right");
                    rest = &rest[taken..];
                    let drained = drain(machine, *now, &mut heard, &mut answer);
                    turns += 1;
                    assert!(
                        taken > 0 || drained,
                        "it takes nothing and has nothing to give"
                    );
                    assert!(turns <= bytes.len(), "it takes less than a byte at a time");
                }
            }
            Input::Event(event) => {
                while let Err(error) = machine.handle_event(*now, event.clone()) {
                    assert!(M::is_full(&error), "{error}");
                    assert!(
                        drain(machine, *now, &mut heard, &mut answer),
                        "full, and nothing to give"
                    );
                }
            }
        }
        drain(machine, *now, &mut heard, &mut answer);
    }
    heard
}

/// Takes everything that a machine has; whether there was anything.
fn drain<M: Machine<Output: Debug>>(
    machine: &mut M,
    now: Instant,
    heard: &mut Heard,
    answer: &mut impl FnMut(&mut M, Instant, &M::Output),
) -> bool {
    let before = (heard.outputs.len(), heard.sent.len());
    loop {
        if let Some(output) = machine.poll_output() {
            heard.outputs.push(format!("{output:?}"));
            answer(machine, now, &output);
        } else if let Some(transmit) = machine.poll_transmit() {
            heard.sent.put(transmit);
        } else {
            return before != (heard.outputs.len(), heard.sent.len());
        }
    }
}

fn command(values: &[Value], message_stream: u32) -> Message {
    Message::new(3, message_stream, Message::COMMAND, 0, amf0::encode(values))
}

/// A publisher from its first byte to its last, cut where it would wait for an answer.
fn publisher(epoch: Instant) -> Vec<(Instant, Input<std::convert::Infallible>)> {
    let mut muxer = Muxer::new();
    let mut bytes = |message: &Message| -> Vec<u8> {
        let chunks = muxer.write(message);
        chunks
            .flat_map(|chunk| [chunk.head(), chunk.payload()].concat())
            .collect()
    };
    let text = |text: &str| Value::String(text.into());
    let mut hello = vec![3];
    hello.extend(vec![0; 2 * 1536]);
    let app = Value::Object(vec![
        ("app".into(), text("live")),
        ("tcUrl".into(), text("rtmp://host/live")),
    ]);
    let connect = bytes(&command(&[text("connect"), Value::Number(1.0), app], 0));
    let create = bytes(&command(
        &[text("createStream"), Value::Number(2.0), Value::Null],
        0,
    ));
    let name = [
        text("publish"),
        Value::Number(3.0),
        Value::Null,
        text("key"),
        text("live"),
    ];
    let publish = bytes(&command(&name, 1));
    let mut media = Vec::new();
    for frame in 0..200_u64 {
        let mut picture = vec![if frame % 30 == 0 { 0x17 } else { 0x27 }, 1, 0, 0, 0];
        picture.extend(vec![7; 20 + usize::try_from(frame).expect("small") * 3]);
        for (kind, chunk_stream, payload) in [
            (Message::VIDEO, 6, Bytes::from(picture)),
            (
                Message::AUDIO,
                4,
                Bytes::from_static(&[0xAF, 1, 9, 9, 9, 9]),
            ),
        ] {
            media.extend(bytes(&Message::new(
                chunk_stream,
                1,
                kind,
                frame * 33,
                payload,
            )));
        }
    }
    let goodbye = bytes(&command(
        &[
            text("deleteStream"),
            Value::Number(4.0),
            Value::Null,
            Value::Number(1.0),
        ],
        0,
    ));
    let steps = [hello, connect, create, publish, media, goodbye];
    (1..)
        .zip(steps)
        .map(|(turn, step)| (epoch + Duration::from_millis(turn * 10), Input::Bytes(step)))
        .collect()
}

#[test]
fn an_rtmp_session_with_a_queue_of_one_loses_nothing() {
    let epoch = Instant::now();
    let run = |outputs: usize| {
        let mut config = backline_rtmp::server::Config::default();
        config.limits.outputs = outputs;
        let mut server = Server::new(config, epoch);
        drive(&mut server, &publisher(epoch), |server, now, output| {
            if let Output::Publish(request) = output {
                server
                    .accept(now, request.id)
                    .expect("it waits for an answer");
            }
        })
    };
    let (wide, narrow) = (run(256), run(1));
    let of = |word: &str| {
        wide.outputs
            .iter()
            .filter(|output| output.contains(word))
            .count()
    };
    assert_eq!(
        (
            of("Publish("),
            of(": Video("),
            of(": Audio("),
            of("Unpublished")
        ),
        (1, 200, 200, 1)
    );
    assert_eq!(narrow, wide);
}

/// Ten seconds of sound with a publisher who leaves in the middle and comes back.
fn sound(epoch: Instant) -> Vec<(Instant, Input<Event>)> {
    let track = TrackId::AUDIO;
    let config = || Event::Config {
        track,
        codec: Codec::Aac,
        record: Bytes::from_static(&[0x11, 0x90]),
    };
    let mut inputs = Vec::new();
    for (turn, from_ms) in [(0, 0), (1, 7_000)] {
        let at = |ms: u64| epoch + Duration::from_millis(from_ms + ms);
        inputs.push((
            at(0),
            Input::Event(Event::Start {
                wall: UnixMillis(1_795_464_000_000 + from_ms),
            }),
        ));
        inputs.push((at(0), Input::Event(config())));
        for frame in 0..235_u64 {
            let ns = frame * 1_024 * 1_000_000_000 / 48_000;
            let data = Bytes::from(vec![turn; 200]);
            let sample = Sample {
                dts_ns: i64::try_from(ns).expect("small"),
                composition_ns: 0,
                sync: true,
                data,
            };
            inputs.push((
                at(ns / 1_000_000),
                Input::Event(Event::Sample { track, sample }),
            ));
        }
        inputs.push((at(5_100), Input::Event(Event::Stop)));
    }
    inputs.push((epoch + Duration::from_secs(13), Input::Event(Event::End)));
    inputs
}

#[test]
fn a_presentation_with_a_queue_of_one_loses_nothing() {
    let epoch = Instant::now();
    let run = |outputs: usize| {
        let mut config = backline_hls::Config::default();
        config.limits.outputs = outputs;
        let mut presentation =
            Presentation::new(config, epoch).expect("the configuration is right");
        drive(&mut presentation, &sound(epoch), |_, _, _| {})
    };
    let (wide, narrow) = (run(256), run(1));
    let of = |word: &str| {
        wide.outputs
            .iter()
            .filter(|output| output.starts_with(word))
            .count()
    };
    assert!(
        of("Part") > 45 && of("Segment") >= 4 && of("Ended") == 1,
        "{:#?}",
        wide.outputs
    );
    assert_eq!(narrow, wide);
}

#[test]
fn a_cache_gives_every_token_back_once() {
    let epoch = Instant::now();
    let mut cache =
        Cache::new(backline_cache::Config::default(), epoch).expect("the configuration is right");
    let key = |seq| Key::new(1, 1, Kind::Part, seq);
    let mut back: BTreeMap<u64, u32> = BTreeMap::new();
    let mut collect = |cache: &mut Cache| {
        while let Some(output) = Machine::poll_output(cache) {
            if let Ok((token, _)) = Cache::told(output) {
                *back.entry(token).or_default() += 1;
            }
        }
    };
    let late = epoch + Duration::from_secs(60);
    for seq in 0..50_u64 {
        let now = epoch + Duration::from_millis(seq * 200);
        cache.promise(now, key(seq), late).expect("there is room");
        for token in seq * 10..seq * 10 + 10 {
            let deadline = now + Duration::from_millis(if token % 10 == 0 { 50 } else { 5_000 });
            cache.request(
                now,
                Want::Object(key(seq)),
                Token(token),
                Client(token),
                deadline,
            );
        }
        // One of ten leaves, twice; one of ten waits too short; one part of five is taken back.
        Desk::cancel(&mut cache, now, seq * 10 + 1);
        Desk::cancel(&mut cache, now, seq * 10 + 1);
        let later = now + Duration::from_millis(100);
        Machine::handle_timeout(&mut cache, later);
        collect(&mut cache);
        if seq % 5 == 4 {
            cache.retract(later, key(seq), 404);
        } else {
            cache
                .publish(later, key(seq), &[Bytes::from(vec![0; 100])])
                .expect("there is room");
        }
        // Some who have just become due leave before they are told.
        Desk::cancel(&mut cache, later, seq * 10 + 2);
        collect(&mut cache);
    }
    Machine::handle_timeout(&mut cache, late);
    collect(&mut cache);
    for token in 0..500 {
        let expected = u32::from(!matches!(token % 10, 1 | 2));
        assert_eq!(
            back.get(&token).copied().unwrap_or_default(),
            expected,
            "token {token}"
        );
    }
    assert_eq!(cache.stats().waiters, 0);
}
