//! Publishers: who may, who must leave, and their media onto the stage.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use backline_examples::adapt::clock::unix_ms;
use backline_examples::adapt::listen::{Doors, accept};
use backline_examples::adapt::pump::{Ended, Pump};
use backline_examples::adapt::random;
use backline_examples::adapt::serve::turned;
use backline_examples::compose::rtmp_hls::{Feed, Note};
use backline_hls::UnixMillis;
use backline_rtmp::server::{Config, Output, PublishRequest, Rejection, Server};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::hush::{Hush, words};
use super::metrics::Metrics;
use super::stage::{Seat, Stage};

/// The one application that is served.
const APP: &str = "live";
/// A publisher that sends no byte for so long is gone, whatever its socket says.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// Connections of publishers: in all, and from one address.
const CONNECTIONS_MAX: usize = 64;
const CONNECTIONS_PER_ADDRESS: usize = 8;

/// What every publisher's task knows.
pub(crate) struct House {
    pub(crate) stages: Vec<Arc<Stage>>,
    pub(crate) metrics: Arc<Metrics>,
    /// The server line of OBS, for messages.
    pub(crate) server: String,
    /// Of whoever is no publisher.
    pub(crate) hush: Hush,
}

/// Takes publishers until `ending` turns true.
pub(crate) async fn run(
    listener: TcpListener,
    house: Arc<House>,
    mut ending: watch::Receiver<bool>,
) {
    let doors = Doors::new(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = turned(&mut ending) => return,
        };
        let Some(admission) = doors.admit(peer.ip()) else {
            if let Some(hushed) = house.hush.line(peer.ip(), std::time::Instant::now()) {
                tracing::warn!(%peer, hushed, "too many publishing connections; one is closed unheard");
            }
            continue;
        };
        let house = Arc::clone(&house);
        tokio::spawn(async move {
            let _held = admission;
            house
                .metrics
                .rtmp_connections
                .fetch_add(1, Ordering::Relaxed);
            house.serve(stream, peer).await;
        });
    }
}

/// A publication that was accepted.
struct Show {
    seat: Seat,
    feed: Feed,
    events: Vec<backline_hls::Event>,
    /// Bytes of the connection that are counted already.
    counted: u64,
    /// Samples that were refused; the first of a kind is worth a line.
    refused: u64,
}

impl House {
    async fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let mut config = Config::default();
        config.seed = random::seed();
        config.idle_timeout = SILENCE_MAX;
        let mut pump = Pump::new(stream, Server::new(config, std::time::Instant::now()));
        let mut show = None;
        let result = self.follow(&mut pump, peer, &mut show).await;
        let stage = show
            .as_ref()
            .map(|show: &Show| show.seat.stage().name.clone());
        // The stage is free from here on, however long the goodbye takes.
        drop(show);
        match (result, stage) {
            (Ok(()) | Err(Ended::Closed), Some(stage)) => {
                tracing::info!(%stage, %peer, "the publisher has left")
            }
            (Err(error), Some(stage)) => {
                tracing::warn!(%stage, %peer, %error, "the publisher is gone")
            }
            (Err(error @ Ended::Protocol(_)), None) => {
                if let Some(hushed) = self.hush.line(peer.ip(), std::time::Instant::now()) {
                    tracing::warn!(%peer, %error, hushed, "not a publisher, or a broken one");
                }
            }
            _ => tracing::debug!(%peer, "a connection ended before it published"),
        }
        pump.finish().await;
    }

    /// Follows one connection to its end.
    async fn follow(
        &self,
        pump: &mut Pump<Server>,
        peer: SocketAddr,
        show: &mut Option<Show>,
    ) -> Result<(), Ended> {
        loop {
            let output = tokio::select! {
                output = pump.next() => output?,
                () = evicted(show) => {
                    let why = Rejection::ended("another publisher with this key took over, or the show is over");
                    pump.session().close(std::time::Instant::now(), why);
                    *show = None;
                    continue;
                }
            };
            match output {
                Output::Publish(request) => *show = self.judge(pump, peer, request),
                Output::Play(request) => {
                    let why = Rejection::play_failed(
                        "watch in a browser: edge-node plays over HTTP alone",
                    );
                    let now = std::time::Instant::now();
                    if let Err(error) = pump.session().reject(now, request.id, why) {
                        tracing::debug!(%peer, %error, "it had left already");
                    }
                }
                Output::Close => return Ok(()),
                Output::Failed(error) => {
                    tracing::warn!(%peer, %error, "the connection ran out of time");
                }
                Output::Malformed { kind, error, .. } => {
                    self.metrics.malformed.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(%peer, kind, %error, "a message was skipped");
                }
                Output::Warning(warning) => tracing::debug!(%peer, ?warning, "tolerated"),
                media => {
                    let ended = matches!(media, Output::Unpublished);
                    if let Some(playing) = show {
                        self.play(pump, peer, playing, media);
                    }
                    if ended {
                        *show = None;
                    }
                }
            }
        }
    }

    /// Lets a publisher in, or tells him why not.
    fn judge(
        &self,
        pump: &mut Pump<Server>,
        peer: SocketAddr,
        request: PublishRequest,
    ) -> Option<Show> {
        let now = std::time::Instant::now();
        let stage = self.stages.iter().fold(None, |found, stage| {
            if stage.has_key(&request.name) {
                Some(stage)
            } else {
                found
            }
        });
        let refusal = match stage {
            _ if request.peer.app != APP => Rejection::denied(format!(
                "publish to {}, with the stream key as its name",
                self.server
            )),
            None => Rejection::bad_name(
                "wrong stream key: copy the one that edge-node printed at its start",
            ),
            Some(stage) => {
                if let Err(error) = pump.session().accept(now, request.id) {
                    tracing::warn!(%peer, %error, "a publisher left before it was let in");
                    return None;
                }
                tracing::info!(stage = %stage.name, %peer, encoder = words(&request.peer.flash_version), "a publisher begins");
                return Some(Show {
                    seat: stage.take(peer),
                    feed: Feed::new(),
                    events: Vec::new(),
                    // What the connection brought before is another publication's, and counted.
                    counted: pump.session().stats().bytes_in,
                    refused: 0,
                });
            }
        };
        self.metrics.rejected.fetch_add(1, Ordering::Relaxed);
        // The key itself is never logged: a mistyped one is close to the right one.
        if let Some(hushed) = self.hush.line(peer.ip(), now) {
            tracing::warn!(%peer, app = words(&request.peer.app), hushed, "a publisher was refused: {}", refusal.description);
        }
        if let Err(error) = pump.session().reject(now, request.id, refusal) {
            tracing::debug!(%peer, %error, "it had left already");
        }
        None
    }

    fn play(&self, pump: &mut Pump<Server>, peer: SocketAddr, show: &mut Show, media: Output) {
        let started = std::time::Instant::now();
        let note = show
            .feed
            .take(media, UnixMillis(unix_ms()), &mut show.events);
        if let Err(error) = show.seat.feed(&mut show.events) {
            show.refused += 1;
            self.metrics.refused.fetch_add(1, Ordering::Relaxed);
            if show.refused.is_power_of_two() {
                tracing::warn!(stage = %show.seat.stage().name, %peer, %error, times = show.refused, "media was skipped");
            }
        }
        let bytes = pump.session().stats().bytes_in;
        show.seat
            .stage()
            .received
            .fetch_add(bytes - show.counted, Ordering::Relaxed);
        show.counted = bytes;
        self.metrics.ingest.add(started.elapsed());
        if let Some(note) = note {
            tell(&show.seat.stage().name, peer, pump, note);
        }
    }
}

/// Resolves when the show must leave its stage; never while there is none.
async fn evicted(show: &mut Option<Show>) {
    match show {
        // A dropped sender means the same: the stage has another publisher.
        Some(show) => drop((&mut show.seat.evicted).await),
        None => std::future::pending().await,
    }
}

/// Tells what to do about a codec, on this side and, where nothing can be shown, on the publisher's.
fn tell(stage: &str, peer: SocketAddr, pump: &mut Pump<Server>, note: Note) {
    match note {
        Note::VideoUnplayable(codec) => {
            let advice =
                format!("browsers cannot play {codec:?} video: choose H.264 in the encoder");
            tracing::warn!(%stage, %peer, "a publisher was refused: {advice}");
            pump.session()
                .close(std::time::Instant::now(), Rejection::denied(advice));
        }
        Note::TrackUnplayable(codec) => {
            tracing::warn!(%stage, %peer, "browsers cannot play {codec:?} video, so one of the pictures is not shown: choose H.264 for all of them")
        }
        Note::AudioUnplayable(codec) => {
            tracing::warn!(%stage, %peer, "browsers cannot play {codec:?} audio, so there is no sound: choose AAC in the encoder")
        }
        Note::VideoRare(codec) => {
            tracing::warn!(%stage, %peer, "{codec:?} video plays in Safari and in some others only: choose H.264 if the picture stays away")
        }
        Note::AudioRare(codec) => {
            tracing::warn!(%stage, %peer, "{codec:?} audio plays in Safari only: choose AAC for everyone")
        }
        other => tracing::warn!(%stage, %peer, note = ?other, "the publisher sends something odd"),
    }
}
