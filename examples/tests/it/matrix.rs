//! Codec x frame rate x order of pictures x sample rate: encoded by FFmpeg, cut at full speed, read by everybody else.

mod cases;
mod cut;
mod frames;
mod values;

use std::sync::Mutex;
use std::thread;

use backline_hls::Warning;

use crate::harness::{readers, stage};
use cases::{Case, Rate, cases};

/// Cases at once: the work of each alternates between this process and others.
const AT_ONCE: usize = 2;

/// Every part of every row is read by software that we did not write, and no reader has anything to say (MUX-1 to
/// MUX-6, MUX-8); the frames that come out are those that went in; playlists say what is measured (MV-1).
#[test]
#[ignore = "needs ffmpeg, node"]
fn mux_6_every_codec_at_every_rate_is_read_without_a_finding() {
    let _machine = stage::shared();
    let waiting = Mutex::new(cases());
    let found = Mutex::new(Vec::new());
    let count = waiting.lock().expect("not poisoned").len();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(case) = waiting.lock().expect("not poisoned").pop() else {
                        return;
                    };
                    let of_case = findings(&case);
                    found.lock().expect("not poisoned").extend(
                        of_case
                            .into_iter()
                            .map(|finding| format!("{case:?}: {finding}")),
                    );
                }
            });
        }
    });
    let found = found.into_inner().expect("not poisoned");
    println!("{count} rows, {} findings", found.len());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn findings(case: &Case) -> Vec<String> {
    let flv = case.encode();
    let cut = cut::cut(&flv, case.layout);
    let mut found = cut.found;
    // A frozen part target cannot fit a rate that changes, which is said (SEG-3); x265 counts frames to its key frames.
    let expected = |warning: &&Warning| {
        let of_rate = matches!(warning, Warning::LongGop { .. } | Warning::RateUnfit { .. });
        case.rate == Rate::Variable && of_rate
    };
    let warnings = cut.warnings.iter().filter(|warning| !expected(warning));
    found.extend(warnings.map(|warning| format!("{warning:?}")));
    // A frame of sound may come before the first picture.
    if cut.dropped > 1 {
        found.push(format!("{} samples were left out", cut.dropped));
    }
    if cut.recording.renditions.is_empty() {
        return found;
    }
    found.extend(readers::findings(&cut.recording));
    found.extend(frames::findings(case, &flv, &cut.recording));
    found.extend(values::findings(case, &cut.recording));
    found
}
