//! What was asked and what came of it.

use std::time::Instant;

use bytes::Bytes;

/// A GET request.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Request {
    /// Absolute, `http` or `https`.
    pub url: String,
    /// First and last byte of a `Range` header; no last one to the end.
    pub range: Option<(u64, Option<u64>)>,
    /// Whether to send `Accept-Encoding: gzip`; otherwise no encoding is accepted.
    pub gzip: bool,
}

impl Request {
    /// A plain request.
    #[must_use]
    pub fn get(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            range: None,
            gzip: false,
        }
    }
}

/// A response with its whole body.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Names in any case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// As it came: with `Content-Encoding` if there is one.
    pub body: Bytes,
    /// Whether the connection carries several requests at once (HTTP/2, HTTP/3), where `Priority` matters.
    pub multiplexed: bool,
}

impl Response {
    /// A response.
    #[must_use]
    pub fn new(status: u16, headers: Vec<(String, String)>, body: Bytes) -> Self {
        Self {
            status,
            headers,
            body,
            multiplexed: false,
        }
    }

    /// The value of the first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(found.1.trim())
    }
}

/// A request with its response and times.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// What was asked.
    pub request: Request,
    /// What came.
    pub response: Response,
    /// When the request was sent.
    pub sent: Instant,
    /// When the first byte of the body came, or the head where there is no body.
    pub began: Instant,
    /// When the last byte came.
    pub done: Instant,
}

impl Record {
    /// A record.
    #[must_use]
    pub fn new(
        request: Request,
        response: Response,
        sent: Instant,
        began: Instant,
        done: Instant,
    ) -> Self {
        Self {
            request,
            response,
            sent,
            began,
            done,
        }
    }
}
