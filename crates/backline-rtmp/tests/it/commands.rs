//! Commands that are neither about publishing nor about playing.

use crate::support::{Peer, hex, object, text};
use backline_rtmp::Error;
use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::Message;
use backline_rtmp::server::{Capabilities, Config, Output};
use bytes::Bytes;

#[test]
fn rtmp_23_stream_length_and_subscription() {
    let mut peer = Peer::connected(Config::default());
    peer.heard.clear();
    peer.command(0, "getStreamLength", 3.0, &[Value::Null, text("key")]);
    let [length] = &peer.heard_commands()[..] else {
        panic!()
    };
    let zero = [
        text("_result"),
        Value::Number(3.0),
        Value::Null,
        Value::Number(0.0),
    ];
    assert_eq!(length, &zero);
    peer.heard.clear();
    peer.command(0, "FCSubscribe", 4.0, &[Value::Null, text("key")]);
    let names: Vec<_> = peer
        .heard_commands()
        .iter()
        .map(|values| values[0].clone())
        .collect();
    assert_eq!(names, [text("_result"), text("onFCSubscribe")]);
    assert_eq!(peer.outputs, []);
}

#[test]
fn rtmp_23_calls_are_answered_by_the_caller() {
    let mut peer = Peer::connected(Config::default());
    peer.command(0, "getTitle", 7.0, &[Value::Null, text("key")]);
    peer.command(0, "log", 0.0, &[Value::Null, text("hello")]);
    peer.heard.clear();
    let calls = std::mem::take(&mut peer.outputs);
    let [Output::Call(title), Output::Call(log)] = &calls[..] else {
        panic!("{calls:?}")
    };
    assert_eq!((&*title.name, title.values.len()), ("getTitle", 2));
    peer.server.respond(peer.now, log, Ok(Value::Null));
    peer.server.respond(peer.now, title, Ok(text("A title")));
    peer.server.respond(peer.now, title, Err(text("none")));
    peer.drain();
    let answer = |name, value| vec![text(name), Value::Number(7.0), Value::Null, value];
    let expected = [
        answer("_result", text("A title")),
        answer("_error", text("none")),
    ];
    assert_eq!(peer.heard_commands(), expected);
}

#[test]
fn rtmp_23_a_call_is_answered_though_a_wish_waits_for_its_own_answer() {
    // Encoders send several commands at once: the call is told when the wish has been made already.
    let mut peer = Peer::connected(Config::default());
    peer.command(0, "getTitle", 7.0, &[Value::Null]);
    let Some(Output::Call(call)) = peer.outputs.pop() else {
        panic!("{:?}", peer.outputs)
    };
    peer.command(1, "publish", 8.0, &[Value::Null, text("key")]);
    peer.heard.clear();
    peer.server.respond(peer.now, &call, Ok(text("A title")));
    peer.drain();
    let answer = vec![
        text("_result"),
        Value::Number(7.0),
        Value::Null,
        text("A title"),
    ];
    assert_eq!(peer.heard_commands(), [answer]);
}

#[test]
fn rtmp_32_a_peer_is_asked_to_connect_anew_if_it_can() {
    for (caps_ex, can) in [(0.0, false), (14.0, false), (1.0, true), (15.0, true)] {
        let mut peer = Peer::after_handshake(Config::default());
        let connect = object(&[("app", text("live")), ("capsEx", Value::Number(caps_ex))]);
        peer.command(0, "connect", 1.0, &[connect]);
        peer.command(1, "publish", 2.0, &[Value::Null, text("key")]);
        peer.accept();
        let asked = peer
            .server
            .reconnect(peer.now, Some("//other/live"), "the box moves");
        peer.drain();
        if !can {
            assert_eq!(asked, Err(Error::CannotReconnect));
            assert!(peer.heard.is_empty());
            continue;
        }
        // On the connection, with transaction 0 and no command object.
        assert_eq!(
            (peer.heard[0].chunk_stream, peer.heard[0].message_stream),
            (3, 0)
        );
        let information = object(&[
            ("level", text("status")),
            ("code", text("NetConnection.Connect.ReconnectRequest")),
            ("tcUrl", text("//other/live")),
            ("description", text("the box moves")),
        ]);
        let expected = vec![
            text("onStatus"),
            Value::Number(0.0),
            Value::Null,
            information,
        ];
        assert_eq!(peer.heard_commands(), [expected]);
        // Until then it goes on.
        peer.send(4, 1, Message::AUDIO, 0, &hex("AF01 00"));
        assert!(matches!(peer.outputs[..], [Output::Media(_)]));
        peer.heard.clear();
        peer.server.reconnect(peer.now, None, "").unwrap();
        peer.drain();
        assert_eq!(peer.heard_commands()[0][3].properties().len(), 2);
    }
    // Before `connect` no one knows what the peer can.
    let mut peer = Peer::after_handshake(Config::default());
    assert_eq!(
        peer.server.reconnect(peer.now, None, ""),
        Err(Error::CannotReconnect)
    );
}

#[test]
fn rtmp_22_answers_have_the_form_of_the_question() {
    let mut peer = Peer::after_handshake(Config::default());
    let connect = object(&[
        ("app", text("live")),
        ("objectEncoding", Value::Number(3.0)),
    ]);
    peer.command(0, "connect", 1.0, &[connect]);
    assert_eq!(peer.heard.last().unwrap().kind, Message::COMMAND);
    peer.heard.clear();
    let create = amf0::encode(&[text("createStream"), Value::Number(2.0), Value::Null]);
    peer.send(
        3,
        0,
        Message::COMMAND_AMF3,
        0,
        &[&[0], &create[..]].concat(),
    );
    // 0x00, then `_result`, 2, null, 1 in AMF0.
    let body = hex("00 02 0007 5F726573756C74 00 4000000000000000 05 00 3FF0000000000000");
    let heard: Vec<_> = peer
        .heard
        .iter()
        .map(|message| (message.kind, message.payload.clone()))
        .collect();
    assert_eq!(heard, [(17, Bytes::from(body))]);
}

#[test]
fn rtmp_31_what_this_side_can_do_is_configuration() {
    let list = |names: &[&str]| Value::StrictArray(names.iter().map(|name| text(name)).collect());
    let ask = |ours: Capabilities| {
        let mut config = Config::default();
        config.capabilities = ours;
        let mut peer = Peer::after_handshake(config);
        let connect = object(&[
            ("app", text("live")),
            ("fourCcList", list(&["av01", "hvc1", "Opus"])),
            ("videoFourCcInfoMap", object(&[("*", Value::Number(7.0))])),
            (
                "audioFourCcInfoMap",
                object(&[("Opus", Value::Number(1.0))]),
            ),
            ("capsEx", Value::Number(15.0)),
            ("videoFunction", Value::Number(15.0)),
        ]);
        peer.command(0, "connect", 1.0, &[connect]);
        peer.heard_commands()[0][3].clone()
    };
    // One that decodes HEVC, passes anything else on, and knows neither several tracks nor reconnection.
    let mut ours = Capabilities::default();
    ours.video_fourccs = vec![("hvc1".into(), 1), ("*".into(), 4)].into();
    ours.audio_fourccs = vec![("mp4a".into(), 2)].into();
    ours.caps_ex = 12;
    ours.video_function = 2;
    let answer = ask(ours);
    assert_eq!(answer.get("fourCcList"), Some(&list(&["hvc1", "*"])));
    let video = object(&[("hvc1", Value::Number(1.0)), ("*", Value::Number(4.0))]);
    assert_eq!(answer.get("videoFourCcInfoMap"), Some(&video));
    assert_eq!(answer.get("audioFourCcInfoMap"), Some(&object(&[])));
    assert_eq!(answer.get("capsEx"), Some(&Value::Number(12.0)));
    assert_eq!(answer.get("videoFunction"), Some(&Value::Number(2.0)));
    let answer = ask(Capabilities::default());
    let expected = list(&["av01", "hvc1", "Opus"]);
    assert_eq!(answer.get("fourCcList"), Some(&expected));
    assert_eq!(answer.get("capsEx"), Some(&Value::Number(15.0)));
}
