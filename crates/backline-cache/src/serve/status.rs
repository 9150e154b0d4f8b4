//! `Cache-Status` (RFC 9211).

use std::fmt;
use std::time::Duration;

use crate::Via;

/// What a cache says of how it answered. `Display` writes the header's value:
/// `backline; hit; ttl=11; detail=held`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CacheStatus {
    /// Name of this cache, an RFC 8941 token. Default `backline`.
    pub name: &'static str,
    /// How a held request was answered; `None` for an answer at once.
    pub via: Option<Via>,
    /// How long it stays fresh, when the caller knows.
    pub ttl: Option<Duration>,
}

impl CacheStatus {
    /// Says that it was there.
    #[must_use]
    pub const fn hit() -> Self {
        Self {
            name: "backline",
            via: None,
            ttl: None,
        }
    }

    /// Says how a wait ended.
    #[must_use]
    pub const fn waited(via: Via) -> Self {
        Self {
            name: "backline",
            via: Some(via),
            ttl: None,
        }
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)?;
        match self.via {
            None | Some(Via::Held) => out.write_str("; hit")?,
            Some(Via::Fetched) => out.write_str("; fwd=miss; stored")?,
            Some(Via::Collapsed) => out.write_str("; fwd=miss; collapsed")?,
        }
        if let Some(ttl) = self.ttl {
            write!(out, "; ttl={}", ttl.as_secs())?;
        }
        if self.via == Some(Via::Held) {
            out.write_str("; detail=held")?;
        }
        Ok(())
    }
}
