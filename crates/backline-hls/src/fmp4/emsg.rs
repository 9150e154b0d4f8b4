//! What may stand before the `moof` of a part: event messages and the producer's reference time.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a message's size is checked against its limit before; times are those of a clock"
)]

use bytes::Bytes;

use super::boxes::{BOX, FULL_BOX, Writer};
use crate::message::Emsg;

/// `prft` version 1: track, NTP time and media time.
pub(crate) const PRFT: usize = FULL_BOX + 4 + 8 + 8;
/// The UTC time is that of the scene, but for a small constant offset (ISO/IEC 14496-12 8.16.5).
const PRFT_REAL_TIME: u32 = 24;
/// From 1900-01-01, where NTP counts from, to 1970-01-01.
const NTP_EPOCH_S: u64 = 2_208_988_800;

/// Bytes of a message's box.
pub(crate) fn emsg_size(message: &Emsg) -> usize {
    let text = message
        .scheme_id_uri
        .len()
        .saturating_add(message.value.len());
    (FULL_BOX + 4 + 8 + 4 + 4 + 2)
        .saturating_add(text)
        .saturating_add(message.data.len())
}

/// Writes `emsg` version 1, whose time is absolute on the track's timeline (ISO/IEC 23009-1 5.10.3.3). An unknown
/// duration is all ones.
pub(crate) fn emsg(message: &Emsg, timescale: u32, time: u64, duration: Option<u32>) -> Bytes {
    let size = emsg_size(message);
    let mut out = Writer::with_capacity(size);
    out.full(*b"emsg", size, 1, 0);
    out.u32(timescale);
    out.u64(time);
    out.u32(duration.unwrap_or(u32::MAX));
    out.u32(message.id);
    out.put(message.scheme_id_uri.as_bytes());
    out.u8(0);
    out.put(message.value.as_bytes());
    out.u8(0);
    out.put(&message.data);
    out.finish()
}

/// Writes `prft`: the wall clock, in nanoseconds since 1970, at a media time of a track.
pub(crate) fn prft(track_id: u32, wall_ns: u64, media_time: u64) -> Bytes {
    let mut out = Writer::with_capacity(PRFT);
    out.full(*b"prft", PRFT, 1, PRFT_REAL_TIME);
    out.u32(track_id);
    let seconds = wall_ns / 1_000_000_000 + NTP_EPOCH_S;
    let fraction = ((wall_ns % 1_000_000_000) << 32) / 1_000_000_000;
    // The seconds of NTP's first era end in 2036; they wrap there, as the specification says.
    out.u64(seconds << 32 | fraction);
    out.u64(media_time);
    out.finish()
}

const _: () = assert!(PRFT == BOX + 24, "as ISO/IEC 14496-12 has it");
