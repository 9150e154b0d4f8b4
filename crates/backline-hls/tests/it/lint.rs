//! NEW-2: what the linter says of our own presentation, in virtual time, and of servers that give it nothing.
//! That it can fail is shown where an origin can be wrong: `examples/tests/it/hls_lint.rs`.

use std::time::{Duration, Instant};

use backline_hls::lint::{
    Config, Linter, Outcome, Record, Report, Request, Response, Rule, Unusable,
};
use backline_hls::{Decision, Error, Event, Headers, ObjectKind, Output};
use bytes::Bytes;

use crate::studio::{AAC_48, Script, Studio, muxed, separate};

const ROOT: &str = "http://stage/live/";

/// A linter in front of a studio.
struct Check {
    studio: Studio,
    linter: Linter,
    pending: Vec<(Instant, Request)>,
}

impl Check {
    fn new(studio: Studio) -> Self {
        let mut config = Config::default();
        config.length = Duration::from_secs(60);
        let url = [ROOT, "index.m3u8"].concat();
        let linter = Linter::new(&url, config, studio.now).unwrap();
        Self {
            studio,
            linter,
            pending: Vec::new(),
        }
    }

    /// Sends what the linter asks for, and answers what can be answered by now.
    fn pump(&mut self) {
        let now = self.studio.now;
        loop {
            while let Some(request) = self.linter.poll_request(now) {
                self.pending.push((now, request));
            }
            let mut answered = false;
            for (sent, request) in std::mem::take(&mut self.pending) {
                match self.answer(sent, &request) {
                    None => self.pending.push((sent, request)),
                    Some(response) => {
                        answered = true;
                        let record = Record::new(request, response, sent, now, now);
                        self.linter.handle_record(record);
                    }
                }
            }
            if !answered {
                return;
            }
        }
    }

    /// None while it is held.
    fn answer(&self, sent: Instant, request: &Request) -> Option<Response> {
        let rest = request.url.strip_prefix(ROOT).unwrap();
        let (path, query) = rest
            .split_once('?')
            .map_or((rest, None), |(path, query)| (path, Some(query)));
        let studio = &self.studio;
        match studio.hls.decide(sent, path, query) {
            Decision::Refuse {
                status, headers, ..
            } => Some(Response::new(status, lines(&headers), Bytes::new())),
            Decision::Playlist {
                hold: Some(hold), ..
            } if studio.now >= hold.deadline => Some(Response::new(503, Vec::new(), Bytes::new())),
            Decision::Playlist { hold: Some(_), .. } => {
                // Decided again, now that something may have come.
                match studio.hls.decide(studio.now, path, query) {
                    Decision::Playlist { hold: Some(_), .. } => None,
                    _ => self.answer(studio.now, request),
                }
            }
            Decision::Playlist {
                playlist, headers, ..
            } => {
                let rendered = studio.hls.render(playlist).unwrap();
                let mut lines = lines(&headers);
                let mut body = rendered.text;
                if request.gzip {
                    lines.push(("Content-Encoding".into(), "gzip".into()));
                    body = rendered.gzip.unwrap();
                }
                Some(Response::new(200, lines, body))
            }
            Decision::Object { object, headers } => {
                let parts = match object.kind {
                    ObjectKind::Segment => {
                        studio.outputs.iter().find_map(|output| match output {
                            Output::Segment {
                                object: found,
                                parts,
                            } if *found == object => Some(parts.clone()),
                            _ => None,
                        })?
                    }
                    _ => vec![object],
                };
                let bytes = parts.iter().map(|part| match studio.inits.get(part) {
                    Some(init) => Some(init.to_vec()),
                    None => Some(studio.parts.get(part)?.1.concat()),
                });
                let body = bytes.collect::<Option<Vec<_>>>()?.concat();
                Some(cut(body, request.range, lines(&headers)))
            }
        }
    }

    fn report(mut self) -> Report {
        self.pump();
        let report = self.linter.report();
        let broken: Vec<_> = report.broken().flat_map(|row| &row.findings).collect();
        assert!(broken.is_empty(), "{broken:#?}");
        report
    }
}

fn lines(headers: &Headers) -> Vec<(String, String)> {
    let age = format!("max-age={}", headers.cache_control.max_age_s);
    vec![
        ("Content-Type".into(), headers.content_type.into()),
        ("Cache-Control".into(), age),
        ("Access-Control-Allow-Origin".into(), "*".into()),
        ("Vary".into(), "Accept-Encoding".into()),
    ]
}

/// Ranges are the store's share.
fn cut(
    body: Vec<u8>,
    range: Option<(u64, Option<u64>)>,
    mut lines: Vec<(String, String)>,
) -> Response {
    let Some((from, to)) = range else {
        return Response::new(200, lines, body.into());
    };
    let (from, len) = (from as usize, body.len());
    if from >= len {
        return Response::new(416, lines, Bytes::new());
    }
    let to = to.map_or(len - 1, |to| to as usize).min(len - 1);
    lines.push(("Content-Range".into(), format!("bytes {from}-{to}/{len}")));
    Response::new(206, lines, body[from..=to].to_vec().into())
}

fn outcomes(report: &Report, wanted: Outcome) -> Vec<&'static str> {
    let rows = report.rows.iter().filter(|row| row.outcome == wanted);
    rows.map(|row| row.rule.id()).collect()
}

/// Plays a show to its end in front of the linter.
fn show(config: backline_hls::Config, length_ms: i64) -> Report {
    let script = Script {
        length_ms,
        ..Script::default()
    };
    let mut check = Check::new(Studio::started(config, Some(AAC_48)));
    for (dts_ms, kind, composition_ms, sync) in script.samples() {
        check.studio.at_ms(u64::try_from(dts_ms).unwrap());
        match kind {
            backline_hls::codec::TrackKind::Audio => check.studio.audio(dts_ms),
            _ => check.studio.video(dts_ms, composition_ms, sync),
        }
        check.pump();
    }
    check.studio.event(Event::End);
    check.report()
}

#[test]
fn new_2_our_own_presentation_is_right_by_every_rule_that_can_be_seen() {
    let report = show(separate(), 40_000);
    // No publisher came back, no date range was given, nothing promises independent segments.
    assert_eq!(
        outcomes(&report, Outcome::NotSeen),
        ["MUX-7", "MV-3", "PL-14"]
    );
    let report = show(muxed(), 40_000);
    let alone = ["MUX-7", "MV-2", "MV-3", "MV-4", "PL-9", "PL-14", "SEG-9"];
    assert_eq!(outcomes(&report, Outcome::NotSeen), alone);
}

/// The end of the show releases what is held, with the last playlist and its short lifetime: whatever is held at that
/// moment, that is no finding.
#[test]
fn new_2_a_show_may_end_at_any_moment() {
    for length_ms in (6_000..8_100).step_by(70) {
        for config in [separate(), muxed()] {
            let report = show(config, length_ms);
            assert!(!outcomes(&report, Outcome::NotSeen).contains(&"DEL-11"));
        }
    }
}

#[test]
fn new_2_what_is_no_stream_is_no_finding() {
    let now = Instant::now();
    let url = "http://stage/index.m3u8";
    let first = |response: Response| {
        let mut linter = Linter::new(url, Config::default(), now).unwrap();
        assert_eq!(linter.report().unusable, Some(Unusable::Silent));
        let request = linter.poll_request(now).unwrap();
        assert_eq!(
            (request.url.as_str(), linter.poll_request(now)),
            (url, None)
        );
        linter.handle_record(Record::new(request, response, now, now, now));
        assert!(linter.is_done(now) && linter.poll_request(now).is_none());
        linter.report().unusable
    };
    let html = vec![(
        "content-type".to_owned(),
        "Text/HTML; charset=utf-8".to_owned(),
    )];
    let page = Response::new(200, html, Bytes::from_static(b"<html>"));
    let content_type = "text/html".to_owned();
    assert_eq!(first(page), Some(Unusable::NotPlaylist { content_type }));
    let missing = Response::new(404, Vec::new(), Bytes::new());
    assert_eq!(first(missing), Some(Unusable::Status(404)));
    let torn = Response::new(
        200,
        Vec::new(),
        Bytes::from_static(b"#EXTM3U\n#EXTINF:x,\n"),
    );
    assert_eq!(first(torn), None, "a torn playlist is a finding");
    for url in ["", "index.m3u8", "ftp://stage/index.m3u8"] {
        let refused = Linter::new(url, Config::default(), now).map(|_| ());
        let (len, limit) = (url.len(), 2_048);
        assert_eq!(refused, Err(Error::Url { len, limit }));
    }
}

#[test]
fn new_2_rules_have_ids_and_say_what_is_expected() {
    for rule in Rule::all() {
        assert_eq!(Rule::from_id(rule.id()), Some(rule));
        assert!(
            rule.says().ends_with(')'),
            "{} names its section",
            rule.id()
        );
    }
    assert_eq!(Rule::from_id("pl-10"), Some(Rule::Pl10));
    assert_eq!(Rule::from_id("PL-99"), None);
}

/// No more requests are under way than allowed, and findings are counted beyond what is kept.
#[test]
fn new_2_requests_and_findings_are_bounded() {
    let now = Instant::now();
    let mut config = Config::default();
    config.requests = 3;
    config.findings = 2;
    let mut linter = Linter::new("http://stage/index.m3u8", config, now).unwrap();
    let request = linter.poll_request(now).unwrap();
    let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"i\"\n");
    for msn in 0..50 {
        text.push_str(&format!("#EXTINF:3,\ns{msn}\n"));
    }
    let response = Response::new(200, Vec::new(), text.into());
    linter.handle_record(Record::new(request, response, now, now, now));
    let asked: Vec<Request> = std::iter::from_fn(|| linter.poll_request(now)).collect();
    assert_eq!(asked.len(), 3);
    let report = linter.report();
    let row = report
        .rows
        .iter()
        .find(|row| row.rule == Rule::Seg1)
        .unwrap();
    assert_eq!((row.broken, row.findings.len()), (50, 2));
    linter.handle_failure(now, &asked[0]);
    assert!(
        linter.poll_request(now).is_some(),
        "its place is free again"
    );
    assert!(linter.poll_timeout().is_some() && linter.patience() > Duration::from_secs(3));
}

#[test]
fn new_2_gaps_and_date_ranges_are_clean() {
    let mut config = separate();
    config.absence = backline_hls::Absence::Gap;
    config.producer_reference_time = true;
    let mut check = Check::new(Studio::started(config, Some(AAC_48)));
    let play = |check: &mut Check, from_ms: u64, length_ms| {
        let script = Script {
            length_ms,
            ..Script::default()
        };
        for (dts_ms, kind, composition_ms, sync) in script.samples() {
            let ms = from_ms + u64::try_from(dts_ms).unwrap();
            check.studio.at_ms(ms);
            match kind {
                backline_hls::codec::TrackKind::Audio => check.studio.audio(dts_ms),
                _ => check.studio.video(dts_ms, composition_ms, sync),
            }
            if dts_ms == 4_000 && sync && kind == backline_hls::codec::TrackKind::Video {
                let start = backline_hls::UnixMillis(crate::studio::WALL.0 + ms);
                let mut range = backline_hls::DateRange::new(format!("range-{ms}"), start);
                range.end = Some(backline_hls::DateRangeEnd::After(Duration::from_secs(3)));
                check.studio.event(Event::DateRange(range));
                let message =
                    backline_hls::Emsg::new("urn:x", 4_000_000_000, Bytes::from_static(b"x"));
                check.studio.event(Event::Message(message));
            }
            check.pump();
        }
    };
    play(&mut check, 0, 12_000);
    for ms in (12_000..21_000).step_by(50) {
        check.studio.wait_until_ms(ms);
        check.pump();
    }
    check.studio.start(Some(AAC_48));
    play(&mut check, 21_000, 20_000);
    assert!(check.studio.texts[&crate::studio::V0].contains("#EXT-X-GAP\n"));
    check.pump();
    let report = check.linter.report();
    let broken: Vec<_> = report.broken().flat_map(|row| &row.findings).collect();
    // The silence itself is longer than a part: until the patience is over nothing is listed, which is a choice.
    let others = broken.iter().filter(|finding| finding.rule.id() != "SEG-6");
    assert_eq!(others.count(), 0, "{broken:#?}");
}
