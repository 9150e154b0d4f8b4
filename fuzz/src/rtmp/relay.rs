//! What stands between a publication and its consumers.

use super::packets::Packets;
use crate::Source;
use backline_rtmp::flv::{Hint, Media, Packet, VideoFrame};
use backline_rtmp::relay::{QueueConfig, SendQueue, Snapshot, SnapshotConfig};
use std::collections::BTreeMap;
use std::time::Duration;

/// A queue never passes a cap, changes no order, counts all that it drops, and never gives a frame whose group it has
/// not given from its key frame on; a snapshot keeps to its caps and begins a group with a key frame.
///
/// Input: a byte of modes, then calls of a byte and what they need.
pub fn relay_ops(data: &[u8]) {
    const PACKETS_MAX: usize = 200;
    let mut source = Source::new(data);
    let mode = source.u8();
    let mut config = QueueConfig::default();
    if mode & 1 != 0 {
        (config.bytes_max, config.packets_max) = (2000, 12);
        config.time_max = Duration::from_millis(300);
    }
    let mut kept = SnapshotConfig::default();
    if mode & 2 != 0 {
        (kept.config_bytes, kept.configs, kept.group_bytes) = (100, 3, 1500);
    }
    let mut packets = Packets::new(mode >> 2);
    let mut run = Run {
        queue: SendQueue::new(config),
        pushed: Vec::new(),
        came: Vec::new(),
    };
    let mut snapshot = Snapshot::new(kept);
    while !source.is_empty() && run.pushed.len() < PACKETS_MAX {
        match source.below(8) {
            0 | 1 => run.pop(usize::from(source.below(6))),
            2 => check(&snapshot, &kept),
            3 if source.u8() == 1 => snapshot.clear(),
            _ => {
                let Packet {
                    timestamp_ms,
                    media,
                    ..
                } = packets.next(&mut source);
                // No two are the same, so that it is known which one comes.
                let packet = Packet::new(timestamp_ms + run.pushed.len() as u64, media);
                snapshot.observe(&packet);
                run.push(packet, &config);
            }
        }
    }
    check(&snapshot, &kept);
    run.pop(usize::MAX);
    run.finish();
}

struct Run {
    queue: SendQueue,
    pushed: Vec<Packet>,
    came: Vec<Packet>,
}

impl Run {
    fn push(&mut self, packet: Packet, config: &QueueConfig) {
        self.queue.push(packet.clone());
        self.pushed.push(packet);
        assert!(self.queue.len() <= config.packets_max);
        assert!(self.queue.bytes() <= config.bytes_max);
        assert!(self.queue.delay() <= config.time_max);
        self.count();
    }

    fn pop(&mut self, count: usize) {
        for _ in 0..count {
            let before = self.queue.bytes();
            let Some(packet) = self.queue.pop() else {
                assert!(self.queue.is_empty() && self.queue.bytes() == 0);
                assert_eq!(self.queue.delay(), Duration::ZERO);
                return;
            };
            assert_eq!(before - self.queue.bytes(), packet.len());
            self.came.push(packet);
            self.count();
        }
    }

    /// Nothing is lost but what is counted.
    fn count(&self) {
        let stats = self.queue.stats();
        let dropped = stats.dropped_disposable
            + stats.dropped_in_groups
            + stats.dropped_sound
            + stats.replaced;
        assert_eq!(stats.pushed, self.pushed.len() as u64);
        assert_eq!(stats.popped, self.came.len() as u64);
        let waiting = self.queue.len() as u64;
        assert_eq!(stats.pushed, stats.popped + waiting + dropped);
    }

    /// Walks through what went in and what came out side by side.
    fn finish(self) {
        let mut came = self.came.iter().peekable();
        // Tracks of pictures whose frames have come without a gap since their key frame.
        let mut open: BTreeMap<u8, bool> = BTreeMap::new();
        for packet in &self.pushed {
            let given = came.next_if(|next| *next == packet).is_some();
            let is_frame =
                matches!(packet.media, Media::Video(_)) && packet.hint() != Hint::Critical;
            match packet.hint() {
                Hint::Resync => drop(open.insert(packet.track(), given)),
                Hint::Ordinary if is_frame => {
                    let open = open.entry(packet.track()).or_default();
                    assert!(*open || !given, "{packet:?} depends on what was dropped");
                    *open &= given;
                }
                Hint::Droppable if given => {
                    assert!(
                        open.get(&packet.track()).is_some_and(|open| *open),
                        "{packet:?} depends on what was dropped"
                    );
                }
                _ => {}
            }
        }
        assert_eq!(came.next(), None, "what came never went in, or before");
    }
}

fn check(snapshot: &Snapshot, config: &SnapshotConfig) {
    const AT_MS: u64 = 1 << 41;
    let packets = snapshot.packets(AT_MS);
    let (configs, group): (Vec<_>, Vec<_>) = packets
        .iter()
        .partition(|packet| packet.hint() == Hint::Critical);
    let is_metadata = |packet: &&&Packet| matches!(packet.media, Media::Metadata(_));
    let metadata = configs.iter().filter(is_metadata).count();
    assert!(metadata <= 1 && configs.len() - metadata <= config.configs);
    let at_ms = group.first().map_or(AT_MS, |first| first.timestamp_ms);
    assert!(configs.iter().all(|packet| packet.timestamp_ms == at_ms));
    assert!(
        configs
            .iter()
            .all(|packet| packet.len() <= config.config_bytes || is_metadata(&packet))
    );
    let bytes: usize = group.iter().map(|packet| packet.len()).sum();
    assert!(bytes <= config.group_bytes, "{bytes} bytes of a group");
    if let Some(first) = group.first() {
        assert!(
            matches!(&first.media, Media::Video(video)
                if matches!(video.frame, VideoFrame::Key | VideoFrame::GeneratedKey)),
            "{first:?} begins a group"
        );
    }
}
