//! What can go wrong, by the caller's doing.

mod log;

use crate::{FillId, Key, Series};

pub use log::LogError;

/// An error of a verb. Nothing that is stored was lost, and waiters stay as they were unless the
/// verb says otherwise.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Behind the window: its number was passed over or evicted.
    #[error("{key:?} lies behind its window, which begins at {first}")]
    Behind {
        /// The key.
        key: Key,
        /// The lowest number that the window still takes.
        first: u64,
    },
    /// It does not fit beside what may not be evicted.
    #[error(
        "{needed} bytes do not fit: {held} of a budget of {budget} bytes are held and nothing more may go"
    )]
    Budget {
        /// Bytes that were asked for.
        needed: usize,
        /// Bytes held.
        held: usize,
        /// Bytes allowed.
        budget: usize,
    },
    /// A body of no bytes is never served as a success.
    #[error("the body of {key:?} is empty")]
    Empty {
        /// The key.
        key: Key,
    },
    /// A filled document of no bytes is never served as a success.
    #[error("the document of {fill:?} is empty")]
    EmptyFill {
        /// The fetch.
        fill: FillId,
    },
    /// What was said of a fetch does not come at this point: bytes before the head, or the head twice.
    #[error("that is out of order for {fill:?}")]
    FillOrder {
        /// The fetch.
        fill: FillId,
    },
    /// As many fetches as allowed are under way.
    #[error("{most} fetches are under way, and that is all that are allowed")]
    Fills {
        /// The cap.
        most: u32,
    },
    /// A configured cap is zero or too small to work with.
    #[error("limit {limit} is {value}, expected at least {least}")]
    Limit {
        /// Name of the field.
        limit: &'static str,
        /// What it is.
        value: u64,
        /// What it must be at least.
        least: u64,
    },
    /// A rope names an object that is not there.
    #[error("{rope:?} names {part:?}, which is not stored")]
    MissingPart {
        /// The rope.
        rope: Key,
        /// What it lacks.
        part: Key,
    },
    /// A byte that cannot stand in a request target, or a path that does not begin with a slash.
    #[error("byte {offset} of the request target cannot stand there")]
    NameSyntax {
        /// Where, counted from the start of the path.
        offset: usize,
    },
    /// A body or head that was to be stored is over its cap.
    #[error("a body of {bytes} bytes, of which {most} are allowed, or its head is too large")]
    NameTooLarge {
        /// Size of the body.
        bytes: usize,
        /// The cap.
        most: usize,
    },
    /// A path and query over the cap.
    #[error("a request target of {bytes} bytes, more than the {most} allowed")]
    NameTooLong {
        /// Its length.
        bytes: usize,
        /// The cap.
        most: usize,
    },
    /// Nothing was promised under this key.
    #[error("{key:?} is not promised")]
    NotPromised {
        /// The key.
        key: Key,
    },
    /// Nothing is stored under this name.
    #[error("nothing is stored under this name")]
    NotStored,
    /// More would be pinned than the share that may be.
    #[error("{needed} bytes would be pinned, more than the {most} allowed")]
    PinShare {
        /// Bytes that would be pinned.
        needed: usize,
        /// The cap.
        most: usize,
    },
    /// The key has its bytes already; they never change.
    #[error("{key:?} is published already")]
    Published {
        /// The key.
        key: Key,
    },
    /// More pairs in a query than the cap.
    #[error("the query has more than {most} pairs; the first of them begins at byte {offset}")]
    QueryPairs {
        /// Where the first pair too many begins, counted from the start of the path.
        offset: usize,
        /// The cap.
        most: usize,
    },
    /// More renditions than `Limits::renditions`.
    #[error("rendition {rendition} of stream {stream} would be one more than the {most} allowed")]
    Renditions {
        /// The stream.
        stream: u32,
        /// The rendition.
        rendition: u32,
        /// The cap.
        most: u32,
    },
    /// A series number that is not below `SERIES_MAX`.
    #[error("series {} is not below {}", .series.0, crate::SERIES_MAX)]
    Series {
        /// The series.
        series: Series,
    },
    /// A body that ended before the length that was declared: what came is never served as whole.
    #[error("the body of {fill:?} ended after {bytes} of {declared} bytes")]
    ShortFill {
        /// The fetch.
        fill: FillId,
        /// Bytes that came.
        bytes: u64,
        /// Bytes that were declared.
        declared: u64,
    },
    /// A body over its cap.
    #[error("the body of {key:?} has {bytes} bytes, more than the {most} allowed")]
    TooLarge {
        /// The key.
        key: Key,
        /// Its size.
        bytes: usize,
        /// The cap.
        most: usize,
    },
    /// A filled document over its cap.
    #[error("the document of {fill:?} has {bytes} bytes, more than the {most} allowed")]
    TooLargeFill {
        /// The fetch.
        fill: FillId,
        /// Its size.
        bytes: usize,
        /// The cap.
        most: usize,
    },
    /// The origin says that nothing has changed, and was not asked that.
    #[error("{fill:?} was not conditional")]
    Unconditional {
        /// The fetch.
        fill: FillId,
    },
    /// Not a fetch that is under way: answered before, or its stream was forgotten.
    #[error("{fill:?} is not under way")]
    UnknownFill {
        /// The fetch.
        fill: FillId,
    },
    /// As many variants of a name as allowed are being fetched or pinned.
    #[error("{most} variants of a name are in use, and that is all that are allowed")]
    Variants {
        /// The cap.
        most: u32,
    },
}
