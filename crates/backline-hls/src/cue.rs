//! Cues of captions: what the caller gives, and what makes it fit into a WebVTT file.

mod grammar;

use core::time::Duration;

use crate::error::CueProblem;
use crate::limits::Limits;

/// A cue of captions, with the text in the form in which it goes into the file.
///
/// Players tell cues that stand in several segments from others by `id`, or by times and text where there is none: two
/// cues must not have the same.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build it from what their captioner says"
)]
pub struct Cue {
    /// When it appears, on the publisher's clock in nanoseconds, as the presentation time of a sample is.
    pub start_ns: i64,
    /// When it goes.
    pub end_ns: i64,
    /// Its name in the file; may be empty.
    pub id: String,
    /// Cue settings of WebVTT, such as `line:0 align:start`; may be empty.
    pub settings: String,
    /// Cue text of WebVTT: `&` and `<` begin character references and tags. [`escape`](Self::escape) makes it of plain
    /// text.
    pub text: String,
}

impl Cue {
    /// Makes a cue of plain text.
    #[must_use]
    pub fn plain(start_ns: i64, end_ns: i64, text: &str) -> Self {
        Self {
            start_ns,
            end_ns,
            id: String::new(),
            settings: String::new(),
            text: Self::escape(text),
        }
    }

    /// Turns plain text into cue text: what WebVTT reads as markup is escaped, every kind of line break becomes a line
    /// feed, empty lines and other control characters are left out.
    #[must_use]
    pub fn escape(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for line in text.split(['\n', '\r']) {
            let line_at = out.len();
            if line_at > 0 {
                out.push('\n');
            }
            let text_at = out.len();
            for character in line.chars() {
                match character {
                    '&' => out.push_str("&amp;"),
                    '<' => out.push_str("&lt;"),
                    '>' => out.push_str("&gt;"),
                    '\t' => out.push(' '),
                    other if other.is_control() => {}
                    other => out.push(other),
                }
            }
            if out.len() == text_at {
                out.truncate(line_at);
            }
        }
        out
    }

    /// Checks what would break the file or could not be placed.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), CueProblem> {
        let Self {
            start_ns, end_ns, ..
        } = *self;
        let size = [&self.id, &self.settings, &self.text]
            .iter()
            .fold(0usize, |size, field| size.saturating_add(field.len()));
        let limit = limits.cue_bytes;
        if size > limit {
            return Err(CueProblem::TooLarge { size, limit });
        }
        for ns in [start_ns, end_ns] {
            if ns.unsigned_abs() > MAX_TIME_NS {
                return Err(CueProblem::Time { ns });
            }
        }
        if start_ns >= end_ns {
            return Err(CueProblem::Order { start_ns, end_ns });
        }
        let length = Duration::from_nanos(end_ns.abs_diff(start_ns));
        if length > limits.cue_span {
            let (length_ms, limit_ms) = (milliseconds(length), milliseconds(limits.cue_span));
            return Err(CueProblem::TooLong {
                length_ms,
                limit_ms,
            });
        }
        grammar::check(&self.id, &self.settings, &self.text)
    }
}

/// Whole milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// As of samples.
const MAX_TIME_NS: u64 = 1 << 62;

#[cfg(test)]
mod tests;
