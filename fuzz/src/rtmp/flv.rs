//! Bodies of audio and video messages.

use super::limits;
use crate::Source;
use backline_rtmp::flv::{Audio, AudioData, Video, VideoData};
use bytes::Bytes;

/// A video body that can be read can be written, and reads the same again; its payload is shared, not copied.
///
/// Input: a byte of modes, a body.
pub fn video_body(data: &[u8]) {
    let mut source = Source::new(data);
    let caps = limits(source.u8() & 1 != 0);
    let body = Bytes::copy_from_slice(source.rest());
    let Ok(video) = Video::decode(body.clone(), &caps) else {
        return;
    };
    match &video.data {
        VideoData::Config(data) | VideoData::TsConfig(data) | VideoData::Frame { data, .. } => {
            shared(&body, data)
        }
        _ => {}
    }
    let written = video.encode();
    let again =
        Video::decode(written.clone(), &limits(false)).expect("what was written can be read");
    if let VideoData::Command(_) = video.data {
        // A command needs no codec, and only the old form has one.
        assert_eq!(
            (&video.data, video.track, video.offset_ns),
            (&again.data, again.track, again.offset_ns)
        );
    } else {
        // Their text is compared, since NaN in metadata is not itself.
        assert_eq!(format!("{video:?}"), format!("{again:?}"));
    }
    assert_eq!(written, again.encode());
}

/// The same of an audio body.
///
/// Input: a byte of modes, a body.
pub fn audio_body(data: &[u8]) {
    let mut source = Source::new(data);
    let caps = limits(source.u8() & 1 != 0);
    let body = Bytes::copy_from_slice(source.rest());
    let Ok(audio) = Audio::decode(body.clone(), &caps) else {
        return;
    };
    if let AudioData::Config(data) | AudioData::Frame(data) = &audio.data {
        shared(&body, data);
    }
    let written = audio.encode();
    let again =
        Audio::decode(written.clone(), &limits(false)).expect("what was written can be read");
    assert_eq!(format!("{audio:?}"), format!("{again:?}"));
    assert_eq!(written, again.encode());
}

fn shared(body: &Bytes, data: &Bytes) {
    let (whole, part) = (body.as_ptr_range(), data.as_ptr_range());
    assert!(
        data.is_empty() || (whole.start <= part.start && part.end <= whole.end),
        "the payload was copied"
    );
}
