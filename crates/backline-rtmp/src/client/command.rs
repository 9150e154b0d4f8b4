//! What a client says, in the order that servers want, and what it makes of their answers.

use super::auth::Login;
use super::output::{Redial, Status};
use super::state::{Event, State};
use super::{Client, Config, Output, PlayStart, Purpose};
use crate::amf0::Value;
use crate::chunk::Message;
use crate::command::{Command, STREAM_CHUNK_STREAM, connection_command};
use crate::control::{self, UserControl};
use crate::session::milliseconds;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Numbers of the commands that want an answer, in their order.
const CONNECT: f64 = 1.0;
const RELEASE_STREAM: f64 = 2.0;
const FC_PUBLISH: f64 = 3.0;
const CREATE_STREAM: f64 = 4.0;
const START: f64 = 5.0;
/// All sound and picture codecs of old: some servers send only what is named (RTMP errata, 7.1.4).
const AUDIO_CODECS: f64 = 3575.0;
const VIDEO_CODECS: f64 = 252.0;
/// What a client can do with a codec of Enhanced RTMP: decode, encode and forward it.
const FOURCC_MASK: f64 = 7.0;
/// The client can seek to any frame, as players have always said.
const CLIENT_SEEK: f64 = 1.0;
/// All that Enhanced RTMP's `videoFunction` knows: seek, HDR, metadata and large-scale tiles.
const VIDEO_FUNCTIONS: f64 = 15.0;

impl Client {
    /// Sends `connect`.
    pub(super) fn connect(&mut self) {
        let config = &self.config;
        let query = &config.login.query;
        let text = |text: &str| Value::String(text.into());
        let mut object = alloc::vec![("app".into(), text(&(config.address.app.clone() + query)))];
        let mut put = |name: &str, value| object.push((String::from(name), value));
        if config.purpose == Purpose::Publish {
            put("type", text("nonprivate"));
        }
        put("flashVer", text(&config.flash_version));
        put("tcUrl", text(&(config.address.tc_url() + query)));
        if let Purpose::Play { .. } = config.purpose {
            put("fpad", Value::Boolean(false));
            put("capabilities", Value::Number(15.0));
        }
        put("audioCodecs", Value::Number(AUDIO_CODECS));
        put("videoCodecs", Value::Number(VIDEO_CODECS));
        if !config.fourccs.is_empty() {
            let list = config.fourccs.iter().map(|fourcc| text(fourcc)).collect();
            put("fourCcList", Value::StrictArray(list));
            let map = |audio: bool| {
                let of_kind = config.fourccs.iter().filter(|fourcc| {
                    *fourcc == "*" || AUDIO_FOURCCS.contains(&fourcc.as_str()) == audio
                });
                let mask = |fourcc: &String| (fourcc.clone(), Value::Number(FOURCC_MASK));
                Value::Object(of_kind.map(mask).collect())
            };
            put("videoFourCcInfoMap", map(false));
            put("audioFourCcInfoMap", map(true));
            put("capsEx", Value::Number(config.caps_ex.into()));
            put("videoFunction", Value::Number(VIDEO_FUNCTIONS));
        } else if let Purpose::Play { .. } = config.purpose {
            put("videoFunction", Value::Number(CLIENT_SEEK));
        }
        let object = Value::Object(object);
        let message = connection_command("connect", CONNECT, &[object]);
        self.link.send(&message);
    }

    pub(super) fn handle_command(&mut self, message: Message) {
        let command = match Command::decode(&message, &self.config.limits) {
            Ok(command) => command,
            Err(error) => return self.malformed(message, error),
        };
        match command.name.as_str() {
            "_result" => self.handle_result(&command),
            "_error" => self.handle_error(&command),
            "onStatus" => self.handle_status(&command),
            // Answers to what was not asked, and measurements of the line that nobody waits for.
            "onFCPublish" | "onFCUnpublish" | "onFCSubscribe" | "onBWDone" => {}
            "close" => {
                let status = Status {
                    level: "status".into(),
                    code: "NetConnection.Connect.Closed".into(),
                    description: "The server closes the connection.".into(),
                };
                self.end(Output::Ended(status));
            }
            _ => {
                if command.wants_result() {
                    let values = [Value::Null, Value::Null];
                    let answer = connection_command("_result", command.transaction, &values);
                    self.link.send(&answer);
                }
                self.outputs.push_back(Output::Call(command));
            }
        }
    }

    /// Says that the stream is over, as far as it has come to be.
    pub(super) fn say_goodbye(&mut self) {
        if !matches!(self.state, State::Starting | State::Streaming) {
            return;
        }
        let stream = self.message_stream;
        if self.config.purpose == Purpose::Publish {
            self.call("FCUnpublish", 0.0, &[self.name()]);
        }
        self.link
            .send(&Command::new("closeStream", 0.0, alloc::vec![Value::Null], stream).to_message());
        self.call("deleteStream", 0.0, &[Value::Number(stream.into())]);
    }

    fn handle_result(&mut self, command: &Command) {
        let number = command.argument().as_number();
        if self.state == State::Connecting && command.transaction == CONNECT {
            self.create_stream();
        } else if self.state == State::Creating
            && let Some(stream) = number
            // Some servers mix the numbers up, but only this answer is a number.
            && ![CONNECT, RELEASE_STREAM, FC_PUBLISH].contains(&command.transaction)
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the cast saturates, and the server is told the number that it said"
            )]
            let stream = stream as u32;
            self.start(stream);
        }
    }

    fn handle_error(&mut self, command: &Command) {
        let status = Status::read(command.argument());
        if self.state == State::Connecting && command.transaction == CONNECT {
            self.refused(status, command.argument());
        } else if command.transaction == CREATE_STREAM || command.transaction == START {
            self.end(Output::Refused(status));
        }
        // Many servers know neither `releaseStream` nor `FCPublish`, and go on all the same.
    }

    fn handle_status(&mut self, command: &Command) {
        // It follows the command object; librtmp's server leaves that out.
        let mut values = command.values.iter();
        let information =
            values.find(|value| value.get("code").is_some() || value.get("level").is_some());
        let information = information.unwrap_or(&Value::Null);
        let status = Status::read(information);
        match (status.code.as_str(), &self.config.purpose) {
            ("NetConnection.Connect.ReconnectRequest", _) => self.reconnect(status, information),
            ("NetConnection.Connect.Rejected", _) => self.refused(status, information),
            ("NetStream.Publish.Start", Purpose::Publish)
            | ("NetStream.Play.Start", Purpose::Play { .. })
                if self.state == State::Starting =>
            {
                self.begin();
            }
            (
                "NetStream.Play.Stop"
                | "NetStream.Play.Complete"
                | "NetStream.Play.UnpublishNotify"
                | "NetStream.Unpublish.Success",
                _,
            ) if self.state == State::Streaming => self.end(Output::Ended(status)),
            _ if status.level == "error" => self.end(Output::Refused(status)),
            _ => self.outputs.push_back(Output::Status(status)),
        }
    }

    /// The connection stands: asks for a message stream. The order is that of live encoders, since servers were made
    /// for them.
    fn create_stream(&mut self) {
        let window = self.config.window_ack_size.to_be_bytes();
        self.link
            .send(&control::message(Message::WINDOW_ACK_SIZE, &window));
        self.link.set_chunk_size(self.config.chunk_size);
        if self.config.purpose == Purpose::Publish {
            self.call("releaseStream", RELEASE_STREAM, &[self.name()]);
            self.call("FCPublish", FC_PUBLISH, &[self.name()]);
        }
        self.call("createStream", CREATE_STREAM, &[]);
        self.step(Event::Connected);
    }

    /// The message stream is there: publishes or plays on it.
    fn start(&mut self, stream: u32) {
        self.message_stream = stream;
        let mut values = alloc::vec![Value::Null, self.name()];
        let name = match self.config.purpose {
            Purpose::Publish => {
                values.push(Value::String("live".into()));
                "publish"
            }
            Purpose::Play { start } => {
                self.put_play(start, &mut values);
                "play"
            }
        };
        let mut message = Command::new(name, START, values, stream).to_message();
        message.chunk_stream = STREAM_CHUNK_STREAM;
        self.link.send(&message);
        if let Purpose::Play { .. } = self.config.purpose {
            let length_ms = u32::try_from(self.config.buffer.as_millis()).unwrap_or(u32::MAX);
            let buffer = UserControl::SetBufferLength {
                message_stream: stream,
                length_ms,
            };
            self.link.send(&buffer.to_message());
        }
        self.step(Event::Created);
    }

    /// Adds what `play` has behind the name, as far as it is not what a server does by itself (RTMP 1.0, 7.2.2.1).
    fn put_play(&self, start: PlayStart, values: &mut Vec<Value>) {
        #[expect(clippy::cast_precision_loss, reason = "exact for 285 thousand years")]
        let start = match start {
            PlayStart::Any => -2000.0,
            PlayStart::Live => -1000.0,
            PlayStart::Recorded { position_ms } => position_ms as f64,
        };
        values.push(Value::Number(start));
        let Config {
            duration, reset, ..
        } = &self.config;
        if duration.is_some() || !reset {
            #[expect(clippy::cast_precision_loss, reason = "exact for 285 thousand years")]
            let length = duration.map_or(-1.0, |length| milliseconds(length) as f64);
            values.push(Value::Number(length));
        }
        if !reset {
            values.push(Value::Boolean(false));
        }
    }

    /// The server will not have this connection: perhaps another one, to another place or with a login.
    fn refused(&mut self, status: Status, information: &Value) {
        let config = &self.config;
        let elsewhere = information.get("ex").and_then(|ex| ex.get("redirect"));
        let mut next = config.clone();
        next.redials = config.redials.saturating_add(1);
        let found = if let Some(url) = elsewhere.and_then(Value::as_str) {
            self.move_to(&mut next, url)
        } else {
            let login = config
                .login
                .next(&config.address, &status.description, config.seed);
            login.map(|login| next.login = login).is_some()
        };
        if !found || config.redials >= config.redials_max {
            return self.end(Output::Refused(status));
        }
        self.end(Output::Redial(Box::new(Redial {
            config: next,
            goes_on: false,
            status,
        })));
    }

    /// The server is about to go away, and says where to connect instead (Enhanced RTMP, "Reconnect Request").
    fn reconnect(&mut self, status: Status, information: &Value) {
        let config = &self.config;
        let mut next = config.clone();
        next.redials = config.redials.saturating_add(1);
        // A challenge holds for one connection.
        next.login = Login::default();
        let url = information.get("tcUrl").and_then(Value::as_str);
        let found = url.is_none_or(|url| self.move_to(&mut next, url));
        if !found || config.redials >= config.redials_max {
            return self.outputs.push_back(Output::Status(status));
        }
        self.outputs.push_back(Output::Redial(Box::new(Redial {
            config: next,
            goes_on: true,
            status,
        })));
    }

    /// Takes where a server sends this client; returns whether it can go there. It goes from TLS to no place without,
    /// where the stream key could be read by all.
    fn move_to(&self, next: &mut Config, url: &str) -> bool {
        let here = &self.config.address;
        match here.resolve(url) {
            Ok(there) if there.tls || !here.tls => {
                next.address = there;
                // What was said to log in here means nothing there.
                next.login = Login::default();
                true
            }
            _ => false,
        }
    }

    fn end(&mut self, output: Output) {
        if self.step(Event::End) {
            self.outputs.push_back(output);
            self.outputs.push_back(Output::Close);
        }
    }

    /// Calls something of the connection, with a null command object as old servers want it.
    fn call(&mut self, name: &str, transaction: f64, values: &[Value]) {
        let values: Vec<_> = core::iter::once(Value::Null)
            .chain(values.iter().cloned())
            .collect();
        self.link
            .send(&connection_command(name, transaction, &values));
    }

    fn name(&self) -> Value {
        Value::String(self.config.address.name.clone())
    }
}

/// The FourCCs of Enhanced RTMP that are sound.
const AUDIO_FOURCCS: [&str; 6] = [".mp3", "Opus", "ac-3", "ec-3", "fLaC", "mp4a"];
