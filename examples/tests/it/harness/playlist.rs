//! Reads HLS playlists as strictly as a suspicious player would. It shares no code with the crate that writes them.

use std::collections::BTreeMap;

/// A duration in units of ten microseconds: the five decimals that playlists carry, exactly.
pub(crate) type Units = u64;

pub(crate) const UNITS_A_SECOND: Units = 100_000;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Media {
    pub(crate) version: u64,
    /// Seconds.
    pub(crate) target_duration: u64,
    pub(crate) part_target: Units,
    pub(crate) server_control: BTreeMap<String, String>,
    pub(crate) media_sequence: u64,
    pub(crate) discontinuity_sequence: u64,
    /// How many segments a delta update left out.
    pub(crate) skipped: u64,
    /// Closed segments; the first one's number is `media_sequence + skipped`.
    pub(crate) segments: Vec<Segment>,
    /// The one that is still growing: no duration and no URI yet.
    pub(crate) open: Segment,
    pub(crate) hints: Vec<(String, String)>,
    pub(crate) reports: Vec<Report>,
    pub(crate) ended: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Segment {
    pub(crate) msn: u64,
    pub(crate) uri: String,
    pub(crate) duration: Units,
    pub(crate) parts: Vec<Part>,
    pub(crate) map: String,
    /// Milliseconds since 1970.
    pub(crate) date: Option<i64>,
    pub(crate) discontinuity: bool,
    pub(crate) gap: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Part {
    pub(crate) uri: String,
    pub(crate) duration: Units,
    pub(crate) independent: bool,
    pub(crate) gap: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) uri: String,
    pub(crate) msn: u64,
    pub(crate) part: u64,
}

impl Media {
    /// Reads a playlist.
    ///
    /// # Errors
    ///
    /// The line that no player could be expected to understand, and why.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with("#EXTM3U\n") {
            return Err("does not begin with #EXTM3U".into());
        }
        if let Some(odd) = text.chars().find(|c| c.is_control() && *c != '\n') {
            return Err(format!("holds the control character {odd:?}"));
        }
        let mut media = Self {
            version: 1,
            ..Self::default()
        };
        let mut map = String::new();
        for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
            media
                .line(line, &mut map)
                .map_err(|why| format!("{line}: {why}"))?;
        }
        let mut msn = media.media_sequence + media.skipped;
        for segment in &mut media.segments {
            segment.msn = msn;
            msn += 1;
        }
        media.open.msn = msn;
        Ok(media)
    }

    fn line(&mut self, line: &str, map: &mut String) -> Result<(), String> {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-VERSION" => self.version = number(value)?,
            "#EXT-X-TARGETDURATION" => self.target_duration = number(value)?,
            "#EXT-X-PART-INF" => {
                self.part_target = duration(wanted(&attributes(value)?, "PART-TARGET")?)?
            }
            "#EXT-X-SERVER-CONTROL" => self.server_control = attributes(value)?,
            "#EXT-X-MEDIA-SEQUENCE" => self.media_sequence = number(value)?,
            "#EXT-X-DISCONTINUITY-SEQUENCE" => self.discontinuity_sequence = number(value)?,
            "#EXT-X-SKIP" => {
                self.skipped = number(wanted(&attributes(value)?, "SKIPPED-SEGMENTS")?)?
            }
            "#EXT-X-ENDLIST" => self.ended = true,
            "#EXT-X-MAP" => {
                *map = unquoted(wanted(&attributes(value)?, "URI")?)?;
                if !self.open.parts.is_empty() {
                    return Err("a MAP after the first PART of its segment (PL-11)".into());
                }
            }
            "#EXT-X-DISCONTINUITY" => {
                self.open.discontinuity = true;
                if !self.open.parts.is_empty() {
                    return Err(
                        "a DISCONTINUITY after the first PART of its segment (PL-11)".into(),
                    );
                }
            }
            "#EXT-X-GAP" => self.open.gap = true,
            "#EXT-X-PROGRAM-DATE-TIME" => self.open.date = Some(date(value)?),
            "#EXT-X-PART" => self.open.parts.push(part(&attributes(value)?)?),
            "#EXT-X-PRELOAD-HINT" => {
                let all = attributes(value)?;
                self.hints.push((
                    wanted(&all, "TYPE")?.clone(),
                    unquoted(wanted(&all, "URI")?)?,
                ));
            }
            "#EXT-X-RENDITION-REPORT" => {
                let all = attributes(value)?;
                self.reports.push(Report {
                    uri: unquoted(wanted(&all, "URI")?)?,
                    msn: number(wanted(&all, "LAST-MSN")?)?,
                    part: number(wanted(&all, "LAST-PART")?)?,
                });
            }
            "#EXTINF" => {
                self.open.duration = duration(
                    value
                        .strip_suffix(',')
                        .ok_or("no comma after the duration")?,
                )?
            }
            "#EXT-X-INDEPENDENT-SEGMENTS" => {}
            _ if tag.starts_with('#') => {
                return Err("a tag that this presentation has no use for".into());
            }
            _ => {
                if self.open.duration == 0 {
                    return Err("a segment without EXTINF".into());
                }
                self.open.uri = line.to_owned();
                self.segments.push(std::mem::take(&mut self.open));
            }
        }
        self.open.map.clone_from(map);
        if let (Some(last), false) = (self.segments.last_mut(), tag.starts_with('#')) {
            last.map.clone_from(map);
        }
        Ok(())
    }

    /// The media sequence number and part index of the newest part (or whole segment).
    pub(crate) fn edge(&self) -> (u64, Option<u64>) {
        match (self.open.parts.len() as u64, self.segments.last()) {
            (0, Some(last)) => (last.msn, (last.parts.len() as u64).checked_sub(1)),
            (count, _) => (self.open.msn, count.checked_sub(1)),
        }
    }

    /// What a player asks for next.
    pub(crate) fn next(&self) -> (u64, u64) {
        (self.open.msn, self.open.parts.len() as u64)
    }

    /// Every segment, the open one last.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().chain(Some(&self.open))
    }

    /// Whether a publisher has come back: media after a discontinuity.
    pub(crate) fn has_return(&self) -> bool {
        self.all()
            .any(|segment| segment.discontinuity && !segment.parts.is_empty())
    }

    /// An attribute of SERVER-CONTROL as a duration.
    pub(crate) fn control(&self, name: &str) -> Option<Units> {
        duration(self.server_control.get(name)?).ok()
    }
}

impl Segment {
    /// Its duration, or that of its parts so far.
    pub(crate) fn length(&self) -> Units {
        if self.uri.is_empty() {
            self.parts.iter().map(|part| part.duration).sum()
        } else {
            self.duration
        }
    }
}

fn part(attributes: &BTreeMap<String, String>) -> Result<Part, String> {
    let yes = |name: &str| attributes.get(name).is_some_and(|value| value == "YES");
    Ok(Part {
        uri: unquoted(wanted(attributes, "URI")?)?,
        duration: duration(wanted(attributes, "DURATION")?)?,
        independent: yes("INDEPENDENT"),
        gap: yes("GAP"),
    })
}

/// Splits `NAME=VALUE,NAME="VALUE"`.
pub(crate) fn attributes(mut rest: &str) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or("an attribute without a value")?;
        if name.is_empty()
            || name.contains(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '-')
        {
            return Err(format!("{name:?} is no attribute's name"));
        }
        let end = if let Some(quoted) = after.strip_prefix('"') {
            quoted.find('"').ok_or("an open quote")? + 2
        } else {
            after.find(',').unwrap_or(after.len())
        };
        let (value, left) = after.split_at(end);
        if value.contains(' ') && !value.starts_with('"') {
            return Err("a space in an attribute list (PL-13)".into());
        }
        if all.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("{name} twice"));
        }
        rest = match left.strip_prefix(',') {
            Some(more) => more,
            None if left.is_empty() => left,
            None => return Err(format!("{left:?} after a value")),
        };
    }
    Ok(all)
}

fn wanted<'a>(attributes: &'a BTreeMap<String, String>, name: &str) -> Result<&'a String, String> {
    attributes.get(name).ok_or_else(|| format!("no {name}"))
}

pub(crate) fn unquoted(value: &str) -> Result<String, String> {
    let inside = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inside
        .map(str::to_owned)
        .ok_or_else(|| format!("{value} is not quoted"))
}

fn number(value: &str) -> Result<u64, String> {
    value
        .parse()
        .map_err(|_| format!("{value:?} is no decimal integer"))
}

/// Five decimals, always (PL-13).
fn duration(value: &str) -> Result<Units, String> {
    let (whole, decimals) = value
        .split_once('.')
        .ok_or_else(|| format!("{value} has no decimals (PL-13)"))?;
    if decimals.len() != 5 {
        return Err(format!(
            "{value} has {} decimals, not five (PL-13)",
            decimals.len()
        ));
    }
    Ok(number(whole)? * UNITS_A_SECOND + number(decimals)?)
}

/// `2026-11-23T20:00:00.000Z` in milliseconds since 1970.
fn date(value: &str) -> Result<i64, String> {
    let digits = |from: usize, to: usize| -> Result<i64, String> {
        let field = value
            .get(from..to)
            .ok_or_else(|| format!("{value} is too short"))?;
        field
            .parse()
            .map_err(|_| format!("{field:?} in {value} is no number"))
    };
    if value.len() != 24 || !value.ends_with('Z') {
        return Err(format!("{value} is not UTC to the millisecond"));
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    // Days since 1970 by the civil calendar, counting years from March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468;
    let seconds = ((days * 24 + digits(11, 13)?) * 60 + digits(14, 16)?) * 60 + digits(17, 19)?;
    Ok(seconds * 1_000 + digits(20, 23)?)
}

#[test]
fn a_playlist_is_read_as_it_stands() {
    let text = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.60000\n#EXT-X-PART-INF:PART-TARGET=0.20000\n\
        #EXT-X-MEDIA-SEQUENCE:812\n#EXT-X-MAP:URI=\"i4.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-23T20:00:00.000Z\n\
        #EXTINF:2.00000,\ns812.m4s\n#EXT-X-PART:DURATION=0.20000,URI=\"p9.m4s\",INDEPENDENT=YES\n\
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p10.m4s\"\n";
    let media = Media::parse(text).expect("it is a playlist");
    assert_eq!((media.edge(), media.next()), ((813, Some(0)), (813, 1)));
    assert_eq!(media.segments[0].date, Some(1_795_464_000_000));
    assert_eq!(
        (media.segments[0].map.as_str(), media.open.map.as_str()),
        ("i4.mp4", "i4.mp4")
    );
    assert_eq!(media.control("PART-HOLD-BACK"), Some(60_000));
    for broken in ["DURATION=0.2,", "DURATION=0.20000, ", "DURATION=0.20000 ,"] {
        assert!(
            Media::parse(&text.replace("DURATION=0.20000,", broken)).is_err(),
            "{broken}"
        );
    }
}
