//! Takes a publisher and republishes it to another server.
//!
//! ```text
//! publisher -> rtmp::Server -> Program (rtmp::relay) -> Uplink (rtmp::Client) -> server
//! ```

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counters of an example, far from their bounds"
)]

mod ingest;
mod options;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use backline_examples::adapt::listen::{BindError, Doors, accept, bind};
use backline_examples::adapt::program::Program;
use backline_examples::adapt::uplink::Uplink;
use backline_examples::adapt::{log, service, signals};
use backline_rtmp::client::Config;
use options::Options;
use tokio::sync::watch;

/// How often there is a line about how it goes.
const STATUS_EVERY: Duration = Duration::from_secs(5);
/// How long the server may take to hear that the stream is over.
const GOODBYE_MAX: Duration = Duration::from_secs(2);
/// Connections of publishers: in all, and from one address.
const CONNECTIONS_MAX: usize = 64;
const CONNECTIONS_PER_ADDRESS: usize = 8;

/// Nothing can be started.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("cannot start the runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

fn main() -> ExitCode {
    let options = match options::from_command_line() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("rtmp-relay: {error}");
            return ExitCode::from(2);
        }
    };
    log::start(options.log_format);
    service::run(tokio::runtime::Runtime::new(), run(options))
}

async fn run(options: Options) -> Result<(), StartError> {
    let listener = bind(options.listen, "--listen").await?;
    println!("listening rtmp={}", listener.local_addr()?);
    let program = Arc::new(Program::new(options.queue));
    let (end, ending) = watch::channel(false);
    let uplink = Uplink::new(
        Arc::clone(&program),
        Config::publish(options.to),
        options.tls,
    );
    let told = ending.clone();
    let uplink = tokio::spawn(async move { uplink.run(told).await });
    tokio::spawn(tell(Arc::clone(&program)));
    let key = options.key;
    let publishers = tokio::spawn(async move {
        let doors = Doors::new(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS);
        loop {
            let (stream, peer) = accept(&listener).await;
            if let Some(admission) = doors.admit(peer.ip()) {
                let (program, key, ending) = (Arc::clone(&program), key.clone(), ending.clone());
                tokio::spawn(async move {
                    let _held = admission;
                    ingest::serve(stream, peer, &program, key.as_deref(), ending).await;
                });
            }
        }
    });
    signals::end_wanted().await?;
    tracing::info!("ending the stream; once more ends at once");
    publishers.abort();
    end.send_replace(true);
    let _ = tokio::time::timeout(GOODBYE_MAX, uplink).await;
    Ok(())
}

/// Tells how it goes, while there is a publisher.
async fn tell(program: Arc<Program>) {
    let mut before = program.status();
    loop {
        tokio::time::sleep(STATUS_EVERY).await;
        let now = program.status();
        if now.live {
            let rate = |new: u64, old: u64| (new - old) * 8 / 1000 / STATUS_EVERY.as_secs();
            let taken = rate(now.taken_bytes, before.taken_bytes);
            let given = rate(now.given_bytes, before.given_bytes);
            tracing::info!(
                "{taken} kb/s in, {given} kb/s out, {} ms behind, {} packets dropped",
                now.delay.as_millis(),
                now.dropped
            );
        }
        before = now;
    }
}
