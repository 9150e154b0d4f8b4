//! Rules about the text of files.

use std::fs;

use super::{files, none, read, root};

const LINES_MAX: usize = 800;
const LIB_LINES_MAX: usize = 100;
const CODE_COLUMNS_MAX: usize = 120;
/// A message, a table row of words or a sample of bytes reads better on one line than in pieces.
const LITERAL_COLUMNS_MAX: usize = 160;
const PROSE_COLUMNS_MAX: usize = 160;
const BYTES_MAX: u64 = 256 * 1024;

/// Written by tools, to their own taste.
const GENERATED: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// Hosts that a link may name: specifications and our own repository. A package comes by its name, never by an address.
const LINKED_HOSTS: [&str; 12] = [
    "127.0.0.1",
    "datatracker.ietf.org",
    "doc.rust-lang.org",
    "docs.rs",
    "github.com",
    "keepachangelog.com",
    "localhost",
    "rtmp.veriskope.com",
    "semver.org",
    "veovera.org",
    "www.rfc-editor.org",
    "www.w3.org",
];

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, extension)| extensions.contains(&extension))
}

fn is_code(path: &str) -> bool {
    path.starts_with(".ci/") || has_extension(path, &["rs", "mjs", "js", "css", "html", "py", "sh"])
}

fn is_generated(path: &str) -> bool {
    GENERATED.iter().any(|name| path.ends_with(name))
}

fn is_text(path: &str) -> bool {
    !is_generated(path) && (is_code(path) || has_extension(path, &["md", "toml", "json", "txt"]))
}

/// Each line of each text file that `kept` keeps, as ("path:line", text).
fn lines(kept: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for path in files().iter().filter(|path| kept(path)) {
        for (number, line) in (1..).zip(read(path).lines()) {
            all.push((format!("{path}:{number}"), line.to_owned()));
        }
    }
    assert!(!all.is_empty(), "no file has such a line");
    all
}

#[test]
fn files_are_short_enough_to_read() {
    let mut long = Vec::new();
    for path in files().iter().filter(|path| is_code(path)) {
        let count = read(path).lines().count();
        let library = path.starts_with("crates/") || path.starts_with("examples/");
        let most = if library && path.ends_with("src/lib.rs") {
            LIB_LINES_MAX
        } else {
            LINES_MAX
        };
        if count > most {
            long.push(format!("{path} has {count} lines, {most} at most"));
        }
    }
    none("files are too long", &long);
}

#[test]
fn lines_fit_the_screen() {
    let long = |most: usize| {
        move |(place, line): (String, String)| {
            let columns = line.chars().count();
            (columns > most).then(|| format!("{place} has {columns} columns, {most} at most"))
        }
    };
    let mut found: Vec<String> = lines(is_code)
        .into_iter()
        .filter_map(|line| {
            long(if line.1.contains('"') {
                LITERAL_COLUMNS_MAX
            } else {
                CODE_COLUMNS_MAX
            })(line)
        })
        .collect();
    for path in files().iter().filter(|path| has_extension(path, &["md"])) {
        let mut in_code = false;
        for (number, line) in (1..).zip(read(path).lines()) {
            in_code ^= line.trim_start().starts_with("```");
            // A command is pasted as it stands and a table row cannot be broken.
            if !in_code && !line.starts_with('|') {
                found.extend(long(PROSE_COLUMNS_MAX)((
                    format!("{path}:{number}"),
                    line.to_owned(),
                )));
            }
        }
    }
    none("lines are too long", &found);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("dbg", "!("),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("console", ".log("),
    ];
    let found: Vec<String> = lines(is_text)
        .into_iter()
        .filter(|(_, line)| words.iter().any(|word| line.contains(word)))
        .map(|(place, line)| format!("{place}: {}", line.trim()))
        .collect();
    none("something is left for later", &found);
}

#[test]
fn no_file_knows_the_machine_that_it_was_written_on() {
    let paths = [
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/tm", "p/"),
    ];
    let found: Vec<String> = lines(is_text)
        .into_iter()
        .filter(|(_, line)| paths.iter().any(|path| line.contains(path)))
        .map(|(place, line)| format!("{place}: {}", line.trim()))
        .collect();
    none("paths of one machine", &found);
}

#[test]
fn links_lead_to_specifications_and_packages_come_by_name() {
    let mut found = Vec::new();
    // The lock file of npm counts: an address in it would bind every machine to one registry.
    for (place, line) in lines(|path| is_text(path) || path.ends_with("package-lock.json")) {
        for (at, scheme) in line
            .match_indices("http://")
            .chain(line.match_indices("https://"))
        {
            let rest = line.get(at + scheme.len()..).unwrap_or_default();
            let host: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
                .collect();
            // Without a dot it is a placeholder (HOST, {address}), not a name that anything resolves.
            if host.contains('.') && host != "0.0.0.0" && !LINKED_HOSTS.contains(&host.as_str()) {
                found.push(format!("{place}: {host}"));
            }
        }
    }
    none("addresses outside of the known ones", &found);
}

#[test]
fn no_large_file_is_committed() {
    let large: Vec<String> = files()
        .into_iter()
        .filter_map(|path| {
            let bytes = fs::metadata(root().join(&path))
                .expect("the file is there")
                .len();
            (bytes > BYTES_MAX).then(|| format!("{path} has {bytes} bytes, {BYTES_MAX} at most"))
        })
        .collect();
    none("files are too large", &large);
}

#[test]
fn an_ignored_test_names_the_tool_that_it_needs() {
    let attribute = concat!("#[ig", "nore");
    let found: Vec<String> = lines(|path| has_extension(path, &["rs"]))
        .into_iter()
        .filter(|(_, line)| line.trim_start().starts_with(attribute))
        .filter(|(_, line)| {
            !line
                .trim_start()
                .starts_with(&format!("{attribute} = \"needs "))
        })
        .map(|(place, line)| format!("{place}: {}", line.trim()))
        .collect();
    none("tests are ignored without the tool that they need", &found);
}

#[test]
fn the_readme_has_the_test_command() {
    let readme = read("README.md");
    let (_, after) = readme
        .split_once("<!-- test-command -->\n```sh\n")
        .expect("README.md marks its test command");
    let (command, _) = after.split_once("\n```").expect("the block ends");
    assert_eq!(
        command.lines().count(),
        1,
        "one line that can be pasted: {command}"
    );
    for part in [
        ".ci/install",
        "cargo test --workspace --features backline-examples/archive -- --include-ignored",
        "fuzz/Cargo.toml",
    ] {
        assert!(command.contains(part), "{command}: no {part}");
    }
}
