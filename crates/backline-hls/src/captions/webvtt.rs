//! A segment of captions as a WebVTT file (section 3.1.4 of the draft; W3C WebVTT).

use super::{Placed, to_ms};
use crate::text::{push_time, push_u64};

/// Ticks of MPEG-2 presentation times in a millisecond, and bits of one.
const TICKS_PER_MS: u64 = 90;
const TICK_BITS: u32 = 33;
/// Room for the header, and for what surrounds a cue's text.
const HEAD_RESERVE: usize = 80;
const CUE_RESERVE: usize = 48;

/// Writes the cues that are shown between two file times. The file's times are the picture's, so cues have the same
/// times in all segments, and readers that know no map, such as FFmpeg, show them when they are due.
pub(super) fn body(placed: &[Placed], start_ns: i64, end_ns: i64) -> String {
    let (start_ms, end_ms) = (to_ms(start_ns), to_ms(end_ns));
    let shown = placed
        .iter()
        .filter(|one| one.start_ms < end_ms && one.end_ms > start_ms);
    let size = shown.clone().fold(HEAD_RESERVE, |size, one| {
        let cue = &one.cue;
        size.saturating_add(cue.id.len() + cue.settings.len() + cue.text.len() + CUE_RESERVE)
    });
    let mut out = String::with_capacity(size);
    head(&mut out, start_ms);
    for Placed {
        start_ms,
        end_ms,
        cue,
    } in shown
    {
        if !cue.id.is_empty() {
            out.push_str(&cue.id);
            out.push('\n');
        }
        push_time(&mut out, *start_ms);
        out.push_str(" --> ");
        push_time(&mut out, *end_ms);
        if !cue.settings.is_empty() {
            out.push(' ');
            out.push_str(&cue.settings);
        }
        out.push('\n');
        out.push_str(&cue.text);
        out.push_str("\n\n");
    }
    out
}

/// The header with its map. Presentation times have 33 bits: each time they have begun anew, the map says which
/// millisecond of the file has the first low one.
fn head(out: &mut String, start_ms: u64) {
    let begun = start_ms.saturating_mul(TICKS_PER_MS) >> TICK_BITS << TICK_BITS;
    let local_ms = begun.div_ceil(TICKS_PER_MS);
    out.push_str("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:");
    push_time(out, local_ms);
    out.push_str(",MPEGTS:");
    push_u64(out, local_ms * TICKS_PER_MS - begun);
    out.push_str("\n\n");
}

#[cfg(test)]
mod tests;
