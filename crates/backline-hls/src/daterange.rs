//! Date ranges: what a caller may say, and how it is written (section 4.4.5.1 of the draft).

use core::time::Duration;

use bytes::Bytes;

use crate::error::DateRangeProblem;
use crate::event::UnixMillis;
use crate::text::{UNITS_PER_SECOND, push_date, push_u64, push_units};

/// A range of wall time with attributes: `EXT-X-DATERANGE`.
///
/// The same `id` again adds attributes to a listed range, such as its end or the SCTE-35 "in" of its "out"; what was
/// said before cannot change. A range whose end is not known stays listed: give it one, or make it an instant.
///
/// ```
/// use backline_hls::{DateRange, DateRangeEnd, DateRangeValue, UnixMillis};
/// use core::time::Duration;
///
/// let mut goal = DateRange::new("goal-7", UnixMillis(1_795_464_000_000));
/// goal.class = Some("com.example.match".into());
/// goal.end = Some(DateRangeEnd::After(Duration::ZERO)); // an instant
/// goal.attributes.push(("X-COM-EXAMPLE-SCORE".into(), DateRangeValue::Text("2:1".into())));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DateRange {
    /// Its name, unique in the life of the presentation. No quotes, no control characters; NFC, as all text here.
    pub id: String,
    /// Which semantics its attributes have.
    pub class: Option<String>,
    /// When it begins, on the clock of [`Event::Start`](crate::Event::Start).
    pub start: UnixMillis,
    /// When it ends, once that is known.
    pub end: Option<DateRangeEnd>,
    /// How long it is expected to last, in steps of 10 microseconds.
    pub planned: Option<Duration>,
    /// A `splice_info_section` that signals neither out nor in.
    pub scte35_cmd: Option<Bytes>,
    /// The "in" `splice_info_section`.
    pub scte35_in: Option<Bytes>,
    /// The "out" `splice_info_section`.
    pub scte35_out: Option<Bytes>,
    /// Attributes of the caller's own: names of `A-Z`, `0-9` and `-` that begin with `X-`, in reverse-DNS style.
    pub attributes: Vec<(String, DateRangeValue)>,
}

/// Where a date range ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the draft has these three")]
pub enum DateRangeEnd {
    /// After a time, in steps of 10 microseconds; zero is an instant. Written as `DURATION`.
    After(Duration),
    /// At a date. Written as `END-DATE`.
    At(UnixMillis),
    /// Where the next range of the same class begins; needs a class. Written as `END-ON-NEXT=YES`.
    OnNext,
}

/// The value of an attribute of the caller's own.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the draft has these three")]
pub enum DateRangeValue {
    /// A hexadecimal sequence, at least one byte.
    Hex(Bytes),
    /// A decimal number in millionths.
    Millionths(i64),
    /// A quoted string.
    Text(String),
}

impl DateRange {
    /// Begins a range with no end and no attributes.
    #[must_use]
    pub fn new(id: impl Into<String>, start: UnixMillis) -> Self {
        Self {
            id: id.into(),
            class: None,
            start,
            end: None,
            planned: None,
            scte35_cmd: None,
            scte35_in: None,
            scte35_out: None,
            attributes: Vec::new(),
        }
    }

    /// Checks what one range alone can have wrong.
    pub(crate) fn check(&self) -> Result<(), DateRangeProblem> {
        let quoted = |attribute, text: &str| {
            if text.chars().any(|c| c == '"' || c.is_control()) {
                return Err(DateRangeProblem::Text { attribute });
            }
            Ok(())
        };
        quoted("ID", &self.id)?;
        if self.id.is_empty() {
            return Err(DateRangeProblem::Empty { attribute: "ID" });
        }
        quoted("CLASS", self.class.as_deref().unwrap_or_default())?;
        if self.start.0 > DATE_MAX_MS {
            return Err(DateRangeProblem::Date);
        }
        match self.end {
            Some(DateRangeEnd::OnNext) if self.class.is_none() => {
                return Err(DateRangeProblem::ClassMissing);
            }
            Some(DateRangeEnd::At(end)) if end.0 > DATE_MAX_MS => {
                return Err(DateRangeProblem::Date);
            }
            Some(DateRangeEnd::At(end)) if end < self.start => {
                return Err(DateRangeProblem::EndBeforeStart);
            }
            _ => {}
        }
        let scte35 = [
            ("SCTE35-CMD", &self.scte35_cmd),
            ("SCTE35-IN", &self.scte35_in),
            ("SCTE35-OUT", &self.scte35_out),
        ];
        for (attribute, value) in scte35 {
            if value.as_ref().is_some_and(Bytes::is_empty) {
                return Err(DateRangeProblem::Empty { attribute });
            }
        }
        for (index, (name, value)) in self.attributes.iter().enumerate() {
            let own = name.strip_prefix("X-").is_some_and(|rest| !rest.is_empty());
            let legal = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'-';
            if !own || !name.bytes().all(legal) {
                return Err(DateRangeProblem::Name);
            }
            if self
                .attributes
                .iter()
                .skip(index)
                .filter(|(other, _)| other == name)
                .count()
                > 1
            {
                return Err(DateRangeProblem::Repeated);
            }
            match value {
                DateRangeValue::Hex(bytes) if bytes.is_empty() => {
                    return Err(DateRangeProblem::Empty { attribute: "X-" });
                }
                DateRangeValue::Text(text) => quoted("X-", text)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes over the class of `listed`, of the same name, where a range that ends on the next one does not repeat it.
    pub(crate) fn class_for_next(&mut self, listed: &Self) {
        if self.end == Some(DateRangeEnd::OnNext) && self.class.is_none() {
            self.class.clone_from(&listed.class);
        }
    }

    /// What `self` says that `listed`, of the same name, does not; `None` if that is nothing. What both say must agree.
    pub(crate) fn beyond(&self, listed: &Self) -> Result<Option<Self>, DateRangeProblem> {
        let mut new = Self::new(self.id.clone(), self.start);
        if self.start != listed.start {
            return Err(DateRangeProblem::Changed {
                attribute: "START-DATE",
            });
        }
        new.class = added("CLASS", &self.class, &listed.class)?;
        new.end = match (self.end, listed.end) {
            // Two ways to write one date.
            (Some(end), Some(known)) if self.date_of(end) == listed.date_of(known) => None,
            (end, known) => added("END-DATE", &end, &known)?,
        };
        new.planned = added("PLANNED-DURATION", &self.planned, &listed.planned)?;
        new.scte35_cmd = added("SCTE35-CMD", &self.scte35_cmd, &listed.scte35_cmd)?;
        new.scte35_in = added("SCTE35-IN", &self.scte35_in, &listed.scte35_in)?;
        new.scte35_out = added("SCTE35-OUT", &self.scte35_out, &listed.scte35_out)?;
        for (name, value) in &self.attributes {
            let known = listed.attributes.iter().find(|(other, _)| other == name);
            let known = known.map(|(_, value)| value.clone());
            if let Some(value) = added("X-", &Some(value.clone()), &known)? {
                new.attributes.push((name.clone(), value));
            }
        }
        if new.end == Some(DateRangeEnd::OnNext) {
            // The line that says so must say which class the next one has to be of.
            new.class.clone_from(&self.class);
        }
        let same = new == Self::new(self.id.clone(), self.start);
        Ok(Some(new).filter(|_| !same))
    }

    /// Adds what another part of the same range says.
    pub(crate) fn join(&mut self, new: Self) {
        self.class = self.class.take().or(new.class);
        self.end = self.end.or(new.end);
        self.planned = self.planned.or(new.planned);
        self.scte35_cmd = self.scte35_cmd.take().or(new.scte35_cmd);
        self.scte35_in = self.scte35_in.take().or(new.scte35_in);
        self.scte35_out = self.scte35_out.take().or(new.scte35_out);
        self.attributes.extend(new.attributes);
    }

    /// The date of an end, where it says one, in milliseconds; a part of one counts as one.
    pub(crate) fn date_of(&self, end: DateRangeEnd) -> Option<u64> {
        match end {
            DateRangeEnd::After(duration) => {
                let ms = u64::try_from(duration.as_nanos().div_ceil(1_000_000));
                Some(self.start.0.saturating_add(ms.unwrap_or(u64::MAX)))
            }
            DateRangeEnd::At(end) => Some(end.0),
            DateRangeEnd::OnNext => None,
        }
    }

    /// Writes its line.
    pub(crate) fn line(&self) -> String {
        let mut out = String::with_capacity(160);
        out.push_str("#EXT-X-DATERANGE:ID=");
        push_quoted(&mut out, &self.id);
        if let Some(class) = &self.class {
            out.push_str(",CLASS=");
            push_quoted(&mut out, class);
        }
        out.push_str(",START-DATE=\"");
        push_date(&mut out, self.start.0);
        out.push('"');
        match self.end {
            Some(DateRangeEnd::After(duration)) => {
                out.push_str(",DURATION=");
                push_seconds(&mut out, duration);
            }
            Some(DateRangeEnd::At(end)) => {
                out.push_str(",END-DATE=\"");
                push_date(&mut out, end.0);
                out.push('"');
            }
            Some(DateRangeEnd::OnNext) => out.push_str(",END-ON-NEXT=YES"),
            None => {}
        }
        if let Some(planned) = self.planned {
            out.push_str(",PLANNED-DURATION=");
            push_seconds(&mut out, planned);
        }
        let scte35 = [
            (",SCTE35-CMD=", &self.scte35_cmd),
            (",SCTE35-OUT=", &self.scte35_out),
            (",SCTE35-IN=", &self.scte35_in),
        ];
        for (name, value) in scte35 {
            if let Some(bytes) = value {
                out.push_str(name);
                push_hex(&mut out, bytes);
            }
        }
        for (name, value) in &self.attributes {
            out.push(',');
            out.push_str(name);
            out.push('=');
            match value {
                DateRangeValue::Hex(bytes) => push_hex(&mut out, bytes),
                DateRangeValue::Millionths(number) => push_millionths(&mut out, *number),
                DateRangeValue::Text(text) => push_quoted(&mut out, text),
            }
        }
        out.push('\n');
        out
    }
}

fn added<T: Clone + PartialEq>(
    attribute: &'static str,
    new: &Option<T>,
    listed: &Option<T>,
) -> Result<Option<T>, DateRangeProblem> {
    match (new, listed) {
        (Some(new), Some(listed)) if new != listed => Err(DateRangeProblem::Changed { attribute }),
        (Some(_), Some(_)) => Ok(None),
        _ => Ok(new.clone()),
    }
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

fn push_seconds(out: &mut String, duration: Duration) {
    let units = u64::try_from(duration.as_micros() / 10).unwrap_or(u64::MAX);
    push_units(out, units);
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push_str("0x");
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            let digit = DIGITS.get(usize::from(digit)).copied().unwrap_or(b'0');
            out.push(char::from(digit));
        }
    }
}

/// Five decimals as everywhere, six where they are needed.
fn push_millionths(out: &mut String, number: i64) {
    if number < 0 {
        out.push('-');
    }
    let size = number.unsigned_abs();
    push_units(out, size / (1_000_000 / UNITS_PER_SECOND));
    let last = size % 10;
    if last != 0 {
        push_u64(out, last);
    }
}

/// The end of the year 9999, the last that a date of four digits can say.
const DATE_MAX_MS: u64 = 253_402_300_799_999;

#[cfg(test)]
mod tests;
