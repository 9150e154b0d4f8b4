//! Captions.

use super::{AAC_CONFIGS, AVC_CONFIG};
use crate::Source;
use backline_hls::codec::{Codec, TrackKind};
use backline_hls::{
    About, Absence, Config, Cue, Error, Event, Form, Layout, ObjectKind, Output, Playlist,
    Presentation, RenditionId, Sample, TrackId, UnixMillis,
};
use bytes::Bytes;
use std::time::{Duration, Instant};

const MS: i64 = 1_000_000;
const STEPS_MAX: u32 = 256;
const TEXTS: [RenditionId; 2] = [RenditionId::text(0), RenditionId::text(1)];

/// Whatever a captioner says, every segment of captions is a file of WebVTT that holds cues that were taken and
/// nothing else, each with its own text, in order and within the segment's time; text playlists have the segments of
/// the picture.
///
/// Input: a byte of modes, then operations of a byte and what they need.
pub fn captions(data: &[u8]) {
    let mut source = Source::new(data);
    let mode = source.u8();
    let mut stage = Stage::new(mode);
    let mut steps = 0..STEPS_MAX;
    while !source.is_empty() && steps.next().is_some() {
        stage.step(&mut source);
    }
    stage.event(Event::End).ok();
    stage.compare();
}

/// A publisher of pictures with two captioners.
struct Stage {
    hls: Presentation,
    now: Instant,
    /// Decode time of the next picture, and how many have come.
    next_ms: i64,
    pictures: u32,
    /// Cues that were taken, as their file lines.
    taken: [Vec<(String, String, String)>; 2],
}

impl Stage {
    fn new(mode: u8) -> Self {
        let mut config = Config::default();
        config.layout = if mode & 1 == 0 {
            Layout::Separate
        } else {
            Layout::Muxed
        };
        config.segment_target = Duration::from_millis(500);
        config.window = Duration::from_millis(1_500);
        if mode & 2 != 0 {
            config.absence = Absence::Gap;
        }
        if mode & 4 != 0 {
            config.limits.cues = 4;
            config.limits.cue_bytes = 24;
            config.limits.cue_span = Duration::from_secs(2);
        }
        let now = Instant::now() + Duration::from_secs(3_600);
        let hls = Presentation::new(config, now).expect("within its bounds");
        let mut stage = Self {
            hls,
            now,
            next_ms: 0,
            pictures: 0,
            taken: [Vec::new(), Vec::new()],
        };
        // Any origin will do.
        stage.next_ms = [0, 95_443_000, -500, 1 << 40][usize::from(mode >> 3 & 3)];
        stage.start();
        stage
    }

    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(12) {
            0..=3 => {
                for _ in 0..=source.below(32) {
                    self.picture();
                }
            }
            4 => {
                self.event(Event::Stop).ok();
            }
            5 => self.start(),
            6 => self.next_ms += i64::from(source.u16()) * 8 - 100_000,
            7 => {
                self.now += Duration::from_millis(u64::from(source.u16()));
                self.hls.handle_timeout(self.now);
                self.drain();
            }
            8 => self.cue(source, |source| {
                let plain = source.u8();
                let text = source.text(usize::from(plain));
                (String::new(), String::new(), Cue::escape(&text))
            }),
            _ => self.cue(source, |source| {
                let sizes = source.u16();
                let size = |shift: u16| usize::from(sizes >> shift & 0x1F);
                (
                    source.text(size(0)),
                    source.text(size(5)),
                    source.text(size(10)),
                )
            }),
        }
    }

    fn cue(
        &mut self,
        source: &mut Source<'_>,
        words: impl Fn(&mut Source<'_>) -> (String, String, String),
    ) {
        let which = usize::from(source.below(2));
        let start_ns = (self.next_ms + i64::from(source.u16()) / 8 - 4_096) * MS;
        let end_ns = start_ns + (i64::from(source.u16()) / 8 - 64) * MS + i64::from(source.u8());
        let (id, settings, text) = words(source);
        let track = TrackId {
            id: u8::try_from(which).unwrap_or(0),
            ..TrackId::TEXT
        };
        let row = (id.clone(), settings.clone(), text.clone());
        let cue = Cue {
            start_ns,
            end_ns,
            id,
            settings,
            text,
        };
        let before = self.hls.stats();
        match self.event(Event::Cue { track, cue }) {
            Ok(()) => self.taken[which].push(row),
            Err(Error::Cue { .. } | Error::NotStarted { .. }) => {
                assert_eq!(before, self.hls.stats(), "a refusal changes nothing")
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn start(&mut self) {
        let wall = UnixMillis(1_700_000_000_000);
        self.event(Event::Start { wall }).ok();
        for (track, codec, record) in [
            (TrackId::VIDEO, Codec::Avc, AVC_CONFIG),
            (TrackId::AUDIO, Codec::Aac, AAC_CONFIGS[0]),
        ] {
            let record = Bytes::from_static(record);
            let event = Event::Config {
                track,
                codec,
                record,
            };
            self.event(event).ok();
        }
        for id in 0..2 {
            let kind = TrackKind::Text;
            let track = TrackId { kind, id };
            let about = About::default();
            self.event(Event::Announce { track, about }).ok();
        }
    }

    fn picture(&mut self) {
        for track in [TrackId::VIDEO, TrackId::AUDIO] {
            let sample = Sample {
                dts_ns: self.next_ms * MS,
                composition_ns: 0,
                sync: self.pictures.is_multiple_of(8),
                data: Bytes::from_static(b"sample"),
            };
            self.event(Event::Sample { track, sample }).ok();
        }
        self.pictures += 1;
        self.next_ms += 40;
        self.now += Duration::from_millis(40);
    }

    fn event(&mut self, event: Event) -> Result<(), Error> {
        let result = self.hls.handle_event(self.now, event);
        self.drain();
        result
    }

    fn drain(&mut self) {
        let mut advanced = false;
        while let Some(output) = self.hls.poll_output() {
            advanced |= matches!(output, Output::Advanced { .. });
            if let Output::Text { object, body } = output {
                assert_eq!(object.kind, ObjectKind::Segment);
                let which = TEXTS.iter().position(|text| *text == object.rendition);
                let which = which.expect("there are two text renditions");
                let body = std::str::from_utf8(&body).expect("captions are UTF-8");
                check(body, &self.taken[which]);
            }
        }
        if advanced {
            self.compare();
        }
    }

    /// Text playlists list the closed segments of the leading rendition.
    fn compare(&self) {
        let lead = [RenditionId::video(0), RenditionId::MUXED]
            .into_iter()
            .find_map(|lead| self.lines(lead));
        let Some(lead) = lead else { return };
        for text in TEXTS {
            let own = self.lines(text).expect("it is there with the picture");
            assert_eq!(own, lead, "the same segments in both");
        }
    }

    /// What a playlist says of its closed segments: durations and numbers.
    fn lines(&self, rendition: RenditionId) -> Option<Vec<String>> {
        let which = Playlist {
            rendition: Some(rendition),
            form: Form::Full,
        };
        let rendered = self.hls.render(which)?;
        let text = String::from_utf8(rendered.text.to_vec()).expect("playlists are UTF-8");
        assert_eq!(text.contains("PART-INF"), !TEXTS.contains(&rendition));
        let mut found = Vec::new();
        let mut extinf = None;
        for line in text.lines() {
            if let Some(duration) = line.strip_prefix("#EXTINF:") {
                extinf = Some(duration.to_owned());
            } else if !line.starts_with('#') {
                let stem = line.split('.').next().unwrap_or_default();
                found.push(format!("{} {stem}", extinf.take().unwrap_or_default()));
            }
        }
        Some(found)
    }
}

/// Reads a segment of captions as a strict player would.
fn check(body: &str, taken: &[(String, String, String)]) {
    let (head, rest) = body.split_once("\n\n").expect("a header");
    let map = head
        .strip_prefix("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:")
        .expect("the header has a map");
    let (local, mpegts) = map.split_once(",MPEGTS:").expect("of two times");
    time(local);
    assert!(mpegts.parse::<u64>().expect("a number") < 1 << 33);
    let mut last = 0;
    for block in rest.split_terminator("\n\n") {
        let (id, cue) = match block.split_once('\n') {
            Some((first, cue)) if !first.contains(" --> ") => (first, cue),
            _ => ("", block),
        };
        let (timing, text) = cue.split_once('\n').expect("a cue has text");
        let (start, end) = timing.split_once(" --> ").expect("a cue has times");
        let (end, settings) = end.split_once(' ').unwrap_or((end, ""));
        let (start, end) = (time(start), time(end));
        assert!(last <= start && start < end, "{body:?}");
        last = start;
        assert!(!text.contains("-->") && !id.contains("-->"));
        let known =
            |row: &(String, String, String)| row.0 == id && row.1 == settings && row.2 == text;
        assert!(
            taken.iter().any(known),
            "{block:?} was not given: {taken:?}"
        );
    }
}

fn time(text: &str) -> u64 {
    let mut numbers = text.split([':', '.']).map(|digits| {
        assert!(digits.len() >= 2, "{text}");
        digits.parse::<u64>().expect("a time has numbers")
    });
    let mut next = || numbers.next().expect("a time has four numbers");
    let (hours, minutes, seconds, ms) = (next(), next(), next(), next());
    assert!(minutes < 60 && seconds < 60 && ms < 1_000);
    ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms
}
