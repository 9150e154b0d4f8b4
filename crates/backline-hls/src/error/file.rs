//! What is wrong with files and slates.

use core::time::Duration;

use crate::codec::TrackKind;

/// What is wrong with a file, an init segment or a stored part.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// The sample entry is of a codec that cannot be used here.
    #[error("sample entry {} is not supported here", entry.escape_ascii())]
    Codec {
        /// Its name.
        entry: [u8; 4],
    },
    /// The samples are in fragments.
    #[error("the file is fragmented, expected a progressive one (FFmpeg: -movflags faststart)")]
    Fragmented,
    /// The stream underneath failed.
    #[error("{kind}")]
    Io {
        /// How.
        kind: std::io::ErrorKind,
    },
    /// A box that must be there is not.
    #[error("no box {} (ISO/IEC 14496-12)", kind.escape_ascii())]
    Missing {
        /// Its name.
        kind: [u8; 4],
    },
    /// Samples lie where no sample can, or there is none.
    #[error("samples are not where the tables say")]
    Samples,
    /// A box is smaller than its header or larger than its parent.
    #[error("box {} has {size} bytes, room for {room} (ISO/IEC 14496-12 4.2)", kind.escape_ascii())]
    Size {
        /// Its name.
        kind: [u8; 4],
        /// What it declares.
        size: u64,
        /// What there is.
        room: u64,
    },
    /// The sample tables do not fit each other.
    #[error("the sample tables do not fit each other (ISO/IEC 14496-12 8.6, 8.7)")]
    Table,
    /// More than a limit allows.
    #[error("{value} {what}, limit {limit}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        value: u64,
        /// The cap.
        limit: u64,
    },
    /// A box ends inside a field.
    #[error("box {} ends inside {field}", kind.escape_ascii())]
    Truncated {
        /// Its name.
        kind: [u8; 4],
        /// The field's.
        field: &'static str,
    },
    /// A field has a value that it must not have.
    #[error("{field} of box {} is {value}, expected {expected}", kind.escape_ascii())]
    Value {
        /// The box.
        kind: [u8; 4],
        /// The field.
        field: &'static str,
        /// What it is.
        value: u64,
        /// What it may be.
        expected: &'static str,
    },
}

/// Why a slate cannot be played.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SlateProblem {
    /// A track has no sample.
    #[error("its {kind:?} track has no sample")]
    Empty {
        /// Which.
        kind: TrackKind,
    },
    /// A track does not last longer than its last sample's decode time, or more than a day.
    #[error(
        "its {kind:?} track lasts {length:?}, expected more than its last sample's time and at most a day"
    )]
    Length {
        /// Which.
        kind: TrackKind,
        /// How long.
        length: Duration,
    },
    /// The picture cannot be decoded from its beginning.
    #[error("its first picture is no sync sample")]
    NoSync,
    /// A sample is empty or larger than its cap.
    #[error("sample {index} of its {kind:?} track has {size} bytes, expected 1 to {limit}")]
    SampleSize {
        /// Whose.
        kind: TrackKind,
        /// Which, from 0.
        index: usize,
        /// Its size.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// Decode times go back, or lie beyond what a slate can last.
    #[error(
        "sample {index} of its {kind:?} track has decode time {dts_ns} ns, expected none before the last one's and at most a day"
    )]
    Time {
        /// Whose.
        kind: TrackKind,
        /// Which, from 0.
        index: usize,
        /// Its decode time.
        dts_ns: i64,
    },
    /// More than a limit allows.
    #[error("{value} {what}, limit {limit}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        value: usize,
        /// The cap.
        limit: usize,
    },
    /// No track, or more than one of a kind.
    #[error("{tracks} tracks, expected one picture, one sound, or both")]
    Tracks {
        /// How many.
        tracks: usize,
    },
}
