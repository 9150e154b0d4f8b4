//! VP9: vpcC (VP Codec ISO Media File Format Binding 2.2).

use core::fmt::Write as _;

use nom::number::complete::{be_u8, be_u32};

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

const SPEC: &str = "VP Codec ISO Media File Format Binding 2.2";
/// Version 1 and no flags, which FFmpeg sends before the record itself. No record begins so: its third byte holds a bit
/// depth.
const VERSION_FLAGS: [u8; 4] = [1, 0, 0, 0];
