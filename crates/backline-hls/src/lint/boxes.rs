//! A small reader of init segments and fragments (ISO/IEC 14496-12) that shares no code with the writer.
//!
//! Nothing is allocated from a declared length: the only list is of tracks and runs, each of which takes bytes.

use std::collections::BTreeMap;

/// What an init segment says of a track.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) timescale: u32,
    /// `vide`, `soun` and others.
    pub(super) handler: [u8; 4],
    /// `avc1`, `mp4a` and others.
    pub(super) entry: [u8; 4],
    /// Pixels of a picture.
    pub(super) size: (u16, u16),
    /// Profile, constraints and level of AVC.
    pub(super) avc: Option<[u8; 3]>,
    /// Defaults of a sample: duration, size, flags.
    defaults: (u32, u32, u32),
}

/// One track of a fragment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Run {
    pub(super) track_id: u32,
    pub(super) decode_time: u64,
    /// Ticks of all samples together.
    pub(super) duration: u64,
    pub(super) first_is_sync: bool,
    pub(super) has_sync: bool,
    samples: u64,
}

/// What is wrong with a file, in words.
pub(super) type Wrong = &'static str;

/// The bytes of a box behind its header.
type Boxed<'a> = ([u8; 4], &'a [u8]);

/// Reads big-endian numbers from the front.
#[derive(Clone, Copy, Debug)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, count: usize) -> Option<u64> {
        let bytes = self.take(count)?.iter();
        Some(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn u32(&mut self) -> Option<u32> {
        self.number(4).and_then(|number| u32::try_from(number).ok())
    }

    /// Version and flags of a full box.
    fn full(&mut self) -> Option<(u8, u32)> {
        let version = self.number(1)?;
        let flags = self.number(3)?;
        Some((u8::try_from(version).ok()?, u32::try_from(flags).ok()?))
    }
}

/// The boxes of which `bytes` is made.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = Result<Boxed<'_>, Wrong>> {
    let mut rest = Bytes(bytes);
    core::iter::from_fn(move || {
        if rest.0.is_empty() {
            return None;
        }
        let found = one_box(&mut rest);
        if found.is_none() {
            rest = Bytes(&[]);
        }
        Some(found.ok_or("a box that ends past its parent"))
    })
}

fn one_box<'a>(rest: &mut Bytes<'a>) -> Option<Boxed<'a>> {
    let all = rest.0.len();
    let mut size = rest.number(4)?;
    let kind = rest.take(4)?.try_into().ok()?;
    match size {
        0 => size = u64::try_from(all).ok()?,
        1 => size = rest.number(8)?,
        _ => {}
    }
    let header = all.checked_sub(rest.0.len())?;
    let body = usize::try_from(size).ok()?.checked_sub(header)?;
    Some((kind, rest.take(body)?))
}

/// The first box of this type.
fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let mut found = boxes(bytes).filter_map(Result::ok);
    found.find(|found| found.0 == *kind).map(|found| found.1)
}

fn path<'a>(bytes: &'a [u8], kinds: &[&[u8; 4]]) -> Option<&'a [u8]> {
    kinds
        .iter()
        .try_fold(bytes, |inside, kind| child(inside, kind))
}

/// Whether bytes begin like a file of boxes.
pub(super) fn is_boxes(bytes: &[u8]) -> bool {
    matches!(
        bytes.get(4..8),
        Some(b"ftyp" | b"styp" | b"moof" | b"moov" | b"prft" | b"emsg" | b"sidx" | b"free")
    )
}

/// Brands of the ISO base media format from its sixth version on, and of what is built on it.
const BRANDS: [&[u8; 4]; 9] = [
    b"iso6", b"iso7", b"iso8", b"iso9", b"isoa", b"isob", b"isoc", b"cmfc", b"cmf2",
];

/// Tracks of an init segment that are looked at: a muxed one has two.
const TRACKS_MAX: usize = 64;

/// Reads an init segment (section 3.1.2).
pub(super) fn init(bytes: &[u8]) -> Result<Vec<Track>, Wrong> {
    let top = boxes(bytes).collect::<Result<Vec<_>, _>>()?;
    if top
        .iter()
        .any(|found| matches!(&found.0, b"moof" | b"mdat"))
    {
        return Err("media in the init segment");
    }
    let Some((b"ftyp", ftyp)) = top.first().map(|found| (&found.0, found.1)) else {
        return Err("the first box is not ftyp");
    };
    let brands = ftyp.chunks_exact(4).enumerate();
    // The second word is a version.
    let mut named = brands
        .filter(|(place, _)| *place != 1)
        .map(|(_, brand)| brand);
    if !named.any(|brand| BRANDS.iter().any(|known| *known == brand)) {
        return Err("no brand of iso6 or later in ftyp");
    }
    let moov = top
        .iter()
        .find(|found| found.0 == *b"moov")
        .ok_or("no moov")?
        .1;
    if duration(child(moov, b"mvhd").ok_or("no mvhd")?) != Some(0) {
        return Err("mvhd has a duration");
    }
    let inside = boxes(moov).collect::<Result<Vec<_>, _>>()?;
    let mvex = inside.iter().position(|found| found.0 == *b"mvex");
    let last_trak = inside.iter().rposition(|found| found.0 == *b"trak");
    let (Some(mvex), Some(last_trak)) = (mvex, last_trak) else {
        return Err("no trak, or no mvex");
    };
    if mvex < last_trak {
        return Err("mvex stands before a trak");
    }
    let extends = inside.get(mvex).map_or(&[][..], |found| found.1);
    let traks = inside.iter().filter(|found| found.0 == *b"trak");
    if traks.clone().count() > TRACKS_MAX {
        return Err("more than 64 tracks");
    }
    traks.map(|found| track(found.1, extends)).collect()
}

fn track(trak: &[u8], mvex: &[u8]) -> Result<Track, Wrong> {
    let tkhd = child(trak, b"tkhd").ok_or("no tkhd")?;
    let mut track = Track {
        id: track_id(tkhd).ok_or("tkhd is too short")?,
        ..Track::default()
    };
    let mdia = child(trak, b"mdia").ok_or("no mdia")?;
    track.timescale = child(mdia, b"mdhd").and_then(timescale).unwrap_or(0);
    if track.timescale == 0 {
        return Err("mdhd has no timescale");
    }
    track.handler = child(mdia, b"hdlr")
        .and_then(|hdlr| hdlr.get(8..12)?.try_into().ok())
        .ok_or("no hdlr")?;
    let stbl = path(mdia, &[b"minf", b"stbl"]).ok_or("no stbl")?;
    for (kind, at) in [(b"stts", 4), (b"stsc", 4), (b"stsz", 8), (b"stco", 4)] {
        let count = child(stbl, kind).and_then(|table| {
            let mut rest = Bytes(table.get(at..)?);
            rest.u32()
        });
        // A table that is left out has no samples either.
        if count.unwrap_or(0) != 0 {
            return Err("samples in the sample table");
        }
    }
    let stsd = child(stbl, b"stsd").and_then(|stsd| stsd.get(8..));
    let entry = stsd.and_then(|entries| boxes(entries).next()?.ok());
    let (kind, entry) = entry.ok_or("no sample entry")?;
    track.entry = kind;
    if track.handler == *b"vide" {
        let mut rest = Bytes(entry.get(24..).unwrap_or_default());
        let size = rest.number(2).zip(rest.number(2)).unwrap_or((0, 0));
        track.size = (
            u16::try_from(size.0).unwrap_or(0),
            u16::try_from(size.1).unwrap_or(0),
        );
        let avc = entry.get(78..).and_then(|rest| child(rest, b"avcC"));
        track.avc = avc.and_then(|record| record.get(1..4)?.try_into().ok());
    }
    let trex = boxes(mvex)
        .filter_map(Result::ok)
        .filter(|found| found.0 == *b"trex")
        .find_map(|found| defaults(found.1).filter(|(id, ..)| *id == track.id))
        .ok_or("a track without a trex")?;
    track.defaults = (trex.1, trex.2, trex.3);
    Ok(track)
}

/// Of `mvhd`.
fn duration(header: &[u8]) -> Option<u64> {
    let mut rest = Bytes(header);
    let wide = rest.full()?.0 == 1;
    rest.take(if wide { 20 } else { 12 })?;
    rest.number(if wide { 8 } else { 4 })
}

fn track_id(tkhd: &[u8]) -> Option<u32> {
    let mut rest = Bytes(tkhd);
    let wide = rest.full()?.0 == 1;
    rest.take(if wide { 16 } else { 8 })?;
    rest.u32()
}

fn timescale(mdhd: &[u8]) -> Option<u32> {
    let mut rest = Bytes(mdhd);
    let wide = rest.full()?.0 == 1;
    rest.take(if wide { 16 } else { 8 })?;
    rest.u32()
}

/// Track, duration, size and flags of `trex`.
fn defaults(trex: &[u8]) -> Option<(u32, u32, u32, u32)> {
    let mut rest = Bytes(trex);
    rest.full()?;
    let id = rest.u32()?;
    rest.u32()?;
    Some((id, rest.u32()?, rest.u32()?, rest.u32()?))
}

/// Reads the fragments of a part or segment (section 3.1.2): all runs, in order.
pub(super) fn fragments(bytes: &[u8], tracks: &[Track]) -> Result<Vec<Run>, Wrong> {
    let mut runs = Vec::new();
    let mut moof: Option<(&[u8], usize)> = None;
    let mut at = 0usize;
    for found in boxes(bytes) {
        let (kind, body) = found?;
        let end = offset(bytes, body).saturating_add(body.len());
        match &kind {
            b"moof" if moof.is_some() => return Err("a moof without its mdat"),
            b"moof" => moof = Some((body, at)),
            b"mdat" => {
                let Some((moof, start)) = moof.take() else {
                    return Err("an mdat without its moof");
                };
                let data = (
                    offset(bytes, body).saturating_sub(start),
                    end.saturating_sub(start),
                );
                fragment(moof, data, tracks, &mut runs)?;
            }
            b"moov" => return Err("a moov among fragments"),
            _ => {}
        }
        at = end;
    }
    match (moof, runs.is_empty()) {
        (Some(_), _) => Err("a moof without its mdat"),
        (None, true) => Err("no fragment"),
        (None, false) => Ok(runs),
    }
}

/// Of each track its first and its last run: what another fragment is compared with.
pub(super) fn ends(runs: Vec<Run>) -> Vec<Run> {
    let mut kept: BTreeMap<u32, (Run, Option<Run>)> = BTreeMap::new();
    for run in runs {
        kept.entry(run.track_id)
            .and_modify(|(_, last)| *last = Some(run))
            .or_insert((run, None));
    }
    let ends = kept.into_values();
    ends.flat_map(|(first, last)| [Some(first), last])
        .flatten()
        .collect()
}

/// Where a piece of `whole` begins.
fn offset(whole: &[u8], piece: &[u8]) -> usize {
    (piece.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// Reads one `moof`; `data` is where its `mdat` begins and ends, from the start of the `moof`.
fn fragment(
    moof: &[u8],
    data: (usize, usize),
    tracks: &[Track],
    runs: &mut Vec<Run>,
) -> Result<(), Wrong> {
    let before = runs.len();
    for found in boxes(moof) {
        let (kind, traf) = found?;
        if kind == *b"traf" {
            runs.push(run(traf, data, tracks)?);
        }
    }
    if runs.len() == before {
        return Err("a moof without a traf");
    }
    Ok(())
}

fn run(traf: &[u8], data: (usize, usize), tracks: &[Track]) -> Result<Run, Wrong> {
    let tfhd = child(traf, b"tfhd").ok_or("no tfhd")?;
    let mut header = Bytes(tfhd);
    let (_, flags) = header.full().ok_or("tfhd is too short")?;
    if flags & 0x01 != 0 {
        return Err("tfhd has a base data offset");
    }
    if flags & 0x02_0000 == 0 {
        return Err("tfhd is not addressed from its moof (default-base-is-moof)");
    }
    let track_id = header.u32().ok_or("tfhd is too short")?;
    let track = tracks.iter().find(|track| track.id == track_id);
    let mut defaults = track
        .ok_or("a track that the init segment does not have")?
        .defaults;
    let mut optional = |bit: u32, slot: Option<&mut u32>| {
        if flags & bit != 0 {
            let value = header.u32().unwrap_or(0);
            if let Some(slot) = slot {
                *slot = value;
            }
        }
    };
    optional(0x02, None);
    optional(0x08, Some(&mut defaults.0));
    optional(0x10, Some(&mut defaults.1));
    optional(0x20, Some(&mut defaults.2));
    let tfdt = child(traf, b"tfdt").ok_or("a traf without a tfdt")?;
    let mut time = Bytes(tfdt);
    let wide = time.full().is_some_and(|(version, _)| version == 1);
    let mut run = Run {
        track_id,
        decode_time: time
            .number(if wide { 8 } else { 4 })
            .ok_or("tfdt is too short")?,
        ..Run::default()
    };
    for found in boxes(traf) {
        let (kind, trun) = found?;
        if kind == *b"trun" {
            samples(trun, defaults, data, &mut run)?;
        }
    }
    if run.samples == 0 {
        return Err("a traf without samples");
    }
    Ok(run)
}

/// Adds the samples of a `trun` to what is known of its track.
fn samples(
    trun: &[u8],
    defaults: (u32, u32, u32),
    data: (usize, usize),
    run: &mut Run,
) -> Result<(), Wrong> {
    let mut rest = Bytes(trun);
    let short = "trun is too short";
    let (_, flags) = rest.full().ok_or(short)?;
    let count = rest.u32().ok_or(short)?;
    let data_offset = if flags & 0x01 != 0 { rest.u32() } else { None };
    let mut first_flags = if flags & 0x04 != 0 { rest.u32() } else { None };
    let mut bytes = 0u64;
    let fields = flags & 0xF00;
    let mut sample = |rest: &mut Bytes<'_>, times: u64| -> Option<()> {
        let mut field = |bit: u32, default: u32| match fields & bit {
            0 => Some(default),
            _ => rest.u32(),
        };
        let (duration, size) = (field(0x100, defaults.0)?, field(0x200, defaults.1)?);
        let own = field(0x400, defaults.2)?;
        field(0x800, 0)?;
        let sync = first_flags.take().unwrap_or(own) & 0x1_0000 == 0;
        run.first_is_sync |= sync && run.samples == 0;
        run.has_sync |= sync;
        run.samples = run.samples.saturating_add(times);
        run.duration = run
            .duration
            .saturating_add(u64::from(duration).saturating_mul(times));
        bytes = bytes.saturating_add(u64::from(size).saturating_mul(times));
        Some(())
    };
    if fields == 0 && count > 0 {
        // All alike but for the first one's flags: no need to count them one by one.
        sample(&mut rest, 1).ok_or(short)?;
        if count > 1 {
            sample(&mut rest, u64::from(count.saturating_sub(1))).ok_or(short)?;
        }
    } else {
        for _ in 0..count {
            sample(&mut rest, 1).ok_or(short)?;
        }
    }
    let begins = data_offset.map_or(data.0, |at| usize::try_from(at).unwrap_or(usize::MAX));
    let ends = u64::try_from(begins)
        .unwrap_or(u64::MAX)
        .saturating_add(bytes);
    if begins < data.0 || ends > u64::try_from(data.1).unwrap_or(u64::MAX) {
        return Err("samples outside of the mdat");
    }
    Ok(())
}
