//! One connection of HTTP/2.

use std::convert::Infallible;
use std::future::Future;
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::{HEAD_BYTES_MAX, HEAD_TIMEOUT, STREAMS_MAX, WRITE_STALL_MAX, turned};
use crate::adapt::body::Outgoing;
use crate::adapt::flow::{Flow, Pace};

/// Bytes of one answer that may wait in the connection for a reader.
const SEND_BUFFER_MAX: usize = 64 * 1024;
/// A peer that does not even answer a ping is gone.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How often the answers under way are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Serves one connection to its end.
pub(super) async fn connection<I, S, F, B>(stream: I, mut ending: watch::Receiver<bool>, service: S)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Outgoing,
{
    let flow = Flow::new(Instant::now());
    let service = service_fn(|request| {
        let (waiting, flow) = (flow.request(), flow.clone());
        let response = service(request);
        async move {
            let response = response.await;
            let response = response.map(|body| flow.carry(body, Instant::now()));
            drop(waiting);
            Ok::<_, Infallible>(response)
        }
    });
    // hyper itself ends a connection that opens and resets requests faster than they can be answered.
    let serving = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .max_send_buf_size(SEND_BUFFER_MAX)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(WRITE_STALL_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut going = true;
    let result = loop {
        tokio::select! {
            result = serving.as_mut() => break result,
            () = turned(&mut ending), if going => {
                going = false;
                serving.as_mut().graceful_shutdown();
            }
            _ = look.tick() => match flow.pace(Instant::now()) {
                Pace::Stalled(time) if time > WRITE_STALL_MAX => {
                    tracing::debug!("a reader takes nothing of its answer; its connection is closed");
                    return;
                }
                Pace::Idle(time) if time > HEAD_TIMEOUT && going => {
                    going = false;
                    serving.as_mut().graceful_shutdown();
                }
                // What the library holds of short answers is not seen as stalled; who reads none of it goes too.
                Pace::Idle(time) if time > HEAD_TIMEOUT + WRITE_STALL_MAX => return,
                _ => {}
            },
        }
    };
    if let Err(error) = result {
        tracing::trace!(%error, "a connection ended early");
    }
}
