//! Requests to other servers over HTTP/1.1 and, where TLS agrees on it, HTTP/2; connections are used again.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::header::HOST;
use http::uri::{PathAndQuery, Scheme, Uri};
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_rustls::TlsConnector;

use super::dial::{DialError, dial};
use super::tls::{HTTP_2, Stream};

/// Connections that wait for their next request, of one server.
const IDLE_MAX: usize = 32;

/// No answer came.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// There is no connection.
    #[error("{place}: {source}")]
    Dial {
        /// Scheme, host and port.
        place: String,
        /// Why not.
        source: DialError,
    },
    /// The connection broke, or carried no HTTP.
    #[error("{place}: the connection broke: {source}")]
    Http {
        /// Scheme, host and port.
        place: String,
        /// What broke it.
        source: hyper::Error,
    },
    /// There is nothing to trust.
    #[error("{place} needs TLS, and this machine trusts no certificate: name a file with --tls-ca")]
    Untrusted {
        /// Scheme, host and port.
        place: String,
    },
}

/// Sends requests to any number of servers. Clones are handles of the same connections.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    tls: Option<TlsConnector>,
    /// Idle connections by scheme, host and port.
    idle: Mutex<BTreeMap<String, Vec<Sender>>>,
}

/// A connection that can take a request.
enum Sender {
    One(http1::SendRequest<Outbound>),
    Many(http2::SendRequest<Outbound>),
}

/// What a request carries: nothing, or what a client sends.
#[derive(Debug, Default)]
pub struct Outbound(Option<Incoming>);

/// The head of an answer, and what follows it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answered {
    /// Status and headers.
    pub head: Response<()>,
    /// The bytes as they come.
    pub body: Arriving,
    /// When the request was sent, the connection being there.
    pub sent: Instant,
}

/// The body of an answer. Its connection is used again once the end has been seen; dropped before, it is closed.
pub struct Arriving {
    body: Incoming,
    connection: Option<(Upstream, String, Sender)>,
    multiplexed: bool,
}

impl Upstream {
    /// Trusts what `tls` trusts; without it only plain HTTP is spoken.
    #[must_use]
    pub fn new(tls: Option<TlsConnector>) -> Self {
        let agreeing = |tls: TlsConnector| {
            let mut config = tls.config().as_ref().clone();
            config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Self(Arc::new(Inner {
            tls: tls.map(agreeing),
            idle: Mutex::default(),
        }))
    }

    /// Sends `request`, whose URI is a whole one, and waits for the head of its answer.
    ///
    /// # Errors
    ///
    /// No connection comes about, or it breaks before the answer begins.
    pub async fn ask(&self, request: Request<Outbound>) -> Result<Answered, UpstreamError> {
        let uri = request.uri().clone();
        let place = place(&uri);
        // A connection that lay idle may have been closed: one more try on a fresh one, if nothing is lost by it.
        if request.body().0.is_none()
            && let Some(sender) = self.take(&place)
        {
            match self.send(sender, &place, head_of(&request)).await {
                Err(UpstreamError::Http { .. }) => {}
                other => return other,
            }
        }
        let sender = self.connect(&place, &uri).await?;
        self.send(sender, &place, request).await
    }

    fn take(&self, place: &str) -> Option<Sender> {
        let mut idle = self.idle();
        let waiting = idle.get_mut(place)?;
        match waiting.last() {
            // Shared by all requests at once.
            Some(Sender::Many(sender)) => Some(Sender::Many(sender.clone())),
            _ => waiting.pop(),
        }
    }

    fn give_back(&self, place: &str, sender: Sender) {
        let mut idle = self.idle();
        let waiting = idle.entry(place.to_owned()).or_default();
        match &sender {
            Sender::Many(_) => *waiting = vec![sender],
            Sender::One(_) if waiting.len() < IDLE_MAX => waiting.push(sender),
            Sender::One(_) => {}
        }
    }

    fn idle(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Sender>>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self, place: &str, uri: &Uri) -> Result<Sender, UpstreamError> {
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        // A literal IPv6 address stands in brackets in a URL and without them everywhere else.
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let tls = match (secure, &self.0.tls) {
            (true, None) => {
                return Err(UpstreamError::Untrusted {
                    place: place.to_owned(),
                });
            }
            (true, Some(tls)) => Some(tls),
            (false, _) => None,
        };
        let dialled = dial(host, port, tls).await;
        let stream = dialled.map_err(|source| UpstreamError::Dial {
            place: place.to_owned(),
            source,
        })?;
        let many =
            matches!(&stream, Stream::Tls(tls) if tls.get_ref().1.alpn_protocol() == Some(HTTP_2));
        let broken = |source| UpstreamError::Http {
            place: place.to_owned(),
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

    async fn send(
        &self,
        mut sender: Sender,
        place: &str,
        mut request: Request<Outbound>,
    ) -> Result<Answered, UpstreamError> {
        let broken = |source| UpstreamError::Http {
            place: place.to_owned(),
            source,
        };
        let (sent, answer) = match &mut sender {
            Sender::One(sender) => {
                sender.ready().await.map_err(broken)?;
                origin_form(&mut request);
                let sent = Instant::now();
                (sent, sender.send_request(request).await)
            }
            Sender::Many(sender) => {
                sender.ready().await.map_err(broken)?;
                let sent = Instant::now();
                (sent, sender.send_request(request).await)
            }
        };
        let (parts, body) = answer.map_err(broken)?.into_parts();
        let multiplexed = matches!(sender, Sender::Many(_));
        let mut connection = Some((self.clone(), place.to_owned(), sender));
        if multiplexed && let Some((_, place, sender)) = connection.take() {
            self.give_back(&place, sender);
        }
        Ok(Answered {
            head: Response::from_parts(parts, ()),
            body: Arriving {
                body,
                connection,
                multiplexed,
            },
            sent,
        })
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "connections to {} servers", self.idle().len())
    }
}

impl Arriving {
    /// The next bytes; `None` after a whole body.
    ///
    /// # Errors
    ///
    /// The connection broke before the end that was announced.
    pub async fn next(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        while let Some(frame) = poll_fn(|context| Pin::new(&mut *self).poll_frame(context)).await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// Whether others share the connection, as HTTP/2 has it.
    #[must_use]
    pub const fn is_multiplexed(&self) -> bool {
        self.multiplexed
    }
}

impl std::fmt::Debug for Arriving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Arriving").field(&self.body).finish()
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.body).poll_frame(context);
        // Who knows the length asks no further than the last byte.
        let whole = match &poll {
            Poll::Ready(Some(Ok(_))) => this.body.is_end_stream(),
            Poll::Ready(None) => true,
            _ => false,
        };
        if whole && let Some((upstream, place, sender)) = this.connection.take() {
            upstream.give_back(&place, sender);
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl From<Incoming> for Outbound {
    fn from(body: Incoming) -> Self {
        Self((!body.is_end_stream()).then_some(body))
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.get_mut().0 {
            None => Poll::Ready(None),
            Some(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// The same request once more; one that carries nothing.
fn head_of(request: &Request<Outbound>) -> Request<Outbound> {
    let mut copy = Request::new(Outbound::default());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// Whose connection it is.
fn place(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = uri.authority().map_or("", |authority| authority.as_str());
    format!("{scheme}://{host}")
}

/// The request as HTTP/1.1 has it: with the path alone, and `Host`.
fn origin_form(request: &mut Request<Outbound>) {
    let uri = std::mem::take(request.uri_mut());
    // What names a user belongs to the URL and not to the host.
    let host = uri
        .authority()
        .and_then(|host| host.as_str().rsplit('@').next());
    if let Some(Ok(host)) = host.map(HeaderValue::from_str) {
        request.headers_mut().insert(HOST, host);
    }
    let path = uri.path_and_query().cloned();
    *request.uri_mut() = path
        .unwrap_or_else(|| PathAndQuery::from_static("/"))
        .into();
}
