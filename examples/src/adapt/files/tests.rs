use super::*;

#[test]
fn a_file_is_replaced_whole_and_kept_from_others() {
    let dir = std::env::temp_dir().join(format!("backline-files-{}", std::process::id()));
    make_dir(&dir).expect("a directory");
    let path = dir.join("key");
    assert_eq!(read(&path).expect("nothing yet"), None);
    replace(&path, "one").expect("a first text");
    fs::write(path.with_extension("new"), "left by a crash").expect("a left-over");
    replace(&path, "two").expect("a second text");
    assert_eq!(read(&path).expect("readable"), Some("two".to_owned()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&path).expect("metadata").permissions().mode() & 0o777,
            0o600
        );
    }
    fs::remove_dir_all(&dir).expect("cleaned up");
    let error = replace(&path, "three")
        .expect_err("the directory is gone")
        .to_string();
    assert!(error.contains("--data") && error.contains("key"), "{error}");
}
