//! The queue between a publication and a consumer whose link may be slower than the picture.

use crate::flv::{Hint, Media, Packet};
use alloc::collections::VecDeque;
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
/// What is dropped, in this order: frames that nothing depends on; the older groups of pictures, up to the newest key frame that waits, or
/// the whole of the group, up to the next key frame to come; the oldest sound. Configuration and metadata stay, but for those that a
/// newer one has replaced, and those that alone are more than fits. So a consumer never gets a frame that depends on one that it did not get, but for the disposable ones.
/// No cap is ever passed. What is dropped here never reached a muxer, so that needs to forget nothing.
///
/// `push` costs the same however much waits, and at most once for each packet that waits when something is dropped.
#[derive(Debug)]
pub struct SendQueue {
    config: QueueConfig,
    queue: VecDeque<Item>,
    bytes: usize,
    /// Sum of the steps of all that waits.
    time_ms: u64,
    latest_ms: Option<u64>,
    /// Tracks of pictures that may go on: those whose last key frame went in, and nothing since was cut.
    open: Vec<u8>,
    stats: QueueStats,
}

#[derive(Debug)]
struct Item {
    packet: Packet,
    hint: Hint,
    /// Media time since the packet before.
    step_ms: u64,
}

/// A step of more is a jump of the clock, and says nothing about how much waits.
const STEP_MS_MAX: u64 = 1000;

impl SendQueue {
    /// Makes an empty queue. It begins with a key frame.
    #[must_use]
    pub const fn new(config: QueueConfig) -> Self {
        Self {
            config,
            queue: VecDeque::new(),
            bytes: 0,
            time_ms: 0,
            latest_ms: None,
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
        // Configuration and metadata take no time, and some encoders give them the time 0.
        let step_ms = match hint {
            Hint::Critical => 0,
            _ => self.step(packet.timestamp_ms),
        };
        let item = Item {
            packet,
            hint,
            step_ms,
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
        self.time_ms = self.time_ms.saturating_add(step_ms);
        self.queue.push_back(item);
        if self.is_over() {
            self.shed();
        }
    }

    /// Takes the next packet out.
    pub fn pop(&mut self) -> Option<Packet> {
        let item = self.queue.pop_front()?;
        self.bytes = self.bytes.saturating_sub(item.packet.len());
        self.time_ms = self.time_ms.saturating_sub(item.step_ms);
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

    /// Returns how much media time waits: how far the consumer is behind.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        Duration::from_millis(self.time_ms)
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

    /// Returns how much media time a packet adds. Sound that is a little behind the picture adds none, and does not
    /// make the next picture add that again.
    fn step(&mut self, timestamp_ms: u64) -> u64 {
        let latest_ms = *self.latest_ms.get_or_insert(timestamp_ms);
        if latest_ms.saturating_sub(timestamp_ms) <= STEP_MS_MAX {
            self.latest_ms = Some(timestamp_ms.max(latest_ms));
        } else {
            self.latest_ms = Some(timestamp_ms);
        }
        timestamp_ms.saturating_sub(latest_ms).min(STEP_MS_MAX)
    }

    fn is_over(&self) -> bool {
        let time = Duration::from_millis(self.time_ms);
        self.bytes > self.config.bytes_max
            || self.queue.len() > self.config.packets_max
            || time > self.config.time_max
    }

    fn would_be_over(&self, item: &Item) -> bool {
        let time = Duration::from_millis(self.time_ms.saturating_add(item.step_ms));
        self.bytes.saturating_add(item.packet.len()) > self.config.bytes_max
            || self.queue.len() >= self.config.packets_max
            || time > self.config.time_max
    }

    /// Drops what hurts least until the caps hold.
    fn shed(&mut self) {
        self.retain(|_, item| !(is_frame(item) && item.hint == Hint::Droppable));
        if self.is_over() {
            self.cut_groups();
        }
        if self.is_over() {
            self.drop_oldest_sound();
        }
        if self.is_over() {
            self.replace_configs();
        }
        // No honest encoder comes here: configurations alone fill the queue.
        while self.is_over()
            && let Some(item) = self.queue.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(item.packet.len());
            self.time_ms = self.time_ms.saturating_sub(item.step_ms);
            count(&mut self.stats, &item);
        }
    }

    /// Drops the pictures of each track up to the newest key frame that waits and is not the first of its track; where there is none, all of them,
    /// and what follows up to the next key frame.
    fn cut_groups(&mut self) {
        // First frame of each track, and its newest key frame behind that.
        let mut tracks: Vec<(u8, usize, Option<usize>)> = Vec::new();
        for (place, item) in self
            .queue
            .iter()
            .enumerate()
            .filter(|(_, item)| is_frame(item))
        {
            let track = item.packet.track();
            match tracks.iter_mut().find(|(known, ..)| *known == track) {
                Some((_, _, newest)) if item.hint == Hint::Resync => *newest = Some(place),
                Some(_) => {}
                None => tracks.push((track, place, None)),
            }
        }
        let cut = tracks.len() as u64;
        self.stats.groups_cut = self.stats.groups_cut.saturating_add(cut);
        for (track, _, newest) in &tracks {
            if newest.is_none() {
                self.open.retain(|open| open != track);
            }
        }
        self.retain(|place, item| {
            let is_kept = |(track, _, newest): &(u8, usize, Option<usize>)| {
                *track != item.packet.track() || newest.is_some_and(|newest| place >= newest)
            };
            !is_frame(item) || tracks.iter().all(is_kept)
        });
    }

    fn drop_oldest_sound(&mut self) {
        let mut over = (
            self.bytes.saturating_sub(self.config.bytes_max),
            self.queue.len().saturating_sub(self.config.packets_max),
            Duration::from_millis(self.time_ms).saturating_sub(self.config.time_max),
        );
        self.retain(|_, item| {
            let needed = over.0 > 0 || over.1 > 0 || !over.2.is_zero();
            let sound = !is_frame(item) && item.hint != Hint::Critical;
            if needed && sound {
                over.0 = over.0.saturating_sub(item.packet.len());
                over.1 = over.1.saturating_sub(1);
                over.2 = over.2.saturating_sub(Duration::from_millis(item.step_ms));
            }
            !(needed && sound)
        });
    }

    /// Drops configurations and metadata that a newer one behind them replaces.
    fn replace_configs(&mut self) {
        let mut newest: Vec<(core::mem::Discriminant<Media>, u8, u8, usize)> = Vec::new();
        for (place, item) in self.queue.iter().enumerate() {
            if item.hint == Hint::Critical {
                let key = (
                    core::mem::discriminant(&item.packet.media),
                    item.packet.track(),
                );
                let part = item.packet.part();
                match newest
                    .iter_mut()
                    .find(|(kind, track, of, _)| (*kind, *track, *of) == (key.0, key.1, part))
                {
                    Some(known) => known.3 = place,
                    None => newest.push((key.0, key.1, part, place)),
                }
            }
        }
        self.retain(|place, item| {
            item.hint != Hint::Critical || newest.iter().any(|(.., newest)| *newest == place)
        });
    }

    /// Keeps what is wanted, and counts the rest.
    fn retain(&mut self, mut keep: impl FnMut(usize, &Item) -> bool) {
        let (bytes, time_ms, stats) = (&mut self.bytes, &mut self.time_ms, &mut self.stats);
        let mut place = 0_usize;
        self.queue.retain(|item| {
            let kept = keep(place, item);
            place = place.saturating_add(1);
            if !kept {
                *bytes = bytes.saturating_sub(item.packet.len());
                *time_ms = time_ms.saturating_sub(item.step_ms);
                count(stats, item);
            }
            kept
        });
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
