//! What holds for all inputs.

use crate::support::{Peer, events, events_in_pieces, flat, pattern, text};
use backline_rtmp::Limits;
use backline_rtmp::amf0::{Value, decode, encode};
use backline_rtmp::chunk::{Demuxer, Event, Message, Muxer};
use backline_rtmp::flv::{Audio, AudioCodec, AudioData, Video, VideoCodec, VideoData, VideoFrame};
use backline_rtmp::handshake::{EchoPolicy, ServerHandshake};
use backline_rtmp::server::Config;
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

/// A stream that has every kind of chunk in it, and an error at its end.
fn everything() -> Vec<u8> {
    let parts = [
        "84 000005 42 000000 000006 04 0003 00000001",
        "04 000000 000090 09 01000000",
    ];
    let mut bytes = crate::support::hex(&parts.concat());
    let body = pattern(144);
    bytes.extend_from_slice(&body[..128]);
    bytes.extend(crate::support::hex(
        "02 000000 000004 01 00000000 00000090 C4",
    ));
    bytes.extend_from_slice(&body[128..]);
    // An extended timestamp that is absent from the continuation, after three bytes that equal it.
    bytes.extend(crate::support::hex("05 FFFFFF 000093 08 02000000 01020304"));
    bytes.extend_from_slice(&body);
    bytes.extend(crate::support::hex("C5 010203"));
    // A partial that is abandoned, an abort, long chunk stream ids, an empty message.
    bytes.extend(crate::support::hex("00 FF 000010 000100 09 01000000"));
    bytes.extend_from_slice(&body);
    bytes.extend(crate::support::hex("40 FF 000001 000000 08"));
    bytes.extend(crate::support::hex("01 0102 000010 000100 09 01000000"));
    bytes.extend_from_slice(&body);
    bytes.extend(crate::support::hex("02 000000 000004 02 00000000 00000241"));
    bytes.extend(crate::support::hex("C1 0102"));
    bytes.extend_from_slice(&body);
    bytes.extend(crate::support::hex(
        "02 000000 000004 01 00000000 80000000 FF",
    ));
    bytes
}

#[test]
fn rtmp_03_every_partition_in_two_and_every_size_gives_the_same() {
    let bytes = everything();
    let whole = events(&bytes);
    let abandoned = whole
        .0
        .iter()
        .filter(|event| matches!(event, Event::Abandoned { .. }))
        .count();
    assert_eq!((abandoned, whole.1.is_some()), (2, true), "{whole:?}");
    for at in 0..bytes.len() {
        let (front, back) = bytes.split_at(at);
        assert_eq!(
            events_in_pieces(&[front, back], Limits::default()),
            whole,
            "{at}"
        );
    }
    for size in 1..200 {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        assert_eq!(
            events_in_pieces(&pieces, Limits::default()),
            whole,
            "{size}"
        );
    }
}

#[test]
fn truncation_at_every_byte_gives_a_prefix() {
    let bytes = everything();
    let (whole, _) = events(&bytes);
    for end in 0..bytes.len() - 1 {
        let (found, error) = events(&bytes[..end]);
        assert_eq!(found, whole[..found.len()]);
        assert!(error.is_none() || end >= bytes.len() - 1);
    }
}

pub(crate) fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2)
        .map(|pair| &bytes[pair[0]..pair[1]])
        .collect()
}

fn value() -> impl Strategy<Value = Value> {
    let key = || "[a-z]{0,5}";
    let leaf = prop_oneof![
        any::<f64>()
            .prop_filter("NaN equals nothing", |number| !number.is_nan())
            .prop_map(Value::Number),
        any::<bool>().prop_map(Value::Boolean),
        ".{0,20}".prop_map(Value::String),
        Just(Value::Null),
        Just(Value::Undefined),
        Just(Value::Unsupported),
        any::<u16>().prop_map(Value::Reference),
        (-1e15..1e15).prop_map(Value::Date),
        "[<>a]{0,9}".prop_map(Value::Xml),
    ];
    leaf.prop_recursive(4, 60, 6, move |inner| {
        let properties = move || vec((key(), inner.clone()), 0..6);
        let inner_values = properties();
        prop_oneof![
            properties().prop_map(Value::Object),
            properties().prop_map(Value::EcmaArray),
            (key(), properties()).prop_map(|(class, set)| Value::TypedObject(class, set)),
            inner_values.prop_map(|set| Value::StrictArray(
                set.into_iter().map(|(_, value)| value).collect()
            )),
        ]
    })
}

fn message() -> impl Strategy<Value = Message> {
    let id = prop_oneof![3_u32..64, 64_u32..320, 320_u32..65_600];
    let time = prop_oneof![
        0_u64..100,
        0x00FF_FFF0_u64..0x0100_0010,
        0x7FFF_FF00_u64..0x7FFF_FFFF
    ];
    (id, 0_u32..4, 7_u8..10, time, 0_usize..700).prop_map(|(id, stream, kind, time, length)| {
        Message::new(id, stream, kind, time, Bytes::from(pattern(length)))
    })
}

proptest! {
    #[test]
    fn rtmp_03_any_partition_of_any_bytes(bytes in vec(any::<u8>(), 0..600), cuts in vec(any::<usize>(), 0..20)) {
        let whole = events(&bytes);
        prop_assert_eq!(events_in_pieces(&pieces(&bytes, &cuts), Limits::default()), whole);
    }

    #[test]
    fn rtmp_03_any_partition_of_a_real_stream(
        sent in vec(message(), 1..8),
        size in 1_u32..300,
        cuts in vec(any::<usize>(), 0..30),
        spoil in any::<usize>(),
        with in any::<u8>(),
    ) {
        let mut muxer = Muxer::new();
        let mut bytes = flat(muxer.set_chunk_size(size));
        for message in &sent {
            bytes.extend(flat(muxer.write(message)));
        }
        prop_assert_eq!(events_in_pieces(&pieces(&bytes, &cuts), Limits::default()), events(&bytes));
        // And of one that has a wrong byte in it.
        let at = spoil % bytes.len();
        bytes[at] = with;
        prop_assert_eq!(events_in_pieces(&pieces(&bytes, &cuts), Limits::default()), events(&bytes));
    }

    #[test]
    fn rtmp_20_what_is_written_is_read(sent in vec(message(), 1..12), size in 1_u32..1000) {
        let mut muxer = Muxer::new();
        let mut bytes = flat(muxer.set_chunk_size(size));
        for message in &sent {
            bytes.extend(flat(muxer.write(message)));
        }
        let (found, error) = events(&bytes);
        prop_assert_eq!(error, None);
        let found: Vec<Message> = found.into_iter().filter_map(|event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        }).collect();
        prop_assert_eq!(found.len(), sent.len() + 1);
        for (found, sent) in found[1..].iter().zip(&sent) {
            // Timestamps unwrap by the order of arrival; the low 32 bits are what the wire carries.
            prop_assert_eq!(found.timestamp_ms as u32, sent.timestamp_ms as u32);
            let streams = |message: &Message| (message.chunk_stream, message.message_stream, message.kind);
            prop_assert_eq!(streams(found), streams(sent));
            prop_assert_eq!(&found.payload, &sent.payload);
        }
    }

    #[test]
    fn rtmp_20_interleaved_chunks_are_read(
        length in vec(1_usize..900, 3),
        size in 1_u32..200,
        order in vec(0_usize..3, 60),
    ) {
        let mut muxer = Muxer::new();
        let mut bytes = flat(muxer.set_chunk_size(size));
        let sent: Vec<Message> = [4, 64, 400].iter().zip(&length)
            .map(|(id, length)| Message::new(*id, 1, Message::VIDEO, 0x0200_0000, Bytes::from(pattern(*length))))
            .collect();
        let mut writers: Vec<_> = sent.iter().map(|message| muxer.write(message)).collect();
        for at in order {
            bytes.extend(flat(writers[at].next()));
        }
        for writer in writers {
            bytes.extend(flat(writer));
        }
        let mut found = crate::support::messages(&bytes)[1..].to_vec();
        found.sort_by_key(|message| message.chunk_stream);
        prop_assert_eq!(found, sent);
    }

    #[test]
    fn rtmp_22_what_is_encoded_is_decoded(values in vec(value(), 0..5)) {
        let body = encode(&values);
        prop_assert_eq!(decode(&body, &Limits::default()), Ok(values));
        for end in 0..body.len() {
            let _ = decode(&body[..end], &Limits::default());
        }
    }

    #[test]
    fn rtmp_22_any_bytes_are_no_panic_and_stay_within_the_budget(body in vec(any::<u8>(), 0..400)) {
        if let Ok(values) = decode(&body, &Limits::default()) {
            // Bytes are compared, since a number that is not one equals nothing.
            let written = encode(&values);
            let again = decode(&written, &Limits::default()).unwrap();
            prop_assert_eq!(encode(&again), written);
        }
    }

    #[test]
    fn rtmp_27_28_bodies_round_trip(
        track in any::<u8>(), offset_ns in 0_u32..1_000_000, codec in 0_usize..7, frame in 0_usize..4,
        cts in -8_388_608..8_388_608,
        data in vec(any::<u8>(), 0..40), what in 0_usize..4,
    ) {
        let frames = [VideoFrame::Key, VideoFrame::Inter, VideoFrame::Disposable, VideoFrame::GeneratedKey];
        let codecs = [
            VideoCodec::Av1, VideoCodec::Avc, VideoCodec::Hevc, VideoCodec::Vp8,
            VideoCodec::Vp9, VideoCodec::Vvc, VideoCodec::Other(1),
        ];
        let composed = matches!(codecs[codec], VideoCodec::Avc | VideoCodec::Hevc | VideoCodec::Vvc);
        let rest = Bytes::from(data);
        let video = [
            VideoData::Config(rest.clone()),
            VideoData::Frame { composition_ms: if composed { cts } else { 0 }, data: rest.clone() },
            VideoData::End,
            VideoData::Metadata(vec![text("x")]),
        ];
        let mut video = Video::new(codecs[codec], frames[frame], video[what].clone());
        (video.track, video.offset_ns) = (track, offset_ns);
        prop_assert_eq!(Video::decode(video.encode(), &Limits::default()), Ok(video));
        let codecs = [
            AudioCodec::Aac, AudioCodec::Ac3, AudioCodec::Eac3, AudioCodec::Flac,
            AudioCodec::Mp3, AudioCodec::Opus, AudioCodec::Other(1),
        ];
        let audio = [
            AudioData::Config(rest.clone()), AudioData::Frame(rest.clone()),
            AudioData::End, AudioData::Multichannel(rest),
        ];
        let mut audio = Audio::new(codecs[codec], audio[what].clone());
        (audio.track, audio.offset_ns) = (track, offset_ns);
        prop_assert_eq!(Audio::decode(audio.encode(), &Limits::default()), Ok(audio));
    }

    #[test]
    fn rtmp_27_28_any_body_that_is_read_is_written_again(body in vec(any::<u8>(), 0..200)) {
        let body = Bytes::from(body);
        if let Ok(video) = Video::decode(body.clone(), &Limits::default()) {
            let again = Video::decode(video.encode(), &Limits::default()).unwrap();
            prop_assert_eq!(again.encode(), video.encode());
            prop_assert_eq!((again.codec, again.frame, again.track), (video.codec, video.frame, video.track));
        }
        if let Ok(audio) = Audio::decode(body, &Limits::default()) {
            prop_assert_eq!(Audio::decode(audio.encode(), &Limits::default()), Ok(audio));
        }
    }

    #[test]
    fn any_handshake_is_no_panic(bytes in vec(any::<u8>(), 1537..3200), seed in any::<u64>()) {
        let mut handshake = ServerHandshake::new(seed, EchoPolicy::Warn);
        let mut rest = &bytes[..];
        while !rest.is_empty() && !handshake.is_done() {
            if handshake.handle_input(&mut rest).is_err() {
                break;
            }
        }
    }

    #[test]
    fn a_session_of_any_messages_is_no_panic_and_splits_alike(
        sent in vec((1_u8..24, vec(any::<u8>(), 0..60)), 0..20),
        cuts in vec(any::<usize>(), 0..10),
        state in 0_usize..3,
    ) {
        let run = |cuts: &[usize]| {
            let begin: [fn(Config) -> Peer; 3] = [Peer::connected, Peer::publishing, Peer::playing];
            let mut peer = begin[state](Config::default());
            let mut bytes = Vec::new();
            for (kind, body) in &sent {
                let message = Message::new(3 + u32::from(kind % 4), 1, *kind, 0, Bytes::from(body.clone()));
                bytes.extend(flat(peer.muxer.write(&message)));
            }
            for piece in pieces(&bytes, cuts) {
                peer.send_raw(piece);
                if peer.error.is_some() {
                    break;
                }
            }
            let heard = peer.heard_commands_bytes();
            (peer.outputs, heard, peer.error)
        };
        prop_assert_eq!(run(&cuts), run(&[]));
    }

    #[test]
    fn time_is_linear(length in 1_usize..4) {
        // A message in many chunks costs each byte one copy: its buffer doubles, and never starts again.
        let length = length << 20;
        let mut muxer = Muxer::new();
        let bytes = flat(muxer.write(&Message::new(6, 1, Message::VIDEO, 0, Bytes::from(pattern(length)))));
        let mut demuxer = Demuxer::new(Limits::default());
        let counted = allocation_counter::measure(|| {
            let mut rest = &bytes[..];
            let message = demuxer.next_message(&mut rest).unwrap().unwrap();
            assert_eq!(message.payload.len(), length);
        });
        prop_assert!(counted.count_total < 16);
        prop_assert!(counted.bytes_total < 3 * length as u64);
    }
}

proptest! {
    #[test]
    fn rtmp_20_a_prefix_is_the_front_of_the_body(
        prefix in vec(any::<u8>(), 0..=16),
        body in vec(any::<u8>(), 0..600),
        chunk_size in 1_u32..300,
    ) {
        let [mut split, mut joined, mut copied] = [(); 3].map(|()| {
            let mut muxer = Muxer::new();
            let _ = muxer.set_chunk_size(chunk_size);
            muxer
        });
        let message = |payload: Vec<u8>| Message::new(6, 1, Message::VIDEO, 7, payload.into());
        let whole = message([prefix.clone(), body.clone()].concat());
        for _ in 0..2 {
            let expected = flat(joined.write(&whole));
            let mut copy = Vec::new();
            copied.write_prefixed_to(&message(body.clone()), &prefix, &mut copy);
            prop_assert_eq!(&copy, &expected);
            prop_assert_eq!(flat(split.write_prefixed(&message(body.clone()), &prefix)), expected);
        }
    }
}
