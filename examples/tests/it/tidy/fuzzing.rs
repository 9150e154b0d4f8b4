//! Rules about `fuzz/`: a property without a target or a seed is a claim that nobody checks.

use std::fs;

use super::{files, none, read, root};

const TARGET_LINES_MAX: usize = 12;

#[test]
fn every_fuzz_property_has_a_target_and_a_corpus() {
    let manifest: toml::Table = read("fuzz/Cargo.toml")
        .parse()
        .expect("fuzz/Cargo.toml is TOML");
    let targets: Vec<String> = manifest["bin"]
        .as_array()
        .expect("fuzz/Cargo.toml has bins")
        .iter()
        .map(|bin| bin["name"].as_str().expect("a bin has a name").to_owned())
        .collect();
    let mut found = Vec::new();
    let mut code = String::new();
    for target in &targets {
        let path = format!("fuzz/fuzz_targets/{target}.rs");
        if !root().join(&path).is_file() {
            found.push(format!("{path} is missing"));
            continue;
        }
        let text = read(&path);
        if text.lines().count() > TARGET_LINES_MAX {
            found.push(format!(
                "{path} is longer than {TARGET_LINES_MAX} lines: the property belongs to fuzz/src/"
            ));
        }
        code.push_str(&text);
        let seeds =
            fs::read_dir(root().join("fuzz/corpus").join(target)).map_or(0, Iterator::count);
        if seeds == 0 {
            found.push(format!("fuzz/corpus/{target}/ has no seed"));
        }
    }
    for path in files() {
        if let Some(target) = path
            .strip_prefix("fuzz/fuzz_targets/")
            .and_then(|name| name.strip_suffix(".rs"))
            && !targets.iter().any(|known| known == target)
        {
            found.push(format!("{path} is not in fuzz/Cargo.toml"));
        }
        if path.starts_with("fuzz/src/") {
            for property in properties(&read(&path)) {
                if !code.contains(&property) {
                    found.push(format!("{path}: no target calls {property}"));
                }
            }
        }
    }
    none("fuzz", &found);
}

/// The public functions that take a fuzzer's bytes.
fn properties(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("pub fn "))
        .filter(|rest| rest.contains("&[u8])"))
        .filter_map(|rest| rest.split('(').next())
        .map(str::to_owned)
        .collect()
}
