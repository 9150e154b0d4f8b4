//! `hls_lint` and the machine under it must be able to fail: an origin that is right by the rules, and one fault
//! a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

use backline_hls::lint::{Config, Linter, Outcome, Record, Report, Request, Response, Rule};

use crate::harness::node::example;
use crate::harness::origin::{Origin, serve};
use crate::harness::process::Process;

/// Each fault of the origin and the one rule that it breaks.
const FAULTS: [(&str, Rule); 47] = [
    ("DEL-1", Rule::Del1),
    ("DEL-2", Rule::Del2),
    ("DEL-3", Rule::Del3),
    ("DEL-4", Rule::Del4),
    ("DEL-5", Rule::Del5),
    ("DEL-6", Rule::Del6),
    ("DEL-7", Rule::Del7),
    ("DEL-8", Rule::Del8),
    ("DEL-9", Rule::Del9),
    ("DEL-10", Rule::Del10),
    ("DEL-11", Rule::Del11),
    ("DEL-12", Rule::Del12),
    ("MUX-1", Rule::Mux1),
    ("MUX-2", Rule::Mux2),
    ("MUX-3", Rule::Mux3),
    ("MUX-5", Rule::Mux5),
    ("MUX-6", Rule::Mux6),
    ("MUX-7", Rule::Mux7),
    ("MV-1", Rule::Mv1),
    ("MV-2", Rule::Mv2),
    ("MV-3", Rule::Mv3),
    ("MV-4", Rule::Mv4),
    ("PL-1", Rule::Pl1),
    ("PL-2", Rule::Pl2),
    ("PL-3", Rule::Pl3),
    ("PL-4", Rule::Pl4),
    ("PL-5", Rule::Pl5),
    ("PL-6", Rule::Pl6),
    ("PL-7", Rule::Pl7),
    ("PL-8", Rule::Pl8),
    ("PL-9", Rule::Pl9),
    ("PL-10", Rule::Pl10),
    ("PL-11", Rule::Pl11),
    ("PL-12", Rule::Pl12),
    ("PL-13", Rule::Pl13),
    ("PL-14", Rule::Pl14),
    ("SEG-1", Rule::Seg1),
    ("SEG-2", Rule::Seg2),
    ("SEG-3", Rule::Seg3),
    ("SEG-4", Rule::Seg4),
    ("SEG-5", Rule::Seg5),
    ("SEG-6 part", Rule::Seg6),
    ("SEG-8", Rule::Seg8),
    ("SEG-8 drift", Rule::Seg8),
    ("SEG-9", Rule::Seg9),
    ("SEG-10", Rule::Seg10),
    ("SEG-11", Rule::Seg11),
];

/// Checks an origin in virtual time, where an hour takes as long as its requests.
fn check(origin: Origin) -> Report {
    let start = Instant::now();
    let at = |ms: u64| start + Duration::from_millis(ms);
    let mut linter =
        Linter::new("http://origin/index.m3u8", Config::default(), start).expect("it is a URL");
    let mut under_way: BTreeMap<(u64, u64), Record> = BTreeMap::new();
    let (mut now_ms, mut count) = (0, 0);
    loop {
        while let Some(request) = linter.poll_request(at(now_ms)) {
            let answer = ask(origin, now_ms, &request);
            let response = Response::new(answer.status, answer.headers, answer.body.into());
            let (began, done) = (at(answer.began_ms), at(answer.done_ms));
            count += 1;
            let record = Record::new(request, response, at(now_ms), began, done);
            under_way.insert((answer.done_ms, count), record);
        }
        if linter.is_done(at(now_ms)) {
            return linter.report();
        }
        let timeout = linter.poll_timeout().expect("it waits for something") - start;
        let timeout_ms = u64::try_from(timeout.as_millis()).expect("it is short") + 1;
        match under_way.first_key_value().map(|(key, _)| key.0) {
            Some(first) if first <= timeout_ms.max(now_ms) || timeout_ms <= now_ms => {
                let (_, record) = under_way.pop_first().expect("it is there");
                now_ms = now_ms.max(first);
                linter.handle_record(record);
            }
            _ => now_ms = timeout_ms.max(now_ms + 1),
        }
    }
}

fn ask(origin: Origin, now_ms: u64, request: &Request) -> crate::harness::origin::Answer {
    let target = request
        .url
        .strip_prefix("http://origin")
        .expect("it asks the origin");
    origin.answer(now_ms, target, request.range, request.gzip)
}

fn broken(report: &Report) -> BTreeSet<Rule> {
    report.broken().map(|row| row.rule).collect()
}

/// What was found, for a test that fails.
fn told(report: &Report) -> String {
    let findings = report.broken().flat_map(|row| &row.findings);
    findings
        .map(|found| {
            format!(
                "{} {:?} {}: {}\n",
                found.rule.id(),
                found.at,
                found.place,
                found.seen
            )
        })
        .collect()
}

fn with_fault(fault: &'static str) -> Origin {
    let mut origin = Origin::faulty(fault);
    if matches!(fault, "DEL-1" | "SEG-11") {
        origin.ends_ms = Some(8_000);
    }
    origin
}

#[test]
fn new_2_nothing_is_found_where_nothing_is_wrong() {
    let mut kept = BTreeSet::new();
    for ends_ms in [None, Some(8_000)] {
        let origin = Origin {
            ends_ms,
            ..Origin::default()
        };
        let report = check(origin);
        assert!(broken(&report).is_empty(), "{}", told(&report));
        assert!(report.low_latency && report.unusable.is_none());
        let rows = report
            .rows
            .iter()
            .filter(|row| row.outcome == Outcome::Kept);
        kept.extend(rows.map(|row| row.rule));
    }
    let unseen: Vec<&str> = Rule::all()
        .filter(|rule| !kept.contains(rule))
        .map(Rule::id)
        .collect();
    // Only a stream that says so promises independent segments.
    assert_eq!(unseen, ["MV-3"]);
}

#[test]
fn new_2_each_fault_breaks_its_rule_and_no_other() {
    let mut wrong = Vec::new();
    for (fault, rule) in FAULTS {
        let report = check(with_fault(fault));
        if broken(&report) != BTreeSet::from([rule]) {
            wrong.push(format!("{fault}:\n{}", told(&report)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let proven: BTreeSet<Rule> = FAULTS.iter().map(|(_, rule)| *rule).collect();
    assert!(
        Rule::all().all(|rule| proven.contains(&rule)),
        "each rule has a fault"
    );
}

/// Without parts there is no low latency to check; the other rules hold.
#[test]
fn new_2_plain_hls_is_not_called_broken_low_latency() {
    let report = check(Origin {
        plain: true,
        ..Origin::default()
    });
    assert!(
        broken(&report).is_empty() && !report.low_latency,
        "{}",
        told(&report)
    );
    for row in &report.rows {
        let expected = row.rule.is_low_latency();
        assert_eq!(row.outcome == Outcome::NotLowLatency, expected, "{row:?}");
    }
}

/// Runs the program to its end: exit code, what it printed, and what it said on standard error.
fn hls_lint(url: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(example("hls-lint"));
    let mut process = Process::spawn(command.arg(url).args(arguments));
    let status = process.wait(Duration::from_secs(40));
    (status.code(), process.stdout(), process.stderr())
}

#[test]
fn the_program_tells_right_from_wrong_by_its_exit_code() {
    let right = serve(Origin::default());
    let url = format!("http://{right}/index.m3u8");
    let (code, printed, told) = hls_lint(&url, &["--seconds", "4", "--slack-ms", "3000"]);
    assert_eq!(code, Some(0), "{printed}{told}");
    assert!(
        printed.contains("pass  PL-9") && printed.contains("-     DEL-1   not seen"),
        "{printed}"
    );
    assert_eq!(
        printed.lines().count(),
        Rule::all().count() + 1,
        "one line a rule, and one for all"
    );

    let wrong = serve(Origin::faulty("PL-2"));
    let url = format!("http://{wrong}/index.m3u8");
    let (code, printed, told) = hls_lint(&url, &["--seconds", "2", "--rule", "PL-2"]);
    assert_eq!(code, Some(1), "{printed}{told}");
    assert!(
        printed.contains("FAIL  PL-2") && printed.contains("PART-HOLD-BACK=1.2"),
        "{printed}"
    );
    let (code, ..) = hls_lint(&url, &["--seconds", "2", "--rule", "PL-9"]);
    assert_eq!(code, Some(0), "another rule is not broken");
    let (code, printed, _) = hls_lint(&url, &["--seconds", "2", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&printed).expect("it is JSON");
    let rules = report["rules"].as_array().expect("there are rules");
    let broken = rules
        .iter()
        .find(|rule| rule["outcome"] == "fail")
        .expect("one is broken");
    assert_eq!((code, &broken["id"]), (Some(1), &serde_json::json!("PL-2")));
    assert!(
        broken["findings"][0]["seen"]
            .as_str()
            .is_some_and(|seen| seen.contains("PART-HOLD-BACK"))
    );
}

#[test]
fn the_program_says_what_to_do_where_nothing_can_be_checked() {
    let origin = serve(Origin::default());
    for (url, expected) in [
        (
            "http://127.0.0.1:9/index.m3u8".to_owned(),
            "nothing listens",
        ),
        (format!("http://{origin}/none.m3u8"), "status 404"),
        (format!("http://{origin}/v/s19.m4s"), "is no playlist"),
        (
            "http://no-such-host/a.m3u8".to_owned(),
            "cannot find no-such-host",
        ),
        ("ftp://127.0.0.1/a.m3u8".to_owned(), "write http://host"),
    ] {
        let (code, printed, told) = hls_lint(&url, &["--seconds", "3"]);
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{url}: {told}");
        assert!(
            told.contains(expected) && told.starts_with("hls-lint: "),
            "{told}"
        );
    }
}
