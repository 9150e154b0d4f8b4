//! What is known of one rendition.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::boxes::{Run, Track};
use super::plan::Probe;
use super::record::Request;
use super::url;
use crate::m3u8::{Media, Part, Segment};

/// Objects that are remembered after they have left the playlist.
const GONE_MAX: usize = 4_096;
/// Objects that may wait to be fetched; of a longer playlist the rest is not looked at.
const PLANNED_MAX: usize = 1_024;
/// Edges that are remembered.
const EDGES_MAX: usize = 256;
/// Init segments that are remembered after they have left the playlist.
const INITS_MAX: usize = 64;
/// Removed objects that are asked for once more.
const LATE_MAX: usize = 3;
/// Segments of a playlist without parts that are fetched when it is first seen.
const FIRST_SEGMENTS: usize = 3;

/// One media playlist and what it lists.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) url: String,
    /// For people: as the multivariant playlist has it.
    pub(super) name: String,
    /// The multivariant playlist says so of all renditions.
    pub(super) independent: bool,
    /// Cap on a URL.
    url_bytes: usize,
    /// The most that one playlist listed and that is not looked at.
    pub(super) left_out: usize,
    pub(super) known: Option<Known>,
    pub(super) reloading: Option<Request>,
    pub(super) reloads: u64,
    pub(super) next_reload_ns: u64,
    pub(super) objects: BTreeMap<Request, Object>,
    /// Tracks of each init segment that could be read.
    pub(super) inits: BTreeMap<Request, Vec<Track>>,
    pub(super) planned: VecDeque<Request>,
    pub(super) hints_asked: BTreeSet<String>,
    pub(super) probes: VecDeque<Probe>,
    pub(super) probing: Option<Request>,
    /// A body that was fetched whole, to compare others with.
    pub(super) sample: Option<(Request, Bytes)>,
    pub(super) edges: VecDeque<Edge>,
    /// When the last segment closed.
    pub(super) closed_ns: Option<u64>,
    /// Discontinuity sequence number, and microseconds from the timestamps to the dates in it.
    pub(super) offset: Option<(u64, i64)>,
    /// Bytes a second that came at best.
    pub(super) best_rate: u64,
    /// Removed parts, and removed segments, that were asked for once more.
    pub(super) late_asked: [usize; 2],
    /// Bits a second of the segment that takes most.
    pub(super) peak_bits: Option<u64>,
    /// What has a body that nobody has looked into.
    pub(super) unread: BTreeSet<Request>,
}

/// The newest whole playlist.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) media: Media,
    pub(super) done_ns: u64,
}

/// How far a playlist reached, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) ns: u64,
    pub(super) reached: Reached,
    /// Date of its end in microseconds since 1970.
    pub(super) end_us: Option<i64>,
    pub(super) compared: bool,
}

/// What a playlist has: of closed segments and open parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Reached {
    pub(super) media_sequence: u64,
    /// Of the open segment.
    pub(super) msn: u64,
    pub(super) parts: u64,
    /// Parts of the last closed segment, where they are listed.
    pub(super) closed_parts: u64,
    pub(super) ended: bool,
}

/// What an object is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Init,
    Part,
    Segment,
}

/// An init segment, a part or a segment.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) msn: u64,
    /// Place of a part in its segment.
    pub(super) index: usize,
    /// As the playlist has it.
    pub(super) uri: String,
    pub(super) duration: Duration,
    pub(super) independent: bool,
    pub(super) gap: bool,
    pub(super) init: Option<Arc<Request>>,
    pub(super) first_seen_ns: u64,
    pub(super) last_listed_ns: u64,
    /// The longest playlist that held it.
    pub(super) longest: Duration,
    pub(super) gone: bool,
    pub(super) body: Option<Bytes>,
    pub(super) runs: Option<Vec<Run>>,
    pub(super) read: bool,
    /// Whether it was compared with what comes before it.
    pub(super) followed: bool,
    pub(super) compared: bool,
}

impl Reached {
    pub(super) fn of(media: &Media) -> Self {
        let count = |segment: &Segment| u64::try_from(segment.parts.len()).unwrap_or(u64::MAX);
        Self {
            media_sequence: media.media_sequence,
            msn: media.open.msn,
            parts: count(&media.open),
            closed_parts: media.segments.last().map_or(0, count),
            ended: media.end_list,
        }
    }

    /// Whether part `part` of segment `msn` is listed, or anything later.
    pub(super) fn has_part(&self, msn: u64, part: u64) -> bool {
        (self.msn, self.parts) > (msn, part)
    }
}

impl Follower {
    pub(super) fn new(url: String, name: String, url_bytes: usize) -> Self {
        Self {
            url,
            name,
            independent: false,
            url_bytes,
            left_out: 0,
            known: None,
            reloading: None,
            reloads: 0,
            next_reload_ns: 0,
            objects: BTreeMap::new(),
            inits: BTreeMap::new(),
            planned: VecDeque::new(),
            hints_asked: BTreeSet::new(),
            probes: Probe::all().collect(),
            probing: None,
            sample: None,
            edges: VecDeque::new(),
            closed_ns: None,
            offset: None,
            best_rate: 0,
            late_asked: [0; 2],
            peak_bits: None,
            unread: BTreeSet::new(),
        }
    }

    pub(super) fn media(&self) -> Option<&Media> {
        self.known.as_ref().map(|known| &known.media)
    }

    pub(super) fn reached(&self) -> Option<Reached> {
        self.media().map(Reached::of)
    }

    pub(super) fn is_low_latency(&self) -> bool {
        self.media()
            .is_some_and(|media| media.part_target.is_some())
    }

    pub(super) fn has_ended(&self) -> bool {
        self.media().is_some_and(|media| media.end_list)
    }

    /// Whether nothing is left to ask of a stream that has ended.
    pub(super) fn is_finished(&self) -> bool {
        let asked = !self.is_low_latency() || !self.probes.contains(&Probe::Ended);
        self.has_ended() && self.planned.is_empty() && self.probing.is_none() && asked
    }

    /// The request for something that the playlist names; none where its URL is too long.
    pub(super) fn request(&self, uri: &str, range: Option<(u64, u64)>) -> Option<Request> {
        let mut request = Request::get(&url::join_within(&self.url, uri, self.url_bytes)?);
        request.range =
            range.map(|(from, length)| (from, Some(from.saturating_add(length).saturating_sub(1))));
        Some(request)
    }

    /// Takes over a whole playlist that is newer than the one that is known, and remembers up to `room` objects.
    pub(super) fn store(&mut self, media: Media, done_ns: u64, room: usize) {
        let (reached, before) = (Reached::of(&media), self.reached());
        if before.is_none_or(|before| (reached.msn, reached.parts) != (before.msn, before.parts)) {
            if before.is_none_or(|before| before.msn != reached.msn) {
                self.closed_ns = before.map(|_| done_ns);
            }
            self.edges.push_back(Edge {
                ns: done_ns,
                reached,
                end_us: end_us(&media),
                compared: false,
            });
            if self.edges.len() > EDGES_MAX {
                self.edges.pop_front();
            }
        }
        let left_out = self.note(&media, done_ns, room);
        self.left_out = self.left_out.max(left_out);
        self.known = Some(Known { media, done_ns });
    }

    /// Remembers what a playlist lists, and what it lists no longer. Says how many objects it has not remembered.
    fn note(&mut self, media: &Media, now_ns: u64, room: usize) -> usize {
        let first = self.known.is_none();
        let longest = media.listed();
        let from = media.segments.len().saturating_sub(FIRST_SEGMENTS);
        self.make_room(media, room);
        let mut ranges = Ranges::default();
        let mut init: Option<Arc<Request>> = None;
        let mut left_out = 0usize;
        let mut add = |this: &mut Self, request: Option<&Request>, object, wanted| {
            let listed =
                request.is_some_and(|one| this.list(one, object, (now_ns, longest), room, wanted));
            left_out = left_out.saturating_add(usize::from(!listed));
        };
        for (place, segment) in media.all().enumerate() {
            if let Some(map) = &segment.map
                && (!segment.parts.is_empty() || !segment.uri.is_empty())
            {
                let range = map.byte_range.map(|r| (r.offset.unwrap_or(0), r.length));
                let request = self.request(&map.uri, range);
                // Nearly always that of the segment before.
                if init.as_deref() != request.as_ref() {
                    init = request.map(Arc::new);
                }
                let object = Object::new(Kind::Init, segment, &map.uri);
                add(self, init.as_deref(), object, true);
            } else {
                init = None;
            }
            for (index, part) in segment.parts.iter().enumerate() {
                let request = self.request(&part.uri, ranges.part(part));
                let mut object = Object::new(Kind::Part, segment, &part.uri);
                object.index = index;
                object.duration = part.duration;
                object.independent = part.independent;
                object.gap = part.gap;
                object.init.clone_from(&init);
                add(self, request.as_ref(), object, !part.gap);
            }
            if !segment.uri.is_empty() {
                let range = segment
                    .byte_range
                    .map(|range| ranges.next(&segment.uri, range));
                let request = self.request(&segment.uri, range);
                let mut object = Object::new(Kind::Segment, segment, &segment.uri);
                object.init.clone_from(&init);
                object.gap = segment.gap;
                // Segments with parts are compared with them; of the others the newest are enough.
                let wanted = !segment.parts.is_empty() || !first || place >= from;
                add(self, request.as_ref(), object, wanted && !segment.gap);
            }
        }
        self.leave(now_ns);
        left_out
    }

    /// Forgets what is listed no longer where there may not be room for all that is.
    fn make_room(&mut self, media: &Media, room: usize) {
        let parts: usize = media.all().map(|segment| segment.parts.len()).sum();
        let most = media.segments.len().saturating_mul(2).saturating_add(parts);
        if self.objects.len().saturating_add(most) > room {
            let first = media.media_sequence;
            let stays = |object: &Object| object.kind == Kind::Init || object.msn >= first;
            self.objects
                .retain(|_, object| !object.gone && stays(object));
        }
    }

    /// Remembers an object, or that it is listed still. `false`: there is no room.
    fn list(
        &mut self,
        request: &Request,
        object: Object,
        (now_ns, longest): (u64, Duration),
        room: usize,
        wanted: bool,
    ) -> bool {
        if let Some(known) = self.objects.get_mut(request) {
            known.last_listed_ns = now_ns;
            known.longest = known.longest.max(longest);
            known.gone = false;
            return true;
        }
        if self.objects.len() >= room {
            return false;
        }
        if wanted && self.planned.len() < PLANNED_MAX {
            self.planned.push_back(request.clone());
        }
        let listed = Object {
            first_seen_ns: now_ns,
            last_listed_ns: now_ns,
            longest,
            ..object
        };
        self.objects.insert(request.clone(), listed);
        true
    }

    /// Marks what is listed no longer; some of it is asked for once more.
    fn leave(&mut self, now_ns: u64) {
        let mut gone = 0usize;
        for (request, object) in &mut self.objects {
            if object.last_listed_ns == now_ns {
                continue;
            }
            if !object.gone {
                object.gone = true;
                object.body = None;
                object.runs = None;
                let [parts, segments] = &mut self.late_asked;
                let asked = match object.kind {
                    Kind::Part => parts,
                    Kind::Init | Kind::Segment => segments,
                };
                if *asked < LATE_MAX && !object.gap {
                    *asked = asked.saturating_add(1);
                    self.planned.push_back(request.clone());
                }
            }
            gone = gone.saturating_add(1);
        }
        if gone > GONE_MAX {
            self.objects.retain(|_, object| !object.gone);
        }
        if self.inits.len() > INITS_MAX {
            let objects = &self.objects;
            self.inits
                .retain(|init, _| objects.get(init).is_some_and(|object| !object.gone));
        }
        // Nobody waits for what was to come long ago.
        if self.hints_asked.len() > GONE_MAX {
            self.hints_asked.clear();
        }
    }
}

impl Object {
    fn new(kind: Kind, segment: &Segment, uri: &str) -> Self {
        Self {
            kind,
            msn: segment.msn,
            index: 0,
            uri: uri.to_owned(),
            duration: segment.duration,
            independent: false,
            gap: false,
            init: None,
            first_seen_ns: 0,
            last_listed_ns: 0,
            longest: Duration::ZERO,
            gone: false,
            body: None,
            runs: None,
            read: false,
            followed: false,
            compared: false,
        }
    }
}

/// Where byte ranges without an offset begin: behind the one before of the same resource.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    ends: BTreeMap<String, u64>,
}

impl Ranges {
    pub(super) fn part(&mut self, part: &Part) -> Option<(u64, u64)> {
        part.byte_range.map(|range| self.next(&part.uri, range))
    }

    pub(super) fn next(&mut self, uri: &str, range: crate::m3u8::ByteRange) -> (u64, u64) {
        let from = range.offset.or_else(|| self.ends.get(uri).copied());
        let from = from.unwrap_or(0);
        let end = from.saturating_add(range.length);
        self.ends.insert(uri.to_owned(), end);
        (from, range.length)
    }
}

/// The date at which a playlist ends, by its last date and what comes from there on.
pub(super) fn end_us(media: &Media) -> Option<i64> {
    let mut end: Option<i64> = None;
    for segment in media.all() {
        end = segment.program_date_time_us.or(end);
        let lasts = if segment.uri.is_empty() {
            let parts = segment.parts.iter().map(|part| part.duration);
            parts.fold(Duration::ZERO, Duration::saturating_add)
        } else {
            segment.duration
        };
        let lasts = i64::try_from(lasts.as_micros()).unwrap_or(i64::MAX);
        end = end.map(|end| end.saturating_add(lasts));
    }
    end
}
