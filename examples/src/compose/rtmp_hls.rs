//! From an RTMP session to a presentation: milliseconds become nanoseconds, the bytes stay as they are.

use backline_hls::codec::{Codec, TrackKind};
use backline_hls::{About, Cue, Event, Sample, TrackId, UnixMillis};
use backline_rtmp::amf0::Value;
use backline_rtmp::flv::{
    Audio, AudioCodec, AudioData, Media, StreamInfo, Video, VideoCodec, VideoData, VideoFrame,
};
use backline_rtmp::server::Output;
use bytes::Bytes;

const NS_PER_MS: i64 = 1_000_000;

/// Follows one publisher. A new one gets a new feed.
#[derive(Debug, Default)]
pub struct Feed {
    started: bool,
    /// Configuration records, announcements and texts that came before the first sample, which is the moment that
    /// counts for the wall clock.
    records: Vec<Event>,
    /// The codec of each track's record; of tracks that need one before their first frame.
    known: Vec<(TrackId, Codec)>,
    /// Whether captions are announced.
    captioned: bool,
    /// Codecs that were told about once already.
    told: Vec<Note>,
}

/// Something that the person at the encoder should know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// No browser plays this sound; the picture goes on without it.
    AudioUnplayable(AudioCodec),
    /// Only some browsers play this sound.
    AudioRare(AudioCodec),
    /// No browser plays this picture, which is one beside others: they go on without it.
    TrackUnplayable(VideoCodec),
    /// No browser plays this picture: there is nothing to show.
    VideoUnplayable(VideoCodec),
    /// Only some browsers play this picture.
    VideoRare(VideoCodec),
}

/// Texts that may wait for the first sample; a publisher that sends more of them is not waited for.
const CUES_MAX: usize = 64;
/// Bytes of configuration records that may wait for the first sample: some hundred each, of 256 tracks of a kind.
const RECORDS_BYTES_MAX: usize = 1 << 20;
/// Codecs that are told about.
const NOTES_MAX: usize = 64;
/// Announced tracks of a kind; with more of them the metadata is not worth believing.
const ANNOUNCED_MAX: usize = 16;
/// Bytes of a track's name; the rest is left out.
const NAME_MAX: usize = 64;
/// How long a text is shown, which no encoder says: as long as it takes to read, with room for it to be there in
/// time. It reaches viewers with the end of its segment.
const TEXT_MS: (i64, i64) = (4_000, 8_000);
const LETTER_MS: i64 = 60;

impl Feed {
    /// Makes a feed for a publisher that was accepted just now.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns an output of the session into events, in order. `wall` is the wall clock at this moment.
    /// Returns a note the first time that there is reason for it.
    pub fn take(
        &mut self,
        output: Output,
        wall: UnixMillis,
        events: &mut Vec<Event>,
    ) -> Option<Note> {
        match output {
            Output::Media(packet) => match packet.media {
                Media::Video(video) => self.video(packet.timestamp_ms, video, wall, events),
                Media::Audio(audio) => self.audio(packet.timestamp_ms, audio, wall, events),
                Media::Metadata(metadata) => {
                    self.announce(&StreamInfo::read(&metadata), events);
                    // FFmpeg says so where it has texts to send.
                    if metadata.get("datastream").is_some() {
                        self.announce_captions(&[], events);
                    }
                    None
                }
                Media::Data { name, values } if name == "onTextData" => {
                    if let [data, ..] = values.as_slice() {
                        self.text(packet.timestamp_ms, data, events);
                    }
                    None
                }
                _ => None,
            },
            Output::Unpublished => {
                self.stop(events);
                None
            }
            _ => None,
        }
    }

    /// The publisher is gone, in order or not.
    pub fn stop(&mut self, events: &mut Vec<Event>) {
        if self.started {
            events.push(Event::Stop);
        }
        *self = Self {
            told: std::mem::take(&mut self.told),
            ..Self::default()
        };
    }

    /// Tells what tracks will come, where a publisher says so (Enhanced RTMP, "Metadata"): then the first playlist
    /// names all of them (MV-6). What says nothing of tracks announces nothing.
    fn announce(&mut self, info: &StreamInfo, events: &mut Vec<Event>) {
        if info.video_tracks.is_empty() && info.audio_tracks.is_empty() {
            return;
        }
        let kinds = [
            (
                TrackKind::Video,
                &info.video_tracks,
                info.video_codec.is_some(),
            ),
            (
                TrackKind::Audio,
                &info.audio_tracks,
                info.audio_codec.is_some(),
            ),
        ];
        for (kind, tracks, has_first) in kinds {
            // The maps hold what differs from the first track, which they need not name.
            let first = (has_first && tracks.iter().all(|(id, _)| *id != 0)).then_some((0, None));
            let named = tracks
                .iter()
                .map(|(id, about)| (*id, Some(about.as_slice())));
            for (id, about) in first.into_iter().chain(named).take(ANNOUNCED_MAX) {
                let about = about.map(described).unwrap_or_default();
                let track = TrackId { kind, id };
                self.record(Event::Announce { track, about }, events);
            }
        }
    }

    /// Takes a text of FFmpeg, Wowza and others: it is shown from its time on.
    fn text(&mut self, timestamp_ms: u64, data: &Value, events: &mut Vec<Event>) {
        let words = data.get("text").and_then(Value::as_str).unwrap_or_default();
        let start_ns = nanoseconds(timestamp_ms);
        let letters = i64::try_from(words.chars().count()).unwrap_or(i64::MAX);
        let (least_ms, most_ms) = TEXT_MS;
        let length_ms = letters.saturating_mul(LETTER_MS).clamp(least_ms, most_ms);
        let end_ns = start_ns.saturating_add(length_ms * NS_PER_MS);
        let cue = Cue::plain(start_ns, end_ns, words);
        // An empty text takes the one before away, which cannot be done any more.
        if !cue.text.trim().is_empty() {
            self.announce_captions(data.properties(), events);
            let track = TrackId::TEXT;
            self.record(Event::Cue { track, cue }, events);
        }
    }

    /// Tells of captions once. They are shown if that comes with the first media: players do not look for them later.
    fn announce_captions(&mut self, said: &[(String, Value)], events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.captioned, true) {
            let about = described(said);
            let track = TrackId::TEXT;
            self.record(Event::Announce { track, about }, events);
        }
    }

    fn video(
        &mut self,
        timestamp_ms: u64,
        video: Video,
        wall: UnixMillis,
        events: &mut Vec<Event>,
    ) -> Option<Note> {
        let track = TrackId {
            kind: TrackKind::Video,
            id: video.track,
        };
        let (codec, note) = match video.codec {
            VideoCodec::Avc => (Codec::Avc, None),
            VideoCodec::Av1 => (Codec::Av1, None),
            VideoCodec::Vp9 => (Codec::Vp9, None),
            VideoCodec::Hevc => (Codec::Hevc, Some(Note::VideoRare(video.codec))),
            other if video.track > 0 => return self.once(Note::TrackUnplayable(other)),
            other => return self.once(Note::VideoUnplayable(other)),
        };
        match video.data {
            VideoData::Config(record) => self.record(
                Event::Config {
                    track,
                    codec,
                    record,
                },
                events,
            ),
            VideoData::Frame {
                composition_ms,
                data,
            } => {
                let sample = Sample {
                    dts_ns: nanoseconds(timestamp_ms),
                    composition_ns: i64::from(composition_ms) * NS_PER_MS
                        + i64::from(video.offset_ns),
                    sync: matches!(video.frame, VideoFrame::Key | VideoFrame::GeneratedKey),
                    data,
                };
                self.sample(track, sample, wall, events);
            }
            _ => {}
        }
        note.and_then(|note| self.once(note))
    }

    fn audio(
        &mut self,
        timestamp_ms: u64,
        audio: Audio,
        wall: UnixMillis,
        events: &mut Vec<Event>,
    ) -> Option<Note> {
        let track = TrackId {
            kind: TrackKind::Audio,
            id: audio.track,
        };
        let rare = Some(Note::AudioRare(audio.codec));
        let (codec, note) = match audio.codec {
            AudioCodec::Aac => (Codec::Aac, None),
            AudioCodec::Opus => (Codec::Opus, None),
            AudioCodec::Flac => (Codec::Flac, None),
            AudioCodec::Ac3 => (Codec::Ac3, rare),
            AudioCodec::Eac3 => (Codec::Eac3, rare),
            other => return self.once(Note::AudioUnplayable(other)),
        };
        match audio.data {
            AudioData::Config(record) => self.record(
                Event::Config {
                    track,
                    codec,
                    record,
                },
                events,
            ),
            AudioData::Frame(data) => {
                self.stand_in(track, codec, events);
                let dts_ns = nanoseconds(timestamp_ms).saturating_add(i64::from(audio.offset_ns));
                let sample = Sample {
                    dts_ns,
                    composition_ns: 0,
                    sync: true,
                    data,
                };
                self.sample(track, sample, wall, events);
            }
            _ => {}
        }
        note.and_then(|note| self.once(note))
    }

    /// Encoders send no record where every frame says it all; an empty one stands in for it.
    fn stand_in(&mut self, track: TrackId, codec: Codec, events: &mut Vec<Event>) {
        let needless = matches!(codec, Codec::Ac3 | Codec::Eac3 | Codec::Opus);
        if needless && !self.known.contains(&(track, codec)) {
            let record = Bytes::new();
            self.record(
                Event::Config {
                    track,
                    codec,
                    record,
                },
                events,
            );
        }
    }

    fn record(&mut self, event: Event, events: &mut Vec<Event>) {
        if let Event::Config { track, codec, .. } = event {
            // Track ids are bytes, so this stays short.
            self.known.retain(|(known, _)| *known != track);
            self.known.push((track, codec));
        }
        if self.started {
            events.push(event);
        } else {
            self.wait(event);
        }
    }

    /// Keeps what comes before the first sample: of a track its last record and its last announcement, however often
    /// they are repeated, and the first texts.
    fn wait(&mut self, event: Event) {
        let same = |waiting: &&mut Event| match (&**waiting, &event) {
            (Event::Config { track: one, .. }, Event::Config { track: other, .. })
            | (Event::Announce { track: one, .. }, Event::Announce { track: other, .. }) => {
                one == other
            }
            _ => false,
        };
        let bytes = |event: &Event| match event {
            Event::Config { record, .. } => record.len(),
            _ => 0,
        };
        let waiting: usize = self.records.iter().map(bytes).sum();
        if waiting.saturating_add(bytes(&event)) > RECORDS_BYTES_MAX {
            return;
        }
        if let Some(place) = self.records.iter_mut().find(same) {
            *place = event;
            return;
        }
        let is_cue = |event: &Event| matches!(event, Event::Cue { .. });
        let cues = self
            .records
            .iter()
            .filter(|waiting| is_cue(waiting))
            .count();
        if !is_cue(&event) || cues < CUES_MAX {
            self.records.push(event);
        }
    }

    fn sample(
        &mut self,
        track: TrackId,
        sample: Sample,
        wall: UnixMillis,
        events: &mut Vec<Event>,
    ) {
        if !self.started {
            self.started = true;
            events.push(Event::Start { wall });
            events.append(&mut self.records);
        }
        // An empty frame is how some encoders say that nothing changed.
        if !sample.data.is_empty() {
            events.push(Event::Sample { track, sample });
        }
    }

    fn once(&mut self, note: Note) -> Option<Note> {
        let fresh = !self.told.contains(&note) && self.told.len() < NOTES_MAX;
        fresh.then(|| self.told.push(note)).map(|()| note)
    }
}

/// What playlists say of a track, as far as it can stand in one: names come from the publisher.
fn described(about: &[(String, Value)]) -> About {
    let text = |names: &[&str]| {
        let found = about
            .iter()
            .find(|(name, _)| names.contains(&name.as_str()));
        found
            .and_then(|(_, value)| value.as_str())
            .unwrap_or_default()
    };
    let mut name = String::new();
    for letter in text(&["title", "name", "label"]).chars() {
        if name.len() + letter.len_utf8() > NAME_MAX {
            break;
        }
        if letter != '"' && !letter.is_control() {
            name.push(letter);
        }
    }
    let language = text(&["language"]);
    let letters = language
        .bytes()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == b'-');
    let mut said = About::named(
        name,
        if letters && language.len() <= 35 {
            language
        } else {
            ""
        },
    );
    said.default = about
        .iter()
        .any(|(name, value)| name == "default" && *value == Value::Boolean(true));
    said
}

fn nanoseconds(timestamp_ms: u64) -> i64 {
    i64::try_from(timestamp_ms)
        .unwrap_or(i64::MAX)
        .saturating_mul(NS_PER_MS)
}

#[cfg(test)]
mod tests;
