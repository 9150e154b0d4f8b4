//! HTTP/2 in TLS: against curl, h2load and Chromium, and against those who mean no good.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::collect::{self, playlist};
use crate::harness::node::{KEY, Node};
use crate::harness::publisher::Camera;
use crate::harness::tools::{Scratch, run, text};
use crate::harness::{stage, within};

/// A node with a certificate that nobody signed.
struct Secure {
    node: Node,
    files: Scratch,
}

impl Secure {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let files = Scratch::new();
        certify(files.path(), "first");
        let path = |name: &str| files.path().join(name).display().to_string();
        let (cert, key) = (path("cert.pem"), path("key.pem"));
        let mut all = vec!["--https", "127.0.0.1:0"];
        all.extend(["--tls-cert", &cert, "--tls-key", &key]);
        all.extend(arguments);
        let node = Node::start(&all);
        Self { node, files }
    }

    fn address(&self) -> SocketAddr {
        self.node.https.expect("it listens in TLS")
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address())
    }
}

/// Writes a certificate of this name, and its key.
fn certify(folder: &Path, name: &str) {
    let mut openssl = Command::new("openssl");
    openssl.args(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(' '),
    );
    openssl.args(["-subj", &format!("/CN={name}")]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    openssl.arg("-keyout").arg(folder.join("key.pem"));
    run(openssl.arg("-out").arg(folder.join("cert.pem")), b"");
}

/// The head that curl gets, by name, and the version of HTTP that it came in.
fn head(url: &str, arguments: &[&str]) -> (String, BTreeMap<String, String>) {
    let mut curl = Command::new("curl");
    curl.args([
        "-sSk",
        "-D",
        "-",
        "-o",
        "/dev/null",
        "-w",
        "%{http_version}",
        "--compressed",
    ]);
    let printed = text(&run(curl.args(arguments).arg(url), b"").stdout);
    let (head, version) = printed.rsplit_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .expect("a status");
    let mut fields: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    fields.insert(":status".into(), status.into());
    (version.to_owned(), fields)
}

const LISTS: &str = "application/vnd.apple.mpegurl";
const TEXT: &str = "text/plain; charset=utf-8";
const MEDIA: &str = "video/mp4";

/// What is asked for; then status, Content-Type, Cache-Control and Priority (2.6 of the rules).
type Row = (String, u16, &'static str, String, &'static str);

fn assert_fields(row: &Row, fields: &BTreeMap<String, String>) {
    let (path, status, kind, lifetime, urgency) = row;
    let field = |name: &str| fields.get(name).map(String::as_str);
    let status = status.to_string();
    for (name, expected) in [
        (":status", status.as_str()),
        ("content-type", kind),
        ("cache-control", lifetime),
        ("priority", urgency),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(field(name), Some(expected), "{path}: {name}");
    }
    let exposed = field("access-control-expose-headers").unwrap_or_default();
    for name in ["age", "date", "content-range"] {
        assert!(exposed.contains(name), "{path} exposes {exposed}");
    }
    // It is the origin: its answers are of this moment (RFC 9111, 5.1).
    assert_eq!(field("age"), None, "{path}");
    assert!(field("date").is_some(), "{path}");
    let packed = (status == "200" && *kind == LISTS).then_some("gzip");
    assert_eq!(field("content-encoding"), packed, "{path}");
    assert_eq!(field("vary").is_some(), *kind != MEDIA, "{path}");
}

#[test]
#[ignore = "needs ffmpeg, curl, openssl"]
fn del_11_both_versions_carry_the_same_headers() {
    let _machine = stage::shared();
    let secure = Secure::start();
    let node = &secure.node;
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    let uri = collect::picture_uri(&node.wait_until_live());
    let (list, folder) = (format!("/live/{uri}"), collect::folder(&uri));
    let media = playlist(node.http, &uri, None).media;
    let last = media.segments.last().expect("a closed segment");
    let (msn, part) = media.next();
    let td = media.target_duration;
    let age = |seconds: u64| format!("max-age={seconds}");
    let whole = format!("max-age={}, immutable", 6 * td);
    let ahead = format!("{list}?_HLS_msn={}", msn + 9);
    let next = format!("{list}?_HLS_msn={msn}&_HLS_part={part}");
    let early = format!("{folder}p99999999999999.m4s");
    let never = "no-store".to_owned();
    let rows: [Row; 9] = [
        (
            "/live/index.m3u8".to_owned(),
            200,
            LISTS,
            age(td / 2),
            "u=1",
        ),
        (list.clone(), 200, LISTS, age(td / 2), "u=1"),
        (next, 200, LISTS, age(6 * td), "u=1"),
        (format!("{list}?_HLS_msn=x"), 400, TEXT, age(4 * td), "u=1"),
        (ahead, 400, TEXT, never.clone(), "u=1"),
        (
            format!("{folder}{}", last.uri),
            200,
            MEDIA,
            whole.clone(),
            "u=3",
        ),
        (format!("{folder}{}", last.map), 200, MEDIA, whole, "u=2"),
        (early, 404, TEXT, never, "u=1"),
        (format!("{folder}none.m4s"), 404, TEXT, age(td), "u=1"),
    ];
    for row in rows {
        let path = &row.0;
        let (plain, tls) = (node.url(path), secure.url(path));
        let cases = [(plain, "1.1"), (tls.clone(), "1.1"), (tls, "2")];
        for (url, wanted) in cases {
            let argument = format!("--http{wanted}");
            let (version, fields) = head(&url, &[&argument]);
            assert_eq!(version, wanted, "{url}");
            assert_fields(&row, &fields);
        }
    }
}

#[test]
#[ignore = "needs curl, openssl"]
fn a_head_has_the_length_and_no_body() {
    let secure = Secure::start();
    for version in ["--http1.1", "--http2"] {
        let (_, whole) = head(&secure.url("/api/status"), &[version]);
        let (_, head) = head(&secure.url("/api/status"), &[version, "--head"]);
        assert_eq!(
            (whole[":status"].as_str(), head[":status"].as_str()),
            ("200", "200")
        );
        assert_eq!(
            whole.get("content-length"),
            head.get("content-length"),
            "{version}"
        );
    }
}

#[test]
#[ignore = "needs ffmpeg, curl, openssl"]
fn del_7_a_hold_ends_before_players_give_up() {
    let _machine = stage::shared();
    let secure = Secure::start_with(&["--absence", "wait"]);
    let node = &secure.node;
    let camera = Camera::default().publish(&node.publish_url(KEY));
    let uri = collect::picture_uri(&node.wait_until_live());
    drop(camera);
    // The publisher is away: what is waited for does not come.
    thread::sleep(Duration::from_millis(500));
    let (msn, part) = playlist(node.http, &uri, None).media.next();
    let path = format!("/live/{uri}?_HLS_msn={msn}&_HLS_part={part}");
    let begun = Instant::now();
    let (version, fields) = head(&secure.url(&path), &["--http2"]);
    let held = begun.elapsed();
    assert_eq!((version.as_str(), fields[":status"].as_str()), ("2", "503"));
    // Three Target Durations; hls.js gives up after ten seconds without a byte.
    assert!(
        held > Duration::from_secs(5) && held < Duration::from_secs(9),
        "held for {held:?}"
    );
    assert_eq!(fields["cache-control"], "max-age=1");
    assert_eq!(fields["retry-after"], "1");
}

#[test]
#[ignore = "needs ffmpeg, h2load, openssl"]
fn hundreds_of_held_requests_share_some_connections() {
    let _machine = stage::shared();
    let secure = Secure::start();
    let node = &secure.node;
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    let uri = collect::picture_uri(&node.wait_until_live());
    let load = |url: &str, requests: &str, clients: &str, streams: &str| {
        let mut h2load = Command::new("h2load");
        h2load.args(["-n", requests, "-c", clients, "-m", streams, url]);
        let printed = text(&run(&mut h2load, b"").stdout);
        let line = printed
            .lines()
            .find(|line| line.starts_with("requests:"))
            .unwrap_or_default();
        println!(
            "{line}; {}",
            printed
                .lines()
                .find(|line| line.starts_with("finished"))
                .unwrap_or_default()
        );
        assert!(
            line.contains(&format!("{requests} succeeded, 0 failed")),
            "{printed}"
        );
        let codes = printed
            .lines()
            .find(|line| line.starts_with("status codes:"))
            .unwrap_or_default();
        assert!(codes.contains(&format!("{requests} 2xx")), "{printed}");
    };
    load(&secure.url(&format!("/live/{uri}")), "5000", "20", "32");
    let (msn, part) = playlist(node.http, &uri, None).media.next();
    let held = format!("/live/{uri}?_HLS_msn={msn}&_HLS_part={}", part + 3);
    load(&secure.url(&held), "600", "12", "50");
}

#[test]
#[ignore = "needs ffmpeg, chromium, node, openssl"]
fn hls_js_plays_over_http_2() {
    let _machine = stage::alone();
    let secure = Secure::start();
    let _camera = Camera::default().publish(&secure.node.publish_url(KEY));
    secure.node.wait_until_live();
    let seen = crate::ladder::levels(&secure.url("/"));
    println!("{seen}");
    assert_eq!(seen["protocols"], serde_json::json!(["h2"]));
    let errors = seen["errors"].as_array().expect("errors");
    assert!(errors.iter().all(|error| error[1] == false), "{errors:?}");
}

#[test]
#[ignore = "needs openssl"]
fn sighup_reads_the_certificate_again() {
    let secure = Secure::start();
    let address = secure.address().to_string();
    let subject = || {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-connect", &address, "-alpn", "h2"]);
        let printed = text(&run(&mut openssl, b"").stdout);
        let line = printed.lines().find(|line| line.starts_with("subject="));
        line.map(str::to_owned).unwrap_or_default()
    };
    assert!(subject().contains("first"), "{}", subject());
    certify(secure.files.path(), "second");
    secure.node.process.signal("HUP");
    within(
        Duration::from_secs(5),
        "the new certificate is shown",
        || subject().contains("second").then_some(()),
    );
    // A broken one changes nothing.
    std::fs::write(secure.files.path().join("cert.pem"), "nothing").expect("a scratch file");
    secure.node.process.signal("HUP");
    within(Duration::from_secs(5), "the log tells of it", || {
        secure
            .node
            .process
            .stderr()
            .contains("the certificate stays as it was")
            .then_some(())
    });
    assert!(subject().contains("second"), "{}", subject());
}

/// Frames of HTTP/2, written by hand (RFC 9113).
struct Raw {
    child: Child,
    input: ChildStdin,
    begun: Instant,
}

const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const CONTINUATION: u8 = 9;

impl Raw {
    /// Connects through openssl and begins with these settings.
    fn connect(address: SocketAddr, settings: &[u8]) -> Self {
        let mut command = Command::new("openssl");
        command.args([
            "s_client",
            "-quiet",
            "-alpn",
            "h2",
            "-connect",
            &address.to_string(),
        ]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("openssl starts");
        let mut raw = Self {
            input: child.stdin.take().expect("stdin is piped"),
            child,
            begun: Instant::now(),
        };
        raw.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        raw.frame(SETTINGS, 0, 0, settings);
        raw
    }

    fn write(&mut self, bytes: &[u8]) -> bool {
        self.input
            .write_all(bytes)
            .and_then(|()| self.input.flush())
            .is_ok()
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let length = u32::try_from(payload.len())
            .expect("a short frame")
            .to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, flags];
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
        self.write(&bytes)
    }

    /// A GET of `path`; nothing follows it.
    fn get(&mut self, stream: u32, path: &str) -> bool {
        let length = u8::try_from(path.len()).expect("a short path");
        // From HPACK's table: GET, https; then a path and a host as they are.
        let mut block = vec![0x82, 0x87, 0x04, length];
        block.extend(path.bytes());
        block.extend([0x01, 1, b'x']);
        // END_HEADERS and END_STREAM.
        self.frame(HEADERS, 5, stream, &block)
    }

    /// How long the server keeps the connection.
    fn kept(mut self, limit: Duration) -> Option<Duration> {
        let mut output = self.child.stdout.take().expect("stdout is piped");
        let reader = thread::spawn(move || {
            let mut all = Vec::new();
            output.read_to_end(&mut all).map(|_| all)
        });
        let ended = loop {
            if reader.is_finished() {
                break Some(self.begun.elapsed());
            }
            if self.begun.elapsed() > limit {
                break None;
            }
            thread::sleep(Duration::from_millis(20));
        };
        drop(self.child.kill());
        drop(self.child.wait());
        drop(reader.join());
        ended
    }
}

/// Resident memory of the node in KiB.
fn resident_kib(node: &Node) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", node.process.id())).expect("it runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a size");
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number")
}

#[test]
#[ignore = "needs openssl"]
fn each_abuse_of_http_2_costs_its_connection() {
    let _machine = stage::shared();
    let secure = Secure::start();
    let address = secure.address();
    let before = resident_kib(&secure.node);
    // A window that is never opened: the answer's body cannot go.
    let mut closed = Raw::connect(address, &[0, 4, 0, 0, 0, 0]);
    closed.get(1, "/web/page.js");
    let closed = thread::spawn(move || closed.kept(Duration::from_secs(30)));
    // Nothing at all.
    let idle = Raw::connect(address, &[]);
    let idle = thread::spawn(move || idle.kept(Duration::from_secs(50)));
    // Requests that are taken back at once (CVE-2023-44487).
    let mut hasty = Raw::connect(address, &[]);
    for stream in (1..20_000).step_by(2) {
        if !hasty.get(stream, "/web/page.js")
            || !hasty.frame(RESET, 0, stream, &8_u32.to_be_bytes())
        {
            break;
        }
    }
    let hasty = hasty.kept(Duration::from_secs(10));
    // A head without an end (CVE-2024-27316).
    let mut long = Raw::connect(address, &[]);
    long.frame(HEADERS, 1, 1, &[0x82, 0x87]);
    for _ in 0..1_000 {
        let field = [&[0x00, 1, b'a', 0x7F, 0xE1, 0x5D][..], &[b'x'; 12_000]].concat();
        if !long.frame(CONTINUATION, 0, 1, &field) {
            break;
        }
    }
    let long = long.kept(Duration::from_secs(10));
    println!("kept: hasty {hasty:?}, long {long:?}");
    assert!(hasty.is_some() && long.is_some(), "they are sent away");
    let after = resident_kib(&secure.node);
    assert!(
        after < before + 32 * 1024,
        "{before} KiB before, {after} KiB after"
    );
    let closed = closed.join().expect("a watcher");
    println!("kept: closed window {closed:?}");
    let closed = closed.expect("a closed window is not waited for");
    assert!(
        closed > Duration::from_secs(14) && closed < Duration::from_secs(22),
        "{closed:?}"
    );
    let idle = idle
        .join()
        .expect("a watcher")
        .expect("nobody idles for ever");
    println!("kept: idle {idle:?}");
    assert!(
        idle > Duration::from_secs(28) && idle < Duration::from_secs(45),
        "{idle:?}"
    );
    assert_eq!(secure.node.get("/healthz").status, 200);
    assert!(!secure.node.process.stderr().contains("panicked"));
}
