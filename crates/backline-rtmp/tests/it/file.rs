//! FLV files, read and written (RTMP-34; FLV 10.1, Annex E).

use crate::foreign::{DEBIAN, current, frame_hashes, recording, run};
use crate::pair::packets;
use crate::support::{hex, pattern};
use backline_rtmp::flv::file::{Event, Reader, Writer};
use backline_rtmp::flv::{Media, Packet};
use backline_rtmp::{Error, Limits};
use bytes::Bytes;
use proptest::prelude::*;

/// Reads pieces of a file; returns what was found and up to where the file is whole.
#[expect(
    single_use_lifetimes,
    reason = "an anonymous lifetime is not stable here"
)]
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Event>, u64) {
    let mut reader = Reader::new(Limits::default());
    let mut events = Vec::new();
    for mut piece in pieces {
        while let Some(event) = reader.next_event(&mut piece).unwrap() {
            events.push(event);
        }
        assert!(piece.is_empty());
    }
    (events, reader.whole_len())
}

fn written(packets: &[Packet]) -> Vec<u8> {
    let mut writer = Writer::new();
    let mut file = Writer::header(true, true).to_vec();
    for packet in packets {
        file.extend_from_slice(&writer.write(packet).unwrap().to_bytes());
    }
    file
}

fn of(events: Vec<Event>) -> Vec<Packet> {
    let packet = |event| match event {
        Event::Packet(packet) => Some(packet),
        _ => None,
    };
    events.into_iter().filter_map(packet).collect()
}

#[test]
fn rtmp_34_a_file_by_hand() {
    // E.2: signature, version, flags, data offset, first back pointer. E.3: type, size, time and its high byte,
    // stream, body, back pointer of 11 bytes more than the size.
    let file = hex("464C56 01 05 00000009 00000000 \
         08 000003 000021 01 000000 AF01AA 0000000E");
    let (events, whole) = read([&file[..]]);
    let [Event::Header(header), Event::Packet(packet)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (header.version, header.audio, header.video),
        (1, true, true)
    );
    assert_eq!(packet.timestamp_ms, 0x0100_0021);
    assert_eq!(whole, file.len() as u64);
    assert_eq!(written(std::slice::from_ref(packet)), file);
}

#[test]
fn rtmp_34_what_is_written_is_read() {
    let file = written(&packets());
    let (events, whole) = read([&file[..]]);
    assert_eq!(of(events), packets());
    assert_eq!(whole, file.len() as u64);
}

#[test]
fn rtmp_34_a_cut_at_any_byte_leaves_all_whole_tags() {
    let file = written(&packets()[..3]);
    let ends: Vec<_> = (0..=3)
        .map(|count| written(&packets()[..count]).len())
        .collect();
    for end in 0..=file.len() {
        let (_, whole) = read([&file[..end]]);
        let expected = ends.iter().rev().find(|whole| **whole <= end).unwrap_or(&0);
        assert_eq!(whole, *expected as u64, "{end}");
        // What is whole is read again, and the recording goes on behind it.
        let mut again = file[..whole as usize].to_vec();
        let before = of(read([&again[..]]).0).len();
        if whole > 0 {
            let mut writer = Writer::resume(5000);
            for packet in &packets()[3..5] {
                again.extend_from_slice(&writer.write(packet).unwrap().to_bytes());
            }
            let all = of(read([&again[..]]).0);
            let times: Vec<_> = all[before..]
                .iter()
                .map(|packet| packet.timestamp_ms)
                .collect();
            assert_eq!(times, [5000, 5005]);
        }
    }
}

#[test]
fn rtmp_34_zeros_behind_the_end_are_no_data() {
    // What a file system leaves of a file whose length was written, and whose bytes were not.
    let mut file = written(&packets());
    let whole = file.len() as u64;
    file.resize(file.len() + 5000, 0);
    let (events, found) = read(file.chunks(100));
    assert!(
        matches!(events.last(), Some(Event::ZeroTail { at, .. }) if *at == whole),
        "{events:?}"
    );
    assert_eq!(found, whole);
    assert_eq!(of(events), packets());
}

#[test]
fn rtmp_34_zeros_inside_of_a_tag_tear_it() {
    // A power cut leaves the front of a tag and zeros behind it, wherever a block of the disk ended: the tag is
    // neither whole nor an event.
    let few = &packets()[..3];
    let file = written(few);
    let ends: Vec<_> = (0..=few.len())
        .map(|count| written(&few[..count]).len())
        .collect();
    for cut in ends[0]..file.len() {
        let mut torn = file[..cut].to_vec();
        torn.resize(file.len() + 50, 0);
        // Zeros that belong to the tag tear nothing.
        let same = file.iter().zip(&torn).take_while(|(a, b)| a == b).count();
        let count = ends.iter().filter(|end| **end <= same).count() - 1;
        let (events, whole) = read([&torn[..]]);
        assert_eq!(whole, ends[count] as u64, "{cut}");
        assert_eq!(
            events.last(),
            read([&torn[..], &[1; 40]]).0.last(),
            "whatever follows zeros is ignored"
        );
        assert!(matches!(events.last(), Some(Event::ZeroTail { at, .. }) if *at == whole));
        assert_eq!(of(events), few[..count], "{cut}");
    }
}

#[test]
fn rtmp_34_back_pointers_of_zero_cost_no_tag() {
    // A writer that does not know its lengths: what follows each tag is a tag, and no zeros.
    let sound = hex("08 000003 000000 00 000000 AF01AA 00000000");
    let last = hex("08 000000 000000 00 000000 0000000B");
    let file = [&Writer::header(true, false)[..], &sound, &sound, &last].concat();
    let (events, whole) = read([&file[..]]);
    assert_eq!(whole, file.len() as u64);
    let odd = |event: &&Event| matches!(event, Event::BackPointer { found: 0, .. });
    assert_eq!(events.iter().filter(odd).count(), 2, "{events:?}");
    assert!(matches!(events[1], Event::BackPointer { at: 27, .. }));
    assert_eq!(of(events.clone()).len(), 3);
    assert_eq!(read(file.chunks(1)), (events, whole));
}

#[test]
fn rtmp_34_a_file_whose_back_pointers_are_all_zero_is_whole_up_to_its_last_tag() {
    let tag = |digits: &str| hex(&format!("08 000003 000000 00 000000 {digits} 00000000"));
    let (sound, zero) = (tag("AF01AA"), tag("AF0100"));
    let header = Writer::header(true, false).to_vec();
    let file = |tags: &[&[u8]]| [&[&header[..]], tags].concat().concat();
    let ends = |tags: &[&[u8]]| {
        let file = file(tags);
        let (events, whole) = read([&file[..]]);
        assert_eq!(read(file.chunks(1)), (events.clone(), whole));
        // What is whole is as whole when it is read again, and has the same packets.
        let again = &file[..whole as usize];
        assert_eq!(read([again]).1, whole);
        (of(events).len(), (whole as usize - 13) / sound.len())
    };
    // One such tag alone may be one that a power cut tore in its back pointer.
    assert_eq!(ends(&[&sound]), (0, 0));
    assert_eq!(ends(&[&sound, &sound]), (2, 2));
    assert_eq!(ends(&[&sound, &zero, &sound, &sound]), (4, 4));
    // A body that ends in a zero may be torn at the end of the file, and nowhere else.
    assert_eq!(ends(&[&sound, &sound, &zero]), (2, 2));
    assert_eq!(ends(&[&zero, &zero, &zero, &sound]), (4, 4));
    // A right one says that the writer knows how: a single zero is a tear again.
    let right = hex("08 000003 000000 00 000000 AF01AA 0000000E");
    assert_eq!(ends(&[&sound, &sound, &right, &sound]), (3, 3));
    // And so do zeros behind it.
    let mut torn = file(&[&sound, &sound, &sound]);
    torn.resize(torn.len() + 20, 0);
    let (events, whole) = read([&torn[..]]);
    assert_eq!(
        (of(events).len(), whole as usize),
        (3, 13 + 3 * sound.len())
    );
}

#[test]
fn rtmp_34_what_follows_another_kind_of_header_is_no_file() {
    // The signature counts before the offset, which no reader of another format would understand; and no second
    // header is looked for.
    for (front, at) in [("524946 46 00 00000000", 0), ("464C56 01 05 00000008", 5)] {
        let mut reader = Reader::new(Limits::default());
        let bytes = [&hex(front)[..], &Writer::header(true, true)].concat();
        let mut rest = &bytes[..];
        assert_eq!(reader.next_event(&mut rest), Err(Error::FlvHeader { at }));
        assert_eq!(reader.next_event(&mut rest), Ok(None));
        assert_eq!((rest.len(), reader.whole_len()), (0, 0));
    }
}

#[test]
fn rtmp_34_what_is_odd_costs_its_tag_alone() {
    let front = hex("464C56 01 00 0000000C AABBCC 00000000");
    let sound = hex("08 000003 000000 00 000000 AF01AA 0000000E");
    let odd = [
        // Encrypted, unknown, unreadable, and with a wrong back pointer.
        hex("28 000002 000000 00 000000 0102 0000000D"),
        hex("0A 000001 000000 00 000000 01 0000000C"),
        hex("09 000002 000000 00 000000 1709 0000000D"),
        hex("08 000003 000000 00 000000 AF01AA 000000FF"),
    ];
    let mut file = front;
    for tag in &odd {
        file.extend_from_slice(tag);
        file.extend_from_slice(&sound);
    }
    let (events, whole) = read([&file[..]]);
    assert_eq!(whole, file.len() as u64);
    assert_eq!(of(events.clone()).len(), 5);
    let opaque: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Opaque { kind, filtered, .. } => Some((*kind, *filtered)),
            _ => None,
        })
        .collect();
    assert_eq!(opaque, [(8, true), (10, false)]);
    let place = Error::PacketType { at: 1, packet: 9 };
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Malformed { error, .. } if *error == place))
    );
    assert!(events.iter().any(|event| matches!(
        event,
        Event::BackPointer {
            expected: 14,
            found: 255,
            ..
        }
    )));
}

#[test]
fn rtmp_34_other_files_and_tags_that_are_too_long() {
    let mut reader = Reader::new(Limits::default());
    assert_eq!(
        reader.next_event(&mut &b"RIFF....AVI "[..]),
        Err(Error::FlvHeader { at: 0 })
    );
    let mut reader = Reader::new(Limits::default());
    assert_eq!(
        reader.next_event(&mut &hex("464C56 01 05 00000008")[..]),
        Err(Error::FlvHeader { at: 5 })
    );
    let mut limits = Limits::default();
    limits.message_bytes = 2;
    let file = [
        hex("464C56 01 05 00000009 00000000 08 000003 000000 00 000000 AF01AA 0000000E"),
        hex("08 000002 000000 00 000000 AF01 0000000D"),
    ]
    .concat();
    let mut reader = Reader::new(limits);
    let mut rest = &file[..];
    let mut events = Vec::new();
    while let Some(event) = reader.next_event(&mut rest).unwrap() {
        events.push(event);
    }
    assert!(
        matches!(
            events[..],
            [
                Event::Header(_),
                Event::TooLong {
                    at: 24,
                    length: 3,
                    ..
                },
                Event::Packet(_)
            ]
        ),
        "{events:?}"
    );
    let long = Packet::new(
        0,
        Media::Video(backline_rtmp::flv::Video::new(
            backline_rtmp::flv::VideoCodec::Avc,
            backline_rtmp::flv::VideoFrame::Key,
            backline_rtmp::flv::VideoData::Config(Bytes::from(vec![0; 16 << 20])),
        )),
    );
    assert_eq!(
        Writer::new().write(&long),
        Err(Error::TagLength {
            length: (16 << 20) + 5
        })
    );
}

proptest! {
    #[test]
    fn rtmp_34_any_partition_gives_the_same(
        cuts in proptest::collection::vec(1_usize..4000, 1..60),
        noise in 0_usize..3,
    ) {
        let mut file = written(&packets());
        file.extend_from_slice(&pattern(noise * 13));
        let whole = read([&file[..]]);
        let mut pieces = Vec::new();
        let mut rest = &file[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at(rest.len().min(*cut));
            pieces.push(piece);
            rest = behind;
        }
        prop_assert_eq!(read(pieces), whole);
    }

    #[test]
    fn rtmp_34_a_damaged_file_is_whole_where_it_is_cut(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        zeros in any::<prop::sample::Index>(),
        tail in 0_usize..40,
        piece in 1_usize..50,
    ) {
        // The header stays: without it there is no file.
        let mut file = written(&packets()[..4]);
        let first = Writer::header(true, true).len();
        for (place, byte) in flips {
            let body = &mut file[first..];
            body[place.index(body.len())] = byte;
        }
        let begin = first + zeros.index(file.len() - first);
        file[begin..].fill(0);
        file.resize(file.len() + tail, 0);
        let (events, whole) = read([&file[..]]);
        prop_assert_eq!(&read(file.chunks(piece)), &(events.clone(), whole));
        let (again, len) = read([&file[..whole as usize]]);
        prop_assert_eq!(len, whole);
        prop_assert_eq!(&again[..], &events[..again.len()]);
    }
}

/// How FFmpeg can be asked to write FLV: what each program knows.
pub(crate) fn recordings() -> Vec<(&'static str, String, Vec<u8>)> {
    let legacy = "-c:v libx264 -g 30 -pix_fmt yuv420p -c:a aac";
    let enhanced = [
        "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a libopus",
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a flac",
        "-c:v libsvtav1 -preset 12 -svtav1-params tile-columns=0 -c:a ac3",
        "-c:v libx264 -bf 2 -pix_fmt yuv420p -c:a eac3",
        "-map 0:v -map 0:v -map 1:a -map 1:a -c:v:0 libx264 -c:v:1 libx265 -x265-params log-level=none -pix_fmt yuv420p -c:a:0 aac -c:a:1 libopus",
    ];
    let mut all = vec![("debian", legacy.to_owned(), recording(DEBIAN, legacy))];
    // One channel, 22.05 kHz: the first byte of each tag says so.
    let mp3 = "-vn -ar 22050 -c:a libmp3lame";
    all.push(("debian", mp3.to_owned(), recording(DEBIAN, mp3)));
    for codecs in enhanced.into_iter().chain([legacy]) {
        all.push(("current", codecs.to_owned(), recording(current(), codecs)));
    }
    all
}

#[test]
#[ignore = "needs ffmpeg"]
fn rtmp_34_what_ffmpeg_records_is_written_again_to_the_same_frames() {
    for (program, codecs, file) in recordings() {
        let (events, whole) = read([&file[..]]);
        assert_eq!(whole, file.len() as u64, "{program} {codecs}");
        let odd: Vec<_> = events
            .iter()
            .filter(|event| !matches!(event, Event::Header(_) | Event::Packet(_)))
            .collect();
        assert!(odd.is_empty(), "{program} {codecs}: {odd:?}");
        let again = written(&of(events));
        assert_eq!(
            frame_hashes(&again),
            frame_hashes(&file),
            "{program} {codecs}"
        );
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn rtmp_34_a_recording_that_was_cut_plays_up_to_the_cut() {
    let file = recording(DEBIAN, "-c:v libx264 -g 30 -pix_fmt yuv420p -c:a aac");
    let frames = |file: &[u8]| frame_hashes(file).lines().count();
    let all = frames(&file);
    let mut before = 0;
    for tenth in 2..=9 {
        let cut = file.len() * tenth / 10;
        let (_, whole) = read([&file[..cut]]);
        let count = frames(&file[..whole as usize]);
        assert!((before..all).contains(&count), "{tenth}: {count} of {all}");
        before = count;
    }
    assert!(before > all / 2, "{before} of {all}");
}

#[test]
#[ignore = "needs flvmeta"]
fn rtmp_34_flvmeta_finds_nothing_wrong() {
    let file = recording(DEBIAN, "-c:v libx264 -g 30 -pix_fmt yuv420p -c:a aac");
    let again = written(&of(read([&file[..]]).0));
    let place = std::env::temp_dir().join(format!("backline-flvmeta-{}.flv", std::process::id()));
    std::fs::write(&place, again).unwrap();
    let report = run("flvmeta", &["-C", place.to_str().unwrap()], &[]);
    std::fs::remove_file(&place).unwrap();
    let report = String::from_utf8(report).unwrap();
    assert!(report.contains("0 error(s)"), "{report}");
}
