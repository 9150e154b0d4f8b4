//! A small blocking HTTP/1.1 client: one connection a request, and the instants that a player cares about.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longer than any hold that a server may make (nine seconds).
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// When the request was sent, its first byte came back, and its last one.
    pub(crate) asked: Instant,
    pub(crate) first_byte: Instant,
    pub(crate) last_byte: Instant,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// Gets a path and fails the test when no answer comes.
pub(crate) fn get(server: SocketAddr, path: &str) -> Response {
    get_with(server, path, &[])
}

pub(crate) fn get_with(server: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Response {
    try_get(server, path, headers).unwrap_or_else(|error| panic!("GET {path}: {error}"))
}

pub(crate) fn try_get(
    server: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Response> {
    try_ask("GET", server, path, headers)
}

/// The same with any method; nothing is sent with it.
pub(crate) fn try_ask(
    method: &str,
    server: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Response> {
    let stream = TcpStream::connect_timeout(&server, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.set_nodelay(true)?;
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let asked = Instant::now();
    (&stream).write_all(request.as_bytes())?;
    read_answer(&mut BufReader::new(stream), asked, method == "HEAD")
}

/// Reads one response from a connection; that to a HEAD has no body.
fn read_answer(
    reader: &mut impl BufRead,
    asked: Instant,
    head_only: bool,
) -> std::io::Result<Response> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let first_byte = Instant::now();
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| bad(&line))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let value = |wanted: &str| {
        headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    };
    let mut body = Vec::new();
    if head_only || status == 304 {
        // Whatever length it declares is that of another answer.
    } else if value("transfer-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    {
        read_chunks(reader, &mut body)?;
    } else if let Some(length) = value("content-length") {
        let length: u64 = length.parse().map_err(|_| bad(length))?;
        reader.take(length).read_to_end(&mut body)?;
        if body.len() as u64 != length {
            return Err(bad(&format!("{} bytes of {length}", body.len())));
        }
    } else {
        reader.read_to_end(&mut body)?;
    }
    Ok(Response {
        status,
        headers,
        body,
        asked,
        first_byte,
        last_byte: Instant::now(),
    })
}

fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16).map_err(|_| bad(&line))?;
        reader.take(length).read_to_end(body)?;
        line.clear();
        reader.read_line(&mut line)?;
        if length == 0 {
            return Ok(());
        }
    }
}

fn bad(what: &str) -> std::io::Error {
    std::io::Error::other(format!("not HTTP: {what:?}"))
}
