//! H.264: the record (ISO/IEC 14496-15 5.3.3.1) and the sequence parameter set (ITU-T H.264 7.3.2.1.1).

use super::bits::{Bits, frame_rate};
use super::{Chroma, Picture, parameter_set};
use crate::{Error, Limits};
use alloc::vec::Vec;
use bytes::Bytes;

/// The configuration of H.264.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AvcConfig {
    /// `profile_idc`: 66 Baseline, 77 Main, 100 High.
    pub profile: u8,
    /// The constraint flags, the first one in the highest bit.
    pub constraints: u8,
    /// Ten times the level.
    pub level: u8,
    /// Bytes of the length before each NAL unit of a frame: 1, 2 or 4.
    pub nal_length_bytes: u8,
    /// Sequence parameter sets.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets.
    pub pps: Vec<Bytes>,
    /// What the first sequence parameter set says.
    pub picture: Picture,
}

impl AvcConfig {
    /// Reads a record.
    ///
    /// # Errors
    /// The byte and the field that is wrong, or a breached cap.
    pub fn decode(record: &Bytes, limits: &Limits) -> Result<Self, Error> {
        let mut bits = Bits::plain(record, 0);
        let version = bits.u(8, "configurationVersion")?;
        if version != VERSION {
            return Err(bits.wrong("configurationVersion", version, "1"));
        }
        let profile = bits.u8(8, "AVCProfileIndication")?;
        let constraints = bits.u8(8, "profile_compatibility")?;
        let level = bits.u8(8, "AVCLevelIndication")?;
        let length = bits.u8(8, "lengthSizeMinusOne")? & 0x03;
        if length == 2 {
            return Err(bits.wrong("lengthSizeMinusOne", length, "0, 1 or 3"));
        }
        let (mut sps, mut pps, mut all) = (Vec::new(), Vec::new(), 0);
        for _ in 0..bits.u(8, "numOfSequenceParameterSets")? & 0x1F {
            parameter_set(&mut bits, record, &mut sps, &mut all, limits)?;
        }
        let Some(first) = sps.first() else {
            return Err(bits.wrong("numOfSequenceParameterSets", 0_u32, "1 to 31"));
        };
        // The first set stands after the count and its length.
        let picture = sequence(first, 8)?;
        for _ in 0..bits.u(8, "numOfPictureParameterSets")? {
            parameter_set(&mut bits, record, &mut pps, &mut all, limits)?;
        }
        Ok(Self {
            profile,
            constraints,
            level,
            nal_length_bytes: length.saturating_add(1),
            sps,
            pps,
            picture,
        })
    }
}

fn sequence(unit: &[u8], base: usize) -> Result<Picture, Error> {
    let mut bits = Bits::nal(unit, base);
    let header = bits.u(8, "nal_unit_type")?;
    if header & 0x9F != NAL_SPS {
        return Err(bits.wrong("nal_unit_type", header & 0x1F, "7"));
    }
    let profile = bits.u(8, "profile_idc")?;
    bits.skip(16, "level_idc")?;
    bits.ue_max(31, "seq_parameter_set_id", "0 to 31")?;
    let (chroma, bit_depth) = if HIGH_PROFILES.contains(&profile) {
        high_profile(&mut bits)?
    } else {
        (CHROMA_420, 8)
    };
    bits.ue_max(12, "log2_max_frame_num_minus4", "0 to 12")?;
    picture_order(&mut bits)?;
    bits.ue("max_num_ref_frames")?;
    bits.flag("gaps_in_frame_num_value_allowed_flag")?;
    let width = bits.ue_max(BLOCKS_MAX, "pic_width_in_mbs_minus1", "0 to 4094")?;
    let height = bits.ue_max(BLOCKS_MAX, "pic_height_in_map_units_minus1", "0 to 4094")?;
    let frames_only = bits.flag("frame_mbs_only_flag")?;
    if !frames_only {
        bits.flag("mb_adaptive_frame_field_flag")?;
    }
    bits.flag("direct_8x8_inference_flag")?;
    let fields = if frames_only { 1 } else { 2 };
    let width = width.saturating_add(1).saturating_mul(16);
    let height = height
        .saturating_add(1)
        .saturating_mul(16)
        .saturating_mul(fields);
    let (unit_x, unit_y) = CHROMA_UNITS
        .get(chroma as usize)
        .map_or((1, fields), |(x, y)| (*x, fields.saturating_mul(*y)));
    let (width, height) = crop(&mut bits, (width, height), (unit_x, unit_y))?;
    let mut picture = Picture {
        width,
        height,
        chroma: Chroma::of(chroma),
        bit_depth,
        ..Picture::default()
    };
    // What cannot be read of the usability information is a hint that is missing, and not the picture.
    let _ = usability(&mut bits, &mut picture);
    Ok(picture)
}

/// Reads the video usability information as far as the clock (ITU-T H.264 E.1.1).
fn usability(bits: &mut Bits<'_>, picture: &mut Picture) -> Result<(), Error> {
    if !bits.flag("vui_parameters_present_flag")? {
        return Ok(());
    }
    let head = bits.vui_head()?;
    (picture.sample_aspect, picture.color) = (head.aspect, head.color);
    if bits.flag("timing_info_present_flag")? {
        let units = bits.u(32, "num_units_in_tick")?;
        let scale = bits.u(32, "time_scale")?;
        // The clock counts fields.
        picture.frame_rate = frame_rate(u64::from(scale), u64::from(units).saturating_mul(2));
    }
    Ok(())
}

/// Reads a cropping rectangle, as H.264 and H.265 write it, in `units` of pixels.
pub(super) fn crop(
    bits: &mut Bits<'_>,
    size: (u32, u32),
    units: (u32, u32),
) -> Result<(u32, u32), Error> {
    let field = "frame_cropping_flag";
    if !bits.flag(field)? {
        return Ok(size);
    }
    let mut side = |unit: u32, size: u32| {
        let cut = bits
            .ue("frame_crop_offset")?
            .saturating_add(bits.ue("frame_crop_offset")?);
        let cut = cut.saturating_mul(u64::from(unit));
        match u32::try_from(cut) {
            Ok(cut) if cut < size => Ok(size.saturating_sub(cut)),
            _ => Err(bits.wrong("frame_crop_offset", cut, "less than the picture")),
        }
    };
    Ok((side(units.0, size.0)?, side(units.1, size.1)?))
}

/// Reads what only the high profiles have; returns the chroma format and the bit depth.
fn high_profile(bits: &mut Bits<'_>) -> Result<(u32, u8), Error> {
    let chroma = bits.ue_max(3, "chroma_format_idc", "0 to 3")?;
    if chroma == CHROMA_444 {
        // Planes that are coded apart have the same size, and make the same picture.
        bits.flag("separate_colour_plane_flag")?;
    }
    let depth = bits.ue_max(6, "bit_depth_luma_minus8", "0 to 6")?;
    bits.ue_max(6, "bit_depth_chroma_minus8", "0 to 6")?;
    bits.flag("qpprime_y_zero_transform_bypass_flag")?;
    if bits.flag("seq_scaling_matrix_present_flag")? {
        let lists = if chroma == CHROMA_444 { 12 } else { 8 };
        for list in 0..lists {
            if bits.flag("seq_scaling_list_present_flag")? {
                scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    let depth = u8::try_from(depth).unwrap_or(0).saturating_add(8);
    Ok((chroma, depth))
}

fn scaling_list(bits: &mut Bits<'_>, size: u32) -> Result<(), Error> {
    let mut scale = 8i64;
    for _ in 0..size {
        let delta = bits.se("delta_scale")?;
        scale = scale.saturating_add(delta) & 0xff;
        if scale == 0 {
            // The rest of the list repeats.
            break;
        }
    }
    Ok(())
}

fn picture_order(bits: &mut Bits<'_>) -> Result<(), Error> {
    match bits.ue_max(2, "pic_order_cnt_type", "0 to 2")? {
        0 => {
            bits.ue_max(12, "log2_max_pic_order_cnt_lsb_minus4", "0 to 12")?;
        }
        1 => {
            bits.flag("delta_pic_order_always_zero_flag")?;
            bits.se("offset_for_non_ref_pic")?;
            bits.se("offset_for_top_to_bottom_field")?;
            let field = "num_ref_frames_in_pic_order_cnt_cycle";
            for _ in 0..bits.ue_max(255, field, "0 to 255")? {
                bits.se("offset_for_ref_frame")?;
            }
        }
        _ => {}
    }
    Ok(())
}

const VERSION: u32 = 1;
/// `nal_unit_type`, with `forbidden_zero_bit` clear.
const NAL_SPS: u32 = 0x07;
/// Sides of 65,520 pixels: what a sample entry's 16 bits hold.
const BLOCKS_MAX: u32 = 4_094;
const CHROMA_420: u32 = 1;
const CHROMA_444: u32 = 3;
/// Width and height in pixels of one chroma sample, by chroma format.
pub(super) const CHROMA_UNITS: [(u32, u32); 4] = [(1, 1), (2, 2), (2, 1), (1, 1)];
/// Profiles whose parameter sets say more of chroma.
const HIGH_PROFILES: [u32; 13] = [44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244];
