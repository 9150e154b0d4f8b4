//! A text as lines with their places, within the caps.

use crate::error::PlaylistProblem;
use crate::{Error, Limits};

/// One line without its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    /// From 1.
    pub(super) number: usize,
    /// Byte of the text where it begins.
    pub(super) at: usize,
}

/// The lines of a playlist; all of them keep to the caps.
#[derive(Clone, Debug)]
pub(super) struct Lines<'a> {
    whole: &'a str,
    at: usize,
    number: usize,
}

impl<'a> Lines<'a> {
    /// Checks what holds for any playlist: sizes, UTF-8 and the first line (section 4.1 and 4.4.1.1).
    pub(super) fn new(text: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let whole_fault = |line, at, problem| Error::Playlist { line, at, problem };
        if text.len() > limits.playlist_bytes {
            let problem = PlaylistProblem::TooLarge {
                size: text.len(),
                limit: limits.playlist_bytes,
            };
            return Err(whole_fault(1, limits.playlist_bytes, problem));
        }
        let whole = core::str::from_utf8(text).map_err(|error| {
            let at = error.valid_up_to();
            let before = text.get(..at).unwrap_or_default();
            let number = before.iter().filter(|byte| **byte == b'\n').count();
            whole_fault(number.saturating_add(1), at, PlaylistProblem::Encoding)
        })?;
        let lines = Self {
            whole,
            at: 0,
            number: 0,
        };
        for line in lines.clone() {
            if line.text.len() > limits.playlist_line_bytes {
                let problem = PlaylistProblem::LineTooLong {
                    size: line.text.len(),
                    limit: limits.playlist_line_bytes,
                };
                return Err(line.fault(problem));
            }
            if line.number > limits.playlist_lines {
                let limit = limits.playlist_lines;
                return Err(line.fault(PlaylistProblem::Lines { limit }));
            }
        }
        let first = lines.clone().next().map_or("", |line| line.text);
        if first.trim_end() == "#EXTM3U" {
            Ok(lines)
        } else {
            Err(whole_fault(1, 0, PlaylistProblem::Header))
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = self.whole.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (text, taken) = match rest.split_once('\n') {
            Some((text, _)) => (text, text.len().saturating_add(1)),
            None => (rest, rest.len()),
        };
        let at = self.at;
        self.at = at.saturating_add(taken);
        self.number = self.number.saturating_add(1);
        Some(Line {
            // A torn or doubled line end is still one.
            text: text.trim_end_matches('\r'),
            number: self.number,
            at,
        })
    }
}

impl<'a> Line<'a> {
    /// An error that begins at this line.
    pub(super) fn fault(&self, problem: PlaylistProblem) -> Error {
        Error::Playlist {
            line: self.number,
            at: self.at,
            problem,
        }
    }

    /// Name and value of a tag; none for a URI, a comment or an empty line.
    pub(super) fn tag(&self) -> Option<(&'a str, &'a str)> {
        let tag = self.text.trim_end();
        if !tag.starts_with("#EXT") {
            return None;
        }
        Some(tag.split_once(':').unwrap_or((tag, "")))
    }

    /// The URI that the line is, if it is one.
    pub(super) fn uri(&self) -> Option<&'a str> {
        let uri = self.text.trim_end();
        (!uri.is_empty() && !uri.starts_with('#')).then_some(uri)
    }
}
