//! What the plays need: processes that end with their test, a small HTTP client, publishers and a viewer.

pub(crate) mod collect;
pub(crate) mod http;
pub(crate) mod lint;
pub(crate) mod node;
pub(crate) mod origin;
pub(crate) mod players;
pub(crate) mod playlist;
pub(crate) mod pop;
pub(crate) mod process;
pub(crate) mod publisher;
pub(crate) mod readers;
pub(crate) mod stage;
pub(crate) mod tools;
pub(crate) mod web;

use std::thread;
use std::time::{Duration, Instant};

/// Asks `ready` again and again until it gives something, and fails with `what` when `limit` has passed.
pub(crate) fn within<T>(limit: Duration, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the whole matrix, the long runs and the exact figures are asked for.
pub(crate) fn full() -> bool {
    std::env::var_os("BACKLINE_FULL").is_some_and(|value| value == "1")
}
