//! Foreign publishers into `edge-node`, and what comes out of it before foreign readers.

use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::harness::node::{KEY, Node};
use crate::harness::process::Process;
use crate::harness::publisher::{Camera, Picture, Program, Rate, Sound};
use crate::harness::tools::{FFMPEG, Scratch, free_port, text, try_run};
use crate::harness::{collect, full, lint, readers, stage, within};

/// How many cases play at once: each waits for real time far more than for a processor.
const AT_ONCE: usize = 3;
const RECORDED: Duration = Duration::from_secs(7);

/// Each pair of values of any two columns stands in some row.
const PAIRS: [(Program, Picture, Rate, Sound); 8] = [
    (Program::Debian, Picture::Avc, Rate::Fps25, Sound::Aac44100),
    (
        Program::Debian,
        Picture::AvcReordered,
        Rate::Fps29_97,
        Sound::Aac48000,
    ),
    (
        Program::Debian,
        Picture::AvcReordered,
        Rate::Fps60,
        Sound::Aac44100,
    ),
    (
        Program::Current,
        Picture::AvcReordered,
        Rate::Fps25,
        Sound::Aac48000,
    ),
    (
        Program::Current,
        Picture::Avc,
        Rate::Fps29_97,
        Sound::Aac44100,
    ),
    (Program::Current, Picture::Avc, Rate::Fps60, Sound::Aac48000),
    (Program::Current, Picture::Hevc, Rate::Fps29_97, Sound::Opus),
    (Program::Current, Picture::Av1, Rate::Fps25, Sound::Aac48000),
];

const LAYOUTS: [&str; 2] = ["separate", "muxed"];

/// Who publishes what, and how it is packed.
fn cases() -> Vec<(Camera, &'static str)> {
    let of = |(program, picture, rate, sound)| Camera {
        program,
        picture,
        rate,
        sound,
    };
    if !full() {
        // Alternating, so that each value of a column meets both layouts where it stands in two rows.
        return PAIRS
            .into_iter()
            .map(of)
            .zip(LAYOUTS.into_iter().cycle())
            .collect();
    }
    let mut all = Vec::new();
    for rate in [Rate::Fps25, Rate::Fps29_97, Rate::Fps60] {
        for sound in [Sound::Aac44100, Sound::Aac48000] {
            for picture in [Picture::Avc, Picture::AvcReordered] {
                all.extend(
                    [Program::Debian, Program::Current]
                        .map(|program| of((program, picture, rate, sound))),
                );
            }
        }
        for picture in [Picture::Hevc, Picture::Av1] {
            all.extend(
                [Sound::Aac48000, Sound::Opus]
                    .map(|sound| of((Program::Current, picture, rate, sound))),
            );
        }
    }
    all.into_iter()
        .flat_map(|camera| LAYOUTS.map(|layout| (camera, layout)))
        .collect()
}

#[test]
#[ignore = "needs ffmpeg"]
fn every_publisher_becomes_a_presentation_that_every_reader_reads() {
    let _machine = stage::shared();
    let waiting = Mutex::new(cases());
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((camera, layout)) = waiting.lock().expect("not poisoned").pop() else {
                        return;
                    };
                    let found = play(layout, &format!("{layout} {camera:?}"), |node| {
                        camera.publish(&node.publish_url(KEY))
                    });
                    println!("{layout} {camera:?}: {} findings", found.len());
                    failed.lock().expect("not poisoned").extend(found);
                }
            });
        }
    });
    let failed = failed.into_inner().expect("not poisoned");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Starts a node and a publisher, records what a viewer gets and lets everybody read it.
fn play(layout: &str, case: &str, publish: impl FnOnce(&Node) -> Process) -> Vec<String> {
    let node = Node::start(&["--layout", layout]);
    let publisher = publish(&node);
    node.wait_until_live();
    let recording = collect::record(node.http, RECORDED);
    let mut found = lint::findings(&recording);
    found.extend(readers::findings(&recording));
    if !found.is_empty() {
        found.push(format!("the publisher printed: {}", publisher.stderr()));
        found.push(recording.multivariant);
    }
    found
        .into_iter()
        .map(|finding| format!("{case}: {finding}"))
        .collect()
}

#[test]
#[ignore = "needs ffmpeg, curl"]
fn librtmp_publishes_what_it_is_fed() {
    let _machine = stage::shared();
    let mut behind = Vec::new();
    let found = play("muxed", "librtmp", |node| {
        // librtmp knows nothing of time, and curl's use of it crashes on a whole file at once: FFmpeg sets the pace.
        let mut camera = Camera::default().command(true);
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-T", "-"]).arg(node.publish_url(KEY));
        let [camera, curl] = Process::pipe(camera.args(["-f", "flv", "-"]), &mut curl);
        behind.push(camera);
        curl
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
#[ignore = "needs ffmpeg, nginx"]
fn nginx_rtmp_relays_a_camera() {
    let _machine = stage::shared();
    let scratch = Scratch::new();
    let mut behind = Vec::new();
    let found = play("separate", "nginx-rtmp", |node| {
        let port = free_port();
        let push = node.publish_url(KEY);
        let folder = scratch.path().display();
        let configuration = format!(
            "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\n\
             daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n\
             events {{ worker_connections 64; }}\n\
             rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 4096;\n\
             application live {{ live on; push {push}; }} }} }}\n"
        );
        let path = scratch.path().join("nginx.conf");
        std::fs::write(&path, configuration).expect("the scratch folder takes files");
        let mut nginx = Command::new("nginx");
        let relay = Process::spawn(nginx.arg("-c").arg(&path).arg("-p").arg(scratch.path()));
        within(Duration::from_secs(5), "nginx listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        behind.push(Camera::default().publish(&format!("rtmp://127.0.0.1:{port}/live/camera")));
        relay
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
#[ignore = "needs ffmpeg"]
fn ffmpeg_plays_it_without_a_warning() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    let uri = collect::picture_uri(&node.wait_until_live());
    // It knows nothing of parts: for such a player there is something to play when segments are closed.
    within(Duration::from_secs(15), "two closed segments", || {
        (collect::playlist(node.http, &uri, None)
            .media
            .segments
            .len()
            >= 2)
            .then_some(())
    });
    let seconds = if full() { "60" } else { "20" };
    let mut player = Command::new(FFMPEG);
    player.args([
        "-hide_banner",
        "-nostdin",
        "-v",
        "repeat+warning",
        "-i",
        &node.url("/live/index.m3u8"),
    ]);
    let output = try_run(player.args(["-t", seconds, "-f", "null", "-"]), b"");
    // This FFmpeg reads the init again with each playlist, and says so of its own doing.
    let own = "Found duplicated MOOV Atom. Skipped it";
    let said = text(&output.stderr);
    let complaints: Vec<&str> = said.lines().filter(|line| !line.contains(own)).collect();
    assert!(
        output.status.success() && complaints.is_empty(),
        "{}: {complaints:#?}",
        output.status
    );
}
