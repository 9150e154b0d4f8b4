//! Configuration records.

use super::limits;
use crate::Source;
use backline_rtmp::flv::config::{AudioConfig, Picture, VideoConfig};
use backline_rtmp::flv::{AudioCodec, VideoCodec};
use bytes::Bytes;

/// A record that can be read shares its bytes, keeps to the cap on parameter sets, promises no rate or shape that is no
/// fraction, and costs no more memory than its length allows.
///
/// Input: a byte of modes, one of the codec, a record.
pub fn codec_config(data: &[u8]) {
    let mut source = Source::new(data);
    let caps = limits(source.u8() & 1 != 0);
    let codec = source.u8();
    let record = Bytes::copy_from_slice(source.rest());
    let (mut video, mut audio) = (None, None);
    let measured = allocation_counter::measure(|| match codec % 12 {
        0 => video = VideoConfig::decode(VideoCodec::Avc, &record, &caps).ok(),
        1 => video = VideoConfig::decode(VideoCodec::Hevc, &record, &caps).ok(),
        2 => video = VideoConfig::decode(VideoCodec::Av1, &record, &caps).ok(),
        3 => video = VideoConfig::decode(VideoCodec::Vp8, &record, &caps).ok(),
        4 => video = VideoConfig::decode(VideoCodec::Vp9, &record, &caps).ok(),
        5 => video = VideoConfig::decode(VideoCodec::Vvc, &record, &caps).ok(),
        6 => audio = AudioConfig::decode(AudioCodec::Aac, &record).ok(),
        7 => audio = AudioConfig::decode(AudioCodec::Ac3, &record).ok(),
        8 => audio = AudioConfig::decode(AudioCodec::Eac3, &record).ok(),
        9 => audio = AudioConfig::decode(AudioCodec::Flac, &record).ok(),
        10 => audio = AudioConfig::decode(AudioCodec::Opus, &record).ok(),
        _ => audio = AudioConfig::from_frame(AudioCodec::Eac3, &record).ok(),
    });
    // A parameter set costs its length of two bytes, and a handle of four words.
    let by_length = 4096 + 64 * record.len() as u64;
    assert!(
        measured.bytes_max <= by_length,
        "{} bytes",
        measured.bytes_max
    );
    if let Some(Some(config)) = video {
        assert!(!record.is_empty(), "nothing says something");
        pictures(&config, &record, usize::from(caps.parameter_sets));
    }
    if let Some(Some(config)) = audio {
        match &config {
            AudioConfig::Opus(opus) => shared(&record, &opus.mapping),
            AudioConfig::Other(other) => shared(&record, other),
            _ => {}
        }
        assert_eq!(
            config.channels(),
            config.channels().filter(|count| *count > 0)
        );
    }
}

fn pictures(config: &VideoConfig, record: &Bytes, sets_max: usize) {
    let sets: Vec<&Bytes> = match config {
        VideoConfig::Av1(av1) => vec![&av1.obus],
        VideoConfig::Avc(avc) => avc.sps.iter().chain(&avc.pps).collect(),
        VideoConfig::Hevc(hevc) => {
            let sets = hevc.vps.iter().chain(&hevc.sps);
            sets.chain(&hevc.pps).collect()
        }
        VideoConfig::Other(other) => vec![other],
        _ => Vec::new(),
    };
    assert!(sets.len() <= sets_max.max(1));
    for set in sets {
        shared(record, set);
    }
    let Some(&Picture {
        width,
        height,
        frame_rate,
        sample_aspect,
        ..
    }) = config.picture()
    else {
        return;
    };
    assert!(width > 0 && height > 0, "{config:?}");
    for (over, under) in [frame_rate, sample_aspect].into_iter().flatten() {
        assert!(over > 0 && under > 0, "{config:?}");
    }
    if let Some((over, under)) = frame_rate {
        assert_eq!(common(over, under), 1, "{config:?}");
    }
}

/// The greatest common divisor.
fn common(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common(b, a % b) }
}

fn shared(record: &Bytes, part: &Bytes) {
    let (whole, part_range) = (record.as_ptr_range(), part.as_ptr_range());
    assert!(
        part.is_empty() || (whole.start <= part_range.start && part_range.end <= whole.end),
        "it was copied"
    );
}
