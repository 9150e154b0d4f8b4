//! Records that are cut, flipped or made to hurt: each gives an error with a place, and none a panic.

use backline_hls::codec::{Codec, TrackConfig};
use backline_hls::{Error, Limits, RecordProblem};
use bytes::Bytes;
use proptest::prelude::*;

use crate::codec::aac;
use crate::codec_records::{AVC, all, parse};

const CODECS: [Codec; 9] = [
    Codec::Aac,
    Codec::Ac3,
    Codec::Av1,
    Codec::Avc,
    Codec::Eac3,
    Codec::Flac,
    Codec::Hevc,
    Codec::Opus,
    Codec::Vp9,
];

/// How many bytes of a record matter to what is read of it.
fn needed(codec: Codec, record: &Bytes) -> usize {
    match codec {
        Codec::Aac => 2,
        // High profiles append chroma and depths, which the sequence parameter set has too.
        Codec::Avc => record.len() - if record[1] >= 100 { 4 } else { 0 },
        _ => record.len(),
    }
}

#[test]
fn a_record_cut_at_any_byte_is_an_error_that_names_the_byte() {
    for known in all() {
        let record = known.record();
        for cut in 0..needed(known.codec, &record) {
            let left = record.slice(..cut);
            let result = TrackConfig::parse(known.codec, left, &Limits::default());
            let silent = matches!(known.codec, Codec::Ac3 | Codec::Eac3 | Codec::Opus) && cut == 0;
            if silent || known.codec == Codec::Av1 && cut == 4 {
                assert!(result.is_ok(), "these say less, and nothing wrong");
                continue;
            }
            let Err(Error::Record { codec, at, problem }) = result else {
                panic!("{} cut at {cut} gave {result:?}", known.name);
            };
            assert_eq!(codec, known.codec);
            assert!(at <= cut, "{} cut at {cut} fails at {at}", known.name);
            if known.codec == Codec::Vp9 && cut == 3 {
                continue; // Three bytes of version and flags may be a record with an impossible bit depth.
            }
            let truncated = matches!(problem, RecordProblem::Truncated { .. });
            assert!(truncated, "{} cut at {cut}: {problem}", known.name);
        }
    }
}

#[test]
fn a_record_without_a_parameter_set_misses_it() {
    let Err(Error::Record { at, problem, .. }) = parse(Codec::Avc, "01640028ffe000") else {
        panic!("there is no picture without it");
    };
    let what = "sequence parameter set";
    let spec = "ISO/IEC 14496-15 5.3.3.1";
    assert_eq!((at, problem), (7, RecordProblem::Missing { what, spec }));
}

#[test]
fn hostile_exp_golomb_of_more_than_32_zeros() {
    // A baseline sequence parameter set whose first code never ends: emulation prevention keeps its zeros legal.
    let zeros = "0000030000030000030000";
    let sps = format!("6742c01e{zeros}");
    let record = format!("0142c01effe1{:04x}{sps}00", sps.len() / 2);
    let spec = "ITU-T H.264 7.3.2.1.1";
    let problem = RecordProblem::ExpGolomb {
        field: "seq_parameter_set_id",
        limit: 32,
        spec,
    };
    // The 33rd zero is the first bit of the fifth byte that counts, and two bytes that do not lie before it.
    let at = 8 + 4 + 4 + 2;
    assert_eq!(
        parse(Codec::Avc, &record),
        Err(Error::Record {
            codec: Codec::Avc,
            at,
            problem
        })
    );
    // 32 zeros are a code, and its value is no identifier.
    let sps = "6742c01e00000300000380000003000040";
    let record = format!("0142c01effe1{:04x}{sps}00", sps.len() / 2);
    let Err(Error::Record { problem, .. }) = parse(Codec::Avc, &record) else {
        panic!("no parameter set has such an identifier");
    };
    let RecordProblem::Value { field, value, .. } = problem else {
        panic!("{problem}");
    };
    assert_eq!((field, value), ("seq_parameter_set_id", 0xffff_ffff));
}

/// A record, the byte at fault, and what is said of it.
const WRONG_VALUES: [(Codec, &str, usize, &str); 28] = [
    (
        Codec::Avc,
        "00640028ff",
        0,
        "configurationVersion is 0, expected 1",
    ),
    (
        Codec::Avc,
        "01640028fe",
        4,
        "lengthSizeMinusOne is 2, expected 0, 1 or 3",
    ),
    (
        Codec::Avc,
        "01640028ffe000",
        7,
        "no sequence parameter set, expected at least one",
    ),
    (
        Codec::Avc,
        "01640028ffe100016800",
        8,
        "nal_unit_type is 8, expected 7",
    ),
    (
        Codec::Avc,
        "01640028ffe1ffff67",
        6,
        "ends inside sequenceParameterSet",
    ),
    (
        Codec::Hevc,
        "02",
        0,
        "configurationVersion is 2, expected 1",
    ),
    (
        Codec::Hevc,
        "01016000000090000000000078f000fcfdf8f800000f00",
        23,
        "no sequence parameter set",
    ),
    (
        Codec::Hevc,
        "01016000000090000000000078f000fcfdf8f800000f0121000100024001",
        29,
        "nal_unit_type is 32, expected 33",
    ),
    (
        Codec::Av1,
        "80080c00",
        0,
        "marker and version is 128, expected 129",
    ),
    (
        Codec::Av1,
        "81080c008a00",
        4,
        "obu_forbidden_bit is 1, expected 0",
    ),
    (
        Codec::Av1,
        "81080c0008",
        4,
        "obu_has_size_field is 0, expected 1",
    ),
    (
        Codec::Av1,
        "81080c000affffffffff7f",
        5,
        "obu_size is 4398046511103, expected at most 32 bits",
    ),
    (Codec::Av1, "81080c000aff0100", 7, "ends inside obu payload"),
    (
        Codec::Vp9,
        "0428820202020000",
        0,
        "profile is 4, expected 0 to 3",
    ),
    (
        Codec::Vp9,
        "0028920202020000",
        2,
        "bitDepth is 9, expected 8, 10 or 12",
    ),
    (
        Codec::Aac,
        "0210",
        0,
        "audioObjectType is 0, expected 1 to 95",
    ),
    (
        Codec::Aac,
        "1690",
        1,
        "samplingFrequencyIndex is 13, expected 0 to 12",
    ),
    (Codec::Aac, "1780000010", 4, "samplingFrequencyIndex is 15"),
    (
        Codec::Aac,
        "1240",
        1,
        "channelConfiguration is 8, expected 1 to 7",
    ),
    (
        Codec::Aac,
        "1200000000000000",
        6,
        "program_config_element is 0, expected at least one channel",
    ),
    (
        Codec::Opus,
        "4f7075734865616501023801",
        7,
        "magic signature is 101, expected OpusHead",
    ),
    (
        Codec::Opus,
        "4f70757348656164100238010000000000000000",
        8,
        "version is 16, expected 0 to 15",
    ),
    (
        Codec::Opus,
        "4f70757348656164010038010000000000000000",
        9,
        "channel count is 0, expected 1 to 255",
    ),
    (
        Codec::Opus,
        "4f70757348656164010338010000000000000000",
        9,
        "channel count is 3, expected 1 or 2 in mapping family 0",
    ),
    (
        Codec::Flac,
        "0008040000000000",
        3,
        "maximum block size is 1024, expected the minimum block size, 16 or more",
    ),
    (
        Codec::Flac,
        "04000400000000000000000002f0",
        12,
        "sample rate is 0, expected 1 to 1048575 Hz",
    ),
    (Codec::Ac3, "d03de0", 0, "fscod is 3, expected 0 to 2"),
    (Codec::Eac3, "0e00e00f00", 2, "fscod is 3, expected 0 to 2"),
];

/// Each wrong value is named with its place, and with what was expected.
#[test]
fn hostile_values_are_named() {
    for (codec, hex, place, text) in WRONG_VALUES {
        let Err(error @ Error::Record { at, .. }) = parse(codec, hex) else {
            panic!("{codec:?} {hex} was taken");
        };
        let said = error.to_string();
        assert!(said.contains(text), "{codec:?} {hex}: {said}");
        assert_eq!(at, place, "{codec:?} {hex}: {said}");
    }
}

#[test]
fn hostile_pictures_without_a_size() {
    // Cropped to nothing, and wider than a sample entry can say.
    let head = [(0x67, 8), (66, 8), (0xc0, 8), (30, 8)];
    let body = |width: u32, crop: u32| {
        let mut fields = head.to_vec();
        let ue = |value: u32| {
            let bits = 32 - (value + 1).leading_zeros();
            (value + 1, 2 * bits - 1)
        };
        fields.extend([
            ue(0),
            ue(0),
            ue(2),
            ue(1),
            (0, 1),
            ue(width),
            ue(3),
            (1, 1),
            (1, 1),
        ]);
        fields.extend([(1, 1), ue(crop), ue(0), ue(0), ue(0), (0, 1), (1, 1)]);
        let sps = aac(&fields);
        let record = format!("0142c01effe1{:04x}{sps}00", sps.len() / 2);
        parse(Codec::Avc, &record)
    };
    assert_eq!(body(9, 31).unwrap().resolution(), Some((160 - 62, 64)));
    let text = |result: Result<TrackConfig, Error>| result.unwrap_err().to_string();
    assert!(text(body(9, 80)).contains("frame_crop_offset is 160, expected less than the picture"));
    assert!(text(body(4_095, 0)).contains("pic_width_in_mbs_minus1 is 4095, expected 0 to 4094"));
    assert!(body(4_094, 0).is_ok());
}

#[test]
fn a_broken_clock_costs_the_frame_rate_alone() {
    // The record's sequence parameter set ends inside its video usability information.
    let sps = &AVC.hex[16..16 + 2 * 16];
    let record = format!("01640028ffe10010{sps}00");
    let config = parse(Codec::Avc, &record).unwrap();
    assert_eq!(config.resolution(), AVC.resolution);
    assert_eq!(config.frame_rate(), None);
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_an_error_inside_them(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        codec in 0..CODECS.len(),
    ) {
        check(CODECS[codec], bytes)?;
    }

    #[test]
    fn any_flip_of_a_record_is_a_record_or_an_error_inside_it(
        which in 0..22usize,
        flips in proptest::collection::vec((0..2_000usize, any::<u8>()), 1..4),
    ) {
        let known = all().nth(which).unwrap();
        let mut bytes = known.record().to_vec();
        for (at, value) in flips {
            let size = bytes.len();
            bytes[at % size] ^= value;
        }
        check(known.codec, bytes)?;
    }
}

/// Whatever is taken can be written into an init segment, unless its picture has no size.
fn check(codec: Codec, bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let size = bytes.len();
    match TrackConfig::parse(codec, bytes.into(), &Limits::default()) {
        Ok(config) => {
            prop_assert!(config.timescale() > 0);
            // Without a record the first sample says what AC-3 is.
            prop_assert!(size == 0 || !config.codecs().is_empty());
            let written =
                backline_hls::fmp4::init(&[(1, &config)], backline_hls::fmp4::Brand::Cmaf);
            prop_assert!(written.is_ok() || config.sample_rate().is_none());
        }
        Err(Error::Record { at, .. }) => prop_assert!(at <= size),
        Err(other) => prop_assert!(false, "{other}"),
    }
    Ok(())
}
