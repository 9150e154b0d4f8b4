//! The origin: what the store wants is asked for once, and told as it comes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backline_cache::pull::{Failure, Head};
use backline_cache::reuse::{self, Clock, cdn_loop, head};
use backline_cache::{Error, FillId};
use backline_examples::adapt::pull::{Fetch, Output, Work};
use backline_examples::adapt::upstream::{Answered, Outbound, UpstreamError};
use http::header::{ACCEPT_ENCODING, HOST, PRAGMA};
use http::{HeaderMap, HeaderValue, Method, Request};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::proxy::Site;

/// How long the origin may take for a head: a blocking playlist is held for nine seconds at most.
const HEAD_MAX: Duration = Duration::from_secs(12);
/// How long it may pause within a body.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How often an origin that is away is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Does what the store wants done, for ever.
pub(crate) async fn run(site: Arc<Site>, mut work: mpsc::Receiver<Output>) {
    let mut under_way: BTreeMap<FillId, AbortHandle> = BTreeMap::new();
    while work.recv().await.is_some() {
        under_way.retain(|_, task| !task.is_finished());
        while let Some(work) = site.desk.with(|pulled, _| pulled.next_work()) {
            match work {
                Work::Fetch(wanted) => {
                    let (fill, site) = (wanted.fill, Arc::clone(&site));
                    let task = tokio::spawn(async move { fetch(&site, *wanted).await });
                    under_way.insert(fill, task.abort_handle());
                }
                Work::Abandon(fill) => {
                    if let Some(task) = under_way.remove(&fill) {
                        task.abort();
                    }
                }
                _ => {}
            }
        }
    }
}

/// Why nothing whole came.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    #[error("no such URL: {0}")]
    Http(#[from] http::Error),
    #[error("its head cannot be kept: {0}")]
    Head(#[from] head::HeadError),
    #[error("it took too long")]
    Slow(#[from] tokio::time::error::Elapsed),
    #[error("it answers {0}")]
    Status(u16),
    #[error(transparent)]
    Store(#[from] Error),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

impl FetchError {
    const fn failure(&self) -> Failure {
        match self {
            Self::Slow(_) => Failure::Timeout,
            Self::Status(status) => Failure::Status(*status),
            Self::Upstream(UpstreamError::Dial { .. }) => Failure::Unreachable,
            _ => Failure::Protocol,
        }
    }
}

async fn fetch(site: &Arc<Site>, wanted: Fetch) {
    let fill = wanted.fill;
    let name = wanted.name.clone();
    let Err(error) = bring(site, wanted).await else {
        return;
    };
    tracing::debug!(%name, %error, "not fetched");
    let failure = error.failure();
    let lost = matches!(failure, Failure::Unreachable | Failure::Timeout);
    site.desk.with(|pulled, now| {
        // It may be over for the store already, which is as good.
        drop(pulled.pull_mut().fill_fail(now, fill, failure));
    });
    if lost {
        look_for(site);
    }
}

async fn bring(site: &Site, wanted: Fetch) -> Result<(), FetchError> {
    let mut asking = request(site, wanted.name.as_str(), Method::GET, &wanted.asker)?;
    let stored = match &wanted.revalidate {
        Some(meta) => Some(head::decode(meta, &site.heads)?),
        None => None,
    };
    normalised(asking.headers_mut());
    if let Some((_, stored)) = &stored {
        reuse::validate(asking.headers_mut(), stored);
    }
    let asking = asking.map(|()| Outbound::default());
    let answered = timeout(HEAD_MAX, site.upstream.ask(asking)).await??;
    site.reached(true);
    let status = answered.head.status().as_u16();
    if status >= 500 {
        return Err(FetchError::Status(status));
    }
    let mut headers = answered.head.headers().clone();
    reuse::strip_hop_by_hop(&mut headers);
    if let (304, Some((status, mut stored))) = (status, stored) {
        reuse::merge(&mut stored, &headers);
        let head = told(site, &wanted, status, &stored, None)?;
        let fresh = site
            .desk
            .with(|pulled, now| pulled.pull_mut().fill_fresh(now, wanted.fill, &head));
        return Ok(fresh?);
    }
    let head = told(site, &wanted, status, &headers, Some(&answered))?;
    let fill = wanted.fill;
    let taken = site
        .desk
        .with(|pulled, now| pulled.head(now, fill, &head, answered))?;
    let Some(mut answered) = taken else {
        return Ok(());
    };
    while let Some(bytes) = timeout(PAUSE_MAX, answered.body.next()).await?? {
        site.desk
            .with(|pulled, now| pulled.pull_mut().fill_bytes(now, fill, &bytes))?;
    }
    site.desk
        .with(|pulled, now| pulled.pull_mut().fill_end(now, fill))?;
    Ok(())
}

/// What the store has to know of a head.
fn told(
    site: &Site,
    wanted: &Fetch,
    status: u16,
    headers: &HeaderMap,
    answered: Option<&Answered>,
) -> Result<Head, FetchError> {
    let treatment = site.treatment(&wanted.name, Some(status));
    // A blocking request is held until there is an answer: that time is not age.
    let clock = Clock {
        delay: Duration::ZERO,
        received: SystemTime::now(),
    };
    let lifetime = reuse::lifetime(&wanted.asker, status, headers, &treatment, clock);
    let mut head = Head::new(
        status,
        lifetime,
        head::encode(status, headers, &site.heads)?,
    );
    head.length = answered.and_then(|answered| http_body::Body::size_hint(&answered.body).exact());
    // Both encodings are made of the one that is kept.
    let others = reuse::vary(headers).map(|names| {
        let others = names.split(|byte| *byte == b',');
        let others = others.filter(|name| *name != ACCEPT_ENCODING.as_str().as_bytes());
        others.collect::<Vec<_>>().join(&b","[..])
    });
    if let Some(vary) = others.filter(|names| !names.is_empty()) {
        head.variant = reuse::variant(&vary, &wanted.asker, site.seed);
        head.vary = Some(vary.into());
    }
    Ok(head)
}

/// The request for the origin: all that a client says end to end, and that this cache has passed it on.
pub(crate) fn request(
    site: &Site,
    path: &str,
    method: Method,
    client: &HeaderMap,
) -> Result<Request<()>, http::Error> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = site.origin.uri(path)?;
    let mut headers = client.clone();
    reuse::strip_hop_by_hop(&mut headers);
    headers.remove(HOST);
    cdn_loop::mark(&mut headers, site.name);
    *request.headers_mut() = headers;
    Ok(request)
}

/// Of one client's request, what makes sense for all who wait for the answer.
fn normalised(headers: &mut HeaderMap) {
    reuse::strip_conditions(headers);
    headers.remove(PRAGMA);
    for name in ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"] {
        headers.remove(name);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
}

/// Looks for an origin that is away until it is back; one task does.
fn look_for(site: &Arc<Site>) {
    if !site.reachable.load(std::sync::atomic::Ordering::Relaxed) {
        return;
    }
    site.reached(false);
    let site = Arc::clone(site);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Ok(head) = request(&site, "/", Method::HEAD, &HeaderMap::new()) else {
                return;
            };
            let asked = site.upstream.ask(head.map(|()| Outbound::default()));
            if let Ok(Ok(_)) = timeout(LOOK_EVERY, asked).await {
                return site.reached(true);
            }
        }
    });
}
