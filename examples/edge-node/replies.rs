//! Answers, by kind: media, errors of media, assets, text, JSON, and what browsers ask before they ask.

use std::time::Instant;

use backline_cache::{Answer, Body, CacheStatus, Conditions, Reply};
use backline_examples::adapt::assets;
use backline_examples::adapt::body::Rope;
use backline_hls::Headers;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, AGE, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION,
    RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const ANY: HeaderValue = HeaderValue::from_static("*");

pub(crate) fn respond(
    answer: &Answer,
    headers: Headers,
    request: &HeaderMap,
    status: CacheStatus<'_>,
) -> Response<Rope> {
    match answer {
        Answer::Hit(body) => hit(body, headers, request, status),
        other => refused(
            other.status().unwrap_or(500),
            "not here: it has gone, is not there yet, or did not come in time\n",
            headers.broken(),
        ),
    }
}

fn hit(
    body: &Body,
    headers: Headers,
    request: &HeaderMap,
    status: CacheStatus<'_>,
) -> Response<Rope> {
    let reply = Reply::new(body, &Conditions::from_headers(request));
    let mut response = Response::new(reply.slices(body).collect());
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let out = response.headers_mut();
    reply.apply(body, Instant::now(), status, out);
    // What the origin sends is as of now, however long it has had the bytes: with an age, a part of the window would
    // be stale in every cache at its arrival, and each viewer's request for it would come through (RFC 9111, 5.1).
    out.remove(AGE);
    // The body knows its length; hyper writes it.
    out.remove(CONTENT_LENGTH);
    headers.apply(out);
    response
}

/// An error of the media's own kind: with its headers, which say for how long a cache may repeat it.
pub(crate) fn refused(status: u16, why: &str, headers: Headers) -> Response<Rope> {
    let mut response = text(
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        "",
    );
    *response.body_mut() = why.to_owned().into();
    let out = response.headers_mut();
    headers.apply(out);
    out.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if status == 503 || status == 429 {
        out.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

pub(crate) fn asset(name: &str, headers: &HeaderMap) -> Response<Rope> {
    match assets::find(name) {
        Some(asset) => asset.answer(headers),
        None => text(StatusCode::NOT_FOUND, "no such file\n"),
    }
}

pub(crate) fn text(status: StatusCode, body: &'static str) -> Response<Rope> {
    let mut response = Response::new(Rope::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

pub(crate) fn json(body: Vec<u8>) -> Response<Rope> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    response
}

pub(crate) fn moved(stage: &str) -> Response<Rope> {
    let mut response = text(StatusCode::PERMANENT_REDIRECT, "");
    // A stage's name is checked to need no escaping.
    if let Ok(place) = HeaderValue::try_from(format!("/{stage}/")) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

pub(crate) fn preflight() -> Response<Rope> {
    let mut response = Response::new(Rope::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("range, if-none-match"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

pub(crate) fn refused_method() -> Response<Rope> {
    let mut response = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "GET, HEAD and OPTIONS only\n",
    );
    response.headers_mut().insert(ALLOW, METHODS);
    response
}

/// A page in one of Prometheus' formats.
pub(crate) fn exposition(content_type: &'static str, body: String) -> Response<Rope> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, NO_STORE);
    response
}
