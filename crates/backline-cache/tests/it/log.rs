//! What the log writes, syncs, keeps, refuses, and how it takes faults.

#![expect(
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the numbers of a test are small, and it may look at the clock and the environment"
)]

use std::time::{Duration, Instant};

use backline_cache::LogError;
use backline_cache::log::{
    Checked, DiskOp, Fault, FileName, Found, LogOutput, META_MAX, Mark, Phase, Record, RecordKey,
    RecordKind, Recovery, Resume, Writer,
};
use bytes::Bytes;

use crate::disk::Disk;
use crate::power::{config, segment};

const TARGET: Duration = Duration::from_secs(4);

struct Rig {
    disk: Disk,
    now: Instant,
    writer: Writer,
}

impl Rig {
    fn new(files: u64) -> Self {
        let disk = Disk::default();
        let config = config(files);
        let writer = Writer::new(config.clone(), disk.recover(&config), 1).unwrap();
        let now = Instant::now();
        Self { disk, now, writer }
    }

    fn run(&mut self) {
        self.disk.run(&mut self.writer, self.now);
    }

    fn append(&mut self, seq: u64, bytes: usize) {
        let record = Record::new(segment(0, seq)).with_times(TARGET, seq as i64 * 4_000);
        self.writer
            .append(record, &[Bytes::from(vec![seq as u8; bytes])])
            .unwrap();
    }

    fn outputs(&mut self) -> Vec<LogOutput> {
        std::iter::from_fn(|| self.writer.poll_output()).collect()
    }
}

/// DISK-1: one sync a commit, however many records and renditions it covers; what is asked for during one shares one.
#[test]
fn disk_1_there_is_one_sync_a_commit() {
    let mut rig = Rig::new(8);
    rig.append(1, 100);
    rig.writer.commit();
    rig.run();
    let before = rig.writer.stats().syncs;
    for seq in 2..6 {
        rig.append(seq, 100);
    }
    rig.writer.commit();
    rig.run();
    assert_eq!(rig.writer.stats().syncs - before, 1);

    rig.append(6, 100);
    rig.writer.commit();
    let write = rig.writer.poll_op().unwrap();
    assert!(matches!(write, DiskOp::Write { .. }), "{write:?}");
    rig.writer.handle_done(rig.now, Ok(()));
    let sync = rig.writer.poll_op().unwrap();
    assert!(matches!(sync, DiskOp::SyncFile { .. }), "{sync:?}");
    assert_eq!(rig.writer.poll_op(), None, "one thing at a time");
    for seq in 7..9 {
        rig.append(seq, 100);
        rig.writer.commit();
    }
    rig.writer.handle_done(rig.now, Ok(()));
    rig.run();
    assert_eq!(rig.writer.stats().syncs - before, 3);
}

/// DISK-1: the volume that is written stays near what is appended.
#[test]
fn disk_1_little_is_written_beside_the_payload() {
    let mut config = config(4);
    config.file_bytes = 16 << 20;
    config.budget = 128 << 20;
    let mut disk = Disk::default();
    let mut writer = Writer::new(config.clone(), disk.recover(&config), 1).unwrap();
    for seq in 0..100 {
        let record = Record::new(segment(0, seq)).with_mark(Mark::new(seq + 4, 0));
        writer
            .append(record, &[Bytes::from(vec![1; 1 << 20])])
            .unwrap();
        writer.commit();
        disk.run(&mut writer, Instant::now());
    }
    let stats = writer.stats();
    assert_eq!(stats.payload, 100 << 20);
    assert!(
        stats.written < stats.payload + stats.payload / 500,
        "{stats:?}"
    );
    assert!(stats.syncs <= 100 + 5 * stats.files, "{stats:?}");
}

/// DISK-1: the ring comes round within the budget; what goes is reported, what is kept goes on.
#[test]
fn disk_1_the_ring_keeps_its_budget_and_what_is_kept() {
    let mut rig = Rig::new(5);
    let kept = RecordKey::new(1, 0, RecordKind::Init, 1);
    rig.writer
        .append(Record::new(kept).kept(), &[Bytes::from_static(b"moov")])
        .unwrap();
    rig.writer.mark(1, 9, Mark::new(77, 3)).unwrap();
    for seq in 0..200 {
        rig.append(seq, 5_000);
        rig.writer.commit();
        rig.run();
        assert!(rig.disk.bytes() <= 5 << 16);
    }
    let evicted = rig
        .outputs()
        .into_iter()
        .filter(|one| matches!(one, LogOutput::Evicted { .. }))
        .count();
    let stats = rig.writer.stats();
    assert_eq!(evicted as u64, stats.evicted);
    assert_eq!(stats.records, 201 - stats.evicted);
    assert!(stats.evicted > 150 && stats.carried > 0, "{stats:?}");
    let found = rig.disk.recover(&config(5));
    assert!(rig.disk.holds(&found.get(kept).unwrap().place));
    assert_eq!(
        found.mark(1, 9),
        Some(Mark::new(77, 3)),
        "a mark outlives its file"
    );
    assert!(found.get(segment(0, 0)).is_none());

    rig.writer.release(kept);
    for seq in 200..300 {
        rig.append(seq, 5_000);
        rig.run();
    }
    assert!(rig.writer.get(kept).is_none());
}

/// Many short runs do not use up the ring: what a file does not hold is given back.
#[test]
fn disk_1_short_runs_do_not_push_out_what_is_there() {
    let mut disk = Disk::default();
    let config = config(6);
    for boot in 0..12 {
        let mut writer = Writer::new(config.clone(), disk.recover(&config), boot).unwrap();
        writer
            .append(Record::new(segment(0, boot)), &[Bytes::from_static(b"x")])
            .unwrap();
        writer.commit();
        disk.run(&mut writer, Instant::now());
        assert_eq!(writer.stats().records, boot + 1);
    }
    assert_eq!(disk.recover(&config).boots(), 12);
}

/// Q28: records of an earlier file that lie behind the end are old data.
#[test]
fn q28_old_records_behind_the_tail_are_not_found() {
    let mut rig = Rig::new(8);
    rig.append(1, 100);
    rig.append(2, 100);
    rig.writer.commit();
    rig.run();
    let old = rig.disk.image(FileName::Log(1)).clone();

    let mut rig = Rig::new(8);
    rig.writer = Writer::new(config(8), Rig::new(8).disk.recover(&config(8)), 2).unwrap();
    rig.append(9, 100);
    rig.writer.commit();
    rig.run();
    let image = rig.disk.image(FileName::Log(1));
    image[12_288..16_384].copy_from_slice(&old[4_096..8_192]);
    let found = rig.disk.recover(&config(8));
    assert!(found.get(segment(0, 9)).is_some());
    assert!(found.get(segment(0, 1)).is_none());
}

/// DISK-3: numbers are given out only below a mark that is on the disk.
#[test]
fn disk_3_a_number_waits_for_its_mark() {
    let mut rig = Rig::new(8);
    rig.writer.mark(1, 0, Mark::new(4, 1)).unwrap();
    rig.writer.commit();
    assert!(!rig.writer.may_publish(1, 0, Mark::new(0, 0)));
    rig.run();
    assert!(rig.writer.may_publish(1, 0, Mark::new(4, 1)));
    assert!(!rig.writer.may_publish(1, 0, Mark::new(5, 1)));
    assert!(!rig.writer.may_publish(1, 0, Mark::new(4, 2)));
    assert!(!rig.writer.may_publish(1, 1, Mark::new(0, 0)));
    let marked = LogOutput::Marked {
        stream: 1,
        rendition: 0,
        mark: Mark::new(4, 1),
    };
    assert!(rig.outputs().contains(&marked));
    assert_eq!(rig.writer.wanted(1, 0), Some(Mark::new(4, 1)));
}

/// DISK-3, section 2.4 of the log's layout: lost numbers and lost time come back as gaps, within their bounds.
#[test]
fn disk_3_gaps_cover_lost_numbers_and_lost_time() {
    let last = Record::new(segment(0, 10))
        .with_times(TARGET, 100_000)
        .with_discontinuity(2);
    let resume = |wall_ms, mark| Resume::new(Some(&last), mark, wall_ms, TARGET, 20);
    let mark = Mark::new(14, 2);

    // A short outage: the four reserved numbers share the second.
    let short = resume(105_000, mark);
    assert_eq!(
        (short.gaps, short.gap, short.next),
        (4, Duration::from_millis(250), 15)
    );
    assert_eq!(
        (short.discontinuity, short.jump, short.afresh),
        (3, Duration::ZERO, false)
    );
    // A longer one: as many gaps as target durations.
    let long = resume(144_000, mark);
    assert_eq!((long.gaps, long.gap, long.next), (10, TARGET, 21));
    // One of an hour: the rest is a jump behind the discontinuity.
    let hour = resume(104_000 + 3_600_000, mark);
    assert_eq!(
        (hour.gaps, hour.gap, hour.jump),
        (20, TARGET, Duration::from_secs(3_600 - 80))
    );
    // Nothing is lost.
    assert_eq!(resume(104_000, Mark::new(10, 2)).gaps, 0);
    // More numbers are lost than gaps may be listed: what is there has to go.
    let afresh = resume(105_000, Mark::new(99, 2));
    assert_eq!(
        (
            afresh.afresh,
            afresh.gaps,
            afresh.next,
            afresh.discontinuity
        ),
        (true, 0, 100, 3)
    );
    let nothing = Resume::new(None, mark, 0, TARGET, 20);
    assert_eq!(
        (nothing.afresh, nothing.next, nothing.discontinuity),
        (true, 15, 3)
    );
}

/// Q27: a clock that went back is an outage of nothing.
#[test]
fn q27_a_clock_that_went_back_makes_the_shortest_gaps() {
    let last = Record::new(segment(0, 10)).with_times(TARGET, 100_000);
    let resume = Resume::new(Some(&last), Mark::new(12, 0), -5, TARGET, 20);
    assert_eq!(
        (resume.gaps, resume.gap, resume.next),
        (2, Duration::from_millis(100), 13)
    );
    let extreme = Resume::new(
        Some(&last),
        Mark::new(u64::MAX, u64::MAX),
        i64::MAX,
        TARGET,
        20,
    );
    assert_eq!(extreme.next, u64::MAX);
}

/// DISK-4: the newest media is listed and checked before older files are looked at; what is bad there is known.
#[test]
fn disk_4_the_newest_bodies_are_checked_before_the_rest_is_listed() {
    let mut rig = Rig::new(40);
    for seq in 0..100 {
        rig.append(seq, 5_000);
        rig.writer.commit();
        rig.run();
    }
    let place = rig.writer.get(segment(0, 98)).unwrap().place;
    rig.disk.image(place.name())[place.at as usize + 9] ^= 1;
    let mut recovery = Recovery::new(&config(40), rig.disk.files());
    while recovery.phase() < Phase::Rest {
        let read = recovery.poll_read().unwrap();
        recovery.handle_read(Ok(rig.disk.read(read)));
    }
    let found = recovery.found();
    let listed = found.of(1, 0, RecordKind::Segment).count();
    assert!(
        (15..40).contains(&listed),
        "{listed} of 100 are listed when it is ready"
    );
    let checked = |seq| found.get(segment(0, seq)).unwrap().checked;
    assert_eq!(
        [99, 98, 97].map(checked),
        [Checked::Good, Checked::Bad, Checked::Good]
    );
    while let Some(read) = recovery.poll_read() {
        recovery.handle_read(Ok(rig.disk.read(read)));
    }
    assert_eq!(recovery.phase(), Phase::Done);
    let found = recovery.finish();
    assert_eq!(found.entries().count(), 100);
    assert_eq!(found.stats().bad, 1);
    // Older bodies are checked by whoever reads them first.
    let old = found.get(segment(0, 3)).unwrap();
    assert_eq!(old.checked, Checked::Not);
    assert!(!old.place.holds(b"other bytes"));
}

/// DISK-5: after a fault the log is off, service goes on, and it comes back by itself in a new file.
#[test]
fn disk_5_a_fault_turns_the_log_off_and_it_comes_back() {
    for fault in [Fault::Io, Fault::ReadOnly] {
        let mut rig = Rig::new(8);
        rig.writer.mark(1, 0, Mark::new(9, 0)).unwrap();
        rig.append(1, 100);
        rig.writer.commit();
        rig.run();
        rig.disk.fail = Some((rig.disk.ops + 2, 1, fault));
        rig.append(2, 100);
        rig.writer.commit();
        rig.append(3, 100);
        rig.run();
        let outputs = rig.outputs();
        assert!(
            outputs.contains(&LogOutput::Lost { key: segment(0, 2) }),
            "{outputs:?}"
        );
        assert!(outputs.contains(&LogOutput::Off { fault }), "{outputs:?}");
        assert_eq!(rig.writer.fault(), Some(fault));
        assert!(
            rig.writer.may_publish(1, 0, Mark::new(1_000, 0)),
            "service goes on without"
        );
        let refused = rig.writer.append(Record::new(segment(0, 4)), &[]);
        assert_eq!(refused, Err(LogError::Off { fault }));
        assert_eq!(rig.writer.poll_op(), None);

        let again = rig.writer.poll_timeout().unwrap();
        rig.writer.handle_timeout(rig.now);
        assert!(rig.writer.fault().is_some());
        rig.writer.handle_timeout(again);
        assert_eq!(rig.outputs(), [LogOutput::On]);
        rig.append(2, 100);
        rig.writer.commit();
        rig.run();
        let found = rig.disk.recover(&config(8));
        assert!(
            [1, 2]
                .iter()
                .all(|&seq| found.get(segment(0, seq)).is_some())
        );
    }
}

/// DISK-5: a fault at any operation loses nothing that was synced, whether it passes or stays for a while.
#[test]
fn disk_5_a_fault_at_any_operation_takes_nothing_that_was_synced() {
    for fault in [Fault::Io, Fault::NoSpace, Fault::ReadOnly] {
        for at in 1..120 {
            let mut rig = Rig::new(5);
            rig.disk.fail = Some((at, 1 + at % 3, fault));
            let mut synced = std::collections::BTreeSet::new();
            let mut marked = Mark::default();
            for seq in 0..60 {
                let record = Record::new(segment(0, seq)).with_mark(Mark::new(seq + 4, 0));
                let _ = rig.writer.append(record, &[Bytes::from(vec![1; 6_000])]);
                rig.writer.commit();
                rig.run();
                rig.now += Duration::from_secs(20);
                rig.writer.handle_timeout(rig.now);
                assert!(rig.disk.bytes() <= 5 << 16);
                for output in rig.outputs() {
                    match output {
                        LogOutput::Synced { key } => drop(synced.insert(key)),
                        LogOutput::Evicted { key } => drop(synced.remove(&key)),
                        LogOutput::Marked { mark, .. } => marked = mark,
                        _ => {}
                    }
                }
            }
            let found = rig.disk.recover(&config(5));
            assert!(found.mark(1, 0).is_some_and(|mark| mark >= marked));
            for key in &synced {
                let entry = found
                    .get(*key)
                    .unwrap_or_else(|| panic!("{key:?}, {fault} at {at}"));
                assert!(rig.disk.holds(&entry.place));
            }
            assert!(
                synced.contains(&segment(0, 59)),
                "it came back, {fault} at {at}"
            );
        }
    }
}

/// DISK-5: a disk that others fill costs the oldest files, then turns the log off until there is room.
#[test]
fn disk_5_min_free_is_respected() {
    let mut config = config(6);
    config.min_free = 1_000;
    let mut rig = Rig::new(6);
    rig.writer = Writer::new(
        config,
        Rig::new(6).disk.recover(&crate::power::config(6)),
        1,
    )
    .unwrap();
    for seq in 0..30 {
        rig.append(seq, 5_000);
        rig.writer.commit();
        rig.run();
    }
    let files = rig.writer.stats().files;
    assert!(files > 2);
    for left in (1..files).rev() {
        rig.writer.set_free(rig.now, 999);
        rig.run();
        assert_eq!(rig.writer.stats().files, left);
    }
    rig.writer.set_free(rig.now, 999);
    assert_eq!(rig.writer.fault(), Some(Fault::NoSpace));
    let again = rig.writer.poll_timeout().unwrap();
    rig.writer.handle_timeout(again);
    assert!(rig.writer.fault().is_some(), "there is still no room");
    rig.writer.set_free(rig.now, 1_000);
    let again = rig.writer.poll_timeout().unwrap();
    rig.writer.handle_timeout(again);
    assert_eq!(rig.writer.fault(), None);
}

/// Every cap and every wrong use has its error, and nothing has changed then.
#[test]
fn disk_1_what_is_refused_says_why() {
    let fresh = || Disk::default().recover(&config(4));
    let mut small = config(4);
    small.file_bytes = 4_096;
    let refused = Writer::new(small, fresh(), 0).unwrap_err();
    assert!(matches!(
        refused,
        LogError::Config {
            field: "file_bytes",
            value: 4_096,
            ..
        }
    ));
    let refused = Writer::new(config(3), fresh(), 0).unwrap_err();
    assert!(matches!(
        refused,
        LogError::Config {
            field: "budget",
            ..
        }
    ));

    let mut config = config(4);
    config.limits.records = 2;
    config.limits.renditions = 1;
    config.limits.queued_bytes = 40_000;
    let mut writer = Writer::new(config, fresh(), 0).unwrap();
    let mut append = |record: Record, bytes: usize| writer.append(record, &[vec![0; bytes].into()]);
    let key = segment(0, 1);
    let of = |kind| RecordKey::new(1, 0, kind, 1);
    let mark = of(RecordKind::Mark);
    assert_eq!(
        append(Record::new(mark), 0),
        Err(LogError::Mark { key: mark })
    );
    let meta = Record::new(key).with_meta(vec![0; META_MAX + 1].into());
    assert_eq!(
        append(meta, 0),
        Err(LogError::Meta {
            key,
            bytes: META_MAX + 1
        })
    );
    let large = append(Record::new(key), 50_000);
    assert!(
        matches!(large, Err(LogError::TooLarge { bytes: 50_000, .. })),
        "{large:?}"
    );
    assert!(append(Record::new(key).with_mark(Mark::new(1, 0)), 10_000).is_ok());
    assert_eq!(append(Record::new(key), 10), Err(LogError::Written { key }));
    let other = Record::new(segment(1, 1)).with_mark(Mark::new(1, 0));
    assert!(matches!(
        append(other, 10),
        Err(LogError::Renditions { most: 1, .. })
    ));
    let queue = append(Record::new(segment(0, 2)), 30_000);
    assert!(
        matches!(queue, Err(LogError::Queue { queued: 12_288, .. })),
        "{queue:?}"
    );
    assert!(append(Record::new(of(RecordKind::Init)).kept(), 20_000).is_ok());
    assert_eq!(
        append(Record::new(segment(0, 3)), 10),
        Err(LogError::Records { most: 2 })
    );
}

/// What is kept has a quarter of the budget.
#[test]
fn disk_1_no_more_is_kept_than_a_quarter() {
    let mut rig = Rig::new(4);
    for seq in 0..3 {
        let key = RecordKey::new(1, 0, RecordKind::Asset, seq);
        rig.writer
            .append(Record::new(key).kept(), &[vec![0; 20_000].into()])
            .unwrap();
    }
    let key = RecordKey::new(1, 0, RecordKind::Asset, 9);
    let kept = rig
        .writer
        .append(Record::new(key).kept(), &[vec![0; 20_000].into()]);
    assert!(matches!(kept, Err(LogError::Kept { .. })), "{kept:?}");
}

/// Limits of recovery: more records than may be listed are left where they are.
#[test]
fn disk_1_recovery_lists_the_newest_records_within_its_cap() {
    let mut rig = Rig::new(20);
    for seq in 0..60 {
        rig.append(seq, 5_000);
        rig.writer.commit();
        rig.run();
    }
    let mut few = config(20);
    few.limits.records = 12;
    let found = rig.disk.recover(&few);
    assert_eq!(found.entries().count(), 12);
    assert!(found.get(segment(0, 59)).is_some());
    assert_eq!(found.stats().unlisted + 12, found.stats().headers);
}

/// A folder may hold other things.
#[test]
fn disk_1_names_of_files_come_back() {
    for file in [
        FileName::Log(0),
        FileName::Log(u64::MAX / 2),
        FileName::Temp,
    ] {
        assert_eq!(FileName::parse(&file.to_string()), Some(file));
    }
    for name in [
        "seg-1.log",
        "seg-+0000000000000000001.log",
        "seg-99999999999999999999.log",
        "x",
        "",
    ] {
        assert_eq!(FileName::parse(name), None, "{name}");
    }
    let mut recovery = Recovery::new(
        &config(4),
        [Found {
            file: FileName::Log(1),
            bytes: u64::MAX,
        }],
    );
    while recovery.poll_read().is_some() {
        recovery.handle_read(Ok(&[]));
    }
    assert_eq!(recovery.phase(), Phase::Done);
}
