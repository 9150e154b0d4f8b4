//! The stream keys, which survive a restart.

use std::path::Path;

use backline_examples::adapt::files::{self, FileError};
use backline_examples::adapt::random::{self, RandomError};

/// A key cannot be made or kept.
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

#[cfg(test)]
mod tests;
