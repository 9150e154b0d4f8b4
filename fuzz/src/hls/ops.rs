//! Publishers of any behaviour.

use super::show::Show;
use super::slate::slate;
use super::{AAC_CONFIGS, AVC_CONFIG};
use crate::Source;
use backline_hls::codec::{Codec, TrackKind};
use backline_hls::{
    Absence, Config, Event, Layout, Numbering, RenditionId, Sample, Slate, TrackId, UnixMillis,
};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

const MS: i64 = 1_000_000;
/// Every playlist is read after every step: what a long input shows, a short one does too.
const STEPS_MAX: u32 = 256;

/// What is due is done one by one, but not for an hour of short parts.
const TIMEOUTS_MAX: u32 = 64;

/// A configuration from one byte: layout, part and segment lengths, low caps, what goes out in an absence.
fn config(mode: u8) -> Config {
    let mut config = Config::default();
    config.layout = if mode & 1 == 0 {
        Layout::Separate
    } else {
        Layout::Muxed
    };
    let (part, segment) =
        [(200, 2000), (50, 500), (100, 1000), (500, 1000)][usize::from(mode >> 1 & 3)];
    config.part_target = Duration::from_millis(part);
    config.segment_target = Duration::from_millis(segment);
    config.window = Duration::from_millis(3 * segment);
    if mode & 8 != 0 {
        config.numbering = Numbering::new(700, 3, 9000, 5);
    }
    if mode & 16 != 0 {
        config.limits.outputs = 1;
    }
    if mode & 32 != 0 {
        config.limits.part_samples = 8;
        config.limits.segment_parts = 4;
        config.limits.window_segments = 5;
        config.limits.init_generations = 2;
        config.limits.part_bytes = 400;
        config.limits.sample_bytes = 100;
    }
    config.absence = match mode >> 6 {
        0 => Absence::Wait,
        1 => Absence::Gap,
        _ => Absence::Slate,
    };
    config.absence_patience = Duration::from_millis(500);
    config
}

/// Whatever a publisher does, objects and playlists keep their rules: numbers only grow, promises are kept or taken
/// back, decode times are continuous between discontinuities, parts are within the target, a listed segment never
/// changes, payloads are the ones that were handed in.
///
/// Input: a byte of modes, then operations of a byte and what they need.
pub fn presentation_ops(data: &[u8]) {
    let mut source = Source::new(data);
    let mode = source.u8();
    let mut publisher = Publisher::new(Show::new(config(mode)), mode);
    publisher.fills = mode >> 6 != 0;
    if mode >> 6 >= 2 {
        // With sound of the publisher's first record, or without sound.
        publisher.slate(slate(mode & 0x40 == 0));
    }
    let mut steps = 0..STEPS_MAX;
    while !source.is_empty() && steps.next().is_some() {
        publisher.step(&mut source);
        if source.u8() & 0x0F != 0x0F {
            publisher.show.drain(usize::MAX);
        }
    }
    publisher.finish();
}

/// The playlists of a well-behaved publisher with a jitter of its own: picture and sound in step, stops, returns and
/// changes of configuration among them.
///
/// Input: a byte of modes, a byte of frame rate, then a byte for each picture.
pub fn playlist_render(data: &[u8]) {
    let mut source = Source::new(data);
    let mode = source.u8();
    let mut publisher = Publisher::new(Show::new(config(mode & 0x0F)), mode);
    let frame_us = [
        40_000, 33_333, 41_708, 16_667, 20_000, 33_367, 66_667, 100_000,
    ][usize::from(source.below(8))];
    publisher.start(1_700_000_000_000);
    publisher.configure(TrackId::VIDEO, Codec::Avc, AVC_CONFIG);
    publisher.configure(
        TrackId::AUDIO,
        Codec::Aac,
        AAC_CONFIGS[usize::from(mode >> 4 & 1)],
    );
    let group = 1 + u32::from(mode >> 5) * 8;
    let (mut time_us, mut sound_us) = (0_i64, 0_i64);
    let mut count = 0_u32;
    let mut steps = 0..STEPS_MAX;
    while !source.is_empty() && steps.next().is_some() {
        let byte = source.u8();
        match byte {
            0xFF => publisher.stop(),
            0xFE => {
                publisher.start(1_700_000_000_000 + time_us as u64 / 1000);
                count = 0;
            }
            0xFD => {
                publisher.configure(TrackId::AUDIO, Codec::Aac, AAC_CONFIGS[count as usize & 1])
            }
            _ => {
                // RTMP says whole milliseconds.
                let dts = (time_us + 500) / 1000 * MS + i64::from(byte & 3) * MS / 4;
                publisher.sample(
                    TrackId::VIDEO,
                    dts,
                    0,
                    count.is_multiple_of(group),
                    1 + usize::from(byte),
                );
                while sound_us <= time_us {
                    publisher.sample(TrackId::AUDIO, (sound_us + 500) / 1000 * MS, 0, true, 7);
                    sound_us += 21_333;
                }
                count += 1;
                time_us += frame_us;
            }
        }
        publisher.show.drain(usize::MAX);
    }
    publisher.finish();
}

struct Publisher {
    show: Show,
    muxed: bool,
    /// Whether an absence is filled.
    fills: bool,
    /// Decode time of the next sample of picture and sound.
    next: [i64; 2],
}

impl Publisher {
    fn new(show: Show, mode: u8) -> Self {
        Self {
            show,
            muxed: mode & 1 != 0,
            fills: false,
            next: [0; 2],
        }
    }

    /// Gives the show a slate. Its timescales are not those of the publisher.
    fn slate(&mut self, slate: Slate) {
        for sample in slate.tracks().iter().flat_map(|track| track.samples()) {
            self.show.books.lend(&sample.data);
        }
        self.show.presentation.set_slate(Some(Arc::new(slate)));
        self.muxed = true;
    }

    /// Lets time pass, and does what is due in it, as a caller does that waits for each timeout.
    fn wait(&mut self, duration: Duration) {
        let until = self.show.now + duration;
        let mut steps = 0..TIMEOUTS_MAX;
        while let Some(due) = self.show.presentation.poll_timeout()
            && self.fills
            && due <= until
            && steps.next().is_some()
        {
            self.show.now = self.show.now.max(due);
            self.show.presentation.handle_timeout(self.show.now);
            self.show.drain(usize::MAX);
        }
        self.show.now = until;
        if self.fills {
            self.show.presentation.handle_timeout(until);
        }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(12) {
            0 => self.start(u64::from(source.u32())),
            1 => self.configure(TrackId::VIDEO, Codec::Avc, AVC_CONFIG),
            2 => self.configure(
                TrackId::AUDIO,
                Codec::Aac,
                AAC_CONFIGS[usize::from(source.below(2))],
            ),
            3 => {
                // A record of the fuzzer's own, mostly a wrong one.
                let count = usize::from(source.u8());
                let record = Bytes::copy_from_slice(source.take(count));
                let kind = if source.u8() & 1 == 0 {
                    TrackKind::Video
                } else {
                    TrackKind::Audio
                };
                let codec = [Codec::Hevc, Codec::Opus, Codec::Av1][usize::from(source.below(3))];
                let track = TrackId {
                    kind,
                    id: source.below(3),
                };
                if self
                    .show
                    .event(Event::Config {
                        track,
                        codec,
                        record,
                    })
                    .is_ok()
                {
                    // Its timescale is not known here any more.
                    self.show.timescales.clear();
                    self.muxed = true;
                }
            }
            4 => self.stop(),
            5 if source.u8() == 0xEE => {
                self.show.event(Event::End).ok();
            }
            6 => self.wait(Duration::from_millis(u64::from(source.u16()))),
            7 => {
                let back = Duration::from_millis(u64::from(source.u8()));
                self.show.now = self.show.now.checked_sub(back).unwrap_or(self.show.now);
                self.show.presentation.handle_timeout(self.show.now);
            }
            8 => {
                // A jump of one track's clock.
                let by = i64::from(source.u16() as i16) * 10 * MS;
                let track = usize::from(source.below(2));
                self.next[track] += by;
            }
            _ => self.run(source),
        }
    }

    /// Some samples of both tracks.
    fn run(&mut self, source: &mut Source<'_>) {
        let (count, shape) = (1 + source.below(16), source.u8());
        for index in 0..count {
            let sound = shape & 0x40 != 0 && index & 1 == 1;
            let track = usize::from(sound);
            let dts = self.next[track];
            let lasts = match shape & 0x07 {
                0..=2 => 33_333_333,
                3 => 21_333_333,
                4 => 40 * MS,
                5 => i64::from(source.u8()) * MS,
                6 => i64::from(source.u16() as i16) * MS / 8,
                _ => 0,
            };
            self.next[track] += lasts;
            if self.fills && !sound && shape & 0x20 != 0 {
                // A publisher in real time; the others send all of it in one moment.
                self.wait(Duration::from_nanos(lasts.max(0).unsigned_abs()));
            }
            let sync = sound || (shape & 0x08 != 0 && index == 0);
            let composition = if shape & 0x10 != 0 {
                i64::from(source.u8() as i8) * 10 * MS
            } else {
                0
            };
            let size = 1 + usize::from(shape >> 4) * 8;
            let id = if sound {
                TrackId::AUDIO
            } else {
                TrackId::VIDEO
            };
            self.sample(id, dts, composition, sync, size);
        }
    }

    fn start(&mut self, wall: u64) {
        self.show
            .event(Event::Start {
                wall: UnixMillis(wall),
            })
            .ok();
    }

    fn stop(&mut self) {
        self.show.event(Event::Stop).ok();
    }

    fn configure(&mut self, track: TrackId, codec: Codec, record: &'static [u8]) {
        let taken = self.show.event(Event::Config {
            track,
            codec,
            record: Bytes::from_static(record),
        });
        // The timescales of parts are checked where a rendition has one for certain: separate tracks, never changed.
        let rendition = match track.kind {
            TrackKind::Audio => RenditionId::audio(0),
            TrackKind::Text => RenditionId::text(0),
            TrackKind::Video => RenditionId::video(0),
        };
        let scale = match track.kind {
            TrackKind::Text | TrackKind::Video => 90_000,
            TrackKind::Audio if record == AAC_CONFIGS[0] => 48_000,
            TrackKind::Audio => 44_100,
        };
        let before = self.show.timescales.insert(rendition, scale);
        if self.muxed || taken.is_err() || before.is_some_and(|before| before != scale) {
            self.show.timescales.clear();
            self.muxed = true;
        }
    }

    fn sample(
        &mut self,
        track: TrackId,
        dts_ns: i64,
        composition_ns: i64,
        sync: bool,
        size: usize,
    ) {
        let data = Bytes::from(vec![0x5A; size]);
        let sample = Sample {
            dts_ns,
            composition_ns,
            sync,
            data,
        };
        self.show.event(Event::Sample { track, sample }).ok();
    }

    fn finish(mut self) {
        self.show.drain(usize::MAX);
        let numbering = self.show.presentation.numbering();
        let msn = self
            .show
            .books
            .objects
            .keys()
            .map(|object| match object.kind {
                backline_hls::ObjectKind::Segment => object.number + 1,
                _ => 0,
            });
        assert!(
            msn.max().unwrap_or(0) <= numbering.msn,
            "a restart would give a number again (SEG-10)"
        );
        if !self.show.books.ended {
            self.show
                .event(Event::End)
                .expect("a show can end at any time");
            self.show.drain(usize::MAX);
        }
        assert!(self.show.books.ended);
    }
}
