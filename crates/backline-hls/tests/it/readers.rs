//! What players and parsers that we did not write make of gaps, date ranges and delta updates.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use backline_hls::{Absence, DateRange, DateRangeEnd, DateRangeValue, Event, Form, UnixMillis};
use bytes::Bytes;

use crate::studio::{AAC_48, Script, Studio, V0, WALL, separate};

/// Forty seconds with an absence in the middle, an old date range, a removed one and a new one. Returns the playlist as
/// it was six seconds before, as it is, and the delta update between.
fn show() -> [String; 3] {
    let mut config = separate();
    config.absence = Absence::Gap;
    let mut studio = Studio::started(config, Some(AAC_48));
    let script = |length_ms| Script {
        length_ms,
        ..Script::default()
    };
    let range = |id: &str, at_ms: u64, length_ms: u64| {
        let mut range = DateRange::new(id, UnixMillis(WALL.0 + at_ms));
        range.end = Some(DateRangeEnd::After(Duration::from_millis(length_ms)));
        Event::DateRange(range)
    };
    studio.play(&script(10_000), 0);
    studio.event(range("removed", 1_000, 500));
    studio.event(range("old", 8_000, 30_000));
    studio.wait_until_ms(20_000);
    studio.start(Some(AAC_48));
    studio.play(&script(13_000), 20_000);
    let before = studio.texts[&V0].clone();
    let first_ms = 13_000;
    studio.play(
        &Script {
            first_ms,
            ..script(3_000)
        },
        33_000,
    );
    let mut new = DateRange::new("new", UnixMillis(WALL.0 + 35_000));
    new.class = Some("com.example".into());
    new.scte35_out = Some(Bytes::from_static(&[0xfc, 0x30]));
    let text = DateRangeValue::Text("a,b".into());
    new.attributes.push(("X-COM-EXAMPLE-NOTE".into(), text));
    studio.event(Event::DateRange(new));
    let forms = [Form::Full, Form::SkipV2].map(|form| studio.render(V0, form).unwrap());
    let [full, delta] = forms;
    [before, full, delta]
}

fn run(command: &mut Command, input: &str) -> String {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("run .ci/install");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[test]
#[ignore = "needs node and the npm packages of examples/web"]
fn pl_10_hls_js_reads_gaps_and_merges_date_ranges() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let [before, full, delta] = show();
    assert!(full.contains("#EXT-X-GAP\n") && delta.contains("EXT-X-SKIP"));
    let input = format!(
        "{{\"full\":{},\"delta\":{}}}",
        quoted(&before),
        quoted(&delta)
    );
    let said = run(
        Command::new("node")
            .arg(format!("{root}/crates/backline-hls/tests/data/hlsjs.cjs"))
            .arg(format!("{root}/examples/web/node_modules")),
        &input,
    );
    assert!(
        said.contains("\"errors\":[]") && said.contains("_HLS_skip=v2"),
        "{said}"
    );
    let (first, merged) = said.split_once("\"merged\"").expect("the delta was merged");
    let gaps = before.matches("#EXT-X-GAP").count();
    assert!(gaps >= 4, "{gaps}");
    for part in [first, merged] {
        let listed = part
            .split_once("\"gaps\":[")
            .unwrap()
            .1
            .split(']')
            .next()
            .unwrap();
        assert_eq!(listed.split(',').count(), gaps, "{part}");
        assert!(part.contains("\"old\":{\"valid\":true,"), "{part}");
        assert!(part.contains("\"error\":null"), "{part}");
    }
    assert!(first.contains("\"removed\":") && !first.contains("\"new\":"));
    assert!(
        !merged.contains("\"removed\":"),
        "PL-10: removed ranges are named: {merged}"
    );
    assert!(merged.contains("\"new\":{\"valid\":true,"), "{merged}");
}

#[test]
#[ignore = "needs the m3u8 package of .ci/install"]
fn pl_14_m3u8_of_python_reads_gaps_and_date_ranges() {
    let python = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/peers/venv/bin/python"
    );
    let script = "import m3u8,sys\n\
        p=m3u8.loads(sys.stdin.read())\n\
        print(sum(bool(s.gap_tag) for s in p.segments))\n\
        print(','.join(d.id for s in p.segments for d in s.dateranges))\n\
        print([d.scte35_out for s in p.segments for d in s.dateranges if d.id=='new'])\n\
        print(p.server_control.can_skip_dateranges, p.server_control.can_skip_until)\n\
        print(sum(s.discontinuity for s in p.segments))";
    let [_, full, _] = show();
    // Its date ranges belong to the segment behind them: the newest, at the live edge, has none yet.
    let said = run(Command::new(python).args(["-c", script]), &full);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], full.matches("#EXT-X-GAP").count().to_string());
    assert!(lines[1].starts_with("old"), "{said}");
    assert_eq!((lines[3], lines[4]), ("YES 12.0", "1"), "{said}");
}
