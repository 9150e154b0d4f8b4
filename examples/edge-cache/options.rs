//! Command line and rule file, checked before anything starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use backline_examples::adapt::log;
use clap::Parser;
use http::uri::{Scheme, Uri};

/// Everything that the program needs to know, in range.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) origin: Origin,
    pub(crate) http: SocketAddr,
    pub(crate) tls: Option<Tls>,
    pub(crate) admin: SocketAddr,
    /// Bytes of memory.
    pub(crate) memory: usize,
    /// Target duration of the streams.
    pub(crate) target: Duration,
    pub(crate) name: &'static str,
    /// Names of query pairs that tell no two things apart.
    pub(crate) noise: Vec<String>,
    pub(crate) rules: Option<PathBuf>,
    pub(crate) tls_ca: Option<PathBuf>,
    pub(crate) log_format: log::Format,
}

/// Where HTTP is spoken in TLS, and as whom.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) https: SocketAddr,
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// The server behind: `http://127.0.0.1:8080/show`.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    scheme: Scheme,
    authority: http::uri::Authority,
    /// What stands before every path, without a slash at its end.
    prefix: String,
}

/// The command line cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    #[error(
        "--memory-mib {value}: expected 16 to 65536 MiB, since less holds no window of a stream"
    )]
    Memory { value: usize },
    #[error("--name {name}: expected 1 to 32 of a-z, 0-9 and '-', a letter first")]
    Name { name: String },
    #[error(
        "--origin {url}: expected http://HOST[:PORT][/PATH], or the same with https, without a query"
    )]
    Origin { url: String },
    #[error("--target-s {value}: expected 1 to 30 s")]
    Target { value: u64 },
    #[error("--tls-cert and --tls-key go together, and --https needs both")]
    TlsHalf,
}

/// Keeps what one server has, once, for any number of viewers.
#[derive(Debug, Parser)]
#[command(name = "edge-cache", version, after_help = AFTER_HELP)]
struct Cli {
    /// The server behind, such as http://127.0.0.1:8080; a path goes before every path that is asked for
    #[arg(long, value_name = "URL")]
    origin: String,
    /// Address and port for the audience; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8090")]
    http: SocketAddr,
    /// Address and port for the audience in TLS, with HTTP/2; port 0 takes a free one [default: 0.0.0.0:8493]
    #[arg(long, value_name = "ADDR")]
    https: Option<SocketAddr>,
    /// PEM file of the certificates for --https, the box's own one first; read again at SIGHUP
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// PEM file of the key to the first certificate; read again at SIGHUP
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Address and port for the keeper: status page, /metrics, purge; whoever reaches it may purge
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8091")]
    admin: SocketAddr,
    /// Memory for what is kept, in MiB, 16 to 65536
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    memory_mib: usize,
    /// Target duration of the streams behind, in seconds, 1 to 30: what rules count in as `td`
    #[arg(long, value_name = "S", default_value_t = 4)]
    target_s: u64,
    /// Name of this cache in Cache-Status and CDN-Loop; caches in a row need different ones
    #[arg(long, value_name = "NAME", default_value = "backline")]
    name: String,
    /// Name of a query pair that tells no two things apart, as CMCD does not; NAME* stands for all that begin so; may
    /// come several times
    #[arg(long, value_name = "NAME")]
    noise: Vec<String>,
    /// TOML file of the rules by which things are kept; read again at SIGHUP [default: rules that suit live video]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// PEM file of the certificates to trust instead of the system's, for an origin in TLS
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t = log::Format::Text)]
    log_format: log::Format,
}

const AFTER_HELP: &str = "\
Exit codes: 0 ended in order; 1 could not start or go on; 2 wrong flag; 130 ended by a second Ctrl-C.

Keeper's address:
  GET  /                      what is kept, and why
  GET  /metrics               Prometheus
  POST /purge?path=/a/b.mp4   forgets one object
  POST /purge?prefix=/a/      forgets all below
Both addresses answer /healthz.";

/// Reads the command line; on `--help` and on a mistake of clap's knowledge this ends the process.
pub(crate) fn from_command_line() -> Result<Options, OptionsError> {
    Cli::parse().check()
}

impl Cli {
    fn check(self) -> Result<Options, OptionsError> {
        if !(16..=65_536).contains(&self.memory_mib) {
            return Err(OptionsError::Memory {
                value: self.memory_mib,
            });
        }
        if !(1..=30).contains(&self.target_s) {
            return Err(OptionsError::Target {
                value: self.target_s,
            });
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=32).contains(&self.name.len())
            || !self
                .name
                .starts_with(|first: char| first.is_ascii_lowercase())
            || !self.name.bytes().all(plain)
        {
            return Err(OptionsError::Name { name: self.name });
        }
        let everywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(cert), Some(key)) => Some(Tls {
                https: self.https.unwrap_or_else(|| everywhere(8493)),
                cert,
                key,
            }),
            (None, None) if self.https.is_none() => None,
            _ => return Err(OptionsError::TlsHalf),
        };
        Ok(Options {
            origin: Origin::parse(self.origin)?,
            http: self.http,
            tls,
            admin: self.admin,
            memory: self.memory_mib << 20,
            target: Duration::from_secs(self.target_s),
            // Once a process; what it says of itself borrows it for ever.
            name: self.name.leak(),
            noise: self.noise,
            rules: self.rules,
            tls_ca: self.tls_ca,
            log_format: self.log_format,
        })
    }
}

impl Origin {
    fn parse(url: String) -> Result<Self, OptionsError> {
        let parts = url.parse::<Uri>().map(Uri::into_parts);
        let (Ok(parts), false) = (parts, url.contains(['?', '#', '@'])) else {
            return Err(OptionsError::Origin { url });
        };
        let known = |scheme: &Scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
        match (parts.scheme.filter(known), parts.authority) {
            (Some(scheme), Some(authority)) => {
                let path = parts.path_and_query;
                let prefix = path.as_ref().map_or("", |path| path.path());
                Ok(Self {
                    scheme,
                    authority,
                    prefix: prefix.trim_end_matches('/').to_owned(),
                })
            }
            _ => Err(OptionsError::Origin { url }),
        }
    }

    /// Whether it has to be spoken to in TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The URL of a path there, which may have a query.
    pub(crate) fn uri(&self, path: &str) -> Result<Uri, http::Error> {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(format!("{}{path}", self.prefix))
            .build()
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

#[cfg(test)]
mod tests;
