//! What a request gets: now, later, or a refusal. A pure function of request, state and time.

use std::time::Instant;

use crate::{Headers, ObjectId, Point, RenditionId, Series};

/// What to do with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a server must handle all three")]
pub enum Decision {
    /// Send an object, or let the request wait if it is promised and not there yet.
    Object {
        /// Which.
        object: ObjectId,
        /// With what headers.
        headers: Headers,
    },
    /// Send a playlist in the newest version, once the hold is over.
    Playlist {
        /// Which, and in which form.
        playlist: Playlist,
        /// What to wait for, if it has not come yet.
        hold: Option<Hold>,
        /// With what headers.
        headers: Headers,
    },
    /// Send an error.
    Refuse {
        /// HTTP status.
        status: u16,
        /// Why; `Display` is text for the response's body.
        reason: Refusal,
        /// With what headers.
        headers: Headers,
    },
}

/// A playlist in one form: what is rendered once per version and shared by all viewers (PL-15).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build keys of their store from it and back"
)]
pub struct Playlist {
    /// Whose media playlist; `None` is the multivariant playlist.
    pub rendition: Option<RenditionId>,
    /// How much of it.
    pub form: Form,
}

/// How much of a playlist is sent.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the draft has these two; v2 differs only with date ranges, which are not written yet"
)]
pub enum Form {
    /// All of it.
    Full,
    /// A delta update: `_HLS_skip=YES` or `v2`.
    Skip,
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "callers take it apart")]
pub struct Hold {
    /// Whose series.
    pub rendition: RenditionId,
    /// Which of its series.
    pub series: Series,
    /// The request is due when the series is at or beyond this point.
    pub point: Point,
    /// When to answer 503 instead (DEL-7).
    pub deadline: Instant,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A delivery directive is not a decimal number below 2^64.
    #[error("{0} is not a decimal number below 2^64")]
    DirectiveMalformed(&'static str),
    /// A delivery directive appears twice.
    #[error("{0} appears more than once")]
    DirectiveRepeated(&'static str),
    /// The object existed and is no longer kept.
    #[error("it has left the live window")]
    Gone,
    /// The object has not been announced.
    #[error("it has not been announced")]
    NotAnnounced,
    /// No publisher has been here yet.
    #[error("nothing is published here yet")]
    NotPublished,
    /// `_HLS_part` needs `_HLS_msn` (DEL-2).
    #[error("_HLS_part without _HLS_msn")]
    PartWithoutMsn,
    /// No such path in a presentation.
    #[error("no such playlist, part or segment")]
    PathUnknown,
    /// The query string is over its limits.
    #[error("the query string is too long")]
    QueryTooLong,
    /// The request is for media too far ahead of the live edge (DEL-6).
    #[error("it asks too far ahead of the live edge")]
    TooFarAhead,
}
