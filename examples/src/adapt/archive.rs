//! The show in object storage: closed segments, init segments and a playlist of the whole night.
//!
//! A task of its own sends; between it and the stage stands a queue with a cap, and what does not fit, or what the
//! storage refuses to the end of all retries, is dropped, counted and said. The playlists list as present only what the
//! storage has taken, and everything else as absent. Endpoint
//! and credentials come from the environment, as every S3 tool reads them: `AWS_ACCESS_KEY_ID`,
//! `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`. They are never logged.

mod connect;
mod feed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backline_hls::m3u8::Media;
use backline_hls::{ObjectId, ObjectKind, RenditionId, Vod};
use bytes::Bytes;
pub use feed::Feeder;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{Attribute, Attributes, ObjectStore, PutOptions, PutPayload, RetryConfig};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::clock::{file_date, unix_ms};

/// Init segments that wait for the storage to take objects again.
const UNSENT_MAX: usize = 64;
/// Segments that are stored and wait for their line: a presentation lists the first ones when all its renditions have
/// one.
const UNLISTED_MAX: usize = 4_096;
/// Waits before the tries of one object.
const RETRY_AFTER: [Duration; 7] = [
    Duration::ZERO,
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// How often the playlist in the storage follows the show.
const PLAYLIST_EVERY: Duration = Duration::from_secs(30);
/// How long the end of the show waits for what is still on its way.
const LAST_MAX: Duration = Duration::from_secs(30);

/// The archive cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The address is not one.
    #[error("{address:?} is no address of an archive: expected s3://BUCKET/PREFIX")]
    Address {
        /// What was given.
        address: String,
    },
    /// What the environment says cannot be used.
    #[error(
        "the archive cannot be used: {0}; check AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    Environment(#[from] object_store::Error),
    /// This machine trusts nobody.
    #[error(transparent)]
    Tls(#[from] super::tls::TlsError),
}

/// What an archive has come to. Read by whoever shows figures.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Figures {
    /// Objects that were stored.
    pub stored: AtomicU64,
    /// Their bytes.
    pub bytes: AtomicU64,
    /// Objects that were not stored: the storage was too slow, or refused them.
    pub dropped: AtomicU64,
}

impl Figures {
    /// All of them, in the order above.
    #[must_use]
    pub fn all(&self) -> [u64; 3] {
        [&self.stored, &self.bytes, &self.dropped].map(|figure| figure.load(Ordering::Relaxed))
    }
}

/// A storage, for all stages.
#[derive(Clone, Debug)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl Archive {
    /// Opens `s3://bucket/prefix`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The address is none, or what the environment says cannot be used.
    pub fn open(address: &str) -> Result<Self, ArchiveError> {
        let wrong = || ArchiveError::Address {
            address: address.to_owned(),
        };
        let rest = address.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong());
        }
        let store = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_http_connector(connect::Connector::new()?)
            // Retries are this side's, which says one line and not one each.
            .with_retry(RetryConfig {
                max_retries: 0,
                ..RetryConfig::default()
            })
            .build()?;
        Ok(Self {
            store: Arc::new(store),
            prefix: Path::from(prefix),
        })
    }

    /// Starts the archive of a stage: its side of the queue, and the task's end.
    #[must_use]
    pub fn start(&self, stage: &str) -> (Feeder, Sending) {
        let (queue, items) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let show = self.prefix.clone().join(stage).join(file_date(unix_ms()));
        tracing::info!(%stage, folder = %show, "the show is archived");
        let sender = Sender::new(
            Arc::clone(&self.store),
            stage.to_owned(),
            show,
            Arc::clone(&shared),
        );
        let task = tokio::spawn(sender.run(items));
        let figures = Arc::clone(&shared.figures);
        (Feeder::new(queue, shared), Sending { task, figures })
    }
}

/// What both sides know.
#[derive(Debug, Default)]
struct Shared {
    /// Bytes in the queue.
    waiting: AtomicUsize,
    figures: Arc<Figures>,
    /// The newest multivariant playlist.
    multivariant: Mutex<Option<Bytes>>,
}

/// What the task is to do. The queue ends with the show.
#[derive(Debug)]
enum Item {
    Init(ObjectId, Bytes),
    Segment(ObjectId, Body),
    /// Lines of the live playlist that were not there before, and the bytes that they count.
    Listed(RenditionId, Box<Media>, usize),
}

/// What is stored of a segment.
#[derive(Debug)]
struct Body {
    pieces: Vec<Bytes>,
    ending: &'static str,
    content_type: &'static str,
}

impl Body {
    const fn media(pieces: Vec<Bytes>) -> Self {
        Self {
            pieces,
            ending: "m4s",
            content_type: "video/mp4",
        }
    }

    fn text(text: Bytes) -> Self {
        Self {
            pieces: vec![text],
            ending: "vtt",
            content_type: "text/vtt",
        }
    }

    fn bytes(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

/// The task of a stage's archive.
#[derive(Debug)]
pub struct Sending {
    task: JoinHandle<()>,
    figures: Arc<Figures>,
}

impl Sending {
    /// What it has come to.
    #[must_use]
    pub fn figures(&self) -> Arc<Figures> {
        Arc::clone(&self.figures)
    }

    /// Waits for what is on its way, after the end of the show.
    pub async fn finish(self) {
        let stop = self.task.abort_handle();
        if tokio::time::timeout(LAST_MAX, self.task).await.is_err() {
            tracing::warn!("the archive is too slow: its end is missing");
            stop.abort();
        }
    }
}

/// The task's side.
struct Sender {
    store: Arc<dyn ObjectStore>,
    stage: String,
    /// `<prefix>/<stage>/<date>`.
    show: Path,
    shared: Arc<Shared>,
    vods: BTreeMap<RenditionId, Vod>,
    /// Init segments that the storage did not take yet.
    unsent: BTreeMap<ObjectId, Bytes>,
    /// Those that it took.
    inits: BTreeSet<ObjectId>,
    /// Segments that are stored and not listed yet.
    unlisted: BTreeSet<ObjectId>,
    sent: Option<Instant>,
    /// The storage refuses what it gets; said once.
    failing: bool,
}

impl Sender {
    const fn new(
        store: Arc<dyn ObjectStore>,
        stage: String,
        show: Path,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            store,
            stage,
            show,
            shared,
            vods: BTreeMap::new(),
            unsent: BTreeMap::new(),
            inits: BTreeSet::new(),
            unlisted: BTreeSet::new(),
            sent: None,
            failing: false,
        }
    }

    async fn run(mut self, mut items: mpsc::UnboundedReceiver<Item>) {
        while let Some(item) = items.recv().await {
            match item {
                Item::Init(object, body) => {
                    let bytes = body.len();
                    if !self.init(object, body.clone()).await {
                        self.unsent.insert(object, body);
                        if self.unsent.len() > UNSENT_MAX {
                            self.unsent.pop_first();
                        }
                    }
                    self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
                }
                Item::Segment(object, body) => {
                    let bytes = body.bytes();
                    self.segment(object, body).await;
                    self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
                }
                Item::Listed(rendition, listed, bytes) => {
                    self.list(rendition, *listed);
                    self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
                    let since = self.sent.map(|sent| sent.elapsed());
                    if since.is_none_or(|since| since >= PLAYLIST_EVERY) {
                        self.playlists(false).await;
                    }
                }
            }
        }
        self.playlists(true).await;
        tracing::info!(stage = %self.stage, folder = %self.show, "the archive is complete");
    }

    async fn init(&mut self, object: ObjectId, body: Bytes) -> bool {
        let path = self.path(object.rendition).join(init_name(object.number));
        let bytes = body.len();
        let stored = self.put(path, PutPayload::from(body), "video/mp4").await;
        self.account(stored, bytes);
        if stored {
            self.inits.insert(object);
        }
        stored
    }

    /// Stores a segment, and before it the init segments of its rendition that are still missing.
    async fn segment(&mut self, object: ObjectId, body: Body) {
        let missing: Vec<_> = self
            .unsent
            .iter()
            .filter(|(init, _)| init.rendition == object.rendition)
            .map(|(init, body)| (*init, body.clone()))
            .collect();
        for (init, body) in missing {
            if self.init(init, body).await {
                self.unsent.remove(&init);
            }
        }
        let name = format!("s{}.{}", object.number, body.ending);
        let path = self.path(object.rendition).join(name);
        let (bytes, kind) = (body.bytes(), body.content_type);
        let stored = self
            .put(path, PutPayload::from_iter(body.pieces), kind)
            .await;
        self.account(stored, bytes);
        if stored {
            self.unlisted.insert(object);
            if self.unlisted.len() > UNLISTED_MAX {
                self.unlisted.pop_first();
            }
        }
    }

    fn account(&self, stored: bool, bytes: usize) {
        let figures = &self.shared.figures;
        if stored {
            figures.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        } else {
            figures.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes over lines of a playlist. Whatever is not known to be stored, with its init segment, is listed as absent.
    fn list(&mut self, rendition: RenditionId, mut listed: Media) {
        let vod = self.vods.entry(rendition).or_default();
        // One by one, so that there may be more of them than a list of losses holds.
        for segment in std::mem::take(&mut listed.segments) {
            let object = ObjectId {
                rendition,
                kind: ObjectKind::Segment,
                number: segment.msn,
            };
            let stored = self.unlisted.remove(&object);
            // The newest first: it is the one.
            let has_init = segment.map.as_ref().is_none_or(|map| {
                let mut inits = self.inits.iter().rev();
                inits.any(|init| init.rendition == rendition && init_name(init.number) == map.uri)
            });
            if !stored || !has_init {
                vod.lose(segment.msn);
            }
            listed.segments = vec![segment];
            vod.follow(&listed);
        }
    }

    /// Stores all playlists as far as the show has come.
    async fn playlists(&mut self, ended: bool) {
        self.sent = Some(Instant::now());
        let texts = self
            .vods
            .iter()
            .map(|(rendition, vod)| (self.path(*rendition), Bytes::from(vod.render(ended))));
        let mut texts: Vec<_> = texts.collect();
        let multivariant = self
            .shared
            .multivariant
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        texts.extend(multivariant.map(|text| (self.show.clone(), text)));
        for (folder, text) in texts {
            let path = folder.join("index.m3u8");
            let kind = "application/vnd.apple.mpegurl";
            let stored = self.put(path, PutPayload::from(text), kind).await;
            self.account(stored, 0);
        }
    }

    /// Stores one object, with all the retries that there are. What fails is said once in a row.
    async fn put(&mut self, path: Path, payload: PutPayload, kind: &'static str) -> bool {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, kind.into());
        let options = PutOptions::from(attributes);
        let mut result = Ok(());
        // While the storage refuses everything, one try an object is enough to find out that it takes them again.
        let tries = if self.failing { 1 } else { RETRY_AFTER.len() };
        for wait in RETRY_AFTER.iter().take(tries) {
            tokio::time::sleep(*wait).await;
            let put = self
                .store
                .put_opts(&path, payload.clone(), options.clone())
                .await;
            result = put.map(|_| ());
            if result.is_ok() {
                break;
            }
        }
        match result {
            Ok(()) => {
                self.shared.figures.stored.fetch_add(1, Ordering::Relaxed);
                if std::mem::take(&mut self.failing) {
                    tracing::info!(stage = %self.stage, "the archive takes objects again");
                }
                true
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(stage = %self.stage, object = %path, %error, "the archive does not take objects; what it misses is listed as absent");
                }
                false
            }
        }
    }

    fn path(&self, rendition: RenditionId) -> Path {
        self.show.clone().join(rendition.to_string())
    }
}

/// As in the live playlists.
fn init_name(number: u64) -> String {
    format!("i{number}.mp4")
}

#[cfg(test)]
mod tests;
