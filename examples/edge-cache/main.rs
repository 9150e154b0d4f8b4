//! Stands in front of any HTTP server and fetches each object once, for any number of viewers.
//!
//! ```text
//! viewers --hyper--> proxy --> cache::Pull --> fetch --hyper--> origin
//! ```
//!
//! `proxy` has the viewers, `fetch` the origin, `admin` the keeper; this file starts and ends them.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counters and durations of an example, far from their bounds"
)]

mod admin;
mod class;
mod fetch;
mod kept;
mod options;
mod proxy;
mod replies;
mod rulebook;
mod status;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use backline_examples::adapt::listen::{BindError, Doors, bind};
use backline_examples::adapt::tls::{Identity, TlsError};
use backline_examples::adapt::{log, serve, service, signals};
use tokio::sync::watch;

use options::Options;
use proxy::Site;
use rulebook::RulebookError;

/// What is in flight at the end has so long.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// Nothing can be started.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Cache(#[from] backline_cache::Error),
    #[error(transparent)]
    Rules(#[from] RulebookError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot start the runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

fn main() -> ExitCode {
    let options = match options::from_command_line() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("edge-cache: {error}");
            return ExitCode::from(2);
        }
    };
    log::start(options.log_format);
    service::expect_a_crowd();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("edge-cache")
        .build();
    service::run(runtime, run(options))
}

async fn run(options: Options) -> Result<(), StartError> {
    let http = bind(options.http, "--http").await?;
    let admin = bind(options.admin, "--admin").await?;
    let secure = match &options.tls {
        None => None,
        Some(tls) => {
            let listener = bind(tls.https, "--https").await?;
            Some((listener, Arc::new(Identity::open(&tls.cert, &tls.key)?)))
        }
    };
    let identity = secure.as_ref().map(|(_, identity)| Arc::clone(identity));
    let (site, work) = Site::open(&options)?;
    let site = Arc::new(site);
    let (page, mut at) = (admin.local_addr()?, format!("http={}", http.local_addr()?));
    let (end, ending) = watch::channel(false);
    let audience = |listener, identity| {
        let (site, doors, ending) = (Arc::clone(&site), site.viewers.clone(), ending.clone());
        let service = move |request, peer| Arc::clone(&site).answer(request, peer);
        tokio::spawn(serve::serve(listener, identity, doors, ending, service))
    };
    let mut serving = vec![audience(http, None)];
    if let Some((listener, identity)) = secure {
        at.push_str(&format!(" https={}", listener.local_addr()?));
        serving.push(audience(listener, Some(identity)));
    }
    let keeper = Arc::clone(&site);
    let keeper = move |request, _| admin::answer(Arc::clone(&keeper), request);
    let doors = Doors::new(64, 64);
    serving.push(tokio::spawn(serve::serve(
        admin, None, doors, ending, keeper,
    )));
    let timed = site.desk.clone();
    tokio::spawn(async move { timed.run_timer().await });
    tokio::spawn(fetch::run(Arc::clone(&site), work));
    let again = Arc::clone(&site);
    signals::on_hangup(move || read_again(&again, identity.as_deref()))?;
    println!(
        "edge-cache {} keeps what {} has",
        env!("CARGO_PKG_VERSION"),
        options.origin
    );
    println!("What it holds and why: http://{page}/");
    println!("listening {at} admin={page}");

    signals::end_wanted().await?;
    tracing::info!("ending; once more ends at once");
    end.send_replace(true);
    let all = async {
        for task in serving {
            let _ = task.await;
        }
    };
    let _ = tokio::time::timeout(LAST_BYTES, all).await;
    Ok(())
}

fn read_again(site: &Site, identity: Option<&Identity>) {
    match site.rules.reload() {
        Ok(()) => tracing::info!("the rules were read again"),
        Err(error) => tracing::warn!("the rules stay as they were: {error}"),
    }
    match identity.map(Identity::reload) {
        Some(Err(error)) => tracing::warn!("the certificate stays as it was: {error}"),
        Some(Ok(())) => tracing::info!("the certificate was read again"),
        None => {}
    }
}
