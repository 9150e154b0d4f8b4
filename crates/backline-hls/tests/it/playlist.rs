//! Reads media playlists back and says whether one may follow another.

use backline_hls::RenditionId;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    pub units: u64,
    pub uri: String,
    pub independent: bool,
    pub gap: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    pub msn: u64,
    pub discontinuity: bool,
    pub map: String,
    pub date: String,
    pub parts: Vec<Part>,
    pub units: Option<u64>,
    pub uri: String,
    pub gap: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    pub version: u64,
    pub target: u64,
    pub control: String,
    pub part_target: u64,
    pub msn: u64,
    pub discontinuity: u64,
    pub skipped: u64,
    pub segments: Vec<Segment>,
    pub hint: Option<String>,
    pub map_hint: Option<String>,
    pub reports: Vec<String>,
    pub ended: bool,
    pub dates: Vec<String>,
    pub removed: Option<String>,
}

pub fn units(text: &str) -> u64 {
    let (whole, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), 5, "five decimals always (PL-13): {text}");
    whole.parse::<u64>().unwrap() * 100_000 + fraction.parse::<u64>().unwrap()
}

pub fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let at = list.find(&format!("{name}="))?;
    let value = &list[at + name.len() + 1..];
    match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split(',').next(),
    }
}

/// Milliseconds since midnight of an EXT-X-PROGRAM-DATE-TIME.
pub fn ms_of_day(date: &str) -> i64 {
    let digits = |range: std::ops::Range<usize>| date[range].parse::<i64>().unwrap();
    ((digits(11..13) * 60 + digits(14..16)) * 60 + digits(17..19)) * 1_000 + digits(20..23)
}

impl Media {
    /// (media sequence number, discontinuity sequence number, whether it begins a discontinuity) of every segment.
    pub fn discontinuities(&self) -> Vec<(u64, u64, bool)> {
        let mut number = self.discontinuity;
        let segments = self.segments.iter();
        segments
            .map(|segment| {
                number += u64::from(segment.discontinuity);
                (segment.msn, number, segment.discontinuity)
            })
            .collect()
    }

    /// Where the listed media ends, in milliseconds since midnight.
    pub fn end_ms(&self) -> i64 {
        let last = self.segments.last().unwrap();
        let parts = || last.parts.iter().map(|part| part.units).sum();
        let units = last.units.unwrap_or_else(parts);
        ms_of_day(&last.date) + i64::try_from(units / 100).unwrap()
    }

    pub fn parse(text: &str) -> Self {
        let mut media = Self::default();
        let mut segment = Segment::default();
        let mut map = String::new();
        let mut touched = false;
        assert!(text.starts_with("#EXTM3U\n") && text.ends_with('\n'));
        for line in text.lines() {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            touched |= matches!(tag, "#EXT-X-PART" | "#EXTINF");
            match tag {
                "#EXT-X-VERSION" => media.version = value.parse().unwrap(),
                "#EXT-X-TARGETDURATION" => media.target = value.parse().unwrap(),
                "#EXT-X-SERVER-CONTROL" => media.control = value.to_owned(),
                "#EXT-X-PART-INF" => {
                    media.part_target = units(attribute(value, "PART-TARGET").unwrap())
                }
                "#EXT-X-MEDIA-SEQUENCE" => media.msn = value.parse().unwrap(),
                "#EXT-X-DISCONTINUITY-SEQUENCE" => media.discontinuity = value.parse().unwrap(),
                "#EXT-X-DATERANGE" => media.dates.push(value.to_owned()),
                "#EXT-X-SKIP" => {
                    media.removed =
                        attribute(value, "RECENTLY-REMOVED-DATERANGES").map(str::to_owned);
                    media.skipped = attribute(value, "SKIPPED-SEGMENTS")
                        .unwrap()
                        .parse()
                        .unwrap()
                }
                "#EXT-X-MAP" => map = attribute(value, "URI").unwrap().to_owned(),
                "#EXT-X-GAP" => segment.gap = true,
                "#EXT-X-DISCONTINUITY" => segment.discontinuity = true,
                "#EXT-X-PROGRAM-DATE-TIME" => segment.date = value.to_owned(),
                "#EXT-X-PART" => segment.parts.push(Part {
                    units: units(attribute(value, "DURATION").unwrap()),
                    uri: attribute(value, "URI").unwrap().to_owned(),
                    independent: attribute(value, "INDEPENDENT") == Some("YES"),
                    gap: attribute(value, "GAP") == Some("YES"),
                }),
                "#EXTINF" => segment.units = Some(units(value.strip_suffix(',').unwrap())),
                "#EXT-X-PRELOAD-HINT" => {
                    let uri = attribute(value, "URI").map(str::to_owned);
                    match attribute(value, "TYPE") {
                        Some("PART") => media.hint = uri,
                        _ => media.map_hint = uri,
                    }
                }
                "#EXT-X-RENDITION-REPORT" => media.reports.push(value.to_owned()),
                "#EXT-X-ENDLIST" => media.ended = true,
                "#EXTM3U" | "#EXT-X-INDEPENDENT-SEGMENTS" => {}
                uri => {
                    assert!(!uri.starts_with('#'), "unknown tag {uri}");
                    segment.uri = uri.to_owned();
                    segment.map = map.clone();
                    segment.msn = media.msn + media.skipped + media.segments.len() as u64;
                    media.segments.push(std::mem::take(&mut segment));
                    touched = false;
                }
            }
        }
        if touched {
            segment.map = map;
            segment.msn = media.msn + media.skipped + media.segments.len() as u64;
            media.segments.push(segment);
        }
        media
    }

    /// What must hold of every playlist.
    pub fn check(&self, id: RenditionId) {
        if self.part_target == 0 {
            return self.check_whole();
        }
        let part_hold_back = units(attribute(&self.control, "PART-HOLD-BACK").unwrap());
        assert_eq!(
            part_hold_back,
            3 * self.part_target,
            "PL-2: exactly three parts"
        );
        assert!(self.control.contains(",HOLD-BACK="), "PL-3");
        let floor = (self.part_target * 85).div_ceil(100);
        for segment in &self.segments {
            assert!(!segment.date.is_empty(), "SEG-8: a date on every segment");
            assert!(
                !segment.map.is_empty() || self.skipped > 0,
                "a map before every segment"
            );
            let last = segment.parts.len().saturating_sub(1);
            for (index, part) in segment.parts.iter().enumerate() {
                assert!(
                    part.units <= self.part_target,
                    "SEG-2: {id} {part:?} of {}",
                    self.part_target
                );
                let before_gap = segment.parts.get(index + 1).is_some_and(|next| next.gap);
                // A segment that cannot take another frame ends here, though its end is not listed yet.
                let filled: u64 = segment.parts.iter().map(|part| part.units).sum();
                let full = filled + self.part_target > self.target * 100_000 + 50_000;
                let last = index == last && (segment.units.is_some() || full);
                let exempt = part.independent || part.gap || before_gap || last;
                assert!(
                    part.units >= floor || exempt,
                    "SEG-3: {id} {part:?} of {} in {}",
                    self.part_target,
                    segment.msn
                );
            }
            if segment.units.is_some() && !segment.parts.is_empty() {
                let absent = segment.parts.iter().all(|part| part.gap);
                assert_eq!(
                    segment.gap, absent,
                    "SEG-7: a segment of which nothing exists says so"
                );
            }
            if let Some(units) = segment.units {
                assert!(
                    (units + 50_000) / 100_000 <= self.target,
                    "SEG-1: {id} EXTINF {units} of {}",
                    self.target
                );
                assert!(units > 0);
                if !segment.parts.is_empty() {
                    let sum: u64 = segment.parts.iter().map(|part| part.units).sum();
                    assert!(
                        sum.abs_diff(units) <= segment.parts.len() as u64,
                        "parts {sum} make segment {units}"
                    );
                }
            }
        }
        self.has_no_hole(id);
        assert_eq!(
            self.hint.is_some(),
            !self.ended,
            "PL-8: one hint while live"
        );
    }

    /// Section 6.2.1: what is not there is listed as absent, so segments follow each other in date as in duration.
    fn has_no_hole(&self, id: RenditionId) {
        for (segment, next) in self.segments.iter().zip(self.segments.iter().skip(1)) {
            let Some(units) = segment.units.filter(|_| !next.discontinuity) else {
                continue;
            };
            let apart = ms_of_day(&next.date) - ms_of_day(&segment.date);
            let lasts = i64::try_from(units / 100).unwrap();
            assert!(
                (apart - lasts).abs() <= 45,
                "{id}: segment {} lasts {lasts} ms, and the next one begins {apart} ms after it",
                segment.msn
            );
        }
    }

    /// What must hold of a playlist of captions: whole segments and no word of parts (quirk 3).
    fn check_whole(&self) {
        assert!(self.control.contains("PART-HOLD-BACK="), "PL-4");
        assert_eq!((&self.hint, &self.map_hint), (&None, &None), "quirk 3");
        for segment in &self.segments {
            assert!(!segment.date.is_empty(), "SEG-8: a date on every segment");
            assert!(segment.parts.is_empty() && segment.map.is_empty());
            let units = segment.units.expect("a listed segment is whole");
            assert!(
                units > 0 && (units + 50_000) / 100_000 <= self.target,
                "SEG-1"
            );
            assert_eq!(segment.uri, format!("s{}.vtt", segment.msn));
        }
    }

    /// Whether a server may replace `old` by `self` (PL-1, PL-4).
    pub fn follows(&self, old: &Self) {
        assert!(!old.ended, "nothing follows the end mark");
        assert_eq!(
            (self.target, self.part_target, &self.control),
            (old.target, old.part_target, &old.control),
            "PL-4"
        );
        assert!(
            self.msn >= old.msn && self.discontinuity >= old.discontinuity,
            "PL-6"
        );
        let removed = usize::try_from(self.msn - old.msn).unwrap();
        let gone = old
            .segments
            .iter()
            .take(removed)
            .filter(|segment| segment.discontinuity)
            .count();
        assert_eq!(
            self.discontinuity - old.discontinuity,
            gone as u64,
            "PL-6: counts removed discontinuities"
        );
        for was in old.segments.iter().skip(removed) {
            let is = self
                .segments
                .iter()
                .find(|segment| segment.msn == was.msn)
                .expect("no segment vanishes");
            assert_eq!(
                (&is.date, &is.map, is.discontinuity),
                (&was.date, &was.map, was.discontinuity),
                "PL-1"
            );
            if was.units.is_some() {
                assert_eq!(
                    (is.units, &is.uri),
                    (was.units, &was.uri),
                    "PL-1: a closed segment stays as it is"
                );
            }
            if !is.parts.is_empty() || was.units.is_none() {
                assert!(
                    is.parts.starts_with(&was.parts),
                    "PL-1: parts are only appended"
                );
            }
        }
        self.keeps_promise(old);
    }

    fn keeps_promise(&self, old: &Self) {
        // Absent parts have names of their own: the hint is for the next one that exists.
        let exist = |media: &Self| -> Vec<Part> {
            let parts = media.segments.iter().flat_map(|segment| &segment.parts);
            parts.filter(|part| !part.gap).cloned().collect()
        };
        let (known, next) = (exist(old), exist(self));
        let next = next.iter().find(|part| {
            let number = |uri: &str| {
                uri[1..]
                    .strip_suffix(".m4s")
                    .unwrap()
                    .parse::<u64>()
                    .unwrap()
            };
            known
                .last()
                .is_none_or(|last| number(&part.uri) > number(&last.uri))
        });
        if let (Some(next), Some(hint)) = (next, &old.hint) {
            assert_eq!(
                &next.uri, hint,
                "PL-8: the hint is the next part (quirks 27, 28)"
            );
        }
    }
}
