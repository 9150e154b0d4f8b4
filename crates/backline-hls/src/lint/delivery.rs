//! What a request for a playlist must get (section 6.2.5).

use core::time::Duration;

use super::follower::Reached;
use super::ns;
use super::report::Findings;
use super::rule::Rule;
use super::url::{Directives, Skip};
use crate::m3u8::Media;

/// What is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Due {
    /// A refusal, at once.
    Refusal(Rule),
    /// A playlist, at once.
    Now(Rule),
    /// A playlist when it has what was asked for: a segment, or a part of it.
    Hold(Rule, u64, Option<u64>),
    /// A playlist; nothing was asked for.
    Plain,
}

/// The Advance Part Limit: how many parts beyond the last one may be asked for (section 6.2.5.2).
pub(super) fn advance_limit(media: &Media) -> u64 {
    let target = media.part_target.unwrap_or(Duration::from_secs(1));
    let ms = u64::try_from(target.as_millis()).unwrap_or(u64::MAX);
    match ms {
        0..1_000 => 3_000u64
            .checked_div(ms.max(1))
            .unwrap_or(3)
            .saturating_add(1),
        _ => 3,
    }
}

/// What is due to a request: `sent` is what was known when it went out, `now` what is known when the answer is here.
pub(super) fn due(
    directives: &Directives,
    sent: Option<Reached>,
    now: Option<Reached>,
    limit: u64,
) -> Due {
    let asked = directives.msn.is_some() || directives.part.is_some() || directives.malformed;
    let (Some(sent), Some(now)) = (sent, now) else {
        return Due::Plain;
    };
    if sent.ended && (asked || directives.skip.is_some()) {
        return Due::Now(Rule::Del1);
    }
    if directives.malformed {
        return Due::Refusal(Rule::Del12);
    }
    let Some(msn) = directives.msn else {
        return match directives.part {
            Some(_) => Due::Refusal(Rule::Del2),
            None => Due::Plain,
        };
    };
    // The last segment is one before the open one; two beyond it may be asked for.
    if msn > now.msn.saturating_add(1) {
        return Due::Refusal(Rule::Del6);
    }
    if msn < sent.media_sequence {
        return Due::Now(Rule::Del5);
    }
    let Some(part) = directives.part else {
        return match sent.msn > msn {
            true => Due::Now(Rule::Del3),
            false => Due::Hold(Rule::Del3, msn, None),
        };
    };
    if msn == now.msn && part > now.parts.saturating_add(limit) {
        return Due::Refusal(Rule::Del6);
    }
    let past =
        sent.closed_parts > 0 && msn.saturating_add(1) == sent.msn && part >= sent.closed_parts;
    let (msn, part) = if past { (sent.msn, 0) } else { (msn, part) };
    match sent.has_part(msn, part) {
        true => Due::Now(Rule::Del4),
        false => Due::Hold(Rule::Del4, msn, Some(part)),
    }
}

/// How long an answer took, and how long is too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) for_ns: u64,
    pub(super) slack_ns: u64,
    pub(super) target_s: u64,
}

impl Held {
    fn seconds(&self) -> f64 {
        Duration::from_nanos(self.for_ns).as_secs_f64()
    }

    fn is_short(&self) -> bool {
        self.for_ns <= self.slack_ns
    }

    /// Whether it was within three target durations.
    pub(super) fn is_allowed(&self) -> bool {
        let most = Duration::from_secs(self.target_s.saturating_mul(3));
        self.for_ns <= ns(most).saturating_add(self.slack_ns)
    }
}

/// Looks at status and time of an answer.
pub(super) fn answer(findings: &mut Findings, place: &str, due: Due, status: u16, held: Held) {
    match due {
        Due::Refusal(rule) => {
            findings.need(rule, place, status == 400 && held.is_short(), || {
                format!(
                    "status {status} after {:.3} s, expected 400 at once",
                    held.seconds()
                )
            });
        }
        Due::Now(rule) => {
            findings.need(rule, place, status == 200 && held.is_short(), || {
                format!(
                    "status {status} after {:.3} s, expected 200 at once",
                    held.seconds()
                )
            });
        }
        Due::Hold(rule, ..) => {
            findings.need(Rule::Del7, place, held.is_allowed(), || {
                let target = held.target_s;
                format!(
                    "held for {:.3} s, the target duration is {target} s",
                    held.seconds()
                )
            });
            let known = matches!(status, 200 | 503);
            findings.need(rule, place, known, || format!("status {status}"));
        }
        Due::Plain => {
            findings.need(Rule::Del9, place, status == 200, || {
                format!("status {status}")
            });
        }
    }
}

/// Looks at the playlist that was held for.
pub(super) fn reached(findings: &mut Findings, place: &str, due: Due, media: &Media) {
    let Due::Hold(rule, msn, part) = due else {
        return;
    };
    let reached = Reached::of(media);
    let holds = match part {
        Some(part) => reached.has_part(msn, part),
        None => reached.msn > msn,
    };
    findings.need(rule, place, holds || media.end_list, || {
        let (last, parts) = (reached.msn, reached.parts);
        format!("answered with segment {last} of {parts} parts as its open one")
    });
}

/// Looks at a delta update by itself.
pub(super) fn delta(findings: &mut Findings, place: &str, asked: Option<Skip>, media: &Media) {
    let Some(skip) = &media.skip else { return };
    let rule = Rule::Pl10;
    findings.need(rule, place, asked.is_some(), || {
        "EXT-X-SKIP in the answer to a request without _HLS_skip".to_owned()
    });
    findings.need(rule, place, skip.segments > 0, || {
        "SKIPPED-SEGMENTS=0".to_owned()
    });
    let lists = skip.removed_date_ranges.is_some();
    findings.need(
        rule,
        place,
        lists == (asked == Some(Skip::DateRanges)),
        || match lists {
            true => "RECENTLY-REMOVED-DATERANGES in the answer to _HLS_skip=YES".to_owned(),
            false => "no RECENTLY-REMOVED-DATERANGES in the answer to _HLS_skip=v2".to_owned(),
        },
    );
    let boundary = media
        .server_control
        .and_then(|control| control.can_skip_until);
    let left = media.listed();
    let holds = boundary.is_some_and(|boundary| left >= boundary);
    findings.need(rule, place, holds, || match boundary {
        None => "EXT-X-SKIP without CAN-SKIP-UNTIL".to_owned(),
        Some(boundary) => format!(
            "{} s are left behind EXT-X-SKIP, CAN-SKIP-UNTIL={}",
            left.as_secs_f64(),
            boundary.as_secs_f64()
        ),
    });
}
