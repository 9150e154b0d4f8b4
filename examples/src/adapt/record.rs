//! Recording: what a presentation publishes goes into files as well, and never gets in its way.
//!
//! A thread of its own writes; between it and the stage stands a queue with a cap, and what does not fit is dropped
//! and counted. A *take* is one run of media without a discontinuity: one fragmented file a rendition, its init
//! segment and its parts as they come. Such a file plays up to its last whole part whatever ends the process, at any
//! byte; every two seconds and at its end it is synced to the disk, so a power cut costs two seconds, and the next
//! start mends the file. A take that is over becomes one progressive MP4, in another thread, where its codecs allow.

mod finish;
mod take;
mod tracker;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use backline_hls::{ObjectId, Output, RenditionId, Warning};
use bytes::Bytes;

use finish::Finishers;
use take::Take;
use tracker::{Moment, Tracker};

/// Items that may wait for the disk: half a minute of parts of a ladder.
const QUEUE_MAX: usize = 1_024;
/// Bytes that may wait for the disk.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// What a power cut may cost.
const SYNC_EVERY: Duration = Duration::from_secs(2);
/// How often a full disk is looked at again.
const FULL_AGAIN: Duration = Duration::from_secs(5);

/// The directory of the recordings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot record into {}: {source}; check that the directory exists and is writable", path.display())]
pub struct RecordError {
    path: PathBuf,
    source: io::Error,
}

/// What a recording has come to. Read by whoever shows figures.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Figures {
    /// Takes that are open now.
    pub open: AtomicU64,
    /// 1 while the disk has no room.
    pub full: AtomicU64,
    /// Parts that were written.
    pub parts: AtomicU64,
    /// Their bytes, and those of init segments.
    pub bytes: AtomicU64,
    /// Parts that were not written: the disk was too slow or too full.
    pub dropped: AtomicU64,
    /// Progressive files that were finished.
    pub finished: AtomicU64,
}

impl Figures {
    /// All of them, in the order above.
    #[must_use]
    pub fn all(&self) -> [u64; 6] {
        [
            &self.open,
            &self.full,
            &self.parts,
            &self.bytes,
            &self.dropped,
            &self.finished,
        ]
        .map(|figure| figure.load(Ordering::Relaxed))
    }
}

/// The recording of one stage. Dropping it finishes what is open and waits for that.
#[derive(Debug)]
pub struct Recorder {
    queue: Option<SyncSender<Item>>,
    waiting: Arc<AtomicUsize>,
    figures: Arc<Figures>,
    thread: Option<JoinHandle<()>>,
}

/// One handle of the stage's side of the queue.
#[derive(Clone, Debug)]
pub struct Feeder {
    queue: SyncSender<Item>,
    waiting: Arc<AtomicUsize>,
    figures: Arc<Figures>,
}

/// What the thread gets to know.
#[derive(Debug)]
enum Item {
    /// A take may begin, or the one that is open ends here.
    Cut,
    Init(RenditionId, Bytes),
    Part(RenditionId, Vec<Bytes>),
    /// From here on, until it is over, what comes is no recording of anybody.
    Slate(bool),
    Quit,
}

impl Recorder {
    /// Starts the recording of `stage` into `folder`. What a process before this one left unfinished there is finished
    /// first.
    ///
    /// # Errors
    ///
    /// The folder cannot be made or written to.
    pub fn start(folder: &Path, stage: &str) -> Result<Self, RecordError> {
        let fail = |source| RecordError {
            path: folder.to_path_buf(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(fail)?;
        let probe = folder.join(format!(".{stage}.probe"));
        std::fs::write(&probe, b"")
            .and_then(|()| std::fs::remove_file(&probe))
            .map_err(fail)?;
        let (queue, items) = sync_channel(QUEUE_MAX);
        let waiting = Arc::new(AtomicUsize::new(0));
        let figures = Arc::new(Figures::default());
        let writer = Writer {
            folder: folder.to_path_buf(),
            stage: stage.to_owned(),
            waiting: Arc::clone(&waiting),
            finishers: Finishers::new(stage.to_owned(), Arc::clone(&figures)),
            figures: Arc::clone(&figures),
            tracker: Tracker::default(),
            take: None,
            full_until: None,
            later: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("record {stage}"))
            .spawn(move || writer.run(&items))
            .map_err(fail)?;
        Ok(Self {
            queue: Some(queue),
            waiting,
            figures,
            thread: Some(thread),
        })
    }

    /// The stage's side; `None` while the recording ends.
    #[must_use]
    pub fn feeder(&self) -> Option<Feeder> {
        let queue = self.queue.clone()?;
        Some(Feeder {
            queue,
            waiting: Arc::clone(&self.waiting),
            figures: Arc::clone(&self.figures),
        })
    }

    /// What it has come to.
    #[must_use]
    pub fn figures(&self) -> Arc<Figures> {
        Arc::clone(&self.figures)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            // The thread is gone only after a panic, which has been reported.
            let _ = queue.send(Item::Quit);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Feeder {
    /// A publisher has come or gone: the take ends.
    pub fn cut(&self) {
        let _ = self.queue.try_send(Item::Cut);
    }

    /// Takes what a presentation gives out. Never waits.
    pub fn take(&self, output: &Output) {
        let sent = match output {
            Output::Init { object, body } => {
                self.send(body.len(), Item::Init(object.rendition, body.clone()))
            }
            Output::Part { object, body } => {
                let ObjectId { rendition, .. } = *object;
                let bytes = body.iter().map(Bytes::len).sum();
                self.send(bytes, Item::Part(rendition, body.clone()))
            }
            Output::Warning(Warning::SlateShown) => self.send(0, Item::Slate(true)),
            Output::Warning(Warning::SlateOver { .. }) => self.send(0, Item::Slate(false)),
            Output::Ended => self.send(0, Item::Cut),
            _ => true,
        };
        if !sent {
            self.figures.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn send(&self, bytes: usize, item: Item) -> bool {
        if self.waiting.load(Ordering::Relaxed) + bytes > QUEUE_BYTES_MAX {
            return false;
        }
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        match self.queue.try_send(item) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.waiting.fetch_sub(bytes, Ordering::Relaxed);
                false
            }
        }
    }
}

/// The thread's side.
struct Writer {
    folder: PathBuf,
    stage: String,
    waiting: Arc<AtomicUsize>,
    figures: Arc<Figures>,
    finishers: Finishers,
    tracker: Tracker,
    take: Option<Take>,
    /// The disk was full: not before then.
    full_until: Option<Instant>,
    /// Takes that are finished when there is room.
    later: Vec<(PathBuf, Vec<PathBuf>)>,
}

impl Writer {
    fn run(mut self, items: &Receiver<Item>) {
        self.finishers.leftovers(&self.folder);
        loop {
            match items.recv_timeout(SYNC_EVERY) {
                Ok(Item::Quit) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(item) => self.item(item),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.sync();
        }
        self.full_until = None;
        self.close();
        self.finishers.wait();
    }

    fn item(&mut self, item: Item) {
        match item {
            Item::Cut => self.close(),
            Item::Init(rendition, body) => {
                self.waiting.fetch_sub(body.len(), Ordering::Relaxed);
                self.tracker.init(rendition, body);
            }
            Item::Part(rendition, body) => {
                let bytes = body.iter().map(Bytes::len).sum();
                self.waiting.fetch_sub(bytes, Ordering::Relaxed);
                self.part(rendition, &body);
            }
            Item::Slate(shown) => {
                self.close();
                self.tracker.slate = shown;
            }
            Item::Quit => {}
        }
    }

    fn part(&mut self, rendition: RenditionId, body: &[Bytes]) {
        match self.tracker.part(rendition, body) {
            Moment::Cut => self.close(),
            Moment::Goes => {}
            Moment::Skipped => {
                if !self.tracker.slate {
                    self.figures.dropped.fetch_add(1, Ordering::Relaxed);
                }
                return;
            }
        }
        if self.tracker.slate {
            return;
        }
        if let Err(error) = self.write(rendition, body) {
            self.fail(&error);
        }
    }

    fn write(&mut self, rendition: RenditionId, body: &[Bytes]) -> io::Result<()> {
        if self.take.is_none() {
            // Only where decoding can start.
            let ready = self.tracker.starts(rendition, body);
            let again = self.full_until.is_none_or(|until| Instant::now() >= until);
            if !ready || !again {
                self.figures.dropped.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            if self.full_until.is_some() {
                take::probe(&self.folder, &self.stage)?;
                self.full_until = None;
                self.figures.full.store(0, Ordering::Relaxed);
                tracing::info!(stage = %self.stage, "there is room on the disk again: the recording goes on");
            }
            self.take = Some(Take::new(&self.folder, &self.stage));
            self.figures.open.store(1, Ordering::Relaxed);
        }
        let Some(take) = &mut self.take else {
            return Ok(());
        };
        let Some(init) = self.tracker.init_of(rendition) else {
            return Ok(());
        };
        let bytes = take.write(rendition, &init, body)?;
        self.figures.parts.fetch_add(1, Ordering::Relaxed);
        self.figures.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// The disk cannot take more: said once, and the show goes on.
    fn fail(&mut self, error: &io::Error) {
        self.figures.dropped.fetch_add(1, Ordering::Relaxed);
        if self.full_until.is_none() {
            tracing::error!(
                stage = %self.stage, folder = %self.folder.display(), %error,
                "the recording has stopped, the show goes on; what was recorded is kept, and a new file begins when there is room"
            );
        }
        self.figures.full.store(1, Ordering::Relaxed);
        self.full_until = Some(Instant::now() + FULL_AGAIN);
        self.close();
    }

    fn sync(&mut self) {
        let late = self
            .take
            .as_mut()
            .and_then(|take| take.sync(SYNC_EVERY).err());
        if let Some(error) = late {
            self.fail(&error);
        }
    }

    /// Ends the open take; it becomes a progressive file elsewhere.
    fn close(&mut self) {
        if let Some(take) = self.take.take() {
            self.figures.open.store(0, Ordering::Relaxed);
            self.later.push(take.close());
        }
        if self.full_until.is_none() {
            for take in self.later.drain(..) {
                self.finishers.start(take);
            }
        }
    }
}
