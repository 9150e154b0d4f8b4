//! A web server that does what a test says and counts who asks.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
}

/// What is sent back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Waited before the head.
    head_after: Duration,
    /// Waited between two halves of the body.
    half_after: Duration,
    /// Only so many bytes of the body, and then the connection ends.
    cut: Option<usize>,
    chunked: bool,
}

/// The server, for as long as its test lives.
pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every line of a header.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.headers.iter();
        lines
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200, body)
    }

    pub(crate) fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            head_after: Duration::ZERO,
            half_after: Duration::ZERO,
            cut: None,
            chunked: false,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Begins so much later.
    pub(crate) const fn after(mut self, wait: Duration) -> Self {
        self.head_after = wait;
        self
    }

    /// The second half of the body comes so much later than the first.
    pub(crate) const fn halves(mut self, wait: Duration) -> Self {
        self.half_after = wait;
        self
    }

    /// Breaks off after so many bytes.
    pub(crate) const fn cut(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }

    /// Without a declared length.
    pub(crate) const fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Returns whether the connection goes on.
    fn send(&self, mut out: &TcpStream, head_only: bool) -> std::io::Result<bool> {
        thread::sleep(self.head_after);
        let mut head = format!("HTTP/1.1 {} Status\r\n", self.status);
        if self.chunked {
            head.push_str("Transfer-Encoding: chunked\r\n");
        } else if self.status != 304 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        out.write_all(head.as_bytes())?;
        if head_only || self.status == 304 {
            return Ok(true);
        }
        let body = &self.body[..self.cut.unwrap_or(self.body.len())];
        let (first, second) = body.split_at(body.len() / 2);
        for (piece, wait) in [(first, Duration::ZERO), (second, self.half_after)] {
            thread::sleep(wait);
            if self.chunked && !piece.is_empty() {
                out.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
                out.write_all(piece)?;
                out.write_all(b"\r\n")?;
            } else {
                out.write_all(piece)?;
            }
        }
        if self.cut.is_some() {
            return Ok(false);
        }
        if self.chunked {
            out.write_all(b"0\r\n\r\n")?;
        }
        Ok(true)
    }
}

impl Web {
    /// Serves on a free port of the loopback interface.
    pub(crate) fn serve(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || connection(&stream, answer.as_ref(), &log));
            }
        });
        Self { address, asked }
    }

    /// All that was asked for so far, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a thread panicked").clone()
    }

    /// How often each target was asked for.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for asked in self.asked() {
            *counts.entry(asked.target).or_default() += 1;
        }
        counts
    }

    /// How often `target` was asked for.
    pub(crate) fn count(&self, target: &str) -> usize {
        self.counts().get(target).copied().unwrap_or(0)
    }
}

fn connection(stream: &TcpStream, answer: &dyn Fn(&Asked) -> Reply, log: &Mutex<Vec<Asked>>) {
    drop(stream.set_nodelay(true));
    let mut reader = BufReader::new(stream);
    while let Some(asked) = request(&mut reader) {
        log.lock().expect("a thread panicked").push(asked.clone());
        let sent = answer(&asked).send(stream, asked.method == "HEAD");
        if !sent.unwrap_or(false) {
            return;
        }
    }
}

fn request(reader: &mut impl BufRead) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines.first()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let asked = Asked {
        method,
        target,
        headers,
    };
    let length = asked.header("content-length");
    let length: u64 = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
    Some(asked)
}
