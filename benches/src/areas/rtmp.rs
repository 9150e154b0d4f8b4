//! RTMP: messages out of chunks, chunks out of messages, a whole publish through the server's session.

use crate::counted;
use crate::peers::mux::{LibRtmp2Muxer, Mux, OurMuxer, RmlMuxer, ShiguredoMuxer};
use crate::peers::ours::{OurSession, Ours};
use crate::peers::{Demux, LibRtmp2, RmlRtmp, RmlSession, Session, Shiguredo, ShiguredoSession};
use crate::report::{Figure, Progress, Report, Row, Target};
use crate::timing::{Contestant, Timing, race};
use crate::wire::publish::Publisher;
use crate::wire::{Noise, READ_SIZE, Stream};
use backline_rtmp::Limits;
use backline_rtmp::chunk::Demuxer;
use std::hint::black_box;
use std::time::Duration;

/// One stream that is demuxed.
struct Case {
    name: &'static str,
    /// Message type.
    kind: u8,
    /// Bytes of a message.
    size: usize,
    chunk_size: u32,
    /// Bytes of the stream.
    total: usize,
    target: Option<Target>,
}

const fn case(name: &'static str, kind: u8, size: usize, chunk_size: u32, total: usize) -> Case {
    Case {
        name,
        kind,
        size,
        chunk_size,
        total,
        target: None,
    }
}

/// The small chunk is what librtmp begins with and some encoders never change; 4096 is OBS and our own advice.
const DEMUX: [Case; 7] = [
    Case {
        target: Some(Target::Times(5.0)),
        ..case("25 kB, chunk 128", 9, 25_000, 128, 6 << 20)
    },
    Case {
        target: Some(Target::Times(1.5)),
        ..case("25 kB, chunk 4096", 9, 25_000, 4096, 6 << 20)
    },
    case("25 kB, chunk 65536", 9, 25_000, 65_536, 6 << 20),
    case("250 kB, chunk 128", 9, 250_000, 128, 3 << 20),
    case("250 kB, chunk 4096", 9, 250_000, 4096, 3 << 20),
    case("250 kB, chunk 65536", 9, 250_000, 65_536, 6 << 20),
    Case {
        target: Some(Target::Times(2.0)),
        ..case("350 B audio, chunk 4096", 8, 350, 4096, 2 << 20)
    },
];

/// Adds the rows of this area.
pub fn score(report: &mut Report, progress: &mut Progress, full: bool) {
    report.notes.push(
        "rtmp: made data (a chunk writer of the bench's own); reads of 16 KiB, one thread"
            .to_owned(),
    );
    let budget = Duration::from_millis(if full { 12_000 } else { 2_500 });
    for case in &DEMUX {
        progress.show(&format!("demux {}", case.name));
        demux(report, case, budget);
    }
    progress.show("the longest messages");
    longest(report, budget);
    progress.show("muxing");
    mux(report, budget);
    progress.show("session");
    session(report, budget);
    counted::score(report, "rtmp", |_| Some(Target::AtMost(1.0)));
}

/// The streams whose allocations are counted.
#[must_use]
pub fn counted() -> Vec<(&'static str, Stream)> {
    let stream = |case: &Case| {
        (
            case.name,
            Stream::new(case.kind, case.size, case.chunk_size, case.total / 4),
        )
    };
    DEMUX.iter().map(stream).collect()
}

fn demux(report: &mut Report, case: &Case, budget: Duration) {
    let stream = &Stream::new(case.kind, case.size, case.chunk_size, case.total);
    verify::<Ours>(stream);
    verify::<RmlRtmp>(stream);
    verify::<LibRtmp2>(stream);
    verify::<Shiguredo>(stream);
    let timings = race(
        &mut [
            Contestant::new(Ours::WHO, || pass::<Ours>(stream)),
            Contestant::new(RmlRtmp::WHO, || pass::<RmlRtmp>(stream)),
            Contestant::new(LibRtmp2::WHO, || pass::<LibRtmp2>(stream)),
            Contestant::new(Shiguredo::WHO, || pass::<Shiguredo>(stream)),
        ],
        budget,
    );
    let what = format!("demux {}", case.name);
    let row = if stream.messages.len() > 1000 {
        let cost = |timing: &Timing| nanos(timing.best) / stream.messages.len() as f64;
        Row::cost(what, cost(&timings[0]), "ns").against(figures(&timings[1..], cost))
    } else {
        let rate = |timing: &Timing| stream.payload_size as f64 / nanos(timing.best);
        Row::rate(what, rate(&timings[0]), "GB/s").against(figures(&timings[1..], rate))
    };
    report.rows.push(Row {
        target: case.target,
        ..row
    });
    if case.kind == 8 {
        let each = nanos(timings[0].best) / stream.messages.len() as f64;
        report.rows.push(
            Row::cost("the same, whatever the peers need", each, "ns").target(Target::AtMost(40.0)),
        );
    }
}

/// Whether a byte of the longest messages costs about what a byte of a picture costs: their buffers grow, and are
/// fresh memory each time.
fn longest(report: &mut Report, budget: Duration) {
    // Both are as long, so that both come from main memory.
    let usual = &Stream::new(9, 25_000, 4096, 64 << 20);
    // Within one per cent of the 16 777 215 bytes that the wire can say.
    let longest = &Stream::new(9, 16_600_000, 4096, 64 << 20);
    let run = |stream: &Stream| {
        let mut limits = Limits::default();
        limits.message_bytes = 0x00FF_FFFF;
        let mut demuxer = Demuxer::new(limits);
        demuxer.set_publishing(true);
        let mut bytes = 0;
        for read in std::iter::once(&stream.prelude[..]).chain(stream.bytes.chunks(READ_SIZE)) {
            let mut rest = read;
            while let Some(message) = demuxer.next_message(&mut rest).unwrap() {
                if message.kind == 9 {
                    bytes += black_box(message.payload).len();
                }
            }
        }
        assert_eq!(bytes, stream.payload_size, "we lost something");
    };
    let timings = race(
        &mut [
            Contestant::new("25 kB", || run(usual)),
            Contestant::new("16 MiB", || run(longest)),
        ],
        budget,
    );
    let each = |timing: &Timing, stream: &Stream| nanos(timing.best) / stream.payload_size as f64;
    let ratio = each(&timings[1], longest) / each(&timings[0], usual);
    report.rows.push(
        Row::cost("demux, time a byte at 16 MiB to that at 25 kB", ratio, "")
            .target(Target::AtMost(3.0)),
    );
}

fn figures<'a>(
    timings: &'a [Timing],
    value: impl Fn(&Timing) -> f64 + 'a,
) -> impl Iterator<Item = Figure> + 'a {
    timings.iter().map(move |timing| Figure {
        who: timing.who,
        value: value(timing),
    })
}

fn nanos(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

/// One timed pass: counts, so that nothing is optimised away and nothing is lost unseen.
pub fn pass<D: Demux>(stream: &Stream) {
    let mut demuxer = D::new(&stream.prelude, stream.chunk_size);
    let (mut messages, mut bytes) = (0, 0);
    for read in stream.bytes.chunks(READ_SIZE) {
        demuxer.feed(read, |_, _, payload| {
            messages += 1;
            bytes += black_box(payload).len();
        });
    }
    assert_eq!(
        (messages, bytes),
        (stream.messages.len(), stream.payload_size),
        "{} lost something",
        D::WHO
    );
}

/// One pass that is not timed and compares every message.
fn verify<D: Demux>(stream: &Stream) {
    let mut demuxer = D::new(&stream.prelude, stream.chunk_size);
    let mut expected = stream.messages.iter();
    for read in stream.bytes.chunks(READ_SIZE) {
        demuxer.feed(read, |kind, timestamp, payload| {
            let next = expected.next().expect("no more messages than were written");
            assert_eq!((kind, timestamp), (next.kind, next.timestamp), "{}", D::WHO);
            assert!(payload == next.payload, "{} changed a payload", D::WHO);
        });
    }
    assert!(expected.next().is_none(), "{} lost messages", D::WHO);
}

/// A publish of ten seconds: 30 pictures a second of about 25 kB (6 Mb/s), AAC at 128 kb/s.
#[derive(Debug)]
pub struct Recording {
    greeting: Vec<u8>,
    commands: Vec<Vec<u8>>,
    media: Vec<u8>,
    /// Pictures and audio frames in it.
    pub frames: [usize; 2],
    /// Sum over the coded bytes of pictures and audio frames.
    sums: [u64; 2],
    /// Bytes after the commands.
    pub size: usize,
}

impl Recording {
    /// Makes it; C2 is left empty and filled in by each run.
    #[must_use]
    pub fn new() -> Self {
        let mut publisher = Publisher::new(1);
        let mut noise = Noise::new(2);
        let greeting = publisher.greeting();
        let commands = publisher.commands(&[0; 1536], 4096, "key");
        let mut media = publisher.configuration(0);
        let (mut frames, mut sums) = ([0, 0], [0, 0]);
        let mut add = |index: usize, bytes: Vec<u8>, header: usize, media: &mut Vec<u8>| {
            frames[index] += 1;
            sums[index] += header as u64;
            media.extend(bytes);
        };
        let mut next_audio = 0_u32;
        for picture in 0..300_u32 {
            let timestamp = picture * 1000 / 30;
            let size = 24_000 + (noise.next() % 2000) as usize;
            add(
                0,
                publisher.video(timestamp, picture % 60 == 0, size),
                size + 4,
                &mut media,
            );
            while next_audio * 1024 / 48 <= timestamp {
                let size = 330 + (noise.next() % 40) as usize;
                add(
                    1,
                    publisher.audio(next_audio * 1024 / 48, size),
                    size,
                    &mut media,
                );
                next_audio += 1;
            }
        }
        let size = media.len();
        Self {
            greeting,
            commands,
            media,
            frames,
            sums,
            size,
        }
    }

    /// Runs it through a session and checks what came out of it.
    pub fn run<S: Session>(&self) {
        let mut session = S::new();
        let mut out = Vec::with_capacity(16 << 10);
        session.feed(&self.greeting, &mut out, |_, _| {
            panic!("no media in a handshake")
        });
        assert!(out.len() >= 1537, "{} did not answer the handshake", S::WHO);
        let mut commands = self.commands.clone();
        commands[0][..1536].copy_from_slice(&out[1..1537]);
        for command in &commands {
            session.feed(command, &mut out, |_, _| panic!("no media in the commands"));
        }
        let (mut frames, mut sums) = ([0, 0], [0, 0]);
        for read in self.media.chunks(READ_SIZE) {
            session.feed(read, &mut out, |kind, data| {
                let index = usize::from(kind == 8);
                frames[index] += 1;
                sums[index] += black_box(data).len() as u64;
            });
        }
        assert_eq!(
            (frames, sums),
            (self.frames, self.sums),
            "{} lost frames",
            S::WHO
        );
    }
}

impl Default for Recording {
    fn default() -> Self {
        Self::new()
    }
}

/// Chunks of 4096 bytes out of messages of 25 kB, ready to be written: ours as pieces for a vectored write,
/// the peers' in one buffer, which is the only way that they know.
fn mux(report: &mut Report, budget: Duration) {
    let stream = &Stream::new(9, 25_000, 4096, 3 << 20);
    verify_mux::<OurMuxer>(stream);
    verify_mux::<RmlMuxer>(stream);
    verify_mux::<LibRtmp2Muxer>(stream);
    verify_mux::<ShiguredoMuxer>(stream);
    let timings = race(
        &mut [
            lending(stream),
            muxing::<OurMuxer>(stream),
            muxing::<RmlMuxer>(stream),
            muxing::<LibRtmp2Muxer>(stream),
            muxing::<ShiguredoMuxer>(stream),
            Contestant::new(Ours::WHO, || pass::<Ours>(stream)),
        ],
        budget,
    );
    let cost = |timing: &Timing| nanos(timing.best) / stream.messages.len() as f64;
    let row = |what: &str, ours: &Timing| {
        Row::cost(what, cost(ours), "ns").against(figures(&timings[2..5], cost))
    };
    report.rows.push(
        row("mux 25 kB, chunk 4096, ready to be written", &timings[0]).target(Target::Times(1.0)),
    );
    report.rows.push(row(
        "mux 25 kB, chunk 4096, copied into one buffer",
        &timings[1],
    ));
    let ratio = cost(&timings[1]) / cost(&timings[5]);
    report.rows.push(
        Row::cost("the same, time to that of demuxing it", ratio, "").target(Target::AtMost(1.0)),
    );
}

fn muxing<'a, M: Mux + 'a>(stream: &'a Stream) -> Contestant<'a> {
    let mut muxer = M::new(stream);
    let mut out = Vec::with_capacity(64 << 10);
    Contestant::new(M::WHO, move || {
        let mut bytes = 0;
        for index in 0..stream.messages.len() {
            out.clear();
            muxer.write(index, &mut out);
            bytes += black_box(&out).len();
        }
        assert!(bytes > stream.payload_size, "{} lost something", M::WHO);
    })
}

/// Our own way: heads and slices of the payload.
fn lending(stream: &Stream) -> Contestant<'_> {
    let mut muxer = OurMuxer::new(stream);
    Contestant::new(OurMuxer::WHO, move || {
        let pieces: usize = (0..stream.messages.len())
            .map(|index| muxer.lend(index))
            .sum();
        assert!(
            pieces >= stream.payload_size / 4096,
            "every chunk has a payload"
        );
    })
}

/// A foreign demuxer finds the messages again.
fn verify_mux<M: Mux>(stream: &Stream) {
    let mut muxer = M::new(stream);
    let mut demuxer = RmlRtmp::new(&stream.prelude, stream.chunk_size);
    let mut expected = stream.messages.iter();
    for index in 0..stream.messages.len() {
        let mut out = Vec::new();
        muxer.write(index, &mut out);
        demuxer.feed(&out, |kind, timestamp, payload| {
            let next = expected.next().expect("no more messages than were written");
            assert_eq!((kind, timestamp), (next.kind, next.timestamp), "{}", M::WHO);
            assert!(payload == next.payload, "{} changed a payload", M::WHO);
        });
    }
    assert!(expected.next().is_none(), "{} lost messages", M::WHO);
}

fn session(report: &mut Report, budget: Duration) {
    let recording = Recording::new();
    let timings = race(
        &mut [
            Contestant::new(OurSession::WHO, || recording.run::<OurSession>()),
            Contestant::new(RmlSession::WHO, || recording.run::<RmlSession>()),
            Contestant::new(ShiguredoSession::WHO, || {
                recording.run::<ShiguredoSession>()
            }),
        ],
        budget,
    );
    let rate = |timing: &Timing| recording.size as f64 / nanos(timing.best);
    report.rows.push(
        Row::rate(
            "session, 10 s of 6 Mb/s from the handshake on",
            rate(&timings[0]),
            "GB/s",
        )
        .against(figures(&timings[1..], rate))
        .target(Target::Times(1.0)),
    );
    report
        .notes
        .push("librtmp2 is not in the session row: its session owns a socket".to_owned());
}

#[cfg(test)]
mod tests;
