//! The budget of the pull-through store: what is really allocated, and who goes first.

use std::time::Duration;

use allocation_counter::measure;
use backline_cache::pull::{
    Ask, Failure, Head, Lifetime, Pull, PullAnswer, PullConfig, PullOutput, PullState, Purge,
    Reader, Unit,
};
use backline_cache::rules::{Class, Treatment};
use backline_cache::{BUDGET_MIN, Client, Error, FillId, Token};
use bytes::Bytes;
use proptest::prelude::*;

use crate::pull_rig::{PullRig, head, media, name, page, status};

/// Bytes that are there for the whole run, so that a call's allocations are the store's own.
static SOURCE: [u8; 256 << 10] = [7; 256 << 10];

fn small() -> PullRig {
    PullRig::with(|config| config.budget = BUDGET_MIN)
}

fn stored(rig: &PullRig, path: &str) -> bool {
    !matches!(rig.pull.state(&name(path), 0), PullState::Absent)
}

/// BUD-4: what is good for nobody, then what nobody asked for, then pages, then media.
#[test]
fn bud_4_shedding_order() {
    let mut rig = PullRig::with(|config| {
        config.budget = BUDGET_MIN;
        config.small_percent = 0;
    });
    let body = &SOURCE[..100 << 10];
    rig.stock("/media", &head(100), body);
    rig.treatment = page();
    rig.stock("/page", &head(100), body);
    rig.treatment = media();
    let (treatment, ahead) = (rig.treatment, name("/ahead"));
    rig.pull.prefetch(rig.now, &ahead, 0, &treatment).unwrap();
    rig.fill(&head(100), body);
    rig.outputs();
    rig.stock("/spent", &status(200, 0), body);
    let mut gone = Vec::new();
    for index in 0..9 {
        rig.stock(&format!("/new{index}"), &head(100), body);
        for path in ["/media", "/page", "/ahead", "/spent"] {
            if !stored(&rig, path) && !gone.contains(&path) {
                gone.push(path);
            }
        }
    }
    assert_eq!(gone, ["/spent", "/ahead", "/page", "/media"]);
}

/// Pages keep a small share that media do not press out.
#[test]
fn bud_4_pages_keep_their_share() {
    let mut rig = PullRig::with(|config| {
        config.budget = BUDGET_MIN;
        config.small_percent = 10;
    });
    rig.treatment = page();
    rig.stock("/page", &head(100), b"page");
    rig.treatment = media();
    for index in 0..20 {
        rig.stock(&format!("/{index}"), &head(100), &SOURCE[..100 << 10]);
    }
    assert!(stored(&rig, "/page"));
}

/// BUD-4: pinned things stay, and are a quarter at most.
#[test]
fn bud_4_pins_stay_and_are_a_quarter() {
    let mut rig = small();
    rig.treatment.pin = true;
    rig.stock("/slate", &head(100), &SOURCE[..100 << 10]);
    rig.treatment.pin = false;
    for index in 0..30 {
        rig.stock(&format!("/{index}"), &head(100), &SOURCE[..100 << 10]);
    }
    assert!(stored(&rig, "/slate"));
    // So long after its time it stays all the same.
    rig.sleep(3_600_000);
    assert!(stored(&rig, "/slate"));
    rig.stock("/large", &head(100), &SOURCE[..200 << 10]);
    let error = rig.pull.pin(rig.now, &name("/large"));
    assert!(matches!(error, Err(Error::PinShare { .. })), "{error:?}");
    assert!(rig.pull.unpin(rig.now, &name("/slate")));
    assert_eq!(rig.pull.stats().pinned_bytes, 0);
    rig.pull.pin(rig.now, &name("/large")).unwrap();
}

/// Scans for what does not exist press nothing else out.
#[test]
fn errors_are_capped_in_number_and_bytes() {
    let mut rig = PullRig::with(|config| {
        config.limits.negatives = 5;
        config.limits.new_names = 1_000;
    });
    rig.stock("/page", &head(100), b"page");
    for index in 0..50 {
        rig.stock(&format!("/{index}"), &status(404, 100), b"no");
    }
    assert_eq!(rig.pull.stats().entries, 6);
    assert!(stored(&rig, "/49") && !stored(&rig, "/44"));
    let mut rig = small();
    for index in 0..50 {
        rig.stock(&format!("/{index}"), &status(404, 100), &SOURCE[..30 << 10]);
    }
    assert!(rig.pull.stats().entries <= 2);
}

/// BUD-2: what is announced is set aside before it comes; more than fits goes past the store.
#[test]
fn bud_2_announced_bytes_are_set_aside() {
    let mut rig = small();
    rig.hold("/s1.m4s");
    let fill = rig.fetch();
    let before = rig.pull.stats().bytes_held;
    let mut announced = head(10);
    announced.length = Some(300 << 10);
    rig.head(fill, &announced);
    assert!(rig.pull.stats().bytes_held >= before + (300 << 10));
    rig.hold("/s2.m4s");
    let second = rig.fetch();
    assert_eq!(
        rig.head(second, &announced),
        backline_cache::pull::Taken::Pass
    );
    rig.fail(fill);
    assert!(rig.pull.stats().bytes_held < before + (8 << 10));
}

/// A body of unknown length that does not fit ends in an abort, and its viewers go on their own.
#[test]
fn bud_2_body_that_outgrows_the_budget() {
    let mut rig = small();
    rig.hold_for("/s1.m4s", Unit::Any);
    let fill = rig.fetch();
    rig.head(fill, &head(10));
    let piece = Bytes::from_static(&SOURCE);
    let error = (0..8).find_map(|_| rig.pull.fill_bytes(rig.now, fill, &piece).err());
    assert!(matches!(error, Some(Error::Budget { .. })), "{error:?}");
    rig.outputs();
    assert!(matches!(rig.ask("/s1.m4s").1, PullAnswer::Pass));
}

#[derive(Clone, Debug)]
enum Op {
    Ask {
        path: u8,
        unit: u8,
        client: u64,
    },
    Bytes {
        fill: usize,
        len: usize,
    },
    Cancel {
        token: u64,
    },
    Drain,
    End {
        fill: usize,
        how: u8,
    },
    Head {
        fill: usize,
        status: u16,
        length: u32,
        store: u8,
        vary: u8,
    },
    Insert {
        path: u8,
        len: usize,
    },
    Pin {
        path: u8,
    },
    Purge {
        path: u8,
    },
    Read {
        reader: usize,
        from: u64,
    },
    Sleep {
        ms: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let (path, fill) = (0..40_u8, 0..8_usize);
    prop_oneof![
        6 => (path.clone(), 0..3_u8, 0..30_u64)
            .prop_map(|(path, unit, client)| Op::Ask { path, unit, client }),
        6 => (fill.clone(), 1..100_usize << 10).prop_map(|(fill, len)| Op::Bytes { fill, len }),
        3 => (fill.clone(), 1..300_usize).prop_map(|(fill, len)| Op::Bytes { fill, len }),
        1 => (0..300_u64).prop_map(|token| Op::Cancel { token }),
        4 => Just(Op::Drain),
        3 => (fill.clone(), 0..8_u8).prop_map(|(fill, how)| Op::End { fill, how }),
        5 => (fill, prop::sample::select(vec![200_u16, 404, 503]), 0..200_000_u32, 0..9_u8, 0..9_u8)
            .prop_map(|(fill, status, length, store, vary)| {
                Op::Head { fill, status, length, store, vary }
            }),
        1 => (path.clone(), 1..200_usize << 10).prop_map(|(path, len)| Op::Insert { path, len }),
        1 => path.clone().prop_map(|path| Op::Pin { path }),
        1 => path.prop_map(|path| Op::Purge { path }),
        3 => (0..8_usize, 0..100_000_u64).prop_map(|(reader, from)| Op::Read { reader, from }),
        2 => (0..4_000_u64).prop_map(|ms| Op::Sleep { ms }),
    ]
}

/// A store under random use. What the driver keeps is set aside beforehand.
struct Run {
    pull: Pull,
    rig: PullRig,
    fills: Vec<FillId>,
    readers: Vec<Reader>,
    names: Vec<backline_cache::Name>,
    pages: [Treatment; 2],
    outputs: Vec<PullOutput>,
    token: u64,
}

impl Run {
    fn fill(&self, index: usize) -> Option<FillId> {
        self.fills.get(index % self.fills.len().max(1)).copied()
    }

    fn head(status: u16, length: u32, store: u8, vary: u8) -> Head {
        let mut lifetime = Lifetime::fresh_for(Duration::from_millis(u64::from(store) * 700));
        lifetime.store = store != 1;
        lifetime.stale_if_error = Duration::from_secs(2);
        lifetime.stale_while_revalidate = Duration::from_secs(u64::from(store & 1));
        let mut head = Head::new(status, lifetime, Bytes::from_static(&SOURCE[..200]));
        head.length = (length & 3 != 0).then_some(length.into());
        if vary == 0 {
            (head.vary, head.variant) = (Some(Bytes::from_static(b"cookie")), 9);
        }
        head
    }

    fn play(&mut self, op: &Op) {
        let now = self.rig.now;
        match *op {
            Op::Ask { path, unit, client } => {
                self.token += 1;
                let name = &self.names[usize::from(path)];
                let mut ask = Ask::new(name, &self.pages[usize::from(path & 1)]);
                ask.unit = [Unit::Whole, Unit::Any, Unit::Bytes(1_000)][usize::from(unit)];
                let until = self.rig.after(1_500);
                let answer = self
                    .pull
                    .request(now, &ask, Token(self.token), Client(client), until);
                if let PullAnswer::Hit(copy) = answer {
                    self.readers.extend(copy.reader());
                }
            }
            Op::Bytes { fill, len } => {
                let bytes = Bytes::from_static(&SOURCE[..len]);
                self.fill(fill)
                    .map(|fill| self.pull.fill_bytes(now, fill, &bytes).ok());
            }
            Op::Cancel { token } => self.pull.cancel(now, Token(token)),
            Op::Drain => self.drain(),
            Op::End { fill, how } => {
                let Some(fill) = self.fill(fill) else { return };
                match how {
                    0 => self.pull.fill_fail(now, fill, Failure::Timeout).ok(),
                    1 => self
                        .pull
                        .fill_fresh(now, fill, &Self::head(200, 0, 4, 1))
                        .ok(),
                    _ => self.pull.fill_end(now, fill).ok(),
                };
            }
            Op::Head {
                fill,
                status,
                length,
                store,
                vary,
            } => {
                let head = Self::head(status, length, store, vary);
                self.fill(fill)
                    .map(|fill| self.pull.fill_head(now, fill, &head).ok());
            }
            Op::Insert { path, len } => {
                let body = Bytes::from_static(&SOURCE[..len]);
                let name = &self.names[usize::from(path)];
                self.pull
                    .insert(now, name, &Self::head(200, 0, 5, 1), &body, &self.pages[0])
                    .ok();
            }
            Op::Pin { path } => drop(self.pull.pin(now, &self.names[usize::from(path)])),
            Op::Purge { path } => {
                self.pull
                    .purge(now, Purge::Name(&self.names[usize::from(path)]));
            }
            Op::Read { reader, from } => {
                if let Some(reader) = self.readers.get(reader % self.readers.len().max(1)) {
                    if from & 7 == 0 {
                        self.pull.seek(*reader, from);
                    }
                    self.pull.read(now, *reader, u64::MAX);
                }
            }
            Op::Sleep { ms } => {
                self.rig.now = self.rig.after(ms);
                self.pull.handle_timeout(self.rig.now);
            }
        }
    }

    /// What comes out is kept until it is counted, so that nothing is freed by the driver in between.
    fn drain(&mut self) {
        while let Some(output) = self.pull.poll_output() {
            match &output {
                PullOutput::Fetch { fill, .. } => self.fills.insert(0, *fill),
                PullOutput::Ready {
                    answer: PullAnswer::Hit(copy),
                    ..
                } => {
                    self.readers.extend(copy.reader());
                }
                _ => {}
            }
            self.outputs.push(output);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// BUD-1: after every call what is held is within the budget, and no less than what is allocated.
    #[test]
    fn bud_1_budget_holds_for_a_pull_through_store(ops in prop::collection::vec(op(), 1..300)) {
        let rig = PullRig::new();
        let names = (0..40).map(|path| name(&format!("/{path}"))).collect();
        let mut config = PullConfig::default();
        config.budget = 2 * BUDGET_MIN;
        config.limits.waiters = 64;
        config.limits.fills = 16;
        config.limits.negatives = 20;
        let mut pull = None;
        let start = rig.now;
        let made = measure(|| pull = Some(Pull::new(config.clone(), start).unwrap()));
        let mut run = Run {
            pull: pull.unwrap(),
            rig,
            fills: Vec::with_capacity(4_096),
            readers: Vec::with_capacity(4_096),
            names,
            pages: [
                Treatment::new(Class::Segment, false, Duration::from_secs(2)),
                page(),
            ],
            outputs: Vec::with_capacity(4_096),
            token: 0,
        };
        let mut allocated = made.bytes_current;
        for op in &ops {
            let used = measure(|| run.play(op));
            allocated += used.bytes_current;
            let held = run.pull.stats().bytes_held;
            prop_assert!(held <= config.budget as u64, "{held} bytes after {op:?}");
            let copies = measure(|| run.outputs.clear());
            allocated += copies.bytes_current;
            prop_assert!(
                allocated <= i64::try_from(held).unwrap() + SLACK,
                "{allocated} bytes allocated, {held} charged after {op:?}"
            );
        }
    }
}

/// The old heads of answers that were renewed while on their way, and the allocator's own rounding.
const SLACK: i64 = 4_096;
