//! Requests and their answers, timed, each whole within its time.

use std::time::{Duration, Instant};

use backline_examples::adapt::upstream::{Answered, Outbound, Upstream, UpstreamError};
use backline_hls::lint::{Record, Request, Response};
use bytes::BytesMut;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, RANGE};
use http::uri::{InvalidUri, Uri};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A body beyond this is no segment of a live stream.
const BODY_MAX: usize = 64 << 20;

/// No answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{url}: the connection broke: {source}")]
    Broken { url: String, source: hyper::Error },
    #[error("{url}: more than {} MiB", BODY_MAX >> 20)]
    Large { url: String },
    #[error("{url}: no whole answer in {} s", patience.as_secs())]
    Slow { url: String, patience: Duration },
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("{url} cannot be asked for: {source}")]
    Uri { url: String, source: InvalidUri },
}

/// Sends requests and times their answers.
pub(crate) struct Fetcher {
    upstream: Upstream,
}

impl Fetcher {
    pub(crate) fn new(tls: Option<TlsConnector>) -> Self {
        Self {
            upstream: Upstream::new(tls),
        }
    }

    /// Sends a request; the error has it too, for whoever waits for it.
    pub(crate) async fn fetch(
        &self,
        request: Request,
        patience: Duration,
    ) -> Result<Record, (Request, FetchError)> {
        let asked = request.clone();
        let answered = timeout(patience, self.answer(request)).await;
        let url = asked.url.clone();
        match answered {
            Ok(answer) => answer.map_err(|error| (asked, error)),
            Err(_) => Err((asked, FetchError::Slow { url, patience })),
        }
    }

    async fn answer(&self, request: Request) -> Result<Record, FetchError> {
        let url = request.url.clone();
        let uri: Uri = url.parse().map_err(|source| FetchError::Uri {
            url: url.clone(),
            source,
        })?;
        let answered = self.upstream.ask(head(uri, &request)).await?;
        let Answered {
            head,
            mut body,
            sent,
            ..
        } = answered;
        let (mut began, mut bytes) = (None, BytesMut::new());
        loop {
            let next = body.next().await;
            let next = next.map_err(|source| FetchError::Broken {
                url: url.clone(),
                source,
            })?;
            let Some(data) = next else { break };
            began.get_or_insert_with(Instant::now);
            bytes.extend_from_slice(&data);
            if bytes.len() > BODY_MAX {
                return Err(FetchError::Large { url });
            }
        }
        let done = Instant::now();
        let headers = head.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        let mut response = Response::new(head.status().as_u16(), headers.collect(), bytes.freeze());
        response.multiplexed = body.is_multiplexed();
        Ok(Record::new(
            request,
            response,
            sent,
            began.unwrap_or(done),
            done,
        ))
    }
}

fn head(uri: Uri, request: &Request) -> http::Request<Outbound> {
    let mut head = http::Request::new(Outbound::default());
    *head.uri_mut() = uri;
    let encoding = if request.gzip { "gzip" } else { "identity" };
    head.headers_mut()
        .insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    if let Some((from, to)) = request.range {
        let to = to.map(|to| to.to_string()).unwrap_or_default();
        if let Ok(range) = format!("bytes={from}-{to}").parse() {
            head.headers_mut().insert(RANGE, range);
        }
    }
    head
}
