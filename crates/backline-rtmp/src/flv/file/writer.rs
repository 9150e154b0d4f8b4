//! Packets to bytes of a file.

use super::{HAS_AUDIO, HAS_VIDEO, HEADER_LEN, SIGNATURE, TAG_HEADER_LEN, VERSION, tag_len};
use crate::Error;
use crate::amf0::{self, Value};
use crate::chunk::Message;
use crate::flv::{Head, Media, Packet};
use bytes::Bytes;

/// A tag's body is at most this long: its length has three bytes.
const BODY_LEN_MAX: usize = 0x00FF_FFFF;

/// Turns packets into the tags of an FLV file.
///
/// It only ever appends. Write each tag whole, and call `fsync` as often as what may be lost allows; a tag that a
/// power cut tears is found by [`Reader`](super::Reader).
#[derive(Clone, Debug, Default)]
pub struct Writer {
    /// Where the first packet goes, and what that has to be added to timestamps for.
    resume_ms: Option<u64>,
    shift_ms: i128,
}

/// One tag, in pieces to be written in this order; the payload is shared, not copied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tag {
    header: [u8; TAG_HEADER_LEN],
    head: Head,
    payload: Bytes,
    back_pointer: [u8; 4],
}

impl Writer {
    /// Makes a writer of a new file, which begins with [`header`](Self::header).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a writer that goes on with a file after its last whole tag: the first packet gets the time `at_ms`, the
    /// others keep their distance from it.
    #[must_use]
    pub fn resume(at_ms: u64) -> Self {
        Self {
            resume_ms: Some(at_ms),
            shift_ms: 0,
        }
    }

    /// Returns what a file begins with. A live recording says that it has both sound and pictures, since nobody knows
    /// yet.
    #[must_use]
    pub fn header(audio: bool, video: bool) -> [u8; HEADER_LEN + 4] {
        let [a, b, c] = SIGNATURE;
        let flags = if audio { HAS_AUDIO } else { 0 } | if video { HAS_VIDEO } else { 0 };
        let mut out = [0; HEADER_LEN + 4];
        let front = [a, b, c, VERSION, flags, 0, 0, 0, 9];
        for (to, from) in out.iter_mut().zip(front) {
            *to = from;
        }
        out
    }

    /// Returns the tag of a packet.
    ///
    /// # Errors
    /// [`Error::TagLength`] for a body of 16 MiB or more, which FLV cannot say.
    pub fn write(&mut self, packet: &Packet) -> Result<Tag, Error> {
        let script = |values: &[&Value]| {
            let body = amf0::encode(values.iter().copied());
            (Message::DATA, Head::default(), body)
        };
        let (kind, head, payload) = match &packet.media {
            Media::Audio(audio) => (Message::AUDIO, audio.head(), audio.payload()),
            Media::Video(video) => (Message::VIDEO, video.head(), video.payload()),
            Media::Metadata(value) => script(&[&Value::String("onMetaData".into()), value]),
            Media::Data { name, values } => {
                let name = Value::String(name.clone());
                let all = core::iter::once(&name).chain(values);
                (Message::DATA, Head::default(), amf0::encode(all))
            }
        };
        let length = head.len().saturating_add(payload.len());
        let size = u32::try_from(length).unwrap_or(u32::MAX);
        if length > BODY_LEN_MAX {
            return Err(Error::TagLength { length });
        }
        let [_, l0, l1, l2] = size.to_be_bytes();
        let [high, t0, t1, t2] = self.time(packet.timestamp_ms).to_be_bytes();
        Ok(Tag {
            header: [kind, l0, l1, l2, t0, t1, t2, high, 0, 0, 0],
            head,
            payload,
            back_pointer: tag_len(size).to_be_bytes(),
        })
    }

    /// Returns the time that a packet gets; the file holds the low 32 bits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the file holds the low 32 bits"
    )]
    fn time(&mut self, timestamp_ms: u64) -> u32 {
        if let Some(at_ms) = self.resume_ms.take() {
            self.shift_ms = i128::from(at_ms).saturating_sub(timestamp_ms.into());
        }
        i128::from(timestamp_ms)
            .saturating_add(self.shift_ms)
            .max(0) as u32
    }
}

impl Tag {
    /// Returns the pieces, for a vectored write.
    #[must_use]
    pub fn slices(&self) -> [&[u8]; 4] {
        [&self.header, &self.head, &self.payload, &self.back_pointer]
    }

    /// Returns the bytes of all pieces.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from(self.slices().concat())
    }
}
