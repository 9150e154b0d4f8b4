//! The tags of which a playlist is made, as values.

use core::time::Duration;

use super::attributes::{Attributes, Reader};
use super::lines::Line;
use super::value;
use crate::Error;

/// A piece of a resource (section 4.4.4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ByteRange {
    /// Bytes.
    pub length: u64,
    /// Where it begins; none where the piece before it ends.
    pub offset: Option<u64>,
}

/// `EXT-X-DATERANGE` (section 4.4.5.1).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DateRange {
    /// Identifies it; tags of one ID are one date range.
    pub id: String,
    /// `CLASS`.
    pub class: Option<String>,
    /// Microseconds since 1970. The draft requires it with the first tag of an ID.
    pub start_date_us: Option<i64>,
    /// The same.
    pub end_date_us: Option<i64>,
    /// `DURATION`.
    pub duration: Option<Duration>,
    /// `PLANNED-DURATION`.
    pub planned_duration: Option<Duration>,
    /// `END-ON-NEXT=YES`.
    pub end_on_next: bool,
    list: String,
}

/// `EXT-X-DEFINE` (section 4.4.2.3).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Define {
    /// Takes a variable over from the multivariant playlist.
    Import(String),
    /// Takes a variable from the playlist's own query.
    QueryParam(String),
    /// Sets a variable.
    Value {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// What a preload hint announces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HintKind {
    /// The init segment of a part to come.
    Map,
    /// A type that is not known here.
    Other,
    /// The next part.
    Part,
}

/// `EXT-X-KEY` (section 4.4.4.4).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Key {
    /// `METHOD`; `NONE` where nothing is encrypted from here on.
    pub method: String,
    /// `URI`.
    pub uri: Option<String>,
    list: String,
}

/// `EXT-X-MAP` (section 4.4.4.5).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Map {
    /// Of the init segment.
    pub uri: String,
    /// Its place in the resource.
    pub byte_range: Option<ByteRange>,
}

/// `EXT-X-PART` (section 4.4.4.9).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Part {
    /// Of the partial segment.
    pub uri: String,
    /// As printed.
    pub duration: Duration,
    /// `INDEPENDENT=YES`.
    pub independent: bool,
    /// `GAP=YES`.
    pub gap: bool,
    /// Its place in the resource.
    pub byte_range: Option<ByteRange>,
    /// Line of the playlist, from 1.
    pub line: usize,
}

/// `EXT-X-PRELOAD-HINT` (section 4.4.5.3).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PreloadHint {
    /// What will come.
    pub kind: HintKind,
    /// Of the resource.
    pub uri: String,
    /// `BYTERANGE-START`, 0 where it is not written.
    pub start: u64,
    /// `BYTERANGE-LENGTH`; none to the end of the resource.
    pub length: Option<u64>,
}

/// `EXT-X-RENDITION-REPORT` (section 4.4.5.4).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RenditionReport {
    /// Of the other rendition's playlist, relative to this one.
    pub uri: String,
    /// `LAST-MSN`.
    pub last_msn: Option<u64>,
    /// `LAST-PART`.
    pub last_part: Option<u64>,
}

/// `EXT-X-SERVER-CONTROL` (section 4.4.3.8).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServerControl {
    /// `CAN-BLOCK-RELOAD=YES`.
    pub can_block_reload: bool,
    /// The Skip Boundary.
    pub can_skip_until: Option<Duration>,
    /// `CAN-SKIP-DATERANGES=YES`.
    pub can_skip_date_ranges: bool,
    /// `HOLD-BACK`.
    pub hold_back: Option<Duration>,
    /// `PART-HOLD-BACK`.
    pub part_hold_back: Option<Duration>,
}

/// `EXT-X-SKIP` (section 4.4.5.2).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Skip {
    /// Segments that it stands for.
    pub segments: u64,
    /// IDs of date ranges that are gone; present where date ranges are skipped too.
    pub removed_date_ranges: Option<Vec<String>>,
    /// Line of the playlist, from 1.
    pub line: usize,
}

/// `EXT-X-START` (section 4.4.2.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Start {
    /// Nanoseconds from the start of the playlist, negative from its end.
    pub time_offset_ns: i64,
    /// `PRECISE=YES`.
    pub precise: bool,
}

impl ByteRange {
    /// Reads `length[@offset]`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (length, offset) = match text.split_once('@') {
            Some((length, offset)) => (length, Some(value::integer(offset)?)),
            None => (text, None),
        };
        let length = value::integer(length)?;
        Some(Self { length, offset })
    }
}

impl DateRange {
    /// All attributes, those of the client (`X-`) and of carriers among them.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'_> {
        read_again(&self.list)
    }

    pub(super) fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-DATERANGE", list)?;
        Ok(Self {
            id: reader.need("ID", reader.text("ID"))?,
            class: reader.text("CLASS")?,
            start_date_us: reader.date("START-DATE")?,
            end_date_us: reader.date("END-DATE")?,
            duration: reader.seconds("DURATION")?,
            planned_duration: reader.seconds("PLANNED-DURATION")?,
            end_on_next: reader.yes("END-ON-NEXT"),
            list: list.to_owned(),
        })
    }
}

impl Define {
    pub(super) fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-DEFINE", list)?;
        if let Some(name) = reader.text("NAME")? {
            let value = reader.need("VALUE", reader.text("VALUE"))?;
            return Ok(Self::Value { name, value });
        }
        if let Some(name) = reader.text("IMPORT")? {
            return Ok(Self::Import(name));
        }
        let name = reader.need("NAME", reader.text("QUERYPARAM"))?;
        Ok(Self::QueryParam(name))
    }
}

impl Key {
    /// All attributes.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'_> {
        read_again(&self.list)
    }

    pub(super) fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-KEY", list)?;
        Ok(Self {
            method: reader.need("METHOD", reader.text("METHOD"))?,
            uri: reader.text("URI")?,
            list: list.to_owned(),
        })
    }
}

impl Map {
    pub(super) fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-MAP", list)?;
        Ok(Self {
            uri: reader.need("URI", reader.text("URI"))?,
            byte_range: reader.range("BYTERANGE")?,
        })
    }
}

impl Part {
    pub(super) fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-PART", list)?;
        Ok(Self {
            uri: reader.need("URI", reader.text("URI"))?,
            duration: reader.need("DURATION", reader.seconds("DURATION"))?,
            independent: reader.yes("INDEPENDENT"),
            gap: reader.yes("GAP"),
            byte_range: reader.range("BYTERANGE")?,
            line: line.number,
        })
    }
}

impl PreloadHint {
    pub(super) fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-PRELOAD-HINT", list)?;
        let kind = match reader.need("TYPE", reader.text("TYPE"))?.as_str() {
            "MAP" => HintKind::Map,
            "PART" => HintKind::Part,
            _ => HintKind::Other,
        };
        Ok(Self {
            kind,
            uri: reader.need("URI", reader.text("URI"))?,
            start: reader.number("BYTERANGE-START")?.unwrap_or(0),
            length: reader.number("BYTERANGE-LENGTH")?,
        })
    }
}

impl RenditionReport {
    pub(super) fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-RENDITION-REPORT", list)?;
        Ok(Self {
            uri: reader.need("URI", reader.text("URI"))?,
            last_msn: reader.number("LAST-MSN")?,
            last_part: reader.number("LAST-PART")?,
        })
    }
}

impl ServerControl {
    pub(super) fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-SERVER-CONTROL", list)?;
        Ok(Self {
            can_block_reload: reader.yes("CAN-BLOCK-RELOAD"),
            can_skip_until: reader.seconds("CAN-SKIP-UNTIL")?,
            can_skip_date_ranges: reader.yes("CAN-SKIP-DATERANGES"),
            hold_back: reader.seconds("HOLD-BACK")?,
            part_hold_back: reader.seconds("PART-HOLD-BACK")?,
        })
    }
}

impl Skip {
    pub(super) fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-SKIP", list)?;
        let removed = reader.text("RECENTLY-REMOVED-DATERANGES")?;
        let ids = |list: String| {
            let ids = list.split('\t').filter(|id| !id.is_empty());
            ids.map(str::to_owned).collect()
        };
        Ok(Self {
            segments: reader.need("SKIPPED-SEGMENTS", reader.number("SKIPPED-SEGMENTS"))?,
            removed_date_ranges: removed.map(ids),
            line: line.number,
        })
    }
}

impl Start {
    pub(super) fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-START", list)?;
        let offset = reader.read("TIME-OFFSET", "seconds with a sign", value::signed_ns);
        Ok(Self {
            time_offset_ns: reader.need("TIME-OFFSET", offset)?,
            precise: reader.yes("PRECISE"),
        })
    }
}

/// A list that was read once reads again.
fn read_again(list: &str) -> Attributes<'_> {
    Attributes::parse(list).unwrap_or_else(Attributes::none)
}
