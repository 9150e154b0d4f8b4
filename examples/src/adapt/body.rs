//! HTTP bodies: one over a list of shared pieces, of which nothing is copied or joined before the socket; and how
//! a request's is taken in.

use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};

/// A body that the server sends. One that fails resets its stream, or closes its connection: it never looks whole.
pub trait Outgoing:
    Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static
{
}

impl<B> Outgoing for B where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static
{
}

/// A body that sends its pieces in order. Its length is known, so the answer carries an exact
/// `Content-Length` and is never chunked.
#[derive(Debug, Default)]
pub struct Rope {
    pieces: Pieces,
    /// Bytes still to be sent.
    left: u64,
}

#[derive(Debug, Default)]
enum Pieces {
    #[default]
    None,
    /// The usual case: a playlist or a part, without a list around it.
    One(Bytes),
    Many(std::vec::IntoIter<Bytes>),
}

impl Rope {
    /// A body of several pieces, such as a segment that is the rope of its parts.
    #[must_use]
    pub fn new(pieces: Vec<Bytes>) -> Self {
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self {
            pieces: Pieces::Many(pieces.into_iter()),
            left,
        }
    }

    /// Bytes that are still to be sent.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.left
    }

    /// Tells whether nothing is left to be sent.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<B: Into<Bytes>> From<B> for Rope {
    fn from(piece: B) -> Self {
        let piece = piece.into();
        Self {
            left: piece.len() as u64,
            pieces: Pieces::One(piece),
        }
    }
}

impl FromIterator<Bytes> for Rope {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        let mut pieces = pieces.into_iter();
        match (pieces.next(), pieces.next()) {
            (None, _) => Self::default(),
            (Some(one), None) => one.into(),
            (Some(first), Some(second)) => {
                Self::new([first, second].into_iter().chain(pieces).collect())
            }
        }
    }
}

impl Body for Rope {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            let piece = match std::mem::take(&mut this.pieces) {
                Pieces::None => return Poll::Ready(None),
                Pieces::One(piece) => piece,
                Pieces::Many(mut pieces) => match pieces.next() {
                    Some(piece) => {
                        this.pieces = Pieces::Many(pieces);
                        piece
                    }
                    None => return Poll::Ready(None),
                },
            };
            if !piece.is_empty() {
                this.left = this.left.saturating_sub(piece.len() as u64);
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// A request's body was not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unread {
    /// It came too slowly.
    #[error("the body did not come in {} s", limit.as_secs())]
    Late {
        /// How long it may take.
        limit: Duration,
    },
    /// It is too long, or says that it will be.
    #[error("the body is longer than {limit} bytes")]
    Long {
        /// How long it may be.
        limit: usize,
    },
    /// The connection broke.
    #[error("the body ended early")]
    Short,
}

/// Takes a request's body in, of `bytes` at most, within `time`.
///
/// # Errors
///
/// It is too long, too slow, or ends early.
pub async fn take<B>(body: B, bytes: usize, time: Duration) -> Result<Vec<u8>, Unread>
where
    B: Body<Data: Buf>,
{
    if body.size_hint().lower() > bytes as u64 {
        return Err(Unread::Long { limit: bytes });
    }
    let mut body = std::pin::pin!(body);
    let all = async {
        let mut taken = Vec::new();
        while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
            let Ok(mut data) = frame.map_err(|_| Unread::Short)?.into_data() else {
                continue;
            };
            if taken.len() + data.remaining() > bytes {
                return Err(Unread::Long { limit: bytes });
            }
            while data.has_remaining() {
                let chunk = data.chunk();
                taken.extend_from_slice(chunk);
                let length = chunk.len();
                data.advance(length);
            }
        }
        Ok(taken)
    };
    match tokio::time::timeout(time, all).await {
        Ok(taken) => taken,
        Err(_) => Err(Unread::Late { limit: time }),
    }
}

#[cfg(test)]
mod tests;
