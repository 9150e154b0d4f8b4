//! Where the foreign readers go their own ways.

use super::peers::Who;
use backline_rtmp::Error;
use backline_rtmp::chunk::ChunkHeader;
use std::collections::BTreeMap;

/// The 24-bit timestamp field that stands for an extended one.
const EXTENDED: u32 = 0x00FF_FFFF;

/// A difference with a name.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Known {
    /// `shiguredo_rtmp` forgets a chunk stream whose message is aborted, and refuses a shorter header after that; ours
    /// and `librtmp2` keep its header (RTMP-15).
    AbortForgets,
    /// Ours stays at 0 where a stream steps back below its first timestamps; the peers give the 32 bits of the wire.
    BelowZero,
    /// `librtmp2` takes no chunk size below 128 and `shiguredo_rtmp` none above 65 536; ours takes all that the wire
    /// can say (Q16).
    ChunkSize,
    /// Neither peer knows encoders that leave the extended timestamp out of continuations: they take payload for it
    /// (Q01).
    ExtendedAbsent,
    /// `librtmp2` adds the difference before when a message that begins with format 3 brings another extended
    /// timestamp; ours and `shiguredo_rtmp` take the fresh one (Q05).
    ExtendedStale,
    /// `librtmp2` refuses a chunk stream that begins with format 2 or 3, and `shiguredo_rtmp` one that does not begin
    /// with format 0; ours takes what is missing for 0 (RTMP-12).
    FreshFormat,
    /// `shiguredo_rtmp` refuses messages of types that it does not know (RTMP-19).
    MessageType,
    /// A cap of ours was reached, or the chunk size was set to 0 or above 2^31, which ours refuses.
    OurLimit,
    /// `shiguredo_rtmp` keeps the bytes of a message in progress when another one begins in its place (RTMP-13).
    PartialKept,
    /// `librtmp2` refuses format 2 while a message is in progress (RTMP-13).
    PartialRefused,
    /// The peer panicked.
    PeerPanicked,
    /// Neither peer knows FFmpeg's continuations of one byte on chunk streams of 66 and more (Q20).
    ShortContinuation,
}

impl Known {
    /// Names the reason why ours stopped.
    pub(super) fn of_ours(error: &Error) -> Self {
        match error {
            Error::ChunkSize { .. }
            | Error::ChunkSizeSmall { .. }
            | Error::ChunkStreams { .. }
            | Error::MessageLength { .. }
            | Error::Reassembly { .. } => Self::OurLimit,
            other => panic!("the chunk layer has no {other:?}"),
        }
    }
}

/// What a peer does at a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// It gives the message another timestamp.
    Clock(Known),
    /// It reads something else from here on.
    Parts(Known),
    /// It gives up.
    Refuses(Known),
}

/// What a peer knows of a chunk stream.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// What format 3 adds.
    delta: u32,
    /// Whether the last header of format 0 to 2 had an extended timestamp.
    extended: bool,
    /// Whether it was forgotten by an abort.
    forgotten: bool,
    length: u32,
    received: u32,
    timestamp: u32,
}

impl Stream {
    const fn is_partial(&self) -> bool {
        self.received > 0 && self.received < self.length
    }
}

/// Follows the headers and tells beforehand where a peer differs.
#[derive(Debug)]
pub(super) struct Model {
    who: Who,
    streams: BTreeMap<u32, Stream>,
    /// Whether no timestamp was taken another way so far.
    plain: bool,
}

impl Model {
    pub(super) const fn new(who: Who) -> Self {
        Self {
            who,
            streams: BTreeMap::new(),
            plain: true,
        }
    }

    /// The rule by which the peer differs at a chunk, if one says so.
    pub(super) fn rule(&self, header: &ChunkHeader) -> Option<Rule> {
        let long_id = if header.chunk_stream < 64 { 1 } else { 2 };
        let extended_len = if header.extended.is_some() { 4 } else { 0 };
        if header.format == 3 && header.header_len - extended_len < long_id {
            return Some(Rule::Refuses(Known::ShortContinuation));
        }
        let Some(stream) = self.streams.get(&header.chunk_stream) else {
            let first = match self.who {
                Who::LibRtmp2 => header.format > 1,
                Who::Shiguredo => header.format > 0,
            };
            return if first {
                Some(Rule::Refuses(Known::FreshFormat))
            } else {
                self.rule_of_type(header)
            };
        };
        if stream.forgotten && header.format > 0 {
            return Some(Rule::Refuses(Known::AbortForgets));
        }
        if stream.is_partial() && !header.continues {
            match self.who {
                Who::LibRtmp2 if header.format == 2 => {
                    return Some(Rule::Refuses(Known::PartialRefused));
                }
                Who::LibRtmp2 => {}
                Who::Shiguredo => return Some(Rule::Parts(Known::PartialKept)),
            }
        }
        if header.format == 3 && stream.extended {
            match header.extended {
                None => return Some(Rule::Parts(Known::ExtendedAbsent)),
                Some(fresh) => {
                    let stale =
                        self.who == Who::LibRtmp2 && !header.continues && fresh != stream.delta;
                    return stale.then_some(Rule::Clock(Known::ExtendedStale));
                }
            }
        }
        self.rule_of_type(header)
    }

    fn rule_of_type(&self, header: &ChunkHeader) -> Option<Rule> {
        let known = matches!(header.kind, 1..=6 | 8 | 9 | 15 | 17 | 18 | 20);
        (self.who == Who::Shiguredo && header.format < 2 && !known)
            .then_some(Rule::Refuses(Known::MessageType))
    }

    /// Takes in a header as the peer does; returns the timestamp that it gives the message.
    pub(super) fn take(&mut self, header: &ChunkHeader) -> u32 {
        let stream = self.streams.entry(header.chunk_stream).or_default();
        stream.forgotten = false;
        if !header.continues {
            stream.received = 0;
            stream.length = header.length;
            let fresh = header.extended.or(header.timestamp);
            match (header.format, fresh) {
                (0, Some(fresh)) => (stream.timestamp, stream.delta) = (0, fresh),
                (1 | 2, Some(fresh)) => stream.delta = fresh,
                (3, Some(fresh)) if self.who == Who::Shiguredo => stream.delta = fresh,
                (3, Some(fresh)) => self.plain &= fresh == stream.delta,
                _ => {}
            }
            stream.timestamp = stream.timestamp.wrapping_add(stream.delta);
        }
        if header.format < 3 {
            stream.extended = header.timestamp == Some(EXTENDED);
        }
        stream.received += header.payload_len;
        stream.timestamp
    }

    /// Whether the timestamps that the peer gives must be those of ours.
    pub(super) const fn clock_is_ours(&self) -> bool {
        self.plain
    }

    pub(super) fn abort(&mut self, chunk_stream: u32) {
        if let Some(stream) = self.streams.get_mut(&chunk_stream) {
            stream.received = 0;
            stream.forgotten = self.who == Who::Shiguredo;
        }
    }
}
