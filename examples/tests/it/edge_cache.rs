//! `edge-cache` in front of servers that do what a test says: one fetch an object, and RFC 9111 as a shared cache.

mod reuse;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::http;
use crate::harness::pop::Pop;
use crate::harness::tools::Scratch;
use crate::harness::web::{Reply, Web};
use crate::harness::within;

/// Real clients, each on a connection of its own.
const CROWD: usize = 300;

/// Every one of a crowd asks for `path` at once.
fn crowd(pop: &Pop, path: &str) -> Vec<std::io::Result<http::Response>> {
    let start = Arc::new(Barrier::new(CROWD));
    let (server, path) = (pop.http, path.to_owned());
    let all: Vec<_> = (0..CROWD)
        .map(|_| {
            let (start, path) = (Arc::clone(&start), path.clone());
            thread::spawn(move || {
                start.wait();
                http::try_get(server, &path, &[])
            })
        })
        .collect();
    all.into_iter()
        .map(|one| one.join().expect("a client panicked"))
        .collect()
}

fn media() -> Vec<u8> {
    (0..100_000_u32).map(|n| (n % 251) as u8).collect()
}

/// FILL-1, TOPO-1: joining starts at the first request, before any header.
#[test]
fn fill_1_a_crowd_is_one_request_to_the_origin() {
    let web = Web::serve(|_| {
        Reply::ok(media())
            .with("Cache-Control", "max-age=60")
            .after(Duration::from_millis(400))
    });
    let pop = Pop::start(web.address, &[]);
    for answer in crowd(&pop, "/live/s1.m4s") {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200);
        assert!(answer.body == media(), "other bytes");
    }
    assert_eq!(web.count("/live/s1.m4s"), 1);
    let again = pop.get("/live/s1.m4s");
    assert!(Pop::said(&again).contains("; hit"), "{}", Pop::said(&again));
    assert_eq!(web.count("/live/s1.m4s"), 1);
}

/// FILL-3, Q11: what measures the client is no part of the key, and the order of a query is none either.
#[test]
fn fill_3_the_key_drops_cmcd_and_sorts_the_query() {
    let web = Web::serve(|_| Reply::ok("list").with("Cache-Control", "max-age=60"));
    let pop = Pop::start(web.address, &[]);
    for query in [
        "_HLS_msn=4&_HLS_part=2",
        "_HLS_part=2&_HLS_msn=4",
        "CMCD=bl%3D1200&_HLS_msn=4&_HLS_part=2",
    ] {
        let answer = pop.get(&format!("/live/index.m3u8?{query}"));
        assert_eq!(answer.text(), "list");
    }
    let counts = web.counts();
    assert_eq!(counts.len(), 1, "{counts:?}");
    assert_eq!(web.count("/live/index.m3u8?_HLS_msn=4&_HLS_part=2"), 1);
}

/// FILL-2, Q22: the fill belongs to the cache.
#[test]
fn fill_2_q22_the_first_viewer_leaves_and_the_others_get_it() {
    let web = Web::serve(|_| {
        Reply::ok(media())
            .with("Cache-Control", "max-age=60")
            .after(Duration::from_millis(500))
    });
    let pop = Pop::start(web.address, &[]);
    let first = std::net::TcpStream::connect(pop.http).expect("it listens");
    std::io::Write::write_all(&mut &first, b"GET /s.m4s HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("sent");
    within(Duration::from_secs(5), "the origin is asked", || {
        (web.count("/s.m4s") == 1).then_some(())
    });
    let server = pop.http;
    let second = thread::spawn(move || http::get(server, "/s.m4s"));
    thread::sleep(Duration::from_millis(100));
    drop(first);
    assert!(second.join().expect("no panic").body == media());
    assert_eq!(web.count("/s.m4s"), 1);
}

/// FILL-6: RFC 8586, 2.
#[test]
fn fill_6_a_loop_ends_with_508() {
    let web = Web::serve(|_| Reply::ok("page"));
    let pop = Pop::start(web.address, &["--name", "box-a"]);
    let answer = pop.get_with("/", &[("CDN-Loop", "other, box-a; v=1")]);
    assert_eq!(answer.status, 508);
    assert!(web.asked().is_empty());
    let answer = pop.get_with("/", &[("CDN-Loop", "other")]);
    assert_eq!(answer.status, 200);
    let sent = web.asked();
    let seen: Vec<&str> = sent[0].all("cdn-loop").collect();
    assert_eq!(seen, ["other", "box-a"]);
}

/// RWW-1: the first half is there while the second is not yet.
#[test]
fn rww_1_a_body_is_passed_on_while_it_comes() {
    let wait = Duration::from_millis(800);
    let web = Web::serve(move |_| {
        Reply::ok(media())
            .with("Cache-Control", "max-age=60")
            .halves(wait)
    });
    let pop = Pop::start(web.address, &[]);
    let server = pop.http;
    let late = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        http::get(server, "/film.mp4")
    });
    let first = pop.get("/film.mp4");
    assert!(first.body == media());
    assert!(first.last_byte - first.first_byte > wait / 2);
    assert!(late.join().expect("no panic").body == media());
    assert_eq!(web.count("/film.mp4"), 1);
}

/// RWW-3, Q31: a writer that fails never turns into a short 200, with a declared length or without.
#[test]
fn rww_3_q31_what_breaks_off_never_looks_whole() {
    let web = Web::serve(|asked| {
        let reply = Reply::ok(media()).with("Cache-Control", "max-age=60");
        let reply = if asked.target.contains("chunked") {
            reply.chunked()
        } else {
            reply
        };
        reply.halves(Duration::from_millis(300)).cut(60_000)
    });
    let pop = Pop::start(web.address, &[]);
    for path in ["/a.mp4", "/chunked.mp4"] {
        for answer in crowd(&pop, path) {
            let whole = answer.is_ok_and(|answer| answer.status == 200);
            assert!(!whole, "{path} came as a whole body");
        }
    }
}

/// RWW-4: ranges on finished and on growing bodies; RFC 8673's open end.
#[test]
fn rww_4_ranges_are_cut_from_one_fetch() {
    let web = Web::serve(|_| {
        Reply::ok(media())
            .with("Cache-Control", "max-age=60")
            .with("ETag", "\"v1\"")
            .halves(Duration::from_millis(500))
    });
    let pop = Pop::start(web.address, &[]);
    let body = media();
    let ranges = [
        ("bytes=10-19", 10..20),
        ("bytes=99990-", 99_990..100_000),
        ("bytes=-5", 99_995..100_000),
        ("bytes=70000-9007199254740991", 70_000..100_000),
    ];
    for (range, bytes) in ranges {
        let answer = pop.get_with("/film.mp4", &[("Range", range)]);
        assert_eq!(answer.status, 206, "{range}");
        assert!(answer.body == body[bytes.clone()], "{range}");
        let said = format!("bytes {}-{}/100000", bytes.start, bytes.end - 1);
        assert_eq!(answer.header("content-range"), Some(said.as_str()));
    }
    let beyond = pop.get_with("/film.mp4", &[("Range", "bytes=100000-")]);
    assert_eq!(beyond.status, 416);
    let other = [("Range", "bytes=0-1"), ("If-Range", "\"v0\"")];
    assert_eq!(pop.get_with("/film.mp4", &other).status, 200);
    assert_eq!(web.count("/film.mp4"), 1);
}

/// STALE-1: the origin is gone; what is there is served by its class, with its true age.
#[test]
fn stale_1_a_page_outlives_its_origin() {
    let up = Arc::new(AtomicBool::new(true));
    let works = Arc::clone(&up);
    let web = Web::serve(move |_| {
        if works.load(Ordering::Relaxed) {
            Reply::ok("<p>shirts</p>")
                .with("Cache-Control", "max-age=1, stale-if-error=600")
                .with("Content-Type", "text/html")
        } else {
            Reply::status(503, "no")
        }
    });
    let pop = Pop::start(web.address, &[]);
    assert_eq!(pop.get("/shop/").text(), "<p>shirts</p>");
    up.store(false, Ordering::Relaxed);
    thread::sleep(Duration::from_millis(2_100));
    let answer = pop.get("/shop/");
    assert_eq!((answer.status, answer.text()), (200, "<p>shirts</p>"));
    let age: u64 = answer
        .header("age")
        .expect("an age")
        .parse()
        .expect("it is a number");
    assert!((2..10).contains(&age), "Age: {age}");
    let said = Pop::said(&answer);
    assert!(said.contains("fwd=stale"), "{said}");
    assert_eq!(answer.header("warning"), None);
}

/// PROM-4, Q12: a 404 at the live edge is no memory of the cache.
#[test]
fn prom_4_q12_what_is_missing_at_the_live_edge_is_asked_for_again() {
    let there = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&there);
    let web = Web::serve(move |_| {
        if now.load(Ordering::Relaxed) {
            Reply::ok("part").with("Cache-Control", "max-age=60")
        } else {
            Reply::status(404, "not yet").with("Cache-Control", "max-age=1")
        }
    });
    let pop = Pop::start(web.address, &[]);
    assert_eq!(pop.get("/live/p9.m4s").status, 404);
    there.store(true, Ordering::Relaxed);
    let begun = Instant::now();
    within(Duration::from_secs(3), "the part is there", || {
        (pop.get("/live/p9.m4s").status == 200).then_some(())
    });
    println!("seen after {:?}", begun.elapsed());
}

/// The keeper's address: what is kept and why, purge by URL and prefix, metrics and the heartbeat (TOPO-2).
#[test]
fn topo_2_the_keeper_sees_and_purges() {
    let web = Web::serve(|_| Reply::ok("kept").with("Cache-Control", "max-age=600"));
    let pop = Pop::start(web.address, &[]);
    for path in ["/a/1.mp4", "/a/2.mp4", "/b/1.mp4"] {
        assert_eq!(pop.get(path).text(), "kept");
    }
    let page = http::get(pop.admin, "/");
    assert_eq!(page.status, 200);
    for shown in ["/a/1.mp4", "/b/1.mp4", "media"] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    for server in [pop.http, pop.admin] {
        assert_eq!(http::get(server, "/healthz").text(), "ok\n");
    }
    assert!(pop.metric("backline_cache_requests_total") >= 3.0);
    let post = |path: &str| http::try_ask("POST", pop.admin, path, &[]).expect("an answer");
    assert_eq!(post("/purge?path=/a/1.mp4").text(), "1\n");
    pop.get("/a/1.mp4");
    assert_eq!(web.count("/a/1.mp4"), 2);
    assert_eq!(post("/purge?prefix=/a/").text(), "2\n");
    pop.get("/a/2.mp4");
    pop.get("/b/1.mp4");
    assert_eq!((web.count("/a/2.mp4"), web.count("/b/1.mp4")), (2, 1));
    assert_eq!(post("/purge").status, 400);
    let purge = http::try_ask("POST", pop.http, "/purge?prefix=/", &[]);
    assert_eq!(
        web.counts().get("/purge?prefix=/"),
        Some(&1),
        "the audience's way has no such verb: {purge:?}"
    );
}

/// RULE-4: a bad reload keeps the old set, and says where it is bad.
#[test]
fn rule_4_a_bad_reload_keeps_the_old_rules() {
    let web = Web::serve(|_| Reply::ok("x").with("Cache-Control", "max-age=60"));
    let folder = Scratch::new();
    let path = folder.path().join("rules.toml");
    let write = |text: &str| std::fs::write(&path, text).expect("the folder takes files");
    write("[[rule]]\nid = \"mine\"\n");
    let rules = path.display().to_string();
    let pop = Pop::start(web.address, &["--rules", &rules]);
    let said = |path: &str| Pop::said(&pop.get(path)).to_owned();
    assert!(said("/a").contains("detail=mine"), "{}", said("/a"));
    let reload = |text: &str, line: &str| {
        write(text);
        pop.process.signal("HUP");
        within(Duration::from_secs(5), line, || {
            pop.process.stderr().contains(line).then_some(())
        });
    };
    let bad = "[[rule]]\nid = \"pages\"\nclass = \"page\"\n";
    reload(bad, "rules.toml:1:1: rule 0 is the last one");
    assert!(said("/b").contains("detail=mine"), "{}", said("/b"));
    reload("[[rule]]\nid = \"yours\"\n", "the rules were read again");
    assert!(said("/c").contains("detail=yours"), "{}", said("/c"));
}
