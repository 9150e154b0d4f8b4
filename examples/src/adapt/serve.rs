//! hyper's HTTP server with caps: connections, time for a request's head, time for a slow reader.
//!
//! Browsers speak HTTP/1.1 over plain TCP, which is what an address on a LAN gets, and HTTP/2 over TLS alone.

mod http2;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::body::Outgoing;
use super::gather;
use super::listen::{Doors, accept};
use super::stall::Stall;
use super::tls::{HTTP_2, Identity};

/// How long a peer may take for the head of a request, and how long it may idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a reader may take no byte of its answer.
const WRITE_STALL_MAX: Duration = Duration::from_secs(15);
/// Bytes of one request's head. A browser's is below 1 KiB; hyper's least is 8 KiB.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Who asks: one number a connection, and the address behind it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Peer {
    /// Unique among the connections of this process.
    pub connection: u64,
    /// The other end of the socket.
    pub address: SocketAddr,
}

/// Requests that one HTTP/2 connection may have open. A player has a playlist and a part of each rendition in flight,
/// some ten in all; a cache has those of its whole crowd, once each.
pub const STREAMS_MAX: u32 = 64;
/// How long a peer may take to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections of this process so far.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// Serves `listener` until `ending` turns true; then finishes what is in flight and returns. With an identity it speaks
/// TLS, and HTTP/2 with those who can.
pub async fn serve<S, F, B>(
    listener: TcpListener,
    identity: Option<Arc<Identity>>,
    doors: Doors,
    mut ending: watch::Receiver<bool>,
    service: S,
) where
    S: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Outgoing,
{
    let service = Arc::new(service);
    let (alive, all_gone) = watch::channel(());
    loop {
        let (stream, address) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = turned(&mut ending) => break,
        };
        let Some(admission) = doors.admit(address.ip()) else {
            tracing::debug!(%address, "too many connections; one is closed unheard");
            continue;
        };
        let peer = Peer {
            connection: CONNECTIONS.fetch_add(1, Ordering::Relaxed),
            address,
        };
        let (service, ending, alive) = (Arc::clone(&service), ending.clone(), all_gone.clone());
        let acceptor = identity.as_ref().map(|identity| identity.acceptor());
        tokio::spawn(async move {
            let _held = (admission, alive);
            let stream = Stall::new(stream, WRITE_STALL_MAX);
            let service = move |request| {
                let response = service(request, peer);
                async move {
                    let response = response.await;
                    gather::answered();
                    response
                }
            };
            let Some(acceptor) = acceptor else {
                return connection(stream, ending, service).await;
            };
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) => {
                    http2::connection(stream, ending, service).await;
                }
                Ok(Ok(stream)) => connection(stream, ending, service).await,
                Ok(Err(error)) => tracing::debug!(%address, %error, "no TLS came about"),
                Err(_) => tracing::debug!(%address, "no TLS came about in time"),
            }
        });
    }
    drop(listener);
    drop(all_gone);
    alive.closed().await;
}

/// Waits until `signal` is true, or until nobody is left to turn it.
pub async fn turned(signal: &mut watch::Receiver<bool>) {
    drop(signal.wait_for(|signal| *signal).await);
}

async fn connection<I, S, F, B>(stream: I, mut ending: watch::Receiver<bool>, service: S)
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<B>>,
    B: Outgoing,
{
    let service = service_fn(|request| {
        let response = service(request);
        async move { Ok::<_, Infallible>(response.await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = turned(&mut ending) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        tracing::trace!(%error, "a connection ended early");
    }
}
