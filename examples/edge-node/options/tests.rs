use super::*;

fn parse(flags: &[&str]) -> Result<Options, OptionsError> {
    let name = ["edge-node"];
    Cli::try_parse_from(name.iter().chain(flags))
        .expect("flags that clap knows")
        .check()
}

fn stage(name: &str, key: Option<&str>) -> StageOptions {
    StageOptions {
        name: name.to_owned(),
        key: key.map(str::to_owned),
    }
}

#[test]
fn no_flag_at_all_gives_one_stage_named_live() {
    let options = parse(&[]).expect("defaults");
    assert_eq!(options.stages, [stage("live", None)]);
    assert_eq!((options.rtmp.port(), options.http.port()), (1935, 8080));
    assert_eq!(
        (
            options.part.as_millis(),
            options.segment.as_millis(),
            options.window.as_secs()
        ),
        (200, 2_000, 30)
    );
}

#[test]
fn each_number_has_a_range_and_the_error_names_it() {
    for (flag, value) in [
        ("--part-ms", "49"),
        ("--segment-ms", "10001"),
        ("--window-s", "9"),
        ("--memory-mib", "1"),
        ("--uplink-kbps", "499"),
        ("--audience", "0"),
    ] {
        let error = parse(&[flag, value]).expect_err("out of range").to_string();
        assert!(error.contains(flag) && error.contains(value), "{error}");
    }
    assert!(matches!(
        parse(&["--segment-ms", "1000", "--part-ms", "600"]),
        Err(OptionsError::SegmentBelowParts { .. })
    ));
    assert!(matches!(
        parse(&["--segment-ms", "10000"]),
        Err(OptionsError::WindowBelowSegments { .. })
    ));
}

#[test]
fn tls_is_a_pair_of_files() {
    let both = parse(&["--tls-cert", "c.pem", "--tls-key", "k.pem"]).expect("a pair");
    assert_eq!(both.tls.map(|tls| tls.https.port()), Some(8443));
    assert!(parse(&[]).expect("defaults").tls.is_none());
    for half in [
        ["--tls-cert", "c.pem"],
        ["--tls-key", "k.pem"],
        ["--https", "0.0.0.0:443"],
    ] {
        assert!(
            matches!(parse(&half), Err(OptionsError::TlsHalf)),
            "{half:?}"
        );
    }
}

#[test]
fn stages_are_told_apart_by_name_and_by_key() {
    assert!(check_stages(&[stage("main", None), stage("foyer", Some("12345678"))]).is_ok());
    assert!(matches!(
        check_stages(&[stage("a/b", None)]),
        Err(OptionsError::StageName { .. })
    ));
    assert!(matches!(
        check_stages(&[stage("metrics", None)]),
        Err(OptionsError::StageName { .. })
    ));
    assert!(matches!(
        check_stages(&[stage("a", None), stage("a", None)]),
        Err(OptionsError::SameName { .. })
    ));
    assert!(matches!(
        check_stages(&[stage("a", Some("a b c d e"))]),
        Err(OptionsError::Key { .. })
    ));
    assert!(matches!(
        check_stages(&[stage("a", Some(""))]),
        Err(OptionsError::Key { .. })
    ));
    let twice = [stage("a", Some("12345678")), stage("b", Some("12345678"))];
    assert!(matches!(
        check_stages(&twice),
        Err(OptionsError::SameKey { .. })
    ));
}

#[test]
fn an_unknown_field_of_the_file_is_named_with_its_line() {
    let path = std::env::temp_dir().join(format!("backline-options-{}.toml", std::process::id()));
    std::fs::write(
        &path,
        "part_ms = 100\n[[stage]]\nname = \"main\"\nkee = \"12345678\"\n",
    )
    .expect("a file");
    let flags = ["--config", path.to_str().expect("a plain path")];
    let error = parse(&flags).expect_err("an unknown field").to_string();
    assert!(error.contains("kee") && error.contains("line 4"), "{error}");
    std::fs::write(&path, "part_ms = 100\n[[stage]]\nname = \"main\"\n").expect("a file");
    let options =
        parse(&[&flags[..], &["--part-ms", "500"]].concat()).expect("flags win over the file");
    assert_eq!(
        (options.part.as_millis(), &*options.stages),
        (500, &[stage("main", None)][..])
    );
    std::fs::remove_file(path).expect("cleaned up");
}
