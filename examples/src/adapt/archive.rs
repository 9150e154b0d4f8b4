//! The show in object storage: closed segments, init segments and a playlist of the whole night.
//!
//! A task of its own sends; between it and the stage stands a queue with a cap, and what does not fit, or what the
//! storage refuses to the end of all retries, is dropped, counted and said; its segment is listed as absent. Endpoint
//! and credentials come from the environment, as every S3 tool reads them: `AWS_ACCESS_KEY_ID`,
//! `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`. They are never logged.

mod connect;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use backline_hls::m3u8::{self, Media};
use backline_hls::{
    Form, Limits, ObjectId, ObjectKind, Output, Playlist, Presentation, RenditionId, Vod,
};
use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Attribute, Attributes, ObjectStore, PutOptions, PutPayload, RetryConfig};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::clock::{file_date, unix_ms};

/// Items that may wait for the storage.
const QUEUE_MAX: usize = 1_024;
/// Bytes that may wait for the storage: two minutes of 4 Mb/s.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Parts that wait for their segment's end, of all renditions: more than any segment holds.
const PARTS_MAX: usize = 4_096;
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
    store: Arc<AmazonS3>,
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
        let (queue, items) = mpsc::channel(QUEUE_MAX);
        let waiting = Arc::new(AtomicUsize::new(0));
        let figures = Arc::new(Figures::default());
        let show = self.prefix.clone().join(stage).join(file_date(unix_ms()));
        tracing::info!(%stage, folder = %show, "the show is archived");
        let sender = Sender {
            store: Arc::clone(&self.store),
            stage: stage.to_owned(),
            show,
            waiting: Arc::clone(&waiting),
            figures: Arc::clone(&figures),
            vods: BTreeMap::new(),
            multivariant: None,
            sent: Instant::now(),
            failing: false,
        };
        let task = tokio::spawn(sender.run(items));
        let feeder = Feeder {
            queue,
            waiting,
            figures: Arc::clone(&figures),
            parts: BTreeMap::new(),
        };
        (feeder, Sending { task, figures })
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

/// The stage's side: sees what the presentation gives out and never waits.
#[derive(Debug)]
pub struct Feeder {
    queue: mpsc::Sender<Item>,
    waiting: Arc<AtomicUsize>,
    figures: Arc<Figures>,
    /// Parts of segments that are open.
    parts: BTreeMap<ObjectId, Vec<Bytes>>,
}

#[derive(Debug)]
enum Item {
    Object(ObjectId, Vec<Bytes>),
    /// A segment that found no room in the queue.
    Lost(ObjectId),
    Playlist(Option<RenditionId>, Bytes),
    End,
}

impl Feeder {
    /// Takes what a presentation gives out.
    pub fn take(&mut self, output: &Output, presentation: &Presentation) {
        match output {
            Output::Init { object, body } => self.object(*object, vec![body.clone()]),
            Output::Part { object, body } if self.parts.len() < PARTS_MAX => {
                self.parts.insert(*object, body.clone());
            }
            Output::Segment { object, parts } => {
                let bodies = parts.iter().filter_map(|part| self.parts.remove(part));
                let body = bodies.flatten().collect();
                self.object(*object, body);
                self.playlist(Some(object.rendition), presentation);
                self.playlist(None, presentation);
            }
            Output::Ended => self.send(0, Item::End),
            _ => {}
        }
    }

    fn object(&self, object: ObjectId, body: Vec<Bytes>) {
        let bytes = body.iter().map(Bytes::len).sum::<usize>();
        if self.waiting.load(Ordering::Relaxed) + bytes > QUEUE_BYTES_MAX {
            self.figures.dropped.fetch_add(1, Ordering::Relaxed);
            self.send(0, Item::Lost(object));
        } else {
            self.send(bytes, Item::Object(object, body));
        }
    }

    fn playlist(&self, rendition: Option<RenditionId>, presentation: &Presentation) {
        let form = Form::Full;
        if let Some(rendered) = presentation.render(Playlist { rendition, form }) {
            self.send(0, Item::Playlist(rendition, rendered.text));
        }
    }

    fn send(&self, bytes: usize, item: Item) {
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        if self.queue.try_send(item).is_err() {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.figures.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The task's side.
struct Sender {
    store: Arc<AmazonS3>,
    stage: String,
    /// `<prefix>/<stage>/<date>`.
    show: Path,
    waiting: Arc<AtomicUsize>,
    figures: Arc<Figures>,
    vods: BTreeMap<RenditionId, Vod>,
    multivariant: Option<Bytes>,
    sent: Instant,
    /// The storage refuses what it gets; said once.
    failing: bool,
}

impl Sender {
    async fn run(mut self, mut items: mpsc::Receiver<Item>) {
        while let Some(item) = items.recv().await {
            match item {
                Item::Object(object, body) => self.object(object, body).await,
                Item::Lost(object) => self.lose(object),
                Item::Playlist(Some(rendition), text) => {
                    if let Some(media) = media(&text) {
                        self.vods.entry(rendition).or_default().follow(&media);
                    }
                }
                Item::Playlist(None, text) => {
                    let first = self.multivariant.replace(text).is_none();
                    if first || self.sent.elapsed() >= PLAYLIST_EVERY {
                        self.playlists(false).await;
                    }
                }
                Item::End => break,
            }
        }
        self.playlists(true).await;
        tracing::info!(stage = %self.stage, folder = %self.show, "the archive is complete");
    }

    async fn object(&mut self, object: ObjectId, body: Vec<Bytes>) {
        let bytes = body.iter().map(Bytes::len).sum::<usize>();
        let path = self.path(object.rendition).join(name(object));
        let stored = self
            .put(path, PutPayload::from_iter(body), "video/mp4")
            .await;
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        if stored {
            self.figures
                .bytes
                .fetch_add(bytes as u64, Ordering::Relaxed);
        } else {
            self.lose(object);
        }
    }

    /// A segment that is not there is listed as absent.
    fn lose(&mut self, object: ObjectId) {
        if object.kind == ObjectKind::Segment {
            let vod = self.vods.entry(object.rendition).or_default();
            vod.lose(object.number);
        }
    }

    /// Stores all playlists as far as the show has come.
    async fn playlists(&mut self, ended: bool) {
        self.sent = Instant::now();
        let texts = self
            .vods
            .iter()
            .map(|(rendition, vod)| (self.path(*rendition), Bytes::from(vod.render(ended))));
        let mut texts: Vec<_> = texts.collect();
        texts.extend(
            self.multivariant
                .clone()
                .map(|text| (self.show.clone(), text)),
        );
        for (folder, text) in texts {
            let path = folder.join("index.m3u8");
            self.put(
                path,
                PutPayload::from(text),
                "application/vnd.apple.mpegurl",
            )
            .await;
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
                self.figures.stored.fetch_add(1, Ordering::Relaxed);
                if std::mem::take(&mut self.failing) {
                    tracing::info!(stage = %self.stage, "the archive takes objects again");
                }
                true
            }
            Err(error) => {
                self.figures.dropped.fetch_add(1, Ordering::Relaxed);
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
fn name(object: ObjectId) -> String {
    match object.kind {
        ObjectKind::Init => format!("i{}.mp4", object.number),
        ObjectKind::Part => format!("p{}.m4s", object.number),
        ObjectKind::Segment => format!("s{}.m4s", object.number),
    }
}

fn media(text: &[u8]) -> Option<Media> {
    match m3u8::Playlist::parse(text, &Limits::default()).ok()? {
        m3u8::Playlist::Media(media) => Some(media),
        _ => None,
    }
}
