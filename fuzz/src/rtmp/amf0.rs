//! AMF0 values.

use super::limits;
use crate::Source;
use backline_rtmp::Error;
use backline_rtmp::amf0::{Value, decode, encode};

/// What is read can be written and means the same; reading costs no more than the caps allow.
///
/// Input: a byte of modes, a body.
pub fn amf0_decode(data: &[u8]) {
    /// The default caps: 1024 values with their names, in lists that double; 64 KiB of text, each wrong byte of which
    /// becomes three.
    const BYTES_MAX: u64 = 1 << 20;
    let mut source = Source::new(data);
    let caps = limits(source.u8() & 1 != 0);
    let body = source.rest();
    let mut values = None;
    let measured = allocation_counter::measure(|| values = decode(body, &caps).ok());
    assert!(
        measured.bytes_max <= BYTES_MAX,
        "{} bytes for {}",
        measured.bytes_max,
        body.len()
    );
    let Some(values) = values else { return };
    assert!(values.iter().map(count).sum::<u64>() <= u64::from(caps.amf_nodes));
    again(&values);
}

/// What is written reads back as it was.
///
/// Input: a recipe for values.
pub fn amf0_round_trip(data: &[u8]) {
    let mut source = Source::new(data);
    let mut values = Vec::new();
    while !source.is_empty() && values.len() < 8 {
        values.push(value(&mut source, 0));
    }
    again(&values);
}

/// Writes, reads and writes once more: the same bytes. Values are not compared, since NaN is not itself.
fn again(values: &[Value]) {
    let written = encode(values);
    let mut open = limits(false);
    open.amf_nodes = u32::MAX;
    open.amf_string_bytes = u32::MAX;
    match decode(&written, &open) {
        Ok(read) => assert_eq!(encode(&read), written, "{values:?} is read as {read:?}"),
        // The recipe may go deeper than the reader wants to.
        Err(Error::AmfDepth { .. }) => {}
        Err(error) => panic!("{error}, in what was written of {values:?}"),
    }
}

fn count(value: &Value) -> u64 {
    let inner: u64 = match value {
        Value::StrictArray(values) => values.iter().map(count).sum(),
        other => other
            .properties()
            .iter()
            .map(|(_, value)| count(value))
            .sum(),
    };
    inner + 1
}

fn value(source: &mut Source<'_>, depth: u8) -> Value {
    const DEPTH_MAX: u8 = 40;
    let length = |source: &mut Source<'_>| usize::from(source.u8());
    match source.below(if depth < DEPTH_MAX { 14 } else { 9 }) {
        0 => Value::Number(f64::from_bits(source.u64())),
        1 => Value::Boolean(source.u8() & 1 != 0),
        2 => {
            let count = length(source);
            Value::String(source.text(count))
        }
        3 => Value::Null,
        4 => Value::Undefined,
        5 => Value::Reference(source.u16()),
        6 => Value::Date(f64::from_bits(source.u64())),
        7 => Value::Unsupported,
        8 => {
            let count = length(source);
            Value::Xml(source.text(count))
        }
        // Longer than the short form of a string can say.
        9 => Value::String("long ".repeat(13_100 + length(source))),
        10 => Value::Object(properties(source, depth)),
        11 => Value::EcmaArray(properties(source, depth)),
        12 => {
            let count = source.below(6);
            Value::StrictArray((0..count).map(|_| value(source, depth + 1)).collect())
        }
        _ => {
            let count = length(source);
            let name = source.text(count);
            Value::TypedObject(name, properties(source, depth))
        }
    }
}

fn properties(source: &mut Source<'_>, depth: u8) -> Vec<(String, Value)> {
    let count = source.below(6);
    (0..count)
        .map(|_| {
            let length = usize::from(source.below(16));
            (source.text(length), value(source, depth + 1))
        })
        .collect()
}
