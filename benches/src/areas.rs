//! One file an area of the scoreboard.

pub mod cache;
pub mod hls;
pub mod ingest;
pub mod rtmp;
