//! Command line, checked before anything starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use backline_examples::adapt::log;
use backline_examples::adapt::tls::{self, TlsError};
use backline_rtmp::client::Address;
use clap::Parser;
use clap::builder::RangedU64ValueParser;
use tokio_rustls::TlsConnector;

/// Takes a publisher and republishes it to another server, which may be slow, or go away and come back.
#[derive(Debug, Parser)]
#[command(name = "rtmp-relay", version, after_help = AFTER_HELP)]
struct Cli {
    /// Address and port for the publisher; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1935")]
    listen: SocketAddr,
    /// Where to republish: rtmp[s]://[user[:password]@]host[:port]/app/key
    #[arg(long, value_name = "URL")]
    to: String,
    /// Stream key that the publisher must give [default: any is taken]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// PEM file of the certificates to trust with rtmps:// [default: those that this machine trusts]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Media time in milliseconds, 100 to 10000, that may wait for the server; more than that is dropped
    #[arg(long, value_name = "MS", default_value = "2000", value_parser = RangedU64ValueParser::<u64>::new().range(100..=10_000))]
    queue_ms: u64,
    /// Form of the log on standard error
    #[arg(long, value_enum, default_value_t = log::Format::Text)]
    log_format: log::Format,
}

const AFTER_HELP: &str = "\
A newer publisher takes over. Every 5 s there is a line with the bit rate in and out, the delay and what was dropped.

Exit codes: 0 ended in order; 1 could not start; 2 wrong flag; 130 ended by a second Ctrl-C.";

/// Everything that the program needs to know.
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) to: Address,
    pub(crate) key: Option<String>,
    /// None where nothing is trusted, and the target does not need it.
    pub(crate) tls: Option<TlsConnector>,
    pub(crate) queue: Duration,
    pub(crate) log_format: log::Format,
}

/// A flag is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    #[error("--to is no address: {0}; write rtmp://host/app/key or rtmps://host/app/key")]
    Address(#[from] backline_rtmp::Error),
    #[error("--to names no stream key: write rtmp://host/app/key")]
    NoKey,
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Reads the command line; on `--help` and on a mistake of clap's knowledge this ends the process.
pub(crate) fn from_command_line() -> Result<Options, OptionsError> {
    Cli::parse().check()
}

impl Cli {
    fn check(self) -> Result<Options, OptionsError> {
        let to = Address::parse(&self.to)?;
        if to.name.is_empty() {
            return Err(OptionsError::NoKey);
        }
        let tls = match tls::connector(self.tls_ca.as_deref()) {
            Ok(tls) => Some(tls),
            // The server may still send the stream to a place with TLS, and is told then what is missing.
            Err(TlsError::NoRoots) if !to.tls => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Options {
            listen: self.listen,
            to,
            key: self.key,
            tls,
            queue: Duration::from_millis(self.queue_ms),
            log_format: self.log_format,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str]) -> Result<(u16, Duration), String> {
        let program = std::iter::once(&"rtmp-relay");
        let cli = Cli::try_parse_from(program.chain(arguments));
        let options = cli
            .map_err(|error| error.to_string())
            .and_then(|cli| cli.check().map_err(|error| error.to_string()))?;
        Ok((options.to.port, options.queue))
    }

    #[test]
    fn what_is_wrong_is_told_without_the_key() {
        let right = check(&["--to", "rtmp://host/app/key"]);
        assert_eq!(right, Ok((1935, Duration::from_secs(2))));
        assert!(check(&[]).is_err_and(|told| told.contains("--to <URL>")));
        for wrong in ["http://host/app/secret", "rtmp://host:99999/app/secret"] {
            let told = check(&["--to", wrong]).expect_err("wrong");
            assert!(told.contains("--to") && !told.contains("secret"), "{told}");
        }
        assert!(check(&["--to", "rtmp://host/app"]).is_err_and(|told| told.contains("stream key")));
        let wide = ["--to", "rtmp://host/app/key", "--queue-ms", "99"];
        assert!(check(&wide).is_err_and(|told| told.contains("100..=10000")));
        let missing = ["--to", "rtmps://host/app/key", "--tls-ca", "/nowhere.pem"];
        assert!(check(&missing).is_err_and(|told| told.contains("/nowhere.pem")));
    }
}
