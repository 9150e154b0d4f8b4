//! Checks a low-latency HLS server from outside, rule by rule.
//!
//! ```text
//! hls::lint::Linter -> Request -> fetch -> server
//!                   <- Record  <-
//! ```

#![expect(
    clippy::arithmetic_side_effects,
    reason = "instants and counts of an example, far from their bounds"
)]

mod fetch;
mod options;
mod print;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use backline_examples::adapt::signals;
use backline_hls::lint::{Linter, Report, Unusable};
use fetch::{FetchError, Fetcher};
use options::Options;
use tokio::task::JoinSet;

/// Nothing can be checked.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("cannot start the runtime: {0}")]
    Runtime(#[from] std::io::Error),
    #[error("{url} answers with status {status}; is the stream live, and is the path right?")]
    Status { url: String, status: u16 },
    #[error("{url} is no playlist (Content-Type: {content_type}); give the URL of an .m3u8")]
    NotPlaylist { url: String, content_type: String },
    #[error("{0}; write http://host/path/index.m3u8, or https://")]
    Url(#[from] backline_hls::Error),
    #[error("{url} did not answer")]
    Silent { url: String },
}

fn main() -> ExitCode {
    let options = match options::from_command_line() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("hls-lint: {error}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Runtime::new().map_err(CheckError::from);
    let checked = runtime.and_then(|runtime| runtime.block_on(check(&options)));
    match checked {
        Ok(report) => print::report(&report, &options),
        Err(error) => {
            eprintln!("hls-lint: {error}");
            ExitCode::from(2)
        }
    }
}

/// Asks what the linter wants to know, until it has seen enough or Ctrl-C.
async fn check(options: &Options) -> Result<Report, CheckError> {
    let mut linter = Linter::new(&options.url, options.config.clone(), Instant::now())?;
    let fetcher = Arc::new(Fetcher::new(options.tls.clone()));
    let mut under_way = JoinSet::new();
    let mut progress = print::Progress::new(options);
    let end = signals::end_wanted();
    tokio::pin!(end);
    loop {
        let now = Instant::now();
        let patience = linter.patience();
        while let Some(request) = linter.poll_request(now) {
            let fetcher = Arc::clone(&fetcher);
            under_way.spawn(async move { fetcher.fetch(request, patience).await });
        }
        if linter.is_done(now) {
            break;
        }
        progress.show(&linter, now);
        let timeout = linter
            .poll_timeout()
            .unwrap_or(now)
            .max(now + print::PROGRESS_EVERY / 10);
        tokio::select! {
            Some(done) = under_way.join_next() => match done {
                Ok(Ok(record)) => linter.handle_record(record),
                Ok(Err((request, error))) => {
                    linter.handle_failure(Instant::now(), &request);
                    if linter.report().unusable == Some(Unusable::Silent) {
                        return Err(error.into());
                    }
                }
                Err(_) => {}
            },
            () = tokio::time::sleep_until(timeout.min(now + print::PROGRESS_EVERY).into()) => {}
            wanted = &mut end => {
                wanted?;
                break;
            }
        }
    }
    progress.clear();
    usable(linter.report(), &options.url)
}

fn usable(report: Report, url: &str) -> Result<Report, CheckError> {
    let url = url.to_owned();
    match &report.unusable {
        None => Ok(report),
        Some(Unusable::Status(status)) => Err(CheckError::Status {
            url,
            status: *status,
        }),
        Some(Unusable::NotPlaylist { content_type }) => {
            let content_type = content_type.escape_debug().to_string();
            Err(CheckError::NotPlaylist { url, content_type })
        }
        Some(_) => Err(CheckError::Silent { url }),
    }
}
