//! `backline-rtmp` behind the same methods as its peers.

use super::fragments::{Fragments, Frame, TICKS, with_payloads};
use super::{Demux, Session};
use backline_hls::fmp4::{FragmentSample, Run, Styp, fragment_header};
use backline_rtmp::Limits;
use backline_rtmp::chunk::Demuxer;
use backline_rtmp::flv::{Audio, AudioData, Media, Video, VideoData};
use backline_rtmp::server::{Config, Output, Server};
use bytes::{Buf as _, Bytes};
use std::time::Instant;

/// Name and version.
pub const WHO: &str = "backline-rtmp";

/// The demuxer.
#[derive(Debug)]
pub struct Ours(Demuxer);

impl Demux for Ours {
    const WHO: &'static str = WHO;

    fn new(mut prelude: &[u8], _chunk_size: u32) -> Self {
        let mut demuxer = Demuxer::new(Limits::default());
        while demuxer.next_message(&mut prelude).unwrap().is_some() {}
        demuxer.set_publishing(true);
        Self(demuxer)
    }

    fn feed(&mut self, mut read: &[u8], mut sink: impl FnMut(u8, u32, &[u8])) {
        while let Some(message) = self.0.next_message(&mut read).unwrap() {
            sink(message.kind, message.timestamp_ms as u32, &message.payload);
        }
    }
}

/// The server's session.
#[derive(Debug)]
pub struct OurSession {
    now: Instant,
    server: Server,
}

impl Session for OurSession {
    const WHO: &'static str = WHO;

    fn new() -> Self {
        let now = Instant::now();
        Self {
            now,
            server: Server::new(Config::default(), now),
        }
    }

    fn feed(&mut self, mut read: &[u8], out: &mut Vec<u8>, mut sink: impl FnMut(u8, &[u8])) {
        loop {
            let taken = self.server.handle_input(self.now, read).unwrap();
            read = &read[taken..];
            let mut answered = false;
            while let Some(output) = self.server.poll_output() {
                match output {
                    Output::Publish(request) => {
                        self.server.accept(self.now, request.id).unwrap();
                        answered = true;
                    }
                    Output::Media(packet) => match packet.media {
                        Media::Video(Video {
                            data: VideoData::Frame { data, .. },
                            ..
                        }) => sink(9, &data),
                        Media::Audio(Audio {
                            data: AudioData::Frame(data),
                            ..
                        }) => sink(8, &data),
                        _ => {}
                    },
                    odd => panic!("a plain publish gives no {odd:?}"),
                }
            }
            while let Some(mut transmit) = self.server.poll_transmit() {
                while transmit.has_remaining() {
                    let piece = transmit.chunk();
                    out.extend(piece);
                    let length = piece.len();
                    transmit.advance(length);
                }
            }
            if read.is_empty() && !answered {
                return;
            }
        }
    }
}

/// The writer of fragments.
#[derive(Debug)]
pub struct OurFragments(Vec<Frame>);

impl Fragments for OurFragments {
    const WHO: &'static str = "backline-hls";

    fn new(frames: &[Frame]) -> Self {
        Self(frames.to_vec())
    }

    fn part(&mut self, sequence: u32, decode_time: u64) -> Vec<Bytes> {
        let samples: Vec<FragmentSample> = self
            .0
            .iter()
            .map(|frame| FragmentSample {
                duration: TICKS,
                size: frame.data.len() as u32,
                composition: frame.composition,
                sync: frame.sync,
            })
            .collect();
        let run = Run {
            track_id: 1,
            base_decode_time: decode_time,
            samples: &samples,
        };
        let header = fragment_header(sequence, Some(Styp::Chunk), &[run]).unwrap();
        with_payloads(header, &self.0)
    }
}
