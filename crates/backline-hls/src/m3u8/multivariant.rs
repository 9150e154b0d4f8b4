//! Multivariant playlists.

use core::fmt;

use super::attributes::Reader;
use super::lines::{Line, Lines};
use super::tags::{Define, Start};
use super::value;
use crate::Error;
use crate::error::PlaylistProblem;

/// The variants of a presentation and their renditions (section 4.4.6).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Multivariant {
    /// `EXT-X-VERSION`; 1 where it is not written.
    pub version: u64,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// `EXT-X-START`.
    pub start: Option<Start>,
    /// `EXT-X-DEFINE`, in their order. Variables are not replaced.
    pub defines: Vec<Define>,
    /// `EXT-X-STREAM-INF` with its URI.
    pub variants: Vec<Variant>,
    /// `EXT-X-I-FRAME-STREAM-INF`.
    pub i_frame_variants: Vec<Variant>,
    /// `EXT-X-MEDIA`.
    pub renditions: Vec<Rendition>,
    lines: Vec<String>,
}

/// `EXT-X-STREAM-INF` or `EXT-X-I-FRAME-STREAM-INF`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Variant {
    /// Of its media playlist.
    pub uri: String,
    /// Bits a second at the peak; the draft requires it.
    pub bandwidth: Option<u64>,
    /// Bits a second.
    pub average_bandwidth: Option<u64>,
    /// RFC 6381.
    pub codecs: Option<String>,
    /// Width and height in pixels.
    pub resolution: Option<(u64, u64)>,
    /// Thousandths of a frame a second.
    pub frame_rate_milli: Option<u64>,
    /// `VIDEO-RANGE`.
    pub video_range: Option<String>,
    /// Group of its sound.
    pub audio: Option<String>,
    /// Group of its picture.
    pub video: Option<String>,
    /// Group of its subtitles.
    pub subtitles: Option<String>,
    /// Group of its closed captions, or `NONE`.
    pub closed_captions: Option<String>,
    /// `STABLE-VARIANT-ID`.
    pub stable_variant_id: Option<String>,
    /// Line of the playlist, from 1.
    pub line: usize,
}

/// `EXT-X-MEDIA`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rendition {
    /// What it is.
    pub kind: MediaKind,
    /// The group that variants name.
    pub group_id: String,
    /// For people.
    pub name: String,
    /// RFC 5646.
    pub language: Option<String>,
    /// `DEFAULT=YES`.
    pub default: bool,
    /// `AUTOSELECT=YES`.
    pub autoselect: bool,
    /// `FORCED=YES`.
    pub forced: bool,
    /// `CHANNELS`.
    pub channels: Option<String>,
    /// `CHARACTERISTICS`.
    pub characteristics: Option<String>,
    /// `INSTREAM-ID`.
    pub instream_id: Option<String>,
    /// `STABLE-RENDITION-ID`.
    pub stable_rendition_id: Option<String>,
    /// Of its media playlist; none if its media is in the variant's own.
    pub uri: Option<String>,
    /// Line of the playlist, from 1.
    pub line: usize,
}

/// `TYPE` of a rendition.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// In the picture's own stream.
    ClosedCaptions,
    /// A type that is not known here.
    Other,
    /// Text.
    Subtitles,
    /// Picture.
    Video,
}

/// Whether only a multivariant playlist has this line.
pub(super) fn is_own(line: &str) -> bool {
    let name = line.split_once(':').map_or(line, |(name, _)| name);
    matches!(
        name.trim_end(),
        "#EXT-X-CONTENT-STEERING"
            | "#EXT-X-I-FRAME-STREAM-INF"
            | "#EXT-X-MEDIA"
            | "#EXT-X-SESSION-DATA"
            | "#EXT-X-SESSION-KEY"
            | "#EXT-X-STREAM-INF"
    )
}

impl Multivariant {
    /// The lines of the playlist, in order.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// URIs of all media playlists, each once, in the order in which they stand: variants first.
    #[must_use]
    pub fn media_uris(&self) -> Vec<&str> {
        let variants = self.variants.iter().map(|variant| variant.uri.as_str());
        let renditions = self.renditions.iter().filter_map(|one| one.uri.as_deref());
        let mut seen = std::collections::BTreeSet::new();
        let all = variants.chain(renditions);
        all.filter(|uri| seen.insert(*uri)).collect()
    }

    pub(super) fn read(lines: Lines<'_>) -> Result<Self, Error> {
        let mut playlist = Self {
            version: 1,
            independent_segments: false,
            start: None,
            defines: Vec::new(),
            variants: Vec::new(),
            i_frame_variants: Vec::new(),
            renditions: Vec::new(),
            lines: Vec::new(),
        };
        let mut waiting: Option<(Line<'_>, Variant)> = None;
        for line in lines {
            playlist.lines.push(line.text.to_owned());
            if let Some(uri) = line.uri() {
                // A URI without a tag before it belongs to nothing.
                if let Some((_, mut variant)) = waiting.take() {
                    variant.uri = uri.to_owned();
                    playlist.variants.push(variant);
                }
            } else if let Some((tag, value)) = line.tag() {
                playlist.tag(line, tag, value, &mut waiting)?;
            }
        }
        match waiting {
            Some((line, _)) => Err(no_uri(line)),
            None => Ok(playlist),
        }
    }

    fn tag<'a>(
        &mut self,
        line: Line<'a>,
        tag: &str,
        value: &str,
        waiting: &mut Option<(Line<'a>, Variant)>,
    ) -> Result<(), Error> {
        match tag {
            "#EXT-X-VERSION" => {
                let problem = PlaylistProblem::Value {
                    tag: "EXT-X-VERSION",
                    attribute: "value",
                    expected: "a decimal integer",
                };
                let version = value::integer(value).ok_or_else(|| line.fault(problem))?;
                self.version = version;
            }
            "#EXT-X-INDEPENDENT-SEGMENTS" => self.independent_segments = true,
            "#EXT-X-START" => self.start = Some(Start::read(line, value)?),
            "#EXT-X-DEFINE" => self.defines.push(Define::read(line, value)?),
            "#EXT-X-STREAM-INF" => {
                let variant = Variant::read(line, "EXT-X-STREAM-INF", value)?;
                // Section 4.4.6.2: the URI stands in the line behind the tag.
                if let Some((before, _)) = waiting.replace((line, variant)) {
                    return Err(no_uri(before));
                }
            }
            "#EXT-X-I-FRAME-STREAM-INF" => {
                let variant = Variant::read(line, "EXT-X-I-FRAME-STREAM-INF", value)?;
                self.i_frame_variants.push(variant);
            }
            "#EXT-X-MEDIA" => self.renditions.push(Rendition::read(line, value)?),
            // Both kinds in one text (section 4.1).
            "#EXTINF" | "#EXT-X-TARGETDURATION" => {
                return Err(line.fault(PlaylistProblem::Mixed));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A variant whose URI does not come.
fn no_uri(line: Line<'_>) -> Error {
    line.fault(PlaylistProblem::Missing {
        tag: "EXT-X-STREAM-INF",
        attribute: "URI",
    })
}

impl Variant {
    fn read(line: Line<'_>, tag: &'static str, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, tag, list)?;
        let (resolution, rate) = ("width x height in pixels", "a number with decimals");
        Ok(Self {
            uri: reader.text("URI")?.unwrap_or_default(),
            bandwidth: reader.number("BANDWIDTH")?,
            average_bandwidth: reader.number("AVERAGE-BANDWIDTH")?,
            codecs: reader.text("CODECS")?,
            resolution: reader.read("RESOLUTION", resolution, value::resolution)?,
            frame_rate_milli: reader.read("FRAME-RATE", rate, value::thousandths)?,
            video_range: reader.text("VIDEO-RANGE")?,
            audio: reader.text("AUDIO")?,
            video: reader.text("VIDEO")?,
            subtitles: reader.text("SUBTITLES")?,
            closed_captions: reader.text("CLOSED-CAPTIONS")?,
            stable_variant_id: reader.text("STABLE-VARIANT-ID")?,
            line: line.number,
        })
    }
}

impl Rendition {
    fn read(line: Line<'_>, list: &str) -> Result<Self, Error> {
        let reader = Reader::new(line, "EXT-X-MEDIA", list)?;
        let kind = match reader.need("TYPE", reader.text("TYPE"))?.as_str() {
            "AUDIO" => MediaKind::Audio,
            "CLOSED-CAPTIONS" => MediaKind::ClosedCaptions,
            "SUBTITLES" => MediaKind::Subtitles,
            "VIDEO" => MediaKind::Video,
            _ => MediaKind::Other,
        };
        Ok(Self {
            kind,
            group_id: reader.need("GROUP-ID", reader.text("GROUP-ID"))?,
            name: reader.need("NAME", reader.text("NAME"))?,
            language: reader.text("LANGUAGE")?,
            default: reader.yes("DEFAULT"),
            autoselect: reader.yes("AUTOSELECT"),
            forced: reader.yes("FORCED"),
            channels: reader.text("CHANNELS")?,
            characteristics: reader.text("CHARACTERISTICS")?,
            instream_id: reader.text("INSTREAM-ID")?,
            stable_rendition_id: reader.text("STABLE-RENDITION-ID")?,
            uri: reader.text("URI")?,
            line: line.number,
        })
    }
}

impl fmt::Display for Multivariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines()
            .try_for_each(|line| writeln!(formatter, "{line}"))
    }
}
