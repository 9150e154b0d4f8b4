//! Paths of a presentation, relative to its root.

use crate::event::ObjectKind;
use crate::rendition_id::RenditionId;

/// What a path names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Path {
    /// A part that is listed as absent.
    Gap,
    /// A rendition's playlist.
    Media(RenditionId),
    /// `index.m3u8`.
    Multivariant,
    /// An init segment, a part or a segment.
    Object {
        rendition: RenditionId,
        kind: ObjectKind,
        number: u64,
    },
}

impl Path {
    /// Reads a path. Numbers have one spelling: decimal, no sign, no leading zero, below 2^64.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        if path == "index.m3u8" {
            return Some(Self::Multivariant);
        }
        let (rendition, file) = path.split_once('/')?;
        let rendition = RenditionId::parse(rendition)?;
        if file == "index.m3u8" {
            return Some(Self::Media(rendition));
        }
        let (stem, extension) = file.split_once('.')?;
        let (kind, digits) = match extension {
            "vtt" if rendition.is_text() => (ObjectKind::Segment, stem.strip_prefix('s')?),
            _ if rendition.is_text() => return None,
            "m4s" if stem.starts_with('g') => return gap(stem),
            "m4s" => match stem.strip_prefix('p') {
                Some(digits) => (ObjectKind::Part, digits),
                None => (ObjectKind::Segment, stem.strip_prefix('s')?),
            },
            "mp4" => (ObjectKind::Init, stem.strip_prefix('i')?),
            _ => return None,
        };
        Some(Self::Object {
            rendition,
            kind,
            number: number(digits)?,
        })
    }
}

/// `g<media sequence number>-<index>`.
fn gap(stem: &str) -> Option<Path> {
    let (msn, index) = stem.strip_prefix('g')?.split_once('-')?;
    number(msn).and_then(|_| number(index)).map(|_| Path::Gap)
}

fn number(digits: &str) -> Option<u64> {
    let plain = digits == "0" || !digits.starts_with('0');
    let decimal = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if plain && decimal && digits.len() <= 20 {
        digits.parse().ok()
    } else {
        None
    }
}
