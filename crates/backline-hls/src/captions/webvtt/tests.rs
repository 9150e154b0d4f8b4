use super::*;
use crate::Cue;

fn placed(start_ms: u64, end_ms: u64, text: &str) -> Placed {
    let cue = Cue::plain(0, 1, text);
    Placed {
        start_ms,
        end_ms,
        cue,
    }
}

#[test]
fn a_segment_without_cues_is_a_header() {
    assert_eq!(
        body(&[], 1_000_000_000, 3_000_000_000),
        "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n"
    );
}

#[test]
fn a_segment_has_the_cues_of_its_time_and_no_others() {
    let mut named = placed(2_999, 7_000, "last");
    named.cue.id = "seven".to_owned();
    named.cue.settings = "line:0".to_owned();
    let all = [
        placed(0, 1_000, "over"),
        placed(500, 1_001, "first"),
        named,
        placed(3_000, 4_000, "next"),
    ];
    assert_eq!(
        body(&all, 1_000_000_000, 3_000_000_000),
        "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n\
         00:00:00.500 --> 00:00:01.001\nfirst\n\n\
         seven\n00:00:02.999 --> 00:00:07.000 line:0\nlast\n\n"
    );
}

#[test]
fn the_map_follows_presentation_times_of_33_bits() {
    // 2^33 / 90 ms, which is no whole number.
    let wrap_ms = (1u64 << 33) / 90;
    for (start_ms, map) in [
        (wrap_ms, "LOCAL:00:00:00.000,MPEGTS:0"),
        (wrap_ms + 1, "LOCAL:26:30:43.718,MPEGTS:28"),
        (2 * wrap_ms + 2, "LOCAL:53:01:27.436,MPEGTS:56"),
        (1_000 * 3_600_000, "LOCAL:980:56:57.555,MPEGTS:46"),
    ] {
        let mut out = String::new();
        head(&mut out, start_ms);
        assert_eq!(out, format!("WEBVTT\nX-TIMESTAMP-MAP={map}\n\n"));
        // What a reader makes of it is the file's time, 33 bits of it.
        let (local, mpegts) = map.split_once(",MPEGTS:").unwrap();
        let mut parts = local["LOCAL:".len()..].split([':', '.']);
        let mut next = || parts.next().unwrap().parse::<u64>().unwrap();
        let local_ms = ((next() * 60 + next()) * 60 + next()) * 1_000 + next();
        assert_eq!(local_ms * 90 % (1 << 33), mpegts.parse::<u64>().unwrap());
        assert!(start_ms * 90 - (local_ms * 90).min(start_ms * 90) < 1 << 33);
    }
}
