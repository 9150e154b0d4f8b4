//! The wall clock, read in this one place.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the wall time in milliseconds since 1970; 0 for a clock set before that.
#[must_use]
pub fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
