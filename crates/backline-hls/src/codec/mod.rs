//! Codecs and their configuration records.

/// A codec that a presentation can carry.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum Codec {
    /// AAC.
    Aac,
    /// AC-3.
    Ac3,
    /// AV1.
    Av1,
    /// H.264.
    Avc,
    /// Enhanced AC-3.
    Eac3,
    /// FLAC.
    Flac,
    /// H.265.
    Hevc,
    /// Opus.
    Opus,
    /// VP9.
    Vp9,
}

/// Picture or sound.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[expect(
    clippy::exhaustive_enums,
    reason = "a presentation has these two kinds"
)]
pub enum TrackKind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}
