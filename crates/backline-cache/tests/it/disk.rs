//! A disk in memory that loses its power: any subset of what was not synced survives.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the numbers of a test are small"
)]

use std::collections::BTreeMap;

use backline_cache::log::{
    DiskOp, Fault, FileName, Found, LogConfig, Place, ReadOp, Recovered, Recovery, Writer,
};
use std::time::Instant;

/// Numbers from a seed.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn below(&mut self, count: u64) -> u64 {
        self.next() % count
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..len.div_ceil(4))
            .flat_map(|_| (self.next() as u32).to_le_bytes())
            .collect();
        bytes.truncate(len);
        bytes
    }
}

#[derive(Clone, Default)]
struct Node {
    durable: Vec<u8>,
    now: Vec<u8>,
    writes: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Copy)]
enum Change {
    Create(FileName, usize),
    Delete(FileName),
    Rename(FileName, FileName),
}

#[derive(Default)]
pub(crate) struct Disk {
    nodes: Vec<Node>,
    durable: BTreeMap<FileName, usize>,
    names: BTreeMap<FileName, usize>,
    changes: Vec<Change>,
    /// Fails from this operation on, so often.
    pub(crate) fail: Option<(u64, u64, Fault)>,
    pub(crate) ops: u64,
}

impl Disk {
    pub(crate) fn perform(&mut self, op: &DiskOp) -> Result<(), Fault> {
        self.ops += 1;
        if let Some((from, times, fault)) = self.fail
            && (from..from + times).contains(&self.ops)
        {
            return Err(fault);
        }
        match op {
            DiskOp::Copy {
                from,
                at,
                bytes,
                to,
                to_at,
            } => {
                let (at, bytes) = (*at as usize, *bytes as usize);
                let copied = self.node(*from).now[at..at + bytes].to_vec();
                self.write(*to, *to_at as usize, copied);
            }
            DiskOp::Create { file, bytes } => {
                self.nodes.push(Node {
                    now: vec![0; *bytes as usize],
                    ..Node::default()
                });
                self.changes
                    .push(Change::Create(*file, self.nodes.len() - 1));
                self.names.insert(*file, self.nodes.len() - 1);
            }
            DiskOp::Delete { file } => {
                self.changes.push(Change::Delete(*file));
                self.names.remove(file);
            }
            DiskOp::Rename { from, to } => {
                self.changes.push(Change::Rename(*from, *to));
                let node = self.names.remove(from).unwrap();
                self.names.insert(*to, node);
            }
            DiskOp::SyncDir => {
                self.changes.clear();
                self.durable = self.names.clone();
            }
            DiskOp::SyncFile { file } => {
                let node = self.node(*file);
                node.durable = node.now.clone();
                node.writes.clear();
            }
            DiskOp::Truncate { file, bytes } => self.node(*file).now.truncate(*bytes as usize),
            DiskOp::Write { file, at, pieces } => self.write(*file, *at as usize, pieces.concat()),
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    fn node(&mut self, file: FileName) -> &mut Node {
        &mut self.nodes[self.names[&file]]
    }

    fn write(&mut self, file: FileName, at: usize, bytes: Vec<u8>) {
        let node = self.node(file);
        assert!(
            at + bytes.len() <= node.now.len(),
            "a write behind the end of {file}"
        );
        node.now[at..at + bytes.len()].copy_from_slice(&bytes);
        node.writes.push((at, bytes));
    }

    /// The power goes.
    pub(crate) fn cut(&mut self, rng: &mut Rng) {
        for change in std::mem::take(&mut self.changes) {
            if rng.below(2) == 0 {
                continue;
            }
            match change {
                Change::Create(file, node) => drop(self.durable.insert(file, node)),
                Change::Delete(file) => drop(self.durable.remove(&file)),
                Change::Rename(from, to) => {
                    if let Some(node) = self.durable.remove(&from) {
                        self.durable.insert(to, node);
                    }
                }
            }
        }
        for node in &mut self.nodes {
            let len = if rng.below(2) == 0 {
                node.durable.len()
            } else {
                node.now.len()
            };
            let mut left = std::mem::take(&mut node.durable);
            left.resize(len, 0);
            for (at, bytes) in std::mem::take(&mut node.writes) {
                survive(&mut left, at, &bytes, rng);
            }
            node.durable = left.clone();
            node.now = left;
        }
        self.names = self.durable.clone();
    }

    /// Bytes that the files take.
    pub(crate) fn bytes(&self) -> u64 {
        self.names
            .values()
            .map(|&node| self.nodes[node].now.len() as u64)
            .sum()
    }

    pub(crate) fn files(&self) -> Vec<Found> {
        let found = |(&file, &node): (&FileName, &usize)| Found {
            file,
            bytes: self.nodes[node].now.len() as u64,
        };
        self.names.iter().map(found).collect()
    }

    pub(crate) fn image(&mut self, file: FileName) -> &mut Vec<u8> {
        &mut self.node(file).now
    }

    pub(crate) fn read(&self, op: ReadOp) -> &[u8] {
        let bytes = &self.nodes[self.names[&op.file]].now;
        let from = (op.at as usize).min(bytes.len());
        &bytes[from..(from + op.bytes).min(bytes.len())]
    }

    pub(crate) fn recover(&self, config: &LogConfig) -> Recovered {
        let mut recovery = Recovery::new(config, self.files());
        while let Some(read) = recovery.poll_read() {
            recovery.handle_read(Ok(self.read(read)));
        }
        recovery.finish()
    }

    pub(crate) fn holds(&self, place: &Place) -> bool {
        let node = &self.nodes[self.names[&place.name()]];
        let at = place.at as usize;
        node.now
            .get(at..at + place.bytes as usize)
            .is_some_and(|bytes| place.holds(bytes))
    }

    /// Does everything that is asked for.
    pub(crate) fn run(&mut self, writer: &mut Writer, now: Instant) {
        while let Some(op) = writer.poll_op() {
            let result = self.perform(&op);
            writer.handle_done(now, result);
        }
    }
}

/// All of a write survives, or nothing, or what the disk had got to: sectors, a beginning, single bytes.
fn survive(left: &mut [u8], at: usize, bytes: &[u8], rng: &mut Rng) {
    let (way, end) = (rng.below(5), rng.below(bytes.len() as u64 + 1) as usize);
    let mut sector = false;
    for (index, &byte) in bytes.iter().enumerate() {
        if index == 0 || (at + index).is_multiple_of(512) {
            sector = rng.below(2) == 0;
        }
        let kept = match way {
            0 => true,
            1 => false,
            2 => sector,
            3 => index < end,
            _ => rng.below(8) != 0,
        };
        if kept && let Some(place) = left.get_mut(at + index) {
            *place = byte;
        }
    }
}
