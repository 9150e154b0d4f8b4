//! A cache, a clock that the test moves, and short names.

use std::time::{Duration, Instant};

use backline_cache::{
    Answer, Body, Cache, Client, Config, Document, FillId, Fresh, Key, Kind, Output, Point, Series,
    Token, Via, Want,
};
use bytes::Bytes;

pub(crate) const LISTED: Series = Series(0);
pub(crate) const CLOSED: Series = Series(1);
/// The playlist in full, and as a delta.
pub(crate) const FULL: Document = Document::new(1, 0, 0);
pub(crate) const DELTA: Document = Document::new(1, 0, 1);
/// A hold that is longer than any test waits by accident.
pub(crate) const HOLD_MS: u64 = 5_000;

pub(crate) struct Rig {
    pub(crate) cache: Cache,
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    tokens: u64,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let start = epoch();
        Self {
            cache: Cache::new(config, start).unwrap(),
            now: start,
            start,
            tokens: 0,
        }
    }

    pub(crate) fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    pub(crate) fn after(&self, ms: u64) -> Instant {
        self.now + Duration::from_millis(ms)
    }

    pub(crate) fn sleep(&mut self, ms: u64) {
        self.now = self.after(ms);
        self.cache.handle_timeout(self.now);
    }

    pub(crate) fn promise(&mut self, key: Key) {
        self.cache
            .promise(self.now, key, self.after(60_000))
            .unwrap();
    }

    pub(crate) fn publish(&mut self, key: Key, len: usize) -> Body {
        self.cache
            .publish(self.now, key, &[Bytes::from(vec![7; len])])
            .unwrap();
        self.cache.get(&key).unwrap().clone()
    }

    pub(crate) fn advance(&mut self, series: Series, major: u64, minor: u64) {
        self.cache
            .advance(self.now, 1, 0, series, Point::new(major, minor))
            .unwrap();
    }

    /// Asks as a client of its own.
    pub(crate) fn ask(&mut self, want: Want) -> (Token, Answer) {
        self.tokens += 1;
        let (token, deadline) = (Token(self.tokens), self.after(HOLD_MS));
        let answer =
            self.cache
                .request(self.now, want, token, Client(1_000 + self.tokens), deadline);
        (token, answer)
    }

    pub(crate) fn hold(&mut self, want: Want) -> Token {
        let (token, answer) = self.ask(want);
        assert_eq!(answer, Answer::Held);
        token
    }

    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.cache.poll_output()).collect()
    }

    /// Takes what is there and expects answers alone.
    pub(crate) fn ready(&mut self) -> Vec<(Token, Answer)> {
        let ready = |output| match output {
            Output::Ready { token, answer, .. } => (token, answer),
            other => panic!("{other:?} instead of an answer"),
        };
        self.outputs().into_iter().map(ready).collect()
    }

    /// Takes what is there and expects one fetch alone.
    pub(crate) fn fetch(&mut self) -> (FillId, Want) {
        match self.outputs().as_slice() {
            [Output::Fetch { fill, want, .. }] => (*fill, *want),
            other => panic!("{other:?} instead of one fetch"),
        }
    }

    /// Expects one fetch and fills it with a text that has come to `major.minor`.
    pub(crate) fn fetch_and_fill(&mut self, major: u64, minor: u64) {
        let (fill, _) = self.fetch();
        self.cache
            .fill(self.now, fill, Ok(text(major, minor)))
            .unwrap();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "virtual time has to start somewhere"
)]
pub(crate) fn epoch() -> Instant {
    Instant::now()
}

pub(crate) const fn part(seq: u64) -> Key {
    Key::new(1, 0, Kind::Part, seq)
}

pub(crate) const fn segment(seq: u64) -> Key {
    Key::new(1, 0, Kind::Segment, seq)
}

pub(crate) fn text(major: u64, minor: u64) -> Fresh {
    Fresh::new(Bytes::from(format!("#EXTM3U {major}.{minor}")))
        .with_edge(LISTED, Point::new(major, minor))
        .with_edge(CLOSED, Point::new(major, 0))
}

pub(crate) const fn listed(major: u64, minor: u64) -> Want {
    Want::reached(FULL, LISTED, Point::new(major, minor))
}

pub(crate) fn body_of(answer: &Answer) -> &Body {
    match answer {
        Answer::Hit(body) => body,
        other => panic!("{other:?} instead of a hit"),
    }
}

pub(crate) fn read(answer: &Answer) -> String {
    let bytes: Vec<u8> = body_of(answer).pieces().iter().flatten().copied().collect();
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn vias(outputs: &[Output]) -> Vec<Via> {
    let via = |output: &Output| match output {
        Output::Ready { via, .. } => Some(*via),
        _ => None,
    };
    outputs.iter().filter_map(via).collect()
}
