use super::*;

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("backline-{name}-{}", std::process::id()))
}

/// Whether every number of `one` is above that of `other`.
fn above(one: Numbering, other: Numbering) -> bool {
    one.msn > other.msn
        && one.discontinuity_sequence > other.discontinuity_sequence
        && one.part > other.part
        && one.init > other.init
}

#[test]
fn seg_10_the_mark_is_ahead_of_every_number_in_use() {
    let data = folder("mark");
    let (mut mark, first) = Mark::open(&data, "live").expect("a mark");
    assert_eq!(first, Numbering::default());
    let mut writes = 0;
    for step in 0..200 {
        let used = Numbering::new(1_000 + step, step / 5, 40_000 + step * 20, 1_000 + step / 9);
        let before = mark.reserved;
        mark.raise(used).expect("raised");
        writes += u64::from(mark.reserved != before);
        let (_, after_a_crash) = Mark::open(&data, "live").expect("readable");
        assert!(
            above(after_a_crash, used),
            "{after_a_crash:?} after {used:?}"
        );
    }
    assert!(writes <= 8, "{writes} writes of 200 looks");
    std::fs::remove_dir_all(data).expect("cleaned up");
}

/// A power cut: one copy is cut at any byte, full of zeros, gone, of another encoding or with any bit turned.
#[test]
fn seg_10_one_damaged_copy_costs_nothing() {
    let data = folder("torn-mark");
    let (mut mark, _) = Mark::open(&data, "live").expect("a mark");
    let used = Numbering::new(897_732_000, 12, 36_000_000_000, 897_732_000);
    mark.raise(used).expect("raised");
    for name in ["live.mark", "live.mark2"] {
        let path = data.join(name);
        let whole = std::fs::read(&path).expect("written");
        let cut = (0..whole.len()).map(|end| whole[..end].to_vec());
        let turned = (0..whole.len() * 8).map(|bit| {
            let mut text = whole.clone();
            text[bit / 8] ^= 1 << (bit % 8);
            text
        });
        for damaged in cut
            .chain(turned)
            .chain([vec![0; whole.len()], vec![0xff; 64]])
        {
            std::fs::write(&path, &damaged).expect("damaged");
            let (_, after) = Mark::open(&data, "live").expect("readable");
            assert!(above(after, used), "{after:?} with {damaged:?}");
            assert_eq!(
                after, mark.reserved,
                "a damaged copy is not believed: {damaged:?}"
            );
        }
        std::fs::remove_file(&path).expect("removed");
        let (_, after) = Mark::open(&data, "live").expect("readable");
        assert!(above(after, used));
        std::fs::write(&path, &whole).expect("restored");
    }
    std::fs::remove_dir_all(data).expect("cleaned up");
}

/// The cut comes between the two copies: the older one has reserved more than was used.
#[test]
fn seg_10_a_cut_between_the_copies_costs_nothing() {
    let data = folder("half-mark");
    let (mut mark, _) = Mark::open(&data, "live").expect("a mark");
    let mut used = Numbering::default();
    for _ in 0..100 {
        let older = std::fs::read(data.join("live.mark2")).ok();
        used = Numbering::new(
            used.msn + 7,
            used.discontinuity_sequence + 1,
            used.part + 999,
            used.init + 1,
        );
        mark.raise(used).expect("raised");
        let newer = std::fs::read(data.join("live.mark2")).expect("written");
        if let Some(older) = older.filter(|older| *older != newer) {
            std::fs::write(data.join("live.mark2"), older).expect("as before");
            std::fs::write(data.join("live.mark"), b"897").expect("torn");
            let (_, after) = Mark::open(&data, "live").expect("readable");
            assert!(above(after, used), "{after:?} after {used:?}");
            std::fs::write(data.join("live.mark"), &newer).expect("restored");
            std::fs::write(data.join("live.mark2"), &newer).expect("restored");
        }
    }
    std::fs::remove_dir_all(data).expect("cleaned up");
}

#[test]
fn numbers_beyond_what_players_count_are_not_believed() {
    let most = Numbering::new(NUMBER_MAX, 3, 4, 5);
    assert_eq!(parse(&write(most)), Some(most));
    assert_eq!(parse(&write(Numbering::new(1, 2, NUMBER_MAX + 1, 4))), None);
    assert_eq!(parse(""), None);
    assert_eq!(parse("1 2 3 4\n"), None);
}

/// A disk that tears both copies: that is known, unlike a first start, and the next mark is sound.
#[test]
fn seg_10_two_damaged_copies_are_known_as_lost() {
    let data = folder("lost-mark");
    let (mut mark, _) = Mark::open(&data, "live").expect("a mark");
    assert!(!mark.lost(), "nothing was there");
    let used = Numbering::new(1_000, 12, 40_000, 1_000);
    mark.raise(used).expect("raised");
    for second in [Some("897"), None] {
        std::fs::write(data.join("live.mark"), b"torn").expect("damaged");
        match second {
            Some(text) => std::fs::write(data.join("live.mark2"), text).expect("damaged"),
            None => std::fs::remove_file(data.join("live.mark2")).expect("removed"),
        }
        let (mut mark, after) = Mark::open(&data, "live").expect("readable");
        assert!(mark.lost() && after == Numbering::default(), "{after:?}");
        mark.raise(used).expect("raised");
        let (mark, after) = Mark::open(&data, "live").expect("readable");
        assert!(!mark.lost() && above(after, used), "{after:?}");
    }
    std::fs::remove_dir_all(data).expect("cleaned up");
}
