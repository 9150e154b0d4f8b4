//! The publishing session.

use crate::support::{Peer, flat, hex, object, pattern, simple_handshake, text};
use backline_rtmp::Error;
use backline_rtmp::amf0::Value;
use backline_rtmp::chunk::Message;
use backline_rtmp::flv::{Media, Packet};
use backline_rtmp::server::{Config, Output, Rejection};

#[test]
fn rtmp_23_connect_is_answered() {
    let peer = Peer::connected(Config::default());
    let bodies: Vec<_> = peer
        .heard
        .iter()
        .map(|message| (message.kind, &message.payload[..]))
        .collect();
    assert_eq!(bodies[0], (5, &2_500_000_u32.to_be_bytes()[..]));
    assert_eq!(bodies[1].0, 6);
    assert_eq!(bodies[2], (1, &4096_u32.to_be_bytes()[..]));
    let commands = peer.heard_commands();
    let [name, transaction, server, status] = &commands[0][..] else {
        panic!("{commands:?}")
    };
    assert_eq!((name, transaction), (&text("_result"), &Value::Number(1.0)));
    assert_eq!(server.get("fmsVer"), Some(&text("FMS/3,0,1,123")));
    assert_eq!(
        status.get("code"),
        Some(&text("NetConnection.Connect.Success"))
    );
    assert_eq!(status.get("objectEncoding"), Some(&Value::Number(0.0)));
    // What Enhanced RTMP adds is said to those alone who ask.
    assert_eq!(status.get("capsEx"), None);
}

#[test]
fn rtmp_23_object_encoding_3_only_for_who_asked() {
    for (asked, answered) in [(0.0, 0.0), (1.0, 0.0), (3.0, 3.0)] {
        let mut peer = Peer::after_handshake(Config::default());
        peer.command(
            0,
            "connect",
            1.0,
            &[object(&[("objectEncoding", Value::Number(asked))])],
        );
        let commands = peer.heard_commands();
        assert_eq!(
            commands[0][3].get("objectEncoding"),
            Some(&Value::Number(answered))
        );
    }
}

#[test]
fn rtmp_23_publish_from_request_to_end() {
    let mut peer = Peer::requested(Config::default());
    let request = peer.request();
    assert_eq!((&*request.peer.app, &*request.name), ("live", "key"));
    assert_eq!(peer.heard_commands()[1][3], Value::Number(1.0));
    peer.heard.clear();
    peer.server.accept(peer.now, request.id).unwrap();
    peer.drain();
    assert_eq!(peer.heard[0].payload[..], hex("0000 00000001"));
    assert_eq!(peer.heard_code(), "NetStream.Publish.Start");
    assert_eq!(peer.heard[1].message_stream, 1);
    peer.outputs.clear();
    peer.send(6, 1, Message::VIDEO, 10, &hex("1700000000 01"));
    peer.command(0, "FCUnpublish", 4.0, &[Value::Null, text("key")]);
    peer.command(0, "deleteStream", 5.0, &[Value::Null, Value::Number(1.0)]);
    assert!(matches!(
        peer.outputs[0],
        Output::Media(Packet {
            timestamp_ms: 10,
            media: Media::Video(_),
            ..
        })
    ));
    assert_eq!(peer.outputs[1..], [Output::Unpublished]);
    assert_eq!(peer.heard_code(), "NetStream.Unpublish.Success");
}

#[test]
fn rtmp_23_each_way_to_end_a_publication() {
    type End = fn(&mut Peer);
    let ends: [End; 4] = [
        |peer| peer.command(0, "FCUnpublish", 4.0, &[Value::Null, text("key")]),
        |peer| peer.command(1, "closeStream", 0.0, &[Value::Null]),
        |peer| peer.command(0, "deleteStream", 0.0, &[Value::Null, Value::Number(1.0)]),
        |peer| peer.command(0, "deleteStream", 0.0, &[Value::Null]),
    ];
    for end in ends {
        let mut peer = Peer::publishing(Config::default());
        end(&mut peer);
        assert_eq!(peer.outputs, [Output::Unpublished]);
        // Another publication may follow on the same connection.
        peer.command(1, "publish", 6.0, &[Value::Null, text("again")]);
        assert_eq!(peer.request().name, "again");
        peer.accept();
        assert_eq!(peer.error, None);
    }
    // The end of another message stream is not the publication's.
    let mut peer = Peer::publishing(Config::default());
    peer.command(9, "closeStream", 0.0, &[Value::Null]);
    peer.command(0, "deleteStream", 0.0, &[Value::Null, Value::Number(9.0)]);
    assert_eq!(peer.outputs, []);
}

#[test]
fn rtmp_23_a_publication_waits_for_its_answer() {
    let mut peer = Peer::requested(Config::default());
    let message = Message::new(4, 1, Message::AUDIO, 0, hex("AF01 00").into());
    let bytes = flat(peer.muxer.write(&message));
    // Nothing is taken and nothing is lost.
    assert_eq!(peer.send_raw(&bytes).len(), bytes.len());
    peer.accept();
    assert!(peer.send_raw(&bytes).is_empty());
    assert!(matches!(
        peer.outputs[..],
        [Output::Media(Packet {
            media: Media::Audio(_),
            ..
        })]
    ));
}

#[test]
fn rtmp_23_reject_tells_why_and_closes() {
    let mut peer = Peer::requested(Config::default());
    let id = peer.request().id;
    peer.outputs.clear();
    peer.server
        .reject(peer.now, id, Rejection::bad_name("no such key"))
        .unwrap();
    peer.drain();
    let commands = peer.heard_commands();
    let status = &commands.last().unwrap()[3];
    assert_eq!(status.get("level"), Some(&text("error")));
    assert_eq!(status.get("code"), Some(&text("NetStream.Publish.BadName")));
    assert_eq!(status.get("description"), Some(&text("no such key")));
    assert_eq!(peer.outputs, [Output::Close]);
    assert_eq!(peer.server.poll_timeout(), None);
    // What the peer still says is taken and dropped.
    assert!(peer.send_raw(&pattern(5000)).is_empty());
    assert_eq!((peer.outputs.len(), peer.error), (1, None));
}

#[test]
fn rtmp_23_close_tells_a_publisher_why() {
    let mut peer = Peer::publishing(Config::default());
    peer.server
        .close(peer.now, Rejection::ended("another encoder took over"));
    peer.server.close(peer.now, Rejection::denied("twice"));
    peer.drain();
    assert_eq!(peer.heard_code(), "NetStream.Publish.Failed");
    assert_eq!(peer.outputs, [Output::Close]);
    // Before a publication there is no one to tell.
    let mut peer = Peer::new(Config::default());
    peer.server
        .close(peer.now, Rejection::with_code("Any.Code", "bye"));
    peer.drain();
    assert_eq!(
        (&peer.outputs[..], peer.heard.len()),
        (&[Output::Close][..], 0)
    );
    assert!(peer.send_raw(&simple_handshake()).is_empty());
}

#[test]
fn rtmp_23_answers_at_the_wrong_time_are_errors_of_the_caller() {
    let mut peer = Peer::requested(Config::default());
    let id = peer.request().id;
    peer.accept();
    assert_eq!(peer.server.accept(peer.now, id), Err(Error::UnknownRequest));
    let denied = Rejection::denied("late");
    assert_eq!(
        peer.server.reject(peer.now, id, denied),
        Err(Error::UnknownRequest)
    );
    // The publication goes on.
    peer.send(4, 1, Message::AUDIO, 0, &hex("AF01 00"));
    assert!(matches!(
        peer.outputs[..],
        [Output::Media(Packet {
            media: Media::Audio(_),
            ..
        })]
    ));
}

#[test]
fn rtmp_23_a_second_publication_at_a_time_is_refused() {
    let mut peer = Peer::publishing(Config::default());
    peer.command(2, "publish", 5.0, &[Value::Null, text("other")]);
    assert_eq!(peer.heard_code(), "NetStream.Publish.BadName");
    assert_eq!(peer.outputs, []);
}

#[test]
fn rtmp_19_unknown_commands_and_types_are_handed_out() {
    let mut peer = Peer::publishing(Config::default());
    peer.command(0, "_checkbw", 4.0, &[Value::Null]);
    peer.command(0, "call", 4.0, &[Value::Null]);
    peer.command(0, "seek", 4.0, &[Value::Null]);
    peer.command(0, "_result", 4.0, &[Value::Null]);
    peer.send(4, 1, 99, 0, &pattern(40));
    peer.send(4, 1, 21, 0, &pattern(40));
    let kinds = |peer: &Peer| {
        let kind = |output: &Output| match output {
            Output::Call(_) => 20,
            Output::Other(message) => message.kind,
            other => panic!("{other:?}"),
        };
        peer.outputs.iter().map(kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&peer), [20, 20, 20, 99, 21]);
    // Media outside a publication, and commands before `connect`.
    let mut peer = Peer::after_handshake(Config::default());
    peer.send(4, 1, Message::AUDIO, 0, &hex("AF01 00"));
    peer.command(0, "createStream", 2.0, &[Value::Null]);
    assert_eq!(kinds(&peer), [8, 20]);
    assert!(peer.heard.is_empty());
}

#[test]
fn rtmp_19_a_broken_body_is_handed_out_and_the_session_goes_on() {
    let mut peer = Peer::publishing(Config::default());
    for (kind, body) in [
        (8, "AF"),
        (9, "17 09"),
        (18, "02 00"),
        (20, "05"),
        (3, "00"),
        (4, "00"),
        (5, ""),
        (6, "00000000"),
        (1, "00"),
    ] {
        peer.send(4, 1, kind, 7, &hex(body));
        let Some(Output::Malformed {
            kind: named, raw, ..
        }) = peer.outputs.pop()
        else {
            panic!("{kind}")
        };
        assert_eq!((named, &raw[..]), (kind, &hex(body)[..]));
    }
    assert_eq!(peer.server.stats().malformed, 9);
    peer.send(3, 1, Message::COMMAND, 0, &hex("05"));
    let Some(Output::Malformed { error, .. }) = peer.outputs.pop() else {
        panic!()
    };
    assert_eq!(error, Error::Nameless { kind: 20 });
    peer.send(4, 1, Message::AUDIO, 8, &hex("AF01 00"));
    assert!(matches!(
        peer.outputs[..],
        [Output::Media(Packet {
            timestamp_ms: 8,
            media: Media::Audio(_),
            ..
        })]
    ));
}

#[test]
fn rtmp_22_commands_and_data_of_the_amf3_types() {
    let mut peer = Peer::after_handshake(Config::default());
    let connect = backline_rtmp::amf0::encode(&[
        text("connect"),
        Value::Number(1.0),
        object(&[("app", text("live"))]),
    ]);
    peer.send(
        3,
        0,
        Message::COMMAND_AMF3,
        0,
        &[&[0], &connect[..]].concat(),
    );
    let publish = backline_rtmp::amf0::encode(&[
        text("publish"),
        Value::Number(2.0),
        Value::Null,
        text("key"),
    ]);
    // Some leave the selector out.
    peer.send(3, 1, Message::COMMAND_AMF3, 0, &publish);
    peer.accept();
    let data = backline_rtmp::amf0::encode(&[text("onMetaData"), object(&[])]);
    peer.send(4, 1, Message::DATA_AMF3, 0, &[&[0], &data[..]].concat());
    assert_eq!(
        peer.outputs,
        [Output::Media(Packet::new(0, Media::Metadata(object(&[]))))]
    );
    // An AMF3 value stays one.
    let number = Value::Amf3(Box::new(backline_rtmp::amf3::Value::Integer(1)));
    let data = backline_rtmp::amf0::encode(&[text("onText"), number]);
    peer.send(4, 1, Message::DATA_AMF3, 0, &[&[0], &data[..]].concat());
    assert!(
        matches!(&peer.outputs[1], Output::Media(Packet { media: Media::Data { values, .. }, .. }) if values.len() == 1)
    );
}

#[test]
fn rtmp_31_connect_negotiation() {
    let list = |names: &[&str]| Value::StrictArray(names.iter().map(|name| text(name)).collect());
    let ask = |properties: &[(&str, Value)]| {
        let mut peer = Peer::after_handshake(Config::default());
        let properties = [&[("app", text("live"))], properties].concat();
        peer.command(0, "connect", 1.0, &[object(&properties)]);
        let status = peer.heard_commands()[0][3].clone();
        peer.command(1, "publish", 2.0, &[Value::Null, text("key")]);
        (status, peer.request())
    };
    let (status, request) = ask(&[("fourCcList", list(&["hvc1", "Opus", "none"]))]);
    assert_eq!(status.get("fourCcList"), Some(&list(&["hvc1", "Opus"])));
    assert_eq!(request.peer.fourcc_list, ["hvc1", "Opus", "none"]);
    let (status, _) = ask(&[("fourCcList", list(&["*"]))]);
    assert!(matches!(status.get("fourCcList"), Some(Value::StrictArray(all)) if all.len() == 12));
    let map = |name: &str| ("videoFourCcInfoMap", object(&[(name, Value::Number(7.0))]));
    let (status, request) = ask(&[map("av01"), ("capsEx", Value::Number(15.0))]);
    let expected = object(&[("av01", Value::Number(4.0))]);
    assert_eq!(status.get("videoFourCcInfoMap"), Some(&expected));
    assert_eq!(status.get("audioFourCcInfoMap"), None);
    assert_eq!(status.get("capsEx"), Some(&Value::Number(15.0)));
    assert_eq!(request.peer.caps_ex, 15);
    // An associative array does as well as an object.
    let array = Value::EcmaArray(vec![("*".to_owned(), Value::Number(4.0))]);
    assert_eq!(request.peer.video_fourccs, [("av01".to_owned(), 7)]);
    assert_eq!(request.peer.audio_fourccs, []);
    let (status, request) = ask(&[("audioFourCcInfoMap", array)]);
    assert_eq!(request.peer.audio_fourccs, [("*".to_owned(), 4)]);
    assert_eq!((request.peer.caps_ex, request.peer.video_function), (0, 0));
    assert_eq!(status.get("videoFunction"), None);
    assert_eq!(
        status
            .get("audioFourCcInfoMap")
            .map(|map| map.properties().len()),
        Some(6)
    );
    for odd in [Value::Number(-1.0), Value::Number(f64::NAN), text("x")] {
        assert_eq!(ask(&[("capsEx", odd)]).1.peer.caps_ex, 0);
    }
    // A bit that is not known is read and not echoed.
    let (status, request) = ask(&[("videoFunction", Value::Number(22.0))]);
    assert_eq!(request.peer.video_function, 22);
    assert_eq!(status.get("videoFunction"), Some(&Value::Number(6.0)));
}

#[test]
fn rtmp_17_acknowledgements_are_sent_and_wrap() {
    let mut peer = Peer::publishing(Config::default());
    peer.send(2, 0, Message::WINDOW_ACK_SIZE, 0, &10_000_u32.to_be_bytes());
    peer.heard.clear();
    for time in 0..10 {
        peer.send(
            6,
            1,
            Message::VIDEO,
            time,
            &[&hex("2701000000")[..], &pattern(6000)].concat(),
        );
    }
    let sequences: Vec<u32> = peer
        .heard
        .iter()
        .filter(|message| message.kind == Message::ACKNOWLEDGEMENT)
        .map(|message| u32::from_be_bytes(message.payload[..].try_into().unwrap()))
        .collect();
    assert_eq!(sequences.len(), 10);
    assert!(sequences.windows(2).all(|pair| pair[1] - pair[0] < 10_000));
    assert_eq!(
        u64::from(*sequences.last().unwrap()),
        peer.server.stats().bytes_in
    );
}

#[test]
fn rtmp_17_peer_bandwidth_hard_soft_dynamic() {
    let mut peer = Peer::connected(Config::default());
    let mut limit = |window: u32, kind: u8| {
        peer.heard.clear();
        peer.send(
            2,
            0,
            Message::SET_PEER_BANDWIDTH,
            0,
            &[&window.to_be_bytes()[..], &[kind]].concat(),
        );
        peer.heard.first().map(|message| {
            assert_eq!(message.kind, Message::WINDOW_ACK_SIZE);
            u32::from_be_bytes(message.payload[..].try_into().unwrap())
        })
    };
    // Dynamic follows only a hard limit; soft only narrows; a window that stays is not said again.
    assert_eq!(limit(1000, 2), None);
    assert_eq!(limit(2_500_000, 0), None);
    assert_eq!(limit(5000, 2), Some(5000));
    assert_eq!(limit(9000, 1), None);
    assert_eq!(limit(4000, 1), Some(4000));
    assert_eq!(limit(9000, 2), None);
    assert_eq!(limit(9000, 0), Some(9000));
}

#[test]
fn a_ping_is_answered() {
    let mut peer = Peer::connected(Config::default());
    peer.heard.clear();
    peer.send(2, 0, Message::USER_CONTROL, 0, &hex("0006 01020304"));
    assert_eq!(peer.heard[0].payload[..], hex("0007 01020304"));
}

#[test]
fn a_queue_of_one_loses_nothing() {
    let mut config = Config::default();
    config.limits.outputs = 1;
    config.limits.transmits = 1;
    let mut peer = Peer::publishing(config);
    let mut bytes = Vec::new();
    for time in 0..50 {
        let message = Message::new(4, 1, Message::AUDIO, time, hex("AF01 00").into());
        bytes.extend(flat(peer.muxer.write(&message)));
    }
    // One output at a time: the server takes what that needs and no more.
    let taken = peer.server.handle_input(peer.now, &bytes).unwrap();
    assert!(taken < 20);
    assert_eq!(peer.server.handle_input(peer.now, &bytes[taken..]), Ok(0));
    let rest = bytes[taken..].to_vec();
    peer.drain();
    assert!(peer.send_raw(&rest).is_empty());
    assert_eq!(peer.outputs.len(), 50);
}

#[test]
fn statistics_count() {
    let mut peer = Peer::publishing(Config::default());
    peer.send(4, 1, Message::AUDIO, 0, &hex("AF01 00"));
    peer.send(6, 1, Message::VIDEO, 0, &hex("1700000000 01"));
    peer.data(&[text("onMetaData"), Value::Null]);
    let stats = peer.server.stats();
    assert_eq!(
        (
            stats.audio_messages,
            stats.video_messages,
            stats.data_messages
        ),
        (1, 1, 1)
    );
    assert_eq!(stats.messages, 6);
    assert!(stats.bytes_in > 3073 && stats.bytes_out > 3073);
}

#[test]
fn after_an_error_nothing_is_taken() {
    let mut peer = Peer::after_handshake(Config::default());
    peer.send_raw(&hex("02 000000 000004 01 00000000 00000000"));
    let at = simple_handshake().len() as u64 + 16;
    assert_eq!(peer.error, Some(Error::ChunkSize { at, size: 0 }));
    assert_eq!(peer.server.handle_input(peer.now, &[1]), Err(Error::Closed));
    assert_eq!(peer.server.poll_timeout(), None);
}
