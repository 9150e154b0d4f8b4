//! HTTP for `object_store` over what this package has already: no second HTTP client, no second TLS.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::BytesMut;
use http_body::Body as _;
use hyper_util::rt::TokioIo;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use tokio_rustls::TlsConnector;

use crate::adapt::dial::dial;
use crate::adapt::tls::{self, TlsError};

/// One request with its answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Answers to what is stored are a few hundred bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Opens one connection a request.
#[derive(Clone)]
pub(super) struct Connector {
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new() -> Result<Self, TlsError> {
        Ok(Self {
            tls: tls::connector(None)?,
        })
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let late = |_| {
            let error = io::Error::from(io::ErrorKind::TimedOut);
            HttpError::new(HttpErrorKind::Timeout, error)
        };
        tokio::time::timeout(ANSWER_MAX, self.exchange(request))
            .await
            .map_err(late)?
    }
}

impl Connector {
    async fn exchange(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let uri = request.uri().clone();
        let secure = uri.scheme_str() != Some("http");
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = dial(host, port, secure.then_some(&self.tls))
            .await
            .map_err(|error| HttpError::new(HttpErrorKind::Connect, error))?;
        let broken = |error| HttpError::new(HttpErrorKind::Request, error);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        // It ends with the answer.
        let connection = tokio::spawn(connection);
        if let Some(authority) = uri.authority()
            && let Ok(value) = http::HeaderValue::from_str(authority.as_str())
        {
            request
                .headers_mut()
                .entry(http::header::HOST)
                .or_insert(value);
        }
        if let Some(path) = uri.path_and_query() {
            *request.uri_mut() = http::Uri::from(path.clone());
        }
        let (head, mut body) = sender
            .send_request(request)
            .await
            .map_err(broken)?
            .into_parts();
        let mut bytes = BytesMut::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let frame = frame.map_err(broken)?;
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
            }
            if bytes.len() > ANSWER_BYTES_MAX {
                let error = io::Error::from(io::ErrorKind::InvalidData);
                return Err(HttpError::new(HttpErrorKind::Decode, error));
            }
        }
        drop(sender);
        connection.abort();
        Ok(HttpResponse::from_parts(head, bytes.freeze().into()))
    }
}
