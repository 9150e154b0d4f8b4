#![doc = include_str!("../README.md")]

mod about;
mod absence;
mod captions;
mod clock;
pub mod codec;
mod config;
pub mod continuation;
mod cue;
mod cutter;
mod daterange;
mod dates;
mod delivery;
mod error;
mod event;
pub mod fmp4;
mod follow;
mod gap;
mod gather;
#[cfg(feature = "gzip")]
mod gzip;
mod headers;
mod kept;
mod limits;
#[cfg(feature = "lint")]
pub mod lint;
mod live;
pub mod m3u8;
mod message;
mod meter;
mod multivariant;
mod pace;
mod packing;
mod part;
mod path;
mod playlist;
mod presentation;
#[cfg(feature = "progressive")]
pub mod progressive;
mod publish;
mod query;
mod rendition;
mod rendition_id;
mod segment;
mod silence;
mod slate;
mod sound;
mod stats;
mod text;
mod timeline;
mod track;
mod vod;

// The public interface is: the modules that are public above, and these.
pub use about::About;
pub use config::{Absence, Config, Layout, Numbering};
pub use cue::Cue;
pub use daterange::{DateRange, DateRangeEnd, DateRangeValue};
pub use delivery::{Decision, Form, Hold, Playlist, Refusal};
pub use error::{
    AboutProblem, ContinuationProblem, CueProblem, DateRangeProblem, Error, FileProblem,
    FragmentProblem, InitProblem, MessageProblem, RecordProblem, SlateProblem,
};
pub use event::{
    Event, ObjectId, ObjectKind, Output, Point, Sample, Series, TrackId, UnixMillis, Warning,
};
pub use headers::{CacheControl, Headers};
pub use limits::Limits;
pub use message::Emsg;
pub use presentation::{Presentation, Rendered};
pub use rendition_id::RenditionId;
pub use slate::{Slate, SlateTrack};
pub use stats::{Stats, TrackStats};
pub use vod::Vod;
