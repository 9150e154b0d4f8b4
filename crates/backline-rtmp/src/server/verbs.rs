//! What the application wants of a session, but for what concerns a player alone.

use super::command::Activity;
use super::state::{Event, State};
use super::{Output, Rejection, RequestId, Server, connect};
use crate::Error;
use crate::amf0::Value;
use crate::command::{Command, connection_command};
use crate::shared_object::SharedObject;
use alloc::string::String;
use std::time::Instant;

impl Server {
    /// Accepts a publication or a player: the peer begins to send, or waits for what [`send`](Self::send) brings.
    ///
    /// # Errors
    /// [`Error::UnknownRequest`] if it was answered or has gone.
    pub fn accept(&mut self, now: Instant, request: RequestId) -> Result<(), Error> {
        let now_ns = self.link.clock.advance(now);
        let activity = self.requested(request)?;
        let (stream, greeting) = (activity.message_stream, activity.greeting);
        let name = activity.name.clone();
        self.link.heard(now_ns);
        self.step(Event::Accept);
        if self.state == State::Playing {
            self.begin_play(stream, &name, greeting);
        } else {
            self.begin_publication(stream, &name, greeting);
        }
        Ok(())
    }

    /// Refuses a publication or a player, tells the peer why and ends the session.
    ///
    /// # Errors
    /// [`Error::UnknownRequest`] if it was answered or has gone.
    pub fn reject(
        &mut self,
        now: Instant,
        request: RequestId,
        why: Rejection,
    ) -> Result<(), Error> {
        self.link.clock.advance(now);
        self.requested(request)?;
        self.end_session(Event::Reject, &why);
        Ok(())
    }

    /// Ends the session. A peer that publishes or plays, or asks to, is told why: this is how another publisher takes
    /// over. It does nothing when the session is over.
    pub fn close(&mut self, now: Instant, why: Rejection) {
        self.link.clock.advance(now);
        self.end_session(Event::Close, &why);
    }

    /// Answers a command that came as [`Output::Call`]: with what was asked for, or with what is wrong. It does nothing
    /// for a command whose transaction is 0, or when the session is over.
    pub fn respond(&mut self, now: Instant, call: &Command, answer: Result<Value, Value>) {
        self.link.clock.advance(now);
        let (name, value) = match answer {
            Ok(value) => ("_result", value),
            Err(value) => ("_error", value),
        };
        if call.wants_result() && self.state.is_open() {
            let values = [Value::Null, value];
            self.reply(connection_command(name, call.transaction, &values));
        }
    }

    /// Sends the news of a shared object. It does nothing before the peer has connected, or when the session is over.
    pub fn share(&mut self, now: Instant, object: &SharedObject) {
        self.link.clock.advance(now);
        if self.state.is_open() {
            self.link.send(&object.to_message());
        }
    }

    /// Asks the peer to connect anew, to `tc_url` or where it is now, before this side goes away. It goes on publishing
    /// or playing until it has done so (Enhanced RTMP, "Reconnect Request"). The URL is absolute, or `//host/app` or
    /// `/app` relative to the present one; the description is for the person there and may be empty.
    ///
    /// # Errors
    /// [`Error::CannotReconnect`] if the peer did not say that it can (`capsEx`), and nothing was sent.
    pub fn reconnect(
        &mut self,
        now: Instant,
        tc_url: Option<&str>,
        description: &str,
    ) -> Result<(), Error> {
        self.link.clock.advance(now);
        let caps_ex = self.peer.as_ref().map_or(0, |peer| peer.caps_ex);
        let can = caps_ex & connect::CAN_RECONNECT != 0;
        if !can || !self.state.is_open() {
            return Err(Error::CannotReconnect);
        }
        let code = "NetConnection.Connect.ReconnectRequest";
        let mut asked = alloc::vec![
            ("level".into(), Value::String("status".into())),
            ("code".into(), Value::String(code.into())),
        ];
        let described = Some(description).filter(|text| !text.is_empty());
        for (name, value) in [("tcUrl", tc_url), ("description", described)] {
            asked.extend(value.map(|text| (String::from(name), Value::String(text.into()))));
        }
        let values = [Value::Null, Value::Object(asked)];
        self.reply(connection_command("onStatus", 0.0, &values));
        Ok(())
    }

    fn requested(&self, request: RequestId) -> Result<&Activity, Error> {
        match &self.activity {
            Some(activity) if self.state.is_requested() && activity.id == request => Ok(activity),
            _ => Err(Error::UnknownRequest),
        }
    }

    fn end_session(&mut self, event: Event, why: &Rejection) {
        if self.step(event) {
            if let Some(activity) = self.activity.take() {
                let stream = activity.message_stream;
                self.status(stream, "error", &why.code, &why.description);
            }
            self.outputs.push_back(Output::Close);
        }
    }
}
