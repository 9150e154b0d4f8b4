//! Files of others, and stored parts.

use std::io::Cursor;

use backline_hls::fmp4::{Brand, init};
use backline_hls::progressive::{ProgressiveWriter, StoredPart, read_slate};
use backline_hls::{Limits, Slate};

use crate::Source;

/// Whatever a file says, reading a slate costs memory in proportion to the file, keeps to the caps, and gives the same
/// slate twice; what it gives can be written into init segments.
///
/// Input: a byte of modes (default caps, or low ones), a file.
pub fn slate_file(data: &[u8]) {
    let mut source = Source::new(data);
    let mut limits = Limits::default();
    if source.below(2) == 1 {
        limits.slate_bytes = 4_096;
        limits.slate_samples = 16;
        limits.sample_bytes = 512;
    }
    let file = source.rest();
    let mut read = None;
    let measured = allocation_counter::measure(|| {
        read = Some(read_slate(Cursor::new(file), &limits));
    });
    // Tables of the `mp4` crate, our own of them, and the samples.
    let allowed = 65_536 + 96 * file.len() as u64;
    assert!(
        measured.bytes_max <= allowed,
        "{} bytes",
        measured.bytes_max
    );
    let again = read_slate(Cursor::new(file), &limits);
    assert_eq!(read.as_ref(), Some(&again));
    let Ok(slate) = again else { return };
    let samples = || slate.tracks().iter().flat_map(|track| track.samples());
    assert!(samples().count() <= limits.slate_samples);
    let bytes: usize = samples().map(|sample| sample.data.len()).sum();
    assert!(bytes <= limits.slate_bytes);
    for sample in samples() {
        let known = sample.data.is_empty() || sample.data.len() <= file.len();
        assert!(known && !sample.data.is_empty() && sample.data.len() <= limits.sample_bytes);
    }
    assert_eq!(
        Slate::new(slate.tracks().to_vec(), &limits),
        Ok(slate.clone())
    );
    for track in slate.tracks() {
        // A picture without a size is the one that cannot be written.
        drop(init(&[(1, track.config())], Brand::Cmaf));
    }
}

/// Whatever a stored part or an init segment says, reading it and joining both costs memory in proportion to them.
///
/// Input: two bytes for the length of the init segment, the init segment, the part.
pub fn stored_part(data: &[u8]) {
    let mut source = Source::new(data);
    let length = usize::from(source.u8()) << 8 | usize::from(source.u8());
    let rest = source.rest();
    let (init, part) = rest.split_at(length.min(rest.len()));
    let limits = Limits::default();
    let measured = allocation_counter::measure(|| {
        if let Ok(stored) = StoredPart::read(part, &limits) {
            for run in &stored.runs {
                let end = run.data_at as u64 + run.bytes();
                assert!(end <= part.len() as u64 && run.end() >= run.base_decode_time);
            }
        }
        let file = Cursor::new(Vec::new());
        if let Ok(mut writer) = ProgressiveWriter::new(file, &[init], limits) {
            let first = writer.part(0, part);
            let second = writer.part(0, part);
            // The same part again goes back in time, unless it lasts no time.
            assert!(first.is_ok() || second.is_err());
            drop(writer.finish());
        }
    });
    let allowed = 65_536 + 96 * data.len() as u64;
    assert!(
        measured.bytes_max <= allowed,
        "{} bytes",
        measured.bytes_max
    );
}
