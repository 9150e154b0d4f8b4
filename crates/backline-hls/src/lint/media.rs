//! Init segments, parts and segments: that they are served, and what is in them.

use core::time::Duration;

use bytes::Bytes;

use super::boxes::{self, Run, Track};
use super::follower::{Follower, Kind, Object};
use super::headers::{self, LowLatency};
use super::ns;
use super::plan::is_sample;
use super::record::{Record, Request};
use super::report::Findings;
use super::rule::Rule;
use crate::m3u8::Media;

/// How far media may last beside what the playlist says: a printed duration is rounded, a millisecond is RTMP's grain.
const DURATION_SLACK: Duration = Duration::from_millis(5);

/// Closed segments, from the newest back, in which parts are compared with each other.
const NEWEST: usize = 16;
/// Parts, from the newest back, that are compared: every answer is followed by a look at all of them.
const NEWEST_PARTS: usize = 512;

/// When a request was sent and answered, in nanoseconds since the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) sent: u64,
    pub(super) began: u64,
    pub(super) done: u64,
}

/// Takes the answer to a request for something that the playlist lists, or hints.
pub(super) fn object(
    follower: &mut Follower,
    findings: &mut Findings,
    record: &Record,
    times: Times,
    room: usize,
) {
    let request = &record.request;
    let low_latency = low_latency(follower);
    let place = format!("{} {}", follower.name, request.url);
    let Some(object) = follower.objects.get(request) else {
        return promised(follower, findings, &place, record);
    };
    let status = record.response.status;
    let found = status == if request.range.is_some() { 206 } else { 200 };
    if object.gone {
        return gone(
            findings,
            &place,
            object,
            found,
            status,
            times,
            follower.media(),
        );
    }
    let holds = found && !record.response.body.is_empty();
    findings.need(Rule::Del9, &place, holds, || {
        let bytes = record.response.body.len();
        format!("status {status} with {bytes} bytes, and the playlist lists it")
    });
    if !holds {
        return;
    }
    headers::object(findings, &place, &record.response, low_latency);
    whole_at_once(follower, findings, &place, record, times);
    again(follower, findings, &place, request, &record.response.body);
    let body = record.response.body.clone();
    let kept = body.len() <= room;
    if let Some(object) = follower.objects.get_mut(request) {
        if is_sample(object.kind, body.len()) && follower.sample.is_none() && kept {
            follower.sample = Some((request.clone(), body.clone()));
        }
        if object.kind == Kind::Segment && request.range.is_none() {
            let ms = u64::try_from(object.duration.as_millis()).unwrap_or(u64::MAX);
            let bits = u64::try_from(body.len()).unwrap_or(0).saturating_mul(8_000);
            follower.peak_bits = follower.peak_bits.max(bits.checked_div(ms));
        }
        if kept {
            follower.unread.insert(request.clone());
            object.body = Some(body);
        }
    }
    read(follower, findings);
    compare(follower, findings);
}

/// The hinted part came, or did not, before a playlist listed it.
fn promised(follower: &Follower, findings: &mut Findings, place: &str, record: &Record) {
    let status = record.response.status;
    let media = follower.media();
    let hinted = media.is_some_and(|media| {
        let mut hints = media.preload_hints.iter();
        hints.any(|hint| follower.request(&hint.uri, None).as_ref() == Some(&record.request))
    });
    // A hint that was taken back may get 404, and one whose part is late is not held for ever.
    if hinted || status == 200 {
        findings.need(Rule::Pl8, place, matches!(status, 200 | 503), || {
            format!("status {status}, and the playlist hints it")
        });
    }
}

/// What has left the playlist stays available for a while (PL-5, PL-7).
fn gone(
    findings: &mut Findings,
    place: &str,
    object: &Object,
    found: bool,
    status: u16,
    times: Times,
    media: Option<&Media>,
) {
    let target = Duration::from_secs(media.map_or(0, |media| media.target_duration_s));
    let (rule, until) = match object.kind {
        Kind::Part => (
            Rule::Pl5,
            object
                .last_listed_ns
                .saturating_add(ns(target.saturating_mul(3))),
        ),
        _ => {
            let stays = object.duration.saturating_add(object.longest);
            (Rule::Pl7, object.first_seen_ns.saturating_add(ns(stays)))
        }
    };
    if times.done < until {
        findings.need(rule, place, found, || {
            let early = Duration::from_nanos(until.saturating_sub(times.done));
            format!("status {status}, {:.1} s too early", early.as_secs_f64())
        });
    }
}

/// A part that was asked for ahead of time comes in one go; how fast the line is shows in what was there before.
fn whole_at_once(
    follower: &mut Follower,
    findings: &mut Findings,
    place: &str,
    record: &Record,
    times: Times,
) {
    let Some(object) = follower.objects.get(&record.request) else {
        return;
    };
    let bytes = u64::try_from(record.response.body.len()).unwrap_or(u64::MAX);
    let took = times.done.saturating_sub(times.began);
    if times.sent < object.first_seen_ns && object.kind == Kind::Part {
        let part = ns(object.duration);
        let at_line_speed = bytes
            .saturating_mul(1_000_000_000)
            .checked_div(follower.best_rate)
            .unwrap_or(u64::MAX);
        let slow = took > part / 2 && took > at_line_speed.saturating_mul(3);
        findings.need(Rule::Del8, place, !slow, || {
            let took = Duration::from_nanos(took).as_secs_f64();
            format!("its {bytes} bytes took {took:.3} s from the first to the last")
        });
    } else if times.sent >= object.first_seen_ns {
        let all = times.done.saturating_sub(times.sent).max(1);
        let rate = bytes.saturating_mul(1_000_000_000).checked_div(all);
        follower.best_rate = follower.best_rate.max(rate.unwrap_or(0));
    }
}

/// The same request gets the same bytes.
fn again(
    follower: &Follower,
    findings: &mut Findings,
    place: &str,
    request: &Request,
    body: &Bytes,
) {
    if let Some((sample, first)) = &follower.sample
        && sample == request
    {
        findings.need(Rule::Del12, place, first == body, || {
            format!(
                "{} bytes, then {} bytes that differ",
                first.len(),
                body.len()
            )
        });
    }
}

/// Takes the answer to a byte range of something that was fetched whole.
pub(super) fn range(follower: &Follower, findings: &mut Findings, record: &Record) {
    let Some((sample, body)) = &follower.sample else {
        return;
    };
    let Some((from, to)) = record
        .request
        .range
        .filter(|_| sample.url == record.request.url)
    else {
        return;
    };
    let place = format!("{} {}", follower.name, record.request.url);
    let (status, got) = (record.response.status, &record.response.body);
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let to = to.map_or(body.len(), |to| {
        usize::try_from(to).unwrap_or(usize::MAX).saturating_add(1)
    });
    let wanted = body.get(from..to.min(body.len()));
    let uses_ranges = follower
        .objects
        .keys()
        .any(|request| request.range.is_some());
    let whole = status == 200 && got == body && !uses_ranges;
    let written = record.response.header("content-range").unwrap_or("none");
    let holds = match wanted {
        Some(wanted) => {
            let last = to.saturating_sub(1);
            let expected = format!("bytes {from}-{last}/{}", body.len());
            status == 206 && got == wanted && written == expected
        }
        None => status == 416,
    };
    findings.need(Rule::Del10, &place, holds || whole, || {
        format!(
            "bytes {from} to {to} of {}: status {status}, Content-Range: {written}, {} bytes",
            body.len(),
            got.len()
        )
    });
}

/// Reads what has come and whose init segment is there.
fn read(follower: &mut Follower, findings: &mut Findings) {
    let waiting = core::mem::take(&mut follower.unread);
    let (inits, media): (Vec<Request>, Vec<Request>) = waiting.into_iter().partition(|request| {
        let object = follower.objects.get(request);
        object.is_some_and(|object| object.kind == Kind::Init)
    });
    for request in inits.into_iter().chain(media) {
        let Some(object) = follower.objects.get_mut(&request) else {
            continue;
        };
        let place = format!("{} {}", follower.name, object.uri);
        let Some(body) = object.body.clone() else {
            continue;
        };
        if object.kind == Kind::Init {
            let read = boxes::init(&body);
            findings.need(Rule::Mux1, &place, read.is_ok(), || {
                read.as_ref().err().copied().unwrap_or_default().to_owned()
            });
            follower.inits.insert(request, read.unwrap_or_default());
            object.body = None;
            continue;
        }
        // Without a MAP it is no fragmented MP4.
        if let Some(init) = &object.init {
            match follower.inits.get(init.as_ref()) {
                // A broken init segment says nothing about its fragments.
                Some(tracks) if tracks.is_empty() => {}
                Some(tracks) => fragments(findings, &place, object, body, tracks),
                None => {
                    follower.unread.insert(request);
                    continue;
                }
            }
        }
        object.read = true;
        if object.compared {
            object.body = None;
        }
    }
    continuity(follower, findings);
}

fn fragments(
    findings: &mut Findings,
    place: &str,
    object: &mut Object,
    body: Bytes,
    tracks: &[Track],
) {
    let runs = boxes::fragments(&body, tracks);
    findings.need(Rule::Mux2, place, runs.is_ok(), || {
        runs.as_ref().err().copied().unwrap_or_default().to_owned()
    });
    let Ok(runs) = runs else { return };
    let mut wrong: Option<f64> = None;
    let listed = object.duration;
    for track in tracks {
        let lasts = lasts(&runs, track);
        let apart = lasts.abs_diff(listed);
        match apart <= DURATION_SLACK {
            true => {
                wrong = None;
                break;
            }
            false => wrong = wrong.or(Some(lasts.as_secs_f64())),
        }
    }
    findings.need(Rule::Mux5, place, wrong.is_none(), || {
        let (lasts, listed) = (wrong.unwrap_or(0.0), listed.as_secs_f64());
        format!("its samples last {lasts:.5} s, the playlist says {listed} s")
    });
    let leading = leading(tracks);
    let of_lead = |run: &&Run| leading.is_none_or(|track| track.id == run.track_id);
    if object.kind == Kind::Part && !object.gap {
        let independent = runs.iter().filter(of_lead).any(|run| run.has_sync);
        let written = object.independent;
        findings.need(
            Rule::Seg5,
            place,
            independent == written,
            || match written {
                true => "INDEPENDENT=YES, and no sample is a sync sample".to_owned(),
                false => "no INDEPENDENT=YES, and a sample is a sync sample".to_owned(),
            },
        );
    }
    object.runs = Some(boxes::ends(runs));
}

/// How long a track's samples last in all.
fn lasts(runs: &[Run], track: &Track) -> Duration {
    let own = runs.iter().filter(|run| run.track_id == track.id);
    let ticks = own.fold(0u64, |sum, run| sum.saturating_add(run.duration));
    let ns = u128::from(ticks)
        .saturating_mul(1_000_000_000)
        .checked_div(u128::from(track.timescale));
    Duration::from_nanos(ns.and_then(|ns| u64::try_from(ns).ok()).unwrap_or(u64::MAX))
}

/// The picture, or else the first track.
pub(super) fn leading(tracks: &[Track]) -> Option<&Track> {
    let picture = tracks.iter().find(|track| track.handler == *b"vide");
    picture.or_else(|| tracks.first())
}

/// Decode times go on from one part to the next (MUX-5), segments begin with key frames where that is promised.
fn continuity(follower: &mut Follower, findings: &mut Findings) {
    let Some(known) = &follower.known else { return };
    let mut before: Option<Request> = None;
    let mut offset = None;
    let mut discontinuities = known.media.discontinuity_sequence.unwrap_or(0);
    let skipped = known.media.segments.len().saturating_sub(NEWEST);
    let old = known.media.segments.iter().take(skipped);
    let old = old.filter(|segment| segment.discontinuity).count();
    discontinuities = discontinuities.saturating_add(u64::try_from(old).unwrap_or(0));
    let promised = follower.independent || known.media.independent_segments;
    let mut checked: Vec<Request> = Vec::new();
    for (segment, request, index) in in_order(follower, &known.media) {
        discontinuities = match segment.discontinuity && index == 0 {
            true => discontinuities.saturating_add(1),
            false => discontinuities,
        };
        let known = request.and_then(|request| {
            let object = follower.objects.get(&request)?;
            Some((request, object, object.runs.as_ref()?))
        });
        let Some((request, object, runs)) = known else {
            before = None;
            continue;
        };
        let tracks = object
            .init
            .as_ref()
            .and_then(|init| follower.inits.get(init.as_ref()));
        let tracks = tracks.map(Vec::as_slice).unwrap_or_default();
        let old = before
            .as_ref()
            .and_then(|before| follower.objects.get(before));
        let goes_on = !(segment.discontinuity && index == 0);
        let place = format!("{} {}", follower.name, object.uri);
        if let Some(old) = old.filter(|old| goes_on && !object.followed && old.init == object.init)
        {
            follows(findings, &place, old, runs, tracks);
        }
        if index == 0 && !object.followed && promised {
            let lead = leading(tracks);
            let first = runs
                .iter()
                .find(|run| lead.is_none_or(|track| track.id == run.track_id));
            findings.need(
                Rule::Mv3,
                &place,
                first.is_some_and(|run| run.first_is_sync),
                || format!("segment {} does not begin with a sync sample", object.msn),
            );
        }
        if let (0, Some(date)) = (index, segment.program_date_time_us) {
            offset = offset_us(runs, tracks, date)
                .map(|us| (discontinuities, us))
                .or(offset);
        }
        checked.push(request.clone());
        before = Some(request);
    }
    follower.offset = offset.or(follower.offset);
    for request in checked {
        if let Some(object) = follower.objects.get_mut(&request) {
            object.followed = true;
        }
    }
}

/// The newest segments as requests: their parts where they are listed, else the segment itself, with its place. What
/// has too long a URL, or is old, has none.
fn in_order<'a>(
    follower: &'a Follower,
    media: &'a Media,
) -> impl Iterator<Item = (&'a crate::m3u8::Segment, Option<Request>, usize)> {
    let mut ranges = super::follower::Ranges::default();
    let skipped = media.segments.len().saturating_sub(NEWEST);
    let parts: usize = media.all().skip(skipped).map(|one| one.parts.len()).sum();
    let mut old = parts.saturating_sub(NEWEST_PARTS);
    media.all().skip(skipped).flat_map(move |segment| {
        let mut requests: Vec<Option<Request>> = Vec::new();
        for part in &segment.parts {
            let range = ranges.part(part);
            if old > 0 {
                old = old.saturating_sub(1);
                requests.push(None);
                continue;
            }
            requests.push(follower.request(&part.uri, range));
        }
        if requests.is_empty() && !segment.uri.is_empty() {
            let range = segment
                .byte_range
                .map(|range| ranges.next(&segment.uri, range));
            requests.push(follower.request(&segment.uri, range));
        }
        let placed = requests.into_iter().enumerate();
        placed.map(move |(index, request)| (segment, request, index))
    })
}

fn follows(findings: &mut Findings, place: &str, old: &Object, new: &[Run], tracks: &[Track]) {
    let old = old.runs.as_deref().unwrap_or_default();
    for track in tracks {
        let own = |run: &&Run| run.track_id == track.id;
        let (Some(last), Some(first)) = (old.iter().rfind(own), new.iter().find(own)) else {
            continue;
        };
        let expected = last.decode_time.saturating_add(last.duration);
        findings.need(Rule::Mux5, place, first.decode_time == expected, || {
            let (found, scale) = (first.decode_time, track.timescale);
            format!(
                "tfdt is {found}, the samples before it end at {expected} (of {scale} a second)"
            )
        });
    }
}

/// Microseconds from the first sample's decode time to its segment's date.
fn offset_us(runs: &[Run], tracks: &[Track], date_us: i64) -> Option<i64> {
    let track = leading(tracks)?;
    let run = runs.iter().find(|run| run.track_id == track.id)?;
    let scaled = u128::from(run.decode_time).saturating_mul(1_000_000);
    let us = scaled.checked_div(u128::from(track.timescale))?;
    Some(date_us.saturating_sub(i64::try_from(us).ok()?))
}

/// A segment is its parts, one after the other (MUX-3). What was compared is not kept.
fn compare(follower: &mut Follower, findings: &mut Findings) {
    let Some(known) = &follower.known else { return };
    let mut done: Vec<Request> = Vec::new();
    let mut ranges = super::follower::Ranges::default();
    let skipped = known.media.segments.len().saturating_sub(NEWEST);
    let newest = known.media.segments.iter().skip(skipped);
    for segment in newest.filter(|one| (1..=NEWEST_PARTS).contains(&one.parts.len())) {
        let mut parts = segment.parts.iter().map(|part| {
            let request = follower.request(&part.uri, ranges.part(part));
            let object = request.as_ref().and_then(|one| follower.objects.get(one));
            let body = object.and_then(|object| object.body.clone());
            (request, body)
        });
        let parts: Vec<(Option<Request>, Option<Bytes>)> = parts.by_ref().collect();
        let range = segment
            .byte_range
            .map(|range| ranges.next(&segment.uri, range));
        let Some(whole) = follower.request(&segment.uri, range) else {
            continue;
        };
        let object = follower.objects.get(&whole);
        let Some(body) = object
            .filter(|one| !one.compared)
            .and_then(|one| one.body.as_ref())
        else {
            continue;
        };
        if parts.iter().any(|(_, body)| body.is_none()) {
            continue;
        }
        let mut rest = body.as_ref();
        let same = parts.iter().all(|(_, part)| {
            let part = part.as_ref().map_or(&[][..], |part| part.as_ref());
            match rest.strip_prefix(part) {
                Some(behind) => {
                    rest = behind;
                    true
                }
                None => false,
            }
        });
        let place = format!("{} {}", follower.name, segment.uri);
        findings.need(Rule::Mux3, &place, same && rest.is_empty(), || {
            let sum = parts
                .iter()
                .filter_map(|(_, part)| part.as_ref().map(Bytes::len));
            let sum = sum.fold(0usize, usize::saturating_add);
            format!(
                "{} bytes that are not its {} parts of {sum} bytes",
                body.len(),
                parts.len()
            )
        });
        done.push(whole);
        done.extend(parts.into_iter().filter_map(|(request, _)| request));
    }
    for request in done {
        if let Some(object) = follower.objects.get_mut(&request) {
            object.compared = true;
            if object.read {
                object.body = None;
            }
        }
    }
}

/// What headers are checked by.
pub(super) fn low_latency(follower: &Follower) -> Option<LowLatency> {
    let media = follower
        .media()
        .filter(|media| media.part_target.is_some())?;
    Some(LowLatency {
        target_s: media.target_duration_s,
    })
}
