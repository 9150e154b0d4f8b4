//! Somebody who remembers every playlist that was served, and believes it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::media;

/// What one number was shown as.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    uri: String,
    gap: bool,
    duration: Duration,
    discontinuities: u64,
}

#[derive(Default)]
pub(crate) struct Watcher {
    segments: BTreeMap<u64, Seen>,
    parts: BTreeMap<(u64, usize), String>,
    edge: (u64, usize),
    first: u64,
    target_s: Option<u64>,
}

impl Watcher {
    pub(crate) fn see(&mut self, text: &str) {
        let media = media(text);
        assert_eq!(
            *self.target_s.get_or_insert(media.target_duration_s),
            media.target_duration_s
        );
        assert!(
            media.media_sequence >= self.first,
            "{} < {}",
            media.media_sequence,
            self.first
        );
        self.first = media.media_sequence;
        let edge = (media.open.msn, media.open.parts.len());
        assert!(edge >= self.edge, "{edge:?} < {:?}\n{text}", self.edge);
        self.edge = edge;
        let mut discontinuities = media.discontinuity_sequence.unwrap_or(0);
        for segment in media.all() {
            discontinuities += u64::from(segment.discontinuity);
            for (index, part) in segment.parts.iter().enumerate() {
                let held = self.parts.entry((segment.msn, index));
                assert_eq!(
                    *held.or_insert_with(|| part.uri.clone()),
                    part.uri,
                    "{} {index}\n{text}",
                    segment.msn
                );
            }
            if segment.uri.is_empty() {
                continue;
            }
            assert!(segment.duration <= Duration::from_secs(media.target_duration_s));
            let seen = Seen {
                uri: segment.uri.clone(),
                gap: segment.gap,
                duration: segment.duration,
                discontinuities,
            };
            let held = self
                .segments
                .entry(segment.msn)
                .or_insert_with(|| seen.clone());
            assert_eq!(*held, seen, "{}\n{text}", segment.msn);
        }
    }

    /// How much lies between the origin's part number `edge`, as far as anything was listed then, and the edge.
    pub(crate) fn between(&self, edge: u64) -> Duration {
        let whole: Duration = self
            .segments
            .range(edge / 4..self.edge.0)
            .map(|(_, seen)| seen.duration)
            .sum();
        let open = Duration::from_millis(500) * u32::try_from(self.edge.1).unwrap();
        whole + open - Duration::from_millis(500 * (edge % 4))
    }
}
