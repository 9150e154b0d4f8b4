//! The stage's side of a recording: decides what each part is, and never waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;

use backline_hls::{Output, RenditionId, Warning};
use bytes::Bytes;

use super::tracker::{Moment, Tracker};
use super::{Item, Piece, Shared};

/// Bytes that may wait for the disk.
const QUEUE_BYTES_MAX: usize = 64 << 20;

/// The stage's side of the queue.
#[derive(Debug)]
pub struct Feeder {
    queue: SyncSender<Item>,
    shared: Arc<Shared>,
    tracker: Tracker,
    /// A slate is shown: what comes is no recording of anybody.
    slate: bool,
}

impl Feeder {
    pub(super) fn new(queue: SyncSender<Item>, shared: Arc<Shared>) -> Self {
        Self {
            queue,
            shared,
            tracker: Tracker::default(),
            slate: false,
        }
    }

    /// A publisher has come or gone: the take ends.
    pub fn cut(&mut self) {
        self.shared.take.fetch_add(1, Ordering::Release);
        // Where there is no room the thread is awake, and looks when it has written what waits.
        let _ = self.queue.try_send(Item::Woken);
    }

    /// Takes what a presentation gives out. Never waits.
    pub fn take(&mut self, output: &Output) {
        match output {
            Output::Init { object, body } => self.tracker.init(object.rendition, body.clone()),
            Output::Part { object, body } => self.part(object.rendition, body),
            Output::Warning(Warning::SlateShown) => {
                self.slate = true;
                self.cut();
            }
            Output::Warning(Warning::SlateOver { .. }) => {
                self.slate = false;
                self.cut();
            }
            Output::Ended => self.cut(),
            _ => {}
        }
    }

    fn part(&mut self, rendition: RenditionId, body: &[Bytes]) {
        let moment = self.tracker.part(rendition, body);
        if moment == Moment::Cut {
            self.cut();
        }
        if self.slate {
            return;
        }
        let init = self.tracker.init_of(rendition);
        let sent = match init.filter(|_| moment != Moment::Skipped) {
            Some(init) => self.send(Piece {
                take: self.shared.take.load(Ordering::Relaxed),
                rendition,
                starts: self.tracker.starts(rendition, body),
                init,
                body: body.to_vec(),
            }),
            None => false,
        };
        if !sent {
            self.shared.figures.dropped.fetch_add(1, Ordering::Relaxed);
            // What follows may need the part that is missing, so the next take begins where decoding can.
            self.cut();
        }
    }

    fn send(&self, piece: Piece) -> bool {
        let (waiting, bytes) = (&self.shared.waiting, piece.bytes());
        if waiting.load(Ordering::Relaxed) + bytes > QUEUE_BYTES_MAX {
            return false;
        }
        waiting.fetch_add(bytes, Ordering::Relaxed);
        let sent = self.queue.try_send(Item::Part(piece)).is_ok();
        if !sent {
            waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        sent
    }
}
