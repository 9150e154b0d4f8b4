//! The log of segments.

use crate::Source;
use backline_cache::LogError;
use backline_cache::log::{
    DiskOp, Fault, FileName, Found, LogConfig, LogOutput, Mark, Record, RecordKey, RecordKind,
    Recovery, Writer,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

type Files = BTreeMap<FileName, Vec<u8>>;

/// Whatever a file holds: recovery ends, reads no more than a few times its length, and what it lists lies in the
/// file. What a writer then appends is found beside it.
///
/// Input: the bytes of a file of the log. An empty block in front stands for the header that its first record replaces.
pub fn log_recover(data: &[u8]) {
    let config = small();
    let mut files = Files::from([(FileName::Log(1), data.to_vec())]);
    let recovery = recover(&config, &files);
    let found = recovery.finish();
    let most = 4 * data.len() as u64 + (1 << 20);
    assert!(found.stats().bytes <= most, "{:?}", found.stats());
    for entry in found.entries() {
        let end = entry.place.at + u64::from(entry.place.bytes);
        assert!(end <= data.len() as u64, "{entry:?}");
    }
    let key = RecordKey::new(9, 9, RecordKind::Segment, 9);
    let Ok(mut writer) = Writer::new(config.clone(), found, 5) else {
        return;
    };
    match writer.append(Record::new(key), &[Bytes::from_static(b"new")]) {
        Ok(()) => {}
        Err(LogError::Written { .. }) => return,
        Err(error) => panic!("{error}"),
    }
    writer.commit();
    while let Some(op) = writer.poll_op() {
        perform(&mut files, op);
        writer.handle_done(Instant::now(), Ok(()));
    }
    let found = recover(&config, &files).finish();
    assert!(found.get(key).is_some());
}

/// Any order of verbs and faults: what was called synced and not evicted is found with its bytes, no mark goes
/// back, the files stay within the budget.
///
/// Input: pairs of a verb and its number.
pub fn log_ops(data: &[u8]) {
    let mut source = Source::new(data);
    let config = small();
    let mut files = Files::new();
    let mut now = Instant::now();
    let mut synced: BTreeMap<RecordKey, usize> = BTreeMap::new();
    let mut marked = Mark::default();
    let mut seq = 0;
    let mut boot = 0;
    while !source.is_empty() && boot < 8 {
        boot += 1;
        let found = recover(&config, &files).finish();
        for (key, len) in &synced {
            let place = found.get(*key).expect("it was synced").place;
            let at = place.at as usize;
            let payload = &files[&place.name()][at..at + place.bytes as usize];
            assert!(place.holds(payload) && payload.len() == *len);
        }
        let mark = found.mark(1, 0).unwrap_or_default();
        assert!(mark.seq >= marked.seq && mark.discontinuity >= marked.discontinuity);
        let mut writer =
            Writer::new(config.clone(), found, boot).expect("the configuration is sound");
        while !source.is_empty() {
            let (verb, number) = (source.below(12), source.u8());
            match verb {
                0..=3 => {
                    seq += 1;
                    let key = RecordKey::new(1, 0, RecordKind::Segment, seq);
                    let mut record = Record::new(key).with_mark(Mark::new(seq + 4, 0));
                    record.keep = verb == 3;
                    let payload = Bytes::from(vec![number; usize::from(number) * 64]);
                    let _ = writer.append(record, &[payload]);
                }
                4 => writer.commit(),
                5 => {
                    let _ = writer.mark(1, 0, Mark::new(seq + u64::from(number), 1));
                }
                6 => writer.release(RecordKey::new(1, 0, RecordKind::Segment, u64::from(number))),
                7 => writer.set_free(now, u64::from(number) * 100),
                8 => {
                    now += Duration::from_secs(u64::from(number));
                    writer.handle_timeout(now);
                }
                9 => break,
                _ => {
                    for _ in 0..number {
                        let Some(op) = writer.poll_op() else { break };
                        let fails = number % 16 == 15;
                        if !fails {
                            perform(&mut files, op);
                        }
                        let fault = [Fault::Io, Fault::NoSpace][usize::from(number & 16 != 0)];
                        writer.handle_done(now, if fails { Err(fault) } else { Ok(()) });
                    }
                }
            }
            let bytes: usize = files.values().map(Vec::len).sum();
            assert!(bytes as u64 <= config.budget, "{bytes} bytes");
            note(&mut writer, &mut synced, &mut marked);
        }
    }
}

fn note(writer: &mut Writer, synced: &mut BTreeMap<RecordKey, usize>, marked: &mut Mark) {
    while let Some(output) = writer.poll_output() {
        match output {
            LogOutput::Evicted { key } => drop(synced.remove(&key)),
            LogOutput::Lost { key } => assert!(!synced.contains_key(&key), "{key:?}"),
            LogOutput::Marked { mark, .. } => *marked = mark.max(*marked),
            LogOutput::Synced { key } => {
                if let Some(entry) = writer.get(key) {
                    synced.insert(key, entry.place.bytes as usize);
                }
            }
            _ => {}
        }
    }
}

fn small() -> LogConfig {
    let mut config = LogConfig::default();
    config.file_bytes = 64 << 10;
    config.budget = 5 << 16;
    config.min_free = 1_000;
    config
}

fn recover(config: &LogConfig, files: &Files) -> Recovery {
    let found = |(&file, bytes): (&FileName, &Vec<u8>)| Found {
        file,
        bytes: bytes.len() as u64,
    };
    let mut recovery = Recovery::new(config, files.iter().map(found));
    while let Some(read) = recovery.poll_read() {
        let bytes = &files[&read.file];
        let from = (read.at as usize).min(bytes.len());
        let to = (from + read.bytes).min(bytes.len());
        recovery.handle_read(Ok(&bytes[from..to]));
    }
    recovery
}

fn perform(files: &mut Files, op: DiskOp) {
    match op {
        DiskOp::Copy {
            from,
            at,
            bytes,
            to,
            to_at,
        } => {
            let copied = files[&from][at as usize..(at + bytes) as usize].to_vec();
            write(files, to, to_at, &copied);
        }
        DiskOp::Create { file, bytes } => drop(files.insert(file, vec![0; bytes as usize])),
        DiskOp::Delete { file } => drop(files.remove(&file)),
        DiskOp::Rename { from, to } => {
            let bytes = files.remove(&from).expect("it is there");
            files.insert(to, bytes);
        }
        DiskOp::Truncate { file, bytes } => {
            files
                .get_mut(&file)
                .expect("it is there")
                .truncate(bytes as usize);
        }
        DiskOp::Write { file, at, pieces } => write(files, file, at, &pieces.concat()),
        _ => {}
    }
}

fn write(files: &mut Files, file: FileName, at: u64, bytes: &[u8]) {
    let at = at as usize;
    files.get_mut(&file).expect("it is there")[at..at + bytes.len()].copy_from_slice(bytes);
}
