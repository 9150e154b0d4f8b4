//! The report of capture reliability.

use super::packets::Packets;
use crate::Source;
use backline_rtmp::flv::{AudioData, Media, Packet, VideoData, VideoFrame};
use backline_rtmp::report::{Codec, Meter, Report, Steps};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Tracks that are measured.
const TRACKS_MAX: usize = 8;

/// Whatever the timestamps and arrivals are, a meter holds no more than it says, counts each frame once, and reports
/// nothing that contradicts itself.
///
/// Input: a byte of modes, then packets of a byte and what they need.
pub fn meter(data: &[u8]) {
    const PACKETS_MAX: usize = 4000;
    /// Eight tracks, in a list that doubles.
    const BYTES_MAX: u64 = 64 << 10;
    let mut source = Source::new(data);
    let mode = source.u8();
    let mut packets = Packets::new(mode);
    let mut now = Instant::now() + Duration::from_secs(3600);
    let mut passed = Vec::new();
    while !source.is_empty() && passed.len() < PACKETS_MAX {
        let packet = packets.next(&mut source);
        let choice = source.u8();
        let timestamp_ms = match choice {
            // Clocks are set, and go back.
            0 => source.u64(),
            1..=9 => packet.timestamp_ms.saturating_sub(source.u16().into()),
            _ => packet.timestamp_ms,
        };
        now = match choice % 16 {
            15 => now - Duration::from_millis(source.u8().into()),
            14 => now + Duration::from_secs(source.u16().into()),
            more => now + Duration::from_micros(u64::from(more) * 5000),
        };
        let packet = Packet::new(timestamp_ms, packet.media);
        // A steady encoder is not found by chance.
        let times = if choice & 0x10 == 0 { 1 } else { 40 };
        for step in 0..times {
            let timestamp_ms = packet.timestamp_ms.saturating_add(step * 33);
            passed.push((now, Packet::new(timestamp_ms, packet.media.clone())));
            now += Duration::from_millis(33);
        }
    }
    let mut meter = Meter::new();
    let measured = allocation_counter::measure(|| {
        for (now, packet) in &passed {
            meter.observe(*now, packet);
        }
    });
    assert!(
        measured.bytes_max <= BYTES_MAX,
        "{} bytes",
        measured.bytes_max
    );
    let report = meter.report();
    assert_eq!(report, meter.report(), "asking changes nothing");
    counted(&report, &passed);
    consistent(&report);
}

/// Each frame is counted once, in its track.
fn counted(report: &Report, passed: &[(Instant, Packet)]) {
    // Frames, bytes and key frames by kind and track.
    let mut expected: BTreeMap<(bool, u8), (u64, u64, u64)> = BTreeMap::new();
    for (_, packet) in passed {
        let (sound, length, is_key) = match &packet.media {
            Media::Audio(audio) => match &audio.data {
                AudioData::Frame(data) => (true, data.len(), false),
                _ => continue,
            },
            Media::Video(video) => match &video.data {
                VideoData::Frame { data, .. } => {
                    let is_key = matches!(video.frame, VideoFrame::Key | VideoFrame::GeneratedKey);
                    (false, data.len(), is_key)
                }
                _ => continue,
            },
            _ => continue,
        };
        let count = expected.entry((sound, packet.track())).or_default();
        count.0 += 1;
        count.1 += length as u64;
        count.2 += u64::from(is_key);
    }
    assert!(report.tracks.len() <= TRACKS_MAX);
    for track in &report.tracks {
        let sound = matches!(track.codec, Codec::Audio(_));
        let found = (track.frames, track.bytes, track.key_frames);
        assert_eq!(expected.remove(&(sound, track.track)), Some(found));
    }
    let left: u64 = expected.values().map(|count| count.0).sum();
    assert!(left <= report.unmeasured, "{left} frames are not counted");
}

/// What is reported can be so.
fn consistent(report: &Report) {
    for track in &report.tracks {
        let numbers = [
            track.arrival_jitter_ms,
            track.bitrate_kbps,
            track.declared_kbps,
            track.declared_rate,
            track.rate,
        ];
        for number in numbers.into_iter().flatten() {
            assert!(number.is_finite() && number >= 0.0, "{track:?}");
        }
        for steps in [track.backward, track.gaps, track.jumps] {
            check(&steps);
        }
        let steps = track.backward.count + track.gaps.count + track.jumps.count;
        assert!(steps < track.frames, "{track:?}");
        if let Some(jitter) = track.jitter {
            assert!(jitter.mean_us.is_finite() && jitter.mean_us >= 0.0);
            assert!(
                jitter.mean_us <= f64::from(jitter.max_us) + 1.0,
                "{jitter:?}"
            );
        }
        if let Some(keys) = track.keys {
            assert!(track.key_frames >= 2);
            assert!(keys.drift_ms.is_finite());
            let (min, max) = (keys.min_ms as f64, keys.max_ms as f64);
            assert!(
                min - 1.0 <= keys.mean_ms && keys.mean_ms <= max + 1.0,
                "{keys:?}"
            );
        }
    }
    if let Some(skew) = report.skew {
        assert!(skew.min_ms <= skew.latest_ms && skew.latest_ms <= skew.max_ms);
        assert!(skew.drift_ms_per_min.is_none_or(f64::is_finite));
    }
    for verdict in &report.findings {
        assert!(!verdict.to_string().is_empty());
        if let Some((codec, number)) = verdict.of {
            let is = |codec: Codec| matches!(codec, Codec::Audio(_));
            let mut tracks = report.tracks.iter();
            assert!(
                tracks.any(|track| track.track == number && is(track.codec) == is(codec)),
                "{verdict:?} is of no track"
            );
        }
    }
}

fn check(steps: &Steps) {
    assert_eq!(steps.longest_ms.is_some(), steps.count > 0, "{steps:?}");
    assert_eq!(steps.longest_at_ms.is_some(), steps.count > 0, "{steps:?}");
    assert!(steps.total_ms >= steps.longest_ms.unwrap_or(0), "{steps:?}");
}
