//! A slate of one second.

use super::{AAC_CONFIGS, AVC_CONFIG};
use backline_hls::codec::{Codec, TrackConfig};
use backline_hls::{Limits, Sample, Slate, SlateTrack};
use bytes::Bytes;
use std::time::Duration;

const LENGTH: Duration = Duration::from_secs(1);

/// Ten pictures, the first one a key frame, and sound if that is wanted.
pub(super) fn slate(sound: bool) -> Slate {
    let limits = Limits::default();
    let track = |codec, record, step_ns: i64| {
        let config = TrackConfig::parse(codec, Bytes::from_static(record), &limits)
            .expect("a record of this file's neighbours");
        let times = (0..).map(|index| index * step_ns);
        let samples = times
            .take_while(|dts_ns| *dts_ns < 1_000_000_000)
            .map(|dts_ns| Sample {
                dts_ns,
                composition_ns: 0,
                sync: codec == Codec::Aac || dts_ns == 0,
                data: Bytes::from(vec![0x51; 20]),
            });
        SlateTrack::new(config, samples.collect(), LENGTH)
    };
    let mut tracks = vec![track(Codec::Avc, AVC_CONFIG, 100_000_000)];
    if sound {
        tracks.push(track(Codec::Aac, AAC_CONFIGS[0], 21_333_333));
    }
    Slate::new(tracks, &limits).expect("a plain slate")
}
