//! A segment as its playlist lines: written once, when they become true.

use crate::event::{ObjectId, ObjectKind};
use crate::rendition_id::RenditionId;
use crate::text::{push_date, push_u64, push_units};

/// Bytes of text that a segment of ten parts needs.
const TEXT_RESERVE: usize = 1_024;

/// A segment, open or closed.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) msn: u64,
    pub(crate) discontinuity: bool,
    /// The date of its first sample, in milliseconds since 1970.
    pub(crate) date_ms: u64,
    /// Generation of its init segment.
    pub(crate) init: u64,
    /// Where in the file it begins.
    pub(crate) start_ns: i64,
    /// Duration of its closed parts.
    pub(crate) ticks: i64,
    pub(crate) bytes: u64,
    /// Number of its first part that holds media. Those that do have consecutive numbers.
    pub(crate) first_part: u64,
    /// Parts that hold media.
    pub(crate) made: u64,
    /// Parts as the playlist counts them, the absent ones included.
    pub(crate) parts: u64,
    /// Duration as printed; set when the segment is closed.
    pub(crate) units: u64,
    /// When its first part was listed.
    pub(crate) appeared_ns: u64,
    text: String,
    /// Where the part lines begin, and where they end once the segment is closed.
    parts_at: usize,
    tail_at: Option<usize>,
    /// Places in its text where lines that are not its own stand, with the number of each.
    marks: Vec<(usize, u64)>,
}

impl Segment {
    pub(crate) fn new(msn: u64, discontinuity: bool, init: u64, date_ms: u64) -> Self {
        let mut text = String::with_capacity(TEXT_RESERVE);
        text.push_str("#EXT-X-PROGRAM-DATE-TIME:");
        push_date(&mut text, date_ms);
        text.push('\n');
        Self {
            msn,
            discontinuity,
            date_ms,
            init,
            start_ns: 0,
            ticks: 0,
            bytes: 0,
            first_part: 0,
            made: 0,
            parts: 0,
            units: 0,
            appeared_ns: 0,
            parts_at: text.len(),
            tail_at: None,
            marks: Vec::new(),
            text,
        }
    }

    /// Lists a part. Parts of a segment have consecutive numbers.
    pub(crate) fn push_part(
        &mut self,
        number: u64,
        ticks: i64,
        units: u64,
        bytes: u64,
        independent: bool,
        now_ns: u64,
    ) {
        if self.made == 0 {
            self.first_part = number;
        }
        self.made = self.made.saturating_add(1);
        self.count(ticks, now_ns);
        self.bytes = self.bytes.saturating_add(bytes);
        self.text.push_str("#EXT-X-PART:DURATION=");
        push_units(&mut self.text, units);
        self.text.push_str(",URI=\"p");
        push_u64(&mut self.text, number);
        self.text.push_str(if independent {
            ".m4s\",INDEPENDENT=YES\n"
        } else {
            ".m4s\"\n"
        });
    }

    /// Lists a part that does not exist. Its name belongs to no series, so that the number that was announced for the
    /// next part stays right.
    pub(crate) fn push_gap(&mut self, ticks: i64, units: u64, now_ns: u64) {
        self.text.push_str("#EXT-X-PART:DURATION=");
        push_units(&mut self.text, units);
        self.text.push_str(",URI=\"g");
        push_u64(&mut self.text, self.msn);
        self.text.push('-');
        push_u64(&mut self.text, self.parts);
        self.text.push_str(".m4s\",GAP=YES\n");
        self.count(ticks, now_ns);
    }

    /// Whether nothing of it exists, though it is listed.
    pub(crate) fn is_gap(&self) -> bool {
        self.made == 0
    }

    /// Ends the segment. One of which nothing exists has to say so (section 6.2.1 of the draft); one of which a part
    /// exists is that part.
    pub(crate) fn close(&mut self, units: u64) {
        self.units = units;
        self.tail_at = Some(self.text.len());
        if self.is_gap() {
            self.text.push_str("#EXT-X-GAP\n");
        }
        self.text.push_str("#EXTINF:");
        push_units(&mut self.text, units);
        self.text.push_str(",\ns");
        push_u64(&mut self.text, self.msn);
        self.text.push_str(".m4s\n");
    }

    /// Appends its lines, with or without those of its parts, and calls `other` for what stands between them.
    pub(crate) fn write(
        &self,
        out: &mut String,
        with_parts: bool,
        other: impl Fn(&mut String, u64),
    ) {
        let mut from = 0;
        for (at, mark) in &self.marks {
            self.write_range(out, from, *at, with_parts);
            other(out, *mark);
            from = *at;
        }
        self.write_range(out, from, self.text.len(), with_parts);
    }

    /// Something that is listed comes after what is listed so far.
    pub(crate) fn mark(&mut self, mark: u64) {
        self.marks.push((self.text.len(), mark));
    }

    /// The number of the first thing that stands between its lines.
    pub(crate) fn first_mark(&self) -> Option<u64> {
        self.marks.first().map(|(_, mark)| *mark)
    }

    fn write_range(&self, out: &mut String, from: usize, to: usize, with_parts: bool) {
        let mut push = |from: usize, to: usize| {
            out.push_str(self.text.get(from..to).unwrap_or_default());
        };
        if with_parts {
            push(from, to);
        } else {
            let tail_at = self.tail_at.unwrap_or(self.text.len());
            push(from, to.min(self.parts_at));
            push(from.max(tail_at), to);
        }
    }

    /// Bytes of its lines, and of the tags that a playlist may put before them.
    pub(crate) fn len(&self) -> usize {
        self.text.len().saturating_add(64)
    }

    /// The names of its parts that exist.
    pub(crate) fn part_objects(
        &self,
        rendition: RenditionId,
    ) -> impl Iterator<Item = ObjectId> + use<> {
        let numbers = self.first_part..self.first_part.saturating_add(self.made);
        numbers.map(move |number| ObjectId {
            rendition,
            kind: ObjectKind::Part,
            number,
        })
    }

    /// The last part's index.
    pub(crate) fn last_part(&self) -> Option<u64> {
        self.parts.checked_sub(1)
    }

    fn count(&mut self, ticks: i64, now_ns: u64) {
        if self.parts == 0 {
            self.appeared_ns = now_ns;
        }
        self.parts = self.parts.saturating_add(1);
        self.ticks = self.ticks.saturating_add(ticks);
    }
}
