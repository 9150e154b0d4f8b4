//! More readers of MP4 that we did not write: a validator of CMAF, the parser of Firefox, and mp4box in Node.

use std::io::Cursor;
use std::process::Command;

use serde_json::Value;
use transmux::validate::{
    ConformanceIssue, validate_cmaf_track, validate_init_segment, validate_media_segment,
};

use super::super::collect::{Recording, Rendition};
use super::super::tools::{Scratch, node_modules, run};
use super::{Sample, playable_bytes, runs};
use crate::tidy::root;

/// transmux has nothing to say of any init segment, part or segment, nor of all of them as a track.
///
/// It warns where things are as they have to be here, and only there is that passed over: a part is a chunk, of which
/// the first of a fragment alone begins with a sync sample, and the muxed layout has two `traf` and is no CMAF
/// (MUX-8).
pub(super) fn transmux(rendition: &Rendition) -> Vec<String> {
    let muxed = rendition.uri.starts_with('m');
    let mut found = Vec::new();
    let mut note = |uri: &str, first: bool, issues: Vec<ConformanceIssue>| {
        for ConformanceIssue {
            severity,
            code,
            message,
            ..
        } in issues
        {
            let chunk = code == "media.sample.non-sync-first" && !first;
            let pair = code == "media.moof.multi-traf" && muxed;
            if !(chunk || pair) {
                let severity = severity.name();
                found.push(format!("{uri}: transmux: {severity} {code}: {message}"));
            }
        }
    };
    // A segment that had to be cut without a key frame says so by its first part (SEG-4).
    let segments = rendition
        .playlists
        .iter()
        .flat_map(|fetched| fetched.media.all());
    let firsts = segments.filter_map(|segment| segment.parts.first());
    let firsts: std::collections::BTreeSet<&String> = firsts
        .filter(|part| part.independent)
        .map(|part| &part.uri)
        .collect();
    for (map, parts) in runs(rendition) {
        let init = rendition.bodies[map].as_slice();
        note(map, true, validate_init_segment(init));
        let bodies: Vec<&[u8]> = parts
            .iter()
            .map(|part| rendition.bodies[*part].as_slice())
            .collect();
        for (part, body) in parts.iter().zip(&bodies) {
            note(part, firsts.contains(*part), validate_media_segment(body));
        }
        note(map, false, validate_cmaf_track(init, &bodies));
    }
    let (init, segments) = rendition.playable();
    for segment in &segments {
        note("a segment", false, validate_media_segment(segment));
    }
    note("the segments", false, validate_cmaf_track(init, &segments));
    found
}

/// Firefox's parser finds in every init segment a track of a known codec for each `trak`.
pub(super) fn mp4parse(rendition: &Rendition) -> Vec<String> {
    let mut found = Vec::new();
    for (map, _) in runs(rendition) {
        match mp4parse::read_mp4(&mut Cursor::new(&rendition.bodies[map])) {
            Ok(context) => {
                let known = context.tracks.iter().filter(|track| {
                    let entries = track.stsd.as_ref().map(|stsd| &stsd.descriptions);
                    entries.is_some_and(|entries| entries.len() == 1) && track.track_id.is_some()
                });
                let (known, all) = (known.count(), context.tracks.len());
                if known != all || all == 0 || context.mvex.is_none() {
                    found.push(format!(
                        "{map}: mp4parse: {known} of {all} tracks are described"
                    ));
                }
            }
            Err(error) => found.push(format!("{map}: mp4parse: {error}")),
        }
    }
    found
}

/// mp4box finds the samples that shiguredo_mp4 finds, and names the codecs that the multivariant playlist names.
pub(super) fn mp4box(recording: &Recording) -> Vec<String> {
    let scratch = Scratch::new();
    let mut command = Command::new("node");
    command
        .arg(root().join("examples/tests/browser/mp4box.mjs"))
        .arg(node_modules());
    for (index, rendition) in recording.renditions.iter().enumerate() {
        let path = scratch.path().join(format!("{index}.mp4"));
        std::fs::write(&path, playable_bytes(rendition)).expect("the scratch folder takes files");
        command.arg(path);
    }
    let output = run(&mut command, b"");
    let files: Vec<Value> = serde_json::from_slice(&output.stdout).expect("mp4box.mjs prints JSON");
    let mut found = Vec::new();
    for (rendition, file) in recording.renditions.iter().zip(&files) {
        let uri = &rendition.uri;
        if let Some(errors) = file["errors"]
            .as_array()
            .filter(|errors| !errors.is_empty())
        {
            found.push(format!("{uri}: mp4box: {errors:?}"));
        }
        let expected = super::all_samples(rendition);
        let tracks = file["tracks"].as_array().expect("tracks");
        for track in tracks {
            let id = track["id"].as_u64().expect("an id");
            let theirs: Vec<Sample> = track["samples"]
                .as_array()
                .expect("samples")
                .iter()
                .map(|sample| sample_of(id, sample))
                .collect();
            let ours = expected
                .iter()
                .filter(|sample| u64::from(sample.track) == id);
            if !theirs.iter().eq(ours.clone()) {
                let (theirs_count, ours) = (theirs.len(), ours.count());
                found.push(format!(
                    "{uri}: track {id}: mp4box has {theirs_count} samples, others {ours}"
                ));
            }
            let codec = track["codec"]
                .as_str()
                .expect("a codec string")
                .to_lowercase();
            let named = recording.multivariant.to_lowercase();
            let mut listed = named
                .split("codecs=\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .flat_map(|list| list.split(','));
            if !listed.any(|name| name == codec) {
                found.push(format!("{uri}: mp4box says {codec}, not in:\n{named}"));
            }
        }
        if tracks.is_empty() {
            found.push(format!("{uri}: mp4box finds no track"));
        }
    }
    found
}

fn sample_of(track: u64, sample: &Value) -> Sample {
    let number = |at: usize| sample[at].as_i64().expect("a number");
    Sample {
        track: u32::try_from(track).expect("a small number"),
        dts: number(0),
        pts: number(1),
        size: usize::try_from(number(2)).expect("a size"),
        sync: sample[3].as_bool().expect("a flag"),
    }
}
