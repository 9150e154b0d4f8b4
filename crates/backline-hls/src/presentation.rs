//! The machine: samples in; objects, playlists and decisions out.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::{Config, Decision, Error, Event, Numbering, Output, Playlist, Point, Stats};

/// A live presentation: all renditions of one stage.
#[derive(Debug)]
pub struct Presentation {
    config: Config,
    outputs: VecDeque<Output>,
    started: Instant,
}

/// A playlist's text in one form and version.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rendered {
    /// The text.
    pub text: Bytes,
    /// The text as a gzip file, with the feature `gzip`.
    pub gzip: Option<Bytes>,
    /// The last part that it lists.
    pub listed: Point,
    /// The last closed segment that it lists.
    pub closed: Point,
    /// Grows with every change of the playlist.
    pub version: u64,
}

impl Presentation {
    /// Makes a presentation with no media.
    ///
    /// # Errors
    ///
    /// [`Error::ConfigRange`] names the first field that is out of its bounds.
    pub fn new(config: Config, now: Instant) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            config,
            outputs: VecDeque::new(),
            started: now,
        })
    }

    /// Takes one event.
    ///
    /// # Errors
    ///
    /// [`Error::QueueFull`] if `limits.outputs` outputs wait: drain [`poll_output`](Self::poll_output) and call again.
    /// Every other error says what was wrong with the event. In each case nothing has changed.
    pub fn handle_event(&mut self, now: Instant, event: Event) -> Result<(), Error> {
        let _ = (now, event);
        Ok(())
    }

    /// Moves the clock.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Decides what a request gets. `path` is relative to the presentation: `index.m3u8`, `v0/index.m3u8`,
    /// `v0/p123.m4s`, `v0/s7.m4s`, `v0/i0.mp4`; `query` is what follows the `?`.
    #[must_use]
    pub fn decide(&self, now: Instant, path: &str, query: Option<&str>) -> Decision {
        let _ = (now, path, query);
        Decision::Refuse {
            status: 404,
            reason: crate::Refusal::NotPublished,
            headers: crate::Headers::playlist(1),
        }
    }

    /// Renders a playlist in one form; `None` before there is one. The text is made anew by every call: store it
    /// until the rendition advances.
    #[must_use]
    pub fn render(&self, playlist: Playlist) -> Option<Rendered> {
        let _ = playlist;
        None
    }

    /// The next numbers, to be kept over a restart.
    #[must_use]
    pub fn numbering(&self) -> Numbering {
        self.config.numbering
    }

    /// A snapshot for the operator.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let _ = self.started;
        Stats::default()
    }
}
