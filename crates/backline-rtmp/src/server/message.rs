//! What a session does with each message.

use super::state::State;
use super::{Output, Server, Warning};
use crate::Error;
use crate::chunk::{self, Message};
use crate::session::Controlled;
use crate::shared_object::SharedObject;

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
        self.link.count_message();
        match message.kind {
            Message::AGGREGATE if self.state.is_connected() => {
                self.link.split(message, &self.config.limits);
                self.take_items();
                Ok(())
            }
            _ => self.obey(message),
        }
    }

    /// Does what a message asks for that came by itself or in an aggregate.
    fn obey(&mut self, message: Message) -> Result<(), Error> {
        let publishing = self.state == State::Publishing;
        match message.kind {
            _ if publishing && message.is_media() => self.handle_media(message),
            Message::SHARED_OBJECT | Message::SHARED_OBJECT_AMF3 if self.state.is_connected() => {
                match SharedObject::decode(&message, &self.config.limits) {
                    Ok(object) => self.outputs.push_back(Output::SharedObject(object)),
                    Err(error) => self.malformed(message, error),
                }
            }
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

    fn handle_media(&mut self, message: Message) {
        let (kind, timestamp_ms) = (message.kind, message.timestamp_ms);
        match self.link.read_media(message, &self.config.limits) {
            Ok(packets) => self.outputs.extend(packets.map(Output::Media)),
            Err((raw, error)) => self.broken(kind, timestamp_ms, raw, error),
        }
    }

    /// Takes messages out of an aggregate, as long as there is room for what they bring and no answer of the caller's
    /// is waited for. What has no meaning there is handed out. A command that breaks a cap ends the session; whether
    /// bytes or a drained queue have let it come is no matter.
    pub(super) fn take_items(&mut self) {
        while self.may_take() {
            match self.link.next_item() {
                Some(Ok(message)) => {
                    self.link.count_message();
                    if message.is_for_chunks() {
                        self.outputs.push_back(Output::Other(message));
                    } else if let Err(error) = self.obey(message) {
                        self.fail(error);
                    }
                }
                Some(Err((rest, error))) => self.malformed(rest, error),
                None => break,
            }
        }
    }

    /// Returns the message stream of the publication or the player.
    pub(super) fn active_stream(&self) -> Option<u32> {
        self.activity
            .as_ref()
            .map(|activity| activity.message_stream)
    }
}
