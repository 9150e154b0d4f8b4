//! Command line and configuration file, checked before anything starts.

mod cli;
mod error;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backline_examples::adapt::log;
use backline_hls::Slate;
use clap::Parser;
use serde::Deserialize;

pub(crate) use cli::{Absence, Layout};
use cli::{Cli, File};
pub(crate) use error::OptionsError;

use super::ladder::House;

/// Everything that the program needs to know, in range.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rtmp: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) tls: Option<Tls>,
    pub(crate) house: House,
    pub(crate) part: Duration,
    pub(crate) segment: Duration,
    pub(crate) window: Duration,
    pub(crate) memory: usize,
    pub(crate) data: PathBuf,
    pub(crate) log_format: log::Format,
    pub(crate) layout: Option<Layout>,
    pub(crate) absence: Absence,
    /// Where recordings go.
    pub(crate) record: Option<PathBuf>,
    #[cfg(feature = "archive")]
    pub(crate) archive: Option<backline_examples::adapt::archive::Archive>,
    pub(crate) slate: Option<Arc<Slate>>,
    /// At least one; names differ, and so do keys.
    pub(crate) stages: Vec<StageOptions>,
}

/// Where HTTP is spoken in TLS, and as whom.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) https: SocketAddr,
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// One stage: what the audience calls it and what its publisher must know.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageOptions {
    pub(crate) name: String,
    /// `None`: a random one that is kept.
    pub(crate) key: Option<String>,
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
        let part = PART.pick(self.part_ms.or(file.part_ms))?;
        let segment = SEGMENT.pick(self.segment_ms.or(file.segment_ms))?;
        let window = WINDOW.pick(self.window_s.or(file.window_s))?;
        let memory = MEMORY.pick(self.memory_mib.or(file.memory_mib))?;
        if segment < 2 * part {
            return Err(OptionsError::SegmentBelowParts { segment, part });
        }
        if window * 1_000 < 5 * segment {
            return Err(OptionsError::WindowBelowSegments { window, segment });
        }
        let mut stages = file.stage;
        if stages.is_empty() {
            let name = "live".to_owned();
            stages.push(StageOptions {
                name,
                key: self.key,
            });
        }
        check_stages(&stages)?;
        let everywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let https = self.https.or(file.https);
        let tls = match (
            self.tls_cert.or(file.tls_cert),
            self.tls_key.or(file.tls_key),
        ) {
            (Some(cert), Some(key)) => Some(Tls {
                https: https.unwrap_or_else(|| everywhere(8443)),
                cert,
                key,
            }),
            (None, None) if https.is_none() => None,
            _ => return Err(OptionsError::TlsHalf),
        };
        Ok(Options {
            rtmp: self.rtmp.or(file.rtmp).unwrap_or_else(|| everywhere(1935)),
            http: self.http.or(file.http).unwrap_or_else(|| everywhere(8080)),
            tls,
            house: House {
                uplink_kbps: UPLINK.pick(self.uplink_kbps.or(file.uplink_kbps))?,
                audience: AUDIENCE.pick(self.audience.or(file.audience))?,
            },
            part: Duration::from_millis(part),
            segment: Duration::from_millis(segment),
            window: Duration::from_secs(window),
            memory: usize::try_from(memory << 20).unwrap_or(usize::MAX),
            data: self.data,
            log_format: self.log_format,
            layout: self.layout.or(file.layout),
            absence: self.absence.or(file.absence).unwrap_or(Absence::Gap),
            record: self.record,
            #[cfg(feature = "archive")]
            archive: self
                .archive
                .as_deref()
                .map(backline_examples::adapt::archive::Archive::open)
                .transpose()?,
            slate: self.slate.map(read_slate).transpose()?,
            stages,
        })
    }
}

/// A number with bounds.
struct Bounded {
    name: &'static str,
    default: u64,
    range: RangeInclusive<u64>,
    unit: &'static str,
}

const PART: Bounded = Bounded::new("--part-ms", 200, 50..=2_000, "milliseconds");
const SEGMENT: Bounded = Bounded::new("--segment-ms", 2_000, 500..=10_000, "milliseconds");
const WINDOW: Bounded = Bounded::new("--window-s", 30, 10..=3_600, "seconds");
const UPLINK: Bounded = Bounded::new("--uplink-kbps", 1_000_000, 500..=100_000_000, "kb/s");
const AUDIENCE: Bounded = Bounded::new("--audience", 100, 1..=100_000, "viewers");
const MEMORY: Bounded = Bounded::new("--memory-mib", 256, 16..=65_536, "MiB");

impl Bounded {
    const fn new(
        name: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
        unit: &'static str,
    ) -> Self {
        Self {
            name,
            default,
            range,
            unit,
        }
    }

    fn pick(&self, value: Option<u64>) -> Result<u64, OptionsError> {
        let value = value.unwrap_or(self.default);
        if self.range.contains(&value) {
            return Ok(value);
        }
        let (least, most) = (*self.range.start(), *self.range.end());
        Err(OptionsError::Range {
            name: self.name,
            value,
            least,
            most,
            unit: self.unit,
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

fn read_slate(path: PathBuf) -> Result<Arc<Slate>, OptionsError> {
    let slate = backline_examples::adapt::slate::read(&path);
    slate
        .map(Arc::new)
        .map_err(|source| OptionsError::Slate { path, source })
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
