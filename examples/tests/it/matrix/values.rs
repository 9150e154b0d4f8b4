//! What the multivariant playlist says, beside what was encoded and what the objects weigh (MV-1, MV-2).

use backline_hls::Limits;
use backline_hls::m3u8::{Playlist, Variant};

use super::cases::{Case, Picture, Rate, SIZE, Sound};
use crate::harness::collect::{Recording, Rendition};

/// Ten microseconds, the unit of the five decimals of playlists.
const UNITS_A_SECOND: u64 = 100_000;

/// Peak and average bits a second over the closed segments. One much shorter than the others is the end of the show.
fn rates(rendition: &Rendition) -> (u64, u64) {
    let media = rendition.newest();
    let (mut bytes, mut units, mut peak) = (0, 0, 0);
    for segment in &media.segments {
        let size = rendition.bodies[&segment.uri].len() as u64;
        bytes += size;
        units += segment.duration;
        if segment.duration * 2 > media.target_duration * UNITS_A_SECOND {
            peak = peak.max(size * 8 * UNITS_A_SECOND / segment.duration);
        }
    }
    (peak, bytes * 8 * UNITS_A_SECOND / units)
}

pub(super) fn findings(case: &Case, recording: &Recording) -> Vec<String> {
    let text = &recording.multivariant;
    let multivariant = match Playlist::parse(text.as_bytes(), &Limits::default()) {
        Ok(Playlist::Multivariant(multivariant)) => multivariant,
        other => return vec![format!("no multivariant playlist: {other:?}")],
    };
    let mut said = Vec::new();
    for sound in &multivariant.renditions {
        if sound.channels.as_deref() != Some("2") {
            said.push(format!("CHANNELS={:?}", sound.channels));
        }
    }
    match multivariant.variants.as_slice() {
        [only] => said.extend(variant(case, recording, only)),
        several => said.push(format!("{} variants", several.len())),
    }
    let told = said.into_iter();
    told.map(|what| format!("{what} in:\n{text}")).collect()
}

fn variant(case: &Case, recording: &Recording, variant: &Variant) -> Vec<String> {
    let mut found = Vec::new();
    if variant.resolution != Some(SIZE) {
        found.push(format!("RESOLUTION={:?}", variant.resolution));
    }
    if variant.video_range.as_deref() != Some("SDR") {
        found.push(format!("VIDEO-RANGE={:?}", variant.video_range));
    }
    // Of a rate that changes it is the highest.
    let milli = match case.rate {
        Rate::Constant(_, milli) => milli,
        Rate::Variable => 60_000,
    };
    if variant.frame_rate_milli != Some(milli) {
        found.push(format!(
            "FRAME-RATE={:?}, not {milli} / 1000",
            variant.frame_rate_milli
        ));
    }
    let (mut peak, mut average) = (0, 0);
    for rendition in &recording.renditions {
        let (own_peak, own_average) = rates(rendition);
        peak += own_peak;
        average += own_average;
    }
    for (name, is, expected) in [
        ("BANDWIDTH", variant.bandwidth, peak),
        // A short last segment counts for the average alone, which is never said to be above the peak.
        (
            "AVERAGE-BANDWIDTH",
            variant.average_bandwidth,
            average.min(peak),
        ),
    ] {
        // Durations are rounded to five decimals.
        if is.unwrap_or(0).abs_diff(expected) > expected / 1_000 + 10 {
            found.push(format!(
                "{name}={is:?}, not {expected} as the objects weigh"
            ));
        }
    }
    let codecs = variant.codecs.clone().unwrap_or_default();
    let families: Vec<&str> = codecs.split(',').filter_map(|name| name.get(..4)).collect();
    let expected = [family(case.picture), sound_family(case.sound)];
    if families != expected {
        found.push(format!("CODECS={codecs}, not of {expected:?}"));
    }
    found
}

fn family(picture: Picture) -> &'static str {
    match picture {
        Picture::Av1 => "av01",
        Picture::Avc => "avc1",
        Picture::Hevc => "hvc1",
        Picture::Vp9 => "vp09",
    }
}

fn sound_family(sound: Sound) -> &'static str {
    match sound {
        Sound::Aac => "mp4a",
        Sound::Ac3 => "ac-3",
        Sound::Eac3 => "ec-3",
        Sound::Flac => "fLaC",
        Sound::Opus => "Opus",
    }
}
