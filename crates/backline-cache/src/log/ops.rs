//! What the log asks of a disk.

use std::fmt;

use bytes::Bytes;

/// One thing to do on the disk. They are done one after the other, in the order in which they come.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DiskOp {
    /// Copies bytes from one file to another.
    Copy {
        /// Where they are.
        from: FileName,
        /// The first of them.
        at: u64,
        /// How many, bytes.
        bytes: u64,
        /// Where they go.
        to: FileName,
        /// Where the first goes.
        to_at: u64,
    },
    /// Creates a file of zeros, or empties the one that is there. Its blocks need not be allocated.
    Create {
        /// Its name.
        file: FileName,
        /// Its length.
        bytes: u64,
    },
    /// Removes a file; one that is not there is no fault.
    Delete {
        /// Its name.
        file: FileName,
    },
    /// Renames a file.
    Rename {
        /// What it is called.
        from: FileName,
        /// What it is called from now on.
        to: FileName,
    },
    /// Makes creations, deletions and renamings last (`fsync` of the folder).
    SyncDir,
    /// Makes the bytes and the length of a file last (`fdatasync`).
    SyncFile {
        /// Its name.
        file: FileName,
    },
    /// Shortens a file.
    Truncate {
        /// Its name.
        file: FileName,
        /// Its new length.
        bytes: u64,
    },
    /// Writes the pieces, one behind the other.
    Write {
        /// The file, which is there.
        file: FileName,
        /// Where the first byte goes.
        at: u64,
        /// What is written.
        pieces: Vec<Bytes>,
    },
}

/// One read. Fewer bytes are an answer where the file is shorter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReadOp {
    /// The file.
    pub file: FileName,
    /// The first byte.
    pub at: u64,
    /// How many, bytes; at most 256 KiB.
    pub bytes: usize,
}

/// A file in the folder of the log.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum FileName {
    /// `seg-<20 digits>.log`.
    Log(u64),
    /// `new.tmp`, a file that is being made.
    Temp,
}

impl FileName {
    /// Which file of the log a name in its folder belongs to, if any.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == TEMP {
            return Some(Self::Temp);
        }
        let digits = name.strip_prefix("seg-")?.strip_suffix(".log")?;
        let plain = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = if plain {
            digits.parse().ok()?
        } else {
            return None;
        };
        (number <= FILE_MAX).then_some(Self::Log(number))
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(number) => write!(f, "seg-{number:020}.log"),
            Self::Temp => f.write_str(TEMP),
        }
    }
}

/// A file that was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a name and a length")]
pub struct Found {
    /// Its name.
    pub file: FileName,
    /// Its length.
    pub bytes: u64,
}

/// Why the disk did not do what it was asked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum Fault {
    /// It failed: EIO, a file that is gone, and whatever else.
    #[error("the disk failed")]
    Io,
    /// Full, or fuller than `min_free` allows.
    #[error("the disk is full")]
    NoSpace,
    /// Mounted read-only, or not ours to write.
    #[error("the disk cannot be written")]
    ReadOnly,
}

const TEMP: &str = "new.tmp";
const DIGITS: usize = 20;
/// The highest number that is taken for a file of ours: there is always a next one.
const FILE_MAX: u64 = u64::MAX / 2;
