//! The rules that can be seen from outside, by the ids of the project's reference.

/// A rule of low-latency HLS. The order is that of the report.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Rule {
    /// DEL-1: a playlist with EXT-X-ENDLIST is given at once, whatever the directives say (6.2.5).
    Del1,
    /// DEL-2: _HLS_part without _HLS_msn gets 400 (6.2.5.2).
    Del2,
    /// DEL-3: _HLS_msn=M is answered with a playlist that has segment M, not before (6.2.5.2).
    Del3,
    /// DEL-4: _HLS_msn=M and _HLS_part=N are answered when part N is listed; past the end of M it is part 0 of
    /// M+1 (6.2.5.2).
    Del4,
    /// DEL-5: a number older than the playlist is answered at once, with 200 (6.2.5.2).
    Del5,
    /// DEL-6: a number too far ahead gets 400 at once (6.2.5.2).
    Del6,
    /// DEL-7: no request is held for more than three target durations (6.2.5.2).
    Del7,
    /// DEL-8: a part that was asked for ahead of time comes whole and at line speed (6.2.6).
    Del8,
    /// DEL-9: what is listed is served, with a body; what was never listed gets 404 (6.2.2).
    Del9,
    /// DEL-10: a byte range is answered with just those bytes (206), one past the end with 416 (B.1).
    Del10,
    /// DEL-11: responses have the content type of their kind, with low latency also lifetime, gzip, CORS and
    /// priority (4, B.1).
    Del11,
    /// DEL-12: unknown parameters are ignored, numbers that are none get 400, the same request gets the same
    /// answer (B.1).
    Del12,
    /// MUX-1: an init segment is ftyp and moov with mvex, one trex a track, and no samples (3.1.2).
    Mux1,
    /// MUX-2: a fragment is moof and mdat, with a tfdt in each traf, addressed from its moof (3.1.2).
    Mux2,
    /// MUX-3: a segment is its parts, one after the other (3.2).
    Mux3,
    /// MUX-5: decode times go on without holes, and media lasts as long as the playlist says (3.1.2).
    Mux5,
    /// MUX-6: CODECS and RESOLUTION are those of the init segment (4.4.6.2).
    Mux6,
    /// MUX-7: another EXT-X-MAP comes with EXT-X-DISCONTINUITY (B.1).
    Mux7,
    /// MV-1: a variant has BANDWIDTH (no less than its media takes), CODECS, and groups that exist (4.4.6.2).
    Mv1,
    /// MV-2: names in a group are unique, and one at most is the default (4.4.6.1.1).
    Mv2,
    /// MV-3: with EXT-X-INDEPENDENT-SEGMENTS every segment begins with a key frame (4.4.2.1).
    Mv3,
    /// MV-4: renditions match in target duration, dates, timestamps and discontinuity sequence (6.2.4).
    Mv4,
    /// PL-1: a playlist only grows at its end and shrinks at its start; nothing else in it changes (6.2.1).
    Pl1,
    /// PL-2: PART-HOLD-BACK is there, and three times the part target at least (4.4.3.8).
    Pl2,
    /// PL-3: HOLD-BACK is three, CAN-SKIP-UNTIL six target durations at least; CAN-SKIP-DATERANGES needs it
    /// (4.4.3.8).
    Pl3,
    /// PL-4: EXT-X-SERVER-CONTROL is the same in all media playlists, always (6.2.4).
    Pl4,
    /// PL-5: parts are listed for three target durations from the end, and served as long after that (6.2.2).
    Pl5,
    /// PL-6: a live playlist keeps three target durations, and counts what it removes (6.2.2).
    Pl6,
    /// PL-7: a removed segment stays for its duration and that of the longest playlist that held it (6.2.2).
    Pl7,
    /// PL-8: the next part is hinted while there is one to come, can be asked for, and comes under that URI (6.2.6).
    Pl8,
    /// PL-9: each other rendition is reported, with its last part (4.4.5.4).
    Pl9,
    /// PL-10: a delta update skips only what is beyond the skip boundary, and is whole with the playlist before
    /// it (6.2.5.1).
    Pl10,
    /// PL-11: tags of a segment stand before its first part (4.4.4.9).
    Pl11,
    /// PL-12: EXT-X-VERSION is what the tags need, and no higher (8).
    Pl12,
    /// PL-13: a playlist is UTF-8 by the grammar: no byte order mark, no control characters, no spaces in lists
    /// (4.1).
    Pl13,
    /// PL-14: a date range stays while its dates are listed, unchanged, the same everywhere (6.2.1).
    Pl14,
    /// SEG-1: EXT-X-TARGETDURATION never changes, and no segment rounds to more (4.4.3.1).
    Seg1,
    /// SEG-2: PART-TARGET never changes, and no part is longer (4.4.4.9).
    Seg2,
    /// SEG-3: a part has 85 % of the target, unless it is independent, a gap, before one, or the last of its
    /// segment (4.4.4.9).
    Seg3,
    /// SEG-4: a segment has an independent frame (B.1).
    Seg4,
    /// SEG-5: INDEPENDENT=YES stands on the parts that have an independent frame, and on no other (4.4.4.9).
    Seg5,
    /// SEG-6: parts follow within a part target, segments within 1.5 target durations (6.2.1).
    Seg6,
    /// SEG-8: EXT-X-PROGRAM-DATE-TIME goes on by the durations; with low latency every playlist has it (6.2.1, B.1).
    Seg8,
    /// SEG-9: all renditions advance within a part target (B.1).
    Seg9,
    /// SEG-10: media and discontinuity sequence numbers never go back (6.2.2).
    Seg10,
    /// SEG-11: a stream ends with EXT-X-ENDLIST in every playlist, and nothing is hinted then (6.2.1).
    Seg11,
}

/// A rule's id, whether only a low-latency stream can keep it, and what it says.
type Row = (Rule, &'static str, bool, &'static str);

const TABLE: [Row; 46] = [
    (
        Rule::Del1,
        "DEL-1",
        true,
        "a playlist with EXT-X-ENDLIST is given at once, whatever the directives say (6.2.5)",
    ),
    (
        Rule::Del2,
        "DEL-2",
        true,
        "_HLS_part without _HLS_msn gets 400 (6.2.5.2)",
    ),
    (
        Rule::Del3,
        "DEL-3",
        true,
        "_HLS_msn=M is answered with a playlist that has segment M, not before (6.2.5.2)",
    ),
    (
        Rule::Del4,
        "DEL-4",
        true,
        "_HLS_msn=M and _HLS_part=N are answered when part N is listed; past the end of M it is part 0 of M+1 (6.2.5.2)",
    ),
    (
        Rule::Del5,
        "DEL-5",
        true,
        "a number older than the playlist is answered at once, with 200 (6.2.5.2)",
    ),
    (
        Rule::Del6,
        "DEL-6",
        true,
        "a number too far ahead gets 400 at once (6.2.5.2)",
    ),
    (
        Rule::Del7,
        "DEL-7",
        true,
        "no request is held for more than three target durations (6.2.5.2)",
    ),
    (
        Rule::Del8,
        "DEL-8",
        true,
        "a part that was asked for ahead of time comes whole and at line speed (6.2.6)",
    ),
    (
        Rule::Del9,
        "DEL-9",
        false,
        "what is listed is served, with a body; what was never listed gets 404 (6.2.2)",
    ),
    (
        Rule::Del10,
        "DEL-10",
        false,
        "a byte range is answered with just those bytes (206), one past the end with 416 (B.1)",
    ),
    (
        Rule::Del11,
        "DEL-11",
        false,
        "responses have the content type of their kind, with low latency also lifetime, gzip, CORS and priority (4, B.1)",
    ),
    (
        Rule::Del12,
        "DEL-12",
        false,
        "unknown parameters are ignored, numbers that are none get 400, the same request gets the same answer (B.1)",
    ),
    (
        Rule::Mux1,
        "MUX-1",
        false,
        "an init segment is ftyp and moov with mvex, one trex a track, and no samples (3.1.2)",
    ),
    (
        Rule::Mux2,
        "MUX-2",
        false,
        "a fragment is moof and mdat, with a tfdt in each traf, addressed from its moof (3.1.2)",
    ),
    (
        Rule::Mux3,
        "MUX-3",
        true,
        "a segment is its parts, one after the other (3.2)",
    ),
    (
        Rule::Mux5,
        "MUX-5",
        false,
        "decode times go on without holes, and media lasts as long as the playlist says (3.1.2)",
    ),
    (
        Rule::Mux6,
        "MUX-6",
        false,
        "CODECS and RESOLUTION are those of the init segment (4.4.6.2)",
    ),
    (
        Rule::Mux7,
        "MUX-7",
        false,
        "another EXT-X-MAP comes with EXT-X-DISCONTINUITY (B.1)",
    ),
    (
        Rule::Mv1,
        "MV-1",
        false,
        "a variant has BANDWIDTH (no less than its media takes), CODECS, and groups that exist (4.4.6.2)",
    ),
    (
        Rule::Mv2,
        "MV-2",
        false,
        "names in a group are unique, and one at most is the default (4.4.6.1.1)",
    ),
    (
        Rule::Mv3,
        "MV-3",
        false,
        "with EXT-X-INDEPENDENT-SEGMENTS every segment begins with a key frame (4.4.2.1)",
    ),
    (
        Rule::Mv4,
        "MV-4",
        false,
        "renditions match in target duration, dates, timestamps and discontinuity sequence (6.2.4)",
    ),
    (
        Rule::Pl1,
        "PL-1",
        false,
        "a playlist only grows at its end and shrinks at its start; nothing else in it changes (6.2.1)",
    ),
    (
        Rule::Pl2,
        "PL-2",
        true,
        "PART-HOLD-BACK is there, and three times the part target at least (4.4.3.8)",
    ),
    (
        Rule::Pl3,
        "PL-3",
        false,
        "HOLD-BACK is three, CAN-SKIP-UNTIL six target durations at least; CAN-SKIP-DATERANGES needs it (4.4.3.8)",
    ),
    (
        Rule::Pl4,
        "PL-4",
        false,
        "EXT-X-SERVER-CONTROL is the same in all media playlists, always (6.2.4)",
    ),
    (
        Rule::Pl5,
        "PL-5",
        true,
        "parts are listed for three target durations from the end, and served as long after that (6.2.2)",
    ),
    (
        Rule::Pl6,
        "PL-6",
        false,
        "a live playlist keeps three target durations, and counts what it removes (6.2.2)",
    ),
    (
        Rule::Pl7,
        "PL-7",
        false,
        "a removed segment stays for its duration and that of the longest playlist that held it (6.2.2)",
    ),
    (
        Rule::Pl8,
        "PL-8",
        true,
        "the next part is hinted while there is one to come, can be asked for, and comes under that URI (6.2.6)",
    ),
    (
        Rule::Pl9,
        "PL-9",
        true,
        "each other rendition is reported, with its last part (4.4.5.4)",
    ),
    (
        Rule::Pl10,
        "PL-10",
        true,
        "a delta update skips only what is beyond the skip boundary, and is whole with the playlist before it (6.2.5.1)",
    ),
    (
        Rule::Pl11,
        "PL-11",
        true,
        "tags of a segment stand before its first part (4.4.4.9)",
    ),
    (
        Rule::Pl12,
        "PL-12",
        false,
        "EXT-X-VERSION is what the tags need, and no higher (8)",
    ),
    (
        Rule::Pl13,
        "PL-13",
        false,
        "a playlist is UTF-8 by the grammar: no byte order mark, no control characters, no spaces in lists (4.1)",
    ),
    (
        Rule::Pl14,
        "PL-14",
        false,
        "a date range stays while its dates are listed, unchanged, the same everywhere (6.2.1)",
    ),
    (
        Rule::Seg1,
        "SEG-1",
        false,
        "EXT-X-TARGETDURATION never changes, and no segment rounds to more (4.4.3.1)",
    ),
    (
        Rule::Seg2,
        "SEG-2",
        true,
        "PART-TARGET never changes, and no part is longer (4.4.4.9)",
    ),
    (
        Rule::Seg3,
        "SEG-3",
        true,
        "a part has 85 % of the target, unless it is independent, a gap, before one, or the last of its segment (4.4.4.9)",
    ),
    (
        Rule::Seg4,
        "SEG-4",
        true,
        "a segment has an independent frame (B.1)",
    ),
    (
        Rule::Seg5,
        "SEG-5",
        true,
        "INDEPENDENT=YES stands on the parts that have an independent frame, and on no other (4.4.4.9)",
    ),
    (
        Rule::Seg6,
        "SEG-6",
        false,
        "parts follow within a part target, segments within 1.5 target durations (6.2.1)",
    ),
    (
        Rule::Seg8,
        "SEG-8",
        false,
        "EXT-X-PROGRAM-DATE-TIME goes on by the durations; with low latency every playlist has it (6.2.1, B.1)",
    ),
    (
        Rule::Seg9,
        "SEG-9",
        true,
        "all renditions advance within a part target (B.1)",
    ),
    (
        Rule::Seg10,
        "SEG-10",
        false,
        "media and discontinuity sequence numbers never go back (6.2.2)",
    ),
    (
        Rule::Seg11,
        "SEG-11",
        false,
        "a stream ends with EXT-X-ENDLIST in every playlist, and nothing is hinted then (6.2.1)",
    ),
];

impl Rule {
    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// Finds a rule by its id, such as `PL-10`.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        let row = TABLE.iter().find(|row| row.1.eq_ignore_ascii_case(id));
        row.map(|row| row.0)
    }

    /// Its id, such as `PL-10`.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.row().map_or("", |row| row.1)
    }

    /// Whether only a low-latency stream can keep or break it.
    #[must_use]
    pub fn is_low_latency(self) -> bool {
        self.row().is_some_and(|row| row.2)
    }

    /// What is expected, with the section of the draft.
    #[must_use]
    pub fn says(self) -> &'static str {
        self.row().map_or("", |row| row.3)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.0 == self)
    }
}
