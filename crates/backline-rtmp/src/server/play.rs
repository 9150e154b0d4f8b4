//! What a session does for a player.

use super::appetite::Appetite;
use super::command::Greeting;
use super::state::{Event, State};
use super::{Output, PlayRequest, PlayStart, Server};
use crate::amf0::Value;
use crate::chunk::Message;
use crate::command::{Command, STREAM_CHUNK_STREAM, information};
use crate::control::UserControl;
use crate::flv::Packet;
use crate::{Error, amf0};
use core::mem;
use std::time::Instant;

/// How a stream ends for its player.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Ending {
    /// A recording is over.
    Complete,
    /// This side stops, for a reason that is no one's concern.
    Stopped,
    /// The publisher has left.
    Unpublished,
}

impl Server {
    /// Sends a packet to the player; its payload is shared, not copied. Returns whether the player wants it: a player
    /// that pauses, or wants no sound, gets nothing, and begins again with a key frame.
    ///
    /// # Errors
    /// [`Error::QueueFull`] if too much waits for [`poll_transmit`](Self::poll_transmit), and nothing has changed;
    /// [`Error::NotStreaming`] if nothing is played.
    pub fn send(&mut self, now: Instant, packet: &Packet) -> Result<bool, Error> {
        self.link.clock.advance(now);
        let Some(stream) = self
            .active_stream()
            .filter(|_| self.state == State::Playing)
        else {
            return Err(Error::NotStreaming);
        };
        self.link.want_room(&self.config.limits)?;
        let wanted = self.appetite.wants(packet);
        if wanted {
            self.grant_access(stream, packet.timestamp_ms);
            self.link.send_packet(stream, packet, &["onMetaData"]);
        }
        Ok(wanted)
    }

    /// Tells the player that the stream has ended. The connection stays, and may play again.
    ///
    /// # Errors
    /// [`Error::NotStreaming`] if nothing is played.
    pub fn end(&mut self, now: Instant, ending: Ending) -> Result<(), Error> {
        self.link.clock.advance(now);
        if !self.step(Event::Stop) {
            return Err(Error::NotStreaming);
        }
        self.begin_waiting();
        let Some(activity) = self.activity.take() else {
            return Err(Error::NotStreaming);
        };
        let (stream, name) = (activity.message_stream, activity.name);
        if ending == Ending::Complete {
            let text = alloc::format!("{name} is complete.");
            let values = [
                Value::String("onPlayStatus".into()),
                information("status", "NetStream.Play.Complete", &text),
            ];
            self.send_data(stream, self.played_ms, &values);
        }
        let eof = UserControl::StreamEof(stream).to_message();
        self.link.send(&eof);
        if ending == Ending::Unpublished {
            let text = alloc::format!("{name} is no longer published.");
            self.status(stream, "status", "NetStream.Play.UnpublishNotify", &text);
        }
        let text = alloc::format!("{name} has stopped.");
        self.status(stream, "status", "NetStream.Play.Stop", &text);
        Ok(())
    }

    /// Takes a wish to play. One for the message stream that plays already takes the place of what it plays.
    pub(super) fn play(&mut self, command: &Command, greeting: Greeting) {
        let stream = command.message_stream;
        // Flash's way to stop.
        if matches!(command.argument(), Value::Boolean(false)) {
            if self.active_stream() == Some(stream) && self.stop() {
                self.status(stream, "status", "NetStream.Play.Stop", "Stopped.");
            }
            return;
        }
        if self.state == State::Playing && self.active_stream() == Some(stream) {
            self.stop();
        }
        if self.state != State::Connected {
            let (code, text) = (
                "NetStream.Play.Failed",
                "This connection publishes or plays already.",
            );
            self.status(stream, "error", code, text);
            return;
        }
        let number = |at: usize| command.values.get(at).and_then(Value::as_number);
        let start = match number(2) {
            Some(-1.0 | -1000.0) => PlayStart::Live,
            Some(position) if position >= 0.0 => PlayStart::Recorded {
                position_ms: whole(position),
            },
            _ => PlayStart::Any,
        };
        let duration_ms = number(3).filter(|length| *length >= 0.0).map(whole);
        let keeps_list = matches!(command.values.get(4), Some(Value::Boolean(false)))
            || matches!(command.values.get(4), Some(Value::Number(0.0)));
        let greeting = match keeps_list {
            true => Greeting::Plain,
            false => greeting,
        };
        let (id, name, query) = self.request(command, greeting);
        self.step(Event::Play);
        self.outputs.push_back(Output::Play(PlayRequest {
            id,
            name,
            query,
            start,
            duration_ms,
            reset: !keeps_list,
            peer: self.peer.clone().unwrap_or_default(),
        }));
    }

    /// Takes a wish to play another rendition, whose name stands in an object (RTMP 1.0, 7.2.2.2).
    pub(super) fn play2(&mut self, command: &Command) {
        let name = command.argument().get("streamName").cloned();
        let values = alloc::vec![Value::Null, name.unwrap_or(Value::Null)];
        let as_play = Command::new("play", 0.0, values, command.message_stream);
        let greeting = if self.state == State::Playing {
            Greeting::Transition
        } else {
            Greeting::Reset
        };
        self.play(&as_play, greeting);
    }

    /// Tells a player that it is let in.
    pub(super) fn begin_play(&mut self, stream: u32, name: &str, greeting: Greeting) {
        self.appetite = Appetite::default();
        self.access_granted = false;
        self.played_ms = 0;
        let begin = UserControl::StreamBegin(stream).to_message();
        self.link.send(&begin);
        let before = match greeting {
            Greeting::Reset => Some(("NetStream.Play.Reset", "Playing and resetting")),
            Greeting::Transition => Some(("NetStream.Play.Transition", "Changing to")),
            Greeting::Announced | Greeting::Plain => None,
        };
        for (code, text) in before
            .into_iter()
            .chain([("NetStream.Play.Start", "Started playing")])
        {
            let text = alloc::format!("{text} {name}.");
            self.status(stream, "status", code, &text);
        }
    }

    /// Ends what is played, since the player wants no more of it; returns whether anything was.
    pub(super) fn stop(&mut self) -> bool {
        let playing = self.step(Event::Stop);
        if playing {
            self.begin_waiting();
            self.activity = None;
            self.outputs.push_back(Output::Stopped);
        }
        playing
    }

    pub(super) fn pause(&mut self, command: &Command) {
        let paused = matches!(command.argument(), Value::Boolean(true));
        let position_ms = command.values.get(2).and_then(Value::as_number).map(whole);
        self.appetite.pause(paused);
        let (code, text) = if paused {
            ("NetStream.Pause.Notify", "Paused.")
        } else {
            ("NetStream.Unpause.Notify", "Going on.")
        };
        self.status(command.message_stream, "status", code, text);
        self.outputs.push_back(Output::Paused {
            paused,
            position_ms: position_ms.unwrap_or(0),
        });
    }

    pub(super) fn seek(&mut self, command: &Command) {
        let position_ms = command.argument().as_number().map_or(0, whole);
        self.tell_seek(command.message_stream);
        self.outputs.push_back(Output::Seek { position_ms });
    }

    fn tell_seek(&mut self, stream: u32) {
        self.status(stream, "status", "NetStream.Seek.Notify", "Seeking.");
        self.status(stream, "status", "NetStream.Play.Start", "Playing.");
    }

    /// Takes whether the player wants a kind of media. One that wants it again is told so (RTMP 1.0, 7.2.2.4 and
    /// 7.2.2.5), and one that does not gets no answer.
    pub(super) fn receive(&mut self, command: &Command, kind: u8) {
        let wanted = matches!(command.argument(), Value::Boolean(true));
        if wanted {
            self.tell_seek(command.message_stream);
        }
        match kind {
            Message::AUDIO => self.appetite.receive_audio(wanted),
            _ => self.appetite.receive_video(wanted),
        }
    }

    /// Says once that the player may look at samples. It has the time of the first packet: a time of its own would be a
    /// jump for readers that unwrap times.
    fn grant_access(&mut self, stream: u32, timestamp_ms: u64) {
        if !mem::replace(&mut self.access_granted, true) {
            let name = Value::String("|RtmpSampleAccess".into());
            let values = [name, Value::Boolean(true), Value::Boolean(true)];
            self.send_data(stream, timestamp_ms, &values);
        }
        self.played_ms = timestamp_ms;
    }

    fn send_data(&mut self, stream: u32, timestamp_ms: u64, values: &[Value]) {
        let body = amf0::encode(values);
        let chunk_stream = STREAM_CHUNK_STREAM;
        let message = Message::new(chunk_stream, stream, Message::DATA, timestamp_ms, body);
        self.link.send(&message);
    }
}

/// Returns a number of the peer's as a whole one; what is out of range is the nearest that is in it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates"
)]
const fn whole(number: f64) -> u64 {
    number as u64
}
