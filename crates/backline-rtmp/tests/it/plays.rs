//! Plays with programs that we did not write, through sockets of this machine.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "foreign programs speak through sockets, and in real time"
)]

use crate::foreign::{DEBIAN, current, frame_hashes, recording, run};
use crate::sockets::{Hub, bodies, dial, kinds};
use backline_rtmp::Limits;
use backline_rtmp::client::{self, Address};
use backline_rtmp::flv::{Packet, file};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

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
    // It connects when the publication has begun, and goes on from where that is then: the configuration, and all
    // behind some frame.
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
