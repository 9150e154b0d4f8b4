//! Slates out of MP4 files (MUX-9): what FFmpeg wrote, what somebody has tampered with, and what is too large.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::process::Command;
use std::time::Duration;

use backline_hls::codec::{Codec, TrackConfig, TrackKind};
use backline_hls::progressive::read_slate;
use backline_hls::{Error, FileProblem, Limits, Sample, Slate, SlateProblem, SlateTrack};
use bytes::Bytes;
use proptest::prelude::*;

use crate::fmp4_ffmpeg::current;
use crate::studio::{AAC_48, AVC_360, hex};

/// One second of H.264 with B-frames and AAC, of FFmpeg.
pub const FILE: &[u8] = include_bytes!("../data/slate.mp4");

fn read(file: &[u8]) -> Result<Slate, Error> {
    read_slate(Cursor::new(file), &Limits::default())
}

fn problem(result: Result<Slate, Error>) -> FileProblem {
    match result {
        Err(Error::File { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

/// Where a box's name stands.
fn find(file: &[u8], kind: &[u8; 4]) -> usize {
    file.windows(4).position(|window| window == kind).unwrap()
}

/// The file with bytes replaced from `at` on.
fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = FILE.to_vec();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn mux_09_a_slate_has_its_tracks_records_and_times() {
    let slate = read(FILE).unwrap();
    let [picture, sound] = slate.tracks() else {
        panic!("two tracks")
    };
    assert_eq!(picture.config().codec(), Codec::Avc);
    assert_eq!(picture.config().resolution(), Some((64, 36)));
    assert_eq!(picture.length(), Duration::from_secs(1));
    assert_eq!(slate.length(), Duration::from_secs(1));
    let ms = |sample: &Sample| (sample.dts_ns / 1_000_000, sample.composition_ns / 1_000_000);
    let times: Vec<_> = picture.samples().iter().map(ms).collect();
    assert_eq!(times[..4], [(-80, 80), (-40, 160), (0, 40), (40, 40)]);
    assert_eq!(times.len(), 25);
    assert!(picture.samples()[0].sync && !picture.samples()[1].sync);
    assert_eq!(sound.config().codecs(), "mp4a.40.2");
    assert_eq!(sound.config().sample_rate(), Some(48_000));
    // The encoder's priming lies before the slate's beginning.
    assert_eq!(sound.samples()[0].dts_ns, -21_333_333);
    assert!(sound.samples().iter().all(|sample| sample.sync));
}

/// What ffprobe lists of the same file, with the same edit lists applied.
#[test]
#[ignore = "needs ffmpeg"]
fn mux_09_slates_read_as_ffprobe_reads_them() {
    let folder = std::env::temp_dir().join(format!("backline-slate-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let sources = [
        "-f lavfi -i testsrc2=s=320x180:r=30000/1001:d=3 -f lavfi -i sine=r=44100:d=3 -c:v libx264 -bf 3 -c:a aac",
        "-f lavfi -i testsrc2=s=320x180:r=24:d=2 -c:v libx264 -bf 0 -movflags +faststart",
        "-f lavfi -i testsrc2=s=320x180:r=24:d=2 -c:v libx264 -bf 2 -movflags +negative_cts_offsets",
        "-f lavfi -i testsrc2=s=320x180:r=30:d=2 -f lavfi -i sine=r=48000:d=2 -c:v libvpx-vp9 -deadline realtime -c:a aac",
        "-f lavfi -i testsrc2=s=320x180:r=30:d=2 -c:v libx265 -tag:v hvc1 -x265-params log-level=none",
        "-f lavfi -i sine=r=32000:d=2 -c:a aac -ac 1",
        "-itsoffset 0.5 -f lavfi -i testsrc2=s=320x180:r=30:d=2 -f lavfi -i sine=r=48000:d=2 -c:v libx264 -c:a aac",
    ];
    let current = current();
    for (arguments, ffmpeg) in sources
        .iter()
        .flat_map(|source| [(source, "ffmpeg"), (source, current.as_str())])
    {
        let path = folder.join("slate.mp4");
        let status = Command::new(ffmpeg)
            .args(["-v", "error", "-y"])
            .args(arguments.split_whitespace())
            .args(["-pix_fmt", "yuv420p"])
            .arg(&path)
            .status();
        assert!(status.unwrap().success(), "{arguments}");
        let slate = read(&std::fs::read(&path).unwrap()).unwrap();
        for track in slate.tracks() {
            let kind = match track.config().kind() {
                TrackKind::Audio => "a:0",
                TrackKind::Text => "s:0",
                TrackKind::Video => "v:0",
            };
            let listed = Command::new("ffprobe")
                .args(["-v", "error", "-select_streams", kind])
                .args(["-show_entries", "packet=pts_time,dts_time,size,flags"])
                .args(["-of", "csv=p=0"])
                .arg(&path)
                .output()
                .unwrap();
            let listed = String::from_utf8(listed.stdout).unwrap();
            let rows: Vec<&str> = listed.lines().filter(|line| !line.is_empty()).collect();
            assert_eq!(rows.len(), track.samples().len(), "{arguments}");
            // ffprobe moves decode times before the presentation times, where an offset is below zero.
            let first: f64 = rows[0].split(',').nth(1).unwrap().parse().unwrap();
            let moved_ns = track.samples()[0].dts_ns - (first * 1e9) as i64;
            for (row, sample) in rows.iter().zip(track.samples()) {
                let fields: Vec<&str> = row.split(',').collect();
                let close = |field: &str, ns: i64| {
                    let seconds: f64 = field.parse().unwrap();
                    (seconds * 1e6 - ns as f64 / 1e3).abs() < 2.0
                };
                let pts_ns = sample.dts_ns + sample.composition_ns;
                assert!(close(fields[0], pts_ns), "{arguments}: {row} {pts_ns}");
                let dts_ns = sample.dts_ns - moved_ns;
                assert!(close(fields[1], dts_ns), "{arguments}: {row} {dts_ns}");
                assert_eq!(fields[2].parse(), Ok(sample.data.len()), "{arguments}");
                assert_eq!(fields[3].starts_with('K'), sample.sync, "{arguments}");
            }
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// No prefix of a file panics, and none of them is taken for whole.
#[test]
fn mux_09_a_file_that_ends_early_is_refused_at_every_byte() {
    for length in 0..FILE.len() {
        assert!(read(&FILE[..length]).is_err(), "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever is changed in a file, reading it costs memory in proportion to its size, and never panics.
    #[test]
    fn mux_09_a_file_that_was_tampered_with_costs_no_more_than_its_size(
        changes in prop::collection::vec((0..FILE.len(), any::<[u8; 4]>(), 1usize..5), 1..6)
    ) {
        let mut file = FILE.to_vec();
        for (at, bytes, count) in changes {
            // Most of the file is media, which cannot be wrong: half of the changes go into the movie box.
            let at = if at % 2 == 0 { at % 2_600 } else { at };
            let end = (at + count).min(file.len());
            file[at..end].copy_from_slice(&bytes[..end - at]);
        }
        let measured = allocation_counter::measure(|| drop(read(&file)));
        prop_assert!(measured.bytes_max < 64 * file.len() as u64, "{} bytes", measured.bytes_max);
    }
}

#[test]
fn mux_09_boxes_are_believed_only_inside_of_their_parents() {
    // Behind the movie box's header comes one of size 0, which reaches to its end: then nothing else is there.
    let mvhd = find(FILE, b"mvhd") - 4;
    let alone = read(&with(mvhd, &[0; 4]));
    assert!(matches!(alone, Err(Error::Slate { .. })), "{alone:?}");
    let size = problem(read(&with(mvhd, &[0, 0, 0, 7])));
    assert!(
        matches!(size, FileProblem::Size { size: 7, .. }),
        "{size:?}"
    );
    let size = problem(read(&with(mvhd, &[0x7f, 0, 0, 0])));
    assert!(matches!(size, FileProblem::Size { .. }), "{size:?}");
    let short = problem(read(&with(mvhd, &[0, 0, 0, 1])));
    assert!(matches!(short, FileProblem::Size { .. }), "{short:?}");
}

#[test]
fn mux_09_what_is_no_slate_is_refused_by_its_name() {
    let entry = find(FILE, b"avc1\0\0\0\0\0\0".first_chunk().unwrap());
    assert_eq!(
        // The first is a brand of the file.
        problem(read(&with(
            entry + find(&FILE[entry + 1..], b"avc1") + 1,
            b"avc3"
        ))),
        FileProblem::Codec { entry: *b"avc3" }
    );
    let moov = find(FILE, b"moov");
    assert_eq!(problem(read(&with(moov, b"moof"))), FileProblem::Fragmented);
    let moov_gone = problem(read(&with(moov, b"free")));
    assert_eq!(moov_gone, FileProblem::Missing { kind: *b"moov" });
    // More samples than sizes, than durations, than chunks.
    let stts = find(FILE, b"stts");
    assert_eq!(
        problem(read(&with(stts + 12, &[0, 0, 0, 1]))),
        FileProblem::Table
    );
    let stsz = find(FILE, b"stsz");
    assert_eq!(
        problem(read(&with(stsz + 12, &[0, 0, 1, 0]))),
        FileProblem::Table
    );
    let stco = find(FILE, b"stco");
    assert_eq!(
        problem(read(&with(stco + 12, &[0x7f, 0, 0, 0]))),
        FileProblem::Samples
    );
    let version = problem(read(&with(find(FILE, b"mdhd") + 4, &[2])));
    assert!(matches!(version, FileProblem::Value { value: 2, .. }));
    let esds = find(FILE, b"esds");
    let truncated = problem(read(&with(esds + 9, &[0xff, 0xff, 0xff, 0x7f])));
    assert!(
        matches!(truncated, FileProblem::Truncated { .. }),
        "{truncated:?}"
    );
}

#[test]
fn mux_09_caps_of_slates_are_reached() {
    let mut limits = Limits::default();
    limits.slate_bytes = FILE.len() - 1;
    let result = read_slate(Cursor::new(FILE), &limits);
    assert_eq!(
        problem(result),
        FileProblem::TooLarge {
            what: "bytes",
            value: FILE.len() as u64,
            limit: FILE.len() as u64 - 1
        }
    );
    let mut limits = Limits::default();
    limits.slate_samples = 24;
    let result = read_slate(Cursor::new(FILE), &limits);
    assert_eq!(
        problem(result),
        FileProblem::TooLarge {
            what: "samples",
            value: 25,
            limit: 24
        }
    );
    // All samples at the same place, each as large as the file: more than was ever read from it.
    let stsz = find(FILE, b"stsz");
    let file = with(stsz + 8, &[0, 0, 0x10, 0]);
    let mut limits = Limits::default();
    limits.slate_bytes = FILE.len();
    let large = problem(read_slate(Cursor::new(file), &limits));
    assert!(
        matches!(
            large,
            FileProblem::TooLarge {
                what: "bytes of samples",
                ..
            }
        ),
        "{large:?}"
    );
}

#[test]
fn mux_09_a_stream_that_fails_says_where() {
    struct Torn(Cursor<&'static [u8]>);
    impl Read for Torn {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.position() > 3_000 {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            self.0.read(buffer)
        }
    }
    impl Seek for Torn {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    let result = read_slate(Torn(Cursor::new(FILE)), &Limits::default());
    let kind = io::ErrorKind::PermissionDenied;
    assert_eq!(problem(result), FileProblem::Io { kind });
}

fn config(record: &str, codec: Codec) -> TrackConfig {
    TrackConfig::parse(codec, hex(record), &Limits::default()).unwrap()
}

fn picture(samples: &[(i64, bool, usize)], length_ms: u64) -> SlateTrack {
    let samples = samples.iter().map(|&(dts_ms, sync, size)| Sample {
        dts_ns: dts_ms * 1_000_000,
        composition_ns: 0,
        sync,
        data: Bytes::from(vec![7; size]),
    });
    SlateTrack::new(
        config(AVC_360, Codec::Avc),
        samples.collect(),
        Duration::from_millis(length_ms),
    )
}

#[test]
fn mux_09_slates_that_cannot_be_played_are_refused() {
    let refused = |tracks: Vec<SlateTrack>, limits: &Limits| match Slate::new(tracks, limits) {
        Err(Error::Slate { problem }) => problem,
        other => panic!("{other:?}"),
    };
    let limits = Limits::default();
    let good = picture(&[(0, true, 9), (40, false, 9)], 80);
    assert!(Slate::new(vec![good.clone()], &limits).is_ok());
    assert_eq!(refused(vec![], &limits), SlateProblem::Tracks { tracks: 0 });
    assert_eq!(
        refused(vec![good.clone(), good.clone()], &limits),
        SlateProblem::Tracks { tracks: 2 }
    );
    let kind = TrackKind::Video;
    let cases = [
        (picture(&[], 80), SlateProblem::Empty { kind }),
        (picture(&[(0, false, 9)], 80), SlateProblem::NoSync),
        (
            picture(&[(0, true, 9), (40, false, 9)], 40),
            SlateProblem::Length {
                kind,
                length: Duration::from_millis(40),
            },
        ),
        (
            picture(&[(0, true, 0)], 80),
            SlateProblem::SampleSize {
                kind,
                index: 0,
                size: 0,
                limit: 8 << 20,
            },
        ),
        (
            picture(&[(40, true, 9), (0, true, 9)], 80),
            SlateProblem::Time {
                kind,
                index: 1,
                dts_ns: 0,
            },
        ),
    ];
    for (track, expected) in cases {
        assert_eq!(refused(vec![track], &limits), expected);
    }
    let mut tight = Limits::default();
    tight.slate_samples = 1;
    assert_eq!(
        refused(vec![good.clone()], &tight),
        SlateProblem::TooLarge {
            what: "samples",
            value: 2,
            limit: 1
        }
    );
    let mut tight = Limits::default();
    tight.slate_bytes = 17;
    assert_eq!(
        refused(vec![good], &tight),
        SlateProblem::TooLarge {
            what: "bytes",
            value: 18,
            limit: 17
        }
    );
    assert_eq!(config(AAC_48, Codec::Aac).kind(), TrackKind::Audio);
}
