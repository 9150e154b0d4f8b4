//! What is sent to viewers and to the keeper.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use backline_examples::adapt::body::Rope;
use backline_examples::adapt::pull::Growing;
use backline_examples::adapt::upstream::Arriving;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

/// A body of one of three kinds.
pub(crate) enum Sent {
    /// It comes from the store while it comes in.
    Growing(Growing),
    /// It is here.
    Kept(Rope),
    /// It comes from the origin and is nobody else's.
    Through(Arriving),
}

impl From<Rope> for Sent {
    fn from(rope: Rope) -> Self {
        Self::Kept(rope)
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Growing(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into))),
            Self::Kept(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
            Self::Through(body) => Pin::new(body)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Growing(body) => body.is_end_stream(),
            Self::Kept(body) => body.is_end_stream(),
            Self::Through(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Growing(body) => body.size_hint(),
            Self::Kept(body) => body.size_hint(),
            Self::Through(body) => body.size_hint(),
        }
    }
}

/// A line of this box's own.
pub(crate) fn text(status: StatusCode, line: impl Into<Bytes>) -> Response<Sent> {
    let mut response = page(line.into(), "text/plain; charset=utf-8");
    *response.status_mut() = status;
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// A page of this box's own; what it says holds now and not later.
pub(crate) fn page(body: Bytes, media_type: &'static str) -> Response<Sent> {
    let mut response = Response::new(Sent::Kept(Rope::from(body)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
