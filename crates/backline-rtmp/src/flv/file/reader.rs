//! Bytes of a file to packets.

use super::{
    BACK_POINTER_LEN, FILTER, HAS_AUDIO, HAS_VIDEO, HEADER_LEN, SIGNATURE, TAG_HEADER_LEN,
    TAG_TYPE, tag_len,
};
use crate::chunk::{Clocks, Message};
use crate::flv::{Packet, Tracks};
use crate::{Error, Limits};
use alloc::vec::Vec;
use bytes::Bytes;
use core::mem;

/// Types of the tags that are read.
const KNOWN: [u8; 4] = [
    Message::AUDIO,
    Message::VIDEO,
    Message::DATA,
    Message::DATA_AMF3,
];
/// Bytes reserved for a body whose tag has declared more.
const FIRST_CAPACITY: usize = 64 << 10;

/// Turns the bytes of an FLV file, or of a growing one, into packets.
///
/// It keeps no input: a header that is cut off waits in 11 bytes, and a body's bytes go straight into the packet. Any
/// partition of the input gives the same events. What is odd costs the tag that it is in, never the file. A tag is
/// handed out when its back pointer is there, since a body alone may be what a power cut left of it: a file system
/// fills up with zeros.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    clocks: Clocks,
    state: State,
    stage: [u8; TAG_HEADER_LEN],
    staged: usize,
    body: Vec<u8>,
    /// A body that waits for its back pointer, and its offset.
    held: Option<(u64, Bytes)>,
    tag: Tag,
    /// Packets of a tag with several tracks.
    more: Option<Tracks<Packet>>,
    offset: u64,
    whole_len: u64,
    /// Whether the writer leaves back pointers at zero, as far as it has shown.
    without_pointers: bool,
}

/// What a reader found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A back pointer does not say the length of the tag before it, which follows; some writers get it wrong.
    #[non_exhaustive]
    BackPointer {
        /// Offset of the pointer.
        at: u64,
        /// The length of the tag.
        expected: u32,
        /// What the pointer says.
        found: u32,
    },
    /// The file header.
    Header(Header),
    /// A body that cannot be read.
    #[non_exhaustive]
    Malformed {
        /// Offset of the body.
        at: u64,
        /// Type of the tag.
        kind: u8,
        /// Milliseconds, unwrapped.
        timestamp_ms: u64,
        /// The body.
        raw: Bytes,
        /// What is wrong with it.
        error: Error,
    },
    /// A tag that is encrypted, or of an unknown type.
    #[non_exhaustive]
    Opaque {
        /// Type of the tag.
        kind: u8,
        /// Whether it is encrypted.
        filtered: bool,
        /// Milliseconds, unwrapped.
        timestamp_ms: u64,
        /// The body.
        data: Bytes,
    },
    /// A piece of the recording.
    Packet(Packet),
    /// A tag longer than `Limits::message_bytes`, which was skipped.
    #[non_exhaustive]
    TooLong {
        /// Offset of its body.
        at: u64,
        /// Its length in bytes.
        length: u32,
    },
    /// The file ends in zeros, as file systems leave them after a power cut. A tag that they tore is no event, and
    /// whatever follows is ignored.
    #[non_exhaustive]
    ZeroTail {
        /// Offset up to which the file is whole.
        at: u64,
    },
}

/// The header of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// Version, 1 in every file that is known.
    pub version: u8,
    /// Whether the file says that it has sound; many live writers set both flags and mean neither.
    pub audio: bool,
    /// Whether the file says that it has pictures.
    pub video: bool,
}

/// The tag at hand.
#[derive(Clone, Copy, Debug, Default)]
struct Tag {
    kind: u8,
    filtered: bool,
    length: u32,
    timestamp: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Header,
    /// So many bytes are of no interest; then a back pointer comes.
    Skip(u64),
    /// A back pointer that should say so much.
    BackPointer(u32),
    /// The back pointer was this one, which zeros may have torn: what comes next decides.
    Doubt(u32),
    /// The tag at hand is whole.
    Whole,
    Tag,
    Body,
    Ended,
}

impl Reader {
    /// Makes a reader of a file from its first byte on.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            clocks: Clocks::new(),
            state: State::Header,
            stage: [0; TAG_HEADER_LEN],
            staged: 0,
            body: Vec::new(),
            held: None,
            tag: Tag {
                kind: 0,
                filtered: false,
                length: 0,
                timestamp: 0,
            },
            more: None,
            offset: 0,
            whole_len: 0,
            without_pointers: false,
        }
    }

    /// Takes from the front of `input` until something is found or `input` is empty.
    ///
    /// # Errors
    /// [`Error::FlvHeader`] if this is no FLV file.
    pub fn next_event(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        loop {
            if let Some(packet) = self.more.as_mut().and_then(Iterator::next) {
                return Ok(Some(Event::Packet(packet)));
            }
            self.more = None;
            if self.state == State::Whole {
                self.state = State::Tag;
                match self.complete() {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            }
            // A header that decided about the tag before it is in the stage as a whole.
            if input.is_empty() && self.staged < TAG_HEADER_LEN {
                return Ok(None);
            }
            let event = match self.state {
                State::Header => match self.staged::<HEADER_LEN>(input) {
                    Some(bytes) => Some(Event::Header(self.header(bytes)?)),
                    None => None,
                },
                State::Skip(count) => {
                    self.skip(count, input);
                    None
                }
                State::BackPointer(expected) => self
                    .staged::<BACK_POINTER_LEN>(input)
                    .and_then(|bytes| self.back_pointer(expected, bytes)),
                State::Doubt(found) => self
                    .staged::<TAG_HEADER_LEN>(input)
                    .map(|bytes| self.decide(found, bytes)),
                State::Tag => self
                    .staged::<TAG_HEADER_LEN>(input)
                    .and_then(|bytes| self.tag(bytes)),
                State::Body => {
                    self.fill(input);
                    None
                }
                State::Ended => {
                    self.take(input.len(), input);
                    None
                }
                State::Whole => None,
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Returns up to which byte the file is whole: the end of the last tag whose back pointer is there, and not torn
    /// by zeros. A recorder cuts the file here before it goes on; at 0, not even the header is whole, and has to be
    /// written anew.
    ///
    /// Some writers leave all back pointers at zero, which is what a power cut leaves of a right one. From the second
    /// such tag on, one whose body does not end in a zero counts as whole: no zeros tore that. One that does is handed
    /// out if another tag follows, and a file that ends with it is whole up to the tag before.
    #[must_use]
    pub const fn whole_len(&self) -> u64 {
        self.whole_len
    }

    /// Returns whether the file ends with a whole tag, as far as it was read.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.whole_len == self.offset
    }

    /// Takes bytes until there are `N`, by way of the stage where they come in pieces.
    fn staged<const N: usize>(&mut self, input: &mut &[u8]) -> Option<[u8; N]> {
        let taken = self.take(N.saturating_sub(self.staged), input);
        for (to, from) in self.stage.iter_mut().skip(self.staged).zip(taken) {
            *to = *from;
        }
        self.staged = self.staged.saturating_add(taken.len());
        let bytes = *self.stage.first_chunk()?;
        (self.staged == N).then(|| {
            self.staged = 0;
            bytes
        })
    }

    fn take<'a>(&mut self, count: usize, input: &mut &'a [u8]) -> &'a [u8] {
        let (taken, rest) = input.split_at(count.min(input.len()));
        *input = rest;
        self.offset = self.offset.saturating_add(taken.len() as u64);
        taken
    }

    fn skip(&mut self, count: u64, input: &mut &[u8]) {
        let taken = self.take(usize::try_from(count).unwrap_or(usize::MAX), input);
        let left = count.saturating_sub(taken.len() as u64);
        self.state = match left {
            0 if self.whole_len == 0 => State::BackPointer(0),
            0 => State::BackPointer(tag_len(self.tag.length)),
            left => State::Skip(left),
        };
    }

    fn header(&mut self, bytes: [u8; HEADER_LEN]) -> Result<Header, Error> {
        let [a, b, c, version, flags, offset @ ..] = bytes;
        // A file of another kind has no tags to look for.
        self.state = State::Ended;
        if [a, b, c] != SIGNATURE {
            return Err(Error::FlvHeader { at: 0 });
        }
        let begin = u64::from(u32::from_be_bytes(offset));
        let Some(more) = begin.checked_sub(HEADER_LEN as u64) else {
            return Err(Error::FlvHeader { at: 5 });
        };
        self.state = match more {
            0 => State::BackPointer(0),
            more => State::Skip(more),
        };
        Ok(Header {
            version,
            audio: flags & HAS_AUDIO != 0,
            video: flags & HAS_VIDEO != 0,
        })
    }

    fn back_pointer(&mut self, expected: u32, bytes: [u8; BACK_POINTER_LEN]) -> Option<Event> {
        let found = u32::from_be_bytes(bytes);
        self.state = State::Whole;
        if found == expected {
            // The header's own is zero in any file.
            self.without_pointers &= expected == 0;
            self.whole_len = self.offset;
            return None;
        }
        if found == 0 && self.without_pointers && self.ends_in_data() {
            self.whole_len = self.offset;
            return Some(self.wrong_pointer(self.offset, expected, found));
        }
        // Zeros from the first byte on that is wrong: the tag may be torn.
        let same = expected.to_be_bytes().into_iter().zip(bytes);
        if same
            .skip_while(|(right, byte)| right == byte)
            .all(|(_, byte)| byte == 0)
        {
            self.state = State::Doubt(found);
            return None;
        }
        self.whole_len = self.offset;
        Some(self.wrong_pointer(self.offset, expected, found))
    }

    /// Tells from the next header whether zeros tore the tag at hand, or its writer got the back pointer wrong.
    fn decide(&mut self, found: u32, header: [u8; TAG_HEADER_LEN]) -> Event {
        if header == [0; TAG_HEADER_LEN] {
            return self.zero_tail();
        }
        self.without_pointers |= found == 0;
        // That header is read again, behind the tag that it has saved.
        self.staged = TAG_HEADER_LEN;
        self.state = State::Whole;
        let end = self.offset.saturating_sub(TAG_HEADER_LEN as u64);
        self.wrong_pointer(end, tag_len(self.tag.length), found)
    }

    /// Returns whether the body at hand ends in something else than a zero.
    fn ends_in_data(&self) -> bool {
        let body = self.held.as_ref().map(|(_, body)| body);
        body.and_then(|body| body.last())
            .is_some_and(|last| *last != 0)
    }

    const fn wrong_pointer(&self, end: u64, expected: u32, found: u32) -> Event {
        let at = end.saturating_sub(BACK_POINTER_LEN as u64);
        Event::BackPointer {
            at,
            expected,
            found,
        }
    }

    fn zero_tail(&mut self) -> Event {
        self.state = State::Ended;
        self.held = None;
        Event::ZeroTail { at: self.whole_len }
    }

    fn tag(&mut self, bytes: [u8; TAG_HEADER_LEN]) -> Option<Event> {
        if bytes == [0; TAG_HEADER_LEN] {
            return Some(self.zero_tail());
        }
        let [first, l0, l1, l2, t0, t1, t2, high, _, _, _] = bytes;
        self.tag = Tag {
            kind: first & TAG_TYPE,
            filtered: first & FILTER != 0,
            length: u32::from_be_bytes([0, l0, l1, l2]),
            timestamp: u32::from_be_bytes([high, t0, t1, t2]),
        };
        let length = self.tag.length;
        if length > self.limits.message_bytes {
            self.state = State::Skip(length.into());
            let at = self.offset;
            return Some(Event::TooLong { at, length });
        }
        self.state = State::Body;
        self.body = Vec::with_capacity((length as usize).min(FIRST_CAPACITY));
        // A body without bytes is there already.
        self.fill(&mut &[][..]);
        None
    }

    fn fill(&mut self, input: &mut &[u8]) {
        let length = self.tag.length;
        let missing = (length as usize).saturating_sub(self.body.len());
        let taken = self.take(missing, input);
        self.body.extend_from_slice(taken);
        if taken.len() == missing {
            let at = self.offset.saturating_sub(length.into());
            self.held = Some((at, Bytes::from(mem::take(&mut self.body))));
            self.state = State::BackPointer(tag_len(length));
        }
    }

    /// Hands out the tag at hand; none where nothing was held of it.
    fn complete(&mut self) -> Option<Event> {
        let (at, data) = self.held.take()?;
        let Tag {
            kind,
            filtered,
            timestamp,
            ..
        } = self.tag;
        let timestamp_ms = self.clocks.unwrap(0, kind, timestamp);
        if filtered || !KNOWN.contains(&kind) {
            return Some(Event::Opaque {
                kind,
                filtered,
                timestamp_ms,
                data,
            });
        }
        let message = Message::new(0, 0, kind, timestamp_ms, data);
        match Packet::decode(message, &self.limits) {
            Ok(packets) => {
                self.more = Some(packets);
                None
            }
            Err((raw, error)) => Some(Event::Malformed {
                at,
                kind,
                timestamp_ms,
                raw,
                error,
            }),
        }
    }
}
