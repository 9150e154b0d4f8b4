//! A slate out of a progressive MP4.

use core::time::Duration;
use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;

use super::entry;
use super::movie::{Movie, Runs, Tables};
use super::walk::{Boxed, Boxes, HEADER_WIDE, Header};
use crate::codec::TrackKind;
use crate::event::Sample;
use crate::slate::{Slate, SlateTrack};
use crate::{Error, FileProblem, Limits};

/// Reads a slate: the first picture and the first sound of a progressive MP4 (H.264, HEVC, AV1, VP9; AAC), from the
/// stream's beginning to its end. Other tracks are left out.
///
/// The file may be of any origin: nothing is allocated for what it declares, and at most a small multiple of
/// `limits.slate_bytes` for what it holds. Times are those of presentation: edit lists that only say where the media
/// begins are applied.
///
/// # Errors
///
/// [`Error::File`] says at which byte the file is wrong, or that it cannot be read; [`Error::Record`] that a track's
/// configuration is; [`Error::Slate`] that what it holds cannot be played.
pub fn read_slate<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Slate, Error> {
    let mut file = File::new(reader, limits)?;
    let (moov, at) = file.movie()?;
    let moov = Boxes::new(&moov, at);
    if let Some(mvex) = moov.find(*b"mvex")? {
        return Err(Error::File {
            at: mvex.at,
            problem: FileProblem::Fragmented,
        });
    }
    let mvhd = moov.need(*b"mvhd")?;
    let mut tracks = Vec::new();
    let mut left = limits.slate_samples;
    for kind in [TrackKind::Video, TrackKind::Audio] {
        if let Some(trak) = first_of(moov, kind)? {
            let track = file.track(mvhd, trak, left)?;
            left = left.saturating_sub(track.samples().len());
            tracks.push(track);
        }
    }
    Slate::new(tracks, limits)
}

/// The first track of a kind.
fn first_of(moov: Boxes<'_>, kind: TrackKind) -> Result<Option<Boxed<'_>>, Error> {
    let handler = match kind {
        TrackKind::Audio => *b"soun",
        TrackKind::Text => *b"text",
        TrackKind::Video => *b"vide",
    };
    for boxed in moov {
        let boxed = boxed?;
        if boxed.kind != *b"trak" {
            continue;
        }
        let mdia = boxed.children().need(*b"mdia")?;
        let hdlr = mdia.children().need(*b"hdlr")?;
        if hdlr.bytes::<4>(8, "handler_type")? == handler {
            return Ok(Some(boxed));
        }
    }
    Ok(None)
}

/// The caller's file, and what may still be read of it.
struct File<'a, R> {
    reader: R,
    limits: &'a Limits,
    size: u64,
    /// Bytes of samples that may still be read.
    left: usize,
}

impl<'a, R: Read + Seek> File<'a, R> {
    fn new(mut reader: R, limits: &'a Limits) -> Result<Self, Error> {
        let size = reader
            .seek(SeekFrom::End(0))
            .map_err(|error| io(0, &error))?;
        if size > limits.slate_bytes as u64 {
            return Err(too_large(0, "bytes", size, limits.slate_bytes));
        }
        Ok(Self {
            reader,
            limits,
            size,
            left: limits.slate_bytes,
        })
    }

    /// The movie box's content and where it begins. What stands beside it is skipped.
    fn movie(&mut self) -> Result<(Vec<u8>, u64), Error> {
        let mut at = 0u64;
        while at < self.size {
            let head = self.read(at, HEADER_WIDE)?;
            let (head, after) = head.split_at_checked(8).unwrap_or((&head, &[]));
            let header =
                Header::read(head, after).map_err(|problem| Error::File { at, problem })?;
            let room = self.size.saturating_sub(at);
            let size = header.size.unwrap_or(room);
            let kind = header.kind;
            if head.len() < 8 || size > room {
                let problem = FileProblem::Size { kind, size, room };
                return Err(Error::File { at, problem });
            }
            if kind == *b"moof" {
                let problem = FileProblem::Fragmented;
                return Err(Error::File { at, problem });
            }
            if kind == *b"moov" {
                let at = at.saturating_add(header.length as u64);
                let body = size.saturating_sub(header.length as u64);
                let body = self.read(at, usize::try_from(body).unwrap_or(usize::MAX))?;
                return Ok((body, at));
            }
            at = at.saturating_add(size);
        }
        Err(Error::File {
            at,
            problem: FileProblem::Missing { kind: *b"moov" },
        })
    }

    fn track(
        &mut self,
        mvhd: Boxed<'_>,
        trak: Boxed<'_>,
        samples_max: usize,
    ) -> Result<SlateTrack, Error> {
        let (_, stbl) = entry::sample_table(trak)?;
        let config = entry::read(stbl.need(*b"stsd")?, self.limits)?;
        let movie = Movie::read(mvhd, trak)?;
        let table = |problem| Error::File {
            at: trak.at,
            problem,
        };
        let Some(mut tables) = movie.tables() else {
            return Err(table(FileProblem::Table));
        };
        if tables.count as usize > samples_max {
            let limit = self.limits.slate_samples;
            return Err(too_large(trak.at, "samples", tables.count.into(), limit));
        }
        if tables.timescale == 0 || tables.movie_timescale == 0 {
            return Err(table(FileProblem::Table));
        }
        let places = places(&mut tables, config.kind()).ok_or_else(|| table(FileProblem::Table))?;
        let total: u64 = places.iter().map(|place| u64::from(place.size)).sum();
        let left = self.left;
        self.left = usize::try_from(total)
            .ok()
            .and_then(|total| left.checked_sub(total))
            .ok_or_else(|| {
                too_large(trak.at, "bytes of samples", total, self.limits.slate_bytes)
            })?;
        let mut samples = Vec::with_capacity(places.len());
        let length = self.samples(&tables, &places, &mut samples)?;
        Ok(SlateTrack::new(config, samples, length))
    }

    /// Reads the samples chunk by chunk.
    fn samples(
        &mut self,
        tables: &Tables<'_>,
        places: &[Place],
        samples: &mut Vec<Sample>,
    ) -> Result<Duration, Error> {
        let scale = i128::from(tables.timescale);
        let ns = |ticks: i64| nanoseconds(i128::from(ticks), scale);
        let (empty, begin) = tables.edit;
        let empty_ns = nanoseconds(i128::from(empty), i128::from(tables.movie_timescale));
        let mut rest = places;
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|place| place.chunk == first.chunk);
            let (chunk, after) = rest.split_at(count.count());
            rest = after;
            let bytes = chunk.iter().map(|place| place.size as usize).sum();
            let mut body = Bytes::from(self.read(first.offset, bytes)?);
            if body.len() < bytes {
                return Err(Error::File {
                    at: first.offset,
                    problem: FileProblem::Samples,
                });
            }
            for place in chunk {
                let data = body.split_to(place.size as usize);
                // An empty sample is how some writers say that nothing changed.
                if !data.is_empty() {
                    let dts = place.dts.saturating_sub(begin);
                    samples.push(Sample {
                        dts_ns: ns(dts).saturating_add(empty_ns),
                        composition_ns: ns(place.composition),
                        sync: place.sync,
                        data,
                    });
                }
            }
        }
        let length = places.last().map_or(0, |last| ns(last.end));
        Ok(Duration::from_nanos(length.unsigned_abs()))
    }

    /// Reads up to `length` bytes; memory grows with what comes.
    fn read(&mut self, at: u64, length: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.reader
            .seek(SeekFrom::Start(at))
            .and_then(|_| {
                let mut part = self.reader.by_ref().take(length as u64);
                part.read_to_end(&mut bytes)
            })
            .map_err(|error| io(at, &error))?;
        Ok(bytes)
    }
}

/// Where a sample is, and when. Times are in ticks from the first decode time.
struct Place {
    chunk: u64,
    /// Of its chunk's first sample.
    offset: u64,
    size: u32,
    dts: i64,
    end: i64,
    composition: i64,
    sync: bool,
}

/// Walks all tables in step. `None`: they do not fit each other.
fn places(tables: &mut Tables<'_>, kind: TrackKind) -> Option<Vec<Place>> {
    let mut places = Vec::new();
    let mut durations = Run::new(&mut tables.durations);
    let mut offsets = Run::new(&mut tables.offsets);
    let mut syncs = tables.syncs.unwrap_or_default().iter().peekable();
    let mut per_chunk = tables.per_chunk.by_ref().peekable();
    let mut sizes = tables.sizes.iter();
    let (mut in_chunk, mut dts, mut number) = (0u32, 0i64, 0u32);
    for (chunk, offset) in (1u64..).zip(tables.chunks.by_ref()) {
        while let Some((_, count)) = per_chunk.next_if(|(first, _)| u64::from(*first) <= chunk) {
            in_chunk = count;
        }
        for _ in 0..in_chunk.min(tables.count.checked_sub(number)?) {
            number = number.checked_add(1)?;
            let size = match tables.size {
                0 => *sizes.next()?,
                size => size,
            };
            let duration = durations.next()?;
            let end = dts.checked_add(i64::from(duration))?;
            while syncs.next_if(|sync| **sync < number).is_some() {}
            let listed = syncs.peek().is_some_and(|sync| **sync == number);
            places.push(Place {
                chunk,
                offset,
                size,
                dts,
                end,
                composition: offsets.next().unwrap_or(0).into(),
                sync: kind == TrackKind::Audio || tables.syncs.is_none() || listed,
            });
            dts = end;
        }
        if number == tables.count {
            return Some(places);
        }
    }
    (number == tables.count).then_some(places)
}

/// The values of runs one by one.
struct Run<'a, 'b, T> {
    runs: &'a mut Runs<'b, T>,
    left: u32,
    value: Option<T>,
}

impl<'a, 'b, T: Copy> Run<'a, 'b, T> {
    fn new(runs: &'a mut Runs<'b, T>) -> Self {
        Self {
            runs,
            left: 0,
            value: None,
        }
    }

    fn next(&mut self) -> Option<T> {
        while self.left == 0 {
            let (count, value) = self.runs.next()?;
            self.left = count;
            self.value = Some(value);
        }
        self.left = self.left.saturating_sub(1);
        self.value
    }
}

/// Ticks as nanoseconds. Beyond what any slate lasts the last value stands for all.
fn nanoseconds(ticks: i128, scale: i128) -> i64 {
    let ns = ticks
        .saturating_mul(1_000_000_000)
        .checked_div(scale)
        .unwrap_or(0);
    i64::try_from(ns).unwrap_or(i64::MAX)
}

fn too_large(at: u64, what: &'static str, value: u64, limit: usize) -> Error {
    let limit = limit as u64;
    Error::File {
        at,
        problem: FileProblem::TooLarge { what, value, limit },
    }
}

pub(super) fn io(at: u64, error: &std::io::Error) -> Error {
    let kind = error.kind();
    Error::File {
        at,
        problem: FileProblem::Io { kind },
    }
}
