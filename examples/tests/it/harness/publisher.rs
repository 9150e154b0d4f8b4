//! Publishers: two FFmpegs, librtmp (in curl) and nginx-rtmp, with pictures and sound that they make themselves.

use std::process::Command;

use super::process::Process;
use super::tools::{FFMPEG, current_ffmpeg};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Program {
    /// Debian's 5.1: legacy RTMP.
    Debian,
    /// The newest static build: Enhanced RTMP too.
    Current,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Picture {
    Avc,
    /// With two B-frames between references.
    AvcReordered,
    Av1,
    Hevc,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sound {
    Aac44100,
    Aac48000,
    Opus,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    Fps25,
    /// 30000/1001, whose frames do not fall on whole milliseconds.
    Fps29_97,
    Fps30,
    Fps60,
}

impl Picture {
    /// FFmpeg's arguments.
    fn encoder(self) -> &'static [&'static str] {
        match self {
            Self::Avc => &[
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-tune",
                "zerolatency",
            ],
            Self::AvcReordered => &[
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-bf",
                "2",
                "-b_strategy",
                "0",
                "-sc_threshold",
                "0",
            ],
            Self::Av1 => &[
                "-c:v",
                "libsvtav1",
                "-preset",
                "12",
                "-svtav1-params",
                "pred-struct=1",
            ],
            Self::Hevc => &[
                "-c:v",
                "libx265",
                "-preset",
                "ultrafast",
                "-tune",
                "zerolatency",
                "-x265-params",
                "log-level=error:scenecut=0",
            ],
        }
    }
}

/// A camera: what is filmed, and by which program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Camera {
    pub(crate) program: Program,
    pub(crate) picture: Picture,
    pub(crate) rate: Rate,
    pub(crate) sound: Sound,
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            program: Program::Debian,
            picture: Picture::Avc,
            rate: Rate::Fps30,
            sound: Sound::Aac48000,
        }
    }
}

impl Camera {
    /// Publishes in real time until it is dropped.
    pub(crate) fn publish(self, url: &str) -> Process {
        Process::spawn(self.command(true).args(["-f", "flv", url]))
    }

    /// The command up to the output, in real time or as fast as it goes.
    pub(crate) fn command(self, live: bool) -> Command {
        let (rate, key_frames) = match self.rate {
            Rate::Fps25 => ("25", "50"),
            Rate::Fps29_97 => ("30000/1001", "60"),
            Rate::Fps30 => ("30", "60"),
            Rate::Fps60 => ("60", "120"),
        };
        let mut command = Command::new(match self.program {
            Program::Debian => FFMPEG,
            Program::Current => current_ffmpeg(),
        });
        // SVT-AV1 writes a banner of its own.
        command
            .env("SVT_LOG", "1")
            .args(["-hide_banner", "-nostdin", "-v", "warning"]);
        let sound = match self.sound {
            Sound::Aac44100 => "sine=r=44100",
            Sound::Aac48000 | Sound::Opus => "sine=r=48000",
        };
        for input in [format!("testsrc2=s=320x180:r={rate}").as_str(), sound] {
            if live {
                command.arg("-re");
            }
            command.args(["-f", "lavfi", "-i", input]);
        }
        command.args(self.picture.encoder());
        command.args(["-g", key_frames, "-pix_fmt", "yuv420p"]);
        command.args(match self.sound {
            Sound::Aac44100 | Sound::Aac48000 => ["-c:a", "aac"],
            Sound::Opus => ["-c:a", "libopus"],
        });
        if self.program == Program::Current {
            command.args(["-rtmp_enhanced_codecs", "hvc1,av01,Opus"]);
        }
        command
    }
}

/// A camera that paints the time into each frame, for a viewer to read (`browser/clock.mjs`), and marks each second of
/// its sound with a short tone.
pub(crate) fn painted_clock(url: &str) -> Process {
    painted_clock_with(url, &[])
}

/// The same with more inputs and options.
pub(crate) fn painted_clock_with(url: &str, more: &[&str]) -> Process {
    let paint = "settb=1/1000000,setpts=RTCTIME-1760000000000000,\
        geq=lum='if(lt(Y,40),255*mod(floor(mod(floor(T*100),65536)/pow(2,15-floor(X/40))),2),lum(X,Y))'\
        :cb='if(lt(Y,40),128,cb(X,Y))':cr='if(lt(Y,40),128,cr(X,Y))',setpts=N/30/TB";
    let mut command = Command::new(FFMPEG);
    command.args(["-hide_banner", "-nostdin", "-v", "warning"]);
    command.args([
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=640x360:r=30",
        "-re",
        "-f",
        "lavfi",
        "-i",
        "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.05)'",
    ]);
    command.args(more);
    command.args([
        "-vf",
        paint,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-g",
        "60",
    ]);
    command.args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv", url]);
    Process::spawn(&mut command)
}
