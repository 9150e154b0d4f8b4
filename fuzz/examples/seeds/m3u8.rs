//! Seeds of playlists that others write, and of servers.

use super::rtmp::Seed;

const HEAD: &str = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n\
    #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.60000,CAN-SKIP-UNTIL=12.00000,HOLD-BACK=6.00000\n\
    #EXT-X-PART-INF:PART-TARGET=0.20000\n";

const LADDER: &str = "#EXTM3U\n#EXT-X-VERSION:6\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Audio\",DEFAULT=YES,URI=\"a0/index.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=4000000,CODECS=\"avc1.42c01e,mp4a.40.2\",RESOLUTION=640x360,AUDIO=\"a\"\nv0/index.m3u8\n";

fn live(first: u64, count: u64) -> String {
    let mut text = format!(
        "{HEAD}#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-MAP:URI=\"i0.mp4\"\n\
         #EXT-X-DATERANGE:ID=\"d\",START-DATE=\"2026-11-24T12:00:00Z\",DURATION=4.0\n"
    );
    for msn in first..first + count {
        text += &format!(
            "#EXT-X-PROGRAM-DATE-TIME:2026-11-24T12:00:{:02}.000Z\n#EXTINF:2.00000,\ns{msn}.m4s\n",
            msn * 2 % 60
        );
    }
    text += "#EXT-X-PART:DURATION=0.20000,URI=\"p9.m4s\",INDEPENDENT=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p10.m4s\"\n";
    text + "#EXT-X-RENDITION-REPORT:URI=\"../a0/index.m3u8\",LAST-MSN=12,LAST-PART=0\n"
}

fn update(first: u64, skipped: u64, attributes: &str) -> String {
    let whole = live(first + skipped, 4).replace(
        &format!("SEQUENCE:{}\n", first + skipped),
        &format!("SEQUENCE:{first}\n"),
    );
    whole.replace(
        "#EXT-X-MAP:URI=\"i0.mp4\"\n",
        &format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}{attributes}\n"),
    )
}

fn pair(mode: u8, before: &str, update: &str) -> Vec<u8> {
    let length = u16::try_from(before.len()).expect("a seed is short");
    [
        &[mode][..],
        &length.to_le_bytes(),
        before.as_bytes(),
        update.as_bytes(),
    ]
    .concat()
}

/// One answer of a server: after `wait` times 4 ms, to the first request that waits.
fn answer(wait: u8, body: &str) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("a seed is short");
    [&[wait, 0, 4][..], &length.to_le_bytes(), body.as_bytes()].concat()
}

/// All of them.
pub(crate) fn seeds() -> Vec<Seed> {
    let text = |mode: u8, text: &str| [&[mode], text.as_bytes()].concat();
    let plain = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.000,\nlive-0.ts\n#EXTINF:1.000,\nlive-1.ts\n";
    let torn = live(5, 3);
    let lint = [
        answer(1, LADDER),
        answer(9, &live(5, 8)),
        answer(50, &update(5, 6, "")),
        answer(50, "x"),
    ]
    .concat();
    vec![
        ("m3u8", "live", text(0, &live(5, 4))),
        ("m3u8", "live_over_a_cap", text(1, &live(5, 8))),
        (
            "m3u8",
            "live_with_carriage_returns",
            text(0, &live(5, 2).replace('\n', "\r\n")),
        ),
        (
            "m3u8",
            "live_torn_in_a_tag",
            text(0, &torn[..torn.len() - 20]),
        ),
        ("m3u8", "ladder", text(0, LADDER)),
        ("m3u8", "delta", text(0, &update(5, 6, ""))),
        ("m3u8", "nginx_plain", text(0, plain)),
        (
            "m3u8",
            "numbers_at_their_ends",
            text(
                0,
                "#EXTM3U\n#EXT-X-TARGETDURATION:18446744073709551615\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n\
                 #EXTINF:18446744073709551615.999,\na\n#EXTINF:1,\nb\n",
            ),
        ),
        (
            "m3u8_delta",
            "fits",
            pair(0, &live(5, 10), &update(6, 6, "")),
        ),
        (
            "m3u8_delta",
            "date_ranges_gone",
            pair(
                0,
                &live(5, 10),
                &update(6, 6, ",RECENTLY-REMOVED-DATERANGES=\"d\te\""),
            ),
        ),
        (
            "m3u8_delta",
            "too_old",
            pair(0, &live(5, 3), &update(6, 6, "")),
        ),
        (
            "m3u8_delta",
            "over_a_cap",
            pair(1, &live(5, 4), &update(6, 3, "")),
        ),
        ("hls_lint", "a_little_live", lint),
        ("hls_lint", "no_playlist", answer(1, "<html>")),
    ]
}
