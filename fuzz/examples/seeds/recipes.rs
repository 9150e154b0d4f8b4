//! Seeds of the RTMP properties whose input is a recipe.

use super::rtmp::Seed;

/// All of them.
pub(crate) fn seeds() -> Vec<Seed> {
    streams()
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
