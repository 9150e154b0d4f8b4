//! What a playlist must be as a text (PL-13), and which version its tags need (PL-12).

use super::report::Findings;
use super::rule::Rule;
use crate::m3u8::{Define, Media};

/// Looks at each line of a playlist.
pub(super) fn check(findings: &mut Findings, place: &str, text: &str) {
    let mut wrong = None;
    for (number, line) in (1usize..).zip(text.lines()) {
        // Tabs stand between the IDs of RECENTLY-REMOVED-DATERANGES.
        let what = if line.chars().any(|c| c.is_control() && c != '\t') {
            Some("a control character")
        } else {
            list(line).and_then(attributes)
        };
        wrong = wrong.or_else(|| what.map(|what| (number, what)));
    }
    findings.need(Rule::Pl13, place, wrong.is_none(), || {
        let (number, what) = wrong.unwrap_or((0, ""));
        let line = text.lines().nth(number.saturating_sub(1));
        format!("line {number}: {what}: {}", line.unwrap_or_default().trim())
    });
}

/// The attribute list of a tag that has one.
fn list(line: &str) -> Option<&str> {
    let (tag, list) = line.strip_prefix("#EXT-X-")?.split_once(':')?;
    let has_list = matches!(
        tag,
        "DATERANGE"
            | "DEFINE"
            | "I-FRAME-STREAM-INF"
            | "KEY"
            | "MAP"
            | "MEDIA"
            | "PART"
            | "PART-INF"
            | "PRELOAD-HINT"
            | "RENDITION-REPORT"
            | "SERVER-CONTROL"
            | "SKIP"
            | "START"
            | "STREAM-INF"
    );
    has_list.then_some(list)
}

/// What is wrong with a list (section 4.2).
fn attributes(list: &str) -> Option<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    let mut rest = list;
    loop {
        let (name, value) = rest.split_once('=')?;
        if name.contains([' ', '\t']) {
            return Some("a space in an attribute list");
        }
        if names.contains(&name) {
            return Some("an attribute twice");
        }
        // A flood of names is looked at no further: it would take quadratic time.
        if names.len() < 64 {
            names.push(name);
        }
        let end = match value.strip_prefix('"') {
            Some(quoted) => quoted.find('"')?.saturating_add(2),
            None => value.find(',').unwrap_or(value.len()),
        };
        let (value, behind) = value.split_at_checked(end)?;
        if !value.starts_with('"') && value.contains([' ', '\t']) {
            return Some("a space in an attribute list");
        }
        rest = behind.strip_prefix(',')?;
    }
}

/// Whether an attribute's name begins with `REQ-`; what is quoted is no name.
fn has_required(list: &str) -> bool {
    let mut quoted = false;
    let mut items = list.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    items.any(|item| item.starts_with("REQ-"))
}

/// The version must be what the tags need (section 8), and should be no higher.
pub(super) fn version(findings: &mut Findings, place: &str, media: &Media) {
    let (needed, by) = needed(media);
    // Whether the update left date ranges out cannot be told from it: 10 is needed if it did.
    let skip = media.skip.as_ref();
    let may_skip_ranges = skip.is_some_and(|skip| skip.removed_date_ranges.is_some());
    let most = if may_skip_ranges {
        needed.max(10)
    } else {
        needed
    };
    let holds = (needed..=most).contains(&media.version);
    findings.need(Rule::Pl12, place, holds, || {
        let written = media.version;
        format!("EXT-X-VERSION:{written} where {by} needs {needed}")
    });
}

fn needed(media: &Media) -> (u64, &'static str) {
    let mut most = (1, "nothing");
    let mut need = |version: u64, by: &'static str, present: bool| {
        if present && version > most.0 {
            most = (version, by);
        }
    };
    let mut lines = media.lines();
    let decimals = lines.any(|line| {
        let duration = line.strip_prefix("#EXTINF:");
        duration.is_some_and(|rest| rest.split(',').next().is_some_and(|d| d.contains('.')))
    });
    let all = || media.segments.iter();
    let keys = || all().flat_map(|segment| &segment.keys);
    let key_has = |name: &str| keys().any(|key| key.attributes().get(name).is_some());
    let method = |name: &str| keys().any(|key| key.method == name);
    need(2, "the IV of EXT-X-KEY", key_has("IV"));
    need(3, "a duration with decimals", decimals);
    need(4, "EXT-X-I-FRAMES-ONLY", media.i_frames_only);
    let ranges = all().any(|segment| segment.byte_range.is_some());
    need(4, "EXT-X-BYTERANGE", ranges);
    let formats = key_has("KEYFORMAT") || key_has("KEYFORMATVERSIONS");
    need(
        5,
        "the KEYFORMAT of EXT-X-KEY",
        formats || method("SAMPLE-AES"),
    );
    let maps = media.all().any(|segment| segment.map.is_some());
    need(5, "EXT-X-MAP", maps);
    need(
        6,
        "EXT-X-MAP without EXT-X-I-FRAMES-ONLY",
        maps && !media.i_frames_only,
    );
    need(8, "EXT-X-DEFINE", !media.defines.is_empty());
    need(9, "EXT-X-SKIP", media.skip.is_some());
    let parameters = media
        .defines
        .iter()
        .any(|one| matches!(one, Define::QueryParam(_)));
    need(11, "the QUERYPARAM of EXT-X-DEFINE", parameters);
    let required = media.lines().filter_map(list).any(has_required);
    need(12, "an attribute that begins with REQ-", required);
    most
}
