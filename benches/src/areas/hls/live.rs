//! The rows that need a running `edge-node`.

use super::footprint;
use crate::live::{Camera, Crowd, KEY, Node, edge};
use crate::report::{Progress, Report, Row, Target};
use std::time::{Duration, Instant};

/// Viewers who wait together.
const FEW: usize = 500;
pub(super) const MANY: usize = 2_000;
/// The multivariant playlist of the stage.
const MULTIVARIANT: &str = "/live/index.m3u8";
/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

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
    for (viewers, rounds) in [(FEW, 100), (MANY, 30)] {
        let rounds = if full { rounds * 4 } else { rounds };
        super::crowd::score(report, progress, &node, &camera, &playlist, viewers, rounds)?;
    }
    report.notes.push(
        "publisher, node and viewers share the machine; multimux 0.14 is not in this run: it would bring 229 crates; \
         alone, on another machine, it took 78 ms with 500 viewers"
            .to_owned(),
    );
    let rounds = if full { 10 } else { 3 };
    returns(report, progress, &node, &playlist, camera, rounds)?;
    drop(node);
    super::parts::score(report, progress)
}

/// The first media playlist that the multivariant one names: the one that everybody waits for.
pub(super) fn media_playlist(node: &Node) -> Result<String, String> {
    let text = node.wait_for(MULTIVARIANT)?;
    let uri = text
        .lines()
        .find(|line| !line.starts_with('#') && !line.is_empty());
    let uri = uri.ok_or_else(|| format!("{MULTIVARIANT} names no playlist:\n{text}"))?;
    let path = format!("/live/{uri}");
    node.wait_for(&path)?;
    Ok(path)
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
