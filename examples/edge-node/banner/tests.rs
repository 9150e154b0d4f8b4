use super::*;

#[test]
fn the_first_line_is_for_scripts_and_the_rest_for_people() {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let mut at = Listening {
        rtmp: at(1935),
        http: at(8080),
        https: None,
    };
    let text = banner(at, &[("live", "secret")], false);
    assert_eq!(
        text.lines().next(),
        Some("listening rtmp=127.0.0.1:1935 http=127.0.0.1:8080")
    );
    for part in [
        "http://127.0.0.1:8080/",
        "rtmp://127.0.0.1:1935/live",
        "secret",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(
        !text.contains('\u{1b}'),
        "no colours and no code outside a terminal"
    );
    let two = [("main", "one"), ("foyer", "two")];
    let text = banner(at, &two, true);
    assert!(
        text.contains("http://127.0.0.1:8080/foyer/") && text.contains('\u{2580}'),
        "{text}"
    );
    at.https = Some(SocketAddr::from(([127, 0, 0, 1], 8443)));
    let text = banner(at, &two, false);
    assert!(
        text.starts_with(
            "listening rtmp=127.0.0.1:1935 http=127.0.0.1:8080 https=127.0.0.1:8443\n"
        )
    );
    assert!(text.contains("https://127.0.0.1:8443/\n"), "{text}");
}
