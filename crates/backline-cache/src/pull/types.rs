//! What is asked, answered and said of fetches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::rules::{Class, Treatment};
use crate::{Body, Cap, FillId, Name, Token};

/// A request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ask<'a> {
    /// Whether what is stored will do. Default [`Freshness::Any`].
    pub fresh: Freshness,
    /// What is asked for.
    pub name: &'a Name,
    /// What was decided about it.
    pub treatment: &'a Treatment,
    /// How much of a growing body is given out at once. Default [`Unit::Whole`].
    pub unit: Unit,
    /// Hash of the values of the request's fields that [`Pull::vary`](super::Pull::vary) lists; 0
    /// where it lists none. Default 0.
    pub variant: u64,
}

impl<'a> Ask<'a> {
    /// Asks for whatever is stored or fetched under `name`, as a whole.
    #[must_use]
    pub const fn new(name: &'a Name, treatment: &'a Treatment) -> Self {
        Self {
            fresh: Freshness::Any,
            name,
            treatment,
            unit: Unit::Whole,
            variant: 0,
        }
    }
}

/// What a request says about stored answers (RFC 9111, 5.2.1).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Freshness {
    /// A fresh one will do.
    #[default]
    Any,
    /// Nothing else will do: the origin is not to be asked (`only-if-cached`).
    OnlyIfCached,
    /// The origin is asked whether it still holds (`no-cache`).
    Revalidate,
}

/// How much of a body that still grows a reader gets at once.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Unit {
    /// Whatever is there.
    Any,
    /// Multiples of so many bytes, and the rest at the end.
    Bytes(u64),
    /// All of it: the request waits until the body is whole. For parts and playlists, of which no byte may be sent
    /// before all are there (draft-pantos-hls-rfc8216bis, 6.2.6).
    #[default]
    Whole,
}

impl Unit {
    /// How much of `len` bytes may be given out while more may come.
    pub(super) fn released(self, len: u64) -> u64 {
        match self {
            Self::Any | Self::Bytes(0) => len,
            Self::Bytes(unit) => len.saturating_sub(len.checked_rem(unit).unwrap_or(0)),
            Self::Whole => 0,
        }
    }
}

/// The answer to a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PullAnswer {
    /// Not stored, and the origin was not to be asked: 504.
    Absent,
    /// It waited for an answer that is another one's variant: ask anew, with the variant of what
    /// [`Pull::vary`](super::Pull::vary) lists now.
    Again,
    /// The deadline passed first: 504.
    Expired,
    /// The fetch failed, or failed a moment ago and is not tried again yet.
    Failed(Failure),
    /// Not yet: the token comes back in a [`PullOutput::Ready`].
    Held,
    /// Here it is.
    Hit(Copy),
    /// What this fetch brings is for this request alone: it is streamed to it past the store, which does not want to
    /// hear of the fetch any more.
    Own(FillId),
    /// To be fetched by this request for itself: the answers may not be shared.
    Pass,
    /// A cap is reached and nothing was kept of the request: 503, or 429 for the client's own caps.
    Refused(Cap),
}

impl PullAnswer {
    /// The HTTP status that says this; `None` while it is held or comes from the origin.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Absent | Self::Expired => Some(504),
            Self::Failed(failure) => Some(failure.status()),
            Self::Hit(copy) => Some(copy.status()),
            Self::Refused(Cap::ClientWaiters | Cap::NewNames) => Some(429),
            Self::Refused(_) => Some(503),
            Self::Again | Self::Held | Self::Own(_) | Self::Pass => None,
        }
    }
}

/// What [`Pull::poll_output`](super::Pull::poll_output) hands out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PullOutput {
    /// Nobody wants what this fetch brings any more: end it. It is not to be answered.
    #[non_exhaustive]
    Abandon {
        /// The fetch.
        fill: FillId,
    },
    /// Fetch this, and tell what happens by the `fill_*` verbs.
    #[non_exhaustive]
    Fetch {
        /// Goes with all that is told of the fetch.
        fill: FillId,
        /// What to fetch.
        name: Name,
        /// The request whose header fields are sent, while it waits; `None` for one that nobody waits for.
        leader: Option<Token>,
        /// The encoded head of what is stored, whose validators make the fetch conditional.
        revalidate: Option<Bytes>,
        /// How it is treated.
        treatment: Treatment,
    },
    /// More of a growing body can be read, or it has ended.
    #[non_exhaustive]
    Readable {
        /// The request.
        token: Token,
    },
    /// A held request has its answer. Each token that was [`PullAnswer::Held`] and not cancelled
    /// comes back in exactly one of these.
    #[non_exhaustive]
    Ready {
        /// The request.
        token: Token,
        /// Its answer, never [`PullAnswer::Held`].
        answer: PullAnswer,
    },
    /// An object whose treatment says so was stored whole: time to write it to the disk tier.
    #[non_exhaustive]
    Stored {
        /// Its name.
        name: Name,
        /// The object.
        copy: Copy,
        /// Its variant.
        variant: u64,
    },
}

/// A stored answer, shared. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Copy {
    pub(super) how: How,
    pub(super) reader: Option<Reader>,
    pub(super) rule: u16,
    pub(super) stored: Arc<Stored>,
}

/// What is kept of an answer beside its growing body.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) body: Option<Body>,
    pub(super) length: Option<u64>,
    pub(super) lifetime: Lifetime,
    pub(super) meta: Bytes,
    pub(super) received: Instant,
    pub(super) status: u16,
}

impl Stored {
    pub(super) fn age(&self, now: Instant) -> Duration {
        self.lifetime
            .age
            .saturating_add(now.saturating_duration_since(self.received))
    }

    pub(super) const fn is_error(&self) -> bool {
        self.status >= 400
    }
}

impl Copy {
    /// The status of the origin's answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.stored.status
    }

    /// The head as the caller gave it.
    #[must_use]
    pub fn meta(&self) -> &Bytes {
        &self.stored.meta
    }

    /// Its lifetime as the caller gave it.
    #[must_use]
    pub fn lifetime(&self) -> &Lifetime {
        &self.stored.lifetime
    }

    /// How old it is at `now`, for `Age`: what it had when it came, and the time since.
    #[must_use]
    pub fn age(&self, now: Instant) -> Duration {
        self.stored.age(now)
    }

    /// How long it stays fresh by its own lifetime; zero when it is stale.
    #[must_use]
    pub fn ttl_left(&self, now: Instant) -> Duration {
        self.stored.lifetime.fresh_for.saturating_sub(self.age(now))
    }

    /// How it came to this request.
    #[must_use]
    pub fn how(&self) -> How {
        self.how
    }

    /// Index of the rule that decided about the request that it answers.
    #[must_use]
    pub fn rule(&self) -> u16 {
        self.rule
    }

    /// The body when it is whole; `None` also for an answer without one.
    #[must_use]
    pub fn body(&self) -> Option<&Body> {
        self.stored.body.as_ref()
    }

    /// Reads the body while it grows; `None` when it is whole.
    #[must_use]
    pub fn reader(&self) -> Option<Reader> {
        self.reader
    }

    /// Length of the body in bytes, if it is known yet.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match (&self.stored.body, self.reader) {
            (Some(body), _) => Some(body.len()),
            (None, None) => Some(0),
            (None, Some(_)) => self.stored.length,
        }
    }
}

/// How a copy came to a request, for `Cache-Status`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum How {
    /// By a fetch that another request had caused already.
    Collapsed,
    /// By the fetch that this request caused.
    Fetched,
    /// It was stored and fresh.
    Fresh,
    /// It was stored, fresh, and an error.
    Negative,
    /// It was stored, and the origin said that it still holds.
    Revalidated,
    /// It was stored and is no longer fresh.
    Stale(Why),
}

/// Why a stale copy was served (RFC 5861).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// The origin fails.
    Failing,
    /// It is fetched anew meanwhile.
    Refreshing,
    /// The origin had not answered by the deadline.
    Slow,
    /// There is no way to the origin.
    Uplink,
}

/// Head of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Head {
    /// Length of the body in bytes, when it was declared.
    pub length: Option<u64>,
    /// How long it may be kept and shared.
    pub lifetime: Lifetime,
    /// The head in the caller's encoding: opaque, kept and charged.
    pub meta: Bytes,
    /// HTTP status.
    pub status: u16,
    /// Hash of the values that the fetching request had in the fields of `vary`. Default 0.
    pub variant: u64,
    /// The fields that select among answers, as the caller encodes them; `None` where nothing does.
    pub vary: Option<Bytes>,
}

impl Head {
    /// A head that nothing selects.
    #[must_use]
    pub const fn new(status: u16, lifetime: Lifetime, meta: Bytes) -> Self {
        Self {
            length: None,
            lifetime,
            meta,
            status,
            variant: 0,
            vary: None,
        }
    }
}

/// How long an answer may be kept and shared (RFC 9111 as the caller reads it).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Lifetime {
    /// How old it was when it came: the `Age` that it brought, corrected.
    pub age: Duration,
    /// How long it is fresh, counted from when the origin made it. With zero it is shared by those
    /// who wait for it, and the next one has it validated.
    pub fresh_for: Duration,
    /// It may never be served stale.
    pub must_revalidate: bool,
    /// How long after its freshness it may answer while the origin fails.
    pub stale_if_error: Duration,
    /// How long after its freshness it may answer while it is fetched anew.
    pub stale_while_revalidate: Duration,
    /// It may be kept and shared at all.
    pub store: bool,
}

impl Lifetime {
    /// Fresh for so long, never stale.
    #[must_use]
    pub const fn fresh_for(fresh_for: Duration) -> Self {
        Self {
            age: Duration::ZERO,
            fresh_for,
            must_revalidate: false,
            stale_if_error: Duration::ZERO,
            stale_while_revalidate: Duration::ZERO,
            store: true,
        }
    }

    /// Not to be kept nor shared.
    pub const PRIVATE: Self = Self {
        store: false,
        ..Self::fresh_for(Duration::ZERO)
    };
}

/// What becomes of a fetch whose head has come.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Taken {
    /// Nobody wants the body: end the fetch. It is over for the store.
    Discard,
    /// The body goes to the request that is answered [`PullAnswer::Own`] and to nobody else. The fetch
    /// is over for the store.
    Pass,
    /// The body is wanted: tell it by [`Pull::fill_bytes`](super::Pull::fill_bytes).
    Store,
}

/// Why a fetch failed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// What came was no HTTP, or broke off.
    Protocol,
    /// The origin answered with this status, 500 or above.
    Status(u16),
    /// It took too long.
    Timeout,
    /// No connection.
    Unreachable,
}

impl Failure {
    /// The HTTP status for a viewer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Protocol | Self::Unreachable => 502,
            Self::Status(status) => status,
            Self::Timeout => 504,
        }
    }
}

/// What to purge.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Purge<'a> {
    /// Everything, pinned things too.
    All,
    /// All variants of one name.
    Name(&'a Name),
    /// All names that begin so.
    Prefix(&'a str),
}

/// Names someone who reads a growing body.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Reader(pub(super) u64);

/// What there is to read.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Read {
    /// The body will never be whole. The response must be broken off so that the viewer notices:
    /// never ended as if that were all.
    #[non_exhaustive]
    Aborted {
        /// Bytes that this reader has been given.
        sent: u64,
    },
    /// The next bytes.
    Bytes(Bytes),
    /// That was all.
    End,
    /// Nothing yet: [`PullOutput::Readable`] says when.
    Wait,
}

/// One object of the store, for a status page.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Kept<'a> {
    /// How old it is; `None` where nothing is stored.
    pub age: Option<Duration>,
    /// Bytes charged for it.
    pub bytes: u64,
    /// What it is.
    pub class: Class,
    /// A fetch of it is under way.
    pub filling: bool,
    /// Requests answered from it.
    pub hits: u64,
    /// Its name.
    pub name: &'a Name,
    /// It is pinned.
    pub pinned: bool,
    /// Index of the rule that decided when it was last fetched.
    pub rule: u16,
    /// In which state it is.
    pub state: PullState,
    /// The status of the stored answer.
    pub status: Option<u16>,
    /// How long it stays fresh.
    pub ttl_left: Duration,
    /// Which variant.
    pub variant: u64,
}

/// State of a name and variant.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum PullState {
    /// Nothing is known.
    Absent,
    /// It failed a moment ago and is not tried again yet.
    Failing,
    /// Nothing is stored, a fetch is under way whose head has not come.
    Fetching,
    /// Stored and fresh.
    Fresh,
    /// Nothing is stored whole, a body grows.
    Growing,
    /// An error is stored and fresh.
    Negative,
    /// Its answers may not be shared.
    Pass,
    /// Stored, no longer fresh.
    Stale,
}
