//! The multivariant playlist (MV-1, MV-2).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "bit rates are far below 2^63"
)]

use crate::event::RenditionId;
use crate::rendition::Rendition;
use crate::text::{push_padded, push_u64};
use crate::track::Track;

/// Bits a second for a track of which nothing is known yet.
const REPRESENTATIVE_VIDEO: u64 = 4_000_000;
const REPRESENTATIVE_AUDIO: u64 = 160_000;

/// Writes the playlist of all renditions. `tracks` are the presentation's, picture first.
pub(crate) fn multivariant(
    renditions: &[Rendition],
    tracks: &[Track],
    independent: bool,
) -> String {
    let mut out = String::with_capacity(512);
    out.push_str("#EXTM3U\n#EXT-X-VERSION:6\n");
    if independent {
        out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    let main = renditions.first();
    let sound = renditions
        .iter()
        .find(|rendition| rendition.id == RenditionId::AUDIO);
    let grouped = sound.filter(|sound| main.is_some_and(|main| main.id != sound.id));
    if let Some(sound) = grouped {
        let channels = tracks.iter().find_map(|track| track.config.channels());
        media(&mut out, sound, channels);
    }
    let mut peak = 0;
    let mut average = 0;
    for rendition in renditions {
        let (rendition_peak, rendition_average) = bandwidth(rendition, tracks);
        peak += rendition_peak;
        average += rendition_average;
    }
    out.push_str("#EXT-X-STREAM-INF:BANDWIDTH=");
    push_u64(&mut out, peak);
    out.push_str(",AVERAGE-BANDWIDTH=");
    push_u64(&mut out, average.min(peak));
    out.push_str(",CODECS=\"");
    for (index, track) in tracks.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(track.config.codecs());
    }
    out.push('"');
    if let Some((width, height)) = tracks.iter().find_map(|track| track.config.resolution()) {
        out.push_str(",RESOLUTION=");
        push_u64(&mut out, u64::from(width));
        out.push('x');
        push_u64(&mut out, u64::from(height));
        if let Some(track) = tracks.first() {
            let milli_fps = track.timeline.pace.milli_fps();
            out.push_str(",FRAME-RATE=");
            push_u64(&mut out, milli_fps / 1_000);
            out.push('.');
            push_padded(&mut out, milli_fps % 1_000, 3);
        }
    }
    if grouped.is_some() {
        out.push_str(",AUDIO=\"a\"");
    }
    out.push('\n');
    out.push_str(main.map_or("v0", |main| main.name));
    out.push_str("/index.m3u8\n");
    out
}

fn media(out: &mut String, sound: &Rendition, channels: Option<u16>) {
    out.push_str(
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Audio\",DEFAULT=YES,AUTOSELECT=YES",
    );
    if let Some(channels) = channels {
        out.push_str(",CHANNELS=\"");
        push_u64(out, u64::from(channels));
        out.push('"');
    }
    out.push_str(",URI=\"");
    out.push_str(sound.name);
    out.push_str("/index.m3u8\"\n");
}

/// Peak and average: measured over closed segments, or what the publisher sends, or a representative value.
fn bandwidth(rendition: &Rendition, tracks: &[Track]) -> (u64, u64) {
    if rendition.peak_bits > 0 {
        let average =
            u128::from(rendition.total_bytes) * 800_000 / u128::from(rendition.total_units.max(1));
        return (
            rendition.peak_bits,
            u64::try_from(average).unwrap_or(rendition.peak_bits),
        );
    }
    let belongs = |track: &&Track| match rendition.id {
        RenditionId::AUDIO => track.is_sound(),
        RenditionId::VIDEO => !track.is_sound(),
        _ => true,
    };
    let measured = tracks.iter().filter(belongs).map(|track| {
        let representative = if track.is_sound() {
            REPRESENTATIVE_AUDIO
        } else {
            REPRESENTATIVE_VIDEO
        };
        track
            .meter
            .bitrate
            .map_or(representative, |bits| bits.max(1))
    });
    let average: u64 = measured.sum();
    // The first key frames weigh more than the time measured so far shows.
    (average + average / 4, average)
}
