//! Command line, checked before anything is asked.

use std::path::PathBuf;
use std::time::Duration;

use backline_examples::adapt::tls::{self, TlsError};
use backline_hls::lint::{Config, Rule};
use clap::Parser;
use clap::builder::RangedU64ValueParser;
use tokio_rustls::TlsConnector;

/// Checks a low-latency HLS server from outside: one line a rule, with what was seen where one is broken.
#[derive(Debug, Parser)]
#[command(name = "hls-lint", version, after_help = AFTER_HELP)]
struct Cli {
    /// Multivariant or media playlist: http:// or https://
    #[arg(value_name = "URL")]
    url: String,
    /// How long to look, 2 to 86400 s; what takes several segments to show needs several segments
    #[arg(long, value_name = "N", default_value = "20", value_parser = RangedU64ValueParser::<u64>::new().range(2..=86_400))]
    seconds: u64,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Only this rule, such as PL-10; may be given more than once
    #[arg(long = "rule", value_name = "ID", value_parser = rule)]
    rules: Vec<Rule>,
    /// How much later than a rule says something may come, 0 to 60000 ms: the way there and back
    #[arg(long, value_name = "MS", default_value = "500", value_parser = RangedU64ValueParser::<u64>::new().range(0..=60_000))]
    slack_ms: u64,
    /// PEM file of the certificates to trust with https:// [default: those that this machine trusts]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Each rule has an id of the project's reference, and the section of draft-pantos-hls-rfc8216bis that it comes from.

Exit codes: 0 no rule is broken; 1 one is; 2 nothing could be checked, or wrong flag.";

/// Everything that the program needs to know.
pub(crate) struct Options {
    pub(crate) url: String,
    pub(crate) json: bool,
    /// Empty for all of them.
    pub(crate) rules: Vec<Rule>,
    pub(crate) config: Config,
    /// None where nothing is trusted, and the URL does not need it.
    pub(crate) tls: Option<TlsConnector>,
}

/// A flag is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    #[error("{0} is no URL that can be asked: write http://host/path/index.m3u8, or https://")]
    Url(String),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Reads the command line; on `--help` and on a mistake of clap's knowledge this ends the process.
pub(crate) fn from_command_line() -> Result<Options, OptionsError> {
    Cli::parse().check()
}

fn rule(id: &str) -> Result<Rule, String> {
    let known = || Rule::all().map(Rule::id).collect::<Vec<_>>().join(", ");
    Rule::from_id(id).ok_or_else(|| format!("no rule has this id; there are {}", known()))
}

impl Cli {
    fn check(self) -> Result<Options, OptionsError> {
        let mut config = Config::default();
        config.length = Duration::from_secs(self.seconds);
        config.slack = Duration::from_millis(self.slack_ms);
        let secure = self.url.starts_with("https://");
        if !secure && !self.url.starts_with("http://") {
            return Err(OptionsError::Url(self.url.escape_debug().to_string()));
        }
        let tls = match tls::connector(self.tls_ca.as_deref()) {
            // Nothing is trusted, and nothing needs to be.
            Err(TlsError::NoRoots) if !secure => None,
            other => Some(other?),
        };
        Ok(Options {
            url: self.url,
            json: self.json,
            rules: self.rules,
            config,
            tls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str]) -> Result<Options, String> {
        let cli = Cli::try_parse_from(std::iter::once(&"hls-lint").chain(arguments));
        let cli = cli.map_err(|error| error.to_string())?;
        cli.check().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_wrong_is_told() {
        let options =
            check(&["http://host/a.m3u8", "--rule", "pl-10", "--seconds", "5"]).expect("right");
        assert_eq!(options.rules, [Rule::Pl10]);
        assert_eq!(options.config.length, Duration::from_secs(5));
        for (wrong, told) in [
            (&["rtmp://host/a"][..], "http://"),
            (&["http://host/a", "--rule", "XL-1"], "PL-10"),
            (&["http://host/a", "--seconds", "1"], "2..=86400"),
            (
                &["https://host/a", "--tls-ca", "/nowhere.pem"],
                "/nowhere.pem",
            ),
            (&[], "<URL>"),
        ] {
            let error = check(wrong).map(|_| ()).expect_err("it is wrong");
            assert!(error.contains(told), "{error}");
        }
    }
}
