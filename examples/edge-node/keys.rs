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

/// Numbers that a stage gives out and that must never go back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Numbers {
    /// Media sequence number.
    pub(crate) msn: u64,
    /// Discontinuity sequence number. It stays small: hls.js counts through all of them.
    pub(crate) discontinuity: u64,
}

/// The numbers that a stage may have shown before a restart, kept on disk before they are used, so that
/// they never go back even on a box that wakes up in 1970.
#[derive(Debug)]
pub(crate) struct Mark {
    path: PathBuf,
    reserved: Numbers,
}

/// Numbers reserved at once: about two minutes of segments, and more publishers than come in that time.
const RESERVE: Numbers = Numbers {
    msn: 64,
    discontinuity: 16,
};

impl Mark {
    /// Opens the mark of stage `name`; returns it and the first numbers that were never used.
    pub(crate) fn open(data: &Path, name: &str) -> Result<(Self, Numbers), KeyError> {
        files::make_dir(data)?;
        let path = data.join(format!("{name}.mark"));
        let text = files::read(&path)?.unwrap_or_default();
        let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
        let reserved = Numbers {
            msn: numbers.next().unwrap_or(0),
            discontinuity: numbers.next().unwrap_or(0),
        };
        Ok((Self { path, reserved }, reserved))
    }

    /// Reserves numbers beyond `used` when those on disk run out. Touches the disk, so it is called
    /// from a thread that may wait.
    pub(crate) fn raise(&mut self, used: Numbers) -> Result<(), KeyError> {
        if used.msn + RESERVE.msn / 2 >= self.reserved.msn
            || used.discontinuity + RESERVE.discontinuity / 2 >= self.reserved.discontinuity
        {
            let reserved = Numbers {
                msn: used.msn + RESERVE.msn,
                discontinuity: used.discontinuity + RESERVE.discontinuity,
            };
            let Numbers { msn, discontinuity } = reserved;
            files::replace(&self.path, &format!("{msn} {discontinuity}\n"))?;
            self.reserved = reserved;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
