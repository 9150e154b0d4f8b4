//! The same over the types of the `http` crate.

use std::fmt::Display;
use std::time::Instant;

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG,
    HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE, VARY,
};

use super::{CacheStatus, Conditions, Encoding, Reply};
use crate::Body;

/// RFC 9211.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

impl<'a> Conditions<'a> {
    /// Reads the headers that matter from a request. One that comes twice decides nothing, so that the
    /// answer is the whole body as it is.
    #[must_use]
    pub fn from_headers(headers: &'a HeaderMap) -> Self {
        let value = |name| {
            let mut lines = headers.get_all(name).iter();
            lines
                .next()
                .filter(|_| lines.next().is_none())
                .map(HeaderValue::as_bytes)
        };
        Self {
            accept_encoding: value(ACCEPT_ENCODING),
            if_none_match: value(IF_NONE_MATCH),
            if_range: value(IF_RANGE),
            // Without its validator a range would be cut from bytes that the client may not have.
            range: value(RANGE).filter(|_| headers.get_all(IF_RANGE).iter().count() < 2),
        }
    }
}

impl Reply {
    /// Writes the headers that go with this reply. Content type and lifetime are not of the
    /// cache's business and stay as they are.
    pub fn apply(
        &self,
        body: &Body,
        now: Instant,
        status: CacheStatus<'_>,
        headers: &mut HeaderMap,
    ) {
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(AGE, HeaderValue::from(body.age(now).as_secs()));
        set(headers, CACHE_STATUS, &status);
        set(headers, ETAG, &self.etag);
        if self.vary {
            headers.append(VARY, HeaderValue::from_static("accept-encoding"));
        }
        match self.status {
            206 => {
                let last = self.range.end.saturating_sub(1);
                let value =
                    format_args!("bytes {}-{last}/{}", self.range.start, self.complete).to_string();
                set(headers, CONTENT_RANGE, &value);
            }
            416 => set(
                headers,
                CONTENT_RANGE,
                &format_args!("bytes */{}", self.complete).to_string(),
            ),
            _ => {}
        }
        if self.status != 304 {
            let sent = self.range.end.saturating_sub(self.range.start);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(sent));
            if self.encoding == Encoding::Gzip && self.status != 416 {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
    }
}

/// Sets a header to what `value` displays, which is visible ASCII for all that this module writes.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &impl Display) {
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        headers.insert(name, value);
    }
}
