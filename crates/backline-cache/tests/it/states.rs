//! Every state of a key and of a request against everything that can happen, as a table that is kept in
//! `tests/data/states.txt`. A row says what was, what happened, what is then, and what came out.

use std::fmt::Write as _;

use backline_cache::{Answer, Key, Output, Token, Want};
use bytes::Bytes;

use crate::rig::{HOLD_MS, Rig, listed, part, text};

const KEY: Key = part(10);
const TOKEN: Token = Token(77);

type Act = fn(&mut Rig);

const KEY_STATES: [(&str, Act); 6] = [
    ("Unknown", |_| {}),
    ("TooFar", |rig| drop(rig.publish(part(9), 5))),
    ("Promised", |rig| rig.promise(KEY)),
    ("Ready", |rig| drop(rig.publish(KEY, 5))),
    ("Gone (passed)", |rig| drop(rig.publish(part(11), 5))),
    ("Gone (retired)", |rig| {
        rig.publish(KEY, 5);
        rig.cache.keep_until(rig.now, KEY, rig.now);
    }),
];

const KEY_EVENTS: [(&str, Act); 8] = [
    ("promise", |rig| {
        drop(rig.cache.promise(rig.now, KEY, rig.after(60_000)))
    }),
    ("publish", |rig| {
        drop(
            rig.cache
                .publish(rig.now, KEY, &[Bytes::from_static(b"media")]),
        )
    }),
    ("publish the next", |rig| {
        drop(
            rig.cache
                .publish(rig.now, part(11), &[Bytes::from_static(b"media")]),
        )
    }),
    ("retract", |rig| rig.cache.retract(rig.now, KEY, 404)),
    ("move to the next", |rig| {
        drop(rig.cache.move_promise(rig.now, KEY, part(12)))
    }),
    ("keep for a second", |rig| {
        rig.cache.keep_until(rig.now, KEY, rig.after(1_000))
    }),
    ("a minute passes", |rig| rig.sleep(60_000)),
    ("forget", |rig| rig.cache.forget(rig.now, 1)),
];

/// States of a request: what it waits for, and how far that is.
const WAITER_STATES: [(&str, Act); 6] = [
    ("Held on a promise", |rig| {
        rig.promise(KEY);
        ask(rig, Want::Object(KEY));
    }),
    ("Held on an edge", |rig| {
        rig.advance(crate::rig::LISTED, 7, 0);
        ask(rig, listed(7, 1));
    }),
    ("Held on a fetch", |rig| {
        rig.advance(crate::rig::LISTED, 7, 0);
        ask(rig, listed(7, 0));
        assert!(matches!(
            rig.cache.poll_output(),
            Some(Output::Fetch { .. })
        ));
    }),
    ("Woken", |rig| {
        rig.promise(KEY);
        ask(rig, Want::Object(KEY));
        rig.publish(KEY, 5);
    }),
    ("Late", |rig| {
        rig.promise(KEY);
        ask(rig, Want::Object(KEY));
        rig.sleep(HOLD_MS);
    }),
    ("Cancelled", |rig| {
        rig.promise(KEY);
        ask(rig, Want::Object(KEY));
        rig.cache.cancel(rig.now, TOKEN);
    }),
];

const WAITER_EVENTS: [(&str, Act); 9] = [
    ("take", |_| {}),
    ("publish", |rig| {
        drop(
            rig.cache
                .publish(rig.now, KEY, &[Bytes::from_static(b"media")]),
        )
    }),
    ("retract", |rig| rig.cache.retract(rig.now, KEY, 404)),
    ("the edge moves", |rig| {
        rig.advance(crate::rig::LISTED, 7, 1)
    }),
    ("finish", |rig| rig.cache.finish(rig.now, 1)),
    ("the deadline passes", |rig| rig.sleep(HOLD_MS)),
    ("the promise lapses", |rig| {
        drop(rig.cache.promise(rig.now, KEY, rig.after(1)));
        rig.sleep(1);
    }),
    ("cancel", |rig| rig.cache.cancel(rig.now, TOKEN)),
    ("forget", |rig| rig.cache.forget(rig.now, 1)),
];

fn ask(rig: &mut Rig, want: Want) {
    let answer = rig.cache.request(
        rig.now,
        want,
        TOKEN,
        backline_cache::Client(1),
        rig.after(HOLD_MS),
    );
    assert_eq!(answer, Answer::Held);
}

fn name(answer: &Answer) -> String {
    match answer {
        Answer::Hit(_) => "Hit".to_owned(),
        other => format!("{other:?}"),
    }
}

fn came_out(rig: &mut Rig) -> String {
    let mut line = Vec::new();
    while let Some(output) = rig.cache.poll_output() {
        line.push(match output {
            Output::Ready {
                token, answer, via, ..
            } => {
                assert_eq!(token, TOKEN);
                format!("Ready {} via {via:?}", name(&answer))
            }
            Output::Fetch { fill, .. } => {
                drop(rig.cache.fill(rig.now, fill, Ok(text(7, 1))));
                "Fetch".to_owned()
            }
            Output::Evicted { reason, .. } => format!("Evicted by {reason:?}"),
            other => format!("{other:?}"),
        });
    }
    if line.is_empty() {
        "-".to_owned()
    } else {
        line.join(", ")
    }
}

#[test]
fn states_are_as_the_table_says() {
    let mut table = "A key: what was | what happened | what is | what a request gets\n".to_owned();
    for (state, set_up) in KEY_STATES {
        for (event, happen) in KEY_EVENTS {
            let mut rig = Rig::new();
            set_up(&mut rig);
            assert_eq!(
                format!("{:?}", rig.cache.state(&KEY)),
                state.split(' ').next().unwrap()
            );
            happen(&mut rig);
            let is = format!("{:?}", rig.cache.state(&KEY));
            let answer = name(&rig.ask(Want::Object(KEY)).1);
            writeln!(table, "{state:<14} | {event:<17} | {is:<8} | {answer}").unwrap();
        }
    }
    table.push_str("\nA request: what was | what happened | does it wait still | what came out\n");
    for (state, set_up) in WAITER_STATES {
        for (event, happen) in WAITER_EVENTS {
            let mut rig = Rig::new();
            set_up(&mut rig);
            happen(&mut rig);
            let out = came_out(&mut rig);
            let waits = if rig.cache.stats().waiters == 0 {
                "no"
            } else {
                "yes"
            };
            writeln!(table, "{state:<17} | {event:<19} | {waits:<3} | {out}").unwrap();
            // Whatever happened, a second time nothing comes out of it.
            rig.sleep(10 * HOLD_MS);
            let late = came_out(&mut rig);
            let due = if waits == "yes" {
                "Ready Expired via Held"
            } else {
                "-"
            };
            assert_eq!(late, due, "{state}, {event}");
        }
    }
    let committed = include_str!("../data/states.txt");
    assert!(
        table == committed,
        "tests/data/states.txt says otherwise; it is now:\n{table}"
    );
}
