//! Segments as they are shown.

use std::sync::Arc;
use std::time::Duration;

use crate::m3u8::{Attributes, Media, Segment};

/// A closed segment as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) msn: u64,
    /// It is the origin's, and under the offset that holds.
    pub(super) is_current: bool,
    pub(super) duration: Duration,
    pub(super) discontinuity: bool,
    /// Wall time in microseconds, as the origin says or as it follows.
    pub(super) date_us: Option<i64>,
    pub(super) context: Context,
    /// Its lines without those that hold for more than it.
    pub(super) lines: Vec<String>,
    pub(super) parts: u64,
}

/// Lines that hold until others take their place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Context {
    pub(super) map: Option<Arc<str>>,
    pub(super) keys: Arc<[String]>,
}

impl Shown {
    pub(super) fn of(segment: Segment, msn: u64, rejoined: bool, context: Context) -> Self {
        Self {
            msn,
            is_current: true,
            duration: segment.duration,
            discontinuity: segment.discontinuity || rejoined,
            date_us: segment.program_date_time_us,
            context,
            lines: segment
                .lines()
                .filter(|line| is_own(line))
                .map(str::to_owned)
                .collect(),
            parts: u64::try_from(segment.parts.len()).unwrap_or(0),
        }
    }

    /// It belongs to a time before the discontinuity: its parts are of no use any more, unless there is nothing else.
    pub(super) fn grow_old(&mut self) {
        if self.is_current {
            self.lines.retain(|line| !line.starts_with("#EXT-X-PART:"));
            self.parts = 0;
        }
        self.is_current = false;
    }

    pub(super) fn end_us(&self) -> Option<i64> {
        let duration = i64::try_from(self.duration.as_micros()).ok()?;
        self.date_us?.checked_add(duration)
    }
}

/// Whether two versions list the same segment.
pub(super) fn is_same(old: &Segment, new: &Segment) -> bool {
    plain(&old.uri) == plain(&new.uri)
        && old.byte_range == new.byte_range
        && old.duration == new.duration
}

/// A URI without its query: signatures change, the media does not.
pub(super) fn plain(uri: &str) -> &str {
    uri.split(['?', '#']).next().unwrap_or(uri)
}

/// Whether a line is of one segment alone. Others are written anew where they belong.
pub(super) fn is_own(line: &str) -> bool {
    let tag = line.split_once(':').map_or(line, |(tag, _)| tag);
    !ELSEWHERE.contains(&tag.trim_end())
}

/// Wall times of each segment of a version, the open one among them, as they are written or follow from the one before.
pub(super) fn dates(media: &Media) -> Vec<Option<i64>> {
    let mut next: Option<i64> = None;
    let all = media.all().map(|segment| {
        let inherited = next.filter(|_| !segment.discontinuity);
        let date = segment.program_date_time_us.or(inherited);
        let duration = i64::try_from(segment.duration.as_micros()).ok();
        next = date.zip(duration).and_then(|(at, by)| at.checked_add(by));
        date
    });
    all.collect()
}

/// What holds for each segment of a version, the open one among them.
pub(super) fn contexts(media: &Media) -> Vec<Context> {
    let mut context = Context::default();
    let mut keys: Vec<&str> = Vec::new();
    let all = media.all().map(|segment| {
        let tagged = |tag: &'static str| segment.lines().filter(move |line| line.starts_with(tag));
        if let Some(map) = tagged("#EXT-X-MAP:").last() {
            context.map = Some(map.into());
        }
        let named: Vec<&str> = tagged("#EXT-X-KEY:").collect();
        if !named.is_empty() {
            keys = named;
        }
        context.keys = keys.iter().map(|key| with_iv(key, segment.msn)).collect();
        context.clone()
    });
    all.collect()
}

/// A key that names no initialisation vector uses the media sequence number (section 4.4.4.4): the origin's, which must
/// be written before the segment gets another one.
fn with_iv(line: &str, msn: u64) -> String {
    let list = line
        .split_once(':')
        .and_then(|(_, list)| Attributes::parse(list));
    let needs = list.is_some_and(|key| {
        let is_identity = key
            .text("KEYFORMAT")
            .is_none_or(|format| format == "identity");
        key.get("METHOD") != Some("NONE") && key.get("IV").is_none() && is_identity
    });
    if needs {
        format!("{},IV=0x{msn:032x}", line.trim_end())
    } else {
        line.to_owned()
    }
}

const ELSEWHERE: [&str; 9] = [
    "#EXT-X-DISCONTINUITY",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-ENDLIST",
    "#EXT-X-KEY",
    "#EXT-X-MAP",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-PRELOAD-HINT",
    "#EXT-X-RENDITION-REPORT",
    "#EXT-X-TARGETDURATION",
];
