//! Ingest: 1,000 publishers in real time, ours beside nginx-rtmp, each on one processor with the publishers on another.

use crate::live::{Process, SERVER_CPU, free_port, line, listens, pinned, spawn};
use crate::report::{Figure, Progress, Report, Row, Target};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PUBLISHERS: u32 = 1000;
/// Processor of the publishers; the server has [`SERVER_CPU`].
const PUBLISHERS_CPU: &str = "1";
/// Until all publish, with their second group of pictures begun.
const SETTLE: Duration = Duration::from_secs(4);
/// The kernel counts processor time in this unit (proc(5), `_SC_CLK_TCK` on Linux).
const TICKS_A_SECOND: f64 = 100.0;
/// Debian's path of the module.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// What one run came to.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// Share of one processor, in percent.
    cpu: f64,
    /// Resident kilobytes that each connection added.
    memory: f64,
}

/// Adds the rows of this area.
pub fn score(report: &mut Report, progress: &mut Progress, full: bool) {
    if let Err(why) = try_score(report, progress, full) {
        // A missing row would look like a target that is met.
        report
            .rows
            .push(Row::cost(format!("ingest: {why}"), f64::NAN, "").target(Target::AtMost(0.0)));
    }
}

fn try_score(report: &mut Report, progress: &mut Progress, full: bool) -> Result<(), String> {
    let (turns, window) = if full { (5, 20) } else { (2, 10) };
    let window = Duration::from_secs(window);
    let (mut ours, mut nginx): (Option<Cost>, Option<Cost>) = (None, None);
    let mut sent = Vec::new();
    for turn in 1..=turns {
        progress.show(&format!("ingest, ours, {turn} of {turns}"));
        let (cost, said) = measure(Server::ours()?, window)?;
        ours = Some(best(ours, cost));
        sent.push(format!("to ours {said}"));
        progress.show(&format!("ingest, nginx-rtmp, {turn} of {turns}"));
        let (cost, said) = measure(Server::nginx()?, window)?;
        nginx = Some(best(nginx, cost));
        sent.push(format!("to nginx-rtmp {said}"));
    }
    let (Some(ours), Some(nginx)) = (ours, nginx) else {
        return Err("no turn was taken".to_owned());
    };
    let row = |what: &str, unit, value: fn(Cost) -> f64| {
        let peer = Figure {
            who: "nginx-rtmp 1.2.2",
            value: value(nginx),
        };
        Row::cost(what, value(ours), unit)
            .against([peer])
            .target(Target::Times(1.0))
    };
    report.rows.push(row(
        "ingest of 1,000 publishers at 600 kb/s, share of one core",
        "%",
        |cost| cost.cpu,
    ));
    report.rows.push(row(
        "the same, resident memory a connection",
        "kB",
        |cost| cost.memory,
    ));
    report.notes.push(format!(
        "ingest: the least of {turns} turns of {} s each; sent {}",
        window.as_secs(),
        sent.join("; ")
    ));
    Ok(())
}

fn best(before: Option<Cost>, now: Cost) -> Cost {
    before.map_or(now, |before| Cost {
        cpu: before.cpu.min(now.cpu),
        memory: before.memory.min(now.memory),
    })
}

/// Lets all publishers publish to `server` and looks at what it costs meanwhile.
fn measure(server: Server, window: Duration) -> Result<(Cost, String), String> {
    let idle = server.resident()?;
    let mut load = pinned(PUBLISHERS_CPU, &beside("publishers")?);
    load.arg(server.address.to_string())
        .arg(PUBLISHERS.to_string());
    let (mut load, mut said) = spawn(load)?;
    line(&mut said)?;
    std::thread::sleep(SETTLE);
    let (began, before) = (Instant::now(), server.ticks()?);
    std::thread::sleep(window);
    let ticks = server.ticks()? - before;
    let cpu = 100.0 * ticks / TICKS_A_SECOND / began.elapsed().as_secs_f64();
    let memory = (server.resident()? - idle) / f64::from(PUBLISHERS);
    drop(load.0.stdin.take());
    let sent = line(&mut said)?;
    load.0.wait().map_err(|error| error.to_string())?;
    Ok((Cost { cpu, memory }, sent))
}

/// A server that ends with this value.
#[derive(Debug)]
struct Server {
    process: Process,
    address: SocketAddr,
    /// The folder of its configuration, if it has one.
    folder: Option<PathBuf>,
}

impl Server {
    fn ours() -> Result<Self, String> {
        let (process, mut said) = spawn(pinned(SERVER_CPU, &beside("ingest")?))?;
        let address = line(&mut said)?;
        let address = address
            .parse()
            .map_err(|_| format!("ingest said {address}"))?;
        Ok(Self {
            process,
            address,
            folder: None,
        })
    }

    /// One process, no recording, no HLS, no players: all that it does is to read.
    fn nginx() -> Result<Self, String> {
        let address = free_port()?;
        let folder = std::env::temp_dir().join(format!("backline-ingest-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let file = folder.join("nginx.conf");
        let text = format!(
            "load_module {MODULE};\ndaemon off;\nmaster_process off;\nworker_rlimit_nofile 8192;\n\
             pid {0}/pid;\nerror_log {0}/errors error;\nevents {{ worker_connections 4096; }}\n\
             rtmp {{ server {{ listen {address}; chunk_size 4096; application live {{ live on; record off; }} }} }}\n",
            folder.display()
        );
        std::fs::write(&file, text).map_err(|error| error.to_string())?;
        let mut command = pinned(SERVER_CPU, Path::new("nginx"));
        command.arg("-c").arg(&file).arg("-p").arg(&folder);
        let (process, _) = spawn(command)?;
        listens(address, "nginx with its rtmp module")?;
        Ok(Self {
            process,
            address,
            folder: Some(folder),
        })
    }

    /// User and system time, in ticks of the kernel.
    fn ticks(&self) -> Result<f64, String> {
        let text = self.proc("stat")?;
        // The second field is the name, in parentheses, which may have spaces in it; these are fields 14 and 15.
        let fields = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks = fields.split(' ').skip(11).take(2);
        let ticks: Vec<f64> = ticks.filter_map(|field| field.parse().ok()).collect();
        match ticks[..] {
            [user, system] => Ok(user + system),
            _ => Err(format!("an odd stat: {text}")),
        }
    }

    /// Kilobytes in memory.
    fn resident(&self) -> Result<f64, String> {
        let text = self.proc("status")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib = kib.and_then(|kib| kib.trim().parse::<f64>().ok());
        kib.map(|kib| kib * 1.024)
            .ok_or_else(|| "the server is gone".to_owned())
    }

    fn proc(&self, file: &str) -> Result<String, String> {
        let path = format!("/proc/{}/{file}", self.process.0.id());
        std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            std::fs::remove_dir_all(folder).ok();
        }
    }
}

/// A program that is built with this one.
fn beside(name: &str) -> Result<PathBuf, String> {
    let path = std::env::current_exe().map_err(|error| error.to_string())?;
    let path = path.with_file_name(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!(
            "{name} is not built: cargo build --release -p backline-benches"
        ))
    }
}
