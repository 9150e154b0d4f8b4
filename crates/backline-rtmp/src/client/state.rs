//! The states of a client, as a table.

/// Where a client is.
///
/// ```text
/// Handshake --Handshaken--> Connecting --Connected--> Creating --Created--> Starting --Started--> Streaming
/// ```
/// `End` and `Fail` lead from every state to `Closed`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    Handshake,
    /// `connect` was sent.
    Connecting,
    /// `createStream` was sent.
    Creating,
    /// `publish` or `play` was sent.
    Starting,
    Streaming,
    Closed,
}

/// What moves a client on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Event {
    Handshaken,
    Connected,
    Created,
    Started,
    End,
    Fail,
}

impl State {
    /// Returns the state after an event; none, if the event means nothing here.
    pub(super) const fn after(self, event: Event) -> Option<Self> {
        Some(match (self, event) {
            (Self::Handshake, Event::Handshaken) => Self::Connecting,
            (Self::Connecting, Event::Connected) => Self::Creating,
            (Self::Creating, Event::Created) => Self::Starting,
            (Self::Starting, Event::Started) => Self::Streaming,
            (Self::Closed, _) => return None,
            (_, Event::End | Event::Fail) => Self::Closed,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
