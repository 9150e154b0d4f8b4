//! What a broken or hostile publisher or viewer can cost at most.

use core::time::Duration;

/// Caps on everything that grows with input.
///
/// Each cap is charged on what has arrived, never on what a peer declares. Beyond one the machine returns a typed
/// error and its state is unchanged. With the defaults a track holds at most an open part and as much again that waits
/// for the leading track (2 x 16 MiB, where a usual part is 100 KiB), and there are at most 32 tracks; what has been
/// published belongs to the caller.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Deserialize, serde::Serialize),
    serde(default)
)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a codec configuration record. Default 64 KiB; stops parameter-set bombs.
    pub config_bytes: usize,
    /// Parameter sets (SPS, PPS, VPS) in a configuration record. Default 32.
    pub parameter_sets: usize,
    /// Bytes of one sample. Default 8 MiB: an intra frame of a very generous 4K stream.
    pub sample_bytes: usize,
    /// Bytes of one part. Default 16 MiB.
    pub part_bytes: usize,
    /// Samples in one part, and samples that wait for their part. Default 1,024; stops a flood of tiny durations.
    pub part_samples: usize,
    /// Parts in one segment. Default 256; a segment is closed when it is reached.
    pub segment_parts: usize,
    /// Segments in one playlist. Default 4,096; the oldest go first.
    pub window_segments: usize,
    /// Renditions, and so tracks of a publisher. Default 32; one more is refused.
    pub renditions: usize,
    /// Bytes of a track's name in playlists. Default 128: what a player's menu can show.
    pub name_bytes: usize,
    /// Bytes of a cue: its id, settings and text. Default 4 KiB: more than a screen can show.
    pub cue_bytes: usize,
    /// How long a cue may be shown, and how far from the picture it may begin. Default 60 s; stops cues that stand in
    /// every segment, and those of another clock.
    pub cue_span: Duration,
    /// Cues of a track that wait for their time or are shown. Default 256: at most 1 MiB of text in a segment.
    pub cues: usize,
    /// Init generations kept per rendition. Default 16; a change of configuration beyond it is refused.
    pub init_generations: usize,
    /// Outputs that may wait before `handle_event` pushes back. Default 256.
    pub outputs: usize,
    /// Bytes of a slate's file, and of its samples. Default 64 MiB: a minute of a generous picture, kept in memory.
    pub slate_bytes: usize,
    /// Samples of a slate. Default 65,536: ten minutes of picture and sound.
    pub slate_samples: usize,
    /// Samples of a progressive file that is written: its tables are kept in memory until the end. Default 16,777,216:
    /// two days of picture and sound.
    pub recording_samples: usize,
    /// A step back in decode time that starts a discontinuity. Default 1 s.
    pub step_back: Duration,
    /// A step forward in decode time that starts a discontinuity. Default 3 s: longer than the group of pictures
    /// that an encoder drops when its uplink is short, which must not restart the viewers' clocks.
    pub step_forward: Duration,
    /// Lines of date ranges in a playlist. Default 256; one more is refused until one has left.
    pub date_ranges: usize,
    /// Bytes of the line of a date range. Default 8 KiB, what readers take for a line.
    pub date_range_bytes: usize,
    /// Bytes of a message's box. Default 64 KiB: a message is a note, no payload.
    pub message_bytes: usize,
    /// Messages in one part. Default 64.
    pub part_messages: usize,
    /// Bytes of a query string. Default 2 KiB.
    pub query_bytes: usize,
    /// Pairs in a query string. Default 32.
    pub query_pairs: usize,
    /// Bytes of a playlist that is read, or joined from a delta update. Default 1 MiB: a window of hours.
    pub playlist_bytes: usize,
    /// Bytes of a line of a playlist that is read. Default 8 KiB: a URI with a long signature.
    pub playlist_line_bytes: usize,
    /// Lines of a playlist that is read, or joined from a delta update. Default 65,536; stops a text of empty lines,
    /// each of which is kept.
    pub playlist_lines: usize,
    /// Segments of a playlist that is read, or joined from a delta update. Default 16,384.
    pub playlist_segments: usize,
    /// Bytes of a URL that a check asks for, and of a reference to one. Default 2 KiB: more than a signature takes.
    /// Each of a playlist's short references becomes a whole URL, so a long folder would count as often.
    pub url_bytes: usize,
    /// Objects of all renditions together that a check remembers, with 2 KiB each at worst. Default 16,384.
    pub lint_objects: usize,
    /// Longest hold of a request. Default 9 s: hls.js gives up after 10 s without a byte (DEL-7).
    pub hold: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            config_bytes: 64 << 10,
            parameter_sets: 32,
            sample_bytes: 8 << 20,
            part_bytes: 16 << 20,
            part_samples: 1_024,
            segment_parts: 256,
            window_segments: 4_096,
            renditions: 32,
            name_bytes: 128,
            cue_bytes: 4 << 10,
            cue_span: Duration::from_secs(60),
            cues: 256,
            init_generations: 16,
            outputs: 256,
            slate_bytes: 64 << 20,
            slate_samples: 65_536,
            recording_samples: 1 << 24,
            step_back: Duration::from_secs(1),
            step_forward: Duration::from_secs(3),
            date_ranges: 256,
            date_range_bytes: 8 << 10,
            message_bytes: 64 << 10,
            part_messages: 64,
            query_bytes: 2 << 10,
            query_pairs: 32,
            playlist_bytes: 1 << 20,
            playlist_line_bytes: 8 << 10,
            playlist_lines: 65_536,
            playlist_segments: 16_384,
            url_bytes: 2 << 10,
            lint_objects: 16_384,
            hold: Duration::from_secs(9),
        }
    }
}
