//! What is written, when it is synced, and what goes when the ring comes round.

mod plan;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use bytes::Bytes;

use self::plan::{Effect, Pending, Step};
use super::codec::{BLOCK, META_MAX, span};
use super::crc::Crc;
use super::index::{Checked, Entry, Index};
use super::recovery::FileState;
use super::{DiskOp, Fault, LogConfig, Mark, Record, RecordKey, RecordKind, Recovered};
use crate::LogError;

/// The writing side of a log.
///
/// - *Verbs* say what is to be kept: [`append`](Self::append), [`mark`](Self::mark),
///   [`commit`](Self::commit), [`release`](Self::release).
/// - [`poll_op`](Self::poll_op) says what to do on the disk, one thing at a time;
///   [`handle_done`](Self::handle_done) takes how it went.
/// - [`poll_output`](Self::poll_output) says what became known.
/// - After a fault the log is off for [`LogConfig::retry`]: nothing is written, service goes on from memory.
#[derive(Debug)]
pub struct Writer {
    config: LogConfig,
    boot: u64,
    nonce: u64,
    next_file: u64,
    files: BTreeMap<u64, FileState>,
    free: Option<u64>,
    index: Index,
    marks: BTreeMap<(u32, u32), Marks>,
    /// The file in which all marks are on the disk; it goes only when a later one has them.
    marks_file: Option<u64>,
    current: Option<Current>,
    pending: VecDeque<Pending>,
    pending_bytes: u64,
    /// What of it is to be kept, bytes.
    pending_kept: u64,
    pending_keys: BTreeSet<RecordKey>,
    /// Counts of records: given, written, and asked to be synced.
    appended: u64,
    written: u64,
    committed: u64,
    synced: u64,
    /// Up to which record the sync that is due reaches at least.
    due: Option<u64>,
    unsynced: Vec<RecordKey>,
    unsynced_marks: Vec<((u32, u32), Mark)>,
    /// Marks that a fault took are to be written again, whether or not anything else is.
    owed: bool,
    /// The headers of the current file's records.
    contents: Vec<u8>,
    /// Copies that no sync has made last.
    carried: Vec<Entry>,
    plan: VecDeque<Step>,
    underway: Option<Effect>,
    off: Option<(Fault, Instant)>,
    outputs: VecDeque<LogOutput>,
    stats: LogStats,
}

/// What became known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LogOutput {
    /// The ring came round: the record is no longer there.
    Evicted {
        /// Its name.
        key: RecordKey,
    },
    /// The record was not written, or not for certain; a fault came in between.
    Lost {
        /// Its name.
        key: RecordKey,
    },
    /// The numbers up to the mark may be given out.
    Marked {
        /// The stream.
        stream: u32,
        /// The rendition.
        rendition: u32,
        /// The mark.
        mark: Mark,
    },
    /// Nothing is written until the log tries again.
    Off {
        /// Why.
        fault: Fault,
    },
    /// The log is written again.
    On,
    /// The record survives a power cut from now on.
    Synced {
        /// Its name.
        key: RecordKey,
    },
}

/// What a log has done, and what it is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub struct LogStats {
    /// Bytes that were carried on.
    pub carried: u64,
    /// Bytes that the files take.
    pub disk: u64,
    /// Records that went when the ring came round.
    pub evicted: u64,
    /// Faults of the disk.
    pub faults: u64,
    /// Files.
    pub files: u64,
    /// Bytes of the records that are kept.
    pub kept: u64,
    /// Records that a fault took.
    pub lost: u64,
    /// Bytes of payloads that were appended and written.
    pub payload: u64,
    /// Records that the index lists.
    pub records: u64,
    /// Syncs of files and folder.
    pub syncs: u64,
    /// Bytes written in all.
    pub written: u64,
}

/// The file that is being written.
#[derive(Clone, Copy, Debug)]
struct Current {
    file: u64,
    end: u64,
    settled: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    wanted: Mark,
    durable: Option<Mark>,
}

impl Writer {
    /// Goes on with what a recovery has found; an empty one is a new log. `nonce` is the caller's randomness that tells
    /// records of this run from old bytes in reused blocks.
    ///
    /// # Errors
    /// [`LogError::Config`] where a size is too small or not a multiple of 4 KiB.
    pub fn new(config: LogConfig, found: Recovered, nonce: u64) -> Result<Self, LogError> {
        let field = |field, value, least| {
            Err(LogError::Config {
                field,
                value,
                least,
            })
        };
        if config.file_bytes < FILE_MIN || !config.file_bytes.is_multiple_of(BLOCK) {
            return field("file_bytes", config.file_bytes, FILE_MIN);
        }
        let least = config.file_bytes.saturating_mul(FILES_MIN);
        if config.budget < least {
            return field("budget", config.budget, least);
        }
        let marks = found.marks.into_iter().map(|(of, wanted)| {
            let durable = None;
            (of, Marks { wanted, durable })
        });
        let mut writer = Self {
            boot: found.boots.saturating_add(1),
            nonce,
            next_file: found
                .files
                .keys()
                .next_back()
                .map_or(1, |last| last.saturating_add(1)),
            files: found.files,
            free: None,
            index: found.index,
            marks: marks.collect(),
            marks_file: found.marks_file,
            current: None,
            pending: VecDeque::new(),
            pending_bytes: 0,
            pending_kept: 0,
            pending_keys: BTreeSet::new(),
            appended: 0,
            written: 0,
            committed: 0,
            synced: 0,
            due: None,
            unsynced: Vec::new(),
            unsynced_marks: Vec::new(),
            owed: false,
            contents: Vec::new(),
            carried: Vec::new(),
            plan: VecDeque::new(),
            underway: None,
            off: None,
            outputs: VecDeque::new(),
            stats: LogStats::default(),
            config,
        };
        writer.plan_start(found.temp);
        Ok(writer)
    }

    /// Appends a record. Its mark, if it has one, is reserved with it.
    ///
    /// # Errors
    /// [`LogError::Off`] after a fault, [`LogError::Written`] for a name that has a record, [`LogError::Mark`] for a
    /// name that is a mark's, [`LogError::TooLarge`], [`LogError::Meta`], [`LogError::Kept`],
    /// [`LogError::Queue`], [`LogError::Records`] and [`LogError::Renditions`] over a cap. Nothing has changed then.
    pub fn append(&mut self, record: Record, payload: &[Bytes]) -> Result<(), LogError> {
        let key = record.key;
        if key.kind.is_internal() {
            return Err(LogError::Mark { key });
        }
        if self.index.get(key).is_some() || self.pending_keys.contains(&key) {
            return Err(LogError::Written { key });
        }
        let most = self.config.limits.records;
        if self.index.len().saturating_add(self.pending.len()) >= most {
            // The next one finds room.
            self.shrink();
            return Err(LogError::Records { most });
        }
        self.push(record, payload)
    }

    /// Reserves the numbers of a rendition up to `mark`; a lower one than before changes nothing. They may be given out
    /// once it is on disk, after the next [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`LogError::Off`] after a fault, [`LogError::Queue`] and [`LogError::Renditions`] over a cap.
    pub fn mark(&mut self, stream: u32, rendition: u32, mark: Mark) -> Result<(), LogError> {
        let key = RecordKey::new(stream, rendition, RecordKind::Mark, self.appended);
        self.push(Record::new(key).with_mark(mark), &[])
    }

    /// Has everything synced that was appended up to now: once a segment, or once for the segments of all
    /// renditions that end together. What is asked for while a sync is under way shares the next one.
    pub const fn commit(&mut self) {
        self.committed = self.appended;
    }

    /// Lets go of a kept record: it stays until the ring comes round.
    pub fn release(&mut self, key: RecordKey) {
        self.index.release(key);
        if self.pending_keys.contains(&key) {
            for one in self.pending.iter_mut().filter(|one| one.record.key == key) {
                self.pending_kept = self.pending_kept.saturating_sub(one.kept());
                one.record.keep = false;
            }
        }
    }

    /// Notes what the first read of a payload has shown.
    pub fn checked(&mut self, key: RecordKey, good: bool) {
        self.index
            .check(key, if good { Checked::Good } else { Checked::Bad });
    }

    /// Tells how many bytes are free on the disk. Too few cost the oldest file that has nothing kept; where there
    /// is none the log is off until there are enough.
    pub fn set_free(&mut self, now: Instant, bytes: u64) {
        self.free = Some(bytes);
        if self.free_is_short() && self.off.is_none() && !self.shrink() && self.is_idle() {
            self.fail(Fault::NoSpace, now);
        }
    }

    /// Takes how the operation went that was handed out last.
    pub fn handle_done(&mut self, now: Instant, result: Result<(), Fault>) {
        let Some(effect) = self.underway.take() else {
            return;
        };
        match result {
            Ok(()) => self.apply(effect),
            Err(fault) => {
                if let Effect::Written(entry) = effect {
                    self.lose(entry.record.key);
                }
                self.fail(fault, now);
            }
        }
    }

    /// Tries again when it is time to. What was reserved in the meantime has to be marked anew.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some((fault, until)) = self.off else {
            return;
        };
        if until > now {
            return;
        }
        if self.free_is_short() {
            self.off = now
                .checked_add(self.config.retry)
                .map(|until| (fault, until));
        } else {
            self.off = None;
            self.outputs.push_back(LogOutput::On);
        }
    }

    /// The next thing to do on the disk, once the one before is answered.
    pub fn poll_op(&mut self) -> Option<DiskOp> {
        if self.underway.is_some() || self.off.is_some() {
            return None;
        }
        let step = match self.plan.pop_front() {
            Some(step) => step,
            None => self.decide()?,
        };
        self.count(&step.op);
        self.underway = Some(step.effect);
        Some(step.op)
    }

    /// What became known.
    pub fn poll_output(&mut self) -> Option<LogOutput> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.off.map(|(_, until)| until)
    }

    /// A record, as soon as it is written.
    #[must_use]
    pub fn get(&self, key: RecordKey) -> Option<&Entry> {
        self.index.get(key)
    }

    /// The records of one kind of a rendition, in the order of their numbers.
    #[must_use]
    pub fn of(
        &self,
        stream: u32,
        rendition: u32,
        kind: RecordKind,
    ) -> impl DoubleEndedIterator<Item = &Entry> {
        self.index.of(stream, rendition, kind)
    }

    /// The fault for which nothing is written at present.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        self.off.map(|(fault, _)| fault)
    }

    /// The highest mark of a rendition, on disk or not yet.
    #[must_use]
    pub fn wanted(&self, stream: u32, rendition: u32) -> Option<Mark> {
        self.marks
            .get(&(stream, rendition))
            .map(|marks| marks.wanted)
    }

    /// Tells whether a number may be given out: a mark that is on disk reaches it, or nothing is written
    /// at present and service goes on without.
    #[must_use]
    pub fn may_publish(&self, stream: u32, rendition: u32, number: Mark) -> bool {
        let durable = self
            .marks
            .get(&(stream, rendition))
            .and_then(|marks| marks.durable);
        self.off.is_some()
            || durable.is_some_and(|mark| {
                mark.seq >= number.seq && mark.discontinuity >= number.discontinuity
            })
    }

    /// What it has done.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        LogStats {
            disk: self.disk(),
            files: self.files.len() as u64,
            kept: self.index.kept_bytes(),
            records: self.index.len() as u64,
            ..self.stats
        }
    }

    fn push(&mut self, record: Record, payload: &[Bytes]) -> Result<(), LogError> {
        let key = record.key;
        if let Some((fault, _)) = self.off {
            return Err(LogError::Off { fault });
        }
        if record.meta.len() > META_MAX {
            return Err(LogError::Meta {
                key,
                bytes: record.meta.len(),
            });
        }
        let bytes = payload
            .iter()
            .fold(0_u64, |sum, piece| sum.saturating_add(piece.len() as u64));
        let span = span(record.meta.len(), bytes);
        let most = self
            .config
            .file_bytes
            .saturating_sub(BLOCK.saturating_mul(RESERVED));
        let (true, Ok(len)) = (span <= most, u32::try_from(bytes)) else {
            return Err(LogError::TooLarge { key, bytes, most });
        };
        let kept = self.index.kept_bytes().saturating_add(self.pending_kept);
        let most = self.config.budget.saturating_div(KEPT_SHARE);
        if record.keep && kept.saturating_add(span) > most {
            return Err(LogError::Kept {
                key,
                held: kept,
                most,
            });
        }
        let most = self.config.limits.queued_bytes;
        if self.pending_bytes.saturating_add(span) > most {
            return Err(LogError::Queue {
                key,
                queued: self.pending_bytes,
                most,
            });
        }
        self.want(&record)?;
        let mut crc = Crc::new();
        for piece in payload {
            crc.update(piece);
        }
        self.appended = self.appended.saturating_add(1);
        self.pending_bytes = self.pending_bytes.saturating_add(span);
        let one = Pending {
            crc: crc.sum(),
            len,
            payload: payload.to_vec(),
            record,
        };
        self.pending_kept = self.pending_kept.saturating_add(one.kept());
        self.pending_keys.insert(key);
        self.pending.push_back(one);
        Ok(())
    }

    fn want(&mut self, record: &Record) -> Result<(), LogError> {
        if record.mark == Mark::default() {
            return Ok(());
        }
        let of = (record.key.stream, record.key.rendition);
        let most = self.config.limits.renditions;
        if self.marks.len() >= most && !self.marks.contains_key(&of) {
            return Err(LogError::Renditions {
                key: record.key,
                most,
            });
        }
        let marks = self.marks.entry(of).or_default();
        marks.wanted = marks.wanted.raised(record.mark);
        Ok(())
    }

    /// Whether nothing is planned or under way.
    fn is_idle(&self) -> bool {
        self.plan.is_empty() && self.underway.is_none()
    }

    fn free_is_short(&self) -> bool {
        self.free.is_some_and(|free| free < self.config.min_free)
    }

    /// Has a file deleted, if nothing else is going on and one can go.
    fn shrink(&mut self) -> bool {
        if self.is_idle() {
            self.plan_shrink();
        }
        !self.plan.is_empty()
    }

    /// Bytes that the files take.
    fn disk(&self) -> u64 {
        self.files
            .values()
            .fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    fn count(&mut self, op: &DiskOp) {
        let stats = &mut self.stats;
        match op {
            DiskOp::SyncFile { .. } | DiskOp::SyncDir => {
                stats.syncs = stats.syncs.saturating_add(1)
            }
            DiskOp::Copy { bytes, .. } => {
                stats.carried = stats.carried.saturating_add(*bytes);
                stats.written = stats.written.saturating_add(*bytes);
            }
            DiskOp::Write { pieces, .. } => {
                let bytes = pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
                stats.written = stats.written.saturating_add(bytes);
            }
            _ => {}
        }
    }
}

/// The smallest file, bytes.
const FILE_MIN: u64 = 64 << 10;
/// The fewest files of a budget: one that is written, two that stay free, one to lose.
const FILES_MIN: u64 = 4;
/// Blocks of a file that are no caller's: its header and the marks.
const RESERVED: u64 = 5;
/// The share of the budget that may be kept: a quarter.
const KEPT_SHARE: u64 = 4;
