//! The slate's file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use backline_hls::progressive::read_slate;
use backline_hls::{Error, FileProblem, Limits, Slate};

/// Reads a slate.
///
/// # Errors
///
/// The file cannot be opened or read, or is no slate.
pub fn read(path: &Path) -> Result<Slate, Error> {
    let file = File::open(path).map_err(|error| Error::File {
        at: 0,
        problem: FileProblem::Io { kind: error.kind() },
    })?;
    read_slate(BufReader::new(file), &Limits::default())
}
