//! Attribute lists (section 4.2).

use core::time::Duration;

use nom::branch::alt;
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::{char, space0};
use nom::combinator::recognize;
use nom::multi::separated_list0;
use nom::sequence::{delimited, preceded, separated_pair};
use nom::{IResult, Parser};

use super::lines::Line;
use super::tags::ByteRange;
use super::value;
use crate::Error;
use crate::error::PlaylistProblem;

/// The attributes of a tag in the order in which they stand, known and unknown ones.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attributes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    /// Reads a list. Spaces before a name are not allowed by the draft and ignored here.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (rest, list) = list(text).ok()?;
        rest.trim_end().is_empty().then_some(Self(list))
    }

    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Name and value of each, a quoted one with its quotes.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        self.0.iter().copied()
    }

    /// The value of the first attribute of this name, with its quotes if it has them.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(found, _)| *found == name)?;
        Some(found.1)
    }

    /// The same without quotes.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let value = self.get(name)?;
        let inside = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        Some(inside.unwrap_or(value))
    }
}

fn list(text: &str) -> IResult<&str, Vec<(&str, &str)>> {
    separated_list0(char(','), attribute).parse(text)
}

fn attribute(text: &str) -> IResult<&str, (&str, &str)> {
    let name = take_while1(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let quoted = recognize(delimited(char('"'), take_while(|c| c != '"'), char('"')));
    let plain = take_while(|c| c != ',' && c != '"').map(str::trim_end);
    preceded(
        space0,
        separated_pair(name, char('='), alt((quoted, plain))),
    )
    .parse(text)
}

/// Reads the attributes of one tag and names the place of what does not fit.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    line: Line<'a>,
    tag: &'static str,
    attributes: Attributes<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(line: Line<'a>, tag: &'static str, list: &'a str) -> Result<Self, Error> {
        let attributes = Attributes::parse(list)
            .ok_or_else(|| line.fault(PlaylistProblem::Attributes { tag }))?;
        Ok(Self {
            line,
            tag,
            attributes,
        })
    }

    /// The value of an attribute that must be there.
    pub(super) fn need<T>(
        &self,
        attribute: &'static str,
        value: Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let tag = self.tag;
        value?.ok_or_else(|| self.line.fault(PlaylistProblem::Missing { tag, attribute }))
    }

    /// A quoted string; the quotes may be missing.
    pub(super) fn text(&self, attribute: &'static str) -> Result<Option<String>, Error> {
        Ok(self.attributes.text(attribute).map(str::to_owned))
    }

    pub(super) fn number(&self, attribute: &'static str) -> Result<Option<u64>, Error> {
        self.read(attribute, "a decimal integer below 2^64", value::integer)
    }

    pub(super) fn seconds(&self, attribute: &'static str) -> Result<Option<Duration>, Error> {
        self.read(attribute, "seconds in decimals", value::seconds)
    }

    pub(super) fn range(&self, attribute: &'static str) -> Result<Option<ByteRange>, Error> {
        self.read(attribute, "length or length@offset", ByteRange::parse)
    }

    pub(super) fn date(&self, attribute: &'static str) -> Result<Option<i64>, Error> {
        self.read(attribute, "a date of ISO 8601", value::date_us)
    }

    /// Whether the attribute is `YES`; anything else is no.
    pub(super) fn yes(&self, attribute: &str) -> bool {
        self.attributes.get(attribute) == Some("YES")
    }

    pub(super) fn read<T>(
        &self,
        attribute: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.attributes.text(attribute) else {
            return Ok(None);
        };
        let tag = self.tag;
        let problem = PlaylistProblem::Value {
            tag,
            attribute,
            expected,
        };
        parse(text)
            .map(Some)
            .ok_or_else(|| self.line.fault(problem))
    }
}
