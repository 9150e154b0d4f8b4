use super::*;

#[test]
fn references_are_joined_as_rfc_3986_says() {
    let base = "http://a/b/c/d.m3u8?q";
    for (reference, joined) in [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g/h", "http://g/h"),
        ("?y", "http://a/b/c/d.m3u8?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("", "http://a/b/c/d.m3u8?q"),
        (".", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../../../g", "http://a/g"),
        ("g#s", "http://a/b/c/g"),
        ("https://x/y", "https://x/y"),
        ("g?y=../x", "http://a/b/c/g?y=../x"),
    ] {
        assert_eq!(join(base, reference), joined, "{reference}");
    }
    assert_eq!(join("http://a", "g"), "http://a/g");
}

#[test]
fn only_absolute_urls_are_taken() {
    for url in ["http://a", "https://a:8080/b?c"] {
        assert!(is_absolute(url), "{url}");
    }
    for url in [
        "",
        "a/b",
        "rtmp://a/b",
        "http:///b",
        "http://a/ b",
        "http://",
    ] {
        assert!(!is_absolute(url), "{url}");
    }
}

#[test]
fn directives_are_read_back() {
    let (url, found) = Directives::split("http://a/b?t=1&_HLS_msn=5&_HLS_part=0&_HLS_skip=v2");
    assert_eq!(url, "http://a/b?t=1");
    assert_eq!(
        (found.msn, found.part, found.skip),
        (Some(5), Some(0), Some(Skip::DateRanges))
    );
    let (url, found) = Directives::split("http://a/b?_HLS_msn=x");
    assert!(url == "http://a/b" && found.malformed && found.msn.is_none());
    assert_eq!(Directives::split("http://a/b").1, Directives::default());
}
