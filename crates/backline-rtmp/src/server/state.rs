//! The states of a session, as a table.

/// Where a session is.
///
/// ```text
/// Handshake --Handshaken--> Unconnected --Connect--> Connected --Publish--> Requested --Accept--> Publishing
///                                                        ^                      |                     |
///                                                        |                    Reject                  |
///                                                        |                      v                     |
///                                                        |                   Closed                   |
///                                                        +----------------- Unpublish ----------------+
/// ```
/// From every state, `Close` and `Fail` lead to `Closed`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    Handshake,
    Unconnected,
    Connected,
    /// A publication waits for the caller's answer; no input is taken.
    Requested,
    Publishing,
    Closed,
}

/// What moves a session on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Event {
    Handshaken,
    Connect,
    Publish,
    Accept,
    Reject,
    Unpublish,
    Close,
    Fail,
}

impl State {
    /// Returns the state after an event; none, if the event means nothing here.
    pub(super) const fn after(self, event: Event) -> Option<Self> {
        Some(match (self, event) {
            (Self::Handshake, Event::Handshaken) => Self::Unconnected,
            (Self::Unconnected, Event::Connect) => Self::Connected,
            (Self::Connected, Event::Publish) => Self::Requested,
            (Self::Requested, Event::Accept) => Self::Publishing,
            (Self::Publishing, Event::Unpublish) => Self::Connected,
            (Self::Requested, Event::Reject) => Self::Closed,
            (Self::Closed, _) => return None,
            (_, Event::Close | Event::Fail) => Self::Closed,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
