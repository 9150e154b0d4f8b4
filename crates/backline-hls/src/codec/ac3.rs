//! AC-3 and Enhanced AC-3: dac3 and dec3 (ETSI TS 102 366 F.4 and F.6).

use core::num::NonZeroU32;

use super::bits::Bits;
use super::{Facts, Fault};

pub(super) fn parse(record: &[u8]) -> Result<Facts, Fault> {
    let mut bits = Bits::plain(record, 0, SPEC_AC3);
    let rate = sample_rate(&mut bits)?;
    bits.skip(5 + 3, "bsid")?;
    let channels = channels(&mut bits)?;
    bits.skip(5 + 5, "bit_rate_code")?;
    Ok(Facts {
        codecs: String::from("ac-3"),
        channels: Some(channels),
        sample_rate: Some(rate),
        frame_samples: Some(FRAME_SAMPLES),
        ..Facts::of(record)
    })
}

/// The first independent substream is what a receiver plays.
pub(super) fn parse_enhanced(record: &[u8]) -> Result<Facts, Fault> {
    let mut bits = Bits::plain(record, 0, SPEC_EAC3);
    bits.skip(13, "data_rate")?;
    bits.skip(3, "num_ind_sub")?;
    let rate = sample_rate(&mut bits)?;
    bits.skip(5 + 1 + 1 + 3, "bsid")?;
    let mut channels = channels(&mut bits)?;
    bits.skip(3, "reserved")?;
    if bits.u(4, "num_dep_sub")? > 0 {
        let locations = bits.u(9, "chan_loc")?;
        channels = channels.saturating_add(u16::try_from(locations.count_ones()).unwrap_or(0));
    } else {
        bits.skip(1, "reserved")?;
    }
    Ok(Facts {
        codecs: String::from("ec-3"),
        channels: Some(channels),
        sample_rate: Some(rate),
        ..Facts::of(record)
    })
}

fn sample_rate(bits: &mut Bits<'_>) -> Result<NonZeroU32, Fault> {
    let code = bits.u(2, "fscod")?;
    let rate = RATES.get(code as usize).copied().unwrap_or(0);
    NonZeroU32::new(rate).ok_or_else(|| bits.wrong("fscod", code, "0 to 2"))
}

/// Full channels of `acmod`, and the low-frequency one.
fn channels(bits: &mut Bits<'_>) -> Result<u16, Fault> {
    let mode = bits.u(3, "acmod")?;
    let low = bits.flag("lfeon")?;
    let full = FULL_CHANNELS.get(mode as usize).copied().unwrap_or(2);
    Ok(u16::from(low).saturating_add(full))
}

const SPEC_AC3: &str = "ETSI TS 102 366 F.4";
const SPEC_EAC3: &str = "ETSI TS 102 366 F.6";
const FRAME_SAMPLES: u32 = 1_536;
const RATES: [u32; 3] = [48_000, 44_100, 32_000];
const FULL_CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];
