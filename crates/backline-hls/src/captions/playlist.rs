//! Playlists of captions: whole segments, no parts (PL-4, MV-4).

use crate::captions::{Captions, Page};
use crate::delivery::Form;
use crate::playlist::{
    VERSION_MAP, VERSION_SKIP, head, report, report_text, sequence, skip_until_units,
};
use crate::presentation::{Phase, Presentation};
use crate::text::{push_date, push_u64, push_units};

/// Room for what is not a segment's own, and for a segment.
const HEAD_RESERVE: usize = 1_024;
const PAGE_RESERVE: usize = 128;

/// Writes a text rendition's playlist. `None` before there is media.
pub(crate) fn media(
    presentation: &Presentation,
    captions: &Captions,
    form: Form,
) -> Option<String> {
    let targets = presentation.targets.as_ref()?;
    let ended = presentation.phase == Phase::Ended;
    let pages = &captions.closed;
    let skipped = match form {
        Form::Skip | Form::SkipV2 if !ended => skippable(captions, skip_until_units(targets)),
        _ => 0,
    };
    let version = if skipped > 0 {
        VERSION_SKIP
    } else {
        VERSION_MAP
    };
    let mut out = String::with_capacity(HEAD_RESERVE + pages.len() * PAGE_RESERVE);
    head(
        &mut out,
        targets,
        version,
        presentation.config.independent_segments,
    );
    let first = pages.front().map_or(0, |page| page.msn);
    sequence(&mut out, first, captions.discontinuity_sequence);
    if skipped > 0 {
        out.push_str("#EXT-X-SKIP:SKIPPED-SEGMENTS=");
        push_u64(&mut out, u64::try_from(skipped).unwrap_or(u64::MAX));
        if form == Form::SkipV2 {
            // Date ranges stand in the other playlists (section 6.2.4 of the draft).
            out.push_str(",RECENTLY-REMOVED-DATERANGES=\"\"");
        }
        out.push('\n');
    }
    for page in pages.iter().skip(skipped) {
        write(&mut out, page);
    }
    if ended {
        out.push_str("#EXT-X-ENDLIST\n");
        return Some(out);
    }
    for rendition in &presentation.renditions {
        report(&mut out, rendition);
    }
    let others = presentation.captions.iter();
    for other in others.filter(|other| other.id != captions.id) {
        report_text(&mut out, other);
    }
    Some(out)
}

fn write(out: &mut String, page: &Page) {
    if page.discontinuity {
        out.push_str("#EXT-X-DISCONTINUITY\n");
    }
    out.push_str("#EXT-X-PROGRAM-DATE-TIME:");
    push_date(out, page.date_ms);
    if page.absent {
        out.push_str("\n#EXT-X-GAP");
    }
    out.push_str("\n#EXTINF:");
    push_units(out, page.units);
    out.push_str(",\ns");
    push_u64(out, page.msn);
    out.push_str(".vtt\n");
}

/// Segments that lie wholly beyond the Skip Boundary (PL-10).
fn skippable(captions: &Captions, boundary_units: u64) -> usize {
    let mut from_end: u64 = captions.closed.iter().map(|page| page.units).sum();
    let beyond = |page: &&Page| {
        from_end = from_end.saturating_sub(page.units);
        from_end > boundary_units
    };
    captions.closed.iter().take_while(beyond).count()
}
