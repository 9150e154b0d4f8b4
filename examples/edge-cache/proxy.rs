//! Viewers: what is kept, what is on its way, and what belongs to one of them alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backline_cache::pull::{Ask, Copy, Freshness, Pull, PullAnswer, PullConfig, PullLimits, Purge};
use backline_cache::reuse::{self, Access, cdn_loop};
use backline_cache::rules::{Asked, Surroundings, Treatment, Uplink};
use backline_cache::{Error, Forward, Limits, Name, Noise};
use backline_examples::adapt::listen::Doors;
use backline_examples::adapt::pull::{Output, Pulled, Told};
use backline_examples::adapt::random;
use backline_examples::adapt::serve::{Peer, STREAMS_MAX};
use backline_examples::adapt::shared::Shared;
use backline_examples::adapt::tls::connector;
use backline_examples::adapt::upstream::{Outbound, Upstream};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::mpsc;

use super::StartError;
use super::options::{Options, Origin};
use super::replies::{Sent, text};
use super::rulebook::Rulebook;
use super::{class, fetch, kept};

/// The longest wait for an answer: hls.js gives up after 10 s.
const HOLD: Duration = Duration::from_secs(9);
/// How often a request is asked anew because what it waited for was another variant.
const AGAIN_MAX: usize = 4;

/// What every request's task knows.
pub(crate) struct Site {
    pub(crate) desk: Shared<Pulled>,
    pub(crate) upstream: Upstream,
    pub(crate) origin: Origin,
    pub(crate) rules: Rulebook,
    pub(crate) name: &'static str,
    pub(crate) viewers: Doors,
    /// Whether the origin can be reached.
    pub(crate) reachable: AtomicBool,
    target: Duration,
    /// Of heads.
    pub(crate) heads: Limits,
    /// Keeps apart what requests select.
    pub(crate) seed: u64,
    limits: PullLimits,
    noise: Noise,
    house: Mutex<Surroundings>,
}

impl Site {
    /// Everything that the viewers need; what comes out of the receiver is for [`fetch::run`].
    pub(crate) fn open(options: &Options) -> Result<(Self, mpsc::Receiver<Output>), StartError> {
        let mut config = PullConfig::default();
        config.budget = options.memory;
        let seed = random::seed();
        config.seed = seed;
        // A connection may be that of another cache, which asks for its whole crowd.
        config.limits.client_waiters = STREAMS_MAX;
        config.limits.new_names = 6_000;
        let limits = config.limits.clone();
        let (desk, work) = Shared::new(Pulled::new(Pull::new(config, Instant::now())?));
        let tls = if options.origin.is_secure() {
            Some(connector(options.tls_ca.as_deref())?)
        } else {
            None
        };
        let site = Self {
            desk,
            upstream: Upstream::new(tls),
            origin: options.origin.clone(),
            rules: Rulebook::open(options.rules.clone())?,
            name: options.name,
            viewers: Doors::new(8_192, 256),
            reachable: AtomicBool::new(true),
            target: options.target,
            heads: Limits::default(),
            seed,
            limits,
            noise: Noise::new(options.noise.iter().cloned()),
            house: Mutex::default(),
        };
        Ok((site, work))
    }

    /// Answers one request of a viewer.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Peer,
    ) -> Response<Sent> {
        if request.uri().path() == "/healthz" {
            return text(StatusCode::OK, "ok\n");
        }
        if cdn_loop::loops(request.headers(), self.name) {
            return text(
                StatusCode::LOOP_DETECTED,
                "this cache stands behind itself\n",
            );
        }
        let name = Name::new(
            request.uri().path(),
            request.uri().query(),
            &self.noise,
            &self.limits,
        );
        let name = match name {
            Ok(name) => name,
            Err(error @ Error::NameTooLong { .. }) => {
                return text(StatusCode::URI_TOO_LONG, format!("{error}\n"));
            }
            Err(error) => return text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        };
        match reuse::access(request.method(), request.headers()) {
            Access::Share(fresh) => self.kept(&name, request, fresh, peer).await,
            _ => self.past(&name, request).await,
        }
    }

    /// What the rules say about a name as things stand.
    pub(crate) fn treatment(&self, name: &Name, status: Option<u16>) -> Treatment {
        let asked = self.asked(name, status);
        let house = *self.house.lock().unwrap_or_else(PoisonError::into_inner);
        self.rules.current().decide(&asked, &house).treatment
    }

    /// Why the rules say it, in a line.
    pub(crate) fn why(&self, name: &Name, status: Option<u16>) -> String {
        let asked = self.asked(name, status);
        let house = *self.house.lock().unwrap_or_else(PoisonError::into_inner);
        self.rules.current().explain(&asked, &house).to_string()
    }

    fn asked<'a>(&self, name: &'a Name, status: Option<u16>) -> Asked<'a> {
        let mut asked = Asked::new(name.path(), self.target);
        asked.class = Some(class::of(name.path()));
        asked.held = name
            .query()
            .is_some_and(|query| query.contains("_HLS_msn="));
        asked.status = status;
        asked
    }

    /// The origin answers, or does not.
    pub(crate) fn reached(&self, reached: bool) {
        if self.reachable.swap(reached, Ordering::Relaxed) == reached {
            return;
        }
        let mut house = self.house.lock().unwrap_or_else(PoisonError::into_inner);
        house.uplink = Some(if reached { Uplink::Up } else { Uplink::Down });
        house.viewers = u32::try_from(self.viewers.count()).ok();
        drop(house);
        self.desk
            .with(|pulled, now| pulled.pull_mut().set_uplink(now, reached));
        if reached {
            tracing::info!("the origin answers again");
        } else {
            tracing::warn!(origin = %self.origin, "the origin cannot be reached; what is kept is served");
        }
    }

    async fn kept(
        &self,
        name: &Name,
        request: Request<Incoming>,
        fresh: Freshness,
        peer: Peer,
    ) -> Response<Sent> {
        let treatment = self.treatment(name, None);
        if treatment.bypass {
            return self.alone(name, request, Forward::Bypass).await;
        }
        let headers = Arc::new(request.headers().clone());
        for _ in 0..AGAIN_MAX {
            let (token, answer) = self.ask(name, &treatment, fresh, &headers, peer).await;
            match answer {
                PullAnswer::Again => {}
                PullAnswer::Hit(copy) => return self.hit(name, &copy, token, &request).await,
                PullAnswer::Own(_) => {
                    let own = self.desk.with(|pulled, _| pulled.take_own(token));
                    return match own {
                        Some(answered) => kept::through(answered, self.name, Forward::Miss),
                        None => text(StatusCode::BAD_GATEWAY, "the answer got lost\n"),
                    };
                }
                PullAnswer::Pass => return self.alone(name, request, Forward::Bypass).await,
                other => {
                    let status = other.status().unwrap_or(503);
                    return kept::refused(status, self.name);
                }
            }
        }
        self.alone(name, request, Forward::VaryMiss).await
    }

    async fn ask(
        &self,
        name: &Name,
        treatment: &Treatment,
        fresh: Freshness,
        headers: &Arc<HeaderMap>,
        peer: Peer,
    ) -> (u64, PullAnswer) {
        let asked = self.desk.ask(|pulled, now, token| {
            let vary = pulled.pull().vary(name);
            let mut ask = Ask::new(name, treatment);
            ask.variant = vary.map_or(0, |vary| reuse::variant(vary, headers, self.seed));
            ask.unit = class::unit(treatment.class);
            ask.fresh = fresh;
            pulled.request(now, &ask, headers, token, peer.connection, now + HOLD)
        });
        match asked {
            Ok(answered) => answered,
            Err((token, waiting)) => match waiting.await {
                Some(Told::Answer(answer)) => (token, answer),
                _ => (token, PullAnswer::Expired),
            },
        }
    }

    async fn hit(
        &self,
        name: &Name,
        copy: &Copy,
        token: u64,
        request: &Request<Incoming>,
    ) -> Response<Sent> {
        let rules = self.rules.current();
        let status = kept::said(copy, self.name, rules.id(copy.rule()));
        let reply = kept::reply(self, copy, token, request, &status).await;
        reply.unwrap_or_else(|error| {
            tracing::warn!(%name, %error, "what is kept cannot be sent");
            text(StatusCode::BAD_GATEWAY, "what is kept cannot be sent\n")
        })
    }

    /// Asks the origin for this one request, which shares nothing with others.
    async fn alone(&self, name: &Name, request: Request<Incoming>, why: Forward) -> Response<Sent> {
        let path = request.uri().path_and_query().map(|path| path.to_string());
        let path = path.unwrap_or_else(|| name.as_str().to_owned());
        let (parts, body) = request.into_parts();
        let head = fetch::request(self, &path, parts.method, &parts.headers);
        let Ok(head) = head else {
            return text(StatusCode::BAD_REQUEST, "no such URL\n");
        };
        let asked = self.upstream.ask(head.map(|()| Outbound::from(body))).await;
        match asked {
            Ok(answered) => kept::through(answered, self.name, why),
            Err(error) => {
                tracing::debug!(%error, "a request that is passed on has no answer");
                kept::refused(502, self.name)
            }
        }
    }

    /// What only the origin can answer; what is kept of it goes if the request may have changed it.
    async fn past(&self, name: &Name, request: Request<Incoming>) -> Response<Sent> {
        let method = request.method().clone();
        let reads = method == Method::GET || method == Method::HEAD;
        let why = if reads {
            Forward::Request
        } else {
            Forward::Method
        };
        let response = self.alone(name, request, why).await;
        if reuse::invalidates(&method, response.status()) {
            self.purge(Purge::Name(name));
        }
        response
    }

    /// Forgets, and tells how much.
    pub(crate) fn purge(&self, what: Purge<'_>) -> usize {
        self.desk
            .with(|pulled, now| pulled.pull_mut().purge(now, what))
    }

    /// The name of a path that the keeper gives.
    pub(crate) fn name(&self, path: &str) -> Result<Name, Error> {
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        Name::new(path, query, &self.noise, &self.limits)
    }
}
