//! What players say of themselves.

use crate::Source;
use backline_cache::cmcd::{Cmcd, Value};
use backline_cache::crowd::{Config, Crowd, Uplink, next_objects};
use backline_cache::{Client, Limits};
use std::time::{Duration, Instant};

/// Whatever is said: it keeps to the caps, what is fetched ahead lies below the root, and the room's demand is what the
/// sessions that are alive need, each for no more than one can.
///
/// Input: a byte of caps, then requests: client, tenths of a second to wait, length, text.
pub fn cmcd(data: &[u8]) {
    let mut source = Source::new(data);
    let caps = source.u8();
    let mut limits = Limits::default();
    if caps & 1 != 0 {
        (limits.cmcd_bytes, limits.cmcd_keys) = (40, 3);
    }
    if caps & 2 != 0 {
        (limits.sessions, limits.client_sessions) = (3, 2);
    }
    let mut config = Config::default();
    config.capacity_kbps = Some(u64::from(caps >> 2) * 1_000);
    let most = config.viewer_most_kbps;
    let mut now = Instant::now();
    let mut crowd = Crowd::new(config, limits.clone(), now);
    while !source.is_empty() {
        let client = Client(u64::from(source.below(3)));
        now += Duration::from_millis(u64::from(source.u8()) * 100);
        let length = usize::from(source.u8());
        let text = source.take(length);
        let said = Cmcd::from_lines([text], &limits);
        read(&said, text, &limits);
        if let Some(said) = Cmcd::from_query(&String::from_utf8_lossy(text), &limits) {
            read(&said, text, &limits);
        }
        crowd.observe(now, client, &said);
        let air = crowd.air();
        assert!(air.viewers <= limits.sessions);
        assert!(air.demand_kbps <= u64::from(air.viewers) * most, "{air:?}");
        assert_eq!(air.share_kbps.is_some(), air.is_saturated);
        assert!(air.viewers == 0 || crowd.poll_timeout().is_some());
    }
    crowd.handle_timeout(now + limits.session_idle);
    assert_eq!((crowd.air().viewers, crowd.air().demand_kbps), (0, 0));
}

fn read(said: &Cmcd, text: &[u8], limits: &Limits) {
    assert!(said.iter().count() <= limits.cmcd_keys);
    if text.len() <= limits.cmcd_bytes {
        assert!(said.ignored() as usize <= text.len());
    }
    for (key, items) in said.iter() {
        assert!(!items.is_empty() && said.get(key) == items);
        for item in items {
            if let Value::Text(value) | Value::Token(value) = &item.value {
                assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
        }
    }
    let next = next_objects(said, "/live/v0/s7.m4s", Uplink::Open);
    assert!(next.len() <= 2);
    for next in next {
        assert!(
            next.path.starts_with('/') && !next.path.contains("//"),
            "{next:?}"
        );
        assert!(next.path.split('/').all(|step| step != ".."), "{next:?}");
        assert!(
            next.path.bytes().all(|byte| byte.is_ascii_graphic()),
            "{next:?}"
        );
    }
}
