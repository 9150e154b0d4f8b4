//! A part from the node's memory, beside nginx that has the same bytes in the page cache.

use super::live::media_playlist;
use crate::live::{
    Camera, KEY, Node, Process, SERVER_CPU, fetch, free_port, get, listens, pinned, spawn,
};
use crate::report::{Figure, Progress, Report, Row, Target};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const CONNECTIONS: usize = 16;
/// Processor of the readers; the server has [`SERVER_CPU`].
const READERS_CPU: &str = "1";
/// Ours may not be further behind nginx.
const BESIDE_NGINX: f64 = 0.85;

/// Adds the row.
pub(super) fn score(
    report: &mut Report,
    progress: &mut Progress,
    full: bool,
) -> Result<(), String> {
    let node = Node::start_pinned()?;
    let camera = Camera::start(node.rtmp, KEY);
    let playlist = media_playlist(&node)?;
    let part = last_part(&node.get(&playlist)).ok_or("a playlist without parts")?;
    let path = playlist.replace("index.m3u8", &part);
    // Nothing moves on without a publisher, so the part stays.
    drop(camera);
    let body = get(node.http, &path)?;
    let nginx = Nginx::start(&body)?;
    if get(nginx.address, "/part.m4s")? != body {
        return Err("nginx serves other bytes".to_owned());
    }
    let (turns, window) = if full { (10, 3_000) } else { (4, 1_000) };
    let window = Duration::from_millis(window);
    move_to(READERS_CPU)?;
    let (mut ours, mut theirs) = (0.0_f64, 0.0_f64);
    for turn in 1..=turns {
        progress.show(&format!("a part, again and again, {turn} of {turns}"));
        ours = ours.max(fetch(node.http, &path, body.len(), CONNECTIONS, window)?);
        theirs = theirs.max(fetch(
            nginx.address,
            "/part.m4s",
            body.len(),
            CONNECTIONS,
            window,
        )?);
    }
    move_to("0-1")?;
    let peer = Figure {
        who: "nginx, page cache, sendfile",
        value: theirs / 1e3,
    };
    let what = format!("part of {} kB over HTTP, one core", body.len() / 1_000);
    report.rows.push(
        Row::rate(what, ours / 1e3, "k/s")
            .against([peer])
            .target(Target::Times(BESIDE_NGINX)),
    );
    Ok(())
}

/// The URI of the last part that a playlist lists.
fn last_part(playlist: &str) -> Option<String> {
    let lines = playlist.lines().rev();
    let mut parts = lines.filter(|line| line.starts_with("#EXT-X-PART:"));
    let (_, uri) = parts.next()?.split_once("URI=\"")?;
    Some(uri.split_once('"')?.0.to_owned())
}

/// Puts this thread on these processors.
fn move_to(cpus: &str) -> Result<(), String> {
    let id = std::process::id().to_string();
    let moved = Command::new("taskset")
        .args(["--cpu-list", "--pid", cpus, &id])
        .output();
    match moved {
        Ok(output) if output.status.success() => Ok(()),
        other => Err(format!("taskset: {other:?}")),
    }
}

/// One process of nginx that serves one file and ends with this value.
#[derive(Debug)]
struct Nginx {
    address: SocketAddr,
    folder: PathBuf,
    _process: Process,
}

impl Nginx {
    fn start(body: &[u8]) -> Result<Self, String> {
        let address = free_port()?;
        let folder = std::env::temp_dir().join(format!("backline-parts-{}", std::process::id()));
        let write = |name: &str, bytes: &[u8]| {
            std::fs::create_dir_all(&folder)
                .and_then(|()| std::fs::write(folder.join(name), bytes))
                .map_err(|error| format!("{}: {error}", folder.display()))
        };
        write("part.m4s", body)?;
        let text = format!(
            "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {0}/errors error;\n\
             events {{ worker_connections 1024; }}\nhttp {{ access_log off; sendfile on; tcp_nopush on; \
             keepalive_requests 100000000; open_file_cache max=16; \
             server {{ listen {address}; root {0}; }} }}\n",
            folder.display()
        );
        write("nginx.conf", text.as_bytes())?;
        let mut command = pinned(SERVER_CPU, Path::new("nginx"));
        command.arg("-c").arg(folder.join("nginx.conf"));
        command.arg("-p").arg(&folder);
        let (process, _) = spawn(command)?;
        listens(address, "nginx")?;
        Ok(Self {
            address,
            folder,
            _process: process,
        })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
