//! Promised keys and those who wait for them.

use std::time::Duration;

use backline_cache::{Answer, Cap, Client, Error, Key, Kind, Output, State, Token, Via, Want};

use crate::rig::{FULL, HOLD_MS, Rig, body_of, listed, part, vias};

#[test]
fn prom_1_a_promised_key_is_held_until_it_is_published() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    let token = rig.hold(Want::Object(part(1)));
    assert_eq!(rig.outputs(), []);
    let body = rig.publish(part(1), 100);
    let ready = rig.ready();
    assert_eq!(ready.len(), 1);
    assert_eq!(ready[0].0, token);
    assert!(body_of(&ready[0].1).same(&body));
    assert_eq!(rig.cache.stats().waiters, 0);
}

#[test]
fn prom_2_each_waiter_is_woken_once_with_the_same_handle() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    let tokens: Vec<_> = (0..2_000)
        .map(|_| rig.hold(Want::Object(part(1))))
        .collect();
    let body = rig.publish(part(1), 100);
    let ready = rig.ready();
    assert_eq!(
        ready.iter().map(|(token, _)| *token).collect::<Vec<_>>(),
        tokens,
        "in the order of asking"
    );
    assert!(ready.iter().all(|(_, answer)| body_of(answer).same(&body)));
    rig.sleep(2 * HOLD_MS);
    assert_eq!(rig.outputs(), []);
}

#[test]
fn prom_2_cancelling_is_idempotent_and_silences() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    let tokens: Vec<_> = (0..3).map(|_| rig.hold(Want::Object(part(1)))).collect();
    rig.cache.cancel(rig.now, tokens[1]);
    rig.cache.cancel(rig.now, tokens[1]);
    rig.cache.cancel(rig.now, Token(99));
    rig.publish(part(1), 1);
    // After the answer was given, and before it was taken.
    rig.cache.cancel(rig.now, tokens[2]);
    assert_eq!(
        rig.ready()
            .iter()
            .map(|(token, _)| *token)
            .collect::<Vec<_>>(),
        [tokens[0]]
    );
    rig.cache.cancel(rig.now, tokens[0]);
    assert_eq!(
        (rig.cache.stats().cancelled, rig.cache.stats().woken),
        (2, 1)
    );
}

#[test]
fn prom_2_a_deadline_is_kept_to_the_millisecond() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    let token = rig.hold(Want::Object(part(1)));
    rig.sleep(HOLD_MS - 1);
    assert_eq!(rig.outputs(), []);
    assert_eq!(rig.cache.poll_timeout(), Some(rig.at(HOLD_MS)));
    rig.sleep(1);
    assert_eq!(rig.ready(), [(token, Answer::Expired)]);
    assert_eq!(Answer::Expired.status(), Some(503));
    assert_eq!(
        rig.cache.state(&part(1)),
        State::Promised,
        "the promise stands"
    );
}

#[test]
fn prom_2_a_deadline_that_is_over_is_not_held() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    rig.sleep(10);
    let past = rig.cache.request(
        rig.now,
        Want::Object(part(1)),
        Token(1),
        Client(1),
        rig.at(10),
    );
    assert_eq!(past, Answer::Expired);
    rig.publish(part(1), 1);
    let hit = rig.cache.request(
        rig.now,
        Want::Object(part(1)),
        Token(1),
        Client(1),
        rig.at(10),
    );
    assert!(matches!(hit, Answer::Hit(_)), "what is there needs no time");
    assert_eq!(rig.cache.stats().waiters, 0);
}

#[test]
fn prom_2_a_promise_lapses_at_its_time() {
    let mut rig = Rig::new();
    rig.cache.promise(rig.now, part(1), rig.at(300)).unwrap();
    rig.cache.promise(rig.now, part(1), rig.at(400)).unwrap();
    let token = rig.hold(Want::Object(part(1)));
    rig.sleep(300);
    assert_eq!(rig.outputs(), []);
    rig.sleep(100);
    assert_eq!(rig.ready(), [(token, Answer::Expired)]);
    assert_eq!(rig.cache.state(&part(1)), State::TooFar);
    assert_eq!(rig.cache.poll_timeout(), None);
}

#[test]
fn prom_3_a_retracted_key_answers_all_at_once() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    let tokens = [
        rig.hold(Want::Object(part(1))),
        rig.hold(Want::Object(part(1))),
    ];
    rig.cache.retract(rig.now, part(1), 404);
    rig.cache.retract(rig.now, part(1), 404);
    rig.cache
        .retract(rig.now, Key::new(8, 8, Kind::Part, 1), 404);
    assert_eq!(
        rig.ready(),
        tokens.map(|token| (token, Answer::Retracted(404)))
    );
    assert_eq!(Answer::Retracted(404).status(), Some(404));
    assert_eq!(rig.cache.poll_timeout(), None);
}

#[test]
fn prom_3_a_promise_moves_with_all_who_wait() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    let first = rig.hold(Want::Object(part(1)));
    rig.cache.move_promise(rig.now, part(1), part(2)).unwrap();
    assert_eq!(rig.cache.state(&part(1)), State::TooFar);
    assert_eq!(rig.cache.state(&part(2)), State::Promised);
    // Into a promise that has waiters of its own.
    rig.promise(part(3));
    let second = rig.hold(Want::Object(part(3)));
    rig.cache.move_promise(rig.now, part(2), part(3)).unwrap();
    let body = rig.publish(part(3), 9);
    let ready = rig.ready();
    assert_eq!(
        ready.iter().map(|(token, _)| *token).collect::<Vec<_>>(),
        [second, first]
    );
    assert!(ready.iter().all(|(_, answer)| body_of(answer).same(&body)));
}

#[test]
fn prom_3_a_promise_moves_to_what_is_published() {
    let mut rig = Rig::new();
    rig.promise(part(7));
    let token = rig.hold(Want::Object(part(7)));
    rig.publish(part(8), 9);
    rig.cache.move_promise(rig.now, part(7), part(8)).unwrap();
    assert_eq!(rig.ready()[0].0, token);
    assert_eq!(rig.cache.state(&part(7)), State::Gone);
    let none = rig.cache.move_promise(rig.now, part(7), part(9));
    assert_eq!(none, Err(Error::NotPromised { key: part(7) }));
}

#[test]
fn prom_3_a_move_that_fails_leaves_the_promise() {
    let mut rig = Rig::new();
    rig.publish(part(5), 9);
    rig.promise(part(6));
    let token = rig.hold(Want::Object(part(6)));
    let behind = rig.cache.move_promise(rig.now, part(6), part(1));
    assert_eq!(
        behind,
        Err(Error::Behind {
            key: part(1),
            first: 5
        })
    );
    rig.cache.move_promise(rig.now, part(6), part(6)).unwrap();
    rig.publish(part(6), 9);
    assert_eq!(rig.ready()[0].0, token);
}

#[test]
fn prom_4_a_retracted_key_is_not_remembered() {
    let mut rig = Rig::new();
    rig.publish(part(1), 9);
    rig.promise(part(2));
    rig.cache.retract(rig.now, part(2), 404);
    assert_eq!(rig.ask(Want::Object(part(2))).1, Answer::TooFar);
    rig.promise(part(2));
    rig.hold(Want::Object(part(2)));
    rig.publish(part(2), 9);
    assert_eq!(rig.ready().len(), 1);
}

#[test]
fn q12_not_found_at_the_live_edge_is_not_remembered() {
    let mut rig = Rig::new();
    rig.publish(part(1), 9);
    assert_eq!(rig.ask(Want::Object(part(2))).1, Answer::TooFar);
    rig.publish(part(2), 9);
    assert!(matches!(rig.ask(Want::Object(part(2))).1, Answer::Hit(_)));
}

#[test]
fn prom_5_waiters_are_capped_in_total_per_client_and_per_key() {
    let mut rig = Rig::with(|config| {
        config.limits.waiters = 6;
        config.limits.client_waiters = 2;
        config.limits.key_waiters = 4;
    });
    for seq in 1..=3 {
        rig.promise(part(seq));
    }
    let mut ask = |token, client, seq| {
        let deadline = rig.after(HOLD_MS);
        rig.cache.request(
            rig.now,
            Want::Object(part(seq)),
            Token(token),
            Client(client),
            deadline,
        )
    };
    assert_eq!(ask(1, 1, 1), Answer::Held);
    assert_eq!(ask(2, 1, 2), Answer::Held);
    assert_eq!(ask(3, 1, 3), Answer::Refused(Cap::ClientWaiters));
    assert_eq!(ask(1, 9, 3), Answer::Refused(Cap::TokenInUse));
    assert_eq!(ask(4, 2, 1), Answer::Held);
    assert_eq!(ask(5, 3, 1), Answer::Held);
    assert_eq!(ask(6, 4, 1), Answer::Held);
    assert_eq!(ask(7, 5, 1), Answer::Refused(Cap::KeyWaiters));
    assert_eq!(ask(8, 6, 3), Answer::Held);
    assert_eq!(ask(9, 7, 3), Answer::Refused(Cap::Waiters));
    // Who has left no longer counts.
    rig.cache.cancel(rig.now, Token(1));
    let deadline = rig.after(HOLD_MS);
    let again = rig.cache.request(
        rig.now,
        Want::Object(part(3)),
        Token(3),
        Client(1),
        deadline,
    );
    assert_eq!(again, Answer::Held);
    assert_eq!(Answer::Refused(Cap::ClientWaiters).status(), Some(429));
    assert_eq!(Answer::Refused(Cap::Waiters).status(), Some(503));
}

#[test]
fn prom_5_waiters_are_charged_and_take_no_room_from_the_window() {
    let mut rig = Rig::with(|config| {
        config.budget = 1 << 20;
        config.limits.client_waiters = u32::MAX;
    });
    for seq in 0..60 {
        rig.publish(part(seq), 16 << 10);
    }
    rig.outputs();
    let before = rig.cache.stats();
    rig.promise(part(60));
    let mut held = 0;
    while rig.ask(Want::Object(part(60))).1 == Answer::Held {
        held += 1;
    }
    let stats = rig.cache.stats();
    assert!(held > 500, "{held}");
    assert!(stats.bytes_held > before.bytes_held + held * 50);
    assert!(stats.bytes_held <= 1 << 20);
    assert_eq!(stats.evicted, before.evicted, "a crowd evicts nothing");
    assert_eq!(
        rig.ask(Want::Object(part(60))).1,
        Answer::Refused(Cap::Budget)
    );
    rig.publish(part(60), 16 << 10);
    assert_eq!(vias(&rig.outputs()).len() as u64, held);
}

#[test]
fn limit_hold_bounds_every_deadline() {
    let mut rig = Rig::with(|config| config.limits.hold = Duration::from_millis(700));
    rig.promise(part(1));
    let token = rig.hold(Want::Object(part(1)));
    rig.sleep(699);
    assert_eq!(rig.outputs(), []);
    rig.sleep(1);
    assert_eq!(rig.ready(), [(token, Answer::Expired)]);
}

#[test]
fn q01_waiters_do_not_poll() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    for _ in 0..50 {
        rig.hold(Want::Object(part(1)));
    }
    rig.now = rig.at(300);
    rig.publish(part(1), 9);
    // Nothing has to time out first: all of them are there at the same instant.
    assert_eq!(rig.ready().len(), 50);
}

#[test]
fn q15_five_hundred_viewers_are_no_more_work_than_one() {
    let mut rig = Rig::new();
    for seq in 0..20 {
        rig.promise(part(seq));
        let tokens: Vec<_> = (0..500)
            .map(|_| rig.hold(Want::Object(part(seq))))
            .collect();
        rig.publish(part(seq), 1_000);
        assert_eq!(rig.ready().len(), tokens.len());
    }
    assert_eq!(
        (rig.cache.stats().woken, rig.cache.stats().published),
        (10_000, 20)
    );
}

#[test]
fn q21_answers_are_taken_one_by_one() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    let first = rig.hold(Want::Object(part(1)));
    let second = rig.hold(Want::Object(part(1)));
    rig.publish(part(1), 9);
    assert!(matches!(rig.cache.poll_output(), Some(Output::Ready { token, .. }) if token == first));
    // Whatever happens in between, the rest is still there.
    rig.promise(part(2));
    rig.hold(Want::Object(part(2)));
    assert!(
        matches!(rig.cache.poll_output(), Some(Output::Ready { token, .. }) if token == second)
    );
    assert_eq!(rig.cache.poll_output(), None);
}

#[test]
fn q23_one_who_has_his_answer_does_not_expire() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    let token = rig.hold(Want::Object(part(1)));
    rig.publish(part(1), 9);
    rig.sleep(2 * HOLD_MS);
    let outputs = rig.outputs();
    assert_eq!(vias(&outputs), [Via::Held]);
    assert!(
        matches!(&outputs[0], Output::Ready { token: of, answer: Answer::Hit(_), .. } if *of == token)
    );
    assert_eq!(rig.cache.stats().expired, 0);
}

#[test]
fn q23_a_late_one_who_cancels_gets_nothing() {
    let mut rig = Rig::new();
    rig.promise(part(1));
    let token = rig.hold(Want::Object(part(1)));
    rig.sleep(HOLD_MS);
    rig.cache.cancel(rig.now, token);
    assert_eq!(rig.outputs(), []);
    rig.publish(part(1), 9);
    assert_eq!(rig.outputs(), []);
}

#[test]
fn q27_a_clock_that_steps_back_is_held_and_counted() {
    let mut rig = Rig::new();
    rig.sleep(1_000);
    rig.cache
        .promise(rig.at(10), part(1), rig.at(2_000))
        .unwrap();
    let answer = rig.cache.request(
        rig.at(10),
        Want::Object(part(1)),
        Token(1),
        Client(1),
        rig.at(900),
    );
    assert_eq!(
        answer,
        Answer::Expired,
        "the deadline is before the latest time seen"
    );
    assert_eq!(rig.cache.stats().clock_clamped, 2);
}

#[test]
fn q29_forty_thousand_visits_leave_nothing_behind() {
    let mut rig = Rig::new();
    let mut settled = 0;
    for visit in 0..40_000_u64 {
        let seq = visit / 100;
        if visit % 100 == 0 {
            rig.promise(part(seq));
        }
        let token = rig.hold(Want::Object(part(seq)));
        if visit % 3 == 0 {
            rig.cache.cancel(rig.now, token);
        }
        if visit % 100 == 99 {
            rig.publish(part(seq), 100);
            rig.outputs();
            rig.cache.keep_until(rig.now, part(seq), rig.after(1_000));
            rig.sleep(200);
        }
        if visit == 4_999 {
            settled = rig.cache.stats().bytes_held;
        }
    }
    let stats = rig.cache.stats();
    assert!(
        stats.bytes_held <= settled,
        "{} after {settled}",
        stats.bytes_held
    );
    assert_eq!(stats.waiters, 0);
}

#[test]
fn a_forgotten_stream_lets_everyone_go() {
    let mut rig = Rig::new();
    let other = Key::new(2, 0, Kind::Part, 1);
    rig.promise(part(1));
    rig.promise(other);
    rig.advance(crate::rig::LISTED, 1, 0);
    let tokens = [
        rig.hold(Want::Object(part(1))),
        rig.hold(listed(1, 5)),
        rig.hold(Want::current(FULL)),
    ];
    let stays = rig.hold(Want::Object(other));
    let (fill, _) = rig.fetch();
    rig.publish(part(2), 10_000);
    rig.cache.forget(rig.now, 1);
    let mut gone = rig.ready();
    gone.sort_by_key(|(token, _)| *token);
    assert_eq!(gone, tokens.map(|token| (token, Answer::Gone)));
    assert_eq!(rig.cache.state(&part(2)), State::Unknown);
    let late = rig.cache.fill(rig.now, fill, Ok(crate::rig::text(1, 0)));
    assert_eq!(late, Err(Error::UnknownFill { fill }));
    rig.publish(other, 5);
    assert_eq!(rig.ready()[0].0, stays);
    assert_eq!(
        (rig.cache.stats().objects, rig.cache.poll_timeout()),
        (1, None)
    );
}
