//! The room's air, urgency and prefetch, from what players say.

use std::time::{Duration, Instant};

use backline_cache::cmcd::Cmcd;
use backline_cache::crowd::{Config, Crowd, Uplink, next_objects, urgency};
use backline_cache::{Client, Limits};

use crate::rig::epoch;

fn read(text: &str) -> Cmcd {
    Cmcd::from_lines([text.as_bytes()], &Limits::default())
}

fn room(capacity_kbps: u64, limits: Limits) -> (Crowd, Instant) {
    let now = epoch();
    let mut config = Config::default();
    config.capacity_kbps = Some(capacity_kbps);
    (Crowd::new(config, limits, now), now)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Each of `viewers` says what it needs.
fn all_say(crowd: &mut Crowd, now: Instant, viewers: u64, rtp: u64) {
    for viewer in 0..viewers {
        let said = read(&format!("rtp={rtp},sid=\"{viewer}\""));
        crowd.observe(now, Client(viewer), &said);
    }
}

#[test]
fn cm_4_two_seconds_above_80_percent_saturate_the_air() {
    let (mut crowd, start) = room(10_000, Limits::default());
    all_say(&mut crowd, start, 4, 2_000);
    // 80 per cent are not above 80 per cent.
    assert_eq!(
        (crowd.air().load_percent, crowd.air().viewers),
        (Some(80), 4)
    );
    crowd.handle_timeout(start + ms(5_000));
    assert!(!crowd.air().is_saturated);

    let from = start + ms(6_000);
    crowd.observe(from, Client(4), &read("rtp=100,sid=\"late\""));
    assert_eq!(crowd.poll_timeout(), Some(from + ms(2_000)));
    crowd.handle_timeout(from + ms(1_999));
    assert!(!crowd.air().is_saturated && crowd.air().share_kbps.is_none());
    crowd.handle_timeout(from + ms(2_000));
    let air = crowd.air();
    assert!(air.is_saturated);
    assert_eq!((air.demand_kbps, air.share_kbps), (8_100, Some(1_600)));
}

#[test]
fn cm_4_a_spike_that_passes_saturates_nothing() {
    let (mut crowd, start) = room(10_000, Limits::default());
    all_say(&mut crowd, start, 4, 3_000);
    all_say(&mut crowd, start + ms(1_500), 4, 1_000);
    all_say(&mut crowd, start + ms(1_600), 4, 3_000);
    crowd.handle_timeout(start + ms(3_500));
    assert!(!crowd.air().is_saturated);
    crowd.handle_timeout(start + ms(3_600));
    assert!(crowd.air().is_saturated);
}

#[test]
fn cm_4_ten_seconds_below_60_percent_free_it() {
    let (mut crowd, start) = room(10_000, Limits::default());
    all_say(&mut crowd, start, 4, 3_000);
    crowd.handle_timeout(start + ms(2_000));
    assert!(crowd.air().is_saturated);
    // Between the marks it stays as it is.
    all_say(&mut crowd, start + ms(3_000), 4, 1_600);
    crowd.handle_timeout(start + ms(20_000));
    assert!(crowd.air().is_saturated);
    let from = start + ms(21_000);
    all_say(&mut crowd, from, 4, 1_400);
    crowd.handle_timeout(from + ms(9_999));
    assert!(crowd.air().is_saturated);
    crowd.handle_timeout(from + ms(10_000));
    assert!(!crowd.air().is_saturated);
}

#[test]
fn cm_4_a_session_counts_what_it_plays_and_a_fifth_but_no_more_than_rtp() {
    let (mut crowd, now) = room(10_000, Limits::default());
    crowd.observe(now, Client(1), &read("br=1000,ot=v,sid=\"a\""));
    crowd.observe(now, Client(1), &read("br=100,ot=a,sid=\"a\""));
    // An init segment and a playlist say nothing of the bit rate.
    crowd.observe(now, Client(1), &read("br=9999,ot=i,sid=\"a\""));
    crowd.observe(now, Client(1), &read("bl=300,ot=m,sid=\"a\""));
    assert_eq!(crowd.air().demand_kbps, 1_320);
    crowd.observe(now, Client(1), &read("br=500,ot=av,sid=\"a\""));
    assert_eq!(crowd.air().demand_kbps, 600);
    // What hls.js says: five times what it plays would be of use.
    crowd.observe(now, Client(1), &read("rtp=2500,sid=\"a\""));
    assert_eq!(crowd.air().demand_kbps, 600);
    crowd.observe(now, Client(1), &read("rtp=550,sid=\"a\""));
    assert_eq!(crowd.air().demand_kbps, 550);
    crowd.observe(now, Client(2), &read("br=1000,ot=v"));
    assert_eq!((crowd.air().demand_kbps, crowd.air().viewers), (550, 1));
}

#[test]
fn cm_4_a_session_that_is_silent_for_30_s_is_gone() {
    let (mut crowd, start) = room(1_000, Limits::default());
    all_say(&mut crowd, start, 2, 1_000);
    crowd.observe(start + ms(10_000), Client(0), &read("bl=100,sid=\"0\""));
    assert!(crowd.air().is_saturated);
    assert_eq!(crowd.poll_timeout(), Some(start + ms(30_000)));
    crowd.handle_timeout(start + ms(29_999));
    assert_eq!(crowd.air().viewers, 2);
    crowd.handle_timeout(start + ms(30_000));
    assert_eq!((crowd.air().viewers, crowd.air().demand_kbps), (1, 1_000));
    crowd.handle_timeout(start + ms(40_000));
    assert_eq!((crowd.air().viewers, crowd.air().demand_kbps), (0, 0));
    crowd.handle_timeout(start + ms(50_000));
    assert!(!crowd.air().is_saturated);
    assert_eq!(crowd.poll_timeout(), None);
}

#[test]
fn cm_4_one_client_cannot_fill_the_room() {
    let mut limits = Limits::default();
    limits.client_sessions = 2;
    limits.sessions = 3;
    let (mut crowd, now) = room(1_000_000, limits);
    for name in ["a", "b", "c", "d"] {
        crowd.observe(
            now,
            Client(1),
            &read(&format!("rtp=999999999,sid=\"{name}\"")),
        );
    }
    // No session counts for more than one can take.
    assert_eq!((crowd.air().viewers, crowd.air().demand_kbps), (2, 100_000));
    crowd.observe(now, Client(2), &read("rtp=1,sid=\"a\""));
    crowd.observe(now, Client(3), &read("rtp=1,sid=\"a\""));
    assert_eq!((crowd.air().viewers, crowd.refused()), (3, 3));
}

#[test]
fn cm_4_without_a_capacity_nothing_is_crowded() {
    let (mut crowd, start) = room(1_000, Limits::default());
    all_say(&mut crowd, start, 4, 3_000);
    crowd.handle_timeout(start + ms(2_000));
    // A share is never so small that there is no picture for it.
    assert_eq!(crowd.air().share_kbps, Some(300));
    crowd.set_capacity(start + ms(2_000), None);
    assert_eq!(
        (crowd.air().load_percent, crowd.air().share_kbps),
        (None, None)
    );
    crowd.handle_timeout(start + ms(12_000));
    assert!(!crowd.air().is_saturated);
    // A capacity of nothing is crowded by anybody.
    crowd.set_capacity(start + ms(12_000), Some(0));
    crowd.handle_timeout(start + ms(14_000));
    assert!(crowd.air().is_saturated);
}

#[test]
fn cm_3_whoever_runs_dry_goes_one_step_up() {
    let part = ms(200);
    for (said, base, expected) in [
        ("bl=400", 3, 3),
        ("bl=399", 3, 2),
        ("bl=(5000;v 100;a)", 4, 3),
        ("bs", 3, 2),
        ("su", 3, 2),
        ("su", 2, 2),
        ("su", 7, 5),
        ("su", 6, 5),
        ("", 7, 7),
        // Playlists stay in front of all media.
        ("su,bs,bl=0", 1, 1),
        ("su,bs,bl=0", 0, 0),
    ] {
        assert_eq!(
            urgency(base, &read(said), part),
            expected,
            "{said} from {base}"
        );
    }
}

#[test]
fn cm_2_at_most_two_relative_media_objects() {
    let paths = |said: &str| -> Vec<String> {
        let next = next_objects(&read(said), "/live/v0/s7.m4s", Uplink::Open);
        next.into_iter().map(|next| next.path).collect()
    };
    assert_eq!(paths("nor=\"s8.m4s\""), ["/live/v0/s8.m4s"]);
    assert_eq!(paths("nor=\"..%2Fv1%2Fs8.m4s\""), ["/live/v1/s8.m4s"]);
    assert_eq!(
        paths("nor=(\"a.ts\" \"./b.ts\" \"c.ts\")"),
        ["/live/v0/a.ts", "/live/v0/b.ts"]
    );
    for refused in [
        "//elsewhere/s8.m4s",
        "http://elsewhere/s8.m4s",
        "/other/s8.m4s",
        "%2Fother%2Fs8.m4s",
        "../../../s8.m4s",
        "s8.m4s?x=1",
        "s8%0d%0a.m4s",
        "%252e%252e/s8.m4s",
        "index.m3u8",
        "admin",
        "",
    ] {
        assert_eq!(paths(&format!("nor=\"{refused}\"")), [""; 0], "{refused}");
    }
    let [next] = &next_objects(
        &read("nor=\"s8.m4s\",nrr=\"0-99\""),
        "/s7.m4s",
        Uplink::Open,
    )[..] else {
        panic!("one object");
    };
    assert_eq!(
        (next.path.as_str(), next.range.as_deref()),
        ("/s8.m4s", Some("0-99"))
    );
}

#[test]
fn cm_2_nothing_ahead_over_a_metered_or_dead_uplink() {
    let said = read("nor=\"s8.m4s\"");
    for uplink in [Uplink::Metered, Uplink::Dead] {
        assert_eq!(next_objects(&said, "/s7.m4s", uplink), []);
    }
}
