//! AMF0 out.

use super::{Value, marker};
use crate::amf3;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Writes values one after the other, as a body.
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

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Amf3(value) => {
            out.push(marker::AMF3);
            amf3::write(out, value);
        }
        Value::Boolean(on) => out.extend_from_slice(&[marker::BOOLEAN, u8::from(*on)]),
        Value::Date(unix_ms) => {
            out.push(marker::DATE);
            out.extend_from_slice(&unix_ms.to_be_bytes());
            out.extend_from_slice(&[0, 0]);
        }
        Value::EcmaArray(properties) => {
            out.push(marker::ECMA_ARRAY);
            let count = u32::try_from(properties.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&count.to_be_bytes());
            write_properties(out, properties);
        }
        Value::Null => out.push(marker::NULL),
        Value::Number(number) => {
            out.push(marker::NUMBER);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Object(properties) => {
            out.push(marker::OBJECT);
            write_properties(out, properties);
        }
        Value::Reference(index) => {
            out.push(marker::REFERENCE);
            out.extend_from_slice(&index.to_be_bytes());
        }
        Value::StrictArray(values) => {
            out.push(marker::STRICT_ARRAY);
            let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&count.to_be_bytes());
            for value in values {
                write(out, value);
            }
        }
        Value::String(text) => {
            if let Ok(length) = u16::try_from(text.len()) {
                out.push(marker::STRING);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(text.as_bytes());
            } else {
                out.push(marker::LONG_STRING);
                write_long(out, text);
            }
        }
        Value::TypedObject(class, properties) => {
            out.push(marker::TYPED_OBJECT);
            write_short(out, class);
            write_properties(out, properties);
        }
        Value::Undefined => out.push(marker::UNDEFINED),
        Value::Unsupported => out.push(marker::UNSUPPORTED),
        Value::Xml(text) => {
            out.push(marker::XML);
            write_long(out, text);
        }
    }
}

fn write_properties(out: &mut Vec<u8>, properties: &[(String, Value)]) {
    for (key, value) in properties {
        write_short(out, key);
        write(out, value);
    }
    out.extend_from_slice(&[0, 0, marker::OBJECT_END]);
}

/// Writes a key or a class name, cut at a character where the wire cannot say its length.
fn write_short(out: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let bytes = text.as_bytes().get(..end).unwrap_or(&[]);
    out.extend_from_slice(&u16::try_from(end).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn write_long(out: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}
