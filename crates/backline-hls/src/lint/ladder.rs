//! The multivariant playlist, and what holds between renditions.

use core::time::Duration;
use std::collections::BTreeSet;

use super::boxes::Track;
use super::follower::{Follower, Reached};
use super::ns;
use super::report::Findings;
use super::rule::Rule;
use super::step;
use super::url;
use crate::m3u8::{MediaKind, Multivariant};

/// How far dates of one moment may be apart between renditions: composition offsets and sound frames are within it.
const OFFSET_SLACK_US: i64 = 200_000;

/// Looks at the multivariant playlist.
pub(super) fn multivariant(findings: &mut Findings, place: &str, playlist: &Multivariant) {
    let groups: BTreeSet<(MediaKindKey, &str)> = playlist
        .renditions
        .iter()
        .map(|one| (key(one.kind), one.group_id.as_str()))
        .collect();
    for variant in &playlist.variants {
        let place = format!("{place} line {}", variant.line);
        for (name, present) in [
            ("BANDWIDTH", variant.bandwidth.is_some_and(|bits| bits > 0)),
            (
                "CODECS",
                variant.codecs.as_ref().is_some_and(|all| !all.is_empty()),
            ),
        ] {
            findings.need(Rule::Mv1, &place, present, || {
                format!("{} has no {name}", variant.uri)
            });
        }
        for (kind, group) in [
            (MediaKind::Audio, &variant.audio),
            (MediaKind::Video, &variant.video),
            (MediaKind::Subtitles, &variant.subtitles),
        ] {
            if let Some(group) = group {
                let exists = groups.contains(&(key(kind), group.as_str()));
                findings.need(Rule::Mv1, &place, exists, || {
                    format!("{} names group {group}, and there is none", variant.uri)
                });
            }
        }
    }
    findings.need(Rule::Mv1, place, !playlist.variants.is_empty(), || {
        "no EXT-X-STREAM-INF".to_owned()
    });
    let mut names = BTreeSet::new();
    let mut defaults = BTreeSet::new();
    for one in &playlist.renditions {
        let place = format!("{place} line {}", one.line);
        let group = (key(one.kind), one.group_id.as_str());
        let fresh = names.insert((group, one.name.as_str()));
        findings.need(Rule::Mv2, &place, fresh, || {
            format!("NAME=\"{}\" twice in group {}", one.name, one.group_id)
        });
        if one.default {
            findings.need(Rule::Mv2, &place, defaults.insert(group), || {
                format!("a second DEFAULT=YES in group {}", one.group_id)
            });
        }
    }
}

type MediaKindKey = u8;

fn key(kind: MediaKind) -> MediaKindKey {
    match kind {
        MediaKind::Audio => 0,
        MediaKind::ClosedCaptions => 1,
        MediaKind::Other => 2,
        MediaKind::Subtitles => 3,
        MediaKind::Video => 4,
    }
}

/// `CODECS` and `RESOLUTION` against the init segments (MUX-6), `BANDWIDTH` against the segments (MV-1).
pub(super) fn variants(
    findings: &mut Findings,
    root: &str,
    playlist: &Multivariant,
    followers: &[Follower],
) {
    for variant in &playlist.variants {
        let at = url::join(root, &variant.uri);
        let Some(follower) = followers.iter().find(|follower| follower.url == at) else {
            continue;
        };
        let place = &follower.name;
        let codecs: Vec<&str> = variant
            .codecs
            .as_deref()
            .unwrap_or_default()
            .split(',')
            .collect();
        let Some(tracks) = follower.inits.values().find(|tracks| !tracks.is_empty()) else {
            continue;
        };
        for track in tracks.iter().filter(|_| variant.codecs.is_some()) {
            let named = codecs.iter().any(|codec| names(codec.trim(), track));
            findings.need(Rule::Mux6, place, named, || {
                let (entry, all) = (String::from_utf8_lossy(&track.entry), codecs.join(","));
                let avc = track.avc.map(|[a, b, c]| format!(".{a:02x}{b:02x}{c:02x}"));
                format!(
                    "the init segment has {entry}{}, CODECS=\"{all}\"",
                    avc.unwrap_or_default()
                )
            });
            let size = (u64::from(track.size.0), u64::from(track.size.1));
            if let Some(written) = variant.resolution.filter(|_| track.handler == *b"vide") {
                findings.need(Rule::Mux6, place, written == size, || {
                    format!("the init segment has {size:?}, RESOLUTION says {written:?}")
                });
            }
        }
        if let (Some(most), Some(written)) = (follower.peak_bits, variant.bandwidth) {
            // Measured over single segments, so that a variable rate needs room.
            let holds = most <= written.saturating_mul(2);
            findings.need(Rule::Mv1, place, holds, || {
                format!("a segment takes {most} bit/s, BANDWIDTH={written}")
            });
        }
    }
}

fn names(codec: &str, track: &Track) -> bool {
    let mut fields = codec.splitn(2, '.');
    let entry = fields.next().unwrap_or_default();
    // The two entries of these are one codec to a player.
    let entry = match entry {
        "avc3" => "avc1",
        "hev1" => "hvc1",
        other => other,
    };
    let own = match &track.entry {
        b"avc3" => *b"avc1",
        b"hev1" => *b"hvc1",
        other => *other,
    };
    let alike = entry.as_bytes().eq_ignore_ascii_case(&own);
    match track.avc.filter(|_| entry == "avc1") {
        Some([profile, constraints, level]) => {
            let hex = format!("{profile:02x}{constraints:02x}{level:02x}");
            alike
                && fields
                    .next()
                    .is_some_and(|rest| rest.eq_ignore_ascii_case(&hex))
        }
        None => alike,
    }
}

/// What must be the same in all media playlists (PL-4, MV-4, PL-2 over all part targets, PL-14).
pub(super) fn same(findings: &mut Findings, followers: &[Follower], one: usize) {
    let Some(follower) = followers.get(one) else {
        return;
    };
    let Some(media) = follower.media() else {
        return;
    };
    let others = followers
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != one);
    let place = &follower.name;
    for (_, other) in others {
        let Some(theirs) = other.media() else {
            continue;
        };
        let (own, their) = (media.server_control, theirs.server_control);
        if own.is_some() || their.is_some() {
            findings.need(Rule::Pl4, place, own == their, || {
                format!(
                    "EXT-X-SERVER-CONTROL differs from that of {}: {own:?}, {their:?}",
                    other.name
                )
            });
        }
        let (own, their) = (media.target_duration_s, theirs.target_duration_s);
        findings.need(Rule::Mv4, place, own == their, || {
            format!("EXT-X-TARGETDURATION:{own}, and {their} in {}", other.name)
        });
        same_times(findings, follower, other);
        let twins = step::by_id(&theirs.date_ranges);
        for range in &media.date_ranges {
            let twin = twins.get(range.id.as_str());
            if let Some(twin) = twin {
                let same = twin.start_date_us == range.start_date_us && twin.class == range.class;
                findings.need(Rule::Pl14, place, same, || {
                    format!(
                        "date range {} differs from that in {}",
                        range.id, other.name
                    )
                });
            }
        }
    }
}

/// Dates in both or in none, and the same dates for the same timestamps (MV-4).
fn same_times(findings: &mut Findings, follower: &Follower, other: &Follower) {
    let (Some(media), Some(theirs)) = (follower.media(), other.media()) else {
        return;
    };
    let place = &follower.name;
    let dated = |media: &crate::m3u8::Media| {
        media
            .segments
            .iter()
            .any(|segment| segment.program_date_time_us.is_some())
    };
    let both = !media.segments.is_empty() && !theirs.segments.is_empty();
    findings.need(
        Rule::Mv4,
        place,
        !both || dated(media) == dated(theirs),
        || {
            format!(
                "EXT-X-PROGRAM-DATE-TIME in one of this and {} only",
                other.name
            )
        },
    );
    if let (Some(own), Some(their)) = (follower.offset, other.offset)
        && own.0 == their.0
    {
        let apart = own.1.saturating_sub(their.1);
        let holds = apart.saturating_abs() <= OFFSET_SLACK_US;
        findings.need(Rule::Mv4, place, holds, || {
            let ms = apart / 1_000;
            format!(
                "timestamps are {ms} ms beside those of {}, by their dates",
                other.name
            )
        });
    }
}

/// Rendition reports of a playlist, against the renditions that there are (PL-9).
pub(super) fn reports(findings: &mut Findings, followers: &[Follower], one: usize) {
    let Some(follower) = followers.get(one) else {
        return;
    };
    let Some(media) = follower.media() else {
        return;
    };
    if media.part_target.is_none() || media.end_list {
        return;
    }
    let place = &follower.name;
    let reported: Vec<(String, Option<u64>, Option<u64>)> = media
        .rendition_reports
        .iter()
        .map(|report| {
            (
                url::join(&follower.url, &report.uri),
                report.last_msn,
                report.last_part,
            )
        })
        .collect();
    let others = followers
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != one);
    for (_, other) in others.filter(|(_, other)| other.is_low_latency() && !other.has_ended()) {
        let report = reported.iter().find(|(url, ..)| *url == other.url);
        let Some((_, msn, part)) = report else {
            findings.fail(Rule::Pl9, place, || {
                format!("no EXT-X-RENDITION-REPORT of {}", other.name)
            });
            continue;
        };
        let (Some(msn), Some(part)) = (*msn, *part) else {
            findings.fail(Rule::Pl9, place, || {
                format!(
                    "the report of {} has no LAST-MSN or no LAST-PART",
                    other.name
                )
            });
            continue;
        };
        // Both move on while requests are under way: a segment of difference is too much.
        let theirs = other.reached().map_or(msn, |reached| reached.msn);
        findings.need(Rule::Pl9, place, msn.abs_diff(theirs) <= 1, || {
            let name = &other.name;
            format!("{name} is reported at segment {msn}, part {part}, and is at segment {theirs}")
        });
    }
    for (url, ..) in &reported {
        let known = followers.iter().any(|follower| follower.url == *url);
        findings.need(Rule::Pl9, place, known, || {
            format!("a report of {url}, which is no rendition of this presentation")
        });
    }
}

/// All renditions advance together (SEG-9): what one has reached the others reach soon after.
pub(super) fn together(
    findings: &mut Findings,
    followers: &mut [Follower],
    now_ns: u64,
    slack_ns: u64,
) {
    let targets = followers.iter().filter_map(|one| one.media()?.part_target);
    let Some(part) = targets.max() else { return };
    let patience = ns(part).saturating_add(slack_ns);
    let part_us = i64::try_from(part.as_micros()).unwrap_or(i64::MAX);
    let mut due: Vec<(usize, u64, i64)> = Vec::new();
    for (index, follower) in followers.iter_mut().enumerate() {
        for edge in follower.edges.iter_mut().filter(|edge| !edge.compared) {
            if edge.ns.saturating_add(patience) >= now_ns {
                break;
            }
            edge.compared = true;
            due.extend(edge.end_us.map(|end| (index, edge.ns, end)));
        }
    }
    for (index, at_ns, end_us) in due {
        let Some(ahead) = followers.get(index).map(|one| one.name.clone()) else {
            continue;
        };
        let others = followers
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        for (_, other) in others.filter(|(_, other)| other.is_low_latency() && !other.has_ended()) {
            let until = at_ns.saturating_add(patience);
            let seen = other.edges.iter().filter(|edge| edge.ns <= until);
            let Some(reached) = seen.filter_map(|edge| edge.end_us).max() else {
                continue;
            };
            let behind = end_us.saturating_sub(reached);
            findings.need(
                Rule::Seg9,
                &other.name,
                behind <= part_us.saturating_add(1_000),
                || {
                    let late = Duration::from_micros(behind.unsigned_abs()).as_secs_f64();
                    format!("{late:.3} s behind {ahead}")
                },
            );
        }
    }
}

/// At the end: one rendition that ended is all that ended (SEG-11).
pub(super) fn ended(findings: &mut Findings, followers: &[Follower]) {
    let ended = followers.iter().find(|follower| follower.has_ended());
    let Some(ended) = ended else { return };
    for other in followers.iter().filter(|other| other.known.is_some()) {
        findings.need(Rule::Seg11, &other.name, other.has_ended(), || {
            format!("no EXT-X-ENDLIST, and {} has one", ended.name)
        });
    }
}

/// How parts and segments follow in time (SEG-6): `before` and `after` are two edges of one rendition.
pub(super) fn pace(
    findings: &mut Findings,
    follower: &Follower,
    closed_before_ns: Option<u64>,
    slack_ns: u64,
) {
    let Some(media) = follower.media() else {
        return;
    };
    let mut edges = follower.edges.iter().rev();
    let (Some(after), Some(before)) = (edges.next(), edges.next()) else {
        return;
    };
    let place = &follower.name;
    let took = after.ns.saturating_sub(before.ns);
    let seconds = |ns: u64| Duration::from_nanos(ns).as_secs_f64();
    if let Some(part) = media.part_target {
        let most = ns(part).saturating_add(slack_ns);
        findings.need(Rule::Seg6, place, took <= most, || {
            let (took, part) = (seconds(took), part.as_secs_f64());
            format!("no new part for {took:.3} s, PART-TARGET={part}")
        });
    }
    let Reached { msn, .. } = after.reached;
    if msn == before.reached.msn {
        return;
    }
    if let (Some(old), Some(new)) = (closed_before_ns, follower.closed_ns) {
        let target = Duration::from_secs(media.target_duration_s);
        // Without blocking reload the playlist is looked at every half target duration.
        let poll = if media.part_target.is_some() {
            0
        } else {
            ns(target) / 2
        };
        let most = ns(target).saturating_mul(3) / 2;
        let took = new.saturating_sub(old);
        let allowed = most.saturating_add(poll).saturating_add(slack_ns);
        findings.need(Rule::Seg6, place, took <= allowed, || {
            let (took, target) = (seconds(took), media.target_duration_s);
            format!("no new segment for {took:.3} s, the target duration is {target} s")
        });
    }
}
