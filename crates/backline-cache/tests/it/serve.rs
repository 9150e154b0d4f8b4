//! From a body and a request's conditions to a reply.

use std::time::Duration;

use backline_cache::{Body, CacheStatus, Conditions, Encoding, Forward, Reply, Via, Want};
use bytes::Bytes;

use crate::rig::{FULL, LISTED, Rig, part, segment, text};

/// A segment of three parts whose bytes are 0, 1, 2, .. 29.
fn rope() -> Body {
    let mut rig = Rig::new();
    let mut parts = Vec::new();
    for (seq, from) in [(1, 0_u8), (2, 10), (3, 20)] {
        let bytes: Vec<u8> = (from..from + 10).collect();
        rig.cache
            .publish(rig.now, part(seq), &[Bytes::from(bytes)])
            .unwrap();
        parts.push(part(seq));
    }
    rig.cache.publish_rope(rig.now, segment(1), &parts).unwrap();
    rig.cache.get(&segment(1)).unwrap().clone()
}

fn playlist(gzip: Option<&'static [u8]>) -> Body {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    rig.hold(Want::current(FULL));
    let (fill, _) = rig.fetch();
    rig.cache
        .fill(
            rig.now,
            fill,
            Ok(text(7, 0).with_gzip(gzip.map(Bytes::from_static))),
        )
        .unwrap();
    rig.cache.get_document(&FULL).unwrap().clone()
}

fn sent(body: &Body, reply: &Reply) -> Vec<u8> {
    reply.slices(body).flatten().collect()
}

fn with_range(range: &str) -> Conditions<'_> {
    Conditions {
        range: Some(range.as_bytes()),
        ..Conditions::default()
    }
}

#[test]
fn rfc9110_14_2_one_range_is_served() {
    let body = rope();
    for (range, status, expected) in [
        ("bytes=0-9", 206, 0..10),
        ("bytes=5-14", 206, 5..15),
        ("bytes=29-29", 206, 29..30),
        ("bytes=9-", 206, 9..30),
        ("bytes=-4", 206, 26..30),
        ("bytes=-400", 206, 0..30),
        ("bytes=20-400", 206, 20..30),
        ("BYTES = 3-5 ", 200, 0..30),
        ("Bytes=3-5", 206, 3..6),
        ("bytes= 3-5\t", 206, 3..6),
        ("bytes=0-99999999999999999999999999", 206, 0..30),
        ("bytes=30-", 416, 0..0),
        ("bytes=30-40", 416, 0..0),
        ("bytes=99999999999999999999999999-", 416, 0..0),
        ("bytes=-0", 416, 0..0),
        // What is not served so is answered in full.
        ("bytes=0-1,3-4", 200, 0..30),
        ("bytes=6-5", 200, 0..30),
        ("bytes=", 200, 0..30),
        ("bytes=-", 200, 0..30),
        ("bytes=a-b", 200, 0..30),
        ("bytes=+1-2", 200, 0..30),
        ("bytes=1- 2", 200, 0..30),
        ("items=1-2", 200, 0..30),
        ("bytes 1-2", 200, 0..30),
        ("", 200, 0..30),
    ] {
        let reply = Reply::new(&body, &with_range(range));
        assert_eq!(
            (reply.status, reply.range.clone()),
            (status, expected.clone()),
            "{range}"
        );
        let bytes: Vec<u8> = (0..30_u8)
            .filter(|&byte| expected.contains(&u64::from(byte)))
            .collect();
        assert_eq!(sent(&body, &reply), bytes, "{range}");
        assert_eq!(reply.complete, 30);
    }
    assert_eq!(
        Reply::new(
            &body,
            &Conditions {
                range: Some(&[0xff]),
                ..Conditions::default()
            }
        )
        .status,
        200
    );
}

#[test]
fn rww_4_rfc8673_the_last_position_2_to_53_minus_1_is_an_open_end() {
    let body = rope();
    let reply = Reply::new(&body, &with_range("bytes=10-9007199254740991"));
    assert_eq!((reply.status, reply.range), (206, 10..30));
}

#[test]
fn slices_share_the_bytes_of_the_parts() {
    let body = rope();
    let slices: Vec<Bytes> = body.slices(8..22).collect();
    assert_eq!(
        slices.iter().map(Bytes::len).collect::<Vec<_>>(),
        [2, 10, 2]
    );
    assert_eq!(slices[1].as_ptr(), body.pieces()[1].as_ptr());
    assert_eq!(body.slices(30..99).count(), 0);
    assert_eq!(body.slices(5..5).count(), 0);
    #[expect(clippy::reversed_empty_ranges, reason = "a caller may get it wrong")]
    let backwards = body.slices(9..3).count();
    assert_eq!(backwards, 0);
}

#[test]
fn rfc9110_8_8_3_a_tag_follows_the_bytes() {
    let (body, same) = (rope(), rope());
    let tag = |body: &Body| Reply::new(body, &Conditions::default()).etag.to_string();
    assert_eq!(tag(&body), tag(&same));
    assert_eq!(tag(&body).len(), 18);
    let mut tags: Vec<u64> = Vec::new();
    let mut rig = Rig::new();
    for (seq, bytes) in (0..).zip([
        vec![0_u8],
        vec![0; 2],
        vec![0; 31],
        vec![0; 32],
        vec![0; 33],
        vec![0; 64],
        vec![1; 64],
    ]) {
        rig.cache
            .publish(rig.now, part(seq), &[Bytes::from(bytes)])
            .unwrap();
        tags.push(rig.cache.get(&part(seq)).unwrap().fingerprint());
    }
    for place in 0..256 {
        let mut bytes = vec![0_u8; 256];
        bytes[place] = 1;
        rig.cache
            .publish(rig.now, part(100 + place as u64), &[Bytes::from(bytes)])
            .unwrap();
        tags.push(
            rig.cache
                .get(&part(100 + place as u64))
                .unwrap()
                .fingerprint(),
        );
    }
    let count = tags.len();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), count, "one byte makes another tag");
}

#[test]
fn rfc9110_13_1_2_if_none_match_by_weak_comparison() {
    let body = rope();
    let etag = Reply::new(&body, &Conditions::default()).etag.to_string();
    for (list, status) in [
        (etag.clone(), 304),
        (format!("W/{etag}"), 304),
        (format!("\"other\", {etag}"), 304),
        (format!("\"other\",W/{etag} ,\"more\""), 304),
        ("*".to_owned(), 304),
        (" * ".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
        (etag.trim_matches('"').to_owned(), 200),
        (String::new(), 200),
    ] {
        // A validator that matches outranks a range.
        for range in [None, Some(b"bytes=0-1".as_slice())] {
            let conditions = Conditions {
                if_none_match: Some(list.as_bytes()),
                range,
                ..Conditions::default()
            };
            let reply = Reply::new(&body, &conditions);
            let expected = if status == 200 && range.is_some() {
                206
            } else {
                status
            };
            assert_eq!(reply.status, expected, "{list}");
            assert_eq!(reply.range.is_empty(), expected == 304);
        }
    }
}

#[test]
fn rfc9110_13_1_5_if_range_by_strong_comparison() {
    let body = rope();
    let etag = Reply::new(&body, &Conditions::default()).etag.to_string();
    for (validator, status) in [
        (etag.clone(), 206),
        (format!("W/{etag}"), 200),
        ("\"other\"".to_owned(), 200),
        ("Tue, 24 Nov 2026 06:00:00 GMT".to_owned(), 200),
    ] {
        let conditions = Conditions {
            if_range: Some(validator.as_bytes()),
            ..with_range("bytes=0-1")
        };
        assert_eq!(Reply::new(&body, &conditions).status, status, "{validator}");
    }
}

#[test]
fn q25_gzip_goes_only_to_those_who_take_it() {
    let body = playlist(Some(b"squeezed"));
    for (accept, gzip) in [
        (None, false),
        (Some("gzip"), true),
        (Some("deflate, GZIP;q=0.5, br"), true),
        (Some("x-gzip"), true),
        (Some("*"), true),
        (Some("*;q=0"), false),
        (Some("gzip;q=0"), false),
        (Some("gzip; q=0.000"), false),
        (Some("gzip;q=0, *"), false),
        (Some("*;q=0, gzip;q=1"), true),
        (Some("identity"), false),
        (Some(""), false),
    ] {
        let conditions = Conditions {
            accept_encoding: accept.map(str::as_bytes),
            ..Conditions::default()
        };
        let reply = Reply::new(&body, &conditions);
        assert_eq!(reply.encoding == Encoding::Gzip, gzip, "{accept:?}");
        let expected: &[u8] = if gzip { b"squeezed" } else { b"#EXTM3U 7.0" };
        assert_eq!(sent(&body, &reply), expected);
        assert_eq!((reply.complete, reply.vary), (expected.len() as u64, true));
    }
    let takes = Conditions {
        accept_encoding: Some(b"gzip"),
        ..Conditions::default()
    };
    assert_eq!(
        Reply::new(&playlist(None), &takes).encoding,
        Encoding::Identity
    );
    assert!(!Reply::new(&playlist(None), &takes).vary);
}

#[test]
fn q25_the_two_encodings_have_two_tags() {
    let body = playlist(Some(b"squeezed"));
    let takes = Conditions {
        accept_encoding: Some(b"gzip"),
        ..Conditions::default()
    };
    let (gzip, plain) = (
        Reply::new(&body, &takes).etag,
        Reply::new(&body, &Conditions::default()).etag,
    );
    assert_ne!(gzip, plain);
    let wrong = plain.to_string();
    assert_eq!(
        Reply::new(
            &body,
            &Conditions {
                if_none_match: Some(wrong.as_bytes()),
                ..takes
            }
        )
        .status,
        200
    );
    let right = gzip.to_string();
    assert!(right.ends_with("-g\""));
    assert_eq!(
        Reply::new(
            &body,
            &Conditions {
                if_none_match: Some(right.as_bytes()),
                ..takes
            }
        )
        .status,
        304
    );
    let cut = Reply::new(
        &body,
        &Conditions {
            range: Some(b"bytes=1-3"),
            ..takes
        },
    );
    assert_eq!(sent(&body, &cut), b"que");
    let beyond = Reply::new(
        &body,
        &Conditions {
            range: Some(b"bytes=8-"),
            ..takes
        },
    );
    assert_eq!((beyond.status, sent(&body, &beyond)), (416, Vec::new()));
}

#[test]
fn rfc9111_5_1_age_grows_with_the_time() {
    let mut rig = Rig::new();
    let body = rig.publish(part(1), 10);
    rig.sleep(2_500);
    assert_eq!(body.age(rig.now), Duration::from_millis(2_500));
    assert_eq!(body.age(rig.start), Duration::ZERO);
}

#[test]
fn rfc9211_cache_status_says_how_it_came() {
    let mut hit = CacheStatus::hit();
    assert_eq!(hit.to_string(), "backline; hit");
    hit.ttl = Some(Duration::from_millis(11_900));
    assert_eq!(hit.to_string(), "backline; hit; ttl=11");
    assert_eq!(
        CacheStatus::waited(Via::Held).to_string(),
        "backline; hit; detail=held"
    );
    assert_eq!(
        CacheStatus::waited(Via::Fetched).to_string(),
        "backline; fwd=miss; stored"
    );
    assert_eq!(
        CacheStatus::waited(Via::Collapsed).to_string(),
        "backline; fwd=miss; collapsed"
    );
}

/// STALE-1, RULE-3: staleness, the way to the origin and the rule that decided can all be said.
#[test]
fn rfc9211_cache_status_says_why_it_went_on() {
    let mut stale = CacheStatus::forwarded(Forward::Stale);
    stale.stale_for = Some(Duration::from_millis(90_500));
    stale.forward_status = Some(503);
    stale.detail = Some("pages-on-battery");
    assert_eq!(
        stale.to_string(),
        "backline; fwd=stale; fwd-status=503; ttl=-90; detail=pages-on-battery"
    );
    let mut partial = CacheStatus::forwarded(Forward::Partial);
    (partial.stored, partial.collapsed) = (true, true);
    partial.key = Some("/a b\"c\\d?ä");
    partial.detail = Some("two words");
    partial.name = "edge 2";
    assert_eq!(
        partial.to_string(),
        r#""edge 2"; fwd=partial; stored; collapsed; key="/a b\"c\\d?%C3%A4"; detail="two words""#
    );
    let names = [
        (Forward::Bypass, "bypass"),
        (Forward::Method, "method"),
        (Forward::Request, "request"),
        (Forward::UriMiss, "uri-miss"),
        (Forward::VaryMiss, "vary-miss"),
    ];
    for (why, name) in names {
        let said = CacheStatus::forwarded(why).to_string();
        assert_eq!(said, format!("backline; fwd={name}"));
    }
}

/// RFC 9110, 14.2 and RFC 8673: the same ranges where the validators are those of another server.
#[test]
fn rww_4_a_range_is_resolved_without_a_body() {
    assert_eq!(with_range("bytes=10-19").range(100), (206, 10..20));
    let open = with_range("bytes=90-9007199254740991");
    assert_eq!(open.range(100), (206, 90..100));
    assert_eq!(with_range("bytes=-5").range(100), (206, 95..100));
    assert_eq!(with_range("bytes=100-").range(100), (416, 0..0));
    assert_eq!(with_range("bytes=0-1,3-4").range(100), (200, 0..100));
    assert_eq!(Conditions::default().range(100), (200, 0..100));
}
