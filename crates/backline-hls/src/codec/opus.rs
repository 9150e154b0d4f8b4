//! Opus: the identification header (RFC 7845 5.1).

use core::num::NonZeroU32;

use nom::bytes::complete::take;
use nom::number::complete::{be_u8, le_i16, le_u16, le_u32};

use super::cursor::Cursor;
use super::{Facts, Fault};

pub(super) fn parse(record: &[u8]) -> Result<Facts, Fault> {
    let head = Head::read(record)?;
    Ok(Facts {
        codecs: String::from("Opus"),
        channels: Some(u16::from(head.channels)),
        sample_rate: NonZeroU32::new(DECODER_RATE),
        ..Facts::of(record)
    })
}

/// The fields of an identification header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Head<'a> {
    pub(crate) channels: u8,
    pub(crate) pre_skip: u16,
    pub(crate) input_rate: u32,
    pub(crate) gain: i16,
    pub(crate) family: u8,
    /// Stream counts and channel mapping, where the family is not 0.
    pub(crate) mapping: &'a [u8],
}

impl Default for Head<'_> {
    /// Stereo as libopus encodes it: a decoder set up so plays mono packets too.
    fn default() -> Self {
        Self {
            channels: 2,
            pre_skip: LOOK_AHEAD,
            input_rate: DECODER_RATE,
            gain: 0,
            family: 0,
            mapping: &[],
        }
    }
}

impl<'a> Head<'a> {
    pub(super) fn read(record: &'a [u8]) -> Result<Self, Fault> {
        if record.is_empty() {
            return Ok(Self::default());
        }
        let mut cursor = Cursor::new(record, SPEC);
        let magic = cursor.read("magic signature", take(MAGIC.len()))?;
        if let Some(at) = magic
            .iter()
            .zip(MAGIC)
            .position(|(is, should)| is != should)
        {
            let found = magic.get(at).copied().unwrap_or(0);
            return Err(cursor.wrong(at, "magic signature", found, "OpusHead"));
        }
        let version = cursor.read("version", be_u8)?;
        if version > VERSION_MAX {
            return Err(cursor.wrong(8, "version", version, "0 to 15"));
        }
        let channels = cursor.read("channel count", be_u8)?;
        if channels == 0 {
            return Err(cursor.wrong(9, "channel count", channels, "1 to 255"));
        }
        let mut head = Self {
            channels,
            pre_skip: cursor.read("pre-skip", le_u16)?,
            input_rate: cursor.read("input sample rate", le_u32)?,
            gain: cursor.read("output gain", le_i16)?,
            family: cursor.read("mapping family", be_u8)?,
            mapping: &[],
        };
        if head.family != 0 {
            let size = usize::from(channels).saturating_add(2);
            head.mapping = cursor.read("channel mapping table", take(size))?;
        } else if channels > 2 {
            return Err(cursor.wrong(9, "channel count", channels, "1 or 2 in mapping family 0"));
        }
        Ok(head)
    }
}

const SPEC: &str = "RFC 7845 5.1";
const MAGIC: &[u8; 8] = b"OpusHead";
/// Minor versions of version 0 are compatible.
const VERSION_MAX: u8 = 15;
/// Opus decodes to this rate, whatever went in.
const DECODER_RATE: u32 = 48_000;
/// 6.5 ms.
const LOOK_AHEAD: u16 = 312;
