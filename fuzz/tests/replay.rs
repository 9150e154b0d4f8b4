//! Plays every file of the corpus through every property, without a fuzzer.

use backline_fuzz::PROPERTIES;
use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The files of a folder, in order.
fn files(folder: PathBuf) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    files
}

#[test]
fn every_property_has_a_seed_and_every_seed_a_property() {
    let known: BTreeSet<String> = PROPERTIES
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let found: BTreeSet<String> = files(corpus())
        .iter()
        .map(|path| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(known, found);
    for name in &known {
        assert!(
            !files(corpus().join(name)).is_empty(),
            "corpus/{name} is empty"
        );
    }
}

#[test]
fn every_property_holds_for_every_file_of_the_corpus() {
    let mut broken = Vec::new();
    for file in files(corpus()).into_iter().flat_map(files) {
        let data = fs::read(&file).expect("a readable file");
        for (name, property) in PROPERTIES {
            if catch_unwind(|| property(&data)).is_err() {
                broken.push(format!("{name} with {}", file.display()));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "{} are broken:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn properties_hold_for_nothing_and_for_all_ones() {
    for (_, property) in PROPERTIES {
        property(&[]);
        for length in [1, 2, 3, 17, 300] {
            property(&vec![0; length]);
            property(&vec![0xFF; length]);
        }
    }
}
