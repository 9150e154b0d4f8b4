//! What records leave open and samples say: the size of a VP9 picture, everything about AC-3 (MUX-6).

use backline_hls::codec::{Codec, TrackConfig};
use backline_hls::fmp4::{Brand, init};
use backline_hls::{Error, Event, Limits, RecordProblem, Sample, TrackId};
use bytes::Bytes;
use proptest::prelude::*;

use crate::studio::{Studio, WALL, hex, separate};

const VPCC: &str = "010000000028820202020000";
/// Key frames of libvpx, 322x182: profiles 0 to 3, and RGB.
const KEYS: [&str; 5] = [
    "824983420014100b560638241c184a00",
    "a2498342000282016ac0c70483830940",
    "92498342000a0805ab031c120e0c2c00",
    "b124c1a10000a0805ab031c120e0c2c0",
    "a2498342e014100b560638241c184a00",
];
/// The same at 640x360.
const KEY_360: &str = "824983420027f0167506";
const AC3_STEREO: &str = "0b778c37144043e1";

/// FFmpeg's frames, what it writes into dac3 and dec3 for them, the rate and the channels.
const FRAMES: [(Codec, &str, &str, u32, u16); 6] = [
    (Codec::Ac3, AC3_STEREO, "101140", 48_000, 2),
    (Codec::Ac3, "0b771ef84c402f84", "5008c0", 44_100, 1),
    (Codec::Ac3, "0b771f259e40ebf8", "903de0", 32_000, 6),
    (Codec::Eac3, "0b77017f3487c000", "0600200400", 48_000, 2),
    (Codec::Eac3, "0b7703427f87c000", "0c00600f00", 44_100, 6),
    (Codec::Eac3, "0b77011fb287c000", "0300a00200", 32_000, 1),
];

fn config(codec: Codec, record: &str) -> TrackConfig {
    TrackConfig::parse(codec, hex(record), &Limits::default()).unwrap()
}

/// As long as the frame says that it is.
fn whole(codec: Codec, frame: &str) -> Vec<u8> {
    let mut bytes = hex(frame).to_vec();
    if codec == Codec::Eac3 {
        let words = usize::from(bytes[2] & 0x07) << 8 | usize::from(bytes[3]);
        bytes.resize((words + 1) * 2, 0);
    }
    bytes
}

#[test]
fn mux_6_a_vp9_key_frame_gives_the_size() {
    for key in KEYS {
        let without = config(Codec::Vp9, VPCC);
        assert!(!without.is_complete());
        assert!(init(&[(1, &without)], Brand::Cmaf).is_err());
        let with = without.with_sample(&hex(key)).unwrap().unwrap();
        assert_eq!(with.resolution(), Some((322, 182)), "{key}");
        assert!(with.is_complete() && init(&[(1, &with)], Brand::Cmaf).is_ok());
        // The same again says nothing new.
        assert_eq!(with.with_sample(&hex(key)).unwrap(), None);
    }
}

#[test]
fn mux_6_an_av1_sequence_header_in_the_sample_gives_the_size() {
    // Two records of SVT-AV1: the one without its sequence header, and the one that is 640x360.
    let full = hex("81054c000a0c0200002d6a67fd9e017c2020");
    let bare = config(Codec::Av1, "81054c00");
    assert!(!bare.is_complete());
    let told = bare.with_sample(&full[4..]).unwrap().unwrap();
    assert_eq!(told.resolution(), Some((1_280, 720)));
    let temporal_delimiter_only = bare.with_sample(&[0x12, 0]);
    assert!(matches!(
        temporal_delimiter_only,
        Err(Error::Record {
            problem: RecordProblem::Missing { .. },
            at: 2,
            ..
        })
    ));
}

/// The boxes are those that FFmpeg's own writer makes of the same frames.
#[test]
fn mux_6_an_ac3_frame_stands_in_for_its_record() {
    for (codec, frame, entry, rate, channels) in FRAMES {
        let without = config(codec, "");
        assert!(!without.is_complete());
        let frame = whole(codec, frame);
        let with = without.with_sample(&frame).unwrap().unwrap();
        assert_eq!(with.sample_rate(), Some(rate));
        assert_eq!(with.channels(), Some(channels));
        assert_eq!(with.frame_samples(), Some(1_536));
        let written = init(&[(1, &with)], Brand::Cmaf).unwrap();
        let given = config(codec, entry);
        let expected = init(&[(1, &given)], Brand::Cmaf).unwrap();
        assert_eq!(written, expected, "{codec:?} {rate}");
        assert_eq!(with.codecs(), given.codecs());
        assert_eq!(with.with_sample(&frame).unwrap(), None);
        // A record that came is believed.
        assert_eq!(given.with_sample(&frame).unwrap(), None);
    }
}

#[test]
fn mux_6_a_sample_that_cannot_stand_in_says_where() {
    for (codec, record, sample, at, field) in [
        (Codec::Vp9, VPCC, "00", 0, "frame_marker"),
        (Codec::Vp9, VPCC, "88", 0, "show_existing_frame"),
        (Codec::Vp9, VPCC, "84", 0, "frame_type"),
        (Codec::Vp9, VPCC, "82498343", 3, "frame_sync_code"),
        (Codec::Ac3, "", "0b780000", 1, "syncword"),
        (Codec::Ac3, "", "0b770000147000", 5, "bsid"),
        (Codec::Ac3, "", "0b770000d4400000", 0, "fscod"),
        (Codec::Eac3, "", "0b77417f3487c0", 2, "strmtyp"),
        (Codec::Eac3, "", "0b77017ff487c0", 4, "fscod"),
        (Codec::Eac3, "", "0b77017f3417c0", 5, "bsid"),
    ] {
        let found = config(codec, record).with_sample(&hex(sample));
        match found {
            Err(Error::Record {
                codec: whose,
                at: place,
                problem: RecordProblem::Value { field: name, .. },
            }) => assert_eq!((whose, place, name), (codec, at, field), "{sample}"),
            other => panic!("{sample}: {other:?}"),
        }
    }
    for (codec, record, sample) in [
        (Codec::Vp9, VPCC, KEYS[0]),
        (Codec::Ac3, "", FRAMES[0].1),
        (Codec::Eac3, "", FRAMES[3].1),
    ] {
        let whole = hex(sample);
        for cut in 0..5 {
            let found = config(codec, record).with_sample(&whole[..cut]);
            let truncated = matches!(
                found,
                Err(Error::Record {
                    problem: RecordProblem::Truncated { .. },
                    ..
                })
            );
            assert!(truncated, "{codec:?} cut at {cut}: {found:?}");
        }
    }
}

proptest! {
    #[test]
    fn mux_6_any_sample_is_an_error_or_a_configuration(
        sample in proptest::collection::vec(any::<u8>(), 0..64),
        head in proptest::sample::select(vec!["", "0b77", "8249834200", "1200"]),
    ) {
        let sample = [&hex(head)[..], &sample].concat();
        for (codec, record) in [
            (Codec::Vp9, VPCC),
            (Codec::Av1, "81054c00"),
            (Codec::Ac3, ""),
            (Codec::Eac3, ""),
        ] {
            if let Ok(Some(told)) = config(codec, record).with_sample(&sample) {
                prop_assert!(told.is_complete());
                prop_assert_eq!(told.with_sample(&sample).unwrap(), None);
            }
        }
    }
}

fn record(track: TrackId, codec: Codec, record: &str) -> Event {
    Event::Config {
        track,
        codec,
        record: hex(record),
    }
}

fn frame(track: TrackId, ms: i64, sync: bool, data: Vec<u8>) -> Event {
    let sample = Sample {
        dts_ns: ms * 1_000_000,
        composition_ns: 0,
        sync,
        data: Bytes::from(data),
    };
    Event::Sample { track, sample }
}

/// VP9 at 25 frames a second, a key frame each second, and AC-3 without a record, from `from_s` to `to_s`.
fn show(studio: &mut Studio, from_s: i64, to_s: i64, key: &str) {
    let mut sound = from_s * 1_000;
    for picture in from_s * 25..to_s * 25 {
        let ms = picture * 40;
        while sound <= ms {
            studio.at_ms(sound.unsigned_abs());
            let data = hex(AC3_STEREO).to_vec();
            studio.event(frame(TrackId::AUDIO, sound, true, data));
            sound += 32;
        }
        studio.at_ms(ms.unsigned_abs());
        let sync = picture % 25 == 0;
        let mut data = hex(if sync { key } else { "86" }).to_vec();
        data.resize(500, 0);
        studio.event(frame(TrackId::VIDEO, ms, sync, data));
    }
}

fn start(studio: &mut Studio) {
    studio.event(Event::Start { wall: WALL });
    studio.event(record(TrackId::VIDEO, Codec::Vp9, VPCC));
    studio.event(record(TrackId::AUDIO, Codec::Ac3, ""));
}

/// Also where the size changes and the record does not: a changed configuration is a new init segment (MUX-7).
#[test]
fn mux_7_a_key_frame_of_another_size_is_another_init_segment() {
    let mut studio = Studio::new(separate());
    start(&mut studio);
    // Nothing is known of the picture before its first key frame.
    studio.event(frame(TrackId::VIDEO, 0, false, vec![0x86, 0]));
    show(&mut studio, 0, 6, KEYS[0]);
    let text = studio.multivariant().unwrap();
    assert!(text.contains("RESOLUTION=322x182"), "{text}");
    assert!(text.contains("CODECS=\"vp09.00.40.08,ac-3\""), "{text}");
    assert_eq!(studio.inits.len(), 2);
    show(&mut studio, 6, 12, KEY_360);
    let text = studio.multivariant().unwrap();
    assert!(text.contains("RESOLUTION=640x360"), "{text}");
    assert_eq!(studio.inits.len(), 3);
    assert_eq!(studio.hls.stats().discontinuities, 1);
    // The same publisher again: nothing changes.
    studio.event(Event::Stop);
    start(&mut studio);
    show(&mut studio, 12, 16, KEY_360);
    assert_eq!(studio.inits.len(), 3);
    assert!(studio.warnings.is_empty(), "{:?}", studio.warnings);
}

/// A record that says less than an init segment needs waits for the next key frame.
#[test]
fn mux_7_a_changed_record_waits_for_the_key_frame_that_completes_it() {
    let mut studio = Studio::new(separate());
    start(&mut studio);
    show(&mut studio, 0, 4, KEYS[0]);
    studio.event(record(
        TrackId::VIDEO,
        Codec::Vp9,
        "010000000032820202020000",
    ));
    studio.event(record(
        TrackId::VIDEO,
        Codec::Vp9,
        "010000000032820202020000",
    ));
    assert_eq!(studio.inits.len(), 2, "the size is not known");
    studio.event(frame(TrackId::VIDEO, 4_000, false, vec![0x86, 0]));
    let refused = studio.try_event(frame(TrackId::VIDEO, 4_000, true, vec![0x86, 0]));
    assert!(matches!(
        refused,
        Err(Error::Record {
            codec: Codec::Vp9,
            ..
        })
    ));
    show(&mut studio, 4, 8, KEYS[0]);
    assert_eq!(studio.inits.len(), 3);
    let text = studio.multivariant().unwrap();
    assert!(text.contains("vp09.00.50.08"), "{text}");
}

/// FFmpeg's FLAC encoder sends STREAMINFO again at its end: only its frame sizes, length and signature are others.
#[test]
fn mux_7_streaminfo_with_another_length_is_no_other_configuration() {
    let mut studio = Studio::new(separate());
    // Block sizes, frame sizes; 48 kHz, two channels, 16 bits; length and signature.
    let begin = format!(
        "12001200000000000000{}{}",
        "0bb802f000000000",
        "0".repeat(32)
    );
    let end = format!(
        "120012000000e0002010{}{}",
        "0bb802f000075300",
        "5a".repeat(16)
    );
    studio.event(Event::Start { wall: WALL });
    studio.event(record(TrackId::AUDIO, Codec::Flac, &begin));
    for index in 0..100i64 {
        studio.at_ms(index.unsigned_abs() * 96);
        studio.event(frame(TrackId::AUDIO, index * 96, true, vec![0; 300]));
    }
    studio.event(record(TrackId::AUDIO, Codec::Flac, &end));
    assert_eq!(studio.inits.len(), 1);
    studio.event(record(
        TrackId::AUDIO,
        Codec::Flac,
        &begin.replace("1200", "1000"),
    ));
    assert_eq!(
        studio.inits.len(),
        2,
        "other block sizes are another configuration"
    );
}
