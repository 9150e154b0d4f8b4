//! What can be wrong, who did it, and where.

/// What went wrong.
///
/// An error of `handle_input` ends the connection, as one inside `Output::Failed` has done. An error of a verb says
/// that it came at the wrong time, and changed nothing. An error inside `Output::Malformed` concerns one message body
/// alone; the session goes on.
///
/// `at` is a byte offset: from the start of the connection in errors of the handshake and the chunk
/// layer, from the start of the body in errors of a body.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // The peer's handshake.
    /// The first byte is no RTMP version; an HTTP client sends `G`.
    #[error("byte {version:#04x} at {at} is not an RTMP version, expected 0x03 (RTMP 1.0, 5.2.2)")]
    HandshakeVersion {
        /// Offset of the byte.
        at: u64,
        /// What was there.
        version: u8,
    },
    /// The peer asks for RTMPE, which is not supported.
    #[error("encrypted handshake, version {version:#04x} at {at}, is not supported, expected 0x03")]
    HandshakeEncrypted {
        /// Offset of the byte.
        at: u64,
        /// The version asked for.
        version: u8,
    },
    /// The peer's C2 does not echo our S1, and the configuration demands that it does.
    #[error("byte {at} of the handshake does not echo what was sent (RTMP 1.0, 5.2.4)")]
    HandshakeEcho {
        /// Offset of the first byte that differs.
        at: u64,
    },

    // The peer's chunk layer.
    /// A chunk size of zero, or with the top bit set.
    #[error("chunk size {size} at byte {at}, expected 1 to 2147483647 (RTMP 1.0, 5.4.1)")]
    ChunkSize {
        /// Offset just after the message that set it.
        at: u64,
        /// The size asked for.
        size: u32,
    },
    /// Too many bytes arrived in tiny chunks.
    #[error(
        "chunk at byte {at} on chunk stream {chunk_stream}: more than {limit} bytes in chunks of {size} bytes"
    )]
    ChunkSizeSmall {
        /// Offset of the chunk header.
        at: u64,
        /// Chunk stream of the chunk.
        chunk_stream: u32,
        /// Chunk size in force.
        size: u32,
        /// `Limits::chunk_grace_bytes`.
        limit: u32,
    },
    /// Too many chunk streams are known or have a message in progress.
    #[error("chunk at byte {at} on chunk stream {chunk_stream}: more than {limit} chunk streams")]
    ChunkStreams {
        /// Offset of the chunk header.
        at: u64,
        /// The chunk stream that is one too many.
        chunk_stream: u32,
        /// The cap that it breaks.
        limit: u16,
    },
    /// A message is longer than allowed.
    #[error(
        "byte {at}: message of type {kind} on chunk stream {chunk_stream} is longer than {limit} bytes"
    )]
    MessageLength {
        /// Offset of the first byte too many.
        at: u64,
        /// Chunk stream of the message.
        chunk_stream: u32,
        /// Message type id.
        kind: u8,
        /// The cap that it breaks.
        limit: u32,
    },
    /// The messages in progress hold more bytes than allowed.
    #[error(
        "byte {at} on chunk stream {chunk_stream}: messages in progress hold more than {limit} bytes"
    )]
    Reassembly {
        /// Offset of the first byte too many.
        at: u64,
        /// Chunk stream of the message.
        chunk_stream: u32,
        /// The cap that it breaks.
        limit: u32,
    },

    // The peer's session.
    /// The peer holds more message streams than allowed.
    #[error("createStream at byte {at}: more than {limit} message streams")]
    MessageStreams {
        /// Offset just after the command.
        at: u64,
        /// `Limits::message_streams`.
        limit: u16,
    },
    /// The peer sent much without a publication that was accepted.
    #[error("byte {at}: more than {limit} bytes before a publication was accepted")]
    PrePublishBytes {
        /// Offset of the first byte too many.
        at: u64,
        /// `Limits::pre_publish_bytes`.
        limit: u32,
    },
    /// The handshake took too long.
    #[error("handshake not finished after {after_ms} ms")]
    HandshakeTimeout {
        /// `Config::handshake_timeout` in milliseconds.
        after_ms: u64,
    },
    /// The peer did not ask to publish or play in time.
    #[error("no command to publish or play after {after_ms} ms")]
    PublishTimeout {
        /// `Config::pre_publish_timeout` in milliseconds.
        after_ms: u64,
    },
    /// The server did not answer in time.
    #[error("no answer to {command} after {after_ms} ms")]
    AnswerTimeout {
        /// What was asked.
        command: &'static str,
        /// `client::Config::answer_timeout` in milliseconds.
        after_ms: u64,
    },
    /// The peer sent nothing for too long.
    #[error("no byte from the peer for {after_ms} ms")]
    IdleTimeout {
        /// `Config::idle_timeout` in milliseconds.
        after_ms: u64,
    },

    // Bodies.
    /// A body ends too early.
    #[error("body ends at byte {at}, expected {needed} more bytes")]
    Truncated {
        /// Where the missing bytes should begin.
        at: usize,
        /// How many bytes were asked for there.
        needed: usize,
    },
    /// An aggregate holds too many messages.
    #[error("message at byte {at} of an aggregate: more than {limit} messages in it")]
    AggregateItems {
        /// Offset of the first one too many.
        at: usize,
        /// `Limits::aggregate_items`.
        limit: u16,
    },
    /// A marker that AMF0 or AMF3 does not define.
    #[error("marker {marker:#04x} at byte {at} is not a value (AMF0, 2.1; AMF3, 3.1)")]
    AmfMarker {
        /// Offset of the marker.
        at: usize,
        /// The marker.
        marker: u8,
    },
    /// An AMF3 object that only its class can read.
    #[error("object at byte {at} writes itself, and its class is not known (AMF3, 3.12)")]
    AmfExternal {
        /// Offset of the object.
        at: usize,
    },
    /// An AMF3 reference to something that did not come.
    #[error("reference at byte {at} to number {index}, which did not come (AMF3, 2.2)")]
    AmfReference {
        /// Offset of the reference.
        at: usize,
        /// The number that it names.
        index: u32,
    },
    /// AMF values are nested too deeply.
    #[error("amf value at byte {at} is nested more than {limit} deep")]
    AmfDepth {
        /// Offset of the value.
        at: usize,
        /// `Limits::amf_depth`.
        limit: u32,
    },
    /// A body has too many AMF values.
    #[error("amf value at byte {at}: more than {limit} values in one body")]
    AmfNodes {
        /// Offset of the value.
        at: usize,
        /// `Limits::amf_nodes`.
        limit: u32,
    },
    /// The strings of an AMF body are too long.
    #[error("amf string at byte {at}: more than {limit} bytes of strings in one body")]
    AmfStrings {
        /// Offset of the string.
        at: usize,
        /// `Limits::amf_string_bytes`.
        limit: u32,
    },
    /// A command or data message that does not begin with a name.
    #[error("message of type {kind} does not begin with a name (RTMP 1.0, 7.1.1)")]
    Nameless {
        /// Message type id.
        kind: u8,
    },
    /// A command or data message is too long to be read.
    #[error("message of type {kind} has {length} bytes, more than {limit}")]
    BodyLength {
        /// Message type id.
        kind: u8,
        /// Its length in bytes.
        length: usize,
        /// `Limits::command_bytes`.
        limit: u32,
    },
    /// A media packet type that FLV and Enhanced RTMP do not define, or not there.
    #[error("packet type {packet} at byte {at} is not defined here (FLV, E.4; Enhanced RTMP)")]
    PacketType {
        /// Offset of the byte that holds it.
        at: usize,
        /// The packet type.
        packet: u8,
    },
    /// Too many ModEx layers.
    #[error("more than {limit} ModEx layers at byte {at}")]
    ModEx {
        /// Offset of the layer that is one too many.
        at: usize,
        /// `Limits::modex_layers`.
        limit: u8,
    },
    /// A multitrack type that is not defined, or not wanted here.
    #[error(
        "multitrack type {multitrack} at byte {at}, expected {expected} (Enhanced RTMP, Multitrack)"
    )]
    Multitrack {
        /// Offset of the byte that holds it.
        at: usize,
        /// The multitrack type.
        multitrack: u8,
        /// What would have been right.
        expected: &'static str,
    },
    /// Too many tracks in one message.
    #[error("more than {limit} tracks at byte {at}")]
    Tracks {
        /// Offset of the track that is one too many.
        at: usize,
        /// `Limits::tracks`.
        limit: u8,
    },

    /// A field of a configuration record that is wrong.
    #[error("{field} is {value} at byte {at} of the configuration record, expected {expected}")]
    Record {
        /// Offset of the byte that holds the end of it.
        at: usize,
        /// Its name in the specification.
        field: &'static str,
        /// What it is.
        value: u64,
        /// What would have been right.
        expected: &'static str,
    },
    /// Too many parameter sets in a configuration record.
    #[error("more than {limit} parameter sets at byte {at} of the configuration record")]
    ParameterSets {
        /// Offset of the one that is one too many.
        at: usize,
        /// `Limits::parameter_sets`.
        limit: u16,
    },

    // Files.
    /// A file that does not begin as FLV files do.
    #[error(
        "no FLV file: byte {at}, expected \"FLV\" at 0 and an offset of 9 or more at 5 (FLV, E.2)"
    )]
    FlvHeader {
        /// Offset of the fault.
        at: u64,
    },
    /// A body that is too long for a tag.
    #[error(
        "a body of {length} bytes does not fit into an FLV tag, which holds 16777215 (FLV, E.4.1)"
    )]
    TagLength {
        /// Its length in bytes.
        length: usize,
    },

    // The caller.
    /// An address that cannot be understood.
    #[error("the address is wrong at byte {at}: expected {expected}")]
    Address {
        /// Offset of the fault.
        at: usize,
        /// What would have been right.
        expected: &'static str,
    },
    /// The peer did not say that it can connect anew on request.
    #[error(
        "the peer cannot be asked to connect anew: bit 1 of its capsEx is not set (Enhanced RTMP, Reconnect Request)"
    )]
    CannotReconnect,
    /// Packets of several tracks that cannot go in one message.
    #[error(
        "track {track} cannot go in one message with the others: same kind, frame type and offset, 1 to 255 tracks below 16 MiB each"
    )]
    TracksDiffer {
        /// The track that does not fit.
        track: u8,
    },
    /// Nothing is published or played on this connection, so nothing can be sent.
    #[error("nothing is published or played on this connection")]
    NotStreaming,
    /// Too much waits to be sent; nothing has changed.
    #[error("{limit} or more pieces wait to be sent: take them with poll_transmit first")]
    QueueFull {
        /// `Limits::transmits`.
        limit: usize,
    },
    /// The request was answered already, or never asked.
    #[error("no request waits for an answer under this id")]
    UnknownRequest,
    /// The session has ended.
    #[error("the session is over")]
    Closed,
}
