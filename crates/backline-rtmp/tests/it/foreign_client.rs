//! Our client against servers that we did not write: nginx-rtmp, two FFmpegs, librtmp.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a foreign server is behind a real socket, in real time"
)]

use crate::foreign::{DEBIAN, current, frame_hashes, recording};
use backline_rtmp::Limits;
use backline_rtmp::client::{Address, Client, Config, Output, Purpose};
use backline_rtmp::control::UserControl;
use backline_rtmp::flv::file::{Event, Reader};
use backline_rtmp::flv::{AudioData, Media, Packet, VideoData};
use backline_rtmp::handshake::{EchoPolicy, Form};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);
const LEGACY: &str = "-c:v libx264 -g 30 -pix_fmt yuv420p -c:a aac";
/// Codecs of Enhanced RTMP, in several tracks.
const ENHANCED: &str = "-map 0:v -map 0:v -map 1:a -map 1:a -c:v:0 libx264 -c:v:1 libx265 -x265-params log-level=none \
                        -pix_fmt yuv420p -g 30 -c:a:0 aac -c:a:1 libopus";

/// A client on a socket.
struct Line {
    client: Client,
    socket: TcpStream,
    /// What was read, and not yet taken.
    read: Vec<u8>,
    told: Vec<Output>,
    closed: bool,
}

impl Line {
    fn new(config: Config) -> Self {
        let place = (config.address.host.clone(), config.address.port);
        let socket = within("a server listens", || {
            TcpStream::connect((&*place.0, place.1)).ok()
        });
        socket
            .set_read_timeout(Some(Duration::from_millis(5)))
            .unwrap();
        Self {
            client: Client::new(config, Instant::now()),
            socket,
            read: Vec::new(),
            told: Vec::new(),
            closed: false,
        }
    }

    fn write(&mut self) {
        while let Some(transmit) = self.client.poll_transmit() {
            let bytes = [transmit.head(), transmit.payload()].concat();
            // A server may have left already.
            self.closed |= self.socket.write_all(&bytes).is_err();
        }
    }

    /// Moves what there is to move, both ways.
    fn step(&mut self) {
        self.write();
        let mut bytes = [0; 0x10000];
        match self.socket.read(&mut bytes) {
            Ok(0) => self.closed = true,
            Ok(length) => self.read.extend_from_slice(&bytes[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => self.closed = true,
        }
        let now = Instant::now();
        loop {
            let taken = self.client.handle_input(now, &self.read).unwrap();
            self.read.drain(..taken);
            self.write();
            let before = self.told.len();
            self.told
                .extend(std::iter::from_fn(|| self.client.poll_output()));
            if self.read.is_empty() || (taken == 0 && before == self.told.len()) {
                break;
            }
        }
        self.client.handle_timeout(now);
    }

    /// Waits until the stream has begun.
    fn begin(config: Config) -> Self {
        let mut this = Self::new(config);
        within("the stream begins", || {
            this.step();
            this.told.contains(&Output::Ready).then_some(())
        });
        this
    }

    /// Publishes all of this and leaves in order.
    fn publish(&mut self, packets: &[Packet]) {
        for packet in packets {
            self.client.send(Instant::now(), packet).unwrap();
            self.write();
        }
        self.step();
        self.client.close(Instant::now());
        self.step();
        self.socket.shutdown(Shutdown::Write).unwrap();
        assert!(
            !self
                .told
                .iter()
                .any(|output| matches!(output, Output::Refused(_) | Output::Failed(_))),
            "{:?}",
            self.told
        );
    }

    fn packets(&self) -> Vec<Packet> {
        let packet = |output: &Output| match output {
            Output::Media(packet) => Some(packet.clone()),
            _ => None,
        };
        self.told.iter().filter_map(packet).collect()
    }
}

/// A foreign program that serves; it ends with this.
struct Server {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Server {
    fn spawn(command: &mut Command, port: u16, folder: PathBuf) -> Self {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Self {
            child: child.spawn().unwrap(),
            port,
            folder,
        }
    }

    fn nginx(wait_key: &str) -> Self {
        let (port, folder) = (free_port(), folder());
        let place = folder.display();
        let user = match Command::new("id").arg("-u").output().unwrap().stdout[..] {
            [b'0', ..] => "user root;",
            _ => "",
        };
        let configuration = format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so; {user}\n\
             daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;\n\
             events {{ worker_connections 64; }}\n\
             rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 4096; out_queue 4096;\n\
             application live {{ live on; wait_key {wait_key}; sync 10ms; record all; record_path {place}; }} }} }}\n"
        );
        let path = folder.join("nginx.conf");
        std::fs::write(&path, configuration).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.arg("-c").arg(path).arg("-p").arg(&folder);
        Self::spawn(&mut nginx, port, folder)
    }

    /// FFmpeg waits for one publisher and writes what it gets as FLV.
    fn ffmpeg(program: &str) -> Self {
        let (port, folder) = (free_port(), folder());
        let url = format!("rtmp://127.0.0.1:{port}/live/key");
        let mut ffmpeg = Command::new(program);
        ffmpeg.args(["-v", "error", "-nostdin", "-listen", "1", "-i", &url]);
        ffmpeg.args(["-map", "0", "-c", "copy", "-f", "flv"]);
        ffmpeg.arg(folder.join("out.flv"));
        Self::spawn(&mut ffmpeg, port, folder)
    }

    fn address(&self) -> Address {
        Address::parse(&format!("rtmp://127.0.0.1:{}/live/key", self.port)).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn within<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A port that was free a moment ago, for a program that cannot be given port 0.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn folder() -> PathBuf {
    let name = format!("backline-client-{}-{}", std::process::id(), free_port());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn packets(file: &[u8]) -> Vec<Packet> {
    let mut reader = Reader::new(Limits::default());
    let mut rest = file;
    let mut packets = Vec::new();
    while let Some(event) = reader.next_event(&mut rest).unwrap() {
        if let Event::Packet(packet) = event {
            packets.push(packet);
        }
    }
    packets
}

/// The sound, and then the pictures: servers write metadata of their own, and mix the two as they like.
fn media(packets: Vec<Packet>) -> Vec<Packet> {
    let (sound, rest): (Vec<_>, Vec<_>) = packets
        .into_iter()
        .partition(|packet| matches!(packet.media, Media::Audio(_)));
    let pictures = rest
        .into_iter()
        .filter(|packet| matches!(packet.media, Media::Video(_)));
    sound.into_iter().chain(pictures).collect()
}

/// The configurations among sound and pictures, or all but these.
fn configs(packets: &[Packet], wanted: bool) -> Vec<Packet> {
    let is_config = |packet: &&Packet| match &packet.media {
        Media::Audio(audio) => matches!(audio.data, AudioData::Config(_)) == wanted,
        Media::Video(video) => matches!(video.data, VideoData::Config(_)) == wanted,
        _ => false,
    };
    packets.iter().filter(is_config).cloned().collect()
}

fn frames(packets: Vec<Packet>) -> Vec<Packet> {
    configs(&packets, false)
}

/// What nginx-rtmp 1.2.2 makes of these configurations, for its players and in its files.
///
/// It knows legacy ones alone, by their first two bytes: the codec's number and a zero. It keeps the newest of AVC and
/// of AAC, passes neither on to a player that waits for its first frame, and sends what it kept before that frame: the
/// player gets each once. All else is a frame to it. With `wait_key`, which is on by default, pictures are dropped
/// until a key frame comes, which has a 1 in the upper half of its first byte. The configuration of a further track
/// begins with 0x96 (or 0x90, without a wrapper), a 9: what comes before the first key frame of a legacy track, the
/// player never gets.
///
/// A file begins with what was kept, AVC and AAC, each as soon as it is there. Of the pictures nothing else is written
/// up to the first key frame, in the same way; of the sound all is, AAC's configuration itself too, which stands there
/// twice.
fn of_nginx(sent: &[Packet], waits_for_key: bool) -> [Vec<Packet>; 2] {
    let all = configs(&media(sent.to_vec()), true);
    let is_enhanced = |packet: &Packet| match &packet.media {
        Media::Video(video) => video.encode()[0] & 0x80 != 0,
        _ => false,
    };
    let legacy: Vec<_> = all
        .iter()
        .filter(|packet| !is_enhanced(packet))
        .cloned()
        .collect();
    let aac = legacy.iter().take(1).cloned();
    let file = aac.chain(legacy.iter().cloned()).collect();
    [if waits_for_key { legacy } else { all }, file]
}

/// Whole packets are too long to be shown.
fn same(found: &[Packet], expected: &[Packet], form: Form) {
    let odd = found
        .iter()
        .zip(expected)
        .position(|(found, expected)| found != expected);
    let at = odd.map(|at| (found[at].timestamp_ms, expected[at].timestamp_ms));
    assert_eq!(
        (found.len(), odd, at),
        (expected.len(), None, None),
        "{form:?}"
    );
}

fn configured(address: Address, purpose: Purpose, form: Form) -> Config {
    let mut config = match purpose {
        Purpose::Publish => Config::publish(address),
        _ => Config::play(address),
    };
    (config.handshake, config.seed, config.echo) = (form, 0xBAC1, EchoPolicy::Warn);
    config
}

#[test]
#[ignore = "needs nginx with the rtmp module, ffmpeg"]
fn rtmp_24_nginx_records_and_relays_what_we_publish() {
    for (form, codecs, wait_key) in [
        (Form::Simple, LEGACY, "on"),
        (Form::Digest, ENHANCED, "on"),
        (Form::Digest, ENHANCED, "off"),
        (Form::DigestKeyFirst, LEGACY, "on"),
    ] {
        let nginx = Server::nginx(wait_key);
        let sent = packets(&recording(current(), codecs));
        let expected = frames(media(sent.clone()));
        let [played, recorded] = of_nginx(&sent, wait_key == "on");
        let purpose = Config::play(nginx.address()).purpose;
        let mut player = Line::begin(configured(nginx.address(), purpose, form));
        let mut config = configured(nginx.address(), Purpose::Publish, form);
        if codecs == ENHANCED {
            config.fourccs = ["avc1", "hvc1", "Opus", "mp4a"].map(str::to_owned).to_vec();
        }
        let mut publisher = Line::begin(config);
        publisher.publish(&sent);
        within("the player has all", || {
            player.step();
            (frames(media(player.packets())).len() >= expected.len()).then_some(())
        });
        // nginx answers a signed C1 in kind.
        assert!(
            !publisher
                .told
                .iter()
                .chain(&player.told)
                .any(|output| matches!(output, Output::Warning(_) | Output::Malformed { .. }))
        );
        same(&frames(media(player.packets())), &expected, form);
        same(&configs(&media(player.packets()), true), &played, form);
        let path = nginx.folder.join("key.flv");
        within("nginx has written all", || {
            let written = media(packets(&std::fs::read(&path).ok()?));
            let (all, configs) = (frames(written.clone()), configs(&written, true));
            (all.len() == expected.len()).then(|| {
                same(&all, &expected, form);
                same(&configs, &recorded, form);
            })
        });
        player.client.close(Instant::now());
        player.step();
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn rtmp_24_ffmpeg_writes_the_frames_that_we_publish() {
    for (program, codecs, fourccs) in [
        (DEBIAN, LEGACY, &[][..]),
        (current(), LEGACY, &[]),
        (current(), ENHANCED, &["avc1", "hvc1", "Opus", "mp4a"]),
    ] {
        for form in [Form::Simple, Form::Digest, Form::DigestKeyFirst] {
            let file = recording(current(), codecs);
            let mut ffmpeg = Server::ffmpeg(program);
            let mut config = configured(ffmpeg.address(), Purpose::Publish, form);
            config.fourccs = fourccs.iter().map(|&fourcc| fourcc.to_owned()).collect();
            let mut line = Line::begin(config);
            line.publish(&packets(&file));
            within("ffmpeg ends", || ffmpeg.child.try_wait().unwrap());
            let written = std::fs::read(ffmpeg.folder.join("out.flv")).unwrap();
            assert_eq!(
                frame_hashes(&written),
                frame_hashes(&file),
                "{program} {codecs} {form:?}"
            );
        }
    }
}

/// librtmp's server checks the digest of C1 and the signature of C2, and ends the connection of who is "not genuine
/// Adobe". It plays nothing: it says that the stream begins, and that it ends. Its port is fixed.
#[test]
#[ignore = "needs rtmpsrv"]
fn rtmp_06_librtmp_finds_our_signatures_right() {
    for form in [Form::Simple, Form::Digest] {
        let folder = folder();
        let mut rtmpsrv = Command::new(program("rtmpsrv"));
        // It starts rtmpdump to record what it was asked for; without a path it finds none.
        rtmpsrv.arg("-z").env("PATH", "").current_dir(&folder);
        let server = Server::spawn(&mut rtmpsrv, 1935, folder);
        let purpose = Config::play(server.address()).purpose;
        let mut line = Line::new(configured(server.address(), purpose, form));
        // It says so in answer to `play`, and closes the connection at once.
        let begun = Output::UserControl(UserControl::StreamBegin(1));
        within("rtmpsrv plays", || {
            line.step();
            (line.told.contains(&begun) || line.closed).then_some(())
        });
        assert!(line.told.contains(&begun), "{form:?}: {:?}", line.told);
    }
}

/// Debian has it where only root looks.
fn program(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin"];
    let mut found = places.iter().map(|place| Path::new(place).join(name));
    found.find(|path| path.exists()).unwrap()
}
