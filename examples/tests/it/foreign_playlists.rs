//! Three readers of playlists that share no code, over what we and FFmpeg write: ours, Python's m3u8 and npm's
//! m3u8-parser.

use std::fmt::Write as _;
use std::process::Command;

use backline_hls::Limits;
use backline_hls::m3u8::{Media, Playlist};

use crate::harness::origin::Origin;
use crate::harness::tools::{FFMPEG, Scratch, current_ffmpeg, python, run, text};
use crate::tidy::root;

/// Prints a media playlist as lines: target duration, numbers, segments, parts, hint, reports. Durations are in
/// 10 us.
const PYTHON: &str = "\
import m3u8, sys
p = m3u8.loads(sys.stdin.read())
u = lambda s: round(float(s or 0) * 100000)
print('head', p.target_duration, p.media_sequence or 0, p.discontinuity_sequence or 0,
      u(p.part_inf and p.part_inf.part_target), u(p.server_control and p.server_control.part_hold_back))
for s in p.segments:
    for x in s.parts:
        print('part', x.uri, u(x.duration), int(x.independent == 'YES'))
    if s.uri:
        print('segment', s.uri, u(s.duration), int(s.discontinuity), s.init_section.uri if s.init_section else '')
print('hint', p.preload_hint.uri if p.preload_hint else '')
for r in p.rendition_reports:
    print('report', r.uri, r.last_msn, r.last_part)
";

const NODE: &str = "\
const { Parser } = require('m3u8-parser');
const parser = new Parser();
parser.push(require('fs').readFileSync(0, 'utf8'));
parser.end();
const m = parser.manifest, u = (s) => Math.round((s || 0) * 100000), out = [];
const print = (...all) => out.push(all.join(' '));
print('head', m.targetDuration, m.mediaSequence || 0, m.discontinuitySequence || 0,
  u(m.partInf && m.partInf.partTarget), u(m.serverControl && m.serverControl.partHoldBack));
const parts = (s) => (s && s.parts || []).forEach((x) => print('part', x.uri, u(x.duration), x.independent ? 1 : 0));
for (const s of m.segments) {
  parts(s);
  if (s.uri) print('segment', s.uri, u(s.duration), s.discontinuity ? 1 : 0, s.map ? s.map.uri : '');
}
parts(m.preloadSegment);
const hints = (m.preloadSegment && m.preloadSegment.preloadHints || []).filter((h) => h.type === 'PART');
print('hint', hints.length ? hints[0].uri : '');
(m.renditionReports || []).forEach((r) => print('report', r.uri, r.lastMsn, r.lastPart));
process.stdout.write(out.join('\\n') + '\\n');
";

fn ours(text: &str) -> String {
    let read = Playlist::parse(text.as_bytes(), &Limits::default());
    let Ok(Playlist::Media(media)) = read else {
        panic!("{read:?}\n{text}")
    };
    assert_eq!(
        media.to_string().trim_end(),
        text.trim_end(),
        "every line is kept"
    );
    lines(&media)
}

fn lines(media: &Media) -> String {
    let units = |duration: std::time::Duration| duration.as_nanos() / 10_000;
    let hold_back = media
        .server_control
        .and_then(|control| control.part_hold_back);
    let (part, back) = (
        units(media.part_target.unwrap_or_default()),
        units(hold_back.unwrap_or_default()),
    );
    let (target, first) = (media.target_duration_s, media.media_sequence);
    let discontinuities = media.discontinuity_sequence.unwrap_or(0);
    let mut out = format!("head {target} {first} {discontinuities} {part} {back}\n");
    for segment in media.all() {
        for part in &segment.parts {
            let (uri, lasts, free) = (&part.uri, units(part.duration), u8::from(part.independent));
            writeln!(out, "part {uri} {lasts} {free}").expect("text");
        }
        if !segment.uri.is_empty() {
            let map = segment.map.as_ref().map_or("", |map| map.uri.as_str());
            let (uri, lasts, new) = (
                &segment.uri,
                units(segment.duration),
                u8::from(segment.discontinuity),
            );
            writeln!(out, "segment {uri} {lasts} {new} {map}").expect("text");
        }
    }
    let mut hints = media.preload_hints.iter();
    let hint = hints.find(|hint| hint.kind == backline_hls::m3u8::HintKind::Part);
    writeln!(out, "hint {}", hint.map_or("", |hint| hint.uri.as_str())).expect("text");
    for report in &media.rendition_reports {
        let (msn, part) = (report.last_msn.unwrap_or(0), report.last_part.unwrap_or(0));
        writeln!(out, "report {} {msn} {part}", report.uri).expect("text");
    }
    out
}

/// What FFmpeg's HLS muxer writes of four seconds.
fn of_ffmpeg(program: &str, kind: &str) -> String {
    let folder = Scratch::new();
    let list = folder.path().join("index.m3u8");
    let mut command = Command::new(program);
    let inputs = "-v error -f lavfi -i testsrc2=s=320x180:r=30 -f lavfi -i sine -t 4 -c:v libx264 -g 30 -c:a aac -f hls -hls_time 1";
    command.args(inputs.split(' ')).args([
        "-hls_segment_type",
        kind,
        "-hls_flags",
        "program_date_time",
    ]);
    run(command.arg(&list), b"");
    std::fs::read_to_string(list).expect("FFmpeg wrote a playlist")
}

#[test]
#[ignore = "needs ffmpeg, Python's m3u8 and npm's m3u8-parser"]
fn pl_16_three_readers_agree_on_what_we_and_ffmpeg_write() {
    let written = root().join("crates/backline-hls/tests/data/live.m3u8");
    let written = std::fs::read_to_string(written).expect("the crate's tests keep it");
    let origin = |ms| {
        Origin::default()
            .answer(ms, "/v/index.m3u8", None, false)
            .body
    };
    let mut playlists = vec![("ours".to_owned(), written)];
    for ms in [0, 700, 4_000, 9_300] {
        playlists.push((format!("the origin at {ms} ms"), text(&origin(ms))));
    }
    for program in [FFMPEG, current_ffmpeg()] {
        for kind in ["mpegts", "fmp4"] {
            playlists.push((format!("{program} {kind}"), of_ffmpeg(program, kind)));
        }
    }
    let modules = root().join("target/peers/npm/node_modules");
    assert!(
        modules.is_dir(),
        "{} is missing: run .ci/install",
        modules.display()
    );
    for (name, playlist) in playlists {
        let mine = ours(&playlist);
        let theirs = run(
            Command::new(python()).args(["-c", PYTHON]),
            playlist.as_bytes(),
        );
        assert_eq!(
            normal(&text(&theirs.stdout)),
            normal(&mine),
            "{name}: Python's m3u8\n{playlist}"
        );
        let mut node = Command::new("node");
        node.env("NODE_PATH", &modules).args(["-e", NODE]);
        let theirs = run(&mut node, playlist.as_bytes());
        assert_eq!(
            normal(&text(&theirs.stdout)),
            normal(&mine),
            "{name}: m3u8-parser\n{playlist}"
        );
    }
}

fn normal(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).collect()
}
