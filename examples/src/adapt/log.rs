//! The log on standard error: for people, or one JSON object a line.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::filter::LevelFilter;

/// Form of the log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
#[expect(clippy::exhaustive_enums, reason = "a new form is a new flag")]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts the log. Called once, before anything that logs.
pub fn start(format: Format) {
    let builder = tracing_subscriber::fmt()
        .with_writer(stderr)
        .with_max_level(LevelFilter::INFO)
        .with_target(false);
    match format {
        Format::Text => builder.with_ansi(stderr().is_terminal()).init(),
        Format::Json => builder.json().flatten_event(true).init(),
    }
}
