//! A thousand publishers at 600 kb/s each, in real time, on one thread: our own client, with a socket around it.

use crate::wire::Noise;
use crate::wire::publish::{AAC_CONFIG, APPLICATION, AVC_CONFIG};
use backline_rtmp::Transmit;
use backline_rtmp::client::{Address, Client, Config, Output};
use backline_rtmp::flv::{
    Audio, AudioCodec, AudioData, Media, Packet, Video, VideoCodec, VideoData, VideoFrame,
};
use bytes::{Buf as _, Bytes};
use std::io::{ErrorKind, IoSlice, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// After so many milliseconds both picture and sound begin anew: 240 pictures in four groups, 375 frames of AAC.
const CYCLE_MS: u32 = 8000;
const PICTURES: u32 = 240;
const GROUP: u32 = 60;
const SOUNDS: u32 = 375;
/// 47 frames of sound a second are 64 kb/s.
const SOUND_SIZE: usize = 170;
/// A group of two seconds has 134 kB: 536 kb/s.
const KEY_SIZE: usize = 12_000;
const PICTURE_SIZE: usize = 2068;
/// No two messages of a publisher are further apart than this.
const WHEEL_MS: usize = 64;

/// What all publishers send, each from another moment on: milliseconds since the cycle began, and what is due.
type Show = Vec<(u32, Media)>;

/// Publishers that are connected.
#[derive(Debug)]
pub struct Load {
    show: Show,
    publishers: Vec<One>,
    /// Whose turn it is, by milliseconds.
    wheel: Vec<Vec<usize>>,
    sent: u64,
    blocked: u64,
    latest: Duration,
}

#[derive(Debug)]
struct One {
    client: Client,
    socket: TcpStream,
    /// The message to be sent next.
    next: usize,
    /// When its cycle began, in milliseconds of the run.
    began_ms: u64,
    /// What its timestamps count from.
    joined_ms: u64,
    /// What the socket did not take.
    left: Vec<u8>,
}

impl Load {
    /// Connects so many publishers, which begin to publish.
    #[must_use]
    pub fn connect(address: SocketAddr, count: usize) -> Self {
        let show = show();
        let connect = |index: usize| One::connect(address, index, (index * 2000 / count) as u64);
        let mut publishers: Vec<One> = (0..count).map(connect).collect();
        // All at once: a server that delays its answers delays those of all together.
        while publishers
            .iter_mut()
            .filter_map(|one| (!one.begin()).then_some(()))
            .count()
            > 0
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        Self {
            show,
            publishers,
            wheel: vec![Vec::new(); WHEEL_MS],
            sent: 0,
            blocked: 0,
            latest: Duration::ZERO,
        }
    }

    /// Publishes until told to stop.
    pub fn run(&mut self, stop: &AtomicBool) {
        let began = Instant::now();
        let mut joined = 0;
        for now_ms in 0_u64.. {
            let due = began + Duration::from_millis(now_ms);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if stop.load(Ordering::Relaxed) {
                return;
            }
            while self
                .publishers
                .get(joined)
                .is_some_and(|one| one.began_ms <= now_ms)
            {
                self.wheel[now_ms as usize % WHEEL_MS].push(joined);
                joined += 1;
            }
            let turns = std::mem::take(&mut self.wheel[now_ms as usize % WHEEL_MS]);
            for index in turns {
                let next_ms = self.turn(index, now_ms);
                self.wheel[next_ms as usize % WHEEL_MS].push(index);
            }
            if now_ms > 2000 {
                self.latest = self.latest.max(due.elapsed());
            }
        }
    }

    /// Lets a publisher send what is due; returns when it has its next turn.
    fn turn(&mut self, index: usize, now_ms: u64) -> u64 {
        let one = &mut self.publishers[index];
        loop {
            let (at_ms, media) = &self.show[one.next];
            let due_ms = one.began_ms + u64::from(*at_ms);
            if due_ms > now_ms {
                return due_ms;
            }
            self.blocked += u64::from(one.send(due_ms, media.clone()));
            self.sent += 1;
            one.next += 1;
            if one.next == self.show.len() {
                one.next = 0;
                one.began_ms += u64::from(CYCLE_MS);
                one.listen();
            }
        }
    }

    /// What was sent, for people.
    #[must_use]
    pub fn report(&self) -> String {
        format!(
            "{} messages, {} of them waited for the socket, at most {} ms late",
            self.sent,
            self.blocked,
            self.latest.as_millis()
        )
    }
}

impl One {
    /// Connects; it sends its first frame at `began_ms`.
    fn connect(server: SocketAddr, index: usize, began_ms: u64) -> Self {
        let url = format!("rtmp://{server}/{APPLICATION}/key{index}");
        let mut config = Config::publish(Address::parse(&url).unwrap());
        config.seed = index as u64;
        let socket = TcpStream::connect(server).expect("the server accepts publishers");
        socket.set_nodelay(true).expect("a socket option");
        socket.set_nonblocking(true).expect("a socket option");
        Self {
            client: Client::new(config, Instant::now()),
            socket,
            next: 0,
            began_ms,
            joined_ms: began_ms,
            left: Vec::new(),
        }
    }

    /// Goes on until it publishes, and then says its configuration; returns whether that is done.
    fn begin(&mut self) -> bool {
        if self.client.is_ready() {
            return true;
        }
        self.flush();
        while self.listen() {}
        while let Some(output) = self.client.poll_output() {
            let fine = matches!(output, Output::Ready | Output::UserControl(_));
            assert!(fine, "a publisher is told {output:?}");
        }
        self.flush();
        if !self.client.is_ready() {
            return false;
        }
        let video = VideoData::Config(Bytes::from_static(AVC_CONFIG));
        let audio = AudioData::Config(Bytes::from_static(AAC_CONFIG));
        self.send(
            self.joined_ms,
            Media::Video(Video::new(VideoCodec::Avc, VideoFrame::Key, video)),
        );
        self.send(
            self.joined_ms,
            Media::Audio(Audio::new(AudioCodec::Aac, audio)),
        );
        true
    }

    /// Sends; returns whether the socket was full.
    fn send(&mut self, at_ms: u64, media: Media) -> bool {
        let packet = Packet::new(at_ms - self.joined_ms, media);
        self.client
            .send(Instant::now(), &packet)
            .expect("a publisher is let in, and its queue is empty");
        self.flush()
    }

    /// Gives the socket what the client has; returns whether it was full.
    fn flush(&mut self) -> bool {
        let pieces: Vec<Transmit> = std::iter::from_fn(|| self.client.poll_transmit()).collect();
        if pieces.is_empty() && self.left.is_empty() {
            return false;
        }
        let mut slices = vec![IoSlice::new(&self.left)];
        for piece in &pieces {
            slices.extend([piece.head(), piece.payload()].map(IoSlice::new));
        }
        let mut taken = match self.socket.write_vectored(&slices) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("a publisher was thrown out: {error}"),
        };
        let of_left = taken.min(self.left.len());
        self.left.drain(..of_left);
        taken -= of_left;
        for mut piece in pieces {
            let of_piece = taken.min(piece.remaining());
            piece.advance(of_piece);
            taken -= of_piece;
            self.left.extend_from_slice(piece.head());
            self.left.extend_from_slice(piece.payload());
        }
        !self.left.is_empty()
    }

    /// Takes what the server says; returns whether it said anything.
    fn listen(&mut self) -> bool {
        let mut heard = [0; 4096];
        let Ok(count @ 1..) = self.socket.read(&mut heard) else {
            return false;
        };
        let taken = self
            .client
            .handle_input(Instant::now(), &heard[..count])
            .expect("the server keeps to the protocol");
        assert_eq!(taken, count, "a client takes what a server answers");
        true
    }
}

fn show() -> Show {
    let mut noise = Noise::new(4);
    let pictures = (0..PICTURES).map(|index| {
        let key = index.is_multiple_of(GROUP);
        let (frame, size) = if key {
            (VideoFrame::Key, KEY_SIZE)
        } else {
            (VideoFrame::Inter, PICTURE_SIZE)
        };
        // One NAL unit, its length before it.
        let mut data = u32::try_from(size).unwrap().to_be_bytes().to_vec();
        data.push(if key { 0x65 } else { 0x41 });
        data.extend(noise.bytes(size - 1));
        let data = VideoData::Frame {
            composition_ms: 0,
            data: data.into(),
        };
        let video = Video::new(VideoCodec::Avc, frame, data);
        (index * CYCLE_MS / PICTURES, Media::Video(video))
    });
    let pictures: Show = pictures.collect();
    let sounds = (0..SOUNDS).map(|index| {
        let data = AudioData::Frame(noise.bytes(SOUND_SIZE).into());
        let audio = Audio::new(AudioCodec::Aac, data);
        (index * CYCLE_MS / SOUNDS, Media::Audio(audio))
    });
    let mut show: Show = sounds.chain(pictures).collect();
    show.sort_by_key(|(at_ms, _)| *at_ms);
    show
}
