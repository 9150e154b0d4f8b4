//! The rules of the cache, one test each, in virtual time. Rows are named by their id (`ring_2_...`, `prom_3_...`),
//! field quirks by number (`q13_...`).

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod budget;
mod cmcd;
mod crowd;
mod disk;
mod evict;
#[cfg(feature = "file")]
mod file;
mod fill;
#[cfg(feature = "http-1")]
mod http1;
mod log;
mod model;
mod power;
mod promise;
mod pull_fill;
mod pull_name;
mod pull_read;
mod pull_rig;
mod pull_room;
mod pull_stale;
mod pull_states;
#[cfg(feature = "http-1")]
mod reuse;
mod rig;
mod ring;
mod rules;
#[cfg(feature = "serde")]
mod rules_file;
mod serve;
mod states;
