//! VP9: vpcC (VP Codec ISO Media File Format Binding 2.2), and the picture's size, which only key frames have.

use core::fmt::Write as _;

use nom::number::complete::{be_u8, be_u32};

use super::bits::Bits;
use super::cursor::Cursor;
use super::{Facts, Fault};

pub(super) fn parse(record: &[u8]) -> Result<Facts, Fault> {
    let mut cursor = Cursor::new(record, SPEC);
    if record.starts_with(&VERSION_FLAGS) {
        cursor.read("version", be_u32)?;
    }
    let start = cursor.at();
    let (profile, level, depth) = cursor.read("profile", (be_u8, be_u8, be_u8))?;
    if profile > 3 {
        return Err(cursor.wrong(start, "profile", profile, "0 to 3"));
    }
    let depth = depth >> 4;
    if !matches!(depth, 8 | 10 | 12) {
        let at = start.saturating_add(2);
        return Err(cursor.wrong(at, "bitDepth", depth, "8, 10 or 12"));
    }
    let colours = (be_u8, be_u8, be_u8, be_u8, be_u8);
    let (_, transfer, _, _, _) = cursor.read("colourPrimaries", colours)?;
    let mut codecs = String::with_capacity("vp09.00.31.08".len());
    let _ = write!(codecs, "vp09.{profile:02}.{level:02}.{depth:02}");
    Ok(Facts {
        codecs,
        transfer: Some(transfer),
        body: start..record.len(),
        ..Facts::default()
    })
}

/// Width and height in pixels of a key frame (`uncompressed_header`). Of a superframe it is the first frame's, on which
/// the others depend.
pub(super) fn frame_size(frame: &[u8]) -> Result<(u32, u32), Fault> {
    let mut bits = Bits::plain(frame, 0, SPEC_FRAME);
    let marker = bits.u(2, "frame_marker")?;
    if marker != FRAME_MARKER {
        return Err(bits.wrong("frame_marker", marker, "2"));
    }
    let profile = bits.u(1, "profile_low_bit")? | bits.u(1, "profile_high_bit")? << 1;
    if profile == 3 {
        bits.skip(1, "reserved_zero")?;
    }
    if bits.flag("show_existing_frame")? {
        return Err(bits.wrong("show_existing_frame", 1u8, "0 in a key frame"));
    }
    if bits.flag("frame_type")? {
        return Err(bits.wrong("frame_type", 1u8, "0 for a key frame"));
    }
    bits.skip(2, "show_frame")?;
    let code = bits.u(24, "frame_sync_code")?;
    if code != SYNC_CODE {
        return Err(bits.wrong("frame_sync_code", code, "0x498342"));
    }
    if profile >= 2 {
        bits.skip(1, "ten_or_twelve_bit")?;
    }
    // Profiles 1 and 3 say how colour is subsampled; RGB has no range either.
    let rgb = bits.u(3, "color_space")? == COLOUR_RGB;
    let range = u32::from(!rgb);
    let subsampling = match (profile & 1 == 1, rgb) {
        (true, false) => 3,
        (true, true) => 1,
        (false, _) => 0,
    };
    bits.skip(range.saturating_add(subsampling), "color_range")?;
    let width = bits.u(16, "frame_width_minus_1")?.saturating_add(1);
    let height = bits.u(16, "frame_height_minus_1")?.saturating_add(1);
    Ok((width, height))
}

const SPEC: &str = "VP Codec ISO Media File Format Binding 2.2";
const SPEC_FRAME: &str = "VP9 Bitstream Specification 6.2";
const FRAME_MARKER: u32 = 2;
const SYNC_CODE: u32 = 0x0049_8342;
const COLOUR_RGB: u32 = 7;
/// Version 1 and no flags, which FFmpeg sends before the record itself. No record begins so: its third byte holds a bit
/// depth.
const VERSION_FLAGS: [u8; 4] = [1, 0, 0, 0];
