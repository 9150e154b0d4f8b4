//! Any order of calls at a pull-through store.

use crate::Source;
use backline_cache::pull::{
    Ask, Copy, Failure, Freshness, Head, Lifetime, Pull, PullAnswer, PullConfig, PullLimits,
    PullOutput, Purge, Read, Reader, Taken, Unit,
};
use backline_cache::rules::{Class, Treatment};
use backline_cache::{BUDGET_MIN, Client, Error, FillId, Name, Noise, Token};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Longer than any hold, grace or pause.
const LONG: Duration = Duration::from_secs(3600);

/// Whatever is called in whatever order: a held token comes back exactly once unless it is cancelled; one fetch an
/// object is under way; what is served or read is what was fetched under that name, and its end is told only where it
/// is; the budget holds; nobody waits for ever.
///
/// Input: a byte of modes, then calls of a byte and what they need.
pub fn pull_ops(data: &[u8]) {
    let mut source = Source::new(data);
    let mut run = Run::new(source.u8());
    while !source.is_empty() {
        run.step(&mut source);
        let stats = run.pull.stats();
        assert!(
            stats.bytes_held <= run.budget as u64,
            "{} bytes of {}",
            stats.bytes_held,
            run.budget
        );
    }
    run.finish();
}

/// A fetch that was handed out.
#[derive(Clone, Copy, Debug)]
struct Fetch {
    path: u8,
    /// Bytes that were told of its body; `None` before its head.
    told: Option<usize>,
    conditional: bool,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    path: u8,
    position: usize,
    reader: Reader,
}

struct Run {
    pull: Pull,
    budget: usize,
    now: Instant,
    fetches: BTreeMap<FillId, Fetch>,
    held: BTreeMap<Token, u8>,
    /// Fetches that the store has given up, of which it has still to tell.
    lost: BTreeSet<FillId>,
    over: Vec<FillId>,
    readers: BTreeMap<Token, Reading>,
    tokens: u64,
}

impl Run {
    fn new(mode: u8) -> Self {
        let mut config = PullConfig::default();
        config.budget = BUDGET_MIN << (mode >> 6);
        config.seed = u64::from(mode);
        if mode & 1 != 0 {
            config.limits.client_waiters = 3;
            config.limits.fills = 3;
            config.limits.key_waiters = 4;
            config.limits.negatives = 2;
            config.limits.waiters = 8;
            config.limits.hold = Duration::from_millis(400);
        }
        let (budget, now) = (config.budget, Instant::now() + LONG);
        Self {
            pull: Pull::new(config, now).expect("these limits are legal"),
            budget,
            now,
            fetches: BTreeMap::new(),
            held: BTreeMap::new(),
            lost: BTreeSet::new(),
            over: Vec::new(),
            readers: BTreeMap::new(),
            tokens: 0,
        }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(16) {
            0..=3 => self.request(source),
            4 | 5 => self.drain(usize::from(source.below(8))),
            6 => self.head(source),
            7 | 8 => self.bytes(source),
            9 => self.end(source),
            10 | 11 => self.read(source),
            12 => self.cancel(source),
            13 => self.sleep(source),
            14 => self.store(source),
            _ => self.seldom(source),
        }
    }

    fn request(&mut self, source: &mut Source<'_>) {
        let (path, how) = (source.u8() & 15, source.u8());
        let (name, treatment) = (name(path), treatment(how));
        let mut ask = Ask::new(&name, &treatment);
        ask.unit = [Unit::Whole, Unit::Any, Unit::Bytes(700), Unit::Whole][usize::from(how & 3)];
        ask.fresh = match how >> 5 {
            0 => Freshness::Revalidate,
            1 => Freshness::OnlyIfCached,
            _ => Freshness::Any,
        };
        let (token, client) = (Token(self.tokens), Client(u64::from(how >> 2 & 3)));
        self.tokens += 1;
        let deadline = self.now + millis(source);
        match self.pull.request(self.now, &ask, token, client, deadline) {
            PullAnswer::Held => {
                self.held.insert(token, path);
                let again = self.pull.request(self.now, &ask, token, client, deadline);
                assert!(
                    matches!(again, PullAnswer::Refused(_)),
                    "a token is held twice: {again:?}"
                );
            }
            answer => self.check(token, path, &answer),
        }
    }

    fn head(&mut self, source: &mut Source<'_>) {
        let how = source.u8();
        let fetch = self.fetches.iter().find(|(_, fetch)| fetch.told.is_none());
        let Some((
            &fill,
            &Fetch {
                path, conditional, ..
            },
        )) = fetch
        else {
            return;
        };
        if how & 15 == 15 {
            let fresh = self.pull.fill_fresh(self.now, fill, &head(path, how));
            let unknown = matches!(fresh, Err(Error::UnknownFill { .. }));
            assert!(unknown || conditional || matches!(fresh, Err(Error::Unconditional { .. })));
            self.is_over_by(fill, fresh.err().as_ref());
            return;
        }
        let mut head = head(path, how);
        if how & 16 != 0 {
            head.length = Some(content(path).len() as u64);
        }
        match self.pull.fill_head(self.now, fill, &head) {
            Ok(Taken::Store) => {
                if let Some(fetch) = self.fetches.get_mut(&fill) {
                    fetch.told = Some(0);
                }
            }
            Ok(_) => self.is_over(fill),
            Err(error) => {
                assert_eq!(error, Error::UnknownFill { fill });
                self.is_over_by(fill, Some(&error));
            }
        }
    }

    fn bytes(&mut self, source: &mut Source<'_>) {
        let count = usize::from(source.u16());
        let Some((fill, path, told)) = self.growing() else {
            return;
        };
        let whole = content(path);
        let to = (told + count).min(whole.len());
        match self.pull.fill_bytes(self.now, fill, &whole.slice(told..to)) {
            Ok(()) => {
                if let Some(fetch) = self.fetches.get_mut(&fill) {
                    fetch.told = Some(to);
                }
            }
            Err(error) => self.is_over_by(fill, Some(&error)),
        }
    }

    /// A fetch ends as it should when all of it was told, otherwise it fails.
    fn end(&mut self, source: &mut Source<'_>) {
        let how = source.u8();
        if let Some(old) = self.over.last() {
            let again = self.pull.fill_end(self.now, *old);
            assert!(matches!(again, Err(Error::UnknownFill { .. })), "{again:?}");
        }
        let growing = self.growing();
        let next = self.fetches.keys().next().copied();
        let Some(fill) = growing.map(|(fill, ..)| fill).or(next) else {
            return;
        };
        let result = match growing {
            Some((_, path, told)) if how & 3 != 0 && told == content(path).len() => {
                self.pull.fill_end(self.now, fill)
            }
            _ => self.pull.fill_fail(self.now, fill, Failure::Protocol),
        };
        self.is_over_by(fill, result.err().as_ref());
    }

    fn read(&mut self, source: &mut Source<'_>) {
        let (which, how) = (usize::from(source.u8()), source.u8());
        let count = self.readers.len().max(1);
        let Some((&token, reading)) = self.readers.iter_mut().nth(which % count) else {
            return;
        };
        let whole = content(reading.path);
        if how & 15 == 0 {
            reading.position = usize::from(how >> 4) * 500;
            self.pull.seek(reading.reader, reading.position as u64);
        }
        let read = self.pull.read(self.now, reading.reader, u64::MAX);
        match read {
            Read::Bytes(bytes) => {
                let to = reading.position + bytes.len();
                assert!(!bytes.is_empty());
                assert_eq!(Some(&bytes[..]), whole.get(reading.position..to));
                reading.position = to;
            }
            Read::End => {
                assert!(reading.position >= whole.len(), "an end that is none");
                self.leave(token);
            }
            Read::Aborted { .. } => self.leave(token),
            _ => {}
        }
    }

    fn leave(&mut self, token: Token) {
        if let Some(reading) = self.readers.remove(&token) {
            self.pull.leave(self.now, reading.reader);
        }
    }

    fn cancel(&mut self, source: &mut Source<'_>) {
        let token = Token(u64::from(source.u8()) % (self.tokens + 1));
        self.pull.cancel(self.now, token);
        self.held.remove(&token);
        self.readers.remove(&token);
        self.pull.cancel(self.now, token);
    }

    fn sleep(&mut self, source: &mut Source<'_>) {
        self.now += match source.below(4) {
            0 => Duration::from_secs(u64::from(source.u8())),
            _ => millis(source),
        };
        self.pull.handle_timeout(self.now);
        let due = self.pull.poll_timeout();
        assert!(due.is_none_or(|due| due > self.now), "it does not end");
    }

    fn store(&mut self, source: &mut Source<'_>) {
        let (path, how) = (source.u8() & 15, source.u8());
        self.pull
            .insert(
                self.now,
                &name(path),
                &head(path, how | 8),
                &content(path),
                &treatment(how),
            )
            .ok();
    }

    fn seldom(&mut self, source: &mut Source<'_>) {
        let (what, path) = (source.below(8), source.u8() & 15);
        let name = name(path);
        match what {
            0 => {
                self.pull.purge(self.now, Purge::All);
            }
            1 => {
                self.pull.purge(self.now, Purge::Name(&name));
            }
            2 => {
                self.pull.purge(self.now, Purge::Prefix("/1"));
            }
            3 => {
                self.pull.pin(self.now, &name).ok();
            }
            4 => {
                self.pull.unpin(self.now, &name);
            }
            5 => self.pull.set_uplink(self.now, path & 1 == 0),
            _ => {
                self.pull
                    .prefetch(self.now, &name, 0, &treatment(path))
                    .ok();
            }
        }
    }

    fn drain(&mut self, count: usize) {
        for _ in 0..count {
            let Some(output) = self.pull.poll_output() else {
                let waiting = self.held.len() + self.readers.len();
                assert_eq!(self.pull.stats().waiters, waiting as u64);
                return;
            };
            match output {
                PullOutput::Abandon { fill, .. } => {
                    self.lost.remove(&fill);
                    self.is_over(fill);
                }
                PullOutput::Fetch {
                    fill,
                    name,
                    revalidate,
                    ..
                } => {
                    let path = number(&name);
                    assert!(
                        self.fetches.values().all(|other| other.path != path),
                        "{name} is fetched twice"
                    );
                    let conditional = revalidate.is_some();
                    let fetch = Fetch {
                        path,
                        told: None,
                        conditional,
                    };
                    self.fetches.insert(fill, fetch);
                }
                PullOutput::Readable { token, .. } => {
                    assert!(self.readers.contains_key(&token), "{token:?} does not read");
                }
                PullOutput::Ready { token, answer, .. } => {
                    let path = self.held.remove(&token).expect("who is answered waits");
                    assert!(!matches!(answer, PullAnswer::Held | PullAnswer::Refused(_)));
                    self.check(token, path, &answer);
                }
                PullOutput::Stored { name, copy, .. } => whole(&copy, number(&name)),
                _ => {}
            }
        }
    }

    /// A hit is what was asked for; one that grows is read from now on.
    fn check(&mut self, token: Token, path: u8, answer: &PullAnswer) {
        let PullAnswer::Hit(copy) = answer else {
            return;
        };
        match copy.reader() {
            Some(reader) => {
                let reading = Reading {
                    path,
                    position: 0,
                    reader,
                };
                self.readers.insert(token, reading);
            }
            None => whole(copy, path),
        }
    }

    fn growing(&self) -> Option<(FillId, u8, usize)> {
        self.fetches
            .iter()
            .find_map(|(&fill, fetch)| Some((fill, fetch.path, fetch.told?)))
    }

    /// A fetch that is not known any more was given up: the store has still to say so.
    fn is_over_by(&mut self, fill: FillId, error: Option<&Error>) {
        if let Some(Error::UnknownFill { .. }) = error {
            self.lost.insert(fill);
        }
        self.is_over(fill);
    }

    fn is_over(&mut self, fill: FillId) {
        self.fetches.remove(&fill);
        self.over.push(fill);
    }

    /// Lets everything come to its end: nobody waits for ever.
    fn finish(mut self) {
        self.drain(usize::MAX);
        for token in self.readers.keys().copied().collect::<Vec<_>>() {
            self.leave(token);
        }
        for _ in 0..3 {
            self.now += LONG;
            self.pull.handle_timeout(self.now);
            self.drain(usize::MAX);
        }
        assert!(self.held.is_empty(), "{:?} never came back", self.held);
        assert!(self.lost.is_empty(), "{:?} were never given up", self.lost);
        assert_eq!(self.pull.stats().waiters, 0);
        for fill in self.fetches.keys().copied().collect::<Vec<_>>() {
            self.pull
                .fill_fail(self.now, fill, Failure::Timeout)
                .expect("a fetch that was not abandoned is under way");
        }
        self.pull.purge(self.now, Purge::All);
        let stats = self.pull.stats();
        assert_eq!((stats.entries, stats.fills, stats.pinned_bytes), (0, 0, 0));
    }
}

/// The bytes follow from the name; some press others out of the budget.
fn content(path: u8) -> Bytes {
    let size = match path % 8 {
        7 => 200_000,
        size => 1 + 1_700 * usize::from(size),
    };
    let bytes = (0..size).map(|index| (index / 7) as u8 ^ path);
    bytes.collect::<Vec<u8>>().into()
}

fn whole(copy: &Copy, path: u8) {
    let body = copy.body().expect("it is whole");
    assert_eq!(body.pieces().concat(), content(path), "of {path}");
}

fn name(path: u8) -> Name {
    let noise = Noise::default();
    Name::new(&format!("/{path}"), None, &noise, &PullLimits::default()).expect("it is short")
}

fn number(name: &Name) -> u8 {
    name.as_str()[1..].parse().expect("it is a number")
}

fn treatment(how: u8) -> Treatment {
    let class = Class::ALL[usize::from(how) % Class::ALL.len()];
    let mut treatment = Treatment::new(class, false, Duration::from_secs(2));
    treatment.pin = how & 0xF0 == 0x10;
    treatment.bypass = how & 0xF0 == 0x20;
    treatment
}

fn head(path: u8, how: u8) -> Head {
    let mut lifetime = Lifetime::fresh_for(Duration::from_secs(u64::from(how >> 5)));
    lifetime.store = how & 7 != 0;
    lifetime.stale_if_error = Duration::from_secs(u64::from(how & 4));
    lifetime.stale_while_revalidate = Duration::from_secs(u64::from(how & 2));
    let status = [200, 200, 404, 200, 503, 200, 200, 200][usize::from(how & 7)];
    Head::new(status, lifetime, Bytes::from(vec![path; usize::from(how)]))
}

fn millis(source: &mut Source<'_>) -> Duration {
    Duration::from_millis(u64::from(source.u8()) * 8)
}
