//! One file, read from its front.

use std::collections::VecDeque;

use super::super::codec::{BLOCK, BLOCK_LEN, FileHeader, Header};
use super::super::index::Place;
use super::super::{Fault, FileName, ReadOp, Record};
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
            over: false,
        }
    }

    /// The next read, until the end of the file.
    pub(crate) fn read(&self) -> Option<ReadOp> {
        let rest = self.bytes.saturating_sub(self.at);
        // A record may end with the file in the middle of a block.
        (rest > 0 && !self.over).then(|| ReadOp {
            file: FileName::Log(self.file),
            at: self.at,
            bytes: usize::try_from(rest).map_or(self.size, |rest| rest.min(self.size)),
        })
    }

    pub(crate) fn handle(&mut self, data: Result<&[u8], Fault>) {
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
        self.headers = self.headers.saturating_add(1);
        self.settled = self.settled.max(header.settled);
        let end = at.saturating_add(header.span());
        self.at = end;
        if self.met.len() >= self.most {
            self.unlisted = self.unlisted.saturating_add(1);
            return true;
        }
        let place = Place::new(self.file, payload, header.payload_len, header.payload_crc);
        self.met.push(Met {
            record: header.record,
            place,
            end,
        });
        true
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
