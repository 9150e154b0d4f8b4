//! The rows that need a running `edge-node`.

use super::footprint;
use crate::live::{Camera, Crowd, Edge, KEY, Node, edge};
use crate::report::{Figure, Progress, Report, Row, Target};
use crate::timing::quantile;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

const VIEWERS: usize = 500;
/// The multivariant playlist of the stage.
const MULTIVARIANT: &str = "/live/index.m3u8";
/// Rounds that are not counted.
const WARM_UP: usize = 2;
const PATIENCE: Duration = Duration::from_secs(8);

/// Adds the rows, or a note that says why there are none.
pub(super) fn score(report: &mut Report, progress: &mut Progress, full: bool) {
    progress.show("edge-node is built, if it is not yet");
    if let Err(why) = try_score(report, progress, full) {
        // A missing row would look like a target that is met.
        report
            .rows
            .push(Row::cost(format!("edge-node: {why}"), f64::NAN, "").target(Target::AtMost(0.0)));
    }
}

fn try_score(report: &mut Report, progress: &mut Progress, full: bool) -> Result<(), String> {
    footprint::score(report, progress, full)?;
    let node = Node::start()?;
    let camera = Camera::start(node.rtmp, KEY);
    let playlist = media_playlist(&node)?;
    let rounds = if full { 400 } else { 100 };
    let (mut spreads, answer) = crowd(&node, &playlist, progress, rounds)?;
    let mut bare = bare_loop(&answer, progress, rounds)?;
    spreads.sort();
    bare.sort();
    let ms = |spreads: &[Duration], share: f64| quantile(spreads, share).as_secs_f64() * 1e3;
    for (name, share, target) in [
        ("p99", 0.99, Some(Target::AtMost(20.0))),
        ("median", 0.5, None),
    ] {
        let what =
            format!("{VIEWERS} held viewers, last byte of the last after the first answer, {name}");
        let bare = Figure {
            who: "a bare write loop",
            value: ms(&bare, share),
        };
        let row = Row::cost(what, ms(&spreads, share), "ms").against([bare]);
        report.rows.push(Row { target, ..row });
    }
    report.notes.push(format!(
        "{VIEWERS} viewers: {rounds} rounds, one render and one gzip a version, {} bytes an answer; publisher, node \
         and viewers share the machine",
        answer.len()
    ));
    report.notes.push(
        "multimux 0.14 is not in this run: it would bring 229 crates; alone, on another machine, it took 78 ms"
            .to_owned(),
    );
    returns(
        report,
        progress,
        &node,
        &playlist,
        camera,
        if full { 10 } else { 3 },
    )
}

/// The first media playlist that the multivariant one names: the one that everybody waits for.
fn media_playlist(node: &Node) -> Result<String, String> {
    let text = node.wait_for(MULTIVARIANT)?;
    let uri = text
        .lines()
        .find(|line| !line.starts_with('#') && !line.is_empty());
    let uri = uri.ok_or_else(|| format!("{MULTIVARIANT} names no playlist:\n{text}"))?;
    let path = format!("/live/{uri}");
    node.wait_for(&path)?;
    Ok(path)
}

/// The time from the first byte to the last in each round, and one of the answers.
fn crowd(
    node: &Node,
    playlist: &str,
    progress: &mut Progress,
    rounds: usize,
) -> Result<(Vec<Duration>, Vec<u8>), String> {
    let mut crowd = Crowd::connect(node.http, VIEWERS);
    let mut spreads = Vec::new();
    let mut answer = Vec::new();
    let mut begun = None;
    let mut late = 0;
    // The first rounds open the connections' buffers on both sides and are not counted.
    while spreads.len() < rounds + WARM_UP {
        progress.show(&format!(
            "{VIEWERS} viewers wait, round {} of {rounds}",
            spreads.len()
        ));
        let at = edge(&node.get(playlist));
        if spreads.len() == WARM_UP && begun.is_none() {
            begun = Some((at, node.counter("backline_cache_renders_total")));
        }
        let path = format!("{playlist}?_HLS_msn={}&_HLS_part={}", at.msn, at.parts);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: gzip\r\n\r\n",
            node.http
        );
        let waiting = crowd.ask(&request);
        let got = crowd.answers(PATIENCE)?;
        answer = got.answer;
        // A part that came while they were still asking says nothing about a crowd that waits.
        if waiting {
            spreads.push(*got.ends.last().expect("there are viewers"));
        } else {
            late += 1;
            if late > rounds {
                return Err(format!(
                    "asking for {VIEWERS} viewers takes longer than a part"
                ));
            }
        }
    }
    let spreads = spreads.split_off(WARM_UP);
    let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
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
    Ok((spreads, answer))
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
    rounds: usize,
) -> Result<Vec<Duration>, String> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = std::thread::spawn({
        let answer = answer.to_vec();
        move || serve_bare(&listener, &answer)
    });
    let mut crowd = Crowd::connect(address, VIEWERS);
    let mut spreads = Vec::new();
    for round in 0..rounds + WARM_UP {
        progress.show(&format!("a bare write loop, round {round} of {rounds}"));
        let waiting = crowd.ask("G");
        let got = crowd.answers(PATIENCE)?;
        if waiting && round >= WARM_UP {
            spreads.push(*got.ends.last().expect("there are viewers"));
        }
    }
    drop(crowd);
    server
        .join()
        .map_err(|_| "the bare write loop failed".to_owned())?;
    Ok(spreads)
}

/// Waits for a byte from everyone, then writes the answer to everyone, until they leave.
fn serve_bare(listener: &TcpListener, answer: &[u8]) {
    let mut sockets: Vec<TcpStream> = (0..VIEWERS)
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
        for socket in &mut sockets {
            socket.write_all(answer).expect("an answer can be written");
        }
    }
}

/// A publisher leaves without a word and comes back after two seconds.
fn returns(
    report: &mut Report,
    progress: &mut Progress,
    node: &Node,
    playlist: &str,
    camera: Camera,
    rounds: usize,
) -> Result<(), String> {
    let mut camera = Some(camera);
    let mut waits = Vec::new();
    for round in 0..rounds {
        progress.show(&format!(
            "the publisher leaves and returns, round {round} of {rounds}"
        ));
        drop(camera.take());
        std::thread::sleep(Duration::from_millis(2000));
        let at = edge(&node.get(playlist));
        // What was open when it left is closed by now; if the viewer is wrong about it, he waits for the next part.
        let mut viewer = Crowd::connect(node.http, 1);
        let path = format!("{playlist}?_HLS_msn={}&_HLS_part={}", at.msn, at.parts);
        viewer.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n",
            node.http
        ));
        std::thread::sleep(Duration::from_millis(50));
        let back = Camera::start(node.rtmp, KEY);
        let round = viewer.answers(PATIENCE)?;
        waits.push(round.first.saturating_duration_since(back.first_key));
        let text = String::from_utf8_lossy(&round.answer);
        let (_, since) = text
            .rsplit_once("#EXT-X-DISCONTINUITY\n")
            .expect("the return is marked");
        assert!(
            since.contains("#EXT-X-PART:"),
            "a part of the returned publisher is listed"
        );
        camera = Some(back);
        // A few parts, so that it is a publisher like any other when it leaves again.
        std::thread::sleep(Duration::from_millis(700));
    }
    waits.sort();
    let ms = waits
        .last()
        .map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e3);
    report.rows.push(
        Row::cost(
            "a publisher returns: its first part is listed after its first key frame, worst",
            ms,
            "ms",
        )
        .target(Target::AtMost(50.0)),
    );
    let began = Instant::now();
    drop(camera);
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "a camera stops at once"
    );
    Ok(())
}
