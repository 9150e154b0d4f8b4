//! What a session does with each command.

use super::connect::{self, Connection, split_query};
use super::state::{Event, State};
use super::wire::{self, Command};
use super::{Output, PublishRequest, RequestId, Server, Warning};
use crate::Error;
use crate::amf0::Value;
use crate::chunk::Message;
use alloc::string::{String, ToString};

/// A publication, from the command on.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) id: RequestId,
    pub(super) message_stream: u32,
    pub(super) name: String,
    /// Whether the peer sent `FCPublish` first and waits for its answer.
    pub(super) announced: bool,
}

impl Server {
    pub(super) fn handle_command(&mut self, message: Message) -> Result<(), Error> {
        let command = match Command::read(&message, &self.config.limits) {
            Ok(command) => command,
            Err(error) => {
                self.malformed(message, error);
                return Ok(());
            }
        };
        let connected = matches!(self.state, State::Connected | State::Publishing);
        match command.name.as_str() {
            "connect" if self.state == State::Unconnected => self.connect(&command),
            "releaseStream" if connected => self.answer(&command, &[Value::Null, Value::Undefined]),
            "FCPublish" if connected => {
                self.connection.announced = true;
                self.answer(&command, &[Value::Null, Value::Undefined]);
            }
            "createStream" if connected => return self.create_stream(&command),
            "publish" if connected => self.publish(&command),
            "FCUnpublish" if connected => {
                self.answer(&command, &[Value::Null, Value::Undefined]);
                self.unpublish();
            }
            "closeStream" if connected => {
                if self.publication_stream() == Some(command.message_stream) {
                    self.unpublish();
                }
            }
            "deleteStream" if connected => self.delete_stream(&command),
            "getStreamLength" if connected => {
                self.answer(&command, &[Value::Null, Value::Number(0.0)]);
            }
            "play" | "play2" if connected => {
                let (code, text) = (
                    "NetStream.Play.StreamNotFound",
                    "This server takes publications only.",
                );
                self.send(&wire::status(command.message_stream, "error", code, text));
            }
            // Answers to nothing that we asked.
            "_result" | "_error" | "onStatus" => {}
            _ => self.warn(Warning::Ignored { kind: message.kind }),
        }
        Ok(())
    }

    fn connect(&mut self, command: &Command) {
        self.connection = Connection::read(command);
        self.step(Event::Connect);
        let window = self.config.window_ack_size.to_be_bytes();
        self.send(&wire::control(Message::WINDOW_ACK_SIZE, &window));
        let [a, b, c, d] = self.config.peer_bandwidth.to_be_bytes();
        // The limit is dynamic, so that it never narrows what the peer has agreed with someone else.
        self.send(&wire::control(
            Message::SET_PEER_BANDWIDTH,
            &[a, b, c, d, 2],
        ));
        let chunks = self.muxer.set_chunk_size(self.config.chunk_size);
        self.transmits.extend(chunks);
        let answer = connect::answer(command);
        self.send(&wire::connection_command(
            "_result",
            command.transaction,
            &answer,
        ));
    }

    fn create_stream(&mut self, command: &Command) -> Result<(), Error> {
        let limit = self.config.limits.message_streams;
        if self.streams.len() >= usize::from(limit) {
            return Err(Error::MessageStreams {
                at: self.demuxer.offset(),
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
        let published = self.publication_stream().map(f64::from);
        // Some encoders leave the number out.
        if id.is_none() || id == published {
            self.unpublish();
        }
    }

    fn publish(&mut self, command: &Command) {
        if self.state == State::Publishing {
            let (code, text) = (
                "NetStream.Publish.BadName",
                "This connection publishes already.",
            );
            self.send(&wire::status(command.message_stream, "error", code, text));
            return;
        }
        self.requests = self.requests.saturating_add(1);
        let id = RequestId(self.requests);
        let (name, query) = split_query(command.argument().as_str().unwrap_or_default());
        let name = name.trim_start_matches('/').to_string();
        self.publication = Some(Publication {
            id,
            message_stream: command.message_stream,
            name: name.clone(),
            announced: self.connection.announced,
        });
        self.step(Event::Publish);
        let connection = &self.connection;
        self.outputs.push_back(Output::Publish(PublishRequest {
            id,
            app: connection.app.clone(),
            name,
            query: query.or_else(|| connection.query.clone()),
            tc_url: connection.tc_url.clone(),
            flash_version: connection.flash_version.clone(),
            fourcc_list: connection.fourcc_list.clone(),
            video_fourccs: connection.video_fourccs.clone(),
            audio_fourccs: connection.audio_fourccs.clone(),
            caps_ex: connection.caps_ex,
            video_function: connection.video_function,
        }));
    }

    fn unpublish(&mut self) {
        if !self.step(Event::Unpublish) {
            return;
        }
        self.demuxer.set_publishing(false);
        self.waiting_since_ns = self.clock.now_ns();
        self.unpublished_from = self.demuxer.offset();
        self.connection.announced = false;
        if let Some(publication) = self.publication.take() {
            let (code, text) = ("NetStream.Unpublish.Success", "The publication has ended.");
            self.send(&wire::status(
                publication.message_stream,
                "status",
                code,
                text,
            ));
        }
        self.outputs.push_back(Output::Unpublished);
    }

    /// Answers a command that wants an answer.
    fn answer(&mut self, command: &Command, values: &[Value]) {
        if command.wants_result() {
            self.send(&wire::connection_command(
                "_result",
                command.transaction,
                values,
            ));
        }
    }
}
