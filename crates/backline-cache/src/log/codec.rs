//! How a file and a record begin on disk, written and read. All numbers are little-endian.
//!
//! ```text
//! file:   magic 8 | version 4 | zero 4 | file 8 | nonce 8 | boot 8 | CRC 4            at 0, one block
//! record: marker 8 | kind 1 | flags 1 | meta length 2 | payload length 4              at a block
//!         file 8 | nonce 8 | stream 4 | rendition 4 | seq 8 | discontinuity 8
//!         duration ns 8 | wall ms 8 | init 8 | mark 8 | mark of discontinuities 8
//!         settled 8 | payload CRC 4 | header CRC 4 | meta | payload
//! ```

use std::time::Duration;

use bytes::Bytes;

use super::crc::Crc;
use super::{Mark, Record, RecordKey, RecordKind};

/// What records are aligned to, bytes: the page of most flash and file systems.
pub(crate) const BLOCK: u64 = 4_096;
/// [`BLOCK`], as a length in memory.
pub(crate) const BLOCK_LEN: usize = 4_096;
/// The fixed part of a record's header, bytes.
pub(crate) const HEADER: usize = 112;
/// What the meta of a record may have, bytes: a header never crosses its first block.
pub const META_MAX: usize = BLOCK_LEN - HEADER;

const MAGIC: [u8; 8] = *b"\x89BLLOG\r\n";
const MARKER: [u8; 8] = *b"\x89BLREC\r\n";
const VERSION: u32 = 1;
const FILE_FIELDS: usize = 40;
const KEEP: u8 = 1;

/// How a file begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct FileHeader {
    pub(crate) boot: u64,
    pub(crate) file: u64,
    pub(crate) nonce: u64,
}

impl FileHeader {
    pub(crate) fn encode(self) -> Bytes {
        let mut out = Vec::with_capacity(BLOCK_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.file.to_le_bytes());
        out.extend_from_slice(&self.nonce.to_le_bytes());
        out.extend_from_slice(&self.boot.to_le_bytes());
        out.extend_from_slice(&super::crc::crc(&out).to_le_bytes());
        out.resize(BLOCK_LEN, 0);
        out.into()
    }

    /// Nothing where it is damaged or of another version.
    pub(crate) fn decode(block: &[u8]) -> Option<Self> {
        let mut fields = Fields(block);
        let sum = super::crc::crc(block.get(..FILE_FIELDS)?);
        if fields.take()? != MAGIC || fields.u32()? != VERSION {
            return None;
        }
        let [_, _, _, _] = fields.take()?;
        let (file, nonce, boot) = (fields.u64()?, fields.u64()?, fields.u64()?);
        (fields.u32()? == sum).then_some(Self { boot, file, nonce })
    }
}

/// How a record begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    pub(crate) record: Record,
    pub(crate) file: u64,
    pub(crate) nonce: u64,
    pub(crate) payload_crc: u32,
    pub(crate) payload_len: u32,
    /// Where the file was synced up to when this was written.
    pub(crate) settled: u64,
}

impl Header {
    /// Bytes of header and payload, up to the next block.
    pub(crate) fn span(&self) -> u64 {
        span(self.record.meta.len(), u64::from(self.payload_len))
    }

    /// Bytes from the start of the record to its payload.
    pub(crate) fn lead(&self) -> u64 {
        (HEADER as u64).saturating_add(self.record.meta.len() as u64)
    }

    /// Meta over [`META_MAX`] is cut off; the writer refuses it beforehand.
    pub(crate) fn encode(&self) -> Bytes {
        let record = &self.record;
        let meta = record.meta.get(..META_MAX).unwrap_or(&record.meta);
        let mut out = Vec::with_capacity(HEADER.saturating_add(meta.len()));
        out.extend_from_slice(&MARKER);
        out.push(kind_code(record.key.kind));
        out.push(if record.keep { KEEP } else { 0 });
        out.extend_from_slice(&u16::try_from(meta.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(&self.payload_len.to_le_bytes());
        out.extend_from_slice(&self.file.to_le_bytes());
        out.extend_from_slice(&self.nonce.to_le_bytes());
        out.extend_from_slice(&record.key.stream.to_le_bytes());
        out.extend_from_slice(&record.key.rendition.to_le_bytes());
        out.extend_from_slice(&record.key.seq.to_le_bytes());
        out.extend_from_slice(&record.discontinuity.to_le_bytes());
        let duration = u64::try_from(record.duration.as_nanos()).unwrap_or(u64::MAX);
        out.extend_from_slice(&duration.to_le_bytes());
        out.extend_from_slice(&record.wall_ms.to_le_bytes());
        out.extend_from_slice(&record.init.to_le_bytes());
        out.extend_from_slice(&record.mark.seq.to_le_bytes());
        out.extend_from_slice(&record.mark.discontinuity.to_le_bytes());
        out.extend_from_slice(&self.settled.to_le_bytes());
        out.extend_from_slice(&self.payload_crc.to_le_bytes());
        let mut crc = Crc::new();
        crc.update(&out);
        crc.update(meta);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(meta);
        out.into()
    }

    /// Nothing where there is no record, or a damaged one, or one of another file.
    pub(crate) fn decode(block: &[u8]) -> Option<Self> {
        let mut fields = Fields(block);
        if fields.take()? != MARKER {
            return None;
        }
        let [kind, flags] = fields.take()?;
        let meta_len = usize::from(u16::from_le_bytes(fields.take()?));
        let payload_len = fields.u32()?;
        let (file, nonce) = (fields.u64()?, fields.u64()?);
        let key = RecordKey {
            stream: fields.u32()?,
            rendition: fields.u32()?,
            kind: kind_of(kind)?,
            seq: fields.u64()?,
        };
        let discontinuity = fields.u64()?;
        let duration = Duration::from_nanos(fields.u64()?);
        let wall_ms = i64::from_le_bytes(fields.take()?);
        let init = fields.u64()?;
        let mark = Mark {
            seq: fields.u64()?,
            discontinuity: fields.u64()?,
        };
        let settled = fields.u64()?;
        let payload_crc = fields.u32()?;
        let header_crc = fields.u32()?;
        let meta = fields.0.get(..meta_len)?;
        let mut crc = Crc::new();
        crc.update(block.get(..HEADER.saturating_sub(4))?);
        crc.update(meta);
        if crc.sum() != header_crc {
            return None;
        }
        Some(Self {
            record: Record {
                key,
                discontinuity,
                duration,
                init,
                keep: flags & KEEP != 0,
                mark,
                meta: Bytes::copy_from_slice(meta),
                wall_ms,
            },
            file,
            nonce,
            payload_crc,
            payload_len,
            settled,
        })
    }
}

/// Bytes that a record takes in its file.
pub(crate) const fn span(meta: usize, payload: u64) -> u64 {
    let bytes = (HEADER as u64)
        .saturating_add(meta as u64)
        .saturating_add(payload);
    match bytes.checked_next_multiple_of(BLOCK) {
        Some(span) => span,
        None => u64::MAX,
    }
}

/// One entry of a table of marks, bytes.
const TABLE_ENTRY: usize = 24;
/// Marks that fit into the meta of one record.
pub(crate) const TABLE_MAX: usize = META_MAX / TABLE_ENTRY;

/// The marks of several renditions, as the meta of one record.
pub(crate) fn encode_marks(marks: &[((u32, u32), Mark)]) -> Bytes {
    let mut out = Vec::with_capacity(marks.len().saturating_mul(TABLE_ENTRY));
    for ((stream, rendition), mark) in marks {
        out.extend_from_slice(&stream.to_le_bytes());
        out.extend_from_slice(&rendition.to_le_bytes());
        out.extend_from_slice(&mark.seq.to_le_bytes());
        out.extend_from_slice(&mark.discontinuity.to_le_bytes());
    }
    out.into()
}

pub(crate) fn decode_marks(meta: &[u8]) -> impl Iterator<Item = ((u32, u32), Mark)> + '_ {
    meta.chunks_exact(TABLE_ENTRY).filter_map(|entry| {
        let mut fields = Fields(entry);
        let of = (fields.u32()?, fields.u32()?);
        let mark = Mark {
            seq: fields.u64()?,
            discontinuity: fields.u64()?,
        };
        Some((of, mark))
    })
}

/// The longest contents of a file, bytes; a file of more is scanned record by record.
pub(crate) const CONTENTS_MAX: usize = 60 << 10;

/// Adds a record to the contents of its file: where it begins, and its header.
pub(crate) fn add_contents(contents: &mut Vec<u8>, at: u64, header: &[u8]) {
    contents.extend_from_slice(&at.to_le_bytes());
    contents.extend_from_slice(header);
}

/// The records of a contents, up to the first that is none.
pub(crate) fn decode_contents(contents: &[u8]) -> impl Iterator<Item = (u64, Header)> + '_ {
    let mut rest = contents;
    std::iter::from_fn(move || {
        let (at, record) = rest.split_first_chunk()?;
        let header = Header::decode(record)?;
        rest = record.get(usize::try_from(header.lead()).ok()?..)?;
        Some((u64::from_le_bytes(*at), header))
    })
}

const fn kind_code(kind: RecordKind) -> u8 {
    match kind {
        RecordKind::Asset => 1,
        RecordKind::Init => 2,
        RecordKind::Mark => 3,
        RecordKind::Marks => 4,
        RecordKind::Segment => 5,
        RecordKind::Contents => 6,
    }
}

const fn kind_of(code: u8) -> Option<RecordKind> {
    Some(match code {
        1 => RecordKind::Asset,
        2 => RecordKind::Init,
        3 => RecordKind::Mark,
        4 => RecordKind::Marks,
        5 => RecordKind::Segment,
        6 => RecordKind::Contents,
        _ => return None,
    })
}

/// Reads fields from the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests;
