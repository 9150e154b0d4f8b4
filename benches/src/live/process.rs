//! Child processes of a run.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Where servers run when they are compared on one processor.
pub const SERVER_CPU: &str = "0";
const PATIENCE: Duration = Duration::from_secs(30);

/// A child that ends with this value.
#[derive(Debug)]
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts a program that talks on its standard output.
///
/// # Errors
///
/// A sentence that names the command.
pub fn spawn(mut command: Command) -> Result<(Process, BufReader<ChildStdout>), String> {
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let mut process = Process(child);
    let output = process.0.stdout.take().ok_or("no standard output")?;
    Ok((process, BufReader::new(output)))
}

/// The next line that it says.
///
/// # Errors
///
/// A sentence if there is none.
pub fn line(output: &mut BufReader<ChildStdout>) -> Result<String, String> {
    let mut line = String::new();
    match output.read_line(&mut line) {
        Ok(1..) => Ok(line.trim().to_owned()),
        _ => Err("a program of the run ended early".to_owned()),
    }
}

/// `taskset` replaces itself by the program, so that the process id is the program's.
#[must_use]
pub fn pinned(cpu: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", cpu]).arg(program);
    command
}

/// An address of the loopback interface that nobody listens on.
///
/// # Errors
///
/// What the system said.
pub fn free_port() -> Result<SocketAddr, String> {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    socket.map_err(|error| error.to_string())
}

/// Waits until somebody listens.
///
/// # Errors
///
/// A sentence that names who does not.
pub fn listens(address: SocketAddr, who: &str) -> Result<(), String> {
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{who} does not listen: .ci/install"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
