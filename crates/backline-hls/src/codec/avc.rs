//! H.264: avcC (ISO/IEC 14496-15 5.3.3.1) and the sequence parameter set (ITU-T H.264 7.3.2.1.1).

use core::fmt::Write as _;

use nom::multi::length_data;
use nom::number::complete::{be_u8, be_u16};

use super::bits::{Bits, frame_rate};
use super::cursor::Cursor;
use super::{Facts, Fault};
use crate::{Limits, RecordProblem};

pub(super) fn parse(record: &[u8], limits: &Limits) -> Result<Facts, Fault> {
    let mut cursor = Cursor::new(record, SPEC_RECORD);
    let version = cursor.read("configurationVersion", be_u8)?;
    if version != VERSION {
        return Err(cursor.wrong(0, "configurationVersion", version, "1"));
    }
    let profile = (be_u8, be_u8, be_u8);
    let (idc, compatibility, level) = cursor.read("AVCProfileIndication", profile)?;
    let at = cursor.at();
    let length_size = cursor.read("lengthSizeMinusOne", be_u8)? & 0x03;
    if length_size == 2 {
        return Err(cursor.wrong(at, "lengthSizeMinusOne", length_size, "0, 1 or 3"));
    }
    let mut sets = 0usize;
    let mut first = None;
    for (field, mask) in [
        ("sequenceParameterSet", 0x1f),
        ("pictureParameterSet", 0xff),
    ] {
        for _ in 0..cursor.read("numOfParameterSets", be_u8)? & mask {
            sets = sets.saturating_add(1);
            if sets > limits.parameter_sets {
                return Err(too_many(cursor.at(), sets, limits));
            }
            let at = cursor.at().saturating_add(2);
            let unit = cursor.read(field, length_data(be_u16))?;
            first.get_or_insert((at, unit, field));
        }
    }
    let Some((at, unit, "sequenceParameterSet")) = first else {
        return Err(cursor.missing("sequence parameter set"));
    };
    let picture = sequence(unit, at)?;
    let mut codecs = String::with_capacity("avc1.64001F".len());
    let _ = write!(codecs, "avc1.{idc:02X}{compatibility:02X}{level:02X}");
    Ok(Facts {
        codecs,
        body: 0..record.len(),
        ..picture
    })
}

pub(super) fn too_many(at: usize, count: usize, limits: &Limits) -> Fault {
    let limit = limits.parameter_sets;
    Fault {
        at,
        problem: RecordProblem::ParameterSets { count, limit },
    }
}

/// Gives size, frame rate and transfer characteristics.
fn sequence(unit: &[u8], base: usize) -> Result<Facts, Fault> {
    let mut bits = Bits::nal(unit, base, SPEC_SPS);
    let header = bits.u(8, "nal_unit_type")?;
    if header & 0x9f != NAL_SPS {
        return Err(bits.wrong("nal_unit_type", header & 0x1f, "7"));
    }
    let profile = bits.u(8, "profile_idc")?;
    bits.skip(16, "level_idc")?;
    bits.ue_max(31, "seq_parameter_set_id", "0 to 31")?;
    let chroma = if HIGH_PROFILES.contains(&profile) {
        high_profile(&mut bits)?
    } else {
        CHROMA_420
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
    let resolution = crop(&mut bits, (width, height), (unit_x, unit_y))?;
    let mut facts = Facts {
        resolution: Some(resolution),
        ..Facts::default()
    };
    // What cannot be read of it costs hints, and not the picture.
    let _ = usability(&mut bits, &mut facts);
    Ok(facts)
}

/// Reads a cropping rectangle, as H.264 and H.265 write it, in `units` of pixels.
pub(super) fn crop(
    bits: &mut Bits<'_>,
    size: (u32, u32),
    units: (u32, u32),
) -> Result<(u32, u32), Fault> {
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

/// Reads what only the high profiles have, and gives the chroma array type.
fn high_profile(bits: &mut Bits<'_>) -> Result<u32, Fault> {
    let chroma = bits.ue_max(3, "chroma_format_idc", "0 to 3")?;
    let separate = chroma == CHROMA_444 && bits.flag("separate_colour_plane_flag")?;
    bits.ue_max(6, "bit_depth_luma_minus8", "0 to 6")?;
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
    Ok(if separate { 0 } else { chroma })
}

fn scaling_list(bits: &mut Bits<'_>, size: u32) -> Result<(), Fault> {
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

fn picture_order(bits: &mut Bits<'_>) -> Result<(), Fault> {
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

/// Reads the video usability information as far as the clock (ITU-T H.264 E.1.1).
fn usability(bits: &mut Bits<'_>, facts: &mut Facts) -> Result<(), Fault> {
    if !bits.flag("vui_parameters_present_flag")? {
        return Ok(());
    }
    facts.transfer = bits.vui_head()?;
    if bits.flag("timing_info_present_flag")? {
        let units = bits.u(32, "num_units_in_tick")?;
        let scale = bits.u(32, "time_scale")?;
        // The clock counts fields.
        let units = u64::from(units).saturating_mul(2);
        facts.frame_rate = frame_rate(u64::from(scale), units);
    }
    Ok(())
}

const SPEC_RECORD: &str = "ISO/IEC 14496-15 5.3.3.1";
const SPEC_SPS: &str = "ITU-T H.264 7.3.2.1.1";
const VERSION: u8 = 1;
/// `nal_unit_type`, with `forbidden_zero_bit` clear.
const NAL_SPS: u32 = 0x07;
/// Sides of 65,520 pixels: what a sample entry's 16 bits hold.
const BLOCKS_MAX: u32 = 4_094;
const CHROMA_420: u32 = 1;
const CHROMA_444: u32 = 3;
/// Width and height in pixels of one chroma sample, by chroma array type.
pub(super) const CHROMA_UNITS: [(u32, u32); 4] = [(1, 1), (2, 2), (2, 1), (1, 1)];
/// Profiles whose parameter sets say more of chroma.
const HIGH_PROFILES: [u32; 13] = [44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244];
