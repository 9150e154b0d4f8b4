//! Misses of the orders of eviction on a trace, beside libcachesim on the same one.

use crate::report::{Figure, Progress, Report, Row, Target};
use crate::wire::Noise;
use backline_cache::evict::{Gdsf, S3Fifo};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Requests in order: which object, of how many bytes.
type Trace = Vec<(u64, u64)>;

/// Shares of the working set, in per cent, that the cache has room for.
const SHARES: [u64; 4] = [1, 2, 20, 30];

/// So many points worse than the peer is still as good.
const TOLERANCE: f64 = 0.5;

/// Misses in per cent, of requests and of bytes.
#[derive(Clone, Copy, Debug)]
struct Misses {
    requests: f64,
    bytes: f64,
}

/// Adds the rows of the made trace and of the one in a file.
pub(super) fn score(
    report: &mut Report,
    progress: &mut Progress,
    file: Option<&Path>,
) -> Result<(), String> {
    progress.show("eviction, a made trace");
    rows(report, "Zipf", &zipf(300_000, 30_000));
    report
        .notes
        .push("Zipf: 300,000 made requests for 30,000 objects, exponent 0.9".to_owned());
    if let Some(path) = file {
        progress.show("eviction, the trace in the file");
        let trace = read(path).map_err(|wrong| format!("{}: {wrong}", path.display()))?;
        let name = path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        rows(report, &name, &trace);
        report
            .notes
            .push(format!("{name}: {} requests", trace.len()));
    }
    Ok(())
}

fn rows(report: &mut Report, name: &str, trace: &Trace) {
    let sizes: BTreeMap<u64, u64> = trace.iter().rev().copied().collect();
    let all: u64 = sizes.values().sum();
    let capacities = SHARES.map(|share| all * share / 100);
    let peer = libcachesim(trace, &capacities);
    if peer.is_none() {
        report.notes.push(format!(
            "{name}: libcachesim is not there to compare with: .ci/install installs it"
        ));
    }
    let mut peer = peer.into_iter().flatten();
    for (share, capacity) in SHARES.into_iter().zip(capacities) {
        let ours = [
            ("S3-FIFO", play(&mut S3Fifo::new(capacity), capacity, trace)),
            ("GDSF", play(&mut Gdsf::new(capacity), capacity, trace)),
        ];
        for (order, ours) in ours {
            let theirs = peer.next();
            let what = format!("{name}, room for {share} %, {order}");
            let mut add = |of: &str, ours: f64, theirs: Option<f64>| {
                let row = Row::cost(format!("{what}, {of} missed"), ours, "%");
                report.rows.push(match theirs {
                    None => row,
                    Some(value) => row
                        .against([Figure {
                            who: "libcachesim 0.3.5",
                            value,
                        }])
                        .target(Target::AtMost(value + TOLERANCE)),
                });
            };
            add(
                "requests",
                ours.requests,
                theirs.map(|misses| misses.requests),
            );
            add("bytes", ours.bytes, theirs.map(|misses| misses.bytes));
        }
    }
}

/// What is asked of an order.
trait Order {
    fn admits(&self, bytes: u64) -> bool;
    fn bytes(&self) -> u64;
    fn evict(&mut self) -> Option<u32>;
    fn insert(&mut self, id: u32, hash: u64, bytes: u64);
    fn touch(&mut self, id: u32);
}

macro_rules! order {
    ($($name:ty),*) => {$(
        impl Order for $name {
            fn admits(&self, bytes: u64) -> bool {
                <$name>::admits(self, bytes)
            }
            fn bytes(&self) -> u64 {
                <$name>::bytes(self)
            }
            fn evict(&mut self) -> Option<u32> {
                <$name>::evict(self)
            }
            fn insert(&mut self, id: u32, hash: u64, bytes: u64) {
                <$name>::insert(self, id, hash, bytes);
            }
            fn touch(&mut self, id: u32) {
                <$name>::touch(self, id);
            }
        }
    )*};
}
order!(Gdsf, S3Fifo);

/// Plays a trace, and checks after each request that no more is held than there is room for.
fn play(order: &mut impl Order, capacity: u64, trace: &Trace) -> Misses {
    let (mut ids, mut keys, mut free) = (BTreeMap::new(), Vec::new(), Vec::new());
    let (mut missed, mut missed_bytes, mut bytes_asked) = (0_u64, 0, 0);
    for &(key, bytes) in trace {
        bytes_asked += bytes;
        if let Some(&id) = ids.get(&key) {
            order.touch(id);
            continue;
        }
        missed += 1;
        missed_bytes += bytes;
        if !order.admits(bytes) {
            continue;
        }
        while order.bytes() + bytes > capacity {
            let id = order.evict().expect("something is held");
            ids.remove(&keys[id as usize]);
            free.push(id);
        }
        let id = free.pop().unwrap_or_else(|| {
            keys.push(0);
            keys.len() as u32 - 1
        });
        keys[id as usize] = key;
        ids.insert(key, id);
        order.insert(id, key, bytes);
        assert!(order.bytes() <= capacity, "more is held than there is room");
    }
    Misses {
        requests: percent(missed, trace.len() as u64),
        bytes: percent(missed_bytes, bytes_asked),
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}

/// Requests whose popularity falls with the rank, and sizes from 1 kB to 1 MB that have nothing to do with it.
fn zipf(requests: usize, objects: u64) -> Trace {
    let mut noise = Noise::new(52);
    let mut heights = Vec::new();
    let mut sum = 0.0;
    for rank in 1..=objects {
        sum += (rank as f64).powf(-0.9);
        heights.push(sum);
    }
    let sizes: Vec<u64> = (0..objects)
        .map(|_| {
            let doubled = noise.next() % 10;
            (1000 + noise.next() % 1000) << doubled
        })
        .collect();
    (0..requests)
        .map(|_| {
            let draw = noise.next() as f64 / u64::MAX as f64 * sum;
            let rank = heights
                .partition_point(|height| *height < draw)
                .min(sizes.len() - 1);
            (rank as u64, sizes[rank])
        })
        .collect()
}

/// Reads a trace: comma-separated, with a header that names its columns.
fn read(path: &Path) -> Result<Trace, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines
        .next()
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .collect();
    let column = |names: &[&str]| {
        header
            .iter()
            .position(|column| names.contains(column))
            .ok_or_else(|| format!("no column is named {}", names.join(" or ")))
    };
    let object = column(&["lbn", "obj_id", "object", "id", "obj"])?;
    let size = column(&["size", "obj_size", "bytes"])?;
    let mut trace = Vec::new();
    for (index, line) in lines.enumerate() {
        let cell = |at: usize| line.split(',').nth(at)?.trim().parse::<u64>().ok();
        let (Some(object), Some(size)) = (cell(object), cell(size)) else {
            return Err(format!("line {} is not of that form: {line}", index + 2));
        };
        trace.push((object, size));
    }
    if trace.is_empty() {
        return Err("no request is in it".to_owned());
    }
    Ok(trace)
}

const PROGRAM: &str = "
import sys, libcachesim as lcs
def reader():
    init = lcs.ReaderInitParam(ignore_obj_size=False, has_header=True, has_header_set=True, delimiter=',')
    init.time_field, init.obj_id_field, init.obj_size_field = 1, 2, 3
    return lcs.TraceReader(sys.argv[1], trace_type=lcs.TraceType.CSV_TRACE, reader_init_params=init)
for size in map(int, sys.argv[2:]):
    for policy in (lcs.S3FIFO, lcs.GDSF):
        print(*policy(cache_size=size).process_trace(reader()))
";

/// What the peer misses, in the order of the rows; `None` where it is not installed.
fn libcachesim(trace: &Trace, capacities: &[u64]) -> Option<Vec<Misses>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let python = root.join("target/peers/venv/bin/python");
    let installed = Command::new(&python)
        .args(["-c", "import libcachesim"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !installed {
        return None;
    }
    let path: PathBuf =
        std::env::temp_dir().join(format!("backline-trace-{}.csv", std::process::id()));
    let mut csv = String::from("time,id,size\n");
    for (time, (key, bytes)) in trace.iter().enumerate() {
        csv += &format!("{time},{key},{bytes}\n");
    }
    std::fs::write(&path, csv).expect("there is room for the trace");
    let output = Command::new(python)
        .args(["-c", PROGRAM])
        .arg(&path)
        .args(capacities.iter().map(u64::to_string))
        .output()
        .expect("it was started before");
    std::fs::remove_file(&path).expect("it was written");
    assert!(
        output.status.success(),
        "libcachesim: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("its figures are text");
    let misses = text.lines().map(|line| {
        let mut figures = line
            .split_whitespace()
            .map(|word| 100.0 * word.parse::<f64>().expect("a share"));
        Misses {
            requests: figures.next().expect("a share of requests"),
            bytes: figures.next().expect("a share of bytes"),
        }
    });
    Some(misses.collect())
}

#[cfg(test)]
mod tests {
    use super::{play, read, zipf};
    use backline_cache::evict::{Gdsf, S3Fifo};

    #[test]
    fn ev_1_each_order_is_better_at_what_it_is_for() {
        let trace = zipf(60_000, 6_000);
        let capacity = 100_000_000;
        let media = play(&mut S3Fifo::new(capacity), capacity, &trace);
        let small = play(&mut Gdsf::new(capacity), capacity, &trace);
        assert!(small.requests < media.requests, "{small:?} {media:?}");
        assert!(media.bytes < small.bytes, "{small:?} {media:?}");
    }

    #[test]
    fn a_trace_is_read_by_the_names_of_its_columns() {
        let path = std::env::temp_dir().join(format!("backline-read-{}.csv", std::process::id()));
        let read_text = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let trace = read(&path);
            std::fs::remove_file(&path).unwrap();
            trace
        };
        let trace = read_text("version,time,op,size,lbn\n1,5,2a,512,42\n1,6,2a,1024,43\n");
        assert_eq!(trace, Ok(vec![(42, 512), (43, 1024)]));
        let error = read_text("time,size\n1,2\n").unwrap_err();
        assert!(error.contains("lbn or"), "{error}");
        let error = read_text("id,size\n1,2\n1,x\n").unwrap_err();
        assert_eq!(error, "line 3 is not of that form: 1,x");
        assert_eq!(read_text("id,size\n").unwrap_err(), "no request is in it");
    }
}
