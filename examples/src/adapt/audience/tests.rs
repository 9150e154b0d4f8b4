use super::*;

#[test]
fn a_viewer_counts_between_two_holds_and_is_gone_after_the_window() {
    let audience = Audience::new();
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    let first = audience.hold("v0", at(0));
    let second = audience.hold("v0", at(10));
    let sound = audience.hold("a0", at(10));
    drop((first, second, sound));
    assert_eq!(
        audience.count(at(20)),
        2,
        "the renditions of one viewer count once"
    );
    let _again = audience.hold("v0", at(200));
    assert_eq!(audience.count(at(3_100)), 2);
    assert_eq!(audience.count(at(6_200)), 1);
}

#[test]
fn polling_players_count_by_address_where_nobody_holds() {
    let audience = Audience::new();
    let start = Instant::now();
    audience.polled([10, 0, 0, 1].into(), start);
    audience.polled([10, 0, 0, 1].into(), start);
    audience.polled([10, 0, 0, 2].into(), start);
    assert_eq!(audience.count(start), 2);
    assert_eq!(audience.count(start + POLL_WINDOW), 0);
}
