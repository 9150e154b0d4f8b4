//! RFC 9111 as a shared cache has to follow it.

use std::time::{Duration, SystemTime};

use backline_cache::Limits;
use backline_cache::pull::{Freshness, Lifetime};
use backline_cache::reuse::head::{self, HeadError};
use backline_cache::reuse::{self, Access, Clock, Selected, cdn_loop, date};
use backline_cache::rules::{Class, Treatment};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use proptest::prelude::*;

const TARGET: Duration = Duration::from_secs(4);

fn fields(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// 2026-11-24 18:00:00.
fn clock() -> Clock {
    Clock {
        delay: Duration::ZERO,
        received: date::parse(b"Tue, 24 Nov 2026 18:00:00 GMT").unwrap(),
    }
}

fn treated(
    class: Class,
    status: u16,
    request: &[(&str, &str)],
    response: &[(&str, &str)],
) -> Lifetime {
    let treatment = Treatment::new(class, false, TARGET);
    reuse::lifetime(
        &fields(request),
        status,
        &fields(response),
        &treatment,
        clock(),
    )
}

fn plain(response: &[(&str, &str)]) -> Lifetime {
    treated(Class::Other, 200, &[], response)
}

fn seconds(lifetime: Lifetime) -> u64 {
    lifetime.fresh_for.as_secs()
}

/// RFC 9111, 3: a shared cache must not store what is marked so; this one shares no cookie and no answer to
/// credentials either.
#[test]
fn rfc9111_3_what_is_not_for_all_is_not_stored() {
    let fresh = ("cache-control", "max-age=60");
    assert!(plain(&[fresh]).store);
    for never in [
        ("cache-control", "private"),
        ("cache-control", "Private=\"x-name\""),
        ("cache-control", "no-store"),
        ("set-cookie", "a=b"),
        ("vary", "*"),
        ("vary", "accept, *"),
    ] {
        assert!(!plain(&[fresh, never]).store, "{never:?}");
    }
    let credentials = [("authorization", "Basic eA==")];
    let public = [("cache-control", "public, max-age=60")];
    assert!(!treated(Class::Other, 200, &credentials, &public).store);
    let secret = [("cache-control", "no-store")];
    assert!(!treated(Class::Other, 200, &secret, &public).store);
    for status in [100, 206, 304] {
        assert!(!treated(Class::Part, status, &[], &public).store);
    }
    // No rule can make it shareable.
    let mut treatment = Treatment::new(Class::Part, false, TARGET);
    treatment.ttl = Some(TARGET);
    let response = fields(&[("cache-control", "private")]);
    let lifetime = reuse::lifetime(&HeaderMap::new(), 200, &response, &treatment, clock());
    assert!(!lifetime.store);
    treatment.bypass = true;
    let response = fields(&[fresh]);
    assert!(!reuse::lifetime(&HeaderMap::new(), 200, &response, &treatment, clock()).store);
}

/// RFC 9111, 3: statuses that may be kept without a word, and those that need one.
#[test]
fn rfc9111_3_statuses_need_a_word_unless_known() {
    for (status, silent, told) in [
        (200, true, true),
        (301, true, true),
        (302, false, true),
        (404, true, true),
        (500, false, true),
        (503, false, true),
    ] {
        assert_eq!(
            treated(Class::Page, status, &[], &[]).store,
            silent,
            "{status}"
        );
        let max_age = [("cache-control", "max-age=5")];
        assert_eq!(
            treated(Class::Page, status, &[], &max_age).store,
            told,
            "{status}"
        );
        assert_eq!(seconds(treated(Class::Page, status, &[], &max_age)), 5);
    }
}

/// RFC 9111, 4.2.1: `s-maxage` outranks `max-age`, which outranks `Expires`; nothing is guessed.
#[test]
fn rfc9111_4_2_1_lifetimes_have_an_order() {
    let date = ("date", "Tue, 24 Nov 2026 17:59:00 GMT");
    let expires = ("expires", "Tue, 24 Nov 2026 18:01:00 GMT");
    assert_eq!(seconds(plain(&[date, expires])), 120);
    assert_eq!(seconds(plain(&[expires])), 60);
    let both = ("cache-control", "max-age=7");
    assert_eq!(seconds(plain(&[date, expires, both])), 7);
    let all = ("cache-control", "max-age=7, S-MaxAge=9");
    assert_eq!(seconds(plain(&[date, expires, all])), 9);
    assert_eq!(
        seconds(plain(&[("last-modified", "Tue, 24 Nov 2020 18:00:00 GMT")])),
        0
    );
    for (odd, expected) in [
        ("max-age=\"8\"", 8),
        ("max-age=x", 0),
        ("max-age", 0),
        ("max-age=-1", 0),
        ("max-age=3, max-age=9", 3),
        ("max-age=99999999999999999999999", 1 << 31),
        ("x=\"max-age=9, \\\"\", max-age=4", 4),
        (",, max-age = 4", 4),
    ] {
        assert_eq!(seconds(plain(&[("cache-control", odd)])), expected, "{odd}");
    }
    for past in ["0", "-1", "yesterday", "Tue, 24 Nov 2026 17:00:00 GMT"] {
        let lifetime = plain(&[date, ("expires", past)]);
        assert_eq!((seconds(lifetime), lifetime.store), (0, true), "{past}");
    }
    assert_eq!(seconds(plain(&[date, expires, expires])), 0);
}

/// RFC 9213: `CDN-Cache-Control` is for us, in place of the others; one that is no dictionary counts as absent.
#[test]
fn rfc9213_2_the_targeted_field_stands_in_for_the_others() {
    let general = ("cache-control", "private, max-age=7");
    let told = |value: &'static str| plain(&[general, ("cdn-cache-control", value)]);
    let lifetime = told("max-age=30");
    assert_eq!((seconds(lifetime), lifetime.store), (30, true));
    assert!(!told("max-age=30, no-store").store);
    assert!(!told("private;x=1").store);
    assert!(told("max-age=30, no-store=?0").store);
    assert_eq!(seconds(told("max-age=30, max-age=40")), 40);
    assert_eq!(
        seconds(told(
            "a=\"q\\\"\", b=1.5, c=(1 \"x\" y;z=2), d=:YQ==:, max-age=9;p=1"
        )),
        9
    );
    assert!(told("max-age=5, must-revalidate").must_revalidate);
    // `Expires` does not count beside it.
    let lifetime = plain(&[
        ("expires", "Tue, 24 Nov 2026 18:01:00 GMT"),
        ("cdn-cache-control", "public"),
    ]);
    assert_eq!(seconds(lifetime), 0);
    for broken in [
        "Max-Age=30",
        "max-age=30,",
        "max-age=30 x",
        "max-age=",
        "max-age=30;",
        "a=\"x",
        "(1)",
        "",
    ] {
        let lifetime = told(broken);
        assert_eq!((seconds(lifetime), lifetime.store), (7, false), "{broken}");
    }
}

/// RULE-1: a rule outranks the origin, and the default of the class stands in for its silence.
#[test]
fn rule_1_lifetimes_of_rules_and_classes() {
    assert_eq!(seconds(treated(Class::Segment, 200, &[], &[])), 24);
    assert_eq!(seconds(treated(Class::Playlist, 200, &[], &[])), 2);
    assert_eq!(seconds(treated(Class::Page, 200, &[], &[])), 0);
    let told = [("cache-control", "max-age=5"), ("age", "3")];
    let mut treatment = Treatment::new(Class::Segment, false, TARGET);
    treatment.ttl = Some(Duration::from_secs(50));
    let lifetime = reuse::lifetime(&HeaderMap::new(), 200, &fields(&told), &treatment, clock());
    // What is decided here counts from now, at an age of 3 s.
    assert_eq!((seconds(lifetime), lifetime.age.as_secs()), (53, 3));
    let no_cache = fields(&[("cache-control", "no-cache")]);
    let lifetime = reuse::lifetime(&HeaderMap::new(), 200, &no_cache, &treatment, clock());
    assert_eq!((seconds(lifetime), lifetime.must_revalidate), (0, true));
}

/// Q12: what is missing at the live edge may be there a moment later.
#[test]
fn q12_a_404_of_live_media_is_not_kept() {
    for class in [Class::Part, Class::Playlist, Class::Segment] {
        assert_eq!(seconds(treated(class, 404, &[], &[])), 0);
        assert_eq!(seconds(treated(class, 410, &[], &[])), 4);
    }
    assert_eq!(seconds(treated(Class::Page, 404, &[], &[])), 1);
    let mut treatment = Treatment::new(Class::Part, false, TARGET);
    treatment.neg_ttl = Some(Duration::from_secs(2));
    let lifetime = reuse::lifetime(
        &HeaderMap::new(),
        404,
        &HeaderMap::new(),
        &treatment,
        clock(),
    );
    assert_eq!(seconds(lifetime), 2);
}

/// STALE-1: RFC 5861, and what forbids staleness (RFC 9111, 4.2.4).
#[test]
fn stale_1_windows_come_from_rules_or_from_the_origin() {
    let told = |value: &'static str| plain(&[("cache-control", value)]);
    let lifetime = told("max-age=1, stale-if-error=30, stale-while-revalidate=5");
    assert_eq!(lifetime.stale_if_error.as_secs(), 30);
    assert_eq!(lifetime.stale_while_revalidate.as_secs(), 5);
    for strict in ["must-revalidate", "proxy-revalidate", "no-cache"] {
        let lifetime = told(&*format!("max-age=1, stale-if-error=30, {strict}").leak());
        assert!(
            lifetime.must_revalidate && lifetime.stale_if_error.is_zero(),
            "{strict}"
        );
    }
    assert!(told("s-maxage=9").must_revalidate);
    let lifetime = told("s-maxage=9, stale-if-error=30");
    assert_eq!(
        (lifetime.must_revalidate, lifetime.stale_if_error.as_secs()),
        (false, 30)
    );
    let silent = treated(Class::Page, 200, &[], &[]);
    assert_eq!(silent.stale_if_error.as_secs(), 86_400);
    let mut treatment = Treatment::new(Class::Page, false, TARGET);
    treatment.stale_if_error = Some(TARGET);
    let response = fields(&[("cache-control", "max-age=1, stale-if-error=30")]);
    let lifetime = reuse::lifetime(&HeaderMap::new(), 200, &response, &treatment, clock());
    assert_eq!(lifetime.stale_if_error, TARGET);
}

/// Q26 and RFC 9111, 4.2.3: the age that an answer brings counts, with the time on the way.
#[test]
fn q26_age_goes_on_from_tier_to_tier() {
    assert_eq!(plain(&[("age", "12")]).age.as_secs(), 12);
    assert_eq!(plain(&[("age", "x")]).age, Duration::ZERO);
    let late = Clock {
        delay: Duration::from_millis(1_500),
        ..clock()
    };
    let treatment = Treatment::new(Class::Page, false, TARGET);
    let age = |lines: &[(&str, &str)]| {
        reuse::lifetime(&HeaderMap::new(), 200, &fields(lines), &treatment, late).age
    };
    assert_eq!(age(&[("age", "2")]).as_millis(), 3_500);
    // A clock that is wrong makes nothing old, unless an old hop may have kept it.
    let date = ("date", "Tue, 24 Nov 2026 17:59:00 GMT");
    assert_eq!(age(&[date, ("via", "1.1 a")]).as_millis(), 1_500);
    assert_eq!(age(&[date, ("via", "1.1 a, 1.0 b")]).as_secs(), 60);
}

#[test]
fn rfc9111_5_2_1_requests_say_what_they_want() {
    let access = |method: Method, lines: &[(&str, &str)]| reuse::access(&method, &fields(lines));
    let share = |fresh| Access::Share(fresh);
    assert_eq!(access(Method::GET, &[]), share(Freshness::Any));
    assert_eq!(
        access(Method::HEAD, &[("cookie", "a=b")]),
        share(Freshness::Any)
    );
    assert_eq!(access(Method::POST, &[]), Access::Pass);
    for alone in [
        ("authorization", "Basic eA=="),
        ("cache-control", "no-store"),
        ("if-match", "\"a\""),
        ("if-unmodified-since", "Tue, 24 Nov 2026 17:59:00 GMT"),
    ] {
        assert_eq!(access(Method::GET, &[alone]), Access::Pass);
    }
    for (value, expected) in [
        ("no-cache", Freshness::Revalidate),
        ("max-age=0", Freshness::Revalidate),
        ("only-if-cached", Freshness::OnlyIfCached),
        ("max-age=60", Freshness::Any),
    ] {
        assert_eq!(
            access(Method::GET, &[("cache-control", value)]),
            share(expected)
        );
    }
}

#[test]
fn rfc9111_4_4_unsafe_methods_invalidate() {
    assert!(reuse::invalidates(&Method::PUT, StatusCode::NO_CONTENT));
    assert!(reuse::invalidates(&Method::POST, StatusCode::SEE_OTHER));
    assert!(!reuse::invalidates(&Method::DELETE, StatusCode::NOT_FOUND));
    assert!(!reuse::invalidates(&Method::GET, StatusCode::OK));
}

/// RFC 9110, 7.6.1: what is for one connection goes no further.
#[test]
fn rfc9110_7_6_1_hop_by_hop_fields_are_stripped() {
    let mut headers = fields(&[
        ("connection", "close, X-Hop"),
        ("connection", "x-other"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("te", "trailers"),
        ("proxy-authorization", "x"),
        ("x-hop", "1"),
        ("x-other", "1"),
        ("etag", "\"a\""),
    ]);
    reuse::strip_hop_by_hop(&mut headers);
    assert_eq!(headers, fields(&[("etag", "\"a\"")]));
}

/// RFC 9111, 4.1: which requests an answer is for.
#[test]
fn rfc9111_4_1_vary_selects() {
    assert_eq!(reuse::vary(&HeaderMap::new()), None);
    let response = fields(&[("vary", "Origin, accept-encoding"), ("vary", "ORIGIN,")]);
    let names = reuse::vary(&response).unwrap();
    assert_eq!(names, "accept-encoding,origin");
    let number = |lines: &[(&str, &str)]| reuse::variant(&names, &fields(lines), 7);
    let gzip = number(&[("accept-encoding", "gzip, br;q=0.5")]);
    assert_eq!(
        gzip,
        number(&[("accept-encoding", "BR , gzip;q=1, zstd;q=0")])
    );
    assert_ne!(gzip, number(&[("accept-encoding", "gzip")]));
    assert_ne!(number(&[]), number(&[("origin", "")]));
    assert_ne!(number(&[("origin", "ab")]), number(&[("origin", "a, b")]));
    assert_eq!(
        number(&[("origin", "a"), ("origin", "b")]),
        number(&[("origin", "a,b")])
    );
    assert_eq!(number(&[("user-agent", "x")]), number(&[]));
    assert_ne!(reuse::variant(&names, &HeaderMap::new(), 8), number(&[]));
    assert_ne!(number(&[]), 0);
}

/// RFC 9111, 4.3.1: a fetch is conditional by the validators that are stored, not by the viewer's.
#[test]
fn rfc9111_4_3_1_validation_uses_what_is_stored() {
    let mut fetch = fields(&[
        ("if-none-match", "\"viewer\""),
        ("if-modified-since", "x"),
        ("range", "bytes=0-1"),
        ("if-range", "\"viewer\""),
        ("cache-control", "no-cache"),
        ("accept", "*/*"),
    ]);
    reuse::strip_conditions(&mut fetch);
    assert_eq!(fetch, fields(&[("accept", "*/*")]));
    assert!(!reuse::validate(&mut fetch, &HeaderMap::new()));
    let modified = "Tue, 24 Nov 2026 17:59:00 GMT";
    let stored = fields(&[("etag", "W/\"a\""), ("last-modified", modified)]);
    assert!(reuse::validate(&mut fetch, &stored));
    let expected = fields(&[
        ("accept", "*/*"),
        ("if-none-match", "W/\"a\""),
        ("if-modified-since", modified),
    ]);
    assert_eq!(fetch, expected);
}

/// RFC 9111, 3.2 and 4.3.4: a 304 renews what is stored, but not what describes its bytes.
#[test]
fn rfc9111_4_3_4_a_304_is_merged() {
    let mut stored = fields(&[
        ("age", "900"),
        ("cache-control", "max-age=1"),
        ("content-length", "10"),
        ("content-type", "text/html"),
        ("link", "<a>"),
        ("link", "<b>"),
    ]);
    let fresh = fields(&[
        ("cache-control", "max-age=9"),
        ("connection", "close"),
        ("content-length", "0"),
        ("link", "<c>"),
        ("link", "<d>"),
    ]);
    reuse::merge(&mut stored, &fresh);
    let expected = fields(&[
        ("cache-control", "max-age=9"),
        ("content-length", "10"),
        ("content-type", "text/html"),
        ("link", "<c>"),
        ("link", "<d>"),
    ]);
    assert_eq!(stored, expected);
}

/// RFC 9111, 4.3.5: a `HEAD` renews what is stored when it is about the same representation.
#[test]
fn rfc9111_4_3_5_a_head_renews_what_it_agrees_with() {
    let stored = fields(&[("etag", "\"a\""), ("content-length", "10")]);
    let agrees = |lines: &[(&str, &str)]| reuse::agrees(&stored, &fields(lines));
    assert!(agrees(&[("etag", "\"a\""), ("content-length", "10")]));
    assert!(agrees(&[]));
    assert!(!agrees(&[("etag", "\"b\"")]));
    assert!(!agrees(&[("etag", "\"a\""), ("content-length", "11")]));
    assert!(!agrees(&[(
        "last-modified",
        "Tue, 24 Nov 2026 17:59:00 GMT"
    )]));
}

/// RFC 9110, 13.2.2: conditions of viewers against the origin's validators.
#[test]
fn rfc9110_13_2_2_conditions_select() {
    let modified = "Tue, 24 Nov 2026 17:59:00 GMT";
    let stored = fields(&[("etag", "\"a,b\""), ("last-modified", modified)]);
    let later = "Tue, 24 Nov 2026 18:59:00 GMT";
    let earlier = "Mon, 23 Nov 2026 18:59:00 GMT";
    let range = ("range", "bytes=0-1");
    let (whole, not_modified) = (Selected::Whole, Selected::NotModified);
    let part = Selected::Range(b"bytes=0-1");
    for (request, expected) in [
        (vec![], whole),
        (vec![("if-none-match", "\"x\", W/\"a,b\"")], not_modified),
        (vec![("if-none-match", "*")], not_modified),
        (vec![("if-none-match", "\"a\"")], whole),
        (vec![("if-none-match", "\"a,b")], whole),
        // A date does not count beside a tag.
        (
            vec![("if-none-match", "\"x\""), ("if-modified-since", later)],
            whole,
        ),
        (vec![("if-modified-since", modified)], not_modified),
        (vec![("if-modified-since", later)], not_modified),
        (vec![("if-modified-since", earlier)], whole),
        (vec![("if-modified-since", "x")], whole),
        (vec![range], part),
        (vec![range, range], whole),
        (vec![range, ("if-range", "\"a,b\"")], part),
        (vec![range, ("if-range", "W/\"a,b\"")], whole),
        (vec![range, ("if-range", modified)], part),
        (vec![range, ("if-range", later)], whole),
        (vec![range, ("if-none-match", "\"a,b\"")], not_modified),
    ] {
        assert_eq!(
            reuse::select(&fields(&request), &stored),
            expected,
            "{request:?}"
        );
    }
    let weak = fields(&[("etag", "W/\"a\"")]);
    let request = fields(&[range, ("if-range", "\"a\"")]);
    assert_eq!(reuse::select(&request, &weak), whole);
}

/// FILL-6 and RFC 8586: a fetch that comes back is a loop.
#[test]
fn fill_6_a_request_that_comes_back_is_a_loop() {
    let mut fetch = fields(&[("cdn-loop", "other; v=\"1\", third")]);
    assert!(!cdn_loop::loops(&fetch, "backline-7f"));
    assert!(cdn_loop::loops(&fetch, "third") && cdn_loop::loops(&fetch, "Other"));
    assert!(!cdn_loop::loops(&fetch, "v"));
    assert!(cdn_loop::mark(&mut fetch, "backline-7f"));
    assert!(cdn_loop::loops(&fetch, "backline-7f"));
    assert!(!cdn_loop::mark(&mut fetch, "a\nb"));
}

/// RFC 9110, 5.6.7: three forms of one date.
#[test]
fn rfc9110_5_6_7_dates() {
    let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    for (text, expected) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", at(784_111_777)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", at(784_111_777)),
        ("Sun Nov  6 08:49:37 1994", at(784_111_777)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", at(0)),
        ("Thu, 29 Feb 2024 23:59:60 GMT", at(1_709_251_200)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", at(253_402_300_799)),
        ("Wed, 31 Dec 1969 23:59:59 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37", None),
        ("Sun, 06 Nov 1994 08:49:37 CET", None),
        ("Sun, 00 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49 GMT", None),
        ("Sun, 06 nov 1994 08:49:37 GMT", None),
        ("Son, 06 Nov 1994 08:49:37 GMT", None),
        ("0", None),
        ("", None),
        ("ä", None),
    ] {
        assert_eq!(date::parse(text.as_bytes()), expected, "{text}");
    }
}

/// A head as the tests store it.
fn stored() -> HeaderMap {
    fields(&[
        ("content-type", "video/mp4"),
        ("etag", "\"a\""),
        ("x-unknown", "1"),
        ("link", "<a>"),
        ("link", "<b>"),
        ("x-empty", ""),
    ])
}

#[test]
fn a_head_comes_back_as_it_was() {
    let limits = Limits::default();
    let bytes = head::encode(200, &stored(), &limits).unwrap();
    assert_eq!(head::decode(&bytes, &limits), Ok((200, stored())));
    // Well-known names take a byte.
    assert!(bytes.len() < 75, "{}", bytes.len());
    for end in 0..bytes.len() {
        match head::decode(&bytes.slice(..end), &limits) {
            Ok((status, headers)) => assert!(status == 200 && headers.len() < 6),
            Err(error) => assert_eq!(error, HeadError::Short { at: end }),
        }
    }
}

#[test]
fn heads_have_limits() {
    let mut limits = Limits::default();
    limits.head_fields = 5;
    let most = 5;
    let error = head::encode(200, &stored(), &limits);
    assert_eq!(error, Err(HeadError::Fields { most }));
    let bytes = head::encode(200, &stored(), &Limits::default()).unwrap();
    assert_eq!(
        head::decode(&bytes, &limits),
        Err(HeadError::Fields { most })
    );
    let mut limits = Limits::default();
    limits.head_bytes = 40;
    let error = head::encode(200, &stored(), &limits).unwrap_err();
    assert!(
        matches!(error, HeadError::Large { most: 40, .. }),
        "{error}"
    );
    let error = head::decode(&bytes, &limits).unwrap_err();
    let (bytes, most) = (bytes.len(), 40);
    assert_eq!(error, HeadError::Large { bytes, most });
}

#[test]
fn a_head_that_is_none_is_refused_with_the_place() {
    let limits = Limits::default();
    let decode = |bytes: &'static [u8]| head::decode(&Bytes::from_static(bytes), &limits);
    assert_eq!(decode(&[9, 0, 200]), Err(HeadError::Version { version: 9 }));
    // A name of one byte that is none, a number that has none, a line break in a value.
    assert_eq!(
        decode(b"\x01\x00\xc8\x41\x20\x00"),
        Err(HeadError::Field { at: 3 })
    );
    assert_eq!(
        decode(b"\x01\x00\xc8\x3f\x00"),
        Err(HeadError::Field { at: 3 })
    );
    assert_eq!(
        decode(b"\x01\x00\xc8\x00\x01\n"),
        Err(HeadError::Field { at: 3 })
    );
    assert_eq!(
        decode(b"\x01\x00\xc8\xff\xff\xff\x01"),
        Err(HeadError::Field { at: 3 })
    );
    assert_eq!(
        decode(b"\x01\x00\xc8\x00\x7f"),
        Err(HeadError::Short { at: 5 })
    );
}

proptest! {
    #[test]
    fn a_hostile_head_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let limits = Limits::default();
        let versioned = [&[1], &bytes[..]].concat();
        if let Ok((status, headers)) = head::decode(&versioned.into(), &limits) {
            let bytes = head::encode(status, &headers, &limits).unwrap();
            prop_assert_eq!(head::decode(&bytes, &limits), Ok((status, headers)));
        }
    }

    #[test]
    fn dates_come_back_as_they_were(seconds in 0..253_402_300_799_u64) {
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        prop_assert_eq!(date::parse(date::format(date).as_bytes()), Some(date));
    }

    #[test]
    fn hostile_fields_do_no_harm(value in "[ -~]{0,60}", name in 0..6_usize) {
        let name = ["cache-control", "cdn-cache-control", "expires", "age", "vary", "via"][name];
        let response = [(name, value.as_str()), ("date", "Tue, 24 Nov 2026 17:59:00 GMT")];
        plain(&response);
    }
}
