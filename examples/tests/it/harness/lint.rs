//! The rules of rfc8216bis-22 over what a viewer was given. The ids are those that the tests of `backline-hls` use.

use std::collections::BTreeMap;

use super::collect::{Recording, Rendition, rendition_uris};
use super::playlist::{Media, Segment, UNITS_A_SECOND, Units};

/// Every rule over every playlist of a recording.
pub(crate) fn findings(recording: &Recording) -> Vec<String> {
    let mut found = multivariant(&recording.multivariant);
    for rendition in &recording.renditions {
        let mut of_this = Vec::new();
        for fetched in &rendition.playlists {
            of_this.extend(shape(&fetched.media, recording.renditions.len()));
            if let Some((msn, part)) = fetched.asked
                && !has_reached(&fetched.media, msn, part)
            {
                of_this.push(format!(
                    "asked for part {part} of {msn}, answered without it (DEL-4)"
                ));
            }
        }
        for pair in rendition.playlists.windows(2) {
            of_this.extend(step(&pair[0].media, &pair[1].media));
        }
        of_this.extend(hints_come_true(rendition));
        of_this.sort();
        of_this.dedup();
        found.extend(
            of_this
                .into_iter()
                .map(|finding| format!("{}: {finding}", rendition.uri)),
        );
    }
    found.extend(together(recording));
    found
}

fn multivariant(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text
        .lines()
        .filter(|line| line.starts_with("#EXT-X-STREAM-INF:"))
    {
        for wanted in ["BANDWIDTH=", "CODECS=\""] {
            if !line.contains(wanted) {
                found.push(format!("{line}: no {wanted} (MV-1)"));
            }
        }
    }
    if !text.contains("#EXT-X-STREAM-INF:") {
        found.push(format!(
            "no STREAM-INF in the multivariant playlist:\n{text}"
        ));
    }
    found
}

/// Whether a playlist holds part `part` of segment `msn`, or anything later.
pub(crate) fn has_reached(media: &Media, msn: u64, part: u64) -> bool {
    media.open.msn > msn
        || (media.open.msn == msn && media.open.parts.len() as u64 > part)
        || media.ended
}

/// What one playlist must be.
fn shape(media: &Media, renditions: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut need = |holds: bool, finding: String| {
        if !holds {
            found.push(finding);
        }
    };
    let second = UNITS_A_SECOND;
    let target = media.target_duration * second;
    need(
        media.target_duration >= 1,
        "TARGETDURATION of zero (SEG-1)".into(),
    );
    need(media.part_target > 0, "no PART-TARGET (PL-2)".into());
    let highest = if media.skipped > 0 { 9 } else { 6 };
    need(
        media.version <= highest,
        format!(
            "VERSION {} where {highest} is enough (PL-12)",
            media.version
        ),
    );
    let hold_back = media.control("PART-HOLD-BACK").unwrap_or_default();
    need(
        hold_back >= 3 * media.part_target,
        format!("PART-HOLD-BACK {hold_back} under 3 PT (PL-2)"),
    );
    need(
        media
            .control("HOLD-BACK")
            .is_none_or(|back| back >= 3 * target),
        "HOLD-BACK under 3 TD (PL-3)".into(),
    );
    need(
        media
            .control("CAN-SKIP-UNTIL")
            .is_none_or(|until| until >= 6 * target),
        "CAN-SKIP-UNTIL under 6 TD (PL-3)".into(),
    );
    let blocks = media
        .server_control
        .get("CAN-BLOCK-RELOAD")
        .map(String::as_str);
    need(blocks == Some("YES"), "no CAN-BLOCK-RELOAD".into());
    let hints = media
        .hints
        .iter()
        .filter(|(kind, _)| kind == "PART")
        .count();
    need(
        hints == usize::from(!media.ended),
        format!("{hints} PART hints, ended: {} (PL-8, SEG-11)", media.ended),
    );
    need(
        media.reports.len() == renditions - 1 || media.ended,
        format!(
            "{} rendition reports, {} other renditions (PL-9)",
            media.reports.len(),
            renditions - 1
        ),
    );
    found.extend(closed_segments(media));
    found.extend(dates_follow_durations(media));
    found.extend(parts_keep_the_target(media));
    found.extend(parts_stay_listed(media));
    found
}

/// What each closed segment must be.
fn closed_segments(media: &Media) -> Vec<String> {
    let mut found = Vec::new();
    let mut need = |holds: bool, finding: String| {
        if !holds {
            found.push(finding);
        }
    };
    let second = UNITS_A_SECOND;
    for segment in &media.segments {
        let (msn, rounded) = (segment.msn, (segment.duration + second / 2) / second);
        need(
            rounded <= media.target_duration,
            format!("segment {msn} of {} over TD (SEG-1)", segment.duration),
        );
        need(
            segment.date.is_some(),
            format!("segment {msn} has no PROGRAM-DATE-TIME (SEG-8)"),
        );
        need(!segment.map.is_empty(), format!("segment {msn} has no MAP"));
        let sum: Units = segment.parts.iter().map(|part| part.duration).sum();
        let apart = sum.abs_diff(segment.duration);
        need(
            segment.parts.is_empty() || apart <= segment.parts.len() as Units,
            format!(
                "segment {msn}: parts of {sum} in {} (MUX-3)",
                segment.duration
            ),
        );
    }
    found
}

/// Dates go on by the durations between two discontinuities (SEG-8).
fn dates_follow_durations(media: &Media) -> Vec<String> {
    let mut found = Vec::new();
    for pair in media.segments.windows(2) {
        if let (Some(before), Some(after), false) =
            (pair[0].date, pair[1].date, pair[1].discontinuity)
        {
            let lasted = i64::try_from(pair[0].duration / 100).expect("a duration is short");
            if (after - before - lasted).abs() > 2 {
                let msn = pair[1].msn;
                found.push(format!(
                    "segment {msn} is dated {} ms after one of {lasted} ms (SEG-8)",
                    after - before
                ));
            }
        }
    }
    found
}

/// No part over the part target, and none under 85 % of it but where the draft excuses it (SEG-2, SEG-3).
fn parts_keep_the_target(media: &Media) -> Vec<String> {
    let mut found = Vec::new();
    for segment in media.all() {
        let closed = !segment.uri.is_empty();
        for (place, part) in segment.parts.iter().enumerate() {
            let what = format!(
                "{} of {}, target {}",
                part.uri, part.duration, media.part_target
            );
            if part.duration > media.part_target {
                found.push(format!("{what} (SEG-2)"));
            }
            let next = segment.parts.get(place + 1);
            // The newest part may still turn out to be the last of its parent.
            let excused = part.independent || part.gap || next.is_none_or(|next| next.gap);
            if part.duration * 100 < media.part_target * 85 && !excused {
                found.push(format!("{what}, under 85 % (SEG-3)"));
            }
        }
        if closed
            && segment
                .parts
                .first()
                .is_some_and(|first| !first.independent && !first.gap)
        {
            found.push(format!(
                "segment {} does not begin independent (SEG-4)",
                segment.msn
            ));
        }
    }
    found
}

/// Parts are listed for three target durations from the end (PL-5).
fn parts_stay_listed(media: &Media) -> Vec<String> {
    let open: Units = media.open.parts.iter().map(|part| part.duration).sum();
    let mut from_end = open;
    let mut found = Vec::new();
    for segment in media.segments.iter().rev() {
        if from_end < 3 * media.target_duration * UNITS_A_SECOND
            && segment.parts.is_empty()
            && !media.ended
        {
            found.push(format!(
                "segment {} ends {from_end} from the end without its parts (PL-5)",
                segment.msn
            ));
        }
        from_end += segment.duration;
    }
    found
}

/// What may change from one playlist of a rendition to a later one (PL-1).
fn step(before: &Media, after: &Media) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |name: &str, holds: bool| {
        if !holds {
            found.push(format!("{name} changed (PL-4)"));
        }
    };
    same(
        "TARGETDURATION",
        before.target_duration == after.target_duration,
    );
    same("PART-TARGET", before.part_target == after.part_target);
    same(
        "SERVER-CONTROL",
        before.server_control == after.server_control,
    );
    if after.media_sequence < before.media_sequence {
        found.push(format!(
            "MEDIA-SEQUENCE went back to {} (PL-6)",
            after.media_sequence
        ));
    }
    let removed = before
        .segments
        .iter()
        .take_while(|segment| segment.msn < after.media_sequence);
    let discontinuities = removed.filter(|segment| segment.discontinuity).count() as u64;
    if after.discontinuity_sequence != before.discontinuity_sequence + discontinuities {
        let (from, to) = (before.discontinuity_sequence, after.discontinuity_sequence);
        found.push(format!(
            "DISCONTINUITY-SEQUENCE {from} to {to}, {discontinuities} removed (PL-6)"
        ));
    }
    let later: BTreeMap<u64, &Segment> =
        after.all().map(|segment| (segment.msn, segment)).collect();
    for old in before.all() {
        let Some(new) = later.get(&old.msn) else {
            if old.msn >= after.media_sequence && !old.parts.is_empty() {
                found.push(format!(
                    "segment {} is gone from the middle (PL-1)",
                    old.msn
                ));
            }
            continue;
        };
        // A segment that had nothing yet may still become the first of a discontinuity.
        let begun = !old.uri.is_empty() || !old.parts.is_empty();
        let kept = (old.uri == new.uri && old.duration == new.duration) || old.uri.is_empty();
        let same = kept && old.date == new.date && old.discontinuity == new.discontinuity;
        if begun && !same {
            found.push(format!(
                "segment {} changed: {old:?} to {new:?} (PL-1)",
                old.msn
            ));
        }
        // Parts are appended while it is open, and all of them leave when it is old.
        if (!new.parts.is_empty() || new.uri.is_empty()) && !new.parts.starts_with(&old.parts) {
            found.push(format!("parts of segment {} changed (PL-1)", old.msn));
        }
        if !old.uri.is_empty() && new.parts.len() > old.parts.len() {
            found.push(format!("segment {} was closed and grew (PL-1)", old.msn));
        }
    }
    found
}

/// The URI of a hint is that of the part that comes next (PL-8), or the hint was dropped with its parent.
fn hints_come_true(rendition: &Rendition) -> Vec<String> {
    let mut found = Vec::new();
    for pair in rendition.playlists.windows(2) {
        let (before, after) = (&pair[0].media, &pair[1].media);
        let Some((_, hinted)) = before.hints.iter().find(|(kind, _)| kind == "PART") else {
            continue;
        };
        let known: Vec<&str> = before
            .all()
            .flat_map(|segment| &segment.parts)
            .map(|part| part.uri.as_str())
            .collect();
        let grown = after.all().filter(|segment| segment.msn >= before.open.msn);
        let next = grown
            .flat_map(|segment| &segment.parts)
            .find(|part| !known.contains(&part.uri.as_str()));
        if let Some(next) = next
            && next.uri != *hinted
        {
            found.push(format!("{hinted} was promised, {} came (PL-8)", next.uri));
        }
    }
    found
}

/// What holds between renditions.
fn together(recording: &Recording) -> Vec<String> {
    let mut found = Vec::new();
    let first = recording.renditions[0].newest();
    for rendition in &recording.renditions {
        let newest = rendition.newest();
        if newest.server_control != first.server_control
            || newest.target_duration != first.target_duration
        {
            found.push(format!(
                "{}: SERVER-CONTROL or TD differs from the first rendition's (PL-4)",
                rendition.uri
            ));
        }
        found.extend(reports(recording, rendition));
        found.extend(lasts_as_long(&recording.renditions[0], rendition));
    }
    if rendition_uris(&recording.multivariant).len() != recording.renditions.len() {
        found.push("not every rendition was recorded".into());
    }
    found
}

/// A report names a part that the other rendition had (PL-9).
fn reports(recording: &Recording, rendition: &Rendition) -> Vec<String> {
    let mut found = Vec::new();
    for other in recording
        .renditions
        .iter()
        .filter(|other| other.uri != rendition.uri)
    {
        // The most parts that each segment of the other one was seen with.
        let mut parts: BTreeMap<u64, u64> = BTreeMap::new();
        for segment in other
            .playlists
            .iter()
            .flat_map(|fetched| fetched.media.all())
        {
            let most = parts.entry(segment.msn).or_default();
            *most = (*most).max(segment.parts.len() as u64);
        }
        let last_seen = parts.keys().next_back().copied().unwrap_or_default();
        for report in rendition
            .playlists
            .iter()
            .flat_map(|fetched| &fetched.media.reports)
        {
            if report.uri != format!("../{}", other.uri) {
                continue;
            }
            // This one may have been asked a moment longer than the other.
            let known = parts
                .get(&report.msn)
                .is_some_and(|count| *count > report.part);
            if !known && report.msn < last_seen {
                found.push(format!(
                    "{}: {report:?}, which {} never had (PL-9)",
                    rendition.uri, other.uri
                ));
            }
        }
        if !rendition.newest().ended
            && rendition
                .newest()
                .reports
                .iter()
                .all(|of| of.uri != format!("../{}", other.uri))
        {
            found.push(format!(
                "{}: no report on {} (PL-9)",
                rendition.uri, other.uri
            ));
        }
    }
    found
}

/// Picture and sound of the same segments are of the same length, to less than two parts.
fn lasts_as_long(one: &Rendition, other: &Rendition) -> Vec<String> {
    let lengths = |rendition: &Rendition| -> BTreeMap<u64, Units> {
        let segments = rendition
            .playlists
            .iter()
            .flat_map(|fetched| &fetched.media.segments);
        segments
            .map(|segment| (segment.msn, segment.duration))
            .collect()
    };
    let (one_has, other_has) = (lengths(one), lengths(other));
    let (mut sum, mut other_sum) = (0, 0);
    for (msn, duration) in &one_has {
        if let Some(others) = other_has.get(msn) {
            sum += duration;
            other_sum += others;
        }
    }
    if sum.abs_diff(other_sum) > 2 * one.newest().part_target {
        return vec![format!(
            "{} lasts {sum}, {} lasts {other_sum} over the same segments",
            one.uri, other.uri
        )];
    }
    Vec::new()
}

#[cfg(test)]
mod tests;
