//! Writers of chunks.

use super::ours::WHO;
use crate::wire::Stream;
use backline_rtmp::chunk::{Message, Muxer};
use bytes::Bytes;
use librtmp2::buffer::Buffer;
use librtmp2::chunk::reader::ChunkMessage;
use librtmp2::chunk::writer::chunk_write;
use rml_rtmp::chunk_io::ChunkSerializer;
use rml_rtmp::messages::MessagePayload;
use rml_rtmp::time::RtmpTimestamp;
use shiguredo_rtmp::tests::{
    RtmpChunk, RtmpChunkEncoder, RtmpChunkSize, RtmpChunkStreamId, RtmpMessageStreamId,
    RtmpMessageType,
};

/// Writes the messages of a stream, which it has prepared in its own form, with the stream's chunk size.
pub trait Mux {
    /// Name and version.
    const WHO: &'static str;

    /// A muxer and its messages.
    fn new(stream: &Stream) -> Self;

    /// Appends the chunks of one message.
    fn write(&mut self, index: usize, out: &mut Vec<u8>);
}

/// `backline-rtmp`.
#[derive(Debug)]
pub struct OurMuxer {
    messages: Vec<Message>,
    muxer: Muxer,
}

impl OurMuxer {
    /// Makes the pieces of a message for a vectored write and counts them.
    pub fn lend(&mut self, index: usize) -> usize {
        self.muxer
            .write(&self.messages[index])
            .map(std::hint::black_box)
            .count()
    }
}

impl Mux for OurMuxer {
    const WHO: &'static str = WHO;

    fn new(stream: &Stream) -> Self {
        let messages = stream.messages.iter().map(|message| {
            let payload = Bytes::from(message.payload.clone());
            Message::new(6, 1, message.kind, u64::from(message.timestamp), payload)
        });
        let messages = messages.collect();
        let mut muxer = Muxer::new();
        assert!(
            muxer.set_chunk_size(stream.chunk_size).count() > 0,
            "the peer is told"
        );
        Self { messages, muxer }
    }

    fn write(&mut self, index: usize, out: &mut Vec<u8>) {
        self.muxer.write_to(&self.messages[index], out);
    }
}

/// `rml_rtmp`: `chunk_io::ChunkSerializer`.
#[expect(missing_debug_implementations, reason = "the peer's type has none")]
pub struct RmlMuxer {
    messages: Vec<MessagePayload>,
    serializer: ChunkSerializer,
}

impl Mux for RmlMuxer {
    const WHO: &'static str = "rml_rtmp 0.8.0";

    fn new(stream: &Stream) -> Self {
        let messages = stream.messages.iter().map(|message| MessagePayload {
            timestamp: RtmpTimestamp::new(message.timestamp),
            type_id: message.kind,
            message_stream_id: 1,
            data: message.payload.clone().into(),
        });
        let messages = messages.collect();
        let mut serializer = ChunkSerializer::new();
        serializer
            .set_max_chunk_size(stream.chunk_size, RtmpTimestamp::new(0))
            .unwrap();
        Self {
            messages,
            serializer,
        }
    }

    fn write(&mut self, index: usize, out: &mut Vec<u8>) {
        // Its packets are buffers of their own already; taking one over costs it nothing.
        *out = self
            .serializer
            .serialize(&self.messages[index], false, false)
            .unwrap()
            .bytes;
    }
}

/// `librtmp2`: `chunk::writer`.
#[expect(missing_debug_implementations, reason = "the peer's types have none")]
pub struct LibRtmp2Muxer {
    buffer: Buffer,
    chunk_size: usize,
    messages: Vec<(ChunkMessage, Vec<u8>)>,
}

impl Mux for LibRtmp2Muxer {
    const WHO: &'static str = "librtmp2 0.16.1";

    fn new(stream: &Stream) -> Self {
        let messages = stream.messages.iter().map(|message| {
            let header = ChunkMessage {
                csid: 6,
                fmt: 0,
                timestamp: message.timestamp,
                msg_length: message.payload.len() as u32,
                msg_type_id: message.kind,
                msg_stream_id: 1,
                is_complete: false,
            };
            (header, message.payload.clone())
        });
        let messages = messages.collect();
        Self {
            buffer: Buffer::with_capacity(64 << 10),
            chunk_size: stream.chunk_size as usize,
            messages,
        }
    }

    fn write(&mut self, index: usize, out: &mut Vec<u8>) {
        let (header, payload) = &self.messages[index];
        chunk_write(
            &mut self.buffer,
            header,
            payload,
            payload.len(),
            self.chunk_size,
        )
        .unwrap();
        // Its buffer is what would be written to the socket: it is handed over, not copied.
        *out = self.buffer.take();
    }
}

/// `shiguredo_rtmp`: `RtmpChunkEncoder`.
#[derive(Debug)]
pub struct ShiguredoMuxer {
    encoder: RtmpChunkEncoder,
    messages: Vec<RtmpChunk>,
}

impl Mux for ShiguredoMuxer {
    const WHO: &'static str = "shiguredo_rtmp canary.6";

    fn new(stream: &Stream) -> Self {
        let messages = stream.messages.iter().map(|message| RtmpChunk {
            chunk_stream_id: RtmpChunkStreamId::new(6).unwrap(),
            message_stream_id: RtmpMessageStreamId::new(1),
            message_type: RtmpMessageType::from_type_id(message.kind).unwrap(),
            timestamp: shiguredo_rtmp::RtmpTimestamp::from_millis(message.timestamp),
            payload: message.payload.clone(),
        });
        let messages = messages.collect();
        let mut encoder = RtmpChunkEncoder::default();
        encoder.set_chunk_size(RtmpChunkSize::new(stream.chunk_size as usize).unwrap());
        Self { encoder, messages }
    }

    fn write(&mut self, index: usize, out: &mut Vec<u8>) {
        self.encoder.encode(out, &self.messages[index]);
    }
}
