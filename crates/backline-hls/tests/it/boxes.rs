//! Reads back what fragments say, sharing no code with the writer.

/// One track's run in a fragment.
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub track: u32,
    pub tfdt: u64,
    pub durations: Vec<u32>,
    pub sizes: Vec<u32>,
    pub flags: Vec<u32>,
    pub compositions: Vec<i32>,
}

impl Run {
    pub fn ticks(&self) -> u64 {
        self.durations
            .iter()
            .map(|duration| u64::from(*duration))
            .sum()
    }

    pub fn sync(&self, index: usize) -> bool {
        self.flags[index] & 0x0001_0000 == 0
    }
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(data[at..at + 4].try_into().unwrap())
}

fn children(data: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut rest = data;
    let mut found = Vec::new();
    while rest.len() >= 8 {
        let size = u32_at(rest, 0) as usize;
        let kind: [u8; 4] = rest[4..8].try_into().unwrap();
        let end = size.min(rest.len());
        assert!(end >= 8, "a box is smaller than its header");
        found.push((kind, &rest[8..end]));
        rest = &rest[end..];
    }
    found
}

/// The runs of a fragment's header, and the bytes that its `mdat` announces.
pub fn fragment(header: &[u8]) -> (Vec<Run>, usize) {
    let mut runs = Vec::new();
    let mut announced = 0;
    let mut at = 0;
    while at + 8 <= header.len() {
        let size = u32_at(header, at) as usize;
        if &header[at + 4..at + 8] == b"mdat" {
            announced = size - 8;
            break;
        }
        at += size;
    }
    for (kind, body) in children(header) {
        if &kind != b"moof" {
            continue;
        }
        for (_, traf) in children(body).iter().filter(|(kind, _)| kind == b"traf") {
            runs.push(run(traf));
        }
    }
    (runs, announced)
}

fn run(traf: &[u8]) -> Run {
    let mut run = Run::default();
    let (mut duration, mut size, mut default_flags) = (0, 0, 0);
    for (kind, body) in children(traf) {
        let flags = u32_at(body, 0) & 0x00ff_ffff;
        match &kind {
            b"tfhd" => {
                run.track = u32_at(body, 4);
                let mut at = 8;
                for (bit, slot) in [
                    (0x08, &mut duration),
                    (0x10, &mut size),
                    (0x20, &mut default_flags),
                ] {
                    if flags & bit != 0 {
                        *slot = u32_at(body, at);
                        at += 4;
                    }
                }
            }
            b"tfdt" => run.tfdt = u64::from_be_bytes(body[4..12].try_into().unwrap()),
            b"trun" => {
                let count = u32_at(body, 4);
                let mut at = 12;
                let mut first = None;
                if flags & 0x04 != 0 {
                    first = Some(u32_at(body, at));
                    at += 4;
                }
                for index in 0..count {
                    let mut next = |bit: u32, default: u32| {
                        if flags & bit == 0 {
                            return default;
                        }
                        at += 4;
                        u32_at(body, at - 4)
                    };
                    run.durations.push(next(0x100, duration));
                    run.sizes.push(next(0x200, size));
                    let own = next(0x400, default_flags);
                    run.flags.push(first.filter(|_| index == 0).unwrap_or(own));
                    run.compositions
                        .push(i32::from_be_bytes(next(0x800, 0).to_be_bytes()));
                }
            }
            _ => {}
        }
    }
    run
}
