//! Real encoded samples go through the writer, and FFmpeg reads them back (MUX-1 to MUX-6, MUX-8).
//!
//! FFmpeg encodes a test picture or a tone into FLV, as it would send it over RTMP. Its bodies are wrapped into parts,
//! `ffprobe` lists what it finds in them, and `ffmpeg` decodes them with every warning counted as a failure.
//! Debian's FFmpeg is the one of the path; the current one is where `.ci/install` puts it.

#![expect(
    clippy::panic,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking, and its numbers are small"
)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use backline_hls::Limits;
use backline_hls::codec::{Codec, TrackConfig, TrackKind};
use backline_hls::fmp4::{Brand, FragmentSample, Run, Styp, fragment_header, init};
use bytes::Bytes;

/// One body of an FLV tag.
pub struct Body {
    pub time_ms: i64,
    pub composition_ms: i64,
    pub sync: bool,
    pub data: Bytes,
}

/// A track of an FLV file: its record, which may come twice, and its samples.
pub struct Track {
    pub codec: Codec,
    pub record: Bytes,
    pub bodies: Vec<Body>,
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Packet {
    pts: i64,
    dts: i64,
    size: usize,
    key: bool,
}

/// The current FFmpeg, which the Python of `.ci/install` knows.
pub fn current() -> String {
    let python = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/peers/venv/bin/python"
    );
    let script = "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())";
    let output = Command::new(python)
        .args(["-c", script])
        .output()
        .expect("the current ffmpeg is missing: run .ci/install");
    assert!(output.status.success(), "{output:?}: run .ci/install");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Encodes into FLV.
pub fn encode(ffmpeg: &str, arguments: &str) -> Vec<u8> {
    let output = Command::new(ffmpeg)
        .args(["-v", "error"])
        .args(arguments.split_whitespace())
        .args(["-f", "flv", "pipe:1"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {said}");
    output.stdout
}

fn u24(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]])
}

fn i24(bytes: &[u8]) -> i64 {
    i64::from(i32::from_be_bytes([bytes[0], bytes[1], bytes[2], 0]) >> 8)
}

/// Splits an FLV file into its first picture track and its first sound track.
pub fn demux(flv: &[u8]) -> Vec<Track> {
    let flv = Bytes::copy_from_slice(flv);
    let mut tracks: [Option<Track>; 2] = [None, None];
    let mut at = 9 + 4;
    while at + 11 <= flv.len() {
        let size = u24(&flv[at + 1..]) as usize;
        let time_ms = i64::from(u24(&flv[at + 4..]) | u32::from(flv[at + 7]) << 24);
        let body = flv.slice(at + 11..at + 11 + size);
        match flv[at] & 0x1f {
            8 => audio(&mut tracks[1], time_ms, &body),
            9 => video(&mut tracks[0], time_ms, &body),
            _ => {}
        }
        at += 11 + size + 4;
    }
    tracks.into_iter().flatten().collect()
}

fn codec(four: &[u8]) -> Codec {
    match four {
        b"avc1" => Codec::Avc,
        b"hvc1" => Codec::Hevc,
        b"av01" => Codec::Av1,
        b"vp09" => Codec::Vp9,
        b"mp4a" => Codec::Aac,
        b"Opus" => Codec::Opus,
        b"fLaC" => Codec::Flac,
        other => panic!("unexpected {other:?}"),
    }
}

/// Legacy bodies of H.264, and enhanced ones.
fn video(track: &mut Option<Track>, time_ms: i64, body: &Bytes) {
    let sync = body[0] >> 4 & 0x07 == 1;
    let (codec, kind, composition_ms, data) = if body[0] & 0x80 != 0 {
        let codec = codec(&body[1..5]);
        match (body[0] & 0x0f, codec) {
            (1, Codec::Avc | Codec::Hevc) => (codec, 1, i24(&body[5..8]), body.slice(8..)),
            (3, _) => (codec, 1, 0, body.slice(5..)),
            (kind, _) => (codec, kind, 0, body.slice(5..)),
        }
    } else {
        (Codec::Avc, body[1], i24(&body[2..5]), body.slice(5..))
    };
    take(
        track,
        codec,
        kind,
        Body {
            time_ms,
            composition_ms,
            sync,
            data,
        },
    );
}

/// Legacy bodies of AAC, and enhanced ones.
fn audio(track: &mut Option<Track>, time_ms: i64, body: &Bytes) {
    let (codec, kind, data) = match body[0] >> 4 {
        9 => (codec(&body[1..5]), body[0] & 0x0f, body.slice(5..)),
        _ => (Codec::Aac, body[1], body.slice(2..)),
    };
    take(
        track,
        codec,
        kind,
        Body {
            time_ms,
            composition_ms: 0,
            sync: true,
            data,
        },
    );
}

fn take(track: &mut Option<Track>, codec: Codec, kind: u8, body: Body) {
    let track = track.get_or_insert_with(|| Track {
        codec,
        record: Bytes::new(),
        bodies: Vec::new(),
    });
    match kind {
        0 => track.record = body.data,
        1 if !body.data.is_empty() => track.bodies.push(body),
        _ => {}
    }
}

/// A track in ticks, ready for parts.
struct Media {
    config: TrackConfig,
    start: u64,
    samples: Vec<FragmentSample>,
    data: Vec<Bytes>,
}

impl Media {
    fn of(track: Track) -> Self {
        let config = TrackConfig::parse(track.codec, track.record, &Limits::default()).unwrap();
        let config = match config.resolution() {
            None if config.kind() == TrackKind::Video => config.with_resolution(640, 360),
            _ => config,
        };
        let scale = i64::from(config.timescale());
        let ticks = |ms: i64| (ms * scale + 500).div_euclid(1_000);
        // Whole milliseconds of sound would jitter: its frames are counted.
        let step = config.frame_samples().map(i64::from);
        let first = track.bodies[0].time_ms;
        let time = |index: usize| match step {
            Some(step) => ticks(first) + index as i64 * step,
            None => ticks(track.bodies[index].time_ms),
        };
        let last = track.bodies.len() - 1;
        let samples = (0..=last).map(|index| {
            let body = &track.bodies[index];
            let from = index.min(last - 1);
            FragmentSample {
                duration: u32::try_from(time(from + 1) - time(from)).unwrap(),
                size: body.data.len() as u32,
                composition: i32::try_from(ticks(body.composition_ms)).unwrap(),
                sync: body.sync,
            }
        });
        Self {
            samples: samples.collect(),
            start: u64::try_from(time(0)).unwrap(),
            data: track.bodies.iter().map(|body| body.data.clone()).collect(),
            config,
        }
    }

    /// What a reader must find.
    fn packets(&self) -> Vec<Packet> {
        let mut dts = self.start as i64;
        let mut packets = Vec::new();
        for sample in &self.samples {
            let pts = dts + i64::from(sample.composition);
            packets.push(Packet {
                pts,
                dts,
                size: sample.size as usize,
                key: sample.sync,
            });
            dts += i64::from(sample.duration);
        }
        packets
    }
}

/// Init segment and parts of `count` samples of each track.
fn mux(media: &[Media], count: usize) -> Vec<u8> {
    let tracks: Vec<(u32, &TrackConfig)> =
        (1..).zip(media.iter().map(|track| &track.config)).collect();
    let brand = if media.len() == 1 {
        Brand::Cmaf
    } else {
        Brand::Iso6
    };
    let mut file = init(&tracks, brand).unwrap().to_vec();
    let longest = media.iter().map(|track| track.samples.len()).max().unwrap();
    for (sequence, from) in (1..).zip((0..longest).step_by(count)) {
        let mut runs = Vec::new();
        let mut payload = Vec::new();
        for (track_id, track) in (1..).zip(media) {
            let range = from.min(track.samples.len())..(from + count).min(track.samples.len());
            if range.is_empty() {
                continue;
            }
            let before = track.samples[..range.start].iter();
            let base_decode_time = track.start + before.map(|s| u64::from(s.duration)).sum::<u64>();
            runs.push(Run {
                track_id,
                base_decode_time,
                samples: &track.samples[range.clone()],
            });
            payload.extend(track.data[range].concat());
        }
        let styp = if sequence % 3 == 1 {
            Some(Styp::Chunk)
        } else {
            None
        };
        file.extend(fragment_header(sequence, styp, &runs).unwrap());
        file.extend(payload);
    }
    file
}

pub fn pipe(program: &str, arguments: &[&str], input: &[u8]) -> (String, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("FFmpeg's programs are installed");
    let mut stdin = child.stdin.take().unwrap();
    // Both programs read all of their input before they say much.
    let written = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && written.is_ok(),
        "{program}: {said}"
    );
    (String::from_utf8_lossy(&output.stdout).into_owned(), said)
}

/// The packets that ffprobe finds in one stream, without a word of warning.
fn probe(file: &[u8], stream: usize) -> Vec<Packet> {
    let select = stream.to_string();
    let arguments = [
        "-v",
        "warning",
        "-select_streams",
        &select,
        "-show_entries",
        "packet=pts,dts,size,flags",
    ];
    let (listed, said) = pipe(
        "ffprobe",
        &[&arguments[..], &["-of", "csv=p=0", "-i", "pipe:0"]].concat(),
        file,
    );
    assert_eq!(said, "");
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |at: usize| fields[at].parse::<i64>().unwrap();
        Packet {
            pts: number(0),
            dts: number(1),
            size: number(2) as usize,
            key: fields[3].starts_with('K'),
        }
    };
    listed
        .lines()
        .filter(|line| !line.is_empty())
        .map(row)
        .collect()
}

/// Wraps what FFmpeg encodes, `count` samples a part, and compares what is read.
fn round(ffmpeg: &str, arguments: &str, count: usize) {
    let flv = encode(ffmpeg, arguments);
    let media: Vec<Media> = demux(&flv).into_iter().map(Media::of).collect();
    let file = mux(&media, count);
    for (stream, track) in media.iter().enumerate() {
        assert_eq!(probe(&file, stream), track.packets(), "{arguments}");
    }
    let decode = [
        "-v", "warning", "-xerror", "-i", "pipe:0", "-f", "null", "-",
    ];
    let (_, said) = pipe(ffmpeg, &decode, &file);
    assert_eq!(said, "", "{arguments}");
}

const DEBIAN: &str = "ffmpeg";
const PICTURE: &str = "-f lavfi -i testsrc2=s=640x360:r=30000/1001:d=2,format=yuv420p";
const TONE: &str = "-f lavfi -i sine=r=44100:d=2 -ac 2";

#[test]
#[ignore = "needs ffmpeg"]
fn mux_6_ffmpeg_reads_h264_with_and_without_b_frames() {
    for count in [1, 6, 100] {
        round(
            DEBIAN,
            &format!("{PICTURE} -c:v libx264 -preset ultrafast -tune zerolatency"),
            count,
        );
        round(
            DEBIAN,
            &format!("{PICTURE} -c:v libx264 -preset veryfast -bf 2"),
            count,
        );
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn mux_6_ffmpeg_reads_aac() {
    round(DEBIAN, &format!("{TONE} -c:a aac"), 9);
    round(DEBIAN, &format!("{TONE} -ar 48000 -c:a aac"), 1);
}

#[test]
#[ignore = "needs ffmpeg"]
fn mux_8_ffmpeg_reads_muxed_tracks() {
    round(
        DEBIAN,
        &format!("{PICTURE} {TONE} -c:v libx264 -preset veryfast -bf 2 -c:a aac"),
        6,
    );
}

/// Enhanced RTMP, which FFmpeg 5.1 does not send: its AV1 encoder never returns when it is refused.
#[test]
#[ignore = "needs the current ffmpeg"]
fn mux_6_ffmpeg_reads_hevc_av1_vp9_opus_and_flac() {
    let current = current();
    for arguments in [
        format!("{PICTURE} -c:v libx265 -bf 2 -x265-params log-level=none"),
        format!("{PICTURE} -c:v libx265 -bf 0 -x265-params log-level=none:info=0"),
        format!("{PICTURE} -c:v libsvtav1 -preset 12"),
        format!("{PICTURE} -c:v libaom-av1 -cpu-used 8 -usage realtime"),
        format!("{PICTURE} -c:v libvpx-vp9 -deadline realtime"),
        format!("{TONE} -ar 48000 -c:a libopus"),
        format!("{TONE} -ar 48000 -c:a flac"),
    ] {
        round(&current, &arguments, 6);
    }
}
