//! The session of a server, that is published to or played from.

mod appetite;
mod command;
mod config;
mod connect;
mod message;
mod output;
mod play;
mod publish;
mod state;
mod timers;
mod verbs;

pub use crate::session::{Capabilities, Stats};
pub use config::Config;
pub use output::{
    Output, Peer, PlayRequest, PlayStart, PublishMode, PublishRequest, Rejection, RequestId,
    Warning,
};
pub use play::Ending;

use crate::chunk::Message;
use crate::handshake::{EchoPolicy, ServerHandshake};
use crate::session::Link;
use crate::{Error, Transmit};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use appetite::Appetite;
use bytes::Bytes;
use command::Activity;
use core::fmt;
use state::{Event, State};
use std::time::Instant;

/// A server's session with one publisher or player.
///
/// It has four kinds of method: `handle_*` takes what happened, verbs ([`accept`](Self::accept),
/// [`reject`](Self::reject), [`send`](Self::send), [`close`](Self::close)) take what the application wants, `poll_*`
/// gives what to do next, the others say what is so. After each `handle_*` or verb, take all of `poll_transmit` that
/// the socket can and all of `poll_output`, and wait for bytes or for `poll_timeout`. Instants should grow; one that
/// goes back is taken as the latest one and counted.
///
/// `Debug` shows the state and the counters alone: what was said holds stream keys and tokens.
pub struct Server {
    config: Config,
    link: Link,
    state: State,
    /// Whether the peer broke the protocol, so that nothing more is taken.
    failed: bool,
    handshake: Option<ServerHandshake>,
    outputs: VecDeque<Output>,
    /// None before the peer has connected.
    peer: Option<Arc<Peer>>,
    /// Whether the peer sent `FCPublish`, and no publication has ended since.
    announced: bool,
    /// Whether the peer's last command was of the AMF3 type.
    speaks_amf3: bool,
    /// Message streams that the peer created, sorted.
    streams: Vec<u32>,
    activity: Option<Activity>,
    appetite: Appetite,
    /// Whether the player was told that it may look at samples.
    access_granted: bool,
    /// The time of the last packet that was sent.
    played_ms: u64,
    requests: u64,
    /// When the peer began to owe a command to publish or play.
    waiting_since_ns: u64,
    /// Bytes taken when the last publication ended.
    waiting_from: u64,
}

impl Server {
    /// Makes a session for a connection that was accepted at `now`.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            link: Link::new(&config.limits, config.window_ack_size, now),
            state: State::Handshake,
            failed: false,
            handshake: Some(ServerHandshake::new(config.seed, config.echo)),
            outputs: VecDeque::new(),
            peer: None,
            announced: false,
            speaks_amf3: false,
            streams: Vec::new(),
            activity: None,
            appetite: Appetite::default(),
            access_granted: false,
            played_ms: 0,
            requests: 0,
            waiting_since_ns: 0,
            waiting_from: 0,
            config,
        }
    }

    /// Takes bytes from the peer and returns how many it took.
    ///
    /// It takes fewer while outputs or transmits wait, or a publication waits for its answer: drain,
    /// answer, and call again with the rest.
    ///
    /// # Errors
    /// The peer broke the protocol or a cap: write what there is to send and drop the connection.
    pub fn handle_input(&mut self, now: Instant, input: &[u8]) -> Result<usize, Error> {
        let now_ns = self.link.clock.advance(now);
        if self.failed {
            return Err(Error::Closed);
        }
        let mut rest = input;
        let done = self.take(&mut rest);
        if self.state == State::Closed {
            // What a peer still says after the end is of no use to anyone.
            rest = &[];
        }
        let taken = self.link.took(input, rest);
        if taken > 0 {
            // Bytes that are offered again and again are no sign of life, or a peer that reads nothing would live
            // for ever.
            self.link.heard(now_ns);
        }
        if let Err(error) = done {
            self.failed = true;
            self.step(Event::Fail);
            return Err(error);
        }
        Ok(taken)
    }

    /// Returns the next bytes for the peer.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.link.poll_transmit()
    }

    /// Returns the next thing that became known. Commands in an aggregate message can wait for room for their answers:
    /// ask again once transmits are taken.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            self.take_items();
        }
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // The next one goes to the front again: of a thousand sessions, few lines of each stay in the cache.
            self.outputs.clear();
        }
        output
    }

    /// Returns the counters.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.link.stats()
    }

    /// Returns how many bytes wait for [`poll_transmit`](Self::poll_transmit).
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.link.waiting()
    }

    /// Returns whether [`send`](Self::send) would take a packet now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == State::Playing && self.link.has_room()
    }

    /// Takes bytes until they are used up, queues are full, or an answer is waited for.
    fn take(&mut self, rest: &mut &[u8]) -> Result<(), Error> {
        while self.handshake.is_some() && !rest.is_empty() {
            if !self.may_take() {
                return Ok(());
            }
            self.shake_hands(rest)?;
        }
        self.take_items();
        // Two events can come of one byte; the second one never waits for the next byte.
        while !self.link.has_items()
            && self.state != State::Closed
            && (self.link.demuxer.has_pending() || self.may_take())
        {
            let mut open = *rest;
            let room = self.room();
            if room == 0 && !rest.is_empty() {
                let limit = self.config.limits.pre_publish_bytes;
                return Err(Error::PrePublishBytes {
                    at: self.link.demuxer.offset(),
                    limit,
                });
            }
            open = open.get(..room).unwrap_or(open);
            let before = open.len();
            let event = self.link.demuxer.next_event(&mut open);
            *rest = rest.get(before.saturating_sub(open.len())..).unwrap_or(&[]);
            match event? {
                Some(event) => self.handle_chunk_event(event)?,
                None if rest.is_empty() => break,
                None => {}
            }
        }
        if self.state.is_open() {
            self.link.acknowledge();
        }
        Ok(())
    }

    /// Returns whether there is room for what the next message may cause.
    fn may_take(&self) -> bool {
        let limits = &self.config.limits;
        self.outputs.len() < limits.outputs.max(1)
            && self.link.has_room()
            && self.state != State::Closed
            && !self.state.is_requested()
    }

    /// Returns how many bytes may come before a publication is accepted.
    fn room(&self) -> usize {
        // A player sends little, and for as long as it plays.
        if matches!(self.state, State::Publishing | State::Playing) {
            return usize::MAX;
        }
        let since = self.link.demuxer.offset().saturating_sub(self.waiting_from);
        let room = u64::from(self.config.limits.pre_publish_bytes).saturating_sub(since);
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    fn shake_hands(&mut self, rest: &mut &[u8]) -> Result<(), Error> {
        let Some(handshake) = &mut self.handshake else {
            return Ok(());
        };
        if let Some(answer) = handshake.handle_input(rest)? {
            self.link.send_bytes(answer);
        }
        if handshake.is_done() {
            let (echoed, offset) = (handshake.is_echoed(), handshake.offset());
            self.handshake = None;
            self.link.begin(offset);
            self.waiting_since_ns = self.link.clock.now_ns();
            self.step(Event::Handshaken);
            if !echoed && self.config.echo == EchoPolicy::Warn {
                self.warn(Warning::Echo);
            }
        }
        Ok(())
    }

    /// Moves on by the table; returns whether the event meant something.
    fn step(&mut self, event: Event) -> bool {
        match self.state.after(event) {
            Some(state) => {
                self.state = state;
                if state == State::Closed {
                    self.link.drop_items();
                }
                true
            }
            None => false,
        }
    }

    /// Ends the session by itself, which no call of the caller's can tell.
    fn fail(&mut self, error: Error) {
        self.failed = true;
        self.step(Event::Fail);
        self.outputs.push_back(Output::Failed(error));
        self.outputs.push_back(Output::Close);
    }

    fn warn(&mut self, warning: Warning) {
        self.link.stats.warnings = self.link.stats.warnings.saturating_add(1);
        self.outputs.push_back(Output::Warning(warning));
    }

    fn malformed(&mut self, message: Message, error: Error) {
        self.broken(message.kind, message.timestamp_ms, message.payload, error);
    }

    fn broken(&mut self, kind: u8, timestamp_ms: u64, raw: Bytes, error: Error) {
        self.link.stats.malformed = self.link.stats.malformed.saturating_add(1);
        self.outputs.push_back(Output::Malformed {
            kind,
            timestamp_ms,
            raw,
            error,
        });
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("state", &self.state)
            .field("stats", &self.stats())
            .field("waiting_bytes", &self.waiting_bytes())
            .finish_non_exhaustive()
    }
}
