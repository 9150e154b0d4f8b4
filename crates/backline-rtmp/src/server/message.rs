//! What a session does with each message.

use super::command::Publication;
use super::state::State;
use super::wire::{self, LimitKind};
use super::{Output, Server, Warning};
use crate::Error;
use crate::amf0::{self, Value};
use crate::chunk::{self, Message};
use crate::flv::{Audio, Video};
use alloc::string::String;
use alloc::vec::Vec;

/// Asks a server to keep what follows, under its name, for players that come later.
const SET_DATA_FRAME: &str = "@setDataFrame";
const ON_METADATA: &str = "onMetaData";

impl Server {
    pub(super) fn handle_chunk_event(&mut self, event: chunk::Event) -> Result<(), Error> {
        match event {
            chunk::Event::Message(message) => self.handle_message(message),
            odd => {
                self.warn(Warning::Chunk(odd));
                Ok(())
            }
        }
    }

    fn handle_message(&mut self, message: Message) -> Result<(), Error> {
        self.stats.messages = self.stats.messages.saturating_add(1);
        let publishing = self.state == State::Publishing;
        match message.kind {
            Message::AUDIO if publishing => self.handle_audio(message),
            Message::VIDEO if publishing => self.handle_video(message),
            Message::DATA | Message::DATA_AMF3 if publishing => self.handle_data(message),
            Message::COMMAND | Message::COMMAND_AMF3 => return self.handle_command(message),
            // The demuxer has done what these ask for.
            Message::SET_CHUNK_SIZE | Message::ABORT => {
                if let Err(error) = wire::read_u32(&message.payload) {
                    self.malformed(message, error);
                }
            }
            Message::ACKNOWLEDGEMENT => match wire::read_u32(&message.payload) {
                Ok(sequence) => self.stats.acknowledged = sequence,
                Err(error) => self.malformed(message, error),
            },
            Message::WINDOW_ACK_SIZE => match wire::read_u32(&message.payload) {
                Ok(window) => self.acknowledgement.window_in = window,
                Err(error) => self.malformed(message, error),
            },
            Message::SET_PEER_BANDWIDTH => match wire::read_bandwidth(&message.payload) {
                Ok((window, kind)) => self.limit_window(window, kind),
                Err(error) => self.malformed(message, error),
            },
            Message::USER_CONTROL => match wire::read_user_control(&message.payload) {
                Ok((wire::PING, rest)) => self.send(&wire::pong(rest)),
                Ok(_) => {}
                Err(error) => self.malformed(message, error),
            },
            kind => self.warn(Warning::Ignored { kind }),
        }
        Ok(())
    }

    fn handle_audio(&mut self, message: Message) {
        self.stats.audio_messages = self.stats.audio_messages.saturating_add(1);
        let timestamp_ms = message.timestamp_ms;
        // The body's one handle goes into the output: a second one would cost an allocation.
        match Audio::read(&message.payload, &self.config.limits) {
            Ok((head, at)) => {
                let audio = head.with_rest(message.payload, at);
                self.outputs.push_back(Output::Audio {
                    timestamp_ms,
                    audio,
                });
            }
            Err(error) => self.malformed(message, error),
        }
    }

    fn handle_video(&mut self, message: Message) {
        self.stats.video_messages = self.stats.video_messages.saturating_add(1);
        let timestamp_ms = message.timestamp_ms;
        match Video::read(&message.payload, &self.config.limits) {
            Ok((head, at)) => {
                let video = head.with_rest(message.payload, at);
                self.outputs.push_back(Output::Video {
                    timestamp_ms,
                    video,
                });
            }
            Err(error) => self.malformed(message, error),
        }
    }

    /// Reads metadata and other data; encoders put much before and around it.
    fn handle_data(&mut self, message: Message) {
        self.stats.data_messages = self.stats.data_messages.saturating_add(1);
        let limits = &self.config.limits;
        let (kind, length, limit) = (message.kind, message.payload.len(), limits.command_bytes);
        if length > limit as usize {
            return self.malformed(
                message,
                Error::BodyLength {
                    kind,
                    length,
                    limit,
                },
            );
        }
        let values = match amf0::decode(wire::amf0_part(&message), limits) {
            Ok(values) => values,
            Err(error) => return self.malformed(message, error),
        };
        let is_name = |value: &Value| value.as_str().is_some_and(|name| name != SET_DATA_FRAME);
        let is_set = |value: &Value| matches!(value, Value::Object(_) | Value::EcmaArray(_));
        let mut values = values.into_iter().peekable();
        while values
            .next_if(|value| !is_name(value) && !is_set(value))
            .is_some()
        {}
        let timestamp_ms = message.timestamp_ms;
        let output = match values.next() {
            Some(Value::String(name)) if name == ON_METADATA => {
                Output::Metadata(values.find(is_set).unwrap_or(Value::Null))
            }
            Some(Value::String(name)) => Output::Data {
                timestamp_ms,
                name,
                values: values.collect(),
            },
            Some(set) if is_set(&set) => Output::Metadata(set),
            _ => Output::Data {
                timestamp_ms,
                name: String::new(),
                values: Vec::new(),
            },
        };
        self.outputs.push_back(output);
    }

    /// Follows the peer's limit on what we send unacknowledged; we never wait, but say what we do.
    fn limit_window(&mut self, window: u32, kind: LimitKind) {
        let acknowledgement = &mut self.acknowledgement;
        let wanted = match kind {
            LimitKind::Hard => window,
            LimitKind::Soft => window.min(acknowledgement.window_out),
            LimitKind::Dynamic if acknowledgement.hard => window,
            LimitKind::Dynamic => acknowledgement.window_out,
        };
        acknowledgement.hard = match kind {
            LimitKind::Hard => true,
            LimitKind::Soft => false,
            LimitKind::Dynamic => acknowledgement.hard,
        };
        if wanted != acknowledgement.window_out {
            acknowledgement.window_out = wanted;
            self.send(&wire::control(
                Message::WINDOW_ACK_SIZE,
                &wanted.to_be_bytes(),
            ));
        }
    }

    pub(super) fn publication_stream(&self) -> Option<u32> {
        self.publication
            .as_ref()
            .map(|publication: &Publication| publication.message_stream)
    }
}
