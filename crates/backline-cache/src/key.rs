//! Names of what is kept, and the small integers that callers choose.

/// Names one object of a live window: the caller's numbers, never a string.
///
/// Within `(stream, rendition, kind)` the sequence numbers only grow; a number that was published
/// once is never given to other bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a key is these four numbers and callers build it on every request"
)]
pub struct Key {
    /// The stream, as the caller numbers them.
    pub stream: u32,
    /// The rendition within the stream.
    pub rendition: u32,
    /// What the object is; each kind has a window of its own.
    pub kind: Kind,
    /// Place in the window of its kind: a part counter, a media sequence number, a generation.
    pub seq: u64,
}

impl Key {
    /// Builds a key.
    #[must_use]
    pub const fn new(stream: u32, rendition: u32, kind: Kind, seq: u64) -> Self {
        Self {
            stream,
            rendition,
            kind,
            seq,
        }
    }
}

/// What an object is, which decides its size cap and its turn under pressure.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum Kind {
    /// Initialisation of a decoder; the newest of a rendition never yields to pressure.
    Init,
    /// A partial segment.
    Part,
    /// A segment, usually a rope of its parts.
    Segment,
}

/// Names one document (a playlist) in one form.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a name is these three numbers and callers build it on every request"
)]
pub struct Document {
    /// The stream, as in [`Key`].
    pub stream: u32,
    /// The rendition; a document over all of them takes a number of its own.
    pub rendition: u32,
    /// The form: full, delta update, and what else the caller tells apart.
    pub form: u8,
}

impl Document {
    /// Builds a document's name.
    #[must_use]
    pub const fn new(stream: u32, rendition: u32, form: u8) -> Self {
        Self {
            stream,
            rendition,
            form,
        }
    }
}

/// A place in a growing series. Ordered by `major`, then `minor`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "a point is two numbers")]
pub struct Point {
    /// The coarse number: a media sequence number.
    pub major: u64,
    /// The fine number: a part within it; 0 where the series has none.
    pub minor: u64,
}

impl Point {
    /// Builds a point.
    #[must_use]
    pub const fn new(major: u64, minor: u64) -> Self {
        Self { major, minor }
    }
}

/// One of the series of a rendition that grow, `0..SERIES_MAX`, chosen by the caller.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "the caller numbers the series")]
pub struct Series(pub u8);

/// How many series a rendition may have: HLS needs two, what is listed and what is closed.
pub const SERIES_MAX: u8 = 4;

/// Names a waiting request. Chosen by the caller, unique among those that wait.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "the caller numbers the requests")]
pub struct Token(pub u64);

/// Names who asks, for the cap of waiters a client: a connection, an address, a session.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "the caller numbers the clients")]
pub struct Client(pub u64);

/// Names one fetch; goes back with its result in [`Cache::fill`](crate::Cache::fill).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FillId(pub(crate) u64);

/// What a request is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Want {
    /// A document: the current one, or the first that has reached a point.
    Document {
        /// Which document.
        document: Document,
        /// Wait until this series has reached this point; `None` takes what is current.
        after: Option<(Series, Point)>,
    },
    /// An object of a window.
    Object(Key),
}

impl Want {
    /// Asks for the current version of `document`.
    #[must_use]
    pub const fn current(document: Document) -> Self {
        Self::Document {
            document,
            after: None,
        }
    }

    /// Asks for `document` once `series` has reached `point`.
    #[must_use]
    pub const fn reached(document: Document, series: Series, point: Point) -> Self {
        Self::Document {
            document,
            after: Some((series, point)),
        }
    }
}
