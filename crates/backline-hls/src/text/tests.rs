use super::*;

fn with(f: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    f(&mut out);
    out
}

#[test]
fn pl_13_five_decimals_always() {
    assert_eq!(with(|o| push_units(o, 0)), "0.00000");
    assert_eq!(with(|o| push_units(o, 20_000)), "0.20000");
    assert_eq!(with(|o| push_units(o, 123_456_789)), "1234.56789");
    assert_eq!(units(18_018, 90_000), 20_020);
    assert_eq!(units(1, 200_000), 1);
    assert_eq!(units(9_216, 48_000), 19_200);
}

#[test]
fn numbers_at_their_bounds() {
    for value in [0, 9, 10, 99, 100, u64::MAX] {
        assert_eq!(with(|o| push_u64(o, value)), value.to_string());
    }
    assert_eq!(with(|o| push_padded(o, 0, 5)), "00000");
    assert_eq!(with(|o| push_padded(o, 100_000, 5)), "100000");
}

#[test]
fn dates_at_leap_days_and_centuries() {
    let rows = [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (1_795_464_000_123, "2026-11-23T20:00:00.123Z"),
        (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ];
    for (ms, text) in rows {
        assert_eq!(with(|o| push_date(o, ms)), text);
    }
}
