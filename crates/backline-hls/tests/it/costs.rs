//! What a part costs: allocations always, time where the build is optimised.

use backline_hls::{Config, Event, Layout, Presentation, TrackId};
use std::time::Instant;

use crate::ladder::{audio, config as config_of, video};
use crate::studio::{AAC_48, AVC_360, WALL, sample};
use backline_hls::codec::TrackKind;

/// A presentation with ten seconds of picture in it, and the samples of ten more parts.
fn warm(layout: Layout, pictures: u8, sounds: u8) -> (Presentation, Vec<Event>) {
    let now = Instant::now();
    let mut config = Config::default();
    config.layout = layout;
    let mut hls = Presentation::new(config, now).unwrap();
    let mut feed = |event| {
        hls.handle_event(now, event).unwrap();
        while hls.poll_output().is_some() {}
    };
    feed(Event::Start { wall: WALL });
    let tracks: Vec<TrackId> = (0..pictures)
        .map(video)
        .chain((0..sounds).map(audio))
        .collect();
    for track in &tracks {
        feed(match track.kind {
            TrackKind::Video => config_of(*track, AVC_360),
            _ => config_of(*track, AAC_48),
        });
    }
    let mut rest = Vec::new();
    for index in 0..360i64 {
        for track in &tracks {
            let key = index == 0 || index == 300;
            let event = match track.kind {
                TrackKind::Video => sample(*track, index * 1_000 / 30, 0, key, 4_000),
                // 48 kHz: three frames of sound to two of picture.
                _ => sample(*track, index * 64 / 3, 0, true, 200),
            };
            if index <= 301 {
                feed(event)
            } else if index < 302 + 40 {
                rest.push(event)
            }
        }
    }
    (hls, rest)
}

#[test]
fn mux_4_at_most_three_allocations_a_part_of_six_samples() {
    count(Layout::Separate, 1, 0);
}

#[test]
fn mux_4_as_many_allocations_for_a_part_of_a_ladder() {
    count(Layout::Separate, 3, 0);
}

fn count(layout: Layout, pictures: u8, sounds: u8) {
    let (mut hls, events) = warm(layout, pictures, sounds);
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
    assert!(parts >= 6 * u64::from(pictures + sounds));
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
