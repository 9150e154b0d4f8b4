//! `Cache-Status` (RFC 9211).

use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::Via;

/// What a cache says of how it answered. `Display` writes the header's value:
/// `backline; hit; ttl=11; detail=edge-hold`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CacheStatus<'a> {
    /// Name of this cache. Default `backline`.
    pub name: &'a str,
    /// It was answered out of the store. Says nothing beside `forward`.
    pub hit: bool,
    /// Why the request went on to the origin.
    pub forward: Option<Forward>,
    /// What the origin answered, where the answer here has another status, as after a 304.
    pub forward_status: Option<u16>,
    /// What the origin sent was stored.
    pub stored: bool,
    /// One request to the origin was for this one and for others.
    pub collapsed: bool,
    /// How long it stays fresh, when the caller knows.
    pub ttl: Option<Duration>,
    /// How long ago it stopped being fresh. Outranks `ttl`.
    pub stale_for: Option<Duration>,
    /// What it is stored under.
    pub key: Option<&'a str>,
    /// What the caller adds, such as the rule that decided.
    pub detail: Option<&'a str>,
}

/// Why a request went on to the origin (RFC 9211, 2.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Forward {
    /// The cache was told not to handle it.
    Bypass,
    /// Its method is not one that is answered from the store.
    Method,
    /// Nothing that was stored fitted, for whatever reason.
    Miss,
    /// Some of it was stored, but not all.
    Partial,
    /// It said itself that what is stored does not do.
    Request,
    /// What was stored was no longer fresh.
    Stale,
    /// Nothing was stored under its URI.
    UriMiss,
    /// What was stored under its URI was for other requests (`Vary`).
    VaryMiss,
}

impl Forward {
    /// Its token.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::Miss => "miss",
            Self::Partial => "partial",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
        }
    }
}

impl CacheStatus<'_> {
    /// Says that it was there.
    #[must_use]
    pub const fn hit() -> Self {
        Self {
            name: "backline",
            hit: true,
            forward: None,
            forward_status: None,
            stored: false,
            collapsed: false,
            ttl: None,
            stale_for: None,
            key: None,
            detail: None,
        }
    }

    /// Says that the request went on.
    #[must_use]
    pub const fn forwarded(why: Forward) -> Self {
        Self {
            hit: false,
            forward: Some(why),
            ..Self::hit()
        }
    }

    /// Says how a wait ended.
    #[must_use]
    pub const fn waited(via: Via) -> Self {
        let fetched = Self::forwarded(Forward::Miss);
        match via {
            Via::Held => Self {
                detail: Some("held"),
                ..Self::hit()
            },
            Via::Fetched => Self {
                stored: true,
                ..fetched
            },
            Via::Collapsed => Self {
                collapsed: true,
                ..fetched
            },
        }
    }
}

impl fmt::Display for CacheStatus<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        item(out, self.name)?;
        match self.forward {
            Some(why) => write!(out, "; fwd={}", why.name())?,
            None if self.hit => out.write_str("; hit")?,
            None => {}
        }
        if let Some(status) = self.forward_status {
            write!(out, "; fwd-status={status}")?;
        }
        match (self.stale_for, self.ttl) {
            // As far as it was stale for less than a second, it is not said to be fresh.
            (Some(ago), _) => write!(out, "; ttl=-{}", ago.as_secs().max(1))?,
            (None, Some(ttl)) => write!(out, "; ttl={}", ttl.as_secs())?,
            (None, None) => {}
        }
        if self.stored {
            out.write_str("; stored")?;
        }
        if self.collapsed {
            out.write_str("; collapsed")?;
        }
        if let Some(key) = self.key {
            out.write_str("; key=")?;
            quoted(out, key)?;
        }
        if let Some(detail) = self.detail {
            out.write_str("; detail=")?;
            item(out, detail)?;
        }
        Ok(())
    }
}

/// Writes a token where it is one, else a string (RFC 8941, 3.3).
fn item(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte);
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '*');
    if begins && text.bytes().all(in_token) {
        out.write_str(text)
    } else {
        quoted(out, text)
    }
}

/// Writes a string; what may not stand in one as a percent and two digits.
fn quoted(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => write!(out, "\\{}", char::from(byte))?,
            b' '..=b'~' => out.write_char(char::from(byte))?,
            _ => write!(out, "%{byte:02X}")?,
        }
    }
    out.write_char('"')
}
