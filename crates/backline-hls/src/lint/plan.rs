//! Which request comes next.

use super::UNKNOWN_PARAMETER;
use super::delivery::advance_limit;
use super::follower::{Follower, Kind, Reached};
use super::record::Request;
use super::url::with_query;
use crate::m3u8::HintKind;

/// A question that a viewer would not ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Probe {
    UnknownParameter,
    Gzip,
    UnknownObject,
    Again,
    Range,
    RangePastEnd,
    PartWithoutMsn,
    Malformed,
    OldMsn,
    FarMsn,
    FarPart,
    PastEnd,
    MsnOnly,
    Ended,
}

impl Probe {
    /// All of them, in the order in which they are asked.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [
            Self::UnknownParameter,
            Self::Gzip,
            Self::UnknownObject,
            Self::Again,
            Self::Range,
            Self::RangePastEnd,
            Self::PartWithoutMsn,
            Self::Malformed,
            Self::OldMsn,
            Self::FarMsn,
            Self::FarPart,
            Self::PastEnd,
            Self::MsnOnly,
            Self::Ended,
        ]
        .into_iter()
    }

    fn is_low_latency(self) -> bool {
        !matches!(
            self,
            Self::UnknownParameter
                | Self::UnknownObject
                | Self::Again
                | Self::Range
                | Self::RangePastEnd
        )
    }
}

/// What becomes of a probe.
enum Asked {
    Now(Request),
    /// Not yet: it needs something that has not come.
    Later,
    Never,
}

/// A reload of the playlist, if it is time for one.
pub(super) fn reload(follower: &Follower, now_ns: u64) -> Option<Request> {
    if follower.reloading.is_some() || now_ns < follower.next_reload_ns {
        return None;
    }
    let Some(media) = follower.media() else {
        return Some(Request::get(&follower.url));
    };
    if media.end_list {
        return None;
    }
    let control = media.server_control.unwrap_or_default();
    let next = media.next().filter(|_| control.can_block_reload);
    let mut parameters = next.map_or_else(String::new, |(msn, part)| {
        format!("_HLS_msn={msn}&_HLS_part={part}")
    });
    // Every second one is a delta update, so that whole ones stand between them.
    if control.can_skip_until.is_some() && next.is_some() && follower.reloads % 2 == 1 {
        let ranges = control.can_skip_date_ranges && follower.reloads % 4 == 3;
        parameters.push_str(if ranges {
            "&_HLS_skip=v2"
        } else {
            "&_HLS_skip=YES"
        });
    }
    Some(Request::get(&match parameters.as_str() {
        "" => follower.url.clone(),
        parameters => with_query(&follower.url, parameters),
    }))
}

/// A request for what the playlist promises, if it has not been made.
pub(super) fn hint(follower: &mut Follower) -> Option<Request> {
    let media = follower.media()?;
    let control = media.server_control.unwrap_or_default();
    if !control.can_block_reload || media.end_list {
        return None;
    }
    let hints = media.preload_hints.iter();
    // There may be one alone.
    let hint = hints
        .filter(|hint| hint.kind == HintKind::Part && hint.start == 0 && hint.length.is_none())
        .take(1)
        .find(|hint| !follower.hints_asked.contains(&hint.uri))?;
    let (uri, request) = (hint.uri.clone(), follower.request(&hint.uri, None)?);
    follower.hints_asked.insert(uri);
    (!follower.objects.contains_key(&request)).then_some(request)
}

/// The next probe, if none is under way.
pub(super) fn probe(follower: &mut Follower) -> Option<Request> {
    if follower.probing.is_some() || follower.known.is_none() {
        return None;
    }
    let low_latency = follower.is_low_latency();
    // Each is tried once: those that must wait go to the end of the line.
    for _ in 0..follower.probes.len() {
        let probe = follower.probes.pop_front()?;
        if probe.is_low_latency() && !low_latency {
            continue;
        }
        match ask(follower, probe) {
            Asked::Now(request) => return Some(request),
            Asked::Later => follower.probes.push_back(probe),
            Asked::Never => {}
        }
    }
    None
}

fn ask(follower: &Follower, probe: Probe) -> Asked {
    let Some((media, reached)) = follower.media().map(|media| (media, Reached::of(media))) else {
        return Asked::Later;
    };
    let blocks = media
        .server_control
        .is_some_and(|control| control.can_block_reload);
    let directed = |parameters: String| {
        if media.end_list || !blocks {
            return Asked::Never;
        }
        Asked::Now(Request::get(&with_query(&follower.url, &parameters)))
    };
    match probe {
        Probe::Ended if !media.end_list => Asked::Later,
        Probe::Ended => {
            let msn = reached.msn.saturating_add(5);
            let parameters = format!("_HLS_msn={msn}&_HLS_part=0&_HLS_skip=YES");
            Asked::Now(Request::get(&with_query(&follower.url, &parameters)))
        }
        Probe::UnknownParameter => {
            let parameter = [UNKNOWN_PARAMETER, "=1"].concat();
            Asked::Now(Request::get(&with_query(&follower.url, &parameter)))
        }
        Probe::Gzip => {
            let mut request = Request::get(&follower.url);
            request.gzip = true;
            Asked::Now(request)
        }
        Probe::UnknownObject => match follower.request(super::UNKNOWN_OBJECT, None) {
            Some(request) => Asked::Now(request),
            None => Asked::Never,
        },
        Probe::Again | Probe::Range | Probe::RangePastEnd => of_sample(follower, probe),
        Probe::PartWithoutMsn => directed("_HLS_part=0".to_owned()),
        Probe::Malformed => directed("_HLS_msn=-1".to_owned()),
        Probe::OldMsn => match reached.media_sequence.checked_sub(1) {
            Some(msn) => directed(format!("_HLS_msn={msn}")),
            None => Asked::Later,
        },
        Probe::FarMsn => directed(format!("_HLS_msn={}", reached.msn.saturating_add(1_000))),
        Probe::FarPart => {
            let far = reached
                .parts
                .saturating_add(advance_limit(media))
                .saturating_add(100);
            directed(format!("_HLS_msn={}&_HLS_part={far}", reached.msn))
        }
        // Only when the next segment has begun is the answer due at once.
        Probe::PastEnd if reached.parts == 0 || reached.closed_parts == 0 => Asked::Later,
        Probe::PastEnd => {
            let (msn, part) = (reached.msn.saturating_sub(1), reached.closed_parts);
            directed(format!("_HLS_msn={msn}&_HLS_part={part}"))
        }
        Probe::MsnOnly => directed(format!("_HLS_msn={}", reached.msn)),
    }
}

fn of_sample(follower: &Follower, probe: Probe) -> Asked {
    let Some((request, body)) = &follower.sample else {
        return Asked::Later;
    };
    let mut request = request.clone();
    let len = u64::try_from(body.len()).unwrap_or(u64::MAX);
    match probe {
        Probe::Range => request.range = Some((0, Some(99))),
        Probe::RangePastEnd => request.range = Some((len.saturating_add(10), None)),
        _ => {}
    }
    // A piece of a resource has no end of its own to ask past.
    let piece = follower
        .sample
        .as_ref()
        .is_some_and(|(sample, _)| sample.range.is_some());
    if piece && probe != Probe::Again {
        return Asked::Never;
    }
    Asked::Now(request)
}

/// Whether an object may serve as a sample.
pub(super) fn is_sample(kind: Kind, len: usize) -> bool {
    kind != Kind::Init && len >= 200
}
