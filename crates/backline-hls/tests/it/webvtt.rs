//! Reads a segment of captions back as a strict player would.

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebVtt {
    /// The file's millisecond and the 90 kHz presentation time that it stands for.
    pub map: (u64, u64),
    pub cues: Vec<VttCue>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VttCue {
    pub id: String,
    pub start_ms: u64,
    pub end_ms: u64,
    pub settings: String,
    pub text: String,
}

impl WebVtt {
    pub fn parse(text: &str) -> Self {
        let (head, rest) = text
            .split_once("\n\n")
            .expect("section 3.1.4: two line terminators after the header");
        let map = head.strip_prefix("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:").unwrap();
        let (local, mpegts) = map.split_once(",MPEGTS:").unwrap();
        let map = (time(local), mpegts.parse().unwrap());
        assert!(map.1 < 1 << 33, "a presentation time has 33 bits");
        let blocks = rest.split_terminator("\n\n");
        let cues: Vec<VttCue> = blocks.map(VttCue::parse).collect();
        assert!(
            cues.is_sorted_by_key(|cue| cue.start_ms),
            "WebVTT 4.1: cues in the order of their beginnings"
        );
        Self { map, cues }
    }

    /// The presentation time, in milliseconds of the file, at which a player shows a time of this file.
    pub fn shown_ms(&self, ms: u64) -> u64 {
        let ticks = ms as i128 * 90 - self.map.0 as i128 * 90 + self.map.1 as i128;
        (ticks.rem_euclid(1 << 33) / 90) as u64
    }
}

impl VttCue {
    fn parse(block: &str) -> Self {
        let mut lines = block.split('\n');
        let first = lines.next().unwrap();
        let (id, timing) = if first.contains("-->") {
            ("", first)
        } else {
            (first, lines.next().unwrap())
        };
        let (start, rest) = timing.split_once(" --> ").unwrap();
        let (end, settings) = rest.split_once(' ').unwrap_or((rest, ""));
        let text: Vec<&str> = lines.collect();
        let text = text.join("\n");
        assert!(!text.is_empty() && !text.contains("-->"));
        let (start_ms, end_ms) = (time(start), time(end));
        assert!(start_ms < end_ms, "WebVTT 4.1");
        Self {
            id: id.to_owned(),
            start_ms,
            end_ms,
            settings: settings.to_owned(),
            text,
        }
    }
}

/// `00:00:00.000` in milliseconds.
fn time(text: &str) -> u64 {
    let (clock, ms) = text.split_once('.').unwrap();
    let fields: Vec<u64> = clock
        .split(':')
        .map(|field| field.parse().unwrap())
        .collect();
    let [hours, minutes, seconds] = <[u64; 3]>::try_from(fields).unwrap();
    assert!(clock.len() >= 8 && ms.len() == 3 && minutes < 60 && seconds < 60);
    ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms.parse::<u64>().unwrap()
}
