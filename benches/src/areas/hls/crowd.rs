//! Viewers who wait for the same playlist, beside a loop that does nothing but write.

use super::live::{MANY, PATIENCE};
use crate::live::{Camera, Crowd, Edge, Node, edge};
use crate::report::{Figure, Progress, Report, Row, Target};
use crate::timing::quantile;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Rounds that are not counted: they open the connections' buffers on both sides.
const WARM_UP: usize = 2;
/// Parts that a crowd asks ahead, so that all of it waits when the part comes.
const AHEAD: u64 = 1;
/// The targets: the last byte of 99 of 100 viewers, after the part, for few and many, and beside a bare loop.
const FEW_MS: f64 = 20.0;
const MANY_MS: f64 = 80.0;
const BESIDE_BARE: f64 = 2.5;

/// What the rounds of a crowd came to.
#[derive(Debug, Default)]
struct Rounds {
    /// Of each viewer in each round, from the part (or the start of writing) to his last byte; sorted.
    waits: Vec<Duration>,
    /// Of each round, from the first byte of all to the last byte of the last; sorted.
    spreads: Vec<Duration>,
    /// One of the answers.
    answer: Vec<u8>,
}

/// Adds the rows of so many viewers.
pub(super) fn score(
    report: &mut Report,
    progress: &mut Progress,
    node: &Node,
    camera: &Camera,
    playlist: &str,
    viewers: usize,
    rounds: usize,
) -> Result<(), String> {
    let ours = held(node, camera, playlist, progress, viewers, rounds)?;
    let bare = bare_loop(&ours.answer, progress, viewers, rounds)?;
    let ms = |times: &[Duration], share: f64| quantile(times, share).as_secs_f64() * 1e3;
    let row = |what: &str, of: fn(&Rounds) -> &[Duration], share| {
        let bare = Figure {
            who: "a bare write loop",
            value: ms(of(&bare), share),
        };
        Row::cost(
            format!("{viewers} held viewers, {what}"),
            ms(of(&ours), share),
            "ms",
        )
        .against([bare])
    };
    let p99 = row("from the part to the last byte, p99", |r| &r.waits, 0.99);
    let beside = p99.ratio().map_or(f64::NAN, |ratio| 1.0 / ratio);
    let beside = Row::cost("the same, beside the bare loop", beside, "x");
    // A few are judged by time alone: what does not depend on their number weighs more there.
    let (most_ms, beside) = if viewers < MANY {
        (FEW_MS, beside)
    } else {
        (MANY_MS, beside.target(Target::AtMost(BESIDE_BARE)))
    };
    report.rows.push(p99.target(Target::AtMost(most_ms)));
    report.rows.push(beside);
    report.rows.push(row("the same, median", |r| &r.waits, 0.5));
    report.rows.push(row(
        "last byte of the last after the first answer, p99 of the rounds",
        |r| &r.spreads,
        0.99,
    ));
    report.notes.push(format!(
        "{viewers} viewers: {rounds} rounds, one render and one gzip a version, {} bytes an answer",
        ours.answer.len()
    ));
    Ok(())
}

/// Rounds of a crowd that waits for the part after the next one.
fn held(
    node: &Node,
    camera: &Camera,
    playlist: &str,
    progress: &mut Progress,
    viewers: usize,
    rounds: usize,
) -> Result<Rounds, String> {
    let mut crowd = Crowd::connect(node.http, viewers);
    let mut seen = Rounds::default();
    let mut begun = None;
    let (mut counted, mut late) = (0, 0);
    while counted < rounds + WARM_UP {
        progress.show(&format!(
            "{viewers} viewers wait, round {counted} of {rounds}"
        ));
        let at = edge(&node.get(playlist));
        if counted == WARM_UP && begun.is_none() {
            begun = Some((at, node.counter("backline_cache_renders_total")));
        }
        let path = format!(
            "{playlist}?_HLS_msn={}&_HLS_part={}",
            at.msn,
            at.parts + AHEAD
        );
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: gzip\r\n\r\n",
            node.http
        );
        let waiting = crowd.ask(&request);
        let got = crowd.answers(PATIENCE)?;
        seen.answer = got.answer;
        // A part that came while they were still asking says nothing about a crowd that waits.
        if !waiting {
            late += 1;
            if late > rounds {
                return Err(format!(
                    "asking for {viewers} viewers takes longer than two parts"
                ));
            }
            continue;
        }
        if counted >= WARM_UP {
            let part = camera
                .sent_before(got.first)
                .ok_or("no picture was sent yet")?;
            seen.add(part, got.first, &got.ends);
        }
        counted += 1;
    }
    let head = String::from_utf8_lossy(&seen.answer).to_ascii_lowercase();
    assert!(
        head.contains("content-encoding: gzip"),
        "viewers who take gzip get it"
    );
    let (before, renders) = begun.expect("there are rounds");
    let renders = node.counter("backline_cache_renders_total") - renders;
    let versions = parts_between(before, edge(&node.get(playlist)));
    assert!(
        renders >= rounds as f64 && renders <= versions + 1.0,
        "{renders} renders in {rounds} rounds, {versions} versions"
    );
    Ok(seen.sorted())
}

impl Rounds {
    fn add(&mut self, from: Instant, first: Instant, ends: &[Instant]) {
        let last = ends.last().expect("there are viewers");
        self.spreads.push(*last - first);
        self.waits.extend(ends.iter().map(|end| *end - from));
    }

    fn sorted(mut self) -> Self {
        self.spreads.sort();
        self.waits.sort();
        self
    }
}

/// How many parts came between two edges, at ten a segment and a few for short ones.
fn parts_between(before: Edge, after: Edge) -> f64 {
    const PARTS_MAX: u64 = 11;
    (((after.msn - before.msn) * PARTS_MAX + after.parts) as f64) - before.parts as f64
}

/// What the machine needs at least: the same bytes to as many sockets, with nothing to decide.
fn bare_loop(
    answer: &[u8],
    progress: &mut Progress,
    viewers: usize,
    rounds: usize,
) -> Result<Rounds, String> {
    let (address, begins, server) = serve_bare(answer.to_vec(), viewers);
    let mut crowd = Crowd::connect(address, viewers);
    let mut seen = Rounds::default();
    for round in 0..rounds + WARM_UP {
        progress.show(&format!("a bare write loop, round {round} of {rounds}"));
        let waiting = crowd.ask("G");
        let got = crowd.answers(PATIENCE)?;
        let began = begins
            .recv_timeout(PATIENCE)
            .map_err(|_| "the bare write loop failed")?;
        if waiting && round >= WARM_UP {
            seen.add(began, got.first, &got.ends);
        }
    }
    drop(crowd);
    server
        .join()
        .map_err(|_| "the bare write loop failed".to_owned())?;
    Ok(seen.sorted())
}

/// Waits for a byte from everyone, then writes the answer to everyone, until they leave; says when it began to write.
fn serve_bare(
    answer: Vec<u8>,
    viewers: usize,
) -> (SocketAddr, Receiver<Instant>, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (say, begins) = channel();
    let server = std::thread::spawn(move || {
        let mut sockets: Vec<TcpStream> = (0..viewers)
            .map(|_| listener.accept().expect("a viewer comes").0)
            .collect();
        for socket in &sockets {
            socket.set_nodelay(true).expect("a socket option");
        }
        loop {
            for socket in &mut sockets {
                if socket.read_exact(&mut [0]).is_err() {
                    return;
                }
            }
            // As long as a held request waits: what came before is over.
            std::thread::sleep(Duration::from_millis(20));
            say.send(Instant::now()).ok();
            for socket in &mut sockets {
                socket.write_all(&answer).expect("an answer can be written");
            }
        }
    });
    (address, begins, server)
}
