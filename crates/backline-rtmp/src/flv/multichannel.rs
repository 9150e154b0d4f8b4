//! The layout of the channels (Enhanced RTMP, "MultichannelConfig").

use crate::Error;
use crate::read::Reader;
use alloc::vec::Vec;
use bytes::Bytes;

/// The layout of the channels of a track.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Multichannel {
    /// Each channel is named, in the order of the frames.
    Custom(Vec<u8>),
    /// The channels of a mask, in its order.
    Native {
        /// How many channels there are.
        count: u8,
        /// A bit for each loudspeaker: 0 front left, 1 front right, 2 front centre, 3 low frequency, and so on.
        mask: u32,
    },
    /// An order that is not defined; what followed it.
    Other {
        /// The order.
        order: u8,
        /// How many channels there are.
        count: u8,
        /// What followed.
        rest: Bytes,
    },
    /// Only their number is known.
    Unspecified {
        /// How many channels there are.
        count: u8,
    },
}

/// Orders of the channels.
const UNSPECIFIED: u8 = 0;
const NATIVE: u8 = 1;
const CUSTOM: u8 = 2;

impl Multichannel {
    /// A channel that is empty.
    pub const UNUSED: u8 = 0xFE;
    /// A channel whose loudspeaker is not known.
    pub const UNKNOWN: u8 = 0xFF;

    /// Reads the payload of a message.
    ///
    /// # Errors
    /// A payload that is cut off.
    pub fn decode(payload: &Bytes) -> Result<Self, Error> {
        let mut reader = Reader::new(payload);
        let order = reader.u8()?;
        let count = reader.u8()?;
        Ok(match order {
            UNSPECIFIED => Self::Unspecified { count },
            NATIVE => Self::Native {
                count,
                mask: reader.u32()?,
            },
            CUSTOM => Self::Custom(reader.take(count.into())?.to_vec()),
            order => Self::Other {
                order,
                count,
                rest: payload.slice(reader.at()..),
            },
        })
    }

    /// Writes the payload. Of a custom layout 255 channels are written at most.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let (order, count, rest): (_, _, &[u8]) = match self {
            Self::Custom(map) => {
                let map = map.get(..usize::from(u8::MAX)).unwrap_or(map);
                (CUSTOM, u8::try_from(map.len()).unwrap_or(u8::MAX), map)
            }
            Self::Native { count, mask } => (NATIVE, *count, &mask.to_be_bytes()),
            Self::Other { order, count, rest } => (*order, *count, rest),
            Self::Unspecified { count } => (UNSPECIFIED, *count, &[]),
        };
        Bytes::from([&[order, count], rest].concat())
    }

    /// Returns how many channels there are.
    #[must_use]
    pub fn count(&self) -> u8 {
        match self {
            Self::Custom(map) => u8::try_from(map.len()).unwrap_or(u8::MAX),
            Self::Native { count, .. }
            | Self::Other { count, .. }
            | Self::Unspecified { count } => *count,
        }
    }
}
