use super::{Figure, Report, Row, Target, figure};

fn peers() -> [Figure; 2] {
    [
        Figure {
            who: "slow 1",
            value: 2.0,
        },
        Figure {
            who: "fast 2",
            value: 4.0,
        },
    ]
}

#[test]
fn the_best_peer_is_the_one_that_counts() {
    let rate = Row::rate("r", 6.0, "GB/s")
        .against(peers())
        .target(Target::Times(1.5));
    assert_eq!(rate.ratio(), Some(1.5));
    assert!(rate.is_met());
    let cost = Row::cost("c", 6.0, "us")
        .against(peers())
        .target(Target::Times(0.5));
    assert_eq!(cost.peers[0].who, "slow 1");
    assert!(
        !cost.is_met(),
        "2 us against our 6 us is a third, not a half"
    );
}

#[test]
fn a_missing_peer_misses_a_ratio_and_a_row_without_target_misses_nothing() {
    assert!(
        !Row::rate("r", 6.0, "GB/s")
            .target(Target::Times(1.0))
            .is_met()
    );
    assert!(Row::rate("r", 6.0, "GB/s").is_met());
}

#[test]
fn a_limit_includes_its_own_value() {
    assert!(
        Row::cost("c", 2.0, "us")
            .target(Target::AtMost(2.0))
            .is_met()
    );
    assert!(
        !Row::cost("c", 2.1, "us")
            .target(Target::AtMost(2.0))
            .is_met()
    );
}

#[test]
fn table_and_json_say_the_same() {
    let report = Report {
        notes: vec!["say \"so\"".to_owned()],
        rows: vec![
            Row::cost("c", 3.0, "us")
                .against(peers())
                .target(Target::AtMost(2.0)),
        ],
    };
    let table = report.table();
    assert!(
        table.contains("3.00 us") && table.contains("short") && table.contains("also fast 2 4.00")
    );
    assert!(report.json().contains(r#""verdict":"short""#));
    assert!(report.json().contains(r#"say \"so\""#));
}

#[test]
fn figures_have_three_digits() {
    assert_eq!(
        [
            figure(0.0),
            figure(0.1234),
            figure(1.234),
            figure(12.34),
            figure(1234.5)
        ],
        ["0", "0.123", "1.23", "12.3", "1234"]
    );
}
