//! The movie box, out of the boxes of the `mp4` crate.
//!
//! `mp4::Mp4Writer` cannot say what our parts need: signed composition offsets, edit lists, several parameter sets,
//! and durations that do not round at every sample. The boxes that it writes can, so they are filled here. Most of
//! their types have no public name; their fields and defaults have.

use mp4::{FixedPointU8, FixedPointU16, FourCC, MoovBox, WriteBox};

use super::super::entry;
use super::tables::Track;
use crate::codec::{Codec, TrackConfig};

/// Whether the crate can describe the codec: H.264, and AAC-LC whose record is its two bytes.
pub(super) fn fits(config: &TrackConfig) -> bool {
    match config.codec() {
        Codec::Aac => low_complexity(config.record()).is_some(),
        Codec::Avc => parameter_sets(config.record()).is_some(),
        _ => false,
    }
}

/// Writes the movie box of these tracks.
pub(super) fn movie(tracks: &[Track]) -> Option<Vec<u8>> {
    let begin = tracks.iter().map(begin_ticks).min()?;
    let mut moov = MoovBox::default();
    for track in tracks {
        moov.traks.push(Default::default());
        // After the one before: what is shown first begins the movie, others wait in an empty edit.
        let delay = u64::try_from(begin_ticks(track).saturating_sub(begin)).ok()?;
        add(&mut moov, track, delay)?;
    }
    let duration = moov.traks.iter().map(|trak| trak.tkhd.duration).max()?;
    moov.mvhd.timescale = MOVIE_TIMESCALE;
    moov.mvhd.duration = duration;
    moov.mvhd.version = wide(duration);
    moov.mvhd.next_track_id = u32::try_from(tracks.len()).ok()?.checked_add(1)?;
    let mut bytes = Vec::new();
    moov.write_box(&mut bytes).ok()?;
    Some(bytes)
}

/// Fills the newest track.
fn add(moov: &mut MoovBox, track: &Track, delay: u64) -> Option<()> {
    let number = u32::try_from(moov.traks.len()).ok()?;
    let trak = moov.traks.last_mut()?;
    let presented = movie_ticks(track.last.checked_sub(track.first)?, track.timescale);
    let presented = u64::try_from(presented).ok()?;
    let total = delay.checked_add(presented)?;
    trak.tkhd.track_id = number;
    trak.tkhd.flags = TKHD_ENABLED_IN_MOVIE;
    trak.tkhd.duration = total;
    trak.tkhd.version = wide(total);
    trak.mdia.mdhd.timescale = track.timescale;
    trak.mdia.mdhd.duration = track.media();
    trak.mdia.mdhd.version = wide(track.media());
    let elst = trak
        .edts
        .get_or_insert_default()
        .elst
        .get_or_insert_default();
    elst.version = 1;
    if delay > 0 {
        elst.entries.push(Default::default());
        let empty = elst.entries.last_mut()?;
        empty.segment_duration = delay;
        empty.media_time = EMPTY;
        empty.media_rate = 1;
    }
    elst.entries.push(Default::default());
    let edit = elst.entries.last_mut()?;
    edit.segment_duration = presented;
    edit.media_time = u64::try_from(track.first.max(0)).ok()?;
    edit.media_rate = 1;
    describe(moov, &track.config)?;
    tables(moov, track)
}

/// The track's kind and its sample entry.
fn describe(moov: &mut MoovBox, config: &TrackConfig) -> Option<()> {
    let trak = moov.traks.last_mut()?;
    let minf = &mut trak.mdia.minf;
    let stsd = &mut minf.stbl.stsd;
    if config.codec() == Codec::Aac {
        let (rate, channels) = low_complexity(config.record())?;
        trak.mdia.hdlr.handler_type = FourCC::from(*b"soun");
        minf.smhd = Some(Default::default());
        let mp4a = stsd.mp4a.get_or_insert_default();
        mp4a.data_reference_index = 1;
        mp4a.channelcount = config.channels()?;
        // 16 bits hold no 96 kHz; the decoder's own record says the truth.
        let hz = u16::try_from(config.timescale()).unwrap_or(0);
        mp4a.samplerate = FixedPointU16::new(hz);
        let decoder = &mut mp4a.esds.get_or_insert_default().es_desc.dec_config;
        decoder.object_type_indication = OBJECT_AAC;
        decoder.stream_type = STREAM_AUDIO;
        decoder.dec_specific.profile = AAC_LC;
        decoder.dec_specific.freq_index = rate;
        decoder.dec_specific.chan_conf = channels;
        return Some(());
    }
    let [sps, pps] = parameter_sets(config.record())?;
    let (width, height) = config.resolution()?;
    let (width, height) = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    trak.tkhd.set_width(width);
    trak.tkhd.set_height(height);
    trak.tkhd.volume = FixedPointU8::new(0);
    trak.mdia.hdlr.handler_type = FourCC::from(*b"vide");
    minf.vmhd.get_or_insert_default().flags = 1;
    let avc1 = stsd.avc1.get_or_insert_default();
    avc1.data_reference_index = 1;
    avc1.width = width;
    avc1.height = height;
    let record: &[u8; 5] = config.record().first_chunk()?;
    avc1.avcc.configuration_version = 1;
    avc1.avcc.avc_profile_indication = record[1];
    avc1.avcc.profile_compatibility = record[2];
    avc1.avcc.avc_level_indication = record[3];
    avc1.avcc.length_size_minus_one = record[4];
    for set in sps {
        avc1.avcc.sequence_parameter_sets.push(Default::default());
        avc1.avcc.sequence_parameter_sets.last_mut()?.bytes = set.to_vec();
    }
    for set in pps {
        avc1.avcc.picture_parameter_sets.push(Default::default());
        avc1.avcc.picture_parameter_sets.last_mut()?.bytes = set.to_vec();
    }
    Some(())
}

/// The track's sample table.
fn tables(moov: &mut MoovBox, track: &Track) -> Option<()> {
    let stbl = &mut moov.traks.last_mut()?.mdia.minf.stbl;
    for (count, delta) in &track.durations {
        stbl.stts.entries.push(Default::default());
        let entry = stbl.stts.entries.last_mut()?;
        entry.sample_count = *count;
        entry.sample_delta = *delta;
    }
    // No edit begins before the media, so what is shown before its decode time moves all the rest.
    let shift = i32::try_from(track.first.min(0)).ok()?;
    if track.offsets.iter().any(|(_, offset)| *offset != shift) {
        let ctts = stbl.ctts.get_or_insert_default();
        for (count, offset) in &track.offsets {
            ctts.entries.push(Default::default());
            let entry = ctts.entries.last_mut()?;
            entry.sample_count = *count;
            entry.sample_offset = offset.checked_sub(shift)?;
            ctts.version |= u8::from(entry.sample_offset < 0);
        }
    }
    // Without the box all samples are sync samples.
    if track.syncs.len() < track.sizes.len() {
        stbl.stss.get_or_insert_default().entries = track.syncs.clone();
    }
    for (chunk, samples) in &track.per_chunk {
        stbl.stsc.entries.push(Default::default());
        let entry = stbl.stsc.entries.last_mut()?;
        entry.first_chunk = *chunk;
        entry.samples_per_chunk = *samples;
        entry.sample_description_index = 1;
    }
    stbl.stsz.sample_count = u32::try_from(track.sizes.len()).ok()?;
    stbl.stsz.sample_sizes = track.sizes.clone();
    let narrow: Result<Vec<u32>, _> = track.chunks.iter().map(|at| u32::try_from(*at)).collect();
    match narrow {
        Ok(narrow) => stbl.stco.get_or_insert_default().entries = narrow,
        Err(_) => stbl.co64.get_or_insert_default().entries = track.chunks.clone(),
    }
    Some(())
}

/// Sampling frequency index and channel configuration of AAC-LC that needs no more than that: two bytes, a table rate,
/// frames of 1,024 (ISO/IEC 14496-3 1.6.2.1, 4.4.1).
fn low_complexity(record: &[u8]) -> Option<(u8, u8)> {
    let bytes: [u8; 2] = *record.first_chunk()?;
    let word = u16::from_be_bytes(bytes);
    let [object, rate, channels, flags] = [word >> 11, word >> 7 & 15, word >> 3 & 15, word & 7]
        .map(|field| u8::try_from(field).unwrap_or(u8::MAX));
    (object == AAC_LC && rate < 13 && channels > 0 && flags == 0).then_some((rate, channels))
}

/// At least one of each, and no more than their counts can say.
fn parameter_sets(record: &[u8]) -> Option<[entry::Sets<'_>; 2]> {
    let sets = entry::parameter_sets(record)?;
    sets.iter().all(|sets| !sets.is_empty()).then_some(sets)
}

/// When a track's presentation begins, in the movie's ticks.
fn begin_ticks(track: &Track) -> i64 {
    movie_ticks(track.presented_from(), track.timescale)
}

fn movie_ticks(ticks: i64, timescale: u32) -> i64 {
    let scaled = i128::from(ticks).saturating_mul(MOVIE_TIMESCALE.into());
    let ticks = scaled.checked_div(timescale.into()).unwrap_or(0);
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

/// The version of a box whose longest number is this.
fn wide(value: u64) -> u8 {
    u8::from(value > u64::from(u32::MAX))
}

/// As fine as the picture's own, so that edits do not round.
const MOVIE_TIMESCALE: u32 = 90_000;
/// An edit without media has the time -1.
const EMPTY: u64 = u64::MAX;
const TKHD_ENABLED_IN_MOVIE: u32 = 3;
const OBJECT_AAC: u8 = 0x40;
const STREAM_AUDIO: u8 = 5;
const AAC_LC: u8 = 2;
