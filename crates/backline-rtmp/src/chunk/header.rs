//! Chunk headers (RTMP 1.0, 5.3.1), read and written.

use crate::transmit::HEAD_MAX;

/// A timestamp field with this value says that an extended timestamp follows.
pub(super) const EXTENDED: u32 = 0x00FF_FFFF;
/// Length of the message header by format.
const FIELDS_LEN: [usize; 4] = [11, 7, 3, 0];
/// First chunk stream id of the two-byte and of the three-byte form.
const LONG_FORM: u32 = 64;
/// First chunk stream id that needs the three-byte form.
const LONGEST_FORM: u32 = 320;
/// Highest chunk stream id that the wire can say.
pub(super) const CHUNK_STREAM_MAX: u32 = 65_599;

/// One chunk header as it stands on the wire; fields that its format leaves out are 0.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Header {
    pub(super) format: u8,
    pub(super) chunk_stream: u32,
    /// The 24-bit field, or the extended one: absolute in format 0, a difference in 1 and 2.
    pub(super) time: u32,
    /// Whether an extended timestamp stands in the header.
    pub(super) extended: bool,
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) message_stream: u32,
    /// Bytes of all of it.
    pub(super) len: usize,
}

impl Header {
    /// Reads a header from the front of `bytes`, or says how many bytes it takes to know more.
    ///
    /// `extended_3` says whether an extended timestamp follows a header of format 3 on a chunk stream.
    pub(super) fn read(bytes: &[u8], extended_3: impl Fn(u32) -> bool) -> Result<Self, usize> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Err(1);
        };
        let format = first >> 6;
        let (chunk_stream, basic_len) = match (first & 0x3F, rest) {
            (0, [low, ..]) => (LONG_FORM + u32::from(*low), 2),
            (1, [low, high, ..]) => {
                // The one number of the wire, with the message stream id, that is little-endian.
                (LONG_FORM + u32::from(u16::from_le_bytes([*low, *high])), 3)
            }
            (0, _) => return Err(2),
            (1, _) => return Err(3),
            (id, _) => (u32::from(id), 1),
        };
        let fields_len = FIELDS_LEN.get(usize::from(format)).copied().unwrap_or(0);
        let mut len = basic_len + fields_len;
        let Some(fields) = bytes.get(basic_len..len) else {
            return Err(len);
        };
        let mut header = Self {
            format,
            chunk_stream,
            ..Self::default()
        };
        if let [a, b, c, rest @ ..] = fields {
            header.time = u32::from_be_bytes([0, *a, *b, *c]);
            header.extended = header.time == EXTENDED;
            if let [a, b, c, kind, rest @ ..] = rest {
                header.length = u32::from_be_bytes([0, *a, *b, *c]);
                header.kind = *kind;
                if let [a, b, c, d] = rest {
                    header.message_stream = u32::from_le_bytes([*a, *b, *c, *d]);
                }
            }
        } else {
            header.extended = extended_3(chunk_stream);
        }
        if header.extended {
            let at = len;
            len += 4;
            let Some([a, b, c, d]) = bytes.get(at..len) else {
                return Err(len);
            };
            header.time = u32::from_be_bytes([*a, *b, *c, *d]);
        }
        header.len = len;
        Ok(header)
    }

    /// Reads a header that says the length of a message and is of the usual form: format 0 or 1, a one-byte chunk
    /// stream id, no extended timestamp. What [`read`](Self::read) says of such a header is the same.
    #[inline]
    pub(super) fn read_plain(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk()?;
        // All fields at once: one byte of format and id, three of time, three of length, one of type.
        let fields = u64::from_be_bytes(*head);
        let [first, kind] = [fields >> 56, fields].map(|byte| byte.to_be_bytes()[7]);
        let [time, length] = [fields >> 32, fields >> 8].map(low_24);
        let (format, id) = (first >> 6, first & 0x3F);
        if format > 1 || id < 2 || time == EXTENDED {
            return None;
        }
        let (message_stream, len) = match format {
            0 => (u32::from_le_bytes(*rest.first_chunk()?), 12),
            _ => (0, 8),
        };
        Some(Self {
            format,
            chunk_stream: u32::from(id),
            time,
            extended: false,
            length,
            kind,
            message_stream,
            len,
        })
    }

    /// Writes the header; returns how many bytes of the buffer it takes.
    pub(super) fn write(&self, out: &mut [u8; HEAD_MAX]) -> u8 {
        let mut bytes = Writer { out, len: 0 };
        let id = self.chunk_stream;
        let format = self.format << 6;
        let [.., high, low] = id.saturating_sub(LONG_FORM).to_be_bytes();
        if id < LONG_FORM {
            bytes.put(&[format | id.to_be_bytes()[3]]);
        } else if id < LONGEST_FORM {
            bytes.put(&[format, low]);
        } else {
            bytes.put(&[format | 1, low, high]);
        }
        let [_, time @ ..] = if self.extended { EXTENDED } else { self.time }.to_be_bytes();
        let [_, length @ ..] = self.length.to_be_bytes();
        if self.format < 3 {
            bytes.put(&time);
        }
        if self.format < 2 {
            bytes.put(&length);
            bytes.put(&[self.kind]);
        }
        if self.format < 1 {
            bytes.put(&self.message_stream.to_le_bytes());
        }
        if self.extended {
            bytes.put(&self.time.to_be_bytes());
        }
        // At most 18.
        u8::try_from(bytes.len).unwrap_or(0)
    }
}

struct Writer<'a> {
    out: &'a mut [u8; HEAD_MAX],
    len: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        for (to, from) in self.out.iter_mut().skip(self.len).zip(bytes) {
            *to = *from;
        }
        self.len += bytes.len();
    }
}

const fn low_24(fields: u64) -> u32 {
    let [.., a, b, c] = fields.to_be_bytes();
    u32::from_be_bytes([0, a, b, c])
}
