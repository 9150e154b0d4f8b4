//! A running `edge-cache`.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::http::{self, Response};
use super::node::example;
use super::process::Process;
use super::within;

pub(crate) struct Pop {
    pub(crate) process: Process,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Pop {
    /// Starts it in front of a plain origin, on free ports of the loopback interface.
    pub(crate) fn start(origin: SocketAddr, arguments: &[&str]) -> Self {
        let origin = format!("http://{origin}");
        static PATH: OnceLock<std::path::PathBuf> = OnceLock::new();
        let mut command = Command::new(PATH.get_or_init(|| example("edge-cache")));
        command.args(["--origin", &origin, "--http", "127.0.0.1:0"]);
        command.args(["--admin", "127.0.0.1:0"]).args(arguments);
        let process = Process::spawn(&mut command);
        let (http, admin) = within(Duration::from_secs(10), "edge-cache listens", || {
            let printed = process.stdout();
            let line = printed
                .lines()
                .find_map(|line| line.strip_prefix("listening "))?;
            let address = |name: &str| {
                line.split(' ')
                    .find_map(|word| word.strip_prefix(name)?.parse().ok())
            };
            Some((address("http=")?, address("admin=")?))
        });
        Self {
            process,
            http,
            admin,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        http::get(self.http, path)
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        http::get_with(self.http, path, headers)
    }

    /// What `Cache-Status` says of an answer.
    pub(crate) fn said(answer: &Response) -> &str {
        answer.header("cache-status").unwrap_or("nothing")
    }

    /// The value of a metric whose line begins with `series`; 0 when there is none yet.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = http::get(self.admin, "/metrics");
        text.text()
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(name, _)| *name == series || name.split('{').next() == Some(series))
            .filter_map(|(_, value)| value.parse::<f64>().ok())
            .sum()
    }
}
