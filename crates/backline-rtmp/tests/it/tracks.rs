//! Bodies with several tracks, and what is odd in single ones.

use crate::support::{hex, object, text};
use allocation_counter::measure;
use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::Message;
use backline_rtmp::flv::{
    Audio, AudioCodec, AudioData, ColorInfo, Media, Packet, StreamInfo, Video, VideoCodec,
    VideoData, VideoFrame,
};
use backline_rtmp::{Error, Limits};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};

fn codec() -> impl Strategy<Value = VideoCodec> {
    prop_oneof![
        Just(VideoCodec::Av1),
        Just(VideoCodec::Avc),
        Just(VideoCodec::Hevc),
        Just(VideoCodec::Vp8),
        Just(VideoCodec::Vp9),
        Just(VideoCodec::Vvc),
    ]
}

fn data_message(kind: u8, body: Vec<u8>) -> Media {
    let message = Message::new(4, 1, kind, 0, body.into());
    let mut packets = Packet::decode(message, &Limits::default()).unwrap();
    packets.next().unwrap().media
}

proptest! {
    #[test]
    fn rtmp_29_tracks_round_trip_and_may_be_cut_anywhere(
        each in vec((codec(), any::<u8>(), -8_388_608..8_388_608, vec(any::<u8>(), 0..20)), 1..6),
        same_codec in any::<bool>(),
        offset_ns in 0_u32..1_000_000,
        what in 0_usize..4,
    ) {
        let first = each[0].0;
        let tracks: Vec<Video> = each.into_iter().map(|(codec, track, composition_ms, data)| {
            let codec = if same_codec { first } else { codec };
            let composed = matches!(codec, VideoCodec::Avc | VideoCodec::Hevc | VideoCodec::Vvc);
            let composition_ms = if composed { composition_ms } else { 0 };
            let data = Bytes::from(data);
            let data = match what {
                0 => VideoData::Config(data),
                1 => VideoData::End,
                2 => VideoData::Metadata(vec![text("colorInfo"), Value::Undefined]),
                _ => VideoData::Frame { composition_ms, data },
            };
            let mut video = Video::new(codec, VideoFrame::Key, data);
            (video.track, video.offset_ns) = (track, offset_ns);
            video
        }).collect();
        let body = Video::encode_tracks(&tracks).unwrap();
        let read = |body: Bytes| Video::decode_tracks(body, &Limits::default()).map(Iterator::collect::<Vec<_>>);
        prop_assert_eq!(read(body.clone()), Ok(tracks.clone()));
        for end in 0..body.len() {
            match read(body.slice(..end)) {
                // A cut between two tracks leaves the tracks before it.
                Ok(some) => prop_assert!(tracks.starts_with(&some)),
                Err(error) => prop_assert!(matches!(error, Error::Truncated { at, .. } if at <= end), "{}", error),
            }
        }
    }

    #[test]
    fn rtmp_29_any_bytes_in_a_multitrack_wrapper_are_no_panic(
        first in any::<u8>(), wrapper in any::<u8>(), rest in vec(any::<u8>(), 0..80),
    ) {
        let body = |first: u8| Bytes::from([&[first, wrapper][..], &rest].concat());
        if let Ok(tracks) = Video::decode_tracks(body(0x86 | first & 0x70), &Limits::default()) {
            for video in tracks {
                let again = Video::decode(video.encode(), &Limits::default()).unwrap();
                prop_assert_eq!((again.track, again.codec, again.offset_ns), (video.track, video.codec, 0));
            }
        }
        if let Ok(tracks) = Audio::decode_tracks(body(0x95), &Limits::default()) {
            for audio in tracks {
                prop_assert_eq!(Audio::decode(audio.encode(), &Limits::default()), Ok(audio));
            }
        }
    }
}

#[test]
fn rtmp_29_a_wrapper_in_a_wrapper_and_an_unknown_one() {
    let limits = Limits::default();
    for multitrack in 0..3 {
        let body = [0x95, multitrack << 4 | 5, 0, 0, 0, 0, 0];
        let error = Audio::decode_tracks(body.to_vec().into(), &limits).err();
        assert_eq!(error, Some(Error::PacketType { at: 1, packet: 5 }));
        let body = [0x96, multitrack << 4 | 6, 0, 0, 0, 0, 0];
        let error = Video::decode_tracks(body.to_vec().into(), &limits).err();
        assert_eq!(error, Some(Error::PacketType { at: 1, packet: 6 }));
    }
    let error = Video::decode_tracks(hex("96 31 68766331 00").into(), &limits).err();
    assert!(
        matches!(
            error,
            Some(Error::Multitrack {
                at: 1,
                multitrack: 3,
                ..
            })
        ),
        "{error:?}"
    );
}

#[test]
fn rtmp_29_several_tracks_are_not_one_wherever_their_wrapper_stands() {
    // Behind a ModEx layer of five bytes it stands at byte 6.
    for (digits, at) in [("95 11 4F707573", 1), ("97 02 0003E8 05 11 4F707573", 6)] {
        let error = Audio::decode(hex(digits).into(), &Limits::default()).err();
        assert!(
            matches!(error, Some(Error::Multitrack { at: found, multitrack: 1, .. }) if found == at),
            "{error:?}"
        );
    }
}

#[test]
fn rtmp_35_the_caps_on_values_hold_for_all_tracks_of_a_message() {
    // Two tracks of metadata with two values each: ManyTracks (1) of Metadata (4); the fourth value stands at byte 17.
    let body = hex("96 14 68766331 00 000002 0505 01 000002 0505");
    let mut limits = Limits::default();
    limits.amf_nodes = 4;
    let tracks =
        |limits: &Limits| Video::decode_tracks(body.clone().into(), limits).map(Iterator::count);
    assert_eq!(tracks(&limits), Ok(2));
    limits.amf_nodes = 3;
    assert_eq!(tracks(&limits), Err(Error::AmfNodes { at: 17, limit: 3 }));
}

#[test]
fn rtmp_35_values_in_a_picture_s_body_say_where_they_are_wrong() {
    // Marker 0xEE stands behind the first byte and the FourCC.
    let error = Video::decode(hex("94 68766331 EE").into(), &Limits::default());
    assert_eq!(
        error,
        Err(Error::AmfMarker {
            at: 5,
            marker: 0xEE
        })
    );
}

#[test]
fn q49_colour_of_another_track_is_not_written_as_a_command() {
    // FFmpeg gives its colour metadata the frame type of a command. Inside of a wrapper a reader would take that for
    // one, since the packet type that it sees first is the wrapper's.
    let read = Video::decode(hex("D4 68766331 05").into(), &Limits::default()).unwrap();
    assert_eq!(read.encode(), hex("D4 68766331 05"));
    let mut moved = read.clone();
    moved.track = 1;
    assert_eq!(moved.encode(), hex("96 04 68766331 01 05"));
    let together = Video::encode_tracks(&[read, moved]).unwrap();
    assert_eq!(together, hex("96 14 68766331 00 000001 05 01 000001 05"));
}

#[test]
fn rtmp_27_the_frame_type_of_a_command_goes_with_commands_alone() {
    let command = VideoFrame::Command;
    let picture = VideoData::Frame {
        composition_ms: 0,
        data: hex("AA").into(),
    };
    let write = |codec, frame, data: &VideoData| Video::new(codec, frame, data.clone()).encode();
    assert_eq!(
        write(VideoCodec::Avc, command, &picture),
        hex("27 01 000000 AA")
    );
    assert_eq!(
        write(VideoCodec::Vp8, command, &picture),
        hex("A1 76703038 AA")
    );
    assert_eq!(
        write(VideoCodec::Vp8, command, &VideoData::End),
        hex("92 76703038")
    );
    let seek = VideoData::Command(1);
    assert_eq!(write(VideoCodec::Avc, VideoFrame::Key, &seek), hex("57 01"));
    assert_eq!(write(VideoCodec::Av1, VideoFrame::Key, &seek), hex("D0 01"));
}

#[test]
fn rtmp_28_what_a_legacy_body_says_of_its_sound_is_kept() {
    // FLV, E.4.2.1: format 2 (MP3) or 10 (AAC), rate 2 (22 kHz), 16 bits, one channel.
    for (digits, codec) in [("2A FFF3", AudioCodec::Mp3), ("AA 01 21", AudioCodec::Aac)] {
        let read = Audio::decode(hex(digits).into(), &Limits::default()).unwrap();
        assert_eq!((read.codec, read.quality), (codec, 0x0A));
        assert!(matches!(&read.data, AudioData::Frame(_)));
        assert_eq!(read.encode(), hex(digits));
    }
}

#[test]
fn q38_data_without_a_name_is_kept() {
    let values = vec![Value::Number(1.0), Value::Null];
    let media = data_message(Message::DATA, amf0::encode(&values).to_vec());
    let name = String::new();
    assert_eq!(media, Media::Data { name, values });
}

#[test]
fn q38_a_name_in_amf3_form_is_a_name() {
    // A selector, then the AMF3 string (06) "onFI" of four bytes (09), and an AMF3 true (03).
    let body = hex("00 11 06 09 6F6E4649 11 03");
    let media = data_message(Message::DATA_AMF3, body);
    assert!(
        matches!(&media, Media::Data { name, values } if name == "onFI" && values.len() == 1),
        "{media:?}"
    );
}

#[test]
fn q37_a_codec_that_nobody_knows_keeps_its_letters() {
    let metadata = object(&[
        ("videocodecid", text("hvcr")),
        ("audiocodecid", text("ac-4")),
    ]);
    let info = StreamInfo::read(&metadata);
    assert_eq!(info.video_codec, Some(VideoCodec::from_fourcc(*b"hvcr")));
    assert_eq!(info.to_value().get("videocodecid"), Some(&text("hvcr")));
    assert_eq!(StreamInfo::read(&info.to_value()), info);
    // Letters that are no four bytes of text name no codec.
    let odd = StreamInfo::read(&object(&[("videocodecid", text("avc\u{e9}"))]));
    assert_eq!((odd.video_codec, odd.others.len()), (None, 1));
}

#[test]
fn rtmp_33_colour_keeps_what_is_no_object_and_writes_each_object_once() {
    let number = Value::Number;
    let info = object(&[
        ("colorConfig", number(1.0)),
        ("newer", object(&[("a", number(1.0)), ("b", number(2.0))])),
        ("hdrMdcv", object(&[("maxLuminance", number(1000.0))])),
    ]);
    let color = ColorInfo::read(&[text("colorInfo"), info]).unwrap();
    assert_eq!(color.others.len(), 3);
    let written = color.to_values();
    assert_eq!(written[1].properties().len(), 3);
    assert_eq!(written[1].get("colorConfig"), Some(&number(1.0)));
    assert_eq!(written[1].get("hdrMdcv").unwrap().properties().len(), 1);
    assert_eq!(ColorInfo::read(&written), Some(color));
}

#[test]
fn rtmp_29_a_small_track_that_is_kept_does_not_hold_the_message() {
    // ManyTracks of Opus: one byte of track 1 and a megabyte of track 2.
    let body = [
        hex("95 11 4F707573 01 000001 F8"),
        hex("02 100000"),
        vec![0; 1 << 20],
    ]
    .concat();
    let mut kept = Vec::with_capacity(50);
    let held = measure(|| {
        for _ in 0..50 {
            let tracks = Audio::decode_tracks(body.clone().into(), &Limits::default());
            kept.extend(tracks.unwrap().next());
        }
    });
    assert!(held.bytes_current < 10_000, "{}", held.bytes_current);
    assert!(
        kept.iter()
            .all(|audio| audio.data == AudioData::Frame(hex("F8").into()))
    );
    // The large one shares the bytes of the message.
    let body = Bytes::from(body);
    let tracks = Audio::decode_tracks(body.clone(), &Limits::default()).unwrap();
    let last = tracks.last().unwrap();
    assert_eq!(last.payload().as_ptr(), body[15..].as_ptr());
}

#[test]
fn rtmp_33_colour_stands_behind_its_name_wherever_that_is() {
    let info = object(&[("colorConfig", object(&[("bitDepth", Value::Number(10.0))]))]);
    let color = ColorInfo::read(&[text("newer"), text("colorInfo"), text("colorInfo"), info]);
    assert_eq!(color.unwrap().bit_depth, Some(10.0));
    assert_eq!(ColorInfo::read(&[text("newer"), text("colorInfo")]), None);
}

#[test]
fn q36_metadata_of_a_class_is_metadata() {
    let properties = vec![("width".to_owned(), Value::Number(640.0))];
    let typed = Value::TypedObject("Info".to_owned(), properties);
    for values in [vec![text("onMetaData"), typed.clone()], vec![typed.clone()]] {
        let media = data_message(Message::DATA, amf0::encode(&values).to_vec());
        assert_eq!(media, Media::Metadata(typed.clone()));
    }
}

#[test]
fn rtmp_33_odd_entries_of_a_track_map_are_kept() {
    let entry = |width| object(&[("width", Value::Number(width))]);
    let odd = [
        ("x", entry(1.0)),
        ("300", entry(2.0)),
        ("2", Value::Number(3.0)),
    ];
    let map = object(&[&[("1", entry(640.0))], &odd[..]].concat());
    let name = "videoTrackIdInfoMap";
    let no_map = ("audioTrackIdInfoMap", Value::Null);
    let metadata = object(&[("newer", Value::Null), no_map, (name, map.clone())]);
    let info = StreamInfo::read(&metadata);
    assert_eq!(info.video_tracks.len(), 1);
    let left = Value::Object(info.odd_video_tracks.clone());
    assert_eq!((left, info.odd_audio_tracks.len()), (object(&odd), 0));
    assert_eq!(info.others.len(), 2);
    let written = info.to_value();
    assert_eq!(written.get(name), Some(&map));
    assert_eq!(written.properties().len(), 3);
    assert_eq!(StreamInfo::read(&written), info);
}
