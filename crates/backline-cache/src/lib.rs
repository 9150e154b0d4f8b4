#![doc = include_str!("../README.md")]

mod body;
mod cache;
mod clock;
pub mod cmcd;
pub mod cmsd;
mod config;
pub mod crowd;
mod error;
pub mod evict;
mod family;
#[cfg(feature = "file")]
pub mod file;
mod key;
mod ledger;
mod limits;
mod lobby;
pub mod log;
mod name;
mod output;
pub mod pull;
#[cfg(feature = "http-1")]
pub mod reuse;
mod ring;
pub mod rules;
mod serve;
mod stats;
mod store;

pub use body::{Body, Edges, Fresh};
pub use cache::{BUDGET_MIN, Cache, State};
pub use config::Config;
pub use error::{Error, LogError};
pub use key::{Client, Document, FillId, Key, Kind, Point, SERIES_MAX, Series, Token, Want};
pub use limits::Limits;
pub use name::{Name, Noise};
pub use output::{Answer, Cap, Output, Reason, Via};
pub use serve::{CacheStatus, Conditions, Encoding, Etag, Forward, Reply};
pub use stats::Stats;
