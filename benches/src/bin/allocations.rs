//! Counts allocations in steady state: `allocations rtmp|hls` prints "what TAB who TAB allocations" lines.
//!
//! A program of its own, since the counting allocator would slow down whoever reallocates in the timed races.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "counts far below 2^53"
)]

use backline_benches::areas::{hls, rtmp};
use backline_benches::peers::fragments::{Fragments, Mp4Atom, ShiguredoMp4, Transmux};
use backline_benches::peers::ours::{OurFragments, Ours};
use backline_benches::peers::{Demux, LibRtmp2, RmlRtmp, Shiguredo};
use backline_benches::wire::{READ_SIZE, Stream};
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("rtmp") => {
            for (name, stream) in rtmp::counted() {
                demux::<Ours>(name, &stream);
                demux::<RmlRtmp>(name, &stream);
                demux::<LibRtmp2>(name, &stream);
                demux::<Shiguredo>(name, &stream);
            }
        }
        Some("hls") => {
            for (name, count) in hls::PARTS {
                part::<OurFragments>(name, count);
                part::<Mp4Atom>(name, count);
                part::<ShiguredoMp4>(name, count);
                part::<Transmux>(name, count);
            }
        }
        _ => {
            eprintln!("usage: allocations rtmp|hls");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Allocations a message, once the stream has been seen once.
fn demux<D: Demux>(name: &str, stream: &Stream) {
    let mut demuxer = D::new(&stream.prelude, stream.chunk_size);
    let mut messages = 0_u64;
    let mut pass = || {
        for read in stream.bytes.chunks(READ_SIZE) {
            demuxer.feed(read, |_, _, _| messages += 1);
        }
    };
    pass();
    let measured = allocation_counter::measure(&mut pass);
    println!(
        "{name}\t{}\t{}",
        D::WHO,
        measured.count_total as f64 / (messages / 2) as f64
    );
}

/// Allocations a part, payload handles and their list included.
fn part<F: Fragments>(name: &str, count: usize) {
    const PARTS: u32 = 64;
    let frames = hls::frames(count);
    let mut writer = F::new(&frames);
    drop(writer.part(1, 0));
    let measured = allocation_counter::measure(|| {
        for sequence in 2..2 + PARTS {
            drop(writer.part(sequence, u64::from(sequence) * 3000));
        }
    });
    println!(
        "{name}\t{}\t{}",
        F::WHO,
        measured.count_total as f64 / f64::from(PARTS)
    );
}
