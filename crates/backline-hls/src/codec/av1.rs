//! AV1: av1C (AV1 in ISOBMFF 2.3.3) and the sequence header (AV1 5.5).

use core::fmt::Write as _;

use nom::bytes::complete::take;
use nom::number::complete::be_u8;

use super::bits::{Bits, frame_rate};
use super::cursor::Cursor;
use super::{Facts, Fault};

pub(super) fn parse(record: &[u8]) -> Result<Facts, Fault> {
    let mut cursor = Cursor::new(record, SPEC_RECORD);
    let version = cursor.read("marker and version", be_u8)?;
    if version != MARKER_VERSION {
        return Err(cursor.wrong(0, "marker and version", version, "129"));
    }
    let (profile_level, sample) = cursor.read("seq_profile", (be_u8, be_u8))?;
    cursor.read("initial_presentation_delay", be_u8)?;
    let (profile, level) = (profile_level >> 5, profile_level & 0x1f);
    let tier = if sample & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match (sample & 0x40 != 0, sample & 0x20 != 0) {
        (false, _) => 8,
        (true, true) if profile == PROFILE_PROFESSIONAL => 12,
        (true, _) => 10,
    };
    let mut codecs = String::with_capacity("av01.0.08M.10".len());
    let _ = write!(codecs, "av01.{profile}.{level:02}{tier}.{depth:02}");
    let mut facts = Facts {
        codecs,
        ..Facts::of(record)
    };
    while !cursor.rest().is_empty() {
        if let Some((at, header)) = unit(&mut cursor)? {
            sequence(header, at, &mut facts)?;
            break;
        }
    }
    Ok(facts)
}

/// What the sequence header of a key frame says, where the record has none.
pub(super) fn of_sample(sample: &[u8], known: &Facts) -> Result<Facts, Fault> {
    let mut cursor = Cursor::new(sample, SPEC_SEQUENCE);
    loop {
        if cursor.rest().is_empty() {
            return Err(cursor.missing("sequence header"));
        }
        if let Some((at, header)) = unit(&mut cursor)? {
            let mut facts = known.clone();
            sequence(header, at, &mut facts)?;
            return Ok(facts);
        }
    }
}

/// Passes one OBU (AV1 5.3), and gives its payload if it is a sequence header.
fn unit<'a>(cursor: &mut Cursor<'a>) -> Result<Option<(usize, &'a [u8])>, Fault> {
    let at = cursor.at();
    let header = cursor.read("obu_header", be_u8)?;
    if header & OBU_FORBIDDEN != 0 {
        return Err(cursor.wrong(at, "obu_forbidden_bit", 1u8, "0"));
    }
    if header & OBU_HAS_SIZE == 0 {
        return Err(cursor.wrong(at, "obu_has_size_field", 0u8, "1"));
    }
    if header & OBU_EXTENSION != 0 {
        cursor.read("obu_extension_header", be_u8)?;
    }
    let size_at = cursor.at();
    let mut size = 0u64;
    for group in 0..LEB128_MAX {
        let byte = cursor.read("obu_size", be_u8)?;
        size |= u64::from(byte & 0x7f) << group.saturating_mul(7);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let Ok(size) = u32::try_from(size) else {
        return Err(cursor.wrong(size_at, "obu_size", size, "at most 32 bits"));
    };
    let at = cursor.at();
    let payload = cursor.read("obu payload", take(size))?;
    let sequence = header >> 3 & 0x0f == OBU_SEQUENCE_HEADER;
    Ok(sequence.then_some((at, payload)))
}

type Pair = Option<(u32, u32)>;

/// Reads frame rate, size and transfer characteristics.
fn sequence(header: &[u8], base: usize, facts: &mut Facts) -> Result<(), Fault> {
    let mut bits = Bits::plain(header, base, SPEC_SEQUENCE);
    let profile = bits.u(3, "seq_profile")?;
    bits.skip(1, "still_picture")?;
    let reduced = bits.flag("reduced_still_picture_header")?;
    if reduced {
        bits.skip(5, "seq_level_idx")?;
    } else {
        let mut delay_bits = None;
        if bits.flag("timing_info_present_flag")? {
            facts.frame_rate = timing(&mut bits)?;
            delay_bits = decoder_model(&mut bits)?;
        }
        operating_points(&mut bits, delay_bits)?;
    }
    let width_bits = bits.u(4, "frame_width_bits_minus_1")?;
    let height_bits = bits.u(4, "frame_height_bits_minus_1")?;
    let width = bits.u(width_bits.saturating_add(1), "max_frame_width_minus_1")?;
    let height = bits.u(height_bits.saturating_add(1), "max_frame_height_minus_1")?;
    facts.resolution = Some((width.saturating_add(1), height.saturating_add(1)));
    // What cannot be read of the colours costs a hint, and not the picture.
    facts.transfer = transfer(&mut bits, profile, reduced).ok().flatten();
    Ok(())
}

/// Reads from behind the frame size to `transfer_characteristics` of the colour configuration (AV1 5.5.2).
fn transfer(bits: &mut Bits<'_>, profile: u32, reduced: bool) -> Result<Option<u8>, Fault> {
    if !reduced && bits.flag("frame_id_numbers_present_flag")? {
        bits.skip(4 + 3, "delta_frame_id_length_minus_2")?;
    }
    bits.skip(3, "use_128x128_superblock")?;
    if !reduced {
        bits.skip(4, "enable_interintra_compound")?;
        let order_hint = bits.flag("enable_order_hint")?;
        bits.skip(if order_hint { 2 } else { 0 }, "enable_jnt_comp")?;
        let choose = bits.flag("seq_choose_screen_content_tools")?;
        if (choose || bits.flag("seq_force_screen_content_tools")?)
            && !bits.flag("seq_choose_integer_mv")?
        {
            bits.skip(1, "seq_force_integer_mv")?;
        }
        bits.skip(if order_hint { 3 } else { 0 }, "order_hint_bits_minus_1")?;
    }
    bits.skip(3, "enable_superres")?;
    let high = bits.flag("high_bitdepth")?;
    let professional = profile == u32::from(PROFILE_PROFESSIONAL);
    bits.skip(u32::from(high && professional), "twelve_bit")?;
    bits.skip(u32::from(profile != PROFILE_HIGH), "mono_chrome")?;
    if !bits.flag("color_description_present_flag")? {
        return Ok(None);
    }
    bits.skip(8, "color_primaries")?;
    Ok(u8::try_from(bits.u(8, "transfer_characteristics")?).ok())
}

fn timing(bits: &mut Bits<'_>) -> Result<Pair, Fault> {
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
fn decoder_model(bits: &mut Bits<'_>) -> Result<Option<u32>, Fault> {
    if !bits.flag("decoder_model_info_present_flag")? {
        return Ok(None);
    }
    let delay_bits = bits.u(5, "buffer_delay_length_minus_1")?.saturating_add(1);
    bits.skip(32 + 5 + 5, "num_units_in_decoding_tick")?;
    Ok(Some(delay_bits))
}

fn operating_points(bits: &mut Bits<'_>, delay_bits: Option<u32>) -> Result<(), Fault> {
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

const SPEC_RECORD: &str = "AV1 in ISOBMFF 2.3.3";
const SPEC_SEQUENCE: &str = "AV1 5.5.1";
const MARKER_VERSION: u8 = 0x81;
const PROFILE_HIGH: u32 = 1;
const PROFILE_PROFESSIONAL: u8 = 2;
const OBU_FORBIDDEN: u8 = 0x80;
const OBU_EXTENSION: u8 = 0x04;
const OBU_HAS_SIZE: u8 = 0x02;
const OBU_SEQUENCE_HEADER: u8 = 1;
/// Bytes of the longest variable-length number.
const LEB128_MAX: u32 = 8;
/// Levels to 3.3 have no high tier.
const LEVEL_WITHOUT_TIER: u32 = 7;
