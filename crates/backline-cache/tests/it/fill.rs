//! Documents: one fetch for everyone, and edges.

use backline_cache::{
    Answer, Cap, Client, Document, Error, Fresh, Output, Point, SERIES_MAX, Series, Token, Via,
    Want,
};
use bytes::Bytes;

use crate::rig::{
    CLOSED, DELTA, FULL, HOLD_MS, LISTED, Rig, body_of, listed, part, read, text, vias,
};

#[test]
fn fill_1_one_fetch_for_all_who_wait() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    let plain: Vec<_> = (0..250).map(|_| rig.hold(Want::current(FULL))).collect();
    let blocked: Vec<_> = (0..250).map(|_| rig.hold(listed(7, 1))).collect();
    rig.advance(LISTED, 7, 1);
    let (fill, want) = rig.fetch();
    assert_eq!(want, Want::current(FULL));
    // Those who come while it is made join it.
    let late = rig.hold(listed(7, 1));
    assert_eq!(rig.outputs(), []);
    rig.cache.fill(rig.now, fill, Ok(text(7, 1))).unwrap();
    let ready = rig.ready();
    assert_eq!(ready.len(), plain.len() + blocked.len() + 1);
    assert!(ready.iter().any(|(token, _)| *token == late));
    assert!(
        ready
            .iter()
            .all(|(_, answer)| body_of(answer).same(body_of(&ready[0].1)))
    );
    assert_eq!(
        (rig.cache.stats().fetched, rig.cache.stats().collapsed),
        (1, 500)
    );
    // And those who come after it hit.
    assert_eq!(read(&rig.ask(listed(7, 1)).1), "#EXTM3U 7.1");
}

#[test]
fn q02_q03_joining_starts_with_the_first_request() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    for _ in 0..50 {
        rig.hold(Want::current(FULL));
    }
    let outputs = rig.outputs();
    assert!(matches!(outputs[..], [Output::Fetch { .. }]), "{outputs:?}");
}

#[test]
fn q14_a_version_is_made_once_however_many_ask() {
    let mut rig = Rig::new();
    for minor in 0..20 {
        rig.advance(LISTED, 1, minor);
        for _ in 0..25 {
            if rig.ask(Want::current(FULL)).1 == Answer::Held && rig.cache.stats().fetched <= minor
            {
                rig.fetch_and_fill(1, minor);
            }
        }
        rig.outputs();
    }
    assert_eq!(rig.cache.stats().fetched, 20);
}

#[test]
fn fill_2_q22_the_first_viewer_leaves_and_the_fetch_goes_on() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 1, 0);
    let first = rig.hold(Want::current(FULL));
    let (fill, _) = rig.fetch();
    let second = rig.hold(Want::current(FULL));
    rig.cache.cancel(rig.now, first);
    rig.cache.fill(rig.now, fill, Ok(text(1, 0))).unwrap();
    assert_eq!(
        rig.ready()
            .iter()
            .map(|(token, _)| *token)
            .collect::<Vec<_>>(),
        [second]
    );
}

#[test]
fn fill_2_when_all_have_left_nothing_is_fetched() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 1, 0);
    let only = rig.hold(Want::current(FULL));
    rig.cache.cancel(rig.now, only);
    assert_eq!(rig.outputs(), []);
    rig.hold(Want::current(FULL));
    rig.fetch_and_fill(1, 0);
    assert_eq!(rig.ready().len(), 1);
}

#[test]
fn fill_2_when_all_have_left_under_way_the_document_is_kept() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 1, 0);
    let only = rig.hold(Want::current(FULL));
    let (fill, _) = rig.fetch();
    rig.cache.cancel(rig.now, only);
    rig.cache.fill(rig.now, fill, Ok(text(1, 0))).unwrap();
    assert_eq!(read(&rig.ask(Want::current(FULL)).1), "#EXTM3U 1.0");
}

#[test]
fn fill_4_a_document_satisfies_everyone_at_or_below_its_edges() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    let below = [
        rig.hold(listed(7, 1)),
        rig.hold(listed(7, 3)),
        rig.hold(listed(8, 0)),
    ];
    let closed = rig.hold(Want::reached(FULL, CLOSED, Point::new(8, 0)));
    let above = rig.hold(listed(8, 1));
    assert_eq!(rig.outputs(), []);
    rig.advance(LISTED, 8, 0);
    rig.fetch_and_fill(8, 0);
    let mut ready: Vec<_> = rig.ready().iter().map(|(token, _)| *token).collect();
    ready.sort();
    assert_eq!(ready, [below[0], below[1], below[2], closed]);
    rig.advance(LISTED, 8, 1);
    rig.fetch_and_fill(8, 1);
    assert_eq!(rig.ready()[0].0, above);
}

#[test]
fn fill_4_what_comes_too_early_is_made_again_for_those_above_it() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    let plain = rig.hold(Want::current(FULL));
    let (fill, _) = rig.fetch();
    let next = rig.hold(listed(7, 1));
    // The edge moves while the fetch is under way.
    rig.advance(LISTED, 7, 1);
    rig.cache.fill(rig.now, fill, Ok(text(7, 0))).unwrap();
    let outputs = rig.outputs();
    let [Output::Fetch { fill, .. }, Output::Ready { token, .. }] = outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(token, plain);
    rig.cache.fill(rig.now, fill, Ok(text(7, 1))).unwrap();
    let ready = rig.ready();
    assert_eq!(
        (ready[0].0, read(&ready[0].1)),
        (next, "#EXTM3U 7.1".to_owned())
    );
}

#[test]
fn fill_4_a_version_that_lacks_its_edge_spins_no_loop() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    rig.advance(LISTED, 7, 1);
    let token = rig.hold(listed(7, 1));
    rig.fetch_and_fill(7, 0);
    assert_eq!(
        rig.outputs(),
        [],
        "the same version again would lack it again"
    );
    rig.advance(LISTED, 7, 2);
    rig.fetch_and_fill(7, 2);
    assert_eq!(rig.ready()[0].0, token);
}

#[test]
fn fill_4_edges_that_come_with_a_document_move_the_rendition() {
    let mut rig = Rig::new();
    rig.cache.outdate(rig.now, 1, 0).unwrap();
    rig.hold(Want::current(DELTA));
    rig.fetch_and_fill(7, 0);
    rig.outputs();
    rig.hold(Want::current(FULL));
    let ahead = rig.hold(Want::reached(DELTA, LISTED, Point::new(8, 0)));
    rig.fetch_and_fill(8, 0);
    // The full form came to 8.0: the delta is outdated, and someone waits for it.
    let outputs = rig.outputs();
    let [Output::Fetch { fill, want, .. }, Output::Ready { .. }] = outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(want, Want::current(DELTA));
    rig.cache.fill(rig.now, fill, Ok(text(8, 0))).unwrap();
    assert_eq!(rig.ready()[0].0, ahead);
    assert_eq!(rig.cache.stats().documents, 2);
}

#[test]
fn fill_5_a_failure_fans_out_once() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    let due = [rig.hold(Want::current(FULL)), rig.hold(listed(7, 0))];
    let above = rig.hold(listed(7, 1));
    let (fill, _) = rig.fetch();
    rig.cache.fill(rig.now, fill, Err(502)).unwrap();
    assert_eq!(rig.ready(), due.map(|token| (token, Answer::Failed(502))));
    assert_eq!(
        rig.cache.fill(rig.now, fill, Err(502)),
        Err(Error::UnknownFill { fill })
    );
    rig.hold(Want::current(FULL));
    rig.fetch_and_fill(7, 0);
    assert_eq!(rig.ready().len(), 1);
    rig.advance(LISTED, 7, 1);
    rig.fetch_and_fill(7, 1);
    assert_eq!(rig.ready()[0].0, above);
}

#[test]
fn q10_a_held_request_is_not_answered_early() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    rig.hold(Want::current(FULL));
    rig.fetch_and_fill(7, 0);
    rig.outputs();
    let token = rig.hold(listed(7, 1));
    rig.cache.outdate(rig.now, 1, 0).unwrap();
    rig.advance(CLOSED, 7, 0);
    rig.advance(LISTED, 6, 9);
    assert_eq!(rig.outputs(), []);
    rig.advance(LISTED, 7, 1);
    rig.fetch_and_fill(7, 1);
    assert_eq!(rig.ready()[0].0, token);
}

#[test]
fn q24_a_plain_request_gets_the_current_version() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    rig.hold(listed(7, 0));
    rig.fetch_and_fill(7, 0);
    rig.outputs();
    rig.advance(LISTED, 7, 1);
    assert_eq!(rig.cache.get_document(&FULL), None);
    assert_eq!(rig.outputs(), [], "nobody wants it yet");
    rig.hold(Want::current(FULL));
    rig.fetch_and_fill(7, 1);
    assert_eq!(read(&rig.ready()[0].1), "#EXTM3U 7.1");
    assert_eq!(rig.cache.get_document(&FULL).unwrap().len(), 11);
}

#[test]
fn q13_an_empty_document_is_a_failure() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    let token = rig.hold(Want::current(FULL));
    let (fill, _) = rig.fetch();
    let refused = rig.cache.fill(rig.now, fill, Ok(Fresh::new(Bytes::new())));
    assert_eq!(refused, Err(Error::EmptyFill { fill }));
    assert_eq!(rig.ready(), [(token, Answer::Failed(503))]);
}

#[test]
fn limit_document_bytes() {
    let mut rig = Rig::with(|config| config.limits.document_bytes = 20);
    rig.advance(LISTED, 7, 0);
    let token = rig.hold(Want::current(FULL));
    let (fill, _) = rig.fetch();
    let fresh = text(7, 0).with_gzip(Some(Bytes::from_static(&[0; 21])));
    let refused = rig.cache.fill(rig.now, fill, Ok(fresh));
    assert_eq!(
        refused,
        Err(Error::TooLargeFill {
            fill,
            bytes: 21,
            most: 20
        })
    );
    assert_eq!(rig.ready(), [(token, Answer::Failed(503))]);
}

#[test]
fn limit_forms_and_points() {
    let mut rig = Rig::with(|config| {
        config.limits.forms = 1;
        config.limits.points = 2;
    });
    rig.advance(LISTED, 7, 0);
    rig.hold(listed(7, 1));
    assert_eq!(rig.ask(Want::current(DELTA)).1, Answer::Refused(Cap::Forms));
    let leaves = rig.hold(listed(7, 2));
    assert_eq!(rig.ask(listed(7, 3)).1, Answer::Refused(Cap::Points));
    // A point that is waited for already takes more, and what is current is no point.
    rig.hold(listed(7, 1));
    rig.hold(Want::current(FULL));
    assert_eq!(rig.ask(listed(7, 4)).1, Answer::Refused(Cap::Points));
    rig.cache.cancel(rig.now, leaves);
    rig.hold(listed(7, 4));
}

#[test]
fn a_series_that_does_not_exist_is_refused() {
    let mut rig = Rig::new();
    let series = Series(SERIES_MAX);
    let refused = rig.cache.advance(rig.now, 1, 0, series, Point::new(1, 0));
    assert_eq!(refused, Err(Error::Series { series }));
    assert_eq!(refused.unwrap_err().to_string(), "series 4 is not below 4");
    assert_eq!(rig.ask(Want::current(FULL)).1, Answer::Unknown);
    // Nobody can reach it, so that who waits for it is answered by his deadline.
    rig.advance(LISTED, 1, 0);
    let token = rig.hold(Want::reached(FULL, series, Point::new(0, 0)));
    rig.sleep(HOLD_MS);
    assert_eq!(rig.ready(), [(token, Answer::Expired)]);
}

#[test]
fn waiters_of_a_document_expire_and_leave_their_point() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    let token = rig.hold(listed(9, 0));
    rig.sleep(HOLD_MS);
    assert_eq!(rig.ready(), [(token, Answer::Expired)]);
    rig.advance(LISTED, 9, 0);
    assert_eq!(rig.outputs(), [], "nobody waits for it");
}

#[test]
fn key_waiters_counts_all_points_of_a_document() {
    let mut rig = Rig::with(|config| config.limits.key_waiters = 2);
    rig.advance(LISTED, 7, 0);
    let first = rig.hold(listed(7, 1));
    rig.hold(listed(7, 2));
    assert_eq!(rig.ask(listed(7, 3)).1, Answer::Refused(Cap::KeyWaiters));
    rig.cache.cancel(rig.now, first);
    rig.hold(listed(7, 3));
    rig.advance(LISTED, 7, 2);
    rig.fetch_and_fill(7, 2);
    assert_eq!(rig.ready().len(), 1);
    rig.hold(listed(7, 4));
}

#[test]
fn finish_answers_everyone_with_the_last_version() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    let tokens = [rig.hold(listed(7, 1)), rig.hold(listed(9, 0))];
    rig.cache.finish(rig.now, 1);
    rig.fetch_and_fill(7, 0);
    let ready = rig.ready();
    assert_eq!(
        ready.iter().map(|(token, _)| *token).collect::<Vec<_>>(),
        tokens
    );
    // A point that never comes is answered at once, by what is there.
    assert!(matches!(rig.ask(listed(100, 0)).1, Answer::Hit(_)));
    // Another stream has not ended.
    rig.cache.outdate(rig.now, 2, 0).unwrap();
    rig.hold(Want::reached(
        Document::new(2, 0, 0),
        LISTED,
        Point::new(1, 0),
    ));
    assert_eq!(rig.outputs(), []);
}

#[test]
fn finish_keeps_the_documents_under_pressure() {
    let mut rig = Rig::with(|config| config.budget = 1 << 20);
    rig.advance(LISTED, 7, 0);
    rig.hold(Want::current(FULL));
    rig.fetch_and_fill(7, 0);
    rig.cache.finish(rig.now, 1);
    rig.hold(Want::current(FULL));
    let outputs = rig.outputs();
    let [Output::Fetch { fill, .. }, Output::Ready { .. }] = outputs[..] else {
        panic!("{outputs:?}")
    };
    rig.cache.fill(rig.now, fill, Ok(text(7, 0))).unwrap();
    for seq in 0..60 {
        rig.publish(part(seq), 64 << 10);
    }
    assert_eq!(read(&rig.ask(Want::current(FULL)).1), "#EXTM3U 7.0");
}

#[test]
fn advancing_after_the_end_opens_the_stream_again() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    rig.cache.finish(rig.now, 1);
    rig.advance(LISTED, 8, 0);
    rig.hold(listed(8, 1));
    assert_eq!(rig.outputs(), []);
}

#[test]
fn a_last_version_that_comes_after_the_stream_was_opened_again_is_not_the_last() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    let plain = rig.hold(Want::current(FULL));
    rig.cache.finish(rig.now, 1);
    let (fill, _) = rig.fetch();
    rig.advance(LISTED, 8, 0);
    let next = rig.hold(listed(8, 1));
    rig.cache.fill(rig.now, fill, Ok(text(7, 0))).unwrap();
    let ready = rig.ready();
    assert_eq!(
        ready.iter().map(|(token, _)| *token).collect::<Vec<_>>(),
        [plain]
    );
    rig.advance(LISTED, 8, 1);
    rig.fetch_and_fill(8, 1);
    assert_eq!(rig.ready()[0].0, next);
}

#[test]
fn gzip_and_age_come_with_the_document() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    rig.hold(Want::current(FULL));
    let (fill, _) = rig.fetch();
    let mut fresh = text(7, 0).with_gzip(Some(Bytes::from_static(b"squeezed")));
    fresh.age = std::time::Duration::from_secs(3);
    rig.cache.fill(rig.now, fill, Ok(fresh)).unwrap();
    let outputs = rig.outputs();
    assert_eq!(vias(&outputs), [Via::Fetched]);
    rig.sleep(2_000);
    let (_, answer) = rig.ask(Want::current(FULL));
    let body = body_of(&answer);
    assert_eq!(body.gzip().unwrap().as_ref(), b"squeezed");
    // q26: the age of the tier above is not reset.
    assert_eq!(body.age(rig.now).as_secs(), 5);
}

#[test]
fn a_token_may_be_used_again_once_it_has_come_back() {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    for minor in 1..4 {
        let deadline = rig.after(HOLD_MS);
        let held = rig
            .cache
            .request(rig.now, listed(7, minor), Token(5), Client(5), deadline);
        assert_eq!(held, Answer::Held);
        rig.advance(LISTED, 7, minor);
        rig.fetch_and_fill(7, minor);
        assert_eq!(rig.ready()[0].0, Token(5));
    }
}
