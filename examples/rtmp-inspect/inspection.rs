//! What is known of one publication, and the summary of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use backline_rtmp::flv::config::{AudioConfig, VideoConfig};
use backline_rtmp::flv::{AudioData, Media, Packet, StreamInfo, VideoData};
use backline_rtmp::report::{Meter, Report};
use backline_rtmp::server::Peer;
use backline_rtmp::{Error, Limits};

use super::quirks::{self, Quirk};
use super::view::View;
use super::wire::Seen;

/// Faults that are kept word for word.
const FAULTS_MAX: usize = 10;
/// The same configuration more often than that is a habit.
const CONFIGS_USUAL: u64 = 2;

/// One publication under the glass.
#[derive(Debug)]
pub(crate) struct Inspection {
    view: View,
    source: String,
    who: Vec<(&'static str, String)>,
    meter: Meter,
    metadata: Option<StreamInfo>,
    /// What each track's configuration says; by medium and track.
    tracks: BTreeMap<(&'static str, u8), Track>,
    malformed: u64,
    faults: Vec<String>,
    quirks: BTreeSet<Quirk>,
    frames: u64,
}

#[derive(Debug, Default)]
struct Track {
    codec: String,
    config: Option<String>,
    configs: u64,
}

/// All that is said in the end.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Summary {
    pub(crate) source: String,
    pub(crate) who: Vec<(&'static str, String)>,
    pub(crate) metadata: Vec<(&'static str, String)>,
    pub(crate) tracks: Vec<String>,
    pub(crate) malformed: u64,
    pub(crate) faults: Vec<String>,
    pub(crate) quirks: Vec<(&'static str, &'static str)>,
    pub(crate) wire: Option<Seen>,
    pub(crate) report: Report,
    /// What is wrong and what to change, in words.
    pub(crate) findings: Vec<String>,
}

impl Inspection {
    pub(crate) fn new(view: View, source: String) -> Self {
        Self {
            view,
            source,
            who: Vec::new(),
            meter: Meter::new(),
            metadata: None,
            tracks: BTreeMap::new(),
            malformed: 0,
            faults: Vec::new(),
            quirks: BTreeSet::new(),
            frames: 0,
        }
    }

    /// Notes who publishes. A key is a secret, and shown only if it is asked for.
    pub(crate) fn meet(&mut self, peer: &Peer, name: &str, query: Option<&str>, show_key: bool) {
        let shown = |text: &str| text.escape_debug().to_string();
        let key = match show_key {
            true => shown(name),
            false => mask(name),
        };
        if peer.flash_version.is_empty() {
            self.quirks.insert(Quirk::SparseConnect);
        }
        if query.is_some() {
            self.quirks.insert(Quirk::QueryInName);
        }
        let masks = |map: &[(String, u32)]| {
            let all: Vec<_> = map
                .iter()
                .map(|(fourcc, mask)| format!("{}={mask}", shown(fourcc)))
                .collect();
            all.join(" ")
        };
        self.who = vec![
            ("encoder", shown(&peer.flash_version)),
            ("application", shown(&peer.app)),
            ("key", key),
            ("fourCcList", shown(&peer.fourcc_list.join(" "))),
            ("videoFourCcInfoMap", masks(&peer.video_fourccs)),
            ("audioFourCcInfoMap", masks(&peer.audio_fourccs)),
            (
                "capsEx",
                if peer.caps_ex == 0 {
                    String::new()
                } else {
                    peer.caps_ex.to_string()
                },
            ),
        ];
        self.who.retain(|(_, value)| !value.is_empty());
    }

    /// Takes in a packet.
    pub(crate) fn take(&mut self, now: Instant, packet: &Packet) {
        self.view.message(packet);
        self.meter.observe(now, packet);
        quirks::of_packet(packet, self.metadata.as_ref(), &mut self.quirks);
        match &packet.media {
            Media::Metadata(value) => self.metadata = Some(StreamInfo::read(value)),
            Media::Audio(audio) => {
                let codec = format!("{:?}", audio.codec);
                let config = match &audio.data {
                    AudioData::Config(record) => Some(AudioConfig::decode(audio.codec, record)),
                    AudioData::Frame(frame) if self.lacks(("sound", audio.track)) => {
                        Some(AudioConfig::from_frame(audio.codec, frame))
                    }
                    _ => None,
                };
                let said =
                    config.map(|config| config.map(|config| config.map(|config| sound(&config))));
                self.track(("sound", audio.track), codec, said);
            }
            Media::Video(video) => {
                let codec = format!("{:?}", video.codec);
                let config = match &video.data {
                    VideoData::Config(record) => {
                        Some(VideoConfig::decode(video.codec, record, &Limits::default()))
                    }
                    _ => None,
                };
                let said =
                    config.map(|config| config.map(|config| config.map(|config| picture(&config))));
                self.track(("picture", video.track), codec, said);
            }
            _ => {}
        }
        self.frames += 1;
    }

    /// Notes what could not be read.
    pub(crate) fn malformed(&mut self, what: String) {
        self.malformed += 1;
        self.fault(what);
    }

    /// Notes something that is wrong.
    pub(crate) fn fault(&mut self, what: String) {
        self.view.event(&what);
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(what);
        }
    }

    pub(crate) fn unknown(&mut self, kind: u8) {
        self.quirks.insert(Quirk::UnknownTypes);
        self.view.event(&format!("a message of type {kind}"));
    }

    /// Whether anything came.
    pub(crate) const fn is_empty(&self) -> bool {
        self.frames == 0 && self.who.is_empty()
    }

    /// Whether something was wrong.
    pub(crate) const fn is_faulty(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The state in one line, for a terminal.
    pub(crate) fn status(&self) -> String {
        let tracks: Vec<_> = self
            .meter
            .report()
            .tracks
            .iter()
            .map(|track| {
                let rate = track
                    .bitrate_kbps
                    .map_or(String::new(), |rate| format!(" {rate:.0} kb/s"));
                format!("{:?} {} frames{rate}", track.codec, track.frames)
            })
            .collect();
        format!(
            "{:.0} s  {}",
            self.view.began.elapsed().as_secs_f64(),
            tracks.join("  ")
        )
    }

    pub(crate) fn summary(mut self, wire: Option<Seen>) -> Summary {
        if let Some(seen) = &wire {
            quirks::of_wire(seen, &mut self.quirks);
        }
        if self.metadata.is_none() && self.frames > 0 {
            self.quirks.insert(Quirk::NoMetadata);
        }
        if self
            .tracks
            .values()
            .any(|track| track.configs > CONFIGS_USUAL)
        {
            self.quirks.insert(Quirk::RepeatedConfig);
        }
        let report = self.meter.report();
        let findings = report.findings.iter();
        let tracks = self.tracks.iter().map(|((medium, number), track)| {
            let config = track.config.as_deref().unwrap_or("no configuration");
            format!("{medium} {number}: {}, {config}", track.codec)
        });
        Summary {
            source: self.source,
            who: self.who,
            metadata: self.metadata.as_ref().map(declared).unwrap_or_default(),
            tracks: tracks.collect(),
            malformed: self.malformed,
            faults: self.faults,
            quirks: self.quirks.into_iter().map(Quirk::describe).collect(),
            wire,
            findings: findings.map(ToString::to_string).collect(),
            report,
        }
    }

    fn lacks(&self, track: (&'static str, u8)) -> bool {
        self.tracks
            .get(&track)
            .is_none_or(|track| track.config.is_none())
    }

    fn track(
        &mut self,
        key: (&'static str, u8),
        codec: String,
        said: Option<Result<Option<String>, Error>>,
    ) {
        let track = self.tracks.entry(key).or_default();
        track.codec = codec;
        match said {
            Some(Ok(Some(config))) => {
                track.configs += 1;
                track.config = Some(config);
            }
            Some(Err(error)) => {
                let (medium, number) = key;
                self.fault(format!("configuration of {medium} {number}: {error}"));
            }
            Some(Ok(None)) | None => {}
        }
    }
}

/// Shows the ends of a secret that is long enough to have a middle.
pub(crate) fn mask(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    match letters.as_slice() {
        [] => "(empty)".to_owned(),
        [a, b, middle @ .., y, z] if middle.len() >= 8 => {
            format!("{a}{b}..{y}{z} ({} letters)", letters.len())
                .escape_debug()
                .to_string()
        }
        _ => format!("({} letters)", letters.len()),
    }
}

fn picture(config: &VideoConfig) -> String {
    let kind = match config {
        VideoConfig::Avc(avc) => format!(
            "profile {} level {}.{}",
            avc.profile,
            avc.level / 10,
            avc.level % 10
        ),
        VideoConfig::Hevc(hevc) => format!(
            "profile {} level {:.1}",
            hevc.profile,
            f64::from(hevc.level) / 30.0
        ),
        // Four steps of each level from 2.0 on (AV1, A.3).
        VideoConfig::Av1(av1) => format!(
            "profile {} level {}.{}",
            av1.profile,
            2 + (av1.level >> 2),
            av1.level & 3
        ),
        VideoConfig::Vpx(vpx) => format!(
            "profile {} {} bit {:?}",
            vpx.profile, vpx.bit_depth, vpx.chroma
        ),
        VideoConfig::Other(record) => format!("a record of {} bytes", record.len()),
        _ => String::new(),
    };
    let Some(picture) = config.picture() else {
        return kind;
    };
    let rate = match picture.frame_rate {
        Some((frames, seconds)) => format!(
            ", {:.3} frames a second",
            f64::from(frames) / f64::from(seconds)
        ),
        None => String::new(),
    };
    format!(
        "{kind}, {}x{} {:?} {} bit{rate}",
        picture.width, picture.height, picture.chroma, picture.bit_depth
    )
}

fn sound(config: &AudioConfig) -> String {
    if let AudioConfig::Other(record) = config {
        return format!("a record of {} bytes", record.len());
    }
    let part = |number: Option<u32>, unit: &str| {
        number.map_or(String::new(), |number| format!("{number} {unit}"))
    };
    let channels = config.channels().map(u32::from);
    format!(
        "{}, {}",
        part(config.sample_rate(), "Hz"),
        part(channels, "channels")
    )
}

fn declared(info: &StreamInfo) -> Vec<(&'static str, String)> {
    let number = |name, value: Option<f64>| value.map(|value| (name, value.to_string()));
    let codec = |name, value: Option<String>| value.map(|value| (name, value));
    [
        number("width", info.width),
        number("height", info.height),
        number("frame rate", info.frame_rate),
        number("video kb/s", info.video_kbps),
        codec(
            "video codec",
            info.video_codec.map(|codec| format!("{codec:?}")),
        ),
        number("audio kb/s", info.audio_kbps),
        codec(
            "audio codec",
            info.audio_codec.map(|codec| format!("{codec:?}")),
        ),
        number("sample rate", info.sample_rate),
        number("channels", info.channels),
        codec(
            "encoder",
            info.encoder
                .as_ref()
                .map(|text| text.escape_debug().to_string()),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
