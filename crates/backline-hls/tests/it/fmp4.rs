//! Init segments and fragment headers, byte for byte (MUX-1, MUX-2, MUX-4, MUX-5, MUX-8; reference 2.1).

use backline_hls::codec::{Codec, TrackConfig};
use backline_hls::fmp4::{Brand, FragmentSample, Run, Styp, fragment_header, init};
use backline_hls::{Error, FragmentProblem, InitProblem, Limits};
use bytes::Bytes;
use proptest::prelude::*;

use crate::boxes::fragment;
use crate::codec_records::{AAC, AVC, OPUS, all, bytes};

/// A sample that starts nothing, with offsets as B-frames have them.
const fn sample(duration: u32, size: u32, composition: i32, sync: bool) -> FragmentSample {
    FragmentSample {
        duration,
        size,
        composition,
        sync,
    }
}

fn run(samples: &[FragmentSample]) -> Run<'_> {
    Run {
        track_id: 1,
        base_decode_time: 0x0001_0000_0002,
        samples,
    }
}

fn header(samples: &[FragmentSample]) -> Bytes {
    fragment_header(7, None, &[run(samples)]).unwrap()
}

const MDAT_HEADER: usize = 8;

/// The size of a `moof` by reference 2.1: `a` defaults, `b` first-sample-flags, `c` fields of `n` samples.
fn moof(a: usize, b: usize, c: usize, n: usize) -> usize {
    8 + 16 + 8 + 16 + 4 * a + 20 + 20 + 4 * b + 4 * c * n
}

#[test]
fn mux_4_six_samples_with_four_fields_take_184_bytes() {
    let samples = [
        sample(3_000, 20_000, 6_000, true),
        sample(3_001, 5_001, -1, false),
        sample(2_999, 5_002, 0, false),
        sample(3_000, 5_003, 3_000, true),
        sample(3_000, 5_004, 0, false),
        sample(3_000, 5_005, 0, false),
    ];
    assert_eq!(moof(0, 0, 4, 6), 184);
    let header = header(&samples);
    assert_eq!(header.len(), 184 + MDAT_HEADER);
    let mut expected = bytes(
        "000000b86d6f6f66\
         000000106d66686400000000\
         00000007\
         000000a074726166\
         00000010746668640002000000000001\
         0000001474666474010000000000000100000002\
         000000747472756e01000f0100000006000000c0",
    )
    .to_vec();
    for sample in samples {
        let flags: u32 = if sample.sync {
            0x0200_0000
        } else {
            0x0101_0000
        };
        expected.extend(sample.duration.to_be_bytes());
        expected.extend(sample.size.to_be_bytes());
        expected.extend(flags.to_be_bytes());
        expected.extend(sample.composition.to_be_bytes());
    }
    expected.extend((8u32 + 20_000 + 25_015).to_be_bytes());
    expected.extend(b"mdat");
    assert_eq!(header, expected);
}

#[test]
fn mux_2_a_usual_part_has_its_defaults_in_tfhd() {
    // A key frame and five others at a constant rate: the sizes alone differ.
    let mut samples = [sample(3_000, 5_000, 0, false); 6];
    samples[0] = sample(3_000, 20_000, 0, true);
    let header = header(&samples);
    assert_eq!(header.len(), moof(2, 1, 1, 6) + MDAT_HEADER);
    let (runs, announced) = fragment(&header);
    assert_eq!(announced, 45_000);
    assert_eq!(runs[0].flags[..2], [0x0200_0000, 0x0101_0000]);
    assert_eq!(runs[0].durations, [3_000; 6]);
}

#[test]
fn mux_2_sound_of_one_size_needs_no_rows() {
    let header = header(&[sample(1_024, 371, 0, true); 9]);
    assert_eq!(header.len(), moof(3, 0, 0, 9) + MDAT_HEADER);
    let (runs, announced) = fragment(&header);
    assert_eq!(announced, 9 * 371);
    assert_eq!(runs[0].sizes, [371; 9]);
    assert_eq!(runs[0].flags, [0x0200_0000; 9]);
}

#[test]
fn mux_2_one_sample() {
    assert_eq!(
        header(&[sample(3_000, 9, 0, false)]).len(),
        moof(3, 0, 0, 1) + MDAT_HEADER
    );
    assert_eq!(
        header(&[sample(3_000, 9, -7, false)]).len(),
        moof(3, 0, 1, 1) + MDAT_HEADER
    );
}

#[test]
fn mux_2_styp_comes_first() {
    let samples = [sample(1, 1, 0, true)];
    let plain = header(&samples);
    for (styp, expected) in [
        (
            Styp::Chunk,
            "00000018737479706d736468000000006d736468636d666c",
        ),
        (
            Styp::Fragment,
            "0000001c737479706d736468000000006d736468636d6666636d666c",
        ),
        (
            Styp::Segment,
            "00000020737479706d736468000000006d736468636d6673636d6666636d666c",
        ),
        (
            Styp::Iso6,
            "00000018737479706d736468000000006d73646869736f36",
        ),
    ] {
        let header = fragment_header(7, Some(styp), &[run(&samples)]).unwrap();
        let expected = bytes(expected);
        assert_eq!(header[..expected.len()], expected);
        assert_eq!(header[expected.len()..], plain);
    }
}

#[test]
fn mux_8_two_runs_share_a_moof() {
    let video = [
        sample(3_000, 20_000, 3_000, true),
        sample(3_000, 500, 0, false),
    ];
    let audio = [sample(1_024, 300, 0, true), sample(1_024, 301, 0, true)];
    let runs = [
        Run {
            track_id: 1,
            base_decode_time: 9,
            samples: &video,
        },
        Run {
            track_id: 2,
            base_decode_time: 5,
            samples: &audio,
        },
    ];
    let header = fragment_header(1, Some(Styp::Iso6), &runs).unwrap();
    let moof = moof(2, 0, 2, 2) + 4 + moof(2, 0, 1, 2) - 24;
    assert_eq!(header.len(), 24 + moof + MDAT_HEADER);
    let (read, announced) = fragment(&header);
    assert_eq!(announced, 20_500 + 601);
    assert_eq!((read[0].track, read[1].track), (1, 2));
    assert_eq!((read[0].tfdt, read[1].tfdt), (9, 5));
    // The second run's data offset, which lies behind the header and the first run's bytes.
    let second = header.len() - MDAT_HEADER - 4 * 2 - 4;
    let offset = u32::from_be_bytes(header[second..second + 4].try_into().unwrap());
    assert_eq!(offset as usize, moof + MDAT_HEADER + 20_500);
}

#[test]
fn mux_5_decode_times_beyond_32_bits() {
    for time in [0, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX] {
        let samples = [sample(1, 1, i32::MIN, true), sample(1, 1, i32::MAX, true)];
        let run = Run {
            track_id: u32::MAX,
            base_decode_time: time,
            samples: &samples,
        };
        let (read, _) = fragment(&fragment_header(u32::MAX, None, &[run]).unwrap());
        assert_eq!(read[0].tfdt, time);
        assert_eq!(read[0].compositions, [i32::MIN, i32::MAX]);
        assert_eq!(read[0].track, u32::MAX);
    }
}

#[test]
fn mux_2_mdat_of_64_bits_where_32_do_not_do() {
    let at_most = u32::MAX - 8;
    let narrow = header(&[sample(1, at_most, 0, true)]);
    assert_eq!(narrow[narrow.len() - 8..], bytes("ffffffff6d646174"));
    let wide = header(&[sample(1, at_most, 0, true), sample(1, 1, 0, true)]);
    assert_eq!(
        wide[wide.len() - 16..],
        bytes("000000016d6461740000000100000008")
    );
    // The offset counts the larger header.
    let offset = wide.len() as u32;
    let field = wide.len() - 16 - 4 * 2 - 4;
    assert_eq!(wide[field..field + 4], offset.to_be_bytes());
}

#[test]
fn what_a_fragment_cannot_say_is_an_error() {
    let error = |runs: &[Run<'_>]| fragment_header(1, None, runs).unwrap_err();
    let problem = FragmentProblem::Empty { run: 0 };
    assert_eq!(error(&[]), Error::Fragment { runs: 0, problem });
    let one = [sample(1, u32::MAX / 2, 0, true)];
    let problem = FragmentProblem::Empty { run: 1 };
    assert_eq!(
        error(&[run(&one), run(&[])]),
        Error::Fragment { runs: 2, problem }
    );
    // Two sums of sizes lie beyond what a signed 32-bit offset reaches.
    let Error::Fragment { problem, .. } = error(&[run(&one), run(&one)]) else {
        panic!("the fragment is at fault");
    };
    let offset = u64::from(u32::MAX / 2) + 16 + (moof(3, 0, 0, 1) * 2 - 24) as u64;
    assert_eq!(problem, FragmentProblem::Offset { run: 1, offset });
    assert!(
        error(&[run(&one), run(&one)])
            .to_string()
            .starts_with("fragment of 2 runs: run 1 begins 21474")
    );
}

#[test]
fn a_moof_beyond_what_a_box_can_say_is_an_error() {
    // The same million rows of 16 bytes for each of 140 tracks.
    let mut rows = vec![sample(0, 0, 1, false); 1 << 20];
    rows[1] = sample(1, 1, 1, true);
    let runs = [run(&rows); 140];
    let Error::Fragment { problem, .. } = fragment_header(1, None, &runs).unwrap_err() else {
        panic!("the fragment is at fault");
    };
    let size = (24 + 140 * (moof(0, 0, 4, 1 << 20) - 24)) as u64;
    assert_eq!(problem, FragmentProblem::TooLarge { size });
}

#[test]
fn mux_4_one_allocation_a_header() {
    let samples = [
        sample(3_000, 20_000, 0, true),
        sample(3_000, 5_000, 0, false),
        sample(3_000, 5_001, 0, false),
    ];
    let audio = [sample(1_024, 300, 0, true); 9];
    let runs = [
        run(&samples),
        Run {
            track_id: 2,
            ..run(&audio)
        },
    ];
    for runs in [&runs[..1], &runs[..]] {
        let info = allocation_counter::measure(|| {
            fragment_header(1, Some(Styp::Chunk), runs).unwrap();
        });
        assert_eq!(info.count_total, 1);
        assert_eq!(info.count_current, 0);
    }
}

#[test]
fn mux_1_one_allocation_an_init_segment_of_exact_size() {
    for known in all() {
        let config = known.config();
        let tracks = [(1, &config)];
        let mut written = Bytes::new();
        let info = allocation_counter::measure(|| written = init(&tracks, Brand::Cmaf).unwrap());
        assert_eq!(info.count_total, 1, "{}", known.name);
        assert_eq!(info.bytes_total, written.len() as u64, "{}", known.name);
    }
}

/// Everything but the record is the same for all pictures.
#[test]
fn mux_1_init_segment_of_a_picture() {
    let written = init(&[(1, &AVC.config())], Brand::Cmaf).unwrap();
    let matrix = "00010000000000000000000000000000000100000000000000000000000000004\
                  0000000";
    let entry = format!(
        "0000008b617663310000000000000001\
         00000000000000000000000000000000\
         077c04340048000000480000000000000001\
         {}0018ffff\
         0000003561766343{}",
        "00".repeat(32),
        AVC.hex
    );
    let expected = format!(
        "000000186674797069736f360000000069736f36636d6663\
         000002786d6f6f76\
         0000006c6d766864000000000000000000000000000003e80000000000010000010000000000000000000000\
         {matrix}00000000000000000000000000000000000000000000000000000002\
         000001dc7472616b\
         0000005c746b68640000000300000000000000000000000100000000000000000000000000000000000000000000\
         0000{matrix}077c000004340000\
         000001786d646961\
         000000206d64686400000000000000000000000000015f900000000055c40000\
         0000002968646c72000000000000000076696465000000000000000000000000{}\
         000001276d696e66\
         00000014766d68640000000100000000000000000000002464696e660000001c6472656600000000000000010000\
         000c75726c2000000001\
         000000e77374626c\
         0000009b737473640000000000000001{entry}\
         00000010737474730000000000000000000000107374736300000000000000000000001473747\
         37a000000000000000000000000\
         000000107374636f0000000000000000\
         000000286d766578000000207472657800000000000000010000000100000000000000000000000\
         0",
        "6261636b6c696e6500"
    );
    assert_eq!(written, bytes(&expected));
}

#[test]
fn mux_8_muxed_init_segment_has_no_cmaf_brand() {
    let (video, audio) = (AVC.config(), AAC.config());
    let written = init(&[(1, &video), (9, &audio)], Brand::Iso6).unwrap();
    assert_eq!(
        written[..20],
        bytes("000000146674797069736f360000000069736f36")
    );
    let find = |name: &[u8]| written.windows(4).filter(|window| *window == name).count();
    assert_eq!((find(b"trak"), find(b"trex"), find(b"mvex")), (2, 2, 1));
    // next_track_ID follows the largest.
    let mvhd = written
        .windows(4)
        .position(|window| window == b"mvhd")
        .unwrap();
    assert_eq!(written[mvhd + 100..mvhd + 104], 10u32.to_be_bytes());
}

#[test]
fn what_an_init_segment_cannot_say_is_an_error() {
    let (video, audio) = (AVC.config(), AAC.config());
    let problem = |tracks: &[(u32, &TrackConfig)], brand| {
        let Error::Init {
            tracks: count,
            problem,
        } = init(tracks, brand).unwrap_err()
        else {
            panic!("the init segment is at fault");
        };
        assert_eq!(count, tracks.len());
        problem
    };
    let two = [(1, &video), (2, &audio)];
    assert_eq!(problem(&two, Brand::Cmaf), InitProblem::Tracks { limit: 1 });
    assert_eq!(problem(&[], Brand::Iso6), InitProblem::Tracks { limit: 64 });
    assert_eq!(
        problem(&[(1, &audio); 65], Brand::Iso6),
        InitProblem::Tracks { limit: 64 }
    );
    assert_eq!(
        problem(&[(0, &audio)], Brand::Cmaf),
        InitProblem::TrackId { track_id: 0 }
    );
    let same = [(3, &video), (3, &audio)];
    assert_eq!(
        problem(&same, Brand::Iso6),
        InitProblem::TrackId { track_id: 3 }
    );
    for (width, height) in [(0, 360), (640, 0), (65_536, 360)] {
        let odd = AVC.config().with_resolution(width, height);
        assert_eq!(
            problem(&[(1, &odd)], Brand::Cmaf),
            InitProblem::Resolution { track_id: 1 }
        );
    }
    let mut limits = Limits::default();
    limits.config_bytes = 1 << 25;
    let mut record = AAC.record().to_vec();
    record.resize(1 << 24, 0);
    let large = TrackConfig::parse(Codec::Aac, record.into(), &limits).unwrap();
    let (size, limit) = (1 << 24, (1 << 24) - 1);
    assert_eq!(
        problem(&[(1, &large)], Brand::Cmaf),
        InitProblem::Record {
            track_id: 1,
            size,
            limit
        }
    );
}

/// The boxes that carry something other than the record itself.
#[test]
fn mux_6_records_that_change_on_their_way() {
    let has = |config: &TrackConfig, hex: &str| {
        let written = init(&[(1, config)], Brand::Cmaf).unwrap();
        let wanted = bytes(hex);
        assert!(
            written.windows(wanted.len()).any(|window| window == wanted),
            "{hex}"
        );
    };
    // OpusHead is little-endian version 1, dOps big-endian version 0.
    has(&OPUS.config(), "00000013644f7073000201380000bb80000000");
    let empty = TrackConfig::parse(Codec::Opus, Bytes::new(), &Limits::default()).unwrap();
    has(&empty, "00000013644f7073000201380000bb80000000");
    has(
        &AAC.config(),
        "000000366573647300000000038080802500000004808080174015000000000000000000000005808080051210",
    );
    let by_name = |name: &str| {
        all()
            .find(|known| known.name.contains(name))
            .unwrap()
            .config()
    };
    has(&by_name("5.1"), "0006001000000000bb800000"); // 96 kHz as its half, six channels.
    has(&by_name("libvpx"), "000000147670634301000000002882020202");
    has(
        &by_name("STREAMINFO alone"),
        "0000003264664c6100000000800000220400040000",
    );
    has(
        &by_name("content of dfLa"),
        "0000003264664c6100000000800000220400040000",
    );
    has(&by_name("AC-3"), "0000000b64616333103de0");
    has(&by_name("Enhanced"), "0000000d646563330e00200f00");
}

fn samples() -> impl Strategy<Value = Vec<FragmentSample>> {
    let duration = prop_oneof![Just(3_000u32), any::<u32>()];
    let size = prop_oneof![Just(371u32), 0..200_000u32];
    let composition = prop_oneof![3 => Just(0i32), 1 => any::<i32>()];
    let one = (duration, size, composition, any::<bool>())
        .prop_map(|(duration, size, composition, sync)| sample(duration, size, composition, sync));
    let uniform = (one.clone(), 1..9usize).prop_map(|(one, count)| vec![one; count]);
    prop_oneof![proptest::collection::vec(one, 1..40), uniform]
}

proptest! {
    #[test]
    fn mux_5_every_fragment_reads_back(
        lists in proptest::collection::vec((samples(), any::<u32>(), any::<u64>()), 1..4),
    ) {
        let runs: Vec<Run<'_>> = lists
            .iter()
            .map(|(samples, track_id, base_decode_time)| Run {
                track_id: *track_id,
                base_decode_time: *base_decode_time,
                samples,
            })
            .collect();
        let header = fragment_header(1, None, &runs).unwrap();
        let (read, announced) = fragment(&header);
        let total: u64 = lists.iter().flat_map(|(samples, ..)| samples).map(|s| u64::from(s.size)).sum();
        prop_assert_eq!(announced as u64, total);
        prop_assert_eq!(read.len(), runs.len());
        for (read, run) in read.iter().zip(&runs) {
            prop_assert_eq!(read.track, run.track_id);
            prop_assert_eq!(read.tfdt, run.base_decode_time);
            prop_assert_eq!(read.durations.len(), run.samples.len());
            for (at, sample) in run.samples.iter().enumerate() {
                prop_assert_eq!(read.durations[at], sample.duration);
                prop_assert_eq!(read.sizes[at], sample.size);
                prop_assert_eq!(read.compositions[at], sample.composition);
                prop_assert_eq!(read.sync(at), sample.sync);
            }
        }
    }
}
