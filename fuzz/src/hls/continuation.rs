//! An origin's playlists that go on while it is gone.

use crate::Source;
use backline_hls::Limits;
use backline_hls::continuation::{Config, Continuation, Taken};
use backline_hls::m3u8::{Media, Playlist};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const PATHS: [&str; 2] = ["/live/v0/index.m3u8", "/live/a0/index.m3u8"];

/// What was served of a playlist.
#[derive(Default)]
struct Seen {
    names: BTreeMap<u64, String>,
    first: u64,
    next: (u64, u64),
}

/// Whatever the origin answers, and whenever it does not: what is served reads again, numbers never go back, and none
/// of them is ever another segment's.
///
/// Input: calls: 0 a playlist (which, first, segments, names, parts, flags), 1 any text (which, length, text), 2 no
/// answer after tenths of a second, 3 nothing for so long.
pub fn continuation_ops(data: &[u8]) {
    let mut source = Source::new(data);
    let mut limits = Limits::default();
    limits.window_segments = 32;
    let mut shown = Continuation::new(Config::default(), limits.clone());
    let mut seen = [Seen::default(), Seen::default()];
    let mut now = Instant::now();
    while !source.is_empty() {
        match source.below(4) {
            0 => {
                let path = PATHS[usize::from(source.below(2))];
                let text = playlist(&mut source);
                take(&mut shown, now, path, text.as_bytes());
            }
            1 => {
                let path = PATHS[usize::from(source.below(2))];
                let length = usize::from(source.u8());
                take(&mut shown, now, path, source.take(length));
            }
            call => {
                now += Duration::from_millis(u64::from(source.u8()) * 100);
                if call == 2 {
                    shown.handle_gone(now);
                }
                shown.handle_timeout(now);
                assert!(shown.poll_timeout().is_none_or(|due| due > now));
            }
        }
        for (path, seen) in PATHS.iter().zip(&mut seen) {
            look(&shown, path, seen, &limits);
        }
    }
}

fn take(shown: &mut Continuation, now: Instant, path: &str, text: &[u8]) {
    let before = (shown.version(path), shown.next(path));
    match shown.handle_playlist(now, path, text) {
        Ok(Taken::Joined) => assert!(shown.next(path) > before.1),
        Ok(_) => assert!(shown.next(path) >= before.1),
        // Time may have passed, which is not taken back.
        Err(_) => assert!(shown.version(path) >= before.0),
    }
}

fn look(shown: &Continuation, path: &str, seen: &mut Seen, limits: &Limits) {
    let Some(text) = shown.render(path) else {
        return;
    };
    let media = match Playlist::parse(text.as_bytes(), limits) {
        Ok(Playlist::Media(media)) => media,
        other => panic!("{other:?}: {text}"),
    };
    let next = shown.next(path).expect("it was rendered");
    assert_eq!(
        next,
        (media.open.msn, media.open.parts.len() as u64),
        "{text}"
    );
    assert!(
        next >= seen.next && media.media_sequence >= seen.first,
        "{text}"
    );
    (seen.next, seen.first) = (next, media.media_sequence);
    remember(&media, seen, &text);
    let (msn, part) = next;
    assert!(!shown.reached(path, msn, Some(part)));
    assert!(msn == 0 || shown.reached(path, msn - 1, None));
}

fn remember(media: &Media, seen: &mut Seen, text: &str) {
    for segment in &media.segments {
        let name = segment.uri.split(['?', '#']).next().unwrap_or_default();
        let held = seen
            .names
            .entry(segment.msn)
            .or_insert_with(|| name.to_owned());
        assert_eq!(held, name, "{}: {text}", segment.msn);
    }
}

/// A playlist that an origin could write.
fn playlist(source: &mut Source<'_>) -> String {
    let (first, count) = (u64::from(source.u8()), u64::from(source.below(6)));
    let (run, parts, flags) = (source.below(3), source.below(4), source.u8());
    let mut out = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    if flags & 1 != 0 {
        out.push_str("#EXT-X-PART-INF:PART-TARGET=0.5\n");
    }
    if flags & 2 != 0 {
        let _ = writeln!(
            out,
            "#EXT-X-MAP:URI=\"{run}.mp4\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\""
        );
    }
    for msn in first..first + count {
        if flags & 4 != 0 && msn % 5 == 0 {
            out.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let _ = writeln!(out, "#EXTINF:2.00000,\n{run}-{msn}.m4s");
    }
    if flags & 1 != 0 {
        for part in 0..parts {
            let msn = first + count;
            let _ = writeln!(
                out,
                "#EXT-X-PART:DURATION=0.5,URI=\"{run}-{msn}.{part}.m4s\""
            );
        }
    }
    if flags & 8 != 0 {
        out.push_str("#EXT-X-RENDITION-REPORT:URI=\"../a0/index.m3u8\",LAST-MSN=3,LAST-PART=0\n");
    }
    if flags & 0xF0 == 0xF0 {
        out.push_str("#EXT-X-ENDLIST\n");
    }
    out
}
