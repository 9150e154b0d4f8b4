//! What `edge-node` costs before anyone publishes: to build, on disk, in memory.

use crate::live::Node;
use crate::report::{Progress, Report, Row, Target};
use std::process::Command;
use std::time::{Duration, Instant};

const MB: f64 = 1e6;

/// Adds the rows; `full` also builds everything from nothing.
pub(super) fn score(
    report: &mut Report,
    progress: &mut Progress,
    full: bool,
) -> Result<(), String> {
    if full {
        progress.show("a clean build of edge-node");
        report.rows.push(clean_build()?);
    } else {
        report
            .notes
            .push("a clean build is timed with --full".to_owned());
    }
    let program = Node::program()?;
    let size = std::fs::metadata(&program)
        .map_err(|error| error.to_string())?
        .len();
    report.rows.push(
        Row::cost("edge-node, stripped", size as f64 / MB, "MB").target(Target::AtMost(12.0)),
    );
    progress.show("an idle edge-node");
    let node = Node::start()?;
    node.wait_for("/healthz")?;
    std::thread::sleep(Duration::from_millis(1000));
    report.rows.push(
        Row::cost("edge-node, idle, resident", resident(node.pid())?, "MB")
            .target(Target::AtMost(15.0)),
    );
    Ok(())
}

/// Into a folder of its own, with the processors that there are.
fn clean_build() -> Result<Row, String> {
    let cargo = std::env::var_os("CARGO")
        .ok_or("a clean build needs cargo: start the scoreboard with cargo run")?;
    let folder = std::env::temp_dir().join(format!("backline-build-{}", std::process::id()));
    let begun = Instant::now();
    let built = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "backline-examples",
            "--example",
            "edge-node",
        ])
        .arg("--target-dir")
        .arg(&folder)
        .status();
    let took = begun.elapsed().as_secs_f64();
    std::fs::remove_dir_all(&folder).ok();
    if !built.is_ok_and(|status| status.success()) {
        return Err("edge-node does not build".to_owned());
    }
    Ok(Row::cost("clean release build of edge-node", took, "s").target(Target::AtMost(120.0)))
}

/// What the kernel says is in memory, in megabytes.
fn resident(pid: u32) -> Result<f64, String> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .and_then(|kib| kib.trim().parse::<f64>().ok());
    kib.map(|kib| kib * 1024.0 / MB)
        .ok_or_else(|| format!("{path} has no VmRSS"))
}
