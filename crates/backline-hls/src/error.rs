//! Everything that can be wrong with what a presentation is given.

use core::time::Duration;

use crate::TrackId;

/// Why an input was refused. The machine's state is as it was before.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration value is out of its bounds.
    #[error("configuration field {field} is {value:?}, expected {min:?} to {max:?}")]
    ConfigRange {
        /// Its name.
        field: &'static str,
        /// What it was.
        value: Duration,
        /// Lowest legal value.
        min: Duration,
        /// Highest legal value.
        max: Duration,
    },
    /// More init generations are still listed than the limit allows.
    #[error(
        "{track} changed its configuration with {alive} generations still listed, limit {limit}"
    )]
    ConfigFlapping {
        /// Whose configuration changed.
        track: TrackId,
        /// Generations that are listed or announced.
        alive: usize,
        /// The cap.
        limit: usize,
    },
    /// The show is over; nothing may follow [`Event::End`](crate::Event::End).
    #[error("the presentation has ended")]
    Ended,
    /// The codec belongs to the other kind of track.
    #[error("{track} cannot carry codec {codec:?}")]
    CodecKind {
        /// Which track.
        track: TrackId,
        /// The codec.
        codec: crate::codec::Codec,
    },
    /// A sample or configuration came without [`Event::Start`](crate::Event::Start).
    #[error("{track} sent media while no publisher is started")]
    NotStarted {
        /// Whose.
        track: TrackId,
    },
    /// A part would grow beyond its cap.
    #[error("part of {track} would hold {value} {what}, limit {limit}")]
    PartTooLarge {
        /// Whose sample it was.
        track: TrackId,
        /// Bytes or samples.
        what: &'static str,
        /// What it would have grown to.
        value: usize,
        /// The cap.
        limit: usize,
    },
    /// Too many outputs wait: drain `poll_output` and pass the same event again.
    #[error("{waiting} outputs wait to be polled, limit {limit}")]
    QueueFull {
        /// How many wait.
        waiting: usize,
        /// The cap.
        limit: usize,
    },
    /// A sample came before its track's configuration record.
    #[error("{track} sent a sample before its configuration record")]
    SampleBeforeConfig {
        /// Whose.
        track: TrackId,
    },
    /// A sample is empty.
    #[error("{track} sent an empty sample at decode time {dts_ns} ns")]
    SampleEmpty {
        /// Whose.
        track: TrackId,
        /// Its decode time.
        dts_ns: i64,
    },
    /// A sample is larger than its cap.
    #[error("{track} sent a sample of {size} bytes, limit {limit}")]
    SampleTooLarge {
        /// Whose.
        track: TrackId,
        /// Its size.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// A sample's times do not fit the timeline.
    #[error(
        "{track} sent a sample at decode time {dts_ns} ns with composition offset {composition_ns} ns, expected at most 2^62 and 16 s"
    )]
    SampleTime {
        /// Whose.
        track: TrackId,
        /// Its decode time.
        dts_ns: i64,
        /// Its composition offset.
        composition_ns: i64,
    },
}
