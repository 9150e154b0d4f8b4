//! An origin whose playlist follows from the time.

use std::fmt::Write as _;

/// Milliseconds of a part; four are a segment.
pub(crate) const PART_MS: u64 = 500;
const PARTS: u64 = 4;
const WINDOW: u64 = 6;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Low latency in fragments.
    Fmp4,
    /// Segments only, in fragments.
    Plain,
    /// Segments only, in a transport stream.
    Ts,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Fmp4, Self::Plain, Self::Ts];

    pub(crate) fn is_low_latency(self) -> bool {
        self == Self::Fmp4
    }

    pub(crate) fn ending(self) -> &'static str {
        if self == Self::Ts { ".ts" } else { ".m4s" }
    }
}

pub(crate) struct Origin {
    kind: Kind,
    /// What names begin with.
    run: u64,
    begun: u64,
    pub(crate) ends_at: Option<u64>,
}

impl Origin {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            run: 0,
            begun: 0,
            ends_at: None,
        }
    }

    /// Begins at number 0 again, with names of its own or those that it had.
    pub(crate) fn restart(&mut self, now: u64, rename: bool) {
        self.begun = now;
        self.run += u64::from(rename);
    }

    /// Parts of media that the playlist of this moment goes up to, since the origin began.
    pub(crate) fn edge(&self, now: u64) -> u64 {
        let now = self.ends_at.map_or(now, |end| end.min(now));
        let now = now.saturating_sub(self.begun);
        if self.kind.is_low_latency() {
            now
        } else {
            now / PARTS * PARTS
        }
    }

    pub(crate) fn playlist(&self, now: u64) -> String {
        self.write(now, 0)
    }

    /// The same as a delta update that leaves two segments out.
    pub(crate) fn delta(&self, now: u64) -> String {
        self.write(now, 2)
    }

    fn write(&self, now: u64, skipped: u64) -> String {
        let edge = self.edge(now);
        let (closed, open) = (edge / PARTS, edge % PARTS);
        let first = closed.saturating_sub(WINDOW);
        let mut out = String::from("#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n");
        if self.kind.is_low_latency() {
            out.push_str("#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5,CAN-SKIP-UNTIL=12.0\n");
            out.push_str("#EXT-X-PART-INF:PART-TARGET=0.5\n");
        }
        let _ = writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{first}");
        if skipped > 0 {
            let _ = writeln!(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}");
        } else if self.kind != Kind::Ts {
            let _ = writeln!(out, "#EXT-X-MAP:URI=\"r{}-init.mp4\"", self.run);
        }
        for msn in first + skipped..closed {
            if msn == first {
                let ms = (self.begun + msn * PARTS) * PART_MS;
                let (seconds, ms) = (ms / 1_000, ms % 1_000);
                let (minutes, seconds) = (seconds / 60, seconds % 60);
                let _ = writeln!(
                    out,
                    "#EXT-X-PROGRAM-DATE-TIME:2026-11-24T20:{minutes:02}:{seconds:02}.{ms:03}Z"
                );
            }
            if msn + 2 >= closed {
                self.parts(&mut out, msn, PARTS);
            }
            let (run, ending) = (self.run, self.kind.ending());
            let _ = writeln!(out, "#EXTINF:2.00000,\nr{run}-s{msn}{ending}");
        }
        self.parts(&mut out, closed, open);
        if self.ends_at.is_some_and(|end| end <= now) {
            out.push_str("#EXT-X-ENDLIST\n");
        } else if self.kind.is_low_latency() {
            let run = self.run;
            let _ = writeln!(
                out,
                "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"r{run}-s{closed}.{open}.m4s\""
            );
            let (msn, part) = ((edge.max(1) - 1) / PARTS, (edge.max(1) - 1) % PARTS);
            let _ = writeln!(
                out,
                "#EXT-X-RENDITION-REPORT:URI=\"../a0/index.m3u8\",LAST-MSN={msn},LAST-PART={part}"
            );
        }
        out
    }

    fn parts(&self, out: &mut String, msn: u64, count: u64) {
        if !self.kind.is_low_latency() {
            return;
        }
        for part in 0..count {
            let (run, independent) = (self.run, if part == 0 { ",INDEPENDENT=YES" } else { "" });
            let _ = writeln!(
                out,
                "#EXT-X-PART:DURATION=0.50000,URI=\"r{run}-s{msn}.{part}.m4s\"{independent}"
            );
        }
    }
}
