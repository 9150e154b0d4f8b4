//! PL-16: values at the ends of their ranges, and beyond them.

#![expect(clippy::panic, reason = "helpers of tests fail by panicking")]

use std::fmt::Write;
use std::time::Duration;

use backline_hls::m3u8::{Media, Playlist, PlaylistProblem};
use backline_hls::{Error, Limits};

fn media(duration: &str, sequence: &str) -> Result<Media, Error> {
    let text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n#EXTINF:{duration},\ns\n"
    );
    match Playlist::parse(text.as_bytes(), &Limits::default())? {
        Playlist::Media(media) => Ok(media),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pl_16_numbers_are_decimal_and_below_two_to_the_64() {
    let most = u64::MAX.to_string();
    let read = media(&format!("{most}.9999999999"), &most).unwrap();
    let segment = &read.segments[0];
    assert_eq!(segment.duration, Duration::new(u64::MAX, 999_999_999));
    assert_eq!((segment.msn, read.open.msn), (u64::MAX, u64::MAX));
    assert_eq!(read.listed(), Duration::new(u64::MAX, 999_999_999));
    let beyond = "18446744073709551616";
    for wrong in [
        "-1", "+1", "NaN", "inf", "1e3", "0x1", "", ".", "1.5.5", "1,5", "\u{661}", beyond,
    ] {
        let is_value = |result: Result<Media, Error>| {
            let Err(Error::Playlist { problem, .. }) = result else {
                return false;
            };
            matches!(problem, PlaylistProblem::Value { .. })
        };
        assert!(is_value(media("1", wrong)), "{wrong}");
        // Behind the comma is a title.
        assert_eq!(is_value(media(wrong, "1")), wrong != "1,5", "{wrong}");
    }
}

#[test]
fn pl_16_a_variant_without_a_uri_is_a_fault_of_its_own_line() {
    let head = "#EXTM3U\n";
    let variant = "#EXT-X-STREAM-INF:BANDWIDTH=1\n";
    let again = [head, variant, variant, "v.m3u8\n"].concat();
    let last = [head, variant, "v.m3u8\n", variant, "# end\n"].concat();
    for (text, line, at) in [(again, 2, head.len()), (last, 4, 45)] {
        let problem = PlaylistProblem::Missing {
            tag: "EXT-X-STREAM-INF",
            attribute: "URI",
        };
        let refused = Playlist::parse(text.as_bytes(), &Limits::default());
        assert_eq!(refused, Err(Error::Playlist { line, at, problem }));
    }
}

#[test]
fn pl_16_memory_is_linear_in_long_lists_and_short_lines() {
    let limits = Limits::default();
    let head = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n";
    let mut list = String::from("#EXT-X-DATERANGE:ID=\"a\"");
    for index in 0..1_000 {
        write!(list, ",X-{index}=1").unwrap();
    }
    let lists = [head, &[&list[..], "\n"].concat().repeat(100)].concat();
    let parts = [head, &"#EXT-X-PART:URI=,DURATION=0\n".repeat(30_000)].concat();
    let ranges = [head, &"#EXT-X-DATERANGE:ID=\n".repeat(40_000)].concat();
    let lines = [head, &"\n".repeat(65_000)].concat();
    for text in [lists, parts, ranges, lines] {
        assert!(text.len() <= limits.playlist_bytes);
        let measured = allocation_counter::measure(|| {
            Playlist::parse(text.as_bytes(), &limits).unwrap();
        });
        let allowed = 64 * u64::try_from(text.len()).unwrap();
        assert!(measured.bytes_max < allowed, "{}", measured.bytes_max);
    }
}
