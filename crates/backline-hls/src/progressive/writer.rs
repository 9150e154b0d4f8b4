//! A finished night as one progressive MP4.

mod boxes;
mod tables;

use std::io::{Seek, SeekFrom, Write};

use super::entry;
use super::part::{StoredPart, StoredRun};
use super::slate::io;
use super::walk::{Boxed, Boxes};
use crate::{Error, FileProblem, Limits};
use tables::Track;

/// Joins an init segment of each rendition and their parts, in order, to one MP4 that every player and editor opens:
/// H.264 and AAC-LC. Other codecs are refused, and stay as they are in their fragments.
///
/// The movie box comes last, so nothing is playable before [`finish`](Self::finish): this is for the end of the night,
/// not for recording. Memory holds the sample tables, some ten bytes a sample.
#[derive(Debug)]
pub struct ProgressiveWriter<W> {
    writer: W,
    limits: Limits,
    tracks: Vec<Track>,
    /// Where the next byte goes.
    at: u64,
    samples: usize,
}

impl<W: Write + Seek> ProgressiveWriter<W> {
    /// Begins a file with the tracks of these init segments, at most `limits.renditions`.
    ///
    /// # Errors
    ///
    /// [`Error::File`] where an init segment is not one, has a codec that is not H.264 or AAC-LC, or the file cannot
    /// be written; [`Error::Record`] where a configuration record is wrong.
    pub fn new(writer: W, inits: &[&[u8]], limits: Limits) -> Result<Self, Error> {
        let mut this = Self {
            writer,
            limits,
            tracks: Vec::new(),
            at: 0,
            samples: 0,
        };
        for (source, init) in inits.iter().enumerate() {
            let moov = Boxes::new(init, 0).need(*b"moov")?;
            for trak in moov.children() {
                let trak = trak?;
                if trak.kind == *b"trak" {
                    if this.tracks.len() >= this.limits.renditions {
                        return Err(Error::File {
                            at: trak.at,
                            problem: FileProblem::TooLarge {
                                what: "tracks",
                                value: this.tracks.len() as u64,
                                limit: this.limits.renditions as u64,
                            },
                        });
                    }
                    this.tracks.push(track(source, trak, &this.limits)?);
                }
            }
        }
        if this.tracks.is_empty() {
            let problem = FileProblem::Missing { kind: *b"trak" };
            return Err(Error::File { at: 0, problem });
        }
        this.put(FTYP)?;
        // The size comes at the end: 64 bits, whatever it will be.
        this.put(MDAT)?;
        Ok(this)
    }

    /// Appends a part that belongs to the init segment `source`, counted as they were given to
    /// [`new`](Self::new). Parts of one source come in their order; among sources the order is free, and the order of
    /// the night makes the best file.
    ///
    /// # Errors
    ///
    /// [`Error::File`] where the part is not one, belongs to no track, goes back in time, or cannot be written. What
    /// was appended before is not harmed by a part that was refused for what it holds.
    pub fn part(&mut self, source: usize, part: &[u8]) -> Result<(), Error> {
        let stored = StoredPart::read(part, &self.limits)?;
        // A part has one run a track: each is looked at by where its track ended before the part.
        let mut places: Vec<usize> = Vec::new();
        for run in &stored.runs {
            let index = self.place(source, run)?;
            if places.contains(&index) {
                return Err(Error::File {
                    at: self.at,
                    problem: FileProblem::Value {
                        kind: *b"tfhd",
                        field: "track_ID",
                        value: run.track_id.into(),
                        expected: "each track once in a part",
                    },
                });
            }
            places.push(index);
        }
        let more: usize = stored.runs.iter().map(|run| run.samples.len()).sum();
        let samples = self.samples.saturating_add(more);
        let limit = self.limits.recording_samples;
        if samples > limit {
            return Err(Error::File {
                at: self.at,
                problem: FileProblem::TooLarge {
                    what: "samples",
                    value: samples as u64,
                    limit: limit as u64,
                },
            });
        }
        self.samples = samples;
        for (index, run) in places.into_iter().zip(&stored.runs) {
            let at = self.at;
            if let Some(track) = self.tracks.get_mut(index) {
                track.append(run, at);
            }
            let bytes = usize::try_from(run.bytes()).unwrap_or(usize::MAX);
            let end = run.data_at.saturating_add(bytes);
            self.put(part.get(run.data_at..end).unwrap_or(&[]))?;
        }
        Ok(())
    }

    /// Ends the file and gives the writer back, flushed.
    ///
    /// # Errors
    ///
    /// [`Error::File`] where the file cannot be written, or no part was ever appended.
    pub fn finish(mut self) -> Result<W, Error> {
        let at = self.at;
        self.tracks.retain(|track| !track.is_empty());
        if self.tracks.is_empty() {
            let problem = FileProblem::Samples;
            return Err(Error::File { at, problem });
        }
        let moov = boxes::movie(&self.tracks).ok_or(Error::File {
            at,
            problem: FileProblem::Table,
        })?;
        self.put(&moov)?;
        let begin = FTYP.len() as u64;
        let size = at.saturating_sub(begin);
        self.writer
            .seek(SeekFrom::Start(begin.saturating_add(8)))
            .and_then(|_| self.writer.write_all(&size.to_be_bytes()))
            .and_then(|()| self.writer.seek(SeekFrom::End(0)))
            .and_then(|_| self.writer.flush())
            .map_err(|error| io(at, &error))?;
        Ok(self.writer)
    }

    /// The track that a run belongs to, if it may follow what is there.
    fn place(&self, source: usize, run: &StoredRun) -> Result<usize, Error> {
        let at = self.at;
        let found = self
            .tracks
            .iter()
            .enumerate()
            .find(|(_, track)| track.is(source, run.track_id));
        let Some((index, track)) = found else {
            let problem = FileProblem::Missing { kind: *b"trak" };
            return Err(Error::File { at, problem });
        };
        if !track.may_follow(run) {
            return Err(Error::File {
                at,
                problem: FileProblem::Value {
                    kind: *b"tfdt",
                    field: "baseMediaDecodeTime",
                    value: run.base_decode_time,
                    expected: "where the part before it ended, or a little later",
                },
            });
        }
        Ok(index)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.writer
            .write_all(bytes)
            .map_err(|error| io(self.at, &error))?;
        self.at = self.at.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

/// Reads the track of an init segment of ours.
fn track(source: usize, trak: Boxed<'_>, limits: &Limits) -> Result<Track, Error> {
    let (mdia, stbl) = entry::sample_table(trak)?;
    let stsd = stbl.need(*b"stsd")?;
    let config = entry::read(stsd, limits)?;
    if !boxes::fits(&config) {
        let entry = stsd.bytes::<4>(12, "its entry")?;
        return Err(Error::File {
            at: stsd.at,
            problem: FileProblem::Codec { entry },
        });
    }
    let mdhd = mdia.children().need(*b"mdhd")?;
    let tkhd = trak.children().need(*b"tkhd")?;
    let at = |version: u8| if version == 0 { 12 } else { 20 };
    let track_id = tkhd.u32(at(tkhd.version()?), "track_ID")?;
    let timescale = mdhd.u32(at(mdhd.version()?), "timescale")?;
    if timescale == 0 {
        return Err(mdhd.wrong(12, "timescale", 0, "at least 1"));
    }
    Ok(Track::new(source, track_id, timescale, config))
}

const FTYP: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";
/// A size of 1: the real one follows as 64 bits.
const MDAT: &[u8] = b"\0\0\0\x01mdat\0\0\0\0\0\0\0\0";
