//! RTMP-35: each cap is reached by a test, and charged on what arrived.

use crate::support::{Peer, chunk, events_in_pieces, hex, object, pattern, text};
use backline_rtmp::amf0::{Value, decode};
use backline_rtmp::chunk::{Event, Message};
use backline_rtmp::flv::Video;
use backline_rtmp::server::{Config, Output};
use backline_rtmp::{Error, Limits};

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// The error that ends these bytes, and how many messages came before it.
fn ends(input: &[u8], limits: Limits) -> (usize, Option<Error>) {
    let (events, error) = events_in_pieces(&[input], limits);
    let messages = events
        .iter()
        .filter(|event| matches!(event, Event::Message(_)))
        .count();
    (messages, error)
}

#[test]
fn rtmp_35_message_bytes() {
    // Declared far beyond the cap, the message is refused at the first byte beyond, and not before.
    let head = [
        hex("02 000000 000004 01 00000000 00010000"),
        hex("04 000000 FFFFFF 09 01000000"),
    ]
    .concat();
    let tiny = limits(|limits| limits.message_bytes = 1000);
    let input = [&head[..], &pattern(1000)].concat();
    assert_eq!(ends(&input, tiny.clone()), (1, None));
    let error = Error::MessageLength {
        at: 16 + 12 + 1000,
        chunk_stream: 4,
        kind: 9,
        limit: 1000,
    };
    assert_eq!(ends(&[&input[..], &[0]].concat(), tiny), (1, Some(error)));
}

#[test]
fn rtmp_35_command_bytes() {
    let head = [
        hex("02 000000 000004 01 00000000 00100000"),
        hex("03 000000 020000 14 00000000"),
    ]
    .concat();
    let input = [&head[..], &pattern(0x2_0000)].concat();
    let error = Error::MessageLength {
        at: 28 + 65_536,
        chunk_stream: 3,
        kind: 20,
        limit: 65_536,
    };
    assert_eq!(ends(&input, Limits::default()), (1, Some(error)));
}

#[test]
fn rtmp_35_data_too_long_to_be_read_is_handed_out_raw() {
    let mut peer = Peer::publishing(Config::default());
    peer.send(4, 1, Message::DATA, 0, &pattern(70_000));
    let expected = Error::BodyLength {
        kind: 18,
        length: 70_000,
        limit: 65_536,
    };
    assert!(matches!(&peer.outputs[..], [Output::Malformed { error, .. }] if *error == expected));
}

#[test]
fn rtmp_35_chunk_streams_live_and_remembered() {
    let begun = |id: u8| chunk(&format!("{id:02X} 000000 0000FF 09 01000000"), &[0; 128]);
    let input: Vec<u8> = (3..8).flat_map(begun).collect();
    let error = Error::ChunkStreams {
        at: 3 * 140,
        chunk_stream: 6,
        limit: 3,
    };
    assert_eq!(
        ends(&input, limits(|limits| limits.chunk_streams_live = 3)),
        (0, Some(error))
    );
    let whole = |id: u8| chunk(&format!("00 {id:02X} 000000 000001 09 01000000"), &[0]);
    let input: Vec<u8> = (0..9).flat_map(whole).collect();
    let error = Error::ChunkStreams {
        at: 8 * 14,
        chunk_stream: 72,
        limit: 8,
    };
    assert_eq!(
        ends(&input, limits(|limits| limits.chunk_streams_remembered = 8)),
        (8, Some(error))
    );
}

#[test]
fn rtmp_35_chunk_streams_by_default() {
    let whole = |id: u16| {
        let [high, low] = id.to_be_bytes();
        chunk(
            &format!("01 {low:02X}{high:02X} 000000 000001 09 01000000"),
            &[0],
        )
    };
    let input: Vec<u8> = (0..300).flat_map(whole).collect();
    let error = Error::ChunkStreams {
        at: 256 * 15,
        chunk_stream: 320,
        limit: 256,
    };
    assert_eq!(ends(&input, Limits::default()), (256, Some(error)));
}

#[test]
fn rtmp_35_reassembly_bytes() {
    // Eight messages in progress of 128 bytes each; the ninth is one byte too many.
    let begun = |id: u8| chunk(&format!("{id:02X} 000000 0000FF 09 01000000"), &[0; 128]);
    let input: Vec<u8> = (3..12).flat_map(begun).collect();
    let error = Error::Reassembly {
        at: 8 * 140 + 12,
        chunk_stream: 11,
        limit: 1024,
    };
    assert_eq!(
        ends(&input, limits(|limits| limits.reassembly_bytes = 1024)),
        (0, Some(error))
    );
}

#[test]
fn rtmp_35_reassembly_bytes_live() {
    let mut config = Config::default();
    config.limits.reassembly_bytes = 300;
    config.limits.reassembly_bytes_live = 400;
    let mut peer = Peer::publishing(config);
    // The muxer writes whole messages, so these are begun by hand; publishing raised the cap to 400.
    for id in ["05", "06", "07", "08"] {
        peer.send_raw(&chunk(
            &format!("{id} 000000 0000FF 09 01000000"),
            &[0; 128],
        ));
    }
    assert!(matches!(
        peer.error,
        Some(Error::Reassembly {
            limit: 400,
            chunk_stream: 8,
            ..
        })
    ));
}

#[test]
fn rtmp_35_chunk_size_min_and_grace() {
    // One-byte chunks: the set-up of an odd encoder passes, a stream of them does not.
    let head = hex("02 000000 000004 01 00000000 00000001");
    let one = chunk("04 000000 000001 08 01000000", &[0]);
    let few: Vec<u8> = std::iter::repeat_n(one.clone(), 5000).flatten().collect();
    assert_eq!(
        ends(&[head.clone(), few].concat(), Limits::default()),
        (5001, None)
    );
    let many: Vec<u8> = std::iter::repeat_n(one, 6000).flatten().collect();
    let (messages, error) = ends(&[head, many].concat(), Limits::default());
    assert_eq!(messages, 5042);
    let limit = Error::ChunkSizeSmall {
        at: 16 + 5041 * 13,
        chunk_stream: 4,
        size: 1,
        limit: 65_536,
    };
    assert_eq!(error, Some(limit));
}

#[test]
fn rtmp_35_message_streams() {
    let mut peer = Peer::connected(Config::default());
    for _ in 0..16 {
        peer.command(0, "createStream", 2.0, &[Value::Null]);
    }
    assert_eq!(peer.error, None);
    // A stream that was deleted makes room, and its number is used again.
    peer.command(0, "deleteStream", 0.0, &[Value::Null, Value::Number(5.0)]);
    peer.heard.clear();
    peer.command(0, "createStream", 2.0, &[Value::Null]);
    assert_eq!(peer.heard_commands()[0][3], Value::Number(5.0));
    peer.command(0, "createStream", 2.0, &[Value::Null]);
    assert!(matches!(
        peer.error,
        Some(Error::MessageStreams { limit: 16, .. })
    ));
}

#[test]
fn rtmp_35_pre_publish_bytes() {
    let mut config = Config::default();
    config.limits.pre_publish_bytes = 10_000;
    let mut peer = Peer::connected(config.clone());
    let taken = peer.server.stats().bytes_in;
    // Exactly the cap passes, whatever it says; the next byte does not.
    let head = hex("04 000000 00FFFF 09 01000000");
    let rest = 10_000 - taken as usize - head.len();
    let body: Vec<u8> = pattern(rest)
        .chunks(129)
        .flat_map(|part| [&part[1..], &[0xC4]].concat())
        .collect();
    peer.send_raw(&[head, body[..rest].to_vec()].concat());
    assert_eq!(peer.error, None);
    peer.send_raw(&[0]);
    assert_eq!(
        peer.error,
        Some(Error::PrePublishBytes {
            at: 10_000,
            limit: 10_000
        })
    );
    // A publisher may send as much as it likes.
    let mut peer = Peer::publishing(config);
    for _ in 0..10 {
        peer.send(
            6,
            1,
            Message::VIDEO,
            0,
            &[&hex("2701000000")[..], &pattern(5000)].concat(),
        );
    }
    assert_eq!(peer.error, None);
}

#[test]
fn rtmp_35_outputs_and_transmits() {
    let mut config = Config::default();
    config.limits.outputs = 4;
    config.limits.transmits = 6;
    let mut peer = Peer::publishing(config);
    // A peer that asks much and reads nothing is not listened to.
    let ping = hex("02 000000 000006 04 00000000 0006 00000001");
    let pings: Vec<u8> = std::iter::repeat_n(ping.clone(), 100).flatten().collect();
    assert_eq!(
        peer.server.handle_input(peer.now, &pings),
        Ok(6 * ping.len())
    );
    assert_eq!(peer.server.handle_input(peer.now, &pings), Ok(0));
    peer.drain();
    let frame = chunk("04 000000 000003 08 01000000", &hex("AF01 00"));
    let frames: Vec<u8> = std::iter::repeat_n(frame.clone(), 100).flatten().collect();
    assert_eq!(
        peer.server.handle_input(peer.now, &frames),
        Ok(4 * frame.len())
    );
}

#[test]
fn rtmp_35_amf_depth() {
    let nested = |depth: usize| {
        hex(&"0A00000001".repeat(depth))
            .into_iter()
            .chain([5])
            .collect::<Vec<_>>()
    };
    assert!(decode(&nested(32), &Limits::default()).is_ok());
    let error = Error::AmfDepth { at: 165, limit: 32 };
    assert_eq!(decode(&nested(33), &Limits::default()), Err(error));
}

#[test]
fn rtmp_35_amf_nodes() {
    let nulls = vec![5; 1025];
    assert_eq!(
        decode(&nulls[1..], &Limits::default()).map(|values| values.len()),
        Ok(1024)
    );
    assert_eq!(
        decode(&nulls, &Limits::default()),
        Err(Error::AmfNodes {
            at: 1024,
            limit: 1024
        })
    );
}

#[test]
fn rtmp_35_amf_string_bytes() {
    let value = object(&[("abcd", text("efgh"))]);
    let body = backline_rtmp::amf0::encode([&value]);
    assert!(decode(&body, &limits(|limits| limits.amf_string_bytes = 8)).is_ok());
    let error = decode(&body, &limits(|limits| limits.amf_string_bytes = 7));
    assert_eq!(error, Err(Error::AmfStrings { at: 10, limit: 7 }));
}

#[test]
fn rtmp_35_modex_layers() {
    let body = |layers: usize| {
        hex(&format!(
            "A7 {} 00 AA 01 68766331 000000",
            "00AAF7".repeat(layers - 1)
        ))
    };
    assert!(Video::decode(body(8).into(), &Limits::default()).is_ok());
    let error = Video::decode(body(9).into(), &Limits::default());
    assert_eq!(error, Err(Error::ModEx { at: 25, limit: 8 }));
}
