//! FLAC: STREAMINFO (RFC 9639 8.2).

use super::bits::Bits;
use crate::Error;

/// The configuration of FLAC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FlacConfig {
    /// Samples of the smallest block.
    pub block_samples_min: u16,
    /// Samples of the largest block.
    pub block_samples_max: u16,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u8,
    /// Bits of a sample.
    pub sample_bits: u8,
}

impl FlacConfig {
    /// Reads a record: `fLaC` and the header of a metadata block may stand before STREAMINFO, as Enhanced RTMP wants
    /// it, or not, as FFmpeg sends it.
    ///
    /// # Errors
    /// The byte and the field that is wrong.
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let start = start(record);
        let mut bits = Bits::plain(record.get(start..).unwrap_or(&[]), start);
        let smallest = bits.u(16, "minimum block size")?;
        let largest = bits.u(16, "maximum block size")?;
        if smallest < BLOCK_MIN || largest < smallest {
            let expected = "the minimum block size, 16 or more";
            return Err(bits.wrong("maximum block size", largest, expected));
        }
        bits.skip(24 + 24, "frame sizes")?;
        let sample_rate = bits.u(20, "sample rate")?;
        if sample_rate == 0 {
            return Err(bits.wrong("sample rate", sample_rate, "1 to 1048575 Hz"));
        }
        let channels = bits.u8(3, "number of channels")?.saturating_add(1);
        let sample_bits = bits.u8(5, "bits per sample")?.saturating_add(1);
        bits.skip(36 + 128, "MD5 signature")?;
        Ok(Self {
            block_samples_min: u16::try_from(smallest).unwrap_or(u16::MAX),
            block_samples_max: u16::try_from(largest).unwrap_or(u16::MAX),
            sample_rate,
            channels,
            sample_bits,
        })
    }
}

/// Returns where STREAMINFO begins. Where it begins at once it does so with a block size of 16 or more, which no
/// other form does.
fn start(record: &[u8]) -> usize {
    let marker = if record.starts_with(b"fLaC") {
        4
    } else {
        0_usize
    };
    match record.get(marker..) {
        Some([0x00 | 0x80, 0, 0, 0x22, ..]) => marker.saturating_add(4),
        _ => marker,
    }
}

const BLOCK_MIN: u32 = 16;
