//! Child processes that never outlive their test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::within;

/// A running program. What it prints is kept, and it is killed when this is dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::spawn_reading(Stdio::piped(), command)
    }

    /// Spawns a program and another one that reads what it writes.
    pub(crate) fn pipe(first: &mut Command, second: &mut Command) -> [Self; 2] {
        let name = first.get_program().to_string_lossy().into_owned();
        let spawned = first
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let second =
            Self::spawn_reading(child.stdout.take().expect("stdout is piped").into(), second);
        let stderr = Arc::default();
        let readers = vec![keep(
            child.stderr.take().expect("stderr is piped"),
            Arc::clone(&stderr),
        )];
        [
            Self {
                name,
                stdin: None,
                child,
                stdout: Arc::default(),
                stderr,
                readers,
            },
            second,
        ]
    }

    fn spawn_reading(stdin: Stdio, command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{name} does not start ({error}); .ci/install installs what the tests need")
            });
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![
            keep(
                child.stdout.take().expect("stdout is piped"),
                Arc::clone(&stdout),
            ),
            keep(
                child.stderr.take().expect("stderr is piped"),
                Arc::clone(&stderr),
            ),
        ];
        Self {
            name,
            stdin: child.stdin.take(),
            child,
            stdout,
            stderr,
            readers,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed to standard output so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.lock().expect("a reader panicked").clone()
    }

    /// What it has printed to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().expect("a reader panicked").clone()
    }

    /// Closes its standard input, which some programs take for the order to finish.
    pub(crate) fn close_stdin(&mut self) {
        drop(self.stdin.take());
    }

    /// Sends a signal by name ("TERM", "KILL", "STOP", "CONT").
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.id().to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "kill -{name} {} ({})",
            self.id(),
            self.name
        );
    }

    /// Waits for its end and for all that it printed.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("{} ends", self.name);
        let child = &mut self.child;
        let status = within(limit, &what, || {
            child.try_wait().expect("a child can be waited for")
        });
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader panicked");
        }
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            eprintln!(
                "--- {} printed:\n{}{}",
                self.name,
                tail(&self.stdout()),
                tail(&self.stderr())
            );
        }
    }
}

/// The last lines, which tell why a test failed.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(40);
    lines[from..]
        .iter()
        .map(|line| format!("{line}\n"))
        .collect()
}

fn keep(stream: impl Read + Send + 'static, kept: Arc<Mutex<String>>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|bytes| bytes > 0)
        {
            kept.lock()
                .expect("the owner panicked")
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}
