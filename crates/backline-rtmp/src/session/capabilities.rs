//! What one side can do, by Enhanced RTMP.

use alloc::borrow::Cow;

/// What this side can do, told to a peer that speaks Enhanced RTMP ("Enhancing NetConnection connect Command").
///
/// The peer is told of the codecs that it names itself, or of all if it names `*`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Capabilities {
    /// Audio codecs: a FourCC or `*`, and a mask: decode 1, encode 2, forward 4. Default: forward all six.
    pub audio_fourccs: Cow<'static, [(Cow<'static, str>, u32)]>,
    /// `capsEx`: reconnect 1, multitrack 2, ModEx 4, its nanosecond offset 8. Default: all of them.
    pub caps_ex: u32,
    /// Video codecs, as the audio codecs. Default: forward all six.
    pub video_fourccs: Cow<'static, [(Cow<'static, str>, u32)]>,
    /// `videoFunction`: seek commands 1, high dynamic range 2, metadata packets 4, large-scale tiles 8. Default: all of
    /// them, since all are handed on.
    pub video_function: u32,
}

const FORWARD: u32 = 4;
const AUDIO: &[(Cow<'static, str>, u32)] = &[
    (Cow::Borrowed(".mp3"), FORWARD),
    (Cow::Borrowed("Opus"), FORWARD),
    (Cow::Borrowed("ac-3"), FORWARD),
    (Cow::Borrowed("ec-3"), FORWARD),
    (Cow::Borrowed("fLaC"), FORWARD),
    (Cow::Borrowed("mp4a"), FORWARD),
];
const VIDEO: &[(Cow<'static, str>, u32)] = &[
    (Cow::Borrowed("av01"), FORWARD),
    (Cow::Borrowed("avc1"), FORWARD),
    (Cow::Borrowed("hvc1"), FORWARD),
    (Cow::Borrowed("vp08"), FORWARD),
    (Cow::Borrowed("vp09"), FORWARD),
    (Cow::Borrowed("vvc1"), FORWARD),
];

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            audio_fourccs: Cow::Borrowed(AUDIO),
            caps_ex: 15,
            video_fourccs: Cow::Borrowed(VIDEO),
            video_function: 15,
        }
    }
}
