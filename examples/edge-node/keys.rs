//! What survives a restart: the stream keys, and how far the numbering has come.

use std::path::{Path, PathBuf};

use backline_examples::adapt::files::{self, FileError};
use backline_examples::adapt::random::{self, RandomError};

/// A key or mark cannot be made or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{0}; choose a stream key with --key")]
    Random(#[from] RandomError),
}

/// Reads the kept key of stage `name`, or makes one and keeps it in `data`. Tells whether it is new.
pub(crate) fn keep(data: &Path, name: &str) -> Result<(String, bool), KeyError> {
    files::make_dir(data)?;
    let path = data.join(format!("{name}.key"));
    if let Some(kept) = files::read(&path)? {
        let kept = kept.trim();
        if super::options::is_key(kept) {
            return Ok((kept.to_owned(), false));
        }
        tracing::warn!(file = %path.display(), "the kept stream key is damaged; a new one is made");
    }
    let key = random::secret()?;
    files::replace(&path, &format!("{key}\n"))?;
    Ok((key, true))
}

/// The highest media sequence number that a stage may have shown before a restart, kept on disk before it
/// is used, so that numbers never go back even on a box that wakes up in 1970.
#[derive(Debug)]
pub(crate) struct Mark {
    path: PathBuf,
    reserved: u64,
}

/// Numbers reserved at once: about two minutes, so the disk is written that often.
const RESERVE: u64 = 64;

impl Mark {
    /// Opens the mark of stage `name`; returns it and the first number that was never used.
    pub(crate) fn open(data: &Path, name: &str) -> Result<(Self, u64), KeyError> {
        files::make_dir(data)?;
        let path = data.join(format!("{name}.mark"));
        let reserved = files::read(&path)?
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
        Ok((Self { path, reserved }, reserved))
    }

    /// Reserves numbers beyond `used` when those on disk run out. Touches the disk, so it is called
    /// from a thread that may wait.
    pub(crate) fn raise(&mut self, used: u64) -> Result<(), KeyError> {
        if used + RESERVE / 2 >= self.reserved {
            let reserved = used + RESERVE;
            files::replace(&self.path, &format!("{reserved}\n"))?;
            self.reserved = reserved;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
