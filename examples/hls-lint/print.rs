//! The report for people and for programs, and how it goes meanwhile.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use backline_hls::lint::{Finding, Linter, Outcome, Report, Row};
use serde_json::{Value, json};

use crate::options::Options;

/// How often there is news.
pub(crate) const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// Findings of one rule that are shown; all that were kept are in the JSON.
const SHOWN: usize = 3;

/// A line on the terminal that says how far it is.
pub(crate) struct Progress {
    on_terminal: bool,
    begun: Instant,
    length: Duration,
    shown: Instant,
}

impl Progress {
    pub(crate) fn new(options: &Options) -> Self {
        let begun = Instant::now();
        Self {
            on_terminal: stderr().is_terminal(),
            begun,
            length: options.config.length,
            shown: begun,
        }
    }

    pub(crate) fn show(&mut self, linter: &Linter, now: Instant) {
        if !self.on_terminal || now.duration_since(self.shown) < PROGRESS_EVERY {
            return;
        }
        self.shown = now;
        let (seconds, all) = (
            now.duration_since(self.begun).as_secs(),
            self.length.as_secs(),
        );
        let tenths = usize::try_from(seconds * 20 / all.max(1))
            .unwrap_or(20)
            .min(20);
        let bar = format!("{:.<20}", "#".repeat(tenths));
        let (playlists, objects) = (linter.playlists(), linter.objects());
        eprint!("\r\x1b[K[{bar}] {seconds} of {all} s: {playlists} playlists, {objects} objects");
    }

    pub(crate) fn clear(&self) {
        if self.on_terminal {
            eprint!("\r\x1b[K");
        }
    }
}

/// Prints a report and says how the program ends.
pub(crate) fn report(report: &Report, options: &Options) -> ExitCode {
    let wanted = |row: &&Row| options.rules.is_empty() || options.rules.contains(&row.rule);
    let rows: Vec<&Row> = report.rows.iter().filter(wanted).collect();
    let text = if options.json {
        format!("{}\n", json(report, &rows, options))
    } else {
        text(report, &rows, stdout().is_terminal())
    };
    // A reader that has gone away wants no more.
    let _ = stdout().write_all(text.as_bytes());
    let broken = rows.iter().any(|row| row.outcome == Outcome::Broken);
    ExitCode::from(u8::from(broken))
}

fn text(report: &Report, rows: &[&Row], colours: bool) -> String {
    let mut out = String::new();
    for row in rows {
        out.push_str(&line(row, colours));
        out.push('\n');
        for finding in row.findings.iter().take(SHOWN).skip(1) {
            out.push_str(&format!("              {}\n", evidence(finding)));
        }
    }
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    let (broken, kept) = (count(Outcome::Broken), count(Outcome::Kept));
    let kind = match report.low_latency {
        true => "low-latency",
        false => "not low-latency",
    };
    let (playlists, objects) = (report.playlists, report.objects);
    out.push_str(&format!(
        "{kind}: {broken} rules broken, {kept} kept, {} not seen; {playlists} playlists, {objects} objects\n",
        rows.len() - broken - kept
    ));
    if report.left_out > 0 {
        let left_out = report.left_out;
        out.push_str(&format!(
            "{left_out} that are listed were not looked at: too many, or a URL of more than 2 KiB\n"
        ));
    }
    out
}

/// One line a rule.
fn line(row: &Row, colours: bool) -> String {
    let (word, colour) = match row.outcome {
        Outcome::Broken => ("FAIL", "31"),
        Outcome::Kept => ("pass", "32"),
        _ => ("-", "2"),
    };
    let word = match colours {
        true => format!("\x1b[{colour}m{word:<4}\x1b[0m"),
        false => format!("{word:<4}"),
    };
    let rest = match row.outcome {
        Outcome::Broken => {
            let first = row.findings.first().map(evidence).unwrap_or_default();
            let (broken, checks, says) = (row.broken, row.checks, row.rule.says());
            format!("{broken} of {checks}: {first}; expected: {says}")
        }
        Outcome::Kept => format!("seen {} times", row.checks),
        Outcome::NotLowLatency => "not a low-latency server".to_owned(),
        _ => "not seen".to_owned(),
    };
    format!("{word}  {:<7} {rest}", row.rule.id())
}

/// What was seen, where and when. A server's text stays on one line.
fn evidence(finding: &Finding) -> String {
    let (place, seen) = (finding.place.escape_debug(), finding.seen.escape_debug());
    let seen = seen.to_string().replace("\\\"", "\"");
    format!("{place} at {:.1} s: {seen}", finding.at.as_secs_f64())
}

fn json(report: &Report, rows: &[&Row], options: &Options) -> Value {
    let rules: Vec<Value> = rows
        .iter()
        .map(|row| {
            let findings: Vec<Value> = row
                .findings
                .iter()
                .map(|one| json!({ "at_s": one.at.as_secs_f64(), "place": one.place, "seen": one.seen }))
                .collect();
            let outcome = match row.outcome {
                Outcome::Broken => "fail",
                Outcome::Kept => "pass",
                Outcome::NotLowLatency => "not low-latency",
                _ => "not seen",
            };
            json!({
                "id": row.rule.id(), "outcome": outcome, "expected": row.rule.says(),
                "checks": row.checks, "broken": row.broken, "findings": findings,
            })
        })
        .collect();
    json!({
        "url": options.url, "low_latency": report.low_latency,
        "playlists": report.playlists, "objects": report.objects, "left_out": report.left_out,
        "rules": rules,
    })
}
