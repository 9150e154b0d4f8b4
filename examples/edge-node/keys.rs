//! What survives a restart: the stream keys, and how far the numbering has come.

use std::path::{Path, PathBuf};

use backline_examples::adapt::files::{self, FileError};

/// 24 random bytes: 192 bits, 32 characters.
const KEY_BYTES: usize = 24;
/// RFC 4648, section 5: nothing in it needs escaping in a URL.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A key or mark cannot be made or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the system gives no random bytes for a stream key: {0}; choose a key with --key")]
    Random(getrandom::Error),
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
    let mut random = [0; KEY_BYTES];
    getrandom::fill(&mut random).map_err(KeyError::Random)?;
    let key = encode(&random);
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

fn encode(bytes: &[u8; KEY_BYTES]) -> String {
    let mut text = String::with_capacity(KEY_BYTES / 3 * 4);
    for group in bytes.chunks_exact(3) {
        let bits = group
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for shift in [18, 12, 6, 0] {
            let index = (bits >> shift & 0x3F) as usize;
            text.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'A')));
        }
    }
    text
}

#[cfg(test)]
mod tests;
