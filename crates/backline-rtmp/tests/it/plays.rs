//! Plays with programs that we did not write, through sockets of this machine.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "foreign programs speak through sockets, and in real time"
)]

use crate::foreign::{DEBIAN, current, frame_hashes, recording, run};
use backline_rtmp::client::{self, Address, Client};
use backline_rtmp::flv::{Media, Packet, file};
use backline_rtmp::server::{self, Ending, Server};
use backline_rtmp::{Error, Limits, Transmit};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any play takes.
const PATIENCE: Duration = Duration::from_secs(40);

/// What both kinds of session have.
trait Session {
    fn input(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, Error>;
    fn timeout(&mut self, now: Instant);
    fn transmit(&mut self) -> Option<Transmit>;
}

impl Session for Server {
    fn input(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, Error> {
        self.handle_input(now, bytes)
    }

    fn timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.poll_transmit()
    }
}

impl Session for Client {
    fn input(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, Error> {
        self.handle_input(now, bytes)
    }

    fn timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.poll_transmit()
    }
}

/// A socket, and what the session has not taken yet of what was read.
struct Line {
    stream: TcpStream,
    left: Vec<u8>,
    begun: Instant,
}

impl Line {
    fn new(stream: TcpStream) -> Self {
        stream
            .set_read_timeout(Some(Duration::from_millis(2)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            left: Vec::new(),
            begun: Instant::now(),
        }
    }

    /// Moves what can be moved now; false when the peer has gone.
    fn pump(&mut self, session: &mut impl Session) -> bool {
        assert!(self.begun.elapsed() < PATIENCE, "it takes too long");
        session.timeout(Instant::now());
        let mut out = Vec::new();
        while let Some(transmit) = session.transmit() {
            out.extend_from_slice(transmit.head());
            out.extend_from_slice(transmit.payload());
        }
        // A player that has seen enough leaves without a word.
        if self.stream.write_all(&out).is_err() {
            return false;
        }
        if self.left.is_empty() {
            let mut buffer = [0; 16 << 10];
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => self.left.extend_from_slice(&buffer[..count]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return false,
            }
        }
        let taken = session.input(Instant::now(), &self.left).unwrap();
        self.left.drain(..taken);
        true
    }
}

/// A server of ours with one stream: its publisher waits until all players are there, and these until it begins.
struct Hub {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    players_wanted: usize,
    players: Vec<Sender<Packet>>,
    published: Vec<Packet>,
    ended: bool,
}

impl Hub {
    fn open(players_wanted: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(Shared {
            players_wanted,
            ..Shared::default()
        }));
        let ours = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&ours);
                thread::spawn(move || serve(Line::new(stream.unwrap()), &shared));
            }
        });
        Self { port, shared }
    }

    fn url(&self) -> String {
        format!("rtmp://127.0.0.1:{}/live/key", self.port)
    }

    /// What was published, once it is over.
    fn published(&self) -> Vec<Packet> {
        let begun = Instant::now();
        while !self.shared.lock().unwrap().ended {
            assert!(begun.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(5));
        }
        self.shared.lock().unwrap().published.clone()
    }
}

fn serve(mut line: Line, shared: &Mutex<Shared>) {
    let mut server = Server::new(server::Config::default(), Instant::now());
    let mut asked = None;
    let mut source: Option<Receiver<Packet>> = None;
    let mut publishes = false;
    loop {
        let here = line.pump(&mut server);
        while let Some(output) = server.poll_output() {
            let mut shared = shared.lock().unwrap();
            match output {
                server::Output::Publish(request) => {
                    asked = Some(request.id);
                    publishes = true;
                }
                server::Output::Play(request) => {
                    let (player, packets) = channel();
                    shared.players.push(player);
                    asked = Some(request.id);
                    source = Some(packets);
                }
                server::Output::Media(packet) => {
                    shared
                        .players
                        .retain(|player| player.send(packet.clone()).is_ok());
                    shared.published.push(packet);
                }
                server::Output::Unpublished => {
                    shared.players.clear();
                    shared.ended = true;
                }
                server::Output::Stopped => source = None,
                server::Output::Malformed { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
        if !here {
            break;
        }
        let shared = shared.lock().unwrap();
        let ready = if publishes {
            shared.players.len() >= shared.players_wanted
        } else {
            !shared.published.is_empty()
        };
        drop(shared);
        if let Some(id) = asked.take_if(|_| ready) {
            server.accept(Instant::now(), id).unwrap();
        }
        while let Some(packets) = source.as_ref().filter(|_| server.is_ready()) {
            match packets.try_recv() {
                Ok(packet) => assert!(server.send(Instant::now(), &packet).unwrap()),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    server.end(Instant::now(), Ending::Unpublished).unwrap();
                    source = None;
                }
            }
        }
    }
    if publishes {
        let mut shared = shared.lock().unwrap();
        shared.players.clear();
        shared.ended = true;
    }
}

/// A client of ours at a foreign server. It publishes what it is given, or plays until it has so much sound and so many
/// pictures, since some servers let a player wait for the next publisher; returns what it got.
fn dial(config: client::Config, packets: &[Packet], wanted: usize) -> Vec<Packet> {
    let address = &config.address;
    let place = (address.host.as_str(), address.port);
    let begun = Instant::now();
    let stream = loop {
        match TcpStream::connect(place) {
            Ok(stream) => break stream,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        thread::sleep(Duration::from_millis(20));
    };
    let mut line = Line::new(stream);
    let mut client = Client::new(config, Instant::now());
    let mut got = Vec::new();
    let mut next = packets.iter();
    let mut waiting = next.next();
    let mut began = None;
    loop {
        let here = line.pump(&mut client);
        while let Some(output) = client.poll_output() {
            match output {
                client::Output::Ready => began = Some(Instant::now()),
                client::Output::Media(packet) => got.push(packet),
                client::Output::Refused(status) => panic!("{status:?}"),
                client::Output::Failed(error) => panic!("{error}"),
                client::Output::Close => {
                    line.pump(&mut client);
                    return got;
                }
                _ => {}
            }
        }
        if !here {
            return got;
        }
        // As fast as it was recorded.
        let now_ms = began.map_or(0, |began| began.elapsed().as_millis() as u64);
        while let Some(packet) =
            waiting.filter(|packet| client.is_ready() && packet.timestamp_ms <= now_ms)
        {
            client.send(Instant::now(), packet).unwrap();
            waiting = next.next();
        }
        let published = waiting.is_none() && !packets.is_empty() && client.waiting_bytes() == 0;
        if published || (packets.is_empty() && bodies(&got).len() >= wanted) {
            client.close(Instant::now());
        }
    }
}

/// The packets of a file.
fn packets(file: &[u8]) -> Vec<Packet> {
    let mut reader = file::Reader::new(Limits::default());
    let mut rest = file;
    let mut packets = Vec::new();
    while let Some(event) = reader.next_event(&mut rest).unwrap() {
        if let file::Event::Packet(packet) = event {
            packets.push(packet);
        }
    }
    packets
}

/// Sound and pictures as they go over the wire; data is not compared, since servers write their own.
fn bodies(packets: &[Packet]) -> Vec<(u64, Vec<u8>)> {
    kinds(packets).concat()
}

/// Sound for itself and pictures for themselves: servers move them against each other.
fn kinds(packets: &[Packet]) -> [Vec<(u64, Vec<u8>)>; 2] {
    let mut kinds = [Vec::new(), Vec::new()];
    for packet in packets {
        match &packet.media {
            Media::Audio(audio) => kinds[0].push((packet.timestamp_ms, audio.encode().to_vec())),
            Media::Video(video) => kinds[1].push((packet.timestamp_ms, video.encode().to_vec())),
            _ => {}
        }
    }
    kinds
}

/// The lines of frames alone.
fn frames(hashes: &str) -> Vec<String> {
    let lines = hashes.lines().filter(|line| !line.starts_with('#'));
    let mut frames: Vec<_> = lines.map(str::to_owned).collect();
    frames.sort();
    frames
}

fn publish(program: &str, file: &[u8], url: &str) {
    let arguments = [
        "-v", "error", "-re", "-i", "pipe:0", "-map", "0", "-c", "copy", "-f", "flv", url,
    ];
    run(program, &arguments, file);
}

fn play(program: &str, url: &str) -> String {
    let arguments = [
        "-v",
        "error",
        "-i",
        url,
        "-map",
        "0",
        "-c",
        "copy",
        "-f",
        "framehash",
        "pipe:1",
    ];
    String::from_utf8(run(program, &arguments, &[])).unwrap()
}

const LEGACY: &str = "-c:v libx264 -g 30 -pix_fmt yuv420p -c:a aac";

#[test]
#[ignore = "needs ffmpeg, rtmpdump"]
fn rtmp_23_ffmpeg_and_librtmp_play_what_ffmpeg_publishes() {
    let source = recording(DEBIAN, LEGACY);
    let expected = frames(&frame_hashes(&source));
    let hub = Hub::open(3);
    let url = hub.url();
    thread::scope(|scope| {
        let players = [DEBIAN, current()].map(|program| {
            let url = &url;
            scope.spawn(move || frames(&play(program, url)))
        });
        let place = url.trim_end_matches("/key");
        let rtmpdump = ["-q", "-v", "-r", place, "-y", "key", "-o", "-"];
        let librtmp = scope.spawn(move || frames(&frame_hashes(&run("rtmpdump", &rtmpdump, &[]))));
        publish(DEBIAN, &source, &url);
        for player in players.into_iter().chain([librtmp]) {
            assert_eq!(player.join().unwrap(), expected);
        }
    });
}

#[test]
#[ignore = "needs ffmpeg, curl"]
fn rtmp_23_librtmp_publishes_to_our_server() {
    let source = recording(DEBIAN, LEGACY);
    let place = std::env::temp_dir().join(format!("backline-curl-{}.flv", std::process::id()));
    std::fs::write(&place, &source).unwrap();
    let hub = Hub::open(0);
    let path = place.to_str().unwrap();
    run("curl", &["-sS", "-T", path, &hub.url()], &[]);
    let published = hub.published();
    std::fs::remove_file(&place).unwrap();
    assert_eq!(kinds(&published), kinds(&packets(&source)));
}

#[test]
#[ignore = "needs ffmpeg"]
fn rtmp_27_28_29_ffmpeg_plays_every_codec_that_it_publishes() {
    for codecs in [
        "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a libopus",
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a flac",
        "-c:v libsvtav1 -preset 12 -svtav1-params tile-columns=0 -c:a ac3",
        "-c:v libx264 -bf 2 -pix_fmt yuv420p -c:a eac3",
        "-map 0:v -map 0:v -map 1:a -map 1:a -c:v:0 libx264 -c:v:1 libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a:0 aac -c:a:1 libopus",
    ] {
        let source = recording(current(), codecs);
        let expected = frames(&frame_hashes(&source));
        let hub = Hub::open(1);
        let url = hub.url();
        thread::scope(|scope| {
            let player = scope.spawn(|| frames(&play(current(), &url)));
            publish(current(), &source, &url);
            assert_eq!(player.join().unwrap(), expected, "{codecs}");
        });
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn rtmp_24_ffmpeg_listens_to_our_client() {
    for program in [DEBIAN, current()] {
        let source = recording(DEBIAN, LEGACY);
        let packets = packets(&source);
        let port = free_port();
        let url = format!("rtmp://127.0.0.1:{port}/live/key");
        let listen = [
            "-v",
            "error",
            "-listen",
            "1",
            "-i",
            &url,
            "-map",
            "0",
            "-c",
            "copy",
            "-f",
            "framehash",
            "pipe:1",
        ];
        thread::scope(|scope| {
            let heard = scope.spawn(move || String::from_utf8(run(program, &listen, &[])).unwrap());
            let address = Address::parse(&url).unwrap();
            dial(client::Config::publish(address), &packets, 0);
            let heard = heard.join().unwrap();
            assert_eq!(frames(&heard), frames(&frame_hashes(&source)), "{program}");
        });
    }
}

/// nginx with its RTMP module, in a folder of its own.
struct Nginx {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Nginx {
    /// Pushes `live` to a server, and pulls `pulled` from it.
    fn start(other: u16) -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("backline-nginx-{port}"));
        std::fs::create_dir_all(&folder).unwrap();
        let place = folder.display();
        let text = format!(
            "load_module modules/ngx_rtmp_module.so; daemon off; worker_processes 1; pid {place}/pid;
             error_log {place}/log info; events {{}} rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 4096;
             application live {{ live on; }}
             application pushed {{ live on; push rtmp://127.0.0.1:{other}/live; }}
             application pulled {{ live on; pull rtmp://127.0.0.1:{other}/live; }} }} }}"
        );
        let (file, log) = (folder.join("conf"), folder.join("log"));
        std::fs::write(&file, text).unwrap();
        let child = Command::new("nginx")
            .args(["-e", log.to_str().unwrap(), "-c", file.to_str().unwrap()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("nginx: {error}; run .ci/install"));
        Self {
            child,
            folder,
            port,
        }
    }

    fn address(&self, app: &str) -> Address {
        Address::parse(&format!("rtmp://127.0.0.1:{}/{app}/key", self.port)).unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it is asked in order.
        let id = self.child.id().to_string();
        drop(Command::new("kill").arg(id).status());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
#[ignore = "needs ffmpeg, nginx"]
fn rtmp_24_nginx_takes_from_our_client_and_gives_to_it() {
    let packets = packets(&recording(DEBIAN, LEGACY));
    let nginx = Nginx::start(1);
    thread::scope(|scope| {
        let player = scope.spawn(|| {
            dial(
                client::Config::play(nginx.address("live")),
                &[],
                bodies(&packets).len(),
            )
        });
        thread::sleep(Duration::from_millis(500));
        dial(client::Config::publish(nginx.address("live")), &packets, 0);
        assert_eq!(kinds(&player.join().unwrap()), kinds(&packets));
    });
}

#[test]
#[ignore = "needs ffmpeg, nginx"]
fn rtmp_23_nginx_pushes_to_our_server() {
    let packets = packets(&recording(DEBIAN, LEGACY));
    let hub = Hub::open(0);
    let nginx = Nginx::start(hub.port);
    dial(
        client::Config::publish(nginx.address("pushed")),
        &packets,
        0,
    );
    // It connects when the publication has begun, and goes on from where that is then: the configuration, and all behind
    // some frame.
    for (got, all) in kinds(&hub.published()).iter().zip(&kinds(&packets)) {
        let frames = &got[1..];
        assert!(
            frames.len() * 3 > all.len(),
            "{} of {}",
            frames.len(),
            all.len()
        );
        assert_eq!(got[0].1, all[0].1);
        assert_eq!(frames, &all[all.len() - frames.len()..]);
    }
}

#[test]
#[ignore = "needs ffmpeg, nginx"]
fn rtmp_23_nginx_pulls_from_our_server() {
    let packets = packets(&recording(DEBIAN, LEGACY));
    let hub = Hub::open(1);
    let nginx = Nginx::start(hub.port);
    thread::scope(|scope| {
        let player = scope.spawn(|| {
            dial(
                client::Config::play(nginx.address("pulled")),
                &[],
                bodies(&packets).len(),
            )
        });
        let address = Address::parse(&hub.url()).unwrap();
        dial(client::Config::publish(address), &packets, 0);
        assert_eq!(kinds(&player.join().unwrap()), kinds(&packets));
    });
}
