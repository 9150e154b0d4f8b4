//! Reads boxes (ISO/IEC 14496-12) without any code of the writer.

/// Type and body of every box of `bytes`; sizes must add up.
pub(super) fn boxes(bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        assert!(rest.len() >= 8, "{} bytes are no box", rest.len());
        let size = number(rest, 4) as usize;
        assert!(
            (8..=rest.len()).contains(&size),
            "a box of {size} in {} bytes",
            rest.len()
        );
        let kind = [rest[4], rest[5], rest[6], rest[7]];
        assert!(
            kind.iter()
                .all(|byte| byte.is_ascii_graphic() || *byte == b' '),
            "{kind:?} is no type"
        );
        found.push((kind, &rest[8..size]));
        rest = &rest[size..];
    }
    found
}

/// The one box of this type.
pub(super) fn one<'a>(boxes: &[([u8; 4], &'a [u8])], kind: &[u8; 4]) -> &'a [u8] {
    let mut of = boxes.iter().filter(|(found, _)| found == kind);
    let (_, body) = of
        .next()
        .unwrap_or_else(|| panic!("no {}", String::from_utf8_lossy(kind)));
    assert!(of.next().is_none(), "two {}", String::from_utf8_lossy(kind));
    body
}

/// A big-endian number of `count` bytes.
pub(super) fn number(bytes: &[u8], count: usize) -> u64 {
    bytes[..count]
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// One track of a fragment.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) track_id: u64,
    pub(super) decode_time: u64,
    /// Ticks of all samples together.
    pub(super) duration: u64,
    pub(super) sizes: Vec<usize>,
}

/// Reads a part: its header is `[styp] moof mdat-header`, `payload` bytes follow.
pub(super) fn part(header: &[u8], payload: usize) -> Vec<Run> {
    let mdat = header.len().checked_sub(8).expect("a header of mdat");
    assert_eq!(&header[mdat + 4..], b"mdat");
    assert_eq!(
        number(&header[mdat..], 4) as usize,
        payload + 8,
        "mdat holds the payloads"
    );
    let top = boxes(&header[..mdat]);
    assert!(
        top.iter()
            .all(|(kind, _)| matches!(kind, b"styp" | b"prft" | b"emsg" | b"moof")),
        "{top:?}"
    );
    let moof = one(&top, b"moof");
    let mut data_offset = moof.len() + 16;
    let inner = boxes(moof);
    assert!(
        number(&one(&inner, b"mfhd")[4..], 4) > 0,
        "fragments are counted from 1"
    );
    let mut runs = Vec::new();
    for (_, traf) in inner.iter().filter(|(kind, _)| kind == b"traf") {
        let run = track(traf, data_offset);
        data_offset += run.sizes.iter().sum::<usize>();
        runs.push(run);
    }
    assert_eq!(
        data_offset,
        moof.len() + 16 + payload,
        "every byte belongs to a sample"
    );
    runs
}

fn track(traf: &[u8], data_offset: usize) -> Run {
    let boxes = boxes(traf);
    let header = one(&boxes, b"tfhd");
    let flags = number(&header[1..], 3);
    assert!(
        flags & 0x02_0000 != 0 && flags & 0x01 == 0,
        "default-base-is-moof and no base offset"
    );
    let track_id = number(&header[4..], 4);
    let mut rest = &header[8..];
    let mut optional = |bit: u64| {
        (flags & bit != 0).then(|| {
            let value = number(rest, 4);
            rest = &rest[4..];
            value
        })
    };
    let (_index, duration, size, _flags) = (
        optional(0x02),
        optional(0x08),
        optional(0x10),
        optional(0x20),
    );
    let time = one(&boxes, b"tfdt");
    let decode_time = if time[0] == 1 {
        number(&time[4..], 8)
    } else {
        number(&time[4..], 4)
    };
    let run = one(&boxes, b"trun");
    let flags = number(&run[1..], 3);
    let count = number(&run[4..], 4);
    let mut rest = &run[8..];
    assert!(flags & 0x01 != 0, "a run says where its data is");
    assert_eq!(
        number(rest, 4) as usize,
        data_offset,
        "runs follow each other"
    );
    rest = &rest[4..];
    if flags & 0x04 != 0 {
        rest = &rest[4..];
    }
    let (mut sum, mut sizes) = (0, Vec::new());
    for _ in 0..count {
        let mut field = |bit: u64, default: Option<u64>| {
            if flags & bit == 0 {
                return default.unwrap_or(0);
            }
            let value = number(rest, 4);
            rest = &rest[4..];
            value
        };
        sum += field(0x100, duration);
        sizes.push(field(0x200, size) as usize);
        field(0x400, None);
        field(0x800, None);
    }
    assert!(rest.is_empty() && count > 0, "a run is as long as it says");
    Run {
        track_id,
        decode_time,
        duration: sum,
        sizes,
    }
}
