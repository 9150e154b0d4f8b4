//! Patterns of paths, matched in one pass.

use std::fmt;
use std::str::FromStr;

/// A pattern of a whole path, without its query: `*` is any run of bytes without `/`, `**` any run at all, `?` one byte
/// other than `/`, everything else itself.
///
/// Matching takes one step a byte of the path, whatever the pattern: all its positions are followed at once, as
/// bits of one number. Nothing is tried twice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Glob {
    text: Box<str>,
    /// Which entry of `literals` a byte has; 0 is that of the bytes that the pattern does not name.
    entries: Box<[u8; 256]>,
    /// For each byte that the pattern names, the positions that it may be at.
    literals: Vec<u128>,
    /// Positions of `*` and `**`.
    stars: u128,
    /// Positions of `**`.
    double_stars: u128,
    /// Positions of `?`.
    any: u128,
    /// The position behind the last one.
    end: u128,
}

/// Not a pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobError {
    /// More than [`Glob::BYTES_MAX`] bytes.
    #[error(
        "a pattern of {bytes} bytes, more than the {} allowed",
        Glob::BYTES_MAX
    )]
    Long {
        /// Its length.
        bytes: usize,
    },
    /// It begins with something else than `/` or a star, so that no path would match.
    #[error("a pattern begins with / or a star, since every path begins with /")]
    Start,
}

impl Glob {
    /// The most bytes of a pattern.
    pub const BYTES_MAX: usize = 127;

    /// Tells whether the whole path is of this pattern.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let mut at = self.past_stars(1);
        for byte in path.bytes() {
            let entry = self.entries.get(usize::from(byte)).copied().unwrap_or(0);
            let literal = self.literals.get(usize::from(entry)).copied().unwrap_or(0);
            let (any, stars) = if byte == b'/' {
                (0, self.double_stars)
            } else {
                (self.any, self.stars)
            };
            at = self.past_stars(((at & (literal | any)) << 1) | (at & stars));
            if at == 0 {
                return false;
            }
        }
        at & self.end != 0
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether every path that `other` matches is one of this pattern too, as far as that is easily
    /// seen: they are equal, `other` is one path, or this one is a prefix and `**`.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let is_plain = |text: &str| !text.contains(['*', '?']);
        if self.text == other.text {
            return true;
        }
        if is_plain(&other.text) {
            return self.matches(&other.text);
        }
        self.text
            .strip_suffix("**")
            .is_some_and(|prefix| is_plain(prefix) && other.text.starts_with(prefix))
    }

    /// A star also matches nothing. There are never two of them side by side.
    const fn past_stars(&self, at: u128) -> u128 {
        at | ((at & self.stars) << 1)
    }
}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, GlobError> {
        if text.len() > Self::BYTES_MAX {
            return Err(GlobError::Long { bytes: text.len() });
        }
        if !text.starts_with(['/', '*']) {
            return Err(GlobError::Start);
        }
        let mut glob = Self {
            text: text.into(),
            entries: Box::new([0; 256]),
            literals: vec![0],
            stars: 0,
            double_stars: 0,
            any: 0,
            end: 1,
        };
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'*' => {
                    glob.stars |= glob.end;
                    while bytes.next_if_eq(&b'*').is_some() {
                        glob.double_stars |= glob.end;
                    }
                }
                b'?' => glob.any |= glob.end,
                _ => {
                    if let Some(entry) = glob.entries.get_mut(usize::from(byte)) {
                        if *entry == 0 {
                            // No more than 127 different bytes, so that the number fits.
                            *entry = u8::try_from(glob.literals.len()).unwrap_or(0);
                            glob.literals.push(0);
                        }
                        if let Some(positions) = glob.literals.get_mut(usize::from(*entry)) {
                            *positions |= glob.end;
                        }
                    }
                }
            }
            glob.end <<= 1;
        }
        Ok(glob)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Glob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Glob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(super::span::FromText::<Self>::new())
    }
}
