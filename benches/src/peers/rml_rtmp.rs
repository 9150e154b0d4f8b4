//! `rml_rtmp`: `chunk_io::ChunkDeserializer` and `sessions::ServerSession`.

use super::{Demux, Session};
use rml_rtmp::chunk_io::ChunkDeserializer;
use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{
    ServerSession, ServerSessionConfig, ServerSessionEvent, ServerSessionResult,
};

const WHO: &str = "rml_rtmp 0.8.0";

/// The demuxer.
#[expect(missing_debug_implementations, reason = "the peer's type has none")]
pub struct RmlRtmp(ChunkDeserializer);

impl Demux for RmlRtmp {
    const WHO: &'static str = WHO;

    fn new(_prelude: &[u8], chunk_size: u32) -> Self {
        let mut deserializer = ChunkDeserializer::new();
        deserializer
            .set_max_chunk_size(chunk_size as usize)
            .unwrap();
        Self(deserializer)
    }

    fn feed(&mut self, mut read: &[u8], mut sink: impl FnMut(u8, u32, &[u8])) {
        while let Some(message) = self.0.get_next_message(read).unwrap() {
            sink(message.type_id, message.timestamp.value, &message.data);
            // It has taken the bytes; the next call asks for what it still holds.
            read = &[];
        }
    }
}

/// The server's session.
#[expect(missing_debug_implementations, reason = "the peer's type has none")]
pub struct RmlSession {
    handshake: Option<Handshake>,
    session: ServerSession,
}

impl Session for RmlSession {
    const WHO: &'static str = WHO;

    fn new() -> Self {
        let (session, _) = ServerSession::new(ServerSessionConfig::new()).unwrap();
        Self {
            handshake: Some(Handshake::new(PeerType::Server)),
            session,
        }
    }

    fn feed(&mut self, read: &[u8], out: &mut Vec<u8>, mut sink: impl FnMut(u8, &[u8])) {
        let rest;
        let mut read = read;
        if let Some(handshake) = &mut self.handshake {
            match handshake.process_bytes(read).unwrap() {
                HandshakeProcessResult::InProgress { response_bytes } => {
                    out.extend(response_bytes);
                    return;
                }
                HandshakeProcessResult::Completed {
                    response_bytes,
                    remaining_bytes,
                } => {
                    out.extend(response_bytes);
                    rest = remaining_bytes;
                    read = &rest;
                }
            }
            self.handshake = None;
        }
        let mut results = self.session.handle_input(read).unwrap();
        while !results.is_empty() {
            let mut more = Vec::new();
            for result in results {
                match result {
                    ServerSessionResult::OutboundResponse(packet) => out.extend(packet.bytes),
                    ServerSessionResult::RaisedEvent(event) => match event {
                        ServerSessionEvent::ConnectionRequested { request_id, .. }
                        | ServerSessionEvent::ReleaseStreamRequested { request_id, .. }
                        | ServerSessionEvent::PublishStreamRequested { request_id, .. } => {
                            more.extend(self.session.accept_request(request_id).unwrap());
                        }
                        // Its events carry whole bodies: the headers of codec and packet come first.
                        ServerSessionEvent::VideoDataReceived { data, .. } if data[1] == 1 => {
                            sink(9, &data[5..])
                        }
                        ServerSessionEvent::AudioDataReceived { data, .. } if data[1] == 1 => {
                            sink(8, &data[2..])
                        }
                        _ => {}
                    },
                    ServerSessionResult::UnhandleableMessageReceived(_) => {}
                }
            }
            results = more;
        }
    }
}
