//! What encoders say in commands, data and media.

use crate::support::{Peer, hex, object, text};
use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::Message;
use backline_rtmp::flv::{Audio, AudioData, Video, VideoCodec, VideoData, VideoFrame};
use backline_rtmp::flv::{Media, Packet};
use backline_rtmp::server::{Config, Output};
use backline_rtmp::{Error, Limits};
use std::time::Duration;

fn publishing() -> Peer {
    Peer::publishing(Config::default())
}

fn metadata(peer: &Peer) -> &Value {
    match &peer.outputs[..] {
        [
            Output::Media(Packet {
                media: Media::Metadata(value),
                ..
            }),
        ] => value,
        other => panic!("{other:?}"),
    }
}

fn video(body: &str) -> Video {
    Video::decode(hex(body).into(), &Limits::default()).unwrap()
}

#[test]
fn q34_no_pong() {
    // No ping is sent, and a peer that streams lives on.
    let mut peer = publishing();
    for second in 0..120 {
        peer.pass(Duration::from_secs(1));
        peer.send(4, 1, Message::AUDIO, second * 1000, &hex("AF01 00"));
    }
    assert_eq!(peer.outputs.len(), 120);
    assert!(
        peer.heard
            .iter()
            .all(|message| message.kind != Message::USER_CONTROL)
    );
}

#[test]
fn q35_dji_order() {
    let mut peer = publishing();
    peer.send(4, 1, Message::AUDIO, 0, &hex("AF00 1190"));
    peer.data(&[text("@setDataFrame"), text("onMetaData"), object(&[])]);
    peer.send(6, 1, Message::VIDEO, 0, &hex("1700000000 0164"));
    // A frame without a NAL unit, and the configuration once more.
    peer.send(6, 1, Message::VIDEO, 33, &hex("2701000000"));
    peer.send(6, 1, Message::VIDEO, 66, &hex("1700000000 0164"));
    let kinds: Vec<_> = peer
        .outputs
        .iter()
        .map(|output| match output {
            Output::Media(Packet {
                media:
                    Media::Audio(Audio {
                        data: AudioData::Config(_),
                        ..
                    }),
                ..
            }) => "audio config",
            Output::Media(Packet {
                media: Media::Metadata(_),
                ..
            }) => "metadata",
            Output::Media(Packet {
                media:
                    Media::Video(Video {
                        data: VideoData::Config(_),
                        ..
                    }),
                ..
            }) => "video config",
            Output::Media(Packet {
                media:
                    Media::Video(Video {
                        data: VideoData::Frame { data, .. },
                        ..
                    }),
                ..
            }) if data.is_empty() => "empty frame",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "audio config",
            "metadata",
            "video config",
            "empty frame",
            "video config"
        ]
    );
}

#[test]
fn q36_metadata_absent() {
    for values in [vec![], vec![Value::Null], vec![Value::Undefined]] {
        let mut peer = publishing();
        peer.data(&[&[text("onMetaData")], &values[..]].concat());
        assert_eq!(metadata(&peer), &Value::Null);
    }
    // Junk in thousands costs no more than itself.
    let mut peer = publishing();
    for _ in 0..3000 {
        peer.data(&[text("onJunk"), Value::Number(1.0)]);
    }
    peer.send(4, 1, Message::AUDIO, 5, &hex("AF01 00"));
    assert_eq!((peer.outputs.len(), peer.error), (3001, None));
}

#[test]
fn q37_codec_id_forms() {
    // The value is passed on as it came: the bodies say what the codec is.
    for id in [
        Value::Number(7.0),
        text("avc1"),
        Value::Number(828_601_953.0),
    ] {
        let mut peer = publishing();
        let set = object(&[("videocodecid", id.clone())]);
        peer.data(&[text("@setDataFrame"), text("onMetaData"), set]);
        assert_eq!(metadata(&peer).get("videocodecid"), Some(&id));
        peer.outputs.clear();
        peer.send(
            6,
            1,
            Message::VIDEO,
            0,
            &[&hex("90")[..], b"hvc1", &[1]].concat(),
        );
        assert!(matches!(
            &peer.outputs[..],
            [Output::Media(Packet { media: Media::Video(video), .. })]
                if video.codec == VideoCodec::Hevc
        ));
    }
}

#[test]
fn q38_metadata_shapes() {
    let set = object(&[("width", Value::Number(320.0))]);
    // Uniview: two stray numbers before the name.
    let mut peer = publishing();
    let stray = [Value::Number(0.0), Value::Number(1.0)];
    peer.data(
        &[
            &stray[..],
            &[text("@setDataFrame"), text("onMetaData"), set.clone()],
        ]
        .concat(),
    );
    assert_eq!(metadata(&peer), &set);
    // A strict array in `connect`.
    let mut peer = Peer::after_handshake(Config::default());
    let array = Value::StrictArray(vec![Value::Number(1.0), Value::Null]);
    peer.command(
        0,
        "connect",
        1.0,
        &[object(&[("app", text("live")), ("list", array)])],
    );
    assert_eq!(peer.heard_code(), "NetConnection.Connect.Success");
    // Four bytes of time code are no AMF0, and no reason to stop.
    let mut peer = publishing();
    peer.send(4, 1, Message::DATA, 40, &hex("00 010203"));
    let [
        Output::Malformed {
            kind: 18,
            timestamp_ms: 40,
            raw,
            error,
        },
    ] = &peer.outputs[..]
    else {
        panic!("{:?}", peer.outputs)
    };
    assert_eq!(raw[..], hex("00010203"));
    assert_eq!(*error, Error::Truncated { at: 1, needed: 8 });
    // Adobe's onFI comes through under its name.
    let mut peer = publishing();
    peer.data(&[text("onFI"), object(&[("sd", text("24-11-2026"))])]);
    assert!(
        matches!(&peer.outputs[..], [Output::Media(Packet { media: Media::Data { name, .. }, .. })] if name == "onFI")
    );
}

#[test]
fn q39_metadata_no_string() {
    let set = object(&[("width", Value::Number(320.0))]);
    for front in [vec![], vec![text("@setDataFrame")]] {
        let mut peer = publishing();
        peer.data(&[&front[..], std::slice::from_ref(&set)].concat());
        assert_eq!(metadata(&peer), &set);
    }
}

#[test]
fn q40_ecma_count() {
    let name = amf0::encode(&[text("onMetaData")]);
    for count in ["00000000", "00000063", "FFFFFFFF"] {
        for end in ["000009", ""] {
            let mut peer = publishing();
            let body = [&name[..], &hex(&format!("08 {count} 0001 61 0101 {end}"))].concat();
            peer.send(4, 1, Message::DATA, 0, &body);
            let expected = Value::EcmaArray(vec![("a".to_owned(), Value::Boolean(true))]);
            assert_eq!(metadata(&peer), &expected);
        }
    }
    let long = text(&"x".repeat(65_536));
    assert_eq!(amf0::encode([&long])[..5], hex("0C 00010000"));
}

#[test]
fn q41_hevc_id_12() {
    assert_eq!(video("1C 00 000000 01").codec, VideoCodec::Hevc);
    let frame = video("2C 01 000010 99");
    assert_eq!(
        (frame.codec, frame.frame),
        (VideoCodec::Hevc, VideoFrame::Inter)
    );
    assert!(matches!(
        frame.data,
        VideoData::Frame {
            composition_ms: 16,
            ..
        }
    ));
}

#[test]
fn q42_cts_signed() {
    let frame = video("27 01 FFFFDE 99");
    assert!(matches!(
        frame.data,
        VideoData::Frame {
            composition_ms: -34,
            ..
        }
    ));
    // Codecs without reordering have no such field: the first byte is the picture's.
    let frame = video("A1 61763031 FFFFDE 99");
    let VideoData::Frame {
        composition_ms: 0,
        data,
    } = frame.data
    else {
        panic!("{frame:?}")
    };
    assert_eq!(data[..], hex("FFFFDE99"));
}

#[test]
fn q43_obs_vod_track() {
    // The second audio track's codec comes as text and byte arrays in metadata.
    let mut peer = publishing();
    let tracks = Value::StrictArray(vec![object(&[
        ("id", Value::Number(2.0)),
        ("config", text("\u{12}")),
    ])]);
    let set = object(&[("audio2Tracks", tracks.clone())]);
    peer.data(&[text("@setDataFrame"), text("onMetaData"), set]);
    assert_eq!(metadata(&peer).get("audio2Tracks"), Some(&tracks));
}

#[test]
fn q44_stream_key() {
    for (app, sent, expected_app, name, query) in [
        ("live", "/key", "live", "key", None),
        (
            "live",
            "key?clientConfigId=1",
            "live",
            "key",
            Some("clientConfigId=1"),
        ),
        ("live", "?a=b", "live", "", Some("a=b")),
        ("live?token=t", "key", "live", "key", Some("token=t")),
        ("live/", "a/b", "live", "a/b", None),
        ("", "key", "", "key", None),
        ("/live/room/", "key", "live/room", "key", None),
    ] {
        let mut peer = Peer::after_handshake(Config::default());
        peer.command(0, "connect", 1.0, &[object(&[("app", text(app))])]);
        peer.command(1, "publish", 3.0, &[Value::Null, text(sent), text("live")]);
        let request = peer.request();
        assert_eq!(
            (&*request.peer.app, &*request.name, request.query.as_deref()),
            (expected_app, name, query)
        );
    }
}

#[test]
fn q45_fcpublish_first() {
    let mut peer = Peer::connected(Config::default());
    peer.heard.clear();
    peer.command(0, "releaseStream", 2.0, &[Value::Null, text("key")]);
    peer.command(0, "FCPublish", 3.0, &[Value::Null, text("key")]);
    peer.command(0, "createStream", 4.0, &[Value::Null]);
    peer.command(1, "publish", 5.0, &[Value::Null, text("key"), text("live")]);
    let transactions: Vec<_> = peer
        .heard_commands()
        .iter()
        .map(|values| values[1].clone())
        .collect();
    assert_eq!(transactions, [2.0, 3.0, 4.0].map(Value::Number));
    peer.heard.clear();
    peer.server.accept(peer.now, peer.request().id).unwrap();
    peer.drain();
    let names: Vec<_> = peer
        .heard_commands()
        .iter()
        .map(|values| values[0].clone())
        .collect();
    assert_eq!(names, [text("onFCPublish"), text("onStatus")]);
}

#[test]
fn q46_sparse_connect() {
    let mut peer = Peer::after_handshake(Config::default());
    let object = object(&[
        ("app", text("live")),
        ("type", text("nonprivate")),
        ("tcUrl", text("rtmp://h/live")),
    ]);
    peer.command(0, "connect", 1.0, &[object]);
    peer.command(1, "publish", 2.0, &[Value::Null, text("key")]);
    let request = peer.request();
    assert_eq!(
        (&*request.peer.tc_url, &*request.peer.flash_version),
        ("rtmp://h/live", "")
    );
}

#[test]
fn q47_overflow_28h() {
    // Two days and more: the time goes on growing where 32 bits start again.
    let mut peer = publishing();
    for hour in 0..1300_u64 {
        peer.send(4, 1, Message::AUDIO, hour * 3_600_000, &hex("AF01 00"));
    }
    let times = peer.outputs.iter().enumerate().all(|(hour, output)| {
        let Output::Media(Packet {
            timestamp_ms,
            media: Media::Audio(_),
            ..
        }) = output
        else {
            return false;
        };
        *timestamp_ms == hour as u64 * 3_600_000
    });
    assert!(times);
}

#[test]
fn q48_fourcc_case() {
    for (fourcc, known) in [
        (b"Opus", true),
        (b"fLaC", true),
        (b".mp3", true),
        (b"opus", false),
    ] {
        let body = [&[0x90], &fourcc[..]].concat();
        let audio = Audio::decode(body.into(), &Limits::default()).unwrap();
        let other = matches!(audio.codec, backline_rtmp::flv::AudioCodec::Other(_));
        assert_eq!(other, !known);
    }
}

#[test]
fn q49_metadata_before_command() {
    // FFmpeg's colour tag has the frame type of a command.
    let names = amf0::encode(&[text("colorInfo"), object(&[("colorConfig", object(&[]))])]);
    let body = [&[0xD4], &b"hvc1"[..], &names].concat();
    let video = Video::decode(body.into(), &Limits::default()).unwrap();
    assert!(matches!(&video.data, VideoData::Metadata(values) if values.len() == 2));
    assert!(matches!(self::video("D1 01").data, VideoData::Command(1)));
}

#[test]
fn q50_ffmpeg_flac_and_q51_ffmpeg_tracks() {
    let audio = |body: &[u8]| Audio::decode(body.to_vec().into(), &Limits::default()).unwrap();
    // A bare STREAMINFO, and no configuration at all.
    let flac = audio(&[&[0x90], &b"fLaC"[..], &[1; 34]].concat());
    assert!(matches!(&flac.data, AudioData::Config(record) if record.len() == 34));
    let ac3 = audio(&[&[0x90], &b"ac-3"[..]].concat());
    assert!(matches!(&ac3.data, AudioData::Config(record) if record.is_empty()));
    // The second track in a wrapper for one track.
    let second = audio(&[&[0x95, 0x01], &b"Opus"[..], &[1, 42]].concat());
    assert_eq!(second.track, 1);
    assert!(matches!(&second.data, AudioData::Frame(data) if data[..] == [42]));
    let layout = audio(&[&[0x94], &b"Opus"[..], &hex("01 02 00000003")].concat());
    assert!(matches!(&layout.data, AudioData::Multichannel(rest) if rest.len() == 6));
    let second = video("96 00 68766331 01 AABB");
    assert_eq!((second.track, second.codec), (1, VideoCodec::Hevc));
    assert!(matches!(&second.data, VideoData::Config(record) if record[..] == [0xAA, 0xBB]));
    let frame = video("A3 68766331 99");
    assert!(matches!(&frame.data, VideoData::Frame { composition_ms: 0, data } if data.len() == 1));
}
