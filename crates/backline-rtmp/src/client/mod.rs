//! The session of a client, that publishes to a server or plays from it.

mod address;
mod auth;
mod command;
mod config;
mod output;
mod state;

pub use crate::server::PlayStart;
pub use crate::session::Stats;
pub use address::Address;
pub use config::{Config, Purpose};
pub use output::{Output, Redial, Status, Warning};

use crate::chunk::{self, Message};
use crate::flv::{Media, Packet};
use crate::handshake::{ClientHandshake, EchoPolicy};
use crate::session::{Controlled, Link, milliseconds, nanoseconds};
use crate::shared_object::SharedObject;
use crate::{Error, Transmit};
use alloc::collections::VecDeque;
use bytes::Bytes;
use core::fmt;
use core::time::Duration;
use state::{Event, State};
use std::time::Instant;

/// A client's session with one server.
///
/// It has four kinds of method: `handle_*` takes what happened, verbs ([`send`](Self::send), [`close`](Self::close))
/// take what the application wants, `poll_*` gives what to do next, the others say what is so. After
/// [`new`](Self::new) and each `handle_*` or verb, take all of `poll_transmit` that the socket can and all of
/// `poll_output`, and wait for bytes or for `poll_timeout`. Instants should grow; one that goes back is taken as the
/// latest one and counted.
///
/// `Debug` shows the state and the counters alone: what was said holds the stream key.
pub struct Client {
    config: Config,
    link: Link,
    state: State,
    /// Whether the server broke the protocol, so that nothing more is taken.
    failed: bool,
    handshake: Option<ClientHandshake>,
    outputs: VecDeque<Output>,
    /// When the state was entered.
    since_ns: u64,
    message_stream: u32,
}

impl Client {
    /// Makes a session for a connection that was opened at `now`. The first bytes wait in `poll_transmit` already.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let mut link = Link::new(&config.limits, config.window_ack_size, now);
        let (handshake, first) = ClientHandshake::new(config.seed, config.handshake, config.echo);
        link.send_bytes(first);
        Self {
            link,
            state: State::Handshake,
            failed: false,
            handshake: Some(handshake),
            outputs: VecDeque::new(),
            since_ns: 0,
            message_stream: 0,
            config,
        }
    }

    /// Takes bytes from the server and returns how many it took.
    ///
    /// It takes fewer while outputs or transmits wait: drain, and call again with the rest.
    ///
    /// # Errors
    /// The server broke the protocol or a cap: drop the connection.
    pub fn handle_input(&mut self, now: Instant, input: &[u8]) -> Result<usize, Error> {
        let now_ns = self.link.clock.advance(now);
        if self.failed {
            return Err(Error::Closed);
        }
        let mut rest = input;
        let done = self.take(&mut rest);
        if self.state == State::Closed {
            // What a server still says after the end is of no use to anyone.
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

    /// Lets time pass; what expired comes as [`Output::Failed`].
    pub fn handle_timeout(&mut self, now: Instant) {
        let now_ns = self.link.clock.advance(now);
        if self.assumed_ns().is_some_and(|due_ns| now_ns >= due_ns) {
            self.assume();
        } else if let Some((deadline_ns, error)) = self.deadline()
            && now_ns >= deadline_ns
        {
            self.failed = true;
            self.step(Event::Fail);
            self.outputs.push_back(Output::Failed(error));
            self.outputs.push_back(Output::Close);
        } else if self.ping_due_ns().is_some_and(|due_ns| now_ns >= due_ns) {
            self.link.ping();
        }
    }

    /// Publishes a packet; its payload is shared, not copied.
    ///
    /// # Errors
    /// [`Error::QueueFull`] if too much waits for [`poll_transmit`](Self::poll_transmit), and nothing has changed;
    /// [`Error::NotStreaming`] if no publication has begun, or it has ended.
    pub fn send(&mut self, now: Instant, packet: &Packet) -> Result<(), Error> {
        self.link.clock.advance(now);
        if self.state != State::Streaming || self.config.purpose != Purpose::Publish {
            return Err(Error::NotStreaming);
        }
        self.link.want_room(&self.config.limits)?;
        let names = ["@setDataFrame", "onMetaData"];
        self.link.send_packet(self.message_stream, packet, &names);
        Ok(())
    }

    /// Ends the session in order: the server is told that the stream is over. It does nothing when the session is over.
    pub fn close(&mut self, now: Instant) {
        self.link.clock.advance(now);
        self.say_goodbye();
        if self.step(Event::End) {
            self.outputs.push_back(Output::Close);
        }
    }

    /// Returns the next bytes for the server.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.link.poll_transmit()
    }

    /// Returns the next thing that became known. Commands in an aggregate message can wait for room for their answers:
    /// ask again once transmits are taken.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            self.take_items();
        }
        self.outputs.pop_front()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadline_ns = self.deadline().map(|(deadline_ns, _)| deadline_ns);
        let others_ns = self.assumed_ns().into_iter().chain(self.ping_due_ns());
        let first_ns = deadline_ns.into_iter().chain(others_ns).min()?;
        self.link.clock.instant(first_ns)
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
        self.state == State::Streaming
            && self.config.purpose == Purpose::Publish
            && self.link.has_room()
    }

    /// Takes bytes until they are used up or queues are full.
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
            match self.link.demuxer.next_event(rest)? {
                Some(chunk::Event::Message(message)) => self.handle_message(message),
                Some(odd) => self.warn(Warning::Chunk(odd)),
                None => break,
            }
        }
        if self.handshake.is_none() && self.state != State::Closed {
            self.link.acknowledge();
        }
        Ok(())
    }

    /// Returns whether there is room for what the next message may cause.
    fn may_take(&self) -> bool {
        self.outputs.len() < self.config.limits.outputs.max(1)
            && self.link.has_room()
            && self.state != State::Closed
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
            self.step(Event::Handshaken);
            self.connect();
            if !echoed && self.config.echo == EchoPolicy::Warn {
                self.warn(Warning::Echo);
            }
        }
        Ok(())
    }

    fn handle_message(&mut self, message: Message) {
        self.link.count_message();
        if message.kind == Message::AGGREGATE {
            self.link.split(message, &self.config.limits);
            self.take_items();
        } else {
            self.obey(message);
        }
    }

    /// Does what a message asks for that came by itself or in an aggregate.
    fn obey(&mut self, message: Message) {
        match message.kind {
            _ if message.is_media() => self.handle_media(message),
            Message::SHARED_OBJECT | Message::SHARED_OBJECT_AMF3 => {
                match SharedObject::decode(&message, &self.config.limits) {
                    Ok(object) => self.outputs.push_back(Output::SharedObject(object)),
                    Err(error) => self.malformed(message, error),
                }
            }
            Message::COMMAND | Message::COMMAND_AMF3 => self.handle_command(message),
            _ => match self.link.control(&message) {
                Ok(Controlled::Done) => {}
                Ok(Controlled::Not) => self.outputs.push_back(Output::Other(message)),
                Ok(Controlled::User(event)) => self.outputs.push_back(Output::UserControl(event)),
                Err(error) => self.malformed(message, error),
            },
        }
    }

    /// Takes messages out of an aggregate, as long as there is room for what they bring. What has no meaning there is
    /// handed out.
    fn take_items(&mut self) {
        while self.may_take() {
            match self.link.next_item() {
                Some(Ok(message)) => {
                    self.link.count_message();
                    if message.is_for_chunks() {
                        self.outputs.push_back(Output::Other(message));
                    } else {
                        self.obey(message);
                    }
                }
                Some(Err((rest, error))) => self.malformed(rest, error),
                None => return,
            }
        }
    }

    fn handle_media(&mut self, message: Message) {
        let (kind, timestamp_ms) = (message.kind, message.timestamp_ms);
        if !matches!(self.config.purpose, Purpose::Play { .. }) {
            self.outputs.push_back(Output::Other(message));
            return;
        }
        if self.state == State::Starting && matches!(kind, Message::AUDIO | Message::VIDEO) {
            // What plays has begun, said or not.
            self.assume();
        }
        match self.link.read_media(message, &self.config.limits) {
            Ok(packets) => {
                let media = packets.filter(|packet| !is_access(&packet.media));
                self.outputs.extend(media.map(Output::Media));
            }
            Err((raw, error)) => self.broken(kind, timestamp_ms, raw, error),
        }
    }

    /// Notes that the stream has begun.
    fn begin(&mut self) {
        if self.step(Event::Started) {
            self.config.redials = 0;
            // What a server sends from here on is a stream, with the caps of one.
            self.link.demuxer.set_publishing(true);
            self.outputs.push_back(Output::Ready);
        }
    }

    /// Takes the stream for begun though the server has not said so.
    fn assume(&mut self) {
        self.warn(Warning::Assumed);
        self.begin();
    }

    /// Returns when a publication counts as accepted without an answer.
    fn assumed_ns(&self) -> Option<u64> {
        let after = self.config.assume_published?;
        let waits = self.state == State::Starting && self.config.purpose == Purpose::Publish;
        waits.then(|| self.since_ns.saturating_add(nanoseconds(after)))
    }

    /// Returns when a silent server is to be asked for a sign of life.
    fn ping_due_ns(&self) -> Option<u64> {
        match self.state {
            State::Streaming => self.link.ping_due_ns(self.config.ping_interval),
            _ => None,
        }
    }

    /// Returns when time runs out, and what that means.
    fn deadline(&self) -> Option<(u64, Error)> {
        let config = &self.config;
        let due = |since_ns: u64, after: Duration| since_ns.saturating_add(nanoseconds(after));
        let answer = |command| {
            let after_ms = milliseconds(config.answer_timeout);
            let error = Error::AnswerTimeout { command, after_ms };
            Some((due(self.since_ns, config.answer_timeout), error))
        };
        match self.state {
            State::Handshake => {
                let after_ms = milliseconds(config.handshake_timeout);
                let error = Error::HandshakeTimeout { after_ms };
                Some((due(0, config.handshake_timeout), error))
            }
            State::Connecting => answer("connect"),
            State::Creating => answer("createStream"),
            State::Starting => answer(match config.purpose {
                Purpose::Play { .. } => "play",
                Purpose::Publish => "publish",
            }),
            State::Streaming => {
                let after_ms = milliseconds(config.idle_timeout);
                let error = Error::IdleTimeout { after_ms };
                let alive_ns = match config.purpose {
                    Purpose::Play { .. } => self.link.last_input_ns,
                    // A server that merely receives has little to say.
                    Purpose::Publish => self.link.alive_ns(),
                };
                Some((due(alive_ns, config.idle_timeout), error))
            }
            State::Closed => None,
        }
    }

    /// Moves on by the table; returns whether the event meant something.
    fn step(&mut self, event: Event) -> bool {
        match self.state.after(event) {
            Some(state) => {
                self.state = state;
                self.since_ns = self.link.clock.now_ns();
                if state == State::Closed {
                    self.link.drop_items();
                }
                true
            }
            None => false,
        }
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

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("state", &self.state)
            .field("stats", &self.stats())
            .field("waiting_bytes", &self.waiting_bytes())
            .finish_non_exhaustive()
    }
}

/// Returns whether this says what the player may look at: it is about this connection, and no piece of the stream.
fn is_access(media: &Media) -> bool {
    matches!(media, Media::Data { name, .. } if name == "|RtmpSampleAccess")
}
