//! The playlist of a whole show (sections 4.4.3.5 and 6.2.1 of draft-pantos-hls-rfc8216bis).

#![expect(clippy::panic, reason = "a test fails by panicking")]

use backline_hls::m3u8::{Media, Playlist};
use backline_hls::{Event, Form, Limits, Vod};

use crate::studio::{AAC_48, M0, Script, Studio, muxed};

fn parse(text: &str) -> Media {
    match Playlist::parse(text.as_bytes(), &Limits::default()) {
        Ok(Playlist::Media(media)) => media,
        other => panic!("{other:?}: {text}"),
    }
}

/// Two minutes of a show whose window is half a minute, followed segment by segment, with a publisher that returns.
#[test]
fn a_show_that_is_followed_is_listed_whole() {
    let mut studio = Studio::started(muxed(), Some(AAC_48));
    let mut vod = Vod::new();
    let mut texts = Vec::new();
    for round in 0..12u64 {
        let script = Script {
            first_ms: i64::try_from(round).unwrap() * 10_000,
            ..Script::default()
        };
        if round == 6 {
            studio.event(Event::Stop);
            studio.start(Some(AAC_48));
        }
        if round == 9 {
            // Of the last segment of the round before, and not yet followed.
            vod.lose(studio.points[&M0].1.msn + 1);
        }
        studio.play(&script, round * 10_000);
        if let Some(live) = studio.render(M0, Form::Full) {
            vod.follow(&parse(&live));
        }
        let text = vod.render(false);
        // An EVENT playlist may only grow.
        if let Some(before) = texts.last() {
            assert!(text.starts_with(before));
        }
        texts.push(text);
    }
    studio.event(Event::End);
    let live = studio.render(M0, Form::Full).unwrap();
    assert_eq!(vod.follow(&parse(&live)), 1);
    assert_eq!(vod.follow(&parse(&live)), 0, "nothing twice");
    let media = parse(&vod.render(true));
    assert!(media.end_list);
    let total: f64 = media
        .segments
        .iter()
        .map(|s| s.duration.as_secs_f64())
        .sum();
    assert!((119.5..=120.1).contains(&total), "{total} s");
    let numbers: Vec<u64> = media.segments.iter().map(|segment| segment.msn).collect();
    assert!(numbers.windows(2).all(|two| two[1] == two[0] + 1));
    let cuts = media
        .segments
        .iter()
        .filter(|segment| segment.discontinuity);
    assert_eq!(cuts.count(), 1);
    assert_eq!(
        media.segments.iter().filter(|segment| segment.gap).count(),
        1
    );
    assert!(media.segments.iter().all(|segment| segment.map.is_some()));
    assert!(texts[11].contains("#EXT-X-PLAYLIST-TYPE:EVENT\n"));
    assert!(vod.render(true).ends_with("#EXT-X-ENDLIST\n"));
}

/// Somebody who looks too seldom misses segments; what he lists says so.
#[test]
fn segments_that_were_never_seen_are_behind_a_discontinuity() {
    let mut studio = Studio::started(muxed(), Some(AAC_48));
    let mut vod = Vod::new();
    for (first_ms, length_ms) in [(0, 10_000), (10_000, 90_000)] {
        let script = Script {
            first_ms,
            length_ms,
            ..Script::default()
        };
        studio.play(&script, u64::try_from(first_ms).unwrap());
        vod.follow(&parse(&studio.render(M0, Form::Full).unwrap()));
    }
    let media = parse(&vod.render(true));
    let cuts = media
        .segments
        .iter()
        .filter(|segment| segment.discontinuity);
    assert_eq!(cuts.count(), 1);
}
