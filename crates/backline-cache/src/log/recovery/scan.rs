//! One file, read from its front.

use std::collections::VecDeque;

use super::super::codec::{self, BLOCK, BLOCK_LEN, FileHeader, Header};
use super::super::index::Place;
use super::super::{Fault, FileName, ReadOp, Record, RecordKind};
use super::READ_MAX;

/// A record that was met.
#[derive(Debug)]
pub(crate) struct Met {
    pub(crate) record: Record,
    pub(crate) place: Place,
    /// Where it ends, up to the next block.
    end: u64,
}

/// Steps from record to record, and from block to block where there is none.
#[derive(Debug)]
pub(crate) struct Scan {
    file: u64,
    bytes: u64,
    /// Where the next block to look at begins.
    at: u64,
    /// What is read at once: little while records follow each other, more where something is damaged.
    size: usize,
    header: Option<FileHeader>,
    nonce: Option<u64>,
    met: Vec<Met>,
    most: usize,
    settled: u64,
    headers: u64,
    unlisted: u64,
    faulty: bool,
    /// Where the end of the file is read in search of its contents, once its header is known.
    end_at: Option<u64>,
    over: bool,
}

impl Scan {
    pub(crate) const fn new(file: u64, bytes: u64, most: usize) -> Self {
        Self {
            file,
            bytes,
            at: 0,
            size: BLOCK_LEN,
            header: None,
            nonce: None,
            met: Vec::new(),
            most,
            settled: 0,
            headers: 0,
            unlisted: 0,
            faulty: false,
            end_at: None,
            over: false,
        }
    }

    /// The next read, until the end of the file.
    pub(crate) fn read(&self) -> Option<ReadOp> {
        let at = self.end_at.unwrap_or(self.at);
        let rest = self.bytes.saturating_sub(at);
        let size = if self.end_at.is_some() {
            END
        } else {
            self.size
        };
        // A record may end with the file in the middle of a block.
        (rest > 0 && !self.over).then(|| ReadOp {
            file: FileName::Log(self.file),
            at,
            bytes: usize::try_from(rest).map_or(size, |rest| rest.min(size)),
        })
    }

    pub(crate) fn handle(&mut self, data: Result<&[u8], Fault>) {
        if let Some(at) = self.end_at.take() {
            self.find_contents(at, data.unwrap_or_default());
            return;
        }
        let data = match data {
            Ok([]) => {
                // The file is shorter than it was said to be.
                self.bytes = self.at;
                return;
            }
            Ok(data) => data,
            Err(_) => {
                self.faulty = true;
                self.at = self.at.saturating_add(self.size as u64);
                return;
            }
        };
        let start = self.at;
        let end = start.saturating_add(data.len() as u64);
        let mut missed = false;
        while self.at < end {
            let from = usize::try_from(self.at.saturating_sub(start)).unwrap_or(usize::MAX);
            let block = data.get(from..).unwrap_or_default();
            let block = block.get(..BLOCK_LEN).unwrap_or(block);
            // A block that the read has cut is read again from its start.
            if block.len() < BLOCK_LEN && from > 0 && end < self.bytes {
                break;
            }
            missed = !self.look(block);
        }
        self.size = if missed {
            self.size.saturating_mul(4).min(READ_MAX)
        } else {
            BLOCK_LEN
        };
    }

    /// Looks at one block, and steps on; tells whether something begins here.
    fn look(&mut self, block: &[u8]) -> bool {
        let at = self.at;
        self.at = at.saturating_add(BLOCK);
        if at == 0 {
            self.header = FileHeader::decode(block).filter(|header| header.file == self.file);
            self.nonce = self.header.map(|header| header.nonce);
            let end = self.bytes.saturating_sub(END as u64) & !BLOCK.saturating_sub(1);
            self.end_at = self.header.map(|_| end.max(BLOCK));
            return true;
        }
        let Some(header) = Header::decode(block) else {
            return false;
        };
        // A record of another file, or of one of the same number from before, is old data and no damage. Where
        // the header of the file is lost, its first record speaks for it.
        let nonce = self.nonce.unwrap_or(header.nonce);
        let payload = at.saturating_add(header.lead());
        let fits = payload.saturating_add(u64::from(header.payload_len)) <= self.bytes;
        if header.file != self.file || header.nonce != nonce || !fits {
            return false;
        }
        self.nonce = Some(nonce);
        self.at = at.saturating_add(header.span());
        self.meet(at, header);
        true
    }

    /// Looks for the contents of the file in its last bytes: what it lists need not be read one by one.
    fn find_contents(&mut self, at: u64, data: &[u8]) {
        for (index, block) in data.chunks(BLOCK_LEN).enumerate() {
            let Some(header) = Header::decode(block) else {
                continue;
            };
            let from = index.saturating_mul(BLOCK_LEN);
            let lead = usize::try_from(header.lead()).unwrap_or(usize::MAX);
            let payload = data.get(from.saturating_add(lead)..).unwrap_or_default();
            let len = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
            let ours = header.record.key.kind == RecordKind::Contents
                && header.file == self.file
                && Some(header.nonce) == self.nonce;
            let Some(contents) = payload.get(..len).filter(|_| ours) else {
                continue;
            };
            if super::super::crc::crc(contents) != header.payload_crc {
                continue;
            }
            for (at, header) in codec::decode_contents(contents) {
                self.meet(at, header);
            }
            let at = at.saturating_add(from as u64);
            self.at = self.bytes;
            self.meet(at, header);
            return;
        }
    }

    fn meet(&mut self, at: u64, header: Header) {
        let payload = at.saturating_add(header.lead());
        let end = at.saturating_add(header.span());
        self.settled = self.settled.max(header.settled);
        if header.record.key.kind != RecordKind::Contents {
            self.headers = self.headers.saturating_add(1);
        }
        if self.met.len() >= self.most {
            self.unlisted = self.unlisted.saturating_add(1);
            return;
        }
        let place = Place::new(self.file, payload, header.payload_len, header.payload_crc);
        self.met.push(Met {
            record: header.record,
            place,
            end,
        });
    }

    /// Takes out what no later record of the file calls synced.
    pub(crate) fn take_tail(&mut self) -> VecDeque<Met> {
        let first = self.met.partition_point(|met| met.end <= self.settled);
        self.met.split_off(first).into()
    }

    /// Puts one of them back, in their order.
    pub(crate) fn put_back(&mut self, met: Met) {
        self.met.push(met);
    }

    pub(crate) const fn end(&mut self) {
        self.over = true;
    }

    pub(crate) const fn over(&self) -> bool {
        self.over
    }

    pub(crate) const fn file(&self) -> u64 {
        self.file
    }

    pub(crate) const fn nonce(&self) -> Option<u64> {
        self.nonce
    }

    pub(crate) fn boot(&self) -> u64 {
        self.header.map_or(0, |header| header.boot)
    }

    pub(crate) const fn headers(&self) -> u64 {
        self.headers
    }

    pub(crate) const fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// Where its last record ends; all of it where a part could not be read, or was not listed.
    pub(crate) fn used(&self) -> u64 {
        if self.faulty || self.unlisted > 0 {
            self.bytes
        } else {
            self.met.last().map_or(0, |met| met.end)
        }
    }

    pub(crate) fn into_met(self) -> Vec<Met> {
        self.met
    }
}

/// What is read of the end of a file: its contents and their header.
const END: usize = codec::CONTENTS_MAX + BLOCK_LEN;
