//! A stage: its key, its origin, who publishes on it and who watches.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backline_cache::Cache;
use backline_examples::adapt::clock::unix_ms;
use backline_examples::adapt::files::FileError;
use backline_examples::adapt::machine::Machine;
use backline_examples::adapt::random;
use backline_examples::adapt::record::RecordError;
use backline_examples::adapt::serve;
use backline_examples::adapt::shared::Shared;
use backline_examples::compose::hls_cache::{Notice, Origin, Output};
use backline_hls::{Event, Numbering, Presentation, Warning};
use subtle::ConstantTimeEq;
use tokio::sync::{mpsc, oneshot};

use super::keys::{KeyError, keep};
use super::mark::{Mark, highest};
use super::options::{Absence, Layout, Options, StageOptions};
use super::taps::Taps;
use backline_examples::adapt::audience::Audience;

/// How often the numbering's mark is looked at, which costs nothing; it reserves minutes ahead. A publisher whose clock
/// jumps at every key frame must not come to the end of it between two looks.
const MARK_EVERY: Duration = Duration::from_millis(200);
/// The first moment of 2026.
const YEAR_2026_MS: u64 = 1_767_225_600_000;

/// A stage cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Mark(#[from] FileError),
    #[error(transparent)]
    Hls(#[from] backline_hls::Error),
    #[error(transparent)]
    Cache(#[from] backline_cache::Error),
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// A stage. Shared by the publishers' tasks and the audience's.
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) origin: Shared<Origin>,
    pub(crate) audience: Audience,
    /// Bytes sent to the audience.
    pub(crate) sent: AtomicU64,
    /// Bytes and publishers since the start.
    pub(crate) received: AtomicU64,
    pub(crate) publishers: AtomicU64,
    /// The end mark is set; nothing comes after it.
    pub(crate) ended: AtomicBool,
    pub(crate) taps: Taps,
    seat: Mutex<Option<Occupied>>,
    /// Rises with each publisher; events of an older one are not taken any more.
    turn: AtomicU64,
}

struct Occupied {
    turn: u64,
    leave: oneshot::Sender<()>,
}

/// A publisher's place on a stage. Dropping it frees the stage, unless another has taken over.
pub(crate) struct Seat {
    stage: Arc<Stage>,
    turn: u64,
    /// Resolves when a newer publisher takes over or the show ends.
    pub(crate) evicted: oneshot::Receiver<()>,
}

impl Stage {
    /// Opens the stage and starts the tasks that belong to it.
    pub(crate) fn open(options: &Options, stage: &StageOptions) -> Result<Arc<Self>, StageError> {
        let (mut mark, reserved) = Mark::open(&options.data, &stage.name)?;
        let key = match &stage.key {
            Some(key) => key.clone(),
            None => keep(&options.data, &stage.name)?.0,
        };
        let now = Instant::now();
        let mut hls = backline_hls::Config::default();
        hls.part_target = options.part;
        hls.segment_target = options.segment;
        hls.window = options.window;
        hls.numbering = numbering(unix_ms(), options, reserved, mark.lost());
        let mut unkept = Episode::default();
        // Before anything is given out.
        let raised = mark.raise(hls.numbering);
        unkept.tell(&stage.name, raised);
        // One rendition is half the requests, and its picture and sound come in step: of the two, players
        // stalled with this one less.
        hls.layout = match options.layout {
            Some(Layout::Separate) => backline_hls::Layout::Separate,
            Some(Layout::Muxed) | None => backline_hls::Layout::Muxed,
        };
        let mut cache = backline_cache::Config::default();
        cache.budget = options.memory;
        cache.seed = random::seed();
        // A connection of HTTP/2, that of a cache before its crowd above all, holds many requests.
        cache.limits.client_waiters = serve::STREAMS_MAX;
        if options.slate.is_some() {
            hls.absence = backline_hls::Absence::Slate;
        } else if options.absence == Absence::Gap {
            // The longest that playlists may be silent (SEG-6): a publisher that is back before has left no gap.
            hls.absence = backline_hls::Absence::Gap;
            hls.absence_patience = hls.segment_target * 3 / 2;
        }
        let mut origin = Origin::new(Presentation::new(hls, now)?, Cache::new(cache, now)?, now);
        if let Some(slate) = &options.slate {
            origin.set_slate(Arc::clone(slate));
        }
        let taps = Taps::open(options, &stage.name, &mut origin)?;
        let (origin, notices) = Shared::new(origin);
        let stage = Arc::new(Self {
            name: stage.name.clone(),
            key,
            origin,
            audience: Audience::new(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            publishers: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            taps,
            seat: Mutex::new(None),
            turn: AtomicU64::new(0),
        });
        let timer = stage.origin.clone();
        tokio::spawn(async move { timer.run_timer().await });
        tokio::spawn(tell(stage.name.clone(), notices));
        tokio::spawn(keep_mark(Arc::clone(&stage), mark, unkept));
        Ok(stage)
    }

    /// Tells whether `key` is this stage's, in a time that does not depend on where they differ.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.key.as_bytes().ct_eq(key.as_bytes()).into()
    }

    /// Takes the stage for a new publisher, at once: whoever had it is told to leave and not waited for.
    pub(crate) fn take(self: &Arc<Self>, peer: SocketAddr) -> Seat {
        let (leave, evicted) = oneshot::channel();
        let mut seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = self.origin.with(|origin, now| {
            // Between the two publishers' events lies an end, whether the older one still lives or not.
            drop(origin.handle_event(now, Event::Stop));
            self.turn.fetch_add(1, Ordering::Relaxed) + 1
        });
        self.publishers.fetch_add(1, Ordering::Relaxed);
        if let Some(older) = seat.replace(Occupied { turn, leave }) {
            tracing::info!(stage = %self.name, %peer, "a newer publisher with the same key takes over");
            let _ = older.leave.send(());
        }
        Seat {
            stage: Arc::clone(self),
            turn,
            evicted,
        }
    }

    /// Ends the show: every playlist gets its end mark, every held request its answer.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(publisher) = self
            .seat
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            let _ = publisher.leave.send(());
        }
        self.origin.with(|origin, now| {
            self.turn.fetch_add(1, Ordering::Relaxed);
            drop(origin.handle_event(now, Event::End));
        });
    }
}

impl Seat {
    /// Passes the publisher's events on. Returns the first error; the others are passed on all the same.
    pub(crate) fn feed(&self, events: &mut Vec<Event>) -> Result<(), backline_hls::Error> {
        if events.is_empty() {
            return Ok(());
        }
        self.stage.origin.with(|origin, now| {
            let mut result = Ok(());
            for event in events.drain(..) {
                if self.stage.turn.load(Ordering::Relaxed) == self.turn {
                    let one = origin.handle_event(now, event);
                    result = result.and(one);
                }
            }
            result
        })
    }

    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seat = self
            .stage
            .seat
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if seat.as_ref().is_some_and(|seat| seat.turn == self.turn) {
            *seat = None;
        }
        drop(seat);
        // Nobody is left to hear of an error.
        drop(self.feed(&mut vec![Event::Stop]));
    }
}

/// First numbers after a start. The media sequence follows the wall clock, so that it never goes back although nothing
/// of the media is kept; what was reserved covers a clock that was set back, and other settings than last time. Where
/// that is lost the discontinuities follow the clock too: one an hour is more than a stage has.
fn numbering(unix_ms: u64, options: &Options, reserved: Numbering, lost: bool) -> Numbering {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    let msn = (unix_ms / millis(options.segment)).max(reserved.msn);
    // Parts may be shorter than their target: two a target duration are never reached.
    let parts = 2 * millis(options.segment) / millis(options.part) + 1;
    let hours = unix_ms.saturating_sub(YEAR_2026_MS) / 3_600_000;
    let discontinuities = if lost { hours } else { 0 };
    highest(
        Numbering::new(msn, discontinuities, msn * parts, msn),
        reserved,
    )
}

/// Whether the numbering cannot be kept, as on a full disk: that is said when it begins and when it is over.
#[derive(Debug, Default)]
struct Episode(bool);

impl Episode {
    fn tell(&mut self, stage: &str, result: Result<(), FileError>) {
        match (result, self.0) {
            (Err(error), false) => {
                tracing::warn!(%stage, %error, "cannot keep the numbering; while that lasts, after a restart it follows the wall clock alone");
                self.0 = true;
            }
            (Ok(()), true) => {
                tracing::info!(%stage, "the numbering is kept again");
                self.0 = false;
            }
            _ => {}
        }
    }
}

async fn keep_mark(stage: Arc<Stage>, mut mark: Mark, mut unkept: Episode) {
    loop {
        let used = stage
            .origin
            .with(|origin, _| origin.presentation().numbering());
        let raised = tokio::task::spawn_blocking(move || {
            let result = mark.raise(used);
            (mark, result)
        });
        let Ok((back, result)) = raised.await else {
            return;
        };
        mark = back;
        unkept.tell(&stage.name, result);
        tokio::time::sleep(MARK_EVERY).await;
    }
}

/// Puts what the origin has to say into words.
async fn tell(stage: String, mut notices: mpsc::Receiver<Output>) {
    while let Some(output) = notices.recv().await {
        let Output::Notice(notice) = output else {
            continue;
        };
        match notice {
            Notice::Ended => tracing::info!(%stage, "the stream has its end mark"),
            Notice::Evicted(objects) => tracing::warn!(
                %stage, objects,
                "media left before its time: raise --memory-mib or lower --window-s or the bit rate"
            ),
            Notice::Cache(error) => tracing::warn!(%stage, %error, "the cache refused an object"),
            Notice::Hls(warning) => warn(&stage, warning),
            _ => {}
        }
    }
}

fn warn(stage: &str, warning: Warning) {
    match warning {
        Warning::LongGop { gop_ms, target_s } => tracing::warn!(
            %stage, gop_ms,
            "no key frame for {:.1} s: set the encoder's keyframe interval to {target_s} s or less (OBS: Output, Keyframe Interval; FFmpeg: -g frames)",
            Duration::from_millis(gop_ms).as_secs_f64()
        ),
        Warning::Misaligned { track, late_ms } => tracing::warn!(
            %stage, %track, late_ms,
            "no key frame where the first picture has one: give all pictures one keyframe interval (OBS: Keyframe Interval; FFmpeg: -g frames, -sc_threshold 0)"
        ),
        Warning::Jump { track, by_ms } => {
            tracing::warn!(%stage, %track, by_ms, "the publisher's clock jumped; the picture goes on after a cut")
        }
        Warning::AudioMissing { track, behind_ms } => {
            tracing::warn!(%stage, %track, behind_ms, "sound stopped while the picture goes on: check the encoder's audio source")
        }
        Warning::TrackIgnored { track } => {
            tracing::warn!(%stage, %track, "this track is not shown: it came after the others were fixed")
        }
        Warning::PublisherAbsent { silent_ms } => {
            tracing::warn!(%stage, silent_ms, "the publisher is silent or gone")
        }
        Warning::SlateShown => {
            tracing::info!(%stage, "the slate is shown until the publisher is back")
        }
        Warning::SlateOver { shown_ms } => tracing::info!(%stage, shown_ms, "the slate is over"),
        Warning::SlateUnfit => tracing::warn!(
            %stage,
            "the slate does not fit this publisher, so players get gaps: it needs a picture, frames within a part, and sound unless his is AAC-LC or Opus"
        ),
        other => tracing::warn!(%stage, warning = ?other, "the presentation warns"),
    }
}
