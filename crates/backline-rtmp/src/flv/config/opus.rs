//! Opus: the identification header (RFC 7845 5.1).

use super::bits::Bits;
use crate::Error;
use bytes::Bytes;

/// The configuration of Opus.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct OpusConfig {
    /// Channels.
    pub channels: u8,
    /// Samples to drop at the start, at 48 kHz.
    pub pre_skip: u16,
    /// Samples a second of what was encoded; 0 if unknown. What is decoded always has 48 kHz.
    pub input_rate: u32,
    /// Gain in decibels times 256.
    pub gain: i16,
    /// Mapping family: 0 mono or stereo, 1 Vorbis' order, 255 without an order.
    pub family: u8,
    /// Stream count, coupled count and a byte for each channel; empty in family 0.
    pub mapping: Bytes,
}

impl OpusConfig {
    /// Samples a second of what is heard.
    pub const SAMPLE_RATE: u32 = 48_000;

    /// Reads a record.
    ///
    /// # Errors
    /// The byte and the field that is wrong.
    pub fn decode(record: &Bytes) -> Result<Self, Error> {
        let mut bits = Bits::plain(record, 0);
        for expected in MAGIC {
            let found = bits.u8(8, "magic signature")?;
            if found != *expected {
                return Err(bits.wrong("magic signature", found, "OpusHead"));
            }
        }
        let version = bits.u(8, "version")?;
        if version > VERSION_MAX {
            return Err(bits.wrong("version", version, "0 to 15"));
        }
        let channels = bits.u8(8, "channel count")?;
        if channels == 0 {
            return Err(bits.wrong("channel count", channels, "1 to 255"));
        }
        // The numbers of this header alone are little-endian.
        let pre_skip = bits.u(16, "pre-skip")?.swap_bytes() >> 16;
        let input_rate = bits.u(32, "input sample rate")?.swap_bytes();
        let gain = bits.u(16, "output gain")?.swap_bytes() >> 16;
        let family = bits.u8(8, "mapping family")?;
        let mapping = match family {
            0 if channels > 2 => {
                return Err(bits.wrong("channel count", channels, "1 or 2 in mapping family 0"));
            }
            0 => Bytes::new(),
            _ => record.slice(bits.bytes(usize::from(channels).saturating_add(2))?),
        };
        let [_, _, high, low] = gain.to_be_bytes();
        Ok(Self {
            channels,
            pre_skip: u16::try_from(pre_skip).unwrap_or(u16::MAX),
            input_rate,
            gain: i16::from_be_bytes([high, low]),
            family,
            mapping,
        })
    }
}

const MAGIC: &[u8; 8] = b"OpusHead";
/// Minor versions of version 0 are compatible.
const VERSION_MAX: u32 = 15;
