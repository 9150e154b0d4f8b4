//! Any order of calls.

use crate::Source;
use backline_cache::{
    Answer, BUDGET_MIN, Body, Cache, Client, Config, Document, Error, FillId, Fresh, Key, Kind,
    Output, Point, Series, Token, Want,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Longer than any hold.
const LONG: Duration = Duration::from_secs(3600);

/// Whatever is called in whatever order: a held token comes back exactly once unless it is cancelled, with the bytes
/// that were asked for; one fetch a document is under way; the budget holds.
///
/// Input: a byte of modes, then calls of a byte and what they need.
pub fn cache_ops(data: &[u8]) {
    let mut source = Source::new(data);
    let mode = source.u8();
    let mut run = Run::new(mode);
    while !source.is_empty() {
        run.step(&mut source);
        let stats = run.cache.stats();
        assert!(
            stats.bytes_held <= run.budget as u64,
            "{} bytes of {}",
            stats.bytes_held,
            run.budget
        );
    }
    run.finish();
}

/// A request that is held.
#[derive(Debug)]
struct Held {
    want: Want,
    deadline: Instant,
}

struct Run {
    cache: Cache,
    budget: usize,
    hold: Duration,
    now: Instant,
    /// The latest time that was ever given.
    latest: Instant,
    held: BTreeMap<Token, Held>,
    fetches: BTreeMap<FillId, Document>,
    answered: Vec<FillId>,
    /// How far each rendition's series have come.
    edges: BTreeMap<(u32, u32, Series), Point>,
    /// A stream was over once: those who waited then got the last version.
    finished: bool,
    tokens: u64,
    woken: u64,
}

impl Run {
    fn new(mode: u8) -> Self {
        let mut config = Config::default();
        config.budget = BUDGET_MIN << (mode >> 6);
        if mode & 1 != 0 {
            config.limits.client_waiters = 3;
            config.limits.forms = 2;
            config.limits.key_waiters = 4;
            config.limits.points = 2;
            config.limits.renditions = 3;
            config.limits.slots = 4;
            config.limits.waiters = 8;
            config.limits.hold = Duration::from_millis(400);
        }
        config.seed = u64::from(mode);
        let (budget, hold) = (config.budget, config.limits.hold);
        let now = Instant::now() + LONG;
        let cache = Cache::new(config, now).expect("these limits are legal");
        Self {
            cache,
            budget,
            hold,
            now,
            latest: now,
            held: BTreeMap::new(),
            fetches: BTreeMap::new(),
            answered: Vec::new(),
            edges: BTreeMap::new(),
            finished: false,
            tokens: 0,
            woken: 0,
        }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(16) {
            0..=2 => self.publish(source),
            3 => {
                let (key, by) = (key(source), self.now + millis(source));
                self.cache.promise(self.now, key, by).ok();
            }
            4 => self.cache.retract(self.now, key(source), 404),
            5 => {
                let (key, until) = (key(source), self.now + millis(source));
                self.cache.keep_until(self.now, key, until);
            }
            6 => {
                let (from, to) = (key(source), key(source));
                // Whoever has his answer already does not move.
                self.drain(usize::MAX);
                if self.cache.move_promise(self.now, from, to).is_ok() {
                    self.follow(from, to);
                }
            }
            7 | 8 => self.advance(source),
            9 | 10 => self.request(source),
            11 => {
                let token = Token(u64::from(source.u8()) % (self.tokens + 1));
                self.cache.cancel(self.now, token);
                self.held.remove(&token);
                self.cache.cancel(self.now, token);
            }
            12 => self.drain(usize::from(source.below(8))),
            13 => self.fill(source),
            14 => self.sleep(source),
            _ => self.seldom(source),
        }
    }

    fn publish(&mut self, source: &mut Source<'_>) {
        let key = key(source);
        if key.kind == Kind::Segment && source.u8() & 1 == 0 {
            let first = u64::from(source.below(32));
            let parts: Vec<Key> = (first..first + u64::from(source.below(4)))
                .map(|seq| Key {
                    kind: Kind::Part,
                    seq,
                    ..key
                })
                .collect();
            // A segment of parts is not the bytes that its own name stands for.
            if self.cache.publish_rope(self.now, key, &parts).is_ok() {
                let expected: Vec<u8> = parts
                    .iter()
                    .flat_map(|part| content(*part).to_vec())
                    .collect();
                let body = self.cache.get(&key).map(read);
                assert!(
                    body.is_none_or(|body| body == expected),
                    "{key:?} is not its parts"
                );
                // Whoever waits for it gets something else than the model expects.
                self.forget(key);
            }
            return;
        }
        let whole = content(key);
        let cut = usize::from(source.u8()).min(whole.len());
        let pieces = [whole.slice(..cut), whole.slice(cut..)];
        match self.cache.publish(self.now, key, &pieces) {
            Ok(()) => {
                let body = self.cache.get(&key).expect("what was published is stored");
                assert_eq!(read(body), whole);
            }
            Err(Error::Empty { .. }) => panic!("it has bytes"),
            Err(_) => {}
        }
    }

    /// Whoever waits for `from` waits for `to` now.
    fn follow(&mut self, from: Key, to: Key) {
        for held in self.held.values_mut() {
            if matches!(held.want, Want::Object(wanted) if wanted == from) {
                held.want = Want::Object(to);
            }
        }
    }

    /// Takes out whoever waits for `key`; what he gets is not looked at.
    fn forget(&mut self, key: Key) {
        let tokens: Vec<Token> = self
            .held
            .iter()
            .filter(|(_, held)| matches!(held.want, Want::Object(wanted) if wanted == key))
            .map(|(token, _)| *token)
            .collect();
        for token in tokens {
            self.cache.cancel(self.now, token);
            self.held.remove(&token);
        }
    }

    fn advance(&mut self, source: &mut Source<'_>) {
        let (stream, rendition) = family(source);
        let series = Series(source.below(3));
        let point = Point::new(u64::from(source.below(16)), u64::from(source.below(8)));
        if self
            .cache
            .advance(self.now, stream, rendition, series, point)
            .is_ok()
        {
            let edge = self
                .edges
                .entry((stream, rendition, series))
                .or_insert(point);
            *edge = point.max(*edge);
        }
    }

    fn request(&mut self, source: &mut Source<'_>) {
        let want = if source.u8() & 1 == 0 {
            Want::Object(key(source))
        } else {
            let (stream, rendition) = family(source);
            let document = Document::new(stream, rendition, source.below(4));
            match source.below(3) {
                0 => Want::current(document),
                series => {
                    let point =
                        Point::new(u64::from(source.below(20)), u64::from(source.below(10)));
                    Want::reached(document, Series(series - 1), point)
                }
            }
        };
        let token = Token(self.tokens);
        self.tokens += 1;
        let deadline = self.latest.max(self.now) + millis(source).min(self.hold);
        let client = Client(u64::from(source.below(4)));
        match self.cache.request(self.now, want, token, client, deadline) {
            Answer::Held => {
                self.held.insert(token, Held { want, deadline });
                // A token that waits cannot wait twice, and nothing changes for the first.
                let again = self.cache.request(self.now, want, token, client, deadline);
                assert!(!matches!(again, Answer::Held), "a token is held twice");
            }
            answer => self.check(want, &answer),
        }
    }

    fn fill(&mut self, source: &mut Source<'_>) {
        let how = source.u8();
        if let Some(old) = self.answered.last() {
            let again = self.cache.fill(self.now, *old, Err(500));
            assert!(
                matches!(again, Err(Error::UnknownFill { .. })),
                "a fetch is answered twice: {again:?}"
            );
        }
        let Some((fill, document)) = self.fetches.pop_first() else {
            return;
        };
        let result = if how & 7 == 7 {
            Err(502)
        } else {
            Ok(self.render(document, how))
        };
        self.cache.fill(self.now, fill, result).ok();
        self.answered.push(fill);
    }

    /// A document that says which it is and how far its series have come.
    fn render(&self, document: Document, how: u8) -> Fresh {
        let edge = |series: u8| {
            self.edges
                .get(&(document.stream, document.rendition, Series(series)))
                .copied()
        };
        let mut text = format!(
            "{}/{}/{}",
            document.stream, document.rendition, document.form
        );
        for series in 0..3 {
            let point = edge(series);
            text += &point.map_or_else(
                || "|-".to_owned(),
                |point| format!("|{}.{}", point.major, point.minor),
            );
        }
        text += &format!("|{}", self.finished);
        let gzip = (how & 1 != 0).then(|| Bytes::from_static(b"packed"));
        let mut fresh = Fresh::new(Bytes::from(text)).with_gzip(gzip);
        for series in 0..3 {
            if let Some(point) = edge(series) {
                fresh = fresh.with_edge(Series(series), point);
            }
        }
        fresh
    }

    fn sleep(&mut self, source: &mut Source<'_>) {
        match source.below(4) {
            0 => {
                let back = millis(source);
                self.now = self.now.checked_sub(back).unwrap_or(self.now);
            }
            1 => {
                self.now = self
                    .cache
                    .poll_timeout()
                    .map_or(self.now, |due| due.max(self.now))
            }
            _ => self.now += millis(source),
        }
        self.latest = self.latest.max(self.now);
        self.cache.handle_timeout(self.now);
        let due = self.cache.poll_timeout();
        assert!(
            due.is_none_or(|due| due > self.now),
            "a timeout that does not end"
        );
    }

    fn seldom(&mut self, source: &mut Source<'_>) {
        let (stream, rendition) = family(source);
        match source.below(4) {
            0 => {
                self.cache.forget(self.now, stream);
                self.edges.retain(|(of, ..), _| *of != stream);
                self.fetches.retain(|_, document| document.stream != stream);
            }
            1 => {
                self.cache.finish(self.now, stream);
                self.finished = true;
            }
            _ => {
                self.cache.outdate(self.now, stream, rendition).ok();
            }
        }
    }

    fn drain(&mut self, count: usize) {
        for _ in 0..count {
            match self.cache.poll_output() {
                None => {
                    assert_eq!(self.cache.stats().waiters, self.held.len() as u64);
                    let due = self.cache.poll_timeout().is_some();
                    assert!(due || self.held.is_empty(), "somebody waits for ever");
                    return;
                }
                Some(Output::Fetch { fill, want, .. }) => {
                    let Want::Document { document, .. } = want else {
                        panic!("{want:?} is fetched")
                    };
                    assert!(
                        self.fetches.values().all(|other| *other != document),
                        "{document:?} is fetched twice"
                    );
                    self.fetches.insert(fill, document);
                }
                Some(Output::Ready { token, answer, .. }) => {
                    let held = self
                        .held
                        .remove(&token)
                        .unwrap_or_else(|| panic!("{token:?} does not wait"));
                    self.woken += 1;
                    assert!(
                        !matches!(answer, Answer::Held | Answer::Refused(_)),
                        "{answer:?} is no end of a wait"
                    );
                    // A promise may lapse before the request does.
                    if answer == Answer::Expired && !matches!(held.want, Want::Object(_)) {
                        assert!(self.latest >= held.deadline, "{token:?} expired too early");
                    }
                    self.check(held.want, &answer);
                }
                Some(_) => {}
            }
        }
    }

    /// A hit is what was asked for.
    fn check(&self, want: Want, answer: &Answer) {
        let Answer::Hit(body) = answer else { return };
        match want {
            Want::Object(key) if key.kind == Kind::Segment => assert!(body.len() > 0),
            Want::Object(key) => assert_eq!(read(body), content(key), "{key:?}"),
            Want::Document { document, after } => {
                let text = String::from_utf8(read(body)).expect("it was text");
                let mut fields = text.split('|');
                let name = format!(
                    "{}/{}/{}",
                    document.stream, document.rendition, document.form
                );
                assert_eq!(fields.next(), Some(name.as_str()));
                let edges: Vec<&str> = fields.collect();
                let Some((series, point)) = after else { return };
                let edge = edges
                    .get(usize::from(series.0))
                    .and_then(|edge| edge.split_once('.'));
                let edge = edge.map(|(major, minor)| Point::new(number(major), number(minor)));
                assert!(
                    edge.is_some_and(|edge| edge >= point)
                        || edges.last() == Some(&"true")
                        || self.finished,
                    "{text} does not reach {point:?}"
                );
            }
            _ => {}
        }
    }

    /// Lets everything come to its end: nobody waits for ever.
    fn finish(mut self) {
        for _ in 0..3 {
            self.drain(usize::MAX);
            self.now += LONG;
            self.latest = self.latest.max(self.now);
            self.cache.handle_timeout(self.now);
        }
        self.drain(usize::MAX);
        assert!(self.held.is_empty(), "{:?} never came back", self.held);
        assert_eq!(self.cache.stats().waiters, 0);
        assert_eq!(self.cache.stats().woken, self.woken);
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("it was a number")
}

fn millis(source: &mut Source<'_>) -> Duration {
    Duration::from_millis(u64::from(source.u8()) * 8)
}

fn family(source: &mut Source<'_>) -> (u32, u32) {
    let byte = source.u8();
    (u32::from(byte & 1), u32::from(byte >> 1 & 3))
}

fn key(source: &mut Source<'_>) -> Key {
    let (stream, rendition) = family(source);
    let byte = source.u8();
    let kind = [Kind::Init, Kind::Part, Kind::Segment, Kind::Part][usize::from(byte >> 6)];
    Key::new(stream, rendition, kind, u64::from(byte & 0x3F))
}

/// The bytes of an object follow from its name; some are large enough to press others out of the budget.
fn content(key: Key) -> Bytes {
    let size = match key.seq % 8 {
        7 => 200_000,
        seq => 1 + 900 * seq as usize,
    };
    let mark = (key.seq * 8 + u64::from(key.rendition * 2 + key.stream)) as u8;
    Bytes::from(vec![mark; size])
}

fn read(body: &Body) -> Vec<u8> {
    body.pieces().concat()
}
