//! Findings and what becomes of them.

use core::time::Duration;
use std::collections::BTreeMap;

use super::rule::Rule;

/// A rule that was seen broken.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// Which rule. [`Rule::says`] is what was expected.
    pub rule: Rule,
    /// How long after the start it was seen.
    pub at: Duration,
    /// The playlist, object or request.
    pub place: String,
    /// What was seen there.
    pub seen: String,
}

/// What became of one rule.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// Which rule.
    pub rule: Rule,
    /// How.
    pub outcome: Outcome,
    /// How often it was looked at.
    pub checks: u64,
    /// How often it was broken.
    pub broken: u64,
    /// The first findings, each different.
    pub findings: Vec<Finding>,
}

/// Whether a rule is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It was broken at least once.
    Broken,
    /// It is one of low latency, and the stream has none.
    NotLowLatency,
    /// Nothing that it is about came by.
    NotSeen,
    /// It was looked at and kept.
    Kept,
}

/// Why nothing could be checked.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unusable {
    /// Something else than a playlist came.
    NotPlaylist {
        /// `Content-Type` of the response.
        content_type: String,
    },
    /// Another status than 200 came.
    Status(u16),
    /// Nothing has come.
    Silent,
}

/// The end of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Every rule, in order.
    pub rows: Vec<Row>,
    /// Why there is nothing to report.
    pub unusable: Option<Unusable>,
    /// Whether a playlist with parts came by.
    pub low_latency: bool,
    /// Playlists that were read.
    pub playlists: u64,
    /// Init segments, parts and segments that were read.
    pub objects: u64,
    /// Playlists and objects that were listed and not looked at: a URL is longer than
    /// [`Limits::url_bytes`](crate::Limits::url_bytes), or there are more than the check follows (32 renditions) or
    /// remembers ([`Limits::lint_objects`](crate::Limits::lint_objects)). Of each rendition the most that one playlist
    /// had.
    pub left_out: u64,
}

impl Report {
    /// Rules that were broken.
    pub fn broken(&self) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(|row| row.outcome == Outcome::Broken)
    }
}

/// Collects findings; of each rule only the first few different ones are kept.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    rows: BTreeMap<Rule, Seen>,
    /// Nanoseconds since the start, of what is looked at.
    pub(super) now_ns: u64,
    limit: usize,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    checks: u64,
    broken: u64,
    findings: Vec<Finding>,
}

impl Findings {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            rows: BTreeMap::new(),
            now_ns: 0,
            limit: limit.max(1),
        }
    }

    /// Counts a look at a rule; `seen` tells what is wrong where it does not hold.
    pub(super) fn need(
        &mut self,
        rule: Rule,
        place: &str,
        holds: bool,
        seen: impl FnOnce() -> String,
    ) {
        let row = self.rows.entry(rule).or_default();
        row.checks = row.checks.saturating_add(1);
        if holds {
            return;
        }
        row.broken = row.broken.saturating_add(1);
        if row.findings.len() < self.limit {
            let (place, seen) = (short(place), short(&seen()).to_owned());
            let known = |finding: &Finding| finding.place == place && finding.seen == seen;
            if !row.findings.iter().any(known) {
                row.findings.push(Finding {
                    rule,
                    at: Duration::from_nanos(self.now_ns),
                    place: place.to_owned(),
                    seen,
                });
            }
        }
    }

    /// Counts a broken rule.
    pub(super) fn fail(&mut self, rule: Rule, place: &str, seen: impl FnOnce() -> String) {
        self.need(rule, place, false, seen);
    }

    pub(super) fn rows(&self, low_latency: bool) -> Vec<Row> {
        let row = |rule: Rule| {
            let seen = self.rows.get(&rule);
            let checks = seen.map_or(0, |seen| seen.checks);
            let broken = seen.map_or(0, |seen| seen.broken);
            let outcome = match (broken, checks) {
                (1.., _) => Outcome::Broken,
                _ if rule.is_low_latency() && !low_latency => Outcome::NotLowLatency,
                (0, 0) => Outcome::NotSeen,
                _ => Outcome::Kept,
            };
            Row {
                rule,
                outcome,
                checks,
                broken,
                findings: seen.map_or_else(Vec::new, |seen| seen.findings.clone()),
            }
        };
        Rule::all().map(row).collect()
    }
}

fn short(text: &str) -> &str {
    let cut = text.char_indices().nth(SHOWN_CHARS);
    cut.and_then(|(cut, _)| text.get(..cut)).unwrap_or(text)
}

/// Characters of a place and of what was seen there; more is a whole playlist.
const SHOWN_CHARS: usize = 400;
