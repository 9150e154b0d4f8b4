use super::*;

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("backline-{name}-{}", std::process::id()))
}

#[test]
fn a_key_is_made_once_and_found_again() {
    let data = folder("keys");
    let (key, fresh) = keep(&data, "live").expect("a key");
    assert!(fresh && key.len() == 32 && crate::options::is_key(&key));
    assert_eq!(keep(&data, "live").expect("kept"), (key.clone(), false));
    assert_ne!(keep(&data, "foyer").expect("another").0, key);
    std::fs::write(data.join("live.key"), "a b\n").expect("damaged");
    assert!(keep(&data, "live").expect("made anew").1);
    std::fs::remove_dir_all(data).expect("cleaned up");
}

#[test]
fn seg_10_the_mark_is_ahead_of_every_number_in_use() {
    let data = folder("mark");
    let (mut mark, first) = Mark::open(&data, "live").expect("a mark");
    assert_eq!(first, Numbers::default());
    for step in 0..200 {
        let used = Numbers {
            msn: 1_000 + step,
            discontinuity: step / 5,
        };
        mark.raise(used).expect("raised");
        let (_, after_a_crash) = Mark::open(&data, "live").expect("readable");
        assert!(
            after_a_crash.msn > used.msn,
            "{after_a_crash:?} after {used:?}"
        );
        assert!(
            after_a_crash.discontinuity > used.discontinuity,
            "{after_a_crash:?} after {used:?}"
        );
    }
    std::fs::remove_dir_all(data).expect("cleaned up");
}
