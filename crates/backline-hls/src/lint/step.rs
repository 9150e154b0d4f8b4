//! What may change from one playlist of a rendition to a later one.

use core::time::Duration;
use std::collections::BTreeMap;

use super::report::Findings;
use super::rule::Rule;
use crate::m3u8::{DateRange, HintKind, Media, Part, Segment};

/// Looks at two playlists of one rendition, the second one newer.
pub(super) fn check(findings: &mut Findings, place: &str, before: &Media, after: &Media) {
    frozen(findings, place, before, after);
    numbers(findings, place, before, after);
    segments(findings, place, before, after);
    window(findings, place, before, after);
    hint_comes_true(findings, place, before, after);
    date_ranges(findings, place, before, after);
    if before.end_list {
        findings.need(Rule::Pl1, place, after.end_list, || {
            "EXT-X-ENDLIST is gone".to_owned()
        });
    }
}

fn frozen(findings: &mut Findings, place: &str, before: &Media, after: &Media) {
    let (old, new) = (before.target_duration_s, after.target_duration_s);
    findings.need(Rule::Seg1, place, old == new, || {
        format!("EXT-X-TARGETDURATION changed from {old} to {new}")
    });
    if before.part_target.is_some() || after.part_target.is_some() {
        let (old, new) = (before.part_target, after.part_target);
        findings.need(Rule::Seg2, place, old == new, || {
            format!("PART-TARGET changed from {old:?} to {new:?}")
        });
    }
    let (old, new) = (before.server_control, after.server_control);
    if old.is_some() || new.is_some() {
        findings.need(Rule::Pl4, place, old == new, || {
            format!("EXT-X-SERVER-CONTROL changed from {old:?} to {new:?}")
        });
    }
}

fn numbers(findings: &mut Findings, place: &str, before: &Media, after: &Media) {
    let (old, new) = (before.media_sequence, after.media_sequence);
    findings.need(Rule::Seg10, place, new >= old, || {
        format!("EXT-X-MEDIA-SEQUENCE went back from {old} to {new}")
    });
    let removed = before
        .segments
        .iter()
        .take_while(|segment| segment.msn < new);
    let removed = removed.filter(|segment| segment.discontinuity).count() as u64;
    let (old, new) = (
        before.discontinuity_sequence.unwrap_or(0),
        after.discontinuity_sequence.unwrap_or(0),
    );
    findings.need(Rule::Seg10, place, new >= old, || {
        format!("EXT-X-DISCONTINUITY-SEQUENCE went back from {old} to {new}")
    });
    // When more than a whole playlist has gone, what went in between is not known.
    if new >= old && after.media_sequence <= before.open.msn {
        findings.need(Rule::Pl6, place, new == old.saturating_add(removed), || {
            format!("EXT-X-DISCONTINUITY-SEQUENCE from {old} to {new}, {removed} EXT-X-DISCONTINUITY removed")
        });
    }
}

fn segments(findings: &mut Findings, place: &str, before: &Media, after: &Media) {
    if after.media_sequence < before.media_sequence {
        return;
    }
    let later: BTreeMap<u64, &Segment> = after.all().map(|one| (one.msn, one)).collect();
    for old in before.all() {
        let begun = !old.uri.is_empty() || !old.parts.is_empty();
        if !begun || old.msn < after.media_sequence {
            continue;
        }
        let changed = match later.get(&old.msn) {
            None => Some("is gone".to_owned()),
            Some(new) => difference(old, new),
        };
        findings.need(Rule::Pl1, place, changed.is_none(), || {
            format!("segment {} {}", old.msn, changed.unwrap_or_default())
        });
    }
}

/// How a segment that had begun differs from what it is later.
fn difference(old: &Segment, new: &Segment) -> Option<String> {
    let closed = !old.uri.is_empty();
    if closed && (old.uri != new.uri || old.byte_range != new.byte_range) {
        return Some(format!("was {}, is {}", old.uri, new.uri));
    }
    if closed && old.duration != new.duration {
        return Some(format!(
            "lasted {:?}, lasts {:?}",
            old.duration, new.duration
        ));
    }
    if old.discontinuity != new.discontinuity {
        return Some("changed its EXT-X-DISCONTINUITY".to_owned());
    }
    if old.program_date_time_us.is_some() && old.program_date_time_us != new.program_date_time_us {
        return Some("changed its EXT-X-PROGRAM-DATE-TIME".to_owned());
    }
    if old.map.is_some() && new.map.is_some() && old.map != new.map {
        return Some("changed its EXT-X-MAP".to_owned());
    }
    let same = |(old, new): (&Part, &Part)| {
        (
            &old.uri,
            old.duration,
            old.independent,
            old.gap,
            old.byte_range,
        ) == (
            &new.uri,
            new.duration,
            new.independent,
            new.gap,
            new.byte_range,
        )
    };
    // Parts are appended while the segment is open, and all of them leave when it is old.
    let listed = !new.parts.is_empty() || new.uri.is_empty();
    let kept = new.parts.len() >= old.parts.len() && old.parts.iter().zip(&new.parts).all(same);
    if listed && !kept {
        return Some("changed its parts".to_owned());
    }
    (closed && new.parts.len() > old.parts.len()).then(|| "was closed and grew".to_owned())
}

/// A live playlist does not become shorter than three target durations.
fn window(findings: &mut Findings, place: &str, before: &Media, after: &Media) {
    let removed = after.media_sequence > before.media_sequence;
    if !removed || after.end_list {
        return;
    }
    let total = |media: &Media| {
        let all = media.segments.iter().map(|segment| segment.duration);
        all.fold(Duration::ZERO, Duration::saturating_add)
    };
    let least = Duration::from_secs(after.target_duration_s.saturating_mul(3));
    let (old, new) = (total(before), total(after));
    findings.need(Rule::Pl6, place, new >= least || new >= old, || {
        let (new, least) = (new.as_secs_f64(), least.as_secs());
        format!("segments were removed, {new} s are left, 3 x target duration is {least} s")
    });
    let typed = after.playlist_type.is_some();
    findings.need(Rule::Pl6, place, !typed, || {
        "segments were removed under an EXT-X-PLAYLIST-TYPE".to_owned()
    });
}

/// The URI of a hint is that of the part that comes next.
fn hint_comes_true(findings: &mut Findings, place: &str, before: &Media, after: &Media) {
    let mut hints = before.preload_hints.iter();
    let Some(hint) = hints.find(|hint| hint.kind == HintKind::Part) else {
        return;
    };
    if before.open.msn < after.media_sequence {
        return;
    }
    let had = before.open.parts.len();
    let grown = after.all().filter(|segment| segment.msn >= before.open.msn);
    let new = grown.flat_map(|segment| {
        let known = if segment.msn == before.open.msn {
            had
        } else {
            0
        };
        segment.parts.iter().skip(known)
    });
    // The next part may be a gap: then nothing comes under the hinted URI.
    if let Some(next) = new.into_iter().find(|part| !part.gap) {
        findings.need(Rule::Pl8, place, next.uri == hint.uri, || {
            format!("{} was hinted, {} came", hint.uri, next.uri)
        });
    }
}

fn date_ranges(findings: &mut Findings, place: &str, before: &Media, after: &Media) {
    let first = after
        .segments
        .iter()
        .find_map(|segment| segment.program_date_time_us);
    let later: BTreeMap<&str, &DateRange> = by_id(&after.date_ranges);
    for old in &before.date_ranges {
        let new = later.get(old.id.as_str());
        let ends = old.end_date_us.or_else(|| {
            let lasts = i64::try_from(old.duration.unwrap_or_default().as_micros()).ok()?;
            old.start_date_us.map(|start| start.saturating_add(lasts))
        });
        let listed = ends.zip(first).is_some_and(|(ends, first)| ends >= first);
        findings.need(Rule::Pl14, place, new.is_some() || !listed, || {
            format!(
                "date range {} is gone, and its dates are still listed",
                old.id
            )
        });
        if let Some(new) = new {
            let same = old.start_date_us.is_none() || old.start_date_us == new.start_date_us;
            findings.need(Rule::Pl14, place, same && old.class == new.class, || {
                format!("date range {} changed its START-DATE or CLASS", old.id)
            });
        }
    }
}

/// Date ranges by their ID; of several tags the last one.
pub(super) fn by_id(ranges: &[DateRange]) -> BTreeMap<&str, &DateRange> {
    ranges
        .iter()
        .map(|range| (range.id.as_str(), range))
        .collect()
}
