//! HTTP: the page, the media, and what the keeper of the box looks at.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use backline_cache::{Answer, Body, CacheStatus, Conditions, Reply};
use backline_examples::adapt::body::Rope;
use backline_examples::adapt::listen::Doors;
use backline_examples::adapt::serve::Peer;
use backline_examples::adapt::{assets, clock};
use backline_examples::compose::hls_cache::Now;
use backline_hls::Headers;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION,
    RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

use super::metrics::{Class, Metrics};
use super::stage::Stage;
use super::status;
use backline_examples::adapt::exposition::Format;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// What every request's task knows.
pub(crate) struct Site {
    pub(crate) stages: Vec<Arc<Stage>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) viewers: Doors,
}

impl Site {
    /// Answers one request.
    pub(crate) async fn answer<B>(
        self: Arc<Self>,
        request: Request<B>,
        peer: Peer,
    ) -> Response<Rope> {
        let since = Instant::now();
        let head = request.method() == Method::HEAD;
        let (class, mut response) = match *request.method() {
            Method::GET | Method::HEAD => self.route(&request, peer).await,
            Method::OPTIONS => (Class::Other, preflight()),
            _ => (Class::Other, refused_method()),
        };
        let bytes = response.body().len();
        if head {
            response.headers_mut().insert(CONTENT_LENGTH, bytes.into());
            *response.body_mut() = Rope::default();
        }
        self.metrics.answered(
            class,
            response.status().as_u16(),
            response.body().len(),
            since,
        );
        response
    }

    async fn route<B>(&self, request: &Request<B>, peer: Peer) -> (Class, Response<Rope>) {
        let path = request.uri().path();
        let headers = request.headers();
        match path {
            "/" => return (Class::Page, asset("index.html", headers)),
            "/favicon.ico" => return (Class::Page, asset("icon.svg", headers)),
            "/healthz" => return (Class::Api, text(StatusCode::OK, "ok\n")),
            "/metrics" => return (Class::Api, self.exposition(headers)),
            "/api/status" => return (Class::Api, json(status::write(&self.stages))),
            "/api/clock" => {
                return (
                    Class::Api,
                    json(format!("{{\"unix_ms\":{}}}", clock::unix_ms()).into_bytes()),
                );
            }
            _ => {}
        }
        if let Some(name) = path.strip_prefix("/web/") {
            return (Class::Page, asset(name, headers));
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        let (name, rest) = path.split_once('/').unwrap_or((path, "."));
        let Some(stage) = self.stages.iter().find(|stage| stage.name == name) else {
            return (
                Class::Other,
                text(StatusCode::NOT_FOUND, "no such page or stage\n"),
            );
        };
        match rest {
            "" => (Class::Page, asset("index.html", headers)),
            "." => (Class::Page, moved(&stage.name)),
            rest => (class(rest), self.media(stage, rest, request, peer).await),
        }
    }

    /// Playlists, parts and segments: at once, or when they come to exist.
    async fn media<B>(
        &self,
        stage: &Stage,
        path: &str,
        request: &Request<B>,
        peer: Peer,
    ) -> Response<Rope> {
        let query = request.uri().query();
        let asked = stage
            .origin
            .ask(|origin, now, token| origin.request(now, path, query, token, peer.connection));
        let rendition = path.strip_suffix("/index.m3u8");
        let response = match asked {
            Ok(Now::Refused(status, reason, headers)) => {
                refused(status, &format!("{reason}\n"), headers)
            }
            Ok(Now::Answer(answer, headers)) => {
                if rendition.is_some() && query.is_none() {
                    stage.audience.polled(peer.address.ip(), Instant::now());
                }
                respond(&answer, headers, request.headers(), CacheStatus::hit())
            }
            Ok(_) => text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "an answer of an unknown kind\n",
            ),
            Err((headers, waiting)) => {
                let _hold =
                    rendition.map(|rendition| stage.audience.hold(rendition, Instant::now()));
                match waiting.await {
                    Some(told) => {
                        self.metrics.wake.add(told.at.elapsed());
                        respond(
                            &told.answer,
                            headers,
                            request.headers(),
                            CacheStatus::waited(told.via),
                        )
                    }
                    None => text(StatusCode::SERVICE_UNAVAILABLE, "the show has ended\n"),
                }
            }
        };
        stage
            .sent
            .fetch_add(response.body().len(), Ordering::Relaxed);
        response
    }

    fn exposition(&self, headers: &HeaderMap) -> Response<Rope> {
        let format = Format::wanted(headers);
        let mut response = Response::new(
            self.metrics
                .write(format, &self.stages, &self.viewers)
                .into(),
        );
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static(format.content_type()),
        );
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        response
    }
}

fn class(path: &str) -> Class {
    let object = path.rsplit('/').next().unwrap_or(path);
    match (object.rsplit('.').next(), object.bytes().next()) {
        (Some("m3u8"), _) => Class::Playlist,
        (Some("mp4"), _) => Class::Init,
        (Some("m4s"), Some(b's')) => Class::Segment,
        (Some("m4s"), _) => Class::Part,
        _ => Class::Other,
    }
}

fn respond(
    answer: &Answer,
    headers: Headers,
    request: &HeaderMap,
    status: CacheStatus,
) -> Response<Rope> {
    match answer {
        Answer::Hit(body) => hit(body, headers, request, status),
        other => refused(
            other.status().unwrap_or(500),
            "not here: it has gone, is not there yet, or did not come in time\n",
            headers,
        ),
    }
}

fn hit(body: &Body, headers: Headers, request: &HeaderMap, status: CacheStatus) -> Response<Rope> {
    let reply = Reply::new(body, &Conditions::from_headers(request));
    let mut response = Response::new(reply.slices(body).collect());
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let out = response.headers_mut();
    reply.apply(body, Instant::now(), status, out);
    // The body knows its length; hyper writes it.
    out.remove(CONTENT_LENGTH);
    headers.apply(out);
    response
}

/// An error of the media's own kind: with its headers, but never remembered, since what is not there now may
/// come in a moment.
fn refused(status: u16, why: &str, headers: Headers) -> Response<Rope> {
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
    out.insert(CACHE_CONTROL, NO_STORE);
    if status == 503 || status == 429 {
        out.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn asset(name: &str, headers: &HeaderMap) -> Response<Rope> {
    match assets::find(name) {
        Some(asset) => asset.answer(headers),
        None => text(StatusCode::NOT_FOUND, "no such file\n"),
    }
}

fn text(status: StatusCode, body: &'static str) -> Response<Rope> {
    let mut response = Response::new(Rope::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

fn json(body: Vec<u8>) -> Response<Rope> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    response
}

fn moved(stage: &str) -> Response<Rope> {
    let mut response = text(StatusCode::PERMANENT_REDIRECT, "");
    // A stage's name is checked to need no escaping.
    if let Ok(place) = HeaderValue::try_from(format!("/{stage}/")) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

fn preflight() -> Response<Rope> {
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

fn refused_method() -> Response<Rope> {
    let mut response = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "GET, HEAD and OPTIONS only\n",
    );
    response.headers_mut().insert(ALLOW, METHODS);
    response
}
