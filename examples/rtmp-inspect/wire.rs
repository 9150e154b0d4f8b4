//! The connection below the session: each chunk as it stands on the wire.

use std::collections::{BTreeMap, BTreeSet};

use backline_rtmp::Limits;
use backline_rtmp::chunk::{Demuxer, Dialect, Event, Message};

use super::quirks::Quirk;
use super::view::View;

/// Bytes of each packet of the handshake; a version byte stands before the first of two.
const PACKET: usize = 1536;

/// What the peer sends, chunk by chunk.
#[derive(Debug)]
pub(crate) struct Wire {
    view: View,
    /// Bytes of the handshake that are still to come.
    left: usize,
    /// Where the first packet says its version, once it is there.
    version: [u8; 4],
    demuxer: Demuxer,
    broken: bool,
    pub(crate) seen: Seen,
}

/// What was seen of the chunk layer.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(crate) struct Seen {
    pub(crate) bytes: u64,
    pub(crate) chunks: u64,
    /// Chunks of each format of their header.
    pub(crate) formats: [u64; 4],
    /// Types of the messages that each chunk stream carried.
    pub(crate) chunk_streams: BTreeMap<u32, BTreeSet<u8>>,
    pub(crate) dialect: Dialect,
    #[serde(skip)]
    pub(crate) quirks: BTreeSet<Quirk>,
}

impl Wire {
    pub(crate) fn new(view: View) -> Self {
        let mut demuxer = Demuxer::new(Limits::default());
        demuxer.set_publishing(true);
        demuxer.trace(true);
        Self {
            view,
            left: 1 + 2 * PACKET,
            version: [0; 4],
            demuxer,
            broken: false,
            seen: Seen::default(),
        }
    }

    /// Takes in what was read from the peer.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        self.seen.bytes += bytes.len() as u64;
        let mut rest = self.handshake(bytes);
        while !self.broken {
            match self.demuxer.next_event(&mut rest) {
                Ok(Some(event)) => self.note(event),
                Ok(None) => break,
                // The session says what is wrong.
                Err(_) => self.broken = true,
            }
        }
        self.seen.dialect = self.demuxer.dialect();
    }

    /// Passes the handshake, and returns what follows it.
    fn handshake<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (front, rest) = bytes.split_at(bytes.len().min(self.left));
        // The version stands in bytes 4 to 8 of the first packet, behind the one byte of C0.
        for (at, byte) in (1 + 2 * PACKET - self.left..).zip(front) {
            if let Some(place) = at.checked_sub(5).and_then(|at| self.version.get_mut(at)) {
                *place = *byte;
            }
        }
        self.left -= front.len();
        if self.left == 0 && !front.is_empty() {
            let signed = self.version != [0; 4];
            self.seen.quirks.insert(match signed {
                true => Quirk::SignedHandshake,
                false => Quirk::PlainHandshake,
            });
        }
        rest
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Chunk(header) => {
                self.seen.chunks += 1;
                if let Some(count) = self.seen.formats.get_mut(usize::from(header.format)) {
                    *count += 1;
                }
                let streams = &mut self.seen.chunk_streams;
                // A peer may use sixty thousand of them; a summary has no use for that.
                if streams.len() < 256 || streams.contains_key(&header.chunk_stream) {
                    let kinds = streams.entry(header.chunk_stream).or_default();
                    kinds.insert(header.kind);
                }
                if header.message_stream == 0x0100_0000 {
                    self.seen.quirks.insert(Quirk::BigEndianStream);
                }
                self.view.chunk(&header);
            }
            Event::FreshHeader { format, .. } => {
                self.seen.quirks.insert(match format {
                    1 => Quirk::FreshFormat1,
                    _ => Quirk::FreshFormat2,
                });
            }
            Event::Message(message) => {
                let control = Message::SET_CHUNK_SIZE..=Message::SET_PEER_BANDWIDTH;
                if control.contains(&message.kind) && message.chunk_stream != 2 {
                    self.seen.quirks.insert(Quirk::ControlElsewhere);
                }
            }
            _ => {}
        }
    }
}
