use super::{ChunkWriter, Stream};

/// RTMP 1.0, 5.3.2.2: 307 bytes of video at a chunk size of 128 are chunks of 140, 129 and 52 bytes.
#[test]
fn the_example_of_the_specification() {
    let mut out = Vec::new();
    ChunkWriter::new().write(&mut out, 4, 1, 9, 1000, &[7; 307]);
    assert_eq!(out.len(), 140 + 129 + 52);
    assert_eq!(out[..12], [0x04, 0, 3, 0xE8, 0, 1, 0x33, 9, 1, 0, 0, 0]);
    assert_eq!((out[140], out[269]), (0xC4, 0xC4));
}

/// RTMP 1.0, 5.3.1.2.2: the second message of a chunk stream needs no message stream id and says a delta.
#[test]
fn the_second_message_is_a_delta() {
    let mut writer = ChunkWriter::new();
    let mut out = Vec::new();
    writer.write(&mut out, 4, 1, 8, 1000, &[7; 32]);
    assert_eq!(out.len(), 44);
    out.clear();
    writer.write(&mut out, 4, 1, 8, 1020, &[7; 32]);
    assert_eq!(out[..8], [0x44, 0, 0, 20, 0, 0, 32, 8]);
}

#[test]
fn made_streams_have_the_size_that_was_asked_for() {
    let stream = Stream::new(9, 25_000, 4096, 1 << 20);
    assert_eq!(stream.messages.len(), (1 << 20) / 25_000);
    let mean = stream.payload_size / stream.messages.len();
    assert!((24_500..25_500).contains(&mean), "{mean}");
    assert_eq!(
        stream.prelude,
        [2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0x10, 0]
    );
}
