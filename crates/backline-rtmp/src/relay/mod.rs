//! From one publication to many consumers: what a late one needs first, and what a slow one does without.

mod queue;
mod snapshot;

pub use queue::{QueueConfig, QueueStats, SendQueue};
pub use snapshot::{Snapshot, SnapshotConfig};
