//! Media playlists as the plays look at them: read by `backline_hls::m3u8`, and by the rules that we hold for our own
//! text only: five decimals always (PL-13), no tag without a use.

use std::collections::BTreeMap;

use backline_hls::Limits;
use backline_hls::m3u8::{self, HintKind, Playlist};

/// A duration in units of ten microseconds: the five decimals that playlists carry, exactly.
pub(crate) type Units = u64;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Media {
    pub(crate) version: u64,
    /// Seconds.
    pub(crate) target_duration: u64,
    pub(crate) part_target: Units,
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
    control: BTreeMap<&'static str, Units>,
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
    /// What is wrong with it, and where.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        for line in text.lines() {
            ours(line).map_err(|why| format!("{line}: {why}"))?;
        }
        let read = Playlist::parse(text.as_bytes(), &Limits::default());
        match read.map_err(|error| error.to_string())? {
            Playlist::Media(media) => Self::of(&media),
            other => Err(format!("no media playlist: {other:?}")),
        }
    }

    fn of(media: &m3u8::Media) -> Result<Self, String> {
        let control = media.server_control.unwrap_or_default();
        let durations = [
            ("PART-HOLD-BACK", control.part_hold_back),
            ("HOLD-BACK", control.hold_back),
            ("CAN-SKIP-UNTIL", control.can_skip_until),
        ];
        let report = |report: &m3u8::RenditionReport| {
            let (msn, part) = report
                .last_msn
                .zip(report.last_part)
                .ok_or("a report without its last part")?;
            let uri = report.uri.clone();
            Ok::<_, String>(Report { uri, msn, part })
        };
        let hints = media.preload_hints.iter().map(|hint| {
            let kind = if hint.kind == HintKind::Map {
                "MAP"
            } else {
                "PART"
            };
            (kind.to_owned(), hint.uri.clone())
        });
        let known = |(name, value): (&'static str, Option<_>)| Some((name, units(value?)));
        Ok(Self {
            version: media.version,
            target_duration: media.target_duration_s,
            part_target: units(media.part_target.unwrap_or_default()),
            media_sequence: media.media_sequence,
            discontinuity_sequence: media.discontinuity_sequence.unwrap_or(0),
            skipped: media.skip.as_ref().map_or(0, |skip| skip.segments),
            segments: media.segments.iter().map(Segment::of).collect(),
            open: Segment::of(&media.open),
            hints: hints.collect(),
            reports: media
                .rendition_reports
                .iter()
                .map(report)
                .collect::<Result<_, _>>()?,
            ended: media.end_list,
            control: durations.into_iter().filter_map(known).collect(),
        })
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

    /// Whether part `part` of segment `msn` is listed, or anything later.
    pub(crate) fn has_reached(&self, msn: u64, part: u64) -> bool {
        self.ended || (self.open.msn, self.open.parts.len() as u64) > (msn, part)
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
        self.control.get(name).copied()
    }
}

impl Segment {
    fn of(segment: &m3u8::Segment) -> Self {
        let part = |part: &m3u8::Part| Part {
            uri: part.uri.clone(),
            duration: units(part.duration),
            independent: part.independent,
            gap: part.gap,
        };
        Self {
            msn: segment.msn,
            uri: segment.uri.clone(),
            duration: units(segment.duration),
            parts: segment.parts.iter().map(part).collect(),
            map: segment
                .map
                .as_ref()
                .map_or_else(String::new, |map| map.uri.clone()),
            date: segment.program_date_time_us.map(|us| us / 1_000),
            discontinuity: segment.discontinuity,
            gap: segment.gap,
        }
    }

    /// Its duration, or that of its parts so far.
    pub(crate) fn length(&self) -> Units {
        if self.uri.is_empty() {
            self.parts.iter().map(|part| part.duration).sum()
        } else {
            self.duration
        }
    }
}

fn units(duration: std::time::Duration) -> Units {
    u64::try_from(duration.as_nanos() / 10_000).expect("it is short")
}

/// What a line of ours must be besides what the draft says.
fn ours(line: &str) -> Result<(), String> {
    const TAGS: [&str; 18] = [
        "#EXTM3U",
        "#EXTINF",
        "#EXT-X-DATERANGE",
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-DISCONTINUITY-SEQUENCE",
        "#EXT-X-ENDLIST",
        "#EXT-X-GAP",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-MAP",
        "#EXT-X-MEDIA-SEQUENCE",
        "#EXT-X-PART",
        "#EXT-X-PART-INF",
        "#EXT-X-PRELOAD-HINT",
        "#EXT-X-PROGRAM-DATE-TIME",
        "#EXT-X-RENDITION-REPORT",
        "#EXT-X-SERVER-CONTROL",
        "#EXT-X-SKIP",
        "#EXT-X-TARGETDURATION",
    ];
    let (tag, value) = line.split_once(':').unwrap_or((line, ""));
    if tag.starts_with('#') && tag != "#EXT-X-VERSION" && !TAGS.contains(&tag) {
        return Err("a tag that this presentation has no use for".into());
    }
    let durations: Vec<&str> = match tag {
        "#EXTINF" => vec![
            value
                .strip_suffix(',')
                .ok_or("no comma after the duration")?,
        ],
        "#EXT-X-PART" | "#EXT-X-PART-INF" | "#EXT-X-SERVER-CONTROL" => {
            let named = [
                "DURATION",
                "PART-TARGET",
                "PART-HOLD-BACK",
                "HOLD-BACK",
                "CAN-SKIP-UNTIL",
            ];
            let pairs = value.split(',').filter_map(|pair| pair.split_once('='));
            pairs
                .filter(|(name, _)| named.contains(name))
                .map(|(_, value)| value)
                .collect()
        }
        _ => Vec::new(),
    };
    for duration in durations {
        let decimals = duration
            .split_once('.')
            .map_or(0, |(_, decimals)| decimals.len());
        if decimals != 5 {
            return Err(format!(
                "{duration} has {decimals} decimals, not five (PL-13)"
            ));
        }
    }
    Ok(())
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
    for broken in [
        "DURATION=0.2,",
        "DURATION=0.200000,",
        "DURATION=0.20000,\"X,",
    ] {
        assert!(
            Media::parse(&text.replace("DURATION=0.20000,", broken)).is_err(),
            "{broken}"
        );
    }
}
