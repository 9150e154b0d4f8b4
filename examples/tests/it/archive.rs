//! `--archive` against an S3 server that we did not write: moto, of PyPI.

use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::harness::http;
use crate::harness::node::{KEY, Node};
use crate::harness::process::Process;
use crate::harness::publisher::Camera;
use crate::harness::tools::{Scratch, free_port, python, run, text};
use crate::harness::{stage, within};

const SECRET: &str = "a-secret-that-nobody-may-read-in-a-log";

/// A server with one bucket named `nights`.
struct Store {
    at: SocketAddr,
    _process: Process,
}

impl Store {
    fn start() -> Self {
        let port = free_port();
        let store = Self {
            at: SocketAddr::from(([127, 0, 0, 1], port)),
            _process: Process::spawn(
                Command::new(python())
                    .args(["-m", "moto.server", "-H", "127.0.0.1", "-p"])
                    .arg(port.to_string()),
            ),
        };
        within(Duration::from_secs(40), "moto listens", || {
            http::try_get(store.at, "/", &[]).ok().map(|_| ())
        });
        let anybody = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::nights/*"}]}"#;
        for (path, body) in [("/nights", ""), ("/nights?policy", anybody)] {
            let mut command = Command::new("curl");
            command.args(["-sSf", "-X", "PUT", "-H", "Content-Type: application/json"]);
            run(command.args(["--data", body, &store.url(path)]), b"");
        }
        store
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// Names of all objects.
    fn keys(&self) -> Vec<String> {
        let listing = http::get(self.at, "/nights?list-type=2");
        let listing = listing.text().to_owned();
        let mut keys: Vec<String> = listing
            .split("<Key>")
            .skip(1)
            .filter_map(|rest| rest.split_once("</Key>"))
            .map(|(key, _)| key.to_owned())
            .collect();
        keys.sort();
        keys
    }

    fn variables(endpoint: &str) -> [(&str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "an-access-key"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ]
    }
}

fn archiving(endpoint: &str) -> Node {
    let arguments = ["--key", KEY, "--archive", "s3://nights/2026"];
    Node::start_with(Scratch::new(), &arguments, &Store::variables(endpoint))
}

#[test]
#[ignore = "needs ffmpeg, curl, python"]
fn a_show_is_in_the_storage_whole_and_plays_from_there() {
    let _machine = stage::shared();
    let store = Store::start();
    let endpoint = store.url("");
    let mut node = archiving(&endpoint);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    within(Duration::from_secs(40), "five segments are stored", || {
        (node.metric("backline_archive_stored_total") >= 8.0).then_some(())
    });
    node.process.signal("INT");
    let status = node.process.wait(Duration::from_secs(40));
    let said = node.process.stderr();
    assert!(
        status.success() && said.contains("the archive is complete"),
        "{said}"
    );
    assert!(!said.contains(SECRET), "{said}");
    let keys = store.keys();
    let show = keys
        .iter()
        .find_map(|key| key.strip_suffix("/m0/index.m3u8"))
        .expect("a playlist of the rendition");
    assert!(show.starts_with("2026/live/"), "{show}");
    assert!(
        keys.iter()
            .any(|key| key.contains("/m0/i") && key.ends_with(".mp4"))
    );
    let segments = keys.iter().filter(|key| key.ends_with(".m4s")).count();
    let playlist = http::get(store.at, &format!("/nights/{show}/m0/index.m3u8"));
    let playlist = playlist.text();
    assert!(playlist.contains("#EXT-X-PLAYLIST-TYPE:VOD"), "{playlist}");
    assert_eq!(playlist.matches("#EXTINF").count(), segments, "{keys:?}");
    assert!(playlist.ends_with("#EXT-X-ENDLIST\n"));
    let output = run(
        Command::new("ffprobe")
            .args(["-v", "error", "-count_packets", "-select_streams", "v"])
            .args(["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"])
            .arg(store.url(&format!("/nights/{show}/index.m3u8"))),
        b"",
    );
    let packets = text(&output.stdout);
    let packets: usize = packets
        .lines()
        .next()
        .and_then(|line| line.trim_end_matches(',').parse().ok())
        .expect("a number");
    assert!(packets > 150, "{packets}");
}

/// A storage that is away costs nothing but what it misses, and that is said once.
#[test]
#[ignore = "needs ffmpeg, curl, python"]
fn a_storage_that_is_away_does_not_stop_the_show() {
    let _machine = stage::shared();
    let endpoint = format!("http://127.0.0.1:{}", free_port());
    let node = archiving(&endpoint);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    node.wait_until_live();
    let parts = node.metric("backline_hls_parts_total");
    thread::sleep(Duration::from_secs(5));
    assert!(node.metric("backline_hls_parts_total") - parts > 15.0);
    within(Duration::from_secs(90), "what is missed is counted", || {
        (node.metric("backline_archive_dropped_total") >= 1.0).then_some(())
    });
    let said = node.process.stderr();
    assert_eq!(
        said.matches("the archive does not take objects").count(),
        1,
        "{said}"
    );
    assert!(!said.contains(SECRET));
}

#[test]
fn an_address_that_is_none_is_said() {
    let data = Scratch::new();
    let mut command = crate::harness::node::command(data.path());
    let output = crate::harness::tools::try_run(command.args(["--archive", "nights"]), b"");
    assert!(text(&output.stderr).contains("s3://BUCKET/PREFIX"));
    assert_eq!(output.status.code(), Some(2));
}
