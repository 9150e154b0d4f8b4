//! Sample entries as they stand in files: which codec, and where its record is.

use bytes::Bytes;

use super::walk::{Boxed, Boxes, Kind};
use crate::codec::{Codec, TrackConfig};
use crate::{Error, FileProblem, Limits};

/// What the first sample entry of an `stsd` says.
pub(super) fn read(stsd: Boxed<'_>, limits: &Limits) -> Result<TrackConfig, Error> {
    let mut entries = stsd.children_after(FULL + 4)?;
    let Some(entry) = entries.next().transpose()? else {
        return Err(stsd.wrong(FULL, "entry_count", 0, "a sample entry"));
    };
    match &entry.kind {
        b"avc1" => picture(entry, Codec::Avc, *b"avcC", limits),
        b"hev1" | b"hvc1" => picture(entry, Codec::Hevc, *b"hvcC", limits),
        b"av01" => picture(entry, Codec::Av1, *b"av1C", limits),
        b"vp09" => picture(entry, Codec::Vp9, *b"vpcC", limits),
        b"mp4a" => sound(entry, limits),
        kind => Err(Error::File {
            at: entry.at,
            problem: FileProblem::Codec { entry: *kind },
        }),
    }
}

fn picture(
    entry: Boxed<'_>,
    codec: Codec,
    record: Kind,
    limits: &Limits,
) -> Result<TrackConfig, Error> {
    let width = entry.u16(24, "width")?;
    let height = entry.u16(26, "height")?;
    let record = entry.children_after(PICTURE_FIELDS)?.need(record)?;
    let config = parse(codec, record.body, limits)?;
    if config.resolution().is_none() {
        return Ok(config.with_resolution(width.into(), height.into()));
    }
    Ok(config)
}

fn sound(entry: Boxed<'_>, limits: &Limits) -> Result<TrackConfig, Error> {
    // QuickTime's version 1 has four more numbers.
    let fields = match entry.u16(8, "version")? {
        0 => SOUND_FIELDS,
        1 => SOUND_FIELDS.saturating_add(16),
        version => return Err(entry.wrong(8, "version", version.into(), "0 or 1")),
    };
    let esds = entry.children_after(fields)?.need(*b"esds")?;
    let record = specific_info(esds)?;
    parse(Codec::Aac, record, limits)
}

/// The AudioSpecificConfig in an elementary stream descriptor (ISO/IEC 14496-1 7.2.6).
fn specific_info(esds: Boxed<'_>) -> Result<&[u8], Error> {
    let short = || esds.short("its descriptors");
    let mut rest = esds.body.get(FULL..).ok_or_else(short)?;
    let stream = descriptor(&mut rest, TAG_STREAM).ok_or_else(short)?;
    let flags = *stream.get(2).ok_or_else(short)?;
    let mut skip = 3usize;
    skip = skip.saturating_add(if flags & 0x80 == 0 { 0 } else { 2 });
    if flags & 0x40 != 0 {
        let length = *stream.get(skip).ok_or_else(short)?;
        skip = skip.saturating_add(1).saturating_add(length.into());
    }
    skip = skip.saturating_add(if flags & 0x20 == 0 { 0 } else { 2 });
    let mut rest = stream.get(skip..).ok_or_else(short)?;
    let decoder = descriptor(&mut rest, TAG_DECODER).ok_or_else(short)?;
    let object = *decoder.first().ok_or_else(short)?;
    if object != OBJECT_AAC {
        let expected = "64, which is MPEG-4 audio";
        return Err(esds.wrong(0, "objectTypeIndication", object.into(), expected));
    }
    let mut rest = decoder.get(DECODER_FIELDS..).ok_or_else(short)?;
    descriptor(&mut rest, TAG_SPECIFIC).ok_or_else(short)
}

/// The content of the next descriptor if it has the tag. Its length has seven bits a byte.
fn descriptor<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (&found, mut after) = rest.split_first()?;
    let mut length = 0usize;
    for _ in 0..4 {
        let (&byte, left) = after.split_first()?;
        after = left;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let (content, left) = after.split_at_checked(length)?;
    *rest = left;
    (found == tag).then_some(content)
}

fn parse(codec: Codec, record: &[u8], limits: &Limits) -> Result<TrackConfig, Error> {
    let limit = limits.config_bytes;
    // Looked at before it is copied.
    let record = record.get(..limit.saturating_add(1)).unwrap_or(record);
    TrackConfig::parse(codec, Bytes::copy_from_slice(record), limits)
}

/// The sequence and the picture parameter sets of an avcC record, which has been parsed before.
pub(super) fn parameter_sets(record: &[u8]) -> Option<[Sets<'_>; 2]> {
    let (&count, mut rest) = record.get(5..)?.split_first()?;
    let sps = sets(&mut rest, count & 0x1f)?;
    let (&count, mut rest) = rest.split_first()?;
    let pps = sets(&mut rest, count)?;
    Some([sps, pps])
}

pub(super) type Sets<'a> = Vec<&'a [u8]>;

fn sets<'a>(rest: &mut &'a [u8], count: u8) -> Option<Sets<'a>> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (set, after) = after.split_at_checked(length)?;
        sets.push(set);
        *rest = after;
    }
    Some(sets)
}

/// A movie's box on the way to a track's sample table.
pub(super) fn sample_table(trak: Boxed<'_>) -> Result<(Boxed<'_>, Boxes<'_>), Error> {
    let mdia = trak.children().need(*b"mdia")?;
    let stbl = mdia.children().need(*b"minf")?.children().need(*b"stbl")?;
    Ok((mdia, stbl.children()))
}

/// Version and flags.
pub(super) const FULL: usize = 4;
const PICTURE_FIELDS: usize = 78;
const SOUND_FIELDS: usize = 28;
const TAG_STREAM: u8 = 0x03;
const TAG_DECODER: u8 = 0x04;
const TAG_SPECIFIC: u8 = 0x05;
const DECODER_FIELDS: usize = 13;
const OBJECT_AAC: u8 = 0x40;
