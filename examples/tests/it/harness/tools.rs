//! Where the foreign programs are, and how they are run to their end.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io::Write, thread};

use crate::tidy::root;

/// Debian's FFmpeg 5.1.
pub(crate) const FFMPEG: &str = "ffmpeg";
pub(crate) const FFPROBE: &str = "ffprobe";

/// The Python that `.ci/install` made, with m3u8 and `prometheus_client`.
pub(crate) fn python() -> PathBuf {
    let python = root().join("target/peers/venv/bin/python");
    assert!(
        python.is_file(),
        "{} is missing: run .ci/install",
        python.display()
    );
    python
}

/// The current static FFmpeg, from the package `imageio-ffmpeg`.
pub(crate) fn current_ffmpeg() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let script = "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())";
        let found = run(Command::new(python()).args(["-c", script]), b"");
        text(&found.stdout).trim().to_owned()
    })
}

/// Where npm put hls.js and playwright-core.
pub(crate) fn node_modules() -> PathBuf {
    let modules = root().join("examples/web/node_modules");
    assert!(
        modules.join("playwright-core").is_dir(),
        "playwright-core is missing: run .ci/install"
    );
    modules
}

/// Runs a program on `input` to its end; it has to succeed.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    let output = try_run(command, input);
    assert!(
        output.status.success(),
        "{} {}: {}\n{}",
        command.get_program().to_string_lossy(),
        command
            .get_args()
            .map(OsStr::to_string_lossy)
            .collect::<Vec<_>>()
            .join(" "),
        output.status,
        text(&output.stderr)
    );
    output
}

/// Runs a program on `input` to its end.
pub(crate) fn try_run(command: &mut Command, input: &[u8]) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{name} does not start ({error}); .ci/install installs what the tests need")
        });
    let mut stdin = child.stdin.take().expect("stdin is piped");
    thread::scope(|scope| {
        // Written beside the reading, or both sides would wait for the other. A program that has read enough may close.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("a child can be waited for")
    })
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A port that was free a moment ago, for a program that cannot be given port 0.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))
        .expect("the loopback interface has a free port");
    listener.local_addr().expect("it is bound").port()
}

/// A folder that goes with its test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("backline-it-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a scratch folder can be made");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays behind in the system's temporary folder harms nobody.
        drop(fs::remove_dir_all(&self.0));
    }
}
