//! Peers that mean no good, on loopback and bounded: each costs itself alone.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{fs, thread};

use backline_rtmp::amf0::{self, Value};
use backline_rtmp::chunk::{Message, Muxer};

use crate::harness::collect::{self, playlist};
use crate::harness::node::{KEY, Node};
use crate::harness::publisher::Camera;
use crate::harness::{http, lint, stage, within};

const RESIDENT_KIB_MAX: u64 = 200 * 1024;

/// A repeatable sequence of bytes (Knuth's MMIX generator).
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut next = || {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            self.0.to_be_bytes()[0]
        };
        (0..count).map(|_| next()).collect()
    }
}

/// Sends bytes to a server and gives how long it kept the connection.
fn send(server: SocketAddr, bytes: &[u8], limit: Duration) -> Option<Duration> {
    let mut stream = TcpStream::connect(server).expect("the server accepts");
    stream
        .set_read_timeout(Some(limit))
        .expect("a timeout can be set");
    let begun = Instant::now();
    // It may hang up in the middle, which is its right.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let timed_out = ended.is_err_and(|error| {
        matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        )
    });
    (!timed_out).then(|| begun.elapsed())
}

fn resident_kib(node: &Node) -> u64 {
    let status =
        fs::read_to_string(format!("/proc/{}/status", node.process.id())).expect("the node runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a process has a size");
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number")
}

#[test]
fn noise_on_both_ports_costs_its_sender_alone() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let mut noise = Noise(7);
    let handshake: Vec<u8> = [3]
        .into_iter()
        .chain(noise.bytes(1536))
        .chain(noise.bytes(1536))
        .collect();
    for round in 0..40 {
        let bytes = noise.bytes(1 << (round % 14));
        // Noise from the first byte, after the version, and after a whole handshake.
        send(node.rtmp, &bytes, Duration::from_millis(50));
        send(
            node.rtmp,
            &[&[3], bytes.as_slice()].concat(),
            Duration::from_millis(50),
        );
        send(
            node.rtmp,
            &[&handshake, bytes.as_slice()].concat(),
            Duration::from_millis(50),
        );
        send(node.http, &bytes, Duration::from_millis(50));
        send(
            node.http,
            &[b"GET /", bytes.as_slice(), b" HTTP/1.1\r\n\r\n"].concat(),
            Duration::from_millis(50),
        );
    }
    assert_eq!(node.get("/healthz").status, 200);
    assert!(
        resident_kib(&node) < RESIDENT_KIB_MAX,
        "{} KiB",
        resident_kib(&node)
    );
    assert!(
        !node.process.stderr().contains("panicked"),
        "{}",
        node.process.stderr()
    );
}

#[test]
fn a_declared_length_allocates_nothing() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let before = resident_kib(&node);
    // After the handshake: 200 messages of 16 MiB each begun, on as many chunk streams, and one byte of each sent.
    let mut bytes = vec![3];
    bytes.extend(vec![0; 2 * 1536]);
    for stream in 0..200_u8 {
        bytes.extend([0, stream, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0]);
        bytes.extend(vec![0; 128]);
    }
    let connections: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(node.rtmp).expect("the server accepts");
            drop(stream.write_all(&bytes));
            stream
        })
        .collect();
    thread::sleep(Duration::from_millis(500));
    let after = resident_kib(&node);
    assert!(
        after < before + 64 * 1024,
        "{before} KiB before, {after} KiB after"
    );
    drop(connections);
    assert_eq!(node.get("/healthz").status, 200);
}

#[test]
fn who_says_nothing_is_sent_away() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let (rtmp, web) = (node.rtmp, node.http);
    let handshake_unfinished: Vec<u8> = [3].into_iter().chain(vec![0; 700]).collect();
    let silent = thread::spawn(move || send(rtmp, &[], Duration::from_secs(20)));
    let half = thread::spawn(move || send(rtmp, &handshake_unfinished, Duration::from_secs(20)));
    let slow = thread::spawn(move || slow_loris(web));
    for (who, kept) in [("a silent publisher", silent), ("half a handshake", half)] {
        let kept = kept
            .join()
            .expect("it ends")
            .unwrap_or_else(|| panic!("{who} was kept for 20 s"));
        assert!(
            kept < Duration::from_secs(16),
            "{who} was kept for {kept:?}"
        );
    }
    let kept = slow.join().expect("it ends");
    assert!(
        kept < Duration::from_secs(31),
        "a request of a byte a second was kept for {kept:?}"
    );
    assert_eq!(node.get("/healthz").status, 200);
}

/// Sends a request head that never ends and gives how long the server listened to it.
fn slow_loris(server: SocketAddr) -> Duration {
    let mut stream = TcpStream::connect(server).expect("the server accepts");
    stream
        .set_read_timeout(Some(Duration::from_millis(500)))
        .expect("a timeout can be set");
    let begun = Instant::now();
    drop(stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "));
    while begun.elapsed() < Duration::from_secs(32) {
        let mut answer = [0; 256];
        match stream.read(&mut answer) {
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) => {}
            Ok(bytes) if bytes > 0 => {}
            _ => break,
        }
        if stream.write_all(b"x").is_err() {
            break;
        }
    }
    begun.elapsed()
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_show_goes_on_while_others_misbehave() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    let uri = collect::picture_uri(&node.wait_until_live());
    let (rtmp, web) = (node.rtmp, node.http);
    let attackers: Vec<_> = (0..4_u64)
        .map(|seed| {
            thread::spawn(move || {
                let mut noise = Noise(seed);
                for round in 0..60 {
                    let bytes = noise.bytes(64 << (round % 8));
                    let server = if round % 2 == 0 { rtmp } else { web };
                    send(server, &bytes, Duration::from_millis(30));
                }
            })
        })
        .collect();
    // Viewers who leave while they are held.
    let (msn, part) = playlist(web, &uri, None).media.next();
    for _ in 0..100 {
        let mut viewer = TcpStream::connect(web).expect("the server accepts");
        let path = format!("/live/{uri}?_HLS_msn={msn}&_HLS_part={}", part + 8);
        write!(viewer, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request can be sent");
    }
    let recording = collect::record(web, Duration::from_secs(5));
    for attacker in attackers {
        attacker
            .join()
            .expect("an attacker was refused a connection");
    }
    let found = lint::findings(&recording);
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(
        resident_kib(&node) < RESIDENT_KIB_MAX,
        "{} KiB",
        resident_kib(&node)
    );
}

#[test]
fn connections_are_capped_and_come_back() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    for server in [node.rtmp, node.http] {
        // More than any one box serves, and fewer than this machine has ports.
        let mut open = Vec::new();
        for _ in 0..6_000 {
            match TcpStream::connect_timeout(&server, Duration::from_secs(1)) {
                Ok(stream) => open.push(stream),
                Err(_) => break,
            }
        }
        assert!(
            resident_kib(&node) < RESIDENT_KIB_MAX,
            "{} KiB for {} connections",
            resident_kib(&node),
            open.len()
        );
        drop(open);
        within(Duration::from_secs(5), "the node answers again", || {
            http::try_get(node.http, "/healthz", &[])
                .ok()
                .filter(|answer| answer.status == 200)
        });
    }
    assert!(
        !node.process.stderr().contains("panicked"),
        "{}",
        node.process.stderr()
    );
}

/// What a publisher writes: the handshake, which needs no answer here, and then messages.
struct Speech {
    bytes: Vec<u8>,
    muxer: Muxer,
}

impl Speech {
    fn new(app: &str) -> Self {
        let mut speech = Self {
            bytes: vec![3],
            muxer: Muxer::new(),
        };
        speech.bytes.resize(1 + 2 * 1536, 0);
        let app = Value::Object(vec![("app".to_owned(), Value::String(app.to_owned()))]);
        speech.command(0, "connect", &[app]);
        speech
    }

    fn command(&mut self, stream: u32, name: &str, values: &[Value]) {
        let head = [Value::String(name.to_owned()), Value::Number(1.0)];
        let body = amf0::encode(&[&head, values].concat());
        self.message(stream, Message::COMMAND, body.to_vec());
    }

    fn message(&mut self, stream: u32, kind: u8, body: Vec<u8>) {
        let message = Message::new(3, stream, kind, 0, body.into());
        for chunk in self.muxer.write(&message) {
            self.bytes.extend_from_slice(chunk.head());
            self.bytes.extend_from_slice(chunk.payload());
        }
    }

    fn publish(&mut self, stream: u32, key: &str) {
        self.command(0, "createStream", &[Value::Null]);
        let words = [key, "live"].map(|word| Value::String(word.to_owned()));
        self.command(stream, "publish", &[&[Value::Null][..], &words].concat());
    }
}

/// A connection that publishes again and again is counted by its bytes, not by its publications.
#[test]
fn bytes_of_a_connection_are_counted_once() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let mut speech = Speech::new("live");
    for round in 0..10_u32 {
        speech.publish(1 + round, KEY);
        // Of a codec that needs no record: it is media, whatever is thought of it.
        speech.message(
            1 + round,
            Message::AUDIO,
            [&[0x2f][..], &[7; 20_000]].concat(),
        );
        let stream = Value::Number((1 + round).into());
        speech.command(0, "deleteStream", &[Value::Null, stream]);
    }
    let sent = speech.bytes.len() as f64;
    let mut stream = TcpStream::connect(node.rtmp).expect("the server accepts");
    stream.write_all(&speech.bytes).expect("a publisher");
    let publishers = within(Duration::from_secs(10), "it has published", || {
        let publishers = node.metric("backline_stage_publishers_total");
        (publishers >= 10.0).then_some(publishers)
    });
    thread::sleep(Duration::from_millis(300));
    let received = node.metric("backline_stage_received_bytes_total");
    assert!(
        received > 100_000.0 && received <= sent,
        "{received} of {sent} bytes by {publishers} publications"
    );
}

/// Whoever tries keys by the thousand is counted and does not fill the log; nothing that he says stands in it whole.
#[test]
fn strangers_do_not_fill_the_log() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let mut speech = Speech::new(&"x".repeat(20_000));
    speech.publish(1, "a-wrong-key");
    for _ in 0..60 {
        send(node.rtmp, &speech.bytes, Duration::from_secs(5));
        let body = "{\"authentication\":\"a-wrong-key\"}";
        let post = format!(
            "POST /api/GetClientConfiguration HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        send(node.http, post.as_bytes(), Duration::from_secs(5));
    }
    assert_eq!(node.metric("backline_configure_rejected_total"), 60.0);
    assert_eq!(node.metric("backline_rtmp_rejected_total"), 60.0);
    let said = node.process.stderr();
    assert_eq!(said.matches("a publisher was refused").count(), 1, "{said}");
    assert_eq!(said.matches("with a wrong stream key").count(), 1, "{said}");
    assert!(
        !said.contains("a-wrong-key") && said.len() < 4_096,
        "{said}"
    );
}
