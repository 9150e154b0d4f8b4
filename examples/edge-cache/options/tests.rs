use super::*;

fn check(arguments: &[&str]) -> Result<Options, OptionsError> {
    let all = ["edge-cache"].iter().chain(arguments);
    Cli::try_parse_from(all).expect("clap takes it").check()
}

#[test]
fn an_origin_is_a_scheme_a_host_and_perhaps_a_path() {
    let uri = |origin: &str, path: &str| {
        let options = check(&["--origin", origin]).expect("an origin");
        options.origin.uri(path).expect("a path").to_string()
    };
    assert_eq!(uri("http://a:1", "/x?y=1"), "http://a:1/x?y=1");
    assert_eq!(uri("https://a/show/", "/x"), "https://a/show/x");
    assert_eq!(uri("http://[::1]:8080", "/"), "http://[::1]:8080/");
    for wrong in [
        "a",
        "/a",
        "ftp://a",
        "http://a?b",
        "http://u@a",
        "http://a#b",
    ] {
        assert!(
            matches!(check(&["--origin", wrong]), Err(OptionsError::Origin { url }) if url == wrong),
            "{wrong}"
        );
    }
}

#[test]
fn what_is_out_of_range_is_named() {
    let with = |more: &[&str]| check(&[&["--origin", "http://a"], more].concat());
    assert!(matches!(
        with(&["--memory-mib", "15"]),
        Err(OptionsError::Memory { value: 15 })
    ));
    assert!(matches!(
        with(&["--target-s", "31"]),
        Err(OptionsError::Target { value: 31 })
    ));
    for name in ["", "A", "9", "a b", "a;b"] {
        assert!(
            matches!(with(&["--name", name]), Err(OptionsError::Name { .. })),
            "{name}"
        );
    }
    for half in [
        ["--tls-cert", "c"],
        ["--tls-key", "k"],
        ["--https", "0.0.0.0:1"],
    ] {
        assert!(matches!(with(&half), Err(OptionsError::TlsHalf)));
    }
    let whole = with(&["--tls-cert", "c", "--tls-key", "k"]).expect("both");
    assert_eq!(whole.tls.expect("TLS").https.port(), 8493);
}
