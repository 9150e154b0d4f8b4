//! What the caller decides before the first sample.

use core::time::Duration;

use crate::{Error, Limits};

/// How a presentation is cut, laid out and kept.
///
/// The defaults are tuned for one box at a venue: a hundred phones on one access point, a camera at 4 to 6 Mb/s,
/// and a picture in under a second. For an audience behind a wide-area network take `part_target` 333 to 500 ms:
/// 200 ms parts rebuffer there (quirk 34).
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Config {
    /// Caps on input. See [`Limits`].
    pub limits: Limits,
    /// One rendition a track, or one for both. Default [`Layout::Muxed`]: half the requests of a hundred phones.
    pub layout: Layout,
    /// Wanted length of a part, 50 ms to 2 s. Default 200 ms. The Part Target Duration that is advertised is the
    /// nearest whole number of frames plus 1 ms, since RTMP times are whole milliseconds. Viewers play three of them
    /// behind the live edge.
    pub part_target: Duration,
    /// Wanted length of a segment, 500 ms to 60 s. Default 2 s. A segment ends at the first key frame from here on;
    /// the Target Duration is this value rounded up to whole seconds.
    pub segment_target: Duration,
    /// Media that stays listed, at least three Target Durations. Default 30 s. A delta update pays only beyond six.
    pub window: Duration,
    /// Media to look at before the tracks and the frame rate are taken as known, 100 ms to 2 s. Default 400 ms; it
    /// delays nothing that a viewer sees while it is below three parts.
    pub probe: Duration,
    /// Media to wait for announced tracks, or for a second one where none is announced, before the set of renditions is
    /// frozen, at most 5 s. Default 500 ms. What comes later is not shown: players do not read the multivariant
    /// playlist again (MV-6).
    pub track_wait: Duration,
    /// How far sound may fall behind the picture before the missing time is filled with silence, so that the viewers'
    /// buffers do not run dry, 200 ms to 10 s. Default 1 s. Sound that comes later than this for a time is left out.
    pub audio_patience: Duration,
    /// What goes out while the publisher is silent or gone. Default [`Absence::Wait`].
    pub absence: Absence,
    /// How long the leading track may be silent, on the caller's clock, before that counts as absence: 100 ms to 60
    /// s. Default 2 s: an encoder that drops a group of pictures on a short uplink must not restart the viewers'
    /// clocks. A segment that is open when the silence begins counts too, so that the next one comes within one and a
    /// half Target Durations (SEG-6); a patience beyond those is taken as it is. hls.js comes back to returning media
    /// about a second later behind gaps than behind nothing, so a patience of 4 s keeps short returns smooth. Filling
    /// within one Part Target Duration, which the draft asks for as well, would make a discontinuity of every hiccup.
    pub absence_patience: Duration,
    /// Whether each part of the leading rendition says the wall clock of its first sample (`prft`, 32 bytes). Default
    /// off: playlists say it for every segment.
    pub producer_reference_time: bool,
    /// Promises `EXT-X-INDEPENDENT-SEGMENTS`. Default off; only for encoders that are known to send key frames at
    /// least once a Target Duration (MV-3).
    pub independent_segments: bool,
    /// First numbers to give out. A caller that persisted [`Presentation::numbering`](crate::Presentation::numbering)
    /// passes it here, so that no number goes back after a crash (SEG-10).
    pub numbering: Numbering,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            layout: Layout::Muxed,
            part_target: Duration::from_millis(200),
            segment_target: Duration::from_secs(2),
            window: Duration::from_secs(30),
            probe: Duration::from_millis(400),
            track_wait: Duration::from_millis(500),
            audio_patience: Duration::from_secs(1),
            absence: Absence::Wait,
            absence_patience: Duration::from_secs(2),
            producer_reference_time: false,
            independent_segments: false,
            numbering: Numbering::default(),
        }
    }
}

impl Config {
    /// Checks every bound.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let ms = Duration::from_millis;
        let rows = [
            ("part_target", self.part_target, ms(50), ms(2_000)),
            ("segment_target", self.segment_target, ms(500), ms(60_000)),
            (
                "window",
                self.window,
                self.segment_target.saturating_mul(3),
                ms(86_400_000),
            ),
            ("probe", self.probe, ms(100), ms(2_000)),
            ("track_wait", self.track_wait, Duration::ZERO, ms(5_000)),
            ("audio_patience", self.audio_patience, ms(200), ms(10_000)),
            (
                "absence_patience",
                self.absence_patience,
                ms(100),
                ms(60_000),
            ),
            (
                "limits.step_back",
                self.limits.step_back,
                ms(100),
                ms(60_000),
            ),
            (
                "limits.step_forward",
                self.limits.step_forward,
                ms(500),
                ms(60_000),
            ),
            (
                "limits.cue_span",
                self.limits.cue_span,
                ms(1_000),
                ms(3_600_000),
            ),
            ("limits.hold", self.limits.hold, ms(500), ms(60_000)),
        ];
        for (field, value, min, max) in rows {
            if value < min || value > max {
                return Err(Error::ConfigRange {
                    field,
                    value,
                    min,
                    max,
                });
            }
        }
        self.numbering.check()?;
        if self.part_target.saturating_mul(2) > self.segment_target {
            return Err(Error::ConfigRange {
                field: "part_target",
                value: self.part_target,
                min: ms(50),
                max: self.segment_target.checked_div(2).unwrap_or_default(),
            });
        }
        Ok(())
    }
}

/// What goes out while the publisher is silent or gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "lowercase")
)]
#[non_exhaustive]
pub enum Absence {
    /// Absent parts and segments that add up to the missing time: players know that nothing is there, and their time
    /// goes on (section 6.2.1 of the draft).
    Gap,
    /// A slate; gaps while there is none.
    Slate,
    /// Nothing. Players stall until media is back. The draft wants a new segment within one and a half Target
    /// Durations, which this does not give.
    Wait,
}

/// Where picture and sound go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(rename_all = "lowercase")
)]
#[non_exhaustive]
pub enum Layout {
    /// One rendition with two `traf` in each `moof`, named `m0`: half the requests. A publisher with several pictures
    /// or several sounds gets [`Layout::Separate`] all the same: a player chooses among renditions.
    Muxed,
    /// One CMAF rendition a track, named `v0`, `v1` .. and `a0`, `a1` ..
    Separate,
}

/// The first numbers that a presentation gives out. None of them ever goes back or wraps (SEG-10).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Numbering {
    /// Discontinuity sequence number of the first segment.
    pub discontinuity_sequence: u64,
    /// Generation of the first init segment.
    pub init: u64,
    /// Segments that may have been listed after these numbers were kept, at most 4,096: what lies between two savings
    /// and a crash. Their numbers are not used again. They are listed as absent, as many as the window holds, so that
    /// viewers who have seen some of them find the way to what is new.
    pub lost: u64,
    /// Media sequence number of the first segment.
    pub msn: u64,
    /// Number of the first part.
    pub part: u64,
}

/// Highest first number: players count in doubles, exact up to 2^53.
const NUMBER_MAX: u64 = 1 << 52;
/// Most lost segments: hls.js walks over every discontinuity number, so they must stay few.
const LOST_MAX: u64 = 4_096;

impl Numbering {
    fn check(&self) -> Result<(), Error> {
        let rows = [
            (
                "numbering.discontinuity_sequence",
                self.discontinuity_sequence,
            ),
            ("numbering.init", self.init),
            ("numbering.msn", self.msn),
            ("numbering.part", self.part),
        ];
        let rows = rows.map(|(field, value)| (field, value, NUMBER_MAX));
        let lost = ("numbering.lost", self.lost, LOST_MAX);
        match rows
            .into_iter()
            .chain([lost])
            .find(|(_, value, max)| value > max)
        {
            None => Ok(()),
            Some((field, value, max)) => Err(Error::NumberRange { field, value, max }),
        }
    }

    /// Names all four numbers.
    #[must_use]
    pub fn new(msn: u64, discontinuity_sequence: u64, part: u64, init: u64) -> Self {
        Self {
            discontinuity_sequence,
            init,
            lost: 0,
            msn,
            part,
        }
    }

    /// The same numbers, with segments that may have been listed since they were kept.
    #[must_use]
    pub fn with_lost(self, lost: u64) -> Self {
        Self { lost, ..self }
    }

    /// Steps over what is lost: any lost segment may have had as many parts as a segment can have, an init segment
    /// and a discontinuity of its own. The discontinuity that the loss itself is comes on top.
    pub(crate) fn step_over(&mut self, parts: u64) {
        let lost = core::mem::take(&mut self.lost);
        self.msn = self.msn.saturating_add(lost);
        self.init = self.init.saturating_add(lost);
        self.part = self.part.saturating_add(lost.saturating_mul(parts));
        let crossed = lost.saturating_sub(1);
        self.discontinuity_sequence = self.discontinuity_sequence.saturating_add(crossed);
    }
}
