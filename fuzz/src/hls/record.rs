//! Configuration records.

use super::boxes::{boxes, one};
use crate::Source;
use backline_hls::Limits;
use backline_hls::codec::{Codec, TrackConfig, TrackKind};
use backline_hls::fmp4::{Brand, init};
use bytes::Bytes;

/// Whatever a record says, reading it costs one small string, and what is read can be written into an init segment.
///
/// Input: a byte that picks the codec, a record.
pub fn codec_record(data: &[u8]) {
    const CODECS: [Codec; 9] = [
        Codec::Avc,
        Codec::Hevc,
        Codec::Av1,
        Codec::Vp9,
        Codec::Aac,
        Codec::Opus,
        Codec::Flac,
        Codec::Ac3,
        Codec::Eac3,
    ];
    let mut source = Source::new(data);
    let codec = CODECS[usize::from(source.below(9))];
    let record = Bytes::copy_from_slice(source.rest());
    let limits = Limits::default();
    let mut parsed = None;
    let measured = allocation_counter::measure(|| {
        parsed = Some(TrackConfig::parse(codec, record.clone(), &limits))
    });
    assert!(
        measured.bytes_max <= 4096 + 4 * record.len() as u64,
        "{} bytes",
        measured.bytes_max
    );
    let Some(Ok(config)) = parsed else { return };
    assert_eq!(
        Ok(&config),
        TrackConfig::parse(codec, record.clone(), &limits).as_ref()
    );
    assert_eq!(
        (config.codec(), config.kind(), config.record()),
        (codec, codec.kind(), &record)
    );
    // The first frame stands in for a record that did not come (MUX-6).
    if config.codecs().is_empty() {
        assert!(record.is_empty() && matches!(codec, Codec::Ac3 | Codec::Eac3));
        return;
    }
    // It goes between the quotes of an attribute (RFC 6381, 3.3).
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    assert!(config.codecs().bytes().all(legal), "{:?}", config.codecs());
    assert!(config.timescale() > 0);
    if config.kind() == TrackKind::Video {
        assert_eq!(config.timescale(), 90_000);
    }
    assert!(
        config
            .resolution()
            .is_none_or(|(width, height)| width > 0 && height > 0)
    );
    assert!(
        config
            .frame_rate()
            .is_none_or(|(frames, seconds)| frames > 0 && seconds > 0)
    );
    for brand in [Brand::Cmaf, Brand::Iso6] {
        if let Ok(bytes) = init(&[(1, &config)], brand) {
            let top = boxes(&bytes);
            let moov = boxes(one(&top, b"moov"));
            boxes(one(&moov, b"trak"));
            boxes(one(&moov, b"mvex"));
        }
    }
}
