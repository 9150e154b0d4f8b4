//! The answers that one HTTP/2 connection carries, and which of them stand still.
//!
//! In HTTP/1.1 a reader that takes nothing blocks its socket. In HTTP/2 it can keep the socket going and one answer
//! waiting, by a window that it never opens: so each body tells when it was last asked for bytes, and when it is the
//! one that has none.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use slab::Slab;

use super::body::Outgoing;

/// Bytes that leave a body at once. What has left it waits in the connection, out of sight.
const SLICE: usize = 16 * 1024;

/// What one connection carries. Clones are handles of the same connection.
#[derive(Clone, Debug)]
pub struct Flow(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// When each body was last asked for bytes; `None` while it has been asked and has none.
    moved: Slab<Option<Instant>>,
    /// Requests that have no answer yet.
    waiting: usize,
    /// When the last of all was done.
    since: Instant,
}

/// How a connection is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Pace {
    /// It carries something that goes on, or a request waits for its answer.
    Busy,
    /// It has carried nothing for so long.
    Idle(Duration),
    /// A body has stood still for so long.
    Stalled(Duration),
}

/// A request that has no answer yet; dropping it says that it has one, or that nobody waits any more.
#[derive(Debug)]
pub struct Waiting(Flow);

/// A body that tells its connection when it moves.
#[derive(Debug)]
pub struct Carried<B> {
    body: B,
    /// What has been taken out of `body` and not sent.
    rest: Bytes,
    flow: Flow,
    place: usize,
}

impl Flow {
    /// A connection that carries nothing yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(State {
            moved: Slab::new(),
            waiting: 0,
            since: now,
        })))
    }

    /// A request has come.
    #[must_use]
    pub fn request(&self) -> Waiting {
        self.lock().waiting += 1;
        Waiting(self.clone())
    }

    /// An answer is on its way.
    #[must_use]
    pub fn carry<B>(&self, body: B, now: Instant) -> Carried<B> {
        Carried {
            body,
            rest: Bytes::new(),
            flow: self.clone(),
            place: self.lock().moved.insert(Some(now)),
        }
    }

    /// How the connection is doing at `now`.
    #[must_use]
    pub fn pace(&self, now: Instant) -> Pace {
        let state = self.lock();
        match state.moved.iter().filter_map(|(_, moved)| *moved).min() {
            Some(moved) => Pace::Stalled(now.saturating_duration_since(moved)),
            None if state.waiting > 0 || !state.moved.is_empty() => Pace::Busy,
            None => Pace::Idle(now.saturating_duration_since(state.since)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.waiting -= 1;
        state.since = Instant::now();
    }
}

impl<B> Drop for Carried<B> {
    fn drop(&mut self) {
        let mut state = self.flow.lock();
        let _ = state.moved.try_remove(self.place);
        state.since = Instant::now();
    }
}

impl<B> Carried<B> {
    fn moved(&self, at: Option<Instant>) {
        if let Some(moved) = self.flow.lock().moved.get_mut(self.place) {
            *moved = at;
        }
    }
}

impl<B: Outgoing> Body for Carried<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        this.moved(Some(Instant::now()));
        if this.rest.is_empty() {
            match Pin::new(&mut this.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => this.rest = frame.into_data().unwrap_or_default(),
                Poll::Pending => {
                    this.moved(None);
                    return Poll::Pending;
                }
                other @ Poll::Ready(_) => return other,
            }
        }
        let slice = this.rest.split_to(this.rest.len().min(SLICE));
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests;
