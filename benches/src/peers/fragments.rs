//! Writers of movie fragments (ISO/IEC 14496-12, 8.8): a part's header and its payloads.

use bytes::Bytes;
use mp4_atom::{Decode as _, Encode as _, Mfhd, Moof, Tfdt, Tfhd, Traf, Trun, TrunEntry};
use shiguredo_mp4::boxes::{Avc1Box, AvccBox, SampleEntry, VisualSampleEntryFields};
use shiguredo_mp4::mux::{Fmp4SegmentMuxer, Sample};
use shiguredo_mp4::{TrackKind, Uint};
use std::num::NonZeroU32;

/// `sample_flags` of a picture that depends on no other one, and of the others (8.8.3.1).
const FLAGS: [u32; 2] = [0x0200_0000, 0x0101_0000];
/// Ticks a second of the track.
pub const TIMESCALE: u32 = 90_000;
/// Ticks of a picture at 30 a second.
pub const TICKS: u32 = 3000;

/// One sample of a part.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Presentation minus decoding time, in ticks.
    pub composition: i32,
    /// The coded bytes.
    pub data: Bytes,
    /// Whether decoding can begin here.
    pub sync: bool,
}

/// Writes parts of one track, with `track_ID` 1.
pub trait Fragments {
    /// Name and version.
    const WHO: &'static str;
    /// Whether the pieces after the first one are the payloads themselves.
    const LENDS: bool = true;

    /// A writer of parts that all have these samples.
    fn new(frames: &[Frame]) -> Self;

    /// The pieces of part `sequence`, counted from 1, whose first sample decodes at `decode_time`.
    fn part(&mut self, sequence: u32, decode_time: u64) -> Vec<Bytes>;
}

/// Reads a part with a foreign reader and compares it with what it was made of.
pub fn verify(pieces: &[Bytes], frames: &[Frame], sequence: u32, decode_time: u64) {
    let whole: Vec<u8> = pieces.concat();
    let at = whole
        .windows(4)
        .position(|four| four == b"moof")
        .expect("a moof box")
        - 4;
    let moof = Moof::decode(&mut &whole[at..]).expect("a moof box that a foreign reader reads");
    assert_eq!(moof.mfhd.sequence_number, sequence);
    let [traf] = moof.traf.as_slice() else {
        panic!("one track, and not {} of them", moof.traf.len())
    };
    assert_eq!(
        traf.tfdt
            .as_ref()
            .expect("a decode time")
            .base_media_decode_time,
        decode_time
    );
    let [run] = traf.trun.as_slice() else {
        panic!("one run, and not {} of them", traf.trun.len())
    };
    assert_eq!(run.samples.len(), frames.len());
    let mut payload = at + usize::try_from(run.data_offset.expect("a data offset")).unwrap();
    for (sample, frame) in run.samples.iter().zip(frames) {
        let size = sample.size.or(traf.tfhd.default_sample_size).unwrap() as usize;
        let flags = sample
            .flags
            .or(traf.tfhd.default_sample_flags)
            .expect("sample flags");
        assert_eq!(
            sample.duration.or(traf.tfhd.default_sample_duration),
            Some(TICKS)
        );
        assert_eq!(sample.cts.unwrap_or(0), i64::from(frame.composition));
        assert_eq!(
            flags & 0x0001_0000 == 0,
            frame.sync,
            "sample_is_non_sync_sample"
        );
        assert!(
            whole[payload..payload + size] == frame.data,
            "the payload lies where the run says"
        );
        payload += size;
    }
    assert_eq!(payload, whole.len(), "nothing follows the payload");
}

/// `mp4-atom`: the boxes as structures, encoded.
#[derive(Debug)]
pub struct Mp4Atom(Vec<Frame>);

impl Fragments for Mp4Atom {
    const WHO: &'static str = "mp4-atom 0.17.0";

    fn new(frames: &[Frame]) -> Self {
        Self(frames.to_vec())
    }

    fn part(&mut self, sequence: u32, decode_time: u64) -> Vec<Bytes> {
        let entries: Vec<TrunEntry> = self
            .0
            .iter()
            .map(|frame| TrunEntry {
                duration: Some(TICKS),
                size: Some(frame.data.len() as u32),
                flags: Some(FLAGS[usize::from(!frame.sync)]),
                cts: Some(i64::from(frame.composition)),
            })
            .collect();
        let mut moof = Moof {
            mfhd: Mfhd {
                sequence_number: sequence,
            },
            traf: vec![Traf {
                tfhd: Tfhd {
                    track_id: 1,
                    default_base_is_moof: true,
                    ..Tfhd::default()
                },
                tfdt: Some(Tfdt {
                    base_media_decode_time: decode_time,
                }),
                trun: vec![Trun {
                    data_offset: Some(0),
                    samples: entries.into(),
                }],
                ..Traf::default()
            }],
        };
        let mut header = Vec::with_capacity(256);
        // It has no way to ask for a size, so the offset of the payload is known after a first encoding.
        moof.encode(&mut header).unwrap();
        moof.traf[0].trun[0].data_offset = Some(i32::try_from(header.len() + 8).unwrap());
        header.clear();
        moof.encode(&mut header).unwrap();
        let size: usize = self.0.iter().map(|frame| frame.data.len()).sum();
        header.extend((size as u32 + 8).to_be_bytes());
        header.extend(b"mdat");
        with_payloads(header.into(), &self.0)
    }
}

/// A header and the payloads by handle.
pub(super) fn with_payloads(header: Bytes, frames: &[Frame]) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(frames.len() + 1);
    pieces.push(header);
    pieces.extend(frames.iter().map(|frame| frame.data.clone()));
    pieces
}

/// `shiguredo_mp4`: its segment muxer, which keeps an index of what it wrote.
#[derive(Debug)]
pub struct ShiguredoMp4 {
    frames: Vec<Frame>,
    muxer: Fmp4SegmentMuxer,
    samples: Vec<Sample>,
}

impl Fragments for ShiguredoMp4 {
    const WHO: &'static str = "shiguredo_mp4 2026.5.0";

    fn new(frames: &[Frame]) -> Self {
        let mut offset = 0;
        let samples = frames.iter().enumerate().map(|(index, frame)| {
            let data_offset = offset;
            offset += frame.data.len() as u64;
            Sample {
                track_kind: TrackKind::Video,
                sample_entry: (index == 0).then(sample_entry),
                keyframe: frame.sync,
                timescale: NonZeroU32::new(TIMESCALE).unwrap(),
                duration: TICKS,
                composition_time_offset: Some(i64::from(frame.composition)),
                data_offset,
                data_size: frame.data.len(),
            }
        });
        let samples = samples.collect();
        Self {
            frames: frames.to_vec(),
            muxer: Fmp4SegmentMuxer::new().unwrap(),
            samples,
        }
    }

    fn part(&mut self, _sequence: u32, _decode_time: u64) -> Vec<Bytes> {
        let header = self
            .muxer
            .create_media_segment_metadata(&self.samples)
            .unwrap();
        // It knows its track by now.
        self.samples[0].sample_entry = None;
        with_payloads(header.into(), &self.frames)
    }
}

fn sample_entry() -> SampleEntry {
    SampleEntry::Avc1(Avc1Box {
        visual: VisualSampleEntryFields {
            data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
            width: 640,
            height: 360,
            horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
            vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
            frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
            compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
            depth: VisualSampleEntryFields::DEFAULT_DEPTH,
        },
        avcc_box: AvccBox {
            avc_profile_indication: 66,
            profile_compatibility: 0xC0,
            avc_level_indication: 30,
            length_size_minus_one: Uint::new(3),
            sps_list: vec![vec![0x67, 0x42, 0xC0, 0x1E]],
            pps_list: vec![vec![0x68, 0xCE, 0x0F, 0xC8]],
            chroma_format: None,
            bit_depth_luma_minus8: None,
            bit_depth_chroma_minus8: None,
            sps_ext_list: Vec::new(),
        },
        unknown_boxes: Vec::new(),
    })
}

/// `transmux`: whole segments, payloads copied.
#[expect(
    missing_debug_implementations,
    reason = "not all of the peer's types have one"
)]
pub struct Transmux(Vec<transmux::Sample>);

impl Fragments for Transmux {
    const WHO: &'static str = "transmux 0.28.0 (copies)";
    const LENDS: bool = false;

    fn new(frames: &[Frame]) -> Self {
        let samples = frames.iter().enumerate().map(|(index, frame)| {
            let dts = i64::try_from(index).unwrap() * i64::from(TICKS);
            let pts = dts + i64::from(frame.composition);
            transmux::Sample::new(
                frame.data.clone(),
                Some(dts),
                Some(pts),
                Some(TICKS),
                frame.sync,
            )
        });
        Self(samples.collect())
    }

    fn part(&mut self, sequence: u32, decode_time: u64) -> Vec<Bytes> {
        let track =
            transmux::FragmentTrackData::new(transmux::TrackId::new(1), decode_time, &self.0);
        vec![
            transmux::build_media_segment(sequence, &[track])
                .unwrap()
                .into(),
        ]
    }
}
