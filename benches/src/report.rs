//! Rows, how they are judged and how they are printed.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// One metric.
#[derive(Clone, Debug)]
pub struct Row {
    /// What is measured.
    pub what: String,
    /// Our figure, in `unit`.
    pub ours: f64,
    /// The unit of `ours` and of every peer.
    pub unit: &'static str,
    /// The peers' figures from the same run, the best one first.
    pub peers: Vec<Figure>,
    /// What has to be reached, if anything.
    pub target: Option<Target>,
    /// Whether a larger figure is the better one.
    pub larger_is_better: bool,
}

/// The figure of a peer.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Name and version.
    pub who: &'static str,
    /// In the unit of the row.
    pub value: f64,
}

/// What a row has to reach.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "every kind has its own comparison in `Row::is_met`"
)]
pub enum Target {
    /// Our figure may not be smaller.
    AtLeast(f64),
    /// Our figure may not be larger.
    AtMost(f64),
    /// So many times as good as the best peer.
    Times(f64),
}

impl Row {
    /// A row where more is better, such as a rate.
    #[must_use]
    pub fn rate(what: impl Into<String>, ours: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            ours,
            unit,
            peers: Vec::new(),
            target: None,
            larger_is_better: true,
        }
    }

    /// A row where less is better, such as a duration or a count.
    #[must_use]
    pub fn cost(what: impl Into<String>, ours: f64, unit: &'static str) -> Self {
        Self {
            larger_is_better: false,
            ..Self::rate(what, ours, unit)
        }
    }

    /// Adds what the peers reached in the same run.
    #[must_use]
    pub fn against(mut self, peers: impl IntoIterator<Item = Figure>) -> Self {
        self.peers.extend(peers);
        let up = self.larger_is_better;
        self.peers.sort_by(|a, b| {
            let order = a.value.total_cmp(&b.value);
            if up { order.reverse() } else { order }
        });
        self
    }

    /// Sets what has to be reached.
    #[must_use]
    pub const fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// How many times as good as the best peer: above one is better, whichever way the figure runs.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let best = self.peers.first()?.value;
        Some(if self.larger_is_better {
            self.ours / best
        } else {
            best / self.ours
        })
    }

    /// Whether the target is met; a row without one has nothing to miss.
    #[must_use]
    pub fn is_met(&self) -> bool {
        match self.target {
            None => true,
            Some(Target::AtLeast(least)) => self.ours >= least,
            Some(Target::AtMost(most)) => self.ours <= most,
            Some(Target::Times(times)) => self.ratio().is_some_and(|ratio| ratio >= times),
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.target, self.is_met()) {
            (None, _) => "",
            (_, true) => "ok",
            (_, false) => "short",
        }
    }

    fn target_text(&self) -> String {
        match self.target {
            None => String::new(),
            Some(Target::AtLeast(least)) => format!(">= {} {}", figure(least), self.unit),
            Some(Target::AtMost(most)) => format!("<= {} {}", figure(most), self.unit),
            Some(Target::Times(times)) => format!(">= {times} x"),
        }
    }
}

/// All rows of a run, with what has to be known to read them.
#[derive(Debug, Default)]
pub struct Report {
    /// Sentences about the machine, the data and what was not compared.
    pub notes: Vec<String>,
    /// In the order in which they are printed.
    pub rows: Vec<Row>,
}

impl Report {
    /// Whether no row misses its target.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.rows.iter().all(Row::is_met)
    }

    /// The table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        let head = ["what", "ours", "best peer", "ratio", "target", ""].map(str::to_owned);
        let mut lines = vec![head];
        for row in &self.rows {
            let peer = row.peers.first();
            lines.push([
                row.what.clone(),
                format!("{} {}", figure(row.ours), row.unit),
                peer.map_or_else(String::new, |p| {
                    format!("{} {}  {}", figure(p.value), row.unit, p.who)
                }),
                row.ratio()
                    .map_or_else(String::new, |ratio| format!("{ratio:.2} x")),
                row.target_text(),
                row.verdict().to_owned(),
            ]);
        }
        let widths: Vec<usize> = (0..6)
            .map(|at| {
                lines
                    .iter()
                    .map(|line| line[at].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for (index, line) in lines.iter().enumerate() {
            let cells: Vec<String> = line
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            text += cells.join("  ").trim_end();
            text.push('\n');
            // The peers behind the best one are worth a look too, but not a column each.
            let others: Vec<String> = index
                .checked_sub(1)
                .and_then(|at| self.rows.get(at))
                .into_iter()
                .flat_map(|row| {
                    row.peers
                        .iter()
                        .skip(1)
                        .map(|p| format!("{} {}", p.who, figure(p.value)))
                })
                .collect();
            if !others.is_empty() {
                text += &format!("    also {}\n", others.join(", "));
            }
        }
        for note in &self.notes {
            text += &format!("note: {note}\n");
        }
        text
    }

    /// The same as one JSON object, for scripts.
    #[must_use]
    pub fn json(&self) -> String {
        let rows: Vec<String> = self.rows.iter().map(json_row).collect();
        let notes: Vec<String> = self.notes.iter().map(|note| quoted(note)).collect();
        format!(
            "{{\"met\":{},\"notes\":[{}],\"rows\":[{}]}}",
            self.is_met(),
            notes.join(","),
            rows.join(",")
        )
    }
}

fn json_row(row: &Row) -> String {
    let peers: Vec<String> = row
        .peers
        .iter()
        .map(|peer| {
            format!(
                "{{\"who\":{},\"value\":{}}}",
                quoted(peer.who),
                number(peer.value)
            )
        })
        .collect();
    format!(
        "{{\"what\":{},\"ours\":{},\"unit\":{},\"peers\":[{}],\"ratio\":{},\"target\":{},\"verdict\":{}}}",
        quoted(&row.what),
        number(row.ours),
        quoted(row.unit),
        peers.join(","),
        row.ratio().map_or_else(|| "null".to_owned(), number),
        quoted(&row.target_text()),
        quoted(row.verdict()),
    )
}

/// JSON has no way to say that something was not measured but this.
fn number(value: f64) -> String {
    if value.is_finite() {
        value.to_string()
    } else {
        "null".to_owned()
    }
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

/// Three significant digits are what these measurements are good for.
fn figure(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Says on the terminal how far a run is, once it has taken more than two seconds.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    shown: bool,
}

impl Progress {
    /// Begins to count.
    #[must_use]
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            shown: false,
        }
    }

    /// Shows what is being measured; nothing when standard error is not a terminal.
    pub fn show(&mut self, what: &str) {
        if self.began.elapsed() < Duration::from_secs(2) || !std::io::stderr().is_terminal() {
            return;
        }
        self.shown = true;
        eprint!("\r\x1b[K{:>4} s  {what}", self.began.elapsed().as_secs());
        std::io::stderr().flush().ok();
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests;
