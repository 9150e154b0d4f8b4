//! Single operations in steady state, for instruction counts and for criterion.

use crate::areas::hls;
use crate::peers::Session as _;
use crate::peers::fragments::Fragments as _;
use crate::peers::mux::{Mux as _, OurMuxer};
use crate::peers::ours::{OurFragments, OurSession};
use crate::wire::publish::{AAC_CONFIG, AVC_CONFIG, Publisher};
use crate::wire::{READ_SIZE, Stream};
use backline_cache::{
    Answer, Cache, Client, Document, Fresh, Key, Kind, Output, Point, Series, Token, Want,
};
use backline_hls::codec::Codec;
use backline_hls::{Event, Form, Playlist, Presentation, RenditionId, Sample, TrackId, UnixMillis};
use backline_rtmp::chunk::{Demuxer, Message, Muxer};
use backline_rtmp::client::{Address, Client as PlayerClient, Config as PlayerConfig};
use backline_rtmp::flv::{Media, Packet, Video, VideoCodec, VideoData, VideoFrame};
use backline_rtmp::server::{self, Config as ServerConfig, Server};
use backline_rtmp::{Limits, Transmit};
use bytes::{Buf as _, Bytes};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// One operation, to be called again and again.
pub type Operation = Box<dyn FnMut()>;
/// A name and what prepares its operation.
pub type Scenario = (&'static str, fn() -> Operation);

/// Names and what prepares them, in the order of the committed counts.
pub const SCENARIOS: [Scenario; 15] = [
    ("demux_25kb_chunk_128", || demux(9, 25_000, 128)),
    ("demux_25kb_chunk_4096", || demux(9, 25_000, 4096)),
    ("demux_350b_chunk_4096", || demux(8, 350, 4096)),
    ("mux_25kb_chunk_4096_lent", mux),
    ("mux_25kb_chunk_4096_copied", mux_copied),
    ("mux_25kb_chunk_4096_prefixed", mux_prefixed),
    ("session_one_picture", session),
    ("session_play_one_picture", play),
    ("part_of_6_samples", || part(6)),
    ("part_of_1_sample", || part(1)),
    ("presentation_one_picture", present),
    ("playlist_full", || render(Form::Full)),
    ("playlist_delta", || render(Form::Skip)),
    ("cache_hit_part", cache_part),
    ("cache_hit_playlist", cache_playlist),
];

/// One message out of reads of 16 KiB.
fn demux(kind: u8, size: usize, chunk_size: u32) -> Operation {
    let stream = Stream::new(kind, size, chunk_size, 64 * size);
    let mut demuxer = Demuxer::new(Limits::default());
    demuxer.set_publishing(true);
    let mut prelude = stream.prelude.as_slice();
    while demuxer.next_message(&mut prelude).unwrap().is_some() {}
    let (mut at, mut end) = (0, 0);
    Box::new(move || {
        loop {
            if at == end {
                at %= stream.bytes.len();
                end = (at + READ_SIZE).min(stream.bytes.len());
            }
            let mut input = &stream.bytes[at..end];
            let message = demuxer.next_message(&mut input).unwrap();
            at = end - input.len();
            if let Some(message) = message {
                assert!(
                    message.payload.len().abs_diff(size) <= size / 50,
                    "a message of another size"
                );
                black_box(message);
                return;
            }
        }
    })
}

/// The pieces of one message for a vectored write.
fn mux() -> Operation {
    let stream = Stream::new(9, 25_000, 4096, 64 * 25_000);
    let mut muxer = OurMuxer::new(&stream);
    let mut next = 0;
    Box::new(move || {
        assert_eq!(muxer.lend(next), 7);
        next = (next + 1) % stream.messages.len();
    })
}

/// The chunks of one message in one buffer.
fn mux_copied() -> Operation {
    let stream = Stream::new(9, 25_000, 4096, 64 * 25_000);
    let mut muxer = OurMuxer::new(&stream);
    let (mut next, mut out) = (0, Vec::new());
    Box::new(move || {
        out.clear();
        muxer.write(next, &mut out);
        assert!(black_box(&out).len() > 24_000);
        next = (next + 1) % stream.messages.len();
    })
}

/// The pieces of one message whose body is the head of a picture and a payload.
fn mux_prefixed() -> Operation {
    let mut muxer = Muxer::new();
    assert!(muxer.set_chunk_size(4096).count() > 0);
    let payload = Bytes::from(vec![7; 25_000]);
    let mut timestamp_ms = 0;
    Box::new(move || {
        timestamp_ms += 33;
        let message = Message::new(6, 1, Message::VIDEO, timestamp_ms, payload.clone());
        let pieces = muxer.write_prefixed(&message, &[0x27, 1, 0, 0, 0]);
        assert_eq!(pieces.map(black_box).count(), 7);
    })
}

/// One picture to a player, to the pieces that the socket gets.
fn play() -> Operation {
    let now = Instant::now();
    let address = Address::parse("rtmp://127.0.0.1/live/key").unwrap();
    let mut client = PlayerClient::new(PlayerConfig::play(address), now);
    let mut server = Server::new(ServerConfig::default(), now);
    let flat = |mut piece: Transmit| piece.copy_to_bytes(piece.remaining());
    let mut playing = false;
    while !playing {
        while let Some(piece) = client.poll_transmit() {
            server.handle_input(now, &flat(piece)).unwrap();
        }
        while let Some(output) = server.poll_output() {
            if let server::Output::Play(request) = output {
                server.accept(now, request.id).unwrap();
                playing = true;
            }
        }
        while let Some(piece) = server.poll_transmit() {
            client.handle_input(now, &flat(piece)).unwrap();
        }
    }
    let data = VideoData::Frame {
        composition_ms: 0,
        data: Bytes::from(vec![7; 25_000]),
    };
    let video = Video::new(VideoCodec::Avc, VideoFrame::Key, data);
    let mut packet = Packet::new(0, Media::Video(video));
    Box::new(move || {
        packet.timestamp_ms += 33;
        server.send(now, &packet).unwrap();
        // The first picture comes with what begins the stream.
        let pieces = std::iter::from_fn(|| server.poll_transmit());
        assert!(pieces.map(black_box).count() >= 7);
    })
}

/// One picture through a whole session.
fn session() -> Operation {
    let mut publisher = Publisher::new(1);
    let mut session = OurSession::new();
    let mut out = Vec::new();
    session.feed(&publisher.greeting(), &mut out, |_, _| {});
    for command in publisher.commands(&[0; 1536], 4096, "key") {
        session.feed(&command, &mut out, |_, _| {});
    }
    session.feed(&publisher.configuration(0), &mut out, |_, _| {});
    let pictures: Vec<Vec<u8>> = (0..64)
        .map(|index| publisher.video(33 * index, index == 0, 25_000))
        .collect();
    let mut next = 0;
    Box::new(move || {
        let mut frames = 0;
        for read in pictures[next].chunks(READ_SIZE) {
            session.feed(read, &mut out, |_, _| frames += 1);
        }
        assert_eq!(frames, 1);
        out.clear();
        next = (next + 1) % pictures.len();
    })
}

/// Header and list of one part.
fn part(count: usize) -> Operation {
    let frames = hls::frames(count);
    let mut writer = OurFragments::new(&frames);
    let mut sequence = 0;
    Box::new(move || {
        sequence += 1;
        assert_eq!(
            black_box(writer.part(sequence, 3000 * u64::from(sequence))).len(),
            count + 1
        );
    })
}

/// A presentation that is fed picture by picture, with sound, and forgets what it puts out.
struct Live {
    now: Instant,
    picture: i64,
    presentation: Presentation,
    sound_ns: i64,
    payloads: [Bytes; 2],
}

impl Live {
    fn new() -> Self {
        let now = Instant::now();
        let mut presentation = {
            let mut config = backline_hls::Config::default();
            config.layout = backline_hls::Layout::Separate;
            Presentation::new(config, now).unwrap()
        };
        let mut tell = |event| presentation.handle_event(now, event).unwrap();
        tell(Event::Start {
            wall: UnixMillis(1_700_000_000_000),
        });
        for (track, codec, record) in [
            (TrackId::VIDEO, Codec::Avc, AVC_CONFIG),
            (TrackId::AUDIO, Codec::Aac, AAC_CONFIG),
        ] {
            tell(Event::Config {
                track,
                codec,
                record: Bytes::from_static(record),
            });
        }
        let payloads = [Bytes::from(vec![1; 16_000]), Bytes::from(vec![2; 340])];
        Self {
            now,
            picture: 0,
            presentation,
            sound_ns: 0,
            payloads,
        }
    }

    /// One picture at 30 a second, a key frame every two seconds, and the sound up to it.
    fn step(&mut self) {
        // Whole milliseconds, as RTMP has them.
        let dts_ns = self.picture * 1000 / 30 * 1_000_000;
        self.sample(TrackId::VIDEO, dts_ns, self.picture % 60 == 0, 0);
        while self.sound_ns <= dts_ns {
            self.sample(
                TrackId::AUDIO,
                self.sound_ns / 1_000_000 * 1_000_000,
                true,
                1,
            );
            self.sound_ns += 21_333_333;
        }
        self.picture += 1;
    }

    fn sample(&mut self, track: TrackId, dts_ns: i64, sync: bool, payload: usize) {
        let sample = Sample {
            dts_ns,
            composition_ns: 0,
            sync,
            data: self.payloads[payload].clone(),
        };
        self.presentation
            .handle_event(self.now, Event::Sample { track, sample })
            .unwrap();
        while let Some(output) = self.presentation.poll_output() {
            black_box(output);
        }
    }
}

fn present() -> Operation {
    let mut live = Live::new();
    for _ in 0..1200 {
        live.step();
    }
    Box::new(move || live.step())
}

/// One rendering of a playlist with a full window, gzip included.
fn render(form: Form) -> Operation {
    let mut live = Live::new();
    for _ in 0..1800 {
        live.step();
    }
    let playlist = Playlist {
        rendition: Some(RenditionId::video(0)),
        form,
    };
    Box::new(move || {
        let rendered = live.presentation.render(playlist).unwrap();
        assert!(rendered.text.starts_with(b"#EXTM3U\n") && rendered.text.len() > 1000);
        black_box(rendered);
    })
}

/// A cache that holds half a minute of parts and one playlist, and the name of that playlist.
fn warm_cache() -> (Cache, Instant, Document) {
    let now = Instant::now();
    let mut cache = Cache::new(backline_cache::Config::default(), now).unwrap();
    for seq in 0..150 {
        let body = Bytes::from(vec![seq as u8; 20_000]);
        cache
            .publish(now, Key::new(1, 0, Kind::Part, seq), &[body])
            .unwrap();
    }
    let document = Document::new(1, 0, 0);
    cache
        .advance(now, 1, 0, Series(0), Point::new(9, 3))
        .unwrap();
    let waits = cache.request(
        now,
        Want::current(document),
        Token(1),
        Client(1),
        now + Duration::from_secs(5),
    );
    assert_eq!(waits, Answer::Held);
    while let Some(output) = cache.poll_output() {
        if let Output::Fetch { fill, .. } = output {
            let fresh =
                Fresh::new(Bytes::from(vec![b'#'; 6000])).with_edge(Series(0), Point::new(9, 3));
            cache.fill(now, fill, Ok(fresh)).unwrap();
        }
    }
    (cache, now, document)
}

/// One request for a part that is there.
fn cache_part() -> Operation {
    let (mut cache, now, _) = warm_cache();
    let deadline = now + Duration::from_secs(5);
    let mut seq = 0;
    Box::new(move || {
        seq = (seq + 37) % 150;
        let want = Want::Object(Key::new(1, 0, Kind::Part, seq));
        let Answer::Hit(body) = cache.request(now, want, Token(9), Client(1), deadline) else {
            panic!("every part is there")
        };
        assert_eq!(black_box(body).len(), 20_000);
    })
}

/// One request for a playlist that has reached the point asked for.
fn cache_playlist() -> Operation {
    let (mut cache, now, document) = warm_cache();
    let want = Want::reached(document, Series(0), Point::new(9, 3));
    let deadline = now + Duration::from_secs(5);
    Box::new(move || {
        let Answer::Hit(body) = cache.request(now, want, Token(9), Client(1), deadline) else {
            panic!("the playlist is there")
        };
        assert_eq!(black_box(body).len(), 6000);
    })
}

#[cfg(test)]
mod tests {
    use super::SCENARIOS;

    #[test]
    fn every_scenario_can_be_repeated() {
        for (name, prepare) in SCENARIOS {
            println!("{name}");
            let mut operation = prepare();
            for _ in 0..200 {
                operation();
            }
        }
    }
}
