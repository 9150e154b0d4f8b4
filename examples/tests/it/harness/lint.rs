//! The rules of the draft over what a viewer was given: `backline_hls::lint` over the records of a recording.

use std::time::{Duration, Instant};

use backline_hls::lint::{Config, Linter, Record, Request, Response};

use super::collect::{self, Recording};
use super::http;

/// A viewer in a busy test takes his time between two reloads.
const SLACK: Duration = Duration::from_secs(4);

/// What every rule finds in a recording.
pub(crate) fn findings(recording: &Recording) -> Vec<String> {
    let mut answers: Vec<(String, &http::Response)> =
        vec![("/live/index.m3u8".to_owned(), &recording.answer)];
    for rendition in &recording.renditions {
        let objects = rendition
            .answers
            .iter()
            .map(|(path, answer)| (path.clone(), answer));
        answers.extend(objects);
        answers.extend(rendition.playlists.iter().map(|fetched| {
            let path = collect::path(&rendition.uri, fetched.asked);
            (path, &fetched.response)
        }));
    }
    answers.sort_by_key(|(_, answer)| answer.last_byte);
    let start = answers
        .iter()
        .map(|(_, answer)| answer.asked)
        .min()
        .unwrap_or_else(Instant::now);
    let mut config = Config::default();
    config.slack = SLACK;
    let mut linter =
        Linter::new("http://node/live/index.m3u8", config, start).expect("it is a URL");
    for (path, answer) in answers {
        let request = Request::get(&format!("http://node{path}"));
        let response = Response::new(
            answer.status,
            answer.headers.clone(),
            answer.body.clone().into(),
        );
        let (asked, first, last) = (answer.asked, answer.first_byte, answer.last_byte);
        linter.handle_record(Record::new(request, response, asked, first, last));
    }
    let report = linter.report();
    assert!(
        report.unusable.is_none() && report.playlists > 0,
        "{report:?}"
    );
    let findings = report.broken().flat_map(|row| &row.findings);
    findings
        .map(|found| {
            format!(
                "{} {}: {}; expected: {}",
                found.rule.id(),
                found.place,
                found.seen,
                found.rule.says()
            )
        })
        .collect()
}
