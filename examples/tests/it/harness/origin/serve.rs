//! The origin on a socket.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::Origin;

/// Serves on a free port of the loopback interface for as long as the test lives.
pub(crate) fn serve(origin: Origin) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let start = Instant::now();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || connection(&stream, origin, start));
        }
    });
    address
}

/// Requests one after the other, until the peer leaves.
fn connection(stream: &TcpStream, origin: Origin, start: Instant) {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    loop {
        let mut head: Vec<String> = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let target = head
            .first()
            .and_then(|line| line.split(' ').nth(1))
            .unwrap_or("/")
            .to_owned();
        let header = |wanted: &str| {
            let mut pairs = head.iter().skip(1).filter_map(|line| line.split_once(':'));
            let found = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim().to_owned())
        };
        let range = header("range").and_then(|value| {
            let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
            Some((from.parse().ok()?, to.parse().ok()))
        });
        let gzip = header("accept-encoding").is_some_and(|value| value.contains("gzip"));
        let now_ms = u64::try_from(start.elapsed().as_millis()).expect("a test is short");
        let answer = origin.answer(now_ms, &target, range, gzip);
        let wait = |until_ms: u64| {
            let until = Duration::from_millis(until_ms);
            thread::sleep(until.saturating_sub(start.elapsed()));
        };
        wait(answer.began_ms);
        let mut out = format!(
            "HTTP/1.1 {} Status\r\nContent-Length: {}\r\n",
            answer.status,
            answer.body.len()
        );
        for (name, value) in &answer.headers {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        out.push_str("\r\n");
        let (first, rest) = answer.body.split_at(answer.body.len().min(1));
        let sent = writer
            .write_all(out.as_bytes())
            .and_then(|()| writer.write_all(first));
        wait(answer.done_ms);
        if sent.and_then(|()| writer.write_all(rest)).is_err() {
            return;
        }
    }
}
