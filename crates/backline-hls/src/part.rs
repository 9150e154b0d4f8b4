//! The part that is being filled.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "ticks and sizes are below the limits"
)]

use bytes::Bytes;

use crate::fmp4::FragmentSample;
use crate::track::Placed;

/// Samples with decode times in a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) base: i64,
    pub(crate) fill: i64,
    pub(crate) samples: Vec<FragmentSample>,
}

/// The open part of a rendition: its own track, and sound beside it in the muxed layout.
///
/// The body is the list that goes out: its first place is kept for the header, so closing a part allocates the header
/// and the next list, nothing else.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenPart {
    pub(crate) main: Chunk,
    pub(crate) sound: Chunk,
    pub(crate) independent: bool,
    pub(crate) bytes: usize,
    /// Whole boxes that go before its `moof`.
    pub(crate) messages: Vec<Bytes>,
    body: Vec<Bytes>,
    sound_body: Vec<Bytes>,
}

impl OpenPart {
    pub(crate) fn is_empty(&self) -> bool {
        self.main.samples.is_empty()
    }

    /// Appends a sample of the rendition's own track.
    pub(crate) fn push(&mut self, start: i64, sample: FragmentSample, data: Bytes) {
        if self.main.samples.is_empty() {
            self.main.base = start;
            self.main.fill = 0;
            if self.body.is_empty() {
                self.body.push(Bytes::new());
            }
        }
        self.independent |= sample.sync;
        self.bytes += data.len();
        self.main.fill += i64::from(sample.duration);
        self.main.samples.push(sample);
        self.body.push(data);
    }

    /// Appends sound beside the picture.
    pub(crate) fn push_sound(&mut self, placed: Placed) {
        if self.sound.samples.is_empty() {
            self.sound.base = placed.start;
            self.sound.fill = 0;
        }
        self.bytes += placed.data.len();
        self.sound.fill += placed.duration;
        self.sound
            .samples
            .push(sound_sample(placed.duration, placed.data.len()));
        self.sound_body.push(placed.data);
    }

    /// Takes a box that goes before its `moof`.
    pub(crate) fn carry(&mut self, message: Bytes) {
        self.messages.push(message);
    }

    /// Changes the last sample's duration.
    pub(crate) fn grow(&mut self, by: i64) {
        if let Some(last) = self.main.samples.last_mut() {
            last.duration = last
                .duration
                .saturating_add_signed(i32::try_from(by).unwrap_or(0));
            self.main.fill += by;
        }
    }

    /// The last sample's duration.
    pub(crate) fn last_duration(&self) -> Option<i64> {
        self.main
            .samples
            .last()
            .map(|sample| i64::from(sample.duration))
    }

    /// Puts the header first and takes the list; the next one has the same room.
    pub(crate) fn take(&mut self, header: Bytes) -> Vec<Bytes> {
        self.body.append(&mut self.sound_body);
        if let Some(first) = self.body.first_mut() {
            *first = header;
        }
        let mut next = Vec::with_capacity(self.body.len() + 1);
        next.push(Bytes::new());
        self.main.samples.clear();
        self.sound.samples.clear();
        self.messages.clear();
        self.main.fill = 0;
        self.sound.fill = 0;
        self.independent = false;
        self.bytes = 0;
        core::mem::replace(&mut self.body, next)
    }
}

/// A sound sample in a fragment: no composition offset, decodable by itself.
pub(crate) fn sound_sample(duration: i64, size: usize) -> FragmentSample {
    FragmentSample {
        duration: u32::try_from(duration).unwrap_or(u32::MAX),
        size: u32::try_from(size).unwrap_or(u32::MAX),
        composition: 0,
        sync: true,
    }
}
