//! What is seen of the chunk layer itself.

use crate::properties::pieces;
use crate::support::{chunk, events, flat, hex, pattern};
use backline_rtmp::chunk::{ChunkHeader, Demuxer, Dialect, Event, Message, Muxer};
use backline_rtmp::{Error, Limits};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

fn traced(pieces: &[&[u8]]) -> (Vec<Event>, Option<Error>, Dialect) {
    let mut demuxer = Demuxer::new(Limits::default());
    demuxer.trace(true);
    let mut events = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        loop {
            match demuxer.next_event(&mut rest) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Some(error), demuxer.dialect()),
            }
        }
    }
    (events, None, demuxer.dialect())
}

fn headers(input: &[u8]) -> Vec<ChunkHeader> {
    let (events, error, _) = traced(&[input]);
    assert_eq!(error, None);
    let header = |event| match event {
        Event::Chunk(header) => Some(header),
        _ => None,
    };
    events.into_iter().filter_map(header).collect()
}

fn dialect(input: &[u8]) -> Dialect {
    let (_, error, dialect) = traced(&[input]);
    assert_eq!(error, None);
    dialect
}

#[test]
fn every_chunk_header_is_told_with_where_it_stands() {
    // The video of RTMP 1.0, 5.3.2.2: 307 bytes in chunks of 140, 129 and 52 bytes.
    let body = pattern(307);
    let input = [
        chunk("04 0003E8 000133 09 39300000", &body[..128]),
        chunk("C4", &body[128..256]),
        chunk("C4", &body[256..]),
    ]
    .concat();
    let seen: Vec<_> = headers(&input)
        .into_iter()
        .map(|header| {
            assert_eq!((header.chunk_stream, header.kind), (4, Message::VIDEO));
            assert_eq!((header.length, header.message_stream), (307, 12_345));
            assert_eq!(header.extended, None);
            let chunk = (header.header_len, header.payload_len);
            (
                header.at,
                header.format,
                header.timestamp,
                header.continues,
                chunk,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (0, 0, Some(1000), false, (12, 128)),
            (140, 3, None, true, (1, 128)),
            (269, 3, None, true, (1, 51)),
        ]
    );
}

#[test]
fn q01_the_trace_tells_a_timestamp_that_is_repeated_from_one_that_is_not() {
    let body = pattern(200);
    let first = chunk("04 FFFFFF 0000C8 09 01000000 01000000", &body[..128]);
    for (continuation, len, extended) in [("C4 01000000", 5, Some(0x0100_0000)), ("C4", 1, None)] {
        let input = [first.clone(), chunk(continuation, &body[128..])].concat();
        let found = headers(&input);
        assert_eq!(
            (found[0].timestamp, found[0].extended),
            (Some(0x00FF_FFFF), Some(0x0100_0000))
        );
        assert_eq!((found[0].header_len, found[1].header_len), (16, len));
        assert_eq!((found[1].extended, found[1].payload_len), (extended, 72));
        let dialect = dialect(&input);
        assert_eq!(dialect.extended_absent, extended.is_none());
        assert_eq!(dialect.extended_repeated, extended.is_some());
    }
}

#[test]
fn what_a_header_brings_comes_after_it() {
    // A ping in format 1 on a fresh chunk stream, as librtmp sends it, and a message over one in progress.
    let input = [
        chunk("42 000000 000006 04", &hex("000600000001")),
        chunk("04 000000 000100 09 01000000", &pattern(128)),
        chunk("04 000000 000000 08 01000000", &[]),
    ];
    let names: Vec<_> = traced(&[&input.concat()])
        .0
        .iter()
        .map(|event| match event {
            Event::Abandoned { .. } => "abandoned",
            Event::Chunk(_) => "chunk",
            Event::FreshHeader { .. } => "fresh",
            Event::Message(_) => "message",
            _ => "other",
        })
        .collect();
    let expected = [
        "chunk",
        "fresh",
        "message",
        "chunk",
        "chunk",
        "abandoned",
        "message",
    ];
    assert_eq!(names, expected);
}

#[test]
fn q06_q14_dialects_are_seen() {
    assert_eq!(dialect(&[]), Dialect::default());
    let plain = chunk("04 000000 000001 09 01000000", &[0]);
    // A difference of -10 ms (Q06).
    let back = chunk("44 FFFFFF 000001 09 FFFFFFF6", &[0]);
    let dialect = dialect(&[plain, back].concat());
    assert!(dialect.negative_delta && !dialect.interleaved);
    // Two messages at a time (Q14), once by chunks in turn and once by a short message among the chunks of a long one.
    let long = |id: &str| chunk(&format!("{id} 000000 000081 09 01000000"), &pattern(128));
    let turns = [long("04"), long("05"), chunk("C4", &[1]), chunk("C5", &[1])].concat();
    assert!(self::dialect(&turns).interleaved);
    let mut demuxer = Demuxer::new(Limits::default());
    let short = chunk("05 000000 000001 08 01000000", &[0]);
    let among = [short.clone(), long("04"), short, chunk("C4", &[1])].concat();
    let mut rest = &among[..];
    while demuxer.next_message(&mut rest).unwrap().is_some() {}
    assert!(demuxer.dialect().interleaved);
    // The chunk size is set twice; 2^31 - 1 is the same as 2^24 - 1.
    let set = chunk("02 000000 000004 01 00000000", &hex("00001000"));
    let again = chunk("02 000000 000004 01 00000000", &hex("7FFFFFFF"));
    let dialect = self::dialect(&[set, again].concat());
    assert_eq!(
        (dialect.chunk_size_set, dialect.chunk_size),
        (2, 0x00FF_FFFF)
    );
}

#[test]
fn q20_ffmpeg_marker() {
    // Chunk stream 70 is 00 06. A writer that continues with the low eight bits of 0xC0 | 70 says C6, which is
    // format 3 on chunk stream 6; nothing was ever sent on that one, so it goes on with the message before.
    let body = pattern(300);
    let input = [
        chunk("00 06 000000 00012C 09 01000000", &body[..128]),
        chunk("C6", &body[128..256]),
        chunk("C6", &body[256..]),
    ]
    .concat();
    let found = crate::support::messages(&input);
    assert_eq!((found.len(), &found[0].payload[..]), (1, &body[..]));
    assert!(dialect(&input).short_continuation);
    // With the timestamp repeated, as FFmpeg's writer does.
    let input = [
        chunk("00 06 FFFFFF 00012C 09 01000000 01000000", &body[..128]),
        chunk("C6 01000000", &body[128..256]),
        chunk("C6 01000000", &body[256..]),
    ]
    .concat();
    assert_eq!(crate::support::messages(&input)[0].payload, body);
    // Where chunk stream 6 is in use, C6 is its own.
    let input = [
        chunk("06 000000 000001 08 01000000", &[7]),
        chunk("00 06 000000 00012C 09 01000000", &body[..128]),
        chunk("C6", &[8]),
        chunk("C0 06", &body[128..256]),
        chunk("C0 06", &body[256..]),
    ]
    .concat();
    let found = crate::support::messages(&input);
    assert_eq!(
        (found[1].chunk_stream, &found[1].payload[..]),
        (6, &[8][..])
    );
    assert_eq!(found[2].payload, body);
    assert!(!dialect(&input).short_continuation);
}

fn without_trace(events: Vec<Event>) -> Vec<Event> {
    let plain = |event: &Event| !matches!(event, Event::Chunk(_));
    events.into_iter().filter(plain).collect()
}

proptest! {
    #[test]
    fn rtmp_03_the_trace_of_any_bytes_splits_alike_and_changes_nothing(
        bytes in vec(any::<u8>(), 0..600),
        cuts in vec(any::<usize>(), 0..20),
    ) {
        let whole = traced(&[&bytes]);
        prop_assert_eq!(&traced(&pieces(&bytes, &cuts)), &whole);
        prop_assert_eq!((without_trace(whole.0), whole.1), events(&bytes));
    }

    #[test]
    fn rtmp_03_the_trace_of_a_real_stream_covers_each_byte(
        sent in vec((3_u32..400, 0_u64..0x0100_0010, 0_usize..700), 1..8),
        size in 1_u32..300,
        cuts in vec(any::<usize>(), 0..30),
    ) {
        let mut muxer = Muxer::new();
        let mut bytes = flat(muxer.set_chunk_size(size));
        for (id, time, length) in sent {
            let body = Bytes::from(pattern(length));
            bytes.extend(flat(muxer.write(&Message::new(id, 1, Message::VIDEO, time, body))));
        }
        let whole = traced(&[&bytes]);
        prop_assert_eq!(&traced(&pieces(&bytes, &cuts)), &whole);
        let mut at = 0;
        for event in &whole.0 {
            if let Event::Chunk(header) = event {
                prop_assert_eq!(header.at, at);
                at += u64::from(header.header_len) + u64::from(header.payload_len);
            }
        }
        prop_assert_eq!(at, bytes.len() as u64);
        prop_assert_eq!((without_trace(whole.0), whole.1), events(&bytes));
    }
}
