//! The chunk layer.

use super::limits;
use crate::{Source, pieces};
use backline_rtmp::chunk::{Demuxer, Event, Message, Muxer};
use backline_rtmp::{Error, Limits};
use bytes::{Buf as _, Bytes};
use std::collections::BTreeMap;

/// What came of some bytes.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<Event>,
    error: Option<Error>,
    offset: u64,
}

fn outcome<'a>(mut demuxer: Demuxer, input: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut events = Vec::new();
    let mut error = None;
    'input: for mut piece in input {
        loop {
            match demuxer.next_event(&mut piece) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(found) => {
                    error = Some(found);
                    break 'input;
                }
            }
        }
        assert!(
            piece.is_empty(),
            "nothing was found and {} bytes are left",
            piece.len()
        );
    }
    let offset = demuxer.offset();
    Outcome {
        events,
        error,
        offset,
    }
}

pub(super) fn demuxer(mode: u8) -> Demuxer {
    let mut demuxer = Demuxer::new(limits(mode & 1 != 0));
    demuxer.set_publishing(mode & 2 != 0);
    demuxer
}

/// RTMP-03: any partition of the input gives the same messages, events and error at the same offset.
///
/// Input: a byte of modes, a byte that seeds the partition, chunks.
pub fn chunk_split_invariance(data: &[u8]) {
    let mut source = Source::new(data);
    let (mode, seed) = (source.u8(), source.u8());
    let wire = source.rest();
    let whole = outcome(demuxer(mode), std::iter::once(wire));
    let split = outcome(demuxer(mode), pieces(wire, seed));
    assert_eq!(whole, split, "mode {mode}, seed {seed}");
    let single = outcome(demuxer(mode), pieces(wire, 0));
    assert_eq!(whole, single, "mode {mode}, byte by byte");
    let bytes: usize = whole.events.iter().map(payload_size).sum();
    // A continuation with an absent extended timestamp gives nothing twice: no byte is in two messages.
    assert!(
        bytes <= wire.len(),
        "{bytes} bytes of payload out of {}",
        wire.len()
    );
    assert!(whole.offset <= wire.len() as u64);
}

fn payload_size(event: &Event) -> usize {
    match event {
        Event::Message(message) => message.payload.len(),
        _ => 0,
    }
}

/// What the muxer writes the demuxer reads, whatever the chunk sizes, chunk streams, timestamps and drops.
///
/// Input: a byte that seeds the partition, then messages of thirteen bytes and a length each.
pub fn chunk_round_trip(data: &[u8]) {
    const MESSAGES_MAX: usize = 64;
    let mut source = Source::new(data);
    let seed = source.u8();
    let mut muxer = Muxer::new();
    let mut wire = Vec::new();
    let mut written = Vec::new();
    let mut open = Limits::default();
    open.chunk_size_min = 1;
    open.chunk_streams_remembered = 1024;
    while !source.is_empty() && written.len() < MESSAGES_MAX {
        let chunk_stream = 2 + u32::from(source.u16()) % 65_598;
        match source.below(8) {
            0 => {
                let size = 1 + source.u32() % 0x7FFF_FFFF;
                for mut transmit in muxer.set_chunk_size(size) {
                    wire.extend(transmit.copy_to_bytes(transmit.remaining()));
                }
                written.push(None);
            }
            1 => muxer.forget(chunk_stream),
            _ => {
                let message = message(&mut source, chunk_stream);
                write(&mut muxer, &message, &mut wire);
                written.push(Some(message));
            }
        }
    }
    let read = outcome(Demuxer::new(open), pieces(&wire, seed.max(1)));
    assert_eq!(read.error, None, "our own chunks are in order");
    assert_eq!(read.offset, wire.len() as u64, "all of it is taken");
    assert_eq!(read.events.len(), written.len(), "{:?}", read.events);
    let mut clocks = BTreeMap::new();
    for (event, message) in read.events.iter().zip(&written) {
        let Event::Message(found) = event else {
            panic!("our own chunks cause {event:?}")
        };
        match message {
            None => assert_eq!(found.kind, Message::SET_CHUNK_SIZE),
            Some(message) => {
                assert_eq!(found.chunk_stream, message.chunk_stream);
                assert_eq!(found.message_stream, message.message_stream);
                assert_eq!(found.kind, message.kind);
                let clock = (message.message_stream, message.kind);
                let latest = unwrap(clocks.get(&clock).copied(), message.timestamp_ms as u32);
                clocks.insert(clock, latest);
                assert_eq!(found.timestamp_ms, u64::try_from(latest).unwrap_or(0));
                assert_eq!(found.payload, message.payload);
            }
        }
    }
}

/// The wire carries 32 bits of a timestamp; it is taken for the one nearest to the one before (RFC 1982).
pub(super) fn unwrap(latest: Option<i64>, timestamp: u32) -> i64 {
    latest.map_or(i64::from(timestamp), |latest| {
        latest + i64::from(timestamp.wrapping_sub(latest as u32) as i32)
    })
}

pub(super) fn message(source: &mut Source<'_>, chunk_stream: u32) -> Message {
    let message_stream = u32::from(source.u8());
    let kind = match source.u8() {
        // These two change the demuxer and have a form of their own.
        Message::SET_CHUNK_SIZE | Message::ABORT => Message::DATA,
        kind => kind,
    };
    let timestamp = match source.below(4) {
        0 => u64::from(source.u8()),
        1 => 0x00FF_FFF0 + u64::from(source.u8()),
        2 => u64::from(source.u32()),
        _ => source.u64(),
    };
    let length = match source.below(4) {
        0 => 0,
        1 => usize::from(source.u8()),
        2 => usize::from(source.u16()) % 1500,
        _ => usize::from(source.u16()),
    };
    let first = source.u8();
    let payload: Bytes = (0..length)
        .map(|index| first.wrapping_add((index * 7) as u8))
        .collect();
    Message::new(chunk_stream, message_stream, kind, timestamp, payload)
}

/// Appends the chunks of a message and checks that its payload is lent, not copied.
fn write(muxer: &mut Muxer, message: &Message, wire: &mut Vec<u8>) {
    let range = message.payload.as_ptr_range();
    let mut lent = 0;
    for transmit in muxer.write(message) {
        wire.extend(transmit.head());
        wire.extend(transmit.payload());
        if !transmit.payload().is_empty() {
            let part = transmit.payload().as_ptr_range();
            assert!(
                range.start <= part.start && part.end <= range.end,
                "the payload was copied"
            );
        }
        lent += transmit.payload().len();
    }
    assert_eq!(lent, message.payload.len());
}
