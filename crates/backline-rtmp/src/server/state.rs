//! The states of a session, as a table.

/// Where a session is.
///
/// ```text
///                                                 +--Publish--> PublishRequested --Accept--> Publishing --Unpublish--+
/// Handshake --Handshaken--> Unconnected --Connect--> Connected <-----------------------------------------------------+
///                                                 +--Play-----> PlayRequested -----Accept--> Playing -----Stop-------+
/// ```
/// `Reject` leads from a request to `Closed`; `Close` and `Fail` do so from every state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    Handshake,
    Unconnected,
    Connected,
    /// A publication waits for the caller's answer; no input is taken.
    PublishRequested,
    Publishing,
    /// A player waits for the caller's answer; no input is taken.
    PlayRequested,
    Playing,
    Closed,
}

/// What moves a session on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Event {
    Handshaken,
    Connect,
    Publish,
    Play,
    Accept,
    Reject,
    Unpublish,
    Stop,
    Close,
    Fail,
}

impl State {
    /// Returns the state after an event; none, if the event means nothing here.
    pub(super) const fn after(self, event: Event) -> Option<Self> {
        Some(match (self, event) {
            (Self::Handshake, Event::Handshaken) => Self::Unconnected,
            (Self::Unconnected, Event::Connect) => Self::Connected,
            (Self::Connected, Event::Publish) => Self::PublishRequested,
            (Self::Connected, Event::Play) => Self::PlayRequested,
            (Self::PublishRequested, Event::Accept) => Self::Publishing,
            (Self::PlayRequested, Event::Accept) => Self::Playing,
            (Self::Publishing, Event::Unpublish) | (Self::Playing, Event::Stop) => Self::Connected,
            (Self::PublishRequested | Self::PlayRequested, Event::Reject) => Self::Closed,
            (Self::Closed, _) => return None,
            (_, Event::Close | Event::Fail) => Self::Closed,
            _ => return None,
        })
    }

    /// Returns whether the peer has connected and may send commands about streams.
    pub(super) const fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::Publishing | Self::Playing)
    }

    /// Returns whether the peer has connected, and the session is not over.
    pub(super) const fn is_open(self) -> bool {
        self.is_connected() || self.is_requested()
    }

    /// Returns whether the caller owes an answer.
    pub(super) const fn is_requested(self) -> bool {
        matches!(self, Self::PublishRequested | Self::PlayRequested)
    }
}

#[cfg(test)]
mod tests;
