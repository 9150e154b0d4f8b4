//! The names of renditions.

use core::fmt;

/// A rendition of the presentation, or the multivariant playlist where that is asked for and grows as one does.
///
/// Pictures are `v0`, `v1` and so on, sounds `a0` .., texts `t0` .., each kind numbered in the order of its tracks.
/// `Display` writes the name, which is the rendition's folder.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers keep the number as a key of their store and build it back from there"
)]
pub struct RenditionId(pub u16);

impl RenditionId {
    /// The multivariant playlist, where a rendition is asked for: its hold and its growth.
    pub const MULTIVARIANT: Self = Self(u16::MAX);
    /// Picture and sound in one rendition.
    pub const MUXED: Self = Self(3 << KIND_SHIFT);

    /// A sound track's rendition.
    #[must_use]
    pub const fn audio(index: u8) -> Self {
        Self(1 << KIND_SHIFT | index as u16)
    }

    /// A rendition of captions.
    #[must_use]
    pub const fn text(index: u8) -> Self {
        Self(2 << KIND_SHIFT | index as u16)
    }

    /// A picture track's rendition.
    #[must_use]
    pub const fn video(index: u8) -> Self {
        Self(index as u16)
    }

    /// Its name, which is its folder: `v0`, `a1`, `m0`.
    #[must_use]
    pub fn name(self) -> String {
        self.to_string()
    }

    /// Whether it holds sound and nothing else.
    pub(crate) const fn is_audio(self) -> bool {
        self.0 >> KIND_SHIFT == 1
    }

    /// Whether it holds a picture.
    pub(crate) const fn has_picture(self) -> bool {
        matches!(self.0 >> KIND_SHIFT, 0 | 3)
    }

    /// Whether it holds captions.
    pub(crate) const fn is_text(self) -> bool {
        self.0 >> KIND_SHIFT == 2
    }

    /// Its place among the renditions of its kind.
    pub(crate) const fn index(self) -> u16 {
        self.0 & INDEX_MASK
    }

    pub(crate) const fn content_type(self) -> &'static str {
        if self.is_audio() {
            crate::headers::AUDIO_MP4
        } else if self.is_text() {
            crate::headers::WEBVTT
        } else {
            crate::headers::VIDEO_MP4
        }
    }

    /// Reads a name. Numbers have one spelling.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (kind, digits) = name.split_at_checked(1)?;
        let plain = digits == "0" || !digits.starts_with('0');
        if !plain || digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let index = digits.parse().ok()?;
        match kind {
            "a" => Some(Self::audio(index)),
            "m" if index == 0 => Some(Self::MUXED),
            "t" => Some(Self::text(index)),
            "v" => Some(Self::video(index)),
            _ => None,
        }
    }
}

impl fmt::Display for RenditionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 >> KIND_SHIFT {
            0 => 'v',
            1 => 'a',
            2 => 't',
            3 => 'm',
            _ => return f.write_str("multivariant"),
        };
        write!(f, "{kind}{}", self.index())
    }
}

const KIND_SHIFT: u32 = 8;
const INDEX_MASK: u16 = 0xff;
