//! A movie box of a file that nobody vouches for, made fit for the `mp4` crate to read.
//!
//! The crate believes sizes, seeks backwards for ever over a box of size zero, and reads lists that nobody needs. So it
//! never sees the file: it sees a movie of one track that is put together here of boxes that are whole, each of them
//! inside its parent and at least as long as its fixed fields.

use std::io::Cursor;

use mp4::{MoovBox, ReadBox};

use super::entry;
use super::walk::{Boxed, HEADER, Kind};
use crate::{Error, FileProblem};

/// One track's times and tables, read by the `mp4` crate.
pub(super) struct Movie {
    moov: MoovBox,
}

impl Movie {
    /// Reads one `trak` beside the movie's own header.
    pub(super) fn read(mvhd: Boxed<'_>, trak: Boxed<'_>) -> Result<Self, Error> {
        let screened = screen(mvhd, trak)?;
        let size = screened.len() as u64;
        let mut cursor = Cursor::new(screened);
        cursor.set_position(HEADER as u64);
        let moov = MoovBox::read_box(&mut cursor, size).map_err(|_| unreadable(trak))?;
        if moov.traks.is_empty() {
            return Err(unreadable(trak));
        }
        Ok(Self { moov })
    }

    /// The track's boxes. The type has no name outside of its crate.
    pub(super) fn tables(&self) -> Option<Tables<'_>> {
        let trak = self.moov.traks.first()?;
        let stbl = &trak.mdia.minf.stbl;
        let wide = stbl.co64.as_ref().map(|co64| co64.entries.as_slice());
        let narrow = stbl.stco.as_ref().map(|stco| stco.entries.as_slice());
        let edits = trak.edts.as_ref().and_then(|edts| edts.elst.as_ref());
        Some(Tables {
            timescale: trak.mdia.mdhd.timescale,
            movie_timescale: self.moov.mvhd.timescale,
            edit: edits.map_or((0, 0), |elst| {
                let wide = elst.version == 1;
                edit(
                    elst.entries
                        .iter()
                        .map(|edit| (edit.segment_duration, edit.media_time)),
                    wide,
                )
            }),
            durations: Box::new(
                stbl.stts
                    .entries
                    .iter()
                    .map(|run| (run.sample_count, run.sample_delta)),
            ),
            offsets: Box::new(
                stbl.ctts
                    .iter()
                    .flat_map(|ctts| &ctts.entries)
                    .map(|run| (run.sample_count, run.sample_offset)),
            ),
            syncs: stbl.stss.as_ref().map(|stss| stss.entries.as_slice()),
            chunks: Box::new(
                narrow
                    .unwrap_or_default()
                    .iter()
                    .map(|offset| u64::from(*offset))
                    .chain(wide.unwrap_or_default().iter().copied()),
            ),
            per_chunk: Box::new(
                stbl.stsc
                    .entries
                    .iter()
                    .map(|run| (run.first_chunk, run.samples_per_chunk)),
            ),
            size: stbl.stsz.sample_size,
            sizes: &stbl.stsz.sample_sizes,
            count: stbl.stsz.sample_count,
        })
    }
}

/// A track's sample table. Runs are (how many, what).
pub(super) struct Tables<'a> {
    pub(super) timescale: u32,
    pub(super) movie_timescale: u32,
    /// Empty time before the media in the movie's ticks, and the media time at which presentation begins.
    pub(super) edit: (u64, i64),
    pub(super) durations: Runs<'a, u32>,
    pub(super) offsets: Runs<'a, i32>,
    /// Numbers of sync samples from 1; `None`: all are.
    pub(super) syncs: Option<&'a [u32]>,
    pub(super) chunks: Box<dyn Iterator<Item = u64> + 'a>,
    /// First chunk from 1, and samples in each chunk from there.
    pub(super) per_chunk: Runs<'a, u32>,
    /// All samples' size; 0: each has its own.
    pub(super) size: u32,
    pub(super) sizes: &'a [u32],
    pub(super) count: u32,
}

pub(super) type Runs<'a, T> = Box<dyn Iterator<Item = (u32, T)> + 'a>;

/// What an edit list says of the beginning: empty edits, then the first one with media.
fn edit(entries: impl Iterator<Item = (u64, u64)>, wide: bool) -> (u64, i64) {
    let mut empty = 0u64;
    for (duration, time) in entries {
        // The crate hands out what is signed as unsigned.
        let time = if wide {
            time.cast_signed()
        } else {
            i64::from(u32::try_from(time).unwrap_or(0).cast_signed())
        };
        if time >= 0 {
            return (empty, time);
        }
        empty = empty.saturating_add(duration);
    }
    (empty, 0)
}

/// Puts the movie together.
fn screen(mvhd: Boxed<'_>, trak: Boxed<'_>) -> Result<Vec<u8>, Error> {
    let (mdia, stbl) = entry::sample_table(trak)?;
    let mut table = Vec::new();
    put(&mut table, *b"stsd", &EMPTY_STSD);
    for (kind, least, needed) in TABLES {
        match stbl.find(kind)? {
            Some(found) => copy(&mut table, found, least)?,
            None if needed => return Err(missing(trak, kind)),
            None => {}
        }
    }
    // One of the two says where the chunks are.
    match (stbl.find(*b"stco")?, stbl.find(*b"co64")?) {
        (Some(chunks), _) | (None, Some(chunks)) => copy(&mut table, chunks, 8)?,
        (None, None) => return Err(missing(trak, *b"stco")),
    }
    let mut minf = Vec::new();
    put(&mut minf, *b"dinf", &SELF_CONTAINED);
    put(&mut minf, *b"stbl", &table);
    let mut media = Vec::new();
    let mdhd = mdia.children().need(*b"mdhd")?;
    let version = mdhd.version()?;
    copy(&mut media, mdhd, if version == 0 { 24 } else { 36 })?;
    put(&mut media, *b"hdlr", &[0; 25]);
    put(&mut media, *b"minf", &minf);
    let mut track = Vec::new();
    let tkhd = trak.children().need(*b"tkhd")?;
    let version = tkhd.version()?;
    copy(&mut track, tkhd, if version == 0 { 84 } else { 96 })?;
    if let Some(edts) = trak.children().find(*b"edts")?
        && let Some(elst) = edts.children().find(*b"elst")?
    {
        let mut edits = Vec::new();
        elst.version()?;
        copy(&mut edits, elst, 8)?;
        put(&mut track, *b"edts", &edits);
    }
    put(&mut track, *b"mdia", &media);
    let mut movie = Vec::new();
    let version = mvhd.version()?;
    copy(&mut movie, mvhd, if version == 0 { 100 } else { 112 })?;
    put(&mut movie, *b"trak", &track);
    let mut screened = Vec::new();
    put(&mut screened, *b"moov", &movie);
    Ok(screened)
}

/// Copies a box whose fixed fields are there.
fn copy(into: &mut Vec<u8>, boxed: Boxed<'_>, least: usize) -> Result<(), Error> {
    if boxed.body.len() < least {
        return Err(boxed.short("its fixed fields"));
    }
    put(into, boxed.kind, boxed.body);
    Ok(())
}

fn put(into: &mut Vec<u8>, kind: Kind, body: &[u8]) {
    // A movie is far smaller than 4 GiB: the cap on it has been looked at.
    let size = u32::try_from(body.len().saturating_add(HEADER)).unwrap_or(u32::MAX);
    into.extend_from_slice(&size.to_be_bytes());
    into.extend_from_slice(&kind);
    into.extend_from_slice(body);
}

fn missing(trak: Boxed<'_>, kind: Kind) -> Error {
    Error::File {
        at: trak.at,
        problem: FileProblem::Missing { kind },
    }
}

/// A table says that it has more entries than it holds.
fn unreadable(trak: Boxed<'_>) -> Error {
    Error::File {
        at: trak.at,
        problem: FileProblem::Table,
    }
}

/// Boxes of a sample table, the length of their fixed fields, and whether there must be one.
const TABLES: [(Kind, usize, bool); 5] = [
    (*b"stts", 8, true),
    (*b"ctts", 8, false),
    (*b"stss", 8, false),
    (*b"stsc", 8, true),
    (*b"stsz", 12, true),
];
/// An `stsd` with an entry that the crate does not look into.
const EMPTY_STSD: [u8; 16] = *b"\0\0\0\0\0\0\0\x01\0\0\0\x08free";
/// A `dref` that says that the media is in this file.
const SELF_CONTAINED: [u8; 28] = *b"\0\0\0\x1cdref\0\0\0\0\0\0\0\x01\0\0\0\x0curl \0\0\0\x01";
