//! Ctrl-C, SIGTERM and SIGHUP.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// What a shell reports for a program that Ctrl-C ended: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// Waits for Ctrl-C or SIGTERM. From then on another Ctrl-C ends the process at once, for whoever does not
/// want to wait for an orderly end.
///
/// # Errors
///
/// The signals cannot be watched.
pub async fn end_wanted() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tokio::spawn(async move {
        interrupt.recv().await;
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}

/// Calls `again` at each SIGHUP, for ever: what was read from files is to be read anew.
///
/// # Errors
///
/// The signal cannot be watched.
pub fn on_hangup(mut again: impl FnMut() + Send + 'static) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            again();
        }
    });
    Ok(())
}
