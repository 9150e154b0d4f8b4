use std::path::PathBuf;

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
    for damaged in [&b"a b\n"[..], b"", &[0; 33], &[0xff; 33]] {
        std::fs::write(data.join("live.key"), damaged).expect("damaged");
        assert!(keep(&data, "live").expect("made anew").1, "{damaged:?}");
    }
    std::fs::remove_dir_all(data).expect("cleaned up");
}
