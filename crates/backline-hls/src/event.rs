//! What goes into a presentation and what comes out.

use core::fmt;
use std::time::Instant;

use bytes::Bytes;

use crate::about::About;
use crate::codec::{Codec, TrackKind};
use crate::cue::Cue;
use crate::daterange::DateRange;
use crate::message::Emsg;
use crate::rendition_id::RenditionId;

/// Wall-clock time in milliseconds since 1970-01-01T00:00:00Z, as the caller's clock shows it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "a unit, not a record")]
pub struct UnixMillis(pub u64);

/// A track of the publisher: ids are counted per kind.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build it from what the wire says"
)]
pub struct TrackId {
    /// Picture, sound or captions.
    pub kind: TrackKind,
    /// Track id on the wire; 0 for a publisher with one track of the kind.
    pub id: u8,
}

impl TrackId {
    /// The usual sound track.
    pub const AUDIO: Self = Self {
        kind: TrackKind::Audio,
        id: 0,
    };
    /// The usual captions.
    pub const TEXT: Self = Self {
        kind: TrackKind::Text,
        id: 0,
    };
    /// The usual picture track.
    pub const VIDEO: Self = Self {
        kind: TrackKind::Video,
        id: 0,
    };
}

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            TrackKind::Audio => "audio",
            TrackKind::Text => "text",
            TrackKind::Video => "video",
        };
        write!(f, "{kind} track {}", self.id)
    }
}

/// One access unit in the form in which it goes into the file: length-prefixed NAL units, a temporal unit or an
/// audio frame.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build it from what the wire says"
)]
pub struct Sample {
    /// Decode time on the publisher's clock in nanoseconds. Any origin; may be negative.
    pub dts_ns: i64,
    /// Presentation time minus decode time in nanoseconds.
    pub composition_ns: i64,
    /// Whether decoding can start here.
    pub sync: bool,
    /// The bytes; kept by handle, never copied.
    pub data: Bytes,
}

/// What happened at the publisher.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "callers build it; a new event is a new contract"
)]
pub enum Event {
    /// A track that will come, and what playlists say of it: the renditions are not fixed before every announced track
    /// has its configuration and media, or [`Config::track_wait`](crate::Config::track_wait) has passed (MV-6). For a
    /// track that is there already, what playlists say changes.
    Announce {
        /// Which.
        track: TrackId,
        /// What playlists say of it.
        about: About,
    },
    /// A track's configuration record. Identical repeats are ignored; a change becomes a new init generation and a
    /// discontinuity at the leading track's next sync sample. Until then the track's samples are left out.
    Config {
        /// Whose.
        track: TrackId,
        /// How the record is to be read.
        codec: Codec,
        /// The record: avcC, hvcC, av1C, vpcC, AudioSpecificConfig, OpusHead, STREAMINFO, dac3, dec3. It may be empty
        /// where the samples say it all: Opus in stereo, AC-3, Enhanced AC-3.
        record: Bytes,
    },
    /// A cue of captions, for a text track that was announced. It must come before the picture of its time is
    /// complete: a segment of captions is closed with the picture's, and later cues go into the next one. Viewers at
    /// the live edge have it with the picture if it comes a segment's length before its time.
    Cue {
        /// Whose.
        track: TrackId,
        /// The cue.
        cue: Cue,
    },
    /// A date range, or more of one that is listed. It is listed in the media playlists of picture and sound until
    /// its last date has left the window.
    DateRange(DateRange),
    /// The show is over: `EXT-X-ENDLIST` everywhere, nothing after it.
    End,
    /// A message that goes into the next part. There must be media: what comes in a pause is refused.
    Message(Emsg),
    /// The next sample of a track.
    Sample {
        /// Whose.
        track: TrackId,
        /// The sample.
        sample: Sample,
    },
    /// A publisher begins. If there was media before, the next sync sample opens a discontinuity.
    Start {
        /// The wall clock at this moment, the only one that the machine ever sees of this publisher.
        wall: UnixMillis,
    },
    /// The publisher is gone. The open part and its segment are closed and the playlists wait.
    Stop,
}

/// What kind of body an object has.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(
    clippy::exhaustive_enums,
    reason = "callers map every kind to a key of their store"
)]
pub enum ObjectKind {
    /// `ftyp` and `moov`; `number` is the generation.
    Init,
    /// A partial segment; `number` is its counter.
    Part,
    /// A whole segment; `number` is its media sequence number.
    Segment,
}

/// The name of a body that viewers can ask for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build keys of their store from it and back"
)]
pub struct ObjectId {
    /// Whose.
    pub rendition: RenditionId,
    /// Which series `number` counts.
    pub kind: ObjectKind,
    /// Never reused, never goes back.
    pub number: u64,
}

/// A place in a playlist, in the order in which playlists grow.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "two coordinates")]
pub struct Point {
    /// Media sequence number.
    pub msn: u64,
    /// Index of the part in its segment; 0 in the series of closed segments.
    pub part: u64,
}

impl Point {
    /// Beyond every place: what an ended playlist has reached, so that every hold is released (DEL-1).
    pub const END: Self = Self {
        msn: u64::MAX,
        part: u64::MAX,
    };
}

/// The two series of a rendition that grow, and that requests wait on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_enums, reason = "the draft has two kinds of hold")]
pub enum Series {
    /// Closed segments: the point is (msn, 0). `_HLS_msn` alone waits on it.
    Closed,
    /// Listed parts: the point is (msn, part). `_HLS_msn` with `_HLS_part` waits on it.
    Listed,
}

/// What the presentation wants done, in this order within one event: objects, promises, advances.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a caller that ignores an output loses media"
)]
pub enum Output {
    /// A rendition's playlist has grown, or changed at the same points: stored text is outdated, requests that wait
    /// at or below the points are due. Comes for all renditions, after everything that the new text lists.
    Advanced {
        /// Whose.
        rendition: RenditionId,
        /// The last listed part; [`Point::END`] after the end.
        listed: Point,
        /// The last closed segment; (0, 0) before the first; [`Point::END`] after the end.
        closed: Point,
    },
    /// Every playlist has its end mark. The last output of a presentation.
    Ended,
    /// No playlist lists the object any more; it must stay available for some time (PL-5, PL-7).
    Expired {
        /// Which.
        object: ObjectId,
        /// Until when it must be kept.
        available_until: Instant,
    },
    /// An init segment.
    Init {
        /// Its name.
        object: ObjectId,
        /// All of it.
        body: Bytes,
    },
    /// A part: the header, then the payloads by handle.
    Part {
        /// Its name.
        object: ObjectId,
        /// What its bytes are, in order.
        body: Vec<Bytes>,
    },
    /// The name of an object that will exist: requests for it may wait from now on (PL-8).
    Promised {
        /// Its name.
        object: ObjectId,
    },
    /// A promise that will not be kept: requests for it get 404.
    Retracted {
        /// Its name.
        object: ObjectId,
    },
    /// A closed segment: its body is its parts' bodies one after the other (MUX-3).
    Segment {
        /// Its name.
        object: ObjectId,
        /// The parts in order.
        parts: Vec<ObjectId>,
    },
    /// A closed segment of captions, all of it.
    Text {
        /// Its name.
        object: ObjectId,
        /// The WebVTT file.
        body: Bytes,
    },
    /// Something that the operator should know and can often change.
    Warning(Warning),
}

/// What is not as it should be, though the show goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Sound stopped while the picture goes on; the missing time is filled with silence (AAC-LC and Opus in mono and
    /// stereo) or with the last frame of sound.
    AudioMissing {
        /// Which track.
        track: TrackId,
        /// How far sound is behind, in milliseconds.
        behind_ms: u64,
    },
    /// A cue came after the captions of its time were closed: it stands in the next segment, and where its time is
    /// over, it is shown from there on, for as long as it would have been. Said once, until a cue is in time again.
    CueLate {
        /// Which captions.
        track: TrackId,
        /// How late, in milliseconds.
        late_ms: u64,
    },
    /// Decode time left the timeline by more than the limits allow, in one step, or little by little because frames
    /// last longer than a part may; the presentation has a discontinuity there.
    Jump {
        /// Which track stepped.
        track: TrackId,
        /// By how much, in milliseconds; negative is back.
        by_ms: i64,
    },
    /// No key frame came in time, so the segment was cut without one and viewers join late. The encoder's key-frame
    /// interval (OBS: "Keyframe Interval", FFmpeg: `-g` divided by the frame rate) must be at most `target_s`.
    LongGop {
        /// Milliseconds since the last key frame.
        gop_ms: u64,
        /// The Target Duration, in seconds.
        target_s: u64,
    },
    /// A picture that does not lead has no key frame where the leading one's segment ended, within a part: its segment
    /// was cut without one, or where [`Config::independent_segments`](crate::Config::independent_segments) promises
    /// one, it is absent up to its next key frame. The encoder's key-frame interval (OBS: "Keyframe Interval", FFmpeg:
    /// `-g` divided by the frame rate) must be the same for all pictures, and none of them may have key frames of its
    /// own between (FFmpeg: `-sc_threshold 0`).
    Misaligned {
        /// Which.
        track: TrackId,
        /// How long one was waited for, in milliseconds; 0 where the segment could not become longer.
        late_ms: u64,
    },
    /// The publisher is silent or gone for longer than `absence_patience`: what
    /// [`Config::absence`](crate::Config::absence) says goes out until it is back.
    PublisherAbsent {
        /// Milliseconds since its leading track was last heard.
        silent_ms: u64,
    },
    /// No whole number of frames of this track makes a part of 85 to 100 % of the Part Target Duration, which is
    /// frozen: frames are stretched or squeezed in decode time, and shown when they are due. The encoder's frame rate
    /// should be what it was at the start, and the same for all pictures.
    RateUnfit {
        /// Which track.
        track: TrackId,
        /// Frames a second in thousandths.
        milli_fps: u64,
    },
    /// The slate is over: the publisher is back, or the show has ended.
    SlateOver {
        /// How much of it was shown, in milliseconds.
        shown_ms: u64,
    },
    /// The slate is shown from here on in place of the publisher. Media up to [`SlateOver`](Self::SlateOver) is not
    /// his.
    SlateShown,
    /// The slate cannot stand in for the publisher, so gaps do: it lacks a picture where he has one, or sound in a
    /// codec for which silence is not known, or its frames last longer than a part.
    SlateUnfit,
    /// A track that came after the renditions were fixed, or was announced and did not come in time: not shown until
    /// the publisher starts again.
    TrackIgnored {
        /// Which.
        track: TrackId,
    },
    /// A picture that does not lead stopped while the leading one goes on: its missing time is listed as absent.
    TrackMissing {
        /// Which.
        track: TrackId,
        /// How far it is behind, in milliseconds.
        behind_ms: u64,
    },
    /// The picture stopped, or never came, while sound goes on. Nothing is published without the picture: sound waits
    /// for it up to `limits.step_forward`, and what comes after that is left out until the picture is back.
    VideoMissing {
        /// How far the picture is behind, in milliseconds.
        behind_ms: u64,
    },
}
