//! The session of a player.

use crate::support::{Peer, flat, hex, object, pattern, text};
use backline_rtmp::Error;
use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::{Demuxer, Message};
use backline_rtmp::control::UserControl;
use backline_rtmp::flv::{Audio, AudioCodec, AudioData, Media, Packet, Video, VideoFrame};
use backline_rtmp::server::{Config, Ending, Output, PlayRequest, PlayStart, Rejection};
use bytes::Bytes;

fn request(peer: &Peer) -> PlayRequest {
    let request = peer.outputs.iter().rev().find_map(|output| match output {
        Output::Play(request) => Some(request.clone()),
        _ => None,
    });
    request.unwrap()
}

fn video(timestamp_ms: u64, body: &str) -> Packet {
    let video = Video::decode(hex(body).into(), &Default::default()).unwrap();
    Packet::new(timestamp_ms, Media::Video(video))
}

fn audio(timestamp_ms: u64, body: &str) -> Packet {
    let audio = Audio::decode(hex(body).into(), &Default::default()).unwrap();
    Packet::new(timestamp_ms, Media::Audio(audio))
}

fn key(timestamp_ms: u64) -> Packet {
    video(timestamp_ms, "1701000000 AABB")
}

fn inter(timestamp_ms: u64) -> Packet {
    video(timestamp_ms, "2701000000 CC")
}

impl Peer {
    fn give(&mut self, packet: &Packet) -> bool {
        let sent = self.server.send(self.now, packet).unwrap();
        self.drain();
        sent
    }

    /// Type and body of all that was heard since the last time.
    fn heard_now(&mut self) -> Vec<(u8, Bytes)> {
        std::mem::take(&mut self.heard)
            .into_iter()
            .map(|message| (message.kind, message.payload))
            .collect()
    }

    fn codes(&self) -> Vec<String> {
        let codes = self.heard_commands().into_iter().filter_map(|values| {
            let code = values.get(3)?.get("code")?.as_str()?.to_owned();
            Some(code)
        });
        codes.collect()
    }
}

#[test]
fn rtmp_23_play_from_request_to_stop() {
    let mut peer = Peer::connected(Config::default());
    peer.command(0, "createStream", 2.0, &[Value::Null]);
    // What FFmpeg sends: a buffer of 3 s, and -2000 for "live or recorded".
    peer.send(
        2,
        0,
        Message::USER_CONTROL,
        0,
        &hex("0003 00000001 00000BB8"),
    );
    let asked = [Value::Null, text("/key?token=t"), Value::Number(-2000.0)];
    peer.command(1, "play", 3.0, &asked);
    let length = UserControl::SetBufferLength {
        message_stream: 1,
        length_ms: 3000,
    };
    assert_eq!(peer.outputs[0], Output::UserControl(length));
    let asked = request(&peer);
    assert_eq!(
        (&*asked.name, asked.query.as_deref()),
        ("key", Some("token=t"))
    );
    assert_eq!((asked.start, asked.duration_ms), (PlayStart::Any, None));
    assert_eq!(asked.peer.app, "live");
    // Nothing more is taken before the answer.
    let rest = hex("02 000000 000006 04 00000000 0006 00000000");
    assert_eq!(peer.send_raw(&rest).len(), rest.len());
    peer.heard.clear();
    peer.server.accept(peer.now, asked.id).unwrap();
    peer.drain();
    assert_eq!(peer.heard[0].payload[..], hex("0000 00000001"));
    let codes = ["NetStream.Play.Reset", "NetStream.Play.Start"];
    assert_eq!(peer.codes(), codes);
    assert!(
        peer.heard[1..]
            .iter()
            .all(|message| message.message_stream == 1)
    );
    // What may be sampled is said with the first packet, and at its time: |RtmpSampleAccess, true, true.
    peer.heard.clear();
    assert!(peer.give(&key(1_700_000_000_000)));
    let access = [&hex("02 0011")[..], b"|RtmpSampleAccess", &hex("0101 0101")].concat();
    assert_eq!(peer.heard[0].payload[..], access);
    let low = 1_700_000_000_000_u64 % (1 << 32);
    let heard: Vec<_> = peer
        .heard
        .iter()
        .map(|message| (message.kind, message.timestamp_ms))
        .collect();
    assert_eq!(heard, [(18, low), (9, low)]);
    peer.outputs.clear();
    peer.command(1, "closeStream", 0.0, &[Value::Null]);
    peer.command(0, "deleteStream", 0.0, &[Value::Null, Value::Number(1.0)]);
    assert_eq!(peer.outputs, [Output::Stopped]);
    let error = peer.server.send(peer.now, &key(0));
    assert_eq!(error, Err(Error::NotStreaming));
    assert_eq!(
        peer.server.end(peer.now, Ending::Stopped),
        Err(Error::NotStreaming)
    );
}

#[test]
fn rtmp_23_where_a_player_begins() {
    for (start, expected) in [
        (Value::Number(-1.0), PlayStart::Live),
        (Value::Number(-1000.0), PlayStart::Live),
        (Value::Number(-2.0), PlayStart::Any),
        (Value::Number(f64::NAN), PlayStart::Any),
        (Value::Null, PlayStart::Any),
        (Value::Number(0.0), PlayStart::Recorded { position_ms: 0 }),
        (
            Value::Number(1e30),
            PlayStart::Recorded {
                position_ms: u64::MAX,
            },
        ),
    ] {
        let mut peer = Peer::connected(Config::default());
        let values = [Value::Null, text("key"), start, Value::Number(5000.0)];
        peer.command(1, "play", 3.0, &values);
        let asked = request(&peer);
        assert_eq!((asked.start, asked.duration_ms), (expected, Some(5000)));
    }
    // Who keeps what is in the list is not told that it was dropped.
    let mut peer = Peer::connected(Config::default());
    let any = Value::Number(-2.0);
    let values = [
        Value::Null,
        text("key"),
        any.clone(),
        any,
        Value::Boolean(false),
    ];
    peer.command(1, "play", 3.0, &values);
    peer.heard.clear();
    peer.server.accept(peer.now, request(&peer).id).unwrap();
    peer.drain();
    assert_eq!(peer.codes(), ["NetStream.Play.Start"]);
    assert_eq!(request(&peer).duration_ms, None);
}

#[test]
fn rtmp_23_a_player_gets_what_is_sent() {
    let mut peer = Peer::playing(Config::default());
    let metadata = object(&[("width", Value::Number(320.0))]);
    let packets = [
        Packet::new(0, Media::Metadata(metadata.clone())),
        video(0, "1700000000 0164"),
        audio(0, "AF00 1190"),
        key(40),
        audio(41, "AF01 2122"),
        Packet::new(
            50,
            Media::Data {
                name: "onCuePoint".to_owned(),
                values: vec![Value::Null],
            },
        ),
    ];
    for packet in &packets {
        assert!(peer.give(packet));
    }
    let heard: Vec<_> = peer
        .heard
        .iter()
        .map(|message| (message.chunk_stream, message.kind, message.timestamp_ms))
        .collect();
    // The access to samples, and then what was sent.
    let expected = [
        (5, 18, 0),
        (5, 18, 0),
        (6, 9, 0),
        (4, 8, 0),
        (6, 9, 40),
        (4, 8, 41),
        (5, 18, 50),
    ];
    assert_eq!(heard, expected);
    assert!(peer.heard.iter().all(|message| message.message_stream == 1));
    let body = amf0::encode(&[text("onMetaData"), metadata]);
    assert_eq!(peer.heard[1].payload, body);
    assert_eq!(peer.heard[2].payload[..], hex("1700000000 0164"));
    assert_eq!(peer.heard[4].payload[..], hex("1701000000 AABB"));
    assert_eq!(peer.heard[5].payload[..], hex("AF01 2122"));
    let body = amf0::encode(&[text("onCuePoint"), Value::Null]);
    assert_eq!(peer.heard[6].payload, body);
    assert_eq!(peer.server.stats().packets_sent, 6);
}

#[test]
fn rtmp_20_what_is_sent_is_not_copied() {
    let mut peer = Peer::playing(Config::default());
    assert!(peer.give(&key(0)));
    let payload = Bytes::from(pattern(10_000));
    let frame = AudioData::Frame(payload.clone());
    let packet = Packet::new(7, Media::Audio(Audio::new(AudioCodec::Opus, frame)));
    peer.server.send(peer.now, &packet).unwrap();
    assert_eq!(peer.server.waiting_bytes(), 12 + 5 + 1 + 1 + 10_000);
    let mut bytes = Vec::new();
    let range = payload.as_ptr_range();
    while let Some(transmit) = peer.server.poll_transmit() {
        assert!(range.contains(&transmit.payload().as_ptr()));
        bytes.extend(flat([transmit]));
    }
    assert_eq!(peer.server.waiting_bytes(), 0);
    let mut demuxer = Demuxer::new(Default::default());
    let set = hex("02 000000 000004 01 00000000 00001000");
    demuxer.next_message(&mut &set[..]).unwrap();
    let message = demuxer.next_message(&mut &bytes[..]).unwrap().unwrap();
    // 9 is Enhanced RTMP, 1 coded frames.
    assert_eq!(message.payload[..5], *b"\x91Opus");
    assert_eq!(message.payload[5..], payload);
}

#[test]
fn rtmp_21_a_full_queue_refuses_and_changes_nothing() {
    let mut config = Config::default();
    config.limits.transmits = 3;
    let mut peer = Peer::playing(config);
    assert!(peer.give(&key(0)));
    peer.heard.clear();
    for time in 0..3 {
        assert!(peer.server.is_ready());
        assert_eq!(
            peer.server.send(peer.now, &audio(time, "AF01 21")),
            Ok(true)
        );
    }
    let waiting = peer.server.waiting_bytes();
    assert!(!peer.server.is_ready());
    for time in 3..9 {
        let refused = peer.server.send(peer.now, &audio(time, "AF01 2222"));
        assert_eq!(refused, Err(Error::QueueFull { limit: 3 }));
    }
    assert_eq!(peer.server.waiting_bytes(), waiting);
    peer.drain();
    // What was not sent is not counted by the headers of what follows.
    assert_eq!(
        peer.server.send(peer.now, &audio(1000, "AF01 2323")),
        Ok(true)
    );
    peer.drain();
    let times: Vec<_> = peer
        .heard
        .iter()
        .map(|message| message.timestamp_ms)
        .collect();
    assert_eq!(times, [0, 1, 2, 1000]);
    assert_eq!(peer.heard[3].payload[..], hex("AF01 2323"));
}

#[test]
fn rtmp_23_refusals_that_players_show() {
    let why = [
        (
            Rejection::not_found("no such stream"),
            "NetStream.Play.StreamNotFound",
        ),
        (
            Rejection::play_failed("too many viewers"),
            "NetStream.Play.Failed",
        ),
    ];
    for (why, code) in why {
        let mut peer = Peer::play_requested(Config::default());
        let id = request(&peer).id;
        peer.outputs.clear();
        peer.server.reject(peer.now, id, why.clone()).unwrap();
        peer.drain();
        let commands = peer.heard_commands();
        let status = commands.last().unwrap();
        assert_eq!(status[3].get("level"), Some(&text("error")));
        assert_eq!(status[3].get("code"), Some(&text(code)));
        assert_eq!(status[3].get("description"), Some(&text(&why.description)));
        assert_eq!(peer.outputs, [Output::Close]);
        assert_eq!(peer.server.accept(peer.now, id), Err(Error::UnknownRequest));
    }
    // One that plays already is told why it has to go.
    let mut peer = Peer::playing(Config::default());
    peer.server
        .close(peer.now, Rejection::play_failed("the box goes down"));
    peer.drain();
    assert_eq!(peer.heard_code(), "NetStream.Play.Failed");
    assert_eq!(peer.outputs, [Output::Close]);
}

#[test]
fn rtmp_23_each_way_a_stream_ends() {
    for (ending, codes) in [
        (Ending::Complete, &["NetStream.Play.Stop"][..]),
        (Ending::Stopped, &["NetStream.Play.Stop"]),
        (
            Ending::Unpublished,
            &["NetStream.Play.UnpublishNotify", "NetStream.Play.Stop"],
        ),
    ] {
        let mut peer = Peer::playing(Config::default());
        peer.server.end(peer.now, ending).unwrap();
        peer.drain();
        assert_eq!(peer.codes(), codes);
        let mut heard = peer.heard_now();
        if ending == Ending::Complete {
            let (kind, body) = heard.remove(0);
            let values = amf0::decode(&body, &Default::default()).unwrap();
            assert_eq!((kind, &values[0]), (18, &text("onPlayStatus")));
            let complete = text("NetStream.Play.Complete");
            assert_eq!(values[1].get("code"), Some(&complete));
        }
        assert_eq!(
            (heard[0].0, &heard[0].1[..]),
            (4, &hex("0001 00000001")[..])
        );
        assert_eq!((peer.outputs.len(), peer.error.take()), (0, None));
        // The connection may play again, or publish.
        peer.command(1, "publish", 4.0, &[Value::Null, text("other")]);
        assert_eq!(peer.request().name, "other");
    }
}

#[test]
fn rtmp_23_pause_and_seek() {
    let mut peer = Peer::playing(Config::default());
    assert!(peer.give(&key(0)) && peer.give(&inter(40)));
    peer.heard.clear();
    let pause = |paused| [Value::Null, Value::Boolean(paused), Value::Number(1234.0)];
    peer.command(1, "pause", 0.0, &pause(true));
    let position_ms = 1234;
    assert_eq!(
        peer.outputs,
        [Output::Paused {
            paused: true,
            position_ms
        }]
    );
    // Nothing that moves, but what configures a decoder.
    assert!(!peer.give(&inter(80)) && !peer.give(&audio(80, "AF01 21")));
    assert!(peer.give(&video(90, "1700000000 0164")) && peer.give(&audio(90, "AF00 1190")));
    peer.command(1, "pause", 0.0, &pause(false));
    // It goes on with a key frame, of each track for itself.
    assert!(peer.give(&audio(120, "AF01 21")));
    assert!(!peer.give(&inter(120)));
    assert!(peer.give(&key(160)) && peer.give(&inter(200)));
    let second = |frame: &str| video(200, &format!("{frame} 03 68766331 02 AA"));
    assert!(!peer.give(&second("A6")));
    assert!(peer.give(&second("96")) && peer.give(&second("A6")));
    assert_eq!(
        peer.codes(),
        ["NetStream.Pause.Notify", "NetStream.Unpause.Notify"]
    );
    peer.outputs.clear();
    peer.heard.clear();
    peer.command(1, "seek", 0.0, &[Value::Null, Value::Number(5000.0)]);
    assert_eq!(peer.outputs, [Output::Seek { position_ms: 5000 }]);
    assert_eq!(
        peer.codes(),
        ["NetStream.Seek.Notify", "NetStream.Play.Start"]
    );
}

#[test]
fn rtmp_23_a_player_without_sound_or_picture() {
    let mut peer = Peer::playing(Config::default());
    peer.command(
        1,
        "receiveAudio",
        0.0,
        &[Value::Null, Value::Boolean(false)],
    );
    assert!(!peer.give(&audio(0, "AF01 21")));
    assert!(peer.give(&audio(0, "AF00 1190")));
    peer.command(
        1,
        "receiveVideo",
        0.0,
        &[Value::Null, Value::Boolean(false)],
    );
    assert!(!peer.give(&key(0)));
    assert!(peer.give(&video(0, "1700000000 0164")));
    peer.command(1, "receiveAudio", 0.0, &[Value::Null, Value::Boolean(true)]);
    peer.command(1, "receiveVideo", 0.0, &[Value::Null, Value::Boolean(true)]);
    // Who wants something again is told so, and who does not is not (RTMP 1.0, 7.2.2.4).
    let told = ["NetStream.Seek.Notify", "NetStream.Play.Start"];
    assert_eq!(peer.codes(), [told, told].concat());
    assert!(peer.give(&audio(40, "AF01 21")));
    assert!(!peer.give(&inter(40)));
    assert!(peer.give(&key(80)));
    // A new player wants everything again.
    peer.command(
        1,
        "receiveVideo",
        0.0,
        &[Value::Null, Value::Boolean(false)],
    );
    peer.command(1, "play", 0.0, &[Value::Null, text("other")]);
    peer.accept();
    assert!(peer.give(&inter(0)));
}

#[test]
fn rtmp_23_play_again_and_play2() {
    let mut peer = Peer::playing(Config::default());
    peer.command(1, "play", 0.0, &[Value::Null, text("other")]);
    assert_eq!(peer.outputs[0], Output::Stopped);
    assert_eq!(request(&peer).name, "other");
    peer.accept();
    let wish = object(&[
        ("streamName", text("lower")),
        ("transition", text("switch")),
    ]);
    peer.command(1, "play2", 0.0, &[Value::Null, wish.clone()]);
    assert_eq!(peer.outputs[0], Output::Stopped);
    assert_eq!(request(&peer).name, "lower");
    peer.server.accept(peer.now, request(&peer).id).unwrap();
    peer.drain();
    assert_eq!(
        peer.codes(),
        ["NetStream.Play.Transition", "NetStream.Play.Start"]
    );
    // With nothing to change from it is a plain wish to play.
    let mut peer = Peer::connected(Config::default());
    peer.command(1, "play2", 0.0, &[Value::Null, wish]);
    peer.heard.clear();
    peer.server.accept(peer.now, request(&peer).id).unwrap();
    peer.drain();
    assert_eq!(
        peer.codes(),
        ["NetStream.Play.Reset", "NetStream.Play.Start"]
    );
    // Flash stops so.
    peer.outputs.clear();
    peer.command(1, "play", 0.0, &[Value::Null, Value::Boolean(false)]);
    assert_eq!(peer.outputs, [Output::Stopped]);
    assert_eq!(peer.heard_code(), "NetStream.Play.Stop");
}

#[test]
fn rtmp_23_one_thing_at_a_time() {
    let mut peer = Peer::publishing(Config::default());
    peer.command(2, "play", 0.0, &[Value::Null, text("other")]);
    assert_eq!(peer.heard_code(), "NetStream.Play.Failed");
    let mut peer = Peer::playing(Config::default());
    peer.command(2, "play", 0.0, &[Value::Null, text("other")]);
    assert_eq!(peer.heard_code(), "NetStream.Play.Failed");
    peer.command(2, "publish", 0.0, &[Value::Null, text("other")]);
    assert_eq!(peer.heard_code(), "NetStream.Publish.BadName");
    assert_eq!(peer.outputs, []);
    // Media of a player has no place.
    peer.send(4, 1, Message::AUDIO, 0, &hex("AF01 00"));
    assert!(matches!(&peer.outputs[..], [Output::Other(message)] if message.kind == 8));
    assert!(peer.give(&key(0)));
}

#[test]
fn a_key_frame_made_up_by_a_server_is_one() {
    let mut peer = Peer::playing(Config::default());
    peer.command(1, "pause", 0.0, &[Value::Null, Value::Boolean(true)]);
    peer.command(1, "pause", 0.0, &[Value::Null, Value::Boolean(false)]);
    let packet = video(0, "4701000000 AA");
    let Media::Video(frame) = &packet.media else {
        panic!()
    };
    assert_eq!(frame.frame, VideoFrame::GeneratedKey);
    assert!(peer.give(&packet));
}
