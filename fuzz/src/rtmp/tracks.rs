//! Media and data messages as packets, one a track.

use super::limits;
use super::packets::{audio, video};
use crate::Source;
use backline_rtmp::chunk::Message;
use backline_rtmp::flv::{Audio, AudioData, Media, Packet, Video, VideoData};
use bytes::Bytes;

/// A message is as many packets as it has tracks, no more than the cap; their payloads share its bytes and do not
/// overlap, but for tracks below a quarter of it, which are copies; each is what it would be alone; a message that
/// cannot be read is given back whole. Memory follows the caps.
///
/// Input: a byte of modes, the message type, a body.
pub fn packet_decode(data: &[u8]) {
    /// The tracks of a message and their values, in lists that double.
    const BYTES_MAX: u64 = 1 << 20;
    let mut source = Source::new(data);
    let caps = limits(source.u8() & 1 != 0);
    let kind = match source.u8() {
        kind @ (Message::AUDIO | Message::VIDEO | Message::DATA | Message::DATA_AMF3) => kind,
        other => [Message::AUDIO, Message::VIDEO, Message::DATA][usize::from(other) % 3],
    };
    let body = Bytes::copy_from_slice(source.rest());
    let message = Message::new(4, 1, kind, 77, body.clone());
    let mut packets = Vec::new();
    let measured = allocation_counter::measure(|| match Packet::decode(message, &caps) {
        Ok(tracks) => packets.extend(tracks),
        Err((raw, _)) => assert_eq!(raw, body, "the body is given back"),
    });
    assert!(
        measured.bytes_max <= BYTES_MAX,
        "{} bytes",
        measured.bytes_max
    );
    assert!(packets.len() <= usize::from(caps.tracks).max(1));
    let mut free = body.as_ptr_range().start;
    let shared = (body.len() / 4).max(1);
    for packet in &packets {
        assert_eq!(packet.timestamp_ms, 77);
        if let Some(payload) = payload(packet).filter(|payload| payload.len() >= shared) {
            let range = payload.as_ptr_range();
            assert!(
                free <= range.start && range.end <= body.as_ptr_range().end,
                "copied, or in two tracks"
            );
            free = range.end;
        }
        alone(packet);
    }
    if let [packet] = packets.as_slice() {
        let single = match kind {
            Message::AUDIO => Audio::decode(body, &caps).map(Media::Audio),
            Message::VIDEO => Video::decode(body, &caps).map(Media::Video),
            _ => return,
        };
        // A message in the form for several tracks may have one.
        if let Ok(single) = single {
            assert_eq!(format!("{single:?}"), format!("{:?}", packet.media));
        }
    }
}

fn payload(packet: &Packet) -> Option<&Bytes> {
    match &packet.media {
        Media::Audio(audio) => match &audio.data {
            AudioData::Config(data) | AudioData::Frame(data) | AudioData::Multichannel(data) => {
                Some(data)
            }
            _ => None,
        },
        Media::Video(video) => match &video.data {
            VideoData::Config(data) | VideoData::TsConfig(data) | VideoData::Frame { data, .. } => {
                Some(data)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Each track can be written as a message of its own, in a head of at most 16 bytes and its payload.
fn alone(packet: &Packet) {
    let (kind, head, payload, whole) = match &packet.media {
        Media::Audio(audio) => (
            Message::AUDIO,
            audio.head(),
            audio.payload(),
            audio.encode(),
        ),
        Media::Video(video) => (
            Message::VIDEO,
            video.head(),
            video.payload(),
            video.encode(),
        ),
        _ => return,
    };
    assert_eq!([&*head, &*payload].concat(), whole);
    let message = Message::new(4, 1, kind, packet.timestamp_ms, whole);
    let again: Vec<Packet> = Packet::decode(message, &limits(false))
        .unwrap_or_else(|(_, error)| panic!("{error}, in what was written of {packet:?}"))
        .collect();
    let [again] = again.as_slice() else {
        panic!("{packet:?} is read as {again:?}")
    };
    if let (
        Media::Video(Video {
            data: VideoData::Command(before),
            ..
        }),
        Media::Video(Video {
            data: VideoData::Command(after),
            ..
        }),
    ) = (&packet.media, &again.media)
    {
        // A command needs no codec, and only the old form has one.
        assert_eq!(before, after);
    } else {
        assert_eq!(format!("{packet:?}"), format!("{again:?}"));
    }
}

/// Tracks that go into one message come out of it as they were; a list of one track always goes.
///
/// Input: a byte of modes, what all tracks have, then each track.
pub fn tracks_round_trip(data: &[u8]) {
    const TRACKS_MAX: usize = 20;
    let mut source = Source::new(data);
    let mode = source.u8();
    if mode & 1 == 0 {
        let first = video(&mut source);
        let mut tracks = vec![first];
        while !source.is_empty() && tracks.len() < TRACKS_MAX {
            let mut next = video(&mut source);
            if mode & 2 == 0 {
                (next.frame, next.offset_ns) = (tracks[0].frame, tracks[0].offset_ns);
            }
            tracks.push(next);
        }
        let fits = tracks.iter().all(|track| {
            let same =
                std::mem::discriminant(&track.data) == std::mem::discriminant(&tracks[0].data);
            same && (track.frame, track.offset_ns) == (tracks[0].frame, tracks[0].offset_ns)
        });
        let written = Video::encode_tracks(&tracks);
        assert_eq!(written.is_ok(), fits, "{written:?} of {tracks:?}");
        let Ok(body) = written else { return };
        let read =
            Video::decode_tracks(body, &limits(false)).expect("what was written can be read");
        assert_eq!(
            format!("{:?}", read.collect::<Vec<_>>()),
            format!("{tracks:?}")
        );
    } else {
        let mut tracks = vec![audio(&mut source)];
        while !source.is_empty() && tracks.len() < TRACKS_MAX {
            let mut next = audio(&mut source);
            if mode & 2 == 0 {
                next.offset_ns = tracks[0].offset_ns;
            }
            tracks.push(next);
        }
        let fits = tracks.iter().all(|track| {
            let same =
                std::mem::discriminant(&track.data) == std::mem::discriminant(&tracks[0].data);
            same && track.offset_ns == tracks[0].offset_ns && track.data != AudioData::Silence
        });
        let written = Audio::encode_tracks(&tracks);
        assert_eq!(written.is_ok(), fits, "{written:?} of {tracks:?}");
        let Ok(body) = written else { return };
        let read =
            Audio::decode_tracks(body, &limits(false)).expect("what was written can be read");
        assert_eq!(read.collect::<Vec<_>>(), tracks);
    }
}
