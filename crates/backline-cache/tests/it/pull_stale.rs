//! Fresh, stale, validated, purged.

use std::time::Duration;

use backline_cache::pull::{
    Failure, Freshness, How, Pull, PullAnswer, PullOutput, PullState, Purge, Taken, Why,
};
use backline_cache::rules::Class;
use backline_cache::{Error, FillId};
use bytes::Bytes;

use crate::pull_rig::{PullRig, body_of, copy_of, head, name, page, private, status};

fn conditional(rig: &mut PullRig) -> FillId {
    match rig.outputs().as_slice() {
        [
            PullOutput::Fetch {
                fill,
                revalidate: Some(meta),
                ..
            },
        ] => {
            assert_eq!(meta, &b"etag: 1"[..]);
            *fill
        }
        other => panic!("{other:?} instead of a conditional fetch"),
    }
}

/// STALE-1: stale while revalidate answers at once and fetches anew once, not once a viewer.
#[test]
fn stale_1_while_revalidate_answers_at_once() {
    let mut rig = PullRig::new();
    rig.stock("/page", &head(10), b"old");
    rig.sleep(10_000);
    for _ in 0..3 {
        assert_eq!(rig.hit("/page").how(), How::Stale(Why::Refreshing));
    }
    let fill = conditional(&mut rig);
    rig.head(fill, &head(10));
    rig.bytes(fill, b"new");
    assert_eq!(body_of(&rig.hit("/page")), b"old");
    rig.end(fill);
    let copy = rig.hit("/page");
    assert_eq!((body_of(&copy), copy.how()), (b"new".to_vec(), How::Fresh));
}

/// STALE-1: stale if error; the age is true; the error is told to nobody.
#[test]
fn stale_1_if_error_serves_with_true_age() {
    let mut rig = PullRig::new();
    let mut old = head(10);
    old.lifetime.age = Duration::from_secs(3);
    rig.stock("/page", &old, b"old");
    rig.sleep(50_000);
    for failure in [None, Some(Failure::Timeout)] {
        rig.hold("/page");
        let fill = conditional(&mut rig);
        match failure {
            Some(failure) => rig.pull.fill_fail(rig.now, fill, failure).unwrap(),
            None => assert_eq!(rig.head(fill, &status(503, 9)), Taken::Discard),
        }
        let copy = copy_of(rig.ready()[0].1.clone());
        assert_eq!(copy.how(), How::Stale(Why::Failing));
        assert!(copy.age(rig.now) >= Duration::from_secs(53));
        assert_eq!(copy.ttl_left(rig.now), Duration::ZERO);
        // While it is not tried again, at once.
        assert_eq!(rig.hit("/page").how(), How::Stale(Why::Failing));
        assert!(rig.outputs().is_empty());
        rig.sleep(2_000);
    }
    // Its time is over: then an error is an error.
    rig.sleep(60_000);
    rig.hold("/page");
    let fill = rig.fetch();
    rig.fail(fill);
    assert!(matches!(rig.ready()[0].1, PullAnswer::Failed(_)));
}

/// STALE-1: a slow origin is one that fails, when the deadline is there.
#[test]
fn stale_1_slow_origin_at_the_deadline() {
    let mut rig = PullRig::new();
    rig.stock("/page", &head(10), b"old");
    rig.sleep(50_000);
    rig.hold("/page");
    conditional(&mut rig);
    rig.sleep(5_000);
    let copy = copy_of(rig.ready()[0].1.clone());
    assert_eq!(copy.how(), How::Stale(Why::Slow));
}

/// RFC 9111, 5.2.2.2: an answer that must be revalidated is never served stale, whatever else it says.
#[test]
fn must_revalidate_is_never_stale() {
    let mut rig = PullRig::new();
    let mut strict = head(10);
    strict.lifetime.must_revalidate = true;
    rig.stock("/page", &strict, b"old");
    rig.sleep(10_000);
    rig.hold("/page");
    let fill = rig.fetch();
    rig.fail(fill);
    assert!(matches!(rig.ready()[0].1, PullAnswer::Failed(_)));
}

/// A rule outweighs the origin, for what is stored already too.
#[test]
fn rule_change_counts_for_what_is_stored() {
    let mut rig = PullRig::new();
    rig.treatment = page();
    rig.stock("/page", &head(1), b"page");
    rig.sleep(100_000);
    rig.treatment.ttl = Some(Duration::from_secs(600));
    rig.treatment.rule = 7;
    let copy = rig.hit("/page");
    assert_eq!((copy.how(), copy.rule()), (How::Fresh, 7));
    rig.treatment.ttl = None;
    rig.treatment.stale_while_revalidate = Some(Duration::from_secs(600));
    assert_eq!(rig.hit("/page").how(), How::Stale(Why::Refreshing));
    rig.treatment.bypass = true;
    assert!(matches!(rig.ask("/page").1, PullAnswer::Pass));
}

/// RFC 9111, 4.3.4: a 304 renews the head; the body stays the same bytes.
#[test]
fn not_modified_renews_and_wakes() {
    let mut rig = PullRig::new();
    rig.stock("/page", &head(10), b"page");
    let before = rig.hit("/page");
    rig.sleep(30_000);
    rig.hold("/page");
    let fill = conditional(&mut rig);
    let mut renewed = head(10);
    renewed.meta = Bytes::from_static(b"etag: 1, date: now");
    rig.pull.fill_fresh(rig.now, fill, &renewed).unwrap();
    let copy = copy_of(rig.ready()[0].1.clone());
    assert_eq!(copy.how(), How::Revalidated);
    assert_eq!(copy.meta(), &renewed.meta);
    assert_eq!(copy.age(rig.now), Duration::ZERO);
    assert!(copy.body().unwrap().same(before.body().unwrap()));
    assert_eq!(rig.hit("/page").how(), How::Fresh);
    assert_eq!(rig.pull.stats().class(Class::Segment).revalidated, 1);
}

/// EV-2: what was shed while the origin was asked is stored again by its word.
#[test]
fn ev_2_expired_is_kept_for_validation_until_room_is_needed() {
    let mut rig = PullRig::new();
    rig.stock("/page", &status(200, 1), b"page");
    rig.sleep(3_600_000);
    assert_eq!(rig.pull.state(&name("/page"), 0), PullState::Stale);
    rig.hold("/page");
    let outputs = rig.outputs();
    assert!(matches!(
        outputs.as_slice(),
        [PullOutput::Fetch {
            revalidate: Some(_),
            ..
        }]
    ));
}

#[test]
fn no_cache_asks_the_origin() {
    let mut rig = PullRig::new();
    rig.stock("/page", &head(10), b"page");
    let (_, answer) = rig.ask_as("/page", |ask| ask.fresh = Freshness::Revalidate);
    assert!(matches!(answer, PullAnswer::Held));
    assert_eq!(rig.hit("/page").how(), How::Fresh, "others need not wait");
    conditional(&mut rig);
}

/// What was shared may become private: then nothing is kept of it.
#[test]
fn answer_that_becomes_private_is_dropped() {
    let mut rig = PullRig::new();
    rig.stock("/page", &head(1), b"page");
    rig.sleep(5_000);
    rig.hold("/page");
    let fill = conditional(&mut rig);
    assert_eq!(rig.head(fill, &private()), Taken::Pass);
    assert_eq!(rig.pull.state(&name("/page"), 0), PullState::Pass);
}

fn stock_three(rig: &mut PullRig) {
    for path in ["/a/1", "/a/2", "/b/1"] {
        rig.stock(path, &head(10), b"body");
    }
}

#[test]
fn purge_by_name_prefix_and_all() {
    let mut rig = PullRig::new();
    stock_three(&mut rig);
    assert_eq!(rig.pull.purge(rig.now, Purge::Name(&name("/a/1"))), 1);
    assert_eq!(rig.pull.purge(rig.now, Purge::Name(&name("/a/1"))), 0);
    stock_three_rest(&mut rig);
    assert_eq!(rig.pull.purge(rig.now, Purge::Prefix("/a/")), 2);
    assert_eq!(rig.pull.state(&name("/b/1"), 0), PullState::Fresh);
    rig.pull.pin(rig.now, &name("/b/1")).unwrap();
    assert_eq!(rig.pull.purge(rig.now, Purge::All), 1);
    let stats = rig.pull.stats();
    assert_eq!((stats.entries, stats.pinned_bytes), (0, 0));
}

fn stock_three_rest(rig: &mut PullRig) {
    rig.stock("/a/1", &head(10), b"body");
}

/// What is under way when its name is purged serves those who wait and is not kept.
#[test]
fn purge_during_a_fetch_keeps_nothing_of_it() {
    let mut rig = PullRig::new();
    rig.hold("/page");
    let fill = rig.fetch();
    rig.pull.purge(rig.now, Purge::All);
    rig.head(fill, &head(10));
    rig.bytes(fill, b"old");
    rig.end(fill);
    assert_eq!(body_of(&copy_of(rig.ready()[0].1.clone())), b"old");
    rig.hold("/page");
}

#[test]
fn pinning_what_is_not_there_is_refused() {
    let mut rig = PullRig::new();
    let page = name("/page");
    assert_eq!(rig.pull.pin(rig.now, &page), Err(Error::NotStored));
    assert!(!rig.pull.unpin(rig.now, &page));
}

/// TOPO-2: counters a class; the page that says what is held.
#[test]
fn topo_2_counters_a_class_and_contents() {
    let mut rig = PullRig::new();
    rig.hold("/s1.m4s");
    rig.hold("/s1.m4s");
    rig.fill(&head(10), b"segment");
    rig.ready();
    rig.hit("/s1.m4s");
    let stats = rig.pull.stats();
    let segments = stats.class(Class::Segment);
    assert_eq!(
        (segments.held, segments.joined, segments.fetched),
        (2, 1, 1)
    );
    assert_eq!((segments.hits, segments.stored), (1, 1));
    assert_eq!(segments.fetched_bytes, 7);
    assert_eq!(stats.class(Class::Page).held, 0);
    assert_eq!(stats.classes().count(), 7);
    let kept: Vec<_> = rig.pull.contents().collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].name.as_str(), "/s1.m4s");
    assert_eq!((kept[0].hits, kept[0].status), (1, Some(200)));
    assert_eq!(kept[0].ttl_left, Duration::from_secs(10));
}

/// Quirk 24: a blocking request and a plain one are two names, whatever order they come in.
#[test]
fn q24_blocking_answer_is_not_for_a_plain_request() {
    let mut rig = PullRig::new();
    rig.stock("/m.m3u8?_HLS_msn=4", &head(10), b"blocking");
    rig.hold("/m.m3u8");
}

/// The clock of the caller may step back: ages do not.
#[test]
fn q27_clock_that_steps_back_is_held() {
    let mut rig = PullRig::new();
    rig.stock("/page", &head(10), b"page");
    rig.sleep(5_000);
    rig.now = rig.now.checked_sub(Duration::from_secs(5)).unwrap();
    rig.hit("/page");
    assert!(rig.pull.stats().clock_clamped > 0);
    let ages = |pull: &Pull| pull.contents().filter_map(|kept| kept.age).max();
    assert_eq!(ages(&rig.pull), Some(Duration::from_secs(5)));
}
