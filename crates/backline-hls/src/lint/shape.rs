//! What one media playlist must be, whatever came before.

use core::time::Duration;

use super::ns;
use super::report::Findings;
use super::rule::Rule;
use crate::m3u8::{HintKind, Media, Segment};

/// How far a date may be from where the durations put it: less is rounding, more is another clock.
const DATE_SLACK_US: i64 = 100_000;

/// Looks at a whole playlist.
pub(super) fn check(findings: &mut Findings, place: &str, media: &Media) {
    targets(findings, place, media);
    control(findings, place, media);
    dates(findings, place, media);
    discontinuities(findings, place, media);
    maps(findings, place, media);
    if media.part_target.is_some() {
        parts(findings, place, media);
        order(findings, place, media);
        hints(findings, place, media);
        parts_stay_listed(findings, place, media);
    }
    if media.end_list {
        let count = media.preload_hints.len();
        findings.need(Rule::Seg11, place, count == 0, || {
            format!("{count} EXT-X-PRELOAD-HINT beside EXT-X-ENDLIST")
        });
    }
}

fn targets(findings: &mut Findings, place: &str, media: &Media) {
    let target = media.target_duration_s;
    findings.need(Rule::Seg1, place, target >= 1, || {
        "EXT-X-TARGETDURATION:0".to_owned()
    });
    for segment in &media.segments {
        let half_up = segment.duration.saturating_add(Duration::from_millis(500));
        findings.need(Rule::Seg1, place, half_up.as_secs() <= target, || {
            let (msn, duration) = (segment.msn, segment.duration.as_secs_f64());
            format!("segment {msn} lasts {duration} s, EXT-X-TARGETDURATION:{target}")
        });
    }
}

fn control(findings: &mut Findings, place: &str, media: &Media) {
    let target = Duration::from_secs(media.target_duration_s);
    let control = media.server_control.unwrap_or_default();
    if let Some(part) = media.part_target {
        let back = control.part_hold_back;
        let wanted = part.saturating_mul(3);
        let holds = back.is_some_and(|back| back >= wanted);
        findings.need(Rule::Pl2, place, holds, || match back {
            None => "EXT-X-PART-INF without PART-HOLD-BACK".to_owned(),
            Some(back) => format!(
                "PART-HOLD-BACK={}, and 3 x PART-TARGET is {} (2 x is the least that the draft allows)",
                back.as_secs_f64(),
                wanted.as_secs_f64()
            ),
        });
        findings.need(Rule::Del3, place, control.can_block_reload, || {
            "EXT-X-SERVER-CONTROL has no CAN-BLOCK-RELOAD=YES".to_owned()
        });
    }
    for (name, value, times) in [
        ("HOLD-BACK", control.hold_back, 3),
        ("CAN-SKIP-UNTIL", control.can_skip_until, 6),
    ] {
        let Some(value) = value else { continue };
        let wanted = target.saturating_mul(times);
        findings.need(Rule::Pl3, place, value >= wanted, || {
            let (value, target) = (value.as_secs_f64(), media.target_duration_s);
            format!("{name}={value}, and {times} x EXT-X-TARGETDURATION:{target} is more")
        });
    }
    if control.can_skip_date_ranges {
        findings.need(Rule::Pl3, place, control.can_skip_until.is_some(), || {
            "CAN-SKIP-DATERANGES without CAN-SKIP-UNTIL".to_owned()
        });
    }
}

fn dates(findings: &mut Findings, place: &str, media: &Media) {
    let dated = media
        .all()
        .any(|segment| segment.program_date_time_us.is_some());
    if media.part_target.is_some() {
        findings.need(Rule::Seg8, place, dated, || {
            "no EXT-X-PROGRAM-DATE-TIME".to_owned()
        });
    }
    let mut expected: Option<i64> = None;
    for segment in media.all() {
        if segment.discontinuity {
            expected = None;
        }
        if let (Some(date), Some(wanted)) = (segment.program_date_time_us, expected) {
            let apart = date.saturating_sub(wanted);
            let holds = apart.saturating_abs() <= DATE_SLACK_US;
            findings.need(Rule::Seg8, place, holds, || {
                let (msn, apart) = (segment.msn, apart / 1_000);
                format!(
                    "segment {msn} is dated {apart} ms beside where the durations before it end"
                )
            });
        }
        let from = segment.program_date_time_us.or(expected);
        let lasts = i64::try_from(segment.duration.as_micros()).unwrap_or(i64::MAX);
        expected = from.map(|from| from.saturating_add(lasts));
    }
}

fn discontinuities(findings: &mut Findings, place: &str, media: &Media) {
    let any = media.segments.iter().any(|segment| segment.discontinuity);
    if any && !media.end_list {
        let written = media.discontinuity_sequence.is_some();
        findings.need(Rule::Pl6, place, written, || {
            "EXT-X-DISCONTINUITY without EXT-X-DISCONTINUITY-SEQUENCE".to_owned()
        });
    }
}

fn maps(findings: &mut Findings, place: &str, media: &Media) {
    let mut before: Option<&Segment> = None;
    for segment in media
        .all()
        .filter(|one| !one.uri.is_empty() || !one.parts.is_empty())
    {
        let map = segment.map.as_ref();
        if let (Some(map), Some(old)) = (map, before.and_then(|before| before.map.as_ref()))
            && map != old
        {
            findings.need(Rule::Mux7, place, segment.discontinuity, || {
                let msn = segment.msn;
                format!(
                    "segment {msn} has {}, the one before {}, no EXT-X-DISCONTINUITY",
                    map.uri, old.uri
                )
            });
        }
        before = Some(segment);
    }
}

fn parts(findings: &mut Findings, place: &str, media: &Media) {
    let target = media.part_target.unwrap_or_default();
    let seconds = target.as_secs_f64();
    for segment in media.all() {
        for (index, part) in segment.parts.iter().enumerate() {
            let (uri, lasts) = (&part.uri, part.duration.as_secs_f64());
            findings.need(Rule::Seg2, place, part.duration <= target, || {
                format!("{uri} lasts {lasts} s, PART-TARGET={seconds}")
            });
            let next = segment.parts.get(index.saturating_add(1));
            // The newest part may still turn out to be the last of its segment.
            let excused = part.independent || part.gap || next.is_none_or(|next| next.gap);
            let long = ns(part.duration).saturating_mul(100) >= ns(target).saturating_mul(85);
            findings.need(Rule::Seg3, place, long || excused, || {
                format!("{uri} lasts {lasts} s of PART-TARGET={seconds}")
            });
        }
        if !segment.uri.is_empty() && !segment.parts.is_empty() && !segment.gap {
            let independent = segment
                .parts
                .iter()
                .any(|part| part.independent || part.gap);
            findings.need(Rule::Seg4, place, independent, || {
                format!("no part of segment {} is INDEPENDENT=YES", segment.msn)
            });
        }
    }
}

/// Tags of a segment before its first part.
fn order(findings: &mut Findings, place: &str, media: &Media) {
    const EARLY: [&str; 4] = [
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-KEY:",
        "#EXT-X-MAP:",
        "#EXT-X-PROGRAM-DATE-TIME:",
    ];
    for segment in media.all().filter(|segment| !segment.parts.is_empty()) {
        let behind = segment
            .lines()
            .skip_while(|line| !line.starts_with("#EXT-X-PART:"));
        let mut late = behind.filter(|line| EARLY.iter().any(|tag| line.starts_with(tag)));
        let late = late.next();
        findings.need(Rule::Pl11, place, late.is_none(), || {
            let (msn, line) = (segment.msn, late.unwrap_or_default());
            format!("{line} stands behind a part of segment {msn}")
        });
    }
}

fn hints(findings: &mut Findings, place: &str, media: &Media) {
    if media.end_list {
        return;
    }
    let of_parts = media
        .preload_hints
        .iter()
        .filter(|hint| hint.kind == HintKind::Part);
    let count = of_parts.count();
    findings.need(Rule::Pl8, place, count == 1, || {
        format!("{count} EXT-X-PRELOAD-HINT of TYPE=PART")
    });
}

fn parts_stay_listed(findings: &mut Findings, place: &str, media: &Media) {
    if media.end_list {
        return;
    }
    let keep = Duration::from_secs(media.target_duration_s.saturating_mul(3));
    let open = media.open.parts.iter().map(|part| part.duration);
    let mut from_end = open.fold(Duration::ZERO, Duration::saturating_add);
    for segment in media.segments.iter().rev() {
        if from_end >= keep {
            return;
        }
        let listed = !segment.parts.is_empty() || segment.gap;
        findings.need(Rule::Pl5, place, listed, || {
            let (msn, from_end) = (segment.msn, from_end.as_secs_f64());
            format!("segment {msn} ends {from_end} s from the end without its parts")
        });
        from_end = from_end.saturating_add(segment.duration);
    }
}
