//! What a session does for a publisher.

use super::command::Greeting;
use super::state::{Event, State};
use super::{Output, PublishMode, PublishRequest, Server};
use crate::amf0::Value;
use crate::command::{Command, connection_command, information};
use crate::control::UserControl;

impl Server {
    pub(super) fn publish(&mut self, command: &Command) {
        // Flash's way to end a publication.
        if matches!(command.argument(), Value::Boolean(false)) {
            self.unpublish();
            return;
        }
        if self.state != State::Connected {
            let (code, text) = (
                "NetStream.Publish.BadName",
                "This connection publishes or plays already.",
            );
            self.status(command.message_stream, "error", code, text);
            return;
        }
        let greeting = if self.announced {
            Greeting::Announced
        } else {
            Greeting::Plain
        };
        let mode = match command.values.get(2).and_then(Value::as_str) {
            Some("append") => PublishMode::Append,
            Some("record") => PublishMode::Record,
            _ => PublishMode::Live,
        };
        let (id, name, query) = self.request(command, greeting);
        self.step(Event::Publish);
        self.outputs.push_back(Output::Publish(PublishRequest {
            id,
            name,
            query,
            mode,
            peer: self.peer.clone().unwrap_or_default(),
        }));
    }

    /// Tells a publisher that it is let in.
    pub(super) fn begin_publication(&mut self, stream: u32, name: &str, greeting: Greeting) {
        const START: &str = "NetStream.Publish.Start";
        self.link.demuxer.set_publishing(true);
        let begin = UserControl::StreamBegin(stream).to_message();
        self.link.send(&begin);
        let description = alloc::format!("{name} is now published.");
        if greeting == Greeting::Announced {
            let values = [Value::Null, information("status", START, &description)];
            self.reply(connection_command("onFCPublish", 0.0, &values));
        }
        self.status(stream, "status", START, &description);
    }

    /// Ends the publication, since the peer wants no more of it.
    pub(super) fn unpublish(&mut self) {
        if !self.step(Event::Unpublish) {
            return;
        }
        self.link.demuxer.set_publishing(false);
        self.begin_waiting();
        self.announced = false;
        if let Some(publication) = self.activity.take() {
            let (code, text) = ("NetStream.Unpublish.Success", "The publication has ended.");
            self.status(publication.message_stream, "status", code, text);
        }
        self.outputs.push_back(Output::Unpublished);
    }
}
