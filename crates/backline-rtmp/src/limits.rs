//! What one peer may cost.

/// Caps on what one connection may make this crate hold or do.
///
/// Every cap is charged on bytes that arrived, never on a length that the peer merely declared. The
/// defaults suit a camera or an encoder at up to about 50 Mb/s; the worst case of heap for one
/// connection is about twice `reassembly_bytes_live`, since buffers double while they grow, plus the queued
/// outputs that the caller has not taken.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Limits {
    /// Messages in one aggregate message. Default 4096: one costs the peer fifteen bytes.
    pub aggregate_items: u16,
    /// Values in one AMF body, nested ones included. Default 1024: a property costs the peer three
    /// bytes and us sixty.
    pub amf_nodes: u32,
    /// Depth of nesting in one AMF value. Default 32: a nested array costs the peer five bytes.
    pub amf_depth: u32,
    /// Bytes of all strings in one AMF body. Default 64 KiB.
    pub amf_string_bytes: u32,
    /// Bytes that may arrive in chunks smaller than `chunk_size_min`. Default 64 KiB: the set-up
    /// of an odd encoder fits, a stream of one-byte chunks does not.
    pub chunk_grace_bytes: u32,
    /// Smallest chunk size, in bytes, that a peer may keep using. Default 128.
    pub chunk_size_min: u32,
    /// Chunk streams with a message in progress. Default 64: an encoder uses two or three.
    pub chunk_streams_live: u16,
    /// Chunk streams whose last header is remembered. Default 256.
    pub chunk_streams_remembered: u16,
    /// Bytes of one command or control message, and of one data message that is to be understood.
    /// Default 64 KiB.
    pub command_bytes: u32,
    /// Message streams that a peer may hold at a time. Default 16.
    pub message_streams: u16,
    /// Bytes of one message. Default 4 MiB; the wire cannot say more than 16 777 215.
    pub message_bytes: u32,
    /// ModEx layers around one media packet. Default 8.
    pub modex_layers: u8,
    /// Outputs that wait for the caller before no more input is taken. Default 256. One message of several tracks may
    /// bring as many more as `tracks` says.
    pub outputs: usize,
    /// Parameter sets in one configuration record. Default 64: an encoder has three.
    pub parameter_sets: u16,
    /// Bytes received before a publication is accepted. Default 256 KiB.
    pub pre_publish_bytes: u32,
    /// Bytes of all messages in progress before a publication is accepted. Default 8 MiB.
    pub reassembly_bytes: u32,
    /// Bytes of all messages in progress once a publication is accepted. Default 32 MiB.
    pub reassembly_bytes_live: u32,
    /// Tracks in one media message. Default 64: a track without a payload costs the peer four bytes.
    pub tracks: u8,
    /// Transmits that wait for the caller before no more input is taken. Default 64: a peer that
    /// asks much and reads nothing is not listened to.
    pub transmits: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            aggregate_items: 4096,
            amf_nodes: 1024,
            amf_depth: 32,
            amf_string_bytes: 64 << 10,
            chunk_grace_bytes: 64 << 10,
            chunk_size_min: 128,
            chunk_streams_live: 64,
            chunk_streams_remembered: 256,
            command_bytes: 64 << 10,
            message_streams: 16,
            message_bytes: 4 << 20,
            modex_layers: 8,
            outputs: 256,
            parameter_sets: 64,
            pre_publish_bytes: 256 << 10,
            reassembly_bytes: 8 << 20,
            reassembly_bytes_live: 32 << 20,
            tracks: 64,
            transmits: 64,
        }
    }
}
