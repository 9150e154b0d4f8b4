//! The publisher's side: who may, who must leave, and what he gives.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use backline_examples::adapt::program::Program;
use backline_examples::adapt::pump::{Ended, Pump};
use backline_examples::adapt::random;
use backline_examples::adapt::serve::turned;
use backline_rtmp::server::{Config, Output, Peer, PublishRequest, Rejection, Server};
use subtle::ConstantTimeEq;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// A publisher that sends no byte for so long is gone, whatever its socket says.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// Follows one connection to its end.
pub(crate) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    program: &Program,
    key: Option<&str>,
    mut ending: watch::Receiver<bool>,
) {
    let mut config = Config::default();
    config.seed = random::seed();
    config.idle_timeout = SILENCE_MAX;
    let mut pump = Pump::new(stream, Server::new(config, Instant::now()));
    let mut number = None;
    let result = loop {
        let output = tokio::select! {
            output = pump.next() => output,
            why = must_leave(program, number, &mut ending) => {
                pump.session().close(Instant::now(), Rejection::ended(why));
                number = None;
                continue;
            }
        };
        match output {
            Ok(Output::Publish(request)) => number = judge(&mut pump, program, key, peer, request),
            Ok(Output::Play(request)) => {
                let why = Rejection::not_found("this is a relay, and has nothing to play");
                drop(pump.session().reject(Instant::now(), request.id, why));
            }
            Ok(Output::Media(packet)) => {
                if let Some(number) = number {
                    program.push(number, packet);
                }
            }
            Ok(Output::Unpublished) => {
                if let Some(number) = number.take() {
                    program.end(number);
                }
            }
            Ok(Output::Malformed { kind, error, .. }) => {
                tracing::debug!(%peer, kind, %error, "a message was skipped");
            }
            Ok(Output::Failed(error)) => break Err(Ended::Protocol(error)),
            Ok(Output::Close) => break Ok(()),
            Ok(other) => tracing::trace!(%peer, ?other, "of no use here"),
            Err(error) => break Err(error),
        }
    };
    if let Some(number) = number {
        program.end(number);
    }
    match result {
        Ok(()) | Err(Ended::Closed) => tracing::info!(%peer, "the publisher has left"),
        Err(error) => tracing::warn!(%peer, %error, "the publisher is gone"),
    }
    pump.finish().await;
}

/// Resolves with what a publisher is told who must leave; never where there is none.
async fn must_leave(
    program: &Program,
    number: Option<u64>,
    ending: &mut watch::Receiver<bool>,
) -> &'static str {
    let Some(number) = number else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = program.began(number) => "another publisher took over",
        () = turned(ending) => "the relay ends",
    }
}

/// Lets a publisher in, or tells him why not; returns the number of his publication.
fn judge(
    pump: &mut Pump<Server>,
    program: &Program,
    key: Option<&str>,
    peer: SocketAddr,
    request: PublishRequest,
) -> Option<u64> {
    let now = Instant::now();
    if key.is_some_and(|key| !bool::from(key.as_bytes().ct_eq(request.name.as_bytes()))) {
        tracing::warn!(%peer, "a publisher with a wrong stream key was refused");
        let why = Rejection::bad_name("wrong stream key: give the one of --key");
        drop(pump.session().reject(now, request.id, why));
        return None;
    }
    if let Err(error) = pump.session().accept(now, request.id) {
        tracing::debug!(%peer, %error, "a publisher left before it was let in");
        return None;
    }
    tracing::info!(%peer, encoder = %request.peer.flash_version.escape_debug(), "a publisher begins");
    Some(program.begin(fourccs(&request.peer)))
}

/// The codecs that a publisher named, each once: some servers refuse even H.264 from whoever names any.
fn fourccs(peer: &Peer) -> Vec<String> {
    let maps = peer.video_fourccs.iter().chain(&peer.audio_fourccs);
    let mut named = peer.fourcc_list.clone();
    named.extend(maps.map(|(fourcc, _)| fourcc.clone()));
    named.sort();
    named.dedup();
    named
}
