use core::time::Duration;

use super::*;

#[test]
fn dates_of_all_spellings() {
    let noon = 1_795_521_600_000_000;
    for text in [
        "2026-11-24T12:00:00Z",
        "2026-11-24T12:00:00.000Z",
        "2026-11-24T13:00:00.000+01:00",
        "2026-11-24T13:00:00+0100",
        "2026-11-24T10:30:00.0-01:30",
        "2026-11-24T13:00:00+01",
        "2026-11-24 12:00:00",
        "2026-11-24T12:00Z",
    ] {
        assert_eq!(date_us(text), Some(noon), "{text}");
    }
    assert_eq!(date_us("1970-01-01T00:00:00.123456789Z"), Some(123_456));
    assert_eq!(date_us("2000-02-29T00:00:00Z"), Some(951_782_400_000_000));
    for text in [
        "",
        "2026-11-24",
        "2026-13-24T12:00:00Z",
        "2026-11-24T12:00:00.1x2Z",
        "2026-11-24T12:00:00:00Z",
        "2026-1-24T12:00:00Z",
        "2026-11-24T12:00:00+1",
    ] {
        assert_eq!(date_us(text), None, "{text}");
    }
}

#[test]
fn seconds_are_exact() {
    assert_eq!(seconds("0.20855"), Some(Duration::from_micros(208_550)));
    assert_eq!(seconds("6"), Some(Duration::from_secs(6)));
    assert_eq!(seconds(".5"), Some(Duration::from_millis(500)));
    assert_eq!(seconds("2."), Some(Duration::from_secs(2)));
    assert_eq!(
        seconds("0.1234567899"),
        Some(Duration::from_nanos(123_456_789))
    );
    for text in [
        "",
        ".",
        "-1",
        "1e3",
        "1.2.3",
        "99999999999999999999999",
        "0x1",
    ] {
        assert_eq!(seconds(text), None, "{text}");
    }
    assert_eq!(signed_ns("-1.5"), Some(-1_500_000_000));
    assert_eq!(thousandths("29.970"), Some(29_970));
    assert_eq!(resolution("640x360"), Some((640, 360)));
    assert_eq!(integer("+1"), None);
}
