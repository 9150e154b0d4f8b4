//! Our client and our server, joined in memory, on virtual time.

use crate::support::{flat, hex, object, pattern, text};
use backline_rtmp::amf0::Value;
use backline_rtmp::client::{self, Address, Client, PlayStart, Purpose};
use backline_rtmp::flv::{
    Audio, AudioCodec, AudioData, Media, Packet, Video, VideoCodec, VideoData, VideoFrame,
};
use backline_rtmp::server::{self, Ending, Rejection, RequestId, Server};
use backline_rtmp::{Error, Limits};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// A client and a server, and what each of them told.
pub(crate) struct Pair {
    pub(crate) client: Client,
    pub(crate) server: Server,
    pub(crate) now: Instant,
    pub(crate) client_told: Vec<client::Output>,
    pub(crate) server_told: Vec<server::Output>,
    /// Bytes on their way, to the server and to the client.
    wires: [Vec<u8>; 2],
    /// Bytes that are moved at once.
    piece: usize,
    /// Bytes that the wire still carries, both ways together.
    pub(crate) left: usize,
    /// Bytes that are moved at once each way, in turn, in place of `piece`.
    pub(crate) cuts: Vec<(usize, usize)>,
}

impl Pair {
    pub(crate) fn new(client: client::Config, server: server::Config, piece: usize) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs some instant to count from"
        )]
        let now = Instant::now();
        Self {
            client: Client::new(client, now),
            server: Server::new(server, now),
            now,
            client_told: Vec::new(),
            server_told: Vec::new(),
            wires: [Vec::new(), Vec::new()],
            piece,
            left: usize::MAX,
            cuts: Vec::new(),
        }
    }

    /// Moves bytes both ways until nothing moves, or the server waits for an answer.
    pub(crate) fn run(&mut self) {
        loop {
            let before = (self.server_told.len(), self.client_told.len());
            self.listen();
            let mut moved = before != (self.server_told.len(), self.client_told.len());
            let [up, down] = &mut self.wires;
            up.extend(flat(std::iter::from_fn(|| self.client.poll_transmit())));
            down.extend(flat(std::iter::from_fn(|| self.server.poll_transmit())));
            let (piece_up, piece_down) = match self.cuts.first() {
                Some(cut) => *cut,
                None => (self.piece, self.piece),
            };
            if !self.cuts.is_empty() {
                self.cuts.rotate_left(1);
            }
            let piece = up.len().min(piece_up).min(self.left);
            let taken = self.server.handle_input(self.now, &up[..piece]).unwrap();
            up.drain(..taken);
            self.left -= taken;
            moved |= taken > 0;
            let piece = down.len().min(piece_down).min(self.left);
            let taken = self.client.handle_input(self.now, &down[..piece]).unwrap();
            down.drain(..taken);
            self.left -= taken;
            moved |= taken > 0;
            if !moved {
                return;
            }
        }
    }

    /// Takes what both sides tell.
    pub(crate) fn listen(&mut self) {
        self.server_told
            .extend(std::iter::from_fn(|| self.server.poll_output()));
        self.client_told
            .extend(std::iter::from_fn(|| self.client.poll_output()));
    }

    /// The last wish that was made.
    pub(crate) fn request(&self) -> Option<RequestId> {
        let mut told = self.server_told.iter().rev();
        told.find_map(|output| match output {
            server::Output::Publish(request) => Some(request.id),
            server::Output::Play(request) => Some(request.id),
            _ => None,
        })
    }

    /// Answers what was asked for.
    pub(crate) fn accept(&mut self) {
        self.run();
        let id = self.request().unwrap();
        self.server.accept(self.now, id).unwrap();
        self.run();
    }

    fn reject(&mut self, why: Rejection) {
        self.run();
        let Some(server::Output::Publish(request)) = self.server_told.last() else {
            panic!("{:?}", self.server_told)
        };
        self.server.reject(self.now, request.id, why).unwrap();
        self.run();
    }
}

pub(crate) fn address() -> Address {
    Address::parse("rtmp://venue.example/live/key").unwrap()
}

fn publishing(piece: usize) -> Pair {
    let mut pair = Pair::new(
        client::Config::publish(address()),
        server::Config::default(),
        piece,
    );
    pair.accept();
    assert_eq!(pair.client_told.last(), Some(&client::Output::Ready));
    pair.server_told.clear();
    pair.client_told.clear();
    pair
}

fn playing(piece: usize) -> Pair {
    let mut pair = Pair::new(
        client::Config::play(address()),
        server::Config::default(),
        piece,
    );
    pair.accept();
    assert!(
        pair.client_told.contains(&client::Output::Ready),
        "{:?}",
        pair.client_told
    );
    pair.server_told.clear();
    pair.client_told.clear();
    pair
}

/// A bit of everything that a publication is made of.
pub(crate) fn packets() -> Vec<Packet> {
    let video = |frame, data| Media::Video(Video::new(VideoCodec::Hevc, frame, data));
    let frame = |composition_ms, length| VideoData::Frame {
        composition_ms,
        data: pattern(length).into(),
    };
    let mut track = Audio::new(AudioCodec::Opus, AudioData::Frame(pattern(9).into()));
    (track.track, track.offset_ns) = (2, 1000);
    [
        (
            0,
            Media::Metadata(object(&[("width", Value::Number(640.0))])),
        ),
        (
            0,
            video(VideoFrame::Key, VideoData::Config(pattern(40).into())),
        ),
        (
            0,
            Media::Audio(Audio::new(
                AudioCodec::Aac,
                AudioData::Config(hex("1190").into()),
            )),
        ),
        (0, video(VideoFrame::Key, frame(66, 90_000))),
        (
            5,
            Media::Audio(Audio::new(
                AudioCodec::Aac,
                AudioData::Frame(pattern(300).into()),
            )),
        ),
        (21, Media::Audio(track)),
        (33, video(VideoFrame::Inter, frame(0, 1))),
        (
            40,
            Media::Data {
                name: "onTextData".to_owned(),
                values: vec![text("hello")],
            },
        ),
        (66, video(VideoFrame::Disposable, frame(-33, 5000))),
    ]
    .map(|(timestamp_ms, media)| Packet::new(timestamp_ms, media))
    .to_vec()
}

#[test]
fn rtmp_24_what_a_client_publishes_the_server_gets() {
    for piece in [1, 7, 1000, usize::MAX] {
        let mut pair = publishing(piece);
        for packet in packets() {
            pair.client.send(pair.now, &packet).unwrap();
            pair.run();
        }
        pair.client.close(pair.now);
        pair.run();
        let media = packets().into_iter().map(server::Output::Media);
        let expected: Vec<_> = media.chain([server::Output::Unpublished]).collect();
        assert_eq!(pair.server_told, expected);
        assert_eq!(pair.client_told, [client::Output::Close]);
        assert_eq!(
            pair.client.send(pair.now, &packets()[0]),
            Err(Error::NotStreaming)
        );
    }
}

#[test]
fn rtmp_23_what_a_server_sends_the_player_gets() {
    for piece in [1, 7, 1000, usize::MAX] {
        let mut pair = playing(piece);
        for packet in packets() {
            assert_eq!(pair.server.send(pair.now, &packet), Ok(true));
            pair.run();
        }
        pair.server.end(pair.now, Ending::Unpublished).unwrap();
        pair.run();
        let media = packets().into_iter().map(client::Output::Media);
        assert_eq!(
            pair.client_told[..packets().len()],
            media.collect::<Vec<_>>()
        );
        let ended = &pair.client_told[packets().len()..];
        assert!(
            matches!(ended, [client::Output::UserControl(_), client::Output::Ended(status), client::Output::Close]
                if status.code == "NetStream.Play.UnpublishNotify"),
            "{ended:?}"
        );
    }
}

#[test]
fn rtmp_24_a_player_that_closes_stops_in_order() {
    let mut pair = playing(1000);
    pair.client.close(pair.now);
    pair.run();
    assert_eq!(pair.server_told, [server::Output::Stopped]);
}

#[test]
fn rtmp_24_a_refusal_says_why() {
    let mut pair = Pair::new(
        client::Config::publish(address()),
        server::Config::default(),
        1000,
    );
    pair.reject(Rejection::bad_name("wrong key"));
    let [client::Output::Refused(status), client::Output::Close] = &pair.client_told[..] else {
        panic!("{:?}", pair.client_told)
    };
    assert_eq!(
        (&*status.code, &*status.description),
        ("NetStream.Publish.BadName", "wrong key")
    );
}

#[test]
fn rtmp_32_a_reconnect_request_is_sent_and_acted_on() {
    let mut config = client::Config::publish(address());
    // Who names no FourCC speaks no Enhanced RTMP, and cannot be asked.
    let mut pair = Pair::new(config.clone(), server::Config::default(), 1000);
    pair.accept();
    assert_eq!(
        pair.server.reconnect(pair.now, None, "maintenance"),
        Err(Error::CannotReconnect)
    );
    config.fourccs = vec!["hvc1".to_owned()];
    for (tc_url, expected) in [
        (None, "rtmp://venue.example/live"),
        (
            Some("rtmps://other.example/app"),
            "rtmps://other.example/app",
        ),
        (
            Some("//other.example:1936/app"),
            "rtmp://other.example:1936/app",
        ),
        (Some("/second"), "rtmp://venue.example/second"),
    ] {
        let mut pair = Pair::new(config.clone(), server::Config::default(), 1000);
        pair.accept();
        pair.client_told.clear();
        pair.server
            .reconnect(pair.now, tc_url, "maintenance")
            .unwrap();
        pair.run();
        let [client::Output::Redial(redial)] = &pair.client_told[..] else {
            panic!("{:?}", pair.client_told)
        };
        assert_eq!(redial.config.address.tc_url(), expected);
        assert_eq!(redial.config.address.name, "key");
        assert!(redial.goes_on);
        // Up to the key frame the publication goes on here.
        assert_eq!(pair.client.send(pair.now, &packets()[4]), Ok(()));
    }
}

#[test]
fn rtmp_31_both_sides_say_what_they_can() {
    let mut config = client::Config::publish(address());
    config.fourccs = ["hvc1", "Opus"].map(str::to_owned).to_vec();
    let mut pair = Pair::new(config, server::Config::default(), usize::MAX);
    pair.run();
    let Some(server::Output::Publish(request)) = pair.server_told.last() else {
        panic!("{:?}", pair.server_told)
    };
    let peer = &request.peer;
    assert_eq!(peer.fourcc_list, ["hvc1", "Opus"]);
    assert_eq!(peer.video_fourccs, [("hvc1".to_owned(), 7)]);
    assert_eq!(peer.audio_fourccs, [("Opus".to_owned(), 7)]);
    assert_eq!(peer.caps_ex, 15);
}

#[test]
fn a_queue_of_one_loses_nothing() {
    let mut limits = Limits::default();
    (limits.outputs, limits.transmits) = (1, 1);
    let mut config = (
        client::Config::publish(address()),
        server::Config::default(),
    );
    (config.0.limits, config.1.limits) = (limits.clone(), limits);
    let mut pair = Pair::new(config.0, config.1, 100);
    pair.accept();
    pair.server_told.clear();
    for packet in packets() {
        pair.client.send(pair.now, &packet).unwrap();
        // A second one has no room before the first one is taken.
        assert_eq!(
            pair.client.send(pair.now, &packet),
            Err(Error::QueueFull { limit: 1 })
        );
        pair.run();
    }
    let media = packets().into_iter().map(server::Output::Media);
    assert_eq!(pair.server_told, media.collect::<Vec<_>>());
}

#[test]
fn both_sides_ping_a_silent_peer_and_drop_a_dead_one() {
    let mut pair = playing(1000);
    // Nothing is played for a minute: pings keep the connection alive.
    for _ in 0..60 {
        pair.now += Duration::from_secs(1);
        pair.client.handle_timeout(pair.now);
        pair.server.handle_timeout(pair.now);
        pair.run();
    }
    assert_eq!(pair.client_told, []);
    assert_eq!(pair.server_told, []);
    assert_eq!(pair.server.stats().round_trip, Some(Duration::ZERO));
    // The wire is cut: both find out by themselves.
    pair.now += Duration::from_secs(31);
    pair.client.handle_timeout(pair.now);
    pair.server.handle_timeout(pair.now);
    let dead = Error::IdleTimeout { after_ms: 30_000 };
    assert_eq!(
        pair.client.poll_output(),
        Some(client::Output::Failed(dead.clone()))
    );
    assert_eq!(
        pair.server.poll_output(),
        Some(server::Output::Failed(dead))
    );
}

proptest! {
    #[test]
    fn rtmp_03_any_pieces_give_the_same_publication(piece in 1_usize..5000, size in 1_u32..9000) {
        let mut config = client::Config::publish(address());
        config.chunk_size = size;
        let mut server = server::Config::default();
        server.limits.chunk_size_min = 1;
        let mut pair = Pair::new(config, server, piece);
        pair.accept();
        pair.server_told.clear();
        for packet in packets() {
            pair.client.send(pair.now, &packet).unwrap();
            pair.run();
        }
        let media = packets().into_iter().map(server::Output::Media);
        prop_assert_eq!(&pair.server_told, &media.collect::<Vec<_>>());
    }
}

#[test]
fn a_purpose_is_told_from_another() {
    assert_eq!(client::Config::publish(address()).purpose, Purpose::Publish);
    let mut pair = playing(1000);
    // A player does not publish, and an empty body is silence to it.
    assert_eq!(
        pair.client.send(pair.now, &packets()[0]),
        Err(Error::NotStreaming)
    );
    let silence = Packet::new(
        9,
        Media::Audio(Audio::new(AudioCodec::Other(0), AudioData::Silence)),
    );
    pair.server.send(pair.now, &silence).unwrap();
    pair.run();
    assert_eq!(pair.client_told, [client::Output::Media(silence)]);
}

#[test]
fn q59_pts_dts_swap() {
    // The wire has the decoding time as its timestamp, and what the presentation time is later by as the composition
    // time.
    let mut pair = publishing(usize::MAX);
    let data = VideoData::Frame {
        composition_ms: 66,
        data: pattern(4).into(),
    };
    let frame = Video::new(VideoCodec::Avc, VideoFrame::Inter, data);
    pair.client
        .send(pair.now, &Packet::new(1000, Media::Video(frame)))
        .unwrap();
    let sent = flat(std::iter::from_fn(|| pair.client.poll_transmit()));
    // Chunk stream 6, format 0, time 1000, length 9, video; then the body: AVC, one NAL unit, 66 ms.
    assert_eq!(
        sent,
        hex("06 0003E8 000009 09 01000000 27 01 000042 00010203")
    );
}

#[test]
fn rtmp_23_play_has_a_start_a_duration_and_a_reset() {
    let recorded = PlayStart::Recorded { position_ms: 1500 };
    let second = Some(Duration::from_millis(1001));
    for (start, duration, reset) in [
        (PlayStart::Any, None, true),
        (PlayStart::Live, None, false),
        (recorded, second, true),
        (recorded, second, false),
        (PlayStart::Any, Some(Duration::ZERO), true),
    ] {
        let mut config = client::Config::play(address());
        config.purpose = Purpose::Play { start };
        (config.duration, config.reset) = (duration, reset);
        let mut pair = Pair::new(config, server::Config::default(), usize::MAX);
        pair.accept();
        let asked = pair.server_told.iter().find_map(|output| match output {
            server::Output::Play(request) => {
                Some((request.start, request.duration_ms, request.reset))
            }
            _ => None,
        });
        let duration_ms = duration.map(|length| length.as_millis() as u64);
        assert_eq!(asked, Some((start, duration_ms, reset)));
        // A player whose list stays is not told that it was dropped.
        let told_reset = pair.client_told.iter().any(|output| {
            matches!(output, client::Output::Status(status) if status.code == "NetStream.Play.Reset")
        });
        assert_eq!(told_reset, reset);
        assert!(pair.client_told.contains(&client::Output::Ready));
    }
}
