//! Rows DEL-1 to DEL-12 and sections 6.2.5 and 6.2.6 of draft-pantos-hls-rfc8216bis.

use std::time::Duration;

use backline_hls::{Decision, Event, Form, Hold, Playlist, Point, Refusal, RenditionId, Series};

use crate::studio::{A0, AAC_48, M0, Script, Studio, V0, separate};

/// Ten seconds of picture: segments 1 to 4 are closed, 5 is open with parts 0 to 9.
fn live() -> Studio {
    let mut studio = Studio::started(separate(), None);
    studio.play(
        &Script {
            length_ms: 10_000,
            ..Script::silent()
        },
        0,
    );
    assert_eq!(
        studio.points[&V0],
        (Point { msn: 5, part: 9 }, Point { msn: 4, part: 0 })
    );
    studio
}

fn ask(studio: &Studio, query: &str) -> Decision {
    studio.hls.decide(studio.now, "v0/index.m3u8", Some(query))
}

fn status(decision: &Decision) -> u16 {
    match decision {
        Decision::Refuse { status, .. } => *status,
        _ => 200,
    }
}

fn hold(decision: &Decision) -> Option<(Series, u64, u64)> {
    match decision {
        Decision::Playlist {
            hold: Some(Hold { series, point, .. }),
            ..
        } => Some((*series, point.msn, point.part)),
        _ => None,
    }
}

#[test]
fn del_1_rfc8216bis_6_2_5_an_ended_playlist_ignores_directives() {
    // Section 6.2.5: where there is EXT-X-ENDLIST, directives are ignored and the answer is given at once.
    let mut studio = live();
    studio.event(Event::End);
    for query in [
        "_HLS_msn=99",
        "_HLS_msn=5&_HLS_part=99",
        "_HLS_part=1",
        "_HLS_msn=x",
        "_HLS_skip=YES",
    ] {
        let decision = ask(&studio, query);
        assert_eq!(
            (status(&decision), hold(&decision)),
            (200, None),
            "DEL-1: {query}"
        );
    }
    let full = studio.render(V0, Form::Full).unwrap();
    assert_eq!(full, studio.render(V0, Form::Skip).unwrap());
    assert!(full.ends_with("#EXT-X-ENDLIST\n"));
}

#[test]
fn del_2_rfc8216bis_6_2_5_2_a_part_needs_its_segment() {
    // Section 6.2.5.2: _HLS_part says nothing without _HLS_msn, and is a bad request.
    let decision = ask(&live(), "_HLS_part=3");
    assert!(
        matches!(
            decision,
            Decision::Refuse {
                status: 400,
                reason: Refusal::PartWithoutMsn,
                ..
            }
        ),
        "DEL-2"
    );
}

#[test]
fn del_3_rfc8216bis_6_2_5_2_a_number_alone_waits_for_the_segment() {
    // Section 6.2.5.2: the answer to _HLS_msn is held until that whole segment, or a later one, is listed.
    let studio = live();
    assert_eq!(hold(&ask(&studio, "_HLS_msn=4")), None, "DEL-3");
    assert_eq!(
        hold(&ask(&studio, "_HLS_msn=5")),
        Some((Series::Closed, 5, 0))
    );
    assert_eq!(
        hold(&ask(&studio, "_HLS_msn=6")),
        Some((Series::Closed, 6, 0))
    );
}

#[test]
fn del_4_rfc8216bis_6_2_5_2_blocks_until_the_part_exists() {
    // Section 6.2.5.2: with _HLS_part it is held until that part of the segment, or anything later, is listed.
    let studio = live();
    assert_eq!(hold(&ask(&studio, "_HLS_msn=5&_HLS_part=9")), None, "DEL-4");
    assert_eq!(
        hold(&ask(&studio, "_HLS_msn=5&_HLS_part=10")),
        Some((Series::Listed, 5, 10))
    );
    assert_eq!(
        hold(&ask(&studio, "_HLS_part=0&_HLS_msn=6")),
        Some((Series::Listed, 6, 0))
    );
}

#[test]
fn del_4_a_part_past_its_parent_is_the_next_segments_first() {
    let mut studio = live();
    assert_eq!(
        hold(&ask(&studio, "_HLS_msn=4&_HLS_part=10")),
        None,
        "part 0 of 5 exists"
    );
    // A request that is held for (5, 10) is released when segment 5 turns out to have ten parts.
    let held = Point { msn: 5, part: 10 };
    studio.play(
        &Script {
            first_ms: 10_000,
            length_ms: 34,
            ..Script::silent()
        },
        10_000,
    );
    assert_eq!(
        studio.points[&V0],
        (Point { msn: 5, part: 9 }, Point { msn: 5, part: 0 })
    );
    assert!(studio.points[&V0].0 < held);
    assert_eq!(
        hold(&ask(&studio, "_HLS_msn=5&_HLS_part=10")),
        Some((Series::Listed, 6, 0))
    );
    let later = Script {
        first_ms: 10_034,
        length_ms: 200,
        gop: 999,
        ..Script::silent()
    };
    for (at, _, _, _) in later.samples() {
        studio.at_ms(u64::try_from(at).unwrap());
        studio.video(at, 0, false);
    }
    assert!(studio.points[&V0].0 >= held);
}

#[test]
fn del_5_an_old_msn_gets_the_whole_playlist() {
    let studio = live();
    for query in [
        "_HLS_msn=0",
        "_HLS_msn=1&_HLS_part=77",
        "_HLS_msn=0&_HLS_part=0",
    ] {
        let decision = ask(&studio, query);
        assert_eq!((status(&decision), hold(&decision)), (200, None), "{query}");
    }
}

#[test]
fn del_6_too_far_ahead_is_refused_at_once() {
    let studio = live();
    // L is 4: 6 may be waited for, 7 not. The Advance Part Limit of 201 ms parts is 14.
    let rows = [
        ("_HLS_msn=6", 200),
        ("_HLS_msn=7", 400),
        ("_HLS_msn=18446744073709551615", 400),
        ("_HLS_msn=5&_HLS_part=23", 200),
        ("_HLS_msn=5&_HLS_part=24", 400),
        ("_HLS_msn=6&_HLS_part=13", 200),
        ("_HLS_msn=6&_HLS_part=14", 400),
        ("_HLS_msn=5&_HLS_part=18446744073709551615", 400),
    ];
    for (query, expected) in rows {
        assert_eq!(status(&ask(&studio, query)), expected, "{query}");
    }
}

#[test]
fn del_7_a_hold_ends_before_players_give_up() {
    let mut config = separate();
    config.segment_target = Duration::from_secs(6);
    config.window = Duration::from_secs(60);
    for (config, seconds) in [(separate(), 6), (config, 9)] {
        let mut studio = Studio::started(config, None);
        studio.play(
            &Script {
                length_ms: 7_000,
                gop: 300,
                ..Script::silent()
            },
            0,
        );
        let Point { msn, part } = studio.points[&V0].0;
        let next = format!("_HLS_msn={msn}&_HLS_part={}", part + 1);
        let Decision::Playlist {
            hold: Some(hold), ..
        } = ask(&studio, &next)
        else {
            unreachable!("the next part is not there yet")
        };
        assert_eq!(
            hold.deadline.duration_since(studio.now),
            Duration::from_secs(seconds)
        );
    }
}

#[test]
fn del_9_objects_are_there_promised_unknown_or_gone() {
    let mut studio = Studio::started(separate(), None);
    studio.play(
        &Script {
            length_ms: 60_000,
            ..Script::silent()
        },
        0,
    );
    let hint = studio.playlists[&V0].hint.clone().unwrap();
    let removed = format!("v0/s{}.m4s", studio.playlists[&V0].msn - 1);
    let next: u64 = hint[1..].strip_suffix(".m4s").unwrap().parse().unwrap();
    let rows = [
        ("v0/i0.mp4".to_owned(), 200),
        (format!("v0/{hint}"), 200),
        (format!("v0/p{}.m4s", next - 1), 200),
        (format!("v0/p{}.m4s", next + 1), 404),
        ("v0/p0.m4s".to_owned(), 410),
        ("v0/s1.m4s".to_owned(), 410),
        (removed.clone(), 200),
        ("v0/s0.m4s".to_owned(), 404),
        (format!("v0/s{}.m4s", studio.points[&V0].1.msn), 200),
        (format!("v0/s{}.m4s", studio.points[&V0].0.msn), 404),
        ("v0/i1.mp4".to_owned(), 404),
        ("a0/i0.mp4".to_owned(), 404),
    ];
    for (path, expected) in rows {
        let decision = studio.hls.decide(studio.now, &path, None);
        assert_eq!(status(&decision), expected, "{path}");
        assert_eq!(
            matches!(decision, Decision::Object { .. }),
            expected == 200,
            "{path}"
        );
    }
    studio.now += Duration::from_secs(120);
    assert_eq!(
        status(&studio.hls.decide(studio.now, &removed, None)),
        410,
        "PL-7: it has left by then"
    );
    studio.event(Event::End);
    assert_eq!(
        status(&studio.hls.decide(studio.now, &format!("v0/{hint}"), None)),
        404,
        "the promise is void"
    );
}

#[test]
fn del_9_paths_have_one_spelling() {
    let studio = live();
    for path in [
        "",
        "/",
        "index.m3u",
        "/index.m3u8",
        "v0",
        "v0/",
        "v1/index.m3u8",
        "v0/index.m3u8/",
        "../v0/index.m3u8",
        "v0/p.m4s",
        "v0/p01.m4s",
        "v0/p+1.m4s",
        "v0/p1.mp4",
        "v0/i0.m4s",
        "v0/s1.m4s.m4s",
        "v0/P1.m4s",
        "v0/p18446744073709551616.m4s",
        "v0/p99999999999999999999999.m4s",
        "v0/\u{0}",
        "v0/p1\u{660}.m4s",
    ] {
        let decision = studio.hls.decide(studio.now, path, None);
        assert!(
            matches!(
                decision,
                Decision::Refuse {
                    status: 404,
                    reason: Refusal::PathUnknown,
                    ..
                }
            ),
            "{path:?}"
        );
    }
}

#[test]
fn del_11_headers_by_class() {
    let studio = live();
    let headers = |path: &str, query| match studio.hls.decide(studio.now, path, query) {
        Decision::Playlist { headers, .. }
        | Decision::Object { headers, .. }
        | Decision::Refuse { headers, .. } => {
            let cache = headers.cache_control;
            (
                headers.content_type,
                cache.max_age_s,
                cache.immutable,
                headers.priority,
            )
        }
    };
    let playlist = "application/vnd.apple.mpegurl";
    assert_eq!(headers("index.m3u8", None), (playlist, 1, false, 1));
    assert_eq!(headers("v0/index.m3u8", None), (playlist, 1, false, 1));
    assert_eq!(
        headers("v0/index.m3u8", Some("_HLS_msn=5&_HLS_part=10")),
        (playlist, 12, false, 1)
    );
    // Never good, so kept as long as B.1 says: four Target Durations.
    assert_eq!(
        headers("v0/index.m3u8", Some("_HLS_msn=x")),
        (playlist, 8, false, 1)
    );
    assert_eq!(
        headers("v0/p3.m4s", None),
        ("video/mp4", 12, true, 3),
        "quirk 7"
    );
    assert_eq!(headers("v0/i0.mp4", None), ("video/mp4", 12, true, 2));
    assert_eq!(headers("v0/none.m4s", None).1, 2);
}

/// B.1 names how long a cache may keep errors. What is only too early must not be kept at all: the same name becomes
/// good, and whoever shares the cache would get the error that somebody else provoked.
#[test]
fn del_11_an_error_that_is_only_too_early_is_not_kept() {
    let studio = live();
    for (path, query, reason) in [
        ("v0/index.m3u8", Some("_HLS_msn=99"), Refusal::TooFarAhead),
        ("v0/p999.m4s", None, Refusal::NotAnnounced),
    ] {
        let Decision::Refuse {
            reason: found,
            headers,
            ..
        } = studio.hls.decide(studio.now, path, query)
        else {
            unreachable!("{path} is not there")
        };
        assert_eq!((found, headers.cache_control.max_age_s), (reason, 0));
        #[cfg(feature = "http-1")]
        {
            let mut map = http::HeaderMap::new();
            headers.apply(&mut map);
            assert_eq!(map["cache-control"], "no-store", "{path}");
        }
    }
    let empty = Studio::new(separate());
    for path in ["index.m3u8", "v0/index.m3u8", "v0/p1.m4s"] {
        let Decision::Refuse { headers, .. } = empty.hls.decide(empty.now, path, None) else {
            unreachable!("nobody publishes")
        };
        assert_eq!(headers.cache_control.max_age_s, 1, "{path}");
    }
}

#[test]
fn del_7_an_error_in_place_of_a_promised_answer_is_kept_for_a_moment() {
    let studio = live();
    let Decision::Object { headers, .. } = studio.hls.decide(studio.now, "v0/p3.m4s", None) else {
        unreachable!("the part exists")
    };
    let cache = headers.broken().cache_control;
    assert_eq!((cache.max_age_s, cache.immutable), (1, false));
}

#[test]
#[cfg(feature = "http-1")]
fn del_11_headers_as_http() {
    let studio = live();
    let Decision::Object { headers, .. } = studio.hls.decide(studio.now, "v0/p3.m4s", None) else {
        unreachable!("the part exists")
    };
    let mut map = http::HeaderMap::new();
    headers.apply(&mut map);
    assert_eq!(map["content-type"], "video/mp4");
    assert_eq!(map["cache-control"], "max-age=12, immutable");
    assert_eq!(map["priority"], "u=3");
    assert_eq!(map["access-control-allow-origin"], "*");
    assert!(!map.contains_key("vary"));
    let Decision::Playlist { headers, .. } = studio.hls.decide(studio.now, "index.m3u8", None)
    else {
        unreachable!("the playlist exists")
    };
    headers.apply(&mut map);
    assert_eq!(map["vary"], "accept-encoding");
}

#[test]
fn del_12_queries() {
    let studio = live();
    let long = format!("a={}", "x".repeat(2_048));
    let many = "a=1&".repeat(40);
    let rows = [
        ("", 200),
        ("token=abc&_HLS_msn=4&x", 200),
        ("_hls_msn=99", 200),
        ("_HLS_msn=", 400),
        ("_HLS_msn", 400),
        ("_HLS_msn=-1", 400),
        ("_HLS_msn=+4", 400),
        ("_HLS_msn=4.0", 400),
        ("_HLS_msn=0x4", 400),
        ("_HLS_msn=18446744073709551616", 400),
        ("_HLS_msn=000000000000000000004", 400),
        ("_HLS_msn=4&_HLS_msn=4", 400),
        ("_HLS_skip=YES&_HLS_skip=v2", 400),
        ("_HLS_skip=MAYBE", 200),
        (&long, 400),
        (&many, 400),
    ];
    for (query, expected) in rows {
        assert_eq!(status(&ask(&studio, query)), expected, "{query}");
        assert_eq!(
            ask(&studio, query),
            ask(&studio, query),
            "the same question has the same answer"
        );
    }
    let skip = |query| match ask(&studio, query) {
        Decision::Playlist {
            playlist: Playlist { form, .. },
            ..
        } => form,
        _ => unreachable!("{query} is a good query"),
    };
    assert_eq!(
        [
            skip("_HLS_skip=YES"),
            skip("_HLS_skip=v2"),
            skip("x=_HLS_skip")
        ],
        [Form::Skip, Form::SkipV2, Form::Full]
    );
}

#[test]
fn quirk_10_the_first_playlist_waits_for_media() {
    let mut studio = Studio::new(separate());
    let refused = studio.hls.decide(studio.now, "index.m3u8", None);
    assert!(matches!(
        refused,
        Decision::Refuse {
            status: 404,
            reason: Refusal::NotPublished,
            ..
        }
    ));
    studio.start(Some(AAC_48));
    let mut advanced_at = None;
    for (path, id) in [
        ("index.m3u8", RenditionId::MULTIVARIANT),
        ("v0/index.m3u8", V0),
        ("a0/index.m3u8", A0),
    ] {
        let Decision::Playlist {
            hold: Some(hold), ..
        } = studio.hls.decide(studio.now, path, Some("_HLS_msn=x"))
        else {
            unreachable!("{path} is waited for")
        };
        assert_eq!(
            (hold.rendition, hold.series, hold.point),
            (id, Series::Listed, Point { msn: 1, part: 0 })
        );
    }
    for (at, kind, composition, sync) in Script::default().samples() {
        studio.at_ms(u64::try_from(at).unwrap());
        match kind {
            backline_hls::codec::TrackKind::Audio => studio.audio(at),
            backline_hls::codec::TrackKind::Text => {}
            backline_hls::codec::TrackKind::Video => studio.video(at, composition, sync),
        }
        if !studio.points.is_empty() && advanced_at.is_none() {
            advanced_at = Some(at);
            for id in [RenditionId::MULTIVARIANT, V0, A0] {
                assert!(studio.points[&id].0 >= Point { msn: 1, part: 0 });
            }
        }
    }
    // The key frame at 2 s closes the first segment: players take a playlist without one for empty.
    assert_eq!(advanced_at, Some(2_000));
    assert!(matches!(
        studio.hls.decide(studio.now, "m0/index.m3u8", None),
        Decision::Refuse { status: 404, .. }
    ));
    let _ = M0;
}
