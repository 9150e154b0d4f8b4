//! AMF0, each marker by its bytes.

use crate::support::{hex, text};
use backline_rtmp::amf0::{Value, decode, encode};
use backline_rtmp::{Error, Limits, amf3};

fn one(body: &str) -> Value {
    let values = decode(&hex(body), &Limits::default()).unwrap();
    assert_eq!(values.len(), 1);
    values[0].clone()
}

fn named(value: Value) -> Vec<(String, Value)> {
    vec![("a".to_owned(), value)]
}

/// Each marker: bytes and value, read and written.
fn vectors() -> Vec<(&'static str, Value)> {
    vec![
        ("00 3FF0000000000000", Value::Number(1.0)),
        ("01 01", Value::Boolean(true)),
        ("02 0003 616263", text("abc")),
        ("03 0001 61 05 000009", Value::Object(named(Value::Null))),
        ("05", Value::Null),
        ("06", Value::Undefined),
        ("07 0102", Value::Reference(0x0102)),
        (
            "08 00000001 0001 61 06 000009",
            Value::EcmaArray(named(Value::Undefined)),
        ),
        (
            "0A 00000002 05 06",
            Value::StrictArray(vec![Value::Null, Value::Undefined]),
        ),
        ("0B 4000000000000000 0000", Value::Date(2.0)),
        ("0D", Value::Unsupported),
        ("0F 00000002 3C3E", Value::Xml("<>".to_owned())),
        (
            "10 0001 63 0001 61 05 000009",
            Value::TypedObject("c".to_owned(), named(Value::Null)),
        ),
        ("11 04 7F", Value::Amf3(Box::new(amf3::Value::Integer(127)))),
    ]
}

#[test]
fn rtmp_22_every_marker_is_read_and_written() {
    for (bytes, value) in vectors() {
        assert_eq!(one(bytes), value, "{bytes}");
        assert_eq!(encode([&value]), hex(bytes), "{bytes}");
    }
}

#[test]
fn rtmp_22_a_long_string_is_long_where_it_must() {
    assert_eq!(one("0C 00000003 616263"), text("abc"));
    for (length, marker) in [(65_535, 0x02), (65_536, 0x0C)] {
        let value = text(&"x".repeat(length));
        let body = encode([&value]);
        assert_eq!(body[0], marker);
        let mut limits = Limits::default();
        limits.amf_string_bytes = 1 << 20;
        assert_eq!(decode(&body, &limits), Ok(vec![value]));
    }
}

#[test]
fn rtmp_22_an_empty_key_is_a_key_unless_the_end_follows() {
    let expected = Value::Object(vec![
        (String::new(), Value::Null),
        ("a".to_owned(), Value::Null),
    ]);
    assert_eq!(one("03 0000 05 0001 61 05 000009"), expected);
}

#[test]
fn rtmp_22_a_key_that_is_too_long_is_cut_at_a_character() {
    let key = "\u{e4}".repeat(40_000);
    let body = encode([&Value::Object(vec![(key, Value::Null)])]);
    assert_eq!(body[1..3], 65_534_u16.to_be_bytes());
    assert!(decode(&body, &Limits::default()).is_ok());
}

#[test]
fn rtmp_22_text_that_is_not_utf_8_is_read() {
    assert_eq!(one("02 0002 41FF"), text("A\u{FFFD}"));
}

#[test]
fn rtmp_22_reserved_markers_are_errors_with_their_place() {
    for (bytes, marker) in [
        ("05 04", 0x04),
        ("05 09", 0x09),
        ("05 0E", 0x0E),
        ("05 12", 0x12),
    ] {
        let error = decode(&hex(bytes), &Limits::default());
        assert_eq!(error, Err(Error::AmfMarker { at: 1, marker }));
    }
}

#[test]
fn rtmp_22_a_value_cut_anywhere_is_an_error_or_shorter_and_never_a_panic() {
    for (bytes, value) in vectors() {
        let bytes = hex(bytes);
        for end in 1..bytes.len() {
            match decode(&bytes[..end], &Limits::default()) {
                Err(Error::Truncated { at, .. }) => assert!(at <= end),
                // Where the end marker alone is missing the value stands, as in q40.
                Ok(values) => match &value {
                    Value::Amf3(_) => panic!("it is cut"),
                    _ => assert!(values[0].properties().len() <= value.properties().len()),
                },
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn the_getters_see_what_is_there() {
    let value = one("10 0001 63 0001 61 00 3FF0000000000000 000009");
    assert_eq!(value.get("a").and_then(Value::as_number), Some(1.0));
    assert_eq!(value.get("b"), None);
    assert_eq!(
        (
            Value::Null.as_number(),
            Value::Null.as_str(),
            Value::Null.get("a")
        ),
        (None, None, None)
    );
    assert_eq!(text("x").as_str(), Some("x"));
}

#[test]
fn rtmp_22_an_amf3_value_inside_of_others_is_written_again() {
    for body in [
        "03 0001 61 11 0A0B0101 000009 050505",
        "10 0001 61 0001 62 03 0001 63 11 0401 000009 000009",
        "0A 00000002 11 0401 05",
    ] {
        let values = decode(&hex(body), &Limits::default()).unwrap();
        assert_eq!(encode(&values), hex(body), "{body}");
    }
}
