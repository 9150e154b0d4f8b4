//! The log on a file system, and the only code of this crate that touches one.

#![expect(
    clippy::disallowed_types,
    reason = "this module is the one that performs what the log asks for"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::log::{DiskOp, Fault, FileName, Found, Place, READ_MAX, ReadOp, Recovery, Writer};

/// A folder that holds one log. No other process may write there.
///
/// Every call blocks until the disk has answered, a sync for as long as a card takes: give it a thread of its own.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The file that was written last, and the one that was read last.
    writing: Option<(FileName, File)>,
    reading: Option<(FileName, File)>,
    buffer: Vec<u8>,
}

impl Folder {
    /// Opens a folder, and makes it where there is none.
    ///
    /// # Errors
    /// [`Fault::ReadOnly`] where that is not allowed, [`Fault::Io`] for anything else.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        fs::create_dir_all(path).map_err(fault)?;
        Ok(Self {
            path: path.to_path_buf(),
            writing: None,
            reading: None,
            buffer: Vec::new(),
        })
    }

    /// The files of the log, foreign ones left out.
    ///
    /// # Errors
    /// [`Fault`] where the folder cannot be read.
    pub fn files(&self) -> Result<Vec<Found>, Fault> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            if let Some(file) = entry.file_name().to_str().and_then(FileName::parse) {
                let bytes = entry.metadata().map_err(fault)?.len();
                found.push(Found { file, bytes });
            }
        }
        found.sort_by_key(|found| found.file);
        Ok(found)
    }

    /// Answers up to `reads` reads of a recovery; tells whether it is done.
    pub fn recover(&mut self, recovery: &mut Recovery, reads: usize) -> bool {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut done = false;
        for _ in 0..reads {
            let Some(op) = recovery.poll_read() else {
                done = true;
                break;
            };
            let result = self.read(op, &mut buffer);
            recovery.handle_read(result.map(|()| buffer.as_slice()));
        }
        self.buffer = buffer;
        done
    }

    /// Does what a writer asks for, up to `ops` things; tells whether it asks for nothing more.
    pub fn run(&mut self, writer: &mut Writer, now: Instant, ops: usize) -> bool {
        for _ in 0..ops {
            let Some(op) = writer.poll_op() else {
                return true;
            };
            let result = self.perform(&op);
            writer.handle_done(now, result);
        }
        false
    }

    /// Does one thing.
    ///
    /// # Errors
    /// The [`Fault`] for the writer.
    pub fn perform(&mut self, op: &DiskOp) -> Result<(), Fault> {
        match *op {
            DiskOp::Copy {
                from,
                at,
                bytes,
                to,
                to_at,
            } => self.copy(from, at, bytes, to, to_at),
            DiskOp::Create { file, bytes } => {
                self.forget(file);
                let options = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .clone();
                let made = options.open(self.name(file)).map_err(fault)?;
                made.set_len(bytes).map_err(fault)?;
                self.writing = Some((file, made));
                Ok(())
            }
            DiskOp::Delete { file } => {
                self.forget(file);
                match fs::remove_file(self.name(file)) {
                    Err(error) if error.kind() != ErrorKind::NotFound => Err(fault(error)),
                    _ => Ok(()),
                }
            }
            DiskOp::Rename { from, to } => {
                self.forget(from);
                self.forget(to);
                fs::rename(self.name(from), self.name(to)).map_err(fault)
            }
            DiskOp::SyncDir => self.sync_dir(),
            DiskOp::SyncFile { file } => self.writing(file)?.sync_data().map_err(fault),
            DiskOp::Truncate { file, bytes } => self.writing(file)?.set_len(bytes).map_err(fault),
            DiskOp::Write {
                file,
                at,
                ref pieces,
            } => {
                let out = self.writing(file)?;
                out.seek(SeekFrom::Start(at)).map_err(fault)?;
                for piece in pieces {
                    out.write_all(piece).map_err(fault)?;
                }
                Ok(())
            }
        }
    }

    /// Reads into `buffer`, which holds fewer bytes afterwards where the file is shorter.
    ///
    /// # Errors
    /// The [`Fault`] for the recovery.
    pub fn read(&mut self, op: ReadOp, buffer: &mut Vec<u8>) -> Result<(), Fault> {
        buffer.resize(op.bytes.min(READ_MAX), 0);
        let file = self.reading(op.file)?;
        file.seek(SeekFrom::Start(op.at)).map_err(fault)?;
        let mut filled = 0_usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest) {
                Ok(0) => break,
                Ok(bytes) => filled = filled.saturating_add(bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(error)),
            }
        }
        buffer.truncate(filled);
        Ok(())
    }

    /// Reads a payload; nothing where it is not what was written.
    ///
    /// # Errors
    /// [`Fault::Io`] where it cannot be read.
    pub fn payload(&mut self, place: &Place) -> Result<Option<Vec<u8>>, Fault> {
        let mut payload = Vec::new();
        let mut piece = Vec::new();
        let whole = usize::try_from(place.bytes).map_err(|_| Fault::Io)?;
        // Grows with what the file has, whatever the header says.
        while payload.len() < whole {
            let at = place.at.saturating_add(payload.len() as u64);
            let bytes = whole.saturating_sub(payload.len()).min(READ_MAX);
            let file = place.name();
            self.read(ReadOp { file, at, bytes }, &mut piece)?;
            if piece.is_empty() {
                break;
            }
            payload.append(&mut piece);
        }
        Ok(place.holds(&payload).then_some(payload))
    }

    fn copy(
        &mut self,
        from: FileName,
        at: u64,
        bytes: u64,
        to: FileName,
        to_at: u64,
    ) -> Result<(), Fault> {
        self.reading(from)?
            .seek(SeekFrom::Start(at))
            .map_err(fault)?;
        self.writing(to)?
            .seek(SeekFrom::Start(to_at))
            .map_err(fault)?;
        let (Some((_, from)), Some((_, to))) = (&mut self.reading, &mut self.writing) else {
            return Err(Fault::Io);
        };
        let copied = std::io::copy(&mut from.take(bytes), to).map_err(fault)?;
        if copied == bytes {
            Ok(())
        } else {
            Err(Fault::Io)
        }
    }

    /// Only some systems open a folder as a file; the others order such changes themselves.
    fn sync_dir(&self) -> Result<(), Fault> {
        if cfg!(unix) {
            let folder = File::open(&self.path).map_err(fault)?;
            folder.sync_all().map_err(fault)?;
        }
        Ok(())
    }

    fn name(&self, file: FileName) -> PathBuf {
        self.path.join(file.to_string())
    }

    /// Closes a file whose name is about to mean something else.
    fn forget(&mut self, file: FileName) {
        for held in [&mut self.writing, &mut self.reading] {
            if held.as_ref().is_some_and(|(name, _)| *name == file) {
                *held = None;
            }
        }
    }

    fn writing(&mut self, file: FileName) -> Result<&mut File, Fault> {
        let path = self.name(file);
        opened(&mut self.writing, file, || {
            OpenOptions::new().write(true).open(path)
        })
    }

    fn reading(&mut self, file: FileName) -> Result<&mut File, Fault> {
        let path = self.name(file);
        opened(&mut self.reading, file, || File::open(path))
    }
}

fn opened(
    held: &mut Option<(FileName, File)>,
    name: FileName,
    open: impl FnOnce() -> std::io::Result<File>,
) -> Result<&mut File, Fault> {
    let file = match held.take() {
        Some((held, file)) if held == name => file,
        _ => open().map_err(fault)?,
    };
    Ok(&mut held.insert((name, file)).1)
}

fn fault(error: std::io::Error) -> Fault {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Fault::NoSpace
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Fault::ReadOnly,
        _ => Fault::Io,
    }
}
