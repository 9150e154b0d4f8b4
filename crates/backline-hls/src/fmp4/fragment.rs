//! The header of a part (ISO/IEC 14496-12 8.8).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "sizes of a buffer that is about to be made, checked against SIZE_MAX; the per-sample loop is hot"
)]

use bytes::Bytes;

use super::boxes::{BOX, FULL_BOX, SIZE_MAX, Writer, size_field};
use crate::{Error, FragmentProblem};

/// One sample's row in a fragment. Times are in ticks of the track's timescale.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the four fields of a track run's row"
)]
pub struct FragmentSample {
    /// From this sample's decode time to the next one's.
    pub duration: u32,
    /// Bytes.
    pub size: u32,
    /// Presentation time minus decode time.
    pub composition: i32,
    /// Whether decoding can start here.
    pub sync: bool,
}

impl FragmentSample {
    fn flags(&self) -> u32 {
        if self.sync { FLAGS_SYNC } else { FLAGS_OTHER }
    }
}

/// The samples of one track in a fragment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "what a track fragment holds")]
pub struct Run<'a> {
    /// As in the init segment.
    pub track_id: u32,
    /// Decode time of the first sample, in ticks since the timeline's start.
    pub base_decode_time: u64,
    /// At least one.
    pub samples: &'a [FragmentSample],
}

/// What a `styp` before a fragment says of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Styp {
    /// `cmfl`: a CMAF chunk.
    Chunk,
    /// `cmff`: a chunk that starts a CMAF fragment: its first sample is a sync sample.
    Fragment,
    /// No CMAF brand: muxed tracks.
    Iso6,
    /// `cmfs`: a chunk that starts a CMAF segment.
    Segment,
}

impl Styp {
    fn brands(self) -> &'static [u8] {
        match self {
            Self::Chunk => b"msdhcmfl",
            Self::Fragment => b"msdhcmffcmfl",
            Self::Iso6 => b"msdhiso6",
            Self::Segment => b"msdhcmfscmffcmfl",
        }
    }

    fn size(self) -> usize {
        BOX + 8 + self.brands().len()
    }
}

/// Writes what precedes the payloads of a part: `styp` if wanted, `moof`, and the header of `mdat` (MUX-2).
///
/// Fields in which all samples of a run agree are written once, as the run's default. The payloads follow in the order
/// of the runs, and in each run in the order of the samples.
///
/// One allocation, exactly as large as the result.
///
/// # Errors
///
/// [`Error::Fragment`] if there is no run, if a run is empty, or if the samples lie beyond what a fragment can address.
///
/// # Examples
///
/// ```
/// use backline_hls::fmp4::{FragmentSample, Run, fragment_header};
///
/// let key = FragmentSample { duration: 3_000, size: 20_000, composition: 0, sync: true };
/// let inter = FragmentSample { size: 5_000, sync: false, ..key };
/// let run = Run { track_id: 1, base_decode_time: 90_000, samples: &[key, inter] };
/// let header = fragment_header(1, None, &[run])?;
/// assert_eq!(header.get(4..8), Some(&b"moof"[..]));
/// # Ok::<(), backline_hls::Error>(())
/// ```
pub fn fragment_header(
    sequence: u32,
    styp: Option<Styp>,
    runs: &[Run<'_>],
) -> Result<Bytes, Error> {
    part_header(sequence, styp, &[], runs)
}

/// The same with whole boxes before `moof`.
pub(crate) fn part_header(
    sequence: u32,
    styp: Option<Styp>,
    before: &[Bytes],
    runs: &[Run<'_>],
) -> Result<Bytes, Error> {
    layout(styp, before, runs)
        .map(|layout| write(sequence, styp, before, runs, &layout))
        .map_err(|problem| Error::Fragment {
            runs: runs.len(),
            problem,
        })
}

/// The sizes of a fragment's parts.
struct Layout {
    moof: usize,
    header: usize,
    /// Size and type, and the 64-bit size where it is needed.
    mdat_header: usize,
    payload: u64,
}

fn layout(
    styp: Option<Styp>,
    before: &[Bytes],
    runs: &[Run<'_>],
) -> Result<Layout, FragmentProblem> {
    if runs.is_empty() {
        return Err(FragmentProblem::Empty { run: 0 });
    }
    let mut moof = BOX as u64 + MFHD as u64;
    let mut payload = 0u64;
    for (run, Run { samples, .. }) in runs.iter().enumerate() {
        if samples.is_empty() {
            return Err(FragmentProblem::Empty { run });
        }
        moof += Shape::of(samples).traf(samples.len()) as u64;
        payload += bytes_of(samples);
    }
    if moof > SIZE_MAX as u64 - 64 {
        return Err(FragmentProblem::TooLarge { size: moof });
    }
    let wide = payload > u64::from(u32::MAX) - BOX as u64;
    let mdat_header = if wide { BOX + 8 } else { BOX };
    let moof = usize::try_from(moof).unwrap_or(SIZE_MAX);
    let mut offset = (moof + mdat_header) as u64;
    for (run, Run { samples, .. }) in runs.iter().enumerate() {
        if offset > SIZE_MAX as u64 {
            return Err(FragmentProblem::Offset { run, offset });
        }
        offset += bytes_of(samples);
    }
    Ok(Layout {
        moof,
        header: styp.map_or(0, Styp::size)
            + before.iter().map(Bytes::len).sum::<usize>()
            + moof
            + mdat_header,
        mdat_header,
        payload,
    })
}

fn write(
    sequence: u32,
    styp: Option<Styp>,
    before: &[Bytes],
    runs: &[Run<'_>],
    layout: &Layout,
) -> Bytes {
    let mut out = Writer::with_capacity(layout.header);
    if let Some(styp) = styp {
        out.boxed(*b"styp", styp.size());
        out.put(b"msdh");
        out.u32(0);
        out.put(styp.brands());
    }
    for whole in before {
        out.put(whole);
    }
    out.boxed(*b"moof", layout.moof);
    out.full(*b"mfhd", MFHD, 0, 0);
    out.u32(sequence);
    let mut offset = layout.moof + layout.mdat_header;
    for run in runs {
        write_traf(&mut out, run, offset);
        offset = offset.saturating_add(usize::try_from(bytes_of(run.samples)).unwrap_or(SIZE_MAX));
    }
    if layout.mdat_header == BOX {
        out.u32(u32::try_from(layout.payload + BOX as u64).unwrap_or(u32::MAX));
        out.put(b"mdat");
    } else {
        // A size of 1 says that the real one follows as 64 bits (ISO/IEC 14496-12 4.2.2).
        out.u32(1);
        out.put(b"mdat");
        out.u64(layout.payload + layout.mdat_header as u64);
    }
    out.finish()
}

fn write_traf(out: &mut Writer, run: &Run<'_>, offset: usize) {
    let Some(first) = run.samples.first() else {
        return;
    };
    let shape = Shape::of(run.samples);
    out.boxed(*b"traf", shape.traf(run.samples.len()));
    out.full(*b"tfhd", shape.tfhd(), 0, shape.tfhd_flags());
    out.u32(run.track_id);
    if !shape.duration {
        out.u32(first.duration);
    }
    if !shape.size {
        out.u32(first.size);
    }
    if shape.flags != Flags::EachSample {
        // What the last sample has, the first one may differ from.
        out.u32(run.samples.last().unwrap_or(first).flags());
    }
    out.full(*b"tfdt", TFDT, 1, 0);
    out.u64(run.base_decode_time);
    out.full(
        *b"trun",
        shape.trun(run.samples.len()),
        1,
        shape.trun_flags(),
    );
    out.u32(size_field(run.samples.len()));
    out.u32(size_field(offset));
    if shape.flags == Flags::FirstDiffers {
        out.u32(first.flags());
    }
    for sample in run.samples {
        if shape.duration {
            out.u32(sample.duration);
        }
        if shape.size {
            out.u32(sample.size);
        }
        if shape.flags == Flags::EachSample {
            out.u32(sample.flags());
        }
        if shape.composition {
            out.i32(sample.composition);
        }
    }
}

fn bytes_of(samples: &[FragmentSample]) -> u64 {
    samples.iter().map(|sample| u64::from(sample.size)).sum()
}

/// Which fields each sample of a run carries itself.
#[derive(Clone, Copy, Debug)]
struct Shape {
    duration: bool,
    size: bool,
    flags: Flags,
    composition: bool,
}

/// Where sample flags go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flags {
    /// All samples agree.
    Default,
    /// All but the first agree: the usual part that begins with a key frame.
    FirstDiffers,
    /// Into each sample's row.
    EachSample,
}

impl Shape {
    fn of(samples: &[FragmentSample]) -> Self {
        let mut shape = Self {
            duration: false,
            size: false,
            flags: Flags::Default,
            composition: false,
        };
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return shape;
        };
        let mut odd_flags = 0usize;
        for sample in samples {
            shape.duration |= sample.duration != first.duration;
            shape.size |= sample.size != first.size;
            shape.composition |= sample.composition != 0;
            odd_flags += usize::from(sample.sync != last.sync);
        }
        shape.flags = match odd_flags {
            0 => Flags::Default,
            1 if first.sync != last.sync => Flags::FirstDiffers,
            _ => Flags::EachSample,
        };
        shape
    }

    fn tfhd_flags(&self) -> u32 {
        let mut flags = TFHD_BASE_IS_MOOF;
        flags |= if self.duration { 0 } else { TFHD_DURATION };
        flags |= if self.size { 0 } else { TFHD_SIZE };
        flags
            | if self.flags == Flags::EachSample {
                0
            } else {
                TFHD_FLAGS
            }
    }

    fn trun_flags(&self) -> u32 {
        let mut flags = TRUN_OFFSET;
        flags |= if self.duration { TRUN_DURATION } else { 0 };
        flags |= if self.size { TRUN_SIZE } else { 0 };
        flags |= if self.composition {
            TRUN_COMPOSITION
        } else {
            0
        };
        flags
            | match self.flags {
                Flags::Default => 0,
                Flags::FirstDiffers => TRUN_FIRST_FLAGS,
                Flags::EachSample => TRUN_FLAGS,
            }
    }

    fn tfhd(&self) -> usize {
        let defaults = self.tfhd_flags() & (TFHD_DURATION | TFHD_SIZE | TFHD_FLAGS);
        FULL_BOX + 4 + 4 * defaults.count_ones() as usize
    }

    fn trun(&self, samples: usize) -> usize {
        let flags = self.trun_flags();
        let first = (flags & TRUN_FIRST_FLAGS).count_ones() as usize;
        let fields = flags & (TRUN_DURATION | TRUN_SIZE | TRUN_FLAGS | TRUN_COMPOSITION);
        let row = 4 * fields.count_ones() as usize;
        // Saturates only on what the check of the whole refuses.
        row.saturating_mul(samples)
            .saturating_add(FULL_BOX + 8 + 4 * first)
    }

    fn traf(&self, samples: usize) -> usize {
        self.trun(samples).saturating_add(BOX + self.tfhd() + TFDT)
    }
}

/// `mfhd`: the sequence number.
const MFHD: usize = FULL_BOX + 4;
/// `tfdt` version 1: 64 bits of decode time.
const TFDT: usize = FULL_BOX + 8;

const TFHD_DURATION: u32 = 0x00_0008;
const TFHD_SIZE: u32 = 0x00_0010;
const TFHD_FLAGS: u32 = 0x00_0020;
const TFHD_BASE_IS_MOOF: u32 = 0x02_0000;

const TRUN_OFFSET: u32 = 0x001;
const TRUN_FIRST_FLAGS: u32 = 0x004;
const TRUN_DURATION: u32 = 0x100;
const TRUN_SIZE: u32 = 0x200;
const TRUN_FLAGS: u32 = 0x400;
const TRUN_COMPOSITION: u32 = 0x800;

/// Depends on no other sample.
const FLAGS_SYNC: u32 = 0x0200_0000;
/// Depends on others, and is no sync sample.
const FLAGS_OTHER: u32 = 0x0101_0000;
