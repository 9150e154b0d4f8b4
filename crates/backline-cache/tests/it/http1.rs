//! Headers over the types of the `http` crate.

use backline_cache::{CacheStatus, Conditions, Reply, Want};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG,
    HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE, VARY,
};

use crate::rig::{FULL, LISTED, Rig, text};

fn reply(request: &[(HeaderName, &str)]) -> (Reply, HeaderMap) {
    let mut rig = Rig::new();
    rig.advance(LISTED, 7, 0);
    rig.hold(Want::current(FULL));
    let (fill, _) = rig.fetch();
    let fresh = text(7, 0).with_gzip(Some(Bytes::from_static(b"squeezed")));
    rig.cache.fill(rig.now, fill, Ok(fresh)).unwrap();
    rig.sleep(4_200);
    let body = rig.cache.get_document(&FULL).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in request {
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    let reply = Reply::new(body, &Conditions::from_headers(&headers));
    let mut answer = HeaderMap::new();
    reply.apply(body, rig.now, CacheStatus::hit(), &mut answer);
    (reply, answer)
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn a_whole_body() {
    let (reply, headers) = reply(&[]);
    assert_eq!(reply.status, 200);
    assert_eq!(text_of(&headers, ACCEPT_RANGES), Some("bytes"));
    assert_eq!(text_of(&headers, AGE), Some("4"));
    assert_eq!(text_of(&headers, CONTENT_LENGTH), Some("11"));
    assert_eq!(
        text_of(&headers, ETAG),
        Some(reply.etag.to_string().as_str())
    );
    assert_eq!(text_of(&headers, VARY), Some("accept-encoding"));
    assert_eq!(
        text_of(&headers, HeaderName::from_static("cache-status")),
        Some("backline; hit")
    );
    assert_eq!(headers.len(), 6);
}

#[test]
fn a_compressed_body() {
    let (_, headers) = reply(&[(ACCEPT_ENCODING, "gzip, br")]);
    assert_eq!(text_of(&headers, CONTENT_ENCODING), Some("gzip"));
    assert_eq!(text_of(&headers, CONTENT_LENGTH), Some("8"));
}

#[test]
fn rfc9110_14_4_content_range() {
    let (partial, headers) = reply(&[(RANGE, "bytes=2-5")]);
    assert_eq!(partial.status, 206);
    assert_eq!(text_of(&headers, CONTENT_RANGE), Some("bytes 2-5/11"));
    assert_eq!(text_of(&headers, CONTENT_LENGTH), Some("4"));
    let (beyond, headers) = reply(&[(RANGE, "bytes=11-"), (ACCEPT_ENCODING, "gzip")]);
    assert_eq!(beyond.status, 416);
    assert_eq!(text_of(&headers, CONTENT_RANGE), Some("bytes */8"));
    assert_eq!(text_of(&headers, CONTENT_LENGTH), Some("0"));
    assert_eq!(text_of(&headers, CONTENT_ENCODING), None);
}

#[test]
fn rfc9110_15_4_5_not_modified_has_no_content() {
    let (whole, _) = reply(&[]);
    let etag = whole.etag.to_string();
    let (unchanged, headers) = reply(&[(IF_NONE_MATCH, &etag)]);
    assert_eq!(
        (unchanged.status, text_of(&headers, CONTENT_LENGTH)),
        (304, None)
    );
    assert_eq!(text_of(&headers, ETAG), Some(etag.as_str()));
    assert!(headers.contains_key(VARY));
    let (partial, _) = reply(&[(IF_RANGE, &etag), (RANGE, "bytes=0-0")]);
    assert_eq!(partial.status, 206);
}

#[test]
fn a_header_that_comes_twice_decides_nothing() {
    let (whole, _) = reply(&[]);
    let etag = whole.etag.to_string();
    let repeated = [
        vec![(RANGE, "bytes=0-0"), (RANGE, "bytes=2-3")],
        vec![
            (IF_RANGE, "\"other\""),
            (IF_RANGE, &etag),
            (RANGE, "bytes=0-0"),
        ],
        vec![(IF_NONE_MATCH, "\"other\""), (IF_NONE_MATCH, &etag)],
        vec![(ACCEPT_ENCODING, "br"), (ACCEPT_ENCODING, "gzip")],
    ];
    for request in repeated {
        assert_eq!(reply(&request).0, whole, "{request:?}");
    }
}
