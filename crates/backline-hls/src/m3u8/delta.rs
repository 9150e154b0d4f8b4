//! Joining a delta update to the playlist before it (section 6.3.7).

use std::collections::BTreeSet;

use super::attributes::Attributes;
use super::media::{Media, Segment};
use crate::error::DeltaProblem;
use crate::{Error, Limits};

/// Tags that stand once in a playlist, which an older one's lines do not bring back.
const OF_PLAYLISTS: [&str; 16] = [
    "#EXTM3U",
    "#EXT-X-DEFINE",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-ENDLIST",
    "#EXT-X-I-FRAMES-ONLY",
    "#EXT-X-INDEPENDENT-SEGMENTS",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-PART-INF",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-PRELOAD-HINT",
    "#EXT-X-RENDITION-REPORT",
    "#EXT-X-SERVER-CONTROL",
    "#EXT-X-SKIP",
    "#EXT-X-START",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-VERSION",
];

impl Media {
    /// Joins this delta update to the playlist that came before it, and gives the whole playlist that it stands for.
    ///
    /// What is not a delta update is whole already and comes back as it is. Date ranges of `before` stay if the
    /// update skips date ranges and does not list them as removed; otherwise it names all that there are.
    ///
    /// # Errors
    ///
    /// [`Error::Delta`] if `before` cannot be what the update was made for: it is a delta update itself, of another
    /// target duration, or does not have all segments that are skipped. The viewer then asks for a whole playlist. Also
    /// if the two together pass a cap of `limits` that holds for a whole playlist: segments, lines or bytes.
    pub fn merge(self, before: &Self, limits: &Limits) -> Result<Self, Error> {
        let Some(skip) = self.skip.clone() else {
            return Ok(self);
        };
        let problem = |problem| Err(Error::Delta { problem });
        if before.skip.is_some() {
            return problem(DeltaProblem::BaseIsDelta);
        }
        if before.target_duration_s != self.target_duration_s {
            return problem(DeltaProblem::TargetDuration {
                before: before.target_duration_s,
                after: self.target_duration_s,
            });
        }
        let missing = DeltaProblem::Segments {
            first: self.media_sequence,
            count: skip.segments,
            have_first: before.media_sequence,
            have_count: before.segments.len(),
        };
        let (Some(from), Ok(count)) = (
            self.media_sequence.checked_sub(before.media_sequence),
            usize::try_from(skip.segments),
        ) else {
            return problem(missing);
        };
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let Some(skipped) = from
            .checked_add(count)
            .and_then(|to| before.segments.get(from..to))
        else {
            return problem(missing);
        };
        let all = self.segments.len().saturating_add(count);
        if all > limits.playlist_segments {
            return problem(DeltaProblem::TooManySegments {
                count: all,
                limit: limits.playlist_segments,
            });
        }
        let gone = before.segments.get(..from).unwrap_or_default();
        let mut joined = self.joined(before, skipped, skip.removed_date_ranges.as_deref());
        joined.inherit(gone);
        joined.keeps_to(limits)?;
        Ok(joined)
    }

    /// Charges the caps of a playlist that is read: what is joined may stand in for the next update's base, for ever.
    fn keeps_to(&self, limits: &Limits) -> Result<(), Error> {
        let (mut count, mut size) = (0usize, 0usize);
        for line in self.lines() {
            count = count.saturating_add(1);
            size = size.saturating_add(line.len()).saturating_add(1);
        }
        let problem = if size > limits.playlist_bytes {
            let limit = limits.playlist_bytes;
            DeltaProblem::TooLarge { size, limit }
        } else if count > limits.playlist_lines {
            let limit = limits.playlist_lines;
            DeltaProblem::TooManyLines { count, limit }
        } else {
            return Ok(());
        };
        Err(Error::Delta { problem })
    }

    /// Gives the first segment the init segment and keys that held for it, whose tags stood before segments that
    /// are gone.
    fn inherit(&mut self, gone: &[Segment]) {
        let Some(first) = self.segments.first_mut() else {
            return;
        };
        let has = |segment: &Segment, wanted: &str| segment.lines().any(|line| tag(line) == wanted);
        let mut lines: Vec<String> = Vec::new();
        let keys = gone.iter().rfind(|segment| !segment.keys.is_empty());
        if let Some(keys) = keys.filter(|_| first.keys.is_empty()) {
            let own = keys.lines().filter(|line| tag(line) == "#EXT-X-KEY");
            lines.extend(own.map(str::to_owned));
            first.keys.clone_from(&keys.keys);
        }
        if !has(first, "#EXT-X-MAP") {
            let map = gone.iter().rfind(|segment| has(segment, "#EXT-X-MAP"));
            let line =
                map.and_then(|segment| segment.lines().find(|line| tag(line) == "#EXT-X-MAP"));
            lines.extend(line.map(str::to_owned));
        }
        first.lines.splice(0..0, lines);
    }

    fn joined(mut self, before: &Self, skipped: &[Segment], removed: Option<&[String]>) -> Self {
        let mut named: BTreeSet<&str> = BTreeSet::new();
        named.extend(self.date_ranges.iter().map(|range| range.id.as_str()));
        named.extend(removed.unwrap_or_default().iter().map(String::as_str));
        // Without a list of what is gone, the update names every date range that there is.
        let stays = |id: &str| removed.is_some() && !named.contains(id);
        let kept = |line: &str| match date_range_id(line) {
            Some(id) => stays(id),
            None => !OF_PLAYLISTS.contains(&tag(line)),
        };
        let mut segments: Vec<Segment> = skipped.to_vec();
        for segment in &mut segments {
            segment.lines.retain(|line| kept(line));
        }
        // Date ranges may stand anywhere; those outside of the skipped segments go to the head.
        let outside = before
            .lines_outside(skipped)
            .filter(|line| date_range_id(line).is_some_and(&stays));
        let ranges = before.date_ranges.iter().filter(|range| stays(&range.id));
        let (outside, mut ranges): (Vec<String>, Vec<_>) = (
            outside.map(str::to_owned).collect(),
            ranges.cloned().collect(),
        );
        ranges.append(&mut self.date_ranges);
        self.date_ranges = ranges;
        self.head.extend(outside);
        let map = skipped.last().and_then(|last| last.map.clone());
        for segment in self.segments.iter_mut().chain([&mut self.open]) {
            segment.lines.retain(|line| tag(line) != "#EXT-X-SKIP");
            // An init segment holds until the next one, also over the update's edge.
            if segment.map.is_none() {
                segment.map.clone_from(&map);
            }
        }
        segments.append(&mut self.segments);
        self.segments = segments;
        self.skip = None;
        self.number();
        self
    }

    /// Lines before and behind a run of this playlist's segments.
    fn lines_outside<'a>(&'a self, skipped: &'a [Segment]) -> impl Iterator<Item = &'a str> {
        let first = skipped.first().map_or(0, |segment| segment.msn);
        let last = skipped.last().map(|segment| segment.msn);
        let outside = self
            .all()
            .filter(move |segment| last.is_none_or(|last| !(first..=last).contains(&segment.msn)));
        let lines = outside.flat_map(|segment| &segment.lines);
        self.head.iter().chain(lines).map(String::as_str)
    }
}

fn tag(line: &str) -> &str {
    let name = line.split_once(':').map_or(line, |(name, _)| name);
    name.trim_end()
}

fn date_range_id(line: &str) -> Option<&str> {
    let list = line.strip_prefix("#EXT-X-DATERANGE:")?;
    Attributes::parse(list)?.text("ID")
}
