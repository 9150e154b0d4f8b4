//! Sample entries: what a decoder is set up with (ISO/IEC 14496-12 12, and each codec's own binding).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "sizes of one record, which init has checked"
)]

use super::boxes::{BOX, FULL_BOX, Writer, size_field};
use crate::codec::{Codec, OpusHead, TrackConfig, TrackKind};

/// Bytes of the sample entry with the box of the record in it.
pub(super) fn size(config: &TrackConfig) -> usize {
    fields_size(config.kind()) + config_size(config)
}

/// Width and height where they can be written.
pub(super) fn pixels(config: &TrackConfig) -> Option<(u16, u16)> {
    let (width, height) = config.resolution()?;
    let pair = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    (pair.0 > 0 && pair.1 > 0).then_some(pair)
}

pub(super) fn write(out: &mut Writer, config: &TrackConfig) {
    out.boxed(entry_kind(config.codec()), size(config));
    out.zeros::<6>();
    out.u16(1); // The only data reference.
    match config.kind() {
        TrackKind::Audio => write_audio_fields(out, config),
        TrackKind::Text | TrackKind::Video => write_video_fields(out, config),
    }
    write_config(out, config);
}

fn fields_size(kind: TrackKind) -> usize {
    match kind {
        TrackKind::Audio => BOX + 28,
        TrackKind::Text | TrackKind::Video => BOX + 78,
    }
}

fn write_video_fields(out: &mut Writer, config: &TrackConfig) {
    let (width, height) = pixels(config).unwrap_or((0, 0));
    out.zeros::<16>();
    out.u16(width);
    out.u16(height);
    out.u32(DPI_72);
    out.u32(DPI_72);
    out.zeros::<4>();
    out.u16(1); // Frames a sample.
    out.zeros::<32>(); // Compressor name.
    out.u16(DEPTH_COLOUR);
    out.put(&[0xff, 0xff]);
}

fn write_audio_fields(out: &mut Writer, config: &TrackConfig) {
    out.zeros::<8>();
    out.u16(config.channels().unwrap_or(2));
    out.u16(config.sample_bits());
    out.zeros::<4>();
    // 16 bits hold no 96 kHz: the largest regular division stands here, and the timescale says the truth.
    let mut rate = config.timescale();
    while rate > u32::from(u16::MAX) {
        rate /= 2;
    }
    out.u32(rate << 16);
}

fn entry_kind(codec: Codec) -> [u8; 4] {
    match codec {
        Codec::Aac => *b"mp4a",
        Codec::Ac3 => *b"ac-3",
        Codec::Av1 => *b"av01",
        Codec::Avc => *b"avc1",
        Codec::Eac3 => *b"ec-3",
        Codec::Flac => *b"fLaC",
        // Never hev1: Apple's players want the parameter sets here and nowhere else.
        Codec::Hevc => *b"hvc1",
        Codec::Opus => *b"Opus",
        Codec::Vp9 => *b"vp09",
    }
}

fn config_size(config: &TrackConfig) -> usize {
    let record = config.entry_record().len();
    match config.codec() {
        Codec::Aac => ESDS + record,
        Codec::Ac3 | Codec::Av1 | Codec::Avc | Codec::Eac3 | Codec::Hevc => BOX + record,
        Codec::Flac => FULL_BOX + BLOCK_HEADER + record,
        Codec::Opus => opus_size(&config.opus_head()),
        Codec::Vp9 => FULL_BOX + record,
    }
}

fn write_config(out: &mut Writer, config: &TrackConfig) {
    let (record, size) = (config.entry_record(), config_size(config));
    match config.codec() {
        Codec::Aac => {
            write_esds(out, record);
            return;
        }
        Codec::Opus => {
            write_opus(out, &config.opus_head());
            return;
        }
        Codec::Ac3 => out.boxed(*b"dac3", size),
        Codec::Av1 => out.boxed(*b"av1C", size),
        Codec::Avc => out.boxed(*b"avcC", size),
        Codec::Eac3 => out.boxed(*b"dec3", size),
        Codec::Hevc => out.boxed(*b"hvcC", size),
        Codec::Flac => {
            out.full(*b"dfLa", size, 0, 0);
            out.u32(BLOCK_LAST | size_field(record.len()));
        }
        Codec::Vp9 => out.full(*b"vpcC", size, VPCC_VERSION, 0),
    }
    out.put(record);
}

/// The elementary stream descriptor (ISO/IEC 14496-1 7.2.6, ISO/IEC 14496-14 5.6).
fn write_esds(out: &mut Writer, record: &[u8]) {
    out.full(*b"esds", ESDS + record.len(), 0, 0);
    let specific = DESCRIPTOR + record.len();
    let decoder = DESCRIPTOR + DECODER_FIELDS + specific;
    write_descriptor(out, TAG_ES, ES_FIELDS + decoder + DESCRIPTOR + SL_FIELDS);
    out.zeros::<ES_FIELDS>();
    write_descriptor(out, TAG_DECODER, DECODER_FIELDS + specific);
    out.u8(OBJECT_AAC);
    out.u8(STREAM_AUDIO);
    out.zeros::<11>(); // Buffer size and bit rates: unknown in a live stream.
    write_descriptor(out, TAG_SPECIFIC, record.len());
    out.put(record);
    write_descriptor(out, TAG_SL, SL_FIELDS);
    out.u8(SL_MP4);
}

/// Tag, and the length in four bytes of seven bits.
fn write_descriptor(out: &mut Writer, tag: u8, length: usize) {
    let length = size_field(length);
    out.u8(tag);
    let groups = (length & 0x7f)
        | (length << 1 & 0x7f00)
        | (length << 2 & 0x7f_0000)
        | (length << 3 & 0x7f00_0000);
    out.u32(0x8080_8000 | groups);
}

/// OpusHead, big-endian, version 0 and without its magic (Opus in ISOBMFF 4.3.2).
fn write_opus(out: &mut Writer, head: &OpusHead<'_>) {
    out.boxed(*b"dOps", opus_size(head));
    out.u8(0);
    out.u8(head.channels);
    out.u16(head.pre_skip);
    out.u32(head.input_rate);
    out.put(&head.gain.to_be_bytes());
    out.u8(head.family);
    out.put(head.mapping);
}

fn opus_size(head: &OpusHead<'_>) -> usize {
    BOX + 11 + head.mapping.len()
}

const DPI_72: u32 = 0x0048_0000;
const DEPTH_COLOUR: u16 = 0x0018;
const VPCC_VERSION: u8 = 1;

const TAG_ES: u8 = 0x03;
const TAG_DECODER: u8 = 0x04;
const TAG_SPECIFIC: u8 = 0x05;
const TAG_SL: u8 = 0x06;
/// A descriptor's tag and length.
const DESCRIPTOR: usize = 5;
/// ES_ID, which is 0 in a file, and flags.
const ES_FIELDS: usize = 3;
const DECODER_FIELDS: usize = 13;
const SL_FIELDS: usize = 1;
const ESDS: usize = FULL_BOX
    + DESCRIPTOR
    + ES_FIELDS
    + DESCRIPTOR
    + DECODER_FIELDS
    + DESCRIPTOR
    + DESCRIPTOR
    + SL_FIELDS;
/// MPEG-4 audio.
const OBJECT_AAC: u8 = 0x40;
/// Stream type 5, not upstream, and the reserved bit.
const STREAM_AUDIO: u8 = 0x15;
const SL_MP4: u8 = 0x02;

/// A FLAC metadata block's type and length.
const BLOCK_HEADER: usize = 4;
/// STREAMINFO is block type 0, and here the last one.
const BLOCK_LAST: u32 = 0x8000_0000;
