//! Aggregate messages (RTMP 1.0, 7.1.6).

use crate::client::Station;
use crate::support::{Peer, flat, hex, object, text};
use allocation_counter::measure;
use backline_rtmp::aggregate::{join, split};
use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::Message;
use backline_rtmp::client::{self, Address};
use backline_rtmp::command::Command;
use backline_rtmp::server::{Config, Output};
use backline_rtmp::{Error, Limits};
use bytes::Bytes;

/// Sound at 1000 of the writer's clock, a picture 40 ms later and one before the first, each 11 bytes of header, a body
/// and the back pointer: worked by hand from the specification.
const THREE: &str = "08 000003 0003E8 00 000009 AF0121 0000000E
                     09 000006 000410 00 000009 270100000022 00000011
                     09 000006 0003E0 00 000009 270100000033 00000011";

fn aggregate(body: &[u8]) -> Message {
    let body = Bytes::copy_from_slice(body);
    Message::new(6, 1, Message::AGGREGATE, 5000, body)
}

fn items(body: &[u8], limits: &Limits) -> (Vec<Message>, Option<Error>) {
    let mut messages = Vec::new();
    for item in split(aggregate(body), limits) {
        match item {
            Ok(message) => messages.push(message),
            Err(error) => return (messages, Some(error)),
        }
    }
    (messages, None)
}

#[test]
fn rtmp_18_an_aggregate_is_split() {
    let body = Bytes::from(hex(THREE));
    let message = Message::new(6, 1, Message::AGGREGATE, 5000, body);
    let messages: Vec<_> = split(message, &Limits::default())
        .map(Result::unwrap)
        .collect();
    let expected = [
        Message::new(6, 1, 8, 5000, hex("AF0121").into()),
        Message::new(6, 1, 9, 5040, hex("270100000022").into()),
        Message::new(6, 1, 9, 4992, hex("270100000033").into()),
    ];
    assert_eq!(messages, expected);
    // The bytes are those of the aggregate, where they are most of it.
    let body = Bytes::from([hex("08 000050 000000 00 000000"), vec![0xAF; 80]].concat());
    let message = Message::new(6, 1, Message::AGGREGATE, 0, body.clone());
    let item = split(message, &Limits::default()).next().unwrap().unwrap();
    assert_eq!(item.payload.as_ptr(), body[11..].as_ptr());
}

#[test]
fn rtmp_18_a_small_item_that_is_kept_does_not_hold_the_aggregate() {
    // A byte of sound and a megabyte of something: a queue of these would count the sound alone.
    let large = 1 << 20;
    let mut kept = Vec::with_capacity(50);
    let held = measure(|| {
        for _ in 0..50 {
            let body = [
                hex("08 000001 000000 00 000000 AF 0000000C"),
                hex("63 100000 000000 00 000000"),
                vec![0; large],
            ];
            let message = Message::new(6, 1, Message::AGGREGATE, 0, body.concat().into());
            kept.extend(split(message, &Limits::default()).next());
        }
    });
    assert_eq!(kept.len(), 50);
    assert!(held.bytes_current < 10_000, "{}", held.bytes_current);
}

#[test]
fn rtmp_18_times_wrap_and_have_an_upper_byte() {
    // 0xFFFFFFF0 and 0x10: 32 ms, over the end of 32 bits.
    let body = hex("08 000000 FFFFF0 FF 000000 0000000B 08 000000 000010 00 000000 0000000B");
    let (messages, error) = items(&body, &Limits::default());
    assert_eq!(error, None);
    assert_eq!(
        (messages[0].timestamp_ms, messages[1].timestamp_ms),
        (5000, 5032)
    );
}

#[test]
fn rtmp_18_back_pointers_are_not_believed_nor_missed_at_the_end() {
    let right = items(&hex(THREE), &Limits::default()).0;
    let wrong = hex(&THREE
        .replace("0000000E", "FFFFFFFF")
        .replace("00000011", "00000000"));
    assert_eq!(items(&wrong, &Limits::default()), (right.clone(), None));
    for cut in 1..=4 {
        let body = &wrong[..wrong.len() - cut];
        assert_eq!(items(body, &Limits::default()), (right.clone(), None));
    }
}

#[test]
fn rtmp_18_what_is_written_is_read() {
    let messages = items(&hex(THREE), &Limits::default()).0;
    let written = join(&messages).unwrap();
    // Now the first item's time is its own, and the stream that of the messages.
    let head = hex("08 000003 001388 00 000001 AF0121 0000000E");
    assert_eq!(written.payload[..18], head);
    assert_eq!(
        (written.kind, written.message_stream, written.timestamp_ms),
        (22, 1, 5000)
    );
    let again: Vec<_> = split(written, &Limits::default())
        .map(Result::unwrap)
        .collect();
    assert_eq!(again, messages);
    assert_eq!(join(&[]), None);
    // 16 777 215 bytes with header and back pointer are the most that the wire can say.
    let of = |length| Message::new(6, 1, 9, 0, Bytes::from(vec![0; length]));
    let longest = join(&[of(16_777_200)]).unwrap();
    assert_eq!(longest.payload.len(), 16_777_215);
    assert_eq!(join(&[of(16_777_201)]), None);
    assert_eq!(join(&[of(9_000_000), of(9_000_000)]), None);
}

#[test]
fn rtmp_18_truncated_at_every_byte() {
    let whole = hex(THREE);
    let all = items(&whole, &Limits::default()).0;
    for end in 0..whole.len() {
        let (messages, error) = items(&whole[..end], &Limits::default());
        assert_eq!(messages, all[..messages.len()]);
        let Some(Error::Truncated { at, .. }) = error else {
            // An item ends here, with or without its back pointer.
            assert!([0, 14, 15, 16, 17, 18].contains(&end) || end >= 35, "{end}");
            continue;
        };
        assert!(at <= end);
    }
}

#[test]
fn rtmp_35_aggregate_items() {
    // 15 bytes each.
    let body = hex("08 000000 000000 00 000000 0000000B").repeat(70_000);
    let (messages, error) = items(&body, &Limits::default());
    let at = 4096 * 15;
    assert_eq!(messages.len(), 4096);
    assert_eq!(error, Some(Error::AggregateItems { at, limit: 4096 }));
}

#[test]
fn rtmp_18_a_session_hands_out_what_is_in_an_aggregate() {
    let name = amf0::encode(&[text("onText")]);
    let data = [
        &hex("12 000009 0003E8 00 000000")[..],
        &name,
        &hex("00000014"),
    ]
    .concat();
    // A chunk size, which has no meaning here, and an aggregate in the aggregate.
    let odd =
        hex("01 000004 0003E8 00 000000 00000001 0000000F 16 000000 0003E8 00 000000 0000000B");
    let broken = hex("09 0000FF 0003E8 00 000000 2701");
    let body = [hex(THREE), data, odd, broken.clone()].concat();
    let mut one = Config::default();
    one.limits.outputs = 1;
    for config in [Config::default(), one] {
        let mut peer = Peer::publishing(config);
        peer.send(6, 1, Message::AGGREGATE, 5000, &body);
        peer.send(4, 1, Message::AUDIO, 6000, &hex("AF0144"));
        let times: Vec<_> = peer
            .outputs
            .iter()
            .map(|output| match output {
                Output::Media(packet) => (0, packet.timestamp_ms),
                Output::Other(message) => (message.kind, message.timestamp_ms),
                Output::Malformed {
                    kind,
                    timestamp_ms,
                    raw,
                    error,
                } => {
                    assert_eq!(raw[..], broken);
                    let at = body.len() - broken.len() + 11;
                    assert_eq!(*error, Error::Truncated { at, needed: 255 });
                    (*kind, *timestamp_ms)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [
            (0, 5000),
            (0, 5040),
            (0, 4992),
            (0, 5000),
            (1, 5000),
            (22, 5000),
            (22, 5000),
            (0, 6000),
        ];
        assert_eq!(times, expected);
        let stats = peer.server.stats();
        assert_eq!(
            (
                stats.audio_messages,
                stats.video_messages,
                stats.data_messages
            ),
            (2, 2, 1)
        );
    }
}

#[test]
fn rtmp_18_an_aggregate_waits_for_room_and_for_nothing_else() {
    let mut config = Config::default();
    config.limits.outputs = 2;
    let mut peer = Peer::publishing(config);
    let body = Bytes::from(hex("08 000003 000000 00 000000 AF0121 0000000E").repeat(100));
    let message = Message::new(6, 1, Message::AGGREGATE, 0, body);
    let bytes = flat(peer.muxer.write(&message));
    // The last byte is taken; what it brings comes output by output, without another byte.
    assert_eq!(peer.server.handle_input(peer.now, &bytes), Ok(bytes.len()));
    let mut count = 0;
    while let Some(Output::Media(_)) = peer.server.poll_output() {
        count += 1;
    }
    assert_eq!(count, 100);
    // The end of the session is the end of what was left.
    assert_eq!(peer.server.handle_input(peer.now, &bytes), Ok(bytes.len()));
    let why = backline_rtmp::server::Rejection::ended("now");
    peer.server.close(peer.now, why);
    peer.drain();
    assert!(matches!(
        peer.outputs[..],
        [Output::Media(_), Output::Media(_), Output::Close]
    ));
}

fn command(name: &str, transaction: f64, values: &[Value], stream: u32) -> Message {
    let values = [&[Value::Null], values].concat();
    Command::new(name, transaction, values, stream).to_message()
}

#[test]
fn rtmp_18_a_server_obeys_the_commands_in_an_aggregate() {
    let sound = |time| Message::new(4, 1, Message::AUDIO, time, hex("AF0121").into());
    let publish = [text("key"), text("live")];
    let body = join(&[
        command("createStream", 2.0, &[], 0),
        sound(0),
        command("publish", 3.0, &publish, 1),
        sound(20),
        command("_checkbw", 4.0, &[], 0),
        command("deleteStream", 0.0, &[Value::Number(1.0)], 0),
        sound(40),
    ])
    .unwrap()
    .payload;
    for outputs in [1, 256] {
        let mut config = Config::default();
        config.limits.outputs = outputs;
        let mut peer = Peer::connected(config);
        // All of it is for the message stream of the aggregate.
        peer.send(3, 1, Message::AGGREGATE, 0, &body);
        // What is behind the wish to publish waits for the answer.
        assert!(
            matches!(&peer.outputs[..], [Output::Other(early), Output::Publish(_)] if early.kind == 8),
            "{:?}",
            peer.outputs
        );
        peer.server.handle_input(peer.now, &[]).unwrap();
        assert_eq!(peer.drain(), 0);
        let id = peer.request().id;
        peer.outputs.clear();
        peer.server.accept(peer.now, id).unwrap();
        peer.drain();
        let [
            Output::Media(packet),
            Output::Call(call),
            Output::Unpublished,
            Output::Other(late),
        ] = &peer.outputs[..]
        else {
            panic!("{:?}", peer.outputs)
        };
        // An item's time is that of the aggregate, and how far it stands behind the first.
        assert_eq!((packet.timestamp_ms, &*call.name), (20, "_checkbw"));
        assert_eq!((late.kind, late.timestamp_ms), (8, 40));
    }
}

#[test]
fn rtmp_35_a_command_in_an_aggregate_reaches_the_caps_too() {
    let streams = vec![command("createStream", 0.0, &[], 0); 17];
    let body = join(&streams).unwrap().payload;
    let broken = |peer: &Peer| Error::MessageStreams {
        at: peer.server.stats().bytes_in,
        limit: 16,
    };
    let mut peer = Peer::connected(Config::default());
    peer.send(3, 0, Message::AGGREGATE, 0, &body);
    // However it came: an error of `handle_input` would depend on how full the queues are.
    let expected = [Output::Failed(broken(&peer)), Output::Close];
    assert_eq!((&peer.error, &peer.outputs[..]), (&None, &expected[..]));
    let gone = peer.server.handle_input(peer.now, &[0]);
    assert_eq!(gone, Err(Error::Closed));
    // The same behind the answer of a caller.
    let items = [&[command("play", 0.0, &[text("key")], 1)], &streams[..]].concat();
    let mut peer = Peer::connected(Config::default());
    peer.send(3, 0, Message::AGGREGATE, 0, &join(&items).unwrap().payload);
    let Some(Output::Play(request)) = peer.outputs.pop() else {
        panic!("{:?}", peer.outputs)
    };
    peer.server.accept(peer.now, request.id).unwrap();
    peer.drain();
    assert_eq!(peer.outputs, [Output::Failed(broken(&peer)), Output::Close]);
}

#[test]
fn rtmp_35_commands_in_an_aggregate_make_no_queue() {
    // 4,000 questions at once, of a peer that reads no answer.
    let questions = vec![command("getStreamLength", 1.0, &[text("key")], 0); 4000];
    let body = join(&questions).unwrap().payload;
    let mut peer = Peer::connected(Config::default());
    let message = Message::new(3, 0, Message::AGGREGATE, 0, body);
    let bytes = flat(peer.muxer.write(&message));
    let taken = peer.server.handle_input(peer.now, &bytes).unwrap();
    assert_eq!(taken, bytes.len());
    assert_eq!(peer.server.poll_output(), None);
    // An answer has less than 64 bytes.
    assert!(peer.server.waiting_bytes() < 64 * 64);
    // Nothing is lost.
    while peer.drain() > 0 {}
    let answers = peer.heard.iter().filter(|message| message.kind == 20);
    // `connect` was answered, too.
    assert_eq!(answers.count(), 4001);
}

#[test]
fn rtmp_18_a_client_obeys_the_commands_in_an_aggregate() {
    let config = client::Config::play(Address::parse("rtmp://h/live/key").unwrap());
    let mut station = Station::until_started(config);
    let status = |code| command("onStatus", 0.0, &[object(&[("code", text(code))])], 1);
    let sound = Message::new(4, 1, Message::AUDIO, 0, hex("AF0121").into());
    let aggregate = join(&[
        status("NetStream.Play.Start"),
        sound.clone(),
        status("NetStream.Play.Stop"),
        sound,
    ]);
    let bytes = flat(station.muxer.write(&aggregate.unwrap()));
    station.input(&bytes);
    assert!(
        matches!(
            &station.told[..],
            [
                client::Output::Ready,
                client::Output::Media(_),
                client::Output::Ended(_),
                client::Output::Close
            ]
        ),
        "{:?}",
        station.told
    );
}
