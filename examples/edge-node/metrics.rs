//! Counters and histograms of the process, and the page that Prometheus scrapes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use backline_examples::adapt::listen::Doors;

use super::stage::Stage;
use backline_examples::adapt::exposition::{Exposition, Format, Histogram, Kind};

/// What a request is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    Api,
    Init,
    Other,
    Page,
    Part,
    Playlist,
    Segment,
}

const CLASSES: [(Class, &str); 7] = [
    (Class::Api, "api"),
    (Class::Init, "init"),
    (Class::Other, "other"),
    (Class::Page, "page"),
    (Class::Part, "part"),
    (Class::Playlist, "playlist"),
    (Class::Segment, "segment"),
];
const CODES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What any task may count.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) rtmp_connections: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) misconfigured: AtomicU64,
    pub(crate) malformed: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// From a message of the publisher to its part being available, without waiting for the part's end.
    pub(crate) ingest: Histogram,
    /// From the moment that a held request is due to its answer being handed to the socket.
    pub(crate) wake: Histogram,
    requests: [[AtomicU64; CODES.len()]; CLASSES.len()],
    bytes: [AtomicU64; CLASSES.len()],
    answers: [Histogram; CLASSES.len()],
}

impl Metrics {
    /// Counts one answer: its status, its body's bytes and the time that it took, holding included.
    pub(crate) fn answered(&self, class: Class, status: u16, bytes: u64, since: Instant) {
        let index = class as usize;
        if let Some(count) = self
            .requests
            .get(index)
            .and_then(|codes| codes.get(usize::from(status / 100).saturating_sub(1)))
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if let (Some(sum), Some(histogram)) = (self.bytes.get(index), self.answers.get(index)) {
            sum.fetch_add(bytes, Ordering::Relaxed);
            histogram.add(since.elapsed());
        }
    }

    /// Writes everything.
    pub(crate) fn write(&self, format: Format, stages: &[Arc<Stage>], viewers: &Doors) -> String {
        let mut out = Exposition::new(format);
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        self.write_publishers(&mut out);
        out.family("backline_ingest_seconds", Kind::Histogram, "Time from a publisher's message to its media in place, published where it ends a part.");
        out.histogram(&[], &self.ingest);
        out.family(
            "backline_http_wake_seconds",
            Kind::Histogram,
            "Time from a held request being due to its answer going to the socket.",
        );
        out.histogram(&[], &self.wake);
        out.family(
            "backline_http_connections",
            Kind::Gauge,
            "Open connections of the audience.",
        );
        out.sample(&[], viewers.count());
        out.family(
            "backline_http_requests",
            Kind::Counter,
            "Answers by what was asked for and status class.",
        );
        for ((_, class), codes) in CLASSES.iter().zip(&self.requests) {
            for (code, count) in CODES.iter().zip(codes).skip(1) {
                out.sample(&[("class", class), ("code", code)], load(count));
            }
        }
        out.family(
            "backline_http_body_bytes",
            Kind::Counter,
            "Bytes of bodies sent.",
        );
        for ((_, class), bytes) in CLASSES.iter().zip(&self.bytes) {
            out.sample(&[("class", class)], load(bytes));
        }
        out.family(
            "backline_http_answer_seconds",
            Kind::Histogram,
            "Time from a request to its answer, holding included.",
        );
        for ((_, class), histogram) in CLASSES.iter().zip(&self.answers) {
            out.histogram(&[("class", class)], histogram);
        }
        write_stages(&mut out, stages);
        out.finish()
    }

    /// The counters of those who send.
    fn write_publishers(&self, out: &mut Exposition) {
        for (name, help, counter) in [
            (
                "backline_rtmp_connections",
                "Connections of publishers that were accepted.",
                &self.rtmp_connections,
            ),
            (
                "backline_rtmp_rejected",
                "Publishers that were refused: wrong key or application.",
                &self.rejected,
            ),
            (
                "backline_configure_rejected",
                "Requests of OBS for its configuration with a wrong key.",
                &self.misconfigured,
            ),
            (
                "backline_rtmp_malformed",
                "Messages of publishers that could not be read and were skipped.",
                &self.malformed,
            ),
            (
                "backline_media_refused",
                "Samples that the presentation refused.",
                &self.refused,
            ),
        ] {
            out.family(name, Kind::Counter, help);
            out.sample(&[], counter.load(Ordering::Relaxed));
        }
    }
}

/// A family of one value a stage.
type Row = (Kind, &'static str, &'static str, fn(&View) -> u64);

const ROWS: [Row; 24] = [
    (
        Kind::Gauge,
        "stage_live",
        "1 while a publisher is on the stage.",
        |of| u64::from(of.stats.live),
    ),
    (
        Kind::Gauge,
        "stage_viewers",
        "Viewers, from held and repeated requests.",
        |of| of.viewers,
    ),
    (
        Kind::Counter,
        "stage_publishers",
        "Publishers that were let in.",
        |of| of.publishers,
    ),
    (
        Kind::Counter,
        "stage_received_bytes",
        "Bytes from publishers.",
        |of| of.received,
    ),
    (
        Kind::Counter,
        "stage_sent_bytes",
        "Bytes of media and playlists sent.",
        |of| of.sent,
    ),
    (
        Kind::Counter,
        "hls_parts",
        "Parts published, over all renditions.",
        |of| of.stats.parts,
    ),
    (
        Kind::Counter,
        "hls_segments",
        "Segments closed, over all renditions.",
        |of| of.stats.segments,
    ),
    (
        Kind::Counter,
        "hls_discontinuities",
        "Publishers that came back, codecs that changed.",
        |of| of.stats.discontinuities,
    ),
    (
        Kind::Counter,
        "hls_warnings",
        "Warnings about the media.",
        |of| of.stats.warnings,
    ),
    (
        Kind::Counter,
        "hls_samples_dropped",
        "Samples that could not be placed.",
        |of| of.stats.samples_dropped,
    ),
    (
        Kind::Gauge,
        "cache_held_bytes",
        "Memory of media, playlists and waiting requests.",
        |of| of.cache.bytes_held,
    ),
    (
        Kind::Gauge,
        "cache_waiters",
        "Requests that are held now.",
        |of| of.cache.waiters,
    ),
    (
        Kind::Counter,
        "cache_hits",
        "Requests answered at once.",
        |of| of.cache.hits,
    ),
    (
        Kind::Counter,
        "cache_renders",
        "Playlists rendered, once a version and form.",
        |of| of.cache.fetched,
    ),
    (
        Kind::Counter,
        "cache_evicted",
        "Objects that left before their time.",
        |of| of.cache.evicted,
    ),
    (
        Kind::Gauge,
        "record_open",
        "1 while a recording is written.",
        |of| of.recorded[0],
    ),
    (
        Kind::Gauge,
        "record_stopped",
        "1 while the disk takes no recording: full, or broken.",
        |of| of.recorded[1],
    ),
    (Kind::Counter, "record_parts", "Parts recorded.", |of| {
        of.recorded[2]
    }),
    (Kind::Counter, "record_bytes", "Bytes recorded.", |of| {
        of.recorded[3]
    }),
    (
        Kind::Counter,
        "record_dropped",
        "Parts not recorded: the disk was too slow or too full.",
        |of| of.recorded[4],
    ),
    (
        Kind::Counter,
        "record_finished",
        "Progressive recordings finished.",
        |of| of.recorded[5],
    ),
    (
        Kind::Counter,
        "archive_stored",
        "Objects stored in the archive.",
        |of| of.archived[0],
    ),
    (
        Kind::Counter,
        "archive_bytes",
        "Bytes of media stored in the archive.",
        |of| of.archived[1],
    ),
    (
        Kind::Counter,
        "archive_dropped",
        "Objects not stored: the archive was too slow, or refused them.",
        |of| of.archived[2],
    ),
];

/// What one stage shows, read in one go.
struct View {
    stats: backline_hls::Stats,
    cache: backline_cache::Stats,
    viewers: u64,
    publishers: u64,
    received: u64,
    sent: u64,
    /// In the order of the rows; 0 where nothing is recorded.
    recorded: [u64; 6],
    archived: [u64; 3],
}

fn write_stages(out: &mut Exposition, stages: &[Arc<Stage>]) {
    let views: Vec<_> = stages
        .iter()
        .map(|stage| (stage.name.as_str(), view(stage)))
        .collect();
    for (kind, name, help, value) in ROWS {
        out.family(&format!("backline_{name}"), kind, help);
        for (stage, view) in &views {
            out.sample(&[("stage", stage)], value(view));
        }
    }
}

fn view(stage: &Stage) -> View {
    let (stats, cache) = stage
        .origin
        .with(|origin, _| (origin.presentation().stats(), origin.cache().stats()));
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    View {
        stats,
        cache,
        viewers: stage.audience.count(Instant::now()) as u64,
        publishers: load(&stage.publishers),
        received: load(&stage.received),
        sent: load(&stage.sent),
        recorded: stage.taps.recorded(),
        archived: stage.taps.archived(),
    }
}
