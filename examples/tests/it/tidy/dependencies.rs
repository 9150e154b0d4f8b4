//! Rules about what depends on what, and under which licence.

use serde_json::Value;

use super::{crate_names, metadata, none, read};

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn packages(metadata: &Value) -> &[Value] {
    metadata["packages"]
        .as_array()
        .expect("metadata has packages")
}

#[test]
fn no_library_crate_depends_on_another() {
    let metadata = metadata("Cargo.toml", &["--no-deps"]);
    let names = crate_names();
    let mut arrows = Vec::new();
    let mut seen = 0;
    for package in packages(&metadata)
        .iter()
        .filter(|package| names.iter().any(|name| name == text(package, "name")))
    {
        seen += 1;
        for dependency in package["dependencies"]
            .as_array()
            .expect("a package has dependencies")
        {
            // Tests of a crate count: what needs two crates stands in examples/.
            if text(dependency, "name").starts_with("backline") {
                arrows.push(format!(
                    "{} -> {}",
                    text(package, "name"),
                    text(dependency, "name")
                ));
            }
        }
    }
    assert_eq!(
        seen,
        names.len(),
        "each folder of crates/ is named as its crate"
    );
    none(
        "the crates form a star, with no arrow between any two",
        &arrows,
    );
}

#[test]
fn deps_txt_is_what_cargo_knows() {
    let metadata = metadata("Cargo.toml", &["--no-deps"]);
    let mut found = Vec::new();
    for name in crate_names() {
        let package = packages(&metadata)
            .iter()
            .find(|package| text(package, "name") == name)
            .expect("a member");
        let mut actual: Vec<String> = package["dependencies"]
            .as_array()
            .expect("a package has dependencies")
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| {
                let requirement = text(dependency, "req").trim_start_matches('^');
                let optional = if dependency["optional"] == true {
                    " (optional)"
                } else {
                    ""
                };
                format!("{} {requirement}{optional}", text(dependency, "name"))
            })
            .collect();
        actual.sort();
        let listed = read(&format!("crates/{name}/deps.txt"));
        if listed.lines().ne(actual.iter().map(String::as_str)) {
            found.push(format!(
                "crates/{name}/deps.txt should be:\n{}",
                actual.join("\n")
            ));
        }
    }
    none("deps.txt", &found);
}

/// Whether a licence expression (SPDX) can be satisfied with the licences allowed.
fn allowed(expression: &str, licences: &[String]) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let verdict = either(&words, &mut at, licences);
    assert_eq!(at, words.len(), "not a licence expression: {expression}");
    verdict
}

fn either(words: &[&str], at: &mut usize, licences: &[String]) -> bool {
    let mut verdict = both(words, at, licences);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        verdict |= both(words, at, licences);
    }
    verdict
}

fn both(words: &[&str], at: &mut usize, licences: &[String]) -> bool {
    let mut verdict = one(words, at, licences);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        verdict &= one(words, at, licences);
    }
    verdict
}

fn one(words: &[&str], at: &mut usize, licences: &[String]) -> bool {
    let Some(word) = words.get(*at) else {
        return false;
    };
    *at += 1;
    if *word == "(" {
        let verdict = either(words, at, licences);
        *at += 1;
        return verdict;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{word} WITH {}", words[*at + 1]);
        *at += 2;
    }
    licences.contains(&licence)
}

/// The licences that all packages may have, and those of named packages besides.
fn licences_of_deny_toml() -> (Vec<String>, Vec<(String, Vec<String>)>) {
    let deny: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    let list = |value: &toml::Value| -> Vec<String> {
        value["allow"]
            .as_array()
            .expect("an array of licences")
            .iter()
            .map(|licence| licence.as_str().expect("a licence is a string").to_owned())
            .collect()
    };
    let licenses = &deny["licenses"];
    let exceptions = licenses.get("exceptions").and_then(toml::Value::as_array);
    let exceptions = exceptions.into_iter().flatten().map(|exception| {
        let name = exception["crate"].as_str().expect("a package's name");
        (name.to_owned(), list(exception))
    });
    (list(licenses), exceptions.collect())
}

#[test]
fn licence_expressions_are_understood() {
    let licences = [
        "MIT".to_owned(),
        "Apache-2.0 WITH LLVM-exception".to_owned(),
        "Zlib".to_owned(),
    ];
    for (expression, verdict) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT/GPL-3.0", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Zlib", true),
        ("GPL-3.0 OR Apache-2.0 WITH LLVM-exception", true),
        ("GPL-3.0 OR Apache-2.0", false),
    ] {
        assert_eq!(allowed(expression, &licences), verdict, "{expression}");
    }
}

#[test]
fn licences_are_those_of_deny_toml() {
    let (licences, exceptions) = licences_of_deny_toml();
    let mut refused = Vec::new();
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let metadata = metadata(manifest, &["--all-features"]);
        for package in packages(&metadata) {
            let licence = text(package, "license");
            let name = text(package, "name");
            let excepted = exceptions
                .iter()
                .any(|(other, more)| other == name && allowed(licence, more));
            if licence.is_empty() || !(excepted || allowed(licence, &licences)) {
                refused.push(format!(
                    "{} {}: {licence:?}",
                    text(package, "name"),
                    text(package, "version")
                ));
            }
        }
    }
    refused.sort();
    refused.dedup();
    none("licences that deny.toml does not allow", &refused);
}
