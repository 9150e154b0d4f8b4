//! The multivariant playlist (MV-1, MV-2, MV-3).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "bit rates are far below 2^63"
)]

use crate::about::About;
use crate::captions::Captions;
use crate::presentation::Presentation;
use crate::rendition::Rendition;
use crate::text::{push_padded, push_u64};
use crate::track::Track;

/// Bits a second for a track of which nothing is known yet.
const REPRESENTATIVE_VIDEO: u64 = 4_000_000;
const REPRESENTATIVE_AUDIO: u64 = 160_000;

/// Peak and average bits a second.
#[derive(Clone, Copy, Debug, Default)]
struct Bandwidth {
    peak: u64,
    average: u64,
}

/// Whether there are groups of renditions beside a variant's own.
#[derive(Clone, Copy, Debug)]
struct Groups {
    grouped: bool,
    captioned: bool,
}

/// A rendition with the tracks in it.
#[derive(Clone, Copy, Debug)]
struct Source<'a> {
    rendition: &'a Rendition,
    tracks: &'a [Track],
}

/// Writes the playlist of all renditions.
pub(crate) fn multivariant(presentation: &Presentation) -> String {
    let mut out = String::with_capacity(1_024);
    out.push_str("#EXTM3U\n#EXT-X-VERSION:6\n");
    if presentation.config.independent_segments {
        out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    let sources = sources(presentation);
    let (sounds, pictures): (Vec<_>, Vec<_>) = sources
        .iter()
        .partition(|source| source.rendition.id.is_audio());
    // Sound alone is a variant itself; several of them are one variant with a choice.
    let grouped = !sounds.is_empty() && (!pictures.is_empty() || sounds.len() > 1);
    if grouped {
        group(&mut out, presentation, &sounds);
    }
    let captioned = !presentation.captions.is_empty();
    if captioned {
        captions(&mut out, presentation);
    }
    let mut largest = Bandwidth::default();
    for sound in &sounds {
        let sound = sound.bandwidth();
        largest.peak = largest.peak.max(sound.peak);
        largest.average = largest.average.max(sound.average);
    }
    if let (true, Some(sound)) = (pictures.is_empty(), sounds.first()) {
        let groups = Groups { grouped, captioned };
        variant(&mut out, sound, largest, &sounds, groups);
    }
    for picture in pictures {
        let own = picture.bandwidth();
        let bandwidth = Bandwidth {
            peak: own.peak + largest.peak,
            average: own.average + largest.average,
        };
        let groups = Groups { grouped, captioned };
        variant(&mut out, &picture, bandwidth, &sounds, groups);
    }
    out
}

/// The renditions of tracks.
fn sources(presentation: &Presentation) -> Vec<Source<'_>> {
    let tracks = &presentation.tracks;
    let with_tracks = presentation.renditions.iter().enumerate();
    with_tracks
        .filter_map(|(index, rendition)| {
            let tracks = if presentation.muxed {
                tracks.get(..).filter(|_| index == 0)
            } else {
                tracks.get(index..=index)
            };
            tracks.map(|tracks| Source { rendition, tracks })
        })
        .collect()
}

/// `EXT-X-MEDIA` for every sound (MV-2).
fn group(out: &mut String, presentation: &Presentation, sounds: &[Source<'_>]) {
    let silent = About::default();
    let about = |source: &Source<'_>| {
        let id = source.tracks.first().map(|track| track.id);
        id.and_then(|id| presentation.abouts.get(&id))
            .unwrap_or(&silent)
    };
    // At most one may be the default.
    let default = sounds.iter().position(|sound| about(sound).default);
    let default = default.unwrap_or(0);
    let taken = |name: &str| sounds.iter().any(|sound| about(sound).name == name);
    let mut unnamed = 0;
    for (index, sound) in sounds.iter().enumerate() {
        let About { name, language, .. } = about(sound);
        out.push_str("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"");
        if name.is_empty() {
            out.push_str(&next_name("Audio", &mut unnamed, taken));
        } else {
            out.push_str(name);
        }
        if !language.is_empty() {
            out.push_str("\",LANGUAGE=\"");
            out.push_str(language);
        }
        // A player that chooses by language must find one answer (section 4.4.6.1.1 of the draft).
        let chosen = |other: usize| {
            let same = |sound: &Source<'_>| about(sound).language == *language;
            sounds.get(other).is_some_and(same)
        };
        let first = (0..index).all(|other| !chosen(other)) && !(default > index && chosen(default));
        out.push_str(match (index == default, first) {
            (true, _) => "\",DEFAULT=YES,AUTOSELECT=YES",
            (false, true) => "\",DEFAULT=NO,AUTOSELECT=YES",
            (false, false) => "\",DEFAULT=NO,AUTOSELECT=NO",
        });
        if let Some(channels) = sound.tracks.first().and_then(|t| t.config.channels()) {
            out.push_str(",CHANNELS=\"");
            push_u64(out, u64::from(channels));
            out.push('"');
        }
        out.push_str(",URI=\"");
        out.push_str(&sound.rendition.name);
        out.push_str("/index.m3u8\"\n");
    }
}

/// `EXT-X-MEDIA` for all captions. None is shown unless the publisher says that one is the default, or the viewer asks.
fn captions(out: &mut String, presentation: &Presentation) {
    let silent = About::default();
    let about = |captions: &Captions| presentation.abouts.get(&captions.track).unwrap_or(&silent);
    let all = &presentation.captions;
    let default = all.iter().position(|captions| about(captions).default);
    let taken = |name: &str| all.iter().any(|captions| about(captions).name == name);
    let mut unnamed = 0;
    for (index, captions) in all.iter().enumerate() {
        let About { name, language, .. } = about(captions);
        out.push_str("#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"");
        if name.is_empty() {
            out.push_str(&next_name("Captions", &mut unnamed, taken));
        } else {
            out.push_str(name);
        }
        if !language.is_empty() {
            out.push_str("\",LANGUAGE=\"");
            out.push_str(language);
        }
        // A player that chooses by language must find one answer (section 4.4.6.1.1 of the draft).
        let same = |other: usize| {
            let other = all.get(other).map(|other| &about(other).language);
            other == Some(language)
        };
        let ahead = default.is_some_and(|default| default > index && same(default));
        let first = !ahead && !(0..index).any(same);
        out.push_str(match (default == Some(index), first) {
            (true, _) => "\",DEFAULT=YES,AUTOSELECT=YES",
            (false, true) => "\",DEFAULT=NO,AUTOSELECT=YES",
            (false, false) => "\",DEFAULT=NO,AUTOSELECT=NO",
        });
        out.push_str(",FORCED=NO,URI=\"");
        out.push_str(&captions.name);
        out.push_str("/index.m3u8\"\n");
    }
}

/// `Audio`, `Audio 2` and so on, those left out that a publisher has given.
fn next_name(kind: &str, count: &mut u64, taken: impl Fn(&str) -> bool) -> String {
    loop {
        *count += 1;
        let mut name = String::from(kind);
        if *count > 1 {
            name.push(' ');
            push_u64(&mut name, *count);
        }
        if !taken(&name) {
            return name;
        }
    }
}

/// `EXT-X-STREAM-INF` and its playlist (MV-1).
fn variant(
    out: &mut String,
    source: &Source<'_>,
    bandwidth: Bandwidth,
    sounds: &[Source<'_>],
    groups: Groups,
) {
    let Groups { grouped, captioned } = groups;
    out.push_str("#EXT-X-STREAM-INF:BANDWIDTH=");
    push_u64(out, bandwidth.peak);
    out.push_str(",AVERAGE-BANDWIDTH=");
    push_u64(out, bandwidth.average.min(bandwidth.peak));
    out.push_str(",CODECS=\"");
    let beside = sounds.iter().filter(|_| grouped).flat_map(|s| s.tracks);
    let mut listed: Vec<&str> = Vec::with_capacity(4);
    for track in source.tracks.iter().chain(beside) {
        let codecs = track.config.codecs();
        if !listed.contains(&codecs) {
            if !listed.is_empty() {
                out.push(',');
            }
            out.push_str(codecs);
            listed.push(codecs);
        }
    }
    out.push('"');
    if let Some(track) = source.tracks.first().filter(|track| !track.is_sound()) {
        if let Some((width, height)) = track.config.resolution() {
            out.push_str(",RESOLUTION=");
            push_u64(out, u64::from(width));
            out.push('x');
            push_u64(out, u64::from(height));
        }
        let milli_fps = track.timeline.pace.milli_fps();
        out.push_str(",FRAME-RATE=");
        push_u64(out, milli_fps / 1_000);
        out.push('.');
        push_padded(out, milli_fps % 1_000, 3);
        out.push_str(",VIDEO-RANGE=");
        out.push_str(track.config.video_range().name());
    }
    if grouped {
        out.push_str(",AUDIO=\"a\"");
    }
    if captioned {
        // Text has no format of its own in `CODECS`: RFC 6381 names what is in ISO files.
        out.push_str(",SUBTITLES=\"t\"");
    }
    out.push_str(",STABLE-VARIANT-ID=\"");
    out.push_str(&source.rendition.name);
    out.push_str("\"\n");
    out.push_str(&source.rendition.name);
    out.push_str("/index.m3u8\n");
}

impl Source<'_> {
    /// Measured over closed segments, or what the publisher sends, or a representative value.
    fn bandwidth(&self) -> Bandwidth {
        let rendition = self.rendition;
        if rendition.peak_bits > 0 {
            let units = u128::from(rendition.total_units.max(1));
            let average = u128::from(rendition.total_bytes) * 800_000 / units;
            let peak = rendition.peak_bits;
            let average = u64::try_from(average).unwrap_or(peak);
            return Bandwidth { peak, average };
        }
        let measured = self.tracks.iter().map(|track| {
            let representative = if track.is_sound() {
                REPRESENTATIVE_AUDIO
            } else {
                REPRESENTATIVE_VIDEO
            };
            let measured = track.meter.bitrate;
            measured.map_or(representative, |bits| bits.max(1))
        });
        let average: u64 = measured.sum();
        // The first key frames weigh more than the time measured so far shows.
        Bandwidth {
            peak: average + average / 4,
            average,
        }
    }
}
