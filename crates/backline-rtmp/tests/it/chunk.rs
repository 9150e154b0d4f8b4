//! The rules of the chunk layer, reading.

use crate::support::{chunk, events, events_in_pieces, flat, hex, messages, pattern, times};
use backline_rtmp::Limits;
use backline_rtmp::chunk::{Demuxer, Event, Message, Muxer};
use bytes::Bytes;

/// Chunk stream 4, timestamp 26, 4 bytes of audio on message stream 1.
const AUDIO: &str = "04 00001A 000004 08 01000000";

#[test]
fn rtmp_01_bytes_in_messages_out() {
    let found = messages(&chunk(AUDIO, &[1, 2, 3, 4]));
    let expected = Message::new(4, 1, Message::AUDIO, 26, Bytes::from_static(&[1, 2, 3, 4]));
    assert_eq!(found, [expected]);
}

#[test]
fn rtmp_04_a_header_is_staged_and_a_body_is_not() {
    let mut demuxer = Demuxer::new(Limits::default());
    // Three bytes of basic header, eleven of message header, four of extended timestamp.
    let header = hex("01 FFFF FFFFFF 000003 09 01000000 01000000");
    assert_eq!(header.len(), 18);
    for byte in &header {
        assert_eq!(demuxer.next_event(&mut &[*byte][..]), Ok(None));
    }
    let mut rest = &[7, 8, 9][..];
    let message = demuxer.next_message(&mut rest).unwrap().unwrap();
    assert_eq!(
        (message.chunk_stream, message.timestamp_ms),
        (65_599, 0x0100_0000)
    );
    assert_eq!(&message.payload[..], [7, 8, 9]);
}

#[test]
fn rtmp_08_all_forms_of_the_chunk_stream_id() {
    for (form, id) in [
        ("02", 2),
        ("3F", 63),
        ("00 00", 64),
        ("00 FF", 319),
        ("01 0000", 64),
        ("01 0001", 320),
        ("01 FFFF", 65_599),
    ] {
        let input = chunk(&format!("{form} 000000 000001 08 01000000"), &[5]);
        assert_eq!(messages(&input)[0].chunk_stream, id, "{form}");
    }
}

#[test]
fn rtmp_09_messages_of_three_chunk_streams_interleave() {
    let body = pattern(300);
    let mut input = Vec::new();
    for id in ["04", "05", "00 10"] {
        input.extend(chunk(
            &format!("{id} 000005 00012C 09 01000000"),
            &body[..128],
        ));
    }
    for id in ["C4", "C5", "C0 10"] {
        input.extend(chunk(id, &body[128..256]));
    }
    for id in ["C0 10", "C5", "C4"] {
        input.extend(chunk(id, &body[256..]));
    }
    let found = messages(&input);
    assert_eq!(
        found
            .iter()
            .map(|message| message.chunk_stream)
            .collect::<Vec<_>>(),
        [80, 5, 4]
    );
    assert!(
        found
            .iter()
            .all(|message| message.payload == body && message.timestamp_ms == 5)
    );
}

#[test]
fn rtmp_10_format_3_continues_or_begins_by_state() {
    let input = [
        chunk(AUDIO, &[1; 4]),
        chunk("44 000014 000004 08", &[2; 4]),
        // Nothing is in progress, so this begins a message 20 ms later.
        chunk("C4", &[3; 4]),
        chunk("84 000005", &[4; 4]),
        chunk("C4", &[5; 4]),
    ];
    assert_eq!(times(&input.concat()), [26, 46, 66, 71, 76]);
}

#[test]
fn rtmp_11_an_extended_timestamp_in_continuations_may_be_there() {
    let body = pattern(200);
    let input = [
        chunk("04 FFFFFF 0000C8 09 01000000 01020304", &body[..128]),
        chunk("C4 01020304", &body[128..]),
    ];
    let found = messages(&input.concat());
    assert_eq!(found[0].payload, body);
    assert_eq!(found[0].timestamp_ms, 0x0102_0304);
}

#[test]
fn rtmp_11_an_extended_timestamp_in_continuations_may_be_absent() {
    // The body goes on with the first three bytes of the timestamp, and then differs.
    let mut body = pattern(200);
    body[128..132].copy_from_slice(&[1, 2, 3, 99]);
    let input = [
        chunk("04 FFFFFF 0000C8 09 01000000 01020304", &body[..128]),
        chunk("C4", &body[128..]),
        // The dialect is known, so that payload that looks like the timestamp is payload.
        chunk("04 FFFFFF 000084 09 01000000 01020304", &body[..128]),
        chunk("C4", &[1, 2, 3, 4]),
    ];
    let found = messages(&input.concat());
    assert_eq!(found[0].payload, body);
    assert_eq!(found[1].payload[128..], [1, 2, 3, 4]);
}

#[test]
fn rtmp_11_a_last_chunk_shorter_than_the_timestamp_gives_back_the_next_header() {
    // One byte of payload equals the timestamp's first; what follows is the next header.
    let first = pattern(128);
    let input = [
        chunk("04 FFFFFF 000081 09 01000000 05060708", &first),
        chunk("C4", &[5]),
        chunk("06 000001 000002 08 01000000", &[9, 9]),
    ];
    let input = input.concat();
    let whole = messages(&input);
    assert_eq!(whole.len(), 2);
    assert_eq!(whole[0].payload[128..], [5]);
    // The given-back byte of a header: chunk stream 6 with a timestamp that begins as the header does.
    let input = [
        chunk("04 FFFFFF 000081 09 01000000 05060001", &first),
        chunk("C4", &[5]),
        chunk("06 000001 000002 08 01000000", &[9, 9]),
    ];
    let whole = messages(&input.concat());
    assert_eq!((whole[1].chunk_stream, whole[1].timestamp_ms), (6, 1));
    let input = input.concat();
    let pieces: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(events_in_pieces(&pieces, Limits::default()), events(&input));
}

#[test]
fn rtmp_12_a_fresh_header_without_fields_is_accepted_with_an_event() {
    for (header, format) in [("44 000005 000000 08", 1), ("84 000005", 2), ("C4", 3)] {
        let (found, error) = events(&hex(header));
        assert_eq!(error, None);
        let wanted = format;
        let fresh = |event: &Event| match event {
            Event::FreshHeader {
                chunk_stream: 4,
                format,
                ..
            } => *format == wanted,
            _ => false,
        };
        assert!(fresh(&found[0]), "{found:?}");
        // The length is 0, so that the message is complete at once.
        assert!(matches!(&found[1], Event::Message(message) if message.payload.is_empty()));
        assert_eq!(found.len(), 2);
    }
}

#[test]
fn rtmp_13_fmt0_over_partial_abandons() {
    for header in [
        "04 000020 000004 08 01000000",
        "44 000006 000004 08",
        "84 000006",
    ] {
        let length = if header.starts_with('8') { 200 } else { 4 };
        let body = pattern(length);
        let mut input = chunk("04 00001A 0000C8 08 01000000", &pattern(128));
        input.extend(chunk(header, &body[..length.min(128)]));
        if length > 128 {
            input.extend(chunk("C4", &body[128..]));
        }
        let (found, error) = events(&input);
        assert_eq!(error, None);
        assert!(
            matches!(
                found[0],
                Event::Abandoned {
                    chunk_stream: 4,
                    received: 128,
                    ..
                }
            ),
            "{found:?}"
        );
        let Event::Message(message) = &found[1] else {
            panic!("{found:?}")
        };
        assert_eq!(
            (&message.payload[..], message.timestamp_ms),
            (&body[..], 32)
        );
    }
}

#[test]
fn rtmp_14_a_chunk_size_acts_on_a_half_sent_message() {
    let body = pattern(400);
    let input = [
        chunk("04 000000 000190 09 01000000", &body[..128]),
        hex("02 000000 000004 01 00000000 00000110"),
        chunk("C4", &body[128..]),
    ];
    let found = messages(&input.concat());
    assert_eq!(found[0].kind, Message::SET_CHUNK_SIZE);
    assert_eq!(found[1].payload, body);
}

#[test]
fn rtmp_15_abort_drops_the_partial_alone() {
    let input = [
        chunk("04 000064 0000C8 09 01000000", &pattern(128)),
        hex("02 000000 000004 02 00000000 00000004"),
        // The header's state is as before, and so is the timestamp that the dropped message set.
        chunk("84 00000A", &pattern(128)),
        chunk("C4", &pattern(200)[128..]),
    ];
    let (found, error) = events(&input.concat());
    assert_eq!(error, None);
    assert!(matches!(
        found[0],
        Event::Abandoned {
            chunk_stream: 4,
            received: 128,
            ..
        }
    ));
    assert!(matches!(&found[1], Event::Message(message) if message.kind == Message::ABORT));
    let Event::Message(message) = &found[2] else {
        panic!("{found:?}")
    };
    assert_eq!((message.timestamp_ms, message.payload.len()), (110, 200));
}

#[test]
fn rtmp_16_timestamps_unwrap_for_each_stream_and_type() {
    let input = [
        chunk("04 FFFFFF 000001 08 01000000 FFFFFFF0", &[1]),
        chunk("06 FFFFFF 000001 09 01000000 FFFFFFF8", &[1]),
        chunk("44 000021 000001 08", &[1]),
        // Back by 32 ms, across the wrap.
        chunk("06 FFFFFF 000001 09 01000000 FFFFFFD8", &[1]),
        // Another message stream has a clock of its own.
        chunk("04 000011 000001 08 02000000", &[1]),
    ];
    let wrap = 1_u64 << 32;
    assert_eq!(
        times(&input.concat()),
        [wrap - 16, wrap - 8, wrap + 17, wrap - 40, 17]
    );
}

#[test]
fn rtmp_16_a_step_below_zero_stays_at_zero_and_comes_back() {
    let input = [
        chunk("04 000005 000001 08 01000000", &[1]),
        chunk("44 FFFFFF 000001 08 FFFFFFF0", &[1]),
        chunk("84 00001E", &[1]),
    ];
    assert_eq!(times(&input.concat()), [5, 0, 19]);
}

#[test]
fn rtmp_19_an_unknown_type_is_a_message() {
    let found = messages(&chunk("04 000000 000002 63 01000000", &[1, 2]));
    assert_eq!((found[0].kind, found[0].payload.len()), (99, 2));
}

#[test]
fn what_the_muxer_writes_is_read_again() {
    let mut muxer = Muxer::new();
    let mut input = flat(muxer.set_chunk_size(1000));
    let sent: Vec<Message> = [
        (3, 0, 20, 0, 100),
        (6, 1, 9, 5, 5000),
        (70, 1, 8, 6, 0),
        (400, 2, 8, 9, 999),
    ]
    .into_iter()
    .map(|(id, stream, kind, time, length)| {
        Message::new(id, stream, kind, time, pattern(length).into())
    })
    .collect();
    for message in &sent {
        input.extend(flat(muxer.write(message)));
    }
    assert_eq!(messages(&input)[1..], sent);
}

#[test]
fn rtmp_03_what_is_wholly_there_is_read_as_by_single_bytes() {
    let after = |partial: bool, header: &str, length| {
        let mut input = chunk(AUDIO, &[1, 2, 3, 4]);
        if partial {
            // A message of chunk stream 5 stays in progress.
            input.extend(chunk("05 000001 00012C 09 01000000", &pattern(128)));
        }
        input.extend(chunk(header, &pattern(length)));
        input.extend(chunk("44 000003 000002 08", &[5, 6]));
        input
    };
    // What follows the first byte of these looks like a header too.
    let twice = "04 440000 020000 04 08000000 0102030405";
    let given_back = [
        chunk("04 FFFFFF 000081 09 01000000 01040000", &pattern(128)),
        hex("C4 01"),
        hex(twice),
    ];
    let inputs = [
        after(true, "44 000002 000080 08", 128),
        after(true, "44 000002 000081 08", 128),
        after(false, "44 000002 000000 08", 0),
        after(true, "45 000002 000004 08", 4),
        after(false, "04 000001 000004 09 02000000", 4),
        after(false, "46 000001 000004 09", 4),
        after(false, "44 000002 000004 02", 4),
        after(false, "44 FFFFFF 000004 08 01000000", 4),
        after(false, "44 000002 000005 08", 5),
        after(false, "84 000009", 4),
        after(false, "C4", 4),
        after(false, twice, 0),
        given_back.concat(),
    ];
    let strict = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    let all_limits = [
        Limits::default(),
        strict(|limits| limits.chunk_streams_live = 1),
        strict(|limits| (limits.chunk_size_min, limits.chunk_grace_bytes) = (129, 150)),
        strict(|limits| limits.message_bytes = 4),
        strict(|limits| limits.reassembly_bytes = 130),
    ];
    for input in &inputs {
        for limits in &all_limits {
            let bytes: Vec<_> = input.chunks(1).collect();
            let expected = events_in_pieces(&bytes, limits.clone());
            for cut in 0..input.len() {
                let (front, rest) = input.split_at(cut);
                let found = events_in_pieces(&[front, rest], limits.clone());
                assert_eq!(found, expected, "{input:02X?} cut at {cut}, {limits:?}");
            }
        }
    }
}
