//! What the numbers mean, and what to change.

use super::{Codec, Report, TrackReport};
use alloc::vec::Vec;
use core::fmt;

/// Key frames further apart make players wait: live encoders are told to use 2 s.
const KEY_MAX_MS: u64 = 4_000;
const KEY_SEVERE_MS: u64 = 10_000;
/// Off by more than this, in 5 % of the steps, is seen and heard.
const JITTER_MAX_US: u32 = 10_000;
/// Sound that comes before the picture by 45 ms, or after it by 125 ms, is noticed (ITU-R BT.1359); interleaving
/// accounts for as much, so only more than both is told.
const SKEW_MAX_MS: f64 = 200.0;
const DRIFT_MAX_MS_PER_MIN: f64 = 5.0;
/// An arrival that late empties the buffer of a player that is two seconds behind.
const STALL_MS: u64 = 2_000;
const LATE_MS: u64 = 1_000;
/// How far a rate may be from what was declared.
const BITRATE_OFF: f64 = 0.25;
const RATE_OFF: f64 = 0.02;

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Some players or viewers suffer.
    Warning,
    /// Pictures or sound are lost.
    Severe,
}

/// What is wrong with a publication. `Display` says it in a sentence, with the setting to change.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Finding {
    /// Timestamps went backwards so many times.
    Backward(u64),
    /// The bit rate is not the declared one: measured and declared, in kb/s.
    Bitrate(f64, f64),
    /// The configuration changed so many times.
    ConfigChanges(u64),
    /// The frame rate is not the declared one: measured and declared, in frames a second.
    FrameRate(f64, f64),
    /// Gaps in the timestamps: how many, and the longest in milliseconds.
    Gaps(u64, u64),
    /// Timestamps that are uneven: what 95 % of the steps are off at most, in microseconds.
    Jitter(u32),
    /// Timestamps jumped forward so many times.
    Jumps(u64),
    /// Key frames are far apart: the longest interval, in milliseconds.
    KeyInterval(u64),
    /// Key frames are uneven: the shortest and the longest interval, in milliseconds.
    KeysUneven(u64, u64),
    /// A track began so many milliseconds after the publication.
    Late(u64),
    /// So many frames did not come, by estimate.
    Missing(u64),
    /// There was one key frame or none in so many milliseconds.
    NoKeys(u64),
    /// Sound and picture are apart, in milliseconds; positive where the picture is ahead.
    Skew(f64),
    /// Sound and picture drift apart, in milliseconds a minute.
    SkewDrift(f64),
    /// Nothing came for so many milliseconds.
    Stall(u64),
    /// The frame rate varies.
    VariableRate,
}

/// A finding, and of which track.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Verdict {
    /// What is wrong.
    pub finding: Finding,
    /// The track and how it is coded; `None` for what is between sound and picture.
    pub of: Option<(Codec, u8)>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Some((Codec::Audio(_), track)) => write!(out, "sound {track}: {}", self.finding),
            Some((Codec::Video(_), track)) => write!(out, "picture {track}: {}", self.finding),
            None => self.finding.fmt(out),
        }
    }
}

impl Finding {
    /// Returns how bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Bitrate(..) | Self::ConfigChanges(_) | Self::Late(_) | Self::VariableRate => {
                Severity::Info
            }
            Self::Backward(_) | Self::Gaps(..) | Self::Missing(_) | Self::NoKeys(_) => {
                Severity::Severe
            }
            Self::KeyInterval(longest) if *longest > KEY_SEVERE_MS => Severity::Severe,
            _ => Severity::Warning,
        }
    }

    /// Returns what to change.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Backward(_) => "restart the encoder, and use one clock for sound and picture",
            Self::Bitrate(..) => "check the encoder's bit rate, and set a constant one (CBR)",
            Self::ConfigChanges(_) => "keep size and profile fixed while live",
            Self::FrameRate(..) => "set the encoder's frame rate to that of the camera",
            Self::Gaps(..) | Self::Missing(_) => "lower the encoder's load, size or frame rate",
            Self::Jitter(_) | Self::VariableRate => "set a constant frame rate",
            Self::Jumps(_) => "do not set the encoder's clock while live",
            Self::KeyInterval(_) | Self::NoKeys(_) => "set the encoder's keyframe interval to 2 s",
            Self::KeysUneven(..) => "set a fixed keyframe interval, and switch scene detection off",
            Self::Late(_) => "start all inputs before the encoder",
            Self::Skew(_) => "set the encoder's audio delay",
            Self::SkewDrift(_) => "take sound and picture from one clock, or resample the sound",
            Self::Stall(_) => "lower the bit rate, or use a better uplink",
        }
    }

    fn write_fact(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |ms: u64| ms as f64 / 1000.0;
        match *self {
            Self::Backward(count) => write!(out, "timestamps went backwards, {count} in all"),
            Self::Bitrate(measured, declared) => {
                write!(
                    out,
                    "{measured:.0} kb/s where {declared:.0} kb/s are declared"
                )
            }
            Self::ConfigChanges(count) => write!(out, "the configuration changed, {count} in all"),
            Self::FrameRate(measured, declared) => {
                write!(
                    out,
                    "{measured:.2} frames a second where {declared:.2} are declared"
                )
            }
            Self::Gaps(count, ms) => {
                write!(
                    out,
                    "gaps in the timestamps, {count} in all, up to {:.1} s",
                    s(ms)
                )
            }
            Self::Jitter(us) => {
                write!(
                    out,
                    "timestamps are up to {:.0} ms off",
                    f64::from(us) / 1000.0
                )
            }
            Self::Jumps(count) => write!(out, "timestamps jumped forward, {count} in all"),
            Self::KeyInterval(ms) => write!(out, "key frames every {:.1} s", s(ms)),
            Self::KeysUneven(min, max) => {
                write!(out, "key frames every {:.1} s to {:.1} s", s(min), s(max))
            }
            Self::Late(ms) => write!(out, "begins {:.1} s after the publication", s(ms)),
            Self::Missing(count) => write!(out, "about {count} frames are missing"),
            Self::NoKeys(ms) => write!(out, "no second key frame in {:.1} s", s(ms)),
            Self::Skew(ms) => write!(out, "the picture is {ms:+.0} ms from the sound"),
            Self::SkewDrift(drift) => {
                write!(
                    out,
                    "the picture drifts from the sound by {drift:+.1} ms a minute"
                )
            }
            Self::Stall(ms) => write!(out, "nothing came for {:.1} s", s(ms)),
            Self::VariableRate => write!(out, "the frame rate varies"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_fact(out)?;
        write!(out, ": {}", self.advice())
    }
}

pub(super) fn find(report: &Report) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for track in &report.tracks {
        let mut found = Vec::new();
        find_in(track, &mut found);
        if matches!(track.codec, Codec::Video(_)) {
            find_in_pictures(track, &mut found);
        }
        let of = Some((track.codec, track.track));
        verdicts.extend(found.into_iter().map(|finding| Verdict { finding, of }));
    }
    let mut found = Vec::new();
    if let Some(skew) = report.skew {
        if skew.latest_ms.abs() > SKEW_MAX_MS {
            found.push(Finding::Skew(skew.latest_ms));
        }
        let drift = skew.drift_ms_per_min.filter(|drift| {
            // What grew by less than a frame may be interleaving alone.
            drift.abs() > DRIFT_MAX_MS_PER_MIN && skew.max_ms - skew.min_ms > 40.0
        });
        found.extend(drift.map(Finding::SkewDrift));
    }
    let verdict = |finding| Verdict { finding, of: None };
    verdicts.extend(found.into_iter().map(verdict));
    verdicts
}

fn find_in(track: &TrackReport, found: &mut Vec<Finding>) {
    let counted = [
        (
            Finding::Backward as fn(u64) -> Finding,
            track.backward.count,
        ),
        (Finding::Jumps, track.jumps.count),
        (Finding::ConfigChanges, track.config_changes),
    ];
    let counted = counted.into_iter().filter(|(_, count)| *count > 0);
    found.extend(counted.map(|(finding, count)| finding(count)));
    if let Some(longest) = track.gaps.longest_ms {
        found.push(Finding::Gaps(track.gaps.count, longest));
    }
    let missing = track.missing.filter(|missing| *missing > 0);
    found.extend(missing.map(Finding::Missing));
    if track.varies {
        found.push(Finding::VariableRate);
    } else if let Some(jitter) = track.jitter
        && jitter.p95_us > JITTER_MAX_US
    {
        found.push(Finding::Jitter(jitter.p95_us));
    }
    let stall = track.arrival_longest_ms.filter(|ms| *ms > STALL_MS);
    found.extend(stall.map(Finding::Stall));
    if track.starts_after_ms > LATE_MS {
        found.push(Finding::Late(track.starts_after_ms));
    }
    if let (Some(measured), Some(declared)) = (track.bitrate_kbps, track.declared_kbps)
        && (measured / declared - 1.0).abs() > BITRATE_OFF
    {
        found.push(Finding::Bitrate(measured, declared));
    }
    if let (Some(measured), Some(declared)) = (track.rate, track.declared_rate)
        && (measured / declared - 1.0).abs() > RATE_OFF
    {
        found.push(Finding::FrameRate(measured, declared));
    }
}

fn find_in_pictures(track: &TrackReport, found: &mut Vec<Finding>) {
    match track.keys {
        Some(keys) if keys.max_ms > KEY_MAX_MS => found.push(Finding::KeyInterval(keys.max_ms)),
        Some(keys) if keys.max_ms > keys.min_ms.saturating_mul(3) / 2 => {
            found.push(Finding::KeysUneven(keys.min_ms, keys.max_ms));
        }
        None if track.media_ms > KEY_MAX_MS => found.push(Finding::NoKeys(track.media_ms)),
        _ => {}
    }
}
