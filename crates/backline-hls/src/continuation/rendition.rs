//! One playlist as it is shown.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Taken;
use super::shown::{Context, Shown, contexts, dates, is_same, plain};
use crate::Limits;
use crate::m3u8::{Media, PlaylistType, Segment};

#[derive(Debug)]
pub(super) struct Rendition {
    /// The origin's newest version, whole.
    base: Media,
    /// What is shown and closed, in order and without a hole.
    shown: VecDeque<Shown>,
    /// The number of ours that comes behind `shown`.
    next_msn: u64,
    /// What our numbers are more than the origin's, modulo 2^64.
    offset: u64,
    /// The origin's number of the first segment that is shown under this offset.
    joined: u64,
    /// Whether that segment stands behind a discontinuity of ours.
    is_rejoined: bool,
    /// Discontinuities that have left.
    discontinuities: u64,
    /// When the origin's edge moved last.
    edge_at: Instant,
    /// Absent media that was listed since.
    absent: Duration,
    /// Absent media is listed behind the origin's, whose open segment is closed here.
    is_closed: bool,
    /// The origin once listed again what it had let go, which nobody is shown.
    went_back: bool,
    /// Since when the origin shows what is older than what it has shown.
    older_since: Option<Instant>,
    /// The longest target duration that was shown.
    target_s: u64,
    version: u64,
}

impl Rendition {
    pub(super) fn new(now: Instant, media: Media) -> Self {
        let mut rendition = Self {
            next_msn: media.media_sequence,
            offset: 0,
            joined: media.media_sequence,
            is_rejoined: false,
            discontinuities: media.discontinuity_sequence.unwrap_or(0),
            edge_at: now,
            absent: Duration::ZERO,
            is_closed: false,
            went_back: false,
            older_since: None,
            target_s: media.target_duration_s,
            version: 1,
            shown: VecDeque::new(),
            base: media.clone(),
        };
        rendition.list(media);
        rendition
    }

    /// Takes another whole version.
    pub(super) fn take(
        &mut self,
        now: Instant,
        media: Media,
        patience: u32,
        limits: &Limits,
    ) -> Taken {
        let agrees = self.agrees(&media);
        let (edge, before) = (edge(&media), edge(&self.base));
        if agrees && edge < before {
            let since = *self.older_since.get_or_insert(now);
            let most = self.target().saturating_mul(patience.max(1));
            if now.saturating_duration_since(since) < most {
                return Taken::Unchanged;
            }
            // It does not come back to what it was: it began again, under names that were there before.
            return self.join(now, media, 0, limits);
        }
        self.older_since = None;
        let goes_on = agrees && media.media_sequence <= self.base.open.msn;
        if goes_on && !self.is_closed {
            return self.follow(now, media, limits);
        }
        // What was shown is not shown again under another number.
        let first = if agrees && edge >= before {
            let begun = !self.base.open.parts.is_empty();
            self.base.open.msn.saturating_add(u64::from(begun))
        } else {
            0
        };
        self.join(now, media, first, limits)
    }

    /// The origin does not answer, so nobody knows whether it is still at an older place.
    pub(super) const fn miss(&mut self) {
        self.older_since = None;
    }

    /// Lists `count` segments as absent. Says whether it did.
    pub(super) fn tick(&mut self, count: u64, target: Duration, limits: &Limits) -> bool {
        if self.base.end_list {
            return false;
        }
        let target = target.min(self.target());
        let mut count = count;
        if !self.is_closed {
            self.close(target);
            self.is_closed = true;
            count = count.saturating_sub(1);
        }
        let all = target.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        self.absent = self.absent.saturating_add(all);
        self.push_absent(count, target, limits);
        self.trim(limits);
        self.version = self.version.saturating_add(1);
        true
    }

    /// Whether what is shown is anything but the origin's text.
    pub(super) const fn is_touched(&self) -> bool {
        self.is_rejoined || self.is_closed || self.went_back
    }

    pub(super) const fn base(&self) -> &Media {
        &self.base
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    pub(super) const fn target_s(&self) -> u64 {
        self.target_s
    }

    /// The target duration; 1 s where the origin writes 0.
    pub(super) fn target(&self) -> Duration {
        Duration::from_secs(self.target_s.clamp(1, TARGET_S_MAX))
    }

    pub(super) const fn discontinuities(&self) -> u64 {
        self.discontinuities
    }

    pub(super) fn shown(&self) -> impl Iterator<Item = &Shown> {
        self.shown.iter()
    }

    pub(super) fn first_msn(&self) -> u64 {
        self.shown.front().map_or(self.next_msn, |first| first.msn)
    }

    /// The origin's open segment with what holds for it, unless it is closed here.
    pub(super) fn open(&self) -> Option<&Segment> {
        (!self.is_closed).then_some(&self.base.open)
    }

    pub(super) fn open_context(&self) -> Context {
        contexts(&self.base).pop().unwrap_or_default()
    }

    pub(super) fn open_date_us(&self) -> Option<i64> {
        dates(&self.base).pop().flatten()
    }

    /// Whether the open segment stands behind a discontinuity of ours.
    pub(super) const fn opens_rejoined(&self) -> bool {
        self.is_rejoined && self.base.open.msn == self.joined
    }

    pub(super) fn next(&self) -> (u64, u64) {
        let parts = self.open().map_or(0, |open| open.parts.len());
        (self.next_msn, u64::try_from(parts).unwrap_or(u64::MAX))
    }

    /// Last segment and part that are shown, as a rendition report names them.
    pub(super) fn last(&self) -> (u64, u64) {
        let (msn, parts) = self.next();
        match parts.checked_sub(1) {
            Some(part) => (msn, part),
            None => {
                let parts = self.shown.back().map_or(0, |last| last.parts);
                (msn.saturating_sub(1), parts.saturating_sub(1))
            }
        }
    }

    pub(super) fn upstream(&self, msn: u64) -> Option<u64> {
        let theirs = msn.wrapping_sub(self.offset);
        let is_theirs = !self.is_closed && msn >= self.joined.wrapping_add(self.offset);
        is_theirs.then_some(theirs)
    }

    /// Our number for a number of the origin's.
    pub(super) const fn downstream(&self, msn: u64) -> Option<u64> {
        if self.is_closed || msn < self.joined || msn > super::MSN_MAX {
            None
        } else {
            Some(msn.wrapping_add(self.offset))
        }
    }

    /// Whether segments and parts of a number that both have are the same.
    fn agrees(&self, media: &Media) -> bool {
        let first = self.base.media_sequence;
        let same_segments = media.segments.iter().all(|new| {
            let at = new.msn.checked_sub(first).map(usize::try_from);
            let Some(Ok(at)) = at else { return true };
            self.base
                .segments
                .get(at)
                .is_none_or(|old| is_same(old, new))
        });
        let old = &self.base.open;
        let new = media.all().find(|segment| segment.msn == old.msn);
        let same_parts = new.is_none_or(|new| {
            let mut both = old.parts.iter().zip(&new.parts);
            both.all(|(old, new)| {
                plain(&old.uri) == plain(&new.uri) && old.byte_range == new.byte_range
            })
        });
        // What ends before everything that is known cannot be compared, and is no older version either.
        let begins_below = media.open.msn < first;
        same_segments && same_parts && !begins_below
    }

    /// Goes on behind what is shown.
    fn follow(&mut self, now: Instant, media: Media, limits: &Limits) -> Taken {
        let moved = edge(&media) > edge(&self.base) || media.end_list != self.base.end_list;
        if moved {
            self.edge_at = now;
        }
        self.target_s = self.target_s.max(media.target_duration_s);
        let changed = media != self.base;
        self.went_back |= media.media_sequence < self.base.media_sequence;
        self.base = media.clone();
        self.list(media);
        self.trim(limits);
        self.version = self.version.saturating_add(u64::from(changed));
        if moved {
            Taken::Followed
        } else {
            Taken::Unchanged
        }
    }

    /// Takes the segments of a version that begins at or behind `joined`.
    fn list(&mut self, media: Media) {
        let held = contexts(&media).into_iter().zip(dates(&media));
        for (segment, (context, date_us)) in media.segments.into_iter().zip(held) {
            if segment.msn < self.joined {
                continue;
            }
            let msn = segment.msn.wrapping_add(self.offset);
            let rejoined = self.is_rejoined && segment.msn == self.joined;
            let shown = Shown {
                date_us,
                ..Shown::of(segment, msn, rejoined, context)
            };
            let at = msn.checked_sub(self.first_msn()).map(usize::try_from);
            if msn == self.next_msn {
                self.push(shown);
            } else if let Some(Ok(at)) = at
                && let Some(held) = self.shown.get_mut(at)
            {
                let date_us = shown.date_us.or(held.date_us);
                *held = Shown { date_us, ..shown };
            }
        }
    }

    /// Goes on with the origin's newest media, from `first` on, behind what is missing and a discontinuity.
    fn join(&mut self, now: Instant, media: Media, first: u64, limits: &Limits) -> Taken {
        let missing = now.saturating_duration_since(self.edge_at);
        let room = missing.saturating_sub(self.absent);
        let Some((joined, listed)) = joint(&media, first, room) else {
            if !media.end_list || self.base.end_list {
                return Taken::Unchanged;
            }
            if !self.is_closed && !self.base.open.parts.is_empty() {
                self.close(Duration::ZERO);
            }
            self.base = media;
            self.is_closed = true;
            self.version = self.version.saturating_add(1);
            return Taken::Followed;
        };
        if !self.is_closed && !self.base.open.parts.is_empty() {
            self.close(Duration::ZERO);
        }
        let rest = missing.saturating_sub(self.absent).saturating_sub(listed);
        if rest >= GAP_LEAST {
            let target = self.target();
            let count = rest.as_nanos().div_ceil(target.as_nanos().max(1));
            let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
            let each = rest.checked_div(count).unwrap_or(target);
            self.push_absent(u64::from(count), each.min(target), limits);
        }
        for shown in &mut self.shown {
            shown.grow_old();
        }
        self.target_s = self.target_s.max(media.target_duration_s);
        self.offset = self.next_msn.wrapping_sub(joined);
        (self.joined, self.is_rejoined, self.is_closed) = (joined, true, false);
        (self.edge_at, self.absent, self.older_since) = (now, Duration::ZERO, None);
        self.base = media.clone();
        self.list(media);
        self.trim(limits);
        self.version = self.version.saturating_add(1);
        Taken::Joined
    }

    /// Closes the open segment without its end: what is there of it are its parts.
    fn close(&mut self, target: Duration) {
        let open = &self.base.open;
        let parts = open.parts.iter().map(|part| part.duration);
        let there = parts.fold(Duration::ZERO, Duration::saturating_add);
        let duration = target.max(there);
        self.absent = self.absent.saturating_add(duration.saturating_sub(there));
        let stays = |line: &&str| STAY.iter().any(|tag| line.starts_with(tag));
        let lines: Vec<String> = open.lines().filter(stays).map(str::to_owned).collect();
        let rejoined = self.opens_rejoined();
        let shown = Shown {
            discontinuity: open.discontinuity || rejoined,
            date_us: open.program_date_time_us,
            context: self.open_context(),
            parts: u64::try_from(open.parts.len()).unwrap_or(0),
            ..self.absent_segment(duration, lines)
        };
        self.push(shown);
    }

    fn push_absent(&mut self, count: u64, each: Duration, limits: &Limits) {
        let most = u64::try_from(limits.window_segments).unwrap_or(u64::MAX);
        // More than the window holds: all that was before them leaves, so that only the newest are made.
        if let Some(passed) = count.checked_sub(most).filter(|passed| *passed > 0) {
            self.drop_first(self.shown.len());
            self.next_msn = self.next_msn.saturating_add(passed);
        }
        for _ in 0..count.min(most) {
            let context = self.shown.back().map(|last| last.context.clone());
            let mut shown = self.absent_segment(each, Vec::new());
            shown.context = context.unwrap_or_default();
            self.push(shown);
        }
    }

    fn absent_segment(&self, duration: Duration, mut lines: Vec<String>) -> Shown {
        let msn = self.next_msn;
        let (seconds, decimals) = (duration.as_secs(), duration.subsec_nanos() / 10_000);
        lines.push("#EXT-X-GAP".to_owned());
        lines.push(format!("#EXTINF:{seconds}.{decimals:05},"));
        lines.push(format!("gap-{msn}{}", self.ending()));
        Shown {
            msn,
            is_current: false,
            duration,
            discontinuity: false,
            date_us: None,
            context: Context::default(),
            lines,
            parts: 0,
        }
    }

    /// How the names of this playlist's segments end.
    fn ending(&self) -> &str {
        let last = self
            .base
            .segments
            .last()
            .map_or("", |last| plain(&last.uri));
        let name = last.rsplit_once('/').map_or(last, |(_, name)| name);
        let ending = name.rfind('.').and_then(|at| name.get(at..)).unwrap_or("");
        let is_plain = ending.len() <= 8
            && ending
                .bytes()
                .skip(1)
                .all(|byte| byte.is_ascii_alphanumeric());
        if is_plain { ending } else { "" }
    }

    fn push(&mut self, mut shown: Shown) {
        if shown.date_us.is_none() && !shown.discontinuity {
            shown.date_us = self.shown.back().and_then(Shown::end_us);
        }
        self.next_msn = shown.msn.saturating_add(1);
        self.shown.push_back(shown);
    }

    /// Lets leave what the origin does not list any more, and of what is not its own what is longer ago than its list
    /// is long (at least three target durations: section 6.2.2).
    fn trim(&mut self, limits: &Limits) {
        let mut count = self.shown.len().saturating_sub(limits.window_segments);
        if self.base.playlist_type != Some(PlaylistType::Event) {
            let longest = self.base.listed().max(self.target().saturating_mul(3));
            let mut total = self
                .shown
                .iter()
                .map(|shown| shown.duration)
                .fold(Duration::ZERO, Duration::saturating_add);
            for (at, shown) in self.shown.iter().enumerate() {
                let left = total.saturating_sub(shown.duration);
                let theirs = shown.msn.wrapping_sub(self.offset);
                let leaves = if shown.is_current && !self.is_closed {
                    theirs < self.base.media_sequence
                } else {
                    left >= longest
                };
                if !leaves && at >= count {
                    break;
                }
                total = left;
                count = count.max(at.saturating_add(1));
            }
        }
        self.drop_first(count);
        // Untouched, the origin's own count is the right one also where it was not seen.
        if !self.is_touched() {
            self.discontinuities = self
                .base
                .discontinuity_sequence
                .unwrap_or(self.discontinuities);
        }
    }

    fn drop_first(&mut self, count: usize) {
        let leaving = self.shown.drain(..count.min(self.shown.len()));
        let marked = leaving.filter(|shown| shown.discontinuity).count();
        let marked = u64::try_from(marked).unwrap_or(0);
        self.discontinuities = self.discontinuities.saturating_add(marked);
    }
}

/// Where to join: the number of the first segment to list, at `first` or behind, and how long what is listed then is.
/// As much as there is room for, and one closed segment at least.
fn joint(media: &Media, first: u64, room: Duration) -> Option<(u64, Duration)> {
    let parts = media.open.parts.iter().map(|part| part.duration);
    let mut listed = parts.fold(Duration::ZERO, Duration::saturating_add);
    let open = media.open.msn;
    let has_open = !media.open.parts.is_empty() && open >= first;
    let mut from = has_open.then_some(open);
    let closed = media.segments.iter().rev();
    for (at, segment) in closed
        .take_while(|segment| segment.msn >= first)
        .enumerate()
    {
        let longer = listed.saturating_add(segment.duration);
        if at > 0 && longer > room {
            break;
        }
        (from, listed) = (Some(segment.msn), longer);
    }
    from.map(|from| (from, listed))
}

/// How far a version goes.
fn edge(media: &Media) -> (u64, usize) {
    (media.open.msn, media.open.parts.len())
}

/// What stays of a segment that is closed before its end.
const STAY: [&str; 3] = [
    "#EXT-X-DATERANGE:",
    "#EXT-X-PART:",
    "#EXT-X-PROGRAM-DATE-TIME:",
];
/// What players play over by themselves.
const GAP_LEAST: Duration = Duration::from_millis(100);
/// A day; sums of durations stay far from their end.
const TARGET_S_MAX: u64 = 86_400;
