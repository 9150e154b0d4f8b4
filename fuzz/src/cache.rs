//! Properties of `backline-cache`.

pub mod cmcd;
pub mod log;
pub mod ops;
pub mod pull;
pub mod ranges;
