//! What a session does with each message.

use super::state::State;
use super::{Output, Server, Warning};
use crate::Error;
use crate::amf0::{self, Value};
use crate::chunk::{self, Message};
use crate::command;
use crate::flv::{Audio, Media, Packet, Video};
use crate::session::Controlled;
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
        self.link.stats.messages = self.link.stats.messages.saturating_add(1);
        let publishing = self.state == State::Publishing;
        match message.kind {
            Message::AUDIO if publishing => self.handle_audio(message),
            Message::VIDEO if publishing => self.handle_video(message),
            Message::DATA | Message::DATA_AMF3 if publishing => self.handle_data(message),
            Message::COMMAND | Message::COMMAND_AMF3 => return self.handle_command(message),
            _ => match self.link.control(&message) {
                Ok(Controlled::Done) => {}
                Ok(Controlled::Not) => self.outputs.push_back(Output::Other(message)),
                Ok(Controlled::User(event)) => self.outputs.push_back(Output::UserControl(event)),
                Err(error) => self.malformed(message, error),
            },
        }
        Ok(())
    }

    fn handle_audio(&mut self, message: Message) {
        self.link.stats.audio_messages = self.link.stats.audio_messages.saturating_add(1);
        let timestamp_ms = message.timestamp_ms;
        // The body's one handle goes into the output: a second one would cost an allocation.
        match Audio::read(&message.payload, &self.config.limits) {
            Ok((head, at)) => {
                let audio = head.with_rest(message.payload, at);
                self.media(timestamp_ms, Media::Audio(audio));
            }
            Err(error) => self.malformed(message, error),
        }
    }

    fn handle_video(&mut self, message: Message) {
        self.link.stats.video_messages = self.link.stats.video_messages.saturating_add(1);
        let timestamp_ms = message.timestamp_ms;
        match Video::read(&message.payload, &self.config.limits) {
            Ok((head, at)) => {
                let video = head.with_rest(message.payload, at);
                self.media(timestamp_ms, Media::Video(video));
            }
            Err(error) => self.malformed(message, error),
        }
    }

    /// Reads metadata and other data; encoders put much before and around it.
    fn handle_data(&mut self, message: Message) {
        self.link.stats.data_messages = self.link.stats.data_messages.saturating_add(1);
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
        let values = match amf0::decode(command::amf0_part(&message), limits) {
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
        let media = match values.next() {
            Some(Value::String(name)) if name == ON_METADATA => {
                Media::Metadata(values.find(is_set).unwrap_or(Value::Null))
            }
            Some(Value::String(name)) => Media::Data {
                name,
                values: values.collect(),
            },
            Some(set) if is_set(&set) => Media::Metadata(set),
            _ => Media::Data {
                name: String::new(),
                values: Vec::new(),
            },
        };
        self.media(timestamp_ms, media);
    }

    fn media(&mut self, timestamp_ms: u64, media: Media) {
        let packet = Packet::new(timestamp_ms, media);
        self.outputs.push_back(Output::Media(packet));
    }

    /// Returns the message stream of the publication or the player.
    pub(super) fn active_stream(&self) -> Option<u32> {
        self.activity
            .as_ref()
            .map(|activity| activity.message_stream)
    }
}
