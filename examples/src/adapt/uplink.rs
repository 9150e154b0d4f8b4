//! Keeps a program published at a server, over as many connections as it takes.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backline_rtmp::client::{Client, Config, Output, Status};
use backline_rtmp::flv::{Hint, Media, Packet};
use backline_rtmp::relay::{Snapshot, SnapshotConfig};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use super::dial::{DialError, dial};
use super::program::Program;
use super::pump::{Ended, Pump};
use super::random;
use super::serve::turned;
use super::tls::Stream;

/// The first pause before a connection is made anew; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// A connection that held so long was a good one: the next pause is the first again.
const STEADY: Duration = Duration::from_secs(10);

/// Publishes each publication of a program at a server.
pub struct Uplink {
    program: Arc<Program>,
    config: Config,
    tls: Option<TlsConnector>,
}

/// Why there is no connection, or no longer.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(transparent)]
    Ended(#[from] Ended),
    #[error(
        "the server ends the stream ({0}): is the stream key right, and does no other encoder use it?"
    )]
    Refused(String),
    #[error("the server wants TLS, and nothing is trusted here: name a file with --tls-ca")]
    Untrusting,
}

type Link = Pump<Client, Stream>;
type Opening<'a> = Pin<Box<dyn Future<Output = Result<Link, LinkError>> + Send + 'a>>;

impl Uplink {
    /// Makes an uplink for the address of `config`; the connector is for `rtmps://`.
    #[must_use]
    pub const fn new(program: Arc<Program>, config: Config, tls: Option<TlsConnector>) -> Self {
        Self {
            program,
            config,
            tls,
        }
    }

    /// Publishes until `ending` turns true; the server is then told that the stream is over.
    pub async fn run(&self, mut ending: watch::Receiver<bool>) {
        let mut number = 0;
        loop {
            let fourccs;
            (number, fourccs) = tokio::select! {
                began = self.program.began(number) => began,
                () = turned(&mut ending) => return,
            };
            let mut config = self.config.clone();
            config.fourccs = fourccs;
            self.publish(number, config, ending.clone()).await;
        }
    }

    /// Publishes one publication, with pauses where the server is not to be had.
    async fn publish(&self, number: u64, config: Config, mut ending: watch::Receiver<bool>) {
        let mut pause = PAUSE_MIN;
        loop {
            let opened = tokio::select! {
                opened = self.open(config.clone()) => opened,
                _ = self.program.began(number) => return,
                () = turned(&mut ending) => return,
            };
            let begun = Instant::now();
            let error = match opened {
                Ok(link) => match Feed::new(self, number, link).run(&mut ending).await {
                    Ok(()) => return,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if begun.elapsed() > STEADY {
                pause = PAUSE_MIN;
            }
            // Consumers of the same server do not all come back at once.
            let jitter = Duration::from_millis(random::seed() % 250);
            let wait = pause + jitter;
            tracing::warn!(server = %self.server(), %error, "no connection; the next try is in {} ms", wait.as_millis());
            self.program.rewind(number);
            if !self.program.is_live(number) {
                return;
            }
            tokio::select! {
                () = sleep(wait) => {}
                _ = self.program.began(number) => return,
                () = turned(&mut ending) => return,
            }
            pause = PAUSE_MAX.min(pause * 2);
        }
    }

    /// Connects until the server takes the stream, here or where it says.
    async fn open(&self, mut config: Config) -> Result<Link, LinkError> {
        loop {
            let address = &config.address;
            if address.tls && self.tls.is_none() {
                return Err(LinkError::Untrusting);
            }
            let tls = self.tls.as_ref().filter(|_| address.tls);
            let stream = dial(&address.host, address.port, tls).await?;
            config.seed = random::seed();
            let mut link = Pump::new(stream, Client::new(config, Instant::now()));
            config = loop {
                match link.next().await? {
                    Output::Ready => return Ok(link),
                    Output::Redial(redial) => break redial.config,
                    other => self.judge(other)?,
                }
            };
            tracing::info!(server = %server(&config), "the server sends the stream to another place");
            link.session().close(Instant::now());
            tokio::spawn(link.finish());
        }
    }

    /// Tells what is not for the caller to act on.
    fn judge(&self, output: Output) -> Result<(), LinkError> {
        match output {
            Output::Refused(status) | Output::Ended(status) => {
                Err(LinkError::Refused(self.told(&status)))
            }
            Output::Failed(error) => Err(Ended::Protocol(error).into()),
            Output::Close => Err(Ended::Closed.into()),
            Output::Status(status) => {
                tracing::debug!(status = %self.told(&status), "the server says");
                Ok(())
            }
            other => {
                tracing::trace!(?other, "of no use here");
                Ok(())
            }
        }
    }

    /// What a server said, without the stream key: some repeat it.
    fn told(&self, status: &Status) -> String {
        let name = self.config.address.name.as_str();
        let key = name.split('?').next().unwrap_or_default();
        let mut text = format!("{}: {}", status.code, status.description);
        for secret in [name, key] {
            if !secret.is_empty() {
                text = text.replace(secret, "...");
            }
        }
        text.escape_debug().to_string()
    }

    fn server(&self) -> String {
        server(&self.config)
    }
}

impl fmt::Debug for Uplink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Uplink")
            .field("program", &self.program)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Where a configuration leads, without what may be a secret.
fn server(config: &Config) -> String {
    format!("{}:{}", config.address.host, config.address.port)
}

/// One publication at a server, over one connection after the other.
struct Feed<'a> {
    uplink: &'a Uplink,
    number: u64,
    link: Link,
    /// The connection that takes over, while it is being made, and when it is there but has no key frame yet.
    opening: Option<Opening<'a>>,
    fresh: Option<Link>,
    /// What a connection that takes over gets first.
    first: VecDeque<Packet>,
    /// What was sent so far.
    sent: Snapshot,
    has_pictures: bool,
    /// After a change of connections, the tracks of pictures that have had their key frame.
    begun: Option<BTreeSet<u8>>,
}

impl<'a> Feed<'a> {
    fn new(uplink: &'a Uplink, number: u64, link: Link) -> Self {
        tracing::info!(server = %uplink.server(), "the stream is published");
        Self {
            uplink,
            number,
            link,
            opening: None,
            fresh: None,
            first: VecDeque::new(),
            sent: Snapshot::new(SnapshotConfig::default()),
            has_pictures: false,
            begun: None,
        }
    }

    /// Goes on until the publication is over or the connection is lost.
    async fn run(mut self, ending: &mut watch::Receiver<bool>) -> Result<(), LinkError> {
        loop {
            self.give();
            if *ending.borrow() || self.uplink.program.is_over(self.number) {
                self.link.session().close(Instant::now());
                self.link.finish().await;
                return Ok(());
            }
            let has_room = self.link.session().is_ready();
            let wanted = |client: &Client| !has_room && client.is_ready();
            let step = tokio::select! {
                output = self.link.next_or(wanted) => match output {
                    Ok(Some(Output::Redial(redial))) => {
                        tracing::info!(server = %server(&redial.config), "the server asks to connect anew");
                        self.opening = Some(Box::pin(self.uplink.open(redial.config)));
                        Ok(())
                    }
                    Ok(output) => output.map_or(Ok(()), |output| self.uplink.judge(output)),
                    Err(error) => Err(error.into()),
                },
                opened = there(&mut self.opening) => {
                    self.opening = None;
                    match opened {
                        Ok(link) => self.fresh = Some(link),
                        Err(error) => tracing::warn!(%error, "the other server is not to be had; the stream stays"),
                    }
                    Ok(())
                }
                output = output_of(&mut self.fresh) => {
                    if output.map_err(LinkError::from).and_then(|output| self.uplink.judge(output)).is_err() {
                        self.fresh = None;
                    }
                    Ok(())
                }
                () = self.uplink.program.changed(), if has_room => Ok(()),
                () = turned(ending) => Ok(()),
            };
            if let Err(error) = step {
                self.link = match (self.fresh.take(), self.opening.take()) {
                    (Some(link), _) => link,
                    (None, Some(opening)) => opening.await?,
                    (None, None) => return Err(error),
                };
                self.uplink.program.rewind(self.number);
                (self.first, self.begun) = (VecDeque::new(), None);
            }
        }
    }

    /// Gives the connection as much as it takes.
    fn give(&mut self) {
        while self.link.session().is_ready() {
            let program = &self.uplink.program;
            let first = self.first.pop_front();
            let Some(packet) = first.or_else(|| program.pop(self.number)) else {
                return;
            };
            if let Some(fresh) = self.take_fresh(&packet) {
                self.change(fresh, packet);
                continue;
            }
            if self.is_whole(&packet)
                && let Err(error) = self.link.session().send(Instant::now(), &packet)
            {
                // The connection tells itself what has become of it.
                tracing::debug!(%error, "a packet was not sent");
            }
            self.has_pictures |= matches!(packet.media, Media::Video(_));
            self.sent.observe(&packet);
        }
    }

    /// Returns the connection that takes over, if it can begin with this packet.
    fn take_fresh(&mut self, packet: &Packet) -> Option<Link> {
        let begins = match packet.hint() {
            Hint::Resync => true,
            _ => !self.has_pictures && matches!(packet.media, Media::Audio(_)),
        };
        self.fresh.take_if(|_| begins)
    }

    fn change(&mut self, fresh: Link, packet: Packet) {
        let mut old = std::mem::replace(&mut self.link, fresh);
        old.session().close(Instant::now());
        tokio::spawn(old.finish());
        self.first = self.sent.packets(packet.timestamp_ms).into();
        self.first.push_back(packet);
        self.begun = Some(BTreeSet::new());
        tracing::info!("the stream goes on over the new connection");
    }

    /// Returns whether a consumer that began with the change of connections can decode a packet.
    fn is_whole(&mut self, packet: &Packet) -> bool {
        let Some(begun) = &mut self.begun else {
            return true;
        };
        match (&packet.media, packet.hint()) {
            (Media::Video(_), Hint::Resync) => {
                begun.insert(packet.track());
                true
            }
            (Media::Video(_), Hint::Critical) => true,
            (Media::Video(_), _) => begun.contains(&packet.track()),
            _ => true,
        }
    }
}

/// Resolves when a connection is there; never while none is being made.
async fn there(opening: &mut Option<Opening<'_>>) -> Result<Link, LinkError> {
    match opening {
        Some(opening) => opening.await,
        None => pending().await,
    }
}

/// The next output of a connection; never while there is none.
async fn output_of(link: &mut Option<Link>) -> Result<Output, Ended> {
    match link {
        Some(link) => link.next().await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
