//! The date ranges of a presentation: one set for all renditions (PL-14).
//!
//! A range stays until its last date lies before the first listed segment, and its name is not given to another range
//! as long as names are remembered. A line that was written stays as it is: what is learnt later is a line of its own.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "nanoseconds since construction and a count of lines are far below 2^63"
)]

use std::collections::VecDeque;

use crate::Error;
use crate::daterange::{DateRange, DateRangeEnd};
use crate::error::DateRangeProblem;
use crate::presentation::Presentation;

/// Names of removed ranges that are remembered, as 64-bit hashes: a name that comes back after so many others means
/// nothing to any player.
const NAMES_MAX: usize = 16_384;

/// What is listed, and what was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dates {
    ranges: Vec<Listed>,
    /// Lines in the order in which they were added.
    tags: VecDeque<Tag>,
    next_tag: u64,
    names: VecDeque<u64>,
    /// Names of removed ranges, with the time of it.
    removed: VecDeque<(u64, String)>,
}

#[derive(Clone, Debug)]
struct Listed {
    /// All that is known of it.
    range: DateRange,
    /// The number of its first line stands for it.
    number: u64,
}

/// A line.
#[derive(Clone, Debug)]
struct Tag {
    number: u64,
    range: u64,
    added_ns: u64,
    text: String,
}

impl Presentation {
    /// Lists a date range, or what is new of it.
    pub(crate) fn date_range(&mut self, now_ns: u64, range: DateRange) -> Result<(), Error> {
        let first_ms = self.first_date_ms();
        let limits = (
            self.config.limits.date_ranges,
            self.config.limits.date_range_bytes,
        );
        let number = self
            .dates
            .add(now_ns, range, first_ms, limits)
            .map_err(|problem| Error::DateRange { problem })?;
        if let Some(number) = number {
            for rendition in &mut self.renditions {
                rendition.mark(number);
            }
            self.changed.listed = true;
        }
        Ok(())
    }

    /// Removes the date ranges that no listed segment has a date of.
    pub(crate) fn expire_dates(&mut self, now_ns: u64) {
        let first_ms = self.first_date_ms();
        let skip_ns = self.targets.map_or(0, |targets| targets.target_ns() * 6);
        self.dates.expire(now_ns, first_ms, skip_ns);
    }

    /// The date of the first listed segment over all renditions; 0 before there is one.
    fn first_date_ms(&self) -> u64 {
        let dates = self.renditions.iter().filter_map(|rendition| {
            let first = rendition.closed.front().or(rendition.open.as_ref());
            first.map(|segment| segment.date_ms)
        });
        dates.min().unwrap_or(0)
    }
}

impl Dates {
    /// Adds a range, or to a range. Returns the number of the new line, if there is one.
    fn add(
        &mut self,
        now_ns: u64,
        range: DateRange,
        first_ms: u64,
        (ranges_max, bytes_max): (usize, usize),
    ) -> Result<Option<u64>, DateRangeProblem> {
        let known = self
            .ranges
            .iter()
            .position(|listed| listed.range.id == range.id);
        let known = known.and_then(|index| Some((index, self.ranges.get(index)?)));
        let mut range = range;
        if let Some((_, listed)) = known {
            range.class_for_next(&listed.range);
        }
        range.check()?;
        let (new, mut whole) = match known {
            None => {
                if self.names.contains(&hash(&range.id)) {
                    return Err(DateRangeProblem::Reused);
                }
                (range.clone(), range)
            }
            Some((_, listed)) => match range.beyond(&listed.range)? {
                None => return Ok(None),
                Some(new) => (new, listed.range.clone()),
            },
        };
        if known.is_some() {
            whole.join(new.clone());
            whole.check()?;
        }
        let text = new.line();
        if text.len() > bytes_max {
            let (size, limit) = (text.len(), bytes_max);
            return Err(DateRangeProblem::TooLong { size, limit });
        }
        if self.tags.len() >= ranges_max {
            return Err(DateRangeProblem::TooMany { limit: ranges_max });
        }
        if self.overlaps(&whole) {
            return Err(DateRangeProblem::Overlap);
        }
        if known.is_none() && self.end_of(&whole).is_some_and(|end| end < first_ms) {
            return Err(DateRangeProblem::Past);
        }
        let index = known.map(|(index, _)| index);
        let number = self.next_tag;
        self.next_tag += 1;
        let owner = match index.and_then(|index| self.ranges.get_mut(index)) {
            Some(listed) => {
                listed.range = whole;
                listed.number
            }
            None => {
                let range = whole;
                self.ranges.push(Listed { range, number });
                number
            }
        };
        self.tags.push_back(Tag {
            number,
            range: owner,
            added_ns: now_ns,
            text,
        });
        Ok(Some(number))
    }

    /// Whether a range overlaps another of its class, where one of the class ends on the next (section 4.4.5.1).
    fn overlaps(&self, new: &DateRange) -> bool {
        let Some(class) = &new.class else {
            return false;
        };
        let others = || {
            let ranges = self.ranges.iter().map(|listed| &listed.range);
            ranges.filter(|other| other.class.as_ref() == Some(class) && other.id != new.id)
        };
        let on_next = |range: &DateRange| range.end == Some(DateRangeEnd::OnNext);
        if !on_next(new) && !others().any(on_next) {
            return false;
        }
        let new_end = self.end_of(new);
        others().any(|other| {
            // Before the new range comes into the list, so that a range that ends on the next still has its end.
            let inside = |at: u64, range: &DateRange, end: Option<u64>| {
                at > range.start.0 && end.is_some_and(|end| at < end)
            };
            other.start == new.start
                || inside(new.start.0, other, self.end_of(other))
                || inside(other.start.0, new, new_end)
        })
    }

    /// The last date of a range, if it is known.
    fn end_of(&self, range: &DateRange) -> Option<u64> {
        let end = range.end?;
        if end != DateRangeEnd::OnNext {
            return range.date_of(end);
        }
        let following = self.ranges.iter().map(|listed| &listed.range);
        following
            .filter(|next| next.class == range.class && next.start > range.start)
            .map(|next| next.start.0)
            .min()
    }

    fn expire(&mut self, now_ns: u64, first_ms: u64, skip_ns: u64) {
        while let Some((removed_ns, _)) = self.removed.front() {
            if removed_ns + skip_ns >= now_ns {
                break;
            }
            self.removed.pop_front();
        }
        let past = |listed: &Listed| {
            let end = self.end_of(&listed.range);
            end.is_some_and(|end| end < first_ms)
        };
        let past: Vec<u64> = self
            .ranges
            .iter()
            .filter(|listed| past(listed))
            .map(|listed| listed.number)
            .collect();
        if past.is_empty() {
            return;
        }
        let (gone, stay) = core::mem::take(&mut self.ranges)
            .into_iter()
            .partition(|listed| past.contains(&listed.number));
        self.ranges = stay;
        self.tags.retain(|tag| !past.contains(&tag.range));
        let gone: Vec<Listed> = gone;
        for listed in gone {
            if self.names.len() >= NAMES_MAX {
                self.names.pop_front();
            }
            self.names.push_back(hash(&listed.range.id));
            self.removed.push_back((now_ns, listed.range.id));
        }
    }

    /// Whether any line was added before `since_ns`.
    pub(crate) fn any_before(&self, since_ns: u64) -> bool {
        self.tags.front().is_some_and(|tag| tag.added_ns < since_ns)
    }

    /// Writes the lines with numbers below `below` that were added at `since_ns` or later.
    pub(crate) fn write_below(&self, out: &mut String, below: u64, since_ns: u64) {
        let tags = self.tags.iter().take_while(|tag| tag.number < below);
        for tag in tags.filter(|tag| tag.added_ns >= since_ns) {
            out.push_str(&tag.text);
        }
    }

    /// Writes one line, if it is still listed and was added at `since_ns` or later.
    pub(crate) fn write(&self, out: &mut String, number: u64, since_ns: u64) {
        let index = self.tags.binary_search_by_key(&number, |tag| tag.number);
        let tag = index.ok().and_then(|index| self.tags.get(index));
        if let Some(tag) = tag.filter(|tag| tag.added_ns >= since_ns) {
            out.push_str(&tag.text);
        }
    }

    /// Bytes of all lines.
    pub(crate) fn len(&self) -> usize {
        self.tags.iter().map(|tag| tag.text.len()).sum()
    }

    /// Appends the names of the ranges that were removed at `since_ns` or later, with tabs between.
    pub(crate) fn push_removed(&self, out: &mut String, since_ns: u64) {
        let mut removed = self.removed.iter().filter(|(at_ns, _)| *at_ns >= since_ns);
        if let Some((_, first)) = removed.next() {
            out.push_str(first);
        }
        for (_, id) in removed {
            out.push('\t');
            out.push_str(id);
        }
    }
}

/// FNV-1a: the same on every machine.
fn hash(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
