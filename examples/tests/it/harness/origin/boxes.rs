//! The media: init segments and fragments of samples that nobody can decode, but that stand where they should.

use super::text::part_start_ms;
use super::{Name, Origin, PART_MS, PARTS};

/// Samples in a part, and bytes in a sample.
const SAMPLES: u32 = 5;
const SAMPLE_BYTES: u32 = 40;

impl Name {
    const fn timescale(self) -> u32 {
        match self {
            Self::Video => 1_000,
            Self::Audio => 48_000,
        }
    }

    fn ticks(self, ms: u64) -> u64 {
        ms * u64::from(self.timescale()) / 1_000
    }
}

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let size = u32::try_from(body.len() + 8).expect("it is small");
    [&size.to_be_bytes()[..], kind, &body].concat()
}

fn numbers(all: &[u32]) -> Vec<u8> {
    all.iter().flat_map(|number| number.to_be_bytes()).collect()
}

impl Origin {
    /// The init segment of a generation; it says which one in a box that nobody reads.
    pub(super) fn init(&self, name: Name, generation: u64) -> Vec<u8> {
        let brand = if self.breaks("MUX-1") {
            b"isom"
        } else {
            b"iso6"
        };
        let ftyp = boxed(b"ftyp", &[brand, &[0; 4], brand]);
        let mvhd = boxed(
            b"mvhd",
            &[&numbers(&[0, 0, 0, 1_000, 0, 0x1_0000]), &[0; 76]],
        );
        let tkhd = boxed(b"tkhd", &[&numbers(&[3, 0, 0, 1, 0, 0]), &[0; 60]]);
        let mdhd = boxed(
            b"mdhd",
            &[&numbers(&[0, 0, 0, name.timescale(), 0, 0x55C4_0000])],
        );
        let handler = if name == Name::Video {
            b"vide"
        } else {
            b"soun"
        };
        let hdlr = boxed(b"hdlr", &[&[0; 8], handler, &[0; 13]]);
        let entry = match name {
            Name::Video => {
                let avc = boxed(b"avcC", &[&[1, 0x42, 0xC0, 0x1E, 0xFF, 0xE0, 0]]);
                let size = [&640u16.to_be_bytes()[..], &360u16.to_be_bytes()].concat();
                boxed(
                    b"avc1",
                    &[&[0; 6], &[0, 1], &[0; 16], &size, &[0; 50], &avc],
                )
            }
            Name::Audio => boxed(b"mp4a", &[&[0; 6], &[0, 1], &[0; 20]]),
        };
        let stsd = boxed(b"stsd", &[&numbers(&[0, 1]), &entry]);
        let empty = |kind| boxed(kind, &[&[0; 8]]);
        let stsz = boxed(b"stsz", &[&[0; 12]]);
        let stbl = boxed(
            b"stbl",
            &[
                &stsd,
                &empty(b"stts"),
                &empty(b"stsc"),
                &stsz,
                &empty(b"stco"),
            ],
        );
        let minf = boxed(b"minf", &[&stbl]);
        let mdia = boxed(b"mdia", &[&mdhd, &hdlr, &minf]);
        let trak = boxed(b"trak", &[&tkhd, &mdia]);
        let trex = boxed(b"trex", &[&numbers(&[0, 1, 1, 0, 0, 0])]);
        let mvex = boxed(b"mvex", &[&trex]);
        let free = boxed(b"free", &[&generation.to_be_bytes()]);
        [ftyp, boxed(b"moov", &[&mvhd, &trak, &mvex]), free].concat()
    }

    pub(super) fn part(&self, name: Name, number: u64) -> Vec<u8> {
        let index = number % PARTS;
        let first_sync = match self.fault {
            "SEG-4" if name == Name::Video => index == 0 && (number / PARTS).is_multiple_of(2),
            _ => index == 0 || name == Name::Audio,
        };
        let ticks = u32::try_from(name.ticks(PART_MS)).expect("it is small") / SAMPLES;
        let mut samples = Vec::new();
        for sample in 0..SAMPLES {
            let late = self.breaks("MV-3") && name == Name::Video;
            let place = if late { 1 } else { 0 };
            let sync = name == Name::Audio || (first_sync && sample == place);
            let flags = if sync { 0x0200_0000 } else { 0x0101_0000 };
            samples.extend(numbers(&[ticks, SAMPLE_BYTES, flags]));
        }
        let mut start = name.ticks(part_start_ms(number));
        if self.breaks("MUX-5") && index == 2 {
            start += 7;
        }
        let flags: u32 = if self.breaks("MUX-2") { 0 } else { 0x02_0000 };
        let tfhd = boxed(b"tfhd", &[&numbers(&[flags, 1])]);
        let tfdt = boxed(b"tfdt", &[&[1, 0, 0, 0], &start.to_be_bytes()]);
        let mfhd = boxed(
            b"mfhd",
            &[&numbers(&[
                0,
                u32::try_from(number + 1).expect("it is small"),
            ])],
        );
        // moof, mfhd, traf, tfhd, tfdt and the head of trun; then the samples, and the head of mdat.
        let moof_len =
            8 + 16 + 8 + 16 + 20 + 20 + u32::try_from(samples.len()).expect("it is small");
        let trun = boxed(
            b"trun",
            &[&numbers(&[0x701, SAMPLES, moof_len + 8]), &samples],
        );
        let traf = boxed(b"traf", &[&tfhd, &tfdt, &trun]);
        let moof = boxed(b"moof", &[&mfhd, &traf]);
        assert_eq!(moof.len(), moof_len as usize);
        let payload: Vec<u8> = (0..SAMPLES * SAMPLE_BYTES)
            .map(|at| at.to_le_bytes()[0] ^ number.to_le_bytes()[0])
            .collect();
        let styp = boxed(b"styp", &[b"msdh", &[0; 4], b"msdh"]);
        [styp, moof, boxed(b"mdat", &[&payload])].concat()
    }

    pub(super) fn segment(&self, name: Name, msn: u64) -> Vec<u8> {
        let parts = (0..PARTS).map(|index| self.part(name, msn * PARTS + index));
        let mut body: Vec<u8> = parts.collect::<Vec<_>>().concat();
        if self.breaks("MUX-3") {
            body.extend(boxed(b"free", &[]));
        }
        body
    }
}

/// gzip without compression (RFC 1952, RFC 1951 3.2.4).
pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
    let mut blocks = text.chunks(0xFFFF).peekable();
    while let Some(block) = blocks.next() {
        out.push(u8::from(blocks.peek().is_none()));
        let len = u16::try_from(block.len()).expect("a block is short");
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(block);
    }
    let mut crc = u32::MAX;
    for byte in text {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    out.extend((!crc).to_le_bytes());
    out.extend(
        u32::try_from(text.len())
            .expect("it is small")
            .to_le_bytes(),
    );
    out
}
