//! Two readers that share no code with the writer say what they see: mp4-atom and shiguredo_mp4.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use backline_hls::codec::TrackConfig;
use backline_hls::fmp4::{Brand, FragmentSample, Run, Styp, fragment_header, init};
use mp4_atom::{Any, Decode as _, Ftyp, Moov, Traf};
use proptest::prelude::*;
use shiguredo_mp4::codec_string::from_sample_entry;
use shiguredo_mp4::demux::Fmp4SegmentDemuxer;

use crate::codec_records::{AAC, AVC, Known, all};

/// Names, codecs and sizes that mp4-atom finds in a track.
fn atom_entry(config: &TrackConfig) -> (String, Option<(u32, u32)>) {
    let written = init(&[(3, config)], Brand::Cmaf).unwrap();
    let mut written = &written[..];
    let ftyp = Ftyp::decode(&mut written).unwrap();
    assert_eq!(ftyp.major_brand, b"iso6".into());
    assert_eq!(ftyp.compatible_brands, [b"iso6".into(), b"cmfc".into()]);
    let moov = Moov::decode(&mut written).unwrap();
    assert!(written.is_empty());
    assert_eq!(moov.mvhd.duration, 0);
    let trex = &moov.mvex.unwrap().trex;
    assert_eq!((trex.len(), trex[0].track_id), (1, 3));
    let trak = &moov.trak[0];
    assert_eq!(trak.tkhd.track_id, 3);
    assert_eq!((trak.tkhd.duration, trak.mdia.mdhd.duration), (0, 0));
    assert_eq!(trak.mdia.mdhd.timescale, config.timescale());
    let table = &trak.mdia.minf.stbl;
    assert!(table.stts.entries.is_empty() && table.stsc.entries.is_empty());
    let (name, visual) = match &table.stsd.codecs[0] {
        mp4_atom::Codec::Avc1(entry) => ("avc1", Some(&entry.visual)),
        mp4_atom::Codec::Hvc1(entry) => ("hvc1", Some(&entry.visual)),
        mp4_atom::Codec::Av01(entry) => ("av01", Some(&entry.visual)),
        mp4_atom::Codec::Vp09(entry) => ("vp09", Some(&entry.visual)),
        mp4_atom::Codec::Mp4a(_) => ("mp4a", None),
        mp4_atom::Codec::Opus(_) => ("Opus", None),
        mp4_atom::Codec::Flac(_) => ("fLaC", None),
        mp4_atom::Codec::Ac3(_) => ("ac-3", None),
        mp4_atom::Codec::Eac3(_) => ("ec-3", None),
        other => panic!("unexpected {other:?}"),
    };
    let size = visual.map(|visual| (u32::from(visual.width), u32::from(visual.height)));
    let header = (trak.tkhd.width.integer(), trak.tkhd.height.integer());
    let header = (u32::from(header.0), u32::from(header.1));
    assert_eq!(header, size.unwrap_or((0, 0)));
    (name.to_owned(), size)
}

#[test]
fn mux_1_mp4_atom_reads_every_init_segment() {
    for known in all() {
        let config = known.config();
        let (name, size) = atom_entry(&config);
        assert!(config.codecs().starts_with(&name), "{}", known.name);
        assert_eq!(size, config.resolution(), "{}", known.name);
    }
}

/// Whether shiguredo_mp4 knows the sample entry: none of AC-3, and no Opus with a channel mapping table.
fn shiguredo_knows(known: &Known) -> bool {
    let surround = known.codecs == "Opus" && known.sound.unwrap().1 > 2;
    !known.codecs.ends_with("c-3") && !surround
}

#[test]
fn mux_1_shiguredo_mp4_reads_every_init_segment_and_names_the_same_codecs() {
    for known in all().filter(|known| shiguredo_knows(known)) {
        let config = known.config();
        let header = fragment_header(
            1,
            None,
            &[Run {
                track_id: 1,
                base_decode_time: 0,
                samples: &[FragmentSample {
                    duration: 1,
                    size: 1,
                    composition: 0,
                    sync: true,
                }],
            }],
        );
        let mut demuxer = Fmp4SegmentDemuxer::new();
        demuxer
            .handle_init_segment(&init(&[(1, &config)], Brand::Cmaf).unwrap())
            .expect(known.name);
        assert_eq!(
            demuxer.tracks().unwrap()[0].timescale.get(),
            config.timescale()
        );
        let part = [&header.unwrap()[..], b"x"].concat();
        let samples = demuxer.handle_media_segment(&part).expect(known.name);
        let named = from_sample_entry(samples[0].sample_entry.unwrap()).expect(known.name);
        assert!(
            named.eq_ignore_ascii_case(config.codecs()),
            "{named} {}",
            known.name
        );
    }
}

/// What both readers must give back of a sample.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Seen {
    track: u32,
    time: u64,
    sample: FragmentSample,
    at: usize,
}

fn expected(header: usize, runs: &[Run<'_>]) -> Vec<Seen> {
    let mut at = header;
    let mut seen = Vec::new();
    for run in runs {
        let mut time = run.base_decode_time;
        for sample in run.samples {
            seen.push(Seen {
                track: run.track_id,
                time,
                sample: *sample,
                at,
            });
            time += u64::from(sample.duration);
            at += sample.size as usize;
        }
    }
    seen
}

/// Reads fragments until the end.
fn atom_samples(media: &[u8]) -> Vec<Seen> {
    let mut rest = media;
    let mut seen = Vec::new();
    while !rest.is_empty() {
        let base = media.len() - rest.len();
        match Any::decode(&mut rest).unwrap() {
            Any::Styp(styp) => assert_eq!(styp.major_brand, b"msdh".into()),
            Any::Moof(moof) => seen.extend(moof.traf.iter().flat_map(|traf| atom_run(base, traf))),
            Any::Mdat(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    seen
}

fn atom_run(base: usize, traf: &Traf) -> Vec<Seen> {
    assert!(traf.tfhd.default_base_is_moof);
    assert_eq!(traf.trun.len(), 1);
    let trun = &traf.trun[0];
    let mut time = traf.tfdt.as_ref().unwrap().base_media_decode_time;
    let mut at = base + usize::try_from(trun.data_offset.unwrap()).unwrap();
    let mut seen = Vec::new();
    for entry in trun.samples.iter() {
        let flags = entry.flags.or(traf.tfhd.default_sample_flags).unwrap();
        assert!(flags == 0x0200_0000 || flags == 0x0101_0000);
        let sample = FragmentSample {
            duration: entry
                .duration
                .or(traf.tfhd.default_sample_duration)
                .unwrap(),
            size: entry.size.or(traf.tfhd.default_sample_size).unwrap(),
            composition: i32::try_from(entry.cts.unwrap_or(0)).unwrap(),
            sync: flags == 0x0200_0000,
        };
        seen.push(Seen {
            track: traf.tfhd.track_id,
            time,
            sample,
            at,
        });
        time += u64::from(sample.duration);
        at += sample.size as usize;
    }
    seen
}

/// Its reader wants `moof` first, and is given what follows `styp`.
fn shiguredo_samples(demuxer: &mut Fmp4SegmentDemuxer, part: &[u8]) -> Vec<Seen> {
    let styp = u32::from_be_bytes(part[..4].try_into().unwrap()) as usize;
    let skipped = if &part[4..8] == b"styp" { styp } else { 0 };
    let samples = demuxer.handle_media_segment(&part[skipped..]).unwrap();
    let seen = samples.iter().map(|sample| Seen {
        track: sample.track.track_id,
        time: sample.timestamp,
        sample: FragmentSample {
            duration: sample.duration,
            size: u32::try_from(sample.data_size).unwrap(),
            composition: i32::try_from(sample.composition_time_offset.unwrap_or(0)).unwrap(),
            sync: sample.keyframe,
        },
        at: skipped + usize::try_from(sample.data_offset).unwrap(),
    });
    seen.collect()
}

/// A part as it goes to viewers, with each sample's bytes numbered.
fn part(sequence: u32, styp: Option<Styp>, runs: &[Run<'_>]) -> (usize, Vec<u8>) {
    let header = fragment_header(sequence, styp, runs).unwrap();
    let mut part = header.to_vec();
    for (index, sample) in runs.iter().flat_map(|run| run.samples).enumerate() {
        part.resize(part.len() + sample.size as usize, index as u8);
    }
    (header.len(), part)
}

fn samples(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<FragmentSample>> {
    let duration = prop_oneof![Just(3_000u32), 1..10_000u32];
    let size = prop_oneof![Just(371u32), 1..3_000u32];
    let composition = prop_oneof![2 => Just(0i32), 1 => -9_000..9_000i32];
    let one = (duration, size, composition, any::<bool>()).prop_map(
        |(duration, size, composition, sync)| FragmentSample {
            duration,
            size,
            composition,
            sync,
        },
    );
    let uniform = (one.clone(), count.clone()).prop_map(|(one, count)| vec![one; count]);
    prop_oneof![proptest::collection::vec(one, count), uniform]
}

proptest! {
    #[test]
    fn mux_2_both_readers_give_back_every_sample(
        video in samples(1..20),
        audio in samples(1..20),
        muxed in any::<bool>(),
        time in 0..1u64 << 40,
    ) {
        let (avc, aac) = (AVC.config(), AAC.config());
        let tracks = [(1, &avc), (2, &aac)];
        let runs = [
            Run { track_id: 1, base_decode_time: time, samples: &video },
            Run { track_id: 2, base_decode_time: time / 3, samples: &audio },
        ];
        let (used, brand) = if muxed { (2, Brand::Iso6) } else { (1, Brand::Cmaf) };
        let (header, part) = part(9, Some(Styp::Chunk), &runs[..used]);
        let wanted = expected(header, &runs[..used]);
        prop_assert_eq!(&atom_samples(&part), &wanted);
        let mut demuxer = Fmp4SegmentDemuxer::new();
        demuxer.handle_init_segment(&init(&tracks[..used], brand).unwrap()).unwrap();
        let mut seen = shiguredo_samples(&mut demuxer, &part);
        seen.sort_by_key(|seen| seen.at);
        prop_assert_eq!(&seen, &wanted);
    }
}

#[test]
fn mux_3_parts_one_after_another_are_their_segment() {
    let mut segment = Vec::new();
    let mut wanted = Vec::new();
    for sequence in 0..5u32 {
        let mut list = [FragmentSample {
            duration: 3_000,
            size: 90,
            composition: 0,
            sync: false,
        }; 6];
        list[0].sync = true;
        let run = Run {
            track_id: 1,
            base_decode_time: u64::from(sequence) * 18_000,
            samples: &list,
        };
        let styp = if sequence == 0 {
            Styp::Segment
        } else {
            Styp::Chunk
        };
        let (header, body) = part(sequence + 1, Some(styp), &[run]);
        wanted.extend(expected(segment.len() + header, &[run]));
        segment.extend(body);
    }
    assert_eq!(atom_samples(&segment), wanted);
}
