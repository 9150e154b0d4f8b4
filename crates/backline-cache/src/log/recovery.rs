//! Finds what a log has kept: newest files first, past whatever is damaged.

mod scan;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use self::scan::{Met, Scan};
use super::crc::Crc;
use super::index::{Checked, Entry, Index, Place};
use super::{
    Fault, FileName, Found, LogConfig, Mark, ReadOp, Record, RecordKey, RecordKind, codec,
};

/// The recovery of a log: asks for one read after the other until it is done.
///
/// It is [ready](Phase::Rest) as soon as the newest [`LogConfig::window`] of every rendition that the newest files
/// know is listed and the newest [`LogConfig::verify`] of it checked. What it does is linear in the length of
/// the files; between two reads the caller may do something else, so that nothing has to wait for it.
#[derive(Debug)]
pub struct Recovery {
    budget: Budget,
    /// Oldest first; taken from the end.
    files: Vec<(u64, u64)>,
    found: Recovered,
    nonces: BTreeSet<u64>,
    phase: Phase,
    scan: Option<Scan>,
    /// Records of the scanned file whose bodies nothing vouches for.
    tail: VecDeque<Met>,
    checks: VecDeque<(RecordKey, Place)>,
    /// How far the body in front of the tail or the checks is read.
    body: Option<(Crc, u64)>,
    spans: BTreeMap<(u32, u32), Duration>,
}

/// How far a recovery is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Phase {
    /// The newest media is being looked for.
    Newest,
    /// The newest media is being checked.
    Verify,
    /// The newest media is listed and checked: playlists can be shown. Older files are being listed.
    Rest,
    /// Everything is listed.
    Done,
}

/// What was found, for a [`Writer`](super::Writer) to go on with.
#[derive(Debug, Default)]
pub struct Recovered {
    pub(crate) boots: u64,
    pub(crate) files: BTreeMap<u64, FileState>,
    pub(crate) index: Index,
    pub(crate) marks: BTreeMap<(u32, u32), Mark>,
    /// The newest file that begins with all marks.
    pub(crate) marks_file: Option<u64>,
    pub(crate) stats: RecoveryStats,
    pub(crate) temp: bool,
}

/// Lengths of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FileState {
    /// What it takes on the disk.
    pub(crate) bytes: u64,
    /// Where its last record ends.
    pub(crate) used: u64,
}

/// What a recovery has done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub struct RecoveryStats {
    /// Bodies that are not what was written, bit rot for the most part.
    pub bad: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Reads that failed.
    pub faults: u64,
    /// Record headers that were found.
    pub headers: u64,
    /// Reads.
    pub reads: u64,
    /// Records whose bodies a power cut had torn.
    pub torn: u64,
    /// Records that [`LogLimits::records`](super::LogLimits::records) left out.
    pub unlisted: u64,
}

#[derive(Clone, Copy, Debug)]
struct Budget {
    records: usize,
    renditions: usize,
    verify: Duration,
    window: Duration,
}

impl Recovery {
    /// Starts on the files of a folder.
    #[must_use]
    pub fn new(config: &LogConfig, files: impl IntoIterator<Item = Found>) -> Self {
        let mut found = Recovered::default();
        for Found { file, bytes } in files {
            match file {
                FileName::Log(file) => {
                    found.files.insert(file, FileState { bytes, used: 0 });
                }
                FileName::Temp => found.temp = true,
            }
        }
        Self {
            budget: Budget {
                records: config.limits.records,
                renditions: config.limits.renditions,
                verify: config.verify,
                window: config.window,
            },
            files: found
                .files
                .iter()
                .map(|(&file, state)| (file, state.bytes))
                .collect(),
            found,
            nonces: BTreeSet::new(),
            phase: Phase::Newest,
            scan: None,
            tail: VecDeque::new(),
            checks: VecDeque::new(),
            body: None,
            spans: BTreeMap::new(),
        }
    }

    /// The next read; nothing once the recovery is done. The same one comes until it is answered.
    pub fn poll_read(&mut self) -> Option<ReadOp> {
        loop {
            let body = self.tail.front().map(|met| met.place);
            if let Some(place) = body.or_else(|| self.checks.front().map(|&(_, place)| place)) {
                let read = self.body.map_or(0, |(_, read)| read);
                let rest = u64::from(place.bytes).saturating_sub(read);
                if rest > 0 {
                    return Some(ReadOp {
                        file: place.name(),
                        at: place.at.saturating_add(read),
                        bytes: usize::try_from(rest).map_or(READ_MAX, |rest| rest.min(READ_MAX)),
                    });
                }
                self.end_body(true);
            } else if let Some(scan) = &mut self.scan {
                if let Some(read) = scan.read() {
                    return Some(read);
                }
                if scan.over() {
                    self.end_file();
                } else {
                    self.begin_tail();
                }
            } else if !self.begin_file() {
                return None;
            }
        }
    }

    /// Answers the read.
    pub fn handle_read(&mut self, data: Result<&[u8], Fault>) {
        let stats = &mut self.found.stats;
        stats.reads = stats.reads.saturating_add(1);
        match data {
            Ok(data) => stats.bytes = stats.bytes.saturating_add(data.len() as u64),
            Err(_) => stats.faults = stats.faults.saturating_add(1),
        }
        if self.tail.is_empty() && self.checks.is_empty() {
            if let Some(scan) = &mut self.scan {
                scan.handle(data);
            }
            return;
        }
        match data {
            Ok(data) if !data.is_empty() => {
                let (crc, read) = self.body.get_or_insert((Crc::new(), 0));
                crc.update(data);
                *read = read.saturating_add(data.len() as u64);
            }
            _ => self.end_body(false),
        }
    }

    /// How far it is.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What is found so far.
    #[must_use]
    pub const fn found(&self) -> &Recovered {
        &self.found
    }

    /// Ends it, whatever has not been looked at left out of the index but not deleted.
    #[must_use]
    pub fn finish(mut self) -> Recovered {
        if self.phase != Phase::Done {
            for state in self
                .found
                .files
                .values_mut()
                .filter(|state| state.used == 0)
            {
                state.used = state.bytes;
            }
        }
        self.found
    }

    /// Begins with the next file, with the checks, or ends; tells whether there is more to do.
    fn begin_file(&mut self) -> bool {
        let enough = self.files.is_empty()
            || (!self.spans.is_empty()
                && self.spans.values().all(|&span| span >= self.budget.window));
        match self.phase {
            Phase::Newest if enough => {
                self.phase = Phase::Verify;
                self.begin_checks();
            }
            Phase::Verify => {
                let done = self.files.is_empty();
                self.phase = if done { Phase::Done } else { Phase::Rest };
            }
            Phase::Done => return false,
            Phase::Newest | Phase::Rest => match self.files.pop() {
                Some((file, bytes)) => {
                    self.scan = Some(Scan::new(file, bytes, self.budget.records))
                }
                // What older files alone know is checked now.
                None => {
                    self.phase = Phase::Verify;
                    self.begin_checks();
                }
            },
        }
        true
    }

    /// All of a file is read: what no sync vouches for is checked before it is listed. Where a later file was
    /// begun in the same run, this one had been synced whole.
    fn begin_tail(&mut self) {
        let Some(scan) = &mut self.scan else {
            return;
        };
        if let Some(nonce) = scan.nonce()
            && self.nonces.insert(nonce)
        {
            self.tail = scan.take_tail();
        }
        scan.end();
    }

    /// Lists what a file has, newest first, unless a later record has the name.
    fn end_file(&mut self) {
        let Some(scan) = self.scan.take() else {
            return;
        };
        let stats = &mut self.found.stats;
        stats.headers = stats.headers.saturating_add(scan.headers());
        stats.unlisted = stats.unlisted.saturating_add(scan.unlisted());
        self.found.boots = self.found.boots.max(scan.boot());
        if let Some(state) = self.found.files.get_mut(&scan.file()) {
            state.used = scan.used().min(state.bytes);
        }
        for met in scan.into_met().into_iter().rev() {
            if met.record.key.kind == RecordKind::Marks {
                self.found.marks_file.get_or_insert(met.place.file);
            }
            self.note_marks(&met.record);
            self.list(met, Checked::Not);
        }
    }

    fn note_marks(&mut self, record: &Record) {
        if record.key.kind == RecordKind::Marks {
            for (of, mark) in codec::decode_marks(&record.meta) {
                self.note_mark(of, mark);
            }
        } else {
            self.note_mark((record.key.stream, record.key.rendition), record.mark);
        }
    }

    fn note_mark(&mut self, of: (u32, u32), mark: Mark) {
        let most = self.budget.renditions;
        let marks = &mut self.found.marks;
        if mark == Mark::default() || (marks.len() >= most && !marks.contains_key(&of)) {
            return;
        }
        let held = marks.entry(of).or_default();
        *held = held.raised(mark);
    }

    fn list(&mut self, met: Met, checked: Checked) {
        let key = met.record.key;
        if key.kind.is_internal() || self.found.index.get(key).is_some() {
            return;
        }
        if self.found.index.len() >= self.budget.records {
            self.found.stats.unlisted = self.found.stats.unlisted.saturating_add(1);
            return;
        }
        if key.kind == RecordKind::Segment {
            let span = self.spans.entry((key.stream, key.rendition)).or_default();
            *span = span.saturating_add(met.record.duration);
        }
        self.found
            .index
            .insert(Entry::new(met.record, met.place, checked));
    }

    /// A body is read whole, or as far as it can be.
    fn end_body(&mut self, whole: bool) {
        let sum = self
            .body
            .take()
            .map_or_else(|| Crc::new().sum(), |(crc, _)| crc.sum());
        if let Some(met) = self.tail.pop_front() {
            if whole && sum == met.place.crc {
                if let Some(scan) = &mut self.scan {
                    scan.put_back(met);
                }
            } else {
                // Its numbers were reserved all the same.
                self.note_marks(&met.record);
                self.found.stats.torn = self.found.stats.torn.saturating_add(1);
            }
        } else if let Some((key, place)) = self.checks.pop_front() {
            let good = whole && sum == place.crc;
            if !good {
                self.found.stats.bad = self.found.stats.bad.saturating_add(1);
            }
            let checked = if good { Checked::Good } else { Checked::Bad };
            self.found.index.check(key, checked);
        }
    }

    /// Has the newest segments of every rendition checked, and its newest init.
    fn begin_checks(&mut self) {
        let renditions: Vec<(u32, u32)> = self.spans.keys().copied().collect();
        for (stream, rendition) in renditions {
            let index = &self.found.index;
            let mut left = self.budget.verify;
            let segments = index.of(stream, rendition, RecordKind::Segment).rev();
            let newest = segments.take_while(|entry| {
                let wanted = !left.is_zero();
                left = left.saturating_sub(entry.record.duration.max(Duration::from_millis(1)));
                wanted
            });
            let init = index.of(stream, rendition, RecordKind::Init).next_back();
            let unchecked = newest
                .chain(init)
                .filter(|entry| entry.checked == Checked::Not);
            self.checks
                .extend(unchecked.map(|entry| (entry.record.key, entry.place)));
        }
    }
}

impl Recovered {
    /// A record, if it is known.
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

    /// All records, in the order of their keys.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.index.iter()
    }

    /// The highest mark of a rendition, whether or not its media is found.
    #[must_use]
    pub fn mark(&self, stream: u32, rendition: u32) -> Option<Mark> {
        self.marks.get(&(stream, rendition)).copied()
    }

    /// How often the log was written from a fresh start.
    #[must_use]
    pub const fn boots(&self) -> u64 {
        self.boots
    }

    /// What the recovery has done.
    #[must_use]
    pub const fn stats(&self) -> RecoveryStats {
        self.stats
    }
}

/// The longest read, bytes.
pub(crate) const READ_MAX: usize = 256 << 10;
