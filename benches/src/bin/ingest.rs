//! The ingest of `edge-node` without a stage behind it: `ingest` takes any number of publishers, on one thread, and
//! lets their media go, as a relay without players does.
//!
//! The session, its configuration and the pump are those of `edge-node`. It prints its address, and what it took once
//! its standard input ends.

use backline_examples::adapt::gather::gather;
use backline_examples::adapt::listen::{accept, bind};
use backline_examples::adapt::pump::{Ended, Pump};
use backline_examples::adapt::random;
use backline_rtmp::flv::{AudioData, Media, VideoData};
use backline_rtmp::server::{Config, Output, Server};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// As in `edge-node`.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// What was taken by now.
#[derive(Debug, Default)]
struct Taken {
    frames: AtomicU64,
    bytes: AtomicU64,
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let runtime = gather(&mut tokio::runtime::Builder::new_current_thread())
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn core::error::Error>> {
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), "ingest").await?;
    println!("{}", listener.local_addr()?);
    let taken = Arc::new(Taken::default());
    let counts = Arc::clone(&taken);
    tokio::spawn(async move {
        loop {
            let (stream, _) = accept(&listener).await;
            tokio::spawn(serve(stream, Arc::clone(&counts)));
        }
    });
    while tokio::io::stdin().read(&mut [0; 64]).await? > 0 {}
    println!(
        "{} frames, {} bytes",
        taken.frames.load(Ordering::Relaxed),
        taken.bytes.load(Ordering::Relaxed)
    );
    Ok(())
}

async fn serve(stream: TcpStream, taken: Arc<Taken>) {
    let mut config = Config::default();
    config.seed = random::seed();
    config.idle_timeout = SILENCE_MAX;
    let mut pump = Pump::new(stream, Server::new(config, Instant::now()));
    match follow(&mut pump, &taken).await {
        Ok(()) | Err(Ended::Closed) => {}
        Err(error) => eprintln!("{error}"),
    }
    pump.finish().await;
}

async fn follow(pump: &mut Pump<Server>, taken: &Taken) -> Result<(), Ended> {
    loop {
        match pump.next().await? {
            Output::Publish(request) => pump.session().accept(Instant::now(), request.id)?,
            Output::Media(packet) => {
                let bytes = match &packet.media {
                    Media::Audio(audio) => match &audio.data {
                        AudioData::Frame(data) => data.len(),
                        _ => continue,
                    },
                    Media::Video(video) => match &video.data {
                        VideoData::Frame { data, .. } => data.len(),
                        _ => continue,
                    },
                    _ => continue,
                };
                taken.frames.fetch_add(1, Ordering::Relaxed);
                taken.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            }
            Output::Close => return Ok(()),
            _ => {}
        }
    }
}
