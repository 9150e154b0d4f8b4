//! Pictures beside the leading one: they wait for it, are cut with it, and their rendition goes on without them.
//!
//! A follower's samples wait until the leading track has come as far, so that its cut is known before the follower's
//! own key frame of the same moment is placed (MV-5), and so that the parts of all renditions go out in one step
//! (SEG-9). The leading track waits in turn for followers that are a little late, for at most half a part.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "ticks come from nanoseconds below 2^62"
)]

use std::collections::VecDeque;

use crate::Error;
use crate::event::{Sample, Warning};
use crate::limits::Limits;
use crate::presentation::{Phase, Presentation};
use crate::timeline::{Epoch, ticks, to_ns};
use crate::track::Track;

const NS_PER_MS: i64 = 1_000_000;
/// What is missing for less than this is not listed as absent.
pub(crate) const SHORTEST_NS: i64 = 40_000_000;

/// What is known of a picture that follows another one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Following {
    /// Samples that wait for the leading track; those of a later epoch come last.
    pending: VecDeque<Pending>,
    pending_bytes: usize,
    /// File time of the newest sample that came.
    newest_ns: i64,
    /// Where the leading track's segment ended, if this one's has not ended there yet.
    cut: Option<Cut>,
    /// Samples are left out until decoding can start.
    unsynced: bool,
    /// It stays away: nothing waits for it, and what is missing is listed as absent (MV-6).
    gone: bool,
    /// Whether it was already reported that its key frames are elsewhere.
    misaligned: bool,
}

#[derive(Clone, Debug)]
struct Pending {
    sample: Sample,
    /// It belongs to a time or a configuration that the leading track has not reached.
    later: bool,
}

/// An end of the leading track's segment.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// In the file.
    at_ns: i64,
    /// No key frame is waited for.
    forced: bool,
    /// The number that the segment from there on has.
    msn: u64,
}

impl Following {
    /// Forgets what waits: another publisher comes.
    pub(crate) fn forget(&mut self) {
        self.pending.clear();
        self.pending_bytes = 0;
    }

    fn pop(&mut self) -> Option<Pending> {
        let pending = self.pending.pop_front()?;
        self.pending_bytes = self.pending_bytes.saturating_sub(pending.sample.data.len());
        Some(pending)
    }

    fn push(&mut self, sample: Sample, later: bool) {
        self.pending_bytes = self.pending_bytes.saturating_add(sample.data.len());
        self.pending.push_back(Pending { sample, later });
    }

    /// Samples and bytes that wait, those from `end` on not counted.
    fn waiting_before(&self, end: Option<usize>) -> (usize, usize) {
        let end = end.unwrap_or(self.pending.len());
        let behind = self.pending.range(end..).map(|one| one.sample.data.len());
        (end, self.pending_bytes.saturating_sub(behind.sum()))
    }

    /// Leaves out samples from `from` on, and returns how many.
    fn drop_from(&mut self, from: usize) -> u64 {
        let dropped: Vec<Pending> = self.pending.drain(from..).collect();
        let bytes: usize = dropped.iter().map(|one| one.sample.data.len()).sum();
        self.pending_bytes = self.pending_bytes.saturating_sub(bytes);
        u64::try_from(dropped.len()).unwrap_or(u64::MAX)
    }

    /// Keeps a sample for the next epoch, which begins for this track with a key frame. Returns how many were left out.
    fn keep_for_later(&mut self, sample: Sample, limits: &Limits) -> u64 {
        let over = |own: &Self| {
            let bytes = own.pending_bytes.saturating_add(sample.data.len());
            own.pending.len() >= limits.part_samples || bytes > limits.part_bytes
        };
        let first = self.pending.iter().position(|one| one.later);
        let waits = first.is_some() || sample.sync;
        let dropped = match first {
            // What waited before it cannot be the next epoch's beginning any more, or is too much.
            Some(first) if sample.sync || over(self) => self.drop_from(first),
            _ => 0,
        };
        if over(self) || !waits || (dropped > 0 && !sample.sync) {
            return dropped.saturating_add(1);
        }
        self.push(sample, true);
        dropped
    }

    /// A new epoch has begun: what waits for it and what does not. Returns how many samples were left out.
    pub(crate) fn begin_epoch(
        &mut self,
        epoch: &Epoch,
        half_ns: i64,
        step_ns: i64,
        new: bool,
    ) -> u64 {
        let range = epoch.in_ns.saturating_sub(half_ns)..epoch.in_ns.saturating_add(step_ns);
        let mut synced = false;
        let before = self.pending.len();
        let mut bytes = 0usize;
        self.pending.retain_mut(|one| {
            // Samples of the configuration before cannot be decoded with the new one.
            let fits = range.contains(&one.sample.dts_ns) && (one.later || !new);
            synced |= fits && one.sample.sync;
            one.later = false;
            let keep = fits && synced;
            bytes = bytes.saturating_add(if keep { one.sample.data.len() } else { 0 });
            keep
        });
        self.pending_bytes = bytes;
        self.cut = None;
        self.unsynced = true;
        self.misaligned = false;
        self.newest_ns = match self.pending.back() {
            Some(last) => last.sample.dts_ns - epoch.in_ns + epoch.out_ns,
            None => epoch.out_ns,
        };
        u64::try_from(before.saturating_sub(self.pending.len())).unwrap_or(u64::MAX)
    }
}

impl Presentation {
    /// Takes a sample of a picture that does not lead.
    pub(crate) fn follower(
        &mut self,
        now_ns: u64,
        index: usize,
        sample: Sample,
    ) -> Result<(), Error> {
        let live = self.phase == Phase::Live;
        let lead_ns = self.lead_newest_ns();
        let step_ns = self.step_ns();
        let limits = &self.config.limits;
        let Some(track) = self.tracks.get_mut(index) else {
            return Ok(());
        };
        let id = track.id;
        let timescale = track.config.timescale();
        let due_ns = to_ns(self.epoch.ticks(sample.dts_ns, timescale), timescale);
        let ahead_ns = due_ns - lead_ns;
        let far = live && ahead_ns.abs() > step_ns;
        let jumped = far && !core::mem::replace(&mut track.stepped, true);
        if ahead_ns.abs() < step_ns / 2 {
            track.stepped = false;
        }
        if !live || far || track.next_config.is_some() {
            let dropped = track.following.keep_for_later(sample, limits);
            self.counts.dropped = self.counts.dropped.saturating_add(dropped);
            if jumped {
                let by_ms = ahead_ns / NS_PER_MS;
                self.warn(Warning::Jump { track: id, by_ms });
            }
            return Ok(());
        }
        let following = &mut track.following;
        let later = following.pending.iter().position(|one| one.later);
        // It is back from where it had gone, and what waits there will be left out.
        let back = later.filter(|_| self.playing.is_none());
        let (samples, bytes) = following.waiting_before(back);
        let rows = [
            ("samples", samples + 1, limits.part_samples),
            ("bytes", bytes + sample.data.len(), limits.part_bytes),
        ];
        for (what, value, limit) in rows {
            if value > limit {
                let track = id;
                return Err(Error::PartTooLarge {
                    track,
                    what,
                    value,
                    limit,
                });
            }
        }
        if let Some(first) = back {
            let dropped = following.drop_from(first);
            self.counts.dropped = self.counts.dropped.saturating_add(dropped);
        }
        following.newest_ns = following.newest_ns.max(due_ns);
        track
            .meter
            .see(sample.dts_ns, sample.data.len(), sample.sync);
        following.push(sample, false);
        if let Some(first) = later
            && let Some(newest) = following.pending.pop_back()
        {
            // A slate's sample, before those of the publisher who is about to return.
            following
                .pending
                .insert(first.min(following.pending.len()), newest);
        }
        self.settle(now_ns);
        Ok(())
    }

    /// Whether all followers have come as far as `at_ns` of the file, or are too late to be waited for. `begins`: a
    /// sample from there on must be there; otherwise all before it.
    pub(crate) fn followers_reached(&self, at_ns: i64, begins: bool) -> bool {
        let part_ns = self.targets.map_or(0, |targets| {
            i64::try_from(targets.part_units * 10_000).unwrap_or(0)
        });
        if self.lead_newest_ns() - at_ns >= part_ns / 2 {
            return true;
        }
        let reached = |track: &Track| {
            let frame_ns = to_ns(track.timeline.pace.frame(), track.config.timescale());
            let end_ns = track.following.newest_ns + if begins { 0 } else { frame_ns };
            track.following.gone || end_ns + frame_ns / 2 >= at_ns
        };
        let mut followers = self.tracks.iter().skip(1);
        followers.all(|track| track.is_sound() || reached(track))
    }

    /// Cuts the followers up to where the leading track's media ends. `flush`: what is missing up to there is listed as
    /// absent, since all segments end there.
    pub(crate) fn follow(&mut self, now_ns: u64, flush: bool) {
        for index in 1..self.tracks.len() {
            if self.tracks.get(index).is_some_and(|track| track.is_sound()) {
                return;
            }
            while let Some(sample) = self.next_pending(index) {
                self.follow_with(now_ns, index, sample);
            }
            self.fill_in(now_ns, index, flush);
        }
    }

    /// The leading track's segment has ended: the followers' end there too, or at their next key frame.
    pub(crate) fn cut_followers(&mut self, now_ns: u64, at_ns: i64, forced: bool) {
        let msn = self.renditions.first().map_or(0, |lead| lead.next_msn);
        for index in 1..self.tracks.len() {
            let (Some(track), Some(rendition)) =
                (self.tracks.get_mut(index), self.renditions.get_mut(index))
            else {
                return;
            };
            if track.is_sound() {
                return;
            }
            let following = &mut track.following;
            if rendition.open.is_none() && rendition.closed.is_empty() && !following.gone {
                // Nothing of it is listed: it begins where the others are.
                rendition.next_msn = msn;
                continue;
            }
            let cut = Cut { at_ns, forced, msn };
            if let Some(missed) = following.cut.replace(cut) {
                self.catch_up(now_ns, index, missed.msn);
            }
        }
    }

    /// Ends a rendition's segments until it has as many as the leading one, so that numbers and discontinuities stay in
    /// step (MV-4). One for which there is no media is as short as a frame, and absent.
    pub(crate) fn catch_up(&mut self, now_ns: u64, index: usize, msn: u64) {
        if self
            .renditions
            .get(index)
            .is_none_or(|own| own.next_msn >= msn)
        {
            return;
        }
        self.end_part(now_ns, index);
        let moment = self.moment(now_ns);
        let (Some(track), Some(rendition)) =
            (self.tracks.get_mut(index), self.renditions.get_mut(index))
        else {
            return;
        };
        while rendition.next_msn < msn {
            if rendition.open.is_none() {
                let until_ns = rendition.end_ns.max(moment.epoch.out_ns) + SHORTEST_NS;
                rendition.gap_until(&moment, until_ns);
            }
            rendition.close_segment(&moment, &mut self.outputs);
        }
        let end = ticks(i128::from(rendition.end_ns), rendition.timescale);
        track.timeline.skip_to(end);
    }

    /// Ends a follower's segment where the leading track's ended.
    pub(crate) fn end_follower(&mut self, now_ns: u64, index: usize) {
        let track = self.tracks.get_mut(index);
        if let Some(cut) = track.and_then(|track| track.following.cut.take()) {
            self.catch_up(now_ns, index, cut.msn);
        }
    }

    /// Whether a follower's segment ends before a sample (MV-5).
    pub(crate) fn follower_ends(&mut self, index: usize, sync: bool, sample: &Sample) -> bool {
        let (Some(track), Some(rendition), Some(targets)) = (
            self.tracks.get_mut(index),
            self.renditions.get(index),
            self.targets,
        ) else {
            return false;
        };
        let timescale = rendition.timescale;
        let frame = track.timeline.pace.frame();
        let due = self.epoch.ticks(sample.dts_ns, timescale);
        let following = &mut track.following;
        let Some(cut) = following.cut else {
            return false;
        };
        let late = due - ticks(i128::from(cut.at_ns), timescale);
        if late < -frame / 2 {
            return false;
        }
        // Where nothing is open the next segment begins anyway.
        let aligned = sync || cut.forced || rendition.open.is_none();
        let full = rendition.segment_fill() + frame > targets.segment_most(timescale);
        if !aligned && late < rendition.cutter.cap && !full {
            return false;
        }
        if !aligned {
            self.misaligned(index, late);
        }
        true
    }

    /// Says once that a follower's key frame is missing since the leading track's segment ended, `late` ticks ago.
    fn misaligned(&mut self, index: usize, late: i64) {
        let Some(track) = self.tracks.get_mut(index) else {
            return;
        };
        if core::mem::replace(&mut track.following.misaligned, true) {
            return;
        }
        let late_ms = u64::try_from(to_ns(late, track.config.timescale()) / NS_PER_MS);
        let (track, late_ms) = (track.id, late_ms.unwrap_or(0));
        self.warn(Warning::Misaligned { track, late_ms });
    }

    /// The file time of the newest sample of the leading track.
    pub(crate) fn lead_newest_ns(&self) -> i64 {
        let Some(lead) = self.tracks.first() else {
            return 0;
        };
        let scale = lead.config.timescale();
        let newest = self.held.back().map(|held| held.sample.dts_ns);
        let seen = newest.or(lead.meter.last_dts_ns);
        let seen = seen.map_or(0, |dts_ns| self.epoch.ticks(dts_ns, scale));
        to_ns(seen, scale)
    }

    /// The longest step forward in decode time that is no jump.
    pub(crate) fn step_ns(&self) -> i64 {
        i64::try_from(self.config.limits.step_forward.as_nanos()).unwrap_or(i64::MAX)
    }

    /// How long a track may stay behind the leading one.
    fn patience_ns(&self) -> i64 {
        i64::try_from(self.config.audio_patience.as_nanos()).unwrap_or(i64::MAX)
    }

    /// Takes the oldest sample of a follower that begins before the end of the leading track's media.
    fn next_pending(&mut self, index: usize) -> Option<Sample> {
        let until_ns = self.lead_end_ns();
        let track = self.tracks.get_mut(index)?;
        let scale = track.config.timescale();
        let front = track.following.pending.front().filter(|one| !one.later)?;
        let due = self.epoch.ticks(front.sample.dts_ns, scale);
        let half = track.timeline.pace.frame() / 2;
        if due + half >= ticks(i128::from(until_ns), scale) {
            return None;
        }
        track.following.pop().map(|one| one.sample)
    }

    /// Places a follower's sample, or leaves it out: before a key frame, or behind what is listed.
    fn follow_with(&mut self, now_ns: u64, index: usize, sample: Sample) {
        let back_ns = i64::try_from(self.config.limits.step_back.as_nanos()).unwrap_or(i64::MAX);
        let limits = (
            self.config.limits.part_bytes,
            self.config.limits.part_samples,
        );
        let patience_ns = self.patience_ns();
        let (Some(track), Some(rendition)) =
            (self.tracks.get_mut(index), self.renditions.get(index))
        else {
            return;
        };
        let timescale = rendition.timescale;
        let next = track
            .timeline
            .next()
            .max(ticks(i128::from(self.epoch.out_ns), timescale));
        let due = self.epoch.ticks(sample.dts_ns, timescale);
        let following = &mut track.following;
        let hole = to_ns(due - next, timescale) > patience_ns;
        following.unsynced |= to_ns(next - due, timescale) > back_ns;
        let part = &rendition.part;
        let over = part.bytes + sample.data.len() > limits.0 || part.main.samples.len() >= limits.1;
        following.unsynced |= over && due - part.main.base < rendition.cutter.cap;
        let behind = due + track.timeline.pace.frame() / 2 < next;
        if following.unsynced && (!sample.sync || over || behind) {
            self.counts.dropped = self.counts.dropped.saturating_add(1);
            return;
        }
        // Frames that last longer than a part leave the timeline behind, too.
        let late = due - next > rendition.cutter.cap && following.unsynced;
        let listed = rendition.open.is_some() || !rendition.closed.is_empty();
        following.unsynced = false;
        following.gone = false;
        track.missed = false;
        if listed && (hole || late) {
            self.list_absent(now_ns, index, to_ns(due, timescale));
        }
        if self.has_no_place(index, due, sample.sync) {
            let cut = self.tracks.get(index).and_then(|track| track.following.cut);
            if let Some(cut) = cut.filter(|cut| !cut.forced && !sample.sync) {
                self.misaligned(index, due - ticks(i128::from(cut.at_ns), timescale));
            }
            if let Some(track) = self.tracks.get_mut(index) {
                track.following.unsynced = true;
            }
            self.counts.dropped = self.counts.dropped.saturating_add(1);
            return;
        }
        if self.pack(now_ns, index, sample.sync, sample) {
            self.end_part(now_ns, index);
        }
    }

    /// Whether a sample can go neither into the open segment, which would round to more than the Target Duration
    /// (SEG-1), nor into a new one: that begins where the leading track's does, and with a key frame where one is
    /// promised (MV-3).
    fn has_no_place(&self, index: usize, due: i64, sync: bool) -> bool {
        let (Some(track), Some(rendition), Some(targets)) = (
            self.tracks.get(index),
            self.renditions.get(index),
            self.targets,
        ) else {
            return false;
        };
        let frame = track.timeline.pace.frame();
        let late = track.following.cut.map(|cut| {
            let at = ticks(i128::from(cut.at_ns), rendition.timescale);
            due - at
        });
        let full = rendition.open.is_some()
            && rendition.segment_fill() + frame > targets.segment_most(rendition.timescale);
        let Some(late) = late.filter(|late| *late >= -frame / 2) else {
            return full;
        };
        let keyless = !sync && (full || late >= rendition.cutter.cap || rendition.open.is_none());
        self.config.independent_segments && keyless
    }

    /// Lists what a follower lacks as absent: where it has been away for too long, and where all segments end.
    fn fill_in(&mut self, now_ns: u64, index: usize, flush: bool) {
        let until_ns = self.lead_end_ns();
        let patience_ns = self.patience_ns();
        let Some(track) = self.tracks.get_mut(index) else {
            return;
        };
        let id = track.id;
        let behind_ns = until_ns - track.following.newest_ns;
        if !track.following.gone && behind_ns > patience_ns {
            track.following.gone = true;
            track.following.unsynced = true;
            if !core::mem::replace(&mut track.missed, true) {
                let behind_ms = u64::try_from(behind_ns / NS_PER_MS).unwrap_or(0);
                self.warn(Warning::TrackMissing {
                    track: id,
                    behind_ms,
                });
            }
        }
        let Some(track) = self.tracks.get(index) else {
            return;
        };
        let end_ns = to_ns(track.timeline.next(), track.config.timescale());
        let short = until_ns - end_ns.max(self.epoch.out_ns) > SHORTEST_NS;
        if track.following.gone || (flush && short) {
            self.list_absent(now_ns, index, until_ns);
        } else if flush {
            self.end_part(now_ns, index);
        }
    }

    /// Ends a follower's part and lists what is missing up to a file time as absent, with its segments ending where
    /// the leading track's have.
    fn list_absent(&mut self, now_ns: u64, index: usize, until_ns: i64) {
        self.end_part(now_ns, index);
        let cut = self.tracks.get(index).and_then(|track| track.following.cut);
        if let Some(cut) = cut.filter(|cut| cut.at_ns <= until_ns) {
            self.gap_follower(now_ns, index, cut.at_ns);
            self.end_follower(now_ns, index);
        }
        self.gap_follower(now_ns, index, until_ns);
    }

    fn gap_follower(&mut self, now_ns: u64, index: usize, until_ns: i64) {
        let moment = self.moment(now_ns);
        let (Some(track), Some(rendition)) =
            (self.tracks.get_mut(index), self.renditions.get_mut(index))
        else {
            return;
        };
        rendition.gap_until(&moment, until_ns);
        let end = ticks(i128::from(rendition.end_ns), rendition.timescale);
        track.timeline.skip_to(end);
    }
}
