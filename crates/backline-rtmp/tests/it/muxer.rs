//! The rules of the chunk layer, writing.

use crate::support::{flat, hex, lengths, messages, pattern};
use backline_rtmp::chunk::{Message, Muxer};
use bytes::{Buf, Bytes};

fn audio(time: u64) -> Message {
    Message::new(3, 12_345, Message::AUDIO, time, pattern(32).into())
}

#[test]
fn rtmp_20_the_specification_s_own_vectors() {
    // RTMP 1.0, 5.3.2.1 and 5.3.2.2.
    let mut muxer = Muxer::new();
    let sizes = [1000, 1020, 1040, 1060].map(|time| lengths(muxer.write(&audio(time))));
    assert_eq!(sizes, [[44], [36], [33], [33]]);
    let video = Message::new(4, 12_346, Message::VIDEO, 1000, pattern(307).into());
    assert_eq!(lengths(muxer.write(&video)), [140, 129, 52]);
}

#[test]
fn rtmp_20_bytes_of_each_format() {
    let mut muxer = Muxer::new();
    let mut write = |time, length: usize| {
        let message = Message::new(6, 1, Message::VIDEO, time, Bytes::from(vec![7; length]));
        flat(muxer.write(&message))
    };
    assert_eq!(write(10, 2), hex("06 00000A 000002 09 01000000 0707"));
    assert_eq!(write(43, 1), hex("46 000021 000001 09 07"));
    assert_eq!(write(70, 1), hex("86 00001B 07"));
    assert_eq!(write(97, 1), hex("C6 07"));
    assert_eq!(write(0x00FF_FFFF, 1), hex("86 FFFF9E 07"));
    // A difference that needs the extended field is written as a whole timestamp.
    assert_eq!(
        write(0x01FF_FFFF, 1),
        hex("06 FFFFFF 000001 09 01000000 01FFFFFF 07")
    );
}

#[test]
fn q20_ffmpeg_marker() {
    let mut muxer = Muxer::new();
    let mut heads = |id| {
        let message = Message::new(id, 1, Message::VIDEO, 0, pattern(129).into());
        muxer
            .write(&message)
            .map(|transmit| transmit.head().to_vec())
            .collect::<Vec<_>>()
    };
    // FFmpeg writes one byte here, which its own reader alone understands.
    assert_eq!(heads(64)[1], hex("C0 00"));
    assert_eq!(heads(319)[1], hex("C0 FF"));
    assert_eq!(heads(320)[1], hex("C1 0001"));
    assert_eq!(heads(65_599)[1], hex("C1 FFFF"));
}

#[test]
fn rtmp_20_an_extended_timestamp_stands_in_each_continuation() {
    let mut muxer = Muxer::new();
    let message = Message::new(6, 1, Message::VIDEO, 0x0102_0304, pattern(300).into());
    let heads: Vec<_> = muxer
        .write(&message)
        .map(|transmit| transmit.head().to_vec())
        .collect();
    assert_eq!(heads[0], hex("06 FFFFFF 00012C 09 01000000 01020304"));
    assert_eq!(heads[1], hex("C6 01020304"));
    assert_eq!(heads[2], hex("C6 01020304"));
}

#[test]
fn rtmp_20_a_payload_is_shared_and_not_copied() {
    let mut muxer = Muxer::new();
    let message = Message::new(6, 1, Message::VIDEO, 0, pattern(300).into());
    let mut at = message.payload.as_ptr();
    for transmit in muxer.write(&message) {
        assert_eq!(transmit.payload().as_ptr(), at);
        at = at.wrapping_add(transmit.payload().len());
    }
}

#[test]
fn rtmp_20_a_transmit_is_written_by_vectored_io() {
    let mut muxer = Muxer::new();
    let mut transmit = muxer.write(&audio(1)).next().unwrap();
    let whole = flat([transmit.clone()]);
    let mut slices = [std::io::IoSlice::new(&[]); 4];
    assert_eq!(transmit.chunks_vectored(&mut slices), 2);
    assert_eq!([&slices[0][..], &slices[1][..]].concat(), whole);
    for at in 0..whole.len() {
        assert_eq!(transmit.remaining(), whole.len() - at);
        assert_eq!(transmit.get_u8(), whole[at]);
    }
}

#[test]
fn rtmp_21_after_a_drop_the_next_header_says_everything() {
    let mut muxer = Muxer::new();
    let _ = muxer.write(&audio(0));
    let _ = muxer.write(&audio(20));
    // The message at 40 ms was given up before it was sent.
    let _ = muxer.write(&audio(40));
    muxer.forget(3);
    assert_eq!(lengths(muxer.write(&audio(60))), [44]);
}

#[test]
fn q17_chunk_size_per_direction() {
    // Only our own call changes what we write.
    let mut muxer = Muxer::new();
    assert_eq!(
        flat(muxer.set_chunk_size(4096)),
        hex("02 000000 000004 01 00000000 00001000")
    );
    let message = Message::new(6, 1, Message::VIDEO, 0, pattern(5000).into());
    assert_eq!(lengths(muxer.write(&message)), [12 + 4096, 1 + 904]);
}

#[test]
fn q26_no_backward_fmt1() {
    let mut muxer = Muxer::new();
    let _ = muxer.write(&audio(1000));
    let _ = muxer.write(&audio(1020));
    let back = flat(muxer.write(&audio(1010)));
    assert_eq!(back[..4], hex("03 0003F2"));
    // Across the wrap the timestamp grows.
    let _ = muxer.write(&audio(0xFFFF_FFF0));
    let wrapped = flat(muxer.write(&audio(0x1_0000_0011)));
    assert_eq!(wrapped[..4], hex("83 000021"));
}

#[test]
fn no_format_3_where_readers_differ() {
    // The second timestamp is twice the first, which format 3 could say; a reader that adds nothing
    // after format 0 would not see it.
    let mut muxer = Muxer::new();
    let _ = muxer.write(&audio(26));
    assert_eq!(lengths(muxer.write(&audio(52))), [36]);
    // Zero and zero is the same to all.
    let mut muxer = Muxer::new();
    let _ = muxer.write(&audio(0));
    assert_eq!(lengths(muxer.write(&audio(0))), [33]);
}

#[test]
fn an_empty_message_is_one_header() {
    let mut muxer = Muxer::default();
    let message = Message::new(4, 1, Message::AUDIO, 0, Bytes::new());
    let bytes = flat(muxer.write(&message));
    assert_eq!(bytes, hex("04 000000 000000 08 01000000"));
    assert_eq!(messages(&bytes), [message]);
}

#[test]
fn rtmp_20_a_copy_in_one_piece_is_the_chunks_in_order() {
    let (mut pieces, mut whole) = (Muxer::new(), Muxer::new());
    for (time, length) in [(0, 0), (5, 1), (5, 128), (9, 129), (0x0100_0000, 300)] {
        let message = Message::new(6, 1, Message::VIDEO, time, pattern(length).into());
        let mut copy = vec![9];
        whole.write_to(&message, &mut copy);
        assert_eq!(copy[1..], flat(pieces.write(&message)), "{length}");
    }
}

#[test]
fn rtmp_20_a_prefix_may_be_longer_than_a_chunk() {
    let body = Message::new(6, 1, Message::VIDEO, 7, Bytes::from(hex("AABBCC")));
    // Format 0 with a length of 5 + 3, four bytes of body, format 3, the fifth byte of the prefix and the payload.
    let expected = hex("06 000007 000008 09 01000000 17010000 C6 00AABBCC");
    let mut muxer = Muxer::new();
    let _ = muxer.set_chunk_size(4);
    let pieces = muxer.write_prefixed(&body, &hex("1701000000"));
    assert_eq!(flat(pieces), expected);
    // Where it fits into the first chunk, as it always does in the field, the payload is lent.
    let _ = muxer.set_chunk_size(128);
    let pieces: Vec<_> = muxer.write_prefixed(&body, &hex("1701000000")).collect();
    assert_eq!(pieces[0].payload().as_ptr(), body.payload.as_ptr());
    let _ = muxer.set_chunk_size(4);
    let mut copy = Vec::new();
    muxer.forget(6);
    muxer.write_prefixed_to(&body, &hex("1701000000"), &mut copy);
    assert_eq!(copy, expected);
}

#[test]
fn q54_twitch_wants_format_3_and_the_extended_timestamp_in_each_continuation() {
    // A message of three chunks, five hours into the stream: each continuation is format 3, followed by the whole
    // timestamp.
    let mut muxer = Muxer::new();
    let message = Message::new(6, 1, Message::VIDEO, 18_000_000, pattern(300).into());
    let heads: Vec<_> = muxer
        .write(&message)
        .map(|transmit| transmit.head().to_vec())
        .collect();
    assert_eq!(heads[1..], [hex("C6 0112A880"), hex("C6 0112A880")]);
}

#[test]
fn rtmp_20_a_chunk_stream_that_the_wire_cannot_say_is_the_nearest_one() {
    let mut muxer = Muxer::new();
    let mut write = |chunk_stream, time| {
        let message = Message::new(chunk_stream, 1, Message::VIDEO, time, pattern(9).into());
        flat(muxer.write(&message))
    };
    // All of these are chunk stream 2, or 65 599, and the header of each follows from the one before.
    let near: Vec<u8> = [(0, 10), (2, 20), (1, 30), (0, 40), (2, 65)]
        .into_iter()
        .flat_map(|(chunk_stream, time)| write(chunk_stream, time))
        .collect();
    let far: Vec<u8> = [(65_599, 10), (65_600, 20), (u32::MAX, 30)]
        .into_iter()
        .flat_map(|(chunk_stream, time)| write(chunk_stream, time))
        .collect();
    for (bytes, id, expected) in [
        (near, 2, &[10, 20, 30, 40, 65][..]),
        (far, 65_599, &[10, 20, 30]),
    ] {
        let read = messages(&bytes);
        let times: Vec<_> = read.iter().map(|message| message.timestamp_ms).collect();
        assert_eq!(times, expected);
        assert!(read.iter().all(|message| message.chunk_stream == id));
    }
    muxer.forget(0);
    let message = Message::new(2, 1, Message::VIDEO, 90, pattern(9).into());
    assert_eq!(flat(muxer.write(&message))[0], 0x02);
}
