//! Properties of `backline-cache`.

pub mod cmcd;
pub mod ops;
pub mod ranges;
