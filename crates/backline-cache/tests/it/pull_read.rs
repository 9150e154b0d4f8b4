//! Read while write: prefixes, tails, ranges, and ends that are none.

use backline_cache::Error;
use backline_cache::pull::{PullAnswer, PullOutput, Read, Reader, Unit};
use bytes::Bytes;

use crate::pull_rig::{PullRig, body_of, copy_of, head};

/// A reader of a body that grows, and its fetch.
fn growing(rig: &mut PullRig, unit: Unit) -> (Reader, backline_cache::FillId) {
    rig.hold_for("/s1.m4s", unit);
    let fill = rig.fetch();
    rig.head(fill, &head(10));
    let ready = rig.ready();
    let copy = copy_of(ready[0].1.clone());
    (copy.reader().unwrap(), fill)
}

fn text(read: &Read) -> String {
    match read {
        Read::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => format!("{other:?}"),
    }
}

/// RWW-1: the prefix, then the tail, each at its own pace; late joiners too.
#[test]
fn rww_1_late_reader_gets_prefix_then_tail() {
    let mut rig = PullRig::new();
    let (early, fill) = growing(&mut rig, Unit::Any);
    assert_eq!(rig.read(early), Read::Wait);
    rig.bytes(fill, b"one ");
    let readable = rig.outputs();
    assert!(matches!(readable.as_slice(), [PullOutput::Readable { .. }]));
    assert_eq!(text(&rig.read(early)), "one ");
    rig.bytes(fill, b"two ");
    let (_, answer) = rig.ask_as("/s1.m4s", |ask| ask.unit = Unit::Any);
    let late = copy_of(answer).reader().unwrap();
    assert_eq!(text(&rig.read(late)), "one two ");
    assert_eq!(rig.read(late), Read::Wait);
    assert_eq!(text(&rig.read(early)), "two ");
    // A large piece comes after small ones that were gathered.
    let large = "x".repeat(10_000);
    rig.bytes(fill, large.as_bytes());
    rig.end(fill);
    assert_eq!(text(&rig.read(late)), large);
    assert_eq!(rig.read(late), Read::End);
    rig.pull.leave(rig.now, late);
    assert_eq!(rig.read(late), Read::End);
    assert_eq!(text(&rig.read(early)), large);
    assert_eq!(rig.pull.length(early), Some(10_008));
    rig.pull.leave(rig.now, early);
    rig.outputs();
    assert_eq!(rig.pull.stats().waiters, 0);
    let copy = rig.hit("/s1.m4s");
    assert_eq!(body_of(&copy).len(), 10_008);
    assert_eq!(copy.length(), Some(10_008));
}

/// RWW-2: no byte of a unit before all of it is in (draft-pantos-hls-rfc8216bis, 6.2.6).
#[test]
fn rww_2_release_is_unit_by_unit() {
    let mut rig = PullRig::new();
    let (reader, fill) = growing(&mut rig, Unit::Bytes(4));
    rig.bytes(fill, b"abc");
    assert_eq!(rig.read(reader), Read::Wait);
    assert!(rig.outputs().is_empty());
    rig.bytes(fill, b"defg");
    assert_eq!(rig.outputs().len(), 1);
    assert_eq!(text(&rig.read(reader)), "abcd");
    assert_eq!(rig.read(reader), Read::Wait);
    rig.bytes(fill, b"!");
    assert_eq!(text(&rig.read(reader)), "efg!");
    rig.bytes(fill, b"zz");
    assert_eq!(rig.read(reader), Read::Wait);
    rig.end(fill);
    assert_eq!(text(&rig.read(reader)), "zz");
    assert_eq!(rig.read(reader), Read::End);
}

/// RWW-2: a part is one unit: nothing at all before it is whole.
#[test]
fn rww_2_part_is_released_whole() {
    let mut rig = PullRig::new();
    rig.hold_for("/part.m4s", Unit::Whole);
    let fill = rig.fetch();
    rig.head(fill, &head(10));
    rig.bytes(fill, b"part");
    assert!(rig.outputs().is_empty());
    rig.end(fill);
    let ready = rig.ready();
    assert_eq!(body_of(&copy_of(ready[0].1.clone())), b"part");
}

/// RWW-3, quirk 31: what breaks off is never an end.
#[test]
fn q31_abort_is_never_a_short_end() {
    let mut rig = PullRig::new();
    let (reader, fill) = growing(&mut rig, Unit::Any);
    rig.bytes(fill, b"half");
    assert_eq!(text(&rig.read(reader)), "half");
    assert_eq!(rig.read(reader), Read::Wait);
    rig.fail(fill);
    assert_eq!(rig.outputs().len(), 1);
    let aborted = rig.read(reader);
    assert!(
        matches!(aborted, Read::Aborted { sent: 4, .. }),
        "{aborted:?}"
    );
    // A range that it had in full is an end all the same.
    assert_eq!(rig.pull.read(rig.now, reader, 4), Read::End);
    rig.pull.seek(reader, 2);
    assert!(matches!(rig.read(reader), Read::Aborted { .. }));
    rig.pull.leave(rig.now, reader);
    assert_eq!(rig.pull.stats().waiters, 0);
}

/// RWW-3: too much or too little is no end either.
#[test]
fn rww_3_short_and_long_bodies_abort_their_readers() {
    for long in [false, true] {
        let mut rig = PullRig::new();
        rig.hold_for("/s1.m4s", Unit::Any);
        let fill = rig.fetch();
        let mut head = head(10);
        head.length = Some(6);
        rig.head(fill, &head);
        let copy = copy_of(rig.ready()[0].1.clone());
        assert_eq!(copy.length(), Some(6));
        rig.bytes(fill, b"half");
        let error = if long {
            rig.pull
                .fill_bytes(rig.now, fill, &Bytes::from_static(b"too much"))
        } else {
            rig.pull.fill_end(rig.now, fill)
        };
        assert!(matches!(
            error,
            Err(Error::ShortFill { .. } | Error::TooLargeFill { .. })
        ));
        assert!(matches!(
            rig.read(copy.reader().unwrap()),
            Read::Aborted { .. }
        ));
    }
}

/// RWW-4: ranges of a body that grows; one beyond what is there waits for it.
#[test]
fn rww_4_ranges_of_a_growing_body() {
    let mut rig = PullRig::new();
    let (reader, fill) = growing(&mut rig, Unit::Any);
    rig.bytes(fill, b"0123");
    rig.pull.seek(reader, 2);
    assert_eq!(
        text(&rig.pull.read(rig.now, reader, 3)),
        "2",
        "no further than asked"
    );
    assert_eq!(rig.pull.read(rig.now, reader, 3), Read::End);
    rig.pull.seek(reader, 6);
    assert_eq!(rig.pull.read(rig.now, reader, (1 << 53) - 1), Read::Wait);
    rig.bytes(fill, b"45");
    assert!(rig.outputs().is_empty(), "it is not there yet");
    rig.bytes(fill, b"67");
    assert_eq!(rig.outputs().len(), 1);
    // The last byte of an open range is none (RFC 8673).
    assert_eq!(text(&rig.pull.read(rig.now, reader, (1 << 53) - 1)), "67");
    assert_eq!(rig.pull.length(reader), None);
    rig.pull.seek(reader, 100);
    assert_eq!(rig.read(reader), Read::Wait);
    rig.end(fill);
    assert_eq!(rig.outputs().len(), 1);
    assert_eq!(rig.read(reader), Read::End);
    assert_eq!(rig.pull.length(reader), Some(8), "for a 416");
    rig.pull.seek(reader, 0);
    assert_eq!(text(&rig.pull.read(rig.now, reader, 5)), "01234");
}

/// Quirk 30: what is purged or pressed out while it is read stays whole for its reader.
#[test]
fn q30_body_that_goes_stays_with_its_readers() {
    let mut rig = PullRig::new();
    let (reader, fill) = growing(&mut rig, Unit::Any);
    rig.bytes(fill, b"segment");
    rig.end(fill);
    let name = crate::pull_rig::name("/s1.m4s");
    rig.pull
        .purge(rig.now, backline_cache::pull::Purge::Name(&name));
    let before = rig.pull.stats().bytes_held;
    assert_eq!(text(&rig.read(reader)), "segment");
    assert_eq!(rig.read(reader), Read::End);
    rig.pull.leave(rig.now, reader);
    assert!(
        rig.pull.stats().bytes_held < before,
        "it is charged until its reader leaves"
    );
    assert!(matches!(rig.ask("/s1.m4s").1, PullAnswer::Held));
}

/// The last reader leaving ends the fetch after the grace, as for those who wait (FILL-2).
#[test]
fn fill_2_last_reader_leaves() {
    let mut rig = PullRig::new();
    let (reader, fill) = growing(&mut rig, Unit::Any);
    rig.pull.leave(rig.now, reader);
    rig.sleep(2_000);
    let outputs = rig.outputs();
    assert!(matches!(outputs.as_slice(), [PullOutput::Abandon { fill: of, .. }] if *of == fill));
    assert_eq!(rig.pull.stats().entries, 0);
}
