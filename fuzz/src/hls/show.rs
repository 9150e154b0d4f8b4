//! A presentation, its books, and its playlists after every change.

use super::books::Books;
use super::playlist::{Part, Playlist, Segment, UNITS, parse};
use backline_hls::{
    Config, Error, Event, Form, ObjectId, ObjectKind, Output, Playlist as Which, Point,
    Presentation, RenditionId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What a rendition's playlists have said so far.
#[derive(Debug, Default)]
struct History {
    last: Option<Playlist>,
    /// First parts of segments that begin a discontinuity.
    starts: BTreeSet<u64>,
    /// Each closed segment as it was first listed, and its discontinuity number.
    segments: BTreeMap<u64, (Segment, u64)>,
}

/// A presentation under watch.
#[derive(Debug)]
pub(super) struct Show {
    pub(super) presentation: Presentation,
    pub(super) books: Books,
    pub(super) now: Instant,
    /// Ticks a second of each rendition's first track, where it is known.
    pub(super) timescales: BTreeMap<RenditionId, u64>,
    histories: BTreeMap<RenditionId, History>,
    outputs_max: usize,
    /// Times that playlists changed.
    advances: u32,
}

impl Show {
    pub(super) fn new(config: Config) -> Self {
        let now = Instant::now() + Duration::from_secs(3600);
        let outputs_max = config.limits.outputs;
        let presentation =
            Presentation::new(config, now).expect("the configuration is within its bounds");
        let (timescales, histories) = (BTreeMap::new(), BTreeMap::new());
        Self {
            presentation,
            books: Books::default(),
            now,
            timescales,
            histories,
            outputs_max,
            advances: 0,
        }
    }

    /// Hands in an event; a full queue is drained and the event handed in again.
    pub(super) fn event(&mut self, event: Event) -> Result<(), Error> {
        if let Event::Sample { sample, .. } = &event {
            self.books.lend(&sample.data);
        }
        let result = match self.presentation.handle_event(self.now, event.clone()) {
            Err(Error::QueueFull { waiting, .. }) => {
                assert!(waiting >= self.outputs_max);
                self.drain(usize::MAX);
                self.presentation.handle_event(self.now, event)
            }
            other => other,
        };
        assert!(
            !matches!(result, Err(Error::QueueFull { .. })),
            "an empty queue is full"
        );
        result
    }

    /// Takes outputs; with all of them taken, the playlists are read.
    pub(super) fn drain(&mut self, count: usize) {
        let mut advanced = false;
        for _ in 0..count {
            let Some(output) = self.presentation.poll_output() else {
                self.advances += u32::from(advanced);
                // A part stays listed for seconds: later on it is enough to look now and then.
                if advanced
                    && (self.advances < 12 || self.advances.is_multiple_of(6) || self.books.ended)
                {
                    self.playlists();
                }
                return;
            };
            advanced |= matches!(output, Output::Advanced { .. });
            self.books.enter(output);
        }
    }

    /// Renders and reads every playlist.
    fn playlists(&mut self) {
        let ids: Vec<RenditionId> = self.books.renditions.keys().copied().collect();
        let mut shared = None;
        for id in ids {
            let full = Which {
                rendition: Some(id),
                form: Form::Full,
            };
            let Some(rendered) = self.presentation.render(full) else {
                continue;
            };
            assert_eq!(
                Some(&rendered),
                self.presentation.render(full).as_ref(),
                "one version has one text"
            );
            let books = &self.books.renditions[&id];
            assert_eq!(
                (Some(rendered.listed), Some(rendered.closed)),
                (books.listed, books.closed)
            );
            let text = String::from_utf8(rendered.text.to_vec()).expect("a playlist is UTF-8");
            let list = parse(&text);
            self.check(id, &list, &text);
            let delta = self
                .presentation
                .render(Which {
                    rendition: Some(id),
                    form: Form::Skip,
                })
                .expect("both forms");
            check_delta(
                &list,
                &parse(std::str::from_utf8(&delta.text).expect("a playlist is UTF-8")),
            );
            let common = (list.target_s, list.control.clone());
            assert_eq!(
                *shared.get_or_insert_with(|| common.clone()),
                common,
                "PL-4"
            );
            self.histories.entry(id).or_default().last = Some(list);
        }
        let multivariant = Which {
            rendition: None,
            form: Form::Full,
        };
        if let Some(rendered) = self.presentation.render(multivariant) {
            let text = String::from_utf8(rendered.text.to_vec()).expect("a playlist is UTF-8");
            assert!(
                text.starts_with("#EXTM3U\n") && text.contains("#EXT-X-STREAM-INF:"),
                "{text}"
            );
            assert!(
                text.contains("BANDWIDTH=") && text.contains("CODECS=\""),
                "MV-1: {text}"
            );
        }
    }

    fn check(&mut self, id: RenditionId, list: &Playlist, text: &str) {
        let history = self.histories.entry(id).or_default();
        if let Some(last) = &history.last {
            let frozen = |list: &Playlist| (list.target_s, list.part_target, list.control.clone());
            assert_eq!(frozen(last), frozen(list), "SEG-1");
            assert!(last.media_sequence <= list.media_sequence, "SEG-10");
            assert!(
                last.discontinuity_sequence <= list.discontinuity_sequence,
                "SEG-10"
            );
        }
        let scale = self.timescales.get(&id).copied();
        let mut discontinuity = list.discontinuity_sequence;
        // Whether a discontinuity waits for the first part behind it that exists.
        let mut begins = false;
        for (index, segment) in list.segments.iter().enumerate() {
            discontinuity += u64::from(segment.discontinuity);
            assert!(
                segment.closed.is_some() || index + 1 == list.segments.len(),
                "one segment grows\n{text}"
            );
            assert!(!segment.date.is_empty(), "SEG-8\n{text}");
            self.books.exists(id, &segment.map, text);
            check_parts(segment, list, text);
            begins |= segment.discontinuity;
            self.books
                .check_times(id, segment, begins, scale, &mut history.starts, text);
            // Where the parts are listed no more, the first of them was noted when they were.
            begins &= segment.gap;
            if let Some((duration, uri)) = &segment.closed {
                assert!(
                    (duration + UNITS / 2) / UNITS <= list.target_s,
                    "{uri} is too long (SEG-1)\n{text}"
                );
                if !segment.gap {
                    self.books.exists(id, uri, text);
                }
                history.check(
                    list.media_sequence + index as u64,
                    segment,
                    discontinuity,
                    text,
                );
            }
        }
        let open = list
            .segments
            .last()
            .filter(|segment| segment.closed.is_none());
        if let Some(open) = open.filter(|_| !list.ended) {
            let msn = list.media_sequence + list.segments.len() as u64 - 1;
            let point = Point {
                msn,
                part: open.parts.len() as u64 - 1,
            };
            assert_eq!(self.books.renditions[&id].listed, Some(point), "\n{text}");
        }
        let hints = list.hints.iter().filter(|(kind, _)| kind == "PART").count();
        assert_eq!(hints, usize::from(!list.ended), "PL-8\n{text}");
        assert_eq!(list.ended, self.books.ended, "\n{text}");
    }
}

impl History {
    /// A closed segment is what it was when it was first listed.
    fn check(&mut self, msn: u64, segment: &Segment, discontinuity: u64, text: &str) {
        let first = || (segment.clone(), discontinuity);
        let (before, number) = self.segments.entry(msn).or_insert_with(first);
        assert_eq!(
            *number, discontinuity,
            "segment {msn} changed its discontinuity number (PL-6)\n{text}"
        );
        // Parts leave the list before their segment does; nothing else may change (PL-1).
        let parts = if segment.parts.is_empty() {
            &segment.parts
        } else {
            &before.parts
        };
        assert_eq!(
            (&before.closed, &before.map),
            (&segment.closed, &segment.map),
            "PL-1\n{text}"
        );
        assert_eq!(
            (&before.date, parts),
            (&segment.date, &segment.parts),
            "PL-1\n{text}"
        );
    }
}

fn check_parts(segment: &Segment, list: &Playlist, text: &str) {
    for (index, part) in segment.parts.iter().enumerate() {
        assert!(
            part.duration <= list.part_target,
            "{} is too long (SEG-2)\n{text}",
            part.uri
        );
        let last = index + 1 == segment.parts.len();
        let next_gap = segment.parts.get(index + 1).is_some_and(|next| next.gap);
        if !last && !part.independent && !part.gap && !next_gap {
            // In hundredths, and of what is printed.
            assert!(
                part.duration * 100 >= list.part_target * 85,
                "{} is too short (SEG-3)\n{text}",
                part.uri
            );
        }
    }
    if let Some((duration, _)) = &segment.closed
        && !segment.parts.is_empty()
    {
        let sum: u64 = segment
            .parts
            .iter()
            .map(|Part { duration, .. }| duration)
            .sum();
        // Each is rounded by itself.
        assert!(
            sum.abs_diff(*duration) <= segment.parts.len() as u64,
            "parts of {sum} make {duration}\n{text}"
        );
    }
}

fn check_delta(full: &Playlist, delta: &Playlist) {
    assert_eq!(
        delta.skipped as usize + delta.segments.len(),
        full.segments.len(),
        "PL-10"
    );
    let rest = &full.segments[delta.skipped as usize..];
    for (whole, part) in rest.iter().zip(&delta.segments) {
        assert_eq!(
            (&whole.closed, &whole.parts, &whole.date),
            (&part.closed, &part.parts, &part.date),
            "PL-10"
        );
        assert!(part.map.is_empty() || part.map == whole.map, "PL-10");
        assert_eq!(whole.discontinuity, part.discontinuity, "PL-10");
    }
    assert_eq!(
        (full.media_sequence, full.discontinuity_sequence),
        (delta.media_sequence, delta.discontinuity_sequence)
    );
    assert_eq!((&full.hints, &full.reports), (&delta.hints, &delta.reports));
    assert_eq!(
        delta.version,
        if delta.skipped > 0 { 9 } else { full.version },
        "PL-12"
    );
}

impl Books {
    /// Printed durations are those of the samples, and decode times go on but for discontinuities, whose first parts
    /// are added to `starts`: the first of this segment is one if it `begins` a discontinuity, here or in absent
    /// segments before.
    fn check_times(
        &self,
        id: RenditionId,
        segment: &Segment,
        begins: bool,
        scale: Option<u64>,
        starts: &mut BTreeSet<u64>,
        text: &str,
    ) {
        let books = &self.renditions[&id];
        assert!(
            !segment.gap || segment.parts.iter().all(|part| part.gap),
            "a part of what does not exist\n{text}"
        );
        // An absent part is no object; the first that exists begins a discontinuity.
        let present = segment.parts.iter().filter(|part| !part.gap);
        for (index, part) in present.enumerate() {
            let number = self.exists(id, &part.uri, text).number;
            if let (Some(ticks), Some(scale)) = (books.ticks.get(&number), scale) {
                let exact = (ticks * UNITS + scale / 2) / scale;
                assert!(
                    exact.abs_diff(part.duration) <= 1,
                    "{} lasts {exact}\n{text}",
                    part.uri
                );
            }
            if index == 0 && begins {
                starts.insert(number);
            }
            // In a muxed rendition a track may come in later than the discontinuity that moves it.
            let jump = books.jumps.get(&number);
            let allowed =
                jump.is_none_or(|before| starts.range(before + 1..=number).next().is_some());
            assert!(allowed, "{} jumps (MUX-5)\n{text}", part.uri);
        }
    }

    /// The object behind a relative URI, which must be published and not expired.
    fn exists(&self, rendition: RenditionId, uri: &str, text: &str) -> ObjectId {
        let kind = match uri.as_bytes().first() {
            Some(b'i') => ObjectKind::Init,
            Some(b'p') => ObjectKind::Part,
            Some(b's') => ObjectKind::Segment,
            _ => panic!("{uri:?} is no name of an object\n{text}"),
        };
        let digits = uri[1..].split('.').next().unwrap_or("");
        let number = digits
            .parse()
            .unwrap_or_else(|_| panic!("{uri:?} has no number"));
        let object = ObjectId {
            rendition,
            kind,
            number,
        };
        assert_eq!(
            self.objects.get(&object),
            Some(&true),
            "{uri} is listed and not available\n{text}"
        );
        object
    }
}
