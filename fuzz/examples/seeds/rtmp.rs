//! Seeds of the RTMP properties.

use backline_fuzz::rtmp::server::publish_commands;

/// Target, file name, bytes.
pub(crate) type Seed = (&'static str, &'static str, Vec<u8>);

/// A chunk with a header of format 0.
fn chunk_0(chunk_stream: u8, timestamp: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![chunk_stream];
    out.extend(&timestamp.to_be_bytes()[1..]);
    out.extend(&(body.len() as u32).to_be_bytes()[1..]);
    out.extend([kind, 1, 0, 0, 0]);
    out.extend(body);
    out
}

/// A message of format 0 in chunks of 128 bytes.
fn long(chunk_stream: u8, kind: u8, length: usize) -> Vec<u8> {
    let body = vec![0x5A; length];
    let mut out = chunk_0(chunk_stream, 10, kind, &body[..128]);
    out[4..7].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
    for rest in body[128..].chunks(128) {
        out.push(0xC0 | chunk_stream);
        out.extend(rest);
    }
    out
}

fn with(head: &[u8], parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = head.to_vec();
    out.extend(parts.concat());
    out
}

fn string(text: &str) -> Vec<u8> {
    let mut out = vec![0x02, 0, text.len() as u8];
    out.extend(text.as_bytes());
    out
}

fn named(name: &str, value: &[u8]) -> Vec<u8> {
    let mut out = vec![0, name.len() as u8];
    out.extend(name.as_bytes());
    out.extend(value);
    out
}

/// All of them.
pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = chunks();
    seeds.extend(amf());
    seeds.extend(bodies());
    seeds.extend(sessions());
    seeds
}

fn chunks() -> Vec<Seed> {
    let extended = {
        let mut out = vec![
            0x04, 0xFF, 0xFF, 0xFF, 0, 0, 200, 9, 1, 0, 0, 0, 0x01, 0, 0, 0,
        ];
        out.extend([7; 128]);
        out
    };
    let repeated = [vec![0xC4, 0x01, 0, 0, 0], vec![7; 72]].concat();
    let left_out = [vec![0xC4], vec![7; 72]].concat();
    let half_repeated = [vec![0xC4, 0x01, 0, 0, 9], vec![7; 68]].concat();
    let abort = chunk_0(2, 0, 2, &[0, 0, 0, 4]);
    let size = |bytes: u32| chunk_0(2, 0, 1, &bytes.to_be_bytes());
    let delta = vec![0x44, 0, 0, 20, 0, 0, 3, 8, 1, 2, 3];
    let cases: Vec<(&str, u8, Vec<Vec<u8>>)> = vec![
        (
            "audio_and_fmt3_as_a_new_message",
            0,
            vec![
                chunk_0(4, 1000, 8, &[1; 32]),
                [vec![0xC4], vec![2; 32]].concat(),
            ],
        ),
        ("video_in_three_chunks", 0, vec![long(4, 9, 307)]),
        (
            "two_chunk_streams_interleaved",
            0,
            vec![
                chunk_0(4, 0, 9, &[1; 9]),
                chunk_0(6, 0, 8, &[2; 9]),
                delta.clone(),
            ],
        ),
        (
            "extended_timestamp_repeated",
            0,
            vec![extended.clone(), repeated],
        ),
        (
            "extended_timestamp_left_out",
            0,
            vec![extended.clone(), left_out],
        ),
        (
            "extended_timestamp_almost_repeated",
            0,
            vec![extended, half_repeated],
        ),
        ("fmt1_on_a_fresh_chunk_stream", 0, vec![delta]),
        (
            "abort_of_a_partial",
            0,
            vec![
                long(4, 9, 307)[..140].to_vec(),
                abort,
                chunk_0(4, 5, 9, &[1; 5]),
            ],
        ),
        (
            "fmt0_over_a_partial",
            0,
            vec![long(4, 9, 307)[..140].to_vec(), chunk_0(4, 5, 9, &[1; 5])],
        ),
        (
            "chunk_size_4096",
            0,
            vec![size(4096), chunk_0(4, 0, 9, &[3; 1000])],
        ),
        ("chunk_size_zero", 0, vec![size(0)]),
        (
            "chunk_size_of_one_byte",
            1,
            vec![size(1), chunk_0(4, 0, 9, &[3]), vec![0xC4, 9, 0xC4, 9]],
        ),
        (
            "declares_16_mib",
            2,
            vec![vec![4, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0, 1]],
        ),
        (
            "three_byte_chunk_stream_id",
            0,
            vec![vec![0x01, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1, 8, 1, 0, 0, 0, 5]],
        ),
        (
            "many_chunk_streams",
            1,
            (4..12).map(|id| chunk_0(id, 0, 9, &[1; 4])).collect(),
        ),
    ];
    let mut seeds = Vec::new();
    for (name, mode, parts) in cases {
        seeds.push(("chunk_split_invariance", name, with(&[mode, 77], &parts)));
        seeds.push(("allocation_within_limits", name, with(&[mode], &parts)));
        seeds.push(("differential_demux", name, with(&[mode & 1], &parts)));
    }
    // A partition byte, then: chunk stream u16, 0 = chunk size u32, 1 = forget, else a message.
    let message = |stream: u16, time: [u8; 2], length: [u8; 2]| {
        [
            &stream.to_le_bytes()[..],
            &[2, 1, 9],
            &time,
            &length,
            &[0x33],
        ]
        .concat()
    };
    let size = |bytes: u32| [&[0, 0, 0][..], &bytes.to_le_bytes()].concat();
    seeds.push((
        "chunk_round_trip",
        "two_small_messages",
        with(
            &[9],
            &[message(4, [0, 5], [1, 40]), message(4, [0, 9], [1, 40])],
        ),
    ));
    seeds.push((
        "chunk_round_trip",
        "across_the_extended_timestamp",
        with(
            &[9],
            &[message(4, [1, 10], [1, 200]), message(4, [1, 20], [1, 200])],
        ),
    ));
    seeds.push((
        "chunk_round_trip",
        "large_chunk_stream_ids",
        with(
            &[9],
            &[
                message(62, [0, 1], [1, 9]),
                message(318, [0, 2], [1, 9]),
                message(65_000, [0, 3], [1, 9]),
            ],
        ),
    ));
    seeds.push((
        "chunk_round_trip",
        "chunks_of_one_byte",
        with(&[9], &[size(0), message(4, [0, 1], [1, 90])]),
    ));
    seeds.push((
        "chunk_round_trip",
        "dropped_then_format_0",
        with(
            &[9],
            &[
                message(4, [0, 5], [1, 4]),
                vec![4, 0, 1],
                message(4, [0, 9], [1, 4]),
            ],
        ),
    ));
    seeds
}

fn amf() -> Vec<Seed> {
    let number = |value: f64| [&[0x00][..], &value.to_be_bytes()].concat();
    let object = [
        vec![0x03],
        named("app", &string("live")),
        named("capsEx", &number(12.0)),
        vec![0, 0, 9],
    ]
    .concat();
    let metadata = [
        string("@setDataFrame"),
        string("onMetaData"),
        vec![0x08, 0, 0, 0, 2],
        named("width", &number(1280.0)),
        named("stereo", &[0x01, 1]),
        vec![0, 0, 9],
    ];
    let cases: Vec<(&str, u8, Vec<u8>)> = vec![
        (
            "connect",
            0,
            [string("connect"), number(1.0), object].concat(),
        ),
        ("on_meta_data", 0, metadata.concat()),
        (
            "ecma_array_with_a_huge_count",
            0,
            vec![0x08, 0xFF, 0xFF, 0xFF, 0xFF],
        ),
        (
            "strict_array_with_a_huge_count",
            0,
            vec![0x0A, 0xFF, 0xFF, 0xFF, 0xFF],
        ),
        ("nested_strict_arrays", 0, [0x0A, 0, 0, 0, 1].repeat(40)),
        ("nested_beyond_low_caps", 1, [0x0A, 0, 0, 0, 1].repeat(8)),
        (
            "object_without_an_end",
            0,
            [vec![0x03], named("a", &[0x05])].concat(),
        ),
        (
            "string_longer_than_the_body",
            0,
            vec![0x02, 0xFF, 0xFF, b'a'],
        ),
        (
            "every_other_marker",
            0,
            vec![
                0x05, 0x06, 0x0D, 0x07, 0, 1, 0x0B, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0F, 0, 0, 0, 1,
                b'x',
            ],
        ),
        (
            "typed_object",
            0,
            [
                vec![0x10, 0, 1, b'T'],
                named("k", &[0x01, 0]),
                vec![0, 0, 9],
            ]
            .concat(),
        ),
        ("amf3_to_the_end", 0, vec![0x11, 0x04, 0x05]),
        ("text_that_is_no_utf8", 0, vec![0x02, 0, 2, 0xC3, 0x28]),
        ("not_a_number", 0, vec![0x00, 0x7F, 0xF8, 0, 0, 0, 0, 0, 1]),
    ];
    let mut seeds: Vec<Seed> = cases
        .into_iter()
        .map(|(name, mode, body)| ("amf0_decode", name, with(&[mode], &[body])))
        .collect();
    seeds.push((
        "amf0_round_trip",
        "numbers_and_text",
        vec![
            0, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 2, 3, b'a', b'b', b'c', 1, 1,
        ],
    ));
    seeds.push((
        "amf0_round_trip",
        "object_in_an_array",
        vec![12, 2, 10, 1, 1, b'k', 3, 4],
    ));
    seeds.push(("amf0_round_trip", "long_string", vec![9, 3]));
    seeds.push((
        "amf0_round_trip",
        "deeper_than_the_reader_goes",
        [12, 1].repeat(60),
    ));
    seeds.push((
        "amf0_round_trip",
        "property_without_a_name",
        vec![10, 1, 0, 3],
    ));
    seeds
}

fn bodies() -> Vec<Seed> {
    let fourcc = |first: u8, code: &[u8; 4], rest: &[u8]| [&[first][..], code, rest].concat();
    let video: Vec<(&'static str, Vec<u8>)> = vec![
        (
            "avc_configuration",
            [
                &[0x17, 0, 0, 0, 0][..],
                &[1, 0x42, 0xC0, 0x1E, 0xFF, 0xE0, 0],
            ]
            .concat(),
        ),
        (
            "avc_picture_with_negative_composition",
            vec![0x27, 1, 0xFF, 0xFF, 0xDE, 0, 0, 0, 1, 0x41],
        ),
        ("avc_end", vec![0x17, 2, 0, 0, 0]),
        (
            "hevc_as_legacy_codec_12",
            vec![0x1C, 1, 0, 0, 0, 0, 0, 0, 1, 0x26],
        ),
        ("hevc_sequence_start", fourcc(0x90, b"hvc1", &[1, 2, 3])),
        (
            "hevc_coded_frames_x",
            fourcc(0xA3, b"hvc1", &[0, 0, 0, 1, 0x26]),
        ),
        ("av1_coded_frames", fourcc(0x91, b"av01", &[0x12, 0])),
        ("av1_descriptor", fourcc(0x95, b"av01", &[0x80, 4])),
        ("vp9_sequence_end", fourcc(0xA2, b"vp09", &[])),
        (
            "color_info_with_the_frame_type_of_a_command",
            fourcc(
                0xD4,
                b"hvc1",
                &[
                    2, 0, 9, b'c', b'o', b'l', b'o', b'r', b'I', b'n', b'f', b'o', 3, 0, 0, 9,
                ],
            ),
        ),
        ("seek_command", vec![0xD1, 0]),
        (
            "one_track",
            [&[0x96, 0x00][..], b"hvc1", &[1, 1, 2]].concat(),
        ),
        (
            "many_tracks",
            [&[0x96, 0x10][..], b"hvc1", &[1, 0, 0, 1, 9]].concat(),
        ),
        (
            "nanoseconds",
            [&[0x97, 2, 0, 0, 5, 0x01][..], b"avc1", &[0, 0, 0, 9]].concat(),
        ),
        (
            "nested_mod_ex",
            [&[0x97][..], &[0, 0, 0x17].repeat(10), b"avc1"].concat(),
        ),
        ("sorenson", vec![0x22, 1, 2, 3]),
        ("empty", vec![]),
    ];
    let audio: Vec<(&'static str, Vec<u8>)> = vec![
        ("aac_configuration", vec![0xAF, 0, 0x11, 0x90]),
        ("aac_frame", vec![0xAF, 1, 1, 2, 3]),
        ("mp3", vec![0x2F, 0xFF, 0xFB]),
        (
            "opus_sequence_start",
            [&[0x90][..], b"Opus", b"OpusHead\x01\x02"].concat(),
        ),
        ("flac_frame", fourcc(0x91, b"fLaC", &[1, 2])),
        ("ac3_sequence_end", fourcc(0x92, b"ac-3", &[])),
        (
            "multichannel_native",
            fourcc(0x94, b"Opus", &[1, 2, 0, 0, 0, 3]),
        ),
        ("multichannel_custom", fourcc(0x94, b"mp4a", &[2, 2, 0, 1])),
        ("one_track", [&[0x95, 0x01][..], b"Opus", &[1, 7]].concat()),
        ("silence", vec![]),
    ];
    let mut seeds = Vec::new();
    for (target, kind, bodies) in [("video_body", 9, video), ("audio_body", 8, audio)] {
        for (name, body) in bodies {
            seeds.push((target, name, with(&[0], std::slice::from_ref(&body))));
            seeds.push(("packet_decode", name, with(&[0, kind], &[body])));
        }
    }
    seeds
}

fn sessions() -> Vec<Seed> {
    let greeting = |version: u8| {
        let mut bytes = vec![3, 0, 0, 0, 0, version, 0, 0, 0];
        bytes.extend((0..1528_u32).map(|index| index as u8));
        bytes.extend([0; 1536]);
        bytes
    };
    let metadata = chunk_0(
        4,
        0,
        18,
        &[
            string("@setDataFrame"),
            string("onMetaData"),
            vec![0x08, 0, 0, 0, 0, 0, 0, 9],
        ]
        .concat(),
    );
    let video = chunk_0(6, 0, 9, &[0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65]);
    let audio = chunk_0(4, 0, 8, &[0xAF, 1, 7]);
    let stop = chunk_0(
        3,
        9,
        20,
        &[
            string("deleteStream"),
            vec![
                0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0,
            ],
        ]
        .concat(),
    );
    let ping = chunk_0(2, 0, 4, &[0, 6, 0, 0, 0, 9]);
    let media = [metadata, audio, video].concat();
    // Calls of server_ops: 2 publish commands, 3 drain, 5 answer, 0 input, 9 let the next deadline come.
    let ops = vec![
        4, 3, 3, 5, 0, 0, 12, 8, 0, 0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 3, 3, 4, 3, 9, 9, 6, 3, 3, 4, 3,
    ];
    vec![
        ("handshake", "simple", with(&[0, 3], &[greeting(0)])),
        (
            "handshake",
            "digest_version_without_a_digest",
            with(&[1, 3], &[greeting(9)]),
        ),
        ("handshake", "strict_echo", with(&[2, 3], &[greeting(0)])),
        (
            "handshake",
            "http",
            with(&[0, 0], &[b"GET / HTTP/1.1\r\n".to_vec()]),
        ),
        ("handshake", "rtmpe", vec![0, 0, 6]),
        (
            "handshake",
            "bytes_of_the_chunk_layer_follow",
            with(&[0, 9], &[greeting(0), vec![2; 20]]),
        ),
        (
            "server_session",
            "publish_with_media_and_stop",
            with(&[4, 5], &[media.clone(), stop]),
        ),
        (
            "server_session",
            "publish_rejected",
            with(&[6, 5], &[publish_commands(), publish_commands()]),
        ),
        (
            "server_session",
            "ping",
            with(&[4, 5], std::slice::from_ref(&ping)),
        ),
        ("client_session", "ping", with(&[4, 5], &[ping])),
        (
            "client_session",
            "played_media",
            with(&[6, 5], std::slice::from_ref(&media)),
        ),
        (
            "client_session",
            "played_media_with_low_caps",
            with(&[7, 5], std::slice::from_ref(&media)),
        ),
        (
            "client_session",
            "commands_of_a_client",
            with(&[0, 1], &[publish_commands()]),
        ),
        ("server_session", "low_caps", with(&[5, 5], &[media])),
        (
            "server_session",
            "commands_after_the_handshake",
            with(&[0, 1], &[publish_commands()]),
        ),
        ("server_ops", "publish_accept_close", ops),
        (
            "server_ops",
            "handshake_times_out",
            vec![0, 9, 3, 3, 9, 3, 3],
        ),
        (
            "server_ops",
            "answers_nobody_asked_for",
            vec![4, 3, 3, 5, 1, 5, 0, 5, 1, 3, 3],
        ),
        (
            "server_ops",
            "clock_goes_backwards",
            vec![4, 8, 200, 9, 7, 1, 0, 8, 9, 9],
        ),
    ]
}
