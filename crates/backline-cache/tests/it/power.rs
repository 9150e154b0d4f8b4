//! Power cuts, at seeded points of made-up runs and at every byte of a small log.

#![expect(
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "the numbers of a test are small, and it may look at the clock and the environment"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use backline_cache::log::{
    DiskOp, FileName, LogConfig, LogOutput, Mark, Record, RecordKey, RecordKind, Resume, Writer,
};
use bytes::Bytes;

use crate::disk::{Disk, Rng};

const FILE: u64 = 64 << 10;
const R: u64 = 4;
const TARGET: Duration = Duration::from_secs(4);

pub(crate) fn config(files: u64) -> LogConfig {
    let mut config = LogConfig::default();
    config.file_bytes = FILE;
    config.budget = files * FILE;
    config.min_free = 0;
    config
}

pub(crate) fn segment(rendition: u32, seq: u64) -> RecordKey {
    RecordKey::new(1, rendition, RecordKind::Segment, seq)
}

/// What has to be there, whatever is cut.
#[derive(Default)]
struct Promised {
    given: BTreeMap<RecordKey, Vec<u8>>,
    synced: BTreeMap<RecordKey, Vec<u8>>,
    published: [Option<Mark>; 2],
}

struct Run {
    config: LogConfig,
    disk: Disk,
    kept: Vec<RecordKey>,
    now: Instant,
    promised: Promised,
    rng: Rng,
    wall_ms: i64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            config: config(4 + rng.below(3)),
            disk: Disk::default(),
            kept: Vec::new(),
            now: Instant::now(),
            promised: Promised::default(),
            rng,
            wall_ms: 1_000_000,
        }
    }

    /// Recovers, checks every promise, goes on for a while, and loses power.
    fn boot(&mut self) {
        let found = self.disk.recover(&self.config);
        assert!(self.disk.bytes() <= self.config.budget);
        for (key, payload) in &self.promised.synced {
            let entry = found
                .get(*key)
                .unwrap_or_else(|| panic!("{key:?} was synced"));
            assert!(self.disk.holds(&entry.place), "{key:?} has other bytes");
            assert_eq!(entry.place.bytes as usize, payload.len());
        }
        let mut next = [Mark::default(); 2];
        for (rendition, next) in (0..).zip(&mut next) {
            let mark = found.mark(1, rendition).unwrap_or_default();
            let last = found.of(1, rendition, RecordKind::Segment).next_back();
            let resume = Resume::new(
                last.map(|entry| &entry.record),
                mark,
                self.wall_ms,
                TARGET,
                100,
            );
            if let Some(published) = self.promised.published[rendition as usize] {
                assert!(mark.seq >= published.seq && mark.discontinuity >= published.discontinuity);
                assert!(
                    resume.next > published.seq,
                    "{resume:?} after {published:?}"
                );
                assert!(resume.discontinuity > published.discontinuity);
            }
            *next = Mark::new(resume.next, resume.discontinuity);
        }
        let nonce = self.rng.next();
        let mut writer = Writer::new(self.config.clone(), found, nonce).unwrap();
        for (rendition, next) in (0..).zip(next) {
            let mark = Mark::new(next.seq + R, next.discontinuity);
            writer.mark(1, rendition, mark).unwrap();
        }
        writer.commit();
        let mut left = self.rng.below(160);
        while left > 0 {
            self.step(&mut writer, &mut next);
            let most = self.rng.below(6).min(left);
            for _ in 0..most {
                self.one(&mut writer);
            }
            left -= most.max(1);
        }
        self.disk.cut(&mut self.rng);
    }

    /// The show goes on by a segment.
    fn step(&mut self, writer: &mut Writer, next: &mut [Mark; 2]) {
        let rendition = self.rng.below(2) as u32;
        let number = &mut next[rendition as usize];
        if !writer.may_publish(1, rendition, *number) {
            return;
        }
        self.promised.published[rendition as usize] = Some(*number);
        let key = segment(rendition, number.seq);
        self.wall_ms += 4_000;
        let mark = Mark::new(number.seq + R, number.discontinuity);
        let record = Record::new(key)
            .with_mark(mark)
            .with_discontinuity(number.discontinuity)
            .with_times(TARGET, self.wall_ms);
        number.seq += 1;
        self.append(writer, record, 9_000);
        if self.rng.below(8) == 0 {
            let init = RecordKey::new(1, rendition, RecordKind::Init, self.rng.next());
            self.append(writer, Record::new(init).kept(), 900);
            self.kept.push(init);
            if self.kept.len() > 3 {
                let old = self.kept.remove(0);
                writer.release(old);
            }
        }
        if self.rng.below(4) != 0 {
            writer.commit();
        }
    }

    fn append(&mut self, writer: &mut Writer, record: Record, most: u64) {
        let len = self.rng.below(most) as usize;
        let payload = self.rng.bytes(len);
        self.promised.given.insert(record.key, payload.clone());
        let (front, back) = payload.split_at(len / 2);
        let pieces = [Bytes::copy_from_slice(front), Bytes::copy_from_slice(back)];
        writer.append(record, &pieces).unwrap();
    }

    /// One operation of the disk. What a deletion takes is no longer promised.
    fn one(&mut self, writer: &mut Writer) {
        let Some(op) = writer.poll_op() else {
            return;
        };
        if let DiskOp::Delete {
            file: FileName::Log(file),
        } = op
        {
            let gone = |key: &RecordKey| {
                writer
                    .get(*key)
                    .is_some_and(|entry| entry.place.file == file)
            };
            let (kept, synced) = (&self.kept, &mut self.promised.synced);
            synced.retain(|key, _| {
                let gone = gone(key);
                assert!(!gone || !kept.contains(key), "{key:?} is kept and goes");
                !gone
            });
        }
        let result = self.disk.perform(&op);
        assert!(self.disk.bytes() <= self.config.budget, "{op:?}");
        writer.handle_done(self.now, result);
        while let Some(output) = writer.poll_output() {
            match output {
                LogOutput::Synced { key } => {
                    let payload = self.promised.given.remove(&key).unwrap();
                    self.promised.synced.insert(key, payload);
                }
                LogOutput::Lost { key } => panic!("{key:?} is lost without a fault"),
                _ => {}
            }
        }
    }
}

fn cut(seeds: impl Iterator<Item = u64>) {
    for seed in seeds {
        let result = std::panic::catch_unwind(|| {
            let mut run = Run::new(seed);
            for _ in 0..4 {
                run.boot();
            }
        });
        assert!(result.is_ok(), "seed {seed}");
    }
}

/// DISK-1, DISK-2, DISK-3: what was synced is found, no number comes twice, the budget holds, four cuts in a row. With
/// `BACKLINE_FULL=1` at 25,000 seeds, which are 100,000 cuts.
#[test]
fn disk_2_a_power_cut_takes_nothing_that_was_synced() {
    let full = std::env::var_os("BACKLINE_FULL").is_some();
    cut(0..if full { 25_000 } else { 600 });
}

/// Three segments of a log, and where each ends.
fn three() -> (Disk, LogConfig, Vec<(RecordKey, u64)>) {
    let (mut disk, config, now) = (Disk::default(), config(4), Instant::now());
    let mut writer = Writer::new(config.clone(), disk.recover(&config), 7).unwrap();
    let mut rng = Rng::new(3);
    for (seq, len) in [(1, 3_000), (2, 5_000), (3, 4_096)] {
        let record = Record::new(segment(0, seq))
            .with_times(TARGET, 0)
            .with_mark(Mark::new(seq + R, 0));
        writer.append(record, &[rng.bytes(len).into()]).unwrap();
        writer.commit();
        disk.run(&mut writer, now);
    }
    let ends = (1..=3).map(|seq| {
        let place = writer.get(segment(0, seq)).unwrap().place;
        (segment(0, seq), place.at + u64::from(place.bytes))
    });
    let ends = ends.collect();
    (disk, config, ends)
}

/// Q7, Q18: the records in front of a cut are all there, and no record has other bytes.
#[test]
fn disk_2_a_log_cut_at_any_byte_keeps_every_record_in_front() {
    let (mut disk, config, ends) = three();
    let file = FileName::Log(1);
    let whole = disk.image(file).clone();
    let end = ends[2].1 as usize;
    for shorter in [false, true] {
        for at in 0..end {
            let image = disk.image(file);
            image.clone_from(&whole);
            if shorter {
                image.truncate(at);
            } else {
                image[at..end].fill(0);
            }
            let found = disk.recover(&config);
            for (key, end) in &ends {
                let held = found
                    .get(*key)
                    .is_some_and(|entry| disk.holds(&entry.place));
                // A tail of zeros is there whether or not it was cut.
                assert!(held || *end > at as u64, "{key:?}, cut at {at}");
            }
        }
    }
}

/// Q7: a damaged byte costs the record that it is in, and no other.
#[test]
fn disk_2_a_damaged_byte_costs_one_record() {
    let (mut disk, config, ends) = three();
    let end = ends[2].1 as usize;
    for at in 0..end {
        disk.image(FileName::Log(1))[at] ^= 0x40;
        let found = disk.recover(&config);
        let lost = |key| !found.get(key).is_some_and(|entry| disk.holds(&entry.place));
        let lost = ends.iter().filter(|(key, _)| lost(*key)).count();
        assert!(lost <= 1, "{lost} records lost by byte {at}");
        disk.image(FileName::Log(1))[at] ^= 0x40;
    }
}
