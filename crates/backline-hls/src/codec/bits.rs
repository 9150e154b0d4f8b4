//! Bits of parameter sets and sequence headers, most significant first.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counters of bits and bytes inside a slice, and shifts below the widths"
)]

use super::Fault;
use crate::RecordProblem;

/// A reader of bits, which skips emulation prevention bytes where the syntax has them.
#[derive(Debug)]
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
    spec: &'static str,
}

impl<'a> Bits<'a> {
    /// Reads plain bits of what begins at byte `base` of a record.
    pub(super) fn plain(bytes: &'a [u8], base: usize, spec: &'static str) -> Self {
        Self {
            bytes,
            next: 0,
            current: 0,
            left: 0,
            zeros: 0,
            escaped: false,
            base,
            spec,
        }
    }

    /// Reads the bits of a NAL unit: 0x03 after two zero bytes is not part of them.
    pub(super) fn nal(bytes: &'a [u8], base: usize, spec: &'static str) -> Self {
        Self {
            escaped: true,
            ..Self::plain(bytes, base, spec)
        }
    }

    pub(super) fn flag(&mut self, field: &'static str) -> Result<bool, Fault> {
        if self.left == 0 {
            self.load(field)?;
        }
        self.left -= 1;
        Ok(self.current >> self.left & 1 == 1)
    }

    /// Reads at most 32 bits.
    pub(super) fn u(&mut self, count: u32, field: &'static str) -> Result<u32, Fault> {
        debug_assert!(count <= 32, "no field is wider");
        let mut value = 0u32;
        let mut wanted = count;
        while wanted > 0 {
            if self.left == 0 {
                self.load(field)?;
            }
            let take = wanted.min(self.left);
            self.left -= take;
            let chunk = u32::from(self.current) >> self.left & ((1 << take) - 1);
            value = value << take | chunk;
            wanted -= take;
        }
        Ok(value)
    }

    pub(super) fn skip(&mut self, count: u32, field: &'static str) -> Result<(), Fault> {
        let mut wanted = count;
        while wanted > 0 {
            let take = wanted.min(32);
            self.u(take, field)?;
            wanted -= take;
        }
        Ok(())
    }

    /// Reads an unsigned Exp-Golomb code, which is also AV1's `uvlc()`.
    pub(super) fn ue(&mut self, field: &'static str) -> Result<u64, Fault> {
        let mut zeros = 0u32;
        while !self.flag(field)? {
            zeros += 1;
            if zeros > GOLOMB_ZEROS_MAX {
                return Err(self.fault(RecordProblem::ExpGolomb {
                    field,
                    limit: GOLOMB_ZEROS_MAX,
                    spec: self.spec,
                }));
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
    ) -> Result<u32, Fault> {
        let value = self.ue(field)?;
        match u32::try_from(value) {
            Ok(small) if small <= max => Ok(small),
            _ => Err(self.wrong(field, value, expected)),
        }
    }

    /// Reads a signed Exp-Golomb code.
    pub(super) fn se(&mut self, field: &'static str) -> Result<i64, Fault> {
        let code = self.ue(field)?;
        // At most 33 bits.
        let half = i64::try_from(code.div_ceil(2)).unwrap_or(i64::MAX);
        Ok(if code % 2 == 1 { half } else { -half })
    }

    /// Reads `aspect_ratio_idc` to `chroma_loc_info` of video usability information, which H.264 and H.265 share, and
    /// gives `transfer_characteristics` if it is there.
    pub(super) fn vui_head(&mut self) -> Result<Option<u8>, Fault> {
        let field = "vui_parameters";
        let mut transfer = None;
        if self.flag(field)? && self.u(8, field)? == ASPECT_EXTENDED {
            self.skip(32, field)?;
        }
        if self.flag(field)? {
            self.skip(1, field)?;
        }
        if self.flag(field)? {
            self.skip(4, field)?;
            if self.flag(field)? {
                self.skip(8, field)?;
                transfer = u8::try_from(self.u(8, field)?).ok();
                self.skip(8, field)?;
            }
        }
        if self.flag(field)? {
            self.ue(field)?;
            self.ue(field)?;
        }
        Ok(transfer)
    }

    /// A fault of the value that was just read.
    pub(super) fn wrong(
        &self,
        field: &'static str,
        value: impl Into<u64>,
        expected: &'static str,
    ) -> Fault {
        self.fault(RecordProblem::Value {
            field,
            value: value.into(),
            expected,
            spec: self.spec,
        })
    }

    /// The byte of the record that holds the last bit read.
    fn at(&self) -> usize {
        self.base + self.next.saturating_sub(1)
    }

    fn fault(&self, problem: RecordProblem) -> Fault {
        Fault {
            at: self.at(),
            problem,
        }
    }

    fn load(&mut self, field: &'static str) -> Result<(), Fault> {
        if self.escaped && self.zeros >= 2 && self.bytes.get(self.next) == Some(&EMULATION) {
            self.next += 1;
            self.zeros = 0;
        }
        let Some(byte) = self.bytes.get(self.next) else {
            return Err(Fault {
                at: self.base + self.bytes.len(),
                problem: RecordProblem::Truncated {
                    field,
                    spec: self.spec,
                },
            });
        };
        self.current = *byte;
        self.left = 8;
        self.next += 1;
        self.zeros = if *byte == 0 { self.zeros + 1 } else { 0 };
        Ok(())
    }
}

/// Frames and seconds in lowest terms, if they are a rate that a picture can have.
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
/// A clock of whole milliseconds is not a frame rate.
const FRAMES_MAX: u32 = 500;
