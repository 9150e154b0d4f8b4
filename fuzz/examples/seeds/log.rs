//! Seeds of the properties of the log.

use super::rtmp::Seed;
use backline_cache::log::{
    DiskOp, FileName, LogConfig, Mark, Record, RecordKey, RecordKind, Recovered, Writer,
};
use bytes::Bytes;
use std::time::{Duration, Instant};

/// All of them.
pub(crate) fn seeds() -> Vec<Seed> {
    // Calls of log_ops: 0 append, 3 append and keep, 4 commit, 5 mark, 6 release, 7 free, 8 sleep, 9 cut, 10 run
    // (15 fails).
    let segment = [0, 90, 4, 0, 10, 40];
    let kept = [3, 20, 4, 0, 10, 40];
    let round = [&kept[..], &segment.repeat(60)].concat();
    let sealed = image(40);
    let whole = image(5);
    let mut torn = whole.clone();
    torn[8_192 + 20] ^= 1;
    let mut bare = whole.clone();
    bare[..4_096].fill(0);
    vec![
        ("log_ops", "ring_comes_round", round.clone()),
        (
            "log_ops",
            "ring_is_cut",
            [&round[..], &[9, 0], &round].concat(),
        ),
        (
            "log_ops",
            "fault_and_back",
            [&segment[..], &[0, 9, 4, 0, 10, 15, 8, 40], &segment].concat(),
        ),
        (
            "log_ops",
            "disk_fills",
            [
                &segment.repeat(30)[..],
                &[0, 9, 4, 0, 10, 31, 7, 9, 10, 9],
                &segment,
            ]
            .concat(),
        ),
        (
            "log_ops",
            "marks_alone",
            vec![5, 7, 4, 0, 10, 40, 9, 0, 5, 1, 4, 0, 10, 40, 9, 0],
        ),
        ("log_recover", "records", whole),
        ("log_recover", "torn_record", torn),
        ("log_recover", "no_file_header", bare),
        ("log_recover", "contents", sealed),
    ]
}

/// The first file of a log of so many segments.
fn image(segments: u64) -> Vec<u8> {
    let mut config = LogConfig::default();
    config.file_bytes = 64 << 10;
    config.budget = 1 << 20;
    let mut writer = Writer::new(config, Recovered::default(), 5).expect("a sound configuration");
    for seq in 0..segments {
        let key = RecordKey::new(1, 0, RecordKind::Segment, seq);
        let record = Record::new(key)
            .with_mark(Mark::new(seq + 4, 0))
            .with_times(Duration::from_secs(4), 4_000 * seq as i64);
        let payload = Bytes::from(vec![seq as u8; 3_000]);
        writer.append(record, &[payload]).expect("there is room");
    }
    writer.commit();
    let mut image = Vec::new();
    while let Some(op) = writer.poll_op() {
        match op {
            DiskOp::Write {
                file: FileName::Log(1) | FileName::Temp,
                at,
                pieces,
            } if image.len() < 64 << 10 => {
                let bytes = pieces.concat();
                let at = at as usize;
                if at + bytes.len() > image.len() {
                    image.resize(at + bytes.len(), 0);
                }
                image[at..at + bytes.len()].copy_from_slice(&bytes);
            }
            DiskOp::Truncate { bytes, .. } => {
                image.resize(bytes as usize, 0);
                break;
            }
            _ => {}
        }
        writer.handle_done(Instant::now(), Ok(()));
    }
    image
}
