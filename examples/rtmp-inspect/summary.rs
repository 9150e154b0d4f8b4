//! The summary for people.

use std::fmt::Write as _;

use backline_rtmp::report::{Report, TrackReport};

use super::inspection::Summary;
use super::view::kind_name;

/// Writes the summary as text.
pub(crate) fn text(summary: &Summary) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "\n{}", summary.source);
    section(
        &mut out,
        "who",
        summary
            .who
            .iter()
            .map(|(name, value)| format!("{name}: {value}")),
    );
    section(
        &mut out,
        "declared",
        summary
            .metadata
            .iter()
            .map(|(name, value)| format!("{name}: {value}")),
    );
    section(&mut out, "tracks", summary.tracks.iter().cloned());
    section(&mut out, "measured", measured(&summary.report));
    if let Some(wire) = &summary.wire {
        let [full, short, shorter, none] = wire.formats;
        let mut lines = vec![format!(
            "{} bytes in {} chunks of up to {} bytes; headers: {full} full, {short} of format 1, {shorter} of format 2, {none} of format 3",
            wire.bytes, wire.chunks, wire.dialect.chunk_size
        )];
        lines.extend(wire.chunk_streams.iter().map(|(id, kinds)| {
            let kinds: Vec<_> = kinds.iter().map(|kind| kind_name(*kind)).collect();
            format!("chunk stream {id}: {}", kinds.join(", "))
        }));
        section(&mut out, "wire", lines);
    }
    section(
        &mut out,
        "habits",
        summary
            .quirks
            .iter()
            .map(|(id, what)| format!("{id}: {what}")),
    );
    let malformed = (summary.malformed > 0)
        .then(|| format!("{} messages could not be read", summary.malformed));
    section(
        &mut out,
        "faults",
        malformed.into_iter().chain(summary.faults.iter().cloned()),
    );
    let clean = summary
        .findings
        .is_empty()
        .then(|| "nothing to complain about".to_owned());
    section(
        &mut out,
        "findings",
        summary.findings.iter().cloned().chain(clean),
    );
    out
}

fn section(out: &mut String, name: &str, lines: impl IntoIterator<Item = String>) {
    let mut name = name;
    for line in lines {
        let _ = writeln!(out, "  {name:<10} {line}");
        name = "";
    }
}

fn measured(report: &Report) -> Vec<String> {
    let mut lines: Vec<_> = report.tracks.iter().map(track).collect();
    if let Some(skew) = &report.skew {
        let drift = match skew.drift_ms_per_min {
            Some(drift) => format!(", drifting {drift:+.1} ms a minute"),
            None => String::new(),
        };
        lines.push(format!(
            "picture less sound: {:+.0} ms, {:+.0} to {:+.0} ms{drift}",
            skew.latest_ms, skew.min_ms, skew.max_ms
        ));
    }
    lines
}

fn track(track: &TrackReport) -> String {
    let mut line = format!(
        "{:?} {}: {} frames in {:.1} s",
        track.codec,
        track.track,
        track.frames,
        track.media_ms as f64 / 1e3
    );
    if let Some(rate) = track.rate {
        let _ = write!(line, ", {rate:.2} a second");
    }
    if let Some(rate) = track.bitrate_kbps {
        let _ = write!(line, ", {rate:.0} kb/s");
    }
    if let Some(keys) = &track.keys {
        let _ = write!(
            line,
            ", key frames every {:.2} s ({:.2} to {:.2})",
            keys.mean_ms / 1e3,
            keys.min_ms as f64 / 1e3,
            keys.max_ms as f64 / 1e3
        );
    }
    if let Some(jitter) = &track.jitter {
        let _ = write!(
            line,
            ", jitter {:.1} ms (95 % within {:.1})",
            jitter.mean_us / 1e3,
            f64::from(jitter.p95_us) / 1e3
        );
    }
    if let Some(missing) = track.missing.filter(|missing| *missing > 0) {
        let _ = write!(line, ", about {missing} missing");
    }
    if track.gaps.count > 0 {
        let _ = write!(line, ", {} gaps", track.gaps.count);
    }
    line
}
