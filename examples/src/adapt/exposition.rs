//! Writes metrics in Prometheus' text format, and in OpenMetrics for who asks for it.

use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderMap;
use http::header::ACCEPT;

/// Upper bounds of the buckets in seconds: from a wake-up on one box to a hold that times out.
const BOUNDS: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The dialect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Classic,
    /// OpenMetrics 1.0.
    Open,
}

impl Format {
    /// OpenMetrics when the `Accept` header names it.
    #[must_use]
    pub fn wanted(headers: &HeaderMap) -> Self {
        let named = headers.get_all(ACCEPT).iter().any(|value| {
            value
                .to_str()
                .is_ok_and(|value| value.contains("application/openmetrics-text"))
        });
        if named { Self::Open } else { Self::Classic }
    }

    /// Its `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
            Self::Open => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What a family of samples is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Durations in buckets.
    Histogram,
}

/// Label names and values.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// The text being written.
#[derive(Debug)]
pub struct Exposition {
    text: String,
    format: Format,
    /// The name that the samples of the current family have.
    sample: String,
}

impl Exposition {
    /// Begins an empty page.
    #[must_use]
    pub const fn new(format: Format) -> Self {
        Self {
            text: String::new(),
            format,
            sample: String::new(),
        }
    }

    /// Begins a family. A counter's name is given without `_total`.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let total = if kind == Kind::Counter { "_total" } else { "" };
        self.sample = format!("{name}{total}");
        // OpenMetrics names the family, the classic format names the samples.
        let named = if self.format == Format::Open {
            name
        } else {
            &self.sample
        };
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a string cannot fail.
        let _ = write!(self.text, "# HELP {named} {help}\n# TYPE {named} {kind}\n");
    }

    /// One sample of the current family.
    pub fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        self.line("", labels, None, value);
    }

    /// One histogram of the current family.
    pub fn histogram(&mut self, labels: Labels<'_>, histogram: &Histogram) {
        let mut sum = 0;
        for (bound, count) in BOUNDS.iter().zip(&histogram.counts) {
            sum += count.load(Ordering::Relaxed);
            self.line("_bucket", labels, Some(&format!("{bound:?}")), sum);
        }
        sum += histogram.beyond.load(Ordering::Relaxed);
        self.line("_bucket", labels, Some("+Inf"), sum);
        let nanos = Duration::from_nanos(histogram.sum_ns.load(Ordering::Relaxed));
        self.line("_sum", labels, None, nanos.as_secs_f64());
        self.line("_count", labels, None, sum);
    }

    /// Ends the page and returns its text.
    #[must_use]
    pub fn finish(mut self) -> String {
        if self.format == Format::Open {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<&str>, value: impl Display) {
        self.text.push_str(&self.sample);
        self.text.push_str(suffix);
        let mut separator = '{';
        for (name, value) in labels
            .iter()
            .copied()
            .chain(bound.map(|bound| ("le", bound)))
        {
            let escaped = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.text, "{separator}{name}=\"{escaped}\"");
            separator = ',';
        }
        if separator == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

/// A histogram of durations that any task may add to.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BOUNDS.len()],
    beyond: AtomicU64,
    sum_ns: AtomicU64,
}

impl Histogram {
    /// Adds one duration.
    pub fn add(&self, value: Duration) {
        let seconds = value.as_secs_f64();
        let bucket = BOUNDS
            .iter()
            .zip(&self.counts)
            .find(|(bound, _)| seconds <= **bound);
        bucket
            .map_or(&self.beyond, |(_, count)| count)
            .fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        self.sum_ns.fetch_add(nanos, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
