//! Media bodies, read and written.

use crate::support::hex;
use backline_rtmp::flv::{Audio, AudioCodec, AudioData, Video, VideoCodec, VideoData, VideoFrame};
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
        let metadata = VideoData::Metadata(vec![backline_rtmp::amf0::Value::Null]);
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
    // E-RTMP, "Multitrack": ManyTracks (1) of CodedFrames (1), one FourCC; each track is its number, its size in three bytes,
    // and from there on a packet: for hvc1 a composition time in three bytes, then the access unit.
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
