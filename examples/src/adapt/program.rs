//! A publication on its way from its publisher, who never waits, to a consumer whose link may be slower.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backline_rtmp::flv::Packet;
use backline_rtmp::relay::{QueueConfig, SendQueue, Snapshot, SnapshotConfig};
use tokio::sync::{Notify, watch};

/// Holds what one consumer has yet to get of the newest publication.
#[derive(Debug)]
pub struct Program {
    inner: Mutex<Inner>,
    /// Number of the newest publication; 0 before the first one.
    newest: watch::Sender<u64>,
    changed: Notify,
}

#[derive(Debug)]
struct Inner {
    config: QueueConfig,
    live: bool,
    fourccs: Vec<String>,
    snapshot: Snapshot,
    queue: SendQueue,
    latest_ms: u64,
    taken_bytes: u64,
    given_bytes: u64,
    /// Packets that queues before this one dropped, or that waited in them when they were given up.
    dropped: u64,
}

/// How a program is doing.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Status {
    /// Whether there is a publisher.
    pub live: bool,
    /// Bytes of media that publishers gave.
    pub taken_bytes: u64,
    /// Bytes of media that the consumer got.
    pub given_bytes: u64,
    /// Media time that waits for the consumer.
    pub delay: Duration,
    /// Packets that the consumer never got.
    pub dropped: u64,
}

impl Program {
    /// Makes a program without a publisher; `time_max` is the media time that may wait for the consumer.
    #[must_use]
    pub fn new(time_max: Duration) -> Self {
        let mut config = QueueConfig::default();
        config.time_max = time_max;
        Self {
            inner: Mutex::new(Inner {
                config,
                live: false,
                fourccs: Vec::new(),
                snapshot: Snapshot::new(SnapshotConfig::default()),
                queue: SendQueue::new(config),
                latest_ms: 0,
                taken_bytes: 0,
                given_bytes: 0,
                dropped: 0,
            }),
            newest: watch::Sender::new(0),
            changed: Notify::new(),
        }
    }

    /// Begins a publication and returns its number; one that went on is over by that. `fourccs` are those that its
    /// publisher named.
    pub fn begin(&self, fourccs: Vec<String>) -> u64 {
        let mut inner = self.lock();
        inner.live = true;
        inner.fourccs = fourccs;
        inner.snapshot.clear();
        inner.refill();
        self.newest.send_modify(|number| *number += 1);
        self.changed.notify_one();
        *self.newest.borrow()
    }

    /// Puts a packet in, unless another publication has begun.
    pub fn push(&self, number: u64, packet: Packet) {
        let mut inner = self.lock();
        if *self.newest.borrow() == number {
            inner.latest_ms = packet.timestamp_ms;
            inner.taken_bytes += packet.len() as u64;
            inner.snapshot.observe(&packet);
            inner.queue.push(packet);
            self.changed.notify_one();
        }
    }

    /// Ends a publication: its publisher has left.
    pub fn end(&self, number: u64) {
        let mut inner = self.lock();
        if *self.newest.borrow() == number {
            inner.live = false;
            self.changed.notify_one();
        }
    }

    /// Takes the next packet of a publication out; none also where another one has begun.
    pub fn pop(&self, number: u64) -> Option<Packet> {
        let mut inner = self.lock();
        if *self.newest.borrow() != number {
            return None;
        }
        let packet = inner.queue.pop()?;
        inner.given_bytes += packet.len() as u64;
        Some(packet)
    }

    /// Begins anew for a consumer that has nothing yet: with what a decoder needs, and the next key frame.
    pub fn rewind(&self, number: u64) {
        let mut inner = self.lock();
        if *self.newest.borrow() == number {
            inner.refill();
        }
    }

    /// Returns whether the publisher of this publication is still there.
    #[must_use]
    pub fn is_live(&self, number: u64) -> bool {
        self.lock().live && *self.newest.borrow() == number
    }

    /// Returns whether nothing of this publication is left to come.
    #[must_use]
    pub fn is_over(&self, number: u64) -> bool {
        let inner = self.lock();
        *self.newest.borrow() != number || (!inner.live && inner.queue.is_empty())
    }

    /// Resolves when a publication newer than `number` has begun, with its number and what its publisher named.
    pub async fn began(&self, number: u64) -> (u64, Vec<String>) {
        let mut newest = self.newest.subscribe();
        let newer = newest.wait_for(|newest| *newest > number).await;
        let number = newer.map_or(number, |newest| *newest);
        (number, self.lock().fourccs.clone())
    }

    /// Resolves when something was put in, or a publication has begun or ended. One consumer can wait for it.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns how it is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let inner = self.lock();
        Status {
            live: inner.live,
            taken_bytes: inner.taken_bytes,
            given_bytes: inner.given_bytes,
            delay: inner.queue.delay(),
            dropped: inner.dropped + inner.dropped_here(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn refill(&mut self) {
        self.dropped += self.dropped_here() + self.queue.len() as u64;
        self.queue = SendQueue::new(self.config);
        for packet in self.snapshot.packets(self.latest_ms) {
            self.queue.push(packet);
        }
    }

    const fn dropped_here(&self) -> u64 {
        let stats = self.queue.stats();
        stats.dropped_disposable + stats.dropped_in_groups + stats.dropped_sound
    }
}
