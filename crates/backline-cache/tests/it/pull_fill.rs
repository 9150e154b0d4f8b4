//! One fetch an object, whoever comes, leaves or fails.

use std::time::Duration;

use backline_cache::pull::{
    Failure, Freshness, Head, How, Lifetime, Pull, PullAnswer, PullConfig, PullOutput, PullState,
    Taken, Unit, Why,
};
use backline_cache::{BUDGET_MIN, Cap, Client, Error, Token};
use bytes::Bytes;

use crate::pull_rig::{PullRig, body_of, copy_of, head, name, private, status};

/// FILL-1: joining starts at the first request, before there is any header.
#[test]
fn fill_1_any_number_of_viewers_is_one_fetch() {
    let mut rig = PullRig::new();
    let first = rig.hold("/s1.m4s");
    let fill = rig.fetch();
    for _ in 0..298 {
        rig.hold("/s1.m4s");
    }
    assert_eq!(rig.head(fill, &head(10)), Taken::Store);
    let last = rig.hold("/s1.m4s");
    assert!(rig.outputs().is_empty(), "they take it whole");
    rig.bytes(fill, b"segment");
    rig.end(fill);
    let ready = rig.ready();
    assert_eq!(ready.len(), 300);
    assert_eq!(ready[299].0, last);
    for (token, answer) in ready {
        let copy = copy_of(answer);
        assert_eq!(body_of(&copy), b"segment");
        let how = if token == first {
            How::Fetched
        } else {
            How::Collapsed
        };
        assert_eq!(copy.how(), how);
    }
    assert_eq!(rig.hit("/s1.m4s").how(), How::Fresh);
    assert_eq!(rig.pull.stats().waiters, 0);
}

/// FILL-2, quirk 22: the fetch belongs to the store.
#[test]
fn q22_first_viewer_leaves_and_the_fetch_goes_on() {
    let mut rig = PullRig::new();
    let first = rig.hold("/s1.m4s");
    let fill = rig.fetch();
    let second = rig.hold("/s1.m4s");
    rig.pull.cancel(rig.now, first);
    rig.sleep(60);
    rig.head(fill, &head(10));
    rig.bytes(fill, b"segment");
    rig.end(fill);
    let ready = rig.ready();
    assert_eq!(ready.len(), 1);
    assert_eq!(ready[0].0, second);
}

#[test]
fn fill_2_last_viewer_leaves_and_the_fetch_ends_after_a_grace() {
    let mut rig = PullRig::new();
    let token = rig.hold("/s1.m4s");
    let fill = rig.fetch();
    rig.pull.cancel(rig.now, token);
    rig.sleep(1_900);
    assert!(rig.outputs().is_empty());
    // Somebody comes back in time: the fetch is his.
    let token = rig.hold("/s1.m4s");
    rig.sleep(1_900);
    assert!(rig.outputs().is_empty());
    rig.pull.cancel(rig.now, token);
    rig.sleep(2_000);
    let outputs = rig.outputs();
    assert!(
        matches!(outputs.as_slice(), [PullOutput::Abandon { fill: of, .. }] if *of == fill),
        "{outputs:?}"
    );
    let late = rig.pull.fill_fail(rig.now, fill, Failure::Timeout);
    assert_eq!(late, Err(Error::UnknownFill { fill }));
    assert_eq!(rig.pull.state(&name("/s1.m4s"), 0), PullState::Absent);
}

#[test]
fn fill_2_a_fetch_that_nobody_waits_for_any_more_is_not_begun() {
    let mut rig = PullRig::new();
    let token = rig.hold("/s1.m4s");
    rig.pull.cancel(rig.now, token);
    assert!(rig.outputs().is_empty());
    assert_eq!(rig.pull.stats().fills, 0);
}

/// FILL-2: prefetch wants it without any viewer; it is the first to be shed until somebody asks.
#[test]
fn fill_2_prefetch_goes_on_without_viewers() {
    let mut rig = PullRig::new();
    let treatment = rig.treatment;
    let slate = name("/slate.mp4");
    rig.pull.prefetch(rig.now, &slate, 0, &treatment).unwrap();
    rig.pull.prefetch(rig.now, &slate, 0, &treatment).unwrap();
    rig.fill(&head(10), b"slate");
    rig.pull.prefetch(rig.now, &slate, 0, &treatment).unwrap();
    assert_eq!(rig.ready().len(), 0);
    assert_eq!(body_of(&rig.hit("/slate.mp4")), b"slate");
}

/// FILL-5: all are told once, and nobody tries again before a pause.
#[test]
fn fill_5_failure_fans_out_once_and_the_next_try_waits() {
    let mut rig = PullRig::new();
    for _ in 0..50 {
        rig.hold("/s1.m4s");
    }
    let fill = rig.fetch();
    rig.fail(fill);
    let ready = rig.ready();
    assert_eq!(ready.len(), 50);
    for (_, answer) in &ready {
        assert!(matches!(answer, PullAnswer::Failed(Failure::Timeout)));
        assert_eq!(answer.status(), Some(504));
    }
    // The pause is at least three quarters of 500 ms and doubles.
    rig.sleep(370);
    assert!(matches!(rig.ask("/s1.m4s").1, PullAnswer::Failed(_)));
    rig.sleep(260);
    rig.hold("/s1.m4s");
    let fill = rig.fetch();
    rig.fail(fill);
    rig.ready();
    rig.sleep(740);
    assert!(matches!(rig.ask("/s1.m4s").1, PullAnswer::Failed(_)));
    rig.sleep(520);
    rig.hold("/s1.m4s");
    // What is stored ends the row.
    rig.fill(&head(10), b"segment");
    assert_eq!(rig.ready().len(), 1);
}

/// FILL-5: pauses are spread by the caller's randomness.
#[test]
fn fill_5_pauses_differ_by_seed() {
    let pause = |seed| {
        let mut rig = PullRig::with(|config| config.seed = seed);
        rig.hold("/s1.m4s");
        let fill = rig.fetch();
        rig.fail(fill);
        rig.ready();
        let mut slept = 0;
        while matches!(rig.ask("/s1.m4s").1, PullAnswer::Failed(_)) {
            rig.sleep(1);
            slept += 1;
        }
        slept
    };
    let pauses: Vec<u64> = (0..8).map(pause).collect();
    assert!(pauses.iter().all(|pause| (375..=626).contains(pause)));
    assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
}

/// Quirk 4: nobody waits behind another for what may not be shared, the next minute neither.
#[test]
fn q4_private_answers_go_to_their_own_viewers_without_waiting() {
    let mut rig = PullRig::new();
    let first = rig.hold("/account");
    let fill = rig.fetch();
    let second = rig.hold("/account");
    assert_eq!(rig.head(fill, &private()), Taken::Pass);
    let ready = rig.ready();
    assert!(matches!(ready[0], (token, PullAnswer::Pass) if token == second));
    assert!(matches!(ready[1], (token, PullAnswer::Own(own)) if token == first && own == fill));
    for _ in 0..3 {
        assert!(matches!(rig.ask("/account").1, PullAnswer::Pass));
    }
    assert_eq!(rig.pull.state(&name("/account"), 0), PullState::Pass);
    rig.sleep(61_000);
    rig.hold("/account");
}

/// A private answer goes to nobody but who asked for it: not to the next one when he has left.
#[test]
fn q4_private_answer_of_one_who_left_goes_to_nobody() {
    let mut rig = PullRig::new();
    let first = rig.hold("/account");
    let fill = rig.fetch();
    let second = rig.hold("/account");
    rig.pull.cancel(rig.now, first);
    assert_eq!(rig.head(fill, &private()), Taken::Discard);
    let ready = rig.ready();
    assert!(matches!(ready.as_slice(), [(token, PullAnswer::Pass)] if *token == second));
}

/// An origin in trouble is not asked by all who waited: the failure fans out.
#[test]
fn fill_5_unshareable_error_of_the_origin_is_no_reason_to_storm_it() {
    let mut rig = PullRig::new();
    rig.hold("/s1.m4s");
    let fill = rig.fetch();
    rig.hold("/s1.m4s");
    let mut error = private();
    error.status = 503;
    assert_eq!(rig.head(fill, &error), Taken::Pass);
    let ready = rig.ready();
    assert!(matches!(
        ready[0].1,
        PullAnswer::Failed(Failure::Status(503))
    ));
    assert!(matches!(ready[1].1, PullAnswer::Own(_)));
    assert_eq!(rig.ask("/s1.m4s").1.status(), Some(503));
}

/// `Vary`: who waits for another variant asks anew; each variant is kept.
#[test]
fn vary_selects_and_who_waited_for_another_variant_asks_again() {
    let mut rig = PullRig::new();
    rig.hold("/page");
    let fill = rig.fetch();
    let other = rig.hold("/page");
    let mut german = head(10);
    (german.vary, german.variant) = (Some(Bytes::from_static(b"accept-language")), 49);
    rig.head(fill, &german);
    let ready = rig.ready();
    assert!(matches!(ready.as_slice(), [(token, PullAnswer::Again)] if *token == other));
    assert_eq!(
        rig.pull.vary(&name("/page")).unwrap(),
        &b"accept-language"[..]
    );
    rig.bytes(fill, b"Hallo");
    rig.end(fill);
    rig.ready();
    // The same variant is a hit, another one is fetched beside it.
    let (_, answer) = rig.ask_as("/page", |ask| ask.variant = 49);
    assert_eq!(body_of(&copy_of(answer)), b"Hallo");
    rig.ask_as("/page", |ask| ask.variant = 44);
    let mut english = german.clone();
    english.variant = 44;
    rig.fill(&english, b"Hello");
    rig.ready();
    for (variant, body) in [(44, "Hello"), (49, "Hallo")] {
        let (_, answer) = rig.ask_as("/page", |ask| ask.variant = variant);
        assert_eq!(body_of(&copy_of(answer)), body.as_bytes());
    }
    // What selects changes: what was selected otherwise is of no use.
    rig.ask_as("/page", |ask| ask.variant = 7);
    let mut plain = head(10);
    plain.vary = None;
    rig.fill(&plain, b"for all");
    rig.ready();
    assert_eq!(rig.pull.state(&name("/page"), 44), PullState::Absent);
    assert_eq!(rig.pull.state(&name("/page"), 0), PullState::Fresh);
}

#[test]
fn variants_are_capped_and_the_oldest_goes() {
    let mut rig = PullRig::with(|config| config.limits.variants = 2);
    let selected = |variant| {
        let mut head = head(10);
        (head.vary, head.variant) = (Some(Bytes::from_static(b"cookie")), variant);
        head
    };
    for variant in 1..=3 {
        rig.ask_as("/page", |ask| ask.variant = variant);
        rig.fill(&selected(variant), b"page");
        rig.ready();
    }
    let page = name("/page");
    assert_eq!(rig.pull.state(&page, 1), PullState::Absent);
    assert_eq!(rig.pull.state(&page, 3), PullState::Fresh);
    // Those that are being fetched cannot go.
    rig.ask_as("/other", |ask| ask.variant = 1);
    rig.ask_as("/other", |ask| ask.variant = 2);
    let (_, answer) = rig.ask_as("/other", |ask| ask.variant = 3);
    assert!(matches!(answer, PullAnswer::Refused(Cap::Variants)));
    let (other, treatment) = (name("/other"), rig.treatment);
    let error = rig.pull.prefetch(rig.now, &other, 9, &treatment);
    assert_eq!(error, Err(Error::Variants { most: 2 }));
}

/// Quirk 12: an error that the origin gives no time is not kept, but those who waited share it.
#[test]
fn q12_error_without_lifetime_is_shared_and_not_kept() {
    let mut rig = PullRig::new();
    rig.hold("/s9.m4s");
    rig.hold("/s9.m4s");
    rig.fill(&status(404, 0), b"no");
    for (_, answer) in rig.ready() {
        assert_eq!(copy_of(answer).status(), 404);
    }
    rig.hold("/s9.m4s");
    rig.fill(&status(404, 2), b"no");
    rig.ready();
    let copy = rig.hit("/s9.m4s");
    assert_eq!((copy.status(), copy.how()), (404, How::Negative));
    rig.sleep(2_000);
    rig.hold("/s9.m4s");
}

#[test]
fn deadline_passes_and_the_fetch_goes_on() {
    let mut rig = PullRig::new();
    let token = rig.hold("/s1.m4s");
    let fill = rig.fetch();
    rig.sleep(5_000);
    let ready = rig.ready();
    assert!(matches!(ready.as_slice(), [(late, PullAnswer::Expired)] if *late == token));
    rig.head(fill, &head(10));
    rig.bytes(fill, b"segment");
    rig.end(fill);
    assert_eq!(rig.hit("/s1.m4s").how(), How::Fresh);
}

#[test]
fn only_if_cached_never_fetches() {
    let mut rig = PullRig::new();
    let cached = |rig: &mut PullRig| {
        rig.ask_as("/s1.m4s", |ask| ask.fresh = Freshness::OnlyIfCached)
            .1
    };
    assert!(matches!(cached(&mut rig), PullAnswer::Absent));
    rig.stock("/s1.m4s", &head(10), b"segment");
    assert!(matches!(cached(&mut rig), PullAnswer::Hit(_)));
    rig.sleep(10_000);
    assert_eq!(cached(&mut rig).status(), Some(504));
    assert!(rig.outputs().is_empty());
}

#[test]
fn body_shorter_than_declared_is_a_failure() {
    let mut rig = PullRig::new();
    rig.hold("/s1.m4s");
    let fill = rig.fetch();
    let mut head = head(10);
    head.length = Some(100);
    rig.head(fill, &head);
    rig.bytes(fill, b"half");
    let short = Error::ShortFill {
        fill,
        bytes: 4,
        declared: 100,
    };
    assert_eq!(rig.pull.fill_end(rig.now, fill), Err(short));
    assert!(matches!(rig.ready()[0].1, PullAnswer::Failed(_)));
    assert_eq!(rig.pull.state(&name("/s1.m4s"), 0), PullState::Failing);
}

#[test]
fn body_longer_than_declared_or_allowed_is_a_failure() {
    let mut rig = PullRig::with(|config| config.limits.segment_bytes = 1_000);
    for (declared, most) in [(Some(3), 3), (None, 1_000)] {
        let path = format!("/{most}.m4s");
        rig.hold(&path);
        let fill = rig.fetch();
        let mut head = head(10);
        head.length = declared;
        rig.head(fill, &head);
        let error = rig
            .pull
            .fill_bytes(rig.now, fill, &Bytes::from(vec![7; 1_001]));
        let expected = Error::TooLargeFill {
            fill,
            bytes: 1_001,
            most,
        };
        assert_eq!(error, Err(expected));
        assert!(matches!(rig.ready()[0].1, PullAnswer::Failed(_)));
        assert!(matches!(rig.ask(&path).1, PullAnswer::Pass));
    }
    // One that says so beforehand goes to its viewer past the store.
    rig.hold("/large.m4s");
    let fill = rig.fetch();
    let mut large = head(10);
    large.length = Some(1_001);
    assert_eq!(rig.head(fill, &large), Taken::Pass);
}

#[test]
fn what_is_said_of_a_fetch_out_of_order_is_refused() {
    let mut rig = PullRig::new();
    rig.hold("/s1.m4s");
    let fill = rig.fetch();
    let out_of_order = Error::FillOrder { fill };
    let bytes = Bytes::from_static(b"early");
    assert_eq!(
        rig.pull.fill_bytes(rig.now, fill, &bytes),
        Err(out_of_order.clone())
    );
    rig.head(fill, &head(10));
    assert_eq!(
        rig.pull.fill_head(rig.now, fill, &head(10)),
        Err(out_of_order)
    );
    rig.fail(fill);
    let unknown = Err(Error::UnknownFill { fill });
    assert_eq!(rig.pull.fill_end(rig.now, fill), unknown);
    rig.sleep(1_000);
    rig.hold("/s2.m4s");
    rig.ready_or_fetch();
}

#[test]
fn not_modified_without_condition_is_a_failure() {
    let mut rig = PullRig::new();
    rig.hold("/s1.m4s");
    let fill = rig.fetch();
    let error = rig.pull.fill_fresh(rig.now, fill, &head(10));
    assert_eq!(error, Err(Error::Unconditional { fill }));
    assert!(matches!(rig.ready()[0].1, PullAnswer::Failed(_)));
}

#[test]
fn fetches_under_way_are_capped() {
    let mut rig = PullRig::with(|config| config.limits.fills = 2);
    rig.hold("/1");
    rig.hold("/2");
    assert!(matches!(rig.ask("/3").1, PullAnswer::Refused(Cap::Fills)));
    rig.hold("/2");
    let treatment = rig.treatment;
    let error = rig.pull.prefetch(rig.now, &name("/3"), 0, &treatment);
    assert_eq!(error, Err(Error::Fills { most: 2 }));
}

/// Waiters are capped in all, for a client and for a fetch; a token that waits cannot wait twice.
#[test]
fn prom_5_waiters_are_capped() {
    let mut rig = PullRig::with(|config| {
        config.limits.waiters = 6;
        config.limits.client_waiters = 2;
        config.limits.key_waiters = 3;
    });
    let treatment = rig.treatment;
    let mut ask = |path: &str, token: u64, client: u64| {
        let name = name(path);
        let ask = backline_cache::pull::Ask::new(&name, &treatment);
        let until = rig.now + Duration::from_secs(1);
        rig.pull
            .request(rig.now, &ask, Token(token), Client(client), until)
    };
    let held = |answer| assert!(matches!(answer, PullAnswer::Held), "{answer:?}");
    let refused = |answer, cap| {
        assert!(
            matches!(answer, PullAnswer::Refused(of) if of == cap),
            "{answer:?}"
        );
    };
    held(ask("/1", 1, 1));
    refused(ask("/1", 1, 1), Cap::TokenInUse);
    held(ask("/1", 2, 1));
    refused(ask("/1", 3, 1), Cap::ClientWaiters);
    held(ask("/1", 4, 2));
    refused(ask("/1", 5, 3), Cap::KeyWaiters);
    held(ask("/2", 6, 3));
    held(ask("/2", 7, 3));
    held(ask("/3", 8, 4));
    refused(ask("/4", 9, 5), Cap::Waiters);
}

/// Cache busting by noise in queries: one client causes so many fetches a minute, and others are not refused for it.
#[test]
fn new_names_of_one_client_are_capped() {
    let mut rig = PullRig::with(|config| {
        config.limits.new_names = 3;
        config.limits.client_waiters = 100;
    });
    let treatment = rig.treatment;
    let mut ask = |ms: u64, index: u64, client: u64| {
        let name = name(&format!("/page?bust={index}"));
        let ask = backline_cache::pull::Ask::new(&name, &treatment);
        let now = rig.now + Duration::from_millis(ms);
        let until = now + Duration::from_secs(1);
        rig.pull
            .request(now, &ask, Token(index), Client(client), until)
    };
    for index in 0..3 {
        assert!(matches!(ask(0, index, 7), PullAnswer::Held));
    }
    let answer = ask(0, 3, 7);
    assert!(matches!(answer, PullAnswer::Refused(Cap::NewNames)));
    assert_eq!(answer.status(), Some(429));
    assert!(matches!(ask(0, 4, 8), PullAnswer::Held));
    assert!(matches!(ask(60_000, 5, 7), PullAnswer::Held));
}

/// A page made here, or recovered, answers those who wait and ends their fetch.
#[test]
fn insert_answers_who_waits_and_ends_the_fetch() {
    let mut rig = PullRig::new();
    rig.hold("/index.m3u8");
    let fill = rig.fetch();
    let treatment = rig.treatment;
    let (index, body) = (name("/index.m3u8"), Bytes::from_static(b"#EXTM3U"));
    rig.pull
        .insert(rig.now, &index, &head(10), &body, &treatment)
        .unwrap();
    let outputs = rig.outputs();
    assert!(
        matches!(outputs[0], PullOutput::Abandon { fill: of, .. } if of == fill),
        "{outputs:?}"
    );
    assert!(matches!(outputs[1], PullOutput::Ready { .. }));
    assert_eq!(body_of(&rig.hit("/index.m3u8")), b"#EXTM3U");
    let large = Bytes::from(vec![0; (64 << 20) + 1]);
    let error = rig
        .pull
        .insert(rig.now, &index, &head(10), &large, &treatment);
    assert!(
        matches!(error, Err(Error::NameTooLarge { .. })),
        "{error:?}"
    );
}

/// Without a way to the origin nobody waits for it: what is stored, or an answer at once.
#[test]
fn stale_without_uplink_everything_is_answered_at_once() {
    let mut rig = PullRig::new();
    rig.stock("/page", &head(10), b"page");
    rig.pull.set_uplink(rig.now, false);
    rig.sleep(50_000);
    assert_eq!(rig.hit("/page").how(), How::Stale(Why::Uplink));
    let (_, answer) = rig.ask("/new");
    assert!(matches!(answer, PullAnswer::Failed(Failure::Unreachable)));
    assert!(rig.outputs().is_empty());
    rig.pull.set_uplink(rig.now, true);
    rig.hold("/new");
}

/// Objects for the disk tier are told once, when they are whole; errors are not.
#[test]
fn disk_objects_are_told_when_whole() {
    let mut rig = PullRig::new();
    rig.treatment.disk = true;
    rig.hold_for("/s1.m4s", Unit::Any);
    let fill = rig.fetch();
    rig.head(fill, &head(10));
    rig.bytes(fill, b"segment");
    assert!(rig.outputs().iter().all(|output| !stored(output)));
    rig.end(fill);
    let outputs = rig.outputs();
    assert_eq!(outputs.iter().filter(|output| stored(output)).count(), 1);
    rig.hold("/s2.m4s");
    rig.fill(&status(404, 9), b"");
    assert!(rig.outputs().iter().all(|output| !stored(output)));
}

fn stored(output: &PullOutput) -> bool {
    matches!(output, PullOutput::Stored { .. })
}

#[test]
fn limits_too_small_are_refused() {
    let now = crate::rig::epoch();
    let refused = |change: fn(&mut PullConfig)| {
        let mut config = PullConfig::default();
        change(&mut config);
        match Pull::new(config, now) {
            Err(Error::Limit { limit, .. }) => limit,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(|config| config.budget = BUDGET_MIN - 1), "budget");
    assert_eq!(refused(|config| config.limits.fills = 0), "fills");
    assert_eq!(
        refused(|config| config.pinned_percent = 26),
        "100 - pinned_percent"
    );
    assert_eq!(
        refused(|config| config.retry_min = Duration::ZERO),
        "retry_min (ms)"
    );
}

impl PullRig {
    fn ready_or_fetch(&mut self) {
        assert!(!self.outputs().is_empty());
    }
}

/// A head larger than its cap is not kept; its answer goes past the store.
#[test]
fn heads_are_capped() {
    let mut rig = PullRig::with(|config| config.limits.meta_bytes = 10);
    rig.hold("/page");
    let fill = rig.fetch();
    let lifetime = Lifetime::fresh_for(Duration::from_secs(1));
    let large = Head::new(200, lifetime, Bytes::from_static(b"eleven bytes"));
    assert_eq!(rig.head(fill, &large), Taken::Pass);
}
