//! The example `edge-node` as a child process.

use super::process::{SERVER_CPU, pinned};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The stream key that the node is started with.
pub const KEY: &str = "scoreboard";

/// A node that ends with this value.
#[derive(Debug)]
pub struct Node {
    child: Child,
    data: PathBuf,
    /// Where viewers connect.
    pub http: SocketAddr,
    /// Where publishers connect.
    pub rtmp: SocketAddr,
}

impl Node {
    /// Starts the node on free ports, built by cargo where cargo started us.
    ///
    /// # Errors
    ///
    /// A sentence that says what is missing.
    pub fn start() -> Result<Self, String> {
        Self::start_with(Command::new(Self::program()?))
    }

    /// The same on one processor, [`SERVER_CPU`].
    ///
    /// # Errors
    ///
    /// A sentence that says what is missing.
    pub fn start_pinned() -> Result<Self, String> {
        Self::start_with(pinned(SERVER_CPU, &Self::program()?))
    }

    fn start_with(mut command: Command) -> Result<Self, String> {
        let data = std::env::temp_dir().join(format!("backline-scoreboard-{}", std::process::id()));
        std::fs::create_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
        let mut child = command
            .args([
                "--rtmp",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
                "--key",
                KEY,
                "--data",
            ])
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let mut lines =
            BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.starts_with("listening ")));
        // The rest of its output is of no interest, but its pipe must not close.
        std::thread::spawn(move || lines.for_each(drop));
        let line = line.ok_or("edge-node ended before it said where it listens")?;
        let address = |name: &str| {
            let word = line
                .split_whitespace()
                .find_map(|word| word.strip_prefix(name));
            word.and_then(|word| word.parse().ok())
                .ok_or_else(|| format!("no {name} in {line:?}"))
        };
        let (rtmp, http) = (address("rtmp=")?, address("http=")?);
        Ok(Self {
            child,
            data,
            http,
            rtmp,
        })
    }

    /// The program beside this one.
    ///
    /// # Errors
    ///
    /// A sentence that says how it is built.
    pub fn program() -> Result<PathBuf, String> {
        if let Some(cargo) = std::env::var_os("CARGO") {
            let mut build = Command::new(cargo);
            build.current_dir(env!("CARGO_MANIFEST_DIR"));
            build.args([
                "build",
                "--quiet",
                "--release",
                "--package",
                "backline-examples",
                "--example",
                "edge-node",
            ]);
            if !build.status().is_ok_and(|status| status.success()) {
                return Err("edge-node does not build".to_owned());
            }
        }
        let exe = std::env::current_exe().map_err(|error| error.to_string())?;
        let path = exe.with_file_name("examples").join("edge-node");
        if path.is_file() {
            Ok(path)
        } else {
            Err("edge-node is not built: cargo build --release -p backline-examples --example edge-node".to_owned())
        }
    }

    /// The process id, for what the system knows about it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The body of a GET; an empty text if the status is not 200.
    #[must_use]
    pub fn get(&self, path: &str) -> String {
        let body = get(self.http, path).unwrap_or_default();
        String::from_utf8_lossy(&body).into_owned()
    }

    /// The value of a counter, summed over its labels.
    #[must_use]
    pub fn counter(&self, name: &str) -> f64 {
        let metrics = self.get("/metrics");
        let of = metrics.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with([' ', '{']))
        });
        let values: Vec<f64> = of
            .filter_map(|line| {
                line.rsplit_once(' ')
                    .and_then(|(_, value)| value.parse().ok())
            })
            .collect();
        assert!(!values.is_empty(), "/metrics has no {name}");
        values.iter().sum()
    }

    /// Asks for `path` until it is there, for at most ten seconds.
    ///
    /// # Errors
    ///
    /// A sentence that names the path.
    pub fn wait_for(&self, path: &str) -> Result<String, String> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            let body = self.get(path);
            if !body.is_empty() {
                return Ok(body);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("{path} did not come within 10 s"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        std::fs::remove_dir_all(&self.data).ok();
    }
}

/// The body of a GET.
///
/// # Errors
///
/// A sentence if there is no answer, or the head of one whose status is not 200.
pub fn get(http: SocketAddr, path: &str) -> Result<Vec<u8>, String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    TcpStream::connect(http)
        .and_then(|mut stream| {
            stream.write_all(request.as_bytes())?;
            stream.read_to_end(&mut answer)
        })
        .map_err(|error| format!("{http}{path}: {error}"))?;
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = answer.split_off(head.map_or(0, |head| head + 4));
    if answer.starts_with(b"HTTP/1.1 200") {
        Ok(body)
    } else {
        Err(String::from_utf8_lossy(&answer).into_owned())
    }
}
