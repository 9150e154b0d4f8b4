#![doc = include_str!("../README.md")]

pub mod codec;
mod config;
mod delivery;
mod error;
mod event;
pub mod fmp4;
mod headers;
mod limits;
mod presentation;
mod stats;
mod text;

// The public interface is: the two modules above, and these.
pub use config::{Config, Layout, Numbering};
pub use delivery::{Decision, Form, Hold, Playlist, Refusal};
pub use error::{Error, FragmentProblem, InitProblem, RecordProblem};
pub use event::{
    Event, ObjectId, ObjectKind, Output, Point, RenditionId, Sample, Series, TrackId, UnixMillis,
    Warning,
};
pub use headers::{CacheControl, Headers};
pub use limits::Limits;
pub use presentation::{Presentation, Rendered};
pub use stats::{Stats, TrackStats};
