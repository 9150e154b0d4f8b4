//! The byte budget, checked against what is really allocated.

use std::time::Duration;

use allocation_counter::measure;
use backline_cache::{
    BUDGET_MIN, Cache, Client, Config, Document, Error, Fresh, Key, Kind, Output, Point, Series,
    Token, Want,
};
use bytes::Bytes;
use proptest::prelude::*;

use crate::rig::{FULL, LISTED, Rig, part, segment};

/// Bytes that are there for the whole run, so that a call's allocations are the cache's own.
static SOURCE: [u8; 256 << 10] = [7; 256 << 10];

#[derive(Clone, Debug)]
enum Op {
    Advance {
        rendition: u32,
    },
    Ask {
        rendition: u32,
        seq: u64,
        client: u64,
    },
    AskDocument {
        rendition: u32,
        form: u8,
        ahead: u64,
    },
    Cancel {
        token: u64,
    },
    Drain,
    Forget {
        stream: u32,
    },
    Keep {
        rendition: u32,
        seq: u64,
        ms: u64,
    },
    Promise {
        rendition: u32,
        ahead: u64,
    },
    Publish {
        rendition: u32,
        skip: u64,
        len: usize,
    },
    Retract {
        rendition: u32,
    },
    Rope {
        rendition: u32,
        parts: u64,
    },
    Sleep {
        ms: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let rendition = 0..3_u32;
    prop_oneof![
        2 => rendition.clone().prop_map(|rendition| Op::Advance { rendition }),
        6 => (rendition.clone(), 0..6_u64, 0..9_u64)
            .prop_map(|(rendition, seq, client)| Op::Ask { rendition, seq, client }),
        4 => (rendition.clone(), 0..3_u8, 0..4_u64)
            .prop_map(|(rendition, form, ahead)| Op::AskDocument { rendition, form, ahead }),
        1 => (0..200_u64).prop_map(|token| Op::Cancel { token }),
        2 => Just(Op::Drain),
        1 => (0..12_u32).prop_map(|stream| Op::Forget { stream }),
        2 => (rendition.clone(), 0..30_u64, 0..900_u64)
            .prop_map(|(rendition, seq, ms)| Op::Keep { rendition, seq, ms }),
        3 => (rendition.clone(), 0..4_u64).prop_map(|(rendition, ahead)| Op::Promise { rendition, ahead }),
        6 => (rendition.clone(), 0..3_u64, 1..200_usize << 10)
            .prop_map(|(rendition, skip, len)| Op::Publish { rendition, skip, len }),
        1 => rendition.clone().prop_map(|rendition| Op::Retract { rendition }),
        2 => (rendition, 1..6_u64).prop_map(|(rendition, parts)| Op::Rope { rendition, parts }),
        1 => (0..400_u64).prop_map(|ms| Op::Sleep { ms }),
    ]
}

/// A cache under random use; what it is asked next depends on nothing that allocates.
struct Run {
    cache: Cache,
    rig: Rig,
    next: [u64; 3],
    edge: u64,
    token: u64,
    segment: u64,
}

impl Run {
    #[expect(clippy::too_many_lines, reason = "one arm an operation")]
    fn play(&mut self, op: &Op) {
        let (now, deadline) = (self.rig.now, self.rig.after(600));
        let cache = &mut self.cache;
        let key = |rendition, seq| Key::new(1, rendition, Kind::Part, seq);
        // What is refused for want of room is refused: the budget holds all the same.
        let _: Result<(), Error> = match *op {
            Op::Advance { rendition } => {
                self.edge += 1;
                cache.advance(now, 1, rendition, LISTED, Point::new(self.edge, 0))
            }
            Op::Ask {
                rendition,
                seq,
                client,
            } => {
                self.token += 1;
                let seq = (self.next[rendition as usize] + 3).saturating_sub(seq);
                let want = Want::Object(key(rendition, seq));
                cache.request(now, want, Token(self.token), Client(client), deadline);
                Ok(())
            }
            Op::AskDocument {
                rendition,
                form,
                ahead,
            } => {
                self.token += 1;
                let document = Document::new(1, rendition, form);
                let want = Want::reached(document, LISTED, Point::new(self.edge + ahead, 0));
                cache.request(
                    now,
                    want,
                    Token(self.token),
                    Client(self.token % 50),
                    deadline,
                );
                Ok(())
            }
            Op::Cancel { token } => {
                cache.cancel(now, Token(token));
                Ok(())
            }
            Op::Drain => {
                self.drain();
                Ok(())
            }
            Op::Forget { stream } => {
                cache.forget(now, stream);
                Ok(())
            }
            Op::Keep { rendition, seq, ms } => {
                let seq = self.next[rendition as usize].saturating_sub(seq);
                cache.keep_until(now, key(rendition, seq), now + Duration::from_millis(ms));
                Ok(())
            }
            Op::Promise { rendition, ahead } => cache.promise(
                now,
                key(rendition, self.next[rendition as usize] + ahead),
                deadline,
            ),
            Op::Publish {
                rendition,
                skip,
                len,
            } => {
                let next = &mut self.next[rendition as usize];
                *next += skip;
                let result = cache.publish(
                    now,
                    key(rendition, *next),
                    &[Bytes::from_static(&SOURCE[..len])],
                );
                *next += 1;
                result
            }
            Op::Retract { rendition } => {
                cache.retract(now, key(rendition, self.next[rendition as usize]), 404);
                Ok(())
            }
            Op::Rope { rendition, parts } => {
                self.segment += 1;
                let end = self.next[rendition as usize];
                let mut keys = [key(rendition, 0); 6];
                for (place, seq) in keys.iter_mut().zip(end.saturating_sub(parts)..end) {
                    *place = key(rendition, seq);
                }
                let count = usize::try_from(parts.min(end)).unwrap();
                let rope = Key::new(1, rendition, Kind::Segment, self.segment);
                cache.publish_rope(now, rope, &keys[..count])
            }
            Op::Sleep { ms } => {
                self.rig.now += Duration::from_millis(ms);
                cache.handle_timeout(self.rig.now);
                Ok(())
            }
        };
    }

    fn drain(&mut self) {
        while let Some(output) = self.cache.poll_output() {
            if let Output::Fetch { fill, .. } = output {
                let len = 1 + usize::try_from(self.token * 977 % 40_000).unwrap();
                let fresh = Fresh::new(Bytes::from_static(&SOURCE[..len]))
                    .with_gzip(
                        len.is_multiple_of(2)
                            .then(|| Bytes::from_static(&SOURCE[..len / 4 + 1])),
                    )
                    .with_edge(LISTED, Point::new(self.edge, 0));
                let _: Result<(), Error> = self.cache.fill(self.rig.now, fill, Ok(fresh));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// BUD-1: after every call, what is allocated is no more than what is said to be held, and that no more than
    /// the budget.
    #[test]
    fn bud_1_what_is_allocated_is_charged_and_within_the_budget(ops in prop::collection::vec(op(), 1..250)) {
        let mut config = Config::default();
        config.budget = BUDGET_MIN;
        config.limits.client_waiters = 1_000;
        let rig = Rig::new();
        let mut cache = None;
        let mut allocated = measure(|| cache = Cache::new(config, rig.now).ok()).bytes_current;
        let mut run = Run { cache: cache.unwrap(), rig, next: [0; 3], edge: 0, token: 0, segment: 0 };
        let empty = run.cache.stats().bytes_held;
        for op in &ops {
            allocated += measure(|| run.play(op)).bytes_current;
            let held = run.cache.stats().bytes_held;
            prop_assert!(held <= BUDGET_MIN as u64, "{held} held after {op:?}");
            prop_assert!(allocated <= i64::try_from(held).unwrap(), "{allocated} allocated, {held} held after {op:?}");
        }
        // Nothing is charged for ever: without the streams only the index and its slack are left.
        allocated += measure(|| {
            for stream in 0..12 {
                run.cache.forget(run.rig.now, stream);
            }
            run.drain();
        }).bytes_current;
        let held = run.cache.stats().bytes_held;
        prop_assert!(held < empty + 64_000, "{held} held by nothing");
        prop_assert!(allocated <= i64::try_from(held).unwrap());
        prop_assert_eq!((run.cache.stats().objects, run.cache.stats().documents), (0, 0));
    }
}

#[test]
fn bud_2_a_body_that_cannot_fit_is_refused_and_the_window_told() {
    let mut rig = Rig::with(|config| config.budget = BUDGET_MIN);
    rig.promise(part(1));
    let token = rig.hold(Want::Object(part(1)));
    let refused = rig
        .cache
        .publish(rig.now, part(1), &[Bytes::from(vec![0; BUDGET_MIN])]);
    assert!(
        matches!(refused, Err(Error::Budget { needed, .. }) if needed > BUDGET_MIN),
        "{refused:?}"
    );
    // The promise stands, so that a smaller body still reaches those who wait.
    rig.publish(part(1), 100);
    assert_eq!(rig.ready()[0].0, token);
}

#[test]
fn bud_2_a_document_that_cannot_fit_fails_its_fetch() {
    let mut rig = Rig::with(|config| {
        config.budget = BUDGET_MIN;
        config.limits.document_bytes = 2 * BUDGET_MIN;
    });
    rig.advance(LISTED, 1, 0);
    let token = rig.hold(Want::current(FULL));
    let (fill, _) = rig.fetch();
    let refused = rig.cache.fill(
        rig.now,
        fill,
        Ok(Fresh::new(Bytes::from(vec![0; BUDGET_MIN]))),
    );
    assert!(matches!(refused, Err(Error::Budget { .. })), "{refused:?}");
    assert_eq!(rig.ready(), [(token, backline_cache::Answer::Failed(503))]);
}

#[test]
fn bud_3_q20_a_small_slice_pins_no_big_buffer() {
    let mut rig = Rig::new();
    let big = Bytes::from(vec![1; 1 << 20]);
    rig.publish(part(0), 1);
    let before = rig.cache.stats().bytes_held;
    rig.cache
        .publish(rig.now, part(1), &[big.slice(10..20), big.slice(500..700)])
        .unwrap();
    assert!(
        rig.cache.stats().bytes_held - before < 210 + 64 * 100,
        "an index and 210 bytes"
    );
    let stored = &rig.cache.get(&part(1)).unwrap().pieces()[0];
    assert!(!big.as_ptr_range().contains(&stored.as_ptr()));
    assert!(big.is_unique(), "nothing of the cache holds the big one");
}

#[test]
fn bud_4_what_is_over_goes_first_then_what_is_kept_then_the_oldest_listed() {
    let mut rig = Rig::with(|config| config.budget = BUDGET_MIN);
    let other = |seq| Key::new(1, 1, Kind::Part, seq);
    // The oldest is listed; a younger one of another window is only kept for the late.
    rig.publish(part(1), 200 << 10);
    rig.publish(other(1), 200 << 10);
    rig.publish(other(2), 200 << 10);
    rig.cache.keep_until(rig.now, other(1), rig.after(10_000));
    rig.publish(other(3), 250 << 10);
    assert!(rig.cache.get(&other(1)).is_none());
    assert!(rig.cache.get(&part(1)).is_some());
    rig.publish(other(4), 250 << 10);
    assert!(
        rig.cache.get(&part(1)).is_none(),
        "then the oldest that is listed"
    );
    assert!(rig.cache.get(&other(2)).is_some());
}

#[test]
fn bud_4_an_outdated_document_goes_before_any_media() {
    let mut rig = Rig::with(|config| config.budget = BUDGET_MIN);
    rig.advance(LISTED, 1, 0);
    rig.hold(Want::current(FULL));
    let (fill, _) = rig.fetch();
    rig.cache
        .fill(
            rig.now,
            fill,
            Ok(Fresh::new(Bytes::from(vec![b'#'; 300 << 10]))),
        )
        .unwrap();
    rig.outputs();
    rig.publish(part(1), 200 << 10);
    rig.advance(LISTED, 1, 1);
    rig.publish(part(2), 400 << 10);
    assert!(rig.cache.get(&part(1)).is_some());
    assert_eq!(
        (rig.cache.stats().documents, rig.cache.stats().evicted),
        (0, 0)
    );
}

#[test]
fn q05_weights_are_bytes_and_not_guesses() {
    let mut rig = Rig::new();
    rig.publish(part(0), 1);
    let before = rig.cache.stats().bytes_held;
    rig.publish(part(1), 100_000);
    let after = rig.cache.stats().bytes_held;
    assert!(
        (100_000..100_400).contains(&(after - before)),
        "{}",
        after - before
    );
    rig.cache.keep_until(rig.now, part(0), rig.now);
    rig.cache.keep_until(rig.now, part(1), rig.now);
    assert!(rig.cache.stats().bytes_held < before);
}

#[test]
fn a_hit_and_a_wake_allocate_nothing() {
    let mut rig = Rig::new();
    rig.publish(part(1), 1_000);
    rig.publish(part(2), 1_000);
    rig.cache
        .publish_rope(rig.now, segment(1), &[part(1), part(2)])
        .unwrap();
    rig.promise(part(3));
    for _ in 0..20 {
        rig.hold(Want::Object(part(3)));
    }
    rig.publish(part(3), 1_000);
    let hits = measure(|| {
        for _ in 0..100 {
            for key in [part(1), segment(1)] {
                let (_, answer) = rig.ask(Want::Object(key));
                // What goes to a socket is a handle too.
                for piece in crate::rig::body_of(&answer).pieces() {
                    assert_eq!(piece.clone().len(), 1_000);
                }
            }
        }
    });
    let wakes = measure(|| {
        let mut woken = 0;
        while rig.cache.poll_output().is_some() {
            woken += 1;
        }
        assert_eq!(woken, 20);
    });
    assert_eq!((hits.count_total, wakes.count_total), (0, 0));
}

#[test]
fn series_numbers_stay_in_their_array() {
    let mut rig = Rig::new();
    for series in 0..=u8::MAX {
        let fresh =
            Fresh::new(Bytes::from_static(b"x")).with_edge(Series(series), Point::new(1, 1));
        assert_eq!(
            fresh.edges.get(Series(series)).is_some(),
            series < backline_cache::SERIES_MAX
        );
        let moved = rig
            .cache
            .advance(rig.now, 1, 0, Series(series), Point::new(1, 1));
        assert_eq!(moved.is_ok(), series < backline_cache::SERIES_MAX);
    }
}

#[test]
fn bud_1_renditions_that_come_to_a_full_budget_make_room_first() {
    let mut rig = Rig::with(|config| config.budget = BUDGET_MIN);
    // Neither the share of what waits nor that of what is stored has anything left.
    rig.promise(part(2_000));
    while rig.ask(Want::Object(part(2_000))).1 == backline_cache::Answer::Held {}
    for seq in 0..1_999 {
        let body = [Bytes::from_static(&SOURCE[..1_000])];
        rig.cache.publish(rig.now, part(seq), &body).unwrap();
    }
    let full = rig.cache.stats();
    assert!(full.evicted > 100);
    for rendition in 1..120 {
        rig.cache.outdate(rig.now, 1, rendition).unwrap();
        let held = rig.cache.stats().bytes_held;
        assert!(
            held <= BUDGET_MIN as u64,
            "{held} held with {rendition} renditions"
        );
    }
    assert!(rig.cache.stats().evicted > full.evicted + 50);
}
