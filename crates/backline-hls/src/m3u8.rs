//! Playlists as anybody writes them: a typed, tolerant reader of media and multivariant playlists (PL-16).
//!
//! What a relay, a cache or a check needs from a playlist that somebody else wrote. Tags and attributes that are not
//! known here are ignored and kept (section 6.3.1 of the draft), and a playlist that is written again has the
//! lines that
//! were read. A delta update ([`Media::skip`]) is joined to the playlist before it with [`Media::merge`].
//!
//! ```
//! use backline_hls::Limits;
//! use backline_hls::m3u8::Playlist;
//!
//! let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2.00000,\ns7.m4s\n";
//! let Playlist::Media(media) = Playlist::parse(text.as_bytes(), &Limits::default())? else { panic!("it has
//! segments") };
//! assert_eq!((media.segments[0].msn, media.segments[0].uri.as_str()), (7, "s7.m4s"));
//! assert_eq!(media.to_string(), text);
//! # Ok::<(), backline_hls::Error>(())
//! ```
//!
//! Memory is linear in the text, and no number in it makes anything larger: see the `playlist_*` fields of
//! [`Limits`].

mod attributes;
mod delta;
mod lines;
mod media;
mod multivariant;
mod tags;
mod value;

use core::fmt;

pub use crate::error::{DeltaProblem, PlaylistProblem};
pub use attributes::Attributes;
pub use media::{Media, PlaylistType, Segment};
pub use multivariant::{MediaKind, Multivariant, Rendition, Variant};
pub use tags::{
    ByteRange, DateRange, Define, HintKind, Key, Map, Part, PreloadHint, RenditionReport,
    ServerControl, Skip, Start,
};

use crate::{Error, Limits};
use lines::Lines;

/// A playlist of either kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and nearly always the larger one"
)]
pub enum Playlist {
    /// One rendition.
    Media(Media),
    /// The variants of a presentation and their renditions.
    Multivariant(Multivariant),
}

impl Playlist {
    /// Reads a playlist. It is a multivariant one if it has a tag that only those have (section 4.4.6), else a
    /// media playlist.
    ///
    /// # Errors
    ///
    /// [`Error::Playlist`] with the line and byte where a cap of `limits` was passed, where a known tag does not say
    /// what it must, or where the text is no playlist at all.
    pub fn parse(text: &[u8], limits: &Limits) -> Result<Self, Error> {
        let lines = Lines::new(text, limits)?;
        if lines.clone().any(|line| multivariant::is_own(line.text)) {
            Multivariant::read(lines).map(Self::Multivariant)
        } else {
            Media::read(lines, limits).map(Self::Media)
        }
    }
}

impl fmt::Display for Playlist {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Media(media) => media.fmt(formatter),
            Self::Multivariant(multivariant) => multivariant.fmt(formatter),
        }
    }
}
