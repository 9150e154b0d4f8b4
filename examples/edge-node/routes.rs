//! HTTP: the page, the media, and what the keeper of the box looks at.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use backline_cache::CacheStatus;
use backline_examples::adapt::body::{self, Rope, Unread};
use backline_examples::adapt::clock;
use backline_examples::adapt::exposition::Format;
use backline_examples::adapt::listen::Doors;
use backline_examples::adapt::serve::Peer;
use backline_examples::compose::hls_cache::Now;
use bytes::Buf;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;

use super::hush::Hush;
use super::ladder::House;
use super::metrics::{Class, Metrics};
use super::multitrack;
use super::replies::{
    asset, exposition, json, moved, preflight, refused, refused_method, respond, text,
};
use super::stage::Stage;
use super::status;

/// Where OBS posts its request for a client configuration.
const CLIENT_CONFIGURATION: &str = "/api/GetClientConfiguration";
/// How long that may take; OBS itself waits for five seconds.
const CONFIGURE_TIME: Duration = Duration::from_secs(4);

/// What every request's task knows.
pub(crate) struct Site {
    pub(crate) stages: Vec<Arc<Stage>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) viewers: Doors,
    /// What the way to the audience carries.
    pub(crate) house: House,
    /// The server line of OBS.
    pub(crate) server: String,
    /// Of wrong keys.
    pub(crate) hush: Hush,
}

/// Connections of the audience: in all, and from one address. A browser opens up to six.
pub(crate) fn doors() -> Doors {
    Doors::new(8_192, 256)
}

impl Site {
    /// Answers one request.
    pub(crate) async fn answer<B>(
        self: Arc<Self>,
        request: Request<B>,
        peer: Peer,
    ) -> Response<Rope>
    where
        B: Body<Data: Buf>,
    {
        let since = Instant::now();
        let head = request.method() == Method::HEAD;
        let (class, mut response) = match *request.method() {
            Method::GET | Method::HEAD => self.route(&request, peer).await,
            Method::OPTIONS => (Class::Other, preflight()),
            Method::POST if request.uri().path() == CLIENT_CONFIGURATION => {
                (Class::Api, self.configure(request.into_body(), peer).await)
            }
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
        if let Some(name) = path.strip_prefix("/api/") {
            let stage = name.strip_suffix("/obs.json");
            return match stage.filter(|stage| self.stages.iter().any(|known| known.name == *stage))
            {
                Some(_) => {
                    let file = multitrack::file(self.house, &self.server);
                    (Class::Api, json(file.to_string().into_bytes()))
                }
                None => (
                    Class::Other,
                    text(StatusCode::NOT_FOUND, "no such page or stage\n"),
                ),
            };
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

    /// Tells OBS what to encode, if its key is that of a stage.
    async fn configure<B: Body<Data: Buf>>(&self, body: B, peer: Peer) -> Response<Rope> {
        let taken = body::take(body, multitrack::REQUEST_MAX, CONFIGURE_TIME).await;
        let request = taken
            .map_err(multitrack::RequestError::from)
            .and_then(|body| multitrack::parse(&body));
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                let status = match &error {
                    multitrack::RequestError::Unread(Unread::Long { .. }) => {
                        StatusCode::PAYLOAD_TOO_LARGE
                    }
                    multitrack::RequestError::Unread(Unread::Late { .. }) => {
                        StatusCode::REQUEST_TIMEOUT
                    }
                    _ => StatusCode::BAD_REQUEST,
                };
                tracing::debug!(peer = %peer.address, %error, "no client configuration");
                let mut response = text(status, "");
                *response.body_mut() = format!("{error}\n").into();
                return response;
            }
        };
        // Every stage is compared with, so that the time tells nothing.
        let known = self.stages.iter().fold(false, |known, stage| {
            known | stage.has_key(&request.authentication.0)
        });
        let answer = if known {
            multitrack::answer(self.house, &self.server, &request)
        } else {
            self.metrics.misconfigured.fetch_add(1, Ordering::Relaxed);
            if let Some(hushed) = self.hush.line(peer.address.ip(), Instant::now()) {
                tracing::warn!(peer = %peer.address, hushed, "OBS asked for its configuration with a wrong stream key");
            }
            multitrack::refusal(
                "wrong stream key: copy the one that edge-node printed at its start",
            )
        };
        json(answer.to_string().into_bytes())
    }

    fn exposition(&self, headers: &HeaderMap) -> Response<Rope> {
        let format = Format::wanted(headers);
        let text = self.metrics.write(format, &self.stages, &self.viewers);
        exposition(format.content_type(), text)
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
