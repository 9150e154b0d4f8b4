//! Everything that can be wrong with what a presentation is given.

mod continuation;
mod cue;
mod file;

use core::time::Duration;

use crate::TrackId;

pub use continuation::ContinuationProblem;
pub use cue::CueProblem;
pub use file::{FileProblem, SlateProblem};

/// Why an input was refused. The machine's state is as it was before.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What an announcement says of a track cannot stand in a playlist.
    #[error("{track} announces a {field} that {problem}")]
    About {
        /// Which track.
        track: TrackId,
        /// `name` or `language`.
        field: &'static str,
        /// What is wrong with it.
        problem: AboutProblem,
    },
    /// A configuration value is out of its bounds.
    #[error("configuration field {field} is {value:?}, expected {min:?} to {max:?}")]
    ConfigRange {
        /// Its name.
        field: &'static str,
        /// What it was.
        value: Duration,
        /// Lowest legal value.
        min: Duration,
        /// Highest legal value.
        max: Duration,
    },
    /// More init generations are still listed than the limit allows.
    #[error(
        "{track} changed its configuration with {alive} generations still listed, limit {limit}"
    )]
    ConfigFlapping {
        /// Whose configuration changed.
        track: TrackId,
        /// Generations that are listed or announced.
        alive: usize,
        /// The cap.
        limit: usize,
    },
    /// A playlist cannot be gone on with.
    #[error("continuation: {problem}")]
    Continuation {
        /// Why.
        problem: ContinuationProblem,
    },
    /// A cue cannot stand in captions.
    #[error("{track} has a cue that {problem}")]
    Cue {
        /// Whose.
        track: TrackId,
        /// What is wrong with it.
        problem: CueProblem,
    },
    /// A delta update does not fit the playlist that it is joined to.
    #[error("delta update: {problem}")]
    Delta {
        /// Why.
        problem: DeltaProblem,
    },
    /// A date range cannot be listed.
    #[error("date range: {problem}")]
    DateRange {
        /// Why.
        problem: DateRangeProblem,
    },
    /// The show is over; nothing may follow [`Event::End`](crate::Event::End).
    #[error("the presentation has ended")]
    Ended,
    /// The codec belongs to the other kind of track.
    #[error("{track} cannot carry codec {codec:?}")]
    CodecKind {
        /// Which track.
        track: TrackId,
        /// The codec.
        codec: crate::codec::Codec,
    },
    /// A file or a stored part cannot be read or written.
    #[error("byte {at} of the file: {problem}")]
    File {
        /// Where.
        at: u64,
        /// What is wrong there.
        problem: FileProblem,
    },
    /// A fragment cannot be written.
    #[error("fragment of {runs} runs: {problem}")]
    Fragment {
        /// Tracks in it.
        runs: usize,
        /// Why.
        problem: FragmentProblem,
    },
    /// An init segment cannot be written.
    #[error("init segment of {tracks} tracks: {problem}")]
    Init {
        /// Tracks in it.
        tracks: usize,
        /// Why.
        problem: InitProblem,
    },
    /// [`Config::independent_segments`](crate::Config::independent_segments) promises a key frame for every segment,
    /// and none came in time. The sample is left out, as all are until the next key frame.
    #[error(
        "{track} has had no key frame for {since_ms} ms, expected one in {target_s} s as promised"
    )]
    KeyFrameLate {
        /// Which track.
        track: TrackId,
        /// Since the last key frame, in milliseconds.
        since_ms: u64,
        /// The Target Duration, in seconds.
        target_s: u64,
    },
    /// A message cannot be carried.
    #[error("message: {problem}")]
    Message {
        /// Why.
        problem: MessageProblem,
    },
    /// A sample or configuration came without [`Event::Start`](crate::Event::Start).
    #[error("{track} sent media while no publisher is started")]
    NotStarted {
        /// Whose.
        track: TrackId,
    },
    /// A part would grow beyond its cap.
    #[error("part of {track} would hold {value} {what}, limit {limit}")]
    PartTooLarge {
        /// Whose sample it was.
        track: TrackId,
        /// Bytes or samples.
        what: &'static str,
        /// What it would have grown to.
        value: usize,
        /// The cap.
        limit: usize,
    },
    /// A first number leaves no room to count on.
    #[error("numbering field {field} is {value}, at most {max}")]
    NumberRange {
        /// Its name.
        field: &'static str,
        /// What it was.
        value: u64,
        /// Highest legal value.
        max: u64,
    },
    /// A playlist cannot be read.
    #[error("playlist line {line} (byte {at}): {problem}")]
    Playlist {
        /// Line, from 1.
        line: usize,
        /// Byte where the line begins, or where the fault is.
        at: usize,
        /// What is wrong there.
        problem: PlaylistProblem,
    },
    /// Too many outputs wait: drain `poll_output` and pass the same event again.
    #[error("{waiting} outputs wait to be polled, limit {limit}")]
    QueueFull {
        /// How many wait.
        waiting: usize,
        /// The cap.
        limit: usize,
    },
    /// A configuration record does not parse, or a sample that has to stand in for it.
    #[error("{codec:?} configuration record at byte {at}: {problem}")]
    Record {
        /// Whose record it should be.
        codec: crate::codec::Codec,
        /// Where in the record or in the sample.
        at: usize,
        /// What is wrong there.
        problem: RecordProblem,
    },
    /// A sample came before its track's configuration record.
    #[error("{track} sent a sample before its configuration record")]
    SampleBeforeConfig {
        /// Whose.
        track: TrackId,
    },
    /// A sample is empty.
    #[error("{track} sent an empty sample at decode time {dts_ns} ns")]
    SampleEmpty {
        /// Whose.
        track: TrackId,
        /// Its decode time.
        dts_ns: i64,
    },
    /// A sample is larger than its cap.
    #[error("{track} sent a sample of {size} bytes, limit {limit}")]
    SampleTooLarge {
        /// Whose.
        track: TrackId,
        /// Its size.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// A publisher has more tracks than there may be renditions.
    #[error("{track} is one more than the {limit} renditions that there may be")]
    TooManyTracks {
        /// Which track.
        track: TrackId,
        /// The cap.
        limit: usize,
    },
    /// A sample's times do not fit the timeline.
    #[error(
        "{track} sent a sample at decode time {dts_ns} ns with composition offset {composition_ns} ns, expected at most 2^62 and 16 s"
    )]
    SampleTime {
        /// Whose.
        track: TrackId,
        /// Its decode time.
        dts_ns: i64,
        /// Its composition offset.
        composition_ns: i64,
    },
    /// A slate cannot be played.
    #[error("slate: {problem}")]
    Slate {
        /// Why.
        problem: SlateProblem,
    },
    /// A URL is none that a check can begin with.
    #[error("{len} bytes are no absolute http or https URL of at most {limit} bytes")]
    Url {
        /// Its length.
        len: usize,
        /// The cap.
        limit: usize,
    },
}

/// Why an announcement cannot stand in a playlist.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AboutProblem {
    /// A quotation mark, a control character, or in a language tag anything but letters, digits and hyphens.
    #[error("has {character:?} at byte {at}")]
    Character {
        /// Where.
        at: usize,
        /// What.
        character: char,
    },
    /// Another track of the kind has the same name (section 4.4.6.1.1 of the draft).
    #[error("{other} has too")]
    Taken {
        /// Which.
        other: TrackId,
    },
    /// It is longer than the limit.
    #[error("is {size} bytes long, limit {limit}")]
    TooLong {
        /// Its length.
        size: usize,
        /// The cap.
        limit: usize,
    },
}

/// What is wrong with a configuration record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordProblem {
    /// An Exp-Golomb code has more leading zeros than any legal value.
    #[error("{field} has an Exp-Golomb code of more than {limit} leading zeros ({spec})")]
    ExpGolomb {
        /// Its name in the specification.
        field: &'static str,
        /// The most that a legal code has.
        limit: u32,
        /// Section.
        spec: &'static str,
    },
    /// Something that must be in the record is not.
    #[error("no {what}, expected at least one ({spec})")]
    Missing {
        /// What.
        what: &'static str,
        /// Section.
        spec: &'static str,
    },
    /// More parameter sets than the limit allows.
    #[error("{count} parameter sets, limit {limit}")]
    ParameterSets {
        /// How many there are so far.
        count: usize,
        /// The cap.
        limit: usize,
    },
    /// The record is larger than the limit allows.
    #[error("{size} bytes, limit {limit}")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// The record ends inside a field.
    #[error("ends inside {field} ({spec})")]
    Truncated {
        /// Its name in the specification.
        field: &'static str,
        /// Section.
        spec: &'static str,
    },
    /// A field has a value that it must not have.
    #[error("{field} is {value}, expected {expected} ({spec})")]
    Value {
        /// Its name in the specification.
        field: &'static str,
        /// What it is.
        value: u64,
        /// What it may be.
        expected: &'static str,
        /// Section.
        spec: &'static str,
    },
}

/// Why an init segment cannot be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InitProblem {
    /// A record is larger than its box can be.
    #[error("track {track_id} has a configuration record of {size} bytes, limit {limit}")]
    Record {
        /// Whose.
        track_id: u32,
        /// Its size.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// The picture's size is not known.
    #[error(
        "track {track_id} has no resolution, expected 1 to 65535 pixels each way (ISO/IEC 14496-12 12.1.3)"
    )]
    Resolution {
        /// Whose.
        track_id: u32,
    },
    /// The number of tracks is not possible.
    #[error("expected 1 to {limit} tracks")]
    Tracks {
        /// The most: one in CMAF.
        limit: usize,
    },
    /// A track_ID is 0 or comes twice.
    #[error("track_ID {track_id} is zero or used twice (ISO/IEC 14496-12 8.3.2)")]
    TrackId {
        /// Which.
        track_id: u32,
    },
}

/// Why a date range cannot be listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DateRangeProblem {
    /// An attribute of a listed range cannot change.
    #[error("{attribute} of a listed range cannot change (section 4.4.5.1)")]
    Changed {
        /// Which, `X-` for one of the caller's own.
        attribute: &'static str,
    },
    /// A range that ends on the next needs a class.
    #[error("END-ON-NEXT needs a CLASS (section 4.4.5.1)")]
    ClassMissing,
    /// A date that four digits of a year cannot say.
    #[error("a date is after the year 9999")]
    Date,
    /// A value is empty.
    #[error("{attribute} is empty")]
    Empty {
        /// Which, `X-` for one of the caller's own.
        attribute: &'static str,
    },
    /// The end is before the start.
    #[error("END-DATE is before START-DATE (section 4.4.5.1)")]
    EndBeforeStart,
    /// The name of an attribute of the caller's own is illegal.
    #[error("an attribute's name is not X- and then A-Z, 0-9 or - (section 4.4.5.1)")]
    Name,
    /// Ranges of a class of which one ends on the next must not overlap.
    #[error("it overlaps a range of its class, of which one ends on the next (section 4.4.5.1)")]
    Overlap,
    /// All its dates are before the first listed segment.
    #[error("it ends before the first listed segment")]
    Past,
    /// An attribute appears twice.
    #[error("an attribute appears twice")]
    Repeated,
    /// The name belonged to a range that has been removed.
    #[error("its ID belonged to a range that was removed (section 6.2.1)")]
    Reused,
    /// A character that a quoted string cannot hold.
    #[error("{attribute} has a quote or a control character (section 4.2)")]
    Text {
        /// Which, `X-` for one of the caller's own.
        attribute: &'static str,
    },
    /// The line is longer than the limit allows.
    #[error("its line has {size} bytes, limit {limit}")]
    TooLong {
        /// Bytes of the line.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// As many lines are listed as the limit allows.
    #[error("{limit} lines of date ranges are listed, which is the limit")]
    TooMany {
        /// The cap.
        limit: usize,
    },
}

/// Why a message cannot be carried.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageProblem {
    /// No media goes out, so there is no part for it and no time.
    #[error("no media goes out at this moment")]
    NoMedia,
    /// A message belongs to a scheme.
    #[error("no scheme_id_uri (ISO/IEC 23009-1 5.10.3.3)")]
    SchemeMissing,
    /// The text ends with a zero, so it cannot hold one.
    #[error("{field} holds a zero (ISO/IEC 23009-1 5.10.3.3)")]
    Text {
        /// Which.
        field: &'static str,
    },
    /// The time is before the media, or cannot be said.
    #[error("time {time_ns} ns is not on the timeline")]
    Time {
        /// What it was.
        time_ns: i64,
    },
    /// The box is larger than the limit allows.
    #[error("its box has {size} bytes, limit {limit}")]
    TooLarge {
        /// Bytes of the box.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// The next part has as many as the limit allows.
    #[error("the next part has {limit} messages, which is the limit")]
    TooMany {
        /// The cap.
        limit: usize,
    },
}

/// Why a fragment cannot be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FragmentProblem {
    /// A run has no sample, or there is no run.
    #[error("run {run} has no sample")]
    Empty {
        /// Which run, from 0.
        run: usize,
    },
    /// A run lies beyond what its 32-bit signed data offset can reach.
    #[error(
        "run {run} begins {offset} bytes into the fragment, limit 2147483647 (ISO/IEC 14496-12 8.8.8)"
    )]
    Offset {
        /// Which run, from 0.
        run: usize,
        /// Where it would begin.
        offset: u64,
    },
    /// The header itself would be too large.
    #[error("{size} bytes of moof, limit 2147483647 (ISO/IEC 14496-12 8.8.4)")]
    TooLarge {
        /// What it would take.
        size: u64,
    },
}

/// Why a playlist cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaylistProblem {
    /// A known tag has something else than a list of attributes.
    #[error("{tag} has no list of NAME=VALUE pairs (section 4.2)")]
    Attributes {
        /// Which tag.
        tag: &'static str,
    },
    /// The text is not UTF-8.
    #[error("not UTF-8 (section 4.1)")]
    Encoding,
    /// The first line is another one.
    #[error("the first line is not #EXTM3U (section 4.4.1.1)")]
    Header,
    /// A line is longer than its cap.
    #[error("a line of {size} bytes, limit {limit}")]
    LineTooLong {
        /// Its size.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// The playlist has more lines than its cap.
    #[error("more than {limit} lines")]
    Lines {
        /// The cap.
        limit: usize,
    },
    /// Something that must be there is not.
    #[error("{tag} has no {attribute}")]
    Missing {
        /// Which tag.
        tag: &'static str,
        /// What it lacks.
        attribute: &'static str,
    },
    /// A tag stands where it must not.
    #[error("{tag} stands behind a segment, or twice")]
    Misplaced {
        /// Which tag.
        tag: &'static str,
    },
    /// Tags of a media playlist and of a multivariant one.
    #[error("tags of media playlists and of multivariant playlists in one (section 4.1)")]
    Mixed,
    /// The playlist has more segments than its cap.
    #[error("{count} segments, limit {limit}")]
    Segments {
        /// How many there are so far.
        count: usize,
        /// The cap.
        limit: usize,
    },
    /// The text is larger than its cap.
    #[error("{size} bytes, limit {limit}")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// A known attribute or tag has a value that it must not have.
    #[error("{tag} has another {attribute} than {expected}")]
    Value {
        /// Which tag.
        tag: &'static str,
        /// Which attribute, or `value`.
        attribute: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

/// Why a delta update does not fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaProblem {
    /// The playlist before it is a delta update that was not joined.
    #[error("the playlist before it is a delta update too")]
    BaseIsDelta,
    /// The playlist before it lacks segments that are skipped.
    #[error(
        "it skips {count} segments from {first} on, and the playlist before it has {have_count} from {have_first} on"
    )]
    Segments {
        /// First Media Sequence Number that is skipped.
        first: u64,
        /// How many are.
        count: u64,
        /// First Media Sequence Number of the playlist before.
        have_first: u64,
        /// How many segments that has.
        have_count: usize,
    },
    /// The two are not of one stream.
    #[error("target duration {after} s, and {before} s in the playlist before it")]
    TargetDuration {
        /// Before, in seconds.
        before: u64,
        /// In the update, in seconds.
        after: u64,
    },
    /// Together they have more bytes than the cap.
    #[error("{size} bytes together, limit {limit}")]
    TooLarge {
        /// How many they would have.
        size: usize,
        /// The cap.
        limit: usize,
    },
    /// Together they have more lines than the cap.
    #[error("{count} lines together, limit {limit}")]
    TooManyLines {
        /// How many they would have.
        count: usize,
        /// The cap.
        limit: usize,
    },
    /// Together they have more segments than the cap.
    #[error("{count} segments together, limit {limit}")]
    TooManySegments {
        /// How many they would have.
        count: usize,
        /// The cap.
        limit: usize,
    },
}
