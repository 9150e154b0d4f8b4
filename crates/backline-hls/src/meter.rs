//! What a track's samples say about it: rate, bits, key-frame interval.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counters of u64 and times below 2^62"
)]

/// Media over which a rate is measured.
const SPAN_NS: i64 = 2_000_000_000;

/// Counters of one track, on the publisher's clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    pub(crate) samples: u64,
    pub(crate) bytes: u64,
    pub(crate) last_dts_ns: Option<i64>,
    pub(crate) bitrate: Option<u64>,
    pub(crate) milli_fps: Option<u64>,
    pub(crate) key_interval_ns: Option<i64>,
    pub(crate) last_key_ns: Option<i64>,
    span_start: i64,
    span_samples: u64,
    span_bytes: u64,
}

impl Meter {
    /// Counts a sample.
    pub(crate) fn see(&mut self, dts_ns: i64, bytes: usize, sync: bool) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.samples += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self
            .last_dts_ns
            .is_none_or(|last| dts_ns < last || dts_ns - last > SPAN_NS)
        {
            self.span_start = dts_ns;
            self.span_samples = 0;
            self.span_bytes = 0;
        }
        let span = dts_ns - self.span_start;
        if span >= SPAN_NS || (self.bitrate.is_none() && span > SPAN_NS / 8) {
            let span = u64::try_from(span).unwrap_or(1).max(1);
            let per_second = |count: u64, unit: u64| {
                u64::try_from(
                    u128::from(count) * u128::from(unit) * 1_000_000_000 / u128::from(span),
                )
                .ok()
            };
            self.bitrate = per_second(self.span_bytes, 8);
            self.milli_fps = per_second(self.span_samples, 1_000);
            if span >= SPAN_NS.unsigned_abs() {
                self.span_start = dts_ns;
                self.span_samples = 0;
                self.span_bytes = 0;
            }
        }
        self.span_samples += 1;
        self.span_bytes = self.span_bytes.saturating_add(bytes);
        if sync {
            self.key_interval_ns = self
                .last_key_ns
                .map(|last| dts_ns - last)
                .filter(|gap| *gap > 0);
            self.last_key_ns = Some(dts_ns);
        }
        self.last_dts_ns = Some(dts_ns);
    }

    /// Forgets times, keeps counts: the publisher's clock has jumped.
    pub(crate) fn restart(&mut self) {
        self.last_dts_ns = None;
        self.last_key_ns = None;
    }
}
