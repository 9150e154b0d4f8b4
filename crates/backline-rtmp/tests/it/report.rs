//! Streams with known faults, and what is said of them.

use crate::foreign::{DEBIAN, recording};
use allocation_counter::measure;
use backline_rtmp::Limits;
use backline_rtmp::amf0::Value;
use backline_rtmp::flv::file::{Event, Reader};
use backline_rtmp::flv::{
    Audio, AudioCodec, AudioData, Media, Packet, Video, VideoCodec, VideoData, VideoFrame,
};
use backline_rtmp::report::{Codec, Finding, Meter, Report, Severity, TrackReport};
use bytes::Bytes;
use std::time::{Duration, Instant};

const BYTES: usize = 1000;

fn picture(ms: u64, frame: VideoFrame, composition_ms: i32) -> Packet {
    let data = Bytes::from_static(&[0; BYTES]);
    let data = VideoData::Frame {
        composition_ms,
        data,
    };
    Packet::new(ms, Media::Video(Video::new(VideoCodec::Avc, frame, data)))
}

fn sound(ms: u64) -> Packet {
    let data = AudioData::Frame(Bytes::from_static(&[0; 250]));
    Packet::new(ms, Media::Audio(Audio::new(AudioCodec::Aac, data)))
}

fn metadata(properties: &[(&str, f64)]) -> Packet {
    let value = |(name, number): &(&str, f64)| ((*name).to_owned(), Value::Number(*number));
    let object = Value::Object(properties.iter().map(value).collect());
    Packet::new(0, Media::Metadata(object))
}

/// Pictures at 30 frames a second, a key frame every 60, from frame to frame.
fn pictures(frames: core::ops::Range<u64>) -> Vec<Packet> {
    let frame = |at: u64| match at % 60 {
        0 => VideoFrame::Key,
        _ => VideoFrame::Inter,
    };
    frames
        .map(|at| picture(at * 1000 / 30, frame(at), 0))
        .collect()
}

/// Sound at 48 kHz in frames of 1024 samples.
fn sounds(frames: u64) -> Vec<Packet> {
    (0..frames).map(|at| sound(at * 1024 / 48)).collect()
}

fn interleaved(mut packets: Vec<Packet>) -> Vec<Packet> {
    packets.sort_by_key(|packet| packet.timestamp_ms);
    packets
}

/// Each packet comes when its timestamp says.
fn report(packets: &[Packet]) -> Report {
    let start = packets[0].timestamp_ms;
    report_at(packets, |packet| packet.timestamp_ms.saturating_sub(start))
}

fn report_at(packets: &[Packet], arrival_ms: impl Fn(&Packet) -> u64) -> Report {
    let (mut meter, zero) = (Meter::new(), some_instant());
    for packet in packets {
        meter.observe(zero + Duration::from_millis(arrival_ms(packet)), packet);
    }
    meter.report()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test needs some instant to count from"
)]
fn some_instant() -> Instant {
    Instant::now()
}

fn findings(report: &Report) -> Vec<Finding> {
    report
        .findings
        .iter()
        .map(|verdict| verdict.finding)
        .collect()
}

fn near(number: Option<f64>, expected: f64, by: f64) {
    let number = number.unwrap();
    assert!((number - expected).abs() <= by, "{number} for {expected}");
}

fn only(report: &Report) -> &TrackReport {
    assert_eq!(report.tracks.len(), 1);
    &report.tracks[0]
}

#[test]
fn report_of_a_steady_publication_finds_nothing() {
    let packets = interleaved([pictures(0..1801), sounds(2813)].concat());
    let report = report(&packets);
    assert_eq!(report.findings, []);
    let [video, audio] = &report.tracks[..] else {
        panic!("{report:?}")
    };
    assert_eq!(video.codec, Codec::Video(VideoCodec::Avc));
    assert_eq!((video.frames, video.bytes), (1801, 1_801_000));
    assert_eq!((video.media_ms, video.missing), (60_000, Some(0)));
    near(video.rate, 30.0, 0.02);
    // 1000 bytes, 30 times a second.
    near(video.bitrate_kbps, 240.0, 0.01);
    assert_eq!(video.bitrate_p95_kbps, Some(240));
    // Timestamps of 33, 66 and 100 ms: two of three steps are a third of a millisecond off, one is two thirds
    // off. The interval is known to a sixteenth of a millisecond after 16 steps, and better with each more.
    let jitter = video.jitter.unwrap();
    assert!(jitter.max_us <= 667 + 63, "{jitter:?}");
    near(Some(jitter.mean_us), 444.4, 1.0);
    let keys = video.keys.unwrap();
    assert_eq!(
        (keys.min_ms, keys.max_ms, video.key_frames),
        (2000, 2000, 31)
    );
    assert!(keys.drift_ms.abs() < 1e-9 && (keys.mean_ms - 2000.0).abs() < 1e-9);
    near(video.arrival_jitter_ms, 0.0, 1e-9);
    assert_eq!((video.gaps.count, video.gaps.longest_ms), (0, None));
    near(audio.rate, 46.875, 0.1);
    assert_eq!(
        (audio.keys, audio.missing, audio.varies),
        (None, Some(0), false)
    );
    let skew = report.skew.unwrap();
    assert!(skew.min_ms >= 0.0 && skew.max_ms < 22.0, "{skew:?}");
    assert!(skew.drift_ms_per_min.unwrap().abs() < 1.0, "{skew:?}");
}

#[test]
fn report_of_nothing_knows_nothing() {
    let report = Meter::new().report();
    assert_eq!(
        (report.duration_ms, report.skew, report.tracks.len()),
        (0, None, 0)
    );
    let report = self::report(&pictures(0..1));
    let track = only(&report);
    assert_eq!(
        (track.rate, track.missing, track.jitter),
        (None, None, None)
    );
    assert_eq!(
        (track.keys, track.bitrate_kbps, track.arrival_jitter_ms),
        (None, None, None)
    );
    assert_eq!(
        (track.bitrate_p95_kbps, track.arrival_longest_ms),
        (None, None)
    );
}

#[test]
fn report_counts_a_gap_and_what_is_missing_in_it() {
    // 30 frames are left out: from frame 99 at 3300 ms to frame 130 at 4333 ms.
    let report = report(&[pictures(0..100), pictures(130..300)].concat());
    let track = only(&report);
    assert_eq!((track.gaps.count, track.gaps.total_ms), (1, 1033));
    assert_eq!(track.gaps.longest_ms, Some(1033));
    assert_eq!(track.gaps.longest_at_ms, Some(4333));
    assert_eq!(track.missing, Some(30));
    // The key frame at 4 s is among those that are missing.
    let expected = [
        Finding::Gaps(1, 1033),
        Finding::Missing(30),
        Finding::KeysUneven(2000, 4000),
    ];
    assert_eq!(findings(&report), expected);
    assert_eq!(report.findings[0].finding.severity(), Severity::Severe);
}

#[test]
fn report_counts_single_frames_that_are_missing() {
    let mut packets = pictures(0..600);
    for at in [10, 100, 101, 400] {
        packets.retain(|packet| packet.timestamp_ms != at * 1000 / 30);
    }
    let report = report(&packets);
    assert_eq!(only(&report).missing, Some(4));
    // Two frames in a row make a step of three intervals: that is not more than three.
    assert_eq!(only(&report).gaps.count, 0);
}

#[test]
fn report_takes_a_wrap_for_an_ordinary_step() {
    // Timestamps are unwrapped: 2^32 is a step like any other.
    let mut packets = pictures(0..300);
    for packet in &mut packets {
        packet.timestamp_ms += (1 << 32) - 5000;
    }
    let report = report(&packets);
    assert_eq!(report.findings, []);
    assert_eq!(
        (only(&report).jumps.count, only(&report).backward.count),
        (0, 0)
    );
}

#[test]
fn report_of_a_variable_rate_says_so_and_guesses_nothing_missing() {
    let times = (0..300_u64).map(|at| at / 2 * 80 + at % 2 * 20);
    let packets: Vec<_> = times.map(|ms| picture(ms, VideoFrame::Key, 0)).collect();
    let report = report(&packets);
    assert!(only(&report).varies);
    assert_eq!(only(&report).missing, None);
    assert!(findings(&report).contains(&Finding::VariableRate));
}

#[test]
fn report_of_sound_alone_asks_for_no_pictures() {
    let report = report(&sounds(1000));
    assert_eq!((report.skew, report.findings.len()), (None, 0));
    assert_eq!(only(&report).key_frames, 0);
}

#[test]
fn report_of_a_stall_and_a_burst_blames_the_link_alone() {
    // Nothing comes from 3 s to 6 s; then all that waited comes at once.
    let report = report_at(&pictures(0..300), |packet| match packet.timestamp_ms {
        ms @ 3001..6000 => ms.max(6000),
        ms => ms,
    });
    let track = only(&report);
    assert_eq!(track.arrival_longest_ms, Some(3000));
    assert_eq!((track.gaps.count, track.missing), (0, Some(0)));
    assert_eq!(findings(&report), [Finding::Stall(3000)]);
}

#[test]
fn report_arrival_jitter_is_that_of_rfc_3550() {
    // D = 36 - 20 = 16: J = 16 / 16 = 1. D = 4 - 20 = -16: J = 1 + (16 - 1) / 16 = 1.9375.
    let packets: Vec<_> = [0, 20, 40].into_iter().map(sound).collect();
    let report = report_at(&packets, |packet| match packet.timestamp_ms {
        20 => 36,
        ms => ms,
    });
    near(only(&report).arrival_jitter_ms, 1.9375, 1e-9);
}

#[test]
fn report_counts_steps_back_and_jumps_apart_from_time() {
    let mut packets = pictures(0..300);
    // Back by 4933 ms at 5 s, then forward by 60 s and a step at 8 s.
    for packet in &mut packets[150..] {
        packet.timestamp_ms -= 5000 - 33;
    }
    for packet in &mut packets[240..] {
        packet.timestamp_ms += 60_000;
    }
    let report = report(&packets);
    let track = only(&report);
    assert_eq!(
        (track.backward.count, track.backward.longest_ms),
        (1, Some(4933))
    );
    assert_eq!(
        (track.jumps.count, track.jumps.longest_ms),
        (1, Some(60_034))
    );
    assert_eq!((track.gaps.count, track.missing), (0, Some(0)));
    // 299 steps from 0 to 9966 ms, less those from 4966 to 5000 and from 7966 to 8000 ms, which became the two.
    assert_eq!(track.media_ms, 9966 - 34 - 34);
}

#[test]
fn report_measures_drift_between_sound_and_picture() {
    // The picture's clock runs a thousandth fast: 60 ms a minute.
    let mut video = pictures(0..5400);
    for packet in &mut video {
        packet.timestamp_ms += packet.timestamp_ms / 1000;
    }
    let sound = sounds(8440);
    let mut timed: Vec<(u64, Packet)> = (0_u64..).map(|at| at * 1000 / 30).zip(video).collect();
    timed.extend((0_u64..).map(|at| at * 1024 / 48).zip(sound));
    timed.sort_by_key(|(at, _)| *at);
    let packets: Vec<_> = timed.into_iter().map(|(_, packet)| packet).collect();
    let report = report(&packets);
    near(report.skew.unwrap().drift_ms_per_min, 60.0, 0.5);
    assert!(
        matches!(findings(&report)[..], [Finding::SkewDrift(_)]),
        "{report:?}"
    );
}

#[test]
fn report_does_not_take_reordered_pictures_for_jitter() {
    let plain = report(&pictures(0..300));
    let mut packets = pictures(0..300);
    for (at, packet) in packets.iter_mut().enumerate() {
        let Media::Video(video) = &mut packet.media else {
            panic!()
        };
        let VideoData::Frame { composition_ms, .. } = &mut video.data else {
            panic!()
        };
        *composition_ms = [100, 33, 0, 33][at % 4];
    }
    assert_eq!(report(&packets), plain);
}

#[test]
fn report_compares_with_what_was_declared() {
    let declared = [
        ("videodatarate", 500.0),
        ("framerate", 25.0),
        ("audiodatarate", 0.0),
    ];
    let report = report(&[vec![metadata(&declared)], pictures(0..300)].concat());
    let track = only(&report);
    assert_eq!(
        (track.declared_kbps, track.declared_rate),
        (Some(500.0), Some(25.0))
    );
    assert!(
        matches!(
            findings(&report)[..],
            [Finding::Bitrate(..), Finding::FrameRate(..)]
        ),
        "{report:?}"
    );
}

#[test]
fn report_names_the_setting_to_change() {
    // One key frame in 249 at 30 frames a second: 8.3 s.
    let frame = |at: u64| match at % 249 {
        0 => VideoFrame::Key,
        _ => VideoFrame::Inter,
    };
    let packets: Vec<_> = (0..600)
        .map(|at| picture(at * 1000 / 30, frame(at), 0))
        .collect();
    let report = report(&packets);
    assert_eq!(
        report.findings[0].to_string(),
        "picture 0: key frames every 8.3 s: set the encoder's keyframe interval to 2 s"
    );
    let late = report_of_late_sound();
    assert!(findings(&late).contains(&Finding::Late(5000)), "{late:?}");
}

#[test]
fn report_of_a_clock_that_is_far_on_finds_nothing_late() {
    // Metadata and configuration at 0, and the frames of an encoder that has run for an hour.
    let data = VideoData::Config(vec![1; 40].into());
    let config = Video::new(VideoCodec::Avc, VideoFrame::Key, data);
    let mut frames = pictures(0..301);
    for packet in &mut frames {
        packet.timestamp_ms += 3_600_000;
    }
    let before = vec![metadata(&[]), Packet::new(0, Media::Video(config))];
    let report = report_at(&[before, frames].concat(), |packet| {
        packet.timestamp_ms.saturating_sub(3_600_000)
    });
    assert_eq!(report.findings, []);
    assert_eq!(only(&report).starts_after_ms, 0);
}

#[test]
fn report_compares_the_first_track_alone_with_what_was_declared() {
    let mut second = pictures(0..300);
    for packet in &mut second {
        if let Media::Video(video) = &mut packet.media {
            video.track = 1;
        }
    }
    // Some write numbers as text.
    let declared = Value::Object(vec![
        ("videodatarate".to_owned(), Value::String("240".to_owned())),
        ("framerate".to_owned(), Value::String("30".to_owned())),
    ]);
    let declared = vec![Packet::new(0, Media::Metadata(declared))];
    let tracks = interleaved([declared, pictures(0..300), second].concat());
    let report = report(&tracks);
    let said: Vec<_> = report
        .tracks
        .iter()
        .map(|track| (track.track, track.declared_kbps, track.declared_rate))
        .collect();
    assert_eq!(said, [(0, Some(240.0), Some(30.0)), (1, None, None)]);
    assert_eq!(report.findings, []);
}

fn report_of_late_sound() -> Report {
    let mut sound = sounds(200);
    for packet in &mut sound {
        packet.timestamp_ms += 5000;
    }
    report(&interleaved([pictures(0..270), sound].concat()))
}

#[test]
fn report_counts_changes_of_the_configuration_not_repeats() {
    let config = |ms, byte: u8| {
        let data = VideoData::Config(vec![byte; 40].into());
        let video = Video::new(VideoCodec::Avc, VideoFrame::Key, data);
        Packet::new(ms, Media::Video(video))
    };
    let mut packets = vec![config(0, 1), config(0, 1)];
    packets.extend(pictures(0..30));
    packets.extend([config(1000, 2), config(1000, 2), config(1000, 1)]);
    assert_eq!(only(&report(&packets)).config_changes, 2);
}

#[test]
fn report_measures_eight_tracks_in_little_memory_and_none_a_packet() {
    let mut packets = pictures(0..200);
    for (at, packet) in packets.iter_mut().enumerate() {
        if let Media::Video(video) = &mut packet.media {
            video.track = (at % 10) as u8;
        }
    }
    let (mut meter, zero) = (Meter::new(), some_instant());
    let first = measure(|| {
        packets
            .iter()
            .for_each(|packet| meter.observe(zero, packet))
    });
    assert!(first.bytes_current < 24 << 10, "{first:?}");
    let then = measure(|| {
        packets
            .iter()
            .for_each(|packet| meter.observe(zero, packet))
    });
    assert_eq!(then.count_total, 0);
    let report = meter.report();
    // Two in ten are of the ninth and tenth track, in both passes.
    assert_eq!((report.tracks.len(), report.unmeasured), (8, 80));
}

proptest::proptest! {
    #[test]
    fn report_of_any_timestamps_is_made(
        times in proptest::collection::vec((0_u64..u64::MAX, 0_u64..1 << 40), 0..60),
    ) {
        let (mut meter, zero) = (Meter::new(), some_instant());
        for (ms, at) in &times {
            meter.observe(zero + Duration::from_millis(*at), &picture(*ms, VideoFrame::Key, 0));
            meter.observe(zero + Duration::from_millis(*at), &sound(ms / 2));
        }
        let report = meter.report();
        let frames: u64 = report.tracks.iter().map(|track| track.frames).sum();
        assert_eq!(frames, times.len() as u64 * 2);
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn report_of_ffmpeg_says_what_ffmpeg_was_told() {
    let told = "-t 10 -c:v libx264 -g 60 -keyint_min 60 -sc_threshold 0 -bf 2 -b:v 400k -maxrate 400k \
                -bufsize 400k -pix_fmt yuv420p -c:a aac -b:a 96k";
    let file = recording(DEBIAN, told);
    let (mut reader, mut rest, mut packets) = (Reader::new(Limits::default()), &file[..], vec![]);
    while let Some(event) = reader.next_event(&mut rest).unwrap() {
        if let Event::Packet(packet) = event {
            packets.push(packet);
        }
    }
    let report = report(&packets);
    let is_video = |track: &&TrackReport| matches!(track.codec, Codec::Video(_));
    let video = report.tracks.iter().find(is_video).unwrap();
    let audio = report.tracks.iter().find(|track| !is_video(track)).unwrap();
    assert_eq!(
        (video.frames, video.key_frames, video.missing),
        (300, 5, Some(0))
    );
    near(video.rate, 30.0, 0.02);
    near(audio.rate, 46.875, 0.1);
    let keys = video.keys.unwrap();
    assert_eq!((keys.min_ms, keys.max_ms), (2000, 2000));
    assert_eq!((video.declared_rate, audio.missing), (Some(30.0), Some(0)));
    // FFmpeg writes bits in units of 1024 a second.
    near(video.declared_kbps, 400_000.0 / 1024.0, 0.01);
    near(audio.declared_kbps, 96_000.0 / 1024.0, 0.01);
    near(video.bitrate_kbps, 400.0, 80.0);
    assert!(video.jitter.unwrap().max_us < 1000, "{video:?}");
    assert!(
        report
            .findings
            .iter()
            .all(|verdict| matches!(verdict.finding, Finding::Bitrate(..))),
        "{:?}",
        report.findings
    );
}
