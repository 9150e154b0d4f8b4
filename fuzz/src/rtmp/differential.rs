//! The chunk layer beside two foreign readers, chunk by chunk.

mod known;
mod peers;
#[cfg(test)]
mod tests;
mod writer;

use super::chunk::{message, unwrap};
use super::limits;
use crate::Source;
use backline_rtmp::chunk::{ChunkHeader, Demuxer, Event, Message, Muxer};
use backline_rtmp::{Error, Limits};
use bytes::Buf as _;
use known::{Model, Rule};
use peers::{LibRtmp2, Peer, Shiguredo, Step};
use std::collections::BTreeMap;
use writer::Writer;

pub use known::Known;

/// More would only cost time: a reader has shown its ways by then.
const WIRE_MAX: usize = 16 << 10;

/// A message as all three readers give it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Found {
    chunk_stream: u32,
    message_stream: u32,
    kind: u8,
    /// The low 32 bits.
    timestamp: u32,
    payload: Vec<u8>,
}

impl From<&Message> for Found {
    fn from(message: &Message) -> Self {
        Self {
            chunk_stream: message.chunk_stream,
            message_stream: message.message_stream,
            kind: message.kind,
            timestamp: message.timestamp_ms as u32,
            payload: message.payload.to_vec(),
        }
    }
}

/// A chunk, and the message that ends with it.
#[derive(Debug)]
struct Chunk {
    header: ChunkHeader,
    message: Option<Found>,
}

impl Chunk {
    fn range(&self) -> std::ops::Range<usize> {
        let start = self.header.at as usize;
        let size = usize::from(self.header.header_len) + self.header.payload_len as usize;
        start..start + size
    }
}

/// What our own reader makes of some bytes.
#[derive(Debug)]
struct Ours {
    chunks: Vec<Chunk>,
    error: Option<Error>,
}

impl Ours {
    fn read(wire: &[u8], limits: Limits) -> Self {
        let mut demuxer = Demuxer::new(limits);
        demuxer.trace(true);
        let (mut chunks, mut input) = (Vec::<Chunk>::new(), wire);
        let error = loop {
            match demuxer.next_event(&mut input) {
                Ok(None) => break None,
                Err(error) => break Some(error),
                Ok(Some(Event::Chunk(header))) => chunks.push(Chunk {
                    header,
                    message: None,
                }),
                Ok(Some(Event::Message(message))) => {
                    let chunk = chunks.last_mut().expect("a message ends with a chunk");
                    chunk.message = Some(Found::from(&message));
                }
                Ok(Some(_)) => {}
            }
        };
        Self { chunks, error }
    }

    fn messages(&self) -> impl Iterator<Item = &Found> {
        self.chunks
            .iter()
            .filter_map(|chunk| chunk.message.as_ref())
    }
}

/// Ours, `librtmp2` and `shiguredo_rtmp` read the same bytes alike, or a rule with a name says why not.
///
/// Input: a byte of modes, then either chunks, or a recipe for a stream that all three must read exactly alike.
pub fn differential_demux(data: &[u8]) {
    let mut source = Source::new(data);
    let mode = source.u8();
    match mode >> 1 & 3 {
        0 | 1 => {
            let wire = source.rest();
            let wire = &wire[..wire.len().min(WIRE_MAX)];
            explained(wire, limits(mode & 1 != 0));
        }
        2 => {
            let (wire, written) = Writer::write(&mut source);
            alike(&wire, &written);
        }
        _ => {
            let (wire, written) = muxed(&mut source);
            alike(&wire, &written);
        }
    }
}

/// Compares both peers with ours; returns the names of what they do differently.
///
/// # Panics
/// Where a difference has no name.
pub fn explained(wire: &[u8], limits: Limits) -> [Option<Known>; 2] {
    let ours = Ours::read(wire, limits.clone());
    untraced(wire, &ours, limits);
    [
        compare::<LibRtmp2>(wire, &ours),
        compare::<Shiguredo>(wire, &ours),
    ]
}

/// What the chunk layer tells on request changes nothing of what it gives.
fn untraced(wire: &[u8], ours: &Ours, limits: Limits) {
    let (mut demuxer, mut input) = (Demuxer::new(limits), wire);
    let mut messages = ours.messages();
    let error = loop {
        match demuxer.next_message(&mut input) {
            Ok(Some(message)) => assert_eq!(messages.next(), Some(&Found::from(&message))),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert_eq!(messages.next(), None, "tracing brings a message");
    assert_eq!(error, ours.error, "tracing changes the error");
}

/// No difference at all: what was written is what each of the three reads.
fn alike(wire: &[u8], written: &[Found]) {
    let mut open = Limits::default();
    open.chunk_streams_remembered = 1024;
    let ours = Ours::read(wire, open.clone());
    assert_eq!(ours.error, None, "a stream by the rules");
    assert_eq!(ours.messages().count(), written.len());
    let mut clocks = BTreeMap::new();
    for (read, written) in ours.messages().zip(written) {
        let clock = (written.message_stream, written.kind);
        let latest = unwrap(clocks.get(&clock).copied(), written.timestamp);
        clocks.insert(clock, latest);
        let timestamp = u64::try_from(latest).unwrap_or(0) as u32;
        let written = Found {
            timestamp,
            ..written.clone()
        };
        assert_eq!(*read, written);
    }
    let known = explained(wire, open).map(|known| known.filter(|known| *known != Known::BelowZero));
    assert_eq!(known, [None, None], "a difference");
}

fn compare<P: Peer>(wire: &[u8], ours: &Ours) -> Option<Known> {
    let (mut peer, mut model) = (P::new(), Model::new(P::WHO));
    // The chunk that ours stopped at has no outcome to compare.
    let (chunks, stopped) = match &ours.error {
        None => (ours.chunks.as_slice(), None),
        Some(error) => {
            let count = ours.chunks.len().saturating_sub(1);
            (&ours.chunks[..count], Some(Known::of_ours(error)))
        }
    };
    let mut seen = None;
    for chunk in chunks {
        let range = chunk.range();
        let whole = range.end <= wire.len();
        let bytes = &wire[range.start..range.end.min(wire.len())];
        let rule = model.rule(&chunk.header);
        let step = peer.step(bytes);
        let who = P::WHO;
        let expected = match (rule, &step) {
            (_, Step::Panicked) => return Some(Known::PeerPanicked),
            (Some(Rule::Parts(known)), _) => return Some(known),
            (Some(Rule::Refuses(known)), Step::Refused) => return Some(known),
            // A chunk that is cut off may be too short for it to see what it does not like.
            (Some(Rule::Refuses(known)), Step::Starved) if !whole => return Some(known),
            (Some(Rule::Refuses(known)), _) => {
                panic!("{who:?} takes {chunk:?} in spite of {known:?}: {step:?}")
            }
            (Some(Rule::Clock(known)), _) => {
                seen = Some(known);
                model.take(&chunk.header)
            }
            (None, _) => model.take(&chunk.header),
        };
        let taken = if whole {
            let message = chunk.message.clone().map(|message| Found {
                timestamp: expected,
                ..message
            });
            Step::Taken(bytes.len(), message)
        } else {
            Step::Starved
        };
        assert_eq!(step, taken, "{who:?} differs at {chunk:?}");
        if let Some(message) = &chunk.message {
            if model.clock_is_ours() && message.timestamp != expected {
                assert_eq!(message.timestamp, 0, "the wire says {expected}: {chunk:?}");
                seen = Some(Known::BelowZero);
            }
            if let Some(known) = obey(&mut peer, &mut model, message) {
                return Some(known);
            }
        }
    }
    stopped.or(seen)
}

/// Does to the peer what a message says about the chunk layer, as its own session does.
fn obey<P: Peer>(peer: &mut P, model: &mut Model, message: &Found) -> Option<Known> {
    let value = message
        .payload
        .first_chunk()
        .copied()
        .map(u32::from_be_bytes)?;
    match message.kind {
        Message::SET_CHUNK_SIZE if peer.set_chunk_size(value) => None,
        Message::SET_CHUNK_SIZE => Some(Known::ChunkSize),
        Message::ABORT => {
            peer.abort(value);
            model.abort(value);
            None
        }
        _ => None,
    }
}

/// Types that every reader knows, without those that act on the chunk layer.
const KINDS: [u8; 10] = [3, 4, 5, 6, 8, 9, 15, 17, 18, 20];

/// Messages as our own muxer writes them, the chunks of several in turn.
fn muxed(source: &mut Source<'_>) -> (Vec<u8>, Vec<Found>) {
    const MESSAGES_MAX: usize = 24;
    let mut muxer = Muxer::new();
    let (mut wire, mut written) = (Vec::new(), Vec::new());
    while !source.is_empty() && written.len() < MESSAGES_MAX {
        let mut open = Vec::new();
        if source.below(8) == 0 {
            let size = 128 + u32::from(source.u16()) % 65_409;
            let found = Found {
                chunk_stream: 2,
                message_stream: 0,
                kind: Message::SET_CHUNK_SIZE,
                timestamp: 0,
                payload: size.to_be_bytes().to_vec(),
            };
            open.push((found, muxer.set_chunk_size(size).peekable()));
        }
        for _ in 0..source.below(4) {
            let chunk_stream = 3 + u32::from(source.u16()) % 65_597;
            let mut message = message(source, chunk_stream);
            message.kind = KINDS[usize::from(message.kind) % KINDS.len()];
            let free = open
                .iter()
                .all(|(found, _)| found.chunk_stream != chunk_stream);
            // What is written after the chunk size is cut to it, so that comes first.
            if free
                && open
                    .first()
                    .is_none_or(|(found, _)| found.chunk_stream != 2)
            {
                open.push((Found::from(&message), muxer.write(&message).peekable()));
            }
        }
        let mut turn = usize::from(source.u8());
        while !open.is_empty() {
            turn = (turn + 1) % open.len();
            let (_, chunks) = &mut open[turn];
            if let Some(mut transmit) = chunks.next() {
                wire.extend(transmit.copy_to_bytes(transmit.remaining()));
            }
            if chunks.peek().is_none() {
                written.push(open.remove(turn).0);
            }
        }
    }
    (wire, written)
}
