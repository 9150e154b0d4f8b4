//! What is wrong with a cue.

/// Why a cue cannot stand in captions.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CueProblem {
    /// `-->` separates times and nothing else.
    #[error("has --> in its {field} at byte {at} (WebVTT 4.1)")]
    Arrow {
        /// `id`, `settings` or `text`.
        field: &'static str,
        /// Where.
        at: usize,
    },
    /// An empty line ends a cue, so its text must not have one.
    #[error("has an empty line in its text at byte {at} (WebVTT 4.1)")]
    BlankLine {
        /// Where.
        at: usize,
    },
    /// A control character; only the text may have line feeds.
    #[error("has {character:?} in its {field} at byte {at} (WebVTT 4.1)")]
    Character {
        /// `id`, `settings` or `text`.
        field: &'static str,
        /// Where.
        at: usize,
        /// What.
        character: char,
    },
    /// There is no text.
    #[error("has no text")]
    Empty,
    /// An ampersand that begins no character reference: plain text is escaped, see [`Cue::plain`](crate::Cue::plain).
    #[error("has & at byte {at} of its text, expected a character reference (WebVTT 4.2.2)")]
    Escape {
        /// Where.
        at: usize,
    },
    /// An id that begins as another block of the file does.
    #[error("has an id that begins with {word} (WebVTT 4.1)")]
    Id {
        /// With what.
        word: &'static str,
    },
    /// It is over before it begins.
    #[error("ends at {end_ns} ns, not after its beginning at {start_ns} ns (WebVTT 4.1)")]
    Order {
        /// Its beginning.
        start_ns: i64,
        /// Its end.
        end_ns: i64,
    },
    /// A setting that WebVTT does not have, with another value than it may have, twice, or `region`: no regions are
    /// defined here.
    #[error("has no legal setting at byte {at} of its settings (WebVTT 4.4)")]
    Setting {
        /// Where the setting begins.
        at: usize,
    },
    /// An opening bracket that begins no tag, a tag that does not end or has no counterpart, or a timestamp: those
    /// would be times of the publisher's clock.
    #[error("has < at byte {at} of its text, expected a tag with its counterpart (WebVTT 4.2.2)")]
    Tag {
        /// Where.
        at: usize,
    },
    /// A time that leaves no room to count on.
    #[error("is at {ns} ns, expected at most 2^62")]
    Time {
        /// Which.
        ns: i64,
    },
    /// It begins too far from the picture: its clock is not the publisher's.
    #[error("begins {by_ms} ms from the picture, limit {limit_ms}")]
    TooFar {
        /// How far; negative is behind.
        by_ms: i64,
        /// The cap, `limits.cue_span`.
        limit_ms: u64,
    },
    /// It takes too many bytes.
    #[error("is {size} bytes long, limit {limit}")]
    TooLarge {
        /// Its id, settings and text together.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// It is shown for too long.
    #[error("is shown for {length_ms} ms, limit {limit_ms}")]
    TooLong {
        /// How long.
        length_ms: u64,
        /// The cap, `limits.cue_span`.
        limit_ms: u64,
    },
    /// Too many cues wait for their time, or are shown.
    #[error("is one more than the {limit} that may wait")]
    TooMany {
        /// The cap.
        limit: usize,
    },
    /// Its track was not announced.
    #[error("comes before its track was announced")]
    Unannounced,
}
