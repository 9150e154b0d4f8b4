//! The crate as its users see it, in virtual time.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    unreachable_pub,
    reason = "a test fails by panicking, and its numbers are small"
)]
#![expect(clippy::disallowed_methods, reason = "a test needs a first instant")]

mod absence;
mod apart;
mod boxes;
mod captions;
mod codec;
mod codec_hostile;
mod codec_records;
mod continuation;
mod costs;
mod cues;
mod dates;
mod delivery;
mod fmp4;
mod fmp4_ffmpeg;
mod fmp4_peers;
mod in_band;
mod ladder;
mod limits;
#[cfg(all(feature = "gzip", feature = "lint"))]
mod lint;
#[cfg(feature = "lint")]
mod lint_hostile;
mod m3u8;
mod m3u8_edges;
mod messages;
mod playlist;
mod playlists;
#[cfg(feature = "progressive")]
mod progressive;
mod properties;
mod quirks;
mod readers;
#[cfg(feature = "progressive")]
mod recording;
mod returns;
mod rows;
mod segmenter;
mod slate;
mod sound;
mod states;
mod studio;
mod tracks;
mod vod;
mod webvtt;
