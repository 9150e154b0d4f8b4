//! Several pictures in step, and a publisher of several tracks: rows MV-5, SEG-1, SEG-9, NEW-1 and NEW-3.

use std::time::Duration;

use backline_hls::codec::{Codec, TrackKind};
use backline_hls::{Config, Event, Output, RenditionId, TrackId, Warning};

use crate::studio::{A0, AAC_48, AVC_360, AVC_720, Script, Studio, V0, WALL, hex, sample};

pub const V1: RenditionId = RenditionId::video(1);
pub const V2: RenditionId = RenditionId::video(2);
pub const A1: RenditionId = RenditionId::audio(1);

pub fn video(id: u8) -> TrackId {
    TrackId {
        id,
        ..TrackId::VIDEO
    }
}

pub fn audio(id: u8) -> TrackId {
    TrackId {
        id,
        ..TrackId::AUDIO
    }
}

pub fn config(track: TrackId, record: &str) -> Event {
    let codec = match track.kind {
        TrackKind::Audio => Codec::Aac,
        TrackKind::Text | TrackKind::Video => Codec::Avc,
    };
    let record = hex(record);
    Event::Config {
        track,
        codec,
        record,
    }
}

/// A studio whose publisher has sent the records of some tracks.
pub fn ladder(config: Config, tracks: &[(TrackId, &str)]) -> Studio {
    let mut studio = Studio::new(config);
    studio.in_step = true;
    studio.event(Event::Start { wall: WALL });
    for (track, record) in tracks {
        studio.event(self::config(*track, record));
    }
    studio
}

/// Three pictures and two sounds, as OBS sends them.
pub fn obs(config: Config) -> Studio {
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
pub struct Row {
    pub at_ms: i64,
    pub track: TrackId,
    pub composition_ms: i64,
    pub sync: bool,
    /// When it comes, after its time.
    pub late_ms: i64,
}

/// The samples of tracks in the order in which they come; of those of a moment the first track's come first.
pub fn rows(tracks: &[(TrackId, Script)]) -> Vec<Row> {
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

pub fn play_rows(studio: &mut Studio, rows: &[Row], from_ms: i64) {
    for row in rows {
        studio.at_ms(u64::try_from(from_ms + row.at_ms + row.late_ms).unwrap_or(0));
        let size = match (row.track.kind, row.track.id) {
            (TrackKind::Audio, id) => 200 + usize::from(id) * 40,
            (_, id) => 4_000 >> id,
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

pub fn play(studio: &mut Studio, tracks: &[(TrackId, Script)]) {
    play_rows(studio, &rows(tracks), 0);
}

pub fn length(length_ms: i64) -> Script {
    Script {
        length_ms,
        ..Script::default()
    }
}

pub fn five(script: Script) -> [(TrackId, Script); 5] {
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

#[test]
fn mv_5_a_follower_without_a_key_frame_there_is_cut_alone() {
    for gop in [45, 50, 75, 90, 250] {
        let tracks = [(video(0), AVC_720), (video(1), AVC_360)];
        let mut studio = ladder(Config::default(), &tracks);
        let other = Script {
            gop,
            ..length(30_000)
        };
        play(
            &mut studio,
            &[(video(0), length(30_000)), (video(1), other)],
        );
        let misaligned = |warning: &Warning| {
            let Warning::Misaligned { track, late_ms } = warning else {
                return false;
            };
            *track == video(1) && (200..=300).contains(late_ms)
        };
        assert!(
            studio.warnings.len() == 1 && studio.warnings.iter().all(misaligned),
            "{gop}: {:?}",
            studio.warnings
        );
        assert_eq!(
            studio.points[&V1].1, studio.points[&V0].1,
            "{gop}: segments in step"
        );
        assert_eq!(studio.hls.stats().samples_dropped, 0);
    }
}

/// Where every segment is promised to begin with a key frame, a follower without one is left out, and the caller hears
/// why.
#[test]
fn mv_5_a_follower_that_breaks_the_promise_of_key_frames_is_reported() {
    for gop in [45, 75, 250] {
        let tracks = [(video(0), AVC_720), (video(1), AVC_360)];
        let mut config = Config::default();
        config.independent_segments = true;
        let mut studio = ladder(config, &tracks);
        studio.in_step = false;
        let other = Script {
            gop,
            ..length(12_000)
        };
        play(
            &mut studio,
            &[(video(0), length(12_000)), (video(1), other)],
        );
        let said = |warning: &&Warning| matches!(warning, Warning::Misaligned { .. });
        let said: Vec<_> = studio.warnings.iter().filter(said).collect();
        assert!(
            matches!(said[..], [Warning::Misaligned { track, late_ms: 0..=300 }] if *track == video(1)),
            "{gop}: {:?}",
            studio.warnings
        );
        assert!(studio.hls.stats().samples_dropped > 0);
    }
}

#[test]
fn mv_5_a_forced_cut_of_the_leading_picture_needs_no_second_warning() {
    let mut studio = ladder(
        Config::default(),
        &[(video(0), AVC_720), (video(1), AVC_360)],
    );
    let long = Script {
        gop: 250,
        ..length(30_000)
    };
    play(&mut studio, &[(video(0), long), (video(1), long)]);
    assert!(
        matches!(studio.warnings[..], [Warning::LongGop { .. }]),
        "{:?}",
        studio.warnings
    );
    for (own, lead) in studio.playlists[&V1]
        .segments
        .iter()
        .zip(&studio.playlists[&V0].segments)
    {
        assert_eq!((own.msn, &own.date), (lead.msn, &lead.date));
    }
}

#[test]
fn seg_1_no_follower_passes_the_target_duration() {
    // The leading picture's segments of 2.4 s round to the Target Duration, a little more would not.
    let mut config = Config::default();
    config.segment_target = Duration::from_millis(2_000);
    let mut studio = ladder(config, &[(video(0), AVC_720), (video(1), AVC_360)]);
    let lead = Script {
        gop: 72,
        ..length(40_000)
    };
    // Key frames of the follower come 180 ms later.
    let follows = Script {
        sound_offset_ms: 0,
        ..lead
    };
    let mut all = rows(&[(video(0), lead), (video(1), follows)]);
    for row in &mut all {
        if row.track == video(1) {
            row.at_ms += 180;
        }
    }
    all.sort_by_key(|row| row.at_ms);
    play_rows(&mut studio, &all, 0);
    // The studio checks every segment of every version.
    assert!(studio.points[&V1].1.msn >= 14);
    assert!(
        studio.warnings.iter().all(|warning| matches!(
            warning,
            Warning::Misaligned { .. } | Warning::LongGop { .. }
        )),
        "{:?}",
        studio.warnings
    );
}

#[test]
fn seg_9_the_leading_picture_waits_half_a_part_for_the_others() {
    for (late_ms, reached) in [
        (20, true),
        (60, true),
        (95, true),
        (200, false),
        (400, false),
    ] {
        let mut studio = ladder(
            Config::default(),
            &[(video(0), AVC_720), (video(1), AVC_360)],
        );
        studio.in_step = late_ms <= 200;
        let mut all = rows(&[(video(0), length(12_000)), (video(1), length(12_000))]);
        for row in &mut all {
            row.late_ms = if row.track == video(1) { late_ms } else { 0 };
        }
        all.sort_by_key(|row| row.at_ms + row.late_ms);
        let mut together = 0;
        let mut versions = 0;
        for row in all {
            let before = studio.points.get(&V0).map(|points| points.0);
            play_rows(&mut studio, &[row], 0);
            if studio.points.get(&V0).map(|points| points.0) != before {
                versions += 1;
                let ends = [V0, V1].map(|id| studio.playlists[&id].end_ms());
                together += usize::from((ends[0] - ends[1]).abs() < 40);
            }
        }
        assert!(versions >= 45, "{late_ms} ms late: {versions} versions");
        assert_eq!(
            together * 10 >= versions * 9,
            reached,
            "{late_ms} ms late: {together} of {versions}"
        );
        assert_eq!(studio.warnings, [], "{late_ms} ms late");
        assert_eq!(studio.hls.stats().samples_dropped, 0);
    }
}

#[test]
fn new_3_as_many_advances_a_part_as_there_are_renditions() {
    let mut studio = obs(Config::default());
    play(&mut studio, &five(length(20_000)));
    let count = |id: RenditionId| {
        let advanced = studio.outputs.iter().filter(
            |output| matches!(output, Output::Advanced { rendition, .. } if *rendition == id),
        );
        advanced.count()
    };
    let parts = studio
        .parts
        .keys()
        .filter(|part| part.rendition == V0)
        .count();
    let segments = usize::try_from(studio.points[&V0].1.msn).unwrap();
    // The first segment's parts were listed with the first playlist.
    assert!(
        count(V0) <= parts + segments - 9,
        "{} for {parts} parts",
        count(V0)
    );
    for id in [V1, V2, A0, A1] {
        assert_eq!(
            count(id),
            count(V0),
            "{id} is rendered as often as the leading one, and no more"
        );
    }
    // Within an event each advances at most once.
    let mut seen = Vec::new();
    for output in &studio.outputs {
        match output {
            Output::Advanced { rendition, .. } => {
                assert!(!seen.contains(rendition), "{rendition} twice in one step");
                seen.push(*rendition);
            }
            _ => seen.clear(),
        }
    }
}

#[test]
fn new_1_a_followers_part_has_the_number_that_was_announced() {
    // Early key frames close parents at any time; the viewer compares every hint with the part that came.
    let mut studio = ladder(
        Config::default(),
        &[(video(0), AVC_720), (video(1), AVC_360)],
    );
    let odd = Script {
        gop: 37,
        ..length(20_000)
    };
    play(&mut studio, &[(video(0), odd), (video(1), odd)]);
    for id in [V0, V1] {
        let numbers: Vec<u64> = studio
            .parts
            .keys()
            .filter(|part| part.rendition == id)
            .map(|part| part.number)
            .collect();
        assert!(
            numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{id}: {numbers:?}"
        );
    }
    assert_eq!(studio.points[&V1], studio.points[&V0]);
}
