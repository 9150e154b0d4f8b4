//! The stage's side with a real presentation, and the thread's side with files.

use std::sync::mpsc::sync_channel;

use backline_hls::codec::Codec;
use backline_hls::{
    Config, Event, Layout, ObjectId, ObjectKind, Output, Presentation, Sample, TrackId, UnixMillis,
    Warning,
};

use super::finish::Finishers;
use super::*;

/// Of x264, 640x360.
const AVCC: &[u8] = b"\x01\x42\xC0\x1E\xFF\xE1\x00\x19\x67\x42\xC0\x1E\xDA\x02\x80\xBF\xE5\xC0\x44\
    \x00\x00\x03\x00\x04\x00\x00\x03\x00\xF2\x3C\x58\xBA\x80\x01\x00\x04\x68\xCE\x0F\xC8";

/// What a presentation gives out for a publisher of so many pictures, 25 a second, a key frame a second.
fn show(pictures: i64) -> Vec<Output> {
    let mut now = Instant::now();
    let mut config = Config::default();
    config.layout = Layout::Separate;
    let mut presentation = Presentation::new(config, now).expect("defaults");
    let mut events = vec![
        Event::Start {
            wall: UnixMillis(1_764_000_000_000),
        },
        Event::Config {
            track: TrackId::VIDEO,
            codec: Codec::Avc,
            record: Bytes::from_static(AVCC),
        },
    ];
    events.extend((0..pictures).map(|picture| Event::Sample {
        track: TrackId::VIDEO,
        sample: Sample {
            dts_ns: picture * 40_000_000,
            composition_ns: 0,
            sync: picture % 25 == 0,
            data: Bytes::from_static(b"\x00\x00\x00\x04\x65abc"),
        },
    }));
    let mut outputs = Vec::new();
    for event in events {
        presentation.handle_event(now, event).expect("sound media");
        now += Duration::from_millis(40);
        outputs.extend(std::iter::from_fn(|| presentation.poll_output()));
    }
    outputs
}

fn is_part(output: &Output) -> bool {
    matches!(output, Output::Part { .. })
}

/// Another init segment for the same rendition.
fn other_init(outputs: &[Output]) -> Output {
    let (object, body) = outputs
        .iter()
        .find_map(|output| match output {
            Output::Init { object, body } => Some((*object, body.clone())),
            _ => None,
        })
        .expect("an init segment");
    let number = object.number + 1;
    let object = ObjectId { number, ..object };
    assert_eq!(object.kind, ObjectKind::Init);
    let mut body = body.to_vec();
    body.extend_from_slice(b"\0\0\0\x08free");
    let body = body.into();
    Output::Init { object, body }
}

/// The stage's side, and its queue of so many items.
fn feeder(room: usize) -> (Feeder, Receiver<Item>, Arc<Shared>) {
    let (queue, items) = sync_channel(room);
    let shared = Arc::new(Shared::default());
    (Feeder::new(queue, Arc::clone(&shared)), items, shared)
}

fn pieces(items: &Receiver<Item>) -> Vec<Piece> {
    let piece = |item| match item {
        Item::Part(piece) => Some(piece),
        _ => None,
    };
    items.try_iter().filter_map(piece).collect()
}

#[test]
fn a_full_queue_loses_parts_and_no_change_of_state() {
    let outputs = show(150);
    let (mut feeder, items, shared) = feeder(3);
    outputs.iter().for_each(|output| feeder.take(output));
    let parts = outputs.iter().filter(|output| is_part(output)).count() as u64;
    let dropped = shared.figures.dropped.load(Ordering::Relaxed);
    assert!(parts > 20 && dropped == parts - 3, "{dropped} of {parts}");
    let before = shared.take.load(Ordering::Relaxed);
    // All of this finds no room: another encoder, a slate that came and went, and the end of a publication.
    let fresh = other_init(&outputs);
    feeder.take(&fresh);
    feeder.take(&Output::Warning(Warning::SlateShown));
    feeder.take(&Output::Warning(Warning::SlateOver { shown_ms: 1 }));
    feeder.cut();
    let after = shared.take.load(Ordering::Relaxed);
    assert!(after > before, "the take is over, room or not");
    let first = pieces(&items);
    assert_eq!(first.len(), 3);
    // The next publisher's times begin anew.
    outputs
        .iter()
        .filter(|output| is_part(output))
        .take(2)
        .for_each(|part| feeder.take(part));
    let next = pieces(&items);
    let Output::Init { body, .. } = fresh else {
        panic!("made above")
    };
    assert_eq!(next.len(), 2);
    for piece in next {
        assert_eq!(piece.init, body, "the new encoder's");
        assert!(piece.take > after);
    }
}

#[test]
fn the_end_of_a_show_is_known_though_the_queue_is_full() {
    let (mut feeder, _items, shared) = feeder(1);
    feeder.take(&Output::Ended);
    feeder.take(&Output::Ended);
    assert_eq!(shared.take.load(Ordering::Relaxed), 2);
}

/// An init segment that was announced holds from the next discontinuity on, and a part that found no room is none.
#[test]
fn a_lost_part_is_no_discontinuity() {
    let outputs = show(150);
    let (mut feeder, items, shared) = feeder(8);
    let mut parts = outputs.iter().filter(|output| is_part(output));
    let init = outputs
        .iter()
        .find(|output| matches!(output, Output::Init { .. }))
        .expect("an init segment");
    feeder.take(init);
    feeder.take(parts.next().expect("a part"));
    let old = pieces(&items).pop().expect("it found room").init;
    feeder.take(&other_init(&outputs));
    // No room for a moment.
    shared.waiting.store(usize::MAX / 2, Ordering::Relaxed);
    feeder.take(parts.next().expect("a part"));
    shared.waiting.store(0, Ordering::Relaxed);
    assert_eq!(shared.figures.dropped.load(Ordering::Relaxed), 1);
    for part in parts.take(5) {
        feeder.take(part);
    }
    let after = pieces(&items);
    assert_eq!(after.len(), 5);
    assert!(after.iter().all(|piece| piece.init == old));
    assert!(after.iter().all(|piece| piece.take == after[0].take));
}

/// The thread ends a take when it is over, not at the next part, and what follows goes into another one.
#[test]
fn a_take_is_finished_when_it_is_over() {
    let folder = std::env::temp_dir().join(format!("backline-takes-{}", std::process::id()));
    let recorder = Recorder::start(&folder, "live").expect("a folder");
    let mut feeder = recorder.feeder().expect("it runs");
    let figures = recorder.figures();
    for wanted in [1, 2] {
        show(100).iter().for_each(|output| feeder.take(output));
        feeder.take(&Output::Ended);
        let begun = Instant::now();
        while figures.finished.load(Ordering::Relaxed) < wanted {
            assert!(begun.elapsed() < Duration::from_secs(20), "{figures:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    assert_eq!(figures.dropped.load(Ordering::Relaxed), 0);
    drop(recorder);
    std::fs::remove_dir_all(folder).expect("cleaned up");
}

/// A power cut leaves files of no bytes, and of zeros.
#[test]
fn a_take_is_finished_without_its_empty_files() {
    let folder = std::env::temp_dir().join(format!("backline-empty-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = |name: &str| folder.join(format!("live-2026-01-01_00-00-00-{name}"));
    for (rendition, bytes) in [
        ("v0", fragments()),
        ("a0", Vec::new()),
        ("a1", vec![0; 512]),
        ("a2", vec![0; 1 << 20]),
    ] {
        std::fs::write(path(&format!("{rendition}.recording.mp4")), bytes).expect("written");
    }
    let figures = Arc::new(Figures::default());
    let mut finishers = Finishers::new("live".to_owned(), Arc::clone(&figures));
    finishers.leftovers(&folder);
    finishers.wait();
    assert_eq!(figures.finished.load(Ordering::Relaxed), 1);
    let expected = [
        "live-2026-01-01_00-00-00-a2.torn",
        "live-2026-01-01_00-00-00.mp4",
    ];
    assert_eq!(names(&folder), expected);
    std::fs::remove_dir_all(folder).expect("cleaned up");
}

/// Killed after a take was finished and before all its fragments were gone.
#[test]
fn what_is_left_of_a_finished_take_does_not_replace_it() {
    let folder = std::env::temp_dir().join(format!("backline-left-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let finished = folder.join("live-2026-01-01_00-00-00.mp4");
    std::fs::write(&finished, b"the whole night").expect("written");
    let left = folder.join("live-2026-01-01_00-00-00-a0.recording.mp4");
    std::fs::write(&left, fragments()).expect("written");
    let figures = Arc::new(Figures::default());
    let mut finishers = Finishers::new("live".to_owned(), Arc::clone(&figures));
    finishers.leftovers(&folder);
    finishers.wait();
    let kept = std::fs::read(&finished).expect("still there");
    assert_eq!(kept, b"the whole night");
    assert_eq!(names(&folder), ["live-2026-01-01_00-00-00.mp4"]);
    std::fs::remove_dir_all(folder).expect("cleaned up");
}

/// A file as a recording writes it.
fn fragments() -> Vec<u8> {
    let mut whole = Vec::new();
    for output in show(100) {
        match output {
            Output::Init { body, .. } => whole.extend_from_slice(&body),
            Output::Part { body, .. } => whole.extend_from_slice(&body.concat()),
            _ => {}
        }
    }
    whole
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: io::Result<std::fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.into_string().expect("a plain name")
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}
