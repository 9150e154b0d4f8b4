//! Bits of parameter sets and sequence headers, most significant first.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counters of bits and bytes inside a slice, and shifts below the widths"
)]

use super::Color;
use crate::Error;
use core::ops::Range;

/// A reader of bits, which skips emulation prevention bytes where the syntax has them.
#[derive(Clone, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Index of the next byte to load.
    next: usize,
    current: u8,
    /// Unread bits of `current`.
    left: u32,
    /// Zero bytes in a row before `next`; 0 for ever where nothing is escaped.
    zeros: u32,
    escaped: bool,
    /// Where `bytes` begin in the record.
    base: usize,
}

impl<'a> Bits<'a> {
    /// Reads plain bits of what begins at byte `base` of a record.
    pub(super) fn plain(bytes: &'a [u8], base: usize) -> Self {
        Self {
            bytes,
            next: 0,
            current: 0,
            left: 0,
            zeros: 0,
            escaped: false,
            base,
        }
    }

    /// Reads the bits of a NAL unit: 0x03 after two zero bytes is not part of them.
    pub(super) fn nal(bytes: &'a [u8], base: usize) -> Self {
        Self {
            escaped: true,
            ..Self::plain(bytes, base)
        }
    }

    /// Reads one bit; its name is for the reader of the code.
    pub(super) fn flag(&mut self, _field: &'static str) -> Result<bool, Error> {
        if self.left == 0 {
            self.load()?;
        }
        self.left -= 1;
        Ok(self.current >> self.left & 1 == 1)
    }

    /// Reads at most 32 bits.
    pub(super) fn u(&mut self, count: u32, _field: &'static str) -> Result<u32, Error> {
        debug_assert!(count <= 32, "no field is wider");
        let mut value = 0u32;
        let mut wanted = count;
        while wanted > 0 {
            if self.left == 0 {
                self.load()?;
            }
            let take = wanted.min(self.left);
            self.left -= take;
            let chunk = u32::from(self.current) >> self.left & ((1 << take) - 1);
            value = value << take | chunk;
            wanted -= take;
        }
        Ok(value)
    }

    pub(super) fn skip(&mut self, count: u32, field: &'static str) -> Result<(), Error> {
        let mut wanted = count;
        while wanted > 0 {
            let take = wanted.min(32);
            self.u(take, field)?;
            wanted -= take;
        }
        Ok(())
    }

    /// Reads an unsigned Exp-Golomb code, which is also AV1's `uvlc()`.
    pub(super) fn ue(&mut self, field: &'static str) -> Result<u64, Error> {
        let mut zeros = 0u32;
        while !self.flag(field)? {
            zeros += 1;
            if zeros > GOLOMB_ZEROS_MAX {
                return Err(self.wrong(field, u64::MAX, "a number of at most 32 bits"));
            }
        }
        Ok((1u64 << zeros) - 1 + u64::from(self.u(zeros, field)?))
    }

    /// Reads an unsigned Exp-Golomb code of at most `max`.
    pub(super) fn ue_max(
        &mut self,
        max: u32,
        field: &'static str,
        expected: &'static str,
    ) -> Result<u32, Error> {
        let value = self.ue(field)?;
        match u32::try_from(value) {
            Ok(small) if small <= max => Ok(small),
            _ => Err(self.wrong(field, value, expected)),
        }
    }

    /// Reads a signed Exp-Golomb code.
    pub(super) fn se(&mut self, field: &'static str) -> Result<i64, Error> {
        let code = self.ue(field)?;
        // At most 33 bits.
        let half = i64::try_from(code.div_ceil(2)).unwrap_or(i64::MAX);
        Ok(if code % 2 == 1 { half } else { -half })
    }

    /// Reads `aspect_ratio_idc` to `chroma_loc_info` of video usability information, which H.264 and H.265 share.
    pub(super) fn vui_head(&mut self) -> Result<VuiHead, Error> {
        let field = "vui_parameters";
        let mut head = VuiHead::default();
        if self.flag(field)? {
            head.aspect = match self.u(8, "aspect_ratio_idc")? {
                ASPECT_EXTENDED => Some((self.u(16, "sar_width")?, self.u(16, "sar_height")?)),
                known => ASPECTS.get(known as usize).copied(),
            }
            .filter(|(width, height)| *width > 0 && *height > 0);
        }
        if self.flag(field)? {
            self.skip(1, field)?;
        }
        if self.flag(field)? {
            self.skip(3, "video_format")?;
            let full_range = self.flag("video_full_range_flag")?;
            let mut color = Color {
                primaries: UNSPECIFIED,
                transfer: UNSPECIFIED,
                matrix: UNSPECIFIED,
                full_range,
            };
            if self.flag("colour_description_present_flag")? {
                color.primaries = self.u8(8, "colour_primaries")?;
                color.transfer = self.u8(8, "transfer_characteristics")?;
                color.matrix = self.u8(8, "matrix_coeffs")?;
            }
            head.color = Some(color);
        }
        if self.flag(field)? {
            self.ue(field)?;
            self.ue(field)?;
        }
        Ok(head)
    }

    /// Reads at most 8 bits.
    pub(super) fn u8(&mut self, count: u32, field: &'static str) -> Result<u8, Error> {
        let value = self.u(count, field)?;
        Ok(u8::try_from(value).unwrap_or(u8::MAX))
    }

    /// Passes whole bytes, and returns where they stand in the record. What was read before ends with a byte.
    pub(super) fn bytes(&mut self, count: usize) -> Result<Range<usize>, Error> {
        let start = self.next;
        match start
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len())
        {
            Some(end) => {
                self.next = end;
                Ok(self.base + start..self.base + end)
            }
            None => Err(Error::Truncated {
                at: self.base + start,
                needed: count,
            }),
        }
    }

    /// Drops the bits that are left of a byte.
    pub(super) const fn align(&mut self) {
        self.left = 0;
    }

    /// Returns the offset of the next whole byte.
    pub(super) const fn at(&self) -> usize {
        self.base + self.next
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.next >= self.bytes.len()
    }

    /// A fault of the value that was just read.
    pub(super) fn wrong(
        &self,
        field: &'static str,
        value: impl Into<u64>,
        expected: &'static str,
    ) -> Error {
        Error::Record {
            at: self.base + self.next.saturating_sub(1),
            field,
            value: value.into(),
            expected,
        }
    }

    fn load(&mut self) -> Result<(), Error> {
        if self.escaped && self.zeros >= 2 && self.bytes.get(self.next) == Some(&EMULATION) {
            self.next += 1;
            self.zeros = 0;
        }
        let Some(byte) = self.bytes.get(self.next) else {
            return Err(Error::Truncated {
                at: self.base + self.bytes.len(),
                needed: 1,
            });
        };
        self.current = *byte;
        self.left = 8;
        self.next += 1;
        self.zeros = if *byte == 0 { self.zeros + 1 } else { 0 };
        Ok(())
    }
}

/// The front of video usability information.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct VuiHead {
    pub(super) aspect: Option<(u32, u32)>,
    pub(super) color: Option<Color>,
}

/// Returns frames and seconds in lowest terms, if they are a rate that a picture can have.
pub(super) fn frame_rate(frames: u64, seconds: u64) -> Option<(u32, u32)> {
    let (mut a, mut b) = (frames, seconds);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let frames = u32::try_from(frames.checked_div(a)?).ok()?;
    let seconds = u32::try_from(seconds.checked_div(a)?).ok()?;
    let possible = frames > 0 && seconds > 0 && frames / FRAMES_MAX <= seconds;
    possible.then_some((frames, seconds))
}

/// The longest code that fits the specifications' 32-bit values.
const GOLOMB_ZEROS_MAX: u32 = 32;
const EMULATION: u8 = 0x03;
/// `Extended_SAR`: width and height follow.
const ASPECT_EXTENDED: u32 = 255;
/// Width and height of a pixel by `aspect_ratio_idc` (ITU-T H.273, table 11).
const ASPECTS: [(u32, u32); 17] = [
    (0, 0),
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];
/// Colour of which nothing is said (ITU-T H.273).
pub(super) const UNSPECIFIED: u8 = 2;
/// A clock of whole milliseconds is not a frame rate.
const FRAMES_MAX: u32 = 500;
