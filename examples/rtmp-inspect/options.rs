//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use backline_rtmp::client::Address;
use clap::Parser;

/// Shows what an RTMP publisher really sends: who it is, its tracks, how steady it is, and the habits that it has.
///
/// Without SOURCE it listens, and any encoder may publish to it, under any key. Ctrl-C ends it with the summary.
#[derive(Debug, Parser)]
#[command(name = "rtmp-inspect", version, after_help = EXAMPLES)]
pub(crate) struct Options {
    /// An rtmp:// or rtmps:// address to play from, or an FLV file; without it a publisher is waited for.
    pub(crate) source: Option<String>,

    /// Where publishers connect; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:1935")]
    pub(crate) listen: SocketAddr,

    /// Show each chunk of the connection as it comes; a file has none.
    #[arg(long)]
    pub(crate) chunks: bool,

    /// Show each message (in a file: each tag) as it comes.
    #[arg(long)]
    pub(crate) messages: bool,

    /// One JSON object a line: {"chunk":..}, {"message":..}, and {"summary":..} at the end of each publication.
    #[arg(long)]
    pub(crate) json: bool,

    /// End after so many seconds; by default it goes on until Ctrl-C, or the end of what is played.
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,

    /// Take one publication and end.
    #[arg(long)]
    pub(crate) once: bool,

    /// Listen in TLS (RTMPS): a PEM file with the certificates, the server's own first. Needs --tls-key.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The PEM file with the private key of --tls-cert.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Trust the certificates of this PEM file instead of the system's when dialling rtmps://.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,

    /// Show the stream key in full. It is a secret; by default only its ends are shown.
    #[arg(long)]
    pub(crate) show_key: bool,
}

const EXAMPLES: &str = "\
Examples:
  rtmp-inspect                                  wait for publishers on port 1935
  rtmp-inspect --once --chunks | head -50       the first chunks that an encoder sends
  rtmp-inspect rtmp://10.0.0.5/live/key         play from a server
  rtmp-inspect --json recording.flv             a recording, for scripts

Exit codes: 0 something was inspected; 1 it could not be, or nothing came; 2 wrong flag.";

/// Where what is inspected comes from.
#[derive(Debug)]
pub(crate) enum Source {
    Listen(SocketAddr),
    Dial(Box<Address>),
    File(PathBuf),
}

/// The source cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error(
    "{text} is no RTMP address: {source}; expected rtmp://HOST[:PORT]/APP/KEY, or the path of an FLV file"
)]
pub(crate) struct SourceError {
    text: String,
    source: backline_rtmp::Error,
}

impl Options {
    pub(crate) fn source(&self) -> Result<Source, SourceError> {
        match &self.source {
            None => Ok(Source::Listen(self.listen)),
            Some(text) if text.contains("://") => Address::parse(text)
                .map(|address| Source::Dial(Box::new(address)))
                .map_err(|source| SourceError {
                    text: text.clone(),
                    source,
                }),
            Some(path) => Ok(Source::File(PathBuf::from(path))),
        }
    }
}

impl Options {
    /// The line that scripts wait for, and what a person does next.
    pub(crate) fn greeting(&self, at: SocketAddr) -> String {
        if self.json {
            return serde_json::json!({ "listening": at.to_string() }).to_string();
        }
        let scheme = if self.tls_cert.is_some() {
            "rtmps"
        } else {
            "rtmp"
        };
        format!(
            "listening {at}\n  Publish to {scheme}://{at}/live with any stream key. Ctrl-C ends with the summary."
        )
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| format!("{text} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| format!("{text} is out of range, expected 0 or more seconds"))
}
