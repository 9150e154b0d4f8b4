//! Small files that must survive a power cut: whole or not at all, and secret where they hold a key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file of the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {}: {source}; check that the directory exists and is writable, or choose another with --data", path.display())]
pub struct FileError {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    fn new(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self { verb, path, source }
    }
}

/// Makes `path` and its parents, readable by the owner alone.
///
/// # Errors
///
/// The directory cannot be made.
pub fn make_dir(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(FileError::new("make", path))
}

/// Reads a small text file; `None` when there is none. A power cut may leave any bytes: what is not UTF-8 stands as
/// U+FFFD, so whoever reads finds it damaged.
///
/// # Errors
///
/// The file exists and cannot be read.
pub fn read(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new("read", path)(error)),
    }
}

/// Replaces `path` by `text` in one step, readable by the owner alone (mode 0600). After a power cut
/// the file holds either the old text or the new one.
///
/// # Errors
///
/// The file cannot be written; what was there before is untouched.
pub fn replace(path: &Path, text: &str) -> Result<(), FileError> {
    let temporary = path.with_extension("new");
    let write = || -> io::Result<()> {
        // Left over from a crash; it was never the real file.
        if let Err(error) = fs::remove_file(&temporary)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        // The rename lasts only once its directory is on the disk.
        File::open(path.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()
    };
    write().map_err(FileError::new("write", path))
}

#[cfg(test)]
mod tests;
