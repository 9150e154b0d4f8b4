//! The caps.

use std::time::Duration;

/// Caps on what peers can make the cache hold. Charged on what arrived, never on what was declared.
///
/// Tuned for one box with 100 to 500 phones, a handful of renditions and 200 ms parts. The worst
/// case in memory is [`Config::budget`](crate::Config::budget), whatever these say.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Limits {
    /// Requests that one client may have waiting. Default 8: a player holds two playlists and two
    /// parts; more is a flood. Raise it where many viewers share one address.
    pub client_waiters: u32,
    /// Sessions that one client may count with. Default 8: tabs, and a television set of the same
    /// address.
    pub client_sessions: u32,
    /// Bytes of CMCD in one request. Default 2 KiB; what is beyond is not read.
    pub cmcd_bytes: usize,
    /// Fields of CMCD in one request. Default 64: more than there are.
    pub cmcd_keys: usize,
    /// Bytes of one document, identity and gzip each. Default 1 MiB.
    pub document_bytes: usize,
    /// Forms that the documents of one rendition may have. Default 8. Times the renditions it is also
    /// the most fetches that can be under way at once.
    pub forms: u8,
    /// Bytes of one stored head. Default 16 KiB, at most 2 MiB: servers refuse more.
    pub head_bytes: usize,
    /// Fields of one stored head. Default 128.
    pub head_fields: usize,
    /// The longest hold, whatever deadline a request brings. Default 9 s: players give up waiting
    /// for a first byte after 10 s.
    pub hold: Duration,
    /// Requests that may wait for one key or one document. Default 8,192.
    pub key_waiters: u32,
    /// Bytes of one init or part. Default 16 MiB.
    pub part_bytes: usize,
    /// Different points that the requests for one document may wait for. Default 128: players ask for
    /// the next parts of two segments.
    pub points: u32,
    /// Renditions of all streams together. Default 256.
    pub renditions: u32,
    /// Bytes of one segment. Default 64 MiB.
    pub segment_bytes: usize,
    /// How long a session counts after its last request. Default 30 s: longer than players pause between
    /// two requests.
    pub session_idle: Duration,
    /// Sessions that count. Default 4,096, about 200 bytes each.
    pub sessions: u32,
    /// Slots of one window, rounded up to a power of two. Windows start small and double as the
    /// span of live sequence numbers needs it. Default 4,096: three minutes of single-frame parts.
    pub slots: u32,
    /// Requests that may wait in all. Default 16,384.
    pub waiters: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            client_waiters: 8,
            client_sessions: 8,
            cmcd_bytes: 2 << 10,
            cmcd_keys: 64,
            document_bytes: 1 << 20,
            forms: 8,
            head_bytes: 16 << 10,
            head_fields: 128,
            hold: Duration::from_secs(9),
            key_waiters: 8_192,
            part_bytes: 16 << 20,
            points: 128,
            renditions: 256,
            segment_bytes: 64 << 20,
            session_idle: Duration::from_secs(30),
            sessions: 4_096,
            slots: 4_096,
            waiters: 16_384,
        }
    }
}
