//! Recording: what a presentation publishes goes into files as well, and never gets in its way.
//!
//! A thread of its own writes; between it and the stage stands a queue of parts with a cap, and a part that does not
//! fit is dropped and counted. Nothing else is ever lost: where a take ends and which init segment holds is decided on
//! the stage's side. A *take* is one run of media without a discontinuity or a loss: one fragmented file a rendition,
//! its init segment and its parts as they come. Such a file plays up to its last whole part whatever ends the process,
//! at any byte; every two seconds and at its end it is synced to the disk, so a power cut costs two seconds, and the
//! next start mends the file. A take that is over becomes one progressive MP4, in another thread, where its codecs
//! allow.

mod feed;
mod finish;
mod take;
mod tracker;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use backline_hls::RenditionId;
use bytes::Bytes;

pub use feed::Feeder;
use finish::Finishers;
use take::Take;

/// Items that may wait for the disk: half a minute of parts of a ladder.
const QUEUE_MAX: usize = 1_024;
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
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the stage's side and the thread both know.
#[derive(Debug, Default)]
struct Shared {
    /// Bytes in the queue.
    waiting: AtomicUsize,
    /// The number of the take that goes on; those below are over. It is no item of the queue, so that a take's end
    /// cannot be lost where the queue is full.
    take: AtomicU64,
    figures: Arc<Figures>,
}

/// What the thread gets to know.
#[derive(Debug)]
enum Item {
    Part(Piece),
    /// There is something to look at besides the queue.
    Woken,
    Quit,
}

/// A part with everything that is needed to write it, whatever was lost before it.
#[derive(Debug)]
struct Piece {
    take: u64,
    rendition: RenditionId,
    /// Whether a take can begin with it.
    starts: bool,
    init: Bytes,
    body: Vec<Bytes>,
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
        let shared = Arc::new(Shared::default());
        let writer = Writer {
            folder: folder.to_path_buf(),
            stage: stage.to_owned(),
            finishers: Finishers::new(stage.to_owned(), Arc::clone(&shared.figures)),
            shared: Arc::clone(&shared),
            number: 0,
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
            shared,
            thread: Some(thread),
        })
    }

    /// The stage's side, of which there is one; `None` while the recording ends.
    #[must_use]
    pub fn feeder(&self) -> Option<Feeder> {
        let queue = self.queue.clone()?;
        Some(Feeder::new(queue, Arc::clone(&self.shared)))
    }

    /// What it has come to.
    #[must_use]
    pub fn figures(&self) -> Arc<Figures> {
        Arc::clone(&self.shared.figures)
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

/// The thread's side.
struct Writer {
    folder: PathBuf,
    stage: String,
    shared: Arc<Shared>,
    finishers: Finishers,
    /// The number of the take that came last.
    number: u64,
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
            // Read before the queue is: of a take that was over by then nothing comes once the queue is empty.
            let newest = self.shared.take.load(Ordering::Acquire);
            let item = match items.try_recv() {
                Ok(item) => Ok(item),
                Err(_) => {
                    if newest > self.number {
                        self.close();
                    }
                    items.recv_timeout(SYNC_EVERY)
                }
            };
            match item {
                Ok(Item::Quit) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Item::Part(piece)) => self.part(&piece),
                Ok(Item::Woken) | Err(RecvTimeoutError::Timeout) => {}
            }
            self.sync();
        }
        self.full_until = None;
        self.close();
        self.finishers.wait();
    }

    fn part(&mut self, piece: &Piece) {
        self.shared
            .waiting
            .fetch_sub(piece.bytes(), Ordering::Relaxed);
        if self.number != piece.take {
            self.close();
            self.number = piece.take;
        }
        if let Err(error) = self.write(piece) {
            self.fail(&error);
        }
    }

    fn write(&mut self, piece: &Piece) -> io::Result<()> {
        if self.take.is_none() {
            // Only where decoding can start.
            let again = self.full_until.is_none_or(|until| Instant::now() >= until);
            if !piece.starts || !again {
                self.shared.figures.dropped.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            if self.full_until.is_some() {
                take::probe(&self.folder, &self.stage)?;
                self.full_until = None;
                self.shared.figures.full.store(0, Ordering::Relaxed);
                tracing::info!(stage = %self.stage, "there is room on the disk again: the recording goes on");
            }
            self.take = Some(Take::new(&self.folder, &self.stage));
            self.shared.figures.open.store(1, Ordering::Relaxed);
        }
        let Some(take) = &mut self.take else {
            return Ok(());
        };
        let bytes = take.write(piece.rendition, &piece.init, &piece.body)?;
        self.shared.figures.parts.fetch_add(1, Ordering::Relaxed);
        self.shared
            .figures
            .bytes
            .fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// The disk cannot take more: said once, and the show goes on.
    fn fail(&mut self, error: &io::Error) {
        self.shared.figures.dropped.fetch_add(1, Ordering::Relaxed);
        if self.full_until.is_none() {
            tracing::error!(
                stage = %self.stage, folder = %self.folder.display(), %error,
                "the recording has stopped, the show goes on; what was recorded is kept, and a new file begins when there is room"
            );
        }
        self.shared.figures.full.store(1, Ordering::Relaxed);
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
            self.shared.figures.open.store(0, Ordering::Relaxed);
            self.later.push(take.close());
        }
        if self.full_until.is_none() {
            for take in self.later.drain(..) {
                self.finishers.start(take);
            }
        }
    }
}

impl Piece {
    fn bytes(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }
}

#[cfg(test)]
mod tests;
