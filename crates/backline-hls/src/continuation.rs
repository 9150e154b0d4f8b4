//! Goes on with an origin's playlists while the origin is gone (STALE-3 and STALE-4 of a cache's rules).
//!
//! A box that stands between an origin and a room hands each version of a media playlist that it gets to a
//! [`Continuation`], and serves what [`render`](Continuation::render) gives. As long as nothing happens that is what
//! the origin wrote. When the origin is gone for longer than [`Config::patience`], segments that are absent
//! (`EXT-X-GAP`) are listed by the clock, as long together as what is missing. When it is back, its newest media
//! follows behind a discontinuity, up to its edge. From then on the box has numbers of its own: none that was shown
//! once is ever given to other media.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use backline_hls::Limits;
//! use backline_hls::continuation::{Config, Continuation};
//!
//! let list = |first: u64| {
//!     let segments: String = (first..first + 3).map(|msn| format!("#EXTINF:2.00000,\ns{msn}.ts\n")).collect();
//!     format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n{segments}")
//! };
//! let start = Instant::now();
//! let mut shown = Continuation::new(Config::default(), Limits::default());
//! shown.handle_playlist(start, "/live.m3u8", list(7).as_bytes())?;
//! assert_eq!(shown.render("/live.m3u8").as_deref(), Some(list(7).as_str()));
//!
//! shown.handle_gone(start + Duration::from_secs(1));
//! shown.handle_timeout(start + Duration::from_secs(30));
//! assert!(shown.render("/live.m3u8").is_some_and(|text| text.contains("#EXT-X-GAP\n")));
//! // The origin went on. Its segment 22 has a number of ours now.
//! shown.handle_playlist(start + Duration::from_secs(30), "/live.m3u8", list(22).as_bytes())?;
//! let text = shown.render("/live.m3u8").unwrap_or_default();
//! assert!(text.contains("#EXT-X-DISCONTINUITY\n") && text.ends_with("s24.ts\n"));
//! # Ok::<(), backline_hls::Error>(())
//! ```
//!
//! Which segments can still be fetched is not known here: requests for what is absent get 404. Delta updates are
//! joined, so what is served is always whole. All media playlists of a presentation belong to one `Continuation`: their
//! discontinuities are counted alike, and their reports of each other are translated.

mod rendition;
mod shown;
mod text;

use std::time::{Duration, Instant};

use crate::m3u8::{Media, Playlist};
use crate::{ContinuationProblem, Error, Limits};
use rendition::Rendition;

/// How a [`Continuation`] behaves.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Config {
    /// Target durations that the origin may be gone before anything is listed as absent. Default 3: an origin that is
    /// back by then still lists what was missed, and nobody notices more than a wait.
    pub patience: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { patience: 3 }
    }
}

/// What a version of a playlist was.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Taken {
    /// It goes on where the one before ended.
    Followed,
    /// It goes on elsewhere: behind absent segments, behind a discontinuity.
    Joined,
    /// A multivariant playlist, which is served as it is.
    Multivariant,
    /// It has nothing new; or it is older than what was shown already.
    Unchanged,
}

/// The media playlists of one origin's presentation, as they are shown.
///
/// Time is an argument; it only measures how long the origin was gone.
#[derive(Debug)]
pub struct Continuation {
    config: Config,
    limits: Limits,
    renditions: Vec<(String, Rendition)>,
    outage: Option<Outage>,
    /// Whether anything but the origin's own texts was ever shown.
    touched: bool,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Instant,
    /// How many absent segments it has led to, the same in all renditions.
    ticks: u64,
}

impl Continuation {
    /// Begins with no playlist.
    #[must_use]
    pub const fn new(config: Config, limits: Limits) -> Self {
        Self {
            config,
            limits,
            renditions: Vec::new(),
            outage: None,
            touched: false,
        }
    }

    /// Takes a version of the playlist at `path`, which begins with `/` and has no query. A delta update is joined to
    /// the version before it.
    ///
    /// # Errors
    ///
    /// What [`Playlist::parse`] and [`Media::merge`] say; [`Error::Continuation`] for one playlist too many, or numbers
    /// that leave no room behind them. What is shown stays as it was.
    pub fn handle_playlist(
        &mut self,
        now: Instant,
        path: &str,
        text: &[u8],
    ) -> Result<Taken, Error> {
        let media = match Playlist::parse(text, &self.limits)? {
            Playlist::Media(media) => media,
            Playlist::Multivariant(_) => return Ok(Taken::Multivariant),
        };
        self.handle_timeout(now);
        let Some(at) = self.renditions.iter().position(|(known, _)| known == path) else {
            return self.add(now, path, media);
        };
        let Some((_, rendition)) = self.renditions.get_mut(at) else {
            return Ok(Taken::Unchanged);
        };
        let media = media.merge(rendition.base(), &self.limits)?;
        check_numbers(&media)?;
        let taken = rendition.take(now, media, self.config.patience, &self.limits);
        self.touched |= rendition.is_touched();
        // An origin that is back with nothing new is as good as gone, once something was listed as absent.
        if taken != Taken::Unchanged || self.outage.is_some_and(|outage| outage.ticks == 0) {
            self.outage = None;
        }
        Ok(taken)
    }

    /// Says that the origin does not answer. Said again it changes nothing, until a playlist comes.
    pub fn handle_gone(&mut self, now: Instant) {
        self.outage.get_or_insert(Outage {
            since: now,
            ticks: 0,
        });
        for (_, rendition) in &mut self.renditions {
            rendition.miss();
        }
    }

    /// Lists as absent what is missing by now.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(outage) = self.outage else { return };
        let Some(target) = self.target() else { return };
        let gone = now.saturating_duration_since(outage.since);
        let Some(over) = gone.checked_sub(target.saturating_mul(self.config.patience)) else {
            return;
        };
        let due = over.as_nanos().checked_div(target.as_nanos()).unwrap_or(0);
        let due = u64::try_from(due).unwrap_or(u64::MAX).saturating_add(1);
        let count = due.saturating_sub(outage.ticks);
        if count == 0 {
            return;
        }
        for (_, rendition) in &mut self.renditions {
            self.touched |= rendition.tick(count, target, &self.limits);
        }
        self.outage = Some(Outage {
            ticks: due,
            ..outage
        });
    }

    /// When the next absent segment is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let outage = self.outage?;
        let target = self.target()?;
        let ticks = u32::try_from(outage.ticks).unwrap_or(u32::MAX);
        let after = target.saturating_mul(self.config.patience.saturating_add(ticks));
        outage.since.checked_add(after)
    }

    /// Whether the origin is gone.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        self.outage.is_some()
    }

    /// The playlist to serve at `path`; none where no version was taken.
    #[must_use]
    pub fn render(&self, path: &str) -> Option<String> {
        let rendition = self.rendition(path)?;
        if self.touched {
            Some(text::render(rendition, path, |other| self.rendition(other)))
        } else {
            Some(rendition.base().to_string())
        }
    }

    /// Grows with every change of what is shown at `path`.
    #[must_use]
    pub fn version(&self, path: &str) -> Option<u64> {
        Some(self.rendition(path)?.version())
    }

    /// Media Sequence Number and part that come next at `path`: the first that a blocking request waits for.
    #[must_use]
    pub fn next(&self, path: &str) -> Option<(u64, u64)> {
        Some(self.rendition(path)?.next())
    }

    /// Whether what is shown at `path` has this segment, or this part of it: whether a request with these `_HLS_msn`
    /// and `_HLS_part` is answered at once.
    #[must_use]
    pub fn reached(&self, path: &str, msn: u64, part: Option<u64>) -> bool {
        let Some((next_msn, next_part)) = self.next(path) else {
            return false;
        };
        msn < next_msn || (msn == next_msn && part.is_some_and(|part| part < next_part))
    }

    /// The origin's number for the number `msn` of ours, with which it is asked (`_HLS_msn`). None while the origin's
    /// media is not listed, and for what is not its own.
    #[must_use]
    pub fn upstream(&self, path: &str, msn: u64) -> Option<u64> {
        self.rendition(path)?.upstream(msn)
    }

    fn add(&mut self, now: Instant, path: &str, media: Media) -> Result<Taken, Error> {
        let limit = self.limits.renditions;
        let problem = if self.renditions.len() >= limit {
            ContinuationProblem::TooMany { limit }
        } else if media.skip.is_some() {
            ContinuationProblem::Delta
        } else {
            check_numbers(&media)?;
            let rendition = Rendition::new(now, media);
            self.renditions.push((path.to_owned(), rendition));
            self.outage = None;
            return Ok(Taken::Followed);
        };
        Err(Error::Continuation { problem })
    }

    fn rendition(&self, path: &str) -> Option<&Rendition> {
        let (_, found) = self.renditions.iter().find(|(known, _)| known == path)?;
        Some(found)
    }

    /// The target duration of all of them, which is the same by section 4.4.3.1.
    fn target(&self) -> Option<Duration> {
        self.renditions
            .iter()
            .map(|(_, rendition)| rendition.target())
            .max()
    }
}

/// Numbers must leave room for those that are added here.
fn check_numbers(media: &Media) -> Result<(), Error> {
    let problem = ContinuationProblem::Number {
        msn: media.open.msn,
        most: MSN_MAX,
    };
    if media.open.msn > MSN_MAX {
        return Err(Error::Continuation { problem });
    }
    Ok(())
}

/// The largest integer that players keep exactly.
const MSN_MAX: u64 = 1 << 53;
