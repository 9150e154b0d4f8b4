//! Reads media playlists without any code of the writer.

use std::collections::BTreeMap;

/// Hundred-thousandths of a second: the five decimals that are printed.
pub(super) const UNITS: u64 = 100_000;

/// A media playlist.
#[derive(Clone, Debug, Default)]
pub(super) struct Playlist {
    pub(super) target_s: u64,
    pub(super) part_target: u64,
    pub(super) control: String,
    pub(super) media_sequence: u64,
    pub(super) discontinuity_sequence: u64,
    pub(super) skipped: u64,
    /// Closed ones, then the open one if it has parts.
    pub(super) segments: Vec<Segment>,
    pub(super) hints: Vec<(String, String)>,
    pub(super) reports: Vec<String>,
    pub(super) ended: bool,
    pub(super) version: u64,
}

/// A segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Segment {
    pub(super) discontinuity: bool,
    /// Nothing of it exists.
    pub(super) gap: bool,
    /// The map that is in force.
    pub(super) map: String,
    pub(super) date: String,
    pub(super) parts: Vec<Part>,
    /// Duration and URI; none while it grows.
    pub(super) closed: Option<(u64, String)>,
}

/// A part.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) duration: u64,
    pub(super) uri: String,
    pub(super) independent: bool,
    pub(super) gap: bool,
}

/// Reads a playlist; whatever is not as the writer should write it is a panic.
pub(super) fn parse(text: &str) -> Playlist {
    assert!(
        text.starts_with("#EXTM3U\n") && text.ends_with('\n'),
        "{text}"
    );
    assert!(
        text.chars().all(|c| c == '\n' || !c.is_control()),
        "control characters (PL-13)"
    );
    let mut list = Playlist::default();
    let mut segment = Segment::default();
    let mut map = String::new();
    let mut duration = None;
    for line in text.lines().skip(1) {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-VERSION" => list.version = int(value),
            "#EXT-X-TARGETDURATION" => list.target_s = int(value),
            "#EXT-X-SERVER-CONTROL" => value.clone_into(&mut list.control),
            "#EXT-X-PART-INF" => list.part_target = units(&attributes(value)["PART-TARGET"]),
            "#EXT-X-MEDIA-SEQUENCE" => list.media_sequence = int(value),
            "#EXT-X-DISCONTINUITY-SEQUENCE" => list.discontinuity_sequence = int(value),
            "#EXT-X-SKIP" => list.skipped = int(&attributes(value)["SKIPPED-SEGMENTS"]),
            "#EXT-X-DISCONTINUITY" => {
                assert!(segment.parts.is_empty(), "PL-11");
                segment.discontinuity = true;
            }
            "#EXT-X-MAP" => {
                assert!(segment.parts.is_empty(), "PL-11");
                map = attributes(value)["URI"].clone();
            }
            "#EXT-X-PROGRAM-DATE-TIME" => {
                assert!(segment.parts.is_empty() && segment.date.is_empty(), "PL-11");
                value.clone_into(&mut segment.date);
            }
            "#EXT-X-PART" => {
                let given = attributes(value);
                segment.parts.push(Part {
                    duration: units(&given["DURATION"]),
                    uri: given["URI"].clone(),
                    independent: given.contains_key("INDEPENDENT"),
                    gap: given.contains_key("GAP"),
                });
            }
            "#EXT-X-GAP" => segment.gap = true,
            "#EXTINF" => duration = Some(units(value.trim_end_matches(','))),
            "#EXT-X-PRELOAD-HINT" => {
                let given = attributes(value);
                list.hints
                    .push((given["TYPE"].clone(), given["URI"].clone()));
            }
            "#EXT-X-RENDITION-REPORT" => list.reports.push(value.to_owned()),
            "#EXT-X-ENDLIST" => list.ended = true,
            "#EXT-X-INDEPENDENT-SEGMENTS" => {}
            _ if !line.starts_with('#') => {
                segment.closed = Some((
                    duration.take().expect("EXTINF comes before the URI"),
                    line.to_owned(),
                ));
                segment.map.clone_from(&map);
                list.segments.push(std::mem::take(&mut segment));
            }
            _ => panic!("{line} is not known"),
        }
    }
    if !segment.parts.is_empty() {
        segment.map = map;
        list.segments.push(segment);
    }
    list
}

fn attributes(value: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = value;
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=').expect("an attribute has a value");
        assert!(
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b == b'-' || b.is_ascii_digit())
        );
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => {
                let (value, behind) = quoted.split_once('"').expect("a quoted value ends");
                (value, behind.strip_prefix(',').unwrap_or(behind))
            }
            None => behind.split_once(',').unwrap_or((behind, "")),
        };
        assert!(
            found.insert(name.to_owned(), value.to_owned()).is_none(),
            "{name} comes twice"
        );
        rest = behind;
    }
    found
}

fn int(text: &str) -> u64 {
    text.parse()
        .unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// Seconds with five decimals, always.
fn units(text: &str) -> u64 {
    let (whole, part) = text
        .split_once('.')
        .unwrap_or_else(|| panic!("{text:?} has no decimals"));
    assert_eq!(part.len(), 5, "{text:?}");
    int(whole) * UNITS + int(part)
}
