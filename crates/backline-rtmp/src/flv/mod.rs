//! Bodies of audio and video messages: legacy FLV and Enhanced RTMP, with one track or several.
//!
//! Reading shares the body's bytes and copies none, but for a track that is less than a quarter of its message.
//! Sources: FLV/F4V 10.1 Annex E, and Enhanced RTMP v2-2026-01-31-r2.

mod audio;
mod color;
pub mod config;
pub mod file;
mod head;
mod info;
mod modex;
mod multichannel;
mod packet;
mod tracks;
mod video;

pub use audio::{Audio, AudioCodec, AudioData};
pub use color::{ColorInfo, Mastering};
pub use head::Head;
pub use info::StreamInfo;
pub use multichannel::Multichannel;
pub use packet::{Hint, Media, Packet};
pub use tracks::Tracks;
pub use video::{Video, VideoCodec, VideoData, VideoFrame};
