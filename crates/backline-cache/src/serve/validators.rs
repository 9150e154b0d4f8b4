//! Entity tags and accepted encodings (RFC 9110, 8.8.3, 13.1 and 12.5.3).

use std::fmt;

use super::Encoding;

/// A strong entity tag: a fingerprint of the bytes, told apart by encoding.
///
/// `Display` writes it with its quotes, as the header has it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Etag {
    fingerprint: u64,
    encoding: Encoding,
}

impl Etag {
    pub(super) const fn new(fingerprint: u64, encoding: Encoding) -> Self {
        Self {
            fingerprint,
            encoding,
        }
    }

    /// Tells whether the value of an `If-None-Match` header names this tag, by weak comparison.
    #[must_use]
    pub fn matches_any(&self, list: &[u8]) -> bool {
        let list = list.trim_ascii();
        list == b"*"
            || list.split(|&byte| byte == b',').any(|item| {
                let item = item.trim_ascii();
                self.is(item.strip_prefix(b"W/").unwrap_or(item))
            })
    }

    /// Tells whether the value of an `If-Range` header is this tag, by strong comparison. A date is
    /// never equal: bodies carry none.
    #[must_use]
    pub fn is(&self, value: &[u8]) -> bool {
        self.bytes() == value.trim_ascii()
    }

    /// The tag as the header has it, quotes included, without allocating.
    fn bytes(&self) -> TagBytes {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut tag = TagBytes {
            bytes: *b"\"0000000000000000-g\"",
            len: 20,
        };
        for (place, nibble) in tag.bytes.iter_mut().skip(1).zip((0..16_u32).rev()) {
            let value = (self.fingerprint >> nibble.saturating_mul(4)) & 0xf;
            *place = HEX
                .get(usize::try_from(value).unwrap_or(0))
                .copied()
                .unwrap_or(b'0');
        }
        if self.encoding == Encoding::Identity {
            tag.bytes[17] = b'"';
            tag.len = 18;
        }
        tag
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.encoding == Encoding::Gzip {
            "-g"
        } else {
            ""
        };
        write!(out, "\"{:016x}{end}\"", self.fingerprint)
    }
}

struct TagBytes {
    bytes: [u8; 20],
    len: usize,
}

impl PartialEq<[u8]> for TagBytes {
    fn eq(&self, other: &[u8]) -> bool {
        self.bytes
            .get(..self.len)
            .is_some_and(|bytes| bytes == other)
    }
}

impl PartialEq<&[u8]> for TagBytes {
    fn eq(&self, other: &&[u8]) -> bool {
        *self == **other
    }
}

/// Tells whether the value of an `Accept-Encoding` header takes gzip: named, or by `*`, with a
/// quality above 0. A name outranks the star.
pub(super) fn takes_gzip(value: &[u8]) -> bool {
    let Ok(value) = std::str::from_utf8(value) else {
        return false;
    };
    let (mut named, mut star) = (None, None);
    for item in value.split(',') {
        let mut fields = item.split(';').map(str::trim);
        let coding = fields.next().unwrap_or_default();
        let refused = fields.any(is_zero_quality);
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            named = Some(!refused);
        } else if coding == "*" {
            star = Some(!refused);
        }
    }
    named.or(star).unwrap_or(false)
}

/// Tells whether a parameter is `q=0`, `q=0.0` and so on.
fn is_zero_quality(field: &str) -> bool {
    let Some((name, value)) = field.split_once('=') else {
        return false;
    };
    let value = value.trim();
    name.trim().eq_ignore_ascii_case("q")
        && value.starts_with('0')
        && value.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}
