//! What a session does with each command.

use super::connect::{self, split_query};
use super::state::{Event, State};
use super::{Output, Peer, RequestId, Server};
use crate::Error;
use crate::amf0::Value;
use crate::chunk::Message;
use crate::command::{self, Command, connection_command, information, status};
use alloc::string::{String, ToString};
use alloc::sync::Arc;

/// A publication or a player, from the command on.
pub(super) struct Activity {
    pub(super) id: RequestId,
    pub(super) message_stream: u32,
    pub(super) name: String,
    pub(super) greeting: Greeting,
}

/// What a peer that is let in is told first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Greeting {
    /// A publisher that sent `FCPublish` waits for its answer.
    Announced,
    Plain,
    /// What was in the player's list is dropped.
    Reset,
    /// The player changes from one rendition to another.
    Transition,
}

impl Server {
    pub(super) fn handle_command(&mut self, message: Message) -> Result<(), Error> {
        let command = match Command::decode(&message, &self.config.limits) {
            Ok(command) => command,
            Err(error) => {
                self.malformed(message, error);
                return Ok(());
            }
        };
        self.speaks_amf3 = message.kind == Message::COMMAND_AMF3;
        let connected = self.state.is_connected();
        match command.name.as_str() {
            "connect" if self.state == State::Unconnected => self.connect(&command),
            "releaseStream" if connected => self.answer(&command, &[Value::Null, Value::Undefined]),
            "FCPublish" if connected => {
                self.announced = true;
                self.answer(&command, &[Value::Null, Value::Undefined]);
            }
            "createStream" if connected => return self.create_stream(&command),
            "publish" if connected => self.publish(&command),
            "FCUnpublish" if connected => {
                self.answer(&command, &[Value::Null, Value::Undefined]);
                self.unpublish();
            }
            "closeStream" if connected => {
                if self.active_stream() == Some(command.message_stream) {
                    self.end_activity();
                }
            }
            "deleteStream" if connected => self.delete_stream(&command),
            "getStreamLength" if connected => {
                // A live stream has no length.
                self.answer(&command, &[Value::Null, Value::Number(0.0)]);
            }
            "FCSubscribe" if connected => self.subscribe(&command),
            "play" if connected => self.play(&command, Greeting::Reset),
            "play2" if connected => self.play2(&command),
            "pause" | "pauseRaw" if self.state == State::Playing => self.pause(&command),
            "seek" if self.state == State::Playing => self.seek(&command),
            "receiveAudio" if self.state == State::Playing => {
                self.receive(&command, Message::AUDIO);
            }
            "receiveVideo" if self.state == State::Playing => {
                self.receive(&command, Message::VIDEO);
            }
            // Answers to nothing that we asked.
            "_result" | "_error" | "onStatus" => {}
            _ if connected => self.outputs.push_back(Output::Call(command)),
            _ => self.outputs.push_back(Output::Other(message)),
        }
        Ok(())
    }

    fn connect(&mut self, command: &Command) {
        self.peer = Some(Arc::new(Peer::read(command)));
        self.step(Event::Connect);
        let (window, bandwidth) = (self.config.window_ack_size, self.config.peer_bandwidth);
        self.link.announce_windows(window, bandwidth);
        self.link.set_chunk_size(self.config.chunk_size);
        let answer = connect::answer(command, &self.config.capabilities);
        self.reply(connection_command("_result", command.transaction, &answer));
    }

    fn create_stream(&mut self, command: &Command) -> Result<(), Error> {
        let limit = self.config.limits.message_streams;
        if self.streams.len() >= usize::from(limit) {
            return Err(Error::MessageStreams {
                at: self.link.demuxer.offset(),
                limit,
            });
        }
        // The smallest free number, beginning with 1.
        let free = (1..)
            .zip(&self.streams)
            .find(|(id, used)| id != *used)
            .map(|(id, _)| id);
        let id = free
            .or_else(|| u32::try_from(self.streams.len()).ok()?.checked_add(1))
            .unwrap_or(1);
        let place = self.streams.partition_point(|used| *used < id);
        self.streams.insert(place, id);
        self.answer(command, &[Value::Null, Value::Number(f64::from(id))]);
        Ok(())
    }

    fn delete_stream(&mut self, command: &Command) {
        let id = command.argument().as_number();
        self.streams.retain(|stream| id != Some(f64::from(*stream)));
        let active = self.active_stream().map(f64::from);
        // Some encoders leave the number out.
        if id.is_none() || id == active {
            self.end_activity();
        }
    }

    fn end_activity(&mut self) {
        self.unpublish();
        self.stop();
    }

    /// Begins a publication or a player, under the name that the first argument has.
    pub(super) fn request(
        &mut self,
        command: &Command,
        greeting: Greeting,
    ) -> (RequestId, String, Option<String>) {
        self.requests = self.requests.saturating_add(1);
        let id = RequestId(self.requests);
        let (name, query) = split_query(command.argument().as_str().unwrap_or_default());
        let name = name.trim_start_matches('/').to_string();
        self.activity = Some(Activity {
            id,
            message_stream: command.message_stream,
            name: name.clone(),
            greeting,
        });
        (
            id,
            name,
            query.or_else(|| self.peer.as_ref()?.query.clone()),
        )
    }

    /// Answers librtmp's announcement of a live player, which servers behind some networks want.
    fn subscribe(&mut self, command: &Command) {
        self.answer(command, &[Value::Null, Value::Undefined]);
        let status = information("status", "NetStream.Play.Start", "Subscribed.");
        self.reply(connection_command(
            "onFCSubscribe",
            0.0,
            &[Value::Null, status],
        ));
    }

    /// Sends a command in the form that the peer's last one had.
    pub(super) fn reply(&mut self, message: Message) {
        let message = if self.speaks_amf3 {
            command::to_amf3_form(message)
        } else {
            message
        };
        self.link.send(&message);
    }

    pub(super) fn status(&mut self, stream: u32, level: &str, code: &str, description: &str) {
        self.reply(status(stream, level, code, description));
    }

    /// Answers a command that wants an answer.
    fn answer(&mut self, command: &Command, values: &[Value]) {
        if command.wants_result() {
            self.reply(connection_command("_result", command.transaction, values));
        }
    }
}
