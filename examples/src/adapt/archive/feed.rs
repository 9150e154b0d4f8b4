//! The stage's side of an archive: what the task is to store and to list. It never waits.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use backline_hls::m3u8::{self, Media};
use backline_hls::{Form, Limits, ObjectId, Output, Playlist, Presentation, RenditionId};
use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

use super::{Body, Item, Shared};

/// Bytes of media that may wait for the storage: two minutes of 4 Mb/s.
pub(super) const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Bytes that may wait beside them: init segments, and lines of the playlists, which a loss needs too.
const STATE_BYTES_MAX: usize = 16 << 20;
/// What a segment's lines in a playlist count: that is more than they are.
const LINE_BYTES: usize = 4_096;
/// Parts that wait for their segment's end, of all renditions: more than any segment holds.
const PARTS_MAX: usize = 4_096;

/// The stage's side: sees what the presentation gives out and never waits.
#[derive(Debug)]
pub struct Feeder {
    /// `None` after the show's end, which the task knows by that.
    queue: Option<UnboundedSender<Item>>,
    shared: Arc<Shared>,
    /// Parts of segments that are open.
    parts: BTreeMap<ObjectId, Vec<Bytes>>,
    /// The first segment of each rendition that the task was not told to list.
    next: BTreeMap<RenditionId, u64>,
}

impl Feeder {
    pub(super) const fn new(queue: UnboundedSender<Item>, shared: Arc<Shared>) -> Self {
        Self {
            queue: Some(queue),
            shared,
            parts: BTreeMap::new(),
            next: BTreeMap::new(),
        }
    }

    /// Takes what a presentation gives out.
    pub fn take(&mut self, output: &Output, presentation: &Presentation) {
        match output {
            Output::Init { object, body } => {
                let item = Item::Init(*object, body.clone());
                if !self.send(body.len(), QUEUE_BYTES_MAX + STATE_BYTES_MAX, item) {
                    self.shared.figures.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            Output::Part { object, body } if self.parts.len() < PARTS_MAX => {
                self.parts.insert(*object, body.clone());
            }
            Output::Segment { object, parts } => {
                let bodies: Vec<_> = parts.iter().map(|part| self.parts.remove(part)).collect();
                // Numbers rise, so what is older belongs to no segment any more.
                let last = parts.last().map_or(0, |part| part.number);
                self.parts
                    .retain(|part, _| part.rendition != object.rendition || part.number > last);
                // A segment that lacks a part is none.
                let pieces: Option<Vec<_>> = bodies.into_iter().collect();
                let body = pieces.map(|pieces| Body::media(pieces.concat()));
                self.segment(*object, body, presentation);
            }
            Output::Text { object, body } => {
                self.segment(*object, Some(Body::text(body.clone())), presentation);
            }
            Output::Ended => self.end(presentation),
            _ => {}
        }
    }

    /// A closed segment, and the playlists that list it. Without room it is listed all the same, as absent.
    fn segment(&mut self, object: ObjectId, body: Option<Body>, presentation: &Presentation) {
        let sent = body.is_some_and(|body| {
            let bytes = body.bytes();
            self.send(bytes, QUEUE_BYTES_MAX, Item::Segment(object, body))
        });
        if !sent {
            self.shared.figures.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.list(object.rendition, object.number, presentation);
        let multivariant = Playlist {
            rendition: None,
            form: Form::Full,
        };
        if let Some(rendered) = presentation.render(multivariant) {
            // Only the newest counts, so it needs no queue.
            *self
                .shared
                .multivariant
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(rendered.text);
        }
    }

    /// Tells the task to list what the live playlist has up to segment `last`.
    fn list(&mut self, rendition: RenditionId, last: u64, presentation: &Presentation) {
        let next = *self.next.entry(rendition).or_default();
        let form = Form::Full;
        let playlist = Playlist {
            rendition: Some(rendition),
            form,
        };
        let rendered = presentation.render(playlist);
        let Some(mut listed) = rendered.and_then(|rendered| media(&rendered.text)) else {
            return;
        };
        listed
            .segments
            .retain(|segment| (next..=last).contains(&segment.msn));
        let Some(segment) = listed.segments.last() else {
            return;
        };
        let beyond = segment.msn.saturating_add(1);
        listed.date_ranges.clear();
        listed.open.parts.clear();
        for segment in &mut listed.segments {
            segment.parts.clear();
        }
        let bytes = listed.segments.len() * LINE_BYTES;
        let most = QUEUE_BYTES_MAX + STATE_BYTES_MAX;
        // Without room even for this the next one lists it.
        if self.send(
            bytes,
            most,
            Item::Listed(rendition, Box::new(listed), bytes),
        ) {
            self.next.insert(rendition, beyond);
        }
    }

    /// Lists what came after the last segments, and ends the queue.
    fn end(&mut self, presentation: &Presentation) {
        let renditions: Vec<_> = self.next.keys().copied().collect();
        for rendition in renditions {
            self.list(rendition, u64::MAX, presentation);
        }
        self.queue = None;
    }

    fn send(&self, bytes: usize, most: usize, item: Item) -> bool {
        let waiting = &self.shared.waiting;
        let Some(queue) = &self.queue else {
            return false;
        };
        if waiting.load(Ordering::Relaxed) + bytes > most {
            return false;
        }
        waiting.fetch_add(bytes, Ordering::Relaxed);
        let sent = queue.send(item).is_ok();
        if !sent {
            waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        sent
    }
}

fn media(text: &[u8]) -> Option<Media> {
    match m3u8::Playlist::parse(text, &Limits::default()).ok()? {
        m3u8::Playlist::Media(media) => Some(media),
        _ => None,
    }
}
