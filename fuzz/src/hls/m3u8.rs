//! Playlists that somebody else wrote, and servers that do not keep to anything.

use std::time::{Duration, Instant};

use backline_hls::lint::{Config, Linter, Record, Response};
use backline_hls::m3u8::{Media, Playlist};
use backline_hls::{Error, Limits};

use crate::Source;

/// Default caps, or caps so low that short texts reach them.
fn limits(mode: u8) -> Limits {
    let mut limits = Limits::default();
    if mode & 1 == 1 {
        limits.playlist_bytes = 4_000;
        limits.playlist_line_bytes = 120;
        limits.playlist_lines = 60;
        limits.playlist_segments = 6;
    }
    limits
}

/// What reads keeps to the caps and is written with the lines that it had; what does not read says where.
pub fn m3u8(data: &[u8]) {
    let mut source = Source::new(data);
    let limits = limits(source.u8());
    let text = source.rest();
    match Playlist::parse(text, &limits) {
        Ok(playlist) => {
            let written = playlist.to_string();
            let read = std::str::from_utf8(text).expect("what is no UTF-8 does not read");
            let kept = |text: &str| {
                text.split('\n')
                    .map(|line| line.trim_end_matches('\r').to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                kept(&written),
                kept(&format!("{}\n", read.strip_suffix('\n').unwrap_or(read)))
            );
            if let Playlist::Media(media) = &playlist {
                assert!(media.segments.len() <= limits.playlist_segments);
                counted(media);
            }
            // A last line without its end may be over the cap with it.
            if written.len() <= limits.playlist_bytes {
                assert_eq!(Playlist::parse(written.as_bytes(), &limits), Ok(playlist));
            }
        }
        Err(Error::Playlist { line, at, .. }) => {
            assert!(line >= 1 && at <= text.len(), "line {line}, byte {at}");
        }
        Err(error) => panic!("{error}"),
    }
}

fn counted(media: &Media) {
    let skipped = media.skip.as_ref().map_or(0, |skip| skip.segments);
    let first = media.media_sequence.saturating_add(skipped);
    let mut expected = first;
    for segment in media.all() {
        assert_eq!(segment.msn, expected);
        expected = expected.saturating_add(1);
    }
}

/// A delta update joined to any playlist is refused, or gives a whole playlist that reads again as it is.
pub fn m3u8_delta(data: &[u8]) {
    let mut source = Source::new(data);
    let limits = limits(source.u8());
    let before = usize::from(source.u16());
    let (before, update) = (source.take(before), source.rest());
    let (Ok(Playlist::Media(before)), Ok(Playlist::Media(update))) = (
        Playlist::parse(before, &limits),
        Playlist::parse(update, &limits),
    ) else {
        return;
    };
    let (own, skip) = (update.segments.len(), update.skip.clone());
    match update.merge(&before, &limits) {
        Ok(joined) => {
            assert!(
                joined.skip.is_none() && joined.segments.len() <= limits.playlist_segments.max(own)
            );
            let skipped = skip.as_ref().map_or(0, |skip| skip.segments);
            assert_eq!(joined.segments.len() as u64, own as u64 + skipped);
            counted(&joined);
            let removed = skip
                .and_then(|skip| skip.removed_date_ranges)
                .unwrap_or_default();
            let from_before = joined.date_ranges.len().saturating_sub(own_ranges(data));
            assert!(from_before <= before.date_ranges.len() || removed.is_empty());
            again(&joined, &limits);
        }
        Err(Error::Delta { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

/// No more date ranges than the text has.
fn own_ranges(data: &[u8]) -> usize {
    data.windows(15)
        .filter(|window| *window == b"EXT-X-DATERANGE")
        .count()
}

fn again(joined: &Media, limits: &Limits) {
    let text = joined.to_string();
    let Ok(Playlist::Media(again)) = Playlist::parse(text.as_bytes(), limits) else {
        // Together they may be over a cap that neither is over alone.
        assert!(
            text.len() > limits.playlist_bytes || text.lines().count() > limits.playlist_lines,
            "{text}"
        );
        return;
    };
    let shape = |media: &Media| -> Vec<_> {
        let segments = media.segments.iter();
        segments
            .map(|one| {
                (
                    one.msn,
                    one.uri.clone(),
                    one.duration,
                    one.discontinuity,
                    one.parts.len(),
                )
            })
            .collect()
    };
    assert_eq!(shape(&again), shape(joined));
}

/// A server that answers anything: a linter asks a bounded number of requests at once, ends, and contradicts itself
/// nowhere.
pub fn hls_lint(data: &[u8]) {
    let mut source = Source::new(data);
    let start = Instant::now();
    let mut config = Config::default();
    config.length = Duration::from_secs(5);
    config.requests = 6;
    let mut linter = Linter::new("http://h/index.m3u8", config, start).expect("it is a URL");
    let mut now = start;
    let mut under_way = Vec::new();
    for _ in 0..400 {
        while let Some(request) = linter.poll_request(now) {
            under_way.push((now, request));
            assert!(under_way.len() <= 6);
        }
        if linter.is_done(now) || source.is_empty() {
            break;
        }
        now += Duration::from_millis(u64::from(source.u8()) * 4);
        let index = usize::from(source.u8());
        if under_way.is_empty() {
            continue;
        }
        let (sent, request) = under_way.swap_remove(index % under_way.len());
        let status = match source.below(8) {
            0 => 404,
            1 => 206,
            2 => 400,
            3 => {
                linter.handle_failure(now, &request);
                continue;
            }
            _ => 200,
        };
        let length = usize::from(source.u16() & 0x7FF);
        let body = source.take(length).to_vec().into();
        let response = Response::new(
            status,
            vec![("Content-Type".into(), "video/mp4".into())],
            body,
        );
        linter.handle_record(Record::new(request, response, sent, now, now));
    }
    for row in linter.report().rows {
        assert!(row.broken <= row.checks && row.findings.len() as u64 <= row.broken.min(8));
    }
}
