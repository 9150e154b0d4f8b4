//! The configurations of caches that are shipped, with the real programs: a crowd on one stream of origin requests.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Barrier;

use crate::harness::collect::{self, playlist};
use crate::harness::node::{KEY, Node};
use crate::harness::players::{Habit, Log, lock, play};
use crate::harness::pop::Pop;
use crate::harness::process::Process;
use crate::harness::publisher::Camera;
use crate::harness::tools::{Scratch, free_port};
use crate::harness::{full, http, stage, within};
use crate::tidy::root;

/// Players; each has two connections.
const VIEWERS: usize = 300;

/// A running cache in front of a node.
struct Cache {
    process: Process,
    address: SocketAddr,
    _scratch: Scratch,
}

impl Cache {
    fn varnish(origin: SocketAddr) -> Self {
        let scratch = Scratch::new();
        let path = configuration(
            "varnish.vcl",
            scratch.path(),
            &[
                ("\"127.0.0.1\"", format!("\"{}\"", origin.ip())),
                ("\"8080\"", format!("\"{}\"", origin.port())),
            ],
        );
        let port = free_port();
        let mut command = Command::new("varnishd");
        command.args([
            "-F",
            "-j",
            "none",
            "-s",
            "malloc,256m",
            "-s",
            "Transient=malloc,64m",
        ]);
        command.args(["-p", "thread_pool_min=200"]);
        command.args(["-a", &format!("127.0.0.1:{port}"), "-f", &path, "-n"]);
        command.arg(scratch.path().join("work"));
        Self::started(Process::spawn(&mut command), port, scratch)
    }

    fn nginx(origin: SocketAddr) -> Self {
        let scratch = Scratch::new();
        let port = free_port();
        let folder = scratch.path().display();
        let path = configuration(
            "nginx.conf",
            scratch.path(),
            &[
                ("127.0.0.1:8080", origin.to_string()),
                ("listen 80;", format!("listen 127.0.0.1:{port};")),
                ("/dev/shm/backline", format!("{folder}/cache")),
            ],
        );
        // What a machine's own nginx.conf has around the file.
        let around = format!(
            "daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log; worker_rlimit_nofile 8192;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; include {path}; }}\n"
        );
        let path = scratch.path().join("around.conf");
        std::fs::write(&path, around).expect("the scratch folder takes files");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&path).arg("-p").arg(scratch.path());
        Self::started(Process::spawn(&mut command), port, scratch)
    }

    fn started(process: Process, port: u16, scratch: Scratch) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        // The first start of Varnish compiles its configuration.
        within(Duration::from_secs(20), "the cache answers", || {
            let answer = http::try_get(address, "/live/", &[]).ok()?;
            (answer.status == 200).then_some(())
        });
        Self {
            process,
            address,
            _scratch: scratch,
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // Its own children go with it only when it is asked to end.
        self.process.signal("TERM");
        self.process.wait(Duration::from_secs(10));
    }
}

/// The shipped file with what a test has to set, and where it is now.
fn configuration(name: &str, folder: &Path, set: &[(&str, String)]) -> String {
    let shipped = root().join("examples/edge-node/caches").join(name);
    let mut text = std::fs::read_to_string(shipped).expect("the configuration is shipped");
    for (what, with) in set {
        assert!(text.contains(what), "{name} has no {what}");
        text = text.replace(what, with);
    }
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the scratch folder takes files");
    path.display().to_string()
}

/// What a playlist request waits for.
fn point(url: &str) -> (u64, u64) {
    let value = |name: &str| {
        let (_, rest) = url
            .split_once(name)
            .unwrap_or_else(|| panic!("{url}: no {name}"));
        let digits = rest.split('&').next().unwrap_or(rest);
        digits.parse().unwrap_or_else(|_| panic!("{url}: {digits}"))
    };
    (value("_HLS_msn="), value("_HLS_part="))
}

/// How much later than at the origin answers came, in milliseconds: sorted.
struct Waits(Vec<f64>);

impl Waits {
    fn at(&self, quantile: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a rank among some thousands"
        )]
        let rank = ((self.0.len() - 1) as f64 * quantile) as usize;
        self.0[rank]
    }
}

/// What a crowd behind a cache saw, and one player at the origin beside it.
struct Watched {
    crowd: Log,
    alone: Log,
    /// What the origin answered meanwhile, by class.
    lists: f64,
    parts: f64,
}

fn watch(node: &Node, cache: SocketAddr, length: Duration) -> Watched {
    let uri = collect::picture_uri(&node.wait_until_live());
    let asked = |class: &str| {
        node.metric(&format!(
            "backline_http_requests_total{{class=\"{class}\",code=\"2xx\"}}"
        ))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let (crowd, alone) = (
        Arc::new(Mutex::<Log>::default()),
        Arc::new(Mutex::<Log>::default()),
    );
    let (lists, parts) = runtime.block_on(async {
        let start = Arc::new(Barrier::new(VIEWERS + 2));
        let until = Instant::now() + length;
        let player = |server, habit, log: &Arc<Mutex<Log>>| {
            let start = Arc::clone(&start);
            tokio::spawn(play(
                server,
                uri.clone(),
                habit,
                start,
                until,
                Arc::clone(log),
            ))
        };
        let plain = Habit {
            gzip: false,
            odd: None,
        };
        let mut players = vec![player(node.http, plain, &alone)];
        for number in 0..VIEWERS {
            let odd = (number % 3 == 1).then_some(number);
            let gzip = number % 2 == 0;
            players.push(player(cache, Habit { gzip, odd }, &crowd));
        }
        start.wait().await;
        // All have their first playlist: from here on each request is for something new.
        let before = (asked("playlist"), asked("part"));
        start.wait().await;
        for player in players {
            player.await.expect("a player got what it asked for");
        }
        (asked("playlist") - before.0, asked("part") - before.1)
    });
    let taken = |log: &Mutex<Log>| std::mem::take(&mut *lock(log));
    Watched {
        crowd: taken(&crowd),
        alone: taken(&alone),
        lists,
        parts,
    }
}

impl Watched {
    fn urls(log: &Log, ending: &str) -> BTreeSet<String> {
        let path = |url: &str| {
            url.split('?')
                .next()
                .is_some_and(|path| path.ends_with(ending))
        };
        log.bodies.keys().filter(|url| path(url)).cloned().collect()
    }

    /// The origin was asked once for each object, and by its own player.
    fn assert_one_stream(&self) {
        for (ending, asked) in [("m3u8", self.lists), ("m4s", self.parts)] {
            let (crowd, alone) = (
                Self::urls(&self.crowd, ending),
                Self::urls(&self.alone, ending),
            );
            println!(
                "{ending}: the origin answered {asked}: {} to its own player, {} URLs of the crowd",
                alone.len(),
                crowd.len()
            );
            assert!(
                crowd.len() > 20,
                "the crowd saw {} of {ending}",
                crowd.len()
            );
            #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
            let expected = (crowd.len() + alone.len()) as f64;
            assert_eq!(
                asked, expected,
                "requests for {ending} that reached the origin"
            );
        }
    }

    /// Everybody got what the origin gives.
    fn assert_same_as_origin(&self) {
        let mut compared = 0;
        for (url, bodies) in &self.crowd.bodies {
            assert_eq!(bodies.len(), 1, "{url} came in several versions");
            if url.contains("m3u8") {
                continue;
            }
            let Some(there) = self.alone.bodies.get(url) else {
                continue;
            };
            compared += 1;
            assert!(there == bodies, "{url} differs from the origin's");
        }
        assert!(compared > 20, "{compared} parts could be compared");
        let text = |log: &Log| -> Vec<((u64, u64), String)> {
            let lists = log
                .bodies
                .iter()
                .filter(|(url, _)| url.contains("_HLS_msn"));
            lists
                .map(|(url, bodies)| {
                    (
                        point(url),
                        bodies.values().next().cloned().unwrap_or_default(),
                    )
                })
                .map(|(asked, body)| (asked, String::from_utf8(body).expect("a playlist is text")))
                .collect()
        };
        let versions: BTreeSet<String> = text(&self.alone)
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        let mut known = 0;
        let crowd = text(&self.crowd);
        for ((msn, part), text) in &crowd {
            let media = crate::harness::playlist::Media::parse(text).expect("a playlist");
            assert!(
                media.has_reached(*msn, *part),
                "{msn}.{part} was answered early"
            );
            known += usize::from(versions.contains(text));
        }
        println!(
            "{known} of {} playlists are among those that the origin's own player saw",
            crowd.len()
        );
        assert!(
            known * 10 >= crowd.len() * 9,
            "playlists that the origin never wrote"
        );
    }

    /// How much later than at the origin the answers for `ending` came to those who had asked in time.
    fn waits(&self, ending: &str) -> Waits {
        let mut waits = Vec::new();
        for seen in self
            .crowd
            .answers
            .iter()
            .filter(|seen| seen.url.contains(ending))
        {
            let there = self
                .alone
                .answers
                .iter()
                .find(|other| other.url == seen.url);
            let Some(there) = there else { continue };
            if seen.asked < there.last_byte {
                let late = seen.last_byte.saturating_duration_since(there.last_byte);
                waits.push(late.as_secs_f64() * 1e3);
            }
        }
        waits.sort_by(f64::total_cmp);
        println!(
            "{ending}: added wait of {} held requests ms: p50 {:.1} p90 {:.1} p99 {:.1} max {:.1}",
            waits.len(),
            Waits(waits.clone()).at(0.5),
            Waits(waits.clone()).at(0.9),
            Waits(waits.clone()).at(0.99),
            Waits(waits.clone()).at(1.0),
        );
        Waits(waits)
    }
}

/// Twenty seconds, or a minute where the exact figures are wanted.
fn length() -> Duration {
    Duration::from_secs(if full() { 60 } else { 20 })
}

#[test]
#[ignore = "needs ffmpeg, varnish"]
fn three_hundred_viewers_behind_varnish_are_one_stream_of_origin_requests() {
    let _machine = stage::alone();
    drop(rlimit::increase_nofile_limit(8_192));
    let node = Node::start(&[]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    let cache = Cache::varnish(node.http);
    let watched = watch(&node, cache.address, length());
    watched.assert_same_as_origin();
    watched.assert_one_stream();
    let most = if full() { 50.0 } else { 500.0 };
    for ending in ["m3u8", "m4s"] {
        let p99 = watched.waits(ending).at(0.99);
        assert!(
            p99 <= most,
            "{ending}: {p99} ms later than at the origin, {most} at most"
        );
    }
}

#[test]
#[ignore = "needs ffmpeg, nginx"]
fn three_hundred_viewers_behind_nginx_are_one_fetch_an_object() {
    let _machine = stage::alone();
    drop(rlimit::increase_nofile_limit(8_192));
    let node = Node::start(&["--part-ms", "500"]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    let cache = Cache::nginx(node.http);
    let watched = watch(&node, cache.address, length());
    watched.assert_same_as_origin();
    watched.assert_one_stream();
    // A waiting request looks again each half second.
    let most = if full() { 600.0 } else { 1_000.0 };
    for ending in ["m3u8", "m4s"] {
        let p99 = watched.waits(ending).at(0.99);
        assert!(
            p99 <= most,
            "{ending}: {p99} ms later than at the origin, {most} at most"
        );
    }
}

/// FILL-1, TOPO-1, Q1, Q8: our own cache is one stream of requests as well, and its waiters do not poll.
#[test]
#[ignore = "needs ffmpeg"]
fn fill_1_three_hundred_viewers_behind_edge_cache_are_one_fetch_an_object() {
    let _machine = stage::alone();
    drop(rlimit::increase_nofile_limit(8_192));
    let node = Node::start(&[]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    let cache = Pop::start(node.http, &["--noise", "viewer", "--noise", "x"]);
    let watched = watch(&node, cache.http, length());
    watched.assert_same_as_origin();
    watched.assert_one_stream();
    let most = if full() { 50.0 } else { 500.0 };
    for ending in ["m3u8", "m4s"] {
        let p99 = watched.waits(ending).at(0.99);
        assert!(
            p99 <= most,
            "{ending}: {p99} ms later than at the origin, {most} at most"
        );
    }
}

/// What a cache may keep of an error, and for how long (DEL-9, DEL-11): nobody takes a part away from the others.
fn errors_pass(node: &Node, cache: &Cache) {
    let uri = collect::picture_uri(&node.wait_until_live());
    let folder = collect::folder(&uri);
    let begun = Instant::now();
    let mut tried = 0;
    while begun.elapsed() < Duration::from_secs(6) {
        let media = playlist(node.http, &uri, None).media;
        let (_, hint) = media
            .hints
            .iter()
            .find(|(kind, _)| kind == "PART")
            .expect("a hint")
            .clone();
        let number = hint.trim_start_matches('p').trim_end_matches(".m4s");
        let number: u64 = number.parse().expect("a part's name has its number");
        let (msn, _) = media.next();
        for early in 1..4 {
            let path = format!("{folder}p{}.m4s", number + early);
            let status = http::get(cache.address, &path).status;
            assert!(status == 404 || status == 200, "{path}: {status}");
            let path = format!("/live/{uri}?_HLS_msn={}&_HLS_part=0", msn + 1 + early);
            let status = http::get(cache.address, &path).status;
            assert!(status == 400 || status == 200, "{path}: {status}");
        }
        // And those who come in time get it.
        let path = format!("{folder}{hint}");
        assert_eq!(http::get(cache.address, &path).status, 200, "{path}");
        let path = format!("/live/{uri}?_HLS_msn={msn}&_HLS_part={}", media.next().1);
        assert_eq!(http::get(cache.address, &path).status, 200, "{path}");
        // A repeated directive is refused at the origin; it must not be kept under the name of a good request.
        let (next, part) = playlist(node.http, &uri, None).media.next();
        let bad = format!("/live/{uri}?_HLS_msn={next}&_HLS_msn={next}&_HLS_part={part}");
        http::get(cache.address, &bad);
        let good = format!("/live/{uri}?_HLS_msn={next}&_HLS_part={part}");
        assert_eq!(
            http::get(cache.address, &good).status,
            200,
            "{good} after {bad}"
        );
        tried += 1;
    }
    assert!(tried > 5, "only {tried} rounds");
    for path in ["/metrics", "/api/live/obs.json", "/api/none"] {
        assert_eq!(
            http::get(cache.address, path).status,
            404,
            "{path} is not for the audience"
        );
    }
    for path in ["/", "/live/", "/web/page.js", "/api/status", "/api/clock"] {
        let answer = http::get(cache.address, path);
        assert_eq!(answer.status, 200, "{path}");
    }
    let whole = http::get(cache.address, &format!("/live/{uri}"));
    assert_eq!(
        whole.header("content-type"),
        Some("application/vnd.apple.mpegurl")
    );
    assert_eq!(whole.header("access-control-allow-origin"), Some("*"));
}

/// A publisher that was away for longer than a hold comes back: the error that ended the hold is not in the way.
fn returns_are_seen(node: &Node, cache: &Cache) {
    let camera = Camera::default().publish(&node.publish_url(KEY));
    let uri = collect::picture_uri(&node.wait_until_live());
    drop(camera);
    std::thread::sleep(Duration::from_millis(500));
    let (msn, part) = playlist(node.http, &uri, None).media.next();
    let path = format!("/live/{uri}?_HLS_msn={msn}&_HLS_part={part}");
    // Several, of whom one is the origin's; all hear the same when the hold is over (DEL-7).
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let (address, path) = (cache.address, path.clone());
            std::thread::spawn(move || http::get(address, &path))
        })
        .collect();
    for one in waiting {
        let answer = one.join().expect("it was answered");
        assert_eq!(answer.status, 503, "{path}");
        let held = answer.last_byte - answer.asked;
        assert!(held < Duration::from_secs(9), "held for {held:?}");
    }
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    let listed = || http::get(node.http, &path).status == 200;
    within(Duration::from_secs(20), "the publisher is back", || {
        listed().then_some(())
    });
    let back = Instant::now();
    within(
        Duration::from_secs(5),
        "it is back behind the cache",
        || (http::get(cache.address, &path).status == 200).then_some(()),
    );
    println!("behind the cache {:?} after the origin", back.elapsed());
    assert!(
        back.elapsed() < Duration::from_secs(3),
        "{:?}",
        back.elapsed()
    );
}

#[test]
#[ignore = "needs ffmpeg, varnish"]
fn del_7_a_publisher_that_returns_is_seen_behind_varnish() {
    let _machine = stage::shared();
    let node = Node::start(&["--absence", "wait"]);
    returns_are_seen(&node, &Cache::varnish(node.http));
}

#[test]
#[ignore = "needs ffmpeg, nginx"]
fn del_7_a_publisher_that_returns_is_seen_behind_nginx() {
    let _machine = stage::shared();
    let node = Node::start(&["--absence", "wait"]);
    returns_are_seen(&node, &Cache::nginx(node.http));
}

#[test]
#[ignore = "needs ffmpeg, varnish, chromium, node"]
fn hls_js_plays_behind_varnish() {
    let _machine = stage::alone();
    let node = Node::start(&[]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    let cache = Cache::varnish(node.http);
    let uri = collect::picture_uri(&node.wait_until_live());
    let seen = crate::ladder::levels(&format!("http://{}/", cache.address));
    println!("{seen}");
    assert_eq!(seen["errors"], serde_json::json!([]));
    // What a cache adds: how long it has had it (RFC 9111), and how the answer came about (RFC 9211).
    let media = playlist(node.http, &uri, None).media;
    let part = format!(
        "{}{}",
        collect::folder(&uri),
        media.segments.last().expect("closed").parts[0].uri
    );
    http::get(cache.address, &part);
    let again = http::get(cache.address, &part);
    assert!(again.header("age").is_some(), "{:?}", again.headers);
    let status = again.header("cache-status").unwrap_or_default();
    assert!(
        status.starts_with("backline; ") && status.ends_with("varnish; hit"),
        "{status}"
    );
}

#[test]
#[ignore = "needs ffmpeg, varnish"]
fn del_11_varnish_keeps_no_error_that_passes() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    errors_pass(&node, &Cache::varnish(node.http));
}

#[test]
#[ignore = "needs ffmpeg, nginx"]
fn del_11_nginx_keeps_no_error_that_passes() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    errors_pass(&node, &Cache::nginx(node.http));
}
