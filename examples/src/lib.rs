//! What the examples share: adapters between the machines and the outside world ([`adapt`]), and
//! the joins of two machines ([`compose`]).
//!
//! The library crates open no socket, read no clock and know nothing of each other. Everything that
//! they lack is in these two folders; a program of this package is the wiring and nothing else.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts and times of one process, far from their bounds; what peers send is counted in the crates"
)]

pub mod adapt;
pub mod compose;
