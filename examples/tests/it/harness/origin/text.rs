//! The playlists.

use std::fmt::Write as _;

use super::{Name, Origin, PART_MS, PARTS, SEGMENT_MS, State};

/// Segments that are listed, those whose parts are, and those that a delta update keeps.
const WINDOW: u64 = 16;
const WITH_PARTS: u64 = 3;
const KEPT: u64 = 6;
/// Segments between two init segments, and between two date ranges.
const GENERATION: u64 = 8;
const RANGE: u64 = 5;
/// 2026-11-24T12:00:00Z is the start of the world; nothing here runs past the hour.
const HOUR: &str = "2026-11-24T12";

impl Origin {
    pub(super) fn multivariant(&self) -> String {
        let codecs = match self.breaks("MUX-6") {
            true => "avc1.640028",
            false => "avc1.42c01e",
        };
        let bandwidth = match self.breaks("MV-1") {
            true => "",
            false => "BANDWIDTH=800000,",
        };
        let sound = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Sound\",DEFAULT=YES,AUTOSELECT=YES,URI=\"a/index.m3u8\"\n";
        let twice = if self.breaks("MV-2") { sound } else { "" };
        format!(
            "#EXTM3U\n#EXT-X-VERSION:6\n{sound}{twice}\
             #EXT-X-STREAM-INF:{bandwidth}CODECS=\"{codecs},mp4a.40.2\",RESOLUTION=640x360,AUDIO=\"a\"\nv/index.m3u8\n"
        )
    }

    /// The first segment that is listed.
    pub(super) fn first(&self, state: State) -> u64 {
        state.msn().saturating_sub(WINDOW)
    }

    /// A media playlist; `skip` is what the request said of delta updates.
    pub(super) fn playlist(
        &self,
        name: Name,
        state: State,
        now_ms: u64,
        skip: Option<&str>,
    ) -> String {
        let mut first = self.first(state);
        if self.breaks("SEG-10")
            && skip.is_none()
            && now_ms > 6_000
            && state.parts.is_multiple_of(2)
        {
            first -= 2;
        }
        let kept = if self.breaks("PL-10") { 3 } else { KEPT };
        let from = state.msn().saturating_sub(kept).max(first);
        let skipped = match skip {
            Some(_) if !state.ended && !self.plain => from - first,
            _ => 0,
        };
        let v2 = skip == Some("v2") && skipped > 0;
        let mut text = self.head(name, first, skipped, v2);
        let ranges = (first.div_ceil(RANGE)..).take_while(|id| id * RANGE <= state.msn());
        for id in ranges.filter(|id| !v2 || id * RANGE >= first + skipped) {
            let class = match self.breaks("PL-14") && now_ms > 5_000 {
                true => "b",
                false => "a",
            };
            let start = date(id * RANGE * SEGMENT_MS);
            writeln!(text, "#EXT-X-DATERANGE:ID=\"d{id}\",CLASS=\"{class}\",START-DATE=\"{start}\",DURATION=1.00000")
                .expect("text");
        }
        if skipped > 0 {
            write!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}").expect("text");
            if v2 {
                let gone = (first.saturating_sub(KEPT).div_ceil(RANGE)..first.div_ceil(RANGE))
                    .map(|id| format!("d{id}"));
                let gone: Vec<String> = gone.collect();
                write!(text, ",RECENTLY-REMOVED-DATERANGES=\"{}\"", gone.join("\t")).expect("text");
            }
            text.push('\n');
        }
        for msn in first + skipped..state.msn() {
            self.segment_lines(&mut text, name, state, msn, first);
        }
        if state.ended {
            if self.breaks("SEG-11") {
                self.hint(&mut text, state);
            }
            text.push_str("#EXT-X-ENDLIST\n");
            return text;
        }
        if !self.plain {
            self.segment_lines(&mut text, name, state, state.msn(), first);
            self.hint(&mut text, state);
            if !self.breaks("PL-9") {
                self.report(&mut text, name, now_ms);
            }
        }
        text
    }

    fn head(&self, name: Name, first: u64, skipped: u64, v2: bool) -> String {
        let version = match (skipped, v2) {
            (_, true) => 10,
            (0, false) => 6,
            _ => 9,
        };
        let version = version + u64::from(self.breaks("PL-12"));
        let target = if self.breaks("SEG-1") { 1 } else { 2 };
        let mut text =
            format!("#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target}\n");
        if self.breaks("MV-3") {
            text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        if !self.plain {
            let part = match self.fault {
                "SEG-2" => "0.45000",
                "SEG-3" => "0.70000",
                _ => "0.50000",
            };
            let hold = match self.fault {
                "PL-2" => "1.20000",
                "SEG-3" => "2.10000",
                _ => "1.50000",
            };
            let skip = if self.breaks("PL-3") {
                "10.00000"
            } else {
                "12.00000"
            };
            let back = match self.breaks("PL-4") && name == Name::Audio {
                true => "7.00000",
                false => "6.00000",
            };
            let comma = if self.breaks("PL-13") { ", " } else { "," };
            writeln!(
                text,
                "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES{comma}PART-HOLD-BACK={hold},\
                 CAN-SKIP-UNTIL={skip},CAN-SKIP-DATERANGES=YES,HOLD-BACK={back}\n#EXT-X-PART-INF:PART-TARGET={part}"
            )
            .expect("text");
        }
        let removed = match self.fault {
            "MUX-7" => 0,
            "PL-6" => 1,
            _ => first.div_ceil(GENERATION),
        };
        writeln!(
            text,
            "#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{removed}"
        )
        .expect("text");
        text
    }

    fn segment_lines(&self, text: &mut String, name: Name, state: State, msn: u64, first: u64) {
        let open = msn == state.msn();
        let parts = if open { state.open_parts() } else { PARTS };
        if open && parts == 0 {
            return;
        }
        let with_parts = if self.breaks("PL-5") { 1 } else { WITH_PARTS };
        let listed = !self.plain && !state.ended && msn + with_parts >= state.msn();
        let mut dated = msn * SEGMENT_MS;
        if self.breaks("MV-4") && name == Name::Audio {
            dated += 400;
        }
        if self.breaks("SEG-8 drift") && msn.is_multiple_of(3) {
            dated += 150;
        }
        let mut early = String::new();
        if msn.is_multiple_of(GENERATION) && !self.breaks("MUX-7") {
            early.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if msn.is_multiple_of(GENERATION) || msn == first {
            writeln!(early, "#EXT-X-MAP:URI=\"i{}.mp4\"", msn / GENERATION).expect("text");
        }
        if !self.breaks("SEG-8") {
            writeln!(early, "#EXT-X-PROGRAM-DATE-TIME:{}", date(dated)).expect("text");
        }
        let late = self.breaks("PL-11") && listed;
        if !late {
            text.push_str(&early);
        }
        for index in (0..parts).filter(|_| listed) {
            let independent = match self.fault {
                "SEG-4" if name == Name::Video => index == 0 && msn.is_multiple_of(2),
                "SEG-5" => true,
                _ => index == 0 || name == Name::Audio,
            };
            let independent = if independent { ",INDEPENDENT=YES" } else { "" };
            let number = msn * PARTS + index;
            writeln!(
                text,
                "#EXT-X-PART:DURATION=0.50000,URI=\"p{number}.m4s\"{independent}"
            )
            .expect("text");
            if late && index == 0 {
                text.push_str(&early);
            }
        }
        if !open {
            let changed = if self.breaks("PL-1") && msn + 8 < state.msn() {
                "?x"
            } else {
                ""
            };
            writeln!(text, "#EXTINF:2.00000,\ns{msn}.m4s{changed}").expect("text");
        }
    }

    fn hint(&self, text: &mut String, state: State) {
        if state.open_parts() == 0 && state.msn().is_multiple_of(GENERATION) {
            writeln!(
                text,
                "#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"i{}.mp4\"",
                state.msn() / GENERATION
            )
            .expect("text");
        }
        let number = state.parts + if self.breaks("PL-8") { 1_000 } else { 0 };
        writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p{number}.m4s\"").expect("text");
    }

    fn report(&self, text: &mut String, name: Name, now_ms: u64) {
        let (other, folder) = match name {
            Name::Video => (Name::Audio, "a"),
            Name::Audio => (Name::Video, "v"),
        };
        let last = self.state(other, now_ms).parts - 1;
        let (msn, part) = (last / PARTS, last % PARTS);
        writeln!(
            text,
            "#EXT-X-RENDITION-REPORT:URI=\"../{folder}/index.m3u8\",LAST-MSN={msn},LAST-PART={part}"
        )
        .expect("text");
    }
}

/// Milliseconds from the start of the world.
fn date(ms: u64) -> String {
    let (minute, second, ms) = (ms / 60_000, ms / 1_000 % 60, ms % 1_000);
    assert!(minute < 60, "the world lasts an hour");
    format!("{HOUR}:{minute:02}:{second:02}.{ms:03}Z")
}

/// How long the parts of a segment are in media.
pub(super) const fn part_start_ms(part: u64) -> u64 {
    part * PART_MS
}
