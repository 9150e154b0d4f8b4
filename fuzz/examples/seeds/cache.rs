//! Seeds of the cache properties.

use super::rtmp::Seed;

/// All of them.
pub(crate) fn seeds() -> Vec<Seed> {
    // Calls of cache_ops: 0 publish (key, cut), 3 promise, 7 advance, 9 request (0 object, 1 document), 11 cancel,
    // 12 drain, 13 fill, 14 sleep. A key is a family and 0x40 for parts plus a number.
    let publish = |seq: u8| vec![0, 0, 0x40 | seq, 5];
    let promise = |seq: u8| vec![3, 0, 0x40 | seq, 100];
    let object = |seq: u8| vec![9, 0, 0, 0x40 | seq, 90, 0];
    let current = |form: u8| vec![9, 1, 0, form, 0, 90, 1];
    let after = |major: u8, minor: u8| vec![9, 1, 0, 0, 1, major, minor, 90, 2];
    let advance = |major: u8, minor: u8| vec![7, 0, 0, major, minor];
    let drain = vec![12, 7];
    let fill = vec![13, 0];
    let late = vec![14, 2, 255];
    let show = |mode: u8, calls: &[Vec<u8>]| [&[mode][..], &calls.concat()].concat();
    let crowd: Vec<Vec<u8>> = (0..12).map(|_| after(2, 1)).collect();
    let all: Vec<Vec<u8>> = (0..48).map(publish).collect();
    // Requests of cmcd: client, tenths of a second since the one before, length, text.
    let said = |client: u8, tenths: u8, text: &str| {
        [&[client, tenths, text.len() as u8][..], text.as_bytes()].concat()
    };
    let room = |caps: u8, requests: &[Vec<u8>]| [&[caps][..], &requests.concat()].concat();
    let header = |body: u8, value: &str| {
        [&[body, 8, 0, 0, 0, value.len() as u8][..], value.as_bytes()].concat()
    };
    vec![
        (
            "cache_ops",
            "promised_then_published",
            show(0, &[promise(3), object(3), publish(3), drain.clone()]),
        ),
        (
            "cache_ops",
            "promise_lapses",
            show(0, &[promise(3), object(3), late.clone(), drain.clone()]),
        ),
        (
            "cache_ops",
            "promise_taken_back",
            show(0, &[promise(3), object(3), vec![4, 0, 0x43], drain.clone()]),
        ),
        (
            "cache_ops",
            "promise_moves",
            show(
                0,
                &[
                    promise(3),
                    object(3),
                    vec![6, 0, 0x43, 0, 0x44],
                    publish(4),
                    drain.clone(),
                ],
            ),
        ),
        (
            "cache_ops",
            "document_on_demand",
            show(
                0,
                &[
                    advance(1, 0),
                    current(0),
                    drain.clone(),
                    fill.clone(),
                    drain.clone(),
                ],
            ),
        ),
        (
            "cache_ops",
            "crowd_waits_for_a_point",
            show(
                0,
                &[
                    &[advance(1, 0)],
                    &crowd[..],
                    &[
                        advance(2, 1),
                        drain.clone(),
                        fill.clone(),
                        drain.clone(),
                        drain.clone(),
                    ],
                ]
                .concat(),
            ),
        ),
        (
            "cache_ops",
            "crowd_beyond_low_caps",
            show(
                1,
                &[
                    &[advance(1, 0)],
                    &crowd[..],
                    &[advance(2, 1), drain.clone(), fill.clone(), drain.clone()],
                ]
                .concat(),
            ),
        ),
        (
            "cache_ops",
            "fetch_fails",
            show(
                0,
                &[
                    advance(1, 0),
                    current(0),
                    drain.clone(),
                    vec![13, 7],
                    drain.clone(),
                ],
            ),
        ),
        (
            "cache_ops",
            "stream_forgotten_with_a_fetch_under_way",
            show(
                0,
                &[
                    advance(1, 0),
                    current(0),
                    drain.clone(),
                    vec![15, 0, 0],
                    fill,
                    drain.clone(),
                ],
            ),
        ),
        (
            "cache_ops",
            "stream_finishes",
            show(
                0,
                &[
                    advance(1, 0),
                    after(5, 0),
                    vec![15, 0, 1],
                    drain.clone(),
                    vec![13, 0],
                    drain.clone(),
                ],
            ),
        ),
        (
            "cache_ops",
            "cancelled",
            show(
                0,
                &[
                    promise(3),
                    object(3),
                    vec![11, 0],
                    publish(3),
                    drain.clone(),
                ],
            ),
        ),
        ("cache_ops", "window_beyond_the_budget", show(0, &all)),
        ("cache_ops", "window_beyond_its_slots", show(1, &all)),
        (
            "cache_ops",
            "clock_goes_backwards",
            show(
                0,
                &[promise(3), object(3), vec![14, 0, 200], late, drain.clone()],
            ),
        ),
        (
            "cache_ops",
            "rope",
            show(
                0,
                &[publish(0), publish(1), vec![0, 0, 0x80, 0, 0, 2], drain],
            ),
        ),
        ("range_header", "first_bytes", header(20, "bytes=0-4")),
        (
            "range_header",
            "across_parts",
            header(0xC0 | 9, "bytes=5-25"),
        ),
        ("range_header", "open_end", header(20, "bytes=7-")),
        (
            "range_header",
            "open_end_of_rfc_8673",
            header(20, "bytes=0-9007199254740991"),
        ),
        ("range_header", "suffix", header(20, "bytes=-3")),
        ("range_header", "suffix_of_nothing", header(20, "bytes=-0")),
        ("range_header", "beyond_the_end", header(20, "bytes=99-")),
        (
            "range_header",
            "several_ranges",
            header(20, "bytes=0-1,3-4"),
        ),
        (
            "range_header",
            "beyond_64_bits",
            header(20, "bytes=0-99999999999999999999999"),
        ),
        ("range_header", "other_unit", header(20, "lines=1-2")),
        (
            "range_header",
            "conditions_and_gzip",
            [
                &[20, 15, 4][..],
                b"gzip",
                &[1],
                b"*",
                &[3],
                b"\"a\"",
                &[9],
                b"bytes=0-1",
            ]
            .concat(),
        ),
        (
            "cmcd",
            "version_1",
            room(
                0,
                &[said(
                    0,
                    0,
                    r#"br=3200,bs,d=4004,nor="..%2Fv1%2Fs8.m4s",nrr="0-99",ot=v,pr=1.08,rtp=12000,sid="6e2f",su"#,
                )],
            ),
        ),
        (
            "cmcd",
            "version_2",
            room(
                0,
                &[said(
                    0,
                    0,
                    r#"bl=(1200;v 800;a),nor=("a.m4s" "b.m4s";r="0-99"),sid="6e2f",v=2"#,
                )],
            ),
        ),
        (
            "cmcd",
            "query",
            room(
                0,
                &[said(
                    0,
                    0,
                    r#"_HLS_msn=4&CMCD=bl%3D%281200%3Bv%29%2Csid%3D%22a%22"#,
                )],
            ),
        ),
        (
            "cmcd",
            "broken_fields",
            room(0, &[said(0, 0, r#"br=,bl=(1 2,x="a\",b" c,,OT=v,su"#)]),
        ),
        (
            "cmcd",
            "caps",
            room(
                3,
                &[
                    said(0, 0, r#"a,b,c,d,e"#),
                    said(0, 0, r#"rtp=1,sid="a""#),
                    said(0, 0, r#"rtp=1,sid="b""#),
                    said(0, 0, r#"rtp=1,sid="c""#),
                    said(1, 0, r#"rtp=1,sid="a""#),
                    said(2, 0, r#"rtp=1,sid="a""#),
                ],
            ),
        ),
        (
            "cmcd",
            "crowded_and_free",
            room(
                16,
                &[
                    said(0, 0, r#"rtp=9000,sid="a""#),
                    said(0, 25, r#"bl=1,sid="a""#),
                    said(0, 0, r#"rtp=9,sid="a""#),
                    said(0, 110, r#"bl=1,sid="a""#),
                    said(1, 255, r#"rtp=99999999,sid="b""#),
                ],
            ),
        ),
    ]
}
