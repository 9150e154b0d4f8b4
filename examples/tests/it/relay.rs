//! `rtmp-relay` between foreign publishers and foreign servers: what arrives is what was sent.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use backline_examples::adapt::tls;
use tokio::io::copy_bidirectional;

use crate::harness::node::example;
use crate::harness::process::Process;
use crate::harness::tools::{FFMPEG, Scratch, current_ffmpeg, free_port, run, text};
use crate::harness::{stage, within};

/// A stream key that must not show up in any log.
const KEY: &str = "a-secret-of-the-platform";
const PICTURE: [&str; 4] = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30"];
const SMALL: [&str; 4] = ["-f", "lavfi", "-i", "testsrc=s=160x90:r=30"];
const SOUND: [&str; 4] = ["-f", "lavfi", "-i", "sine=r=48000"];
const AVC: [&str; 8] = [
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-g",
    "30",
    "-pix_fmt",
    "yuv420p",
];

/// A running relay.
struct Relay {
    process: Process,
    at: SocketAddr,
}

impl Relay {
    fn start(to: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(example("rtmp-relay"));
        let process = Process::spawn(
            command
                .args(["--listen", "127.0.0.1:0", "--to", to])
                .args(arguments),
        );
        let at = within(Duration::from_secs(10), "rtmp-relay listens", || {
            let printed = process.stdout();
            let line = printed.lines().next()?;
            line.strip_prefix("listening rtmp=")?.parse().ok()
        });
        Self { process, at }
    }

    /// Publishes a file in real time, as it is, to its end.
    fn publish(&self, ffmpeg: &str, file: &Path) {
        let status = self.publishing(ffmpeg, file).wait(Duration::from_secs(60));
        assert!(status.success(), "FFmpeg publishes: {status}");
    }

    fn publishing(&self, ffmpeg: &str, file: &Path) -> Process {
        let mut command = Command::new(ffmpeg);
        command.args(["-hide_banner", "-nostdin", "-v", "error", "-re", "-i"]);
        command.arg(file).args(["-map", "0", "-c", "copy"]);
        if ffmpeg != FFMPEG {
            command.args(["-rtmp_enhanced_codecs", "hvc1,Opus"]);
        }
        Process::spawn(command.args(["-f", "flv", &format!("rtmp://{}/live/any", self.at)]))
    }

    /// Ends it in order; nothing that it said has the key.
    fn end(mut self) -> String {
        self.process.signal("INT");
        let status = self.process.wait(Duration::from_secs(10));
        let log = self.process.stdout() + &self.process.stderr();
        assert!(status.success(), "{status}: {log}");
        assert!(!log.contains(KEY), "{log}");
        log
    }
}

/// An nginx with the RTMP module, which records.
struct Nginx {
    process: Process,
    port: u16,
}

impl Nginx {
    fn start(folder: &Path, port: u16) -> Self {
        let at = folder.display();
        let configuration = format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\n\
             daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;\n\
             events {{ worker_connections 64; }}\n\
             rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 4096; application app {{\n\
             live on; record all; record_path {at}; record_unique on; }} }} }}\n"
        );
        let path = folder.join("nginx.conf");
        fs::write(&path, configuration).expect("the scratch folder takes files");
        let mut nginx = Command::new("nginx");
        let process = Process::spawn(nginx.arg("-c").arg(&path).arg("-p").arg(folder));
        within(Duration::from_secs(10), "nginx listens", || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self { process, port }
    }

    fn url(&self) -> String {
        format!("rtmp://127.0.0.1:{}/app/{KEY}", self.port)
    }
}

/// Makes a file to publish.
fn film(folder: &Path, ffmpeg: &str, seconds: &str, arguments: &[&[&str]]) -> PathBuf {
    let path = folder.join("film.flv");
    let mut command = Command::new(ffmpeg);
    command.args(["-hide_banner", "-nostdin", "-v", "error"]);
    command.args(arguments.concat()).args(["-t", seconds]);
    run(command.arg(&path), b"");
    path
}

/// The payload of each packet: track, times, length and hash, without what came beside it.
fn hashes(ffmpeg: &str, file: &Path) -> Vec<String> {
    let mut command = Command::new(ffmpeg);
    command.args(["-v", "error", "-i"]).arg(file);
    command.args([
        "-map",
        "0",
        "-c",
        "copy",
        "-f",
        "framehash",
        "-hash",
        "md5",
        "-",
    ]);
    let printed = text(&run(&mut command, b"").stdout);
    let lines = printed.lines().filter(|line| !line.starts_with('#'));
    let mut all: Vec<_> = lines
        .map(|line| line.split(',').take(6).collect::<Vec<_>>().join(","))
        .collect();
    all.sort();
    all
}

/// The recordings, the oldest one first.
fn recordings(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy());
            name.is_some_and(|name| name.starts_with(KEY))
        })
        .collect();
    found.sort();
    found
}

#[test]
#[ignore = "needs ffmpeg, nginx"]
fn nginx_records_what_ffmpeg_published_to_the_relay() {
    let _machine = stage::shared();
    let scratch = Scratch::new();
    let nginx = Nginx::start(scratch.path(), free_port());
    let film = film(
        scratch.path(),
        FFMPEG,
        "4",
        &[&PICTURE, &SOUND, &AVC, &["-bf", "2", "-c:a", "aac"]],
    );
    let relay = Relay::start(&nginx.url(), &[]);
    relay.publish(FFMPEG, &film);
    thread::sleep(Duration::from_secs(1));
    let log = relay.end();
    assert!(log.contains("the stream is published"), "{log}");
    drop(nginx);
    let recorded = recordings(scratch.path());
    assert_eq!(recorded.len(), 1, "{recorded:?}");
    assert_eq!(hashes(FFMPEG, &recorded[0]), hashes(FFMPEG, &film), "{log}");
}

/// Relays a film to an FFmpeg that listens, straight or through `between`, and compares.
fn to_ffmpeg(
    film: impl FnOnce(&Path) -> PathBuf,
    between: impl FnOnce(&Path, u16) -> (String, Vec<String>),
) {
    let _machine = stage::shared();
    let scratch = Scratch::new();
    let film = film(scratch.path());
    let (port, got) = (free_port(), scratch.path().join("got.flv"));
    let mut command = Command::new(current_ffmpeg());
    command.args(["-hide_banner", "-nostdin", "-v", "error", "-listen", "1"]);
    command.args(["-i", &format!("rtmp://127.0.0.1:{port}/app/{KEY}")]);
    command.args(["-map", "0", "-c", "copy"]).arg(&got);
    let mut server = Process::spawn(&mut command);
    let (to, arguments) = between(scratch.path(), port);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let relay = Relay::start(&to, &arguments);
    // FFmpeg takes one connection only, so that its listening cannot be tried.
    thread::sleep(Duration::from_secs(1));
    relay.publish(current_ffmpeg(), &film);
    server.wait(Duration::from_secs(20));
    let log = relay.end();
    let (sent, got) = (
        hashes(current_ffmpeg(), &film),
        hashes(current_ffmpeg(), &got),
    );
    assert!(sent.len() > 100, "{} packets", sent.len());
    assert_eq!(got, sent, "{log}");
}

fn straight(_folder: &Path, port: u16) -> (String, Vec<String>) {
    (format!("rtmp://127.0.0.1:{port}/app/{KEY}"), Vec::new())
}

#[test]
#[ignore = "needs ffmpeg"]
fn hevc_and_opus_of_enhanced_rtmp_arrive_as_they_were_sent() {
    let hevc: &[&str] = &[
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-g",
        "30",
        "-pix_fmt",
        "yuv420p",
    ];
    let other: &[&str] = &["-x265-params", "log-level=error", "-c:a", "libopus"];
    let make = |folder: &Path| {
        let arguments = [&PICTURE[..], &SOUND, hevc, other];
        film(folder, current_ffmpeg(), "3", &arguments)
    };
    to_ffmpeg(make, straight);
}

#[test]
#[ignore = "needs ffmpeg"]
fn two_tracks_of_pictures_arrive_as_they_were_sent() {
    let tracks: &[&str] = &["-map", "0", "-map", "1", "-map", "2", "-c:a", "aac"];
    let make = |folder: &Path| {
        let arguments = [&PICTURE[..], &SMALL, &SOUND, tracks, &AVC];
        film(folder, current_ffmpeg(), "3", &arguments)
    };
    to_ffmpeg(make, straight);
}

#[test]
#[ignore = "needs ffmpeg, openssl"]
fn a_server_behind_tls_gets_what_was_sent() {
    let make = |folder: &Path| {
        let arguments = [&PICTURE[..], &SOUND, &AVC, &["-c:a", "aac"]];
        film(folder, FFMPEG, "3", &arguments)
    };
    to_ffmpeg(make, |folder, port| {
        let (cert, key) = certificate(folder);
        let outside = terminate_tls(&cert, &key, port);
        let trusted = vec!["--tls-ca".to_owned(), cert.display().to_string()];
        (format!("rtmps://127.0.0.1:{outside}/app/{KEY}"), trusted)
    });
}

/// Makes a certificate for the loopback interface, and its key.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let at = |name: &str| folder.join(name);
    let configuration = "[req]\ndistinguished_name=name\nx509_extensions=server\nprompt=no\n[name]\nCN=relay\n\
        [server]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n";
    fs::write(at("openssl.cnf"), configuration).expect("the scratch folder takes files");
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
    ]);
    openssl.arg("-config").arg(at("openssl.cnf"));
    openssl.arg("-keyout").arg(at("key.pem"));
    run(openssl.arg("-out").arg(at("cert.pem")), b"");
    (at("cert.pem"), at("key.pem"))
}

/// Takes one connection by TLS, passes its bytes on to a port, and returns where it listens.
fn terminate_tls(cert: &Path, key: &Path, port: u16) -> u16 {
    let acceptor = tls::acceptor(cert, key).expect("the certificate is good");
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    let outside = listener.local_addr().expect("it is bound").port();
    listener.set_nonblocking(true).expect("a listener can be");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime starts").block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("it is bound");
            let (stream, _) = listener.accept().await.expect("a connection comes");
            let mut outer = acceptor.accept(stream).await.expect("it speaks TLS");
            let inner = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
            let mut inner = inner.expect("the server listens");
            // A side that leaves ends it, which the test sees by what has arrived.
            drop(copy_bidirectional(&mut outer, &mut inner).await);
        });
    });
    outside
}

#[test]
#[ignore = "needs ffmpeg, nginx"]
fn a_server_that_is_killed_gets_the_stream_again_from_a_key_frame() {
    let _machine = stage::shared();
    let (first, second) = (Scratch::new(), Scratch::new());
    let port = free_port();
    let mut nginx = Nginx::start(first.path(), port);
    let arguments = [&PICTURE[..], &SOUND, &AVC, &["-c:a", "aac"]];
    let film = film(first.path(), FFMPEG, "12", &arguments);
    let relay = Relay::start(&nginx.url(), &[]);
    let mut publisher = relay.publishing(FFMPEG, &film);
    thread::sleep(Duration::from_secs(4));
    nginx.process.signal("KILL");
    nginx.process.wait(Duration::from_secs(5));
    let killed = Instant::now();
    let again = Nginx::start(second.path(), port);
    publisher.wait(Duration::from_secs(60));
    thread::sleep(Duration::from_secs(1));
    let log = relay.end();
    drop(again);
    assert_eq!(log.matches("the stream is published").count(), 2, "{log}");
    assert!(killed.elapsed() < Duration::from_secs(30));
    let recorded = recordings(second.path());
    assert_eq!(recorded.len(), 1, "{recorded:?}");
    // It can be decoded from its first picture on, without a word.
    let mut command = Command::new(FFMPEG);
    command.args(["-v", "error", "-i"]).arg(&recorded[0]);
    let decoded = run(command.args(["-f", "null", "-"]), b"");
    assert_eq!(text(&decoded.stderr), "", "{log}");
    // All of its pictures are among those that were sent, to the last one; the times begin anew.
    let payloads = |file: &Path| -> Vec<String> {
        let pictures = hashes(FFMPEG, file);
        let pictures = pictures.iter().filter(|line| line.starts_with("0,"));
        pictures
            .filter_map(|line| line.rsplit(',').next().map(str::to_owned))
            .collect()
    };
    let (sent, got) = (payloads(&film), payloads(&recorded[0]));
    assert!(got.len() > 100, "{} pictures: {log}", got.len());
    assert!(got.iter().all(|picture| sent.contains(picture)), "{log}");
}
