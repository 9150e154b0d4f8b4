//! Shows what an RTMP publisher really sends: chunk by chunk, message by message, or as a summary.
//!
//! ```text
//! publisher --TCP or TLS--> rtmp::Server --+
//! server <--TCP or TLS----- rtmp::Client --+--> flv::Packet --> report::Meter --> summary
//! file ------------------> flv::file::Reader
//! ```
//! `wire` watches the bytes below the session, `quirks` has the habits that it knows.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counters of an example, far from their bounds"
)]

mod file;
mod follow;
mod inspection;
mod options;
mod quirks;
mod summary;
mod view;
mod wire;

use std::process::ExitCode;
use std::time::Instant;

use backline_examples::adapt::listen::{BindError, bind};
use backline_examples::adapt::tls::{TlsError, acceptor};
use clap::Parser;

use follow::End;
use inspection::Summary;
use options::{Options, Source, SourceError};
use view::View;

/// Nothing can be inspected.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    File(#[from] file::FileError),
    #[error("nothing came")]
    Nothing,
    #[error(transparent)]
    Play(#[from] follow::PlayError),
    #[error("cannot start the runtime: {0}")]
    Runtime(#[from] std::io::Error),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(run(&options)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Source(error)) => {
            eprintln!("rtmp-inspect: {error}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("rtmp-inspect: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Failure> {
    let view = View {
        json: options.json,
        chunks: options.chunks,
        messages: options.messages,
        began: Instant::now(),
    };
    let end = End::after(options.duration);
    let mut shown = 0;
    let mut show = |summary: Summary| {
        shown += 1;
        print(&summary, view);
    };
    match options.source()? {
        Source::File(path) => file::read(&path, view).await?.map(&mut show),
        Source::Dial(address) => follow::play(&address, options, view, &end)
            .await?
            .map(&mut show),
        Source::Listen(at) => {
            let listener = bind(at, "--listen").await?;
            let tls = match (&options.tls_cert, &options.tls_key) {
                (Some(cert), Some(key)) => Some(acceptor(cert, key)?),
                _ => None,
            };
            let at = listener.local_addr()?;
            view.line(&options.greeting(at));
            follow::listen(listener, tls, options, view, &end, &mut show).await;
            None
        }
    };
    match shown {
        0 => Err(Failure::Nothing),
        _ => Ok(()),
    }
}

fn print(summary: &Summary, view: View) {
    match view.json {
        true => view.line(&serde_json::json!({ "summary": summary }).to_string()),
        false => view.line(&summary::text(summary)),
    }
}
