//! The init segment: `ftyp` and a `moov` without samples (ISO/IEC 14496-12 8.2).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "sizes of at most TRACKS_MAX records of at most RECORD_MAX bytes"
)]

use bytes::Bytes;

use super::boxes::{BOX, FULL_BOX, Writer};
use super::entry;
use crate::codec::{TrackConfig, TrackKind};
use crate::{Error, InitProblem};

/// What an init segment promises.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Brand {
    /// `iso6` and `cmfc`: one track.
    Cmaf,
    /// `iso6` alone: one track or several, muxed (MUX-8).
    Iso6,
}

impl Brand {
    fn brands(self) -> &'static [u8] {
        match self {
            Self::Cmaf => b"iso6cmfc",
            Self::Iso6 => b"iso6",
        }
    }

    fn tracks(self) -> usize {
        match self {
            Self::Cmaf => 1,
            Self::Iso6 => TRACKS_MAX,
        }
    }
}

/// Writes an init segment: `ftyp`, and a `moov` without samples, with one `trak` and one `trex` for each
/// (track_ID, configuration) (MUX-1).
///
/// One allocation, exactly as large as the result.
///
/// # Errors
///
/// [`Error::Init`] if no track or too many are given, if a track_ID is 0 or comes twice, if a picture's size is not
/// known, or if a record is too large for a box.
pub fn init(tracks: &[(u32, &TrackConfig)], brand: Brand) -> Result<Bytes, Error> {
    check(tracks, brand).map_err(|problem| Error::Init {
        tracks: tracks.len(),
        problem,
    })?;
    let ftyp = BOX + 8 + brand.brands().len();
    let moov = moov_size(tracks);
    let mut out = Writer::with_capacity(ftyp + moov);
    out.boxed(*b"ftyp", ftyp);
    out.put(b"iso6");
    out.u32(0);
    out.put(brand.brands());
    out.boxed(*b"moov", moov);
    write_mvhd(&mut out, tracks);
    for (track_id, config) in tracks {
        write_trak(&mut out, *track_id, config);
    }
    out.boxed(*b"mvex", BOX + tracks.len() * TREX);
    for (track_id, _) in tracks {
        write_trex(&mut out, *track_id);
    }
    Ok(out.finish())
}

fn check(tracks: &[(u32, &TrackConfig)], brand: Brand) -> Result<(), InitProblem> {
    let limit = brand.tracks();
    if tracks.is_empty() || tracks.len() > limit {
        return Err(InitProblem::Tracks { limit });
    }
    for (at, (track_id, config)) in tracks.iter().enumerate() {
        let track_id = *track_id;
        if track_id == 0 || tracks.iter().take(at).any(|(other, _)| *other == track_id) {
            return Err(InitProblem::TrackId { track_id });
        }
        if config.kind() == TrackKind::Video && entry::pixels(config).is_none() {
            return Err(InitProblem::Resolution { track_id });
        }
        let size = config.record().len();
        if size > RECORD_MAX {
            return Err(InitProblem::Record {
                track_id,
                size,
                limit: RECORD_MAX,
            });
        }
    }
    Ok(())
}

fn moov_size(tracks: &[(u32, &TrackConfig)]) -> usize {
    let traks: usize = tracks.iter().map(|(_, config)| trak_size(config)).sum();
    BOX + MVHD + traks + BOX + tracks.len() * TREX
}

fn trak_size(config: &TrackConfig) -> usize {
    BOX + TKHD + mdia_size(config)
}

fn mdia_size(config: &TrackConfig) -> usize {
    BOX + MDHD + HDLR + minf_size(config)
}

fn minf_size(config: &TrackConfig) -> usize {
    let media_header = match config.kind() {
        TrackKind::Audio => SMHD,
        TrackKind::Text | TrackKind::Video => VMHD,
    };
    BOX + media_header + DINF + stbl_size(config)
}

fn stbl_size(config: &TrackConfig) -> usize {
    BOX + FULL_BOX + 4 + entry::size(config) + STTS + STSC + STSZ + STCO
}

fn write_mvhd(out: &mut Writer, tracks: &[(u32, &TrackConfig)]) {
    let last = tracks.iter().map(|(track_id, _)| *track_id).max();
    out.full(*b"mvhd", MVHD, 0, 0);
    out.zeros::<8>();
    out.u32(MOVIE_TIMESCALE);
    out.u32(0);
    out.u32(ONE_16_16);
    out.u16(FULL_VOLUME);
    out.zeros::<10>();
    write_matrix(out);
    out.zeros::<24>();
    out.u32(last.unwrap_or(0).saturating_add(1));
}

fn write_matrix(out: &mut Writer) {
    for value in [ONE_16_16, 0, 0, 0, ONE_16_16, 0, 0, 0, ONE_2_30] {
        out.u32(value);
    }
}

fn write_trak(out: &mut Writer, track_id: u32, config: &TrackConfig) {
    let (width, height) = entry::pixels(config).unwrap_or((0, 0));
    let audio = config.kind() == TrackKind::Audio;
    out.boxed(*b"trak", trak_size(config));
    out.full(*b"tkhd", TKHD, 0, TKHD_ENABLED | TKHD_IN_MOVIE);
    out.zeros::<8>();
    out.u32(track_id);
    out.zeros::<18>(); // Reserved, duration, reserved, layer.
    out.u16(u16::from(audio)); // Alternate group: tracks of one kind exclude each other.
    out.u16(if audio { FULL_VOLUME } else { 0 });
    out.zeros::<2>();
    write_matrix(out);
    out.u32(u32::from(width) << 16);
    out.u32(u32::from(height) << 16);
    write_mdia(out, config);
}

fn write_mdia(out: &mut Writer, config: &TrackConfig) {
    out.boxed(*b"mdia", mdia_size(config));
    out.full(*b"mdhd", MDHD, 0, 0);
    out.zeros::<8>();
    out.u32(config.timescale());
    out.u32(0);
    out.u16(LANGUAGE_UND);
    out.u16(0);
    out.full(*b"hdlr", HDLR, 0, 0);
    out.u32(0);
    out.put(match config.kind() {
        TrackKind::Audio => b"soun",
        TrackKind::Text | TrackKind::Video => b"vide",
    });
    out.zeros::<12>();
    out.put(HANDLER_NAME);
    out.boxed(*b"minf", minf_size(config));
    match config.kind() {
        TrackKind::Audio => {
            out.full(*b"smhd", SMHD, 0, 0);
            out.zeros::<4>();
        }
        TrackKind::Text | TrackKind::Video => {
            out.full(*b"vmhd", VMHD, 0, 1);
            out.zeros::<8>();
        }
    }
    out.boxed(*b"dinf", DINF);
    out.full(*b"dref", DREF, 0, 0);
    out.u32(1);
    out.full(*b"url ", FULL_BOX, 0, URL_SAME_FILE);
    write_stbl(out, config);
}

/// The sample table describes the codec and nothing else: samples are in the fragments.
fn write_stbl(out: &mut Writer, config: &TrackConfig) {
    out.boxed(*b"stbl", stbl_size(config));
    out.full(*b"stsd", FULL_BOX + 4 + entry::size(config), 0, 0);
    out.u32(1);
    entry::write(out, config);
    out.full(*b"stts", STTS, 0, 0);
    out.zeros::<4>();
    out.full(*b"stsc", STSC, 0, 0);
    out.zeros::<4>();
    out.full(*b"stsz", STSZ, 0, 0);
    out.zeros::<8>();
    out.full(*b"stco", STCO, 0, 0);
    out.zeros::<4>();
}

fn write_trex(out: &mut Writer, track_id: u32) {
    out.full(*b"trex", TREX, 0, 0);
    out.u32(track_id);
    out.u32(1);
    out.zeros::<12>();
}

const MVHD: usize = FULL_BOX + 96;
const TKHD: usize = FULL_BOX + 80;
const MDHD: usize = FULL_BOX + 20;
const HDLR: usize = FULL_BOX + 20 + HANDLER_NAME.len();
const VMHD: usize = FULL_BOX + 8;
const SMHD: usize = FULL_BOX + 4;
const DREF: usize = FULL_BOX + 4 + FULL_BOX;
const DINF: usize = BOX + DREF;
const STTS: usize = FULL_BOX + 4;
const STSC: usize = FULL_BOX + 4;
const STSZ: usize = FULL_BOX + 8;
const STCO: usize = FULL_BOX + 4;
const TREX: usize = FULL_BOX + 20;

const HANDLER_NAME: &[u8] = b"backline\0";
/// No time is written in it: all durations are 0.
const MOVIE_TIMESCALE: u32 = 1_000;
const ONE_16_16: u32 = 0x0001_0000;
const ONE_2_30: u32 = 0x4000_0000;
const FULL_VOLUME: u16 = 0x0100;
const LANGUAGE_UND: u16 = 0x55c4;
const TKHD_ENABLED: u32 = 0x1;
const TKHD_IN_MOVIE: u32 = 0x2;
const URL_SAME_FILE: u32 = 0x1;

/// More tracks than any publisher sends.
const TRACKS_MAX: usize = 64;
/// With `TRACKS_MAX` of them every size fits 31 bits, and a descriptor's four length bytes of seven bits.
const RECORD_MAX: usize = 0x00ff_ffff;
