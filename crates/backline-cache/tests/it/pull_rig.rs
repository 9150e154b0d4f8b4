//! A pull-through store, a clock that the test moves, and short names.

use std::time::{Duration, Instant};

use backline_cache::pull::{
    Ask, Copy, Failure, Head, Lifetime, Pull, PullAnswer, PullConfig, PullLimits, PullOutput, Read,
    Reader, Taken, Unit,
};
use backline_cache::rules::{Class, Treatment};
use backline_cache::{Client, FillId, Name, Noise, Token};
use bytes::Bytes;

pub(crate) const HOLD_MS: u64 = 5_000;

pub(crate) struct PullRig {
    pub(crate) pull: Pull,
    pub(crate) now: Instant,
    pub(crate) treatment: Treatment,
    tokens: u64,
}

impl PullRig {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut PullConfig)) -> Self {
        let mut config = PullConfig::default();
        change(&mut config);
        let now = crate::rig::epoch();
        Self {
            pull: Pull::new(config, now).unwrap(),
            now,
            treatment: media(),
            tokens: 0,
        }
    }

    pub(crate) fn after(&self, ms: u64) -> Instant {
        self.now + Duration::from_millis(ms)
    }

    pub(crate) fn sleep(&mut self, ms: u64) {
        self.now = self.after(ms);
        self.pull.handle_timeout(self.now);
    }

    pub(crate) fn ask(&mut self, path: &str) -> (Token, PullAnswer) {
        self.ask_as(path, |_| {})
    }

    /// Asks as a client of its own.
    pub(crate) fn ask_as(
        &mut self,
        path: &str,
        change: impl FnOnce(&mut Ask<'_>),
    ) -> (Token, PullAnswer) {
        self.tokens += 1;
        let (name, treatment) = (name(path), self.treatment);
        let mut ask = Ask::new(&name, &treatment);
        change(&mut ask);
        let (token, client) = (Token(self.tokens), Client(1_000 + self.tokens));
        let answer = self
            .pull
            .request(self.now, &ask, token, client, self.after(HOLD_MS));
        (token, answer)
    }

    pub(crate) fn hold(&mut self, path: &str) -> Token {
        let (token, answer) = self.ask(path);
        assert!(matches!(answer, PullAnswer::Held), "{answer:?}");
        token
    }

    pub(crate) fn hold_for(&mut self, path: &str, unit: Unit) -> Token {
        let (token, answer) = self.ask_as(path, |ask| ask.unit = unit);
        assert!(matches!(answer, PullAnswer::Held), "{answer:?}");
        token
    }

    pub(crate) fn hit(&mut self, path: &str) -> Copy {
        copy_of(self.ask(path).1)
    }

    pub(crate) fn outputs(&mut self) -> Vec<PullOutput> {
        std::iter::from_fn(|| self.pull.poll_output()).collect()
    }

    /// Takes what is there and expects answers alone.
    pub(crate) fn ready(&mut self) -> Vec<(Token, PullAnswer)> {
        let ready = |output| match output {
            PullOutput::Ready { token, answer, .. } => Some((token, answer)),
            PullOutput::Stored { .. } => None,
            other => panic!("{other:?} instead of an answer"),
        };
        self.outputs().into_iter().filter_map(ready).collect()
    }

    /// Takes what is there and expects one fetch alone.
    pub(crate) fn fetch(&mut self) -> FillId {
        match self.outputs().as_slice() {
            [PullOutput::Fetch { fill, .. }] => *fill,
            other => panic!("{other:?} instead of one fetch"),
        }
    }

    pub(crate) fn head(&mut self, fill: FillId, head: &Head) -> Taken {
        self.pull.fill_head(self.now, fill, head).unwrap()
    }

    pub(crate) fn bytes(&mut self, fill: FillId, bytes: &[u8]) {
        self.pull
            .fill_bytes(self.now, fill, &Bytes::copy_from_slice(bytes))
            .unwrap();
    }

    pub(crate) fn end(&mut self, fill: FillId) {
        self.pull.fill_end(self.now, fill).unwrap();
    }

    pub(crate) fn fail(&mut self, fill: FillId) {
        self.pull
            .fill_fail(self.now, fill, Failure::Timeout)
            .unwrap();
    }

    /// Answers the one fetch that is wanted.
    pub(crate) fn fill(&mut self, head: &Head, body: &[u8]) {
        let fill = self.fetch();
        assert_eq!(self.head(fill, head), Taken::Store);
        self.bytes(fill, body);
        self.end(fill);
    }

    /// Has an object fetched and stored.
    pub(crate) fn stock(&mut self, path: &str, head: &Head, body: &[u8]) {
        self.hold(path);
        self.fill(head, body);
        assert_eq!(self.ready().len(), 1);
    }

    pub(crate) fn read(&mut self, reader: Reader) -> Read {
        self.pull.read(self.now, reader, u64::MAX)
    }
}

/// Names are short and hold no noise here.
pub(crate) fn name(path: &str) -> Name {
    let (path, query) = path
        .split_once('?')
        .map_or((path, None), |(path, query)| (path, Some(query)));
    Name::new(path, query, &Noise::default(), &PullLimits::default()).unwrap()
}

pub(crate) fn media() -> Treatment {
    let mut media = Treatment::new(Class::Segment, false, Duration::from_secs(2));
    media.disk = false;
    media
}

pub(crate) fn page() -> Treatment {
    Treatment::new(Class::Page, false, Duration::from_secs(2))
}

/// Good for so many seconds, then stale for as many while it is fetched anew and for ten times as many while the
/// origin fails.
pub(crate) fn head(seconds: u64) -> Head {
    let mut lifetime = Lifetime::fresh_for(Duration::from_secs(seconds));
    lifetime.stale_while_revalidate = Duration::from_secs(seconds);
    lifetime.stale_if_error = Duration::from_secs(10 * seconds);
    Head::new(200, lifetime, Bytes::from_static(b"etag: 1"))
}

pub(crate) fn status(status: u16, seconds: u64) -> Head {
    let lifetime = Lifetime::fresh_for(Duration::from_secs(seconds));
    Head::new(status, lifetime, Bytes::new())
}

pub(crate) fn private() -> Head {
    Head::new(200, Lifetime::PRIVATE, Bytes::new())
}

pub(crate) fn copy_of(answer: PullAnswer) -> Copy {
    match answer {
        PullAnswer::Hit(copy) => copy,
        other => panic!("{other:?} instead of a hit"),
    }
}

pub(crate) fn body_of(copy: &Copy) -> Vec<u8> {
    copy.body().unwrap().pieces().concat()
}
