//! What the cache holds and why, as a page and as metrics.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use backline_cache::pull::{ClassStats, PullStats};
use backline_cache::{Name, pull::PullState};
use backline_examples::adapt::exposition::{Exposition, Format, Kind};

use super::proxy::Site;

/// Objects that the page shows: the largest.
const ROWS_MAX: usize = 500;

/// One line of the page.
struct Row {
    name: Name,
    bytes: u64,
    hits: u64,
    age_s: Option<u64>,
    ttl_s: u64,
    state: PullState,
    status: Option<u16>,
    pinned: bool,
}

/// The page.
pub(crate) fn html(site: &Site) -> String {
    let (stats, mut rows) = site.desk.with(|pulled, _| {
        let rows: Vec<Row> = pulled
            .pull()
            .contents()
            .map(|kept| Row {
                name: kept.name.clone(),
                bytes: kept.bytes,
                hits: kept.hits,
                age_s: kept.age.map(|age| age.as_secs()),
                ttl_s: kept.ttl_left.as_secs(),
                state: kept.state,
                status: kept.status,
                pinned: kept.pinned,
            })
            .collect();
        (pulled.pull().stats(), rows)
    });
    rows.sort_by(|one, other| {
        let size = other.bytes.cmp(&one.bytes);
        size.then_with(|| one.name.cmp(&other.name))
    });
    let mut page = String::from(HEAD);
    let origin = escaped(&site.origin.to_string());
    let state = if site.reachable.load(Ordering::Relaxed) {
        "answers"
    } else {
        "cannot be reached"
    };
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<p>The origin {origin} {state}. {} viewers' connections, {} objects in {} KiB, {} on their way, {} requests wait.</p>\
         <table><thead><tr><th>object<th>state<th>bytes<th>hits<th>age s<th>fresh for s<th>why</thead><tbody>",
        site.viewers.count(),
        stats.entries,
        stats.bytes_held >> 10,
        stats.fills,
        stats.waiters,
    );
    let left_out = rows.len().saturating_sub(ROWS_MAX);
    for row in rows.iter().take(ROWS_MAX) {
        let pinned = if row.pinned { ", pinned" } else { "" };
        let status = row.status.map(|status| format!(" {status}"));
        let age = row.age_s.map(|age| age.to_string());
        let _ = write!(
            page,
            "<tr><td>{}<td>{:?}{}{pinned}<td>{}<td>{}<td>{}<td>{}<td>{}",
            escaped(row.name.as_str()),
            row.state,
            status.unwrap_or_default(),
            row.bytes,
            row.hits,
            age.unwrap_or_default(),
            row.ttl_s,
            escaped(&site.why(&row.name, row.status)),
        );
    }
    let _ = write!(page, "</tbody></table>");
    if left_out > 0 {
        let _ = write!(page, "<p>And {left_out} smaller ones.</p>");
    }
    page
}

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width\"><title>edge-cache</title>\
    <style>body{font:14px system-ui;margin:1em}table{border-collapse:collapse}td,th{padding:.2em .6em;text-align:left;\
    border-bottom:1px solid #ccc}td:first-child{word-break:break-all}</style><h1>What this cache holds, and why</h1>";

/// Names come from whoever asks.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A counter of a class: its name and where it stands.
type Counter = (&'static str, fn(&ClassStats) -> u64);

const OUTCOMES: [Counter; 8] = [
    ("expired", |class| class.expired),
    ("held", |class| class.held),
    ("hit", |class| class.hits),
    ("joined", |class| class.joined),
    ("negative", |class| class.negative),
    ("passed", |class| class.passed),
    ("refused", |class| class.refused),
    ("stale", |class| class.stale),
];
const FETCHES: [Counter; 4] = [
    ("abandoned", |class| class.abandoned),
    ("begun", |class| class.fetched),
    ("failed", |class| class.failed),
    ("revalidated", |class| class.revalidated),
];

/// The counters in one of Prometheus' formats.
pub(crate) fn metrics(site: &Site, format: Format) -> String {
    let stats = site.desk.with(|pulled, _| pulled.pull().stats());
    let mut out = Exposition::new(format);
    by_class(
        &mut out,
        &stats,
        "backline_cache_requests",
        "Requests by class and by how they were answered.",
        &OUTCOMES,
    );
    by_class(
        &mut out,
        &stats,
        "backline_cache_fetches",
        "Requests to the origin by class and outcome.",
        &FETCHES,
    );
    let more: [(&str, Counter); 2] = [
        (
            "Objects evicted.",
            ("backline_cache_evicted", |class| class.evicted),
        ),
        (
            "Bytes from the origin.",
            ("backline_cache_fetched_bytes", |class| class.fetched_bytes),
        ),
    ];
    for (help, (name, value)) in more {
        out.family(name, Kind::Counter, help);
        for (class, counters) in stats.classes() {
            out.sample(&[("class", class.name())], value(counters));
        }
    }
    let gauges = [
        ("backline_cache_bytes", "Bytes held.", stats.bytes_held),
        ("backline_cache_entries", "Objects known.", stats.entries),
        ("backline_cache_fills", "Fetches under way.", stats.fills),
        (
            "backline_cache_pinned_bytes",
            "Bytes pinned.",
            stats.pinned_bytes,
        ),
        (
            "backline_cache_waiters",
            "Requests that wait.",
            stats.waiters,
        ),
        (
            "backline_cache_origin_up",
            "Whether the origin answers.",
            site.reachable.load(Ordering::Relaxed).into(),
        ),
        (
            "backline_http_connections",
            "Open connections of viewers.",
            site.viewers.count() as u64,
        ),
    ];
    for (name, help, value) in gauges {
        out.family(name, Kind::Gauge, help);
        out.sample(&[], value);
    }
    out.finish()
}

fn by_class(out: &mut Exposition, stats: &PullStats, name: &str, help: &str, counters: &[Counter]) {
    out.family(name, Kind::Counter, help);
    for (class, values) in stats.classes() {
        for (outcome, value) in counters {
            out.sample(
                &[("class", class.name()), ("outcome", outcome)],
                value(values),
            );
        }
    }
}
