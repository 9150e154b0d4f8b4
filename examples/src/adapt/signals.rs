//! Ctrl-C, SIGTERM and SIGHUP.

use std::io;
use std::sync::Arc;

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

/// Calls `again` at each SIGHUP, for ever: what was read from files is to be read anew. It is called in a thread that
/// may wait for a disk, once at a time.
///
/// # Errors
///
/// The signal cannot be watched.
pub fn on_hangup(again: impl Fn() + Send + Sync + 'static) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let again = Arc::new(again);
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            let again = Arc::clone(&again);
            // A panic in it has been reported, and the next signal is another try.
            let _ = tokio::task::spawn_blocking(move || again()).await;
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn files_are_read_again_in_a_thread_that_may_wait() {
        let (tell, told) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let again = move || tell.send(thread::current().id()).expect("it is waited for");
            on_hangup(again).expect("a signal");
            let status = Command::new("kill")
                .args(["-HUP", &id().to_string()])
                .status();
            assert!(status.expect("kill is everywhere").success());
            let wait = move || told.recv_timeout(Duration::from_secs(10));
            let other = tokio::task::spawn_blocking(wait).await.expect("no panic");
            assert_ne!(other.expect("it is called"), thread::current().id());
        });
    }
}
