//! What playlists say of a track.

use crate::error::{AboutProblem, Error};
use crate::event::TrackId;
use crate::limits::Limits;

/// What playlists say of a track beside its codec (MV-2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct About {
    /// `NAME`, for the players' menu: UTF-8 in normalization form C, without quotation marks and control characters,
    /// another one for each sound track. Empty: `Audio`, `Audio 2` and so on.
    pub name: String,
    /// `LANGUAGE`: a tag of RFC 5646, such as `pt-BR`. Empty: not said.
    pub language: String,
    /// `DEFAULT=YES`: plays unless the viewer chooses. The first sound track that says so is the one; if none does,
    /// the first of all is.
    pub default: bool,
}

impl About {
    /// Names the track; the rest is as [`Default`] has it.
    #[must_use]
    pub fn named(name: impl Into<String>, language: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            language: language.into(),
            default: false,
        }
    }

    /// Checks what would break out of a quoted string, or grow without end.
    pub(crate) fn check(&self, track: TrackId, limits: &Limits) -> Result<(), Error> {
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
        // Section 4.2 of the draft: no line feed, no carriage return, no quotation mark in a quoted string; section
        // 4.1: no control character in a playlist.
        let legal = |c: char| c != '"' && !c.is_control();
        let rows = [
            ("name", &self.name, limits.name_bytes),
            ("language", &self.language, LANGUAGE_BYTES),
        ];
        for (field, value, limit) in rows {
            let size = value.len();
            let refused = |problem| Error::About {
                track,
                field,
                problem,
            };
            if size > limit {
                return Err(refused(AboutProblem::TooLong { size, limit }));
            }
            let bad = |c: &char| !legal(*c) || (field == "language" && !letter(*c));
            let found = value.char_indices().find(|(_, c)| bad(c));
            if let Some((at, character)) = found {
                return Err(refused(AboutProblem::Character { at, character }));
            }
        }
        Ok(())
    }
}

/// Section 4.4.1 of RFC 5646 asks for room for 35 characters.
const LANGUAGE_BYTES: usize = 35;
