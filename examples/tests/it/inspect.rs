//! `rtmp-inspect` under foreign publishers.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::node::example;
use crate::harness::process::Process;
use crate::harness::tools::{FFMPEG, Scratch, current_ffmpeg, run, text, try_run};
use crate::harness::within;

/// Starts the program on a free port; returns it and its address.
fn listening(arguments: &[&str]) -> (Process, String) {
    let mut command = Command::new(example("rtmp-inspect"));
    command.args(["--listen", "127.0.0.1:0", "--once", "--json"]);
    let process = Process::spawn(command.args(arguments));
    let address = within(Duration::from_secs(10), "rtmp-inspect listens", || {
        let printed = process.stdout();
        let line: Value = serde_json::from_str(printed.lines().next()?).ok()?;
        Some(line["listening"].as_str()?.to_owned())
    });
    (process, address)
}

/// The summary that it prints when the publisher has left.
fn summary(mut process: Process) -> Value {
    let status = process.wait(Duration::from_secs(10));
    assert_eq!(status.code(), Some(0), "{}", process.stderr());
    let printed = process.stdout();
    let last = printed.lines().last().expect("it prints a summary");
    serde_json::from_str::<Value>(last).expect("it is JSON")["summary"].clone()
}

fn publish(program: &str, codecs: &str, url: &str) {
    let inputs =
        "-v error -re -f lavfi -i testsrc2=s=320x180:r=30 -re -f lavfi -i sine=r=48000 -t 5";
    let mut command = Command::new(program);
    command
        .args(inputs.split(' '))
        .args(codecs.split(' '))
        .args(["-f", "flv", url]);
    run(&mut command, b"");
}

fn habits(summary: &Value) -> Vec<&str> {
    let quirks = summary["quirks"].as_array().expect("there is a list");
    quirks
        .iter()
        .filter_map(|quirk| quirk[0].as_str())
        .collect()
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_plain_publisher_is_seen_as_it_is() {
    let (process, address) = listening(&[]);
    let codecs = "-c:v libx264 -g 30 -pix_fmt yuv420p -c:a aac";
    publish(
        FFMPEG,
        codecs,
        &format!("rtmp://{address}/live/a-secret-stream-key"),
    );
    let said = process.stdout();
    let summary = summary(process);
    assert!(
        !said.contains("a-secret-stream-key"),
        "the key is shown: {said}"
    );
    let tracks = summary["report"]["tracks"].as_array().expect("tracks");
    let of = |codec: &str| {
        let found = tracks.iter().find(|track| track["codec"] == codec);
        found.unwrap_or_else(|| panic!("no {codec}: {summary}"))
    };
    assert_eq!(of("Avc")["frames"], 150);
    let rate = of("Avc")["rate"].as_f64().expect("a rate");
    assert!((rate - 30.0).abs() < 0.1, "{rate}");
    let keys = of("Avc")["keys"]["mean_ms"].as_f64().expect("key frames");
    assert!((keys - 1000.0).abs() < 2.0, "{keys}");
    assert_eq!(of("Aac")["missing"], 0);
    assert!(
        summary["tracks"][0]
            .as_str()
            .is_some_and(|track| track.contains("320x180")),
        "{summary}"
    );
    // FFmpeg signs its handshake (Q28), and is otherwise without habits.
    assert_eq!(habits(&summary), ["Q28"]);
    assert_eq!(summary["findings"], Value::Array(Vec::new()), "{summary}");
    assert_eq!(summary["malformed"], 0);
}

#[test]
#[ignore = "needs ffmpeg"]
fn several_tracks_and_their_codecs_are_told_apart() {
    let (process, address) = listening(&[]);
    let codecs = "-map 0:v -map 0:v -map 1:a -map 1:a -c:v:0 libx264 -c:v:1 libx265 -x265-params log-level=none \
                  -pix_fmt yuv420p -c:a:0 aac -c:a:1 libopus -rtmp_enhanced_codecs hvc1,Opus";
    publish(
        current_ffmpeg(),
        codecs,
        &format!("rtmp://{address}/live/key"),
    );
    let summary = summary(process);
    let said = summary["tracks"].to_string();
    for track in [
        "picture 0: Avc",
        "picture 1: Hevc",
        "sound 0: Aac",
        "sound 1: Opus",
    ] {
        assert!(said.contains(track), "{track} is not in {said}");
    }
    assert!(habits(&summary).contains(&"Q49"), "{summary}");
}

#[test]
#[ignore = "needs ffmpeg, openssl"]
fn rtmps_from_ffmpeg_goes_through_rustls() {
    let scratch = Scratch::new();
    let (key, cert) = (
        scratch.path().join("key.pem"),
        scratch.path().join("cert.pem"),
    );
    let mut openssl = Command::new("openssl");
    openssl.args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost".split(' '));
    openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    run(openssl.arg("-keyout").arg(&key).arg("-out").arg(&cert), b"");
    let (key, cert) = (
        key.to_string_lossy().into_owned(),
        cert.to_string_lossy().into_owned(),
    );
    let (process, address) = listening(&["--tls-cert", &cert, "--tls-key", &key]);
    let codecs = "-c:v libx264 -g 30 -pix_fmt yuv420p -c:a aac";
    publish(FFMPEG, codecs, &format!("rtmps://{address}/live/key"));
    let summary = summary(process);
    assert_eq!(summary["report"]["tracks"][0]["frames"], 150, "{summary}");
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_recording_that_was_cut_off_is_read_to_its_cut() {
    let scratch = Scratch::new();
    let place = scratch.path().join("cut.flv");
    let mut ffmpeg = Command::new(FFMPEG);
    ffmpeg.args(
        "-v error -f lavfi -i testsrc2=s=320x180:r=30 -t 3 -c:v libx264 -f flv pipe:1".split(' '),
    );
    let whole = run(&mut ffmpeg, b"").stdout;
    std::fs::write(&place, &whole[..whole.len() / 2]).expect("the scratch folder can be written");
    let said = run(Command::new(example("rtmp-inspect")).arg(&place), b"");
    let said = text(&said.stdout);
    assert!(said.contains("cut off: whole up to byte"), "{said}");
    let each = run(
        Command::new(example("rtmp-inspect"))
            .args(["--json", "--messages"])
            .arg(&place),
        b"",
    );
    let lines = text(&each.stdout).lines().count();
    assert!(lines > 30, "{lines} messages");
}

#[test]
fn a_file_of_which_nothing_can_be_read_has_a_summary_that_says_so() {
    // A header, and a tag whose packet type AVC does not have.
    let header = b"FLV\x01\x05\0\0\0\x09\0\0\0\0";
    let tag = b"\x09\0\0\x02\0\0\0\0\0\0\0\x17\x09\0\0\0\x0d";
    let scratch = Scratch::new();
    let place = scratch.path().join("odd.flv");
    std::fs::write(&place, [&header[..], tag].concat()).expect("the scratch folder can be written");
    let mut inspect = Command::new(example("rtmp-inspect"));
    let said = text(&run(inspect.arg("--json").arg(&place), b"").stdout);
    let last = said.lines().last().expect("it prints a summary");
    let last: Value = serde_json::from_str(last).expect("it is JSON");
    assert_eq!(last["summary"]["malformed"], 1, "{last}");
    let fault = &last["summary"]["faults"][0];
    assert!(
        fault
            .as_str()
            .is_some_and(|fault| fault.contains("byte 24")),
        "{fault}"
    );
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    for (arguments, code, words) in [
        (vec!["rtmp://h:x/live/key"], 2, "expected a port"),
        (vec!["/nowhere.flv"], 1, "cannot read /nowhere.flv"),
        (
            vec!["rtmp://127.0.0.1:1/live/key"],
            1,
            "nothing listens on 127.0.0.1:1",
        ),
        (vec!["--tls-cert", "x"], 2, "--tls-key"),
        (
            vec!["--for", "1", "--listen", "127.0.0.1:0"],
            1,
            "nothing came",
        ),
        (
            vec!["--listen", "203.0.113.1:1"],
            1,
            "is not an address of this machine",
        ),
    ] {
        let output = try_run(Command::new(example("rtmp-inspect")).args(&arguments), b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}
