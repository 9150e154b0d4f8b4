//! What a viewer's requests get, rule by rule, from a running `edge-node`.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::collect::{self, Fetched, playlist};
use crate::harness::http::{self, get_with};
use crate::harness::node::{KEY, Node};
use crate::harness::playlist::{Media, Segment};
use crate::harness::process::Process;
use crate::harness::publisher::Camera;
use crate::harness::tools::run;
use crate::harness::{lint, stage, within};

/// A node with a camera, and the first rendition of its presentation.
struct Show {
    node: Node,
    camera: Process,
    rendition: String,
}

impl Show {
    fn start(arguments: &[&str]) -> Self {
        let node = Node::start(arguments);
        let camera = Camera::default().publish(&node.publish_url(KEY));
        let rendition = collect::picture_uri(&node.wait_until_live());
        Self {
            node,
            camera,
            rendition,
        }
    }

    fn playlist(&self, asked: Option<(u64, u64)>) -> Fetched {
        playlist(self.node.http, &self.rendition, asked)
    }

    fn status_of(&self, query: &str) -> u16 {
        self.node
            .get(&format!("/live/{}{query}", self.rendition))
            .status
    }

    /// Follows the edge until a segment of number `msn` is closed.
    fn until_closed(&self, msn: u64) -> Media {
        let mut media = self.playlist(None).media;
        while media.segments.last().is_none_or(|last| last.msn < msn) {
            media = self.playlist(Some(media.next())).media;
        }
        media
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn del_2_6_9_12_impossible_requests_are_refused_at_once() {
    let _machine = stage::shared();
    let show = Show::start(&[]);
    let media = show.playlist(None).media;
    let (msn, part) = media.next();
    let begun = Instant::now();
    for (query, status) in [
        ("?_HLS_part=0".to_owned(), 400),
        (format!("?_HLS_msn={}", msn + 4), 400),
        (format!("?_HLS_msn={msn}&_HLS_part={}", part + 40), 400),
        ("?_HLS_msn=-1".to_owned(), 400),
        ("?_HLS_msn=1x".to_owned(), 400),
        ("?_HLS_msn=".to_owned(), 400),
        ("?_HLS_msn=18446744073709551616".to_owned(), 400),
        (format!("?_HLS_msn={msn}&_HLS_msn={msn}"), 400),
        (format!("?_HLS_msn={msn}&_HLS_part=0x1"), 400),
        ("?unknown=1".to_owned(), 200),
        // The whole window and more is behind it: answered, not refused (DEL-5).
        ("?_HLS_msn=0".to_owned(), 200),
    ] {
        assert_eq!(show.status_of(&query), status, "{query}");
    }
    let folder = collect::folder(&show.rendition);
    for name in [
        "p99999999.m4s",
        "s99999999.m4s",
        "i99.mp4",
        "none.m3u8",
        "../none/index.m3u8",
    ] {
        let path = format!("{folder}{name}");
        assert_eq!(show.node.get(&path).status, 404, "{path}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "a refusal was held: {:?}",
        begun.elapsed()
    );
}

#[test]
#[ignore = "needs ffmpeg"]
fn del_3_4_a_request_is_held_until_its_part_or_segment_is_there() {
    let _machine = stage::shared();
    let show = Show::start(&[]);
    let media = show.playlist(None).media;
    let (msn, part) = media.next();
    // Two parts ahead cannot be there yet.
    let ahead = show.playlist(Some((msn, part + 2)));
    assert!(
        ahead.media.has_reached(msn, part + 2),
        "answered early: {:?}",
        ahead.media.edge()
    );
    assert!(
        ahead.response.last_byte - ahead.response.asked > Duration::from_millis(150),
        "it was not held"
    );
    // A part past the end of its segment is part 0 of the next one.
    let (msn, _) = ahead.media.next();
    let past = show.playlist(Some((msn, 14)));
    assert!(
        past.media.has_reached(msn + 1, 0) || past.media.has_reached(msn, 14),
        "answered early"
    );
    // Without a part it is the whole segment that is waited for.
    let (msn, _) = past.media.next();
    let whole = show
        .node
        .get(&format!("/live/{}?_HLS_msn={msn}", show.rendition));
    let whole = Media::parse(whole.text()).expect("it is a playlist");
    assert!(
        whole.segments.iter().any(|segment| segment.msn == msn),
        "segment {msn} is not listed"
    );
}

#[test]
#[ignore = "needs ffmpeg"]
fn pl_8_a_hinted_part_is_held_and_given_whole() {
    let _machine = stage::shared();
    let show = Show::start(&[]);
    let mut held = 0;
    let mut media = show.playlist(None).media;
    for _ in 0..12 {
        let (_, hint) = media
            .hints
            .iter()
            .find(|(kind, _)| kind == "PART")
            .expect("a live playlist has a hint")
            .clone();
        let path = format!("{}{hint}", collect::folder(&show.rendition));
        let early = show.node.get(&path);
        assert_eq!(early.status, 200, "{path}");
        held += usize::from(early.first_byte - early.asked > Duration::from_millis(50));
        let late = early.last_byte - early.first_byte;
        assert!(
            late < Duration::from_millis(100),
            "{path} trickled for {late:?} (DEL-8)"
        );
        media = show.playlist(Some(media.next())).media;
        let listed = media
            .all()
            .flat_map(|segment| &segment.parts)
            .any(|part| part.uri == hint);
        assert!(listed, "{hint} was promised and is not listed");
        assert_eq!(early.body, show.node.get(&path).body, "{path} changed");
    }
    assert!(
        held > 6,
        "only {held} of 12 hinted parts were asked for early"
    );
}

#[test]
#[ignore = "needs ffmpeg"]
fn pl_10_a_delta_update_is_the_whole_playlist_with_a_gap() {
    let _machine = stage::shared();
    // TD 1 s: skipping begins six seconds from the end.
    let show = Show::start(&["--segment-ms", "1000", "--window-s", "20"]);
    let first = show.playlist(None).media;
    show.until_closed(first.media_sequence + 12);
    let path = |skip: &str| format!("/live/{}?{skip}", show.rendition);
    for skip in ["_HLS_skip=YES", "_HLS_skip=v2"] {
        // Asked until no part came in between.
        let (delta, whole) = within(
            Duration::from_secs(10),
            "a delta and a whole of one version",
            || {
                let delta =
                    Media::parse(show.node.get(&path(skip)).text()).expect("a delta is a playlist");
                let whole = show.playlist(None).media;
                (delta.edge() == whole.edge()).then_some((delta, whole))
            },
        );
        assert!(
            delta.skipped > 0,
            "{skip}: nothing was skipped of {} segments",
            whole.segments.len()
        );
        let skipped = usize::try_from(delta.skipped).expect("a small number");
        // What stands before the gap is known to the player: only the MAP may have stood there alone.
        let mut rebuilt = whole.clone();
        rebuilt.version = delta.version;
        rebuilt.skipped = delta.skipped;
        rebuilt.segments.drain(..skipped);
        let mut repeated = delta;
        for segment in repeated
            .segments
            .iter_mut()
            .chain(Some(&mut repeated.open))
            .filter(|of| of.map.is_empty())
        {
            segment.map.clone_from(&whole.segments[skipped - 1].map);
        }
        assert_eq!(repeated, rebuilt, "{skip}");
        let boundary = whole
            .control("CAN-SKIP-UNTIL")
            .expect("the playlist offers delta updates");
        let kept: u64 = rebuilt.all().map(Segment::length).sum();
        assert!(kept >= boundary, "{skip}: {kept} kept, {boundary} at least");
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_publisher_that_returns_makes_a_discontinuity_and_numbers_go_on() {
    let _machine = stage::shared();
    let show = Show::start(&[]);
    let first = show.playlist(None).media;
    let before = show.until_closed(first.open.msn);
    drop(show.camera);
    thread::sleep(Duration::from_secs(2));
    let _camera = Camera::default().publish(&show.node.publish_url(KEY));
    let after = within(Duration::from_secs(8), "a discontinuity is listed", || {
        Some(playlist(show.node.http, &show.rendition, None).media).filter(Media::has_return)
    });
    assert!(
        after.open.msn > before.open.msn,
        "{} then {}",
        before.open.msn,
        after.open.msn
    );
    let recording = collect::record(show.node.http, Duration::from_secs(6));
    let found = lint::findings(&recording);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
#[ignore = "needs ffmpeg"]
fn seg_11_sigterm_ends_every_playlist_within_two_seconds() {
    let _machine = stage::shared();
    let mut show = Show::start(&[]);
    let uris = collect::rendition_uris(show.node.get("/live/index.m3u8").text());
    let edges: Vec<_> = uris
        .iter()
        .map(|uri| {
            (
                uri.clone(),
                playlist(show.node.http, uri, None).media.next(),
            )
        })
        .collect();
    let server = show.node.http;
    // Viewers who are held when the end comes: half a second further on than the edge.
    let held: Vec<_> = edges
        .into_iter()
        .map(|(uri, (msn, part))| {
            thread::spawn(move || playlist(server, &uri, Some((msn, part + 5))))
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    show.node.process.signal("TERM");
    for viewer in held {
        let answer = viewer.join().expect("a held viewer is answered");
        let media = if answer.media.ended {
            answer.media
        } else {
            // Its part came just before the end; the end is what it asks for next.
            playlist(server, &show.rendition, Some(answer.media.next())).media
        };
        assert!(
            media.ended && media.hints.is_empty(),
            "no ENDLIST: {media:?}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "answered after {:?}",
            begun.elapsed()
        );
    }
    let status = show.node.process.wait(Duration::from_secs(10));
    assert_eq!(status.code(), Some(0), "an orderly end is exit code 0");
    println!("ended after {:?}", begun.elapsed());
    drop(show.camera);
}

#[test]
#[ignore = "needs ffmpeg"]
fn del_11_answers_carry_their_headers() {
    let _machine = stage::shared();
    let show = Show::start(&[]);
    let media = show.until_closed(show.playlist(None).media.open.msn);
    let folder = collect::folder(&show.rendition);
    let list = show.node.get(&format!("/live/{}", show.rendition));
    let part = show.node.get(&format!(
        "{folder}{}",
        media.segments.last().expect("closed").parts[0].uri
    ));
    let init = show.node.get(&format!("{folder}{}", media.open.map));
    for (what, answer, kind) in [
        ("a playlist", &list, "application/vnd.apple.mpegurl"),
        ("a part", &part, "video/mp4"),
        ("an init", &init, "video/mp4"),
    ] {
        assert_eq!(answer.status, 200, "{what}");
        assert!(
            answer
                .header("content-type")
                .is_some_and(|value| value.starts_with(kind)),
            "{what}: {:?}",
            answer.headers
        );
        assert!(
            answer
                .header("cache-control")
                .is_some_and(|value| value.contains("max-age=")),
            "{what}: {:?}",
            answer.headers
        );
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("*"),
            "{what}"
        );
    }
    assert!(
        list.header("vary")
            .is_some_and(|value| value.to_lowercase().contains("accept-encoding")),
        "{:?}",
        list.headers
    );

    let whole = part.body.len();
    let path = format!(
        "{folder}{}",
        media.segments.last().expect("closed").parts[0].uri
    );
    let range = get_with(show.node.http, &path, &[("Range", "bytes=10-19")]);
    assert_eq!(
        (range.status, range.body.as_slice()),
        (206, &part.body[10..20])
    );
    assert_eq!(
        range.header("content-range"),
        Some(format!("bytes 10-19/{whole}").as_str())
    );
    let beyond = get_with(
        show.node.http,
        &path,
        &[("Range", &format!("bytes={whole}-"))],
    );
    assert_eq!(beyond.status, 416, "a range beyond the end");
}

#[test]
#[ignore = "needs ffmpeg, curl"]
fn pl_15_a_packed_playlist_is_the_plain_one() {
    let _machine = stage::shared();
    let show = Show::start(&[]);
    // curl unpacks it; the next version may have come in between.
    let url = show.node.url(&format!("/live/{}", show.rendition));
    within(
        Duration::from_secs(5),
        "the packed playlist is the plain one",
        || {
            let packed = run(
                Command::new("curl").args(["-sS", "--compressed", "-D", "-", &url]),
                b"",
            );
            let packed = String::from_utf8(packed.stdout).expect("a playlist is text");
            let (head, body) = packed
                .split_once("\r\n\r\n")
                .expect("a response has a head");
            assert!(
                head.to_lowercase().contains("content-encoding: gzip"),
                "not packed:\n{head}"
            );
            (body == show.node.get(&format!("/live/{}", show.rendition)).text()).then_some(())
        },
    );
}

#[test]
#[ignore = "needs ffmpeg"]
fn both_layouts_pass_the_lint() {
    let _machine = stage::shared();
    for layout in ["separate", "muxed"] {
        let show = Show::start(&["--layout", layout]);
        let recording = collect::record(show.node.http, Duration::from_secs(6));
        let mut found = lint::findings(&recording);
        found.extend(crate::harness::readers::findings(&recording));
        assert!(found.is_empty(), "{layout}: {}", found.join("\n"));
        let renditions = recording.renditions.len();
        assert_eq!(
            renditions,
            if layout == "muxed" { 1 } else { 2 },
            "{layout}"
        );
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn short_and_long_parts_pass_the_lint() {
    let _machine = stage::shared();
    for parts in [["--part-ms", "100"], ["--part-ms", "500"]] {
        let show = Show::start(&parts);
        let found = lint::findings(&collect::record(show.node.http, Duration::from_secs(6)));
        assert!(found.is_empty(), "{parts:?}: {}", found.join("\n"));
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn nobody_waits_for_a_show_that_has_not_begun() {
    let node = Node::start(&[]);
    let early = http::get(node.http, "/live/index.m3u8");
    assert!(
        matches!(early.status, 404 | 503),
        "a stage without a publisher: {}",
        early.status
    );
    assert!(
        early.last_byte - early.asked < Duration::from_secs(1),
        "it was held"
    );
    let _machine = stage::shared();
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    node.wait_until_live();
}
