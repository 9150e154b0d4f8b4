//! What the scoreboard and the criterion benches share: made data, peers behind one trait, timing, rows.
//!
//! Nothing here is fed by our own writers: the RTMP that is demuxed comes from [`wire`], which shares no code with
//! `backline-rtmp`, and the fragments are read back by a foreign reader, so a result that is timed is also checked.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::missing_panics_doc,
    clippy::exhaustive_structs,
    reason = "a bench that meets something odd must stop, not report a figure"
)]

pub mod areas;
pub mod arguments;
pub mod counted;
pub mod live;
pub mod load;
pub mod peers;
pub mod report;
pub mod scenarios;
pub mod timing;
pub mod wire;
