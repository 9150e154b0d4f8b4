//! What the cache answers and what it wants done.

use crate::{Body, FillId, Key, Token, Want};

/// What [`Cache::poll_output`](crate::Cache::poll_output) hands out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Objects left the window before the time that they were to be kept until. Notices of
    /// neighbours are joined, so this queue is bounded by the number of windows.
    #[non_exhaustive]
    Evicted {
        /// The first object that left.
        key: Key,
        /// Sequence number of the last that left, in the same window.
        through: u64,
        /// How many objects that were: numbers may be missing in between.
        objects: u64,
        /// Why.
        reason: Reason,
    },
    /// Make this and give it to [`Cache::fill`](crate::Cache::fill), exactly once. However many
    /// requests wait for it, there is one fetch.
    #[non_exhaustive]
    Fetch {
        /// Goes back with the result.
        fill: FillId,
        /// What to make: for a document its current version.
        want: Want,
    },
    /// A held request has its answer. Each token that was [`Answer::Held`] and not cancelled
    /// comes back in exactly one of these.
    #[non_exhaustive]
    Ready {
        /// The request.
        token: Token,
        /// Its answer, never [`Answer::Held`].
        answer: Answer,
        /// How the wait ended.
        via: Via,
    },
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The deadline passed first: 503.
    Expired,
    /// The fetch failed; the status that the filler gave.
    Failed(u16),
    /// It was there, or was passed over, and will not come back: 410.
    Gone,
    /// Not yet: the token comes back in an [`Output::Ready`].
    Held,
    /// Here it is.
    Hit(Body),
    /// A cap is reached and nothing was kept of the request: 503, or 429 for the client's own cap.
    Refused(Cap),
    /// The promise was taken back; the status that was given with it.
    Retracted(u16),
    /// Ahead of everything promised: 404, not to be remembered.
    TooFar,
    /// No such stream, rendition or document: 404.
    Unknown,
}

impl Answer {
    /// The HTTP status that says this; `None` while it is held. A conditional or ranged request
    /// turns the 200 of a hit into what [`Reply`](crate::Reply) says.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Expired => Some(503),
            Self::Failed(status) | Self::Retracted(status) => Some(*status),
            Self::Gone => Some(410),
            Self::Held => None,
            Self::Hit(_) => Some(200),
            Self::Refused(Cap::ClientWaiters) => Some(429),
            Self::Refused(_) => Some(503),
            Self::TooFar | Self::Unknown => Some(404),
        }
    }
}

/// Which cap refused a request.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum Cap {
    /// The share of the byte budget that is set aside for waiting.
    Budget,
    /// `Limits::client_waiters`.
    ClientWaiters,
    /// `PullLimits::fills`.
    Fills,
    /// `Limits::forms`.
    Forms,
    /// `Limits::key_waiters`.
    KeyWaiters,
    /// `PullLimits::new_names`.
    NewNames,
    /// `Limits::points`.
    Points,
    /// The token waits already; the earlier request is untouched.
    TokenInUse,
    /// `PullLimits::variants`.
    Variants,
    /// `Limits::waiters`.
    Waiters,
}

/// Why objects left their window early.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum Reason {
    /// The byte budget had to make room.
    Budget,
    /// The window had no slot left (`Limits::slots`).
    Slots,
}

/// How a wait ended, for `Cache-Status` and the counters.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum Via {
    /// By a fetch that another request had caused already.
    Collapsed,
    /// By the fetch that this request caused.
    Fetched,
    /// By what the caller did: published, retracted, let the time pass.
    Held,
}
