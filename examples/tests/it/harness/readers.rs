//! MP4 readers that we did not write, over every init, part and segment of a recording.

mod mp4;

use std::process::Command;

use mp4_atom::{Any, Decode};
use shiguredo_mp4::demux::Fmp4SegmentDemuxer;

use super::collect::{Recording, Rendition};
use super::tools::{FFMPEG, FFPROBE, python, run, text, try_run};

/// A sample as a reader finds it, in ticks of its track.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sample {
    pub(crate) track: u32,
    pub(crate) dts: i64,
    pub(crate) pts: i64,
    pub(crate) size: usize,
    pub(crate) sync: bool,
}

/// Reads everything with everyone; the findings name the rendition.
pub(crate) fn findings(recording: &Recording) -> Vec<String> {
    let mut found = Vec::new();
    for rendition in &recording.renditions {
        let mut of_this = parents_are_their_parts(rendition);
        of_this.extend(boxes(rendition));
        of_this.extend(samples(rendition));
        of_this.extend(mp4::transmux(rendition));
        of_this.extend(mp4::mp4parse(rendition));
        of_this.extend(ffprobe(rendition));
        of_this.extend(ffmpeg(rendition));
        of_this.extend(m3u8(rendition));
        found.extend(
            of_this
                .into_iter()
                .map(|finding| format!("{}: {finding}", rendition.uri)),
        );
    }
    found.extend(mp4::mp4box(recording));
    found
}

/// A segment is the bytes of its parts, one after the other (MUX-3).
fn parents_are_their_parts(rendition: &Rendition) -> Vec<String> {
    assert!(
        !rendition.parents.is_empty(),
        "{}: no segment closed",
        rendition.uri
    );
    let mut found = Vec::new();
    for parent in rendition.parents.values() {
        let joined: Vec<u8> = parent
            .parts
            .iter()
            .flat_map(|part| rendition.bodies[part].iter().copied())
            .collect();
        if joined != rendition.bodies[&parent.uri] {
            found.push(format!(
                "{} is not the bytes of {:?} (MUX-3)",
                parent.uri, parent.parts
            ));
        }
    }
    found
}

fn kinds(body: &[u8]) -> Result<Vec<Any>, String> {
    let mut rest = body;
    let mut all = Vec::new();
    while !rest.is_empty() {
        all.push(
            Any::decode(&mut rest).map_err(|error| {
                format!("mp4-atom at byte {}: {error}", body.len() - rest.len())
            })?,
        );
    }
    Ok(all)
}

/// mp4-atom knows every box, in the order of CMAF (MUX-1, MUX-2).
fn boxes(rendition: &Rendition) -> Vec<String> {
    let mut found = Vec::new();
    let mut sequence = 0;
    // Part URIs count up, so their order is that of their numbers.
    let mut bodies: Vec<(&String, &Vec<u8>)> = rendition
        .bodies
        .iter()
        .filter(|(uri, _)| !uri.starts_with('s'))
        .collect();
    bodies.sort_by_key(|(uri, _)| {
        uri.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
            .parse::<u64>()
            .ok()
    });
    for (uri, body) in bodies {
        let atoms = match kinds(body) {
            Ok(atoms) => atoms,
            Err(why) => {
                found.push(format!("{uri}: {why}"));
                continue;
            }
        };
        let is_init = rendition
            .playlists
            .iter()
            .any(|fetched| fetched.media.all().any(|segment| segment.map == *uri));
        match atoms.as_slice() {
            [Any::Ftyp(_), Any::Moov(moov)] if is_init => {
                if moov.trak.is_empty() || moov.mvex.is_none() {
                    found.push(format!("{uri}: an init without trak or mvex (MUX-1)"));
                }
            }
            [Any::Styp(_), Any::Moof(moof), Any::Mdat(_)] | [Any::Moof(moof), Any::Mdat(_)]
                if !is_init =>
            {
                if moof.mfhd.sequence_number <= sequence {
                    found.push(format!(
                        "{uri}: mfhd goes from {sequence} to {}",
                        moof.mfhd.sequence_number
                    ));
                }
                sequence = moof.mfhd.sequence_number;
                if moof.traf.iter().any(|traf| traf.tfdt.is_none()) {
                    found.push(format!("{uri}: a traf without tfdt (MUX-2)"));
                }
            }
            _ => {
                let kinds: Vec<String> = atoms
                    .iter()
                    .map(|atom| format!("{:?}", atom.kind()))
                    .collect();
                found.push(format!("{uri}: {kinds:?} is neither an init nor a part"));
            }
        }
    }
    found
}

/// shiguredo_mp4 finds samples that follow each other without a gap (MUX-5).
fn samples(rendition: &Rendition) -> Vec<String> {
    let mut found = Vec::new();
    for (map, parts) in runs(rendition) {
        let mut demuxer = Fmp4SegmentDemuxer::new();
        if let Err(error) = demuxer.handle_init_segment(&rendition.bodies[map]) {
            found.push(format!("{map}: shiguredo_mp4: {error}"));
            continue;
        }
        let mut expected = std::collections::BTreeMap::new();
        for uri in parts {
            match demuxer.handle_media_segment(without_styp(&rendition.bodies[uri])) {
                Ok(samples) if samples.is_empty() => found.push(format!("{uri}: no sample")),
                Ok(samples) => {
                    for sample in samples {
                        let track = sample.track.track_id;
                        let due =
                            expected.insert(track, sample.timestamp + u64::from(sample.duration));
                        if due.is_some_and(|due| due != sample.timestamp) {
                            let at = sample.timestamp;
                            found.push(format!(
                                "{uri}: track {track} goes on at {at}, {due:?} was due (MUX-5)"
                            ));
                        }
                        if sample.data_size == 0 || sample.duration == 0 {
                            found.push(format!("{uri}: an empty sample at {}", sample.timestamp));
                        }
                    }
                }
                Err(error) => found.push(format!("{uri}: shiguredo_mp4: {error}")),
            }
        }
    }
    found
}

/// What shiguredo_mp4 finds in the segments that [`playable_bytes`] joins.
pub(crate) fn all_samples(rendition: &Rendition) -> Vec<Sample> {
    let (init, segments) = rendition.playable();
    let mut demuxer = Fmp4SegmentDemuxer::new();
    demuxer
        .handle_init_segment(init)
        .expect("it was read before");
    let parents = rendition.parents.values();
    let init = parents.clone().next_back().map(|parent| &parent.map);
    let parts = parents
        .filter(|parent| Some(&parent.map) == init)
        .flat_map(|parent| &parent.parts);
    assert!(!segments.is_empty(), "no segment closed");
    let mut all = Vec::new();
    for part in parts {
        let body = without_styp(&rendition.bodies[part]);
        let samples = demuxer.handle_media_segment(body).unwrap_or_default();
        all.extend(samples.iter().map(|sample| {
            let dts = i64::try_from(sample.timestamp).expect("far below 2^63");
            Sample {
                track: sample.track.track_id,
                dts,
                pts: dts + sample.composition_time_offset.unwrap_or(0),
                size: sample.data_size,
                sync: sample.keyframe,
            }
        }));
    }
    all
}

/// A part from its moof on: this reader does not know that a media segment may begin with its brands (styp).
fn without_styp(body: &[u8]) -> &[u8] {
    match body {
        [a, b, c, d, b's', b't', b'y', b'p', ..] => {
            let size = u32::from_be_bytes([*a, *b, *c, *d]);
            &body[usize::try_from(size).expect("a box fits the memory")..]
        }
        _ => body,
    }
}

/// The parts that were recorded, in order, as runs between discontinuities: (init, parts).
fn runs(rendition: &Rendition) -> Vec<(&String, Vec<&String>)> {
    let mut runs: Vec<(&String, Vec<&String>)> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for fetched in &rendition.playlists {
        for segment in fetched.media.all() {
            for part in &segment.parts {
                if seen.insert(&part.uri) {
                    let breaks = segment.discontinuity && part.uri == segment.parts[0].uri;
                    if breaks || runs.last().is_none_or(|(map, _)| **map != segment.map) {
                        runs.push((&segment.map, Vec::new()));
                    }
                    runs.last_mut().expect("pushed above").1.push(&part.uri);
                }
            }
        }
    }
    runs
}

pub(crate) fn playable_bytes(rendition: &Rendition) -> Vec<u8> {
    let (init, segments) = rendition.playable();
    let mut all = init.to_vec();
    all.extend(segments.into_iter().flatten());
    all
}

/// ffprobe has nothing to complain of, and decode times go up.
fn ffprobe(rendition: &Rendition) -> Vec<String> {
    let entries = "packet=stream_index,dts,pts,duration,size";
    let arguments = [
        "-v",
        "warning",
        "-show_entries",
        entries,
        "-of",
        "csv=p=0",
        "-i",
        "pipe:0",
    ];
    let output = run(
        Command::new(FFPROBE).args(arguments),
        &playable_bytes(rendition),
    );
    let mut found: Vec<String> = text(&output.stderr)
        .lines()
        .map(|line| format!("ffprobe: {line}"))
        .collect();
    let mut last = std::collections::BTreeMap::new();
    let packets = text(&output.stdout);
    for line in packets.lines() {
        let mut fields = line.split(',');
        let stream = fields.next().unwrap_or_default().to_owned();
        let _pts = fields.next();
        match fields.next().map(str::parse::<i64>) {
            Some(Ok(dts)) => {
                if last.insert(stream, dts).is_some_and(|before| before >= dts) {
                    found.push(format!("ffprobe: dts does not go up at {line}"));
                }
            }
            _ => found.push(format!("ffprobe: no dts in {line}")),
        }
    }
    if packets.lines().count() < 10 {
        found.push(format!("ffprobe: {} packets only", packets.lines().count()));
    }
    found
}

/// FFmpeg decodes every frame without an error.
fn ffmpeg(rendition: &Rendition) -> Vec<String> {
    let arguments = [
        "-hide_banner",
        "-v",
        "error",
        "-xerror",
        "-i",
        "pipe:0",
        // It would make frames of a variable rate fit the one that it guesses.
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "-1",
        "-f",
        "null",
        "-",
    ];
    let output = try_run(
        Command::new(FFMPEG).args(arguments),
        &playable_bytes(rendition),
    );
    let complaints = text(&output.stderr);
    if output.status.success() && complaints.is_empty() {
        return Vec::new();
    }
    vec![format!("ffmpeg: {}: {}", output.status, complaints.trim())]
}

/// Python's m3u8 reads the newest playlist as we do.
fn m3u8(rendition: &Rendition) -> Vec<String> {
    let script = "import m3u8, sys\n\
        p = m3u8.loads(sys.stdin.read())\n\
        parts = [x.uri for s in p.segments for x in s.parts]\n\
        hint = p.preload_hint.uri if p.preload_hint else ''\n\
        units = lambda seconds: round(seconds * 100000)\n\
        print(units(p.part_inf.part_target), units(p.server_control.part_hold_back), p.target_duration,\n\
              p.media_sequence, len([s for s in p.segments if s.uri]), len(parts), hint,\n\
              ' '.join(f'{r.uri} {r.last_msn} {r.last_part}' for r in p.rendition_reports))\n";
    let newest = rendition.playlists.last().expect("there is one");
    let output = run(
        Command::new(python()).args(["-c", script]),
        &newest.response.body,
    );
    let media = &newest.media;
    let reports: Vec<String> = media
        .reports
        .iter()
        .map(|of| format!("{} {} {}", of.uri, of.msn, of.part))
        .collect();
    let expected = format!(
        "{} {} {} {} {} {} {} {}",
        media.part_target,
        media.control("PART-HOLD-BACK").unwrap_or_default(),
        media.target_duration,
        media.media_sequence,
        media.segments.len(),
        media
            .all()
            .map(|segment| segment.parts.len())
            .sum::<usize>(),
        media
            .hints
            .iter()
            .find(|(kind, _)| kind == "PART")
            .map_or("", |(_, uri)| uri),
        reports.join(" ")
    );
    let actual = text(&output.stdout);
    if actual.trim() == expected.trim() {
        Vec::new()
    } else {
        vec![format!("m3u8 read {actual:?}, not {expected:?}")]
    }
}
