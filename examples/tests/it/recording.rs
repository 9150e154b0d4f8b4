//! `--record` and `--slate`: what stays on the disk whatever happens, and what is shown while nobody publishes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use backline_examples::adapt::record::Recorder;

use crate::harness::node::{KEY, Node};
use crate::harness::process::Process;
use crate::harness::publisher::{Camera, Picture};
use crate::harness::tools::{FFMPEG, Scratch, run, text, try_run};
use crate::harness::{stage, within};

/// The files of a folder whose names end so.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(ending));
    paths.sort();
    paths
}

/// Packets that ffprobe finds in a stream, though the file may end anywhere.
fn packets(path: &Path, stream: &str) -> usize {
    let output = try_run(
        Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", stream])
            .args(["-show_entries", "packet=size", "-of", "csv=p=0"])
            .arg(path),
        b"",
    );
    let listed = text(&output.stdout);
    listed
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count()
}

/// Decodes a finished file; a word of warning is a failure.
fn decodes(path: &Path) {
    let mut command = Command::new(FFMPEG);
    command.args(["-v", "warning", "-xerror", "-i"]).arg(path);
    let output = run(command.args(["-f", "null", "-"]), b"");
    assert_eq!(text(&output.stderr), "", "{}", path.display());
}

fn recording(folder: &Path, more: &[&str]) -> Node {
    let folder = folder.to_str().expect("a plain path");
    Node::start(&[&["--record", folder], more].concat())
}

/// Waits for so many recorded parts.
fn recorded(node: &Node, parts: f64) {
    within(Duration::from_secs(20), "parts are recorded", || {
        (node.metric("backline_record_parts_total") >= parts).then_some(())
    });
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_night_becomes_one_mp4_at_the_publications_end_and_at_the_shows() {
    let _machine = stage::shared();
    for layout in ["muxed", "separate"] {
        let folder = Scratch::new();
        let mut node = recording(folder.path(), &["--layout", layout]);
        let reordered = Camera {
            picture: Picture::AvcReordered,
            ..Camera::default()
        };
        let camera = reordered.publish(&node.publish_url(KEY));
        recorded(&node, 20.0);
        drop(camera);
        let finished = within(
            Duration::from_secs(10),
            "the publication is finished",
            || {
                let files = files(folder.path(), ".mp4");
                (files.len() == 1 && node.metric("backline_record_finished_total") == 1.0)
                    .then(|| files[0].clone())
            },
        );
        decodes(&finished);
        let (pictures, sounds) = (packets(&finished, "v"), packets(&finished, "a"));
        assert!(pictures > 45 && sounds > 70, "{pictures}, {sounds}");
        let _camera = Camera::default().publish(&node.publish_url(KEY));
        recorded(&node, 50.0);
        node.process.signal("INT");
        let status = node.process.wait(Duration::from_secs(20));
        assert!(status.success(), "{}", node.process.stderr());
        let all = files(folder.path(), ".mp4");
        assert_eq!(all.len(), 2, "{all:?}");
        all.iter().for_each(|path| decodes(path));
    }
}

/// Killed at many moments, and once more at every kind of byte: what is there plays, and the next start finishes it.
#[test]
#[ignore = "needs ffmpeg"]
fn a_recording_survives_kill_9_at_any_byte() {
    let _machine = stage::shared();
    let folder = Scratch::new();
    for wait_ms in [0, 130, 290, 470, 710] {
        let node = recording(folder.path(), &[]);
        let _camera = Camera::default().publish(&node.publish_url(KEY));
        recorded(&node, 12.0);
        thread::sleep(Duration::from_millis(wait_ms));
        let open = files(folder.path(), ".recording.mp4");
        drop(node.kill());
        assert_eq!(open.len(), 1, "{open:?}");
        let found = packets(&open[0], "v");
        assert!(found > 30, "{found} after {wait_ms} ms");
        every_cut_plays(&open[0]);
        // The next start finishes it.
        let mut next = recording(folder.path(), &[]);
        within(Duration::from_secs(10), "what was left is finished", || {
            files(folder.path(), ".recording.mp4")
                .is_empty()
                .then_some(())
        });
        next.process.signal("INT");
        next.process.wait(Duration::from_secs(10));
    }
    let all = files(folder.path(), ".mp4");
    assert_eq!(all.len(), 5, "{all:?}");
    for path in &all {
        decodes(path);
        assert!(packets(path, "v") > 30);
    }
}

/// Boxes of a file in order: name, where they begin and end.
fn boxes(file: &[u8]) -> Vec<(String, usize, usize)> {
    let (mut at, mut found) = (0, Vec::new());
    while at + 8 <= file.len() {
        let size = u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes")) as usize;
        let name = String::from_utf8_lossy(&file[at + 4..at + 8]).into_owned();
        found.push((name, at, at + size));
        at += size;
    }
    found
}

/// Cuts a copy in and at the edges of each kind of box of its sixth part. As a killed process leaves it, behind a free
/// box, ffprobe reads the parts before; as a power cut may leave it, the next start does.
fn every_cut_plays(path: &Path) {
    let file = fs::read(path).expect("the recording is there");
    let boxes = boxes(&file);
    let (fifth, _) = boxes
        .iter()
        .enumerate()
        .filter(|(_, (name, ..))| name == "mdat")
        .nth(4)
        .expect("five parts");
    let whole = boxes[fifth].2;
    let sixth = &boxes[fifth + 1..fifth + 4];
    let mut cuts = vec![whole];
    for (_, from, to) in sixth {
        let inside = (from + to) / 2;
        cuts.extend([from + 1, from + 4, from + 8, from + 9, inside, to - 1]);
    }
    let folder = Scratch::new();
    let name = path.file_name().expect("a name").to_string_lossy();
    let copy = folder.path().join(&*name);
    let (base, _) = name.rsplit_once('-').expect("a rendition");
    let finished = folder.path().join(format!("{base}.mp4"));
    let mut wanted = 0;
    for cut in cuts {
        let mut torn = file[..cut].to_vec();
        for (byte, free) in torn[whole..].iter_mut().zip(*b"\0\0\0\0free") {
            *byte = free;
        }
        fs::write(&copy, &torn).expect("a copy");
        let found = packets(&copy, "v");
        if cut == whole {
            wanted = found;
        }
        // Of the media that is there a picture may be found beyond.
        assert!(found >= wanted && wanted > 5, "{cut}: {found} of {wanted}");
        for left in [&torn[..], &file[..cut]] {
            fs::write(&copy, left).expect("a copy");
            drop(Recorder::start(folder.path(), "live").expect("a folder"));
            assert_eq!(packets(&finished, "v"), wanted, "cut at {cut}");
            assert!(!copy.exists());
            fs::remove_file(&finished).expect("it is there");
        }
    }
    // A cut before the first part leaves nothing to play, and nothing breaks.
    for cut in [0, 3, 20, boxes[1].1 + 30, boxes[1].2] {
        fs::write(&copy, &file[..cut]).expect("a copy");
        drop(Recorder::start(folder.path(), "live").expect("a folder"));
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn codecs_that_no_progressive_file_can_say_stay_fragmented_and_it_is_said() {
    let _machine = stage::shared();
    let folder = Scratch::new();
    let node = recording(folder.path(), &[]);
    let hevc = Camera {
        program: crate::harness::publisher::Program::Current,
        picture: Picture::Hevc,
        ..Camera::default()
    };
    let camera = hevc.publish(&node.publish_url(KEY));
    recorded(&node, 10.0);
    drop(camera);
    within(Duration::from_secs(10), "the log says so", || {
        node.process
            .stderr()
            .contains("stays fragmented")
            .then_some(())
    });
    let kept = files(folder.path(), ".fragmented.mp4");
    assert_eq!((kept.len(), files(folder.path(), ".mp4").len()), (1, 1));
    decodes(&kept[0]);
}

/// A disk of 24 MiB that goes with its test.
struct Disk(Scratch);

impl Disk {
    fn new() -> Self {
        let folder = Scratch::new();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]);
        run(command.arg(folder.path()), b"");
        Self(folder)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        try_run(Command::new("umount").arg("-l").arg(self.0.path()), b"");
    }
}

/// A full disk stops the recording and never the show; with room again the next file begins.
#[test]
#[ignore = "needs ffmpeg, and root for a disk of its own"]
fn a_full_disk_stops_the_recording_and_not_the_show() {
    let _machine = stage::shared();
    let disk = Disk::new();
    let filler = disk.0.path().join("filler");
    fs::write(&filler, vec![0; 23 << 20]).expect("room for it");
    let node = recording(disk.0.path(), &[]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    within(Duration::from_secs(30), "the disk is full", || {
        (node.metric("backline_record_stopped") == 1.0).then_some(())
    });
    let parts = node.metric("backline_hls_parts_total");
    thread::sleep(Duration::from_secs(7));
    let since = node.metric("backline_hls_parts_total") - parts;
    assert!(since >= 25.0, "the show goes on: {since} parts in 7 s");
    assert!(node.metric("backline_record_dropped_total") > 10.0);
    let said = node.process.stderr();
    assert_eq!(
        said.matches("the recording has stopped").count(),
        1,
        "{said}"
    );
    let open = files(disk.0.path(), ".recording.mp4");
    assert_eq!(open.len(), 1);
    assert!(packets(&open[0], "v") > 0, "what was recorded plays");
    fs::remove_file(filler).expect("it is there");
    let recorded_before = node.metric("backline_record_parts_total");
    recorded(&node, recorded_before + 10.0);
    assert_eq!(node.metric("backline_record_stopped"), 0.0);
    let said = node.process.stderr();
    assert_eq!(
        said.matches("there is room on the disk again").count(),
        1,
        "{said}"
    );
    drop(node);
}

#[test]
fn a_slate_or_a_folder_that_cannot_be_used_is_said() {
    let data = Scratch::new();
    let garbage = data.path().join("garbage.mp4");
    fs::write(&garbage, b"\0\0\0\x18ftypisom....isomiso2").expect("a file");
    let missing = data.path().join("missing.mp4");
    for (flag, path, words) in [
        ("--slate", &missing, "entity not found"),
        ("--slate", &garbage, "no box moov"),
        ("--record", &garbage, "cannot record"),
    ] {
        let mut command = crate::harness::node::command(data.path());
        let output = try_run(command.arg(flag).arg(path), b"");
        let said = text(&output.stderr);
        let name = path.to_string_lossy();
        assert!(said.contains(words) && said.contains(&*name), "{said}");
        assert!(
            !output.status.success() && !said.contains("panicked"),
            "{said}"
        );
    }
}

/// MUX-9 and quirk 14 with real programs: the publisher dies, viewers see the slate, and he comes back.
#[test]
#[ignore = "needs ffmpeg"]
fn mux_09_a_slate_is_shown_until_the_publisher_is_back() {
    let _machine = stage::shared();
    let folder = Scratch::new();
    let slate = folder.path().join("slate.mp4");
    // Red, by the same encoder: FFmpeg's player does not follow a change of the init segment (browsers do).
    run(
        Camera::default()
            .command(false)
            .args(["-vf", "drawbox=c=red:t=fill", "-t", "2", "-f", "mp4"])
            .arg(&slate),
        b"",
    );
    let slate = slate.to_str().expect("a plain path").to_owned();
    let record = folder.path().join("record");
    let node = recording(&record, &["--slate", &slate]);
    let mut camera = Camera::default().publish(&node.publish_url(KEY));
    node.wait_until_live();
    let viewer = folder.path().join("seen.nut");
    let _viewer = Process::spawn(
        Command::new(FFMPEG)
            .args(["-v", "error", "-live_start_index", "-1", "-i"])
            .arg(node.url("/live/index.m3u8"))
            .args([
                "-map",
                "0:v",
                "-vf",
                "scale=64:36",
                "-c:v",
                "rawvideo",
                "-pix_fmt",
                "rgb24",
            ])
            .args(["-fps_mode", "passthrough", "-f", "nut", "-y"])
            .arg(&viewer),
    );
    thread::sleep(Duration::from_secs(3));
    camera.signal("KILL");
    camera.wait(Duration::from_secs(5));
    within(Duration::from_secs(10), "the slate is shown", || {
        node.process
            .stderr()
            .contains("the slate is shown")
            .then_some(())
    });
    thread::sleep(Duration::from_secs(6));
    let playlist = node.get("/live/m0/index.m3u8");
    assert!(playlist.text().contains("#EXT-X-DISCONTINUITY\n"));
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    within(Duration::from_secs(5), "the slate is over", || {
        node.process
            .stderr()
            .contains("the slate is over")
            .then_some(())
    });
    thread::sleep(Duration::from_secs(8));
    let shown = reds(&viewer);
    let changes = shown.windows(2).filter(|two| two[0] != two[1]).count();
    assert!(shown.iter().filter(|red| **red).count() > 90, "{shown:?}");
    assert_eq!(changes, 2, "the camera, the slate, the camera: {shown:?}");
    // Nobody wants the slate in the recording.
    let finished = files(&record, ".mp4");
    let first = finished
        .iter()
        .find(|path| !path.to_string_lossy().contains("recording"));
    assert!(
        reds(first.expect("the first publication is finished"))
            .iter()
            .all(|red| !red)
    );
}

/// Which frames of a recording are red.
fn reds(path: &Path) -> Vec<bool> {
    let output = try_run(
        Command::new(FFMPEG)
            .args(["-v", "quiet", "-i"])
            .arg(path)
            .args([
                "-map",
                "0:v",
                "-vf",
                "scale=4:4",
                "-fps_mode",
                "passthrough",
            ])
            .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "-"]),
        b"",
    );
    let frames = output.stdout.chunks_exact(48);
    frames
        .map(|frame| {
            let red = |pixel: &[u8]| pixel[0] > 180 && pixel[1] < 60 && pixel[2] < 60;
            frame.chunks_exact(3).all(red)
        })
        .collect()
}
