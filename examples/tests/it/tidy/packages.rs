//! Rules about the shape of crates and of the examples' folders.

use std::collections::BTreeSet;

use super::{crate_names, files, none, read, root};

#[test]
fn every_crate_has_its_papers() {
    let mut missing = Vec::new();
    for name in crate_names() {
        for paper in [
            "README.md",
            "CHANGELOG.md",
            "deps.txt",
            "src/error.rs",
            "src/limits.rs",
            "tests/it/main.rs",
        ] {
            if !root().join("crates").join(&name).join(paper).is_file() {
                missing.push(format!("crates/{name}/{paper}"));
            }
        }
        let library = read(&format!("crates/{name}/src/lib.rs"));
        if !library.contains("#![doc = include_str!(\"../README.md\")]") {
            missing.push(format!(
                "crates/{name}/src/lib.rs does not take its documentation from README.md"
            ));
        }
    }
    for paper in [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "LICENSE",
        "README.md",
    ] {
        if !root().join(paper).is_file() {
            missing.push(paper.to_owned());
        }
    }
    none("missing", &missing);
}

#[test]
fn changelogs_are_of_one_shape() {
    let mut found = Vec::new();
    for name in crate_names() {
        let path = format!("crates/{name}/CHANGELOG.md");
        let text = read(&path);
        if text.lines().next() != Some("# Changelog") {
            found.push(format!("{path} does not begin with `# Changelog`"));
        }
        let versions: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .collect();
        if versions.is_empty() {
            found.push(format!("{path} has no version"));
        }
        for (place, version) in versions.iter().enumerate() {
            let dated = version.split_once(" - ").is_some_and(|(number, date)| {
                number.split('.').count() == 3 && date.len() == 10 && date.split('-').count() == 3
            });
            if !(dated || (place == 0 && *version == "Unreleased")) {
                let wanted = "`Unreleased` on top or a version like `1.2.3 - 2026-01-31`";
                found.push(format!("{path}: `## {version}` is not {wanted}"));
            }
        }
    }
    none("changelogs", &found);
}

/// The backline crates that a file's code names.
fn named(path: &str) -> BTreeSet<String> {
    let text = read(path);
    crate_names()
        .into_iter()
        .filter(|name| text.contains(&name.replace('-', "_")))
        .collect()
}

#[test]
fn an_adapter_serves_one_crate_at_most() {
    let found: Vec<String> = files()
        .into_iter()
        .filter(|path| path.starts_with("examples/src/adapt/") && path.ends_with(".rs"))
        .filter(|path| named(path).len() > 1)
        .map(|path| format!("{path} names {:?}", named(&path)))
        .collect();
    none(
        "what joins two crates belongs to examples/src/compose/",
        &found,
    );
}

#[test]
fn a_composition_joins_the_two_crates_of_its_name_and_has_a_test() {
    let mut found = Vec::new();
    let mut seen = 0;
    for path in files()
        .iter()
        .filter(|path| path.starts_with("examples/src/compose/") && path.ends_with(".rs"))
    {
        let place = path
            .trim_start_matches("examples/src/compose/")
            .trim_end_matches(".rs");
        // `a_b/tests.rs` is the test of `a_b.rs`.
        if place == "mod" || place.contains('/') {
            continue;
        }
        seen += 1;
        let joined: BTreeSet<String> = place
            .split('_')
            .map(|part| format!("backline-{part}"))
            .collect();
        if joined.len() != 2 || named(path) != joined {
            found.push(format!("{path} names {:?}", named(path)));
        }
        let tested = read(path).contains("#[test]")
            || files().iter().any(|other| {
                other.starts_with(&format!("examples/src/compose/{place}/"))
                    && read(other).contains("#[test]")
            });
        if !tested {
            found.push(format!("{path} has no test"));
        }
    }
    assert!(seen > 0, "examples/src/compose/ is empty");
    none("compositions", &found);
}

/// The variants of each public enum of an `error.rs`, as ("Enum", "Variant"). rustfmt puts a variant four columns in.
fn variants(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut current: Option<&str> = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("pub enum ") {
            current = rest.split([' ', '<', '{']).next();
        } else if line == "}" {
            current = None;
        } else if let (Some(name), Some(body)) = (current, line.strip_prefix("    "))
            && body.starts_with(|first: char| first.is_ascii_uppercase())
        {
            let variant: String = body
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric())
                .collect();
            all.push((name.to_owned(), variant));
        }
    }
    all
}

/// What of a crate is test code: tests/, files named for tests, and what stands behind `#[cfg(test)]`.
fn test_code(name: &str) -> String {
    let mut code = String::new();
    for path in files().iter().filter(|path| path.ends_with(".rs")) {
        let Some(inside) = path.strip_prefix(&format!("crates/{name}/")) else {
            continue;
        };
        if inside.starts_with("tests/")
            || inside.ends_with("/tests.rs")
            || inside.contains("/tests/")
        {
            code.push_str(&read(path));
        } else if let Some((_, tests)) = read(path).split_once("#[cfg(test)]") {
            code.push_str(tests);
        }
    }
    code
}

fn names_variant(code: &str, variant: &str) -> bool {
    code.match_indices(variant).any(|(at, _)| {
        !code[at + variant.len()..]
            .starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
    })
}

#[test]
fn every_error_is_reached_by_a_test() {
    let mut unreached = Vec::new();
    let mut seen = 0;
    for name in crate_names() {
        let code = test_code(&name);
        for (owner, variant) in variants(&read(&format!("crates/{name}/src/error.rs"))) {
            seen += 1;
            if !names_variant(&code, &format!("{owner}::{variant}")) {
                unreached.push(format!("{name}: {owner}::{variant}"));
            }
        }
    }
    assert!(seen > 0, "no error variant was found");
    none("no test names these errors", &unreached);
}

#[test]
fn errors_hold_no_strings() {
    let mut found = Vec::new();
    for name in crate_names() {
        let path = format!("crates/{name}/src/error.rs");
        for (number, line) in (1..).zip(read(&path).lines()) {
            if !line.trim_start().starts_with("//") && names_variant(line, ": String") {
                found.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    none("an error's fields are typed", &found);
}

#[test]
fn every_exception_to_the_sans_io_ban_is_in_the_architecture() {
    let architecture = read("ARCHITECTURE.md");
    let found: Vec<String> = files()
        .into_iter()
        .filter(|path| {
            path.starts_with("crates/") && path.ends_with(".rs") && path.contains("/src/")
        })
        .filter(|path| {
            read(path).contains("clippy::disallowed_") && !architecture.contains(path.as_str())
        })
        .collect();
    none(
        "modules that touch the system and are not in ARCHITECTURE.md",
        &found,
    );
}

#[test]
fn no_lint_is_switched_off_without_being_expected() {
    let attribute = concat!("allow", "(");
    let found: Vec<String> = files()
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .flat_map(|path| {
            let lines: Vec<String> = read(&path)
                .lines()
                .filter(|line| line.trim_start().starts_with('#') && line.contains(attribute))
                .map(|line| format!("{path}: {}", line.trim()))
                .collect();
            lines
        })
        .collect();
    none("use #[expect(.., reason = \"..\")]", &found);
}
