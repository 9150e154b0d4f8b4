//! Connections under the glass: those that publishers open, and those that we open to play.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backline_examples::adapt::dial::{DialError, dial};
use backline_examples::adapt::listen::accept;
use backline_examples::adapt::pump::{Ended, Pump};
use backline_examples::adapt::random;
use backline_examples::adapt::serve::turned;
use backline_examples::adapt::signals;
use backline_examples::adapt::tap::Tap;
use backline_examples::adapt::tls::{Stream, TlsError, connector};
use backline_rtmp::client::{self, Address, Client};
use backline_rtmp::server::{self, Output, Rejection, Server};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::inspection::{Inspection, Summary, mask};
use super::options::Options;
use super::view::View;
use super::wire::Wire;

/// Redirections and logins in a row.
const DIALS_MAX: usize = 5;
/// How often a terminal is told how it goes.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// A server could not be played from.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlayError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("the server sends us from one address to the next; it ended with {0}")]
    Redirected(String),
    #[error(
        "the server refuses to play: {code} {description}; is the name right, and does somebody publish?"
    )]
    Refused { code: String, description: String },
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Says when it is time to end: after Ctrl-C, or when the time is up.
#[derive(Debug)]
pub(crate) struct End(watch::Receiver<bool>);

impl End {
    pub(crate) fn after(duration: Option<Duration>) -> Self {
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            let time = async {
                match duration {
                    Some(duration) => tokio::time::sleep(duration).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // Signals that cannot be watched end the process by themselves.
                _ = signals::end_wanted() => {}
                () = time => {}
            }
            sender.send_replace(true);
            sender.closed().await;
        });
        Self(receiver)
    }

    async fn wait(&self) {
        turned(&mut self.0.clone()).await;
    }
}

/// Takes one publisher after the other; each gets its summary.
pub(crate) async fn listen(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    options: &Options,
    view: View,
    end: &End,
    mut done: impl FnMut(Summary),
) {
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = end.wait() => return,
        };
        let stream = match &tls {
            None => Stream::Plain(stream),
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => Stream::Tls(Box::new(stream.into())),
                Err(error) => {
                    view.event(&format!("{peer}: no TLS: {error}"));
                    continue;
                }
            },
        };
        let view = View {
            began: Instant::now(),
            ..view
        };
        if let Some(summary) = publisher(stream, peer, options, view, end).await {
            done(summary);
            if options.once {
                return;
            }
        }
    }
}

/// Follows a publisher to its end.
async fn publisher(
    stream: Stream,
    peer: SocketAddr,
    options: &Options,
    view: View,
    end: &End,
) -> Option<Summary> {
    let wire = Arc::new(Mutex::new(Wire::new(view)));
    let watch = Arc::clone(&wire);
    let tap = Tap::new(stream, move |bytes: &[u8]| lock(&watch).read(bytes));
    let mut config = server::Config::default();
    config.seed = random::seed();
    let mut pump = Pump::new(tap, Server::new(config, Instant::now()));
    let mut inspection = Inspection::new(view, format!("publisher at {peer}"));
    let mut ticks = tokio::time::interval(STATUS_EVERY);
    let mut over = false;
    let ended = loop {
        let output = tokio::select! {
            output = pump.next() => output,
            _ = ticks.tick() => {
                status(&inspection, options);
                continue;
            }
            () = end.wait() => break None,
        };
        match output {
            Ok(Output::Publish(request)) => {
                let query = request.query.as_deref();
                inspection.meet(&request.peer, &request.name, query, options.show_key);
                let _ = pump.session().accept(Instant::now(), request.id);
            }
            Ok(Output::Play(request)) => {
                let why =
                    Rejection::not_found("rtmp-inspect takes publications, and plays nothing");
                let _ = pump.session().reject(Instant::now(), request.id, why);
            }
            Ok(Output::Media(packet)) => inspection.take(Instant::now(), &packet),
            Ok(Output::Malformed { kind, error, .. }) => {
                inspection.malformed(format!("message of type {kind}: {error}"));
            }
            Ok(Output::Other(message)) => inspection.unknown(message.kind),
            Ok(Output::Failed(error)) => inspection.fault(error.to_string()),
            Ok(Output::Unpublished) => over = true,
            Ok(Output::Close) => break None,
            // FFmpeg closes with our last answers unread, which the system tells as a broken connection.
            Err(Ended::Io(_)) if over => break None,
            Ok(odd) => view.event(&format!("{odd:?}").escape_debug().to_string()),
            Err(Ended::Closed) => break None,
            Err(error) => break Some(error),
        }
    };
    if let Some(error) = ended {
        inspection.fault(error.to_string());
    }
    pump.finish().await;
    let seen = lock(&wire).seen.clone();
    (!inspection.is_empty()).then(|| inspection.summary(Some(seen)))
}

/// Plays from a server until it ends.
pub(crate) async fn play(
    address: &Address,
    options: &Options,
    view: View,
    end: &End,
) -> Result<Option<Summary>, PlayError> {
    let mut config = client::Config::play(address.clone());
    config.fourccs = vec!["*".to_owned()];
    for _ in 0..DIALS_MAX {
        let tls = match config.address.tls {
            true => Some(connector(options.tls_ca.as_deref())?),
            false => None,
        };
        let stream = dial(&config.address.host, config.address.port, tls.as_ref()).await?;
        match played(stream, config.clone(), options, view, end).await? {
            Played::Over(summary) => return Ok(summary.map(|summary| *summary)),
            Played::Elsewhere(next) => config = *next,
        }
    }
    Err(PlayError::Redirected(config.address.tc_url()))
}

enum Played {
    Over(Option<Box<Summary>>),
    Elsewhere(Box<client::Config>),
}

async fn played(
    stream: Stream,
    mut config: client::Config,
    options: &Options,
    view: View,
    end: &End,
) -> Result<Played, PlayError> {
    let wire = Arc::new(Mutex::new(Wire::new(view)));
    let watch = Arc::clone(&wire);
    let tap = Tap::new(stream, move |bytes: &[u8]| lock(&watch).read(bytes));
    config.seed = random::seed();
    let name = mask(&config.address.name);
    let source = format!("{} {name}", config.address.tc_url());
    let mut pump = Pump::new(tap, Client::new(config, Instant::now()));
    let mut inspection = Inspection::new(view, source);
    let mut ticks = tokio::time::interval(STATUS_EVERY);
    loop {
        let output = tokio::select! {
            output = pump.next() => output,
            _ = ticks.tick() => {
                status(&inspection, options);
                continue;
            }
            () = end.wait() => break,
        };
        match output {
            Ok(client::Output::Media(packet)) => inspection.take(Instant::now(), &packet),
            Ok(client::Output::Malformed { kind, error, .. }) => {
                inspection.malformed(format!("message of type {kind}: {error}"));
            }
            Ok(client::Output::Other(message)) => inspection.unknown(message.kind),
            Ok(client::Output::Redial(redial)) => {
                return Ok(Played::Elsewhere(Box::new(redial.config)));
            }
            Ok(client::Output::Refused(status)) => {
                let (code, description) = (status.code, status.description);
                return Err(PlayError::Refused { code, description });
            }
            Ok(client::Output::Failed(error)) => inspection.fault(error.to_string()),
            Ok(client::Output::Close) | Err(Ended::Closed) => break,
            Ok(odd) => view.event(&format!("{odd:?}").escape_debug().to_string()),
            Err(error) => {
                inspection.fault(error.to_string());
                break;
            }
        }
    }
    pump.session().close(Instant::now());
    pump.finish().await;
    let seen = lock(&wire).seen.clone();
    let summary = (!inspection.is_empty()).then(|| Box::new(inspection.summary(Some(seen))));
    Ok(Played::Over(summary))
}

/// Says on a terminal how it goes, where nothing else is printed.
fn status(inspection: &Inspection, options: &Options) {
    if std::io::stderr().is_terminal() && !options.chunks && !options.messages {
        eprint!("\r\x1b[K{}", inspection.status());
    }
}

fn lock(wire: &Mutex<Wire>) -> std::sync::MutexGuard<'_, Wire> {
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}
