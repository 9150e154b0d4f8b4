//! Bytes to messages.

mod body;
mod short;
mod trace;

pub use trace::{ChunkHeader, Dialect};

use super::Message;
use super::header::Header;
use super::slots::{Clocks, Slots};
use crate::transmit::HEAD_MAX;
use crate::{Error, Limits};
use alloc::vec::Vec;
use core::mem;

/// Chunk size before the peer sets one (RTMP 1.0, 5.4.1).
pub(super) const CHUNK_SIZE: u32 = 128;
/// No message is longer, so neither is any chunk (RTMP 1.0, 5.4.1).
pub(super) const CHUNK_SIZE_MAX: u32 = 0x00FF_FFFF;
/// Bytes reserved for a message of a peer that has not shown anything yet.
const FIRST_CAPACITY: usize = 4 << 10;
/// The same for a peer whose publication was accepted.
const FIRST_CAPACITY_LIVE: usize = 64 << 10;

/// Turns bytes into messages.
///
/// It keeps no input: a header that is cut off waits in 18 bytes, and the body's bytes go straight into
/// the message. Any partition of the input, down to single bytes, gives the same events and the same
/// error at the same offset.
#[derive(Debug)]
pub struct Demuxer {
    limits: Limits,
    slots: Slots,
    clocks: Clocks,
    state: State,
    /// A header that is cut off.
    stage: [u8; HEAD_MAX],
    staged: usize,
    /// Bytes taken for an extended timestamp that turned out to be something else.
    again: [u8; 4],
    again_len: usize,
    /// What was found beside messages, and not yet given out.
    found: Option<Event>,
    /// The slot that the chunk at hand belongs to.
    current: usize,
    /// Bytes that the chunk at hand still has.
    chunk_left: usize,
    chunk_size: u32,
    dialect: Dialect,
    publishing: bool,
    /// Whether each chunk header is told.
    tracing: bool,
    /// The header of the chunk at hand, to be given out once its extended timestamp is known.
    traced: Option<ChunkHeader>,
    /// Messages in progress.
    live: u16,
    /// Bytes that came of the messages in progress.
    buffered: usize,
    /// Bytes reserved for the messages in progress.
    reserved: usize,
    /// Bytes that came in chunks below the smallest size.
    small_bytes: u64,
    /// Bytes taken since the start of the connection.
    offset: u64,
    /// Messages shorter than this may go the short way: 0 while nothing may.
    short_end: u32,
}

/// What the demuxer found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A message that was in progress was dropped: the peer aborted it, or began another one.
    #[non_exhaustive]
    Abandoned {
        /// Its chunk stream.
        chunk_stream: u32,
        /// Its bytes that had come.
        received: u32,
    },
    /// A chunk header; given only while [`Demuxer::trace`] is on, before what it brings.
    Chunk(ChunkHeader),
    /// A chunk stream began with a header that leaves out what no earlier header said; the missing
    /// fields are 0.
    #[non_exhaustive]
    FreshHeader {
        /// The chunk stream.
        chunk_stream: u32,
        /// The format of the header: 1, 2 or 3.
        format: u8,
    },
    /// A message is complete.
    Message(Message),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Body,
    /// The message at hand is whole, and waits in its slot.
    Complete,
    /// A continuation on a chunk stream with extended timestamps: so many bytes equal its own.
    Extended(usize),
    Header,
}

/// How one step ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Again,
    /// The message at hand is whole: `take_message` makes it where it goes, since moving it through
    /// each return costs more than reading a short message.
    Complete,
    /// There is something in `traced` or `found`.
    Found,
    /// All is taken.
    Starved,
}

impl Demuxer {
    /// Makes a demuxer for the bytes that follow the handshake.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            slots: Slots::new(),
            clocks: Clocks::new(),
            state: State::Header,
            stage: [0; HEAD_MAX],
            staged: 0,
            again: [0; 4],
            again_len: 0,
            found: None,
            current: 0,
            chunk_left: 0,
            chunk_size: CHUNK_SIZE,
            dialect: Dialect::NEW,
            publishing: false,
            tracing: false,
            traced: None,
            live: 0,
            buffered: 0,
            reserved: 0,
            small_bytes: 0,
            offset: 0,
            short_end: 0,
        }
    }

    /// Takes from the front of `input` until something is found or `input` is empty.
    ///
    /// # Errors
    /// A broken chunk layer or a breached cap; the connection cannot go on.
    pub fn next_event(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        if let Some(short) = self.short_message(input) {
            return Ok(Some(Event::Message(short.message())));
        }
        loop {
            match self.advance(input)? {
                Step::Complete if self.obey()? => {}
                Step::Complete => return Ok(Some(Event::Message(self.take_message()))),
                step => {
                    self.open_short();
                    let found = || {
                        self.traced
                            .take()
                            .map(Event::Chunk)
                            .or_else(|| self.found.take())
                    };
                    return Ok((step == Step::Found).then(found).flatten());
                }
            }
        }
    }

    /// Takes from the front of `input` until a message is complete or `input` is empty, and leaves
    /// out all other events.
    ///
    /// # Errors
    /// A broken chunk layer or a breached cap; the connection cannot go on.
    pub fn next_message(&mut self, input: &mut &[u8]) -> Result<Option<Message>, Error> {
        if let Some(short) = self.short_message(input) {
            return Ok(Some(short.message()));
        }
        loop {
            match self.advance(input)? {
                Step::Complete if self.obey()? => {}
                Step::Complete => return Ok(Some(self.take_message())),
                Step::Starved => {
                    self.open_short();
                    return Ok(None);
                }
                _ => (self.traced, self.found) = (None, None),
            }
        }
    }

    /// Says whether a publication is accepted, which raises the caps to those of a live stream.
    pub fn set_publishing(&mut self, publishing: bool) {
        self.publishing = publishing;
        self.open_short();
    }

    /// Returns how many bytes were taken since the start of the connection.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Sets how many bytes came before, so that errors count from the start of the connection.
    pub(crate) const fn start_at(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// Returns whether an event waits that was found together with the one before.
    pub(crate) fn has_pending(&self) -> bool {
        self.has_traced() || self.found.is_some() || self.state == State::Complete
    }

    /// Goes on until there is something to give out, or the input ends.
    fn advance(&mut self, input: &mut &[u8]) -> Result<Step, Error> {
        loop {
            if self.has_traced() || self.found.is_some() {
                return Ok(Step::Found);
            }
            let step = if self.again_len == 0 {
                self.step(input)?
            } else {
                self.step_again()?
            };
            if step != Step::Again {
                return Ok(step);
            }
        }
    }

    /// Takes the bytes that were given back before those of the input.
    fn step_again(&mut self) -> Result<Step, Error> {
        let again = self.again;
        let mut rest = again.get(..mem::take(&mut self.again_len)).unwrap_or(&[]);
        let step = self.step(&mut rest)?;
        // The dialect is known by now, so that no step gives bytes back again.
        self.again_len = rest.len();
        for (to, from) in self.again.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(if step == Step::Starved {
            Step::Again
        } else {
            step
        })
    }

    fn step(&mut self, input: &mut &[u8]) -> Result<Step, Error> {
        match self.state {
            State::Complete => Ok(Step::Complete),
            _ if input.is_empty() => Ok(Step::Starved),
            State::Body => self.body(input),
            State::Extended(matched) => Ok(self.extended(matched, input)),
            State::Header => self.header(input),
        }
    }

    /// Reads a header, from the input if it is all there, by way of the stage otherwise.
    fn header(&mut self, input: &mut &[u8]) -> Result<Step, Error> {
        loop {
            let bytes = if self.staged == 0 {
                *input
            } else {
                self.stage.get(..self.staged).unwrap_or(&[])
            };
            let found = Header::read(bytes, |chunk_stream| self.extended_3(chunk_stream));
            match found {
                Ok(header) => {
                    if self.staged == 0 {
                        skip(input, header.len);
                    }
                    self.staged = 0;
                    self.offset += header.len as u64;
                    return self.apply(&header);
                }
                Err(needed) => {
                    if input.is_empty() {
                        return Ok(Step::Starved);
                    }
                    let count = (needed - self.staged).min(input.len());
                    let (taken, rest) = input.split_at(count);
                    for (to, from) in self.stage.iter_mut().skip(self.staged).zip(taken) {
                        *to = *from;
                    }
                    self.staged += count;
                    *input = rest;
                }
            }
        }
    }

    /// Returns whether a header of format 3 that begins a message has an extended timestamp.
    fn extended_3(&self, chunk_stream: u32) -> bool {
        let slot = self
            .slots
            .find(chunk_stream)
            .map(|index| self.slots.get(index));
        slot.is_some_and(|slot| slot.extended && !slot.live && !self.dialect.extended_absent)
    }

    /// Begins or continues a message.
    fn apply(&mut self, header: &Header) -> Result<Step, Error> {
        let at = self.offset - header.len as u64;
        let chunk_stream = header.chunk_stream;
        let found = self.slots.find(chunk_stream);
        let (index, fresh) = match found.or_else(|| self.short_continuation(header)) {
            Some(index) => (index, false),
            None => {
                let limit = self.limits.chunk_streams_remembered;
                if self.slots.len() >= usize::from(limit) {
                    return Err(Error::ChunkStreams {
                        at,
                        chunk_stream,
                        limit,
                    });
                }
                (self.slots.add(chunk_stream), true)
            }
        };
        self.dialect.short_continuation |= found.is_none() && !fresh;
        self.current = index;
        if fresh && header.format > 0 {
            self.found = Some(Event::FreshHeader {
                chunk_stream,
                format: header.format,
            });
        }
        let begins = header.format < 3 || !self.slots.get(index).live;
        if begins {
            self.abandon(index);
            self.begin(header, at)?;
        }
        let slot = self.slots.get(index);
        let left = slot.length as usize - slot.body.len();
        let extended = header.format == 3 && slot.extended && !header.extended;
        self.chunk_left = left.min(self.chunk_size as usize);
        if self.chunk_size < self.limits.chunk_size_min {
            self.small_bytes += (header.len + self.chunk_left) as u64;
            if self.small_bytes > u64::from(self.limits.chunk_grace_bytes) {
                let (size, limit) = (self.chunk_size, self.limits.chunk_grace_bytes);
                return Err(Error::ChunkSizeSmall {
                    at,
                    chunk_stream,
                    size,
                    limit,
                });
            }
        }
        if self.tracing {
            self.record(header, at, !begins);
        }
        self.state = if left == 0 {
            self.complete()
        } else if extended && !self.dialect.extended_absent {
            State::Extended(0)
        } else {
            State::Body
        };
        Ok(Step::Again)
    }

    /// Takes what a header says into its slot.
    fn begin(&mut self, header: &Header, at: u64) -> Result<(), Error> {
        let limit = self.limits.chunk_streams_live;
        if self.live >= limit {
            return Err(Error::ChunkStreams {
                at,
                chunk_stream: header.chunk_stream,
                limit,
            });
        }
        let (publishing, reserved) = (self.publishing, self.reserved);
        let slot = self.slots.get_mut(self.current);
        slot.begin(header);
        slot.live = true;
        self.live += 1;
        self.dialect.interleaved |= self.live > 1;
        self.dialect.negative_delta |= header.extended
            && matches!(header.format, 1 | 2)
            && header.time > i32::MAX.unsigned_abs();
        // Little is reserved for a length that is merely declared: a floor, or as much as this chunk stream
        // has already carried, within what all messages in progress may take.
        let floor = if publishing {
            FIRST_CAPACITY_LIVE
        } else {
            FIRST_CAPACITY
        };
        let mut capacity = floor.max(slot.largest as usize);
        if reserved + capacity > body::reassembly_limit(&self.limits, publishing) {
            capacity = FIRST_CAPACITY;
        }
        slot.body = Vec::with_capacity(capacity.min(slot.length as usize));
        self.reserved += slot.body.capacity();
        Ok(())
    }

    /// Compares the next byte with the extended timestamp of the chunk stream.
    ///
    /// Some encoders repeat it in continuations and some do not. Four equal bytes are a timestamp; at
    /// the first difference the equal ones were payload, and perhaps the next header.
    fn extended(&mut self, matched: usize, input: &mut &[u8]) -> Step {
        let expected = self.slots.get(self.current).delta.to_be_bytes();
        let (next, found) = (expected.get(matched), input.first());
        if next == found {
            skip(input, 1);
            self.offset += 1;
            self.state = State::Extended(matched + 1);
            if matched == 3 {
                self.state = State::Body;
                self.dialect.extended_repeated = true;
                self.record_extended(u32::from_be_bytes(expected));
            }
        } else {
            self.dialect.extended_absent = true;
            self.again = expected;
            self.again_len = matched;
            self.offset -= matched as u64;
            self.state = State::Body;
        }
        Step::Again
    }
}

fn skip(input: &mut &[u8], count: usize) {
    *input = input.get(count..).unwrap_or(&[]);
}
