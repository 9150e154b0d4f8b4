//! What a consumer that joins late needs before anything else.

use crate::amf0::Value;
use crate::flv::{AudioData, Hint, Media, Packet, VideoData};
use alloc::vec::Vec;

/// What a snapshot keeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SnapshotConfig {
    /// Bytes of one configuration; a longer one is not kept. Default 64 KiB.
    pub config_bytes: usize,
    /// Configurations in all. Default 256: 64 tracks of sound and of pictures, each with its two kinds.
    pub configs: usize,
    /// Bytes of the group of pictures at hand, so that a player that joins has a picture at once. Default 0: none is
    /// kept, and it begins with the next key frame. A group that grows longer is given up whole, and so is one that
    /// was made with another configuration.
    pub group_bytes: usize,
    /// Packets of that group, likewise. Default 4096: an encoder makes about 80 a second.
    pub group_packets: usize,
}

impl Default for SnapshotConfig {
    fn default() -> Self {
        Self {
            config_bytes: 64 << 10,
            configs: 256,
            group_bytes: 0,
            group_packets: 4096,
        }
    }
}

/// The metadata and the configuration of each track, as they are now.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    config: SnapshotConfig,
    metadata: Option<Packet>,
    /// In the order in which a decoder wants them.
    configs: Vec<(Slot, Packet)>,
    group: Vec<Packet>,
    group_bytes: usize,
}

/// What a configuration is of; a newer one takes its place.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Slot {
    /// In either form: a publisher uses one of the two (Enhanced RTMP, "Extended VideoTagHeader").
    Video(u8),
    Color(u8),
    Audio(u8),
    Multichannel(u8),
}

impl Snapshot {
    /// Makes an empty snapshot.
    #[must_use]
    pub fn new(config: SnapshotConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// Takes in a packet of the publication.
    pub fn observe(&mut self, packet: &Packet) {
        if let Media::Metadata(_) = packet.media {
            self.metadata = Some(packet.clone());
            return;
        }
        match slot(packet) {
            // One that is too long is not kept, and what it replaces holds no more.
            Some((slot, true)) if packet.len() <= self.config.config_bytes => {
                self.keep(slot, packet);
            }
            Some((slot, _)) => self.forget(slot),
            None => {}
        }
        self.gather(packet);
    }

    /// Returns what a consumer that joins at `at_ms` is sent first, in this order: metadata, the configuration of each
    /// track of pictures and of sound, and the group of pictures so far. All but the group have the time of the
    /// joining, or of the group's first packet, since that is when they begin to hold.
    #[must_use]
    pub fn packets(&self, at_ms: u64) -> Vec<Packet> {
        let at_ms = self.group.first().map_or(at_ms, |first| first.timestamp_ms);
        let first = self.metadata.iter();
        let configs = self.configs.iter().map(|(_, packet)| packet);
        first
            .chain(configs)
            .map(|packet| Packet::new(at_ms, packet.media.clone()))
            .chain(self.group.iter().cloned())
            .collect()
    }

    /// Forgets all of it: the publication has ended.
    pub fn clear(&mut self) {
        *self = Self::new(self.config);
    }

    fn keep(&mut self, slot: Slot, packet: &Packet) {
        match self.configs.binary_search_by_key(&slot, |(kept, _)| *kept) {
            Ok(place) => {
                if let Some((_, kept)) = self.configs.get_mut(place)
                    && kept.media != packet.media
                {
                    *kept = packet.clone();
                    self.forget_group();
                }
            }
            Err(place) if self.configs.len() < self.config.configs => {
                self.configs.insert(place, (slot, packet.clone()));
            }
            Err(_) => {}
        }
    }

    fn forget(&mut self, slot: Slot) {
        let before = self.configs.len();
        self.configs.retain(|(kept, _)| *kept != slot);
        if self.configs.len() < before {
            self.forget_group();
        }
    }

    /// Gives up the group at hand: what it was made with holds no more, and what is sent before it would be wrong.
    fn forget_group(&mut self) {
        self.group = Vec::new();
        self.group_bytes = 0;
    }

    fn gather(&mut self, packet: &Packet) {
        if self.config.group_bytes == 0 || packet.hint() == Hint::Critical {
            return;
        }
        let begins = packet.hint() == Hint::Resync && packet.track() == 0;
        if begins {
            self.group.clear();
            self.group_bytes = 0;
        }
        if begins || !self.group.is_empty() {
            self.group_bytes = self.group_bytes.saturating_add(packet.len());
            self.group.push(packet.clone());
        }
        let is_long = self.group.len() > self.config.group_packets;
        if self.group_bytes > self.config.group_bytes || is_long {
            self.forget_group();
        }
    }
}

/// Returns what a packet configures, and whether it sets or unsets it.
fn slot(packet: &Packet) -> Option<(Slot, bool)> {
    match &packet.media {
        Media::Audio(audio) => match &audio.data {
            AudioData::Config(_) => Some((Slot::Audio(audio.track), true)),
            AudioData::End => Some((Slot::Audio(audio.track), false)),
            AudioData::Multichannel(_) => Some((Slot::Multichannel(audio.track), true)),
            AudioData::Frame(_) | AudioData::Silence => None,
        },
        Media::Video(video) => match &video.data {
            VideoData::Config(_) | VideoData::TsConfig(_) => Some((Slot::Video(video.track), true)),
            VideoData::End => Some((Slot::Video(video.track), false)),
            VideoData::Metadata(values) => Some((Slot::Color(video.track), is_set(values))),
            VideoData::Command(_) | VideoData::Frame { .. } => None,
        },
        Media::Data { .. } | Media::Metadata(_) => None,
    }
}

/// Returns whether metadata of a picture, names and values in turn, says something: undefined, or nothing at all, takes
/// back what was said (Enhanced RTMP, "Metadata").
fn is_set(values: &[Value]) -> bool {
    let mut all = values.iter().skip(1).step_by(2);
    all.any(|value| match value {
        Value::Undefined | Value::Null => false,
        set @ (Value::Object(_) | Value::EcmaArray(_)) => !set.properties().is_empty(),
        _ => true,
    })
}
