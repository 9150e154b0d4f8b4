//! Which tracks there are, and what the multivariant playlist says of them: rows MV-1, MV-2, MV-6 and MV-7.

use backline_hls::codec::{Codec, VideoRange};
use backline_hls::{
    About, AboutProblem, Config, Decision, Error, Event, RenditionId, TrackId, Warning,
};

use crate::ladder::{
    A1, V1, V2, audio, config, five, ladder, length, obs, play, play_rows, rows, video,
};
use crate::playlist::attribute;
use crate::studio::{
    A0, AAC_48, AVC_360, AVC_720, M0, Script, Studio, V0, WALL, hex, muxed, sample,
};

fn about(name: &str, language: &str, default: bool) -> About {
    let mut about = About::named(name, language);
    about.default = default;
    about
}

fn announce(track: TrackId, about: About) -> Event {
    Event::Announce { track, about }
}

/// The attribute lists of a tag, each with the line behind it.
fn tags<'a>(text: &'a str, tag: &str) -> Vec<(&'a str, &'a str)> {
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(list) = line.strip_prefix(tag) {
            found.push((list, lines.clone().next().unwrap_or("")));
        }
    }
    found
}

/// Bits a second of a rendition's segments as they were published: the largest, and all of them together.
fn measured(studio: &Studio, id: RenditionId) -> (u64, u64) {
    let (mut peak, mut bytes, mut units) = (0, 0, 0);
    for output in &studio.outputs {
        let backline_hls::Output::Segment { object, parts } = output else {
            continue;
        };
        if object.rendition != id {
            continue;
        }
        let own: usize = parts
            .iter()
            .flat_map(|part| &studio.parts[part].1)
            .map(|b| b.len())
            .sum();
        let media = &studio.playlists[&id];
        let listed = media
            .segments
            .iter()
            .find(|segment| segment.msn == object.number)
            .unwrap();
        let own_units = listed.units.unwrap();
        let bits = u64::try_from(own).unwrap() * 800_000;
        peak = peak.max(bits / own_units);
        bytes += bits;
        units += own_units;
    }
    (peak, bytes / units)
}

#[test]
fn mv_1_a_variant_for_every_picture() {
    let mut studio = obs(Config::default());
    play(&mut studio, &five(length(12_000)));
    let text = studio.multivariant().unwrap();
    let variants = tags(&text, "#EXT-X-STREAM-INF:");
    assert_eq!(variants.len(), 3);
    // Of the two sounds the second is the larger.
    let sound = measured(&studio, A1);
    assert!(sound.0 > measured(&studio, A0).0);
    for (index, (list, uri)) in variants.iter().enumerate() {
        let id = [V0, V1, V2][index];
        assert_eq!(*uri, format!("{id}/index.m3u8"));
        let (peak, average) = measured(&studio, id);
        let number = |name: &str| attribute(list, name).unwrap().parse::<u64>().unwrap();
        assert_eq!(
            number("BANDWIDTH"),
            peak + sound.0,
            "section 4.4.6.2: the peak segment with the largest sound"
        );
        assert!(number("AVERAGE-BANDWIDTH").abs_diff(average + sound.1) <= 2);
        assert_eq!(
            attribute(list, "CODECS"),
            Some(if index == 0 {
                "avc1.42C01F,mp4a.40.2"
            } else {
                "avc1.42C01E,mp4a.40.2"
            })
        );
        assert_eq!(
            attribute(list, "RESOLUTION"),
            Some(if index == 0 { "1280x720" } else { "640x360" })
        );
        assert_eq!(attribute(list, "FRAME-RATE"), Some("30.000"));
        assert_eq!(attribute(list, "VIDEO-RANGE"), Some("SDR"));
        assert_eq!(attribute(list, "AUDIO"), Some("a"));
        assert_eq!(attribute(list, "STABLE-VARIANT-ID"), Some(&*id.to_string()));
    }
}

#[test]
fn mv_1_codecs_name_every_format_of_a_variant() {
    // Section 6.2.4: whoever plays a variant may play any sound of its group.
    let tracks = [(video(0), AVC_720), (audio(0), AAC_48)];
    let mut studio = ladder(Config::default(), &tracks);
    let opus = Event::Config {
        track: audio(1),
        codec: Codec::Opus,
        record: bytes::Bytes::new(),
    };
    studio.event(opus);
    let scripts = [video(0), audio(0), audio(1)].map(|track| (track, length(6_000)));
    studio.lenient = true;
    play(&mut studio, &scripts);
    let text = studio.multivariant().unwrap();
    let (list, _) = tags(&text, "#EXT-X-STREAM-INF:")[0];
    assert_eq!(
        attribute(list, "CODECS"),
        Some("avc1.42C01F,mp4a.40.2,Opus")
    );
}

#[test]
fn mv_2_every_sound_has_a_name_a_language_and_channels() {
    let tracks: Vec<_> = [video(0), audio(0), audio(1), audio(2), audio(3)]
        .into_iter()
        .map(|track| (track, if track == video(0) { AVC_720 } else { AAC_48 }))
        .collect();
    let mut studio = ladder(Config::default(), &tracks);
    studio.event(announce(audio(0), About::default()));
    studio.event(announce(audio(1), about("Stage", "pt-BR", true)));
    studio.event(announce(audio(2), about("Comment\u{e1}rio", "pt-BR", true)));
    studio.event(announce(audio(3), about("Audio", "en", false)));
    let scripts: Vec<_> = tracks
        .iter()
        .map(|(track, _)| (*track, length(6_000)))
        .collect();
    play(&mut studio, &scripts);
    let text = studio.multivariant().unwrap();
    let media = tags(&text, "#EXT-X-MEDIA:");
    let row = |list: &str| {
        [
            "NAME",
            "LANGUAGE",
            "DEFAULT",
            "AUTOSELECT",
            "CHANNELS",
            "URI",
            "GROUP-ID",
            "TYPE",
        ]
        .map(|name| attribute(list, name).unwrap_or("-").to_owned())
        .join(" ")
    };
    let rows: Vec<String> = media.iter().map(|(list, _)| row(list)).collect();
    let expected = [
        // The name that would be next is another track's.
        "Audio 2 - NO YES 2 a0/index.m3u8 a AUDIO",
        "Stage pt-BR YES YES 2 a1/index.m3u8 a AUDIO",
        // At most one default, and one answer for whoever asks for a language.
        "Comment\u{e1}rio pt-BR NO NO 2 a2/index.m3u8 a AUDIO",
        "Audio en NO YES 2 a3/index.m3u8 a AUDIO",
    ];
    assert_eq!(rows, expected);
    // What is said of a track later is in the playlist at once.
    studio.outputs.clear();
    studio.event(announce(audio(0), about("Original", "de", false)));
    assert!(
        studio
            .multivariant()
            .unwrap()
            .contains("NAME=\"Original\",LANGUAGE=\"de\"")
    );
    assert!(
        matches!(
            studio.outputs[..],
            [backline_hls::Output::Advanced {
                rendition: RenditionId::MULTIVARIANT,
                ..
            }]
        ),
        "nothing else has changed: {:?}",
        studio.outputs
    );
}

#[test]
fn mv_2_what_a_publisher_says_cannot_leave_its_quotes() {
    let mut studio = ladder(
        Config::default(),
        &[(video(0), AVC_720), (audio(0), AAC_48)],
    );
    let mut refused = |name: &str, language: &str| match studio
        .try_event(announce(audio(1), About::named(name, language)))
    {
        Err(Error::About {
            track,
            field,
            problem,
        }) if track == audio(1) => (field, problem),
        other => panic!("{name:?} {language:?}: {other:?}"),
    };
    for (name, at, character) in [
        ("a\"b", 1, '"'),
        ("\r", 0, '\r'),
        ("x\n#EXT-X-ENDLIST", 1, '\n'),
        ("\u{e1}\u{85}", 2, '\u{85}'),
        ("\u{7f}", 0, '\u{7f}'),
        ("\0", 0, '\0'),
    ] {
        assert_eq!(
            refused(name, "en"),
            ("name", AboutProblem::Character { at, character })
        );
    }
    for (language, at, character) in [
        ("en\"", 2, '"'),
        ("p t", 1, ' '),
        ("d\u{e9}", 1, '\u{e9}'),
        ("en_US", 2, '_'),
    ] {
        assert_eq!(
            refused("x", language),
            ("language", AboutProblem::Character { at, character })
        );
    }
    let (size, limit) = (129, 128);
    assert_eq!(
        refused(&"n".repeat(129), ""),
        ("name", AboutProblem::TooLong { size, limit })
    );
    let (size, limit) = (36, 35);
    assert_eq!(
        refused("x", &"n".repeat(36)),
        ("language", AboutProblem::TooLong { size, limit })
    );
    studio.event(announce(audio(0), About::named("Stage", "")));
    let result = studio.try_event(announce(audio(1), About::named("Stage", "")));
    let problem = AboutProblem::Taken { other: audio(0) };
    let (track, field) = (audio(1), "name");
    assert_eq!(
        result,
        Err(Error::About {
            track,
            field,
            problem
        })
    );
    // Its own name is not taken.
    studio.event(announce(audio(0), About::named("Stage", "de")));
}

#[test]
fn mv_2_several_sounds_alone_are_one_variant_with_a_choice() {
    let mut studio = ladder(muxed(), &[(audio(0), AAC_48), (audio(1), AAC_48)]);
    studio.in_step = false;
    play(
        &mut studio,
        &[(audio(0), length(8_000)), (audio(1), length(8_000))],
    );
    let text = studio.multivariant().unwrap();
    assert_eq!(tags(&text, "#EXT-X-MEDIA:").len(), 2);
    let variants = tags(&text, "#EXT-X-STREAM-INF:");
    let [(list, uri)] = variants[..] else {
        panic!("{text}")
    };
    assert_eq!(
        (attribute(list, "CODECS"), uri),
        (Some("mp4a.40.2"), "a0/index.m3u8")
    );
    assert_eq!(
        (attribute(list, "RESOLUTION"), attribute(list, "AUDIO")),
        (None, Some("a"))
    );
    assert_eq!(studio.points[&A1].1, studio.points[&A0].1);
}

#[test]
fn mux_8_more_than_one_of_a_kind_is_not_muxed() {
    for (tracks, names) in [
        (vec![(video(0), AVC_720), (audio(0), AAC_48)], "m0"),
        (vec![(video(0), AVC_720)], "m0"),
        (
            vec![(video(0), AVC_720), (video(1), AVC_360), (audio(0), AAC_48)],
            "v0 v1 a0",
        ),
        (
            vec![(video(0), AVC_720), (audio(0), AAC_48), (audio(1), AAC_48)],
            "v0 a0 a1",
        ),
    ] {
        let mut studio = ladder(muxed(), &tracks);
        let scripts: Vec<_> = tracks
            .iter()
            .map(|(track, _)| (*track, length(6_000)))
            .collect();
        play(&mut studio, &scripts);
        let mut listed: Vec<RenditionId> = studio.playlists.keys().copied().collect();
        listed.sort();
        let listed: Vec<String> = listed.into_iter().map(|id| id.name()).collect();
        assert_eq!(listed.join(" "), names);
        assert_eq!(studio.hls.stats().samples_dropped, 0);
    }
    assert_eq!(M0.to_string(), "m0");
}

#[test]
fn mv_7_ids_are_counted_per_kind_and_renditions_by_position() {
    // Track ids 7 and 3 of pictures, 7 of a sound; their records come in any order.
    let mut studio = ladder(
        Config::default(),
        &[(audio(7), AAC_48), (video(7), AVC_360), (video(3), AVC_720)],
    );
    let scripts = [video(7), audio(7), video(3)].map(|track| (track, length(6_000)));
    play(&mut studio, &scripts);
    let stats = studio.hls.stats();
    let order: Vec<TrackId> = stats.tracks.iter().map(|track| track.track).collect();
    assert_eq!(order, [video(3), video(7), audio(7)], "the lowest id leads");
    let text = studio.multivariant().unwrap();
    let sizes: Vec<_> = tags(&text, "#EXT-X-STREAM-INF:")
        .into_iter()
        .map(|(list, uri)| (attribute(list, "RESOLUTION").unwrap(), uri))
        .collect();
    assert_eq!(
        sizes,
        [("1280x720", "v0/index.m3u8"), ("640x360", "v1/index.m3u8")]
    );
    assert_eq!(studio.warnings, []);
}

#[test]
fn mv_6_announced_tracks_are_waited_for_and_late_ones_are_for_the_next_life() {
    let start = |announced: &[TrackId]| {
        let mut studio = ladder(
            Config::default(),
            &[(video(0), AVC_720), (audio(0), AAC_48)],
        );
        for track in announced {
            studio.event(announce(*track, About::default()));
        }
        studio
    };
    let both = |first_ms, length_ms| {
        let script = Script {
            first_ms,
            length_ms,
            ..Script::default()
        };
        [video(0), audio(0), video(1)].map(|track| (track, script))
    };
    // The second picture comes 450 ms after the first: too late for one that nobody has announced.
    for announced in [true, false] {
        let mut studio = start(&[video(0), audio(0), video(1)][..if announced { 3 } else { 2 }]);
        let mut all = rows(&both(0, 9_000));
        all.retain(|row| row.track != video(1) || row.at_ms >= 450);
        for row in &mut all {
            row.sync |= row.track == video(1) && row.at_ms < 470;
        }
        let at = all.iter().position(|row| row.at_ms >= 450).unwrap();
        play_rows(&mut studio, &all[..at], 0);
        studio.event(config(video(1), AVC_360));
        studio.in_step = false;
        play_rows(&mut studio, &all[at..], 0);
        assert_eq!(studio.playlists.contains_key(&V1), announced);
        let ignored = Warning::TrackIgnored { track: video(1) };
        assert_eq!(
            studio.warnings,
            if announced { vec![] } else { vec![ignored] }
        );
    }
    // One that never comes is waited for as long as the configuration says.
    let mut studio = start(&[video(0), video(9)]);
    play(&mut studio, &both(0, 4_000)[..2]);
    assert_eq!(studio.warnings, [Warning::TrackIgnored { track: video(9) }]);
    assert!(studio.playlists.contains_key(&M0), "nobody waits for ever");
    studio.event(config(video(9), AVC_360));
    studio.event(sample(video(9), 4_000, 0, true, 10));
    assert_eq!(studio.warnings.len(), 1, "it is said once");
    // Requests for what may come are held, for more than there can be they are not.
    let studio = start(&[]);
    let held = |path: &str| {
        matches!(
            studio.hls.decide(studio.now, path, None),
            Decision::Playlist { hold: Some(_), .. }
        )
    };
    assert!(held("index.m3u8") && held("v3/index.m3u8") && held("a31/index.m3u8"));
    assert!(!held("v32/index.m3u8") && !held("v03/index.m3u8") && !held("w0/index.m3u8"));
}

#[test]
fn mv_6_a_leading_picture_that_does_not_come_leaves_the_lead_to_the_next() {
    let mut studio = ladder(
        Config::default(),
        &[(video(0), AVC_720), (video(1), AVC_360), (audio(0), AAC_48)],
    );
    studio.in_step = false;
    let short = Script {
        gop: 30,
        ..length(8_000)
    };
    play(&mut studio, &[(video(1), short), (audio(0), short)]);
    assert_eq!(studio.warnings, [Warning::TrackIgnored { track: video(0) }]);
    // The renditions that are left are muxed, as two tracks are.
    let text = studio.multivariant().unwrap();
    assert!(
        text.contains("RESOLUTION=640x360") && !text.contains("1280x720"),
        "{text}"
    );
}

#[test]
fn limits_there_are_no_more_renditions_than_the_cap() {
    let mut settings = Config::default();
    settings.limits.renditions = 3;
    let mut studio = ladder(
        settings,
        &[(video(0), AVC_720), (video(1), AVC_360), (audio(0), AAC_48)],
    );
    let (track, limit) = (audio(1), 3);
    let refused = Err(Error::TooManyTracks { track, limit });
    assert_eq!(studio.try_event(config(audio(1), AAC_48)), refused);
    for track in [video(0), video(1), audio(0)] {
        studio.event(announce(track, About::default()));
    }
    assert_eq!(
        studio.try_event(announce(audio(1), About::default())),
        refused
    );
    // A publisher with 33 tracks, by default.
    let mut studio = Studio::new(Config::default());
    studio.event(Event::Start { wall: WALL });
    for id in 0..32 {
        studio.event(config(video(id), AVC_360));
    }
    let (track, limit) = (video(32), 32);
    assert_eq!(
        studio.try_event(config(video(32), AVC_360)),
        Err(Error::TooManyTracks { track, limit })
    );
    for frame in 0..40 {
        for id in 0..32 {
            studio.event(sample(video(id), frame * 33, 0, frame % 15 == 0, 100));
        }
    }
    assert_eq!(studio.inits.len(), 32);
    assert_eq!(RenditionId::video(31).name(), "v31");
}

#[test]
fn limits_what_waits_for_the_leading_picture_is_capped() {
    let mut settings = Config::default();
    settings.limits.part_samples = 60;
    settings.limits.part_bytes = 40_000;
    let mut studio = ladder(settings, &[(video(0), AVC_720), (video(1), AVC_360)]);
    play(
        &mut studio,
        &[video(0), video(1)].map(|track| (track, length(2_000))),
    );
    // The second picture runs ahead of the first, by less than is a jump.
    let ahead = |index: i64, size| sample(video(1), 2_000 + index * 20, 0, false, size);
    let results: Vec<_> = (0..70)
        .map(|index| studio.try_event(ahead(index, 100)))
        .collect();
    let full = Err(Error::PartTooLarge {
        track: video(1),
        what: "samples",
        value: 61,
        limit: 60,
    });
    assert!(results.contains(&full), "{:?}", results.last());
    let mut settings = Config::default();
    settings.limits.part_bytes = 40_000;
    let mut studio = ladder(settings, &[(video(0), AVC_720), (video(1), AVC_360)]);
    play(
        &mut studio,
        &[video(0), video(1)].map(|track| (track, length(2_000))),
    );
    let results: Vec<_> = (0..70)
        .map(|index| studio.try_event(ahead(index, 1_000)))
        .collect();
    assert!(
        results.iter().any(|result| matches!(
            result,
            Err(Error::PartTooLarge {
                what: "bytes",
                limit: 40_000,
                ..
            })
        )),
        "{:?}",
        results.last()
    );
    // It has not harmed the show.
    studio.in_step = false;
    let script = Script {
        first_ms: 2_000,
        ..length(4_000)
    };
    play(&mut studio, &[(video(0), script)]);
    assert!(studio.points[&V0].1.msn >= 2);
}

/// A picture whose clock went ahead and came back leaves what waited there, so it cannot be in the way of what comes.
#[test]
fn limits_what_waits_for_a_time_that_did_not_come_is_not_charged() {
    for (samples, bytes) in [(60, 16 << 20), (1_024, 40_000)] {
        for ahead in 1..=60 {
            let mut settings = Config::default();
            settings.limits.part_samples = samples;
            settings.limits.part_bytes = bytes;
            let mut studio = ladder(settings, &[(video(0), AVC_720), (video(1), AVC_360)]);
            play(
                &mut studio,
                &[video(0), video(1)].map(|track| (track, length(2_000))),
            );
            for index in 0..ahead {
                let at_ms = 20_000 + index * 33;
                studio.event(sample(video(1), at_ms, 0, index == 0, 700));
            }
            let back = studio.try_event(sample(video(1), 2_000, 0, true, 700));
            assert_eq!(back, Ok(()), "{ahead} ahead, {samples} samples");
        }
    }
}

#[test]
fn mv_1_video_range_is_what_the_record_says() {
    // Transfer characteristics of vpcC: BT.709, perceptual quantizer, hybrid log-gamma, unspecified.
    for (transfer, range) in [
        ("01", VideoRange::Sdr),
        ("10", VideoRange::Pq),
        ("12", VideoRange::Hlg),
        ("02", VideoRange::Sdr),
    ] {
        let record = hex(&format!("02 1f a2 09 {transfer} 09 00 00").replace(' ', ""));
        let limits = backline_hls::Limits::default();
        let config = backline_hls::codec::TrackConfig::parse(Codec::Vp9, record, &limits).unwrap();
        assert_eq!(config.video_range(), range);
    }
    for (range, name) in [
        (VideoRange::Hlg, "HLG"),
        (VideoRange::Pq, "PQ"),
        (VideoRange::Sdr, "SDR"),
    ] {
        assert_eq!(range.name(), name);
    }
}
