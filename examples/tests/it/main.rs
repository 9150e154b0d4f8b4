//! The house rules (`tidy`), and `edge-node` played against programs that we did not write.
//!
//! What needs a foreign program is `#[ignore = "needs <program>"]`; `.ci/install` installs them all and
//! `cargo test --workspace -- --include-ignored` runs everything. `.ci/full` runs the whole matrix and the long browser
//! runs with the release build, and holds the exact figures instead of those for a test build on a busy machine.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[cfg(feature = "archive")]
mod archive;
mod browser;
mod caches;
mod captions;
mod conformance;
mod continuity;
mod crowd;
mod edge_cache;
mod foreign_playlists;
mod harness;
mod hls_lint;
mod hostile;
mod http2;
mod inspect;
mod ladder;
mod lifecycle;
mod matrix;
mod metrics;
mod multitrack;
mod protocol;
mod publish;
mod recording;
mod relay;
mod tidy;
