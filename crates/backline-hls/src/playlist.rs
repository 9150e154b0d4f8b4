//! Media playlists: head and tail are written anew, closed segments bring their lines (PL-1 to PL-13, reference 2.4).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "sums of listed durations are far below 2^63"
)]

use crate::captions::Captions;
use crate::cutter::Targets;
use crate::dates::Dates;
use crate::delivery::Form;
use crate::event::Point;
use crate::rendition::Rendition;
use crate::segment::Segment;
use crate::text::{UNITS_PER_SECOND, push_u64, push_units};

/// Room for what is not a segment's own.
const HEAD_RESERVE: usize = 1_024;
/// Lowest protocol versions (section 8 of the draft, PL-12): `EXT-X-MAP` without I-frames needs 6, `EXT-X-SKIP` 9,
/// and 10 where it stands for date ranges too.
pub(crate) const VERSION_MAP: u64 = 6;
pub(crate) const VERSION_SKIP: u64 = 9;
const VERSION_SKIP_DATES: u64 = 10;

/// What a playlist is written from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) rendition: &'a Rendition,
    pub(crate) others: &'a [Rendition],
    pub(crate) captions: &'a [Captions],
    pub(crate) targets: &'a Targets,
    pub(crate) dates: &'a Dates,
    pub(crate) form: Form,
    pub(crate) ended: bool,
    pub(crate) independent: bool,
    /// The time of the version, which stands for the time of every request that it answers.
    pub(crate) now_ns: u64,
}

/// Writes one rendition's playlist.
pub(crate) fn media(view: &View<'_>) -> String {
    let View {
        rendition, dates, ..
    } = *view;
    let skipped = match view.form {
        Form::Skip | Form::SkipV2 if !view.ended => skippable(rendition, view.targets),
        _ => 0,
    };
    let v2 = view.form == Form::SkipV2 && skipped > 0;
    let boundary_ns = view.targets.target_ns() * 6;
    let recent_ns = view.now_ns.saturating_sub(boundary_ns);
    let since_ns = if v2 { recent_ns } else { 0 };
    let text_len: usize = rendition
        .closed
        .iter()
        .skip(skipped)
        .map(Segment::len)
        .sum();
    let mut out = String::with_capacity(
        HEAD_RESERVE + text_len + dates.len() + rendition.open.as_ref().map_or(0, Segment::len),
    );
    let version = match skipped {
        0 => VERSION_MAP,
        _ if v2 && dates.any_before(since_ns) => VERSION_SKIP_DATES,
        _ => VERSION_SKIP,
    };
    head(&mut out, view.targets, version, view.independent);
    out.push_str("#EXT-X-PART-INF:PART-TARGET=");
    push_units(&mut out, view.targets.part_units);
    out.push('\n');
    let first = rendition.closed.front().or(rendition.open.as_ref());
    let first = first.map_or(rendition.next_msn, |segment| segment.msn);
    sequence(&mut out, first, rendition.discontinuity_sequence);
    if skipped > 0 {
        out.push_str("#EXT-X-SKIP:SKIPPED-SEGMENTS=");
        push_u64(&mut out, u64::try_from(skipped).unwrap_or(u64::MAX));
        if v2 {
            out.push_str(",RECENTLY-REMOVED-DATERANGES=\"");
            dates.push_removed(&mut out, since_ns);
            out.push('"');
        }
        out.push('\n');
    }
    segments(&mut out, view, skipped, since_ns);
    if view.ended {
        out.push_str("#EXT-X-ENDLIST\n");
        return out;
    }
    hints(&mut out, rendition);
    for other in view.others.iter().filter(|other| other.id != rendition.id) {
        report(&mut out, other);
    }
    for captions in view.captions {
        report_text(&mut out, captions);
    }
    out
}

/// The segments that are not skipped, and the date ranges: each where it was added, those from before the first written
/// segment in front of it.
fn segments(out: &mut String, view: &View<'_>, skipped: usize, since_ns: u64) {
    let View {
        rendition, dates, ..
    } = *view;
    let listed = || {
        let open = rendition.open.as_ref().filter(|open| open.parts > 0);
        rendition.closed.iter().skip(skipped).chain(open)
    };
    let first_mark = listed().find_map(Segment::first_mark);
    dates.write_below(out, first_mark.unwrap_or(u64::MAX), since_ns);
    let before = skipped.checked_sub(1);
    let mut init = before.and_then(|index| rendition.closed.get(index).map(|last| last.init));
    for segment in listed() {
        // Tags that belong to a segment come before its first part (PL-11).
        if segment.discontinuity {
            out.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if init != Some(segment.init) || segment.discontinuity {
            out.push_str("#EXT-X-MAP:URI=\"i");
            push_u64(out, segment.init);
            out.push_str(".mp4\"\n");
            init = Some(segment.init);
        }
        let with_parts = segment.msn >= rendition.parts_from_msn;
        segment.write(out, with_parts, |out, mark| {
            dates.write(out, mark, since_ns)
        });
    }
}

/// `EXT-X-SERVER-CONTROL` and what else is the same in all media playlists of a presentation (PL-4).
pub(crate) fn head(out: &mut String, targets: &Targets, version: u64, independent: bool) {
    out.push_str("#EXTM3U\n#EXT-X-VERSION:");
    push_u64(out, version);
    if independent {
        out.push_str("\n#EXT-X-INDEPENDENT-SEGMENTS");
    }
    out.push_str("\n#EXT-X-TARGETDURATION:");
    push_u64(out, targets.target_s);
    out.push_str("\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=");
    push_units(out, targets.hold_back_units());
    out.push_str(",CAN-SKIP-UNTIL=");
    push_units(out, skip_until_units(targets));
    out.push_str(",CAN-SKIP-DATERANGES=YES,HOLD-BACK=");
    push_units(out, targets.target_s * 3 * UNITS_PER_SECOND);
    out.push('\n');
}

/// The numbers of the first segment.
pub(crate) fn sequence(out: &mut String, msn: u64, discontinuity_sequence: u64) {
    out.push_str("#EXT-X-MEDIA-SEQUENCE:");
    push_u64(out, msn);
    out.push_str("\n#EXT-X-DISCONTINUITY-SEQUENCE:");
    push_u64(out, discontinuity_sequence);
    out.push('\n');
}

/// What comes next (PL-8): the URI is a number that the next part will have, whatever segment it falls into.
fn hints(out: &mut String, rendition: &Rendition) {
    if let Some(init) = rendition.next_init {
        out.push_str("#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"i");
        push_u64(out, init);
        out.push_str(".mp4\"\n");
    }
    out.push_str("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p");
    push_u64(out, rendition.next_part);
    out.push_str(".m4s\"\n");
}

/// Where another rendition is (PL-9).
pub(crate) fn report(out: &mut String, other: &Rendition) {
    let (listed, _) = other.points();
    if other.listed_units() == 0 {
        return;
    }
    out.push_str("#EXT-X-RENDITION-REPORT:URI=\"../");
    out.push_str(&other.name);
    out.push_str("/index.m3u8\",LAST-MSN=");
    push_u64(out, listed.msn);
    out.push_str(",LAST-PART=");
    push_u64(out, listed.part);
    out.push('\n');
}

/// Where captions are: they have no parts.
pub(crate) fn report_text(out: &mut String, other: &Captions) {
    let (_, closed) = other.points();
    if closed == Point::default() {
        return;
    }
    out.push_str("#EXT-X-RENDITION-REPORT:URI=\"../");
    out.push_str(&other.name);
    out.push_str("/index.m3u8\",LAST-MSN=");
    push_u64(out, closed.msn);
    out.push('\n');
}

/// Segments that lie wholly beyond the Skip Boundary (PL-10).
fn skippable(rendition: &Rendition, targets: &Targets) -> usize {
    let mut from_end = rendition.listed_units();
    let mut count = 0;
    for segment in &rendition.closed {
        from_end -= segment.units;
        if from_end <= skip_until_units(targets) {
            break;
        }
        count += 1;
    }
    count
}

pub(crate) fn skip_until_units(targets: &Targets) -> u64 {
    targets.target_s * 6 * UNITS_PER_SECOND
}
