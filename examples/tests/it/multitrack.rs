//! What OBS asks a multitrack service for, over HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::node::{KEY, Node};
use crate::harness::tools::{run, text};

const PATH: &str = "/api/GetClientConfiguration";

/// Posts as OBS does, with libcurl: the status and the body.
fn post(node: &Node, body: &str) -> (u16, String) {
    let mut command = Command::new("curl");
    command.args([
        "-sS",
        "-H",
        "Content-Type: application/json",
        "-w",
        "\n%{http_code}",
    ]);
    command.args(["--data-binary", "@-", &node.url(PATH)]);
    let printed = text(&run(&mut command, body.as_bytes()).stdout);
    let (body, status) = printed
        .rsplit_once('\n')
        .expect("curl writes the status last");
    (status.parse().expect("a status"), body.to_owned())
}

fn request(key: &str) -> Value {
    json!({
        "service": "IVS",
        "schema_version": "2025-01-25",
        "authentication": key,
        "client": { "name": "obs-studio", "version": "31.1.2", "supported_codecs": ["h264"], "supported_encoders": ["obs_x264"] },
        "capabilities": { "cpu": { "physical_cores": 4, "logical_cores": 8, "speed": null, "name": null } },
        "preferences": {
            "maximum_video_tracks": 3,
            "vod_track_audio": false,
            "canvases": [{ "width": 1280, "height": 720, "canvas_width": 1280, "canvas_height": 720, "framerate": { "numerator": 30, "denominator": 1 } }],
        },
    })
}

#[test]
#[ignore = "needs curl"]
fn obs_is_told_what_to_encode_for_this_audience() {
    let heights = |arguments: &[&str]| {
        let node = Node::start(arguments);
        let (status, body) = post(&node, &request(KEY).to_string());
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(answer["status"]["result"], "success", "{answer}");
        let server = format!("rtmp://{}/live/{{stream_key}}", node.rtmp);
        assert_eq!(
            answer["ingest_endpoints"][0]["url_template"],
            server.as_str()
        );
        assert!(!body.contains(KEY), "the key goes nowhere");
        let rungs = answer["encoder_configurations"]
            .as_array()
            .expect("rungs")
            .iter();
        rungs
            .map(|rung| rung["height"].as_u64().expect("a height"))
            .collect::<Vec<_>>()
    };
    assert_eq!(heights(&[]), [720, 480, 240]);
    assert_eq!(
        heights(&["--uplink-kbps", "100000", "--audience", "80"]),
        [360, 240]
    );
}

#[test]
#[ignore = "needs curl"]
fn a_wrong_key_and_what_is_no_request_are_refused() {
    let node = Node::start(&[]);
    let (status, body) = post(&node, &request("another").to_string());
    let answer: Value = serde_json::from_str(&body).expect("OBS can read it");
    assert_eq!(
        (status, &answer["status"]["result"]),
        (200, &json!("error"))
    );
    assert!(
        answer["status"]["html_en_us"]
            .as_str()
            .is_some_and(|why| why.contains("stream key")),
        "{answer}"
    );
    assert_eq!(post(&node, "no JSON").0, 400);
    assert_eq!(post(&node, &"[".repeat(60_000)).0, 400);
    assert_eq!(post(&node, &" ".repeat(70_000)).0, 413);
    // One that says it is long is not waited for; one that does not come is not waited for longer than OBS waits.
    for (length, expected, most) in [(1_000_000, "413", 2), (100, "408", 8)] {
        let mut stream = TcpStream::connect(node.http).expect("it listens");
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        let begun = Instant::now();
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {expected}")),
            "{answer}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(most),
            "{:?}",
            begun.elapsed()
        );
    }
    assert_eq!(node.get(PATH).status, 404, "it is to be posted");
}

#[test]
fn the_file_for_obs_stands_beside_its_stage() {
    let node = Node::start(&["--audience", "30", "--uplink-kbps", "50000"]);
    let file = node.get("/api/live/obs.json");
    assert_eq!(file.header("content-type"), Some("application/json"));
    let file = file.json();
    assert_eq!(file["encoder_configurations"][0]["height"], 480, "{file}");
    assert_eq!(file["meta"]["config_id"], "");
    assert!(!file.to_string().contains(KEY));
    assert_eq!(node.get("/api/none/obs.json").status, 404);
}
