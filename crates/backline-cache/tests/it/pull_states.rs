//! Every state of a name against everything that can happen, as a table that is kept in
//! `tests/data/pull_states.txt`. A row says what was, what happened, what is then, and what the next request gets.

use std::fmt::Write as _;

use backline_cache::pull::{Failure, PullAnswer, PullOutput, Purge, Unit};
use backline_cache::{Error, FillId};
use bytes::Bytes;

use crate::pull_rig::{PullRig, head, name, private, status};

const PATH: &str = "/s1.m4s";

type SetUp = fn(&mut PullRig) -> Option<FillId>;
type Event = fn(&mut PullRig, Option<FillId>);

const STATES: [(&str, SetUp); 10] = [
    ("Absent", |_| None),
    ("Fetching", |rig| {
        rig.hold(PATH);
        Some(rig.fetch())
    }),
    ("Growing", |rig| {
        rig.hold_for(PATH, Unit::Any);
        let fill = rig.fetch();
        rig.head(fill, &head(10));
        Some(fill)
    }),
    ("Fresh", |rig| {
        rig.stock(PATH, &head(10), b"body");
        None
    }),
    ("Stale (refreshing)", |rig| {
        rig.stock(PATH, &head(10), b"body");
        rig.sleep(15_000);
        rig.hit(PATH);
        Some(rig.fetch())
    }),
    ("Stale (validating)", |rig| {
        rig.stock(PATH, &head(10), b"body");
        rig.sleep(50_000);
        rig.hold(PATH);
        Some(rig.fetch())
    }),
    ("Stale (spent)", |rig| {
        rig.stock(PATH, &head(10), b"body");
        rig.sleep(200_000);
        None
    }),
    ("Negative", |rig| {
        rig.stock(PATH, &status(404, 10), b"no");
        None
    }),
    ("Pass", |rig| {
        rig.hold(PATH);
        let fill = rig.fetch();
        rig.head(fill, &private());
        None
    }),
    ("Failing", |rig| {
        rig.hold(PATH);
        let fill = rig.fetch();
        rig.fail(fill);
        None
    }),
];

const EVENTS: [(&str, Event); 12] = [
    ("head 200", |rig, fill| {
        told(fill.map(|fill| rig.pull.fill_head(rig.now, fill, &head(10))))
    }),
    ("head private", |rig, fill| {
        told(fill.map(|fill| rig.pull.fill_head(rig.now, fill, &private())))
    }),
    ("head 503", |rig, fill| {
        told(fill.map(|fill| rig.pull.fill_head(rig.now, fill, &status(503, 1))))
    }),
    ("304", |rig, fill| {
        told(fill.map(|fill| rig.pull.fill_fresh(rig.now, fill, &head(10))))
    }),
    ("end", |rig, fill| {
        told(fill.map(|fill| rig.pull.fill_end(rig.now, fill)))
    }),
    ("fail", |rig, fill| {
        told(fill.map(|fill| rig.pull.fill_fail(rig.now, fill, Failure::Timeout)))
    }),
    ("viewers leave", |rig, _| {
        for token in 0..9 {
            rig.pull.cancel(rig.now, backline_cache::Token(token));
        }
        rig.sleep(2_000);
    }),
    ("deadline passes", |rig, _| rig.sleep(5_000)),
    ("an hour passes", |rig, _| rig.sleep(3_600_000)),
    ("insert", |rig, _| {
        let (body, treatment) = (Bytes::from_static(b"made"), rig.treatment);
        rig.pull
            .insert(rig.now, &name(PATH), &head(10), &body, &treatment)
            .unwrap();
    }),
    ("purge", |rig, _| {
        rig.pull.purge(rig.now, Purge::All);
    }),
    ("uplink goes", |rig, _| rig.pull.set_uplink(rig.now, false)),
];

/// What is said out of turn is refused and changes nothing.
fn told<T>(_refused: Option<Result<T, Error>>) {}

fn named(answer: &PullAnswer) -> String {
    match answer {
        PullAnswer::Hit(copy) => format!("{:?} {}", copy.how(), copy.status()),
        PullAnswer::Own(_) => "Own".to_owned(),
        other => format!("{other:?}"),
    }
}

fn came_out(rig: &mut PullRig) -> String {
    let named = |output| match output {
        PullOutput::Abandon { .. } => "Abandon".to_owned(),
        PullOutput::Fetch { .. } => "Fetch".to_owned(),
        PullOutput::Ready { answer, .. } => named(&answer),
        PullOutput::Readable { .. } => "Readable".to_owned(),
        other => format!("{other:?}"),
    };
    let out: Vec<String> = rig.outputs().into_iter().map(named).collect();
    if out.is_empty() {
        "-".to_owned()
    } else {
        out.join(", ")
    }
}

#[test]
fn pull_states_are_as_the_table_says() {
    let mut table =
        "what was | what happened | what came out | what is | what a request gets\n".to_owned();
    for (state, set_up) in STATES {
        for (event, happen) in EVENTS {
            let mut rig = PullRig::new();
            let fill = set_up(&mut rig);
            rig.outputs();
            let was = format!("{:?}", rig.pull.state(&name(PATH), 0));
            assert_eq!(was, state.split(' ').next().unwrap());
            happen(&mut rig, fill);
            let out = came_out(&mut rig);
            let is = format!("{:?}", rig.pull.state(&name(PATH), 0));
            let answer = named(&rig.ask(PATH).1);
            writeln!(table, "{state:<18} | {event:<15} | {out} | {is} | {answer}").unwrap();
        }
    }
    let committed = include_str!("../data/pull_states.txt");
    assert!(
        table == committed,
        "tests/data/pull_states.txt says otherwise; it is now:\n{table}"
    );
}
