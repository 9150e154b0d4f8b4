//! AC-3 and Enhanced AC-3: their boxes (ETSI TS 102 366 F.4 and F.6) and what a frame says of itself (4.4 and E.1.2).

use super::bits::Bits;
use crate::Error;

/// The configuration of AC-3 and Enhanced AC-3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ac3Config {
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels, the low-frequency one included.
    pub channels: u8,
}

impl Ac3Config {
    /// Reads the payload of a `dac3` box.
    ///
    /// # Errors
    /// The byte and the field that is wrong.
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut bits = Bits::plain(record, 0);
        let sample_rate = sample_rate(&mut bits)?;
        bits.skip(5 + 3, "bsid")?;
        let channels = channels(&mut bits)?;
        Ok(Self {
            sample_rate,
            channels,
        })
    }

    /// Reads the payload of a `dec3` box. The first independent substream is what a receiver plays.
    ///
    /// # Errors
    /// The byte and the field that is wrong.
    pub fn decode_enhanced(record: &[u8]) -> Result<Self, Error> {
        let mut bits = Bits::plain(record, 0);
        bits.skip(13 + 3, "data_rate")?;
        let sample_rate = sample_rate(&mut bits)?;
        bits.skip(5 + 1 + 1 + 3, "bsid")?;
        let mut channels = channels(&mut bits)?;
        bits.skip(3, "reserved")?;
        if bits.u(4, "num_dep_sub")? > 0 {
            let locations = bits.u(9, "chan_loc")?;
            let more = locations
                .count_ones()
                .saturating_add((locations & LOCATION_PAIRS).count_ones());
            channels = channels.saturating_add(u8::try_from(more).unwrap_or(0));
        }
        Ok(Self {
            sample_rate,
            channels,
        })
    }

    /// Reads the header of a frame of either kind.
    ///
    /// # Errors
    /// The byte and the field that is wrong.
    pub fn from_frame(frame: &[u8]) -> Result<Self, Error> {
        let mut bits = Bits::plain(frame, 0);
        let sync = bits.u(16, "syncword")?;
        if sync != SYNC {
            return Err(bits.wrong("syncword", sync, "2935"));
        }
        // Both kinds have their version in the same place, and differ before it.
        let version = frame.get(5).map_or(0, |byte| byte >> 3);
        if version > AC3_VERSION_MAX {
            bits.skip(2 + 3 + 11, "frmsiz")?;
            let code = bits.u(2, "fscod")?;
            let sample_rate = if code == REDUCED {
                let code = bits.u(2, "fscod2")?;
                rate(&bits, code)? / 2
            } else {
                bits.skip(2, "numblkscod")?;
                rate(&bits, code)?
            };
            let channels = channels(&mut bits)?;
            return Ok(Self {
                sample_rate,
                channels,
            });
        }
        bits.skip(16, "crc1")?;
        let sample_rate = sample_rate(&mut bits)?;
        bits.skip(6 + 5 + 3, "frmsizecod")?;
        let mode = bits.u(3, "acmod")?;
        let mixes = [mode & 1 != 0 && mode != 1, mode & 4 != 0, mode == 2];
        for _ in mixes.iter().filter(|present| **present) {
            bits.skip(2, "mix levels")?;
        }
        let low = bits.flag("lfeon")?;
        Ok(Self {
            sample_rate,
            channels: full(mode).saturating_add(u8::from(low)),
        })
    }
}

fn sample_rate(bits: &mut Bits<'_>) -> Result<u32, Error> {
    let code = bits.u(2, "fscod")?;
    rate(bits, code)
}

fn rate(bits: &Bits<'_>, code: u32) -> Result<u32, Error> {
    match RATES.get(code as usize) {
        Some(rate) => Ok(*rate),
        None => Err(bits.wrong("fscod", code, "0 to 2")),
    }
}

/// Reads `acmod` and `lfeon`.
fn channels(bits: &mut Bits<'_>) -> Result<u8, Error> {
    let mode = bits.u(3, "acmod")?;
    let low = bits.flag("lfeon")?;
    Ok(full(mode).saturating_add(u8::from(low)))
}

fn full(mode: u32) -> u8 {
    FULL_CHANNELS.get(mode as usize).copied().unwrap_or(2)
}

/// What every frame begins with.
const SYNC: u32 = 0x0B77;
/// A code that says that the rate is one of the halves.
const REDUCED: u32 = 3;
/// Versions above this one are Enhanced AC-3.
const AC3_VERSION_MAX: u8 = 10;
/// Bits of `chan_loc` that stand for two channels: Lc and Rc, Lrs and Rrs, Lsd and Rsd, Lw and Rw, Lvh and Rvh (F.6.2).
const LOCATION_PAIRS: u32 = 0b0_0111_0011;
const RATES: [u32; 3] = [48_000, 44_100, 32_000];
/// Full channels by `acmod`.
const FULL_CHANNELS: [u8; 8] = [2, 1, 2, 3, 3, 4, 4, 5];
