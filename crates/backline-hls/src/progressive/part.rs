//! A stored part of ours, taken apart again.

use super::entry::FULL;
use super::walk::{Boxed, Boxes};
use crate::fmp4::FragmentSample;
use crate::{Error, FileProblem, Limits};

/// What a stored part holds: the reading side of [`fmp4::fragment_header`](crate::fmp4::fragment_header).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StoredPart {
    /// One for each track, in the order of the file.
    pub runs: Vec<StoredRun>,
}

/// The samples of one track in a stored part.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StoredRun {
    /// As in the init segment.
    pub track_id: u32,
    /// Decode time of the first sample in ticks.
    pub base_decode_time: u64,
    /// Where the first sample's bytes begin in the part; the others follow.
    pub data_at: usize,
    /// In decode order.
    pub samples: Vec<FragmentSample>,
}

impl StoredPart {
    /// Reads a part as [`Output::Part`](crate::Output::Part) gave it, its pieces one after the other.
    ///
    /// # Errors
    ///
    /// [`Error::File`] says at which byte of the part it is not one, or that it holds more samples than
    /// `limits.part_samples`.
    pub fn read(part: &[u8], limits: &Limits) -> Result<Self, Error> {
        let stored = Self::read_header(part, limits)?;
        let mdat = Boxes::new(part, 0).need(*b"mdat")?;
        stored.runs.iter().try_for_each(|run| run.check(mdat))?;
        Ok(stored)
    }

    /// Reads what stands before the samples, as the first piece of a part's body has it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), but for where the samples' bytes are.
    pub fn read_header(header: &[u8], limits: &Limits) -> Result<Self, Error> {
        let boxes = Boxes::new(header, 0);
        let moof = boxes.need(*b"moof")?;
        let start = start_of(boxes)?;
        let mut runs = Vec::new();
        let mut left = limits.part_samples.saturating_mul(2);
        for traf in moof.children() {
            let traf = traf?;
            if traf.kind == *b"traf" {
                let run = StoredRun::read(traf, start, limits, left)?;
                left = left.saturating_sub(run.samples.len());
                runs.push(run);
            }
        }
        Ok(Self { runs })
    }
}

impl StoredRun {
    /// Where the run ends: decode time of what follows without a hole.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.samples
            .iter()
            .fold(self.base_decode_time, |end, sample| {
                end.saturating_add(sample.duration.into())
            })
    }

    /// Bytes of its samples.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.samples
            .iter()
            .map(|sample| u64::from(sample.size))
            .sum()
    }

    fn read(traf: Boxed<'_>, moof_at: u64, limits: &Limits, left: usize) -> Result<Self, Error> {
        let tfhd = traf.children().need(*b"tfhd")?;
        let tfdt = traf.children().need(*b"tfdt")?;
        let trun = traf.children().need(*b"trun")?;
        let defaults = Defaults::read(tfhd)?;
        let count = trun.u32(FULL, "sample_count")?;
        if count as usize > left {
            return Err(Error::File {
                at: trun.at,
                problem: FileProblem::TooLarge {
                    what: "samples",
                    value: count.into(),
                    limit: limits.part_samples as u64,
                },
            });
        }
        let data_at = u64::from(trun.u32(FULL + 4, "data_offset")?).saturating_add(moof_at);
        Ok(Self {
            track_id: tfhd.u32(FULL, "track_ID")?,
            base_decode_time: tfdt.versioned(FULL, "baseMediaDecodeTime")?,
            data_at: usize::try_from(data_at).unwrap_or(usize::MAX),
            samples: defaults.samples(trun, count)?,
        })
    }

    /// Whether the samples' bytes are in the part.
    fn check(&self, mdat: Boxed<'_>) -> Result<(), Error> {
        let (from, to) = (mdat.at, mdat.at.saturating_add(mdat.body.len() as u64));
        let at = self.data_at as u64;
        let end = at.saturating_add(self.bytes());
        if at < from || end > to {
            let problem = FileProblem::Samples;
            return Err(Error::File { at, problem });
        }
        Ok(())
    }
}

/// What samples have that do not say otherwise.
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

impl Defaults {
    fn read(tfhd: Boxed<'_>) -> Result<Self, Error> {
        let flags = tfhd.u32(0, "flags")?;
        let mut at = FULL + 4;
        let mut field = |bit: u32, size: usize, name| -> Result<u32, Error> {
            if flags & bit == 0 {
                return Ok(0);
            }
            let value = tfhd.u32(at, name);
            at = at.saturating_add(size);
            value
        };
        field(0x01, 8, "base_data_offset")?;
        field(0x02, 4, "sample_description_index")?;
        Ok(Self {
            duration: field(0x08, 4, "default_sample_duration")?,
            size: field(0x10, 4, "default_sample_size")?,
            flags: field(0x20, 4, "default_sample_flags")?,
        })
    }

    fn samples(&self, trun: Boxed<'_>, count: u32) -> Result<Vec<FragmentSample>, Error> {
        let flags = trun.u32(0, "flags")?;
        if flags & 0x01 == 0 {
            let expected = "1 with data-offset-present";
            return Err(trun.wrong(0, "flags", flags.into(), expected));
        }
        let mut at = FULL + 8;
        let mut first_flags = None;
        if flags & 0x04 != 0 {
            first_flags = Some(trun.u32(at, "first_sample_flags")?);
            at = at.saturating_add(4);
        }
        let mut samples = Vec::new();
        for _ in 0..count {
            let mut field = |bit: u32, default: u32| -> Result<u32, Error> {
                if flags & bit == 0 {
                    return Ok(default);
                }
                let value = trun.u32(at, "a sample's row");
                at = at.saturating_add(4);
                value
            };
            let duration = field(0x100, self.duration)?;
            let size = field(0x200, self.size)?;
            let own = field(0x400, self.flags)?;
            let composition = field(0x800, 0)?.cast_signed();
            let own = first_flags.take().unwrap_or(own);
            samples.push(FragmentSample {
                duration,
                size,
                composition,
                sync: own & NON_SYNC == 0,
            });
        }
        Ok(samples)
    }
}

/// Where the `moof` begins: data offsets count from there.
fn start_of(boxes: Boxes<'_>) -> Result<u64, Error> {
    let mut at = 0u64;
    for boxed in boxes {
        let boxed = boxed?;
        if boxed.kind == *b"moof" {
            break;
        }
        at = boxed.at.saturating_add(boxed.body.len() as u64);
    }
    Ok(at)
}

const NON_SYNC: u32 = 0x1_0000;
