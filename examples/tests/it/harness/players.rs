//! A crowd of low-latency players: each holds its playlist and the part that it is promised, on two connections.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use backline_examples::adapt::body::Rope;
use http::{Request, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use super::playlist::Media;

/// Longer than any hold that a server may make (nine seconds).
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// What players asked for and got.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) answers: Vec<Seen>,
    /// Each body that came for a URL, once: unpacked.
    pub(crate) bodies: BTreeMap<String, BTreeMap<u64, Vec<u8>>>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Seen {
    /// As a player writes it that adds nothing.
    pub(crate) url: String,
    pub(crate) asked: Instant,
    pub(crate) last_byte: Instant,
}

/// How a player writes its requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habit {
    pub(crate) gzip: bool,
    /// A number that it adds to the query, which it turns round.
    pub(crate) odd: Option<usize>,
}

/// One connection.
struct Line {
    sender: SendRequest<Rope>,
    server: SocketAddr,
    habit: Habit,
}

/// Plays `uri` of the stage `live` until `until`. Everybody begins together, when `start` has been waited for twice.
pub(crate) async fn play(
    server: SocketAddr,
    uri: String,
    habit: Habit,
    start: Arc<Barrier>,
    until: Instant,
    log: Arc<Mutex<Log>>,
) {
    let mut lists = Line::open(server, habit).await;
    let mut parts = Line::open(server, habit).await;
    let folder = super::collect::folder(&uri);
    let path = format!("/live/{uri}");
    let first = lists.get(&path, &Mutex::default()).await;
    let mut media = parse(&path, &first);
    start.wait().await;
    // Between the two, whoever started them looks at the counters.
    start.wait().await;
    while Instant::now() < until && !media.ended {
        let (msn, part) = media.next();
        let list = format!("{path}?_HLS_msn={msn}&_HLS_part={part}");
        let hint = media.hints.iter().find(|(kind, _)| kind == "PART");
        let hint = hint.map(|(_, uri)| format!("{folder}{uri}"));
        let hinted = async {
            if let Some(hint) = &hint {
                parts.get(hint, &log).await;
            }
        };
        let (text, ()) = tokio::join!(lists.get(&list, &log), hinted);
        media = parse(&list, &text);
    }
}

fn parse(path: &str, body: &[u8]) -> Media {
    let text = std::str::from_utf8(body).unwrap_or_else(|why| panic!("{path}: {why}"));
    Media::parse(text).unwrap_or_else(|why| panic!("{path}: {why}\n{text}"))
}

impl Line {
    async fn open(server: SocketAddr, habit: Habit) -> Self {
        let stream = TcpStream::connect(server)
            .await
            .expect("the server accepts a connection");
        stream.set_nodelay(true).expect("a socket has this option");
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .expect("HTTP/1.1 begins with nothing");
        tokio::spawn(connection);
        Self {
            sender,
            server,
            habit,
        }
    }

    /// Gets `url`, and writes it down.
    async fn get(&mut self, url: &str, log: &Mutex<Log>) -> Vec<u8> {
        let asked = Instant::now();
        let (status, body) = tokio::time::timeout(ANSWER_LIMIT, self.ask(url))
            .await
            .unwrap_or_else(|_| panic!("{url}: no answer in {ANSWER_LIMIT:?}"));
        let last_byte = Instant::now();
        assert_eq!(status, 200, "{url}: {}", String::from_utf8_lossy(&body));
        let mut log = lock(log);
        log.answers.push(Seen {
            url: url.to_owned(),
            asked,
            last_byte,
        });
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let bodies = log.bodies.entry(url.to_owned()).or_default();
        bodies
            .entry(hasher.finish())
            .or_insert_with(|| body.clone());
        body
    }

    async fn ask(&mut self, url: &str) -> (u16, Vec<u8>) {
        let mut request =
            Request::get(self.habit.write(url)).header(header::HOST, self.server.to_string());
        if self.habit.gzip {
            request = request.header(header::ACCEPT_ENCODING, self.habit.encodings());
        }
        let request = request
            .body(Rope::default())
            .expect("a request is well-formed");
        self.sender
            .ready()
            .await
            .expect("the connection stays open");
        let answer = self
            .sender
            .send_request(request)
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"));
        let status = answer.status().as_u16();
        let packed = answer.headers().get(header::CONTENT_ENCODING).is_some();
        assert!(
            !packed || self.habit.gzip,
            "{url} is packed, and nobody asked for that"
        );
        let body = read(url, answer.into_body()).await;
        (status, if packed { unpack(&body) } else { body })
    }
}

impl Habit {
    fn write(self, url: &str) -> String {
        match (self.odd, url.split_once('?')) {
            (Some(number), Some((path, query))) => {
                let turned: Vec<&str> = query.split('&').rev().collect();
                format!("{path}?viewer={number}&{}&x", turned.join("&"))
            }
            (Some(number), None) => format!("{url}?viewer={number}"),
            (None, _) => url.to_owned(),
        }
    }

    /// As browsers differ.
    fn encodings(self) -> &'static str {
        match self.odd.map_or(0, |number| number % 3) {
            0 => "gzip, deflate",
            1 => "gzip, deflate, br",
            _ => "gzip, deflate, br, zstd",
        }
    }
}

async fn read(url: &str, body: Incoming) -> Vec<u8> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await
    {
        let frame = frame.unwrap_or_else(|error| panic!("{url}: {error}"));
        bytes.extend(frame.into_data().unwrap_or_default());
    }
    bytes
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_end(&mut bytes)
        .expect("what says gzip is gzip");
    bytes
}

pub(crate) fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().expect("a player failed")
}
