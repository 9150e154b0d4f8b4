//! Command line and configuration file, checked before anything starts.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::Deserialize;

/// Takes RTMP from a camera, OBS or FFmpeg and gives the room low-latency HLS.
#[derive(Debug, Parser)]
#[command(name = "edge-node", version, after_help = AFTER_HELP)]
struct Cli {
    /// Address and port for publishers; port 0 takes a free one [default: 0.0.0.0:1935]
    #[arg(long, value_name = "ADDR")]
    rtmp: Option<SocketAddr>,
    /// Address and port for the audience; port 0 takes a free one [default: 0.0.0.0:8080]
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Stream key of the stage `live` [default: a random one, made at the first start and kept in DIR]
    #[arg(long, value_name = "KEY", conflicts_with = "config")]
    key: Option<String>,
    /// Length of a part in milliseconds, 50 to 2000; shorter is less delay and more requests [default: 200]
    #[arg(long, value_name = "MS")]
    part_ms: Option<u64>,
    /// Length of a segment in milliseconds, 500 to 10000; the publisher's key-frame interval or a multiple [default: 2000]
    #[arg(long, value_name = "MS")]
    segment_ms: Option<u64>,
    /// How far back viewers may go, in seconds, 10 to 3600 [default: 30]
    #[arg(long, value_name = "S")]
    window_s: Option<u64>,
    /// Memory for the media of each stage in MiB, 16 to 65536 [default: 256]
    #[arg(long, value_name = "MIB")]
    memory_mib: Option<u64>,
    /// Configuration file (TOML) with several stages; flags win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of the stream keys and of the numbering that survives a restart
    #[arg(long, value_name = "DIR", default_value = "backline-data")]
    data: PathBuf,
    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Picture and sound in one rendition or in two
    #[arg(long, value_enum, hide = true)]
    layout: Option<Layout>,
}

const AFTER_HELP: &str = "\
Exit codes: 0 ended in order; 1 could not start or go on; 2 wrong flag or configuration; 130 ended by a second Ctrl-C.

Configuration file:
  rtmp = \"0.0.0.0:1935\"
  http = \"0.0.0.0:8080\"
  [[stage]]
  name = \"main\"            # the audience finds it at /main/
  key = \"...\"              # left out: a random one, kept in DIR
  [[stage]]
  name = \"foyer\"";

/// Form of the log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How picture and sound are packed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Layout {
    /// One rendition with both: half the requests.
    Muxed,
    /// A rendition each, as CMAF has it.
    Separate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rtmp: Option<SocketAddr>,
    http: Option<SocketAddr>,
    part_ms: Option<u64>,
    segment_ms: Option<u64>,
    window_s: Option<u64>,
    memory_mib: Option<u64>,
    layout: Option<Layout>,
    #[serde(default)]
    stage: Vec<FileStage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStage {
    name: String,
    key: Option<String>,
}

/// Everything that the program needs to know, in range.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rtmp: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) part: Duration,
    pub(crate) segment: Duration,
    pub(crate) window: Duration,
    pub(crate) memory: usize,
    pub(crate) data: PathBuf,
    pub(crate) log_format: LogFormat,
    pub(crate) layout: Option<Layout>,
    /// At least one; names differ, and so do keys.
    pub(crate) stages: Vec<StageOptions>,
}

/// One stage: what the audience calls it and what its publisher must know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct StageOptions {
    pub(crate) name: String,
    /// `None`: a random one that is kept.
    pub(crate) key: Option<String>,
}

/// A flag or the configuration file is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    #[error("{name} is {value}: it must be from {least} to {most} {unit}")]
    Range {
        name: &'static str,
        value: u64,
        least: u64,
        most: u64,
        unit: &'static str,
    },
    #[error(
        "a segment of {segment} ms is shorter than two parts of {part} ms: raise --segment-ms or lower --part-ms"
    )]
    SegmentBelowParts { segment: u64, part: u64 },
    #[error(
        "a window of {window} s is shorter than five segments of {segment} ms: raise --window-s or lower --segment-ms"
    )]
    WindowBelowSegments { window: u64, segment: u64 },
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the configuration file {} is wrong:\n{source}", path.display())]
    Toml {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    #[error(
        "the stage name {name:?} is not usable in an address: 1 to 32 of a-z, 0-9, - and _, and not api, healthz, metrics or web"
    )]
    StageName { name: String },
    #[error("two stages have the name {name:?}: names must differ")]
    SameName { name: String },
    #[error(
        "the key of stage {name:?} is not usable: 1 to 128 of A-Z, a-z, 0-9, -, _, . and ~, so that it survives in a URL; leave it out to get a random one"
    )]
    Key { name: String },
    #[error(
        "stages {first:?} and {second:?} have the same key: the key alone chooses the stage, so keys must differ"
    )]
    SameKey { first: String, second: String },
}

/// Reads the command line; on `--help` and on a mistake of clap's knowledge this ends the process.
pub(crate) fn from_command_line() -> Result<Options, OptionsError> {
    Cli::parse().check()
}

impl Cli {
    fn check(self) -> Result<Options, OptionsError> {
        let file = match &self.config {
            Some(path) => read(path)?,
            None => File::default(),
        };
        let part = ranged(
            "--part-ms",
            self.part_ms.or(file.part_ms),
            200,
            50,
            2_000,
            "milliseconds",
        )?;
        let segment = ranged(
            "--segment-ms",
            self.segment_ms.or(file.segment_ms),
            2_000,
            500,
            10_000,
            "milliseconds",
        )?;
        let window = ranged(
            "--window-s",
            self.window_s.or(file.window_s),
            30,
            10,
            3_600,
            "seconds",
        )?;
        let memory = ranged(
            "--memory-mib",
            self.memory_mib.or(file.memory_mib),
            256,
            16,
            65_536,
            "MiB",
        )?;
        if segment < 2 * part {
            return Err(OptionsError::SegmentBelowParts { segment, part });
        }
        if window * 1_000 < 5 * segment {
            return Err(OptionsError::WindowBelowSegments { window, segment });
        }
        let mut stages: Vec<StageOptions> = file
            .stage
            .into_iter()
            .map(|stage| StageOptions {
                name: stage.name,
                key: stage.key,
            })
            .collect();
        if stages.is_empty() {
            stages.push(StageOptions {
                name: "live".to_owned(),
                key: self.key,
            });
        }
        check_stages(&stages)?;
        Ok(Options {
            rtmp: self
                .rtmp
                .or(file.rtmp)
                .unwrap_or(SocketAddr::from(([0, 0, 0, 0], 1935))),
            http: self
                .http
                .or(file.http)
                .unwrap_or(SocketAddr::from(([0, 0, 0, 0], 8080))),
            part: Duration::from_millis(part),
            segment: Duration::from_millis(segment),
            window: Duration::from_secs(window),
            memory: usize::try_from(memory << 20).unwrap_or(usize::MAX),
            data: self.data,
            log_format: self.log_format,
            layout: self.layout.or(file.layout),
            stages,
        })
    }
}

fn read(path: &PathBuf) -> Result<File, OptionsError> {
    let text = std::fs::read_to_string(path).map_err(|source| OptionsError::Unreadable {
        path: path.clone(),
        source,
    })?;
    toml::from_str(&text).map_err(|source| OptionsError::Toml {
        path: path.clone(),
        source: Box::new(source),
    })
}

fn ranged(
    name: &'static str,
    value: Option<u64>,
    default: u64,
    least: u64,
    most: u64,
    unit: &'static str,
) -> Result<u64, OptionsError> {
    let value = value.unwrap_or(default);
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(OptionsError::Range {
            name,
            value,
            least,
            most,
            unit,
        })
    }
}

fn check_stages(stages: &[StageOptions]) -> Result<(), OptionsError> {
    let mut names = BTreeSet::new();
    for (index, StageOptions { name, key }) in stages.iter().enumerate() {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let taken = ["api", "healthz", "metrics", "web"].contains(&name.as_str());
        if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) || taken {
            return Err(OptionsError::StageName { name: name.clone() });
        }
        if !names.insert(name) {
            return Err(OptionsError::SameName { name: name.clone() });
        }
        let Some(key) = key else { continue };
        if !is_key(key) {
            return Err(OptionsError::Key { name: name.clone() });
        }
        let same = |other: &&StageOptions| other.key.as_ref() == Some(key);
        if let Some(other) = stages.iter().take(index).find(same) {
            return Err(OptionsError::SameKey {
                first: other.name.clone(),
                second: name.clone(),
            });
        }
    }
    Ok(())
}

/// Tells whether `key` survives in a URL as it stands.
pub(crate) fn is_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    (1..=128).contains(&key.len()) && key.bytes().all(plain)
}

#[cfg(test)]
mod tests;
