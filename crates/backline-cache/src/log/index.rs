//! What is in the files, by name.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{FileName, Record, RecordKey, RecordKind, crc};

/// Where a payload lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Place {
    /// The file.
    pub file: u64,
    /// The first byte of the payload.
    pub at: u64,
    /// Its length.
    pub bytes: u32,
    /// Its CRC-32C.
    pub crc: u32,
}

impl Place {
    pub(crate) const fn new(file: u64, at: u64, bytes: u32, crc: u32) -> Self {
        Self {
            file,
            at,
            bytes,
            crc,
        }
    }

    /// The file's name.
    #[must_use]
    pub const fn name(&self) -> FileName {
        FileName::Log(self.file)
    }

    /// Tells whether these are the bytes that were written.
    #[must_use]
    pub fn holds(&self, payload: &[u8]) -> bool {
        payload.len() as u64 == u64::from(self.bytes) && crc::crc(payload) == self.crc
    }
}

/// Whether a payload was read and compared with its checksum since the process started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Checked {
    /// It is not what was written.
    Bad,
    /// It is what was written.
    Good,
    /// Nobody has looked; [`Place::holds`] tells on the first read.
    Not,
}

/// A record of the index.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// What it is.
    pub record: Record,
    /// Where its payload lies.
    pub place: Place,
    /// Whether the payload can be trusted.
    pub checked: Checked,
}

impl Entry {
    pub(crate) const fn new(record: Record, place: Place, checked: Checked) -> Self {
        Self {
            record,
            place,
            checked,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: BTreeMap<RecordKey, Entry>,
    /// The records of each file, those included that were written anew in a later one.
    files: BTreeMap<u64, Vec<RecordKey>>,
    kept_bytes: u64,
}

impl Index {
    /// Takes the place of what has the same name.
    pub(crate) fn insert(&mut self, entry: Entry) {
        let key = entry.record.key;
        self.files.entry(entry.place.file).or_default().push(key);
        self.kept_bytes = self.kept_bytes.saturating_add(kept(&entry));
        if let Some(before) = self.entries.insert(key, entry) {
            self.kept_bytes = self.kept_bytes.saturating_sub(kept(&before));
        }
    }

    pub(crate) fn get(&self, key: RecordKey) -> Option<&Entry> {
        self.entries.get(&key)
    }

    pub(crate) fn check(&mut self, key: RecordKey, checked: Checked) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.checked = checked;
        }
    }

    pub(crate) fn release(&mut self, key: RecordKey) {
        if let Some(entry) = self.entries.get_mut(&key) {
            self.kept_bytes = self.kept_bytes.saturating_sub(kept(entry));
            entry.record.keep = false;
        }
    }

    pub(crate) fn remove(&mut self, key: RecordKey) {
        if let Some(entry) = self.entries.remove(&key) {
            self.kept_bytes = self.kept_bytes.saturating_sub(kept(&entry));
        }
    }

    /// Forgets a file and tells the names that go with it.
    pub(crate) fn remove_file(&mut self, file: u64) -> Vec<RecordKey> {
        let mut gone = self.files.remove(&file).unwrap_or_default();
        gone.retain(|key| {
            self.entries
                .get(key)
                .is_some_and(|entry| entry.place.file == file)
        });
        for &key in &gone {
            self.remove(key);
        }
        gone
    }

    /// What is kept of a file, damaged records left out.
    pub(crate) fn kept_of(&self, file: u64) -> impl Iterator<Item = &Entry> {
        let keys = self.files.get(&file).map(Vec::as_slice).unwrap_or_default();
        keys.iter()
            .filter_map(|key| self.entries.get(key))
            .filter(move |entry| {
                entry.record.keep && entry.place.file == file && entry.checked != Checked::Bad
            })
    }

    pub(crate) fn of(
        &self,
        stream: u32,
        rendition: u32,
        kind: RecordKind,
    ) -> impl DoubleEndedIterator<Item = &Entry> {
        let key = |seq| RecordKey::new(stream, rendition, kind, seq);
        let range: RangeInclusive<RecordKey> = key(0)..=key(u64::MAX);
        self.entries.range(range).map(|(_, entry)| entry)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    pub(crate) const fn kept_bytes(&self) -> u64 {
        self.kept_bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// What an entry counts against the share of what is kept.
const fn kept(entry: &Entry) -> u64 {
    if entry.record.keep {
        super::codec::span(entry.record.meta.len(), entry.place.bytes as u64)
    } else {
        0
    }
}
