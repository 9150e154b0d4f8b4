//! A publisher and its viewers in virtual time. Every playlist and every part that comes out is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use backline_hls::codec::{Codec, TrackKind};
use backline_hls::{
    Config, Error, Event, Form, Layout, ObjectId, ObjectKind, Output, Playlist, Point,
    Presentation, RenditionId, Sample, TrackId, UnixMillis, Warning,
};
use bytes::Bytes;

use crate::boxes::{Run, fragment};
use crate::playlist::{Media, Part};
use crate::webvtt::WebVtt;

/// 640x360 and 1280x720 from x264, AAC-LC stereo at 48 and 44.1 kHz.
pub const AVC_360: &str =
    "0142c01effe100196742c01eda0280bfe5c044000003000400000300f23c58ba8001000468ce0fc8";
pub const AVC_720: &str =
    "0142c01fffe100176742c01fda014016ec0440000003004000000f03c60ca801000468ce0fc8";
pub const AAC_48: &str = "1190";
pub const AAC_44: &str = "1210";

pub const V0: RenditionId = RenditionId::video(0);
pub const A0: RenditionId = RenditionId::audio(0);
pub const M0: RenditionId = RenditionId::MUXED;
pub const WALL: UnixMillis = UnixMillis(1_795_464_000_000);

pub fn hex(text: &str) -> Bytes {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// A rendition a track.
pub fn separate() -> Config {
    let mut config = Config::default();
    config.layout = Layout::Separate;
    config
}

pub fn muxed() -> Config {
    let mut config = Config::default();
    config.layout = Layout::Muxed;
    config
}

pub struct Studio {
    pub hls: Presentation,
    pub now: Instant,
    pub origin: Instant,
    pub outputs: Vec<Output>,
    pub parts: BTreeMap<ObjectId, (Vec<Run>, Vec<Bytes>)>,
    pub inits: BTreeMap<ObjectId, Bytes>,
    pub pages: BTreeMap<ObjectId, WebVtt>,
    pub promised: BTreeSet<ObjectId>,
    pub playlists: BTreeMap<RenditionId, Media>,
    pub texts: BTreeMap<RenditionId, String>,
    pub points: BTreeMap<RenditionId, (Point, Point)>,
    pub warnings: Vec<Warning>,
    pub expired: BTreeMap<ObjectId, Instant>,
    pub ended: bool,
    /// When each part came out.
    pub came: BTreeMap<ObjectId, Instant>,
    /// Sound changes its timescale: times are not compared.
    pub lenient: bool,
    /// All pictures come in time: no rendition may be more than a part behind another one (SEG-9).
    pub in_step: bool,
    sound_scale: u64,
    ends: BTreeMap<(RenditionId, u32), (u64, u64)>,
}

impl Studio {
    pub fn new(config: Config) -> Self {
        let now = Instant::now();
        Self {
            hls: Presentation::new(config, now).unwrap(),
            now,
            origin: now,
            outputs: Vec::new(),
            parts: BTreeMap::new(),
            inits: BTreeMap::new(),
            pages: BTreeMap::new(),
            promised: BTreeSet::new(),
            playlists: BTreeMap::new(),
            texts: BTreeMap::new(),
            points: BTreeMap::new(),
            warnings: Vec::new(),
            expired: BTreeMap::new(),
            ended: false,
            came: BTreeMap::new(),
            lenient: false,
            in_step: false,
            sound_scale: 48_000,
            ends: BTreeMap::new(),
        }
    }

    /// A studio whose publisher has sent its configuration records.
    pub fn started(config: Config, audio: Option<&str>) -> Self {
        let mut studio = Self::new(config);
        studio.start(audio);
        studio
    }

    pub fn start(&mut self, audio: Option<&str>) {
        let since = self.now.duration_since(self.origin).as_millis() as u64;
        self.event(Event::Start {
            wall: UnixMillis(WALL.0 + since),
        });
        self.video_config(AVC_360);
        if let Some(record) = audio {
            self.sound_scale = if record == AAC_44 { 44_100 } else { 48_000 };
            self.event(Event::Config {
                track: TrackId::AUDIO,
                codec: Codec::Aac,
                record: hex(record),
            });
        }
    }

    pub fn video_config(&mut self, record: &str) {
        self.event(Event::Config {
            track: TrackId::VIDEO,
            codec: Codec::Avc,
            record: hex(record),
        });
    }

    pub fn at_ms(&mut self, ms: u64) {
        self.now = self.now.max(self.origin + Duration::from_millis(ms));
    }

    pub fn event(&mut self, event: Event) {
        self.try_event(event).unwrap();
    }

    pub fn try_event(&mut self, event: Event) -> Result<(), Error> {
        let result = self.hls.handle_event(self.now, event);
        self.drain();
        result
    }

    pub fn video(&mut self, dts_ms: i64, composition_ms: i64, sync: bool) {
        self.event(sample(TrackId::VIDEO, dts_ms, composition_ms, sync, 1_000));
    }

    pub fn audio(&mut self, dts_ms: i64) {
        self.event(sample(TrackId::AUDIO, dts_ms, 0, true, 200));
    }

    /// Plays a script of samples in the order of their times, each at its time after `from_ms`.
    pub fn play(&mut self, script: &Script, from_ms: u64) {
        for (dts_ms, kind, composition_ms, sync) in script.samples() {
            self.at_ms(from_ms + u64::try_from(dts_ms - script.first_ms).unwrap_or(0));
            match kind {
                TrackKind::Audio => self.audio(dts_ms),
                TrackKind::Text => {}
                TrackKind::Video => self.video(dts_ms, composition_ms, sync),
            }
        }
    }

    /// Lets time pass without an event: every timeout comes when it is due.
    pub fn wait_until_ms(&mut self, ms: u64) {
        let until = self.origin + Duration::from_millis(ms);
        while let Some(due) = self.hls.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.hls.handle_timeout(self.now);
            self.drain();
            assert!(
                self.hls.poll_timeout().is_none_or(|next| next > due),
                "what was due is done"
            );
        }
        self.now = self.now.max(until);
    }

    pub fn render(&self, id: RenditionId, form: Form) -> Option<String> {
        let rendered = self.hls.render(Playlist {
            rendition: Some(id),
            form,
        })?;
        Some(String::from_utf8(rendered.text.to_vec()).unwrap())
    }

    pub fn multivariant(&self) -> Option<String> {
        let rendered = self.hls.render(Playlist {
            rendition: None,
            form: Form::Full,
        })?;
        Some(String::from_utf8(rendered.text.to_vec()).unwrap())
    }

    /// All runs of a rendition's track in order.
    pub fn runs(&self, id: RenditionId, track: u32) -> Vec<Run> {
        let own = self
            .parts
            .iter()
            .filter(|(object, _)| object.rendition == id);
        own.flat_map(|(_, (runs, _))| runs.iter().filter(|run| run.track == track).cloned())
            .collect()
    }

    fn drain(&mut self) {
        let mut advanced = false;
        while let Some(output) = self.hls.poll_output() {
            match &output {
                Output::Init { object, body } => {
                    assert!(
                        self.inits.insert(*object, body.clone()).is_none(),
                        "a generation comes once"
                    );
                }
                Output::Part { object, body } => {
                    assert!(!advanced, "objects come before advances");
                    self.part_came(*object, body);
                }
                Output::Segment { object, parts } => {
                    assert!(!advanced && !parts.is_empty() && object.kind == ObjectKind::Segment);
                    assert!(
                        parts.iter().all(|part| self.parts.contains_key(part)),
                        "a segment is its parts (MUX-3)"
                    );
                }
                Output::Promised { object } => {
                    assert!(!self.parts.contains_key(object));
                    self.promised.insert(*object);
                }
                Output::Retracted { object } => assert!(self.promised.remove(object)),
                Output::Advanced {
                    rendition,
                    listed,
                    closed,
                } => {
                    advanced = true;
                    let before = self.points.insert(*rendition, (*listed, *closed));
                    let before = before.unwrap_or_default();
                    assert!(
                        *listed >= before.0 && *closed >= before.1,
                        "points never go back (SEG-10)"
                    );
                }
                Output::Expired {
                    object,
                    available_until,
                } => {
                    assert!(*available_until >= self.now);
                    let before = self.expired.insert(*object, *available_until);
                    assert_eq!(before, None, "{object:?} expires once");
                }
                Output::Text { object, body } => {
                    assert!(!advanced, "objects come before advances");
                    assert_eq!(object.kind, ObjectKind::Segment);
                    let page = WebVtt::parse(std::str::from_utf8(body).unwrap());
                    assert!(
                        self.pages.insert(*object, page).is_none(),
                        "a segment number comes once"
                    );
                }
                Output::Ended => self.ended = true,
                Output::Warning(warning) => self.warnings.push(*warning),
            }
            self.outputs.push(output);
        }
        if advanced {
            self.look();
        }
    }

    /// Takes a part as a viewer would: it comes once, and its `mdat` holds what it announces.
    fn part_came(&mut self, object: ObjectId, body: &[Bytes]) {
        let (runs, announced) = fragment(&body[0]);
        let payload: usize = body.iter().skip(1).map(Bytes::len).sum();
        assert_eq!(announced, payload, "the mdat holds the payloads");
        self.came.insert(object, self.now);
        self.promised.remove(&object);
        assert!(
            self.parts.insert(object, (runs, body.to_vec())).is_none(),
            "a part number comes once"
        );
    }

    /// Does what a viewer does after every advance: reads all playlists.
    fn look(&mut self) {
        for id in renditions() {
            let Some(text) = self.render(id, Form::Full) else {
                continue;
            };
            let media = Media::parse(&text);
            media.check(id);
            if let Some(old) = self.playlists.get(&id).filter(|old| **old != media) {
                media.follows(old);
            }
            self.check_fragments(id, &media);
            if let Some(hint) = &media.hint {
                let number = hint[1..].strip_suffix(".m4s").unwrap().parse().unwrap();
                let object = ObjectId {
                    rendition: id,
                    kind: ObjectKind::Part,
                    number,
                };
                assert!(
                    self.promised.contains(&object),
                    "PL-8: the hint is requestable"
                );
            }
            self.texts.insert(id, text);
            self.playlists.insert(id, media);
        }
        let lists: Vec<(RenditionId, &Media)> = renditions()
            .filter_map(|id| Some((id, self.playlists.get(&id)?)))
            .collect();
        together(&lists, self.in_step);
    }

    /// Ticks a second of a rendition; 0 where it may have changed.
    fn scale(&self, id: RenditionId) -> u64 {
        let tracks = self.hls.stats().tracks;
        let mut kinds = tracks.iter().map(|track| track.codec.kind());
        if kinds.any(|kind| kind == TrackKind::Video) && !id.to_string().starts_with('a') {
            90_000
        } else if self.lenient {
            0
        } else {
            self.sound_scale
        }
    }

    /// Every listed part exists, lasts what the playlist says, and continues the one before (MUX-5).
    fn check_fragments(&mut self, id: RenditionId, media: &Media) {
        let old = self.playlists.get(&id);
        let exist = |part: &&Part| !part.gap;
        let last_known = old
            .and_then(|old| {
                let parts = old.segments.iter().flat_map(|s| &s.parts);
                parts.rev().find(exist)
            })
            .map(|part| &part.uri);
        // Its line may have gone since: what is listed is all new then.
        let mut listed = media.segments.iter().flat_map(|segment| &segment.parts);
        let last_known = last_known.filter(|uri| listed.any(|part| part.uri == **uri));
        let mut fresh = last_known.is_none();
        let scale = self.scale(id);
        // Absent media between a part and the one before it, in units of 10 us, and its parts.
        let mut absent = (0, 0);
        for segment in &media.segments {
            if segment.gap && segment.parts.is_empty() {
                absent = (absent.0 + segment.units.unwrap_or(0), absent.1 + 1);
            }
            for part in &segment.parts {
                if part.gap {
                    absent = (absent.0 + part.units, absent.1 + 1);
                    continue;
                }
                let (hole, holes) = std::mem::take(&mut absent);
                if !fresh {
                    fresh = Some(&part.uri) == last_known;
                    continue;
                }
                let number = part.uri[1..].strip_suffix(".m4s").unwrap().parse().unwrap();
                let object = ObjectId {
                    rendition: id,
                    kind: ObjectKind::Part,
                    number,
                };
                let (runs, _) = self.parts.get(&object).expect("a listed part exists");
                if let Some(units) = (runs[0].ticks() * 100_000 + scale / 2).checked_div(scale) {
                    assert_eq!(units, part.units, "a part lasts what its line says");
                }
                let cut = media
                    .segments
                    .iter()
                    .rfind(|cut| cut.msn <= segment.msn && cut.discontinuity);
                let cut = cut.map_or(0, |cut| cut.msn);
                let known = last_known.is_some();
                for run in runs.iter().filter(|_| !self.lenient) {
                    let end = (run.tfdt + run.ticks(), cut);
                    let Some(before) = self.ends.insert((id, run.track), end) else {
                        continue;
                    };
                    // What the lines that have gone said of a hole is not known any more.
                    let hole = (hole * scale / 100_000, holes);
                    assert!(
                        continues(before, (run.tfdt, cut), hole)
                            || (!known && run.tfdt >= before.0),
                        "MUX-5: {id} tfdt {} after {} and {hole:?} absent",
                        run.tfdt,
                        before.0
                    );
                }
                let independent = runs
                    .iter()
                    .any(|run| run.track == 1 && (0..run.flags.len()).any(|at| run.sync(at)));
                assert_eq!(independent, part.independent, "SEG-5");
            }
        }
    }
}

/// Whether a part of a decode time and an epoch follows another one's end, with so many ticks and parts absent between.
fn continues(before: (u64, u64), begin: (u64, u64), (hole, holes): (u64, u64)) -> bool {
    let (end, cut) = before;
    let after_cut = cut != begin.1 && begin.0 >= end;
    let after_hole = holes > 0 && begin.0.abs_diff(end + hole) <= 2 * (holes + 1);
    begin.0 == end || after_cut || after_hole
}

/// All that a test may publish.
fn renditions() -> impl Iterator<Item = RenditionId> {
    let pictures = (0..4).map(RenditionId::video);
    let sounds = (0..4).map(RenditionId::audio);
    let texts = (0..4).map(RenditionId::text);
    pictures.chain(sounds).chain([M0]).chain(texts)
}

/// What must hold of all playlists of a presentation at every moment (MV-4, SEG-9).
fn together(lists: &[(RenditionId, &Media)], in_step: bool) {
    let Some(((_, first), others)) = lists.split_first() else {
        return;
    };
    for (id, media) in others {
        let text = media.part_target == 0;
        let part_target = if text { 0 } else { first.part_target };
        assert_eq!(
            (first.target, part_target, &first.control),
            (media.target, media.part_target, &media.control),
            "MV-4: one Target Duration, PL-4: one control line"
        );
        assert_eq!(
            media.reports.len(),
            lists.len() - 1 - usize::from(media.ended) * (lists.len() - 1)
        );
        if text {
            beside(id, first, media);
            continue;
        }
        let (mine, theirs) = (first.discontinuities(), media.discontinuities());
        for (msn, number, cut) in &theirs {
            let Some(row) = mine.iter().find(|row| row.0 == *msn) else {
                continue;
            };
            assert_eq!((row.1, row.2), (*number, *cut), "MV-4: {id} {msn}");
        }
        if !in_step {
            continue;
        }
        let (end, other) = (first.end_ms(), media.end_ms());
        let part_ms = i64::try_from(first.part_target / 100).unwrap();
        assert!(
            (end - other).abs() <= part_ms + 40,
            "SEG-9: {id} ends at {other} ms, the first at {end} ms"
        );
        for segment in &media.segments {
            let same = first.segments.iter().find(|own| own.msn == segment.msn);
            let Some(own) = same else { continue };
            let apart =
                crate::playlist::ms_of_day(&own.date) - crate::playlist::ms_of_day(&segment.date);
            assert!(
                apart.abs() <= part_ms + 40,
                "MV-4: {id} {} starts {apart} ms from its counterpart",
                segment.msn
            );
        }
    }
}

/// Captions have the segments of the leading rendition: number, date, duration and discontinuity (PL-4, MV-4).
fn beside(id: &RenditionId, lead: &Media, text: &Media) {
    let rows = |media: &Media| -> Vec<_> {
        let closed = media
            .segments
            .iter()
            .filter(|segment| segment.units.is_some());
        let row = |one: &crate::playlist::Segment| {
            (one.msn, one.date.clone(), one.units, one.discontinuity)
        };
        closed.map(row).collect()
    };
    assert_eq!(rows(lead), rows(text), "MV-4: {id}");
    assert_eq!(lead.discontinuity, text.discontinuity, "MV-4: {id}");
}

pub fn sample(track: TrackId, dts_ms: i64, composition_ms: i64, sync: bool, size: usize) -> Event {
    let data = Bytes::from(vec![0u8; size]);
    let (dts_ns, composition_ns) = (dts_ms * 1_000_000, composition_ms * 1_000_000);
    Event::Sample {
        track,
        sample: Sample {
            dts_ns,
            composition_ns,
            sync,
            data,
        },
    }
}

/// A publisher with a constant rate, times in whole milliseconds as RTMP has them.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    pub first_ms: i64,
    pub length_ms: i64,
    /// Frames and the seconds they take; no picture if the first is 0.
    pub rate: (i64, i64),
    pub gop: i64,
    pub b_frames: i64,
    /// Sample rate and samples in a frame; no sound if the first is 0.
    pub sound: (i64, i64),
    pub sound_offset_ms: i64,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            first_ms: 0,
            length_ms: 10_000,
            rate: (30, 1),
            gop: 60,
            b_frames: 0,
            sound: (48_000, 1_024),
            sound_offset_ms: 0,
        }
    }
}

impl Script {
    pub fn silent() -> Self {
        Self {
            sound: (0, 1),
            ..Self::default()
        }
    }

    pub fn samples(&self) -> Vec<(i64, TrackKind, i64, bool)> {
        let mut samples = Vec::new();
        let (frames, seconds) = self.rate;
        for index in 0.. {
            if frames == 0 {
                break;
            }
            let at = |index: i64| (index * 1_000 * seconds + frames / 2) / frames;
            if at(index) >= self.length_ms {
                break;
            }
            // I P B B P B B in decode order: a P frame is shown after the pictures that refer to it.
            let place = index % self.gop % (self.b_frames + 1);
            let ahead = if self.b_frames == 0 {
                0
            } else if index % self.gop == 0 {
                1
            } else if place == 1 {
                1 + self.b_frames
            } else {
                0
            };
            let composition = at(index + ahead) - at(index);
            samples.push((
                self.first_ms + at(index),
                TrackKind::Video,
                composition,
                index % self.gop == 0,
            ));
        }
        let (scale, frame) = self.sound;
        for index in 0.. {
            if scale == 0 {
                break;
            }
            let at = (index * frame * 1_000 + scale / 2) / scale;
            if at >= self.length_ms {
                break;
            }
            samples.push((
                self.first_ms + at + self.sound_offset_ms,
                TrackKind::Audio,
                0,
                true,
            ));
        }
        samples.sort_by_key(|(at, kind, ..)| (*at, *kind));
        samples
    }
}
