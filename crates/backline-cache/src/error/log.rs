//! Errors of the log.

use crate::log::{Fault, META_MAX, RecordKey};

/// Why the log did not take something. Nothing has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A size of the configuration.
    #[error("{field} is {value}, expected at least {least} bytes, in steps of 4096")]
    Config {
        /// Its name.
        field: &'static str,
        /// What it is.
        value: u64,
        /// What it must be at least.
        least: u64,
    },
    /// More than a quarter of the budget would be kept.
    #[error("{key:?} would be kept beside {held} bytes, of {most} allowed")]
    Kept {
        /// The record.
        key: RecordKey,
        /// Bytes that are kept.
        held: u64,
        /// The cap.
        most: u64,
    },
    /// Marks are given by a verb of their own.
    #[error("{key:?} names a mark, expected an asset, an init or a segment")]
    Mark {
        /// The record.
        key: RecordKey,
    },
    /// More meta than fits beside the header.
    #[error("the meta of {key:?} has {bytes} bytes, expected at most {META_MAX}")]
    Meta {
        /// The record.
        key: RecordKey,
        /// Its length.
        bytes: usize,
    },
    /// Nothing is written after a fault.
    #[error("the log is off: {fault}")]
    Off {
        /// What happened.
        fault: Fault,
    },
    /// The disk is behind.
    #[error("{key:?} does not fit behind {queued} bytes that wait, of {most} allowed")]
    Queue {
        /// The record.
        key: RecordKey,
        /// Bytes that wait.
        queued: u64,
        /// The cap.
        most: u64,
    },
    /// The index is full.
    #[error("{most} records are listed and no more are allowed")]
    Records {
        /// The cap.
        most: usize,
    },
    /// One rendition more than may have a mark.
    #[error("the rendition of {key:?} would be one more than the {most} that may have a mark")]
    Renditions {
        /// The record.
        key: RecordKey,
        /// The cap.
        most: usize,
    },
    /// It does not fit into a file.
    #[error("{key:?} has {bytes} bytes, expected at most {most} with its header")]
    TooLarge {
        /// The record.
        key: RecordKey,
        /// Its length.
        bytes: u64,
        /// The cap.
        most: u64,
    },
    /// There is a record of this name.
    #[error("{key:?} is written already")]
    Written {
        /// The record.
        key: RecordKey,
    },
}
