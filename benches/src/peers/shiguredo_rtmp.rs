//! `shiguredo_rtmp`: `RtmpChunkDecoder`, fed from a buffer as its own message decoder does, and its server connection.

use super::{Demux, Session};
use shiguredo_rtmp::tests::{RtmpChunkDecoder, RtmpChunkSize};
use shiguredo_rtmp::{ErrorKind, RtmpConnectionEvent, RtmpServerConnection};

const WHO: &str = "shiguredo_rtmp canary.6";

/// The demuxer.
#[derive(Debug)]
pub struct Shiguredo {
    buffer: Vec<u8>,
    decoder: RtmpChunkDecoder,
    taken: usize,
}

impl Demux for Shiguredo {
    const WHO: &'static str = WHO;

    fn new(_prelude: &[u8], chunk_size: u32) -> Self {
        let mut decoder = RtmpChunkDecoder::default();
        decoder.set_chunk_size(RtmpChunkSize::new(chunk_size as usize).unwrap());
        Self {
            buffer: Vec::new(),
            decoder,
            taken: 0,
        }
    }

    fn feed(&mut self, read: &[u8], mut sink: impl FnMut(u8, u32, &[u8])) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend(read);
        loop {
            match self.decoder.decode(&self.buffer[self.taken..]) {
                Ok((size, chunk)) => {
                    self.taken += size;
                    if let Some(chunk) = chunk {
                        sink(
                            chunk.message_type as u8,
                            chunk.timestamp.as_millis(),
                            &chunk.payload,
                        );
                    }
                }
                Err(error) if error.kind == ErrorKind::InsufficientBuffer => return,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The server's session.
#[expect(missing_debug_implementations, reason = "the peer's type has none")]
pub struct ShiguredoSession(RtmpServerConnection);

impl Session for ShiguredoSession {
    const WHO: &'static str = WHO;

    fn new() -> Self {
        Self(RtmpServerConnection::new())
    }

    fn feed(&mut self, read: &[u8], out: &mut Vec<u8>, mut sink: impl FnMut(u8, &[u8])) {
        self.0.feed_recv_buf(read).unwrap();
        while let Some(event) = self.0.next_event() {
            match event {
                RtmpConnectionEvent::PublishRequested { .. } => self.0.accept().unwrap(),
                RtmpConnectionEvent::VideoReceived(frame)
                    if frame.avc_packet_type.is_some_and(is_frame) =>
                {
                    sink(9, &frame.data);
                }
                RtmpConnectionEvent::AudioReceived(frame) if !frame.is_aac_sequence_header => {
                    sink(8, &frame.data)
                }
                RtmpConnectionEvent::DisconnectedByPeer { reason } => panic!("{reason}"),
                _ => {}
            }
        }
        let send = self.0.send_buf();
        out.extend(send);
        let length = send.len();
        self.0.advance_send_buf(length);
    }
}

fn is_frame(kind: shiguredo_rtmp::AvcPacketType) -> bool {
    kind == shiguredo_rtmp::AvcPacketType::NalUnit
}
