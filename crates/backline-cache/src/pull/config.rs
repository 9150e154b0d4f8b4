//! What is given once, at construction.

use std::time::Duration;

/// Configuration of a [`Pull`](super::Pull).
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct PullConfig {
    /// Bytes held in all: bodies, what has arrived or is announced of those under way, index, names, waiters. Default
    /// 256 MiB, at least [`BUDGET_MIN`](crate::BUDGET_MIN).
    pub budget: usize,
    /// How long a fetch goes on after its last viewer has left. Default 2 s: a player that changes
    /// rendition comes back for the same part.
    pub grace: Duration,
    /// The caps.
    pub limits: PullLimits,
    /// Percent of the budget that may be pinned, at most 25. Default 25.
    pub pinned_percent: u8,
    /// Pause after the first failure of an object, doubled with each further one. Default 500 ms, a
    /// few parts; spread by a quarter either way so that objects do not fail in step.
    pub retry_min: Duration,
    /// The longest pause after failures. Default 15 s.
    pub retry_max: Duration,
    /// Randomness of the caller: outside names cannot be chosen to collide, and pauses differ from
    /// those of other boxes. Default 0, fit for tests.
    pub seed: u64,
    /// Percent of the budget below which small objects are not shed for media, at most 50. Default 5.
    pub small_percent: u8,
}

impl Default for PullConfig {
    fn default() -> Self {
        Self {
            budget: 256 << 20,
            grace: Duration::from_secs(2),
            limits: PullLimits::default(),
            pinned_percent: 25,
            retry_min: Duration::from_millis(500),
            retry_max: Duration::from_secs(15),
            seed: 0,
            small_percent: 5,
        }
    }
}

/// Caps on what viewers and origin can make the store hold or do.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct PullLimits {
    /// Requests that one client may have waiting or reading a growing body. Default 8, as for windows.
    pub client_waiters: u32,
    /// Fetches under way. Default 256: more is a storm upon the origin.
    pub fills: u32,
    /// The longest hold, whatever deadline a request brings. Default 9 s.
    pub hold: Duration,
    /// Requests that may wait for one fetch. Default 8,192.
    pub key_waiters: u32,
    /// Bytes of the caller's encoded head. Default 16 KiB.
    pub meta_bytes: usize,
    /// Bytes of path and query of a name. Default 1 KiB.
    pub name_bytes: usize,
    /// Objects of which only an error or a mark is known. Default 4,096: scans for what does not exist
    /// press nothing else out.
    pub negatives: u32,
    /// Bytes of the body of an error. Default 64 KiB.
    pub negative_bytes: usize,
    /// Fetches of names that one client may cause in a minute. Default 600: a player asks for ten parts a second at
    /// most, and others ask for the same ones. Clients share 4,096 counters.
    pub new_names: u32,
    /// Bytes of a page, an initialisation or anything else that is neither playlist, part nor
    /// segment. Default 8 MiB.
    pub other_bytes: usize,
    /// Bytes of a part. Default 16 MiB.
    pub part_bytes: usize,
    /// How long it is remembered that answers to a name may not be shared, so that viewers go on
    /// their own without waiting for each other. Default 60 s.
    pub pass: Duration,
    /// Bytes of a playlist. Default 1 MiB.
    pub playlist_bytes: usize,
    /// Pairs of a query. Default 32.
    pub query_pairs: usize,
    /// Bytes of a segment or slate. Default 64 MiB.
    pub segment_bytes: usize,
    /// Variants of one name by `Vary`. Default 16: more is no use of a cache.
    pub variants: u32,
    /// Requests that may wait or read in all. Default 16,384.
    pub waiters: u32,
}

impl Default for PullLimits {
    fn default() -> Self {
        Self {
            client_waiters: 8,
            fills: 256,
            hold: Duration::from_secs(9),
            key_waiters: 8_192,
            meta_bytes: 16 << 10,
            name_bytes: 1 << 10,
            negatives: 4_096,
            negative_bytes: 64 << 10,
            new_names: 600,
            other_bytes: 8 << 20,
            part_bytes: 16 << 20,
            pass: Duration::from_secs(60),
            playlist_bytes: 1 << 20,
            query_pairs: 32,
            segment_bytes: 64 << 20,
            variants: 16,
            waiters: 16_384,
        }
    }
}
