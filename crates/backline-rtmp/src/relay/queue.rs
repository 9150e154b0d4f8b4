//! The queue between a publication and a consumer whose link may be slower than the picture.

use crate::flv::{Hint, Media, Packet};
use alloc::collections::VecDeque;
use alloc::collections::btree_map::{BTreeMap, Entry};
use alloc::vec::Vec;
use core::time::Duration;

/// How much may wait; tuned for a consumer behind an uplink of 6 Mb/s.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct QueueConfig {
    /// Bytes that may wait. Default 4 MiB.
    pub bytes_max: usize,
    /// Packets that may wait. Default 4096: an encoder makes about 80 a second.
    pub packets_max: usize,
    /// Media time that may wait. Default 2 s: what is later than that is of no use to who watches live.
    pub time_max: Duration,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            bytes_max: 4 << 20,
            packets_max: 4096,
            time_max: Duration::from_secs(2),
        }
    }
}

/// What a queue has done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct QueueStats {
    /// Bytes of the packets that were dropped.
    pub dropped_bytes: u64,
    /// Frames that were dropped and that nothing depends on.
    pub dropped_disposable: u64,
    /// Frames that were dropped with the rest of their group.
    pub dropped_in_groups: u64,
    /// Times that a group of pictures was cut.
    pub groups_cut: u64,
    /// Configurations and metadata that a newer one took the place of before they were sent.
    pub replaced: u64,
    /// Packets of sound and data that were dropped.
    pub dropped_sound: u64,
    /// Packets that were taken out.
    pub popped: u64,
    /// Packets that were put in.
    pub pushed: u64,
}

/// Holds packets for one consumer, and drops what hurts least when they are too many.
///
/// What is dropped, in this order: frames that nothing depends on; the older groups of pictures, up to the newest key
/// frame that waits, or the whole of the group, up to the next key frame to come; the oldest sound. Configuration and
/// metadata stay, but for those that a newer one has replaced, and those that alone are more than fits. So a consumer
/// never gets a frame that depends on one that it did not get. No cap is ever passed. What is dropped here never
/// reached a muxer, so that needs to forget nothing.
///
/// `push` and `pop` cost the same however much waits. Only a `push` that passes a cap goes through all that waits; it
/// then drops down to 31/32 of each cap, so that the next such push is far.
#[derive(Debug)]
pub struct SendQueue {
    config: QueueConfig,
    queue: VecDeque<Item>,
    bytes: usize,
    /// Media time that has passed in all, jumps of the publisher's clock left out.
    clock_ms: u64,
    latest_ms: Option<u64>,
    /// Media time of the oldest and the newest packet that waits and takes time.
    span_ms: Option<(u64, u64)>,
    /// Tracks of pictures that may go on: those whose last key frame went in, and nothing since was cut.
    open: Vec<u8>,
    stats: QueueStats,
}

#[derive(Debug)]
struct Item {
    packet: Packet,
    hint: Hint,
    /// Media time by the queue's own clock; none for configuration and metadata, which take no time.
    at_ms: Option<u64>,
}

/// What waits at most.
#[derive(Clone, Copy)]
struct Caps {
    bytes: usize,
    packets: usize,
    time_ms: u64,
}

/// A step of more is a jump of the clock, and says nothing about how much waits.
const STEP_MS_MAX: u64 = 1000;

/// The part of each cap that is made free when one is passed, so that the next pass is far: 1/32.
const ROOM_SHIFT: u32 = 5;

impl SendQueue {
    /// Makes an empty queue. It begins with a key frame.
    #[must_use]
    pub const fn new(config: QueueConfig) -> Self {
        Self {
            config,
            queue: VecDeque::new(),
            bytes: 0,
            clock_ms: 0,
            latest_ms: None,
            span_ms: None,
            open: Vec::new(),
            stats: QueueStats {
                dropped_bytes: 0,
                dropped_disposable: 0,
                dropped_in_groups: 0,
                groups_cut: 0,
                replaced: 0,
                dropped_sound: 0,
                popped: 0,
                pushed: 0,
            },
        }
    }

    /// Puts a packet in. It never waits, and never refuses.
    pub fn push(&mut self, packet: Packet) {
        self.stats.pushed = self.stats.pushed.saturating_add(1);
        let hint = packet.hint();
        // Some encoders give configuration and metadata the time 0.
        let at_ms = (hint != Hint::Critical).then(|| self.advance(packet.timestamp_ms));
        let item = Item {
            packet,
            hint,
            at_ms,
        };
        if is_frame(&item) {
            let track = item.packet.track();
            let is_open = self.open.contains(&track);
            if hint == Hint::Resync && !is_open {
                self.open.push(track);
            } else if !is_open {
                return count(&mut self.stats, &item);
            }
            if hint == Hint::Droppable && self.would_be_over(&item) {
                return count(&mut self.stats, &item);
            }
        }
        self.bytes = self.bytes.saturating_add(item.packet.len());
        if let Some(at_ms) = item.at_ms {
            self.span_ms = Some((
                self.span_ms.map_or(at_ms, |(oldest_ms, _)| oldest_ms),
                at_ms,
            ));
        }
        self.queue.push_back(item);
        if self.is_over(self.caps()) {
            self.shed();
        }
    }

    /// Takes the next packet out.
    pub fn pop(&mut self) -> Option<Packet> {
        let item = self.queue.pop_front()?;
        self.bytes = self.bytes.saturating_sub(item.packet.len());
        if item.at_ms.is_some() {
            // Each configuration that is passed here is popped before the next packet that takes time.
            let oldest_ms = self.queue.iter().find_map(|item| item.at_ms);
            let newest_ms = self.span_ms.map(|(_, newest_ms)| newest_ms);
            self.span_ms = oldest_ms.zip(newest_ms);
        }
        self.stats.popped = self.stats.popped.saturating_add(1);
        Some(item.packet)
    }

    /// Returns how many packets wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Returns whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns how many bytes wait.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how much media time waits, from the oldest packet to the newest one: how far the consumer is behind.
    #[must_use]
    pub fn delay(&self) -> Duration {
        Duration::from_millis(self.time_ms())
    }

    /// Returns whether a track of pictures goes on; where it does not, it waits for its next key frame.
    #[must_use]
    pub fn is_open(&self, track: u8) -> bool {
        self.open.contains(&track)
    }

    /// Returns what was done so far.
    #[must_use]
    pub const fn stats(&self) -> QueueStats {
        self.stats
    }

    /// Moves the clock on to a packet, and returns it. Sound that is a little behind the picture does not move it, and
    /// does not make the next picture move it by that again.
    fn advance(&mut self, timestamp_ms: u64) -> u64 {
        let latest_ms = *self.latest_ms.get_or_insert(timestamp_ms);
        if latest_ms.saturating_sub(timestamp_ms) <= STEP_MS_MAX {
            self.latest_ms = Some(timestamp_ms.max(latest_ms));
        } else {
            self.latest_ms = Some(timestamp_ms);
        }
        let step_ms = timestamp_ms.saturating_sub(latest_ms).min(STEP_MS_MAX);
        self.clock_ms = self.clock_ms.saturating_add(step_ms);
        self.clock_ms
    }

    fn time_ms(&self) -> u64 {
        self.span_ms.map_or(0, |(oldest_ms, newest_ms)| {
            newest_ms.saturating_sub(oldest_ms)
        })
    }

    fn caps(&self) -> Caps {
        Caps {
            bytes: self.config.bytes_max,
            packets: self.config.packets_max,
            time_ms: u64::try_from(self.config.time_max.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn is_over(&self, caps: Caps) -> bool {
        self.is_too_much(caps) || self.time_ms() > caps.time_ms
    }

    /// Returns whether it is too much to hold, however long it takes to play.
    fn is_too_much(&self, caps: Caps) -> bool {
        self.bytes > caps.bytes || self.queue.len() > caps.packets
    }

    fn would_be_over(&self, item: &Item) -> bool {
        let caps = self.caps();
        let oldest_ms = self.span_ms.map(|(oldest_ms, _)| oldest_ms);
        let time_ms = item
            .at_ms
            .zip(oldest_ms)
            .map_or(0, |(at_ms, oldest_ms)| at_ms.saturating_sub(oldest_ms));
        self.bytes.saturating_add(item.packet.len()) > caps.bytes
            || self.queue.len() >= caps.packets
            || time_ms > caps.time_ms
    }

    /// Drops what hurts least until the caps hold, with some room.
    fn shed(&mut self) {
        let caps = self.caps().with_room();
        self.retain(|_, item| !(is_frame(item) && item.hint == Hint::Droppable));
        if self.is_over(caps) {
            self.cut_groups();
        }
        if self.is_too_much(caps) {
            self.cut_groups();
        }
        if self.is_over(caps) {
            self.drop_oldest_sound(caps);
        }
        // What is left of pictures is one group a track: its key frame goes with all that depends on it.
        if self.is_over(caps) {
            self.cut_groups();
        }
        if self.is_over(caps) {
            self.replace_configs();
        }
        // No honest encoder comes here: configurations alone fill the queue.
        while self.is_over(caps)
            && let Some(item) = self.queue.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(item.packet.len());
            count(&mut self.stats, &item);
        }
    }

    /// Drops the pictures of each track up to the newest key frame that waits and is not the first of its track; where
    /// there is none, all of them, and what follows up to the next key frame.
    fn cut_groups(&mut self) {
        // Each track that has frames, and its newest key frame behind the first one of them.
        let mut tracks: BTreeMap<u8, Option<usize>> = BTreeMap::new();
        for (place, item) in self
            .queue
            .iter()
            .enumerate()
            .filter(|(_, item)| is_frame(item))
        {
            match tracks.entry(item.packet.track()) {
                Entry::Occupied(mut newest) if item.hint == Hint::Resync => {
                    newest.insert(Some(place));
                }
                Entry::Occupied(_) => {}
                Entry::Vacant(track) => {
                    track.insert(None);
                }
            }
        }
        let cut = tracks.len() as u64;
        self.stats.groups_cut = self.stats.groups_cut.saturating_add(cut);
        self.open
            .retain(|open| tracks.get(open).is_none_or(Option::is_some));
        self.retain(|place, item| {
            let newest = tracks.get(&item.packet.track()).copied().flatten();
            !is_frame(item) || newest.is_some_and(|newest| place >= newest)
        });
    }

    fn drop_oldest_sound(&mut self, caps: Caps) {
        let mut bytes = self.bytes.saturating_sub(caps.bytes);
        let mut packets = self.queue.len().saturating_sub(caps.packets);
        let newest_ms = self.span_ms.map_or(0, |(_, newest_ms)| newest_ms);
        let first_ms = newest_ms.saturating_sub(caps.time_ms);
        self.retain(|_, item| {
            let is_old = item.at_ms.is_some_and(|at_ms| at_ms < first_ms);
            let goes = (bytes > 0 || packets > 0 || is_old)
                && !is_frame(item)
                && item.hint != Hint::Critical;
            if goes {
                bytes = bytes.saturating_sub(item.packet.len());
                packets = packets.saturating_sub(1);
            }
            !goes
        });
    }

    /// Drops configurations and metadata that a newer one behind them replaces.
    fn replace_configs(&mut self) {
        let part = |item: &Item| {
            let is_sound = matches!(item.packet.media, Media::Audio(_));
            let is_picture = matches!(item.packet.media, Media::Video(_));
            (
                is_sound,
                is_picture,
                item.packet.track(),
                item.packet.part(),
            )
        };
        let configs = self.queue.iter().enumerate();
        let newest: BTreeMap<_, _> = configs
            .filter(|(_, item)| item.hint == Hint::Critical)
            .map(|(place, item)| (part(item), place))
            .collect();
        self.retain(|place, item| {
            item.hint != Hint::Critical || newest.get(&part(item)) == Some(&place)
        });
    }

    /// Keeps what is wanted, and counts the rest.
    fn retain(&mut self, mut keep: impl FnMut(usize, &Item) -> bool) {
        let (bytes, stats) = (&mut self.bytes, &mut self.stats);
        let (mut place, mut span_ms) = (0_usize, None);
        self.queue.retain(|item| {
            let kept = keep(place, item);
            place = place.saturating_add(1);
            if !kept {
                *bytes = bytes.saturating_sub(item.packet.len());
                count(stats, item);
            } else if let Some(at_ms) = item.at_ms {
                span_ms = Some((span_ms.map_or(at_ms, |(oldest_ms, _)| oldest_ms), at_ms));
            }
            kept
        });
        self.span_ms = span_ms;
    }
}

impl Caps {
    /// Returns the caps that hold after something was dropped.
    const fn with_room(self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(self.bytes >> ROOM_SHIFT),
            packets: self.packets.saturating_sub(self.packets >> ROOM_SHIFT),
            time_ms: self.time_ms.saturating_sub(self.time_ms >> ROOM_SHIFT),
        }
    }
}

/// Counts a packet that was dropped.
fn count(stats: &mut QueueStats, item: &Item) {
    let counter = match item.hint {
        Hint::Critical => &mut stats.replaced,
        Hint::Droppable => &mut stats.dropped_disposable,
        _ if is_frame(item) => &mut stats.dropped_in_groups,
        _ => &mut stats.dropped_sound,
    };
    *counter = counter.saturating_add(1);
    stats.dropped_bytes = stats.dropped_bytes.saturating_add(item.packet.len() as u64);
}

/// Returns whether a packet is a frame of pictures.
const fn is_frame(item: &Item) -> bool {
    matches!(item.packet.media, Media::Video(_)) && !matches!(item.hint, Hint::Critical)
}
