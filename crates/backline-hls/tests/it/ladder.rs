//! Several pictures and several sounds: rows MV-1 to MV-7, SEG-9, NEW-1 and NEW-3.

use std::time::Duration;

use backline_hls::codec::{Codec, TrackKind};
use backline_hls::{
    About, AboutProblem, Config, Error, Event, Output, RenditionId, TrackId, Warning,
};

use crate::playlist::attribute;
use crate::studio::{
    A0, AAC_44, AAC_48, AVC_360, AVC_720, Script, Studio, V0, WALL, hex, muxed, sample, separate,
};

const V1: RenditionId = RenditionId::video(1);
const V2: RenditionId = RenditionId::video(2);
const A1: RenditionId = RenditionId::audio(1);

fn video(id: u8) -> TrackId {
    TrackId {
        id,
        ..TrackId::VIDEO
    }
}

fn audio(id: u8) -> TrackId {
    TrackId {
        id,
        ..TrackId::AUDIO
    }
}

fn config(track: TrackId, record: &str) -> Event {
    let codec = match track.kind {
        TrackKind::Audio => Codec::Aac,
        TrackKind::Video => Codec::Avc,
    };
    let record = hex(record);
    Event::Config {
        track,
        codec,
        record,
    }
}

/// A studio whose publisher has sent the records of some tracks.
fn ladder(config: Config, tracks: &[(TrackId, &str)]) -> Studio {
    let mut studio = Studio::new(config);
    studio.in_step = true;
    studio.event(Event::Start { wall: WALL });
    for (track, record) in tracks {
        studio.event(self::config(*track, record));
    }
    studio
}

/// Three pictures and two sounds, as OBS sends them.
fn obs(config: Config) -> Studio {
    let tracks = [
        (video(0), AVC_720),
        (video(1), AVC_360),
        (video(2), AVC_360),
        (audio(0), AAC_48),
        (audio(1), AAC_48),
    ];
    ladder(config, &tracks)
}

/// One sample of a track.
#[derive(Clone, Copy)]
struct Row {
    at_ms: i64,
    track: TrackId,
    composition_ms: i64,
    sync: bool,
    /// When it comes, after its time.
    late_ms: i64,
}

/// The samples of tracks in the order in which they come; of those of a moment the first track's come first.
fn rows(tracks: &[(TrackId, Script)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (track, script) in tracks {
        let own = script.samples().into_iter();
        let own = own.filter(|(_, kind, ..)| *kind == track.kind);
        rows.extend(own.map(|(at_ms, _, composition_ms, sync)| Row {
            at_ms,
            track: *track,
            composition_ms,
            sync,
            late_ms: 0,
        }));
    }
    rows.sort_by_key(|row| row.at_ms);
    rows
}

fn play_rows(studio: &mut Studio, rows: &[Row], from_ms: i64) {
    for row in rows {
        studio.at_ms(u64::try_from(from_ms + row.at_ms + row.late_ms).unwrap_or(0));
        let size = match (row.track.kind, row.track.id) {
            (TrackKind::Audio, id) => 200 + usize::from(id) * 40,
            (TrackKind::Video, id) => 4_000 >> id,
        };
        studio.event(sample(
            row.track,
            row.at_ms,
            row.composition_ms,
            row.sync,
            size,
        ));
    }
}

fn play(studio: &mut Studio, tracks: &[(TrackId, Script)]) {
    play_rows(studio, &rows(tracks), 0);
}

fn length(length_ms: i64) -> Script {
    Script {
        length_ms,
        ..Script::default()
    }
}

fn five(script: Script) -> [(TrackId, Script); 5] {
    [video(0), video(1), video(2), audio(0), audio(1)].map(|track| (track, script))
}

#[test]
fn mv_5_all_pictures_are_cut_at_the_same_key_frame() {
    // Whoever comes first at a moment: a follower's key frame waits for the leading track's.
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 2, 0, 4, 3]] {
        for b_frames in [0, 2] {
            let mut studio = obs(Config::default());
            let script = Script {
                b_frames,
                gop: if b_frames > 0 { 58 } else { 60 },
                ..length(20_000)
            };
            let tracks = five(script);
            play(&mut studio, &order.map(|at| tracks[at]));
            assert_eq!(studio.warnings, []);
            assert_eq!(studio.hls.stats().samples_dropped, 0);
            assert_eq!(studio.points[&V0].1.msn, if b_frames > 0 { 10 } else { 9 });
            for id in [V1, V2, A0, A1] {
                assert_eq!(studio.points[&id].1, studio.points[&V0].1, "{id}");
                let pictures = id == V1 || id == V2;
                for (own, lead) in studio.playlists[&id]
                    .segments
                    .iter()
                    .zip(&studio.playlists[&V0].segments)
                {
                    if pictures {
                        assert_eq!((&own.date, own.units), (&lead.date, lead.units), "{id}");
                        assert!(own.parts.first().is_none_or(|part| part.independent));
                    }
                }
            }
        }
    }
}

#[test]
fn mv_5_a_follower_with_a_rate_of_its_own_keeps_the_part_target() {
    // Frames a second of the leading picture and of one beside it, and whether its frames can make legal parts.
    for (lead, other, fits) in [
        ((30, 1), (60, 1), true),
        ((60, 1), (30, 1), true),
        ((30, 1), (15, 1), true),
        ((25, 1), (50, 1), true),
        ((30, 1), (24, 1), true),
        ((30_000, 1_001), (60_000, 1_001), true),
        ((30, 1), (3, 1), false),
    ] {
        let tracks = [(video(0), AVC_720), (video(1), AVC_360), (audio(0), AAC_48)];
        let mut studio = ladder(Config::default(), &tracks);
        studio.in_step = fits;
        let script = |rate: (i64, i64)| Script {
            rate,
            gop: (rate.0 + rate.1 / 2) / rate.1 * 2,
            ..length(20_000)
        };
        let scripts = [
            (video(0), script(lead)),
            (video(1), script(other)),
            (audio(0), length(20_000)),
        ];
        play(&mut studio, &scripts);
        let unfit = |warning: &Warning| matches!(warning, Warning::RateUnfit { track, .. } if track.id == 1);
        assert_eq!(
            studio.warnings.iter().any(unfit),
            !fits,
            "{lead:?} {other:?}: {:?}",
            studio.warnings
        );
        assert!(studio.warnings.iter().all(unfit), "{:?}", studio.warnings);
        assert_eq!(studio.hls.stats().samples_dropped, 0);
        let (leads, follows) = (&studio.playlists[&V0], &studio.playlists[&V1]);
        assert!(studio.points[&V1].1.msn >= 8);
        for (own, first) in follows.segments.iter().zip(&leads.segments) {
            let (Some(units), Some(lead_units)) = (own.units, first.units) else {
                continue;
            };
            assert!(
                !fits || units.abs_diff(lead_units) <= 200,
                "{lead:?} {other:?}: {units} beside {lead_units} in {}",
                own.msn
            );
        }
    }
}
