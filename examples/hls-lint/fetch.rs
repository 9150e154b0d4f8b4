//! Requests over HTTP/1.1 and, where TLS agrees on it, HTTP/2; connections are used again.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backline_examples::adapt::dial::{DialError, dial};
use backline_examples::adapt::tls::Stream;
use backline_hls::lint::{Record, Request, Response};
use bytes::BytesMut;
use http::header::{ACCEPT_ENCODING, HOST, RANGE};
use http::uri::{InvalidUri, Uri};
use http_body::Body;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A body beyond this is no segment of a live stream.
const BODY_MAX: usize = 64 << 20;
/// Connections that wait for their next request, of one server.
const IDLE_MAX: usize = 32;

/// No answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{url}: {source}")]
    Dial { url: String, source: DialError },
    #[error("{url}: the connection broke: {source}")]
    Http { url: String, source: hyper::Error },
    #[error("{url}: more than {} MiB", BODY_MAX >> 20)]
    Large { url: String },
    #[error("{url}: no whole answer in {} s", patience.as_secs())]
    Slow { url: String, patience: Duration },
    #[error("{url} cannot be asked for: {source}")]
    Uri { url: String, source: InvalidUri },
    #[error("{url} needs TLS, and this machine trusts no certificate: name a file with --tls-ca")]
    Untrusted { url: String },
}

/// A connection that can take a request.
enum Sender {
    One(http1::SendRequest<String>),
    Many(http2::SendRequest<String>),
}

/// Sends requests and times their answers.
pub(crate) struct Fetcher {
    tls: Option<TlsConnector>,
    /// Idle connections by scheme, host and port.
    idle: Mutex<BTreeMap<String, Vec<Sender>>>,
}

impl Fetcher {
    pub(crate) fn new(tls: Option<TlsConnector>) -> Self {
        let agreeing = |tls: TlsConnector| {
            let mut config = tls.config().as_ref().clone();
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Self {
            tls: tls.map(agreeing),
            idle: Mutex::default(),
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
        let place = format!(
            "{}://{}",
            uri.scheme_str().unwrap_or("http"),
            uri.authority().map_or("", |a| a.as_str())
        );
        // A connection that lay idle may have been closed: one more try on a fresh one.
        if let Some(sender) = self.take(&place) {
            let sent = Instant::now();
            match self.ask(sender, &place, &uri, request.clone(), sent).await {
                Err(FetchError::Http { .. }) => {}
                other => return other,
            }
        }
        let sender = self.connect(&url, &uri).await?;
        let sent = Instant::now();
        self.ask(sender, &place, &uri, request, sent).await
    }

    fn take(&self, place: &str) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle.get_mut(place)?;
        match waiting.last() {
            // Shared by all requests at once.
            Some(Sender::Many(sender)) => Some(Sender::Many(sender.clone())),
            _ => waiting.pop(),
        }
    }

    fn give_back(&self, place: &str, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle.entry(place.to_owned()).or_default();
        match &sender {
            Sender::Many(_) => *waiting = vec![sender],
            Sender::One(_) if waiting.len() < IDLE_MAX => waiting.push(sender),
            Sender::One(_) => {}
        }
    }

    async fn connect(&self, url: &str, uri: &Uri) -> Result<Sender, FetchError> {
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        // A literal IPv6 address stands in brackets in a URL and without them everywhere else.
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let untrusted = || FetchError::Untrusted {
            url: url.to_owned(),
        };
        let tls = match (secure, &self.tls) {
            (true, None) => return Err(untrusted()),
            (true, Some(tls)) => Some(tls),
            (false, _) => None,
        };
        let dialled = dial(host, port, tls).await;
        let stream = dialled.map_err(|source| FetchError::Dial {
            url: url.to_owned(),
            source,
        })?;
        let many =
            matches!(&stream, Stream::Tls(tls) if tls.get_ref().1.alpn_protocol() == Some(b"h2"));
        let broken = |source| FetchError::Http {
            url: url.to_owned(),
            source,
        };
        let io = TokioIo::new(stream);
        if many {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io)
                .await
                .map_err(broken)?;
            tokio::spawn(connection);
            Ok(Sender::Many(sender))
        } else {
            let (sender, connection) = http1::handshake(io).await.map_err(broken)?;
            tokio::spawn(connection);
            Ok(Sender::One(sender))
        }
    }

    async fn ask(
        &self,
        mut sender: Sender,
        place: &str,
        uri: &Uri,
        request: Request,
        sent: Instant,
    ) -> Result<Record, FetchError> {
        let url = request.url.clone();
        let broken = |source| FetchError::Http {
            url: url.clone(),
            source,
        };
        let many = matches!(sender, Sender::Many(_));
        let head = head(uri, &request, many);
        let answer = match &mut sender {
            Sender::One(sender) => {
                sender.ready().await.map_err(broken)?;
                sender.send_request(head).await.map_err(broken)?
            }
            Sender::Many(sender) => {
                sender.ready().await.map_err(broken)?;
                sender.send_request(head).await.map_err(broken)?
            }
        };
        if many {
            let Sender::Many(shared) = &sender else {
                unreachable!("it carries many")
            };
            self.give_back(place, Sender::Many(shared.clone()));
        }
        let (parts, mut body) = answer.into_parts();
        let (mut began, mut bytes) = (None, BytesMut::new());
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                began.get_or_insert_with(Instant::now);
                bytes.extend_from_slice(&data);
                if bytes.len() > BODY_MAX {
                    return Err(FetchError::Large { url });
                }
            }
        }
        let done = Instant::now();
        if !many {
            self.give_back(place, sender);
        }
        let headers = parts.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        let mut response = Response::new(parts.status.as_u16(), headers.collect(), bytes.freeze());
        response.multiplexed = many;
        Ok(Record::new(
            request,
            response,
            sent,
            began.unwrap_or(done),
            done,
        ))
    }
}

/// The request as HTTP has it: with its whole URL where connections are shared, else with the path and `Host`.
fn head(uri: &Uri, request: &Request, many: bool) -> http::Request<String> {
    let mut head = http::Request::new(String::new());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if many {
        *head.uri_mut() = uri.clone();
    } else {
        *head.uri_mut() = path.parse().unwrap_or_default();
        if let Some(Ok(host)) = uri.authority().map(|host| host.as_str().parse()) {
            head.headers_mut().insert(HOST, host);
        }
    }
    let encoding = if request.gzip { "gzip" } else { "identity" };
    head.headers_mut()
        .insert(ACCEPT_ENCODING, http::HeaderValue::from_static(encoding));
    if let Some((from, to)) = request.range {
        let to = to.map(|to| to.to_string()).unwrap_or_default();
        if let Ok(range) = format!("bytes={from}-{to}").parse() {
            head.headers_mut().insert(RANGE, range);
        }
    }
    head
}
