//! The files of one take while it is recorded.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use backline_hls::RenditionId;
use bytes::Bytes;

use crate::adapt::clock::{file_date, unix_ms};

/// What the files of a take that is not finished end in.
pub(super) const OPEN: &str = ".recording.mp4";
/// A box without a size reaches to the end of the file; players skip one of this name.
const FREE: &[u8; 8] = b"\0\0\0\0free";
/// Room that there must be before a recording goes on after a full disk, so that it does not stop again at once.
const ROOM: usize = 8 << 20;

/// One run of media without a discontinuity: a file a rendition.
#[derive(Debug)]
pub(super) struct Take {
    /// `<folder>/<stage>-<date>`.
    base: PathBuf,
    files: BTreeMap<RenditionId, Fragments>,
    synced: Instant,
}

#[derive(Debug)]
struct Fragments {
    path: PathBuf,
    file: File,
    /// Bytes of whole parts, and of the init segment.
    whole: u64,
    synced: u64,
    parts: u64,
}

impl Take {
    /// Names a take by the time; no file is made before there is something for it.
    pub(super) fn new(folder: &Path, stage: &str) -> Self {
        let date = file_date(unix_ms());
        let mut base = folder.join(format!("{stage}-{date}"));
        // Two in one second.
        for number in 2..100 {
            if !taken(&base) {
                break;
            }
            base = folder.join(format!("{stage}-{date}-{number}"));
        }
        Self {
            base,
            files: BTreeMap::new(),
            synced: Instant::now(),
        }
    }

    /// Appends a part. After an error the file ends with the part before.
    pub(super) fn write(
        &mut self,
        rendition: RenditionId,
        init: &Bytes,
        body: &[Bytes],
    ) -> io::Result<u64> {
        let mut bytes = 0;
        if !self.files.contains_key(&rendition) {
            let path = extended(&self.base, &format!("-{rendition}{OPEN}"));
            let mut fragments = Fragments {
                file: OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(&path)?,
                path,
                whole: 0,
                synced: 0,
                parts: 0,
            };
            let result = fragments.append(std::slice::from_ref(init));
            if result.is_err() {
                let _ = std::fs::remove_file(&fragments.path);
            }
            bytes += result?;
            self.files.insert(rendition, fragments);
        }
        if let Some(fragments) = self.files.get_mut(&rendition) {
            bytes += fragments.part(body)?;
        }
        Ok(bytes)
    }

    /// Puts what was written onto the disk, if that was not done for `every`.
    pub(super) fn sync(&mut self, every: Duration) -> io::Result<()> {
        if self.synced.elapsed() < every {
            return Ok(());
        }
        self.synced = Instant::now();
        for fragments in self.files.values_mut() {
            if fragments.synced < fragments.whole {
                fragments.file.sync_data()?;
                fragments.synced = fragments.whole;
            }
        }
        Ok(())
    }

    /// Ends it; gives the name that its files have in common, and the files, picture first.
    pub(super) fn close(self) -> (PathBuf, Vec<PathBuf>) {
        let mut paths = Vec::new();
        for fragments in self.files.into_values() {
            if fragments.parts == 0 {
                let _ = std::fs::remove_file(&fragments.path);
                continue;
            }
            // What a failure here can cost is known: two seconds, at a power cut.
            let _ = fragments.file.sync_all();
            paths.push(fragments.path);
        }
        (self.base, paths)
    }
}

impl Fragments {
    /// Appends a part so that no reader ever sees a torn one: its bytes go out behind a header that says that the rest
    /// of the file is free, and the real header, eight bytes in one write, takes that one's place when all are there.
    /// FFmpeg 5.1 refuses a whole file for a `moof` that is cut in some places.
    fn part(&mut self, body: &[Bytes]) -> io::Result<u64> {
        let begin = self.whole;
        let Some((first, rest)) = body.split_first() else {
            return Ok(0);
        };
        let Some((header, fields)) = first.split_first_chunk::<8>() else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut slices = vec![Bytes::from_static(FREE), first.slice_ref(fields)];
        slices.extend(rest.iter().cloned());
        let bytes = self.append(&slices)?;
        let result = self
            .file
            .seek(SeekFrom::Start(begin))
            .and_then(|_| self.file.write_all(header))
            .and_then(|()| self.file.seek(SeekFrom::Start(self.whole)));
        result?;
        self.parts += 1;
        Ok(bytes)
    }

    fn append(&mut self, body: &[Bytes]) -> io::Result<u64> {
        let result = write_all(&mut self.file, body);
        match result {
            Ok(bytes) => self.whole += bytes,
            Err(_) => {
                // A torn part would end what players read; there is nothing to be done where this fails too.
                let _ = self.file.set_len(self.whole);
                let _ = self.file.seek(SeekFrom::Start(self.whole));
            }
        }
        result
    }
}

/// Writes all slices, as few times as the system takes them.
fn write_all(file: &mut File, body: &[Bytes]) -> io::Result<u64> {
    let total = body.iter().map(|bytes| bytes.len() as u64).sum();
    let mut slices: Vec<IoSlice<'_>> = body.iter().map(|bytes| IoSlice::new(bytes)).collect();
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}

/// Whether there is room for some seconds at least.
pub(super) fn probe(folder: &Path, stage: &str) -> io::Result<()> {
    let path = folder.join(format!(".{stage}.probe"));
    let result = std::fs::write(&path, vec![0; ROOM]);
    std::fs::remove_file(&path)?;
    result
}

/// `base` with more behind its name.
pub(super) fn extended(base: &Path, more: &str) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(more);
    PathBuf::from(name)
}

fn taken(base: &Path) -> bool {
    let name = base.file_name().unwrap_or_default().to_string_lossy();
    let entries = base.parent().map(std::fs::read_dir);
    let Some(Ok(entries)) = entries else {
        return false;
    };
    entries.flatten().any(|entry| {
        let other = entry.file_name();
        let other = other.to_string_lossy();
        other == format!("{name}.mp4") || other.starts_with(&format!("{name}-"))
    })
}
