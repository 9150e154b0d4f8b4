//! Recordings under the glass.

use std::path::Path;
use std::time::{Duration, Instant};

use backline_rtmp::Limits;
use backline_rtmp::flv::file::{Event, Reader};
use tokio::io::AsyncReadExt;

use super::inspection::{Inspection, Summary};
use super::view::View;

/// A file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("{path}: {source}; expected an FLV file")]
    Flv {
        path: String,
        source: backline_rtmp::Error,
    },
    #[error("cannot read {path}: {source}")]
    Read {
        path: String,
        source: std::io::Error,
    },
}

/// Reads a recording to its end.
pub(crate) async fn read(path: &Path, view: View) -> Result<Option<Summary>, FileError> {
    let named = || path.display().to_string();
    let unreadable = |source| FileError::Read {
        path: named(),
        source,
    };
    let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let mut reader = Reader::new(Limits::default());
    let mut inspection = Inspection::new(view, format!("file {}", named()));
    let mut buffer = vec![0; 1 << 16];
    let mut length = 0;
    // In a file nothing arrives: what a packet says of its time stands for that.
    let began = Instant::now();
    loop {
        let count = file.read(&mut buffer).await.map_err(unreadable)?;
        if count == 0 {
            break;
        }
        length += count as u64;
        let mut rest = buffer.get(..count).unwrap_or_default();
        loop {
            let event = reader
                .next_event(&mut rest)
                .map_err(|source| FileError::Flv {
                    path: named(),
                    source,
                })?;
            let Some(event) = event else { break };
            note(&mut inspection, began, event);
        }
    }
    let whole = reader.whole_len();
    if whole < length {
        inspection.fault(format!("cut off: whole up to byte {whole} of {length}"));
    }
    let found = !inspection.is_empty() || inspection.is_faulty();
    Ok(found.then(|| inspection.summary(None)))
}

/// Takes in what was found in the file.
fn note(inspection: &mut Inspection, began: Instant, event: Event) {
    match event {
        Event::Packet(packet) => {
            let at = began.checked_add(Duration::from_millis(packet.timestamp_ms));
            inspection.take(at.unwrap_or(began), &packet);
        }
        Event::Malformed {
            at, kind, error, ..
        } => {
            inspection.malformed(format!("tag of type {kind} at byte {at}: {error}"));
        }
        Event::Opaque {
            kind,
            filtered: false,
            ..
        } => inspection.unknown(kind),
        Event::Opaque { .. } => inspection.fault("an encrypted tag".to_owned()),
        Event::BackPointer {
            at,
            expected,
            found,
            ..
        } => {
            inspection.fault(format!(
                "the back pointer at byte {at} is {found}, expected {expected}"
            ));
        }
        Event::TooLong { at, length, .. } => {
            inspection.fault(format!(
                "the tag at byte {at} has {length} bytes, and was skipped"
            ));
        }
        Event::ZeroTail { at, .. } => {
            inspection.fault(format!(
                "zeros from byte {at} on: the file was not written to its end"
            ));
        }
        _ => {}
    }
}
