//! What encoders do to the chunk layer, and to the handshake's end.

use crate::support::{Peer, chunk, events, hex, messages, pattern, text, times};
use backline_rtmp::amf0::Value;
use backline_rtmp::chunk::{Event, Message};
use backline_rtmp::flv::{Media, Packet};
use backline_rtmp::server::{Config, Output};
use backline_rtmp::{Error, flv};

#[test]
fn q01_fmt3_ext_absent() {
    // OBS before 30.1: the timestamp is not repeated.
    let body = pattern(300);
    let input = [
        chunk("04 FFFFFF 00012C 09 01000000 01000000", &body[..128]),
        chunk("C4", &body[128..256]),
        chunk("C4", &body[256..]),
    ];
    assert_eq!(messages(&input.concat())[0].payload, body);
}

#[test]
fn q02_ext_4h39m() {
    // The last timestamp that fits 24 bits is the first that needs 32.
    for (header, time) in [
        ("04 FFFFFE 000001 09 01000000", 16_777_214),
        ("04 FFFFFF 000001 09 01000000 00FFFFFF", 16_777_215),
        ("04 FFFFFF 000001 09 01000000 01000000", 16_777_216),
    ] {
        assert_eq!(times(&chunk(header, &[0])), [time]);
    }
}

#[test]
fn q03_ext_compare_raw() {
    // In format 1 the field is a difference; a continuation repeats that, and not the sum.
    let body = pattern(200);
    let input = [
        chunk("04 000064 000001 09 01000000", &[0]),
        chunk("44 FFFFFF 0000C8 09 01000000", &body[..128]),
        chunk("C4 01000000", &body[128..]),
    ];
    let found = messages(&input.concat());
    assert_eq!(
        (found[1].timestamp_ms, &found[1].payload[..]),
        (0x0100_0064, &body[..])
    );
}

#[test]
fn q04_ext_not_by_sum() {
    // Small differences carry the timestamp past 24 bits; no field follows format 3.
    let body = pattern(200);
    let input = [
        chunk("04 FFFFFE 0000C8 09 01000000", &body[..128]),
        chunk("C4", &body[128..]),
        chunk("84 000021", &body[..128]),
        chunk("C4", &body[128..]),
    ];
    let found = messages(&input.concat());
    assert_eq!(
        (found[1].timestamp_ms, &found[1].payload[..]),
        (0x0100_001F, &body[..])
    );
}

#[test]
fn q05_ext_fresh_on_new() {
    let input = [
        chunk("04 000000 000001 09 01000000", &[0]),
        chunk("44 FFFFFF 000001 09 01000000", &[0]),
        chunk("C4 01000021", &[0]),
    ];
    assert_eq!(times(&input.concat()), [0, 0x0100_0000, 0x0200_0021]);
}

#[test]
fn q06_negative_delta() {
    let input = [
        chunk("04 0003E8 000001 09 01000000", &[0]),
        chunk("44 FFFFFF 000001 09 FFFFFFF6", &[0]),
    ];
    assert_eq!(times(&input.concat()), [1000, 990]);
}

#[test]
fn q07_wrap() {
    let input = [
        chunk("04 FFFFFF 000001 09 01000000 FFFFFFF0", &[0]),
        chunk("44 000021 000001 09", &[0]),
    ];
    assert_eq!(times(&input.concat()), [0xFFFF_FFF0, 0x1_0000_0011]);
}

#[test]
fn q08_fresh_fmt1() {
    // librtmp's ping, first on chunk stream 2; then an acknowledgement as format 1 and again as 3.
    let input = [
        hex("42 000000 000006 04 0003 00000001"),
        hex("42 000000 000004 03 00001000"),
        hex("C2 00002000"),
    ];
    let found = messages(&input.concat());
    assert_eq!(
        found.iter().map(|message| message.kind).collect::<Vec<_>>(),
        [4, 3, 3]
    );
    assert_eq!(found[2].payload[..], hex("00002000"));
}

#[test]
fn q09_fresh_fmt2() {
    // DJI Osmo Action: format 2, first on chunk stream 33.
    let (found, error) = events(
        &[
            hex("A1 000000"),
            chunk("21 000001 000001 08 01000000", &[3]),
        ]
        .concat(),
    );
    assert_eq!(error, None);
    assert!(matches!(
        found[0],
        Event::FreshHeader {
            chunk_stream: 33,
            format: 2,
            ..
        }
    ));
    assert!(matches!(&found[2], Event::Message(message) if message.payload[..] == [3]));
}

#[test]
fn q10_fmt3_after_fmt0() {
    let input = [
        chunk("04 00001A 000001 08 01000000", &[0]),
        chunk("C4", &[0]),
    ];
    assert_eq!(times(&input.concat()), [26, 52]);
}

#[test]
fn q11_delta_once() {
    let body = pattern(400);
    let input = [
        chunk("04 000000 000001 09 01000000", &[0]),
        chunk("44 000021 000190 09", &body[..128]),
        chunk("C4", &body[128..256]),
        chunk("C4", &body[256..384]),
        chunk("C4", &body[384..]),
        chunk("84 000021", &body[..128]),
    ];
    assert_eq!(times(&input.concat()), [0, 33]);
}

#[test]
fn q12_control_any_csid() {
    for id in ["03", "04", "05", "06"] {
        let body = pattern(200);
        let input = [
            hex(&format!("{id} 000000 000004 01 00000000 00001000")),
            chunk("07 000000 0000C8 09 01000000", &body),
        ];
        assert_eq!(messages(&input.concat())[1].payload, body);
    }
}

#[test]
fn q13_control_out_csid2() {
    let peer = Peer::connected(Config::default());
    for message in &peer.heard {
        let expected = if message.kind == Message::COMMAND {
            3
        } else {
            2
        };
        assert_eq!(
            (message.chunk_stream, message.message_stream),
            (expected, 0)
        );
    }
    assert_eq!(
        peer.heard
            .iter()
            .map(|message| message.kind)
            .collect::<Vec<_>>(),
        [5, 6, 1, 20]
    );
}

#[test]
fn q14_interleave() {
    // Audio goes between the chunks of a picture; each has a buffer of its own.
    let (video, audio) = (pattern(300), [9; 10]);
    let input = [
        chunk("06 000000 00012C 09 01000000", &video[..128]),
        chunk("04 000000 00000A 08 01000000", &audio),
        chunk("C6", &video[128..256]),
        chunk("44 000017 00000A 08", &audio),
        chunk("C6", &video[256..]),
    ];
    let found = messages(&input.concat());
    assert_eq!(found[2].payload, video);
    assert!(
        found[..2]
            .iter()
            .all(|message| message.payload[..] == audio)
    );
}

#[test]
fn q15_abort_keeps_state() {
    let input = [
        chunk("04 000064 0000C8 08 01000000", &pattern(128)),
        hex("02 000000 000004 02 00000000 00000004"),
        // Format 3 begins the next message of the same length, later by the timestamp of format 0.
        chunk("C4", &pattern(128)),
        chunk("C4", &pattern(200)[128..]),
    ];
    let (found, _) = events(&input.concat());
    let Some(Event::Message(message)) = found.last() else {
        panic!("{found:?}")
    };
    assert_eq!((message.timestamp_ms, message.payload.len()), (200, 200));
}

#[test]
fn q16_chunk_size_big() {
    for size in ["08000000", "00010001", "7FFFFFFF"] {
        let input = [
            hex(&format!("02 000000 000004 01 00000000 {size}")),
            chunk("04 000000 00FDE8 09 01000000", &pattern(65_000)),
        ];
        assert_eq!(messages(&input.concat())[1].payload.len(), 65_000);
    }
    for (digits, size) in [("80000000", 0x8000_0000), ("00000000", 0)] {
        let input = hex(&format!("02 000000 000004 01 00000000 {digits}"));
        assert_eq!(events(&input).1, Some(Error::ChunkSize { at: 16, size }));
    }
}

#[test]
fn q18_chunk_size_after_publish() {
    let mut peer = Peer::publishing(Config::default());
    let bytes = crate::support::flat(peer.muxer.set_chunk_size(60_000));
    peer.send_raw(&bytes);
    peer.send(
        6,
        1,
        Message::VIDEO,
        0,
        &[&hex("1701000000")[..], &pattern(50_000)].concat(),
    );
    let [
        Output::Media(Packet {
            media: Media::Video(video),
            ..
        }),
    ] = &peer.outputs[..]
    else {
        panic!("{:?}", peer.outputs)
    };
    assert!(matches!(&video.data, flv::VideoData::Frame { data, .. } if data.len() == 50_000));
}

#[test]
fn q19_connect_split() {
    // At 128 bytes a continuation's header falls into a string.
    let mut peer = Peer::after_handshake(Config::default());
    let version = "FMLE/3.0 (compatible; Lavf63.1.102)".repeat(5);
    let object = crate::support::object(&[
        ("app", text("live")),
        ("flashVer", text(&version)),
        ("tcUrl", text("rtmp://127.0.0.1/live")),
    ]);
    peer.command(0, "connect", 1.0, &[object]);
    peer.command(1, "publish", 3.0, &[Value::Null, text("key")]);
    assert_eq!(peer.request().peer.flash_version, version);
}

#[test]
fn q21_msid_le_and_q22_msid_not_1() {
    // A message stream id that was written the other way round, and a publication on stream 7.
    for stream in [0x0100_0000, 7, 0] {
        let mut peer = Peer::connected(Config::default());
        peer.command(stream, "publish", 0.0, &[Value::Null, text("key")]);
        peer.server.accept(peer.now, peer.request().id).unwrap();
        peer.drain();
        let status = peer.heard.last().unwrap();
        assert_eq!(status.message_stream, stream);
        peer.outputs.clear();
        peer.send(4, stream, Message::AUDIO, 5, &hex("AF01 00"));
        assert!(matches!(
            peer.outputs[..],
            [Output::Media(Packet {
                timestamp_ms: 5,
                media: Media::Audio(_),
                ..
            })]
        ));
    }
}

#[test]
fn q23_zero_length() {
    let mut peer = Peer::publishing(Config::default());
    peer.send(4, 1, Message::AUDIO, 5, &[]);
    let [
        Output::Media(Packet {
            media: Media::Audio(audio),
            ..
        }),
    ] = &peer.outputs[..]
    else {
        panic!("{:?}", peer.outputs)
    };
    assert_eq!(audio.data, flv::AudioData::Silence);
}

#[test]
fn q24_unknown_types() {
    let mut peer = Peer::publishing(Config::default());
    peer.send(4, 1, 99, 0, &[1, 2, 3]);
    for event in ["001F 00000001", "0020 00000001", "001A", "00FF 01"] {
        peer.send(2, 0, Message::USER_CONTROL, 0, &hex(event));
    }
    peer.send(4, 1, Message::AUDIO, 5, &hex("AF01 00"));
    let unknown = peer.outputs.iter().filter(|output| match output {
        Output::Other(message) => message.kind == 99,
        Output::UserControl(_) => true,
        _ => false,
    });
    assert_eq!((unknown.count(), peer.outputs.len()), (5, 6));
    assert!(matches!(peer.outputs[5], Output::Media(_)));
}

#[test]
fn q25_ack_u32() {
    let mut peer = Peer::publishing(Config::default());
    peer.send(2, 0, Message::ACKNOWLEDGEMENT, 0, &hex("FFFFFFFF"));
    assert_eq!(peer.server.stats().acknowledged, u32::MAX);
    peer.send(2, 0, Message::ACKNOWLEDGEMENT, 0, &hex("00000010"));
    assert_eq!(peer.server.stats().acknowledged, 16);
}
