//! A lint that finds nothing proves nothing: each rule is shown a playlist that breaks it.

use super::{has_reached, shape, step};
use crate::harness::playlist::Media;

const GOOD: &str = "#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:1
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.50000,CAN-SKIP-UNTIL=6.00000,HOLD-BACK=3.00000
#EXT-X-PART-INF:PART-TARGET=0.50000
#EXT-X-MEDIA-SEQUENCE:812
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-MAP:URI=\"i4.mp4\"
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T20:00:00.000Z
#EXT-X-PART:DURATION=0.50000,URI=\"p1.m4s\",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.50000,URI=\"p2.m4s\"
#EXTINF:1.00000,
s812.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T20:00:01.000Z
#EXT-X-PART:DURATION=0.50000,URI=\"p3.m4s\",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.46000,URI=\"p4.m4s\"
#EXT-X-PART:DURATION=0.04000,URI=\"p5.m4s\"
#EXTINF:1.00000,
s813.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T20:00:02.000Z
#EXT-X-PART:DURATION=0.50000,URI=\"p6.m4s\",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p7.m4s\"
#EXT-X-RENDITION-REPORT:URI=\"../a0/index.m3u8\",LAST-MSN=814,LAST-PART=0
";

fn read(text: &str) -> Media {
    Media::parse(text).expect("it is a playlist")
}

#[test]
fn a_playlist_that_is_right_has_no_findings() {
    assert_eq!(shape(&read(GOOD), 2), Vec::<String>::new());
}

#[test]
fn each_rule_of_a_playlist_finds_what_breaks_it() {
    let id = "PROGRAM-DATE-TIME:2026-11-23T20:00:01.000Z\n";
    for (from, to, rule) in [
        ("VERSION:6", "VERSION:10", "PL-12"),
        ("PART-HOLD-BACK=1.50000", "PART-HOLD-BACK=1.49999", "PL-2"),
        ("CAN-SKIP-UNTIL=6.00000", "CAN-SKIP-UNTIL=5.99999", "PL-3"),
        (",HOLD-BACK=3.00000", ",HOLD-BACK=2.00000", "PL-3"),
        ("CAN-BLOCK-RELOAD=YES,", "", "CAN-BLOCK-RELOAD"),
        ("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p7.m4s\"\n", "", "PL-8"),
        (
            "#EXT-X-PRELOAD-HINT",
            "#EXT-X-ENDLIST\n#EXT-X-PRELOAD-HINT",
            "SEG-11",
        ),
        (
            "#EXT-X-RENDITION-REPORT:URI=\"../a0/index.m3u8\",LAST-MSN=814,LAST-PART=0\n",
            "",
            "PL-9",
        ),
        ("#EXTINF:1.00000,\ns813", "#EXTINF:1.60000,\ns813", "SEG-1"),
        (&format!("#EXT-X-{id}"), "", "SEG-8"),
        ("20:00:01.000Z", "20:00:01.020Z", "SEG-8"),
        ("DURATION=0.46000", "DURATION=0.36000", "MUX-3"),
        ("DURATION=0.46000", "DURATION=0.42000", "SEG-3"),
        (
            "DURATION=0.50000,URI=\"p2",
            "DURATION=0.50001,URI=\"p2",
            "SEG-2",
        ),
        ("\"p3.m4s\",INDEPENDENT=YES", "\"p3.m4s\"", "SEG-4"),
        (
            "#EXT-X-PART:DURATION=0.50000,URI=\"p1.m4s\",INDEPENDENT=YES\n",
            "",
            "MUX-3",
        ),
        ("DURATION=0.50000,", "DURATION=0.5,", "PL-13"),
        (
            "CAN-BLOCK-RELOAD=YES,",
            "CAN-BLOCK-RELOAD=YES, ",
            "attribute",
        ),
        (
            "#EXTINF:1.00000,\ns813",
            "#EXT-X-MAP:URI=\"i5.mp4\"\n#EXTINF:1.00000,\ns813",
            "PL-11",
        ),
        (
            "#EXTINF:1.00000,\ns813",
            "#EXT-X-DISCONTINUITY\n#EXTINF:1.00000,\ns813",
            "PL-11",
        ),
        ("\ns813", "\n\r\ns813", "control character"),
        ("#EXT-X-MAP:URI=\"i4.mp4\"\n", "", "no MAP"),
    ] {
        let broken = GOOD.replace(from, to);
        assert_ne!(broken, GOOD, "{from} is not in the playlist");
        let found = match Media::parse(&broken) {
            Ok(media) => shape(&media, 2),
            Err(why) => vec![why],
        };
        assert!(
            found.iter().any(|finding| finding.contains(rule)),
            "{from} -> {to}: {rule} not in {found:?}"
        );
    }
}

#[test]
fn parts_that_leave_too_early_are_found() {
    let parts = "#EXT-X-PART:DURATION=0.50000,URI=\"p1.m4s\",INDEPENDENT=YES\n\
        #EXT-X-PART:DURATION=0.50000,URI=\"p2.m4s\"\n";
    let found = shape(&read(&GOOD.replace(parts, "")), 2);
    assert!(
        found.iter().any(|finding| finding.contains("PL-5")),
        "{found:?}"
    );
}

#[test]
fn each_rule_between_playlists_finds_what_breaks_it() {
    let before = read(GOOD);
    assert_eq!(step(&before, &before), Vec::<String>::new());
    let grown = GOOD.replace(
        "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p7",
        "#EXT-X-PART:DURATION=0.50000,URI=\"p7.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p8",
    );
    assert_eq!(step(&before, &read(&grown)), Vec::<String>::new());
    assert!(has_reached(&read(&grown), 814, 1) && !has_reached(&before, 814, 1));
    for (from, to, rule) in [
        ("TARGETDURATION:1", "TARGETDURATION:2", "PL-4"),
        ("PART-TARGET=0.50000", "PART-TARGET=0.60000", "PL-4"),
        ("PART-HOLD-BACK=1.50000", "PART-HOLD-BACK=1.60000", "PL-4"),
        ("MEDIA-SEQUENCE:812", "MEDIA-SEQUENCE:811", "PL-6"),
        (
            "DISCONTINUITY-SEQUENCE:3",
            "DISCONTINUITY-SEQUENCE:4",
            "PL-6",
        ),
        ("p2.m4s", "p22.m4s", "PL-1"),
        ("s813.m4s", "s8130.m4s", "PL-1"),
        ("20:00:01.000Z", "20:00:01.001Z", "PL-1"),
        (
            "#EXT-X-PART:DURATION=0.50000,URI=\"p6.m4s\",INDEPENDENT=YES\n",
            "",
            "PL-1",
        ),
    ] {
        let later = GOOD.replace(from, to);
        assert_ne!(later, GOOD, "{from} is not in the playlist");
        let found = step(&before, &read(&later));
        assert!(
            found.iter().any(|finding| finding.contains(rule)),
            "{from} -> {to}: {rule} not in {found:?}"
        );
    }
}
