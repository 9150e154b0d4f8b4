//! From a body and a request's conditions to a reply: ranges, validators, encoding (RFC 9110),
//! and what a cache says of itself (RFC 9211). Data only; the feature `http-1` reads and writes
//! the header maps of the `http` crate.

#[cfg(feature = "http-1")]
mod http1;
mod range;
mod status;
mod validators;

use std::ops::Range;

use bytes::Bytes;

pub use self::status::{CacheStatus, Forward};
pub use self::validators::Etag;
use crate::Body;

/// The request headers that decide about a reply. `None` where the header is absent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers without `http` types fill it in"
)]
pub struct Conditions<'a> {
    /// `Accept-Encoding`.
    pub accept_encoding: Option<&'a [u8]>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a [u8]>,
    /// `If-Range`.
    pub if_range: Option<&'a [u8]>,
    /// `Range`.
    pub range: Option<&'a [u8]>,
}

/// Which of a body's two representations is sent.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Encoding {
    /// Compressed with gzip.
    Gzip,
    /// As it is.
    Identity,
}

impl Conditions<'_> {
    /// Resolves the range against a representation of `complete` bytes whose validators are not of this cache's making:
    /// the status (200, 206 or 416) and the bytes to send. `If-Range` is the caller's to compare.
    #[must_use]
    pub fn range(&self, complete: u64) -> (u16, Range<u64>) {
        match self.range.map(|range| range::resolve(range, complete)) {
            Some(range::Resolved::Part(range)) => (206, range),
            Some(range::Resolved::Unsatisfiable) => (416, 0..0),
            Some(range::Resolved::Whole) | None => (200, 0..complete),
        }
    }

    /// Tells whether gzip may be sent (RFC 9110, 12.5.3): by its name, or by `*`, with a quality above 0.
    #[must_use]
    pub fn takes_gzip(&self) -> bool {
        self.accept_encoding.is_some_and(validators::takes_gzip)
    }
}

/// What to send of a body: the status, the bytes, and the values of the headers that go with them.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// Length of the whole representation, in bytes.
    pub complete: u64,
    /// Which representation.
    pub encoding: Encoding,
    /// Its entity tag.
    pub etag: Etag,
    /// The bytes to send; empty with 304 and 416.
    pub range: Range<u64>,
    /// 200, 206, 304 or 416.
    pub status: u16,
    /// The body has two representations, so that the answer varies with `Accept-Encoding`.
    pub vary: bool,
}

impl Reply {
    /// Decides what to send of `body` under these conditions, in the order of RFC 9110, 13.2.2:
    /// encoding, then `If-None-Match`, then `Range` with `If-Range`.
    #[must_use]
    pub fn new(body: &Body, conditions: &Conditions<'_>) -> Self {
        let gzip = body.gzip().filter(|_| conditions.takes_gzip());
        let encoding = if gzip.is_some() {
            Encoding::Gzip
        } else {
            Encoding::Identity
        };
        let complete = gzip.map_or_else(|| body.len(), |gzip| gzip.len() as u64);
        let etag = Etag::new(body.fingerprint(), encoding);
        let mut reply = Self {
            complete,
            encoding,
            etag,
            range: 0..complete,
            status: 200,
            vary: body.gzip().is_some(),
        };
        if conditions
            .if_none_match
            .is_some_and(|list| etag.matches_any(list))
        {
            reply.status = 304;
            reply.range = 0..0;
        } else if let Some(range) = conditions.range
            && conditions
                .if_range
                .is_none_or(|validator| etag.is(validator))
        {
            match range::resolve(range, complete) {
                range::Resolved::Part(range) => (reply.status, reply.range) = (206, range),
                range::Resolved::Unsatisfiable => (reply.status, reply.range) = (416, 0..0),
                range::Resolved::Whole => {}
            }
        }
        reply
    }

    /// The bytes to send, in order and uncopied.
    pub fn slices<'a>(&self, body: &'a Body) -> impl Iterator<Item = Bytes> + 'a {
        let gzip = match self.encoding {
            Encoding::Gzip => body.gzip(),
            Encoding::Identity => None,
        };
        let cut = gzip.and_then(|gzip| {
            let range =
                usize::try_from(self.range.start).ok()?..usize::try_from(self.range.end).ok()?;
            (!range.is_empty() && range.end <= gzip.len()).then(|| gzip.slice(range))
        });
        let plain = if gzip.is_some() {
            0..0
        } else {
            self.range.clone()
        };
        cut.into_iter().chain(body.slices(plain))
    }
}
