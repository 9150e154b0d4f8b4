//! Connections that ask for the same object again and again, each as soon as it has the last byte.

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

#[derive(Debug)]
struct Reader {
    socket: TcpStream,
    /// What it waits for.
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The request has to be sent.
    Idle,
    /// Nothing of the answer is here.
    Asked,
    /// Bytes of the answer that are still to come.
    Left(usize),
}

/// Fetches `path` over so many connections for the length of `window`; gives the answers a second.
///
/// # Errors
///
/// A sentence that says what was wrong with an answer; one is a body that is not as long as `body`.
pub fn fetch(
    http: SocketAddr,
    path: &str,
    body: usize,
    connections: usize,
    window: Duration,
) -> Result<f64, String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {http}\r\n\r\n");
    let mut poll = Poll::new().map_err(|error| error.to_string())?;
    let mut readers = Vec::with_capacity(connections);
    for index in 0..connections {
        let socket = std::net::TcpStream::connect(http).map_err(|error| error.to_string())?;
        socket
            .set_nonblocking(true)
            .map_err(|error| error.to_string())?;
        let mut socket = TcpStream::from_std(socket);
        poll.registry()
            .register(
                &mut socket,
                Token(index),
                Interest::READABLE | Interest::WRITABLE,
            )
            .map_err(|error| error.to_string())?;
        let state = State::Idle;
        readers.push(Reader { socket, state });
    }
    let mut events = Events::with_capacity(connections);
    let mut block = vec![0; 256 << 10];
    let mut answers = 0_u32;
    let begun = Instant::now();
    while begun.elapsed() < window {
        poll.poll(&mut events, Some(window))
            .map_err(|error| error.to_string())?;
        for event in &events {
            answers += readers[event.token().0].turn(&request, body, &mut block)?;
        }
    }
    Ok(f64::from(answers) / begun.elapsed().as_secs_f64())
}

impl Reader {
    /// Takes what there is and asks again when an answer is whole; counts the answers.
    fn turn(&mut self, request: &str, body: usize, block: &mut [u8]) -> Result<u32, String> {
        let mut answers = 0;
        loop {
            if let State::Idle = self.state {
                // A request is far shorter than an empty socket buffer.
                self.socket
                    .write_all(request.as_bytes())
                    .map_err(|error| error.to_string())?;
                self.state = State::Asked;
            }
            let count = match self.socket.read(block) {
                Ok(0) => return Err("the server hung up".to_owned()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(answers),
                Err(error) => return Err(error.to_string()),
            };
            let due = match self.state {
                State::Left(left) => left,
                State::Idle | State::Asked => answer_bytes(&block[..count], body)?,
            };
            let left = due
                .checked_sub(count)
                .ok_or("an answer is longer than it says")?;
            if left == 0 {
                answers += 1;
                self.state = State::Idle;
            } else {
                self.state = State::Left(left);
            }
        }
    }
}

/// How long an answer is with its head, which stands in its first piece.
fn answer_bytes(piece: &[u8], body: usize) -> Result<usize, String> {
    let head = piece.windows(4).position(|four| four == b"\r\n\r\n");
    let head = head.ok_or("the head of an answer is not in its first piece")? + 4;
    let text = String::from_utf8_lossy(&piece[..head]).to_ascii_lowercase();
    if text.starts_with("http/1.1 200") && text.contains(&format!("content-length: {body}\r\n")) {
        Ok(head + body)
    } else {
        Err(text)
    }
}
