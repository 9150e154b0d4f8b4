//! Live windows and availability.

use backline_cache::{Answer, Error, Key, Kind, Output, Reason, State, Want};
use bytes::Bytes;

use crate::rig::{Rig, body_of, part, segment};

#[test]
fn ring_1_a_hit_is_the_published_body_and_copies_nothing() {
    let mut rig = Rig::new();
    let body = rig.publish(part(7), 1_000);
    let (_, answer) = rig.ask(Want::Object(part(7)));
    assert!(body_of(&answer).same(&body));
    assert_eq!(
        body_of(&answer).pieces()[0].as_ptr(),
        body.pieces()[0].as_ptr()
    );
    assert_eq!((body.len(), rig.cache.stats().hits), (1_000, 1));
}

#[test]
fn ring_1_numbers_of_one_slot_are_told_apart() {
    let mut rig = Rig::with(|config| config.limits.slots = 16);
    rig.publish(part(5), 10);
    for other in [5 + 16, 5 + 32, u64::MAX - 10] {
        assert_eq!(rig.cache.get(&part(other)), None);
        assert_eq!(rig.cache.state(&part(other)), State::TooFar);
    }
    rig.publish(part(5 + 16), 20);
    assert_eq!(rig.cache.state(&part(5)), State::Gone);
    assert_eq!(rig.cache.get(&part(21)).unwrap().len(), 20);
}

#[test]
fn ring_1_a_window_grows_with_the_span_of_its_numbers() {
    let mut rig = Rig::new();
    for seq in 100..400 {
        rig.publish(part(seq), 8);
    }
    for seq in 100..400 {
        assert_eq!(rig.cache.state(&part(seq)), State::Ready);
    }
    assert_eq!(rig.outputs(), []);
}

#[test]
fn ring_1_the_largest_numbers_do_no_harm() {
    let mut rig = Rig::with(|config| config.budget = 4 << 20);
    rig.publish(part(1), 8);
    for seq in [u64::MAX - 1, u64::MAX] {
        rig.promise(part(seq));
        rig.publish(part(seq), 8);
        assert_eq!(rig.cache.state(&part(seq)), State::Ready);
    }
    let late = rig.after(0) + std::time::Duration::from_secs(u64::from(u32::MAX));
    rig.cache.keep_until(rig.now, part(u64::MAX), late);
    assert!(rig.cache.poll_timeout().is_none_or(|at| at <= late));
    assert!(matches!(
        rig.outputs()[..],
        [Output::Evicted {
            through: 1,
            reason: Reason::Slots,
            ..
        }]
    ));
}

#[test]
fn ring_2_an_object_stays_until_its_time_and_leaves_then() {
    let mut rig = Rig::new();
    rig.publish(part(1), 10);
    let before = rig.cache.stats();
    rig.cache.keep_until(rig.now, part(1), rig.at(12_000));
    while rig.cache.poll_timeout().unwrap() < rig.at(12_000) {
        rig.now = rig.cache.poll_timeout().unwrap();
        rig.cache.handle_timeout(rig.now);
        assert_eq!(rig.cache.state(&part(1)), State::Ready);
    }
    assert_eq!(rig.cache.poll_timeout(), Some(rig.at(12_000)));
    rig.sleep(11_999);
    rig.now = rig.at(12_000);
    rig.cache.handle_timeout(rig.now);
    assert_eq!(rig.cache.state(&part(1)), State::Gone);
    assert_eq!(
        (
            rig.cache.stats().retired,
            rig.cache.stats().evicted,
            rig.cache.stats().objects
        ),
        (1, 0, 0)
    );
    assert!(rig.cache.stats().bytes_held < before.bytes_held);
    // In order is not news.
    assert_eq!(rig.outputs(), []);
}

#[test]
fn ring_2_objects_leave_in_playlist_order_alone() {
    let mut rig = Rig::new();
    for seq in 1..=3 {
        rig.publish(part(seq), 10);
    }
    rig.cache.keep_until(rig.now, part(2), rig.at(1_000));
    rig.cache.keep_until(rig.now, part(3), rig.at(3_000));
    rig.sleep(2_000);
    assert_eq!(
        rig.cache.state(&part(2)),
        State::Ready,
        "its predecessor is listed"
    );
    rig.cache.keep_until(rig.now, part(1), rig.at(2_500));
    rig.sleep(500);
    let states = [1, 2, 3].map(|seq| rig.cache.state(&part(seq)));
    assert_eq!(states, [State::Gone, State::Gone, State::Ready]);
    assert!(rig.cache.poll_timeout().unwrap() <= rig.at(3_000));
}

#[test]
fn ring_2_what_was_over_already_leaves_at_once() {
    let mut rig = Rig::new();
    rig.publish(part(1), 10);
    rig.sleep(100);
    rig.cache.keep_until(rig.now, part(1), rig.at(50));
    assert_eq!(rig.cache.state(&part(1)), State::Gone);
    // What is not there is left alone.
    rig.cache.keep_until(rig.now, part(1), rig.at(500));
    rig.cache
        .keep_until(rig.now, Key::new(9, 9, Kind::Init, 0), rig.at(500));
    assert_eq!(rig.cache.poll_timeout(), None);
}

#[test]
fn ring_2_an_early_eviction_is_reported() {
    let mut rig = Rig::with(|config| config.budget = 1 << 20);
    for seq in 0..40 {
        rig.publish(part(seq), 64 << 10);
    }
    let outputs = rig.outputs();
    let [
        Output::Evicted {
            key,
            through,
            objects,
            reason,
            ..
        },
    ] = outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!((key, reason), (part(0), Reason::Budget));
    assert_eq!((objects, objects), (through + 1, rig.cache.stats().evicted));
    assert_eq!(rig.cache.state(&part(through)), State::Gone);
    assert_eq!(rig.cache.state(&part(through + 1)), State::Ready);
    // The next one is a report of its own.
    rig.publish(part(40), 64 << 10);
    assert!(matches!(rig.outputs()[..], [Output::Evicted { key, .. }] if key == part(through + 1)));
}

#[test]
fn ring_2_a_window_without_slots_evicts_its_head_and_says_so() {
    let mut rig = Rig::with(|config| config.limits.slots = 16);
    rig.promise(part(3));
    let waits = rig.hold(Want::Object(part(3)));
    for seq in 4..22 {
        rig.publish(part(seq), 10);
    }
    let outputs = rig.outputs();
    let [ready, evicted] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert!(matches!(ready, Output::Ready { token, answer: Answer::Gone, .. } if *token == waits));
    let Output::Evicted {
        key,
        through,
        objects,
        reason,
        ..
    } = evicted
    else {
        panic!("{evicted:?}")
    };
    assert_eq!(
        (*key, *through, *objects, *reason),
        (part(4), 5, 2, Reason::Slots)
    );
}

#[test]
fn ring_2_the_init_in_use_never_yields() {
    let mut rig = Rig::with(|config| config.budget = 1 << 20);
    let init = |seq| Key::new(1, 0, Kind::Init, seq);
    rig.publish(init(0), 700);
    rig.publish(init(1), 700);
    for seq in 0..60 {
        rig.publish(part(seq), 64 << 10);
    }
    assert_eq!(
        rig.cache.state(&init(0)),
        State::Gone,
        "it was the oldest listed object"
    );
    assert_eq!(rig.cache.state(&init(1)), State::Ready);
}

#[test]
fn ring_3_a_segment_is_a_rope_that_shares_the_bytes_of_its_parts() {
    let mut rig = Rig::new();
    let parts = [part(10), part(11), part(12)];
    for key in parts {
        rig.publish(key, 50_000);
    }
    let before = rig.cache.stats().bytes_held;
    rig.cache.publish_rope(rig.now, segment(3), &parts).unwrap();
    assert!(
        rig.cache.stats().bytes_held - before < 1_000 + 16 * 64,
        "charged once"
    );
    let rope = rig.cache.get(&segment(3)).unwrap();
    assert_eq!((rope.len(), rope.pieces().len()), (150_000, 3));
    for (piece, key) in rope.pieces().iter().zip(parts) {
        assert_eq!(
            piece.as_ptr(),
            rig.cache.get(&key).unwrap().pieces()[0].as_ptr()
        );
    }
}

#[test]
fn ring_3_the_bytes_stay_charged_while_the_parts_or_the_segment_stay() {
    let mut rig = Rig::new();
    let parts = [part(10), part(11)];
    let empty = rig.cache.stats().bytes_held;
    for key in parts {
        rig.publish(key, 50_000);
    }
    rig.cache.publish_rope(rig.now, segment(3), &parts).unwrap();
    for key in parts {
        rig.cache.keep_until(rig.now, key, rig.now);
    }
    assert_eq!(rig.cache.state(&part(11)), State::Gone);
    assert!(
        rig.cache.stats().bytes_held > empty + 100_000,
        "the segment holds them"
    );
    rig.cache.keep_until(rig.now, segment(3), rig.now);
    assert!(rig.cache.stats().bytes_held < empty + 20_000);
}

#[test]
fn ring_3_a_rope_of_what_is_not_there_is_refused() {
    let mut rig = Rig::new();
    rig.publish(part(10), 5);
    let refused = rig
        .cache
        .publish_rope(rig.now, segment(3), &[part(10), part(11)]);
    assert_eq!(
        refused,
        Err(Error::MissingPart {
            rope: segment(3),
            part: part(11)
        })
    );
    assert_eq!(
        rig.cache.publish_rope(rig.now, segment(3), &[]),
        Err(Error::Empty { key: segment(3) })
    );
}

#[test]
fn ring_4_outside_of_the_window_there_are_four_answers() {
    let mut rig = Rig::new();
    rig.publish(part(5), 10);
    rig.publish(part(6), 10);
    rig.publish(part(8), 10);
    rig.promise(part(9));
    rig.cache.keep_until(rig.now, part(5), rig.now);
    for (key, answer, state, status) in [
        (part(4), Answer::Gone, State::Gone, Some(410)),
        (part(5), Answer::Gone, State::Gone, Some(410)),
        (part(7), Answer::Gone, State::Gone, Some(410)),
        (part(9), Answer::Held, State::Promised, None),
        (part(10), Answer::TooFar, State::TooFar, Some(404)),
        (segment(1), Answer::Unknown, State::Unknown, Some(404)),
        (
            Key::new(1, 1, Kind::Part, 5),
            Answer::Unknown,
            State::Unknown,
            Some(404),
        ),
    ] {
        assert_eq!(rig.cache.state(&key), state, "{key:?}");
        let (_, given) = rig.ask(Want::Object(key));
        assert_eq!(given.status(), status, "{key:?}");
        assert_eq!(given, answer, "{key:?}");
    }
}

#[test]
fn q13_nothing_is_ever_an_empty_success() {
    let mut rig = Rig::new();
    assert_eq!(
        rig.cache.publish(rig.now, part(1), &[]),
        Err(Error::Empty { key: part(1) })
    );
    let empty = [Bytes::new(), Bytes::new()];
    assert_eq!(
        rig.cache.publish(rig.now, part(1), &empty),
        Err(Error::Empty { key: part(1) })
    );
    assert_ne!(rig.cache.state(&part(1)), State::Ready);
}

#[test]
fn q13_an_evicted_part_is_gone_and_not_empty() {
    let mut rig = Rig::new();
    rig.publish(part(1), 10);
    rig.cache.keep_until(rig.now, part(1), rig.now);
    assert_eq!(rig.ask(Want::Object(part(1))).1, Answer::Gone);
}

#[test]
fn published_bytes_never_change() {
    let mut rig = Rig::new();
    rig.publish(part(5), 10);
    let again = rig
        .cache
        .publish(rig.now, part(5), &[Bytes::from_static(b"other")]);
    assert_eq!(again, Err(Error::Published { key: part(5) }));
    assert_eq!(
        rig.cache.promise(rig.now, part(5), rig.at(9)),
        Err(Error::Published { key: part(5) })
    );
    let behind = rig
        .cache
        .publish(rig.now, part(4), &[Bytes::from_static(b"late")]);
    assert_eq!(
        behind,
        Err(Error::Behind {
            key: part(4),
            first: 5
        })
    );
    assert_eq!(rig.cache.get(&part(5)).unwrap().len(), 10);
}

#[test]
fn a_window_may_begin_with_a_promise_ahead_of_its_first_object() {
    let mut rig = Rig::new();
    rig.promise(part(12));
    rig.promise(part(10));
    rig.publish(part(11), 5);
    rig.publish(part(10), 5);
    rig.publish(part(12), 5);
    let behind = rig
        .cache
        .publish(rig.now, part(9), &[Bytes::from_static(b"late")]);
    assert_eq!(
        behind,
        Err(Error::Behind {
            key: part(9),
            first: 10
        })
    );
    assert_eq!(rig.outputs(), []);
}

#[test]
fn a_promise_far_ahead_leaves_no_place_behind_it() {
    let mut rig = Rig::with(|config| config.limits.slots = 16);
    rig.promise(part(100));
    let behind = rig.cache.promise(rig.now, part(80), rig.at(9));
    assert_eq!(
        behind,
        Err(Error::Behind {
            key: part(80),
            first: 0
        })
    );
    rig.promise(part(85));
}

#[test]
fn limit_part_bytes_and_segment_bytes() {
    let mut rig = Rig::with(|config| {
        config.limits.part_bytes = 100;
        config.limits.segment_bytes = 150;
    });
    let body = [Bytes::from(vec![0; 101])];
    let refused = rig.cache.publish(rig.now, part(1), &body);
    assert_eq!(
        refused,
        Err(Error::TooLarge {
            key: part(1),
            bytes: 101,
            most: 100
        })
    );
    rig.publish(part(1), 100);
    rig.publish(part(2), 100);
    let refused = rig
        .cache
        .publish_rope(rig.now, segment(1), &[part(1), part(2)]);
    assert_eq!(
        refused,
        Err(Error::TooLarge {
            key: segment(1),
            bytes: 200,
            most: 150
        })
    );
}

#[test]
fn limit_renditions() {
    let mut rig = Rig::with(|config| config.limits.renditions = 2);
    for rendition in 0..2 {
        rig.cache
            .promise(rig.now, Key::new(1, rendition, Kind::Part, 0), rig.at(9))
            .unwrap();
    }
    let refused = rig.cache.outdate(rig.now, 1, 2);
    assert_eq!(
        refused,
        Err(Error::Renditions {
            stream: 1,
            rendition: 2,
            most: 2
        })
    );
    rig.cache.forget(rig.now, 1);
    assert_eq!(rig.cache.outdate(rig.now, 1, 2), Ok(()));
}

#[test]
fn limits_of_zero_are_refused() {
    let refused = |change: fn(&mut backline_cache::Config)| {
        let mut config = backline_cache::Config::default();
        change(&mut config);
        let rig = Rig::new();
        match backline_cache::Cache::new(config, rig.now) {
            Err(Error::Limit { limit, .. }) => limit,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(|config| config.budget = (1 << 20) - 1), "budget");
    assert_eq!(refused(|config| config.limits.slots = 1), "slots");
    assert_eq!(refused(|config| config.limits.waiters = 0), "waiters");
    assert_eq!(
        refused(|config| config.limits.hold = std::time::Duration::ZERO),
        "hold (ms)"
    );
}
