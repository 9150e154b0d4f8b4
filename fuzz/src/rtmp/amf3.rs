//! AMF3 values.

use super::limits;
use crate::Source;
use backline_rtmp::amf3::{Properties, Value, decode, encode};
use backline_rtmp::{Error, Limits, amf0};
use bytes::Bytes;

/// What is read can be written and means the same; reading costs no more than the caps allow, however often a string or
/// a class is referred to.
///
/// Input: a byte of modes, a body.
pub fn amf3_decode(data: &[u8]) {
    /// The default caps: 1024 values with their names, in lists that double; 64 KiB of text, each wrong byte of which
    /// becomes three.
    const BYTES_MAX: u64 = 1 << 20;
    let mut source = Source::new(data);
    let caps = limits(source.u8() & 1 != 0);
    let body = source.rest();
    let mut values = None;
    let measured = allocation_counter::measure(|| values = decode(body, &caps).ok());
    // Numbers and bytes are as many as came, and a number of four bytes stays one.
    let by_caps = BYTES_MAX + 4 * body.len() as u64;
    assert!(
        measured.bytes_max <= by_caps,
        "{} bytes for {}",
        measured.bytes_max,
        body.len()
    );
    let Some(values) = values else { return };
    assert!(values.iter().map(count).sum::<u64>() <= u64::from(caps.amf_nodes));
    again(&values);
    for value in values {
        let value = amf0::Value::Amf3(Box::new(value));
        // AMF0 goes on behind it.
        let both = [value, amf0::Value::Boolean(true)];
        let written = amf0::encode(&both);
        let read = amf0::decode(&written, &open()).expect("what is written can be read");
        assert_eq!(format!("{read:?}"), format!("{both:?}"));
    }
}

/// What is written reads back as it was.
///
/// Input: a recipe for values.
pub fn amf3_round_trip(data: &[u8]) {
    let mut source = Source::new(data);
    let mut values = Vec::new();
    while !source.is_empty() && values.len() < 8 {
        values.push(value(&mut source, 0));
    }
    again(&values);
}

fn open() -> Limits {
    let mut open = limits(false);
    open.amf_depth = 64;
    open.amf_nodes = u32::MAX;
    open.amf_string_bytes = u32::MAX;
    open
}

fn again(values: &[Value]) {
    let written = encode(values);
    match decode(&written, &open()) {
        Ok(read) => {
            // Their text is compared, since NaN is not itself.
            assert_eq!(format!("{read:?}"), format!("{values:?}"));
            assert_eq!(encode(&read), written);
        }
        // The recipe may go deeper than the reader wants to.
        Err(Error::AmfDepth { .. }) => {}
        Err(error) => panic!("{error}, in what was written of {values:?}"),
    }
}

fn count(value: &Value) -> u64 {
    let of = |properties: &Properties| {
        properties
            .iter()
            .map(|(_, value)| count(value))
            .sum::<u64>()
    };
    let list = |values: &[Value]| values.iter().map(count).sum::<u64>();
    let inner = match value {
        Value::Array { dense, named } => list(dense) + of(named),
        Value::Dictionary { entries, .. } => entries
            .iter()
            .map(|(key, value)| count(key) + count(value))
            .sum(),
        Value::External { value, .. } => count(value),
        Value::Object {
            sealed, dynamic, ..
        } => of(sealed) + dynamic.as_ref().map_or(0, of),
        Value::VectorObject { values, .. } => list(values),
        _ => 0,
    };
    inner + 1
}

fn value(source: &mut Source<'_>, depth: u8) -> Value {
    const DEPTH_MAX: u8 = 40;
    let fixed = source.u8() & 1 != 0;
    let count = |source: &mut Source<'_>| source.below(5);
    match source.below(if depth < DEPTH_MAX { 19 } else { 14 }) {
        0 => Value::Undefined,
        1 => Value::Null,
        2 => Value::Boolean(fixed),
        // 29 bits with a sign.
        3 => Value::Integer((source.u32() as i32) >> 3),
        4 => Value::Double(f64::from_bits(source.u64())),
        5 => Value::String(text(source)),
        6 => Value::XmlDocument(text(source)),
        7 => Value::Date(f64::from_bits(source.u64())),
        8 => Value::Xml(text(source)),
        9 => {
            let length = usize::from(source.u8());
            Value::ByteArray(Bytes::copy_from_slice(source.take(length)))
        }
        10 => Value::VectorInt {
            fixed,
            values: (0..count(source)).map(|_| source.u32() as i32).collect(),
        },
        11 => Value::VectorUint {
            fixed,
            values: (0..count(source)).map(|_| source.u32()).collect(),
        },
        12 => Value::VectorDouble {
            fixed,
            values: (0..count(source))
                .map(|_| f64::from_bits(source.u64()))
                .collect(),
        },
        13 => Value::String("long ".repeat(usize::from(source.u16()) % 9000)),
        14 => Value::Array {
            named: properties(source, depth),
            dense: values(source, depth),
        },
        15 => Value::Object {
            class: text(source),
            sealed: properties(source, depth),
            dynamic: fixed.then(|| properties(source, depth)),
        },
        16 => Value::VectorObject {
            class: text(source),
            fixed,
            values: values(source, depth),
        },
        17 => Value::Dictionary {
            entries: (0..count(source))
                .map(|_| (value(source, depth + 1), value(source, depth + 1)))
                .collect(),
            weak: fixed,
        },
        _ => Value::External {
            class: "flex.messaging.io.ArrayCollection".to_owned(),
            value: Box::new(value(source, depth + 1)),
        },
    }
}

fn values(source: &mut Source<'_>, depth: u8) -> Vec<Value> {
    let count = source.below(5);
    (0..count).map(|_| value(source, depth + 1)).collect()
}

fn properties(source: &mut Source<'_>, depth: u8) -> Properties {
    let count = source.below(5);
    (0..count)
        .map(|index| {
            // The wire cannot have an empty name.
            let name = format!("{index}{}", text(source));
            (name, value(source, depth + 1))
        })
        .collect()
}

fn text(source: &mut Source<'_>) -> String {
    let length = usize::from(source.below(16));
    source.text(length)
}
