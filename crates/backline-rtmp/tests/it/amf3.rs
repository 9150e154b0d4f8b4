//! AMF3 values: vectors worked by hand from the specification, and some that Py3AMF 0.9.1 wrote.

use crate::support::{Peer, hex, object, text};
use backline_rtmp::amf3::{Properties, Value, decode, encode};
use backline_rtmp::chunk::Message;
use backline_rtmp::command::Command;
use backline_rtmp::flv::{Media, Packet};
use backline_rtmp::server::{Config, Output};
use backline_rtmp::{Error, Limits, amf0};
use proptest::prelude::*;

fn one(digits: &str) -> Value {
    let mut values = decode(&hex(digits), &Limits::default()).unwrap();
    assert_eq!(values.len(), 1, "{digits}");
    values.remove(0)
}

fn error(digits: &str) -> Error {
    decode(&hex(digits), &Limits::default()).unwrap_err()
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn named(name: &str, value: Value) -> Properties {
    vec![(name.to_owned(), value)]
}

fn plain(class: &str, sealed: Properties, dynamic: Option<Properties>) -> Value {
    Value::Object {
        class: class.to_owned(),
        sealed,
        dynamic,
    }
}

/// What our writer writes, too.
#[expect(clippy::too_many_lines, reason = "a table")]
fn vectors() -> Vec<(&'static str, Value)> {
    vec![
        ("00", Value::Undefined),
        ("01", Value::Null),
        ("02", Value::Boolean(false)),
        ("03", Value::Boolean(true)),
        // Py3AMF, at each width of a number.
        ("0400", Value::Integer(0)),
        ("047f", Value::Integer(127)),
        ("048100", Value::Integer(128)),
        ("04ff7f", Value::Integer(16_383)),
        ("04818000", Value::Integer(16_384)),
        ("04ffff7f", Value::Integer(2_097_151)),
        ("0480c08000", Value::Integer(2_097_152)),
        ("04bfffffff", Value::Integer(268_435_455)),
        ("04ffffffff", Value::Integer(-1)),
        ("04c0808000", Value::Integer(-268_435_456)),
        ("053ff8000000000000", Value::Double(1.5)),
        ("0607616263", string("abc")),
        ("0601", string("")),
        ("0801427a20ada2c00000", Value::Date(1_795_478_400_000.0)),
        ("0c050102", Value::ByteArray(hex("0102").into())),
        (
            "0a0b010361040101",
            plain("", vec![], Some(named("a", Value::Integer(1)))),
        ),
        (
            "0a0b07446f67096e616d65060772657801",
            plain("Dog", vec![], Some(named("name", string("rex")))),
        ),
        (
            "0903036b06037901060378",
            Value::Array {
                dense: vec![string("x")],
                named: named("k", string("y")),
            },
        ),
        // A list of the list [1], twice: the second time it is object 1.
        (
            "09050109030104010902",
            Value::Array {
                dense: vec![
                    Value::Array {
                        dense: vec![Value::Integer(1)],
                        named: vec![],
                    },
                    Value::Reference {
                        index: 1,
                        marker: 9,
                    },
                ],
                named: vec![],
            },
        ),
        // By hand (AMF3, 3.9, 3.12, 3.13, 3.15, 3.16). 0x13: one sealed name, inline traits, not dynamic.
        (
            "0a 13 0353 0361 0401",
            plain("S", named("a", Value::Integer(1)), None),
        ),
        ("07 05 3c3e", Value::XmlDocument("<>".to_owned())),
        ("0b 05 3c3e", Value::Xml("<>".to_owned())),
        (
            "0d 05 01 00000001 ffffffff",
            Value::VectorInt {
                fixed: true,
                values: vec![1, -1],
            },
        ),
        (
            "0e 05 00 00000001 ffffffff",
            Value::VectorUint {
                fixed: false,
                values: vec![1, u32::MAX],
            },
        ),
        (
            "0f 03 00 3ff8000000000000",
            Value::VectorDouble {
                fixed: false,
                values: vec![1.5],
            },
        ),
        (
            "10 05 01 0353 01 03",
            Value::VectorObject {
                class: "S".to_owned(),
                fixed: true,
                values: vec![Value::Null, Value::Boolean(true)],
            },
        ),
        (
            "11 03 01 0603 61 0401",
            Value::Dictionary {
                entries: vec![(string("a"), Value::Integer(1))],
                weak: true,
            },
        ),
        // 0x07: inline traits of an object that writes itself; this one holds a list.
        (
            "0a 07 43 666c65782e6d6573736167696e672e696f2e4172726179436f6c6c656374696f6e 09 01 01",
            Value::External {
                class: "flex.messaging.io.ArrayCollection".to_owned(),
                value: Box::new(Value::Array {
                    dense: vec![],
                    named: vec![],
                }),
            },
        ),
    ]
}

#[test]
fn rtmp_22_every_amf3_marker_is_read_and_written() {
    let mut markers: Vec<_> = Vec::new();
    for (digits, value) in vectors() {
        assert_eq!(one(digits), value, "{digits}");
        assert_eq!(encode([&value]), hex(digits), "{digits}");
        markers.push(hex(digits)[0]);
    }
    markers.sort_unstable();
    markers.dedup();
    assert_eq!(markers, (0..=0x11).collect::<Vec<_>>());
}

#[test]
fn rtmp_22_numbers_beyond_29_bits_are_written_as_doubles() {
    // As Py3AMF writes them.
    let beyond = |number| encode([&Value::Integer(number)]);
    assert_eq!(beyond(268_435_456), hex("0541b0000000000000"));
    assert_eq!(beyond(-268_435_457), hex("05c1b0000001000000"));
}

#[test]
fn rtmp_22_references_to_strings_and_traits() {
    // Py3AMF: [1, "abc", "abc"], and two objects of one class with two sealed names.
    let Value::Array { dense, .. } = one("090701040106076162630600") else {
        panic!()
    };
    assert_eq!(dense, [Value::Integer(1), string("abc"), string("abc")]);
    let Value::Array { dense, .. } = one("0905010a23035303610362040104020a0104030404") else {
        panic!()
    };
    let of = |a, b| {
        let sealed = [named("a", Value::Integer(a)), named("b", Value::Integer(b))].concat();
        plain("S", sealed, None)
    };
    assert_eq!(dense, [of(1, 2), of(3, 4)]);
    // The empty string is no entry of the table: reference 0 is `a`.
    let Value::Array { dense, .. } = one("09 07 01 0601 060361 0600") else {
        panic!()
    };
    assert_eq!(dense, [string(""), string("a"), string("a")]);
    // An object may name itself.
    let itself = plain(
        "",
        vec![],
        Some(named(
            "a",
            Value::Reference {
                index: 0,
                marker: 10,
            },
        )),
    );
    assert_eq!(one("0a 0b 01 0361 0a00 01"), itself);
}

#[test]
fn rtmp_22_references_past_their_table_are_errors() {
    // Strings, objects of each kind, traits.
    for (digits, at, index) in [
        ("0600", 1, 0),
        ("060361 0602", 4, 1),
        ("0a00", 1, 0),
        ("0902", 1, 1),
        ("087e", 1, 63),
        ("0c02", 1, 1),
        ("1104", 1, 2),
        ("0a05", 1, 1),
    ] {
        assert_eq!(error(digits), Error::AmfReference { at, index }, "{digits}");
    }
    // The tables of one value are not those of the next.
    assert_eq!(
        error("060361 0600"),
        Error::AmfReference { at: 4, index: 0 }
    );
}

#[test]
fn rtmp_22_what_amf3_does_not_have() {
    let (at, marker) = (1, 0x12);
    assert_eq!(error("01 12"), Error::AmfMarker { at, marker });
    // An object that writes itself, of a class `X` that no one knows.
    assert_eq!(error("0a 07 03 58"), Error::AmfExternal { at: 1 });
}

#[test]
fn rtmp_22_an_amf3_value_cut_anywhere_is_an_error() {
    for (digits, _) in vectors() {
        let bytes = hex(digits);
        for end in 1..bytes.len() {
            let cut = decode(&bytes[..end], &Limits::default());
            assert!(matches!(cut, Err(Error::Truncated { at, .. }) if at <= end));
        }
    }
}

#[test]
fn rtmp_35_amf3_counts_that_are_declared_cost_nothing() {
    // 2^25-1 sealed names, 2^28-1 values, entries, numbers, bytes.
    for digits in [
        "0a fffffff3 01",
        "09 ffffffff 01",
        "11 ffffffff 00",
        "0d ffffffff 00",
        "0f ffffffff 00",
        "10 ffffffff 00 01",
        "0c ffffffff",
        "06 ffffffff",
    ] {
        let bytes = hex(digits);
        let counted = allocation_counter::measure(|| {
            let cut = decode(&bytes, &Limits::default());
            assert!(matches!(cut, Err(Error::Truncated { .. })), "{digits}");
        });
        assert!(counted.bytes_max < 1024, "{digits}: {}", counted.bytes_max);
    }
}

#[test]
fn rtmp_35_amf3_is_charged_with_amf0() {
    let limits = Limits::default();
    // Depth: arrays in arrays.
    let deep = hex("09 03 01").repeat(100_000);
    let limit = 32;
    assert_eq!(
        decode(&deep, &limits),
        Err(Error::AmfDepth { at: 99, limit })
    );
    // Values, and sealed names that are empty.
    let limit = 1024;
    let many = decode(&hex("01").repeat(5000), &limits);
    assert_eq!(many, Err(Error::AmfNodes { at: 1024, limit }));
    let names = [hex("0a 84f103 01"), hex("01").repeat(5000)].concat();
    assert!(matches!(
        decode(&names, &limits),
        Err(Error::AmfNodes { .. })
    ));
    // A long string that is named again costs what it makes.
    let length = 0x4000;
    let long = [
        hex("09 8201 01 06 828001"),
        vec![b'x'; length],
        hex("0600").repeat(127),
    ]
    .concat();
    let limit = 65_536;
    assert!(
        matches!(decode(&long, &limits), Err(Error::AmfStrings { limit: found, .. }) if found == limit)
    );
    // Both kinds together: 1000 values of AMF0, and 100 of AMF3.
    let both = [hex("05").repeat(1000), hex("11 01").repeat(100)].concat();
    assert!(matches!(
        amf0::decode(&both, &limits),
        Err(Error::AmfNodes { .. })
    ));
}

#[test]
fn rtmp_22_amf0_goes_on_behind_an_amf3_value() {
    let body = hex("03 0001 61 11 0a0b01 0361 0401 01 0001 62 05 000009 11 0401 05");
    let values = amf0::decode(&body, &Limits::default()).unwrap();
    let inner = plain("", vec![], Some(named("a", Value::Integer(1))));
    let expected = object(&[
        ("a", amf0::Value::Amf3(Box::new(inner))),
        ("b", amf0::Value::Null),
    ]);
    let one = amf0::Value::Amf3(Box::new(Value::Integer(1)));
    assert_eq!(values, [expected, one.clone(), amf0::Value::Null]);
    assert_eq!(amf0::encode(&values), body);
    assert_eq!(one.as_number(), Some(1.0));
    let name = amf0::Value::Amf3(Box::new(string("key")));
    assert_eq!(name.as_str(), Some("key"));
}

#[test]
fn rtmp_22_what_comes_nearest_in_amf0() {
    let zero = |digits: &str| one(digits).to_amf0();
    let number = amf0::Value::Number;
    assert_eq!(zero("0401"), number(1.0));
    assert_eq!(
        zero("0d 05 01 00000001 ffffffff"),
        amf0::Value::StrictArray(vec![number(1.0), number(-1.0)])
    );
    assert_eq!(zero("0a0b010361040101"), object(&[("a", number(1.0))]));
    let pairs = vec![("k".to_owned(), text("y")), ("0".to_owned(), text("x"))];
    assert_eq!(
        zero("0903036b06037901060378"),
        amf0::Value::EcmaArray(pairs)
    );
    assert_eq!(zero("0c050102"), amf0::Value::Unsupported);
    for (_, value) in vectors() {
        // Nothing of it panics.
        drop(value.to_amf0());
    }
}

#[test]
fn rtmp_31_amf3_in_connect_and_metadata() {
    // A client that puts the whole command object into AMF3: {app: "live", objectEncoding: 3, capsEx: 1}.
    let properties = [
        named("app", string("live")),
        named("objectEncoding", Value::Integer(3)),
        named("capsEx", Value::Integer(1)),
    ];
    let command = plain("", vec![], Some(properties.concat()));
    let mut peer = Peer::after_handshake(Config::default());
    let value = amf0::Value::Amf3(Box::new(command));
    peer.command(0, "connect", 1.0, &[value]);
    let commands = peer.heard_commands();
    let encoding = commands[0][3].get("objectEncoding").cloned();
    assert_eq!(encoding, Some(amf0::Value::Number(3.0)));
    let name = amf0::Value::Amf3(Box::new(string("key")));
    peer.command(1, "publish", 2.0, &[amf0::Value::Null, name]);
    let request = peer.request();
    assert_eq!(
        (&*request.peer.app, &*request.name, request.peer.caps_ex),
        ("live", "key", 1)
    );
    peer.accept();
    let metadata = plain("", vec![], Some(named("width", Value::Integer(320))));
    let body = amf0::encode(&[text("onMetaData"), amf0::Value::Amf3(Box::new(metadata))]);
    peer.send(4, 1, Message::DATA_AMF3, 0, &[&[0], &body[..]].concat());
    let expected = object(&[("width", amf0::Value::Number(320.0))]);
    let packet = Packet::new(0, Media::Metadata(expected));
    assert_eq!(peer.outputs, [Output::Media(packet)]);
}

#[test]
fn rtmp_22_names_of_commands_and_metadata_may_be_amf3() {
    let inside = |value| amf0::Value::Amf3(Box::new(value));
    let message = |kind, values: &[amf0::Value]| {
        let body = [&[0], &amf0::encode(values)[..]].concat();
        Message::new(3, 1, kind, 0, body.into())
    };
    let width = plain("", vec![], Some(named("width", Value::Integer(320))));
    let values = ["@setDataFrame", "onMetaData"].map(|name| inside(string(name)));
    let values = [values.to_vec(), vec![inside(width)]].concat();
    let data = message(Message::DATA_AMF3, &values);
    let packet = Packet::decode(data, &Limits::default()).unwrap().next();
    let expected = object(&[("width", amf0::Value::Number(320.0))]);
    assert_eq!(packet, Some(Packet::new(0, Media::Metadata(expected))));
    let values = [inside(string("pause")), inside(Value::Integer(2))];
    let command = Command::decode(&message(Message::COMMAND_AMF3, &values), &Limits::default());
    assert_eq!(command, Ok(Command::new("pause", 2.0, vec![], 1)));
}

/// Values of every kind, but for references, which must name something.
fn any_value() -> impl Strategy<Value = Value> {
    let name = "[a-c]{0,2}";
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(Value::Undefined),
        any::<bool>().prop_map(Value::Boolean),
        (-0x1000_0000..0x1000_0000).prop_map(Value::Integer),
        (-1e9..1e9).prop_map(Value::Double),
        name.prop_map(Value::String),
        name.prop_map(Value::Xml),
        name.prop_map(Value::XmlDocument),
        (-1e15..1e15).prop_map(Value::Date),
        proptest::collection::vec(any::<u8>(), 0..4)
            .prop_map(|bytes| Value::ByteArray(bytes.into())),
        (any::<bool>(), proptest::collection::vec(any::<i32>(), 0..3))
            .prop_map(|(fixed, values)| Value::VectorInt { fixed, values }),
        (any::<bool>(), proptest::collection::vec(any::<u32>(), 0..3))
            .prop_map(|(fixed, values)| Value::VectorUint { fixed, values }),
        (any::<bool>(), proptest::collection::vec(-1e9..1e9, 0..3))
            .prop_map(|(fixed, values)| Value::VectorDouble { fixed, values }),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        let properties = || proptest::collection::vec(("[a-c]{1,2}", inner.clone()), 0..3);
        prop_oneof![
            (proptest::collection::vec(inner.clone(), 0..3), properties())
                .prop_map(|(dense, named)| Value::Array { dense, named }),
            (name, properties(), proptest::option::of(properties())).prop_map(
                |(class, sealed, dynamic)| Value::Object {
                    class,
                    sealed,
                    dynamic
                }
            ),
            (
                proptest::collection::vec((inner.clone(), inner.clone()), 0..3),
                any::<bool>()
            )
                .prop_map(|(entries, weak)| Value::Dictionary { entries, weak }),
            (
                name,
                any::<bool>(),
                proptest::collection::vec(inner.clone(), 0..3)
            )
                .prop_map(|(class, fixed, values)| Value::VectorObject {
                    class,
                    fixed,
                    values
                }),
            inner.clone().prop_map(|value| Value::External {
                class: "flex.messaging.io.ObjectProxy".to_owned(),
                value: Box::new(value),
            }),
        ]
    })
}

proptest! {
    #[test]
    fn rtmp_22_amf3_round_trip(values in proptest::collection::vec(any_value(), 0..4)) {
        let written = encode(&values);
        prop_assert_eq!(decode(&written, &Limits::default()), Ok(values));
    }

    #[test]
    fn rtmp_22_amf3_cut_at_every_byte_takes_little(value in any_value()) {
        let written = encode([&value]);
        for end in 0..written.len() {
            let cut = &written[..end];
            let mut whole = false;
            let counted = allocation_counter::measure(|| {
                whole = decode(cut, &Limits::default()).is_ok();
            });
            prop_assert!(!whole || end == 0);
            // A list of one value has room for four of 72 bytes, and costs three bytes.
            let most = 512 + 128 * u64::try_from(end).unwrap();
            prop_assert!(counted.bytes_max < most, "{} for {end}", counted.bytes_max);
        }
    }

    #[test]
    fn rtmp_22_any_amf3_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(values) = decode(&bytes, &Limits::default()) {
            // What was read is written, and read again as it was but for numbers that are none.
            let again = decode(&encode(&values), &Limits::default());
            prop_assert_eq!(format!("{again:?}"), format!("{:?}", Ok::<_, Error>(values)));
        }
    }
}
