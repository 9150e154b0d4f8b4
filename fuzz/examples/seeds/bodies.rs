//! Seeds of the RTMP properties that read a body, a record or a file.

use super::rtmp::Seed;

/// All of them.
pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = containers();
    seeds.extend(records());
    seeds.extend(several_tracks());
    seeds.extend(amf3());
    seeds.extend(control());
    seeds
}

/// A tag of FLV, or an item of an aggregate.
fn tag(kind: u8, timestamp: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u8;
    let mut out = vec![kind, 0, 0, length, 0, 0, timestamp, 0, 0, 0, 0];
    out.extend(body);
    out.extend(u32::from(length + 11).to_be_bytes());
    out
}

fn containers() -> Vec<Seed> {
    let config = [
        &[0x17, 0, 0, 0, 0][..],
        &[1, 0x42, 0xC0, 0x1E, 0xFF, 0xE0, 0],
    ]
    .concat();
    let media = [
        tag(
            18,
            0,
            b"\x02\0\x0aonMetaData\x08\0\0\0\x01\0\x05width\0\x40\x94\0\0\0\0\0\0\0\0\x09",
        ),
        tag(9, 0, &config),
        tag(8, 0, &[0xAF, 0, 0x11, 0x90]),
        tag(9, 33, &[0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65]),
        tag(8, 40, &[0xAF, 1, 7]),
    ]
    .concat();
    let tracks = tag(9, 66, b"\x96\x10hvc1\x01\0\0\x01\x09\x02\0\0\x01\x08");
    let file = |parts: &[&[u8]]| [&[2, 9][..], &parts.concat()].concat();
    let mut wrong = tag(8, 9, &[0xAF, 1]);
    wrong[16] = 99;
    // Numbers of events: 1 use, 3 request a change, 6 a message, 7 a status, 99 is none.
    let object = |events: &[(u8, &[u8])]| {
        let mut out = vec![
            0, 0, 0, 4, b'r', b'o', b'o', b'm', 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 0,
        ];
        for (kind, data) in events {
            out.extend([*kind, 0, 0, 0, data.len() as u8]);
            out.extend(*data);
        }
        out
    };
    let recipe = [3, 3, 5, 7, 0, 0, 3, 1, 0, 0, 0, 0, 1, 9, 9, 3];
    let written = |mode: u8, place: u8| [&[mode, place, 0][..], &recipe, &recipe, &recipe].concat();
    vec![
        ("aggregate_items", "tags", [&[0][..], &media].concat()),
        (
            "aggregate_items",
            "more_than_low_caps",
            [&[1][..], &media].concat(),
        ),
        (
            "aggregate_items",
            "cut_off",
            [&[0][..], &media[..40]].concat(),
        ),
        (
            "aggregate_items",
            "wrong_back_pointer",
            [&[0][..], &wrong, &media].concat(),
        ),
        (
            "aggregate_items",
            "joined",
            vec![2, 5, 0, 0, 0, 1, 33, 0, 9, 2, 7, 7, 1, 0xF0, 0xFF, 8, 1, 3],
        ),
        ("flv_reader", "recording", file(&[&media])),
        ("flv_reader", "several_tracks", file(&[&media, &tracks])),
        ("flv_reader", "zeros_behind", file(&[&media, &[0; 40]])),
        (
            "flv_reader",
            "cut_in_a_body",
            file(&[&media[..media.len() - 6]]),
        ),
        ("flv_reader", "wrong_back_pointer", file(&[&wrong, &media])),
        (
            "flv_reader",
            "encrypted",
            file(&[&tag(0x29, 0, &[1, 2, 3]), &media]),
        ),
        (
            "flv_reader",
            "unknown_type",
            file(&[&tag(15, 0, &[0, 2, 0, 1, b'a']), &tag(3, 0, &[9])]),
        ),
        (
            "flv_reader",
            "declares_16_mib",
            file(&[&[9, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1]]),
        ),
        ("flv_reader", "no_flv", b"\0\0ID3 and no more".to_vec()),
        (
            "flv_reader",
            "long_header",
            b"\0\x05FLV\x01\x05\0\0\0\x0cabc\0\0\0\0".to_vec(),
        ),
        ("flv_round_trip", "whole", written(0, 0)),
        ("flv_round_trip", "cut_in_the_header", written(0, 5)),
        ("flv_round_trip", "cut_in_a_tag", written(1, 40)),
        ("flv_round_trip", "beyond_32_bits", written(2, 90)),
        ("shared_object", "use", object(&[(1, &[])])),
        (
            "shared_object",
            "request_change",
            object(&[(3, b"\0\x01k\x01\x01")]),
        ),
        (
            "shared_object",
            "send_message",
            object(&[(6, b"\x02\0\x04ping\x05")]),
        ),
        (
            "shared_object",
            "status_and_unknown",
            object(&[(7, b"\0\x01c\0\x01l"), (99, b"xy")]),
        ),
        (
            "shared_object",
            "amf3_form",
            [vec![0, 16, 0], object(&[(8, &[]), (11, &[])])[2..].to_vec()].concat(),
        ),
    ]
}

/// Records of `codec_config`, by the number that stands for the codec.
fn records() -> Vec<Seed> {
    [
        ("nothing", 0, &b""[..]),
        (
            "avc_without_parameter_sets",
            0,
            b"\x01\x42\xC0\x1E\xFF\xE0\0",
        ),
        (
            "avc_with_more_sets_than_bytes",
            0,
            b"\x01\x42\xC0\x1E\xFF\xFF\0\0\0\0",
        ),
        (
            "avc_set_beyond_the_end",
            0,
            b"\x01\x42\xC0\x1E\xFF\xE1\xFF\xFFg",
        ),
        ("vpcc", 4, b"\x01\0\0\0\0\x1F\x82\x01\x01\x01\0\0"),
        ("aac_with_an_explicit_rate", 6, b"\x17\x80\x5D\xC0\x08"),
        ("aac_sbr_and_ps", 6, b"\x13\x90\x56\xE5\xA5\x48\x80"),
        ("dac3", 7, b"\x10\x11\xE0"),
        ("dec3", 8, b"\x0C\0\x20\x0F\0"),
        (
            "opus_head_with_a_mapping",
            10,
            b"OpusHead\x01\x06\x38\x01\x80\xBB\0\0\0\0\x01\x04\x02\0\x04\x01\x02\x03\x05",
        ),
        ("ac3_frame", 11, b"\x0B\x77\0\0\x10\x40\x2F\x84"),
    ]
    .map(|(name, codec, record)| ("codec_config", name, [&[0, codec][..], record].concat()))
    .to_vec()
}

fn several_tracks() -> Vec<Seed> {
    // Codec, frame, what it carries, composition time, payload, then which track and offset it has.
    let video = |codec: u8, track: u8| [codec, 0, 5, 0, 9, 0, 0, 2, 5, 7, 1, track];
    let audio = |codec: u8, track: u8| [codec, 5, 2, 5, 7, 1, track];
    let all = |mode: u8, parts: &[&[u8]]| [&[mode][..], &parts.concat()].concat();
    let color = b"\x02\0\x09colorInfo\x03\0\x0bcolorConfig\x03\
        \0\x08bitDepth\0\x40\x24\0\0\0\0\0\0\0\0\x09\0\0\x09";
    vec![
        (
            "tracks_round_trip",
            "same_codec",
            all(0, &[&video(1, 0), &video(1, 1), &video(1, 2)]),
        ),
        (
            "tracks_round_trip",
            "several_codecs",
            all(0, &[&video(0, 0), &video(2, 1), &video(5, 2)]),
        ),
        (
            "tracks_round_trip",
            "sound",
            all(1, &[&audio(0, 0), &audio(5, 1), &audio(3, 2)]),
        ),
        (
            "tracks_round_trip",
            "kinds_differ",
            all(2, &[&video(1, 0), &[1, 1, 0, 1, 3, 0], &video(1, 2)]),
        ),
        ("metadata", "native_layout", vec![0, 1, 2, 0, 0, 0, 3]),
        ("metadata", "custom_layout", vec![0, 2, 3, 0, 1, 0xFE]),
        ("metadata", "layout_cut_off", vec![0, 2, 9, 0]),
        ("metadata", "color", [&[2][..], color].concat()),
        (
            "metadata",
            "color_taken_back",
            [&[2][..], b"\x02\0\x09colorInfo\x06"].concat(),
        ),
        (
            "metadata",
            "unknown_codec_as_text",
            [
                &[1][..],
                b"\x08\0\0\0\0\0\x0cvideocodecid\x02\0\x04hvcr\0\0\x09",
            ]
            .concat(),
        ),
        (
            "metadata",
            "codec_as_text",
            [
                &[1][..],
                b"\x08\0\0\0\0\0\x0cvideocodecid\x02\0\x04hvc1\0\0\x09",
            ]
            .concat(),
        ),
    ]
}

fn amf3() -> Vec<Seed> {
    // Class `C` with the sealed name `a`, then once more by reference to its traits.
    let object = b"\x09\x05\x01\x0A\x13\x03C\x03a\x04\x05\x0A\x01\x02";
    let bodies: Vec<(&'static str, &[u8])> = vec![
        ("every_plain_marker", b"\0\x01\x02\x03\x04\x7F\x05\x3F\xF0\0\0\0\0\0\0\x06\x03a\x07\x03b\x0B\x03c"),
        ("integer_of_four_bytes", b"\x04\xFF\xFF\xFF\xFF"),
        ("date_and_bytes", b"\x08\x01\0\0\0\0\0\0\0\0\x0C\x07abc"),
        ("array_with_names", b"\x09\x03\x03k\x04\x01\x01\x03"),
        ("traits_by_reference", object),
        ("string_by_reference", b"\x09\x07\x01\x06\x03a\x06\0\x06\0"),
        ("contains_itself", b"\x09\x03\x01\x09\0"),
        ("reference_past_the_table", b"\x0A\x10"),
        ("sealed_count_of_2_to_the_25", b"\x0A\xFF\xFF\xFF\xF3\x01"),
        ("array_count_of_2_to_the_28", b"\x09\xFF\xFF\xFF\xFF\x01"),
        ("vectors", b"\x0D\x03\0\0\0\0\x01\x0E\x03\x01\0\0\0\x01\x0F\x03\0\0\0\0\0\0\0\0\0\x10\x03\0\x01\x04\x01"),
        ("dictionary", b"\x11\x03\0\x06\x03k\x04\x05"),
        ("array_collection", b"\x0A\x07\x43flex.messaging.io.ArrayCollection\x09\x03\x01\x04\x01"),
    ];
    let mut seeds: Vec<Seed> = bodies
        .into_iter()
        .map(|(name, body)| ("amf3_decode", name, [&[0][..], body].concat()))
        .collect();
    seeds.push((
        "amf3_round_trip",
        "numbers_and_text",
        vec![0, 3, 9, 9, 9, 9, 0, 5, 3, b'a', b'b', b'c', 1, 2],
    ));
    seeds.push((
        "amf3_round_trip",
        "object_in_an_array",
        vec![0, 14, 0, 2, 1, 15, 1, b'C', 1, 1, b'k', 0, 1, 0, 0, 1],
    ));
    seeds.push((
        "amf3_round_trip",
        "vectors",
        vec![
            1, 10, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0, 16, 1, b'T', 2, 0, 1, 0, 2,
        ],
    ));
    seeds.push((
        "amf3_round_trip",
        "deeper_than_the_reader_goes",
        [0, 18].repeat(60),
    ));
    seeds
}

fn control() -> Vec<Seed> {
    [
        ("stream_begin", 4, &b"\0\0\0\0\0\x01"[..]),
        ("buffer_length", 4, b"\0\x03\0\0\0\x01\0\0\x0B\xB8"),
        ("ping", 4, b"\0\x06\0\0\0\x09"),
        ("swf_verification", 4, b"\0\x1A\x01"),
        ("event_cut_off", 4, b"\0\x03\0\0"),
        ("hard_limit", 6, b"\0\x26\x25\xA0\0"),
        ("limit_of_no_kind", 6, b"\0\x26\x25\xA0\x09"),
        (
            "call",
            20,
            b"\x02\0\x04call\0\x40\x08\0\0\0\0\0\0\x05\x02\0\x01a",
        ),
        (
            "call_in_amf3_form",
            17,
            b"\0\x02\0\x04call\0\x40\x08\0\0\0\0\0\0\x11\x0A\x0B\x01\x03a\x04\x01\x01",
        ),
        ("call_without_a_name", 20, b"\0\x40\x08\0\0\0\0\0\0"),
        ("call_without_a_transaction", 20, b"\x02\0\x01a"),
    ]
    .map(|(name, kind, body)| ("control_messages", name, [&[0, kind][..], body].concat()))
    .to_vec()
}
