//! Configuration records that FFmpeg 5.1.9 and 9.0.2 wrote of test pictures and tones, as they came over RTMP.

use backline_hls::codec::{Codec, TrackConfig};
use backline_hls::{Error, Limits};
use bytes::Bytes;

/// A record, and what is known of the stream that it describes.
pub struct Known {
    pub name: &'static str,
    pub codec: Codec,
    pub hex: &'static str,
    pub codecs: &'static str,
    pub resolution: Option<(u32, u32)>,
    pub frame_rate: Option<(u32, u32)>,
    pub sound: Option<(u32, u16)>,
    pub frame_samples: Option<u32>,
}

impl Known {
    pub fn record(&self) -> Bytes {
        bytes(self.hex)
    }

    /// The configuration; a picture whose record names no size gets one.
    pub fn config(&self) -> TrackConfig {
        let config = parse(self.codec, self.hex).expect(self.name);
        match (self.sound, self.resolution) {
            (None, None) => config.with_resolution(1_916, 1_076),
            _ => config,
        }
    }
}

pub fn parse(codec: Codec, hex: &str) -> Result<TrackConfig, Error> {
    TrackConfig::parse(codec, bytes(hex), &Limits::default())
}

pub fn bytes(hex: &str) -> Bytes {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

const fn video(
    name: &'static str,
    codec: Codec,
    codecs: &'static str,
    resolution: Option<(u32, u32)>,
    frame_rate: Option<(u32, u32)>,
    hex: &'static str,
) -> Known {
    Known {
        name,
        codec,
        hex,
        codecs,
        resolution,
        frame_rate,
        sound: None,
        frame_samples: None,
    }
}

const fn audio(
    name: &'static str,
    codec: Codec,
    codecs: &'static str,
    sound: (u32, u16),
    frame_samples: Option<u32>,
    hex: &'static str,
) -> Known {
    Known {
        name,
        codec,
        hex,
        codecs,
        resolution: None,
        frame_rate: None,
        sound: Some(sound),
        frame_samples,
    }
}

pub const AVC: Known = video(
    "libx264, B-frames, cropped on both sides, 29.97 frames/s",
    Codec::Avc,
    "avc1.640028",
    Some((1_916, 1_076)),
    Some((30_000, 1_001)),
    "01640028ffe1001a67640028acd940780227b9f01100000303e90000ea600f18319601000468ef8fcbfdf8f800",
);

pub const AAC: Known = audio(
    "FFmpeg's AAC, 44.1 kHz stereo",
    Codec::Aac,
    "mp4a.40.2",
    (44_100, 2),
    Some(1_024),
    "121056e500",
);

pub const OPUS: Known = audio(
    "libopus, stereo",
    Codec::Opus,
    "Opus",
    (48_000, 2),
    None,
    "4f707573486561640102380180bb0000000000",
);

pub const HEVC: Known = video(
    "libx265, cropped, 29.97 frames/s",
    Codec::Hevc,
    "hvc1.1.6.L120.90",
    Some((1_916, 1_076)),
    Some((30_000, 1_001)),
    "01016000000090000000000078f000fcfdf8f800000f03200001001840010c01ffff0160000003009000000300000300789594092100\
     01002a420101016000000300900000030000030078a003c08010e77796565924caf01680800001f480003a980422000100074401c17\
     2b46240",
);

/// Every other record that a publisher can send.
pub const OTHERS: [Known; 18] = [
    video(
        "libx264 interlaced, with the JVT scaling matrix",
        Codec::Avc,
        "avc1.640028",
        Some((1_920, 1_080)),
        Some((25, 1)),
        "01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000768fba3cb3002c0fdf8f800",
    ),
    video(
        "libx264 baseline",
        Codec::Avc,
        "avc1.42C01E",
        Some((640, 360)),
        Some((30, 1)),
        "0142c01effe100196742c01ed900a02ff970110000030001000003003c0f162e4801000568cb83cb20",
    ),
    video(
        "libx264 4:2:2 10 bits, all of the video signal named",
        Codec::Avc,
        "avc1.7A001F",
        Some((854, 480)),
        Some((60, 1)),
        "017a001fffe1001e677a001fb6cd940d83de6f0eab01010140000003004000001e03c60c658001000668ebe3cb22c0fefafa00",
    ),
    video(
        "libx264 4:4:4 interlaced",
        Codec::Avc,
        "avc1.F4001E",
        Some((640, 360)),
        Some((25, 1)),
        "01f4001effe1001a67f4001e919d0140c7e37011000003000100000300329f142aa001000568de0f1920fff8f800",
    ),
    video(
        "libx265 4:2:2 10 bits, high tier, two temporal layers, the default scaling lists",
        Codec::Hevc,
        "hvc1.4.10.H123.9D.08",
        Some((1_280, 720)),
        Some((50, 1)),
        "0124080000009d08000000007bf000fcfefafa00001303200001001c40010c02ffff2408000003009d0800000300007b0000998a33\
         140480210001002f4201022408000003009d0800000300007b0000b00280802d1365998a3315249caf0168080000030008000003019\
         04022000100074401c172b46240",
    ),
    video(
        "libx265 of 2022, small blocks",
        Codec::Hevc,
        "hvc1.1.6.L93.90",
        Some((1_278, 718)),
        Some((24, 1)),
        "0101600000009000000000005df000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003005d959809a10\
         001002c42010101600000030090000003000003005da00280802d1d565959ae4caf016808000003000800000300c040a2000100064\
         401c173d189",
    ),
    video(
        "SVT-AV1 4.2",
        Codec::Av1,
        "av01.0.08M.08",
        Some((1_916, 1_076)),
        None,
        "81080c000a0c02000042955dee19805f0008",
    ),
    video(
        "SVT-AV1 1.4",
        Codec::Av1,
        "av01.0.08M.08",
        Some((1_916, 1_076)),
        None,
        "81080c000a0b00000042abbdc3300be001",
    ),
    video(
        "libaom",
        Codec::Av1,
        "av01.0.08M.08",
        Some((1_916, 1_076)),
        None,
        "81080c000a0b00000042abbdc3332be401",
    ),
    video(
        "SVT-AV1, 10 bits",
        Codec::Av1,
        "av01.0.05M.10",
        Some((1_280, 720)),
        None,
        "81054c000a0c0200002d6a67fd9e017c2020",
    ),
    video(
        "libvpx, with version and flags",
        Codec::Vp9,
        "vp09.00.40.08",
        None,
        None,
        "010000000028820202020000",
    ),
    audio(
        "FFmpeg's AAC, 48 kHz mono",
        Codec::Aac,
        "mp4a.40.2",
        (48_000, 1),
        Some(1_024),
        "118856e500",
    ),
    audio(
        "FFmpeg's AAC, 96 kHz 5.1",
        Codec::Aac,
        "mp4a.40.2",
        (96_000, 6),
        Some(1_024),
        "103056e500",
    ),
    audio(
        "libopus, 5.1",
        Codec::Opus,
        "Opus",
        (48_000, 6),
        None,
        "4f707573486561640106380180bb00000000010402000401020305",
    ),
    audio(
        "FFmpeg's FLAC, STREAMINFO alone",
        Codec::Flac,
        "fLaC",
        (48_000, 2),
        Some(1_024),
        "040004000000000010980bb802f00000000000000000000000000000000000000000",
    ),
    audio(
        "FFmpeg's FLAC, as the content of dfLa",
        Codec::Flac,
        "fLaC",
        (48_000, 2),
        Some(1_024),
        "00000000800000220400040000014500017f0bb802f00000bb809e36f85f3d9494c75a2ac524efaf9ebd",
    ),
    audio(
        "FFmpeg's AC-3, 5.1",
        Codec::Ac3,
        "ac-3",
        (48_000, 6),
        Some(1_536),
        "103de0",
    ),
    audio(
        "FFmpeg's Enhanced AC-3, 5.1",
        Codec::Eac3,
        "ec-3",
        (48_000, 6),
        None,
        "0e00200f00",
    ),
];

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Known> {
    static FIRST: [Known; 4] = [AVC, AAC, OPUS, HEVC];
    static REST: [Known; 18] = OTHERS;
    FIRST.iter().chain(&REST)
}
