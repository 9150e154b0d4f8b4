//! A part from the node's memory, beside nginx that has the same bytes in the page cache, and beside a loop that
//! does nothing but write them.

use super::live::media_playlist;
use crate::live::{
    Camera, KEY, Node, Process, SERVER_CPU, fetch, free_port, get, listens, pinned, spawn,
};
use crate::report::{Figure, Progress, Report, Row, Target};
use bytes::{Buf as _, Bytes};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const CONNECTIONS: usize = 16;
/// Four take part in each turn; all turns together are over before the part has gone.
const TURNS: u32 = 5;
const WINDOW: Duration = Duration::from_millis(400);
/// Processor of the readers; the server has [`SERVER_CPU`].
const READERS_CPU: &str = "1";
/// The file that nginx serves.
const FILE: &str = "/part.m4s";
/// Ours may not be further behind nginx.
const BESIDE_NGINX: f64 = 0.85;

/// Adds the row.
pub(super) fn score(report: &mut Report, progress: &mut Progress) -> Result<(), String> {
    let node = Node::start_pinned()?;
    let camera = Camera::start(node.rtmp, KEY);
    let playlist = media_playlist(&node)?;
    let part = last_part(&node.get(&playlist)).ok_or("a playlist without parts")?;
    let path = playlist.replace("index.m3u8", &part);
    // A processor of its own for the answers: the part stays for twelve seconds after its publisher has left.
    drop(camera);
    let body = get(node.http, &path)?;
    let nginx = Nginx::start(&body)?;
    for address in [nginx.sendfile, nginx.buffer] {
        if get(address, FILE)? != body {
            return Err("nginx serves other bytes".to_owned());
        }
    }
    let body = Bytes::from(body);
    let fetch = |http, path: &str| fetch(http, path, body.len(), CONNECTIONS, WINDOW);
    move_to(READERS_CPU)?;
    let [mut ours, mut sendfile, mut buffer, mut bare] = [0.0_f64; 4];
    for turn in 1..=TURNS {
        progress.show(&format!("a part, again and again, {turn} of {TURNS}"));
        ours = ours.max(fetch(node.http, &path)?);
        sendfile = sendfile.max(fetch(nginx.sendfile, FILE)?);
        buffer = buffer.max(fetch(nginx.buffer, FILE)?);
        let (address, server) = serve_bare(&body)?;
        bare = bare.max(fetch(address, "/")?);
        server.join().map_err(|_| "the bare write loop failed")??;
    }
    move_to("0-1")?;
    let figure = |who, rate: f64| Figure {
        who,
        value: rate / 1e3,
    };
    let what = format!("part of {} kB over HTTP, one core", body.len() / 1_000);
    report.rows.push(
        Row::rate(what, ours / 1e3, "k/s")
            .against([
                figure("nginx, page cache, sendfile", sendfile),
                figure("nginx, page cache, one buffer", buffer),
            ])
            .target(Target::Times(BESIDE_NGINX)),
    );
    report.rows.push(
        Row::rate("the same, beside the bare loop", ours / 1e3, "k/s")
            .against([figure("a bare write loop", bare)]),
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
    let thread = std::fs::read_link("/proc/thread-self").map_err(|error| error.to_string())?;
    let id = thread.file_name().ok_or("a thread without a number")?;
    let moved = Command::new("taskset")
        .args(["--cpu-list", "--pid", cpus])
        .arg(id)
        .output();
    match moved {
        Ok(output) if output.status.success() => Ok(()),
        other => Err(format!("taskset: {other:?}")),
    }
}

/// What the machine can do without sendfile: a thread on [`SERVER_CPU`] writes the answer for whatever comes, on the
/// same runtime as the node. It ends when the readers of one turn have left.
fn serve_bare(body: &Bytes) -> Result<(SocketAddr, JoinHandle<Result<(), String>>), String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let body = body.clone();
    let server = std::thread::spawn(move || {
        move_to(SERVER_CPU)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        let served = runtime.and_then(|runtime| runtime.block_on(serve_turn(listener, body)));
        served.map_err(|error| error.to_string())
    });
    Ok((address, server))
}

async fn serve_turn(listener: std::net::TcpListener, body: Bytes) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    let head = Bytes::from(head);
    let mut readers = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        readers.push(tokio::spawn(write_only(socket, head.clone(), body.clone())));
    }
    for reader in readers {
        // A reader leaves in the middle of an answer when his time is over.
        drop(reader.await);
    }
    Ok(())
}

async fn write_only(mut socket: TcpStream, head: Bytes, body: Bytes) -> std::io::Result<()> {
    let mut request = [0; 1024];
    // A request comes in one piece: it is short, and the reader waits for the answer.
    while socket.read(&mut request).await? > 0 {
        let mut answer = head.clone().chain(body.clone());
        socket.write_all_buf(&mut answer).await?;
    }
    Ok(())
}

/// One process of nginx that serves one file and ends with this value.
#[derive(Debug)]
struct Nginx {
    /// Here it sends the file with sendfile, which is the way that it is known for.
    sendfile: SocketAddr,
    /// Here it reads the file into a buffer that takes it whole, and writes that: about as fast, and far faster than
    /// the two buffers of 32 kB that it has by default.
    buffer: SocketAddr,
    folder: PathBuf,
    _process: Process,
}

impl Nginx {
    fn start(body: &[u8]) -> Result<Self, String> {
        let (sendfile, buffer) = (free_port()?, free_port()?);
        let folder = std::env::temp_dir().join(format!("backline-parts-{}", std::process::id()));
        let write = |name: &str, bytes: &[u8]| {
            std::fs::create_dir_all(&folder)
                .and_then(|()| std::fs::write(folder.join(name), bytes))
                .map_err(|error| format!("{}: {error}", folder.display()))
        };
        write("part.m4s", body)?;
        let text = format!(
            "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {0}/errors error;\n\
             events {{ worker_connections 1024; }}\nhttp {{ access_log off; tcp_nopush on; root {0}; \
             keepalive_requests 100000000; open_file_cache max=16; \
             server {{ listen {sendfile}; sendfile on; }} \
             server {{ listen {buffer}; sendfile off; output_buffers 1 {1}; }} }}\n",
            folder.display(),
            body.len()
        );
        write("nginx.conf", text.as_bytes())?;
        let mut command = pinned(SERVER_CPU, Path::new("nginx"));
        command.arg("-c").arg(folder.join("nginx.conf"));
        command.arg("-p").arg(&folder);
        let (process, _) = spawn(command)?;
        listens(buffer, "nginx")?;
        Ok(Self {
            sendfile,
            buffer,
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
