//! NEW-2: what a server costs a check that keeps to nothing.

use std::time::{Duration, Instant};

use backline_hls::Error;
use backline_hls::lint::{Config, Linter, Record, Report, Request, Response, Rule};

const ROOT: &str = "http://h/index.m3u8";

fn linter(now: Instant, change: impl FnOnce(&mut Config)) -> Linter {
    let mut config = Config::default();
    change(&mut config);
    Linter::new(ROOT, config, now).unwrap()
}

/// The server's answer to a URL, whether it was asked for or not.
fn answer(linter: &mut Linter, now: Instant, url: &str, body: impl Into<bytes::Bytes>) {
    let response = Response::new(200, Vec::new(), body.into());
    let record = Record::new(Request::get(url), response, now, now, now);
    linter.handle_record(record);
}

fn requests(linter: &mut Linter, now: Instant) -> Vec<String> {
    let asked = std::iter::from_fn(|| linter.poll_request(now));
    asked.map(|request| request.url).collect()
}

fn segments(first: u64, count: u64) -> String {
    let head = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    let rows = (first..first + count).map(|msn| format!("#EXTINF:1,\ns{msn}\n"));
    rows.fold(head, |text, row| text + &row)
}

fn seen(report: &Report, rule: Rule) -> Vec<&str> {
    let row = report.rows.iter().find(|row| row.rule == rule).unwrap();
    row.findings.iter().map(|one| one.seen.as_str()).collect()
}

#[test]
fn new_2_a_url_beyond_the_cap_is_not_asked_for() {
    let now = Instant::now();
    let long = format!("http://h/{}", "a".repeat(2_040));
    let refused = Linter::new(&long, Config::default(), now).map(|_| ());
    let (len, limit) = (2_049, 2_048);
    assert_eq!(refused, Err(Error::Url { len, limit }));

    let mut one = linter(now, |_| {});
    let mut text = segments(0, 2);
    text.push_str(&format!("#EXTINF:1,\n{}\n", "b".repeat(2_040)));
    text.push_str(&format!("#EXTINF:1,\n{}s3\n", "c/../".repeat(1_000)));
    answer(&mut one, now, ROOT, text);
    let asked = requests(&mut one, now);
    assert!(asked.contains(&"http://h/s1".to_owned()), "{asked:?}");
    assert!(asked.iter().all(|url| url.len() <= limit));
    assert_eq!(one.report().left_out, 2);
}

#[test]
fn new_2_renditions_beyond_the_cap_are_counted() {
    let now = Instant::now();
    let mut linter = linter(now, |config| config.requests = 100);
    let mut text = String::from("#EXTM3U\n");
    let names = (0..40).map(|index| format!("v{index}.m3u8"));
    for name in names.chain(["d".repeat(2_048)]) {
        text.push_str(&format!("#EXT-X-STREAM-INF:BANDWIDTH=1\n{name}\n"));
    }
    answer(&mut linter, now, ROOT, text);
    let asked = requests(&mut linter, now);
    assert_eq!(asked.iter().filter(|url| url.contains("/v")).count(), 32);
    assert_eq!(linter.report().left_out, 9);
}

#[test]
fn new_2_objects_beyond_the_cap_are_counted_and_make_room_when_they_go() {
    let now = Instant::now();
    let mut linter = linter(now, |config| {
        config.limits.lint_objects = 10;
        config.requests = 100;
    });
    answer(&mut linter, now, ROOT, segments(0, 50));
    assert_eq!(linter.report().left_out, 40);
    requests(&mut linter, now);
    let later = now + Duration::from_secs(1);
    answer(&mut linter, later, ROOT, segments(50, 10));
    let asked = requests(&mut linter, later);
    assert!(asked.contains(&"http://h/s59".to_owned()), "{asked:?}");
    assert_eq!(linter.report().left_out, 40, "the most of one playlist");
}

#[test]
fn new_2_a_server_whose_answers_are_of_no_use_is_not_asked_without_pause() {
    let gzip = vec![("Content-Encoding".to_owned(), "gzip".to_owned())];
    let delta = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n";
    let ladder = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n";
    for (headers, body) in [
        (Vec::new(), delta.to_owned()),
        (Vec::new(), ladder.to_owned()),
        (Vec::new(), "#EXTM3U\n#EXTINF:x,\n".to_owned()),
        (gzip, segments(0, 3)),
    ] {
        let now = Instant::now();
        let mut linter = linter(now, |_| {});
        let root = linter.poll_request(now).unwrap();
        answer(&mut linter, now, &root.url, ladder);
        let reload = linter.poll_request(now).unwrap();
        assert_eq!(reload.url, "http://h/v.m3u8");
        let response = Response::new(200, headers, body.into());
        linter.handle_record(Record::new(reload.clone(), response, now, now, now));
        assert_eq!(linter.poll_request(now), None);
        let next = now + Duration::from_millis(500);
        assert_eq!(linter.poll_timeout(), Some(next));
        assert_eq!(linter.poll_request(next), Some(reload));
    }
}

#[test]
fn new_2_an_init_segment_with_many_tracks_is_a_finding() {
    let boxed = |kind: &[u8; 4], body: &[u8]| {
        let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&size[..], kind, body].concat()
    };
    let now = Instant::now();
    let mut linter = linter(now, |_| {});
    let text = segments(0, 1).replace("#EXTINF", "#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF");
    answer(&mut linter, now, ROOT, text);
    let tracks = boxed(b"trak", &[]).repeat(65);
    let inside = [boxed(b"mvhd", &[0; 100]), tracks, boxed(b"mvex", &[])].concat();
    let init = [boxed(b"ftyp", b"iso6\0\0\0\0"), boxed(b"moov", &inside)].concat();
    answer(&mut linter, now, "http://h/i.mp4", init);
    assert_eq!(seen(&linter.report(), Rule::Mux1), ["more than 64 tracks"]);
}

#[test]
fn new_2_numbers_at_their_ends_are_no_panic() {
    let most = u64::MAX;
    let text = format!(
        "#EXTM3U\n#EXT-X-VERSION:{most}\n#EXT-X-TARGETDURATION:{most}\n\
         #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={most}.9,HOLD-BACK={most},PART-HOLD-BACK={most}\n\
         #EXT-X-PART-INF:PART-TARGET={most}.999999999\n\
         #EXT-X-MEDIA-SEQUENCE:{most}\n#EXT-X-DISCONTINUITY-SEQUENCE:{most}\n#EXT-X-DISCONTINUITY\n\
         #EXT-X-MAP:URI=\"i\",BYTERANGE=\"{most}@{most}\"\n\
         #EXT-X-DATERANGE:ID=\"a\",START-DATE=\"9999-12-31T24:59:60Z\",DURATION={most}\n\
         #EXT-X-PROGRAM-DATE-TIME:0000-01-01T00:00:00-23:59\n\
         #EXTINF:{most}.999999999,\n#EXT-X-BYTERANGE:{most}@{most}\ns\n\
         #EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:59:60+23:59\n#EXTINF:{most},\n#EXT-X-BYTERANGE:{most}\ns\n\
         #EXT-X-PART:URI=\"p\",DURATION={most},BYTERANGE=\"{most}\"\n\
         #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"q\"\n\
         #EXT-X-RENDITION-REPORT:URI=\"r\",LAST-MSN={most},LAST-PART={most}\n"
    );
    let mut now = Instant::now();
    let mut linter = linter(now, |_| {});
    for _ in 0..4 {
        answer(&mut linter, now, ROOT, text.clone());
        for url in requests(&mut linter, now) {
            answer(&mut linter, now, &url, text.clone());
        }
        now += Duration::from_secs(1);
    }
    assert!(linter.playlists() > 1 && linter.report().low_latency);
    assert!(linter.patience() < Duration::from_secs(200));
}

#[test]
fn pl_13_the_first_line_that_is_wrong_is_told_and_tabs_excuse_nothing() {
    // Section 4.1: no control characters; tabs stand between IDs of RECENTLY-REMOVED-DATERANGES alone.
    let now = Instant::now();
    let mut one = linter(now, |_| {});
    let text = segments(0, 1) + "#EXT-X-PART: URI=\"p\",DURATION=1\n#X\t\u{1}\n#X\u{2}\n";
    answer(&mut one, now, ROOT, text);
    let report = one.report();
    assert!(
        seen(&report, Rule::Pl13)[0].starts_with("line 6: a space"),
        "{:?}",
        seen(&report, Rule::Pl13)
    );
    let mut one = linter(now, |_| {});
    answer(&mut one, now, ROOT, segments(0, 1) + "#X\t\u{1}\n");
    assert_eq!(seen(&one.report(), Rule::Pl13).len(), 1);
}

#[test]
fn pl_12_what_is_quoted_needs_no_version() {
    // Section 8: an attribute whose name begins with REQ- needs version 12; a URI that has these letters does not.
    for (attribute, broken) in [("X-A=\"b,REQ-C\"", false), ("REQ-C=\"x\"", true)] {
        let now = Instant::now();
        let mut one = linter(now, |_| {});
        let range =
            format!("#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:00Z\",{attribute}\n");
        answer(&mut one, now, ROOT, segments(0, 1) + &range);
        assert_eq!(!seen(&one.report(), Rule::Pl12).is_empty(), broken);
    }
}
