//! Keeps books over what a presentation puts out, and checks each entry against the ones before.

use super::boxes::{Run, boxes, one, part};
use backline_hls::{ObjectId, ObjectKind, Output, Point, RenditionId};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// What holes in the sound are filled with: AAC-LC in mono and stereo, 20 ms of Opus.
const SILENCE: [&[u8]; 3] = [
    &[0x00, 0xC8, 0x00, 0x80, 0x23, 0x80],
    &[0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80],
    &[0xF8, 0xFF, 0xFE],
];

/// What is known of one rendition.
#[derive(Debug, Default)]
pub(super) struct Rendition {
    pub(super) listed: Option<Point>,
    pub(super) closed: Option<Point>,
    /// Ticks of each part, by number; those of the first run.
    pub(super) ticks: BTreeMap<u64, u64>,
    /// Parts with a decode time that does not follow, and the part before with the same track.
    pub(super) jumps: BTreeMap<u64, u64>,
    /// Where each track's decode time goes on, and its last part.
    next_time: BTreeMap<u64, (u64, u64)>,
    /// Parts that no segment has taken yet.
    loose: Vec<u64>,
}

/// What is known of all of them.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) renditions: BTreeMap<RenditionId, Rendition>,
    /// Published objects; false once they have expired.
    pub(super) objects: BTreeMap<ObjectId, bool>,
    promised: BTreeSet<ObjectId>,
    pub(super) ended: bool,
    /// Every payload that was handed in, by address: nothing else may come out.
    payloads: BTreeMap<usize, Bytes>,
    /// Outputs so far.
    pub(super) count: usize,
}

impl Books {
    /// Remembers a payload that is handed in.
    pub(super) fn lend(&mut self, data: &Bytes) {
        self.payloads.insert(data.as_ptr() as usize, data.clone());
    }

    /// Enters one output.
    pub(super) fn enter(&mut self, output: Output) {
        assert!(!self.ended, "{output:?} after the end");
        self.count += 1;
        match output {
            Output::Init { object, body } => {
                let top = boxes(&body);
                assert_eq!(
                    top.first().map(|(kind, _)| kind),
                    Some(b"ftyp"),
                    "an init segment begins with its type"
                );
                boxes(one(&top, b"moov"));
                self.publish(object);
            }
            Output::Part { object, body } => self.part(object, &body),
            Output::Segment { object, parts } => self.segment(object, &parts),
            Output::Promised { object } => {
                assert!(
                    !self.objects.contains_key(&object),
                    "{object:?} is promised and exists"
                );
                self.after_all(object);
                assert!(self.promised.insert(object), "{object:?} is promised twice");
            }
            Output::Retracted { object } => {
                assert!(
                    self.promised.remove(&object),
                    "{object:?} is retracted and was not promised"
                );
            }
            Output::Expired { object, .. } => {
                let alive = self
                    .objects
                    .get_mut(&object)
                    .unwrap_or_else(|| panic!("{object:?} was never there"));
                assert!(std::mem::replace(alive, false), "{object:?} expires twice");
            }
            Output::Advanced {
                rendition,
                listed,
                closed,
            } => {
                let books = self.renditions.entry(rendition).or_default();
                assert!(
                    books.listed.is_none_or(|before| before <= listed),
                    "{listed:?} after {:?}",
                    books.listed
                );
                assert!(
                    books.closed.is_none_or(|before| before <= closed),
                    "{closed:?} after {:?}",
                    books.closed
                );
                books.listed = Some(listed);
                books.closed = Some(closed);
            }
            Output::Ended => {
                self.ended = true;
                assert!(
                    self.promised.is_empty(),
                    "{:?} will not come (SEG-11)",
                    self.promised
                );
            }
            Output::Text { object, body } => {
                assert!(body.starts_with(b"WEBVTT\n"), "a text segment is a file");
                self.publish(object);
            }
            Output::Warning(_) => {}
        }
    }

    fn publish(&mut self, object: ObjectId) {
        self.after_all(object);
        self.promised.remove(&object);
        assert!(
            self.objects.insert(object, true).is_none(),
            "{object:?} is published twice"
        );
    }

    /// Numbers of a kind only grow.
    fn after_all(&self, object: ObjectId) {
        let from = ObjectId {
            number: 0,
            ..object
        };
        let to = ObjectId {
            number: u64::MAX,
            ..object
        };
        let last = self.objects.range(from..=to).next_back();
        assert!(
            last.is_none_or(|(last, _)| last.number < object.number),
            "{object:?} after {last:?}"
        );
    }

    fn part(&mut self, object: ObjectId, body: &[Bytes]) {
        let other = self.promised.iter().find(|promised| {
            promised.rendition == object.rendition
                && promised.kind == ObjectKind::Part
                && **promised != object
        });
        assert_eq!(
            other, None,
            "{object:?} comes and another part was promised (PL-8)"
        );
        self.publish(object);
        let (header, payloads) = body.split_first().expect("a part has a header");
        let runs = part(header, payloads.iter().map(Bytes::len).sum());
        let sizes: Vec<usize> = runs
            .iter()
            .flat_map(|run| run.sizes.iter().copied())
            .collect();
        assert_eq!(
            sizes,
            payloads.iter().map(Bytes::len).collect::<Vec<_>>(),
            "one payload a sample"
        );
        for payload in payloads {
            let lent = self.payloads.get(&(payload.as_ptr() as usize));
            let silence = SILENCE.contains(&payload.as_ref());
            assert!(
                silence || lent == Some(payload),
                "a payload was copied, or never handed in (MUX-4)"
            );
        }
        let books = self.renditions.entry(object.rendition).or_default();
        books.loose.push(object.number);
        books.ticks.insert(object.number, runs[0].duration);
        for Run {
            track_id,
            decode_time,
            duration,
            ..
        } in runs
        {
            let next = (decode_time + duration, object.number);
            if let Some((expected, before)) = books.next_time.insert(track_id, next)
                && expected != decode_time
            {
                books.jumps.insert(object.number, before);
            }
        }
    }

    fn segment(&mut self, object: ObjectId, parts: &[ObjectId]) {
        assert!(!parts.is_empty(), "{object:?} has no part");
        for part in parts {
            assert_eq!(
                (part.rendition, part.kind),
                (object.rendition, ObjectKind::Part)
            );
            assert_eq!(
                self.objects.get(part),
                Some(&true),
                "{object:?} has {part:?}, which is not there"
            );
        }
        self.publish(object);
        let books = self.renditions.entry(object.rendition).or_default();
        let numbers: Vec<u64> = parts.iter().map(|part| part.number).collect();
        assert_eq!(
            books.loose, numbers,
            "a segment is the parts since the one before (MUX-3)"
        );
        books.loose.clear();
    }
}
