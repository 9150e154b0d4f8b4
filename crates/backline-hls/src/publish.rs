//! What is full goes out: parts and segments of all renditions in one step, and then the word of it.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "ticks come from nanoseconds below 2^62"
)]

use crate::cutter::Targets;
use crate::event::Output;
use crate::presentation::{Changed, Presentation};
use crate::rendition::Moment;
use crate::rendition_id::RenditionId;
use crate::timeline::{ticks, to_ns};

/// The sound's place among the tracks in the muxed layout.
const SOUND: usize = 1;

impl Presentation {
    /// Ends the leading rendition's part; in the muxed layout with the sound that has come for it.
    pub(crate) fn close_lead_part(&mut self, now_ns: u64) {
        let moment = self.moment(now_ns);
        let until_ns = self.lead_end_ns();
        if self.muxed {
            self.fill_sound_hole(SOUND, until_ns);
            if let (Some(track), Some(rendition)) =
                (self.tracks.get_mut(SOUND), self.renditions.first_mut())
            {
                let until = ticks(i128::from(until_ns), track.config.timescale());
                if !rendition.part.is_empty() {
                    while let Some(placed) = track.next_waiting(until, i64::MAX) {
                        rendition.part.push_sound(placed);
                    }
                }
            }
        }
        if let Some(rendition) = self.renditions.first_mut() {
            rendition.close_part(&moment, &mut self.outputs);
        }
        self.changed.listed = true;
    }

    /// Ends the open part of a rendition; of the leading one with all that goes out with it.
    pub(crate) fn end_part(&mut self, now_ns: u64, index: usize) {
        if index == 0 {
            self.close_lead_part(now_ns);
            self.sound_parts(now_ns, false);
            self.follow(now_ns, false);
            return;
        }
        let moment = self.moment(now_ns);
        if let Some(rendition) = self.renditions.get_mut(index) {
            rendition.close_part(&moment, &mut self.outputs);
        }
    }

    /// Ends the open segment of a rendition before the sample that is due at `due`; of the leading one with those of
    /// the sound, and with a cut for the pictures that follow. `forced`: not for a key frame.
    pub(crate) fn end_segment(&mut self, now_ns: u64, index: usize, due: i64, forced: bool) {
        if index > 0 {
            return self.end_follower(now_ns, index);
        }
        let at_ns = self
            .renditions
            .first()
            .map_or(0, |lead| to_ns(due, lead.timescale));
        self.close_lead_part(now_ns);
        self.follow(now_ns, false);
        let moment = self.moment(now_ns);
        self.sound_parts(now_ns, true);
        let beside = self.tracks.iter().zip(&mut self.renditions).enumerate();
        for (index, (track, rendition)) in beside {
            if index == 0 || track.is_sound() {
                rendition.close_segment(&moment, &mut self.outputs);
            }
        }
        self.changed.closed = true;
        self.cut_followers(now_ns, at_ns, forced);
    }

    /// Ends the open segment of all renditions.
    pub(crate) fn close_segments(&mut self, now_ns: u64) {
        let moment = self.moment(now_ns);
        if self
            .renditions
            .first()
            .is_some_and(|rendition| rendition.open.is_some())
        {
            self.sound_parts(now_ns, true);
        }
        for rendition in &mut self.renditions {
            rendition.close_segment(&moment, &mut self.outputs);
        }
        self.changed.closed = true;
        self.changed.listed = true;
    }

    /// Makes what was published known, for all renditions at once (SEG-9). The last step of every event.
    pub(crate) fn announce(&mut self, now_ns: u64) {
        self.close_captions(now_ns);
        let Changed {
            closed: segment_closed,
            listed,
            tracks,
        } = core::mem::take(&mut self.changed);
        let Some(targets) = self.targets.filter(|_| listed || tracks) else {
            return;
        };
        let moment = self.moment(now_ns);
        if listed {
            for rendition in &mut self.renditions {
                rendition.promise(&mut self.outputs);
            }
        }
        if !self.playable {
            let lead = self
                .renditions
                .first()
                .map_or(0, |rendition| rendition.media_units());
            let all = self
                .renditions
                .iter()
                .all(|rendition| rendition.segments_made > 0);
            // A player that joins an almost empty playlist stalls at once (quirks 10, 18), and hls.js, FFmpeg and VLC
            // take one without a whole segment for empty.
            self.playable = all && lead >= targets.hold_back_units();
        }
        if !self.playable {
            return;
        }
        for rendition in self.renditions.iter_mut().filter(|_| listed) {
            rendition.version += 1;
            let (listed, closed) = rendition.points();
            self.outputs.push_back(Output::Advanced {
                rendition: rendition.id,
                listed,
                closed,
            });
        }
        if listed {
            self.advance_captions();
        }
        if segment_closed || tracks || self.version == 0 {
            // Its bandwidth is measured anew.
            self.version += 1;
            let (listed, closed) = self
                .renditions
                .first()
                .map(|rendition| rendition.points())
                .unwrap_or_default();
            self.outputs.push_back(Output::Advanced {
                rendition: RenditionId::MULTIVARIANT,
                listed,
                closed,
            });
        }
        let mut lead = None;
        for rendition in &mut self.renditions {
            rendition.expire_parts(&moment, &mut self.outputs);
            if segment_closed {
                let first = rendition.expire(&moment, lead, &mut self.outputs);
                lead = lead.or(first);
            }
        }
        if segment_closed {
            self.expire_captions(&moment, lead);
            self.expire_dates(now_ns);
        }
    }

    /// Where the leading track's media ends.
    pub(crate) fn lead_end_ns(&self) -> i64 {
        self.tracks.first().map_or(0, |track| {
            to_ns(track.timeline.next(), track.config.timescale())
        })
    }

    pub(crate) fn moment(&self, now_ns: u64) -> Moment {
        let window_units = u64::try_from(self.config.window.as_micros() / 10).unwrap_or(u64::MAX);
        let lead = self.renditions.first().map(|lead| lead.id);
        Moment {
            now_ns,
            epoch: self.epoch,
            targets: self.targets.unwrap_or(Targets {
                part_units: 0,
                target_s: 1,
            }),
            clock: self.clock,
            window_units,
            window_segments: self.config.limits.window_segments.max(4),
            reference: lead.filter(|_| self.config.producer_reference_time),
        }
    }
}
