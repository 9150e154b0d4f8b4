//! Rules about the text of this crate.

use std::fs;
use std::path::{Path, PathBuf};

/// Those that have a clock, which is `std::time::Instant`, and the buffer that is written by vectored I/O.
const WITH_STD: [&str; 5] = [
    "client",
    "report/meter.rs",
    "server",
    "session",
    "transmit.rs",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn rtmp_02_modules_without_a_clock_use_core_and_alloc_alone() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&source, &mut found);
    assert!(found.len() > 50, "{} files", found.len());
    for path in found {
        let place = path.strip_prefix(&source).unwrap();
        if WITH_STD.iter().any(|with_std| place.starts_with(with_std)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let odd = text.lines().find(|line| line.contains("std::"));
        assert_eq!(odd, None, "{}", place.display());
    }
}
