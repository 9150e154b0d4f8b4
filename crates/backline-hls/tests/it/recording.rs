//! Stored init segments and parts become one progressive MP4, and FFmpeg reads in it what went in.

use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use backline_hls::codec::{Codec, TrackConfig};
use backline_hls::progressive::{ProgressiveWriter, StoredPart};
use backline_hls::{
    Config, Error, Event, FileProblem, Layout, Limits, ObjectKind, Output, Presentation,
    RenditionId, Sample, TrackId, fmp4,
};
use bytes::Bytes;

use crate::fmp4_ffmpeg::{Track, demux, encode};
use crate::studio::{AAC_48, AVC_360, Studio, WALL, hex, muxed};

/// What a presentation gave out: each rendition's init segment, and all parts in their order.
#[derive(Default)]
struct Stored {
    inits: Vec<(RenditionId, Bytes)>,
    parts: Vec<(RenditionId, Vec<u8>)>,
}

impl Stored {
    /// Everything that has come out of a studio.
    fn all(studio: &mut Studio) -> Self {
        let mut stored = Self::default();
        studio
            .outputs
            .drain(..)
            .for_each(|output| stored.take(output));
        stored
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Init { object, body } => self.inits.push((object.rendition, body)),
            Output::Part { object, body } => {
                assert_eq!(object.kind, ObjectKind::Part);
                self.parts.push((object.rendition, body.concat()));
            }
            _ => {}
        }
    }

    /// The whole night as one file.
    fn join(&self) -> Result<Vec<u8>, Error> {
        let inits: Vec<&[u8]> = self.inits.iter().map(|(_, init)| &init[..]).collect();
        let file = Cursor::new(Vec::new());
        let mut writer = ProgressiveWriter::new(file, &inits, Limits::default())?;
        for (rendition, part) in &self.parts {
            let of = |(id, _): &(RenditionId, Bytes)| id == rendition;
            writer.part(self.inits.iter().position(of).unwrap(), part)?;
        }
        Ok(writer.finish()?.into_inner())
    }
}

/// Plays what FFmpeg sent through a presentation.
fn play(tracks: Vec<Track>, layout: Layout) -> Stored {
    let start = Instant::now();
    let mut config = Config::default();
    config.layout = layout;
    let mut hls = Presentation::new(config, start).unwrap();
    let mut stored = Stored::default();
    let mut events = vec![(0, Event::Start { wall: WALL })];
    for track in tracks {
        let id = match track.codec.kind() {
            backline_hls::codec::TrackKind::Audio => TrackId::AUDIO,
            backline_hls::codec::TrackKind::Text => TrackId::TEXT,
            backline_hls::codec::TrackKind::Video => TrackId::VIDEO,
        };
        let (codec, record) = (track.codec, track.record);
        events.push((
            0,
            Event::Config {
                track: id,
                codec,
                record,
            },
        ));
        for body in track.bodies {
            let sample = Sample {
                dts_ns: body.time_ms * 1_000_000,
                composition_ns: body.composition_ms * 1_000_000,
                sync: body.sync,
                data: body.data,
            };
            events.push((body.time_ms + 1, Event::Sample { track: id, sample }));
        }
    }
    events.sort_by_key(|(time_ms, _)| *time_ms);
    let last = events.last().unwrap().0;
    events.push((last + 1, Event::Stop));
    for (time_ms, event) in events {
        let now = start + Duration::from_millis(u64::try_from(time_ms).unwrap());
        hls.handle_event(now, event).unwrap();
        while let Some(output) = hls.poll_output() {
            stored.take(output);
        }
    }
    stored
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("backline-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// What every decoded frame is worth, in order, and when each is shown.
fn frames(path: &PathBuf, stream: &str) -> (Vec<String>, Vec<f64>) {
    hashes(
        path,
        stream,
        &["-fps_mode", "passthrough", "-enc_time_base", "-1"],
    )
}

/// The same of what has not been decoded.
fn packets(path: &PathBuf, stream: &str) -> (Vec<String>, Vec<f64>) {
    hashes(path, stream, &["-c", "copy"])
}

fn hashes(path: &PathBuf, stream: &str, how: &[&str]) -> (Vec<String>, Vec<f64>) {
    let output = Command::new("ffmpeg")
        .args(["-v", "warning", "-xerror", "-i"])
        .arg(path)
        .args(["-map", stream])
        .args(how)
        .args(["-f", "framemd5", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let base = text
        .lines()
        .find_map(|line| line.strip_prefix("#tb 0: "))
        .unwrap();
    let (one, of) = base.split_once('/').unwrap();
    let tick = one.parse::<f64>().unwrap() / of.parse::<f64>().unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            (
                fields[5].to_owned(),
                fields[2].parse::<f64>().unwrap() * tick,
            )
        })
        .unzip()
}

/// B-frames, no B-frames, odd rates; in one rendition and in two: the same frames at the same times.
#[test]
#[ignore = "needs ffmpeg"]
fn a_night_in_one_mp4_has_the_frames_of_its_source() {
    for (number, (picture, layout)) in [
        ("r=30:d=5 -c:v libx264 -bf 2", Layout::Muxed),
        ("r=30:d=5 -c:v libx264 -bf 3", Layout::Separate),
        (
            "r=30000/1001:d=5 -c:v libx264 -preset ultrafast -tune zerolatency",
            Layout::Muxed,
        ),
        ("r=24:d=5 -c:v libx264 -bf 2", Layout::Separate),
    ]
    .into_iter()
    .enumerate()
    {
        let arguments = format!(
            "-f lavfi -i testsrc2=s=320x180:{} -f lavfi -i sine=r=48000:d=5 -pix_fmt yuv420p -g 48 {} -c:a aac -ac 2",
            picture.split_once(' ').unwrap().0,
            picture.split_once(' ').unwrap().1
        );
        let flv = encode("ffmpeg", &arguments);
        let stored = play(demux(&flv), layout);
        let source = file(&format!("{number}.flv"), &flv);
        let path = file(&format!("{number}.mp4"), &stored.join().unwrap());
        let ((wanted, due), (found, shown)) = (frames(&source, "0:v"), frames(&path, "0:v"));
        assert_eq!(found, wanted, "{arguments}");
        let moved = due[0] - shown[0];
        for (due, shown) in due.iter().zip(&shown) {
            let apart = (due - shown - moved).abs();
            assert!(apart < 0.002, "{arguments}: {due} became {shown}");
        }
        // Sound: the same frames, and no more than a frame from where it was beside the picture.
        let ((wanted, due), (found, shown)) = (packets(&source, "0:a"), packets(&path, "0:a"));
        let first = wanted
            .iter()
            .position(|packet| *packet == found[0])
            .unwrap();
        assert!(first < 10 && found.len() > 200, "{first} {}", found.len());
        assert!(wanted[first..].starts_with(&found), "{arguments}");
        let apart = (due[first] - shown[0] - moved).abs();
        assert!(apart < 0.022, "{arguments}: {apart} s");
        std::fs::remove_file(source).unwrap();
        std::fs::remove_file(path).unwrap();
    }
}

/// Signed offsets below zero, and a stream that begins late on the timeline.
#[test]
#[ignore = "needs ffmpeg"]
fn q29_offsets_below_zero_are_shown_when_they_are_due() {
    let mut studio = Studio::started(muxed(), Some(AAC_48));
    for index in 0..90i64 {
        studio.at_ms(u64::try_from(index).unwrap() * 33);
        studio.video(
            index * 33,
            if index % 3 == 1 { -33 } else { 0 },
            index % 30 == 0,
        );
        studio.audio(index * 33);
    }
    studio.event(Event::Stop);
    let stored = Stored::all(&mut studio);
    let path = file("below.mp4", &stored.join().unwrap());
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "packet=pts_time",
        ])
        .args(["-of", "csv=p=0"])
        .arg(&path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let times: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(times.len(), 90);
    // The first three samples are due at 0, 0 and 66 ms.
    for (time, due) in times.iter().zip([0.0, 0.0, 0.066]) {
        assert!((time - due).abs() < 0.003, "{times:?}");
    }
    std::fs::remove_file(path).unwrap();
}

fn stored_show() -> Stored {
    let mut studio = Studio::started(muxed(), Some(AAC_48));
    for index in 0..90i64 {
        studio.at_ms(u64::try_from(index).unwrap() * 33);
        studio.video(index * 33, 0, index % 30 == 0);
        studio.audio(index * 33);
    }
    studio.event(Event::Stop);
    Stored::all(&mut studio)
}

#[test]
fn a_stored_part_reads_as_it_was_written() {
    let stored = stored_show();
    let mut next = [0, 0];
    for (_, part) in &stored.parts {
        let read = StoredPart::read(part, &Limits::default()).unwrap();
        for run in &read.runs {
            let next = &mut next[run.track_id as usize - 1];
            assert!(*next == 0 || *next == run.base_decode_time);
            *next = run.end();
        }
        let bytes: u64 = read.runs.iter().map(|run| run.bytes()).sum();
        let first = read.runs.iter().map(|run| run.data_at).min().unwrap();
        assert_eq!(first as u64 + bytes, part.len() as u64);
        for cut in 0..part.len() {
            assert!(StoredPart::read(&part[..cut], &Limits::default()).is_err());
        }
    }
}

#[test]
fn codecs_that_the_boxes_cannot_say_are_refused() {
    let opus = |codec, record: &'static [u8]| {
        let mut config = Config::default();
        config.layout = Layout::Separate;
        let now = Instant::now();
        let mut hls = Presentation::new(config, now).unwrap();
        hls.handle_event(now, Event::Start { wall: WALL }).unwrap();
        let track = TrackId::AUDIO;
        let record = Bytes::from_static(record);
        let event = Event::Config {
            track,
            codec,
            record,
        };
        hls.handle_event(now, event).unwrap();
        let mut stored = Stored::default();
        for index in 0..100 {
            let sample = Sample {
                dts_ns: index * 20_000_000,
                composition_ns: 0,
                sync: true,
                data: Bytes::from_static(&[1; 40]),
            };
            hls.handle_event(now, Event::Sample { track, sample })
                .unwrap();
            while let Some(output) = hls.poll_output() {
                stored.take(output);
            }
        }
        stored.join().map_err(|error| match error {
            Error::File { problem, .. } => problem,
            other => panic!("{other:?}"),
        })
    };
    let codec = |entry: &[u8; 4]| Err(FileProblem::Codec { entry: *entry });
    assert_eq!(opus(Codec::Opus, b""), codec(b"Opus"));
    // AAC with spectral band replication that its record declares.
    assert_eq!(opus(Codec::Aac, &[0x2b, 0x92, 0x08, 0x00]), codec(b"mp4a"));
    assert!(opus(Codec::Aac, &[0x11, 0x90]).is_ok());
}

#[test]
fn parts_that_cannot_follow_are_refused_and_harm_nothing() {
    let stored = stored_show();
    let inits: Vec<&[u8]> = stored.inits.iter().map(|(_, init)| &init[..]).collect();
    let new = |limits| ProgressiveWriter::new(Cursor::new(Vec::new()), &inits, limits).unwrap();
    let problem = |result| match result {
        Err(Error::File { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    let mut writer = new(Limits::default());
    assert_eq!(
        problem(new(Limits::default()).finish().map(|_| ())),
        FileProblem::Samples
    );
    writer.part(0, &stored.parts[0].1).unwrap();
    let back = problem(writer.part(0, &stored.parts[0].1));
    assert!(
        matches!(
            back,
            FileProblem::Value {
                field: "baseMediaDecodeTime",
                ..
            }
        ),
        "{back:?}"
    );
    let unknown = problem(writer.part(1, &stored.parts[1].1));
    assert_eq!(unknown, FileProblem::Missing { kind: *b"trak" });
    let garbage = problem(writer.part(0, b"no part"));
    assert_eq!(garbage, FileProblem::Missing { kind: *b"moof" });
    for (_, part) in &stored.parts[1..] {
        writer.part(0, part).unwrap();
    }
    assert_eq!(
        writer.finish().unwrap().into_inner(),
        stored.join().unwrap()
    );
    let mut tight = Limits::default();
    tight.recording_samples = 3;
    let large = problem(new(tight).part(0, &stored.parts[0].1));
    assert!(
        matches!(large, FileProblem::TooLarge { limit: 3, .. }),
        "{large:?}"
    );
    let mut tight = Limits::default();
    tight.part_samples = 1;
    let large = problem(new(tight).part(0, &stored.parts[0].1));
    assert!(
        matches!(large, FileProblem::TooLarge { limit: 1, .. }),
        "{large:?}"
    );
    assert!(!hex(AVC_360).is_empty());
}

/// A disk that is full is an error with its kind, not a panic.
#[test]
fn a_writer_that_fails_says_how() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Seek for Full {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }
    let stored = stored_show();
    let inits: Vec<&[u8]> = stored.inits.iter().map(|(_, init)| &init[..]).collect();
    let mut writer = ProgressiveWriter::new(Full(5_000), &inits, Limits::default()).unwrap();
    let result = stored
        .parts
        .iter()
        .try_for_each(|(_, part)| writer.part(0, part));
    let kind = io::ErrorKind::StorageFull;
    assert!(
        matches!(result, Err(Error::File { problem: FileProblem::Io { kind: found }, .. }) if found == kind),
        "{result:?}"
    );
}

#[test]
fn a_track_stands_once_in_a_part_and_tracks_are_counted() {
    let config = |codec, record| TrackConfig::parse(codec, hex(record), &Limits::default());
    let picture = config(Codec::Avc, AVC_360).unwrap();
    let init = fmp4::init(&[(1, &picture)], fmp4::Brand::Cmaf).unwrap();
    let sample = fmp4::FragmentSample {
        duration: 3_000,
        size: 9,
        composition: 0,
        sync: true,
    };
    let samples = [sample; 3];
    // The second run goes back to where the first one began.
    let runs = [0, 0].map(|base_decode_time| fmp4::Run {
        track_id: 1,
        base_decode_time,
        samples: &samples,
    });
    let part = |runs: &[fmp4::Run<'_>]| {
        let header = fmp4::fragment_header(1, Some(fmp4::Styp::Iso6), runs).unwrap();
        [&header[..], &vec![7; 27 * runs.len()]].concat()
    };
    let begin = |limits| ProgressiveWriter::new(Cursor::new(Vec::new()), &[&init[..]], limits);
    let mut writer = begin(Limits::default()).unwrap();
    let Err(Error::File { problem, .. }) = writer.part(0, &part(&runs)) else {
        panic!("it goes back in time");
    };
    let FileProblem::Value { field, value, .. } = problem else {
        panic!("{problem}");
    };
    assert_eq!((field, value), ("track_ID", 1));
    writer.part(0, &part(&runs[..1])).unwrap();
    writer.finish().unwrap();

    let mut limits = Limits::default();
    limits.renditions = 0;
    let Err(Error::File { problem, .. }) = begin(limits) else {
        panic!("one track is too many");
    };
    let (what, value, limit) = ("tracks", 0, 0);
    assert_eq!(problem, FileProblem::TooLarge { what, value, limit });
}
