//! Where one take ends and the next one begins, told from what the parts say themselves.

use std::collections::BTreeMap;

use backline_hls::progressive::StoredPart;
use backline_hls::{Limits, RenditionId};
use bytes::Bytes;

/// What a part means for the take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Moment {
    /// It begins another one.
    Cut,
    /// It goes on.
    Goes,
    /// It cannot be read, which is our fault or nobody's.
    Skipped,
}

/// Follows all renditions. It has to see every part, those that find no room in the queue too: a part that it misses
/// looks like a discontinuity.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    renditions: BTreeMap<RenditionId, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The init segment of the parts that come now, and of those after the next discontinuity.
    init: Option<Bytes>,
    next: Option<Bytes>,
    /// Decode time at which the next part of the rendition's first track begins.
    end: Option<u64>,
}

impl Tracker {
    /// An init segment: of the first part, or announced for what follows the next discontinuity.
    pub(super) fn init(&mut self, rendition: RenditionId, body: Bytes) {
        let seen = self.renditions.entry(rendition).or_default();
        if seen.end.is_none() {
            seen.init = Some(body);
        } else {
            seen.next = Some(body);
        }
    }

    /// A part. The leading rendition's decode times jump at a discontinuity and nowhere else.
    pub(super) fn part(&mut self, rendition: RenditionId, body: &[Bytes]) -> Moment {
        let Some((begin, end)) = times(body) else {
            return Moment::Skipped;
        };
        let leads = self.renditions.keys().next() == Some(&rendition);
        let Some(seen) = self.renditions.get_mut(&rendition) else {
            return Moment::Skipped;
        };
        let jumped = seen.end.is_some_and(|end| end != begin);
        seen.end = Some(end);
        if !leads || !jumped {
            return Moment::Goes;
        }
        for seen in self.renditions.values_mut() {
            if let Some(next) = seen.next.take() {
                seen.init = Some(next);
            }
        }
        Moment::Cut
    }

    /// Whether a take can begin with this part: the leading rendition's, with a sync sample first.
    pub(super) fn starts(&self, rendition: RenditionId, body: &[Bytes]) -> bool {
        self.renditions.keys().next() == Some(&rendition)
            && stored(body).is_some_and(|part| {
                let first = part.runs.first().and_then(|run| run.samples.first());
                first.is_some_and(|sample| sample.sync)
            })
    }

    /// The init segment that a rendition's parts need now.
    pub(super) fn init_of(&self, rendition: RenditionId) -> Option<Bytes> {
        self.renditions.get(&rendition)?.init.clone()
    }
}

/// Decode times of the first track at the part's beginning and end.
fn times(body: &[Bytes]) -> Option<(u64, u64)> {
    let part = stored(body)?;
    let run = part.runs.first()?;
    Some((run.base_decode_time, run.end()))
}

fn stored(body: &[Bytes]) -> Option<StoredPart> {
    let header = body.first()?;
    StoredPart::read_header(header, &Limits::default()).ok()
}
