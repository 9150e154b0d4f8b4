//! AAC: `AudioSpecificConfig` (ISO/IEC 14496-3 1.6.2.1).

use super::bits::Bits;
use crate::Error;

/// The configuration of AAC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AacConfig {
    /// Object type of the core: 2 LC, 1 Main, 4 LTP.
    pub object_type: u8,
    /// Samples a second of what is heard.
    pub sample_rate: u32,
    /// Channels of what is heard.
    pub channels: u8,
    /// Samples of what is heard in one frame; 0 for object types that do not say.
    pub frame_samples: u32,
    /// Whether the record says that the upper half of the spectrum is replicated (HE-AAC).
    pub sbr: bool,
    /// Whether the record says that stereo is parametric (HE-AAC v2).
    pub ps: bool,
}

impl AacConfig {
    /// Reads a record. Replication that only the frames signal is not seen.
    ///
    /// # Errors
    /// The byte and the field that is wrong.
    pub fn decode(record: &[u8]) -> Result<Self, Error> {
        let mut bits = Bits::plain(record, 0);
        let outer = object_type(&mut bits)?;
        let core_rate = sampling_frequency(&mut bits)?;
        let mut sample_rate = core_rate;
        let channel_configuration = bits.u(4, "channelConfiguration")?;
        let (mut core, mut ps) = (outer, outer == OBJECT_PS);
        let mut sbr = outer == OBJECT_SBR || ps;
        if sbr {
            sample_rate = sampling_frequency(&mut bits)?;
            core = object_type(&mut bits)?;
        }
        let mut frame_samples = 0_u32;
        let mut channels = fixed_channels(channel_configuration);
        if GENERAL_AUDIO.contains(&core) {
            frame_samples = if bits.flag("frameLengthFlag")? {
                960
            } else {
                1024
            };
            if bits.flag("dependsOnCoreCoder")? {
                bits.skip(14, "coreCoderDelay")?;
            }
            bits.flag("extensionFlag")?;
            if channel_configuration == 0 {
                channels = Some(program_channels(&mut bits, record)?);
            }
            if !sbr && let Some(extension) = extension(&mut bits) {
                (sbr, ps) = (extension.rate.is_some(), extension.ps);
                sample_rate = extension.rate.unwrap_or(sample_rate);
            }
        }
        let Some(mut channels) = channels else {
            let expected = "1 to 7, 11 to 14, or 0 with a program";
            return Err(bits.wrong("channelConfiguration", channel_configuration, expected));
        };
        if ps && channels == 1 {
            // Parametric stereo makes two of one.
            channels = 2;
        }
        Ok(Self {
            object_type: u8::try_from(core).unwrap_or(u8::MAX),
            sample_rate,
            channels,
            // Replication doubles the rate, and with it the samples, unless it is told to keep the rate.
            frame_samples: if sbr && sample_rate > core_rate {
                frame_samples.saturating_mul(2)
            } else {
                frame_samples
            },
            sbr,
            ps,
        })
    }
}

/// What stands behind the record of an older decoder (ISO/IEC 14496-3 1.6.6.1).
struct Extension {
    rate: Option<u32>,
    ps: bool,
}

/// Reads the backward compatible signalling, if there is one; what is broken there is as good as not there.
fn extension(bits: &mut Bits<'_>) -> Option<Extension> {
    let field = "syncExtensionType";
    if bits.u(11, field).ok()? != SYNC_SBR || object_type(bits).ok()? != OBJECT_SBR {
        return None;
    }
    if !bits.flag("sbrPresentFlag").ok()? {
        return Some(Extension {
            rate: None,
            ps: false,
        });
    }
    let rate = Some(sampling_frequency(bits).ok()?);
    let ps = bits.u(11, field).is_ok_and(|sync| sync == SYNC_PS)
        && bits.flag("psPresentFlag").unwrap_or(false);
    Some(Extension { rate, ps })
}

fn object_type(bits: &mut Bits<'_>) -> Result<u32, Error> {
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

fn sampling_frequency(bits: &mut Bits<'_>) -> Result<u32, Error> {
    let index = bits.u(4, "samplingFrequencyIndex")?;
    let rate = if index == RATE_EXPLICIT {
        bits.u(24, "samplingFrequency")?
    } else {
        RATES.get(index as usize).copied().unwrap_or(0)
    };
    if rate == 0 {
        let expected = "0 to 12, or 15 with a frequency above 0";
        return Err(bits.wrong("samplingFrequencyIndex", index, expected));
    }
    Ok(rate)
}

fn fixed_channels(configuration: u32) -> Option<u8> {
    match configuration {
        1..=6 => u8::try_from(configuration).ok(),
        7 | 12 | 14 => Some(8),
        11 => Some(7),
        13 => Some(24),
        _ => None,
    }
}

/// Counts the channels of a program configuration element (ISO/IEC 14496-3 4.4.1.1).
fn program_channels(bits: &mut Bits<'_>, record: &[u8]) -> Result<u8, Error> {
    let field = "program_config_element";
    bits.skip(4 + 2 + 4, field)?;
    let mut elements = 0u32;
    for _ in 0..3 {
        elements = elements.saturating_add(bits.u(4, field)?);
    }
    let low = bits.u(2, field)?;
    let associated = bits.u(3, field)?;
    let coupled = bits.u(4, field)?;
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
    // What belongs to no channel, and a comment that begins with a byte.
    bits.skip(low.saturating_add(associated).saturating_mul(4), field)?;
    bits.skip(coupled.saturating_mul(5), field)?;
    let place = bits.at();
    let comment = record.get(place).copied().unwrap_or(0);
    bits.align();
    bits.bytes(usize::from(comment).saturating_add(1))?;
    if channels == 0 {
        return Err(bits.wrong(field, channels, "at least one channel"));
    }
    // At most 45 elements of two channels, and 3.
    Ok(u8::try_from(channels).unwrap_or(u8::MAX))
}

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
/// Marks of what stands behind the record.
const SYNC_SBR: u32 = 0x2B7;
const SYNC_PS: u32 = 0x548;
