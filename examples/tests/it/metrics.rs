//! What machines read: `/metrics` before two foreign readers, `/api/status`, `/healthz`.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::http::get_with;
use crate::harness::node::{KEY, Node};
use crate::harness::publisher::Camera;
use crate::harness::tools::{python, run, text, try_run};
use crate::harness::{stage, within};

#[test]
fn healthz_answers_when_nobody_publishes() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let answer = node.get("/healthz");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A node with a camera and a viewer who has fetched something, so that no metric is without a sample.
fn busy() -> (Node, crate::harness::process::Process) {
    let node = Node::start(&[]);
    let camera = Camera::default().publish(&node.publish_url(KEY));
    node.wait_until_live();
    crate::harness::collect::record(node.http, Duration::from_secs(2));
    (node, camera)
}

#[test]
#[ignore = "needs ffmpeg, promtool"]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    let _machine = stage::shared();
    let (node, _camera) = busy();
    let answer = node.get("/metrics");
    assert!(
        answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/plain")),
        "{:?}",
        answer.headers
    );
    let output = try_run(
        Command::new("promtool").args(["check", "metrics"]),
        &answer.body,
    );
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(
        output.status.success() && said.trim().is_empty(),
        "{said}\n{}",
        answer.text()
    );
    assert!(answer.text().contains("_bucket{"), "no histogram");
}

#[test]
#[ignore = "needs ffmpeg, python"]
fn prometheus_client_reads_both_formats_alike() {
    let _machine = stage::shared();
    let (node, _camera) = busy();
    let classic = node.get("/metrics");
    let open = get_with(
        node.http,
        "/metrics",
        &[("Accept", "application/openmetrics-text; version=1.0.0")],
    );
    let kind = open.header("content-type").expect("a content type");
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let families = |module: &str, body: &[u8]| {
        let script = format!(
            "import sys\nfrom prometheus_client.{module} import text_string_to_metric_families as read\n\
             print('\\n'.join(sorted(f'{{f.name}} {{f.type}} {{len(f.samples) > 0}}' for f in read(sys.stdin.read()))))"
        );
        text(&run(Command::new(python()).args(["-c", &script]), body).stdout)
    };
    let (in_classic, in_open) = (
        families("parser", &classic.body),
        families("openmetrics.parser", &open.body),
    );
    assert_eq!(in_classic, in_open, "both formats have the same families");
    assert!(in_classic.lines().count() > 5, "{in_classic}");
    assert!(
        !in_classic.contains("False"),
        "families without a sample:\n{in_classic}"
    );
    assert!(
        in_classic.contains(" histogram "),
        "no latency histogram:\n{in_classic}"
    );
}

#[test]
#[ignore = "needs ffmpeg"]
fn the_status_tells_what_is_published() {
    let _machine = stage::shared();
    let (node, camera) = busy();
    let status = within(
        Duration::from_secs(6),
        "a key-frame interval is known",
        || {
            let status = node.status();
            status["key_frame_interval"].is_number().then_some(status)
        },
    );
    println!("{status:#}");
    let near = |value: &Value, low: f64, high: f64| {
        let number = value
            .as_f64()
            .unwrap_or_else(|| panic!("{value} is no number: {status}"));
        assert!(
            (low..=high).contains(&number),
            "{number} is not from {low} to {high}: {status}"
        );
    };
    assert_eq!(status["state"], "live", "{status}");
    let codecs = status["codecs"].to_string();
    assert!(
        codecs.contains("avc1.") && codecs.contains("mp4a.40.2"),
        "{codecs}"
    );
    assert_eq!(
        (
            &status["resolution"]["width"],
            &status["resolution"]["height"]
        ),
        (&320.into(), &180.into()),
        "{status}"
    );
    near(&status["frame_rate"], 29.0, 31.0);
    near(&status["key_frame_interval"], 1.9, 2.1);
    near(&status["bitrate"], 50_000.0, 5_000_000.0);
    near(&status["av_skew"], -0.25, 0.25);
    near(&status["parts"], 5.0, 1e6);
    near(&status["viewers"], 0.0, 10.0);
    near(&status["bytes"]["received"], 10_000.0, 1e9);
    near(&status["bytes"]["sent"], 10_000.0, 1e9);
    drop(camera);
    within(
        Duration::from_secs(5),
        "the state says that the publisher has gone",
        || (node.status()["state"] != "live").then_some(()),
    );
}

#[test]
#[ignore = "needs ffmpeg"]
fn the_log_warns_of_a_key_frame_interval_too_long_for_the_segments() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    // The default camera has a key frame every two seconds; half a second of segment is far less.
    let short = Node::start(&["--segment-ms", "500"]);
    let _cameras = [&node, &short].map(|node| Camera::default().publish(&node.publish_url(KEY)));
    short.wait_until_live();
    within(
        Duration::from_secs(8),
        "a line about the key-frame interval",
        || {
            short
                .process
                .stderr()
                .contains("no key frame for")
                .then_some(())
        },
    );
    assert!(
        !node.process.stderr().contains("no key frame for"),
        "a false alarm"
    );
}
