use super::{Recording, verify};
use crate::peers::{Demux, LibRtmp2, RmlRtmp, RmlSession, Shiguredo, ShiguredoSession};
use crate::wire::Stream;

fn every_stream<D: Demux>() {
    for (size, chunk_size) in [(25_000, 128), (25_000, 65_536), (350, 4096)] {
        verify::<D>(&Stream::new(9, size, chunk_size, 200_000));
    }
}

#[test]
fn every_demuxer_finds_the_messages_that_were_written() {
    every_stream::<RmlRtmp>();
    every_stream::<LibRtmp2>();
    every_stream::<Shiguredo>();
}

#[test]
fn every_session_hands_out_the_frames_that_were_published() {
    let recording = Recording::new();
    recording.run::<RmlSession>();
    recording.run::<ShiguredoSession>();
}
