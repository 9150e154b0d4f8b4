//! The head of an answer as compact bytes, and back.
//!
//! One byte of version, two of status; then for each field its name and its value. A name is a number: below
//! 64 the place of a well-known one in a list that is only ever added to, above that 64 less than it is the length of a
//! name that follows. Values have their length before them. Numbers are little-endian base 128.

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::Limits;

/// Why a head cannot be written or read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// A name or a value that may not stand in a head.
    #[error("byte {at}: no name or value of a header")]
    Field {
        /// Where it begins.
        at: usize,
    },
    /// More fields than `Limits::head_fields`.
    #[error("more than the {most} header fields allowed")]
    Fields {
        /// The cap.
        most: usize,
    },
    /// Longer than `Limits::head_bytes`.
    #[error("a head of {bytes} bytes, more than the {most} allowed")]
    Large {
        /// Its length, as far as it is known.
        bytes: usize,
        /// The cap.
        most: usize,
    },
    /// It ends within a field.
    #[error("byte {at}: the head ends in the middle of a field")]
    Short {
        /// Where it ends.
        at: usize,
    },
    /// Not a version that is known.
    #[error("version {version} of a head, expected {VERSION}")]
    Version {
        /// What it says.
        version: u8,
    },
}

/// Writes a head.
///
/// # Errors
///
/// [`HeadError::Large`] or [`HeadError::Fields`] beyond [`Limits::head_bytes`] and [`Limits::head_fields`].
pub fn encode(status: u16, headers: &HeaderMap, limits: &Limits) -> Result<Bytes, HeadError> {
    if headers.len() > limits.head_fields {
        return Err(HeadError::Fields {
            most: limits.head_fields,
        });
    }
    let size = headers.iter().fold(3, |sum: usize, (name, value)| {
        sum.saturating_add(FIELD_OVERHEAD)
            .saturating_add(name.as_str().len())
            .saturating_add(value.len())
    });
    let most = limits.head_bytes.min(BYTES_MAX);
    if size > most {
        return Err(HeadError::Large { bytes: size, most });
    }
    let mut out = BytesMut::with_capacity(size);
    out.extend_from_slice(&[VERSION]);
    out.extend_from_slice(&status.to_be_bytes());
    for (name, value) in headers {
        let name = name.as_str();
        if let Some(at) = NAMES.iter().position(|known| *known == name) {
            write_number(&mut out, at);
        } else {
            write_number(&mut out, name.len().saturating_add(NAMES_MAX));
            out.extend_from_slice(name.as_bytes());
        }
        write_number(&mut out, value.len());
        out.extend_from_slice(value.as_bytes());
    }
    // Exactly as large as what is in it, since the capacity is what is charged.
    Ok(Bytes::copy_from_slice(&out))
}

/// Reads a head back: status and fields, whose values share the bytes.
///
/// # Errors
///
/// Where the bytes are not what [`encode`] wrote, with the place.
pub fn decode(head: &Bytes, limits: &Limits) -> Result<(u16, HeaderMap), HeadError> {
    let most = limits.head_bytes.min(BYTES_MAX);
    if head.len() > most {
        let bytes = head.len();
        return Err(HeadError::Large { bytes, most });
    }
    let mut input = Input { head, at: 0 };
    match input.byte()? {
        VERSION => {}
        version => return Err(HeadError::Version { version }),
    }
    let status = u16::from_be_bytes([input.byte()?, input.byte()?]);
    let mut headers = HeaderMap::new();
    while input.at < head.len() {
        if headers.len() >= limits.head_fields {
            return Err(HeadError::Fields {
                most: limits.head_fields,
            });
        }
        let at = input.at;
        let number = input.number()?;
        let name = match number.checked_sub(NAMES_MAX) {
            Some(len) => HeaderName::from_bytes(&input.bytes(len)?).ok(),
            None => NAMES.get(number).copied().map(HeaderName::from_static),
        };
        let len = input.number()?;
        let value = HeaderValue::from_maybe_shared(input.bytes(len)?).ok();
        let (Some(name), Some(value)) = (name, value) else {
            return Err(HeadError::Field { at });
        };
        headers
            .try_append(name, value)
            .map_err(|_| HeadError::Field { at })?;
    }
    Ok((status, headers))
}

struct Input<'a> {
    head: &'a Bytes,
    at: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Result<u8, HeadError> {
        let short = HeadError::Short { at: self.at };
        let byte = self.head.get(self.at).copied().ok_or(short)?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    fn bytes(&mut self, len: usize) -> Result<Bytes, HeadError> {
        let end = self.at.saturating_add(len);
        if end > self.head.len() {
            return Err(HeadError::Short {
                at: self.head.len(),
            });
        }
        let bytes = self.head.slice(self.at..end);
        self.at = end;
        Ok(bytes)
    }

    /// A number of three bytes at most, 2^21 - 1.
    fn number(&mut self) -> Result<usize, HeadError> {
        let at = self.at;
        let mut number = 0;
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(HeadError::Field { at })
    }
}

fn write_number(out: &mut BytesMut, mut number: usize) {
    while number >= 0x80 {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        out.extend_from_slice(&[low | 0x80]);
        number >>= 7;
    }
    out.extend_from_slice(&[u8::try_from(number).unwrap_or(0)]);
}

const VERSION: u8 = 1;
/// Lengths take three bytes.
const BYTES_MAX: usize = (1 << 21) - 1;
/// Numbers of well-known names lie below.
const NAMES_MAX: usize = 64;
/// What a field takes at most beside its name and value: two numbers.
const FIELD_OVERHEAD: usize = 6;

/// Well-known names. The places are stored: new ones come at the end.
const NAMES: [&str; 34] = [
    "accept-ranges",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "cache-status",
    "cdn-cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-security-policy",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "priority",
    "server",
    "strict-transport-security",
    "timing-allow-origin",
    "vary",
    "via",
    "x-content-type-options",
    "cmsd-static",
];
