//! Both real machines in virtual time: viewers ask while a publisher sends.

use backline_cache::Body;
use backline_hls::codec::Codec;
use backline_hls::{Sample, TrackId, UnixMillis};
use bytes::Bytes;

use super::*;

/// Of x264, 640x360.
const AVCC: &[u8] = b"\x01\x42\xC0\x1E\xFF\xE1\x00\x19\x67\x42\xC0\x1E\xDA\x02\x80\xBF\xE5\xC0\x44\
    \x00\x00\x03\x00\x04\x00\x00\x03\x00\xF2\x3C\x58\xBA\x80\x01\x00\x04\x68\xCE\x0F\xC8";

struct Rig {
    now: Instant,
    origin: Origin,
    picture: i64,
    answers: Vec<(u64, Told)>,
    notices: Vec<Notice>,
}

impl Rig {
    fn new() -> Self {
        let now = Instant::now();
        let mut config = backline_hls::Config::default();
        config.layout = backline_hls::Layout::Separate;
        let presentation = Presentation::new(config, now).expect("defaults");
        let cache = Cache::new(backline_cache::Config::default(), now).expect("defaults");
        let origin = Origin::new(presentation, cache, now);
        Self {
            now,
            origin,
            picture: 0,
            answers: Vec::new(),
            notices: Vec::new(),
        }
    }

    fn event(&mut self, event: Event) {
        self.origin
            .handle_event(self.now, event)
            .expect("sound media");
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.origin.poll_output() {
            match output {
                Output::Told { token, told } => self.answers.push((token, told)),
                Output::Notice(notice) => self.notices.push(notice),
            }
        }
    }

    fn start(&mut self) {
        self.event(Event::Start {
            wall: UnixMillis(1_764_000_000_000),
        });
        let record = Bytes::from_static(AVCC);
        self.event(Event::Config {
            track: TrackId::VIDEO,
            codec: Codec::Avc,
            record,
        });
    }

    /// Sends so many pictures at 25 a second, a key frame a second.
    fn play(&mut self, pictures: i64) {
        for _ in 0..pictures {
            let sample = Sample {
                dts_ns: self.picture * 40_000_000,
                composition_ns: 0,
                sync: self.picture % 25 == 0,
                data: Bytes::from_static(b"\x00\x00\x00\x04\x65abc"),
            };
            self.event(Event::Sample {
                track: TrackId::VIDEO,
                sample,
            });
            self.picture += 1;
            self.now += Duration::from_millis(40);
            self.timeouts();
        }
    }

    fn timeouts(&mut self) {
        while self
            .origin
            .poll_timeout()
            .is_some_and(|deadline| deadline <= self.now)
        {
            self.origin.handle_timeout(self.now);
            self.drain();
        }
    }

    /// Asks, and returns the answer if it comes before anything else happens.
    fn ask(&mut self, path: &str, query: Option<&str>, token: u64) -> Option<Answer> {
        let asked = self.origin.request(self.now, path, query, token, token);
        self.drain();
        match asked {
            Asked::Now(Now::Answer(answer, _)) => Some(answer),
            Asked::Now(Now::Refused(status, ..)) => Some(Answer::Failed(status)),
            Asked::Later(_) => {
                let place = self.answers.iter().position(|(told, _)| *told == token)?;
                Some(self.answers.remove(place).1.answer)
            }
        }
    }

    fn body(&mut self, path: &str) -> Body {
        match self.ask(path, None, 1_000_000) {
            Some(Answer::Hit(body)) => body,
            other => panic!("{path}: {other:?}"),
        }
    }

    fn text(&mut self, path: &str) -> String {
        let body = self.body(path);
        String::from_utf8(body.pieces().concat()).expect("a playlist is text")
    }

    /// The MSN and the part that come next after a playlist's last part.
    fn next(text: &str) -> (u64, usize) {
        let tag = "#EXT-X-MEDIA-SEQUENCE:";
        let first: u64 = text
            .lines()
            .find_map(|line| line.strip_prefix(tag)?.parse().ok())
            .expect("a first number");
        let closed = text
            .lines()
            .filter(|line| line.starts_with("#EXTINF"))
            .count() as u64;
        let open = text.rsplit("#EXTINF").next().unwrap_or(text);
        (
            first + closed,
            open.lines()
                .filter(|line| line.starts_with("#EXT-X-PART:"))
                .count(),
        )
    }
}

#[test]
fn pl_15_five_hundred_held_viewers_cost_one_render_and_share_its_bytes() {
    let mut rig = Rig::new();
    assert_eq!(
        rig.ask("index.m3u8", None, 1),
        Some(Answer::Failed(404)),
        "nothing is published"
    );
    rig.start();
    rig.play(60);
    let (msn, part) = Rig::next(&rig.text("v0/index.m3u8"));
    let query = format!("_HLS_msn={msn}&_HLS_part={part}");
    let before = rig.origin.cache().stats().fetched;
    for token in 0..500 {
        assert_eq!(
            rig.ask("v0/index.m3u8", Some(&query), token),
            None,
            "viewer {token} is held"
        );
    }
    rig.play(10);
    let answers = std::mem::take(&mut rig.answers);
    assert_eq!(answers.len(), 500);
    let bodies: Vec<_> = answers.into_iter().map(|(_, told)| told.answer).collect();
    let Some(Answer::Hit(first)) = bodies.first() else {
        panic!("{:?}", bodies.first())
    };
    assert!(
        bodies
            .iter()
            .all(|answer| matches!(answer, Answer::Hit(body) if body.same(first)))
    );
    assert_eq!(rig.origin.cache().stats().fetched, before + 1);
    assert!(rig.notices.is_empty(), "{:?}", rig.notices);
}

#[test]
fn del_9_everything_that_a_playlist_names_is_there_and_the_hint_waits() {
    let mut rig = Rig::new();
    rig.start();
    rig.play(120);
    assert!(rig.text("index.m3u8").contains("v0/index.m3u8"));
    let text = rig.text("v0/index.m3u8");
    let mut hint = None;
    for line in text.lines() {
        let quoted = line
            .split("URI=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let Some(uri) =
            quoted.or_else(|| (!line.starts_with('#') && !line.is_empty()).then_some(line))
        else {
            continue;
        };
        if line.starts_with("#EXT-X-RENDITION-REPORT") {
            continue;
        }
        if line.starts_with("#EXT-X-PRELOAD-HINT") {
            hint = Some(uri.to_owned());
            continue;
        }
        assert!(rig.body(&format!("v0/{uri}")).len() > 0);
    }
    let hint = hint.expect("a live playlist has a hint");
    assert_eq!(
        rig.ask(&format!("v0/{hint}"), None, 7),
        None,
        "the hint is held"
    );
    rig.play(10);
    assert!(
        matches!(
            &*rig.answers,
            [(
                7,
                Told {
                    answer: Answer::Hit(_),
                    ..
                }
            )]
        ),
        "{:?}",
        rig.answers
    );
    assert!(rig.notices.is_empty(), "{:?}", rig.notices);
}

#[test]
fn del_1_the_end_answers_every_held_request_and_del_7_a_deadline_too() {
    let mut rig = Rig::new();
    rig.start();
    rig.play(60);
    let (msn, part) = Rig::next(&rig.text("v0/index.m3u8"));
    let query = format!("_HLS_msn={msn}&_HLS_part={part}");
    assert_eq!(rig.ask("v0/index.m3u8", Some(&query), 1), None);
    rig.event(Event::Stop);
    rig.answers.clear();
    let (msn, part) = Rig::next(&rig.text("v0/index.m3u8"));
    let query = format!("_HLS_msn={msn}&_HLS_part={part}");
    assert_eq!(rig.ask("v0/index.m3u8", Some(&query), 2), None);
    rig.now += Duration::from_secs(10);
    rig.timeouts();
    let expired = |(token, told): &(u64, Told)| *token == 2 && told.answer == Answer::Expired;
    assert!(rig.answers.iter().any(expired), "{:?}", rig.answers);
    assert_eq!(rig.ask("v0/index.m3u8", Some(&query), 3), None);
    rig.event(Event::End);
    let (_, told) = rig.answers.pop().expect("the end answers");
    let Answer::Hit(body) = told.answer else {
        panic!("{:?}", told.answer)
    };
    assert!(
        String::from_utf8(body.pieces().concat())
            .expect("text")
            .contains("#EXT-X-ENDLIST")
    );
    assert!(rig.notices.contains(&Notice::Ended), "{:?}", rig.notices);
}

/// A cache that had no room for a rendition's edge gets it once more: who waits for it must not wait for ever.
#[test]
fn an_edge_that_the_cache_refused_is_no_edge() {
    let mut rig = Rig::new();
    let mut config = backline_cache::Config::default();
    config.limits.renditions = 1;
    rig.origin.cache = Cache::new(config, rig.now).expect("one rendition");
    let cache = &mut rig.origin.cache;
    cache.outdate(rig.now, STREAM, 900).expect("the one");
    let (now, edge) = (rig.now, backline_hls::Point { msn: 7, part: 0 });
    for attempt in 0..3 {
        let refused = rig.origin.advance(now, RenditionId(0), edge, edge);
        assert!(
            matches!(refused, Err(backline_cache::Error::Renditions { .. })),
            "{attempt}: {refused:?}"
        );
        assert!(rig.origin.edges.is_empty(), "it was not taken");
    }
    rig.origin.cache = Cache::new(backline_cache::Config::default(), now).expect("defaults");
    let taken = rig.origin.advance(now, RenditionId(0), edge, edge);
    assert_eq!(taken, Ok(()));
    assert_eq!(rig.origin.edges.len(), 1);
}
