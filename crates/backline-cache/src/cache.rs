//! The machine.

use std::time::Instant;

use bytes::Bytes;

use crate::{
    Answer, Body, Client, Config, Document, Error, FillId, Fresh, Key, Output, Point, Series,
    Stats, Token, Want,
};

/// The smallest budget, in bytes, that a cache works with.
pub const BUDGET_MIN: usize = 1 << 20;

/// State of a key.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum State {
    /// Was there or was passed over, and will not come back.
    Gone,
    /// Requests for it are held.
    Promised,
    /// Stored.
    Ready,
    /// Ahead of everything that is promised.
    TooFar,
    /// Its rendition is not known.
    Unknown,
}

/// The cache.
#[derive(Debug)]
pub struct Cache {
    config: Config,
}

impl Cache {
    /// Builds an empty cache.
    ///
    /// # Errors
    /// [`Error::Limit`] when a cap is too small.
    pub fn new(config: Config, now: Instant) -> Result<Self, Error> {
        let _ = now;
        Ok(Self { config })
    }
    /// Promises that `key` will be published by `by`.
    ///
    /// # Errors
    /// [`Error::Behind`], [`Error::Published`], [`Error::Renditions`], [`Error::Budget`].
    pub fn promise(&mut self, now: Instant, key: Key, by: Instant) -> Result<(), Error> {
        todo_(now, key, by)
    }
    /// Publishes an object.
    ///
    /// # Errors
    /// Like `promise`, [`Error::Empty`], [`Error::TooLarge`].
    pub fn publish(&mut self, now: Instant, key: Key, body: &[Bytes]) -> Result<(), Error> {
        todo_(now, key, body)
    }
    /// Publishes an object that consists of objects which are stored.
    ///
    /// # Errors
    /// Like `publish`, [`Error::MissingPart`].
    pub fn publish_rope(&mut self, now: Instant, key: Key, parts: &[Key]) -> Result<(), Error> {
        todo_(now, key, parts)
    }
    /// Takes a promise back.
    pub fn retract(&mut self, now: Instant, key: Key, status: u16) {
        let _ = (now, key, status);
    }
    /// Moves a promise.
    ///
    /// # Errors
    /// [`Error::NotPromised`].
    pub fn move_promise(&mut self, now: Instant, from: Key, to: Key) -> Result<(), Error> {
        todo_(now, from, to)
    }
    /// Says until when an object that is no longer listed is kept.
    pub fn keep_until(&mut self, now: Instant, key: Key, until: Instant) {
        let _ = (now, key, until);
    }
    /// Says that a series has reached a point.
    ///
    /// # Errors
    /// [`Error::Series`], [`Error::Renditions`].
    pub fn advance(
        &mut self,
        now: Instant,
        stream: u32,
        rendition: u32,
        series: Series,
        point: Point,
    ) -> Result<(), Error> {
        let _ = (stream, rendition);
        todo_(now, series, point)
    }
    /// Says that the documents of a rendition changed though no edge moved.
    ///
    /// # Errors
    /// [`Error::Renditions`].
    pub fn outdate(&mut self, now: Instant, stream: u32, rendition: u32) -> Result<(), Error> {
        todo_(now, stream, rendition)
    }
    /// Says that no edge of a stream moves any more.
    pub fn finish(&mut self, now: Instant, stream: u32) {
        let _ = (now, stream);
    }
    /// Drops a stream and all that is kept of it.
    pub fn forget(&mut self, now: Instant, stream: u32) {
        let _ = (now, stream);
    }
    /// Asks for an object or a document.
    pub fn request(
        &mut self,
        now: Instant,
        want: Want,
        token: Token,
        client: Client,
        deadline: Instant,
    ) -> Answer {
        let _ = (now, want, token, client, deadline);
        Answer::Unknown
    }
    /// Brings what a fetch has made, or the status that says why not.
    ///
    /// # Errors
    /// [`Error::UnknownFill`], [`Error::EmptyFill`], [`Error::TooLargeFill`], [`Error::Budget`].
    pub fn fill(
        &mut self,
        now: Instant,
        fill: FillId,
        result: Result<Fresh, u16>,
    ) -> Result<(), Error> {
        todo_(now, fill, result)
    }
    /// Cancels a held request.
    pub fn cancel(&mut self, now: Instant, token: Token) {
        let _ = (now, token);
    }
    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }
    /// What to do, what became known.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }
    /// When to call `handle_timeout`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }
    /// The stored body of `key`, borrowed.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Body> {
        let _ = key;
        None
    }
    /// The stored body of `document` if it is current, borrowed.
    #[must_use]
    pub fn get_document(&self, document: &Document) -> Option<&Body> {
        let _ = document;
        None
    }
    /// State of a key.
    #[must_use]
    pub fn state(&self, key: &Key) -> State {
        let _ = key;
        State::Unknown
    }
    /// Counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let _ = &self.config;
        Stats::default()
    }
}

fn todo_<A, B, C>(_: A, _: B, _: C) -> Result<(), Error> {
    Ok(())
}
