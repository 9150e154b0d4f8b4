//! What is read from configuration records (MUX-6, reference 2.2).

use backline_hls::codec::{Codec, TrackConfig, TrackKind};
use backline_hls::{Error, Limits, RecordProblem};
use bytes::Bytes;

use crate::codec_records::{AAC, AVC, all, bytes, parse};

#[test]
fn mux_6_every_record_says_what_its_stream_is() {
    for known in all() {
        let config = parse(known.codec, known.hex).expect(known.name);
        let (rate, channels) = known.sound.unzip();
        assert_eq!(config.codecs(), known.codecs, "{}", known.name);
        assert_eq!(config.resolution(), known.resolution, "{}", known.name);
        assert_eq!(config.frame_rate(), known.frame_rate, "{}", known.name);
        assert_eq!(config.sample_rate(), rate, "{}", known.name);
        assert_eq!(config.channels(), channels, "{}", known.name);
        assert_eq!(
            config.frame_samples(),
            known.frame_samples,
            "{}",
            known.name
        );
        assert_eq!(config.timescale(), rate.unwrap_or(90_000), "{}", known.name);
        assert_eq!(config.record(), &known.record(), "{}", known.name);
        assert_eq!(config.codec(), known.codec, "{}", known.name);
        let kind = if rate.is_some() {
            TrackKind::Audio
        } else {
            TrackKind::Video
        };
        assert_eq!(config.kind(), kind, "{}", known.name);
    }
}

#[test]
fn mux_6_a_record_is_read_with_one_allocation() {
    for known in all() {
        let record = known.record();
        let _shared = record.clone();
        let limits = Limits::default();
        let mut config = None;
        let info = allocation_counter::measure(|| {
            config = Some(TrackConfig::parse(known.codec, record, &limits));
        });
        assert!(config.unwrap().is_ok());
        assert_eq!(info.count_total, 1, "{}", known.name);
    }
}

#[test]
fn mux_6_opus_may_send_nothing() {
    let config = parse(Codec::Opus, "").unwrap();
    assert_eq!(config.codecs(), "Opus");
    assert_eq!(config.channels(), Some(2));
    assert_eq!(config.timescale(), 48_000);
    assert!(config.record().is_empty());
}

#[test]
fn mux_6_high_efficiency_aac_counts_the_doubled_rate() {
    // Object type 5 over 2: 22,050 Hz become 44,100 Hz, two channels.
    let config = parse(Codec::Aac, "2b920800").unwrap();
    assert_eq!(config.codecs(), "mp4a.40.5");
    assert_eq!(config.sample_rate(), Some(44_100));
    assert_eq!(config.frame_samples(), Some(2_048));
    assert_eq!(config.channels(), Some(2));
    // Object type 29 over 2: one channel becomes two.
    let config = parse(Codec::Aac, "eb8a0800").unwrap();
    assert_eq!(config.codecs(), "mp4a.40.29");
    assert_eq!(config.sample_rate(), Some(44_100));
    assert_eq!(config.frame_samples(), Some(2_048));
    assert_eq!(config.channels(), Some(2));
}

#[test]
fn mux_6_aac_frames_of_960_and_odd_rates() {
    // Object type 2, 48 kHz, stereo, frameLengthFlag.
    let config = parse(Codec::Aac, "1194").unwrap();
    assert_eq!(config.frame_samples(), Some(960));
    // An explicit 24-bit frequency of 37,800 Hz.
    let config = parse(
        Codec::Aac,
        &aac(&[(2, 5), (15, 4), (37_800, 24), (2, 4), (0, 3)]),
    )
    .unwrap();
    assert_eq!(config.sample_rate(), Some(37_800));
    // Object type 42, which is escaped, has frames that only its own configuration names.
    let config = parse(Codec::Aac, &aac(&[(31, 5), (10, 6), (3, 4), (2, 4)])).unwrap();
    assert_eq!(config.codecs(), "mp4a.40.42");
    assert_eq!(config.frame_samples(), None);
}

#[test]
fn mux_6_aac_channels_of_a_program() {
    // Two front elements (one a pair), no side, one back pair, one low-frequency channel, a matrix mixdown: 3 + 2 + 1.
    let program = [
        (2, 5),
        (4, 4),
        (0, 4),
        (0, 3),
        (0, 4),
        (1, 2),
        (4, 4),
        (2, 4),
        (0, 4),
        (1, 4),
        (1, 2),
        (0, 3),
        (0, 4),
        (0, 1),
        (0, 1),
        (1, 1),
        (0, 3),
        (0, 1),
        (0, 4),
        (1, 1),
        (1, 4),
        (1, 1),
        (2, 4),
    ];
    let config = parse(Codec::Aac, &aac(&program)).unwrap();
    assert_eq!(config.channels(), Some(6));
    for (configuration, channels) in [(7, 8), (11, 7), (12, 8), (13, 24), (14, 8)] {
        let hex = aac(&[(2, 5), (4, 4), (configuration, 4), (0, 3)]);
        assert_eq!(parse(Codec::Aac, &hex).unwrap().channels(), Some(channels));
    }
}

/// Fields of (value, bits) as the hex digits of whole bytes.
pub fn aac(fields: &[(u32, u32)]) -> String {
    let mut digits: Vec<u8> = Vec::new();
    for (value, width) in fields {
        for bit in (0..*width).rev() {
            digits.push((value >> bit & 1) as u8);
        }
    }
    digits.resize(digits.len().next_multiple_of(8), 0);
    let byte = |bits: &[u8]| bits.iter().fold(0u8, |byte, bit| byte << 1 | bit);
    digits
        .chunks(8)
        .map(|bits| format!("{:02x}", byte(bits)))
        .collect()
}

#[test]
fn mux_6_hevc_profile_space_and_empty_constraints() {
    let mut record = crate::codec_records::HEVC.record().to_vec();
    record[1] |= 0x80;
    record[6..12].fill(0);
    let config = TrackConfig::parse(Codec::Hevc, record.into(), &Limits::default()).unwrap();
    assert_eq!(config.codecs(), "hvc1.B1.6.L120");
}

#[test]
fn mux_6_hevc_rate_may_stand_in_the_record_alone() {
    // The sequence parameter set is cut behind its picture's size; avgFrameRate is 25 frames a second.
    let known = crate::codec_records::HEVC;
    let mut record = known.record().to_vec();
    let size_end = record
        .windows(3)
        .position(|bytes| bytes == [0x77, 0x96, 0x56])
        .unwrap();
    record.truncate(size_end + 2);
    let sps = record.iter().position(|byte| *byte == 0x21).unwrap();
    let left = record.len() - sps - 5;
    record[sps + 4] = left as u8;
    record[22] = 2;
    record[19..21].copy_from_slice(&(25u16 * 256).to_be_bytes());
    let config = TrackConfig::parse(Codec::Hevc, record.into(), &Limits::default()).unwrap();
    assert_eq!(config.resolution(), known.resolution);
    assert_eq!(config.frame_rate(), Some((25, 1)));
}

#[test]
fn mux_6_vp9_with_and_without_version_and_flags() {
    let full = parse(Codec::Vp9, "010000000028820202020000").unwrap();
    let bare = parse(Codec::Vp9, "0028820202020000").unwrap();
    assert_eq!(full.codecs(), bare.codecs());
    assert_eq!(bare.resolution(), None);
    assert_eq!(
        bare.with_resolution(640, 360).resolution(),
        Some((640, 360))
    );
}

#[test]
fn mux_6_flac_in_its_four_forms() {
    let info = "040004000000000010980bb802f00000000000000000000000000000000000000000";
    let forms = [
        "",
        "80000022",
        "664c614380000022",
        "0000000080000022",
        "664c6143",
    ];
    for form in forms {
        let config = parse(Codec::Flac, &format!("{form}{info}")).unwrap();
        assert_eq!(config.sample_rate(), Some(48_000), "{form}");
        assert_eq!(config.frame_samples(), Some(1_024), "{form}");
    }
}

#[test]
fn mux_6_av1_rate_and_the_high_tier() {
    // A sequence header with a clock of 60 frames a second, a decoder model and two operating points.
    let fields = [
        (0, 3),
        (0, 1),
        (0, 1),
        (1, 1),
        (1_001, 32),
        (60_000, 32),
        (1, 1),
        (1, 1),
        (1, 1),
        (9, 5),
        (90_000, 32),
        (9, 5),
        (9, 5),
        (1, 1),
        (1, 5),
        (0, 12),
        (13, 5),
        (1, 1),
        (1, 1),
        (77, 10),
        (78, 10),
        (0, 1),
        (1, 1),
        (9, 4),
        (0, 12),
        (5, 5),
        (0, 1),
        (0, 1),
        (10, 4),
        (9, 4),
        (1_919, 11),
        (799, 10),
    ];
    let header = aac(&fields);
    let record = format!("818da8000a{:02x}{header}", header.len() / 2);
    let config = parse(Codec::Av1, &record).unwrap();
    assert_eq!(config.codecs(), "av01.4.13H.08");
    assert_eq!(config.resolution(), Some((1_920, 800)));
    assert_eq!(config.frame_rate(), Some((60_000, 1_001)));
    // Depths: 12 bits exist in the professional profile alone.
    for (bytes, codecs) in [
        ("81080000", "av01.0.08M.08"),
        ("81084000", "av01.0.08M.10"),
        ("81086000", "av01.0.08M.10"),
        ("81486000", "av01.2.08M.12"),
    ] {
        let config = parse(Codec::Av1, bytes).unwrap();
        assert_eq!(config.codecs(), codecs);
        assert_eq!(config.resolution(), None);
    }
}

#[test]
fn mux_6_av1_sequence_header_behind_other_units() {
    // A temporal delimiter, a metadata unit with an extension header and a long size, then SVT-AV1's header.
    let record = "81080c0012002e008100000a0c02000042955dee19805f0008";
    let config = parse(Codec::Av1, record).unwrap();
    assert_eq!(config.resolution(), Some((1_916, 1_076)));
}

#[test]
fn mux_6_eac3_dependent_substreams_add_channels() {
    // 48 kHz, 3/2 with low frequency, one dependent substream with one pair of locations.
    let fields = [
        (448, 13),
        (0, 3),
        (0, 2),
        (16, 5),
        (0, 1),
        (0, 1),
        (0, 3),
        (7, 3),
        (1, 1),
        (0, 3),
        (1, 4),
        (2, 9),
    ];
    let config = parse(Codec::Eac3, &aac(&fields)).unwrap();
    assert_eq!(config.channels(), Some(7));
}

#[test]
fn limits_config_bytes_and_parameter_sets() {
    let limits = Limits::default();
    let large = Bytes::from(vec![1; limits.config_bytes + 1]);
    let error = TrackConfig::parse(Codec::Avc, large, &limits).unwrap_err();
    let (size, limit) = (65_537, 65_536);
    let problem = RecordProblem::TooLarge { size, limit };
    assert_eq!(
        error,
        Error::Record {
            codec: Codec::Avc,
            at: 0,
            problem
        }
    );
    assert_eq!(
        error.to_string(),
        "Avc configuration record at byte 0: 65537 bytes, limit 65536"
    );

    // 31 sequence parameter sets and a picture parameter set are the most; one more is a bomb.
    let sps = &AVC.hex[12..12 + 4 + 52];
    let pps = &AVC.hex[12 + 56 + 2..AVC.hex.len() - 8];
    let record = |pictures: usize| {
        let sets = sps.repeat(31) + &format!("{pictures:02x}") + &pps.repeat(pictures);
        parse(Codec::Avc, &format!("01640028ffff{sets}"))
    };
    assert_eq!(record(1).unwrap().resolution(), AVC.resolution);
    let Error::Record { problem, .. } = record(2).unwrap_err() else {
        panic!("the record is at fault");
    };
    assert_eq!(
        problem,
        RecordProblem::ParameterSets {
            count: 33,
            limit: 32
        }
    );

    let hevc =
        "01016000000090000000000078f000fcfdf8f800000f01210021".to_owned() + &"0000".repeat(33);
    let Error::Record { at, problem, .. } = parse(Codec::Hevc, &hevc).unwrap_err() else {
        panic!("the record is at fault");
    };
    assert_eq!(
        problem,
        RecordProblem::ParameterSets {
            count: 33,
            limit: 32
        }
    );
    assert_eq!(at, 26 + 2 * 32);
}

#[test]
fn a_configuration_is_equal_to_itself_sent_again() {
    assert_eq!(parse(Codec::Aac, AAC.hex), parse(Codec::Aac, AAC.hex));
    assert_ne!(bytes(AAC.hex), bytes("118856e500"));
}
