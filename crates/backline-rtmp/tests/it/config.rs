//! Configuration records, read to typed values.

use crate::foreign::current;
use crate::support::hex;
use backline_rtmp::flv::config::{AudioConfig, Chroma, Picture, VideoConfig};
use backline_rtmp::flv::file::{Event, Reader};
use backline_rtmp::flv::{AudioCodec, AudioData, Media, VideoCodec, VideoData};
use backline_rtmp::{Error, Limits};
use bytes::Bytes;
use proptest::prelude::*;
use std::process::Command;

fn video(codec: VideoCodec, record: &[u8]) -> Result<Option<VideoConfig>, Error> {
    let record = Bytes::copy_from_slice(record);
    VideoConfig::decode(codec, &record, &Limits::default())
}

fn audio(codec: AudioCodec, record: &[u8]) -> Result<Option<AudioConfig>, Error> {
    AudioConfig::decode(codec, &Bytes::copy_from_slice(record))
}

/// What x264 wrote for FFmpeg 9: `-f lavfi -i testsrc2=s=320x180:r=30 -c:v libx264 -pix_fmt yuv420p -f flv`.
const AVC: &str = "0164000D FFE1 001A 6764000DACD941419F9F0110000003001000000303C0F1429960 \
                   01 0006 68EBE3CB22C0 FDF8F800";

#[test]
fn avc_by_hand() {
    // One sequence and one picture parameter set. High profile, level 1.3; 20 by 12 macroblocks, of which six lines
    // at the bottom are cropped twice: 180.
    let Ok(Some(VideoConfig::Avc(config))) = video(VideoCodec::Avc, &hex(AVC)) else {
        panic!("{:?}", video(VideoCodec::Avc, &hex(AVC)))
    };
    assert_eq!(
        (config.profile, config.constraints, config.level),
        (100, 0, 13)
    );
    assert_eq!(config.nal_length_bytes, 4);
    assert_eq!((config.sps.len(), config.pps.len()), (1, 1));
    let Picture {
        width,
        height,
        chroma,
        bit_depth,
        frame_rate,
        ..
    } = config.picture;
    assert_eq!((width, height), (320, 180));
    assert_eq!((chroma, bit_depth), (Chroma::Yuv420, 8));
    assert_eq!(frame_rate, Some((30, 1)));
}

/// What x265 wrote for FFmpeg 9: `-f lavfi -i testsrc2=s=322x182:r=25 -t 0.2 -c:v libx265 -x265-params info=0
/// -pix_fmt yuv422p10le -colorspace bt2020nc -f flv`; FFmpeg reads `hevc (Rext), yuv422p10le(tv,
/// bt2020nc/unknown/unknown), 322x182, 25 fps`.
const HEVC: &str = "01 04 08000000 9D0800000000 3C F000 FC FE FA FA 0000 0F 03 \
    20 0001 0017 40010C01FFFF0408000003009D0800000300003C959809 \
    21 0001 002E 4201010408000003009D0800000300003CB00A480B9C96D96566924CAF016A04041208000003000800000300C840 \
    22 0001 0007 4401C172B46240";
/// The same pictures from SVT-AV1: `-c:v libsvtav1 -preset 12 -pix_fmt yuv420p10le -colorspace bt2020nc`.
const AV1: &str = "81 00 4C 00 0A0E 0200000521E836A017C281010482";

#[test]
fn hevc_as_x265_writes_it() {
    let Ok(Some(VideoConfig::Hevc(config))) = video(VideoCodec::Hevc, &hex(HEVC)) else {
        panic!("{:?}", video(VideoCodec::Hevc, &hex(HEVC)))
    };
    // Format range extensions, main tier, level 2.
    assert_eq!(
        (config.profile, config.high_tier, config.level),
        (4, false, 60)
    );
    assert_eq!(config.nal_length_bytes, 4);
    let sizes = [&config.vps, &config.sps, &config.pps].map(|sets| (sets.len(), sets[0].len()));
    assert_eq!(sizes, [(1, 23), (1, 46), (1, 7)]);
    let picture = config.picture;
    assert_eq!((picture.width, picture.height), (322, 182));
    assert_eq!((picture.chroma, picture.bit_depth), (Chroma::Yuv422, 10));
    assert_eq!(picture.frame_rate, Some((25, 1)));
    assert_eq!(picture.sample_aspect, Some((1, 1)));
    let color = picture.color.unwrap();
    assert_eq!((color.primaries, color.transfer, color.matrix), (2, 2, 9));
    assert!(!color.full_range);
}

#[test]
fn av1_as_svt_writes_it() {
    let Ok(Some(VideoConfig::Av1(config))) = video(VideoCodec::Av1, &hex(AV1)) else {
        panic!("{:?}", video(VideoCodec::Av1, &hex(AV1)))
    };
    // Main, level 2.0, ten bits, 4:2:0 (0x4C: depth and both subsamplings); one OBU of 14 bytes.
    assert_eq!(
        (config.profile, config.level, config.high_tier),
        (0, 0, false)
    );
    assert_eq!(config.obus.len(), 16);
    let picture = config.picture.unwrap();
    assert_eq!((picture.width, picture.height), (322, 182));
    assert_eq!((picture.chroma, picture.bit_depth), (Chroma::Yuv420, 10));
    let color = picture.color.unwrap();
    assert_eq!((color.primaries, color.transfer, color.matrix), (2, 2, 9));
    assert!(!color.full_range);
}

#[test]
fn eac3_locations_are_one_or_two_channels() {
    // ETSI TS 102 366 F.6: rate (13 bits) and one substream (000); 00 10000 0 0 000 111 1 000: 48 kHz, 3/2 with the
    // low one; then one dependent substream (0001) at nine bits of locations.
    let channels = |locations: u32| {
        let bits = 0x200F_u32 << 16 | 1 << 9 | locations;
        let record = [&[0, 0][..], &bits.to_be_bytes()].concat();
        audio(AudioCodec::Eac3, &record)
            .unwrap()
            .unwrap()
            .channels()
    };
    // Lrs and Rrs make 7.1 of 5.1; Cs and LFE2 are one each; all of them are 5 pairs and 4 single ones.
    assert_eq!(channels(1 << 1), Some(8));
    assert_eq!(channels(1 << 2 | 1 << 8), Some(8));
    assert_eq!(channels(0x1FF), Some(6 + 14));
}

#[test]
fn aac_in_all_its_forms() {
    let read = |digits: &str| match audio(AudioCodec::Aac, &hex(digits)) {
        Ok(Some(AudioConfig::Aac(config))) => (
            config.object_type,
            config.sample_rate,
            config.channels,
            config.frame_samples,
            config.sbr,
            config.ps,
        ),
        other => panic!("{other:?}"),
    };
    // 00010 0011 0010 000: LC, 48 kHz, two channels.
    assert_eq!(read("1190"), (2, 48_000, 2, 1024, false, false));
    // A frame of 960 samples: the bit after the channels is set.
    assert_eq!(read("1194"), (2, 48_000, 2, 960, false, false));
    // 00010 1111 and 24 bits of frequency (50,000 Hz): 00010111 1 0000 0000 1100 0011 0101 0000 0010 000.
    assert_eq!(read("17 80 61 A8 10"), (2, 50_000, 2, 1024, false, false));
    // HE-AAC said at the front: 00101 0110 0010 0011 00010 000, replication of 24 kHz to 48 kHz.
    assert_eq!(read("2B 11 88 00"), (2, 48_000, 2, 2048, true, false));
    // The same said behind: LC of 24 kHz, then 0x2B7, SBR, present, 48 kHz.
    assert_eq!(read("13 10 56 E5 98"), (2, 48_000, 2, 2048, true, false));
    // With parametric stereo behind that: 0x548 and present. One channel becomes two.
    assert_eq!(
        read("13 08 56 E5 9D 48 80"),
        (2, 48_000, 2, 2048, true, true)
    );
    // Replication that keeps the rate of 48 kHz keeps 1,024 samples: 00101 0011 0010 0011 00010 000.
    assert_eq!(read("2991 8800"), (2, 48_000, 2, 1024, true, false));
    // A program of a front pair and a low channel (configuration 0), with a comment of two bytes; replication is told
    // behind it: 00010 0110 0000 000, then 0000 01 0110 0001 0000 0000 01 000 0000 000 1 0000 0000, filled to a byte,
    // and the comment.
    assert_eq!(
        read("1300 0584 0100 2000 026162 56E598"),
        (2, 48_000, 3, 2048, true, false)
    );
    // 5.1.
    assert_eq!(read("11B0"), (2, 48_000, 6, 1024, false, false));
}

#[test]
fn q50_ffmpeg_flac() {
    // STREAMINFO alone, as FFmpeg sends it, and behind `fLaC` and the header of a metadata block, as E-RTMP has it:
    // 4608 samples a block; 0x0BB80 = 48 kHz in twenty bits, two channels (1), sixteen bits (15).
    let info = format!(
        "1200 1200 000000 000000 0BB802F0 00000000 {}",
        "00".repeat(16)
    );
    for record in [info.clone(), format!("664C6143 80000022 {info}")] {
        let Ok(Some(AudioConfig::Flac(config))) = audio(AudioCodec::Flac, &hex(&record)) else {
            panic!("{record}")
        };
        assert_eq!(
            (config.sample_rate, config.channels, config.sample_bits),
            (48_000, 2, 16)
        );
        assert_eq!(config.block_samples_max, 4608);
    }
}

#[test]
fn q51_ffmpeg_sequence_starts_without_a_record() {
    for codec in [
        AudioCodec::Ac3,
        AudioCodec::Eac3,
        AudioCodec::Opus,
        AudioCodec::Mp3,
    ] {
        assert_eq!(audio(codec, &[]), Ok(None));
    }
    assert_eq!(video(VideoCodec::Av1, &[]), Ok(None));
    // The frame says it instead: 48 kHz (fscod 0), 5.1 (acmod 7, with both mix levels, lfeon).
    let Ok(Some(AudioConfig::Ac3(config))) =
        AudioConfig::from_frame(AudioCodec::Ac3, &hex("0B77 0000 1C 40 E1"))
    else {
        panic!("not read")
    };
    assert_eq!((config.sample_rate, config.channels), (48_000, 6));
}

#[test]
fn opus_and_vp9_by_hand() {
    let head = "4F707573 48656164 01 02 3801 44AC0000 0000 00";
    let Ok(Some(AudioConfig::Opus(config))) = audio(AudioCodec::Opus, &hex(head)) else {
        panic!("not read")
    };
    assert_eq!(
        (config.channels, config.pre_skip, config.input_rate),
        (2, 312, 44_100)
    );
    // Profile 0, level 3.1, eight bits, 4:2:0 with collocated samples, limited range, BT.709; with and without
    // version and flags.
    for record in ["00 1F 82 01 01 01 0000", "01000000 00 1F 82 01 01 01 0000"] {
        let Ok(Some(VideoConfig::Vpx(config))) = video(VideoCodec::Vp9, &hex(record)) else {
            panic!("{record}")
        };
        assert_eq!((config.profile, config.level, config.bit_depth), (0, 31, 8));
        assert_eq!((config.chroma, config.color.primaries), (Chroma::Yuv420, 1));
    }
}

#[test]
fn a_record_that_is_wrong_says_where() {
    let mut record = hex(AVC);
    record[0] = 2;
    assert_eq!(
        video(VideoCodec::Avc, &record),
        Err(Error::Record {
            at: 0,
            field: "configurationVersion",
            value: 2,
            expected: "1"
        })
    );
    // One that is cut off before its last four bytes, which only the high profiles of H.264 have and nobody needs, is
    // no record.
    for (codec, record, tail) in [
        (VideoCodec::Avc, AVC, 4),
        (VideoCodec::Hevc, HEVC, 0),
        (VideoCodec::Av1, AV1, 0),
    ] {
        let record = hex(record);
        for end in 1..record.len() - tail {
            let read = video(codec, &record[..end]);
            // A record of AV1 may do without OBUs.
            let bare = codec == VideoCodec::Av1 && end == 4;
            assert!(
                matches!(read, Err(Error::Truncated { at, .. } | Error::Record { at, .. }) if at <= end)
                    || (bare && read.is_ok()),
                "{codec:?} {end}: {read:?}"
            );
        }
    }
    // 65 parameter sets, of which 64 have no bytes.
    let sets = [&hex(AVC)[..34], &hex("40")[..], &[0; 128]].concat();
    assert_eq!(
        video(VideoCodec::Avc, &sets),
        Err(Error::ParameterSets { at: 161, limit: 64 })
    );
}

proptest! {
    #[test]
    fn no_bytes_make_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), flip in 0_usize..2760) {
        let mut known = hex([AVC, HEVC, AV1][flip % 3]);
        let at = flip / 24 % known.len();
        known[at] ^= 1 << (flip / 3 % 8);
        use VideoCodec::{Av1, Avc, Hevc, Vp8, Vp9, Vvc};
        for codec in [Av1, Avc, Hevc, Vp8, Vp9, Vvc] {
            let _ = (video(codec, &bytes), video(codec, &known));
        }
        for codec in [AudioCodec::Aac, AudioCodec::Ac3, AudioCodec::Eac3, AudioCodec::Flac, AudioCodec::Opus] {
            let _ = (audio(codec, &bytes), AudioConfig::from_frame(codec, &bytes));
        }
    }
}

/// What we read of a recording: what the pictures and the sound are, in FFmpeg's words.
fn described(file: &[u8]) -> (String, String) {
    let mut reader = Reader::new(Limits::default());
    let mut rest = file;
    let (mut picture, mut sound) = (None, None);
    while let Some(event) = reader.next_event(&mut rest).unwrap() {
        let Event::Packet(packet) = event else {
            continue;
        };
        match packet.media {
            Media::Video(video) => {
                if let VideoData::Config(record) = video.data {
                    let config = VideoConfig::decode(video.codec, &record, &Limits::default());
                    picture = picture.or_else(|| config.unwrap());
                }
            }
            Media::Audio(audio) => match audio.data {
                AudioData::Config(record) => {
                    sound = sound.or_else(|| AudioConfig::decode(audio.codec, &record).unwrap());
                }
                AudioData::Frame(frame) if sound.is_none() => {
                    sound = AudioConfig::from_frame(audio.codec, &frame).unwrap();
                }
                _ => {}
            },
            _ => {}
        }
    }
    let format = |chroma, depth: u8| {
        let name = match chroma {
            Chroma::Monochrome => "gray",
            Chroma::Yuv420 => "yuv420p",
            Chroma::Yuv422 => "yuv422p",
            _ => "yuv444p",
        };
        match depth {
            8 => name.to_owned(),
            depth => format!("{name}{depth}le"),
        }
    };
    let picture = match picture.unwrap() {
        VideoConfig::Vpx(config) => format(config.chroma, config.bit_depth),
        config => {
            let picture = config.picture().unwrap();
            let size = format!("{}x{}", picture.width, picture.height);
            format!("{} {size}", format(picture.chroma, picture.bit_depth))
        }
    };
    let sound = sound.unwrap();
    let channels = match sound.channels().unwrap() {
        1 => "mono",
        2 => "stereo",
        6 => "5.1",
        _ => "other",
    };
    (
        picture,
        format!("{} Hz, {channels}", sound.sample_rate().unwrap()),
    )
}

#[test]
#[ignore = "needs ffmpeg"]
fn records_say_what_ffmpeg_says() {
    for (size, channels, codecs) in [
        ("320x180", 1, "-c:v libx264 -pix_fmt yuv420p -c:a aac"),
        (
            "322x182",
            2,
            "-c:v libx264 -pix_fmt yuv422p -c:a aac -ar 44100",
        ),
        ("640x360", 6, "-c:v libx264 -pix_fmt yuv444p10le -c:a aac"),
        (
            "320x180",
            2,
            "-c:v libx264 -pix_fmt yuv420p -c:a aac -ar 22050",
        ),
        (
            "320x176",
            2,
            "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a libopus",
        ),
        (
            "322x182",
            6,
            "-c:v libx265 -x265-params log-level=none -pix_fmt yuv422p10le -c:a ac3",
        ),
        ("322x182", 1, "-c:v libsvtav1 -preset 12 -c:a flac"),
        (
            "320x180",
            6,
            "-c:v libsvtav1 -preset 12 -pix_fmt yuv420p10le -c:a eac3",
        ),
        (
            "320x180",
            2,
            "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a ac3 -ar 32000",
        ),
    ] {
        let place =
            std::env::temp_dir().join(format!("backline-config-{}.flv", std::process::id()));
        let inputs = format!(
            "-y -v error -f lavfi -i testsrc2=s={size}:r=30 -f lavfi -i anoisesrc=r=48000 -t 1"
        );
        let made = Command::new(current())
            .args(inputs.split(' '))
            .args(codecs.split(' '))
            .args(["-ac", &channels.to_string()])
            .arg(&place)
            .status();
        assert!(made.unwrap().success(), "{codecs}");
        let file = std::fs::read(&place).unwrap();
        let said = Command::new(current())
            .arg("-i")
            .arg(&place)
            .output()
            .unwrap();
        std::fs::remove_file(&place).unwrap();
        let said = String::from_utf8(said.stderr).unwrap();
        let (picture, sound) = described(&file);
        for part in picture.split(' ').chain([&*sound]) {
            assert!(said.contains(part), "{codecs}: {part} is not in\n{said}");
        }
    }
}
