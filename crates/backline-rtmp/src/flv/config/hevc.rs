//! H.265: the record (ISO/IEC 14496-15 8.3.3.1) and the sequence parameter set (ITU-T H.265 7.3.2.2).

use super::avc::{CHROMA_UNITS, crop};
use super::bits::{Bits, frame_rate};
use super::{Chroma, Picture, parameter_set};
use crate::{Error, Limits};
use alloc::vec::Vec;
use bytes::Bytes;

/// The configuration of H.265.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HevcConfig {
    /// `general_profile_idc`: 1 Main, 2 Main 10.
    pub profile: u8,
    /// Whether it is of the high tier.
    pub high_tier: bool,
    /// Thirty times the level.
    pub level: u8,
    /// `general_profile_compatibility_flags`.
    pub compatibility: u32,
    /// Bytes of the length before each NAL unit of a frame: 1, 2 or 4.
    pub nal_length_bytes: u8,
    /// Video parameter sets.
    pub vps: Vec<Bytes>,
    /// Sequence parameter sets.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets.
    pub pps: Vec<Bytes>,
    /// What the first sequence parameter set says.
    pub picture: Picture,
}

impl HevcConfig {
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
        let space_tier_idc = bits.u8(8, "general_profile_idc")?;
        let compatibility = bits.u(32, "general_profile_compatibility_flags")?;
        bits.skip(48, "general_constraint_indicator_flags")?;
        let level = bits.u8(8, "general_level_idc")?;
        bits.skip(48, "chromaFormat")?;
        let quarter_frames = bits.u(16, "avgFrameRate")?;
        let length = bits.u8(8, "lengthSizeMinusOne")? & 0x03;
        let (mut vps, mut sps, mut pps) = (Vec::new(), Vec::new(), Vec::new());
        let (mut other, mut all, mut first_at) = (Vec::new(), 0, 0);
        for _ in 0..bits.u(8, "numOfArrays")? {
            let kind = bits.u(8, "NAL_unit_type")? & 0x3F;
            for _ in 0..bits.u(16, "numNalus")? {
                let sets = match kind {
                    NAL_VPS => &mut vps,
                    NAL_SPS => &mut sps,
                    NAL_PPS => &mut pps,
                    _ => &mut other,
                };
                if kind == NAL_SPS && sets.is_empty() {
                    first_at = bits.at().saturating_add(2);
                }
                parameter_set(&mut bits, record, sets, &mut all, limits)?;
            }
        }
        let Some(first) = sps.first() else {
            return Err(bits.wrong("numNalus", 0_u32, "a sequence parameter set"));
        };
        let mut picture = sequence(first, first_at)?;
        if picture.frame_rate.is_none() {
            picture.frame_rate = frame_rate(u64::from(quarter_frames), 256);
        }
        Ok(Self {
            profile: space_tier_idc & 0x1F,
            high_tier: space_tier_idc & 0x20 != 0,
            level,
            compatibility,
            nal_length_bytes: length.saturating_add(1),
            vps,
            sps,
            pps,
            picture,
        })
    }
}

fn sequence(unit: &[u8], base: usize) -> Result<Picture, Error> {
    let mut bits = Bits::nal(unit, base);
    let header = bits.u(16, "nal_unit_type")?;
    if header >> 9 != NAL_SPS {
        return Err(bits.wrong("nal_unit_type", header >> 9, "33"));
    }
    bits.u(4, "sps_video_parameter_set_id")?;
    let sub_layers = bits.u(3, "sps_max_sub_layers_minus1")?;
    if sub_layers > 6 {
        return Err(bits.wrong("sps_max_sub_layers_minus1", sub_layers, "0 to 6"));
    }
    bits.flag("sps_temporal_id_nesting_flag")?;
    profile_tier_level(&mut bits, sub_layers)?;
    bits.ue_max(15, "sps_seq_parameter_set_id", "0 to 15")?;
    let chroma = bits.ue_max(3, "chroma_format_idc", "0 to 3")?;
    if chroma == CHROMA_444 {
        bits.flag("separate_colour_plane_flag")?;
    }
    let mut side = |field| match bits.ue_max(SIDE_MAX, field, "1 to 65535")? {
        0 => Err(bits.wrong(field, 0_u32, "1 to 65535")),
        side => Ok(side),
    };
    let size = (
        side("pic_width_in_luma_samples")?,
        side("pic_height_in_luma_samples")?,
    );
    let units = CHROMA_UNITS.get(chroma as usize).copied().unwrap_or((1, 1));
    let (width, height) = crop(&mut bits, size, units)?;
    let depth = bits.ue_max(8, "bit_depth_luma_minus8", "0 to 8")?;
    bits.ue_max(8, "bit_depth_chroma_minus8", "0 to 8")?;
    let mut picture = Picture {
        width,
        height,
        chroma: Chroma::of(chroma),
        bit_depth: u8::try_from(depth).unwrap_or(0).saturating_add(8),
        ..Picture::default()
    };
    // What cannot be read of the usability information is a hint that is missing, and not the picture.
    let _ = usability(&mut bits, sub_layers, &mut picture);
    Ok(picture)
}

/// ITU-T H.265 7.3.3.
fn profile_tier_level(bits: &mut Bits<'_>, sub_layers: u32) -> Result<(), Error> {
    let field = "profile_tier_level";
    bits.skip(PROFILE_BITS, field)?;
    bits.skip(LEVEL_BITS, field)?;
    if sub_layers == 0 {
        return Ok(());
    }
    // Two flags for each of eight sub-layers, of which those that do not exist are reserved.
    let present = bits.u(16, field)?;
    for layer in 0..sub_layers {
        let flags = present >> 14u32.saturating_sub(layer.saturating_mul(2));
        bits.skip(if flags & 0b10 == 0 { 0 } else { PROFILE_BITS }, field)?;
        bits.skip(if flags & 0b01 == 0 { 0 } else { LEVEL_BITS }, field)?;
    }
    Ok(())
}

/// Reads from the picture order to the clock in the video usability information (ITU-T H.265 7.3.2.2, E.2.1).
fn usability(bits: &mut Bits<'_>, sub_layers: u32, picture: &mut Picture) -> Result<(), Error> {
    let order_bits = bits.ue_max(12, "log2_max_pic_order_cnt_lsb_minus4", "0 to 12")?;
    let each = bits.flag("sps_sub_layer_ordering_info_present_flag")?;
    for _ in 0..=if each { sub_layers } else { 0 } {
        for _ in 0..3 {
            bits.ue("sps_max_dec_pic_buffering_minus1")?;
        }
    }
    for _ in 0..6 {
        bits.ue("log2_min_luma_coding_block_size_minus3")?;
    }
    if bits.flag("scaling_list_enabled_flag")? && bits.flag("sps_scaling_list_data_present_flag")? {
        scaling_lists(bits)?;
    }
    bits.skip(2, "sample_adaptive_offset_enabled_flag")?;
    if bits.flag("pcm_enabled_flag")? {
        bits.skip(8, "pcm_sample_bit_depth_luma_minus1")?;
        bits.ue("log2_min_pcm_luma_coding_block_size_minus3")?;
        bits.ue("log2_diff_max_min_pcm_luma_coding_block_size")?;
        bits.flag("pcm_loop_filter_disabled_flag")?;
    }
    reference_sets(bits)?;
    if bits.flag("long_term_ref_pics_present_flag")? {
        for _ in 0..bits.ue_max(32, "num_long_term_ref_pics_sps", "0 to 32")? {
            bits.skip(order_bits.saturating_add(4 + 1), "lt_ref_pic_poc_lsb_sps")?;
        }
    }
    bits.skip(2, "strong_intra_smoothing_enabled_flag")?;
    if !bits.flag("vui_parameters_present_flag")? {
        return Ok(());
    }
    let head = bits.vui_head()?;
    (picture.sample_aspect, picture.color) = (head.aspect, head.color);
    bits.skip(3, "frame_field_info_present_flag")?;
    if bits.flag("default_display_window_flag")? {
        for _ in 0..4 {
            bits.ue("def_disp_win_offset")?;
        }
    }
    if bits.flag("vui_timing_info_present_flag")? {
        let units = bits.u(32, "vui_num_units_in_tick")?;
        let scale = bits.u(32, "vui_time_scale")?;
        picture.frame_rate = frame_rate(u64::from(scale), u64::from(units));
    }
    Ok(())
}

/// ITU-T H.265 7.3.4.
fn scaling_lists(bits: &mut Bits<'_>) -> Result<(), Error> {
    for size_id in 0..4u32 {
        let matrices = if size_id == 3 { 2 } else { 6 };
        for _ in 0..matrices {
            if !bits.flag("scaling_list_pred_mode_flag")? {
                bits.ue("scaling_list_pred_matrix_id_delta")?;
                continue;
            }
            if size_id > 1 {
                bits.se("scaling_list_dc_coef_minus8")?;
            }
            for _ in 0..if size_id == 0 { 16 } else { 64 } {
                bits.se("scaling_list_delta_coef")?;
            }
        }
    }
    Ok(())
}

/// ITU-T H.265 7.3.7, for all sets of a sequence parameter set.
fn reference_sets(bits: &mut Bits<'_>) -> Result<(), Error> {
    let sets = bits.ue_max(64, "num_short_term_ref_pic_sets", "0 to 64")?;
    let mut pictures = 0u32;
    for set in 0..sets {
        if set > 0 && bits.flag("inter_ref_pic_set_prediction_flag")? {
            bits.flag("delta_rps_sign")?;
            bits.ue("abs_delta_rps_minus1")?;
            let mut kept = 0u32;
            for _ in 0..=pictures {
                let used = bits.flag("used_by_curr_pic_flag")? || bits.flag("use_delta_flag")?;
                kept = kept.saturating_add(u32::from(used));
            }
            pictures = kept.min(PICTURES_MAX);
            continue;
        }
        let negative = bits.ue_max(PICTURES_MAX, "num_negative_pics", "0 to 16")?;
        let positive = bits.ue_max(PICTURES_MAX, "num_positive_pics", "0 to 16")?;
        pictures = negative.saturating_add(positive);
        for _ in 0..pictures {
            bits.ue("delta_poc_minus1")?;
            bits.flag("used_by_curr_pic_flag")?;
        }
    }
    Ok(())
}

const VERSION: u32 = 1;
/// NAL unit types of the parameter sets.
const NAL_VPS: u32 = 32;
const NAL_SPS: u32 = 33;
const NAL_PPS: u32 = 34;
const CHROMA_444: u32 = 3;
/// What a sample entry's 16 bits hold.
const SIDE_MAX: u32 = 65_535;
/// The profile of one layer: space, tier, profile, compatibility and constraints.
const PROFILE_BITS: u32 = 88;
const LEVEL_BITS: u32 = 8;
/// A decoded picture buffer holds no more.
const PICTURES_MAX: u32 = 16;
