//! What is remembered of each chunk stream.

use super::header::Header;
use alloc::vec::Vec;

/// Chunk streams below this have a one-byte header and an entry of their own in the index.
const NEAR: usize = 64;
/// Pairs of message stream and type whose clock is kept; an encoder has three.
const CLOCKS_MAX: usize = 64;

/// One chunk stream: its last header, and the message in progress.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) chunk_stream: u32,
    pub(super) timestamp: u32,
    /// What a header of format 3 that begins a message adds to the timestamp: the timestamp field of the last header
    /// that had one, or its extended one, as it stood on the wire.
    pub(super) delta: u32,
    /// Whether the last header had an extended timestamp.
    pub(super) extended: bool,
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) message_stream: u32,
    /// Whether a message is in progress.
    pub(super) live: bool,
    /// Bytes of the longest message that came to its end here.
    pub(super) largest: u32,
    /// What has come of the message in progress.
    pub(super) body: Vec<u8>,
}

impl Slot {
    /// Takes in what the header of a new message says.
    #[inline(always)]
    pub(super) fn begin(&mut self, header: &Header) {
        if header.format == 0 {
            self.message_stream = header.message_stream;
            self.timestamp = 0;
        }
        if header.format < 2 {
            self.length = header.length;
            self.kind = header.kind;
        }
        if header.format < 3 {
            self.extended = header.extended;
        }
        if header.format < 3 || header.extended {
            // After format 0 the difference equals its timestamp (RTMP 1.0, 5.3.1.2.4). A fresh
            // value in format 3 wins: FFmpeg compares only 24 bits when it picks the format.
            self.delta = header.time;
        }
        self.timestamp = self.timestamp.wrapping_add(self.delta);
    }
}

/// The chunk streams of a connection: few slots, found at once by the ids that encoders use.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    /// Index plus one, by chunk stream id; 0 is none.
    near: [u16; NEAR],
    /// Chunk stream id and index, sorted.
    far: Vec<(u32, u16)>,
}

impl Slots {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            near: [0; NEAR],
            far: Vec::new(),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.slots.len()
    }

    #[inline]
    pub(super) fn find(&self, chunk_stream: u32) -> Option<usize> {
        match self.near.get(chunk_stream as usize) {
            Some(index) => usize::from(*index).checked_sub(1),
            None => {
                let place = self
                    .far
                    .binary_search_by_key(&chunk_stream, |(id, _)| *id)
                    .ok()?;
                self.far.get(place).map(|(_, index)| usize::from(*index))
            }
        }
    }

    /// Adds a slot; the caller has looked that there is none and that there is room for it.
    pub(super) fn add(&mut self, chunk_stream: u32) -> usize {
        let index = self.slots.len();
        let short = u16::try_from(index).unwrap_or(u16::MAX);
        self.slots.push(Slot {
            chunk_stream,
            ..Slot::default()
        });
        match self.near.get_mut(chunk_stream as usize) {
            Some(entry) => *entry = short.saturating_add(1),
            None => {
                let place = self.far.partition_point(|(id, _)| *id < chunk_stream);
                self.far.insert(place, (chunk_stream, short));
            }
        }
        index
    }

    /// Returns the slot that was used last, if any was.
    pub(super) fn last(&self, index: usize) -> Option<&Slot> {
        self.slots.get(index)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "an index comes from `find` or `add`, and slots stay"
    )]
    #[inline]
    pub(super) fn get(&self, index: usize) -> &Slot {
        &self.slots[index]
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "an index comes from `find` or `add`, and slots stay"
    )]
    #[inline]
    pub(super) fn get_mut(&mut self, index: usize) -> &mut Slot {
        &mut self.slots[index]
    }
}

/// Unwraps 32-bit timestamps, one clock for each message stream and type (RFC 1982).
#[derive(Debug)]
pub(crate) struct Clocks {
    clocks: Vec<Clock>,
    /// The clock that was used last.
    recent: usize,
    /// The clock to give up when there are too many.
    victim: usize,
}

#[derive(Debug)]
struct Clock {
    message_stream: u32,
    kind: u8,
    /// May fall below zero, when a stream steps back from its first timestamps.
    latest_ms: i64,
}

impl Clock {
    const fn is_of(&self, message_stream: u32, kind: u8) -> bool {
        self.message_stream == message_stream && self.kind == kind
    }

    /// Goes to the nearest time that has these low 32 bits.
    #[inline(always)]
    fn advance(&mut self, timestamp: u32) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_possible_wrap,
            reason = "serial number arithmetic is about the low 32 bits"
        )]
        let step = timestamp.wrapping_sub(self.latest_ms as u32) as i32;
        // A peer may step on by half the range in each message, for ever: at the end of time the clock stands still.
        let latest_ms = self.latest_ms.checked_add(i64::from(step));
        self.latest_ms = latest_ms.unwrap_or(self.latest_ms);
        u64::try_from(self.latest_ms).unwrap_or(0)
    }
}

impl Clocks {
    pub(crate) const fn new() -> Self {
        Self {
            clocks: Vec::new(),
            recent: 0,
            victim: 0,
        }
    }

    /// Returns the timestamp nearest to the one before that has these low 32 bits.
    #[inline(always)]
    pub(crate) fn unwrap(&mut self, message_stream: u32, kind: u8, timestamp: u32) -> u64 {
        if let Some(clock) = self.clocks.get_mut(self.recent)
            && clock.is_of(message_stream, kind)
        {
            return clock.advance(timestamp);
        }
        self.unwrap_other(message_stream, kind, timestamp)
    }

    /// The same for a clock that was not used last, or is not there yet.
    fn unwrap_other(&mut self, message_stream: u32, kind: u8, timestamp: u32) -> u64 {
        let mut clocks = self.clocks.iter_mut().enumerate();
        if let Some((index, clock)) = clocks.find(|(_, clock)| clock.is_of(message_stream, kind)) {
            self.recent = index;
            return clock.advance(timestamp);
        }
        self.begin(Clock {
            message_stream,
            kind,
            latest_ms: i64::from(timestamp),
        });
        u64::from(timestamp)
    }

    fn begin(&mut self, clock: Clock) {
        if self.clocks.len() < CLOCKS_MAX {
            self.recent = self.clocks.len();
            self.clocks.push(clock);
            return;
        }
        self.victim = (self.victim + 1) % CLOCKS_MAX;
        self.recent = self.victim;
        if let Some(slot) = self.clocks.get_mut(self.victim) {
            *slot = clock;
        }
    }
}
