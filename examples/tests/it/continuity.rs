//! Numbers and names over the ends of a process and of a box (SEG-10).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::collect::rendition_uris;
use crate::harness::node::{KEY, Node};
use crate::harness::playlist::Media;
use crate::harness::process::Process;
use crate::harness::tools::{FFMPEG, Scratch, run};
use crate::harness::{full, http, stage};

/// Clocks of the lives, one after the other: right, days back, in 1970, a year ahead, right again.
const CLOCKS: [Option<&str>; 5] = [
    None,
    Some("-3d"),
    Some("@1970-01-01 00:01:00"),
    Some("+1y"),
    None,
];
/// Other settings in each life: names are made of numbers that depend on them.
const SETTINGS: [[&str; 6]; 4] = [
    [
        "--part-ms",
        "200",
        "--segment-ms",
        "2000",
        "--layout",
        "muxed",
    ],
    [
        "--part-ms",
        "100",
        "--segment-ms",
        "1000",
        "--layout",
        "separate",
    ],
    [
        "--part-ms",
        "500",
        "--segment-ms",
        "2000",
        "--layout",
        "separate",
    ],
    [
        "--part-ms",
        "100",
        "--segment-ms",
        "500",
        "--layout",
        "muxed",
    ],
];

/// What viewers have seen so far, over all lives.
#[derive(Default)]
struct Seen {
    /// The highest media sequence number, and that of any discontinuity.
    msn: u64,
    discontinuity: u64,
    /// Every name of an init, a part or a segment.
    names: BTreeSet<String>,
}

/// Power cuts at any moment, one copy of the mark torn each time, and a clock that cannot be trusted: numbers never go
/// back, and no name stands for two objects (section 6.2.2: a media sequence number must not decrease; the same for a
/// discontinuity sequence number).
#[test]
#[ignore = "needs ffmpeg, faketime"]
fn seg_10_numbers_go_forward_over_every_power_cut_and_clock() {
    let _machine = stage::shared();
    let lives = if full() { 50 } else { 8 };
    let film = Scratch::new();
    let file = film.path().join("film.flv");
    let make = "-v error -f lavfi -i testsrc2=s=160x90:r=25:d=20 -f lavfi -i sine=r=48000:d=20 \
                -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -pix_fmt yuv420p -c:a aac";
    run(
        Command::new(FFMPEG)
            .args(make.split_whitespace())
            .arg(&file),
        b"",
    );
    let (mut data, mut seen, mut shown) = (Scratch::new(), Seen::default(), 0);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for life in 0..lives {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let node = start(data, life);
        let mut camera = Command::new(FFMPEG);
        camera
            .args(["-nostdin", "-v", "error", "-readrate", "8", "-i"])
            .arg(&file);
        camera.args(["-c", "copy", "-f", "flv", &node.publish_url(KEY)]);
        let camera = Process::spawn(&mut camera);
        let until = Instant::now() + Duration::from_millis(300 + (random >> 33) % 1_700);
        let of_life = watch(&node, until, &seen);
        data = node.kill();
        drop(camera);
        shown += u64::from(!of_life.names.is_empty());
        seen.msn = seen.msn.max(of_life.msn);
        seen.discontinuity = seen.discontinuity.max(of_life.discontinuity);
        seen.names.extend(of_life.names);
        tear(data.path(), life, random);
    }
    println!(
        "{shown} of {lives} lives were seen, {} names",
        seen.names.len()
    );
    assert!(
        shown * 2 >= lives,
        "only {shown} of {lives} lives were seen"
    );
}

fn start(data: Scratch, life: u64) -> Node {
    let at = |count: usize| usize::try_from(life).expect("few lives") % count;
    let arguments = [&["--key", KEY], &SETTINGS[at(SETTINGS.len())][..]].concat();
    let library = faketime();
    let library = library.to_str().expect("UTF-8");
    let clock = CLOCKS[at(CLOCKS.len())].map(|clock| {
        [
            ("LD_PRELOAD", library),
            ("FAKETIME", clock),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    });
    Node::start_with(
        data,
        &arguments,
        clock.as_ref().map_or(&[], |clock| &clock[..]),
    )
}

/// Debian's library, which shows a process another wall clock.
fn faketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib")
        .expect("a system has libraries")
        .flatten();
    folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.is_file())
        .expect("faketime is missing: run .ci/install")
}

/// Reads every playlist again and again until the cut. `before` is what the lives before have shown.
fn watch(node: &Node, until: Instant, before: &Seen) -> Seen {
    let mut seen = Seen::default();
    while Instant::now() < until {
        let get = |path: &str| {
            let answer = http::try_get(node.http, path, &[]).ok()?;
            (answer.status == 200).then(|| answer.text().to_owned())
        };
        let Some(multivariant) = get("/live/index.m3u8") else {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        };
        for uri in rendition_uris(&multivariant) {
            let Some(text) = get(&format!("/live/{uri}")) else {
                continue;
            };
            let media = Media::parse(&text).unwrap_or_else(|why| panic!("{uri}: {why}\n{text}"));
            seen.look(&uri, &media, before);
        }
    }
    seen
}

impl Seen {
    fn look(&mut self, uri: &str, media: &Media, before: &Self) {
        let (first, sequence) = (media.media_sequence, media.discontinuity_sequence);
        assert!(
            first > before.msn,
            "{uri}: from {} back to {first}",
            before.msn
        );
        let crossed = before.discontinuity;
        assert!(
            sequence >= crossed,
            "{uri}: discontinuity {sequence} after {crossed}"
        );
        let tags = media.all().filter(|segment| segment.discontinuity).count() as u64;
        self.discontinuity = self.discontinuity.max(sequence + tags);
        self.msn = self.msn.max(media.open.msn);
        let folder = uri.split('/').next().unwrap_or_default();
        for segment in media.all() {
            let parts = segment.parts.iter().map(|part| &part.uri);
            for name in parts.chain([&segment.uri, &segment.map]) {
                let name = format!("{folder}/{name}");
                assert!(
                    !before.names.contains(&name),
                    "{name} was another object's name"
                );
                if !name.ends_with('/') {
                    self.names.insert(name);
                }
            }
        }
    }
}

/// What a power cut may leave of the copy of the mark that was being written.
fn tear(data: &Path, life: u64, random: u64) {
    let path = data.join(["live.mark", "live.mark2"][usize::from(random & 64 > 0)]);
    let Ok(whole) = fs::read(&path) else { return };
    let torn = match life % 4 {
        0 => Vec::new(),
        1 => vec![0; whole.len()],
        2 => whole[..whole.len() / 2].to_vec(),
        _ => whole,
    };
    fs::write(&path, torn).expect("the scratch folder takes files");
}
