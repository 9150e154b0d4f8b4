//! The command line of the scoreboard.

use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Arguments {
    /// The area to score, one of [`AREAS`].
    pub area: String,
    /// Exit with 1 when a target is missed.
    pub check: bool,
    /// A folder with recorded data, if there is one.
    pub data: Option<PathBuf>,
    /// Also the rows that take longer than the usual 50 seconds.
    pub full: bool,
    /// Print JSON instead of a table.
    pub json: bool,
    /// A file of requests to evict by, if there is one.
    pub trace: Option<PathBuf>,
}

/// The areas that there are, in the order of the help.
pub const AREAS: [(&str, &str); 4] = [
    (
        "rtmp",
        "chunk demuxing and muxing, the whole server session",
    ),
    (
        "hls",
        "fragments, 500 held viewers, a publisher that returns",
    ),
    ("ingest", "1,000 publishers in real time, beside nginx-rtmp"),
    (
        "cache",
        "hits of the live window, misses of the orders of eviction",
    ),
];

/// What the command line came to.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "both ways a command line can end well"
)]
pub enum Parsed {
    /// Print [`usage`] and leave.
    Help,
    /// Score.
    Run(Arguments),
}

/// Reads the arguments, without the program's name.
///
/// # Errors
///
/// A sentence that names the argument and says what was expected.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Parsed, String> {
    let mut area = None;
    let mut run = Arguments {
        area: String::new(),
        check: false,
        data: None,
        full: false,
        json: false,
        trace: None,
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-h" | "--help" => return Ok(Parsed::Help),
            "--check" => run.check = true,
            "--full" => run.full = true,
            "--json" => run.json = true,
            "--data" => match arguments.next() {
                Some(folder) => run.data = Some(PathBuf::from(folder)),
                None => return Err("--data needs a folder after it".to_owned()),
            },
            "--trace" => match arguments.next() {
                Some(file) => run.trace = Some(PathBuf::from(file)),
                None => return Err("--trace needs a file after it".to_owned()),
            },
            flag if flag.starts_with('-') => return Err(format!("no such option: {flag}")),
            name if AREAS.iter().any(|(known, _)| *known == name) && area.is_none() => {
                area = Some(argument);
            }
            name if area.is_some() => {
                return Err(format!("one area at a time, and {name} is a second"));
            }
            name => return Err(format!("no such area: {name}")),
        }
    }
    run.area = area.ok_or_else(|| "no area is named".to_owned())?;
    if run.trace.is_some() && run.area != "cache" {
        return Err("--trace belongs to the area cache".to_owned());
    }
    Ok(Parsed::Run(run))
}

/// The help text.
#[must_use]
pub fn usage() -> String {
    let mut text = String::from(
        "Compares backline with its peers in one run, on this machine.\n\n\
         usage: scoreboard <area> [--check] [--full] [--json] [--data DIR] [--trace FILE]\n\n",
    );
    for (name, what) in AREAS {
        text += &format!("  {name:<10} {what}\n");
    }
    text += "\n  --check    exit with 1 when a target is missed\n  \
             --full     also the slow rows (more than 50 seconds)\n  \
             --json     one JSON object instead of a table\n  \
             --data DIR recorded data to score on (default: ../shared/data where it exists)\n  \
             --trace FILE requests to evict by, comma-separated with a header (area cache)\n\n\
             Exit codes: 0 scored, 1 a target was missed (--check), 2 the command line is wrong.\n";
    text
}

#[cfg(test)]
mod tests;
