//! Five hundred viewers who wait for one playlist.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

use crate::harness::collect::{picture_uri, playlist};
use crate::harness::node::{KEY, Node};
use crate::harness::publisher::Camera;
use crate::harness::{full, stage};

const VIEWERS: usize = 500;
const VIEWERS_AN_ADDRESS: usize = 50;
const ROUNDS: usize = 5;

/// The last byte of the last viewer but five, after the first answer.
const SPREAD_MAX: Duration = Duration::from_millis(20);
/// The same in a test build, on a machine that runs other things too.
const SPREAD_MAX_BUSY: Duration = Duration::from_millis(150);

#[test]
#[ignore = "needs ffmpeg"]
fn five_hundred_held_viewers_cost_one_render() {
    let _machine = stage::alone();
    let node = Node::start(&[]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    let uri = picture_uri(&node.wait_until_live());
    let mut crowd = connect(node.http);
    let mut spreads = Vec::new();
    for _ in 0..ROUNDS {
        let (msn, part) = playlist(node.http, &uri, None).media.next();
        let before = renders(&node);
        // Two parts ahead, so that everybody is waiting when it comes.
        let path = format!("/live/{uri}?_HLS_msn={msn}&_HLS_part={}", part + 3);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: gzip\r\n\r\n",
            node.http
        );
        for viewer in &mut crowd {
            viewer
                .write_all(request.as_bytes())
                .expect("a request can be sent");
        }
        let (mut ends, first) = answers(&mut crowd);
        ends.sort();
        // A held answer is of one version; what else the server rendered meanwhile were the parts before it,
        // for nobody, so nothing.
        assert_eq!(
            renders(&node) - before,
            1.0,
            "renders for {VIEWERS} viewers of one version"
        );
        spreads.push(ends[ends.len() * 99 / 100] - first);
    }
    spreads.sort();
    let middle = spreads[spreads.len() / 2];
    println!(
        "500 held viewers: last byte p99 after the first answer, median of {ROUNDS}: {middle:?} of {spreads:?}"
    );
    let most = if full() { SPREAD_MAX } else { SPREAD_MAX_BUSY };
    assert!(middle <= most, "{middle:?}, {most:?} at most");
}

/// Connects the viewers from several addresses, since a server takes only so many from one.
fn connect(server: SocketAddr) -> Vec<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let mut crowd = Vec::new();
        for viewer in 0..VIEWERS {
            let address = Ipv4Addr::new(
                127,
                0,
                1,
                u8::try_from(viewer / VIEWERS_AN_ADDRESS).expect("few") + 1,
            );
            let socket = TcpSocket::new_v4().expect("there are sockets enough");
            socket
                .bind(SocketAddr::from((address, 0)))
                .expect("all of 127.0.0.0/8 is this machine");
            let stream = socket.connect(server).await.expect("a viewer can connect");
            let stream = stream.into_std().expect("it is registered nowhere else");
            stream
                .set_nonblocking(false)
                .expect("a socket can be made blocking");
            crowd.push(stream);
        }
        crowd
    })
}

/// How many playlists were rendered. A rendering brings its packed form along, so this counts those too.
fn renders(node: &Node) -> f64 {
    node.metric("backline_cache_renders_total")
}

/// Reads one answer from every viewer: when each had its last byte, and when the first byte of all came.
fn answers(crowd: &mut [TcpStream]) -> (Vec<Instant>, Instant) {
    let begun = Instant::now();
    let mut received: Vec<Vec<u8>> = vec![Vec::new(); crowd.len()];
    let mut ends: Vec<Option<Instant>> = vec![None; crowd.len()];
    let mut first = None;
    for viewer in crowd.iter() {
        viewer
            .set_nonblocking(true)
            .expect("a socket can be made non-blocking");
    }
    let mut buffer = vec![0; 64 * 1024];
    while ends.iter().any(Option::is_none) {
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "{} of them wait still",
            ends.iter().flatten().count()
        );
        for ((viewer, body), end) in crowd
            .iter_mut()
            .zip(&mut received)
            .zip(&mut ends)
            .filter(|(_, end)| end.is_none())
        {
            match viewer.read(&mut buffer) {
                Ok(0) => panic!("a viewer was dropped"),
                Ok(bytes) => {
                    let now = Instant::now();
                    first.get_or_insert(now);
                    body.extend(&buffer[..bytes]);
                    *end = is_whole(body).then_some(now);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("a viewer was dropped: {error}"),
            }
        }
    }
    for viewer in crowd.iter() {
        viewer
            .set_nonblocking(false)
            .expect("a socket can be made blocking");
    }
    (
        ends.into_iter().flatten().collect(),
        first.expect("somebody was answered"),
    )
}

/// Whether a response of known length has come in full; it has to be a good one.
fn is_whole(received: &[u8]) -> bool {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&received[..end]).to_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| {
        line.strip_prefix("content-length: ")?
            .trim()
            .parse::<usize>()
            .ok()
    });
    received.len() >= end + 4 + length.unwrap_or_else(|| panic!("no length: {head}"))
}
