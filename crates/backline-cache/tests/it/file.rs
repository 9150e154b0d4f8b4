//! The log on a real file system.

#![expect(
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the numbers of a test are small, and it may look at the clock and the environment"
)]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use backline_cache::file::Folder;
use backline_cache::log::{
    DiskOp, Fault, FileName, LogConfig, Mark, Phase, Record, RecordKey, RecordKind, Recovery,
    Writer,
};
use bytes::Bytes;

use crate::power::{config, segment};

/// A folder of its own, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("backline-log-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn recover(folder: &mut Folder, config: &LogConfig) -> Recovery {
    let mut recovery = Recovery::new(config, folder.files().unwrap());
    while !folder.recover(&mut recovery, 1_024) {}
    recovery
}

#[test]
fn disk_1_a_log_on_files_comes_back_within_its_budget() {
    let scratch = Scratch::new("ring");
    let config = config(5);
    let kept = RecordKey::new(1, 0, RecordKind::Asset, 1);
    for boot in 0..3 {
        let mut folder = Folder::open(&scratch.0).unwrap();
        let found = recover(&mut folder, &config).finish();
        let mut writer = Writer::new(config.clone(), found, boot).unwrap();
        if boot == 0 {
            writer
                .append(Record::new(kept).kept(), &[Bytes::from_static(b"slate")])
                .unwrap();
        }
        for seq in boot * 50..(boot + 1) * 50 {
            let record = Record::new(segment(0, seq)).with_mark(Mark::new(seq + 4, 0));
            writer
                .append(record, &[Bytes::from(vec![seq as u8; 5_000])])
                .unwrap();
            writer.commit();
            while !folder.run(&mut writer, Instant::now(), 8) {}
            let files = folder.files().unwrap();
            assert!(files.iter().map(|found| found.bytes).sum::<u64>() <= config.budget);
        }
        assert_eq!(writer.stats().faults, 0);
        let last = writer.get(segment(0, boot * 50 + 49)).unwrap().place;
        assert_eq!(
            folder.payload(&last).unwrap(),
            Some(vec![(boot * 50 + 49) as u8; 5_000])
        );
    }
    let mut folder = Folder::open(&scratch.0).unwrap();
    let found = recover(&mut folder, &config).finish();
    let place = found.get(kept).unwrap().place;
    assert_eq!(
        folder.payload(&place).unwrap().as_deref(),
        Some(&b"slate"[..])
    );
    assert_eq!(found.mark(1, 0), Some(Mark::new(153, 0)));
}

#[test]
fn q30_a_file_that_was_cut_short_gives_no_payload() {
    let scratch = Scratch::new("short");
    let mut folder = Folder::open(&scratch.0).unwrap();
    let found = recover(&mut folder, &config(4)).finish();
    let mut writer = Writer::new(config(4), found, 0).unwrap();
    writer
        .append(Record::new(segment(0, 1)), &[Bytes::from(vec![1; 5_000])])
        .unwrap();
    writer.commit();
    folder.run(&mut writer, Instant::now(), 100);
    let place = writer.get(segment(0, 1)).unwrap().place;
    let file = FileName::Log(1);
    folder
        .perform(&DiskOp::Truncate { file, bytes: 6_000 })
        .unwrap();
    assert_eq!(folder.payload(&place), Ok(None));
    folder.perform(&DiskOp::Delete { file }).unwrap();
    folder.perform(&DiskOp::Delete { file }).unwrap();
    assert_eq!(folder.payload(&place), Err(Fault::Io));
}

#[test]
fn disk_5_a_folder_that_cannot_be_made_is_a_fault() {
    let scratch = Scratch::new("file");
    fs::write(&scratch.0, b"no folder").unwrap();
    assert!(Folder::open(&scratch.0).is_err());
    let _ = fs::remove_file(&scratch.0);
}

/// DISK-4 on 10 GB: 10,240 records with real headers, sparse payloads, and one file whose end is torn. Prints what it
/// took; `BACKLINE_FULL=1` for the whole size, a cold page cache (if `/proc/sys/vm/drop_caches` is writable), bounds in
/// time, a tenth of it and the number of reads otherwise.
#[test]
fn disk_4_a_log_of_ten_gigabytes_is_recovered_in_time() {
    let full = std::env::var_os("BACKLINE_FULL").is_some();
    let scratch = Scratch::new("large");
    let mut config = LogConfig::default();
    config.budget = 12 << 30;
    let records = if full { 10_240 } else { 1_024 };
    let mut folder = Folder::open(&scratch.0).unwrap();
    let found = recover(&mut folder, &config).finish();
    let mut writer = Writer::new(config.clone(), found, 0).unwrap();
    let payload = Bytes::from(vec![0; (1 << 20) - 4_096]);
    for seq in 0..records {
        let times = (Duration::from_secs(4), seq as i64 * 4_000);
        let record = Record::new(segment(0, seq)).with_times(times.0, times.1);
        writer
            .append(record, std::slice::from_ref(&payload))
            .unwrap();
        while let Some(op) = writer.poll_op() {
            // Holes instead of zeros, and no sync: this is about reading.
            let result = match op {
                DiskOp::Write {
                    file,
                    at,
                    mut pieces,
                } => {
                    let full = pieces.iter().any(|piece| piece.len() == payload.len());
                    pieces.truncate(if full { 1 } else { 2 });
                    folder.perform(&DiskOp::Write { file, at, pieces })
                }
                DiskOp::SyncFile { .. } => Ok(()),
                other => folder.perform(&other),
            };
            writer.handle_done(Instant::now(), result);
        }
    }
    let newest = folder.files().unwrap().pop().unwrap();
    let torn = writer.get(segment(0, records - 2)).unwrap().place;
    assert_eq!(torn.name(), newest.file);
    let pieces = vec![Bytes::from_static(b"torn")];
    let at = torn.at - 50;
    folder
        .perform(&DiskOp::Write {
            file: newest.file,
            at,
            pieces,
        })
        .unwrap();
    for found in folder.files().unwrap() {
        folder
            .perform(&DiskOp::SyncFile { file: found.file })
            .unwrap();
    }
    let cold = full && fs::write("/proc/sys/vm/drop_caches", "3").is_ok();

    let start = Instant::now();
    let mut folder = Folder::open(&scratch.0).unwrap();
    let mut recovery = Recovery::new(&config, folder.files().unwrap());
    while recovery.phase() < Phase::Rest && !folder.recover(&mut recovery, 1) {}
    let ready = start.elapsed();
    while !folder.recover(&mut recovery, 1_024) {}
    let done = start.elapsed();
    let found = recovery.finish();
    let stats = found.stats();
    println!("{records} records, cold {cold}: ready in {ready:?}, done in {done:?}, {stats:?}");
    assert_eq!(stats.headers, records - 1);
    assert!(found.get(segment(0, records - 2)).is_none());
    assert!(found.get(segment(0, records - 1)).is_some());
    // Two reads a sealed file, one a record and 256 KiB of the one that was torn.
    let sealed = folder.files().unwrap().len() as u64;
    assert!(stats.reads < 2 * sealed + 400, "{stats:?}");
    if full {
        assert!(ready < Duration::from_millis(300), "ready in {ready:?}");
        assert!(done < Duration::from_secs(3), "done in {done:?}");
    }
}
