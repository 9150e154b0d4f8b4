//! Captions: texts that FFmpeg publishes, as FFmpeg and hls.js show them.

use std::fmt::Write as _;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::browser::Viewer;
use crate::harness::node::{KEY, Node};
use crate::harness::process::Process;
use crate::harness::publisher::painted_clock_with;
use crate::harness::stage;
use crate::harness::tools::{Scratch, current_ffmpeg, run, text};

/// Texts at every even second of the publisher's time, with what must be escaped and a line break.
fn subtitles(folder: &Scratch) -> String {
    let mut srt = String::new();
    for count in 1..=40 {
        let at = count * 2;
        let clock = |seconds: i32| format!("00:{:02}:{:02},000", seconds / 60, seconds % 60);
        let (from, to) = (clock(at), clock(at + 1));
        write!(srt, "{count}\n{from} --> {to}\nmark {at} & so\non\n\n")
            .expect("a string takes all");
    }
    let path = folder.path().join("marks.srt");
    std::fs::write(&path, srt).expect("a file in the scratch folder");
    path.to_str().expect("a plain path").to_owned()
}

/// A publisher of picture, sound and texts.
fn publish(node: &Node, folder: &Scratch) -> Process {
    let marks = subtitles(folder);
    let texts = [
        "-re", "-i", &marks, "-map", "0:v", "-map", "1:a", "-map", "2:s", "-c:s", "text",
    ];
    painted_clock_with(&node.publish_url(KEY), &texts)
}

/// What an SRT file says: when each mark is shown, in milliseconds, and which it is.
fn marks(srt: &str) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let mut start = None;
    for line in srt.lines() {
        if let Some((from, _)) = line.split_once(" --> ") {
            let number = |text: &str| text.parse::<u64>().expect("a time has numbers");
            let fields: Vec<u64> = from.split([':', ',']).map(number).collect();
            start = Some(((fields[0] * 60 + fields[1]) * 60 + fields[2]) * 1_000 + fields[3]);
        } else if let Some(rest) = line.strip_prefix("mark ") {
            let second = rest.split(' ').next().expect("a number");
            assert_eq!(rest.split_once(' ').map(|(_, rest)| rest), Some("& so"));
            let at = start.take().expect("a text has a time");
            found.push((at, second.parse().expect("a number")));
        }
    }
    found
}

#[test]
#[ignore = "needs ffmpeg"]
fn ffmpeg_shows_texts_at_their_time() {
    let _machine = stage::shared();
    let folder = Scratch::new();
    let node = Node::start(&[]);
    let _camera = publish(&node, &folder);
    let multivariant = node.wait_until_live();
    assert!(
        multivariant.contains("TYPE=SUBTITLES,GROUP-ID=\"t\""),
        "{multivariant}"
    );
    thread::sleep(Duration::from_secs(8));
    // Times as they are in the files: the publisher's, one second later. Debian's FFmpeg reads no subtitles of HLS.
    let mut command = Command::new(current_ffmpeg());
    command.args([
        "-hide_banner",
        "-nostdin",
        "-v",
        "error",
        "-live_start_index",
        "0",
        "-copyts",
        "-i",
    ]);
    command.arg(node.url("/live/index.m3u8"));
    command.args(["-t", "8", "-map", "0:s", "-f", "srt", "-"]);
    let shown = run(&mut command, b"");
    let srt = text(&shown.stdout);
    let found = marks(&srt);
    for (at_ms, second) in &found {
        assert!(at_ms.abs_diff(second * 1_000 + 1_000) <= 1, "{srt}");
    }
    // It shows a text once for each segment that it stands in.
    let mut seconds: Vec<u64> = found.iter().map(|(_, second)| *second).collect();
    seconds.dedup();
    println!("marks of seconds {seconds:?}");
    assert!(seconds.is_sorted() && seconds.len() >= 3, "{srt}");
}

#[test]
#[ignore = "needs ffmpeg, chromium, node"]
fn hls_js_shows_texts_at_their_time() {
    let _machine = stage::shared();
    let folder = Scratch::new();
    let node = Node::start(&[]);
    let _camera = publish(&node, &folder);
    node.wait_until_live();
    // Nothing has left the window yet: the first date is that of the first picture.
    let listed = node.get("/live/t0/index.m3u8");
    let first = listed
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:"));
    let first = first.expect("a segment has a date");
    let viewer = Viewer::open(&node.url("/"), &["--captions", first]);
    viewer.wait_until_playing();
    thread::sleep(Duration::from_secs(15));
    let seen = viewer.close();
    seen.assert_undisturbed();
    let captions = &seen.result["captions"];
    assert_eq!(
        captions["tracks"].as_array().map(Vec::len),
        Some(1),
        "{captions}"
    );
    assert_eq!(captions["tracks"][0]["kind"], "subtitles", "{captions}");
    let cues = captions["cues"].as_array().expect("a list");
    println!("hls.js: {captions}");
    let mut seconds = Vec::new();
    for cue in cues {
        let words = cue["text"].as_str().expect("text");
        let second = words
            .strip_prefix("mark ")
            .and_then(|rest| rest.split(' ').next());
        let second: f64 = second
            .and_then(|second| second.parse().ok())
            .expect("a mark");
        assert!(
            words.ends_with("&amp; so\non") || words.ends_with("& so\non"),
            "{words:?}"
        );
        // By the dates of the picture's playlist, from the first picture on.
        let date = cue["since_first_ms"].as_f64().expect("a number");
        assert!(
            (date - second * 1_000.0).abs() <= 60.0,
            "{words:?} at {date} ms"
        );
        assert!((cue["length"].as_f64().expect("a number") - 4.0).abs() < 0.01);
        seconds.push(second);
    }
    assert!(seconds.len() >= 4 && seconds.is_sorted(), "{captions}");
    let mut once = seconds.clone();
    once.dedup();
    assert_eq!(
        once, seconds,
        "each mark is shown once, though it stands in several segments"
    );
    assert_eq!(
        captions["shown"],
        Value::Bool(true),
        "one was active while the page was watched"
    );
}
