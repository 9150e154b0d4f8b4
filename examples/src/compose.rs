//! Joins of two machines: `<a>_<b>.rs` knows exactly the crates a and b. Listing this folder shows
//! the way of the data.

pub mod hls_cache;
pub mod rtmp_hls;
