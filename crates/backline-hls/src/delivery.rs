//! What a request gets: now, later, or a refusal. A pure function of request, state and time.

use std::time::Instant;

use crate::captions::Captions;
use crate::cutter::Targets;
use crate::event::{ObjectId, ObjectKind, Point, Series};
use crate::headers::Headers;
use crate::path::Path;
use crate::presentation::{Phase, Presentation};
use crate::query::Directives;
use crate::rendition::Rendition;
use crate::rendition_id::RenditionId;

/// What to do with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a server must handle all three")]
pub enum Decision {
    /// Send an object, or let the request wait if it is promised and not there yet.
    Object {
        /// Which.
        object: ObjectId,
        /// With what headers.
        headers: Headers,
    },
    /// Send a playlist in the newest version, once the hold is over.
    Playlist {
        /// Which, and in which form.
        playlist: Playlist,
        /// What to wait for, if it has not come yet.
        hold: Option<Hold>,
        /// With what headers.
        headers: Headers,
    },
    /// Send an error.
    Refuse {
        /// HTTP status.
        status: u16,
        /// Why; `Display` is text for the response's body.
        reason: Refusal,
        /// With what headers.
        headers: Headers,
    },
}

/// A playlist in one form: what is rendered once per version and shared by all viewers (PL-15).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers build keys of their store from it and back"
)]
pub struct Playlist {
    /// Whose media playlist; `None` is the multivariant playlist.
    pub rendition: Option<RenditionId>,
    /// How much of it.
    pub form: Form,
}

/// How much of a playlist is sent.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_enums, reason = "the draft has these three")]
pub enum Form {
    /// All of it.
    #[default]
    Full,
    /// A delta update without old segments: `_HLS_skip=YES`.
    Skip,
    /// A delta update without old segments and old date ranges: `_HLS_skip=v2`.
    SkipV2,
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "callers take it apart")]
pub struct Hold {
    /// Whose series.
    pub rendition: RenditionId,
    /// Which of its series.
    pub series: Series,
    /// The request is due when the series is at or beyond this point.
    pub point: Point,
    /// When to answer 503 instead (DEL-7).
    pub deadline: Instant,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A delivery directive is not a decimal number below 2^64.
    #[error("{0} is not a decimal number below 2^64")]
    DirectiveMalformed(&'static str),
    /// A delivery directive appears twice.
    #[error("{0} appears more than once")]
    DirectiveRepeated(&'static str),
    /// It is listed as absent: there is no such media, and never will be.
    #[error("its media is absent")]
    Absent,
    /// The object existed and is no longer kept.
    #[error("it has left the live window")]
    Gone,
    /// The object has not been announced.
    #[error("it has not been announced")]
    NotAnnounced,
    /// No publisher has been here yet.
    #[error("nothing is published here yet")]
    NotPublished,
    /// `_HLS_part` needs `_HLS_msn` (DEL-2).
    #[error("_HLS_part without _HLS_msn")]
    PartWithoutMsn,
    /// No such path in a presentation.
    #[error("no such playlist, part or segment")]
    PathUnknown,
    /// The query string is over its limits.
    #[error("the query string is too long")]
    QueryTooLong,
    /// The request is for media too far ahead of the live edge (DEL-6).
    #[error("it asks too far ahead of the live edge")]
    TooFarAhead,
}

/// Decides what a request gets, in the order of reference 2.5.
pub(crate) fn decide(
    presentation: &Presentation,
    now: Instant,
    path: &str,
    query: Option<&str>,
) -> Decision {
    let target_s = target_s(presentation);
    let refuse = |status, reason, max_age_s| Decision::Refuse {
        status,
        reason,
        headers: Headers::playlist(max_age_s),
    };
    let Some(path) = Path::parse(path) else {
        return refuse(404, Refusal::PathUnknown, target_s);
    };
    match path {
        Path::Gap => refuse(404, Refusal::Absent, target_s),
        Path::Multivariant => multivariant(presentation, now),
        Path::Object {
            rendition,
            kind,
            number,
        } => object(
            presentation,
            now,
            ObjectId {
                rendition,
                kind,
                number,
            },
        ),
        Path::Media(id) => {
            if !presentation.playable {
                // Before the tracks are known any rendition may come.
                let possible = usize::from(id.index()) < presentation.config.limits.renditions;
                let known = presentation.rendition(id).is_some()
                    || presentation.captioned(id).is_some()
                    || (presentation.renditions.is_empty() && possible);
                return first(
                    presentation,
                    now,
                    Playlist {
                        rendition: Some(id),
                        form: Form::Full,
                    },
                    known,
                );
            }
            let (Some(grown), Some(targets)) = (Grown::of(presentation, id), presentation.targets)
            else {
                return refuse(404, Refusal::PathUnknown, target_s);
            };
            let ended = presentation.phase == Phase::Ended;
            // The end mark comes first: nothing a query says can matter then (DEL-1).
            let query = query.filter(|_| !ended).unwrap_or("");
            match Directives::parse(query, &presentation.config.limits) {
                Err(reason) => refuse(400, reason, target_s.saturating_mul(4)),
                Ok(directives) => media(presentation, now, grown, &targets, directives),
            }
        }
    }
}

/// What a media playlist lists.
#[derive(Clone, Copy, Debug)]
enum Grown<'a> {
    /// Segments and parts.
    Parts(&'a Rendition),
    /// Segments alone.
    Whole(&'a Captions),
}

impl<'a> Grown<'a> {
    fn of(presentation: &'a Presentation, id: RenditionId) -> Option<Self> {
        if id.is_text() {
            presentation.captioned(id).map(Self::Whole)
        } else {
            presentation.rendition(id).map(Self::Parts)
        }
    }

    /// What is listed and what is closed, and the number of the segment that is being made.
    fn reached(self) -> (RenditionId, Point, Point, u64) {
        match self {
            Self::Parts(rendition) => {
                let (listed, closed) = rendition.points();
                let open = rendition.open.as_ref();
                let open_msn = open.map_or(rendition.next_msn, |open| open.msn);
                (rendition.id, listed, closed, open_msn)
            }
            Self::Whole(captions) => {
                let (listed, closed) = captions.points();
                (captions.id, listed, closed, captions.next_msn())
            }
        }
    }

    /// What a request for a segment or a part of it waits for. Where there are no parts, a segment is there with all
    /// that a part could be.
    fn point(self, msn: u64, part: Option<u64>) -> (Series, Point) {
        match (self, part) {
            (Self::Parts(rendition), Some(part)) => (Series::Listed, rolled(rendition, msn, part)),
            (Self::Parts(_) | Self::Whole(_), _) => (Series::Closed, Point { msn, part: 0 }),
        }
    }

    /// Whether a part that is not there yet is further ahead than a request may ask.
    fn beyond_advance(self, targets: &Targets, msn: u64, part: u64) -> bool {
        let Self::Parts(rendition) = self else {
            return false;
        };
        let parts = rendition
            .open
            .as_ref()
            .filter(|open| open.msn == msn)
            .map_or(0, |open| open.parts);
        // Counted from the last part, or from before the first.
        targets.beyond_advance(part.saturating_add(1).saturating_sub(parts))
    }
}

/// A media playlist that exists.
fn media(
    presentation: &Presentation,
    now: Instant,
    grown: Grown<'_>,
    targets: &Targets,
    directives: Directives,
) -> Decision {
    let target_s = target_s(presentation);
    let (id, listed, closed, open_msn) = grown.reached();
    let playlist = Playlist {
        rendition: Some(id),
        form: directives.form,
    };
    let Some(msn) = directives.msn else {
        return Decision::Playlist {
            playlist,
            hold: None,
            headers: Headers::playlist((target_s / 2).max(1)),
        };
    };
    let headers = Headers::playlist(target_s.saturating_mul(6));
    let too_far = Decision::Refuse {
        status: 400,
        reason: Refusal::TooFarAhead,
        headers: Headers::early(),
    };
    // L is the last closed segment, the open one L + 1.
    if msn > open_msn.saturating_add(1) {
        return too_far;
    }
    let (series, point) = grown.point(msn, directives.part);
    let reached = match series {
        Series::Closed => closed,
        Series::Listed => listed,
    };
    if reached >= point {
        return Decision::Playlist {
            playlist,
            hold: None,
            headers,
        };
    }
    let part = directives.part.filter(|_| point.msn == msn);
    if part.is_some_and(|part| grown.beyond_advance(targets, msn, part)) {
        return too_far;
    }
    let deadline = deadline(presentation, now);
    let hold = Hold {
        rendition: id,
        series,
        point,
        deadline,
    };
    Decision::Playlist {
        playlist,
        hold: Some(hold),
        headers,
    }
}

/// Part `part` of segment `msn`; beyond the end of a closed segment it is the next one's first (DEL-4).
fn rolled(rendition: &Rendition, msn: u64, part: u64) -> Point {
    let beyond = rendition
        .closed
        .iter()
        .rev()
        .find(|segment| segment.msn == msn)
        .is_some_and(|segment| part >= segment.parts);
    if beyond {
        Point {
            msn: msn.saturating_add(1),
            part: 0,
        }
    } else {
        Point { msn, part }
    }
}

fn multivariant(presentation: &Presentation, now: Instant) -> Decision {
    let playlist = Playlist {
        rendition: None,
        form: Form::Full,
    };
    if !presentation.playable {
        return first(presentation, now, playlist, true);
    }
    let headers = Headers::playlist((target_s(presentation) / 2).max(1));
    Decision::Playlist {
        playlist,
        hold: None,
        headers,
    }
}

/// A playlist that does not exist yet: wait for it while a publisher is there.
fn first(presentation: &Presentation, now: Instant, playlist: Playlist, known: bool) -> Decision {
    let publishing = matches!(
        presentation.phase,
        Phase::Gathering | Phase::Live | Phase::Waiting
    );
    if !publishing || !known {
        let reason = if publishing {
            Refusal::PathUnknown
        } else {
            Refusal::NotPublished
        };
        return Decision::Refuse {
            status: 404,
            reason,
            headers: Headers::moment(),
        };
    }
    let rendition = playlist.rendition.unwrap_or(RenditionId::MULTIVARIANT);
    let point = Point {
        msn: presentation.config.numbering.msn,
        part: 0,
    };
    let hold = Hold {
        rendition,
        series: Series::Listed,
        point,
        deadline: deadline(presentation, now),
    };
    Decision::Playlist {
        playlist,
        hold: Some(hold),
        headers: Headers::playlist(1),
    }
}

fn object(presentation: &Presentation, now: Instant, object: ObjectId) -> Decision {
    let target_s = target_s(presentation);
    let ObjectId {
        rendition: id,
        kind,
        number,
    } = object;
    let refuse = |status, reason, headers| Decision::Refuse {
        status,
        reason,
        headers,
    };
    if let Some(captions) = presentation.captioned(id) {
        return page(presentation, now, captions, object);
    }
    let Some(rendition) = presentation.rendition(id) else {
        return if presentation.renditions.is_empty() {
            refuse(404, Refusal::NotPublished, Headers::moment())
        } else {
            refuse(404, Refusal::PathUnknown, Headers::playlist(target_s))
        };
    };
    let ended = presentation.phase == Phase::Ended;
    let (kept, next) = match kind {
        ObjectKind::Init => (
            &rendition.inits_kept,
            rendition
                .next_init
                .unwrap_or(rendition.init)
                .saturating_add(1),
        ),
        // The next part is announced: a request for it may wait (PL-8).
        ObjectKind::Part => (
            &rendition.parts_kept,
            rendition.next_part.saturating_add(u64::from(!ended)),
        ),
        ObjectKind::Segment => (
            &rendition.segments_kept,
            rendition
                .closed
                .back()
                .map_or(0, |last| last.msn.saturating_add(1)),
        ),
    };
    if number >= next || kept.before(number) {
        return refuse(404, Refusal::NotAnnounced, Headers::early());
    }
    if kind == ObjectKind::Segment && rendition.is_gap(number) {
        return refuse(404, Refusal::Absent, Headers::playlist(target_s));
    }
    if kept.gone(number, presentation.clock.ns(now)) {
        return refuse(410, Refusal::Gone, Headers::playlist(target_s));
    }
    // Sound first: it is small, and a player without it shows nothing.
    let priority = match (id, kind) {
        (_, ObjectKind::Init) => 2,
        (id, _) if id.is_audio() => 2,
        _ => 3,
    };
    let headers = Headers::object(
        rendition.content_type,
        priority,
        target_s.saturating_mul(6),
        true,
    );
    Decision::Object { object, headers }
}

/// A segment of captions.
fn page(
    presentation: &Presentation,
    now: Instant,
    captions: &Captions,
    object: ObjectId,
) -> Decision {
    let target_s = target_s(presentation);
    let number = object.number;
    let refuse = |status, reason, headers| Decision::Refuse {
        status,
        reason,
        headers,
    };
    if object.kind != ObjectKind::Segment {
        return refuse(404, Refusal::PathUnknown, Headers::playlist(target_s));
    }
    if captions.is_absent(number) {
        return refuse(404, Refusal::Absent, Headers::playlist(target_s));
    }
    if number >= captions.next_msn() || captions.kept.before(number) {
        return refuse(404, Refusal::NotAnnounced, Headers::early());
    }
    if captions.kept.gone(number, presentation.clock.ns(now)) {
        return refuse(410, Refusal::Gone, Headers::playlist(target_s));
    }
    let lifetime_s = target_s.saturating_mul(6);
    let headers = Headers::object(object.rendition.content_type(), 3, lifetime_s, true);
    Decision::Object { object, headers }
}

fn target_s(presentation: &Presentation) -> u32 {
    let planned = presentation.config.segment_target.as_secs().max(1);
    u32::try_from(
        presentation
            .targets
            .map_or(planned, |targets| targets.target_s),
    )
    .unwrap_or(u32::MAX)
}

fn deadline(presentation: &Presentation, now: Instant) -> Instant {
    let cap = presentation.config.limits.hold;
    let hold = presentation
        .targets
        .map_or(cap, |targets| targets.hold(cap));
    now.checked_add(hold).unwrap_or(now)
}
