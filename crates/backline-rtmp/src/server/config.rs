//! What the caller decides once.

use super::Capabilities;
use crate::Limits;
use crate::handshake::EchoPolicy;
use core::time::Duration;

/// How a session behaves; tuned for cameras and encoders on the venue's network, up to 50 Mb/s each.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Config {
    /// What this side can do, told to a peer that speaks Enhanced RTMP. Default: pass on all codecs, and all that this
    /// crate reads.
    pub capabilities: Capabilities,
    /// What to think of a peer that does not echo our handshake. Default: ignore it.
    pub echo: EchoPolicy,
    /// Chunk size for what we send, 1 to 16 777 215 bytes. Default 4096: every answer is one chunk.
    pub chunk_size: u32,
    /// Time for the handshake. Default 5 s.
    pub handshake_timeout: Duration,
    /// Time without any byte after which the peer is taken for dead. Default 30 s. Of a player that never answered a
    /// ping it is enough that what was sent to it is taken.
    pub idle_timeout: Duration,
    /// Caps on what the peer may cost.
    pub limits: Limits,
    /// Bytes that we let the peer have unacknowledged. Default 2 500 000.
    pub peer_bandwidth: u32,
    /// Silence of a publisher or player after which it is asked for a sign of life. Default 10 s; zero never asks. A
    /// peer that does not answer is not dead for it: `idle_timeout` alone decides, and any byte counts.
    pub ping_interval: Duration,
    /// Time from the connection, or from the end of a publication, to the next command to publish or play. Default
    /// 10 s.
    pub pre_publish_timeout: Duration,
    /// Source of the handshake's random bytes. Default 0; give each connection its own.
    pub seed: u64,
    /// Bytes after which we ask the peer to acknowledge. Default 2 500 000.
    pub window_ack_size: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            capabilities: Capabilities::default(),
            echo: EchoPolicy::default(),
            chunk_size: 4096,
            handshake_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            limits: Limits::default(),
            peer_bandwidth: 2_500_000,
            ping_interval: Duration::from_secs(10),
            pre_publish_timeout: Duration::from_secs(10),
            seed: 0,
            window_ack_size: 2_500_000,
        }
    }
}
