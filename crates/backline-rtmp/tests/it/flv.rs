//! Media bodies, read and written.

use crate::support::{hex, object, text};
use backline_rtmp::amf0::Value;
use backline_rtmp::flv::{
    Audio, AudioCodec, AudioData, ColorInfo, Multichannel, StreamInfo, Video, VideoCodec,
    VideoData, VideoFrame,
};
use backline_rtmp::{Error, Limits};
use bytes::Bytes;

fn video(body: &str) -> Result<Video, Error> {
    Video::decode(hex(body).into(), &Limits::default())
}

fn audio(body: &str) -> Result<Audio, Error> {
    Audio::decode(hex(body).into(), &Limits::default())
}

fn bytes(digits: &str) -> Bytes {
    hex(digits).into()
}

fn frame(composition_ms: i32, data: &str) -> VideoData {
    VideoData::Frame {
        composition_ms,
        data: bytes(data),
    }
}

#[test]
fn rtmp_27_each_fourcc_and_packet_type() {
    let codecs = [
        ("76703038", VideoCodec::Vp8, false),
        ("76703039", VideoCodec::Vp9, false),
        ("61763031", VideoCodec::Av1, false),
        ("61766331", VideoCodec::Avc, true),
        ("68766331", VideoCodec::Hevc, true),
        ("76766331", VideoCodec::Vvc, true),
        ("58585858", VideoCodec::Other(0x5858_5858), false),
    ];
    for (fourcc, codec, composed) in codecs {
        let read = |first: &str, rest: &str| video(&format!("{first} {fourcc} {rest}")).unwrap();
        let expect = |frame, data| Video::new(codec, frame, data);
        assert_eq!(
            read("90", "AABB"),
            expect(VideoFrame::Key, VideoData::Config(bytes("AABB")))
        );
        let coded = if composed {
            frame(-2, "CC")
        } else {
            frame(0, "FFFFFECC")
        };
        assert_eq!(read("A1", "FFFFFE CC"), expect(VideoFrame::Inter, coded));
        assert_eq!(read("92", ""), expect(VideoFrame::Key, VideoData::End));
        assert_eq!(
            read("B3", "CC"),
            expect(VideoFrame::Disposable, frame(0, "CC"))
        );
        let metadata = VideoData::Metadata(vec![Value::Null]);
        assert_eq!(read("94", "05"), expect(VideoFrame::Key, metadata));
        assert_eq!(
            read("C5", "DD"),
            expect(VideoFrame::GeneratedKey, VideoData::TsConfig(bytes("DD")))
        );
    }
}

#[test]
fn rtmp_27_legacy_video() {
    let avc = |frame, data| Ok(Video::new(VideoCodec::Avc, frame, data));
    assert_eq!(
        video("17 00 000000 0164"),
        avc(VideoFrame::Key, VideoData::Config(bytes("0164")))
    );
    assert_eq!(
        video("27 01 000043 AA"),
        avc(VideoFrame::Inter, frame(67, "AA"))
    );
    assert_eq!(video("17 02"), avc(VideoFrame::Key, VideoData::End));
    assert_eq!(
        video("57 00"),
        avc(VideoFrame::Command, VideoData::Command(0))
    );
    let sorenson = Video::new(
        VideoCodec::Legacy(2),
        VideoFrame::Disposable,
        frame(0, "AA"),
    );
    assert_eq!(video("32 AA"), Ok(sorenson));
    assert_eq!(
        video("07 01 000000"),
        avc(VideoFrame::Reserved(0), frame(0, ""))
    );
    assert_eq!(video("17 03"), Err(Error::PacketType { at: 1, packet: 3 }));
    assert_eq!(video(""), Err(Error::Truncated { at: 0, needed: 1 }));
    assert_eq!(
        video("17 01 0000"),
        Err(Error::Truncated { at: 2, needed: 3 })
    );
}

#[test]
fn rtmp_28_each_fourcc_and_packet_type() {
    let codecs = [
        ("61632D33", AudioCodec::Ac3),
        ("65632D33", AudioCodec::Eac3),
        ("4F707573", AudioCodec::Opus),
        ("2E6D7033", AudioCodec::Mp3),
        ("664C6143", AudioCodec::Flac),
        ("6D703461", AudioCodec::Aac),
        ("58585858", AudioCodec::Other(0x5858_5858)),
    ];
    for (fourcc, codec) in codecs {
        let read = |first: &str, rest: &str| audio(&format!("{first} {fourcc} {rest}")).unwrap();
        assert_eq!(
            read("90", "AA"),
            Audio::new(codec, AudioData::Config(bytes("AA")))
        );
        assert_eq!(
            read("91", "BB"),
            Audio::new(codec, AudioData::Frame(bytes("BB")))
        );
        assert_eq!(read("92", ""), Audio::new(codec, AudioData::End));
        assert_eq!(
            read("94", "0102"),
            Audio::new(codec, AudioData::Multichannel(bytes("0102")))
        );
        let error = audio(&format!("93 {fourcc}"));
        assert_eq!(error, Err(Error::PacketType { at: 1, packet: 3 }));
    }
}

#[test]
fn rtmp_28_legacy_audio() {
    let aac = |data| Ok(Audio::new(AudioCodec::Aac, data));
    assert_eq!(audio("AF 00 1190"), aac(AudioData::Config(bytes("1190"))));
    assert_eq!(audio("AF 01 21"), aac(AudioData::Frame(bytes("21"))));
    assert_eq!(audio("AF 02"), Err(Error::PacketType { at: 1, packet: 2 }));
    assert_eq!(audio("AF"), Err(Error::Truncated { at: 1, needed: 1 }));
    assert_eq!(
        audio("2F FFFB"),
        Ok(Audio::new(AudioCodec::Mp3, AudioData::Frame(bytes("FFFB"))))
    );
    assert_eq!(
        audio("B6 01"),
        Ok(Audio::new(
            AudioCodec::Legacy(0xB6),
            AudioData::Frame(bytes("01"))
        ))
    );
    assert_eq!(audio("").unwrap().data, AudioData::Silence);
}

#[test]
fn rtmp_29_one_track_is_read() {
    let read = video("96 01 68766331 07 000010 AA").unwrap();
    assert_eq!(
        (read.track, read.codec, read.data),
        (7, VideoCodec::Hevc, frame(16, "AA"))
    );
    let read = audio("95 01 4F707573 03 BB").unwrap();
    assert_eq!((read.track, read.codec), (3, AudioCodec::Opus));
    // Several tracks are not one.
    let error = video("96 11 68766331 00 000003 000000");
    assert!(
        matches!(error, Err(Error::Multitrack { multitrack: 1, .. })),
        "{error:?}"
    );
    let error = video("96 31 68766331 00");
    assert!(
        matches!(
            error,
            Err(Error::Multitrack {
                at: 1,
                multitrack: 3,
                ..
            })
        ),
        "{error:?}"
    );
    // A wrapper in a wrapper.
    assert_eq!(
        video("96 06 68766331 00"),
        Err(Error::PacketType { at: 1, packet: 6 })
    );
}

#[test]
fn rtmp_29_many_tracks_by_hand() {
    // E-RTMP, "Multitrack": ManyTracks (1) of CodedFrames (1), one FourCC; each track is its number, its size in
    // three bytes, and from there on a packet: for hvc1 a composition time in three bytes, then the access unit.
    let body = hex("96 11 68766331 00 000005 000010 AABB 03 000004 FFFFFE CC");
    let tracks: Vec<_> = Video::decode_tracks(body.into(), &Limits::default())
        .unwrap()
        .map(|video| (video.track, video.codec, video.data))
        .collect();
    assert_eq!(
        tracks,
        [
            (0, VideoCodec::Hevc, frame(16, "AABB")),
            (3, VideoCodec::Hevc, frame(-2, "CC"))
        ]
    );
    // ManyTracksManyCodecs (2): the FourCC stands before each track. The second one is empty.
    let body = hex("95 21 4F707573 01 000002 AABB 6D703461 02 000000");
    let tracks: Vec<_> = Audio::decode_tracks(body.into(), &Limits::default())
        .unwrap()
        .map(|audio| (audio.track, audio.codec, audio.data))
        .collect();
    assert_eq!(
        tracks,
        [
            (1, AudioCodec::Opus, AudioData::Frame(bytes("AABB"))),
            (2, AudioCodec::Aac, AudioData::Frame(bytes("")))
        ]
    );
    // A nanosecond offset before the wrapper holds for all tracks.
    let body = hex("97 02 0003E8 05 11 4F707573 00 000001 AA 01 000001 BB");
    let mut tracks = Audio::decode_tracks(body.into(), &Limits::default()).unwrap();
    assert!(tracks.all(|audio| audio.offset_ns == 1000));
}

#[test]
fn rtmp_29_a_track_that_is_cut_off_and_one_too_many() {
    let tracks = |digits: &str| {
        Audio::decode_tracks(hex(digits).into(), &Limits::default()).map(Iterator::count)
    };
    // The size goes past the end of the body: what it needs stands at byte 10.
    assert_eq!(
        tracks("95 11 4F707573 00 000003 AABB"),
        Err(Error::Truncated { at: 10, needed: 3 })
    );
    let many = |count: usize| format!("95 11 4F707573 {}", "00 000000".repeat(count));
    assert_eq!(tracks(&many(64)), Ok(64));
    assert_eq!(tracks(&many(65)), Err(Error::Tracks { at: 262, limit: 64 }));
}

#[test]
fn rtmp_30_modex_gives_a_nanosecond_offset() {
    // Four layers: unknown with one byte, unknown with 256 bytes, 1000 ns, and too much.
    let long = format!("FF 00FF {} F7", "00".repeat(256));
    for (layers, offset_ns) in [
        ("02 0003E8 01".to_owned(), 1000),
        ("00 AA F7 02 0003E8 01".to_owned(), 1000),
        (format!("{long} 02 0003E8 01"), 1000),
        ("02 FFFFFF 01".to_owned(), 999_999),
        ("00 AA 01".to_owned(), 0),
    ] {
        let read = video(&format!("A7 {layers} 68766331 000000 AA")).unwrap();
        assert_eq!(
            (read.offset_ns, read.data),
            (offset_ns, frame(0, "AA")),
            "{layers}"
        );
        let read = audio(&format!("97 {layers} 4F707573 AA")).unwrap();
        assert_eq!(
            (read.offset_ns, read.data),
            (offset_ns, AudioData::Frame(bytes("AA")))
        );
    }
}

#[test]
fn a_command_in_enhanced_form_has_no_body() {
    let read = video("D0 01").unwrap();
    assert_eq!(
        (read.frame, read.data),
        (VideoFrame::Command, VideoData::Command(1))
    );
}

#[test]
fn rtmp_27_video_is_written_as_others_read_it() {
    let avc = |data| Video::new(VideoCodec::Avc, VideoFrame::Key, data).encode();
    assert_eq!(
        avc(VideoData::Config(bytes("0164"))),
        hex("17 00 000000 0164")
    );
    assert_eq!(avc(frame(-34, "AA")), hex("17 01 FFFFDE AA"));
    assert_eq!(avc(VideoData::End), hex("17 02 000000"));
    let hevc = |data| Video::new(VideoCodec::Hevc, VideoFrame::Inter, data);
    assert_eq!(hevc(frame(5, "AA")).encode(), hex("A1 68766331 000005 AA"));
    assert_eq!(hevc(frame(0, "AA")).encode(), hex("A3 68766331 AA"));
    let mut second = hevc(VideoData::Config(bytes("AABB")));
    second.track = 1;
    assert_eq!(second.encode(), hex("A6 00 68766331 01 AABB"));
    second.offset_ns = 1000;
    assert_eq!(second.encode(), hex("A7 02 0003E8 06 00 68766331 01 AABB"));
    let av1 = Video::new(VideoCodec::Av1, VideoFrame::Key, frame(0, "AA"));
    assert_eq!(av1.encode(), hex("91 61763031 AA"));
}

#[test]
fn rtmp_28_audio_is_written_as_others_read_it() {
    let write = |codec, data| Audio::new(codec, data).encode();
    assert_eq!(
        write(AudioCodec::Aac, AudioData::Config(bytes("1190"))),
        hex("AF 00 1190")
    );
    assert_eq!(
        write(AudioCodec::Aac, AudioData::Frame(bytes("21"))),
        hex("AF 01 21")
    );
    assert_eq!(
        write(AudioCodec::Mp3, AudioData::Frame(bytes("FF"))),
        hex("2F FF")
    );
    assert_eq!(
        write(AudioCodec::Opus, AudioData::Frame(bytes("FF"))),
        hex("91 4F707573 FF")
    );
    assert_eq!(write(AudioCodec::Aac, AudioData::End), hex("92 6D703461"));
    assert_eq!(write(AudioCodec::Opus, AudioData::Silence), hex(""));
    let mut second = Audio::new(AudioCodec::Opus, AudioData::Config(bytes("01")));
    second.track = 1;
    assert_eq!(second.encode(), hex("95 00 4F707573 01 01"));
}

#[test]
fn a_body_cut_anywhere_is_an_error_or_shorter_and_never_a_panic() {
    for body in [
        "17 01 000000 AABB",
        "A7 02 0003E8 06 01 68766331 01 000010 AABB",
        "D4 68766331 02 0001 61",
    ] {
        let whole = hex(body);
        for end in 0..whole.len() {
            match Video::decode(Bytes::copy_from_slice(&whole[..end]), &Limits::default()) {
                Err(Error::Truncated { at, .. }) => assert!(at <= end),
                Ok(read) => assert!(read.encode().len() <= whole.len()),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn a_payload_shares_the_body() {
    let body = bytes("17 01 000000 AABB");
    let at = body.as_ptr().wrapping_add(5);
    let Ok(Video {
        data: VideoData::Frame { data, .. },
        ..
    }) = Video::decode(body, &Limits::default())
    else {
        panic!("not a frame")
    };
    assert_eq!(data.as_ptr(), at);
}

#[test]
fn rtmp_27_a_command_keeps_its_form() {
    for (body, codec) in [
        ("57 00", VideoCodec::Avc),
        ("5C 01", VideoCodec::Hevc),
        ("52 00", VideoCodec::Legacy(2)),
        ("D0 01", VideoCodec::Other(0)),
    ] {
        let read = video(body).unwrap();
        assert_eq!((read.codec, read.frame), (codec, VideoFrame::Command));
        assert_eq!(read.encode(), hex(body), "{body}");
    }
}

#[test]
fn rtmp_29_many_tracks_are_written_by_hand() {
    // The bodies of `rtmp_29_many_tracks_by_hand`, which were worked out from the specification.
    for digits in [
        "96 11 68766331 00 000005 000010 AABB 03 000004 FFFFFE CC",
        "A6 13 68766331 00 000002 AABB 03 000001 CC",
        "97 02 0003E8 06 11 76703038 00 000001 AA 01 000000",
        "96 20 68766331 00 000001 AA 61763031 01 000001 BB",
        "96 21 61763031 00 000001 AA 68766331 01 000004 000000 BB",
    ] {
        let tracks: Vec<_> = Video::decode_tracks(hex(digits).into(), &Limits::default())
            .unwrap()
            .collect();
        assert_eq!(
            Video::encode_tracks(&tracks).unwrap()[..],
            hex(digits),
            "{digits}"
        );
    }
    for digits in [
        "95 21 4F707573 01 000002 AABB 6D703461 02 000000",
        "97 02 0003E8 05 11 4F707573 00 000001 AA 01 000001 BB",
        "95 14 4F707573 00 000002 0002 01 000006 0102 00000003",
    ] {
        let tracks: Vec<_> = Audio::decode_tracks(hex(digits).into(), &Limits::default())
            .unwrap()
            .collect();
        assert_eq!(
            Audio::encode_tracks(&tracks).unwrap()[..],
            hex(digits),
            "{digits}"
        );
    }
}

#[test]
fn rtmp_29_tracks_that_are_no_message_together() {
    let sound = |data| Audio::new(AudioCodec::Opus, data);
    let mut late = sound(AudioData::Frame(bytes("AA")));
    late.offset_ns = 1;
    late.track = 3;
    for tracks in [
        vec![],
        vec![sound(AudioData::Silence)],
        vec![sound(AudioData::End), sound(AudioData::Frame(bytes("AA")))],
        vec![sound(AudioData::Frame(bytes("AA"))), late],
        vec![sound(AudioData::End); 256],
    ] {
        let error = Audio::encode_tracks(&tracks);
        assert!(
            matches!(error, Err(Error::TracksDiffer { .. })),
            "{error:?}"
        );
    }
    let picture = |frame, data| Video::new(VideoCodec::Vp8, frame, data);
    for tracks in [
        vec![],
        vec![picture(VideoFrame::Command, VideoData::Command(0))],
        vec![
            picture(VideoFrame::Key, frame(0, "AA")),
            picture(VideoFrame::Inter, frame(0, "AA")),
        ],
    ] {
        let error = Video::encode_tracks(&tracks);
        assert!(
            matches!(error, Err(Error::TracksDiffer { .. })),
            "{error:?}"
        );
    }
}

#[test]
fn rtmp_33_channels_by_hand() {
    // E-RTMP, "MultichannelConfig": order, count, then a mask or a map.
    for (digits, layout) in [
        (
            "01 06 0000003F",
            Multichannel::Native {
                count: 6,
                mask: 0x3F,
            },
        ),
        (
            "02 03 00 FE FF",
            Multichannel::Custom(vec![0, Multichannel::UNUSED, Multichannel::UNKNOWN]),
        ),
        ("00 02", Multichannel::Unspecified { count: 2 }),
        (
            "07 02 AA",
            Multichannel::Other {
                order: 7,
                count: 2,
                rest: bytes("AA"),
            },
        ),
    ] {
        let read = Multichannel::decode(&hex(digits).into());
        assert_eq!(read.as_ref(), Ok(&layout), "{digits}");
        assert_eq!(layout.encode()[..], hex(digits), "{digits}");
        assert_eq!(layout.count(), hex(digits)[1]);
    }
    for (digits, at, needed) in [("", 0, 1), ("01 06 00", 2, 4), ("02 03 00", 2, 3)] {
        assert_eq!(
            Multichannel::decode(&hex(digits).into()),
            Err(Error::Truncated { at, needed })
        );
    }
}

#[test]
fn rtmp_33_color_info_is_typed_and_unknown_parts_are_kept() {
    let number = Value::Number;
    let info = object(&[
        (
            "colorConfig",
            object(&[
                ("bitDepth", number(10.0)),
                ("colorPrimaries", number(9.0)),
                ("later", text("x")),
            ]),
        ),
        (
            "hdrCll",
            object(&[("maxFall", number(400.0)), ("maxCLL", number(1000.0))]),
        ),
        (
            "hdrMdcv",
            object(&[("redX", number(0.68)), ("minLuminance", number(0.005))]),
        ),
        ("newer", object(&[("y", number(1.0))])),
    ]);
    let values = [text("colorInfo"), info];
    let color = ColorInfo::read(&values).unwrap();
    assert_eq!(
        (color.bit_depth, color.primaries, color.transfer),
        (Some(10.0), Some(9.0), None)
    );
    assert_eq!((color.max_fall, color.max_cll), (Some(400.0), Some(1000.0)));
    let mastering = color.mastering.unwrap();
    assert_eq!(
        (mastering.red.0, mastering.luminance_min),
        (Some(0.68), Some(0.005))
    );
    // What was not said is not written as zero.
    assert_eq!((mastering.red.1, mastering.luminance_max), (None, None));
    assert_eq!(color.others.len(), 2);
    assert_eq!(ColorInfo::read(&color.to_values()), Some(color));
    // Undefined, or nothing, takes back what was said.
    for reset in [Value::Undefined, Value::Null, object(&[])] {
        assert_eq!(ColorInfo::read(&[text("colorInfo"), reset]), None);
    }
    assert_eq!(
        ColorInfo::read(&[text("other"), object(&[("a", number(1.0))])]),
        None
    );
}

#[test]
fn q37_codec_id_forms_are_told_apart() {
    let number = Value::Number;
    let read = |value: Value| StreamInfo::read(&object(&[("videocodecid", value)])).video_codec;
    for (value, codec) in [
        (number(7.0), Some(VideoCodec::Avc)),
        (number(12.0), Some(VideoCodec::Hevc)),
        (number(2.0), Some(VideoCodec::Legacy(2))),
        (text("avc1"), Some(VideoCodec::Avc)),
        (text("hvc1"), Some(VideoCodec::Hevc)),
        (text("av01.0.08M"), Some(VideoCodec::Av1)),
        (number(1_635_135_537.0), Some(VideoCodec::Av1)),
        // Prism writes the bytes of "avc1" from their other end.
        (number(828_601_953.0), Some(VideoCodec::Avc)),
        (number(4e9), None),
        (Value::Null, None),
        (text("x"), None),
    ] {
        assert_eq!(read(value.clone()), codec, "{value:?}");
    }
    let read = |value: Value| StreamInfo::read(&object(&[("audiocodecid", value)])).audio_codec;
    assert_eq!(read(number(10.0)), Some(AudioCodec::Aac));
    assert_eq!(read(number(1_332_770_163.0)), Some(AudioCodec::Opus));
    assert_eq!(read(text("mp4a")), Some(AudioCodec::Aac));
    assert_eq!(read(number(11.0)), Some(AudioCodec::Legacy(0xB0)));
}

#[test]
fn rtmp_33_metadata_is_typed_and_unknown_parts_are_kept() {
    let number = Value::Number;
    let tracks = object(&[
        ("1", object(&[("width", number(640.0))])),
        ("x", Value::Null),
    ]);
    let metadata = object(&[
        ("width", number(1280.0)),
        ("framerate", text("29.97")),
        ("videodatarate", number(2500.0)),
        ("stereo", Value::Boolean(true)),
        ("encoder", text("here")),
        ("videoTrackIdInfoMap", tracks),
        ("custom", text("kept")),
        ("height", Value::Null),
    ]);
    let info = StreamInfo::read(&metadata);
    assert_eq!(
        (info.width, info.height, info.frame_rate),
        (Some(1280.0), None, Some(29.97))
    );
    assert_eq!((info.channels, info.video_kbps), (Some(2.0), Some(2500.0)));
    assert_eq!(info.encoder.as_deref(), Some("here"));
    assert_eq!(
        info.video_tracks,
        [(1, vec![("width".to_owned(), number(640.0))])]
    );
    assert_eq!((info.others.len(), info.odd_video_tracks.len()), (2, 1));
    assert_eq!(StreamInfo::read(&info.to_value()), info);
    // Null and anything else say nothing, and are no error.
    assert_eq!(StreamInfo::read(&Value::Null), StreamInfo::default());
}

#[test]
#[ignore = "needs ffmpeg"]
fn q51_ffmpeg_tracks_and_all_other_tags_are_written_as_ffmpeg_writes_them() {
    let mut count = 0;
    for (program, codecs, file) in crate::file::recordings() {
        let mut rest = &file[13..];
        while let [kind, a, b, c, ..] = rest {
            let size = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            let body = Bytes::copy_from_slice(&rest[11..11 + size]);
            let limits = Limits::default();
            let again = match kind {
                8 => Audio::decode(body.clone(), &limits).unwrap().encode(),
                9 => Video::decode(body.clone(), &limits).unwrap().encode(),
                _ => body.clone(),
            };
            let head = |bytes: &Bytes| bytes[..bytes.len().min(24)].to_vec();
            assert_eq!(head(&again), head(&body), "{program} {codecs}");
            assert_eq!(again, body, "{program} {codecs}");
            count += 1;
            rest = &rest[size + 15..];
        }
    }
    assert!(count > 800, "only {count} tags");
}
