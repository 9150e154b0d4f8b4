//! The session of a server that is published to.

mod clock;
mod command;
mod config;
mod connect;
mod message;
mod output;
mod state;
mod wire;

pub use config::Config;
pub use output::{Output, PublishRequest, Rejection, RequestId, Stats, Warning};

use crate::chunk::{Demuxer, Message, Muxer};
use crate::handshake::{EchoPolicy, ServerHandshake};
use crate::transmit::INLINE_MAX;
use crate::{Error, Transmit};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Buf;
use clock::{Clock, milliseconds, nanoseconds};
use command::Publication;
use connect::Connection;
use state::{Event, State};
use std::time::Instant;

/// A server's session with one publisher.
///
/// It has four kinds of method: `handle_*` takes what happened, verbs ([`accept`](Self::accept),
/// [`reject`](Self::reject), [`close`](Self::close)) take what the application wants, `poll_*` gives
/// what to do next, the others say what is so. After each `handle_*` or verb, take all of `poll_transmit` that the
/// socket can and all of `poll_output`, and wait for bytes or for `poll_timeout`. Instants should grow; one that goes
/// back is taken as the latest one and counted.
#[derive(Debug)]
pub struct Server {
    config: Config,
    clock: Clock,
    state: State,
    /// Whether the peer broke the protocol, so that nothing more is taken.
    failed: bool,
    handshake: Option<ServerHandshake>,
    demuxer: Demuxer,
    muxer: Muxer,
    outputs: VecDeque<Output>,
    transmits: VecDeque<Transmit>,
    stats: Stats,
    connection: Connection,
    /// Message streams that the peer created, sorted.
    streams: Vec<u32>,
    publication: Option<Publication>,
    requests: u64,
    /// When the peer began to owe a publish command.
    waiting_since_ns: u64,
    last_input_ns: u64,
    /// Bytes taken when the last publication ended.
    unpublished_from: u64,
    acknowledgement: Acknowledgement,
}

/// How far the peer's bytes are acknowledged, and ours limited.
#[derive(Debug)]
struct Acknowledgement {
    /// Bytes that the peer sends before it wants to hear of it.
    window_in: u32,
    /// Bytes taken when the last acknowledgement was sent.
    acknowledged: u64,
    /// The window that we announced.
    window_out: u32,
    /// Whether the peer's last limit was hard.
    hard: bool,
}

impl Server {
    /// Makes a session for a connection that was accepted at `now`.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let acknowledgement = Acknowledgement {
            window_in: config.window_ack_size,
            acknowledged: 0,
            window_out: config.window_ack_size,
            hard: false,
        };
        Self {
            clock: Clock::new(now),
            state: State::Handshake,
            failed: false,
            handshake: Some(ServerHandshake::new(config.seed, config.echo)),
            demuxer: Demuxer::new(config.limits.clone()),
            muxer: Muxer::new(),
            outputs: VecDeque::new(),
            transmits: VecDeque::new(),
            stats: Stats::default(),
            connection: Connection::default(),
            streams: Vec::new(),
            publication: None,
            requests: 0,
            waiting_since_ns: 0,
            last_input_ns: 0,
            unpublished_from: 0,
            acknowledgement,
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
        let now_ns = self.clock.advance(now);
        if self.failed {
            return Err(Error::Closed);
        }
        if !input.is_empty() {
            self.last_input_ns = now_ns;
        }
        let mut rest = input;
        let done = self.take(&mut rest);
        if self.state == State::Closed {
            // What a peer still says after the end is of no use to anyone.
            rest = &[];
        }
        let taken = input.len().saturating_sub(rest.len());
        self.stats.bytes_in = self.stats.bytes_in.saturating_add(taken as u64);
        if let Err(error) = done {
            self.failed = true;
            self.step(Event::Fail);
            return Err(error);
        }
        Ok(taken)
    }

    /// Lets time pass; what expired comes as [`Output::Failed`].
    pub fn handle_timeout(&mut self, now: Instant) {
        let now_ns = self.clock.advance(now);
        if let Some((deadline_ns, error)) = self.deadline()
            && now_ns >= deadline_ns
        {
            self.failed = true;
            self.step(Event::Fail);
            self.outputs.push_back(Output::Failed(error));
            self.outputs.push_back(Output::Close);
        }
    }

    /// Accepts a publication: the peer begins to send.
    ///
    /// # Errors
    /// [`Error::UnknownRequest`] if it was answered or has gone.
    pub fn accept(&mut self, now: Instant, request: RequestId) -> Result<(), Error> {
        self.last_input_ns = self.clock.advance(now);
        let publication = self.requested(request)?;
        let (message_stream, name) = (publication.message_stream, publication.name.clone());
        let description = alloc::format!("{name} is now published.");
        let announced = publication.announced;
        self.step(Event::Accept);
        self.demuxer.set_publishing(true);
        self.send(&wire::stream_begin(message_stream));
        const START: &str = "NetStream.Publish.Start";
        if announced {
            let values = [
                amf0_null(),
                wire::information("status", START, &description),
            ];
            self.send(&wire::connection_command("onFCPublish", 0.0, &values));
        }
        self.send(&wire::status(message_stream, "status", START, &description));
        Ok(())
    }

    /// Refuses a publication, tells the peer why and ends the session.
    ///
    /// # Errors
    /// [`Error::UnknownRequest`] if it was answered or has gone.
    pub fn reject(
        &mut self,
        now: Instant,
        request: RequestId,
        why: Rejection,
    ) -> Result<(), Error> {
        self.clock.advance(now);
        self.requested(request)?;
        self.end(Event::Reject, &why);
        Ok(())
    }

    /// Ends the session. A peer that publishes, or asks to, is told why. It does nothing when the session is over.
    pub fn close(&mut self, now: Instant, why: Rejection) {
        self.clock.advance(now);
        self.end(Event::Close, &why);
    }

    /// Returns the next bytes for the peer.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let transmit = self.transmits.pop_front()?;
        self.stats.bytes_out = self
            .stats
            .bytes_out
            .saturating_add(transmit.remaining() as u64);
        Some(transmit)
    }

    /// Returns the next thing that became known.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline()
            .and_then(|(deadline_ns, _)| self.clock.instant(deadline_ns))
    }

    /// Returns the counters.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        Stats {
            clock_reversals: self.clock.reversals,
            ..self.stats
        }
    }

    /// Takes bytes until they are used up, queues are full, or an answer is waited for.
    fn take(&mut self, rest: &mut &[u8]) -> Result<(), Error> {
        while self.handshake.is_some() && !rest.is_empty() {
            if !self.may_take() {
                return Ok(());
            }
            self.shake_hands(rest)?;
        }
        // Two events can come of one byte; the second one never waits for the next byte.
        while self.demuxer.has_pending() || self.may_take() {
            let mut open = *rest;
            let room = self.room();
            if room == 0 && !rest.is_empty() {
                let limit = self.config.limits.pre_publish_bytes;
                return Err(Error::PrePublishBytes {
                    at: self.demuxer.offset(),
                    limit,
                });
            }
            open = open.get(..room).unwrap_or(open);
            let before = open.len();
            let event = self.demuxer.next_event(&mut open);
            *rest = rest.get(before.saturating_sub(open.len())..).unwrap_or(&[]);
            match event? {
                Some(event) => self.handle_chunk_event(event)?,
                None if rest.is_empty() => break,
                None => {}
            }
        }
        self.acknowledge();
        Ok(())
    }

    /// Returns whether there is room for what the next message may cause.
    fn may_take(&self) -> bool {
        let limits = &self.config.limits;
        self.outputs.len() < limits.outputs.max(1)
            && self.transmits.len() < limits.transmits.max(1)
            && !matches!(self.state, State::Requested | State::Closed)
    }

    /// Returns how many bytes may come before a publication is accepted.
    fn room(&self) -> usize {
        if self.state == State::Publishing {
            return usize::MAX;
        }
        let since = self.demuxer.offset().saturating_sub(self.unpublished_from);
        let room = u64::from(self.config.limits.pre_publish_bytes).saturating_sub(since);
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    fn shake_hands(&mut self, rest: &mut &[u8]) -> Result<(), Error> {
        let Some(handshake) = &mut self.handshake else {
            return Ok(());
        };
        if let Some(answer) = handshake.handle_input(rest)? {
            self.transmits
                .push_back(Transmit::new([0; INLINE_MAX], 0, answer));
        }
        if handshake.is_done() {
            let (echoed, offset) = (handshake.is_echoed(), handshake.offset());
            self.handshake = None;
            self.demuxer.start_at(offset);
            self.acknowledgement.acknowledged = offset;
            self.waiting_since_ns = self.clock.now_ns();
            self.step(Event::Handshaken);
            if !echoed && self.config.echo == EchoPolicy::Warn {
                self.warn(Warning::Echo);
            }
        }
        Ok(())
    }

    /// Says how many bytes came, after half of each window: a peer that waits for the whole of it never stalls.
    fn acknowledge(&mut self) {
        let taken = self.demuxer.offset();
        let since = taken.saturating_sub(self.acknowledgement.acknowledged);
        let connected = matches!(
            self.state,
            State::Connected | State::Requested | State::Publishing
        );
        if connected && since > 0 && since >= u64::from(self.acknowledgement.window_in / 2) {
            self.acknowledgement.acknowledged = taken;
            #[expect(clippy::cast_possible_truncation, reason = "the sequence number wraps")]
            let sequence = taken as u32;
            self.send(&wire::control(
                Message::ACKNOWLEDGEMENT,
                &sequence.to_be_bytes(),
            ));
        }
    }

    fn requested(&self, request: RequestId) -> Result<&Publication, Error> {
        match &self.publication {
            Some(publication) if self.state == State::Requested && publication.id == request => {
                Ok(publication)
            }
            _ => Err(Error::UnknownRequest),
        }
    }

    fn end(&mut self, event: Event, why: &Rejection) {
        if self.step(event) {
            if let Some(publication) = self.publication.take() {
                let stream = publication.message_stream;
                self.send(&wire::status(stream, "error", &why.code, &why.description));
            }
            self.outputs.push_back(Output::Close);
        }
    }

    /// Returns when time runs out, and what that means.
    fn deadline(&self) -> Option<(u64, Error)> {
        let config = &self.config;
        let (since_ns, after) = match self.state {
            State::Handshake => (0, config.handshake_timeout),
            State::Unconnected | State::Connected => {
                (self.waiting_since_ns, config.pre_publish_timeout)
            }
            State::Publishing => (self.last_input_ns, config.idle_timeout),
            State::Requested | State::Closed => return None,
        };
        let after_ms = milliseconds(after);
        let error = match self.state {
            State::Handshake => Error::HandshakeTimeout { after_ms },
            State::Publishing => Error::IdleTimeout { after_ms },
            _ => Error::PublishTimeout { after_ms },
        };
        Some((since_ns.saturating_add(nanoseconds(after)), error))
    }

    /// Moves on by the table; returns whether the event meant something.
    fn step(&mut self, event: Event) -> bool {
        match self.state.after(event) {
            Some(state) => {
                self.state = state;
                true
            }
            None => false,
        }
    }

    fn send(&mut self, message: &Message) {
        self.transmits.extend(self.muxer.write(message));
    }

    fn warn(&mut self, warning: Warning) {
        self.stats.warnings = self.stats.warnings.saturating_add(1);
        self.outputs.push_back(Output::Warning(warning));
    }

    fn malformed(&mut self, message: Message, error: Error) {
        self.stats.malformed = self.stats.malformed.saturating_add(1);
        let Message {
            kind,
            timestamp_ms,
            payload: raw,
            ..
        } = message;
        self.outputs.push_back(Output::Malformed {
            kind,
            timestamp_ms,
            raw,
            error,
        });
    }
}

const fn amf0_null() -> crate::amf0::Value {
    crate::amf0::Value::Null
}
