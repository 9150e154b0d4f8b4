//! Counts what passes.

use super::fit::Fit;
use super::track::{Frame, Track};
use super::{Codec, Report, Skew, finding};
use crate::amf0::Value;
use crate::flv::{AudioData, Media, Packet, StreamInfo, VideoData, VideoFrame};
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;
use std::time::Instant;

/// Tracks that are measured. A publication has two; more than a few are not one encoder's.
const TRACKS_MAX: usize = 8;
/// Timestamps of sound and pictures that are further apart are not of one clock.
const SKEW_MAX_MS: u64 = 10_000;

/// Measures one publication.
///
/// Holds about 2.5 KiB a track, of which there are at most eight, however long it runs. A packet costs the same time
/// always, and no allocation but for the first of a track.
#[derive(Debug, Default)]
pub struct Meter {
    tracks: Vec<Track>,
    skew: Fit,
    /// When the first packet and the latest came.
    came: Option<(Instant, Instant)>,
    first_ms: Option<u64>,
    declared: Declared,
    unmeasured: u64,
}

/// What the metadata says.
#[derive(Clone, Copy, Debug, Default)]
struct Declared {
    audio_kbps: Option<f64>,
    video_kbps: Option<f64>,
    video_rate: Option<f64>,
}

impl Meter {
    /// Makes a meter that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a packet that came at `now`. An instant before the latest one counts as that.
    pub fn observe(&mut self, now: Instant, packet: &Packet) {
        let (first, latest) = self.came.unwrap_or((now, now));
        let now = now.max(latest);
        self.came = Some((first, now));
        let at = now.saturating_duration_since(first);
        match &packet.media {
            Media::Audio(audio) => {
                let codec = Codec::Audio(audio.codec);
                match &audio.data {
                    AudioData::Config(config) => self.config(audio.track, codec, config),
                    AudioData::Frame(data) => self.frame(at, packet, codec, data, false),
                    _ => {}
                }
            }
            Media::Video(video) => {
                let codec = Codec::Video(video.codec);
                match &video.data {
                    VideoData::Config(config) | VideoData::TsConfig(config) => {
                        self.config(video.track, codec, config);
                    }
                    VideoData::Frame { data, .. } => {
                        let key = matches!(video.frame, VideoFrame::Key | VideoFrame::GeneratedKey);
                        self.frame(at, packet, codec, data, key);
                    }
                    _ => {}
                }
            }
            Media::Metadata(value) => self.declared = Declared::read(value),
            Media::Data { .. } => {}
        }
    }

    /// Returns what was measured so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let duration = self.came.map_or(Duration::ZERO, |(first, latest)| {
            latest.saturating_duration_since(first)
        });
        let tracks = self.tracks.iter().filter(|track| track.has_frames());
        // What is declared is declared of the first track of each medium.
        let tracks = tracks.map(|track| match track.codec() {
            _ if track.number() != 0 => track.report(None, None),
            Codec::Audio(_) => track.report(self.declared.audio_kbps, None),
            Codec::Video(_) => track.report(self.declared.video_kbps, self.declared.video_rate),
        });
        let skew = self.skew.range().map(|(min_ms, max_ms, latest_ms)| Skew {
            drift_ms_per_min: self.skew.slope(),
            latest_ms,
            max_ms,
            min_ms,
        });
        let mut report = Report {
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            findings: Vec::new(),
            skew,
            tracks: tracks.collect(),
            unmeasured: self.unmeasured,
        };
        report.findings = finding::find(&report);
        report
    }

    fn config(&mut self, number: u8, codec: Codec, config: &Bytes) {
        if let Some(track) = self.track(number, codec) {
            track.config(codec, config);
        }
    }

    fn frame(&mut self, at: Duration, packet: &Packet, codec: Codec, data: &Bytes, is_key: bool) {
        // Many write metadata and configuration with the time 0, whatever the time of what follows.
        let first_ms = *self.first_ms.get_or_insert(packet.timestamp_ms);
        let frame = Frame {
            arrival_us: u64::try_from(at.as_micros()).unwrap_or(u64::MAX),
            after_ms: packet.timestamp_ms.saturating_sub(first_ms),
            timestamp_ms: packet.timestamp_ms,
            bytes: data.len() as u64,
            is_key,
        };
        let Some(track) = self.track(packet.track(), codec) else {
            return;
        };
        track.frame(codec, frame);
        let (number, media_ms) = (track.number(), track.media_ms());
        let is_picture = |track: &&Track| matches!(track.codec(), Codec::Video(_));
        if !matches!(codec, Codec::Video(_))
            || self.tracks.iter().find(is_picture).map(Track::number) != Some(number)
        {
            return;
        }
        let sound = self.tracks.iter().find(|track| !is_picture(track));
        if let Some(sound_ms) = sound.and_then(Track::latest_ms)
            && packet.timestamp_ms.abs_diff(sound_ms) <= SKEW_MAX_MS
        {
            let skew = packet.timestamp_ms as f64 - sound_ms as f64;
            self.skew.add(media_ms, skew);
        }
    }

    /// Finds a track, or makes room for it.
    fn track(&mut self, number: u8, codec: Codec) -> Option<&mut Track> {
        let known = self.tracks.iter().position(|track| track.is(number, codec));
        let place = match known {
            Some(place) => place,
            None if self.tracks.len() < TRACKS_MAX => {
                self.tracks.push(Track::new(number, codec));
                self.tracks.len().saturating_sub(1)
            }
            None => {
                self.unmeasured = self.unmeasured.saturating_add(1);
                return None;
            }
        };
        self.tracks.get_mut(place)
    }
}

impl Declared {
    /// Reads rates; none is of nothing, and an encoder that writes 0 does not know.
    fn read(value: &Value) -> Self {
        let info = StreamInfo::read(value);
        let said =
            |number: Option<f64>| number.filter(|number| number.is_finite() && *number > 0.0);
        Self {
            audio_kbps: said(info.audio_kbps),
            video_kbps: said(info.video_kbps),
            video_rate: said(info.frame_rate),
        }
    }
}
