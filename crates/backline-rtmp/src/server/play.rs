//! What a session does for a player.

use super::command::Activity;
use super::state::{Event, State};
use super::{Output, PlayRequest, PlayStart, Server};
use crate::amf0::Value;
use crate::chunk::Message;
use crate::command::{Command, STREAM_CHUNK_STREAM};
use crate::control::UserControl;
use crate::flv::{Media, Packet, VideoData, VideoFrame};
use crate::{Error, amf0};
use std::time::Instant;

/// What a player wants to get.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Appetite {
    audio: bool,
    video: bool,
    paused: bool,
    /// Frames that depend on others are of no use until the next key frame.
    resync: bool,
}

impl Default for Appetite {
    fn default() -> Self {
        Self {
            audio: true,
            video: true,
            paused: false,
            resync: false,
        }
    }
}

impl Appetite {
    /// Returns whether the player has a use for a packet.
    fn wants(&mut self, packet: &Packet) -> bool {
        match &packet.media {
            Media::Audio(_) => self.audio && !self.paused,
            Media::Data { .. } => !self.paused,
            Media::Metadata(_) => true,
            Media::Video(video) => {
                let VideoData::Frame { .. } = video.data else {
                    // What configures the decoder is of use later, too.
                    return true;
                };
                if !self.video || self.paused {
                    return false;
                }
                if matches!(video.frame, VideoFrame::Key | VideoFrame::GeneratedKey) {
                    self.resync = false;
                }
                !self.resync
            }
        }
    }
}

impl Server {
    /// Sends a packet to the player; its payload is shared, not copied. Returns whether the player wants it: a player that
    /// pauses, or wants no sound, gets nothing, and begins again with a key frame.
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
        if !self.link.has_room() {
            return Err(Error::QueueFull {
                limit: self.config.limits.transmits,
            });
        }
        let wanted = self.appetite.wants(packet);
        if wanted {
            self.link.send_packet(stream, packet, &["onMetaData"]);
        }
        Ok(wanted)
    }

    /// Tells the player that the stream has ended. The connection stays, and may play again.
    ///
    /// # Errors
    /// [`Error::NotStreaming`] if nothing is played.
    pub fn end(&mut self, now: Instant) -> Result<(), Error> {
        self.link.clock.advance(now);
        if self.state != State::Playing {
            return Err(Error::NotStreaming);
        }
        self.step(Event::Stop);
        self.begin_waiting();
        if let Some(Activity {
            message_stream: stream,
            name,
            ..
        }) = self.activity.take()
        {
            self.link.send(&UserControl::StreamEof(stream).to_message());
            for (code, text) in [
                ("NetStream.Play.UnpublishNotify", "is no longer published."),
                ("NetStream.Play.Stop", "has stopped."),
            ] {
                self.status(stream, "status", code, &alloc::format!("{name} {text}"));
            }
        }
        Ok(())
    }

    pub(super) fn play(&mut self, command: &Command) {
        if self.state != State::Connected {
            let (code, text) = (
                "NetStream.Play.Failed",
                "This connection publishes or plays already.",
            );
            self.status(command.message_stream, "error", code, text);
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
        let reset = !matches!(command.values.get(4), Some(Value::Boolean(false)));
        let (id, name, query) = self.request(command, reset);
        self.step(Event::Play);
        self.outputs.push_back(Output::Play(PlayRequest {
            id,
            name,
            query,
            start,
            duration_ms,
            peer: self.peer.clone(),
        }));
    }

    /// Asks to play another rendition, whose name stands in an object (RTMP 1.0, 7.2.2.2).
    pub(super) fn play2(&mut self, command: &Command) {
        let name = command.argument().get("streamName").cloned();
        let values = alloc::vec![Value::Null, name.unwrap_or(Value::Null)];
        let as_play = Command::new("play", 0.0, values, command.message_stream);
        self.stop();
        self.play(&as_play);
    }

    /// Tells a player that it is let in.
    pub(super) fn begin_play(&mut self, stream: u32, name: &str, reset: bool) {
        self.appetite = Appetite::default();
        self.link
            .send(&UserControl::StreamBegin(stream).to_message());
        if reset {
            let text = alloc::format!("Playing and resetting {name}.");
            self.status(stream, "status", "NetStream.Play.Reset", &text);
        }
        let text = alloc::format!("Started playing {name}.");
        self.status(stream, "status", "NetStream.Play.Start", &text);
        let access = [
            Value::String("|RtmpSampleAccess".into()),
            Value::Boolean(true),
            Value::Boolean(true),
        ];
        let body = amf0::encode(&access);
        self.link.send(&Message::new(
            STREAM_CHUNK_STREAM,
            stream,
            Message::DATA,
            0,
            body,
        ));
    }

    /// Ends what is played, since the player wants no more of it.
    pub(super) fn stop(&mut self) {
        if !self.step(Event::Stop) {
            return;
        }
        self.begin_waiting();
        self.activity = None;
        self.outputs.push_back(Output::Stopped);
    }

    pub(super) fn pause(&mut self, command: &Command) {
        let paused = matches!(command.argument(), Value::Boolean(true));
        let position_ms = command.values.get(2).and_then(Value::as_number).map(whole);
        self.appetite.paused = paused;
        self.appetite.resync |= paused;
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
        let stream = command.message_stream;
        self.status(stream, "status", "NetStream.Seek.Notify", "Seeking.");
        self.status(stream, "status", "NetStream.Play.Start", "Playing.");
        self.outputs.push_back(Output::Seek { position_ms });
    }

    pub(super) fn receive_audio(&mut self, command: &Command) {
        self.appetite.audio = matches!(command.argument(), Value::Boolean(true));
    }

    pub(super) fn receive_video(&mut self, command: &Command) {
        self.appetite.video = matches!(command.argument(), Value::Boolean(true));
        self.appetite.resync |= !self.appetite.video;
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
