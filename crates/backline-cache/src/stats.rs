//! Counters.

/// What the cache did and holds. Counters start at construction and never go back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// Bytes held: bodies, index, waiters.
    pub bytes_held: u64,
    /// Held requests that were cancelled.
    pub cancelled: u64,
    /// Times the clock went backwards and was held.
    pub clock_clamped: u64,
    /// Held requests that were served by another request's fetch.
    pub collapsed: u64,
    /// Documents stored.
    pub documents: u64,
    /// Objects evicted before their time.
    pub evicted: u64,
    /// Held requests whose deadline passed.
    pub expired: u64,
    /// Fetches handed out.
    pub fetched: u64,
    /// Requests held.
    pub held: u64,
    /// Requests answered at once with a body.
    pub hits: u64,
    /// Requests answered at once without a body: gone, too far, unknown.
    pub misses: u64,
    /// Objects stored.
    pub objects: u64,
    /// Objects and documents that were published and filled.
    pub published: u64,
    /// Requests refused by a cap.
    pub refused: u64,
    /// Objects that left when their time was over.
    pub retired: u64,
    /// Requests that wait now.
    pub waiters: u64,
    /// Held requests that were answered, whatever with.
    pub woken: u64,
}
