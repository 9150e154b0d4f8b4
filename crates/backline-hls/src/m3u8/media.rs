//! Media playlists.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use super::lines::{Line, Lines};
use super::tags::{
    ByteRange, DateRange, Define, Key, Map, Part, PreloadHint, RenditionReport, ServerControl,
    Skip, Start,
};
use super::value;
use crate::error::PlaylistProblem;
use crate::{Error, Limits};

/// A media playlist: one rendition as it stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Media {
    /// `EXT-X-VERSION`; 1 where it is not written.
    pub version: u64,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// `EXT-X-START`.
    pub start: Option<Start>,
    /// `EXT-X-DEFINE`, in their order. Variables are not replaced.
    pub defines: Vec<Define>,
    /// `EXT-X-TARGETDURATION` in seconds.
    pub target_duration_s: u64,
    /// `EXT-X-MEDIA-SEQUENCE`; 0 where it is not written.
    pub media_sequence: u64,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`, where it is written.
    pub discontinuity_sequence: Option<u64>,
    /// `EXT-X-ENDLIST`.
    pub end_list: bool,
    /// `EXT-X-PLAYLIST-TYPE`.
    pub playlist_type: Option<PlaylistType>,
    /// `EXT-X-I-FRAMES-ONLY`.
    pub i_frames_only: bool,
    /// `PART-TARGET` of `EXT-X-PART-INF`: only a low-latency playlist has it.
    pub part_target: Option<Duration>,
    /// `EXT-X-SERVER-CONTROL`.
    pub server_control: Option<ServerControl>,
    /// `EXT-X-SKIP`: this is a delta update, to be joined to the playlist before it.
    pub skip: Option<Skip>,
    /// Closed segments. Those that `skip` stands for are not among them.
    pub segments: Vec<Segment>,
    /// What comes behind the last closed segment: parts of the open one, and no URI.
    pub open: Segment,
    /// `EXT-X-DATERANGE`, in their order.
    pub date_ranges: Vec<DateRange>,
    /// `EXT-X-PRELOAD-HINT`.
    pub preload_hints: Vec<PreloadHint>,
    /// `EXT-X-RENDITION-REPORT`.
    pub rendition_reports: Vec<RenditionReport>,
    /// Lines before the first segment.
    pub(super) head: Vec<String>,
}

/// A segment with the tags that stand before it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Segment {
    /// Media Sequence Number.
    pub msn: u64,
    /// Empty while it is open.
    pub uri: String,
    /// `EXTINF` as printed; zero while it is open.
    pub duration: Duration,
    /// What `EXTINF` says behind its comma.
    pub title: String,
    /// `EXT-X-BYTERANGE`.
    pub byte_range: Option<ByteRange>,
    /// `EXT-X-DISCONTINUITY` stands before it.
    pub discontinuity: bool,
    /// `EXT-X-KEY` tags that stand before it; they hold until the next ones of their format.
    pub keys: Vec<Key>,
    /// The init segment that holds for it. In a delta update it may be known only after merging.
    pub map: Option<Arc<Map>>,
    /// `EXT-X-PROGRAM-DATE-TIME` in microseconds since 1970.
    pub program_date_time_us: Option<i64>,
    /// `EXT-X-GAP`.
    pub gap: bool,
    /// `EXT-X-BITRATE` in kbit/s, where it stands before this segment.
    pub bitrate_kbps: Option<u64>,
    /// Partial segments, where they are listed.
    pub parts: Vec<Part>,
    pub(super) lines: Vec<String>,
}

/// Whether segments may still be removed or added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PlaylistType {
    /// Segments are added only.
    Event,
    /// A type that is not known here.
    Other,
    /// Nothing changes.
    Vod,
}

/// Tags of one segment (section 4.4.4), and the one that stands for several.
const OF_SEGMENTS: [&str; 10] = [
    "#EXT-X-BITRATE",
    "#EXT-X-BYTERANGE",
    "#EXT-X-DISCONTINUITY",
    "#EXT-X-GAP",
    "#EXT-X-KEY",
    "#EXT-X-MAP",
    "#EXT-X-PART",
    "#EXT-X-PROGRAM-DATE-TIME",
    "#EXT-X-SKIP",
    "#EXTINF",
];

impl Media {
    /// Closed segments and the open one.
    #[must_use]
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        self.segments.iter().chain(core::iter::once(&self.open))
    }

    /// The lines of the playlist, in order.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let segments = self.all().flat_map(|segment| &segment.lines);
        self.head.iter().chain(segments).map(String::as_str)
    }

    /// Media Sequence Number and part to ask for next with a blocking reload; none without low latency.
    #[must_use]
    pub fn next(&self) -> Option<(u64, u64)> {
        let part = u64::try_from(self.open.parts.len()).ok();
        self.part_target.and(part).map(|part| (self.open.msn, part))
    }

    /// The lines before the first segment.
    pub(crate) fn head(&self) -> impl Iterator<Item = &str> {
        self.head.iter().map(String::as_str)
    }

    /// How much media is listed, parts of the open segment included.
    #[must_use]
    pub fn listed(&self) -> Duration {
        let closed = self.segments.iter().map(|segment| segment.duration);
        let open = self.open.parts.iter().map(|part| part.duration);
        closed
            .chain(open)
            .fold(Duration::ZERO, Duration::saturating_add)
    }

    pub(super) fn read(lines: Lines<'_>, limits: &Limits) -> Result<Self, Error> {
        let end = lines.clone().last();
        let mut reader = Reader::new();
        for line in lines {
            reader.line(line, limits)?;
        }
        reader.finish().map_err(|problem| match end {
            Some(line) => line.fault(problem),
            None => Error::Playlist {
                line: 1,
                at: 0,
                problem,
            },
        })
    }

    /// Counts segments from `EXT-X-MEDIA-SEQUENCE`, and lets each `EXT-X-MAP` hold for those that follow.
    pub(super) fn number(&mut self) {
        let skipped = self.skip.as_ref().map_or(0, |skip| skip.segments);
        let mut msn = self.media_sequence.saturating_add(skipped);
        for segment in &mut self.segments {
            segment.msn = msn;
            msn = msn.saturating_add(1);
        }
        self.open.msn = msn;
    }
}

impl Segment {
    /// Its lines: tags, its URI and what stands between them.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

impl fmt::Display for Media {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines()
            .try_for_each(|line| writeln!(formatter, "{line}"))
    }
}

/// Takes one line after the other.
struct Reader {
    media: Media,
    target_duration_s: Option<u64>,
    extinf: Option<(Duration, String)>,
    map: Option<Arc<Map>>,
    in_head: bool,
}

impl Reader {
    fn new() -> Self {
        Self {
            media: Media {
                version: 1,
                independent_segments: false,
                start: None,
                defines: Vec::new(),
                target_duration_s: 0,
                media_sequence: 0,
                discontinuity_sequence: None,
                end_list: false,
                playlist_type: None,
                i_frames_only: false,
                part_target: None,
                server_control: None,
                skip: None,
                segments: Vec::new(),
                open: Segment::default(),
                date_ranges: Vec::new(),
                preload_hints: Vec::new(),
                rendition_reports: Vec::new(),
                head: Vec::new(),
            },
            target_duration_s: None,
            extinf: None,
            map: None,
            in_head: true,
        }
    }

    fn line(&mut self, line: Line<'_>, limits: &Limits) -> Result<(), Error> {
        let text = line.text.to_owned();
        if let Some(uri) = line.uri() {
            self.in_head = false;
            self.media.open.lines.push(text);
            return self.segment(line, uri, limits);
        }
        let Some((tag, value)) = line.tag() else {
            self.keep(text);
            return Ok(());
        };
        self.in_head &= !OF_SEGMENTS.contains(&tag);
        self.keep(text);
        match self.of_segment(line, tag, value)? {
            true => Ok(()),
            false => self.of_playlist(line, tag, value),
        }
    }

    fn keep(&mut self, text: String) {
        if self.in_head {
            self.media.head.push(text);
        } else {
            self.media.open.lines.push(text);
        }
    }

    /// A URI closes the segment whose tags stood before it.
    fn segment(&mut self, line: Line<'_>, uri: &str, limits: &Limits) -> Result<(), Error> {
        let count = self.media.segments.len().saturating_add(1);
        let limit = limits.playlist_segments;
        if count > limit {
            return Err(line.fault(PlaylistProblem::Segments { count, limit }));
        }
        let missing = PlaylistProblem::Missing {
            tag: "EXTINF",
            attribute: "duration",
        };
        let (duration, title) = self.extinf.take().ok_or_else(|| line.fault(missing))?;
        let mut segment = core::mem::take(&mut self.media.open);
        segment.uri = uri.to_owned();
        segment.duration = duration;
        segment.title = title;
        segment.map.clone_from(&self.map);
        self.media.segments.push(segment);
        Ok(())
    }

    /// Reads a tag of section 4.4.4 and says whether it was one.
    fn of_segment(&mut self, line: Line<'_>, tag: &str, value: &str) -> Result<bool, Error> {
        let open = &mut self.media.open;
        match tag {
            "#EXTINF" => {
                let (duration, title) = value.split_once(',').unwrap_or((value, ""));
                let duration = plain(line, "EXTINF", duration, value::seconds)?;
                self.extinf = Some((duration, title.to_owned()));
            }
            "#EXT-X-BYTERANGE" => {
                open.byte_range = Some(plain(line, "EXT-X-BYTERANGE", value, ByteRange::parse)?);
            }
            "#EXT-X-DISCONTINUITY" => open.discontinuity = true,
            "#EXT-X-KEY" => open.keys.push(Key::read(line, value)?),
            "#EXT-X-MAP" => self.map = Some(Arc::new(Map::read(line, value)?)),
            "#EXT-X-PROGRAM-DATE-TIME" => {
                let date = plain(line, "EXT-X-PROGRAM-DATE-TIME", value, value::date_us)?;
                open.program_date_time_us = Some(date);
            }
            "#EXT-X-GAP" => open.gap = true,
            "#EXT-X-BITRATE" => {
                open.bitrate_kbps = Some(plain(line, "EXT-X-BITRATE", value, value::integer)?);
            }
            "#EXT-X-PART" => open.parts.push(Part::read(line, value)?),
            "#EXT-X-SKIP" => {
                if !self.media.segments.is_empty() || self.media.skip.is_some() {
                    let tag = "EXT-X-SKIP";
                    return Err(line.fault(PlaylistProblem::Misplaced { tag }));
                }
                self.media.skip = Some(Skip::read(line, value)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads a tag of the whole playlist; what is none is ignored (section 6.3.1).
    fn of_playlist(&mut self, line: Line<'_>, tag: &str, value: &str) -> Result<(), Error> {
        let media = &mut self.media;
        match tag {
            "#EXT-X-VERSION" => {
                media.version = plain(line, "EXT-X-VERSION", value, value::integer)?;
            }
            "#EXT-X-INDEPENDENT-SEGMENTS" => media.independent_segments = true,
            "#EXT-X-START" => media.start = Some(Start::read(line, value)?),
            "#EXT-X-DEFINE" => media.defines.push(Define::read(line, value)?),
            "#EXT-X-TARGETDURATION" => {
                let target = plain(line, "EXT-X-TARGETDURATION", value, value::integer)?;
                self.target_duration_s = Some(target);
            }
            "#EXT-X-MEDIA-SEQUENCE" => {
                media.media_sequence = plain(line, "EXT-X-MEDIA-SEQUENCE", value, value::integer)?;
            }
            "#EXT-X-DISCONTINUITY-SEQUENCE" => {
                let tag = "EXT-X-DISCONTINUITY-SEQUENCE";
                media.discontinuity_sequence = Some(plain(line, tag, value, value::integer)?);
            }
            "#EXT-X-ENDLIST" => media.end_list = true,
            "#EXT-X-PLAYLIST-TYPE" => {
                media.playlist_type = Some(match value {
                    "EVENT" => PlaylistType::Event,
                    "VOD" => PlaylistType::Vod,
                    _ => PlaylistType::Other,
                });
            }
            "#EXT-X-I-FRAMES-ONLY" => media.i_frames_only = true,
            "#EXT-X-PART-INF" => {
                let reader = super::attributes::Reader::new(line, "EXT-X-PART-INF", value)?;
                let target = reader.need("PART-TARGET", reader.seconds("PART-TARGET"))?;
                media.part_target = Some(target);
            }
            "#EXT-X-SERVER-CONTROL" => {
                media.server_control = Some(ServerControl::read(line, value)?);
            }
            "#EXT-X-DATERANGE" => media.date_ranges.push(DateRange::read(line, value)?),
            "#EXT-X-PRELOAD-HINT" => media.preload_hints.push(PreloadHint::read(line, value)?),
            "#EXT-X-RENDITION-REPORT" => {
                let report = RenditionReport::read(line, value)?;
                media.rendition_reports.push(report);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Media, PlaylistProblem> {
        if self.extinf.is_some() {
            return Err(PlaylistProblem::Missing {
                tag: "EXTINF",
                attribute: "URI",
            });
        }
        self.media.target_duration_s = self.target_duration_s.ok_or(PlaylistProblem::Missing {
            tag: "EXT-X-TARGETDURATION",
            attribute: "duration",
        })?;
        self.media.open.map = self.map;
        self.media.number();
        Ok(self.media)
    }
}

/// The value of a tag that has no attributes.
fn plain<T>(
    line: Line<'_>,
    tag: &'static str,
    value: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Error> {
    parse(value.trim()).ok_or_else(|| {
        line.fault(PlaylistProblem::Value {
            tag,
            attribute: "value",
            expected: "a number, a date or a range, as the tag has it",
        })
    })
}
