//! Both real machines in virtual time: bytes of a publisher go in, parts of a presentation come out.

use std::time::{Duration, Instant};

use backline_hls::{Config, Layout, ObjectKind, Output as Hls, Presentation};
use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::{Message, Muxer};
use backline_rtmp::flv::Packet;
use backline_rtmp::server::{self, Server};
use bytes::{Buf, Bytes, BytesMut};

use super::*;

/// Of x264, 640x360.
const AVCC: &[u8] = b"\x01\x42\xC0\x1E\xFF\xE1\x00\x19\x67\x42\xC0\x1E\xDA\x02\x80\xBF\xE5\xC0\x44\
    \x00\x00\x03\x00\x04\x00\x00\x03\x00\xF2\x3C\x58\xBA\x80\x01\x00\x04\x68\xCE\x0F\xC8";
/// AAC-LC, 48 kHz, stereo.
const ASC: &[u8] = b"\x11\x90";
const WALL: UnixMillis = UnixMillis(1_764_000_000_000);

/// A publisher, a session, a feed and a presentation on one clock.
struct Rig {
    now: Instant,
    muxer: Muxer,
    server: Server,
    feed: Feed,
    presentation: Presentation,
    outputs: Vec<Hls>,
    notes: Vec<Note>,
}

impl Rig {
    fn new() -> Self {
        let now = Instant::now();
        let mut config = Config::default();
        config.layout = Layout::Separate;
        let mut rig = Self {
            now,
            muxer: Muxer::new(),
            server: Server::new(server::Config::default(), now),
            feed: Feed::new(),
            presentation: Presentation::new(config, now).expect("defaults"),
            outputs: Vec::new(),
            notes: Vec::new(),
        };
        let mut hello = vec![3];
        hello.resize(1 + 2 * 1536, 0);
        rig.bytes(&hello);
        let text = |text: &str| Value::String(text.to_owned());
        let app = Value::Object(vec![("app".to_owned(), text("live"))]);
        rig.command(0, &[text("connect"), Value::Number(1.0), app]);
        rig.command(0, &[text("createStream"), Value::Number(2.0), Value::Null]);
        rig.command(
            1,
            &[
                text("publish"),
                Value::Number(3.0),
                Value::Null,
                text("key"),
                text("live"),
            ],
        );
        rig
    }

    fn command(&mut self, stream: u32, values: &[Value]) {
        self.message(3, stream, Message::COMMAND, 0, amf0::encode(values));
    }

    fn message(&mut self, chunk_stream: u32, stream: u32, kind: u8, ms: u64, body: Bytes) {
        let mut bytes = BytesMut::new();
        for chunk in self
            .muxer
            .write(&Message::new(chunk_stream, stream, kind, ms, body))
        {
            bytes.extend_from_slice(chunk.head());
            bytes.extend_from_slice(chunk.payload());
        }
        self.bytes(&bytes);
    }

    fn media(&mut self, kind: u8, ms: u64, head: &[u8], data: &[u8]) {
        let chunk_stream = if kind == Message::VIDEO { 6 } else { 4 };
        self.message(chunk_stream, 1, kind, ms, [head, data].concat().into());
    }

    fn bytes(&mut self, mut bytes: &[u8]) {
        while bytes.has_remaining() {
            let taken = self
                .server
                .handle_input(self.now, bytes)
                .expect("a sound publisher");
            bytes.advance(taken);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while self.server.poll_transmit().is_some() {}
        while let Some(output) = self.server.poll_output() {
            if let Output::Publish(request) = &output {
                assert_eq!((&*request.peer.app, &*request.name), ("live", "key"));
                self.server.accept(self.now, request.id).expect("it waits");
            }
            let mut events = Vec::new();
            self.notes.extend(self.feed.take(output, WALL, &mut events));
            for event in events {
                self.presentation
                    .handle_event(self.now, event)
                    .expect("sound media");
                while let Some(output) = self.presentation.poll_output() {
                    self.outputs.push(output);
                }
            }
        }
    }

    /// Three seconds of 25 pictures and 46.875 frames of sound a second, a key frame a second.
    fn show(&mut self, origin_ms: u64) {
        self.media(Message::VIDEO, origin_ms, &[0x17, 0, 0, 0, 0], AVCC);
        self.media(Message::AUDIO, origin_ms, &[0xAF, 0], ASC);
        let mut sound = 0;
        for picture in 0..75_u64 {
            let ms = origin_ms + picture * 40;
            while sound * 64 / 3 <= picture * 40 {
                self.media(
                    Message::AUDIO,
                    origin_ms + sound * 64 / 3,
                    &[0xAF, 1],
                    &[0x21; 64],
                );
                sound += 1;
            }
            let head = [if picture % 25 == 0 { 0x17 } else { 0x27 }, 1, 0, 0, 0];
            self.media(Message::VIDEO, ms, &head, b"\x00\x00\x00\x04\x65abc");
            self.now += Duration::from_millis(40);
            self.presentation.handle_timeout(self.now);
        }
    }

    fn parts(&self) -> usize {
        let part = |output: &&Hls| matches!(output, Hls::Part { object, .. } if object.kind == ObjectKind::Part);
        self.outputs.iter().filter(part).count()
    }
}

#[test]
fn a_publishers_bytes_become_parts_and_a_return_becomes_a_discontinuity() {
    let mut rig = Rig::new();
    rig.show(0);
    let first = rig.parts();
    assert!(
        first >= 14,
        "{first} parts of one rendition in three seconds"
    );
    let stats = rig.presentation.stats();
    assert_eq!(stats.tracks.len(), 2);
    assert!(
        stats.live && stats.playable && stats.samples_dropped == 0,
        "{stats:?}"
    );

    let text = |text: &str| Value::String(text.to_owned());
    rig.command(
        0,
        &[
            text("FCUnpublish"),
            Value::Number(4.0),
            Value::Null,
            text("key"),
        ],
    );
    assert!(
        !rig.presentation.stats().live,
        "an orderly end stops the presentation"
    );
    rig.command(
        1,
        &[
            text("publish"),
            Value::Number(5.0),
            Value::Null,
            text("key"),
            text("live"),
        ],
    );
    rig.show(500_000);
    let stats = rig.presentation.stats();
    assert!(stats.live && rig.parts() > first);
    assert_eq!(stats.discontinuities, 1, "{stats:?}");
    assert!(rig.notes.is_empty(), "{:?}", rig.notes);
}

#[test]
fn what_no_browser_plays_is_told_once() {
    let mut rig = Rig::new();
    for ms in 0..3 {
        // Sorenson H.263 and MP3.
        rig.media(Message::VIDEO, ms, &[0x12], b"picture");
        rig.media(Message::AUDIO, ms, &[0x2F], b"sound");
    }
    let told = matches!(
        &*rig.notes,
        [
            Note::VideoUnplayable(_),
            Note::AudioUnplayable(AudioCodec::Mp3)
        ]
    );
    assert!(told, "{:?}", rig.notes);
    assert!(rig.outputs.is_empty());
}

#[test]
fn sound_whose_frames_say_it_all_needs_no_record() {
    let mut rig = Rig::new();
    for frame in 0..100 {
        // FFmpeg's AC-3, 48 kHz stereo, for which it sends no sequence start.
        let head = [0x91, b'a', b'c', b'-', b'3'];
        let data = b"\x0B\x77\x8C\x37\x14\x40\x43\xE1sound";
        rig.media(Message::AUDIO, frame * 32, &head, data);
    }
    let stats = rig.presentation.stats();
    assert!(stats.live && rig.parts() > 3, "{stats:?}");
    assert_eq!(*rig.notes, [Note::AudioRare(AudioCodec::Ac3)]);
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn object(properties: &[(&str, Value)]) -> Value {
    let owned = properties
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    Value::Object(owned.collect())
}

/// The tracks that a publisher's metadata announces before its first sample.
fn announced(metadata: Value) -> Vec<(TrackId, About)> {
    let mut feed = Feed::new();
    let mut events = Vec::new();
    feed.take(
        Output::Media(Packet::new(0, Media::Metadata(metadata))),
        WALL,
        &mut events,
    );
    assert!(
        events.is_empty(),
        "nothing goes out before the first sample: {events:?}"
    );
    let data = VideoData::Frame {
        composition_ms: 0,
        data: Bytes::from_static(b"picture"),
    };
    let frame = Video::new(VideoCodec::Avc, VideoFrame::Key, data);
    feed.take(
        Output::Media(Packet::new(0, Media::Video(frame))),
        WALL,
        &mut events,
    );
    assert!(
        matches!(events.first(), Some(Event::Start { .. })),
        "{events:?}"
    );
    events
        .into_iter()
        .filter_map(|event| match event {
            Event::Announce { track, about } => Some((track, about)),
            _ => None,
        })
        .collect()
}

#[test]
fn mv_6_tracks_that_the_metadata_names_are_announced_before_their_media() {
    let track = |kind, id| TrackId { kind, id };
    let (picture, sound) = (TrackKind::Video, TrackKind::Audio);
    let half = object(&[("width", Value::Number(640.0))]);
    let german = object(&[("title", text("Saal \"1\"\n")), ("language", text("de"))]);
    let found = announced(object(&[
        ("videocodecid", Value::Number(7.0)),
        ("audiocodecid", Value::Number(10.0)),
        (
            "videoTrackIdInfoMap",
            object(&[("1", half.clone()), ("2", half)]),
        ),
        ("audioTrackIdInfoMap", object(&[("1", german)])),
    ]));
    let tracks: Vec<_> = found.iter().map(|(track, _)| *track).collect();
    let expected = [
        (picture, 0),
        (picture, 1),
        (picture, 2),
        (sound, 0),
        (sound, 1),
    ];
    assert_eq!(tracks, expected.map(|(kind, id)| track(kind, id)));
    assert_eq!(
        found.last().map(|(_, about)| about),
        Some(&About::named("Saal 1", "de"))
    );
    // What most publishers say, and FFmpeg however many tracks it has.
    let usual = object(&[
        ("videocodecid", Value::Number(7.0)),
        ("width", Value::Number(640.0)),
    ]);
    assert!(announced(usual).is_empty());
    assert!(announced(Value::Null).is_empty());
}

#[test]
fn what_metadata_says_of_tracks_is_bounded() {
    let long = object(&[
        ("name", text(&"\u{e9}".repeat(200))),
        ("language", text("not a language")),
    ]);
    let many: Vec<_> = (0..=255).map(|id| (id.to_string(), long.clone())).collect();
    let found = announced(object(&[("audioTrackIdInfoMap", Value::Object(many))]));
    assert_eq!(found.len(), ANNOUNCED_MAX);
    let (_, about) = &found[3];
    assert!(
        about.name.len() <= NAME_MAX && about.name.starts_with('\u{e9}'),
        "{about:?}"
    );
    assert!(about.language.is_empty(), "{about:?}");
}

/// What `onTextData` of FFmpeg carries.
fn words(words: &str) -> Value {
    object(&[("type", text("Text")), ("text", text(words))])
}

#[test]
fn texts_become_captions_beside_the_picture() {
    let mut rig = Rig::new();
    let data = |values: &[Value]| amf0::encode(values);
    let metadata = object(&[("datastream", Value::Number(0.0))]);
    let hello = [text("@setDataFrame"), text("onMetaData"), metadata];
    rig.message(4, 1, Message::DATA, 0, data(&hello));
    for (ms, said) in [(500, "fish & <chips>\r\n\r\n"), (700, " "), (900, "two")] {
        let values = [text("onTextData"), words(said)];
        rig.message(4, 1, Message::DATA, ms, data(&values));
    }
    rig.show(0);
    let pages: Vec<&str> = rig
        .outputs
        .iter()
        .filter_map(|output| match output {
            Hls::Text { body, .. } => Some(std::str::from_utf8(body).expect("UTF-8")),
            _ => None,
        })
        .collect();
    let [page] = pages.as_slice() else {
        panic!("one segment of two seconds is closed: {pages:?}");
    };
    // The first picture is at one second in the file.
    assert!(
        page.ends_with(
            "\n\n00:00:01.500 --> 00:00:05.500\nfish &amp; &lt;chips&gt;\n\n\
             00:00:01.900 --> 00:00:05.900\ntwo\n\n"
        ),
        "{page}"
    );
    assert!(rig.notes.is_empty(), "{:?}", rig.notes);
}

#[test]
fn mv_6_texts_that_come_first_announce_captions() {
    let mut feed = Feed::new();
    let mut events = Vec::new();
    let french = object(&[("text", text("Bonjour")), ("language", text("fr"))]);
    for _ in 0..2 {
        let name = "onTextData".to_owned();
        let values = vec![french.clone()];
        let packet = Packet::new(0, Media::Data { name, values });
        feed.take(Output::Media(packet), WALL, &mut events);
    }
    assert!(events.is_empty(), "no sample has come");
    let records: Vec<_> = feed.records.iter().collect();
    let [
        Event::Announce { track, about },
        Event::Cue { .. },
        Event::Cue { cue, .. },
    ] = *records
    else {
        panic!("{records:?}");
    };
    assert_eq!((*track, about), (TrackId::TEXT, &About::named("", "fr")));
    assert_eq!(
        (cue.end_ns - cue.start_ns, cue.text.as_str()),
        (4_000_000_000, "Bonjour")
    );
}

/// Encoders repeat their metadata, and a viewer needs every track's record whatever came before it.
#[test]
fn repeated_metadata_pushes_no_record_out() {
    let mut feed = Feed::new();
    let mut events = Vec::new();
    let mut take = |media| {
        feed.take(Output::Media(Packet::new(0, media)), WALL, &mut events);
    };
    let title = |title: &str| object(&[("title", text(title))]);
    for count in 0..1_000 {
        let name = format!("take {count}");
        let maps = [
            ("audioTrackIdInfoMap", object(&[("1", title(&name))])),
            ("videoTrackIdInfoMap", object(&[("1", title(&name))])),
        ];
        take(Media::Metadata(object(&maps)));
        take(Media::Data {
            name: "onTextData".to_owned(),
            values: vec![words("one of many")],
        });
    }
    for record in [&b"first"[..], b"second", &[0; RECORDS_BYTES_MAX]] {
        let data = VideoData::Config(Bytes::copy_from_slice(record));
        let mut video = Video::new(VideoCodec::Avc, VideoFrame::Key, data);
        video.track = 1;
        take(Media::Video(video));
    }
    let data = AudioData::Frame(Bytes::from_static(b"sound"));
    take(Media::Audio(Audio::new(AudioCodec::Aac, data)));
    let configs: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Config { track, record, .. } => Some((track.id, record.as_ref())),
            _ => None,
        })
        .collect();
    assert_eq!(configs, [(1, &b"second"[..])], "the last that is no burden");
    let names = events.iter().filter_map(|event| match event {
        Event::Announce { track, about } if track.kind != TrackKind::Text => Some(&about.name),
        _ => None,
    });
    let names: Vec<_> = names.collect();
    assert!(names.len() == 2 && names.iter().all(|name| *name == "take 999"));
    let cues = events
        .iter()
        .filter(|event| matches!(event, Event::Cue { .. }));
    assert_eq!(cues.count(), CUES_MAX);
}
