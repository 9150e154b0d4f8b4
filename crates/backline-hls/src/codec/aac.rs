//! AAC: AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1).

use core::fmt::Write as _;
use core::num::NonZeroU32;

use super::bits::Bits;
use super::{Facts, Fault};

/// Spectral band replication that only the bit stream signals is not seen: the rate is then the core's, which plays
/// all the same, since the timescale and the frame's ticks agree.
pub(super) fn parse(record: &[u8]) -> Result<Facts, Fault> {
    let mut bits = Bits::plain(record, 0, SPEC);
    let outer = object_type(&mut bits)?;
    let mut rate = sampling_frequency(&mut bits)?;
    let channel_configuration = bits.u(4, "channelConfiguration")?;
    let mut core = outer;
    let extended = outer == OBJECT_SBR || outer == OBJECT_PS;
    if extended {
        rate = sampling_frequency(&mut bits)?;
        core = object_type(&mut bits)?;
    }
    let mut frame_samples = None;
    let mut channels = fixed_channels(channel_configuration);
    if GENERAL_AUDIO.contains(&core) {
        let short = bits.flag("frameLengthFlag")?;
        if bits.flag("dependsOnCoreCoder")? {
            bits.skip(14, "coreCoderDelay")?;
        }
        bits.flag("extensionFlag")?;
        if channel_configuration == 0 {
            channels = Some(program_channels(&mut bits)?);
        }
        // Replication doubles the rate, and with it the samples.
        frame_samples = Some(match (short, extended) {
            (false, false) => 1_024,
            (false, true) => 2_048,
            (true, false) => 960,
            (true, true) => 1_920,
        });
    }
    let Some(mut channels) = channels else {
        let expected = "1 to 7, 11 to 14, or 0 with a program";
        return Err(bits.wrong("channelConfiguration", channel_configuration, expected));
    };
    if outer == OBJECT_PS && channels == 1 {
        // Parametric stereo makes two of one.
        channels = 2;
    }
    let mut codecs = String::with_capacity("mp4a.40.29".len());
    let _ = write!(codecs, "mp4a.40.{outer}");
    Ok(Facts {
        codecs,
        channels: Some(channels),
        sample_rate: Some(rate),
        frame_samples,
        ..Facts::of(record)
    })
}

fn object_type(bits: &mut Bits<'_>) -> Result<u32, Fault> {
    let field = "audioObjectType";
    let object = match bits.u(5, field)? {
        OBJECT_ESCAPE => bits.u(6, field)?.saturating_add(32),
        small => small,
    };
    if object == 0 {
        return Err(bits.wrong(field, object, "1 to 95"));
    }
    Ok(object)
}

fn sampling_frequency(bits: &mut Bits<'_>) -> Result<NonZeroU32, Fault> {
    let index = bits.u(4, "samplingFrequencyIndex")?;
    let rate = if index == RATE_EXPLICIT {
        bits.u(24, "samplingFrequency")?
    } else {
        RATES.get(index as usize).copied().unwrap_or(0)
    };
    NonZeroU32::new(rate).ok_or_else(|| {
        bits.wrong(
            "samplingFrequencyIndex",
            index,
            "0 to 12, or 15 with a frequency above 0",
        )
    })
}

fn fixed_channels(configuration: u32) -> Option<u16> {
    match configuration {
        1..=6 => u16::try_from(configuration).ok(),
        7 | 12 | 14 => Some(8),
        11 => Some(7),
        13 => Some(24),
        _ => None,
    }
}

/// Counts the channels of a program configuration element (ISO/IEC 14496-3 4.4.1.1).
fn program_channels(bits: &mut Bits<'_>) -> Result<u16, Fault> {
    let field = "program_config_element";
    bits.skip(4 + 2 + 4, field)?;
    let mut elements = 0u32;
    for _ in 0..3 {
        elements = elements.saturating_add(bits.u(4, field)?);
    }
    let low = bits.u(2, field)?;
    bits.skip(3 + 4, field)?;
    for width in [4, 4, 3] {
        if bits.flag(field)? {
            bits.skip(width, field)?;
        }
    }
    let mut channels = low;
    for _ in 0..elements {
        let pair = bits.flag(field)?;
        bits.skip(4, field)?;
        channels = channels.saturating_add(if pair { 2 } else { 1 });
    }
    if channels == 0 {
        return Err(bits.wrong(field, channels, "at least one channel"));
    }
    // At most 45 elements of two channels, and 3.
    Ok(u16::try_from(channels).unwrap_or(u16::MAX))
}

const SPEC: &str = "ISO/IEC 14496-3 1.6.2.1";
const OBJECT_ESCAPE: u32 = 31;
const OBJECT_PS: u32 = 29;
const OBJECT_SBR: u32 = 5;
/// Object types with 1,024 or 960 samples a frame: Main, LC, SSR and LTP.
const GENERAL_AUDIO: [u32; 4] = [1, 2, 3, 4];
const RATE_EXPLICIT: u32 = 15;
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
