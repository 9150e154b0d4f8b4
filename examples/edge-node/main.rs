//! Takes RTMP from a camera, OBS or FFmpeg and gives the room low-latency HLS.
//!
//! ```text
//! rtmp::Server --compose::rtmp_hls--> hls::Presentation --compose::hls_cache--> cache::Cache --> hyper
//! ```
//!
//! `ingest` has the publishers, `stage` the machines, `routes` the audience; this file starts and ends them.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counters and durations of an example, far from their bounds"
)]

mod banner;
mod ingest;
mod keys;
mod metrics;
mod options;
mod replies;
mod routes;
mod stage;
mod status;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use backline_examples::adapt::gather::gather;
use backline_examples::adapt::listen::{BindError, bind};
use backline_examples::adapt::{log, serve, signals};
use tokio::sync::watch;

use options::Options;
use stage::{Stage, StageError};

/// The audience fetches the playlists' end in this time; with what follows the end takes below two seconds.
const LAST_ANSWERS: Duration = Duration::from_millis(1_200);
const LAST_BYTES: Duration = Duration::from_millis(400);

/// Nothing can be started.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error("cannot start the runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

fn main() -> ExitCode {
    let options = match options::from_command_line() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("edge-node: {error}");
            return ExitCode::from(2);
        }
    };
    log::start(options.log_format);
    // Each viewer is a few sockets; the usual 1,024 would be full at 200 viewers.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
    let runtime = gather(&mut tokio::runtime::Builder::new_multi_thread())
        .enable_all()
        .thread_name("edge-node")
        .build();
    let result = runtime.map_err(StartError::from).and_then(|runtime| {
        let result = runtime.block_on(run(options));
        runtime.shutdown_timeout(Duration::from_millis(100));
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

async fn run(options: Options) -> Result<(), StartError> {
    let rtmp = bind(options.rtmp, "--rtmp").await?;
    let http = bind(options.http, "--http").await?;
    let (rtmp_at, http_at) = (rtmp.local_addr()?, http.local_addr()?);
    let mut stages = Vec::new();
    for stage in &options.stages {
        stages.push(Stage::open(&options, stage)?);
    }
    let metrics = Arc::new(metrics::Metrics::default());
    let viewers = routes::doors();
    let (end_ingest, ingest_ending) = watch::channel(false);
    let (end_serving, serving_ending) = watch::channel(false);
    let house = ingest::House {
        stages: stages.clone(),
        metrics: Arc::clone(&metrics),
        server: banner::server(rtmp_at),
    };
    tokio::spawn(ingest::run(rtmp, Arc::new(house), ingest_ending));
    let site = Arc::new(routes::Site {
        stages: stages.clone(),
        metrics,
        viewers: viewers.clone(),
    });
    let service = move |request, peer| Arc::clone(&site).answer(request, peer);
    let serving = tokio::spawn(serve::serve(http, viewers.clone(), serving_ending, service));
    banner::print(rtmp_at, http_at, &stages);

    signals::end_wanted().await?;
    tracing::info!("ending the show; once more ends at once");
    end_ingest.send_replace(true);
    stages.iter().for_each(|stage| stage.end());
    // Whoever plays asks once more and learns that this was the end.
    let patience = async {
        while viewers.count() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = tokio::time::timeout(LAST_ANSWERS, patience).await;
    end_serving.send_replace(true);
    let _ = tokio::time::timeout(LAST_BYTES, serving).await;
    Ok(())
}
