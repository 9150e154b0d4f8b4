//! What can be written on the command line and in the configuration file.

use std::net::SocketAddr;
use std::path::PathBuf;

use backline_examples::adapt::log;
use clap::{Parser, ValueEnum};
use serde::Deserialize;

use super::StageOptions;

/// Takes RTMP from a camera, OBS or FFmpeg and gives the room low-latency HLS.
#[derive(Debug, Parser)]
#[command(name = "edge-node", version, after_help = AFTER_HELP)]
pub(super) struct Cli {
    /// Address and port for publishers; port 0 takes a free one [default: 0.0.0.0:1935]
    #[arg(long, value_name = "ADDR")]
    pub(super) rtmp: Option<SocketAddr>,
    /// Address and port for the audience; port 0 takes a free one [default: 0.0.0.0:8080]
    #[arg(long, value_name = "ADDR")]
    pub(super) http: Option<SocketAddr>,
    /// Address and port for the audience in TLS, with HTTP/2; port 0 takes a free one [default: 0.0.0.0:8443]
    #[arg(long, value_name = "ADDR")]
    pub(super) https: Option<SocketAddr>,
    /// PEM file of the certificates for --https, the box's own one first; read again at SIGHUP
    #[arg(long, value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,
    /// PEM file of the key to the first certificate; read again at SIGHUP
    #[arg(long, value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,
    /// Stream key of the stage `live` [default: a random one, made at the first start and kept in DIR]
    #[arg(long, value_name = "KEY", conflicts_with = "config")]
    pub(super) key: Option<String>,
    /// Length of a part in milliseconds, 50 to 2000; shorter is less delay and more requests [default: 200]
    #[arg(long, value_name = "MS")]
    pub(super) part_ms: Option<u64>,
    /// Length of a segment in milliseconds, 500 to 10000; the key-frame interval or a multiple [default: 2000]
    #[arg(long, value_name = "MS")]
    pub(super) segment_ms: Option<u64>,
    /// How far back viewers may go, in seconds, 10 to 3600 [default: 30]
    #[arg(long, value_name = "S")]
    pub(super) window_s: Option<u64>,
    /// Memory for the media of each stage in MiB, 16 to 65536 [default: 256]
    #[arg(long, value_name = "MIB")]
    pub(super) memory_mib: Option<u64>,
    /// What the way to the audience carries, in kb/s, 500 to 100000000, for the ladder of OBS [default: 1000000]
    #[arg(long, value_name = "KBPS")]
    pub(super) uplink_kbps: Option<u64>,
    /// How many watch at a time, 1 to 100000, for that ladder [default: 100]
    #[arg(long, value_name = "VIEWERS")]
    pub(super) audience: Option<u64>,
    /// Configuration file (TOML) with several stages; flags win over it
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Directory of the stream keys and of the numbering that survives a restart
    #[arg(long, value_name = "DIR", default_value = "backline-data")]
    pub(super) data: PathBuf,
    /// Records every stage into DIR: fragments as they come, one MP4 a publication at its end
    #[arg(long, value_name = "DIR")]
    pub(super) record: Option<PathBuf>,
    /// Stores segments and a playlist of the whole show under s3://BUCKET/PREFIX; endpoint and credentials come from
    /// AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    #[cfg(feature = "archive")]
    #[arg(long, value_name = "URL")]
    pub(super) archive: Option<String>,
    /// MP4 (H.264 and AAC, 64 MiB at most) that plays in a loop while a publisher is away
    #[arg(long, value_name = "FILE")]
    pub(super) slate: Option<PathBuf>,
    /// What players get while a publisher is away and there is no slate [default: gap]
    #[arg(long, value_enum, conflicts_with = "slate")]
    pub(super) absence: Option<Absence>,
    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t = log::Format::Text)]
    pub(super) log_format: log::Format,
    /// Picture and sound in one rendition or in two
    #[arg(long, value_enum, hide = true)]
    pub(super) layout: Option<Layout>,
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

/// How picture and sound are packed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Layout {
    /// One rendition with both: half the requests.
    Muxed,
    /// A rendition each, as CMAF has it.
    Separate,
}

/// What playlists say while a publisher is away.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Absence {
    /// After one and a half segments, that the media is absent; time goes on
    Gap,
    /// Nothing: requests are held, and end with 503
    Wait,
}

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) rtmp: Option<SocketAddr>,
    pub(super) http: Option<SocketAddr>,
    pub(super) https: Option<SocketAddr>,
    pub(super) tls_cert: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) uplink_kbps: Option<u64>,
    pub(super) audience: Option<u64>,
    pub(super) part_ms: Option<u64>,
    pub(super) segment_ms: Option<u64>,
    pub(super) window_s: Option<u64>,
    pub(super) memory_mib: Option<u64>,
    pub(super) layout: Option<Layout>,
    pub(super) absence: Option<Absence>,
    #[serde(default)]
    pub(super) stage: Vec<StageOptions>,
}
