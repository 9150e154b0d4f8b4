//! Programs that we did not write.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

/// Debian's FFmpeg.
pub(crate) const DEBIAN: &str = "ffmpeg";

/// The current static FFmpeg, which `.ci/install` brings.
pub(crate) fn current() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let script = "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())";
        let found = run(&python(), &["-c", script], &[]);
        String::from_utf8(found).unwrap().trim().to_owned()
    })
}

/// The Python that `.ci/install` brings, with its packages.
pub(crate) fn python() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/peers/venv/bin/python");
    python.to_str().unwrap().to_owned()
}

/// Runs a program on `input` to its end, which has to be a good one; returns what it writes.
pub(crate) fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}; run .ci/install"));
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    });
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// An FLV file of two seconds that a program writes: its arguments between the inputs and the output say how.
pub(crate) fn recording(program: &str, codecs: &str) -> Vec<u8> {
    let inputs = "-v error -f lavfi -i testsrc2=s=320x180:r=30 -f lavfi -i sine=r=48000 -t 2";
    let arguments: Vec<&str> = inputs
        .split_ascii_whitespace()
        .chain(codecs.split_ascii_whitespace())
        .chain(["-f", "flv", "pipe:1"])
        .collect();
    run(program, &arguments, &[])
}

/// What FFmpeg makes of a file: a line for each packet of each stream, with a hash of its bytes.
pub(crate) fn frame_hashes(file: &[u8]) -> String {
    let arguments = "-v error -i pipe:0 -map 0 -c copy -f framehash pipe:1";
    let arguments: Vec<&str> = arguments.split_ascii_whitespace().collect();
    String::from_utf8(run(current(), &arguments, file)).unwrap()
}
