//! As much of a media playlist as a waiting viewer needs.

/// Where a playlist ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Edge {
    /// Media sequence number of the segment whose parts grow, or will.
    pub msn: u64,
    /// How many parts it has.
    pub parts: u64,
}

/// Finds where a playlist ends.
#[must_use]
pub fn edge(playlist: &str) -> Edge {
    let first = playlist
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
    let mut edge = Edge {
        msn: first.and_then(|text| text.parse().ok()).unwrap_or(0),
        parts: 0,
    };
    for line in playlist.lines() {
        if line.starts_with("#EXT-X-PART:") {
            edge.parts += 1;
        } else if !line.starts_with('#') && !line.is_empty() {
            edge = Edge {
                msn: edge.msn + 1,
                parts: 0,
            };
        }
    }
    edge
}

#[cfg(test)]
mod tests {
    use super::{Edge, edge};

    #[test]
    fn parts_after_the_last_segment_belong_to_the_next_one() {
        let text = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-PART:DURATION=1,URI=\"a\"\n#EXTINF:2,\ns7\n\
                    #EXT-X-PART:DURATION=1,URI=\"b\"\n#EXT-X-PART:DURATION=1,URI=\"c\"\n";
        assert_eq!(edge(text), Edge { msn: 8, parts: 2 });
        assert_eq!(edge("#EXTM3U\n#EXTINF:2,\ns0\n"), Edge { msn: 1, parts: 0 });
    }
}
