//! An origin's playlists that go on while it is gone. Rows are those of the cache's rules: STALE-3 and STALE-4.

#![expect(clippy::panic, reason = "a test fails by panicking")]

mod origin;
mod watcher;

use std::time::{Duration, Instant};

use backline_hls::continuation::{Config, Continuation, Taken};
use backline_hls::m3u8::{Media, Playlist};
use backline_hls::{ContinuationProblem, Error, Limits};

use origin::{Kind, Origin, PART_MS};
use watcher::Watcher;

const PATH: &str = "/live/v0/index.m3u8";

/// One origin, the box before it, and somebody who watches what it serves.
struct Room {
    origin: Origin,
    shown: Continuation,
    start: Instant,
    /// In parts since the start.
    now: u64,
    watcher: Watcher,
}

impl Room {
    fn new(kind: Kind) -> Self {
        let mut room = Self {
            origin: Origin::new(kind),
            shown: Continuation::new(Config::default(), Limits::default()),
            start: Instant::now(),
            now: 40,
            watcher: Watcher::default(),
        };
        assert_eq!(room.poll(), Taken::Followed);
        room
    }

    fn at(&self) -> Instant {
        self.start + Duration::from_millis(self.now * PART_MS)
    }

    /// The origin answers.
    fn poll(&mut self) -> Taken {
        let text = self.origin.playlist(self.now);
        let taken = self.shown.handle_playlist(self.at(), PATH, text.as_bytes());
        let taken = taken.unwrap_or_else(|error| panic!("{error}: {text}"));
        self.watcher.see(&self.text());
        taken
    }

    /// The origin does not answer.
    fn miss(&mut self) {
        self.shown.handle_gone(self.at());
        self.shown.handle_timeout(self.at());
        self.watcher.see(&self.text());
    }

    /// So many parts pass, in each of which it answers or not.
    fn pass(&mut self, parts: u64, answers: bool) {
        for _ in 0..parts {
            self.now += 1;
            if answers {
                self.poll();
            } else {
                self.miss();
            }
        }
    }

    fn text(&self) -> String {
        self.shown.render(PATH).unwrap()
    }

    fn media(&self) -> Media {
        media(&self.text())
    }
}

fn media(text: &str) -> Media {
    match Playlist::parse(text.as_bytes(), &Limits::default()) {
        Ok(Playlist::Media(media)) => media,
        other => panic!("{other:?}: {text}"),
    }
}

/// Milliseconds of all absent segments, and of what was listed of them when the segment ended early.
fn absent_ms(media: &Media) -> u128 {
    let absent = media.segments.iter().filter(|segment| segment.gap);
    let ms = absent.map(|segment| {
        let parts: Duration = segment.parts.iter().map(|part| part.duration).sum();
        (segment.duration - parts).as_millis()
    });
    ms.sum()
}

#[test]
fn stale_3_while_the_origin_is_there_its_text_is_served() {
    for kind in Kind::ALL {
        let mut room = Room::new(kind);
        for _ in 0..60 {
            room.pass(1, true);
            assert_eq!(room.text(), room.origin.playlist(room.now));
        }
        assert_eq!(room.shown.upstream(PATH, 7), Some(7));
        assert!(!room.shown.is_gone() && room.shown.poll_timeout().is_none());
    }
}

#[test]
fn stale_4_an_origin_that_is_back_soon_goes_on() {
    for kind in Kind::ALL {
        let mut room = Room::new(kind);
        room.pass(8, true);
        // Three target durations are 12 parts.
        room.pass(11, false);
        assert!(room.shown.is_gone());
        room.now += 1;
        assert_eq!(room.poll(), Taken::Followed);
        assert_eq!(room.text(), room.origin.playlist(room.now), "{kind:?}");
        assert!(!room.shown.is_gone());
    }
}

#[test]
fn stale_3_absent_segments_last_as_long_as_what_is_missing() {
    for kind in Kind::ALL {
        for cut in [16, 20, 21, 33, 47, 90] {
            for before in 0..4 {
                let mut room = Room::new(kind);
                room.pass(8 + before, true);
                let (last, edge) = (room.media(), room.origin.edge(room.now));
                room.pass(cut, false);
                assert!(room.text().contains("#EXT-X-GAP\n"), "{kind:?} {cut}");
                assert!(!room.text().contains("PRELOAD-HINT"));
                assert_eq!(room.shown.upstream(PATH, 1_000), None);
                room.now += 1;
                assert_eq!(room.poll(), Taken::Joined, "{kind:?} {cut}");
                let seen = room.watcher.between(edge);
                let missing = u128::from((cut + 1) * PART_MS);
                // A plain playlist's edge is known when it is asked for, so a version may have been up to 3 parts old.
                let slack = if kind.is_low_latency() {
                    1
                } else {
                    3 * u128::from(PART_MS) + 1
                };
                assert!(
                    seen.as_millis().abs_diff(missing) <= slack,
                    "{kind:?} cut {cut} at {before}: {seen:?} of {missing} ms\n{}",
                    room.text()
                );
                let now = room.media();
                assert_eq!(now.target_duration_s, last.target_duration_s);
            }
        }
    }
}

#[test]
fn stale_4_the_newest_media_follows_behind_a_discontinuity() {
    for kind in Kind::ALL {
        let mut room = Room::new(kind);
        room.pass(8, true);
        room.pass(24, false);
        room.now += 1;
        assert_eq!(room.poll(), Taken::Joined);
        let (ours, theirs) = (room.media(), media(&room.origin.playlist(room.now)));
        // At the edge itself: what the origin lists last is listed last here.
        assert_eq!(ours.open.parts.len(), theirs.open.parts.len());
        let last = |media: &Media| media.segments.last().unwrap().uri.clone();
        assert_eq!(last(&ours), last(&theirs));
        let marks: Vec<u64> = ours
            .all()
            .filter(|segment| segment.discontinuity)
            .map(|segment| segment.msn)
            .collect();
        assert_eq!(marks.len(), 1, "{}", room.text());
        let first = ours.all().find(|segment| segment.msn == marks[0]).unwrap();
        assert!(!first.gap && first.uri.contains(kind.ending()));
        assert!(ours.segments.iter().any(|segment| segment.gap));
        // What is behind it is numbered on, also when the discontinuity has left.
        room.pass(100, true);
        let (ours, theirs) = (room.media(), media(&room.origin.playlist(room.now)));
        assert_eq!(ours.discontinuity_sequence, Some(1));
        assert!(!room.text().contains("#EXT-X-GAP"));
        let offset = ours.open.msn - theirs.open.msn;
        assert_eq!(
            room.shown.upstream(PATH, ours.open.msn),
            Some(theirs.open.msn)
        );
        assert_eq!(ours.media_sequence - theirs.media_sequence, offset);
        assert_eq!(ours.segments.len(), theirs.segments.len());
    }
}

#[test]
fn stale_4_a_time_is_said_behind_the_discontinuity() {
    let mut room = Room::new(Kind::Plain);
    room.pass(40, false);
    room.now += 1;
    room.poll();
    let ours = room.media();
    let first = ours.all().find(|segment| segment.discontinuity).unwrap();
    let theirs = media(&room.origin.playlist(room.now));
    let same = theirs
        .segments
        .iter()
        .find(|segment| segment.uri == first.uri)
        .unwrap();
    // The origin says it once, at the head of its list.
    let ahead = theirs
        .segments
        .iter()
        .take_while(|segment| segment.msn < same.msn);
    let ahead: Duration = ahead.map(|segment| segment.duration).sum();
    let at = theirs.segments[0].program_date_time_us.unwrap() + ahead.as_micros() as i64;
    assert_eq!(first.program_date_time_us, Some(at));
    assert!(ours.segments[0].program_date_time_us.is_some());
}

#[test]
fn stale_4_an_origin_that_begins_again_is_joined() {
    for kind in Kind::ALL {
        for rename in [true, false] {
            let mut room = Room::new(kind);
            room.pass(20, true);
            room.origin.restart(room.now - 17, rename);
            let mut joined = 0;
            for _ in 0..60 {
                room.now += 1;
                joined += usize::from(room.poll() == Taken::Joined);
            }
            assert_eq!(joined, 1, "{kind:?} {rename}\n{}", room.text());
            let theirs = media(&room.origin.playlist(room.now));
            assert_eq!(
                room.media().segments.last().unwrap().uri,
                theirs.segments.last().unwrap().uri
            );
        }
    }
}

#[test]
fn stale_4_an_older_answer_takes_nothing_back() {
    let mut room = Room::new(Kind::Fmp4);
    room.pass(8, true);
    let (text, version) = (room.text(), room.shown.version(PATH));
    let older = room.origin.playlist(room.now - 3);
    let taken = room
        .shown
        .handle_playlist(room.at(), PATH, older.as_bytes());
    assert_eq!(taken, Ok(Taken::Unchanged));
    assert_eq!((room.text(), room.shown.version(PATH)), (text, version));
    // Neither does one that comes after absent segments: the origin has nothing new.
    room.pass(20, false);
    let text = room.text();
    let taken = room
        .shown
        .handle_playlist(room.at(), PATH, older.as_bytes());
    assert_eq!((taken, room.text()), (Ok(Taken::Unchanged), text));
    assert!(room.shown.is_gone());
}

#[test]
fn stale_3_directives_and_reports_are_translated() {
    let mut room = Room::new(Kind::Fmp4);
    let other = "/live/a0/index.m3u8";
    let feed = |room: &mut Room| {
        let text = room.origin.playlist(room.now);
        let taken = room
            .shown
            .handle_playlist(room.at(), other, text.as_bytes());
        taken.unwrap()
    };
    feed(&mut room);
    assert!(
        room.text()
            .contains("#EXT-X-RENDITION-REPORT:URI=\"../a0/index.m3u8\",LAST-MSN=")
    );
    room.pass(30, false);
    room.now += 1;
    room.poll();
    // The other one has not been heard of yet: what is shown of it is said.
    let said = |room: &Room| room.media().rendition_reports.first().cloned().unwrap();
    let (msn, part) = room.shown.next(other).unwrap();
    assert_eq!((said(&room).last_msn, part), (Some(msn - 1), 0));
    assert_eq!(feed(&mut room), Taken::Joined);
    let (msn, part) = room.shown.next(other).unwrap();
    let report = said(&room);
    assert!(part > 0, "the origin is within a segment");
    assert_eq!(
        (report.last_msn, report.last_part),
        (Some(msn), Some(part - 1))
    );

    let (msn, part) = room.shown.next(PATH).unwrap();
    assert!(room.shown.reached(PATH, msn - 1, None) && !room.shown.reached(PATH, msn, None));
    assert!(room.shown.reached(PATH, msn, Some(part - 1)));
    assert!(!room.shown.reached(PATH, msn, Some(part)));
    let theirs = media(&room.origin.playlist(room.now)).open.msn;
    assert_eq!(room.shown.upstream(PATH, msn), Some(theirs));
    assert_eq!(room.shown.upstream(PATH, 3), None);
    assert!(!room.shown.reached("/other.m3u8", 0, None));
}

#[test]
fn stale_3_delta_updates_are_served_whole() {
    let mut room = Room::new(Kind::Fmp4);
    for _ in 0..20 {
        room.now += 1;
        let text = room.origin.delta(room.now);
        assert!(text.contains("#EXT-X-SKIP"));
        let taken = room.shown.handle_playlist(room.at(), PATH, text.as_bytes());
        assert_eq!(taken, Ok(Taken::Followed));
        let (ours, theirs) = (room.media(), media(&room.origin.playlist(room.now)));
        assert_eq!((ours.skip, ours.open.msn), (None, theirs.open.msn));
        assert_eq!(ours.segments.len(), theirs.segments.len());
        room.watcher.see(&room.text());
    }
}

#[test]
fn stale_3_the_next_absent_segment_has_its_time() {
    let mut room = Room::new(Kind::Ts);
    let gone = room.at();
    room.shown.handle_gone(gone);
    let second = Duration::from_secs(1);
    assert_eq!(room.shown.poll_timeout(), Some(gone + 6 * second));
    room.shown
        .handle_timeout(gone + 6 * second - Duration::from_nanos(1));
    assert!(!room.text().contains("GAP"));
    room.shown.handle_timeout(gone + 6 * second);
    assert!(room.text().contains("GAP"));
    assert_eq!(room.shown.poll_timeout(), Some(gone + 8 * second));
}

#[test]
fn stale_3_days_without_an_origin_cost_no_more_than_the_window() {
    let mut limits = Limits::default();
    limits.window_segments = 16;
    let mut room = Room::new(Kind::Ts);
    room.shown = Continuation::new(Config::default(), limits);
    room.poll();
    let first = room.media().open.msn;
    room.shown.handle_gone(room.at());
    room.shown
        .handle_timeout(room.at() + Duration::from_secs(86_400));
    let media = room.media();
    assert!(media.segments.len() <= 16);
    // A day of segments of 2 s, but for the three that were waited for, and the first.
    assert_eq!(media.open.msn - first, 43_200 - 3 + 1);
    assert_eq!(absent_ms(&media), media.segments.len() as u128 * 2_000);
}

#[test]
fn stale_3_what_has_ended_is_not_missed() {
    let mut room = Room::new(Kind::Ts);
    room.origin.ends_at = Some(room.now);
    room.pass(1, true);
    room.pass(40, false);
    assert_eq!(room.text(), room.origin.playlist(room.now));
    // An origin that comes back only to end.
    let mut room = Room::new(Kind::Ts);
    let ended = room.now;
    room.pass(40, false);
    room.origin.ends_at = Some(ended);
    room.now += 1;
    assert_eq!(room.poll(), Taken::Followed);
    assert!(room.text().ends_with("#EXT-X-ENDLIST\n") && room.text().contains("GAP"));
    assert!(!room.shown.is_gone());
}

#[test]
fn stale_4_keys_say_the_vector_that_their_number_stood_for() {
    // Section 4.4.4.4: without IV, the Media Sequence Number is the initialisation vector.
    let list = |first: u64| {
        format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n\
             #EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2.00000,\ns{first}.ts\n#EXTINF:2.00000,\ns{}.ts\n",
            first + 1
        )
    };
    let start = Instant::now();
    let mut shown = Continuation::new(Config::default(), Limits::default());
    shown
        .handle_playlist(start, "/k.m3u8", list(10).as_bytes())
        .unwrap();
    shown.handle_gone(start);
    let back = start + Duration::from_secs(61);
    assert_eq!(
        shown.handle_playlist(back, "/k.m3u8", list(90).as_bytes()),
        Ok(Taken::Joined)
    );
    let text = shown.render("/k.m3u8").unwrap();
    let media = media(&text);
    let last = media.segments.last().unwrap();
    assert_eq!((last.uri.as_str(), last.msn == 91), ("s91.ts", false));
    assert_eq!(
        last.keys[0].attributes().get("IV"),
        Some("0x0000000000000000000000000000005b")
    );
}

#[test]
fn stale_4_what_cannot_be_gone_on_with_is_refused() {
    let mut limits = Limits::default();
    limits.renditions = 1;
    let mut shown = Continuation::new(Config::default(), limits);
    let now = Instant::now();
    let origin = Origin::new(Kind::Fmp4);
    let mut take = |path: &str, text: &str| shown.handle_playlist(now, path, text.as_bytes());
    let problem = ContinuationProblem::Delta;
    assert_eq!(
        take("/a", &origin.delta(60)),
        Err(Error::Continuation { problem })
    );
    let far = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:9007199254740993\n";
    let problem = ContinuationProblem::Number {
        msn: (1 << 53) + 1,
        most: 1 << 53,
    };
    assert_eq!(take("/a", far), Err(Error::Continuation { problem }));
    assert_eq!(take("/a", &origin.playlist(60)), Ok(Taken::Followed));
    assert_eq!(take("/a", far), Err(Error::Continuation { problem }));
    let problem = ContinuationProblem::TooMany { limit: 1 };
    assert_eq!(
        take("/b", &origin.playlist(60)),
        Err(Error::Continuation { problem })
    );
    let multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n";
    assert_eq!(take("/b", multivariant), Ok(Taken::Multivariant));
    assert!(matches!(
        take("/a", "no playlist"),
        Err(Error::Playlist { .. })
    ));
    assert_eq!(shown.render("/a"), Some(origin.playlist(60)));
    assert_eq!(
        (shown.render("/b"), shown.version("/b"), shown.next("/b")),
        (None, None, None)
    );
}

#[test]
fn stale_4_whatever_happens_no_number_is_other_media() {
    for seed in 1..400_u64 {
        let kind = Kind::ALL[seed as usize % Kind::ALL.len()];
        let mut room = Room::new(kind);
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut below = |most: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % most
        };
        for _ in 0..12 {
            match below(8) {
                0 => room.pass(below(14), false),
                1 => room.pass(below(60), false),
                2 => room.now += below(50),
                3 => {
                    let begun = room.now.saturating_sub(below(24));
                    room.origin.restart(begun, true);
                }
                4 => {
                    let text = room.origin.playlist(room.now.saturating_sub(below(9)));
                    let taken = room.shown.handle_playlist(room.at(), PATH, text.as_bytes());
                    assert!(taken.is_ok());
                    room.watcher.see(&room.text());
                }
                _ => room.pass(below(20), true),
            }
        }
        room.pass(20, true);
        let theirs = media(&room.origin.playlist(room.now));
        let ours = room.media();
        let edge = |media: &Media| media.segments.last().map(|last| last.uri.clone());
        assert_eq!(edge(&ours), edge(&theirs), "seed {seed}\n{}", room.text());
    }
}
