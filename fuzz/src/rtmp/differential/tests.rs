use super::{Known, explained};
use backline_rtmp::Limits;

/// The first chunk of a message on chunk stream 4, with a header of format 0.
fn first(timestamp: u32, length: u32, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x04];
    out.extend(&timestamp.min(0xFF_FFFF).to_be_bytes()[1..]);
    out.extend(&length.to_be_bytes()[1..]);
    out.extend([kind, 1, 0, 0, 0]);
    if timestamp >= 0xFF_FFFF {
        out.extend(timestamp.to_be_bytes());
    }
    out.extend(payload);
    out
}

fn control(kind: u8, value: u32) -> Vec<u8> {
    let mut out = vec![0x02, 0, 0, 0, 0, 0, 4, kind, 0, 0, 0, 0];
    out.extend(value.to_be_bytes());
    out
}

#[track_caller]
fn check(parts: &[Vec<u8>], librtmp2: Option<Known>, shiguredo: Option<Known>) {
    let wire = parts.concat();
    assert_eq!(explained(&wire, Limits::default()), [librtmp2, shiguredo]);
}

/// The parts of a stream, and what the peers do differently with it.
type Case = (Vec<Vec<u8>>, (Option<Known>, Option<Known>));

#[test]
fn each_known_difference_is_met_and_named() {
    let partial = first(9, 200, 9, &[7; 128]);
    let same = |known| (Some(known), Some(known));
    let cases: Vec<Case> = vec![
        (
            vec![partial.clone(), control(2, 4), vec![0xC4]],
            (None, Some(Known::AbortForgets)),
        ),
        (vec![control(1, 127)], (Some(Known::ChunkSize), None)),
        (vec![control(1, 65_537)], (None, Some(Known::ChunkSize))),
        (
            vec![first(1 << 24, 200, 9, &[7; 128]), vec![0xC4], vec![7; 72]],
            same(Known::ExtendedAbsent),
        ),
        (
            vec![first(1 << 24, 1, 9, &[7]), vec![0xC4, 2, 0, 0, 0, 7]],
            (Some(Known::ExtendedStale), None),
        ),
        (
            vec![vec![0x44, 0, 0, 1, 0, 0, 1, 9, 7]],
            (None, Some(Known::FreshFormat)),
        ),
        (vec![vec![0x84, 0, 0, 1]], same(Known::FreshFormat)),
        (
            vec![first(9, 1, 99, &[7])],
            (None, Some(Known::MessageType)),
        ),
        (vec![control(1, 0)], same(Known::OurLimit)),
        (
            vec![partial.clone(), partial.clone()],
            (None, Some(Known::PartialKept)),
        ),
        (
            vec![partial, vec![0x84, 0, 0, 1]],
            (Some(Known::PartialRefused), Some(Known::PartialKept)),
        ),
        (
            [
                vec![0x00, 6, 0, 0, 9, 0, 0, 200, 9, 1, 0, 0, 0],
                vec![7; 128],
                vec![0xC6],
                vec![7; 72],
            ]
            .concat()
            .chunks(13)
            .map(<[u8]>::to_vec)
            .collect(),
            same(Known::ShortContinuation),
        ),
    ];
    for (parts, (librtmp2, shiguredo)) in cases {
        check(&parts, librtmp2, shiguredo);
    }
}

#[test]
fn a_plain_stream_is_read_alike() {
    let parts = [
        first(9, 200, 9, &[7; 128]),
        control(1, 4096),
        [vec![0xC4], vec![7; 72]].concat(),
        vec![0x84, 0, 0, 5],
        vec![8; 200],
    ];
    check(&parts, None, None);
}
