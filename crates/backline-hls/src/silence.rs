//! Frames of sound in which nothing is heard, to fill a hole with.
//!
//! A hole must be filled with whole frames: players play decoded sound back to back, so a frame that is declared
//! longer than it sounds moves all sound after it against the picture.

use bytes::Bytes;

use crate::codec::{Codec, TrackConfig};

/// AAC-LC, one channel: a single channel element without spectral data.
const AAC_MONO: &[u8] = &[0x00, 0xc8, 0x00, 0x80, 0x23, 0x80];
/// AAC-LC, two channels: a channel pair element without spectral data.
const AAC_STEREO: &[u8] = &[0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80];
/// Opus: 20 ms of CELT at full band (RFC 6716, section 3.1), nothing coded.
const OPUS: &[u8] = &[0xf8, 0xff, 0xfe];

/// A silent frame for a track's decoder, if one is known.
pub(crate) fn silence(config: &TrackConfig) -> Option<Bytes> {
    let frame = match (config.codec(), config.codecs(), config.channels()?) {
        (Codec::Aac, "mp4a.40.2", 1) => AAC_MONO,
        (Codec::Aac, "mp4a.40.2", 2) => AAC_STEREO,
        (Codec::Opus, _, 1 | 2) => OPUS,
        _ => return None,
    };
    Some(Bytes::from_static(frame))
}
