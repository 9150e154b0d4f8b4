//! What is decided about an object.

use std::time::Duration;

/// What an object is to its viewers.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "lowercase")
)]
#[non_exhaustive]
pub enum Class {
    /// Initialisation of a decoder.
    Init,
    /// Anything else: what a rule or the caller does not know better.
    Other,
    /// A page or what belongs to one: products, player, style.
    Page,
    /// A partial segment.
    Part,
    /// A playlist or manifest.
    Playlist,
    /// A segment.
    Segment,
    /// Media that is shown when there is no programme.
    Slate,
}

impl Class {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Init,
        Self::Other,
        Self::Page,
        Self::Part,
        Self::Playlist,
        Self::Segment,
        Self::Slate,
    ];

    /// Its name in a rule.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Other => "other",
            Self::Page => "page",
            Self::Part => "part",
            Self::Playlist => "playlist",
            Self::Segment => "segment",
            Self::Slate => "slate",
        }
    }

    /// Tells whether it is media, whose bytes never change under one name.
    #[must_use]
    pub const fn is_media(self) -> bool {
        matches!(self, Self::Init | Self::Part | Self::Segment | Self::Slate)
    }
}

/// Which order decides who is evicted.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "lowercase")
)]
#[non_exhaustive]
pub enum Evictor {
    /// [`Gdsf`](crate::evict::Gdsf): misses the fewest requests.
    Gdsf,
    /// [`S3Fifo`](crate::evict::S3Fifo): misses the fewest bytes.
    S3Fifo,
}

/// What players are asked to do while many share the air of a room.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub struct Air {
    /// No variant above so many kb/s (CMSD `mb`, CTA-5006). `None`: no cap.
    pub max_kbps: Option<u32>,
    /// At least so long between a failure and the next try. `None`: as the player likes.
    pub retry: Option<Duration>,
    /// Whole segments instead of parts: fewer, larger transfers cost less air.
    pub whole_segments: bool,
}

/// What is decided about one object: the settings of the rule that matched, over the defaults of its class.
///
/// Tuned for players that come back within six target durations (draft-pantos-hls-rfc8216bis, B.1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Treatment {
    /// What the players are asked for while the air is crowded.
    pub air: Air,
    /// Not kept and not shared: each request goes to the origin alone.
    pub bypass: bool,
    /// What the object is.
    pub class: Class,
    /// How long an error stays where neither the rule nor the origin says so.
    pub default_neg_ttl: Duration,
    /// How long a success stays fresh where neither the rule nor the origin says so. Zero: it is asked for
    /// again each time.
    pub default_ttl: Duration,
    /// It also goes to the disk tier.
    pub disk: bool,
    /// Which order decides when it is evicted.
    pub evictor: Evictor,
    /// A compressed form may be made and kept.
    pub gzip: bool,
    /// How long an error stays, whatever the origin says.
    pub neg_ttl: Option<Duration>,
    /// It stays until it is unpinned.
    pub pin: bool,
    /// It may be fetched before anybody asks for it.
    pub prefetch: bool,
    /// Index of the rule that decided; [`Self::NO_RULE`] for the defaults of a class.
    pub rule: u16,
    /// How long after its freshness it may answer while the origin fails. `None`: as the origin
    /// says (RFC 5861), or else the default of the class.
    pub stale_if_error: Option<Duration>,
    /// How long after its freshness it may answer while it is fetched anew. `None`: the same.
    pub stale_while_revalidate: Option<Duration>,
    /// How long a success stays fresh, whatever the origin says; it does not make anything
    /// storable that may not be shared.
    pub ttl: Option<Duration>,
    /// Urgency of what is sent and fetched, 0 to 7, lower is sooner (RFC 9218).
    pub urgency: u8,
}

impl Treatment {
    /// The `rule` of a treatment that no rule decided.
    pub const NO_RULE: u16 = u16::MAX;

    /// The defaults of a class, without any rule. `held` says that the request waited or may wait for the live edge;
    /// `target` is the target duration of the stream, from which lifetimes of live objects follow.
    #[must_use]
    pub fn new(class: Class, held: bool, target: Duration) -> Self {
        let (default_ttl, default_neg_ttl) = lifetimes(class, held, target);
        Self {
            air: Air::default(),
            bypass: false,
            class,
            default_neg_ttl,
            default_ttl,
            disk: matches!(class, Class::Init | Class::Segment | Class::Slate),
            evictor: if class.is_media() {
                Evictor::S3Fifo
            } else {
                Evictor::Gdsf
            },
            gzip: matches!(class, Class::Page | Class::Playlist),
            neg_ttl: None,
            pin: false,
            prefetch: false,
            rule: Self::NO_RULE,
            stale_if_error: None,
            stale_while_revalidate: None,
            ttl: None,
            urgency: match class {
                Class::Playlist => 1,
                Class::Init | Class::Part => 2,
                Class::Segment => 3,
                Class::Slate => 4,
                Class::Other | Class::Page => 5,
            },
        }
    }

    /// How long it may answer while the origin fails: what the rule says, else what the origin
    /// says, else the default of the class.
    #[must_use]
    pub fn stale_if_error(&self, origin: Option<Duration>) -> Duration {
        self.stale_if_error
            .or(origin)
            .unwrap_or_else(|| match self.class {
                // Its bytes are the same for ever, and a page of yesterday beats none.
                Class::Init | Class::Part | Class::Segment | Class::Slate | Class::Page => DAY,
                // What a playlist says is worth nothing once its segments are over.
                Class::Playlist => self.default_ttl.saturating_mul(6),
                Class::Other => Duration::ZERO,
            })
    }

    /// How long it may answer while it is fetched anew: what the rule says, else what the origin says, else not at all.
    #[must_use]
    pub fn stale_while_revalidate(&self, origin: Option<Duration>) -> Duration {
        self.stale_while_revalidate
            .or(origin)
            .unwrap_or(Duration::ZERO)
    }
}

/// Default lifetimes of successes and errors: draft-pantos-hls-rfc8216bis, B.1, for what it
/// knows; what is not media is asked for again.
fn lifetimes(class: Class, held: bool, target: Duration) -> (Duration, Duration) {
    let targets = |count: u32| target.saturating_mul(count);
    match class {
        Class::Playlist if held => (targets(6), targets(4)),
        Class::Playlist => (target.checked_div(2).unwrap_or_default(), target),
        Class::Init | Class::Part | Class::Segment => (targets(6), target),
        Class::Slate => (Duration::ZERO, Duration::from_secs(10)),
        Class::Page => (Duration::ZERO, Duration::from_secs(1)),
        Class::Other => (Duration::ZERO, Duration::ZERO),
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
