//! Properties of `backline-cache`.

pub mod ops;
pub mod ranges;
