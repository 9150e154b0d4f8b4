//! A body that is sent while it still comes in.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use backline_cache::pull::{Read, Reader};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::Pulled;
use crate::adapt::shared::{Shared, Waiting};

/// The bytes from where the reader stands to an end, as they come. Dropping it tells the store.
pub struct Growing {
    desk: Shared<Pulled>,
    /// What the request asked with.
    token: u64,
    reader: Reader,
    /// Where the range ends.
    end: u64,
    /// Bytes to come, if their number is known.
    left: Option<u64>,
    waiting: Option<Waiting<Pulled>>,
}

/// The origin broke off, and so must every answer that is made of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the origin broke off after {sent} bytes")]
#[non_exhaustive]
pub struct Broken {
    /// Bytes that had come.
    pub sent: u64,
}

impl Growing {
    /// Reads from the first byte to the end, `left` bytes where that is known.
    #[must_use]
    pub const fn new(desk: Shared<Pulled>, token: u64, reader: Reader, left: Option<u64>) -> Self {
        Self {
            desk,
            token,
            reader,
            end: u64::MAX,
            left,
            waiting: None,
        }
    }
}

impl Growing {
    /// Goes to a range, of which `left` bytes are to come where that is known.
    #[must_use]
    pub fn cut(mut self, range: Range<u64>, left: Option<u64>) -> Self {
        let reader = self.reader;
        self.desk
            .with(|pulled, _| pulled.pull_mut().seek(reader, range.start));
        (self.end, self.left) = (range.end, left);
        self
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        let (token, reader) = (self.token, self.reader);
        self.desk
            .with(|pulled, now| pulled.leave(now, token, reader));
    }
}

impl Body for Growing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        loop {
            if let Some(waiting) = &mut this.waiting {
                if Pin::new(waiting).poll(context).is_pending() {
                    return Poll::Pending;
                }
                this.waiting = None;
            }
            let (token, reader, end) = (this.token, this.reader, this.end);
            let asked = this
                .desk
                .ask(|pulled, now, ticket| pulled.read(now, token, reader, end, ticket));
            match asked {
                Err(((), waiting)) => this.waiting = Some(waiting),
                Ok(Read::Bytes(bytes)) => {
                    if let Some(left) = &mut this.left {
                        *left = left.saturating_sub(bytes.len() as u64);
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Ok(Read::Aborted { sent, .. }) => return Poll::Ready(Some(Err(Broken { sent }))),
                Ok(_) => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
