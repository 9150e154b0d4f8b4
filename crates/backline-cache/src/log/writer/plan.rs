//! What the disk is asked to do, step by step.

use std::time::Instant;

use bytes::Bytes;

use super::super::codec::{self, BLOCK, FileHeader, Header, TABLE_MAX};
use super::super::index::{Checked, Entry, Place};
use super::super::{DiskOp, Fault, FileName, Mark, Record, RecordKey, RecordKind, crc};
use super::{Current, FileState, LogOutput, RESERVED, Writer};

/// A record that waits to be written.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) crc: u32,
    pub(super) len: u32,
    pub(super) payload: Vec<Bytes>,
    pub(super) record: Record,
}

impl Pending {
    pub(super) fn span(&self) -> u64 {
        codec::span(self.record.meta.len(), u64::from(self.len))
    }

    /// What of it counts against the share of what is kept.
    pub(super) fn kept(&self) -> u64 {
        if self.record.keep { self.span() } else { 0 }
    }
}

/// An operation and what is true once it is done.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) op: DiskOp,
    pub(super) effect: Effect,
}

#[derive(Debug)]
pub(super) enum Effect {
    /// A kept record has its copy.
    Carried(Entry),
    /// A file is there, of so many bytes.
    Created(u64),
    Deleted(u64),
    /// Marks were written.
    Marks(Vec<((u32, u32), Mark)>),
    Nothing,
    /// A file has its name.
    Opened(u64),
    /// Everything written is synced, up to this place.
    Synced(u64),
    /// The file is synced, and is written no more.
    Sealed,
    /// A file is shorter.
    Trimmed(u64, u64),
    Written(Entry),
}

impl Writer {
    /// Puts in order what an earlier run has left: files are cut to what they hold, so many short runs do not use up
    /// the ring, and the newest is synced, since a run that was killed leaves bytes that only the cache holds.
    pub(super) fn plan_start(&mut self, temp: bool) {
        let newest = self.files.keys().next_back().copied();
        let mut folder = temp;
        if temp {
            self.step(
                DiskOp::Delete {
                    file: FileName::Temp,
                },
                Effect::Nothing,
            );
        }
        let files: Vec<(u64, FileState)> = self
            .files
            .iter()
            .map(|(&file, &state)| (file, state))
            .collect();
        for (file, state) in files {
            let name = FileName::Log(file);
            if state.used == 0 {
                folder = true;
                self.step(DiskOp::Delete { file: name }, Effect::Deleted(file));
                continue;
            }
            if state.used < state.bytes {
                let op = DiskOp::Truncate {
                    file: name,
                    bytes: state.used,
                };
                self.step(op, Effect::Trimmed(file, state.used));
            }
            if state.used < state.bytes || newest == Some(file) {
                self.step(DiskOp::SyncFile { file: name }, Effect::Nothing);
            }
        }
        if folder {
            self.step(DiskOp::SyncDir, Effect::Nothing);
        }
    }

    /// What comes next where nothing is planned.
    pub(super) fn decide(&mut self) -> Option<Step> {
        let Some(current) = self.current else {
            if self.pending.is_empty() && !self.owed {
                return None;
            }
            self.plan_open();
            return self.plan.pop_front();
        };
        if self.due.is_none() && self.committed > self.synced {
            self.due = Some(self.committed);
        }
        if self.due.is_some_and(|due| due <= self.written) {
            return Some(Step {
                op: DiskOp::SyncFile {
                    file: FileName::Log(current.file),
                },
                effect: Effect::Synced(current.end),
            });
        }
        let span = self.pending.front()?.span();
        let most = self
            .config
            .file_bytes
            .saturating_sub(BLOCK.saturating_mul(RESERVED.saturating_sub(1)));
        if current.end.saturating_add(span) > most {
            self.plan_seal(current);
            return self.plan.pop_front();
        }
        let one = self.pending.pop_front()?;
        self.pending_bytes = self.pending_bytes.saturating_sub(span);
        self.pending_kept = self.pending_kept.saturating_sub(one.kept());
        self.pending_keys.remove(&one.record.key);
        self.written = self.written.saturating_add(1);
        let (head, place) = self.place(&one.record, one.len, one.crc)?;
        self.note_contents(current.end, &head);
        let mut pieces = vec![head];
        pieces.extend(one.payload);
        Some(Step {
            op: DiskOp::Write {
                file: FileName::Log(current.file),
                at: current.end,
                pieces,
            },
            effect: Effect::Written(Entry::new(one.record, place, Checked::Good)),
        })
    }

    /// Notes what is true now.
    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Carried(entry) => self.carried.push(entry),
            Effect::Created(file) => {
                let bytes = self.config.file_bytes;
                self.files.insert(file, FileState { bytes, used: 0 });
            }
            Effect::Deleted(file) => {
                self.files.remove(&file);
                for key in self.index.remove_file(file) {
                    self.stats.evicted = self.stats.evicted.saturating_add(1);
                    self.outputs.push_back(LogOutput::Evicted { key });
                }
            }
            Effect::Marks(marks) => self.unsynced_marks.extend(marks),
            Effect::Nothing => {}
            Effect::Opened(file) => {
                self.contents.clear();
                let (end, settled) = (BLOCK, BLOCK);
                self.current = Some(Current { file, end, settled });
                self.plan_marks();
                self.plan_round();
            }
            Effect::Synced(settled) => self.note_synced(settled),
            Effect::Sealed => {
                self.note_synced(0);
                self.current = None;
            }
            Effect::Trimmed(file, bytes) => {
                if let Some(state) = self.files.get_mut(&file) {
                    state.bytes = bytes;
                }
            }
            Effect::Written(entry) => self.note_written(entry),
        }
    }

    /// Nothing more is written to this file: after a failed sync nobody knows what of it is on the disk. A full disk
    /// costs the oldest file first.
    pub(super) fn fail(&mut self, fault: Fault, now: Instant) {
        self.stats.faults = self.stats.faults.saturating_add(1);
        self.plan.clear();
        self.current = None;
        // Another nonce: that a later file was begun says nothing of this one.
        self.nonce = self.nonce.wrapping_mul(NONCE_STEP).wrapping_add(1);
        for key in std::mem::take(&mut self.unsynced) {
            self.index.remove(key);
            self.lose(key);
        }
        self.owed |= !self.marks.is_empty();
        self.unsynced_marks.clear();
        self.carried.clear();
        self.due = None;
        self.synced = self.written;
        if fault == Fault::NoSpace {
            self.plan_shrink();
        }
        if self.plan.is_empty() {
            self.turn_off(fault, now);
        }
    }

    /// Has the oldest file deleted that has nothing kept and is not the newest.
    pub(super) fn plan_shrink(&mut self) {
        let current = self.current.map(|current| current.file);
        let newest = self.files.keys().next_back().copied();
        let oldest = self.files.keys().copied().find(|&file| {
            Some(file) != current
                && Some(file) != newest
                && Some(file) != self.marks_file
                && self.index.kept_of(file).next().is_none()
        });
        if let Some(file) = oldest {
            self.step(
                DiskOp::Delete {
                    file: FileName::Log(file),
                },
                Effect::Deleted(file),
            );
            self.step(DiskOp::SyncDir, Effect::Nothing);
        }
    }

    fn turn_off(&mut self, fault: Fault, now: Instant) {
        for one in std::mem::take(&mut self.pending) {
            self.lose(one.record.key);
        }
        self.pending_bytes = 0;
        self.pending_kept = 0;
        self.pending_keys.clear();
        self.written = self.appended;
        self.synced = self.appended;
        self.due = None;
        let until = now.checked_add(self.config.retry).unwrap_or(now);
        self.off = Some((fault, until));
        self.outputs.push_back(LogOutput::Off { fault });
    }

    pub(super) fn lose(&mut self, key: RecordKey) {
        if key.kind == RecordKind::Mark {
            return;
        }
        self.stats.lost = self.stats.lost.saturating_add(1);
        self.outputs.push_back(LogOutput::Lost { key });
    }

    /// Ends the current file: what is written of it lasts, what is not used is given back, and its contents stand at
    /// its end if there is room for them, so that recovery reads twice instead of once a record.
    fn plan_seal(&mut self, current: Current) {
        let file = FileName::Log(current.file);
        let contents = Bytes::from(std::mem::take(&mut self.contents));
        let span = codec::span(0, contents.len() as u64);
        let mut end = current.end;
        let fits = end.saturating_add(span) <= self.config.file_bytes;
        if fits && (1..=codec::CONTENTS_MAX).contains(&contents.len()) {
            let key = RecordKey::new(0, 0, RecordKind::Contents, current.file);
            let len = u32::try_from(contents.len()).unwrap_or(0);
            if let Some((head, _)) = self.place(&Record::new(key), len, crc::crc(&contents)) {
                let pieces = vec![head, contents];
                let write = DiskOp::Write {
                    file,
                    at: end,
                    pieces,
                };
                self.step(write, Effect::Nothing);
                end = end.saturating_add(span);
            }
        }
        let truncate = DiskOp::Truncate { file, bytes: end };
        self.step(truncate, Effect::Trimmed(current.file, end));
        self.step(DiskOp::SyncFile { file }, Effect::Sealed);
    }

    /// Notes a record for the contents of its file; more than they may have is left to the scan.
    fn note_contents(&mut self, at: u64, header: &[u8]) {
        if self.contents.len() <= codec::CONTENTS_MAX {
            codec::add_contents(&mut self.contents, at, header);
        }
    }

    /// A file gets its name only when its header is on the disk, and records only when its name is.
    fn plan_open(&mut self) {
        let (file, bytes) = (self.next_file, self.config.file_bytes);
        // Only where the budget was lowered, or power was cut again and again in the same place.
        let mut disk = self.disk();
        let planned = self.plan.len();
        let oldest: Vec<(u64, u64)> = self
            .files
            .iter()
            .map(|(&file, state)| (file, state.bytes))
            .collect();
        for (old, old_bytes) in oldest {
            if disk.saturating_add(bytes) <= self.config.budget {
                break;
            }
            if self.marks_file == Some(old) {
                continue;
            }
            self.step(
                DiskOp::Delete {
                    file: FileName::Log(old),
                },
                Effect::Deleted(old),
            );
            disk = disk.saturating_sub(old_bytes);
        }
        self.next_file = file.saturating_add(1);
        let (temp, nonce, boot) = (FileName::Temp, self.nonce, self.boot);
        let header = FileHeader { boot, file, nonce }.encode();
        if self.plan.len() > planned {
            self.step(DiskOp::SyncDir, Effect::Nothing);
        }
        self.step(DiskOp::Create { file: temp, bytes }, Effect::Nothing);
        let pieces = vec![header];
        self.step(
            DiskOp::Write {
                file: temp,
                at: 0,
                pieces,
            },
            Effect::Nothing,
        );
        self.step(DiskOp::SyncFile { file: temp }, Effect::Nothing);
        let to = FileName::Log(file);
        self.step(DiskOp::Rename { from: temp, to }, Effect::Created(file));
        self.step(DiskOp::SyncDir, Effect::Opened(file));
    }

    /// Writes all marks into the file that was begun, since what had them before may go.
    fn plan_marks(&mut self) {
        self.owed = false;
        let marks: Vec<((u32, u32), Mark)> = self
            .marks
            .iter()
            .map(|(&of, marks)| (of, marks.wanted))
            .collect();
        for table in marks.chunks(TABLE_MAX) {
            let key = RecordKey::new(0, 0, RecordKind::Marks, 0);
            let record = Record::new(key).with_meta(codec::encode_marks(table));
            self.plan_record(&record, None, Effect::Marks(table.to_vec()));
        }
    }

    /// The ring comes round: while the files leave no room for two more, what is kept of the oldest is copied, then
    /// it is deleted.
    fn plan_round(&mut self) {
        let Some(current) = self.current else {
            return;
        };
        let room = self.config.file_bytes.saturating_mul(2);
        let most = self.config.budget.saturating_sub(room);
        let mut disk = self.disk();
        let mut gone = Vec::new();
        for (&file, state) in &self.files {
            if disk <= most || file == current.file {
                break;
            }
            disk = disk.saturating_sub(state.bytes);
            gone.push(file);
        }
        for &file in &gone {
            let kept: Vec<Entry> = self.index.kept_of(file).cloned().collect();
            for Entry {
                record,
                place,
                checked,
            } in kept
            {
                let to = self.place(&record, place.bytes, place.crc);
                if let Some((_, to)) = to {
                    let entry = Entry::new(record.clone(), to, checked);
                    self.plan_record(&record, Some(place), Effect::Carried(entry));
                }
            }
        }
        let end = self.current.map_or(0, |current| current.end);
        if end > BLOCK {
            let file = FileName::Log(current.file);
            self.step(DiskOp::SyncFile { file }, Effect::Synced(end));
        }
        if gone.is_empty() {
            return;
        }
        for file in gone {
            let name = FileName::Log(file);
            self.step(DiskOp::Delete { file: name }, Effect::Deleted(file));
        }
        self.step(DiskOp::SyncDir, Effect::Nothing);
    }

    /// Plans a record behind what is planned of the current file; its payload, if any, lies in an older one. What does
    /// not fit is left out.
    fn plan_record(&mut self, record: &Record, payload: Option<Place>, effect: Effect) {
        let (len, crc) = payload.map_or((0, 0), |place| (place.bytes, place.crc));
        let Some(((head, place), current)) = self.place(record, len, crc).zip(self.current) else {
            return;
        };
        let span = codec::span(record.meta.len(), u64::from(len));
        if current.end.saturating_add(span) > self.config.file_bytes {
            return;
        }
        self.note_contents(current.end, &head);
        let to = FileName::Log(current.file);
        let pieces = vec![head];
        let write = DiskOp::Write {
            file: to,
            at: current.end,
            pieces,
        };
        match payload {
            None => self.step(write, effect),
            Some(from) => {
                self.step(write, Effect::Nothing);
                let copy = DiskOp::Copy {
                    from: from.name(),
                    at: from.at,
                    bytes: u64::from(from.bytes),
                    to,
                    to_at: place.at,
                };
                self.step(copy, effect);
            }
        }
        if let Some(current) = &mut self.current {
            current.end = current.end.saturating_add(span);
        }
    }

    /// The header of a record at the end of the current file, and where its payload goes.
    fn place(&self, record: &Record, payload_len: u32, payload_crc: u32) -> Option<(Bytes, Place)> {
        let current = self.current?;
        let header = Header {
            record: record.clone(),
            file: current.file,
            nonce: self.nonce,
            payload_crc,
            payload_len,
            settled: current.settled,
        };
        let at = current.end.saturating_add(header.lead());
        let place = Place::new(current.file, at, payload_len, payload_crc);
        Some((header.encode(), place))
    }

    fn note_written(&mut self, entry: Entry) {
        let Entry { record, place, .. } = &entry;
        let span = codec::span(record.meta.len(), u64::from(place.bytes));
        if let Some(current) = &mut self.current {
            current.end = current.end.saturating_add(span);
        }
        self.stats.payload = self.stats.payload.saturating_add(u64::from(place.bytes));
        let key = record.key;
        if record.mark != Mark::default() {
            self.unsynced_marks
                .push(((key.stream, key.rendition), record.mark));
        }
        if key.kind != RecordKind::Mark {
            self.unsynced.push(key);
            self.index.insert(entry);
        }
    }

    fn note_synced(&mut self, settled: u64) {
        if let Some(current) = &mut self.current {
            current.settled = current.settled.max(settled);
            self.marks_file = Some(current.file);
        }
        self.synced = self.written;
        self.due = None;
        for mut entry in std::mem::take(&mut self.carried) {
            // It may have been released, found bad or evicted in the meantime.
            if let Some(held) = self.index.get(entry.record.key) {
                entry.record.keep = held.record.keep;
                entry.checked = held.checked;
                self.index.insert(entry);
            }
        }
        for key in std::mem::take(&mut self.unsynced) {
            self.outputs.push_back(LogOutput::Synced { key });
        }
        for ((stream, rendition), mark) in std::mem::take(&mut self.unsynced_marks) {
            if let Some(marks) = self.marks.get_mut(&(stream, rendition)) {
                let raised = marks.durable.unwrap_or_default().raised(mark);
                if marks.durable != Some(raised) {
                    marks.durable = Some(raised);
                    let mark = raised;
                    self.outputs.push_back(LogOutput::Marked {
                        stream,
                        rendition,
                        mark,
                    });
                }
            }
        }
    }

    fn step(&mut self, op: DiskOp, effect: Effect) {
        self.plan.push_back(Step { op, effect });
    }
}

/// An odd multiplier, from Knuth's generator.
const NONCE_STEP: u64 = 6_364_136_223_846_793_005;
