//! Plays one file through one property, without a fuzzer: `cargo run --example replay -- PROPERTY FILE`.

use backline_fuzz::PROPERTIES;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, file] = arguments.as_slice() else {
        eprintln!("usage: replay PROPERTY FILE");
        return ExitCode::from(2);
    };
    let Some((_, property)) = PROPERTIES.iter().find(|(known, _)| known == name) else {
        eprintln!(
            "no property {name:?}; there are: {}",
            PROPERTIES
                .iter()
                .map(|(known, _)| *known)
                .collect::<Vec<_>>()
                .join(", ")
        );
        return ExitCode::from(2);
    };
    match std::fs::read(file) {
        Ok(data) => property(&data),
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::from(2);
        }
    }
    println!("{name} holds for {file}");
    ExitCode::SUCCESS
}
