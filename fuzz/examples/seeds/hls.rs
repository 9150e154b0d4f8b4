//! Seeds of the HLS properties.

use super::rtmp::Seed;
use backline_fuzz::hls::{AAC_CONFIGS, AVC_CONFIG};
use backline_hls::Limits;
use backline_hls::codec::{Codec, TrackConfig};
use backline_hls::fmp4::{Brand, FragmentSample, Run, Styp, fragment_header, init};

fn with(head: &[u8], rest: &[u8]) -> Vec<u8> {
    [head, rest].concat()
}

/// All of them.
pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = records();
    seeds.extend(requests());
    seeds.extend(shows());
    seeds.extend(files());
    seeds.extend(captions());
    seeds
}

/// A second of H.264 with B-frames and AAC in 7 kB, of FFmpeg 5.1.9.
const SLATE: &[u8] = include_bytes!("../../../crates/backline-hls/tests/data/slate.mp4");

fn files() -> Vec<Seed> {
    let changed = |kind: &[u8; 4], at: usize, bytes: &[u8]| {
        let mut file = SLATE.to_vec();
        let found = file.windows(4).position(|window| window == kind);
        let at = found.unwrap_or_default() + at;
        file[at..at + bytes.len()].copy_from_slice(bytes);
        with(&[0], &file)
    };
    let config = |codec, record: &'static [u8]| {
        TrackConfig::parse(codec, record.into(), &Limits::default()).expect("a good record")
    };
    let picture = config(Codec::Avc, AVC_CONFIG);
    let sound = config(Codec::Aac, AAC_CONFIGS[0]);
    let init = init(&[(1, &picture), (2, &sound)], Brand::Iso6).expect("two tracks");
    let sample = FragmentSample {
        duration: 3_000,
        size: 9,
        composition: -3_000,
        sync: true,
    };
    let samples = [sample; 3];
    let runs = [1, 2].map(|track_id| Run {
        track_id,
        base_decode_time: 90_000,
        samples: &samples,
    });
    let header = fragment_header(1, Some(Styp::Iso6), &runs).expect("two runs");
    let part = with(&header, &[7; 54]);
    let length = u16::try_from(init.len())
        .expect("a short one")
        .to_be_bytes();
    vec![
        ("slate_file", "ffmpeg5_slate", with(&[0], SLATE)),
        (
            "slate_file",
            "ffmpeg5_slate_with_low_caps",
            with(&[1], SLATE),
        ),
        (
            "slate_file",
            "cut_in_the_movie",
            with(&[0], &SLATE[..1_000]),
        ),
        (
            "slate_file",
            "cut_in_the_media",
            with(&[0], &SLATE[..5_000]),
        ),
        (
            "slate_file",
            "a_box_of_size_zero",
            changed(b"mdia", 4, &[0; 4]),
        ),
        (
            "slate_file",
            "more_samples_than_sizes",
            changed(b"stsz", 12, &[0xFF; 4]),
        ),
        (
            "slate_file",
            "no_sample_in_a_chunk",
            changed(b"stsc", 16, &[0; 4]),
        ),
        (
            "slate_file",
            "durations_without_end",
            changed(b"stts", 12, &[0xFF; 8]),
        ),
        (
            "slate_file",
            "offsets_that_wrap",
            changed(b"ctts", 12, &[0x7F; 8]),
        ),
        ("slate_file", "no_timescale", changed(b"mdhd", 16, &[0; 4])),
        (
            "slate_file",
            "an_edit_from_nowhere",
            changed(b"elst", 16, &[0x7F; 4]),
        ),
        (
            "slate_file",
            "a_descriptor_without_end",
            changed(b"esds", 9, &[0xFF; 4]),
        ),
        (
            "slate_file",
            "a_fragmented_file",
            changed(b"moov", 0, b"moof"),
        ),
        (
            "stored_part",
            "two_tracks",
            [&length[..], &init, &part].concat(),
        ),
        (
            "stored_part",
            "an_init_alone",
            [&length[..], &init].concat(),
        ),
        (
            "stored_part",
            "cut_in_the_samples",
            [&length[..], &init, &part[..part.len() - 9]].concat(),
        ),
        (
            "stored_part",
            "a_part_of_no_track",
            [&[0, 0], &part[..]].concat(),
        ),
    ]
}

fn records() -> Vec<Seed> {
    let opus = b"OpusHead\x01\x02\x38\x01\x80\xBB\x00\x00\x00\x00\x00";
    let stream_info = {
        let mut bytes = vec![0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0];
        // 48 kHz, two channels, 16 bits, 36 bits of sample count.
        bytes.extend([0x0B, 0xB8, 0x02, 0xF0, 0, 0, 0, 0]);
        bytes.extend([0; 16]);
        bytes
    };
    // Main, level 3.1, 8 bits, 4:2:0, then a sequence header of reduced size that is cut off.
    let av1 = [0x81, 0x05, 0x0C, 0x00, 0x0A, 0x0B, 0, 0, 0, 0x2D];
    let vp9 = [1, 0, 0, 0, 0, 31, 0x82, 1, 1, 1, 0, 0];
    let hevc = {
        let mut bytes = vec![
            1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93, 0xF0, 0, 0xFC, 0xFD, 0xF8, 0xF8, 0, 0,
            0x0F, 1,
        ];
        bytes.extend([0x21, 0, 1, 0, 4, 0x42, 1, 1, 1]);
        bytes
    };
    vec![
        ("codec_record", "avc_of_x264", with(&[0], AVC_CONFIG)),
        (
            "codec_record",
            "avc_cut_inside_the_parameter_set",
            with(&[0], &AVC_CONFIG[..20]),
        ),
        (
            "codec_record",
            "avc_with_31_parameter_sets_declared",
            with(&[0], &[1, 0x42, 0, 30, 0xFF, 0xFF]),
        ),
        (
            "codec_record",
            "hevc_with_a_short_parameter_set",
            with(&[1], &hevc),
        ),
        ("codec_record", "av1_with_a_cut_header", with(&[2], &av1)),
        ("codec_record", "vp9", with(&[3], &vp9)),
        ("codec_record", "aac_48_khz", with(&[4], AAC_CONFIGS[0])),
        (
            "codec_record",
            "aac_with_an_explicit_rate",
            with(&[4], &[0x17, 0x80, 0x5D, 0xC0, 0x08]),
        ),
        (
            "codec_record",
            "aac_sbr",
            with(&[4], &[0x2B, 0x92, 0x08, 0x00]),
        ),
        ("codec_record", "opus_head", with(&[5], opus)),
        ("codec_record", "opus_without_a_head", vec![5]),
        ("codec_record", "flac_stream_info", with(&[6], &stream_info)),
        ("codec_record", "ac3", with(&[7], &[0x10, 0x3D, 0xC0])),
        (
            "codec_record",
            "eac3",
            with(&[8], &[0x06, 0x00, 0x20, 0x0F, 0x00]),
        ),
    ]
}

/// A cue of `captions`: its operation, track, beginning after the next picture, length, and words.
fn cue(track: u8, ahead_ms: i32, length_ms: i32, id: &str, settings: &str, text: &str) -> Vec<u8> {
    let eighths = |ms: i32| u16::try_from(ms * 8).expect("a few seconds").to_le_bytes();
    let sizes = id.len() | settings.len() << 5 | text.len() << 10;
    let mut bytes = vec![9, track];
    bytes.extend(eighths(ahead_ms + 4_096));
    bytes.extend(eighths(length_ms + 64));
    bytes.push(0);
    bytes.extend(
        u16::try_from(sizes)
            .expect("31 bytes at most")
            .to_le_bytes(),
    );
    bytes.extend([id, settings, text].concat().bytes());
    bytes
}

fn captions() -> Vec<Seed> {
    let pictures = [0, 31];
    let shown = |cues: &[Vec<u8>]| {
        let mut bytes = vec![0];
        bytes.extend(cues.concat());
        bytes.extend(pictures.repeat(3));
        bytes
    };
    let plain = |words: &str| {
        let mut bytes = cue(0, 100, 900, "", "", "");
        bytes.truncate(7);
        bytes[0] = 8;
        bytes.push(u8::try_from(words.len()).expect("short"));
        bytes.extend(words.bytes());
        bytes
    };
    let mut seeds = Vec::new();
    let mut add = |name, bytes| seeds.push(("captions", name, bytes));
    add(
        "a_cue_in_two_segments",
        shown(&[cue(0, 100, 900, "7", "line:0", "<i>two</i>")]),
    );
    add(
        "plain_text_is_escaped",
        shown(&[plain("1 < 2 --> 3\r\n\r\n& on")]),
    );
    add(
        "cues_of_two_tracks",
        shown(&[cue(0, 0, 500, "", "", "a"), cue(1, 40, 500, "", "", "b")]),
    );
    for (name, words) in [
        ("an_empty_line", "a\n\nb"),
        ("an_arrow", "a --> b"),
        ("an_open_tag", "<b>a"),
        ("a_loose_ampersand", "a & b"),
        ("a_voice_to_the_end", "<v Bob>a"),
        ("a_timestamp", "<00:00.000>a"),
    ] {
        add(name, shown(&[cue(0, 100, 900, "", "", words)]));
    }
    add(
        "a_setting_twice",
        shown(&[cue(0, 100, 900, "", "size:1% size:1%", "a")]),
    );
    add(
        "an_id_that_is_a_note",
        shown(&[cue(0, 100, 900, "NOTE", "", "a")]),
    );
    let late = [
        cue(0, -900, 100, "", "", "late"),
        cue(0, -900, 2_000, "", "", "later"),
    ];
    add(
        "cues_that_are_late",
        with(&shown(&[]), &with(&late.concat(), &pictures)),
    );
    let end = cue(0, 1_000, 4_000, "", "", "long");
    let jump = with(&[6, 0xFF, 0xFF], &[0, 31, 4, 5]);
    add(
        "a_cue_over_a_jump_and_a_return",
        with(&with(&shown(std::slice::from_ref(&end)), &jump), &pictures),
    );
    let gap = with(
        &[2, 0, 31, 0, 31],
        &with(&end, &[7, 0xFF, 0x1F, 0, 31, 0, 31]),
    );
    add("a_cue_over_a_gap", gap);
    let mut origin = shown(&[cue(0, 300, 900, "", "", "of any origin")]);
    origin[0] = 16;
    add("times_below_zero", origin);
    let five: Vec<_> = (0..5).map(|_| cue(0, 100, 900, "", "", "x")).collect();
    let mut many = shown(&five);
    many[0] = 4;
    add("more_cues_than_may_wait", many);
    seeds
}

fn requests() -> Vec<Seed> {
    // A show of 100 pictures; kind of path; text.
    let query = |path: u8, text: &str| with(&[100, 0, path], text.as_bytes());
    let path = |text: &str| with(&[100, text.len() as u8, 5], text.as_bytes());
    vec![
        (
            "path_and_query",
            "next_part",
            query(1, "_HLS_msn=2&_HLS_part=4"),
        ),
        ("path_and_query", "next_segment", query(1, "_HLS_msn=2")),
        ("path_and_query", "far_ahead", query(1, "_HLS_msn=99")),
        (
            "path_and_query",
            "part_without_msn",
            query(1, "_HLS_part=1"),
        ),
        (
            "path_and_query",
            "beyond_64_bits",
            query(1, "_HLS_msn=18446744073709551616"),
        ),
        ("path_and_query", "delta_update", query(2, "_HLS_skip=YES")),
        ("path_and_query", "twice", query(1, "_HLS_msn=1&_HLS_msn=2")),
        ("path_and_query", "signed", query(1, "_HLS_msn=+1")),
        ("path_and_query", "hinted_part", with(&[100, 0, 3, 16], b"")),
        ("path_and_query", "segment", with(&[100, 0, 4, 1], b"")),
        (
            "path_and_query",
            "nothing_is_published",
            with(&[0, 0, 0], b""),
        ),
        (
            "path_and_query",
            "after_the_end",
            with(&[0x80 | 100, 0, 1], b"_HLS_msn=50&_HLS_part=3"),
        ),
        ("path_and_query", "leading_zero", path("v0/p007.m4s")),
        ("path_and_query", "parent_folder", path("../v0/index.m3u8")),
        ("path_and_query", "init", path("v0/i0.mp4")),
        (
            "path_and_query",
            "number_beyond_64_bits",
            path("v0/p18446744073709551616.m4s"),
        ),
    ]
}

fn shows() -> Vec<Seed> {
    // Operations of presentation_ops: 0 start, 1 and 2 configure, 9 samples, 4 stop, 5 0xEE end, 8 jump. Each is
    // followed by a byte that says whether the outputs are taken.
    let start = vec![0, 0, 0, 0, 0x65, 0, 1, 0, 2, 0, 0];
    let group = |count: u8, shape: u8| vec![9, count - 1, shape, 0];
    let show =
        |mode: u8, parts: &[Vec<u8>]| with(&[mode], &[start.clone(), parts.concat()].concat());
    let steady: Vec<Vec<u8>> = (0..12).map(|_| group(16, 0x48)).collect();
    let stop = vec![4, 0];
    let end = vec![5, 0xEE, 0];
    let again = vec![0, 9, 0, 0, 0x65, 0];
    let jump =
        |ms10: i16, track: u8| vec![8, ms10.to_le_bytes()[0], ms10.to_le_bytes()[1], track, 0];
    let changed = vec![2, 1, 0];
    let returned: Vec<Vec<u8>> = [
        &steady[..6],
        &[stop.clone(), again],
        &steady[..6],
        std::slice::from_ref(&end),
    ]
    .concat();
    let mut seeds = vec![
        ("presentation_ops", "steady", show(2, &steady)),
        ("presentation_ops", "steady_muxed", show(3, &steady)),
        ("presentation_ops", "stop_and_return", show(2, &returned)),
        ("presentation_ops", "queue_of_one", show(2 | 16, &returned)),
        ("presentation_ops", "low_caps", show(2 | 32, &steady)),
        (
            "presentation_ops",
            "jump_back",
            show(2, &[&steady[..4], &[jump(-500, 0)], &steady[..4]].concat()),
        ),
        (
            "presentation_ops",
            "jump_ahead_of_the_sound",
            show(2, &[&steady[..4], &[jump(900, 1)], &steady[..4]].concat()),
        ),
        (
            "presentation_ops",
            "configuration_changes",
            show(2, &[&steady[..4], &[changed], &steady[..6]].concat()),
        ),
        (
            "presentation_ops",
            "no_key_frame_again",
            show(2, &[&steady[..1], &vec![group(16, 0x40); 10]].concat()),
        ),
        (
            "presentation_ops",
            "same_time_for_all",
            show(2, &[group(16, 0x4F), group(16, 0x4F)]),
        ),
        (
            "presentation_ops",
            "media_before_the_start",
            with(&[2], &group(8, 0x48)),
        ),
        ("presentation_ops", "numbering_goes_on", show(8, &returned)),
    ];
    // 6 lets milliseconds pass; with the highest bits of the mode what is absent is filled, by gaps or a slate.
    let wait = |ms: u16| vec![6, ms.to_le_bytes()[0], ms.to_le_bytes()[1], 0];
    let live: Vec<Vec<u8>> = (0..8).map(|_| group(16, 0x68)).collect();
    let back: Vec<Vec<u8>> = [
        &live[..],
        &[wait(3_000), start.clone()],
        &live[..4],
        std::slice::from_ref(&end),
    ]
    .concat();
    let gone: Vec<Vec<u8>> = [&live[..], &[stop, wait(9_000), end]].concat();
    let silent: Vec<Vec<u8>> = [&live[..], &[wait(700)], &live[..2], &[wait(700)]].concat();
    for (name, mode, parts) in [
        ("gaps_until_the_return", 64 | 2, &back),
        ("gaps_until_the_return_muxed", 64 | 3, &back),
        ("gaps_to_the_end", 64 | 2, &gone),
        ("gaps_of_low_caps", 64 | 32 | 2, &back),
        ("gaps_through_a_queue_of_one", 64 | 16 | 2, &gone),
        ("gaps_of_short_silences", 64 | 2, &silent),
        ("slate_until_the_return", 128 | 2, &back),
        ("slate_until_the_return_muxed", 128 | 3, &back),
        ("slate_without_sound", 192 | 2, &back),
        ("slate_to_the_end", 128 | 2, &gone),
        ("slate_of_short_silences", 128 | 2, &silent),
    ] {
        seeds.push(("presentation_ops", name, show(mode, parts)));
    }
    let plain: Vec<u8> = (0..200_u32)
        .map(|index| (index * 3 % 200) as u8 & !3)
        .collect();
    let gap = [&plain[..80], &[0xFF, 0xFE], &plain[..80]].concat();
    for (name, mode, rate, bytes) in [
        ("frames_30_a_second", 2, 1, plain.clone()),
        ("film_24_a_second", 2, 2, plain.clone()),
        ("ntsc_muxed", 3, 5, plain.clone()),
        ("slow_10_a_second", 6, 7, plain.clone()),
        ("fast_60_a_second_44_khz", 0x12, 3, plain.clone()),
        ("long_group", 0xE2, 1, plain.clone()),
        ("publisher_returns", 2, 0, gap),
        (
            "sound_changes",
            2,
            1,
            [&plain[..90], &[0xFD], &plain[..90]].concat(),
        ),
    ] {
        seeds.push(("playlist_render", name, with(&[mode, rate], &bytes)));
    }
    seeds
}
