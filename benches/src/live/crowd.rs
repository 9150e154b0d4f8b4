//! Many connections that wait for one answer each, on one thread.

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Connections that are kept from round to round.
#[derive(Debug)]
pub struct Crowd {
    events: Events,
    poll: Poll,
    viewers: Vec<Viewer>,
}

#[derive(Debug)]
struct Viewer {
    answer: Vec<u8>,
    socket: TcpStream,
    /// Bytes of the answer, once its head is here.
    size: Option<usize>,
}

/// What a round came to.
#[derive(Debug)]
pub struct Round {
    /// One of the answers; all were equal.
    pub answer: Vec<u8>,
    /// When each viewer had its last byte; sorted.
    pub ends: Vec<Instant>,
    /// When the first byte of all came.
    pub first: Instant,
}

impl Crowd {
    /// Connects so many viewers.
    #[must_use]
    pub fn connect(http: SocketAddr, count: usize) -> Self {
        let poll = Poll::new().expect("the system can poll");
        let viewers = (0..count).map(|index| {
            let socket = std::net::TcpStream::connect(http).expect("a viewer can connect");
            socket.set_nonblocking(true).expect("a socket option");
            socket.set_nodelay(true).expect("a socket option");
            let mut socket = TcpStream::from_std(socket);
            poll.registry()
                .register(&mut socket, Token(index), Interest::READABLE)
                .expect("a socket can be polled");
            Viewer {
                answer: Vec::with_capacity(16 << 10),
                socket,
                size: None,
            }
        });
        let viewers = viewers.collect();
        Self {
            events: Events::with_capacity(1024),
            poll,
            viewers,
        }
    }

    /// Sends one request from each viewer; tells whether all of them wait by then, none answered yet.
    pub fn ask(&mut self, request: &str) -> bool {
        for viewer in &mut self.viewers {
            viewer.answer.clear();
            viewer.size = None;
            // A request is far shorter than an empty socket buffer.
            viewer
                .socket
                .write_all(request.as_bytes())
                .expect("a request can be sent");
        }
        let mut early = Events::with_capacity(1);
        self.poll
            .poll(&mut early, Some(Duration::ZERO))
            .expect("the system can poll");
        early.is_empty()
    }

    /// Reads the answers of all viewers.
    ///
    /// # Errors
    ///
    /// A sentence that says what was wrong with an answer.
    pub fn answers(&mut self, patience: Duration) -> Result<Round, String> {
        let begun = Instant::now();
        let mut first = None;
        let mut ends = Vec::with_capacity(self.viewers.len());
        while ends.len() < self.viewers.len() {
            let left = patience.checked_sub(begun.elapsed());
            let left = left.ok_or_else(|| {
                format!("{} answers did not come", self.viewers.len() - ends.len())
            })?;
            self.poll
                .poll(&mut self.events, Some(left))
                .map_err(|error| error.to_string())?;
            for event in &self.events {
                first.get_or_insert_with(Instant::now);
                if self.viewers[event.token().0].read()? {
                    ends.push(Instant::now());
                }
            }
        }
        let first = first.expect("the last byte comes after a first one");
        let answer = self.viewers[0].answer.clone();
        if !answer.starts_with(b"HTTP/1.1 200") {
            return Err(String::from_utf8_lossy(&answer[..answer.len().min(200)]).into_owned());
        }
        if self
            .viewers
            .iter()
            .any(|viewer| body(&viewer.answer) != body(&answer))
        {
            return Err("viewers of one version got different bodies".to_owned());
        }
        ends.sort();
        Ok(Round {
            answer,
            ends,
            first,
        })
    }
}

impl Viewer {
    /// Takes what there is; true with the last byte of the answer.
    fn read(&mut self) -> Result<bool, String> {
        let mut block = [0; 16 << 10];
        let before = self.answer.len();
        loop {
            match self.socket.read(&mut block) {
                Ok(0) => return Err("the server hung up on a viewer".to_owned()),
                Ok(count) => self.answer.extend(&block[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        if self.size.is_none() {
            self.size = size(&self.answer);
        }
        let end = self.size.unwrap_or(usize::MAX);
        Ok(before < end && self.answer.len() >= end)
    }
}

/// How long an answer is, head included, once its head is here.
fn size(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    Some(head + length.unwrap_or(0_usize))
}

fn body(answer: &[u8]) -> &[u8] {
    let head = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(0, |at| at + 4);
    &answer[head..]
}
