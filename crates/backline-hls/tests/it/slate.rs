//! Row MUX-9 and quirk 14: a slate plays while the publisher is away, and goes when he is back.

use std::sync::Arc;
use std::time::Duration;

use backline_hls::codec::{Codec, TrackConfig, TrackKind};
use backline_hls::{
    Absence, Config, Event, Limits, RenditionId, Sample, Slate, SlateTrack, Warning,
};
use bytes::Bytes;

use crate::boxes::Run;
use crate::studio::{
    A0, AAC_44, AAC_48, AVC_360, AVC_720, M0, Script, Studio, V0, hex, muxed, separate,
};

/// What the slate's samples are filled with, to be told from the publisher's.
const MARK: u8 = 0x51;

/// A slate of so many frames of picture, and of sound if it has a record.
fn slate(picture: &str, rate: (i64, i64), seconds: i64, sound: Option<&str>) -> Arc<Slate> {
    let parse = |codec, record| TrackConfig::parse(codec, hex(record), &Limits::default()).unwrap();
    let script = Script {
        length_ms: seconds * 1_000,
        rate,
        gop: rate.0 / rate.1,
        sound: match sound {
            Some(AAC_44) => (44_100, 1_024),
            Some(_) => (48_000, 1_024),
            None => (0, 1),
        },
        ..Script::default()
    };
    let samples = |wanted: TrackKind| -> Vec<Sample> {
        let all = script.samples().into_iter();
        all.filter(|(_, kind, ..)| *kind == wanted)
            .map(|(dts_ms, _, composition_ms, sync)| Sample {
                dts_ns: dts_ms * 1_000_000,
                composition_ns: composition_ms * 1_000_000,
                sync,
                data: Bytes::from(vec![MARK; 500]),
            })
            .collect()
    };
    let length = Duration::from_secs(u64::try_from(seconds).unwrap());
    let mut tracks = vec![SlateTrack::new(
        parse(Codec::Avc, picture),
        samples(TrackKind::Video),
        length,
    )];
    if let Some(record) = sound {
        let config = parse(Codec::Aac, record);
        tracks.push(SlateTrack::new(config, samples(TrackKind::Audio), length));
    }
    Arc::new(Slate::new(tracks, &Limits::default()).unwrap())
}

/// Five seconds of a publisher, with a slate at hand.
fn away(config: Config, slate: &Arc<Slate>) -> Studio {
    let mut config = config;
    config.absence = Absence::Slate;
    let mut studio = Studio::started(config, Some(AAC_48));
    studio.hls.set_slate(Some(Arc::clone(slate)));
    studio.play(&five_seconds(0), 0);
    studio
}

fn five_seconds(first_ms: i64) -> Script {
    Script {
        first_ms,
        length_ms: 5_000,
        ..Script::default()
    }
}

/// What a rendition's parts carry from a part on: whether it is the slate's, and its runs.
fn parts(studio: &Studio, id: RenditionId) -> Vec<(bool, Vec<Run>)> {
    let own = studio
        .parts
        .iter()
        .filter(|(object, _)| object.rendition == id);
    own.map(|(_, (runs, body))| {
        (
            body.iter().skip(1).any(|data| data[0] == MARK),
            runs.clone(),
        )
    })
    .collect()
}

fn discontinuities(studio: &Studio, id: RenditionId) -> usize {
    let segments = &studio.playlists[&id].segments;
    segments
        .iter()
        .filter(|segment| segment.discontinuity)
        .count()
}

/// A discontinuity at both ends, all renditions at once, another init segment there and back, and the time that the
/// publisher was away is the time that the slate fills.
#[test]
fn mux_09_a_slate_stands_between_two_discontinuities_in_all_renditions() {
    let slate = slate(AVC_720, (30, 1), 3, Some(AAC_48));
    for (config, ids) in [(muxed(), vec![M0]), (separate(), vec![V0, A0])] {
        let mut studio = away(config, &slate);
        let inits = studio.inits.len();
        studio.wait_until_ms(6_900);
        assert!(!studio.hls.shows_slate(), "patience is 2 s");
        studio.wait_until_ms(20_000);
        assert!(studio.hls.shows_slate());
        assert_eq!(studio.warnings.last(), Some(&Warning::SlateShown));
        assert_eq!(
            studio.inits.len(),
            inits + 1,
            "the picture's record differs"
        );
        for id in &ids {
            let listed: u64 = studio.playlists[id]
                .segments
                .iter()
                .flat_map(|segment| &segment.parts)
                .map(|part| part.units)
                .sum::<u64>();
            assert!(listed > 0);
            assert_eq!(discontinuities(&studio, *id), 1, "{id}");
            let runs = studio.runs(*id, 1);
            let scale = if *id == A0 { 48_000 } else { 90_000 };
            let media: u64 = runs.iter().map(Run::ticks).sum();
            // The time until the absence was certain is made up for.
            let ms = media * 1_000 / scale;
            assert!((19_500..=20_100).contains(&ms), "{id}: {ms} ms");
        }
        let ends: Vec<_> = ids.iter().map(|id| studio.points[id].1).collect();
        assert!(ends.iter().all(|end| *end == ends[0]), "SEG-9: {ends:?}");
        studio.start(Some(AAC_48));
        studio.play(&five_seconds(700_000), 20_000);
        assert!(!studio.hls.shows_slate());
        assert_eq!(studio.inits.len(), inits + 2);
        for id in &ids {
            assert_eq!(discontinuities(&studio, *id), 2, "{id}");
            let shown: Vec<bool> = parts(&studio, *id)
                .iter()
                .map(|(slate, _)| *slate)
                .collect();
            let changes = shown.windows(2).filter(|two| two[0] != two[1]).count();
            assert_eq!(changes, 2, "publisher, slate, publisher");
        }
    }
}

/// Quirk 14: the slate sticks after the source has returned.
#[test]
fn q14_the_first_picture_of_a_returning_publisher_ends_the_slate() {
    let slate = slate(AVC_360, (25, 1), 2, Some(AAC_48));
    let mut studio = away(muxed(), &slate);
    studio.event(Event::Stop);
    studio.wait_until_ms(12_345);
    assert!(studio.hls.shows_slate());
    studio.start(Some(AAC_48));
    assert!(studio.hls.shows_slate(), "until there is a picture");
    // The publisher comes back in the middle of a group of pictures.
    studio.video(90_000, 0, false);
    studio.audio(90_000);
    studio.wait_until_ms(12_500);
    assert!(studio.hls.shows_slate());
    let before = studio.parts.len();
    studio.at_ms(12_533);
    studio.video(90_188, 0, true);
    assert!(!studio.hls.shows_slate());
    let after = parts(&studio, M0);
    assert!(!after.last().unwrap().0, "and it goes out at once");
    assert!(studio.parts.len() > before);
    let Some(Warning::SlateOver { shown_ms }) = studio.warnings.last() else {
        panic!("{:?}", studio.warnings)
    };
    assert!((7_000..7_700).contains(shown_ms), "{shown_ms}");
    studio.play(&five_seconds(90_222), 12_567);
    assert!(
        parts(&studio, M0)[after.len()..]
            .iter()
            .all(|(slate, _)| !slate)
    );
    assert!(
        studio.hls.poll_timeout().is_some(),
        "and the next absence is seen"
    );
    studio.wait_until_ms(30_000);
    assert!(studio.hls.shows_slate());
}

/// A loop follows the one before without a seam, whatever its frame rate, and sound that is longer is cut.
#[test]
fn mux_09_a_slate_is_looped_without_a_seam() {
    for (rate, sound) in [
        ((30, 1), Some(AAC_48)),
        ((25, 1), Some(AAC_44)),
        ((24, 1), None),
        ((30_000, 1_001), Some(AAC_48)),
    ] {
        let slate = slate(AVC_360, rate, 2, sound);
        for config in [muxed(), separate()] {
            let ids = match config.layout {
                backline_hls::Layout::Muxed => vec![M0],
                _ => vec![V0, A0],
            };
            let mut studio = away(config, &slate);
            studio.lenient = sound == Some(AAC_44);
            studio.wait_until_ms(40_000);
            for id in ids {
                assert!(discontinuities(&studio, id) <= 1);
                let tracks: &[u32] = if id == M0 { &[1, 2] } else { &[1] };
                for track in tracks {
                    let runs = studio.runs(id, *track);
                    let cut = runs.len() - 20;
                    for two in runs[cut..].windows(2) {
                        assert_eq!(two[1].tfdt, two[0].tfdt + two[0].ticks(), "{id} {rate:?}");
                    }
                }
            }
            assert!(
                studio.warnings.iter().all(|warning| !matches!(
                    warning,
                    Warning::Jump { .. } | Warning::AudioMissing { .. }
                )),
                "{:?}",
                studio.warnings
            );
        }
    }
}

/// Where the slate has no sound there is silence, in the publisher's own codec: no other init segment for it.
#[test]
fn mux_09_a_slate_without_sound_is_silent() {
    let slate = slate(AVC_360, (30, 1), 2, None);
    let mut studio = away(separate(), &slate);
    let inits = studio.inits.len();
    studio.wait_until_ms(15_000);
    assert!(studio.hls.shows_slate());
    assert_eq!(studio.inits.len(), inits);
    let sound: u64 = studio.runs(A0, 1).iter().map(Run::ticks).sum();
    let ms = sound / 48;
    assert!((14_500..15_100).contains(&ms), "{ms} ms");
    let mut silent = studio
        .parts
        .iter()
        .filter(|(object, _)| object.rendition == A0);
    let quiet = silent
        .next_back()
        .unwrap()
        .1
        .1
        .iter()
        .skip(1)
        .all(|data| data.len() < 20);
    assert!(quiet, "frames of silence");
}

/// A slate that cannot stand in is said, and gaps fill the time.
#[test]
fn mux_09_a_slate_that_does_not_fit_leaves_the_time_to_gaps() {
    // A frame a second lasts longer than a part.
    let slow = slate(AVC_360, (1, 1), 4, None);
    let mut studio = away(muxed(), &slow);
    studio.wait_until_ms(10_000);
    assert!(studio.warnings.contains(&Warning::SlateUnfit));
    assert!(!studio.hls.shows_slate() && studio.hls.stats().absent);
    // None at all.
    let mut studio = away(muxed(), &slow);
    studio.hls.set_slate(None);
    studio.wait_until_ms(10_000);
    assert!(!studio.warnings.contains(&Warning::SlateUnfit));
    assert!(studio.hls.stats().absent);
}

/// The show may end while the slate plays.
#[test]
fn seg_11_the_show_ends_in_the_middle_of_a_slate() {
    let slate = slate(AVC_720, (30, 1), 3, Some(AAC_48));
    let mut studio = away(separate(), &slate);
    studio.event(Event::Stop);
    studio.wait_until_ms(11_111);
    assert!(studio.hls.shows_slate());
    studio.event(Event::End);
    assert!(studio.ended && !studio.hls.shows_slate());
    assert_eq!(studio.hls.poll_timeout(), None);
}

/// A caller that slept through a part of the absence does not get all of it at once.
#[test]
fn mux_09_a_slate_that_is_called_late_begins_anew_where_the_clock_is() {
    let slate = slate(AVC_360, (30, 1), 3, Some(AAC_48));
    let mut studio = away(muxed(), &slate);
    studio.wait_until_ms(9_000);
    let before = studio.parts.len();
    studio.at_ms(3_600_000);
    studio.wait_until_ms(3_600_100);
    assert!(
        studio.parts.len() - before < 50,
        "some seconds of parts, not an hour"
    );
    assert!(studio.hls.shows_slate());
}
