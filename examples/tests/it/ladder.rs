//! A ladder without transcoding: an encoder's several pictures become one aligned multivariant presentation.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::collect::{self, Rendition};
use crate::harness::node::{KEY, Node};
use crate::harness::process::Process;
use crate::harness::tools::{FFPROBE, current_ffmpeg, node_modules, run, text};
use crate::harness::{lint, readers, stage, within};
use crate::tidy::root;

const SIZES: [&str; 3] = ["640x360", "426x240", "256x144"];

/// FFmpeg with one film in several sizes, one sound, as Enhanced RTMP with a track for each. OBS does the same with the
/// configuration that edge-node gives it; it cannot run here.
fn publish(url: &str, sizes: &[&str]) -> Process {
    let mut command = Command::new(current_ffmpeg());
    command.args(["-hide_banner", "-nostdin", "-v", "warning"]);
    for input in ["testsrc2=s=640x360:r=30", "sine=r=48000"] {
        command.args(["-re", "-f", "lavfi", "-i", input]);
    }
    for _ in sizes {
        command.args(["-map", "0:v"]);
    }
    command.args(["-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast"]);
    command.args([
        "-tune",
        "zerolatency",
        "-g",
        "60",
        "-sc_threshold",
        "0",
        "-pix_fmt",
        "yuv420p",
    ]);
    for (track, size) in sizes.iter().enumerate() {
        command.args([format!("-s:v:{track}").as_str(), size]);
    }
    Process::spawn(command.args(["-c:a", "aac", "-f", "flv", url]))
}

/// Plays the audience page in Chromium and goes through its levels.
pub(crate) fn levels(url: &str) -> Value {
    let mut command = Command::new("node");
    command.arg(root().join("examples/tests/browser/levels.mjs"));
    command.args([url, "/usr/bin/chromium"]).arg(node_modules());
    let printed = text(&run(&mut command, b"").stdout);
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// The presentation time of each key frame in the segments of a rendition, in microseconds.
fn key_frames(rendition: &Rendition) -> Vec<u64> {
    let (init, segments) = rendition.playable();
    let bytes = [&[init], segments.as_slice()].concat().concat();
    let mut command = Command::new(FFPROBE);
    command.args([
        "-v",
        "error",
        "-select_streams",
        "v",
        "-show_entries",
        "packet=pts_time,flags",
    ]);
    let printed = text(&run(command.args(["-of", "csv=p=0", "-i", "pipe:0"]), &bytes).stdout);
    let keys = printed.lines().filter(|line| line.contains(",K"));
    keys.map(|line| {
        let seconds = line.split(',').next().unwrap_or(line);
        seconds
            .replace('.', "")
            .parse()
            .unwrap_or_else(|_| panic!("{line}"))
    })
    .collect()
}

/// When each segment begins, by the wall clock in milliseconds, and how long it is.
fn segments(rendition: &Rendition) -> BTreeMap<u64, (Option<i64>, u64)> {
    let closed = rendition.newest().segments.iter();
    closed
        .map(|segment| (segment.msn, (segment.date, segment.duration)))
        .collect()
}

/// Waits until the ladder can be played and gives its multivariant playlist.
fn multivariant(server: SocketAddr, variants: usize) -> String {
    within(Duration::from_secs(20), "the ladder can be played", || {
        let answer = crate::harness::http::try_get(server, "/live/index.m3u8", &[]).ok()?;
        let all = answer.text().matches("#EXT-X-STREAM-INF").count() == variants;
        (answer.status == 200 && all).then(|| answer.text().to_owned())
    })
}

#[test]
#[ignore = "needs ffmpeg"]
fn mv_1_2_4_5_7_multitrack_becomes_an_aligned_ladder() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let _camera = publish(&node.publish_url(KEY), &SIZES);
    let list = multivariant(node.http, SIZES.len());
    for size in SIZES {
        assert!(list.contains(&format!("RESOLUTION={size}")), "{list}");
    }
    assert_eq!(list.matches("TYPE=AUDIO").count(), 1, "{list}");
    let recording = collect::record(node.http, Duration::from_secs(10));
    let uris: Vec<_> = recording
        .renditions
        .iter()
        .map(|one| one.uri.as_str())
        .collect();
    for uri in [
        "v0/index.m3u8",
        "v1/index.m3u8",
        "v2/index.m3u8",
        "a0/index.m3u8",
    ] {
        assert!(uris.contains(&uri), "{uri} of {uris:?}");
    }
    let mut found = lint::findings(&recording);
    found.extend(readers::findings(&recording));
    assert!(found.is_empty(), "{}", found.join("\n"));
    let pictures: Vec<_> = recording
        .renditions
        .iter()
        .filter(|one| one.uri.starts_with('v'))
        .collect();
    let (lead, followers) = pictures.split_first().expect("there are pictures");
    let (first, keys) = (segments(lead), key_frames(lead));
    assert!(keys.len() >= 3, "{keys:?}");
    for follower in followers {
        let uri = &follower.uri;
        let mut common = 0;
        for (msn, of_this) in segments(follower) {
            let Some(of_lead) = first.get(&msn) else {
                continue;
            };
            assert_eq!(of_this, *of_lead, "{uri}, segment {msn}: date and duration");
            common += 1;
        }
        assert!(common >= 3, "{uri}: {common} segments in common");
        let other = key_frames(follower);
        let shared = keys.iter().filter(|key| other.contains(key)).count();
        assert!(
            shared + 1 >= keys.len().min(other.len()),
            "{uri}: key frames at {other:?} and {keys:?}"
        );
    }
}

#[test]
#[ignore = "needs ffmpeg, chromium, node"]
fn hls_js_goes_through_all_levels_of_a_ladder() {
    let _machine = stage::alone();
    let node = Node::start(&[]);
    let _camera = publish(&node.publish_url(KEY), &SIZES);
    multivariant(node.http, SIZES.len());
    let seen = levels(&node.url("/"));
    println!("{seen}");
    let found = seen["levels"].as_array().expect("levels");
    assert_eq!(found.len(), SIZES.len(), "{seen}");
    assert_eq!(
        seen["switched"].as_array().map(Vec::len),
        Some(2 * SIZES.len())
    );
    let errors = seen["errors"].as_array().expect("errors");
    assert!(errors.iter().all(|error| error[1] == false), "{errors:?}");
    assert_eq!(seen["console"], serde_json::json!([]));
}

#[test]
#[ignore = "needs ffmpeg"]
fn mv_6_a_publisher_with_fewer_pictures_comes_back_to_the_ladder() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let camera = publish(&node.publish_url(KEY), &SIZES[..2]);
    multivariant(node.http, 2);
    drop(camera);
    let _camera = publish(&node.publish_url(KEY), &SIZES[..1]);
    within(Duration::from_secs(15), "the picture is back", || {
        let media = collect::playlist(node.http, "v0/index.m3u8", None).media;
        media.has_return().then_some(())
    });
    // The other picture stays in the ladder, and what is missing of it is listed as absent.
    assert_eq!(node.get("/live/v1/index.m3u8").status, 200);
    within(Duration::from_secs(10), "absent parts are listed", || {
        node.get("/live/v1/index.m3u8")
            .text()
            .contains("GAP")
            .then_some(())
    });
}
