//! What a part costs: allocations always, time where the build is optimised.

use backline_hls::{Config, Event, Layout, Presentation, TrackId};
use std::time::Instant;

use crate::studio::{AAC_48, AVC_360, WALL, hex, sample};
use backline_hls::codec::Codec;

/// A presentation with ten seconds of picture in it, and the samples of ten more parts.
fn warm(layout: Layout, sound: bool) -> (Presentation, Vec<Event>) {
    let now = Instant::now();
    let mut config = Config::default();
    config.layout = layout;
    let mut hls = Presentation::new(config, now).unwrap();
    let mut feed = |event| {
        hls.handle_event(now, event).unwrap();
        while hls.poll_output().is_some() {}
    };
    feed(Event::Start { wall: WALL });
    feed(Event::Config {
        track: TrackId::VIDEO,
        codec: Codec::Avc,
        record: hex(AVC_360),
    });
    if sound {
        feed(Event::Config {
            track: TrackId::AUDIO,
            codec: Codec::Aac,
            record: hex(AAC_48),
        });
    }
    let mut rest = Vec::new();
    for index in 0..360i64 {
        let event = sample(
            TrackId::VIDEO,
            index * 1_000 / 30,
            0,
            index == 0 || index == 300,
            4_000,
        );
        if index <= 301 {
            feed(event)
        } else if index < 302 + 40 {
            rest.push(event)
        }
    }
    (hls, rest)
}

#[test]
fn mux_4_at_most_three_allocations_a_part_of_six_samples() {
    let (mut hls, events) = warm(Layout::Separate, false);
    let now = Instant::now();
    let mut parts = 0u64;
    let begun = Instant::now();
    let counted = allocation_counter::measure(|| {
        for event in events {
            hls.handle_event(now, event).unwrap();
            while let Some(output) = hls.poll_output() {
                parts += u64::from(matches!(output, backline_hls::Output::Part { .. }));
            }
        }
    });
    println!("{:?} in all", begun.elapsed());
    println!(
        "{} allocations, {} bytes, {parts} parts",
        counted.count_total, counted.bytes_total
    );
    assert!(parts >= 6);
    assert!(
        counted.count_total <= 3 * parts,
        "{} allocations for {parts} parts",
        counted.count_total
    );
    assert!(
        counted.bytes_total <= 1_500 * parts,
        "payloads are not copied: {}",
        counted.bytes_total
    );
}
