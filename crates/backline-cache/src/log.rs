//! The disk tier: a log of segments that a power cut cannot take away.
//!
//! Records are appended to files of one size, which form a ring within a byte budget. A record is a header
//! and a payload, each with a CRC-32C, at a multiple of 4 KiB. [`Writer`] says what is to be written and
//! [`Recovery`] finds what is there; neither touches a disk, `file::Folder` (feature `file`) does.
//!
//! ```text
//!  append, mark, commit                                  perform, one after the other
//!      |             +-----------------------------+           ^
//!      +------------>|  Writer: queue, ring, carry |-- DiskOp --+--> files
//!                    |                             |<- done, or a fault
//!  get, marks <------|  index                      |
//!                    +-----------------------------+
//!  at the start:  files -- bytes --> Recovery -- Recovered --> Writer
//! ```
//!
//! What holds at a power cut, whatever part of the unsynced bytes survives:
//!
//! - A record whose [`LogOutput::Synced`] was given is found again with its bytes, until the ring comes round.
//!   A damaged record costs only itself.
//! - A mark whose [`LogOutput::Marked`] was given is found again. Numbers are published only up to a
//!   mark that is on disk ([`Writer::may_publish`]), so that none is ever given to other media.
//! - The files never take more than the budget.
//!
//! Written is what is appended, plus 112 bytes and the meta a record, plus 4 KiB and a table of marks a file, plus
//! what is kept and carried on when the ring comes round: at most a third on top where a quarter of the budget is
//! kept, nothing where nothing is. There is one sync a [`commit`](Writer::commit), and
//! up to five a file.

mod codec;
mod crc;
mod index;
mod ops;
mod recovery;
mod resume;
mod writer;

use std::time::Duration;

use bytes::Bytes;

pub use self::codec::META_MAX;
pub use self::index::{Checked, Entry, Place};
pub use self::ops::{DiskOp, Fault, FileName, Found, ReadOp};
#[cfg(feature = "file")]
pub(crate) use self::recovery::READ_MAX;
pub use self::recovery::{Phase, Recovered, Recovery, RecoveryStats};
pub use self::resume::Resume;
pub use self::writer::{LogOutput, LogStats, Writer};

/// Configuration of the log.
///
/// Tuned for one box that records 6 Mb/s onto an SD card.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct LogConfig {
    /// Bytes that the files may take in all, at least four files. Default 1 GiB: twenty minutes of 6 Mb/s.
    /// Two files' worth of it stays free, so that what is kept can be carried on before it is deleted.
    pub budget: u64,
    /// Bytes of one file, a multiple of 4 KiB of at least 64 KiB. Default 64 MiB. What one record may
    /// have is five blocks less.
    pub file_bytes: u64,
    /// The caps.
    pub limits: LogLimits,
    /// Bytes that must stay free on the disk, as far as [`Writer::set_free`] tells. Default 256 MiB.
    pub min_free: u64,
    /// How long the log stays off after a fault before it tries again. Default 30 s.
    pub retry: Duration,
    /// How much of the newest media of each rendition has its bodies checked before recovery is
    /// ready. Default 18 s, three target durations of 6 s.
    pub verify: Duration,
    /// How much media of each rendition recovery wants before it is ready, older files left for
    /// afterwards. Default 60 s.
    pub window: Duration,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            budget: 1 << 30,
            file_bytes: 64 << 20,
            limits: LogLimits::default(),
            min_free: 256 << 20,
            retry: Duration::from_secs(30),
            verify: Duration::from_secs(18),
            window: Duration::from_secs(60),
        }
    }
}

/// Caps on what the log holds in memory.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct LogLimits {
    /// Bytes that may wait to be written. Default 64 MiB: a card that stalls for a minute.
    pub queued_bytes: u64,
    /// Records that the index lists. Default 65,536; with a full meta each 260 MB, with the 500
    /// bytes that a segment needs 45 MB. Recovery lists the newest.
    pub records: usize,
    /// Renditions of all streams that have a mark. Default 256.
    pub renditions: usize,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            queued_bytes: 64 << 20,
            records: 65_536,
            renditions: 256,
        }
    }
}

/// Names a record. What was written once is never replaced.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "a key is these four numbers")]
pub struct RecordKey {
    /// The stream, as the caller numbers them.
    pub stream: u32,
    /// The rendition within the stream.
    pub rendition: u32,
    /// What the record is.
    pub kind: RecordKind,
    /// Media sequence number, generation of an init, or the hash of a name.
    pub seq: u64,
}

impl RecordKey {
    /// Builds a key.
    #[must_use]
    pub const fn new(stream: u32, rendition: u32, kind: RecordKind, seq: u64) -> Self {
        Self {
            stream,
            rendition,
            kind,
            seq,
        }
    }
}

/// What a record is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum RecordKind {
    /// A slate, a page, what was fetched before doors.
    Asset,
    /// The headers of a file's records, which the log writes at its end.
    Contents,
    /// Initialisation of a decoder.
    Init,
    /// The mark of one rendition; no payload.
    Mark,
    /// The marks of many renditions, which the log writes at the start of a file.
    Marks,
    /// A segment.
    Segment,
}

impl RecordKind {
    /// Whether only the log itself writes it.
    pub(crate) const fn is_internal(self) -> bool {
        matches!(self, Self::Contents | Self::Mark | Self::Marks)
    }
}

/// Up to where the numbers of a rendition may be given out.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[expect(clippy::exhaustive_structs, reason = "a mark is two numbers")]
pub struct Mark {
    /// The highest media sequence number.
    pub seq: u64,
    /// The highest discontinuity sequence.
    pub discontinuity: u64,
}

impl Mark {
    /// Builds a mark.
    #[must_use]
    pub const fn new(seq: u64, discontinuity: u64) -> Self {
        Self { seq, discontinuity }
    }

    /// The higher of each number.
    pub(crate) fn raised(self, other: Self) -> Self {
        Self {
            seq: self.seq.max(other.seq),
            discontinuity: self.discontinuity.max(other.discontinuity),
        }
    }
}

/// What the log knows of a record beside its payload.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// Its name.
    pub key: RecordKey,
    /// Its discontinuity sequence.
    pub discontinuity: u64,
    /// Its duration; zero where it has none.
    pub duration: Duration,
    /// The init that it is decoded with.
    pub init: u64,
    /// Whether it is carried on when the ring comes round, until it is released.
    pub keep: bool,
    /// Up to where numbers may be given out from now on.
    pub mark: Mark,
    /// What the caller wants back with it, up to [`META_MAX`] bytes.
    pub meta: Bytes,
    /// When it begins, milliseconds since the Unix epoch.
    pub wall_ms: i64,
}

impl Record {
    /// A record of this name that says nothing else.
    #[must_use]
    pub const fn new(key: RecordKey) -> Self {
        Self {
            key,
            discontinuity: 0,
            duration: Duration::ZERO,
            init: 0,
            keep: false,
            mark: Mark::new(0, 0),
            meta: Bytes::new(),
            wall_ms: 0,
        }
    }

    /// Says that it is carried on.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.keep = true;
        self
    }

    /// Gives its discontinuity sequence.
    #[must_use]
    pub fn with_discontinuity(mut self, discontinuity: u64) -> Self {
        self.discontinuity = discontinuity;
        self
    }

    /// Gives the init that it is decoded with.
    #[must_use]
    pub fn with_init(mut self, init: u64) -> Self {
        self.init = init;
        self
    }

    /// Reserves numbers with it.
    #[must_use]
    pub fn with_mark(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }

    /// Gives what comes back with it.
    #[must_use]
    pub fn with_meta(mut self, meta: Bytes) -> Self {
        self.meta = meta;
        self
    }

    /// Gives its duration and when it begins, milliseconds since the Unix epoch.
    #[must_use]
    pub fn with_times(mut self, duration: Duration, wall_ms: i64) -> Self {
        self.duration = duration;
        self.wall_ms = wall_ms;
        self
    }
}
