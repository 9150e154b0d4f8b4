//! One file an area of the scoreboard.

pub mod hls;
pub mod rtmp;
