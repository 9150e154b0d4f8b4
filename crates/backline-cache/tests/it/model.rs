//! Random use against a plain model: no token is lost, none comes back twice or wrong, one fetch a document at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use backline_cache::{
    Answer, Body, Cache, Client, Config, Document, Edges, FillId, Fresh, Key, Kind, Output, Point,
    Series, State, Token, Want,
};
use bytes::Bytes;
use proptest::prelude::*;

use crate::rig::{LISTED, Rig};

#[derive(Clone, Debug)]
enum Op {
    Advance {
        rendition: u32,
        by: u64,
    },
    Answer {
        failing: bool,
    },
    AskDocument {
        rendition: u32,
        form: u8,
        ahead: Option<u64>,
        ms: u64,
    },
    AskObject {
        rendition: u32,
        ahead: u64,
        ms: u64,
    },
    Cancel {
        token: u64,
    },
    Finish,
    Keep {
        rendition: u32,
        back: u64,
        ms: u64,
    },
    Move {
        rendition: u32,
        ahead: u64,
    },
    Outdate {
        rendition: u32,
    },
    Poll {
        count: usize,
    },
    Promise {
        rendition: u32,
        ahead: u64,
        ms: u64,
    },
    Publish {
        rendition: u32,
        ahead: u64,
    },
    Retract {
        rendition: u32,
        ahead: u64,
    },
    Sleep {
        ms: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let at = 0..2_u32;
    prop_oneof![
        4 => (at.clone(), 0..3_u64).prop_map(|(rendition, by)| Op::Advance { rendition, by }),
        4 => prop::bool::weighted(0.1).prop_map(|failing| Op::Answer { failing }),
        6 => (at.clone(), 0..2_u8, prop::option::of(0..4_u64), 0..2_000_u64)
            .prop_map(|(rendition, form, ahead, ms)| Op::AskDocument { rendition, form, ahead, ms }),
        6 => (at.clone(), 0..7_u64, 0..2_000_u64)
            .prop_map(|(rendition, ahead, ms)| Op::AskObject { rendition, ahead, ms }),
        2 => (0..100_u64).prop_map(|token| Op::Cancel { token }),
        1 => Just(Op::Finish),
        1 => (at.clone(), 1..9_u64, 0..900_u64).prop_map(|(rendition, back, ms)| Op::Keep { rendition, back, ms }),
        1 => (at.clone(), 0..3_u64).prop_map(|(rendition, ahead)| Op::Move { rendition, ahead }),
        1 => at.clone().prop_map(|rendition| Op::Outdate { rendition }),
        4 => (0..9_usize).prop_map(|count| Op::Poll { count }),
        4 => (at.clone(), 0..4_u64, 0..1_500_u64)
            .prop_map(|(rendition, ahead, ms)| Op::Promise { rendition, ahead, ms }),
        4 => (at.clone(), 0..2_u64).prop_map(|(rendition, ahead)| Op::Publish { rendition, ahead }),
        1 => (at, 0..3_u64).prop_map(|(rendition, ahead)| Op::Retract { rendition, ahead }),
        3 => (0..800_u64).prop_map(|ms| Op::Sleep { ms }),
    ]
}

/// What the caller knows of a request that is held.
#[derive(Clone, Copy, Debug)]
struct Held {
    want: Want,
    deadline_ms: u64,
}

struct Model {
    cache: Cache,
    rig: Rig,
    now_ms: u64,
    /// The next number to publish, of each rendition.
    next: [u64; 2],
    edges: [u64; 2],
    finished: [bool; 2],
    /// Whether the streams may end in this run.
    may_finish: bool,
    held: BTreeMap<Token, Held>,
    fetches: BTreeMap<FillId, (Document, u64)>,
    /// Texts by their bytes: how far they have come, and whether they are the last.
    texts: u64,
    tokens: u64,
}

const fn key(rendition: u32, seq: u64) -> Key {
    Key::new(1, rendition, Kind::Part, seq)
}

/// The bytes of an object name it.
fn bytes_of(key: Key) -> Bytes {
    Bytes::from(format!("{}/{}", key.rendition, key.seq))
}

fn read(body: &Body) -> String {
    String::from_utf8(body.pieces().iter().flatten().copied().collect()).unwrap()
}

impl Model {
    fn new(may_finish: bool) -> Self {
        let rig = Rig::new();
        let mut config = Config::default();
        config.limits.client_waiters = 1_000;
        let cache = Cache::new(config, rig.now).unwrap();
        let (held, fetches) = (BTreeMap::new(), BTreeMap::new());
        let mut model = Self {
            cache,
            rig,
            now_ms: 0,
            next: [10; 2],
            edges: [5; 2],
            finished: [false; 2],
            may_finish,
            held,
            fetches,
            texts: 0,
            tokens: 0,
        };
        for rendition in 0..2 {
            let edge = Point::new(5, 0);
            model
                .cache
                .advance(model.rig.now, 1, rendition, LISTED, edge)
                .unwrap();
        }
        model
    }

    fn after(&self, ms: u64) -> std::time::Instant {
        self.rig.start + Duration::from_millis(self.now_ms + ms)
    }

    #[expect(clippy::too_many_lines, reason = "one arm an operation")]
    fn play(&mut self, op: &Op) {
        let now = self.after(0);
        match *op {
            Op::Advance { rendition, by } => {
                self.edges[rendition as usize] += by;
                self.finished[rendition as usize] &= by == 0;
                let edge = Point::new(self.edges[rendition as usize], 0);
                self.cache.advance(now, 1, rendition, LISTED, edge).unwrap();
            }
            Op::Answer { failing } => self.answer(failing),
            Op::AskDocument {
                rendition,
                form,
                ahead,
                ms,
            } => {
                let document = Document::new(1, rendition, form);
                let edge = self.edges[rendition as usize];
                let after =
                    ahead.map(|ahead| (LISTED, Point::new((edge + ahead).saturating_sub(1), 0)));
                self.ask(Want::Document { document, after }, ms);
            }
            Op::AskObject {
                rendition,
                ahead,
                ms,
            } => {
                let seq = (self.next[rendition as usize] + ahead).saturating_sub(3);
                self.ask(Want::Object(key(rendition, seq)), ms);
            }
            Op::Cancel { token } => {
                self.cache.cancel(now, Token(token));
                self.held.remove(&Token(token));
            }
            Op::Finish if self.may_finish => {
                self.cache.finish(now, 1);
                self.finished = [true; 2];
            }
            Op::Finish => {}
            Op::Keep {
                rendition,
                back,
                ms,
            } => {
                let seq = self.next[rendition as usize].saturating_sub(back);
                self.cache
                    .keep_until(now, key(rendition, seq), self.after(ms));
            }
            Op::Move { rendition, ahead } => {
                let seq = self.next[rendition as usize] + ahead;
                // Whoever waited for the one is content with the other: the model follows.
                let (from, to) = (key(rendition, seq), key(rendition, seq + 1));
                if self.cache.move_promise(now, from, to).is_ok() {
                    for held in self
                        .held
                        .values_mut()
                        .filter(|held| held.want == Want::Object(from))
                    {
                        held.want = Want::Object(to);
                    }
                }
            }
            Op::Outdate { rendition } => self.cache.outdate(now, 1, rendition).unwrap(),
            Op::Poll { count } => {
                for _ in 0..count {
                    self.poll();
                }
            }
            Op::Promise {
                rendition,
                ahead,
                ms,
            } => {
                let key = key(rendition, self.next[rendition as usize] + ahead);
                self.cache.promise(now, key, self.after(ms)).unwrap();
            }
            Op::Publish { rendition, ahead } => {
                let next = &mut self.next[rendition as usize];
                let key = key(rendition, *next + ahead);
                *next += ahead + 1;
                self.cache.publish(now, key, &[bytes_of(key)]).unwrap();
            }
            Op::Retract { rendition, ahead } => {
                let key = key(rendition, self.next[rendition as usize] + ahead);
                self.cache.retract(now, key, 404);
            }
            Op::Sleep { ms } => {
                self.now_ms += ms;
                self.cache.handle_timeout(self.after(0));
            }
        }
    }
}

impl Model {
    fn ask(&mut self, want: Want, ms: u64) {
        self.tokens += 1;
        let (token, deadline_ms) = (Token(self.tokens), self.now_ms + ms);
        let answer = self
            .cache
            .request(self.after(0), want, token, Client(1), self.after(ms));
        match &answer {
            Answer::Held => {
                self.held.insert(token, Held { want, deadline_ms });
            }
            Answer::Expired => assert_eq!(ms, 0),
            Answer::Hit(body) => self.check_body(want, body),
            Answer::Gone | Answer::TooFar | Answer::Unknown => match want {
                Want::Object(key) => {
                    assert!(!matches!(
                        self.cache.state(&key),
                        State::Promised | State::Ready
                    ));
                }
                _ => panic!("{answer:?} for {want:?}"),
            },
            _ => panic!("{answer:?} for {want:?}"),
        }
    }

    fn poll(&mut self) -> bool {
        let output = self.cache.poll_output();
        match &output {
            None => return false,
            Some(Output::Fetch {
                fill,
                want: Want::Document { document, .. },
                ..
            }) => {
                let edge = self.edges[document.rendition as usize];
                assert!(
                    self.fetches.values().all(|(other, _)| other != document),
                    "two fetches of one document"
                );
                self.fetches.insert(*fill, (*document, edge));
            }
            Some(Output::Ready { token, answer, .. }) => {
                let held = self
                    .held
                    .remove(token)
                    .unwrap_or_else(|| panic!("{token:?} was not held"));
                match answer {
                    Answer::Hit(body) => self.check_body(held.want, body),
                    Answer::Expired => match held.want {
                        // A promise may have lapsed before the deadline.
                        Want::Object(_) => {}
                        _ => assert!(held.deadline_ms <= self.now_ms, "early"),
                    },
                    Answer::Retracted(404) => assert!(matches!(held.want, Want::Object(_))),
                    Answer::Failed(502) => assert!(matches!(held.want, Want::Document { .. })),
                    other => panic!("{other:?} for {held:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
        true
    }

    /// Fills the oldest fetch with what was current when it was handed out.
    fn answer(&mut self, failing: bool) {
        let Some((fill, (document, edge))) = self.fetches.pop_first() else {
            return;
        };
        self.texts += 1;
        let text = format!(
            "{}.{} {edge} {}",
            document.rendition, document.form, self.texts
        );
        let fresh = Fresh::new(Bytes::from(text)).with_edge(LISTED, Point::new(edge, 0));
        let result = if failing { Err(502) } else { Ok(fresh) };
        self.cache.fill(self.after(0), fill, result).unwrap();
    }

    fn check_body(&self, want: Want, body: &Body) {
        match want {
            Want::Object(key) => assert_eq!(read(body).as_bytes(), bytes_of(key).as_ref()),
            Want::Document { document, after } => {
                let text = read(body);
                let (name, rest) = text.split_once(' ').unwrap();
                assert_eq!(name, format!("{}.{}", document.rendition, document.form));
                let edge: u64 = rest.split_once(' ').unwrap().0.parse().unwrap();
                let mut edges = Edges::new();
                edges.raise(LISTED, Point::new(edge, 0));
                // A point that is not reached is only forgiven where the stream has ended, be it for a while.
                let reached = after.is_none_or(|(series, point)| edges.reached(series, point));
                assert!(reached || self.may_finish, "{after:?} answered with {text}");
            }
            _ => panic!("{want:?}"),
        }
    }

    /// Nobody waits who need not: everything is taken and every fetch answered.
    fn settle(&mut self) {
        loop {
            while self.poll() {}
            if self.fetches.is_empty() {
                break;
            }
            self.answer(false);
        }
        for (token, held) in &self.held {
            match held.want {
                Want::Object(key) => {
                    assert_eq!(
                        self.cache.state(&key),
                        State::Promised,
                        "{token:?} waits for nothing"
                    );
                }
                Want::Document { document, after } => {
                    let rendition = document.rendition as usize;
                    let (edge, finished) = (
                        Point::new(self.edges[rendition], 0),
                        self.finished[rendition],
                    );
                    let (_, point) = after.unwrap();
                    assert!(
                        point > edge && !finished,
                        "{token:?} waits for {point:?} at {edge:?}"
                    );
                }
                _ => panic!("{held:?}"),
            }
            assert!(held.deadline_ms > self.now_ms, "{token:?} is late");
        }
        assert_eq!(self.cache.stats().waiters, self.held.len() as u64);
    }

    /// At the end of all deadlines everyone has been answered, and nothing wants to be woken for them.
    fn end(&mut self) {
        while !self.held.is_empty() {
            let Some(next) = self.cache.poll_timeout() else {
                panic!("{:?} wait and nothing is due", self.held)
            };
            self.now_ms = u64::try_from((next - self.rig.start).as_millis()).unwrap();
            self.cache.handle_timeout(next);
            self.settle();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_use_agrees_with_the_model(
        ops in prop::collection::vec(op(), 1..200),
        settle_every in 1..20_usize,
        may_finish: bool,
    ) {
        let mut model = Model::new(may_finish);
        for (step, op) in ops.iter().enumerate() {
            model.play(op);
            if step % settle_every == 0 {
                model.settle();
            }
        }
        model.settle();
        model.end();
    }
}

#[test]
fn series_are_told_apart() {
    let mut edges = Edges::new();
    assert!(edges.raise(Series(1), Point::new(1, 0)));
    assert!(!edges.raise(Series(1), Point::new(1, 0)));
    assert!(!edges.reached(Series(0), Point::new(0, 0)));
    assert!(edges.reached(Series(1), Point::new(0, 9)));
}
