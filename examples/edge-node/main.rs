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
mod hush;
mod ingest;
mod keys;
mod ladder;
mod mark;
mod metrics;
mod multitrack;
mod options;
mod replies;
mod routes;
mod stage;
mod status;
mod taps;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use backline_examples::adapt::gather::gather;
use backline_examples::adapt::listen::{BindError, bind};
use backline_examples::adapt::tls::{Identity, TlsError};
use backline_examples::adapt::{log, serve, service, signals};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use banner::Listening;
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
    #[error(transparent)]
    Tls(#[from] TlsError),
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
    service::expect_a_crowd();
    let runtime = gather(&mut tokio::runtime::Builder::new_multi_thread())
        .enable_all()
        .thread_name("edge-node")
        .build();
    service::run(runtime, run(options))
}

async fn run(options: Options) -> Result<(), StartError> {
    let rtmp = bind(options.rtmp, "--rtmp").await?;
    let http = bind(options.http, "--http").await?;
    let secure = secure(&options).await?;
    let mut at = Listening {
        rtmp: rtmp.local_addr()?,
        http: http.local_addr()?,
        https: None,
    };
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
        server: banner::server(at.rtmp),
        hush: hush::Hush::default(),
    };
    tokio::spawn(ingest::run(rtmp, Arc::new(house), ingest_ending));
    let site = Arc::new(routes::Site {
        stages: stages.clone(),
        metrics,
        viewers: viewers.clone(),
        house: options.house,
        server: banner::server(at.rtmp),
        hush: hush::Hush::default(),
    });
    let service = move |request, peer| Arc::clone(&site).answer(request, peer);
    let serve = |listener, identity| {
        let (doors, ending, service) = (viewers.clone(), serving_ending.clone(), service.clone());
        tokio::spawn(serve::serve(listener, identity, doors, ending, service))
    };
    let mut serving = vec![serve(http, None)];
    if let Some((listener, identity)) = secure {
        at.https = Some(listener.local_addr()?);
        serving.push(serve(listener, Some(Arc::clone(&identity))));
        signals::on_hangup(move || read_again(&identity))?;
    }
    banner::print(at, &stages);

    signals::end_wanted().await?;
    tracing::info!("ending the show; once more ends at once");
    end_ingest.send_replace(true);
    stages.iter().for_each(|stage| stage.end());
    // Disk and network may take their time; the audience is not kept waiting.
    let finishing: Vec<_> = stages
        .iter()
        .map(Arc::clone)
        .map(|stage| tokio::spawn(async move { stage.taps.finish().await }))
        .collect();
    // Whoever plays asks once more and learns that this was the end.
    let patience = async {
        while viewers.count() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = tokio::time::timeout(LAST_ANSWERS, patience).await;
    end_serving.send_replace(true);
    let _ = tokio::time::timeout(LAST_BYTES, all(serving)).await;
    all(finishing).await;
    Ok(())
}

/// Waits for the end of tasks.
async fn all<T>(tasks: Vec<JoinHandle<T>>) {
    for task in tasks {
        let _ = task.await;
    }
}

/// What TLS needs, if it is wanted.
async fn secure(options: &Options) -> Result<Option<(TcpListener, Arc<Identity>)>, StartError> {
    let Some(tls) = &options.tls else {
        return Ok(None);
    };
    let listener = bind(tls.https, "--https").await?;
    let identity = Identity::open(&tls.cert, &tls.key)?;
    Ok(Some((listener, Arc::new(identity))))
}

fn read_again(identity: &Identity) {
    match identity.reload() {
        Ok(()) => tracing::info!("the certificate was read again"),
        Err(error) => tracing::warn!("the certificate stays as it was: {error}"),
    }
}
