//! Seeds of the RTMP properties whose input is a recipe.

use super::rtmp::Seed;

/// All of them.
pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = streams();
    seeds.extend(addresses());
    seeds.extend(sessions());
    seeds.extend(relays());
    seeds.extend(reports());
    seeds
}

fn relays() -> Vec<Seed> {
    // 4 pushes, 0 pops; a key frame and what follows, disposable frames among them.
    let frame = |kind: u8, step: u8| [4, 3, step, 7, 0, kind, 3, 0, 0, 0, 0, 3, 200, 9, 3];
    let sound = [4, 3, 10, 3, 0, 3, 2, 40, 9, 3];
    let all = |mode: u8, parts: &[&[u8]]| [&[mode][..], &parts.concat()].concat();
    let group = [frame(0, 33), frame(1, 33), frame(2, 33)].concat();
    vec![
        ("relay_ops", "one_group", all(0, &[&group, &[0, 5], &sound])),
        (
            "relay_ops",
            "slow_consumer",
            all(
                3,
                &[&group, &sound, &group, &[0, 1], &group, &group, &[0, 5]],
            ),
        ),
        (
            "relay_ops",
            "no_key_frame",
            all(1, &[&frame(1, 9), &frame(2, 9), &[0, 5]]),
        ),
        (
            "relay_ops",
            "sound_alone",
            all(1, &[&sound.repeat(20), &[0, 5]]),
        ),
        (
            "relay_ops",
            "snapshot_of_a_group",
            all(2, &[&group, &[2], &group, &[2, 3, 1, 2]]),
        ),
    ]
}

fn addresses() -> Vec<Seed> {
    [
        ("plain", "rtmp://venue.example/live/key"),
        ("tls_with_a_port", "RTMPS://venue.example:4430/live/key"),
        ("ipv6", "rtmp://[2001:db8::1]:1936/live/key"),
        (
            "user_and_password",
            "rtmp://camera:longsecret@venue.example/live/key",
        ),
        (
            "query_of_the_application",
            "rtmp://venue.example/live?token=a/b/key",
        ),
        (
            "query_of_the_key",
            "rtmp://venue.example/live/key?bandwidthtest=true",
        ),
        ("instance", "rtmp://venue.example/app/instance/key"),
        (
            "colon_in_the_name",
            "rtmp://venue.example/vod/mp4:folder/file",
        ),
        ("no_path", "rtmp://venue.example"),
        (
            "fragment",
            "rtmp://venue.example/live/key#here\n//other.example/app#there",
        ),
        (
            "redirected_to_a_path",
            "rtmp://venue.example/live/key\n/second",
        ),
        (
            "redirected_elsewhere",
            "rtmp://venue.example/live/key\nrtmps://other.example/app",
        ),
        ("port_zero", "rtmp://venue.example:0/live"),
        ("bracket_in_a_host", "rtmps://x:ps]/a"),
        ("control_character_in_a_reference", "rtmp://h/a/n\n/a\n\n"),
        ("not_rtmp", "http://venue/live"),
    ]
    .map(|(name, url)| ("address", name, url.as_bytes().to_vec()))
    .to_vec()
}

fn sessions() -> Vec<Seed> {
    let server = |version: u8| {
        let mut bytes = vec![3, 0, 0, 0, 0, version, 0, 0, 1];
        bytes.extend((0..1528_u32).map(|index| index as u8));
        bytes.extend([0; 1536]);
        bytes
    };
    let answered = |form: u8, version: u8| [vec![0, form, 3], server(version)].concat();
    // Calls of play_ops: 3 drain, 5 answer, 12 send, 4 poll, 1 call.
    let accepted = [3, 3, 5, 1];
    let video = [12, 3, 5, 7, 0, 0, 3, 1, 0, 0, 0, 0, 1, 9, 9, 3];
    let play = |mode: u8, calls: &[&[u8]]| [&[mode][..], &accepted, &calls.concat()].concat();
    // Calls of session_pair: 7 settle, 11 send, 10 7 end, 9 wait.
    let publish = [11, 3, 5, 7, 0, 0, 3, 1, 0, 0, 0, 0, 1, 9, 9, 3];
    let pair = |mode: u8, form: u8, calls: &[&[u8]]| [&[mode, form][..], &calls.concat()].concat();
    vec![
        ("client_handshake", "simple", answered(0, 0)),
        (
            "client_handshake",
            "server_without_a_digest",
            answered(1, 0),
        ),
        (
            "client_handshake",
            "server_with_a_wrong_digest",
            answered(2, 4),
        ),
        (
            "client_handshake",
            "strict",
            [vec![2, 0, 0], server(0)].concat(),
        ),
        ("client_handshake", "rtmpe", vec![0, 0, 0, 6]),
        ("play_ops", "pictures", play(0, &[&video, &video, &[4, 9]])),
        (
            "play_ops",
            "paused",
            play(0, &[&[1, 0, 1, 1, 0], &video, &[1, 0, 0, 1, 0], &video]),
        ),
        (
            "play_ops",
            "ended_and_played_again",
            play(0, &[&video, &[7, 2, 1, 5, 3, 1, 1, 0, 3, 3, 5, 1], &video]),
        ),
        (
            "play_ops",
            "queue_of_two",
            play(1, &[&video, &video, &video]),
        ),
        ("play_ops", "silent_player", play(0, &[&[9, 9, 9, 9]])),
        (
            "session_pair",
            "published",
            pair(0, 0, &[&publish, &publish, &[7], &publish]),
        ),
        (
            "session_pair",
            "played",
            pair(1, 0, &[&publish, &publish, &[7], &publish]),
        ),
        ("session_pair", "signed", pair(0, 1, &[&publish])),
        (
            "session_pair",
            "one_at_a_time",
            pair(3, 2, &[&publish, &[7], &publish]),
        ),
        (
            "session_pair",
            "client_leaves",
            pair(0, 0, &[&publish, &[10, 7, 0]]),
        ),
        (
            "session_pair",
            "server_ends",
            pair(1, 0, &[&publish, &[10, 7, 6]]),
        ),
        (
            "session_pair",
            "asked_to_connect_anew",
            pair(4, 0, &[&publish, &[10, 7, 3], &publish]),
        ),
        ("session_pair", "refused", pair(8, 0, &[&publish])),
        (
            "session_pair",
            "silence",
            pair(0, 0x80, &[&[9, 9, 9, 9, 9]]),
        ),
    ]
}

/// Streams of `differential_demux`: 4 a writer of its own, 6 our muxer.
fn streams() -> Vec<Seed> {
    // Chunk stream 3; what the first message takes: message stream, type, length, time, first byte.
    let begin = |choice: u8, rest: &[u8]| [&[4, 2, 0, choice][..], rest].concat();
    let first = |kind: u8, length: [u8; 3], time: &[u8]| {
        begin(
            0,
            &[&[1, 0, 0, 0, kind][..], &length, time, &[0x33]].concat(),
        )
    };
    // 0x30 asks for format 3, and what is 0 below stays as it was.
    let again = begin(0x30, &[0x44]);
    let sized = [0, 0x80, 0x0F].to_vec();
    let go_on = vec![2, 0];
    let abort = vec![1, 0];
    let cases: Vec<(&str, u8, Vec<Vec<u8>>)> = vec![
        (
            "format_3_begins_messages",
            4,
            vec![first(5, [1, 40, 0], &[0, 20]), again.clone(), again.clone()],
        ),
        (
            "extended_timestamp_in_every_chunk",
            4,
            vec![
                first(5, [2, 0, 3], &[1, 99]),
                go_on.clone(),
                again,
                go_on.clone(),
            ],
        ),
        (
            "chunk_size_in_mid_message",
            4,
            vec![first(5, [3, 0, 9], &[0, 20]), sized, go_on],
        ),
        (
            "aborted_then_format_0",
            4,
            vec![
                first(5, [3, 0, 9], &[0, 20]),
                abort,
                first(4, [1, 9, 0], &[0, 1]),
            ],
        ),
        (
            "steps_back",
            4,
            vec![first(5, [1, 9, 0], &[0, 20]), begin(0x28, &[2, 0xF0, 0x44])],
        ),
        (
            "several_messages_of_our_muxer",
            6,
            vec![
                vec![
                    1, 2, 1, 0, 1, 5, 2, 0, 3, 0x33, 9, 0, 1, 5, 2, 9, 2, 0, 4, 0x44, 9, 0, 1, 4,
                    0, 9, 1, 8, 1,
                ],
                vec![0, 0xFF, 0x0F],
                vec![1, 0, 1, 0, 1, 5, 1, 9, 3, 0, 0x33, 1],
            ],
        ),
    ];
    cases
        .into_iter()
        .map(|(name, mode, parts)| {
            let bytes = [vec![mode], parts.concat()].concat();
            ("differential_demux", name, bytes)
        })
        .collect()
}

fn reports() -> Vec<Seed> {
    // A packet, then what happens to it: 0 any time, 1 a step back, 0x13 forty steady ones.
    let frame = |kind: u8, how: &[u8]| {
        [&[3, 33, 7, 0, kind, 3, 0, 0, 0, 0, 3, 200, 9, 3][..], how].concat()
    };
    let sound = [&[3, 10, 3, 0, 3, 2, 40, 9, 3][..], &[0x13]].concat();
    let all = |parts: &[&[u8]]| [&[0][..], &parts.concat()].concat();
    vec![
        (
            "meter",
            "steady",
            all(&[
                &frame(0, &[0x13]),
                &sound,
                &frame(1, &[0x13]),
                &frame(0, &[0x13]),
            ]),
        ),
        (
            "meter",
            "steps_back",
            all(&[
                &frame(0, &[0x13]),
                &frame(1, &[1, 200, 0]),
                &frame(1, &[0x13]),
            ]),
        ),
        (
            "meter",
            "clock_is_set",
            all(&[&frame(0, &[0x13]), &frame(0, &[0, 9, 9, 9, 9, 9, 9, 9, 9])]),
        ),
        (
            "meter",
            "comes_late",
            all(&[&frame(0, &[0x13]), &frame(0, &[0x1E, 60, 0]), &sound]),
        ),
    ]
}
