//! What is encoded: the columns of the matrix, and rows in which each pair of values of any two columns meets.

use std::process::Command;

use crate::harness::full;
use crate::harness::publisher::Program;
use crate::harness::tools::{FFMPEG, current_ffmpeg, run};

/// Long enough for two closed segments, short enough for every part to be still listed at the end.
pub(super) const SECONDS: &str = "5";
pub(super) const SIZE: (u64, u64) = (160, 90);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Picture {
    Av1,
    Avc,
    Hevc,
    Vp9,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sound {
    Aac,
    Ac3,
    Eac3,
    Flac,
    Opus,
}

/// Pictures a second as FFmpeg writes it, and in thousandths.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rate {
    Constant(&'static str, u64),
    /// 15 a second in the first half, 60 in the second.
    Variable,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Case {
    pub(super) program: Program,
    pub(super) picture: Picture,
    /// Two B-frames between references.
    pub(super) reordered: bool,
    pub(super) rate: Rate,
    pub(super) sound: Sound,
    pub(super) hertz: u32,
    pub(super) layout: &'static str,
}

const PROGRAMS: [Program; 2] = [Program::Current, Program::Debian];
const PICTURES: [Picture; 4] = [Picture::Avc, Picture::Hevc, Picture::Av1, Picture::Vp9];
const RATES: [Rate; 7] = [
    Rate::Constant("24", 24_000),
    Rate::Constant("25", 25_000),
    Rate::Constant("30000/1001", 29_970),
    Rate::Constant("30", 30_000),
    Rate::Constant("50", 50_000),
    Rate::Constant("60000/1001", 59_940),
    Rate::Variable,
];
const SOUNDS: [Sound; 5] = [
    Sound::Aac,
    Sound::Opus,
    Sound::Flac,
    Sound::Ac3,
    Sound::Eac3,
];
const HERTZ: [u32; 3] = [48_000, 44_100, 32_000];
const LAYOUTS: [&str; 2] = ["separate", "muxed"];

/// All rows under `BACKLINE_FULL=1`, else as few as it takes for every possible pair.
pub(super) fn cases() -> Vec<Case> {
    let all = every();
    if full() {
        return all;
    }
    let pairs = |case: &Case| {
        let columns = case.columns();
        let mut pairs = Vec::new();
        for (at, left) in columns.into_iter().enumerate() {
            let rest = columns.into_iter().enumerate().skip(at + 1);
            pairs.extend(rest.map(|(to, right)| (at, left, to, right)));
        }
        pairs
    };
    let mut open: std::collections::BTreeSet<_> = all.iter().flat_map(pairs).collect();
    let mut chosen = Vec::new();
    while !open.is_empty() {
        let news = |case: &&Case| {
            pairs(case)
                .iter()
                .filter(|pair| open.contains(pair))
                .count()
        };
        let best = *all.iter().max_by_key(news).expect("there are cases");
        for pair in pairs(&best) {
            open.remove(&pair);
        }
        chosen.push(best);
    }
    chosen
}

fn every() -> Vec<Case> {
    let mut all = Vec::new();
    for program in PROGRAMS {
        for picture in PICTURES {
            for reordered in [false, true] {
                for rate in RATES {
                    for sound in SOUNDS {
                        for hertz in HERTZ {
                            all.extend(LAYOUTS.map(|layout| Case {
                                program,
                                picture,
                                reordered,
                                rate,
                                sound,
                                hertz,
                                layout,
                            }));
                        }
                    }
                }
            }
        }
    }
    all.retain(Case::exists);
    all
}

impl Case {
    /// FFmpeg 5.1 has only the codecs of old FLV, Opus one clock, and two of the encoders no B-frames.
    fn exists(&self) -> bool {
        let old = self.picture == Picture::Avc && self.sound == Sound::Aac;
        let orders = matches!(self.picture, Picture::Avc | Picture::Hevc);
        (self.program == Program::Current || old)
            && (orders || !self.reordered)
            && (self.sound != Sound::Opus || self.hertz == 48_000)
    }

    /// Where its values stand in their columns.
    fn columns(&self) -> [usize; 7] {
        fn at<T: PartialEq>(column: &[T], value: &T) -> usize {
            column
                .iter()
                .position(|other| other == value)
                .expect("a value of the column")
        }
        [
            at(&PROGRAMS, &self.program),
            at(&PICTURES, &self.picture),
            usize::from(self.reordered),
            at(&RATES, &self.rate),
            at(&SOUNDS, &self.sound),
            at(&HERTZ, &self.hertz),
            at(&LAYOUTS, &self.layout),
        ]
    }

    /// The FLV file that the publisher would send.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut command = Command::new(match self.program {
            Program::Debian => FFMPEG,
            Program::Current => current_ffmpeg(),
        });
        // SVT-AV1 writes a banner of its own.
        command
            .env("SVT_LOG", "1")
            .args("-hide_banner -nostdin -v error".split(' '));
        let (rate, filter) = match self.rate {
            Rate::Constant(rate, _) => (rate, ""),
            Rate::Variable => ("60", ",select='if(lt(t,2.5),not(mod(n,4)),1)'"),
        };
        let (width, height) = SIZE;
        let picture = format!("testsrc2=s={width}x{height}:r={rate}:d={SECONDS}{filter}");
        let sound = format!("sine=r={}:d={SECONDS}", self.hertz);
        command.args(["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound]);
        command.args(["-fps_mode", if filter.is_empty() { "cfr" } else { "vfr" }]);
        command.args(self.picture_encoder().split(' '));
        command.args("-pix_fmt yuv420p -g 600 -force_key_frames expr:gte(t,n_forced)".split(' '));
        command
            .args(self.sound_encoder().split(' '))
            .args(["-ac", "2", "-f", "flv", "-"]);
        run(&mut command, b"").stdout
    }

    fn picture_encoder(&self) -> &'static str {
        match (self.picture, self.reordered) {
            (Picture::Avc, false) => "-c:v libx264 -preset ultrafast -tune zerolatency -threads 1",
            (Picture::Avc, true) => {
                "-c:v libx264 -preset ultrafast -bf 2 -b_strategy 0 -sc_threshold 0 -threads 1"
            }
            (Picture::Hevc, false) => {
                "-c:v libx265 -preset ultrafast -tune zerolatency \
                 -x265-params log-level=error:scenecut=0:open-gop=0"
            }
            (Picture::Hevc, true) => {
                "-c:v libx265 -preset ultrafast -bf 2 \
                 -x265-params log-level=error:scenecut=0:open-gop=0:b-adapt=0"
            }
            (Picture::Av1, _) => "-c:v libsvtav1 -preset 12 -svtav1-params pred-struct=1",
            (Picture::Vp9, _) => "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k",
        }
    }

    fn sound_encoder(&self) -> &'static str {
        match self.sound {
            Sound::Aac => "-c:a aac -b:a 96k",
            Sound::Ac3 => "-c:a ac3 -b:a 128k",
            Sound::Eac3 => "-c:a eac3 -b:a 128k",
            Sound::Flac => "-c:a flac",
            Sound::Opus => "-c:a libopus -b:a 96k",
        }
    }
}
