//! FLAC: STREAMINFO (RFC 9639 8.2).

use core::num::NonZeroU32;

use super::bits::Bits;
use super::{Facts, Fault};

pub(super) fn parse(record: &[u8]) -> Result<Facts, Fault> {
    let start = start(record);
    let end = start.saturating_add(STREAMINFO).min(record.len());
    let mut bits = Bits::plain(record.get(start..end).unwrap_or(&[]), start, SPEC);
    let smallest = bits.u(16, "minimum block size")?;
    let largest = bits.u(16, "maximum block size")?;
    if smallest < BLOCK_MIN || largest < smallest {
        return Err(bits.wrong(
            "maximum block size",
            largest,
            "the minimum block size, 16 or more",
        ));
    }
    bits.skip(24 + 24, "frame sizes")?;
    let rate = bits.u(20, "sample rate")?;
    let Some(sample_rate) = NonZeroU32::new(rate) else {
        return Err(bits.wrong("sample rate", rate, "1 to 1048575 Hz"));
    };
    let channels = bits.u(3, "number of channels")?.saturating_add(1);
    let depth = bits.u(5, "bits per sample")?.saturating_add(1);
    bits.skip(36 + 128, "MD5 signature")?;
    Ok(Facts {
        codecs: String::from("fLaC"),
        channels: u16::try_from(channels).ok(),
        sample_rate: Some(sample_rate),
        frame_samples: (smallest == largest).then_some(largest),
        sample_bits: u16::try_from(depth).ok(),
        body: start..end,
        ..Facts::default()
    })
}

/// Where STREAMINFO begins: after the marker of a file, after version and flags of dfLa, after the header of a metadata
/// block, or at once. What begins at once begins with a block size of 16 or more, which no other form does.
fn start(record: &[u8]) -> usize {
    let marker = if record.starts_with(b"fLaC") || record.starts_with(&[0, 0, 0, 0]) {
        4
    } else {
        0usize
    };
    match record.get(marker..) {
        Some([0x00 | 0x80, 0, 0, 0x22, ..]) => marker.saturating_add(4),
        _ => marker,
    }
}

const SPEC: &str = "RFC 9639 8.2";
/// Bytes of STREAMINFO.
const STREAMINFO: usize = 34;
const BLOCK_MIN: u32 = 16;
