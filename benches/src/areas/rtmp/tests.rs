use super::{Recording, verify, verify_mux};
use crate::peers::mux::{LibRtmp2Muxer, OurMuxer, RmlMuxer, ShiguredoMuxer};
use crate::peers::ours::{OurSession, Ours};
use crate::peers::{Demux, LibRtmp2, RmlRtmp, RmlSession, Shiguredo, ShiguredoSession};
use crate::wire::Stream;

fn every_stream<D: Demux>() {
    for (size, chunk_size) in [(25_000, 128), (25_000, 65_536), (350, 4096)] {
        verify::<D>(&Stream::new(9, size, chunk_size, 200_000));
    }
}

#[test]
fn every_demuxer_finds_the_messages_that_were_written() {
    every_stream::<Ours>();
    every_stream::<RmlRtmp>();
    every_stream::<LibRtmp2>();
    every_stream::<Shiguredo>();
}

#[test]
fn a_foreign_demuxer_finds_what_every_muxer_wrote() {
    let stream = Stream::new(9, 25_000, 4096, 200_000);
    verify_mux::<OurMuxer>(&stream);
    verify_mux::<RmlMuxer>(&stream);
    verify_mux::<LibRtmp2Muxer>(&stream);
    verify_mux::<ShiguredoMuxer>(&stream);
}

#[test]
fn every_session_hands_out_the_frames_that_were_published() {
    let recording = Recording::new();
    recording.run::<OurSession>();
    recording.run::<RmlSession>();
    recording.run::<ShiguredoSession>();
}
