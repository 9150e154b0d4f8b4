//! What a player wants to get.

use crate::flv::{AudioData, Media, Packet, VideoData, VideoFrame};

/// What a player wants to get.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Appetite {
    no_audio: bool,
    no_video: bool,
    paused: bool,
    /// The tracks, a bit each, whose frames are of no use before a key frame.
    resync: [u64; 4],
}

impl Appetite {
    pub(super) const fn pause(&mut self, paused: bool) {
        self.paused = paused;
        if paused {
            self.resync = [u64::MAX; 4];
        }
    }

    pub(super) const fn receive_audio(&mut self, wanted: bool) {
        self.no_audio = !wanted;
    }

    pub(super) const fn receive_video(&mut self, wanted: bool) {
        self.no_video = !wanted;
        if !wanted {
            self.resync = [u64::MAX; 4];
        }
    }

    /// Returns whether the player has a use for a packet. What configures a decoder is of use later, too.
    pub(super) fn wants(&mut self, packet: &Packet) -> bool {
        match &packet.media {
            Media::Audio(audio) => match audio.data {
                AudioData::Frame(_) | AudioData::Silence => !self.no_audio && !self.paused,
                _ => true,
            },
            Media::Data { .. } => !self.paused,
            Media::Metadata(_) => true,
            Media::Video(video) => match video.data {
                VideoData::Frame { .. } => self.wants_frame(video.track, video.frame),
                _ => true,
            },
        }
    }

    fn wants_frame(&mut self, track: u8, frame: VideoFrame) -> bool {
        if self.no_video || self.paused {
            return false;
        }
        let bit = 1 << (track % 64);
        let Some(resync) = self.resync.get_mut(usize::from(track / 64)) else {
            return true;
        };
        if matches!(frame, VideoFrame::Key | VideoFrame::GeneratedKey) {
            *resync &= !bit;
        }
        *resync & bit == 0
    }
}
