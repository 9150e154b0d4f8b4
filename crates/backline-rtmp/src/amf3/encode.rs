//! AMF3 out.

use super::{Properties, Value, marker, object};
use alloc::vec::Vec;
use bytes::Bytes;

/// The most that 29 bits say.
const U29_MAX: u32 = 0x1FFF_FFFF;
/// What whole numbers have room for: 29 bits, the sign among them.
const INTEGER_MIN: i32 = -0x1000_0000;
const INTEGER_MAX: i32 = 0x0FFF_FFFF;

/// Writes values one after the other, as a body. Each string and each class stands where it is used; references are
/// written as they are, and hold since the order of the objects does.
#[must_use]
#[expect(
    single_use_lifetimes,
    reason = "an anonymous lifetime is not stable here"
)]
pub fn encode<'a>(values: impl IntoIterator<Item = &'a Value>) -> Bytes {
    let mut out = Vec::new();
    for value in values {
        write(&mut out, value);
    }
    Bytes::from(out)
}

/// Writes one value.
pub(crate) fn write(out: &mut Vec<u8>, value: &Value) {
    out.push(to_marker(value));
    match value {
        Value::Array { dense, named } => {
            put_count(out, dense.len());
            put_properties(out, named);
            put_values(out, dense);
        }
        Value::Boolean(_) | Value::Null | Value::Undefined => {}
        Value::ByteArray(bytes) => put_bytes(out, bytes),
        Value::Date(unix_ms) => {
            put_count(out, 0);
            out.extend_from_slice(&unix_ms.to_be_bytes());
        }
        Value::Dictionary { entries, weak } => put_dictionary(out, entries, *weak),
        Value::Double(number) => out.extend_from_slice(&number.to_be_bytes()),
        Value::External { class, value } => {
            let head = object::INLINE | object::INLINE_TRAITS | object::EXTERNAL;
            put_u29(out, head);
            put_bytes(out, class.as_bytes());
            write(out, value);
        }
        Value::Integer(number) if is_29_bits(*number) => {
            put_u29(out, number.cast_unsigned() & U29_MAX);
        }
        Value::Integer(number) => out.extend_from_slice(&f64::from(*number).to_be_bytes()),
        Value::Object {
            class,
            sealed,
            dynamic,
        } => put_object(out, class, sealed, dynamic.as_ref()),
        Value::Reference { index, .. } => put_u29(out, index << 1),
        Value::String(text) | Value::Xml(text) | Value::XmlDocument(text) => {
            put_bytes(out, text.as_bytes());
        }
        Value::VectorDouble { fixed, values } => {
            put_numbers(
                out,
                *fixed,
                values.iter().map(|number| number.to_be_bytes()),
            );
        }
        Value::VectorInt { fixed, values } => {
            put_numbers(
                out,
                *fixed,
                values.iter().map(|number| number.to_be_bytes()),
            );
        }
        Value::VectorObject {
            class,
            fixed,
            values,
        } => {
            put_count(out, values.len());
            out.push(u8::from(*fixed));
            put_bytes(out, class.as_bytes());
            put_values(out, values);
        }
        Value::VectorUint { fixed, values } => {
            put_numbers(
                out,
                *fixed,
                values.iter().map(|number| number.to_be_bytes()),
            );
        }
    }
}

const fn to_marker(value: &Value) -> u8 {
    match value {
        Value::Array { .. } => marker::ARRAY,
        Value::Boolean(false) => marker::FALSE,
        Value::Boolean(true) => marker::TRUE,
        Value::ByteArray(_) => marker::BYTE_ARRAY,
        Value::Date(_) => marker::DATE,
        Value::Dictionary { .. } => marker::DICTIONARY,
        Value::Integer(number) if is_29_bits(*number) => marker::INTEGER,
        Value::Double(_) | Value::Integer(_) => marker::DOUBLE,
        Value::External { .. } | Value::Object { .. } => marker::OBJECT,
        Value::Reference { marker, .. } => *marker,
        Value::Null => marker::NULL,
        Value::String(_) => marker::STRING,
        Value::Undefined => marker::UNDEFINED,
        Value::VectorDouble { .. } => marker::VECTOR_DOUBLE,
        Value::VectorInt { .. } => marker::VECTOR_INT,
        Value::VectorObject { .. } => marker::VECTOR_OBJECT,
        Value::VectorUint { .. } => marker::VECTOR_UINT,
        Value::Xml(_) => marker::XML,
        Value::XmlDocument(_) => marker::XML_DOCUMENT,
    }
}

/// Returns whether a number has room in the bits of a whole one.
const fn is_29_bits(number: i32) -> bool {
    number >= INTEGER_MIN && number <= INTEGER_MAX
}

fn put_object(out: &mut Vec<u8>, class: &str, sealed: &Properties, dynamic: Option<&Properties>) {
    let count = u32::try_from(sealed.len()).unwrap_or(u32::MAX) << 4;
    let allows = if dynamic.is_some() {
        object::DYNAMIC
    } else {
        0
    };
    put_u29(out, count | allows | object::INLINE_TRAITS | object::INLINE);
    put_bytes(out, class.as_bytes());
    for (name, _) in sealed {
        put_bytes(out, name.as_bytes());
    }
    for (_, value) in sealed {
        write(out, value);
    }
    if let Some(dynamic) = dynamic {
        put_properties(out, dynamic);
    }
}

fn put_dictionary(out: &mut Vec<u8>, entries: &[(Value, Value)], weak: bool) {
    put_count(out, entries.len());
    out.push(u8::from(weak));
    for (key, value) in entries {
        write(out, key);
        write(out, value);
    }
}

/// Writes names and values; an empty name would end them, and is left out with its value.
fn put_properties(out: &mut Vec<u8>, properties: &Properties) {
    for (name, value) in properties.iter().filter(|(name, _)| !name.is_empty()) {
        put_bytes(out, name.as_bytes());
        write(out, value);
    }
    put_bytes(out, &[]);
}

fn put_values(out: &mut Vec<u8>, values: &[Value]) {
    for value in values {
        write(out, value);
    }
}

fn put_numbers<const N: usize>(
    out: &mut Vec<u8>,
    fixed: bool,
    numbers: impl ExactSizeIterator<Item = [u8; N]>,
) {
    put_count(out, numbers.len());
    out.push(u8::from(fixed));
    for number in numbers {
        out.extend_from_slice(&number);
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    put_u29(
        out,
        u32::try_from(count).unwrap_or(u32::MAX) << 1 | object::INLINE,
    );
}

fn put_u29(out: &mut Vec<u8>, number: u32) {
    let [a, b, c, d] = [22, 15, 8, 0].map(|shift| number >> shift);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "each is masked to what its byte has room for"
    )]
    match number {
        0..0x80 => out.push(number as u8),
        0x80..0x4000 => out.extend_from_slice(&[(number >> 7) as u8 | 0x80, number as u8 & 0x7F]),
        0x4000..0x20_0000 => out.extend_from_slice(&[
            (number >> 14) as u8 | 0x80,
            (number >> 7) as u8 | 0x80,
            number as u8 & 0x7F,
        ]),
        _ => out.extend_from_slice(&[a as u8 | 0x80, b as u8 | 0x80, c as u8 | 0x80, d as u8]),
    }
}
