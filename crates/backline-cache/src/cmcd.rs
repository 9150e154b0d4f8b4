//! What a player says of itself with a request: CMCD (CTA-5004, versions 1 and 2).
//!
//! It comes as the query argument `CMCD` or in four headers, and is advice: what cannot be read is
//! left out and counted, and no viewer is refused for it. It is no part of what a cache knows
//! an object by.
//!
//! ```
//! use backline_cache::Limits;
//! use backline_cache::cmcd::{Cmcd, ObjectType};
//!
//! let query = "_HLS_msn=7&CMCD=bl%3D%281200%3Bv%20800%3Ba%29%2Cbs%2Csid%3D%22one%22";
//! let said = Cmcd::from_query(query, &Limits::default()).expect("it is there");
//! assert_eq!(said.session(), Some("one"));
//! assert!(said.is_starved());
//! assert_eq!(said.buffer_ms(), Some(800));
//! assert_eq!(said.get("bl")[0].object, Some(ObjectType::Video));
//! ```

mod grammar;
mod keys;

use crate::Limits;

/// What was read of one request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cmcd {
    fields: Vec<(&'static str, Vec<Item>)>,
    ignored: u32,
}

/// One value of a field: fields of version 2 may have several, each for a type of object.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Item {
    /// What was said.
    pub value: Value,
    /// Of which type of object, where the field tells them apart.
    pub object: Option<ObjectType>,
    /// Which bytes, as in `r="0-99"` of the next object.
    pub range: Option<String>,
}

/// A value of the type that its field has.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A boolean; a bare key is true.
    Flag(bool),
    /// A number without decimals, in the unit of its field.
    Integer(u64),
    /// Text, without its quotes.
    Text(String),
    /// A number in thousandths: a playback rate.
    Thousandths(u64),
    /// One of a field's words.
    Token(String),
}

/// What a request is for (`ot`).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum ObjectType {
    /// `a`
    Audio,
    /// `c`: captions or subtitles.
    Caption,
    /// `i`
    Init,
    /// `k`: a key, a licence or a certificate.
    Key,
    /// `m`: a playlist.
    Manifest,
    /// `av`: picture and sound in one.
    Muxed,
    /// `o`
    Other,
    /// `tt`: timed text in ISO BMFF.
    TimedText,
    /// `v`
    Video,
}

impl ObjectType {
    /// The word that stands for it.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Audio => "a",
            Self::Caption => "c",
            Self::Init => "i",
            Self::Key => "k",
            Self::Manifest => "m",
            Self::Muxed => "av",
            Self::Other => "o",
            Self::TimedText => "tt",
            Self::Video => "v",
        }
    }

    fn of(token: &str) -> Option<Self> {
        Some(match token {
            "a" => Self::Audio,
            "c" => Self::Caption,
            "i" => Self::Init,
            "k" => Self::Key,
            "m" => Self::Manifest,
            "av" => Self::Muxed,
            "o" => Self::Other,
            "tt" => Self::TimedText,
            "v" => Self::Video,
            _ => return None,
        })
    }
}

impl Cmcd {
    /// Reads the argument `CMCD` of a query without its `?`; `None` where there is none.
    #[must_use]
    pub fn from_query(query: &str, limits: &Limits) -> Option<Self> {
        let value = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("CMCD="))?;
        // Checked before anything is decoded: that only makes it shorter.
        if value.len() > limits.cmcd_bytes.saturating_mul(3) {
            return Some(Self::unread());
        }
        let bytes = percent_decoded(value);
        Some(Self::from_lines([bytes.as_slice()], limits))
    }

    /// Reads the values of the headers `CMCD-Object`, `CMCD-Request`, `CMCD-Session` and
    /// `CMCD-Status`, in any order. A field counts in whichever of them it stands.
    #[must_use]
    pub fn from_lines<'a, I>(lines: I, limits: &Limits) -> Self
    where
        I: IntoIterator<Item = &'a [u8]>,
    {
        let mut said = Self::default();
        let (mut left, mut members) = (limits.cmcd_bytes, limits.cmcd_keys);
        for line in lines {
            let Some(rest) = left.checked_sub(line.len()) else {
                said.ignored = said.ignored.saturating_add(1);
                continue;
            };
            left = rest;
            said.line(&String::from_utf8_lossy(line), &mut members);
        }
        said
    }

    /// Reads them from a request's headers; `None` where none of them is there.
    #[cfg(feature = "http-1")]
    #[must_use]
    pub fn from_headers(headers: &http::HeaderMap, limits: &Limits) -> Option<Self> {
        let lines: Vec<&[u8]> = HEADERS
            .into_iter()
            .flat_map(|name| headers.get_all(name))
            .map(http::HeaderValue::as_bytes)
            .take(limits.cmcd_keys)
            .collect();
        (!lines.is_empty()).then(|| Self::from_lines(lines, limits))
    }

    /// All values of a field; empty where it is not there.
    #[must_use]
    pub fn get(&self, key: &str) -> &[Item] {
        let found = self.fields.iter().find(|(name, _)| *name == key);
        found.map_or(&[], |(_, items)| items)
    }

    /// Key and values of each field, in the order in which they stand.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[Item])> {
        self.fields
            .iter()
            .map(|(key, items)| (*key, items.as_slice()))
    }

    /// How many fields could not be read, or were more than [`Limits::cmcd_keys`].
    #[must_use]
    pub const fn ignored(&self) -> u32 {
        self.ignored
    }

    /// The session (`sid`). It stands for a person's device: never log it as it is.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        match self.get("sid") {
            [
                Item {
                    value: Value::Text(id),
                    ..
                },
                ..,
            ] => Some(id),
            _ => None,
        }
    }

    /// What the request is for (`ot`).
    #[must_use]
    pub fn object_type(&self) -> Option<ObjectType> {
        match self.get("ot") {
            [
                Item {
                    value: Value::Token(token),
                    ..
                },
                ..,
            ] => ObjectType::of(token),
            _ => None,
        }
    }

    /// Whether the buffer ran empty since the request before (`bs`).
    #[must_use]
    pub fn is_starved(&self) -> bool {
        self.flag("bs")
    }

    /// Whether the object is wanted at once: start, seek or recovery (`su`).
    #[must_use]
    pub fn is_startup(&self) -> bool {
        self.flag("su")
    }

    /// Milliseconds of media that the player has left (`bl`), of what it has least of.
    #[must_use]
    pub fn buffer_ms(&self) -> Option<u64> {
        self.integers("bl").min()
    }

    /// Kilobits a second that are asked for (`br`), of all types of object together.
    #[must_use]
    pub fn bitrate_kbps(&self) -> Option<u64> {
        self.integers("br").reduce(u64::saturating_add)
    }

    /// Kilobits a second that the player wants at most (`rtp`).
    #[must_use]
    pub fn throughput_kbps(&self) -> Option<u64> {
        self.integers("rtp").max()
    }

    fn flag(&self, key: &str) -> bool {
        matches!(
            self.get(key),
            [
                Item {
                    value: Value::Flag(true),
                    ..
                },
                ..
            ]
        )
    }

    fn integers(&self, key: &str) -> impl Iterator<Item = u64> {
        self.get(key).iter().filter_map(|item| match item.value {
            Value::Integer(value) => Some(value),
            _ => None,
        })
    }

    /// More than may be read: as if nothing had been said.
    const fn unread() -> Self {
        Self {
            fields: Vec::new(),
            ignored: 1,
        }
    }

    fn line(&mut self, text: &str, members: &mut usize) {
        for member in grammar::members(text) {
            let Some(left) = members.checked_sub(1) else {
                self.ignored = self.ignored.saturating_add(1);
                return;
            };
            *members = left;
            let Some(member) = member else {
                self.ignored = self.ignored.saturating_add(1);
                continue;
            };
            // What is not known here is legal.
            let Some((key, kind)) = keys::find(member.key) else {
                continue;
            };
            match kind.take(member) {
                Some(items) => self.set(key, items),
                None => self.ignored = self.ignored.saturating_add(1),
            }
        }
    }

    /// Of a key that stands twice the last value counts (RFC 9651, 3.2).
    fn set(&mut self, key: &'static str, items: Vec<Item>) {
        match self.fields.iter_mut().find(|(name, _)| *name == key) {
            Some((_, held)) => *held = items,
            None => self.fields.push((key, items)),
        }
    }
}

#[cfg(feature = "http-1")]
const HEADERS: [http::HeaderName; 4] = [
    http::HeaderName::from_static("cmcd-object"),
    http::HeaderName::from_static("cmcd-request"),
    http::HeaderName::from_static("cmcd-session"),
    http::HeaderName::from_static("cmcd-status"),
];

/// What is no escape stays as it is.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| {
        char::from(*byte?)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        let high = digit(bytes.get(at.saturating_add(1)));
        let low = digit(bytes.get(at.saturating_add(2)));
        match (byte, high, low) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high << 4) | low);
                at = at.saturating_add(3);
            }
            _ => {
                decoded.push(byte);
                at = at.saturating_add(1);
            }
        }
    }
    decoded
}
