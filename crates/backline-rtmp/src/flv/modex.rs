//! What stands before the body of an Enhanced RTMP packet: ModEx layers, a multitrack wrapper, a FourCC.

use super::Head;
use crate::read::Reader;
use crate::{Error, Limits};

/// The packet types that audio and video have in common, under their numbers of one of the two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Types {
    pub(super) multitrack: u8,
    pub(super) modex: u8,
}

/// A ModEx layer with the nanosecond offset of its message.
const MODEX_NANOSECONDS: u8 = 0;
/// The one kind of multitrack message with a single track.
const ONE_TRACK: u8 = 0;
/// More would be a millisecond.
const NANOSECONDS_MAX: u32 = 999_999;

/// Peels off ModEx layers; returns the packet type below them and the nanosecond offset.
pub(super) fn modex(
    reader: &mut Reader<'_>,
    mut packet: u8,
    types: Types,
    limits: &Limits,
) -> Result<(u8, u32), Error> {
    let mut offset_ns = 0;
    let mut layers = 0_u8;
    while packet == types.modex {
        let at = reader.at();
        if layers >= limits.modex_layers {
            return Err(Error::ModEx {
                at,
                limit: limits.modex_layers,
            });
        }
        layers = layers.saturating_add(1);
        let mut size = usize::from(reader.u8()?).saturating_add(1);
        if size == 256 {
            size = usize::from(reader.u16()?).saturating_add(1);
        }
        let data = reader.take(size)?;
        let next = reader.u8()?;
        if let (MODEX_NANOSECONDS, [a, b, c, ..]) = (next >> 4, data) {
            offset_ns = u32::from_be_bytes([0, *a, *b, *c]).min(NANOSECONDS_MAX);
        }
        packet = next & 0x0F;
    }
    Ok((packet, offset_ns))
}

/// Reads a multitrack wrapper, if there is one, and the FourCC; returns packet type, track and FourCC.
pub(super) fn track(
    reader: &mut Reader<'_>,
    mut packet: u8,
    types: Types,
) -> Result<(u8, u8, [u8; 4]), Error> {
    let wrapped = packet == types.multitrack;
    if wrapped {
        let at = reader.at();
        let byte = reader.u8()?;
        packet = byte & 0x0F;
        if byte >> 4 != ONE_TRACK {
            return Err(Error::Multitrack {
                at,
                multitrack: byte >> 4,
            });
        }
        if packet == types.multitrack {
            return Err(Error::PacketType { at, packet });
        }
    }
    let fourcc = reader.u32()?.to_be_bytes();
    let track = if wrapped { reader.u8()? } else { 0 };
    Ok((packet, track, fourcc))
}

/// Writes the head of an Enhanced RTMP body: the first byte, a ModEx layer where there is an offset, a
/// multitrack wrapper where the track is not 0, and the FourCC.
pub(super) fn put_head(
    out: &mut Head,
    first: u8,
    packet: u8,
    offset_ns: u32,
    track: Option<(u8, [u8; 4])>,
    types: Types,
) {
    let wrapped = track.is_some_and(|(id, _)| id != 0);
    let outer = if wrapped { types.multitrack } else { packet };
    if offset_ns == 0 {
        out.push(first | outer);
    } else {
        let [_, a, b, c] = offset_ns.min(NANOSECONDS_MAX).to_be_bytes();
        out.extend_from_slice(&[
            first | types.modex,
            2,
            a,
            b,
            c,
            MODEX_NANOSECONDS << 4 | outer,
        ]);
    }
    if wrapped {
        out.push(ONE_TRACK << 4 | packet);
    }
    if let Some((id, fourcc)) = track {
        out.extend_from_slice(&fourcc);
        if wrapped {
            out.push(id);
        }
    }
}
