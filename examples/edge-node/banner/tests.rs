use super::*;

#[test]
fn the_first_line_is_for_scripts_and_the_rest_for_people() {
    let rtmp: SocketAddr = "127.0.0.1:1935".parse().expect("an address");
    let http: SocketAddr = "127.0.0.1:8080".parse().expect("an address");
    let text = banner(rtmp, http, &[("live", "secret")], false);
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
    let text = banner(rtmp, http, &two, true);
    assert!(
        text.contains("http://127.0.0.1:8080/foyer/") && text.contains('\u{2580}'),
        "{text}"
    );
}
