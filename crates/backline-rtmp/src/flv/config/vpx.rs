//! VP8 and VP9: the record (VP Codec ISO Media File Format Binding 2.2).

use super::bits::Bits;
use super::{Chroma, Color};
use crate::Error;

/// The configuration of VP8 or VP9. The size of the picture stands in its key frames alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct VpxConfig {
    /// Profile, 0 to 3.
    pub profile: u8,
    /// Ten times the level; 0 if unknown.
    pub level: u8,
    /// Bits of a sample.
    pub bit_depth: u8,
    /// How colour is sampled.
    pub chroma: Chroma,
    /// What the colours mean.
    pub color: Color,
}

impl VpxConfig {
    /// Reads a record; FFmpeg sends a version and flags before it.
    ///
    /// # Errors
    /// The byte and the field that is wrong.
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let skipped = if record.starts_with(&VERSION_FLAGS) {
            4
        } else {
            0
        };
        let mut bits = Bits::plain(record.get(skipped..).unwrap_or(&[]), skipped);
        let profile = bits.u8(8, "profile")?;
        if profile > 3 {
            return Err(bits.wrong("profile", profile, "0 to 3"));
        }
        let level = bits.u8(8, "level")?;
        let bit_depth = bits.u8(4, "bitDepth")?;
        if !matches!(bit_depth, 8 | 10 | 12) {
            return Err(bits.wrong("bitDepth", bit_depth, "8, 10 or 12"));
        }
        let chroma = match bits.u(3, "chromaSubsampling")? {
            0 | 1 => Chroma::Yuv420,
            2 => Chroma::Yuv422,
            _ => Chroma::Yuv444,
        };
        let full_range = bits.flag("videoFullRangeFlag")?;
        let color = Color {
            primaries: bits.u8(8, "colourPrimaries")?,
            transfer: bits.u8(8, "transferCharacteristics")?,
            matrix: bits.u8(8, "matrixCoefficients")?,
            full_range,
        };
        bits.skip(16, "codecInitializationDataSize")?;
        Ok(Self {
            profile,
            level,
            bit_depth,
            chroma,
            color,
        })
    }
}

/// Version 1 and no flags. No record begins so: its third byte holds a bit depth.
const VERSION_FLAGS: [u8; 4] = [1, 0, 0, 0];
