//! What is given once, at construction.

use crate::Limits;

/// Configuration of a [`Cache`](crate::Cache).
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Config {
    /// Bytes that the cache may hold in all: bodies, index and waiters. Default 256 MiB, at least
    /// [`BUDGET_MIN`](crate::BUDGET_MIN). A minute of 6 Mb/s is 45 MB.
    pub budget: usize,
    /// The caps.
    pub limits: Limits,
    /// Randomness of the caller, so that outside numbers cannot be chosen to collide in the
    /// table of tokens and clients. Default 0, fit for tests.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            budget: 256 << 20,
            limits: Limits::default(),
            seed: 0,
        }
    }
}
