//! AC-3 and Enhanced AC-3: dac3 and dec3 (ETSI TS 102 366 F.4 and F.6), and what a frame's own header says.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "fields of a few bits, shifted and multiplied below 2^32"
)]

use core::num::NonZeroU32;

use bytes::Bytes;

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

/// Makes dac3 of a frame's header (`syncinfo` and `bsi`).
pub(super) fn of_frame(frame: &[u8]) -> Result<(Facts, Bytes), Fault> {
    let mut bits = Bits::plain(frame, 0, SPEC_FRAME);
    sync_word(&mut bits)?;
    bits.skip(16, "crc1")?;
    let rate = bits.u(2, "fscod")?;
    let size = bits.u(6, "frmsizecod")?;
    let version = bits.u(5, "bsid")?;
    if version > BSID_MAX {
        return Err(bits.wrong("bsid", version, "0 to 8"));
    }
    let mode = bits.u(3, "bsmod")?;
    let channels = bits.u(3, "acmod")?;
    // Mix levels that some arrangements of channels have, two bits each.
    let centre = channels & 1 != 0 && channels != 1;
    let surround = channels & 4 != 0;
    for _ in 0..u32::from(centre) + u32::from(surround) + u32::from(channels == 2) {
        bits.skip(2, "mix levels")?;
    }
    let low = bits.u(1, "lfeon")?;
    let record = rate << 22 | version << 17 | mode << 14 | channels << 11 | low << 10;
    let record = record | (size >> 1) << 5;
    let [_, record @ ..] = record.to_be_bytes();
    Ok((parse(&record)?, Bytes::copy_from_slice(&record)))
}

/// Makes dec3 of a frame's header (`syncinfo` and `bsi` of annex E). What dependent substreams add is left to the
/// decoder, which finds it in the frames.
pub(super) fn of_enhanced_frame(frame: &[u8]) -> Result<(Facts, Bytes), Fault> {
    let mut bits = Bits::plain(frame, 0, SPEC_ENHANCED_FRAME);
    sync_word(&mut bits)?;
    let kind = bits.u(2, "strmtyp")?;
    if kind == STREAM_DEPENDENT {
        return Err(bits.wrong("strmtyp", kind, "an independent stream first"));
    }
    bits.skip(3, "substreamid")?;
    let bytes = (bits.u(11, "frmsiz")? + 1) * 2;
    let rate = bits.u(2, "fscod")?;
    let hertz = RATES.get(rate as usize).copied().unwrap_or(0);
    if hertz == 0 {
        // Half rates, for which dec3 has no code.
        return Err(bits.wrong("fscod", rate, "0 to 2"));
    }
    let blocks = bits.u(2, "numblkscod")?;
    let blocks = BLOCKS.get(blocks as usize).copied().unwrap_or(6);
    let (channels, low) = (bits.u(3, "acmod")?, bits.u(1, "lfeon")?);
    let version = bits.u(5, "bsid")?;
    if !(BSID_ENHANCED_MIN..=BSID_ENHANCED_MAX).contains(&version) {
        return Err(bits.wrong("bsid", version, "11 to 16"));
    }
    let ticks = blocks * BLOCK_SAMPLES;
    // At most 4,096 bytes in at least 256 samples: 6,144 kbit/s.
    let kilobits = ((bytes * 8).saturating_mul(hertz / 100) / ticks + 5) / 10;
    let [_, _, high, data_rate] = (kilobits << 3).to_be_bytes();
    let substream = rate << 22 | version << 17 | channels << 9 | low << 8;
    let [_, first, second, third] = substream.to_be_bytes();
    let record = [high, data_rate, first, second, third];
    let mut facts = parse_enhanced(&record)?;
    if frame.len() == bytes as usize {
        facts.frame_samples = Some(ticks);
    }
    Ok((facts, Bytes::copy_from_slice(&record)))
}

fn sync_word(bits: &mut Bits<'_>) -> Result<(), Fault> {
    let word = bits.u(16, "syncword")?;
    if word == SYNC_WORD {
        Ok(())
    } else {
        Err(bits.wrong("syncword", word, "0x0b77"))
    }
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
const SPEC_FRAME: &str = "ETSI TS 102 366 4.3 and 4.4";
const SPEC_ENHANCED_FRAME: &str = "ETSI TS 102 366 E.1.2";
const SYNC_WORD: u32 = 0x0b77;
const STREAM_DEPENDENT: u32 = 1;
const BSID_MAX: u32 = 8;
const BSID_ENHANCED_MIN: u32 = 11;
const BSID_ENHANCED_MAX: u32 = 16;
/// Blocks of a frame by `numblkscod`.
const BLOCKS: [u32; 4] = [1, 2, 3, 6];
const BLOCK_SAMPLES: u32 = 256;
const FRAME_SAMPLES: u32 = 1_536;
const RATES: [u32; 3] = [48_000, 44_100, 32_000];
const FULL_CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];
