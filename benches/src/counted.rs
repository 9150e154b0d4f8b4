//! Asks the program `allocations`, which stands beside the scoreboard, for its counts.

use crate::report::{Figure, Report, Row, Target};
use std::path::PathBuf;
use std::process::Command;

/// Adds a row for each thing that is counted in `area`; `target` is told its name.
pub fn score(report: &mut Report, area: &str, target: impl Fn(&str) -> Option<Target>) {
    let Some(program) = program() else {
        report.notes.push(
            "allocations were not counted: cargo build --release -p backline-benches builds what is missing".to_owned(),
        );
        return;
    };
    let output = Command::new(program)
        .arg(area)
        .output()
        .expect("allocations can be started");
    assert!(
        output.status.success(),
        "allocations {area}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("its names are text");
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines() {
        let [name, who, value] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("an odd line: {line}")
        };
        let what = format!("allocations, {name}");
        let value: f64 = value.parse().expect("a count");
        match rows.last_mut().filter(|row| row.what == what) {
            None => {
                let row = Row::cost(what, value, "");
                rows.push(Row {
                    target: target(name),
                    ..row
                });
            }
            // Names of peers are the only ones that are not ours, and they are known for as long as the program runs.
            Some(row) => row.peers.push(Figure {
                who: who.to_owned().leak(),
                value,
            }),
        }
    }
    report
        .rows
        .extend(rows.into_iter().map(|row| row.against([])));
}

/// The program beside this one; cargo is asked to build it where cargo started us, so that it is never an old one.
fn program() -> Option<PathBuf> {
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        build.args([
            "build",
            "--quiet",
            "--package",
            "backline-benches",
            "--bin",
            "allocations",
        ]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(
            build.status().expect("cargo can be started").success(),
            "allocations does not build"
        );
    }
    let path = std::env::current_exe().ok()?.with_file_name("allocations");
    path.is_file().then_some(path)
}
