//! AV1: the record (AV1 in ISOBMFF 2.3.3) and the sequence header (AV1 5.5).

use super::bits::{Bits, UNSPECIFIED, frame_rate};
use super::{Chroma, Color, Picture};
use crate::Error;
use bytes::Bytes;
use core::ops::Range;

/// The configuration of AV1.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Av1Config {
    /// `seq_profile`: 0 Main, 1 High, 2 Professional.
    pub profile: u8,
    /// `seq_level_idx` of the first operating point.
    pub level: u8,
    /// Whether it is of the high tier.
    pub high_tier: bool,
    /// How colour is sampled.
    pub chroma: Chroma,
    /// Bits of a sample.
    pub bit_depth: u8,
    /// What the sequence header says, where the record has one.
    pub picture: Option<Picture>,
    /// The OBUs of the record.
    pub obus: Bytes,
}

impl Av1Config {
    /// Reads a record.
    ///
    /// # Errors
    /// The byte and the field that is wrong.
    pub fn decode(record: &Bytes) -> Result<Self, Error> {
        let mut bits = Bits::plain(record, 0);
        let version = bits.u(8, "marker and version")?;
        if version != MARKER_VERSION {
            return Err(bits.wrong("marker and version", version, "129"));
        }
        let profile = bits.u8(3, "seq_profile")?;
        let level = bits.u8(5, "seq_level_idx_0")?;
        let high_tier = bits.flag("seq_tier_0")?;
        let high_bit_depth = bits.flag("high_bitdepth")?;
        let twelve_bit = bits.flag("twelve_bit")?;
        let monochrome = bits.flag("monochrome")?;
        let subsampling = (
            bits.flag("chroma_subsampling_x")?,
            bits.flag("chroma_subsampling_y")?,
        );
        bits.skip(2, "chroma_sample_position")?;
        bits.skip(8, "initial_presentation_delay")?;
        let bit_depth = match (high_bit_depth, twelve_bit) {
            (false, _) => 8,
            (true, true) if profile == PROFILE_PROFESSIONAL => 12,
            (true, _) => 10,
        };
        let chroma = match (monochrome, subsampling) {
            (true, _) => Chroma::Monochrome,
            (false, (true, true)) => Chroma::Yuv420,
            (false, (true, false)) => Chroma::Yuv422,
            (false, _) => Chroma::Yuv444,
        };
        let obus = record.slice(bits.at()..);
        let mut picture = None;
        while !bits.is_empty() && picture.is_none() {
            if let Some(place) = unit(&mut bits)? {
                let header = record.get(place.clone()).unwrap_or(&[]);
                picture = Some(Picture {
                    chroma,
                    bit_depth,
                    ..sequence(header, place.start)?
                });
            }
        }
        Ok(Self {
            profile,
            level,
            high_tier,
            chroma,
            bit_depth,
            picture,
            obus,
        })
    }
}

/// Passes one OBU (AV1 5.3); returns where its payload stands, if it is a sequence header.
fn unit(bits: &mut Bits<'_>) -> Result<Option<Range<usize>>, Error> {
    let header = bits.u(8, "obu_header")?;
    if header & OBU_FORBIDDEN != 0 {
        return Err(bits.wrong("obu_forbidden_bit", 1_u32, "0"));
    }
    if header & OBU_HAS_SIZE == 0 {
        return Err(bits.wrong("obu_has_size_field", 0_u32, "1"));
    }
    if header & OBU_EXTENSION != 0 {
        bits.skip(8, "obu_extension_header")?;
    }
    let mut size = 0_u64;
    for group in 0..LEB128_MAX {
        let byte = u64::from(bits.u(8, "obu_size")?);
        size |= (byte & 0x7F) << group.saturating_mul(7);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let Ok(size) = u32::try_from(size) else {
        return Err(bits.wrong("obu_size", size, "at most 32 bits"));
    };
    let place = bits.bytes(size as usize)?;
    Ok((header >> 3 & 0x0F == OBU_SEQUENCE_HEADER).then_some(place))
}

type Pair = Option<(u32, u32)>;

/// Reads as far as the colours; sampling and depth stand in the record.
fn sequence(header: &[u8], base: usize) -> Result<Picture, Error> {
    let mut bits = Bits::plain(header, base);
    let mut rate = None;
    let profile = bits.u8(3, "seq_profile")?;
    bits.flag("still_picture")?;
    let reduced = bits.flag("reduced_still_picture_header")?;
    if reduced {
        bits.skip(5, "seq_level_idx")?;
    } else {
        let mut delay_bits = None;
        if bits.flag("timing_info_present_flag")? {
            rate = timing(&mut bits)?;
            delay_bits = decoder_model(&mut bits)?;
        }
        operating_points(&mut bits, delay_bits)?;
    }
    let width_bits = bits.u(4, "frame_width_bits_minus_1")?;
    let height_bits = bits.u(4, "frame_height_bits_minus_1")?;
    let width = bits.u(width_bits.saturating_add(1), "max_frame_width_minus_1")?;
    let height = bits.u(height_bits.saturating_add(1), "max_frame_height_minus_1")?;
    // Colours that cannot be read are a hint that is missing, and not the picture.
    let color = tools(&mut bits, reduced)
        .and_then(|()| color(&mut bits, profile))
        .unwrap_or(None);
    Ok(Picture {
        width: width.saturating_add(1),
        height: height.saturating_add(1),
        frame_rate: rate,
        color,
        ..Picture::default()
    })
}

/// Reads what stands between the frame size and the colours (AV1 5.5.1).
fn tools(bits: &mut Bits<'_>, reduced: bool) -> Result<(), Error> {
    if !reduced && bits.flag("frame_id_numbers_present_flag")? {
        bits.skip(4 + 3, "delta_frame_id_length_minus_2")?;
    }
    bits.skip(3, "use_128x128_superblock")?;
    if !reduced {
        bits.skip(4, "enable_interintra_compound")?;
        let order_hint = bits.flag("enable_order_hint")?;
        if order_hint {
            bits.skip(2, "enable_jnt_comp")?;
        }
        let screen = if bits.flag("seq_choose_screen_content_tools")? {
            true
        } else {
            bits.flag("seq_force_screen_content_tools")?
        };
        if screen && !bits.flag("seq_choose_integer_mv")? {
            bits.flag("seq_force_integer_mv")?;
        }
        if order_hint {
            bits.skip(3, "order_hint_bits_minus_1")?;
        }
    }
    bits.skip(3, "enable_superres")
}

/// Reads the colour configuration (AV1 5.5.2) as far as the range; none, if nothing is described and the range is the
/// usual one.
fn color(bits: &mut Bits<'_>, profile: u8) -> Result<Option<Color>, Error> {
    if bits.flag("high_bitdepth")? && profile == PROFILE_PROFESSIONAL {
        bits.flag("twelve_bit")?;
    }
    let monochrome = profile != PROFILE_HIGH && bits.flag("mono_chrome")?;
    let described = bits.flag("color_description_present_flag")?;
    let mut color = Color {
        primaries: UNSPECIFIED,
        transfer: UNSPECIFIED,
        matrix: UNSPECIFIED,
        full_range: true,
    };
    if described {
        color.primaries = bits.u8(8, "color_primaries")?;
        color.transfer = bits.u8(8, "transfer_characteristics")?;
        color.matrix = bits.u8(8, "matrix_coefficients")?;
    }
    if monochrome || (color.primaries, color.transfer, color.matrix) != SRGB {
        color.full_range = bits.flag("color_range")?;
    }
    Ok((described || color.full_range).then_some(color))
}

fn timing(bits: &mut Bits<'_>) -> Result<Pair, Error> {
    let units = bits.u(32, "num_units_in_display_tick")?;
    let scale = bits.u(32, "time_scale")?;
    if !bits.flag("equal_picture_interval")? {
        return Ok(None);
    }
    let ticks = bits.ue("num_ticks_per_picture_minus_1")?.saturating_add(1);
    Ok(frame_rate(
        u64::from(scale),
        u64::from(units).saturating_mul(ticks),
    ))
}

/// Gives the width of the operating points' delays, if they have any.
fn decoder_model(bits: &mut Bits<'_>) -> Result<Option<u32>, Error> {
    if !bits.flag("decoder_model_info_present_flag")? {
        return Ok(None);
    }
    let delay_bits = bits.u(5, "buffer_delay_length_minus_1")?.saturating_add(1);
    bits.skip(32 + 5 + 5, "num_units_in_decoding_tick")?;
    Ok(Some(delay_bits))
}

fn operating_points(bits: &mut Bits<'_>, delay_bits: Option<u32>) -> Result<(), Error> {
    let display_delay = bits.flag("initial_display_delay_present_flag")?;
    for _ in 0..=bits.u(5, "operating_points_cnt_minus_1")? {
        bits.skip(12, "operating_point_idc")?;
        if bits.u(5, "seq_level_idx")? > LEVEL_WITHOUT_TIER {
            bits.flag("seq_tier")?;
        }
        if let Some(width) = delay_bits
            && bits.flag("decoder_model_present_for_this_op")?
        {
            bits.skip(
                width.saturating_mul(2).saturating_add(1),
                "decoder_buffer_delay",
            )?;
        }
        if display_delay && bits.flag("initial_display_delay_present_for_this_op")? {
            bits.skip(4, "initial_display_delay_minus_1")?;
        }
    }
    Ok(())
}

const MARKER_VERSION: u32 = 0x81;
const PROFILE_HIGH: u8 = 1;
const PROFILE_PROFESSIONAL: u8 = 2;
/// Primaries, transfer and matrix of sRGB, whose range is always full.
const SRGB: (u8, u8, u8) = (1, 13, 0);
const OBU_FORBIDDEN: u32 = 0x80;
const OBU_EXTENSION: u32 = 0x04;
const OBU_HAS_SIZE: u32 = 0x02;
const OBU_SEQUENCE_HEADER: u32 = 1;
/// Bytes of the longest variable-length number.
const LEB128_MAX: u32 = 8;
/// Levels to 3.3 have no high tier.
const LEVEL_WITHOUT_TIER: u32 = 7;
