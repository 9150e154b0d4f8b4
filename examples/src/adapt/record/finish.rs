//! Takes that are over: one progressive MP4 out of the fragments.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use backline_hls::progressive::ProgressiveWriter;
use backline_hls::{Error, FileProblem, Limits};

use super::Figures;
use super::take::{OPEN, extended};

/// What the file of a take is called whose codecs stay in fragments.
const KEPT: &str = ".fragmented.mp4";
/// What a file is called that has no beginning.
const TORN: &str = ".torn";
/// What is shorter and has no init segment holds nothing.
const INIT_MAX: u64 = 16 << 10;
/// A box that is larger is none of ours.
const BOX_MAX: u64 = 1 << 30;

/// A file cannot be finished.
#[derive(Debug, thiserror::Error)]
enum FinishError {
    #[error(transparent)]
    Hls(#[from] Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The threads that finish takes.
#[derive(Debug)]
pub(super) struct Finishers {
    stage: String,
    figures: Arc<Figures>,
    threads: Vec<JoinHandle<()>>,
}

impl Finishers {
    pub(super) const fn new(stage: String, figures: Arc<Figures>) -> Self {
        Self {
            stage,
            figures,
            threads: Vec::new(),
        }
    }

    /// Finishes a take of these files in a thread of its own.
    pub(super) fn start(&mut self, (base, paths): (PathBuf, Vec<PathBuf>)) {
        self.threads.retain(|thread| !thread.is_finished());
        if paths.is_empty() {
            return;
        }
        let (stage, figures) = (self.stage.clone(), Arc::clone(&self.figures));
        let thread = std::thread::Builder::new()
            .name(format!("finish {stage}"))
            .spawn(move || finish(&stage, &base, &paths, &figures));
        match thread {
            Ok(thread) => self.threads.push(thread),
            Err(error) => {
                tracing::warn!(stage = %self.stage, %error, "a recording stays in fragments until the next start");
            }
        }
    }

    /// Finishes what a process before this one left behind.
    pub(super) fn leftovers(&mut self, folder: &Path) {
        let mut takes: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let ours = name.strip_prefix(&format!("{}-", self.stage));
            let ours = ours.filter(|rest| is_dated(rest));
            if let Some(rest) = ours.and_then(|_| name.strip_suffix(OPEN))
                && let Some((base, _)) = rest.rsplit_once('-')
            {
                takes.entry(folder.join(base)).or_default().push(path);
            }
        }
        for (base, mut paths) in takes {
            // Picture first: a0, m0, v0.
            paths.sort();
            paths.reverse();
            tracing::info!(stage = %self.stage, take = %base.display(), "a recording that was cut off is finished");
            self.start((base, paths));
        }
    }

    /// Waits for all of them.
    pub(super) fn wait(self) {
        if self.threads.iter().any(|thread| !thread.is_finished()) {
            tracing::info!(stage = %self.stage, "finishing the recording; a second Ctrl-C leaves that to the next start");
        }
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

fn finish(stage: &str, base: &Path, paths: &[PathBuf], figures: &Figures) {
    let paths = &readable(stage, paths);
    if paths.is_empty() {
        return;
    }
    let (unfinished, finished) = (extended(base, ".new"), extended(base, ".mp4"));
    // No take begins under a name that is there, so this one was finished when the process was killed. Some of its
    // fragments may be gone already: what is left of them must not take its place.
    if finished.exists() {
        remove(stage, paths);
        return;
    }
    let result = join(paths, &unfinished).and_then(|()| {
        std::fs::rename(&unfinished, &finished)?;
        let folder = finished.parent().unwrap_or_else(|| Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(())
    });
    match result {
        Ok(()) => {
            remove(stage, paths);
            figures.finished.fetch_add(1, Ordering::Relaxed);
            tracing::info!(%stage, file = %finished.display(), "the recording is finished");
        }
        Err(FinishError::Hls(Error::File {
            problem: FileProblem::Codec { entry },
            ..
        })) => {
            let _ = std::fs::remove_file(&unfinished);
            for path in paths {
                if let Err(error) = trim(path) {
                    tracing::warn!(%stage, file = %path.display(), %error, "the end of a recording may be torn");
                }
                let name = path.to_string_lossy();
                let kept = name.strip_suffix(OPEN).map(|name| format!("{name}{KEPT}"));
                let _ = kept.map(|kept| std::fs::rename(path, kept));
            }
            tracing::info!(
                %stage, take = %base.display(), codec = %entry.escape_ascii(),
                "the recording stays fragmented: only H.264 and AAC-LC become a progressive MP4; players and FFmpeg read it as it is"
            );
        }
        Err(error) => {
            let _ = std::fs::remove_file(&unfinished);
            tracing::warn!(
                %stage, take = %base.display(), %error,
                "the recording stays in fragments, which play as they are; the next start tries again"
            );
        }
    }
}

/// Removes the fragments of a take that is finished.
fn remove(stage: &str, paths: &[PathBuf]) {
    for path in paths {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!(%stage, file = %path.display(), %error, "this file is not needed any more and cannot be removed");
        }
    }
}

/// The files that begin with an init segment. After a power cut one of them may be empty or have lost its beginning:
/// that must not keep the others from being finished, so an empty one goes, and one that nothing can read is set aside.
fn readable(stage: &str, paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut readable = Vec::new();
    for path in paths {
        let init = Source::open(path).and_then(|mut source| Ok((source.until(*b"moov")?, source)));
        match init {
            Ok((None, source)) if source.size <= INIT_MAX => {
                tracing::warn!(%stage, file = %path.display(), "this file of a recording is empty, as after a power cut; the others are finished");
                let _ = std::fs::remove_file(path);
            }
            Ok((None, _)) => {
                tracing::warn!(%stage, file = %path.display(), "this file of a recording has lost its beginning; it is set aside, and the others are finished");
                let name = path.to_string_lossy();
                let aside = name.strip_suffix(OPEN).map(|name| format!("{name}{TORN}"));
                let _ = aside.map(|aside| std::fs::rename(path, aside));
            }
            // What cannot be read now is said where it is read again.
            Ok((Some(_), _)) | Err(_) => readable.push(path.clone()),
        }
    }
    readable
}

/// Reads the fragments side by side, the one that lags first, and writes what they hold.
fn join(paths: &[PathBuf], into: &Path) -> Result<(), FinishError> {
    let mut sources = Vec::new();
    for path in paths {
        sources.push(Source::open(path)?);
    }
    let mut inits = Vec::new();
    for source in &mut sources {
        inits.push(source.until(*b"moov")?.unwrap_or_default());
    }
    let inits: Vec<&[u8]> = inits.iter().map(Vec::as_slice).collect();
    let file = BufWriter::with_capacity(1 << 20, File::create(into)?);
    let mut writer = ProgressiveWriter::new(file, &inits, Limits::default())?;
    loop {
        let lags = sources
            .iter_mut()
            .enumerate()
            .filter(|(_, source)| source.at < source.size)
            .min_by_key(|(_, source)| {
                (u128::from(source.at) << 64) / u128::from(source.size.max(1))
            });
        let Some((index, source)) = lags else {
            break;
        };
        match source.until(*b"mdat")? {
            Some(part) => writer.part(index, &part)?,
            // The process was killed, or the power failed, in the middle of it.
            None => source.at = source.size,
        }
    }
    let file = writer.finish()?;
    let file = file.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    Ok(())
}

/// Cuts off what is no whole part: what a power cut or a kill left of it.
fn trim(path: &Path) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let size = file.metadata()?.len();
    let mut source = Source {
        reader: BufReader::with_capacity(1 << 20, file.try_clone()?),
        size,
        at: 0,
    };
    let mut whole = 0;
    while source.until(*b"mdat")?.is_some() {
        whole = source.at;
    }
    if whole > 0 && whole < size {
        file.set_len(whole)?;
    }
    Ok(())
}

/// A fragmented file that is read box by box.
struct Source {
    reader: BufReader<File>,
    size: u64,
    at: u64,
}

impl Source {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self {
            reader: BufReader::with_capacity(1 << 20, file),
            size,
            at: 0,
        })
    }

    /// Reads boxes up to and including one of this kind; `None` where the file ends before.
    fn until(&mut self, kind: [u8; 4]) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        loop {
            let mut head = [0; 8];
            if let Err(error) = self.reader.read_exact(&mut head) {
                let ended = error.kind() == io::ErrorKind::UnexpectedEof;
                return if ended { Ok(None) } else { Err(error) };
            }
            bytes.extend_from_slice(&head);
            let [a, b, c, d, found @ ..] = head;
            let size = u64::from(u32::from_be_bytes([a, b, c, d]));
            if !(8..=BOX_MAX).contains(&size) {
                return Ok(None);
            }
            let mut reader = self.reader.by_ref().take(size - 8);
            if (reader.read_to_end(&mut bytes)? as u64) < size - 8 {
                return Ok(None);
            }
            self.at += size;
            if found == kind {
                return Ok(Some(bytes));
            }
        }
    }
}

/// Whether what follows a stage's name is a date and a time, so that `main` takes neither what is of `main-hall` nor of
/// `main-2`.
fn is_dated(rest: &str) -> bool {
    let pattern = b"0000-00-00_00-00-00";
    let fits = |(byte, form): (u8, &u8)| {
        if *form == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == *form
        }
    };
    rest.len() > pattern.len() && rest.bytes().zip(pattern).all(fits)
}
