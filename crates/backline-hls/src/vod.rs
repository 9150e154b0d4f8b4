//! The playlist of what was stored of a show, which no window limits.

use core::fmt::Write as _;
use std::collections::BTreeSet;

use crate::m3u8::Media;
use crate::text::push_date;

/// Writes down the closed segments of a rendition as its live playlist lists them one after the other: first as a
/// playlist of type EVENT, to which lines are only added, and at the end as one of type VOD (section 4.4.3.5 of the
/// draft).
///
/// The names are those of the live playlist, so init segments and segments stored under them are found beside it.
/// Memory is the text: some hundred bytes a segment.
#[derive(Clone, Debug, Default)]
pub struct Vod {
    lines: String,
    target_duration_s: u64,
    first_msn: Option<u64>,
    next_msn: u64,
    map: Option<String>,
    lost: BTreeSet<u64>,
}

impl Vod {
    /// Begins with no segment.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that a segment could not be stored: it is listed as absent (`EXT-X-GAP`). To be said before it is followed.
    pub fn lose(&mut self, msn: u64) {
        if msn >= self.next_msn && self.lost.len() < LOST_MAX {
            self.lost.insert(msn);
        }
    }

    /// Takes over the closed segments that were not there before; returns how many. Those that left the live playlist
    /// unseen are left out behind a discontinuity.
    pub fn follow(&mut self, live: &Media) -> usize {
        self.target_duration_s = self.target_duration_s.max(live.target_duration_s);
        let (next, begun) = (self.next_msn, self.first_msn.is_some());
        let fresh = live
            .segments
            .iter()
            .filter(|segment| segment.msn >= next || !begun);
        let mut count = 0usize;
        for segment in fresh {
            let first = *self.first_msn.get_or_insert(segment.msn);
            let missed = segment.msn > first && segment.msn != self.next_msn;
            let out = &mut self.lines;
            // Writing to a string cannot fail.
            if (segment.discontinuity && segment.msn > first) || missed {
                let _ = writeln!(out, "#EXT-X-DISCONTINUITY");
            }
            let map = segment.map.as_ref().map(|map| map.uri.clone());
            if let (Some(uri), true) = (&map, map != self.map) {
                let _ = writeln!(out, "#EXT-X-MAP:URI=\"{uri}\"");
                self.map = map;
            }
            if let Some(ms) = segment.program_date_time_us.and_then(milliseconds) {
                out.push_str("#EXT-X-PROGRAM-DATE-TIME:");
                push_date(out, ms);
                out.push('\n');
            }
            if segment.gap || self.lost.remove(&segment.msn) {
                let _ = writeln!(out, "#EXT-X-GAP");
            }
            let units = segment.duration.as_micros().saturating_add(5) / 10;
            let (seconds, rest) = (units / 100_000, units % 100_000);
            let _ = writeln!(out, "#EXTINF:{seconds}.{rest:05},\n{}", segment.uri);
            self.next_msn = segment.msn.saturating_add(1);
            count = count.saturating_add(1);
        }
        count
    }

    /// The playlist: open for more, or ended.
    #[must_use]
    pub fn render(&self, ended: bool) -> String {
        let kind = if ended { "VOD" } else { "EVENT" };
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:{}\n#EXT-X-PLAYLIST-TYPE:{kind}\n#EXT-X-MEDIA-SEQUENCE:{}\n",
            self.target_duration_s.max(1),
            self.first_msn.unwrap_or(0)
        );
        text.push_str(&self.lines);
        if ended {
            text.push_str("#EXT-X-ENDLIST\n");
        }
        text
    }
}

fn milliseconds(us: i64) -> Option<u64> {
    u64::try_from(us).ok()?.checked_add(500)?.checked_div(1_000)
}

/// Lost segments that are remembered until the live playlist lists them: it lists no more.
const LOST_MAX: usize = 4_096;
