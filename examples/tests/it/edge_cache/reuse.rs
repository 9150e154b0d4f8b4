//! RFC 9111 as a shared cache has to keep it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::http;
use crate::harness::pop::Pop;
use crate::harness::web::{Reply, Web};

/// RFC 9111, 3 and 3.5; 7.3 for cookies: what is one client's is never another's.
#[test]
fn what_belongs_to_one_client_is_never_shared() {
    let count = AtomicUsize::new(0);
    let web = Web::serve(move |asked| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let reply = Reply::ok(format!("for {number}"));
        match asked.target.as_str() {
            "/private" => reply.with("Cache-Control", "private, max-age=60"),
            "/no-store" => reply.with("Cache-Control", "no-store, max-age=60"),
            "/cookie" => reply
                .with("Set-Cookie", "id=1")
                .with("Cache-Control", "max-age=60"),
            _ => reply.with("Cache-Control", "max-age=60"),
        }
    });
    let pop = Pop::start(web.address, &[]);
    for path in ["/private", "/no-store", "/cookie"] {
        let (one, other) = (pop.get(path), pop.get(path));
        assert_eq!((one.status, other.status), (200, 200));
        assert_ne!(one.body, other.body, "{path} was shared");
        assert_eq!(web.count(path), 2);
    }
    let secret = [("Authorization", "Basic YTpi")];
    let (one, other) = (
        pop.get_with("/account", &secret),
        pop.get_with("/account", &secret),
    );
    assert_ne!(one.body, other.body);
    let plain = pop.get("/account");
    assert_ne!(plain.body, other.body);
    let all = web.asked();
    let last = all.last().expect("it was asked");
    assert_eq!(last.header("authorization"), None);
}

/// The same for those who ask at once: each of them goes alone once the head says so.
#[test]
fn what_belongs_to_one_client_is_not_shared_by_waiting_for_it() {
    let count = AtomicUsize::new(0);
    let web = Web::serve(move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        Reply::ok(format!("for {number}"))
            .with("Cache-Control", "private")
            .after(Duration::from_millis(200))
    });
    let pop = Pop::start(web.address, &[]);
    let server = pop.http;
    let clients: Vec<_> = (0..10)
        .map(|_| thread::spawn(move || http::get(server, "/basket").body))
        .collect();
    let mut bodies: Vec<_> = clients
        .into_iter()
        .map(|client| client.join().expect("no panic"))
        .collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 10, "two clients got one answer");
}

/// RFC 9111, 4.1.
#[test]
fn vary_keeps_answers_apart() {
    let web = Web::serve(|asked| {
        let language = asked.header("accept-language").unwrap_or("none").to_owned();
        Reply::ok(language)
            .with("Vary", "Accept-Language")
            .with("Cache-Control", "max-age=60")
    });
    let pop = Pop::start(web.address, &[]);
    for _ in 0..2 {
        for language in ["de", "fr"] {
            let answer = pop.get_with("/page", &[("Accept-Language", language)]);
            assert_eq!(answer.text(), language);
        }
    }
    assert_eq!(web.count("/page"), 2);
    let star = Web::serve(|_| {
        Reply::ok("x")
            .with("Vary", "*")
            .with("Cache-Control", "max-age=60")
    });
    let pop = Pop::start(star.address, &[]);
    pop.get("/page");
    pop.get("/page");
    assert_eq!(star.count("/page"), 2);
}

/// RFC 9111, 5.2.2.10; RFC 9213, 2.2.
#[test]
fn a_lifetime_for_shared_caches_wins() {
    let web = Web::serve(|asked| match asked.target.as_str() {
        "/s-maxage" => Reply::ok("x").with("Cache-Control", "max-age=60, s-maxage=0"),
        _ => Reply::ok("x")
            .with("Cache-Control", "max-age=0")
            .with("CDN-Cache-Control", "max-age=60"),
    });
    let pop = Pop::start(web.address, &[]);
    for path in ["/s-maxage", "/cdn"] {
        pop.get(path);
        pop.get(path);
    }
    assert_eq!((web.count("/s-maxage"), web.count("/cdn")), (2, 1));
}

/// RFC 9111, 4.3: a stale answer is asked about, and what is not modified gets the new head.
#[test]
fn what_is_not_modified_is_merged() {
    let web = Web::serve(|asked| {
        let reply = match asked.header("if-none-match") {
            Some("\"v1\"") => Reply::status(304, "").with("X-Seen", "again"),
            _ => Reply::ok("body").with("X-Seen", "first"),
        };
        reply
            .with("ETag", "\"v1\"")
            .with("Cache-Control", "max-age=1")
    });
    let pop = Pop::start(web.address, &[]);
    let first = pop.get("/page.html");
    assert_eq!(first.header("x-seen"), Some("first"));
    thread::sleep(Duration::from_millis(2_100));
    let second = pop.get("/page.html");
    assert_eq!((second.status, second.text()), (200, "body"));
    assert_eq!(second.header("x-seen"), Some("again"));
    assert_eq!(web.count("/page.html"), 2);
    let known = pop.get_with("/page.html", &[("If-None-Match", "\"v1\"")]);
    assert_eq!(known.status, 304);
    assert!(known.body.is_empty());
}

/// RFC 9110, 9.3.2: the head of what a GET would get.
#[test]
fn head_is_answered_from_what_is_kept() {
    let web = Web::serve(|_| Reply::ok("12345").with("Cache-Control", "max-age=60"));
    let pop = Pop::start(web.address, &[]);
    pop.get("/a.mp4");
    let head = http::try_ask("HEAD", pop.http, "/a.mp4", &[]).expect("an answer");
    assert_eq!(head.header("content-length"), Some("5"));
    assert!(head.body.is_empty());
    assert_eq!(web.count("/a.mp4"), 1);
}

/// RFC 9111, 4.2.3, 5.1; Q26: the age grows through every tier.
#[test]
fn q26_ages_add_up() {
    let web = Web::serve(|_| {
        Reply::ok("x")
            .with("Age", "7")
            .with("Cache-Control", "max-age=60")
    });
    let inner = Pop::start(web.address, &["--name", "inner"]);
    let outer = Pop::start(inner.http, &["--name", "outer"]);
    outer.get("/a.mp4");
    thread::sleep(Duration::from_millis(1_100));
    let answer = outer.get("/a.mp4");
    let age = answer.header("age").expect("an age");
    let age: u64 = age.parse().expect("a number");
    assert!((8..15).contains(&age), "Age: {age}");
    assert_eq!(web.count("/a.mp4"), 1);
}

/// RFC 9111, 4.4: a change through the cache ends what it has of it.
#[test]
fn an_unsafe_method_goes_through_and_forgets() {
    let web = Web::serve(|_| Reply::ok("x").with("Cache-Control", "max-age=60"));
    let pop = Pop::start(web.address, &[]);
    pop.get("/item");
    let post = http::try_ask("POST", pop.http, "/item", &[("Content-Length", "0")]);
    assert_eq!(post.expect("an answer").status, 200);
    pop.get("/item");
    let methods: Vec<_> = web.asked().into_iter().map(|asked| asked.method).collect();
    assert_eq!(methods, ["GET", "POST", "GET"]);
}

/// RFC 9110, 7.6.1: what concerns one connection goes no further.
#[test]
fn what_is_of_one_hop_stays_there() {
    let web = Web::serve(|_| {
        Reply::ok("x")
            .with("Connection", "X-Hop")
            .with("X-Hop", "1")
            .with("Keep-Alive", "timeout=5")
            .with("Cache-Control", "max-age=60")
    });
    let pop = Pop::start(web.address, &[]);
    let answer = pop.get_with("/page", &[("TE", "trailers"), ("X-End", "1")]);
    assert_eq!(answer.header("x-hop"), None);
    assert_eq!(answer.header("keep-alive"), None);
    assert_eq!(web.asked()[0].header("te"), None);
}

/// Q24: the answer to a blocking request is none to a plain one.
#[test]
fn q24_a_blocking_reply_is_not_the_plain_playlist() {
    let web =
        Web::serve(|asked| Reply::ok(asked.target.clone()).with("Cache-Control", "max-age=12"));
    let pop = Pop::start(web.address, &[]);
    let held = pop.get("/index.m3u8?_HLS_msn=3&_HLS_part=1");
    let plain = pop.get("/index.m3u8");
    assert_eq!(plain.text(), "/index.m3u8");
    assert_ne!(held.body, plain.body);
}

/// Q25: gzip to a client without gzip. One fetch serves both kinds.
#[test]
fn q25_gzip_goes_only_to_who_takes_it() {
    let plain = "#EXTM3U\n".repeat(100);
    let packed = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, plain.as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    };
    let (text, gzip) = (plain.clone(), packed.clone());
    let web = Web::serve(move |asked| {
        let encoding = asked.header("accept-encoding");
        let reply = if encoding.is_some_and(|value| value.contains("gzip")) {
            Reply::ok(gzip.clone()).with("Content-Encoding", "gzip")
        } else {
            Reply::ok(text.clone())
        };
        reply
            .with("Vary", "Accept-Encoding")
            .with("Cache-Control", "max-age=60")
    });
    let pop = Pop::start(web.address, &[]);
    for _ in 0..2 {
        let with = pop.get_with("/index.m3u8", &[("Accept-Encoding", "gzip")]);
        assert_eq!(with.header("content-encoding"), Some("gzip"));
        assert!(with.body == packed);
        let without = pop.get("/index.m3u8");
        assert_eq!(without.header("content-encoding"), None);
        assert_eq!(without.text(), plain);
    }
    assert_eq!(web.count("/index.m3u8"), 1);
}
