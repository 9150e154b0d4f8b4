//! What a track's sample table will say, as long as samples come.

use super::super::part::StoredRun;
use crate::codec::{TrackConfig, TrackKind};
use crate::fmp4::FragmentSample;

/// A track and its tables. Runs are (how many, what).
#[derive(Debug)]
pub(super) struct Track {
    /// Which init segment it came with, and its ID there.
    source: usize,
    track_id: u32,
    pub(super) config: TrackConfig,
    pub(super) timescale: u32,
    /// Decode time of the first sample, and of the next one.
    begin: Option<u64>,
    next: u64,
    /// Where presentation begins and ends, in ticks from `begin`.
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) durations: Vec<(u32, u32)>,
    pub(super) offsets: Vec<(u32, i32)>,
    pub(super) sizes: Vec<u32>,
    pub(super) syncs: Vec<u32>,
    pub(super) chunks: Vec<u64>,
    /// First chunk, from 1, and samples in each from there.
    pub(super) per_chunk: Vec<(u32, u32)>,
}

impl Track {
    pub(super) fn new(source: usize, track_id: u32, timescale: u32, config: TrackConfig) -> Self {
        Self {
            source,
            track_id,
            config,
            timescale,
            begin: None,
            next: 0,
            first: i64::MAX,
            last: 0,
            durations: Vec::new(),
            offsets: Vec::new(),
            sizes: Vec::new(),
            syncs: Vec::new(),
            chunks: Vec::new(),
            per_chunk: Vec::new(),
        }
    }

    pub(super) fn is(&self, source: usize, track_id: u32) -> bool {
        self.source == source && self.track_id == track_id
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    pub(super) fn is_sound(&self) -> bool {
        self.config.kind() == TrackKind::Audio
    }

    /// A hole becomes the duration of the sample before it; nothing can go back.
    pub(super) fn may_follow(&self, run: &StoredRun) -> bool {
        let hole = run.base_decode_time.checked_sub(self.next);
        self.begin.is_none() || hole.is_some_and(|hole| hole <= u64::from(self.hole_max()))
    }

    /// Takes over a run whose bytes will stand at `at` of the file.
    pub(super) fn append(&mut self, run: &StoredRun, at: u64) {
        if run.samples.is_empty() {
            return;
        }
        if self.begin.is_some() {
            let hole = run.base_decode_time.saturating_sub(self.next);
            self.stretch(u32::try_from(hole).unwrap_or(0));
        }
        let begin = *self.begin.get_or_insert(run.base_decode_time);
        self.next = run.base_decode_time;
        for sample in &run.samples {
            self.sample(begin, sample);
        }
        self.chunks.push(at);
        let samples = u32::try_from(run.samples.len()).unwrap_or(u32::MAX);
        if self
            .per_chunk
            .last()
            .is_none_or(|(_, last)| *last != samples)
        {
            let chunk = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
            self.per_chunk.push((chunk, samples));
        }
    }

    /// Ticks of all samples.
    pub(super) fn media(&self) -> u64 {
        self.next.saturating_sub(self.begin.unwrap_or(0))
    }

    /// When presentation begins on the night's own timeline, in ticks.
    pub(super) fn presented_from(&self) -> i64 {
        let begin = i64::try_from(self.begin.unwrap_or(0)).unwrap_or(i64::MAX);
        begin.saturating_add(self.first)
    }

    fn sample(&mut self, begin: u64, sample: &FragmentSample) {
        self.sizes.push(sample.size);
        if sample.sync || self.is_sound() {
            let number = u32::try_from(self.sizes.len()).unwrap_or(u32::MAX);
            self.syncs.push(number);
        }
        count(&mut self.durations, sample.duration);
        count(&mut self.offsets, sample.composition);
        let dts = i64::try_from(self.next.saturating_sub(begin)).unwrap_or(i64::MAX);
        let shown = dts.saturating_add(sample.composition.into());
        self.first = self.first.min(shown);
        self.last = self.last.max(shown.saturating_add(sample.duration.into()));
        self.next = self.next.saturating_add(sample.duration.into());
    }

    /// Makes the newest sample longer.
    fn stretch(&mut self, by: u32) {
        if by == 0 {
            return;
        }
        if let Some((number, duration)) = self.durations.last_mut() {
            let longer = duration.saturating_add(by);
            *number = number.saturating_sub(1);
            if *number == 0 {
                self.durations.pop();
            }
            count(&mut self.durations, longer);
        }
    }

    /// A minute: what is longer than this is another recording.
    fn hole_max(&self) -> u32 {
        self.timescale.saturating_mul(60)
    }
}

/// One more of a value.
fn count<T: PartialEq>(runs: &mut Vec<(u32, T)>, value: T) {
    match runs.last_mut() {
        Some((number, last)) if *last == value => *number = number.saturating_add(1),
        _ => runs.push((1, value)),
    }
}
