//! A running `edge-node`.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::http::{self, Response};
use super::process::Process;
use super::tools::{Scratch, run};
use super::within;
use crate::tidy::root;

/// The stream key that the tests give.
pub(crate) const KEY: &str = "a-key-for-tests";

pub(crate) struct Node {
    pub(crate) process: Process,
    pub(crate) rtmp: SocketAddr,
    pub(crate) http: SocketAddr,
    /// Where it speaks TLS, if it was told to.
    pub(crate) https: Option<SocketAddr>,
    data: Scratch,
}

impl Node {
    /// Starts a node on free ports of the loopback interface, with an empty data folder and the tests' key.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut all = vec!["--key", KEY];
        all.extend(arguments);
        Self::start_in(Scratch::new(), &all)
    }

    /// Starts a node in a data folder, and with nothing but the ports set besides `arguments`.
    pub(crate) fn start_in(data: Scratch, arguments: &[&str]) -> Self {
        Self::start_with(data, arguments, &[])
    }

    /// The same with variables of its environment.
    pub(crate) fn start_with(
        data: Scratch,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = command(data.path());
        let process = Process::spawn(command.args(arguments).envs(variables.iter().copied()));
        let (rtmp, http, https) = within(Duration::from_secs(10), "edge-node listens", || {
            let printed = process.stdout();
            let line = printed
                .lines()
                .find_map(|line| line.strip_prefix("listening "))?;
            let address = |name: &str| {
                line.split(' ')
                    .find_map(|word| word.strip_prefix(name)?.parse().ok())
            };
            Some((address("rtmp=")?, address("http=")?, address("https=")))
        });
        Self {
            process,
            rtmp,
            http,
            https,
            data,
        }
    }

    /// Ends it at once, as a power cut does, and gives its data folder back.
    pub(crate) fn kill(self) -> Scratch {
        let Self {
            mut process, data, ..
        } = self;
        process.signal("KILL");
        process.wait(Duration::from_secs(5));
        data
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        http::get(self.http, path)
    }

    /// What a publisher connects to.
    pub(crate) fn publish_url(&self, key: &str) -> String {
        format!("rtmp://{}/live/{key}", self.rtmp)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Waits until the presentation can be played and gives its multivariant playlist.
    pub(crate) fn wait_until_live(&self) -> String {
        within(Duration::from_secs(15), "/live/index.m3u8 is there", || {
            let answer = http::try_get(self.http, "/live/index.m3u8", &[]).ok()?;
            (answer.status == 200).then(|| answer.text().to_owned())
        })
    }

    /// `/api/status` of the stage `live`.
    pub(crate) fn status(&self) -> serde_json::Value {
        let all = self.get("/api/status").json();
        let stages = all["stages"]
            .as_array()
            .unwrap_or_else(|| panic!("/api/status has stages: {all}"));
        stages
            .iter()
            .find(|stage| stage["name"] == "live")
            .unwrap_or_else(|| panic!("no stage live: {all}"))
            .clone()
    }

    /// The value of a metric whose line begins with `series`; 0 when there is none yet.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = self.get("/metrics");
        text.text()
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(name, _)| *name == series || name.split('{').next() == Some(series))
            .filter_map(|(_, value)| value.parse::<f64>().ok())
            .sum()
    }
}

/// The command that starts a node on free loopback ports.
pub(crate) fn command(data: &Path) -> Command {
    let mut command = Command::new(binary());
    command
        .args(["--rtmp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
        .arg(data);
    command
}

/// The node of the same profile as this test, or the one that `BACKLINE_EDGE_NODE` names.
pub(crate) fn binary() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match env::var_os("BACKLINE_EDGE_NODE") {
        Some(named) => named.into(),
        None => example("edge-node"),
    })
}

/// An example of the same profile as this test, built now if it is not.
pub(crate) fn example(name: &str) -> PathBuf {
    // `cargo test` builds the example's own tests but not the program. The whole workspace is named so that
    // its dependencies are those that are built already.
    let this = env::current_exe().expect("a test knows where it is");
    // target/<profile>/deps/it-0123 -> target/<profile>/examples/<name>
    let folder = this
        .ancestors()
        .nth(2)
        .expect("a test stands in target/<profile>/deps");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--quiet",
        "--workspace",
        "--example",
        name,
        "--profile",
        profile,
    ]);
    if cfg!(feature = "archive") {
        cargo.args(["--features", "backline-examples/archive"]);
    }
    cargo
        .arg("--target-dir")
        .arg(folder.parent().expect("a profile stands in target/"))
        .current_dir(root());
    run(&mut cargo, b"");
    folder.join("examples").join(name)
}
