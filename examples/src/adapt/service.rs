//! The frame of a program that serves until it is told to end.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime::Runtime;

/// How long threads that may wait, which a disk or a name server holds, keep the end from coming.
const LAST_THREADS: Duration = Duration::from_millis(100);

/// Serves to the end. What kept it from starting or going on is logged, and is the exit code.
pub fn run<E>(runtime: io::Result<Runtime>, served: impl Future<Output = Result<(), E>>) -> ExitCode
where
    E: Display + From<io::Error>,
{
    let result = runtime.map_err(E::from).and_then(|runtime| {
        let result = runtime.block_on(served);
        runtime.shutdown_timeout(LAST_THREADS);
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Lets this process hold as many sockets as it may: a viewer is a few, the usual 1,024 would be full at 200 viewers.
pub fn expect_a_crowd() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
