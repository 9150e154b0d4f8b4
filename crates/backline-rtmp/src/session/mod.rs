//! What the two kinds of session have in common: the chunk layer both ways, acknowledgements, pings, the clock.

mod capabilities;
mod clock;
#[cfg(test)]
pub(crate) mod matrix;
mod stats;

pub use capabilities::Capabilities;
pub(crate) use clock::{milliseconds, nanoseconds};
pub use stats::Stats;

use crate::aggregate::{self, Items};
use crate::chunk::{Demuxer, Message, Muxer};
use crate::command::STREAM_CHUNK_STREAM;
use crate::control::{self, LimitKind, PeerBandwidth, UserControl};
use crate::flv::{Media, Packet, Tracks};
use crate::transmit::INLINE_MAX;
use crate::{Error, Limits, Transmit, amf0};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::{Buf, Bytes};
use clock::Clock;
use core::mem;
use core::time::Duration;
use std::time::Instant;

/// Chunk streams of media: what servers and players have used since FFmpeg's first RTMP code.
const AUDIO_CHUNK_STREAM: u32 = 4;
const VIDEO_CHUNK_STREAM: u32 = 6;

/// A connection's bytes, from the end of the handshake on.
pub(crate) struct Link {
    pub(crate) clock: Clock,
    pub(crate) demuxer: Demuxer,
    pub(crate) stats: Stats,
    pub(crate) last_input_ns: u64,
    muxer: Muxer,
    transmits: VecDeque<Transmit>,
    transmits_max: usize,
    /// Bytes of the transmits that wait.
    waiting: usize,
    acknowledgement: Acknowledgement,
    /// What is left of an aggregate message: it comes out as there is room for what it brings.
    items: Option<Box<Items>>,
    /// When a ping was sent, if nothing has come since.
    pinged_ns: Option<u64>,
    /// Whether the peer ever answered a ping.
    answers_pings: bool,
    /// When something of what was sent before was found to be taken, as the next packet was sent.
    taken_ns: u64,
    /// Whether something was taken since the last packet was sent.
    took_some: bool,
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

/// What became of a message that may be about the connection.
#[derive(Debug)]
pub(crate) enum Controlled {
    /// It was obeyed.
    Done,
    /// It is about something else.
    Not,
    /// It is a user control message that the link has no use for.
    User(UserControl),
}

impl Link {
    pub(crate) fn new(limits: &Limits, window: u32, now: Instant) -> Self {
        Self {
            clock: Clock::new(now),
            demuxer: Demuxer::new(limits.clone()),
            stats: Stats::default(),
            last_input_ns: 0,
            muxer: Muxer::new(),
            transmits: VecDeque::new(),
            transmits_max: limits.transmits.max(1),
            waiting: 0,
            acknowledgement: Acknowledgement {
                window_in: window,
                acknowledged: 0,
                window_out: window,
                hard: false,
            },
            items: None,
            pinged_ns: None,
            answers_pings: false,
            taken_ns: 0,
            took_some: false,
        }
    }

    /// Takes the time of bytes that came.
    pub(crate) fn heard(&mut self, now_ns: u64) {
        self.last_input_ns = now_ns;
        self.pinged_ns = None;
    }

    /// Counts the bytes of an input that were taken, of which `rest` is left; returns how many.
    pub(crate) fn took(&mut self, input: &[u8], rest: &[u8]) -> usize {
        let taken = input.len().saturating_sub(rest.len());
        self.stats.bytes_in = self.stats.bytes_in.saturating_add(taken as u64);
        taken
    }

    /// Counts a message, or one in an aggregate.
    pub(crate) const fn count_message(&mut self) {
        self.stats.messages = self.stats.messages.saturating_add(1);
    }

    /// Returns the counters.
    pub(crate) const fn stats(&self) -> Stats {
        Stats {
            clock_reversals: self.clock.reversals,
            ..self.stats
        }
    }

    /// Counts a media or data message, and reads it.
    ///
    /// # Errors
    /// A body that cannot be read, with its bytes.
    pub(crate) fn read_media(
        &mut self,
        message: Message,
        limits: &Limits,
    ) -> Result<Tracks<Packet>, (Bytes, Error)> {
        let counter = match message.kind {
            Message::AUDIO => &mut self.stats.audio_messages,
            Message::VIDEO => &mut self.stats.video_messages,
            _ => &mut self.stats.data_messages,
        };
        *counter = counter.saturating_add(1);
        Packet::decode(message, limits)
    }

    /// Says that the handshake took so many bytes, which acknowledgements count too.
    pub(crate) const fn begin(&mut self, offset: u64) {
        self.demuxer.start_at(offset);
        self.acknowledgement.acknowledged = offset;
    }

    pub(crate) fn send(&mut self, message: &Message) {
        self.send_prefixed(message, &[]);
    }

    pub(crate) fn send_bytes(&mut self, bytes: Bytes) {
        self.push(Transmit::new([0; INLINE_MAX], 0, bytes));
    }

    pub(crate) fn send_prefixed(&mut self, message: &Message, prefix: &[u8]) {
        for transmit in self.muxer.write_prefixed(message, prefix) {
            self.push(transmit);
        }
    }

    pub(crate) fn set_chunk_size(&mut self, size: u32) {
        for transmit in self.muxer.set_chunk_size(size) {
            self.push(transmit);
        }
    }

    /// Sends a packet on a message stream; metadata goes out under `metadata`, one name or two.
    pub(crate) fn send_packet(&mut self, stream: u32, packet: &Packet, metadata: &[&str]) {
        // A line that is full at all times takes something all the same.
        if mem::take(&mut self.took_some) || self.waiting == 0 {
            self.taken_ns = self.clock.now_ns();
        }
        self.stats.packets_sent = self.stats.packets_sent.saturating_add(1);
        let message = |chunk_stream, kind, payload| {
            Message::new(chunk_stream, stream, kind, packet.timestamp_ms, payload)
        };
        let named = |names: &[&str], values: &[amf0::Value]| {
            let names: Vec<_> = names
                .iter()
                .map(|name| amf0::Value::String((*name).into()))
                .collect();
            let body = amf0::encode(names.iter().chain(values));
            message(STREAM_CHUNK_STREAM, Message::DATA, body)
        };
        match &packet.media {
            Media::Audio(audio) => {
                let message = message(AUDIO_CHUNK_STREAM, Message::AUDIO, audio.payload());
                self.send_prefixed(&message, &audio.head());
            }
            Media::Video(video) => {
                let message = message(VIDEO_CHUNK_STREAM, Message::VIDEO, video.payload());
                self.send_prefixed(&message, &video.head());
            }
            Media::Metadata(value) => {
                let message = named(metadata, core::slice::from_ref(value));
                self.send(&message);
            }
            Media::Data { name, values } => {
                let message = named(&[name], values);
                self.send(&message);
            }
        }
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        let transmit = self.transmits.pop_front()?;
        let length = transmit.remaining();
        self.took_some = true;
        self.waiting = self.waiting.saturating_sub(length);
        self.stats.bytes_out = self.stats.bytes_out.saturating_add(length as u64);
        Some(transmit)
    }

    /// Refuses to send when there is no room for it.
    ///
    /// # Errors
    /// [`Error::QueueFull`].
    pub(crate) fn want_room(&self, limits: &Limits) -> Result<(), Error> {
        if self.has_room() {
            return Ok(());
        }
        Err(Error::QueueFull {
            limit: limits.transmits,
        })
    }

    /// Returns whether there is room for what the next message may cause.
    pub(crate) fn has_room(&self) -> bool {
        self.transmits.len() < self.transmits_max
    }

    /// Returns how many bytes wait for `poll_transmit`.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Takes an aggregate message; what is in it comes by `next_item`.
    pub(crate) fn split(&mut self, message: Message, limits: &Limits) {
        self.items = Some(Box::new(aggregate::split(message, limits)));
    }

    /// Returns whether `next_item` may have something.
    pub(crate) const fn has_items(&self) -> bool {
        self.items.is_some()
    }

    /// Returns the next message of the aggregate, or what cannot be read of it.
    pub(crate) fn next_item(&mut self) -> Option<Result<Message, (Message, Error)>> {
        match self.items.as_mut()?.next() {
            Some(Ok(message)) => Some(Ok(message)),
            Some(Err(error)) => {
                let rest = self.items.take()?.into_rest();
                Some(Err((rest, error)))
            }
            None => {
                self.items = None;
                None
            }
        }
    }

    pub(crate) fn drop_items(&mut self) {
        self.items = None;
    }

    /// Does what a message about the connection asks for.
    ///
    /// # Errors
    /// A body that cannot be read.
    pub(crate) fn control(&mut self, message: &Message) -> Result<Controlled, Error> {
        let body = &message.payload;
        match message.kind {
            // The demuxer has done what these ask for.
            Message::SET_CHUNK_SIZE | Message::ABORT => {
                control::number(body)?;
            }
            Message::ACKNOWLEDGEMENT => self.stats.acknowledged = control::number(body)?,
            Message::WINDOW_ACK_SIZE => self.acknowledgement.window_in = control::number(body)?,
            Message::SET_PEER_BANDWIDTH => self.limit_window(PeerBandwidth::decode(body)?),
            Message::USER_CONTROL => match UserControl::decode(body)? {
                UserControl::Ping(number) => self.send(&UserControl::Pong(number).to_message()),
                UserControl::Pong(number) => self.pong(number),
                other => return Ok(Controlled::User(other)),
            },
            _ => return Ok(Controlled::Not),
        }
        Ok(Controlled::Done)
    }

    /// Says how many bytes came, after half of each window: a peer that waits for the whole of it never stalls.
    pub(crate) fn acknowledge(&mut self) {
        let taken = self.demuxer.offset();
        let since = taken.saturating_sub(self.acknowledgement.acknowledged);
        if since > 0 && since >= u64::from(self.acknowledgement.window_in / 2) {
            self.acknowledgement.acknowledged = taken;
            #[expect(clippy::cast_possible_truncation, reason = "the sequence number wraps")]
            let sequence = taken as u32;
            self.send(&control::message(
                Message::ACKNOWLEDGEMENT,
                &sequence.to_be_bytes(),
            ));
        }
    }

    /// Returns when a silent peer is to be pinged: once, after `interval` without a byte.
    pub(crate) fn ping_due_ns(&self, interval: Duration) -> Option<u64> {
        let due_ns = self.last_input_ns.saturating_add(nanoseconds(interval));
        (self.pinged_ns.is_none() && !interval.is_zero()).then_some(due_ns)
    }

    /// Returns when a peer that merely receives gave its last sign of life. Some never answer pings: of those it is
    /// enough that they take what is sent.
    pub(crate) fn alive_ns(&self) -> u64 {
        if self.answers_pings {
            self.last_input_ns
        } else {
            self.last_input_ns.max(self.taken_ns)
        }
    }

    /// Asks the peer for a sign of life.
    pub(crate) fn ping(&mut self) {
        let now_ns = self.clock.now_ns();
        self.pinged_ns = Some(now_ns);
        self.send(&UserControl::Ping(ping_number(now_ns)).to_message());
    }

    /// Tells the peer after how many bytes it should acknowledge, and what it may have unacknowledged.
    pub(crate) fn announce_windows(&mut self, window: u32, bandwidth: u32) {
        self.acknowledgement.window_out = window;
        self.send(&control::message(
            Message::WINDOW_ACK_SIZE,
            &window.to_be_bytes(),
        ));
        // The limit is dynamic, so that it never narrows what the peer has agreed with someone else.
        self.send(&PeerBandwidth::new(bandwidth, LimitKind::Dynamic).to_message());
    }

    fn push(&mut self, transmit: Transmit) {
        self.waiting = self.waiting.saturating_add(transmit.remaining());
        self.transmits.push_back(transmit);
    }

    /// Takes the time that a pong took, if it answers a ping of ours.
    fn pong(&mut self, number: u32) {
        self.answers_pings = true;
        let age_ms = ping_number(self.clock.now_ns()).wrapping_sub(number);
        // Some peers answer with a number of their own; a round trip of days is none.
        if age_ms < 3_600_000 {
            self.stats.round_trip = Some(Duration::from_millis(age_ms.into()));
        }
    }

    /// Follows the peer's limit on what we send unacknowledged; we never wait, but say what we do.
    fn limit_window(&mut self, limit: PeerBandwidth) {
        let acknowledgement = &mut self.acknowledgement;
        let wanted = match limit.kind {
            LimitKind::Hard => limit.window,
            LimitKind::Soft => limit.window.min(acknowledgement.window_out),
            LimitKind::Dynamic if acknowledgement.hard => limit.window,
            LimitKind::Dynamic => acknowledgement.window_out,
        };
        acknowledgement.hard = match limit.kind {
            LimitKind::Hard => true,
            LimitKind::Soft => false,
            LimitKind::Dynamic => acknowledgement.hard,
        };
        if wanted != acknowledgement.window_out {
            acknowledgement.window_out = wanted;
            self.send(&control::message(
                Message::WINDOW_ACK_SIZE,
                &wanted.to_be_bytes(),
            ));
        }
    }
}

/// A ping carries its sender's clock in milliseconds, which wraps.
#[expect(clippy::cast_possible_truncation, reason = "the number wraps")]
const fn ping_number(now_ns: u64) -> u32 {
    (now_ns / 1_000_000) as u32
}
