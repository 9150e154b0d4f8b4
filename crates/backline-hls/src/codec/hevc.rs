//! H.265: hvcC (ISO/IEC 14496-15 8.3.3.1) and the sequence parameter set (ITU-T H.265 7.3.2.2).

use core::fmt::Write as _;

use nom::multi::length_data;
use nom::number::complete::{be_u8, be_u16, be_u32};

use super::avc::{CHROMA_UNITS, crop, too_many};
use super::bits::{Bits, frame_rate};
use super::cursor::Cursor;
use super::{Facts, Fault};
use crate::Limits;

pub(super) fn parse(record: &[u8], limits: &Limits) -> Result<Facts, Fault> {
    let mut cursor = Cursor::new(record, SPEC_RECORD);
    let version = cursor.read("configurationVersion", be_u8)?;
    if version != VERSION {
        return Err(cursor.wrong(0, "configurationVersion", version, "1"));
    }
    let profile = Profile {
        space_tier_idc: cursor.read("general_profile_idc", be_u8)?,
        compatibility: cursor.read("general_profile_compatibility_flags", be_u32)?,
        constraints: cursor.read(
            "general_constraint_indicator_flags",
            nom::bytes::complete::take(6usize),
        )?,
        level: cursor.read("general_level_idc", be_u8)?,
    };
    cursor.read("chromaFormat", nom::bytes::complete::take(6usize))?;
    let quarter_frames = cursor.read("avgFrameRate", be_u16)?;
    cursor.read("lengthSizeMinusOne", be_u8)?;
    let mut sets = 0usize;
    let mut first = None;
    for _ in 0..cursor.read("numOfArrays", be_u8)? {
        let kind = cursor.read("NAL_unit_type", be_u8)? & 0x3f;
        for _ in 0..cursor.read("numNalus", be_u16)? {
            sets = sets.saturating_add(1);
            if sets > limits.parameter_sets {
                return Err(too_many(cursor.at(), sets, limits));
            }
            let at = cursor.at().saturating_add(2);
            let unit = cursor.read("nalUnit", length_data(be_u16))?;
            if kind == NAL_SPS && first.is_none() {
                first = Some((at, unit));
            }
        }
    }
    let Some((at, unit)) = first else {
        return Err(cursor.missing("sequence parameter set"));
    };
    let picture = sequence(unit, at)?;
    let average = || frame_rate(u64::from(quarter_frames), 256);
    Ok(Facts {
        codecs: profile.codecs(),
        frame_rate: picture.frame_rate.or_else(average),
        body: 0..record.len(),
        ..picture
    })
}

/// What the RFC 6381 string is made of (ISO/IEC 14496-15 E.3).
struct Profile<'a> {
    space_tier_idc: u8,
    compatibility: u32,
    constraints: &'a [u8],
    level: u8,
}

impl Profile<'_> {
    fn codecs(&self) -> String {
        let mut codecs = String::with_capacity("hvc1.C31.FFFFFFFF.H255.FF.FF.FF.FF.FF.FF".len());
        codecs.push_str("hvc1.");
        codecs.push_str(match self.space_tier_idc >> 6 {
            0 => "",
            1 => "A",
            2 => "B",
            _ => "C",
        });
        let idc = self.space_tier_idc & 0x1f;
        let tier = if self.space_tier_idc & 0x20 == 0 {
            'L'
        } else {
            'H'
        };
        let compatibility = self.compatibility.reverse_bits();
        let _ = write!(codecs, "{idc}.{compatibility:X}.{tier}{}", self.level);
        let used = self.constraints.iter().rposition(|byte| *byte != 0);
        for byte in self
            .constraints
            .iter()
            .take(used.map_or(0, |last| last.saturating_add(1)))
        {
            let _ = write!(codecs, ".{byte:02X}");
        }
        codecs
    }
}

/// Gives size, frame rate and transfer characteristics.
fn sequence(unit: &[u8], base: usize) -> Result<Facts, Fault> {
    let mut bits = Bits::nal(unit, base, SPEC_SPS);
    let header = bits.u(16, "nal_unit_type")?;
    if header >> 9 != u32::from(NAL_SPS) {
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
    let separate = chroma == CHROMA_444 && bits.flag("separate_colour_plane_flag")?;
    let mut side = |field| {
        let side = bits.ue_max(SIDE_MAX, field, "1 to 65535")?;
        if side == 0 {
            Err(bits.wrong(field, side, "1 to 65535"))
        } else {
            Ok(side)
        }
    };
    let size = (
        side("pic_width_in_luma_samples")?,
        side("pic_height_in_luma_samples")?,
    );
    let chroma = if separate { 0 } else { chroma };
    let units = CHROMA_UNITS.get(chroma as usize).copied().unwrap_or((1, 1));
    let resolution = crop(&mut bits, size, units)?;
    let mut facts = Facts {
        resolution: Some(resolution),
        ..Facts::default()
    };
    // What cannot be read of it costs hints, and not the picture.
    let _ = usability(&mut bits, sub_layers, &mut facts);
    Ok(facts)
}

/// ITU-T H.265 7.3.3.
fn profile_tier_level(bits: &mut Bits<'_>, sub_layers: u32) -> Result<(), Fault> {
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

/// Reads from the bit depths to the clock in the video usability information (ITU-T H.265 7.3.2.2, E.2.1).
fn usability(bits: &mut Bits<'_>, sub_layers: u32, facts: &mut Facts) -> Result<(), Fault> {
    bits.ue("bit_depth_luma_minus8")?;
    bits.ue("bit_depth_chroma_minus8")?;
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
    facts.transfer = bits.vui_head()?;
    bits.skip(3, "frame_field_info_present_flag")?;
    if bits.flag("default_display_window_flag")? {
        for _ in 0..4 {
            bits.ue("def_disp_win_offset")?;
        }
    }
    if bits.flag("vui_timing_info_present_flag")? {
        let units = bits.u(32, "vui_num_units_in_tick")?;
        let scale = bits.u(32, "vui_time_scale")?;
        facts.frame_rate = frame_rate(u64::from(scale), u64::from(units));
    }
    Ok(())
}

/// ITU-T H.265 7.3.4.
fn scaling_lists(bits: &mut Bits<'_>) -> Result<(), Fault> {
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
fn reference_sets(bits: &mut Bits<'_>) -> Result<(), Fault> {
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

const SPEC_RECORD: &str = "ISO/IEC 14496-15 8.3.3.1";
const SPEC_SPS: &str = "ITU-T H.265 7.3.2.2";
const VERSION: u8 = 1;
const NAL_SPS: u8 = 33;
const CHROMA_444: u32 = 3;
/// What a sample entry's 16 bits hold.
const SIDE_MAX: u32 = 65_535;
/// The profile of one layer: space, tier, profile, compatibility and constraints.
const PROFILE_BITS: u32 = 88;
const LEVEL_BITS: u32 = 8;
/// A decoded picture buffer holds no more.
const PICTURES_MAX: u32 = 16;
