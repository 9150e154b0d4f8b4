//! What a server says to players with an answer: CMSD (CTA-5006).
//!
//! `Display` writes the value of a header. [`Static`] goes with an object wherever it is cached;
//! [`Dynamic`] holds for one answer, and each server on the way adds one of its own.
//!
//! ```
//! use backline_cache::cmsd::Dynamic;
//!
//! let mut said = Dynamic::new("edge-2");
//! (said.max_kbps, said.throughput_kbps, said.response_ms) = (Some(3000), Some(5000), Some(3));
//! assert_eq!(said.to_string(), r#""edge-2";etp=5000;mb=3000;rd=3"#);
//! ```

use std::fmt;

use crate::cmcd::ObjectType;

/// `CMSD-Static`: what is true of an object.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Static {
    /// `at`: wall time in milliseconds since 1970 when its first byte became available.
    pub available_at_ms: Option<u64>,
    /// `br`: kilobits a second that it was encoded with.
    pub bitrate_kbps: Option<u64>,
    /// `d`: how long it plays.
    pub duration_ms: Option<u64>,
    /// `ht`: how long the request for it was held.
    pub held_ms: Option<u64>,
    /// `ot`: what it is.
    pub object: Option<ObjectType>,
    /// `sf`: of which format its stream is.
    pub format: Option<Format>,
    /// `st`: whether segments become available over time (`l`) or are all there (`v`).
    pub live: Option<bool>,
}

/// `CMSD-Dynamic`: what one server says of one answer, and of what it can bear.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Dynamic {
    /// Which server. What cannot stand in a header is written as `_`.
    pub name: String,
    /// `du`: the server is under stress; players go elsewhere if they can.
    pub duress: bool,
    /// `mb`: kilobits a second that a player should take at most.
    pub max_kbps: Option<u64>,
    /// `rd`: from the request to the first byte of the answer.
    pub response_ms: Option<u64>,
    /// `backline-retry`, a key of ours: how long a player should wait before it asks again for what
    /// failed.
    pub retry_ms: Option<u64>,
    /// `rtt`: the way to the player and back.
    pub round_trip_ms: Option<u64>,
    /// `etp`: kilobits a second that the server believes to reach the player with.
    pub throughput_kbps: Option<u64>,
    /// `backline-whole`, a key of ours: whole segments instead of parts.
    pub whole_segments: bool,
}

/// The format of a stream (`sf`).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Format {
    /// `d`: MPEG-DASH.
    Dash,
    /// `h`: HTTP Live Streaming.
    Hls,
}

impl Static {
    /// Tells whether there is nothing to say, and so no header to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Dynamic {
    /// Says nothing yet but who says it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            duress: false,
            max_kbps: None,
            response_ms: None,
            retry_ms: None,
            round_trip_ms: None,
            throughput_kbps: None,
            whole_segments: false,
        }
    }
}

impl fmt::Display for Static {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        let mut put = |key: &str, value: &dyn fmt::Display| {
            write!(out, "{between}{key}={value}")?;
            between = ",";
            Ok(())
        };
        for (key, value) in [
            ("at", self.available_at_ms),
            ("br", self.bitrate_kbps),
            ("d", self.duration_ms),
            ("ht", self.held_ms),
        ] {
            if let Some(value) = value {
                put(key, &value.min(INTEGER_MAX))?;
            }
        }
        if let Some(object) = self.object {
            put("ot", &object.token())?;
        }
        match self.format {
            Some(Format::Dash) => put("sf", &"d")?,
            Some(Format::Hls) => put("sf", &"h")?,
            None => {}
        }
        match self.live {
            Some(true) => put("st", &"l"),
            Some(false) => put("st", &"v"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Dynamic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\"")?;
        for c in self.name.chars() {
            match c {
                '"' | '\\' => write!(out, "\\{c}")?,
                ' '..='~' => write!(out, "{c}")?,
                _ => out.write_str("_")?,
            }
        }
        out.write_str("\"")?;
        if self.duress {
            out.write_str(";du")?;
        }
        for (key, value) in [
            ("etp", self.throughput_kbps),
            ("mb", self.max_kbps),
            ("rd", self.response_ms),
            ("rtt", self.round_trip_ms),
            ("backline-retry", self.retry_ms),
        ] {
            if let Some(value) = value {
                write!(out, ";{key}={}", value.min(INTEGER_MAX))?;
            }
        }
        if self.whole_segments {
            out.write_str(";backline-whole")?;
        }
        Ok(())
    }
}

/// The largest integer of a structured field (RFC 9651, 3.3.1).
const INTEGER_MAX: u64 = 999_999_999_999_999;
