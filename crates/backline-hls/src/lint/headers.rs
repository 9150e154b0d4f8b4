//! What responses say about themselves (DEL-11).

use super::boxes;
use super::record::{Record, Response};
use super::report::Findings;
use super::rule::Rule;

/// Looks at the response to a request for a playlist. `directed` is whether the request had delivery directives.
pub(super) fn playlist(
    findings: &mut Findings,
    place: &str,
    record: &Record,
    low_latency: Option<LowLatency>,
    directed: bool,
) {
    let response = &record.response;
    let kind = content_type(response);
    let known = ["application/vnd.apple.mpegurl", "audio/mpegurl"];
    let holds = response.status != 200 || known.contains(&kind.as_str());
    findings.need(Rule::Del11, place, holds, || {
        format!("a playlist with Content-Type: {kind}")
    });
    let Some(LowLatency { target_s }) = low_latency else {
        return;
    };
    common(findings, place, response);
    let age = max_age(response);
    // Directives are ignored once a playlist has ended, and it changes no more.
    let mut lines = response.body.split(|byte| *byte == b'\n');
    let ended = lines.any(|line| line.starts_with(b"#EXT-X-ENDLIST"));
    let shortest = if directed && !ended { target_s } else { 0 };
    let longest = if directed || ended {
        u64::MAX
    } else {
        target_s.max(1)
    };
    let holds =
        response.status != 200 || age.is_some_and(|age| (shortest..=longest).contains(&age));
    findings.need(Rule::Del11, place, holds, || {
        let written = response.header("cache-control").unwrap_or("none");
        if directed {
            format!("Cache-Control: {written}, expected max-age of 6 x target duration with directives")
        } else {
            format!("Cache-Control: {written}, expected max-age of half a target duration without directives")
        }
    });
    if record.request.gzip && response.status == 200 {
        let coded = response.header("content-encoding");
        let varies = response
            .header("vary")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let begins = response.body.starts_with(&[0x1F, 0x8B]);
        let holds = coded == Some("gzip") && begins && varies.contains("accept-encoding");
        findings.need(Rule::Del11, place, holds, || {
            let coded = coded.unwrap_or("none");
            format!("asked for gzip: Content-Encoding: {coded}, Vary: {varies}")
        });
    }
    priority(findings, place, response, 1);
}

/// What is known of a low-latency stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct LowLatency {
    pub(super) target_s: u64,
}

/// Looks at the response to a request for an init segment, a part or a segment.
pub(super) fn object(
    findings: &mut Findings,
    place: &str,
    response: &Response,
    low_latency: Option<LowLatency>,
) {
    let kind = content_type(response);
    let body = &response.body;
    let expected: &[&str] = if boxes::is_boxes(body) {
        &[
            "video/mp4",
            "audio/mp4",
            "application/mp4",
            "video/iso.segment",
            "audio/iso.segment",
        ]
    } else if body.first() == Some(&0x47) {
        &["video/mp2t"]
    } else if body.starts_with(b"WEBVTT") {
        &["text/vtt"]
    } else {
        &[]
    };
    let holds = expected.is_empty() || expected.contains(&kind.as_str());
    findings.need(Rule::Del11, place, holds, || {
        let expected = expected.first().copied().unwrap_or_default();
        format!("Content-Type: {kind}, expected {expected}")
    });
    let Some(LowLatency { target_s }) = low_latency else {
        return;
    };
    common(findings, place, response);
    let holds = max_age(response).is_some_and(|age| age >= target_s);
    findings.need(Rule::Del11, place, holds, || {
        let written = response.header("cache-control").unwrap_or("none");
        format!("Cache-Control: {written}, expected max-age of 6 x target duration")
    });
    priority(findings, place, response, 7);
}

fn common(findings: &mut Findings, place: &str, response: &Response) {
    let open = response.header("access-control-allow-origin").is_some();
    findings.need(Rule::Del11, place, open, || {
        "no Access-Control-Allow-Origin".to_owned()
    });
}

/// Urgency matters where requests share a connection (RFC 9218).
fn priority(findings: &mut Findings, place: &str, response: &Response, last: u8) {
    if !response.multiplexed {
        return;
    }
    let written = response.header("priority");
    let items = written.unwrap_or_default().split(',').map(str::trim);
    let urgency = items.filter_map(|item| item.strip_prefix("u=")).next();
    let urgency = urgency.and_then(|digit| digit.parse::<u8>().ok());
    let holds = urgency.is_some_and(|urgency| urgency <= last);
    findings.need(Rule::Del11, place, holds, || {
        let written = written.unwrap_or("none");
        format!("Priority: {written}, expected an urgency of {last} at most")
    });
}

/// Lower case, without parameters.
pub(super) fn content_type(response: &Response) -> String {
    let value = response.header("content-type").unwrap_or("none");
    let kind = value.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

fn max_age(response: &Response) -> Option<u64> {
    let header = response.header("cache-control")?;
    let mut items = header.split(',').map(str::trim);
    items.find_map(|item| item.strip_prefix("max-age=")?.parse().ok())
}
