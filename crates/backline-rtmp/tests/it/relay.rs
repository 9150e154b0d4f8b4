//! What a relay keeps for late consumers, and drops for slow ones.

use crate::support::{object, pattern, text};
use backline_rtmp::amf0::Value;
use backline_rtmp::flv::{
    Audio, AudioCodec, AudioData, Hint, Media, Packet, Video, VideoCodec, VideoData, VideoFrame,
};
use backline_rtmp::relay::{QueueConfig, SendQueue, Snapshot, SnapshotConfig};
use proptest::prelude::*;
use std::time::Duration;

fn video(timestamp_ms: u64, frame: VideoFrame, length: usize) -> Packet {
    let data = VideoData::Frame {
        composition_ms: 0,
        data: pattern(length).into(),
    };
    Packet::new(
        timestamp_ms,
        Media::Video(Video::new(VideoCodec::Avc, frame, data)),
    )
}

fn video_config(track: u8, length: usize) -> Packet {
    let data = VideoData::Config(pattern(length).into());
    let mut config = Video::new(VideoCodec::Avc, VideoFrame::Key, data);
    config.track = track;
    Packet::new(0, Media::Video(config))
}

fn color(track: u8, value: Value) -> Packet {
    let data = VideoData::Metadata(vec![text("colorInfo"), value]);
    let mut color = Video::new(VideoCodec::Hevc, VideoFrame::Key, data);
    color.track = track;
    Packet::new(0, Media::Video(color))
}

fn audio(timestamp_ms: u64, data: AudioData) -> Packet {
    Packet::new(
        timestamp_ms,
        Media::Audio(Audio::new(AudioCodec::Aac, data)),
    )
}

fn sound(timestamp_ms: u64) -> Packet {
    audio(timestamp_ms, AudioData::Frame(pattern(300).into()))
}

fn metadata(width: f64) -> Packet {
    Packet::new(
        0,
        Media::Metadata(object(&[("width", Value::Number(width))])),
    )
}

fn media(packets: Vec<Packet>) -> Vec<Media> {
    packets.into_iter().map(|packet| packet.media).collect()
}

#[test]
fn rtmp_26_each_packet_has_its_hint() {
    let hints = [
        (metadata(1.0), Hint::Critical),
        (video_config(0, 9), Hint::Critical),
        (color(0, Value::Undefined), Hint::Critical),
        (
            audio(0, AudioData::Config(pattern(2).into())),
            Hint::Critical,
        ),
        (audio(0, AudioData::End), Hint::Critical),
        (video(0, VideoFrame::Key, 1), Hint::Resync),
        (video(0, VideoFrame::GeneratedKey, 1), Hint::Resync),
        (video(0, VideoFrame::Inter, 1), Hint::Ordinary),
        (video(0, VideoFrame::Disposable, 1), Hint::Droppable),
        (sound(0), Hint::Ordinary),
    ];
    for (packet, hint) in hints {
        assert_eq!(packet.hint(), hint, "{packet:?}");
    }
}

#[test]
fn rtmp_25_a_late_consumer_gets_metadata_and_the_newest_configuration_of_each_track() {
    let mut snapshot = Snapshot::new(SnapshotConfig::default());
    let bright = object(&[("colorConfig", object(&[]))]);
    let sequence = audio(0, AudioData::Config(pattern(2).into()));
    for packet in [
        metadata(1.0),
        sequence.clone(),
        video_config(1, 8),
        video_config(0, 5),
        color(1, bright.clone()),
        video(0, VideoFrame::Key, 100),
        video_config(0, 6),
        metadata(2.0),
        sound(20),
    ] {
        snapshot.observe(&packet);
    }
    let first = snapshot.packets(1234);
    assert!(first.iter().all(|packet| packet.timestamp_ms == 1234));
    let expected = [
        metadata(2.0),
        video_config(0, 6),
        video_config(1, 8),
        color(1, bright),
        sequence,
    ];
    assert_eq!(media(first), media(expected.to_vec()));
    // Colour that is undefined, or says nothing, takes back what was said; a sequence that ends needs no configuration.
    for reset in [Value::Undefined, object(&[])] {
        let mut snapshot = snapshot.clone();
        snapshot.observe(&color(1, reset));
        snapshot.observe(&audio(0, AudioData::End));
        assert_eq!(snapshot.packets(0).len(), 3);
    }
    snapshot.clear();
    assert_eq!(snapshot.packets(0), []);
}

#[test]
fn rtmp_25_the_group_at_hand_is_kept_where_it_is_wanted() {
    let mut config = SnapshotConfig::default();
    config.group_bytes = 1000;
    let mut snapshot = Snapshot::new(config);
    for packet in [
        video_config(0, 5),
        video(0, VideoFrame::Key, 400),
        sound(10),
        video(1000, VideoFrame::Key, 400),
        sound(1010),
        video(1033, VideoFrame::Inter, 100),
    ] {
        snapshot.observe(&packet);
    }
    let times: Vec<_> = snapshot
        .packets(9999)
        .iter()
        .map(|packet| packet.timestamp_ms)
        .collect();
    assert_eq!(times, [1000, 1000, 1010, 1033]);
    // A group that is too long is given up whole, and the next one is kept again.
    snapshot.observe(&video(1066, VideoFrame::Inter, 500));
    assert_eq!(snapshot.packets(9).len(), 1);
    snapshot.observe(&video(2000, VideoFrame::Key, 400));
    assert_eq!(snapshot.packets(9).len(), 2);
}

#[test]
fn rtmp_35_a_snapshot_is_bounded() {
    let mut config = SnapshotConfig::default();
    (config.configs, config.config_bytes) = (3, 10);
    let mut snapshot = Snapshot::new(config);
    for track in 0..=255 {
        snapshot.observe(&video_config(track, 10));
    }
    assert_eq!(snapshot.packets(0).len(), 3);
    snapshot.observe(&video_config(0, 11));
    assert!(snapshot.packets(0).iter().all(|packet| packet.len() == 10));
    // Packets without any byte are bounded, too.
    config.group_bytes = 1000;
    let mut snapshot = Snapshot::new(config);
    snapshot.observe(&video(0, VideoFrame::Key, 1));
    for count in 0..4095 {
        snapshot.observe(&audio(count, AudioData::Silence));
    }
    assert_eq!(snapshot.packets(0).len(), 4096);
    snapshot.observe(&audio(4095, AudioData::Silence));
    assert_eq!(snapshot.packets(0).len(), 0);
}

fn queue(bytes_max: usize) -> SendQueue {
    let mut config = QueueConfig::default();
    config.bytes_max = bytes_max;
    SendQueue::new(config)
}

fn drain(queue: &mut SendQueue) -> Vec<(u64, Hint)> {
    std::iter::from_fn(|| queue.pop())
        .map(|packet| (packet.timestamp_ms, packet.hint()))
        .collect()
}

#[test]
fn rtmp_21_26_what_nothing_depends_on_goes_first() {
    let mut queue = queue(1000);
    queue.push(video_config(0, 10));
    queue.push(video(0, VideoFrame::Key, 400));
    queue.push(video(33, VideoFrame::Disposable, 300));
    queue.push(video(66, VideoFrame::Inter, 200));
    assert_eq!(queue.len(), 4);
    // Too much: the disposable frame that waits goes, and one that comes is not even let in.
    queue.push(video(99, VideoFrame::Inter, 200));
    queue.push(video(133, VideoFrame::Disposable, 300));
    assert_eq!(
        drain(&mut queue),
        [
            (0, Hint::Critical),
            (0, Hint::Resync),
            (66, Hint::Ordinary),
            (99, Hint::Ordinary)
        ]
    );
    assert_eq!(queue.stats().dropped_disposable, 2);
    assert_eq!(queue.stats().dropped_bytes, 600);
}

#[test]
fn rtmp_26_a_group_is_dropped_to_the_next_key_frame_and_sound_goes_on() {
    let mut queue = queue(1500);
    queue.push(video(0, VideoFrame::Key, 600));
    queue.push(video(33, VideoFrame::Inter, 300));
    queue.push(sound(40));
    // The newest key frame makes the older group superfluous.
    queue.push(video(66, VideoFrame::Key, 600));
    queue.push(video(99, VideoFrame::Inter, 300));
    assert!(queue.is_open(0));
    assert_eq!(drain(&mut queue).len(), 3);
    // A single group that is too long is cut, and nothing of it follows.
    queue.push(video(200, VideoFrame::Key, 900));
    queue.push(video(233, VideoFrame::Inter, 700));
    assert!(!queue.is_open(0));
    queue.push(video(266, VideoFrame::Inter, 10));
    queue.push(sound(270));
    queue.push(video(300, VideoFrame::Key, 10));
    queue.push(video(333, VideoFrame::Inter, 10));
    assert_eq!(
        drain(&mut queue),
        [
            (270, Hint::Ordinary),
            (300, Hint::Resync),
            (333, Hint::Ordinary)
        ]
    );
    assert_eq!(queue.stats().groups_cut, 2);
}

#[test]
fn a_consumer_begins_with_a_key_frame() {
    let mut queue = queue(10_000);
    queue.push(video(0, VideoFrame::Inter, 10));
    queue.push(video(33, VideoFrame::Disposable, 10));
    queue.push(video(66, VideoFrame::Key, 10));
    assert_eq!(drain(&mut queue), [(66, Hint::Resync)]);
}

#[test]
fn media_time_that_waits_is_bounded_however_the_clock_jumps() {
    let mut queue = SendQueue::new(QueueConfig::default());
    for at in 0..1000 {
        queue.push(sound(at * 23));
        assert!(queue.delay() <= Duration::from_secs(2), "{at}");
    }
    assert!(queue.delay() > Duration::from_millis(1900));
    // Backwards, and forwards by hours.
    queue.push(sound(5));
    queue.push(sound(50_000_000));
    queue.push(sound(50_000_023));
    assert!(queue.delay() <= Duration::from_secs(2));
    let last = drain(&mut queue).pop();
    assert_eq!(last, Some((50_000_023, Hint::Ordinary)));
    assert_eq!(queue.delay(), Duration::ZERO);
}

#[test]
fn configurations_that_were_replaced_unsent_are_dropped_when_there_are_too_many() {
    let mut config = QueueConfig::default();
    config.packets_max = 8;
    let mut queue = SendQueue::new(config);
    for count in 0..100 {
        queue.push(video_config(count % 3, 10));
        queue.push(metadata(count.into()));
        assert!(queue.len() <= 8);
    }
    let left: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
    assert_eq!(left.last(), Some(&metadata(99.0)));
    assert!(queue.stats().replaced > 150);
}

/// What may be pushed, or popped.
#[derive(Clone, Debug)]
enum Step {
    Pop,
    Push(Packet),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let frame = prop_oneof![
        2 => Just(VideoFrame::Key),
        6 => Just(VideoFrame::Inter),
        3 => Just(VideoFrame::Disposable),
    ];
    let picture = (0_u8..2, frame, 0_usize..400).prop_map(|(track, frame, length)| {
        let mut packet = video(0, frame, length);
        if let Media::Video(video) = &mut packet.media {
            video.track = track;
        }
        packet
    });
    let packet = prop_oneof![
        6 => picture,
        4 => Just(sound(0)),
        1 => (0_u8..2).prop_map(|track| video_config(track, 20)),
        1 => Just(metadata(1.0)),
    ];
    let step = prop_oneof![
        2 => Just(Step::Pop),
        3 => (packet, 0_u64..60).prop_map(|(mut packet, step)| {
            packet.timestamp_ms = step;
            Step::Push(packet)
        }),
    ];
    proptest::collection::vec(step, 0..400)
}

proptest! {
    #[test]
    fn rtmp_26_a_consumer_can_decode_all_that_it_gets(steps in steps(), bytes_max in 100_usize..4000) {
        let mut config = QueueConfig::default();
        (config.bytes_max, config.packets_max) = (bytes_max, 40);
        config.time_max = Duration::from_millis(700);
        let mut queue = SendQueue::new(config);
        let mut now_ms = 0;
        // What was pushed, with a number to each packet in its data: here, its timestamp.
        let (mut pushed, mut popped) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Push(mut packet) => {
                    // No two packets have the same time, so that each is known by it.
                    now_ms += packet.timestamp_ms + 1;
                    packet.timestamp_ms = now_ms;
                    pushed.push(packet.clone());
                    queue.push(packet);
                }
                Step::Pop => popped.extend(queue.pop()),
            }
            prop_assert!(queue.bytes() <= bytes_max);
            prop_assert!(queue.len() <= 40);
            prop_assert!(queue.delay() <= Duration::from_millis(700));
        }
        let waiting = queue.len() as u64;
        popped.extend(std::iter::from_fn(|| queue.pop()));
        prop_assert_eq!(queue.bytes(), 0);
        // Nothing appears or vanishes.
        let stats = queue.stats();
        let dropped = stats.dropped_disposable + stats.dropped_in_groups + stats.dropped_sound + stats.replaced;
        prop_assert_eq!(stats.pushed, pushed.len() as u64);
        prop_assert_eq!(stats.pushed, stats.popped + dropped);
        prop_assert!(stats.popped >= waiting);
        let bytes = |packets: &[Packet]| packets.iter().map(Packet::len).sum::<usize>() as u64;
        prop_assert_eq!(bytes(&pushed), bytes(&popped) + stats.dropped_bytes);
        // In order, and each frame with all that it depends on: from its key frame on only disposable ones are missing.
        prop_assert!(popped.windows(2).all(|pair| pair[0].timestamp_ms < pair[1].timestamp_ms));
        let was_popped = |packet: &Packet| popped.iter().any(|other| other.timestamp_ms == packet.timestamp_ms);
        for track in 0..2 {
            let mut whole = false;
            for packet in pushed.iter().filter(|packet| packet.track() == track) {
                let Media::Video(Video { data: VideoData::Frame { .. }, .. }) = packet.media else {
                    continue;
                };
                match packet.hint() {
                    Hint::Resync => whole = was_popped(packet),
                    Hint::Ordinary if was_popped(packet) => prop_assert!(whole, "{packet:?}"),
                    Hint::Ordinary => whole = false,
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn rtmp_26_sound_behind_the_picture_does_not_count_twice() {
    let mut queue = SendQueue::new(QueueConfig::default());
    for at in 0..=30 {
        let frame = match at {
            0 => VideoFrame::Key,
            _ => VideoFrame::Inter,
        };
        queue.push(video(5000 + at * 33, frame, 100));
        queue.push(sound(4900 + at * 33));
        if at == 15 {
            queue.push(metadata(320.0));
        }
    }
    assert_eq!(queue.delay(), Duration::from_millis(30 * 33));
}

#[test]
fn rtmp_26_a_key_frame_is_never_dropped_without_what_depends_on_it() {
    let mut config = QueueConfig::default();
    config.time_max = Duration::from_millis(300);
    // The step of a packet whose predecessor is gone is no time that waits: from 256 to 487 there are 231 ms.
    let mut queue = SendQueue::new(config);
    queue.push(video(0, VideoFrame::Key, 255));
    queue.push(video(256, VideoFrame::Key, 0));
    queue.push(video(487, VideoFrame::Inter, 0));
    assert_eq!(queue.delay(), Duration::from_millis(231));
    assert_eq!(
        drain(&mut queue),
        [(256, Hint::Resync), (487, Hint::Ordinary)]
    );
    // Where the newest group alone is too long, all of it goes.
    queue.push(video(1000, VideoFrame::Key, 255));
    queue.push(video(1256, VideoFrame::Key, 0));
    queue.push(video(1600, VideoFrame::Inter, 0));
    assert!(!queue.is_open(0));
    assert_eq!(drain(&mut queue), []);
}

#[test]
fn rtmp_26_sound_is_not_lost_to_pictures_that_are_too_long() {
    let mut queue = queue(1000);
    queue.push(sound(0));
    queue.push(video(10, VideoFrame::Key, 100));
    queue.push(video(20, VideoFrame::Key, 900));
    queue.push(sound(30));
    assert_eq!(
        drain(&mut queue),
        [(0, Hint::Ordinary), (30, Hint::Ordinary)]
    );
}

#[test]
fn rtmp_35_a_queue_at_its_cap_makes_room_for_more_than_one_packet() {
    let mut queue = SendQueue::new(QueueConfig::default());
    queue.push(metadata(1.0));
    let mut drops = 0;
    for _ in 0..10_000 {
        let before = queue.len();
        // All of one time, so that the number of packets alone is at its cap.
        queue.push(sound(0));
        drops += usize::from(queue.len() <= before);
    }
    assert!(queue.len() > 3900, "{}", queue.len());
    assert!(drops < 60, "{drops}");
    assert_eq!(queue.pop(), Some(metadata(1.0)));
}

#[test]
fn rtmp_25_a_configuration_takes_the_place_of_the_one_before_in_either_form() {
    let descriptor = |track| {
        let data = VideoData::TsConfig(pattern(4).into());
        let mut config = Video::new(VideoCodec::Av1, VideoFrame::Key, data);
        config.track = track;
        Packet::new(0, Media::Video(config))
    };
    let end = Packet::new(
        0,
        Media::Video(Video::new(VideoCodec::Av1, VideoFrame::Key, VideoData::End)),
    );
    let mut snapshot = Snapshot::new(SnapshotConfig::default());
    let mut after = |packet: &Packet| {
        snapshot.observe(packet);
        snapshot.packets(0)
    };
    // Enhanced RTMP says of the two that they are mutually exclusive.
    assert_eq!(after(&descriptor(0)), [descriptor(0)]);
    assert_eq!(after(&video_config(0, 5)), [video_config(0, 5)]);
    assert_eq!(after(&descriptor(0)), [descriptor(0)]);
    assert_eq!(after(&end), []);
    // One that is too long is not kept, and neither is the one that holds no more.
    assert_eq!(after(&video_config(0, 5)), [video_config(0, 5)]);
    assert_eq!(after(&video_config(0, 70_000)), []);
}

#[test]
fn rtmp_25_colour_behind_other_metadata_is_kept() {
    let set = |value| {
        let values = vec![text("newer"), Value::Undefined, text("colorInfo"), value];
        let data = VideoData::Metadata(values);
        Packet::new(
            0,
            Media::Video(Video::new(VideoCodec::Hevc, VideoFrame::Key, data)),
        )
    };
    let bright = set(object(&[("colorConfig", object(&[]))]));
    let mut snapshot = Snapshot::new(SnapshotConfig::default());
    snapshot.observe(&bright);
    assert_eq!(snapshot.packets(0), [bright]);
    snapshot.observe(&set(object(&[])));
    assert_eq!(snapshot.packets(0), []);
}

#[test]
fn rtmp_25_a_group_that_was_made_with_another_configuration_is_given_up() {
    let mut config = SnapshotConfig::default();
    config.group_bytes = 10_000;
    let mut snapshot = Snapshot::new(config);
    let sound_config = |length| audio(0, AudioData::Config(pattern(length).into()));
    let group = [video(0, VideoFrame::Key, 400), sound(10)];
    for (packet, left) in [
        // The same again, as DJI cameras send it, or the first one of a track, changes nothing.
        (video_config(0, 5), 2),
        (video_config(1, 5), 2),
        (sound_config(2), 2),
        (color(0, object(&[("colorConfig", object(&[]))])), 2),
        (video_config(0, 6), 0),
        (sound_config(3), 0),
        (color(0, Value::Undefined), 0),
        (audio(0, AudioData::End), 0),
        // Nothing is left that this could end.
        (audio(0, AudioData::End), 2),
    ] {
        snapshot.observe(&video_config(0, 5));
        for frame in &group {
            snapshot.observe(frame);
        }
        snapshot.observe(&packet);
        let all = snapshot.packets(0);
        let frames = all.iter().filter(|packet| packet.hint() != Hint::Critical);
        assert_eq!(frames.count(), left, "{packet:?}");
    }
}
