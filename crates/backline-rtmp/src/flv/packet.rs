//! What a publication is made of, in the order of its timestamps.

use super::{Audio, Video};
use crate::amf0::Value;
use alloc::string::String;
use alloc::vec::Vec;

/// One piece of a publication: what a publisher sends, a player gets, a recording holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Packet {
    /// Decoding time in milliseconds, unwrapped: it goes on growing where 32 bits on the wire start again.
    pub timestamp_ms: u64,
    /// What it carries.
    pub media: Media,
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Media {
    /// Sound of one track.
    Audio(Audio),
    /// Data that is not metadata, such as `onTextData` or `onCuePoint`.
    Data {
        /// The name that it was sent under; empty where there was none.
        name: String,
        /// What followed the name.
        values: Vec<Value>,
    },
    /// Metadata such as `onMetaData`: an object or an associative array, or null where it was empty.
    Metadata(Value),
    /// A picture of one track.
    Video(Video),
}

impl Packet {
    /// Makes a packet.
    #[must_use]
    pub const fn new(timestamp_ms: u64, media: Media) -> Self {
        Self {
            timestamp_ms,
            media,
        }
    }
}
