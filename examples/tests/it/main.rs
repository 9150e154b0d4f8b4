//! The house rules (`tidy`), and `edge-node` played against programs that we did not write.
//!
//! What needs a foreign program is `#[ignore = "needs <program>"]`; `.ci/install` installs them all and
//! `cargo test --workspace -- --include-ignored` runs everything. `BACKLINE_FULL=1` with `--release` runs the whole
//! matrix and the long browser runs, and holds the exact figures instead of those for a busy machine.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod browser;
mod crowd;
mod harness;
mod hostile;
mod lifecycle;
mod metrics;
mod protocol;
mod publish;
mod tidy;
