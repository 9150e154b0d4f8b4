//! What stands before the body of an Enhanced RTMP packet: ModEx layers, a multitrack wrapper, a FourCC.

use super::Head;
use crate::read::Reader;
use crate::{Error, Limits};
use bytes::Bytes;

/// The packet types that audio and video have in common, under their numbers of one of the two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Types {
    pub(super) multitrack: u8,
    pub(super) modex: u8,
}

/// A ModEx layer with the nanosecond offset of its message.
const MODEX_NANOSECONDS: u8 = 0;
/// Multitrack types.
pub(super) const ONE_TRACK: u8 = 0;
pub(super) const MANY_TRACKS: u8 = 1;
pub(super) const MANY_TRACKS_MANY_CODECS: u8 = 2;
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

/// What stands below the ModEx layers.
pub(super) enum Wrapped {
    /// One packet: its type, track and FourCC.
    One(u8, u8, [u8; 4]),
    /// Packets of several tracks, to be read with [`next_track`]: their type, and the FourCC of all of them, if it is
    /// one.
    Many(u8, Option<[u8; 4]>),
}

/// Reads a multitrack wrapper, if there is one, and the FourCC.
pub(super) fn wrapper(reader: &mut Reader<'_>, packet: u8, types: Types) -> Result<Wrapped, Error> {
    if packet != types.multitrack {
        return Ok(Wrapped::One(packet, 0, reader.u32()?.to_be_bytes()));
    }
    let at = reader.at();
    let byte = reader.u8()?;
    let (multitrack, packet) = (byte >> 4, byte & 0x0F);
    if packet == types.multitrack {
        return Err(Error::PacketType { at, packet });
    }
    Ok(match multitrack {
        ONE_TRACK => {
            let fourcc = reader.u32()?.to_be_bytes();
            Wrapped::One(packet, reader.u8()?, fourcc)
        }
        MANY_TRACKS => Wrapped::Many(packet, Some(reader.u32()?.to_be_bytes())),
        MANY_TRACKS_MANY_CODECS => Wrapped::Many(packet, None),
        multitrack => {
            return Err(Error::Multitrack {
                at,
                multitrack,
                expected: "0 (OneTrack), 1 (ManyTracks) or 2 (ManyTracksManyCodecs)",
            });
        }
    })
}

/// Reads where the next track of several begins: its FourCC, its number, and the bytes that are its packet's.
pub(super) fn next_track<'a>(
    reader: &mut Reader<'a>,
    fourcc: Option<[u8; 4]>,
) -> Result<([u8; 4], u8, Reader<'a>), Error> {
    let fourcc = match fourcc {
        Some(of_all) => of_all,
        None => reader.u32()?.to_be_bytes(),
    };
    let track = reader.u8()?;
    let size = reader.u24()?;
    let part = reader.part(usize::try_from(size).unwrap_or(usize::MAX))?;
    Ok((fourcc, track, part))
}

/// Names the fault of a body with several tracks where one is wanted; their wrapper stands at `at`.
pub(super) fn several(body: &[u8], at: usize) -> Error {
    Error::Multitrack {
        at,
        multitrack: body.get(at).map_or(0, |byte| byte >> 4),
        expected: "one track: read several with decode_tracks",
    }
}

/// One packet of several in a message: its FourCC, its track, what stands before its payload, and that.
pub(super) type Part = ([u8; 4], u8, Head, Bytes);

/// Writes the packets of several tracks as one body, behind its first byte without the packet type.
///
/// # Errors
/// No packet, more than 255, or one that is too long.
pub(super) fn put_tracks(
    first: u8,
    packet: u8,
    offset_ns: u32,
    parts: &[Part],
    types: Types,
) -> Result<Bytes, Error> {
    let Some((fourcc, ..)) = parts.first() else {
        return Err(Error::TracksDiffer { track: 0 });
    };
    if parts.len() > usize::from(u8::MAX) {
        return Err(Error::TracksDiffer { track: u8::MAX });
    }
    let one_codec = parts.iter().all(|(other, ..)| other == fourcc);
    let mut head = Head::default();
    put_head(&mut head, first, types.multitrack, offset_ns, None, types);
    let mut out = head.to_vec();
    let multitrack = if one_codec {
        MANY_TRACKS
    } else {
        MANY_TRACKS_MANY_CODECS
    };
    out.push(multitrack << 4 | packet);
    if one_codec {
        out.extend_from_slice(fourcc);
    }
    for (fourcc, track, head, payload) in parts {
        if !one_codec {
            out.extend_from_slice(fourcc);
        }
        let size = head.len().saturating_add(payload.len());
        let Some([0, a, b, c]) = u32::try_from(size).ok().map(u32::to_be_bytes) else {
            return Err(Error::TracksDiffer { track: *track });
        };
        out.extend_from_slice(&[*track, a, b, c]);
        out.extend_from_slice(head);
        out.extend_from_slice(payload);
    }
    Ok(Bytes::from(out))
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
